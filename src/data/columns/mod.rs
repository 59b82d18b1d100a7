//! Column expressions (LANGUAGE.md 1.6) to cells: names found, shapes and rows agreed, statistics over all rows taken.

use std::collections::BTreeMap;

use crate::data::cells::{Cell, Kind, Operator};
use crate::data::lookup::{coded_cell, numbers};
use crate::data::problems::ColumnProblem;
use crate::data::{BoundArray, Table, Values};
use crate::model::{Data, Model};
use crate::shape::DimId;
use crate::source::Span;
use crate::syntax::{BinaryOp, Expr, ExprKind, UnaryOp};

mod functions;
mod taken;

pub use taken::Ledger;

/// What an expression may read: sources, and what is bound so far.
pub struct Scope<'s, 'a> {
    pub model: &'a Model,
    pub tables: &'a [Table],
    pub bound: &'s [Option<BoundArray>],
    pub dims: &'s BTreeMap<DimId, usize>,
    pub item: &'a Data,
    /// Its place among the data items.
    pub place: usize,
    /// Only rows and shape are asked for: sizes that nobody knows yet are any number.
    pub probe: bool,
    /// The items that are drawn: what is made of them is drawn with them.
    pub drawn: &'s [Option<Cell<'a>>],
    pub ledger: Ledger<'s>,
}

/// Why there is no cell: the user's mistake, or something that is not known yet.
#[derive(Debug)]
pub enum Stop {
    Wrong(ColumnProblem),
    /// Another data item.
    WaitsForData(usize),
    WaitsForDim(DimId),
}

impl From<ColumnProblem> for Stop {
    fn from(problem: ColumnProblem) -> Stop {
        Stop::Wrong(problem)
    }
}

pub(super) type Made<'a> = Result<Cell<'a>, Stop>;

impl<'a> Scope<'_, 'a> {
    /// The cell of the item: its expression, or the column of its name.
    pub fn cell(&self) -> Made<'a> {
        match &self.item.value {
            Some(value) => self.expr(value),
            None => self.column(&self.item.name, self.item.span, None),
        }
    }

    fn expr(&self, expr: &Expr) -> Made<'a> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Number { value, .. } => Ok(Cell::number(*value)),
            ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Name(name) => self.name(name, span),
            ExprKind::Field { base, name } => match &base.kind {
                ExprKind::Name(alias) => self.column(&name.node, span, Some(alias)),
                _ => Err(not_yet(span, "a field of an expression")),
            },
            ExprKind::Unary { op, of } => {
                let op: fn(f64) -> f64 = match op {
                    UnaryOp::Negate => |v| -v,
                    UnaryOp::Not => |v| if v.is_nan() { v } else { f64::from(u8::from(v == 0.0)) },
                };
                Ok(unary(op, self.expr(of)?))
            }
            ExprKind::Binary { op: BinaryOp::Pipe, left, right, .. } => match &right.kind {
                ExprKind::Call(call) => self.call(call, Some(left)),
                _ => Err(wrong(span, "the right of `|>` must be a call", "write `a |> f(b)`")),
            },
            ExprKind::Binary { op, left, right, .. } => self.binary(*op, left, right, span),
            ExprKind::If { condition, then, otherwise } => {
                let branches = [self.expr(condition)?, self.expr(then)?, self.expr(otherwise)?];
                let (rows, entry) = agree(span, &branches)?;
                let [condition, then, otherwise] = branches.map(Box::new);
                Ok(Cell { rows, entry, kind: Kind::If(condition, then, otherwise) })
            }
            ExprKind::Array(parts) => stack(span, parts.iter().map(|part| self.expr(part)).collect::<Result<_, _>>()?),
            ExprKind::Call(call) => self.call(call, None),
            ExprKind::Text(text) => Err(wrong(
                span,
                &format!("the text \"{text}\" is no number"),
                "compare it with a column: `species == \"setosa\"`",
            )),
            ExprKind::ArrayFor { .. } => Err(not_yet(span, "a comprehension")),
            ExprKind::Index { base, index } => self.pick(base, index, span),
            ExprKind::Range { .. } | ExprKind::Record(_) => Err(not_yet(span, "this")),
        }
    }

    /// A const, a dim, another data item, or a column; an item's own name is always its column.
    fn name(&self, name: &str, span: Span) -> Made<'a> {
        if name != self.item.name {
            if let Some(constant) = self.model.constants.iter().find(|c| c.name == name) {
                let (entry, values) = (constant.shape.clone(), constant.values.clone());
                return Ok(Cell { rows: None, entry, kind: Kind::Constant(values) });
            }
            if let Some((id, _)) = self.model.dims.iter().find(|(_, dim)| dim.name == name) {
                let size = self.dims.get(&id).copied().or(self.probe.then_some(1));
                return size.map(|size| Cell::number(size as f64)).ok_or(Stop::WaitsForDim(id));
            }
            if let Some(other) = self.model.data.iter().position(|data| data.name == name) {
                let array = self.bound[other].as_ref().ok_or(Stop::WaitsForData(other))?;
                if let Some(drawn) = &self.drawn[other] {
                    return Ok(drawn.clone());
                }
                let rows = usize::from(!self.model.data[other].rows.is_empty());
                let (rows, entry) = array.shape.split_at(rows);
                let kind = Kind::Item(array.values.clone());
                return Ok(Cell { rows: rows.first().copied(), entry: entry.to_vec(), kind });
            }
        }
        self.column(name, span, None)
    }

    fn binary(&self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Made<'a> {
        if let BinaryOp::Equal | BinaryOp::NotEqual = op
            && let Some(cell) = self.text_equal(left, right)?
        {
            return Ok(if op == BinaryOp::NotEqual { unary(|v| 1.0 - v, cell) } else { cell });
        }
        let operator = match op {
            BinaryOp::Or => Operator::Or,
            BinaryOp::And => Operator::And,
            BinaryOp::Equal => Operator::Equal,
            BinaryOp::NotEqual => Operator::NotEqual,
            BinaryOp::Less => Operator::Less,
            BinaryOp::LessEqual => Operator::LessEqual,
            BinaryOp::Greater => Operator::Greater,
            BinaryOp::GreaterEqual => Operator::GreaterEqual,
            BinaryOp::Add => Operator::Add,
            BinaryOp::Subtract => Operator::Subtract,
            BinaryOp::Multiply => Operator::Multiply,
            BinaryOp::Divide => Operator::Divide,
            BinaryOp::Power => Operator::Power,
            BinaryOp::MatMul | BinaryOp::Pipe => return Err(not_yet(span, "a matrix product")),
        };
        Ok(binary(span, operator, self.expr(left)?, self.expr(right)?)?)
    }

    /// `species == "setosa"`: 1 and 0, missing where the cell is empty.
    fn text_equal(&self, left: &Expr, right: &Expr) -> Result<Option<Cell<'a>>, Stop> {
        let (column, text) = match (&left.kind, &right.kind) {
            (_, ExprKind::Text(text)) => (left, text),
            (ExprKind::Text(text), _) => (right, text),
            _ => return Ok(None),
        };
        let (table, position, found) = self.plain_column(column)?;
        let Values::Text(cells) = &found.values else {
            return Err(wrong(column.span, "this column holds numbers, not text", "compare it with a number"));
        };
        let coded = |cell: &String| if cell.is_empty() { f64::NAN } else { f64::from(u8::from(cell == text)) };
        let coded = cells.iter().map(coded).collect();
        Ok(Some(coded_cell(found, Kind::Coded(coded, table, position))))
    }

    /// Elements of an entry: `images[0]`, `columns(0..4)[1..3]`.
    fn pick(&self, base: &Expr, index: &[Expr], span: Span) -> Made<'a> {
        let of = self.expr(base)?;
        if index.len() > of.entry.len() {
            let (axes, given) = (of.entry.len(), index.len());
            let message = format!("an entry of {axes} axes takes no {given} indices; its rows are not indexed");
            return Err(ColumnProblem::Expression { span, message, help: None }.into());
        }
        let (mut places, mut entry) = (vec![0], vec![]);
        for (axis, size) in of.entry.iter().enumerate() {
            let (range, is_slice) = match index.get(axis).map(|index| (&index.kind, index)) {
                None => (0..*size, true),
                Some((ExprKind::Range { low, high }, _)) => (self.whole(low)?..self.whole(high)?, true),
                Some((_, index)) => {
                    let at = self.whole(index)?;
                    (at..at + 1, false)
                }
            };
            if range.start >= range.end || range.end > *size {
                let (low, high) = (range.start, range.end);
                let what = if is_slice { format!("{low}..{high}") } else { low.to_string() };
                let message = format!("{what} does not lie in an axis of {size} elements");
                let help = Some("indices count from 0, and a slice ends before its second number".into());
                return Err(ColumnProblem::Expression { span, message, help }.into());
            }
            if is_slice {
                entry.push(range.len());
            }
            places = places.iter().flat_map(|at| range.clone().map(move |i| at * size + i)).collect();
        }
        Ok(Cell { rows: of.rows, entry, kind: Kind::Pick(places, Box::new(of)) })
    }

    fn at(&self, position: usize, span: Span) -> Made<'a> {
        let table = self.only_table(span)?;
        let column = table.columns.get(position).ok_or_else(|| self.no_position(span, position))?;
        numbers((table, position, column), span)
    }

    fn range(&self, of: &Expr) -> Made<'a> {
        let ExprKind::Range { low, high } = &of.kind else {
            return Err(wrong(of.span, "`columns` takes a range", "write `columns(2..26)`, the end excluded"));
        };
        let (low, high) = (self.whole(low)?, self.whole(high)?);
        if low >= high {
            return Err(wrong(
                of.span,
                "this range of columns is empty",
                "the end is excluded: `columns(0..1)` is one column",
            ));
        }
        stack(of.span, (low..high).map(|position| self.at(position, of.span)).collect::<Result<_, _>>()?)
    }

    /// A whole number from constants and dims.
    pub(super) fn whole(&self, expr: &Expr) -> Result<usize, Stop> {
        let cell = self.expr(expr)?;
        match (&cell.rows, cell.array()) {
            (None, array) if array.len() == 1 && array.get(0) >= 0.0 && array.get(0).fract() == 0.0 => {
                Ok(array.get(0) as usize)
            }
            _ => Err(wrong(expr.span, "this must be a whole number", "columns are counted from 0")),
        }
    }
}

fn unary(op: fn(f64) -> f64, of: Cell) -> Cell {
    Cell { rows: of.rows, entry: of.entry.clone(), kind: Kind::Unary(op, Box::new(of)) }
}

pub fn binary<'a>(span: Span, op: Operator, left: Cell<'a>, right: Cell<'a>) -> Result<Cell<'a>, ColumnProblem> {
    let operands = [left, right];
    let (rows, entry) = agree(span, &operands)?;
    let [left, right] = operands.map(Box::new);
    Ok(Cell { rows, entry, kind: Kind::Binary(op, left, right) })
}

pub(super) fn stack(span: Span, parts: Vec<Cell>) -> Made {
    let Some(first) = parts.first() else {
        return Err(wrong(span, "an empty vector", "write at least one column in `[ ]`"));
    };
    if let Some(other) = parts.iter().find(|part| part.entry != first.entry) {
        let (left, right) = (first.entry.clone(), other.entry.clone());
        return Err(ColumnProblem::EntryShapes { span, left, right }.into());
    }
    let (rows, inner) = agree(span, &parts)?;
    let entry = [vec![parts.len()], inner].concat();
    Ok(Cell { rows, entry, kind: Kind::Stack(parts) })
}

/// The rows and the entry shape that cells have together: equal, or the same in every row, or a number.
fn agree(span: Span, cells: &[Cell]) -> Result<(Option<usize>, Vec<usize>), ColumnProblem> {
    let (mut rows, mut entry): (Option<usize>, &[usize]) = (None, &[]);
    for cell in cells {
        match (rows, cell.rows) {
            (Some(left), Some(right)) if left != right => return Err(ColumnProblem::UnevenRows { span, left, right }),
            _ => rows = rows.or(cell.rows),
        }
        if entry.is_empty() {
            entry = &cell.entry;
        } else if !cell.entry.is_empty() && cell.entry != entry {
            return Err(ColumnProblem::EntryShapes { span, left: entry.to_vec(), right: cell.entry.clone() });
        }
    }
    Ok((rows, entry.to_vec()))
}

pub(super) fn wrong(span: Span, message: &str, help: &str) -> Stop {
    Stop::Wrong(ColumnProblem::Expression { span, message: message.into(), help: Some(help.into()) })
}

pub(super) fn not_yet(span: Span, what: &str) -> Stop {
    Stop::Wrong(ColumnProblem::NotYet { span, what: what.into() })
}
