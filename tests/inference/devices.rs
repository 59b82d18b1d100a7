//! Asking for devices, and the smallest plans on each path.

use ppl::plan::{Backend, Binary, Contraction, Failure, Op, Precision, Reduce, Unary};

use crate::hand::Hand;

fn close(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    for (f, w) in found.iter().zip(wanted) {
        assert!((f - w).abs() <= tolerance * w.abs().max(1.0), "{f} is not {w}");
    }
}

#[test]
fn an_unknown_backend_is_named_with_the_nearest_one() {
    let problem = ppl::engine::backend("wgpuu").err().expect("a problem");
    assert_eq!(problem.code, "ppl::engine::backend");
    assert_eq!(problem.help.as_deref(), Some("did you mean `--backend wgpu`?"));
    let problem = ppl::engine::backend("abacus").err().expect("a problem");
    assert_eq!(problem.help.as_deref(), Some("write one of `cpu`, `ndarray`, `wgpu`"));
}

#[test]
fn a_backend_that_is_not_compiled_in_says_how_to_build_it() {
    for (name, compiled) in [("ndarray", cfg!(feature = "ndarray")), ("wgpu", cfg!(feature = "wgpu"))] {
        if compiled {
            println!("skipped: {name} is compiled in");
            continue;
        }
        let problem = ppl::engine::backend(name).err().expect("a problem");
        assert_eq!(problem.code, "ppl::engine::backend");
        assert!(problem.help.is_some_and(|help| help.contains(&format!("--features {name}"))));
        let (code, said) = fit(name, &[]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("--features"), "{said}");
    }
}

/// The command's exit code and what it says.
fn fit(backend: &str, drivers: &[(&str, &str)]) -> (Option<i32>, String) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ppl"));
    command.args(["fit", "models/eight_schools.vi", "--data", "eight_schools", "--backend", backend, "--out"]);
    command.arg(folder.path().join("run")).current_dir(root).envs(drivers.iter().copied());
    let output = command.output().expect("the command runs");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (output.status.code(), said)
}

/// No loader of Vulkan finds a driver in a file that is not there; other systems have other ways to a device.
#[cfg(target_os = "linux")]
#[test]
fn wgpu_without_a_device_says_what_to_install() {
    if cfg!(not(feature = "wgpu")) {
        return println!("skipped: wgpu is not compiled in");
    }
    let none = "/nowhere/driver.json";
    let hidden = [("VK_ICD_FILENAMES", none), ("VK_DRIVER_FILES", none), ("LIBGL_DRIVERS_PATH", none)];
    let (code, said) = fit("wgpu", &hidden);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("ppl::engine::device") && said.contains("mesa-vulkan-drivers"), "{said}");
}

/// What needs 64 bits is on the processor, with the same answer, and the fit says so.
#[test]
fn a_deterministic_fit_on_wgpu_is_one_on_the_processor() {
    if let Err(problem) = ppl::engine::backend("wgpu") {
        return println!("wgpu is skipped: {}", problem.message);
    }
    let (code, said) = fit("wgpu", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("it ran on the processor"), "{said}");
    let elbo = |said: &str| said.lines().find(|line| line.starts_with("elbo ")).map(String::from);
    assert!(elbo(&said).is_some() && elbo(&said) == elbo(&fit("cpu", &[]).1), "{said}");
}

#[test]
fn a_product_its_activation_and_its_sum() {
    for path in crate::parity::paths() {
        for precision in path.precisions {
            let tolerance = if *precision == Precision::F64 { 1e-14 } else { 1e-6 };
            let mut hand = Hand::default();
            let x = hand.input(&[2, 3], vec![1.0, 2.0, 3.0, -1.0, 0.5, 0.25]);
            let w = hand.input(&[2, 3], vec![0.5, -1.0, 2.0, 1.0, 1.0, -4.0]);
            let axes = Contraction { left: vec![0, 2], right: vec![1, 2], out: vec![0, 1] };
            let product = hand.add(Op::Contract { left: x, right: w, axes }, &[2, 2]);
            let two = hand.add(Op::Literal(2.0), &[1, 1]);
            let half = hand.add(Op::Binary(Binary::Div, product, two), &[2, 2]);
            let active = hand.add(Op::Unary(Unary::Tanh, half), &[2, 2]);
            let sum = hand.add(Op::Reduce(Reduce::Sum, active, vec![0, 1]), &[]);
            hand.output(active);
            hand.output(sum);
            let (plan, inputs) = (hand.plan, hand.values);
            let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
            let mut prepared = path.backend.prepare(&plan, *precision).expect("fits");
            let wanted: Vec<f64> = [4.5, -9.0, -0.5, -1.5].iter().map(|v: &f64| (v / 2.0).tanh()).collect();
            for _ in 0..2 {
                let found = prepared.run(&inputs).expect("runs");
                close(&found[0], &wanted, tolerance);
                close(&found[1], &[wanted.iter().sum()], tolerance);
            }
            assert!(matches!(prepared.run(&inputs[..1]), Err(Failure::Bug(_))));
        }
    }
}

#[test]
fn a_row_that_32_bits_cannot_name_is_not_looked_up() {
    let mut hand = Hand::default();
    let table = hand.add(Op::Literal(1.0), &[(1 << 24) + 1]);
    let at = hand.input(&[1], vec![16_777_216.0]);
    let found = hand.add(Op::Gather { table, index: at }, &[1]);
    hand.output(found);
    let backend = ppl::engine::backend("cpu").expect("a device");
    assert!(matches!(backend.prepare(&hand.plan, Precision::F32), Err(Failure::Device(_))));
    assert!(backend.prepare(&hand.plan, Precision::F64).is_ok());
}

#[test]
fn numbers_that_no_memory_holds_are_told_of() {
    let mut hand = Hand::default();
    let row = hand.input(&[1, 2], vec![1.0, 2.0]);
    let long = [1 << 29, 1 << 29];
    let column = hand.input(&[2, 1], vec![1.0, 2.0]);
    let wide = hand.add(Op::Expand(row), &[long[0], 2]);
    let tall = hand.add(Op::Expand(column), &[2, long[1]]);
    let product = hand.contract(wide, tall, "ij,jk->ik");
    hand.output(product);
    let reference: &dyn Backend = &ppl::plan::reference::Reference;
    let cpu = ppl::engine::backend("cpu").expect("a device");
    for backend in [reference, cpu.as_ref()] {
        match backend.prepare(&hand.plan, Precision::F64) {
            Err(Failure::Device(why)) => assert!(why.starts_with("the numbers of one run take 23058430"), "{why}"),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("{} takes two exabytes", backend.name()),
        }
    }
}

#[cfg(feature = "ndarray")]
#[test]
fn more_axes_than_ndarray_has_are_told_of() {
    let mut hand = Hand::default();
    let x = hand.input(&[2; 7], vec![1.0; 128]);
    hand.output(x);
    let backend = ppl::engine::backend("ndarray").expect("a device");
    let failure = backend.prepare(&hand.plan, Precision::F32).err();
    assert!(matches!(failure, Some(Failure::Device(why)) if why.contains("7 axes")));
}
