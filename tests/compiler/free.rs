//! Free factors: what the automatic guide gives discrete sites whose tables are too large.

use ppl::elbo;
use ppl::model::{Settings, compile_model};
use ppl::source::Source;

use crate::cli::Place;

fn printed(text: &str) -> String {
    let (model, problems) = compile_model(&Source::new("m.vi", text), &Settings::default());
    assert!(!problems.has_errors(), "{problems:?}");
    let (elbo, problems) = elbo::derive(&model.expect("a model"));
    let elbo = elbo.unwrap_or_else(|| panic!("{problems:?}"));
    elbo::verify(&elbo).expect("a sound bound");
    elbo::print(&elbo)
}

/// The text without the reason for each estimator.
fn without_reasons(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("because")).collect::<Vec<_>>().join("\n")
}

/// A factor of the same kind, written out.
#[test]
fn a_free_factor_is_what_one_would_write() {
    let sites = [
        ("h: binary[24] ~ Bernoulli(logits: u)", "sum(h)", "real[24]", "Bernoulli(logits: h_logits)"),
        (
            "h: category(70)[4] ~ Categorical(p)",
            "(if h[2] == 1 then u else 0)",
            "real[4, 70]",
            "Categorical(logits: h_logits)",
        ),
        ("h: count(12)[6] ~ Multinomial(12, r)", "h[0] * u", "real[6]", "Multinomial(12, logits: h_logits)"),
    ];
    for (site, read, table, factor) in sites {
        let model = format!(
            "dim N\ndata y[N]: real\nparam p: simplex[70]\nparam r: simplex[6]\nmodel {{\n  u ~ Normal(0, 1)\n  for n in N {{\n    \
             {site}\n    y[n] ~ Normal({read}, 1)\n  }}\n}}\n"
        );
        let written =
            format!("guide meanfield {{\n  for n in N {{\n    param h_logits: {table}\n    h ~ {factor}\n  }}\n}}\n");
        let free = printed(&model);
        assert!(free.contains("because      it has a free factor, since its "), "{free}");
        let written = printed(&format!("{model}{written}"));
        assert_eq!(without_reasons(&free.replace("h.logits", "h_logits")), without_reasons(&written));
    }
}

/// Of sites that are small enough alone, one gets a factor and the others are summed out of the model.
#[test]
fn of_sites_that_share_a_table_the_largest_is_drawn() {
    let text = printed(
        "dim N\ndata y[N]: real\nmodel {\n  for n in N {\n    a ~ Categorical([1 / 3000 for k in 0..3000])\n    \
         b ~ Categorical([1 / 2000 for k in 0..2000])\n    y[n] ~ Normal(if a == 0 and b == 1 then 1 else 0, 1)\n  }\n}\n",
    );
    assert!(text.contains("  a[n]    Categorical(logits: a.logits[n])"), "{text}");
    assert!(text.contains("  b[n]    summed out of the model"), "{text}");
    assert!(text.contains("since together with b[n] its states are more than the 4,194,304 of a table"), "{text}");
}

/// Without sizes summing out is assumed; a table that turns out too large says what to write, and that helps.
#[test]
fn a_table_that_is_too_large_for_the_data_says_what_to_write() {
    let model = "dim N\ndim K\ndata g[N]: category(K)\ndata y[N]: real\nparam m[K]: real\nmodel {\n  for n in N {\n    \
                 a ~ Categorical([1 / K for k in K])\n    b ~ Categorical([1 / K for k in K])\n    \
                 y[n] ~ Normal((if a == b then m[a] else 0) + m[g[n]], 1)\n  }\n}\n";
    let place = Place::new(&[("m.vi", model), ("d.csv", "g,y\n2999,1\n4,0.5\n")]);
    let ran = place.run(&["fit", "m.vi", "--data", "d.csv", "--out", "r", "--quiet"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("ppl::elbo::table_too_large"), "{}", ran.err);
    assert!(ran.err.contains("a sum over `a`, `b` needs a table of 9,000,000 states a row"), "{}", ran.err);
    assert!(ran.err.contains("`a ~ Categorical(logits: l)`") && ran.err.contains("`--set`"), "{}", ran.err);
    let set = place.run(&["elbo", "m.vi", "--set", "K=3000"]);
    assert!(set.code == 0 && set.out.contains("Categorical(logits: b.logits[n])"), "{}{}", set.out, set.err);
}
