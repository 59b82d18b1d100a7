//! How we say it: problems as data, collected, sorted and rendered.

use crate::source::{Source, Span};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// What one span is, in the words of the message.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// A change that mends the problem. `ppl check --fix` applies those of warnings, which are all safe.
#[derive(Debug, Clone, PartialEq)]
pub struct Fix {
    pub title: String,
    pub edits: Vec<Edit>,
}

/// One thing wrong with what the user gave us. Made by the `problems.rs` of a layer from its enum of facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// `ppl::<layer>::<what>`
    pub code: &'static str,
    pub severity: Severity,
    /// A title that stands alone.
    pub message: String,
    pub labels: Vec<Label>,
    /// What to type.
    pub help: Option<String>,
    pub fix: Option<Fix>,
}

impl Problem {
    pub fn error(code: &'static str, message: impl Into<String>) -> Problem {
        Problem { code, severity: Severity::Error, message: message.into(), labels: vec![], help: None, fix: None }
    }

    pub fn warning(code: &'static str, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..Problem::error(code, message) }
    }

    /// Legal in the language, and not there yet.
    pub fn is_limitation(&self) -> bool {
        self.code.starts_with("ppl::limitation::")
    }

    pub fn label(mut self, span: Span, text: impl Into<String>) -> Problem {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    pub fn help(mut self, text: impl Into<String>) -> Problem {
        self.help = Some(text.into());
        self
    }

    pub fn fix(mut self, fix: Fix) -> Problem {
        self.fix = Some(fix);
        self
    }
}

/// All problems of one compilation: collected, never thrown one by one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Problems {
    list: Vec<Problem>,
}

impl Problems {
    pub fn push(&mut self, problem: impl Into<Problem>) {
        self.list.push(problem.into());
    }

    pub fn extend(&mut self, other: Problems) {
        self.list.extend(other.list);
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|p| p.severity == Severity::Error)
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// In the order of the text, each once.
    pub fn sorted(&self) -> Vec<Problem> {
        let mut list = self.list.clone();
        list.sort_by_key(|p| (p.labels.first().map_or(usize::MAX, |l| l.span.start), p.severity, p.code));
        list.dedup();
        list
    }

    /// The full text a person reads: one block a problem.
    pub fn render(&self, source: &Source, style: Style) -> String {
        self.sorted().iter().map(|p| render(p, source, style)).collect()
    }
}

/// How a problem is drawn; the same words in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub color: bool,
    pub width: usize,
}

/// A broken invariant of ours: never the user's fault, exit code 70.
#[derive(Debug, Clone, PartialEq)]
pub struct Bug(pub String);

impl std::fmt::Display for Bug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a bug in ppl: {}", self.0)
    }
}

impl std::error::Error for Bug {}

fn render(problem: &Problem, source: &Source, style: Style) -> String {
    use miette::{GraphicalReportHandler, GraphicalTheme, MietteDiagnostic, NamedSource, Report};
    let severity = match problem.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    };
    let mut diagnostic = MietteDiagnostic::new(&problem.message).with_code(problem.code).with_severity(severity);
    for label in &problem.labels {
        let length = label.span.end.saturating_sub(label.span.start);
        diagnostic = diagnostic.and_label(miette::LabeledSpan::new(Some(label.text.clone()), label.span.start, length));
    }
    if let Some(help) = &problem.help {
        diagnostic = diagnostic.with_help(help);
    }
    let theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(style.width).with_context_lines(1);
    let report = Report::new(diagnostic);
    let report = if problem.labels.is_empty() {
        report
    } else {
        report.with_source_code(NamedSource::new(&source.name, source.text.to_string()))
    };
    let mut text = String::new();
    // Writing into a String does not fail.
    let _ = handler.render_report(&mut text, report.as_ref());
    text.push('\n');
    text
}
