//! Scalar distributions once more: densities and distribution functions written down from their definitions, or of
//! another implementation, and what holds of one of them alone.

use std::collections::BTreeMap;
use std::f64::consts::{PI, SQRT_2};

use statrs::distribution::{self as other, Continuous, ContinuousCDF, Discrete};
use statrs::function::beta::ln_beta;

use super::density::LogDensity;
use super::{Case, assert_close, case, values};
use crate::dist::{Args, Dist, Kind, draw, entropy, log_prob, support};
use crate::kernel::special::erfc;
use crate::kernel::von_mises::distribution;
use crate::math::{Graph, Op, SiteId, Support};
use crate::shape::{Shape, Size};

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The argument of this name.
fn of(case: &Case, name: &str) -> Option<f64> {
    case.args.iter().find(|(own, _)| *own == name).map(|(_, values)| values[0])
}

/// The log density of another implementation, or as it is defined.
pub fn theirs(case: &Case) -> Option<LogDensity> {
    let arg = |name: &str| of(case, name).unwrap_or(f64::NAN);
    let p = of(case, "p").or(of(case, "logits").map(sigmoid)).unwrap_or(f64::NAN);
    macro_rules! pdf {
        ($d:expr) => {{
            let d = $d.unwrap();
            Box::new(move |x| d.ln_pdf(x[0]))
        }};
    }
    macro_rules! pmf {
        ($d:expr) => {{
            let d = $d.unwrap();
            Box::new(move |x| d.ln_pmf(x[0] as _))
        }};
    }
    let (loc, scale, shape) = (arg("loc"), arg("scale"), arg("shape"));
    let (a, b, n, rate) = (arg("a"), arg("b"), arg("n"), arg("rate"));
    Some(match case.kind {
        Kind::Cauchy => pdf!(other::Cauchy::new(loc, scale)),
        Kind::Laplace => Box::new(move |x| -(x[0] - loc).abs() / scale - (2.0 * scale).ln()),
        Kind::Gumbel => Box::new(move |x| {
            let z = (x[0] - loc) / scale;
            -z - (-z).exp() - scale.ln()
        }),
        Kind::Uniform => pdf!(other::Uniform::new(arg("lo"), arg("hi"))),
        Kind::Weibull => pdf!(other::Weibull::new(shape, scale)),
        Kind::Pareto => pdf!(other::Pareto::new(scale, shape)),
        Kind::Erlang => pdf!(other::Gamma::new(arg("k"), rate)),
        // The density of the reciprocal, a Gamma, times the square of its value.
        Kind::InverseGamma => {
            let d = other::Gamma::new(shape, scale).unwrap();
            Box::new(move |x| d.ln_pdf(1.0 / x[0]) - 2.0 * x[0].ln())
        }
        Kind::ChiSquared => pdf!(other::ChiSquared::new(arg("df"))),
        Kind::NegativeBinomial => {
            let r = arg("dispersion");
            pmf!(other::NegativeBinomial::new(r, r / (r + arg("mean"))))
        }
        Kind::DiscreteUniform => pmf!(other::DiscreteUniform::new(arg("lo") as i64, arg("hi") as i64)),
        Kind::Geometric => {
            let d = other::Geometric::new(p).unwrap();
            Box::new(move |x| d.ln_pmf(x[0] as u64 + 1))
        }
        Kind::Logistic => Box::new(move |x| {
            let z = ((x[0] - loc) / scale).abs();
            -z - 2.0 * (-z).exp().ln_1p() - scale.ln()
        }),
        Kind::Kumaraswamy => {
            Box::new(move |x| (a * b).ln() + (a - 1.0) * x[0].ln() + (b - 1.0) * (-(a * x[0].ln()).exp_m1()).ln())
        }
        Kind::TruncatedNormal => {
            let d = other::Normal::new(loc, scale).unwrap();
            // From the side on which neither is nearly 1.
            let above = move |x: f64| 0.5 * erfc((x - loc) / scale / SQRT_2);
            let below = move |x: f64| 0.5 * erfc((loc - x) / scale / SQRT_2);
            let (lo, hi) = (arg("lo"), arg("hi"));
            let mass = if lo > loc { above(lo) - above(hi) } else { below(hi) - below(lo) };
            Box::new(move |x| d.ln_pdf(x[0]) - mass.ln())
        }
        Kind::VonMises => {
            let k = arg("concentration");
            let i0 = (0..400).map(|i| (k * (PI * f64::from(i) / 200.0).cos()).exp()).sum::<f64>() / 400.0;
            Box::new(move |x| k * (x[0] - loc).cos() - (2.0 * PI * i0).ln())
        }
        Kind::BetaBinomial => Box::new(move |x| {
            let choices = -(n + 1.0).ln() - ln_beta(x[0] + 1.0, n - x[0] + 1.0);
            choices + ln_beta(x[0] + a, n - x[0] + b) - ln_beta(a, b)
        }),
        Kind::ZeroInflatedPoisson => {
            let d = other::Poisson::new(rate).unwrap();
            Box::new(move |x| (if x[0] == 0.0 { p } else { 0.0 } + (1.0 - p) * d.pmf(x[0] as u64)).ln())
        }
        // Equation 5 of Maddison, Mnih & Teh.
        Kind::RelaxedBernoulli => {
            let (t, odds) = (arg("temperature"), p / (1.0 - p));
            Box::new(move |x| {
                let (yes, no) = (odds * x[0].powf(-t), (1.0 - x[0]).powf(-t));
                (t * odds).ln() - (t + 1.0) * (x[0] * (1.0 - x[0])).ln() - 2.0 * (yes + no).ln()
            })
        }
        Kind::DiscretizedLogistic => {
            let last = of(case, "count").or(of(case, "category")).unwrap();
            let cdf = move |x: f64| sigmoid((x - loc) / scale);
            Box::new(move |x| {
                let below = if x[0] == 0.0 { 0.0 } else { cdf(x[0] - 0.5) };
                let above = if x[0] == last { 1.0 } else { cdf(x[0] + 0.5) };
                (above - below).ln()
            })
        }
        Kind::OrderedLogistic => {
            let (eta, cuts) = (arg("eta"), case.args[1].1.clone());
            Box::new(move |x| {
                let k = x[0] as usize;
                let above = cuts.get(k).map_or(1.0, |c| sigmoid(c - eta));
                (above - if k == 0 { 0.0 } else { sigmoid(cuts[k - 1] - eta) }).ln()
            })
        }
        _ => return None,
    })
}

/// The distribution function.
pub fn cdf(case: &Case) -> Box<dyn Fn(f64) -> f64> {
    let arg = |name: &str| of(case, name).unwrap_or(f64::NAN);
    let (loc, scale, shape) = (arg("loc"), arg("scale"), arg("shape"));
    let (a, b) = (arg("a"), arg("b"));
    macro_rules! cdf {
        ($d:expr) => {{
            let d = $d.unwrap();
            Box::new(move |x| d.cdf(x))
        }};
    }
    match case.kind {
        Kind::Cauchy => cdf!(other::Cauchy::new(loc, scale)),
        Kind::Laplace => cdf!(other::Laplace::new(loc, scale)),
        Kind::Gumbel => cdf!(other::Gumbel::new(loc, scale)),
        Kind::Uniform => cdf!(other::Uniform::new(arg("lo"), arg("hi"))),
        Kind::Weibull => cdf!(other::Weibull::new(shape, scale)),
        Kind::Pareto => cdf!(other::Pareto::new(scale, shape)),
        Kind::Erlang => cdf!(other::Gamma::new(arg("k"), arg("rate"))),
        Kind::InverseGamma => cdf!(other::InverseGamma::new(shape, scale)),
        Kind::ChiSquared => cdf!(other::ChiSquared::new(arg("df"))),
        Kind::Logistic => Box::new(move |x| sigmoid((x - loc) / scale)),
        Kind::Kumaraswamy => Box::new(move |x| 1.0 - (1.0 - x.powf(a)).powf(b)),
        Kind::TruncatedNormal => {
            let d = other::Normal::new(loc, scale).unwrap();
            let (lo, hi) = (arg("lo"), arg("hi"));
            // In the upper tail from above, where the distribution function has no digits left.
            Box::new(move |x| {
                if lo > loc {
                    (d.sf(lo) - d.sf(x)) / (d.sf(lo) - d.sf(hi))
                } else {
                    (d.cdf(x) - d.cdf(lo)) / (d.cdf(hi) - d.cdf(lo))
                }
            })
        }
        Kind::VonMises => {
            let k = arg("concentration");
            // It grows by one with every turn.
            let around = move |y: f64| {
                let turns = (y / (2.0 * PI)).round();
                turns + distribution(k, y - 2.0 * PI * turns).0
            };
            Box::new(move |x| around(x - loc) - around(-PI - loc))
        }
        Kind::RelaxedBernoulli => {
            let (t, l) = (arg("temperature"), of(case, "logits").unwrap_or_else(|| (arg("p") / (1.0 - arg("p"))).ln()));
            Box::new(move |x| sigmoid(t * (x / (1.0 - x)).ln() - l))
        }
        kind => panic!("no distribution function of {kind:?}"),
    }
}

#[test]
fn supports_that_arguments_set() {
    use crate::math::support::Bound;
    let mut g = Graph::default();
    let data = g.data(crate::math::DataId(0), Shape::scalar(), Support::Real);
    let [two, five, inf] = [2.0, 5.0, f64::INFINITY].map(|x| g.number(x));
    let minus = g.neg(two);
    let of = |kind, args: &[(&'static str, crate::math::NodeId)]| {
        let args: Args = args.iter().copied().collect();
        support(&g, &Dist { kind, args }, &[])
    };
    assert_eq!(of(Kind::Uniform, &[("lo", minus), ("hi", five)]), Support::between(-2.0, 5.0));
    let moving = Support::Interval(Bound::Value(data), Bound::Number(5.0));
    assert_eq!(of(Kind::Uniform, &[("lo", data), ("hi", five)]), moving);
    let half = Support::Interval(Bound::Number(2.0), Bound::Number(f64::INFINITY));
    assert_eq!(of(Kind::Pareto, &[("scale", two), ("shape", five)]), half);
    assert_eq!(of(Kind::TruncatedNormal, &[("lo", two), ("hi", inf)]), half);
    assert_eq!(of(Kind::DiscreteUniform, &[("lo", two), ("hi", five)]), Support::Count(Some(Size::fixed(5))));
    assert_eq!(of(Kind::DiscreteUniform, &[("lo", two), ("hi", data)]), Support::Count(None));
    assert_eq!(of(Kind::VonMises, &[]), Support::between(-PI, PI));
}

#[test]
fn a_point_is_its_value_without_entropy() {
    let mut g = Graph::default();
    let plate = crate::arena::Id::new(0);
    g.declare_axis(plate, 5.into());
    let three = g.number(3.0);
    let dist = Dist { kind: Kind::Delta, args: [("value", three)].into() };
    let drawn = draw(&mut g, &dist, SiteId(0), &[plate], &[Size::fixed(2)]).unwrap();
    assert_eq!(g.event(drawn), [Size::fixed(2)]);
    let value = g.site(SiteId(0), Shape::event([Size::fixed(2)]), Support::Real);
    let (at, none) = (log_prob(&mut g, &dist, value), entropy(&mut g, &dist).unwrap());
    let found = values(&g, &[drawn, at, none], &BTreeMap::new(), &[3.0, 4.0]);
    assert_eq!(found, [vec![3.0, 3.0], vec![0.0, f64::NEG_INFINITY], vec![0.0]]);
}

#[test]
fn draws_at_the_ends_of_the_noise_are_finite() {
    let far = |kind, args: &[(&'static str, &[f64])]| {
        let case = case(kind, args);
        let mut g = Graph::default();
        let dist = case.dist(&mut g, 0);
        let drawn = draw(&mut g, &dist, SiteId(0), &[], &[]).unwrap();
        assert!(g.reachable(&[drawn]).iter().any(|id| matches!(g.nodes[*id].op, Op::Noise(..))));
        for u in [1e-300, 1e-17, 1.0 - f64::EPSILON / 2.0] {
            let found = values(&g, &[drawn], &case.leaves(0), &[u])[0][0];
            assert!(found.is_finite(), "{kind:?} {args:?} at {u}: {found}");
        }
    };
    let family: &[(&str, &[f64])] = &[("loc", &[1.0]), ("scale", &[2.0])];
    for kind in [Kind::Cauchy, Kind::Laplace, Kind::Logistic, Kind::Gumbel] {
        far(kind, family);
    }
    far(Kind::Weibull, &[("shape", &[0.5]), ("scale", &[2.0])]);
    far(Kind::Pareto, &[("scale", &[0.5]), ("shape", &[3.0])]);
    far(Kind::Kumaraswamy, &[("a", &[0.5]), ("b", &[0.7])]);
    far(Kind::InverseGamma, &[("shape", &[2.0]), ("scale", &[0.7])]);
    far(Kind::VonMises, &[("loc", &[3.0]), ("concentration", &[70.0])]);
    far(Kind::RelaxedBernoulli, &[("temperature", &[0.1]), ("logits", &[30.0])]);
    for (lo, hi) in [(-1.0, 1.0), (30.0, 31.0), (-31.0, -30.0), (-1e9, 1e9), (50.0, f64::INFINITY)] {
        far(Kind::TruncatedNormal, &[("loc", &[0.0]), ("scale", &[1.0]), ("lo", &[lo]), ("hi", &[hi])]);
    }
}

#[test]
fn a_far_tail_is_drawn_inside_its_bounds() {
    let case = case(Kind::TruncatedNormal, &[("loc", &[0.0]), ("scale", &[1.0]), ("lo", &[30.0]), ("hi", &[31.0])]);
    let mut g = Graph::default();
    let dist = case.dist(&mut g, 0);
    let drawn = draw(&mut g, &dist, SiteId(0), &[], &[]).unwrap();
    // Nearly 30 + Exponential(30): its median is 30 + log(2) / 30.
    let at = |u: f64| values(&g, &[drawn], &case.leaves(0), &[u])[0][0];
    assert_close(at(0.5), 30.0 + 2f64.ln() / 30.0, 1e-5, "the median");
    assert!(at(1e-12) <= 31.0 && at(1.0 - 1e-12) >= 30.0);
    assert!((30.0..=31.0).contains(&at(1e-12)) && (30.0..=31.0).contains(&at(1.0 - 1e-12)));
}
