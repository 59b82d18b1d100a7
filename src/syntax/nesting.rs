//! How deep a piece nests, counted over its tokens before it is parsed: what passes here bounds the recursion of the
//! parser and of every later pass over expressions.

use super::problems::Fact;
use super::split::is_infix;
use super::token::{Kind, RESERVED, Token};

/// Brackets, blocks, unary operators and `if`s nest this deep together.
pub const LEVELS: usize = 100;
/// An expression has at most this many operands; the elements of a list are expressions of their own.
pub const OPERANDS: usize = 1000;

/// What is open at one bracket level.
#[derive(Default)]
struct Frame {
    /// Unary operators (and powers, which group to the right) whose operand is being read.
    unary: usize,
    ifs: usize,
    /// Operands of the expression being read, and the most of any of its neighbours in this list.
    operands: usize,
    most: usize,
}

impl Frame {
    /// A new expression begins.
    fn next(&mut self) {
        *self = Frame { most: self.most.max(self.operands), ..Frame::default() };
    }
}

/// The first place of the head of a piece, `depth` blocks deep, that is nested too deep or has too many operands.
pub fn check(text: &str, tokens: &[Token], depth: usize) -> Option<Fact> {
    let mut frames = vec![Frame::default()];
    let mut level = depth;
    let mut after_operand = false;
    for token in tokens.iter().filter(|t| t.is_code()) {
        let word = text.get(token.span.start..token.span.end).unwrap_or("");
        let nested = frames.len() > 1;
        let frame = frames.last_mut()?;
        let before = frame.unary + frame.ifs;
        match word {
            "(" | "[" | "{" => {
                level += 1;
                frames.push(Frame::default());
            }
            ")" | "]" | "}" if nested => {
                let inner = frames.pop()?;
                level = level.saturating_sub(1 + inner.unary + inner.ifs);
                frames.last_mut()?.operands += inner.most.max(inner.operands);
            }
            "," | ":" | "=" | "~" | "for" | "in" => frame.next(),
            "not" => frame.unary += 1,
            "-" if !after_operand => frame.unary += 1,
            "^" => frame.unary += 1,
            "if" => frame.ifs += 1,
            "then" | "else" => frame.unary = 0,
            _ if is_infix(word) => frame.unary = 0,
            _ if is_operand(token.kind, word) => frame.operands += 1,
            _ => {}
        }
        let frame = frames.last_mut()?;
        if !matches!(word, "(" | "[" | "{" | ")" | "]" | "}") {
            level = (level + frame.unary + frame.ifs).saturating_sub(before);
        }
        after_operand = matches!(word, ")" | "]" | "}") || is_operand(token.kind, word);
        if level > LEVELS {
            return Some(Fact::Nesting { span: token.span });
        }
        if frame.operands > OPERANDS {
            return Some(Fact::Operands { span: token.span });
        }
    }
    None
}

fn is_operand(kind: Kind, word: &str) -> bool {
    match kind {
        Kind::Number | Kind::Text => true,
        Kind::Word => word == "inf" || !RESERVED.contains(&word),
        _ => false,
    }
}
