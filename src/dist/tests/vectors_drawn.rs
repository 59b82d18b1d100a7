//! Draws of vectors and matrices come with the density that is said of them.

use super::values;
use super::vectors::{Given, counted, dist, log_prob_at, sizes, states};
use crate::dist::{Draw, Kind, draw, row};
use crate::math::{Graph, SiteId};

#[test]
fn counts_are_drawn_with_their_probabilities() {
    for (kind, args) in counted().into_iter().filter(|(kind, _)| *kind != Kind::OneHot) {
        let Draw::SampleVector(sampler) = row(kind).draw else { panic!("{kind:?}") };
        let arg = |name: &str| args.iter().find(|(own, ..)| *own == name).map(|(.., x)| x.to_vec());
        let mut stream = super::draws::uniforms(7);
        let n = 4000;
        let states = states(kind);
        let mut seen = vec![0.0; states.len()];
        for _ in 0..n {
            let x = sampler(&mut || stream.next().unwrap(), 3, &arg);
            seen[states.iter().position(|state| *state == x).unwrap()] += 1.0;
        }
        // Pearson's statistic has mean 14 and standard deviation 5.3 here; 45 is beyond .0001.
        let pearson = states.iter().zip(seen).map(|(x, seen)| {
            let expected = f64::from(n) * log_prob_at(kind, &args, &[3], x)[0].exp();
            (seen - expected).powi(2) / expected
        });
        let pearson: f64 = pearson.sum();
        assert!(pearson < 45.0, "{kind:?}: {pearson}");
    }
}

/// Draws from uniform noise, many of them.
fn sample(kind: Kind, args: &[Given], event: &[usize], noises: usize, draws: usize) -> Vec<Vec<f64>> {
    let mut g = Graph::default();
    let (dist, leaves) = dist(&mut g, kind, args, 0);
    let node = draw(&mut g, &dist, SiteId(0), &[], &sizes(event)).unwrap();
    let mut stream = super::draws::uniforms(kind as u64);
    let count = noises * event.iter().product::<usize>();
    (0..draws)
        .map(|_| values(&g, &[node], &leaves, &stream.by_ref().take(count).collect::<Vec<_>>())[0].clone())
        .collect()
}

/// The weights of another density under draws of this one have mean 1: the draws have the density, and both densities
/// the same integral.
#[test]
fn draws_of_correlations_and_relaxed_labels_have_the_density() {
    let check = |kind, q: &[Given], p: &[Given], event: &[usize], noises, draws: usize| {
        let weights = sample(kind, q, event, noises, draws)
            .into_iter()
            .map(|x| (log_prob_at(kind, p, event, &x)[0] - log_prob_at(kind, q, event, &x)[0]).exp());
        let weights: Vec<f64> = weights.collect();
        let n = weights.len() as f64;
        let mean = weights.iter().sum::<f64>() / n;
        let se = (weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / n / n).sqrt();
        assert!((mean - 1.0).abs() < 4.0 * se && se < 0.06, "{kind:?}: {mean} with {se}");
    };
    let c = |c: &'static [f64]| [("concentration", &[][..], c)];
    check(Kind::LKJCholesky, &c(&[1.5]), &c(&[2.5]), &[3, 3], 2, 600);
    let concrete = |logits: &'static [f64]| [("temperature", &[][..], &[0.8][..]), ("logits", &[3][..], logits)];
    check(Kind::Concrete, &concrete(&[0.4, -0.5, 0.2]), &concrete(&[0.1, 0.0, 0.3]), &[3], 1, 1000);
}

/// The largest entry of a relaxed label is the label.
#[test]
fn relaxed_labels_round_to_labels() {
    let logits = [0.4, -1.0, 1.0];
    let args: &[Given] = &[("temperature", &[], &[0.3]), ("logits", &[3], &logits)];
    let n = 1500;
    let draws = sample(Kind::Concrete, args, &[3], 1, n);
    let total: f64 = logits.iter().map(|l: &f64| l.exp()).sum();
    for k in 0..3 {
        let p = logits[k].exp() / total;
        let share = draws.iter().filter(|x| x.iter().all(|other| *other <= x[k])).count() as f64 / n as f64;
        assert!((share - p).abs() < 4.0 * (p * (1.0 - p) / n as f64).sqrt(), "{k}: {share} is not {p}");
    }
}
