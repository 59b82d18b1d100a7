//! The guide: its plates nest each site as the model does, and every factor has exactly its site's support.

use std::collections::BTreeMap;

use super::Checker;
use super::dists::For;
use super::expr::Place;
use super::names::Meaning;
use super::statements::{family, nothing};
use crate::dist::{self, Dist, Kind};
use crate::math::support::{Fit, fits};
use crate::math::{SiteId, Support};
use crate::model::problems::{Guides, Names, Supports};
use crate::model::{Auto, Factor, Flow, Guide, Origin, Owner};
use crate::shape::{AxisId, Size};
use crate::source::{Span, Spanned};
use crate::syntax::{Block, Call, Expr, ExprKind, Name, Stmt, Target};

/// What stands in the file as a guide.
pub(super) struct GuideItem<'a> {
    pub auto: Option<&'a Call>,
    pub block: Option<&'a Block>,
    pub span: Span,
}

impl<'a> Checker<'a> {
    pub(super) fn add_guide(&mut self, auto: Option<&'a Call>, block: Option<&'a Block>, span: Span) {
        self.guides.push(GuideItem { auto, block, span });
    }

    pub(super) fn check_guide(&mut self) -> Guide {
        let Some(GuideItem { auto, block, span }) = self.guides.first() else {
            let guide = Guide { auto: Some(Auto::MeanField), factors: vec![], span: None };
            self.check_unwritten(true, None);
            return guide;
        };
        let (auto_call, block, span) = (*auto, *block, *span);
        let auto = auto_call.and_then(|call| self.check_auto(call));
        self.place = Place::Guide;
        self.guide_block = true;
        self.scope.block.retain(|_, entry| matches!(entry.meaning, Meaning::Site(_) | Meaning::Broken));
        self.guide_auto = auto_call.is_some();
        if let Some(block) = block {
            self.collect_written(block);
            for stmt in &block.stmts {
                self.check_guide_statement(stmt);
            }
        }
        self.check_unwritten(auto_call.is_some(), Some(span));
        // Missing entries that no factor is written for have an automatic one.
        let is_written = |id: &SiteId| self.homes.contains_key(id);
        let left = self.missing_sites.values().any(|id| !is_written(id));
        let auto = auto.or((auto_call.is_none() && left).then_some(Auto::MeanField));
        Guide { auto, factors: std::mem::take(&mut self.factors), span: Some(span) }
    }

    /// Which sites the guide writes, so that one read before its factor is told from one drawn automatically.
    fn collect_written(&mut self, block: &'a Block) {
        let mut open = vec![block];
        while let Some(block) = open.pop() {
            for stmt in &block.stmts {
                match &stmt.node {
                    Stmt::Plate { block, .. } => open.push(block),
                    Stmt::Draw { targets, .. } => {
                        for target in targets {
                            self.written.entry(target.name.node.clone()).or_insert(target.span);
                        }
                    }
                    Stmt::Error { binds } => {
                        for name in binds {
                            self.written.entry(name.node.clone()).or_insert(name.span);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn check_guide_statement(&mut self, stmt: &'a Spanned<Stmt>) {
        match &stmt.node {
            Stmt::Plate { var, dim, chain, block } => {
                self.in_plate(var, dim, *chain, |checker| {
                    block.stmts.iter().for_each(|stmt| checker.check_guide_statement(stmt));
                });
            }
            Stmt::Factor(_) => self.report(Guides::FactorInGuide { span: stmt.span }),
            Stmt::Param(param) => {
                let plates = self.plates.clone();
                let id = self.add_param(param, &plates);
                self.check_param_type(id, param);
                self.check_start(id, param);
                if self.broken_plates > 0 {
                    self.broken_params.insert(id);
                }
                self.declare(&param.name, Meaning::Param(id));
            }
            Stmt::Def { name, value } => self.check_definition(name, value, Owner::Guide),
            Stmt::Draw { targets, dist, by, .. } => match targets.as_slice() {
                [target] => self.check_guide_factor(target, dist, by.as_ref(), stmt.span),
                _ => self.report(Guides::Grouped { span: stmt.span }),
            },
            Stmt::Error { binds } => {
                for name in binds {
                    // A factor that did not parse still writes its site.
                    if !self.scope.block.contains_key(&name.node) {
                        self.declare_broken(name);
                    }
                }
            }
        }
    }

    /// `z ~ Dist(...) by ESTIMATOR`
    fn check_guide_factor(&mut self, target: &'a Target, call: &'a Call, by: Option<&'a Call>, span: Span) {
        let (call, flow) = match self.check_flow_factor(call) {
            Some((inner, flow)) => (inner, flow),
            None => {
                self.give_up_factor(target);
                return;
            }
        };
        let by = by.and_then(|by| self.check_request(by));
        let Some(id) = self.guide_site(target) else {
            self.check_dist(call, &nothing(&target.name.node));
            return;
        };
        if let Some(ty) = &target.ty {
            self.report(Guides::TypedFactor { name: target.name.node.clone(), span: ty.span });
        }
        if let Some(first) = self.homes.get(&id).map(|(_, span)| *span) {
            self.report(Guides::WrittenTwice { name: target.name.node.clone(), first, second: target.span });
        }
        let plates = self.check_guide_plates(id, target);
        let site = &self.sites[id.index()];
        let (name, event, support) = (site.name.clone(), site.event.clone(), site.support.clone());
        self.homes.insert(id, (plates.clone(), target.span));
        self.drawing = Some(id);
        let dist = self
            .check_dist(call, &For { name: &name, event: &event, declared: Some(&support), mixed: &[], known: true });
        self.drawing = None;
        let (Some(plates), Some(dist)) = (plates, dist) else { return };
        if self.check_factor_support(id, call, &dist, &event).is_some() {
            self.factors.push(Factor { site: id, dist, flow, plates, by, free: None, span });
        }
    }

    /// `Flow(D, planar(8))` is D, and the maps that its draws go through.
    fn check_flow_factor(&mut self, call: &'a Call) -> Option<(&'a Call, Option<Flow>)> {
        if call.name.node != "Flow" {
            return Some((call, None));
        }
        if let [base, maps] = call.args.as_slice()
            && let (None, None, ExprKind::Call(inner)) = (&base.name, &maps.name, &base.value.kind)
            && let Some(flow) = super::autos::flow(&maps.value)
        {
            return Some((inner, Some(flow)));
        }
        if let [_, maps] = call.args.as_slice()
            && let ExprKind::Call(Call { name, .. }) = &maps.value.kind
            && !super::autos::is_flow(&name.node)
        {
            self.report(Guides::UnknownFlow {
                nearest: super::autos::nearest_flow(&name.node),
                name: name.node.clone(),
                span: name.span,
            });
            return None;
        }
        let written = "Flow(Normal(m, s), planar(8))";
        self.report(Guides::AutoArguments { name: "Flow".into(), written, span: call.span });
        None
    }

    /// A site whose factor was reported is written all the same.
    fn give_up_factor(&mut self, target: &'a Target) {
        if let Some(id) = self.guide_site(target) {
            self.homes.insert(id, (None, target.span));
        }
    }

    fn guide_site(&mut self, target: &'a Target) -> Option<SiteId> {
        let name = &target.name.node;
        match self.scope.block.get(name).or_else(|| self.scope.top.get(name)).map(|entry| entry.meaning.clone()) {
            Some(Meaning::Site(id)) => Some(id),
            Some(Meaning::Broken) => None,
            // Where its observation was reported there is nothing to draw.
            Some(Meaning::Data(id)) if self.data[id.index()].missing => self.missing_site(id),
            other => {
                let word = other
                    .map(|meaning| meaning.word())
                    .or_else(|| self.scope.model_names.contains_key(name).then_some("a definition of the model"));
                let sites: Vec<String> = self.sites.iter().map(|site| site.name.clone()).collect();
                let nearest = super::names::nearest(name, sites.iter().map(String::as_str));
                self.unknown_targets += 1;
                self.report(Guides::NotASite { name: name.clone(), word, nearest, sites, span: target.span });
                None
            }
        }
    }

    /// The guide nests a site in plates over the same dims, in the same order.
    fn check_guide_plates(&mut self, id: SiteId, target: &'a Target) -> Option<Vec<AxisId>> {
        if self.broken_plates > 0 {
            return None;
        }
        let dims = |checker: &Checker, axes: &[AxisId]| -> Vec<Size> {
            axes.iter().map(|axis| checker.axes[*axis].size.clone()).collect()
        };
        let (model, guide) = (dims(self, &self.sites[id.index()].plates), dims(self, &self.plates));
        if model != guide {
            let site = &self.sites[id.index()];
            let (name, declared) = (site.name.clone(), self.site_names[id.index()]);
            let show = |checker: &Checker, sizes: &[Size]| sizes.iter().map(|size| checker.print_size(size)).collect();
            let (model, guide) = (show(self, &model), show(self, &guide));
            self.report(Guides::Plates { name, model, guide, declared, span: target.span });
            return None;
        }
        let order = self.index_order(id);
        let own = |(at, index): (usize, &Expr)| {
            order.get(at).is_some_and(|place| self.is_variable(index, self.plates[*place]))
        };
        if let Some((_, wrong)) = target.index.iter().enumerate().find(|(at, index)| !own((*at, index))) {
            self.report(Guides::FactorIndex { name: target.name.node.clone(), span: wrong.span });
            return None;
        }
        Some(self.plates.clone())
    }

    /// The plates that the indices of a factor name, in their order: for missing entries that of the data's rows.
    fn index_order(&self, id: SiteId) -> Vec<usize> {
        let site = &self.sites[id.index()];
        let Origin::Missing(data) = site.origin else { return (0..site.plates.len()).collect() };
        let rows = self.seen.get(&data).map_or(&[][..], |seen| &seen.rows);
        rows.iter().filter_map(|row| site.plates.iter().position(|axis| axis == row)).collect()
    }

    /// A factor has exactly its site's support.
    fn check_factor_support(&mut self, id: SiteId, call: &Call, dist: &Dist, event: &[Size]) -> Option<()> {
        self.check_no_atoms(&self.sites[id.index()].name.clone(), dist, call)?;
        let site = &self.sites[id.index()];
        let support = site.support.clone();
        let own = if dist.kind == Kind::Flat { Support::Real } else { dist::support(&self.graph, dist, event) };
        if dist.kind == Kind::Flat {
            self.report(Guides::FlatFactor { name: site.name.clone(), span: call.span });
            return None;
        }
        let discrete = support.is_discrete() == own.is_discrete();
        if dist.kind == Kind::Delta {
            let what = format!("`value` of Delta, for `{}`", site.name);
            return self.require_fit(
                dist.args["value"],
                &support,
                call.args.first().map_or(call.span, |arg| arg.value.span),
                &what,
            );
        }
        if discrete && fits(&own, &support) == Fit::Proven && fits(&support, &own) == Fit::Proven {
            return Some(());
        }
        let (name, declared) = (site.name.clone(), self.site_names[id.index()]);
        let args = self.text(call.span).strip_prefix(&call.name.node).unwrap_or("").to_string();
        // The arguments of a Normal are those of a LogNormal: that offer can be typed as it stands.
        let offer = match (&support, dist.kind) {
            (Support::Positive, Kind::Normal) if !args.ends_with("...") => Some(format!("LogNormal{args}")),
            _ => family(&support).map(String::from),
        };
        let (own, support) = (self.support_text(&own), self.support_text(&support));
        let dist = call.name.node.clone();
        self.report(Supports::Factor { dist, own, name, support, declared, offer, span: call.span });
        None
    }

    /// A guide without an automatic factor writes every site; an unbounded discrete site is always written.
    fn check_unwritten(&mut self, auto: bool, span: Option<Span>) {
        let missing: Vec<SiteId> = (0..self.sites.len() as u32)
            .map(SiteId)
            .filter(|id| !self.homes.contains_key(id) && !self.written.contains_key(&self.sites[id.index()].name))
            .collect();
        // Missing entries get an automatic factor in every guide.
        let is_entry = |id: &SiteId| matches!(self.sites[id.index()].origin, Origin::Missing(_));
        let (automatic, missing): (Vec<SiteId>, _) = missing.into_iter().partition(|id| auto || is_entry(id));
        for id in automatic {
            let site = &self.sites[id.index()];
            if site.support.is_discrete() && site.support.states().is_none() && !self.unsettled.contains(&id) {
                let (name, declared) = (site.name.clone(), self.site_names[id.index()]);
                let support = self.support_text(&self.sites[id.index()].support);
                let rows: Vec<String> = match site.origin {
                    Origin::Missing(data) => {
                        let rows = self.data[data.index()].rows.iter();
                        rows.map(|dim| self.dims[*dim].name.to_lowercase()).collect()
                    }
                    _ => vec![],
                };
                self.report(Guides::UnboundedUnwritten { name, support, rows, declared, guide: span });
            }
        }
        if auto {
            return;
        }
        // A misspelt target is said as such, not once more as a site without a factor.
        let settled = missing.len() <= self.unknown_targets || self.model_is_broken;
        if let (Some(span), false) = (span, settled) {
            let sites = missing.iter().map(|id| (self.sites[id.index()].name.clone(), self.site_names[id.index()]));
            let sites: Vec<(String, Span)> = sites.collect();
            let keyword = Span::new(span.start, span.start + "guide".len());
            self.report(Guides::Unwritten { sites, span: keyword });
        }
    }

    /// The plates of a site as seen from where it is read.
    pub(super) fn site_home(&self, id: SiteId) -> Vec<AxisId> {
        match self.homes.get(&id) {
            Some((Some(home), _)) if self.guide_block => home.clone(),
            _ => self.sites[id.index()].plates.clone(),
        }
    }

    /// Of itself a site reads earlier rows alone. In the guide a site is read once its factor is written, or where it is
    /// drawn automatically.
    pub(super) fn may_read_site(&mut self, id: SiteId, name: &str, indices: &[&'a Expr], span: Span) -> bool {
        if self.drawing == Some(id) {
            let earlier = self.reads_earlier(indices);
            if !earlier && !self.doubled.contains(name) {
                self.report(Names::ReadsItself { name: name.into(), span });
            }
            return earlier;
        }
        if self.place != Place::Guide {
            return true;
        }
        if let Some((home, _)) = self.homes.get(&id) {
            // In plates that are not its own it has no rows to read; that was said of its factor.
            return home.is_some();
        }
        if let Some(written) = self.written.get(name).copied() {
            self.report(Guides::ReadBeforeFactor { name: name.into(), written, span });
            return false;
        }
        true
    }
}

/// Names that a guide block declares: its params and definitions.
pub(super) fn guide_names(block: &Block) -> BTreeMap<String, Span> {
    let mut names = BTreeMap::new();
    let mut open = vec![block];
    while let Some(block) = open.pop() {
        for stmt in &block.stmts {
            let name: Option<&Name> = match &stmt.node {
                Stmt::Plate { block, .. } => {
                    open.push(block);
                    None
                }
                Stmt::Param(param) => Some(&param.name),
                Stmt::Def { name, .. } => Some(name),
                _ => None,
            };
            if let Some(name) = name {
                names.entry(name.node.clone()).or_insert(name.span);
            }
        }
    }
    names
}

/// The guide's plates of every site written so far (`None` where they were reported), and where it was written.
pub(super) type Homes = BTreeMap<SiteId, (Option<Vec<AxisId>>, Span)>;
