//! What a fit takes from its data for good: statistics, levels, and every size but the row counts. Whatever is asked of
//! the fitted model later, of other rows, is computed with these.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::model::Model;
use crate::shape::DimId;

/// By the names of the model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub sizes: BTreeMap<String, usize>,
    /// Of every data item, in the order in which its column expression is evaluated.
    pub items: BTreeMap<String, Vec<Taken>>,
}

/// One thing that a column expression takes from all rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Taken {
    /// Entry by entry; that of a column that is missing everywhere is none.
    Statistic(#[serde(deserialize_with = "numbers")] Vec<f64>),
    /// Text in the order of its codes.
    Levels(Vec<String>),
    /// Numbers in the order of their codes.
    Numbers(Vec<f64>),
}

impl Kept {
    /// The sizes that rows of other data do not change.
    pub(super) fn of(model: &Model, dims: &BTreeMap<DimId, usize>, items: BTreeMap<String, Vec<Taken>>) -> Kept {
        let of_rows = |dim: DimId| model.data.iter().any(|data| data.rows.contains(&dim));
        let sizes = dims.iter().filter(|(dim, _)| !of_rows(**dim));
        let sizes = sizes.map(|(dim, size)| (model.dims[*dim].name.clone(), *size)).collect();
        Kept { sizes, items }
    }

    /// As it is kept in a file.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// `None` where the text is no such file.
    pub fn parse(text: &str) -> Option<Kept> {
        serde_json::from_str(text).ok()
    }
}

/// JSON has no number that is none: it is `null`.
fn numbers<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<f64>, D::Error> {
    let values = Vec::<Option<f64>>::deserialize(from)?;
    Ok(values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
}
