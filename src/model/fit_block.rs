//! The `fit` block as checked (LANGUAGE.md 1.11): what is optimized, how, and for how long.

use std::collections::BTreeMap;
use std::fmt;

use crate::math::print::print_number;
use crate::model::Owner;
use crate::shape::DimId;
use crate::source::Span;

/// The `fit` block; flags of the command replace entries one by one. `None` is "not written".
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FitBlock {
    pub objective: Option<Objective>,
    pub optimizer: Option<Optimizer>,
    pub batch: BTreeMap<DimId, usize>,
    pub epochs: Option<usize>,
    pub steps: Option<usize>,
    pub particles: Option<usize>,
    pub sampled_kl: bool,
    pub starts: Option<usize>,
    pub draws: Option<Draws>,
    /// `stop: converged` was written; without steps and epochs it is what happens anyway.
    pub stop_converged: bool,
    pub patience: Option<usize>,
    pub clip: Option<f64>,
    pub init: Option<Init>,
    /// They take turns in this order.
    pub phases: Vec<Phase>,
    /// Where each entry was written, by its name, for what is said of it later.
    pub spans: BTreeMap<&'static str, Span>,
}

/// `phase guide { steps: 5 }`: one turn, in which these parameters alone move. Without `steps` and `epochs` it is one
/// step long.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    pub of: Owner,
    /// Only `objective`, `optimizer`, `steps` and `epochs`.
    pub block: FitBlock,
    pub span: Span,
}

/// What is optimized. The numbers of particles and draws are whole and from 1 up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Objective {
    /// beta, where it is not 1
    Elbo(Option<Rate>),
    /// `iwae(k)`: k draws inside the logarithm (Burda et al. 2016).
    Iwae(usize),
    /// `renyi(a, k)`: the variational Rényi bound of order a (Li & Turner 2016).
    Renyi {
        order: f64,
        draws: usize,
    },
    /// `forward_kl(k)`: KL( p || q ), by k self-normalized weights where it cannot be drawn from p.
    ForwardKl(usize),
    /// One wake and one sleep update a step (Hinton et al. 1995).
    WakeSleep,
    /// `rws(k, sleep: s)`: reweighted wake-sleep, a share s of the guide's update from dreams (Bornschein & Bengio 2015).
    Rws {
        draws: usize,
        sleep: f64,
    },
    /// `cd(k)`: contrastive divergence with k sweeps (Hinton 2002).
    Cd(usize),
    /// `pcd(k)`: with chains that go on from step to step (Tieleman 2008).
    Pcd(usize),
    Em,
    Cavi,
}

impl Objective {
    /// As it is called in the `fit` block.
    pub fn name(&self) -> &'static str {
        match self {
            Objective::Elbo(_) => "elbo",
            Objective::Iwae(_) => "iwae",
            Objective::Renyi { .. } => "renyi",
            Objective::ForwardKl(_) => "forward_kl",
            Objective::WakeSleep => "wake_sleep",
            Objective::Rws { .. } => "rws",
            Objective::Cd(_) => "cd",
            Objective::Pcd(_) => "pcd",
            Objective::Em => "em",
            Objective::Cavi => "cavi",
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let name = self.name();
        match self {
            Objective::Elbo(None) | Objective::WakeSleep | Objective::Em | Objective::Cavi => write!(f, "{name}"),
            Objective::Elbo(Some(beta)) => write!(f, "{name}(beta: {beta})"),
            Objective::Iwae(k) | Objective::ForwardKl(k) | Objective::Cd(k) | Objective::Pcd(k) => {
                write!(f, "{name}({k})")
            }
            Objective::Renyi { order, draws } => write!(f, "{name}({}, {draws})", print_number(*order)),
            Objective::Rws { draws, sleep: 0.0 } => write!(f, "{name}({draws})"),
            Objective::Rws { draws, sleep } => write!(f, "{name}({draws}, sleep: {})", print_number(*sleep)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimizer {
    pub rule: OptimizerRule,
    pub lr: Option<Rate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptimizerRule {
    Adam,
    Sgd,
    AdamW,
    AdaGrad,
    RmsProp,
    Lbfgs,
    Natural,
}

impl OptimizerRule {
    pub const ALL: [OptimizerRule; 7] = [
        OptimizerRule::Adam,
        OptimizerRule::Sgd,
        OptimizerRule::AdamW,
        OptimizerRule::AdaGrad,
        OptimizerRule::RmsProp,
        OptimizerRule::Lbfgs,
        OptimizerRule::Natural,
    ];

    /// As it is called in the `fit` block.
    pub fn name(self) -> &'static str {
        match self {
            OptimizerRule::Adam => "adam",
            OptimizerRule::Sgd => "sgd",
            OptimizerRule::AdamW => "adamw",
            OptimizerRule::AdaGrad => "adagrad",
            OptimizerRule::RmsProp => "rmsprop",
            OptimizerRule::Lbfgs => "lbfgs",
            OptimizerRule::Natural => "natural",
        }
    }
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.lr {
            Some(lr) => write!(f, "{}(lr: {lr})", self.rule.name()),
            None => write!(f, "{}", self.rule.name()),
        }
    }
}

/// A number or a schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    Constant(f64),
    /// Half a cosine from `from` down to 0 at the end of the fit, after `warmup` steps of a straight rise.
    Cosine {
        from: f64,
        warmup: usize,
    },
    /// A straight line, `to` from then on.
    Linear {
        from: f64,
        to: f64,
        steps: usize,
    },
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Rate::Constant(value) => write!(f, "{}", print_number(*value)),
            Rate::Cosine { from, warmup: 0 } => write!(f, "cosine({})", print_number(*from)),
            Rate::Cosine { from, warmup } => write!(f, "cosine({}, warmup: {warmup})", print_number(*from)),
            Rate::Linear { from, to, steps } => {
                write!(f, "linear({}, {}, {steps})", print_number(*from), print_number(*to))
            }
        }
    }
}

/// How the draws of one step are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draws {
    Independent,
    /// In pairs of noise and minus the noise.
    Antithetic,
    /// One in each of as many strata as there are draws.
    Stratified,
}

impl Draws {
    pub const ALL: [Draws; 3] = [Draws::Antithetic, Draws::Stratified, Draws::Independent];

    /// As it is written in the `fit` block.
    pub fn name(self) -> &'static str {
        match self {
            Draws::Independent => "independent",
            Draws::Antithetic => "antithetic",
            Draws::Stratified => "stratified",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Init {
    Auto,
    Zero,
    Prior,
    Uniform(f64),
    /// On the constrained scale, by site or param name.
    Values(BTreeMap<String, Vec<f64>>),
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Init::Auto => write!(f, "auto"),
            Init::Zero => write!(f, "zero"),
            Init::Prior => write!(f, "prior"),
            Init::Uniform(width) => write!(f, "uniform({})", print_number(*width)),
            Init::Values(values) => {
                let values: Vec<String> =
                    values.iter().map(|(name, list)| format!("{name}: {}", numbers(list))).collect();
                write!(f, "{{{}}}", values.join(", "))
            }
        }
    }
}

fn numbers(list: &[f64]) -> String {
    match list {
        [one] => print_number(*one),
        _ => format!("[{}]", list.iter().map(|x| print_number(*x)).collect::<Vec<_>>().join(", ")),
    }
}
