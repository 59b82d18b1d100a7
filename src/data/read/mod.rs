//! Bytes to tables: one file per format. Nothing here opens a file; the caller says what the bytes are called.

use std::io::Read;

use crate::data::Table;
use crate::data::problems::FileProblem;

pub mod csv;
pub mod idx;
pub mod json;
pub mod ldac;
pub mod npy;
pub mod npz;
pub mod png;
pub mod zip;

/// How the bytes of a file are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Tsv,
    Json,
    Idx,
    Npy,
    Npz,
    Ldac,
    Png,
}

/// The ending of a file name, what it means, and whether we read it.
const ENDINGS: &[(&str, Result<Format, &str>)] = &[
    (".csv", Ok(Format::Csv)),
    (".tsv", Ok(Format::Tsv)),
    (".json", Ok(Format::Json)),
    ("-ubyte", Ok(Format::Idx)),
    (".idx", Ok(Format::Idx)),
    (".npy", Ok(Format::Npy)),
    (".npz", Ok(Format::Npz)),
    (".ldac", Ok(Format::Ldac)),
    (".png", Ok(Format::Png)),
    (".parquet", Err("Parquet")),
];

/// The format of a file by its name; `.gz` may follow any ending.
pub fn format_of(name: &str) -> Result<Format, FileProblem> {
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_suffix(".gz").unwrap_or(&lower);
    match ENDINGS.iter().find(|(ending, _)| bare.ends_with(ending)) {
        Some((_, Ok(format))) => Ok(*format),
        Some((_, Err(format))) => Err(FileProblem::FormatNotRead { file: name.into(), format }),
        None => Err(FileProblem::UnknownFormat { file: name.into() }),
    }
}

/// The table in these bytes; `name` is the file's name for messages, and its ending says the format.
pub fn table(name: &str, bytes: &[u8]) -> Result<Table, FileProblem> {
    let format = format_of(name)?;
    let inflated;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        inflated = inflate(name, bytes)?;
        &inflated
    } else {
        bytes
    };
    if bytes.is_empty() {
        return Err(FileProblem::Empty { file: name.into() });
    }
    match format {
        Format::Csv => csv::read(name, bytes, b','),
        Format::Tsv => csv::read(name, bytes, b'\t'),
        Format::Json => json::read(name, bytes),
        Format::Idx => idx::read(name, bytes),
        Format::Npy => npy::read(name, bytes),
        Format::Npz => npz::read(name, bytes),
        Format::Ldac => ldac::read(name, bytes),
        Format::Png => png::read(name, bytes),
    }
}

fn inflate(name: &str, bytes: &[u8]) -> Result<Vec<u8>, FileProblem> {
    let mut inflated = Vec::new();
    match flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut inflated) {
        Ok(_) => Ok(inflated),
        Err(error) => Err(FileProblem::Gzip { file: name.into(), why: error.to_string() }),
    }
}

/// The text of a file without its byte order mark.
pub(super) fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, FileProblem> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let line = bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            Err(FileProblem::NotUtf8 { file: name.into(), line })
        }
    }
}

/// What stands for a missing entry in text.
pub(super) fn is_missing(cell: &str) -> bool {
    matches!(cell, "" | "NA" | "NaN" | "nan" | "null")
}
