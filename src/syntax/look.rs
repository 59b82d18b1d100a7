//! The head of a piece as words, for the messages about it; and the names it would have bound.

use super::Name;
use super::brackets;
use super::problems::{Fact, Place};
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

    pub fn find(&self, symbol: &str) -> Option<usize> {
        self.tokens.iter().position(|t| t.depth == 0 && t.kind != Kind::Text && t.text == symbol)
    }

    pub fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |t| t.text)
    }

    pub fn is_name(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|t| t.kind == Kind::Word && !RESERVED.contains(&t.text))
    }

    pub fn span(&self, from: usize, to: usize) -> Span {
        let start = self.tokens.get(from).map_or(Span::default(), |t| t.span);
        self.tokens[from.min(to)..to.min(self.tokens.len())].last().map_or(start, |t| start.to(t.span))
    }

    /// The text of `from..to`, as it would be said in a sentence.
    pub fn said(&self, from: usize, to: usize) -> String {
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

impl Look<'_> {
    pub fn said_head(&self, to: usize) -> String {
        self.tokens[..to].iter().map(|t| t.text).collect::<Vec<_>>().join(" ")
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
