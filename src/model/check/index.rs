//! Reading names: which rows of a name an index list chooses (LANGUAGE.md 1.4).
//!
//! `a[i, j]` gives row indices first, outermost first, then the value's axes from the left. A row of a plate that
//! encloses both the declaration and the reading may be left out; every other row is written.

use super::Checker;
use super::expr::{Place, Value};
use super::names::Meaning;
use crate::math::{NodeId, Op, Pick, Support};
use crate::model::problems::{Expressions, Rows};
use crate::shape::{AxisId, AxisKind, Size};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind};

/// A named value and the rows it has.
pub(super) struct Named<'n> {
    pub name: &'n str,
    pub base: NodeId,
    /// The plates of its declaration as seen from the block being checked, outermost first.
    pub home: Vec<AxisId>,
    /// The same plates as axes of `base`; empty where `base` is an array whose leading event axes they are.
    pub own: Vec<AxisId>,
    /// How many rows were declared with the name: always indexed.
    pub rows: usize,
}

impl<'a> Checker<'a> {
    /// A name, or an index of a name or value.
    pub(super) fn check_read(&mut self, expr: &'a Expr) -> Option<Value> {
        let mut lists: Vec<&'a [Expr]> = vec![];
        let mut base = expr;
        while let ExprKind::Index { base: inner, index } = &base.kind {
            lists.push(index);
            base = inner;
            // What follows a slice indexes what it left.
            if matches!(&inner.kind, ExprKind::Index { index, .. } if index.iter().any(is_range)) {
                break;
            }
        }
        let indices: Vec<&'a Expr> = lists.into_iter().rev().flatten().collect();
        match &base.kind {
            ExprKind::Name(name) if self.guessing && self.declaring.as_deref() == Some(name) => {
                Some(Value::Node(self.placeholder(&[], &Support::Real)))
            }
            ExprKind::Name(name) if self.is_recursion(name) => {
                self.read_own(name, &indices, expr.span).map(Value::Node)
            }
            ExprKind::Name(name) => {
                if self.declaring.as_deref() == Some(name) && self.lags_outside_chain(&indices) {
                    return None;
                }
                let meaning = self.lookup(name, base.span)?;
                self.read(meaning, name, base.span, &indices, expr.span)
            }
            _ => {
                let node = self.check_node(base)?;
                let text = self.text(base.span);
                self.index_value(node, &indices, &text, expr.span).map(Value::Node)
            }
        }
    }

    /// `s[t-1]` in the statement of `s`, in a plate that is no chain: the lag is what is wrong.
    fn lags_outside_chain(&mut self, indices: &[&'a Expr]) -> bool {
        let lagged = |index: &&&Expr| self.lag_of(index).filter(|axis| self.axes[*axis].kind != AxisKind::Chain);
        let Some((index, axis)) = indices.iter().find_map(|index| Some((*index, lagged(&index)?))) else {
            return false;
        };
        self.check_lag(index, axis).is_none()
    }

    fn read(
        &mut self,
        meaning: Meaning,
        name: &'a str,
        name_span: Span,
        indices: &[&'a Expr],
        span: Span,
    ) -> Option<Value> {
        let plain = |base| Named { name, base, home: vec![], own: vec![], rows: 0 };
        let named = match meaning {
            Meaning::Broken => return None,
            Meaning::Dim(dim) => {
                let size = self.dim_size(dim);
                plain(self.size_node(size, span))
            }
            Meaning::Const(at) => plain(self.const_node(at, span)?),
            Meaning::Axis(axis) => plain(self.row(axis, span)),
            Meaning::Local(Value::Node(node)) => plain(node),
            Meaning::Local(Value::Outputs(outputs)) => {
                return self.read_outputs(outputs, name, indices, span);
            }
            Meaning::Outputs(outputs) => {
                // `e[m].loc`: the row is chosen of every output.
                let nodes: Option<Vec<_>> = outputs
                    .into_iter()
                    .map(|(output, def)| Some((output, self.read_definition(def, name, indices, span)?)))
                    .collect();
                return Some(Value::Outputs(nodes?));
            }
            Meaning::Definition(def) => {
                return self.read_definition(def, name, indices, span).map(Value::Node);
            }
            Meaning::Data(id) => return self.read_data(id, name, name_span, indices, span),
            Meaning::Param(id) => {
                let base = self.param_node(id, span)?;
                let param = &self.params[id.index()];
                let (home, rows) = (param.plates.clone(), param.rows.len() - param.plates.len());
                Named { name, base, home, own: vec![], rows }
            }
            Meaning::Site(id) => {
                let own = self.sites[id.index()].plates.clone();
                let home = self.site_home(id);
                let base = self.site_node(id, span);
                if !self.may_read_site(id, name, indices, span) {
                    return None;
                }
                Named { name, base, home, own, rows: 0 }
            }
            Meaning::Net(_) | Meaning::Fun(_) | Meaning::Energy(_) => {
                let word = meaning.word();
                self.report(Expressions::FunctionAsValue { name: name.into(), word, span: name_span });
                return None;
            }
        };
        self.read_rows(named, indices, span).map(Value::Node)
    }

    fn read_outputs(
        &mut self,
        outputs: Vec<(String, NodeId)>,
        name: &str,
        indices: &[&'a Expr],
        span: Span,
    ) -> Option<Value> {
        if indices.is_empty() {
            return Some(Value::Outputs(outputs));
        }
        let outputs = outputs.into_iter().map(|(output, _)| output).collect();
        self.report(Expressions::IndexedOutputs { name: name.into(), outputs, span });
        None
    }

    fn read_definition(
        &mut self,
        def: crate::math::DefId,
        name: &str,
        indices: &[&'a Expr],
        span: Span,
    ) -> Option<NodeId> {
        let home = self.definitions[def.index()].plates.clone();
        let base = self.definition_node(def);
        self.read_rows(Named { name, base, own: home.clone(), home, rows: 0 }, indices, span)
    }

    fn read_data(
        &mut self,
        id: crate::math::DataId,
        name: &'a str,
        name_span: Span,
        indices: &[&'a Expr],
        span: Span,
    ) -> Option<Value> {
        self.data_reads.entry(id).or_insert(span);
        self.check_data_item(id.index());
        if self.broken_data.contains(&id) {
            return None;
        }
        let rows = self.data[id.index()].rows.len();
        if self.place == Place::Start && rows > 0 {
            self.report(Rows::StartReadsRow { name: name.into(), span });
            return None;
        }
        if self.place == Place::Const {
            self.report(Expressions::NotConstant { name: name.into(), word: "data", span: name_span });
            return None;
        }
        if self.reads_itself(id, name, indices, span) {
            return None;
        }
        if let Some(value) = self.read_missing(id, name, indices, span) {
            return value;
        }
        let base = self.data_node(id, span);
        self.read_rows(Named { name, base, home: vec![], own: vec![], rows }, indices, span).map(Value::Node)
    }

    /// The value of a name at the rows and axes that the indices choose.
    pub(super) fn read_rows(&mut self, named: Named, indices: &[&'a Expr], span: Span) -> Option<NodeId> {
        let (picks, used) = self.row_picks(&named, indices, span)?;
        let (home_picks, rest) = picks.split_at(named.home.len());
        let base = if named.own.is_empty() {
            if picks.is_empty() { named.base } else { self.index(named.base, picks.clone(), span) }
        } else {
            // Rows that are the plate's own stay where they are; the others become an array to pick from.
            let moved: Vec<usize> =
                (0..named.own.len()).filter(|i| home_picks[*i] != Pick::Row(named.own[*i])).collect();
            let axes: Vec<AxisId> = moved.iter().map(|i| named.own[*i]).collect();
            let mut chosen: Vec<Pick> = moved.iter().map(|i| home_picks[*i].clone()).collect();
            chosen.extend(rest.iter().cloned());
            let lifted = if axes.is_empty() { named.base } else { self.lift(named.base, axes, span) };
            if chosen.is_empty() { lifted } else { self.index(lifted, chosen, span) }
        };
        self.index_value(base, &indices[used..], named.name, span)
    }

    /// One pick for every row of the name, and how many of the indices they took.
    fn row_picks(&mut self, named: &Named, indices: &[&'a Expr], span: Span) -> Option<(Vec<Pick>, usize)> {
        let mut picks = vec![];
        let mut used = 0;
        for (at, axis) in named.home.iter().enumerate() {
            let enclosing = self.plates.contains(axis);
            let next = indices.get(used).copied();
            match next {
                Some(index) if enclosing && self.is_variable(index, *axis) => {
                    picks.push(Pick::Row(*axis));
                    used += 1;
                }
                Some(index) if enclosing && self.lag_of(index) == Some(*axis) => {
                    picks.push(self.check_lag(index, *axis)?);
                    used += 1;
                }
                _ if enclosing => picks.push(Pick::Row(*axis)),
                Some(index) => {
                    let size =
                        if named.own.is_empty() { self.event(named.base)[at].clone() } else { self.axis_size(*axis) };
                    picks.push(self.check_pick(index, &size, named.name)?);
                    used += 1;
                }
                None => return self.missing_row(named, at, indices, span),
            }
        }
        for row in 0..named.rows {
            let Some(index) = indices.get(used).copied() else {
                return self.missing_row(named, named.home.len() + row, indices, span);
            };
            let size = self.event(named.base)[named.home.len() + row].clone();
            picks.push(self.check_pick(index, &size, named.name)?);
            used += 1;
        }
        Some((picks, used))
    }

    fn missing_row<T>(&mut self, named: &Named, at: usize, indices: &[&'a Expr], span: Span) -> Option<T> {
        let sizes: Vec<Size> = if named.own.is_empty() {
            self.event(named.base)[..named.home.len() + named.rows].to_vec()
        } else {
            named.home.iter().map(|axis| self.axis_size(*axis)).collect()
        };
        let written: Vec<Size> = named
            .home
            .iter()
            .map(|axis| self.axes[*axis].size.clone())
            .chain(sizes[named.home.len()..].to_vec())
            .collect();
        let rows: Vec<String> = written.iter().map(|size| self.print_size(size)).collect();
        // What would be typed here: the variable of an enclosing plate over that axis, where there is one.
        let mut suggestion: Vec<Option<String>> = vec![];
        for size in &sizes {
            let taken: Vec<String> = suggestion.iter().flatten().cloned().collect();
            suggestion.push(self.variable_over(size, &taken));
        }
        self.report(Rows::NotIndexed {
            name: named.name.into(),
            rows,
            missing: at,
            given: indices.len(),
            plate: !named.home.is_empty(),
            suggestion,
            span,
        });
        None
    }

    fn variable_over(&self, size: &Size, taken: &[String]) -> Option<String> {
        let mut around = self.plates.iter().rev().copied().chain(self.scope.locals.iter().rev().filter_map(
            |(_, entry)| {
                if let Meaning::Axis(axis) = entry.meaning { Some(axis) } else { None }
            },
        ));
        around
            .find(|axis| self.axis_size(*axis) == *size && !taken.contains(&self.axes[*axis].name))
            .map(|axis| self.axes[axis].name.clone())
    }

    /// Indices into the axes of one value, from the left.
    pub(super) fn index_value(&mut self, base: NodeId, indices: &[&'a Expr], name: &str, span: Span) -> Option<NodeId> {
        if indices.is_empty() {
            return Some(base);
        }
        let event = self.event(base).to_vec();
        if indices.len() > event.len() {
            let shape = self.print_shape(base);
            let extra = indices[event.len()].span;
            let own_plate = self.own_plate_variable(base);
            self.report(Rows::TooManyIndices { name: name.into(), shape, given: indices.len(), own_plate, extra });
            return None;
        }
        let picks: Vec<Option<Pick>> =
            indices.iter().zip(&event).map(|(index, size)| self.check_pick(index, size, name)).collect();
        let picks: Vec<Pick> = picks.into_iter().collect::<Option<_>>()?;
        // Rows and axes of one name are one index.
        let (base, picks) = match &self.graph.nodes[base].op {
            Op::Index(inner, first) if !first.iter().any(|pick| matches!(pick, Pick::Slice(..))) => {
                (*inner, first.iter().cloned().chain(picks).collect())
            }
            _ => (base, picks),
        };
        Some(self.index(base, picks, span))
    }

    /// The plate that a site is read in, if it is its own: there no other row of it can be read.
    fn own_plate_variable(&self, node: NodeId) -> Option<String> {
        let Op::Site(_) = self.graph.nodes[self.unnamed(node)].op else { return None };
        let axis = self.graph.nodes[node].shape.plates.iter().rev().find(|axis| self.plates.contains(axis))?;
        Some(self.axes[*axis].name.clone())
    }
}

fn is_range(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Range { .. })
}
