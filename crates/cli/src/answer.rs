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

/// `answer`: the predicted labels, one byte each in evaluation order, the rows of `results` one after the other. Where
/// any of them is above 255, which only own matrices can have, all are four bytes each, little-endian.
pub(crate) fn answer(predicted: &[Vec<u32>]) -> String {
    let fit_bytes = predicted.iter().flatten().all(|&label| label <= 255);
    let mut hash = Fnv1a::new();
    for label in predicted.iter().flatten() {
        let bytes = label.to_le_bytes();
        hash.update(if fit_bytes { &bytes[..1] } else { &bytes });
    }
    hash.hex()
}

/// A distance on its way into hashes and files.
pub(crate) trait Recorded: Copy {
    /// The dtype of the array of pairs that `--neighbors-out` writes: it holds distances and indices, both exactly.
    const PAIR_DTYPE: &'static str;

    /// The number itself, or the bits of a float: what `neighbors_answer` hashes.
    fn bits(self) -> u32;

    /// Whether it stands for a number: sums of floats can be beyond the largest one.
    fn is_number(self) -> bool;

    /// Appends distance and index as elements of [`Recorded::PAIR_DTYPE`].
    fn write_pair(self, index: u32, bytes: &mut Vec<u8>);
}

impl Recorded for u32 {
    const PAIR_DTYPE: &'static str = "<u4";

    fn bits(self) -> u32 {
        self
    }

    fn is_number(self) -> bool {
        true
    }

    fn write_pair(self, index: u32, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
        bytes.extend_from_slice(&index.to_le_bytes());
    }
}

impl Recorded for f32 {
    const PAIR_DTYPE: &'static str = "<f8";

    fn bits(self) -> u32 {
        self.to_bits()
    }

    fn is_number(self) -> bool {
        self.is_finite()
    }

    fn write_pair(self, index: u32, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&f64::from(self).to_le_bytes());
        bytes.extend_from_slice(&f64::from(index).to_le_bytes());
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
        let row = |text: &str| text.bytes().map(u32::from).collect::<Vec<_>>();
        assert_eq!(answer(&[row("foo"), row("bar")]), "85944171f73967e8");
    }

    #[test]
    fn one_large_label_makes_all_of_them_four_bytes() {
        let mut hash = Fnv1a::new();
        hash.update(&[7, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(answer(&[vec![7], vec![256]]), hash.hex());
        assert_ne!(answer(&[vec![7], vec![255]]), answer(&[vec![7], vec![511]]));
    }

    #[test]
    fn pairs_are_little_endian_and_exact() {
        let mut bytes = Vec::new();
        258_u32.write_pair(4, &mut bytes);
        assert_eq!(bytes, [2, 1, 0, 0, 4, 0, 0, 0]);
        bytes.clear();
        0.1_f32.write_pair(u32::MAX, &mut bytes);
        let floats: Vec<f64> = bytes
            .chunks(8)
            .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        assert_eq!(floats, [f64::from(0.1_f32), 4_294_967_295.0]);
        assert_eq!(0.1_f32.bits(), 0.1_f32.to_bits());
    }
}
