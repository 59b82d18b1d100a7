//! The mode of a log joint: L-BFGS in coordinates whitened by the Hessian, again and again from where it ended.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::chart::{inverse_root, unit_scale};
use super::lbfgs::{Advance, Lbfgs};
use super::target::Target;
use super::{Control, Event, Failure, Phase, State, Watch, start, stepped};

/// Beyond so many coordinates a Hessian costs more than it saves.
pub(crate) const MOST_HESSIAN: usize = 1_000;
/// Times that the coordinates are whitened anew, and iterations between.
const ROUNDS: usize = 40;
const ITERATIONS: usize = 100;
/// What a Newton step may still gain at a mode, in nats.
const GAIN: f64 = 1e-10;
/// Rounds without a gain after which there is none.
const UNMOVED: usize = 3;
/// The largest entry of a whitened gradient at which a round ends.
const GRADIENT: f64 = 1e-6;
/// An eigenvalue of the curvature, scaled to a unit diagonal, below which a direction counts as flat.
const FLAT: f64 = 1e-9;
/// Nats by which the log joint has to fall within an sd of a mode.
const FALL: f64 = 1e-6;

/// Where a search for a mode ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Peak {
    /// Latents, then parameters.
    pub point: Vec<f64>,
    pub value: f64,
    /// Minus the Hessian; none where there are too many coordinates.
    pub curvature: Option<DMatrix<f64>>,
    pub end: End,
    pub steps: usize,
    pub stopped: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    /// The gradient vanishes and no direction is flat.
    Mode,
    /// Nothing more is gained, and along these coordinates the log joint does not fall again: flat, or a plateau.
    Plateau(Vec<usize>),
    /// Nothing more is gained, though the gradient does not vanish: the log joint has an edge there.
    Edge,
    /// It still rises along these coordinates.
    RunsOff(Vec<usize>),
}

/// Searches from the given point, or from a random one where that has no finite value.
pub(crate) fn find(
    target: &mut Target,
    given: &[f64],
    seed: u64,
    steps: usize,
    watch: &mut dyn Watch,
) -> Result<Peak, Failure> {
    let first = start::finite(target, given, seed)?;
    let mut search = Search { widths: first.iter().map(|x| 0.1 * x.abs().max(1.0)).collect(), first, steps, watch };
    let mut point = search.first.clone();
    let (mut value, mut unmoved) = (f64::NEG_INFINITY, 0);
    for _ in 0..ROUNDS {
        let climb = search.climb(target, &point)?;
        point = climb.point.clone();
        if climb.stopped {
            return Ok(search.ended(climb, End::RunsOff(vec![])));
        }
        if !climb.settled {
            unmoved = if climb.value - value < GAIN { unmoved + 1 } else { 0 };
            value = climb.value;
            if unmoved == UNMOVED {
                return Ok(search.ended(climb, End::Edge));
            }
            continue;
        }
        match search.higher(target, &climb)? {
            Around::Higher(next) => point = next,
            Around::Falls => return Ok(search.ended(climb, End::Mode)),
            Around::Flat(along) => return Ok(search.ended(climb, End::Plateau(along))),
        }
    }
    let climb = search.climb(target, &point)?;
    let along = search.farthest(&climb);
    Ok(search.ended(climb, End::RunsOff(along)))
}

struct Search<'a> {
    first: Vec<f64>,
    /// Of the differences that make a Hessian: an sd of each coordinate, as far as it is known.
    widths: Vec<f64>,
    steps: usize,
    watch: &'a mut dyn Watch,
}

/// One round.
struct Climb {
    point: Vec<f64>,
    value: f64,
    gradient: DVector<f64>,
    curvature: Option<DMatrix<f64>>,
    settled: bool,
    stopped: bool,
}

/// What lies within an sd of where nothing more is gained.
enum Around {
    Higher(Vec<f64>),
    Falls,
    Flat(Vec<usize>),
}

impl Search<'_> {
    fn ended(&self, climb: Climb, end: End) -> Peak {
        let Climb { point, value, curvature, stopped, .. } = climb;
        Peak { point, value, curvature, end, steps: self.steps, stopped }
    }

    /// Whitens, and goes uphill until the whitened gradient is small.
    fn climb(&mut self, target: &mut Target, from: &[f64]) -> Result<Climb, Failure> {
        let curvature = self.curvature(target, from)?;
        let root = match &curvature {
            Some(curvature) => inverse_root(curvature),
            None => DMatrix::zeros(0, 0),
        };
        let place = |v: &[f64]| -> Vec<f64> {
            let moved =
                if root.is_empty() { DVector::from_column_slice(v) } else { &root * DVector::from_column_slice(v) };
            from.iter().zip(moved.iter()).map(|(x, d)| x + d).collect()
        };
        let mut minus = |v: &[f64], gradient: &mut [f64]| -> Result<f64, Failure> {
            let (value, slope) = at(target, &place(v))?;
            let pulled = if root.is_empty() { slope } else { root.tr_mul(&slope) };
            gradient.iter_mut().zip(pulled.iter()).for_each(|(to, from)| *to = -from);
            Ok(-value)
        };
        let mut lbfgs = Lbfgs::new(vec![0.0; from.len()], &mut minus)?;
        // What Newton's step would gain, before any is made: a mode is where that is nothing.
        let gain: f64 = 0.5 * lbfgs.gradient.iter().map(|g| g * g).sum::<f64>();
        let mut settled = gain < GAIN;
        let mut stopped = false;
        let most = if root.is_empty() { 10 * ITERATIONS } else { ITERATIONS };
        for _ in 0..most {
            if settled || lbfgs.gradient_norm() < GRADIENT || lbfgs.advance(&mut minus)? == Advance::Stuck {
                break;
            }
            self.steps += 1;
            let event = Event { step: self.steps, phase: Phase::Mode, bound: -lbfgs.value, ess: None };
            if stepped(self.watch, &event, &|| again(event.step)) == Control::Stop {
                stopped = true;
                break;
            }
        }
        // Without a Hessian there is no second look.
        settled |= root.is_empty() && lbfgs.gradient_norm() < GRADIENT.sqrt();
        let point = place(&lbfgs.point);
        let (value, gradient) = at(target, &point)?;
        Ok(Climb { point, value, gradient, curvature, settled, stopped })
    }

    /// Minus the Hessian, by differences over a thousandth of an sd.
    fn curvature(&mut self, target: &mut Target, point: &[f64]) -> Result<Option<DMatrix<f64>>, Failure> {
        if target.width() > MOST_HESSIAN {
            return Ok(None);
        }
        let curvature = start::curvature(target, point, &self.widths)?;
        self.widths = curvature.diagonal().iter().map(|c| 1.0 / unit_scale(*c)).collect();
        Ok(Some(curvature))
    }

    /// Looks an sd to both sides along every axis, and along directions in which the curvature is negative.
    fn higher(&self, target: &mut Target, climb: &Climb) -> Result<Around, Failure> {
        let Some(curvature) = &climb.curvature else { return Ok(Around::Falls) };
        let width = climb.point.len();
        let sds: Vec<f64> = curvature.diagonal().iter().map(|c| 1.0 / unit_scale(*c)).collect();
        let mut directions: Vec<DVector<f64>> =
            (0..width).map(|i| DVector::from_fn(width, |j, _| if i == j { sds[i] } else { 0.0 })).collect();
        let scaled = DMatrix::from_fn(width, width, |i, j| curvature[(i, j)] * sds[i] * sds[j]);
        let eigen = SymmetricEigen::new(0.5 * (&scaled + scaled.transpose()));
        for (k, value) in eigen.eigenvalues.iter().enumerate().filter(|(_, value)| **value < FLAT) {
            let length = (1.0 / value.abs().max(1e-4)).sqrt();
            let sds = DVector::from_column_slice(&sds);
            directions.push(length * eigen.eigenvectors.column(k).component_mul(&sds));
        }
        let mut points = DMatrix::zeros(width, 2 * directions.len());
        for (k, direction) in directions.iter().enumerate() {
            let at = DVector::from_column_slice(&climb.point);
            points.set_column(2 * k, &(&at + direction));
            points.set_column(2 * k + 1, &(&at - direction));
        }
        let values = target.values(&points)?;
        let known = |value: f64| if value.is_nan() { f64::NEG_INFINITY } else { value };
        let best = (0..values.len()).max_by(|a, b| known(values[*a]).total_cmp(&known(values[*b])));
        if let Some(best) = best.filter(|best| known(values[*best]) > climb.value + 1e-3 && values[*best].is_finite()) {
            return Ok(Around::Higher(points.column(best).iter().copied().collect()));
        }
        let level = |k: &usize| known(values[2 * k]).max(known(values[2 * k + 1])) > climb.value - FALL;
        let mut along: Vec<usize> = (0..directions.len())
            .filter(level)
            .map(|k| if k < width { k } else { scaled_axis(&directions[k], &sds) })
            .collect();
        along.sort_unstable();
        along.dedup();
        Ok(if along.is_empty() { Around::Falls } else { Around::Flat(along) })
    }

    /// The coordinates along which the most would be gained by going as far again.
    fn farthest(&self, climb: &Climb) -> Vec<usize> {
        let gains: Vec<f64> = (0..climb.point.len())
            .map(|i| climb.gradient[i] * (climb.point[i] - self.first[i]))
            .map(|gain| if gain.is_nan() { f64::INFINITY } else { gain.abs() })
            .collect();
        let most = gains.iter().copied().fold(0.0, f64::max);
        (0..gains.len()).filter(|i| gains[*i] >= 0.3 * most).collect()
    }
}

/// A search is short and always the same: whoever goes on with it begins it again.
fn again(steps: usize) -> State {
    let mut state = State::default();
    state.put("mode.steps", [steps as f64]);
    state
}

/// The axis that a direction follows most, in units of the sds.
fn scaled_axis(direction: &DVector<f64>, sds: &[f64]) -> usize {
    (0..sds.len())
        .max_by(|a, b| (direction[*a] / sds[*a]).abs().total_cmp(&(direction[*b] / sds[*b]).abs()))
        .unwrap_or(0)
}

/// Value and gradient of the log joint at one point.
fn at(target: &mut Target, point: &[f64]) -> Result<(f64, DVector<f64>), Failure> {
    let mut gradient = DMatrix::zeros(point.len(), 1);
    let value = target.eval(&DMatrix::from_column_slice(point.len(), 1, point), &mut gradient)?;
    Ok((value[0], gradient.column(0).clone_owned()))
}
