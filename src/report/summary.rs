//! `summary.json`: every key of the contract; what is not known is null.

use serde::Serialize;

use crate::diagnose::summary::Summary as Told;
use crate::report::{Nested, Ordered, Tensor};
use crate::run::{FORMAT, signed};

/// The whole of `summary.json`, in the order in which it is written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The version of this format: 1.
    pub format: u64,
    /// The version of `ppl` that wrote it.
    pub ppl: String,
    pub model: String,
    pub seed: u64,
    pub backend: String,
    pub objective: String,
    pub steps: usize,
    pub rows: usize,
    /// What `--set` said.
    pub set: Ordered<f64>,
    /// The size of every dim.
    pub dims: Ordered<usize>,
    pub seconds: Seconds,
    /// `deterministic` or `stochastic`
    pub path: String,
    pub path_because: String,
    /// `None` where the user fixed steps or epochs.
    pub converged: Option<bool>,
    /// In words: `converged`, `no further gain` (of networks, of which nothing better is known), or `not converged`.
    pub ended: Option<String>,
    /// Ctrl-C ended the fit: `--resume` goes on with it.
    pub interrupted: bool,
    /// The bound that each start found, where there were several.
    pub starts: Vec<f64>,
    /// E_q[log p - log q] on all data; `None` where there is no bound.
    pub elbo: Option<Estimate>,
    pub objective_value: Option<Objective>,
    pub khat: Option<f64>,
    /// Why `khat` is null.
    pub khat_because: Option<String>,
    /// k-hat of each row, where latents are local.
    pub khat_rows: Option<KhatRows>,
    pub importance: Option<Importance>,
    pub laplace_log_evidence: Option<f64>,
    pub pseudo_log_likelihood: Option<f64>,
    pub sites: Ordered<Site>,
    pub params: Ordered<Param>,
    /// Names of sites and params that are in `sites.safetensors`.
    pub omitted: Vec<String>,
    pub hashes: Hashes,
    /// Of the files beside this one, by name.
    pub checksums: Ordered<String>,
    pub warnings: Vec<Warning>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Seconds {
    pub compile: f64,
    /// The optimization loop alone.
    pub fit: f64,
    /// Process start to exit.
    pub total: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    pub mean: f64,
    pub se: f64,
}

/// What was optimized, by its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Objective {
    pub name: String,
    pub mean: f64,
    pub se: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KhatRows {
    pub median: f64,
    pub above: f64,
}

/// From the same weights as k-hat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Importance {
    pub log_evidence: f64,
    pub se: f64,
    pub ess: f64,
}

/// A latent site, or a definition that depends on one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Site {
    Draws(Box<SiteDraws>),
    /// A summed-out site: its states are the last axis.
    Probabilities {
        shape: Vec<usize>,
        probabilities: Nested,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SiteDraws {
    pub shape: Vec<usize>,
    pub mean: Nested,
    pub sd: Nested,
    pub q05: Nested,
    pub q50: Nested,
    pub q95: Nested,
    pub corrected_mean: Option<Nested>,
    pub corrected_sd: Option<Nested>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Param {
    pub shape: Vec<usize>,
    pub value: Nested,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Hashes {
    pub model: String,
    pub bound: String,
    pub data: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Warning {
    pub code: String,
    pub message: String,
    /// What to type.
    pub help: Option<String>,
}

impl Summary {
    /// Everything unknown but what names the run.
    pub fn new(model: &str, seed: u64, backend: &str) -> Summary {
        Summary {
            format: FORMAT,
            ppl: env!("CARGO_PKG_VERSION").into(),
            model: model.into(),
            seed,
            backend: backend.into(),
            objective: "elbo".into(),
            steps: 0,
            rows: 0,
            set: Ordered::default(),
            dims: Ordered::default(),
            seconds: Seconds::default(),
            path: "deterministic".into(),
            path_because: String::new(),
            converged: None,
            ended: None,
            interrupted: false,
            starts: vec![],
            elbo: None,
            objective_value: None,
            khat: None,
            khat_because: None,
            khat_rows: None,
            importance: None,
            laplace_log_evidence: None,
            pseudo_log_likelihood: None,
            sites: Ordered::default(),
            params: Ordered::default(),
            omitted: vec![],
            hashes: Hashes::default(),
            checksums: Ordered::default(),
            warnings: vec![],
        }
    }

    /// The text of `summary.json`, which ends with its own checksum.
    pub fn json(&self) -> String {
        // Only a map with keys that are no text could fail, and there is none.
        signed(&serde_json::to_string_pretty(self).unwrap_or_default())
    }
}

impl SiteDraws {
    /// What is told of every entry of an array of this shape, row-major.
    pub fn new(shape: &[usize], told: &[Told]) -> SiteDraws {
        let pick = |f: fn(&Told) -> f64| Nested::new(shape, told.iter().map(f).collect());
        SiteDraws {
            shape: shape.to_vec(),
            mean: pick(|t| t.mean),
            sd: pick(|t| t.sd),
            q05: pick(|t| t.q05),
            q50: pick(|t| t.q50),
            q95: pick(|t| t.q95),
            corrected_mean: None,
            corrected_sd: None,
        }
    }
}

impl Site {
    pub fn entries(&self) -> usize {
        match self {
            Site::Draws(draws) => draws.mean.values.len(),
            Site::Probabilities { probabilities, .. } => probabilities.values.len(),
        }
    }

    /// Its arrays as `theta.mean`, `theta.sd`, ...
    pub fn tensors(&self, name: &str) -> Vec<Tensor> {
        let tensor = |key: &str, array: &Nested| Tensor {
            name: format!("{name}.{key}"),
            shape: array.shape.clone(),
            values: array.values.clone(),
        };
        match self {
            Site::Probabilities { probabilities, .. } => vec![tensor("probabilities", probabilities)],
            Site::Draws(d) => {
                let always = [("mean", &d.mean), ("sd", &d.sd), ("q05", &d.q05), ("q50", &d.q50), ("q95", &d.q95)];
                let corrected = [("corrected_mean", &d.corrected_mean), ("corrected_sd", &d.corrected_sd)];
                let corrected = corrected.into_iter().filter_map(|(key, array)| Some((key, array.as_ref()?)));
                always.into_iter().chain(corrected).map(|(key, array)| tensor(key, array)).collect()
            }
        }
    }
}
