//! Every latent site's treatment: what `Op::Site` stands for, and the distribution it is drawn from.
//!
//! The guide's own axes are renamed to the site's, so that factor and prior vary over the same names.

use std::collections::BTreeMap;

use crate::arena::Arena;
use crate::dist::{self, Bijector, Dist, Draw, Kind};
use crate::elbo::cost::Facts;
use crate::elbo::enumerate::joint_states;
use crate::elbo::estimator::{Decision, Fate, finite};
use crate::elbo::rewrite::Rewrite;
use crate::elbo::{SiteView, Treatment, missing};
use crate::math::{Binary, Graph, NodeId, Noise, Op, Over, Reduce, SiteId, Support, Unary};
use crate::model::{Auto, Model, Site};
use crate::shape::{Axis, AxisId, AxisKind, Shape, Size};

/// The model's graph, extended by what the guide says.
#[derive(Debug)]
pub struct Guided {
    pub graph: Graph,
    pub axes: Arena<Axis>,
    pub views: Vec<SiteView>,
    /// The guide's own factor of a site where it is a row of the catalogue, over the site's plates:
    /// written, or automatic and not joint. On the constrained scale.
    pub factors: BTreeMap<SiteId, Dist>,
    /// The map of an automatic factor.
    pub maps: BTreeMap<SiteId, Bijector>,
    /// The axis of the joint states of a site that is summed out or enumerated, and its value there.
    pub states: BTreeMap<SiteId, (AxisId, NodeId)>,
    /// Of a site that is summed out and read by later rows of its chain: the axes of its states at the row before, at the
    /// one before that, and so on as far back as it is read.
    pub before: BTreeMap<SiteId, Vec<(AxisId, NodeId)>>,
    /// The same rows as a row hands them on: one fewer.
    pub handed_on: BTreeMap<SiteId, Vec<AxisId>>,
}

/// Makes the values of all sites.
pub fn treat(facts: &Facts, decisions: &[Decision]) -> Guided {
    let model = facts.model;
    let mut guided = Guided::new(model.graph.clone(), model.axes.clone());
    for (i, decision) in decisions.iter().enumerate() {
        let id = SiteId(i as u32);
        let (treatment, value) = guided.treat_site(facts, id, decision.fate);
        guided.views.push(SiteView { site: id, treatment, value, choice: decision.choice.clone() });
    }
    guided
}

impl Guided {
    /// A graph in which nothing stands for a site yet.
    pub fn new(graph: Graph, axes: Arena<Axis>) -> Guided {
        Guided {
            graph,
            axes,
            views: vec![],
            factors: BTreeMap::new(),
            maps: BTreeMap::new(),
            states: BTreeMap::new(),
            before: BTreeMap::new(),
            handed_on: BTreeMap::new(),
        }
    }

    /// The states at earlier rows of the sites that are summed out and read there.
    pub fn earlier(&self) -> crate::elbo::chain::States {
        let rows = self.before.iter().flat_map(|(id, rows)| rows.iter().enumerate().map(move |row| (*id, row)));
        rows.map(|(id, (row, (_, value)))| ((id, row + 1), *value)).collect()
    }

    fn treat_site(&mut self, facts: &Facts, id: SiteId, fate: Fate) -> (Treatment, NodeId) {
        let model = facts.model;
        let site = &model.sites[id.index()];
        match fate {
            Fate::Auto => {
                let draw = self.automatic(model, id);
                (Treatment::Auto, missing::completed(&mut self.graph, model, id, draw))
            }
            Fate::Written(at) => {
                let dist = self.renamed_factor(model, at);
                let value = self.draw(site, id, &dist);
                let value = missing::completed(&mut self.graph, model, id, value);
                self.factors.insert(id, dist);
                (Treatment::Written(at), value)
            }
            Fate::SummedOut => {
                let far = crate::elbo::chain::furthest(model, id);
                if far > 0 {
                    let before = (0..far).map(|_| self.list_states(facts, id)).collect();
                    self.before.insert(id, before);
                    let handed_on = (1..far).map(|_| self.list_states(facts, id).0).collect();
                    self.handed_on.insert(id, handed_on);
                }
                let (axis, value) = self.list_states(facts, id);
                (Treatment::SummedOut(axis), value)
            }
            Fate::Enumerated(at) => {
                let (axis, _) = self.list_states(facts, id);
                let dist = self.renamed_factor(model, at);
                let value = self.draw(site, id, &dist);
                let value = missing::completed(&mut self.graph, model, id, value);
                self.factors.insert(id, dist);
                (Treatment::Enumerated(at, axis), value)
            }
            Fate::Leaf => (Treatment::Leaf, self.draw(site, id, &site.dist)),
        }
    }

    /// Through the bijector of the support; identity and exp make it a factor of the catalogue.
    fn automatic(&mut self, model: &Model, id: SiteId) -> NodeId {
        let site = &model.sites[id.index()];
        // Row 5 of the table takes only supports that have a map.
        let bijector = Bijector::of(&site.support).unwrap_or(Bijector::Identity);
        let shape = free_shape(site, &bijector);
        let free = self.graph.free(id, shape.clone());
        let kind = match bijector {
            Bijector::Identity => Some(Kind::Normal),
            Bijector::Exp => Some(Kind::LogNormal),
            _ => None,
        };
        if let (Some(kind), Some(Auto::MeanField) | None) = (kind, model.guide.auto) {
            let (loc, scale) = (self.graph.auto_loc(id, shape.clone()), self.graph.auto_scale(id, shape));
            self.factors.insert(id, Dist { kind, args: [("loc", loc), ("scale", scale)].into() });
        }
        let value = bijector.forward(&mut self.graph, free, &site.event);
        self.maps.insert(id, bijector);
        value
    }

    fn renamed_factor(&mut self, model: &Model, at: usize) -> Dist {
        let factor = &model.guide.factors[at];
        let mut rename = Rewrite::rename(&factor.plates, &model.sites[factor.site.index()].plates);
        let args = factor.dist.args.map(&mut |arg| rename.node(&mut self.graph, arg));
        Dist { kind: factor.dist.kind, args }
    }

    /// A draw as a function of standard noise: reparameterized, or of finitely many states by inversion.
    pub fn draw(&mut self, site: &Site, id: SiteId, dist: &Dist) -> NodeId {
        let draw = dist::draw(&mut self.graph, dist, id, &site.plates, &site.event);
        // What is inverted is one component; a vector of counts is drawn as one.
        let one = !matches!(dist::row(dist.kind).draw, Draw::SampleVector(_) | Draw::Composed);
        draw.unwrap_or_else(|| match site.support.states() {
            Some(_) if one => self.invert(site, id, dist),
            _ => self.sample(site, id, dist),
        })
    }

    /// Of countably many states, or without a reparameterization: by the sampler of the distribution.
    fn sample(&mut self, site: &Site, id: SiteId, dist: &Dist) -> NodeId {
        let g = &mut self.graph;
        let noise = g.noise(id, Noise::Uniform, Shape::new(site.plates.iter().copied(), site.event.clone()));
        let args = (dist::row(dist.kind).canonical)(g, &dist.args).iter().map(|(name, arg)| (*name, *arg)).collect();
        let drawn = g.op(Op::Sample { kind: dist::row(dist.kind).name, args, noise });
        let (op, shape) = (g.nodes[drawn].op.clone(), g.shape(drawn).clone());
        g.node(op, shape, site.support.clone())
    }

    /// The number of states whose cumulative probability lies below a uniform number, component by component.
    fn invert(&mut self, site: &Site, id: SiteId, dist: &Dist) -> NodeId {
        let states = site.support.states().unwrap_or_default();
        if site.support == Support::Binary {
            return self.flip(site, id, dist);
        }
        let row = self.add_axis(site, states.clone());
        let below = self.add_axis(site, states.clone());
        let g = &mut self.graph;
        let (event, support) = labels(site);
        let uniform = g.noise(id, Noise::Uniform, Shape::new(site.plates.iter().copied(), event.clone()));
        let (at, upto) = (g.row(below, support.clone()), g.row(row, support.clone()));
        let value = g.fill(at, event);
        let value = from_label(g, site, value);
        let log_prob = dist::log_prob(g, dist, value);
        let prob = g.unary(Unary::Exp, log_prob);
        let counts = g.binary(Binary::LessEqual, at, upto);
        let kept = g.binary(Binary::Mul, counts, prob);
        let cumulative = g.reduce(Reduce::Sum, kept, Over::Axes(vec![below]));
        let passed = g.binary(Binary::Less, cumulative, uniform);
        let count = g.reduce(Reduce::Sum, passed, Over::Axes(vec![row]));
        // Rounding may leave the last cumulative sum below 1.
        let last = g.size(states.minus(&Size::fixed(1)));
        let shape = g.shape(count).clone();
        let label = g.node(Op::Binary(Binary::Min, count, last), shape, support);
        from_label(g, site, label)
    }

    /// Of two states: 1 where a uniform number lies above the probability of 0.
    fn flip(&mut self, site: &Site, id: SiteId, dist: &Dist) -> NodeId {
        let g = &mut self.graph;
        let shape = Shape::new(site.plates.iter().copied(), site.event.clone());
        let uniform = g.noise(id, Noise::Uniform, shape.clone());
        let zero = g.number(0.0);
        let zero = g.fill(zero, site.event.clone());
        let log_prob = dist::log_prob(g, dist, zero);
        let prob = g.unary(Unary::Exp, log_prob);
        g.node(Op::Binary(Binary::Less, prob, uniform), shape, Support::Binary)
    }

    fn add_axis(&mut self, site: &Site, size: Size) -> AxisId {
        let axis = self.axes.add(Axis {
            name: site.name.clone(),
            size: size.clone(),
            first: Size::default(),
            kind: AxisKind::States,
            span: site.span,
        });
        self.graph.declare_axis(axis, size);
        axis
    }

    /// An axis over the joint states of all components, and the value of the site at each: its digits.
    fn list_states(&mut self, facts: &Facts, id: SiteId) -> (AxisId, NodeId) {
        let site = &facts.model.sites[id.index()];
        let states = finite(facts, id).unwrap_or_default();
        let joint = joint_states(facts, site, &states).unwrap_or_default();
        let axis = self.add_axis(site, joint.clone());
        let (event, support) = labels(site);
        let label = match event.is_empty() {
            true => self.graph.row(axis, support),
            false => self.digits(event, support, axis, facts.resolved(&states).known()),
        };
        let value = from_label(&mut self.graph, site, label);
        self.states.insert(id, (axis, value));
        (axis, value)
    }

    fn digits(&mut self, event: Vec<Size>, support: Support, axis: AxisId, states: Option<i64>) -> NodeId {
        let g = &mut self.graph;
        let row = g.row(axis, Support::Count(None));
        let states = states.unwrap_or(1) as f64;
        let components = event.iter().fold(Size::fixed(1), |n, size| n.times(size)).known().unwrap_or(0);
        let list: Vec<NodeId> = (0..components as i32).map(|i| digit(g, row, states, i)).collect();
        let flat = g.stack(list);
        g.node(Op::Reshape(flat, event.clone()), Shape::new([axis], event), support)
    }
}

/// The axes and the support of the numbers that tell a site's states apart: a vector of `onehot` has one label.
fn labels(site: &Site) -> (Vec<Size>, Support) {
    match (&site.support, site.event.split_last()) {
        (Support::OneHot(n), Some((_, components))) => (components.to_vec(), Support::Category(n.clone())),
        _ => (site.event.clone(), site.support.clone()),
    }
}

fn from_label(g: &mut Graph, site: &Site, label: NodeId) -> NodeId {
    match &site.support {
        Support::OneHot(n) => g.one_hot(label, n.clone()),
        _ => label,
    }
}

/// floor(row / m^i) - m floor(row / m^(i + 1))
fn digit(g: &mut Graph, row: NodeId, states: f64, i: i32) -> NodeId {
    let mut part = |power: i32| {
        let by = g.number(states.powi(power));
        let ratio = g.binary(Binary::Div, row, by);
        g.unary(Unary::Floor, ratio)
    };
    let (here, above) = (part(i), part(i + 1));
    let m = g.number(states);
    let carried = g.binary(Binary::Mul, m, above);
    g.binary(Binary::Sub, here, carried)
}

/// The plates of the site; event of its bijector's domain.
pub fn free_shape(site: &Site, bijector: &Bijector) -> Shape {
    Shape::new(site.plates.iter().copied(), bijector.free_event(&site.event))
}
