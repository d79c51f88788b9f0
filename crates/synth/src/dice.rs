//! Random numbers that are a function of what they are for.
//!
//! Every image has one stream for each [`Purpose`], keyed by seed, split, index and purpose. So an
//! image depends on nothing drawn before it, and turning one difficulty leaves every choice of the
//! others as it was.

use crate::fixed::ONE;

/// What a stream of random numbers decides. The discriminants are part of the bytes drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Which class each of ten consecutive images has.
    Label = 1,
    Viewpoint = 2,
    Background = 3,
    Illumination = 4,
    Occlusion = 5,
    Variation = 6,
    Noise = 7,
    /// What a random step of a perturbation does; its number stands in for the split.
    Perturbation = 8,
}

/// SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators",
/// <https://doi.org/10.1145/2714064.2660195>).
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    state: u64,
}

/// The odd number nearest to 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Dice {
    /// The stream of `purpose` for image (or block) `index` of split number `split`.
    pub(crate) fn new(seed: u64, split: u64, index: u64, purpose: Purpose) -> Self {
        let mut state: u64 = 0;
        for word in [seed, split, index, purpose as u64] {
            state = mix(state.wrapping_add(STEP) ^ mix(word.wrapping_add(STEP)));
        }
        Self { state }
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number in `0..bound` (`bound` at most 2^32; the bias is below `bound` / 2^32).
    pub(crate) fn below(&mut self, bound: i64) -> i64 {
        (((self.bits() >> 32) * bound as u64) >> 32) as i64
    }

    /// A fixed-point number in -1..1, evenly spread.
    pub(crate) fn signed(&mut self) -> i64 {
        self.below(2 * ONE) - ONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of SplitMix64 from state 1234567, as published with the Java and C
    /// versions of the algorithm.
    #[test]
    fn bits_are_those_of_splitmix64() {
        let mut dice = Dice { state: 1_234_567 };
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!([dice.bits(), dice.bits(), dice.bits()], expected);
    }

    #[test]
    fn streams_differ_in_every_key() {
        let first = |seed, split, index, purpose| Dice::new(seed, split, index, purpose).bits();
        let mut seen = vec![first(0, 0, 0, Purpose::Label)];
        seen.push(first(1, 0, 0, Purpose::Label));
        seen.push(first(0, 1, 0, Purpose::Label));
        seen.push(first(0, 0, 1, Purpose::Label));
        seen.push(first(0, 0, 0, Purpose::Viewpoint));
        seen.push(first(u64::MAX, 0, 0, Purpose::Label));
        let n = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), n);
    }

    #[test]
    fn numbers_fill_their_range_evenly() {
        let mut dice = Dice::new(0, 0, 0, Purpose::Noise);
        let mut counts = [0; 10];
        for _ in 0..10_000 {
            counts[dice.below(10) as usize] += 1;
            assert!((-ONE..ONE).contains(&dice.signed()));
        }
        // Five standard deviations of a count of 1,000 are 150.
        assert!(
            counts.iter().all(|&count| (850..1150).contains(&count)),
            "{counts:?}"
        );
    }
}
