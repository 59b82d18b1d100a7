//! One statement as lines: spaces between its tokens, breaks, and where its comments go.

use std::ops::Range;

use super::brackets::slice;
use super::split::is_infix;
use super::token::{Kind, RESERVED, Token};

/// Lines are at most this long where a break is possible.
pub const WIDTH: usize = 100;

/// What a line is, as far as alignment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Class {
    /// A comment, a bracket, or a later line of a statement: aligned with nothing.
    #[default]
    None,
    Item,
    Dim,
    Const,
    Data,
    Param,
    Net,
    Fun,
    Energy,
    Fit,
    Phase,
    Plate,
    Draw,
    Definition,
    Entry,
}

/// The class of a statement by its first word; `other` is what it is in its place otherwise.
pub fn class(word: &str, other: Class) -> Class {
    match word {
        "dim" => Class::Dim,
        "const" => Class::Const,
        "data" => Class::Data,
        "param" => Class::Param,
        "net" => Class::Net,
        "fun" => Class::Fun,
        "energy" => Class::Energy,
        "fit" => Class::Fit,
        "phase" => Class::Phase,
        "for" => Class::Plate,
        _ => other,
    }
}

/// A place that may stand in one column with those of the neighbouring lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// `=`, `~`, `>` for `->`, `{`, or `:` for what follows a colon.
    pub sign: char,
    /// Its column in the source, from where its statement begins, and the blanks before it.
    pub column: usize,
    pub blanks: usize,
}

/// A part of a line that begins at a mark.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cell {
    pub text: String,
    pub mark: Option<Mark>,
    /// Spaces before it beyond the one that is always there.
    pub pad: usize,
}

/// A comment at the end of a line, where it stood and how many blanks were before it.
#[derive(Debug, Clone, PartialEq)]
pub struct EndComment {
    pub text: String,
    pub column: usize,
    pub blanks: usize,
    pub pad: usize,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    pub indent: usize,
    pub class: Class,
    pub cells: Vec<Cell>,
    pub comment: Option<EndComment>,
    /// Whether the statement goes on below.
    pub open: bool,
}

impl Line {
    pub fn blank() -> Line {
        Line::default()
    }

    pub fn plain(indent: usize, text: String) -> Line {
        Line { indent, cells: vec![Cell { text, ..Cell::default() }], ..Line::default() }
    }

    pub fn own_comment(indent: usize, text: String) -> Line {
        Line::plain(indent, text)
    }

    pub fn is_blank(&self) -> bool {
        self.cells.is_empty()
    }

    /// Whether it ends with a comment, or is one.
    fn has_comment(&self) -> bool {
        self.comment.is_some() || self.cells.first().is_some_and(|cell| cell.text.starts_with('#'))
    }

    pub fn append(&mut self, text: &str) {
        if let Some(cell) = self.cells.last_mut() {
            cell.text.push_str(text);
        }
    }

    /// Columns of code, without the comment.
    pub fn length(&self) -> usize {
        let cells: usize = self.cells.iter().map(|cell| cell.text.chars().count() + cell.pad + 1).sum();
        self.indent + cells.saturating_sub(1)
    }

    pub fn render(&self) -> String {
        let mut out = " ".repeat(self.indent);
        for (i, cell) in self.cells.iter().enumerate() {
            out.push_str(&" ".repeat(if i == 0 { 0 } else { 1 + cell.pad }));
            out.push_str(&cell.text);
        }
        if let Some(comment) = &self.comment {
            out.push_str(&" ".repeat(comment.pad));
            out.push_str(&comment.text);
        }
        out
    }
}

impl Mark {
    /// The mark of token `at` in the statement that begins with token `start`. One that began a line of the source
    /// stood in no column with any other.
    pub fn before(text: &str, tokens: &[Token], at: usize, start: usize, sign: char) -> Mark {
        let begin = column(text, tokens, start);
        let alone = Mark { sign, column: usize::MAX - at, blanks: 1 };
        match (blanks(text, tokens, at), column(text, tokens, at).checked_sub(begin)) {
            (Some(blanks), Some(column)) => Mark { sign, column, blanks },
            _ => alone,
        }
    }
}

/// The column of a token in its line of the source, in characters.
fn column(text: &str, tokens: &[Token], at: usize) -> usize {
    let before = &text[..tokens[at].span.start];
    before[before.rfind('\n').map_or(0, |i| i + 1)..].chars().count()
}

/// The blanks before a token, if it is not the first of its line.
fn blanks(text: &str, tokens: &[Token], at: usize) -> Option<usize> {
    let before = tokens.get(at.checked_sub(1)?).filter(|t| t.kind != Kind::Newline)?;
    Some(text[before.span.end..tokens[at].span.start].chars().count())
}

/// A comment token as the end of a line.
pub fn comment(text: &str, tokens: &[Token], at: usize) -> EndComment {
    let blanks = blanks(text, tokens, at).unwrap_or(0);
    EndComment { text: slice(text, tokens, at).to_string(), column: column(text, tokens, at), blanks, pad: 2 }
}

/// A token of a statement with what is decided about the place before it.
struct Atom<'a> {
    at: usize,
    word: &'a str,
    space: bool,
    /// Whether a line begins here.
    newline: bool,
    /// How good a place this is to break a line, lowest first; `None` where it is none.
    rank: Option<usize>,
    depth: usize,
    /// Comments before it, as tokens.
    comments: Vec<usize>,
}

/// A statement on one line, whatever its length.
pub fn one_line(text: &str, tokens: &[Token], head: Range<usize>) -> String {
    join(&atoms(text, tokens, head))
}

/// A statement as the lines it takes; `tail` columns are left free at its end.
pub fn lines(text: &str, tokens: &[Token], head: Range<usize>, indent: usize, class: Class, tail: usize) -> Vec<Line> {
    let mut atoms = atoms(text, tokens, head.clone());
    fill(&mut atoms, indent, tail);
    let mut lines: Vec<Line> = vec![];
    let mut from = 0;
    while from < atoms.len() {
        let to = (from + 1..atoms.len()).find(|i| atoms[*i].newline).unwrap_or(atoms.len());
        let here = indent_of(&atoms[from], from, indent);
        for &at in &atoms[from].comments {
            let comment = comment(text, tokens, at);
            match lines.last_mut() {
                // After a comma that is dropped there may be one already.
                Some(line) if !begins_line(tokens, at) && !line.has_comment() => line.comment = Some(comment),
                _ => lines.push(Line { open: true, ..Line::own_comment(here, comment.text) }),
            }
        }
        let (cells, class) = if from == 0 {
            cells(text, tokens, &atoms[..to], class)
        } else {
            (vec![Cell { text: join(&atoms[from..to]), ..Cell::default() }], Class::None)
        };
        lines.push(Line { indent: here, class, cells, comment: None, open: to < atoms.len() });
        from = to;
    }
    lines
}

/// Whether a comment stands on a line of its own.
fn begins_line(tokens: &[Token], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| tokens.get(before)).is_none_or(|token| token.kind == Kind::Newline)
}

/// Later lines are indented once, and once more for every bracket after the first.
fn indent_of(atom: &Atom, index: usize, indent: usize) -> usize {
    if index == 0 { indent } else { indent + 2 * atom.depth.max(1) }
}

fn join(atoms: &[Atom]) -> String {
    let mut out = String::new();
    for (i, atom) in atoms.iter().enumerate() {
        if i > 0 && atom.space {
            out.push(' ');
        }
        out.push_str(atom.word);
    }
    out
}

/// The first line of a statement, cut at its marks.
fn cells(text: &str, tokens: &[Token], atoms: &[Atom], class: Class) -> (Vec<Cell>, Class) {
    let outer = |word: &str| atoms.iter().position(|a| a.depth == 0 && a.word == word);
    let class = match class {
        Class::Draw if outer("~").is_none() && outer("=").is_some() => Class::Definition,
        _ => class,
    };
    let start = atoms.first().map_or(0, |a| a.at);
    let mut cells = vec![];
    let (mut from, mut mark) = (0, None);
    for i in 1..=atoms.len() {
        let sign = if i < atoms.len() { sign(atoms, i, class) } else { None };
        if sign.is_some() || i == atoms.len() {
            cells.push(Cell { text: join(&atoms[from..i]), mark, pad: 0 });
            from = i;
            mark = sign.map(|sign| Mark::before(text, tokens, atoms[i].at, start, sign));
        }
    }
    (cells, class)
}

/// Whether a mark stands before this atom.
fn sign(atoms: &[Atom], i: usize, class: Class) -> Option<char> {
    let atom = &atoms[i];
    let seen = |word: &str| atoms[..i].iter().any(|a| a.depth == 0 && a.word == word);
    if atom.depth > 0 || !atom.space {
        return None;
    }
    match (atom.word, atoms[i - 1].word) {
        _ if class == Class::Entry => (atoms[i - 1].word == ":" && i == 2).then_some(':'),
        ("=", _) if !seen("=") => Some('='),
        ("~", _) => Some('~'),
        ("->", _) => Some('>'),
        (_, ":") if !seen("=") && !seen("~") => Some(':'),
        _ => None,
    }
}

/// Breaks lines that are too long, at the loosest place and there as late as possible.
fn fill(atoms: &mut [Atom], indent: usize, tail: usize) {
    let mut from = 0;
    while from < atoms.len() {
        let to = (from + 1..atoms.len()).find(|i| atoms[*i].newline).unwrap_or(atoms.len());
        let mut column = indent_of(&atoms[from], from, indent);
        let mut best: Option<(usize, usize)> = None;
        let mut first: Option<usize> = None;
        for (i, atom) in atoms.iter().enumerate().take(to).skip(from) {
            if let Some(rank) = atom.rank.filter(|_| i > from) {
                first = first.or(Some(i));
                if column <= WIDTH && best.is_none_or(|(least, _)| rank <= least) {
                    best = Some((rank, i));
                }
            }
            column += atom.word.chars().count() + usize::from(i > from && atom.space);
        }
        let room = if to == atoms.len() { WIDTH - tail } else { WIDTH };
        match best.map(|(_, i)| i).or(first).filter(|_| column > room) {
            Some(i) => {
                atoms[i].newline = true;
                from = i;
            }
            None => from = to,
        }
    }
}

fn atoms<'a>(text: &'a str, tokens: &[Token], head: Range<usize>) -> Vec<Atom<'a>> {
    let code: Vec<usize> = head.clone().filter(|at| tokens[*at].is_code()).collect();
    let words: Vec<&str> = code.iter().map(|at| slice(text, tokens, *at)).collect();
    let spacing = super::print_space::Spacing::new(&words);
    let mut atoms: Vec<Atom> = vec![];
    let mut comments = vec![];
    for (i, &at) in code.iter().enumerate() {
        let from = if i == 0 { at } else { code[i - 1] + 1 };
        comments.extend((from..at).filter(|t| tokens[*t].kind == Kind::Comment));
        // A trailing comma says nothing.
        if words[i] == "," && words.get(i + 1).is_none_or(|next| matches!(*next, ")" | "]" | "}")) {
            continue;
        }
        let rank = spacing.rank(i);
        let broken = (from..at).any(|t| tokens[t].kind == Kind::Newline);
        let newline = !comments.is_empty() || (broken && rank.is_some());
        if broken && rank.is_none() && !newline {
            break_before_operator(&mut atoms, i, &spacing);
        }
        let (space, depth) = (spacing.space(i), spacing.depth(i));
        atoms.push(Atom { at, word: words[i], space, newline, rank, depth, comments: std::mem::take(&mut comments) });
    }
    atoms
}

/// A line that ended in an operator is broken before it.
fn break_before_operator(atoms: &mut [Atom], next: usize, spacing: &super::print_space::Spacing) {
    if next > 1
        && spacing.is_binary(next - 1)
        && let Some(operator) = atoms.last_mut()
        && operator.rank.is_some()
    {
        operator.newline = true;
    }
}

/// Whether a word is an operand or the end of one: a `-` after it is binary.
pub fn ends_operand(word: &str) -> bool {
    let name = word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '"');
    (name && (word == "inf" || !RESERVED.contains(&word))) || matches!(word, ")" | "]" | "}" | "?")
}

/// Whether a word between operands is an operator.
pub fn is_operator(word: &str) -> bool {
    is_infix(word)
}
