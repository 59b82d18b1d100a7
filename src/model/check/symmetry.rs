//! Exchangeable components: labels that can be swapped without a difference.

use std::collections::BTreeSet;

use super::Checker;
use crate::dist::Kind;
use crate::math::{NodeId, Op, Pick, SiteId, Support};
use crate::model::Guide;
use crate::model::problems::Lints;

/// A label whose prior is the same for every category and that picks rows with the same prior.
pub(super) fn label_symmetry(checker: &mut Checker, _: &Guide) {
    let roots = checker.model_roots();
    let nodes = checker.graph.reachable(&roots);
    for at in 0..checker.sites.len() {
        let label = SiteId(at as u32);
        let Support::Category(size) = checker.sites[at].support.clone() else { continue };
        let picked = checker.picked_by(label, &nodes);
        let alike = !picked.is_empty() && picked.iter().all(|component| checker.is_exchangeable(*component));
        if alike && checker.even_labels(label) {
            let sites: Vec<String> = picked.iter().map(|id| checker.sites[id.index()].name.clone()).collect();
            let (site, span) = (checker.sites[at].name.clone(), checker.site_names[at]);
            let plate = checker.print_size(&size);
            let named = checker.dims.iter().find(|(_, dim)| dim.value.as_ref() == Some(&size));
            let plate = named.map_or(plate, |(_, dim)| dim.name.clone());
            checker.report(Lints::LabelSymmetry { site, plate, sites, span });
        }
    }
}

impl<'a> Checker<'a> {
    /// The sites that are indexed by a label.
    fn picked_by(&self, label: SiteId, nodes: &[NodeId]) -> BTreeSet<SiteId> {
        let is_label = |id: NodeId| match &self.graph.nodes[self.unnamed(id)].op {
            Op::Site(site) => *site == label,
            Op::Index(a, _) | Op::Lift(a, _) => {
                matches!(self.graph.nodes[self.unnamed(*a)].op, Op::Site(s) if s == label)
            }
            _ => false,
        };
        let mut picked = BTreeSet::new();
        for id in nodes {
            let Op::Index(array, picks) = &self.graph.nodes[*id].op else { continue };
            if !picks.iter().any(|pick| matches!(pick, Pick::At(at) if is_label(*at))) {
                continue;
            }
            let mut base = self.unnamed(*array);
            while let Op::Lift(inner, _) | Op::Index(inner, _) = &self.graph.nodes[base].op {
                base = self.unnamed(*inner);
            }
            if let Op::Site(site) = self.graph.nodes[base].op {
                picked.insert(site);
            }
        }
        picked
    }

    /// Its rows have one prior: nothing in its distribution varies from row to row, and no order tells them apart.
    fn is_exchangeable(&self, id: SiteId) -> bool {
        let site = &self.sites[id.index()];
        let ordered = matches!(site.support, Support::Ordered(_) | Support::PositiveOrdered(_) | Support::Simplex(_));
        let same = site.dist.args.values().all(|arg| {
            let shape = self.graph.shape(*arg);
            let rows = site.plates.last().is_some_and(|plate| shape.plates.contains(plate));
            let entries = site.plates.is_empty() && !shape.event.is_empty();
            !rows && !entries
        });
        (site.plates.is_empty() && !ordered || !site.plates.is_empty()) && same
    }

    /// The labels' own prior treats all alike: probabilities with a symmetric prior, or learned ones.
    fn even_labels(&self, label: SiteId) -> bool {
        let args = &self.sites[label.index()].dist.args;
        let Some(table) = args.get("p").or(args.get("logits")) else { return false };
        let mut node = self.unnamed(*table);
        while let Op::Index(inner, _) | Op::Lift(inner, _) = &self.graph.nodes[node].op {
            node = self.unnamed(*inner);
        }
        match &self.graph.nodes[node].op {
            Op::Fill(..) | Op::Param(_) => true,
            Op::Site(site) => {
                let prior = &self.sites[site.index()].dist;
                let concentration =
                    prior.args.get("concentration").map(|node| &self.graph.nodes[self.unnamed(*node)].op);
                prior.kind == Kind::Dirichlet && matches!(concentration, Some(Op::Fill(..)))
            }
            Op::Stack(list) => {
                let first = list.first().and_then(|item| self.fold_number(*item));
                first.is_some() && list.iter().all(|item| self.fold_number(*item) == first)
            }
            _ => false,
        }
    }
}
