//! The printed bound in pieces, for its other formats: what they say is what the text says.

use super::scores::baseline;
use super::terms::estimator_name;
use super::{Printer, Words};
use crate::elbo::{Elbo, Objective, SiteView, TermKind, Treatment, cost};
use crate::math::SiteId;
use crate::shape::AxisId;

/// The whole text.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// One a site.
    pub guide: Vec<GuideLine>,
    pub terms: Vec<TermLine>,
    /// One a site whose draw is not differentiated through, or is relaxed.
    pub gradients: Vec<GradientLine>,
    /// Definitions that the text mentions: name with its rows, expression.
    pub definitions: Vec<(String, String)>,
    /// Of a model that is drawn from an energy.
    pub energy: Option<EnergyLine>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EnergyLine {
    pub name: String,
    /// As it is read by the statement.
    pub formula: String,
    /// One a vector of units.
    pub conditionals: Vec<UnitLine>,
    /// What is drawn at once, in the order of a sweep.
    pub blocks: Vec<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct UnitLine {
    /// `h[n]`
    pub name: String,
    /// `Bernoulli(logits: b + transpose(W) @ x[n])`
    pub dist: String,
    /// Whether no unit is in the logit of another.
    pub independent: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GuideLine {
    pub site: SiteId,
    /// `z[n]`
    pub name: String,
    pub treatment: &'static str,
    /// `Normal(loc, scale) = encoder(x[n])`
    pub factor: String,
    /// `amortized, 330,040 weights`
    pub remark: String,
    pub estimator: &'static str,
    pub because: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TermLine {
    pub kind: &'static str,
    pub sign: char,
    /// Multiplied by the beta of the objective.
    pub beta: bool,
    /// On one line, without sign and beta.
    pub text: String,
    /// Plates it is summed over, outermost first.
    pub plates: Vec<AxisId>,
    /// Names of the batched dims whose scale it carries.
    pub scale: Vec<String>,
    /// Estimators, each with the reason for it: one of the term, and before it one of each site that is summed out.
    pub choices: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GradientLine {
    pub site: SiteId,
    pub name: String,
    pub estimator: &'static str,
    pub because: String,
    /// What is averaged over draws, or for a relaxed site how it is drawn.
    pub formula: String,
    /// Absent for a relaxed site.
    pub particles: Option<String>,
    /// Every part with its sign, and what it is summed over and scaled by.
    pub cost: Vec<(String, String)>,
    pub baseline: Option<String>,
}

pub fn told(elbo: &Elbo) -> Told {
    let words = Words { model: &elbo.model, axes: &elbo.axes };
    let printer = Printer { elbo, words, facts: cost::Facts::new(&elbo.model) };
    Told {
        guide: elbo.sites.iter().map(|view| printer.guide_line(view)).collect(),
        terms: elbo.terms.iter().map(|term| printer.term_line(term)).collect(),
        gradients: printer.gradient_lines(),
        definitions: printer.definitions().iter().map(|id| printer.definition(*id)).collect(),
        energy: match &elbo.objective {
            Objective::Contrast(contrast) => printer.energy_line(contrast),
            _ => None,
        },
    }
}

impl Printer<'_> {
    fn guide_line(&self, view: &SiteView) -> GuideLine {
        let (factor, remark) = self.factor(view.site, &view.treatment, &view.choice.because);
        let treatment = match view.treatment {
            Treatment::Auto => "automatic",
            Treatment::Written(_) => "written",
            Treatment::SummedOut(_) => "summed_out",
            Treatment::Enumerated(..) => "enumerated",
            Treatment::Leaf => "leaf",
            Treatment::Gibbs => "gibbs",
        };
        let name = self.guide_name(view.site, &view.treatment);
        let (estimator, because) = (estimator_name(view.choice.estimator), view.choice.because.clone());
        GuideLine { site: view.site, name, treatment, factor, remark, estimator, because }
    }

    fn gradient_lines(&self) -> Vec<GradientLine> {
        let costs = cost::costs(self.elbo);
        let line = |view: &SiteView| {
            let estimator = view.choice.estimator;
            let score = estimator.is_score();
            let places = costs.get(&view.site).filter(|_| score).into_iter().flatten();
            GradientLine {
                site: view.site,
                name: self.site(view.site),
                estimator: estimator_name(estimator),
                because: view.choice.because.clone(),
                formula: if score { self.gradient(view) } else { self.relaxation(view) },
                particles: score.then(|| self.particles()),
                cost: places.map(|place| self.cost_part(view.site, &self.elbo.terms[*place])).collect(),
                baseline: baseline(estimator),
            }
        };
        let told = |view: &&SiteView| view.choice.estimator.is_score() || view.choice.estimator.is_biased();
        self.elbo.sites.iter().filter(told).map(line).collect()
    }

    fn term_line(&self, term: &crate::elbo::Term) -> TermLine {
        let lines: Vec<String> = self.term(term).iter().map(|line| line.trim().to_string()).collect();
        // The first line begins with the sign.
        let text = lines.join(" ").split_off(2);
        let (beta, text) = match text.strip_prefix("beta ") {
            Some(rest) => (true, rest.to_string()),
            None => (false, text),
        };
        let choices = self.choices(term).into_iter().map(|(e, because)| (estimator_name(e), because)).collect();
        TermLine {
            kind: kind_name(&term.kind),
            sign: if term.sign < 0.0 { '-' } else { '+' },
            beta,
            text,
            plates: term.plates.clone(),
            scale: self.scaled_by(term),
            choices,
        }
    }
}

fn kind_name(kind: &TermKind) -> &'static str {
    match kind {
        TermKind::Observed(_) => "observed",
        TermKind::Factor(_) => "factor",
        TermKind::Prior(_) => "prior",
        TermKind::Kl(_) => "kl",
        TermKind::Entropy(_) => "entropy",
        TermKind::AutoEntropy(_) => "entropy_of_the_guide",
        TermKind::LogDet(_) => "log_determinant",
        TermKind::SummedOut { .. } => "summed_out",
        TermKind::LogQ(_) => "log_q",
        TermKind::Spare(_) => "spare",
    }
}
