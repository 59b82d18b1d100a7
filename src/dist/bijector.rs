//! Maps from unconstrained coordinates onto supports (LANGUAGE.md 1.8, "Scales"), with their log-determinants.
//!
//! Discrete supports have no map: `Bijector::of` is `None`. Those of matrices are in `matrices`.

use super::matrices;
use crate::kernel::special;
use crate::math::support::Bound;
use crate::math::{Graph, NodeId, Pick, Support};
use crate::shape::Size;

/// A smooth one-to-one map from reals.
#[derive(Debug, Clone, PartialEq)]
pub enum Bijector {
    Identity,
    /// exp(u)
    Exp,
    /// lo + (hi - lo) sigmoid(u)
    Between(Bound, Bound),
    /// lo + exp(u)
    Above(Bound),
    /// hi - exp(u)
    Below(Bound),
    /// u1, then + exp(uk)
    Ordered,
    /// exp(u1), then + exp(uk)
    PositiveOrdered,
    /// Stick breaking in index order, v_k = sigmoid(u_k - log(K - k)), k = 1..K-1: u = 0 is the uniform point.
    Simplex,
    /// A lower triangular matrix: exp of the first coordinates on the diagonal, the others below it, row by row.
    Cholesky,
    /// That matrix times its transpose.
    Cov,
    /// tanh of partial correlations, row by row below the diagonal: the Cholesky factor of a correlation matrix.
    CholeskyCorr,
}

impl Bijector {
    /// The map onto a continuous support; `None` onto a discrete one.
    pub fn of(support: &Support) -> Option<Bijector> {
        Some(match support {
            Support::Real => Bijector::Identity,
            Support::Positive => Bijector::Exp,
            Support::Unit => Bijector::Between(Bound::Number(0.0), Bound::Number(1.0)),
            Support::Interval(lo, hi) => match (lo, hi) {
                (Bound::Number(f64::NEG_INFINITY), Bound::Number(f64::INFINITY)) => Bijector::Identity,
                (lo, Bound::Number(f64::INFINITY)) => Bijector::Above(lo.clone()),
                (Bound::Number(f64::NEG_INFINITY), hi) => Bijector::Below(hi.clone()),
                (lo, hi) => Bijector::Between(lo.clone(), hi.clone()),
            },
            Support::Ordered(_) => Bijector::Ordered,
            Support::PositiveOrdered(_) => Bijector::PositiveOrdered,
            Support::Simplex(_) => Bijector::Simplex,
            Support::Cholesky(_) => Bijector::Cholesky,
            Support::Cov(_) => Bijector::Cov,
            Support::CholeskyCorr(_) => Bijector::CholeskyCorr,
            _ => return None,
        })
    }

    /// The value at unconstrained `u`, in log space where a density will take its logarithm.
    /// `event` is that of the value.
    pub fn forward(&self, g: &mut Graph, u: NodeId, event: &[Size]) -> NodeId {
        let n = || event.last().cloned().unwrap_or_default();
        match self {
            Bijector::Identity => u,
            Bijector::Exp => g.exp(u),
            Bijector::Between(lo, hi) => {
                let (lo, width) = (bound(g, lo), width(g, lo, hi));
                let share = g.sigmoid(u);
                let inside = g.mul(width, share);
                g.add(lo, inside)
            }
            Bijector::Above(lo) => {
                let (lo, above) = (bound(g, lo), g.exp(u));
                g.add(lo, above)
            }
            Bijector::Below(hi) => {
                let (hi, below) = (bound(g, hi), g.exp(u));
                g.sub(hi, below)
            }
            Bijector::Ordered => {
                let (first, steps) = first_and_rest(g, u);
                let steps = g.exp(steps);
                let all = g.concat(vec![first, steps]);
                let sum = g.cumsum(all);
                with_support(g, sum, Support::Ordered)
            }
            Bijector::PositiveOrdered => {
                let steps = g.exp(u);
                let sum = g.cumsum(steps);
                with_support(g, sum, Support::PositiveOrdered)
            }
            Bijector::Simplex => simplex(g, u),
            Bijector::Cholesky => matrices::cholesky(g, u, n()),
            Bijector::Cov => matrices::cov(g, u, n()),
            Bijector::CholeskyCorr => matrices::cholesky_corr(g, u, n()),
        }
    }

    /// The unconstrained coordinates of a value, where they are a formula: of numbers, each by itself.
    pub fn inverse(&self, g: &mut Graph, value: NodeId) -> Option<NodeId> {
        Some(match self {
            Bijector::Identity => value,
            Bijector::Exp => g.log(value),
            Bijector::Above(low) => {
                let low = bound(g, low);
                let above = g.sub(value, low);
                g.log(above)
            }
            Bijector::Below(high) => {
                let high = bound(g, high);
                let below = g.sub(high, value);
                g.log(below)
            }
            Bijector::Between(low, high) => {
                let (low, high) = (bound(g, low), bound(g, high));
                let (above, below) = (g.sub(value, low), g.sub(high, value));
                let (above, below) = (g.log(above), g.log(below));
                g.sub(above, below)
            }
            _ => return None,
        })
    }

    /// log |det d value / d u|: a number, summed over the event.
    pub fn log_det(&self, g: &mut Graph, u: NodeId, event: &[Size]) -> NodeId {
        let n = || event.last().cloned().unwrap_or_default();
        let each = match self {
            Bijector::Identity => return g.number(0.0),
            Bijector::Exp | Bijector::Above(_) | Bijector::Below(_) | Bijector::PositiveOrdered => u,
            Bijector::Between(lo, hi) => {
                let width = width(g, lo, hi);
                let minus = g.neg(u);
                let (yes, no, width) = (g.log_sigmoid(u), g.log_sigmoid(minus), g.log(width));
                let slope = g.add(yes, no);
                g.add(width, slope)
            }
            Bijector::Ordered => first_and_rest(g, u).1,
            // d z_k / d u_k is v_k (1 - v_k) times what was left of the stick, and the matrix is triangular.
            Bijector::Simplex => {
                let (broken, left) = stick(g, u);
                g.add(broken, left)
            }
            Bijector::Cholesky => matrices::cholesky_log_det(g, u, n()),
            Bijector::Cov => matrices::cov_log_det(g, u, n()),
            Bijector::CholeskyCorr => matrices::cholesky_corr_log_det(g, u, n()),
        };
        g.sum_event(each)
    }

    /// The unconstrained shape of a value of this shape.
    pub fn free_event(&self, event: &[Size]) -> Vec<Size> {
        let mut free = event.to_vec();
        let Some(last) = free.pop() else { return free };
        let matrix = matches!(self, Bijector::Cholesky | Bijector::Cov | Bijector::CholeskyCorr);
        if matrix {
            free.pop();
        }
        free.push(match self {
            Bijector::Simplex => last.minus(&Size::fixed(1)),
            Bijector::CholeskyCorr => last.below_diagonal(),
            _ if matrix => last.below_diagonal().plus(&last),
            _ => last,
        });
        free
    }

    /// The same map with bounds that are values replaced by numbers, which the functions on slices need.
    pub fn with_bounds(&self, value: &dyn Fn(NodeId) -> f64) -> Bijector {
        let known = |bound: &Bound| match bound {
            Bound::Number(x) => Bound::Number(*x),
            Bound::Value(id) => Bound::Number(value(*id)),
        };
        match self {
            Bijector::Between(lo, hi) => Bijector::Between(known(lo), known(hi)),
            Bijector::Above(lo) => Bijector::Above(known(lo)),
            Bijector::Below(hi) => Bijector::Below(known(hi)),
            other => other.clone(),
        }
    }

    /// One value (all entries of its event, row-major) at unconstrained `u`. A bound that is not a number gives NaN.
    pub fn forward_f64(&self, u: &[f64]) -> Vec<f64> {
        let each = |f: &dyn Fn(f64) -> f64| u.iter().map(|u| f(*u)).collect();
        match self {
            Bijector::Identity => u.to_vec(),
            Bijector::Exp => each(&f64::exp),
            Bijector::Between(lo, hi) => {
                let (lo, hi) = (f64_of(lo), f64_of(hi));
                each(&|u| lo + (hi - lo) * special::sigmoid(u))
            }
            Bijector::Above(lo) => each(&|u| f64_of(lo) + u.exp()),
            Bijector::Below(hi) => each(&|u| f64_of(hi) - u.exp()),
            Bijector::Ordered => running(u.iter().enumerate().map(|(k, u)| if k == 0 { *u } else { u.exp() })),
            Bijector::PositiveOrdered => running(u.iter().map(|u| u.exp())),
            Bijector::Simplex => {
                let (mut left, mut z) = (0.0, Vec::with_capacity(u.len() + 1));
                for (k, x) in u.iter().enumerate() {
                    let s = x - stick_offset(u.len() + 1, k);
                    z.push((left + special::log_sigmoid(s)).exp());
                    left += special::log_sigmoid(-s);
                }
                z.push(left.exp());
                z
            }
            Bijector::Cholesky => matrices::cholesky_f64(u),
            Bijector::Cov => matrices::cov_f64(u),
            Bijector::CholeskyCorr => matrices::cholesky_corr_f64(u),
        }
    }

    /// The unconstrained coordinates of a value; infinite where the value is at an end of its support.
    pub fn inverse_f64(&self, value: &[f64]) -> Vec<f64> {
        let each = |f: &dyn Fn(f64) -> f64| value.iter().map(|x| f(*x)).collect();
        match self {
            Bijector::Identity => value.to_vec(),
            Bijector::Exp => each(&f64::ln),
            Bijector::Between(lo, hi) => each(&|x| ((x - f64_of(lo)) / (f64_of(hi) - x)).ln()),
            Bijector::Above(lo) => each(&|x| (x - f64_of(lo)).ln()),
            Bijector::Below(hi) => each(&|x| (f64_of(hi) - x).ln()),
            Bijector::Ordered => steps(value, |first| first),
            Bijector::PositiveOrdered => steps(value, f64::ln),
            Bijector::Simplex => {
                let n = value.len();
                // What is left after k pieces is summed from the end, which keeps small pieces.
                let left: Vec<f64> = (0..n).map(|k| value[k + 1..].iter().sum()).collect();
                (0..n.saturating_sub(1)).map(|k| (value[k] / left[k]).ln() + stick_offset(n, k)).collect()
            }
            Bijector::Cholesky => matrices::inverse_cholesky_f64(value),
            Bijector::Cov => matrices::inverse_cov_f64(value),
            Bijector::CholeskyCorr => matrices::inverse_cholesky_corr_f64(value),
        }
    }
}

/// log(K - k) for k counted from 1.
fn stick_offset(n: usize, place: usize) -> f64 {
    ((n - place - 1) as f64).ln()
}

fn f64_of(bound: &Bound) -> f64 {
    bound.known().unwrap_or(f64::NAN)
}

fn running(steps: impl Iterator<Item = f64>) -> Vec<f64> {
    steps
        .scan(0.0, |sum, step| {
            *sum += step;
            Some(*sum)
        })
        .collect()
}

fn steps(value: &[f64], first: impl Fn(f64) -> f64) -> Vec<f64> {
    let rest = value.windows(2).map(|pair| (pair[1] - pair[0]).ln());
    value.first().map(|x| first(*x)).into_iter().chain(rest).collect()
}

fn bound(g: &mut Graph, bound: &Bound) -> NodeId {
    match bound {
        Bound::Number(x) => g.number(*x),
        Bound::Value(id) => *id,
    }
}

/// hi - lo
fn width(g: &mut Graph, lo: &Bound, hi: &Bound) -> NodeId {
    let (lo, hi) = (bound(g, lo), bound(g, hi));
    g.sub(hi, lo)
}

fn first_and_rest(g: &mut Graph, u: NodeId) -> (NodeId, NodeId) {
    let one = Size::fixed(1);
    let n = g.event(u).first().cloned().unwrap_or_default();
    let first = g.index(u, vec![Pick::Slice(Size::default(), one.clone())]);
    (first, g.index(u, vec![Pick::Slice(one, n)]))
}

/// What the map is onto is more than intervals say.
pub(super) fn with_support(g: &mut Graph, id: NodeId, support: fn(Size) -> Support) -> NodeId {
    let node = g.nodes[id].clone();
    let size = node.shape.event.last().cloned().unwrap_or_default();
    g.node(node.op, node.shape, support(size))
}

/// For each piece k, its log share of what was left, log v_k, and what is left after it, sum_j<=k log(1 - v_j).
fn stick(g: &mut Graph, u: NodeId) -> (NodeId, NodeId) {
    let pieces = g.event(u).last().cloned().unwrap_or_default();
    let one = g.number(1.0);
    let ones = g.fill(one, vec![pieces.clone()]);
    let place = g.cumsum(ones);
    let n = g.size(pieces.plus(&Size::fixed(1)));
    let after = g.sub(n, place);
    let offset = g.log(after);
    let s = g.sub(u, offset);
    let minus = g.neg(s);
    let kept = g.log_sigmoid(minus);
    (g.log_sigmoid(s), g.cumsum(kept))
}

fn simplex(g: &mut Graph, u: NodeId) -> NodeId {
    let (broken, left) = stick(g, u);
    let zero = g.number(0.0);
    let zero = g.fill(zero, vec![Size::fixed(1)]);
    let shares = g.concat(vec![broken, zero]);
    let before = g.concat(vec![zero, left]);
    let logs = g.add(shares, before);
    let value = g.exp(logs);
    with_support(g, value, Support::Simplex)
}
