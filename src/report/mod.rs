//! What a fit found, as values, and the bytes of the files that tell it.

use crate::problem::Bug;
use crate::run::hash;

mod draws;
mod estimators;
mod nested;
mod simulated;
mod summary;
mod table;
mod tensors;
mod told;
mod trace;

pub use draws::{DrawColumn, Draws, draws_csv};
pub use estimators::{Measurement, estimators_json, estimators_table};
pub use nested::{Nested, Ordered};
pub use simulated::{data_csv, data_json, truth_json};
pub use summary::{
    Estimate, Hashes, Importance, KhatRows, Objective, Param, Seconds, Site, SiteDraws, Summary, Warning,
};
pub use table::summary_table;
pub use tensors::{Tensor, tensors};
pub use told::told;
pub use trace::{TraceRow, trace_csv};

/// Everything that a finished (or stopped) fit leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub summary: Summary,
    /// Parameters of guide and model, on the unconstrained or the constrained scale as their names say.
    pub params: Vec<Tensor>,
    pub trace: Vec<TraceRow>,
    pub draws: Draws,
}

/// Names of files and their bytes.
pub type Files = Vec<(&'static str, Vec<u8>)>;

/// Arrays with more entries than this are kept out of `summary.json` and `draws.csv`.
pub use crate::fit::posterior::LONGEST;

impl Outcome {
    /// The files of a run but its summary, and the outcome with a summary that names what it leaves to them, with their
    /// checksums.
    pub fn files(self) -> Result<(Outcome, Files), Bug> {
        let (mut outcome, long) = self.split();
        let mut files = vec![
            ("params.safetensors", tensors(&outcome.params)?),
            ("trace.csv", trace_csv(&outcome.trace).into_bytes()),
            ("draws.csv", draws_csv(&outcome.draws).into_bytes()),
        ];
        if !long.is_empty() {
            files.push(("sites.safetensors", tensors(&long)?));
        }
        outcome.sum(&files);
        Ok((outcome, files))
    }

    /// Adds the checksums of files to the summary.
    pub fn sum<B: AsRef<[u8]>>(&mut self, files: &[(&'static str, B)]) {
        let sums = files.iter().map(|(file, bytes)| (file.to_string(), hash(bytes.as_ref())));
        self.summary.checksums.0.extend(sums);
    }

    /// Takes arrays that are too long out of the summary, names them there, and returns them as tensors.
    pub fn split(mut self) -> (Outcome, Vec<Tensor>) {
        let mut long = vec![];
        let sites = std::mem::take(&mut self.summary.sites.0);
        for (name, site) in sites {
            match site.entries() > LONGEST {
                true => {
                    long.extend(site.tensors(&name));
                    self.summary.omitted.push(name);
                }
                false => self.summary.sites.0.push((name, site)),
            }
        }
        let params = std::mem::take(&mut self.summary.params.0);
        for (name, param) in params {
            match param.value.values.len() > LONGEST {
                true => {
                    long.push(Tensor { name: name.clone(), shape: param.shape, values: param.value.values });
                    self.summary.omitted.push(name);
                }
                false => self.summary.params.0.push((name, param)),
            }
        }
        (self, long)
    }
}
