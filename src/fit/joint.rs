//! The log joint of a bound model as the deterministic path sees it: any number of points, in programs of a few sizes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::support::{Guard, Look, Outside};
use super::{Failure, LogJoint};
use crate::data::Bound;
use crate::elbo::Elbo;
use crate::plan::lower::{self, Given, Layout};
use crate::plan::{Backend, Evaluate, Precision};

/// Working memory of one evaluation, in numbers.
const MEMORY: usize = 1 << 20;

/// Evaluates points in blocks. A program is made for 1, 2, 4, ... points as they are asked for; a block between two sizes
/// is filled up by repeating its last point.
pub struct PlanJoint<'a> {
    elbo: &'a Elbo,
    data: &'a Bound,
    backend: &'a dyn Backend,
    pub layout: Layout,
    most: usize,
    work: usize,
    programs: BTreeMap<usize, Box<dyn Evaluate>>,
    guard: Guard<'a>,
    /// The first value that left its support.
    outside: Option<Outside>,
}

impl<'a> PlanJoint<'a> {
    pub fn new(elbo: &'a Elbo, data: &'a Bound, backend: &'a dyn Backend) -> Result<PlanJoint<'a>, Failure> {
        let one = lower::joint(elbo, data, 1)?;
        let largest = one.plan.nodes.iter().map(|(_, node)| node.shape.iter().product()).max().unwrap_or(1usize);
        let work = one.plan.nodes.iter().map(|(_, node)| node.shape.iter().product::<usize>()).sum();
        let most = (MEMORY / largest.max(1)).clamp(1, 1_024);
        let most = 1 << most.ilog2();
        let evaluator = backend.prepare(&one.plan, Precision::F64)?;
        let programs = BTreeMap::from([(1, evaluator)]);
        let guard = Guard::new(elbo, data, backend, Given::Points)?;
        Ok(PlanJoint { elbo, data, backend, layout: one.layout, most, work, programs, guard, outside: None })
    }

    fn block(&mut self, points: &[f64], value: &mut [f64], gradient: &mut [f64]) -> Result<(), Failure> {
        let width = self.layout.point();
        let size = value.len().next_power_of_two();
        let evaluator = match self.programs.entry(size) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let program = lower::joint(self.elbo, self.data, size)?;
                entry.insert(self.backend.prepare(&program.plan, Precision::F64)?)
            }
        };
        let mut padded = points.to_vec();
        while padded.len() < size * width {
            padded.extend_from_within(padded.len() - width..);
        }
        let outputs = evaluator.run(&[&padded])?;
        value.copy_from_slice(&outputs[0][..value.len()]);
        gradient.copy_from_slice(&outputs[1][..gradient.len()]);
        for (draw, outside) in self.guard.look(&Look { values: &padded, draws: size, noise: None, rows: None })? {
            // A search may look beyond a support and turn back: such a point is no answer, and no failure either.
            value.get_mut(draw).into_iter().for_each(|value| *value = f64::NAN);
            self.outside.get_or_insert(outside);
        }
        Ok(())
    }

    /// Where a value left its support, if one did: the reason of a bound that is not finite.
    pub fn left_support(&self) -> Option<Failure> {
        self.outside.as_ref().map(|outside| self.guard.describe(outside).into())
    }
}

impl LogJoint for PlanJoint<'_> {
    fn latents(&self) -> usize {
        self.layout.latents
    }

    fn params(&self) -> usize {
        self.layout.param_count
    }

    fn work(&self) -> usize {
        self.work
    }

    fn eval(&mut self, points: &[f64], value: &mut [f64], gradient: &mut [f64]) -> Result<(), Failure> {
        let (width, most) = (self.layout.point(), self.most);
        let blocks = points.chunks((most * width).max(1)).zip(value.chunks_mut(most));
        for ((points, value), gradient) in blocks.zip(gradient.chunks_mut((most * width).max(1))) {
            self.block(points, value, gradient)?;
        }
        Ok(())
    }
}
