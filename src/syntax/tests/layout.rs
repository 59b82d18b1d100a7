//! What `fmt` does, by example: what was written, and what it becomes.

use super::*;

/// Asserts that `text` becomes `expected`, which stays what it is.
fn becomes(text: &str, expected: &str) {
    let printed = print(&good(text));
    assert_eq!(printed, expected);
    assert_eq!(print(&good(&printed)), expected);
}

/// Asserts that a text is laid out as `fmt` would.
fn stays(text: &str) {
    becomes(text, text);
}

#[test]
fn blanks_stand_where_they_always_stand() {
    becomes("dim   N\nconst  a=[ 1,2 ,3, ]\n", "dim N\nconst a = [1, 2, 3]\n");
    becomes("data x [N]:real( 0,1 )[ 3 ]?=a/b\n", "data x[N]: real(0, 1)[3]? = a / b\n");
    becomes("fun f( a,b )=a ^ 2*- b+( -a )- -b\n", "fun f(a, b) = a^2 * -b + (-a) - -b\n");
    becomes("net g( x:real )->real{x}\n", "net g(x: real) -> real { x }\n");
    becomes("guide lowrank( 5 ){}\n", "guide lowrank(5) {}\n");
    becomes(
        "const a=if not(b)then -c else sum(d[ k ]for k in 2 .. 5)\n",
        "const a = if not (b) then -c else sum(d[k] for k in 2..5)\n",
    );
    becomes(
        "model{z~Normal(0,scale:1)by score( baseline:net( 100 ) )}\n",
        "model { z ~ Normal(0, scale: 1) by score(baseline: net(100)) }\n",
    );
    becomes("fit{init:{mu:3,tau : 2}}\n", "fit { init: {mu: 3, tau: 2} }\n");
    becomes("model{(x[n],h:binary[H])~Boltzmann(rbm)}\n", "model { (x[n], h: binary[H]) ~ Boltzmann(rbm) }\n");
}

#[test]
fn a_lag_and_a_size_less_one_are_drawn_together() {
    becomes("const a = s[t - 1] + b[K + 1, 2*t] + [t-1]\n", "const a = s[t-1] + b[K+1, 2 * t] + [t - 1]\n");
    becomes("param b: real[K - 1]\n", "param b: real[K-1]\n");
    becomes("const a = s[t-u]\n", "const a = s[t - u]\n");
}

#[test]
fn blocks_on_one_line_stay_there_if_they_fit() {
    becomes("model { a = 1;b = 2; }", "model { a = 1; b = 2 }\n");
    becomes("model {\na = 1;b = 2 }", "model {\n  a = 1\n  b = 2\n}\n");
    becomes("model {\n}\n", "model {}\n");
    becomes("guide { for n in N { z ~ Normal(0, 1) } }", "guide { for n in N { z ~ Normal(0, 1) } }\n");
    let long = format!("model {{ a = {}; b = {} }}", "x".repeat(50), "y".repeat(50));
    becomes(&long, &format!("model {{\n  a = {}\n  b = {}\n}}\n", "x".repeat(50), "y".repeat(50)));
}

#[test]
fn at_most_one_blank_line_and_none_at_the_ends() {
    becomes(
        "\n\ndim N\n\n\n\ndim K\nmodel {\n\n  a = 1\n\n\n  b = 1\n\n}\n\n",
        "dim N\n\ndim K\nmodel {\n  a = 1\n\n  b = 1\n}\n",
    );
    becomes("", "");
    becomes("\n\n", "");
}

#[test]
fn definitions_entries_and_comments_are_aligned() {
    becomes(
        "model {\na = 1\nlonger = 2 # x\n\nb = 1 # y\n}",
        "model {\n  a      = 1\n  longer = 2  # x\n\n  b = 1  # y\n}\n",
    );
    becomes("fit {\nbatch: N = 1\nobjective:    elbo\n}", "fit {\n  batch:     N = 1\n  objective: elbo\n}\n");
    becomes("dim N # a\ndim Long # b\n", "dim N     # a\ndim Long  # b\n");
    stays("dim N          # a\ndim Long       # b\n");
}

#[test]
fn other_columns_stay_where_they_were_columns() {
    stays("dim D  = 784\ndim H1 = 500\n");
    stays("dim D = 784\ndim H1 = 500\n");
    becomes("dim D   =  784\ndim H1 = 500\n", "dim D = 784\ndim H1 = 500\n");
    stays("model {\n  mu:    real[D]     ~ Normal(0, 2)\n  sigma: positive[D] ~ HalfNormal(1)\n}\n");
    stays("net up(x: binary[D])   -> real[H] { dense(x, H) }\nnet down(h: binary[H]) -> real[D] { dense(h, D) }\n");
    stays("model {\n  for k in K    { a ~ Flat() }\n  for d in Docs { b ~ Flat() }\n}\n");
    // A column that would make a line too long is given up.
    let wide = format!("const a{} = {}\nconst {} = 1\n", " ".repeat(49), "c".repeat(50), "b".repeat(50));
    assert!(print(&good(&wide)).starts_with("const a = c"));
}

#[test]
fn comments_keep_their_place() {
    stays("# head\n\n# of N\ndim N\n# tail\n");
    becomes("model { # m\n# s\na = 1 # t\n# e\n} # z", "model {  # m\n  # s\n  a = 1  # t\n  # e\n}  # z\n");
    stays("const a = [1,  # one\n  # before two\n  2]\n");
    becomes("model { # c\n}", "model {  # c\n}\n");
    becomes("model {\na = 1; # c\nb = 2\n}", "model {\n  a = 1  # c\n  b = 2\n}\n");
    becomes("const a = f(1, # c\n)\n", "const a = f(1  # c\n  )\n");
    becomes("const a = 1 +  # c\n2\n", "const a = 1 +  # c\n  2\n");
}

#[test]
fn breaks_stay_where_fmt_would_break() {
    stays("const a = b\n  + c\n");
    stays("const a =\n  b + c\n");
    becomes("const a = b +\nc\n", "const a = b\n  + c\n");
    becomes("const a = f(\n  b,\n      c\n)\n", "const a = f(b,\n  c)\n");
    becomes("const a = f(g(b,\nc))\n", "const a = f(g(b,\n    c))\n");
    becomes("const a = if b\nthen c\nelse\nd\n", "const a = if b\n  then c\n  else d\n");
}

#[test]
fn lines_over_100_columns_are_broken_at_the_loosest_place() {
    let word = "w".repeat(30);
    becomes(
        &format!("const a = {word} * {word} + {word} * {word}\n"),
        &format!("const a = {word} * {word}\n  + {word} * {word}\n"),
    );
    becomes(
        &format!("const a = f({word} + 1, {word} + 2, {word} + 3)\n"),
        &format!("const a = f({word} + 1, {word} + 2,\n  {word} + 3)\n"),
    );
    becomes(
        &format!("net f({word}: real) -> (loc: real[K], scale: positive[K], {word}: real) {{ loc = 1 }}\n"),
        &format!("net f({word}: real) ->\n  (loc: real[K], scale: positive[K], {word}: real) {{\n  loc = 1\n}}\n"),
    );
    becomes(
        &format!("data {word}[N]: real = {word}{word}{word}\n"),
        &format!("data {word}[N]: real =\n  {word}{word}{word}\n"),
    );
    let one = format!("const a = {}\n", "w".repeat(120));
    assert_eq!(print(&good(&one)).lines().count(), 2);
}

#[test]
fn a_text_with_open_brackets_is_left_as_it_is() {
    let text = "model {  x = f(1\n}";
    assert_eq!(print(&parsed(text).0), text);
}
