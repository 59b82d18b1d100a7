//! k-hat row by row: a Gaussian guide that is too narrow has the tail that its variance says.

use std::fs;
use std::process::Command;

/// `khat_rows` of z ~ Normal(0, 1), y ~ Normal(z, 1) under a guide with the right mean and this sd, which no step moves.
fn rows(sd: f64) -> (f64, f64, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let model = format!(
        "dim N\ndata y[N]: real\nmodel {{\n  for n in N {{\n    z ~ Normal(0, 1)\n    y[n] ~ Normal(z, 1)\n  }}\n}}\n\
         guide {{\n  param s: positive = {sd}\n  for n in N {{ z ~ Normal(y[n] / 2, s) }}\n}}\n"
    );
    let data: String = (0..40).map(|i| format!("{}\n", (f64::from(i) * 0.7).sin() * 2.0)).collect();
    fs::write(folder.path().join("m.vi"), model).expect("a model");
    fs::write(folder.path().join("d.csv"), format!("y\n{data}")).expect("data");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
    let args = ["fit", "m.vi", "--data", "d.csv", "--batch", "N=8", "--steps", "10", "--optimizer", "sgd(lr: 1e-12)"];
    let output = command.args(args).args(["--json"]).current_dir(folder.path()).output().expect("the command runs");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    assert!(summary["khat"].is_null(), "rows are batched: {summary}");
    let warnings = summary["warnings"].as_array().expect("a list");
    let codes = warnings.iter().map(|w| w["code"].as_str().unwrap_or("").to_string()).collect();
    let number = |key: &str| summary["khat_rows"][key].as_f64().expect("a number");
    (number("median"), number("above"), codes)
}

#[test]
fn a_row_has_the_tail_that_its_variance_says() {
    let exact = 0.5f64.sqrt();
    let (median, above, codes) = rows(exact);
    assert!(median.abs() < 1e-6 && above == 0.0 && codes.is_empty(), "{median}, {above}, {codes:?}");
    // Weights of N(m, v) drawn from N(m, w) with w < v have the tail index 1 - w / v.
    let (median, above, codes) = rows(0.15);
    assert!((median - (1.0 - 0.0225 / 0.5)).abs() < 0.15, "{median}");
    assert!(above > 0.5 && codes == ["ppl::fit::khat_rows"], "{above}, {codes:?}");
    let (median, above, _) = rows(0.6);
    assert!((median - (1.0 - 0.36 / 0.5)).abs() < 0.15 && above < 0.2, "{median}, {above}");
}
