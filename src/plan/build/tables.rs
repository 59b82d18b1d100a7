//! Look-ups in several tables at once.

use super::Builder;
use crate::plan::{Binary, NodeId, Reduce};

/// Places are numbers of a plan: the whole numbers that single precision tells apart.
pub const WHOLE_IN_F32: usize = 1 << f32::MANTISSA_DIGITS;

impl Builder {
    /// Rows of tables that stand one after another along the first `tables` axes, which the index has too.
    pub fn gather_each(&mut self, table: NodeId, index: NodeId, tables: usize) -> NodeId {
        if tables == 0 {
            return self.gather(table, index);
        }
        let (shape, of) = (self.shape(table).to_vec(), self.shape(index).to_vec());
        let (count, rows) = (shape[..tables].iter().product::<usize>(), shape[tables]);
        if count * rows > WHOLE_IN_F32 {
            return self.picked_by_mask(table, index, tables);
        }
        let flat: Vec<usize> = [count * rows].into_iter().chain(shape[tables + 1..].iter().copied()).collect();
        let table = self.reshape(table, &flat);
        let starts = self.iota(count);
        let by = self.literal(rows as f64, &[1]);
        let starts = self.binary(Binary::Mul, starts, by);
        let ones = std::iter::repeat_n(1, of.len() - tables);
        let starts = self.reshape(starts, &of[..tables].iter().copied().chain(ones).collect::<Vec<_>>());
        let places = self.binary(Binary::Add, starts, index);
        self.gather(table, places)
    }

    /// The same by a sum over each table's rows, of which all but one count as 0.
    fn picked_by_mask(&mut self, table: NodeId, index: NodeId, tables: usize) -> NodeId {
        let (shape, of) = (self.shape(table).to_vec(), self.shape(index).to_vec());
        let (rows, rest, inner) = (shape[tables], &shape[tables + 1..], &of[tables..]);
        let spread = [&of[..], &[1], &vec![1; rest.len()]].concat();
        let index = self.reshape(index, &spread);
        let places = self.iota(rows);
        let places = self.reshape(places, &[&vec![1; of.len()][..], &[rows], &vec![1; rest.len()]].concat());
        let mask = self.binary(Binary::Equal, index, places);
        let table = self.reshape(table, &[&shape[..tables], &vec![1; inner.len()], &[rows], rest].concat());
        let zero = self.literal(0.0, &vec![1; of.len() + 1 + rest.len()]);
        let kept = self.select(mask, table, zero);
        self.reduce(Reduce::Sum, kept, &[of.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::evaluate_once;

    /// Tables `[2, 3, rows, width]`, an index `[2, 3, 2]`.
    fn looked_up(how: fn(&mut Builder, NodeId, NodeId, usize) -> NodeId) -> Vec<f64> {
        let mut b = Builder::new();
        let table = b.input("table", &[2, 3, 4, 5]);
        let index = b.input("index", &[2, 3, 2]);
        let found = how(&mut b, table, index, 2);
        assert_eq!(b.shape(found), [2, 3, 2, 5]);
        b.output("found", found);
        let table: Vec<f64> = (0..120).map(f64::from).collect();
        let index = [0.0, 3.0, 1.0, 1.0, 2.0, 0.0, 3.0, 3.0, 0.0, 1.0, 2.0, 2.0];
        evaluate_once(&b.finish().unwrap(), &[&table, &index]).unwrap().remove(0)
    }

    #[test]
    fn each_index_looks_into_its_own_table() {
        let found = looked_up(Builder::gather_each);
        // Table 1 of the first, row 1, twice; table 2 of the second, row 2.
        assert_eq!(found[10..15], [25.0, 26.0, 27.0, 28.0, 29.0]);
        assert_eq!(found[50..55], [110.0, 111.0, 112.0, 113.0, 114.0]);
        assert_eq!(found, looked_up(Builder::picked_by_mask));
    }
}
