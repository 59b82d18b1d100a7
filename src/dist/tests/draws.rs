//! Draws follow their distribution function, by the test of Kolmogorov and Smirnov.

use super::{Case, case, cases, values};
use crate::dist::{Draw, Kind, draw, row, support};
use crate::kernel::special::normal_quantile;
use crate::math::{Graph, Noise, Op, SiteId};

const DRAWS: usize = if cfg!(debug_assertions) { 500 } else { 10_000 };

/// Uniform numbers strictly between 0 and 1 (SplitMix64).
pub fn uniforms(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    std::iter::from_fn(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        Some(((z >> 11) as f64 + 0.5) / (1u64 << 53) as f64)
    })
}

/// First entries of draws.
fn sample(case: &Case) -> Option<Vec<f64>> {
    let noise = match row(case.kind).draw {
        Draw::Reparam(noise, _) | Draw::Implicit(noise, _) => noise,
        _ => return None,
    };
    let mut g = Graph::default();
    let dist = case.dist(&mut g, 0);
    let node = draw(&mut g, &dist, SiteId(0), &[], &case.event())?;
    let count = g.reachable(&[node]).iter().find_map(|id| match g.nodes[*id].op {
        Op::Noise(..) => Some(g.event(*id).iter().map(|n| n.known().unwrap() as usize).product()),
        _ => None,
    })?;
    let mut stream = uniforms(case.kind as u64).map(|u| if noise == Noise::Normal { normal_quantile(u) } else { u });
    let leaves = case.leaves(0);
    let one = |_| values(&g, &[node], &leaves, &stream.by_ref().take(count).collect::<Vec<_>>())[0][0];
    Some((0..DRAWS).map(one).collect())
}

/// The distribution function, of an independent implementation.
pub fn cdf(case: &Case) -> Box<dyn Fn(f64) -> f64> {
    use statrs::distribution::{self as other, ContinuousCDF};
    let of = |name: &str| case.args.iter().find(|(own, _)| *own == name).map(|(_, x)| x[0]);
    let rate = of("rate").or(of("scale").map(|x| 1.0 / x)).unwrap_or(1.0);
    let scale = of("scale").or(of("var").map(f64::sqrt)).or(of("prec").map(|x| x.powf(-0.5))).unwrap_or(1.0);
    let loc = of("loc").unwrap_or(0.0);
    match case.kind {
        Kind::Normal => Box::new(move |x| other::Normal::new(loc, scale).unwrap().cdf(x)),
        Kind::LogNormal => Box::new(move |x| other::LogNormal::new(loc, scale).unwrap().cdf(x)),
        Kind::HalfNormal => Box::new(move |x| 2.0 * other::Normal::new(0.0, scale).unwrap().cdf(x) - 1.0),
        Kind::HalfCauchy => Box::new(move |x| 2.0 * other::Cauchy::new(0.0, scale).unwrap().cdf(x) - 1.0),
        Kind::StudentT => {
            let d = other::StudentsT::new(loc, scale, of("df").unwrap()).unwrap();
            Box::new(move |x| d.cdf(x))
        }
        Kind::Gamma => {
            let d = other::Gamma::new(of("shape").unwrap(), rate).unwrap();
            Box::new(move |x| d.cdf(x))
        }
        Kind::Exponential => Box::new(move |x| 1.0 - (-rate * x).exp()),
        Kind::Beta => {
            let d = other::Beta::new(of("a").unwrap(), of("b").unwrap()).unwrap();
            Box::new(move |x| d.cdf(x))
        }
        kind if kind != Kind::Dirichlet => super::scalars::cdf(case),
        // The first entry of a Dirichlet is Beta.
        _ => {
            let c = &case.args[0].1;
            let d = other::Beta::new(c[0], c[1..].iter().sum()).unwrap();
            Box::new(move |x| d.cdf(x))
        }
    }
}

#[test]
fn draws_follow_their_distribution_function() {
    let mut seen = 0;
    for case in cases() {
        let Some(mut sample) = sample(&case) else { continue };
        seen += 1;
        sample.sort_by(f64::total_cmp);
        let cdf = cdf(&case);
        let cdf: Vec<f64> = sample.iter().map(|x| cdf(*x)).collect();
        let n = DRAWS as f64;
        let gap = |(i, f): (usize, &f64)| (f - i as f64 / n).abs().max((f - (i + 1) as f64 / n).abs());
        let worst = cdf.iter().enumerate().map(gap).fold(0.0, f64::max);
        // Above 2.4 / sqrt(n) with probability .00002: for all cases together, which are about fifty, .001.
        assert!(worst < 2.4 / n.sqrt(), "{:?} {:?}: {worst}", case.kind, case.args);
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn draws_of_tiny_shapes_are_finite_in_log_space() {
    for (kind, args) in [
        (Kind::Gamma, &[("shape", &[1e-3][..]), ("rate", &[1.0])][..]),
        (Kind::Beta, &[("a", &[1e-3]), ("b", &[1e-3])]),
        (Kind::Dirichlet, &[("concentration", &[1e-3, 1e-3, 1e-3])]),
    ] {
        let case = case(kind, args);
        let mut g = Graph::default();
        let dist = case.dist(&mut g, 0);
        let value = draw(&mut g, &dist, SiteId(0), &[], &case.event()).unwrap();
        let log_prob = crate::dist::log_prob(&mut g, &dist, value);
        let log = g.log(value);
        assert!(support(&g, &dist, &case.event()).range().lo >= 0.0);
        for u in [1e-9, 0.3, 0.999_999] {
            let noise = [u, 0.4, 0.7];
            let noise = &noise[..if kind == Kind::Gamma {
                1
            } else if kind == Kind::Beta {
                2
            } else {
                3
            }];
            for found in values(&g, &[log_prob, log], &case.leaves(0), noise).concat() {
                assert!(found.is_finite(), "{kind:?} at {u}: {found}");
            }
        }
    }
}

/// Draws that are not differentiated, against the sums of the probabilities: conservative for counts.
#[test]
fn exact_draws_have_the_probabilities_of_their_states() {
    let mut seen = 0;
    let n = if cfg!(debug_assertions) { 1000 } else { 20_000 };
    for case in cases() {
        let Draw::SampleOnly(sampler) = row(case.kind).draw else { continue };
        seen += 1;
        let mut g = Graph::default();
        let dist = case.dist(&mut g, 0);
        let args = (row(case.kind).canonical)(&mut g, &dist.args);
        let leaves = case.leaves(0);
        let known: Vec<(&str, f64)> =
            args.iter().map(|(name, id)| (*name, values(&g, &[*id], &leaves, &[])[0][0])).collect();
        let arg = |name: &str| known.iter().find(|(own, _)| *own == name).map(|(_, x)| *x);
        let mut stream = uniforms(case.kind as u64);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..n {
            let drawn = sampler(&mut || stream.next().unwrap(), &arg);
            *counts.entry(drawn as u64).or_insert(0usize) += 1;
            assert!(drawn >= 0.0 && drawn.fract() == 0.0, "{:?}: {drawn}", case.kind);
        }
        let (mut cdf, mut found, mut worst) = (0.0, 0.0, 0.0f64);
        for k in 0..=*counts.keys().last().unwrap() {
            cdf += super::density::log_prob_at(&case, &[k as f64]).exp();
            found += counts.get(&k).copied().unwrap_or(0) as f64 / n as f64;
            worst = worst.max((cdf - found).abs());
        }
        // Above 1.95 / sqrt(n) with probability .001.
        assert!(worst < 1.95 / (n as f64).sqrt(), "{:?} {:?}: {worst}", case.kind, case.args);
    }
    assert!(seen >= 4, "{seen}");
}
