//! Column expressions (LANGUAGE.md 1.6) to cells: names found, shapes and rows agreed, statistics over all rows taken.

use std::collections::BTreeMap;

use crate::data::cells::{Cell, Kind, Operator};
use crate::data::lookup::{coded_cell, nearest, numbers};
use crate::data::problems::ColumnProblem;
use crate::data::statistics::{Statistics, Taken, codes, statistic};
use crate::data::{BoundArray, Table, Values};
use crate::model::{Data, Model};
use crate::shape::DimId;
use crate::source::Span;
use crate::syntax::{BinaryOp, Call, Expr, ExprKind, UnaryOp};

/// What an expression may read: sources, and what is bound so far.
pub struct Scope<'s, 'a> {
    pub model: &'a Model,
    pub tables: &'a [Table],
    pub bound: &'s [Option<BoundArray>],
    pub dims: &'s BTreeMap<DimId, usize>,
    pub item: &'a Data,
    /// What is taken from all rows.
    pub statistics: &'s Statistics,
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
            ExprKind::Index { .. } => Err(not_yet(span, "an index")),
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
                return self.dims.get(&id).map(|size| Cell::number(*size as f64)).ok_or(Stop::WaitsForDim(id));
            }
            if let Some(other) = self.model.data.iter().position(|data| data.name == name) {
                let array = self.bound[other].as_ref().ok_or(Stop::WaitsForData(other))?;
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

    fn call(&self, call: &Call, piped: Option<&Expr>) -> Made<'a> {
        let name = call.name.node.as_str();
        if let Some(named) = call.args.iter().find_map(|arg| arg.name.as_ref()) {
            return Err(wrong(
                named.span,
                &format!("`{name}` takes no argument called `{}`", named.node),
                "leave the name out",
            ));
        }
        if !call.each.is_empty() {
            return Err(not_yet(call.span, "a comprehension"));
        }
        let args: Vec<&Expr> = piped.into_iter().chain(call.args.iter().map(|arg| &arg.value)).collect();
        match (name, args.as_slice()) {
            ("column", [of]) => match &of.kind {
                ExprKind::Text(text) => self.column(text, of.span, None),
                _ => {
                    let position = self.whole(of)?;
                    self.at(position, of.span)
                }
            },
            ("columns", [of]) => self.range(of),
            ("levels", [of]) => self.levels(of),
            ("mean" | "sd" | "min" | "max", [of]) => self.statistic(name, call.span, of, &self.expr(of)?),
            ("standardize", [of]) => {
                let cell = self.expr(of)?;
                let mean = self.statistic("mean", call.span, of, &cell)?;
                let sd = self.statistic("sd", call.span, of, &cell)?;
                let centred = binary(call.span, Operator::Subtract, cell, mean)?;
                Ok(binary(call.span, Operator::Divide, centred, sd)?)
            }
            ("threshold", [of, t]) => Ok(binary(call.span, Operator::Greater, self.expr(of)?, self.expr(t)?)?),
            ("min", [a, b]) => Ok(binary(call.span, Operator::Min, self.expr(a)?, self.expr(b)?)?),
            ("max", [a, b]) => Ok(binary(call.span, Operator::Max, self.expr(a)?, self.expr(b)?)?),
            ("clamp", [of, low, high]) => {
                let above = binary(call.span, Operator::Max, self.expr(of)?, self.expr(low)?)?;
                Ok(binary(call.span, Operator::Min, above, self.expr(high)?)?)
            }
            ("bernoulli", [_]) => Err(not_yet(call.span, "`bernoulli(c)`, drawn anew each epoch,")),
            _ => self.elementwise(call, &args),
        }
    }

    fn elementwise(&self, call: &Call, args: &[&Expr]) -> Made<'a> {
        let name = call.name.node.as_str();
        if let (Some((_, op)), [of]) = (UNARY.iter().find(|row| row.0 == name), args) {
            return Ok(unary(*op, self.expr(of)?));
        }
        let known: Vec<&str> = UNARY.iter().map(|row| row.0).chain(OTHERS.iter().map(|row| row.0)).collect();
        if let Some(wants) =
            OTHERS.iter().find(|row| row.0 == name).map(|row| row.1).or(known.contains(&name).then_some("one argument"))
        {
            let message = format!("`{name}` takes {wants}, and {} are given", args.len());
            return Err(ColumnProblem::Expression { span: call.span, message, help: None }.into());
        }
        let help = nearest(name, known.iter().copied()).map(|near| format!("is it `{near}`?"));
        let message = format!("`{name}` is no function of columns");
        Err(ColumnProblem::Expression { span: call.name.span, message, help }.into())
    }

    /// Text as 0, 1, ... in sorted order; numbers likewise.
    fn levels(&self, of: &Expr) -> Made<'a> {
        let (table, position, column) = self.plain_column(of)?;
        let levels = self.statistics.take(self.named("levels", of), || Ok::<_, Stop>(levels(&column.values)))?;
        let reals: Vec<f64> = match &column.values {
            Values::Bytes(list) => list.iter().map(|b| f64::from(*b)).collect(),
            Values::Reals(list) => list.clone(),
            Values::Text(_) => vec![],
        };
        let codes = match (&levels, &column.values) {
            (Taken::Texts(levels), Values::Text(cells)) => {
                let levels: Vec<&String> = levels.iter().collect();
                codes(&levels, cells.iter().map(|cell| (!cell.is_empty()).then_some(cell)))
            }
            (Taken::Numbers(levels), Values::Bytes(_) | Values::Reals(_)) => {
                codes(levels, reals.into_iter().map(|value| (!value.is_nan()).then_some(value)))
            }
            _ => {
                return Err(wrong(
                    of.span,
                    "this column held text in one data set and numbers in the other",
                    "code both alike",
                ));
            }
        };
        Ok(coded_cell(column, Kind::Coded(codes, table, position)))
    }

    /// A statistic of the column over the rows of the fit.
    fn statistic(&self, name: &str, span: Span, of: &Expr, cell: &Cell) -> Made<'a> {
        let taken = self.statistics.take(self.named(name, of), || statistic(name, span, cell).map(Taken::Entry))?;
        match taken {
            Taken::Entry(values) if values.len() == cell.width() => {
                Ok(Cell { rows: None, entry: cell.entry.clone(), kind: Kind::Constant(values) })
            }
            _ => {
                Err(wrong(span, "the data of the fit had entries of another shape here", "give data of the same shape"))
            }
        }
    }

    /// What is taken from all rows, by its item and its text.
    fn named(&self, name: &str, of: &Expr) -> String {
        format!("{}: {name}({})", self.item.name, self.model.source.slice(of.span))
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

/// The distinct values of a column, sorted; what is missing is none.
fn levels(values: &Values) -> Taken {
    let sorted = |mut list: Vec<f64>| {
        list.retain(|value| !value.is_nan());
        list.sort_by(f64::total_cmp);
        list.dedup();
        list
    };
    match values {
        Values::Text(cells) => {
            let mut levels: Vec<String> = cells.iter().filter(|cell| !cell.is_empty()).cloned().collect();
            levels.sort();
            levels.dedup();
            Taken::Texts(levels)
        }
        Values::Bytes(list) => Taken::Numbers(sorted(list.iter().map(|b| f64::from(*b)).collect())),
        Values::Reals(list) => Taken::Numbers(sorted(list.clone())),
    }
}

/// Of one number.
type Function = fn(f64) -> f64;

/// Elementwise functions of one column.
const UNARY: &[(&str, Function)] = &[
    ("exp", f64::exp),
    ("log", f64::ln),
    ("log1p", f64::ln_1p),
    ("expm1", f64::exp_m1),
    ("sqrt", f64::sqrt),
    ("abs", f64::abs),
    ("sin", f64::sin),
    ("cos", f64::cos),
    ("tanh", f64::tanh),
    ("sigmoid", |v| 1.0 / (1.0 + (-v).exp())),
    ("softplus", |v| v.max(0.0) + (-v.abs()).exp().ln_1p()),
    ("relu", |v| if v < 0.0 { 0.0 } else { v }),
    ("logit", |v| v.ln() - (-v).ln_1p()),
    ("round", f64::round_ties_even),
    ("floor", f64::floor),
];

/// The other functions of columns, and what they take.
const OTHERS: &[(&str, &str)] = &[
    ("column", "the name or the position of a column"),
    ("columns", "a range `2..26`"),
    ("levels", "one column"),
    ("mean", "one argument"),
    ("sd", "one argument"),
    ("min", "one or two arguments"),
    ("max", "one or two arguments"),
    ("standardize", "one argument"),
    ("threshold", "an expression and a number"),
    ("clamp", "three arguments"),
    ("bernoulli", "one argument"),
];

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
