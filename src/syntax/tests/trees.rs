//! Trees: precedence, and one test for every construct of the language.

use super::*;

/// A tree as fully parenthesized text, so that precedence shows.
fn tree(expr: &Expr) -> String {
    let list = |items: &[Expr]| items.iter().map(tree).collect::<Vec<_>>().join(", ");
    match &expr.kind {
        ExprKind::Number { text, .. } => text.clone(),
        ExprKind::Text(text) => format!("\"{text}\""),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Unary { op: UnaryOp::Negate, of } => format!("(-{})", tree(of)),
        ExprKind::Unary { op: UnaryOp::Not, of } => format!("(not {})", tree(of)),
        ExprKind::Binary { op, left, right, .. } => format!("({op:?} {} {})", tree(left), tree(right)),
        ExprKind::If { condition, then, otherwise } => {
            format!("(if {} {} {})", tree(condition), tree(then), tree(otherwise))
        }
        ExprKind::Array(items) => format!("[{}]", list(items)),
        ExprKind::ArrayFor { body, each } => format!("[{}{}]", tree(body), binders(each)),
        ExprKind::Call(call) => self::call(call),
        ExprKind::Index { base, index } => format!("{}[{}]", tree(base), list(index)),
        ExprKind::Field { base, name } => format!("{}.{}", tree(base), name.node),
        ExprKind::Range { low, high } => format!("{}..{}", tree(low), tree(high)),
        ExprKind::Paren(inner) => format!("<{}>", tree(inner)),
        ExprKind::Record(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{}={}", name.node, tree(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn call(call: &Call) -> String {
    let args: Vec<String> = call
        .args
        .iter()
        .map(|arg| arg.name.as_ref().map_or(String::new(), |name| format!("{}=", name.node)) + &tree(&arg.value))
        .collect();
    if call.parens {
        format!("{}({}{})", call.name.node, args.join(", "), binders(&call.each))
    } else {
        call.name.node.clone()
    }
}

fn binders(each: &[Binder]) -> String {
    each.iter().map(|binder| format!(" for {} in {}", binder.name.node, tree(&binder.over))).collect()
}

fn expression(text: &str) -> String {
    let ast = good(&format!("const a = {text}"));
    let Item::Const { value, .. } = &ast.items[0].node else { panic!("{ast:?}") };
    tree(value)
}

#[test]
fn operators_bind_as_the_manual_says() {
    for (text, expected) in [
        ("1 + 2 * 3", "(Add 1 (Multiply 2 3))"),
        ("1 - 2 - 3", "(Subtract (Subtract 1 2) 3)"),
        ("a-b", "(Subtract a b)"),
        ("a -b", "(Subtract a b)"),
        ("- 0.5 * a", "(Multiply (-0.5) a)"),
        ("-x^2", "(-(Power x 2))"),
        ("2^-x^y", "(Power 2 (-(Power x y)))"),
        ("a^b^c", "(Power a (Power b c))"),
        ("a * -b", "(Multiply a (-b))"),
        ("a - - b", "(Subtract a (-b))"),
        ("a / b @ c", "(MatMul (Divide a b) c)"),
        ("not a == b", "(not (Equal a b))"),
        ("not a and b or c", "(Or (And (not a) b) c)"),
        ("a or b and c", "(Or a (And b c))"),
        ("a < b + 1", "(Less a (Add b 1))"),
        ("a <= b and c >= d", "(And (LessEqual a b) (GreaterEqual c d))"),
        ("a != b", "(NotEqual a b)"),
        ("a > b", "(Greater a b)"),
        ("x |> f(1) |> g(2)", "(Pipe (Pipe x f(1)) g(2))"),
        ("a or b |> f(1)", "(Pipe (Or a b) f(1))"),
        ("if a then b else c + 1", "(if a b (Add c 1))"),
        ("1 + if a then b else c |> f()", "(Add 1 (if a b (Pipe c f())))"),
        ("if a then b else if c then d else e", "(if a b (if c d e))"),
        ("(1 + 2) * 3", "(Multiply <(Add 1 2)> 3)"),
        ("-a[0].b", "(-a[0].b)"),
        ("f(x)[1, 2..3]", "f(x)[1, 2..3]"),
        ("notable and orange", "(And notable orange)"),
    ] {
        assert_eq!(expression(text), expected, "{text}");
    }
}

#[test]
fn operands_of_every_kind() {
    for (text, expected) in [
        ("inf", "inf"),
        ("1e-3", "1e-3"),
        ("10_000", "10_000"),
        ("[1, 2,]", "[1, 2]"),
        ("[]", "[]"),
        ("f()", "f()"),
        ("f(a, b,)", "f(a, b)"),
        ("f(a, loc: 1, scale: 2)", "f(a, loc=1, scale=2)"),
        ("sum(w[k] * x[k] for k in K)", "sum((Multiply w[k] x[k]) for k in K)"),
        ("[f(i, j) for i in N, j in 2..5]", "[f(i, j) for i in N for j in 2..5]"),
        ("columns(2..26)", "columns(2..26)"),
        ("move[s[t-1]]", "move[s[(Subtract t 1)]]"),
        ("users.age", "users.age"),
        ("f(a)[0][1].b", "f(a)[0][1].b"),
    ] {
        assert_eq!(expression(text), expected, "{text}");
    }
    let numbers = good("const a = [10_000, 1e-3, inf, 0.5]");
    let Item::Const { value: Expr { kind: ExprKind::Array(items), .. }, .. } = &numbers.items[0].node else { panic!() };
    let values: Vec<f64> = items
        .iter()
        .filter_map(|e| if let ExprKind::Number { value, .. } = e.kind { Some(value) } else { None })
        .collect();
    assert_eq!(values, [10_000.0, 0.001, f64::INFINITY, 0.5]);
}

#[test]
fn items_of_every_kind() {
    let ast = good(
        "dim N\ndim K = 2 * N\ndata y[N, K]: real(0, 1)[5]? = column(\"a b\")\nparam m[K]: cov[K] = eye(2)\n\
         net f(a: real[N], b: binary) -> (loc: real, scale: positive,) { h = a; loc = h; scale = b }\n\
         fun g(a, b,) = a\nenergy e(x: binary[N]) = -sum(x)\nguide lowrank(5) { }\nguide\nmodel { }",
    );
    let items: Vec<&Item> = ast.items.iter().map(|item| &item.node).collect();
    assert!(matches!(items[0], Item::Dim { value: None, .. }));
    assert!(matches!(items[1], Item::Dim { value: Some(_), .. }));
    let Item::Data { rows, ty, value: Some(value), .. } = items[2] else { panic!("{:?}", items[2]) };
    assert_eq!((rows.len(), ty.name.node.as_str(), ty.args.len(), ty.shape.len(), ty.missing), (2, "real", 2, 1, true));
    assert_eq!(tree(value), "column(\"a b\")");
    assert_eq!(ast.source.slice(ty.span), "real(0, 1)[5]?");
    assert!(matches!(items[3], Item::Param(Param { rows, value: Some(_), .. }) if rows.len() == 1));
    let Item::Net { formals, result: NetResult::Named(outputs), body, .. } = items[4] else { panic!("{:?}", items[4]) };
    assert_eq!((formals.len(), outputs.len(), body.len()), (2, 2, 3));
    assert!(matches!(items[5], Item::Fun { formals, .. } if formals.len() == 2 && formals[0].ty.is_none()));
    assert!(matches!(items[6], Item::Energy { formals, .. } if formals[0].ty.is_some()));
    assert!(matches!(items[7], Item::Guide { auto: Some(auto), block: Some(_) } if call(auto) == "lowrank(5)"));
    assert!(matches!(items[8], Item::Guide { auto: None, block: None }));
    assert!(matches!(items[9], Item::Model(block) if block.stmts.is_empty()));
}

#[test]
fn statements_of_every_kind() {
    let ast = good(
        "model {\n  z: real[K] ~ Normal(0, 1) by score(baseline: net(100))\n  y[n, m] ~ Poisson(rate)\n  h = z\n  factor -h\n\
         \x20 param s: positive = 1\n  (x[n], h: binary[H]) ~ Boltzmann(rbm)\n  for t in T chain { }\n}",
    );
    let Item::Model(block) = &ast.items[0].node else { panic!("{ast:?}") };
    let stmts: Vec<&Stmt> = block.stmts.iter().map(|stmt| &stmt.node).collect();
    let Stmt::Draw { targets, grouped: false, dist, by: Some(by) } = stmts[0] else { panic!("{:?}", stmts[0]) };
    assert_eq!((targets[0].name.node.as_str(), call(dist).as_str()), ("z", "Normal(0, 1)"));
    assert!(targets[0].ty.is_some());
    assert_eq!(call(by), "score(baseline=net(100))");
    assert!(matches!(stmts[1], Stmt::Draw { targets, by: None, .. } if targets[0].index.len() == 2));
    assert!(matches!(stmts[2], Stmt::Def { value, .. } if tree(value) == "z"));
    assert!(matches!(stmts[3], Stmt::Factor(value) if tree(value) == "(-h)"));
    assert!(matches!(stmts[4], Stmt::Param(_)));
    assert!(matches!(stmts[5], Stmt::Draw { targets, grouped: true, .. } if targets.len() == 2));
    assert!(matches!(stmts[6], Stmt::Plate { chain: true, .. }));
}

#[test]
fn fit_entries_of_every_kind() {
    let ast = good(
        "fit {\n  objective: elbo(beta: linear(0, 1, 100))\n  batch: N = 128, M = 16\n  init: {mu: 3, w: [1, 2],}\n  kl: sampled\n\
         \x20 phase guide { steps: 5; optimizer: adam(lr: 1e-2) }\n  phase: 3\n}",
    );
    let Item::Fit { entries } = &ast.items[0].node else { panic!("{ast:?}") };
    let text: Vec<String> = entries
        .iter()
        .map(|entry| match &entry.node {
            FitItem::Entry(Entry { name, values }) => {
                let key =
                    |value: &FitValue| value.key.as_ref().map_or(String::new(), |key| format!("{} := ", key.node));
                let values: Vec<String> = values.iter().map(|value| key(value) + &tree(&value.value)).collect();
                format!("{}: {}", name.node, values.join(" & "))
            }
            FitItem::Phase { of, entries } => format!("{:?} {}", of.node, entries.len()),
            FitItem::Error => "error".to_string(),
        })
        .collect();
    assert_eq!(
        text,
        [
            "objective: elbo(beta=linear(0, 1, 100))",
            "batch: N := 128 & M := 16",
            "init: {mu=3, w=[1, 2]}",
            "kl: sampled",
            "Guide 2",
            "phase: 3"
        ]
    );
}

#[test]
fn an_entry_by_itself_is_what_a_flag_gives() {
    let (entry, problems) = parse_entry(&Source::new("--batch", "batch: N = 128"));
    assert!(problems.is_empty());
    assert_eq!(entry.map(|entry| entry.values.len()), Some(1));
    let (entry, problems) = parse_entry(&Source::new("--batch", "batch: N ="));
    assert!(entry.is_none() && problems.has_errors());
}

#[test]
fn a_statement_goes_on_over_a_newline_where_the_manual_says() {
    for text in [
        "h = \n a",
        "h = a +\n b",
        "h = a\n + b",
        "h = if a\n then b\n else c",
        "h = if a then\n b else\n c",
        "h = f(\na\n,b)",
        "h = a\n# c\n |> f()",
        "z ~\n Normal(0, 1)",
        "z:\n real ~ Normal(0, 1)",
        "z ~ Normal(0, 1)\n by pathwise",
    ] {
        let ast = good(&format!("model {{\n{text}\n}}"));
        let Item::Model(block) = &ast.items[0].node else { panic!("{ast:?}") };
        assert_eq!(block.stmts.len(), 1, "{text}");
    }
    let ast = good("net f(a: real) ->\n real {\n h = a\n (h)\n}");
    let Item::Net { body, .. } = &ast.items[0].node else { panic!("{ast:?}") };
    assert_eq!(body.len(), 2, "a line that begins with ( continues nothing");
}

#[test]
fn separators_tabs_carriage_returns_and_byte_order_marks_are_blanks() {
    let plain = good("model {\n  a = 1\n  b = 2\n}\n");
    for text in
        ["model { a = 1; b = 2 }", "model {\r\n\ta = 1\r\n\tb = 2\r\n}\r\n", "\u{feff}model {;;a = 1;\n;b = 2;}"]
    {
        let (Item::Model(one), Item::Model(other)) = (&plain.items[0].node, &good(text).items[0].node.clone()) else {
            panic!()
        };
        assert_eq!(one.stmts.len(), other.stmts.len(), "{text:?}");
    }
}

#[test]
fn comments_know_their_lines() {
    let ast = good("# a\ndim N # b\r\n  # c\nconst s = [1, # d\n 2]");
    let found: Vec<(&str, bool)> =
        ast.comments.iter().map(|comment| (comment.text.as_str(), comment.own_line)).collect();
    assert_eq!(found, [("# a", true), ("# b", false), ("# c", true), ("# d", false)]);
}

#[test]
fn a_tree_is_shown_a_node_a_line() {
    let text = "dim K = 2\nmodel {\n  z: real[K] ~ Normal(-1, scale: 2)\n  h = if z[0] > 0 then sum(z[k] for k in K) else 0\n}\n";
    let (ast, problems) = parse(&Source::new("m.vi", text));
    assert!(!problems.has_errors());
    let expected = "# 1:1\ndim K\n  value\n    number 2\n# 2:1\nmodel\n  draw\n    name z\n      type real\n        shape\n          \
                    name K\n    from\n      call Normal\n        negative\n          number 1\n        argument scale\n          \
                    number 2\n  define h\n    if\n      >\n        index\n          name z\n          at\n            number 0\n        \
                    number 0\n      then\n        call sum\n          index\n            name z\n            at\n              name k\n          \
                    for k in\n            name K\n      else\n        number 0\n";
    assert_eq!(tree::print(&ast), expected);
}
