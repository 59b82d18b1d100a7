//! Damaged models go through parser and checker without panic or hang, and what is checked holds together.

use std::fs;
use std::path::Path;

use ppl::model::{self, Settings, compile_model};
use ppl::problem::Style;
use ppl::source::Source;

/// The models of the repository and its cases: a name and the text.
pub fn models() -> Vec<(String, String)> {
    let mut list = vec![];
    for folder in ["models", "tests/cases"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for file in fs::read_dir(path).expect("a folder of models").flatten().map(|entry| entry.path()) {
            if file.extension().is_some_and(|extension| extension == "vi") {
                let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
                list.push((stem, fs::read_to_string(&file).expect("text")));
            }
        }
    }
    list.sort();
    list
}

/// A small generator with a fixed seed: the test is the same each time (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % sides.max(1) as u64) as usize
    }
}

/// Words and single marks, and the blanks between them.
fn pieces(text: &str) -> Vec<String> {
    let mut list: Vec<String> = vec![];
    for c in text.chars() {
        let word = c.is_ascii_alphanumeric() || c == '_';
        match list.last_mut() {
            Some(last) if word && last.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => last.push(c),
            _ => list.push(c.to_string()),
        }
    }
    list
}

fn mutate(text: &str, others: &[String], dice: &mut Dice) -> String {
    let mut list = pieces(text);
    for _ in 0..1 + dice.roll(3) {
        let at = dice.roll(list.len());
        match dice.roll(6) {
            0 => _ = list.remove(at),
            1 => list.insert(at, list[dice.roll(list.len())].clone()),
            2 => list[at] = others[dice.roll(others.len())].clone(),
            3 => {
                let other = dice.roll(list.len());
                list.swap(at, other);
            }
            4 => {
                let end = (at + dice.roll(12)).min(list.len());
                let copy = list[at..end].to_vec();
                list.splice(at..at, copy);
            }
            _ => {
                let end = (at + dice.roll(12)).min(list.len());
                list.drain(at..end);
            }
        }
        if list.is_empty() {
            break;
        }
    }
    list.concat()
}

#[test]
fn mutated_models_neither_panic_nor_hang() {
    let mut texts: Vec<String> = models().into_iter().map(|(_, text)| text).collect();
    texts.extend(crate::diagnostics::cases().into_iter().map(|(_, _, text)| text));
    let words: Vec<String> = texts.iter().flat_map(|text| pieces(text)).filter(|piece| piece.trim() != "").collect();
    let mut dice = Dice(7);
    let rounds = if cfg!(debug_assertions) { 300 } else { 10_000 };
    for _ in 0..rounds {
        let text = &texts[dice.roll(texts.len())];
        survives(&mutate(text, &words, &mut dice));
    }
}

/// Compiles; what is legal verifies, what is said can be rendered, all of it quickly.
fn survives(text: &str) {
    let source = Source::new("mutated.vi", text);
    let start = std::time::Instant::now();
    let result = std::panic::catch_unwind(|| {
        let (model, problems) = compile_model(&source, &Settings::default());
        if let Some(model) = &model {
            model::verify::verify(model).unwrap_or_else(|bug| panic!("{bug}"));
            model::print::print(model);
        }
        assert!(model.is_some() != problems.has_errors(), "a model or an error");
        problems.render(&source, Style { color: false, width: 100 });
    });
    assert!(result.is_ok(), "this text broke the compiler:\n{text}");
    assert!(start.elapsed().as_secs() < 5, "{:?} for this text:\n{text}", start.elapsed());
}

#[test]
fn hostile_texts_are_diagnosed() {
    let deep = |open: &str, close: &str, n: usize| {
        format!("model {{ x ~ Normal({}1{}, 1) }}", open.repeat(n), close.repeat(n))
    };
    let sum = format!("model {{ x ~ Normal({}1, 1) }}", "1 + ".repeat(900));
    let doubled: String = (1..60).map(|i| format!("  h{i} = h{} + h{}\n", i - 1, i - 1)).collect();
    let choices: String = (1..60).map(|i| format!("  h{i} = if x > {i} then h{} else h{}\n", i - 1, i - 1)).collect();
    let squares: String = (1..40).map(|i| format!("dim D{i} = D{} * D{}\n", i - 1, i - 1)).collect();
    let calls: String = (1..150).map(|i| format!("fun f{i}(x) = f{}(x)\n", i - 1)).collect();
    let nets: String = (1..150).map(|i| format!("net g{i}(x: real) -> real {{ g{}(x) }}\n", i - 1)).collect();
    for text in [
        deep("(", ")", 90),
        deep("exp(", ")", 90),
        deep("(", ")", 5_000),
        sum,
        format!("const h0 = 1\nmodel {{\n  x ~ Normal(0, 1)\n{doubled}  y ~ Normal(h59, 1)\n}}"),
        format!("model {{\n  x ~ Normal(0, 1)\n  h0 = x\n{choices}  y ~ Normal(0, h59)\n}}"),
        format!("dim D0\n{squares}model {{ x: real[D39] ~ Normal(0, 1) }}"),
        format!("dim D0 = 10\n{squares}model {{ x: real[D39] ~ Normal(0, 1) }}"),
        format!("fun f0(x) = x\n{calls}model {{ x ~ Normal(f149(1), 1) }}"),
        format!("net g0(x: real) -> real {{ dense(x) }}\n{nets}model {{ x ~ Normal(g149(1), 1) }}"),
        "model { x: real[99999999999 * 99999999999] ~ Normal(0, 1) }".into(),
        "model { x ~ Normal(1e400, 1) }".into(),
        "const a = [0 for k in 0..1000000000]\nmodel { x ~ Normal(a[0], 1) }".into(),
    ] {
        survives(&text);
    }
}
