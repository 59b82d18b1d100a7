//! Plates that follow a batch: the rows of a step are those that point into it, and all batches of an epoch together,
//! each by its share of the rows, are the whole data: the bound and its gradient, on the same draws.

use ppl::data::{Bound, Table};
use ppl::elbo::Elbo;
use ppl::fit::batches::Batches;
use ppl::fit::drive::{Outcome, Path};
use ppl::fit::feed::{Draws, Feed, Rows};
use ppl::kernel::noise::Stream;
use ppl::model;
use ppl::plan::lower::{self, Batch, following};
use ppl::plan::reference::Reference;
use ppl::plan::{Backend, Precision};
use ppl::shape::DimId;

use crate::known::{compiled, run, table};
use crate::world::Random;

const DRAWS: usize = 2;

fn draws() -> Draws {
    Draws { seed: 5, stream: Stream::Evaluate, step: 7, first: 0, paired: model::Draws::Independent }
}

/// The bound and its gradient in all parameters, of some rows: those of others are 0.
fn evaluated(elbo: &Elbo, data: &Bound, params: &[f64], rows: Option<&Rows>, names: &Rows) -> (f64, Vec<f64>) {
    let batch = Batch { draws: DRAWS, rows: rows.map(Rows::sizes).unwrap_or_default() };
    let program = lower::bound(elbo, data, &batch).unwrap_or_else(|trouble| panic!("{trouble:?}"));
    let mut evaluator = Reference.prepare(&program.plan, Precision::F64).expect("a plan");
    let mut feed = Feed::new(&program, elbo, data).expect("inputs");
    feed.give(params, rows);
    feed.noise(draws(), Some(names));
    if let Some(rows) = rows {
        feed.rows(rows);
    }
    let mut outputs = evaluator.run(&feed.slices(params)).expect("a value");
    let mut slopes = outputs.swap_remove(1);
    let places = feed.moving(rows, &mut slopes).unwrap_or_else(|| (0..params.len()).collect());
    assert_eq!(places.len(), slopes.len());
    let mut gradient = vec![0.0; params.len()];
    places.iter().zip(&slopes).for_each(|(at, slope)| gradient[*at] += slope);
    (outputs[0][0], gradient)
}

fn close(found: f64, expected: f64, told: &str) {
    assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{told}: {found}, and of all rows {expected}");
}

/// Cuts an epoch into batches of several sizes, at random parameters.
fn check(name: &str, text: &str, tables: &[Table], dim: &str) {
    let asked = if text.contains("fit {") { text.to_string() } else { format!("{text}\nfit {{ batch: {dim} = 2 }}\n") };
    let (elbo, data) = compiled(name, &asked, tables);
    assert!(!ppl::fit::limits(&elbo, &elbo.model.fit).has_errors(), "{name}: it cannot be fitted");
    let dim: DimId = elbo.model.dims.iter().find(|(_, d)| d.name == dim).expect("a dim").0;
    let count = data.dims[&dim];
    let following = following(&elbo, &data, dim).unwrap_or_else(|trouble| panic!("{name}: {trouble:?}"));
    assert!(!following.is_empty(), "{name}: nothing follows");
    let all = Rows::followed(dim, (0..count as u32).collect(), &following);
    let size = lower::Layout::new(&elbo, &data).expect("a layout").guide();
    let params: Vec<f64> = Random(3).normals(size).iter().map(|x| 0.4 * x).collect();
    let (bound, slopes) = evaluated(&elbo, &data, &params, None, &all);
    assert!(bound.is_finite() && slopes.iter().any(|slope| *slope != 0.0), "{name}: {bound}");
    let (mut emptied, mut filled) = (false, false);
    for batch in [1, 2, 3, count - 1, count] {
        let batches = Batches { following: following.clone().into(), ..Batches::new(dim, count, batch) };
        let orders = batches.orders(batch as u64, 0);
        let (mut sum, mut gradient) = (0.0, vec![0.0; size]);
        for step in 0..batches.per_epoch() {
            let rows = batches.at(&orders, step);
            emptied |= rows.sizes().values().any(|rows| *rows == 0);
            filled |= rows.beside.iter().any(|of| of.there < of.ids.len());
            let share = batches.share(&rows);
            let (bound, slopes) = evaluated(&elbo, &data, &params, Some(&rows), &rows);
            sum += share * bound;
            gradient.iter_mut().zip(&slopes).for_each(|(sum, slope)| *sum += share * slope);
        }
        let told = format!("{name}, batches of {batch}");
        close(sum, bound, &told);
        gradient.iter().zip(&slopes).enumerate().for_each(|(at, (a, b))| close(*a, *b, &format!("{told}, slope {at}")));
    }
    assert!(emptied && filled, "{name}: no batch that nothing points into, or none that is filled up");
}

/// Labels of `n` rows of a table that leave some of `groups` without rows, others with many.
fn labels(n: usize, groups: usize) -> Vec<f64> {
    let label = |i: usize| (i * i + 3 * i) % groups;
    (0..n).map(|i| if label(i) == 1 { 0.0 } else { label(i) as f64 }).collect()
}

fn wave(n: usize, by: f64) -> Vec<f64> {
    (0..n).map(|i| (i as f64 * by).sin() + 0.4 * (i as f64 * 2.3 * by + 1.0).cos()).collect()
}

const HEAD: &str = "dim G = 7\ndim N\ndata g[N]: category(G)\ndata y[N]: real\n";

fn grouped() -> [Table; 1] {
    [table(&[("g", &labels(61, 7)), ("y", &wave(61, 1.7))])]
}

#[test]
fn batches_of_groups_are_the_whole_data() {
    let hierarchy = |own: &str, read: &str| {
        format!(
            "{HEAD}model {{\n  mu ~ Normal(0, 5)\n  tau ~ HalfNormal(2)\n  s ~ HalfNormal(2)\n  for j in G {{ e ~ {own} \
             }}\n  for n in N {{ y[n] ~ Normal({read}, s) }}\n}}\n"
        )
    };
    check("centred", &hierarchy("Normal(mu, tau)", "e[g[n]]"), &grouped(), "G");
    check("apart", &hierarchy("Normal(0, 1)", "mu + tau * e[g[n]]"), &grouped(), "G");
    check("a mode", &format!("{}guide map", hierarchy("Normal(mu, tau)", "e[g[n]]")), &grouped(), "G");
    check("by its row", &hierarchy("Normal(mu, tau)", "e[g[n]] + 0.1 * n * tau"), &grouped(), "G");
    check(
        "sampled",
        &format!("{}fit {{ batch: G = 2; kl: sampled }}", hierarchy("Normal(mu, tau)", "e[g[n]]")),
        &grouped(),
        "G",
    );
}

/// Rows that follow have latents of their own, parameters of the guide, and a plate inside.
#[test]
fn rows_that_follow_have_values_of_their_own() {
    let text = format!(
        "{HEAD}dim K = 3\nmodel {{\n  m ~ Normal(0, 1)\n  for j in G {{\n    a ~ Normal(m, 1)\n    for k in K {{ b ~ \
         Normal(a, 2) }}\n  }}\n  for n in N {{\n    v ~ Gamma(2, 2)\n    for k in K {{ u ~ Normal(b[g[n], k], v) }}\n    \
         y[n] ~ Normal(a[g[n]] + u[n, 0], v)\n  }}\n  for t in N {{ factor -v[t] * m }}\n}}\n"
    )
    .replace("u[n, 0]", "u[0]");
    let automatic = text.replace("u[0]", "m");
    check("automatic", &automatic, &grouped(), "G");
    let written = format!(
        "{automatic}guide {{\n  m ~ Normal(0.1, 1)\n  for j in G {{\n    param al: real\n    a ~ Normal(al, 0.5)\n    for k \
         in K {{\n      param bl: real\n      b ~ Normal(bl + a, 0.5)\n    }}\n  }}\n  for n in N {{\n    param vs: \
         positive\n    h = a[g[n]] * y[n]\n    v ~ LogNormal(0.1 * h, vs)\n    for k in K {{\n      param ul: real\n      u \
         ~ Normal(ul + b[g[n], k], v)\n    }}\n  }}\n}}\n"
    );
    check("written", &written, &grouped(), "G");
}

/// Pupils in classes in schools: pupils follow through classes.
#[test]
fn what_follows_is_followed() {
    let text = "dim Schools = 6\ndim Classes\ndim Pupils\ndata school[Classes]: category(Schools)\ndata class[Pupils]: \
                category(Classes)\ndata x[Classes]: real\ndata y[Pupils]: real\nmodel {\n  m ~ Normal(0, 2)\n  s ~ \
                HalfNormal(1)\n  for i in Schools { a ~ Normal(m, 1) }\n  for c in Classes { b ~ Normal(a[school[c]] + \
                x[c], s) }\n  for p in Pupils { y[p] ~ Normal(b[class[p]] + x[class[p]] + a[school[class[p]]], s) }\n}\n";
    let classes = table(&[("school", &labels(11, 6)), ("x", &wave(11, 0.9))]);
    let pupils = table(&[("class", &labels(83, 11)), ("y", &wave(83, 1.1))]);
    check("schools", text, &[classes, pupils], "Schools");
}

/// Ratings by users of items, of which one is drawn; and tokens of documents, with labels that are profiled out.
#[test]
fn ratings_and_tokens_follow() {
    let text = "dim U = 8\ndim I = 5\ndim R\ndata user[R]: category(U)\ndata item[R]: category(I)\ndata right[R]: \
                binary?\ndata age[U]: real\nmodel {\n  t ~ HalfNormal(1)\n  for i in I { hard ~ Normal(0, 2) }\n  for u in U \
                { able ~ Normal(0.1 * age[u], t) }\n  for r in R { right[r] ~ Bernoulli(logits: able[user[r]] - \
                hard[item[r]]) }\n}\n";
    let mut right: Vec<f64> = wave(71, 2.2).iter().map(|x| f64::from(*x > 0.0)).collect();
    right[4] = f64::NAN;
    let items: Vec<f64> = (0..71).map(|i| ((i * 7 + i / 3) % 5) as f64).collect();
    let ratings = table(&[("user", &labels(71, 8)), ("item", &items), ("right", &right)]);
    check("users", text, &[ratings, table(&[("age", &wave(8, 0.7))])], "U");

    let lda = crate::known::read("models/lda.vi").replace("dim K = 20", "dim K = 3");
    let words: Vec<f64> = (0..97).map(|i| ((i * i + i) % 5) as f64).collect();
    // The last document and the last word are there, so that the sizes are known.
    let mut docs = labels(97, 9);
    docs[96] = 8.0;
    check("lda", &lda, &[table(&[("doc", &docs), ("word", &words)])], "Docs");
}

/// What is summed over, enumerated or missing in rows that follow; and chains in them.
#[test]
fn discrete_and_missing_values_follow() {
    let mixed = "dim K = 3\nmodel {\n  m: real[K] ~ Normal(0, 2)\n  for j in G { p: simplex[K] ~ Dirichlet(1.5) }\n  for n in N \
                 {\n    z ~ Categorical(p[g[n]])\n    y[n] ~ Normal(m[z], 1)\n  }\n}\n";
    check("summed out", &format!("{HEAD}{mixed}"), &grouped(), "G");
    let enumerated =
        "guide meanfield {\n  for n in N {\n    param r: simplex[K]\n    z ~ Categorical(r) by enumerate\n  }\n}\n";
    check("enumerated", &format!("{HEAD}{mixed}{enumerated}"), &grouped(), "G");

    let head = HEAD.replace("data y[N]: real", "data x[N]: real?\ndata y[N]: real");
    let missing = "model {\n  m ~ Normal(0, 2)\n  for j in G { e ~ Normal(m, 1) }\n  for n in N {\n    x[n] ~ Normal(e[g[n]], \
                   1)\n    y[n] ~ Normal(x[n] + m, 1)\n  }\n}\n";
    let x: Vec<f64> = wave(61, 0.6).iter().enumerate().map(|(n, x)| if n % 4 == 1 { f64::NAN } else { *x }).collect();
    let [mut rows] = grouped();
    rows.columns.extend(table(&[("x", &x)]).columns);
    check("missing", &format!("{head}{missing}"), &[rows], "G");

    let series = "dim G = 7\ndim S\ndim T = 4\ndata g[S]: category(G)\ndata y[S, T]: real\nmodel {\n  m ~ Normal(0, 1)\n  for j \
                  in G { e ~ Normal(m, 1) }\n  for s in S {\n    for t in T chain {\n      c ~ Bernoulli(if t == 0 then 0.5 else \
                  0.2 + 0.6 * c[t-1])\n      y[s, t] ~ Normal(e[g[s]] + 2 * c, 1)\n    }\n  }\n}\n";
    let y = ppl::data::Values::Reals(wave(44 * 4, 0.7));
    let whole = ppl::data::Column { name: Some("y".into()), shape: vec![44, 4], values: y };
    let matrix = Table { name: "matrix".into(), alias: None, columns: vec![whole], lines: None };
    check("chains", series, &[table(&[("g", &labels(44, 7))]), matrix], "G");
}

/// Functions of what is looked up, which may be lowered before the look-up: a softmax, and functions of points.
#[test]
fn functions_of_rows_follow() {
    let head = format!("dim K = 3\n{}", HEAD.replace("data y[N]: real", "data c[N]: category(K)\ndata y[N]: real"));
    let labelled = "param w: real[G]\nparam v: positive[G]\nmodel {\n  for j in G { s: real[K] ~ Normal(0, 1) }\n  for n in N {\n    \
                    c[n] ~ Categorical(logits: s[g[n]])\n    y[n] ~ Normal((exp(w) + v)[g[n]], 1)\n  }\n}\n";
    let [mut rows] = grouped();
    rows.columns.extend(table(&[("c", &labels(61, 3))]).columns);
    check("functions", &format!("{head}{labelled}"), &[rows], "G");
}

/// An entry of a value is that of the row, also where the plate has some rows only.
#[test]
fn an_axis_of_a_value_is_whole() {
    let text = format!(
        "{HEAD}param w: real[N]\nparam c: real[G]\nmodel {{\n  for j in G {{ e ~ Normal(c[j], 1) }}\n  for n in N {{ y[n] ~ \
         Normal(e[g[n]] + w[n], 1) }}\n}}\n"
    );
    check("entries", &text, &grouped(), "G");
}

/// Two batched dims: nested plates, each alone, one that follows, and what is in neither.
#[test]
fn batches_of_two_dims_are_the_whole_data() {
    let text = "dim N = 5\ndim M = 4\ndim T\ndata doc[T]: category(N)\ndata u[T]: real\ndata y[M, N]: real\nmodel {\n  s ~ \
                HalfNormal(1)\n  for n in N { a ~ Normal(0, s) }\n  for m in M {\n    b ~ Normal(0, 1)\n    for n in N {\n      \
                c ~ Normal(a[n] + b, s)\n      y[m, n] ~ Normal(c, 1)\n    }\n  }\n  for t in T { u[t] ~ Normal(a[doc[t]], 1) \
                }\n}\nfit { batch: N = 2, M = 3 }\n";
    let tables = |y: &[f64]| {
        let matrix = ppl::data::Column {
            name: Some("y".into()),
            shape: vec![4, 5],
            values: ppl::data::Values::Reals(y.to_vec()),
        };
        let whole = Table { name: "matrix".into(), alias: None, columns: vec![matrix], lines: None };
        [table(&[("doc", &labels(41, 5)), ("u", &wave(41, 1.3))]), whole]
    };
    let (elbo, data) = compiled("two", text, &tables(&wave(20, 0.8)));
    assert!(!ppl::fit::limits(&elbo, &elbo.model.fit).has_errors());
    let [first, second] = ["N", "M"].map(|name| elbo.model.dims.iter().find(|(_, d)| d.name == name).expect("a dim").0);
    let following = following(&elbo, &data, first).expect("rows that follow");
    let size = lower::Layout::new(&elbo, &data).expect("a layout").guide();
    let params: Vec<f64> = Random(3).normals(size).iter().map(|x| 0.4 * x).collect();
    let whole = Batches { beside: vec![Batches::new(second, 4, 4)], ..Batches::new(first, 5, 5) };
    let (bound, slopes) = evaluated(&elbo, &data, &params, None, &whole.in_order().next().expect("all rows"));
    for (a, b) in [(1, 1), (2, 3), (5, 3), (3, 4)] {
        let batches = Batches {
            beside: vec![Batches::new(second, 4, b)],
            following: following.clone().into(),
            ..Batches::new(first, 5, a)
        };
        let (mut sum, mut gradient) = (0.0, vec![0.0; size]);
        for rows in batches.in_order() {
            let (bound, slopes) = evaluated(&elbo, &data, &params, Some(&rows), &rows);
            sum += batches.share(&rows) * bound;
            gradient.iter_mut().zip(&slopes).for_each(|(sum, slope)| *sum += batches.share(&rows) * slope);
        }
        close(sum, bound, &format!("batches of {a} and {b}"));
        gradient
            .iter()
            .zip(&slopes)
            .enumerate()
            .for_each(|(at, (x, y))| close(*x, *y, &format!("{a} and {b}, slope {at}")));
    }
    let fit = |fit: &str| {
        let text = text.replace("fit { batch: N = 2, M = 3 }", fit);
        let (elbo, data) = compiled("two", &text, &tables(&wave(20, 0.8)));
        run(&elbo, &data, 0, None, &Reference)
    };
    let (best, found) = (fit(""), fit("fit { batch: N = 3, M = 2 }"));
    let reached = |found: &Outcome| found.posterior.elbo.expect("a bound").mean;
    assert_eq!((found.path, found.converged), (Path::Stochastic, Some(true)), "{:?}", found.warnings);
    assert!((reached(&best) - reached(&found)).abs() < 0.05, "{} {}", reached(&best), reached(&found));
}

#[test]
fn more_rows_than_there_are_is_said() {
    let text = "dim N\ndata y[N]: real\nmodel {\n  m ~ Normal(0, 1)\n  for n in N { y[n] ~ Normal(m, 1) }\n}";
    let said = |fit: &str| fitted(text, fit, &[table(&[("y", &wave(10, 0.8))])], 0).warnings;
    let warnings = said("fit { batch: N = 20 }");
    assert!(warnings.iter().any(|w| w.code == "ppl::fit::batch" && w.message.contains("10 rows of N")), "{warnings:?}");
    assert!(said("fit { batch: N = 10 }").is_empty());
}

fn fitted(text: &str, fit: &str, tables: &[Table], seed: u64) -> Outcome {
    let (elbo, data) = compiled("following", &format!("{text}\n{fit}\n"), tables);
    run(&elbo, &data, seed, None, &Reference)
}

/// Groups of very unequal size, in batches that leave a ragged last one, end where the fit of all rows does.
#[test]
fn batches_of_groups_reach_the_optimum() {
    let group = |n: usize| if n.is_multiple_of(3) { 0 } else { (n * n + 3 * n) % 12 };
    let g: Vec<f64> = (0..150).map(|n| group(n) as f64).collect();
    let (level, noise) = (wave(12, 1.7), wave(150, 5.3));
    let y: Vec<f64> = (0..150).map(|n| 1.3 + 0.6 * level[group(n)] + 0.8 * noise[n]).collect();
    let text = "dim G = 12\ndim N\ndata g[N]: category(G)\ndata y[N]: real\nmodel {\n  mu ~ Normal(0, 5)\n  s ~ \
                HalfNormal(2)\n  for j in G { e ~ Normal(mu, 0.6) }\n  for n in N { y[n] ~ Normal(e[g[n]], s) }\n}";
    let tables = [table(&[("g", &g), ("y", &y)])];
    let best = fitted(text, "", &tables, 0).posterior.elbo.expect("a bound").mean;
    for batch in [5, 3] {
        let found = fitted(text, &format!("fit {{ batch: G = {batch} }}"), &tables, 1);
        let reached = found.posterior.elbo.expect("a bound");
        assert_eq!((found.path, found.converged), (Path::Stochastic, Some(true)), "{:?}", found.warnings);
        let flagged = |warning: &ppl::problem::Problem| warning.code.starts_with("ppl::fit::khat");
        assert!(found.warnings.iter().all(flagged) && reached.se < 0.011, "{:?} {reached:?}", found.warnings);
        assert!((reached.mean - best).abs() < 0.05, "{} where {best} is best, {} steps", reached.mean, found.steps);
    }
    let twice = || format!("{:?}", fitted(text, "fit { batch: G = 5; steps: 60 }", &tables, 4));
    assert_eq!(twice(), twice());
}
