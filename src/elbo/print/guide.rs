//! The guide as text: what each site is drawn from, and how many weights that takes.

use std::collections::BTreeSet;

use super::Printer;
use crate::dist::{self, Dist};
use crate::elbo::problems::thousands;
use crate::elbo::{Objective, Treatment};
use crate::math::{NodeId, Op, ParamId, SiteId, Support};
use crate::model::Auto;

impl Printer<'_> {
    pub(super) fn guide(&self) -> Vec<(String, String)> {
        // An energy has no guide: its conditionals stand with its blocks.
        if matches!(self.elbo.objective, Objective::Contrast(_)) {
            return vec![];
        }
        let names: Vec<String> =
            self.elbo.sites.iter().map(|view| self.guide_name(view.site, &view.treatment)).collect();
        let width = names.iter().map(String::len).max().unwrap_or(0) + 4;
        let line = |(name, view): (&String, &crate::elbo::SiteView)| {
            let (factor, remark) = self.factor(view.site, &view.treatment, &view.choice.because);
            (format!("  {name:width$}{factor}"), remark)
        };
        names.iter().zip(&self.elbo.sites).map(line).collect()
    }

    /// A site by the names of the guide's own plates.
    pub(super) fn guide_name(&self, id: SiteId, treatment: &Treatment) -> String {
        let (Treatment::Written(at) | Treatment::Enumerated(at, _)) = treatment else { return self.site(id) };
        let factor = &self.model().guide.factors[*at];
        crate::math::print::print_site(id, &factor.plates, &self.words)
    }

    pub(super) fn factor(&self, id: SiteId, treatment: &Treatment, because: &str) -> (String, String) {
        match treatment {
            Treatment::Auto => {
                let auto = self.model().guide.auto;
                let remark = match auto {
                    Some(Auto::FullRank) => "full-rank, joint".into(),
                    Some(Auto::LowRank(rank)) => format!("diagonal + rank {rank}, joint"),
                    Some(Auto::Laplace) => "at the mode, joint".into(),
                    Some(Auto::Map) => "a point".into(),
                    _ => "mean-field".to_string(),
                };
                let missing = crate::elbo::missing::is_missing(self.model(), id);
                let remark = if missing { format!("{remark}, missing entries") } else { remark };
                match auto {
                    Some(Auto::Map) => ("Delta(mode)".into(), remark),
                    _ => (through_bijector(&self.model().sites[id.index()].support), remark),
                }
            }
            Treatment::Written(at) => {
                let (factor, remark) = self.written(*at);
                let estimator = self.elbo.sites[id.index()].choice.estimator;
                // Where draws are only weighed, nothing is estimated site by site.
                let drawn = (estimator.is_score() || estimator.is_biased())
                    && !matches!(self.elbo.objective, Objective::Updates(_));
                (factor, join(&remark, if drawn { super::terms::estimator_name(estimator) } else { "" }))
            }
            Treatment::Enumerated(at, _) => {
                let (factor, remark) = self.written(*at);
                (factor, join(&remark, "summed over its states"))
            }
            Treatment::SummedOut(_) => {
                let remark = because.split(" and no factor in the guide").next().unwrap_or(because);
                let missing = crate::elbo::missing::is_missing(self.model(), id);
                let remark = if missing { format!("{remark}, missing entries") } else { remark.to_string() };
                ("summed out of the model".into(), remark)
            }
            Treatment::Leaf => ("drawn from the model".into(), "integrates to one".into()),
            Treatment::Gibbs => match &self.elbo.objective {
                Objective::Contrast(contrast) => (self.gibbs(contrast, id), "block Gibbs".into()),
                _ => Default::default(),
            },
        }
    }

    fn written(&self, at: usize) -> (String, String) {
        let factor = &self.model().guide.factors[at];
        let roots: Vec<NodeId> = factor.dist.args.values().copied().collect();
        let text = match self.spread(&factor.dist) {
            Some(call) => call,
            None => dist::print::print(&self.elbo.graph, &factor.dist, &self.words),
        };
        let mut remark = self.weights(&roots);
        let given = crate::elbo::rewrite::sites_read(&self.elbo.graph, &roots);
        if !given.is_empty() {
            let names: Vec<&str> = given.iter().map(|id| self.model().sites[id.index()].name.as_str()).collect();
            remark = join(&remark, &format!("given {}", names.join(", ")));
        }
        (text, remark)
    }

    /// `Normal(loc, scale) = encoder(x[n])`, where every argument is an output of one call.
    fn spread(&self, dist: &Dist) -> Option<String> {
        let (name, args) = dist::print::spread(&self.elbo.graph, dist)?;
        let row = dist::row(dist.kind);
        let outputs: Vec<&str> = row.params.iter().map(|p| p.name).filter(|p| dist.args.contains_key(p)).collect();
        let call = crate::math::print::print_call(&self.elbo.graph, name, args, &self.words);
        Some(format!("{}({}) = {call}", row.name, outputs.join(", ")))
    }

    /// `amortized, 330,040 weights`, or the point parameters that a factor reads.
    fn weights(&self, roots: &[NodeId]) -> String {
        let read = self.elbo.graph.reachable(roots);
        let params: BTreeSet<ParamId> = read
            .iter()
            .filter_map(|id| match self.elbo.graph.nodes[*id].op {
                Op::Param(param) => Some(param),
                _ => None,
            })
            .collect();
        let (nets, free): (Vec<ParamId>, Vec<ParamId>) =
            params.iter().partition(|id| self.model().params[id.index()].net.is_some());
        let count = |id: &ParamId| {
            let param = &self.model().params[id.index()];
            param.rows.iter().chain(&param.event).try_fold(1, |n, size| Some(n * self.facts.resolved(size).known()?))
        };
        let total: Option<i64> = nets.iter().map(count).sum();
        let names: Vec<&str> = free.iter().map(|id| self.model().params[id.index()].name.as_str()).collect();
        let free = match names.len() {
            0 => String::new(),
            1 => format!("param {}", names[0]),
            _ => format!("params {}", names.join(", ")),
        };
        match (nets.is_empty(), total) {
            (true, _) => free,
            (false, Some(n)) => join(&format!("amortized, {} weights", thousands(n)), &free),
            (false, None) => join("amortized", &free),
        }
    }
}

fn join(a: &str, b: &str) -> String {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b.into(),
        (_, true) => a.into(),
        _ => format!("{a}; {b}"),
    }
}

/// The map of an automatic factor, as LANGUAGE.md 1.8 lists them.
fn through_bijector(support: &Support) -> String {
    let normal = "Normal(loc, scale)";
    match support {
        Support::Real => normal.into(),
        Support::Positive => format!("exp({normal})"),
        Support::Unit => format!("sigmoid({normal})"),
        Support::Interval(..) => format!("interval({normal})"),
        Support::Simplex(_) => format!("stick_breaking({normal})"),
        Support::Ordered(_) => format!("ordered({normal})"),
        Support::PositiveOrdered(_) => format!("positive_ordered({normal})"),
        Support::Cholesky(_) => format!("cholesky({normal})"),
        Support::CholeskyCorr(_) => format!("cholesky_corr({normal})"),
        Support::Cov(_) => format!("cov({normal})"),
        _ => normal.into(),
    }
}
