//! Common slips: what people who know other languages write, recognized by the first tokens of a piece that did not
//! parse. One row a slip; the first that matches is reported in place of what the grammar expected.

use super::look::Look;
use super::problems::{Place, Slip};
use super::slips_statement as statement;
use super::token::RESERVED;
use crate::source::Span;

/// Words that declare something elsewhere.
const DECLARERS: [&str; 12] =
    ["var", "let", "val", "def", "local", "int", "float", "double", "vector", "matrix", "latent", "sample"];
/// Words that look like a support.
const SUPPORTS: [&str; 13] = [
    "real",
    "positive",
    "unit",
    "count",
    "binary",
    "category",
    "simplex",
    "onehot",
    "ordered",
    "positive_ordered",
    "cholesky",
    "cholesky_corr",
    "cov",
];

type Rule = for<'l, 'a> fn(&'l Look<'a>) -> Option<Slip>;

const SLIPS: &[Rule] = &[
    statement::tilde_on_the_next_line,
    statement::no_distribution,
    statement::arrow_assignment,
    outside_model,
    constant_outside,
    declarer,
    name_first,
    colon_for_value,
    sampled_declaration,
    two_words_as_type,
    question_before_shape,
    statement::named_argument,
    statement::plate_over_range,
    statement::c_like_if,
    statement::if_without_else,
    statement::ternary,
    statement::returned,
    statement::tuple,
    statement::typed_definition,
    statement::indexed_definition,
    statement::entry_equals,
    named_model,
    typed_fun,
    untyped_net,
    statement::compares,
    statement::truncated,
    statement::missing_tilde,
    statement::not_a_distribution,
];

pub fn find(look: &Look) -> Option<Slip> {
    SLIPS.iter().find_map(|slip| slip(look))
}

/// One slip, in words.
pub fn slip(code: &'static str, message: impl Into<String>, span: Span, label: &str, help: impl Into<String>) -> Slip {
    Slip { code, message: message.into(), span, label: label.into(), help: help.into() }
}

/// `y ~ Normal(0, 1)` outside of `model`
fn outside_model(look: &Look) -> Option<Slip> {
    let item = RESERVED.contains(&look.text(0)) && look.text(0) != "for" && look.text(0) != "factor";
    let statement = look.has("~") || matches!(look.text(0), "for" | "factor");
    if look.place != Place::Top || item || !statement {
        return None;
    }
    let span = look.span(0, 1);
    Some(slip(
        "ppl::syntax::outside",
        "a statement outside of `model` and `guide`",
        span,
        "stands at the top of the file",
        "put it inside `model { ... }` or `guide { ... }`; is a `}` too many above?",
    ))
}

/// `a = 3` at the top
fn constant_outside(look: &Look) -> Option<Slip> {
    let equals = look.find("=")?;
    if look.place != Place::Top || !look.is_name(0) || equals != 1 {
        return None;
    }
    let name = look.text(0);
    let help = format!("write `const {name} = ...` for a number, `dim {name} = ...` for a size");
    Some(slip(
        "ppl::syntax::outside",
        format!("`{name}` is declared without a word for what it is"),
        look.span(0, 2),
        "a definition at the top of the file",
        help,
    ))
}

/// `let x = 3`, `var x ~ Normal(0, 1)`, `real mu`
fn declarer(look: &Look) -> Option<Slip> {
    let word = look.text(0);
    if !(DECLARERS.contains(&word) || SUPPORTS.contains(&word)) || !look.is_name(1) {
        return None;
    }
    let name = look.text(1);
    let help = match (look.place, SUPPORTS.contains(&word)) {
        (Place::Top, true) => format!("write `data {name}: {word}` for data, `param {name}: {word}` for a parameter"),
        (Place::Top, false) => format!("write `const {name} = ...`, `data {name}: real` or `param {name}: real`"),
        (_, true) => format!("write `{name}: {word} ~ ...`: the name comes first"),
        (_, false) => format!("write `{name} = ...` for a definition, `{name} ~ ...` for a site"),
    };
    Some(slip("ppl::syntax::declaration", format!("`{word}` declares nothing"), look.span(0, 1), "not needed", help))
}

/// `data real y`, `param N mu`
fn name_first(look: &Look) -> Option<Slip> {
    let word = look.text(0);
    if !matches!(word, "data" | "param" | "dim" | "const") || !look.is_name(1) {
        return None;
    }
    // A type with its arguments and shape, `real(0, 1)[D]`, ends where the brackets end.
    let second = (2..look.tokens.len())
        .find(|at| look.tokens[*at].depth == 0 && !matches!(look.text(*at), "(" | ")" | "[" | "]"))?;
    if !look.is_name(second) {
        return None;
    }
    let (named, name) = (look.said(1, second), look.text(second));
    let whole = look.span(1, second + 1);
    let declares = matches!(word, "data" | "param");
    if declares && SUPPORTS.contains(&name) {
        let help = format!("write `{word} {named}: {name}`");
        return Some(slip(
            "ppl::syntax::declaration",
            "a `:` stands between name and type",
            whole,
            "no `:` here",
            help,
        ));
    }
    let help =
        if declares { format!("write `{word} {name}: {named}`") } else { format!("write `{word} {name} = ...`") };
    Some(slip("ppl::syntax::declaration", "the name comes first", whole, "two words where one name should stand", help))
}

/// `dim N: 3`
fn colon_for_value(look: &Look) -> Option<Slip> {
    let word = look.text(0);
    if !matches!(word, "dim" | "const") || look.find(":") != Some(2) {
        return None;
    }
    let name = look.text(1);
    let help = format!("write `{word} {name} = ...`");
    Some(slip(
        "ppl::syntax::declaration",
        format!("a `{word}` has a value, not a type"),
        look.span(2, 3),
        "`=` should stand here",
        help,
    ))
}

/// `param s: positive ~ HalfNormal(1)`
fn sampled_declaration(look: &Look) -> Option<Slip> {
    let tilde = look.find("~")?;
    let name = look.text(1);
    let (what, help) = match look.text(0) {
        "data" => (
            "data are observed in the model",
            format!("keep `data {name}: TYPE` here, and write `{name} ~ ...` in `model`"),
        ),
        "param" => (
            "a `param` is a point and has no distribution",
            format!("for a latent, write `{name} ~ ...` in `model`; `=` says where a `param` starts"),
        ),
        "const" | "dim" => ("this has a value, not a distribution", format!("write `{} {name} = ...`", look.text(0))),
        _ => return None,
    };
    Some(slip("ppl::syntax::declaration", what, look.span(tilde, tilde + 1), "`~` cannot stand here", help))
}

/// `data x: N real`
fn two_words_as_type(look: &Look) -> Option<Slip> {
    let colon = look.find(":").filter(|_| look.place == Place::Top || look.text(0) == "param" || look.has("~"))?;
    let (first, second) = (colon + 1, colon + 2);
    if !look.is_name(first) || !look.is_name(second) || look.text(second) == "by" {
        return None;
    }
    let (rows, support) = (look.text(first), look.text(second));
    let help = format!(
        "rows go before the colon, `[{rows}]: {support}`; the shape of one value after it, `: {support}[{rows}]`"
    );
    Some(slip(
        "ppl::syntax::type",
        "a type is one word with its shape in `[ ]`",
        look.span(first, second + 1),
        "two words",
        help,
    ))
}

/// `data x[N]: real?[D]`
fn question_before_shape(look: &Look) -> Option<Slip> {
    let question = look.find("?").filter(|at| look.text(0) == "data" && look.text(at + 1) == "[")?;
    let colon = look.find(":").filter(|colon| *colon < question)?;
    let end = look.find("=").unwrap_or(look.tokens.len());
    let help = format!("write `: {}{}?`", look.said(colon + 1, question), look.said(question + 1, end));
    Some(slip(
        "ppl::syntax::type",
        "`?` is the last of a type",
        look.span(question, end),
        "its shape comes before the `?`",
        help,
    ))
}

/// `model foo {`
fn named_model(look: &Look) -> Option<Slip> {
    let word = look.text(0);
    if look.place != Place::Top || !matches!(word, "model" | "fit") || look.tokens.len() < 2 {
        return None;
    }
    let help = format!("write `{word} {{`; a model is called after its file");
    Some(slip(
        "ppl::syntax::block",
        format!("`{word}` has no name and no arguments"),
        look.span(1, look.tokens.len()),
        "not needed",
        help,
    ))
}

/// `fun f(a: real) = a`
fn typed_fun(look: &Look) -> Option<Slip> {
    let colon = look.tokens.iter().position(|t| t.text == ":" && t.depth == 1)?;
    if look.text(0) != "fun" || look.find("=").is_some_and(|equals| equals < colon) {
        return None;
    }
    Some(slip(
        "ppl::syntax::type",
        "the arguments of a `fun` have no types",
        look.span(colon, colon + 2),
        "not needed",
        "leave the types out: a `fun` is checked at each call",
    ))
}

/// `net f(x) -> real`
fn untyped_net(look: &Look) -> Option<Slip> {
    let name = look.text(3);
    if !matches!(look.text(0), "net" | "energy")
        || look.text(2) != "("
        || !look.is_name(3)
        || !matches!(look.text(4), ")" | ",")
    {
        return None;
    }
    let message = format!("an argument of `{}` has a type", look.text(0));
    Some(slip("ppl::syntax::type", message, look.span(3, 4), "has none", format!("write `{name}: real[D]`")))
}

/// A head that needs a block and has none.
pub fn missing_block(look: &Look) -> Slip {
    let word = look.text(0);
    let head = match look.tokens.iter().position(|t| t.text == ":") {
        Some(colon) if word == "for" => look.said_head(colon),
        _ => look.said_head(look.tokens.len()),
    };
    // `for (n in 1:N)` and the like are no heads of ours.
    let odd = word == "for" && !(look.is_name(1) && look.text(2) == "in" && look.is_name(3));
    let head = if odd { "for n in N".into() } else { head };
    let help = format!("write `{head} {{ ... }}`, with the `{{` on the same line");
    slip(
        "ppl::syntax::block",
        format!("this `{word}` has no block"),
        look.span(0, look.tokens.len()),
        "no `{` follows",
        help,
    )
}

/// A block after something that takes none.
pub fn stray_block(open: Span) -> Slip {
    let help = "blocks follow `model`, `guide`, `fit`, `net f(...) -> ...`, `for n in N` and `phase guide`";
    slip("ppl::syntax::block", "a block cannot stand here", open, "opened here", help)
}
