//! `ppl check --fix`: the safe fixes of warnings, and the difference they make.

use similar::{ChangeTag, TextDiff};

use crate::cli::End;
use crate::cli::args::Set;
use crate::cli::compile::compile;
use crate::cli::screen::Screen;
use crate::problem::{Bug, Edit, Problems, Severity};
use crate::source::Source;

/// A fix may make room for another: more rounds than this is a fix that asks for itself.
const ROUNDS: usize = 20;

/// The text with every fix applied; `None` where there is none. A fix never brings an error in.
pub fn fixed(source: &Source, problems: &Problems, set: &Set, screen: &Screen) -> Result<Option<Source>, End> {
    let mut text = source.clone();
    let mut problems = problems.clone();
    for _ in 0..ROUNDS {
        let edits = edits(&problems);
        if edits.is_empty() {
            return Ok((text != *source).then_some(text));
        }
        text = Source::new(source.name.clone(), apply(&text.text, edits));
        problems = compile(&text, set, screen).problems;
        if problems.has_errors() {
            screen.problems(&problems, &text);
            return Err(Bug("a fix brought these errors in; the file was left as it was".into()).into());
        }
    }
    Err(Bug("fixes that never end; the file was left as it was".into()).into())
}

/// The edits of the first fixes that do not overlap; the others wait for the next round.
fn edits(problems: &Problems) -> Vec<Edit> {
    let mut chosen: Vec<Edit> = vec![];
    for problem in problems.sorted().into_iter().filter(|problem| problem.severity == Severity::Warning) {
        let Some(fix) = problem.fix else { continue };
        let apart = |edit: &Edit| {
            chosen.iter().all(|other| edit.span.end < other.span.start || other.span.end < edit.span.start)
        };
        if fix.edits.iter().all(apart) {
            chosen.extend(fix.edits);
        }
    }
    chosen.sort_by_key(|edit| edit.span);
    chosen
}

/// From the end, so that earlier spans stay true.
fn apply(text: &str, edits: Vec<Edit>) -> String {
    let mut text = text.to_string();
    for edit in edits.into_iter().rev() {
        text.replace_range(edit.span.start..edit.span.end, &edit.text);
    }
    text
}

/// A unified difference.
pub fn difference(old: &Source, new: &Source, color: bool) -> String {
    let diff = TextDiff::from_lines(old.text.as_ref(), new.text.as_ref());
    let mut text = format!("--- {}\n+++ {} (fixed)\n", old.name, new.name);
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        text.push_str(&format!("{}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let (sign, paint) = match change.tag() {
                ChangeTag::Delete => ('-', "\x1b[31m"),
                ChangeTag::Insert => ('+', "\x1b[32m"),
                ChangeTag::Equal => (' ', ""),
            };
            let line = change.value().trim_end_matches('\n');
            match color && !paint.is_empty() {
                true => text.push_str(&format!("{paint}{sign}{line}\x1b[0m\n")),
                false => text.push_str(&format!("{sign}{line}\n")),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Fix, Problem};
    use crate::source::Span;

    fn fix(edits: &[(usize, usize, &str)]) -> Problem {
        let edit =
            |(start, end, text): &(usize, usize, &str)| Edit { span: Span::new(*start, *end), text: text.to_string() };
        let fix = Fix { title: "t".into(), edits: edits.iter().map(edit).collect() };
        Problem::warning("ppl::model::funnel", "m").label(Span::new(edits[0].0, edits[0].1), "").fix(fix)
    }

    #[test]
    fn overlapping_fixes_wait() {
        let mut problems = Problems::default();
        problems.push(fix(&[(0, 1, "X"), (4, 5, "Y")]));
        problems.push(fix(&[(4, 6, "Z")]));
        let edits = edits(&problems);
        assert_eq!(edits.len(), 2);
        assert_eq!(apply("abcdef", edits), "XbcdYf");
    }

    #[test]
    fn the_difference_is_unified() {
        let (old, new) = (Source::new("m.vi", "a\nb\nc\n"), Source::new("m.vi", "a\nB\nc\n"));
        assert_eq!(difference(&old, &new, false), "--- m.vi\n+++ m.vi (fixed)\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
    }
}
