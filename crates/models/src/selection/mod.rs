//! Choosing honestly: which rows may fit a model and which ones judge it.
//!
//! Never choose on the training rows, never on the test set (LECTURE 3.1): [`split`] sets aside the
//! validation rows on which the choice is made.

pub mod split;

pub use split::{Split, SplitError, stratified_split};

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;

/// The one generator behind every shuffle: PCG XSL RR 128/64 with state `seed` and PCG's default
/// stream. Named here in full, not through a `seed_from_u64`, whose meaning may change with a
/// release of `rand_core`; the tests of [`split`] pin what comes out.
fn generator(seed: u64) -> Pcg64 {
    Pcg64::new(u128::from(seed), 0x0a02_bdbf_7bb3_c0a7_ac28_fa16_a64a_bf96)
}

/// Fisher-Yates from the front: place `i` receives one of the items `i..`, each equally likely.
fn shuffle(items: &mut [u32], generator: &mut Pcg64) {
    for i in 0..items.len().saturating_sub(1) {
        let j = i + below(generator, (items.len() - i) as u64) as usize;
        items.swap(i, j);
    }
}

/// A number in `0..bound`, each equally likely: the high word of `random x bound`, drawn again
/// where the low word falls into the incomplete stretch (Lemire 2019, "Fast random integer
/// generation in an interval", <https://doi.org/10.1145/3230636>).
fn below(generator: &mut Pcg64, bound: u64) -> u64 {
    // 2^64 mod bound: so many of the 2^64 draws are one too many.
    let excess = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(generator.next_u64()) * u128::from(bound);
        if product as u64 >= excess {
            return (product >> 64) as u64;
        }
    }
}
