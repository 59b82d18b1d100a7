//! What is legal, and what it is checked to: rows and values, guides with other variables, what fits, sizes.

use ppl::model::{self, Model, Proviso, Settings, compile_model};
use ppl::problem::Style;
use ppl::source::Source;

fn compile(text: &str, set: &[(&str, f64)]) -> Result<Model, String> {
    let source = Source::new("rule.vi", text);
    let settings = Settings { set: set.iter().map(|(name, value)| (name.to_string(), *value)).collect() };
    let (model, problems) = compile_model(&source, &settings);
    model.ok_or_else(|| problems.render(&source, Style { color: false, width: 100 }))
}

pub fn legal(text: &str) -> Model {
    let model = compile(text, &[]).unwrap_or_else(|said| panic!("{said}\n{text}"));
    model::verify::verify(&model).expect("a model that holds together");
    model
}

/// The printed model has this line.
pub fn says(text: &str, line: &str) {
    let printed = model::print::print(&legal(text));
    assert!(printed.lines().any(|printed| printed.trim() == line), "no line `{line}` in\n{printed}");
}

#[test]
fn rows_are_chosen_by_variables_labels_literals_and_ifs() {
    let text = "
dim N
dim G = 3
data group[N]: category(G)
data flag[N]: binary
data y[N]: real
model {
  for g in G { a: real[2] ~ Normal(0, 1) }
  b: real[4] ~ Normal(0, 1)
  for n in N {
    y[n] ~ Normal(a[group[n], 1] + a[2, flag[n]] + b[if flag[n] == 1 then 0 else 3] + a[2][0], 1)
  }
  s = sum(a[g, 0] for g in G) + sum(b[1..3]) + sum(b[k] for k in 1..4) + b[1..3][1]
}";
    says(
        text,
        "observe y[n]: real ~ Normal(a[group[n], 1] + a[2, flag[n]] + b[if flag[n] == 1 then 0 else 3] + a[2, 0], 1)",
    );
}

#[test]
fn the_own_row_may_be_written_or_left_out() {
    let with = |index: &str| {
        let text = format!(
            "dim N\ndata y[N]: real\nmodel {{\n  for n in N {{\n    z ~ Normal(0, 1)\n    h = 2 * z{index}\n    y[n] ~ \
             Normal(h{index}, 1)\n  }}\n}}"
        );
        let model = legal(&text);
        model.statements.iter().filter(|s| matches!(s, model::Statement::Observe(_))).count();
        model::print::print(&model)
    };
    assert_eq!(with(""), with("[n]"));
}

#[test]
fn one_variable_may_pick_two_axes() {
    let model = legal("dim N\ndata A[N, N]: real\ndata y[N]: real\nmodel { for n in N { y[n] ~ Normal(A[n, n], 1) } }");
    let model::Statement::Observe(seen) = &model.statements[0] else { panic!("an observation") };
    let ppl::math::Op::Index(_, picks) = &model.graph.nodes[seen.dist.args["loc"]].op else { panic!("an index") };
    assert!(matches!(picks.as_slice(), [ppl::math::Pick::Row(_), ppl::math::Pick::At(_)]));
    assert!(compile("dim N\ndata y[N, N]: real\nmodel { for n in N { y[n, n] ~ Normal(0, 1) } }", &[]).is_err());
    legal("dim N\ndim M\ndata y[N, M]: real\nmodel { for m in M { for n in N { y[n, m] ~ Normal(0, 1) } } }");
}

#[test]
fn two_plates_over_one_dim_are_two_axes() {
    let model = legal(
        "dim N\ndata y[N, N]: real\nmodel { for n in N { z ~ Normal(0, 1) }\n  for i in N { for j in N { y[i, j] ~ \
         Normal(z[i] * z[j], 1) } } }",
    );
    let model::Statement::Observe(seen) = &model.statements[1] else { panic!("an observation") };
    assert_eq!(seen.plates.len(), 2);
    assert_ne!(seen.plates[0], seen.plates[1]);
    assert_eq!(model.graph.nodes[seen.dist.args["loc"]].shape.plates, seen.plates);
}

#[test]
fn a_guide_may_name_its_plates_otherwise() {
    let text = "
dim I
dim J
data y[I, J]: real
model {
  for i in I {
    a ~ Normal(0, 1)
    for j in J { z ~ Normal(a, 1); y[i, j] ~ Normal(z, 1) }
  }
}
guide {
  for p in I {
    param m: real
    a ~ Normal(m, 1)
    for q in J { param s: positive; z ~ Normal(a + y[p, q], s) }
  }
}";
    says(text, "z[p, q] ~ Normal(a[p] + y[p, q], s[p, q])");
    let model = legal(text);
    assert_eq!(model.params.iter().find(|param| param.name == "s").expect("s").rows.len(), 2);
}

#[test]
fn named_outputs_spread_and_can_be_kept() {
    let text = "
dim N
data y[N]: real
net f(x: real) -> (loc: real, scale: positive) { h = dense(x, 3) |> tanh; loc = dense(h); scale = exp(dense(h)) }
model {
  for n in N { z ~ Normal(0, 1); y[n] ~ Normal(z, 1) }
}
guide {
  for n in N { e = f(y[n]); z ~ Normal(e.loc, e.scale) }
}";
    let names: Vec<String> = legal(text).params.iter().map(|param| param.name.clone()).collect();
    let layers = ["dense1", "dense2", "dense3"];
    let expected: Vec<String> = layers.iter().flat_map(|l| [format!("f.{l}.weight"), format!("f.{l}.bias")]).collect();
    assert_eq!(names, expected);
    assert_eq!(legal(&text.replace("z ~ Normal(e.loc, e.scale)", "z ~ Normal(f(y[n]))")).params.len(), 6);
}

#[test]
fn a_net_called_twice_has_one_set_of_weights_and_belongs_to_the_model() {
    let model = legal(
        "dim N\ndata y[N]: real\nnet f(x: real) -> real { dense(x) }\nmodel {\n  for n in N { z ~ Normal(0, 1); y[n] ~ \
         Normal(f(z) + f(2 * z), 1) }\n}\nguide { for n in N { z ~ Normal(f(y[n]), 1) } }",
    );
    assert_eq!(model.params.len(), 2);
    assert!(model.params.iter().all(|param| param.owner == model::Owner::Model));
}

#[test]
fn what_fits_is_proven_disproven_or_checked_when_computed() {
    let with = |scale: &str| {
        let text = format!(
            "dim N\ndata x[N]: real\ndata y[N]: real\nmodel {{\n  a ~ Normal(0, 1)\n  for n in N {{ y[n] ~ Normal(0, {scale}) \
             }}\n}}"
        );
        compile(&text, &[]).map(|model| model.provisos)
    };
    for proven in
        ["exp(a)", "softplus(a * x[n])", "a^2", "1 + exp(a)", "sqrt(a^2 + 1)", "abs(a)", "if a > 0 then 1 else 2"]
    {
        assert_eq!(with(proven), Ok(vec![]), "{proven}");
    }
    for later in ["1 + a", "a * x[n]", "log(exp(a))"] {
        let provisos = with(later).expect("legal");
        assert!(matches!(provisos.as_slice(), [Proviso::Fits { .. }]), "{later}");
    }
    for wrong in ["a", "x[n]", "-1", "-exp(a)", "if a > 0 then a else 1"] {
        assert!(with(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn known_sizes_are_numbers_and_unknown_dims_equal_only_themselves() {
    let text = "dim D = 4\ndim K = 2 * D - 4\ndim M\nmodel { v: real[D] ~ Normal(0, 1); w: real[K] ~ Normal(v, 1) }";
    legal(text);
    assert!(compile(text, &[("D", 5.0)]).is_err(), "5 is not 6");
    let unknown = "dim A\ndim B\nmodel { v: real[A] ~ Normal(0, 1); w: real[B] ~ Normal(v, 1) }";
    assert!(compile(unknown, &[]).is_err());
    assert!(compile(unknown, &[("A", 3.0), ("B", 3.0)]).is_ok(), "known, they compare as numbers");
    legal("dim A\nmodel { v: real[A * 2 + 1] ~ Normal(0, 1); w: real[1 + 2 * A] ~ Normal(v, 1) }");
}

#[test]
fn consts_are_evaluated_and_set() {
    let text = "const a = [1, 2.5]\nconst b = 2 * a[1] + max(a)\nconst c = sum(a)\nmodel { x ~ Normal(b, c) }";
    let values: Vec<f64> = legal(text).constants.iter().flat_map(|constant| constant.values.clone()).collect();
    assert_eq!(values, [1.0, 2.5, 7.5, 3.5]);
    let set = compile(text, &[("b", 0.5)]).expect("legal");
    assert_eq!(set.constants[1].values, [0.5]);
}

#[test]
fn supports_of_sites_are_as_declared() {
    let text = "
dim K = 3
data n: count
model {
  a: positive ~ Normal(0, 2)
  b: ordered[K] ~ Normal(0, 5)
  w: simplex[K] ~ Dirichlet([1, 2, 3])
  c: category(K) ~ Categorical(w)
  d: real(-1, 1) ~ Flat()
  p ~ Beta(1, 1)
  n ~ Binomial(10, p)
  s: positive ~ StudentT(3, 0, a)
}";
    let model = legal(text);
    let restricted: Vec<&str> = model.sites.iter().filter(|s| s.restricted).map(|s| s.name.as_str()).collect();
    assert_eq!(restricted, ["a", "b", "s"]);
}

#[test]
fn alternatives_and_names_of_arguments_go_where_they_belong() {
    for dist in
        ["Normal(scale: 2, loc: 0)", "Normal(0, var: 4)", "Normal(0, prec: 1)", "Normal(0, 2)", "Normal(loc: 0, 2)"]
    {
        let result = compile(&format!("model {{ x ~ {dist} }}"), &[]);
        // `Normal(loc: 0, 2)`: the first positional argument is `loc`, which is given.
        assert_eq!(result.is_ok(), dist != "Normal(loc: 0, 2)", "{dist}");
    }
}

#[test]
fn what_the_language_has_and_is_not_compiled_is_a_limitation_and_nothing_else() {
    for (name, text) in crate::mutation::models() {
        let source = Source::new(name.as_str(), text.as_str());
        let (_, problems) = compile_model(&source, &Settings::default());
        let errors = problems.sorted().into_iter().filter(|p| p.severity == ppl::problem::Severity::Error);
        let wrong: Vec<String> = errors
            .filter(|p| !p.code.starts_with("ppl::limitation::"))
            .map(|p| format!("{}: {}", p.code, p.message))
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    }
}
