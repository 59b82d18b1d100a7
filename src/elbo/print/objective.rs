//! Objectives that are not the sum of the terms: weights and what is made of them, and updates.

use super::terms::{estimator_name, reason};
use super::{Printer, column, columns};
use crate::elbo::objective::{Objective, Under, Update, Weight, Weighted};
use crate::elbo::{SiteView, Term, Treatment};
use crate::math::SiteId;
use crate::math::print::print_number;
use crate::model::{Owner, Statement};

impl Printer<'_> {
    /// Everything between the guide and the gradients.
    pub(super) fn objective(&self) -> String {
        match &self.elbo.objective {
            Objective::Elbo { beta: None } => format!("\nterms, maximized\n{}", self.terms()),
            Objective::Elbo { beta: Some(beta) } => {
                format!("\nterms, maximized, with beta = {beta}\n{}", self.terms())
            }
            Objective::Weighted(weighted) => self.weighted(weighted),
            Objective::Updates(updates) => self.updates(updates),
            Objective::Contrast(contrast) => self.contrast(contrast),
            Objective::Mode(terms) => self.mode(terms),
        }
    }

    /// `iwae(50), maximized`
    fn asked(&self) -> String {
        self.model().fit.objective.map_or(String::new(), |objective| objective.to_string())
    }

    /// `log mean over 50 draws of w[n]`
    pub(super) fn log_mean(&self, weighted: &Weighted) -> String {
        let (k, power, w) = (weighted.draws, 1.0 - weighted.order, self.weight_name(&weighted.weight));
        let power = if power == 1.0 { String::new() } else { format!("^{}", bracketed(power)) };
        format!("log mean over {k} draws of {w}{power}")
    }

    fn weighted(&self, weighted: &Weighted) -> String {
        let (power, mean) = (1.0 - weighted.order, self.log_mean(weighted));
        let whole = if power == 1.0 { String::new() } else { format!(" / {}", bracketed(power)) };
        let mut text = format!("\n{}, maximized{}\n", self.asked(), bound(weighted.order));
        let head = (format!("  + E_q[ {mean} ]{whole}"), self.weight_place(&weighted.weight));
        let rest: Vec<&Term> =
            weighted.outside.iter().map(|place| &self.elbo.terms[*place]).chain(&weighted.apart).collect();
        let heads = self.heads(&rest);
        let at = column(&[vec![head.clone()], heads].concat());
        text.push_str(&columns(&[head], at));
        text.push_str(&reason(estimator_name(weighted.choice.estimator), &weighted.choice.because));
        text.push_str(&self.terms_at(&rest, at));
        text + &self.weight(&weighted.weight)
    }

    /// `w[n]`, the weight of a row.
    fn weight_name(&self, weight: &Weight) -> String {
        weight.plate.map_or("w".into(), |plate| format!("w[{}]", self.elbo.axes[plate].name))
    }

    fn weight_place(&self, weight: &Weight) -> String {
        let Some(plate) = weight.plate else { return String::new() };
        let scale = weight.log.first().map_or(String::new(), |term| self.scale(term));
        let place = format!("sum {}", self.range(plate));
        if scale.is_empty() { place } else { format!("{place}, {scale}") }
    }

    /// `log w[n], the sum of`, and the terms.
    fn weight(&self, weight: &Weight) -> String {
        let mut text = format!("\nlog {}, at a draw of the guide\n", self.weight_name(weight));
        let lines: Vec<(String, String)> = weight.log.iter().flat_map(|term| self.plain(term, weight)).collect();
        let at = column(&lines);
        text.push_str(&columns(&lines, at));
        text
    }

    /// A term without an expectation, and the plates inside those of the weight.
    pub(super) fn plain(&self, term: &Term, weight: &Weight) -> Vec<(String, String)> {
        let inner: Vec<String> = term
            .plates
            .iter()
            .filter(|axis| weight.plate != Some(**axis))
            .map(|axis| format!("sum {}", self.range(*axis)))
            .collect();
        let lines = self.term(term);
        let last = lines.len() - 1;
        let place = |i: usize| if i == 0 { inner.join(", ") } else { String::new() };
        let strip = |i: usize, line: &String| {
            let line = if i == 0 { line.replacen("E_q[ ", "", 1) } else { line.clone() };
            if i == last { line.strip_suffix(" ]").map_or(line.clone(), String::from) } else { line }
        };
        let random = lines[0].contains("E_q[ ");
        lines
            .iter()
            .enumerate()
            .map(|(i, line)| (if random { strip(i, line) } else { line.clone() }, place(i)))
            .collect()
    }

    fn updates(&self, updates: &[Update]) -> String {
        let mut text = String::new();
        let mut weights: Vec<&Weight> = vec![];
        for update in updates {
            text.push_str(&format!("\n{}\n{}", self.update_head(update), self.update_terms(update)));
            if let Under::Weights(_, weight) = &update.under
                && !weights.contains(&weight)
            {
                weights.push(weight);
            }
        }
        for weight in weights {
            let name = self.weight_name(weight);
            text.push_str(&format!("\nv{} = {name} / sum of {name} over the draws, with", &name[1..]));
            // The heading goes on in this line.
            text.push_str(&self.weight(weight).replacen('\n', " ", 1));
        }
        text
    }

    /// `wake, in the model's parameters, maximized`
    fn update_head(&self, update: &Update) -> String {
        let whose = match update.of {
            Owner::Model => "in the model's parameters",
            Owner::Guide => "in the guide's parameters",
        };
        let share = match update.share == 1.0 {
            true => String::new(),
            false => format!(", a share of {} of the step", print_number(update.share)),
        };
        let biased = if update.under.is_biased() { "; biased" } else { "" };
        if update.name.is_empty() {
            return format!("{}, minimized {whose}{biased}", self.forward_kl());
        }
        format!("{}, maximized {whose}{share}{biased}", update.name)
    }

    /// `KL( p(z | y) || q(z) )`
    fn forward_kl(&self) -> String {
        let sites: Vec<SiteId> = self.elbo.sites.iter().filter(|view| is_drawn(view)).map(|view| view.site).collect();
        let data: Vec<String> = self
            .model()
            .statements
            .iter()
            .filter_map(|statement| match statement {
                Statement::Observe(y) => Some(self.expr(y.value)),
                _ => None,
            })
            .collect();
        let (sites, given) = (self.sites(&sites), data.join(", "));
        let given = if given.is_empty() { given } else { format!(" | {given}") };
        format!("KL( p({sites}{given}) || q({sites}) )")
    }

    fn update_terms(&self, update: &Update) -> String {
        let (open, word) = match &update.under {
            Under::Guide => ("E_q[ ".to_string(), "draws"),
            Under::Model => ("E_p[ ".to_string(), "dreams"),
            Under::Weights(k, weight) => {
                (format!("sum over {k} draws of v{} * ", &self.weight_name(weight)[1..]), "weights")
            }
        };
        let close = if matches!(update.under, Under::Weights(..)) { "" } else { " ]" };
        let none = Weight { plate: None, log: vec![] };
        let mut lines = vec![];
        for term in &update.terms {
            // What is minimized is minus the expectation.
            let sign = if update.name.is_empty() { -term.sign } else { term.sign };
            let sign = if sign < 0.0 { "  - " } else { "  + " };
            // Without its own expectation: that of the update stands in its place.
            let own: Vec<(String, String)> = self.plain(term, &none);
            let last = own.len() - 1;
            for (i, (line, _)) in own.into_iter().enumerate() {
                let line = if i == 0 { format!("{sign}{open}{}", &line[4..]) } else { line };
                let line = if i == last { line + close } else { line };
                lines.push((line, if i == 0 { self.place(term) } else { String::new() }));
            }
        }
        let mut text = columns(&lines, column(&lines));
        text.push_str(&reason(word, &update.because));
        text
    }
}

fn is_drawn(view: &SiteView) -> bool {
    !matches!(view.treatment, Treatment::SummedOut(_) | Treatment::Leaf)
}

/// What a bound of this order is.
fn bound(order: f64) -> &'static str {
    match order {
        0.0 => "",
        order if order < 0.0 => ", an upper bound of the evidence in the limit of many draws",
        order if order < 1.0 => ", a lower bound of the evidence, above the elbo",
        _ => ", a lower bound of the evidence, below the elbo",
    }
}

fn bracketed(x: f64) -> String {
    let text = print_number(x);
    if x < 0.0 { format!("({text})") } else { text }
}
