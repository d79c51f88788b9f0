//! Two models on the same rows: McNemar's test and the paired bootstrap beside SciPy and statsmodels
//! (`golden/paired.py` made `golden/paired.csv`), beside their definitions, and for every number of threads.

use nearplane_models::Monitor;
use nearplane_models::metrics::{Accuracy, PairedOutcomes, accuracy, mean_interval_95};
use proptest::prelude::*;

fn outcomes(both: u64, only_a: u64, only_b: u64, neither: u64) -> PairedOutcomes {
    PairedOutcomes {
        both,
        only_a,
        only_b,
        neither,
    }
}

#[track_caller]
fn close(got: f64, want: f64, relative: f64, what: &str) {
    let far = (got - want).abs();
    assert!(far <= relative * want.abs(), "{what}: {got}, not {want}");
}

#[test]
fn scipy_and_statsmodels_say_the_same() {
    let mut seen = [0; 3];
    for line in include_str!("golden/paired.csv").lines() {
        let (kind, values) = line.split_once(',').unwrap();
        let values: Vec<f64> = values.split(',').map(|v| v.parse().unwrap()).collect();
        if kind == "mean" {
            let (low, high) = mean_interval_95(&values[3..], values[0]).unwrap();
            close(low, values[1], 1e-12, line);
            close(high, values[2], 1e-12, line);
            seen[0] += 1;
            continue;
        }
        let [both, only_a, only_b, neither] = [0, 1, 2, 3].map(|i| values[i] as u64);
        let found = outcomes(both, only_a, only_b, neither);
        if kind == "mcnemar" {
            close(found.mcnemar(), values[4], 1e-13, line);
            close(found.mcnemar_mid_p(), values[5], 1e-13, line);
            seen[1] += 1;
        } else {
            // A quantile of 10,000 resamples is off by 0.7 % of the interval's width (its standard error), and ends
            // are steps of one row.
            let (low, high) = found.bootstrap_95(10_000, 1, &()).unwrap();
            let step = 1.0 / found.total() as f64;
            let bound = 1.5 * step + 0.03 * (high - low);
            assert!((low - values[4]).abs() < bound, "{line}: {low}");
            assert!((high - values[5]).abs() < bound, "{line}: {high}");
            seen[2] += 1;
        }
    }
    assert_eq!(seen, [18, 12, 5]);
}

/// The distribution of the difference of infinitely many resamples: a row after the other, each discordant with its
/// share. Entry `i` is that of `i - total`.
fn exact_distribution(found: PairedOutcomes) -> Vec<f64> {
    let n = found.total() as usize;
    let share = |count: u64| count as f64 / n as f64;
    let (up, down) = (share(found.only_a), share(found.only_b));
    let mut chances = vec![0.0; 2 * n + 1];
    chances[n] = 1.0;
    for _ in 0..n {
        let at = |i: usize| chances.get(i).copied().unwrap_or_default();
        chances = (0..2 * n + 1)
            .map(|i| {
                let from_below = if i > 0 { at(i - 1) } else { 0.0 };
                at(i) * (1.0 - up - down) + from_below * up + at(i + 1) * down
            })
            .collect();
    }
    chances
}

#[test]
fn resamples_follow_the_exact_distribution() {
    for found in [
        outcomes(20, 9, 4, 27),
        outcomes(0, 30, 30, 1),
        outcomes(99, 1, 0, 0),
    ] {
        let n = found.total() as f64;
        let mut below = 0.0;
        let chances = exact_distribution(found);
        assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let (low, high) = found.bootstrap_95(40_000, 9, &()).unwrap();
        for (i, chance) in chances.iter().enumerate() {
            let difference = (i as f64 - n) / n;
            // A quantile of 40,000 draws is one of the distribution for a part that is 5 standard errors of it off.
            let slack = 0.004;
            if (difference - low).abs() < 1e-9 {
                assert!(below < 0.025 + slack && below + chance > 0.025 - slack);
            }
            if (difference - high).abs() < 1e-9 {
                assert!(below < 0.975 + slack && below + chance > 0.975 - slack);
            }
            below += chance;
        }
        // The ends are differences that rows can have, or the loop has checked nothing.
        for end in [low, high] {
            assert!((end * n - (end * n).round()).abs() < 1e-9, "{end}");
        }
    }
}

/// The numbers are those of the pinned generators, in any pool.
#[test]
fn the_seed_alone_draws_resamples() {
    let found = outcomes(3000, 850, 750, 5400);
    let run = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| found.bootstrap_95(1000, seed, &()).unwrap())
    };
    let alone = run(1, 0);
    assert_eq!(alone, run(2, 0));
    assert_eq!(alone, run(5, 0));
    assert_ne!(alone, run(1, 1));
    assert_eq!(alone, (0.0024, 0.0178));
}

#[test]
fn nothing_to_compare_is_not_a_number() {
    let none = PairedOutcomes::new(&[], &[], &[]);
    assert_eq!(none, outcomes(0, 0, 0, 0));
    assert!(none.difference().is_nan());
    assert_eq!((none.mcnemar(), none.mcnemar_mid_p()), (1.0, 1.0));
    assert_eq!(none.bootstrap_95(10, 0, &()), Some((-1.0, 1.0)));
    let same = outcomes(3, 0, 0, 4);
    assert_eq!((same.mcnemar(), same.difference()), (1.0, 0.0));
    assert_eq!(same.bootstrap_95(10, 0, &()), Some((0.0, 0.0)));
    assert_eq!(mean_interval_95(&[], 0.0), None);
    assert_eq!(mean_interval_95(&[0.5], 0.0), None);
    assert_eq!(mean_interval_95(&[0.5, 0.5], 0.25), Some((0.5, 0.5)));
}

/// A test that is sure takes no longer, and no p-value is negative.
#[test]
fn large_counts_are_no_trouble() {
    let sure = outcomes(0, 5_000_000_000, 1_000_000_000, 0);
    assert_eq!(sure.mcnemar(), 0.0);
    let even = outcomes(0, 5_000_000, 5_000_000, 0);
    close(even.mcnemar(), 1.0, 1e-12, "even");
    // Two standard deviations, by the normal distribution with the continuity correction.
    let far = outcomes(0, 500_000, 502_000, 0).mcnemar();
    assert!((far - 0.045_84).abs() < 1e-4, "{far}");
}

#[test]
#[should_panic(expected = "1 predicted labels for 2 true ones")]
fn lengths_must_agree() {
    let _ = PairedOutcomes::new(&[1, 2], &[1], &[1, 2]);
}

struct Never;

impl Monitor for Never {
    fn cancelled(&self) -> bool {
        true
    }
}

#[test]
fn resampling_can_be_cancelled() {
    assert_eq!(outcomes(1, 1, 1, 1).bootstrap_95(10, 0, &Never), None);
}

proptest! {
    #[test]
    fn outcomes_are_counts(rows in prop::collection::vec((0_u32..3, 0_u32..3, 0_u32..3), 1..200)) {
        let a: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let b: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let truth: Vec<u32> = rows.iter().map(|row| row.2).collect();
        let found = PairedOutcomes::new(&a, &b, &truth);
        let count = |is: fn(&(u32, u32, u32)) -> bool| rows.iter().filter(|row| is(row)).count() as u64;
        prop_assert_eq!(found.both, count(|row| row.0 == row.2 && row.1 == row.2));
        prop_assert_eq!(found.neither, count(|row| row.0 != row.2 && row.1 != row.2));
        prop_assert_eq!(found.only_a, count(|row| row.0 == row.2 && row.1 != row.2));
        prop_assert_eq!(found.total(), rows.len() as u64);
        let (of_a, of_b): (Accuracy, Accuracy) = found.accuracies();
        prop_assert_eq!((of_a, of_b), (accuracy(&a, &truth), accuracy(&b, &truth)));
        prop_assert!((found.difference() - (of_a.value() - of_b.value())).abs() < 1e-15);

        let swapped = PairedOutcomes::new(&b, &a, &truth);
        prop_assert_eq!(swapped.mcnemar(), found.mcnemar());
        prop_assert_eq!(swapped.difference(), -found.difference());
        let (p, mid) = (found.mcnemar(), found.mcnemar_mid_p());
        prop_assert!(0.0 < mid && mid <= p && p <= 1.0);
    }
}
