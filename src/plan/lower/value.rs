//! Lowered values, their labels, and the one place where values are aligned.

use std::collections::BTreeSet;

use super::{Lowerer, Trouble, bug};
use crate::plan::{Binary, NodeId, Reduce, Unary};
use crate::shape::AxisId;

/// What a leading axis of a lowered value ranges over. Draws come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label {
    Draws,
    Axis(AxisId),
}

/// A plan node: axes for `labels` (sorted), then `event` axes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub id: NodeId,
    pub labels: Vec<Label>,
    pub event: usize,
}

impl Value {
    pub fn plain(id: NodeId, event: usize) -> Value {
        Value { id, labels: vec![], event }
    }
}

/// The sorted union of labels.
pub(super) fn union<'v>(values: impl IntoIterator<Item = &'v Value>) -> Vec<Label> {
    values.into_iter().flat_map(|v| v.labels.iter().copied()).collect::<BTreeSet<_>>().into_iter().collect()
}

impl Lowerer<'_> {
    pub(super) fn shape(&self, value: &Value) -> Vec<usize> {
        self.b.shape(value.id).to_vec()
    }

    pub(super) fn event_shape(&self, value: &Value) -> Vec<usize> {
        self.shape(value)[value.labels.len()..].to_vec()
    }

    /// The value with an axis for each of `labels` and for each of `event` event axes; those it does not vary over are 1.
    pub(super) fn aligned(&mut self, value: &Value, labels: &[Label], event: usize) -> Result<NodeId, Trouble> {
        let shape = self.shape(value);
        if shape.len() != value.labels.len() + value.event {
            // An operation that broke an invariant stands in as a number: tell of it, not of what follows.
            self.b.clone().finish()?;
        }
        let mut target = Vec::new();
        let mut at = 0;
        for label in labels {
            if value.labels.get(at) == Some(label) {
                target.push(shape[at]);
                at += 1;
            } else {
                target.push(1);
            }
        }
        if at != value.labels.len() || !(value.event == event || value.event == 0) {
            return bug(format!("cannot align {value:?} to {labels:?} with {event} event axes"));
        }
        target.extend(std::iter::repeat_n(1, event - value.event));
        target.extend(&shape[at..]);
        Ok(if target == shape { value.id } else { self.b.reshape(value.id, &target) })
    }

    /// Like `aligned`, and repeated to full size over all of `labels`.
    pub(super) fn expanded(&mut self, value: &Value, labels: &[Label]) -> Result<Value, Trouble> {
        let id = self.aligned(value, labels, value.event)?;
        let mut target = labels.iter().map(|l| self.extent_of(*l)).collect::<Result<Vec<_>, _>>()?;
        target.extend(self.event_shape(value));
        let id = if self.b.shape(id) == target.as_slice() { id } else { self.b.expand(id, &target) };
        Ok(Value { id, labels: labels.to_vec(), event: value.event })
    }

    pub(super) fn literal(&mut self, value: f64) -> Result<Value, Trouble> {
        Ok(Value::plain(self.b.literal(value, &[]), 0))
    }

    pub(super) fn unary(&mut self, op: Unary, a: &Value) -> Result<Value, Trouble> {
        Ok(Value { id: self.b.unary(op, a.id), ..a.clone() })
    }

    pub(super) fn binary(&mut self, op: Binary, a: &Value, b: &Value) -> Result<Value, Trouble> {
        let labels = union([a, b]);
        let event = a.event.max(b.event);
        let left = self.aligned(a, &labels, event)?;
        let right = self.aligned(b, &labels, event)?;
        Ok(Value { id: self.b.binary(op, left, right), labels, event })
    }

    pub(super) fn scaled(&mut self, a: &Value, by: f64) -> Result<Value, Trouble> {
        if by == 1.0 {
            return Ok(a.clone());
        }
        let by = self.literal(by)?;
        self.binary(Binary::Mul, a, &by)
    }

    pub(super) fn select(&mut self, c: &Value, a: &Value, b: &Value) -> Result<Value, Trouble> {
        let labels = union([c, a, b]);
        let event = a.event.max(b.event).max(c.event);
        let [c, a, b] =
            [self.aligned(c, &labels, event)?, self.aligned(a, &labels, event)?, self.aligned(b, &labels, event)?];
        Ok(Value { id: self.b.select(c, a, b), labels, event })
    }

    /// Reduces event axes, counted within the event.
    pub(super) fn reduce_event(&mut self, op: Reduce, a: &Value, axes: &[usize]) -> Result<Value, Trouble> {
        if axes.is_empty() {
            return Ok(a.clone());
        }
        let first = a.labels.len();
        let axes: Vec<usize> = axes.iter().map(|i| first + i).collect();
        let id = self.b.reduce(op, a.id, &axes);
        let dropped = axes.len();
        Ok(Value { id, labels: a.labels.clone(), event: a.event - dropped })
    }

    /// Reduces labelled axes that the value has.
    pub(super) fn reduce_labels(&mut self, op: Reduce, a: &Value, gone: &[Label]) -> Result<Value, Trouble> {
        let at: Vec<usize> = (0..a.labels.len()).filter(|i| gone.contains(&a.labels[*i])).collect();
        if at.is_empty() {
            return Ok(a.clone());
        }
        let labels = a.labels.iter().copied().filter(|l| !gone.contains(l)).collect();
        Ok(Value { id: self.b.reduce(op, a.id, &at), labels, event: a.event })
    }

    /// Axes in any order with their labels, sorted into a value; `None` marks event axes, which stay in order at the end.
    pub(super) fn sorted(&mut self, id: NodeId, axes: &[Option<Label>]) -> Result<Value, Trouble> {
        let mut order: Vec<usize> = (0..axes.len()).filter(|i| axes[*i].is_some()).collect();
        order.sort_by_key(|i| axes[*i]);
        let labels: Vec<Label> = order.iter().filter_map(|i| axes[*i]).collect();
        order.extend((0..axes.len()).filter(|i| axes[*i].is_none()));
        let identity = order.iter().enumerate().all(|(i, at)| i == *at);
        let id = if identity { id } else { self.b.permute(id, &order) };
        Ok(Value { id, event: axes.len() - labels.len(), labels })
    }
}
