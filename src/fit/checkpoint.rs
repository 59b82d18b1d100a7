//! A deterministic fit between two iterations, as named flat buffers: what goes into the state of a run.
//!
//! Draws are not kept: seed and stage name them.

use nalgebra::{DMatrix, DVector};

use super::Failure;
use super::chart::Chart;
use super::deterministic::{Deterministic, Ending, Progress, Settings};
use super::gaussian::{Guide, Scale};
use super::lbfgs::{Lbfgs, Pair};
use super::lowrank::LowRank;
use super::stage::{self, Stage};
use super::start::{self, Best, Start};
use super::state::Buffer;

/// Endings after which there is nothing to go on with, as they are counted in files.
const ENDINGS: [Ending; 2] = [Ending::Converged, Ending::GaveUp];

impl Deterministic {
    /// All that the rest of the fit depends on, besides its settings and the model.
    pub fn buffers(&self) -> Vec<Buffer> {
        let mut to = Writer::default();
        let ended = ENDINGS.iter().position(|ending| Some(*ending) == self.ended).map_or(0, |at| at + 1);
        let counts = [self.steps, self.evaluations as usize, self.growth.len(), ended];
        to.put("counts", counts.map(|count| count as f64));
        to.put("growth", self.growth.iter().flatten().copied());
        match &self.progress {
            Progress::New => {}
            Progress::Starting(start) => {
                to.put("start", [start.iterations as f64, start.since_best as f64, start.best.bound]);
                to.lbfgs(&start.lbfgs);
                to.put("units", start.units.iter().copied());
                to.put("sds", start.sds.iter().copied());
                to.guide(&start.best.guide);
                to.put("curvature", start.best.curvature.iter().copied());
            }
            Progress::Stage(stage) => {
                to.put("stage", [stage.number as f64, stage.iterations as f64]);
                to.lbfgs(&stage.lbfgs);
                to.guide(&stage.chart.guide);
                to.put("root", stage.chart.root.iter().copied());
            }
        }
        to.buffers
    }

    /// Goes on from saved buffers of a fit with the same settings; `None` where they are not such a fit's.
    pub fn restore(settings: Settings, latents: usize, buffers: &[Buffer]) -> Result<Option<Deterministic>, Failure> {
        let from = Reader { buffers, latents, width: settings.start.len() };
        let progress = if let Some([iterations, since_best, bound]) = from.array("start") {
            from.start(&settings, iterations as usize, since_best as usize, bound)?.map(Progress::Starting)
        } else if let Some([number, iterations]) = from.array("stage") {
            from.stage(&settings, number as usize, iterations as usize)?.map(Progress::Stage)
        } else {
            Some(Progress::New)
        };
        let (Some(progress), Some([steps, evaluations, stages, ended]), Some(growth)) =
            (progress, from.array("counts"), from.get("growth"))
        else {
            return Ok(None);
        };
        if growth.len() != stages as usize * latents {
            return Ok(None);
        }
        let growth = (0..stages as usize).map(|k| growth[k * latents..][..latents].to_vec()).collect();
        let (steps, evaluations) = (steps as usize, evaluations as u64);
        let ended = (ended as usize).checked_sub(1).and_then(|at| ENDINGS.get(at)).copied();
        Ok(Some(Deterministic { settings, steps, evaluations, progress, growth, ended }))
    }
}

#[derive(Default)]
struct Writer {
    buffers: Vec<Buffer>,
}

impl Writer {
    fn put(&mut self, name: &str, values: impl IntoIterator<Item = f64>) {
        self.buffers.push(Buffer { name: name.into(), values: values.into_iter().collect() });
    }

    fn lbfgs(&mut self, lbfgs: &Lbfgs) {
        self.put("lbfgs.value", [lbfgs.value]);
        self.put("lbfgs.point", lbfgs.point.iter().copied());
        self.put("lbfgs.gradient", lbfgs.gradient.iter().copied());
        self.put("lbfgs.steps", lbfgs.history.iter().flat_map(|pair| pair.step.iter().copied()));
        self.put("lbfgs.changes", lbfgs.history.iter().flat_map(|pair| pair.change.iter().copied()));
    }

    fn guide(&mut self, guide: &Guide) {
        self.put("guide.mean", guide.mean.iter().copied());
        self.put("guide.params", guide.params.iter().copied());
        match &guide.scale {
            Scale::Diagonal(sd) => self.put("guide.sd", sd.iter().copied()),
            Scale::Factor(factor) => self.put("guide.factor", factor.iter().copied()),
            Scale::LowRank(scale) => {
                self.put("guide.sd", scale.sd.iter().copied());
                self.put("guide.columns", scale.columns.iter().copied());
            }
        }
    }
}

struct Reader<'a> {
    buffers: &'a [Buffer],
    latents: usize,
    width: usize,
}

impl Reader<'_> {
    fn get(&self, name: &str) -> Option<&[f64]> {
        self.buffers.iter().find(|buffer| buffer.name == name).map(|buffer| buffer.values.as_slice())
    }

    fn array<const N: usize>(&self, name: &str) -> Option<[f64; N]> {
        self.get(name)?.try_into().ok()
    }

    fn sized(&self, name: &str, size: usize) -> Option<Vec<f64>> {
        self.get(name).filter(|values| values.len() == size).map(<[f64]>::to_vec)
    }

    fn square(&self, name: &str, size: usize) -> Option<DMatrix<f64>> {
        self.sized(name, size * size).map(|values| DMatrix::from_vec(size, size, values))
    }

    fn lbfgs(&self, size: usize) -> Option<Lbfgs> {
        let [value] = self.array("lbfgs.value")?;
        let (steps, changes) = (self.get("lbfgs.steps")?, self.get("lbfgs.changes")?);
        let whole = size > 0 && steps.len() == changes.len() && steps.len().is_multiple_of(size);
        let pair = |(step, change): (&[f64], &[f64])| Pair { step: step.to_vec(), change: change.to_vec() };
        let history = whole.then(|| steps.chunks(size).zip(changes.chunks(size)).map(pair).collect())?;
        Some(Lbfgs {
            point: self.sized("lbfgs.point", size)?,
            value,
            gradient: self.sized("lbfgs.gradient", size)?,
            history,
        })
    }

    fn guide(&self) -> Option<Guide> {
        let scale = match (self.sized("guide.sd", self.latents), self.get("guide.columns")) {
            (Some(sd), None) => Scale::Diagonal(DVector::from_vec(sd)),
            (Some(sd), Some(columns)) => {
                let rank = columns.len() / self.latents.max(1);
                let columns = self.sized("guide.columns", rank * self.latents)?;
                let columns = DMatrix::from_vec(self.latents, rank, columns);
                Scale::LowRank(LowRank { sd: DVector::from_vec(sd), columns })
            }
            (None, _) => Scale::Factor(self.square("guide.factor", self.latents)?),
        };
        let mean = DVector::from_vec(self.sized("guide.mean", self.latents)?);
        let params = DVector::from_vec(self.sized("guide.params", self.width.checked_sub(self.latents)?)?);
        Some(Guide { mean, scale, params })
    }

    fn start(
        &self,
        settings: &Settings,
        iterations: usize,
        since_best: usize,
        bound: f64,
    ) -> Result<Option<Start>, Failure> {
        let draws = start::draws(self.latents, settings.seed)?;
        let read = || {
            let best = Best { guide: self.guide()?, curvature: self.square("curvature", self.width)?, bound };
            let (units, sds) = (self.sized("units", self.width)?, self.sized("sds", self.width)?);
            Some(Start { lbfgs: self.lbfgs(self.width)?, units, iterations, since_best, sds, draws, best })
        };
        Ok(read())
    }

    fn stage(&self, settings: &Settings, number: usize, iterations: usize) -> Result<Option<Stage>, Failure> {
        if number >= stage::MOST_STAGES {
            return Ok(None);
        }
        let Some(guide) = self.guide() else { return Ok(None) };
        let draws = stage::draws(guide.noise_width(), number, settings.seed)?;
        let read = || {
            let chart = Chart { guide, root: self.square("root", self.width)? };
            Some(Stage { number, lbfgs: self.lbfgs(chart.len())?, chart, draws, iterations })
        };
        Ok(read())
    }
}
