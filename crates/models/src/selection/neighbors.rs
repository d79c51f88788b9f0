//! Cross-validation of k nearest neighbours: every k, every fold of every split, from one search.
//!
//! The neighbours of a row among the rows of other folds are its neighbours among all rows without those
//! of its own fold. One search for somewhat more than k neighbours of each row answers for all folds; the
//! few rows of which too many neighbours share their fold are searched again, for twice as many, until
//! nothing is missing. The results are those of a fit for each fold, to the bit.

use rayon::prelude::*;
use thiserror::Error;

use super::Folds;
use crate::Monitor;
use crate::metrics::{Accuracy, mean_and_std};
use crate::neighbors::{Ballot, Element, Index, NeighborsError, Votes};

/// Why k nearest neighbours cannot be cross-validated.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CrossValidationError {
    /// No k, or a k that is 0.
    #[error("no k to judge, expected one or more, each at least 1")]
    NoK,
    /// Rows that do not belong together.
    #[error("{found} {what} for {expected} rows")]
    Rows {
        /// Labels, or rows in folds.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many rows there are.
        expected: usize,
    },
    /// A k above the number of rows that fit a fold.
    #[error("k = {k} is above {n_train}, the number of rows outside of a fold")]
    K {
        /// The k.
        k: usize,
        /// The fewest rows outside of a fold.
        n_train: usize,
    },
    /// The search failed, or was cancelled.
    #[error(transparent)]
    Search(#[from] NeighborsError),
}

/// How often each k was right in each fold of a split.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoldAccuracies {
    ks: Vec<usize>,
    sizes: Vec<usize>,
    /// `ks x folds`
    correct: Vec<u64>,
}

impl FoldAccuracies {
    /// The k that were asked for.
    #[must_use]
    pub fn ks(&self) -> &[usize] {
        &self.ks
    }

    /// The accuracy of the k at a position of [`FoldAccuracies::ks`] in each fold.
    ///
    /// # Panics
    /// If there is no such position.
    #[must_use]
    pub fn of_k(&self, position: usize) -> impl ExactSizeIterator<Item = Accuracy> + '_ {
        let correct = &self.correct[position * self.sizes.len()..][..self.sizes.len()];
        let folds = correct.iter().zip(&self.sizes);
        folds.map(|(&correct, &size)| Accuracy {
            correct,
            total: size as u64,
        })
    }

    /// The mean of the folds' accuracies and their standard deviation (of the population: divided by
    /// the number of folds, as NumPy's `std`).
    ///
    /// # Panics
    /// If there is no such position.
    #[must_use]
    pub fn mean_and_std(&self, position: usize) -> (f64, f64) {
        let values: Vec<f64> = self.of_k(position).map(|fold| fold.value()).collect();
        mean_and_std(&values)
    }

    /// The position of the k with the highest mean; of equal ones the smallest k.
    #[must_use]
    pub fn best(&self) -> usize {
        let rank = |position: usize| (self.mean_and_std(position).0, self.ks[position]);
        let better = |a: usize, b: usize| {
            let ((mean_a, k_a), (mean_b, k_b)) = (rank(a), rank(b));
            mean_b > mean_a || (mean_b == mean_a && k_b < k_a)
        };
        let mut positions = 0..self.ks.len();
        let first = positions.next().unwrap_or_default();
        positions.fold(
            first,
            |best, next| if better(best, next) { next } else { best },
        )
    }
}

/// Judges every k of `ks` in every fold of `splits`: for each row, the vote of its k nearest rows in other folds.
///
/// `labels[i]` is the class of row i of the index. Returns one result a split, in their order. `monitor` counts
/// as [`Index::search`] does, once for each search.
///
/// # Errors
/// [`CrossValidationError`]: no k or k = 0, labels or folds of another number of rows, a k above the number of
/// rows outside of some fold, or what [`Index::search`] says.
///
/// ```
/// use nearplane_kernels::{Level, MatRef};
/// use nearplane_models::neighbors::{Index, Metric, Rows, Votes};
/// use nearplane_models::selection::{Folds, cross_validate_neighbors};
///
/// let rows = Rows::from_mat(MatRef::from_rows(&[0u8, 1, 2, 90, 91, 92], 1))?;
/// let index = Index::new(rows, Metric::L1, Level::detect())?;
/// let folds = Folds::leave_one_out(6)?;
/// let labels = [0, 0, 0, 1, 1, 1];
/// let found = cross_validate_neighbors(&index, &labels, &[folds], &[1, 5], Votes::default(), &())?;
/// assert_eq!(found[0].mean_and_std(0).0, 1.0);
/// assert_eq!(found[0].mean_and_std(1).0, 0.0); // of five others, three are of the other class
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cross_validate_neighbors<T: Element>(
    index: &Index<'_, T>,
    labels: &[u32],
    splits: &[Folds],
    ks: &[usize],
    votes: Votes,
    monitor: &dyn Monitor,
) -> Result<Vec<FoldAccuracies>, CrossValidationError> {
    let n = index.rows().len();
    check(n, labels, splits, ks)?;
    let most = ks.iter().copied().max().unwrap_or_default();
    let mut judges: Vec<Judge<'_>> = splits
        .iter()
        .map(|folds| Judge::new(labels, folds, ks, votes))
        .collect();
    let mut width = splits
        .iter()
        .map(|folds| first_width(most, n, folds.n_folds()))
        .max()
        .unwrap_or(1)
        .min(n);
    // Rows whose lists are too short for some split, and for which.
    let mut open: Vec<(u32, Vec<usize>)> = Vec::new();
    loop {
        let asked = std::mem::take(&mut open);
        let is_first = asked.is_empty();
        let queries = if is_first {
            index.rows().clone()
        } else {
            index
                .rows()
                .select(asked.iter().map(|&(row, _)| row).collect())?
        };
        let everything: Vec<usize> = (0..splits.len()).collect();
        index.search(&queries, width, monitor, |block| {
            let lists: Vec<_> = block.queries().collect();
            let judged: Vec<_> = lists
                .into_par_iter()
                .map(|(query, distances, indices)| {
                    let (row, which) = match asked.get(query) {
                        Some((row, which)) => (*row, which),
                        None => (query as u32, &everything),
                    };
                    let list = || {
                        let metric = index.metric();
                        let far = distances.iter().map(move |&d| metric.distance(d));
                        far.zip(indices.iter().copied())
                    };
                    let (mut verdicts, mut short) = (Vec::new(), Vec::new());
                    for &split in which {
                        match judges[split].verdict(row, list()) {
                            Some(is_right) => verdicts.push((split, is_right)),
                            None => short.push(split),
                        }
                    }
                    (row, short, verdicts)
                })
                .collect();
            for (row, short, verdicts) in judged {
                for (split, is_right) in verdicts {
                    judges[split].count(row, &is_right);
                }
                if !short.is_empty() {
                    open.push((row, short));
                }
            }
        })?;
        if open.is_empty() {
            break;
        }
        // A list of all rows is short of nothing.
        width = (2 * width).min(n);
    }
    Ok(judges.into_iter().map(|judge| judge.found).collect())
}

fn check(
    n: usize,
    labels: &[u32],
    splits: &[Folds],
    ks: &[usize],
) -> Result<(), CrossValidationError> {
    if ks.is_empty() || ks.contains(&0) {
        return Err(CrossValidationError::NoK);
    }
    let in_folds = splits
        .iter()
        .map(|folds| ("rows in folds", folds.of_rows().len()));
    for (what, found) in std::iter::once(("labels", labels.len())).chain(in_folds) {
        if found != n {
            return Err(CrossValidationError::Rows {
                what,
                found,
                expected: n,
            });
        }
    }
    for folds in splits {
        let largest = folds.sizes().into_iter().max().unwrap_or_default();
        let n_train = n - largest;
        if let Some(&k) = ks.iter().find(|&&k| k > n_train) {
            return Err(CrossValidationError::K { k, n_train });
        }
    }
    Ok(())
}

/// A number of neighbours among which, where folds are drawn blindly, k of other folds nearly always are: the
/// share that other folds have, three standard deviations below the mean, and the row itself.
fn first_width(k: usize, n: usize, n_folds: usize) -> usize {
    let outside = 1.0 - 1.0 / n_folds as f64;
    // Nobody but the row itself shares its fold.
    if n_folds == n {
        return k + 1;
    }
    let k = k as f64;
    ((k + 3.0 * (k * (1.0 - outside)).sqrt()) / outside).ceil() as usize + 1
}

/// One split and what was found for it so far.
struct Judge<'a> {
    labels: &'a [u32],
    of_row: &'a [u32],
    votes: Votes,
    /// Positions of the k, the smallest first.
    order: Vec<usize>,
    found: FoldAccuracies,
}

impl<'a> Judge<'a> {
    fn new(labels: &'a [u32], folds: &'a Folds, ks: &[usize], votes: Votes) -> Self {
        let mut order: Vec<usize> = (0..ks.len()).collect();
        order.sort_by_key(|&position| ks[position]);
        Self {
            labels,
            of_row: folds.of_rows(),
            votes,
            order,
            found: FoldAccuracies {
                ks: ks.to_vec(),
                sizes: folds.sizes(),
                correct: vec![0; ks.len() * folds.n_folds()],
            },
        }
    }

    /// Whether each k is right about a row, from its nearest rows in order; `None` if too few of them are in
    /// other folds.
    fn verdict(&self, row: u32, list: impl Iterator<Item = (f64, u32)>) -> Option<Vec<bool>> {
        let label = self.labels[row as usize];
        let own = self.of_row[row as usize];
        let mut others = list.filter(|&(_, index)| self.of_row[index as usize] != own);
        let mut ballot = Ballot::new(self.votes);
        let mut is_right = vec![false; self.order.len()];
        let mut added = 0;
        for &position in &self.order {
            while added < self.found.ks[position] {
                let (distance, index) = others.next()?;
                ballot.add(distance, self.labels[index as usize]);
                added += 1;
            }
            is_right[position] = ballot.winner() == Some(label);
        }
        Some(is_right)
    }

    fn count(&mut self, row: u32, is_right: &[bool]) {
        let (n_folds, fold) = (self.found.sizes.len(), self.of_row[row as usize] as usize);
        for (position, &is_right) in is_right.iter().enumerate() {
            self.found.correct[position * n_folds + fold] += u64::from(is_right);
        }
    }
}
