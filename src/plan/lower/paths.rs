//! Sums over the paths of a chain: products of matrices of steps, two neighbours at a time, so that a chain of T rows
//! takes about log2(T) levels. In log space a product is `log sum_j exp(a_ij + b_jk)`.

use super::value::Label;
use super::{Lowerer, Trouble, Value, bug};
use crate::math;
use crate::plan::{Binary, Reduce};
use crate::shape::AxisId;

impl Lowerer<'_> {
    pub(super) fn forward(
        &mut self,
        factor: math::NodeId,
        chain: AxisId,
        from: &[AxisId],
        to: &[AxisId],
    ) -> Result<Value, Trouble> {
        let steps = self.lower(factor)?;
        // The posterior of a site is the gradient in the log weights of its steps.
        for axis in to {
            self.states.insert(*axis, steps.clone());
        }
        let inner: Vec<Label> = from.iter().chain(to).chain([&chain]).map(|axis| Label::Axis(*axis)).collect();
        let outer: Vec<Label> = steps.labels.iter().copied().filter(|label| !inner.contains(label)).collect();
        let states = [from, to].map(|axes| axes.iter().map(|axis| self.extent(*axis)).product::<Result<usize, _>>());
        let [before, after] = states;
        let (before, after, rows) = (before?, after?, self.extent(chain)?);
        if before != after {
            return bug("the states of a row and of the row before are not the same");
        }
        // To [outer.., before, after, rows]: rows are many and states few, and loops are fast along what is long.
        let mut all = outer.clone();
        all.extend(&inner);
        all.sort();
        let whole = self.expanded(&steps, &all)?;
        let place = |label: &Label| all.iter().position(|other| other == label).unwrap_or(0);
        let order: Vec<usize> = outer.iter().chain(&inner).map(place).collect();
        let id = self.b.permute(whole.id, &order);
        let lead: Vec<usize> = outer.iter().map(|label| self.extent_of(*label)).collect::<Result<_, _>>()?;
        let id = self.b.reshape(id, &[lead.clone(), vec![before, after, rows]].concat());
        let mut value = Value { id, labels: outer, event: 3 };
        let mut left = rows;
        while left > 1 {
            value = self.halve(&value, left)?;
            left = left.div_ceil(2);
        }
        // The steps of the first row are the same from all states: one of them is taken.
        let at = value.labels.len();
        let id = self.b.slice(value.id, at, 0, 1);
        let id = self.b.reshape(id, &[lead, vec![after]].concat());
        self.reduce_event(Reduce::LogSumExp, &Value { id, event: 1, ..value }, &[0])
    }

    /// The products of the first and second, third and fourth, and so on of `n` steps; of an odd number the last stays.
    fn halve(&mut self, steps: &Value, n: usize) -> Result<Value, Trouble> {
        let at = steps.labels.len();
        let shape = self.shape(steps);
        let (lead, k) = (shape[..at].to_vec(), shape[at]);
        let pairs = n / 2;
        let even = self.b.slice(steps.id, at + 2, 0, 2 * pairs);
        let even = self.b.reshape(even, &[lead.clone(), vec![k, k, pairs, 2]].concat());
        let mut half = |which: usize, shape: [usize; 4]| {
            let part = self.b.slice(even, at + 3, which, which + 1);
            let id = self.b.reshape(part, &[lead.as_slice(), &shape].concat());
            Value { id, labels: steps.labels.clone(), event: 4 }
        };
        let (left, right) = (half(0, [k, k, 1, pairs]), half(1, [1, k, k, pairs]));
        let sum = self.binary(Binary::Add, &left, &right)?;
        let product = self.reduce_event(Reduce::LogSumExp, &sum, &[1])?;
        if n.is_multiple_of(2) {
            return Ok(product);
        }
        let last = self.b.slice(steps.id, at + 2, n - 1, n);
        let id = self.b.concat(&[product.id, last], at + 2);
        Ok(Value { id, ..product })
    }
}
