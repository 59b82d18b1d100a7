//! Checksums that tell one model, bound or data set from another. They guard against mix-ups, not against malice.

use crate::data::{Array, Bound};

/// 128 bits as hexadecimal digits, in the manner of FNV-1a (Fowler, Noll & Vo) word by word.
pub fn hash(bytes: &[u8]) -> String {
    let mut state = Fnv::new();
    state.add(bytes);
    state.text()
}

/// Of every array with its shape, in the order of the model.
pub fn hash_data(bound: &Bound) -> String {
    let mut state = Fnv::new();
    for array in &bound.arrays {
        state.add(&(array.shape.len() as u64).to_le_bytes());
        for size in &array.shape {
            state.add(&(*size as u64).to_le_bytes());
        }
        match &array.values {
            Array::Bytes(bytes) => state.add(bytes),
            Array::Reals(reals) => reals.iter().for_each(|value| state.add(&value.to_bits().to_le_bytes())),
        }
    }
    state.text()
}

/// Two halves that see every word in different places. What it makes is written into runs: it never changes.
struct Fnv(u64, u64);

impl Fnv {
    fn new() -> Fnv {
        // The second half starts elsewhere, so that both together are 128 bits.
        Fnv(0xcbf2_9ce4_8422_2325, 0x8422_2325_cbf2_9ce4)
    }

    fn add(&mut self, bytes: &[u8]) {
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        // Words first: data of many megabytes are hashed in the time of a fit's start.
        let words = bytes.chunks_exact(8);
        let rest = words.remainder();
        for word in words {
            let word = u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
            self.0 = (self.0 ^ word).wrapping_mul(PRIME).rotate_left(29);
            self.1 = (self.1 ^ word.rotate_left(32)).wrapping_mul(PRIME).rotate_left(31);
        }
        for byte in rest {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(PRIME);
            self.1 = (self.1 ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }

    fn text(&self) -> String {
        format!("{:016x}{:016x}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_changes_the_hash() {
        let mut bytes = vec![7u8; 1000];
        let before = hash(&bytes);
        assert_eq!(before, hash(&bytes));
        for place in [0, 7, 8, 500, 999] {
            bytes[place] ^= 1;
            assert_ne!(before, hash(&bytes));
            bytes[place] ^= 1;
        }
        assert_ne!(hash(b"ab"), hash(b"ba"));
    }
}
