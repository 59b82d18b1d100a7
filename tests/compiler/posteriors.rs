//! Known answers on the reference evaluator.

use crate::known;
use ppl::plan::reference::Reference;

#[test]
fn eight_schools_and_its_corrected_posterior() {
    known::check(&known::eight_schools(), &Reference);
}

#[test]
fn the_centred_hierarchy_is_flagged() {
    known::check(&known::eight_schools_centered(), &Reference);
}

#[test]
fn a_conjugate_guide_reaches_the_exact_evidence() {
    known::check(&known::poisson_gamma(), &Reference);
}

#[test]
fn a_variance_by_its_conjugate_guide() {
    known::check(&known::inverse_gamma_variance(), &Reference);
}

#[test]
fn failures_by_their_conjugate_guide() {
    known::check(&known::geometric_beta(), &Reference);
}

#[test]
fn a_location_between_two_ends() {
    known::check(&known::uniform_location(), &Reference);
}

#[test]
fn regressions_of_scores() {
    known::kidscore(false).iter().for_each(|case| known::check(case, &Reference));
}

#[test]
fn regressions_of_scores_by_a_joint_guide() {
    known::kidscore(true).iter().for_each(|case| known::check(case, &Reference));
}

#[test]
fn credit_risk() {
    known::logistic(false).iter().for_each(|case| known::check(case, &Reference));
}

#[test]
fn credit_risk_by_a_joint_guide() {
    known::logistic(true).iter().for_each(|case| known::check(case, &Reference));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "24 fits: a third of all that `cargo fast` would do")]
fn a_mixture_with_full_covariances() {
    known::gmm().iter().for_each(|case| known::check_best(case, &Reference));
}
