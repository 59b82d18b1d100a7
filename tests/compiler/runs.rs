//! RUN folders as a user meets them: fits that are stopped, killed and gone on with, and folders that are not as written.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ppl::run::{Folder, Run};
use serde_json::Value;

use crate::cli::{GOOD, Place, Ran};

/// Files of a run but for what is measured by a clock.
fn timeless(run: &Path) -> Vec<(String, String)> {
    let read = |file: &str| fs::read_to_string(run.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut summary: Value = serde_json::from_str(&read("summary.json")).expect("JSON");
    summary["seconds"].take();
    summary["checksum"].take();
    summary["checksums"]["trace.csv"].take();
    let kept_cell = |(i, cell): (usize, &str)| (i != 2).then(|| format!("{cell},"));
    let cells = |line: &str| line.split(',').enumerate().filter_map(kept_cell).collect::<String>() + "\n";
    let trace = read("trace.csv").lines().map(cells).collect();
    let params = format!("{:?}", fs::read(run.join("params.safetensors")).expect("params"));
    let mut files = vec![("summary".into(), summary.to_string()), ("trace".into(), trace), ("params".into(), params)];
    files.extend(["draws.csv", "model.vi", "elbo.txt"].map(|file| (file.to_string(), read(file))));
    files
}

#[track_caller]
fn assert_same(place: &Place, run: &str, whole: &str) {
    for ((file, one), (_, other)) in timeless(&place.path().join(run)).iter().zip(&timeless(&place.path().join(whole)))
    {
        assert!(one == other, "{file} of {run} differs:\n{one}\n\nand of {whole}:\n{other}");
    }
}

fn start(place: &Place, args: &[&str]) -> Child {
    place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command runs")
}

/// Waits until the condition holds.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(120), "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// Steps of the fit whose state is kept there.
fn steps(run: &Path) -> usize {
    let (_, kept) = Run::resume(Folder::new(run)).expect("a run that can be gone on with");
    let counts = kept.and_then(|kept| kept.state.get("fit.ascent.counts").map(|counts| counts[0] as usize));
    counts.unwrap_or(0)
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_after_the_step_and_the_run_goes_on_to_the_same_bits() {
    let place = Place::new(&[("m.vi", GOOD)]);
    let fit = ["fit", "m.vi", "--data", "eight_schools", "--seed", "7"];
    assert_eq!(place.run(&[&fit[..], &["--out", "whole"]].concat()).code, 0);
    let child = start(&place, &[&fit[..], &["--steps", "2000000000", "--out", "stochastic"]].concat());
    let begun = place.path().join("stochastic/elbo.txt");
    until("the fit begins", || begun.exists());
    std::thread::sleep(Duration::from_millis(100));
    signal(&child, "INT");
    let ran = Ran::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, 130, "{}", ran.err);
    let summary: Value = serde_json::from_str(&place.read("stochastic/summary.json")).expect("JSON");
    let stopped = summary["steps"].as_u64().expect("steps") as usize;
    assert!(stopped < 2_000_000_000 && summary["interrupted"] == true, "{summary}");
    assert_eq!(stopped, steps(&place.path().join("stochastic")));
    assert!(place.read("stochastic/draws.csv").lines().count() == 1001);
    // Any end from here on is that of a fit that was asked for so many steps at once.
    let end = (stopped + 250).max(10_000).to_string();
    let went_on = ["fit", "m.vi", "--data", "eight_schools", "--resume", "stochastic", "--steps", &end];
    let resumed = place.run(&went_on);
    assert_eq!((resumed.code, resumed.out.trim_end().ends_with("stochastic")), (0, true), "{}", resumed.err);
    assert_eq!(place.run(&[&fit[..], &["--steps", &end, "--out", "whole-2"]].concat()).code, 0);
    assert_same(&place, "stochastic", "whole-2");

    // The deterministic path, stopped before or in its few steps, with the seed that was kept.
    let child = start(&place, &[&fit[..], &["--out", "deterministic"]].concat());
    until("the fit begins", || place.path().join("deterministic/state.safetensors").exists());
    signal(&child, "INT");
    assert!([0, 130].contains(&Ran::of(child.wait_with_output().expect("it ends")).code));
    let resumed = place.run(&["fit", "m.vi", "--data", "eight_schools", "--resume", "deterministic"]);
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    assert_same(&place, "deterministic", "whole");
    // What is over stays as it is.
    assert_eq!(place.run(&["fit", "m.vi", "--data", "eight_schools", "--resume", "deterministic"]).code, 0);
    assert_same(&place, "deterministic", "whole");
}

#[test]
#[cfg(unix)]
fn a_killed_fit_goes_on_from_what_it_kept_to_the_same_bits() {
    let place = Place::new(&[("m.vi", GOOD)]);
    let fit = ["fit", "m.vi", "--data", "eight_schools"];
    let mut child = start(&place, &[&fit[..], &["--steps", "2000000000", "--out", "run"]].concat());
    let state = place.path().join("run/state.safetensors");
    until("the fit begins", || state.exists());
    let size = || fs::metadata(&state).map_or(0, |metadata| metadata.len());
    let first = size();
    until("a state is kept", || size() > first + 100);
    // While it is written, nobody else writes there.
    let refused = place.run(&[&fit[..], &["--resume", "run"]].concat());
    assert_eq!((refused.code, refused.err.contains("ppl::run::locked")), (2, true), "{}", refused.err);
    signal(&child, "KILL");
    child.wait().expect("it ends");
    let kept = steps(&place.path().join("run"));
    assert!(kept > 0 && !place.path().join("run/summary.json").exists());
    let end = (kept + 250).max(10_000).to_string();
    let resumed = place.run(&[&fit[..], &["--resume", "run", "--steps", &end]].concat());
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    assert_eq!(place.run(&[&fit[..], &["--steps", &end, "--out", "whole"]].concat()).code, 0);
    assert_same(&place, "run", "whole");
    let left: Vec<_> = fs::read_dir(place.path().join("run")).expect("the run").flatten().collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn another_model_or_other_data_are_told_apart() {
    let other = GOOD.replace("Normal(0, 5)", "Normal(0, 6)");
    let data = "y,sigma\n28,15\n8,10\n";
    let place = Place::new(&[("m.vi", GOOD), ("other.vi", &other), ("d.csv", data)]);
    let fit = ["fit", "m.vi", "--data", "eight_schools", "--steps", "20", "--lr", "0.1", "--out", "run"];
    assert_eq!(place.run(&fit).code, 0);
    for (args, says) in [
        (&["m.vi", "--data", "d.csv"][..], "run is a run of another data"),
        (&["other.vi", "--data", "eight_schools"], "run is a run of another model"),
        (&["m.vi", "--data", "eight_schools", "--guide", "fullrank"], "another model"),
        (&["m.vi", "--data", "eight_schools", "--seed", "1"], "`--seed` (0 there, 1 here)"),
        (&["m.vi", "--data", "eight_schools", "--optimizer", "sgd"], "`--optimizer` (not given there, sgd here)"),
    ] {
        let ran = place.run(&[&["fit"], args, &["--resume", "run"]].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {}", ran.err);
        assert!(ran.err.contains("ppl::run::differs") && ran.err.contains(says), "{args:?}: {}", ran.err);
    }
    let summary = place.read("run/summary.json");
    assert!(summary.contains("\"steps\": 20"), "the run is as it was");
    let missing = place.run(&["fit", "m.vi", "--data", "eight_schools", "--resume", "nowhere"]);
    assert_eq!((missing.code, missing.err.contains("ppl::run::no_run")), (2, true), "{}", missing.err);
    // Flags that are not given are those of the run.
    let again = place.run(&["fit", "m.vi", "--data", "eight_schools", "--resume", "run", "--json"]);
    let again: Value = serde_json::from_str(&again.out).expect("JSON");
    assert_eq!((&again["steps"], &again["path_because"]), (&20.into(), &"steps given".into()));
}

#[test]
fn a_file_that_is_not_as_written_is_named_and_not_used() {
    let place = Place::new(&[("m.vi", GOOD)]);
    let fit = ["fit", "m.vi", "--data", "eight_schools"];
    assert_eq!(place.run(&[&fit[..], &["--out", "run"]].concat()).code, 0);
    let state = place.path().join("run/state.safetensors");
    let whole = fs::read(&state).expect("a state");
    let mut flipped = whole.clone();
    flipped[whole.len() - 20] ^= 1;
    for bytes in [&flipped[..], &whole[..whole.len() / 2], &[]] {
        fs::write(&state, bytes).expect("written");
        let ran = place.run(&[&fit[..], &["--resume", "run"]].concat());
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
        assert!(ran.err.contains("ppl::run::damaged") && ran.err.contains("run/state.safetensors"), "{}", ran.err);
    }
    let newer = String::from_utf8_lossy(&whole[..]).find("format").expect("a format");
    let mut bytes = whole.clone();
    let at = newer + bytes[newer..].iter().position(|byte| *byte == b'1').expect("1");
    bytes[at] = b'2';
    fs::write(&state, bytes).expect("written");
    let ran = place.run(&[&fit[..], &["--resume", "run"]].concat());
    assert_eq!((ran.code, ran.err.contains("a newer version of ppl wrote it")), (2, true), "{}", ran.err);
}

#[test]
fn a_folder_that_cannot_be_written_is_said_before_the_fit() {
    let place = Place::new(&[("m.vi", GOOD), ("file", "")]);
    let ran = place.run(&["fit", "m.vi", "--data", "eight_schools", "--out", "file/run"]);
    assert_eq!((ran.code, ran.err.contains("ppl::run::open")), (3, true), "{}", ran.err);
    let locked = place.path().join("locked");
    fs::create_dir(&locked).expect("a folder");
    let mut permissions = fs::metadata(&locked).expect("a folder").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&locked, permissions).expect("read-only");
    // Root writes everywhere.
    if fs::write(locked.join("probe"), "").is_err() {
        let ran = place.run(&["fit", "m.vi", "--data", "eight_schools", "--out", "locked"]);
        assert_eq!((ran.code, ran.err.contains("ppl::run::open")), (3, true), "{}", ran.err);
        let ran = place.run(&["fit", "m.vi", "--data", "eight_schools", "--out", "locked/run"]);
        assert_eq!((ran.code, ran.err.contains("ppl::run::open")), (3, true), "{}", ran.err);
    }
}

#[test]
#[cfg(unix)]
fn a_fit_whose_reader_has_gone_ends_quietly_and_is_kept() {
    let place = Place::new(&[("m.vi", GOOD)]);
    let mut child = start(&place, &["fit", "m.vi", "--data", "eight_schools", "--out", "run"]);
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(place.path().join("run/summary.json").exists());
}

/// One normal mean: the expected log density of a new row is in closed form.
#[test]
fn eval_tells_the_bound_of_rows_that_the_fit_has_not_seen() {
    let text = "dim N\ndata x[N]: real = standardize(age)\ndata g[N]: category(2) = levels(group)\n\
                model {\n  m ~ Normal(0, 10)\n  for n in N {\n    x[n] ~ Normal(m, 2)\n  }\n}\n";
    let place = Place::new(&[
        ("m.vi", text),
        ("d.csv", "age,group\n10,b\n20,a\n30,b\n40,a\n"),
        ("new.csv", "age,group\n70,b\n"),
    ]);
    assert_eq!(place.run(&["fit", "m.vi", "--data", "d.csv", "--out", "run"]).code, 0);
    let summary: Value = serde_json::from_str(&place.read("run/summary.json")).expect("JSON");
    let mean = summary["sites"]["m"]["mean"].as_f64().expect("a mean");
    let sd = summary["sites"]["m"]["sd"].as_f64().expect("an sd");
    // The age is standardized as in the fit: mean 25, sd sqrt(125).
    let x = (70.0 - 25.0) / 125f64.sqrt();
    let expected = -0.5 * (8.0 * std::f64::consts::PI).ln() - ((x - mean).powi(2) + sd * sd) / 8.0;
    let eval = ["eval", "run", "--data", "new.csv", "--json"];
    let ran = place.run(&[&eval[..], &["--samples", "4000", "--out", "rows.csv"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told: Value = serde_json::from_str(&ran.out).expect("JSON and nothing else");
    let (bound, se) = (told["mean"].as_f64().expect("a mean"), told["se"].as_f64().expect("an se"));
    assert!((bound - expected).abs() < 5.0 * se + 0.02 && se > 0.0 && se < 0.05, "{told}: {expected} is expected");
    assert!(place.read("rows.csv").starts_with(&format!("row,elbo,se\n0,{bound}")), "{}", place.read("rows.csv"));
    // The mean of the density is that of a Normal with both variances, and above the mean of its logarithm.
    let ran = place.run(&[&eval[..], &["--samples", "4000", "--bound", "iwae"]].concat());
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    let variance = 4.0 + sd * sd;
    let density = -0.5 * (2.0 * std::f64::consts::PI * variance).ln() - (x - mean).powi(2) / (2.0 * variance);
    let iwae = told["mean"].as_f64().expect("a mean");
    assert!(
        (iwae - density).abs() < 5.0 * told["se"].as_f64().expect("an se") + 0.02 && iwae > bound,
        "{told}: {density}"
    );
    let plain = place.run(&["eval", "run", "--data", "new.csv"]);
    assert!(plain.out.starts_with("m: 1 rows, 5000 draws a row\nelbo per row  -"), "{}", plain.out);

    // A level that the fit did not have has no code.
    fs::write(place.path().join("new.csv"), "age,group\n70,c\n").expect("written");
    let ran = place.run(&eval);
    assert_eq!((ran.code, ran.err.contains("ppl::data::level")), (1, true), "{}", ran.err);
    // A damaged file is named, and nothing is computed from it.
    let params = place.path().join("run/params.safetensors");
    let mut bytes = fs::read(&params).expect("params");
    let last = bytes.len() - 1;
    bytes[last] ^= 16;
    fs::write(&params, bytes).expect("written");
    fs::write(place.path().join("new.csv"), "age,group\n70,a\n").expect("written");
    let ran = place.run(&eval);
    assert_eq!(
        (ran.code, ran.err.contains("run/params.safetensors is not as it was written")),
        (3, true),
        "{}",
        ran.err
    );
    let ran = place.run(&["eval", "nowhere", "--data", "new.csv"]);
    assert_eq!((ran.code, ran.err.contains("ppl::run::no_run")), (2, true), "{}", ran.err);
}

/// Local latents with a written guide: the bound of a row is that of its own draws.
#[test]
fn eval_follows_an_amortized_guide_to_new_rows() {
    let text = "dim N\ndata x[N]: real\nnet q(x: real) -> (loc: real, scale: positive) {\n  loc   = dense(x)\n  scale = exp(dense(x))\n}\n\
                model {\n  for n in N {\n    z ~ Normal(0, 1)\n    x[n] ~ Normal(z, 1)\n  }\n}\nguide {\n  for n in N {\n    \
                z ~ Normal(q(x[n]))\n  }\n}\nfit { steps: 600; optimizer: adam(lr: 2e-2) }\n";
    let rows = "x\n0.3\n-1.2\n2\n0.7\n-0.4\n1.1\n";
    let place = Place::new(&[("m.vi", text), ("d.csv", rows), ("new.csv", "x\n1\n-0.5\n0.25\n")]);
    let ran = place.run(&["fit", "m.vi", "--data", "d.csv", "--out", "run"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    // x is Normal(0, sqrt 2): no bound is above its density, and iwae comes close to it.
    let density = |x: f64| -0.5 * (4.0 * std::f64::consts::PI).ln() - x * x / 4.0;
    let exact = [1.0, -0.5, 0.25].map(density).iter().sum::<f64>() / 3.0;
    for (bound, below) in [("elbo", 0.5), ("iwae", 0.02)] {
        let ran = place.run(&["eval", "run", "--data", "new.csv", "--json", "--bound", bound, "--samples", "2000"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let told: Value = serde_json::from_str(&ran.out).expect("JSON");
        let (mean, se) = (told["mean"].as_f64().expect("a mean"), told["se"].as_f64().expect("an se"));
        assert!(mean < exact + 4.0 * se + 1e-6 && mean > exact - below - 4.0 * se, "{told}: the density is {exact}");
        assert_eq!(told["rows"], 3);
    }
}

#[test]
fn rows_with_factors_of_their_own_cannot_be_evaluated() {
    let text = "dim N\ndata x[N]: real\nmodel {\n  for n in N {\n    z ~ Normal(0, 1)\n    x[n] ~ Normal(z, 1)\n  }\n}\nguide meanfield\n";
    let place = Place::new(&[("m.vi", text), ("d.csv", "x\n1\n2\n")]);
    assert_eq!(place.run(&["fit", "m.vi", "--data", "d.csv", "--out", "run"]).code, 0);
    let ran = place.run(&["eval", "run", "--data", "d.csv"]);
    assert_eq!((ran.code, ran.err.contains("ppl::limitation::held_out")), (1, true), "{}", ran.err);
    assert!(ran.err.contains("`z` has a factor of its own for every row of"), "{}", ran.err);
}

/// Every joint guide is read back as it was written, by either path.
#[test]
fn the_columns_of_a_low_rank_are_evaluated() {
    let text = "dim N\ndata a[N]: real\ndata x[N]: real\nmodel {\n  m ~ Normal(0, 3)\n  b ~ Normal(0, 3)\n  \
                for n in N { x[n] ~ Normal(m + b * a[n], 1) }\n}\n";
    let rows: String = (0..12).map(|n| format!("{},{}\n", 3 + n % 4, f64::from(n % 5) - 1.5)).collect();
    let place = Place::new(&[("m.vi", text), ("d.csv", &format!("a,x\n{rows}"))]);
    let told = |run: &str, args: &[&str]| {
        let ran = place.run(&[&["fit", "m.vi", "--data", "d.csv", "--out", run][..], args].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let ran = place.run(&["eval", run, "--data", "d.csv", "--json", "--samples", "20000"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let told: Value = serde_json::from_str(&ran.out).expect("JSON");
        told["mean"].as_f64().expect("a mean")
    };
    let full = told("full", &["--guide", "fullrank"]);
    let low = told("low", &["--guide", "lowrank(1)"]);
    let stepped = told("stepped", &["--guide", "lowrank(1)", "--steps", "2000", "--optimizer", "adam(lr: 0.02)"]);
    // With two latents one column says all; without it rows would be told far worse, since m and b are nearly one number.
    assert!((low - full).abs() < 0.02 && (stepped - full).abs() < 0.05, "{full} {low} {stepped}");
}

/// Rows that followed a batch are told as those of a fit of all rows; latents of rows that nobody observed are not.
#[test]
fn rows_that_followed_a_batch_are_evaluated() {
    let text = "dim G = 4\ndim N\ndata g[N]: category(G)\ndata x[N]: real\nmodel {\n  for j in G { e ~ Normal(0, 2) }\n  \
                for n in N { x[n] ~ Normal(e[g[n]], 1) }\n}\n";
    let rows: String = (0..30).map(|n| format!("{},{}\n", n * n % 4, f64::from(n % 7) - 2.5)).collect();
    let amortized = text.replace("data x[N]", "data a[G]: real\ndata x[N]")
        + "guide { for j in G { e ~ Normal(a[j], 1) } }\nfit { batch: G = 3; steps: 2 }\n";
    let place = Place::new(&[
        ("m.vi", text),
        ("d.csv", &format!("g,x\n{rows}")),
        ("a.vi", &amortized),
        ("a.csv", "a\n1\n0\n2\n-1\n"),
    ]);
    let told = |args: &[&str], run: &str| {
        let ran = place.run(&[&["fit", "m.vi", "--data", "d.csv", "--out", run][..], args].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let ran = place.run(&["eval", run, "--data", "d.csv", "--json", "--samples", "4000"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let told: Value = serde_json::from_str(&ran.out).expect("JSON");
        assert_eq!(told["rows"], 30);
        told["mean"].as_f64().expect("a mean")
    };
    let (whole, batched) = (told(&[], "whole"), told(&["--batch", "G=3"], "batched"));
    assert!((whole - batched).abs() < 0.02, "{whole} {batched}");
    assert_eq!(place.run(&["fit", "a.vi", "--data", "d.csv", "--data", "a.csv", "--out", "told"]).code, 0);
    let ran = place.run(&["eval", "told", "--data", "d.csv", "--data", "a.csv"]);
    assert_eq!(
        (ran.code, ran.err.contains("`e` is told from data of rows of another plate")),
        (1, true),
        "{}",
        ran.err
    );
}

#[test]
fn a_start_reads_statistics_of_the_entries_that_are_there() {
    let model = "dim N\ndata y[N]: real[2]?\nparam m: real[2] = mean(y)\nparam s: positive[2] = sd(y)\n\
                 param r: real[2] = max(y) - min(y)\n\
                 model { for n in N { y[n] ~ Normal(m, s + 0 * r) } }\n";
    let place = Place::new(&[("m.vi", model), ("y.csv", "y.1,y.2\n1,NA\n,4\n5,10\nNA,7\n")]);
    let args = ["fit", "m.vi", "--data", "y.csv", "--steps", "1", "--lr", "1e-12", "--out", "run", "--json"];
    let ran = place.run(&args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found: Value = serde_json::from_str(&ran.out).expect("JSON");
    for (name, expected) in [("m", [3.0, 7.0]), ("s", [2.0, 6f64.sqrt()]), ("r", [4.0, 6.0])] {
        let value = &found["params"][name]["value"];
        let near = (0..2).all(|i| (value[i].as_f64().expect("a number") - expected[i]).abs() < 1e-9);
        assert!(near, "{name}: {value}, not {expected:?}");
    }
}
