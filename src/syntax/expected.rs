//! pest's expectations in words: the one table between grammar rules and what a user reads.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::brackets;
use super::grammar::Rule;
use super::problems::Fact;
use super::split::{Piece, Split};
use super::token::{Kind, RESERVED};
use crate::source::Span;

/// How a rule is called; a minor one is named only where there is no other.
struct Row {
    rule: Rule,
    words: &'static str,
    minor: bool,
}

const fn row(rule: Rule, words: &'static str) -> Row {
    Row { rule, words, minor: false }
}

const fn minor(rule: Rule, words: &'static str) -> Row {
    Row { rule, words, minor: true }
}

const ROWS: &[Row] = &[
    row(Rule::EOI, "the end of the line"),
    row(Rule::name, "a name"),
    row(Rule::label, "a name"),
    row(Rule::dim_name, "the name of a dim"),
    row(Rule::expression, "an expression"),
    row(Rule::postfix, "an expression"),
    row(Rule::argument, "an expression"),
    row(Rule::slice, "an expression"),
    row(Rule::number, "an expression"),
    row(Rule::text, "an expression"),
    row(Rule::array, "an expression"),
    row(Rule::parenthesis, "an expression"),
    row(Rule::call, "an expression"),
    row(Rule::choice, "an expression"),
    row(Rule::estimator_argument, "an expression"),
    row(Rule::fit_value, "a value"),
    row(Rule::type_, "a type"),
    row(Rule::support, "a type"),
    row(Rule::distribution, "a distribution"),
    row(Rule::estimator, "an estimator"),
    row(Rule::automatic, "the name of a guide"),
    row(Rule::site, "a name"),
    row(Rule::group, "a name"),
    row(Rule::typed_name, "a name"),
    row(Rule::typed_arguments, "arguments in `( )`"),
    row(Rule::plain_arguments, "arguments in `( )`"),
    row(Rule::named_outputs, "named outputs in `( )`"),
    row(Rule::record_entry, "a name"),
    row(Rule::binder, "a name"),
    row(Rule::label_equals, "a name"),
    row(Rule::equals, "`=`"),
    row(Rule::tilde, "`~`"),
    row(Rule::colon, "`:`"),
    row(Rule::comma, "`,`"),
    row(Rule::arrow, "`->`"),
    minor(Rule::left_paren, "`(`"),
    row(Rule::right_paren, "`)`"),
    row(Rule::left_brace, "`{`"),
    row(Rule::right_brace, "`}`"),
    row(Rule::right_bracket, "`]`"),
    row(Rule::kw_dim, "`dim`"),
    row(Rule::kw_const, "`const`"),
    row(Rule::kw_data, "`data`"),
    row(Rule::kw_param, "`param`"),
    row(Rule::kw_fun, "`fun`"),
    row(Rule::kw_energy, "`energy`"),
    row(Rule::kw_model, "`model`"),
    row(Rule::kw_guide, "`guide`"),
    row(Rule::kw_fit, "`fit`"),
    minor(Rule::kw_for, "`for`"),
    row(Rule::kw_in, "`in`"),
    row(Rule::kw_factor, "`factor`"),
    row(Rule::kw_then, "`then`"),
    row(Rule::kw_else, "`else`"),
    row(Rule::kw_chain, "`chain`"),
    row(Rule::kw_phase, "`phase`"),
    row(Rule::infix, "an operator"),
    minor(Rule::kw_net, "`net`"),
    minor(Rule::net_baseline, "`net`"),
    minor(Rule::record, "`{`"),
    minor(Rule::each, "`for`"),
    minor(Rule::kw_by, "`by`"),
    minor(Rule::left_bracket, "`[`"),
    minor(Rule::rows, "`[`"),
    minor(Rule::site_index, "`[`"),
    minor(Rule::shape, "`[`"),
    minor(Rule::index, "`[`"),
    minor(Rule::support_arguments, "`(`"),
    minor(Rule::arguments, "`(`"),
    minor(Rule::estimator_arguments, "`(`"),
    minor(Rule::dot, "`.`"),
    minor(Rule::field, "`.`"),
    minor(Rule::dots, "`..`"),
    minor(Rule::missing, "`?`"),
    minor(Rule::prefix, "an expression"),
    minor(Rule::minus, "an expression"),
    minor(Rule::kw_not, "an expression"),
    minor(Rule::kw_if, "an expression"),
    minor(Rule::kw_and, "an operator"),
    minor(Rule::kw_or, "an operator"),
];

/// How each piece is written.
const FORMS: &[(Rule, &str)] = &[
    (Rule::dim_item, "dim NAME = SIZE"),
    (Rule::const_item, "const NAME = EXPR"),
    (Rule::data_item, "data NAME[ROWS]: TYPE = EXPR"),
    (Rule::param_item, "param NAME[ROWS]: TYPE = START"),
    (Rule::net_head, "net NAME(ARG: TYPE) -> TYPE { ... }"),
    (Rule::fun_item, "fun NAME(ARG) = EXPR"),
    (Rule::energy_item, "energy NAME(ARG: TYPE) = EXPR"),
    (Rule::model_head, "model { ... }"),
    (Rule::guide_head, "guide NAME { ... }"),
    (Rule::fit_head, "fit { ... }"),
    (Rule::plate_head, "for NAME in DIM { ... }"),
    (Rule::factor_statement, "factor EXPR"),
    (Rule::definition, "NAME = EXPR"),
    (Rule::draw, "NAME: TYPE ~ DISTRIBUTION(...)"),
    (Rule::result, "EXPR"),
    (Rule::phase_head, "phase guide { ... }"),
    (Rule::fit_entry, "NAME: VALUE"),
];

/// Reserved words that nobody means as a name: where one is found, something before it is missing.
const CONNECTIVES: [&str; 8] = ["for", "in", "if", "then", "else", "and", "or", "not"];

/// Words that a name follows, whatever it is.
const DECLARES: [&str; 7] = ["dim", "const", "data", "param", "net", "fun", "energy"];

/// What a name means after some words.
const AFTER: [(&str, &str); 4] =
    [("~", "a distribution"), ("by", "an estimator"), ("guide", "the name of a guide"), ("->", "a type")];

/// What pest wanted, and what it found.
pub fn explain(rule: Rule, error: &Error<Rule>, text: &str, split: &Split, piece: &Piece) -> Fact {
    let start = split.span(&piece.head).start;
    let at = start
        + match error.location {
            InputLocation::Pos(at) => at,
            InputLocation::Span((at, _)) => at,
        };
    let code: Vec<usize> = piece.head.clone().filter(|i| split.tokens[*i].is_code()).collect();
    let next = code.iter().copied().find(|i| split.tokens[*i].span.end > at);
    let before = code.iter().rfind(|i| split.tokens[**i].span.end <= at);
    let before = before.map_or("", |i| brackets::slice(text, &split.tokens, *i));
    let mut wanted = wanted(error);
    if let Some((_, words)) = AFTER.iter().find(|(word, _)| *word == before) {
        wanted.iter_mut().filter(|wanted| **wanted == "a name").for_each(|wanted| *wanted = words);
    }
    let form = form(rule, before, &wanted);
    let Some(next) = next else {
        let end = split.span(&piece.head).end;
        let (at, found) = match &piece.body {
            Some(body) => (split.tokens[body.open].span, "`{`"),
            None => (Span::new(end, end), "the end of the line"),
        };
        return Fact::Expected { at, found: found.into(), wanted, form };
    };
    let (span, word) = (split.tokens[next].span, brackets::slice(text, &split.tokens, next));
    let reserved = split.tokens[next].kind == Kind::Word && RESERVED.contains(&word);
    let meant = !CONNECTIVES.contains(&word) || DECLARES.contains(&before);
    if reserved && meant && (wanted.is_empty() || wanted.iter().any(|words| NAMES.contains(words))) {
        return Fact::Reserved { span, word: word.to_string() };
    }
    Fact::Expected { at: span, found: format!("`{word}`"), wanted, form }
}

/// Where one of these is wanted, a reserved word was meant as a name.
const NAMES: [&str; 6] = ["a name", "the name of a dim", "an expression", "a type", "a distribution", "a value"];

/// How the part that failed is written, or the whole.
fn form(rule: Rule, before: &str, wanted: &[&str]) -> &'static str {
    let comprehension = rule != Rule::plate_head && (before == "for" || wanted.contains(&"`in`"));
    if comprehension {
        "sum(x[k] for k in K)"
    } else if wanted.contains(&"`then`") || wanted.contains(&"`else`") {
        "if CONDITION then EXPR else EXPR"
    } else {
        FORMS.iter().find(|(of, _)| *of == rule).map_or("", |(_, form)| form)
    }
}

/// The words for what would have fitted, each once, in the order of the table.
fn wanted(error: &Error<Rule>) -> Vec<&'static str> {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else { return vec![] };
    let mut rows: Vec<&Row> = ROWS.iter().filter(|row| positives.contains(&row.rule)).collect();
    if rows.iter().any(|row| !row.minor) {
        rows.retain(|row| !row.minor);
    }
    let mut words: Vec<&'static str> = vec![];
    for row in rows {
        if !words.contains(&row.words) {
            words.push(row.words);
        }
    }
    words
}
