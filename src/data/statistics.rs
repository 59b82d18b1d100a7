//! Statistics of a column over all rows, entry by entry: each is the same in every row.

use crate::data::cells::Cell;
use crate::data::problems::ColumnProblem;
use crate::source::Span;

/// A statistic over all rows that are not missing, entry by entry.
pub fn statistic(name: &str, span: Span, cell: &Cell) -> Result<Vec<f64>, ColumnProblem> {
    if cell.rows.is_none() {
        let message = format!("`{name}` runs over the rows of a column, and this is the same in every row");
        return Err(ColumnProblem::Expression { span, message, help: None });
    }
    Ok(match name {
        "min" => fold(cell, f64::INFINITY, |_, least, v| least.min(v)).0,
        "max" => fold(cell, f64::NEG_INFINITY, |_, most, v| most.max(v)).0,
        "mean" => mean(cell),
        _ => {
            let centre = mean(cell);
            let (sums, counts) = fold(cell, 0.0, |i, sum, v| sum + (v - centre[i]).powi(2));
            sums.iter().zip(&counts).map(|(sum, n)| (sum / n).sqrt()).collect()
        }
    })
}

fn mean(cell: &Cell) -> Vec<f64> {
    let (sums, counts) = fold(cell, 0.0, |_, sum, v| sum + v);
    sums.iter().zip(&counts).map(|(sum, n)| sum / n).collect()
}

/// Entry by entry over the rows that are there, and how many those are.
fn fold(cell: &Cell, start: f64, f: impl Fn(usize, f64, f64) -> f64) -> (Vec<f64>, Vec<f64>) {
    let width = cell.width();
    let (mut state, mut counts) = (vec![start; width], vec![0.0; width]);
    cell.blocks(|_, block| {
        for row in block.chunks_exact(width.max(1)) {
            for (i, v) in row.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
                state[i] = f(i, state[i], *v);
                counts[i] += 1.0;
            }
        }
    });
    (state, counts)
}
