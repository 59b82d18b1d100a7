//! Statistics of a column over all rows, entry by entry: each is the same in every row. Those of the fit's data are kept,
//! and later data are read by them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::data::cells::Cell;
use crate::data::problems::ColumnProblem;
use crate::source::Span;

/// What a column expression took from all rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// An entry of numbers.
    Entry(Vec<f64>),
    /// The levels of text, sorted.
    Texts(Vec<String>),
    /// The levels of numbers, sorted.
    Numbers(Vec<f64>),
}

/// What the expressions of data items take from all rows, by item and text: of the data of a fit, or of these.
#[derive(Debug, Default)]
pub struct Statistics {
    fitted: BTreeMap<String, Taken>,
    taken: RefCell<BTreeMap<String, Taken>>,
}

impl Statistics {
    /// Those of the data of a fit, which later data are read by.
    pub fn of_fit(fitted: BTreeMap<String, Taken>) -> Statistics {
        Statistics { fitted, taken: RefCell::default() }
    }

    /// Those that the data were read by.
    pub fn into_taken(self) -> BTreeMap<String, Taken> {
        self.taken.into_inner()
    }

    /// That of the fit, if there is one, else what the rows say.
    pub(super) fn take<E>(&self, name: String, of_rows: impl FnOnce() -> Result<Taken, E>) -> Result<Taken, E> {
        let taken = match self.fitted.get(&name) {
            Some(taken) => taken.clone(),
            None => of_rows()?,
        };
        self.taken.borrow_mut().insert(name, taken.clone());
        Ok(taken)
    }
}

/// A statistic over all rows that are not missing, entry by entry.
pub(super) fn statistic(name: &str, span: Span, cell: &Cell) -> Result<Vec<f64>, ColumnProblem> {
    if cell.rows.is_none() {
        let message = format!("`{name}` runs over the rows of a column, and this is the same in every row");
        return Err(ColumnProblem::Expression { span, message, help: None });
    }
    Ok(match name {
        "min" => fold(cell, f64::INFINITY, |_, least, v| least.min(v)).0,
        "max" => fold(cell, f64::NEG_INFINITY, |_, most, v| most.max(v)).0,
        "mean" => mean(cell),
        _ => {
            let centre = mean(cell);
            let (sums, counts) = fold(cell, 0.0, |i, sum, v| sum + (v - centre[i]).powi(2));
            sums.iter().zip(&counts).map(|(sum, n)| (sum / n).sqrt()).collect()
        }
    })
}

/// Where each of these stands among the sorted levels; beyond them all where it is none of them.
pub(super) fn codes<T: PartialOrd>(levels: &[T], of: impl Iterator<Item = Option<T>>) -> Vec<f64> {
    let code = |value: T| levels.iter().position(|level| *level == value).unwrap_or(levels.len()) as f64;
    of.map(|value| value.map_or(f64::NAN, code)).collect()
}

fn mean(cell: &Cell) -> Vec<f64> {
    let (sums, counts) = fold(cell, 0.0, |_, sum, v| sum + v);
    sums.iter().zip(&counts).map(|(sum, n)| sum / n).collect()
}

/// Entry by entry over the rows that are there, and how many those are.
fn fold(cell: &Cell, start: f64, f: impl Fn(usize, f64, f64) -> f64) -> (Vec<f64>, Vec<f64>) {
    let width = cell.width();
    let (mut state, mut counts) = (vec![start; width], vec![0.0; width]);
    cell.blocks(|_, block| {
        for row in block.chunks_exact(width.max(1)) {
            for (i, v) in row.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
                state[i] = f(i, state[i], *v);
                counts[i] += 1.0;
            }
        }
    });
    (state, counts)
}
