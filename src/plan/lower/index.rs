//! Indices: a row becomes a label, a label an axis, a value a gather.

use super::value::{Label, union};
use super::{Lowerer, Trouble, Value, bug};
use crate::math::{NodeId, Op, Pick};
use crate::model::follow::row_dims;
use crate::plan;
use crate::shape::{AxisId, AxisKind, DimId};

impl Lowerer<'_> {
    pub(super) fn index(&mut self, base: NodeId, picks: &[Pick]) -> Result<Value, Trouble> {
        let value = self.lower(base)?;
        let axis_dim = |axis: AxisId| self.axes[axis].size.as_dim();
        let rows = row_dims(&self.elbo.model, &self.graph, &axis_dim, base);
        let drawn = rows.into_iter().map(|dim| dim.filter(|dim| self.batch.rows.contains_key(dim))).collect::<Vec<_>>();
        self.picked_of(&value, picks, &drawn)
    }

    pub(super) fn picked(&mut self, value: &Value, picks: &[Pick]) -> Result<Value, Trouble> {
        self.picked_of(value, picks, &[])
    }

    /// `drawn` are the dims of the leading axes that have the rows of a batch alone.
    fn picked_of(&mut self, value: &Value, picks: &[Pick], drawn: &[Option<DimId>]) -> Result<Value, Trouble> {
        let mut value = value.clone();
        // The event axis that the next pick is about: slices stay, so it moves past them.
        let mut at = 0;
        let mut nth = 0;
        while nth < picks.len() {
            let together = self.looked_up(&value, at, &picks[nth..], drawn.get(nth..).unwrap_or(&[]))?;
            if together.len() > 1 {
                nth += together.len();
                value = self.gather_at(&value, at, &together)?;
                continue;
            }
            match &picks[nth] {
                Pick::Row(axis) => value = self.pick_row(&value, at, *axis)?,
                Pick::Lag(axis, lag) => {
                    value = match self.row_of(*axis) {
                        Some(row) => self.pick_place(&value, at, row.saturating_sub(*lag))?,
                        None => self.pick_lag(&value, at, *axis, *lag)?,
                    }
                }
                Pick::Slice(low, high) => {
                    let (start, end) = (self.size(low)?, self.size(high)?);
                    let axis = value.labels.len() + at;
                    value.id = self.b.slice(value.id, axis, start, end);
                    at += 1;
                }
                Pick::At(index) => match self.as_row(*index) {
                    Some(axis) => value = self.pick_row(&value, at, axis)?,
                    None => value = self.pick_at(&value, at, *index, drawn.get(nth).copied().flatten())?,
                },
            }
            nth += 1;
        }
        Ok(value)
    }

    /// The numbers that look up entries of the next event axes, each in one of them, as far as one look-up tells them all
    /// apart.
    fn looked_up(
        &mut self,
        value: &Value,
        at: usize,
        picks: &[Pick],
        drawn: &[Option<DimId>],
    ) -> Result<Vec<Value>, Trouble> {
        let shape = self.event_shape(value);
        let (mut found, mut places) = (vec![], 1);
        for (nth, (pick, n)) in picks.iter().zip(&shape[at..]).enumerate() {
            places *= n;
            match pick {
                Pick::At(index) if self.is_looked_up(*index) && places <= plan::WHOLE_IN_F32 => {
                    found.push(self.number_of(*index, drawn.get(nth).copied().flatten())?);
                }
                _ => break,
            }
        }
        Ok(found)
    }

    /// An index; `drawn` is the dim of its axis where that has the rows of a batch alone.
    fn number_of(&mut self, index: NodeId, drawn: Option<DimId>) -> Result<Value, Trouble> {
        let index = self.lower(index)?;
        match drawn {
            Some(dim) => self.placed(&index, dim),
            None => Ok(index),
        }
    }

    fn is_looked_up(&self, index: NodeId) -> bool {
        let literal = matches!(self.graph.nodes[index].op, Op::Number(_));
        !literal && self.as_row(index).is_none() && self.graph.event(index).is_empty()
    }

    /// Entries of several event axes, of which the first is `at`, by an index into each: one look-up, so that nothing is
    /// made of a row for each index.
    fn gather_at(&mut self, value: &Value, at: usize, indices: &[Value]) -> Result<Value, Trouble> {
        let shape = self.shape(value);
        let first = value.labels.len() + at;
        let axes = &shape[first..first + indices.len()];
        let mut place = indices[0].clone();
        for (index, n) in indices.iter().zip(axes).skip(1) {
            place = self.scaled(&place, *n as f64)?;
            place = self.binary(plan::Binary::Add, &place, index)?;
        }
        let flat = [&shape[..first], &[axes.iter().product()], &shape[first + indices.len()..]].concat();
        let id = self.b.reshape(value.id, &flat);
        let value = Value { id, labels: value.labels.clone(), event: value.event + 1 - indices.len() };
        self.gather(&value, at, &place)
    }

    /// The axis, where an index is a plate variable or the state of a summed-out site.
    fn as_row(&self, index: NodeId) -> Option<AxisId> {
        match &self.graph.nodes[index].op {
            Op::Row(axis) => Some(*axis),
            Op::Named(_, inner) => self.as_row(*inner),
            Op::Site(site) => self.as_row(self.elbo.sites.get(site.index())?.value),
            // A site read through its own rows is the site.
            Op::Index(lifted, picks) if picks.iter().all(|p| matches!(p, Pick::Row(_))) => {
                match &self.graph.nodes[*lifted].op {
                    Op::Lift(inner, _) => {
                        let axis = self.as_row(*inner)?;
                        (self.axes[axis].kind == AxisKind::States).then_some(axis)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Event axis `at` becomes the axis `axis`.
    fn pick_row(&mut self, value: &Value, at: usize, axis: AxisId) -> Result<Value, Trouble> {
        if let Some(row) = self.row_of(axis) {
            let first = self.axes[axis].first.clone();
            let first = self.size(&first)?;
            return self.pick_place(value, at, first + row);
        }
        let label = Label::Axis(axis);
        let position = value.labels.len() + at;
        let n = self.extent(axis)?;
        let first = self.axes[axis].first.clone();
        let first = self.size(&first)?;
        let have = self.shape(value)[position];
        // The axis of a value has all entries, also where the plate has some rows only.
        if let Some(dim) = self.drawn_dim(axis).filter(|_| n != have) {
            let numbers = self.numbers(axis, dim)?;
            return self.gather(value, at, &numbers);
        }
        if first + n > have {
            return bug(format!("the axis {} has {n} rows where the array has {have}", self.axes[axis].name));
        }
        let id = if (first, n) == (0, have) { value.id } else { self.b.slice(value.id, position, first, first + n) };
        let mut axes: Vec<Option<Label>> = value.labels.iter().copied().map(Some).collect();
        axes.extend(std::iter::repeat_n(None, value.event));
        if value.labels.contains(&label) {
            return self.diagonal_row(&Value { id, ..value.clone() }, at, label);
        }
        axes[position] = Some(label);
        self.sorted(id, &axes)
    }

    /// Event axis `at` becomes the axis `axis`, each row the one so many before it. The first rows have none before them,
    /// and the condition around the index never takes what is there: they read the first.
    fn pick_lag(&mut self, value: &Value, at: usize, axis: AxisId, lag: usize) -> Result<Value, Trouble> {
        let position = value.labels.len() + at;
        let n = self.shape(value)[position];
        let first = self.b.slice(value.id, position, 0, 1.min(n));
        let mut parts = vec![first; lag.min(n)];
        if n > lag {
            parts.push(self.b.slice(value.id, position, 0, n - lag));
        }
        let id = self.b.concat(&parts, position);
        self.pick_row(&Value { id, ..value.clone() }, at, axis)
    }

    /// A value that varies over the axis already, indexed by it: the matching entries.
    fn diagonal_row(&mut self, value: &Value, at: usize, label: Label) -> Result<Value, Trouble> {
        let n = self.extent_of(label)?;
        let rows = Value { id: self.b.iota(n), labels: vec![label], event: 0 };
        self.gather(value, at, &rows)
    }

    /// `drawn` is the dim of the axis where it has the rows of a batch alone.
    fn pick_at(&mut self, value: &Value, at: usize, index: NodeId, drawn: Option<DimId>) -> Result<Value, Trouble> {
        if let (Op::Number(n), None) = (&self.graph.nodes[index].op, drawn) {
            return self.pick_place(value, at, *n as usize);
        }
        let index = self.number_of(index, drawn)?;
        self.gather(value, at, &index)
    }

    /// One entry of event axis `at`.
    fn pick_place(&mut self, value: &Value, at: usize, place: usize) -> Result<Value, Trouble> {
        let position = value.labels.len() + at;
        let id = self.b.slice(value.id, position, place, place + 1);
        let mut shape = self.b.shape(id).to_vec();
        shape.remove(position);
        Ok(Value { id: self.b.reshape(id, &shape), labels: value.labels.clone(), event: value.event - 1 })
    }

    /// Entries of event axis `at` by an index: over labels that both vary over, each from its own table.
    pub(super) fn gather(&mut self, value: &Value, at: usize, index: &Value) -> Result<Value, Trouble> {
        let labels = value.labels.len();
        let shared: Vec<Label> = index.labels.iter().copied().filter(|label| value.labels.contains(label)).collect();
        let mut order: Vec<usize> = (0..labels).filter(|i| shared.contains(&value.labels[*i])).collect();
        order.push(labels + at);
        order.extend((0..labels + value.event).filter(|i| *i < labels && !shared.contains(&value.labels[*i])));
        order.extend((labels..labels + value.event).filter(|i| *i != labels + at));
        let table = self.ordered(value.id, &order);
        let mut order: Vec<usize> = (0..index.labels.len()).filter(|i| shared.contains(&index.labels[*i])).collect();
        order.extend((0..index.labels.len() + index.event).filter(|i| !order.contains(i)).collect::<Vec<_>>());
        let id = self.ordered(index.id, &order);
        let id = self.b.gather_each(table, id, shared.len());
        let only = |of: &Value| of.labels.iter().copied().filter(|l| !shared.contains(l)).map(Some).collect::<Vec<_>>();
        let mut axes: Vec<Option<Label>> = shared.iter().copied().map(Some).collect();
        axes.extend(only(index));
        axes.extend(std::iter::repeat_n(None, index.event));
        axes.extend(only(value));
        axes.extend(std::iter::repeat_n(None, value.event - 1));
        self.sorted(id, &axes)
    }

    fn ordered(&mut self, id: plan::NodeId, order: &[usize]) -> plan::NodeId {
        if order.iter().enumerate().all(|(i, at)| i == *at) { id } else { self.b.permute(id, order) }
    }

    /// A row of a matrix that is looked up, or a function of it that leaves entries in their places, as the function of the
    /// matrix and the look-up.
    fn row_of_table(&mut self, row: NodeId) -> Option<(NodeId, Vec<Pick>)> {
        let op = self.graph.nodes[row].op.clone();
        match op {
            Op::Index(base, picks) => {
                let rows = self.graph.event(base).len() == picks.len() + 1;
                let one = |pick: &Pick| matches!(pick, Pick::At(index) if self.is_looked_up(*index));
                (rows && picks.iter().all(one)).then_some((base, picks))
            }
            Op::Unary(_, inner) | Op::LogSoftmax(inner) | Op::Softmax(inner) | Op::Named(_, inner) => {
                let (base, picks) = self.row_of_table(inner)?;
                let whole = match op {
                    Op::Unary(function, _) => self.graph.unary(function, base),
                    Op::LogSoftmax(_) => self.graph.log_softmax(base),
                    Op::Softmax(_) => self.graph.softmax(base),
                    _ => base,
                };
                Some((whole, picks))
            }
            _ => None,
        }
    }

    pub(super) fn lift(&mut self, value: &Value, axes: &[AxisId]) -> Result<Value, Trouble> {
        let mut labels = value.labels.clone();
        labels.extend(axes.iter().map(|axis| Label::Axis(*axis)));
        labels.sort();
        labels.dedup();
        let value = self.expanded(value, &labels)?;
        let lifted: Vec<usize> =
            axes.iter().filter_map(|axis| labels.iter().position(|l| *l == Label::Axis(*axis))).collect();
        let kept: Vec<usize> = (0..labels.len()).filter(|i| !lifted.contains(i)).collect();
        let order: Vec<usize> = kept
            .iter()
            .copied()
            .chain(lifted.iter().copied())
            .chain(labels.len()..labels.len() + value.event)
            .collect();
        let identity = order.iter().enumerate().all(|(i, at)| i == *at);
        let id = if identity { value.id } else { self.b.permute(value.id, &order) };
        Ok(Value { id, labels: kept.iter().map(|i| labels[*i]).collect(), event: axes.len() + value.event })
    }

    /// One entry of the last axis of `table` for every component of `index`.
    pub(super) fn take(&mut self, table: NodeId, index: NodeId) -> Result<Value, Trouble> {
        if let Some((base, picks)) = self.row_of_table(table).filter(|_| self.is_looked_up(index)) {
            let picks: Vec<Pick> = picks.into_iter().chain([Pick::At(index)]).collect();
            return self.index(base, &picks);
        }
        let values = self.lower(table)?;
        let last = values.event - 1;
        if let (Some(axis), 0) = (self.as_row(index), last) {
            return self.pick_row(&values, 0, axis);
        }
        let index = self.lower(index)?;
        if last == 0 || index.event == 0 {
            return self.gather(&values, last, &index);
        }
        let labels = union([&values, &index]);
        let index = self.expanded(&index, &labels)?;
        let values = self.expanded(&values, &labels)?;
        let id = self.b.gather_each(values.id, index.id, labels.len() + last);
        Ok(Value { id, labels, event: last })
    }
}
