//! The elementwise operations by name: what plans are made of, and what the loops of `elementwise` are chosen by.

/// Of one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unary {
    Neg,
    Exp,
    Log,
    Log1p,
    Expm1,
    Sqrt,
    Recip,
    Square,
    Abs,
    /// -1, 0, 1
    Sign,
    Sin,
    Cos,
    Tanh,
    Sigmoid,
    LogSigmoid,
    Softplus,
    Relu,
    /// 1 above 0, else 0
    Step,
    Erf,
    Lgamma,
    Digamma,
    Trigamma,
    /// `ln` of the standard normal distribution function, and its inverse.
    LogNormalCdf,
    NormalLogQuantile,
    /// `ln (I_0(x) e^-|x|)`, and I_1 / I_0, of the modified Bessel functions.
    LogBesselI0e,
    BesselRatio,
    /// `ln` of the standard Cauchy distribution function.
    LogCauchyCdf,
    Round,
    Floor,
    /// The value; its derivative is zero. Erased before execution.
    StopGradient,
}

/// Of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Min,
    Max,
    Equal,
    Less,
    LessEqual,
    /// `ln` of the quantile of Gamma(a, 1) at u, and its derivative in `a` as a function of a and the value `ln z`.
    GammaLogQuantile,
    GammaLogQuantileGrad,
    /// The quantile of a von Mises distribution around 0 of concentration k at u, and its derivative in k as a function
    /// of k and the value.
    VonMisesQuantile,
    VonMisesQuantileGrad,
    /// `ln B(a, b)`
    LogBeta,
    /// `ln` of both tails of Gamma(a, 1) at e^t, and their derivatives in `a`.
    LogGammaLower,
    LogGammaLowerGrad,
    LogGammaUpper,
    LogGammaUpperGrad,
    /// `ln` of the distribution function of Student's t of `df` at z, and its derivative in `df`.
    LogStudentCdf,
    LogStudentCdfGrad,
}
