//! A fit between two steps as named flat arrays: what a run keeps, so that it can go on from there to the same bits.

use super::Failure;
use crate::problem::Problem;

/// A flat array under the name it is saved by.
#[derive(Debug, Clone, PartialEq)]
pub struct Buffer {
    pub name: String,
    pub values: Vec<f64>,
}

/// All that the rest of a fit depends on, besides model, data, settings and seed; empty before the first step. Each
/// component writes and reads its own part, under its own name, and knows nothing of the others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    pub buffers: Vec<Buffer>,
}

impl State {
    pub fn is_empty(&self) -> bool {
        self.buffers.is_empty()
    }

    pub fn put(&mut self, name: &str, values: impl Into<Vec<f64>>) {
        self.buffers.push(Buffer { name: name.into(), values: values.into() });
    }

    /// The buffers of a component, as `component.name`.
    pub fn put_part(&mut self, component: &str, part: Vec<Buffer>) {
        let named = |buffer: Buffer| Buffer { name: format!("{component}.{}", buffer.name), ..buffer };
        self.buffers.extend(part.into_iter().map(named));
    }

    /// The buffers of a component, under their own names.
    pub fn part(&self, component: &str) -> Vec<Buffer> {
        let own = |buffer: &Buffer| {
            let name = buffer.name.strip_prefix(component)?.strip_prefix('.')?.to_string();
            Some(Buffer { name, values: buffer.values.clone() })
        };
        self.buffers.iter().filter_map(own).collect()
    }

    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.buffers.iter().find(|buffer| buffer.name == name).map(|buffer| buffer.values.as_slice())
    }

    pub fn array<const N: usize>(&self, name: &str) -> Option<[f64; N]> {
        self.get(name)?.try_into().ok()
    }
}

/// Whole, and told by its checksum to be what was written: but not by this fit.
pub(super) fn foreign() -> Failure {
    Failure::from(
        Problem::error("ppl::fit::state", "the state of the run is not one of this fit")
            .help("it may be of another version of ppl: start the fit again"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_under_its_own_names() {
        let mut state = State::default();
        state.put_part("a", vec![Buffer { name: "x".into(), values: vec![1.0] }]);
        state.put_part("ab", vec![Buffer { name: "x".into(), values: vec![2.0] }]);
        state.put("y", [3.0, 4.0]);
        assert_eq!(state.part("a"), [Buffer { name: "x".into(), values: vec![1.0] }]);
        assert_eq!(state.part("ab")[0].values, [2.0]);
        assert_eq!(
            (state.get("ab.x"), state.array("y"), state.array::<1>("y")),
            (Some(&[2.0][..]), Some([3.0, 4.0]), None)
        );
    }
}
