//! IDX, the format of MNIST: two zero bytes, a type, a rank, big-endian sizes, then the entries row by row.

use crate::data::problems::FileProblem;
use crate::data::{Column, Table, Values};

/// Type byte, bytes an entry, and how an entry is read.
type Kind = (u8, usize, fn(&[u8]) -> f64);

const KINDS: &[Kind] = &[
    (0x08, 1, |b| f64::from(b[0])),
    (0x09, 1, |b| f64::from(b[0] as i8)),
    (0x0b, 2, |b| f64::from(i16::from_be_bytes([b[0], b[1]]))),
    (0x0c, 4, |b| f64::from(i32::from_be_bytes([b[0], b[1], b[2], b[3]]))),
    (0x0d, 4, |b| f64::from(f32::from_be_bytes([b[0], b[1], b[2], b[3]]))),
    (0x0e, 8, |b| f64::from_be_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])),
];

/// One column: `images` where entries are arrays, `labels` where they are numbers.
pub fn read(name: &str, bytes: &[u8]) -> Result<Table, FileProblem> {
    let column = column(name, bytes)?;
    Ok(Table { name: name.into(), alias: None, columns: vec![column], lines: None })
}

/// The file of a column of bytes.
pub fn write(shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 0x08, shape.len() as u8];
    shape.iter().for_each(|size| file.extend((*size as u32).to_be_bytes()));
    file.extend_from_slice(bytes);
    file
}

/// The column of one IDX file.
pub fn column(name: &str, bytes: &[u8]) -> Result<Column, FileProblem> {
    let magic = bytes.get(..4).unwrap_or(bytes);
    let (kind, rank) = match magic {
        [0, 0, code, rank] if *rank > 0 => (KINDS.iter().find(|kind| kind.0 == *code), usize::from(*rank)),
        _ => (None, 0),
    };
    let Some(&(code, width, value)) = kind else {
        return Err(FileProblem::Magic { file: name.into(), found: magic.to_vec() });
    };
    let header = 4 + 4 * rank;
    let truncated = |expected| FileProblem::Truncated { file: name.into(), found: bytes.len(), expected };
    let sizes = bytes.get(4..header).ok_or_else(|| truncated(header))?;
    let shape: Vec<usize> =
        sizes.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize).collect();
    let expected = shape.iter().try_fold(width, |n, size| n.checked_mul(*size)).and_then(|n| n.checked_add(header));
    let expected = expected.ok_or_else(|| FileProblem::Magic { file: name.into(), found: bytes[..header].to_vec() })?;
    if bytes.len() != expected {
        return Err(truncated(expected));
    }
    let entries = &bytes[header..];
    let values = match code {
        0x08 => Values::Bytes(entries.to_vec()),
        _ => Values::Reals(entries.chunks_exact(width).map(value).collect()),
    };
    let name = if shape.len() > 1 { "images" } else { "labels" };
    Ok(Column { name: Some(name.into()), shape, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::read::table;
    use crate::problem::Problem;
    use std::io::Write;

    const IMAGES: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 9, 8, 7, 6];

    #[test]
    fn bytes_keep_their_shape() {
        let column = column("a-ubyte", IMAGES).unwrap();
        assert_eq!(column.shape, [2, 1, 2]);
        assert_eq!(write(&column.shape, &[9, 8, 7, 6]), IMAGES);
        assert_eq!((column.name.as_deref(), column.values), (Some("images"), Values::Bytes(vec![9, 8, 7, 6])));
    }

    #[test]
    fn other_types_are_big_endian() {
        let column = column("a.idx", &[0, 0, 0x0b, 1, 0, 0, 0, 2, 0xff, 0xfe, 1, 0]).unwrap();
        assert_eq!((column.shape, column.values), (vec![2], Values::Reals(vec![-2.0, 256.0])));
    }

    #[test]
    fn a_compressed_file_reads_the_same() {
        let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
        encoder.write_all(IMAGES).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(table("a-ubyte.gz", &packed).unwrap().columns, table("a-ubyte", IMAGES).unwrap().columns);
        let cut = Problem::from(table("a-ubyte.gz", &packed[..packed.len() - 9]).unwrap_err());
        assert_eq!(cut.code, "ppl::data::gzip");
    }

    #[test]
    fn a_cut_file_says_what_is_missing() {
        let problem = Problem::from(column("a-ubyte", &IMAGES[..18]).unwrap_err());
        assert_eq!(problem.message, "a-ubyte is truncated: its header promises 20 bytes, it has 18");
        let problem = Problem::from(column("a-ubyte", b"PK\x03\x04").unwrap_err());
        assert_eq!(problem.message, "a-ubyte is not an IDX file: it begins with the bytes 50 4b 03 04");
    }
}
