//! The forward recursion of `Op::Forward` as loops (Rabiner 1989): a_t(j) = log sum_i exp(a_{t-1}(i) + f_t(i, j)).

use crate::kernel::special::logsumexp;
use crate::math::NodeId;
use crate::math::eval::{Eval, Positions, Values};
use crate::problem::Bug;
use crate::shape::AxisId;

/// The logarithm of the sum over all paths at these positions of the other axes.
pub fn forward(
    eval: &Eval,
    factor: NodeId,
    chain: AxisId,
    [from, to]: [&[AxisId]; 2],
    positions: &Positions,
) -> Result<Values, Bug> {
    let (before, after) = (states(eval, from)?, states(eval, to)?);
    let mut at = positions.clone();
    let mut sums: Vec<f64> = vec![];
    for t in 0..eval.extent(chain)? {
        at.insert(chain, t);
        let mut next = vec![];
        for state in &after {
            at.extend(to.iter().copied().zip(state.iter().copied()));
            let mut ways = vec![];
            for (i, state) in before.iter().enumerate().take(if t == 0 { 1 } else { before.len() }) {
                at.extend(from.iter().copied().zip(state.iter().copied()));
                ways.push(sums.get(i).copied().unwrap_or(0.0) + eval.number(factor, &at)?);
            }
            next.push(logsumexp(&ways));
        }
        sums = next;
    }
    Ok(vec![if sums.is_empty() { 0.0 } else { logsumexp(&sums) }])
}

/// The joint states of these axes, the first slowest.
fn states(eval: &Eval, axes: &[AxisId]) -> Result<Vec<Vec<usize>>, Bug> {
    let mut all = vec![vec![]];
    for axis in axes {
        let n = eval.extent(*axis)?;
        all = all.into_iter().flat_map(|state| (0..n).map(move |s| [state.as_slice(), &[s]].concat())).collect();
    }
    Ok(all)
}
