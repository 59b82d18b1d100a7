//! Rates that change from step to step.

/// A rate, or another number, as a function of the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    Constant(f64),
    /// Rises linearly over the warm-up, then falls to 0 along half a cosine by the end of the run.
    Cosine {
        from: f64,
        warmup: u64,
    },
    /// From one value to another over so many steps, and constant after.
    Linear {
        from: f64,
        to: f64,
        steps: u64,
    },
}

impl Schedule {
    /// The value at a step, counted from 0, of a run of `total` steps.
    pub fn at(self, step: u64, total: u64) -> f64 {
        match self {
            Schedule::Constant(value) => value,
            Schedule::Cosine { from, warmup } if step < warmup => from * (step + 1) as f64 / warmup as f64,
            Schedule::Cosine { from, warmup } => {
                let share = (step - warmup) as f64 / total.saturating_sub(warmup).max(1) as f64;
                0.5 * from * (1.0 + (std::f64::consts::PI * share.min(1.0)).cos())
            }
            Schedule::Linear { from, to, steps } => from + (to - from) * (step as f64 / steps.max(1) as f64).min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_warms_up_and_falls_to_zero() {
        let rate = Schedule::Cosine { from: 2.0, warmup: 10 };
        assert_eq!(rate.at(0, 110), 0.2);
        assert_eq!(rate.at(9, 110), 2.0);
        assert_eq!(rate.at(10, 110), 2.0);
        assert!((rate.at(60, 110) - 1.0).abs() < 1e-12);
        assert!(rate.at(110, 110).abs() < 1e-12 && rate.at(500, 110) == rate.at(110, 110));
        // A run that ends within its warm-up.
        assert_eq!(rate.at(4, 5), 1.0);
    }

    #[test]
    fn linear_stays_where_it_arrives() {
        let beta = Schedule::Linear { from: 0.0, to: 4.0, steps: 8 };
        assert_eq!([0, 2, 8, 100].map(|step| beta.at(step, 1000)), [0.0, 1.0, 4.0, 4.0]);
        assert_eq!(Schedule::Linear { from: 1.0, to: 3.0, steps: 0 }.at(1, 9), 3.0);
        assert_eq!(Schedule::Constant(0.3).at(7, 9), 0.3);
    }
}
