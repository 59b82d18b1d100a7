//! Where an entry of a computed value stands in the model's plates, and how its number is told.

use super::feed::Rows;
use crate::elbo::Elbo;
use crate::shape::AxisId;

/// Plate variables with the rows of the data they stand at, and the place in the value.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    rows: Vec<(AxisId, usize)>,
    entry: Vec<usize>,
}

impl Place {
    /// Of an entry of `[axes.., event..]`.
    pub fn of(elbo: &Elbo, axes: &[AxisId], shape: &[usize], place: usize, rows: Option<&Rows>) -> Place {
        let mut rest = place;
        let mut at = vec![0; shape.len()];
        for (axis, extent) in shape.iter().enumerate().rev() {
            at[axis] = rest % extent.max(&1);
            rest /= extent.max(&1);
        }
        let entry = at.split_off(axes.len());
        let row = |(axis, at): (&AxisId, usize)| {
            let dim = elbo.axes[*axis].size.as_dim();
            let drawn = dim.and_then(|dim| rows?.of(dim));
            (*axis, drawn.map_or(at, |ids| ids[at] as usize))
        };
        Place { rows: axes.iter().zip(at).map(row).collect(), entry }
    }

    /// `, at row n = 17`, or nothing.
    pub fn rows(&self, elbo: &Elbo) -> String {
        let row = |(axis, at): &(AxisId, usize)| format!("{} = {at}", elbo.axes[*axis].name);
        let rows: Vec<String> = self.rows.iter().map(row).collect();
        if rows.is_empty() { String::new() } else { format!(", at row {}", rows.join(", ")) }
    }

    /// `, entry [2]`, or nothing.
    pub fn entry(&self) -> String {
        if self.entry.is_empty() { String::new() } else { format!(", entry {:?}", self.entry) }
    }
}

/// Six digits are enough to see what went wrong.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
