//! The printed sections of an objective, read back: titles, terms with their places, and the reasons below them.

/// Lines under one title.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Section {
    pub title: String,
    pub terms: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    /// `+` or `-`
    pub sign: String,
    /// On one line.
    pub text: String,
    /// Variables with their dims, outermost first: `n in N`.
    pub sums: Vec<String>,
    /// `N/|batch|`
    pub scales: Vec<String>,
    /// Other words in the right column.
    pub words: Vec<String>,
    /// An estimator with the reason for it.
    pub reasons: Vec<(String, String)>,
}

/// How far reasons stand from the left; what goes on with a term stands further.
const REASON: usize = 6;

pub fn sections(text: &str) -> Vec<Section> {
    let mut list: Vec<Section> = vec![];
    for line in text.lines().filter(|line| !line.is_empty()) {
        let indent = line.len() - line.trim_start().len();
        let terms = list.last_mut().map(|section| &mut section.terms);
        match (indent, terms) {
            (0, _) | (_, None) => list.push(Section { title: line.trim().into(), terms: vec![] }),
            (2, Some(terms)) => terms.push(term(line)),
            (REASON, Some(terms)) => {
                let (word, because) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
                let reason = (word.to_string(), because.trim().to_string());
                terms.iter_mut().last().into_iter().for_each(|term| term.reasons.push(reason.clone()));
            }
            (_, Some(terms)) => {
                terms
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|term| term.text = format!("{} {}", term.text, line.trim()));
            }
        }
    }
    list
}

fn term(line: &str) -> Line {
    let (sign, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let (text, place) = rest.split_once("   ").unwrap_or((rest, ""));
    let mut found = Line { sign: sign.into(), text: text.trim().into(), ..Line::default() };
    for part in place.split(", ").map(str::trim).filter(|part| !part.is_empty()) {
        match (part.strip_prefix("sum "), part.strip_prefix("scale ")) {
            (Some(sum), _) => found.sums.push(sum.into()),
            (None, Some(scale)) => found.scales.extend(scales(scale)),
            (None, None) => found.words.push(part.into()),
        }
    }
    found
}

/// `N/|batch N| M/|batch M|`, one each.
fn scales(text: &str) -> Vec<String> {
    text.split_inclusive('|').collect::<Vec<_>>().chunks(2).map(|pair| pair.concat().trim().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_back() {
        let text = "\nterms, maximized\n  + E_q[ log sum over c of      sum n in N, scale N/|batch N| M/|batch M|\n          \
                    * p(c) ]\n      analytic     it is\n\nlog w, with\n  - KL( q || p )      all rows\n";
        let found = sections(text);
        assert_eq!(found.len(), 2);
        let term = &found[0].terms[0];
        assert_eq!((term.sign.as_str(), term.text.as_str()), ("+", "E_q[ log sum over c of * p(c) ]"));
        assert_eq!(
            (&term.sums, &term.scales),
            (&vec!["n in N".into()], &vec!["N/|batch N|".into(), "M/|batch M|".into()])
        );
        assert_eq!(term.reasons, [("analytic".to_string(), "it is".to_string())]);
        assert_eq!((found[1].title.as_str(), &found[1].terms[0].words), ("log w, with", &vec!["all rows".to_string()]));
    }
}
