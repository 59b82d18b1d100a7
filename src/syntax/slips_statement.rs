//! Slips inside statements and expressions; the table of all of them is in `slips.rs`.

use super::look::Look;
use super::problems::{Place, Slip};
use super::slips::slip;
use super::token::RESERVED;

/// `mu`, and `~ Normal(0, 1)` on the next line
pub fn tilde_on_the_next_line(look: &Look) -> Option<Slip> {
    if look.text(0) != "~" {
        return None;
    }
    let help = "write `~` on the line of its name: `mu ~ Normal(0, 1)`; after it the statement may go on below";
    Some(slip("ppl::syntax::statement", "a line cannot begin with `~`", look.span(0, 1), "begins the line", help))
}

/// `y ~`
pub fn no_distribution(look: &Look) -> Option<Slip> {
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
pub fn arrow_assignment(look: &Look) -> Option<Slip> {
    let at = look.find("<").filter(|at| look.text(at + 1) == "-")?;
    let touching = look.tokens[at].span.end == look.tokens[at + 1].span.start;
    if !look.is_name(0) || !touching || look.has("~") || look.has("=") {
        return None;
    }
    let name = look.said(0, at);
    let help = format!("write `{name} = ...` for a definition, `{name} ~ ...` for a site");
    Some(slip("ppl::syntax::operator", "`<-` is not an operator", look.span(at, at + 2), "means nothing here", help))
}

/// `Normal(loc = 0)`
pub fn named_argument(look: &Look) -> Option<Slip> {
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
pub fn plate_over_range(look: &Look) -> Option<Slip> {
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
pub fn c_like_if(look: &Look) -> Option<Slip> {
    let at = look.tokens.iter().position(|t| matches!(t.text, "if" | "else"))?;
    if !look.block {
        return None;
    }
    Some(slip(
        "ppl::syntax::if",
        "an `if` chooses between values and has no blocks",
        look.span(at, at + 1),
        "followed by `{`",
        "write `h = if c then a else b`, or `x ~ Normal(if c then a else b, 1)`",
    ))
}

/// `if a then b`
pub fn if_without_else(look: &Look) -> Option<Slip> {
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
pub fn ternary(look: &Look) -> Option<Slip> {
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
pub fn returned(look: &Look) -> Option<Slip> {
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
pub fn tuple(look: &Look) -> Option<Slip> {
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
pub fn typed_definition(look: &Look) -> Option<Slip> {
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
pub fn indexed_definition(look: &Look) -> Option<Slip> {
    let equals = look.find("=").filter(|_| matches!(look.place, Place::Block | Place::Net))?;
    if !look.is_name(0) || look.text(1) != "[" || look.text(equals - 1) != "]" || look.has("~") {
        return None;
    }
    let (whole, name) = (look.said(0, equals), look.text(0));
    let help = format!("write `{name} = ...`: in its plate a name is one row; for data, `{whole} ~ ...`");
    Some(slip("ppl::syntax::definition", "a definition has no index", look.span(1, equals), "not needed", help))
}

/// `steps = 2000`
pub fn entry_equals(look: &Look) -> Option<Slip> {
    let entry = matches!(look.place, Place::Fit | Place::Phase) && look.find("=") == Some(1);
    let name = look.text(0);
    entry.then(|| {
        let help = format!("write `{name}: ...`");
        slip("ppl::syntax::entry", "a fit entry is written with `:`", look.span(0, 2), "`=` should be `:`", help)
    })
}

/// `h == 3`
pub fn compares(look: &Look) -> Option<Slip> {
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

/// `y ~ Normal(0, 1) T[0, ]`
pub fn truncated(look: &Look) -> Option<Slip> {
    let tilde = look.find("~")?;
    let at = (tilde + 1..look.tokens.len()).find(|at| look.tokens[*at].depth == 0 && look.text(*at) == "T")?;
    if look.text(at + 1) != "[" || at == tilde + 1 {
        return None;
    }
    let help = format!("write `{} ~ Truncated({}, lo, hi)`", look.said(0, tilde), look.said(tilde + 1, at));
    let span = look.span(at, look.tokens.len());
    Some(slip("ppl::syntax::distribution", "`T[lo, hi]` does not truncate", span, "means nothing here", help))
}

/// `y[n] Normal(0, 1)`
pub fn missing_tilde(look: &Look) -> Option<Slip> {
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
pub fn not_a_distribution(look: &Look) -> Option<Slip> {
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
