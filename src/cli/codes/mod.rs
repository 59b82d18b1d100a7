//! Every code of the project with a paragraph and an example, for `ppl explain`. One row a code; a test looks for them.

mod data;
mod elbo;
mod fit;
mod limitation;
mod model;
mod syntax;

/// What a code means.
#[derive(Debug, Clone, Copy)]
pub struct Explained {
    pub code: &'static str,
    pub about: &'static str,
    /// A model, a command or a file that gets this diagnostic, and what mends it.
    pub example: &'static str,
}

/// All rows, in the order in which a text passes through the compiler.
pub fn all() -> impl Iterator<Item = &'static Explained> {
    [syntax::ROWS, model::ROWS, elbo::ROWS, data::ROWS, fit::ROWS, limitation::ROWS].into_iter().flatten()
}

impl Explained {
    /// As `ppl explain` prints it.
    pub fn text(&self) -> String {
        let example: String = self.example.lines().map(|line| format!("    {line}\n")).collect();
        let about = wrap(self.about, 80);
        format!("{}\n\n{about}\n{}", self.code, example.replace("    \n", "\n"))
    }
}

fn wrap(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines.last().is_some_and(|line| !line.is_empty() && line.len() + 1 + word.len() > width);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// A row in one line of code.
const fn row(code: &'static str, about: &'static str, example: &'static str) -> Explained {
    Explained { code, about, example }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_says_something_and_each_code_once() {
        let mut seen = std::collections::BTreeSet::new();
        for row in all() {
            assert!(seen.insert(row.code), "{} twice", row.code);
            assert!(row.about.len() > 40 && !row.example.trim().is_empty(), "{}", row.code);
        }
    }

    #[test]
    fn text_is_wrapped_and_the_example_indented() {
        let row = row("ppl::a::b", "one two", "x\n\ny");
        assert_eq!(row.text(), "ppl::a::b\n\none two\n\n    x\n\n    y\n");
    }
}
