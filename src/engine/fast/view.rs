//! Where the elements of a value lie in a buffer. Moving axes about, repeating and slicing only change this.

/// Axes over a buffer. A repeated axis has step 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub buffer: usize,
    pub offset: usize,
    pub axes: Vec<Axis>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    pub length: usize,
    pub step: usize,
}

impl View {
    /// All of a buffer, row-major.
    pub fn whole(buffer: usize, shape: &[usize]) -> View {
        let mut axes: Vec<Axis> = shape.iter().map(|length| Axis { length: *length, step: 0 }).collect();
        let mut step = 1;
        for axis in axes.iter_mut().rev() {
            axis.step = step;
            step *= axis.length;
        }
        View { buffer, offset: 0, axes }
    }

    /// The first element of a buffer at every place.
    pub fn repeated(buffer: usize, shape: &[usize]) -> View {
        let axes = shape.iter().map(|length| Axis { length: *length, step: 0 }).collect();
        View { buffer, offset: 0, axes }
    }

    pub fn count(&self) -> usize {
        self.axes.iter().map(|axis| axis.length).product()
    }

    pub fn steps(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.step).collect()
    }

    /// Whether the elements stand one after another from the offset on.
    pub fn is_row_major(&self) -> bool {
        let mut step = 1;
        for axis in self.axes.iter().rev().filter(|axis| axis.length != 1) {
            if axis.step != step {
                return false;
            }
            step *= axis.length;
        }
        true
    }

    /// The same elements in another shape, where that needs no copy.
    pub fn reshaped(&self, shape: &[usize]) -> Option<View> {
        let view = |axes| View { buffer: self.buffer, offset: self.offset, axes };
        if self.is_row_major() {
            return Some(view(View::whole(self.buffer, shape).axes));
        }
        // Axes of one come and go freely; what is left must be the same.
        let long: Vec<Axis> = self.axes.iter().copied().filter(|axis| axis.length != 1).collect();
        if !long.iter().map(|axis| axis.length).eq(shape.iter().copied().filter(|length| *length != 1)) {
            return None;
        }
        let mut rest = long.into_iter();
        let axis = |length: &usize| {
            let same = if *length == 1 { None } else { rest.next() };
            same.unwrap_or(Axis { length: *length, step: 0 })
        };
        Some(view(shape.iter().map(axis).collect()))
    }

    pub fn permuted(&self, order: &[usize]) -> View {
        View { axes: order.iter().map(|axis| self.axes[*axis]).collect(), ..*self }
    }

    /// Axes of one repeated to `shape`, which has as many.
    pub fn expanded(&self, shape: &[usize]) -> View {
        let axis = |(axis, length): (&Axis, &usize)| Axis {
            length: *length,
            step: if axis.length == 1 { 0 } else { axis.step },
        };
        View { axes: self.axes.iter().zip(shape).map(axis).collect(), ..*self }
    }

    /// The part from `start` on of an axis.
    pub fn sliced(&self, axis: usize, start: usize, length: usize) -> View {
        let mut view = self.clone();
        view.offset += start * view.axes[axis].step;
        view.axes[axis].length = length;
        view
    }
}

/// A space of places, row-major, with the steps that several values take through it; as few axes as it can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Space {
    pub lengths: Vec<usize>,
    /// One row a value: its step along each axis.
    pub steps: Vec<Vec<usize>>,
}

impl Space {
    /// Axes of one are left out, and neighbours become one axis where every value walks through both in one stride.
    pub fn of(shape: &[usize], views: &[&View]) -> Space {
        let mut space = Space { lengths: vec![], steps: vec![vec![]; views.len()] };
        for (axis, length) in shape.iter().enumerate().filter(|(_, length)| **length != 1) {
            let steps: Vec<usize> = views.iter().map(|view| view.axes[axis].step).collect();
            space.push(*length, &steps);
        }
        space
    }

    fn push(&mut self, length: usize, steps: &[usize]) {
        let in_stride = |(row, step): (&Vec<usize>, &usize)| row.last() == Some(&(step * length));
        if self.steps.iter().zip(steps).all(in_stride)
            && let Some(last) = self.lengths.last_mut()
        {
            *last *= length;
            self.steps.iter_mut().zip(steps).for_each(|(row, step)| {
                row.pop();
                row.push(*step);
            });
            return;
        }
        self.lengths.push(length);
        self.steps.iter_mut().zip(steps).for_each(|(row, step)| row.push(*step));
    }

    pub fn count(&self) -> usize {
        self.lengths.iter().product()
    }
}

/// Calls `f` with the offsets of `steps` at every place of `lengths`, in row-major order.
pub(super) fn walk<const N: usize>(
    lengths: &[usize],
    steps: [&[usize]; N],
    from: [usize; N],
    f: &mut impl FnMut([usize; N]),
) {
    let Some((length, rest)) = lengths.split_first() else { return f(from) };
    let mut at = from;
    for _ in 0..*length {
        walk(rest, steps.map(|row| &row[1..]), at, f);
        for (offset, row) in at.iter_mut().zip(steps) {
            *offset += row[0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reshaping_keeps_a_view_where_only_axes_of_one_change() {
        let turned = View::whole(0, &[2, 3]).permuted(&[1, 0]);
        assert_eq!(turned.steps(), [1, 3]);
        assert_eq!(turned.reshaped(&[3, 1, 2]).map(|v| v.steps()), Some(vec![1, 0, 3]));
        assert_eq!(turned.reshaped(&[6]), None);
        assert_eq!(View::whole(0, &[2, 3]).reshaped(&[6]).map(|v| v.steps()), Some(vec![1]));
    }

    #[test]
    fn a_space_has_no_more_axes_than_it_needs() {
        let whole = View::whole(0, &[2, 3, 4]);
        assert_eq!(Space::of(&[2, 3, 4], &[&whole]).lengths, [24]);
        let row = View::whole(1, &[1, 1, 4]).expanded(&[2, 3, 4]);
        let space = Space::of(&[2, 3, 4], &[&whole, &row]);
        assert_eq!((space.lengths, space.steps), (vec![6, 4], vec![vec![4, 1], vec![0, 1]]));
    }

    #[test]
    fn walking_visits_every_place_in_order() {
        let mut seen = vec![];
        walk(&[2, 2], [&[4, 1], &[0, 2]], [0, 10], &mut |at| seen.push(at));
        assert_eq!(seen, [[0, 10], [1, 12], [4, 10], [5, 12]]);
    }
}
