//! Numbers of a column, and what is computed of two of them.

use crate::data::Values;

#[derive(Debug, Clone, Copy)]
pub enum Numbers<'a> {
    Bytes(&'a [u8]),
    Reals(&'a [f64]),
}

/// Of two numbers. A comparison with a missing number is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Min,
    Max,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
}

impl Numbers<'_> {
    pub(super) fn get(&self, index: usize) -> f64 {
        match self {
            Numbers::Bytes(list) => f64::from(list[index]),
            Numbers::Reals(list) => list[index],
        }
    }
}

impl<'a> Numbers<'a> {
    /// The numbers of a column; `None` for text.
    pub fn of(values: &'a Values) -> Option<Numbers<'a>> {
        match values {
            Values::Bytes(list) => Some(Numbers::Bytes(list)),
            Values::Reals(list) => Some(Numbers::Reals(list)),
            Values::Text(_) => None,
        }
    }
}

impl Operator {
    /// Of two lists of one length, or of a list and a single number.
    pub(super) fn apply(self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        fn truth(a: f64, b: f64, is: bool) -> f64 {
            if a.is_nan() || b.is_nan() { f64::NAN } else { f64::from(u8::from(is)) }
        }
        match self {
            Operator::Add => zip(left, right, |a, b| a + b),
            Operator::Subtract => zip(left, right, |a, b| a - b),
            Operator::Multiply => zip(left, right, |a, b| a * b),
            Operator::Divide => zip(left, right, |a, b| a / b),
            Operator::Power => zip(left, right, f64::powf),
            Operator::Min => zip(left, right, |a, b| if b < a || b.is_nan() { b } else { a }),
            Operator::Max => zip(left, right, |a, b| if b > a || b.is_nan() { b } else { a }),
            Operator::Equal => zip(left, right, |a, b| truth(a, b, a == b)),
            Operator::NotEqual => zip(left, right, |a, b| truth(a, b, a != b)),
            Operator::Less => zip(left, right, |a, b| truth(a, b, a < b)),
            Operator::LessEqual => zip(left, right, |a, b| truth(a, b, a <= b)),
            Operator::Greater => zip(left, right, |a, b| truth(a, b, a > b)),
            Operator::GreaterEqual => zip(left, right, |a, b| truth(a, b, a >= b)),
            Operator::And => zip(left, right, |a, b| truth(a, b, a != 0.0 && b != 0.0)),
            Operator::Or => zip(left, right, |a, b| truth(a, b, a != 0.0 || b != 0.0)),
        }
    }
}

fn zip(mut left: Vec<f64>, mut right: Vec<f64>, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    match (left.as_slice(), right.as_slice()) {
        (_, [b]) => {
            let b = *b;
            left.iter_mut().for_each(|a| *a = f(*a, b));
            left
        }
        ([a], _) => {
            let a = *a;
            right.iter_mut().for_each(|b| *b = f(a, *b));
            right
        }
        _ => {
            left.iter_mut().zip(&right).for_each(|(a, b)| *a = f(*a, *b));
            left
        }
    }
}
