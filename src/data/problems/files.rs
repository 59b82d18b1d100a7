//! What can be wrong with a file of data before any model looks at it.

use crate::data::read::Format;
use crate::problem::Problem;

/// What a reader may find wrong with a file.
#[derive(Debug, Clone, PartialEq)]
pub enum FileProblem {
    Empty {
        file: String,
    },
    NoRows {
        file: String,
    },
    NotUtf8 {
        file: String,
        line: usize,
    },
    Text {
        file: String,
        line: usize,
        why: String,
    },
    Ragged {
        file: String,
        line: usize,
        found: usize,
        expected: usize,
    },
    Magic {
        file: String,
        found: Vec<u8>,
    },
    Truncated {
        file: String,
        found: usize,
        expected: usize,
    },
    Gzip {
        file: String,
        why: String,
    },
    Json {
        file: String,
        line: usize,
        column: usize,
        why: String,
    },
    JsonValue {
        file: String,
        place: String,
        found: &'static str,
        expected: &'static str,
    },
    RaggedArray {
        file: String,
        entry: String,
        found: Vec<usize>,
        expected: Vec<usize>,
    },
    /// A binary file that is not laid out as its format says; `why` goes on after the file's name.
    Damaged {
        file: String,
        format: Format,
        why: String,
        help: Option<String>,
    },
    /// An array of something that is no number and no text.
    Dtype {
        file: String,
        found: String,
        means: String,
    },
    /// A line of an LDA-C file; `why` goes on after the place.
    Document {
        file: String,
        line: usize,
        why: String,
    },
    Pictures {
        file: String,
        found: Vec<usize>,
        first: String,
        expected: Vec<usize>,
    },
    UnknownFormat {
        file: String,
    },
    FormatNotRead {
        file: String,
        format: &'static str,
    },
    SliceOutside {
        file: String,
        rows: usize,
        low: usize,
        high: usize,
    },
    SliceUneven {
        file: String,
    },
}

impl From<FileProblem> for Problem {
    fn from(problem: FileProblem) -> Problem {
        use FileProblem as P;
        let error = Problem::error;
        match problem {
            P::Empty { file } => error("ppl::data::empty", format!("{file} is empty")),
            P::NoRows { file } => error("ppl::data::empty", format!("{file} has a header and no rows")),
            P::NotUtf8 { file, line } => error("ppl::data::utf8", format!("{file}, line {line} is not UTF-8 text"))
                .help("save the file as UTF-8"),
            P::Text { file, line, why } => {
                error("ppl::data::text", format!("{file}, line {line} cannot be read: {why}"))
            }
            P::Ragged { file, line, found, expected } => {
                let cells = if found == 1 { "1 cell".to_string() } else { format!("{found} cells") };
                let message = format!("{file}, line {line} has {cells} where the first line has {expected}");
                error("ppl::data::ragged", message).help("a cell that holds a comma is written in double quotes")
            }
            P::Magic { file, found } => {
                let message = format!("{file} is not an IDX file: it begins with the bytes {}", hex(&found));
                error("ppl::data::idx", message)
                    .help("an IDX file begins with 00 00, a type from 08 to 0e, and the number of axes")
            }
            P::Truncated { file, found, expected } => {
                let what = if found < expected { "is truncated" } else { "is too long" };
                error("ppl::data::idx", format!("{file} {what}: its header promises {expected} bytes, it has {found}"))
                    .help("fetch the file again")
            }
            P::Gzip { file, why } => {
                error("ppl::data::gzip", format!("{file} cannot be decompressed: {why}")).help("fetch the file again")
            }
            P::Json { file, line, column, why } => {
                error("ppl::data::json", format!("{file}, line {line}, column {column} is not JSON: {why}"))
            }
            P::JsonValue { file, place, found, expected } => {
                error("ppl::data::json", format!("{file}: {place} is {found} where {expected} was expected"))
            }
            P::RaggedArray { file, entry, found, expected } => error(
                "ppl::data::ragged",
                format!("{file}: `{entry}` has shape {found:?} where those before it have {expected:?}"),
            )
            .help("pad the short ones with null, and declare the data with a `?` type"),
            P::Damaged { file, format, why, help } => Problem { help, ..error(code(format), format!("{file} {why}")) },
            P::Dtype { file, found, means } => {
                error("ppl::data::dtype", format!("{file} holds `{found}`, {means}, where numbers or text are read"))
                    .help("save it as numbers: `np.save(file, array.astype(float))`")
            }
            P::Document { file, line, why } => error("ppl::data::ldac", format!("{file}, line {line}: {why}"))
                .help("a line is a document: how many different words it has, then `word:count` of each"),
            P::Pictures { file, found, first, expected } => {
                let message = format!("{file} is {}, and {first} is {}", picture(&found), picture(&expected));
                error("ppl::data::pictures", message).help("all pictures of a folder have one size and the same colors")
            }
            P::UnknownFormat { file } => {
                error("ppl::data::format", format!("the ending of {file} names no format that is known"))
                    .help("endings are .csv, .tsv, .json, .npy, .npz, .ldac, .png, -ubyte and .idx, each also with .gz")
            }
            P::FormatNotRead { file, format } => {
                error("ppl::limitation::format", format!("{file}: {format} files are not read yet"))
                    .help("write the data as NPZ or CSV")
            }
            P::SliceOutside { file, rows, low, high } => {
                error("ppl::data::rows", format!("--rows {low}..{high} does not lie in the {rows} rows of {file}"))
            }
            P::SliceUneven { file } => {
                error("ppl::data::rows", format!("--rows: the columns of {file} differ in length"))
                    .help("`--rows` needs a source in which every column has the same number of rows")
            }
        }
    }
}

/// The code of a file that is not laid out as its format says.
fn code(format: Format) -> &'static str {
    match format {
        Format::Csv | Format::Tsv => "ppl::data::text",
        Format::Json => "ppl::data::json",
        Format::Idx => "ppl::data::idx",
        Format::Npy => "ppl::data::npy",
        Format::Npz => "ppl::data::npz",
        Format::Ldac => "ppl::data::ldac",
        Format::Png => "ppl::data::png",
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}

/// `28 x 28 grey`, from the shape of its entry.
fn picture(shape: &[usize]) -> String {
    match shape {
        [height, width] => format!("{width} x {height} in grey"),
        [_, height, width] => format!("{width} x {height} in color"),
        _ => format!("{shape:?}"),
    }
}
