//! What kind of product a contraction is: which axes are repeated, kept from one side, and summed over.

use crate::plan::Contraction;

/// The names of a contraction by where they stand. Every name is in exactly one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roles {
    /// In both operands and the result, in the result's order.
    pub batch: Vec<u8>,
    /// In the left operand and the result, in the result's order.
    pub rows: Vec<u8>,
    /// In the right operand and the result, in the result's order.
    pub columns: Vec<u8>,
    /// In both operands only, in the left operand's order.
    pub summed: Vec<u8>,
}

impl Roles {
    pub fn of(axes: &Contraction) -> Roles {
        let out = |keep: &dyn Fn(&u8) -> bool| axes.out.iter().copied().filter(|name| keep(name)).collect();
        let (left, right) = (|n: &u8| axes.left.contains(n), |n: &u8| axes.right.contains(n));
        Roles {
            batch: out(&|n| left(n) && right(n)),
            rows: out(&|n| left(n) && !right(n)),
            columns: out(&|n| right(n) && !left(n)),
            summed: axes.left.iter().copied().filter(|n| right(n) && !axes.out.contains(n)).collect(),
        }
    }
}

/// The places in `names` of each name of `wanted`.
pub(super) fn places(names: &[u8], wanted: impl Iterator<Item = u8>) -> Vec<usize> {
    wanted.filter_map(|name| names.iter().position(|n| *n == name)).collect()
}

/// The length of an axis by its name, from whichever operand has it.
pub(super) fn length(name: u8, axes: &Contraction, left: &[usize], right: &[usize]) -> usize {
    let of = |names: &[u8], shape: &[usize]| names.iter().position(|n| *n == name).and_then(|i| shape.get(i).copied());
    of(&axes.left, left).or_else(|| of(&axes.right, right)).unwrap_or(1)
}
