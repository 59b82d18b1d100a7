//! Watches a fit for its run: traces it, keeps its state now and then, and passes on what Ctrl-C asks for.

use std::time::{Duration, Instant};

use crate::fit::{Control, Event, Phase, State, Watch};
use crate::problem::Bug;
use crate::report::TraceRow;
use crate::run::{Kept, Run, RunProblem, Store};

/// At least, and at most, so long lies between two states that are kept of a fit that takes its time.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// Keeping states takes no more than this part of the time.
const SHARE: u32 = 20;

/// Who looks on.
pub struct Desk<'a> {
    /// Hears every event.
    pub show: &'a mut dyn FnMut(&Event),
    /// Whether somebody asked to stop.
    pub stop: &'a dyn Fn() -> bool,
}

/// The state of a fit is written where something asks for it: time that went by, Ctrl-C, or the end.
pub struct Keeper<'a, 'd, S: Store> {
    run: &'a mut Run<S>,
    desk: &'a mut Desk<'d>,
    kept: Kept,
    per_epoch: Option<usize>,
    pub trace: Vec<TraceRow>,
    /// Of the loop, with those of the fits before that this one goes on with.
    pub seconds: f64,
    clock: Clock,
    /// Why the last state could not be kept.
    pub lost: Option<Lost>,
    /// Whether any state beyond the start was kept.
    pub has_steps: bool,
}

struct Clock {
    start: Instant,
    before: f64,
    next: Instant,
    /// The time between two states, where it does not follow from what a state costs.
    pace: Option<Duration>,
}

/// Why a state could not be kept.
#[derive(Debug)]
pub enum Lost {
    Run(RunProblem),
    Bug(Bug),
}

impl<'a, 'd, S: Store> Keeper<'a, 'd, S> {
    pub fn new(run: &'a mut Run<S>, kept: Kept, desk: &'a mut Desk<'d>, per_epoch: Option<usize>) -> Keeper<'a, 'd, S> {
        let (trace, before) = traced(&kept.state);
        let start = Instant::now();
        let clock = Clock { start, before, next: start + FIRST, pace: None };
        let has_steps = !kept.state.part("fit").is_empty();
        Keeper { run, desk, kept, per_epoch, trace, seconds: before, clock, lost: None, has_steps }
    }

    /// Keeps a state this often.
    #[cfg(test)]
    pub fn at_pace(mut self, pace: Duration) -> Keeper<'a, 'd, S> {
        self.clock.pace = Some(pace);
        self.clock.next = self.clock.start + pace;
        self
    }

    /// Where the fit was that this one goes on with.
    pub fn from(&self) -> State {
        State { buffers: self.kept.state.part("fit") }
    }

    fn keep(&mut self, fit: State) {
        let began = Instant::now();
        self.kept.state = whole(fit, &self.trace, self.seconds);
        let written = self.kept.bytes().map_err(Lost::Bug);
        self.lost = written.and_then(|bytes| self.run.keep(&bytes).map_err(Lost::Run)).err();
        self.has_steps |= self.lost.is_none();
        // The longer a fit has taken, the more of it may be lost: a tenth of it, or a minute.
        let wait = ((began - self.clock.start) / 10).min(LONGEST).max(SHARE * began.elapsed());
        self.clock.next = Instant::now() + self.clock.pace.unwrap_or(wait.max(FIRST));
    }
}

impl<S: Store> Watch for Keeper<'_, '_, S> {
    fn event(&mut self, event: &Event) -> Control {
        // The loop is over when its draws are weighed: that event has no bound.
        if event.phase != Phase::Weigh {
            self.seconds = self.clock.before + self.clock.start.elapsed().as_secs_f64();
            let epoch = self.per_epoch.map(|n| event.step as f64 / n as f64);
            // A search that begins again, because it is short, says again what it said.
            self.trace.truncate(self.trace.partition_point(|row| row.step < event.step));
            let Event { step, bound: elbo, ess, .. } = *event;
            self.trace.push(TraceRow { step, epoch, seconds: self.seconds, elbo, ess });
        }
        (self.desk.show)(event);
        Control::Continue
    }

    fn step(&mut self, state: &dyn Fn() -> State) -> Control {
        let stop = (self.desk.stop)();
        if stop || Instant::now() >= self.clock.next {
            self.keep(state());
        }
        if stop { Control::Stop } else { Control::Continue }
    }

    fn end(&mut self, state: &dyn Fn() -> State) {
        self.keep(state());
    }
}

/// The fit's state, and beside it what was traced.
fn whole(fit: State, trace: &[TraceRow], seconds: f64) -> State {
    let mut state = State::default();
    state.put_part("fit", fit.buffers);
    let column = |of: fn(&TraceRow) -> f64| trace.iter().map(of).collect::<Vec<f64>>();
    state.put("trace.step", column(|row| row.step as f64));
    state.put("trace.epoch", column(|row| row.epoch.unwrap_or(f64::NAN)));
    state.put("trace.seconds", column(|row| row.seconds));
    state.put("trace.elbo", column(|row| row.elbo));
    state.put("trace.ess", column(|row| row.ess.unwrap_or(f64::NAN)));
    state.put("seconds", [seconds]);
    state
}

fn traced(state: &State) -> (Vec<TraceRow>, f64) {
    let column = |name: &str| state.get(name).unwrap_or(&[]);
    let [steps, epochs] = [column("trace.step"), column("trace.epoch")];
    let [seconds, elbos, ess] = [column("trace.seconds"), column("trace.elbo"), column("trace.ess")];
    let known = |column: &[f64], at: usize| column.get(at).copied().filter(|value| !value.is_nan());
    let row = |at: usize| TraceRow {
        step: steps[at] as usize,
        epoch: known(epochs, at),
        seconds: seconds[at],
        elbo: elbos[at],
        ess: known(ess, at),
    };
    let count = [steps, seconds, elbos].iter().map(|column| column.len()).min().unwrap_or(0);
    let rows = (0..count).map(row).collect();
    (rows, state.array("seconds").map_or(0.0, |[seconds]| seconds))
}
