//! CSV and TSV: a header of names, or none where every cell of the first line is a number.

use crate::data::problems::FileProblem;
use crate::data::read::{is_missing, text};
use crate::data::{Column, Lines, Table, Values};

/// Reads delimited text. A column in which every cell is a number or missing is numeric, any other is text.
pub fn read(name: &str, bytes: &[u8], delimiter: u8) -> Result<Table, FileProblem> {
    let text = text(name, bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    if !next(name, &mut reader, &mut record)? {
        return Err(FileProblem::Empty { file: name.into() });
    }
    let headless = record.iter().all(|cell| cell.parse::<f64>().is_ok());
    let names: Vec<Option<String>> = record.iter().map(|cell| (!headless).then(|| cell.to_string())).collect();
    let mut cells: Vec<Cells> = names.iter().map(|_| Cells::Numbers(vec![])).collect();
    let mut lines = vec![];
    let mut filled = headless || next(name, &mut reader, &mut record)?;
    while filled {
        let line = line(text, &record);
        lines.push(line);
        if record.len() != names.len() {
            let (found, expected) = (record.len(), names.len());
            return Err(FileProblem::Ragged { file: name.into(), line, found, expected });
        }
        for (column, cell) in cells.iter_mut().zip(record.iter()) {
            column.push(cell);
        }
        filled = next(name, &mut reader, &mut record)?;
    }
    let Some(first) = lines.first().copied() else {
        return Err(FileProblem::NoRows { file: name.into() });
    };
    let apart = lines.iter().enumerate().any(|(row, line)| *line != first + row);
    let lines = Some(if apart { Lines::Each(lines) } else { Lines::From(first) });
    let columns = names.into_iter().zip(cells).map(|(name, cells)| cells.column(name)).collect();
    Ok(Table { name: name.into(), alias: None, columns, lines })
}

/// The line on which a record begins: its position is before the blank lines above it.
fn line(text: &str, record: &csv::StringRecord) -> usize {
    let Some(position) = record.position() else { return 1 };
    let above = text.as_bytes()[position.byte() as usize..].iter().take_while(|b| matches!(b, b'\n' | b'\r'));
    position.line() as usize + above.filter(|b| **b == b'\n').count()
}

fn next(name: &str, reader: &mut csv::Reader<&[u8]>, record: &mut csv::StringRecord) -> Result<bool, FileProblem> {
    reader.read_record(record).map_err(|error| {
        let line = error.position().map_or(1, |p| p.line() as usize);
        FileProblem::Text { file: name.into(), line, why: error.to_string() }
    })
}

/// The cells of a column so far: numbers until the first cell that is none, then text.
enum Cells {
    Numbers(Vec<(f64, Box<str>)>),
    Text(Vec<String>),
}

impl Cells {
    fn push(&mut self, cell: &str) {
        match (&mut *self, number(cell)) {
            // The text is kept only where it differs from what the number prints as, so that
            // a column that turns out to be text still has its cells as written.
            (Cells::Numbers(numbers), Some(value)) => {
                let same = value.to_string() == cell || is_missing(cell);
                numbers.push((value, if same { "".into() } else { cell.into() }));
            }
            (Cells::Numbers(numbers), None) => {
                let mut text: Vec<String> = numbers.drain(..).map(as_written).collect();
                text.push(cell.into());
                *self = Cells::Text(text);
            }
            (Cells::Text(text), _) => text.push(if is_missing(cell) { String::new() } else { cell.into() }),
        }
    }

    fn column(self, name: Option<String>) -> Column {
        match self {
            Cells::Numbers(numbers) => {
                let reals: Vec<f64> = numbers.into_iter().map(|(value, _)| value).collect();
                Column { name, shape: vec![reals.len()], values: Values::Reals(reals) }
            }
            Cells::Text(text) => Column { name, shape: vec![text.len()], values: Values::Text(text) },
        }
    }
}

fn as_written((value, text): (f64, Box<str>)) -> String {
    match (value.is_nan(), text.is_empty()) {
        (true, _) => String::new(),
        (false, true) => value.to_string(),
        (false, false) => text.into(),
    }
}

fn number(cell: &str) -> Option<f64> {
    if is_missing(cell) { Some(f64::NAN) } else { cell.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    fn message(text: &str) -> String {
        Problem::from(read("a.csv", text.as_bytes(), b',').unwrap_err()).message
    }

    #[test]
    fn a_header_names_columns() {
        let table = read("a.csv", b"\xef\xbb\xbfx,\"who, when\"\n1,anna\n,bob\n 3 ,NA\n", b',').unwrap();
        assert_eq!(table.lines, Some(Lines::From(2)));
        assert_eq!(table.columns[1].name.as_deref(), Some("who, when"));
        let Values::Reals(x) = &table.columns[0].values else { panic!("numbers") };
        assert!(x[0] == 1.0 && x[1].is_nan() && x[2] == 3.0);
        assert_eq!(table.columns[1].values, Values::Text(vec!["anna".into(), "bob".into(), "".into()]));
    }

    #[test]
    fn a_first_line_of_numbers_is_data() {
        let table = read("a.tsv", b"1\t2\n3\t4\n", b'\t').unwrap();
        assert_eq!(table.lines, Some(Lines::From(1)));
        assert_eq!(table.columns[1], Column { name: None, shape: vec![2], values: Values::Reals(vec![2.0, 4.0]) });
    }

    #[test]
    fn rows_know_their_lines_between_blank_ones() {
        let table = read("a.csv", b"who,x\n\nann,1\n\"bob\nson\",2\neve,3\n", b',').unwrap();
        assert_eq!(table.lines, Some(Lines::Each(vec![3, 4, 6])));
    }

    #[test]
    fn numbers_before_a_word_stay_as_written() {
        let table = read("a.csv", b"zip\n007\n1.50\n2\nx1\n", b',').unwrap();
        assert_eq!(table.columns[0].values, Values::Text(["007", "1.50", "2", "x1"].map(String::from).into()));
    }

    #[test]
    fn bad_text_is_located() {
        assert_eq!(message("a,b\n1,2\n3\n"), "a.csv, line 3 has 1 cell where the first line has 2");
        assert_eq!(message(""), "a.csv is empty");
        assert_eq!(message("a,b\n"), "a.csv has a header and no rows");
        let error = read("a.csv", b"a,b\n1,2\n3,\xff\n", b',').unwrap_err();
        assert_eq!(Problem::from(error).message, "a.csv, line 3 is not UTF-8 text");
    }
}
