//! Every code of the project with a paragraph and an example, for `ppl explain`. They are written in `codes/*.md`, one
//! heading a code; a test looks for codes without one.

/// One file a layer, in the order in which a text passes through the compiler.
const FILES: [&str; 6] = [
    include_str!("codes/syntax.md"),
    include_str!("codes/model.md"),
    include_str!("codes/elbo.md"),
    include_str!("codes/data.md"),
    include_str!("codes/fit.md"),
    include_str!("codes/limitation.md"),
];

/// What a code means.
#[derive(Debug, Clone, Copy)]
pub struct Explained {
    pub code: &'static str,
    pub about: &'static str,
    /// Text that gets this diagnostic and what mends it, indented.
    pub example: &'static str,
}

/// All codes.
pub fn all() -> impl Iterator<Item = Explained> {
    FILES.into_iter().flat_map(|file| file.split("## ").skip(1)).map(|entry| {
        let (code, rest) = entry.split_once('\n').unwrap_or((entry, ""));
        let (about, example) = rest.split_once("\n\n").unwrap_or((rest, ""));
        Explained { code: code.trim(), about: about.trim(), example: example.trim_end() }
    })
}

impl Explained {
    /// As `ppl explain` prints it.
    pub fn text(&self) -> String {
        format!("{}\n\n{}\n{}\n", self.code, wrap(self.about, 80), self.example)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_says_something_and_each_code_once() {
        let mut seen = std::collections::BTreeSet::new();
        for row in all() {
            assert!(seen.insert(row.code), "{} twice", row.code);
            assert!(row.code.starts_with("ppl::") && !row.code.contains(' '), "{}", row.code);
            assert!(row.about.len() > 25 && row.example.starts_with("    "), "{}", row.code);
        }
        assert!(seen.len() > 150);
    }

    #[test]
    fn text_is_wrapped_and_the_example_indented() {
        let row = Explained { code: "ppl::a::b", about: "one two", example: "    x\n\n    y" };
        assert_eq!(row.text(), "ppl::a::b\n\none two\n\n    x\n\n    y\n");
    }
}
