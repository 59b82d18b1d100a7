//! Progress of a fit: a bar where somebody looks, else a line now and then.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::screen::Screen;
use crate::fit::{Event, Phase};

/// Without a terminal, a line this often.
const EVERY: Duration = Duration::from_secs(10);

/// Shows events as they come.
pub struct Progress<'a> {
    screen: &'a Screen,
    shown: Shown,
}

enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines { start: Instant, next: Instant },
}

impl<'a> Progress<'a> {
    /// `steps` is how many there will be, where that is known.
    pub fn new(screen: &'a Screen, quiet: bool, steps: Option<usize>) -> Progress<'a> {
        use std::io::IsTerminal;
        let now = Instant::now();
        let shown = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Shown::Nothing,
            (false, false) => Shown::Lines { start: now, next: now + EVERY },
            (false, true) => Shown::Bar(bar(steps, screen.err_color)),
        };
        Progress { screen, shown }
    }

    pub fn event(&mut self, event: &Event) {
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                bar.set_message(message(event));
                bar.set_position(event.step as u64);
            }
            Shown::Lines { start, next } => {
                let now = Instant::now();
                if now >= *next {
                    *next = now + EVERY;
                    let seconds = (now - *start).as_secs();
                    self.screen.err(&format!("step {}, {seconds} s, {}\n", event.step, message(event)));
                }
            }
        }
    }

    pub fn finish(self) {
        if let Shown::Bar(bar) = self.shown {
            bar.finish_and_clear();
        }
    }
}

/// Progress of files that are fetched: a bar where somebody looks, else a line a file.
#[cfg(feature = "fetch")]
pub struct Bytes<'a> {
    screen: &'a Screen,
    set: &'static str,
    bar: Option<ProgressBar>,
    file: &'static str,
}

#[cfg(feature = "fetch")]
impl<'a> Bytes<'a> {
    pub fn new(screen: &'a Screen, set: &'static str) -> Bytes<'a> {
        use std::io::IsTerminal;
        let paint = if screen.err_color { ".cyan" } else { "" };
        let template =
            format!("{{msg}}  {{bar:24{paint}}}  {{bytes}}/{{total_bytes}}  {{bytes_per_sec}}  {{eta}} left");
        let bar = std::io::stderr().is_terminal().then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(10);
            let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::with_draw_target(Some(0), target).with_style(style)
        });
        Bytes { screen, set, bar, file: "" }
    }

    pub fn show(&mut self, file: &crate::data::named::RemoteFile, bytes: u64) {
        let begins = self.file != file.name;
        self.file = file.name;
        match &self.bar {
            Some(bar) => {
                if begins {
                    bar.reset();
                    bar.set_length(file.bytes);
                    bar.set_message(format!("{} {}", self.set, file.name));
                }
                bar.set_position(bytes);
            }
            None if begins => {
                let megabytes = file.bytes as f64 / 1e6;
                self.screen.err(&format!("fetching {} {}, {megabytes:.1} MB\n", self.set, file.name));
            }
            None => {}
        }
    }

    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(steps: Option<usize>, color: bool) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(10);
    let paint = if color { ".cyan" } else { "" };
    let (bar, template) = match steps {
        Some(steps) => (
            ProgressBar::with_draw_target(Some(steps as u64), target),
            format!("{{bar:24{paint}}} {{pos}}/{{len}} steps  {{msg}}  {{per_sec}}  {{eta}} left"),
        ),
        None => (
            ProgressBar::with_draw_target(None, target),
            format!("{{spinner{paint}}} {{pos}} steps  {{msg}}  {{per_sec}}  {{elapsed}}"),
        ),
    };
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}

fn message(event: &Event) -> String {
    let phase = match event.phase {
        Phase::Start => "start".into(),
        Phase::Stage { stage, draws } => format!("stage {stage}, {draws} draws"),
        Phase::Check { stage } => format!("checking stage {stage}"),
        Phase::Weigh => "weighing draws".into(),
        Phase::Stochastic => String::new(),
        Phase::Mode => "looking for the mode".into(),
    };
    let bound = if event.bound.is_finite() { format!("bound {:.3}", event.bound) } else { String::new() };
    [bound, phase].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}
