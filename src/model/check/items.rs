//! `data` and `param`: rows, types, and where a param starts.

use super::Checker;
use super::expr::Place;
use crate::math::{DataId, NodeId, Op, ParamId, Support};
use crate::model::problems::Items;
use crate::model::{Data, Owner, Param, Start};
use crate::shape::{AxisId, DimId, Size};
use crate::source::Span;
use crate::syntax::{self, Call, Expr, ExprKind, Name, Type};

use super::names::Meaning;

pub(super) struct DataItem<'a> {
    pub rows: &'a [Expr],
    pub ty: &'a Type,
    pub value: Option<&'a Expr>,
    pub checked: bool,
}

impl<'a> Checker<'a> {
    pub(super) fn add_data(
        &mut self,
        name: &'a Name,
        rows: &'a [Expr],
        ty: &'a Type,
        value: Option<&'a Expr>,
    ) -> DataId {
        self.data_items.push(DataItem { rows, ty, value, checked: false });
        self.data.push(Data {
            name: name.node.clone(),
            rows: vec![],
            event: vec![],
            support: Support::Real,
            missing: ty.missing,
            value: value.cloned(),
            span: name.span,
        });
        DataId(self.data.len() as u32 - 1)
    }

    pub(super) fn check_data(&mut self) {
        for at in 0..self.data_items.len() {
            self.check_data_item(at);
            if let Some(value) = self.data_items[at].value {
                self.check_column(DataId(at as u32), value);
            }
        }
        self.check_column_cycles();
    }

    /// Rows and type of one item, when it is first needed: a bound of another may read it.
    pub(super) fn check_data_item(&mut self, at: usize) {
        let DataItem { rows, ty, checked, .. } = &mut self.data_items[at];
        if std::mem::replace(checked, true) {
            return;
        }
        let (rows, ty) = (*rows, *ty);
        let dims: Vec<Option<DimId>> = rows.iter().map(|row| self.row_dim(row)).collect();
        match (dims.into_iter().collect::<Option<Vec<_>>>(), self.check_type(ty)) {
            (Some(rows), Some(checked)) => {
                let data = &mut self.data[at];
                (data.rows, data.event, data.support) = (rows, checked.event, checked.support);
            }
            _ => _ = self.broken_data.insert(DataId(at as u32)),
        }
    }

    /// A row axis of data is a dim, so that plates can run over it.
    fn row_dim(&mut self, row: &Expr) -> Option<DimId> {
        match &row.kind {
            ExprKind::Paren(inner) => self.row_dim(inner),
            ExprKind::Name(name) => match self.lookup_dim(name, row.span)? {
                Meaning::Dim(dim) => Some(dim),
                Meaning::Broken => None,
                other => {
                    self.report(Items::RowNotADim { text: name.clone(), word: other.word(), span: row.span });
                    None
                }
            },
            _ => {
                let word = if matches!(row.kind, ExprKind::Number { .. }) { "a number" } else { "an expression" };
                self.report(Items::RowNotADim { text: self.text(row.span), word, span: row.span });
                None
            }
        }
    }

    /// The dim of that name, which a plate or comprehension runs over.
    pub(super) fn plate_dim(&mut self, name: &str, span: Span) -> Option<DimId> {
        match self.lookup_dim(name, span)? {
            Meaning::Dim(dim) => Some(dim),
            Meaning::Broken => None,
            other => {
                self.report(Items::OverNotADim { name: name.into(), word: other.word(), span });
                None
            }
        }
    }

    /// Registers a param; its type is checked once all names are known.
    pub(super) fn add_param(&mut self, param: &'a syntax::Param, plates: &[AxisId]) -> ParamId {
        let id = ParamId(self.params.len() as u32);
        self.params.push(Param {
            name: param.name.node.clone(),
            rows: vec![],
            event: vec![],
            support: Support::Real,
            start: Start::Auto,
            owner: Owner::Guide,
            net: None,
            plates: plates.to_vec(),
            span: param.name.span,
        });
        self.param_items.push((id, param));
        id
    }

    pub(super) fn check_params(&mut self) {
        for (id, param) in self.param_items.clone() {
            self.check_param_type(id, param);
        }
    }

    /// Rows and type; those of a guide plate lead.
    pub(super) fn check_param_type(&mut self, id: ParamId, param: &'a syntax::Param) {
        let plates = self.params[id.index()].plates.clone();
        let own: Vec<Size> = plates.iter().map(|axis| self.axes[*axis].size.clone()).collect();
        let rows: Vec<Option<Size>> = param.rows.iter().map(|row| self.check_axis_size(row)).collect();
        let checked = self.check_complete_type(&param.ty);
        match (rows.into_iter().collect::<Option<Vec<_>>>(), checked) {
            (Some(rows), Some(checked)) => {
                if checked.support.is_discrete() {
                    let support = self.support_text(&checked.support);
                    self.report(Items::DiscreteParam { name: param.name.node.clone(), support, span: param.ty.span });
                    self.broken_params.insert(id);
                }
                let target = &mut self.params[id.index()];
                target.rows = own.into_iter().chain(rows).collect();
                (target.event, target.support) = (checked.event, checked.support);
            }
            _ => _ = self.broken_params.insert(id),
        }
    }

    pub(super) fn check_starts(&mut self) {
        for (id, param) in self.param_items.clone() {
            self.check_start(id, param);
        }
    }

    /// `= EXPR`: where a param starts.
    pub(super) fn check_start(&mut self, id: ParamId, param: &'a syntax::Param) {
        let Some(value) = &param.value else { return };
        let start = self.at_place(Place::Start, |checker| checker.start(id, value));
        if let Some(start) = start {
            self.params[id.index()].start = start;
        }
    }

    fn start(&mut self, id: ParamId, value: &'a Expr) -> Option<Start> {
        match &value.kind {
            ExprKind::Paren(inner) => return self.start(id, inner),
            ExprKind::Call(call) if call.name.node == "normal" || call.name.node == "uniform" => {
                return self.drawn_start(id, call);
            }
            _ => {}
        }
        let node = self.check_node(value)?;
        self.check_start_value(id, node, value.span, true)?;
        Some(Start::Value(node))
    }

    /// `normal(m, s)`, `uniform(lo, hi)`: drawn entry by entry.
    fn drawn_start(&mut self, id: ParamId, call: &'a Call) -> Option<Start> {
        let [first, second] = call.args.as_slice() else {
            let name = call.name.node.clone();
            self.report(Items::StartArguments { name, given: call.args.len(), span: call.span });
            return None;
        };
        let (a, b) = (self.check_node(&first.value), self.check_node(&second.value));
        let (a, b) = (a?, b?);
        let uniform = call.name.node == "uniform";
        self.check_start_value(id, a, first.value.span, uniform)?;
        self.check_start_value(id, b, second.value.span, uniform)?;
        if uniform {
            if let (Some(low), Some(high)) = (self.fold_number(a), self.fold_number(b))
                && low >= high
            {
                self.report(Items::StartEmpty { low, high, span: first.value.span.to(second.value.span) });
                return None;
            }
            return Some(Start::Uniform(a, b));
        }
        if !self.broken_params.contains(&id) && self.params[id.index()].support != Support::Real {
            let support = self.support_text(&self.params[id.index()].support.clone());
            let name = self.params[id.index()].name.clone();
            self.report(Items::NormalStart { name, support, span: call.span });
            return None;
        }
        self.require_fit(b, &Support::Positive, second.value.span, "the second argument of `normal`")?;
        Some(Start::Normal(a, b))
    }

    /// A start is a number for all entries, one value for all rows, or all of it; `fits` asks for the support too.
    fn check_start_value(&mut self, id: ParamId, node: NodeId, span: Span, fits: bool) -> Option<()> {
        if self.broken_params.contains(&id) {
            return None;
        }
        let param = &self.params[id.index()];
        let (name, support) = (param.name.clone(), param.support.clone());
        if let Some(reads) = self.first_random(node) {
            self.report(Items::StartReads { name, reads, span });
            return None;
        }
        if !self.graph.shape(node).plates.is_empty() {
            self.report(Items::StartReads { name, reads: "the row of a plate".into(), span });
            return None;
        }
        let event: Vec<Size> = param.event.iter().map(|size| self.known_size(size)).collect();
        let rows: Vec<Size> = param.rows.iter().map(|size| self.known_size(size)).collect();
        let declared: Vec<Size> = rows[param.plates.len()..].iter().chain(&event).cloned().collect();
        let have = self.event(node).to_vec();
        if !(have.is_empty() || have == event || have == declared) {
            let (have, want) = (self.print_shape(node), self.print_event(&declared));
            self.report(Items::StartShape { name, have, want, span });
            return None;
        }
        if !fits {
            return Some(());
        }
        // A number that fills a vector of one support is judged as an entry of it.
        let want = if have.is_empty() { support.element() } else { support.clone() };
        let what = format!("the start of `{name}`");
        let filled = have.is_empty() && support.event_rank() > 0;
        if filled && matches!(support, Support::Simplex(_)) {
            let whole = self.op(Op::Fill(node, event), span);
            return self.require_fit(whole, &support, span, &what);
        }
        self.require_fit(node, &want, span, &what)?;
        if filled {
            let support = self.support_text(&support);
            self.report(Items::StartNeedsArray { name, support, span });
            return None;
        }
        Some(())
    }
}
