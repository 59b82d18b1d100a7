//! What the command line takes.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::data::named::Split;

mod estimators;

pub use estimators::Estimators;

/// What somebody types on the first day.
const EXAMPLES: &str = "\
Examples:
  ppl check model.vi                      is the model right?
  ppl elbo model.vi                       what will be maximized, and why so
  ppl fit model.vi --data data.csv        the posterior, as a table and in a folder, RUN
  ppl eval runs/model-1 --data test.csv   how well it does on other rows

Exit codes: 0 done, 1 the model or the data is wrong, 2 the command line is wrong, 3 the fit
failed, 70 a bug in ppl, 130 interrupted (`--resume` goes on).";

const CHECK_EXAMPLES: &str = "\
Examples:
  ppl check models/*.vi
  ppl check model.vi --fix                rewrites it, and shows the difference
  ppl explain funnel                      more about `ppl::model::funnel`";

const ELBO_EXAMPLES: &str = "\
Examples:
  ppl elbo model.vi
  ppl elbo model.vi --format latex > bound.tex
  ppl elbo model.vi --format dot | dot -Tpdf -o model.pdf
  ppl elbo model.vi --stage plan --data data.csv";

const FIT_EXAMPLES: &str = "\
Examples:
  ppl fit model.vi --data data.csv
  ppl fit vae.vi --data mnist --batch N=128 --epochs 20 --lr 1e-3 --out runs/vae
  ppl fit --resume runs/vae vae.vi --data mnist
  ppl fit ratings.vi --data ratings.csv --data users=users.csv --set K=5

RUN holds summary.json, draws.csv (for ArviZ), params.safetensors and trace.csv.";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  ppl simulate model.vi --set N=1000 --out data.csv
  ppl simulate regression.vi --data predictors.csv --out data.csv";

const ENTRIES: &str = "In place of entries of the fit block";

/// Variational inference for models written down.
#[derive(Debug, Parser)]
#[command(name = "ppl", version, about, disable_help_subcommand = true, after_help = EXAMPLES)]
pub struct Args {
    /// When to color.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", display_order = 100)]
    pub color: Color,
    /// Print the passes of the compiler with their times.
    #[arg(short, long, global = true, display_order = 101)]
    pub verbose: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Parse and check models: every mistake at once.
    Check(Check),
    /// Print the objective that was derived, or another form of the model.
    Elbo(Elbo),
    /// Fit a model to data and write a RUN folder.
    Fit(Box<Fit>),
    /// The bound of a finished run on other data, row by row.
    Eval(Eval),
    /// Measure bias, variance and cost of every gradient estimator at every latent site.
    Estimators(Box<Estimators>),
    /// Draw latents and data from a model: data to try it on, and the truth beside it.
    Simulate(Simulate),
    /// List, find and fetch named data sets.
    #[command(subcommand)]
    Data(DataVerb),
    /// Rewrite models in the standard layout.
    Fmt(Fmt),
    /// Explain the code of a diagnostic.
    Explain(Explain),
}

#[derive(Debug, clap::Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct Check {
    /// Model files.
    #[arg(required = true, value_name = "MODEL")]
    pub models: Vec<PathBuf>,
    /// Print the diagnostics as JSON and nothing else.
    #[arg(long)]
    pub json: bool,
    /// Apply the safe fixes of warnings and show the difference.
    #[arg(long)]
    pub fix: bool,
    #[command(flatten)]
    pub set: Set,
}

/// `--set K=V`, shared by verbs that compile.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Set {
    /// The value of a `dim` or of a scalar `const`: `K=5`. May be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<(String, f64)>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = ELBO_EXAMPLES)]
pub struct Elbo {
    /// A model file.
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// Which form to print.
    #[arg(long, value_name = "STAGE", default_value = "elbo")]
    pub stage: Stage,
    /// As what to print it: dot is a graph for Graphviz.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub set: Set,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    Ast,
    Model,
    Elbo,
    Plan,
    Gradient,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    Latex,
    Dot,
}

/// What clap calls a value on the command line.
pub fn typed(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or(String::new(), |value| value.get_name().into())
}

/// Where data come from.
#[derive(Debug, Default, clap::Args)]
pub struct Data {
    /// A named set, a file or a folder; `users=users.csv` names a source. May be repeated.
    #[arg(long = "data", value_name = "DATA")]
    pub data: Vec<String>,
    /// `train` or `test`, of a set that has both [default: train].
    #[arg(long, value_name = "SPLIT", value_parser = split)]
    pub split: Option<Split>,
    /// Rows of the source, the end excluded: `0..1000`.
    #[arg(long, value_name = "A..B", value_parser = rows)]
    pub rows: Option<(usize, usize)>,
    /// Where named sets lie [default: $PPL_DATA, else the user's cache].
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = FIT_EXAMPLES)]
pub struct Fit {
    /// A model file.
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub set: Set,
    /// What computes: cpu, ndarray or wgpu.
    #[arg(long, value_name = "BACKEND")]
    pub backend: Option<String>,
    /// The seed of every draw [default: 0].
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u64>,
    /// A new or an empty folder for the run [default: runs/MODEL-1, -2, ...].
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// Write over a run that is there.
    #[arg(long)]
    pub force: bool,
    /// Go on from a run that was stopped, with its flags.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["out", "force"])]
    pub resume: Option<PathBuf>,
    /// How many threads compute; the answer is the same for any number.
    #[arg(long, value_name = "T")]
    pub threads: Option<usize>,
    /// Print the summary as JSON and nothing else.
    #[arg(long)]
    pub json: bool,
    /// Print only the path of the run.
    #[arg(long, conflicts_with = "json")]
    pub quiet: bool,
    #[command(flatten)]
    pub entries: Entries,
}

/// Flags that replace entries of the `fit` block; each takes what the entry takes.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
#[command(next_help_heading = ENTRIES)]
pub struct Entries {
    /// What is maximized: `elbo`, `elbo(beta: 4)`, ...
    #[arg(long, value_name = "OBJECTIVE")]
    pub objective: Option<String>,
    /// `adam`, `adam(lr: 1e-3)`, ...
    #[arg(long, value_name = "OPTIMIZER")]
    pub optimizer: Option<String>,
    /// The rate: `1e-3`, or a schedule such as `cosine(1e-3, warmup: 100)`.
    #[arg(long, value_name = "RATE")]
    pub lr: Option<String>,
    /// Rows drawn each step: `N=128`. May be repeated.
    #[arg(long, value_name = "DIM=ROWS", value_delimiter = ',')]
    pub batch: Vec<String>,
    /// How often every row is seen.
    #[arg(long, value_name = "N")]
    pub epochs: Option<String>,
    /// How many steps are made.
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    pub steps: Option<String>,
    /// Independent copies of the objective in a step.
    #[arg(long, value_name = "N")]
    pub particles: Option<String>,
    /// How particles are drawn: `independent`, `antithetic` or `stratified`.
    #[arg(long, value_name = "KIND")]
    pub draws: Option<String>,
    /// When a fit ends by itself: `converged`.
    #[arg(long, value_name = "WHEN", conflicts_with_all = ["epochs", "steps"])]
    pub stop: Option<String>,
    /// How many epochs without a gain end a fit with nets.
    #[arg(long, value_name = "N")]
    pub patience: Option<String>,
    /// The largest norm of a gradient.
    #[arg(long, value_name = "NORM")]
    pub clip: Option<String>,
    /// Where it starts: `auto`, `zero`, `uniform(2)`, `{mu: 3}` or a JSON file.
    #[arg(long, value_name = "INIT")]
    pub init: Option<String>,
    /// The automatic guide: `meanfield`, `fullrank`, `lowrank(5)`, `map` or `laplace`.
    #[arg(long, value_name = "GUIDE")]
    pub guide: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Eval {
    /// The folder of a run.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    #[command(flatten)]
    pub data: Data,
    /// Which bound: iwae is tighter, and takes more draws.
    #[arg(long, value_name = "BOUND", default_value = "elbo")]
    pub bound: HeldOutBound,
    /// Draws of each row [default: 100000 over the rows, from 10 to 5000 for elbo and from 100 to 5000 for iwae].
    #[arg(long, value_name = "K")]
    pub samples: Option<usize>,
    /// Where the bound of each row goes, as .csv.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How many threads compute; the answer is the same for any number.
    #[arg(long, value_name = "T")]
    pub threads: Option<usize>,
    /// Print the result as JSON and nothing else.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HeldOutBound {
    Elbo,
    Iwae,
}

#[derive(Debug, clap::Args)]
#[command(after_help = SIMULATE_EXAMPLES)]
pub struct Simulate {
    /// A model file.
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    #[command(flatten)]
    pub set: Set,
    /// Values of point parameters as a JSON object; the others are where they start.
    #[arg(long, value_name = "FILE.json")]
    pub param: Option<PathBuf>,
    /// The seed of every draw.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub seed: u64,
    /// Where the data go, as .csv or .json; what they were drawn from goes into truth.json beside it.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Data that the model reads and does not observe, such as predictors.
    #[command(flatten)]
    pub data: Data,
}

#[derive(Debug, Subcommand)]
pub enum DataVerb {
    /// List every named set, and where it lies.
    List(SetList),
    /// Print the folder of a set.
    Path(OneSet),
    /// Get a set, and print its folder.
    Fetch(OneSet),
}

#[derive(Debug, clap::Args)]
pub struct SetList {
    /// Where named sets lie.
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Print JSON and nothing else.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct OneSet {
    /// A named set: `ppl data list` has them all.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Where named sets lie, and this one is put.
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Print JSON and nothing else.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Fmt {
    /// Model files.
    #[arg(required = true, value_name = "MODEL")]
    pub models: Vec<PathBuf>,
    /// Only say which files would change, and exit with 1 if one would.
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, clap::Args)]
pub struct Explain {
    /// `ppl::model::funnel`, or its end.
    #[arg(value_name = "CODE")]
    pub code: String,
}

fn setting(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as K=3")?;
    let number = value.trim().replace('_', "").parse::<f64>().map_err(|_| format!("`{value}` is no number"))?;
    Ok((name.trim().to_string(), number))
}

fn split(text: &str) -> Result<Split, String> {
    match text {
        "train" => Ok(Split::Train),
        "test" => Ok(Split::Test),
        _ => Err("it is `train` or `test`".into()),
    }
}

fn rows(text: &str) -> Result<(usize, usize), String> {
    let parse = |part: &str| part.trim().replace('_', "").parse::<usize>().ok();
    let ends = text.split_once("..").and_then(|(low, high)| Some((parse(low)?, parse(high)?)));
    match ends {
        Some((low, high)) if low < high => Ok((low, high)),
        Some(_) => Err("the range is empty: the end is excluded".into()),
        None => Err("write a range such as 0..1000".into()),
    }
}
