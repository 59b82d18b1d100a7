//! NPY, the format of NumPy: a magic, a header that is a Python dictionary, then the entries
//! (NumPy enhancement proposal 1, and its versions 2.0 and 3.0).

use crate::data::problems::FileProblem;
use crate::data::read::Format;
use crate::data::{Column, Table, Values};

const MAGIC: &[u8] = b"\x93NUMPY";

/// One column, called as the file is.
pub fn read(name: &str, bytes: &[u8]) -> Result<Table, FileProblem> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    let column = column(name, Format::Npy, stem, bytes)?;
    Ok(Table { name: name.into(), alias: None, columns: vec![column], lines: None })
}

/// The array in these bytes; `place` says where they stand, and `format` of which kind of file.
pub fn column(place: &str, format: Format, name: &str, bytes: &[u8]) -> Result<Column, FileProblem> {
    let broken = |why: String| FileProblem::Damaged { file: place.into(), format, why, help: None };
    let (header, entries) = split(bytes).map_err(&broken)?;
    let header = Header::parse(header).map_err(&broken)?;
    let kind = Kind::parse(&header.descr).ok_or_else(|| FileProblem::Dtype {
        file: place.into(),
        found: header.descr.clone(),
        means: meaning(&header.descr).into(),
    })?;
    let count = header.shape.iter().try_fold(1usize, |n, size| n.checked_mul(*size));
    let total = count.and_then(|n| n.checked_mul(kind.width));
    let (Some(count), Some(total)) = (count, total) else {
        return Err(broken(format!("has a header of shape {:?}, which no file can hold", header.shape)));
    };
    if entries.len() != total {
        let what = if entries.len() < total { "is truncated" } else { "is too long" };
        let (shape, descr, found) = (&header.shape, &header.descr, entries.len());
        return Err(broken(format!(
            "{what}: shape {shape:?} of `{descr}` takes {total} bytes after its header, it has {found}"
        )));
    }
    // An axis of length 0 leaves nothing to lay out.
    let order = if header.fortran && count > 0 { Some(header.shape.as_slice()) } else { None };
    let values = kind.values(entries, order).map_err(|(at, why)| broken(format!("has {why} in its entry {at}")))?;
    Ok(Column { name: Some(name.into()), shape: header.shape, values })
}

/// The header's text and what follows it.
fn split(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    let short = || "is truncated: it ends within its header".to_string();
    if !bytes.starts_with(MAGIC) {
        let found = crate::data::problems::hex(&bytes[..bytes.len().min(6)]);
        return Err(format!("is not an NPY file: it begins with the bytes {found}"));
    }
    let version = *bytes.get(6).ok_or_else(short)?;
    let (length, start): (usize, usize) = match version {
        1 => {
            let b = bytes.get(8..10).ok_or_else(short)?;
            (usize::from(u16::from_le_bytes([b[0], b[1]])), 10)
        }
        2 | 3 => {
            let b = bytes.get(8..12).ok_or_else(short)?;
            (u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize, 12)
        }
        other => return Err(format!("is of version {other} of the NPY format, and 1 to 3 are known")),
    };
    let end = start.saturating_add(length);
    let header = bytes.get(start..end).ok_or_else(short)?;
    let header = std::str::from_utf8(header).map_err(|_| "has a header that is not text".to_string())?;
    Ok((header, &bytes[end..]))
}

#[derive(Debug, Default, PartialEq)]
struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    /// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`
    fn parse(text: &str) -> Result<Header, String> {
        let wrong = || format!("has a header that is none: {}", text.trim().chars().take(80).collect::<String>());
        let after = |key: &str| {
            let (_, rest) = text.split_once(&format!("'{key}'"))?;
            Some(rest.trim_start().strip_prefix(':')?.trim_start())
        };
        let descr = after("descr").ok_or_else(wrong)?;
        let descr = match descr.strip_prefix('\'') {
            Some(rest) => rest.split_once('\'').ok_or_else(wrong)?.0.to_string(),
            // Fields of a structured array.
            None => descr.split_once(']').map_or(descr, |(list, _)| list).to_string() + "]",
        };
        let fortran = match after("fortran_order").ok_or_else(wrong)? {
            text if text.starts_with("True") => true,
            text if text.starts_with("False") => false,
            _ => return Err(wrong()),
        };
        let shape = after("shape").and_then(|rest| rest.strip_prefix('(')?.split_once(')')).ok_or_else(wrong)?.0;
        let sizes = shape.split(',').map(str::trim).filter(|part| !part.is_empty());
        // Python 2 wrote long integers with an L.
        let shape = sizes.map(|part| part.trim_end_matches('L').parse().map_err(|_| wrong())).collect::<Result<_, _>>();
        Ok(Header { descr, fortran, shape: shape? })
    }
}

/// How an entry is laid out.
struct Kind {
    width: usize,
    read: Read,
}

/// What an entry's bytes are as a number.
type Number = Box<dyn Fn(&[u8]) -> f64>;

enum Read {
    Bytes,
    Number(Number),
    /// UTF-32, in this byte order.
    Unicode(fn([u8; 4]) -> u32),
    Ascii,
}

impl Kind {
    /// `None` for what is neither number nor text.
    fn parse(descr: &str) -> Option<Kind> {
        let big = descr.starts_with('>');
        let code = descr.trim_start_matches(['<', '>', '|', '=']);
        let number = |width: usize, read: fn([u8; 8]) -> f64| {
            // Entries are widened to eight bytes, the least significant first.
            let read = move |entry: &[u8]| {
                let mut wide = [0; 8];
                wide[..width].copy_from_slice(entry);
                if big {
                    wide[..width].reverse();
                }
                read(wide)
            };
            Some(Kind { width, read: Read::Number(Box::new(read)) })
        };
        match code {
            "b1" | "u1" | "?" => Some(Kind { width: 1, read: Read::Bytes }),
            "u2" => number(2, |b| u64::from_le_bytes(b) as f64),
            "u4" => number(4, |b| u64::from_le_bytes(b) as f64),
            "u8" => number(8, |b| u64::from_le_bytes(b) as f64),
            "i1" => number(1, |b| f64::from(b[0] as i8)),
            "i2" => number(2, |b| f64::from(i16::from_le_bytes([b[0], b[1]]))),
            "i4" => number(4, |b| f64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            "i8" => number(8, |b| i64::from_le_bytes(b) as f64),
            "f2" => number(2, |b| half(u16::from_le_bytes([b[0], b[1]]))),
            "f4" => number(4, |b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            "f8" => number(8, f64::from_le_bytes),
            _ => {
                let (letter, digits) = (code.chars().next()?, code.get(1..)?);
                let length: usize = digits.parse().ok()?;
                let order: fn([u8; 4]) -> u32 = if big { u32::from_be_bytes } else { u32::from_le_bytes };
                match letter {
                    'U' if length > 0 => Some(Kind { width: length.checked_mul(4)?, read: Read::Unicode(order) }),
                    'S' if length > 0 => Some(Kind { width: length, read: Read::Ascii }),
                    _ => None,
                }
            }
        }
    }

    /// The entries row by row, or the first that is no text and why.
    fn values(&self, bytes: &[u8], fortran: Option<&[usize]>) -> Result<Values, (usize, &'static str)> {
        let entries = || bytes.chunks_exact(self.width);
        Ok(match &self.read {
            Read::Bytes => Values::Bytes(laid_out(bytes.to_vec(), fortran)),
            Read::Number(read) => Values::Reals(laid_out(entries().map(read).collect(), fortran)),
            Read::Ascii => {
                let text = |(at, entry): (usize, &[u8])| {
                    let text = std::str::from_utf8(entry).map_err(|_| (at, "text that is not UTF-8"))?;
                    Ok(text.trim_end_matches('\0').to_string())
                };
                Values::Text(laid_out(entries().enumerate().map(text).collect::<Result<_, _>>()?, fortran))
            }
            Read::Unicode(order) => {
                let text = |(at, entry): (usize, &[u8])| {
                    let codes = entry.chunks_exact(4).map(|b| char::from_u32(order([b[0], b[1], b[2], b[3]])));
                    let text: Option<String> = codes.collect();
                    Ok(text.ok_or((at, "a code that is no character"))?.trim_end_matches('\0').to_string())
                };
                Values::Text(laid_out(entries().enumerate().map(text).collect::<Result<_, _>>()?, fortran))
            }
        })
    }
}

/// From columns first to rows first, where the file has them so.
fn laid_out<T: Clone>(list: Vec<T>, fortran: Option<&[usize]>) -> Vec<T> {
    let Some(shape) = fortran.filter(|shape| shape.len() > 1) else { return list };
    let mut index = vec![0; shape.len()];
    let mut rows_first = Vec::with_capacity(list.len());
    for _ in 0..list.len() {
        let at = index.iter().zip(shape).rev().fold(0, |at, (i, size)| at * size + i);
        rows_first.push(list[at].clone());
        for (i, size) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < *size {
                break;
            }
            *i = 0;
        }
    }
    rows_first
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// What a type that is not read is, in words.
fn meaning(descr: &str) -> &'static str {
    match descr.trim_start_matches(['<', '>', '|', '=']).chars().next() {
        Some('[') => "records of several fields",
        Some('O') => "Python objects",
        Some('c') => "complex numbers",
        Some('M' | 'm') => "dates or times",
        _ => "a type that is not known",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    /// A file as NumPy writes it.
    pub fn npy(descr: &str, fortran: &str, shape: &str, entries: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), entries].concat()
    }

    fn one(bytes: &[u8]) -> Column {
        read("some/where/x.npy", bytes).unwrap().columns.remove(0)
    }

    fn message(bytes: &[u8]) -> String {
        Problem::from(read("x.npy", bytes).unwrap_err()).message
    }

    #[test]
    fn numbers_of_every_width_and_order() {
        let column = one(&npy("'<f8'", "False", "(2,)", &[1.5f64.to_le_bytes(), (-2.0f64).to_le_bytes()].concat()));
        assert_eq!((column.name.as_deref(), column.values), (Some("x"), Values::Reals(vec![1.5, -2.0])));
        for (descr, bytes) in [
            ("'>i2'", (-3i16).to_be_bytes().to_vec()),
            ("'<i2'", (-3i16).to_le_bytes().to_vec()),
            ("'|i1'", vec![253]),
            ("'<i8'", (-3i64).to_le_bytes().to_vec()),
            ("'>i4'", (-3i32).to_be_bytes().to_vec()),
            ("'>f4'", (-3f32).to_be_bytes().to_vec()),
            ("'<f2'", vec![0x00, 0xc2]),
        ] {
            assert_eq!(one(&npy(descr, "False", "()", &bytes)).values, Values::Reals(vec![-3.0]), "{descr}");
        }
        let bytes = one(&npy("'|b1'", "False", "(3, 1)", &[0, 1, 1]));
        assert_eq!((bytes.shape, bytes.values), (vec![3, 1], Values::Bytes(vec![0, 1, 1])));
        assert_eq!(half(0x3555), 0.333251953125);
        assert_eq!(half(0x0001), 2f64.powi(-24));
    }

    #[test]
    fn columns_first_becomes_rows_first() {
        let column = one(&npy("'|u1'", "True", "(2, 3)", &[1, 4, 2, 5, 3, 6]));
        assert_eq!(column.values, Values::Bytes(vec![1, 2, 3, 4, 5, 6]));
        let list: Vec<u8> = (0..24).collect();
        let at = |i: usize, j: usize, k: usize| (i + 2 * j + 6 * k) as u8;
        let back = laid_out(list, Some(&[2, 3, 4]));
        assert!((0..24).all(|n| back[n] == at(n / 12, n / 4 % 3, n % 4)));
    }

    #[test]
    fn text_is_read() {
        let entries: Vec<u8> = "annbo\0".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        let column = one(&npy("'<U3'", "False", "(2,)", &entries));
        assert_eq!(column.values, Values::Text(vec!["ann".into(), "bo".into()]));
        assert_eq!(one(&npy("'|S2'", "False", "(1,)", b"a\0")).values, Values::Text(vec!["a".into()]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let file = npy("'<f8'", "False", "(2,)", &[0; 16]);
        assert_eq!(
            message(&file[..file.len() - 3]),
            "x.npy is truncated: shape [2] of `<f8` takes 16 bytes after its header, it has 13"
        );
        assert_eq!(message(&file[..40]), "x.npy is truncated: it ends within its header");
        assert_eq!(message(b"PK\x03\x04 and"), "x.npy is not an NPY file: it begins with the bytes 50 4b 03 04 20 61");
        let message = |descr: &str| message(&npy(descr, "False", "(1,)", &[0; 16]));
        assert_eq!(message("'|O'"), "x.npy holds `|O`, Python objects, where numbers or text are read");
        assert_eq!(
            message("[('a', '<f8'), ('b', '<f8')]"),
            "x.npy holds `[('a', '<f8'), ('b', '<f8')]`, records of several fields, where numbers or text are read"
        );
    }
}
