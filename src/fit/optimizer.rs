//! Steps along noisy gradients, over one flat buffer of parameters.

/// How a step is made from gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Kingma & Ba, "Adam: a method for stochastic optimization" (ICLR 2015).
    Adam { beta1: f64, beta2: f64, epsilon: f64 },
}

impl Rule {
    pub const ADAM: Rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

    /// What is remembered for each parameter, by name.
    fn memory(self) -> &'static [&'static str] {
        match self {
            Rule::Adam { .. } => &["mean", "square"],
        }
    }
}

/// A flat buffer under the name it is saved by.
#[derive(Debug, Clone, PartialEq)]
pub struct Buffer {
    pub name: String,
    pub values: Vec<f64>,
}

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
        let step = self.steps[row];
        let range = row * self.width..(row + 1) * self.width;
        match (self.rule, self.memory.as_mut_slice()) {
            (Rule::Adam { beta1, beta2, epsilon }, [mean, square]) => {
                let (mean, square) = (&mut mean.values[range.clone()], &mut square.values[range]);
                // Both corrections for the start from zero, taken out of the loop.
                let (fix1, fix2) = (1.0 - beta1.powf(step), (1.0 - beta2.powf(step)).sqrt());
                for (((p, g), m), v) in params.iter_mut().zip(gradient).zip(mean).zip(square) {
                    let g = g * factor;
                    *m += (1.0 - beta1) * (g - *m);
                    *v += (1.0 - beta2) * (g * g - *v);
                    *p -= rate * (*m / fix1) / (v.sqrt() / fix2 + epsilon);
                }
            }
            // Every rule has as many buffers as it names.
            (Rule::Adam { .. }, _) => {}
        }
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
