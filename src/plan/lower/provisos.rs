//! The values whose support could not be proven from the text, where they are computed.

use super::guide::Given;
use super::value::Label;
use super::{Batch, Lowerer, OutputKind, Program, Trouble, Value};
use crate::data::Bound as Data;
use crate::elbo::Elbo;
use crate::elbo::rewrite::Rewrite;
use crate::math::support::Bound;
use crate::math::{self, Op, Support};
use crate::model::Proviso;
use crate::plan::Binary;

/// What an output about a proviso holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Value,
    /// How far the value lies above the lower bound of its interval, and below the upper one.
    AboveLow,
    BelowHigh,
}

/// The values of these provisos (places in `Model::provisos`), with one axis for the draws, for each plate they vary over
/// and for each axis of one value.
pub fn provisos(elbo: &Elbo, data: &Data, batch: &Batch, given: Given, which: &[usize]) -> Result<Program, Trouble> {
    let mut lowerer = Lowerer::new(elbo, data, batch, given)?;
    lowerer.source()?;
    let mut outputs = vec![];
    for at in which.iter().copied() {
        let Proviso::Fits { value, support, .. } = &elbo.model.provisos[at] else { continue };
        if lowerer.is_empty(&elbo.graph.shape(*value).plates) {
            continue;
        }
        let value = lowerer.in_the_model(*value)?;
        outputs.push(lowerer.looked_at(at, Side::Value, &value));
        let Support::Interval(low, high) = support else { continue };
        let (low, high) = (lowerer.limit(low)?, lowerer.limit(high)?);
        let (above, below) = (lowerer.binary(Binary::Sub, &value, &low)?, lowerer.binary(Binary::Sub, &high, &value)?);
        outputs.push(lowerer.looked_at(at, Side::AboveLow, &above));
        outputs.push(lowerer.looked_at(at, Side::BelowHigh, &below));
    }
    lowerer.program(outputs)
}

impl Lowerer<'_> {
    /// A guide's own axes are those of the site its factor is of.
    fn in_the_model(&mut self, value: math::NodeId) -> Result<Value, Trouble> {
        let plates = &self.graph.shape(value).plates;
        let own = self.elbo.model.guide.factors.iter().find(|f| f.plates.iter().any(|axis| plates.contains(axis)));
        let Some(factor) = own else { return self.lower(value) };
        let mut rename = Rewrite::rename(&factor.plates, &self.elbo.model.sites[factor.site.index()].plates);
        let value = rename.node(&mut self.graph, value);
        self.lower(value)
    }

    fn limit(&mut self, bound: &Bound) -> Result<Value, Trouble> {
        match bound {
            Bound::Number(value) => self.literal(*value),
            Bound::Value(node) => self.in_the_model(*node),
        }
    }

    fn looked_at(&self, at: usize, side: Side, value: &Value) -> (OutputKind, crate::plan::NodeId) {
        let draws = value.labels.contains(&Label::Draws);
        (OutputKind::Proviso { at, side, draws, axes: value.axes() }, value.id)
    }
}

/// Whether a value can change while fitting.
pub fn moves(elbo: &Elbo, value: math::NodeId) -> bool {
    elbo.graph.mentions(value, |op| matches!(op, Op::Site(_) | Op::Param(_) | Op::Free(_) | Op::Noise(..)))
}
