//! Importance weights row by row, where every latent belongs to one row of a plate.

use super::value::Label;
use super::{Batch, Given, Lowerer, OutputKind, Program, Trouble, Value, bug};
use crate::data::Bound;
use crate::elbo::{Elbo, Term};
use crate::plan::{Binary, Reduce};
use crate::shape::AxisId;

/// log p and log q of every draw at every row of the plate, without scale: `[draws, rows]`. Terms outside the plate feel
/// no draw and are left out.
pub fn row_weights(elbo: &Elbo, data: &Bound, batch: &Batch, plate: AxisId) -> Result<Program, Trouble> {
    let mut lowerer = Lowerer::new(elbo, data, batch, Given::Guide)?;
    lowerer.source()?;
    let log_p = lowerer.by_row(&elbo.log_p, plate)?;
    let log_q = lowerer.by_row(&elbo.log_q, plate)?;
    lowerer.program([(OutputKind::LogP, log_p.id), (OutputKind::LogQ, log_q.id)])
}

impl Lowerer<'_> {
    fn by_row(&mut self, terms: &[Term], plate: AxisId) -> Result<Value, Trouble> {
        let row = [Label::Draws, Label::Axis(plate)];
        let mut total = self.literal(0.0)?;
        for term in terms.iter().filter(|term| term.plates.contains(&plate)) {
            let value = self.lower(term.value)?;
            let inner: Vec<AxisId> = term.plates.iter().copied().filter(|axis| *axis != plate).collect();
            let mut weight = term.sign;
            for axis in inner.iter().filter(|axis| !value.labels.contains(&Label::Axis(**axis))) {
                weight *= self.extent(*axis)? as f64;
            }
            let gone: Vec<Label> = inner.into_iter().map(Label::Axis).collect();
            let sum = self.reduce_labels(Reduce::Sum, &value, &gone)?;
            if sum.event != 0 || sum.labels.iter().any(|label| !row.contains(label)) {
                return bug(format!("the term {:?} is not a number in its row", term.kind));
            }
            let part = self.scaled(&sum, weight)?;
            total = self.binary(Binary::Add, &total, &part)?;
        }
        self.expanded(&total, &row)
    }
}
