//! Column expressions, ready to compute: what one row's entry is, evaluated in blocks of rows.

use std::ops::Range;

use crate::data::problems::{At, Place};
use crate::data::{Array, Table};
use crate::kernel::noise::{Index, Key, Stream};

mod detach;
mod operators;

pub use operators::{Numbers, Operator};

/// Entries of a block are at most about this many, so that a block and its temporaries stay in the cache.
const BLOCK: usize = 4096;

/// An expression over columns with the shape of one entry. `rows` is `None` for what is the same in every row.
#[derive(Debug, Clone)]
pub struct Cell<'a> {
    pub rows: Option<usize>,
    pub entry: Vec<usize>,
    pub kind: Kind<'a>,
}

#[derive(Debug, Clone)]
pub enum Kind<'a> {
    /// A column of a source: numbers, and where they come from.
    Source(Numbers<'a>, &'a Table, usize),
    /// Another data item, already bound.
    Item(Array),
    /// One entry, the same in every row.
    Constant(Vec<f64>),
    /// Numbers made from a text column, one a row.
    Coded(Vec<f64>, &'a Table, usize),
    Unary(fn(f64) -> f64, Box<Cell<'a>>),
    Binary(Operator, Box<Cell<'a>>, Box<Cell<'a>>),
    If(Box<Cell<'a>>, Box<Cell<'a>>, Box<Cell<'a>>),
    /// Entries of one shape along a new first axis.
    Stack(Vec<Cell<'a>>),
    /// Some elements of an entry, by their places in it.
    Pick(Vec<usize>, Box<Cell<'a>>),
    /// 1 with these chances, else 0; the number tells the draws of one expression from those of another.
    Bernoulli(u32, Epoch, Box<Cell<'a>>),
}

/// What names the draws of columns that are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Epoch {
    pub seed: u64,
    pub epoch: u64,
}

impl<'a> Cell<'a> {
    pub fn number(value: f64) -> Cell<'a> {
        Cell { rows: None, entry: vec![], kind: Kind::Constant(vec![value]) }
    }

    /// Elements of one entry.
    pub fn width(&self) -> usize {
        self.entry.iter().product()
    }

    /// Rows, then the axes of an entry.
    pub fn shape(&self) -> Vec<usize> {
        self.rows.into_iter().chain(self.entry.iter().copied()).collect()
    }

    /// Rows of a block.
    fn stride(&self) -> usize {
        (BLOCK / self.width().max(1)).max(1)
    }

    /// Calls `each` with the entries of consecutive blocks of rows, and the first row of each.
    pub fn blocks(&self, mut each: impl FnMut(usize, &[f64])) {
        let rows = self.rows.unwrap_or(1);
        let stride = self.stride();
        for low in (0..rows).step_by(stride) {
            each(low, &self.eval(low..(low + stride).min(rows)));
        }
    }

    /// All entries, as bytes where every one is a whole number 0..=255.
    pub fn array(&self) -> Array {
        if let Kind::Source(Numbers::Bytes(bytes), ..) = self.kind {
            return Array::Bytes(bytes.into());
        }
        let total = self.rows.unwrap_or(1) * self.width();
        if let Some((source, table)) = self.table()
            && table.iter().all(|v| f64::from(*v as u8) == *v)
        {
            let bytes = table.map(|v| v as u8);
            return Array::Bytes(source.iter().map(|b| bytes[usize::from(*b)]).collect());
        }
        let mut sink = Sink::Bytes(Vec::with_capacity(total));
        self.blocks(|_, block| sink.push(block, total));
        match sink {
            Sink::Bytes(bytes) => Array::Bytes(bytes.into()),
            Sink::Reals(reals) => Array::Reals(reals.into()),
        }
    }

    /// What depends on one byte column entry by entry is a function of 256 values: the column and the function.
    fn table(&self) -> Option<(&'a [u8], [f64; 256])> {
        let source = self.bytes()?;
        let all: Vec<u8> = (0..=255).collect();
        let of_all = self.replace(&all).eval(0..256);
        Some((source, of_all.try_into().ok()?))
    }

    /// The byte column that this is an elementwise function of, where it is one of nothing else.
    fn bytes(&self) -> Option<&'a [u8]> {
        let single = |cell: &Cell| matches!(&cell.kind, Kind::Constant(list) if list.len() == 1);
        match &self.kind {
            Kind::Source(Numbers::Bytes(bytes), ..) => Some(bytes),
            Kind::Unary(_, of) => of.bytes(),
            Kind::Binary(_, left, right) if single(right) => left.bytes(),
            Kind::Binary(_, left, right) if single(left) => right.bytes(),
            _ => None,
        }
    }

    /// The same function of other bytes, as a column of numbers.
    fn replace<'b>(&self, bytes: &'b [u8]) -> Cell<'b>
    where
        'a: 'b,
    {
        let kind = match &self.kind {
            Kind::Source(_, table, column) => Kind::Source(Numbers::Bytes(bytes), table, *column),
            Kind::Unary(op, of) => Kind::Unary(*op, Box::new(of.replace(bytes))),
            Kind::Binary(op, left, right) => {
                Kind::Binary(*op, Box::new(left.replace(bytes)), Box::new(right.replace(bytes)))
            }
            other => return Cell { rows: None, entry: vec![], kind: other.clone() },
        };
        Cell { rows: Some(bytes.len()), entry: vec![], kind }
    }

    /// The entries of some rows; one entry only, where all rows are the same.
    fn eval(&self, rows: Range<usize>) -> Vec<f64> {
        let width = self.width();
        let entries = if self.rows.is_some() { rows.len() } else { 1 };
        let part = if self.rows.is_some() { rows.start * width..rows.end * width } else { 0..width };
        match &self.kind {
            Kind::Constant(list) => list.clone(),
            Kind::Source(Numbers::Bytes(bytes), ..) => bytes[part].iter().map(|b| f64::from(*b)).collect(),
            Kind::Source(Numbers::Reals(list), ..) => list[part].to_vec(),
            Kind::Item(array) => part.map(|i| array.get(i)).collect(),
            Kind::Coded(list, ..) => list[part].to_vec(),
            Kind::Unary(op, of) => {
                let mut list = of.eval(rows);
                list.iter_mut().for_each(|v| *v = op(*v));
                list
            }
            Kind::Binary(op, left, right) => {
                let left = left.eval_as(&rows, self);
                op.apply(left, right.eval_as(&rows, self))
            }
            Kind::If(condition, then, otherwise) => {
                let full = |cell: &Cell| spread(cell.eval_as(&rows, self), entries * width);
                choose(full(condition), full(then), full(otherwise))
            }
            Kind::Stack(parts) => {
                let parts: Vec<Vec<f64>> = parts.iter().map(|part| part.eval_rows(&rows, self.rows)).collect();
                let inner = width / parts.len().max(1);
                let row = |r: usize| parts.iter().flat_map(move |p| p[r * inner..(r + 1) * inner].iter().copied());
                (0..entries).flat_map(row).collect()
            }
            Kind::Pick(places, of) => {
                let list = of.eval(rows);
                let inner = of.width().max(1);
                list.chunks_exact(inner).flat_map(|entry| places.iter().map(|at| entry[*at])).collect()
            }
            Kind::Bernoulli(number, when, of) => {
                let first = if self.rows.is_some() { rows.start } else { 0 };
                draw(*number, *when, first, width, of.eval(rows))
            }
        }
    }

    /// Evaluated for use in `whole`: a single number, or as many as the rows of `whole` have.
    fn eval_as(&self, rows: &Range<usize>, whole: &Cell) -> Vec<f64> {
        if self.rows.is_none() && self.width() == 1 {
            return self.eval(rows.clone());
        }
        let list = self.eval_rows(rows, whole.rows);
        let times = if self.entry.is_empty() { whole.width() } else { 1 };
        if times == 1 { list } else { list.iter().flat_map(|v| std::iter::repeat_n(*v, times)).collect() }
    }

    /// Evaluated; an entry that is the same in every row is repeated where `whole` has rows.
    fn eval_rows(&self, rows: &Range<usize>, whole: Option<usize>) -> Vec<f64> {
        let list = self.eval(rows.clone());
        if self.rows.is_none() && whole.is_some() { list.repeat(rows.len()) } else { list }
    }

    /// Where in a source the element at `at` of the entry of `row` comes from, and whether it is missing there;
    /// of several places the first that is missing, if one is.
    pub fn place(&self, row: usize, at: usize) -> Option<(Place, bool)> {
        let mut places = vec![];
        self.places(row, at, &mut places);
        let missing = places.iter().position(|(_, missing)| *missing).unwrap_or(0);
        (!places.is_empty()).then(|| places.swap_remove(missing))
    }

    fn places(&self, row: usize, at: usize, found: &mut Vec<(Place, bool)>) {
        // A number beside an array stands for each of its elements.
        let at = if self.entry.is_empty() { 0 } else { at };
        match &self.kind {
            Kind::Source(numbers, table, column) => {
                let index = if self.rows.is_some() { row * self.width() + at } else { at };
                found.push((self.spot(table, *column, row, at), numbers.get(index).is_nan()));
            }
            Kind::Coded(list, table, column) => found.push((self.spot(table, *column, row, 0), list[row].is_nan())),
            Kind::Item(_) | Kind::Constant(_) => {}
            Kind::Unary(_, of) | Kind::Bernoulli(_, _, of) => of.places(row, at, found),
            Kind::Pick(places, of) => of.places(row, places.get(at).copied().unwrap_or(0), found),
            Kind::Binary(_, left, right) => {
                left.places(row, at, found);
                right.places(row, at, found);
            }
            Kind::If(condition, then, otherwise) => {
                for part in [then, otherwise, condition] {
                    part.places(row, at, found);
                }
            }
            Kind::Stack(parts) => {
                let inner = (self.width() / parts.len().max(1)).max(1);
                if let Some(part) = parts.get(at / inner) {
                    part.places(row, at % inner, found);
                }
            }
        }
    }

    fn spot(&self, table: &Table, column: usize, row: usize, at: usize) -> Place {
        spot(table, column, self.rows.map(|_| row), &self.entry, at)
    }
}

/// Zeros and ones with these chances. What is certain takes no draw.
fn draw(number: u32, when: Epoch, first: usize, width: usize, mut chances: Vec<f64>) -> Vec<f64> {
    let noise = Key { seed: when.seed, stream: Stream::Data, step: when.epoch, site: u32::MAX - number }.noise();
    for (row, entry) in chances.chunks_mut(width.max(1)).enumerate() {
        for (component, chance) in entry.iter_mut().enumerate() {
            let at = Index { row: (first + row) as u32, component: component as u32, ..Index::default() };
            *chance = match *chance {
                0.0 => 0.0,
                1.0 => 1.0,
                missing if missing.is_nan() => missing,
                chance => f64::from(u8::from(noise.uniform(at) < chance)),
            };
        }
    }
    chances
}

/// The place of an element of a column.
pub fn spot(table: &Table, column: usize, row: Option<usize>, entry: &[usize], mut at: usize) -> Place {
    let mut index = vec![0; entry.len()];
    for (axis, size) in entry.iter().enumerate().rev() {
        index[axis] = at % size;
        at /= size;
    }
    let at = match (row, &table.lines) {
        (Some(row), Some(lines)) => At::Line(lines.of(row)),
        (Some(row), None) => At::Row([vec![row], index].concat()),
        (None, _) => At::Whole,
    };
    let name = table.columns[column].name.as_ref();
    let column = name.map_or_else(|| column.to_string(), |name| format!("`{name}`"));
    Place { file: table.name.clone(), at, column }
}

/// Element by element; a missing condition is missing.
fn choose(condition: Vec<f64>, then: Vec<f64>, otherwise: Vec<f64>) -> Vec<f64> {
    let pick = |(c, (a, b)): (f64, (f64, f64))| match c {
        c if c.is_nan() => c,
        0.0 => b,
        _ => a,
    };
    condition.into_iter().zip(then.into_iter().zip(otherwise)).map(pick).collect()
}

/// A single number repeated.
fn spread(list: Vec<f64>, length: usize) -> Vec<f64> {
    if list.len() == 1 { vec![list[0]; length] } else { list }
}

/// Entries as bytes, until one is not a whole number 0..=255.
enum Sink {
    Bytes(Vec<u8>),
    Reals(Vec<f64>),
}

impl Sink {
    fn push(&mut self, block: &[f64], total: usize) {
        match self {
            Sink::Bytes(bytes) if block.iter().all(|v| f64::from(*v as u8) == *v) => {
                bytes.extend(block.iter().map(|v| *v as u8));
            }
            Sink::Bytes(bytes) => {
                let mut reals = Vec::with_capacity(total);
                reals.extend(bytes.iter().map(|b| f64::from(*b)));
                reals.extend_from_slice(block);
                *self = Sink::Reals(reals);
            }
            Sink::Reals(reals) => reals.extend_from_slice(block),
        }
    }
}
