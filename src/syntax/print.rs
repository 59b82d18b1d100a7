//! `ppl fmt`: the same tokens, laid out in the one way. Nothing is invented or lost but separators and trailing
//! commas; comments keep their place between the same tokens.
//!
//! Line breaks inside a statement that stand where `fmt` would break (after `,`, before an operator, after `=`) are
//! kept, others are joined, and a line over 100 columns is broken. All decisions are functions of tokens and of such
//! breaks, so that what is printed is a fixed point.

use super::Ast;
use super::brackets::slice;
use super::print_align::align;
use super::print_line::{self, Cell, Class, Line, Mark, WIDTH};
use super::split::{Body, Piece, Split};
use super::token::Kind;

/// The text of a model as `ppl fmt` writes it. A text with unclosed brackets or foreign characters is left as it is.
pub fn print(ast: &Ast) -> String {
    let text = &*ast.source.text;
    let mut facts = vec![];
    let split = Split::new(text, &mut facts);
    if !facts.is_empty() {
        return text.to_string();
    }
    let mut printer = Printer { text, split: &split, lines: vec![], at: 0, first: true };
    printer.pieces(&split.pieces, split.tokens.len(), 0, Class::Item);
    align(&mut printer.lines);
    let mut out = String::new();
    for line in &printer.lines {
        out.push_str(line.render().trim_end());
        out.push('\n');
    }
    out
}

struct Printer<'a> {
    text: &'a str,
    split: &'a Split,
    lines: Vec<Line>,
    /// The first token that is not printed yet.
    at: usize,
    /// Whether nothing has been printed in this block yet: blank lines are dropped there.
    first: bool,
}

impl Printer<'_> {
    fn word(&self, at: usize) -> &str {
        slice(self.text, &self.split.tokens, at)
    }

    /// The pieces of a block that ends before token `end`, and the comments among them.
    fn pieces(&mut self, pieces: &[Piece], end: usize, indent: usize, class: Class) {
        self.first = true;
        for piece in pieces {
            self.between(piece.head.start, indent);
            self.piece(piece, indent, class);
            self.first = false;
        }
        self.between(end, indent);
    }

    /// Comments and blank lines up to token `end`; separators are dropped.
    fn between(&mut self, end: usize, indent: usize) {
        let mut newlines = 0;
        while self.at < end {
            let token = self.split.tokens[self.at];
            match token.kind {
                Kind::Newline => newlines += 1,
                Kind::Comment if newlines == 0 && !self.begins_file() => self.trailing(),
                Kind::Comment => {
                    self.blank(newlines);
                    let comment = self.word(self.at).to_string();
                    self.lines.push(Line::own_comment(indent, comment));
                    self.first = false;
                    newlines = 0;
                }
                _ => {}
            }
            self.at += 1;
        }
        if end < self.split.tokens.len() && self.word(end) != "}" {
            self.blank(newlines);
        }
    }

    fn begins_file(&self) -> bool {
        self.lines.is_empty()
    }

    fn blank(&mut self, newlines: usize) {
        if newlines > 1 && !self.first && self.lines.last().is_some_and(|line| !line.is_blank()) {
            self.lines.push(Line::blank());
        }
    }

    /// A comment at the end of the line just printed.
    fn trailing(&mut self) {
        let comment = print_line::comment(self.text, &self.split.tokens, self.at);
        if let Some(line) = self.lines.last_mut() {
            line.comment = Some(comment);
        }
    }

    fn piece(&mut self, piece: &Piece, indent: usize, class: Class) {
        let class = print_line::class(self.word(piece.head.start), class);
        let tail = if piece.body.is_some() { " {".len() } else { 0 };
        let mut lines = print_line::lines(self.text, &self.split.tokens, piece.head.clone(), indent, class, tail);
        self.at = piece.head.end;
        let Some(body) = &piece.body else {
            self.lines.append(&mut lines);
            return;
        };
        if let (1, Some(inside)) = (lines.len(), self.one_line(body)) {
            let length = lines[0].length();
            if length + 1 + inside.chars().count() <= WIDTH && lines[0].comment.is_none() {
                let mark = Mark::before(self.text, &self.split.tokens, body.open, piece.head.start, '{');
                lines[0].cells.push(Cell { text: inside, mark: Some(mark), ..Cell::default() });
                self.lines.append(&mut lines);
                self.at = body.close + 1;
                return;
            }
        }
        if let Some(last) = lines.last_mut() {
            last.append(" {");
            last.open = true;
        }
        self.lines.append(&mut lines);
        self.at = body.open + 1;
        let inside = match class {
            Class::Fit | Class::Phase => Class::Entry,
            _ => Class::Draw,
        };
        self.pieces(&body.pieces, body.close, indent + 2, inside);
        self.lines.push(Line::plain(indent, "}".to_string()));
        self.at = body.close + 1;
    }

    /// `{ a; b }`, if it was written on one line, or holds nothing at all.
    fn one_line(&self, body: &Body) -> Option<String> {
        let inside = &self.split.tokens[body.open..body.close];
        if body.pieces.is_empty() && !inside.iter().any(|t| t.kind == Kind::Comment) {
            return Some("{}".to_string());
        }
        if inside.iter().any(|t| !t.is_code()) {
            return None;
        }
        let mut parts = vec![];
        for piece in &body.pieces {
            let line = print_line::one_line(self.text, &self.split.tokens, piece.head.clone());
            parts.push(match &piece.body {
                None => line,
                Some(body) => format!("{line} {}", self.one_line(body)?),
            });
        }
        Some(format!("{{ {} }}", parts.join("; ")))
    }
}
