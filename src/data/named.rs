//! Named data sets, and the folder layout of MNIST.

use crate::data::problems::FileProblem;
use crate::data::{Column, Table, Values, digits};

/// A set that `--data` knows by name.
pub struct Named {
    pub name: &'static str,
    pub about: &'static str,
    /// Names of its columns.
    pub columns: &'static [&'static str],
    pub origin: Origin,
}

/// Where a named set comes from.
pub enum Origin {
    BuiltIn(fn() -> Table),
    /// Drawn by us, and kept in the cache.
    Digits,
    /// Four IDX files in MNIST's layout, which can be fetched.
    Fetched(Remote),
}

/// Where the files of a set can be fetched, and what they are.
pub struct Remote {
    /// Addresses before the name of a file, in the order of trying.
    pub bases: &'static [&'static str],
    pub files: [RemoteFile; 4],
}

pub struct RemoteFile {
    pub name: &'static str,
    pub bytes: u64,
    pub sha256: &'static str,
}

impl Named {
    /// Whether it comes in rows to train on and rows to test with.
    pub fn has_splits(&self) -> bool {
        !matches!(self.origin, Origin::BuiltIn(_))
    }

    /// The name of its folder.
    pub fn folder(&self) -> String {
        match self.origin {
            // Digits that are drawn in another way are another set.
            Origin::Digits => format!("{}-{}", self.name, digits::VERSION),
            _ => self.name.into(),
        }
    }

    /// Rows to train on and to test with, or all rows.
    pub fn rows(&self) -> (usize, Option<usize>) {
        match self.origin {
            Origin::BuiltIn(make) => (make().columns[0].shape[0], None),
            _ => (60_000, Some(10_000)),
        }
    }
}

const fn file(name: &'static str, bytes: u64, sha256: &'static str) -> RemoteFile {
    RemoteFile { name, bytes, sha256 }
}

/// Every named set.
pub const SETS: &[Named] = &[
    Named {
        name: "eight_schools",
        about: "coaching effects in eight schools (Rubin 1981)",
        columns: &["y", "sigma"],
        origin: Origin::BuiltIn(eight_schools),
    },
    Named {
        name: "digits",
        about: "28 x 28 handwritten-looking digits, drawn from strokes with a seed",
        columns: &["images", "labels"],
        origin: Origin::Digits,
    },
    Named {
        name: "mnist",
        about: "28 x 28 handwritten digits (LeCun et al. 1998)",
        columns: &["images", "labels"],
        origin: Origin::Fetched(Remote {
            bases: &[
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
            ],
            files: [
                file(
                    "train-images-idx3-ubyte.gz",
                    9_912_422,
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                ),
                file(
                    "train-labels-idx1-ubyte.gz",
                    28_881,
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                ),
                file(
                    "t10k-images-idx3-ubyte.gz",
                    1_648_877,
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                ),
                file(
                    "t10k-labels-idx1-ubyte.gz",
                    4_542,
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                ),
            ],
        }),
    },
    Named {
        name: "fashion-mnist",
        about: "28 x 28 pictures of clothes (Xiao et al. 2017)",
        columns: &["images", "labels"],
        origin: Origin::Fetched(Remote {
            bases: &[
                "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            ],
            files: [
                file(
                    "train-images-idx3-ubyte.gz",
                    26_421_880,
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                ),
                file(
                    "train-labels-idx1-ubyte.gz",
                    29_515,
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                ),
                file(
                    "t10k-images-idx3-ubyte.gz",
                    4_422_102,
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                ),
                file(
                    "t10k-labels-idx1-ubyte.gz",
                    5_148,
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                ),
            ],
        }),
    },
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
