//! Sites whose draws are not differentiated through, or are relaxed: for each its estimator, the reason for it, the
//! gradient as a formula, the cost (every term that depends on the site or on one that the guide samples after it),
//! and the baseline.

use super::terms::{estimator_name, reason};
use super::{Printer, column, columns};
use crate::elbo::{Estimator, Objective, SiteView, Term, TermKind, cost};
use crate::math::SiteId;
use crate::model::{Baseline, Statement};

impl Printer<'_> {
    /// The two sections; empty where every draw is differentiated through.
    pub(super) fn scores(&self) -> String {
        if matches!(self.elbo.objective, Objective::Updates(_)) {
            return String::new();
        }
        let costs = cost::costs(self.elbo);
        let of =
            |wanted: fn(Estimator) -> bool| self.elbo.sites.iter().filter(move |view| wanted(view.choice.estimator));
        let mut text = String::new();
        for (i, view) in of(Estimator::is_score).enumerate() {
            if i == 0 {
                text.push_str("\ngradients by score function\n");
            }
            let terms: Vec<&Term> =
                costs.get(&view.site).into_iter().flatten().map(|place| &self.elbo.terms[*place]).collect();
            text.push_str(&self.score(view, &terms));
        }
        for (i, view) in of(Estimator::is_biased).enumerate() {
            if i == 0 {
                text.push_str("\ngradients by relaxation, biased\n");
            }
            text.push_str(&self.relaxed(view));
        }
        text
    }

    fn score(&self, view: &SiteView, cost: &[&Term]) -> String {
        let estimator = view.choice.estimator;
        let head =
            (format!("  {}", self.site(view.site)), format!("{}, {}", estimator_name(estimator), self.particles()));
        let mut text = columns(&[head], column(&[]));
        text.push_str(&reason("because", &view.choice.because));
        text.push_str(&reason("gradient", &self.gradient(view)));
        let parts: Vec<(String, String)> = match &self.elbo.objective {
            Objective::Weighted(weighted) => vec![(self.log_mean(weighted), String::new())],
            _ => cost.iter().map(|term| self.cost_part(view.site, term)).collect(),
        };
        let indented = |(i, (left, right)): (usize, (String, String))| {
            let word = if i == 0 { "cost" } else { "" };
            (format!("      {word:12} {left}"), right)
        };
        let lines: Vec<(String, String)> = parts.into_iter().enumerate().map(indented).collect();
        text.push_str(&columns(&lines, column(&lines)));
        if let Some(baseline) = baseline(estimator) {
            text.push_str(&reason("baseline", &baseline));
        }
        text
    }

    pub(super) fn particles(&self) -> String {
        if let Objective::Weighted(weighted) = &self.elbo.objective {
            return format!("{} draws", weighted.draws);
        }
        match self.model().fit.particles {
            None => "2 particles".into(),
            Some(1) => "1 particle".into(),
            Some(n) => format!("{n} particles"),
        }
    }

    /// What is averaged over draws.
    pub(super) fn gradient(&self, view: &SiteView) -> String {
        let q = format!("q({})", self.given(view.site));
        match view.choice.estimator {
            Estimator::Disarm => {
                "(cost(b) - cost(b')) / 2 * (-1)^b' * [b != b'] * sigmoid(|l|) in the logit l, of antithetic draws b, b'"
                    .into()
            }
            Estimator::Rebar => {
                format!("(cost - c) * d log {q} + d c, with c the cost at a relaxed draw given this one")
            }
            Estimator::Relax => {
                format!("(cost - c) * d log {q} + d c, with c a share of the cost at a relaxed draw, and a network over it")
            }
            Estimator::Score { baseline: Baseline::None } => format!("cost * d log {q}"),
            _ => format!("(cost - baseline) * d log {q}"),
        }
    }

    /// `+ log p(x[n] | h1[n])`, and what it is summed over and scaled by.
    pub(super) fn cost_part(&self, site: SiteId, term: &Term) -> (String, String) {
        let own = &self.model().sites[site.index()].plates;
        let sums: Vec<String> = term
            .plates
            .iter()
            .filter(|axis| !own.contains(axis))
            .map(|axis| format!("sum {}", self.range(*axis)))
            .collect();
        let place = [sums.join(", "), self.scale(term)];
        let place: Vec<&str> = place.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let sign = if term.sign < 0.0 { "-" } else { "+" };
        (format!("{sign} {}", self.short(term)), place.join(", "))
    }

    /// A term in the words of probability: `log p(x[n] | h1[n])`.
    fn short(&self, term: &Term) -> String {
        match &term.kind {
            TermKind::Observed(at) | TermKind::Factor(at) => self.short_statement(*at),
            TermKind::Prior(id) => {
                let args: Vec<_> = self.model().sites[id.index()].dist.args.values().copied().collect();
                format!("log p({})", self.conditioned(*id, &self.read_as(&args)))
            }
            TermKind::Kl(id) => self.kl_itself(*id),
            TermKind::Entropy(id) => format!("H( q({}) )", self.given(*id)),
            TermKind::LogQ(id) => format!("log q({})", self.drawn(*id)),
            TermKind::LogDet(id) => format!("log |d {} / d {}|", self.site(*id), self.unconstrained(*id)),
            TermKind::AutoEntropy(sites) => format!("H( q({}) )", self.sites(sites)),
            TermKind::Spare(id) => format!("log Normal({} | 0, 1)", self.unconstrained(*id)),
            TermKind::SummedOut { sites, statements } => {
                format!("log sum over {} of {}", self.sites(sites), self.product(statements))
            }
        }
    }

    fn short_statement(&self, at: usize) -> String {
        match &self.model().statements[at] {
            Statement::Factor { value, .. } => self.expr(*value),
            _ => format!("log {}", self.probability(at)),
        }
    }

    fn product(&self, statements: &[usize]) -> String {
        statements.iter().map(|at| self.probability(*at)).collect::<Vec<_>>().join(" * ")
    }

    /// `p(x[n] | h1[n])`
    fn probability(&self, at: usize) -> String {
        match &self.model().statements[at] {
            Statement::Observe(y) => {
                let read = self.read_as(&y.dist.args.values().copied().collect::<Vec<_>>());
                match read.is_empty() {
                    true => format!("p({})", self.expr(y.value)),
                    false => format!("p({} | {})", self.expr(y.value), read.join(", ")),
                }
            }
            Statement::Latent(id) => {
                let args: Vec<_> = self.model().sites[id.index()].dist.args.values().copied().collect();
                format!("p({})", self.conditioned(*id, &self.read_as(&args)))
            }
            Statement::Factor { value, .. } => format!("exp({})", self.expr(*value)),
            Statement::Define(_) | Statement::Boltzmann(_) => String::new(),
        }
    }

    fn relaxed(&self, view: &SiteView) -> String {
        let estimator = view.choice.estimator;
        let name = self.site(view.site);
        let mut text = columns(&[(format!("  {name}"), estimator_name(estimator).into())], column(&[]));
        text.push_str(&reason("because", &view.choice.because));
        text.push_str(&reason("draw", &self.relaxation(view)));
        text
    }

    /// What is drawn in place of the site.
    pub(super) fn relaxation(&self, view: &SiteView) -> String {
        let name = self.site(view.site);
        match view.choice.estimator {
            Estimator::Concrete(temperature) => {
                format!(
                    "{name} = sigmoid((l + logistic noise) / {temperature}) in the logit l, in values and gradients"
                )
            }
            _ => format!("{name} is drawn, and its gradient is that of sigmoid(l) in the logit l"),
        }
    }

    /// `scale N/|batch|`, of the batched dims of a term.
    pub(super) fn scale(&self, term: &Term) -> String {
        match self.scaled_by(term).as_slice() {
            [] => String::new(),
            [dim] => format!("scale {dim}/|batch|"),
            many => {
                let each: Vec<String> = many.iter().map(|dim| format!("{dim}/|batch {dim}|")).collect();
                format!("scale {}", each.join(" "))
            }
        }
    }
}

pub(super) fn baseline(estimator: Estimator) -> Option<String> {
    let text = match estimator {
        Estimator::Score { baseline: Baseline::None } | Estimator::Disarm | Estimator::Rebar | Estimator::Relax => {
            return None;
        }
        Estimator::Score { baseline: Baseline::Mean } => "a running mean of the cost over steps".into(),
        Estimator::Score { baseline: Baseline::Regression } => {
            "a running mean of the cost times a coefficient fitted to earlier steps".into()
        }
        Estimator::Score { baseline: Baseline::LeaveOneOut } => "the mean cost of the other particles".into(),
        Estimator::Score { baseline: Baseline::Net(units) } => {
            format!("a running mean of the cost plus a network of {units} units over what the factor reads")
        }
        Estimator::Vimco => "the bound with this draw's weight replaced by the geometric mean of the others'".into(),
        _ => return None,
    };
    Some(text)
}
