//! LDA-C, the format of Blei's lda-c: a line is a document, `M word:count ...` with M different words.

use crate::data::problems::FileProblem;
use crate::data::read::text;
use crate::data::{Column, Lines, Table, Values};

/// Counts above this are no counts of words in a document.
const MOST_COUNT: u64 = 1_000_000;

/// Columns `doc` and `word`, one row a token: a word that occurs three times has three rows.
pub fn read(name: &str, bytes: &[u8]) -> Result<Table, FileProblem> {
    let (mut docs, mut words, mut lines) = (vec![], vec![], vec![]);
    for (doc, line) in text(name, bytes)?.lines().enumerate() {
        let wrong = |why: String| FileProblem::Document { file: name.into(), line: doc + 1, why };
        let mut parts = line.split_whitespace();
        // A blank line is a document without words.
        let Some(first) = parts.next() else { continue };
        let promised: usize =
            first.parse().map_err(|_| wrong(format!("`{first}` is no number of words, which comes first")))?;
        let mut found = 0;
        for part in parts {
            let (word, count) = pair(part).ok_or_else(|| wrong(format!("`{part}` is not `word:count`")))?;
            if count > MOST_COUNT {
                return Err(wrong(format!("`{part}`: a word does not occur {count} times in a document")));
            }
            found += 1;
            for _ in 0..count {
                docs.push(doc as f64);
                words.push(f64::from(word));
                lines.push(doc + 1);
            }
        }
        if found != promised {
            return Err(wrong(format!("{promised} words are promised, and {found} follow")));
        }
    }
    if docs.is_empty() {
        return Err(FileProblem::Empty { file: name.into() });
    }
    let column = |name: &str, list: Vec<f64>| Column {
        name: Some(name.into()),
        shape: vec![list.len()],
        values: Values::Reals(list),
    };
    let columns = vec![column("doc", docs), column("word", words)];
    Ok(Table { name: name.into(), alias: None, columns, lines: Some(Lines::Each(lines)) })
}

fn pair(part: &str) -> Option<(u32, u64)> {
    let (word, count) = part.split_once(':')?;
    Some((word.parse().ok()?, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    #[test]
    fn a_row_is_a_token() {
        let table = read("a.ldac", b"2 0:1 5:2\n0\n1 3:1\n").unwrap();
        assert_eq!(table.columns[0].values, Values::Reals(vec![0.0, 0.0, 0.0, 2.0]));
        assert_eq!(table.columns[1].values, Values::Reals(vec![0.0, 5.0, 5.0, 3.0]));
    }

    #[test]
    fn a_bad_line_is_named() {
        let message = |text: &str| Problem::from(read("a.ldac", text.as_bytes()).unwrap_err()).message;
        assert_eq!(message("1 0:1\n3 0:1 5:2\n"), "a.ldac, line 2: 3 words are promised, and 2 follow");
        assert_eq!(message("1 0;1\n"), "a.ldac, line 1: `0;1` is not `word:count`");
        assert_eq!(message("one 0:1\n"), "a.ldac, line 1: `one` is no number of words, which comes first");
        assert_eq!(
            message("1 0:99999999\n"),
            "a.ldac, line 1: `0:99999999`: a word does not occur 99999999 times in a document"
        );
        assert_eq!(message("0\n"), "a.ldac is empty");
    }
}
