//! Common slips: what people who know other languages write, recognized by the first tokens of a piece that did not
//! parse. One row a slip; the first that matches is reported in place of what the grammar expected.

use super::Name;
use super::brackets;
use super::problems::{Fact, Place, Slip};
use super::split::{Piece, Split};
use super::token::{Kind, RESERVED};
use crate::source::{Span, Spanned};

/// The head of a piece as its code tokens.
pub struct Look<'a> {
    pub place: Place,
    pub tokens: Vec<Seen<'a>>,
    /// Whether a block follows.
    pub block: bool,
}

#[derive(Clone, Copy)]
pub struct Seen<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub span: Span,
    /// How many brackets are open around it.
    pub depth: usize,
}

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
    no_distribution,
    arrow_assignment,
    outside_model,
    constant_outside,
    declarer,
    name_first,
    colon_for_value,
    sampled_declaration,
    two_words_as_type,
    named_argument,
    plate_over_range,
    c_like_if,
    if_without_else,
    ternary,
    returned,
    tuple,
    typed_definition,
    indexed_definition,
    entry_equals,
    named_model,
    typed_fun,
    untyped_net,
    compares,
    missing_tilde,
    not_a_distribution,
];

pub fn find(look: &Look) -> Option<Slip> {
    SLIPS.iter().find_map(|slip| slip(look))
}

impl<'a> Look<'a> {
    pub fn new(text: &'a str, split: &Split, piece: &Piece, place: Place) -> Look<'a> {
        let mut depth = 0usize;
        let mut seen = vec![];
        for at in piece.head.clone().filter(|at| split.tokens[*at].is_code()) {
            let word = brackets::slice(text, &split.tokens, at);
            if matches!(word, ")" | "]" | "}") {
                depth = depth.saturating_sub(1);
            }
            seen.push(Seen { kind: split.tokens[at].kind, text: word, span: split.tokens[at].span, depth });
            if matches!(word, "(" | "[" | "{") {
                depth += 1;
            }
        }
        Look { place, tokens: seen, block: piece.body.is_some() }
    }

    /// Whether this symbol stands outside of all brackets.
    pub fn has(&self, symbol: &str) -> bool {
        self.find(symbol).is_some()
    }

    fn find(&self, symbol: &str) -> Option<usize> {
        self.tokens.iter().position(|t| t.depth == 0 && t.kind != Kind::Text && t.text == symbol)
    }

    fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |t| t.text)
    }

    fn is_name(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|t| t.kind == Kind::Word && !RESERVED.contains(&t.text))
    }

    fn span(&self, from: usize, to: usize) -> Span {
        let start = self.tokens.get(from).map_or(Span::default(), |t| t.span);
        self.tokens[from.min(to)..to.min(self.tokens.len())].last().map_or(start, |t| start.to(t.span))
    }

    /// The text of `from..to`, as it would be said in a sentence.
    fn said(&self, from: usize, to: usize) -> String {
        let mut said = String::new();
        for token in &self.tokens[from.min(to)..to.min(self.tokens.len())] {
            if matches!(token.text, "=" | "~") {
                said.push(' ');
            }
            said.push_str(token.text);
            if matches!(token.text, "," | ":" | "=" | "~") {
                said.push(' ');
            }
        }
        said.trim().to_string()
    }

    /// A piece that begins like nothing that may stand there; a word that is nearly right is offered.
    pub fn unknown(&self) -> Fact {
        let (span, word) = self.tokens.first().map_or((Span::default(), "{"), |t| (t.span, t.text));
        let known: &[&'static str] = match self.place {
            Place::Top => &["dim", "const", "data", "param", "net", "fun", "energy", "model", "guide", "fit"],
            Place::Block => &["for", "factor", "param"],
            _ => &[],
        };
        let near = known
            .iter()
            .filter(|known| word.len() > 2 && strsim::damerau_levenshtein(known, word) <= 1 + word.len() / 5)
            .min_by_key(|known| strsim::damerau_levenshtein(known, word))
            .copied();
        Fact::Unknown { span, word: word.to_string(), place: self.place, near }
    }
}

fn slip(code: &'static str, message: impl Into<String>, span: Span, label: &str, help: impl Into<String>) -> Slip {
    Slip { code, message: message.into(), span, label: label.into(), help: help.into() }
}

/// `y ~`
fn no_distribution(look: &Look) -> Option<Slip> {
    let tilde = look.find("~")?;
    let nothing = tilde + 1 == look.tokens.len() || look.text(tilde + 1) == "by";
    if !nothing || look.place == Place::Top {
        return None;
    }
    let name = look.said(0, tilde);
    let span = look.span(tilde, tilde + 1);
    let help = format!("write a distribution after it: `{name} ~ Normal(0, 1)`");
    Some(slip("ppl::syntax::distribution", format!("`{name}` has no distribution"), span, "nothing follows", help))
}

/// `x <- 3`
fn arrow_assignment(look: &Look) -> Option<Slip> {
    let at = look.find("<").filter(|at| look.text(at + 1) == "-")?;
    let touching = look.tokens[at].span.end == look.tokens[at + 1].span.start;
    if !look.is_name(0) || !touching || look.has("~") || look.has("=") {
        return None;
    }
    let name = look.said(0, at);
    let help = format!("write `{name} = ...` for a definition, `{name} ~ ...` for a site");
    Some(slip("ppl::syntax::operator", "`<-` is not an operator", look.span(at, at + 2), "means nothing here", help))
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

/// `Normal(loc = 0)`
fn named_argument(look: &Look) -> Option<Slip> {
    let at = (1..look.tokens.len()).find(|at| look.text(*at) == "=" && look.tokens[*at].depth > 0)?;
    let begins = at >= 2 && matches!(look.text(at - 2), "(" | ",");
    if !begins || !look.is_name(at - 1) {
        return None;
    }
    let name = look.text(at - 1);
    let help = format!("write `{name}: ...`");
    Some(slip(
        "ppl::syntax::argument",
        "a named argument is written with `:`",
        look.span(at - 1, at + 1),
        "`=` cannot stand in brackets",
        help,
    ))
}

/// `for n in 0..N`, `for (n in N)`, `for n in range(N)`
fn plate_over_range(look: &Look) -> Option<Slip> {
    if look.text(0) != "for" {
        return None;
    }
    let odd = look.text(1) == "(" || look.tokens.iter().any(|t| matches!(t.text, ".." | "(" | ":" | "="));
    if !odd {
        return None;
    }
    let span = look.span(1, look.tokens.len());
    Some(slip(
        "ppl::syntax::plate",
        "a plate runs over all of a dim",
        span,
        "not a variable and a dim",
        "write `for n in N { ... }`, with `dim N` above; ranges stand only in brackets, `sum(x[k] for k in 0..3)`",
    ))
}

/// `if a { ... }`
fn c_like_if(look: &Look) -> Option<Slip> {
    if !matches!(look.text(0), "if" | "else") || !look.block {
        return None;
    }
    Some(slip(
        "ppl::syntax::if",
        "an `if` chooses between values, not between statements",
        look.span(0, 1),
        "begins no statement",
        "write `h = if c then a else b`, or `x ~ Normal(if c then a else b, 1)`",
    ))
}

/// `if a then b`
fn if_without_else(look: &Look) -> Option<Slip> {
    let count = |word: &str| look.tokens.iter().filter(|t| t.text == word).count();
    let last = look.tokens.iter().rposition(|t| t.text == "if")?;
    if count("else") >= count("if") {
        return None;
    }
    let what = if count("then") < count("if") { "`then` and `else`" } else { "an `else`" };
    let message = format!("an `if` needs {what}");
    Some(slip(
        "ppl::syntax::if",
        message,
        look.span(last, last + 1),
        "has no value otherwise",
        "write `if c then a else b`",
    ))
}

/// `c ? a : b`
fn ternary(look: &Look) -> Option<Slip> {
    let at = look.tokens.iter().position(|t| t.text == "?")?;
    let depth = look.tokens[at].depth;
    let colon = look.tokens[at + 1..].iter().any(|t| t.text == ":" && t.depth == depth);
    if !colon || at + 1 == look.tokens.len() || matches!(look.text(at + 1), "=" | "~" | ",") {
        return None;
    }
    Some(slip(
        "ppl::syntax::if",
        "`?` chooses nothing",
        look.span(at, at + 1),
        "not an operator",
        "write `if c then a else b`",
    ))
}

/// `return x`
fn returned(look: &Look) -> Option<Slip> {
    if look.text(0) != "return" || look.tokens.len() < 2 || matches!(look.text(1), "=" | "~" | "(" | "[") {
        return None;
    }
    Some(slip(
        "ppl::syntax::statement",
        "`return` means nothing here",
        look.span(0, 1),
        "not needed",
        "the last line of a net is its result",
    ))
}

/// `loc, scale = f(x)`
fn tuple(look: &Look) -> Option<Slip> {
    let equals = look.find("=").filter(|_| matches!(look.place, Place::Block | Place::Net))?;
    let names = look.tokens[..equals].iter().any(|t| t.text == ",") && !look.has(":") && !look.has("~");
    if !names || look.tokens[..equals].iter().any(|t| t.text == "[") {
        return None;
    }
    Some(slip(
        "ppl::syntax::definition",
        "a definition has one name",
        look.span(0, equals),
        "several names",
        "name the whole, `e = encoder(x)`, and write `e.loc`, `e.scale`",
    ))
}

/// `h: real = 3`
fn typed_definition(look: &Look) -> Option<Slip> {
    let (colon, equals) = (look.find(":")?, look.find("=")?);
    if !matches!(look.place, Place::Block | Place::Net) || !look.is_name(0) || colon > equals || look.has("~") {
        return None;
    }
    let name = look.said(0, colon);
    let help = format!(
        "write `{name} = ...`; for a site, `{} ~ ...`; for a parameter, `param {}`",
        look.said(0, equals),
        look.said(0, equals)
    );
    Some(slip(
        "ppl::syntax::definition",
        "a definition has no type",
        look.span(colon, equals),
        "it follows from the value",
        help,
    ))
}

/// `y[n] = 3`
fn indexed_definition(look: &Look) -> Option<Slip> {
    let equals = look.find("=").filter(|_| matches!(look.place, Place::Block | Place::Net))?;
    if !look.is_name(0) || look.text(1) != "[" || look.text(equals - 1) != "]" || look.has("~") {
        return None;
    }
    let (whole, name) = (look.said(0, equals), look.text(0));
    let help = format!("write `{name} = ...`: in its plate a name is one row; for data, `{whole} ~ ...`");
    Some(slip("ppl::syntax::definition", "a definition has no index", look.span(1, equals), "not needed", help))
}

/// `steps = 2000`
fn entry_equals(look: &Look) -> Option<Slip> {
    let entry = matches!(look.place, Place::Fit | Place::Phase) && look.find("=") == Some(1);
    let name = look.text(0);
    entry.then(|| {
        let help = format!("write `{name}: ...`");
        slip("ppl::syntax::entry", "a fit entry is written with `:`", look.span(0, 2), "`=` should be `:`", help)
    })
}

/// `model foo {`
fn named_model(look: &Look) -> Option<Slip> {
    let word = look.text(0);
    if !matches!(word, "model" | "fit") || look.tokens.len() < 2 {
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

/// `h == 3`
fn compares(look: &Look) -> Option<Slip> {
    let at = look.find("==")?;
    let plain = !look.has("~") && !look.has("=") && matches!(look.place, Place::Block | Place::Fit | Place::Phase);
    if !plain || !look.is_name(0) {
        return None;
    }
    let help = format!("write `{} = ...`", look.said(0, at));
    Some(slip(
        "ppl::syntax::operator",
        "`==` compares and defines nothing",
        look.span(at, at + 1),
        "a comparison",
        help,
    ))
}

/// `y[n] Normal(0, 1)`
fn missing_tilde(look: &Look) -> Option<Slip> {
    if look.place != Place::Block || !look.is_name(0) || look.has("~") || look.has("=") {
        return None;
    }
    let at = (1..look.tokens.len()).find(|at| look.is_name(*at) && look.tokens[*at].depth == 0)?;
    let before = look.text(at - 1);
    if look.text(at + 1) != "(" || !(before == "]" || look.is_name(at - 1)) {
        return None;
    }
    let help = format!("write `{} ~ {}(...)` for a site, `=` for a definition", look.said(0, at), look.text(at));
    Some(slip("ppl::syntax::statement", "`~` or `=` is missing", look.span(at, at + 1), "no mark before this", help))
}

/// `y ~ 3 + x`
fn not_a_distribution(look: &Look) -> Option<Slip> {
    let tilde = look.find("~").filter(|_| look.place == Place::Block)?;
    let rest = &look.tokens[tilde + 1..];
    let expression = !look.is_name(tilde + 1) && !RESERVED.contains(&look.text(tilde + 1));
    let operator = rest.iter().find(|t| t.depth == 0 && super::split::is_infix(t.text));
    if !expression && operator.is_none() {
        return None;
    }
    let name = look.said(0, tilde);
    let help = format!("write `{name} ~ Normal(..., 1)` to draw it around a value, `{name} = ...` to define it");
    Some(slip(
        "ppl::syntax::distribution",
        "right of `~` stands one distribution",
        look.span(tilde + 1, look.tokens.len()),
        "this is a value",
        help,
    ))
}

/// A head that needs a block and has none.
pub fn missing_block(look: &Look) -> Slip {
    let word = look.text(0);
    let head = look.said_head();
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

impl Look<'_> {
    fn said_head(&self) -> String {
        self.tokens.iter().map(|t| t.text).collect::<Vec<_>>().join(" ")
    }
}

/// The names that a piece would have bound: those left of its `~`, `=` or `:`, and those of its block.
pub fn binds(text: &str, split: &Split, piece: &Piece) -> Vec<Name> {
    let look = Look::new(text, split, piece, Place::Block);
    let mut names = head_names(&look);
    if let Some(body) = &piece.body {
        body.pieces.iter().for_each(|piece| names.extend(binds(text, split, piece)));
    }
    names
}

fn head_names(look: &Look) -> Vec<Name> {
    if matches!(look.text(0), "model" | "guide" | "fit" | "for" | "factor" | "phase") {
        return vec![];
    }
    let mark = ["~", "=", ":"].iter().filter_map(|mark| look.find(mark)).min();
    let left = &look.tokens[..mark.unwrap_or(look.tokens.len())];
    let is_name = |t: &&Seen| t.kind == Kind::Word && !RESERVED.contains(&t.text);
    let name = |t: &Seen| Spanned::new(t.text.to_string(), t.span);
    if look.text(0) == "(" {
        let firsts = left.windows(2).filter(|pair| pair[1].depth == 1 && matches!(pair[0].text, "(" | ","));
        return firsts.map(|pair| pair[1]).filter(|t| is_name(&t)).map(|t| name(&t)).collect();
    }
    let outer = left.iter().filter(|t| t.depth == 0).filter(is_name);
    match mark {
        Some(_) => outer.map(name).collect(),
        None => outer.take(1).map(name).collect(),
    }
}
