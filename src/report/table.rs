//! The summary table of a terminal: one line an entry, numbers aligned.

use crate::report::{Nested, Param, Site, SiteDraws, Summary};

/// At most this many entries of an array are shown.
const SHOWN: usize = 10;

/// Sites, then params; long arrays end with a line that says what is left out.
pub fn summary_table(summary: &Summary) -> String {
    let corrected = summary.sites.0.iter().any(|(_, site)| match site {
        Site::Draws(draws) => draws.corrected_mean.is_some(),
        Site::Probabilities { .. } => false,
    });
    // A guide that is a point has one value of everything.
    let points = summary.elbo.is_none()
        && summary.sites.0.iter().all(|(_, site)| match site {
            Site::Draws(draws) => draws.sd.values.iter().all(|sd| *sd == 0.0),
            Site::Probabilities { .. } => true,
        });
    let mut head = vec!["site", "mean", "sd", "q05", "q50", "q95"];
    if points {
        head = vec!["site", "mode"];
    } else if corrected {
        head.extend(["corrected mean", "corrected sd"]);
    }
    let mut lines = vec![Line::Cells(head.into_iter().map(String::from).collect())];
    for (name, site) in &summary.sites.0 {
        match site {
            Site::Draws(draws) if points => value_lines(name, &draws.mean, &mut lines),
            Site::Draws(draws) => draw_lines(name, draws, corrected, &mut lines),
            Site::Probabilities { probabilities, .. } => value_lines(&format!("p({name})"), probabilities, &mut lines),
        }
    }
    let mut text = if summary.sites.0.is_empty() { String::new() } else { align(&lines) };
    if !summary.params.0.is_empty() {
        let mut lines = vec![Line::Cells(vec!["param".into(), "value".into()])];
        for (name, Param { value, .. }) in &summary.params.0 {
            value_lines(name, value, &mut lines);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&align(&lines));
    }
    if !summary.omitted.is_empty() {
        text.push_str(&format!("{}: in sites.safetensors\n", summary.omitted.join(", ")));
    }
    text
}

/// A line of the table: cells, or words that are not aligned.
pub(super) enum Line {
    Cells(Vec<String>),
    Words(String),
}

fn draw_lines(name: &str, draws: &SiteDraws, corrected: bool, lines: &mut Vec<Line>) {
    let mut arrays: Vec<Option<&Nested>> =
        [&draws.mean, &draws.sd, &draws.q05, &draws.q50, &draws.q95].into_iter().map(Some).collect();
    if corrected {
        arrays.extend([draws.corrected_mean.as_ref(), draws.corrected_sd.as_ref()]);
    }
    entry_lines(name, &draws.shape, &arrays, lines);
}

fn value_lines(name: &str, value: &Nested, lines: &mut Vec<Line>) {
    entry_lines(name, &value.shape, &[Some(value)], lines);
}

fn entry_lines(name: &str, shape: &[usize], arrays: &[Option<&Nested>], lines: &mut Vec<Line>) {
    let total: usize = shape.iter().product();
    // One more line is not worth leaving out.
    let shown = if total <= SHOWN + 1 { total } else { SHOWN };
    for i in 0..shown {
        let number = |array: &Option<&Nested>| array.and_then(|a| a.values.get(i)).map_or(String::new(), |v| print(*v));
        let cells = std::iter::once(format!("{name}{}", subscript(shape, i))).chain(arrays.iter().map(number));
        lines.push(Line::Cells(cells.collect()));
    }
    if shown < total {
        lines.push(Line::Words(format!("{name}: {} more entries in summary.json", total - shown)));
    }
}

fn subscript(shape: &[usize], mut at: usize) -> String {
    let mut index = vec![String::new(); shape.len()];
    for (axis, size) in shape.iter().enumerate().rev() {
        index[axis] = (at % size).to_string();
        at /= size;
    }
    if index.is_empty() { String::new() } else { format!("[{}]", index.join(", ")) }
}

/// Three decimals where that says enough, four for small numbers, else four digits with a power of ten.
pub(super) fn print(value: f64) -> String {
    let size = value.abs();
    match value {
        _ if !value.is_finite() || value == 0.0 || (0.01..100_000.0).contains(&size) => format!("{value:.3}"),
        _ if (0.001..0.01).contains(&size) => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    }
}

/// The first column to the left, numbers to the right.
pub(super) fn align(lines: &[Line]) -> String {
    let cells = || lines.iter().filter_map(|line| if let Line::Cells(cells) = line { Some(cells) } else { None });
    let columns = cells().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| cells().filter_map(|cells| cells.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let whole = match line {
            Line::Words(words) => words.clone(),
            Line::Cells(cells) => {
                let cell = |(c, cell): (usize, &String)| match c {
                    0 => format!("{cell:<width$}", width = widths[0]),
                    _ => format!("  {cell:>width$}", width = widths[c]),
                };
                cells.iter().enumerate().map(cell).collect()
            }
        };
        text.push_str(whole.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::summary::Summary as Told;
    use crate::report::{Outcome, Tensor};

    fn told(mean: f64) -> Told {
        Told { mean, sd: 3.1, q05: -0.7, q50: 4.4, q95: 9.5 }
    }

    fn summary() -> Summary {
        let mut summary = Summary::new("eight_schools", 0, "cpu");
        let mut mu = SiteDraws::new(&[], &[told(4.4)]);
        mu.corrected_mean = Some(Nested::new(&[], vec![4.397]));
        mu.corrected_sd = Some(Nested::new(&[], vec![3.318]));
        let theta: Vec<Told> = (0..12).map(|i| told(f64::from(i) * 1e5)).collect();
        summary.sites.0.push(("mu".into(), Site::Draws(Box::new(mu))));
        summary.sites.0.push(("theta".into(), Site::Draws(Box::new(SiteDraws::new(&[12], &theta)))));
        let pi = Nested::new(&[2], vec![0.25, 0.75]);
        summary.params.0.push(("pi".into(), Param { shape: vec![2], value: pi }));
        summary
    }

    #[test]
    fn numbers_are_aligned_and_long_arrays_cut() {
        let text = summary_table(&summary());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "site         mean     sd     q05    q50    q95  corrected mean  corrected sd");
        assert_eq!(lines[1], "mu          4.400  3.100  -0.700  4.400  9.500           4.397         3.318");
        assert_eq!(lines[3], "theta[1]  1.000e5  3.100  -0.700  4.400  9.500");
        assert_eq!(lines[12], "theta: 2 more entries in summary.json");
        assert_eq!(&lines[13..], ["", "param  value", "pi[0]  0.250", "pi[1]  0.750"]);
    }

    #[test]
    fn the_json_has_every_key_of_the_contract() {
        let value: serde_json::Value = serde_json::from_str(&summary().json()).unwrap();
        let keys = "format ppl model seed backend objective steps rows seconds converged elbo objective_value khat path \
                    path_because importance sites params omitted hashes checksums set dims interrupted ended checksum warnings";
        for key in keys.split_whitespace() {
            assert!(value.get(key).is_some(), "{key}");
        }
        assert_eq!(value["sites"]["mu"]["mean"], serde_json::json!(4.4));
        assert_eq!(value["sites"]["theta"]["corrected_sd"], serde_json::Value::Null);
        assert_eq!(value["params"]["pi"], serde_json::json!({"shape": [2], "value": [0.25, 0.75]}));
        assert_eq!(value["elbo"], serde_json::Value::Null);
    }

    #[test]
    fn arrays_that_are_too_long_go_elsewhere() {
        let mut summary = summary();
        let long = SiteDraws::new(&[10_001], &vec![told(1.0); 10_001]);
        summary.sites.0.push(("z".into(), Site::Draws(Box::new(long))));
        let outcome = Outcome { summary, params: vec![], trace: vec![], draws: Default::default() };
        let (outcome, tensors) = outcome.split();
        assert_eq!(outcome.summary.omitted, ["z"]);
        assert!(outcome.summary.sites.get("z").is_none() && outcome.summary.sites.get("mu").is_some());
        let names: Vec<&str> = tensors.iter().map(|Tensor { name, .. }| name.as_str()).collect();
        assert_eq!(names, ["z.mean", "z.sd", "z.q05", "z.q50", "z.q95"]);
    }
}
