//! NPZ: a ZIP archive of NPY arrays, one a column, called by its key.

use crate::data::Table;
use crate::data::problems::FileProblem;
use crate::data::read::{Format, npy, zip};

pub fn read(name: &str, bytes: &[u8]) -> Result<Table, FileProblem> {
    let broken = |why: String| FileProblem::Damaged {
        file: name.into(),
        format: Format::Npz,
        why,
        help: Some("write it with `np.savez(file, x=x, y=y)`, or copy it again".into()),
    };
    let mut columns = vec![];
    for member in zip::members(bytes).map_err(&broken)? {
        let Some(key) = member.name.strip_suffix(".npy") else {
            return Err(broken(format!("holds `{}`, which is no array", member.name)));
        };
        let bytes = member.bytes().map_err(&broken)?;
        columns.push(npy::column(&format!("{name}, array `{key}`"), Format::Npz, key, &bytes)?);
    }
    if columns.is_empty() {
        return Err(FileProblem::Empty { file: name.into() });
    }
    Ok(Table { name: name.into(), alias: None, columns, lines: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Values;
    use crate::problem::Problem;

    /// Written by NumPy: `np.savez_compressed` of `x = [[1, 2], [3, 4.5]]`, `n = 3` (int64) and `who = ["ann", "bo"]`.
    const PACKED: &[u8] = include_bytes!("../../../tests/files/numpy.npz");

    #[test]
    fn keys_are_columns() {
        let columns = read("d.npz", PACKED).unwrap().columns;
        let names: Vec<&str> = columns.iter().filter_map(|column| column.name.as_deref()).collect();
        assert_eq!(names, ["x", "n", "who"]);
        assert_eq!(columns[0].shape, [2, 2]);
        assert_eq!(columns[0].values, Values::Reals(vec![1.0, 2.0, 3.0, 4.5]));
        assert_eq!((columns[1].shape.len(), &columns[1].values), (0, &Values::Reals(vec![3.0])));
        assert_eq!(columns[2].values, Values::Text(vec!["ann".into(), "bo".into()]));
    }

    #[test]
    fn damage_is_found() {
        let message = |bytes: &[u8]| Problem::from(read("d.npz", bytes).unwrap_err()).message;
        assert_eq!(message(b"\x93NUMPY"), "d.npz is not a ZIP archive: it begins with the bytes 93 4e 55 4d");
        assert_eq!(message(&PACKED[..200]), "d.npz is truncated: it has no directory at its end");
        let mut flipped = PACKED.to_vec();
        flipped[80] ^= 4;
        assert!(message(&flipped).starts_with("d.npz "), "{}", message(&flipped));
        assert!(read("d.npz", &PACKED[10..]).is_err());
    }
}
