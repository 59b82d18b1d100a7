//! What can be wrong with a text, as facts; turned to prose here and nowhere else.

use super::characters;
use crate::problem::{Bug, Edit, Fix, Problem};
use crate::source::Span;

/// One fact about a text that is not a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// Bytes that are not UTF-8, at this offset and line.
    Encoding {
        name: String,
        offset: usize,
        line: usize,
    },
    /// A character outside the language.
    Character {
        span: Span,
        wrote: char,
    },
    /// A word with letters outside ASCII.
    Letters {
        span: Span,
        word: String,
    },
    /// An operator or mark of another language.
    Operator {
        span: Span,
        wrote: &'static str,
        instead: &'static str,
    },
    Number {
        span: Span,
        help: String,
    },
    OpenText {
        span: Span,
    },
    /// A bracket that is never closed; `stop` is what shows that it should have been.
    Unclosed {
        open: Span,
        bracket: char,
        stop: Option<Span>,
    },
    /// `f(a]`; `bracket` is the one that was opened.
    Mismatched {
        open: Span,
        close: Span,
        bracket: char,
    },
    /// A bracket that closes nothing.
    Unopened {
        close: Span,
        bracket: char,
    },
    Nesting {
        span: Span,
    },
    Operands {
        span: Span,
    },
    /// Two statements on a line without `;`.
    Separator {
        after: Span,
        next: Span,
    },
    /// The grammar wanted something else; `form` is how the whole is written.
    Expected {
        at: Span,
        found: String,
        wanted: Vec<&'static str>,
        form: &'static str,
    },
    Reserved {
        span: Span,
        word: String,
    },
    /// `a < b < c`
    Chained {
        first: Span,
        second: Span,
    },
    /// `lo..hi` where no range may stand.
    Range {
        span: Span,
    },
    /// A string outside a column expression.
    Text {
        span: Span,
    },
    /// A piece that begins like nothing that may stand there.
    Unknown {
        span: Span,
        word: String,
        place: Place,
        near: Option<&'static str>,
    },
    /// A common slip, from the table of `slips.rs`.
    Slip(Slip),
    /// The grammar and the builders disagree.
    Bug {
        span: Span,
        bug: Bug,
    },
}

/// Where a piece stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Top,
    Block,
    Net,
    Fit,
    Phase,
}

/// A mistake that we recognize as such: what it is, and what to type.
#[derive(Debug, Clone, PartialEq)]
pub struct Slip {
    pub code: &'static str,
    pub message: String,
    pub span: Span,
    pub label: String,
    pub help: String,
}

impl From<Fact> for Problem {
    fn from(fact: Fact) -> Problem {
        match fact {
            Fact::Encoding { name, offset, line } => encoding(&name, offset, line),
            Fact::Character { span, wrote } => character(span, wrote),
            Fact::Letters { span, word } => letters(span, &word),
            Fact::Operator { span, wrote, instead } => operator(span, wrote, instead),
            Fact::Number { span, help } => Problem::error("ppl::syntax::number", "this is not a number")
                .label(span, "read as one number")
                .help(help),
            Fact::OpenText { span } => Problem::error("ppl::syntax::text", "text that does not end")
                .label(span, "no closing `\"` on this line")
                .help("close the text with `\"` on the line where it begins"),
            Fact::Unclosed { open, bracket, stop } => unclosed(open, bracket, stop),
            Fact::Mismatched { open, close, bracket } => mismatched(open, close, bracket),
            Fact::Unopened { close, bracket } => unopened(close, bracket),
            Fact::Nesting { span } => nesting(span),
            Fact::Operands { span } => operands(span),
            Fact::Separator { after, next } => separator(after, next),
            Fact::Expected { at, found, wanted, form } => expected(at, &found, &wanted, form),
            Fact::Reserved { span, word } => reserved(span, &word),
            Fact::Chained { first, second } => chained(first, second),
            Fact::Range { span } => range(span),
            Fact::Text { span } => text_place(span),
            Fact::Unknown { span, word, place, near } => unknown(span, &word, place, near),
            Fact::Bug { span, bug } => Problem::error("ppl::syntax::bug", bug.to_string())
                .label(span, "while reading this")
                .help("please send us this file"),
            Fact::Slip(slip) => Problem::error(slip.code, slip.message).label(slip.span, slip.label).help(slip.help),
        }
    }
}

fn encoding(name: &str, offset: usize, line: usize) -> Problem {
    let message = format!("{name} is not UTF-8 text: line {line}, byte {offset}");
    Problem::error("ppl::syntax::encoding", message).help("save the file as UTF-8")
}

fn character(span: Span, wrote: char) -> Problem {
    let name = characters::name(wrote);
    let problem = Problem::error("ppl::syntax::character", format!("{name} is not part of the language"))
        .label(span, "found here");
    match characters::plain(wrote) {
        Some(" ") => problem
            .help("type a plain space")
            .fix(Fix { title: "put a space there".into(), edits: vec![Edit { span, text: " ".into() }] }),
        Some(plain) => problem.help(format!("type `{plain}`")),
        None => problem.help("remove it; outside strings and comments only ASCII is used"),
    }
}

fn letters(span: Span, word: &str) -> Problem {
    let problem = Problem::error("ppl::syntax::character", format!("`{word}` is not a name"))
        .label(span, "has letters outside ASCII");
    match characters::ascii(word) {
        Some(ascii) => problem.help(format!("names are ASCII: write `{ascii}`")),
        None => problem.help("names are ASCII: a letter or `_`, then letters, digits and `_`"),
    }
}

fn operator(span: Span, wrote: &str, instead: &str) -> Problem {
    Problem::error("ppl::syntax::operator", format!("`{wrote}` is not an operator here"))
        .label(span, "not part of the language")
        .help(format!("write {instead}"))
}

fn unclosed(open: Span, bracket: char, stop: Option<Span>) -> Problem {
    let close = closing(bracket);
    let problem = Problem::error("ppl::syntax::bracket", format!("this `{bracket}` is never closed"))
        .label(open, "opened here")
        .help(format!("add the missing `{close}`"));
    match stop {
        Some(span) => problem.label(span, format!("a `{close}` is missing before this")),
        None => problem,
    }
}

fn mismatched(open: Span, close: Span, bracket: char) -> Problem {
    let right = closing(bracket);
    Problem::error("ppl::syntax::bracket", format!("this `{bracket}` is closed by another kind of bracket"))
        .label(open, "opened here")
        .label(close, "closed here")
        .help(format!("write `{right}` there"))
}

fn unopened(close: Span, bracket: char) -> Problem {
    let open = match bracket {
        ')' => '(',
        ']' => '[',
        _ => '{',
    };
    Problem::error("ppl::syntax::bracket", format!("this `{bracket}` closes nothing"))
        .label(close, format!("no `{open}` is open here"))
        .help(format!("remove it, or add the `{open}` that it should close"))
}

/// The bracket that closes this one.
pub fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

fn nesting(span: Span) -> Problem {
    Problem::error("ppl::syntax::nesting", "nested more than 100 levels deep")
        .label(span, "level 101 of brackets, blocks, unary operators and `if`s")
        .help("give the inner parts names: `h = ...`, or write a `fun`")
}

fn operands(span: Span) -> Problem {
    Problem::error("ppl::syntax::nesting", "an expression of more than 1,000 operands")
        .label(span, "the operand after the 1,000th")
        .help("give parts of it names, or write a comprehension: `sum(w[k] * x[k] for k in K)`")
}

fn separator(after: Span, next: Span) -> Problem {
    Problem::error("ppl::syntax::separator", "two statements on one line need a `;`")
        .label(next, "this begins another")
        .label(after, "this ends one")
        .help("put a newline or `;` between them")
}

fn expected(at: Span, found: &str, wanted: &[&'static str], form: &str) -> Problem {
    let list = one_of(wanted);
    Problem::error("ppl::syntax::expected", format!("expected {list}, found {found}"))
        .label(at, format!("expected {list}"))
        .help(format!("the form is `{form}`"))
}

/// `a`, `a or b`, `a, b or c`.
fn one_of(words: &[&'static str]) -> String {
    match words {
        [] => "something else".to_string(),
        [one] => one.to_string(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

fn reserved(span: Span, word: &str) -> Problem {
    Problem::error("ppl::syntax::reserved", format!("`{word}` is a reserved word"))
        .label(span, "a name should stand here")
        .help(format!("choose another name, for instance `{word}_` or `my_{word}`"))
}

fn chained(first: Span, second: Span) -> Problem {
    Problem::error("ppl::syntax::chained", "comparisons are not chained")
        .label(second, "a second comparison")
        .label(first, "of the result of this one")
        .help("write `a < b and b < c`, or parentheses if the result itself is compared")
}

fn range(span: Span) -> Problem {
    Problem::error("ppl::syntax::range", "a range has no value of its own")
        .label(span, "`lo..hi` cannot stand here")
        .help("a range is an index (`v[2..5]`), what a `for` in brackets runs over, or the argument of `columns`")
}

fn text_place(span: Span) -> Problem {
    Problem::error("ppl::syntax::text_place", "text stands only in the column expression of a `data` item")
        .label(span, "text is no value of a model")
        .help("name a column in `data y[N]: real = column(\"Sepal Length\")` and use `y` here")
}

fn unknown(span: Span, word: &str, place: Place, near: Option<&str>) -> Problem {
    let (what, forms) = match place {
        Place::Top => (
            "an item",
            "an item begins with `dim`, `const`, `data`, `param`, `net`, `fun`, `energy`, `model`, `guide` or `fit`",
        ),
        Place::Block => (
            "a statement",
            "a statement is `NAME ~ DISTRIBUTION`, `NAME = EXPR`, `for n in N { ... }`, `factor EXPR` or `param ...`",
        ),
        Place::Net => ("a line of a net", "a net holds definitions, `h = EXPR`, and then its result"),
        Place::Fit => {
            ("a fit entry", "an entry is `NAME: VALUE`, for instance `steps: 2000`, or `phase guide { ... }`")
        }
        Place::Phase => ("an entry of a phase", "an entry is `NAME: VALUE`, for instance `steps: 5`"),
    };
    let problem = Problem::error("ppl::syntax::unknown", format!("`{word}` does not begin {what}"))
        .label(span, format!("not {what}"));
    match near {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(forms),
    }
}
