//! Text into pieces: items, and blocks into statements, by brackets and separators alone. Each piece is then parsed
//! on its own, so that a mistake in one hides none in another; `fmt` lays out the same pieces.

use std::ops::Range;

use super::brackets::{self, Brackets, Close};
use super::nesting;
use super::problems::{Fact, Slip};
use super::token::{self, Kind, Token};
use crate::source::Span;

/// The pieces of a file and the tokens they are made of.
#[derive(Debug, Clone)]
pub struct Split {
    pub tokens: Vec<Token>,
    pub pieces: Vec<Piece>,
}

/// An item, a statement or an entry; `for n in N { ... }` is a head with a body.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Its tokens without the body, first and last of them code.
    pub head: Range<usize>,
    pub body: Option<Body>,
    /// A problem in the head has been reported already.
    pub broken: bool,
}

/// `{ ... }` after a head.
#[derive(Debug, Clone)]
pub struct Body {
    pub open: usize,
    /// The token `}`, or the first one after a body that is never closed.
    pub close: usize,
    pub closed: bool,
    pub pieces: Vec<Piece>,
}

impl Split {
    pub fn new(text: &str, facts: &mut Vec<Fact>) -> Split {
        let tokens = token::tokens(text, facts);
        let brackets = brackets::brackets(text, &tokens, facts);
        let mut splitter = Splitter { text, tokens: &tokens, brackets, facts };
        let pieces = splitter.pieces(0, tokens.len(), 0);
        Split { tokens, pieces }
    }

    /// From the first to the last token of a range.
    pub fn span(&self, range: &Range<usize>) -> Span {
        let start = self.tokens.get(range.start).map_or(0, |t| t.span.start);
        let end = range.end.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |t| t.span.end);
        Span::new(start, end.max(start))
    }

    /// The whole of a piece, with its body.
    pub fn whole(&self, piece: &Piece) -> Span {
        match &piece.body {
            None => self.span(&piece.head),
            Some(body) => self.span(&piece.head).to(self.body_span(body)),
        }
    }

    /// From `{` to `}`.
    pub fn body_span(&self, body: &Body) -> Span {
        let last = if body.closed { body.close + 1 } else { body.close };
        self.span(&(body.open..last.max(body.open + 1)))
    }
}

/// Operators after which, and before which, a statement goes on over a newline.
const INFIX: [&str; 15] = ["|>", "or", "and", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "@", "^"];
const GOES_ON_AFTER: [&str; 7] = [",", "=", "~", ":", "->", "then", "else"];
const GOES_ON_BEFORE: [&str; 3] = ["then", "else", "by"];

/// Whether this is an infix operator, or could be.
pub fn is_infix(word: &str) -> bool {
    INFIX.contains(&word)
}

/// Whether a statement goes on over a newline after this word.
pub fn goes_on_after(word: &str) -> bool {
    is_infix(word) || GOES_ON_AFTER.contains(&word)
}

/// Whether a line that begins with this word continues the one above.
pub fn goes_on_before(word: &str) -> bool {
    is_infix(word) || GOES_ON_BEFORE.contains(&word)
}

struct Splitter<'a> {
    text: &'a str,
    tokens: &'a [Token],
    brackets: Brackets,
    facts: &'a mut Vec<Fact>,
}

impl Splitter<'_> {
    fn word(&self, at: usize) -> &str {
        brackets::slice(self.text, self.tokens, at)
    }

    /// The first code token in `from..to`.
    fn code(&self, from: usize, to: usize) -> Option<usize> {
        (from..to).find(|i| self.tokens[*i].is_code())
    }

    /// The pieces among the tokens `from..to`, which is the inside of a block `depth` levels deep.
    fn pieces(&mut self, from: usize, to: usize, depth: usize) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = vec![];
        let mut at = from;
        let mut line_of: Option<usize> = None;
        while let Some(start) = self.code(at, to) {
            // A stray `}` has been reported; it ends what stands before it and begins nothing.
            if matches!(self.word(start), ";" | "}") {
                at = start + 1;
                line_of = None;
                continue;
            }
            if let Some(last) = line_of.filter(|_| self.word(start) != "else")
                && !self.tokens[last..start].iter().any(|t| t.kind == Kind::Newline)
            {
                let (after, next) = (self.tokens[last].span, self.tokens[start].span);
                self.facts.push(Fact::Separator { after, next });
            }
            let (piece, end) = self.piece(start, to, depth);
            line_of = end.checked_sub(1).filter(|_| piece.body.is_some());
            at = end.max(start + 1);
            self.attach(&mut pieces, piece);
        }
        pieces
    }

    /// Adds a piece; a block that begins on a line of its own goes to the head above it.
    fn attach(&mut self, pieces: &mut Vec<Piece>, piece: Piece) {
        // `if a { ... } else { ... }` is one mistake.
        let begins_else = !piece.head.is_empty() && self.word(piece.head.start) == "else";
        if begins_else && pieces.last().is_some_and(|last| self.chooses(last)) {
            return;
        }
        let lonely = piece.head.is_empty().then_some(piece.body.as_ref()).flatten();
        if let (Some(body), Some(last)) = (lonely, pieces.last_mut())
            && last.body.is_none()
            && matches!(self.word(last.head.start), "model" | "guide" | "fit" | "net" | "for" | "phase")
        {
            self.facts.push(Fact::Slip(Slip {
                code: "ppl::syntax::block",
                message: "a block begins on the line of its head".into(),
                span: self.tokens[body.open].span,
                label: "on a line of its own".into(),
                help: format!("write `{{` at the end of the line of `{}`", self.word(last.head.start)),
            }));
            last.body = piece.body;
        } else {
            pieces.push(piece);
        }
    }

    /// Whether a piece is a head with `if` and a block.
    fn chooses(&self, piece: &Piece) -> bool {
        piece.body.is_some() && piece.head.clone().any(|at| self.word(at) == "if")
    }

    /// One piece from `start`, which is code, and the token after it.
    fn piece(&mut self, start: usize, to: usize, depth: usize) -> (Piece, usize) {
        let mut at = start;
        let mut end = start;
        while let Some(next) = self.code(at, to) {
            let newline = self.tokens[at..next].iter().any(|t| t.kind == Kind::Newline);
            if next > start && newline && self.ends_line(start, end, next, to) {
                break;
            }
            match self.word(next) {
                ";" | "}" => break,
                "{" if !self.brackets.record[next] => {
                    let (body, after) = self.body(next, to, depth + 1);
                    return (self.finish(start..end, Some(body), depth), after);
                }
                _ => {}
            }
            at = match self.brackets.close[next] {
                Some(Close::At(close)) if close < to => close + 1,
                _ => next + 1,
            };
            end = at;
        }
        (self.finish(start..end, None, depth), end)
    }

    fn finish(&mut self, head: Range<usize>, body: Option<Body>, depth: usize) -> Piece {
        let mut broken = self.brackets.spoilt[head.clone()].iter().any(|spoilt| *spoilt);
        if !broken && let Some(fact) = nesting::check(self.text, &self.tokens[head.clone()], depth) {
            self.facts.push(fact);
            broken = true;
        }
        Piece { head, body, broken }
    }

    fn body(&mut self, open: usize, to: usize, depth: usize) -> (Body, usize) {
        let (close, closed) = match self.brackets.close[open] {
            Some(Close::At(close)) if close < to => (close, true),
            Some(Close::Before(close)) => (close.min(to), false),
            _ => (to, false),
        };
        let after = if closed { close + 1 } else { close };
        if depth > nesting::LEVELS {
            self.facts.push(Fact::Nesting { span: self.tokens[open].span });
            return (Body { open, close, closed, pieces: vec![] }, after);
        }
        let pieces = self.pieces(open + 1, close, depth);
        (Body { open, close, closed, pieces }, after)
    }

    /// Whether a piece that began at `start` ends with the line before `next`.
    fn ends_line(&self, start: usize, end: usize, next: usize, to: usize) -> bool {
        let last = (start..end).rev().find(|i| self.tokens[*i].is_code()).map_or("", |i| self.word(i));
        if goes_on_before(self.word(next)) {
            return false;
        }
        // `for n in N:` is how others begin a block; a line `lr: ...` begins an entry whatever is missing above.
        if (last == ":" && self.word(start) == "for") || self.word(next + 1) == ":" {
            return true;
        }
        if !goes_on_after(last) || brackets::begins_item(self.text, self.tokens, next) {
            return true;
        }
        // After a forgotten right side the next statement would be swallowed: it shows by its own `~` or `=`.
        last != "," && self.has_mark(start, end) && self.has_mark(next, self.line_end(next, to))
    }

    fn line_end(&self, from: usize, to: usize) -> usize {
        (from..to).find(|i| self.tokens[*i].kind == Kind::Newline).unwrap_or(to)
    }

    /// Whether `~` or `=` stands among these tokens outside brackets, and no list goes before it.
    fn has_mark(&self, from: usize, to: usize) -> bool {
        let mut at = from;
        while at < to {
            match (self.word(at), self.brackets.close[at]) {
                ("~" | "=", _) => return true,
                ("," | ";", _) => return false,
                (_, Some(Close::At(close))) => at = close + 1,
                _ => at += 1,
            }
        }
        false
    }
}
