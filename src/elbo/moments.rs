//! Expectations of expressions: mean, variance and expected logarithms of what is linear in sites with factors of
//! their own. Entries of one value, and values of different sites, are independent under such factors.

use std::collections::{BTreeMap, BTreeSet};

use crate::dist::{self, Dist, Statistic};
use crate::elbo::rewrite::sites_read;
use crate::math::{Binary, Graph, NodeId, Op, Over, Pick, Reduce, SiteId, Unary};

/// The factors of the sites that are random here; everything else is a constant.
pub struct Moments<'a> {
    pub graph: &'a mut Graph,
    pub factors: &'a BTreeMap<SiteId, Dist>,
    pub random: &'a BTreeSet<SiteId>,
}

impl Moments<'_> {
    /// The expectation of a statistic of an expression, where it is closed.
    pub fn of(&mut self, id: NodeId, statistic: Statistic) -> Option<NodeId> {
        use Statistic::*;
        if !self.is_random(id) {
            return Some(self.of_constant(id, statistic));
        }
        match statistic {
            Square => {
                let (mean, variance) = (self.of(id, Value)?, self.of(id, Variance)?);
                let square = self.graph.square(mean);
                Some(self.graph.add(square, variance))
            }
            Value => self.mean(id),
            Variance => self.variance(id),
            Log | Log1m | Recip => self.log(id, statistic),
        }
    }

    fn is_random(&self, id: NodeId) -> bool {
        !sites_read(self.graph, &[id]).is_disjoint(self.random)
    }

    fn of_constant(&mut self, id: NodeId, statistic: Statistic) -> NodeId {
        let g = &mut *self.graph;
        match statistic {
            Statistic::Value => id,
            Statistic::Square => g.square(id),
            Statistic::Variance => g.number(0.0),
            Statistic::Log => g.log(id),
            Statistic::Log1m => {
                let rest = g.complement(id);
                g.log(rest)
            }
            Statistic::Recip => g.recip(id),
        }
    }

    /// A site by its factor; an operation that only moves entries by the statistic of what it moves.
    fn leaf_or_moved(&mut self, id: NodeId, statistic: Statistic) -> Option<Option<NodeId>> {
        let op = self.graph.nodes[id].op.clone();
        match &op {
            Op::Site(site) => Some(self.site(id, *site, statistic)),
            Op::Named(_, a) => Some(self.of(*a, statistic)),
            Op::Index(a, picks) if picks.iter().all(|pick| !self.picks_random(pick)) => {
                Some(self.moved(&op, *a, statistic))
            }
            Op::Take { table, index } if !self.is_random(*index) => Some(self.moved(&op, *table, statistic)),
            Op::Lift(a, _) | Op::Reshape(a, _) | Op::Transpose(a) | Op::Fill(a, _) => {
                Some(self.moved(&op, *a, statistic))
            }
            _ => None,
        }
    }

    fn picks_random(&self, pick: &Pick) -> bool {
        matches!(pick, Pick::At(at) if self.is_random(*at))
    }

    /// In the shape in which it is used: arguments of a factor may be numbers that serve all entries.
    fn site(&mut self, id: NodeId, site: SiteId, statistic: Statistic) -> Option<NodeId> {
        let expected = dist::expect(self.graph, self.factors.get(&site)?, statistic)?;
        let event = self.graph.event(id).to_vec();
        Some(if self.graph.event(expected) == event { expected } else { self.graph.fill(expected, event) })
    }

    fn moved(&mut self, op: &Op, from: NodeId, statistic: Statistic) -> Option<NodeId> {
        let inner = self.of(from, statistic)?;
        let inner = match self.graph.event(inner) == self.graph.event(from) {
            true => inner,
            false => {
                let event = self.graph.event(from).to_vec();
                self.graph.fill(inner, event)
            }
        };
        let mut first = true;
        // The first operand is what is moved; the others say where to.
        let op = op.map_children(&mut |child| if std::mem::take(&mut first) { inner } else { child });
        Some(self.graph.op(op))
    }

    fn mean(&mut self, id: NodeId) -> Option<NodeId> {
        if let Some(value) = self.leaf_or_moved(id, Statistic::Value) {
            return value;
        }
        let op = self.graph.nodes[id].op.clone();
        let linear = match &op {
            Op::Unary(Unary::Neg, _) | Op::Binary(Binary::Add | Binary::Sub, ..) => true,
            Op::Binary(Binary::Mul, a, b) => self.independent(*a, *b),
            Op::Binary(Binary::Div, _, b) => !self.is_random(*b),
            Op::Reduce(Reduce::Sum, _, Over::Event | Over::Last | Over::Axes(_)) => true,
            Op::Dot(a, b) | Op::MatMul(a, b) => self.independent(*a, *b),
            Op::Dense { input, weight, bias } => {
                let constant = |m: &Self, id: NodeId| !m.is_random(id);
                self.independent(*input, *weight) && bias.is_none_or(|bias| constant(self, bias))
            }
            _ => false,
        };
        if !linear {
            return None;
        }
        let children = op.children();
        let means: Option<Vec<NodeId>> = children.iter().map(|child| self.of(*child, Statistic::Value)).collect();
        let mut means = means?.into_iter();
        let op = op.map_children(&mut |child| means.next().unwrap_or(child));
        Some(self.graph.simple(op))
    }

    fn variance(&mut self, id: NodeId) -> Option<NodeId> {
        use Statistic::{Value, Variance};
        if let Some(value) = self.leaf_or_moved(id, Variance) {
            return value;
        }
        match self.graph.nodes[id].op.clone() {
            Op::Unary(Unary::Neg, a) => self.of(a, Variance),
            Op::Binary(Binary::Add | Binary::Sub, a, b) if self.independent(a, b) => {
                let (a, b) = (self.of(a, Variance)?, self.of(b, Variance)?);
                Some(self.graph.add(a, b))
            }
            // Var(ab) = Var a Var b + Var a (E b)^2 + (E a)^2 Var b
            Op::Binary(Binary::Mul, a, b) if self.independent(a, b) => {
                let (ma, mb) = (self.of(a, Value)?, self.of(b, Value)?);
                let (va, vb) = (self.of(a, Variance)?, self.of(b, Variance)?);
                let g = &mut *self.graph;
                let (sa, sb) = (g.square(ma), g.square(mb));
                let parts = [g.mul(va, vb), g.mul(va, sb), g.mul(sa, vb)];
                Some(g.sum_of(&parts))
            }
            Op::Binary(Binary::Div, a, b) if !self.is_random(b) => {
                let (a, square) = (self.of(a, Variance)?, self.graph.square(b));
                Some(self.graph.div(a, square))
            }
            op => self.variance_of_product(op),
        }
    }

    /// Of a product with constants, whose random entries are independent of each other: squares of the constants.
    fn variance_of_product(&mut self, op: Op) -> Option<NodeId> {
        match op {
            Op::Dot(a, b) | Op::MatMul(a, b) => {
                let (a_random, b_random) = (self.is_random(a), self.is_random(b));
                if a_random && b_random || !self.entries_independent(if a_random { a } else { b }) {
                    return None;
                }
                let spread = |m: &mut Self, id: NodeId, random: bool| match random {
                    true => m.filled(id, Statistic::Variance),
                    false => Some(m.graph.square(id)),
                };
                let (a, b) = (spread(self, a, a_random)?, spread(self, b, b_random)?);
                Some(self.graph.simple(match op {
                    Op::Dot(..) => Op::Dot(a, b),
                    _ => Op::MatMul(a, b),
                }))
            }
            Op::Dense { input, weight, bias } => {
                let fixed = !self.is_random(weight) && bias.is_none_or(|bias| !self.is_random(bias));
                if !fixed || !self.entries_independent(input) {
                    return None;
                }
                let input = self.filled(input, Statistic::Variance)?;
                let weight = self.graph.square(weight);
                Some(self.graph.simple(Op::Dense { input, weight, bias: None }))
            }
            Op::Reduce(Reduce::Sum, a, over @ (Over::Event | Over::Last)) if self.entries_independent(a) => {
                let a = self.filled(a, Statistic::Variance)?;
                Some(self.graph.simple(Op::Reduce(Reduce::Sum, a, over)))
            }
            _ => None,
        }
    }

    fn filled(&mut self, id: NodeId, statistic: Statistic) -> Option<NodeId> {
        let expected = self.of(id, statistic)?;
        let event = self.graph.event(id).to_vec();
        Some(if self.graph.event(expected) == event { expected } else { self.graph.fill(expected, event) })
    }

    /// Logarithms of products; of sums, and of reciprocals, nothing is known.
    fn log(&mut self, id: NodeId, statistic: Statistic) -> Option<NodeId> {
        if let Some(value) = self.leaf_or_moved(id, statistic) {
            return value;
        }
        if statistic != Statistic::Log {
            return None;
        }
        match self.graph.nodes[id].op.clone() {
            Op::Unary(Unary::Exp, a) => self.of(a, Statistic::Value),
            Op::Binary(Binary::Mul, a, b) => {
                let (a, b) = (self.of(a, Statistic::Log)?, self.of(b, Statistic::Log)?);
                Some(self.graph.add(a, b))
            }
            Op::Binary(Binary::Div, a, b) => {
                let (a, b) = (self.of(a, Statistic::Log)?, self.of(b, Statistic::Log)?);
                Some(self.graph.sub(a, b))
            }
            _ => None,
        }
    }

    /// They read no random site in common.
    fn independent(&self, a: NodeId, b: NodeId) -> bool {
        let random = |id: NodeId| &sites_read(self.graph, &[id]) & self.random;
        random(a).is_disjoint(&random(b))
    }

    /// Whether the entries of a value are independent: those of a site with independent components, and what is made
    /// of them entry by entry.
    fn entries_independent(&self, id: NodeId) -> bool {
        match &self.graph.nodes[id].op {
            Op::Site(site) => self.factors.get(site).is_some_and(|q| dist::value_rank(q) == 0),
            Op::Named(_, a) | Op::Reshape(a, _) | Op::Transpose(a) | Op::Unary(Unary::Neg, a) => {
                self.entries_independent(*a)
            }
            Op::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Div, a, b) => {
                // A random number beside an array is the same in every entry.
                let own = |id: NodeId| {
                    !self.is_random(id) || !self.graph.event(id).is_empty() && self.entries_independent(id)
                };
                own(*a) && own(*b)
            }
            _ => false,
        }
    }
}
