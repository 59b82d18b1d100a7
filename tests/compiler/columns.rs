//! Column expressions (LANGUAGE.md 1.6): what each makes of a table, what is drawn anew, and what a fit keeps.

use std::process::Command;

use ppl::data::bind::{Asked, bind_as};
use ppl::data::kept::Kept;
use ppl::data::{Bound, Table, bind, read};
use ppl::model::{Model, Settings, compile_model};
use ppl::problem::{Problems, Style};
use ppl::source::Source;

const TABLE: &str = "a,b,who,Sepal Length,hole\n1,0.5,cat,7,1\n2,-1.5,dog,8,NA\n4,2,ant,9,3\n";

/// A model in which the named items are read.
fn model(items: &str) -> Model {
    let names = items.lines().filter_map(|line| line.strip_prefix("data ")?.split(['[', ':']).next());
    let reads: String =
        names.map(|name| format!("    factor mu * (if {name}[n] == {name}[n] then 1 else 0)\n")).collect();
    // What is no number is read by its sum.
    let reads = match items.contains("]: real[") || items.contains("]: unit[") {
        true => "    factor mu * sum(x[n])\n".into(),
        false => reads,
    };
    let text = format!("dim N\n{items}\nmodel {{\n  mu ~ Normal(0, 1)\n  for n in N {{\n{reads}  }}\n}}\n");
    let (model, problems) = compile_model(&Source::new("m.vi", text.clone()), &Settings::default());
    model.unwrap_or_else(|| panic!("{}", problems.render(&Source::new("m.vi", text), PLAIN)))
}

const PLAIN: Style = Style { color: false, width: 200 };

fn table(text: &str) -> Table {
    read::table("d.csv", text.as_bytes()).expect("a table")
}

fn values(bound: &Bound, item: usize) -> Vec<f64> {
    (0..bound.arrays[item].values.len()).map(|i| bound.arrays[item].values.get(i)).collect()
}

fn made(ty: &str, expression: &str) -> Vec<f64> {
    let model = model(&format!("const w = [1, 10]\nconst half = 0.5\ndata x[N]: {ty} = {expression}"));
    let bound = bind(&model, &[table(TABLE)]);
    let bound = bound.unwrap_or_else(|problems| panic!("{expression}: {}", said(&problems)));
    assert_eq!(bound.arrays.len(), 1, "{expression}");
    values(&bound, 0)
}

fn said(problems: &Problems) -> String {
    problems.sorted().iter().map(|p| format!("{}: {}", p.code, p.message)).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_makes_what_it_says() {
    let third = 1.0 / 3.0;
    let sd = ((16.0f64 + 1.0 + 25.0) / 27.0 * 2.0 / 2.0).sqrt();
    let cases: &[(&str, &str, &[f64])] = &[
        ("real", "a", &[1.0, 2.0, 4.0]),
        ("real", "column(0)", &[1.0, 2.0, 4.0]),
        ("real", "column(\"Sepal Length\")", &[7.0, 8.0, 9.0]),
        ("real[2]", "columns(0..2)", &[1.0, 0.5, 2.0, -1.5, 4.0, 2.0]),
        ("real[2]", "columns(0..2) * w", &[1.0, 5.0, 2.0, -15.0, 4.0, 20.0]),
        ("real[2]", "[b, a]", &[0.5, 1.0, -1.5, 2.0, 2.0, 4.0]),
        ("real", "columns(0..2)[1]", &[0.5, -1.5, 2.0]),
        ("real[1]", "columns(0..2)[0..1]", &[1.0, 2.0, 4.0]),
        ("real", "[[a, b], [b, a]][1, 0]", &[0.5, -1.5, 2.0]),
        ("real", "a - mean(a)", &[1.0 - 7.0 * third, 2.0 - 7.0 * third, 4.0 - 7.0 * third]),
        ("real", "(a - mean(a)) / sd(a) - standardize(a)", &[0.0; 3]),
        ("real", "sd(a) + 0 * a", &[sd; 3]),
        ("real", "(a - min(a)) / (max(a) - min(a))", &[0.0, third, 1.0]),
        ("real[2]", "columns(0..2) - min(columns(0..2))", &[0.0, 2.0, 1.0, 0.0, 3.0, 3.5]),
        ("real", "max(a, 2) + min(b, 0)", &[2.0, 0.5, 4.0]),
        ("real", "clamp(b, -1, 1)", &[0.5, -1.0, 1.0]),
        ("binary", "threshold(b, half)", &[0.0, 0.0, 1.0]),
        ("binary", "b >= half and not (a == 4)", &[1.0, 0.0, 0.0]),
        ("binary", "who == \"dog\" or who != \"cat\"", &[0.0, 1.0, 1.0]),
        ("category(3)", "levels(who)", &[1.0, 2.0, 0.0]),
        ("category(3)", "levels(b)", &[1.0, 0.0, 2.0]),
        ("category(3)", "if who == \"cat\" then 2 else 0", &[2.0, 0.0, 0.0]),
        ("real", "-a ^ 2 + N", &[2.0, -1.0, -13.0]),
        ("real", "a |> max(2) |> min(3)", &[2.0, 2.0, 3.0]),
        ("binary", "b |> threshold(half)", &[0.0, 0.0, 1.0]),
        ("real", "sigmoid(b) + log_sigmoid(b) - log(sigmoid(b))", &[sigmoid(0.5), sigmoid(-1.5), sigmoid(2.0)]),
        ("real", "relu(b) + elu(b) - b", &[0.5, -1.5f64.exp_m1().abs() + 3.0 - 1.5, 2.0]),
        ("real", "exp(lgamma(a + 1)) + 0 * digamma(a)", &[1.0, 2.0, 24.0]),
        ("real", "erf(b) - 2 * gelu(b * sqrt(2)) / (b * sqrt(2)) + 1", &[0.0; 3]),
        ("real", "floor(b) + round(b) + abs(b) + sqrt(a) - sqrt(a)", &[0.5, -2.5, 6.0]),
    ];
    for (ty, expression, want) in cases {
        // elu(-1.5) is e^-1.5 - 1.
        let want = match *expression {
            "relu(b) + elu(b) - b" => vec![0.5, (-1.5f64).exp_m1() + 1.5, 2.0],
            _ => want.to_vec(),
        };
        let got = made(ty, expression);
        let close = got.len() == want.len() && got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-10);
        assert!(close, "{expression}: {got:?}, not {want:?}");
    }
}

fn sigmoid(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

#[test]
fn several_files_are_one_scope() {
    let items = "data x[N]: real = a - users.a";
    let users =
        Table { alias: Some("users".into()), ..read::table("u.csv", b"a,age\n1,30\n1,40\n1,50\n").expect("a table") };
    let bound = bind(&model(items), &[table("z\n9\n9\n9\n"), users.clone()]).expect("one column `a`");
    assert_eq!(values(&bound, 0), [0.0; 3]);
    let problems = bind(&model(items), &[table(TABLE), users]).expect_err("two columns `a`");
    assert_eq!(said(&problems), "ppl::data::ambiguous_column: d.csv and u.csv both have a column `a`");
}

#[test]
fn drawn_columns_are_drawn_anew_each_epoch_and_once_elsewhere() {
    let rows = 4_000;
    let text: String = (0..rows).map(|i| format!("{},0.25\n", i % 2)).collect();
    let model =
        model("data y[N]: binary = bernoulli(0.2 + 0 * c)\ndata s[N]: binary = bernoulli(c)\ndata t[N]: real = 2 * y");
    let source = [table(&format!("c,d\n{text}"))];
    let bound = bind(&model, &source).expect("bound");
    let y = values(&bound, 0);
    let mean = y.iter().sum::<f64>() / rows as f64;
    // Five standard errors of a share of .2.
    assert!((mean - 0.2).abs() < 5.0 * (0.16 / rows as f64).sqrt(), "{mean}");
    assert!(values(&bound, 1).iter().enumerate().all(|(i, v)| *v == (i % 2) as f64), "what is certain is not drawn");
    assert_eq!(values(&bound, 2), y.iter().map(|v| 2.0 * v).collect::<Vec<_>>(), "one draw, read twice");
    assert_eq!(bind(&model, &source).expect("bound"), bound);
    let other = bind_as(&model, &source, &Asked { seed: 1, ..Asked::default() }).expect("bound");
    assert_ne!(values(&other, 0), y);
    let (first, second) = (bound.redraws.at(0, 0), bound.redraws.at(0, 1));
    assert_eq!(first, bound.redraws.at(0, 0));
    let at = |list: &[(usize, ppl::data::Array)], item: usize| {
        let array = &list.iter().find(|(drawn, _)| *drawn == item).expect("drawn").1;
        (0..rows).map(|i| array.get(i)).collect::<Vec<f64>>()
    };
    assert_ne!(at(&first, 0), at(&second, 0));
    // Independent draws of .2 agree in .68 of the rows.
    let same = at(&first, 0).iter().zip(at(&second, 0)).filter(|(a, b)| *a == b).count() as f64 / rows as f64;
    assert!((same - 0.68).abs() < 5.0 * (0.68 * 0.32 / rows as f64).sqrt(), "{same}");
    assert!(at(&first, 2).iter().zip(at(&first, 0)).all(|(t, y)| *t == 2.0 * y));
}

#[test]
fn a_chance_lies_between_0_and_1() {
    let problems = bind(&model("data x[N]: binary = bernoulli(a)"), &[table(TABLE)]).expect_err("2 is no chance");
    let said = said(&problems);
    assert!(
        said.contains("d.csv, line 3, column `a`: `bernoulli` draws with a chance from 0 to 1, and this is 2"),
        "{said}"
    );
}

/// One row that is 1 with chance one half: a fit of its mean on one draw would end at 0 or at 1.
#[test]
fn a_fit_sees_every_draw() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    file("d.csv", "c\n0.5\n0.5\n");
    let model = |plate: &str| {
        format!(
            "dim N\ndata y[N]: real = bernoulli(c)\nparam m: real = 0.5\nmodel {{ for n in N {{ y[n] ~ Normal(m, 1) }} }}\n{plate}"
        )
    };
    file("all.vi", &model("fit { optimizer: sgd(lr: 0.01); steps: 4000 }"));
    file("batch.vi", &model("fit { optimizer: sgd(lr: 0.01); batch: N = 1; epochs: 2000 }"));
    for name in ["all.vi", "batch.vi"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
        command.args(["fit", name, "--data", "d.csv", "--json"]).current_dir(folder.path());
        let output = command.output().expect("the command runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let m = summary["params"]["m"]["value"].as_f64().expect("a number");
        // The stationary spread of sgd at this rate is about sqrt(.01 / 2 * .25 / 2), .025.
        assert!((m - 0.5).abs() < 0.15, "{name}: {m}");
        assert!(m != 0.5, "{name} has moved");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
    command.args(["elbo", "all.vi", "--stage", "plan", "--data", "d.csv"]).current_dir(folder.path());
    let plan = String::from_utf8(command.output().expect("the command runs").stdout).expect("text");
    assert!(plan.contains("drawn anew each epoch"), "{plan}");
}

#[test]
fn what_a_fit_takes_from_its_data_is_reused() {
    let items = "dim D\ndim K\ndata x[N]: real[D] = standardize(columns(0..2))\ndata g[N]: category(K) = levels(who)\n\
                 data z[N]: real = a - mean(a) + max(b)";
    let model = model(items);
    let fitted = bind(&model, &[table(TABLE)]).expect("bound");
    assert_eq!(fitted.kept.sizes.iter().map(|(k, v)| (k.as_str(), *v)).collect::<Vec<_>>(), [("D", 2), ("K", 3)]);
    let kept = Kept::parse(&fitted.kept.json()).expect("what was written");
    assert_eq!(kept, fitted.kept);
    let asked = Asked { kept: Some(&kept), ..Asked::default() };
    let part = bind_as(&model, &[table("a,b,who\n4,2,dog\n")], &asked).expect("other rows");
    assert_eq!(values(&part, 0), values(&fitted, 0)[4..]);
    assert_eq!(values(&part, 1), [2.0]);
    assert_eq!(values(&part, 2), values(&fitted, 2)[2..]);
    assert_eq!(part.kept, fitted.kept);
    let problems = bind_as(&model, &[table("a,b,who\n4,2,bat\n")], &asked).expect_err("a new level");
    assert_eq!(
        said(&problems),
        "ppl::data::level: d.csv, line 2, column `who`: `bat` was no level when the model was fitted"
    );
    let narrow = compile_model(
        &Source::new("m.vi", "dim N\ndim D\ndata x[N]: real[D]\nmodel { for n in N { x[n] ~ Normal(0, 1) } }"),
        &Settings::default(),
    );
    let narrow = narrow.0.expect("a model");
    let wide = bind(&narrow, &[table("x.1,x.2\n1,2\n")]).expect("bound").kept;
    let asked = Asked { kept: Some(&wide), ..Asked::default() };
    let problems = bind_as(&narrow, &[table("x.1,x.2,x.3\n1,2,3\n")], &asked).expect_err("another size");
    assert_eq!(said(&problems), "ppl::data::size: `D` has two sizes: 2 (as it was fitted) and 3 (the entries of `x`)");
}
