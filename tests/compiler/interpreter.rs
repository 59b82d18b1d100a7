//! A direct interpreter of a model and its guide: draws from q, then log p - log q. It shares no code with the
//! derivation of bounds: discrete sites without a factor are summed out by going through all their joint states.

use std::cell::RefCell;
use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};

use ppl::dist::{self, Bijector};
use ppl::math::eval::{Env, Eval, Positions, Values};
use ppl::math::{Graph, NodeId, Op, Pick, SiteId, Support};
use ppl::model::{Model, Objective, Rate, Statement};
use ppl::shape::{AxisId, Shape};

use crate::sampler::sample;
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
    /// Which of them are of data whose missing entries drop out.
    dropped: Vec<bool>,
    /// Value, mean and covariance of vectors of which some entries drop out.
    vectors: BTreeMap<NodeId, [NodeId; 2]>,
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
        let mut vectors = BTreeMap::new();
        for statement in &model.statements {
            match statement {
                Statement::Latent(id) if world.leaves.contains(id) => {}
                Statement::Latent(id) => {
                    let site = &model.sites[id.index()];
                    let value = site_node(&mut graph, model, *id);
                    density.push((dist::log_prob(&mut graph, &site.dist, value), site.plates.clone()));
                }
                Statement::Observe(y)
                    if model.data[y.data.index()].missing && y.missing.is_none() && dist::value_rank(&y.dist) > 0 =>
                {
                    vectors.insert(y.value, [y.dist.args["loc"], y.dist.args["cov"]]);
                    density.push((y.value, y.plates.clone()));
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
        let latent: Vec<bool> = latent.collect();
        let dropped = model.statements.iter().filter_map(|statement| match statement {
            Statement::Latent(id) if world.leaves.contains(id) => None,
            Statement::Define(_) => None,
            Statement::Observe(y) => Some(model.data[y.data.index()].missing && y.missing.is_none()),
            _ => Some(false),
        });
        let dropped = dropped.collect();
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
        Interpreter { world, guide, model: density, latent, dropped, vectors, beta, summed: summed.collect(), graph }
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
            log_q += self.sum_missing(&sites, at, factor);
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
        let there = self.world.there(id);
        for (i, u) in u.chunks(n).enumerate() {
            values.extend(map.forward_f64(u));
            // The coordinate of an entry that is there has a standard Normal density of its own.
            log_det += match &there {
                Some(there) if there[i] => -0.5 * u[0] * u[0] - 0.5 * (2.0 * std::f64::consts::PI).ln(),
                _ => log_jacobian(&map, u, &site.support),
            };
        }
        sites.insert(id, values);
        log_det
    }

    /// log p with the discrete sites that have no factor summed out, one joint state after the other.
    fn log_p(&self, sites: &mut Sites) -> f64 {
        // Entries that are there are read from the data, whatever state they are in here.
        let open: Vec<(SiteId, usize, Vec<bool>)> = self
            .summed
            .iter()
            .map(|id| {
                let site = &self.world.model.sites[id.index()];
                let states = self.world.size(&site.support.states().expect("finite"));
                let own = if matches!(site.support, Support::OneHot(_)) { states } else { 1 };
                let n = self.world.rows(&site.plates) * self.world.count(&site.event) / own;
                let there = self.world.there(*id).unwrap_or(vec![false; n * own]);
                (*id, states, there.chunks(own).map(|entry| !entry[0]).collect())
            })
            .collect();
        let states = |(_, states, open): &(SiteId, usize, Vec<bool>)| {
            states.pow(open.iter().filter(|open| **open).count() as u32)
        };
        let mut logs = vec![];
        for mut code in 0..open.iter().map(states).product() {
            for (id, states, open) in &open {
                let mut values = vec![];
                for open in open {
                    let state = if *open { code % states } else { 0 };
                    match self.world.model.sites[id.index()].support {
                        Support::OneHot(_) => values.extend((0..*states).map(|k| f64::from(k == state))),
                        _ => values.push(state as f64),
                    }
                    code /= if *open { *states } else { 1 };
                }
                sites.insert(*id, values);
            }
            let weight = |i: usize| if self.latent[i] { 1.0 } else { 1.0 / self.beta };
            let parts = self.model.iter().enumerate();
            let part = |eval: &Eval, i: usize, node: NodeId, plates: &[AxisId]| match self.dropped[i] {
                true => self.sum_there(eval, node, plates),
                false => self.sum(eval, node, plates),
            };
            let all = |eval: &Eval| parts.map(|(i, (node, plates))| weight(i) * part(eval, i, *node, plates)).sum();
            logs.push(self.with(sites, all));
        }
        let max = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        max + logs.iter().map(|log| (log - max).exp()).sum::<f64>().ln()
    }

    /// Of entries that may be missing, those that are there.
    fn sum_there(&self, eval: &Eval, node: NodeId, plates: &[AxisId]) -> f64 {
        if let Some(args) = self.vectors.get(&node) {
            return self.sum_vectors(eval, node, *args, plates);
        }
        let mut sum = 0.0;
        self.world.each(plates, &Positions::new(), &mut |at| {
            sum += eval.at(node, at).expect("a value").iter().filter(|log| !log.is_nan()).sum::<f64>();
        });
        sum
    }

    /// Of vectors with holes: the density of what is left, with the rows and columns of its covariance.
    fn sum_vectors(&self, eval: &Eval, value: NodeId, [loc, cov]: [NodeId; 2], plates: &[AxisId]) -> f64 {
        let mut sum = 0.0;
        self.world.each(plates, &Positions::new(), &mut |at| {
            let [x, loc, cov] = [value, loc, cov].map(|node| eval.at(node, at).expect("a value"));
            let there: Vec<usize> = (0..x.len()).filter(|i| !x[*i].is_nan()).collect();
            let k = there.len();
            let own = DMatrix::from_fn(k, k, |i, j| cov[there[i] * x.len() + there[j]]);
            let apart = DVector::from_fn(k, |i, _| x[there[i]] - loc[there[i] % loc.len()]);
            let whole = own.determinant().ln() + k as f64 * (2.0 * std::f64::consts::PI).ln();
            let squared = own.try_inverse().map_or(0.0, |inverse| apart.dot(&(inverse * &apart)));
            sum -= 0.5 * (whole + squared);
        });
        sum
    }

    /// log q of a factor; of missing entries, where they are missing.
    fn sum_missing(&self, sites: &Sites, at: usize, factor: &ppl::model::Factor) -> f64 {
        let Some(there) = self.world.there(factor.site) else {
            return self.with(sites, |eval| self.sum(eval, self.guide[at], &factor.plates));
        };
        let all = RefCell::new(vec![]);
        self.with(sites, |eval| {
            self.world.each(&factor.plates, &Positions::new(), &mut |row| {
                all.borrow_mut().extend(eval.at(self.guide[at], row).expect("a value"));
            });
        });
        all.into_inner().iter().zip(&there).filter(|(_, there)| !**there).map(|(log, _)| log).sum()
    }

    fn sum(&self, eval: &Eval, node: NodeId, plates: &[AxisId]) -> f64 {
        let mut sum = 0.0;
        self.world.each(plates, &Positions::new(), &mut |at| {
            sum += eval.at(node, at).expect("a value").iter().sum::<f64>();
        });
        sum
    }

    fn with<T>(&self, sites: &Sites, f: impl FnOnce(&Eval) -> T) -> T {
        let world = self.world;
        let leaf = |_: &Eval, op: &Op, at: &Positions| match op {
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
