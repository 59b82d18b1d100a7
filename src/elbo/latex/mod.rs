//! The bound as a LaTeX document. What is set is the printed notation itself, read back: the two cannot differ. What is
//! followed of an energy, which is no sum of terms, stands as it is printed.

use crate::elbo::print::{Told, objective_text, told};
use crate::elbo::{Elbo, Objective};

mod blocks;
mod parse;
mod set;
mod token;

use blocks::{Line, Section};
use set::{element, escape, text};

/// What is too wide for the page is made smaller until it fits: `\fit[share of the width]{formula}`.
const FIT: &str = "\\newsavebox{\\wide}
\\newcommand{\\fit}[2][.84]{\\sbox{\\wide}{$\\displaystyle #2$}%
  \\ifdim\\wd\\wide>#1\\linewidth\\resizebox{#1\\linewidth}{!}{\\usebox{\\wide}}\\else\\usebox{\\wide}\\fi}";

/// So many characters of what is printed as it stands fit on a line.
const COLUMNS: usize = 108;

/// A complete document of standard packages.
pub fn document(elbo: &Elbo) -> String {
    let told = told(elbo);
    let contrast = matches!(elbo.objective, Objective::Contrast(_));
    let what = if contrast { "gradient" } else { "bound" };
    let mut lines = vec![
        "\\documentclass{article}".to_string(),
        "\\usepackage[margin=2cm]{geometry}".into(),
        "\\usepackage{amsmath,amssymb,graphicx}".into(),
        FIT.into(),
        "\\setlength{\\parindent}{0pt}".into(),
        "\\begin{document}".into(),
        String::new(),
        format!("\\section*{{The {what} of \\texttt{{{}}}}}", escape(&elbo.model.name)),
    ];
    lines.extend(sizes(elbo));
    // An energy has no guide, and its conditionals stand with its blocks.
    if contrast {
        let printed = objective_text(elbo);
        let printed = printed.trim().lines().map(wrapped).collect::<Vec<_>>().join("\n");
        lines.extend(["{\\footnotesize", "\\begin{verbatim}", &printed].map(String::from));
        lines.extend(["\\end{verbatim}", "}", "\\end{document}"].map(String::from));
        return lines.join("\n") + "\n";
    }
    if !told.guide.is_empty() {
        lines.push(String::new());
        lines.push("Guide:".into());
        lines.extend(guide(&told));
    }
    let mut numbers = 0;
    for section in blocks::sections(&objective_text(elbo)) {
        lines.push(String::new());
        lines.push(format!("{}:", escape(&capital(&section.title))));
        lines.extend(terms(&section, numbers == 0));
        lines.extend(estimators(&section, &mut numbers));
    }
    if !told.definitions.is_empty() {
        lines.push("where".into());
        lines.extend(definitions(&told));
    }
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
        format!("  {} {sign} \\fit[.5]{{{}}}{remark}", math(&line.name), math(&line.factor))
    };
    aligned("align*", told.guide.iter().map(line).collect())
}

fn terms(section: &Section, first: bool) -> Vec<String> {
    let line = |(at, line): (usize, &Line)| {
        let head = match at {
            0 if first && section.title.starts_with("terms") => "\\mathcal{L} ={}&",
            _ => "&{}",
        };
        let sign = if at == 0 && line.sign == "+" { "" } else { line.sign.as_str() };
        let (beta, text) = match line.text.strip_prefix("beta ") {
            Some(rest) => ("\\beta \\, ", rest),
            None => ("", line.text.as_str()),
        };
        let words = line.words.iter().map(|words| format!(" \\quad {}", set::text(words))).collect::<String>();
        let scales = line.scales.iter().map(|scale| self::scale(scale)).collect::<String>();
        let sums = line.sums.iter().map(|sum| self::sum(sum)).collect::<String>();
        format!("  {head}{sign} \\fit{{{beta}{scales}{sums}{}{words}}}", math(text))
    };
    aligned("align", section.terms.iter().enumerate().map(line).collect())
}

/// `N/|batch|`: the factor of batched rows.
fn scale(text: &str) -> String {
    match text.split_once("/|batch") {
        Some((dim, "|")) => format!("\\frac{{{}}}{{|\\mathrm{{batch}}|}} ", math(dim)),
        Some((dim, _)) => format!("\\frac{{{0}}}{{|\\mathrm{{batch}}_{{{0}}}|}} ", math(dim)),
        None => text_of(text),
    }
}

/// `n in N`
fn sum(text: &str) -> String {
    match text.split_once(" in ").map(|(variable, size)| (variable, parse::parse(size))) {
        Some((variable, Some(size))) => format!("\\sum_{{{}}} ", element(variable, &size)),
        _ => text_of(text),
    }
}

fn text_of(words: &str) -> String {
    format!("{} ", set::text(words))
}

fn capital(title: &str) -> String {
    let mut letters = title.chars();
    // Names of sites keep theirs.
    match letters.next() {
        Some(first) if title.starts_with("terms") => first.to_uppercase().chain(letters).collect(),
        _ => title.into(),
    }
}

fn definitions(told: &Told) -> Vec<String> {
    let line = |(name, value): &(String, String)| format!("  {} &= \\fit{{{}}}", math(name), math(value));
    aligned("align*", told.definitions.iter().map(line).collect())
}

/// Why each term is estimated as it is, by the number of its line.
fn estimators(section: &Section, numbers: &mut usize) -> Vec<String> {
    let mut lines = vec![];
    for line in &section.terms {
        *numbers += 1;
        let reason =
            |(estimator, because): &(String, String)| format!("\\textbf{{{}}}: {}", escape(estimator), escape(because));
        let reasons: Vec<String> = line.reasons.iter().map(reason).collect();
        if !reasons.is_empty() {
            lines.push(format!("  \\item[({numbers})] {}.", reasons.join(". ")));
        }
    }
    if lines.is_empty() {
        return lines;
    }
    lines.insert(0, "\\begin{itemize}".into());
    lines.push("\\end{itemize}".into());
    lines
}

/// Sites whose draws are not differentiated through: what is averaged, and of what it is made.
fn gradients(told: &Told) -> Vec<String> {
    let mut lines = vec![];
    for line in &told.gradients {
        let particles = line.particles.as_ref().map(|n| format!(", {}", escape(n))).unwrap_or_default();
        lines.push(String::new());
        lines.push(format!("Gradient in ${}$ (\\textbf{{{}}}{particles}):", math(&line.name), escape(line.estimator)));
        let formula = parse::parse(&line.formula).map(|tree| format!("  & \\fit{{{}}}", set::set(&tree)));
        if formula.is_none() {
            lines.push(format!("{}.", escape(&line.formula)));
        }
        let mut body: Vec<String> = formula.into_iter().collect();
        for (at, (part, place)) in line.cost.iter().enumerate() {
            let (sign, rest) = part.split_at(1);
            let head = if at == 0 { "\\text{cost} = {}" } else { "\\quad {}" };
            let sign = if at == 0 && sign == "+" { "" } else { sign };
            let place = if place.is_empty() { String::new() } else { format!(" && {}", text(place)) };
            body.push(format!("  & {head}{sign} \\fit[.6]{{{}}}{place}", math(rest.trim())));
        }
        if !body.is_empty() {
            lines.extend(aligned("align*", body));
        }
        lines.push(format!("{}.", escape(&line.because)));
        lines.extend(line.baseline.as_ref().map(|baseline| format!("Baseline: {}.", escape(baseline))));
    }
    lines
}

/// A printed line, broken at blanks; what goes on stands four to the right.
fn wrapped(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let mut lines = vec![String::new()];
    // Columns are kept: several blanks in a row belong to what stands before them.
    for word in line.split_inclusive(' ') {
        let last = lines.len() - 1;
        if lines[last].chars().count() + word.trim_end().chars().count() > COLUMNS && !lines[last].trim().is_empty() {
            lines.push(" ".repeat(indent + 4));
        }
        lines.last_mut().into_iter().for_each(|line| line.push_str(word));
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

fn aligned(environment: &str, lines: Vec<String>) -> Vec<String> {
    let body = lines.join(" \\\\\n");
    vec![format!("\\begin{{{environment}}}"), body, format!("\\end{{{environment}}}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_at_blanks() {
        assert_eq!(wrapped("  short  as it is"), "  short  as it is");
        let words = "word ".repeat(60);
        let broken = wrapped(&format!("      {words}"));
        assert!(broken.lines().all(|line| line.len() <= COLUMNS && line.trim_end() == line), "{broken}");
        assert!(broken.lines().skip(1).all(|line| line.starts_with("          word")), "{broken}");
        assert_eq!(broken.split_whitespace().count(), 60);
    }
}
