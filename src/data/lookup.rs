//! Columns by name, by position and by source.

use crate::data::cells::{Cell, Kind, Numbers, spot};
use crate::data::columns::{Made, Scope, Stop, not_yet, stack, wrong};
use crate::data::problems::{ColumnProblem, Item, NoColumn};
use crate::data::{Column, Table, Values};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind};

/// A column and where it stands.
pub(super) type Found<'a> = (&'a Table, usize, &'a Column);

impl<'a> Scope<'_, 'a> {
    /// The column an expression names, as it stands in the source.
    pub(super) fn plain_column(&self, expr: &Expr) -> Result<Found<'a>, Stop> {
        match &expr.kind {
            ExprKind::Paren(inner) => self.plain_column(inner),
            ExprKind::Name(name) => self.one(name, expr.span, None),
            ExprKind::Field { base, name } => match &base.kind {
                ExprKind::Name(alias) => self.one(&name.node, expr.span, Some(alias)),
                _ => Err(not_yet(expr.span, "a field of an expression")),
            },
            ExprKind::Call(call) if call.name.node == "column" && call.args.len() == 1 => {
                match &call.args[0].value.kind {
                    ExprKind::Text(text) => self.one(text, expr.span, None),
                    _ => {
                        let position = self.whole(&call.args[0].value)?;
                        let table = self.only_table(expr.span)?;
                        let column =
                            table.columns.get(position).ok_or_else(|| self.no_position(expr.span, position))?;
                        Ok((table, position, column))
                    }
                }
            }
            _ => Err(wrong(expr.span, "this must be a column itself, not an expression", "write the name of a column")),
        }
    }

    /// A column by name, or the columns `x.1 ... x.D` as one vector.
    pub(super) fn column(&self, name: &str, span: Span, alias: Option<&str>) -> Made<'a> {
        let missing = match self.one(name, span, alias) {
            Ok(found) => return numbers(found, span),
            Err(Stop::Wrong(missing @ ColumnProblem::NoColumn(_))) => missing,
            Err(other) => return Err(other),
        };
        let mut parts = vec![];
        while let Ok(found) = self.one(&format!("{name}.{}", parts.len() + 1), span, alias) {
            parts.push(numbers(found, span)?);
        }
        if parts.is_empty() { Err(missing.into()) } else { stack(span, parts) }
    }

    pub(super) fn one(&self, name: &str, span: Span, alias: Option<&str>) -> Result<Found<'a>, Stop> {
        let tables = self.sources(alias, span)?;
        let all = tables.iter().flat_map(|table| table.columns.iter().enumerate().map(move |(i, c)| (*table, i, c)));
        let found: Vec<Found> = all.filter(|(_, _, column)| column.name.as_deref() == Some(name)).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(self.no_column(name, span, &tables).into()),
            [(a, i, _), (b, j, _), ..] if std::ptr::eq(*a, *b) => {
                let message = format!("{} has two columns `{name}`, at {i} and {j}", a.name);
                Err(wrong(span, &message, &format!("write `column({i})` or `column({j})`")))
            }
            many => {
                let files = many.iter().map(|(table, ..)| table.name.clone()).collect();
                let aliases = many.iter().filter_map(|(table, ..)| table.alias.clone()).collect();
                Err(ColumnProblem::Ambiguous { column: name.into(), span, files, aliases }.into())
            }
        }
    }

    fn sources(&self, alias: Option<&str>, span: Span) -> Result<Vec<&'a Table>, Stop> {
        let Some(alias) = alias else {
            if self.tables.is_empty() {
                return Err(ColumnProblem::NoSource { item: self.item() }.into());
            }
            return Ok(self.tables.iter().collect());
        };
        let named: Vec<&Table> = self.tables.iter().filter(|table| table.alias.as_deref() == Some(alias)).collect();
        if named.is_empty() {
            let known = self.tables.iter().filter_map(|table| table.alias.clone()).collect();
            return Err(ColumnProblem::NoAlias { alias: alias.into(), span, known }.into());
        }
        Ok(named)
    }

    fn no_column(&self, name: &str, span: Span, tables: &[&Table]) -> ColumnProblem {
        let known: Vec<String> = tables.iter().flat_map(|t| t.columns.iter().filter_map(|c| c.name.clone())).collect();
        let near = nearest(name, known.iter().map(String::as_str));
        let files = tables.iter().map(|table| table.name.clone()).collect();
        ColumnProblem::NoColumn(Box::new(NoColumn { item: self.item(), column: name.into(), span, near, known, files }))
    }

    pub(super) fn no_position(&self, span: Span, position: usize) -> ColumnProblem {
        let columns = self.tables.iter().map(|table| table.columns.len()).sum();
        let files = self.tables.iter().map(|table| table.name.clone()).collect();
        ColumnProblem::NoPosition { span, position, columns, files }
    }

    /// Positions are of the one source.
    pub(super) fn only_table(&self, span: Span) -> Result<&'a Table, Stop> {
        match self.tables {
            [table] => Ok(table),
            [] => Err(ColumnProblem::NoSource { item: self.item() }.into()),
            _ => Err(wrong(
                span,
                "there are several sources, so a position says too little",
                "use the name of the column",
            )),
        }
    }

    fn item(&self) -> Item {
        Item { name: self.item.name.clone(), span: self.item.span }
    }
}

pub(super) fn numbers<'a>((table, position, column): Found<'a>, span: Span) -> Made<'a> {
    let (rows, entry) = column.shape.split_at(column.shape.len().min(1));
    let (rows, entry) = (rows.first().copied(), entry.to_vec());
    match (Numbers::of(&column.values), &column.values) {
        (Some(values), _) => Ok(Cell { rows, entry, kind: Kind::Source(values, table, position) }),
        (None, Values::Text(cells)) => {
            let bad = cells.iter().position(|cell| !cell.is_empty() && cell.parse::<f64>().is_err()).unwrap_or(0);
            let width = entry.iter().product::<usize>().max(1);
            let place = spot(table, position, rows.map(|_| bad / width), &entry, bad % width);
            let cell = cells.get(bad).cloned().unwrap_or_default();
            Err(ColumnProblem::NotANumber { place, cell, span }.into())
        }
        (None, _) => Err(not_yet(span, "this column")),
    }
}

pub(super) fn coded_cell<'a>(column: &Column, kind: Kind<'a>) -> Cell<'a> {
    let (rows, entry) = column.shape.split_at(column.shape.len().min(1));
    Cell { rows: rows.first().copied(), entry: entry.to_vec(), kind }
}

/// The closest of these names, if one is close.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let near = known.map(|other| (strsim::damerau_levenshtein(name, other), other)).min()?;
    // Any letter is one slip away from any other, which says nothing.
    (near.0 <= 1 + name.len() / 4 && near.0 < name.chars().count()).then(|| near.1.to_string())
}
