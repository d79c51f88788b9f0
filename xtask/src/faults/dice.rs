//! A seeded generator and the damage that it does to bytes.

/// SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`, which is at least 1.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub(crate) fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }

    /// A range of at most `most` bytes within `len`.
    fn range(&mut self, len: usize, most: usize) -> std::ops::Range<usize> {
        let start = self.below(len + 1);
        start..len.min(start + 1 + self.below(most))
    }

    /// Bytes with one or two kinds of damage, and what was done. Half of it falls on the first 160
    /// bytes, where headers are.
    pub(crate) fn damage(&mut self, bytes: &[u8]) -> (Vec<u8>, String) {
        let mut bytes = bytes.to_vec();
        let mut what = Vec::new();
        for _ in 0..1 + self.below(2) {
            let reach = if self.below(2) == 0 {
                bytes.len().min(160)
            } else {
                bytes.len()
            };
            what.push(match self.below(8) {
                0 | 1 if reach > 0 => {
                    let flips = 1 + self.below(4);
                    for _ in 0..flips {
                        let at = self.below(reach);
                        bytes[at] ^= 1 << self.below(8);
                    }
                    format!("{flips} bits flipped in the first {reach} bytes")
                }
                2 => {
                    let end = self.below(reach + 1);
                    bytes.truncate(end);
                    format!("cut to {end}")
                }
                3 => {
                    let at = self.below(reach + 1);
                    let n = 1 + self.below(40);
                    let new = self.bytes(n);
                    bytes.splice(at..at, new);
                    format!("{n} bytes inserted at {at}")
                }
                4 => {
                    let range = self.range(reach, 40);
                    let what = format!("{range:?} removed");
                    bytes.drain(range);
                    what
                }
                5 => {
                    let range = self.range(reach, 16);
                    let value = *self.pick(&[0, 255, b' ', b'9', b'\n']);
                    let what = format!("{range:?} filled with {value}");
                    bytes[range].fill(value);
                    what
                }
                6 => {
                    let range = self.range(reach, 64);
                    let what = format!("{range:?} doubled");
                    let copy = bytes[range.clone()].to_vec();
                    bytes.splice(range.end..range.end, copy);
                    what
                }
                _ => {
                    let n = 1 + self.below(600);
                    bytes.extend(std::iter::repeat_n(0, n));
                    format!("{n} zeros appended")
                }
            });
        }
        (bytes, what.join(", "))
    }
}
