//! The bound and the gradient of every model, on every path, against the reference: at random parameters, data and noise.

use std::fs;
use std::path::Path;

use ppl::elbo::{Treatment, particles};
use ppl::model::Settings;
use ppl::plan::lower::{self, Batch, InputKind, Program, Trouble};
use ppl::plan::{Input, Precision};
use ppl::source::Source;

use crate::hand::Dice;
use crate::parity::{check_by, compare, compare_lengths, oracle, paths};
use crate::world::{Random, World};

/// Sums over rows cancel, and kernel matrices are ill conditioned: an entry of a gradient is as exact as what it is made of.
const DOUBLE: f64 = 1e-9;
/// Of a whole gradient: rounding may switch one of the hundred thousand units of a net on or off, and so move the entries
/// that it alone speaks for.
const SINGLE: f64 = 1e-3;

/// How many models of a folder were compared, and what the others cannot do yet.
fn compared(folder: &str) -> (usize, Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(path).expect("models").flatten().map(|file| file.path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "vi"));
    files.sort();
    let (mut compared, mut left) = (0, vec![]);
    for file in files {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        match one(&name, &fs::read_to_string(&file).expect("a model")) {
            Ok(()) => compared += 1,
            Err(why) => left.push(format!("{name}: {why}")),
        }
    }
    (compared, left)
}

/// Compares the log joint and the bound, or says why there is no plan: only a limitation is a reason.
fn one(name: &str, text: &str) -> Result<(), String> {
    let source = Source::new(format!("{name}.vi"), text);
    // Sizes of images and layers are more than this test needs.
    let small = ["D", "H", "K"].map(|dim| (dim.to_string(), 3.0));
    let set = small.into_iter().filter(|(dim, _)| text.contains(&format!("dim {dim} ="))).collect();
    let (elbo, _) = ppl::compile(&source, &Settings { set });
    let Some(elbo) = elbo else { return Err("it is not derived".into()) };
    let mut random = Random(name.len() as u64);
    let world = World::new(&elbo.model, 4, &[], &mut random);
    let data = world.bound();
    // As many as a step draws where draws serve one another, and some more where they do not.
    let draws = if particles::draws(&elbo) > 1 { particles::draws(&elbo) } else { 3 };
    let bound = lower::bound(&elbo, &data, &Batch::draws(draws)).map_err(limitation)?;
    // As fits do: single precision where there is a net, which no kernel matrix would survive.
    let nets = elbo.model.params.iter().any(|param| param.net.is_some());
    let precisions: &[Precision] = if nets { &[Precision::F64, Precision::F32] } else { &[Precision::F64] };
    parity(&format!("the bound of {name}"), &bound, precisions);
    let points = |treatment: &Treatment| !matches!(treatment, Treatment::Written(_) | Treatment::Enumerated(..));
    if elbo.sites.iter().all(|view| points(&view.treatment)) {
        let joint = lower::joint(&elbo, &data, 3).map_err(limitation)?;
        parity(&format!("the log joint of {name}"), &joint, precisions);
    }
    Ok(())
}

fn limitation(trouble: Trouble) -> String {
    match trouble {
        Trouble::Limitation { what, .. } => what,
        Trouble::Bug(bug) => panic!("{bug}"),
    }
}

fn parity(what: &str, program: &Program, precisions: &[Precision]) {
    check_by(precisions, what, &program.plan, &inputs(what, program, 0.7), &|what, precision, found, wanted| {
        match precision {
            Precision::F64 => compare(what, found, wanted, DOUBLE),
            Precision::F32 => compare_lengths(what, found, wanted, SINGLE),
        }
    });
}

/// Parameters of this size and noise for a program, the same for the same name.
fn inputs(name: &str, program: &Program, size: f64) -> Vec<Vec<f64>> {
    let mut dice = Dice::new(name.len() as u64);
    let one = |(kind, input): (&InputKind, &Input)| {
        let count: usize = input.shape.iter().product();
        let (low, high) = match kind {
            InputKind::Noise { noise: ppl::math::Noise::Uniform, .. } | InputKind::Dropout { .. } => (0.05, 0.95),
            InputKind::Dream { noise: ppl::math::Noise::Uniform, .. } => (0.05, 0.95),
            InputKind::Noise { .. } | InputKind::Dream { .. } | InputKind::AutoNoise => (-2.0, 2.0),
            // Of layers of a thousand inputs and more: sums over them stay of the size of one input.
            _ if count > 100_000 => (-size.min(0.03), size.min(0.03)),
            _ => (-size, size),
        };
        dice.between(low, high, count)
    };
    program.inputs.iter().zip(&program.plan.inputs).map(one).collect()
}

/// On a device that has 32 bits a step is in them, also of a model without a net. Nothing but its two results is read back.
#[test]
fn a_step_reads_back_its_results_and_nothing_else() {
    for (name, n) in [("vae", 16), ("logistic", 40), ("gmm_bayes", 12), ("hmm", 6), ("vae_conv", 3)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("models/{name}.vi"));
        let source = Source::new(format!("{name}.vi"), fs::read_to_string(path).expect("a model"));
        let (elbo, _) = ppl::compile(&source, &Settings::default());
        let elbo = elbo.expect("a bound");
        let data = World::new(&elbo.model, n, &[], &mut Random(n as u64)).bound();
        let step = lower::step(&elbo, &data, &Batch::draws(1)).expect("a step");
        let inputs = inputs(name, &step, 0.1);
        let wanted = oracle(&step.plan, &inputs);
        let given: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
        for path in paths() {
            let mut ready = path.backend.prepare(&step.plan, Precision::F32).expect("fits");
            let before = ppl::engine::readbacks();
            let found = ready.run(&given).expect("runs");
            let read = ppl::engine::readbacks() - before;
            // The kernels of `cpu` write where it is read.
            assert!(read <= found.len(), "{name} on {}: {read} values were read back", path.name);
            compare_lengths(&format!("a step of {name} on {}", path.name), &found, &wanted, SINGLE);
        }
    }
}

#[test]
fn every_model_has_the_gradient_of_the_reference() {
    let (compared, left) = compared("models");
    println!("{compared} models compared; {}", left.join("; "));
    assert!(compared >= 8, "only {compared}: {left:?}");
}

#[test]
fn every_case_has_the_gradient_of_the_reference() {
    let (compared, left) = compared("tests/cases");
    println!("{compared} cases compared; {}", left.join("; "));
    assert!(compared >= 20, "only {compared}: {left:?}");
}
