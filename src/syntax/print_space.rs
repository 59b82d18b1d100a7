//! Spaces between the words of a statement, and how good a place for a break each of them is.

use super::print_line::{ends_operand, is_operator};
use super::token::RESERVED;

/// Breaks by how loosely they bind: a comma or a keyword first, then operators, as in `parse_expr.rs`.
const LOOSENESS: [(&[&str], usize); 6] = [
    (&["|>"], 1),
    (&["or"], 2),
    (&["and"], 3),
    (&["==", "!=", "<", "<=", ">", ">="], 5),
    (&["+", "-"], 6),
    (&["*", "/", "@"], 7),
];
/// Ranks of one bracket level lie below those of the next.
const LEVEL: usize = 16;
/// After `=` and `~` a line is broken only where nothing else helps.
const LAST: usize = usize::MAX;

/// What surrounds each word.
pub struct Spacing<'a> {
    words: &'a [&'a str],
    /// How many brackets are open before each word.
    depth: Vec<usize>,
    /// Words that are drawn together: the operator of a lag, `t-1`, and the number after it.
    tight: Vec<bool>,
}

impl<'a> Spacing<'a> {
    pub fn new(words: &'a [&'a str]) -> Spacing<'a> {
        let mut depth = vec![];
        let mut level = 0usize;
        for word in words {
            depth.push(if is_close(word) { level.saturating_sub(1) } else { level });
            if is_open(word) {
                level += 1;
            } else if is_close(word) {
                level = level.saturating_sub(1);
            }
        }
        let mut spacing = Spacing { words, depth, tight: vec![false; words.len()] };
        (0..words.len()).filter(|i| spacing.is_lag(*i)).collect::<Vec<_>>().into_iter().for_each(|i| {
            spacing.tight[i] = true;
            spacing.tight[i + 1] = true;
        });
        spacing
    }

    fn word(&self, i: usize) -> &'a str {
        self.words.get(i).copied().unwrap_or("")
    }

    fn before(&self, i: usize) -> &'a str {
        i.checked_sub(1).map_or("", |before| self.word(before))
    }

    pub fn depth(&self, i: usize) -> usize {
        self.depth[i]
    }

    pub fn is_binary(&self, i: usize) -> bool {
        is_operator(self.word(i)) && (self.word(i) != "-" || ends_operand(self.before(i)))
    }

    /// `t-1`, `K-1` alone in an index or a shape.
    fn is_lag(&self, i: usize) -> bool {
        let whole = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        i >= 2
            && matches!(self.word(i), "-" | "+")
            && matches!(self.word(i - 2), "[" | ",")
            && is_name(self.word(i - 1))
            && whole(self.word(i + 1))
            && matches!(self.word(i + 2), "]" | ",")
            && self.selects(i)
    }

    /// Whether the innermost bracket around a word is an index or a shape, and no list.
    fn selects(&self, i: usize) -> bool {
        let open = (0..i).rev().find(|at| self.depth[*at] + 1 == self.depth[i] && is_open(self.word(*at)));
        open.is_some_and(|open| self.word(open) == "[" && open > 0 && touches(self.before(open)))
    }

    /// Whether a space stands before a word.
    pub fn space(&self, i: usize) -> bool {
        let (before, word) = (self.before(i), self.word(i));
        if self.tight[i] || is_open(before) || matches!(before, "." | ".." | "^") || before == "net" && word == "(" {
            return false;
        }
        // A unary minus touches its operand.
        if before == "-" && !self.is_binary(i - 1) {
            return false;
        }
        match word {
            ")" | "]" | "}" | "," | ":" | "?" | "." | ".." | "^" => false,
            "(" | "[" => !touches(before),
            _ => true,
        }
    }

    /// How good a place for a break this is, lowest first.
    pub fn rank(&self, i: usize) -> Option<usize> {
        let (before, word, level) = (self.before(i), self.word(i), self.depth[i] * LEVEL);
        if i == 0 || self.tight[i] || is_close(word) {
            return None;
        }
        if before == "," || matches!(word, "then" | "else" | "by") || (word == "for" && self.depth[i] > 0) {
            return Some(level);
        }
        if self.is_binary(i) {
            return LOOSENESS.iter().find(|(words, _)| words.contains(&word)).map(|(_, loose)| level + loose);
        }
        if before == "->" && self.depth[i] == 0 {
            return Some(0);
        }
        let first = !self.words[..i - 1].iter().any(|earlier| matches!(*earlier, "=" | "~"));
        let entry = self.word(1) == ":" && !self.words.contains(&"~");
        let item = matches!(self.word(0), "data" | "param");
        (self.depth[i] == 0 && matches!(before, "=" | "~") && first && (item || !entry)).then_some(LAST)
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !RESERVED.contains(&word)
}

/// Whether `(` and `[` after this word call or index it.
fn touches(word: &str) -> bool {
    ends_operand(word) && word != "}"
}

fn is_open(word: &str) -> bool {
    matches!(word, "(" | "[" | "{")
}

fn is_close(word: &str) -> bool {
    matches!(word, ")" | "]" | "}")
}
