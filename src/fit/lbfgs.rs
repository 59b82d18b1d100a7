//! L-BFGS, one iteration at a time, so that a run can stop between any two and go on later.
//!
//! Nocedal & Wright, Numerical Optimization, algorithm 7.4; the line search is that of Hager & Zhang (SIAM J. Optim.
//! 16, 2005), whose approximate Wolfe condition still accepts a step where values differ only by rounding.

use super::Failure;

/// How many pairs of steps and gradient changes are remembered.
pub const HISTORY: usize = 10;

/// A function to be minimized: fills the gradient, returns the value. Points where either is not finite are avoided.
pub type Objective<'a> = dyn FnMut(&[f64], &mut [f64]) -> Result<f64, Failure> + 'a;

/// A minimization between two iterations: all that the next one depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Lbfgs {
    pub point: Vec<f64>,
    pub value: f64,
    pub gradient: Vec<f64>,
    /// Oldest first.
    pub history: Vec<Pair>,
}

/// One remembered step.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    pub step: Vec<f64>,
    /// Change of the gradient over the step; its product with the step is positive.
    pub change: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    Moved,
    /// No step along the gradient lowers the value: as far as rounding lets us.
    Stuck,
}

impl Lbfgs {
    /// Evaluates the starting point, whose value may be infinite: the caller decides.
    pub fn new(point: Vec<f64>, f: &mut Objective) -> Result<Lbfgs, Failure> {
        let mut gradient = vec![0.0; point.len()];
        let value = f(&point, &mut gradient)?;
        Ok(Lbfgs { point, value, gradient, history: vec![] })
    }

    pub fn is_finite(&self) -> bool {
        self.value.is_finite() && self.gradient.iter().all(|g| g.is_finite())
    }

    /// The largest entry of the gradient.
    pub fn gradient_norm(&self) -> f64 {
        self.gradient.iter().fold(0.0, |norm, g| norm.max(g.abs()))
    }

    /// One iteration.
    pub fn advance(&mut self, f: &mut Objective) -> Result<Advance, Failure> {
        loop {
            let mut direction = self.direction();
            if dot(&direction, &self.gradient) >= 0.0 {
                self.history.clear();
                direction = self.gradient.iter().map(|g| -g).collect();
            }
            let length = dot(&direction, &direction).sqrt();
            if length == 0.0 || !length.is_finite() {
                return Ok(Advance::Stuck);
            }
            // Without history the gradient's length means nothing: move by at most one unit.
            let first = if self.history.is_empty() { (1.0 / length).min(1.0) } else { 1.0 };
            let mut line = Line { start: self, direction: &direction, f };
            if let Some(found) = line.search(first)? {
                self.accept(found);
                return Ok(Advance::Moved);
            }
            if self.history.is_empty() {
                return Ok(Advance::Stuck);
            }
            // The remembered curvature misleads: once more along the gradient alone.
            self.history.clear();
        }
    }

    fn accept(&mut self, found: Probe) {
        let step: Vec<f64> = found.point.iter().zip(&self.point).map(|(new, old)| new - old).collect();
        let change: Vec<f64> = found.gradient.iter().zip(&self.gradient).map(|(new, old)| new - old).collect();
        if dot(&step, &change) > f64::EPSILON * dot(&change, &change).sqrt() * dot(&step, &step).sqrt() {
            if self.history.len() == HISTORY {
                self.history.remove(0);
            }
            self.history.push(Pair { step, change });
        }
        (self.point, self.value, self.gradient) = (found.point, found.value, found.gradient);
    }

    /// Minus the approximate inverse Hessian times the gradient (the two-loop recursion).
    fn direction(&self) -> Vec<f64> {
        let mut q: Vec<f64> = self.gradient.iter().map(|g| -g).collect();
        let mut weights = vec![0.0; self.history.len()];
        for (pair, weight) in self.history.iter().zip(&mut weights).rev() {
            *weight = dot(&pair.step, &q) / dot(&pair.step, &pair.change);
            add(&mut q, -*weight, &pair.change);
        }
        if let Some(Pair { step, change }) = self.history.last() {
            let scale = dot(step, change) / dot(change, change);
            q.iter_mut().for_each(|q| *q *= scale);
        }
        for (pair, weight) in self.history.iter().zip(&weights) {
            let back = dot(&pair.change, &q) / dot(&pair.step, &pair.change);
            add(&mut q, weight - back, &pair.step);
        }
        q
    }
}

/// One point of a line, evaluated.
#[derive(Debug, Clone)]
struct Probe {
    at: f64,
    value: f64,
    /// Derivative along the line.
    slope: f64,
    point: Vec<f64>,
    gradient: Vec<f64>,
}

struct Line<'a, 'b> {
    start: &'a Lbfgs,
    direction: &'a [f64],
    f: &'a mut Objective<'b>,
}

/// Sufficient decrease, and sufficient flattening.
const DELTA: f64 = 0.1;
const SIGMA: f64 = 0.9;
const MOST_PROBES: usize = 60;

impl Line<'_, '_> {
    fn probe(&mut self, at: f64) -> Result<Probe, Failure> {
        let point: Vec<f64> = self.start.point.iter().zip(self.direction).map(|(x, d)| x + at * d).collect();
        let mut gradient = vec![0.0; point.len()];
        let value = (self.f)(&point, &mut gradient)?;
        let slope = dot(&gradient, self.direction);
        // A point that cannot be judged is treated as infinitely high.
        let value = if value.is_finite() && slope.is_finite() { value } else { f64::INFINITY };
        Ok(Probe { at, value, slope, point, gradient })
    }

    /// How far a value may lie above the first one by rounding alone.
    fn ceiling(&self) -> f64 {
        self.start.value + 1e-11 * self.start.value.abs().max(1.0)
    }

    fn slope(&self) -> f64 {
        dot(&self.start.gradient, self.direction)
    }

    /// The Wolfe conditions, or their approximate form where values are equal to rounding.
    fn accepts(&self, probe: &Probe) -> bool {
        let slope = self.slope();
        let flat = probe.slope >= SIGMA * slope;
        let wolfe = probe.value <= self.start.value + DELTA * probe.at * slope;
        let approximate = probe.value <= self.ceiling() && probe.slope <= (2.0 * DELTA - 1.0) * slope;
        probe.value.is_finite() && flat && (wolfe || approximate)
    }

    /// A point of the line that the conditions accept; failing that, any that is lower; `None` where there is none.
    fn search(&mut self, first: f64) -> Result<Option<Probe>, Failure> {
        let origin = Probe {
            at: 0.0,
            value: self.start.value,
            slope: self.slope(),
            point: self.start.point.clone(),
            gradient: self.start.gradient.clone(),
        };
        // Invariant: `low` is not above the ceiling and slopes down; `high` is above the ceiling or slopes up.
        let (mut low, mut high): (Probe, Option<Probe>) = (origin, None);
        let mut next = first;
        let mut wide = f64::INFINITY;
        for count in 0..MOST_PROBES {
            let probe = self.probe(next)?;
            if self.accepts(&probe) {
                return Ok(Some(probe));
            }
            if probe.value <= self.ceiling() && probe.slope < 0.0 {
                low = probe;
            } else {
                high = Some(probe);
            }
            let Some(high) = &high else {
                next *= 4.0;
                continue;
            };
            let width = high.at - low.at;
            if width <= f64::EPSILON * high.at {
                break;
            }
            // Interpolate as long as that shrinks the bracket well; every third probe is a bisection otherwise.
            let bisect = count % 3 == 2 && width > 0.5 * wide;
            next = if bisect { low.at + 0.5 * width } else { interpolate(&low, high) };
            if count % 3 == 2 {
                wide = width;
            }
        }
        Ok((low.at > 0.0 && low.value < self.start.value).then_some(low))
    }
}

/// Where the slope is expected to vanish between two points, kept off the ends.
fn interpolate(low: &Probe, high: &Probe) -> f64 {
    let width = high.at - low.at;
    if !high.value.is_finite() {
        return low.at + 0.1 * width;
    }
    let share = if high.slope >= 0.0 {
        // The secant of the slopes.
        -low.slope / (high.slope - low.slope)
    } else {
        // The minimum of the parabola through both values and the lower slope.
        -0.5 * low.slope * width / (high.value - low.value - low.slope * width)
    };
    low.at + width * if share.is_nan() { 0.5 } else { share.clamp(0.02, 0.98) }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], factor: f64, from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs to a gradient below the tolerance, at most so many iterations; returns the end and the iterations.
    fn minimize(start: &[f64], tolerance: f64, f: impl Fn(&[f64], &mut [f64]) -> f64) -> (Lbfgs, usize, usize) {
        let mut evaluations = 0;
        let mut objective = |x: &[f64], g: &mut [f64]| {
            evaluations += 1;
            Ok(f(x, g))
        };
        let mut state = Lbfgs::new(start.to_vec(), &mut objective).unwrap();
        for iteration in 0..2000 {
            if state.gradient_norm() < tolerance || state.advance(&mut objective).unwrap() == Advance::Stuck {
                return (state, iteration, evaluations);
            }
        }
        (state, 2000, evaluations)
    }

    fn rosenbrock(x: &[f64], g: &mut [f64]) -> f64 {
        g.fill(0.0);
        let mut sum = 0.0;
        for i in 0..x.len() - 1 {
            let (a, b) = (1.0 - x[i], x[i + 1] - x[i] * x[i]);
            sum += a * a + 100.0 * b * b;
            g[i] -= 2.0 * a + 400.0 * x[i] * b;
            g[i + 1] += 200.0 * b;
        }
        sum
    }

    #[test]
    fn it_follows_the_valley_of_rosenbrock() {
        for start in [vec![-1.2, 1.0], vec![30.0, -20.0], vec![-1.2; 10]] {
            let (end, iterations, evaluations) = minimize(&start, 1e-9, rosenbrock);
            assert!(end.gradient_norm() < 1e-8 && iterations < 250, "{iterations} iterations from {start:?}");
            assert!(evaluations < 2 * iterations + 40, "{evaluations} evaluations for {iterations} iterations");
            assert!(end.value < 1e-12 || start.len() > 2);
        }
    }

    #[test]
    fn an_ill_conditioned_quadratic_ends_at_its_minimum() {
        let scale: Vec<f64> = (0..30).map(|i| 10f64.powf(f64::from(i) / 10.0)).collect();
        let (end, iterations, _) = minimize(&[1.0; 30], 1e-7, |x, g| {
            for i in 0..30 {
                g[i] = scale[i] * (x[i] - 0.5);
            }
            x.iter().zip(&scale).map(|(x, s)| 0.5 * s * (x - 0.5).powi(2)).sum::<f64>() - 12345.0
        });
        assert!(end.point.iter().all(|x| (x - 0.5).abs() < 1e-6), "{:?}", end.point);
        assert!(iterations < 300, "{iterations}");
    }

    /// -ln x + x from far on the right: full steps leave the domain.
    #[test]
    fn it_backs_out_of_points_that_are_not_finite() {
        for start in [1e-8, 50.0, 1e6] {
            let (end, _, _) = minimize(&[start], 1e-10, |x, g| {
                g[0] = 1.0 - 1.0 / x[0];
                if x[0] > 0.0 { x[0] - x[0].ln() } else { f64::NAN }
            });
            assert!((end.point[0] - 1.0).abs() < 1e-8, "from {start} to {}", end.point[0]);
        }
    }

    #[test]
    fn a_minimum_is_where_it_stays() {
        let (end, iterations, _) = minimize(&[1.0, 1.0], 0.0, rosenbrock);
        assert_eq!((end.value, iterations), (0.0, 0));
    }

    /// The state between iterations is all there is.
    #[test]
    fn a_copy_goes_on_in_the_same_way() {
        let mut f = |x: &[f64], g: &mut [f64]| Ok(rosenbrock(x, g));
        let mut whole = Lbfgs::new(vec![-1.2, 1.0], &mut f).unwrap();
        (0..15).for_each(|_| drop(whole.advance(&mut f)));
        let mut copy = whole.clone();
        for _ in 0..10 {
            whole.advance(&mut f).unwrap();
            copy.advance(&mut f).unwrap();
        }
        assert_eq!(whole, copy);
    }
}
