//! Which bracket closes which, found before anything else so that one missing bracket spoils one piece only.

use super::problems::Fact;
use super::token::{Kind, Token};
use crate::source::Span;

/// Where a bracket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// At the token that closes it.
    At(usize),
    /// Just before this token, where we know that it should have been closed.
    Before(usize),
    /// It opens nothing that we could close; a problem has been reported.
    Never,
}

/// For every token: where it closes, if it opens something, and whether its piece is spoilt.
#[derive(Debug, Clone)]
pub struct Brackets {
    pub close: Vec<Option<Close>>,
    pub spoilt: Vec<bool>,
    /// Whether a `{` is a record, `{mu: 3}`, and not a block.
    pub record: Vec<bool>,
}

/// Reported at most for brackets that the same thing shows to be open; a hundred `(` are one mistake.
const REPORTED: usize = 3;

/// Words that begin an item; with what follows, they cannot stand inside brackets or blocks.
const ITEMS: [&str; 9] = ["dim", "const", "data", "net", "fun", "energy", "model", "guide", "fit"];

pub fn brackets(text: &str, tokens: &[Token], facts: &mut Vec<Fact>) -> Brackets {
    let count = tokens.len();
    let result = Brackets { close: vec![None; count], spoilt: vec![false; count], record: vec![false; count] };
    let mut matcher = Matcher { text, tokens, facts, open: vec![], result };
    let mut before: Option<usize> = None;
    for (at, token) in tokens.iter().enumerate().filter(|(_, t)| t.is_code()) {
        matcher.step(at, before);
        if token.kind == Kind::Bad {
            matcher.result.spoilt[at] = true;
        }
        before = Some(at);
    }
    matcher.flush(0, count, None);
    matcher.result
}

/// Whether an item begins at this token, which begins a line: `data y`, `model {`.
pub fn begins_item(text: &str, tokens: &[Token], at: usize) -> bool {
    let word = slice(text, tokens, at);
    let Some(next) = (at + 1..tokens.len()).find(|i| tokens[*i].is_code()) else { return false };
    let named = tokens[next].kind == Kind::Word;
    let opens = slice(text, tokens, next) == "{";
    match word {
        "model" | "fit" => opens,
        "guide" => opens || named,
        _ => ITEMS.contains(&word) && named,
    }
}

pub fn slice<'a>(text: &'a str, tokens: &[Token], at: usize) -> &'a str {
    tokens.get(at).and_then(|t| text.get(t.span.start..t.span.end)).unwrap_or("")
}

struct Matcher<'a> {
    text: &'a str,
    tokens: &'a [Token],
    facts: &'a mut Vec<Fact>,
    /// The brackets that are open, by token.
    open: Vec<usize>,
    result: Brackets,
}

impl Matcher<'_> {
    fn word(&self, at: usize) -> &str {
        slice(self.text, self.tokens, at)
    }

    fn is_block(&self, at: usize) -> bool {
        self.word(at) == "{" && !self.result.record[at]
    }

    /// How many brackets are open outside of which no `(`, `[` or record is.
    fn blocks(&self) -> usize {
        self.open.iter().rposition(|at| self.is_block(*at)).map_or(0, |i| i + 1)
    }

    fn step(&mut self, at: usize, before: Option<usize>) {
        let token = self.tokens[at];
        if token.kind == Kind::Word && self.begins_line(at) {
            if begins_item(self.text, self.tokens, at) {
                self.flush(0, at, Some(token.span));
            } else if self.word(at) == "param" || self.word(at) == "factor" {
                self.flush(self.blocks(), at, Some(token.span));
            }
        }
        if token.kind != Kind::Symbol {
            return;
        }
        match self.word(at) {
            "(" | "[" => self.open.push(at),
            "{" => {
                self.result.record[at] = before.is_some_and(|b| self.opens_record(b));
                if self.is_block(at) {
                    self.flush(self.blocks(), at, Some(token.span));
                }
                self.open.push(at);
            }
            ")" => self.close(at, "("),
            "]" => self.close(at, "["),
            "}" => self.close(at, "{"),
            _ => {}
        }
    }

    fn begins_line(&self, at: usize) -> bool {
        match self.tokens[..at].iter().rposition(|t| t.kind != Kind::Comment) {
            None => true,
            Some(before) => self.tokens[before].kind == Kind::Newline || matches!(self.word(before), ";" | "}"),
        }
    }

    fn ends_line(&self, at: usize) -> bool {
        self.tokens.get(at + 1).is_none_or(|t| !t.is_code()) || matches!(self.word(at + 1), "}" | ";" | "{")
    }

    /// A brace after `:`, `,`, `=` or an opening bracket is a record, unless its line begins a block.
    fn opens_record(&self, before: usize) -> bool {
        if !matches!(self.word(before), ":" | "," | "=" | "(" | "[") {
            return false;
        }
        let line = self.tokens[..before]
            .iter()
            .rposition(|t| t.kind == Kind::Newline || matches!(&self.text[t.span.start..t.span.end], "{" | "}" | ";"))
            .map_or(0, |i| i + 1);
        !matches!(self.word(line), "model" | "guide" | "fit" | "net" | "for" | "phase")
    }

    fn close(&mut self, at: usize, opener: &str) {
        let floor = if opener == "{" { 0 } else { self.blocks() };
        let partner = (floor..self.open.len()).rev().find(|i| self.word(self.open[*i]) == opener);
        let span = self.tokens[at].span;
        match partner {
            Some(partner) => {
                self.flush(partner + 1, at, Some(span));
                if let Some(open) = self.open.pop() {
                    self.result.close[open] = Some(Close::At(at));
                }
            }
            None if opener != "{" && self.open.len() > floor && self.ends_line(at) => {
                // At the end of a line the wrong bracket is more likely than one too many.
                if let Some(open) = self.open.pop() {
                    self.result.close[open] = Some(Close::At(at));
                    self.result.spoilt[open] = true;
                    let bracket = self.word(open).chars().next().unwrap_or('(');
                    self.facts.push(Fact::Mismatched { open: self.tokens[open].span, close: span, bracket });
                }
            }
            None => {
                self.result.spoilt[at] = true;
                let bracket = self.word(at).chars().next().unwrap_or(')');
                self.facts.push(Fact::Unopened { close: span, bracket });
            }
        }
    }

    /// Whether the closing bracket may be inside text that does not end, which is reported.
    fn hidden(&self, open: usize, before: usize) -> bool {
        (open..before).any(|at| self.tokens[at].kind == Kind::Bad && self.word(at).starts_with('"'))
    }

    /// Gives up on all brackets opened from the `floor`th on: they should have been closed before this token.
    fn flush(&mut self, floor: usize, before: usize, stop: Option<Span>) {
        let given_up = self.open.split_off(floor.min(self.open.len()));
        for (i, &open) in given_up.iter().enumerate() {
            let block = self.is_block(open);
            self.result.close[open] = Some(if block { Close::Before(before) } else { Close::Never });
            self.result.spoilt[open] = !block;
            if i < REPORTED && !self.hidden(open, before) {
                let bracket = self.word(open).chars().next().unwrap_or('(');
                self.facts.push(Fact::Unclosed { open: self.tokens[open].span, bracket, stop });
            }
        }
    }
}
