//! Laws over all files and over thousands of mutations of them.

use super::*;
use crate::syntax::split::Split;

/// The tree without its places: what `fmt` may not change.
pub(super) fn shape(ast: &Ast) -> String {
    let text = format!("{:?}", ast.items);
    let mut parts = text.split("Span { start: ");
    let first = parts.next().unwrap_or("").to_string();
    parts.fold(first, |shape, part| shape + part.split_once('}').map_or("", |(_, rest)| rest))
}

/// All comments, in order.
fn comments(ast: &Ast) -> Vec<&str> {
    ast.comments.iter().map(|comment| comment.text.as_str()).collect()
}

/// The tokens without separators and trailing commas.
fn words(text: &str) -> Vec<String> {
    let split = Split::new(text, &mut vec![]);
    let mut words: Vec<String> = vec![];
    for token in split.tokens.iter().filter(|token| token.is_code()) {
        let word = &text[token.span.start..token.span.end];
        if matches!(word, ")" | "]" | "}") && words.last().is_some_and(|last| last == ",") {
            words.pop();
        }
        if word != ";" {
            words.push(word.to_string());
        }
    }
    words
}

/// What must hold of every text without mistakes.
pub(super) fn check_layout(text: &str) {
    let ast = good(text);
    let printed = print(&ast);
    let again = good(&printed);
    assert!(shape(&ast) == shape(&again), "fmt changed the tree of\n{text}\nto\n{printed}");
    assert_eq!(comments(&ast), comments(&again), "fmt changed the comments of\n{text}\nto\n{printed}");
    let twice = print(&again);
    assert!(printed == twice, "not a fixed point:\n{text}\n--- once\n{printed}\n--- twice\n{twice}");
    assert!(printed.lines().all(|line| line.trim_end() == line), "blanks at a line's end:\n{printed}");
    assert!(!printed.contains("\n\n\n") && !printed.starts_with('\n') && !printed.ends_with("\n\n"), "{printed}");
}

#[test]
fn models_and_cases_are_fixed_points_of_fmt() {
    for (name, text) in files() {
        let printed = print(&good(&text));
        assert!(printed == text, "{name} is not a fixed point:\n{}", similar(&text, &printed));
    }
}

/// The lines that differ.
fn similar(one: &str, other: &str) -> String {
    let diff = similar::TextDiff::from_lines(one, other);
    diff.iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal)
        .map(|change| format!("{}{change}", change.tag()))
        .collect()
}

#[test]
fn spans_cover_what_was_written() {
    for (name, text) in files() {
        let ast = good(&text);
        for item in &ast.items {
            let slice = &text[item.span.start..item.span.end];
            let alone = good(slice);
            assert_eq!(alone.items.len(), 1, "{name}: {slice}");
            let part = Ast { items: vec![item.clone()], ..ast.clone() };
            assert_eq!(shape(&alone), shape(&part), "{name}: {slice}");
        }
    }
}

/// SplitMix64 (Steele, Lea & Flood 2014).
pub(super) struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

const INSERTS: [&str; 40] = [
    "(", ")", "[", "]", "{", "}", ",", ";", ":", "=", "~", "->", "\n", "\n\n", "#", "# c\n", " ", "\t", "\r\n", "\"",
    "'", "|>", "-", "^", "not ", "if ", "then ", "else ", "for ", "in ", "model", "data ", "x", "3", "1e", "_", "..",
    "?", "é", "\u{0}",
];

/// The text with a few random changes of tokens or bytes.
fn mutate(text: &str, random: &mut Random) -> String {
    let mut text = text.to_string();
    for _ in 0..1 + random.below(4) {
        let split = Split::new(&text, &mut vec![]);
        if split.tokens.is_empty() {
            return text;
        }
        let one = random.pick(&split.tokens).span;
        let two = random.pick(&split.tokens).span;
        let word = text[two.start..two.end].to_string();
        let at = text.floor_char_boundary(random.below(text.len() + 1));
        match random.below(6) {
            0 => text.replace_range(one.start..one.end, ""),
            1 => text.insert_str(one.start, &word),
            2 => text.replace_range(one.start..one.end, &word),
            3 => text.insert_str(one.end, random.pick::<&str>(&INSERTS)),
            4 => text.insert_str(at, random.pick::<&str>(&INSERTS)),
            _ => text.truncate(text.floor_char_boundary(at.max(text.len() / 2))),
        }
    }
    text
}

/// A second a text is a hang; models take about a millisecond.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(1);

pub(super) fn mutations() -> usize {
    if cfg!(debug_assertions) { 300 } else { 10_000 }
}

#[test]
fn mutated_models_never_panic_or_hang_and_what_parses_is_laid_out() {
    let files = files();
    let mut random = Random(20_260);
    let mut clean = 0;
    for _ in 0..mutations() {
        let (_, text) = random.pick(&files);
        let text = mutate(text, &mut random);
        let begun = std::time::Instant::now();
        let (ast, found) = parsed(&text);
        assert!(begun.elapsed() < LIMIT, "{:?} for\n{text}", begun.elapsed());
        if found.is_empty() {
            clean += 1;
            check_layout(&text);
        } else {
            print(&ast);
            found.render(&ast.source, crate::problem::Style { color: false, width: 100 });
        }
    }
    assert!(clean > mutations() / 50, "only {clean} mutations still parse");
}

/// The same tokens with other blanks, newlines where a statement may go on, and comments.
pub(super) fn relayout(text: &str, random: &mut Random) -> String {
    let split = Split::new(text, &mut vec![]);
    let mut out = String::new();
    let mut depth: usize = 0;
    for (i, token) in split.tokens.iter().enumerate() {
        let word = &text[token.span.start..token.span.end];
        if matches!(word, ")" | "]") {
            depth = depth.saturating_sub(1);
        }
        out.push_str(word);
        if matches!(word, "(" | "[") {
            depth += 1;
        }
        let next = split.tokens.get(i + 1).map_or("", |t| &text[t.span.start..t.span.end]);
        let goes_on = depth > 0 || matches!(word, "=" | "~" | "+" | "->") || matches!(next, "+" | "*" | "then");
        match random.below(12) {
            0 if goes_on => out.push_str("  # inside\n"),
            1 if goes_on => out.push_str("\n\n   # own line\n "),
            2 if goes_on => out.push('\n'),
            3 => out.push_str("   "),
            4 if word == "\n" => out.push_str("\n\n\n"),
            5 if word == "\n" => out.push_str("# between\n"),
            6 if next == "\n" => out.push_str(" # at the end"),
            _ => out.push(' '),
        }
    }
    out
}

/// The same text with some names made long: lines that must be broken.
fn widen(text: &str, random: &mut Random) -> String {
    let split = Split::new(text, &mut vec![]);
    let mut out = String::new();
    let mut at = 0;
    for token in &split.tokens {
        let word = &text[token.span.start..token.span.end];
        out.push_str(&text[at..token.span.end]);
        at = token.span.end;
        let fixed = ["chain", "phase", "columns"].contains(&word) || crate::syntax::token::RESERVED.contains(&word);
        if token.kind == crate::syntax::token::Kind::Word && !fixed && random.below(3) == 0 {
            out.push_str(&"_long".repeat(random.below(10)));
        }
    }
    out + &text[at..]
}

#[test]
fn long_lines_are_broken_where_they_can_be() {
    let files = files();
    let mut random = Random(11);
    for _ in 0..mutations() {
        let (_, text) = random.pick(&files);
        let wide = widen(text, &mut random);
        let text = if random.below(2) == 0 { relayout(&wide, &mut random) } else { wide };
        check_layout(&text);
    }
}

#[test]
fn any_layout_of_a_model_has_the_same_tree_and_one_fixed_point() {
    let files = files();
    let mut random = Random(7);
    for _ in 0..mutations() {
        let (name, text) = random.pick(&files);
        let other = relayout(text, &mut random);
        assert!(shape(&good(text)) == shape(&good(&other)), "{name} relaid as\n{other}");
        check_layout(&other);
        assert_eq!(words(text), words(&print(&good(&other))), "{name}");
    }
}

#[test]
fn a_comment_may_stand_in_every_position() {
    let step = if cfg!(debug_assertions) { 41 } else { 1 };
    for (name, text) in files() {
        comment_everywhere(&name, &text, step);
    }
}

/// A comment after every token where the text goes on, and at every line's end: none is lost, and none changes the tree.
pub(super) fn comment_everywhere(name: &str, text: &str, step: usize) {
    let split = Split::new(text, &mut vec![]);
    let tree = shape(&good(text));
    let mut depth: usize = 0;
    for (i, token) in split.tokens.iter().enumerate() {
        let word = &text[token.span.start..token.span.end];
        match word {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let next = split.tokens.get(i + 1).map_or("\n", |next| &text[next.span.start..next.span.end]);
        let goes_on = depth > 0 || matches!(word, "," | "=" | "~" | ":" | "->" | "then" | "else" | "+" | "-" | "*");
        let comment = match (goes_on, next) {
            (_, "\n") => " # here",
            (true, _) if !next.starts_with('#') => " # here\n",
            _ => continue,
        };
        if i % step != 0 || word.starts_with('#') {
            continue;
        }
        let other = format!("{}{comment}{}", &text[..token.span.end], &text[token.span.end..]);
        assert!(shape(&good(&other)) == tree, "{name} as\n{other}");
        check_layout(&other);
    }
}
