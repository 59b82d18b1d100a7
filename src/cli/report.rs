//! The end of `ppl fit` on a terminal: what was found, what to beware of, and where it is kept.

use crate::report::{Summary, summary_table};

/// Everything but the path, which is the last line.
pub fn text(summary: &Summary) -> String {
    let mut text = format!("{} path: {}\n", summary.path, summary.path_because);
    if summary.backend == "wgpu" && summary.path == "deterministic" {
        text.push_str("note: this path computes in 64 bits, which wgpu does not have: it ran on the processor\n");
    }
    let ended = summary.ended.as_ref().map_or(String::new(), |words| format!(", {words}"));
    text.push_str(&format!(
        "{}: {} rows, {} steps, {:.2} s{ended}\n",
        summary.model, summary.rows, summary.steps, summary.seconds.fit
    ));
    let facts = facts(summary);
    let column = facts.iter().map(|(name, _)| name.chars().count() + 2).fold(14, usize::max);
    for (name, value) in facts {
        text.push_str(&format!("{name:<column$}{value}\n"));
    }
    let table = summary_table(summary);
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table);
    }
    text.push('\n');
    text
}

fn facts(summary: &Summary) -> Vec<(&str, String)> {
    let plus_minus = |mean: f64, se: f64| format!("{mean:.3} \u{b1} {se:.3}");
    let mut facts = vec![];
    match &summary.elbo {
        Some(elbo) => facts.push(("elbo", plus_minus(elbo.mean, elbo.se))),
        None => facts.push(("elbo", "none".into())),
    }
    if let Some(objective) = summary.objective_value.as_ref().filter(|objective| objective.name != "elbo") {
        let value = objective.se.map_or(format!("{:.3}", objective.mean), |se| plus_minus(objective.mean, se));
        facts.push((objective.name.as_str(), value));
    }
    if summary.starts.len() > 1 {
        facts.push(("starts", starts(&summary.starts)));
    }
    match (summary.khat, &summary.khat_because) {
        (Some(khat), _) => facts.push(("k-hat", format!("{khat:.2}{}", trust(khat)))),
        (None, Some(because)) => facts.push(("k-hat", because.clone())),
        (None, None) => {}
    }
    if let Some(rows) = &summary.khat_rows {
        let share = 100.0 * rows.above;
        facts.push(("k-hat by row", format!("median {:.2}, {share:.1} % above 0.7", rows.median)));
    }
    if let Some(evidence) = summary.laplace_log_evidence {
        facts.push(("laplace", format!("{evidence:.3}, the log evidence if the posterior were this Normal")));
    }
    if let Some(importance) = &summary.importance {
        let value = format!("{}, ess {:.0}", plus_minus(importance.log_evidence, importance.se), importance.ess);
        facts.push(("log evidence", value));
    }
    facts
}

/// How many starts came as high as the best, and how low the worst stayed.
fn starts(bounds: &[f64]) -> String {
    let best = bounds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let worst = bounds.iter().copied().fold(f64::INFINITY, f64::min);
    let alike = bounds.iter().filter(|bound| best - **bound < 0.1).count();
    format!("{alike} of {} came to {best:.3}, the lowest to {worst:.3}", bounds.len())
}

/// Above .7 the weights have no usable variance; within .1 of it the estimate itself could be on either side.
fn trust(khat: f64) -> &'static str {
    match khat {
        k if k > 0.7 => ": do not trust this answer as it is",
        k if k > 0.6 => ": borderline",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Estimate, Importance};

    #[test]
    fn the_facts_come_first() {
        let mut summary = Summary::new("eight_schools", 0, "cpu");
        summary.path_because = "every latent is reparameterized".into();
        summary.rows = 8;
        summary.steps = 42;
        summary.ended = Some("converged".into());
        summary.elbo = Some(Estimate { mean: -31.597, se: 0.004 });
        summary.khat = Some(0.62);
        summary.importance = Some(Importance { log_evidence: -31.311, se: 0.01, ess: 523.4 });
        assert_eq!(
            text(&summary),
            "deterministic path: every latent is reparameterized\n\
             eight_schools: 8 rows, 42 steps, 0.00 s, converged\n\
             elbo          -31.597 \u{b1} 0.004\n\
             k-hat         0.62: borderline\n\
             log evidence  -31.311 \u{b1} 0.010, ess 523\n\n"
        );
        summary.backend = "wgpu".into();
        let second = text(&summary).lines().nth(1).map(String::from).expect("a second line");
        assert!(second.starts_with("note: ") && second.ends_with("it ran on the processor"), "{second}");
    }
}
