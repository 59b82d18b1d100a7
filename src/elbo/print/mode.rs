//! A guide that is found at a mode, as text: the log joint whose mode it is, and what becomes of the curvature there.

use super::terms::reason;
use super::{Printer, column, columns};
use crate::elbo::Term;
use crate::elbo::objective::Weight;
use crate::model::Auto;

impl Printer<'_> {
    pub(super) fn mode(&self, terms: &[Term]) -> String {
        let laplace = self.model().guide.auto == Some(Auto::Laplace);
        let none = Weight { plate: None, log: vec![] };
        let lines: Vec<(String, String)> = terms
            .iter()
            .flat_map(|term| {
                // Sums with the scale of a batch, which a weight has not.
                let place = self.place(term);
                let lines = self.plain(term, &none).into_iter().enumerate();
                lines.map(move |(i, (line, _))| (line, if i == 0 { place.clone() } else { String::new() }))
            })
            .collect();
        let scale = if laplace { "of unconstrained values" } else { "of the values themselves" };
        let mut text = format!("\nlog joint at one point, maximized as a density {scale}\n");
        text.push_str(&columns(&lines, column(&lines)));
        if laplace {
            text.push_str(&reason("covariance", "the inverse of minus the Hessian there"));
            text.push_str(&reason("evidence", "the log joint there + D/2 log(2 pi) + 1/2 log det covariance"));
        }
        text
    }
}
