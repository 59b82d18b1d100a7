//! One row per function and operator: how the user writes it, what it takes, and how smooth it is.

use crate::math::Binary::*;
use crate::math::Unary::*;
use crate::math::{Binary, Graph, NodeId, Op, Over, Reduce, Unary};
use crate::shape::Size;

/// A function of the language.
pub struct Rule {
    pub name: &'static str,
    pub form: Form,
    /// What the first operand must lie in for the value to be defined.
    pub domain: Domain,
    pub continuity: Continuity,
}

/// What is in the brackets of a call.
pub enum Form {
    /// This many expressions.
    Nodes(usize, fn(&[NodeId]) -> Op),
    /// One or more expressions of one kind.
    List(fn(Vec<NodeId>) -> Op),
    /// One array, or a comprehension.
    Reduce(Reduce),
    /// `min`, `max`: of two values, one array or a comprehension.
    Extreme(Binary, Reduce),
    /// An expression, then sizes (at least one).
    Sizes(fn(NodeId, Vec<Size>) -> Op),
    /// An expression, then one size.
    OneSize(fn(NodeId, Size) -> Op),
    /// One size.
    Size(fn(Size) -> Op),
    /// `clamp(x, lo, hi)`: the smaller of `hi` and the larger of `lo` and `x`.
    Clamp,
}

/// Where a function is defined (end points aside).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    Real,
    Positive,
    Unit,
    /// Above -1.
    AboveMinusOne,
    Label,
    Cov,
}

use crate::math::continuity::Continuity::{self, Continuous, Discontinuous, Smooth};

const fn unary(name: &'static str, op: fn(&[NodeId]) -> Op, domain: Domain, continuity: Continuity) -> Rule {
    Rule { name, form: Form::Nodes(1, op), domain, continuity }
}

const fn reduce(name: &'static str, op: Reduce, continuity: Continuity) -> Rule {
    Rule { name, form: Form::Reduce(op), domain: Domain::Real, continuity }
}

const fn real(name: &'static str, form: Form) -> Rule {
    Rule { name, form, domain: Domain::Real, continuity: Smooth }
}

#[rustfmt::skip]
pub static RULES: &[Rule] = &[
    unary("exp", |a| Op::Unary(Exp, a[0]), Domain::Real, Smooth),
    unary("log", |a| Op::Unary(Log, a[0]), Domain::Positive, Smooth),
    unary("log1p", |a| Op::Unary(Log1p, a[0]), Domain::AboveMinusOne, Smooth),
    unary("expm1", |a| Op::Unary(Expm1, a[0]), Domain::Real, Smooth),
    unary("sqrt", |a| Op::Unary(Sqrt, a[0]), Domain::Positive, Smooth),
    unary("abs", |a| Op::Unary(Abs, a[0]), Domain::Real, Continuous),
    unary("sin", |a| Op::Unary(Sin, a[0]), Domain::Real, Smooth),
    unary("cos", |a| Op::Unary(Cos, a[0]), Domain::Real, Smooth),
    unary("tanh", |a| Op::Unary(Tanh, a[0]), Domain::Real, Smooth),
    unary("sigmoid", |a| Op::Unary(Sigmoid, a[0]), Domain::Real, Smooth),
    unary("log_sigmoid", |a| Op::Unary(LogSigmoid, a[0]), Domain::Real, Smooth),
    unary("softplus", |a| Op::Unary(Softplus, a[0]), Domain::Real, Smooth),
    unary("relu", |a| Op::Unary(Relu, a[0]), Domain::Real, Continuous),
    unary("elu", |a| Op::Unary(Elu, a[0]), Domain::Real, Continuous),
    unary("gelu", |a| Op::Unary(Gelu, a[0]), Domain::Real, Smooth),
    unary("erf", |a| Op::Unary(Erf, a[0]), Domain::Real, Smooth),
    unary("lgamma", |a| Op::Unary(Lgamma, a[0]), Domain::Positive, Smooth),
    unary("digamma", |a| Op::Unary(Digamma, a[0]), Domain::Positive, Smooth),
    unary("logit", |a| Op::Unary(Logit, a[0]), Domain::Unit, Smooth),
    unary("round", |a| Op::Unary(Round, a[0]), Domain::Real, Discontinuous),
    unary("floor", |a| Op::Unary(Floor, a[0]), Domain::Real, Discontinuous),
    Rule { name: "clamp", form: Form::Clamp, domain: Domain::Real, continuity: Continuous },
    Rule { name: "min", form: Form::Extreme(Min, Reduce::Min), domain: Domain::Real, continuity: Continuous },
    Rule { name: "max", form: Form::Extreme(Max, Reduce::Max), domain: Domain::Real, continuity: Continuous },
    reduce("sum", Reduce::Sum, Smooth),
    reduce("mean", Reduce::Mean, Smooth),
    reduce("sd", Reduce::Sd, Smooth),
    reduce("prod", Reduce::Prod, Smooth),
    reduce("logsumexp", Reduce::LogSumExp, Smooth),
    reduce("norm", Reduce::Norm, Continuous),
    real("dot", Form::Nodes(2, |a| Op::Dot(a[0], a[1]))),
    real("softmax", Form::Nodes(1, |a| Op::Softmax(a[0]))),
    real("log_softmax", Form::Nodes(1, |a| Op::LogSoftmax(a[0]))),
    real("cumsum", Form::Nodes(1, |a| Op::Cumsum(a[0]))),
    real("concat", Form::List(Op::Concat)),
    real("stack", Form::List(Op::Stack)),
    real("reshape", Form::Sizes(Op::Reshape)),
    real("transpose", Form::Nodes(1, |a| Op::Transpose(a[0]))),
    real("outer", Form::Nodes(2, |a| Op::Outer(a[0], a[1]))),
    real("diag", Form::Nodes(1, |a| Op::Diag(a[0]))),
    real("trace", Form::Nodes(1, |a| Op::Trace(a[0]))),
    real("eye", Form::Size(Op::Eye)),
    real("fill", Form::Sizes(Op::Fill)),
    Rule { name: "one_hot", form: Form::OneSize(Op::OneHot), domain: Domain::Label, continuity: Discontinuous },
    Rule { name: "cholesky", form: Form::Nodes(1, |a| Op::Cholesky(a[0])), domain: Domain::Cov, continuity: Smooth },
    real("solve", Form::Nodes(2, |a| Op::Solve(a[0], a[1]))),
    real("solve_triangular", Form::Nodes(2, |a| Op::SolveTriangular(a[0], a[1]))),
    Rule { name: "logdet", form: Form::Nodes(1, |a| Op::LogDet(a[0])), domain: Domain::Cov, continuity: Smooth },
];

pub fn by_name(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// How tightly an operator binds, loosest first; a call, index or name binds tightest.
pub mod binding {
    pub const IF: u8 = 0;
    pub const OR: u8 = 1;
    pub const AND: u8 = 2;
    pub const NOT: u8 = 3;
    pub const COMPARE: u8 = 4;
    pub const ADD: u8 = 5;
    pub const MUL: u8 = 6;
    pub const NEG: u8 = 7;
    pub const POW: u8 = 8;
    pub const TIGHT: u8 = 9;
}

/// How an operation of two is written: an operator with its binding, or a call (`TIGHT`).
pub fn binary_name(op: Binary) -> (&'static str, u8) {
    match op {
        Add => ("+", binding::ADD),
        Sub => ("-", binding::ADD),
        Mul => ("*", binding::MUL),
        Div => ("/", binding::MUL),
        Pow => ("^", binding::POW),
        Min => ("min", binding::TIGHT),
        Max => ("max", binding::TIGHT),
        Equal => ("==", binding::COMPARE),
        NotEqual => ("!=", binding::COMPARE),
        Less => ("<", binding::COMPARE),
        LessEqual => ("<=", binding::COMPARE),
        Greater => (">", binding::COMPARE),
        GreaterEqual => (">=", binding::COMPARE),
        And => ("and", binding::AND),
        Or => ("or", binding::OR),
        GammaLogQuantile => ("gamma_log_quantile", binding::TIGHT),
        VonMisesQuantile => ("von_mises_quantile", binding::TIGHT),
        LogBeta => ("log_beta", binding::TIGHT),
        LogGammaLower => ("log_gamma_lower", binding::TIGHT),
        LogGammaUpper => ("log_gamma_upper", binding::TIGHT),
        LogStudentCdf => ("log_student_cdf", binding::TIGHT),
    }
}

pub fn unary_name(op: Unary) -> &'static str {
    match op {
        Neg => "-",
        Not => "not ",
        StopGradient => "stop_gradient",
        LogNormalCdf => "log_normal_cdf",
        NormalLogQuantile => "normal_log_quantile",
        LogBesselI0e => "log_bessel_i0e",
        BesselRatio => "bessel_ratio",
        LogCauchyCdf => "log_cauchy_cdf",
        _ => RULES.iter().find(|rule| rule.is_unary(op)).map_or("", |rule| rule.name),
    }
}

pub fn reduce_name(op: Reduce) -> &'static str {
    let of = |rule: &&Rule| matches!(rule.form, Form::Reduce(found) | Form::Extreme(_, found) if found == op);
    RULES.iter().find(of).map_or("", |rule| rule.name)
}

impl Rule {
    fn is_unary(&self, op: Unary) -> bool {
        match self.form {
            Form::Nodes(1, make) => matches!(make(&[NodeId::new(0)]), Op::Unary(found, _) if found == op),
            _ => false,
        }
    }
}

/// The operation of `clamp(x, lo, hi)`.
pub fn clamp(graph: &mut Graph, x: NodeId, lo: NodeId, hi: NodeId) -> NodeId {
    let above = graph.binary(Max, lo, x);
    graph.binary(Min, above, hi)
}

/// Whether a reduction is over plates, and so written with `for`.
pub fn is_comprehension(over: &Over) -> bool {
    matches!(over, Over::Axes(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_back() {
        for rule in RULES {
            assert_eq!(by_name(rule.name).map(|found| found.name), Some(rule.name));
        }
        assert_eq!(unary_name(LogSigmoid), "log_sigmoid");
        assert_eq!(reduce_name(Reduce::Max), "max");
    }
}
