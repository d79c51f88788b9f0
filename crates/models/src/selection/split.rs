//! The stratified train and validation split: every class gives the same share of its rows.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::random;
use thiserror::Error;

/// Row positions of the two parts of a split: both ascending, together every row once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Split {
    /// The rows that fit the model.
    pub train: Vec<u32>,
    /// The rows that judge it.
    pub validation: Vec<u32>,
}

/// Why rows cannot be split.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SplitError {
    /// No rows at all.
    #[error("there are no rows to split: a split needs at least 2 rows of each class")]
    Empty,
    /// The validation part is not a fraction, or is nothing, or is everything.
    #[error("the validation part is {0}, but must be above 0 and below 1")]
    Fraction(f64),
    /// A class that cannot be in both parts.
    #[error(
        "class {label} has 1 row, but a split needs at least 2 rows of each class: add rows of it or leave it out"
    )]
    ClassTooSmall {
        /// The label of the class.
        label: u32,
    },
    /// Positions are u32.
    #[error("{0} rows are too many: a split takes at most 4294967295")]
    TooManyRows(usize),
}

/// Splits rows into a training and a validation part, class by class; the same arguments give the
/// same rows on every system.
///
/// `labels[i]` is the class of row `i` (any numbers; a label without rows is no class). Of `n` rows
/// `round(n validation)` go to validation (halves up). Class `c` of `n_c` rows is owed
/// `n_c validation` of them and gets the whole part of that; what is then missing from the total goes
/// one by one to the classes with the largest remainder, on equal remainders to the lower label. No
/// class is left without rows on either side: each gives at least 1 and keeps at least 1, for which
/// classes with the smallest remainder give way; the total bends only where all classes together
/// cannot give as few, or as many. Which rows: each class, in the order of labels, is shuffled
/// (Fisher-Yates, PCG 64) and the first ones go to validation.
///
/// # Errors
/// [`SplitError`]: no rows, `validation` not inside (0, 1), a class of a single row, more than
/// 2^32 - 1 rows.
///
/// ```
/// use nearplane_models::selection::stratified_split;
///
/// let labels = [0, 0, 0, 0, 1, 1, 1, 1];
/// let split = stratified_split(&labels, 0.25, 0)?;
/// assert_eq!((split.train.len(), split.validation.len()), (6, 2));
/// assert_eq!(split.validation.iter().map(|&row| labels[row as usize]).collect::<Vec<u32>>(), [0, 1]);
/// # Ok::<(), nearplane_models::selection::SplitError>(())
/// ```
pub fn stratified_split(labels: &[u32], validation: f64, seed: u64) -> Result<Split, SplitError> {
    // Written so that a NaN fails, too.
    if !(validation > 0.0 && validation < 1.0) {
        return Err(SplitError::Fraction(validation));
    }
    if labels.is_empty() {
        return Err(SplitError::Empty);
    }
    let n_rows = u32::try_from(labels.len()).map_err(|_| SplitError::TooManyRows(labels.len()))?;

    let mut rows: Vec<u32> = (0..n_rows).collect();
    // Stable: within a class the rows start ascending, whatever the shuffle makes of them.
    rows.sort_by_key(|&row| labels[row as usize]);
    let mut classes: Vec<&mut [u32]> = rows
        .chunk_by_mut(|&a, &b| labels[a as usize] == labels[b as usize])
        .collect();
    if let Some(class) = classes.iter().find(|class| class.len() < 2) {
        return Err(SplitError::ClassTooSmall {
            label: labels[class[0] as usize],
        });
    }

    let sizes: Vec<usize> = classes.iter().map(|class| class.len()).collect();
    let quotas = quotas(&sizes, validation);
    let mut generator = random::generator(seed);
    let mut split = Split {
        train: Vec::new(),
        validation: Vec::new(),
    };
    for (class, quota) in classes.iter_mut().zip(quotas) {
        random::shuffle(class, &mut generator);
        let (validation, train) = class.split_at(quota);
        split.validation.extend_from_slice(validation);
        split.train.extend_from_slice(train);
    }
    split.train.sort_unstable();
    split.validation.sort_unstable();
    Ok(split)
}

/// A class by what it is still owed; of equal ones the lower label is the greater.
struct Ranked {
    remainder: f64,
    class: usize,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Ranked) -> Ordering {
        let by_remainder = self.remainder.total_cmp(&other.remainder);
        by_remainder.then(other.class.cmp(&self.class))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Ranked) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Ranked) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

/// The rows that each class gives to validation: largest remainder, each in `1..=size - 1`.
fn quotas(sizes: &[usize], validation: f64) -> Vec<usize> {
    let n_rows: usize = sizes.iter().sum();
    let lowest_total = sizes.len();
    let highest_total = n_rows - sizes.len();
    let total = ((n_rows as f64 * validation).round() as usize).clamp(lowest_total, highest_total);

    let owed = |class: usize| sizes[class] as f64 * validation;
    let mut quotas: Vec<usize> = (0..sizes.len())
        .map(|class| (owed(class) as usize).clamp(1, sizes[class] - 1))
        .collect();
    let ranked = |class: usize, quota: usize| Ranked {
        remainder: owed(class) - quota as f64,
        class,
    };
    // Only the class that changed moves in the ranking, so that a heap saves looking at all of them.
    let given: usize = quotas.iter().sum();
    let mut may_give: BinaryHeap<Ranked> = (0..sizes.len())
        .filter(|&class| given < total && quotas[class] < sizes[class] - 1)
        .map(|class| ranked(class, quotas[class]))
        .collect();
    for _ in given..total {
        let Some(Ranked { class, .. }) = may_give.pop() else {
            break;
        };
        quotas[class] += 1;
        if quotas[class] < sizes[class] - 1 {
            may_give.push(ranked(class, quotas[class]));
        }
    }
    let mut may_take: BinaryHeap<Reverse<Ranked>> = (0..sizes.len())
        .filter(|&class| given > total && quotas[class] > 1)
        .map(|class| Reverse(ranked(class, quotas[class])))
        .collect();
    for _ in total..given {
        let Some(Reverse(Ranked { class, .. })) = may_take.pop() else {
            break;
        };
        quotas[class] -= 1;
        if quotas[class] > 1 {
            may_take.push(Reverse(ranked(class, quotas[class])));
        }
    }
    quotas
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::quotas;

    /// The rule as it reads: look at all classes for every single row.
    fn quotas_by_the_letter(sizes: &[usize], validation: f64) -> Vec<usize> {
        let n_rows: usize = sizes.iter().sum();
        let total = (n_rows as f64 * validation).round() as usize;
        let total = total.clamp(sizes.len(), n_rows - sizes.len());
        let owed = |class: usize| sizes[class] as f64 * validation;
        let mut quotas: Vec<usize> = (0..sizes.len())
            .map(|class| (owed(class) as usize).clamp(1, sizes[class] - 1))
            .collect();
        let order = |quotas: &[usize], a: usize, b: usize| -> Ordering {
            let remainder = |class: usize| owed(class) - quotas[class] as f64;
            remainder(a).total_cmp(&remainder(b)).then(b.cmp(&a))
        };
        loop {
            let given: usize = quotas.iter().sum();
            let classes = 0..sizes.len();
            match given.cmp(&total) {
                Ordering::Equal => return quotas,
                Ordering::Less => {
                    let open = classes.filter(|&class| quotas[class] < sizes[class] - 1);
                    let class = open.max_by(|&a, &b| order(&quotas, a, b)).unwrap();
                    quotas[class] += 1;
                }
                Ordering::Greater => {
                    let open = classes.filter(|&class| quotas[class] > 1);
                    let class = open.min_by(|&a, &b| order(&quotas, a, b)).unwrap();
                    quotas[class] -= 1;
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_heap_follows_the_letter(
            sizes in prop::collection::vec(2_usize..40, 1..30),
            validation in 0.001_f64..0.999,
        ) {
            prop_assert_eq!(quotas(&sizes, validation), quotas_by_the_letter(&sizes, validation));
        }
    }

    /// Looking at all classes for every row would take hours here.
    #[test]
    fn many_classes_are_split() {
        let sizes = [vec![2; 500_000], vec![15; 500_000]].concat();
        let total: usize = quotas(&sizes, 0.2).iter().sum();
        assert_eq!(total, 1_700_000);
    }

    #[test]
    fn remainders_make_the_total_right() {
        assert_eq!(quotas(&[15, 15, 15], 0.1), [2, 2, 1]); // 1.5 each -> 4.5, halves up: 5
        assert_eq!(quotas(&[13, 18, 19], 0.1), [1, 2, 2]); // 1.3 1.8 1.9 -> 5
        assert_eq!(quotas(&[14, 13, 13], 0.1), [2, 1, 1]); // 1.4 1.3 1.3 -> 4
        assert_eq!(quotas(&[5000; 10], 0.1), [500; 10]);
    }

    #[test]
    fn no_class_is_emptied() {
        assert_eq!(quotas(&[2, 98], 0.1), [1, 9]); // 0.2 9.8 -> 10, the small class gives 1
        assert_eq!(quotas(&[2, 98], 0.9), [1, 89]); // 1.8 88.2 -> 90, the small class keeps 1
        assert_eq!(quotas(&[5; 4], 0.01), [1; 4]); // the total of 0 bends
        assert_eq!(quotas(&[5; 4], 0.99), [4; 4]);
    }

    /// Raising small classes to 1 row may overshoot the total: then the smallest remainder gives way.
    #[test]
    fn the_smallest_remainder_gives_way() {
        // Owed 0.2 0.2 0.2 2.9 3.5: whole parts 1 1 1 2 3 = 8, the total is round(7.0) = 7.
        assert_eq!(quotas(&[2, 2, 2, 29, 35], 0.1), [1, 1, 1, 2, 2]);
    }
}
