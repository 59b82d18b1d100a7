//! Steps along noisy gradients, over one flat buffer of parameters.

use std::sync::{Mutex, PoisonError};

use super::state::Buffer;
use crate::model::OptimizerRule;

/// How a step is made from gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Kingma & Ba, "Adam: a method for stochastic optimization" (ICLR 2015).
    /// With a `decay` above 0, parameters shrink beside the step, not through the moments: Loshchilov & Hutter,
    /// "Decoupled weight decay regularization" (ICLR 2019).
    Adam { beta1: f64, beta2: f64, epsilon: f64, decay: f64 },
    /// Along the gradient (Robbins & Monro 1951).
    Sgd,
    /// Duchi, Hazan & Singer, "Adaptive subgradient methods" (JMLR 12, 2011).
    AdaGrad { epsilon: f64 },
    /// Tieleman & Hinton, lecture 6.5 of "Neural networks for machine learning" (2012).
    RmsProp { keep: f64, epsilon: f64 },
}

impl Rule {
    pub const ADAM: Rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0 };
    pub const ADAM_W: Rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.01 };
    pub const ADA_GRAD: Rule = Rule::AdaGrad { epsilon: 1e-10 };
    pub const RMS_PROP: Rule = Rule::RmsProp { keep: 0.99, epsilon: 1e-8 };

    /// The rule of an optimizer of the language; none where no fit follows it yet.
    pub fn of(optimizer: OptimizerRule) -> Option<Rule> {
        match optimizer {
            OptimizerRule::Adam => Some(Rule::ADAM),
            OptimizerRule::AdamW => Some(Rule::ADAM_W),
            OptimizerRule::Sgd => Some(Rule::Sgd),
            OptimizerRule::AdaGrad => Some(Rule::ADA_GRAD),
            OptimizerRule::RmsProp => Some(Rule::RMS_PROP),
            OptimizerRule::Lbfgs | OptimizerRule::Natural => None,
        }
    }

    /// What is remembered for each parameter, by name.
    fn memory(self) -> &'static [&'static str] {
        match self {
            Rule::Adam { .. } => &["mean", "square"],
            Rule::Sgd => &[],
            Rule::AdaGrad { .. } | Rule::RmsProp { .. } => &["square"],
        }
    }

    /// Moves some parameters.
    fn step(self, Step { count, rate, factor }: &Step, piece: &mut Piece) {
        let Piece { params, gradient, memory } = piece;
        match (self, memory.as_mut_slice()) {
            (Rule::Adam { beta1, beta2, epsilon, decay }, [mean, square]) => {
                // Both corrections for the start from zero, taken out of the loop.
                let (fix1, fix2) = (1.0 - beta1.powf(*count), (1.0 - beta2.powf(*count)).sqrt());
                let keep = 1.0 - rate * decay;
                for (((p, g), m), v) in params.iter_mut().zip(*gradient).zip(&mut **mean).zip(&mut **square) {
                    let g = g * factor;
                    *m += (1.0 - beta1) * (g - *m);
                    *v += (1.0 - beta2) * (g * g - *v);
                    *p = keep * *p - rate * (*m / fix1) / (v.sqrt() / fix2 + epsilon);
                }
            }
            (Rule::Sgd, _) => params.iter_mut().zip(*gradient).for_each(|(p, g)| *p -= rate * factor * g),
            (Rule::AdaGrad { epsilon }, [square]) => {
                for ((p, g), v) in params.iter_mut().zip(*gradient).zip(&mut **square) {
                    let g = g * factor;
                    *v += g * g;
                    *p -= rate * g / (v.sqrt() + epsilon);
                }
            }
            (Rule::RmsProp { keep, epsilon }, [square]) => {
                for ((p, g), v) in params.iter_mut().zip(*gradient).zip(&mut **square) {
                    let g = g * factor;
                    *v = keep * *v + (1.0 - keep) * g * g;
                    *p -= rate * g / (v.sqrt() + epsilon);
                }
            }
            // Every rule has as many buffers as it names.
            (Rule::Adam { .. } | Rule::AdaGrad { .. } | Rule::RmsProp { .. }, _) => {}
        }
    }
}

/// What a step has in common for all parameters: its number, its length, and what gradients are multiplied by.
struct Step {
    count: f64,
    rate: f64,
    factor: f64,
}

/// Some parameters, with their gradient and what is remembered of them.
struct Piece<'p> {
    params: &'p mut [f64],
    gradient: &'p [f64],
    memory: Vec<&'p mut [f64]>,
}

/// Does so many pieces of work, on threads where there are some: see `plan::Backend::each`.
pub type Each<'e> = &'e dyn Fn(usize, &(dyn Fn(usize) + Sync));

/// Parameters of a piece: what fits the cache of a core beside the memory of them.
const PIECE: usize = 1 << 13;

/// A rule with its memory. Parameters are rows of one width, each with its own count of steps, so that the rows outside
/// a batch stand still in every respect; parameters that always move are one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    rule: Rule,
    width: usize,
    /// Steps made, one a row.
    steps: Vec<f64>,
    memory: Vec<Buffer>,
}

const STEPS: &str = "steps";

impl Optimizer {
    /// For parameters that move at every step.
    pub fn new(rule: Rule, size: usize) -> Optimizer {
        Optimizer::of_rows(rule, 1, size)
    }

    /// For parameters that move where their row is in the batch.
    pub fn of_rows(rule: Rule, rows: usize, width: usize) -> Optimizer {
        let buffer = |name: &&str| Buffer { name: name.to_string(), values: vec![0.0; rows * width] };
        Optimizer { rule, width, steps: vec![0.0; rows], memory: rule.memory().iter().map(buffer).collect() }
    }

    /// As before the first step.
    pub fn forget(&mut self) {
        self.steps.fill(0.0);
        self.memory.iter_mut().for_each(|buffer| buffer.values.fill(0.0));
    }

    /// One step of all rows against the gradient, which is first multiplied by `factor` (1, or what clipping says).
    pub fn descend(&mut self, rate: f64, factor: f64, params: &mut [f64], gradient: &[f64]) {
        for row in 0..self.steps.len() {
            let range = row * self.width..(row + 1) * self.width;
            self.descend_row(row, rate, factor, &mut params[range.clone()], &gradient[range]);
        }
    }

    /// One step of some rows of `params`; `gradient` holds these rows alone, in the same order.
    pub fn descend_rows(&mut self, rows: &[usize], rate: f64, factor: f64, params: &mut [f64], gradient: &[f64]) {
        for (row, gradient) in rows.iter().zip(gradient.chunks(self.width.max(1))) {
            self.descend_row(*row, rate, factor, &mut params[row * self.width..][..self.width], gradient);
        }
    }

    fn descend_row(&mut self, row: usize, rate: f64, factor: f64, params: &mut [f64], gradient: &[f64]) {
        self.steps[row] += 1.0;
        let step = Step { count: self.steps[row], rate, factor };
        let range = row * self.width..(row + 1) * self.width;
        let memory = self.memory.iter_mut().map(|buffer| &mut buffer.values[range.clone()]).collect();
        self.rule.step(&step, &mut Piece { params, gradient, memory });
    }

    /// As `descend`, in pieces that threads may share: each entry moves by itself.
    pub fn descend_by(&mut self, each: Each, rate: f64, factor: f64, params: &mut [f64], gradient: &[f64]) {
        if self.steps.len() != 1 || params.len() <= PIECE {
            return self.descend(rate, factor, params, gradient);
        }
        self.steps[0] += 1.0;
        let step = Step { count: self.steps[0], rate, factor };
        let mut memory: Vec<_> = self.memory.iter_mut().map(|buffer| buffer.values.chunks_mut(PIECE)).collect();
        let pieces: Vec<Mutex<Piece>> = params
            .chunks_mut(PIECE)
            .zip(gradient.chunks(PIECE))
            .map(|(params, gradient)| {
                let memory = memory.iter_mut().filter_map(Iterator::next).collect();
                Mutex::new(Piece { params, gradient, memory })
            })
            .collect();
        each(pieces.len(), &|at| {
            // Only this call takes this piece; what a panic left behind is thrown away with the fit.
            self.rule.step(&step, &mut pieces[at].lock().unwrap_or_else(PoisonError::into_inner));
        });
    }
    /// All that the next step depends on, to be saved.
    pub fn buffers(&self) -> Vec<Buffer> {
        let steps = Buffer { name: STEPS.into(), values: self.steps.clone() };
        std::iter::once(steps).chain(self.memory.iter().cloned()).collect()
    }

    /// Goes on from saved buffers; false, and nothing changed, where they are not this optimizer's.
    pub fn restore(&mut self, buffers: &[Buffer]) -> bool {
        let find = |name: &str, size: usize| {
            buffers.iter().find(|b| b.name == name && b.values.len() == size).map(|b| b.values.clone())
        };
        let Some(steps) = find(STEPS, self.steps.len()) else { return false };
        let found: Option<Vec<Vec<f64>>> = self.memory.iter().map(|b| find(&b.name, b.values.len())).collect();
        let Some(found) = found else { return false };
        self.steps = steps;
        self.memory.iter_mut().zip(found).for_each(|(buffer, values)| buffer.values = values);
        true
    }
}

/// What all gradients of a step are to be multiplied by, so that their common norm is at most `most`.
pub fn clip<'a>(gradients: impl IntoIterator<Item = &'a [f64]>, most: f64) -> f64 {
    let norm = gradients.into_iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
    if norm > most { most / norm } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three steps by hand from the paper's algorithm 1.
    #[test]
    fn adam_is_as_published() {
        let (b1, b2, eps, rate) = (0.9, 0.999, 1e-8, 0.1);
        let mut optimizer = Optimizer::new(Rule::ADAM, 1);
        let (mut x, mut y, mut m, mut v) = ([1.0], 1.0f64, 0.0, 0.0);
        for t in 1..=3 {
            let g = 2.0 * y + 0.3;
            m = b1 * m + (1.0 - b1) * g;
            v = b2 * v + (1.0 - b2) * g * g;
            let (mh, vh) = (m / (1.0 - f64::powi(b1, t)), v / (1.0 - f64::powi(b2, t)));
            y -= rate * mh / (f64::sqrt(vh) + eps);
            let gradient = [2.0 * x[0] + 0.3];
            optimizer.descend(rate, 1.0, &mut x, &gradient);
            assert!((x[0] - y).abs() < 1e-14, "step {t}: {} and {y}", x[0]);
        }
    }

    #[test]
    fn adam_minimizes() {
        let mut optimizer = Optimizer::new(Rule::ADAM, 2);
        let mut x = [5.0, -3.0];
        for _ in 0..3000 {
            let gradient = [x[0] - 1.0, 100.0 * (x[1] - 2.0)];
            optimizer.descend(0.02, 1.0, &mut x, &gradient);
        }
        assert!((x[0] - 1.0).abs() < 1e-6 && (x[1] - 2.0).abs() < 1e-6, "{x:?}");
    }

    /// Two steps of each rule by hand from its paper, and a minimum that it finds.
    #[test]
    fn the_other_rules_are_as_published() {
        let gradient = |x: f64| 2.0 * x + 0.3;
        let steps = |rule: Rule, rate: f64, count: usize| {
            let mut optimizer = Optimizer::new(rule, 1);
            let mut x = [1.0];
            for _ in 0..count {
                let g = [gradient(x[0])];
                optimizer.descend(rate, 1.0, &mut x, &g);
            }
            x[0]
        };
        let first = gradient(1.0);
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
        close(steps(Rule::Sgd, 0.1, 1), 1.0 - 0.1 * first);
        // The first step of AdaGrad has the length of the rate; the second is shorter by the gradients so far.
        let one = 1.0 - 0.1 * first / (first + 1e-10);
        let second = gradient(one);
        close(steps(Rule::ADA_GRAD, 0.1, 2), one - 0.1 * second / ((first * first + second * second).sqrt() + 1e-10));
        let one = 1.0 - 0.1 * first / (0.1 * first + 1e-8);
        let (second, square) = (gradient(one), 0.01 * first * first);
        close(
            steps(Rule::RMS_PROP, 0.1, 2),
            one - 0.1 * second / ((0.99 * square + 0.01 * second * second).sqrt() + 1e-8),
        );
        // Decay acts on the parameter itself: Adam's first step has the length of the rate.
        close(steps(Rule::ADAM_W, 0.1, 1), 1.0 * (1.0 - 0.1 * 0.01) - 0.1 * first / (first + 1e-8));
        for (rule, rate) in [(Rule::Sgd, 0.1), (Rule::ADA_GRAD, 0.5), (Rule::RMS_PROP, 1e-3)] {
            let found = steps(rule, rate, 5000);
            assert!((found + 0.15).abs() < 2e-3, "{rule:?} ends at {found}");
        }
    }

    #[test]
    fn a_row_outside_the_batch_stands_still() {
        let mut together = Optimizer::of_rows(Rule::ADAM, 3, 2);
        let mut params = vec![1.0; 6];
        together.descend_rows(&[0, 2], 0.1, 1.0, &mut params, &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(params[2..4], [1.0, 1.0]);
        together.descend_rows(&[1], 0.1, 1.0, &mut params, &[5.0, 6.0]);
        // Row 1 is as if it were alone.
        let mut alone = Optimizer::new(Rule::ADAM, 2);
        let mut row = vec![1.0; 2];
        alone.descend(0.1, 1.0, &mut row, &[5.0, 6.0]);
        assert_eq!(params[2..4], row[..]);
        assert_eq!(together.buffers()[0].values, [1.0, 1.0, 1.0]);
    }

    #[test]
    fn it_goes_on_from_its_buffers() {
        let mut first = Optimizer::new(Rule::ADAM, 2);
        let mut params = vec![1.0, 2.0];
        first.descend(0.1, 1.0, &mut params, &[0.5, -1.0]);
        let mut second = Optimizer::new(Rule::ADAM, 2);
        assert!(second.restore(&first.buffers()));
        assert_eq!(first, second);
        assert!(!Optimizer::new(Rule::ADAM, 3).restore(&first.buffers()));
    }

    #[test]
    fn clipping_is_by_the_norm_of_all() {
        assert_eq!(clip([&[3.0][..], &[4.0][..]], 2.5), 0.5);
        assert_eq!(clip([&[3.0, 4.0][..]], 6.0), 1.0);
    }
}
