//! What `ppl estimators` takes.

use std::path::PathBuf;

use super::{Data, ENTRIES, Set};

const EXAMPLES: &str = "\
Examples:
  ppl estimators sbn.vi --data mnist --batch N=100     where a fit would start
  ppl estimators runs/sbn-1 --data mnist               where a run ended
  ppl estimators model.vi --data data.csv --blocks --samples 100000

A variance times its cost is what to compare: with twice the draws it halves, at twice the cost.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Estimators {
    /// A model file, or the folder of a run.
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub set: Set,
    /// Gradients of each estimator [default: as many as are quickly made, from 100 to 10000].
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Also tell of each block of parameters.
    #[arg(long)]
    pub blocks: bool,
    /// What computes: cpu, ndarray or wgpu.
    #[arg(long, value_name = "BACKEND")]
    pub backend: Option<String>,
    /// The seed of every draw [default: that of the run, else 0].
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u64>,
    /// How many threads compute; the answer is the same for any number.
    #[arg(long, value_name = "T")]
    pub threads: Option<usize>,
    /// Print JSON and nothing else.
    #[arg(long)]
    pub json: bool,
    /// What is maximized: `elbo`, `iwae(50)`, ...
    #[arg(long, value_name = "OBJECTIVE", help_heading = ENTRIES)]
    pub objective: Option<String>,
    /// Gradients are over one batch: `N=128`.
    #[arg(long, value_name = "DIM=ROWS", value_delimiter = ',', help_heading = ENTRIES)]
    pub batch: Vec<String>,
    /// Independent copies of the objective in a gradient.
    #[arg(long, value_name = "N", help_heading = ENTRIES)]
    pub particles: Option<String>,
    /// Where a fit would start.
    #[arg(long, value_name = "INIT", help_heading = ENTRIES)]
    pub init: Option<String>,
    /// The automatic guide: `meanfield`, `fullrank`, ...
    #[arg(long, value_name = "GUIDE", help_heading = ENTRIES)]
    pub guide: Option<String>,
}
