//! The README's table of the zoo: every model is fitted by the command itself, with default settings, and a line of
//! Markdown tells what came out. `cargo bench --bench zoo -- FOLDER` names the folder of the data that are not ours to
//! copy; lines that need it are left out, with the reason, where it is not there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

/// A model as it is fitted, and what is known of the answer.
struct Entry {
    model: &'static str,
    data: Data,
    /// What the table says of the data.
    told: &'static str,
    flags: &'static [&'static str],
    known: &'static str,
}

enum Data {
    None,
    Named(&'static str),
    /// In the folder that the command line names.
    File(&'static str),
    /// Rows that are made here.
    Made(&'static str, fn() -> String),
}

const fn entry(model: &'static str, data: Data, told: &'static str, known: &'static str) -> Entry {
    Entry { model, data, told, flags: &[], known }
}

const fn with(flags: &'static [&'static str], entry: Entry) -> Entry {
    Entry { flags, ..entry }
}

const FULL: &[&str] = &["--guide", "fullrank"];
const EPOCH: &[&str] = &["--epochs", "1"];

const ZOO: &[Entry] = &[
    entry("eight_schools", Data::Named("eight_schools"), "built in", "-31.597"),
    entry("eight_schools_centered", Data::Named("eight_schools"), "built in", "-33.404"),
    entry("structured", Data::Named("eight_schools"), "built in", "at most -31.311, the log evidence"),
    entry("kidscore", Data::File("posteriordb/kidiq.json"), "kidiq, 434 rows", "-1883.575"),
    with(FULL, entry("kidscore", Data::File("posteriordb/kidiq.json"), "kidiq", "-1881.666")),
    entry("logistic", Data::File("tabular/german_credit.csv"), "German credit, 1,000 x 25", "-531.708"),
    with(FULL, entry("logistic", Data::File("tabular/german_credit.csv"), "German credit", "-529.202")),
    entry("gmm", Data::File("tabular/faithful.csv"), "Old Faithful, 272 rows", "-1130.264, the highest likelihood"),
    entry("gmm_bayes", Data::File("tabular/faithful.csv"), "Old Faithful", ""),
    entry("segments", Data::File("tabular/iris.csv"), "iris, 150 rows", ""),
    entry("linear_vae", Data::File("tabular/iris.csv"), "iris", "-404.963, the likelihood of PPCA"),
    entry("poisson_gamma", Data::Made("y.csv", || "y\n1\n2\n3\n".into()), "1, 2, 3", "-5.6097, the log evidence"),
    entry("correlated", Data::None, "none", "-.8304"),
    entry("missing", Data::Made("holes.csv", holes), "made, 200 rows, a tenth missing", ""),
    entry("hmm", Data::Made("path.csv", path), "made, 300 steps of 3 states", ""),
    entry("gp", Data::Made("curve.csv", curve), "made, 60 points of a sine", ""),
    entry("sparse_gp", Data::Made("curve.csv", curve), "the same", ""),
    entry("survival", Data::Made("times.csv", times), "made, 200 times, some censored", ""),
    entry("overdispersed", Data::Made("counts.csv", counts), "made, 200 counts", ""),
    entry("lda", Data::File("reuters395/reuters.ldac"), "Reuters, 84,010 tokens", ""),
    with(EPOCH, entry("vae", Data::File("mnist"), "MNIST, 60,000 rows, 1 epoch", "")),
    with(EPOCH, entry("vae_conv", Data::File("mnist"), "MNIST, 1 epoch", "")),
    with(EPOCH, entry("beta_vae", Data::File("mnist"), "MNIST, 1 epoch", "")),
    entry("vae_gaussian", Data::File("freyfaces"), "Frey faces, 1,965 rows", ""),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let folder = args.first().map(PathBuf::from).or(std::env::var_os("PPL_TEST_DATA").map(PathBuf::from));
    let only = args.get(1..).unwrap_or(&[]);
    println!(
        "| model | data | bound | known | k-hat | path | seconds, command to answer |\n|---|---|---|---|---|---|---|"
    );
    for entry in ZOO.iter().filter(|entry| only.is_empty() || only.iter().any(|name| name == entry.model)) {
        match line(entry, folder.as_deref()) {
            Ok(line) => println!("{line}"),
            Err(why) => eprintln!("{}: {why}", entry.model),
        }
    }
}

fn line(entry: &Entry, folder: Option<&Path>) -> Result<String, String> {
    let place = tempfile::tempdir().map_err(|error| error.to_string())?;
    let data = match &entry.data {
        Data::None => None,
        Data::Named(name) => Some(name.to_string()),
        Data::File(file) => {
            let path = folder.ok_or("left out: no folder of data was named")?.join(file);
            if !path.exists() {
                return Err(format!("left out: there is no {}", path.display()));
            }
            Some(path.display().to_string())
        }
        Data::Made(name, make) => {
            let path = place.path().join(name);
            fs::write(&path, make()).map_err(|error| error.to_string())?;
            Some(path.display().to_string())
        }
    };
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(format!("{}.vi", entry.model));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
    command.arg("fit").arg(model).args(data.iter().flat_map(|data| ["--data", data])).args(entry.flags);
    command.args(["--json", "--out"]).arg(place.path().join("run"));
    let start = Instant::now();
    let output = command.output().map_err(|error| error.to_string())?;
    let seconds = start.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let summary: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let flags = if entry.flags.is_empty() { String::new() } else { format!(", `{}`", entry.flags.join(" ")) };
    Ok(format!(
        "| `{}`{flags} | {} | {} | {} | {} | {} | {seconds:.2} |",
        entry.model,
        entry.told,
        bound(&summary),
        entry.known,
        khat(&summary),
        path_taken(&summary)
    ))
}

fn bound(summary: &Value) -> String {
    let (Some(mean), Some(se)) = (summary["elbo"]["mean"].as_f64(), summary["elbo"]["se"].as_f64()) else {
        return "none".into();
    };
    let rows = summary["rows"].as_f64().unwrap_or(1.0);
    // Of a net's rows one says more than their sum.
    let per_row = summary["khat_rows"].is_object();
    let (mean, se, unit) = if per_row { (mean / rows, se / rows, " a row") } else { (mean, se, "") };
    if se > 0.0 { format!("{mean:.3} \u{b1} {se:.3}{unit}") } else { format!("{mean:.4}{unit}") }
}

fn khat(summary: &Value) -> String {
    let rows = &summary["khat_rows"];
    let (value, of) = match (summary["khat"].as_f64(), rows["median"].as_f64()) {
        (Some(khat), _) => (khat, ""),
        (None, Some(median)) => (median, "median "),
        _ => return String::new(),
    };
    let judged = match value {
        v if v > 0.7 => ", flagged",
        v if v > 0.6 => ", borderline",
        _ => "",
    };
    format!("{of}{value:.2}{judged}")
}

fn path_taken(summary: &Value) -> String {
    let starts = summary["starts"].as_array().map_or(0, Vec::len);
    let several = if starts > 1 { format!(", {starts} starts") } else { String::new() };
    match summary["path"].as_str() {
        Some("deterministic") => format!("deterministic{several}"),
        _ => format!("{} steps{several}", summary["steps"]),
    }
}

/// The same numbers everywhere: a walk of 48 bits (Knuth's MMIX multiplier), and sums of twelve for a bell.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 16) as f64 / (1u64 << 48) as f64
    }

    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

fn rows(head: &str, count: usize, mut row: impl FnMut(usize) -> String) -> String {
    (0..count).fold(format!("{head}\n"), |text, i| text + &row(i) + "\n")
}

fn holes() -> String {
    let mut dice = Dice(1);
    rows("x,y", 200, |i| {
        let x = 2.0 + dice.bell();
        let y = 1.0 + 0.8 * x + 0.5 * dice.bell();
        if i % 10 == 3 { format!(",{y:.4}") } else { format!("{x:.4},{y:.4}") }
    })
}

fn path() -> String {
    let (mut dice, mut state) = (Dice(2), 0);
    rows("y", 300, |_| {
        if dice.unit() < 0.1 {
            state = (state + 1 + (dice.unit() * 2.0) as usize) % 3;
        }
        format!("{:.4}", [-3.0, 0.0, 3.0][state] + 0.7 * dice.bell())
    })
}

fn curve() -> String {
    let mut dice = Dice(3);
    rows("x,y", 60, |i| {
        let x = i as f64 / 10.0;
        format!("{x},{:.4}", x.sin() + 0.2 * dice.bell())
    })
}

fn times() -> String {
    let mut dice = Dice(4);
    rows("time,died,years", 200, |_| {
        let years = 40.0 + 40.0 * dice.unit();
        let time = -(dice.unit().ln()) * 10.0 * (-(years - 60.0) / 30.0).exp();
        format!("{:.4},{},{years:.1}", time.min(12.0), u8::from(time < 12.0))
    })
}

fn counts() -> String {
    let mut dice = Dice(5);
    rows("exposure,y", 200, |_| {
        let exposure = 1.0 + 9.0 * dice.unit();
        let rate = exposure * (0.3 + 0.6 * dice.bell()).exp();
        // As many exponential gaps as fit.
        let (mut y, mut passed) = (0, -(dice.unit().ln()));
        while passed < rate {
            y += 1;
            passed -= dice.unit().ln();
        }
        format!("{exposure:.3},{y}")
    })
}
