//! Loops over several row-major arrays at once: axes that lie next to each other in all of them are one axis.

/// A nest of loops with, for each of `K` arrays, how far one step of each loop moves in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nest<const K: usize> {
    extents: Vec<usize>,
    strides: Vec<[usize; K]>,
}

impl<const K: usize> Nest<K> {
    /// One loop an axis of `shape`, outermost first; `strides[k]` is that of array `k` along each axis.
    pub fn new(shape: &[usize], strides: [&[usize]; K]) -> Nest<K> {
        let mut nest = Nest { extents: Vec::with_capacity(shape.len()), strides: Vec::with_capacity(shape.len()) };
        for (axis, extent) in shape.iter().copied().enumerate() {
            let steps = strides.map(|array| array[axis]);
            match (nest.extents.last_mut(), nest.strides.last_mut()) {
                _ if extent == 1 => {}
                (Some(outer), Some(before)) if (0..K).all(|k| before[k] == steps[k] * extent) => {
                    *outer *= extent;
                    *before = steps;
                }
                _ => {
                    nest.extents.push(extent);
                    nest.strides.push(steps);
                }
            }
        }
        nest
    }

    /// How far one step of the innermost loop moves in each array; 1 where there is no loop.
    pub fn inner(&self) -> [usize; K] {
        self.strides.last().copied().unwrap_or([1; K])
    }

    /// The loops in another order, where the innermost is short and another is long: a run then does more than it costs
    /// to begin one. Only for what does not depend on the order of elements.
    pub fn longest_inside(mut self) -> Nest<K> {
        let Some(last) = self.extents.len().checked_sub(1) else { return self };
        let longest = (0..last).max_by_key(|axis| self.extents[*axis]);
        if let Some(axis) = longest.filter(|axis| self.extents[last] < 8 && self.extents[*axis] > self.extents[last]) {
            self.extents.swap(axis, last);
            self.strides.swap(axis, last);
        }
        self
    }

    /// Each run of the innermost loop: where it starts in each array, and its length. In row-major order.
    pub fn runs(&self, mut run: impl FnMut([usize; K], usize)) {
        if self.extents.contains(&0) {
            return;
        }
        let depth = self.extents.len().saturating_sub(1);
        let length = self.extents.last().copied().unwrap_or(1);
        let (mut at, mut start) = (vec![0; depth], [0; K]);
        // Loops that call nothing, for builds without optimization.
        let (extents, strides, at) = (self.extents.as_slice(), self.strides.as_slice(), at.as_mut_slice());
        loop {
            run(start, length);
            let mut axis = depth;
            loop {
                if axis == 0 {
                    return;
                }
                axis -= 1;
                at[axis] += 1;
                let back = if at[axis] < extents[axis] { 0 } else { extents[axis] };
                let mut k = 0;
                while k < K {
                    start[k] = start[k] + strides[axis][k] - strides[axis][k] * back;
                    k += 1;
                }
                if back == 0 {
                    break;
                }
                at[axis] = 0;
            }
        }
    }
}

/// The strides of a row-major array.
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The strides of a row-major array whose axes of extent 1 are repeated to those of `to`.
pub fn repeating_strides(shape: &[usize], to: &[usize]) -> Vec<usize> {
    let own = strides(shape);
    (0..shape.len()).map(|axis| if shape[axis] == to[axis] { own[axis] } else { 0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visits<const K: usize>(nest: &Nest<K>) -> Vec<[usize; K]> {
        let mut list = Vec::new();
        nest.runs(|start, length| {
            (0..length).for_each(|i| list.push(std::array::from_fn(|k| start[k] + i * nest.inner()[k])));
        });
        list
    }

    #[test]
    fn a_nest_visits_what_nested_loops_visit() {
        let shape = [2, 3, 1, 4];
        let small = [2, 1, 1, 4];
        let nest = Nest::new(&shape, [&strides(&shape), &repeating_strides(&small, &shape), &[1, 8, 5, 2]]);
        let mut expected = Vec::new();
        for i in 0..2 {
            for j in 0..3 {
                for l in 0..4 {
                    expected.push([12 * i + 4 * j + l, 4 * i + l, i + 8 * j + 2 * l]);
                }
            }
        }
        assert_eq!(visits(&nest), expected);
    }

    #[test]
    fn another_order_visits_the_same() {
        let shape = [2, 30, 3];
        let nest = Nest::new(&shape, [&strides(&shape), &repeating_strides(&[1, 30, 1], &shape)]);
        let (mut straight, other) = (visits(&nest), nest.clone().longest_inside());
        assert_eq!(other.inner(), [3, 1]);
        let mut swapped = visits(&other);
        assert_ne!(straight, swapped);
        straight.sort();
        swapped.sort();
        assert_eq!(straight, swapped);
    }

    #[test]
    fn contiguous_arrays_are_one_run() {
        let own = strides(&[5, 1, 7]);
        let nest = Nest::new(&[5, 1, 7], [&own, &own]);
        let mut runs = 0;
        nest.runs(|start, length| {
            runs += 1;
            assert_eq!((start, length), ([0, 0], 35));
        });
        assert_eq!(runs, 1);
        assert_eq!(visits(&Nest::new(&[], [&[]])), [[0]]);
        assert!(visits(&Nest::new(&[3, 0], [&[0, 1]])).is_empty());
    }
}
