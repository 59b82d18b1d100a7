//! Simulated data as files that a fit reads, and the truth behind them.

use serde::Serialize;
use serde_json::to_string_pretty;

use super::{Nested, Ordered};
use crate::data::{Array, Bound};
use crate::model::{Data, Model};
use crate::problem::Bug;
use crate::simulate::{Drawn, Outcome};

/// A row a line, or the data item that has no place in a table and why.
pub fn data_csv(model: &Model, bound: &Bound) -> Result<String, (String, &'static str)> {
    let mut rows: Option<&Data> = None;
    for data in &model.data {
        let why = match (data.rows.as_slice(), data.event.len(), rows) {
            ([], ..) => "it has no rows",
            ([_], 0 | 1, None) => {
                rows = Some(data);
                continue;
            }
            ([dim], 0 | 1, Some(first)) if first.rows == [*dim] => continue,
            ([_], 0 | 1, Some(_)) => "its rows are those of another dim",
            ([_], ..) => "an entry of it is a matrix",
            _ => "it has rows of more than one dim",
        };
        return Err((data.name.clone(), why));
    }
    let mut header: Vec<String> = vec![];
    for (data, array) in model.data.iter().zip(&bound.arrays) {
        match array.shape.get(1) {
            None => header.push(data.name.clone()),
            Some(width) => header.extend((1..=*width).map(|i| format!("{}.{i}", data.name))),
        }
    }
    let mut text = header.join(",") + "\n";
    let count = bound.arrays.first().map_or(0, |array| array.shape[0]);
    for row in 0..count {
        let cells = bound.arrays.iter().flat_map(|array| {
            let width = array.shape.get(1).copied().unwrap_or(1);
            (row * width..(row + 1) * width).map(|i| number(array.values.get(i), ""))
        });
        text.push_str(&cells.collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    Ok(text)
}

/// Stan's layout: sizes as numbers, arrays as nested lists, rows first.
pub fn data_json(model: &Model, bound: &Bound) -> String {
    let dims = model.dims.iter().filter_map(|(id, dim)| Some(format!("\"{}\": {}", dim.name, bound.dims.get(&id)?)));
    let arrays = model.data.iter().zip(&bound.arrays).map(|(data, array)| {
        let mut text = format!("\"{}\": ", data.name);
        nested(&array.shape, &array.values, &mut 0, &mut text);
        text
    });
    let entries: Vec<String> = dims.chain(arrays).collect();
    format!("{{\n  {}\n}}\n", entries.join(",\n  "))
}

fn nested(shape: &[usize], values: &Array, at: &mut usize, text: &mut String) {
    let [first, rest @ ..] = shape else {
        text.push_str(&number(values.get(*at), "null"));
        *at += 1;
        return;
    };
    text.push('[');
    for i in 0..*first {
        if i > 0 {
            text.push_str(", ");
        }
        nested(rest, values, at, text);
    }
    text.push(']');
}

/// The shortest text that reads back as the number; a count without a point.
fn number(x: f64, missing: &str) -> String {
    match x {
        x if x.is_nan() => missing.into(),
        x if x.fract() == 0.0 && x.abs() < 1e15 => format!("{x}"),
        x => format!("{x:?}"),
    }
}

/// `truth.json`: what the data were drawn from.
pub fn truth_json(model: &Model, seed: u64, outcome: &Outcome) -> Result<String, Bug> {
    let arrays = |list: &[Drawn]| {
        Ordered(
            list.iter().map(|drawn| (drawn.name.clone(), Nested::new(&drawn.shape, drawn.values.clone()))).collect(),
        )
    };
    let dims = model.dims.iter().filter_map(|(id, dim)| Some((dim.name.clone(), *outcome.data.dims.get(&id)?)));
    let truth = Truth {
        format: 1,
        model: &model.name,
        seed,
        dims: Ordered(dims.collect()),
        sites: arrays(&outcome.sites),
        definitions: arrays(&outcome.definitions),
        params: arrays(&outcome.params),
    };
    let text = to_string_pretty(&truth).map_err(|error| Bug(format!("truth.json: {error}")))?;
    Ok(text + "\n")
}

#[derive(Serialize)]
struct Truth<'a> {
    format: u32,
    model: &'a str,
    seed: u64,
    dims: Ordered<usize>,
    sites: Ordered<Nested>,
    definitions: Ordered<Nested>,
    params: Ordered<Nested>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_and_counts_have_no_point() {
        for x in [0.1, -3.0, 1e300, 1e-7, 2f64.powi(60), 0.0] {
            assert_eq!(number(x, "").parse::<f64>(), Ok(x));
        }
        assert_eq!((number(3.0, ""), number(f64::NAN, "null")), ("3".into(), "null".into()));
    }

    #[test]
    fn arrays_nest_rows_first() {
        let mut text = String::new();
        let values = Array::from_reals(vec![1.0, 2.0, 3.0, 4.5, 5.0, f64::NAN]);
        nested(&[2, 3], &values, &mut 0, &mut text);
        assert_eq!(text, "[[1, 2, 3], [4.5, 5, null]]");
    }
}
