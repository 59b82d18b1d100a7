//! The words, numbers and signs of the printed notation.

#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub text: String,
    /// Whether a space stands before it: an index follows its name at once.
    pub spaced: bool,
}

/// Longest first.
const SIGNS: [&str; 23] = [
    "||", "..", "==", "!=", "<=", ">=", "|", "+", "-", "*", "/", "@", "^", "<", ">", "=", "(", ")", "[", "]", ",", ":",
    ".",
];

pub fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut list: Vec<Token> = vec![];
    let mut rest = text;
    while !rest.is_empty() {
        let trimmed = rest.trim_start();
        let spaced = trimmed.len() < rest.len();
        rest = trimmed;
        let Some(first) = rest.chars().next() else { break };
        let length = match first {
            c if c.is_ascii_alphabetic() || c == '_' => {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
            }
            c if c.is_ascii_digit() => number(rest),
            _ => SIGNS.iter().find(|sign| rest.starts_with(**sign))?.len(),
        };
        list.push(Token { text: rest[..length].into(), spaced });
        rest = &rest[length..];
    }
    Some(list)
}

/// How long the number at the start is: `2..5` is two of them.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        if digits(signed) > signed {
            end = digits(signed);
        }
    }
    end
}
