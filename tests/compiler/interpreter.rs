//! A direct interpreter of a model and its guide: draws from q, then log p - log q. It shares no code with the
//! derivation of bounds: discrete sites without a factor are summed out by going through all their joint states.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ppl::dist::{self, Bijector, Dist, Kind};
use ppl::math::eval::{Env, Eval, Positions, Values};
use ppl::math::{Graph, NodeId, Op, Pick, SiteId, Support};
use ppl::model::{Model, Objective, Rate, Statement};
use ppl::shape::{AxisId, Shape};

use crate::world::{Random, World};

/// The values of sites: rows, then the event.
type Sites = BTreeMap<SiteId, Values>;

pub struct Interpreter<'w, 'm> {
    world: &'w World<'m>,
    graph: Graph,
    /// log p of the statements, with their plates.
    model: Vec<(NodeId, Vec<AxisId>)>,
    /// Which of them are about latents; the others count 1/beta inside the sum over states, and so 1 in the whole.
    latent: Vec<bool>,
    /// What multiplies the latent part: 1 unless `elbo(beta: ...)` is asked for.
    pub beta: f64,
    /// Of every factor: log q at its site's value.
    guide: Vec<NodeId>,
    /// Discrete sites without a factor.
    summed: Vec<SiteId>,
}

impl<'w, 'm> Interpreter<'w, 'm> {
    pub fn new(world: &'w World<'m>) -> Interpreter<'w, 'm> {
        let model = world.model;
        let mut graph = model.graph.clone();
        let mut density = vec![];
        for statement in &model.statements {
            match statement {
                Statement::Latent(id) if world.leaves.contains(id) => {}
                Statement::Latent(id) => {
                    let site = &model.sites[id.index()];
                    let value = site_node(&mut graph, model, *id);
                    density.push((dist::log_prob(&mut graph, &site.dist, value), site.plates.clone()));
                }
                Statement::Observe(y) => {
                    density.push((dist::log_prob(&mut graph, &y.dist, y.value), y.plates.clone()));
                }
                Statement::Factor { value, plates, .. } => density.push((*value, plates.clone())),
                Statement::Define(_) => {}
                Statement::Boltzmann(of) => panic!("the energy {} has no bound", of.energy),
            }
        }
        let latent = model.statements.iter().filter_map(|statement| match statement {
            Statement::Latent(id) => (!world.leaves.contains(id)).then_some(true),
            Statement::Define(_) => None,
            _ => Some(false),
        });
        let latent = latent.collect();
        let beta = match model.fit.objective {
            Some(Objective::Elbo(Some(Rate::Constant(beta)))) => beta,
            _ => 1.0,
        };
        let guide = model.guide.factors.iter().map(|factor| {
            let value = site_node(&mut graph, model, factor.site);
            let rows = graph.lift(value, model.sites[factor.site.index()].plates.clone());
            let value = graph.index(rows, factor.plates.iter().map(|axis| Pick::Row(*axis)).collect());
            dist::log_prob(&mut graph, &factor.dist, value)
        });
        let guide = guide.collect();
        let written = |id: &SiteId| model.guide.factors.iter().any(|factor| factor.site == *id);
        let summed = (0..model.sites.len() as u32).map(SiteId);
        let leaf = |id: &SiteId| world.leaves.contains(id);
        let summed = summed.filter(|id| model.sites[id.index()].support.is_discrete() && !written(id) && !leaf(id));
        Interpreter { world, guide, model: density, latent, beta, summed: summed.collect(), graph }
    }

    /// One draw of q, and log p - log q there.
    pub fn draw(&self, random: &mut Random) -> f64 {
        let model = self.world.model;
        let free = self.world.draw_free(random);
        let mut log_q = self.world.log_normal(&free);
        let mut sites = Sites::new();
        for (id, u) in &free {
            log_q -= self.map(*id, u, &mut sites);
        }
        for (at, factor) in model.guide.factors.iter().enumerate() {
            // Row by row: later rows of a chain may read earlier ones.
            let rows = RefCell::new(vec![]);
            self.world.each(&factor.plates, &Positions::new(), &mut |row| rows.borrow_mut().push(row.clone()));
            let rows = rows.into_inner();
            let n = self.world.count(&model.sites[factor.site.index()].event);
            sites.insert(factor.site, vec![f64::NAN; n * rows.len()]);
            for (i, row) in rows.iter().enumerate() {
                let draw = self.with(&sites, |eval| sample(eval, &self.graph, factor, self.world, row, random));
                sites.get_mut(&factor.site).expect("its rows")[i * n..][..n].copy_from_slice(&draw);
            }
            log_q += self.sum(&sites, self.guide[at], &factor.plates);
        }
        self.beta * (self.log_p(&mut sites) - log_q)
    }

    /// log p at these unconstrained coordinates of all sites that are not summed out, as a density of the coordinates.
    pub fn log_joint(&self, free: &BTreeMap<SiteId, Values>) -> f64 {
        let mut sites = Sites::new();
        let log_det: f64 = free.iter().map(|(id, u)| self.map(*id, u, &mut sites)).sum();
        self.log_p(&mut sites) + log_det
    }

    /// Values of an automatic site from its coordinates; returns the log-determinant of the map, by differences.
    fn map(&self, id: SiteId, u: &[f64], sites: &mut Sites) -> f64 {
        let site = &self.world.model.sites[id.index()];
        let map = Bijector::of(&site.support).expect("a continuous site");
        // The last axis of a simplex or an ordered vector is mapped as one, other entries each by themselves.
        let whole = site.support.event_rank() > 0;
        let n = if whole { self.world.free(id) } else { 1 };
        let (mut log_det, mut values) = (0.0, vec![]);
        for u in u.chunks(n) {
            values.extend(map.forward_f64(u));
            log_det += log_jacobian(&map, u, &site.support);
        }
        sites.insert(id, values);
        log_det
    }

    /// log p with the discrete sites that have no factor summed out, one joint state after the other.
    fn log_p(&self, sites: &mut Sites) -> f64 {
        let counts: Vec<(SiteId, usize, usize)> = self
            .summed
            .iter()
            .map(|id| {
                let site = &self.world.model.sites[id.index()];
                let states = self.world.size(&site.support.states().expect("finite"));
                let own = if matches!(site.support, Support::OneHot(_)) { states } else { 1 };
                (*id, self.world.rows(&site.plates) * self.world.count(&site.event) / own, states)
            })
            .collect();
        let total: usize = counts.iter().map(|(_, n, states)| states.pow(*n as u32)).product();
        let mut logs = vec![];
        for mut code in 0..total {
            for (id, n, states) in &counts {
                let mut values = vec![];
                for _ in 0..*n {
                    match self.world.model.sites[id.index()].support {
                        Support::OneHot(_) => values.extend((0..*states).map(|k| f64::from(k == code % states))),
                        _ => values.push((code % states) as f64),
                    }
                    code /= states;
                }
                sites.insert(*id, values);
            }
            let weight = |i: usize| if self.latent[i] { 1.0 } else { 1.0 / self.beta };
            let parts = self.model.iter().enumerate();
            logs.push(parts.map(|(i, (node, plates))| weight(i) * self.sum(sites, *node, plates)).sum::<f64>());
        }
        let max = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        max + logs.iter().map(|log| (log - max).exp()).sum::<f64>().ln()
    }

    fn sum(&self, sites: &Sites, node: NodeId, plates: &[AxisId]) -> f64 {
        self.with(sites, |eval| {
            let mut sum = 0.0;
            self.world.each(plates, &Positions::new(), &mut |at| {
                sum += eval.at(node, at).expect("a value").iter().sum::<f64>();
            });
            sum
        })
    }

    fn with<T>(&self, sites: &Sites, f: impl FnOnce(&Eval) -> T) -> T {
        let world = self.world;
        let leaf = |op: &Op, at: &Positions| match op {
            Op::Site(id) => {
                let site = &world.model.sites[id.index()];
                let n = world.count(&site.event);
                Some(sites[id][world.row(&site.plates, at) * n..][..n].to_vec())
            }
            _ => world.leaf(op, at),
        };
        let env = Env {
            leaf: &leaf,
            dim: &|dim| world.sizes.get(&dim.index()).copied(),
            first: &|axis| world.model.axes.get(axis).map_or(0, |axis| world.size(&axis.first)),
        };
        f(&Eval::new(&self.graph, env))
    }
}

fn site_node(graph: &mut Graph, model: &Model, id: SiteId) -> NodeId {
    let site = &model.sites[id.index()];
    graph.site(id, Shape::new(site.plates.clone(), site.event.clone()), site.support.clone())
}

/// log |det| of the map, by central differences; of a simplex its first K - 1 entries, of a matrix those that are free
/// on and below its diagonal.
fn log_jacobian(map: &Bijector, u: &[f64], support: &Support) -> f64 {
    let (n, h) = (u.len(), 1e-5);
    let mut jacobian = nalgebra::DMatrix::zeros(n, n);
    for j in 0..n {
        let shifted = |by: f64| {
            let mut u = u.to_vec();
            u[j] += by;
            map.forward_f64(&u)
        };
        let (mut above, mut below) = (shifted(h), shifted(-h));
        if support.is_matrix() {
            let n = above.len().isqrt();
            let last = usize::from(!matches!(support, Support::CholeskyCorr(_)));
            let free = |at: usize| at % n < at / n + last;
            for values in [&mut above, &mut below] {
                *values = (0..n * n).filter(|at| free(*at)).map(|at| values[at]).collect();
            }
        }
        for i in 0..n {
            jacobian[(i, j)] = (above[i] - below[i]) / (2.0 * h);
        }
    }
    jacobian.determinant().abs().ln()
}

/// A draw of a factor at one row, component by component.
fn sample(
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
