//! Random numbers that are a function of a seed and of what they are for, the same on every system.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;

/// PCG's default stream.
const STREAM: u128 = 0x0a02_bdbf_7bb3_c0a7_ac28_fa16_a64a_bf96;

/// The generator behind a shuffle: PCG XSL RR 128/64 with state `seed` and PCG's default stream. Named
/// here in full, not through a `seed_from_u64`, whose meaning may change with a release of
/// `rand_core`; the tests of [`selection::split`](crate::selection::split) pin what comes out.
pub(crate) fn generator(seed: u64) -> Pcg64 {
    Pcg64::new(u128::from(seed), STREAM)
}

/// One of many generators of a seed: the state is two words mixed from all three numbers, so that
/// neighbouring ones share nothing.
pub(crate) fn generator_of(seed: u64, purpose: u64, number: u64) -> Pcg64 {
    let word = |half: u64| mix(mix(mix(mix(seed) ^ purpose) ^ number) ^ half);
    Pcg64::new(u128::from(word(1)) << 64 | u128::from(word(2)), STREAM)
}

/// A bijection in which every bit of the result depends on every bit given (Steele, Lea and Flood 2014,
/// "Fast splittable pseudorandom number generators", <https://doi.org/10.1145/2660193.2660195>).
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Fisher-Yates from the front: place `i` receives one of the items `i..`, each equally likely.
pub(crate) fn shuffle(items: &mut [u32], generator: &mut Pcg64) {
    for i in 0..items.len().saturating_sub(1) {
        let j = i + below(generator, (items.len() - i) as u64) as usize;
        items.swap(i, j);
    }
}

/// A number in `0..bound`, each equally likely: the high word of `random x bound`, drawn again
/// where the low word falls into the incomplete stretch (Lemire 2019, "Fast random integer
/// generation in an interval", <https://doi.org/10.1145/3230636>).
pub(crate) fn below(generator: &mut Pcg64, bound: u64) -> u64 {
    // 2^64 mod bound: so many of the 2^64 draws are one too many.
    let excess = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(generator.next_u64()) * u128::from(bound);
        if product as u64 >= excess {
            return (product >> 64) as u64;
        }
    }
}

/// A number in 0..1, each multiple of 2^-53 equally likely.
pub(crate) fn fraction(generator: &mut Pcg64) -> f64 {
    // 53 bits are what an f64 in 0..1 holds.
    ((generator.next_u64() >> 11) as f64) * (0.5f64).powi(53)
}

/// Whether an event of this probability happens.
pub(crate) fn happens(generator: &mut Pcg64, probability: f64) -> bool {
    fraction(generator) < probability
}

/// How many of `n` events happen, each with probability `numerator / denominator` (at most 1) and by itself.
///
/// 64 events at a time: each is a random binary fraction that is compared with the probability, digit by digit from
/// the first on, until all are decided. No digit is rounded, so that the distribution is exact.
pub(crate) fn binomial(generator: &mut Pcg64, n: u64, numerator: u64, denominator: u64) -> u64 {
    let block = |generator: &mut Pcg64| {
        let (mut happened, mut open) = (0, u64::MAX);
        // What the digits so far leave of the probability; 0: all that follow are 0, and nothing is below them.
        let mut rest = u128::from(numerator);
        while open != 0 && rest != 0 {
            rest *= 2;
            let is_one = rest >= u128::from(denominator);
            if is_one {
                rest -= u128::from(denominator);
            }
            let digits = generator.next_u64();
            if is_one {
                happened |= open & !digits;
                open &= digits;
            } else {
                open &= !digits;
            }
        }
        happened
    };
    let mut sum = 0;
    for _ in 0..n / 64 {
        sum += u64::from(block(generator).count_ones());
    }
    match n % 64 {
        0 => sum,
        last => sum + u64::from((block(generator) << (64 - last)).count_ones()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splitmix64's published numbers for seed 0, which are `mix` of multiples of its constant.
    #[test]
    fn words_are_mixed_as_published() {
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn generators_are_pinned_and_differ() {
        let shuffled = |seed, purpose, number| {
            let mut items: Vec<u32> = (0..8).collect();
            shuffle(&mut items, &mut generator_of(seed, purpose, number));
            items
        };
        let all = [
            shuffled(0, 0, 0),
            shuffled(1, 0, 0),
            shuffled(0, 1, 0),
            shuffled(0, 0, 1),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| a != b), "{all:?}");
        }
        assert_eq!(all[0], [0, 6, 3, 1, 7, 2, 4, 5]);
    }

    #[test]
    fn events_are_as_frequent_as_asked() {
        let mut generator = generator_of(7, 0, 0);
        let n = (0..10_000).filter(|_| happens(&mut generator, 0.3)).count();
        assert!((2800..3200).contains(&n), "{n}");
        assert!(!happens(&mut generator, 0.0) && happens(&mut generator, 1.0));
    }

    /// Each count of 70 events, which are a block and a part of one, as often as the distribution says.
    #[test]
    fn events_are_counted_as_often_as_the_distribution_says() {
        let (n, n_draws) = (70, 20_000);
        for (numerator, denominator) in [
            (1, 2),
            (1, 3),
            (5, 7),
            (1, 100),
            (999_999_937, 1_000_000_007),
        ] {
            let mut generator = generator_of(3, numerator, denominator);
            let mut found = vec![0_u32; n + 1];
            for _ in 0..n_draws {
                found[binomial(&mut generator, n as u64, numerator, denominator) as usize] += 1;
            }
            let p = numerator as f64 / denominator as f64;
            let mut expected = vec![0.0; n + 1];
            expected[0] = 1.0;
            for _ in 0..n {
                for count in (1..=n).rev() {
                    expected[count] = expected[count] * (1.0 - p) + expected[count - 1] * p;
                }
                expected[0] *= 1.0 - p;
            }
            for (count, (found, expected)) in found.iter().zip(expected).enumerate() {
                let expected = expected * f64::from(n_draws);
                let far = (f64::from(*found) - expected).abs();
                // 4.5 standard deviations of a Poisson number, and 4 draws where hardly any are expected.
                let bound = 4.0 + 4.5 * expected.sqrt();
                assert!(
                    far < bound,
                    "{numerator}/{denominator}, {count}: {found}, {expected}"
                );
            }
        }
        let mut generator = generator_of(3, 0, 0);
        for n in [0, 1, 63, 64, 65, 200] {
            assert_eq!(binomial(&mut generator, n, 0, 5), 0);
            assert_eq!(binomial(&mut generator, n, 5, 5), n);
        }
        let drawn = [(); 6].map(|()| binomial(&mut generator, 100, 1, 3));
        assert_eq!(drawn, [37, 29, 33, 33, 39, 37]);
    }
}
