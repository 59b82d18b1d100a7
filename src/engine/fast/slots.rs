//! Which slot each buffer lives in: one that is free again is taken before a new one is made.

use super::step::Step;

/// Slots by buffer, and how long each slot must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Assignment {
    pub slot: Vec<usize>,
    pub lengths: Vec<usize>,
}

/// `lengths` by buffer; `early` are there before the first step (what is given), `late` after the last one (what is
/// taken away), `alone` never share (what is computed once).
pub(super) fn assign(steps: &[Step], lengths: &[usize], early: &[usize], late: &[usize], alone: &[bool]) -> Assignment {
    let mut last = vec![None; lengths.len()];
    for (number, step) in steps.iter().enumerate() {
        step.reads().into_iter().chain(step.writes().iter().copied()).for_each(|buffer| last[buffer] = Some(number));
    }
    late.iter().for_each(|buffer| last[*buffer] = Some(steps.len()));
    let mut found = Assignment { slot: vec![usize::MAX; lengths.len()], lengths: vec![] };
    let mut free: Vec<usize> = vec![];
    for buffer in (0..lengths.len()).filter(|buffer| alone[*buffer]).chain(early.iter().copied()) {
        place(buffer, lengths[buffer], &mut found, &mut vec![]);
    }
    for (number, step) in steps.iter().enumerate() {
        for buffer in
            step.writes().iter().filter(|buffer| found.slot[**buffer] == usize::MAX).copied().collect::<Vec<_>>()
        {
            place(buffer, lengths[buffer], &mut found, &mut free);
        }
        let mut done: Vec<usize> = step.reads().into_iter().chain(step.writes().iter().copied()).collect();
        done.sort_unstable();
        done.dedup();
        let over = |buffer: &usize| last[*buffer] == Some(number) && !alone[*buffer];
        free.extend(done.into_iter().filter(over).map(|buffer| found.slot[buffer]));
    }
    found
}

/// The smallest free slot that is long enough, or the longest one made longer, or a new one.
fn place(buffer: usize, length: usize, found: &mut Assignment, free: &mut Vec<usize>) {
    let fitting = free.iter().enumerate().filter(|(_, slot)| found.lengths[**slot] >= length);
    let best = fitting.min_by_key(|(_, slot)| found.lengths[**slot]).map(|(i, _)| i);
    let longest = || free.iter().enumerate().max_by_key(|(_, slot)| found.lengths[**slot]).map(|(i, _)| i);
    let slot = match best.or_else(longest) {
        Some(i) => free.swap_remove(i),
        None => {
            found.lengths.push(0);
            found.lengths.len() - 1
        }
    };
    found.lengths[slot] = found.lengths[slot].max(length);
    found.slot[buffer] = slot;
}
