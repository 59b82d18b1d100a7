//! The plans of small cases as text, compared with `tests/golden/`. A case whose first comment says sizes, as in
//! `(sizes: N = 3)` or `(sizes: none)`, is bound to them and to random data, and has a `.plan` and a `.gradient`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ppl::data::Bound;
use ppl::elbo::Elbo;
use ppl::plan::lower::{self, Batch};
use ppl::plan::print::print_program;

use crate::golden;
use crate::world::{Random, World};

/// Cases with sizes in their first comment, and these sizes.
fn cases() -> BTreeMap<String, Vec<(String, f64)>> {
    let mut list = BTreeMap::new();
    for stem in golden::stems("tests/cases", ".vi") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cases/{stem}.vi"));
        let text = fs::read_to_string(path).expect("a case");
        let first = text.lines().next().unwrap_or_default();
        let Some(sizes) = first.split_once("(sizes: ").and_then(|(_, rest)| rest.split_once(')')) else { continue };
        let size = |text: &str| {
            let (name, value) = text.split_once(" = ").expect("NAME = VALUE");
            (name.to_string(), value.parse().expect("a size"))
        };
        let sizes = if sizes.0 == "none" { vec![] } else { sizes.0.split(", ").map(size).collect() };
        list.insert(stem, sizes);
    }
    list
}

fn bound(stem: &str, sizes: &[(String, f64)]) -> (Elbo, Bound) {
    let set: Vec<(&str, f64)> = sizes.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let elbo = crate::truth::derived(&format!("tests/cases/{stem}.vi"), &set);
    for (_, dim) in elbo.model.dims.iter() {
        assert!(dim.value.is_some(), "{stem}: the first comment says no size of {}", dim.name);
    }
    let data = World::new(&elbo.model, 0, &[], &mut Random(1)).bound();
    (elbo, data)
}

fn check(end: &str, name: &str, lower: impl Fn(&Elbo, &Bound, &Batch) -> Result<lower::Program, lower::Trouble>) {
    let cases = cases();
    assert!(cases.len() >= 10, "too few cases with sizes");
    golden::check_all(end, cases.keys().cloned().collect(), |stem| {
        let (elbo, data) = bound(stem, &cases[stem]);
        let batch = Batch::of_step(&elbo, &data).unwrap_or_else(|trouble| panic!("{stem}: {trouble:?}"));
        let program = lower(&elbo, &data, &batch).unwrap_or_else(|trouble| panic!("{stem}: {trouble:?}"));
        print_program(name, &elbo, &data, &batch, &program)
    });
}

#[test]
fn plans_print_as_they_did() {
    check(".plan", "plan", lower::lowered);
}

#[test]
fn gradients_print_as_they_did() {
    check(".gradient", "gradient", lower::bound);
}
