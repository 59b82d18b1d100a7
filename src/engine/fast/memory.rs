//! The slots: burn tensors that own the memory, and where each buffer's numbers lie in them.

use burn::backend::flex::FlexTensor;

use super::real::Real;
use super::slots::Assignment;
use super::{Ready, tiles};
use crate::plan::Failure;

pub(super) struct Memory<T> {
    /// Owns the memory that the pointers lead to, and is not touched while they are used.
    slots: Vec<Option<FlexTensor>>,
    /// Of each buffer its slot, its first number and how many there are.
    at: Vec<(usize, *mut T, usize)>,
}

impl<T: Real> Memory<T> {
    pub fn new(assigned: &Assignment, lengths: &[usize]) -> Memory<T> {
        let tensor = |length: &usize| T::tensor(vec![T::ZERO; *length]);
        let mut slots: Vec<FlexTensor> = assigned.lengths.iter().map(tensor).collect();
        let starts: Vec<*mut T> = slots.iter_mut().map(|slot| T::slice_mut(slot).as_mut_ptr()).collect();
        let place = |(slot, length): (&usize, &usize)| match starts.get(*slot) {
            Some(start) => (*slot, *start, *length),
            // A buffer that no step writes and none reads has no slot.
            None => (*slot, std::ptr::NonNull::dangling().as_ptr(), 0),
        };
        let at = assigned.slot.iter().zip(lengths).map(place).collect();
        Memory { slots: slots.into_iter().map(Some).collect(), at }
    }

    pub fn values(&self, buffer: usize) -> &[T] {
        let (_, start, length) = self.at[buffer];
        // Safety: the slot is as long as its longest buffer, and `&self` means that nothing writes.
        unsafe { std::slice::from_raw_parts(start, length) }
    }

    pub fn writable(&mut self, buffer: usize) -> &mut [T] {
        let (_, start, length) = self.at[buffer];
        // Safety: as above, and `&mut self` means that nothing else reads or writes.
        unsafe { std::slice::from_raw_parts_mut(start, length) }
    }

    /// Runs a step, whose results are in other slots than what it reads: see `slots::assign`.
    pub fn run(&mut self, ready: &mut Ready<T>) -> Result<(), Failure> {
        let writes = ready.step.writes();
        let mut outs: [&mut [T]; tiles::OUTS] = std::array::from_fn(|_| Default::default());
        for (out, buffer) in outs.iter_mut().zip(writes) {
            let (_, start, length) = self.at[*buffer];
            // Safety: buffers that are alive together never share a slot, so this overlaps no other slice here.
            *out = unsafe { std::slice::from_raw_parts_mut(start, length) };
        }
        let memory = &*self;
        ready.step.run(|buffer| memory.values(buffer), &mut outs[..writes.len()], &mut ready.scratch)
    }

    /// Lets go of a buffer that has its slot alone.
    pub fn forget(&mut self, buffer: usize) {
        let (slot, _, _) = self.at[buffer];
        self.at[buffer] = (slot, std::ptr::NonNull::dangling().as_ptr(), 0);
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = None;
        }
    }
}
