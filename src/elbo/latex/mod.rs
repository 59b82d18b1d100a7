//! The bound as a LaTeX document. What is set is the printed notation itself, read back: the two cannot differ.

use crate::elbo::Elbo;
use crate::elbo::print::{TermLine, Told, told};
use crate::math::print::Names;
use crate::shape::AxisId;

mod parse;
mod set;
mod token;

use set::{element, escape, text};

/// A complete document of standard packages.
pub fn document(elbo: &Elbo) -> String {
    let told = told(elbo);
    let mut lines = vec![
        "\\documentclass{article}".to_string(),
        "\\usepackage[margin=2cm]{geometry}".into(),
        "\\usepackage{amsmath,amssymb}".into(),
        "\\setlength{\\parindent}{0pt}".into(),
        "\\begin{document}".into(),
        String::new(),
        format!("\\section*{{The bound of \\texttt{{{}}}}}", escape(&elbo.model.name)),
    ];
    lines.extend(sizes(elbo));
    if !told.guide.is_empty() {
        lines.push(String::new());
        lines.push("Guide:".into());
        lines.extend(guide(&told));
    }
    lines.push(String::new());
    lines.push("Maximized:".into());
    lines.extend(terms(elbo, &told));
    if !told.definitions.is_empty() {
        lines.push("where".into());
        lines.extend(definitions(&told));
    }
    lines.push("Estimators:".into());
    lines.extend(estimators(&told));
    lines.extend(gradients(&told));
    lines.push("\\end{document}".into());
    lines.join("\n") + "\n"
}

/// Mathematics where it reads as such, else words.
fn math(printed: &str) -> String {
    parse::parse(printed).map_or_else(|| text(printed), |tree| set::set(&tree))
}

fn sizes(elbo: &Elbo) -> Option<String> {
    let dims = &elbo.model.dims;
    let one = |dim: &crate::shape::Dim| match &dim.value {
        Some(value) => format!("${} = {}$", math(&dim.name), math(&value.print(dims))),
        None => format!("${}$", math(&dim.name)),
    };
    let list: Vec<String> = dims.iter().map(|(_, dim)| one(dim)).collect();
    (!list.is_empty()).then(|| format!("Sizes: {}.", list.join(", ")))
}

fn guide(told: &Told) -> Vec<String> {
    let line = |line: &crate::elbo::print::GuideLine| {
        let sign = match line.treatment {
            "summed_out" | "leaf" => "&\\quad",
            _ => "&\\sim",
        };
        let remark = if line.remark.is_empty() { String::new() } else { format!(" && {}", text(&line.remark)) };
        format!("  {} {sign} {}{remark}", math(&line.name), math(&line.factor))
    };
    aligned("align*", told.guide.iter().map(line).collect())
}

fn terms(elbo: &Elbo, told: &Told) -> Vec<String> {
    let line = |(at, term): (usize, &TermLine)| {
        let sign = match (at, term.sign) {
            (0, '+') => "\\mathcal{L} ={}&".into(),
            (0, _) => "\\mathcal{L} ={}& -".into(),
            (_, sign) => format!("&{{}}{sign}"),
        };
        format!("  {sign} {}{}{}", scale(term), sums(elbo, &term.plates), math(&term.text))
    };
    aligned("align", told.terms.iter().enumerate().map(line).collect())
}

/// The factor of batched rows.
fn scale(term: &TermLine) -> String {
    match term.scale.as_slice() {
        [] => String::new(),
        [dim] => format!("\\frac{{{}}}{{|\\mathrm{{batch}}|}} ", math(dim)),
        many => many.iter().map(|dim| format!("\\frac{{{0}}}{{|\\mathrm{{batch}}_{0}|}} ", math(dim))).collect(),
    }
}

fn sums(elbo: &Elbo, plates: &[AxisId]) -> String {
    let words = crate::elbo::print::Words { model: &elbo.model, axes: &elbo.axes };
    let one = |axis: &AxisId| {
        let axis = &words.axes()[*axis];
        let size = parse::parse(&axis.size.print(&elbo.model.dims));
        size.map_or(String::new(), |size| format!("\\sum_{{{}}} ", element(&axis.name, &size)))
    };
    plates.iter().map(one).collect()
}

fn definitions(told: &Told) -> Vec<String> {
    let line = |(name, value): &(String, String)| format!("  {} &= {}", math(name), math(value));
    aligned("align*", told.definitions.iter().map(line).collect())
}

/// Why each term is estimated as it is, by the number of its line.
fn estimators(told: &Told) -> Vec<String> {
    let mut lines = vec!["\\begin{enumerate}".to_string()];
    for term in &told.terms {
        let choice =
            |(estimator, because): &(&str, String)| format!("\\textbf{{{}}}: {}", escape(estimator), escape(because));
        lines.push(format!("  \\item {}.", term.choices.iter().map(choice).collect::<Vec<_>>().join(". ")));
    }
    lines.push("\\end{enumerate}".into());
    lines
}

/// Sites whose draws are not differentiated through: what is averaged, and of what it is made.
fn gradients(told: &Told) -> Vec<String> {
    let mut lines = vec![];
    for line in &told.gradients {
        let particles = line.particles.as_ref().map(|n| format!(", {}", escape(n))).unwrap_or_default();
        lines.push(String::new());
        lines.push(format!("Gradient in ${}$ (\\textbf{{{}}}{particles}):", math(&line.name), escape(line.estimator)));
        let formula = parse::parse(&line.formula).map(|tree| format!("  & {}", set::set(&tree)));
        if formula.is_none() {
            lines.push(format!("{}.", escape(&line.formula)));
        }
        let mut body: Vec<String> = formula.into_iter().collect();
        for (at, (part, place)) in line.cost.iter().enumerate() {
            let (sign, rest) = part.split_at(1);
            let head = if at == 0 { "\\text{cost} = {}" } else { "\\quad {}" };
            let place = if place.is_empty() { String::new() } else { format!(" && {}", text(place)) };
            body.push(format!("  & {head}{sign} {}{place}", math(rest.trim())));
        }
        if !body.is_empty() {
            lines.extend(aligned("align*", body));
        }
        lines.push(format!("{}.", escape(&line.because)));
        lines.extend(line.baseline.as_ref().map(|baseline| format!("Baseline: {}.", escape(baseline))));
    }
    lines
}

fn aligned(environment: &str, lines: Vec<String>) -> Vec<String> {
    let body = lines.join(" \\\\\n");
    vec![format!("\\begin{{{environment}}}"), body, format!("\\end{{{environment}}}")]
}
