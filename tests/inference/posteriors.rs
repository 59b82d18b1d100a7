//! Known answers on burn: the models of the fast suite, and those that take longer.

use crate::known;

fn check(case: &known::Case) {
    let backend = ppl::engine::backend("cpu").expect("the default backend");
    known::check(case, backend.as_ref());
}

#[test]
fn eight_schools_and_its_corrected_posterior() {
    check(&known::eight_schools());
}

#[test]
fn the_centred_hierarchy_is_flagged() {
    check(&known::eight_schools_centered());
}

#[test]
fn a_conjugate_guide_reaches_the_exact_evidence() {
    check(&known::poisson_gamma());
}

#[test]
fn regressions_of_scores() {
    known::kidscore(false).iter().for_each(check);
    known::kidscore(true).iter().for_each(check);
}

#[test]
fn credit_risk() {
    known::logistic(false).iter().for_each(check);
    known::logistic(true).iter().for_each(check);
}

#[test]
fn a_linear_vae_is_probabilistic_pca() {
    known::linear_vae().iter().for_each(check);
}
