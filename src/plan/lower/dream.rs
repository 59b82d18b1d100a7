//! Dreams: latents and data drawn from the model itself, and the guide's density at them.

use std::collections::BTreeMap;

use super::surrogate::automatic_at;
use super::value::Label;
use super::{Lowerer, Trouble, Value, bug, layout, limitation};
use crate::elbo::guide::Guided;
use crate::elbo::rewrite::Rewrite;
use crate::elbo::{Term, TermKind, Treatment};
use crate::math::{self, Graph, Op, SiteId};
use crate::model::{Observation, Origin, Site, Statement};
use crate::plan::NodeId;
use crate::shape::AxisKind;

/// Marks the noise of a dream among that of sites.
pub(super) const DREAM: u32 = 1 << 29;

/// Whose dream the noise is of.
pub(super) fn place(site: SiteId) -> Option<u32> {
    (site.0 & DREAM != 0).then_some(site.0)
}

impl Lowerer<'_> {
    /// The sum of log densities of the guide at dreams, averaged over them.
    pub(super) fn at_dreams(&mut self, terms: &[Term]) -> Result<NodeId, Trouble> {
        let mut dreams = self.dreams()?;
        let joint = self.elbo.model.guide.auto.is_some_and(|auto| auto.is_joint());
        let mut moved = vec![];
        let mut together = BTreeMap::new();
        for term in terms {
            // Log-determinants of the maps move with the dream alone.
            let TermKind::LogQ(site) = term.kind else { continue };
            if self.elbo.sites[site.index()].treatment != Treatment::Auto {
                let value = dreams.node(&mut self.graph, term.value);
                self.check_dreamt(value, site)?;
                moved.push(Term { value, ..term.clone() });
                continue;
            }
            let free = self.coordinates_of(site, dreams.sites[&site])?;
            if joint {
                together.insert(site, free);
            } else {
                let value = automatic_at(&mut self.graph, self.elbo, site, free)?;
                moved.push(Term { value, ..term.clone() });
            }
        }
        let sum = self.average(&moved)?;
        if together.is_empty() {
            return Ok(sum);
        }
        let packed = self.packed(&together)?;
        let log_q = self.gaussian_log_q_at(packed)?;
        let total = self.b.sum_all(log_q.id);
        let mean = self.scaled(&Value::plain(total, 0), 1.0 / self.batch.draws as f64)?;
        Ok(self.b.plus(sum, mean.id))
    }

    /// What stands for every site and for all that is observed, in the order of the model.
    fn dreams(&mut self) -> Result<Rewrite, Trouble> {
        let model = &self.elbo.model;
        let mut dreams = Rewrite::default();
        for statement in &model.statements {
            match statement {
                Statement::Latent(id) => {
                    let site = &model.sites[id.index()];
                    if self.elbo.sites[id.index()].treatment != Treatment::Leaf {
                        let value = self.dreamt(&mut dreams, site, id.0)?;
                        dreams.sites.insert(*id, value);
                    }
                }
                Statement::Observe(seen) => {
                    let site = self.as_site(seen)?;
                    let value = self.dreamt(&mut dreams, &site, (model.sites.len() + seen.data.index()) as u32)?;
                    let same = rows_of(&self.graph, seen.value);
                    dreams.put(&same.into_iter().map(|node| (node, value)).collect());
                }
                Statement::Factor { .. } | Statement::Boltzmann(_) => return bug("a dream of what has no draws"),
                Statement::Define(_) => {}
            }
        }
        Ok(dreams)
    }

    /// What is observed as if it were a site.
    fn as_site(&self, seen: &Observation) -> Result<Site, Trouble> {
        let data = &self.elbo.model.data[seen.data.index()];
        if data.missing {
            return limitation(format!("dreams of `{}`, which may have missing entries,", data.name));
        }
        Ok(Site {
            name: data.name.clone(),
            origin: Origin::Drawn,
            plates: seen.plates.clone(),
            event: data.event.clone(),
            support: data.support.clone(),
            dist: seen.dist.clone(),
            restricted: false,
            span: seen.span,
        })
    }

    fn dreamt(&mut self, dreams: &mut Rewrite, site: &Site, place: u32) -> Result<math::NodeId, Trouble> {
        if site.plates.iter().any(|axis| self.axes[*axis].kind == AxisKind::Chain) {
            return limitation(format!("dreams of `{}`, whose rows are a chain,", site.name));
        }
        let args = site.dist.args.map(&mut |arg| dreams.node(&mut self.graph, arg));
        let dist = crate::dist::Dist { kind: site.dist.kind, args };
        let mut guided = Guided::new(std::mem::take(&mut self.graph), std::mem::take(&mut self.axes));
        let value = guided.draw(site, SiteId(DREAM | place), &dist);
        (self.graph, self.axes) = (guided.graph, guided.axes);
        Ok(value)
    }

    /// The guide at a dream reads nothing of the data that were dreamt.
    fn check_dreamt(&self, value: math::NodeId, site: SiteId) -> Result<(), Trouble> {
        let model = &self.elbo.model;
        let seen = model.statements.iter().filter_map(|statement| match statement {
            Statement::Observe(seen) => Some(seen.data),
            _ => None,
        });
        let mut read = seen.filter(|data| self.graph.mentions(value, |op| *op == Op::Data(*data)));
        match read.next() {
            Some(data) => {
                let (site, data) = (&model.sites[site.index()].name, &model.data[data.index()].name);
                limitation(format!("dreams for the factor of `{site}`, which reads other rows of `{data}`,"))
            }
            None => Ok(()),
        }
    }

    /// The unconstrained coordinates of a dream.
    fn coordinates_of(&mut self, site: SiteId, value: math::NodeId) -> Result<math::NodeId, Trouble> {
        let of = &self.elbo.model.sites[site.index()];
        let map = layout::bijector(&of.support, &of.name)?;
        match map.inverse(&mut self.graph, value) {
            Some(free) => Ok(free),
            None => limitation(format!("dreams of `{}` under an automatic guide", of.name)),
        }
    }

    /// The coordinates of all automatic sites, `[draws, latents]`.
    fn packed(&mut self, free: &BTreeMap<SiteId, math::NodeId>) -> Result<NodeId, Trouble> {
        let mut parts = vec![];
        for block in self.layout.sites.clone() {
            let Some(node) = free.get(&block.of) else { return bug("an automatic site without a dream") };
            let value = self.lower(*node)?;
            let value = self.lift(&value, &self.elbo.model.sites[block.of.index()].plates)?;
            let value = self.expanded(&value, &[Label::Draws])?;
            parts.push(self.b.reshape(value.id, &[self.batch.draws, block.len()]));
        }
        Ok(self.b.concat(&parts, 1))
    }
}

/// The nodes that are the same rows of the data as this one.
fn rows_of(graph: &Graph, value: math::NodeId) -> Vec<math::NodeId> {
    let rows = graph.unnamed(value);
    let op = &graph.nodes[rows].op;
    let same = graph.nodes.iter().filter(|(_, node)| node.op == *op).map(|(id, _)| id);
    same.chain([value]).collect()
}
