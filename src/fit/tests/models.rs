//! Log joints written by hand, with their gradients: targets whose best bound is known.

use nalgebra::{DMatrix, DMatrixView, DVector};

use crate::fit::{Failure, LogJoint};
use crate::kernel::special::LN_SQRT_2PI;

/// A log joint given point by point.
pub struct Pointwise<F> {
    pub latents: usize,
    pub params: usize,
    /// Adds to the gradient, which starts at 0; returns the value.
    pub f: F,
}

impl<F: FnMut(&[f64], &mut [f64]) -> f64> LogJoint for Pointwise<F> {
    fn latents(&self) -> usize {
        self.latents
    }

    fn params(&self) -> usize {
        self.params
    }

    fn eval(&mut self, points: &[f64], value: &mut [f64], gradient: &mut [f64]) -> Result<(), Failure> {
        let width = self.latents + self.params;
        for (k, value) in value.iter_mut().enumerate() {
            let gradient = &mut gradient[k * width..][..width];
            gradient.fill(0.0);
            *value = (self.f)(&points[k * width..][..width], gradient);
        }
        Ok(())
    }
}

pub fn pointwise<F: FnMut(&[f64], &mut [f64]) -> f64>(latents: usize, params: usize, f: F) -> Pointwise<F> {
    Pointwise { latents, params, f }
}

/// ln N(x | mean, sd); adds its derivatives in x, mean and ln sd at the given places.
fn normal(x: f64, mean: f64, sd: f64) -> (f64, f64, f64) {
    let z = (x - mean) / sd;
    (-0.5 * z * z - sd.ln() - LN_SQRT_2PI, -z / sd, z * z - 1.0)
}

/// ln of the half-Cauchy density of e^t, with the Jacobian, and its derivative in t.
fn half_cauchy_log(t: f64, scale: f64) -> (f64, f64) {
    let square = (2.0 * (t - scale.ln())).exp();
    let value = (2.0 / std::f64::consts::PI).ln() - scale.ln() - square.ln_1p() + t;
    (value, 1.0 - 2.0 * square / (1.0 + square))
}

const SCHOOLS: [(f64, f64); 8] =
    [(28., 15.), (8., 10.), (-3., 16.), (7., 11.), (-1., 9.), (1., 11.), (18., 10.), (12., 18.)];

/// mu, log tau and eta or theta: N(0, 5) on mu and half-Cauchy(5) on tau.
pub fn eight_schools(centred: bool) -> Pointwise<impl FnMut(&[f64], &mut [f64]) -> f64> {
    pointwise(10, 0, move |x, g| {
        let (mu, tau) = (x[0], x[1].exp());
        let (mut value, slope, _) = normal(mu, 0.0, 5.0);
        g[0] += slope;
        let (prior, slope) = half_cauchy_log(x[1], 5.0);
        value += prior;
        g[1] += slope;
        for (j, (y, sigma)) in SCHOOLS.iter().enumerate() {
            let z = x[2 + j];
            let (prior, in_z, in_log_sd) = if centred { normal(z, mu, tau) } else { normal(z, 0.0, 1.0) };
            let theta = if centred { z } else { mu + tau * z };
            let (likelihood, in_y, _) = normal(*y, theta, *sigma);
            value += prior + likelihood;
            if centred {
                g[2 + j] += in_z - in_y;
                g[0] -= in_z;
                g[1] += in_log_sd;
            } else {
                g[2 + j] += in_z - in_y * tau;
                g[0] -= in_y;
                g[1] -= in_y * tau * z;
            }
        }
        value
    })
}

/// theta_j ~ N(mu, tau) and y_j ~ N(theta_j, sigma): mu and log tau are parameters.
pub fn empirical_bayes(y: &[f64], sigma: f64) -> Pointwise<impl FnMut(&[f64], &mut [f64]) -> f64 + '_> {
    let n = y.len();
    pointwise(n, 2, move |x, g| {
        let (mu, tau) = (x[n], x[n + 1].exp());
        let mut value = 0.0;
        for (j, y) in y.iter().enumerate() {
            let (prior, in_z, in_log_sd) = normal(x[j], mu, tau);
            let (likelihood, in_y, _) = normal(*y, x[j], sigma);
            value += prior + likelihood;
            g[j] += in_z - in_y;
            g[n] -= in_z;
            g[n + 1] += in_log_sd;
        }
        value
    })
}

/// Neal's funnel: v ~ N(0, 3) and x_i ~ N(0, e^(v/2)).
pub fn funnel(size: usize) -> Pointwise<impl FnMut(&[f64], &mut [f64]) -> f64> {
    pointwise(size + 1, 0, move |x, g| {
        let (mut value, slope, _) = normal(x[0], 0.0, 3.0);
        g[0] += slope;
        for i in 1..=size {
            let (prior, in_x, in_log_sd) = normal(x[i], 0.0, (0.5 * x[0]).exp());
            value += prior;
            g[i] += in_x;
            g[0] += 0.5 * in_log_sd;
        }
        value
    })
}

/// A zero-mean Gaussian of this precision, normalized.
pub fn gaussian(precision: DMatrix<f64>) -> Pointwise<impl FnMut(&[f64], &mut [f64]) -> f64> {
    let size = precision.nrows();
    let constant = 0.5 * precision.determinant().ln() - size as f64 * LN_SQRT_2PI;
    pointwise(size, 0, move |x, g| {
        let pull = &precision * DVector::from_column_slice(x);
        g.iter_mut().zip(pull.iter()).for_each(|(g, p)| *g -= p);
        constant - 0.5 * pull.dot(&DVector::from_column_slice(x))
    })
}

/// What is drawn around the linear predictor, with its prior.
#[derive(Clone, Copy, PartialEq)]
pub enum Likelihood {
    /// y in {0, 1}; coefficients have N(0, sd) priors, flat where infinite.
    Logistic { prior_sd: f64 },
    /// Flat coefficients; the last coordinate is ln sigma, half-Cauchy of this scale, flat on sigma where infinite.
    Normal { prior_scale: f64 },
}

/// A regression of rows, over blocks of points at once.
pub struct Regression {
    x: DMatrix<f64>,
    /// Kept, because only products of matrices as they lie are fast in an unoptimized build.
    transposed: DMatrix<f64>,
    y: Vec<f64>,
    /// Rows of the data: those of `x` may stand for more.
    rows: f64,
    likelihood: Likelihood,
}

impl Regression {
    /// The rows of a normal likelihood are replaced by the few of a QR decomposition with the same sums of squares.
    pub fn new(x: DMatrix<f64>, y: Vec<f64>, likelihood: Likelihood) -> Regression {
        let rows = y.len() as f64;
        if matches!(likelihood, Likelihood::Logistic { .. }) {
            return Regression { transposed: x.transpose(), x, y, rows, likelihood };
        }
        let size = x.ncols();
        let mut both = x.insert_column(size, 0.0);
        both.set_column(size, &DVector::from_vec(y));
        let triangle = both.qr().unpack_r();
        let y = triangle.column(size).iter().copied().collect();
        let x = triangle.columns(0, size).clone_owned();
        Regression { transposed: x.transpose(), x, y, rows, likelihood }
    }
}

impl LogJoint for Regression {
    fn latents(&self) -> usize {
        self.x.ncols() + usize::from(matches!(self.likelihood, Likelihood::Normal { .. }))
    }

    fn params(&self) -> usize {
        0
    }

    fn eval(&mut self, points: &[f64], value: &mut [f64], gradient: &mut [f64]) -> Result<(), Failure> {
        let (width, size) = (self.latents(), self.x.ncols());
        let points = DMatrixView::from_slice(points, width, value.len());
        let mut predictor = &self.x * points.rows(0, size);
        for (k, value) in value.iter_mut().enumerate() {
            let (point, gradient) = (points.column(k), &mut gradient[k * width..][..width]);
            gradient.fill(0.0);
            let mut rows = predictor.column_mut(k);
            *value = match self.likelihood {
                Likelihood::Logistic { prior_sd } => {
                    let mut sum = 0.0;
                    for (y, eta) in self.y.iter().zip(rows.iter_mut()) {
                        // Softplus and its derivative share an exponential.
                        let e = (-eta.abs()).exp();
                        sum += y * *eta - eta.max(0.0) - e.ln_1p();
                        *eta = y - if *eta >= 0.0 { 1.0 } else { e } / (1.0 + e);
                    }
                    if prior_sd.is_finite() {
                        for (b, g) in point.iter().zip(gradient.iter_mut()) {
                            let (prior, slope, _) = normal(*b, 0.0, prior_sd);
                            sum += prior;
                            *g += slope;
                        }
                    }
                    sum
                }
                Likelihood::Normal { prior_scale } => {
                    let t = point[size];
                    let precision = (-2.0 * t).exp();
                    let mut squares = 0.0;
                    for (y, eta) in self.y.iter().zip(rows.iter_mut()) {
                        *eta = y - *eta;
                        squares += *eta * *eta;
                        *eta *= precision;
                    }
                    let n = self.rows;
                    let (prior, slope) =
                        if prior_scale.is_finite() { half_cauchy_log(t, prior_scale) } else { (t, 1.0) };
                    gradient[size] = slope + squares * precision - n;
                    prior - 0.5 * squares * precision - n * (t + LN_SQRT_2PI)
                }
            };
        }
        let slopes = &self.transposed * &predictor;
        for (k, slope) in slopes.column_iter().enumerate() {
            slope.iter().enumerate().for_each(|(i, s)| gradient[k * width + i] += s);
        }
        Ok(())
    }
}
