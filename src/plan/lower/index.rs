//! Indices: a row becomes a label, a label an axis, a value a gather.

use super::value::Label;
use super::{Lowerer, Trouble, Value, bug};
use crate::math::{NodeId, Op, Pick};
use crate::model::follow::row_dims;
use crate::plan::{Binary, Reduce};
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
        for (nth, pick) in picks.iter().enumerate() {
            match pick {
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
        }
        Ok(value)
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
            return self.pick_by(value, at, &numbers);
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
        self.masked_sum(value, at, &rows)
    }

    /// The entries of event axis `at` whose place equals `index`, by a sum in which all others are 0.
    fn masked_sum(&mut self, value: &Value, at: usize, index: &Value) -> Result<Value, Trouble> {
        let n = self.event_shape(value)[at];
        let places = Value::plain(self.b.iota(n), 1);
        let places = self.with_ones(&places, at, value.event - 1 - at)?;
        let mask = self.binary(Binary::Equal, index, &places)?;
        let zero = self.literal(0.0)?;
        let kept = self.select(&mask, value, &zero)?;
        self.reduce_event(Reduce::Sum, &kept, &[at])
    }

    /// `drawn` is the dim of the axis where it has the rows of a batch alone.
    fn pick_at(&mut self, value: &Value, at: usize, index: NodeId, drawn: Option<DimId>) -> Result<Value, Trouble> {
        if let (Op::Number(n), None) = (&self.graph.nodes[index].op, drawn) {
            return self.pick_place(value, at, *n as usize);
        }
        let mut index = self.lower(index)?;
        if let Some(dim) = drawn {
            index = self.placed(&index, dim)?;
        }
        self.pick_by(value, at, &index)
    }

    fn pick_by(&mut self, value: &Value, at: usize, index: &Value) -> Result<Value, Trouble> {
        if index.labels.iter().any(|l| value.labels.contains(l)) {
            return self.masked_sum(value, at, index);
        }
        self.gather(value, at, index)
    }

    /// One entry of event axis `at`.
    fn pick_place(&mut self, value: &Value, at: usize, place: usize) -> Result<Value, Trouble> {
        let position = value.labels.len() + at;
        let id = self.b.slice(value.id, position, place, place + 1);
        let mut shape = self.b.shape(id).to_vec();
        shape.remove(position);
        Ok(Value { id: self.b.reshape(id, &shape), labels: value.labels.clone(), event: value.event - 1 })
    }

    /// Rows of event axis `at` by an index that varies over other labels than the value.
    pub(super) fn gather(&mut self, value: &Value, at: usize, index: &Value) -> Result<Value, Trouble> {
        let rank = value.labels.len() + value.event;
        let position = value.labels.len() + at;
        let order: Vec<usize> = [position].into_iter().chain((0..rank).filter(|i| *i != position)).collect();
        let table = if position == 0 { value.id } else { self.b.permute(value.id, &order) };
        let id = self.b.gather(table, index.id);
        let mut axes: Vec<Option<Label>> = index.labels.iter().copied().map(Some).collect();
        axes.extend(std::iter::repeat_n(None, index.event));
        axes.extend(value.labels.iter().copied().map(Some));
        axes.extend(std::iter::repeat_n(None, value.event - 1));
        self.sorted(id, &axes)
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
        let values = self.lower(table)?;
        let last = values.event - 1;
        if let (Some(axis), 0) = (self.as_row(index), last) {
            return self.pick_row(&values, 0, axis);
        }
        let index = self.lower(index)?;
        if last == 0 && !index.labels.iter().any(|l| values.labels.contains(l)) {
            return self.gather(&values, 0, &index);
        }
        let index = self.with_ones(&index, 0, 1)?;
        let n = self.event_shape(&values)[last];
        let places = Value::plain(self.b.iota(n), 1);
        let places = self.with_ones(&places, index.event - 1, 0)?;
        let mask = self.binary(Binary::Equal, &index, &places)?;
        let zero = self.literal(0.0)?;
        let values = self.with_ones(&values, mask.event.saturating_sub(values.event), 0)?;
        let mask = self.with_ones(&mask, values.event.saturating_sub(mask.event), 0)?;
        let kept = self.select(&mask, &values, &zero)?;
        self.reduce_event(Reduce::Sum, &kept, &[kept.event - 1])
    }
}
