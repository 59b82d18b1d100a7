//! The only module that says burn: evaluates plans on a device.
//!
//! Two paths run a plan. On `cpu` its values live in slots that are allocated once, and kernels of ours write into them
//! (`fast`). On every other device each operation is burn's own, on tensors whose rank is not in their type (`compose`);
//! the hidden name `composed` runs that path on the processor too, as the check on the kernels. What needs 64 bits and a
//! device that has 32 is run on the processor.

mod compose;
mod composed;
mod contract;
pub mod device;
mod fast;
mod host;
mod problems;
mod reduce;
mod special;
mod tensor;

pub use crate::plan::{Backend, Evaluate, Failure, Plan, Precision};
use rayon::prelude::*;

use crate::plan::{Op, WHOLE_IN_F32};
use crate::problem::Problem;
pub use device::BackendName;

use device::Place;

/// The backend of this name, its device already open.
pub fn backend(name: &str) -> Result<Box<dyn Backend>, Problem> {
    let name = BackendName::parse(name)?;
    let place = device::open(name)?;
    Ok(Box::new(Engine { name, place }))
}

/// The names a user may write after `--backend`, those that are not compiled in among them.
pub fn names() -> impl Iterator<Item = &'static str> {
    device::NAMES.iter().filter(|row| !row.hidden).map(|row| row.text)
}

/// How often this thread has waited for values of a device so far: what the tests of steps count.
pub fn readbacks() -> usize {
    tensor::readbacks()
}

struct Engine {
    name: BackendName,
    place: Place,
}

impl Backend for Engine {
    fn name(&self) -> &'static str {
        self.name.text()
    }

    fn prepare(&self, plan: &Plan, precision: Precision) -> Result<Box<dyn Evaluate>, Failure> {
        check_rows(plan, precision)?;
        if self.name == BackendName::Ndarray {
            check_axes(plan)?;
        }
        match (self.name, precision) {
            (BackendName::Cpu, _) => fast::prepare(plan, precision),
            // Transcendental functions of f64 come out wrong through SPIR-V, whatever the adapter says it supports.
            (BackendName::Wgpu, Precision::F64) => fast::prepare(plan, precision),
            (BackendName::Composed | BackendName::Ndarray | BackendName::Wgpu, _) => {
                Ok(Box::new(composed::Composed::new(plan, self.place.at(precision))?))
            }
        }
    }

    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..pieces).into_par_iter().for_each(work);
    }

    fn widest(&self) -> Precision {
        match self.name {
            BackendName::Wgpu => Precision::F32,
            BackendName::Cpu | BackendName::Composed | BackendName::Ndarray => Precision::F64,
        }
    }
}

/// Rows are looked up by numbers of the plan's precision: one that it cannot hold would be another row.
fn check_rows(plan: &Plan, precision: Precision) -> Result<(), Failure> {
    let rows = plan.nodes.iter().filter_map(|(_, node)| match &node.op {
        Op::Gather { table, .. } => plan.nodes[*table].shape.first().copied(),
        Op::ScatterAdd { rows, .. } => Some(*rows),
        _ => None,
    });
    match rows.max() {
        Some(rows) if precision == Precision::F32 && rows > WHOLE_IN_F32 => {
            Err(Failure::Device(format!("a table of {rows} rows, of which 32 bits tell {WHOLE_IN_F32} apart")))
        }
        _ => Ok(()),
    }
}

/// The axes that an array of burn's ndarray backend has at most.
const AXES_OF_NDARRAY: usize = 6;

fn check_axes(plan: &Plan) -> Result<(), Failure> {
    match plan.nodes.iter().map(|(_, node)| node.shape.len()).max() {
        Some(axes) if axes > AXES_OF_NDARRAY => Err(Failure::Device(format!(
            "arrays of {axes} axes, of which those of `ndarray` have at most {AXES_OF_NDARRAY}"
        ))),
        _ => Ok(()),
    }
}
