//! The terms as text: what is summed, over which plates, by which estimator and why.

use std::collections::BTreeSet;

use super::{Printer, column, columns};
use crate::dist::{self, Dist};
use crate::elbo::{Estimator, Objective, Term, TermKind, Treatment, because, chain, cost, missing};
use crate::math::{NodeId, Op, SiteId, Support};
use crate::model::Statement;
use crate::shape::{Axis, AxisId};

impl Printer<'_> {
    pub(super) fn terms(&self) -> String {
        let terms: Vec<&Term> = self.elbo.terms.iter().collect();
        self.terms_at(&terms, column(&self.heads(&terms)))
    }

    /// The first line of each term, and what it is summed over.
    pub(super) fn heads(&self, terms: &[&Term]) -> Vec<(String, String)> {
        terms.iter().map(|term| (self.term(term).swap_remove(0), self.place(term))).collect()
    }

    pub(super) fn terms_at(&self, terms: &[&Term], at: usize) -> String {
        let mut text = String::new();
        for (term, head) in terms.iter().zip(self.heads(terms)) {
            text.push_str(&columns(&[head], at));
            for line in &self.term(term)[1..] {
                text.push_str(&format!("{line}\n"));
            }
            for (estimator, because) in self.choices(term) {
                text.push_str(&reason(estimator_name(estimator), &because));
            }
        }
        text
    }

    pub(super) fn choices(&self, term: &Term) -> Vec<(Estimator, String)> {
        let mut list = vec![];
        if let TermKind::SummedOut { sites, .. } = &term.kind {
            for id in sites {
                let view = &self.elbo.sites[id.index()];
                list.push((view.choice.estimator, format!("{}: {}", self.site(*id), view.choice.because)));
            }
            for (_, steps) in because::recursions(&self.elbo.graph, self.model(), term.value) {
                list.push((Estimator::SummedOut, steps));
            }
            if term.choice.estimator == Estimator::Analytic {
                return list;
            }
        }
        list.extend(
            [&term.choice].into_iter().chain(&term.also).map(|choice| (choice.estimator, choice.because.clone())),
        );
        list
    }

    pub(super) fn term(&self, term: &Term) -> Vec<String> {
        let tempered = matches!(self.elbo.objective, Objective::Elbo { beta: Some(_) }) && term.is_latent();
        let sign = match (term.sign < 0.0, tempered) {
            (true, false) => "-",
            (false, false) => "+",
            (true, true) => "- beta",
            (false, true) => "+ beta",
        };
        let line = |text: String| vec![format!("  {sign} {text}")];
        let model = self.model();
        match &term.kind {
            TermKind::Observed(at) | TermKind::Factor(at) => {
                line(self.expected(self.statement(*at), self.random(&[*at])))
            }
            TermKind::Prior(id) => {
                let site = &model.sites[id.index()];
                line(self.expected(format!("log {}", self.density_of(&site.dist, &self.site(*id))), true))
            }
            TermKind::Kl(id) => line(self.kl(*id)),
            TermKind::Entropy(id) => {
                let given = self.guide_parents(*id);
                line(self.expected(format!("H( q({}) )", self.given(*id)), !given.is_empty()))
            }
            TermKind::AutoEntropy(sites) => {
                let names: Vec<String> = sites.iter().map(|id| self.unconstrained(*id)).collect();
                line(format!("H( q({}) )", names.join(", ")))
            }
            TermKind::LogDet(id) => {
                line(self.expected(format!("log |d {} / d {}|", self.site(*id), self.unconstrained(*id)), true))
            }
            TermKind::LogQ(id) => line(self.expected(format!("log q({})", self.drawn(*id)), true)),
            TermKind::Spare(id) => {
                let free = self.unconstrained(*id);
                line(self.expected(format!("log Normal({free} | 0, 1)"), true))
            }
            TermKind::SummedOut { sites, statements } => self.summed_out(sign, sites, statements),
        }
    }

    pub(super) fn expected(&self, text: String, random: bool) -> String {
        if random { format!("E_q[ {text} ]") } else { text }
    }

    /// Whether what these statements read is drawn, or summed under the guide.
    pub(super) fn random(&self, statements: &[usize]) -> bool {
        let read = statements.iter().flat_map(|at| cost::reads(self.model(), &self.model().statements[*at]));
        let is = |id: SiteId| !matches!(self.elbo.sites[id.index()].treatment, Treatment::SummedOut(_));
        read.into_iter().any(is)
    }

    /// `log Bernoulli(x[n] | logits: decoder(z[n]))`
    pub(super) fn statement(&self, at: usize) -> String {
        match &self.model().statements[at] {
            Statement::Factor { value, .. } => self.expr(*value),
            other => format!("log {}", self.density(other)),
        }
    }

    pub(super) fn density(&self, statement: &Statement) -> String {
        match statement {
            Statement::Latent(id) => self.density_of(&self.model().sites[id.index()].dist, &self.site(*id)),
            Statement::Observe(y) => self.density_of(&y.dist, &self.expr(y.value)),
            Statement::Factor { value, .. } => format!("exp({})", self.expr(*value)),
            Statement::Define(_) | Statement::Boltzmann(_) => String::new(),
        }
    }

    pub(super) fn kl(&self, id: SiteId) -> String {
        let random = !self.guide_parents(id).is_empty() || !self.facts.parents[id.index()].is_empty();
        self.expected(self.kl_itself(id), random)
    }

    pub(super) fn kl_itself(&self, id: SiteId) -> String {
        let args = self.model().sites[id.index()].dist.args.values().copied().collect::<Vec<_>>();
        let (q, p) = (self.given(id), self.conditioned(id, &self.read_as(&args)));
        format!("KL( q({q}) || p({p}) )")
    }

    pub(super) fn guide_parents(&self, id: SiteId) -> &BTreeSet<SiteId> {
        &self.facts.guide_parents[id.index()]
    }

    /// A site given what its factor reads: `theta[j] | mu, tau`.
    pub(super) fn given(&self, id: SiteId) -> String {
        let args = self.facts.factor.get(&id).map(|at| self.model().guide.factors[*at].dist.args.values().copied());
        self.conditioned(id, &self.read_as(&args.into_iter().flatten().collect::<Vec<_>>()))
    }

    pub(super) fn conditioned(&self, id: SiteId, on: &[String]) -> String {
        if on.is_empty() { self.site(id) } else { format!("{} | {}", self.site(id), on.join(", ")) }
    }

    /// The sites that an expression reads, with the rows at which it reads them: `theta[doc[t]]`.
    pub(super) fn read_as(&self, roots: &[NodeId]) -> Vec<String> {
        let graph = &self.elbo.graph;
        let mut list: Vec<String> = vec![];
        let mut stack: Vec<NodeId> = roots.iter().rev().copied().collect();
        while let Some(id) = stack.pop() {
            let text = match &graph.nodes[id].op {
                Op::Site(site) => self.site(*site),
                Op::Index(rows, _) if self.is_rows_of_site(*rows) => self.expr(id),
                op => {
                    stack.extend(op.children().into_iter().rev());
                    continue;
                }
            };
            if !list.contains(&text) {
                list.push(text);
            }
        }
        list
    }

    fn is_rows_of_site(&self, id: NodeId) -> bool {
        let graph = &self.elbo.graph;
        matches!(graph.nodes[id].op, Op::Lift(inside, _) if matches!(graph.nodes[inside].op, Op::Site(_)))
    }

    /// What log q is the density of: a site given what its factor reads, or the coordinate of an automatic factor.
    pub(super) fn drawn(&self, id: SiteId) -> String {
        match self.elbo.sites[id.index()].treatment {
            Treatment::Auto => self.unconstrained(id),
            _ => self.given(id),
        }
    }

    pub(super) fn unconstrained(&self, id: SiteId) -> String {
        unconstrained(&self.model().sites[id.index()].support, &self.site(id))
    }

    /// The sum over states, one density a line, each with the plates over which its product runs.
    fn summed_out(&self, sign: &str, sites: &[SiteId], statements: &[usize]) -> Vec<String> {
        // Of a path all rows are inside the sum.
        let around = |id: &SiteId| {
            let path = self.path(*id);
            let plates = self.model().sites[id.index()].plates.iter().copied();
            plates.filter(|axis| Some(*axis) != path).collect::<Vec<_>>()
        };
        let outer: Vec<AxisId> = sites.iter().map(around).min_by_key(|p| p.len()).unwrap_or_default();
        let random = self.random(statements);
        let (open, close) = if random { ("E_q[ ", " ]") } else { ("", "") };
        let names: Vec<String> = sites.iter().map(|id| self.summed_name(*id)).collect();
        let mut lines = vec![format!("  {sign} {open}log sum over {} of", names.join(", "))];
        for (i, at) in statements.iter().enumerate() {
            let statement = &self.model().statements[*at];
            let plates = crate::elbo::estimator::place(self.model(), statement).0;
            let inner: Vec<String> =
                plates.iter().filter(|axis| !outer.contains(axis)).map(|axis| self.range(*axis)).collect();
            let product = if inner.is_empty() { String::new() } else { format!("prod {} ", inner.join(", ")) };
            let times = if i == 0 { "  " } else { "* " };
            let power = match (&self.elbo.objective, statement) {
                (Objective::Elbo { beta: Some(_) }, Statement::Observe(_) | Statement::Factor { .. }) => "^(1/beta)",
                _ => "",
            };
            let end = if i + 1 == statements.len() { close } else { "" };
            lines.push(format!("          {times}{product}{}{power}{end}", self.density(statement)));
        }
        lines
    }

    /// What a sum runs over: of a path it is all rows of the chain, `s` and not `s[t]`.
    fn summed_name(&self, id: SiteId) -> String {
        let site = &self.model().sites[id.index()];
        let path = self.path(id);
        let rows: Vec<AxisId> = site.plates.iter().copied().filter(|axis| Some(*axis) != path).collect();
        crate::math::print::print_site(id, &rows, &self.words)
    }

    /// The chain along whose paths a site is summed out.
    fn path(&self, id: SiteId) -> Option<AxisId> {
        let summed = matches!(self.elbo.sites[id.index()].treatment, Treatment::SummedOut(_));
        chain::of(self.model(), id).filter(|_| summed && chain::furthest(self.model(), id) > 0)
    }

    pub(super) fn range(&self, axis: AxisId) -> String {
        let Axis { name, size, .. } = &self.elbo.axes[axis];
        format!("{name} in {}", size.print(&self.model().dims))
    }

    /// `sum n in N, scale N/|batch|`
    pub(super) fn place(&self, term: &Term) -> String {
        let mut parts: Vec<String> = term.plates.iter().map(|axis| format!("sum {}", self.range(*axis))).collect();
        if let TermKind::AutoEntropy(sites) = &term.kind {
            let inside =
                |id: &SiteId| self.model().sites[id.index()].plates.iter().any(|axis| !term.plates.contains(axis));
            if sites.iter().any(inside) {
                parts.push("all rows".into());
            }
        }
        let scale = self.scale(term);
        if !scale.is_empty() {
            parts.push(scale);
        }
        parts.extend(self.entries(term));
        parts.join(", ")
    }

    /// Which entries of data that may be missing a term is about.
    fn entries(&self, term: &Term) -> Option<String> {
        let model = self.model();
        match &term.kind {
            TermKind::Observed(at) => match &model.statements[*at] {
                Statement::Observe(y) if y.missing.is_none() && model.data[y.data.index()].missing => {
                    Some("entries that are there".into())
                }
                _ => None,
            },
            TermKind::Spare(_) => Some("entries that are there".into()),
            TermKind::Entropy(id) | TermKind::LogDet(id) | TermKind::LogQ(id) if missing::is_missing(model, *id) => {
                Some("missing entries".into())
            }
            _ => None,
        }
    }

    /// The batched dims of a term's plates.
    pub(super) fn scaled_by(&self, term: &Term) -> Vec<String> {
        let dims: BTreeSet<_> = term.plates.iter().filter_map(|axis| cost::batched_dim(self.model(), *axis)).collect();
        dims.iter().map(|dim| self.model().dims[*dim].name.clone()).collect()
    }

    /// `Normal(y[j] | theta[j], sigma[j])`
    pub(super) fn density_of(&self, of: &Dist, value: &str) -> String {
        let text = dist::print::print(&self.elbo.graph, of, &self.words);
        match text.split_once('(') {
            Some((name, ")")) => format!("{name}({value})"),
            Some((name, args)) => format!("{name}({value} | {args}"),
            None => text,
        }
    }
}

/// The coordinate in which an automatic factor is Normal.
pub fn unconstrained(support: &Support, name: &str) -> String {
    match support {
        Support::Real => name.into(),
        Support::Positive => format!("log {name}"),
        _ => format!("free({name})"),
    }
}

/// A word in the left column and what is said of it.
pub(super) fn reason(word: &str, text: &str) -> String {
    format!("      {word:12} {text}\n")
}

pub(super) fn estimator_name(estimator: Estimator) -> &'static str {
    match estimator {
        Estimator::Conjugate => "conjugate",
        Estimator::Score { .. } => "score",
        Estimator::Vimco => "vimco",
        Estimator::Disarm => "disarm",
        Estimator::Rebar => "rebar",
        Estimator::Relax => "relax",
        Estimator::Concrete(_) => "concrete",
        Estimator::StraightThrough => "straight through",
        Estimator::IntegratesToOne => "one",
        Estimator::SummedOut => "summed out",
        Estimator::Enumerate => "enumerate",
        Estimator::Analytic => "analytic",
        Estimator::Pathwise => "pathwise",
        Estimator::Gibbs => "gibbs",
    }
}
