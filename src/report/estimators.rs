//! Measured gradient estimators, as a table and as JSON.

use serde_json::{Value, json};

use super::table::{Line, align};
use crate::elbo::Elbo;
use crate::elbo::because;
use crate::fit::Estimate;
use crate::fit::measure::{Block, Gap, Measured, Row, Told};

/// What was measured, and where.
pub struct Measurement<'a> {
    pub elbo: &'a Elbo,
    pub measured: &'a Measured,
    pub seed: u64,
    /// The run that the parameters are from; none at the start of a fit.
    pub run: Option<String>,
}

/// The head, then a table with a line for each estimator; with `blocks` one for each block of parameters below it.
pub fn estimators_table(of: &Measurement, blocks: bool) -> String {
    let Measured { reference, sites, .. } = of.measured;
    let mut text = format!("estimators {}\n", of.elbo.model.name);
    for (name, value) in head(of) {
        text.push_str(&format!("  {name:<11} {value}\n"));
    }
    let mut lines = vec![];
    for at in sites {
        lines.push(Line::Words(String::new()));
        let name = because::name(&of.elbo.model, at.site);
        let head = [name.as_str(), "bias", "variance", "cost", "variance x cost"];
        lines.push(Line::Cells(head.iter().map(|word| (*word).to_string()).collect()));
        for row in &at.rows {
            lines.push(line(row, reference.norm));
            if let (true, Ok(told)) = (blocks, &row.told) {
                let named = of.measured.blocks.iter().zip(&told.blocks);
                lines.extend(named.filter(|(block, _)| block.len > 0).map(|(block, gap)| block_line(block, gap)));
            }
        }
    }
    text + &align(&lines)
}

/// Where, against what, and how.
fn head(of: &Measurement) -> Vec<(&'static str, String)> {
    let Measured { samples, batch, reference, blocks, .. } = of.measured;
    let model = &of.elbo.model;
    let place = of.run.clone().unwrap_or_else(|| "the start of a fit".into());
    let rows = match batch {
        Some((dim, batch, rows)) => {
            format!("one batch, {batch} of {} = {rows}, the same for all", model.dims[*dim].name)
        }
        None => "all".into(),
    };
    let sites: Vec<String> = reference.enumerated.iter().map(|site| because::name(model, *site)).collect();
    let summed =
        if sites.is_empty() { String::new() } else { format!(", summed over the states of {}", because::list(&sites)) };
    let made = match reference.gradients {
        1 => format!("the exact gradient{summed}"),
        n => format!("the mean of {n} gradients{summed}"),
    };
    let count: usize = blocks.iter().map(|block| block.len).sum();
    let params = if count == 1 { "1 parameter".to_string() } else { format!("{count} parameters") };
    vec![
        ("at", format!("{place}; rows: {rows}")),
        ("reference", format!("{made}, of size {} over {params}", short(reference.norm))),
        ("each", format!("{samples} gradients, seed {}", of.seed)),
        ("bias", "how far their mean is from the reference \u{b1} how far its noise alone would take it".into()),
        ("cost", "evaluations of a row's cost for one gradient".into()),
    ]
}

fn line(row: &Row, norm: f64) -> Line {
    let name = format!("  {}", row.request);
    let Told { all, .. } = match &row.told {
        Ok(told) => told,
        Err(why) => return Line::Words(format!("{name}: not measured, {why}")),
    };
    let Gap { bias, variance, .. } = all;
    let mut cells = vec![name, plus_minus(bias, norm), tidy(variance.mean, norm * norm), row.cost.to_string()];
    cells.push(tidy(variance.mean * row.cost as f64, norm * norm));
    // To the left of its column.
    cells.push(format!("{:<40}", notes(row)));
    Line::Cells(cells)
}

fn notes(row: &Row) -> String {
    let notes = [(row.chosen, "the compiler's choice"), (row.asked, "asked for"), (row.biased, "biased")];
    let notes: Vec<&str> = notes.iter().filter(|(is, _)| *is).map(|(_, note)| *note).collect();
    notes.join(", ")
}

fn block_line(block: &Block, gap: &Gap) -> Line {
    let variance = tidy(gap.variance.mean, block.norm * block.norm);
    Line::Cells(vec![format!("    {}", block.name), plus_minus(&gap.bias, block.norm), variance])
}

/// Rounding beside gradients of some size is told as 0.
fn tidy(value: f64, size: f64) -> String {
    if value.abs() <= ROUNDING * size { "0".into() } else { short(value) }
}

const ROUNDING: f64 = 1e-12;

fn plus_minus(bias: &Estimate, norm: f64) -> String {
    match bias.mean.max(bias.se) <= ROUNDING * norm {
        true => "0".into(),
        false => format!("{} \u{b1} {}", short(bias.mean), short(bias.se)),
    }
}

/// Three digits.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if (0.001..0.01).contains(&size) => format!("{value:.5}"),
        size if (0.01..0.1).contains(&size) => format!("{value:.4}"),
        size if (0.1..1.0).contains(&size) => format!("{value:.3}"),
        size if (1.0..10.0).contains(&size) => format!("{value:.2}"),
        size if (10.0..100.0).contains(&size) => format!("{value:.1}"),
        size if (100.0..1e6).contains(&size) => format!("{value:.0}"),
        _ => format!("{value:.2e}"),
    }
}

/// The same and more, for programs.
pub fn estimators_json(of: &Measurement) -> String {
    let Measured { samples, batch, reference, blocks, sites } = of.measured;
    let model = &of.elbo.model;
    let name = |site: &crate::math::SiteId| model.sites[site.index()].name.clone();
    let rows = batch.map(|(dim, batch, of)| json!({ "dim": model.dims[dim].name, "batch": batch, "of": of }));
    let sites: Vec<Value> = sites
        .iter()
        .map(|at| {
            let rows: Vec<Value> = at.rows.iter().map(|row| row_json(row, blocks)).collect();
            json!({ "site": name(&at.site), "estimators": rows })
        })
        .collect();
    let value = json!({
        "model": model.name, "run": of.run, "seed": of.seed, "samples": samples, "batch": rows,
        "reference": {
            "exact": reference.gradients == 1, "gradients": reference.gradients, "norm": reference.norm,
            "enumerated": reference.enumerated.iter().map(name).collect::<Vec<_>>(),
        },
        "sites": sites,
    });
    format!("{value:#}\n")
}

fn row_json(row: &Row, blocks: &[Block]) -> Value {
    let mut value = json!({
        "estimator": row.request.to_string(), "chosen": row.chosen, "asked": row.asked, "biased": row.biased,
        "cost": row.cost, "not_measured": row.told.as_ref().err(),
    });
    if let Ok(told) = &row.told {
        value["bias"] = estimate(&told.all.bias);
        value["variance"] = estimate(&told.all.variance);
        value["variance_times_cost"] = json!(told.all.variance.mean * row.cost as f64);
        let block = |(block, gap): (&Block, &Gap)| {
            json!({ "params": block.name, "count": block.len, "norm": block.norm,
                    "bias": estimate(&gap.bias), "variance": estimate(&gap.variance) })
        };
        value["blocks"] = blocks.iter().zip(&told.blocks).filter(|(b, _)| b.len > 0).map(block).collect();
    }
    value
}

fn estimate(of: &Estimate) -> Value {
    json!({ "value": of.mean, "se": of.se })
}
