//! The stratified split: literal rows, so that a split of today is the split of every later version,
//! and its promises on arbitrary labels.

use std::collections::BTreeMap;

use nearplane_models::selection::{SplitError, stratified_split};
use proptest::prelude::*;

/// The rows come from a second implementation of PCG XSL RR 128/64, Fisher-Yates and Lemire's
/// bounded numbers, written in Python from their definitions.
#[test]
fn rows_are_pinned() {
    let labels: Vec<u32> = (0..30).map(|row| row % 3).collect();
    let cases: [(u64, [u32; 9]); 3] = [
        (0, [1, 3, 7, 11, 18, 20, 21, 23, 25]),
        (1, [1, 6, 12, 14, 16, 17, 22, 23, 27]),
        (u64::MAX, [0, 2, 4, 7, 8, 18, 21, 23, 25]),
    ];
    for (seed, validation) in cases {
        let split = stratified_split(&labels, 0.3, seed).unwrap();
        assert_eq!(split.validation, validation, "seed {seed}");
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
        Err(SplitError::ClassTooSmall { label: 7 })
    );
}

fn counts(labels: &[u32], rows: &[u32]) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for &row in rows {
        *counts.entry(labels[row as usize]).or_default() += 1;
    }
    counts
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

    /// Where no class is so small that it would be emptied, its share is exact to within one row.
    #[test]
    fn shares_are_within_one_row(sizes in prop::collection::vec(20_usize..90, 1..8), part in 0.06..0.94_f64) {
        let labels: Vec<u32> = sizes
            .iter()
            .enumerate()
            .flat_map(|(class, &size)| std::iter::repeat_n(class as u32, size))
            .collect();
        let split = stratified_split(&labels, part, 1).unwrap();
        for (class, count) in counts(&labels, &split.validation) {
            let owed = sizes[class as usize] as f64 * part;
            prop_assert!((count as f64 - owed).abs() < 1.0 + 1e-9, "{} of {}", count, owed);
        }
    }
}
