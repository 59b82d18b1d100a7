//! `ppl check`: every mistake at once, with spans and fixes.

use serde_json::{Value, json};

use crate::cli::args::Check;
use crate::cli::compile::compile;
use crate::cli::screen::Screen;
use crate::cli::{End, Ended, file, fix};
use crate::problem::{Problem, Severity};
use crate::source::{Source, Span};

pub fn run(check: &Check, screen: &Screen) -> Ended {
    let (mut diagnostics, mut wrong) = (vec![], false);
    for path in &check.models {
        let mut source = file::model(path, screen)?;
        let mut compiled = compile(&source, &check.set, screen);
        if check.fix
            && !compiled.problems.has_errors()
            && let Some(fixed) = fix::fixed(&source, &compiled.problems, &check.set, screen)?
        {
            file::replace(path, &fixed.text, screen)?;
            if !check.json {
                screen.out(&fix::difference(&source, &fixed, screen.out_color))?;
            }
            source = fixed;
            compiled = compile(&source, &check.set, screen);
        }
        wrong |= compiled.problems.has_errors();
        match check.json {
            true => diagnostics.extend(compiled.problems.sorted().iter().map(|problem| diagnostic(problem, &source))),
            false => screen.problems(&compiled.problems, &source),
        }
    }
    if check.json {
        screen.out(&format!("{:#}\n", json!({ "diagnostics": diagnostics })))?;
    }
    if wrong { Err(End::Wrong) } else { Ok(()) }
}

fn diagnostic(problem: &Problem, source: &Source) -> Value {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let labels: Vec<Value> = problem.labels.iter().map(|label| place(label.span, &label.text, source)).collect();
    let fix = problem.fix.as_ref().map(|fix| {
        let edits: Vec<Value> = fix.edits.iter().map(|edit| place(edit.span, &edit.text, source)).collect();
        json!({ "title": fix.title, "edits": edits })
    });
    json!({
        "file": source.name, "code": problem.code, "severity": severity, "message": problem.message,
        "help": problem.help, "labels": labels, "fix": fix,
    })
}

/// Lines and columns count from 1, columns and lengths in characters.
fn place(span: Span, text: &str, source: &Source) -> Value {
    let (line, column) = source.position(span.start);
    let length = source.slice(span).chars().count();
    json!({ "line": line, "column": column, "length": length, "text": text })
}
