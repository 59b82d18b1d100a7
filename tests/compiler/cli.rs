//! The command as a user meets it: verbs, exit codes, pipes, colors.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A model that is right, laid out as `fmt` does.
pub const GOOD: &str = "\
data y[J]: real
data sigma[J]: positive

dim J

model {
  mu ~ Normal(0, 5)
  for j in J {
    y[j] ~ Normal(mu, sigma[j])
  }
}

guide meanfield
";

pub struct Place(TempDir);

impl Place {
    pub fn new(files: &[(&str, &str)]) -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        Place(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
        command.args(args).current_dir(self.path()).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command.env_remove("PPL_DATA").env("XDG_CACHE_HOME", self.path().join("cache")).env_remove("COLUMNS");
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).stdin(Stdio::null()).output().expect("the command runs"))
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("a file")
    }
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

#[test]
fn help_and_version_are_no_failure() {
    let place = Place::new(&[]);
    let help = place.run(&["--help"]);
    assert_eq!(help.code, 0);
    for verb in ["check", "elbo", "fit", "eval", "estimators", "simulate", "fmt", "explain"] {
        assert!(help.out.contains(&format!("  {verb}")), "{}", help.out);
    }
    assert!(!help.out.contains("impute"), "what does not work is not in --help");
    assert_eq!(place.run(&["--version"]).out, format!("ppl {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_bad_command_line_is_exit_2() {
    let place = Place::new(&[("m.vi", GOOD)]);
    for args in [
        &["chek", "m.vi"][..],
        &["check"],
        &["check", "m.vi", "--jason"],
        &["check", "nowhere.vi"],
        &["check", "."],
        &["fit", "m.vi", "--set", "K"],
        &["fit", "m.vi", "--rows", "5..2"],
        &["fit", "m.vi", "--backend", "tpu"],
        &["fit", "m.vi", "--resume", "runs/m-1"],
        &["fit", "m.vi", "--resume", "runs/m-1", "--out", "runs/m-2"],
        &["fit", "m.vi", "--threads", "0"],
        &["fit", "m.vi", "--steps", "1", "--epochs", "1"],
        &["fit", "m.vi", "--steps", "5 }"],
        &["fit", "m.vi", "--optimizer", "adam(lr: 1)", "--lr", "2"],
        &["explain", "ppl::nothing"],
        &["elbo", "m.vi", "--stage", "gradients"],
    ] {
        let ran = place.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {}", ran.err);
        assert!(!ran.err.is_empty(), "{args:?}");
    }
    assert!(!place.path().join("runs").exists());
}

#[test]
fn a_verb_of_the_contract_that_is_not_there_says_so() {
    let ran = Place::new(&[]).run(&["impute", "runs/m-1", "--data", "x.csv", "--out", "y.csv"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("`ppl impute`") && ran.err.contains("is not there yet"), "{}", ran.err);
}

#[test]
fn fmt_rewrites_in_place_and_check_only_says() {
    let untidy = "model{mu~Normal(0,1)}\n";
    let place = Place::new(&[("a.vi", untidy), ("wrong.vi", "model { mu ~ }\n")]);
    let said = place.run(&["fmt", "--check", "a.vi"]);
    assert_eq!((said.code, said.out.as_str()), (1, "a.vi would change\n"));
    assert_eq!(place.read("a.vi"), untidy);
    // A file that does not parse is left alone, the others are still formatted.
    let ran = place.run(&["fmt", "wrong.vi", "a.vi"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("wrong.vi"), "{}", ran.err);
    assert_eq!(place.read("wrong.vi"), "model { mu ~ }\n");
    assert_ne!(place.read("a.vi"), untidy);
    let again = place.run(&["fmt", "--check", "a.vi"]);
    assert_eq!((again.code, again.out.as_str()), (0, ""));
    let names: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left beside the files: {names:?}");
}

#[test]
fn explain_takes_a_code_in_any_length() {
    let place = Place::new(&[]);
    let whole = place.run(&["explain", "ppl::model::funnel"]);
    assert_eq!(whole.code, 0);
    assert!(whole.out.starts_with("ppl::model::funnel\n\n") && whole.out.contains("    theta ~ Normal"));
    assert_eq!(place.run(&["explain", "funnel"]).out, whole.out);
    let near = place.run(&["explain", "ppl::model::funel"]);
    assert!(near.err.contains("is it `ppl::model::funnel`?"), "{}", near.err);
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_ends_quietly() {
    let place = Place::new(&[("m.vi", GOOD)]);
    let mut child = place
        .command(&["elbo", "m.vi", "--stage", "ast"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn colors_follow_flag_then_environment() {
    let place = Place::new(&[("wrong.vi", "model { mu ~ }\n")]);
    let colored = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = place.command(&[&["check", "wrong.vi"], args].concat());
        let ran = Ran::of(command.envs(variables.iter().copied()).output().expect("the command runs"));
        assert_eq!(ran.code, 1);
        ran.err.contains("\x1b[")
    };
    assert!(!colored(&[], &[]), "no terminal, no color");
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn check_says_everything_at_once() {
    let place = Place::new(&[("wrong.vi", "model { mu ~ }\nmodle {}\n"), ("latin.vi", "")]);
    fs::write(place.path().join("latin.vi"), b"# ok\n# caf\xe9\n").expect("a file");
    let ran = place.run(&["check", "wrong.vi"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.matches("wrong.vi:").count() >= 2, "{}", ran.err);
    let json = place.run(&["check", "wrong.vi", "--json"]);
    assert_eq!((json.code, json.err.as_str()), (1, ""));
    let value: serde_json::Value = serde_json::from_str(&json.out).expect("JSON and nothing else");
    let first = &value["diagnostics"][0];
    assert_eq!(first["severity"], "error");
    assert!(first["code"].as_str().expect("a code").starts_with("ppl::syntax::"));
    assert_eq!(first["labels"][0]["line"], 1);
    for key in ["message", "help", "fix"] {
        assert!(first.get(key).is_some(), "{key}");
    }
    let latin = place.run(&["check", "latin.vi"]);
    assert_eq!(latin.code, 1);
    assert!(latin.err.contains("latin.vi, line 2 is not UTF-8 text"), "{}", latin.err);
}

#[test]
fn check_of_a_right_model_says_nothing() {
    let place = Place::new(&[("m.vi", GOOD)]);
    let ran = place.run(&["check", "m.vi"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    let json = place.run(&["check", "m.vi", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(value, serde_json::json!({ "diagnostics": [] }));
    let verbose = place.run(&["-v", "check", "m.vi"]);
    for pass in ["parse", "check", "derive"] {
        assert!(verbose.err.contains(pass), "{}", verbose.err);
    }
}

#[test]
fn elbo_prints_what_was_derived() {
    let place = Place::new(&[("m.vi", GOOD)]);
    let elbo = place.run(&["elbo", "m.vi"]);
    assert_eq!(elbo.code, 0, "{}", elbo.err);
    assert!(elbo.out.starts_with("elbo m") && elbo.out.contains("y[j]"), "{}", elbo.out);
    let model = place.run(&["elbo", "m.vi", "--stage", "model"]);
    assert_eq!(model.code, 0);
    assert!(model.out.contains("mu"), "{}", model.out);
}

#[test]
fn a_bound_is_printed_in_every_format_it_has() {
    let place = Place::new(&[("m.vi", GOOD)]);
    let run = |stage: &str, format: &str| place.run(&["elbo", "m.vi", "--stage", stage, "--format", format]);
    let json: serde_json::Value = serde_json::from_str(&run("elbo", "json").out).expect("JSON and nothing else");
    assert_eq!((&json["model"], &json["format"]), (&"m".into(), &1.into()));
    assert_eq!(json["sites"][0]["name"], "mu");
    let terms = json["terms"].as_array().expect("terms");
    let signs = terms.iter().map(|term| term["sign"].as_i64().expect("a sign"));
    let text = run("elbo", "text").out;
    for (term, sign) in terms.iter().zip(signs) {
        let line = format!("  {} {}", if sign < 0 { '-' } else { '+' }, term["text"].as_str().expect("text"));
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
    assert!(run("elbo", "latex").out.starts_with("\\documentclass"));
    let graph = run("elbo", "dot").out;
    assert!(graph.contains("\"mu\" -> \"y\"") && graph.contains("label=\"j in J\""), "{graph}");
    let model: serde_json::Value = serde_json::from_str(&run("model", "json").out).expect("JSON");
    assert_eq!((&model["stage"], &model["data"][0]["rows"][0]), (&"model".into(), &"J".into()));
    assert!(!run("model", "dot").out.contains("guide"));
    let refused = run("model", "latex");
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    assert!(refused.err.contains("latex is a format of `--stage elbo`"), "{}", refused.err);
}

#[test]
fn plans_are_printed_at_the_sizes_of_the_data() {
    let place = Place::new(&[("m.vi", GOOD), ("none.vi", "model { z ~ Normal(0, 1) }\n")]);
    let refused = place.run(&["elbo", "m.vi", "--stage", "plan"]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "a plan needs data");
    assert!(refused.err.contains("add `--data FILE`"), "{}", refused.err);
    let plan = place.run(&["elbo", "m.vi", "--stage", "plan", "--data", "eight_schools"]);
    assert_eq!(plan.code, 0, "{}", plan.err);
    assert!(plan.out.starts_with("plan m  ") && plan.out.contains("  J = 8, 1 draw\n"), "{}", plan.out);
    assert!(plan.out.contains("output bound = %") && !plan.out.contains("output gradient"), "{}", plan.out);
    let gradient = place.run(&["elbo", "m.vi", "--stage", "gradient", "--data", "eight_schools"]);
    assert!(gradient.out.contains("loc of mu") && gradient.out.contains("output gradient = %"), "{}", gradient.out);
    let none = place.run(&["elbo", "none.vi", "--stage", "plan"]);
    assert_eq!(none.code, 0, "a model without data needs none: {}", none.err);
    assert!(none.out.contains("input params [2]"), "{}", none.out);
}

#[test]
fn a_fit_writes_a_run_and_never_over_another() {
    let place = Place::new(&[("m.vi", GOOD)]);
    let fit = ["fit", "m.vi", "--data", "eight_schools"];
    let ran = place.run(&fit);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("deterministic path: "), "{}", ran.out);
    assert!(ran.out.trim_end().ends_with("runs/m-1") || ran.out.trim_end().ends_with("runs\\m-1"), "{}", ran.out);
    assert_eq!(place.read("runs/m-1/model.vi"), GOOD);
    let summary: serde_json::Value = serde_json::from_str(&place.read("runs/m-1/summary.json")).expect("JSON");
    assert_eq!((&summary["model"], &summary["rows"], &summary["converged"]), (&"m".into(), &8.into(), &true.into()));
    // One Normal mean is conjugate: precision-weighted, and the bound is the log evidence.
    assert!((summary["sites"]["mu"]["mean"].as_f64().expect("a number") - 4.6).abs() < 0.3, "{summary}");
    let evidence = summary["importance"]["log_evidence"].as_f64();
    assert!(summary["khat"].is_null() || evidence.is_some());
    let draws = place.read("runs/m-1/draws.csv");
    assert!(draws.starts_with("log_p__,log_g__,mu\n") && draws.lines().count() == 1001);
    let second = place.run(&[&fit[..], &["--quiet", "-v"]].concat());
    for pass in ["parse", "check", "derive", "read", "bind", "fit", "write"] {
        let told = second.err.lines().any(|line| line.starts_with(pass) && line.ends_with(" ms"));
        assert!(told, "{pass} is not in\n{}", second.err);
    }
    assert_eq!((second.code, second.out.trim().ends_with("m-2"), second.out.lines().count()), (0, true, 1));
    let refused = place.run(&[&fit[..], &["--out", "runs/m-1"]].concat());
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("ppl::run::exists"), "{}", refused.err);
    let forced = place.run(&[&fit[..], &["--out", "runs/m-1", "--force", "--json", "--seed", "3"]].concat());
    assert_eq!(forced.code, 0, "{}", forced.err);
    let summary: serde_json::Value = serde_json::from_str(&forced.out).expect("JSON and nothing else");
    assert_eq!(summary["seed"], 3);
}

#[test]
fn flags_take_the_place_of_entries() {
    let place = Place::new(&[("m.vi", &format!("{GOOD}\nfit {{\n  epochs: 7\n}}\n"))]);
    let args = ["fit", "m.vi", "--data", "eight_schools", "--steps", "30", "--lr", "0.1", "--json"];
    let ran = place.run(&args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let summary: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((&summary["steps"], &summary["path"]), (&30.into(), &"stochastic".into()));
    assert_eq!((&summary["path_because"], &summary["converged"]), (&"steps given".into(), &serde_json::Value::Null));
    let wrong = place.run(&["fit", "m.vi", "--data", "eight_schools", "--steps", "many"]);
    assert_eq!(wrong.code, 1, "{}", wrong.err);
}

#[test]
fn fix_rewrites_the_centred_hierarchy_and_shows_the_difference() {
    let centred = GOOD.replace("  for j in J {", "  tau ~ HalfCauchy(5)\n  for j in J {\n    theta ~ Normal(mu, tau)");
    let centred = centred.replace("y[j] ~ Normal(mu, sigma[j])", "y[j] ~ Normal(theta, sigma[j])");
    let place = Place::new(&[("m.vi", &centred)]);
    let lint = place.run(&["check", "m.vi"]);
    assert_eq!(lint.code, 0, "a warning is no failure");
    assert!(lint.err.contains("ppl::model::funnel"), "{}", lint.err);
    let fixed = place.run(&["check", "--fix", "m.vi"]);
    assert_eq!(fixed.code, 0, "{}", fixed.err);
    assert!(fixed.out.contains("-    theta ~ Normal(mu, tau)") && fixed.out.contains("+    theta = "), "{}", fixed.out);
    let again = place.run(&["check", "m.vi"]);
    assert_eq!((again.code, again.err.contains("funnel")), (0, false), "{}", again.err);
    assert_eq!(place.run(&["fmt", "--check", "m.vi"]).code, 0, "a fix keeps the layout");
}
