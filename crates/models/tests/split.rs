//! Splits and folds: literal rows, so that a split of today is the split of every later version, and their
//! promises on arbitrary labels.

use std::collections::BTreeMap;

use nearplane_models::selection::{
    Folds, SplitError, shuffled_split, shuffled_three_way_split, stratified_split,
    stratified_three_way_split,
};
use proptest::prelude::*;

/// The rows come from a second implementation of PCG XSL RR 128/64, Fisher-Yates and Lemire's
/// bounded numbers, written in Python from their definitions: `golden/split.py`.
#[test]
fn rows_are_pinned() {
    let labels: Vec<u32> = (0..30).map(|row| row % 3).collect();
    let cases: [(u64, [u32; 9], [u32; 9]); 3] = [
        (
            0,
            [1, 3, 7, 11, 18, 20, 21, 23, 25],
            [4, 5, 7, 16, 17, 20, 23, 24, 25],
        ),
        (
            1,
            [1, 6, 12, 14, 16, 17, 22, 23, 27],
            [1, 4, 6, 13, 18, 20, 21, 24, 27],
        ),
        (
            u64::MAX,
            [0, 2, 4, 7, 8, 18, 21, 23, 25],
            [2, 7, 9, 10, 12, 13, 16, 20, 22],
        ),
    ];
    for (seed, stratified, shuffled) in cases {
        let split = stratified_split(&labels, 0.3, seed).unwrap();
        assert_eq!(split.validation, stratified, "seed {seed}");
        let split = shuffled_split(30, 0.3, seed).unwrap();
        assert_eq!(split.validation, shuffled, "seed {seed}");
    }
}

/// Classes of 5, 9, 8 and 8 rows.
fn uneven(n: u32) -> Vec<u32> {
    (0..n).map(|row| row * row % 7).collect()
}

#[test]
fn rows_of_three_parts_are_pinned() {
    let cases: [(u64, [u32; 9], [u32; 6]); 2] = [
        (0, [0, 3, 4, 6, 7, 12, 13, 16, 22], [1, 9, 17, 21, 24, 27]),
        (
            u64::MAX,
            [0, 7, 8, 15, 18, 20, 23, 24, 26],
            [1, 4, 5, 11, 13, 21],
        ),
    ];
    for (seed, validation, test) in cases {
        let split = stratified_three_way_split(&uneven(30), 0.3, 0.2, seed).unwrap();
        assert_eq!(
            (&split.validation[..], &split.test[..]),
            (&validation[..], &test[..])
        );
    }
    let cases: [(u64, [u32; 9], [u32; 6]); 2] = [
        (0, [0, 3, 4, 6, 7, 12, 20, 26, 27], [5, 16, 17, 23, 24, 25]),
        (
            u64::MAX,
            [0, 2, 3, 4, 7, 9, 14, 25, 26],
            [10, 12, 13, 16, 20, 22],
        ),
    ];
    for (seed, validation, test) in cases {
        let split = shuffled_three_way_split(30, 0.3, 0.2, seed).unwrap();
        assert_eq!(
            (&split.validation[..], &split.test[..]),
            (&validation[..], &test[..])
        );
    }
}

#[test]
fn folds_are_pinned() {
    let cases: [(u64, [u32; 23], [u32; 23]); 3] = [
        (
            0,
            [
                2, 4, 3, 1, 1, 0, 4, 1, 3, 3, 2, 2, 0, 0, 4, 1, 4, 2, 0, 0, 2, 1, 3,
            ],
            [
                2, 1, 1, 2, 0, 2, 0, 3, 2, 2, 3, 1, 4, 0, 1, 3, 3, 4, 1, 0, 4, 0, 4,
            ],
        ),
        (
            1,
            [
                3, 4, 4, 2, 0, 0, 2, 3, 1, 2, 0, 1, 3, 2, 0, 3, 1, 1, 2, 1, 0, 4, 4,
            ],
            [
                3, 3, 2, 2, 4, 3, 0, 2, 2, 1, 0, 3, 0, 0, 1, 4, 4, 1, 1, 2, 1, 0, 4,
            ],
        ),
        (
            u64::MAX,
            [
                3, 2, 4, 1, 1, 2, 2, 1, 0, 2, 1, 0, 0, 1, 3, 0, 4, 0, 4, 3, 2, 3, 4,
            ],
            [
                3, 2, 4, 2, 1, 2, 1, 2, 4, 1, 1, 4, 3, 0, 0, 4, 2, 0, 3, 0, 3, 1, 0,
            ],
        ),
    ];
    for (seed, shuffled, stratified) in cases {
        assert_eq!(Folds::shuffled(23, 5, seed).unwrap().of_rows(), shuffled);
        let folds = Folds::stratified(&uneven(23), 5, seed).unwrap();
        assert_eq!(folds.of_rows(), stratified);
    }
    // The seeds of repeats follow each other, from the last to the first.
    let repeats = Folds::repeated(3, u64::MAX, |seed| Folds::shuffled(23, 5, seed)).unwrap();
    let of_rows: Vec<&[u32]> = repeats.iter().map(Folds::of_rows).collect();
    assert_eq!(of_rows, [&cases[2].1, &cases[0].1, &cases[1].1]);
}

/// FNV-1a, 64 bits, of words of 4 bytes, little-endian.
fn checksum(numbers: &[u32]) -> u64 {
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Labels as mixed and as many as CIFAR-10's, whatever the pool of threads.
#[test]
fn large_splits_and_folds_are_pinned() {
    let labels: Vec<u32> = (0..50_000).map(|row| row * 7919 % 10).collect();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let split = stratified_split(&labels, 0.1, 0).unwrap();
            assert_eq!(checksum(&split.validation), 0x5629_2279_24e3_bbb0);
            let split = stratified_three_way_split(&labels, 0.1, 0.2, 0).unwrap();
            assert_eq!(checksum(&split.validation), 0x2a7a_9142_131c_0fd1);
            assert_eq!(checksum(&split.test), 0x17ce_885f_0068_bbd3);
            let folds = Folds::shuffled(50_000, 5, 0).unwrap();
            assert_eq!(checksum(folds.of_rows()), 0xc3d5_48c8_bb84_1635);
            let folds = Folds::stratified(&labels, 5, 0).unwrap();
            assert_eq!(checksum(folds.of_rows()), 0x74ac_557d_0461_4925);
        });
    }
}

/// Labels as mixed and as many as CIFAR-10's.
#[test]
fn a_large_split_is_pinned() {
    let labels: Vec<u32> = (0..50_000).map(|row| row * 7919 % 10).collect();
    let split = stratified_split(&labels, 0.1, 0).unwrap();
    assert_eq!((split.train.len(), split.validation.len()), (45_000, 5_000));
    assert_eq!(split.validation[..8], [0, 2, 12, 21, 34, 40, 46, 49]);
    assert_eq!(split.validation[4996..], [49_975, 49_989, 49_991, 49_993]);
    assert_eq!(split.validation.iter().sum::<u32>(), 124_547_430);
}

#[test]
fn what_cannot_be_split_is_refused() {
    assert_eq!(stratified_split(&[], 0.1, 0), Err(SplitError::Empty));
    for part in [0.0, 1.0, -0.1, 1.1, f64::INFINITY] {
        assert_eq!(
            stratified_split(&[0, 0], part, 0),
            Err(SplitError::Fraction(part))
        );
    }
    assert!(matches!(
        stratified_split(&[0, 0], f64::NAN, 0),
        Err(SplitError::Fraction(_))
    ));
    assert_eq!(
        stratified_split(&[5, 7, 5], 0.5, 0),
        Err(SplitError::ClassTooSmall {
            label: 7,
            n_rows: 1,
            n_parts: 2
        })
    );
    for n_rows in [0, 1] {
        assert_eq!(
            shuffled_split(n_rows, 0.5, 0),
            Err(SplitError::TooFewRows { n_rows, n_parts: 2 })
        );
    }
    assert_eq!(shuffled_split(2, 0.0, 0), Err(SplitError::Fraction(0.0)));
}

#[test]
fn what_cannot_be_split_into_three_is_refused() {
    let parts = [
        (0.0, 0.5),
        (0.5, 0.0),
        (-0.1, 0.5),
        (0.5, -0.1),
        (0.5, 0.5),
        (0.9, 0.2),
        (f64::NAN, 0.2),
        (0.2, f64::NAN),
    ];
    for (validation, test) in parts {
        let found = stratified_three_way_split(&[0; 9], validation, test, 0);
        assert!(matches!(found, Err(SplitError::Fractions { .. })));
        let found = shuffled_three_way_split(9, validation, test, 0);
        assert!(matches!(found, Err(SplitError::Fractions { .. })));
    }
    assert_eq!(
        stratified_three_way_split(&[], 0.1, 0.1, 0),
        Err(SplitError::Empty)
    );
    let error = stratified_three_way_split(&[5, 7, 5, 7, 7], 0.1, 0.1, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "class 5 has 2 rows, but a split needs at least 3 rows of each class: add rows of it or leave it out"
    );
    let error = shuffled_three_way_split(2, 0.1, 0.1, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 rows cannot be split into 3 parts: each needs at least 1 row"
    );
    let all = shuffled_three_way_split(3, 0.9, 0.05, 0).unwrap();
    assert_eq!(
        (all.train.len(), all.validation.len(), all.test.len()),
        (1, 1, 1)
    );
}

fn counts(labels: &[u32], rows: &[u32]) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for &row in rows {
        *counts.entry(labels[row as usize]).or_default() += 1;
    }
    counts
}

/// Rows of each class one after the other.
fn of_sizes(sizes: &[usize]) -> Vec<u32> {
    let classes = (0..).zip(sizes);
    let rows = classes.flat_map(|(class, &size)| std::iter::repeat_n(class, size));
    rows.collect()
}

proptest! {
    #[test]
    fn every_row_once_and_every_class_on_both_sides(
        mut labels in prop::collection::vec(0_u32..6, 0..300),
        part in 0.01..0.99_f64,
        seed: u64,
    ) {
        // Two rows of each class at least; u32::MAX is as good a label as any.
        labels.extend((0..6).chain(0..6).chain([u32::MAX, u32::MAX]));
        let n = labels.len();
        let split = stratified_split(&labels, part, seed).unwrap();

        prop_assert!(split.train.is_sorted() && split.validation.is_sorted());
        let mut all = [split.train.clone(), split.validation.clone()].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..n as u32).collect::<Vec<u32>>());

        let total = ((n as f64 * part).round() as usize).clamp(7, n - 7);
        prop_assert_eq!(split.validation.len(), total);
        prop_assert_eq!(counts(&labels, &split.train).len(), 7);
        prop_assert_eq!(counts(&labels, &split.validation).len(), 7);
    }

    #[test]
    fn three_parts_hold_every_row_once(
        mut labels in prop::collection::vec(0_u32..6, 0..300),
        parts in (0.01..0.49_f64, 0.01..0.49_f64),
        seed: u64,
    ) {
        for _ in 0..3 {
            labels.extend(0..6);
        }
        let (n, (validation, test)) = (labels.len(), parts);
        let stratified = stratified_three_way_split(&labels, validation, test, seed).unwrap();
        let shuffled = shuffled_three_way_split(n, validation, test, seed).unwrap();
        for split in [&stratified, &shuffled] {
            let parts = [&split.train, &split.validation, &split.test];
            prop_assert!(parts.iter().all(|part| part.is_sorted()));
            let mut all = [&split.train[..], &split.validation, &split.test].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..n as u32).collect::<Vec<u32>>());
        }
        let owed = |part: f64| (n as f64 * part).round() as usize;
        prop_assert_eq!(stratified.test.len(), owed(test).clamp(6, n - 12));
        prop_assert_eq!(shuffled.test.len(), owed(test).max(1));
        prop_assert_eq!(shuffled.validation.len(), owed(validation).max(1));
        let most = n - stratified.test.len() - 6;
        prop_assert_eq!(stratified.validation.len(), owed(validation).clamp(6, most));
        for part in [&stratified.train, &stratified.validation, &stratified.test] {
            prop_assert_eq!(counts(&labels, part).len(), 6);
        }
        // What is set aside for choosing does not move what judges.
        let other = stratified_three_way_split(&labels, validation / 2.0, test, seed).unwrap();
        prop_assert_eq!(&other.test, &stratified.test);
        let other = shuffled_three_way_split(n, validation / 2.0, test, seed).unwrap();
        prop_assert_eq!(&other.test, &shuffled.test);
        let two = shuffled_split(n, test, seed).unwrap();
        prop_assert_eq!(two.validation, shuffled.test);
    }

    /// The same rows judge whether or not others are set aside for choosing.
    #[test]
    fn test_rows_are_those_of_two_parts(sizes in prop::collection::vec(20_usize..90, 1..8), part in 0.06..0.8_f64) {
        let labels = of_sizes(&sizes);
        let three = stratified_three_way_split(&labels, 0.1, part, 5).unwrap();
        let two = stratified_split(&labels, part, 5).unwrap();
        prop_assert_eq!(&two.validation, &three.test);
        for (class, count) in counts(&labels, &three.validation) {
            let owed = sizes[class as usize] as f64 * 0.1;
            prop_assert!((count as f64 - owed).abs() < 1.0 + 1e-9, "{} of {}", count, owed);
        }
    }

    /// Where no class is so small that it would be emptied, its share is exact to within one row.
    #[test]
    fn shares_are_within_one_row(sizes in prop::collection::vec(20_usize..90, 1..8), part in 0.06..0.94_f64) {
        let labels = of_sizes(&sizes);
        let split = stratified_split(&labels, part, 1).unwrap();
        for (class, count) in counts(&labels, &split.validation) {
            let owed = sizes[class as usize] as f64 * part;
            prop_assert!((count as f64 - owed).abs() < 1.0 + 1e-9, "{} of {}", count, owed);
        }
    }
}
