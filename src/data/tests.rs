//! Data bound to items made by hand: column expressions, sizes, supports and what goes wrong.

use crate::arena::Arena;
use crate::data::{Array, Bound, Column, Table, Values, bind, read};
use crate::math::{Graph, Support};
use crate::model::{Constant, Data, FitBlock, Guide, Model};
use crate::problem::Problems;
use crate::shape::{Dim, DimId, Size};
use crate::source::{Source, Span};
use crate::syntax::{Arg, BinaryOp, Call, Expr, ExprKind};

/// A model of dims (with their values) and data items.
fn model(dims: &[(&str, Option<usize>)], data: Vec<Data>) -> Model {
    let mut arena = Arena::new();
    for (name, value) in dims {
        arena.add(Dim { name: name.to_string(), value: value.map(Size::fixed), span: Span::default() });
    }
    Model {
        name: "m".into(),
        source: Source::new("m.vi", ""),
        dims: arena,
        axes: Arena::new(),
        graph: Graph::default(),
        constants: vec![Constant { name: "half".into(), shape: vec![], values: vec![0.5], span: Span::default() }],
        data,
        params: vec![],
        sites: vec![],
        definitions: vec![],
        statements: vec![],
        guide: Guide { auto: None, factors: vec![], span: None },
        fit: FitBlock::default(),
        provisos: vec![],
    }
}

fn data(name: &str, rows: &[usize], event: &[usize], support: Support, value: Option<Expr>) -> Data {
    let rows = rows.iter().map(|i| DimId::new(*i)).collect();
    let event = event.iter().map(|i| Size::dim(DimId::new(*i))).collect();
    Data { name: name.into(), rows, event, support, missing: false, value, span: Span::default() }
}

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

fn name(text: &str) -> Expr {
    expr(ExprKind::Name(text.into()))
}

fn number(value: f64) -> Expr {
    expr(ExprKind::Number { value, text: value.to_string() })
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    expr(ExprKind::Binary { op, op_span: Span::default(), left: Box::new(left), right: Box::new(right) })
}

fn call(function: &str, args: Vec<Expr>) -> Expr {
    let name = crate::syntax::Name::new(function.into(), Span::default());
    let args = args.into_iter().map(|value| Arg { name: None, value }).collect();
    expr(ExprKind::Call(Call { name, args, each: vec![], parens: true, span: Span::default() }))
}

fn csv(name: &str, text: &str) -> Table {
    read::table(name, text.as_bytes()).unwrap()
}

fn json(text: &str) -> Table {
    read::table("d.json", text.as_bytes()).unwrap()
}

fn messages(result: Result<Bound, Problems>) -> Vec<String> {
    result.unwrap_err().sorted().into_iter().map(|p| format!("{}: {}", p.code, p.message)).collect()
}

fn reals(bound: &Bound, item: usize) -> Vec<f64> {
    (0..bound.arrays[item].values.len()).map(|i| bound.arrays[item].values.get(i)).collect()
}

#[test]
fn columns_by_name_tell_sizes() {
    let items = vec![
        data("y", &[0], &[], Support::Real, None),
        data("x", &[0], &[1], Support::Real, None),
        data("nu", &[], &[], Support::Positive, None),
    ];
    let tables = [csv("d.csv", "y,x.1,x.2\n1.5,1,2\n2,3,4\n"), json(r#"{"nu": 4}"#)];
    let bound = bind(&model(&[("N", None), ("D", None)], items), &tables).unwrap();
    assert_eq!(bound.dims.values().copied().collect::<Vec<_>>(), [2, 2]);
    assert_eq!((bound.rows, reals(&bound, 1)), (2, vec![1.0, 2.0, 3.0, 4.0]));
    assert_eq!(bound.arrays[2].shape, Vec::<usize>::new());
    assert!(matches!(bound.arrays[1].values, Array::Bytes(_)));
}

#[test]
fn statistics_run_over_all_rows_entry_by_entry() {
    let columns = expr(ExprKind::Array(vec![name("a"), name("b")]));
    let items = vec![data("x", &[0], &[1], Support::Real, Some(call("standardize", vec![columns])))];
    let tables = [csv("d.csv", "a,b\n1,10\n2,20\n3,60\n")];
    let bound = bind(&model(&[("N", None), ("D", Some(2))], items), &tables).unwrap();
    let (sd_a, sd_b) = ((2.0f64 / 3.0).sqrt(), (1400.0f64 / 3.0).sqrt());
    let want = [-1.0 / sd_a, -20.0 / sd_b, 0.0, -10.0 / sd_b, 1.0 / sd_a, 30.0 / sd_b];
    assert!(reals(&bound, 0).iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12));
}

fn images(rows: usize) -> Table {
    let bytes: Vec<u8> = (0..rows * 784).map(|i| (i * 31 % 256) as u8).collect();
    let column = Column { name: Some("images".into()), shape: vec![rows, 28, 28], values: Values::Bytes(bytes) };
    Table { name: "images".into(), alias: None, columns: vec![column], lines: None }
}

fn thresholded() -> Expr {
    call("threshold", vec![binary(BinaryOp::Divide, name("images"), number(255.0)), name("half")])
}

#[test]
fn bytes_stay_bytes_and_images_are_read_row_by_row() {
    let items = vec![
        data("x", &[0], &[1], Support::Binary, Some(thresholded())),
        data("grey", &[0], &[1], Support::Unit, Some(binary(BinaryOp::Divide, name("images"), number(255.0)))),
        data("twice", &[0], &[1], Support::Binary, Some(binary(BinaryOp::Greater, name("grey"), name("half")))),
    ];
    let bound = bind(&model(&[("N", None), ("D", Some(784))], items), &[images(3)]).unwrap();
    assert_eq!(bound.arrays[0].shape, [3, 784]);
    let Array::Bytes(bytes) = &bound.arrays[0].values else { panic!("bytes") };
    assert!(bytes.iter().enumerate().all(|(i, b)| *b == u8::from(i * 31 % 256 > 127)));
    assert_eq!(bound.arrays[2].values, bound.arrays[0].values);
}

#[test]
fn text_becomes_numbers_where_asked() {
    let setosa = binary(BinaryOp::Equal, name("species"), expr(ExprKind::Text("setosa".into())));
    let items = vec![
        data("c", &[0], &[], Support::Category(Size::dim(DimId::new(1))), Some(call("levels", vec![name("species")]))),
        data("s", &[0], &[], Support::Binary, Some(setosa)),
    ];
    let tables = [csv("d.csv", "species\nvirginica\nsetosa\nsetosa\n")];
    let bound = bind(&model(&[("N", None), ("K", None)], items), &tables).unwrap();
    assert_eq!((reals(&bound, 0), reals(&bound, 1)), (vec![1.0, 0.0, 0.0], vec![0.0, 1.0, 1.0]));
    assert_eq!(bound.dims[&DimId::new(1)], 2);
}

#[test]
fn missing_entries_need_a_question_mark() {
    let mut item = data("y", &[0], &[], Support::Real, None);
    let tables = [csv("d.csv", "y\n1\nNA\n")];
    let without = bind(&model(&[("N", None)], vec![item.clone()]), &tables);
    assert_eq!(
        messages(without),
        ["ppl::data::missing_entry: d.csv, line 3, column `y`: the entry is missing, and `y` has no `?`"]
    );
    item.missing = true;
    let bound = bind(&model(&[("N", None)], vec![item]), &tables).unwrap();
    assert!(reals(&bound, 0)[1].is_nan());
}

#[test]
fn values_outside_name_file_row_and_column() {
    let items = vec![
        data("a", &[0], &[], Support::Positive, None),
        data("b", &[0], &[], Support::Category(Size::fixed(2)), None),
        data("c", &[0], &[], Support::Real, Some(call("log", vec![name("c")]))),
        data("d", &[0], &[], Support::Real, None),
    ];
    let tables = [csv("d.csv", "a,b,c,d\n1,1,0,1\n0,2,-1,x\n")];
    assert_eq!(
        messages(bind(&model(&[("N", None)], items), &tables)),
        [
            "ppl::data::index: d.csv, line 3, column `b`: 2 is no index below 2, as `b` declares",
            "ppl::data::not_a_number: d.csv, line 3, column `d`: `x` is no number",
            "ppl::data::not_finite: d.csv, line 3, column `c`: what `c` makes of this entry is not a number",
            "ppl::data::support: d.csv, line 3, column `a`: 0 is not in `positive`, as `a` declares",
        ]
    );
}

#[test]
fn sizes_that_disagree_show_both() {
    let items = || vec![data("a", &[0], &[], Support::Real, None), data("b", &[0], &[], Support::Real, None)];
    let tables = [json(r#"{"a": [1, 2, 3], "b": [1, 2]}"#)];
    assert_eq!(
        messages(bind(&model(&[("N", None)], items()), &tables)),
        ["ppl::data::size: `N` has two sizes: 3 (the rows of `a`) and 2 (the rows of `b`)"]
    );
    let problems = bind(&model(&[("N", Some(2))], items()), &tables).unwrap_err().sorted();
    assert_eq!(problems[0].message, "`N` has two sizes: 2 (as declared or set) and 3 (the rows of `a`)");
    assert_eq!(problems[0].help.as_deref(), Some("if the data are right: `--set N=3`"));
    let tables = [json(r#"{"a": [1, 2], "b": [1, 2], "N": 5}"#)];
    assert_eq!(
        messages(bind(&model(&[("N", None)], items()), &tables)),
        ["ppl::data::size: `N` has two sizes: 2 (the rows of `a`) and 5 (the number in d.json)"]
    );
}

#[test]
fn what_data_cannot_tell_is_asked_for() {
    let items = vec![data("y", &[0], &[], Support::Real, None)];
    let result = bind(&model(&[("N", None), ("K", None)], items), &[csv("d.csv", "y\n1\n")]);
    assert_eq!(messages(result), ["ppl::data::unknown_size: nothing says the size of `K`, not even the data"]);
}

#[test]
fn columns_that_are_not_there() {
    let items = vec![
        data("y", &[0], &[], Support::Real, Some(name("wieght"))),
        data("z", &[0], &[], Support::Real, Some(call("column", vec![number(7.0)]))),
        data("w", &[0], &[], Support::Real, Some(call("standardise", vec![name("weight")]))),
    ];
    let problems = bind(&model(&[("N", None)], items), &[csv("d.csv", "weight,b\n1,2\n")]).unwrap_err().sorted();
    let said: Vec<_> = problems.iter().map(|p| (p.code, p.help.as_deref().unwrap_or(""))).collect();
    assert_eq!(
        said,
        [
            ("ppl::data::expression", "is it `standardize`?"),
            ("ppl::data::missing_column", "is it `weight`? columns are `weight` and `b`"),
            ("ppl::data::missing_column", "positions are 0 to 1"),
        ]
    );
}

#[test]
fn items_made_from_each_other_are_a_cycle() {
    let items = vec![
        data("a", &[0], &[], Support::Real, Some(name("b"))),
        data("b", &[0], &[], Support::Real, Some(name("a"))),
    ];
    let said = messages(bind(&model(&[("N", Some(1))], items), &[csv("d.csv", "x\n1\n")]));
    assert_eq!(said, ["ppl::data::cycle: `a` is made from itself, through `b`"]);
}

/// `PPL_BENCH=1 cargo test --release threshold_of_mnist -- --nocapture` says how long it takes.
#[test]
fn threshold_of_mnist_is_quick() {
    let rows = if std::env::var_os("PPL_BENCH").is_some() { 60_000 } else { 600 };
    let table = [images(rows)];
    let items = vec![data("x", &[0], &[1], Support::Binary, Some(thresholded()))];
    let start = std::time::Instant::now();
    let bound = bind(&model(&[("N", None), ("D", Some(784))], items), &table).unwrap();
    println!("bound {rows} rows in {:?}", start.elapsed());
    assert!(matches!(bound.arrays[0].values, Array::Bytes(_)));
}
