//! JSON: an object of columns (Stan's layout: numbers and nested arrays), or an array of records.

use serde_json::Value;

use crate::data::problems::FileProblem;
use crate::data::read::{is_missing, text};
use crate::data::{Column, Table, Values};

/// Reads one file; keys are column names, and a number is a column of shape `[]`.
pub fn read(name: &str, bytes: &[u8]) -> Result<Table, FileProblem> {
    let text = text(name, bytes)?;
    let value: Value = serde_json::from_str(text).map_err(|error| FileProblem::Json {
        file: name.into(),
        line: error.line(),
        column: error.column(),
        why: without_place(&error.to_string()),
    })?;
    let reader = Reader { file: name };
    let columns = match &value {
        Value::Object(keys) => keys.iter().map(|(key, value)| reader.column(key, &[value], false)).collect(),
        Value::Array(records) => reader.records(records),
        other => Err(reader.unexpected("the file", other, "an object of columns or an array of records")),
    }?;
    if columns.is_empty() {
        return Err(FileProblem::Empty { file: name.into() });
    }
    Ok(Table { name: name.into(), alias: None, columns, lines: None })
}

/// The message already says where.
fn without_place(why: &str) -> String {
    why.rsplit_once(" at line ").map_or(why, |(why, _)| why).to_string()
}

struct Reader<'a> {
    file: &'a str,
}

/// The entries of one column, flat, as they are met.
#[derive(Default)]
struct Flat {
    numbers: Vec<f64>,
    text: Vec<String>,
    any_text: bool,
}

impl Reader<'_> {
    /// A column from its rows: with `many`, one value a row; else the one value is the whole column.
    fn column(&self, key: &str, rows: &[&Value], many: bool) -> Result<Column, FileProblem> {
        let mut flat = Flat::default();
        let mut shape: Option<Vec<usize>> = None;
        for (row, value) in rows.iter().enumerate() {
            let mut path = if many { vec![row] } else { vec![] };
            let found = self.flatten(key, value, &mut path, &mut flat)?;
            match &shape {
                Some(first) if *first != found => {
                    return Err(self.ragged(key, &[row], &found, first));
                }
                _ => shape = Some(found),
            }
        }
        let mut shape = shape.unwrap_or_default();
        if many {
            shape.insert(0, rows.len());
        }
        let values = if flat.any_text { Values::Text(flat.text) } else { Values::Reals(flat.numbers) };
        Ok(Column { name: Some(key.into()), shape, values })
    }

    fn records(&self, records: &[Value]) -> Result<Vec<Column>, FileProblem> {
        let mut keys: Vec<&str> = vec![];
        for (row, record) in records.iter().enumerate() {
            let Value::Object(entries) = record else {
                return Err(self.unexpected(&format!("record {row}"), record, "an object"));
            };
            keys.extend(entries.keys().map(String::as_str).filter(|key| !keys.contains(key)).collect::<Vec<_>>());
        }
        // A key that a record leaves out is missing there.
        let column = |key: &&str| {
            let rows: Vec<&Value> = records.iter().map(|record| record.get(key).unwrap_or(&Value::Null)).collect();
            self.column(key, &rows, true)
        };
        keys.iter().map(column).collect()
    }

    /// Appends the entries of a value and returns its shape.
    fn flatten(
        &self,
        key: &str,
        value: &Value,
        path: &mut Vec<usize>,
        flat: &mut Flat,
    ) -> Result<Vec<usize>, FileProblem> {
        let Value::Array(list) = value else {
            let place = || format!("`{key}`{}", subscript(path));
            flat.push(value).ok_or_else(|| self.unexpected(&place(), value, "a number, a text or an array"))?;
            return Ok(vec![]);
        };
        let mut inner: Option<Vec<usize>> = None;
        for (i, entry) in list.iter().enumerate() {
            path.push(i);
            let found = self.flatten(key, entry, path, flat)?;
            match &inner {
                Some(first) if *first != found => return Err(self.ragged(key, path, &found, first)),
                _ => inner = Some(found),
            }
            path.pop();
        }
        let mut shape = vec![list.len()];
        shape.extend(inner.unwrap_or_default());
        Ok(shape)
    }

    fn ragged(&self, key: &str, path: &[usize], found: &[usize], expected: &[usize]) -> FileProblem {
        FileProblem::RaggedArray {
            file: self.file.into(),
            entry: format!("{key}{}", subscript(path)),
            found: found.to_vec(),
            expected: expected.to_vec(),
        }
    }

    fn unexpected(&self, place: &str, value: &Value, expected: &'static str) -> FileProblem {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        FileProblem::JsonValue { file: self.file.into(), place: place.into(), found, expected }
    }
}

impl Flat {
    /// `None` for what is not an entry. Stan writes infinities and missing numbers as text.
    fn push(&mut self, value: &Value) -> Option<()> {
        let (number, text) = match value {
            Value::Null => (f64::NAN, String::new()),
            Value::Bool(truth) => (f64::from(u8::from(*truth)), truth.to_string()),
            Value::Number(number) => (number.as_f64()?, number.to_string()),
            Value::String(text) if is_missing(text) => (f64::NAN, String::new()),
            Value::String(text) => match text.as_str() {
                "Inf" | "+Inf" | "Infinity" => (f64::INFINITY, text.clone()),
                "-Inf" | "-Infinity" => (f64::NEG_INFINITY, text.clone()),
                _ => {
                    self.any_text = true;
                    (f64::NAN, text.clone())
                }
            },
            Value::Array(_) | Value::Object(_) => return None,
        };
        self.numbers.push(number);
        self.text.push(text);
        Some(())
    }
}

fn subscript(path: &[usize]) -> String {
    let inner: Vec<String> = path.iter().map(usize::to_string).collect();
    if inner.is_empty() { String::new() } else { format!("[{}]", inner.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    fn columns(text: &str) -> Vec<Column> {
        read("a.json", text.as_bytes()).unwrap().columns
    }

    fn message(text: &str) -> String {
        Problem::from(read("a.json", text.as_bytes()).unwrap_err()).message
    }

    #[test]
    fn stans_layout() {
        let columns = columns(r#"{"N": 2, "y": [1, null], "m": [[1, 2, 3], [4, 5, "-Inf"]], "who": ["a", ""]}"#);
        assert_eq!(columns[0].shape, Vec::<usize>::new());
        let Values::Reals(y) = &columns[1].values else { panic!("numbers") };
        assert!(y[0] == 1.0 && y[1].is_nan());
        assert_eq!(columns[2].shape, [2, 3]);
        assert_eq!(columns[2].values, Values::Reals(vec![1.0, 2.0, 3.0, 4.0, 5.0, f64::NEG_INFINITY]));
        assert_eq!(columns[3].values, Values::Text(vec!["a".into(), "".into()]));
    }

    #[test]
    fn records_are_rows() {
        let columns = columns(r#"[{"x": 1, "v": [1, 2]}, {"x": true, "v": [3, 4]}]"#);
        assert_eq!(columns[0].values, Values::Reals(vec![1.0, 1.0]));
        assert_eq!(columns[1].shape, [2, 2]);
    }

    #[test]
    fn bad_files_are_located() {
        assert_eq!(message(r#"{"m": [[1, 2], [3]]}"#), "a.json: `m[1]` has shape [1] where those before it have [2]");
        assert_eq!(
            message(r#"{"m": {"a": 1}}"#),
            "a.json: `m` is an object where a number, a text or an array was expected"
        );
        assert_eq!(
            message("3"),
            "a.json: the file is a number where an object of columns or an array of records was expected"
        );
        assert_eq!(message("{\"m\": [1,\n 2,]}"), "a.json, line 2, column 4 is not JSON: trailing comma");
        assert_eq!(message("{}"), "a.json is empty");
    }
}
