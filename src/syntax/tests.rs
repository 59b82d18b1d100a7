//! What the parser must get right: trees, places, and words for what is wrong.

use super::*;
use crate::problem::Problems;

fn parsed(text: &str) -> (Ast, Problems) {
    parse(&Source::new("test.vi", text))
}

/// The codes of all problems, in order.
fn codes(text: &str) -> Vec<&'static str> {
    parsed(text).1.sorted().iter().map(|problem| problem.code).collect()
}

#[test]
fn mistakes_in_several_places_are_all_reported_and_cascade_nowhere() {
    let text =
        "dim N = \ndata y[N] real\nmodel {\n  mu ~ Normal(0, 1\n  for n in N {\n    y[n] ~\n  }\n}\nguide meanfeld(\n";
    let found = codes(text);
    let parts: Vec<&str> = found.iter().map(|code| code.trim_start_matches("ppl::syntax::")).collect();
    assert_eq!(parts, ["expected", "declaration", "bracket", "distribution", "bracket"]);
    let (ast, _) = parsed(text);
    let Item::Error { binds } = &ast.items[1].node else { panic!("{:?}", ast.items[1]) };
    assert_eq!(binds[0].node, "y");
}

#[test]
fn five_thousand_brackets_are_a_diagnostic() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("-", ""),
        ("not ", ""),
        ("if c then ", " else 0"),
        ("a[", "]"),
        ("2^", ""),
    ] {
        let text = format!("model {{\n  h = {}1{}\n}}\n", open.repeat(5000), close.repeat(5000));
        assert_eq!(codes(&text), ["ppl::syntax::nesting"], "{open}");
    }
    let chain = format!("model {{\n  h = a{}\n}}\n", "[0]".repeat(5000));
    assert_eq!(codes(&chain), ["ppl::syntax::nesting"]);
    let blocks = format!("model {{{}{}}}\n", "for n in N {\n".repeat(5000), "}\n".repeat(5000));
    assert_eq!(codes(&blocks), ["ppl::syntax::nesting"]);
    let sum = format!("const a = 1{}\n", " + 1".repeat(999));
    assert!(codes(&sum).is_empty());
    assert_eq!(codes(&format!("const a = 1{}\n", " + 1".repeat(1000))), ["ppl::syntax::nesting"]);
    assert!(codes(&format!("const a = [{}]\n", "1, ".repeat(5000))).is_empty());
    assert!(codes(&format!("const a = {}1{}\n", "(".repeat(100), ")".repeat(100))).is_empty());
}
