//! The same bytes for any number of threads.

use std::fs;
use std::path::Path;
use std::process::Command;

/// `draws.csv` and the summary without its times and what is summed with them.
fn fit(args: &[&str], threads: &str) -> (String, serde_json::Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
    let out = folder.path().join("run");
    command.arg("fit").args(args).args(["--threads", threads, "--quiet", "--out"]).arg(&out).current_dir(root);
    let output = command.output().expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| fs::read_to_string(out.join(name)).expect("a file of the run");
    let mut summary: serde_json::Value = serde_json::from_str(&read("summary.json")).expect("json");
    for timed in ["seconds", "checksum"] {
        summary.as_object_mut().expect("an object").remove(timed);
    }
    summary["checksums"]["trace.csv"].take();
    (read("draws.csv"), summary)
}

fn same(args: &[&str]) {
    let one = fit(args, "1");
    for threads in ["2", "3"] {
        assert!(fit(args, threads) == one, "{args:?} in {threads} threads");
    }
}

#[test]
fn a_deterministic_fit_does_not_depend_on_threads() {
    same(&["models/eight_schools.vi", "--data", "eight_schools"]);
}

#[test]
fn a_fit_of_images_does_not_depend_on_threads() {
    let Ok(data) = std::env::var("PPL_TEST_DATA") else { return println!("skipped: PPL_TEST_DATA is not set") };
    if data.is_empty() {
        return println!("skipped: PPL_TEST_DATA is empty");
    }
    let folder = format!("{data}/mnist");
    same(&["models/vae.vi", "--data", &folder, "--rows", "0..1000", "--steps", "8"]);
}
