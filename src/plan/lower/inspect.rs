//! Every value that the terms of a bound are made of: what is looked through where one of them is no finite number.

use super::guide::Given;
use super::maximized::terms;
use super::value::Label;
use super::{Batch, Lowerer, OutputKind, Program, Trouble, Value};
use crate::data::Bound as Data;
use crate::elbo::{Elbo, Objective, Term, TermKind};
use crate::math;
use crate::shape::AxisId;

/// The terms that are added up: of the bound, or of the log joint at points.
pub fn parts(elbo: &Elbo, given: Given) -> Result<Vec<Term>, Trouble> {
    match given {
        Given::Guide => match &elbo.objective {
            Objective::Weighted(of) => {
                let outside = of.outside.iter().map(|place| elbo.terms[*place].clone());
                Ok(of.weight.log.iter().cloned().chain(outside).collect())
            }
            Objective::Updates(_) => Ok(elbo.log_p.iter().chain(&elbo.log_q).cloned().collect()),
            _ => terms(elbo),
        },
        Given::Points => Ok(elbo.log_p.iter().chain(&elbo.log_q).cloned().collect()),
    }
}

/// The values of the expressions of `parts`, each with one axis for the draws, for each plate it varies over and for
/// each axis of one value. Nothing is optimized: a value that is made here is made there.
pub fn inspected(elbo: &Elbo, data: &Data, batch: &Batch, given: Given) -> Result<Program, Trouble> {
    let mut lowerer = Lowerer { fitting: given == Given::Guide, ..Lowerer::new(elbo, data, batch, given)? };
    lowerer.source()?;
    for term in parts(elbo, given)? {
        if !matches!(term.kind, TermKind::AutoEntropy(_)) && !lowerer.is_empty(&term.plates) {
            lowerer.lower(term.value)?;
        }
    }
    // Later nodes are copies over other axes, which nobody wrote.
    let of_elbo = |node: &math::NodeId| node.index() < elbo.graph.nodes.len();
    let told = |(node, value): (&math::NodeId, &Value)| (value.output(*node), value.id);
    let outputs: Vec<_> = lowerer.memo.iter().filter(|(node, _)| of_elbo(node)).map(told).collect();
    lowerer.unoptimized(outputs)
}

impl Value {
    fn output(&self, node: math::NodeId) -> OutputKind {
        OutputKind::Value { node, draws: self.labels.contains(&Label::Draws), axes: self.axes() }
    }

    /// The plates that it varies over, in the order of its axes.
    pub fn axes(&self) -> Vec<AxisId> {
        let axis = |label: &Label| if let Label::Axis(axis) = label { Some(*axis) } else { None };
        self.labels.iter().filter_map(axis).collect()
    }
}
