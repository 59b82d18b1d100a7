//! Elementwise operations in one pass: a small program that runs on a few hundred elements at a time, so that what it
//! makes on the way never leaves the first cache.

use super::real::Real;
use super::reduce::offset;
use super::view::{Space, View};
use crate::kernel::elementwise::{self, Side};
use crate::plan::{Binary, Unary};

/// Elements of one pass.
pub(super) const TILE: usize = 512;
/// Most operands from outside, and most results, of one pass.
pub(super) const LOADS: usize = 16;
pub(super) const OUTS: usize = 16;
/// From this many elements on, work is shared between threads.
const SHARED: usize = 1 << 15;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Act {
    Unary(Unary),
    Binary(Binary),
    Select,
}

/// Where a value is while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// An operand from outside.
    Load(usize),
    /// A register of one tile.
    Register(usize),
    /// A result.
    Out(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub act: Act,
    pub args: [Place; 3],
    pub into: Place,
}

/// How an operand walks through the space of places.
#[derive(Debug, Clone, PartialEq)]
enum Walk {
    /// Element after element.
    Along,
    /// Always the same one.
    Still,
    /// Along other axes than the result.
    Steps(Vec<usize>),
}

#[derive(Debug, Clone)]
struct Load {
    buffer: usize,
    offset: usize,
    walk: Walk,
}

#[derive(Debug, Clone)]
pub(super) struct Tiles {
    lengths: Vec<usize>,
    count: usize,
    loads: Vec<Load>,
    lines: Vec<Line>,
    registers: usize,
    /// The buffers of the results, all row-major.
    pub outs: Vec<usize>,
}

impl Tiles {
    pub fn new(shape: &[usize], loads: &[View], lines: Vec<Line>, registers: usize, outs: Vec<usize>) -> Tiles {
        let straight = View::whole(0, shape);
        let views: Vec<&View> = [&straight].into_iter().chain(loads).collect();
        let space = Space::of(shape, &views);
        let load = |(view, steps): (&View, &Vec<usize>)| {
            let walk = if steps.iter().all(|step| *step == 0) {
                Walk::Still
            } else if *steps == space.steps[0] {
                Walk::Along
            } else {
                Walk::Steps(steps.clone())
            };
            Load { buffer: view.buffer, offset: view.offset, walk }
        };
        let loads = loads.iter().zip(&space.steps[1..]).map(load).collect();
        Tiles { count: space.count(), lengths: space.lengths, loads, lines, registers, outs }
    }

    /// The buffers it reads.
    pub fn reads(&self) -> impl Iterator<Item = usize> {
        self.loads.iter().map(|load| load.buffer)
    }

    /// Registers for `run`, to be made once.
    pub fn scratch<T: Real>(&self) -> Vec<Vec<T>> {
        vec![vec![T::ZERO; TILE.min(self.count)]; self.registers + self.loads.len()]
    }

    /// Writes every result. `values` gives a buffer's elements; `outs` are the results' own.
    pub fn run<'a, T: Real>(
        &self,
        values: impl Fn(usize) -> &'a [T],
        outs: &mut [&mut [T]],
        scratch: &mut Vec<Vec<T>>,
    ) {
        let mut loads: [&[T]; LOADS] = [&[]; LOADS];
        for (slice, load) in loads.iter_mut().zip(&self.loads) {
            *slice = &values(load.buffer)[load.offset..];
        }
        if self.count < SHARED {
            return self.span(0, self.count, &loads, outs, scratch);
        }
        use rayon::prelude::*;
        let chunk = (self.count.div_ceil(rayon::current_num_threads() * 4)).next_multiple_of(TILE);
        let mut parts: Vec<Vec<&mut [T]>> = (0..self.count.div_ceil(chunk)).map(|_| vec![]).collect();
        for out in outs {
            parts.iter_mut().zip(out.chunks_mut(chunk)).for_each(|(part, piece)| part.push(piece));
        }
        parts.par_iter_mut().enumerate().for_each(|(number, part)| {
            let start = number * chunk;
            self.span(start, (self.count - start).min(chunk), &loads, part, &mut self.scratch());
        });
    }

    /// The places from `start` on, whose results begin the slices `outs`.
    #[allow(clippy::ptr_arg, reason = "one type for the registers of every pass")]
    fn span<T: Real>(
        &self,
        start: usize,
        count: usize,
        loads: &[&[T]],
        outs: &mut [&mut [T]],
        scratch: &mut Vec<Vec<T>>,
    ) {
        for from in (0..count).step_by(TILE) {
            let length = TILE.min(count - from);
            for (i, load) in self.loads.iter().enumerate() {
                if let Walk::Steps(steps) = &load.walk {
                    self.fetch(loads[i], steps, start + from, &mut scratch[self.registers + i][..length]);
                }
            }
            let tile = Tile { program: self, loads, from, start, length };
            self.lines.iter().for_each(|line| tile.line(line, outs, scratch));
        }
    }

    /// Copies an operand's elements from place `start` on into a register, run by run along the innermost axis.
    fn fetch<T: Real>(&self, values: &[T], steps: &[usize], start: usize, into: &mut [T]) {
        let Some((inner, outer)) = self.lengths.split_last() else { return };
        let (step, outer_steps) = (steps[outer.len()], &steps[..outer.len()]);
        let mut done = 0;
        while done < into.len() {
            let column = (start + done) % inner;
            let from = offset((start + done) / inner, outer, outer_steps) + column * step;
            let run = (inner - column).min(into.len() - done);
            let target = &mut into[done..done + run];
            match step {
                0 => target.fill(values[from]),
                1 => target.copy_from_slice(&values[from..from + run]),
                _ => target.iter_mut().enumerate().for_each(|(i, slot)| *slot = values[from + i * step]),
            }
            done += run;
        }
    }
}

/// The places that one pass is about.
struct Tile<'a, T> {
    program: &'a Tiles,
    loads: &'a [&'a [T]],
    /// Of the span, where its results begin.
    from: usize,
    /// Of the whole, where the span begins.
    start: usize,
    length: usize,
}

impl<T: Real> Tile<'_, T> {
    fn line(&self, line: &Line, outs: &mut [&mut [T]], scratch: &mut [Vec<T>]) {
        // The target is taken out of its list for the while: a line never reads what it writes.
        match line.into {
            Place::Register(r) => {
                let mut target = std::mem::take(&mut scratch[r]);
                self.act(line, outs, scratch, &mut target[..self.length]);
                scratch[r] = target;
            }
            Place::Out(o) => {
                let target = std::mem::take(&mut outs[o]);
                self.act(line, outs, scratch, &mut target[self.from..self.from + self.length]);
                outs[o] = target;
            }
            Place::Load(_) => {}
        }
    }

    fn act(&self, line: &Line, outs: &[&mut [T]], scratch: &[Vec<T>], target: &mut [T]) {
        let value = |place: Place| match place {
            Place::Register(r) => Side::Many(&scratch[r][..self.length]),
            Place::Out(o) => Side::Many(&outs[o][self.from..self.from + self.length]),
            Place::Load(i) => match self.program.loads[i].walk {
                Walk::Along => Side::Many(&self.loads[i][self.start + self.from..][..self.length]),
                Walk::Still => Side::One(self.loads[i][0]),
                Walk::Steps(_) => Side::Many(&scratch[self.program.registers + i][..self.length]),
            },
        };
        let [a, b, c] = line.args;
        match (line.act, value(a)) {
            (Act::Unary(op), Side::Many(x)) => elementwise::unary(op, x, target),
            (Act::Unary(op), Side::One(x)) => {
                elementwise::unary(op, &[x], &mut target[..1]);
                let value = target[0];
                target.fill(value);
            }
            (Act::Binary(op), a) => elementwise::binary(op, a, value(b), target),
            (Act::Select, condition) => elementwise::select(condition, value(b), value(c), target),
        }
    }
}
