//! The funnel of a centred hierarchy, and the rewriting that takes it away.
//!
//! Where a site's spread is a latent scale, their posterior is a funnel that no independent Normals follow. Drawing a
//! standard Normal and scaling it is the same model (Papaspiliopoulos, Roberts & Skold 2007).

use super::Checker;
use crate::dist::Kind;
use crate::math::{NodeId, Op, SiteId, Support};
use crate::model::problems::Lints;
use crate::model::{Auto, Guide, Init, Origin, Owner};
use crate::problem::{Edit, Fix};
use crate::source::Span;
use crate::syntax::{BinaryOp, Call, Expr, ExprKind, Target};

/// A latent as it is written, for rewriting it.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub target: &'a Target,
    pub call: &'a Call,
    pub span: Span,
}

/// A latent in a plate whose Normal scale is a latent positive site, under a mean-field guide.
pub(super) fn funnel(checker: &mut Checker, guide: &Guide) {
    if guide.auto != Some(Auto::MeanField) {
        return;
    }
    for at in 0..checker.sites.len() {
        let id = SiteId(at as u32);
        if let Some((scale, scale_id)) = checker.latent_scale(id).filter(|_| !checker.homes.contains_key(&id)) {
            let fix = checker.non_centring(id, guide);
            let (site, site_span) = (checker.sites[at].name.clone(), checker.site_written[at].call.span);
            let scale_span = checker.site_names[scale_id.index()];
            checker.report(Lints::Funnel { site, scale, site_span, scale_span, fix });
        }
    }
}

impl<'a> Checker<'a> {
    /// The latent positive site that the spread of a site in a plate is.
    fn latent_scale(&self, id: SiteId) -> Option<(String, SiteId)> {
        let site = &self.sites[id.index()];
        let innermost = *site.plates.last()?;
        if site.dist.kind != Kind::Normal || site.origin != Origin::Drawn {
            return None;
        }
        let scale = ["scale", "var", "prec"].iter().find_map(|name| site.dist.args.get(name)).copied()?;
        // One scale for all rows: a row with a scale of its own is no funnel.
        if self.graph.shape(scale).plates.contains(&innermost) {
            return None;
        }
        let reads = self.read_sites(&[scale]);
        let positive = reads.into_iter().find(|parent| {
            let parent = &self.sites[parent.index()];
            matches!(parent.support, Support::Positive)
                || parent.support.range().lo == 0.0 && !parent.support.is_discrete()
        })?;
        Some((self.sites[positive.index()].name.clone(), positive))
    }

    /// `theta ~ Normal(mu, tau)` as `theta_raw ~ Normal(0, 1)` and `theta = mu + tau * theta_raw`, where that is the
    /// same model for everything that reads it.
    fn non_centring(&self, id: SiteId, guide: &Guide) -> Option<Fix> {
        let site = &self.sites[id.index()];
        let Written { target, call, span } = *self.site_written.get(id.index())?;
        let args: Vec<NodeId> = site.dist.args.values().copied().collect();
        // In a chain the definition would have to read earlier rows of itself.
        let recursive = self.read_sites(&args).contains(&id);
        if site.restricted || recursive || self.guide_reads(id, guide) || self.init_names(&site.name) {
            return None;
        }
        let named = |name: &str| call.args.iter().find(|arg| arg.name.as_ref().is_some_and(|n| n.node == name));
        let positional: Vec<&Expr> = call.args.iter().filter(|arg| arg.name.is_none()).map(|arg| &arg.value).collect();
        let loc = named("loc").map(|arg| &arg.value).or(positional.first().copied())?;
        let given = |name| named(name).map(|arg| &arg.value);
        let second = if named("loc").is_some() { positional.first() } else { positional.get(1) }.copied();
        let scale = if let Some(var) = given("var") {
            format!("sqrt({})", self.one_line(var)?)
        } else if let Some(prec) = given("prec") {
            format!("(1 / sqrt({}))", self.one_line(prec)?)
        } else {
            let scale = given("scale").or(second)?;
            self.bracketed(scale, &[BinaryOp::Multiply, BinaryOp::Power])?
        };
        let raw = self.fresh(&format!("{}_raw", site.name));
        let ty = match &target.ty {
            Some(ty) => format!(": {}", self.plain(ty.span)?),
            None => String::new(),
        };
        let shift = match &loc.kind {
            ExprKind::Number { value, .. } if *value == 0.0 => String::new(),
            _ => {
                let additive =
                    [BinaryOp::Add, BinaryOp::Subtract, BinaryOp::Multiply, BinaryOp::Divide, BinaryOp::Power];
                format!("{} + ", self.bracketed(loc, &additive)?)
            }
        };
        let text = format!("{raw}{ty} ~ Normal(0, 1){}{} = {shift}{scale} * {raw}", self.separator(span), site.name);
        let title = format!("draw `{raw}` and scale it");
        Some(Fix { title, edits: vec![Edit { span, text }] })
    }

    /// Whether the guide reads a site: it could not read the definition that the site becomes.
    fn guide_reads(&self, id: SiteId, guide: &Guide) -> bool {
        let mut roots: Vec<NodeId> =
            guide.factors.iter().flat_map(|factor| factor.dist.args.values().copied()).collect();
        roots.extend(self.definitions.iter().filter(|def| def.owner == Owner::Guide).map(|def| def.value));
        self.graph
            .reachable(&roots)
            .into_iter()
            .any(|node| matches!(self.graph.nodes[node].op, Op::Site(site) if site == id))
    }

    fn init_names(&self, name: &str) -> bool {
        matches!(&self.fit_block.init, Some(Init::Values(values)) if values.contains_key(name))
    }

    /// An expression as written, in parentheses unless it binds as tightly as one of these operators.
    fn bracketed(&self, expr: &Expr, tight: &[BinaryOp]) -> Option<String> {
        let text = self.one_line(expr)?;
        let bare = match &expr.kind {
            ExprKind::Binary { op, .. } => tight.contains(op),
            ExprKind::Unary { .. } | ExprKind::If { .. } => false,
            _ => true,
        };
        Some(if bare { text } else { format!("({text})") })
    }

    /// Net outputs spread into parameters, and text over several lines, are not moved.
    fn one_line(&self, expr: &Expr) -> Option<String> {
        let spread =
            matches!(&expr.kind, ExprKind::Call(call) if self.nets.iter().any(|net| net.name.node == call.name.node));
        if spread { None } else { self.plain(expr.span) }
    }

    fn plain(&self, span: Span) -> Option<String> {
        let text = self.ast.source.slice(span);
        (!text.contains(['\n', '#'])).then(|| text.to_string())
    }

    /// Between two statements: a new line indented as this one, or `; ` where it shares its line.
    fn separator(&self, span: Span) -> String {
        let text = &self.ast.source.text[..span.start];
        let line = &text[text.rfind('\n').map_or(0, |at| at + 1)..];
        if line.trim().is_empty() { format!("\n{line}") } else { "; ".into() }
    }

    /// A name that stands nowhere in the file.
    fn fresh(&self, name: &str) -> String {
        let text = &self.ast.source.text;
        let words: std::collections::BTreeSet<&str> =
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let numbered = (2..).map(|n| format!("{name}{n}"));
        std::iter::once(name.to_string())
            .chain(numbered)
            .find(|name| !words.contains(name.as_str()))
            .unwrap_or_default()
    }
}
