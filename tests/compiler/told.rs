//! What is told of a fit: of labels drawn in each row, of arrays with many entries, of a bound with closed forms.

use std::fs;

use ppl::model::Settings;
use ppl::plan::lower::{self, Batch};
use ppl::source::Source;
use serde_json::Value;

use crate::cli::Place;
use crate::world::{Random, World};

const LDA: &str = include_str!("../../models/lda.vi");

/// The weights of draws hold a number for every row and topic, and none for every row, topic and word.
#[test]
fn labels_drawn_in_rows_pick_without_a_table_for_each() {
    let set = [("K".to_string(), 3.0)].into();
    let (elbo, _) = ppl::compile(&Source::new("lda.vi", LDA), &Settings { set });
    let elbo = elbo.expect("a bound");
    let data = World::new(&elbo.model, 50, &[], &mut Random(5)).bound();
    let weights = lower::weights(&elbo, &data, &Batch::draws(1)).expect("weights");
    let largest = weights.plan.nodes.iter().map(|(_, node)| node.shape.iter().product::<usize>()).max();
    assert!(largest.expect("a node") <= 50 * 50, "{largest:?}");
}

fn summary(place: &Place, args: &[&str]) -> Value {
    let ran = place.run(args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_str(&ran.out).expect("JSON")
}

/// Every term of its bound is closed, and no weight of a draw says it as well.
#[test]
fn a_bound_of_closed_terms_has_no_noise() {
    let place = Place::new(&[("lda.vi", LDA), ("d.ldac", "3 0:1 1:2 2:1\n3 1:1 4:2 3:1\n2 3:1 0:2\n")]);
    let fit = ["fit", "lda.vi", "--data", "d.ldac", "--set", "K=2", "--steps", "400", "--lr", "0.05", "--json"];
    let told = summary(&place, &fit);
    let (mean, se) = (told["elbo"]["mean"].as_f64().expect("a bound"), told["elbo"]["se"].as_f64().expect("its error"));
    assert!(se < 1e-9 && mean.is_finite(), "{mean} ± {se}");
    // The weights agree.
    let evidence = told["importance"]["log_evidence"].as_f64();
    assert!(evidence.is_none_or(|evidence| evidence > mean - 0.5), "{evidence:?} and {mean}");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "two thousand times ten thousand draws on the reference evaluator")]
fn arrays_of_many_entries_are_in_neither_text_file() {
    let model = "dim K = 10001\ndata y: real\nmodel {\n  m: real[K] ~ Normal(0, 1)\n  s ~ Normal(0, 1)\n  \
                 y ~ Normal(mean(m) + s, 1)\n}\n";
    let place = Place::new(&[("m.vi", model), ("d.json", "{\"y\": 1.5}")]);
    let told = summary(&place, &["fit", "m.vi", "--data", "d.json", "--steps", "3", "--out", "run", "--json"]);
    assert_eq!(told["omitted"], serde_json::json!(["m"]));
    assert!(told["khat_because"].as_str().is_some_and(|why| why.contains("more than 1,000")), "{told}");
    let draws = fs::read_to_string(place.path().join("run/draws.csv")).expect("draws");
    let header = draws.lines().next().expect("a header");
    assert_eq!((header, draws.lines().count()), ("log_p__,log_g__,s", 1_001));
    assert!(place.path().join("run/sites.safetensors").exists());
}
