//! Reading names: rows, picks, lags and slices (LANGUAGE.md 1.4).
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
use crate::syntax::{BinaryOp, Expr, ExprKind};

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

/// In this branch the chain's variable is known to be at least this.
pub(super) type Guard = (AxisId, usize);

impl<'a> Checker<'a> {
    /// A name, or an index of a name or value.
    pub(super) fn check_read(&mut self, expr: &'a Expr) -> Option<Value> {
        let mut lists: Vec<&'a [Expr]> = vec![];
        let mut base = expr;
        while let ExprKind::Index { base: inner, index } = &base.kind {
            lists.push(index);
            base = inner;
        }
        let indices: Vec<&'a Expr> = lists.into_iter().rev().flatten().collect();
        match &base.kind {
            ExprKind::Name(name) => {
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
                let nodes: Option<Vec<_>> = outputs
                    .into_iter()
                    .map(|(output, def)| Some((output, self.read_definition(def, name, &[], span)?)))
                    .collect();
                return self.read_outputs(nodes?, name, indices, span);
            }
            Meaning::Definition(def) => {
                return self.read_definition(def, name, indices, span).map(Value::Node);
            }
            Meaning::Data(id) => return self.read_data(id, name, name_span, indices, span),
            Meaning::Param(id) => {
                let param = &self.params[id.index()];
                let (home, rows) = (param.plates.clone(), param.rows.len() - param.plates.len());
                let base = self.param_node(id, span)?;
                Named { name, base, home, own: vec![], rows }
            }
            Meaning::Site(id) => {
                let own = self.sites[id.index()].plates.clone();
                let home = self.site_home(id);
                let base = self.site_node(id, span);
                if self.place == Place::Guide && !self.may_read_site(id, name, span) {
                    return None;
                }
                Named { name, base, home, own, rows: 0 }
            }
            Meaning::Net(_) | Meaning::Fun(_) | Meaning::Energy => {
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
        if self.broken_data.contains(&id) {
            return None;
        }
        self.data_reads.entry(id).or_insert(span);
        let rows = self.data[id.index()].rows.len();
        if self.place == Place::Start && rows > 0 {
            self.report(Rows::StartReadsRow { name: name.into(), span });
            return None;
        }
        if self.place == Place::Const {
            self.report(Expressions::NotConstant { name: name.into(), word: "data", span: name_span });
            return None;
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
        let suggestion: Vec<Option<String>> = sizes.iter().map(|size| self.variable_over(size)).collect();
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

    fn variable_over(&self, size: &Size) -> Option<String> {
        let mut around = self.plates.iter().rev().copied().chain(self.scope.locals.iter().rev().filter_map(
            |(_, entry)| {
                if let Meaning::Axis(axis) = entry.meaning { Some(axis) } else { None }
            },
        ));
        around.find(|axis| self.axis_size(*axis) == *size).map(|axis| self.axes[axis].name.clone())
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
        Some(self.index(base, picks.into_iter().collect::<Option<_>>()?, span))
    }

    /// The plate that a site is read in, if it is its own: there no other row of it can be read.
    fn own_plate_variable(&self, node: NodeId) -> Option<String> {
        let Op::Site(_) = self.graph.nodes[self.unnamed(node)].op else { return None };
        let axis = self.graph.nodes[node].shape.plates.iter().rev().find(|axis| self.plates.contains(axis))?;
        Some(self.axes[*axis].name.clone())
    }

    fn is_variable(&self, index: &Expr, axis: AxisId) -> bool {
        match &index.kind {
            ExprKind::Paren(inner) => self.is_variable(inner, axis),
            ExprKind::Name(name) => self.axis_named(name) == Some(axis),
            _ => false,
        }
    }

    fn axis_named(&self, name: &str) -> Option<AxisId> {
        let from = self.scope.closed.as_ref().map_or(0, |(_, from)| *from);
        self.scope.locals[from..].iter().rev().find(|(n, _)| n == name).and_then(|(_, entry)| match entry.meaning {
            Meaning::Axis(axis) => Some(axis),
            _ => None,
        })
    }

    /// One index of an axis of this size: a whole number that lies in it.
    pub(super) fn check_pick(&mut self, index: &'a Expr, size: &Size, name: &str) -> Option<Pick> {
        if let ExprKind::Range { low, high } = &index.kind {
            return self.check_slice(low, high, size, name, index.span);
        }
        if let Some(axis) = self.lag_of(index) {
            return self.check_lag(index, axis);
        }
        let node = self.check_node(index)?;
        if let Op::Row(axis) = self.graph.nodes[self.unnamed(node)].op
            && self.axes[axis].first == Size::default()
            && self.axis_size(axis) == *size
        {
            return Some(Pick::Row(axis));
        }
        self.check_index_value(node, size, name, index.span)?;
        Some(Pick::At(node))
    }

    fn check_slice(&mut self, low: &Expr, high: &Expr, size: &Size, name: &str, span: Span) -> Option<Pick> {
        let (from, to) = (self.check_size(low), self.check_size(high));
        let (from, to) = (from?, to?);
        let negative = |size: Size| size.known().is_some_and(|n| n < 0);
        if negative(from.clone()) || negative(size.minus(&to)) || to.minus(&from).known().is_some_and(|n| n < 1) {
            let (low, high, size) = (self.print_size(&from), self.print_size(&to), self.print_size(size));
            self.report(Rows::SliceOutside { name: name.into(), low, high, size, span });
            return None;
        }
        self.require_size(size.minus(&to), span);
        Some(Pick::Slice(from, to))
    }

    /// Whether a value may index an axis: what lies in it by its kind, or a literal that does.
    fn check_index_value(&mut self, node: NodeId, size: &Size, name: &str, span: Span) -> Option<()> {
        let node = self.unnamed(node);
        if !self.is_number(node) {
            let shape = self.print_shape(node);
            self.report(Rows::IndexNotANumber { shape, text: self.text(span), span });
            return None;
        }
        if let Op::If(_, then, otherwise) = self.graph.nodes[node].op {
            let then = self.check_index_value(then, size, name, span);
            return then.and(self.check_index_value(otherwise, size, name, span));
        }
        if let Op::Row(axis) = self.graph.nodes[node].op {
            let end = self.known_size(&self.axes[axis].first).plus(&self.axis_size(axis));
            if size.minus(&end).known().is_some_and(|n| n >= 0) {
                return Some(());
            }
            let (variable, over) = (self.axes[axis].name.clone(), self.print_size(&self.axes[axis].size));
            let axis_size = self.print_size(size);
            self.report(Rows::VariableOverOther { name: name.into(), variable, over, size: axis_size, span });
            return None;
        }
        if let Some(at) = self.whole_value(node) {
            return self.check_literal_index(at, size, name, span);
        }
        let fits = match self.support(node) {
            Support::Category(k) => k == size,
            Support::Binary => *size == Size::fixed(2),
            _ => false,
        };
        if fits {
            return Some(());
        }
        let (support, size) = (self.print_support(node), self.print_size(size));
        let category = matches!(self.support(node), Support::Category(_) | Support::Binary);
        self.report(Rows::IndexKind { name: name.into(), text: self.text(span), support, category, size, span });
        None
    }

    fn check_literal_index(&mut self, at: Size, size: &Size, name: &str, span: Span) -> Option<()> {
        let outside = at.known().is_some_and(|n| n < 0) || size.minus(&at).known().is_some_and(|n| n < 1);
        if outside {
            let (at, size) = (self.print_size(&at), self.print_size(size));
            self.report(Rows::IndexOutside { name: name.into(), at, size, span });
            return None;
        }
        self.require_size(size.minus(&at).minus(&Size::fixed(1)), span);
        Some(())
    }

    /// A whole number known now, or a size.
    fn whole_value(&self, node: NodeId) -> Option<Size> {
        use crate::math::Binary;
        match &self.graph.nodes[self.unnamed(node)].op {
            Op::Size(size) => Some(size.clone()),
            Op::Binary(op @ (Binary::Add | Binary::Sub), a, b) => {
                let (a, b) = (self.whole_value(*a)?, self.whole_value(*b)?);
                Some(if *op == Binary::Add { a.plus(&b) } else { a.minus(&b) })
            }
            _ => {
                let value = self.fold_number(node)?;
                let whole = value.fract() == 0.0 && value.abs() < (1u64 << 40) as f64;
                let size = Size::fixed(value.abs() as usize);
                whole.then(|| if value < 0.0 { Size::default().minus(&size) } else { size })
            }
        }
    }

    /// `t - 1` or `t + 1` with a loop variable: a lag of that axis.
    fn lag_of(&self, index: &Expr) -> Option<AxisId> {
        match &index.kind {
            ExprKind::Paren(inner) => self.lag_of(inner),
            ExprKind::Binary { op: BinaryOp::Subtract | BinaryOp::Add, left, right, .. } => {
                let ExprKind::Name(name) = &left.kind else { return None };
                let ExprKind::Number { .. } = &right.kind else { return None };
                self.axis_named(name).filter(|axis| self.plates.contains(axis))
            }
            _ => None,
        }
    }

    fn check_lag(&mut self, index: &Expr, axis: AxisId) -> Option<Pick> {
        let mut inner = index;
        while let ExprKind::Paren(of) = &inner.kind {
            inner = of;
        }
        let ExprKind::Binary { op, right, .. } = &inner.kind else { return None };
        let ExprKind::Number { value, .. } = &right.kind else { return None };
        let variable = self.axes[axis].name.clone();
        if self.axes[axis].kind != AxisKind::Chain {
            self.report(Rows::LagOutsideChain { variable, text: self.text(index.span), span: index.span });
            return None;
        }
        let lag = *value as usize;
        if *op == BinaryOp::Add || value.fract() != 0.0 || lag == 0 {
            self.report(Rows::LagForward { variable, text: self.text(index.span), span: index.span });
            return None;
        }
        let known = self.guards.iter().filter(|(a, _)| *a == axis).map(|(_, n)| *n).max().unwrap_or(0);
        if known < lag {
            self.report(Rows::LagUnguarded { variable, lag, text: self.text(index.span), span: index.span });
            return None;
        }
        Some(Pick::Lag(axis, lag))
    }

    pub(super) fn with_guard<T>(&mut self, guard: Option<Guard>, check: impl FnOnce(&mut Checker<'a>) -> T) -> T {
        let height = self.guards.len();
        self.guards.extend(guard);
        let result = check(self);
        self.guards.truncate(height);
        result
    }

    /// What a condition on a chain's variable says in its two branches about the first rows.
    pub(super) fn lags_kept(&self, condition: &Expr) -> (Option<Guard>, Option<Guard>) {
        match &condition.kind {
            ExprKind::Paren(inner) => self.lags_kept(inner),
            ExprKind::Binary { op, left, right, .. } => {
                let (ExprKind::Name(name), ExprKind::Number { value, .. }) = (&left.kind, &right.kind) else {
                    return (None, None);
                };
                let Some(axis) = self.axis_named(name) else { return (None, None) };
                let n = *value as usize;
                let kept = self.guards.iter().filter(|(a, _)| *a == axis).map(|(_, n)| *n).max().unwrap_or(0);
                // `t == 1` keeps row 1 out only where row 0 is out already.
                let after = (kept >= n).then_some((axis, n + 1));
                match op {
                    BinaryOp::Equal => (Some((axis, n)), after),
                    BinaryOp::NotEqual => (after, Some((axis, n))),
                    BinaryOp::Less => (None, Some((axis, n))),
                    BinaryOp::LessEqual => (None, Some((axis, n + 1))),
                    BinaryOp::Greater => (Some((axis, n + 1)), None),
                    BinaryOp::GreaterEqual => (Some((axis, n)), None),
                    _ => (None, None),
                }
            }
            _ => (None, None),
        }
    }
}
