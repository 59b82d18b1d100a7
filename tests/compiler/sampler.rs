//! Draws of the guide's factors for the direct interpreter, component by component.

use ppl::dist::{Dist, Kind};
use ppl::math::Graph;
use ppl::math::eval::{Eval, Positions, Values};

use crate::world::{Random, World};

/// A draw of a factor at one row, component by component.
pub fn sample(
    eval: &Eval,
    graph: &Graph,
    factor: &ppl::model::Factor,
    world: &World,
    at: &Positions,
    random: &mut Random,
) -> Values {
    let site = &world.model.sites[factor.site.index()];
    let n = world.count(&site.event);
    let Dist { kind, args } = &factor.dist;
    let arg = |name: &str| args.get(name).map(|id| eval.at(*id, at).expect("an argument"));
    let all = |name: &str| -> Values {
        let values = arg(name).unwrap_or_else(|| panic!("{kind:?} without {name}"));
        if values.len() == 1 { vec![values[0]; n] } else { values }
    };
    let mut each = |f: &mut dyn FnMut(&mut Random, usize) -> f64| (0..n).map(|i| f(random, i)).collect::<Values>();
    match kind {
        Kind::Normal | Kind::LogNormal => {
            let (loc, scale) = (all("loc"), all("scale"));
            let exp = *kind == Kind::LogNormal;
            each(&mut |r, i| {
                let x = loc[i] + scale[i] * r.normal();
                if exp { x.exp() } else { x }
            })
        }
        Kind::Gamma => {
            let (shape, rate) = (all("shape"), all("rate"));
            each(&mut |r, i| gamma(r, shape[i]) / rate[i])
        }
        Kind::Beta => {
            let (a, b) = (all("a"), all("b"));
            each(&mut |r, i| {
                let x = gamma(r, a[i]);
                x / (x + gamma(r, b[i]))
            })
        }
        Kind::Dirichlet => {
            let shape = all("concentration");
            let x = each(&mut |r, i| gamma(r, shape[i]));
            let sum: f64 = x.iter().sum();
            x.iter().map(|x| x / sum).collect()
        }
        Kind::Poisson => {
            let rate = all("rate");
            each(&mut |r, i| poisson(r, rate[i]))
        }
        Kind::Truncated => {
            let of = &args.of[0];
            let inner = |name: &str| of.args.get(name).map(|id| eval.at(*id, at).expect("an argument")[0]);
            let (loc, scale) = (inner("loc").expect("a Normal"), inner("scale").expect("a Normal"));
            let bound = |name: &str, end: f64| arg(name).map_or(end, |x| x[0]);
            let (lo, hi) = (bound("lo", f64::NEG_INFINITY), bound("hi", f64::INFINITY));
            each(&mut |r, _| loop {
                let x = loc + scale * r.normal();
                if lo < x && x < hi {
                    return x;
                }
            })
        }
        Kind::LogisticNormal => {
            let (loc, scale) = (all("loc"), all("scale"));
            let mut x = each(&mut |r, i| if i + 1 < n { (loc[i] + scale[i] * r.normal()).exp() } else { 1.0 });
            let sum: f64 = x.iter().sum();
            x.iter_mut().for_each(|x| *x /= sum);
            x
        }
        Kind::MvNormal => {
            let (loc, chol) = (all("loc"), arg("chol").expect("a factor"));
            let noise = random.normals(n);
            let spread = |i: usize| chol[i * n..][..n].iter().zip(&noise).map(|(l, e)| l * e).sum::<f64>();
            (0..n).map(|i| loc[i] + spread(i)).collect()
        }
        Kind::Logistic => {
            let (loc, scale) = (all("loc"), all("scale"));
            each(&mut |r, i| {
                let u = r.uniform();
                loc[i] + scale[i] * (u / (1.0 - u)).ln()
            })
        }
        Kind::InverseGamma => {
            let (shape, scale) = (all("shape"), all("scale"));
            each(&mut |r, i| scale[i] / gamma(r, shape[i]))
        }
        Kind::Weibull => {
            let (shape, scale) = (all("shape"), all("scale"));
            each(&mut |r, i| scale[i] * (-r.uniform().ln()).powf(1.0 / shape[i]))
        }
        // By rejection, of an angle and of a Normal.
        Kind::VonMises => {
            let (loc, k) = (all("loc"), all("concentration"));
            each(&mut |r, i| {
                loop {
                    let angle = std::f64::consts::PI * (2.0 * r.uniform() - 1.0);
                    if r.uniform().ln() < k[i] * ((angle - loc[i]).cos() - 1.0) {
                        return angle;
                    }
                }
            })
        }
        Kind::TruncatedNormal => {
            let (loc, scale, lo, hi) = (all("loc"), all("scale"), all("lo"), all("hi"));
            each(&mut |r, i| {
                loop {
                    let x = loc[i] + scale[i] * r.normal();
                    if lo[i] < x && x < hi[i] {
                        return x;
                    }
                }
            })
        }
        Kind::Delta => all("value"),
        Kind::Bernoulli | Kind::Categorical => sample_labels(eval, graph, factor, world, at, random, n),
        other => panic!("no sampler of {other:?}"),
    }
}

/// Components of a site with finitely many states, each by its probabilities.
fn sample_labels(
    eval: &Eval,
    graph: &Graph,
    factor: &ppl::model::Factor,
    world: &World,
    at: &Positions,
    random: &mut Random,
    n: usize,
) -> Values {
    let (name, id) = factor.dist.args.iter().next().expect("an argument");
    let given = eval.at(*id, at).expect("an argument");
    let sigmoid = |l: &f64| 1.0 / (1.0 + (-l).exp());
    let odds: Values = match (*name, factor.dist.kind) {
        ("logits", Kind::Bernoulli) => given.iter().map(sigmoid).flat_map(|p| [1.0 - p, p]).collect(),
        (_, Kind::Bernoulli) => given.iter().flat_map(|p| [1.0 - p, *p]).collect(),
        ("logits", _) => given.iter().map(|l| l.exp()).collect(),
        _ => given,
    };
    let k = match factor.dist.kind {
        Kind::Bernoulli => 2,
        _ => world.size(graph.event(*id).last().expect("categories")),
    };
    let one = |i: usize| {
        let row = if odds.len() == k { &odds[..] } else { &odds[i * k..][..k] };
        let mut left = random.uniform() * row.iter().sum::<f64>();
        let found = row.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        found.unwrap_or(k - 1) as f64
    };
    (0..n).map(one).collect()
}

/// Arrivals until time 1 (Knuth 1969).
fn poisson(random: &mut Random, rate: f64) -> f64 {
    let (mut count, mut left) = (-1.0, 0.0);
    while left < rate {
        left -= random.uniform().ln();
        count += 1.0;
    }
    count
}

/// Marsaglia & Tsang (2000), with the boost for shapes below 1.
fn gamma(random: &mut Random, shape: f64) -> f64 {
    if shape < 1.0 {
        let u = random.uniform();
        return gamma(random, shape + 1.0) * u.powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = random.normal();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && random.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}
