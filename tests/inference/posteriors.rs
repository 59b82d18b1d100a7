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
fn a_variance_by_its_conjugate_guide() {
    check(&known::inverse_gamma_variance());
}

#[test]
fn failures_by_their_conjugate_guide() {
    check(&known::geometric_beta());
}

#[test]
fn a_location_between_two_ends() {
    check(&known::uniform_location());
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
fn a_mixture_with_full_covariances() {
    let backend = ppl::engine::backend("cpu").expect("the default backend");
    known::gmm().iter().for_each(|case| known::check_best(case, backend.as_ref()));
}

#[test]
fn a_linear_vae_is_probabilistic_pca() {
    linear_vae().iter().for_each(check);
}

/// A linear VAE's best bound is the likelihood of probabilistic PCA (Lucas et al., NeurIPS 2019).
fn linear_vae() -> Option<known::Case> {
    let (name, bytes) = known::outside("tabular/iris.csv")?;
    Some(known::Case {
        name: "linear_vae",
        model: known::read("models/linear_vae.vi"),
        tables: vec![ppl::data::read::table(&name, &bytes).expect("a table")],
        bound: -404.96278,
        log_evidence: -404.96278,
        flagged: None,
        far: &[],
        raw: &[],
        corrected: &[],
    })
}
