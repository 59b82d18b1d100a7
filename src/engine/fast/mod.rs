//! Runs a plan on the processor, in slots that are allocated once: tensors of burn's Flex backend that kernels of ours
//! write into. A run allocates nothing but what it hands back.

mod apply;
mod cluster;
mod lower;
mod product;
mod real;
mod reduce;
mod slots;
mod step;
mod tiles;
mod vector;
mod view;

use burn::backend::flex::FlexTensor;

use crate::plan::{Evaluate, Failure, Plan, Precision};
use crate::problem::Bug;

use lower::{Buffer, Lowered, Source};
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
    memory: Memory,
    steps: Vec<Ready<T>>,
    /// The buffer, length and place among what is given.
    inputs: Vec<(usize, usize, usize)>,
    outputs: Vec<View>,
}

/// A step and its registers.
struct Ready<T> {
    step: Step,
    scratch: Vec<Vec<T>>,
}

impl<T> Ready<T>
where
    T: Real,
{
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
            Source::Input(at) => Some((place, buffer.length, at)),
            _ => None,
        };
        let inputs: Vec<(usize, usize, usize)> = buffers.iter().enumerate().filter_map(given).collect();
        let early: Vec<usize> = inputs.iter().map(|input| input.0).collect();
        let late: Vec<usize> = outputs.iter().map(|view| view.buffer).collect();
        let assigned = slots::assign(&steps, &lengths, &early, &late, &fixed);
        let tensor = |length: &usize| Some(T::tensor(vec![T::ZERO; *length]));
        let slots = assigned.lengths.iter().map(tensor).collect();
        let mut memory = Memory { slots, of: assigned.slot, lengths };
        for (place, buffer) in buffers.iter().enumerate() {
            memory.start::<T>(place, &buffer.source);
        }
        let (once, always): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(|step| fixed[step.writes()[0]]);
        for step in once {
            memory.run(&mut Ready::<T>::new(step))?;
        }
        let steps: Vec<Ready<T>> = always.into_iter().map(Ready::new).collect();
        let read: Vec<usize> = steps.iter().flat_map(|ready| ready.step.reads()).chain(late).collect();
        memory.forget(&fixed, &read);
        Ok(Fast { memory, steps, inputs, outputs })
    }
}

impl<T: Real> Evaluate for Fast<T> {
    fn run(&mut self, inputs: &[&[f64]]) -> Result<Vec<Vec<f64>>, Failure> {
        for (buffer, length, at) in &self.inputs {
            let values = inputs.get(*at).filter(|values| values.len() == *length);
            let values = values.ok_or_else(|| bug(format!("input {at} of the plan was not given in its shape")))?;
            self.memory.write::<T>(*buffer, |slot| vector::narrow(slot, values));
        }
        for ready in &mut self.steps {
            self.memory.run(ready)?;
        }
        self.outputs.iter().map(|view| Ok(step::read(self.memory.values::<T>(view.buffer), view))).collect()
    }
}

/// The slots, and which one each buffer lives in. A slot is out of its place only while it is written.
struct Memory {
    slots: Vec<Option<FlexTensor>>,
    of: Vec<usize>,
    lengths: Vec<usize>,
}

impl Memory {
    fn values<T: Real>(&self, buffer: usize) -> &[T] {
        self.slots.get(self.of[buffer]).and_then(Option::as_ref).map_or(&[], T::slice)
    }

    fn write<T: Real>(&mut self, buffer: usize, work: impl FnOnce(&mut [T])) {
        let length = self.lengths[buffer];
        if let Some(slot) = self.slots.get_mut(self.of[buffer]).and_then(Option::as_mut) {
            work(&mut T::slice_mut(slot)[..length]);
        }
    }

    fn start<T: Real>(&mut self, buffer: usize, source: &Source) {
        self.write::<T>(buffer, |slot| match source {
            Source::Step | Source::Input(_) => {}
            Source::Number(value) => slot.fill(T::of(*value)),
            Source::Count => slot.iter_mut().enumerate().for_each(|(i, slot)| *slot = T::of(i as f64)),
            Source::Array(array) => slot.iter_mut().enumerate().for_each(|(i, slot)| *slot = T::of(array.get(i))),
        });
    }

    fn run<T: Real>(&mut self, ready: &mut Ready<T>) -> Result<(), Failure> {
        let writes = ready.step.writes();
        let mut taken: [Option<FlexTensor>; tiles::OUTS] = [const { None }; tiles::OUTS];
        for (place, buffer) in taken.iter_mut().zip(writes) {
            *place = self.slots[self.of[*buffer]].take();
        }
        let mut outs: [&mut [T]; tiles::OUTS] = std::array::from_fn(|_| Default::default());
        for ((out, slot), buffer) in outs.iter_mut().zip(&mut taken).zip(writes) {
            let slot = slot.as_mut().ok_or_else(|| bug(format!("the slot of buffer {buffer} is not there")))?;
            *out = &mut T::slice_mut(slot)[..self.lengths[*buffer]];
        }
        let done = ready.step.run(|buffer| self.values(buffer), &mut outs[..writes.len()], &mut ready.scratch);
        for (slot, buffer) in taken.iter_mut().zip(writes) {
            self.slots[self.of[*buffer]] = slot.take();
        }
        done
    }

    /// Lets go of what was computed once and is not read again.
    fn forget(&mut self, fixed: &[bool], read: &[usize]) {
        for buffer in (0..self.of.len()).filter(|buffer| fixed[*buffer] && !read.contains(buffer)) {
            if let Some(slot) = self.slots.get_mut(self.of[buffer]) {
                *slot = None;
            }
        }
    }
}

fn bug(text: String) -> Failure {
    Failure::Bug(Bug(text))
}
