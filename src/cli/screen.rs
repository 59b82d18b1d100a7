//! Standard output and standard error: colors, width, and pipes that close.

use std::io::{ErrorKind, IsTerminal, Write};

use crate::cli::End;
use crate::cli::args::Color;
use crate::problem::{Bug, Problem, Problems, Style};
use crate::report::Warning;
use crate::source::Source;

/// Where a command prints. Results go to standard output, everything said about them to standard error.
pub struct Screen {
    pub out_color: bool,
    pub err_color: bool,
    pub verbose: bool,
    width: usize,
}

impl Screen {
    pub fn new(color: Color, verbose: bool) -> Screen {
        let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(100);
        let out_color = colored(color, std::io::stdout().is_terminal());
        let err_color = colored(color, std::io::stderr().is_terminal());
        Screen { out_color, err_color, verbose, width: usize::clamp(width, 40, 120) }
    }

    /// Before the command line is understood.
    pub fn plain() -> Screen {
        Screen::new(Color::Auto, false)
    }

    /// Prints a result.
    pub fn out(&self, text: &str) -> Result<(), End> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(End::Closed),
            Err(error) => {
                self.err(&format!("standard output cannot be written: {error}\n"));
                Err(End::Failed)
            }
        }
    }

    /// Says something about the command. Nobody can be told when standard error is closed.
    pub fn err(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// How long a pass took, with `-v`.
    pub fn pass(&self, name: &str, seconds: f64) {
        if self.verbose {
            self.err(&format!("{name:<10} {:>9.3} ms\n", seconds * 1e3));
        }
    }

    pub fn problems(&self, problems: &Problems, source: &Source) {
        self.err(&problems.render(source, Style { color: self.err_color, width: self.width }));
    }

    /// A problem that points into no model.
    pub fn problem(&self, problem: impl Into<Problem>) {
        let mut problems = Problems::default();
        problems.push(problem);
        self.problems(&problems, &Source::new("", ""));
    }

    /// A warning of a finished fit, as it stands in its summary.
    pub fn warning(&self, warning: &Warning) {
        let (bold, plain) = if self.err_color { ("\x1b[33m", "\x1b[0m") } else { ("", "") };
        let help = warning.help.as_ref().map(|help| format!("  help: {help}\n")).unwrap_or_default();
        self.err(&format!("{bold}warning[{}]{plain}: {}\n{help}\n", warning.code, warning.message));
    }

    pub fn bug(&self, what: &str) {
        self.err(&format!(
            "\nThis is a bug in ppl {}, not in your model: {what}.\n\
             Please report it with the command, the model file and everything printed above.\n",
            env!("CARGO_PKG_VERSION")
        ));
    }
}

impl From<Bug> for End {
    fn from(bug: Bug) -> End {
        Screen::plain().bug(&bug.0);
        End::Bug
    }
}

/// The flag first, then <https://no-color.org>, then <https://bixense.com/clicolors>, then whether somebody looks.
fn colored(flag: Color, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match flag {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if no_color => false,
        Color::Auto => set("CLICOLOR_FORCE") || terminal,
    }
}
