//! From a compiled model and its data to an outcome: the border between the command and the fit.

use crate::cli::keep::Keeper;
use crate::cli::problems::CliProblem;
use crate::data::Bound;
use crate::elbo::Elbo;
use crate::fit::Failure;
use crate::fit::drive::{self, Task};
use crate::plan::Backend;
use crate::plan::reference::Reference;
use crate::problem::Problem;
use crate::report::{Outcome, told};
use crate::run::Store;
use crate::shape::DimId;

/// What a fit is asked for.
pub struct Request<'a> {
    pub elbo: &'a Elbo,
    pub bound: &'a Bound,
    pub seed: u64,
    pub backend: &'a dyn Backend,
}

/// The backend of this name; a build without devices has the slow reference alone.
pub fn backend(name: &str) -> Result<Box<dyn Backend>, Box<Problem>> {
    if name == REFERENCE {
        return Ok(Box::new(Reference));
    }
    #[cfg(feature = "cpu")]
    return crate::engine::backend(name).map_err(Box::new);
    #[cfg(not(feature = "cpu"))]
    Err(Box::new(CliProblem::Backend { name: name.into() }.into()))
}

/// Computes in this many threads from now on; the reference has one and asks for none.
#[cfg(feature = "cpu")]
pub fn use_threads(count: usize) -> Result<(), CliProblem> {
    let built = rayon::ThreadPoolBuilder::new().num_threads(count).build_global();
    built.map_err(|error| CliProblem::ThreadPool { count, why: error.to_string() })
}

#[cfg(not(feature = "cpu"))]
pub fn use_threads(_: usize) -> Result<(), CliProblem> {
    Ok(())
}

const REFERENCE: &str = "reference";

/// What a fit runs on where nothing is asked for.
pub const DEFAULT_BACKEND: &str = if cfg!(feature = "cpu") { "cpu" } else { REFERENCE };

/// Fits, or goes on with a fit, and keeps its state in the run. Times of compilation and in total, and hashes, are the
/// caller's.
pub fn drive<S: Store>(request: &Request, keeper: &mut Keeper<S>) -> Result<Outcome, Failure> {
    let model = &request.elbo.model;
    let task = Task {
        elbo: request.elbo,
        data: request.bound,
        block: &model.fit,
        seed: request.seed,
        backend: request.backend,
    };
    let from = keeper.from();
    let found = drive::resume(&task, &from, keeper)?;
    let trace = std::mem::take(&mut keeper.trace);
    let mut outcome = told(model, request.seed, request.backend.name(), found, trace);
    outcome.summary.seconds.fit = keeper.seconds;
    outcome.summary.rows = request.bound.rows;
    let sizes = model.dims.iter().filter_map(|(id, dim)| Some((dim.name.clone(), *request.bound.dims.get(&id)?)));
    outcome.summary.dims.0 = sizes.collect();
    Ok(outcome)
}

/// Batches of an epoch, where rows are batched.
pub fn batches(request: &Request) -> Option<usize> {
    let of = |(dim, batch): (&DimId, &usize)| Some(request.bound.dims.get(dim)?.div_ceil((*batch).max(1)));
    request.elbo.model.fit.batch.iter().filter_map(of).max()
}
