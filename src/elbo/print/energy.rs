//! Contrastive divergence as text: the two expectations, the conditional of each unit, and the blocks of a sweep.

use super::terms::reason;
use super::told::{EnergyLine, UnitLine};
use super::{GAP, Printer, column, columns};
use crate::elbo::energy::{Conditional, Contrast};
use crate::elbo::problems::thousands;
use crate::elbo::{Choice, Estimator, Term, TermKind, because};
use crate::math::SiteId;
use crate::model::{Boltzmann, Statement, Unit};

impl Printer<'_> {
    pub(super) fn contrast(&self, contrast: &Contrast) -> String {
        let Statement::Boltzmann(of) = &self.model().statements[contrast.statement] else { return String::new() };
        let name = if contrast.persistent { "pcd" } else { "cd" };
        let mut text = format!(
            "\n{name}({}), followed by the parameters: the gradient of the log likelihood, by contrastive divergence\n",
            contrast.sweeps
        );
        let lines = [(-1.0, "E_data"), (1.0, "E_model")].map(|(sign, under)| {
            let sign_text = if sign < 0.0 { "-" } else { "+" };
            (format!("  {sign_text} {under}[ d {} ]", of.energy), self.place(&self.share(contrast, of, sign)))
        });
        let [data, model] = lines;
        let at = column(&[data.clone(), model.clone()]);
        text.push_str(&columns(&[data], at));
        text.push_str(&reason("data", &self.held(contrast)));
        text.push_str(&columns(&[model], at));
        text.push_str(&reason("chains", &self.chains(contrast)));
        text.push_str(&format!("\nenergy\n  {} = {}\n", of.energy, self.expr(of.value)));
        text.push_str("\nconditionals, with logit = the energy where the unit is 0, less where it is 1\n");
        text.push_str(&self.conditionals(contrast));
        text.push_str("\nblocks, in the order of a sweep\n");
        text.push_str(&self.blocks(contrast));
        text
    }

    /// As a term, for its place.
    fn share(&self, contrast: &Contrast, of: &Boltzmann, sign: f64) -> Term {
        let choice = Choice { estimator: Estimator::Gibbs, because: String::new() };
        let kind = TermKind::Factor(contrast.statement);
        Term { kind, sign, value: of.value, plates: of.plates.clone(), choice, also: vec![] }
    }

    fn unit(&self, own: &Conditional) -> String {
        self.expr(own.value)
    }

    fn units(&self, contrast: &Contrast, places: &[usize]) -> String {
        places.iter().map(|at| self.unit(&contrast.conditionals[*at])).collect::<Vec<_>>().join(", ")
    }

    /// How the other units are found where the data are held.
    fn held(&self, contrast: &Contrast) -> String {
        let seen = |own: &&Conditional| matches!(own.unit, Unit::Observed(..));
        let seen: Vec<String> = contrast.conditionals.iter().filter(seen).map(|own| self.unit(own)).collect();
        let (seen, blocks) = (because::list(&seen), contrast.latent_blocks());
        let list: Vec<String> = blocks.iter().map(|block| self.units(contrast, block)).collect();
        match blocks.len() {
            0 => format!("{seen} is all there is"),
            _ if contrast.is_exact_given_data() => format!("{} given {seen}, drawn exactly", list.join(", ")),
            _ => format!("{}, in turn, given {seen}: {} of block Gibbs", list.join(" | "), sweeps(contrast.sweeps)),
        }
    }

    fn chains(&self, contrast: &Contrast) -> String {
        let sweeps = sweeps(contrast.sweeps);
        match contrast.persistent {
            true => format!("{sweeps} of block Gibbs from where the step before ended, Tieleman (2008){BIASED}"),
            false => format!("{sweeps} of block Gibbs from the draws at the data, Hinton (2002){BIASED}"),
        }
    }

    fn conditionals(&self, contrast: &Contrast) -> String {
        let names: Vec<String> = contrast.conditionals.iter().map(|own| self.unit(own)).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) + GAP + 1;
        let mut text = String::new();
        for (name, own) in names.iter().zip(&contrast.conditionals) {
            let size = self.facts.resolved(&self.elbo.graph.event(own.value)[0]);
            let size = size.known().map_or_else(|| size.print(&self.model().dims), thousands);
            let how = match own.independent {
                true => "independent given the rest: none is in the logit of another",
                false => "not independent given the rest: drawn one after the other",
            };
            text.push_str(&format!("  {name:width$}Bernoulli(logits: {})\n", self.expr(own.logit)));
            text.push_str(&reason(&format!("{size} units"), how));
        }
        text
    }

    pub(super) fn energy_line(&self, contrast: &Contrast) -> Option<EnergyLine> {
        let Statement::Boltzmann(of) = &self.model().statements[contrast.statement] else { return None };
        let unit = |own: &Conditional| UnitLine {
            name: self.unit(own),
            dist: format!("Bernoulli(logits: {})", self.expr(own.logit)),
            independent: own.independent,
        };
        let names = |block: &Vec<usize>| block.iter().map(|at| self.unit(&contrast.conditionals[*at])).collect();
        Some(EnergyLine {
            name: of.energy.clone(),
            formula: self.expr(of.value),
            conditionals: contrast.conditionals.iter().map(unit).collect(),
            blocks: contrast.blocks.iter().map(names).collect(),
        })
    }

    fn blocks(&self, contrast: &Contrast) -> String {
        let mut text = String::new();
        for block in &contrast.blocks {
            text.push_str(&format!("  {}\n", self.units(contrast, block)));
            if block.len() > 1 {
                text.push_str(&reason("independent", "no term of the energy has two of them"));
            }
        }
        text
    }

    /// `Bernoulli(logits: b + transpose(W) @ x[n])`
    pub(super) fn gibbs(&self, contrast: &Contrast, id: SiteId) -> String {
        let own = contrast.conditionals.iter().find(|own| own.unit == Unit::Latent(id));
        own.map_or(String::new(), |own| format!("Bernoulli(logits: {})", self.expr(own.logit)))
    }
}

const BIASED: &str = "; biased: the gradient of no function, so there is no elbo";

fn sweeps(k: usize) -> String {
    if k == 1 { "1 sweep".into() } else { format!("{k} sweeps") }
}
