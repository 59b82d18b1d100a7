//! Runs a plan on every path that is compiled in and compares with the oracle.

use ppl::plan::reference::evaluate_once;
use ppl::plan::{Backend, Failure, Plan, Precision};

/// A path, opened, and the precisions that it computes in.
pub struct Path {
    pub name: &'static str,
    pub precisions: &'static [Precision],
    pub backend: Box<dyn Backend>,
}

/// The paths that can be had here. One that cannot says why it is skipped.
pub fn paths() -> Vec<Path> {
    let both: &[Precision] = &[Precision::F64, Precision::F32];
    let all = [("cpu", both), ("composed", both), ("ndarray", both), ("wgpu", &both[1..])];
    let path = |(name, precisions)| match ppl::engine::backend(name) {
        Ok(backend) => Some(Path { name, precisions, backend }),
        Err(problem) => {
            let compiled = cfg!(feature = "wgpu") && name == "wgpu" || cfg!(feature = "ndarray") && name == "ndarray";
            let wanted = if compiled { "ppl::engine::device" } else { "ppl::engine::backend" };
            assert_eq!(problem.code, wanted, "{name}: {}", problem.message);
            println!("{name} is skipped: {}", problem.message);
            None
        }
    };
    all.into_iter().filter_map(path).collect()
}

/// The outputs of two runs, which are the same; none where the backend has no arrays of so many axes.
pub fn run(backend: &dyn Backend, plan: &Plan, precision: Precision, inputs: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let given: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
    let name = backend.name();
    let mut ready = match backend.prepare(plan, precision) {
        Err(Failure::Device(why)) if name == "ndarray" && why.starts_with("arrays of ") => {
            println!("skipped: {why}");
            return None;
        }
        ready => ready.unwrap_or_else(|e| panic!("{name} cannot prepare: {e:?}")),
    };
    let first = ready.run(&given).unwrap_or_else(|e| panic!("{name} cannot run: {e:?}"));
    let again = ready.run(&given).unwrap_or_else(|e| panic!("{name} cannot run again: {e:?}"));
    let bits = |outputs: &[Vec<f64>]| outputs.iter().flatten().map(|v| v.to_bits()).collect::<Vec<u64>>();
    assert_eq!(bits(&first), bits(&again), "{name}: a second run gives something else");
    Some(first)
}

/// How far a path may be from the oracle: relative to the value, or to 1 where that is smaller.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub double: f64,
    pub single: f64,
}

pub const TIGHT: Tolerance = Tolerance { double: 1e-13, single: 1e-5 };

pub fn check(what: &str, plan: &Plan, inputs: &[Vec<f64>], tolerance: Tolerance) {
    check_by(&[Precision::F64, Precision::F32], what, plan, inputs, &|what, precision, found, wanted| {
        let limit = if precision == Precision::F64 { tolerance.double } else { tolerance.single };
        compare(what, found, wanted, limit);
    });
}

/// What is found against what is wanted.
pub type Compare<'a> = &'a dyn Fn(&str, Precision, &[Vec<f64>], &[Vec<f64>]);

/// In some of the precisions that a path computes in.
pub fn check_by(asked: &[Precision], what: &str, plan: &Plan, inputs: &[Vec<f64>], compare: Compare) {
    let wanted = oracle(plan, inputs);
    for Path { name, precisions, backend } in paths() {
        for precision in precisions.iter().filter(|precision| asked.contains(precision)) {
            let Some(found) = run(backend.as_ref(), plan, *precision, inputs) else { continue };
            compare(&format!("{what} on {name} in {precision:?}"), *precision, &found, &wanted);
        }
    }
}

/// The slow evaluator, which shares no code with the engine.
pub fn oracle(plan: &Plan, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let given: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
    evaluate_once(plan, &given).expect("the reference runs every plan")
}

pub fn compare(what: &str, found: &[Vec<f64>], wanted: &[Vec<f64>], limit: f64) {
    assert_eq!(found.len(), wanted.len(), "{what}: outputs");
    for (output, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        assert_eq!(found.len(), wanted.len(), "{what}: elements of output {output}");
        for (place, (f, w)) in found.iter().zip(wanted).enumerate() {
            let same = f == w || (f.is_nan() && w.is_nan()) || (f - w).abs() <= limit * w.abs().max(1.0);
            assert!(same, "{what}: output {output} at {place} is {f}, not {w}");
        }
    }
}

/// Output by output, the distance of all elements relative to their length.
pub fn compare_lengths(what: &str, found: &[Vec<f64>], wanted: &[Vec<f64>], limit: f64) {
    assert_eq!(found.len(), wanted.len(), "{what}: outputs");
    for (output, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        assert_eq!(found.len(), wanted.len(), "{what}: elements of output {output}");
        let differ = found.iter().zip(wanted).filter(|(f, w)| f != w && !(f.is_nan() && w.is_nan()));
        let apart = differ.map(|(f, w)| (f - w).powi(2)).sum::<f64>().sqrt();
        let length = wanted.iter().filter(|w| w.is_finite()).map(|w| w * w).sum::<f64>().sqrt();
        assert!(apart <= limit * length.max(1.0), "{what}: output {output} is {apart:e} off, of length {length:e}");
    }
}
