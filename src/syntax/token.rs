//! Text to tokens: the one place that knows where words, numbers, strings and comments end.

use super::problems::Fact;
use crate::source::Span;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Word,
    Number,
    Text,
    Symbol,
    Comment,
    Newline,
    /// Not part of the language; a problem has been reported for it.
    Bad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub span: Span,
}

impl Token {
    /// Whether it is part of a statement, not of its layout.
    pub fn is_code(&self) -> bool {
        !matches!(self.kind, Kind::Comment | Kind::Newline)
    }
}

/// The words that cannot be names.
pub const RESERVED: [&str; 21] = [
    "dim", "const", "data", "param", "net", "fun", "energy", "model", "guide", "fit", "for", "in", "factor", "by",
    "if", "then", "else", "and", "or", "not", "inf",
];

/// Symbols, longest first.
const SYMBOLS: [&str; 28] = [
    "|>", "==", "!=", "<=", ">=", "->", "..", "(", ")", "[", "]", "{", "}", ",", ";", ":", "=", "~", "+", "-", "*",
    "/", "@", "^", "<", ">", ".", "?",
];

/// What other languages write, and what to write here. Longest first; matched before `SYMBOLS`.
const FOREIGN: [(&str, &str); 21] = [
    ("===", "`==`"),
    ("&&", "`and`"),
    ("||", "`or`"),
    ("**", "`^`"),
    ("//", "`#` for a comment, `/` to divide"),
    ("/*", "`#` at the start of each line of a comment"),
    (":=", "`=`"),
    ("+=", "a new name: a definition is never changed, so `total = a + b`"),
    ("-=", "a new name: a definition is never changed, so `left = a - b`"),
    ("*=", "a new name: a definition is never changed, so `scaled = a * b`"),
    ("/=", "a new name: a definition is never changed, so `ratio = a / b`; `!=` compares"),
    ("=>", "`>=` to compare, `->` before the result of a net"),
    ("<>", "`!=`"),
    ("&", "`and`"),
    ("%", "`a - b * floor(a / b)` for a remainder"),
    ("'", "`\"` around text; `transpose(A)` for a transposed matrix"),
    ("`", "nothing: names stand alone"),
    ("$", "nothing: names stand alone"),
    ("\\", "nothing: inside brackets, or after an operator, a statement goes on by itself"),
    ("!=", ""),
    ("!", "`not`"),
];

/// The tokens of a text in order, newlines and comments among them; blanks lie between them.
pub fn tokens(text: &str, facts: &mut Vec<Fact>) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, tokens: vec![], facts };
    while lexer.at < text.len() {
        lexer.token();
    }
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    facts: &'a mut Vec<Fact>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) -> Span {
        let span = Span::new(self.at, self.at + length);
        self.tokens.push(Token { kind, span });
        self.at += length;
        span
    }

    fn bad(&mut self, length: usize, fact: impl FnOnce(Span) -> Fact) {
        let span = self.push(Kind::Bad, length);
        self.facts.push(fact(span));
    }

    fn token(&mut self) {
        let Some(first) = self.rest().chars().next() else { return };
        match first {
            '\n' => {
                self.push(Kind::Newline, 1);
            }
            ' ' | '\t' | '\r' => self.at += 1,
            // A byte order mark says nothing in UTF-8.
            '\u{feff}' if self.at == 0 => self.at += first.len_utf8(),
            '#' => self.comment(),
            '"' => self.string(),
            '0'..='9' => self.number(),
            '.' if self.starts_fraction() => self.bare_fraction(),
            _ if first == '_' || first.is_alphabetic() => self.word(),
            _ => self.symbol(first),
        }
    }

    fn comment(&mut self) {
        let line = self.rest().split('\n').next().unwrap_or("");
        self.push(Kind::Comment, line.trim_end().len());
    }

    fn string(&mut self) {
        let line = self.rest().split('\n').next().unwrap_or("").trim_end_matches('\r');
        match line[1..].find('"') {
            Some(end) => {
                self.push(Kind::Text, end + 2);
            }
            None => {
                let length = line.len();
                self.bad(length, |span| Fact::OpenText { span });
            }
        }
    }

    fn word(&mut self) {
        let word = self.rest().split(|c: char| c != '_' && !c.is_alphanumeric()).next().unwrap_or("").to_string();
        if word.is_ascii() {
            self.push(Kind::Word, word.len());
        } else {
            self.bad(word.len(), |span| Fact::Letters { span, word });
        }
    }

    /// `.5`: a dot before a digit that follows nothing it could select from.
    fn starts_fraction(&self) -> bool {
        let before = self.text[..self.at].chars().next_back();
        self.rest()[1..].starts_with(|c: char| c.is_ascii_digit())
            && !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ')' | ']' | '.'))
    }

    fn bare_fraction(&mut self) {
        let length = 1 + count(&self.rest()[1..], |c| c.is_ascii_alphanumeric() || c == '_');
        let text = self.rest()[..length].to_string();
        self.bad(length, |span| Fact::Number { span, help: format!("write `0{text}`") });
    }

    fn number(&mut self) {
        let rest = self.rest();
        let digit = |c: char| c.is_ascii_digit() || c == '_';
        let mut length = count(rest, digit);
        let dotted = rest[length..].starts_with('.');
        if dotted && rest[length + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            length += 1 + count(&rest[length + 1..], digit);
        } else if dotted && !rest[length + 1..].starts_with(['.', '_']) && !starts_letter(&rest[length + 1..]) {
            let text = rest[..length].to_string();
            return self.bad(length + 1, |span| Fact::Number { span, help: format!("write `{text}.0` or `{text}`") });
        }
        length += exponent(&rest[length..]);
        let tail = count(&rest[length..], |c| c.is_alphanumeric() || c == '_');
        let text = rest[..length].to_string();
        match number_help(&text, &rest[length..length + tail]) {
            Some(help) => self.bad(length + tail, |span| Fact::Number { span, help }),
            None => {
                self.push(Kind::Number, length);
            }
        }
    }

    fn symbol(&mut self, first: char) {
        let rest = self.rest();
        let line = rest.split('\n').next().unwrap_or("");
        if first == '\''
            && let Some(end) = line[1..].find('\'')
        {
            return self.bad(end + 2, |span| Fact::Operator { span, wrote: "'", instead: "`\"` around text" });
        }
        if let Some((wrote, instead)) = FOREIGN.iter().find(|(wrote, _)| rest.starts_with(wrote))
            && !instead.is_empty()
        {
            return self.bad(wrote.len(), |span| Fact::Operator { span, wrote, instead });
        }
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            self.push(Kind::Symbol, symbol.len());
        } else if first == '|' {
            self.bad(1, |span| Fact::Operator { span, wrote: "|", instead: "`or`, or `|>` to hand a value on" });
        } else {
            // A run of the same character is one mistake.
            let length = count(rest, |c| c == first);
            self.bad(length, |span| Fact::Character { span, wrote: first });
        }
    }
}

/// The length in bytes of the prefix whose characters pass.
fn count(text: &str, pass: impl Fn(char) -> bool) -> usize {
    text.find(|c| !pass(c)).unwrap_or(text.len())
}

fn starts_letter(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic())
}

/// The length of `e-3`, 0 where there is no exponent.
fn exponent(text: &str) -> usize {
    let Some(after) = text.strip_prefix(['e', 'E']) else { return 0 };
    let sign = usize::from(after.starts_with(['+', '-']));
    match count(&after[sign..], |c| c.is_ascii_digit()) {
        0 => 0,
        digits => 1 + sign + digits,
    }
}

/// What to write instead, where `text` followed by the letters of `tail` is not a number.
fn number_help(text: &str, tail: &str) -> Option<String> {
    if !tail.is_empty() {
        return Some(format!("write `{text} * {tail}` for a product; a name begins with a letter"));
    }
    if text.ends_with('_') || text.contains("__") || text.contains("_.") || text.contains("_e") {
        return Some("write `_` only between two digits: `10_000`".to_string());
    }
    let value: f64 = text.replace('_', "").parse().unwrap_or(f64::INFINITY);
    value.is_infinite().then(|| "write `inf` for infinity; the largest number is about 1.8e308".to_string())
}
