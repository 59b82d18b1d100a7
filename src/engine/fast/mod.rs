//! Runs a plan on the processor, in slots that are allocated once: tensors of burn's Flex backend that kernels of ours
//! write into. A run allocates nothing but what it hands back.

mod cluster;
mod lower;
mod memory;
mod pass;
mod product;
mod real;
mod reduce;
mod slots;
mod step;
mod tiles;
mod vector;
mod view;

use std::collections::BTreeSet;

use crate::plan::slots::check_room;
use crate::plan::{Evaluate, Failure, Plan, Precision};
use crate::problem::Bug;

use lower::{Buffer, Lowered, Source};
use memory::Memory;
use real::Real;
use step::Step;
use view::View;

/// A plan ready to run in this precision.
pub(super) fn prepare(plan: &Plan, precision: Precision) -> Result<Box<dyn Evaluate>, Failure> {
    let lowered = lower::lower(plan)?;
    Ok(match precision {
        Precision::F32 => Box::new(Fast::<f32>::new(lowered)?),
        Precision::F64 => Box::new(Fast::<f64>::new(lowered)?),
    })
}

struct Fast<T> {
    memory: Memory<T>,
    steps: Vec<Ready<T>>,
    /// The buffer and its place among what is given.
    inputs: Vec<(usize, usize)>,
    outputs: Vec<View>,
}

/// A step and its registers.
struct Ready<T> {
    step: Step,
    scratch: Vec<Vec<T>>,
}

impl<T: Real> Ready<T> {
    fn new(step: Step) -> Ready<T> {
        let scratch = if let Step::Tiles(tiles) = &step { tiles.scratch() } else { vec![] };
        Ready { step, scratch }
    }
}

impl<T: Real> Fast<T> {
    fn new(lowered: Lowered) -> Result<Fast<T>, Failure> {
        let Lowered { buffers, steps, outputs } = lowered;
        let lengths: Vec<usize> = buffers.iter().map(|buffer| buffer.length).collect();
        let fixed: Vec<bool> = buffers.iter().map(|buffer| buffer.fixed).collect();
        let given = |(place, buffer): (usize, &Buffer)| match buffer.source {
            Source::Input(at) => Some((place, at)),
            _ => None,
        };
        let inputs: Vec<(usize, usize)> = buffers.iter().enumerate().filter_map(given).collect();
        let early: Vec<usize> = inputs.iter().map(|input| input.0).collect();
        let late: Vec<usize> = outputs.iter().map(|view| view.buffer).collect();
        let assigned = slots::assign(&steps, &lengths, &early, &late, &fixed);
        check_room(assigned.lengths.iter().sum(), size_of::<T>())?;
        let mut memory = Memory::<T>::new(&assigned, &lengths);
        for (place, buffer) in buffers.iter().enumerate() {
            start(memory.writable(place), &buffer.source);
        }
        let (once, always): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(|step| fixed[step.writes()[0]]);
        for step in once {
            memory.run(&mut Ready::new(step))?;
        }
        let steps: Vec<Ready<T>> = always.into_iter().map(Ready::new).collect();
        let read: BTreeSet<usize> = steps.iter().flat_map(|ready| ready.step.reads()).chain(late).collect();
        let over = |buffer: &usize| fixed[*buffer] && !read.contains(buffer);
        (0..buffers.len()).filter(over).for_each(|buffer| memory.forget(buffer));
        Ok(Fast { memory, steps, inputs, outputs })
    }
}

impl<T: Real> Evaluate for Fast<T> {
    fn run(&mut self, inputs: &[&[f64]]) -> Result<Vec<Vec<f64>>, Failure> {
        for (buffer, at) in &self.inputs {
            let slot = self.memory.writable(*buffer);
            let values = inputs.get(*at).filter(|values| values.len() == slot.len());
            let values = values.ok_or_else(|| bug(format!("input {at} of the plan was not given in its shape")))?;
            step::take_in(slot, values);
        }
        for ready in &mut self.steps {
            self.memory.run(ready)?;
        }
        Ok(self.outputs.iter().map(|view| step::read(self.memory.values(view.buffer), view)).collect())
    }
}

fn start<T: Real>(slot: &mut [T], source: &Source) {
    match source {
        Source::Step | Source::Input(_) => {}
        Source::Number(value) => slot.fill(T::of(*value)),
        Source::Count => slot.iter_mut().enumerate().for_each(|(i, slot)| *slot = T::of(i as f64)),
        Source::Array(array) => slot.iter_mut().enumerate().for_each(|(i, slot)| *slot = T::of(array.get(i))),
    }
}

fn bug(text: String) -> Failure {
    Failure::Bug(Bug(text))
}
