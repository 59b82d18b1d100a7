//! Named data sets, and the folder layout of MNIST.

use crate::data::problems::FileProblem;
use crate::data::{Column, Table, Values};

/// A set that `--data` knows by name.
pub struct Named {
    pub name: &'static str,
    pub about: &'static str,
    pub origin: Origin,
}

impl Named {
    /// Whether it comes in rows to train on and rows to test with.
    pub fn has_splits(&self) -> bool {
        !matches!(self.origin, Origin::BuiltIn(_))
    }
}

/// Where a named set comes from.
pub enum Origin {
    BuiltIn(fn() -> Table),
    /// A folder of this name with the four IDX files of MNIST's layout.
    IdxFolder,
    /// Promised by the contract, not there yet.
    Later,
}

/// Every named set.
pub const SETS: &[Named] = &[
    Named {
        name: "eight_schools",
        about: "coaching effects in eight schools: y, sigma (Rubin 1981)",
        origin: Origin::BuiltIn(eight_schools),
    },
    Named {
        name: "mnist",
        about: "28 x 28 handwritten digits: images, labels (LeCun et al. 1998)",
        origin: Origin::IdxFolder,
    },
    Named {
        name: "fashion-mnist",
        about: "28 x 28 pictures of clothes: images, labels (Xiao et al. 2017)",
        origin: Origin::IdxFolder,
    },
    Named { name: "digits", about: "28 x 28 digits drawn from strokes with a seed", origin: Origin::Later },
];

/// The set of this name.
pub fn find(name: &str) -> Option<&'static Named> {
    SETS.iter().find(|set| set.name == name)
}

/// The parallel randomized experiments of Rubin (1981), Estimation in parallel randomized experiments, table 1.
fn eight_schools() -> Table {
    let y = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
    let sigma = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
    let column = |name: &str, values: &[f64]| Column {
        name: Some(name.into()),
        shape: vec![values.len()],
        values: Values::Reals(values.to_vec()),
    };
    let columns = vec![column("y", &y), column("sigma", &sigma)];
    Table { name: "eight_schools".into(), alias: None, columns, lines: None }
}

/// Which part of a set that has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Split {
    #[default]
    Train,
    Test,
}

impl Split {
    /// Names of the files of images and of labels, without `.gz`; some copies write a dot before `idx`.
    pub fn files(self) -> [[&'static str; 2]; 2] {
        match self {
            Split::Train => [
                ["train-images-idx3-ubyte", "train-images.idx3-ubyte"],
                ["train-labels-idx1-ubyte", "train-labels.idx1-ubyte"],
            ],
            Split::Test => [
                ["t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"],
                ["t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"],
            ],
        }
    }
}

/// The table of a folder in MNIST's layout, from tables of its image and its label file.
pub fn pair(name: &str, images: Table, labels: Table) -> Table {
    let columns = images.columns.into_iter().chain(labels.columns).collect();
    Table { name: name.into(), alias: None, columns, lines: None }
}

/// Keeps the rows `low..high` of every column; numbers that are no column stay.
pub fn slice(mut table: Table, low: usize, high: usize) -> Result<Table, FileProblem> {
    let mut lengths = table.columns.iter().filter_map(|column| column.shape.first().copied());
    let rows = lengths.next().unwrap_or(0);
    if lengths.any(|other| other != rows) {
        return Err(FileProblem::SliceUneven { file: table.name });
    }
    if low >= high || high > rows {
        return Err(FileProblem::SliceOutside { file: table.name, rows, low, high });
    }
    for column in table.columns.iter_mut().filter(|column| !column.shape.is_empty()) {
        let entry: usize = column.shape[1..].iter().product();
        column.shape[0] = high - low;
        let (start, end) = (low * entry, high * entry);
        match &mut column.values {
            Values::Bytes(list) => *list = list[start..end].to_vec(),
            Values::Reals(list) => *list = list[start..end].to_vec(),
            Values::Text(list) => *list = list[start..end].to_vec(),
        }
    }
    match &mut table.lines {
        Some(lines) => *lines = lines.skip(low),
        // Rows are counted from 0 in the slice, so its name says where that is.
        None => table.name = format!("{} rows {low}..{high}", table.name),
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Lines;

    #[test]
    fn a_slice_keeps_rows_and_lines() {
        let table = slice(eight_schools(), 2, 4).unwrap();
        assert_eq!(table.name, "eight_schools rows 2..4");
        assert_eq!(table.columns[1].values, Values::Reals(vec![16.0, 11.0]));
        assert!(slice(eight_schools(), 2, 9).is_err());
        let csv = crate::data::read::table("a.csv", b"x\n1\n2\n3\n").unwrap();
        assert_eq!(slice(csv, 1, 3).unwrap().lines, Some(Lines::From(3)));
    }
}
