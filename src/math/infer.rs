//! Supports of expressions, by intervals (LANGUAGE.md 1.3, "What fits").

use crate::math::support::Range;
use crate::math::{Binary, Graph, Layer, NodeId, Op, Over, Pick, Reduce, Support, Unary};
use crate::shape::Shape;

/// The support of an operation over nodes of `graph`; `shape` is its own.
pub fn support(graph: &Graph, op: &Op, shape: &Shape) -> Support {
    let of = |id: &NodeId| &graph.nodes[*id].support;
    let last = || shape.event.last().cloned().unwrap_or_default();
    match op {
        Op::Number(x) => Range { lo: *x, hi: *x, whole: false }.support(),
        Op::Size(size) => match size.known() {
            Some(n) => Support::between(n as f64, n as f64),
            None => Support::Count(None),
        },
        Op::Row(axis) => match graph.axes.get(axis) {
            Some(size) => Support::Count(Some(size.minus(&1.into()))),
            None => Support::Count(None),
        },
        Op::Unary(Unary::StopGradient, a) => of(a).clone(),
        Op::Unary(op, a) => unary(*op, of(a).range()),
        Op::Binary(op, a, b) if a == b => same(*op, of(a).range()),
        Op::Binary(op, a, b) => binary(*op, of(a).range(), of(b).range()),
        Op::Complete { data: a, with: b } | Op::If(_, a, b) => of(a).union(of(b)),
        Op::Reduce(op, a, over) => reduce(*op, of(a), over, graph.event(*a).len()),
        Op::Dot(a, b) | Op::MatMul(a, b) => sum(binary(Binary::Mul, of(a).range(), of(b).range()).range()).support(),
        Op::Outer(a, b) => binary(Binary::Mul, of(a).range(), of(b).range()),
        Op::Scan { own, .. } => of(own).clone(),
        Op::Index(a, picks) => index(graph, *a, picks),
        Op::Lift(a, _) | Op::Named(_, a) | Op::Fill(a, _) => of(a).clone(),
        Op::Take { table, .. } => of(table).element(),
        Op::Stack(list) => union(graph, list),
        Op::Concat(list) => union(graph, list).element(),
        Op::Reshape(a, _) => of(a).element(),
        Op::Transpose(a) => {
            if let Support::Cov(_) = of(a) {
                of(a).clone()
            } else {
                of(a).element()
            }
        }
        Op::Softmax(_) => Support::Simplex(last()),
        Op::LogSoftmax(_) => Support::between(f64::NEG_INFINITY, 0.0),
        Op::Cumsum(a) => sum(of(a).range()).support(),
        Op::Diag(a) => diag(of(a), shape),
        Op::Trace(a) => {
            if of(a).is_matrix() {
                Support::Positive
            } else {
                sum(of(a).range()).support()
            }
        }
        Op::Eye(n) => Support::CholeskyCorr(n.clone()),
        Op::Present(_) => Support::Binary,
        Op::Layer { layer: Layer::Gru, .. } => Support::between(-1.0, 1.0),
        Op::Layer { layer: Layer::Dropout { .. }, input, .. } if of(input).range().lo >= 0.0 => Support::Positive,
        Op::OneHot(_, n) => Support::OneHot(n.clone()),
        Op::Cholesky(_) => Support::Cholesky(last()),
        _ => Support::Real,
    }
}

fn union(graph: &Graph, list: &[NodeId]) -> Support {
    let mut supports = list.iter().map(|id| graph.nodes[*id].support.clone());
    let first = supports.next().unwrap_or(Support::Real);
    supports.fold(first, |all, one| all.union(&one))
}

/// A whole value of the support stays one as long as the picks leave its own axes alone.
fn index(graph: &Graph, a: NodeId, picks: &[Pick]) -> Support {
    let node = &graph.nodes[a];
    let rows = node.shape.event.len().saturating_sub(node.support.event_rank());
    if picks.len() <= rows { node.support.clone() } else { node.support.element() }
}

fn diag(of: &Support, shape: &Shape) -> Support {
    match shape.event.as_slice() {
        [_] if matches!(of, Support::Cov(_) | Support::Cholesky(_) | Support::CholeskyCorr(_)) => Support::Positive,
        [_] => of.element(),
        [n, _] if of.range().lo >= 0.0 => Support::Cholesky(n.clone()),
        _ => of.range().union(Range::new(0.0, 0.0)).support(),
    }
}

fn unary(op: Unary, r: Range) -> Support {
    use Unary::*;
    let monotone = |f: fn(f64) -> f64| Range::new(f(r.lo), f(r.hi)).support();
    match op {
        Neg => Range { lo: -r.hi, hi: -r.lo, whole: r.whole }.support(),
        Exp => monotone(f64::exp),
        Log => monotone(|x| x.max(0.0).ln()),
        Log1p => monotone(|x| x.max(-1.0).ln_1p()),
        Expm1 => monotone(f64::exp_m1),
        Sqrt => monotone(|x| x.max(0.0).sqrt()),
        Tanh => monotone(f64::tanh),
        Sigmoid => monotone(|x| 1.0 / (1.0 + (-x).exp())),
        LogSigmoid => monotone(|x| -softplus(-x)),
        Softplus => monotone(softplus),
        Relu => monotone(|x| x.max(0.0)),
        Elu => monotone(|x| if x > 0.0 { x } else { x.exp_m1() }),
        Logit => monotone(|x| (x.clamp(0.0, 1.0) / (1.0 - x.clamp(0.0, 1.0))).ln()),
        Abs => {
            let lo = if r.lo <= 0.0 && r.hi >= 0.0 { 0.0 } else { r.lo.abs().min(r.hi.abs()) };
            Range { lo, hi: r.lo.abs().max(r.hi.abs()), whole: r.whole }.support()
        }
        Sin | Cos | Erf => Support::between(-1.0, 1.0),
        Round => Range { lo: r.lo.round_ties_even(), hi: r.hi.round_ties_even(), whole: true }.support(),
        Floor => Range { lo: r.lo.floor(), hi: r.hi.floor(), whole: true }.support(),
        LogNormalCdf | LogBesselI0e | LogCauchyCdf => Support::between(f64::NEG_INFINITY, 0.0),
        BesselRatio => Support::between(if r.lo >= 0.0 { 0.0 } else { -1.0 }, 1.0),
        Gelu if r.lo >= 0.0 => Support::Positive,
        Not => Support::Binary,
        Gelu | Lgamma | Digamma | NormalLogQuantile | StopGradient => Support::Real,
    }
}

fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// Of a value with itself.
fn same(op: Binary, r: Range) -> Support {
    match op {
        Binary::Mul => even_power(r).support(),
        Binary::Sub => Support::between(0.0, 0.0),
        Binary::Div => Support::between(1.0, 1.0),
        _ => binary(op, r, r),
    }
}

fn even_power(r: Range) -> Range {
    let (a, b) = (r.lo * r.lo, r.hi * r.hi);
    let lo = if r.lo <= 0.0 && r.hi >= 0.0 { 0.0 } else { a.min(b) };
    Range { lo, hi: a.max(b), whole: r.whole }
}

fn binary(op: Binary, a: Range, b: Range) -> Support {
    use Binary::*;
    let whole = a.whole && b.whole;
    let range = match op {
        Add => Range { lo: a.lo + b.lo, hi: a.hi + b.hi, whole },
        Sub => Range { lo: a.lo - b.hi, hi: a.hi - b.lo, whole },
        Mul => product(a, b),
        Div => divide(a, b),
        Min => Range { lo: a.lo.min(b.lo), hi: a.hi.min(b.hi), whole },
        Max => Range { lo: a.lo.max(b.lo), hi: a.hi.max(b.hi), whole },
        Pow => return power(a, b),
        Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | And | Or => return Support::Binary,
        GammaLogQuantile | LogBeta => return Support::Real,
        LogGammaLower | LogGammaUpper | LogStudentCdf => return Support::between(f64::NEG_INFINITY, 0.0),
        VonMisesQuantile => return Support::between(-std::f64::consts::PI, std::f64::consts::PI),
    };
    range.support()
}

fn product(a: Range, b: Range) -> Range {
    // An end of 0 times an infinite end is 0: ends are limits.
    let times = |x: f64, y: f64| if x == 0.0 || y == 0.0 { 0.0 } else { x * y };
    let corners = [times(a.lo, b.lo), times(a.lo, b.hi), times(a.hi, b.lo), times(a.hi, b.hi)];
    let lo = corners.iter().copied().fold(f64::INFINITY, f64::min);
    let hi = corners.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Range { lo, hi, whole: a.whole && b.whole }
}

fn divide(a: Range, b: Range) -> Range {
    let inverse = match (b.lo, b.hi) {
        (lo, hi) if lo >= 0.0 => Range::new(1.0 / hi, 1.0 / lo.abs()),
        (lo, hi) if hi <= 0.0 => Range::new(-1.0 / hi.abs(), 1.0 / lo),
        _ => return Range::REAL,
    };
    product(Range { whole: false, ..a }, inverse)
}

fn power(base: Range, exponent: Range) -> Support {
    let literal = (exponent.lo == exponent.hi).then_some(exponent.lo);
    match literal {
        Some(2.0) => even_power(base).support(),
        Some(n) if n.fract() == 0.0 && n % 2.0 == 0.0 && base.lo < 0.0 => Support::Positive,
        _ if base.lo >= 0.0 && base.hi <= 1.0 && exponent.lo >= 0.0 => Support::Unit,
        _ if base.lo >= 0.0 => Support::Positive,
        _ => Support::Real,
    }
}

/// Of one or more members.
fn sum(r: Range) -> Range {
    let lo = if r.lo >= 0.0 { r.lo } else { f64::NEG_INFINITY };
    let hi = if r.hi <= 0.0 { r.hi } else { f64::INFINITY };
    Range { lo, hi, whole: r.whole }
}

fn reduce(op: Reduce, of: &Support, over: &Over, rank: usize) -> Support {
    let r = of.range();
    let own = !matches!(over, Over::Axes(_)) && rank <= 1;
    match op {
        Reduce::Sum if own && matches!(of, Support::Simplex(_) | Support::OneHot(_)) => Support::between(1.0, 1.0),
        Reduce::Sum => sum(r).support(),
        Reduce::Mean => Range { whole: false, ..r }.support(),
        Reduce::Max | Reduce::Min if matches!(over, Over::Axes(_)) => of.element(),
        Reduce::Max | Reduce::Min => of.element().range().support(),
        Reduce::Sd | Reduce::Norm => Support::Positive,
        Reduce::Prod if r.lo >= 0.0 && r.hi <= 1.0 => Support::Unit,
        Reduce::Prod if r.lo >= 0.0 => Support::Positive,
        Reduce::Prod => Support::Real,
        Reduce::LogSumExp => Range::new(r.lo, f64::INFINITY).support(),
    }
}
