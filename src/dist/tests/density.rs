//! Densities integrate to one, agree with an independent implementation, and stay finite at the edges.

use std::collections::BTreeMap;

use statrs::distribution::{self as other, Continuous, Discrete};
use statrs::function::gamma::ln_gamma;

use super::{Case, assert_close, case, cases, expectation, scalars, values};
use crate::dist::{Dist, Kind, log_prob, mean, support};
use crate::math::{Graph, SiteId, Support};
use crate::shape::Shape;

#[test]
fn densities_integrate_to_one() {
    for case in cases() {
        let mass = expectation(&case, &BTreeMap::new(), &|g, _, _| g.number(1.0));
        assert_close(mass, 1.0, 1e-9, &format!("{:?} {:?}", case.kind, case.args));
    }
}

#[test]
fn log_densities_agree_with_another_implementation() {
    for case in cases() {
        let Some(theirs) = theirs(&case) else { continue };
        for value in places(&case) {
            let ours = log_prob_at(&case, &value);
            assert_close(ours, theirs(&value), 1e-9, &format!("{:?} {:?} at {value:?}", case.kind, case.args));
        }
    }
}

/// The log density of one value.
pub fn log_prob_at(case: &Case, value: &[f64]) -> f64 {
    let mut g = Graph::default();
    let dist = case.dist(&mut g, 0);
    let event = case.event();
    let support = support(&g, &dist, &event);
    let leaf = g.site(SiteId(0), Shape::event(event), support);
    let node = log_prob(&mut g, &dist, leaf);
    values(&g, &[node], &case.leaves(0), value)[0][0]
}

fn places(case: &Case) -> Vec<Vec<f64>> {
    let list: &[f64] = match case.kind {
        Kind::Dirichlet => return vec![vec![0.2, 0.5, 0.3], vec![1e-3, 0.9, 0.099]],
        Kind::Bernoulli => &[0.0, 1.0],
        Kind::Categorical => &[0.0, 1.0, 2.0],
        Kind::Binomial | Kind::Poisson => &[0.0, 1.0, 4.0, 9.0],
        Kind::Beta => &[1e-5, 0.2, 0.9],
        Kind::Normal | Kind::StudentT => &[-30.0, -1.0, 0.0, 2.5, 100.0],
        Kind::Cauchy | Kind::Laplace | Kind::Logistic => &[-300.0, -1.0, 0.0, 2.5, 1e4],
        Kind::Gumbel => &[-4.0, -1.0, 0.0, 2.5, 1e4],
        Kind::Uniform => &[-0.9, 0.0, 2.4],
        Kind::VonMises => &[-3.1, -1.0, 0.0, 2.0, 3.1],
        Kind::Kumaraswamy | Kind::RelaxedBernoulli => &[1e-5, 0.2, 0.9, 1.0 - 1e-9],
        Kind::Pareto => &[0.5001, 1.0, 50.0, 1e6],
        Kind::TruncatedNormal => {
            let of = |at: usize| case.args[at].1[0];
            let (lo, hi) = (of(2).max(-40.0), of(3).min(40.0));
            return [0.001, 0.3, 0.9].iter().map(|share| vec![lo + (hi - lo) * share]).collect();
        }
        Kind::BetaBinomial | Kind::NegativeBinomial | Kind::ZeroInflatedPoisson | Kind::Geometric => {
            &[0.0, 1.0, 4.0, 9.0]
        }
        Kind::DiscreteUniform => &[2.0, 4.0, 7.0],
        Kind::DiscretizedLogistic => &[0.0, 1.0, 3.0],
        Kind::OrderedLogistic => &[0.0, 1.0],
        _ => &[1e-6, 0.3, 1.0, 12.0],
    };
    list.iter().map(|x| vec![*x]).collect()
}

pub type LogDensity = Box<dyn Fn(&[f64]) -> f64>;

fn theirs(case: &Case) -> Option<LogDensity> {
    let arg = |name: &str| case.args.iter().find(|(own, _)| *own == name).map(|(_, values)| values[0]);
    let all = |name: &str| case.args.iter().find(|(own, _)| *own == name).map(|(_, values)| values.clone());
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let p = arg("p").or(arg("logits").map(sigmoid)).unwrap_or(0.5);
    let rate = arg("rate").or(arg("scale").map(|x| 1.0 / x)).or(arg("log_rate").map(f64::exp)).unwrap_or(1.0);
    Some(match case.kind {
        Kind::Normal => {
            let scale = arg("scale").or(arg("var").map(f64::sqrt)).or(arg("prec").map(|x| x.powf(-0.5)))?;
            let d = other::Normal::new(arg("loc")?, scale).ok()?;
            Box::new(move |x| d.ln_pdf(x[0]))
        }
        Kind::LogNormal => {
            let d = other::LogNormal::new(arg("loc")?, arg("scale")?).ok()?;
            Box::new(move |x| d.ln_pdf(x[0]))
        }
        Kind::HalfNormal => {
            let d = other::Normal::new(0.0, arg("scale")?).ok()?;
            Box::new(move |x| d.ln_pdf(x[0]) + 2f64.ln())
        }
        Kind::HalfCauchy => {
            let d = other::Cauchy::new(0.0, arg("scale")?).ok()?;
            Box::new(move |x| d.ln_pdf(x[0]) + 2f64.ln())
        }
        Kind::StudentT => {
            let d = other::StudentsT::new(arg("loc")?, arg("scale")?, arg("df")?).ok()?;
            Box::new(move |x| d.ln_pdf(x[0]))
        }
        Kind::Gamma => {
            let d = other::Gamma::new(arg("shape")?, rate).ok()?;
            Box::new(move |x| d.ln_pdf(x[0]))
        }
        Kind::Beta => {
            let d = other::Beta::new(arg("a")?, arg("b")?).ok()?;
            Box::new(move |x| d.ln_pdf(x[0]))
        }
        Kind::Dirichlet => {
            let c = all("concentration")?;
            let norm = ln_gamma(c.iter().sum()) - c.iter().map(|c| ln_gamma(*c)).sum::<f64>();
            Box::new(move |x| norm + c.iter().zip(x).map(|(c, x)| (c - 1.0) * x.ln()).sum::<f64>())
        }
        Kind::Exponential => {
            let d = other::Exp::new(rate).ok()?;
            Box::new(move |x| d.ln_pdf(x[0]))
        }
        Kind::Bernoulli => {
            let d = other::Bernoulli::new(p).ok()?;
            Box::new(move |x| d.ln_pmf(x[0] as u64))
        }
        Kind::Categorical => {
            let weights = all("p").or(all("logits").map(|l| l.iter().map(|x| x.exp()).collect()))?;
            let sum: f64 = weights.iter().sum();
            Box::new(move |x| (weights[x[0] as usize] / sum).ln())
        }
        Kind::Poisson => {
            let d = other::Poisson::new(rate).ok()?;
            Box::new(move |x| d.ln_pmf(x[0] as u64))
        }
        Kind::Binomial => {
            let d = other::Binomial::new(p, arg("n")? as u64).ok()?;
            Box::new(move |x| d.ln_pmf(x[0] as u64))
        }
        _ => return scalars::theirs(case),
    })
}

/// Kind and arguments, a value, and its log density.
type Edge = (Kind, &'static [(&'static str, &'static [f64])], &'static [f64], f64);

#[test]
fn edges_are_finite_and_exact() {
    use Kind::*;
    let edges: &[Edge] = &[
        (Bernoulli, &[("logits", &[800.0])], &[1.0], 0.0),
        (Bernoulli, &[("logits", &[800.0])], &[0.0], -800.0),
        (Bernoulli, &[("logits", &[-800.0])], &[1.0], -800.0),
        (Bernoulli, &[("p", &[0.0])], &[0.0], 0.0),
        (Bernoulli, &[("p", &[1.0])], &[1.0], 0.0),
        (Bernoulli, &[("p", &[1.0])], &[0.0], f64::NEG_INFINITY),
        (Binomial, &[("n", &[5.0]), ("p", &[0.0])], &[0.0], 0.0),
        (Binomial, &[("n", &[5.0]), ("p", &[1.0])], &[5.0], 0.0),
        (Binomial, &[("n", &[5.0]), ("logits", &[800.0])], &[5.0], 0.0),
        (Categorical, &[("p", &[0.0, 1.0, 0.0])], &[1.0], 0.0),
        (Categorical, &[("logits", &[800.0, 0.0, -800.0])], &[2.0], -1600.0),
        (Poisson, &[("rate", &[0.0])], &[0.0], 0.0),
        (Poisson, &[("log_rate", &[-800.0])], &[0.0], 0.0),
        // log density of Gamma(s, 1) at 1e-300 is (s - 1) log(x) + log(s) as s goes to 0.
        (Gamma, &[("shape", &[1e-10]), ("rate", &[1.0])], &[1e-300], 667.749_681_996_269_3),
        (Geometric, &[("logits", &[800.0])], &[0.0], 0.0),
        (Geometric, &[("logits", &[-800.0])], &[3.0], -800.0),
        (Geometric, &[("p", &[1.0])], &[0.0], 0.0),
        (ZeroInflatedPoisson, &[("p", &[1.0]), ("rate", &[2.0])], &[0.0], 0.0),
        (ZeroInflatedPoisson, &[("p", &[0.0]), ("rate", &[2.0])], &[0.0], -2.0),
        (NegativeBinomial, &[("mean", &[0.0]), ("dispersion", &[2.0])], &[0.0], 0.0),
        // Of huge dispersion a Poisson: log e^-3 3^2 / 2!
        (NegativeBinomial, &[("mean", &[3.0]), ("dispersion", &[1e12])], &[2.0], -1.495_922_603_223_725_8),
        (BetaBinomial, &[("n", &[0.0]), ("a", &[0.8]), ("b", &[2.5])], &[0.0], 0.0),
        // Far out on either side, where the distribution function is 0 or 1: -(x - loc) / scale - log 4, and so on.
        (Logistic, &[("loc", &[0.0]), ("scale", &[1.0])], &[1e4], -1e4),
        (Laplace, &[("loc", &[0.0]), ("scale", &[0.5])], &[-1e4], -2e4),
        (Gumbel, &[("loc", &[0.0]), ("scale", &[1.0])], &[1e4], -1e4),
        (Weibull, &[("shape", &[1.0]), ("scale", &[1.0])], &[1e-300], -1e-300),
        (VonMises, &[("loc", &[0.0]), ("concentration", &[1e8])], &[0.0], 8.291_401_838_771_5),
        (DiscretizedLogistic, &[("loc", &[0.0]), ("scale", &[0.01]), ("count", &[255.0])], &[200.0], -19_950.0),
        (DiscretizedLogistic, &[("loc", &[1e4]), ("scale", &[1.0]), ("count", &[255.0])], &[255.0], 0.0),
        (OrderedLogistic, &[("eta", &[800.0]), ("cutpoints", &[-1.0, 1.0])], &[0.0], -801.0),
        (OrderedLogistic, &[("eta", &[-800.0]), ("cutpoints", &[-1.0, 1.0])], &[0.0], 0.0),
        // The mass above 30 and between 30 and 31 is nearly that of the Exponential of rate 30 there, less 1 / 900.
        (
            TruncatedNormal,
            &[("loc", &[0.0]), ("scale", &[1.0]), ("lo", &[30.0]), ("hi", &[f64::INFINITY])],
            &[30.0],
            3.402_305_423_138_5,
        ),
        (
            TruncatedNormal,
            &[("loc", &[0.0]), ("scale", &[1.0]), ("lo", &[-31.0]), ("hi", &[-30.0])],
            &[-30.0],
            3.402_305_423_138_5,
        ),
    ];
    for (kind, args, value, expected) in edges {
        let found = log_prob_at(&case(*kind, args), value);
        assert!(
            found == *expected || (found - expected).abs() < 1e-6 * expected.abs(),
            "{kind:?} {args:?} at {value:?}: {found}, not {expected}"
        );
    }
}

#[test]
fn bernoulli_scores_values_between_as_the_cross_entropy() {
    let by_logits = log_prob_at(&case(Kind::Bernoulli, &[("logits", &[0.7])]), &[0.25]);
    let p: f64 = 1.0 / (1.0 + (-0.7f64).exp());
    assert_close(by_logits, 0.25 * p.ln() + 0.75 * (1.0 - p).ln(), 1e-12, "logits");
    let by_p = log_prob_at(&case(Kind::Bernoulli, &[("p", &[p])]), &[0.25]);
    assert_close(by_p, by_logits, 1e-12, "p");
}

#[test]
fn probabilities_written_as_functions_of_reals_stay_in_log_space() {
    let mut g = Graph::default();
    let logit = g.site(SiteId(0), Shape::scalar(), Support::Real);
    let p = g.sigmoid(logit);
    let one = g.number(1.0);
    let dist = Dist { kind: Kind::Bernoulli, args: [("p", p)].into() };
    let node = log_prob(&mut g, &dist, one);
    assert_eq!(values(&g, &[node], &BTreeMap::new(), &[-800.0])[0][0], -800.0);
    let mean = mean(&mut g, &dist).unwrap();
    assert_eq!(mean, p);
}
