//! Every diagnostic of this layer: its code, what its first label points at, and what its help says to type.

use super::*;

/// A text with one mistake, its code, the text under the first label, and a part of the help.
type Case = (&'static str, &'static str, &'static str, &'static str);

fn check(wrap: impl Fn(&str) -> String, cases: &[Case]) {
    for (text, code, label, help) in cases {
        let text = wrap(text);
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{text}\n{found:#?}");
        let problem = &found[0];
        assert_eq!(problem.code, format!("ppl::syntax::{code}"), "{text}\n{problem:#?}");
        let span = problem.labels[0].span;
        assert_eq!(&text[span.start..span.end], *label, "{text}\n{problem:#?}");
        let said = problem.help.as_deref().unwrap_or("");
        assert!(said.contains(help), "{text}\n{said}");
    }
}

#[test]
fn at_the_top() {
    check(
        str::to_string,
        &[
            ("dim", "expected", "", "dim NAME = SIZE"),
            ("dim N: 3", "declaration", ":", "`dim N = ...`"),
            ("dim data", "reserved", "data", "`my_data`"),
            ("dim inf", "reserved", "inf", "`my_inf`"),
            ("data in[N]: real", "reserved", "in", "`my_in`"),
            ("dim K dim J", "expected", "dim", "dim NAME"),
            ("dim K { }", "block", "{", "`model`"),
            ("const a", "expected", "", "const NAME = EXPR"),
            ("const a = ", "expected", "", "const NAME = EXPR"),
            ("data x: N real", "type", "N real", "`[N]: real`"),
            ("data x[N]: real?[3, 2]", "type", "?[3, 2]", "`: real[3, 2]?`"),
            ("data real y", "declaration", "real y", "`data y: real`"),
            ("data real[K] y", "declaration", "real[K] y", "`data y: real[K]`"),
            ("data y[N] real", "declaration", "y[N] real", "`data y[N]: real`"),
            ("data y ~ Normal(0, 1)", "declaration", "~", "in `model`"),
            ("param s: positive ~ HalfNormal(1)", "declaration", "~", "`s ~ ...` in `model`"),
            ("data y:", "expected", "", "data NAME[ROWS]: TYPE"),
            ("x = 3", "outside", "x =", "`const x = ...`"),
            ("y ~ Normal(0, 1)", "outside", "y", "inside `model { ... }`"),
            ("factor a", "outside", "factor", "inside `model { ... }`"),
            ("var b", "declaration", "var", "`const b = ...`"),
            ("real mu", "declaration", "real", "`data mu: real`"),
            ("modle { x ~ Normal(0, 1) }", "unknown", "modle", "did you mean `model`?"),
            ("import numpy", "unknown", "import", "an item begins with"),
            ("model foo { }", "block", "foo", "`model {`"),
            ("model", "block", "model", "`model { ... }`"),
            ("model\n{\n}", "block", "{", "the line of `model`"),
            ("fun f(a: real) = a", "type", ": real", "leave the types out"),
            ("net f(x) -> real { x }", "type", "x", "`x: real[D]`"),
            ("net f(x: real) { x }", "expected", "{", "-> TYPE"),
            ("energy e(x: binary[D])", "expected", "", "energy NAME(ARG: TYPE) = EXPR"),
            ("guide 3", "expected", "3", "guide NAME"),
            ("model { } guide meanfield", "separator", "guide", "newline or `;`"),
        ],
    );
}

#[test]
fn in_a_block() {
    check(
        |text| format!("model {{\n  {text}\n}}\n"),
        &[
            ("y ~", "distribution", "~", "`y ~ Normal(0, 1)`"),
            ("y[n] ~ by score", "distribution", "~", "`y[n] ~ Normal(0, 1)`"),
            ("x ~ 3 + y", "distribution", "3 + y", "`x = ...`"),
            ("x ~ Normal(0, 1) + 1", "distribution", "Normal(0, 1) + 1", "`x = ...`"),
            ("y ~ Normal(0, 1) T[0, 2]", "distribution", "T[0, 2]", "`y ~ Truncated(Normal(0, 1), lo, hi)`"),
            ("x ~ Normal(0, 1) by", "expected", "", "DISTRIBUTION"),
            ("let z = 3", "declaration", "let", "`z = ...`"),
            ("real z", "declaration", "real", "`z: real ~ ...`"),
            ("y[n] = 3", "definition", "[n]", "`y = ...`"),
            ("h: real = 3", "definition", ": real", "`h = ...`"),
            ("loc, scale = f(x)", "definition", "loc, scale", "`e.loc`"),
            ("q <- 3", "operator", "<-", "`q = ...`"),
            ("k == 3", "operator", "==", "`k = ...`"),
            ("y[n] Normal(0, 1)", "statement", "Normal", "`y[n] ~ Normal(...)`"),
            ("print(x)", "unknown", "print", "NAME ~ DISTRIBUTION"),
            ("q ~ Normal(loc = 0, 1)", "argument", "loc =", "`loc: ...`"),
            ("for n in 0..N { }", "plate", "n in 0..N", "for n in N"),
            ("for (n in N) { }", "plate", "(n in N)", "for n in N"),
            ("for n in N", "block", "for n in N", "`for n in N { ... }`"),
            ("for n in N:", "block", "for n in N:", "`for n in N { ... }`"),
            ("for (n in 1:N)", "block", "for (n in 1:N)", "`for n in N { ... }`"),
            ("for n N { }", "expected", "N", "for NAME in DIM"),
            ("for = 3", "reserved", "for", "my_for"),
            ("if a { b ~ Normal(0, 1) }", "if", "if", "if c then a else b"),
            ("p = if a { 3 } else { 4 }", "if", "if", "if c then a else b"),
            ("data = 3", "reserved", "data", "my_data"),
            ("in = 3", "reserved", "in", "my_in"),
            ("inf ~ Normal(0, 1)", "reserved", "inf", "my_inf"),
            ("q\n  ~ Normal(0, 1)", "statement", "~", "on the line of its name"),
            ("guide ~ Normal(0, 1)", "reserved", "guide", "my_guide"),
        ],
    );
}

#[test]
fn in_an_expression() {
    check(
        |text| format!("model {{\n  h = {text}\n}}\n"),
        &[
            ("a < b < c", "chained", "<", "a < b and b < c"),
            ("a ? b : c", "if", "?", "if c then a else b"),
            ("if a then b", "if", "if", "if c then a else b"),
            ("if a", "if", "if", "if c then a else b"),
            ("f(0..3)", "range", "0..3", "`v[2..5]`"),
            ("0..3", "expected", "..", "NAME = EXPR"),
            ("x[0..]", "expected", "]", "NAME = EXPR"),
            ("\"a\"", "text_place", "\"a\"", "column(\"Sepal Length\")"),
            ("sum(x for in N)", "expected", "in", "sum(x[k] for k in K)"),
            ("sum(x for k N)", "expected", "N", "sum(x[k] for k in K)"),
            ("f(a b)", "expected", "b", "NAME = EXPR"),
            ("(a, b)", "expected", ",", "NAME = EXPR"),
            ("a[]", "expected", "]", "NAME = EXPR"),
            ("3 +", "expected", "", "NAME = EXPR"),
            ("data(3)", "reserved", "data", "my_data"),
            ("a ** 2", "operator", "**", "`^`"),
            ("a && b", "operator", "&&", "`and`"),
            ("a || b", "operator", "||", "`or`"),
            ("a | b", "operator", "|", "`or`"),
            ("!a", "operator", "!", "`not`"),
            ("a % b", "operator", "%", "floor(a / b)"),
            ("'a'", "operator", "'a'", "`\"`"),
            ("a // b", "operator", "//", "`#`"),
            ("1.", "number", "1.", "`1.0`"),
            (".5", "number", ".5", "`0.5`"),
            ("3x", "number", "3x", "`3 * x`"),
            ("1_", "number", "1_", "`10_000`"),
            ("1e999", "number", "1e999", "`inf`"),
            ("\"abc", "text", "\"abc", "`\"`"),
            ("“", "character", "“", "type `\"`"),
            ("μ_1 + 2", "character", "μ_1", "`mu_1`"),
            ("日本", "character", "日本", "names are ASCII"),
            ("a − b", "character", "−", "type `-`"),
            ("a\u{a0}+ b", "character", "\u{a0}", "plain space"),
            ("a ☃ b", "character", "☃", "only ASCII"),
            ("f(a]", "bracket", "(", "write `)`"),
            ("g(a, b))", "bracket", ")", "remove it"),
            ("f((a)", "bracket", "(", "missing `)`"),
        ],
    );
}

#[test]
fn in_a_fit_block_or_a_net() {
    check(
        |text| format!("fit {{\n  {text}\n}}\n"),
        &[
            ("steps = 2000", "entry", "steps =", "`steps: ...`"),
            ("lr:", "expected", "", "NAME: VALUE"),
            ("lr:\n  steps: 3", "expected", "", "NAME: VALUE"),
            ("phase guide", "block", "phase guide", "{ ... }"),
            ("phase both { }", "expected", "both", "phase guide { ... }"),
            ("steps: 3 { }", "block", "{", "blocks follow"),
            ("init: {mu 3}", "expected", "3", "NAME: VALUE"),
            ("model: 3", "reserved", "model", "my_model"),
        ],
    );
    check(
        |text| format!("net f(a: real) -> real {{\n  {text}\n}}\n"),
        &[
            ("return a", "statement", "return", "the last line"),
            ("h: real = a", "definition", ": real", "`h = ...`"),
            ("z ~ Normal(0, 1)", "expected", "~", "NAME = EXPR"),
        ],
    );
}

#[test]
fn brackets_that_are_never_closed_spoil_one_piece_each() {
    let text = "model {\n  a = f(1\n  b ~ Normal(0, 1)\n  for n in N {\n    c = [1, 2\n}\nguide meanfield\n";
    assert_eq!(codes(text), ["bracket", "bracket", "bracket"]);
    let (ast, _) = parsed(text);
    assert_eq!(ast.items.len(), 2);
    let Item::Model(block) = &ast.items[0].node else { panic!("{ast:?}") };
    assert!(matches!(&block.stmts[0].node, Stmt::Error { binds } if binds[0].node == "a"));
    assert!(matches!(&block.stmts[1].node, Stmt::Draw { .. }));
    assert_eq!(codes("model { }\n}\n"), ["bracket"]);
    assert_eq!(codes(&"(".repeat(5000)).len(), 3);
}

#[test]
fn mistakes_in_several_places_are_all_reported_and_cascade_nowhere() {
    let text =
        "dim N = \ndata y[N] real\nmodel {\n  mu ~ Normal(0, 1\n  for n in N {\n    y[n] ~\n  }\n}\nguide lowrank(\n";
    assert_eq!(codes(text), ["expected", "declaration", "bracket", "distribution", "bracket"]);
    let (ast, _) = parsed(text);
    let Item::Error { binds } = &ast.items[1].node else { panic!("{:?}", ast.items[1]) };
    assert_eq!(binds[0].node, "y");
}

#[test]
fn an_error_node_binds_what_the_piece_would_have_bound() {
    for (text, names) in [
        ("(x[n], h: binary[H]) ~ ", vec!["x", "h"]),
        ("h = 3 +", vec!["h"]),
        ("z: real[K] ~ ", vec!["z"]),
        ("param s: = 3", vec!["s"]),
        ("for n N { a = 1; b ~ Flat() }", vec!["a", "b"]),
        ("y[n] Normal(0, 1)", vec!["y"]),
    ] {
        let (ast, found) = parsed(&format!("model {{\n{text}\n}}"));
        assert!(found.has_errors(), "{text}");
        let Item::Model(block) = &ast.items[0].node else { panic!("{ast:?}") };
        let Stmt::Error { binds } = &block.stmts[0].node else { panic!("{block:?}") };
        assert_eq!(binds.iter().map(|name| name.node.as_str()).collect::<Vec<_>>(), names, "{text}");
    }
}

#[test]
fn a_forgotten_right_side_does_not_swallow_the_next_statement() {
    let text = "model {\n  y ~\n  z ~ Normal(0, 1)\n  a =\n  b = 3\n  c = a +\n  d ~ Normal(0, 1)\n}\n";
    assert_eq!(codes(text), ["distribution", "expected", "expected"]);
    let (ast, _) = parsed(text);
    let Item::Model(block) = &ast.items[0].node else { panic!("{ast:?}") };
    assert_eq!(block.stmts.len(), 6);
}

#[test]
fn five_thousand_levels_are_a_diagnostic() {
    let levels: [(&str, &str); 8] = [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("-", ""),
        ("not ", ""),
        ("if c then ", " else 0"),
        ("a[", "]"),
        ("2^", ""),
    ];
    for (open, close) in levels {
        let text = |n: usize| format!("model {{\n  h = {}1{}\n}}\n", open.repeat(n), close.repeat(n));
        assert_eq!(codes(&text(5000)), ["nesting"], "{open}");
        assert_eq!(codes(&text(100)), ["nesting"], "the block is a level too: {open}");
        assert!(codes(&text(99)).is_empty(), "{open}");
    }
    let blocks = format!("model {{{}{}}}\n", "for n in N {\n".repeat(5000), "}\n".repeat(5000));
    assert_eq!(codes(&blocks), ["nesting"]);
}

#[test]
fn an_expression_has_a_thousand_operands() {
    let sum = |n: usize| format!("const a = 1{}\n", " + 1".repeat(n - 1));
    assert!(codes(&sum(1000)).is_empty());
    assert_eq!(codes(&sum(1001)), ["nesting"]);
    let chain = format!("const a = a{}\n", "[0]".repeat(5000));
    assert_eq!(codes(&chain), ["nesting"]);
    let fields = format!("const a = a{}\n", ".b".repeat(5000));
    assert_eq!(codes(&fields), ["nesting"]);
    let split = format!("const a = (1{}) + 1{}\n", " + 1".repeat(600), " + 1".repeat(600));
    assert_eq!(codes(&split), ["nesting"]);
    assert!(
        codes(&format!("const a = [{}]\n", "1, ".repeat(5000))).is_empty(),
        "elements are expressions of their own"
    );
}

#[test]
fn bytes_that_are_not_utf8_are_named_by_line_and_offset() {
    let problem = decode("a.vi", b"dim N\ndim \xff").unwrap_err();
    assert_eq!(problem.code, "ppl::syntax::encoding");
    assert_eq!(problem.message, "a.vi is not UTF-8 text: line 2, byte 10");
    assert_eq!(decode("a.vi", b"dim N").map(|source| source.text.len()), Ok(5));
}

#[test]
fn no_rule_of_the_grammar_reaches_the_user() {
    let words = ["_item", "_head", "kw_", "postfix", "left_", "right_", "EOI", "typed_", "Rule"];
    for (text, ..) in
        [("net f(",), ("net f(x: real) -> (",), ("fit { init: { }",), ("model { (x, ~ f() }",), ("data x: real(1",)]
    {
        for text in [text.to_string(), format!("{text})"), format!("{text} 3 }}")] {
            for problem in problems(&text) {
                let said = format!("{problem:?}");
                assert!(words.iter().all(|word| !said.contains(word)), "{said}");
            }
        }
    }
}
