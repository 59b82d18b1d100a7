//! Operations that make or rearrange arrays.

use super::value::union;
use super::{Lowerer, Trouble, Value, limitation};
use crate::math::Op;
use crate::plan::{Binary, Reduce};

impl Lowerer<'_> {
    /// Operations that make or rearrange arrays.
    pub(super) fn array(&mut self, op: &Op) -> Result<Value, Trouble> {
        match op {
            Op::Stack(parts) => {
                let parts = parts.iter().map(|p| self.lower(*p)).collect::<Result<Vec<_>, _>>()?;
                self.stack(&parts, true)
            }
            Op::Concat(parts) => {
                let parts = parts.iter().map(|p| self.lower(*p)).collect::<Result<Vec<_>, _>>()?;
                self.stack(&parts, false)
            }
            Op::Reshape(a, sizes) => {
                let a = self.lower(*a)?;
                let mut target = self.shape(&a)[..a.labels.len()].to_vec();
                for size in sizes {
                    target.push(self.size(size)?);
                }
                Ok(Value { id: self.b.reshape(a.id, &target), labels: a.labels.clone(), event: sizes.len() })
            }
            Op::Transpose(a) => {
                let a = self.lower(*a)?;
                let n = a.labels.len();
                let order: Vec<usize> = (0..n).chain([n + 1, n]).collect();
                Ok(Value { id: self.b.permute(a.id, &order), ..a })
            }
            Op::Fill(a, sizes) => {
                let a = self.lower(*a)?;
                let labels = a.labels.clone();
                let id = self.aligned(&a, &labels, sizes.len())?;
                let mut target = self.shape(&a);
                for size in sizes {
                    target.push(self.size(size)?);
                }
                Ok(Value { id: self.b.expand(id, &target), labels, event: sizes.len() })
            }
            Op::Cumsum(a) => {
                let a = self.lower(*a)?;
                let axis = a.labels.len() + a.event - 1;
                Ok(Value { id: self.b.cumsum(a.id, axis, false), ..a })
            }
            Op::Outer(a, b) => {
                let (a, b) = (self.lower(*a)?, self.lower(*b)?);
                let (a, b) = (self.with_ones(&a, 0, 1)?, self.with_ones(&b, 1, 0)?);
                self.binary(Binary::Mul, &a, &b)
            }
            Op::Eye(size) => {
                let n = self.size(size)?;
                let mask = self.identity(n)?;
                Ok(mask)
            }
            Op::Diag(a) => {
                let a = self.lower(*a)?;
                self.diagonal(&a)
            }
            Op::Trace(a) => {
                let a = self.lower(*a)?;
                let diagonal = self.diagonal(&a)?;
                self.reduce_event(Reduce::Sum, &diagonal, &[0])
            }
            Op::OneHot(a, size) => {
                let a = self.lower(*a)?;
                let n = self.size(size)?;
                let a = self.with_ones(&a, 0, 1)?;
                let states = Value::plain(self.b.iota(n), 1);
                let states = self.with_ones(&states, a.event - 1, 0)?;
                self.binary(Binary::Equal, &a, &states)
            }
            Op::Cholesky(a) => {
                let a = self.lower(*a)?;
                Ok(Value { id: self.b.cholesky(a.id), ..a })
            }
            _ => limitation("this linear algebra"),
        }
    }

    /// Parts of one shape along a new first event axis, or along the existing one.
    fn stack(&mut self, parts: &[Value], new: bool) -> Result<Value, Trouble> {
        let labels = union(parts);
        let event = parts.iter().map(|p| p.event).max().unwrap_or(0);
        let mut ids = Vec::new();
        for part in parts {
            let part = self.expanded(part, &labels)?;
            let part = if new { self.with_ones(&part, 1, 0)? } else { part };
            ids.push(part.id);
        }
        let id = self.b.concat(&ids, labels.len());
        Ok(Value { id, labels, event: event + usize::from(new) })
    }

    /// Axes of 1 before and after the event.
    pub(super) fn with_ones(&mut self, a: &Value, before: usize, after: usize) -> Result<Value, Trouble> {
        if before + after == 0 {
            return Ok(a.clone());
        }
        let shape = self.shape(a);
        let (labels, event) = shape.split_at(a.labels.len());
        let target = [labels, &vec![1; before], event, &vec![1; after]].concat();
        Ok(Value { id: self.b.reshape(a.id, &target), labels: a.labels.clone(), event: a.event + before + after })
    }

    pub(super) fn identity(&mut self, n: usize) -> Result<Value, Trouble> {
        let states = Value::plain(self.b.iota(n), 1);
        let (rows, columns) = (self.with_ones(&states, 0, 1)?, self.with_ones(&states, 1, 0)?);
        self.binary(Binary::Equal, &rows, &columns)
    }

    /// A vector to a diagonal matrix, a matrix to its diagonal.
    fn diagonal(&mut self, a: &Value) -> Result<Value, Trouble> {
        let n = *self.event_shape(a).last().unwrap_or(&0);
        let mask = self.identity(n)?;
        if a.event == 1 {
            let columns = self.with_ones(a, 0, 1)?;
            return self.binary(Binary::Mul, &columns, &mask);
        }
        let kept = self.binary(Binary::Mul, a, &mask)?;
        self.reduce_event(Reduce::Sum, &kept, &[1])
    }
}
