//! The bound as JSON, LaTeX and Graphviz: goldens of three models, and laws that hold of every model.

use std::collections::BTreeSet;

use ppl::elbo::{self, Elbo};
use ppl::model::Settings;
use ppl::source::Source;

use crate::golden;

const MODELS: [&str; 3] = ["eight_schools", "gmm_bayes", "vae"];

fn derived(stem: &str) -> Elbo {
    crate::truth::derived(&format!("models/{stem}.vi"), &[])
}

/// Every bound there is: of the models, and of the cases that have one.
fn bounds() -> Vec<(String, Elbo)> {
    let mut list: Vec<(String, Elbo)> =
        golden::derived_models().into_iter().map(|stem| (stem.clone(), derived(&stem))).collect();
    for stem in golden::stems("tests/cases", ".vi") {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cases/{stem}.vi"));
        let source = Source::new(stem.clone(), std::fs::read_to_string(path).expect("a case"));
        list.extend(ppl::compile(&source, &Settings::default()).0.map(|elbo| (stem, elbo)));
    }
    assert!(list.len() > 40, "only {} bounds", list.len());
    list
}

fn check(end: &str, print: impl Fn(&Elbo) -> String) {
    let models: BTreeSet<String> = MODELS.into_iter().map(String::from).collect();
    golden::check_all(end, models, |stem| print(&derived(stem)));
}

#[test]
fn json_is_as_it_was() {
    check(".json", |elbo| format!("{:#}\n", elbo::json::json(elbo)));
}

#[test]
fn latex_is_as_it_was() {
    check(".tex", elbo::latex::document);
}

#[test]
fn graphs_are_as_they_were() {
    check(".dot", elbo::dot::dot);
}

/// Mathematics that cannot be set falls back to words; only remarks may.
#[test]
fn every_term_of_every_bound_is_set_as_mathematics() {
    let mut seen = 0;
    for (stem, elbo) in bounds() {
        let document = elbo::latex::document(&elbo);
        // Remarks stand in columns of their own, after ` && ` or a quad.
        let is_term = |line: &&str| line.starts_with("  ") && line.contains('&') && !line.contains("\\quad\\text");
        for line in document.lines().filter(is_term) {
            let math = line.split(" && ").next().unwrap_or(line).split(" \\quad ").next().unwrap_or(line);
            let words = math.replace("\\text{if }", "").replace("\\text{otherwise}", "");
            let words = words.replace("\\text{ draws}", "").replace("\\text{cost}", "");
            assert!(!words.contains("\\text{") || line.contains("&\\quad"), "{stem}: {line}");
            seen += 1;
        }
        let opened = document.matches('{').count();
        assert_eq!(opened, document.matches('}').count(), "{stem}: brackets");
        assert_eq!(document.matches("\\left").count(), document.matches("\\right").count(), "{stem}: brackets");
    }
    assert!(seen > 100, "only {seen} lines");
}

#[test]
fn every_arrow_of_every_graph_ends_at_what_is_drawn() {
    for (stem, elbo) in bounds() {
        let graph = elbo::dot::dot(&elbo);
        let drawn: BTreeSet<&str> = graph
            .lines()
            .filter_map(|line| Some(line.trim().split_once(" [")?.0))
            .filter(|id| id.starts_with('"'))
            .collect();
        let mut arrows = 0;
        for line in graph.lines().filter(|line| line.contains(" -> ")) {
            let (from, to) = line.trim().split_once(" -> ").expect("an arrow");
            let to = to.split_once(" [").map_or(to, |(to, _)| to);
            assert!(drawn.contains(from) && drawn.contains(to), "{stem}: {line}");
            arrows += 1;
        }
        assert!(arrows > 0 || elbo.model.sites.len() < 2, "{stem} has no arrow");
    }
}
