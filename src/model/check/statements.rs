//! The model block: plates, definitions, latents, observations and factors, in the order written.

use super::Checker;
use super::dists::For;
use super::expr::{Place, Value};
use super::funnel::Written;
use super::names::Meaning;
use super::types::Checked;
use crate::dist::{self, Dist, Kind};
use crate::math::support::{Bound, Fit, fits};
use crate::math::{DefId, Label, NodeId, Op, SiteId, Support};
use crate::model::problems::{Rows, Statements, Supports};
use crate::model::{Definition, Origin, Owner, Site, Statement};
use crate::shape::{AxisKind, Size};
use crate::source::{Span, Spanned};
use crate::syntax::{Block, Call, Expr, Name, Stmt, Target};

impl<'a> Checker<'a> {
    pub(super) fn check_model_block(&mut self, block: &'a Block) {
        self.place = Place::Model;
        for stmt in &block.stmts {
            self.check_model_statement(stmt);
        }
    }

    fn check_model_statement(&mut self, stmt: &'a Spanned<Stmt>) {
        match &stmt.node {
            Stmt::Plate { var, dim, chain, block } => {
                self.in_plate(var, dim, *chain, |checker| {
                    block.stmts.iter().for_each(|stmt| checker.check_model_statement(stmt));
                });
            }
            Stmt::Factor(expr) => self.check_factor(expr, stmt.span),
            Stmt::Param(param) => {
                self.report(Statements::ParamInModel { name: param.name.node.clone(), span: stmt.span });
                self.declare_broken(&param.name);
            }
            Stmt::Def { name, value } => self.check_definition(name, value, Owner::Model),
            Stmt::Draw { targets, grouped, dist, by } => {
                if let Some(by) = by {
                    self.report(Statements::ByInModel { span: by.span });
                }
                match targets.as_slice() {
                    _ if dist.name.node == "Boltzmann" => self.check_boltzmann(targets, dist, stmt.span),
                    [target] if !grouped => self.check_draw(target, dist, stmt.span),
                    _ => self.check_grouped(targets, dist, stmt.span),
                }
            }
            Stmt::Error { binds } => {
                // What it would have observed or read is not known.
                self.has_broken_items = true;
                binds.iter().for_each(|name| self.declare_broken(name));
            }
        }
    }

    /// Checks a block with one more plate around it.
    pub(super) fn in_plate(&mut self, var: &'a Name, dim: &'a Name, chain: bool, check: impl FnOnce(&mut Checker<'a>)) {
        let height = self.scope.locals.len();
        let kind = if chain { AxisKind::Chain } else { AxisKind::Plate };
        let outer = self.plates.iter().copied().find(|axis| self.axes[*axis].kind == AxisKind::Chain);
        if let (true, Some(outer)) = (chain, outer) {
            let (variable, outer) = (self.axes[outer].name.clone(), self.axes[outer].span);
            self.report(Rows::NestedChain { variable, outer, span: var.span.to(dim.span) });
        }
        match self.plate_dim(&dim.node, dim.span) {
            Some(dim) => {
                let axis = self.add_axis(var, Size::dim(dim), Size::default(), kind);
                self.push_variable(var, axis);
                self.plates.push(axis);
                check(self);
                self.plates.pop();
            }
            None => {
                self.push_broken(var);
                self.broken_plates += 1;
                check(self);
                self.broken_plates -= 1;
            }
        }
        self.scope.locals.truncate(height);
    }

    fn check_factor(&mut self, expr: &'a Expr, span: Span) {
        let Some(value) = self.check_number(expr, "a `factor`") else { return };
        if self.check_arithmetic(value, expr.span, "factor").is_some() && self.broken_plates == 0 {
            self.statements.push(Statement::Factor { value, plates: self.plates.clone(), span });
        }
    }

    /// `h = EXPR`
    pub(super) fn check_definition(&mut self, name: &'a Name, value: &'a Expr, owner: Owner) {
        self.declaring = Some(name.node.clone());
        let recursive = self.in_chain() && super::chains::mentions(value, &name.node);
        let value = if recursive { self.check_chained_definition(name, value) } else { self.check_value(value) };
        self.declaring = None;
        let meaning = match value {
            _ if self.broken_plates > 0 => Meaning::Broken,
            None => Meaning::Broken,
            Some(Value::Node(node)) => {
                Meaning::Definition(self.add_definition(name.node.clone(), name.span, node, owner))
            }
            Some(Value::Outputs(outputs)) => Meaning::Outputs(
                outputs
                    .into_iter()
                    .map(|(output, node)| {
                        let full = format!("{}.{output}", name.node);
                        (output, self.add_definition(full, name.span, node, owner))
                    })
                    .collect(),
            ),
        };
        self.declare(name, meaning);
    }

    fn add_definition(&mut self, name: String, span: Span, value: NodeId, owner: Owner) -> DefId {
        let id = DefId(self.definitions.len() as u32);
        self.definitions.push(Definition { name, plates: self.plates.clone(), value, owner, span });
        // Its rows are those of its plates even where the value is the same in each.
        let named = self.op(Op::Named(Label::Definition(id), value), span);
        self.definition_nodes.push(named);
        if owner == Owner::Model {
            self.statements.push(Statement::Define(id));
        }
        id
    }

    fn check_draw(&mut self, target: &'a Target, dist: &'a Call, span: Span) {
        match self.scope.top.get(&target.name.node).map(|entry| (entry.meaning.clone(), entry.span)) {
            Some((Meaning::Data(id), _)) => self.check_observation(id, target, dist, span),
            Some((Meaning::Broken, _)) => _ = self.check_dist(dist, &nothing(&target.name.node)),
            Some((meaning, declared)) => {
                let (name, word) = (target.name.node.clone(), meaning.word());
                self.report(Statements::DrawnOther { name, word, declared, span: target.span });
                self.check_dist(dist, &nothing(&target.name.node));
            }
            None => self.check_latent(target, dist, span),
        }
    }

    /// `z: TYPE ~ Dist(...)`
    fn check_latent(&mut self, target: &'a Target, call: &'a Call, span: Span) {
        let name = &target.name;
        self.check_no_rows(target);
        let typed = target.ty.as_ref().map(|ty| self.check_complete_type(ty));
        let declared = match typed {
            // Its type was reported: what reads it should not stumble.
            Some(None) => {
                self.check_dist_of(name, call, &nothing(&name.node));
                self.declare_broken(name);
                return;
            }
            Some(Some(checked)) => Some(checked),
            None => None,
        };
        if self.in_chain() && super::chains::reads(call, &name.node) {
            self.check_chained(target, call, declared, span);
            return;
        }
        let event = declared.as_ref().map_or(vec![], |checked| checked.event.clone());
        let support = declared.as_ref().map(|checked| checked.support.clone());
        let dist = self.check_dist_of(
            name,
            call,
            &For { name: &name.node, event: &event, declared: support.as_ref(), mixed: &[], known: true },
        );
        let fitted = dist.and_then(|dist| {
            let (support, restricted) = self.latent_support(name, call, &dist, declared.as_ref(), target)?;
            Some((dist, support, restricted))
        });
        let written = Written { target, call, span };
        match (fitted, declared) {
            (Some((dist, support, restricted)), _) => {
                if let Some(id) = self.add_site(name, event, support, written) {
                    self.settle(id, dist, restricted);
                }
            }
            // The distribution was reported, the type is known: the site can be read.
            (None, Some(checked)) => {
                let site = self.add_site(name, checked.event, checked.support, written);
                self.unsettled.extend(site);
            }
            (None, None) => self.declare_broken(name),
        }
    }

    /// A latent is declared without its rows.
    pub(super) fn check_no_rows(&mut self, target: &Target) {
        if let Some(first) = target.index.first() {
            let rows = target.index.last().map_or(first.span, |last| first.span.to(last.span));
            let data = super::names::nearest(&target.name.node, self.data.iter().map(|data| data.name.as_str()));
            self.report(Statements::IndexedLatent { name: target.name.node.clone(), data, span: rows });
        }
    }

    pub(super) fn check_dist_of(&mut self, name: &Name, call: &'a Call, of: &For) -> Option<Dist> {
        self.declaring = Some(name.node.clone());
        let dist = self.check_dist(call, of);
        self.declaring = None;
        dist
    }

    /// Declares a site whose distribution is not known yet.
    pub(super) fn add_site(
        &mut self,
        name: &Name,
        event: Vec<Size>,
        support: Support,
        written: Written<'a>,
    ) -> Option<SiteId> {
        if self.broken_plates > 0 {
            self.declare_broken(name);
            return None;
        }
        let id = SiteId(self.sites.len() as u32);
        if !self.declare(name, Meaning::Site(id)) {
            return None;
        }
        let plates = self.plates.clone();
        let dist = Dist { kind: Kind::Flat, args: Default::default() };
        let (name_text, origin, span) = (name.node.clone(), Origin::Drawn, written.span);
        self.sites.push(Site { name: name_text, origin, plates, event, support, dist, restricted: false, span });
        self.site_names.push(name.span);
        self.site_written.push(written);
        Some(id)
    }

    /// The distribution of a site that was declared.
    pub(super) fn settle(&mut self, id: SiteId, dist: Dist, restricted: bool) {
        let site = &mut self.sites[id.index()];
        (site.dist, site.restricted) = (dist, restricted);
        self.statements.push(Statement::Latent(id));
    }

    /// The site's support, and whether its density is restricted to it.
    pub(super) fn latent_support(
        &mut self,
        name: &Name,
        call: &Call,
        dist: &Dist,
        declared: Option<&Checked>,
        target: &Target,
    ) -> Option<(Support, bool)> {
        self.check_no_atoms(&name.node, dist, call)?;
        let event = declared.map_or(vec![], |checked| checked.event.clone());
        let own = dist::support(&self.graph, dist, &event);
        self.check_latent_ends(&name.node, call, dist)?;
        let Some(checked) = declared else {
            return Some((own, false));
        };
        let ty_span = target.ty.as_ref().map_or(target.span, |ty| ty.span);
        let support = checked.support.clone();
        let discrete = support.is_discrete();
        if dist.kind == Kind::Flat {
            let thin = discrete || matches!(support, Support::Simplex(_)) || support.is_matrix();
            if thin {
                let support = self.support_text(&support);
                self.report(Supports::FlatOn { name: name.node.clone(), support, span: ty_span });
                return None;
            }
            return Some((support, false));
        }
        let (inside, around) = (fits(&support, &own), fits(&own, &support));
        let thin = own.event_rank() == 0 && (matches!(support, Support::Simplex(_)) || support.is_matrix());
        if inside != Fit::Proven || discrete != own.is_discrete() || thin {
            let (declared, own_text) = (self.support_text(&support), self.support_text(&own));
            let (offer, dist) = (family(&support), call.name.node.clone());
            self.report(Supports::SiteType {
                name: name.node.clone(),
                declared,
                declared_span: ty_span,
                dist,
                own: own_text,
                offer,
                dist_span: call.span,
            });
            return None;
        }
        let restricted = around != Fit::Proven;
        if restricted {
            self.check_restriction(name, call, dist, &support)?;
        }
        Some((support, restricted))
    }

    /// The mass that a restriction leaves must be a constant: the density is not renormalized.
    fn check_restriction(&mut self, name: &Name, call: &Call, dist: &Dist, support: &Support) -> Option<()> {
        // Half of a density that is symmetric about the bound has mass one half, whatever its scale.
        let symmetric =
            matches!(dist.kind, Kind::Normal | Kind::StudentT | Kind::Cauchy | Kind::Laplace | Kind::Logistic);
        let centred = dist.args.get("loc").and_then(|loc| self.fold_number(*loc)) == Some(0.0);
        if *support == Support::Positive && symmetric && centred {
            return Some(());
        }
        let Some(reads) = self.varies(dist) else { return Some(()) };
        let reads = self.first_random(reads).unwrap_or_default();
        let written = self.text(call.span);
        let bounds = match support {
            Support::Positive => Some(("0".to_string(), "inf".to_string())),
            Support::Unit => Some(("0".into(), "1".into())),
            Support::Interval(Bound::Number(lo), Bound::Number(hi)) => Some((lo.to_string(), hi.to_string())),
            _ => None,
        };
        let support = self.support_text(support);
        let name_text = name.node.clone();
        self.report(Supports::RestrictedMass { name: name_text, support, reads, written, bounds, span: call.span });
        None
    }

    /// The site or param that an expression reads first.
    pub(super) fn first_random(&self, node: NodeId) -> Option<String> {
        self.graph.reachable(&[node]).into_iter().find_map(|id| match self.graph.nodes[id].op {
            Op::Site(site) => Some(format!("the latent `{}`", self.sites.get(site.index())?.name)),
            Op::Param(param) => Some(format!("the param `{}`", self.params.get(param.index())?.name)),
            _ => None,
        })
    }

    /// Several names are drawn together only from `Boltzmann`.
    fn check_grouped(&mut self, targets: &'a [Target], dist: &'a Call, span: Span) {
        self.report(Statements::Grouped { dist: dist.name.node.clone(), span });
        self.give_up_targets(targets);
    }

    /// Nothing is said below of names whose statement was reported.
    pub(super) fn give_up_targets(&mut self, targets: &'a [Target]) {
        for target in targets {
            match self.scope.top.get(&target.name.node).map(|entry| entry.meaning.clone()) {
                Some(Meaning::Data(id)) => _ = self.observed.insert(id, target.span),
                _ => self.declare_broken(&target.name),
            }
        }
    }
}

/// A distribution of a value that nothing is known about.
pub(super) fn nothing(name: &str) -> For<'_> {
    For { name, event: &[], declared: None, mixed: &[], known: false }
}

/// A distribution that has this support, to offer.
pub(super) fn family(support: &Support) -> Option<&'static str> {
    Some(match support {
        Support::Real => "Normal(loc, scale)",
        Support::Positive => "LogNormal(loc, scale)",
        Support::Unit => "Beta(a, b)",
        Support::Count(None) => "Poisson(rate)",
        Support::Count(Some(_)) => "Binomial(n, p)",
        Support::Binary => "Bernoulli(p)",
        Support::Category(_) => "Categorical(p)",
        Support::Simplex(_) => "Dirichlet(concentration)",
        Support::OneHot(_) => "OneHot(p)",
        Support::CholeskyCorr(_) => "LKJCholesky(concentration)",
        _ => return None,
    })
}
