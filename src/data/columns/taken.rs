//! What a column expression takes from all rows, or from what a fit has taken; and what it draws.

use std::cell::{Cell as Counter, RefCell};

use super::{Made, Scope, Stop};
use crate::data::cells::{Cell, Epoch, Kind, spot};
use crate::data::kept::Taken;
use crate::data::lookup::coded_cell;
use crate::data::problems::ColumnProblem;
use crate::data::statistics::statistic;
use crate::data::{Column, Table, Values};
use crate::source::Span;
use crate::syntax::Expr;

/// What the expression of one item takes and draws, in the order of its evaluation.
#[derive(Default)]
pub struct Ledger<'s> {
    /// What a fit has taken, where this is about a fitted model.
    pub given: Option<&'s [Taken]>,
    pub seed: u64,
    taken: RefCell<Vec<Taken>>,
    draws: Counter<u32>,
}

/// Names the draw of what is drawn once: no epoch of a fit has this number.
const ONCE: u64 = u64::MAX;
/// Draws of one item are told apart below this number.
const DRAWS: u32 = 1 << 8;

impl<'s> Ledger<'s> {
    pub fn new(given: Option<&'s [Taken]>, seed: u64) -> Ledger<'s> {
        Ledger { given, seed, ..Ledger::default() }
    }

    pub fn into_taken(self) -> Vec<Taken> {
        self.taken.into_inner()
    }

    /// The next thing: as the fit has it, or as these rows do.
    fn take(&self, make: impl FnOnce() -> Result<Taken, ColumnProblem>) -> Result<Taken, ColumnProblem> {
        let at = self.taken.borrow().len();
        let next = match self.given.and_then(|given| given.get(at)) {
            Some(given) => given.clone(),
            None => make()?,
        };
        self.taken.borrow_mut().push(next.clone());
        Ok(next)
    }
}

impl<'a> Scope<'_, 'a> {
    /// Of all rows, entry by entry.
    pub(super) fn statistic(&self, name: &str, span: Span, cell: &Cell<'a>) -> Made<'a> {
        let taken = self.ledger.take(|| Ok(Taken::Statistic(statistic(name, span, cell)?)))?;
        match taken {
            Taken::Statistic(values) if values.len() == cell.width() => {
                Ok(Cell { rows: None, entry: cell.entry.clone(), kind: Kind::Constant(values) })
            }
            _ => {
                let message = format!("`{name}` was taken of entries of another shape when the model was fitted");
                Err(ColumnProblem::Expression { span, message, help: None }.into())
            }
        }
    }

    /// Text as 0, 1, ... in sorted order; numbers likewise.
    pub(super) fn levels(&self, of: &Expr) -> Made<'a> {
        let (table, position, column) = self.plain_column(of)?;
        let taken = self.ledger.take(|| Ok(levels_of(column)))?;
        let codes: Result<Vec<f64>, usize> = match (&taken, &column.values) {
            (Taken::Levels(levels), Values::Text(cells)) => {
                let code = |cell: &String| match levels.binary_search(cell) {
                    Ok(code) => Some(code as f64),
                    Err(_) => cell.is_empty().then_some(f64::NAN),
                };
                coded(cells.iter().map(code))
            }
            (Taken::Numbers(levels), values) => {
                let code = |value: f64| match levels.binary_search_by(|level| level.total_cmp(&value)) {
                    Ok(code) => Some(code as f64),
                    Err(_) => value.is_nan().then_some(f64::NAN),
                };
                coded(numbers(values).into_iter().map(code))
            }
            // Text where the fit had numbers.
            _ => Err(0),
        };
        match codes {
            Ok(codes) => Ok(coded_cell(column, Kind::Coded(codes, table, position))),
            Err(row) => Err(self.unknown_level(row, table, position, taken, of.span)),
        }
    }

    fn unknown_level(&self, row: usize, table: &Table, position: usize, taken: Taken, span: Span) -> Stop {
        let place = spot(table, position, Some(row), &[], 0);
        let cell = match &table.columns[position].values {
            Values::Text(cells) => cells.get(row).cloned().unwrap_or_default(),
            values => numbers(values).get(row).map(f64::to_string).unwrap_or_default(),
        };
        let levels = match taken {
            Taken::Levels(levels) => levels,
            Taken::Numbers(levels) | Taken::Statistic(levels) => levels.iter().map(f64::to_string).collect(),
        };
        ColumnProblem::UnknownLevel { place, cell, levels, span }.into()
    }

    /// 1 with the chance that an entry is, drawn anew each epoch.
    pub(super) fn bernoulli(&self, of: Cell<'a>, span: Span) -> Made<'a> {
        let mut outside = None;
        let width = of.width().max(1);
        of.blocks(|first, block| {
            let bad = block.iter().position(|chance| !chance.is_nan() && !(0.0..=1.0).contains(chance));
            if let (None, Some(at)) = (&outside, bad) {
                outside = Some((first + at / width, at % width, block[at]));
            }
        });
        if let Some((row, at, chance)) = outside {
            let place = of.place(row, at).map(|(place, _)| place.to_string());
            let place = place.map_or(String::new(), |place| format!("{place}: "));
            let message = format!("{place}`bernoulli` draws with a chance from 0 to 1, and this is {chance}");
            let help = Some("divide by the largest value: `bernoulli(c / 255)` for bytes".into());
            return Err(ColumnProblem::Expression { span, message, help }.into());
        }
        let number = self.place as u32 * DRAWS + self.ledger.draws.replace(self.ledger.draws.get() + 1) % DRAWS;
        let when = Epoch { seed: self.ledger.seed, epoch: ONCE };
        Ok(Cell { rows: of.rows, entry: of.entry.clone(), kind: Kind::Bernoulli(number, when, Box::new(of)) })
    }
}

fn levels_of(column: &Column) -> Taken {
    match &column.values {
        Values::Text(cells) => {
            let mut levels: Vec<String> = cells.iter().filter(|cell| !cell.is_empty()).cloned().collect();
            levels.sort();
            levels.dedup();
            Taken::Levels(levels)
        }
        values => {
            let mut levels: Vec<f64> = numbers(values).into_iter().filter(|value| !value.is_nan()).collect();
            levels.sort_by(f64::total_cmp);
            levels.dedup();
            Taken::Numbers(levels)
        }
    }
}

fn numbers(values: &Values) -> Vec<f64> {
    match values {
        // No code without its sign: -0 is 0.
        Values::Bytes(list) => list.iter().map(|b| f64::from(*b)).collect(),
        Values::Reals(list) => list.iter().map(|v| v + 0.0).collect(),
        Values::Text(list) => vec![f64::INFINITY; list.len()],
    }
}

/// All codes, or the row of the first that has none.
fn coded(codes: impl Iterator<Item = Option<f64>>) -> Result<Vec<f64>, usize> {
    codes.enumerate().map(|(row, code)| code.ok_or(row)).collect()
}
