//! Operations that make or rearrange arrays.

use super::value::union;
use super::{Lowerer, Trouble, Value, limitation};
use crate::math::Op;
use crate::plan::{Array, Binary, Reduce, Unary};

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
            Op::Triangle(a, size) => {
                let a = self.lower(*a)?;
                let n = self.size(size)?;
                self.triangle(&a, n)
            }
            Op::LogDet(a) => {
                let a = self.lower(*a)?;
                let lower = Value { id: self.b.cholesky(a.id), ..a };
                let diagonal = self.diagonal(&lower)?;
                let logs = self.unary(Unary::Log, &diagonal)?;
                let sum = self.reduce_event(Reduce::Sum, &logs, &[0])?;
                self.scaled(&sum, 2.0)
            }
            Op::SolveTriangular(a, b) => {
                let of = self.graph.transposed(*a);
                let (lower, right) = (self.lower(of.unwrap_or(*a))?, self.lower(*b)?);
                self.solve(&lower, &right, of.is_some())
            }
            Op::Solve(a, b) if self.graph.support(*a).is_cov() => {
                let (a, b) = (self.lower(*a)?, self.lower(*b)?);
                let lower = Value { id: self.b.cholesky(a.id), ..a };
                let half = self.solve(&lower, &b, false)?;
                self.solve(&lower, &half, true)
            }
            Op::Solve(..) => limitation("`solve` of a matrix that is not declared `cov`"),
            _ => limitation("this linear algebra"),
        }
    }

    /// A triangular system. Whatever the right side varies over and the matrix does not becomes columns, so that the
    /// matrix is read once.
    fn solve(&mut self, lower: &Value, right: &Value, transposed: bool) -> Result<Value, Trouble> {
        let labels = union([lower, right]);
        let right = self.expanded(right, &labels)?;
        let columns: Vec<usize> = (0..labels.len()).filter(|i| !lower.labels.contains(&labels[*i])).collect();
        let kept = (0..labels.len()).filter(|i| !columns.contains(i));
        let rank = labels.len() + right.event;
        let order: Vec<usize> =
            kept.chain([labels.len()]).chain(columns.iter().copied()).chain(labels.len() + 1..rank).collect();
        let turned = self.b.permute(right.id, &order);
        let shape = self.b.shape(turned).to_vec();
        let at = lower.labels.len();
        let flat = [&shape[..at + 1], &[shape[at + 1..].iter().product()]].concat();
        let flat = self.b.reshape(turned, &flat);
        let solved = self.b.solve_triangular(lower.id, flat, transposed);
        let solved = self.b.reshape(solved, &shape);
        let mut back = vec![0; rank];
        order.iter().enumerate().for_each(|(to, from)| back[*from] = to);
        Ok(Value { id: self.b.permute(solved, &back), labels, event: right.event })
    }

    /// The entries below the diagonal are gathered, row by row; elsewhere the first is, times 0.
    fn triangle(&mut self, a: &Value, n: usize) -> Result<Value, Trouble> {
        let below = |at: usize| at % n < at / n;
        let place = |at: usize| if below(at) { (at / n) * (at / n - 1) / 2 + at % n } else { 0 };
        let entries = |f: &dyn Fn(usize) -> f64| Array::Reals((0..n * n).map(f).collect());
        if n < 2 {
            let zeros = self.b.literal(0.0, &[n, n]);
            return Ok(Value::plain(zeros, 2));
        }
        let index = Value::plain(self.b.constant(entries(&|at| place(at) as f64), &[n, n]), 2);
        let mask = Value::plain(self.b.constant(entries(&|at| f64::from(below(at))), &[n, n]), 2);
        let full = self.gather(a, 0, &index)?;
        self.binary(Binary::Mul, &full, &mask)
    }

    /// Parts of one shape along a new first event axis, or along the existing one.
    pub(super) fn stack(&mut self, parts: &[Value], new: bool) -> Result<Value, Trouble> {
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
