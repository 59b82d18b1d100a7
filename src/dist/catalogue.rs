//! The table of distributions, by kind and by name, and the names that are still to come.

use super::{Kind, Row};
use super::{
    ar, bernoulli, beta, beta_binomial, binomial, categorical, cauchy, censored, chi_squared, concrete, delta,
    dirichlet, dirichlet_multinomial, discrete_uniform, discretized_logistic, erlang, exponential, flat, gamma,
    gaussian_random_walk, geometric, gumbel, half_cauchy, half_normal, inverse_gamma, kumaraswamy, laplace,
    lkj_cholesky, log_normal, logistic, logistic_normal, mixture, multinomial, mv_normal, negative_binomial, normal,
    one_hot, ordered_logistic, pareto, poisson, relaxed_bernoulli, student_t, truncated, truncated_normal, uniform,
    von_mises, weibull, zero_inflated_poisson,
};

pub static ROWS: &[Row] = &[
    normal::ROW,
    log_normal::ROW,
    half_normal::ROW,
    half_cauchy::ROW,
    student_t::ROW,
    gamma::ROW,
    beta::ROW,
    dirichlet::ROW,
    exponential::ROW,
    bernoulli::ROW,
    categorical::ROW,
    poisson::ROW,
    binomial::ROW,
    flat::ROW,
    mixture::ROW,
    truncated::ROW,
    censored::ROW,
    mv_normal::ROW,
    logistic_normal::ROW,
    lkj_cholesky::ROW,
    one_hot::ROW,
    multinomial::ROW,
    dirichlet_multinomial::ROW,
    concrete::ROW,
    gaussian_random_walk::ROW,
    ar::ROW,
    cauchy::ROW,
    laplace::ROW,
    logistic::ROW,
    gumbel::ROW,
    uniform::ROW,
    weibull::ROW,
    pareto::ROW,
    erlang::ROW,
    inverse_gamma::ROW,
    chi_squared::ROW,
    kumaraswamy::ROW,
    truncated_normal::ROW,
    von_mises::ROW,
    beta_binomial::ROW,
    negative_binomial::ROW,
    zero_inflated_poisson::ROW,
    geometric::ROW,
    discrete_uniform::ROW,
    relaxed_bernoulli::ROW,
    discretized_logistic::ROW,
    ordered_logistic::ROW,
    delta::ROW,
];

/// Distributions whose values are vectors or matrices, with the type of one value.
const VALUES: &[(Kind, &str)] = &[
    (Kind::Dirichlet, "simplex[K]"),
    (Kind::MvNormal, "real[K]"),
    (Kind::LogisticNormal, "simplex[K]"),
    (Kind::LKJCholesky, "cholesky_corr[K]"),
    (Kind::OneHot, "onehot[K]"),
    (Kind::Multinomial, "count[K]"),
    (Kind::DirichletMultinomial, "count[K]"),
    (Kind::Concrete, "simplex[K]"),
    (Kind::GaussianRandomWalk, "real[T]"),
    (Kind::AR, "real[T]"),
];

/// The type of one value, where it is not a number.
pub fn value_type(kind: Kind) -> Option<&'static str> {
    VALUES.iter().find(|(own, _)| *own == kind).map(|(_, ty)| *ty)
}

/// Names of the language that have no row yet: a limitation, not a mistake.
pub const TO_COME: &[&str] = &["Boltzmann", "Flow"];

/// What distributions of the language are called elsewhere, for "did you mean".
const ELSEWHERE: &[(&str, &str)] = &[
    ("Gaussian", "Normal"),
    ("MultivariateNormal", "MvNormal"),
    ("MultiNormal", "MvNormal"),
    ("MultinormalCholesky", "MvNormal"),
    ("InvGamma", "InverseGamma"),
    ("NegBinomial", "NegativeBinomial"),
    ("NegBin", "NegativeBinomial"),
    ("DoubleExponential", "Laplace"),
    ("Student", "StudentT"),
    ("StudentsT", "StudentT"),
    ("Exp", "Exponential"),
    ("Unif", "Uniform"),
    ("ChiSquare", "ChiSquared"),
    ("Chi2", "ChiSquared"),
    ("Bern", "Bernoulli"),
    ("Discrete", "Categorical"),
    ("OneHotCategorical", "OneHot"),
    ("RelaxedOneHotCategorical", "Concrete"),
    ("GumbelSoftmax", "Concrete"),
    ("RandomWalk", "GaussianRandomWalk"),
    ("MixtureSameFamily", "Mixture"),
    ("LkjCorrCholesky", "LKJCholesky"),
    ("LKJ", "LKJCholesky"),
    ("ImproperUniform", "Flat"),
];

/// The name that is written in other letters.
pub fn same(name: &str) -> Option<&'static str> {
    names().find(|own| plain(own) == plain(name))
}

/// What is meant by a name of another language, or by one in other letters.
pub fn meant(name: &str) -> Option<&'static str> {
    same(name).or_else(|| ELSEWHERE.iter().find(|(other, _)| plain(other) == plain(name)).map(|(_, own)| *own))
}

fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

/// The row of a kind.
pub fn row(kind: Kind) -> &'static Row {
    // Rows stand in the order of `Kind`; a test holds it.
    &ROWS[kind as usize]
}

/// What a name stands for.
#[derive(Clone, Copy)]
pub enum Named {
    Known(&'static Row),
    ToCome,
}

pub fn by_name(name: &str) -> Option<Named> {
    let known = ROWS.iter().find(|row| row.name == name).map(Named::Known);
    known.or_else(|| TO_COME.contains(&name).then_some(Named::ToCome))
}

/// All names, for "did you mean".
pub fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.name).chain(TO_COME.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_kinds_and_names_are_unique() {
        for (place, row) in ROWS.iter().enumerate() {
            assert_eq!(row.kind as usize, place, "{}", row.name);
        }
        let mut all: Vec<_> = names().collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), ROWS.len() + TO_COME.len());
    }
}
