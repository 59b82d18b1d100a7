//! Values that are not proven to fit are looked at when they are computed: one outside stops the fit, by site and row.

use std::fs;
use std::process::Command;

const ROWS: &str = "y,x\n1,0.5\n2,-1\n3,2\n";

/// `ppl fit` of a model's blocks over y and x: exit code and what was said.
fn fit(blocks: &str, y: &str, args: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let model = format!("dim N\ndata y[N]: {y}\ndata x[N]: real\n\n{blocks}\n");
    fs::write(folder.path().join("m.vi"), model).expect("a model");
    fs::write(folder.path().join("d.csv"), ROWS).expect("data");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
    command.args(["fit", "m.vi", "--data", "d.csv", "--quiet"]).args(args).current_dir(folder.path());
    let output = command.env_remove("CLICOLOR_FORCE").env("NO_COLOR", "1").output().expect("the command runs");
    let code = output.status.code().unwrap_or(-1);
    assert!(code == 0 || !folder.path().join("runs/m-1/summary.json").exists(), "no run of a fit that was stopped");
    (code, String::from_utf8(output.stderr).expect("text"))
}

fn stops(blocks: &str, y: &str, args: &[&str], said: &[&str]) {
    let (code, text) = fit(blocks, y, args);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("ppl::fit::support"), "{text}");
    said.iter().for_each(|part| assert!(text.contains(part), "`{part}` in\n{text}"));
}

#[test]
fn what_the_data_alone_make_wrong_is_said_before_the_fit() {
    stops(
        "model {\n  a ~ Normal(0, 1)\n  for n in N { y[n] ~ Normal(a, x[n] + 0.5) }\n}",
        "real",
        &[],
        &["`scale` of Normal for `y` is -0.5, which is not `positive`, at row n = 1", "[m.vi:7:33]", "exp(x[n] + 0.5)"],
    );
}

#[test]
fn a_value_of_latents_stops_both_paths() {
    let model = "model {\n  a ~ Normal(0, 1)\n  for n in N { y[n] ~ Poisson(a + x[n]) }\n}";
    for args in [&[][..], &["--steps", "20"]] {
        stops(model, "count", args, &["`rate` of Poisson for `y`", "at row n = ", "not `positive`"]);
    }
}

#[test]
fn a_guide_factor_is_looked_at_in_the_rows_of_its_batch() {
    let model = "model {\n  for n in N {\n    z ~ Normal(0, 1)\n    y[n] ~ Normal(z, 1)\n  }\n}\nguide {\n  \
                 param s: real = 1\n  for i in N {\n    z ~ Normal(0, s - 0.4 - 0.4 * x[i])\n  }\n}";
    // Only the last row is outside at the start: 1 - .4 - .8.
    let said = ["`scale` of Normal for `z` is -0.2, which is not `positive`, at row n = 2"];
    stops(model, "real", &["--steps", "5"], &said);
    stops(model, "real", &["--steps", "5", "--batch", "N=1", "--optimizer", "adam(lr: 1e-9)"], &said);
}

#[test]
fn vectors_are_looked_at_whole() {
    let model = "param s: real = 0.2\nmodel {\n  for n in N { y[n] ~ Categorical([s, s, s]) }\n}";
    let (code, text) = fit(model, "category(3)", &[]);
    // 3 is no label of three: the data are wrong before the fit is.
    assert_eq!((code, text.contains("ppl::data::")), (1, true), "{text}");
    let model = "param s: real = 0.2\nmodel {\n  for n in N { y[n] ~ Categorical([s, s, s, s]) }\n}";
    stops(model, "category(4)", &[], &["`p` of Categorical for `y` is not `simplex[4]`"]);
}

#[test]
fn a_search_may_look_beyond_and_turn_back() {
    // The scale is negative below -.05, near the start; the optimum lies well inside.
    let model = "param a: real = 0.5\nmodel {\n  for n in N { y[n] ~ Normal(0, 0.1 + 2 * a) }\n}";
    let (code, text) = fit(model, "real", &[]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn counts_are_those_of_all_tries() {
    // Two outcomes, of which the first comes y times: in the last row that leaves 3 of 4 tries.
    let model = "data c[N]: count[2] = [y, 1]\nmodel {\n  p: simplex[2] ~ Dirichlet(1)\n  a ~ Normal(0, 1)\n  \
                 for n in N {\n    c[n] ~ Multinomial(y[n] + (if x[n] > 1 then 2 else 1), p)\n    x[n] ~ Normal(a, 1)\n  }\n}";
    let said = ["`n` of Multinomial less the sum of the counts for `c` lies 1 above", "at row n = 2"];
    stops(model, "count", &[], &said);
}

#[test]
fn data_beyond_an_end_of_their_distribution_are_named() {
    let model = "model {\n  a ~ Gamma(2, 1)\n  for n in N { y[n] ~ Truncated(Poisson(a), lo: 2) }\n}";
    let said =
        ["`y` less `lo` of Truncated is -1, below 0, at row n = 0", "no such value is drawn", "change the bounds"];
    stops(model, "count", &[], &said);
}

/// Stops with exit code 3 and these words; the same number of steps can be gone on from.
fn fails(blocks: &str, args: &[&str], said: &[&str]) {
    let (code, text) = fit(blocks, "real", args);
    assert_eq!(code, 3, "{text}");
    // Lines are broken where the screen ends.
    let flat = text.replace("│", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    said.iter().for_each(|part| assert!(flat.contains(part), "`{part}` in\n{text}"));
}

#[test]
fn what_is_no_number_at_the_start_is_followed_to_where_it_began() {
    let model = "model {\n  a ~ Normal(0, 1)\n  for n in N {\n    r = log(x[n])\n    y[n] ~ Normal(a * r, 1)\n  }\n}";
    let said = ["ppl::fit::no_start", "`log(x[n])` is no number in the log density of `y`, at row n = 1", "[m.vi:8:9]"];
    fails(model, &[], &[&said[..], &["made of data alone"]].concat());
    fails(model, &["--guide", "laplace"], &said);
}

#[test]
fn a_step_that_is_not_finite_names_operation_and_row_and_keeps_what_was_good() {
    let model = "model {\n  b ~ Normal(0, 1)\n  for n in N { y[n] ~ Normal(exp(exp(b * x[n])), 1) }\n}";
    let said = [
        "ppl::fit::not_finite",
        "the bound is not finite at step ",
        "is inf in the log density of `y`, at row n = ",
        "The last good state is kept: --resume",
    ];
    for batch in [&[][..], &["--batch", "N=2"]] {
        fails(model, &[&["--steps", "4000", "--optimizer", "adam", "--lr", "9"], batch].concat(), &said);
    }
    // What the guide draws is told as that.
    let guided = "model {\n  for n in N {\n    z ~ Normal(0, 1)\n    y[n] ~ Normal(sqrt(abs(z)), 1)\n  }\n}\nguide {\n  \
                  param s: positive = 1\n  for n in N { z ~ Normal(x[n] * s, exp(s * 500 - 800)) }\n}";
    fails(guided, &["--steps", "400", "--lr", "3"], &["the draw of `z[n]` is ", "at row n = 0"]);
}
