//! Two models on the same rows: which one is right more often, and whether that can be luck.
//!
//! Both are judged by the same rows, so that a row on which both are right, or both wrong, says nothing about which is
//! better. What is left are the rows that one model has right and the other wrong.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rayon::prelude::*;

use super::{Accuracy, assert_same_length};
use crate::Monitor;
use crate::random::{binomial, generator_of};

/// What the generators of resamples are for.
const RESAMPLE: u64 = 0x7265_7361_6d70_6c65;

/// How often two models were right on the same rows: together, one alone, or neither.
///
/// ```
/// use nearplane_models::metrics::PairedOutcomes;
///
/// let truth = [0, 1, 2, 3];
/// let outcomes = PairedOutcomes::new(&[0, 1, 2, 0], &[0, 0, 0, 0], &truth);
/// assert_eq!((outcomes.both, outcomes.only_a, outcomes.only_b, outcomes.neither), (1, 2, 0, 1));
/// assert_eq!(outcomes.difference(), 0.5); // 3/4 - 1/4
/// assert_eq!(outcomes.mcnemar(), 0.5); // two rows of two: 1/4 each way
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a paired comparison is these four numbers"
)]
pub struct PairedOutcomes {
    /// Rows that both have right.
    pub both: u64,
    /// Rows that the first model has right and the second wrong.
    pub only_a: u64,
    /// Rows that the second model has right and the first wrong.
    pub only_b: u64,
    /// Rows that both have wrong, whether or not they agree.
    pub neither: u64,
}

impl PairedOutcomes {
    /// Counts the rows of two lists of predicted labels by which of them are the true ones.
    ///
    /// # Panics
    /// If the slices differ in length.
    #[must_use]
    pub fn new(a: &[u32], b: &[u32], truth: &[u32]) -> Self {
        assert_same_length(a, truth);
        assert_same_length(b, truth);
        let mut counts = [0; 4];
        for ((a, b), truth) in a.iter().zip(b).zip(truth) {
            counts[2 * usize::from(a == truth) + usize::from(b == truth)] += 1;
        }
        let [neither, only_b, only_a, both] = counts;
        Self {
            both,
            only_a,
            only_b,
            neither,
        }
    }

    /// Rows in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.both + self.only_a + self.only_b + self.neither
    }

    /// Rows that one of the two has right and the other wrong.
    #[must_use]
    pub fn discordant(&self) -> u64 {
        self.only_a + self.only_b
    }

    /// The accuracies of the first and of the second model.
    #[must_use]
    pub fn accuracies(&self) -> (Accuracy, Accuracy) {
        let of = |alone: u64| Accuracy {
            correct: self.both + alone,
            total: self.total(),
        };
        (of(self.only_a), of(self.only_b))
    }

    /// The accuracy of the first model minus that of the second: `(only_a - only_b) / total`, in -1..=1.
    ///
    /// Not a number if there are no rows.
    #[must_use]
    pub fn difference(&self) -> f64 {
        (self.only_a as f64 - self.only_b as f64) / self.total() as f64
    }

    /// The two-sided p-value of McNemar's exact test: how likely `only_a` and `only_b` are to lie at least so far apart
    /// where each discordant row falls to either side like a fair coin.
    ///
    /// With `n` discordant rows and `m` the smaller of the two counts, `min(1, 2 P(X <= m))` for `X` binomial
    /// `(n, 1/2)`; 1 where there are none, and 0 where it is below 1e-300. Never too small: the chance of a p-value of at most 0.05 between equally good
    /// models is at most 0.05. It tells two given predictors apart; that another training set would lead to the same
    /// order it does not say.
    ///
    /// Sources: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    /// percentages", Psychometrika 12 (1947), 153-157; T. G. Dietterich, "Approximate statistical tests for comparing
    /// supervised classification learning algorithms", Neural Computation 10 (1998), 1895-1923.
    #[must_use]
    pub fn mcnemar(&self) -> f64 {
        let (below, at) = self.tail();
        (2.0 * (below + at)).min(1.0)
    }

    /// The mid-p value of McNemar's test: `2 P(X < m) + P(X = m)`, as if half of what was seen were more extreme.
    ///
    /// The exact test is cautious, above all where few rows are discordant; this one comes nearer to the rate that it
    /// promises, and may pass it by a little. Source: M. W. Fagerland, S. Lydersen, P. Laake, "The McNemar test for
    /// binary matched-pairs data: mid-p and asymptotic are better than exact conditional", BMC Medical Research
    /// Methodology 13 (2013), 91.
    #[must_use]
    pub fn mcnemar_mid_p(&self) -> f64 {
        let (below, at) = self.tail();
        (2.0 * below + at).min(1.0)
    }

    /// `P(X < m)` and `P(X = m)`.
    fn tail(&self) -> (f64, f64) {
        let n = self.discordant();
        let m = self.only_a.min(self.only_b);
        // Binomial coefficients as multiples of the middle one, downwards from it: no logarithm rounds, and what
        // underflows is nothing beside their sum.
        let (mut term, mut half, mut below, mut at) = (1.0, 0.0, 0.0, 0.0);
        for i in (0..=n / 2).rev() {
            half += term;
            match i.cmp(&m) {
                Ordering::Less => below += term,
                Ordering::Equal => at = term,
                Ordering::Greater => {}
            }
            term *= i as f64 / (n - i + 1) as f64;
            // Below, factors near 1 are lost to rounding, and the terms would never end.
            if term < f64::MIN_POSITIVE {
                break;
            }
        }
        // The middle one stands alone where n is even.
        let all = 2.0 * half - if n.is_multiple_of(2) { 1.0 } else { 0.0 };
        (below / all, at / all)
    }

    /// The 95 % interval of the difference by the paired bootstrap: `(low, high)`.
    ///
    /// `n_resamples` times as many rows as there are are drawn with replacement, each with what both models made of it;
    /// the ends are the 2.5 % and the 97.5 % quantile of the differences found, interpolated linearly between
    /// neighbours as NumPy's `percentile` does. Only counts are drawn, which comes to the same: discordant rows from the
    /// binomial distribution of their share, those of the first model from them, with exact probabilities. Resample `i`
    /// has a generator of its own from `seed` and `i`: the same numbers on every system and for every number of threads.
    ///
    /// Where no row is discordant, neither are any that are drawn, and the interval is a point; where they are few, it
    /// is too narrow. `(-1, 1)` if there are no rows. `monitor` counts resamples; `None` if it cancelled.
    ///
    /// # Panics
    /// If `n_resamples` is 0.
    ///
    /// ```
    /// use nearplane_models::metrics::PairedOutcomes;
    ///
    /// let outcomes = PairedOutcomes { both: 3000, only_a: 850, only_b: 750, neither: 5400 };
    /// let (low, high) = outcomes.bootstrap_95(10_000, 0, &()).unwrap();
    /// assert!(0.0 < low && low < outcomes.difference() && outcomes.difference() < high);
    /// ```
    ///
    /// Source: B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall 1993, chapter 13.
    #[must_use]
    pub fn bootstrap_95(
        &self,
        n_resamples: u32,
        seed: u64,
        monitor: &dyn Monitor,
    ) -> Option<(f64, f64)> {
        assert!(n_resamples > 0, "0 resamples, expected at least 1");
        let total = self.total();
        if total == 0 {
            return Some((-1.0, 1.0));
        }
        let done = AtomicU64::new(0);
        let resample = |number: u64| {
            if monitor.cancelled() {
                return None;
            }
            let mut generator = generator_of(seed, RESAMPLE, number);
            let discordant = binomial(&mut generator, total, self.discordant(), total);
            let only_a = match self.discordant() {
                0 => 0,
                n => binomial(&mut generator, discordant, self.only_a, n),
            };
            let so_far = done.fetch_add(1, Relaxed) + 1;
            monitor.progress(so_far, u64::from(n_resamples));
            // only_a - only_b
            Some(2 * only_a as i64 - discordant as i64)
        };
        let numbers = (0..u64::from(n_resamples)).into_par_iter();
        let mut differences = numbers.map(resample).collect::<Option<Vec<i64>>>()?;
        differences.par_sort_unstable();
        let end = |part| quantile(&differences, part) / total as f64;
        Some((end(0.025), end(0.975)))
    }
}

/// Of sorted numbers, between neighbours linear.
fn quantile(sorted: &[i64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    let (low, high) = (sorted[low] as f64, sorted[high] as f64);
    low + (high - low) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::quantile;

    /// `np.percentile([1, 2, 4, 8, 16], [0, 2.5, 50, 97.5, 100])`
    #[test]
    fn quantiles_are_those_of_numpy() {
        let found = [0.0, 0.025, 0.5, 0.975, 1.0].map(|part| quantile(&[1, 2, 4, 8, 16], part));
        for (found, expected) in found.into_iter().zip([1.0, 1.1, 4.0, 15.2, 16.0]) {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
        assert_eq!(quantile(&[3], 0.975), 3.0);
    }
}
