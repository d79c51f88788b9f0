//! The hashes by which two runs are compared: equal labels and equal neighbours give equal strings, on every system.

/// FNV-1a, 64 bits: `h = (h xor byte) * prime` over the bytes, from the offset basis.
/// Source: Fowler, Noll, Vo; RFC 9923.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fnv1a(u64);

impl Fnv1a {
    /// The hash of no bytes.
    pub(crate) const fn new() -> Fnv1a {
        Fnv1a(0xcbf2_9ce4_8422_2325)
    }

    /// Appends bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Sixteen hex digits.
    pub(crate) fn hex(self) -> String {
        format!("{:016x}", self.0)
    }
}

/// `answer`: the predicted labels, one byte each in evaluation order, the rows of `results` one after the other.
pub(crate) fn answer(predicted: &[Vec<u8>]) -> String {
    let mut hash = Fnv1a::new();
    for row in predicted {
        hash.update(row);
    }
    hash.hex()
}

/// Interleaves (distance, index) pairs as little-endian u32 into `bytes`, which is cleared first: the layout of
/// `neighbors_answer` and of the array that `--neighbors-out` writes.
pub(crate) fn pair_bytes(
    distances: &[u32],
    indices: impl IntoIterator<Item = u32>,
    bytes: &mut Vec<u8>,
) {
    bytes.clear();
    for (distance, index) in distances.iter().zip(indices) {
        bytes.extend_from_slice(&distance.to_le_bytes());
        bytes.extend_from_slice(&index.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values_come_out() {
        let hex = |text: &str| {
            let mut hash = Fnv1a::new();
            hash.update(text.as_bytes());
            hash.hex()
        };
        assert_eq!(hex(""), "cbf29ce484222325");
        assert_eq!(hex("a"), "af63dc4c8601ec8c");
        assert_eq!(hex("foobar"), "85944171f73967e8");
    }

    #[test]
    fn rows_are_hashed_one_after_the_other() {
        assert_eq!(
            answer(&[b"foo".to_vec(), b"bar".to_vec()]),
            "85944171f73967e8"
        );
    }

    #[test]
    fn pairs_are_interleaved_little_endian() {
        let mut bytes = vec![9];
        pair_bytes(&[1, 258], [3, 4], &mut bytes);
        assert_eq!(bytes, [1, 0, 0, 0, 3, 0, 0, 0, 2, 1, 0, 0, 4, 0, 0, 0]);
    }
}
