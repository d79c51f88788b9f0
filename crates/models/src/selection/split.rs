//! The train and validation split: stratified, where every class gives the same share of its rows, or shuffled.

use thiserror::Error;

use super::quotas::{quotas, share};
use crate::random;

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
    /// Fewer rows than parts.
    #[error("{n_rows} rows cannot be split into {n_parts} parts: each needs at least 1 row")]
    TooFewRows {
        /// Rows there are.
        n_rows: usize,
        /// Parts of the split: 2 or 3.
        n_parts: usize,
    },
    /// The validation part is not a fraction, or is nothing, or is everything.
    #[error("the validation part is {0}, but must be above 0 and below 1")]
    Fraction(f64),
    /// The validation and the test part are not fractions, or are nothing, or leave nothing to fit.
    #[error(
        "the validation part is {validation} and the test part {test}, but each must be above 0 and both together \
         below 1"
    )]
    Fractions {
        /// The validation part.
        validation: f64,
        /// The test part.
        test: f64,
    },
    /// A class that cannot be in all parts.
    #[error(
        "class {label} has {n_rows} row{}, but a split needs at least {n_parts} rows of each class: add rows of it or \
         leave it out",
        if *n_rows == 1 { "" } else { "s" }
    )]
    ClassTooSmall {
        /// The label of the class.
        label: u32,
        /// Its rows.
        n_rows: usize,
        /// Parts of the split: 2 or 3.
        n_parts: usize,
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
    check_fraction(validation)?;
    let mut rows = by_class(labels)?;
    let mut classes = shuffled_classes(&mut rows, labels, 2, seed)?;
    let sizes: Vec<usize> = classes.iter().map(|class| class.len()).collect();
    let most: Vec<usize> = sizes.iter().map(|size| size - 1).collect();
    let mut split = Split {
        train: Vec::new(),
        validation: Vec::new(),
    };
    for (class, quota) in classes.iter_mut().zip(quotas(&sizes, validation, &most)) {
        let (validation, train) = class.split_at(quota);
        split.validation.extend_from_slice(validation);
        split.train.extend_from_slice(train);
    }
    split.train.sort_unstable();
    split.validation.sort_unstable();
    Ok(split)
}

/// Splits rows into a training and a validation part whatever their classes; the same arguments give the same rows
/// on every system.
///
/// `round(n validation)` rows go to validation (halves up), at least 1 and at most all but 1. Which: all are shuffled
/// (Fisher-Yates, PCG 64), and the first ones go.
///
/// # Errors
/// [`SplitError`]: fewer than 2 rows or more than 2^32 - 1, `validation` not inside (0, 1).
///
/// ```
/// use nearplane_models::selection::shuffled_split;
///
/// let split = shuffled_split(10, 0.3, 0)?;
/// assert_eq!((split.train.len(), split.validation.len()), (7, 3));
/// # Ok::<(), nearplane_models::selection::SplitError>(())
/// ```
pub fn shuffled_split(n_rows: usize, validation: f64, seed: u64) -> Result<Split, SplitError> {
    check_fraction(validation)?;
    let rows = shuffled_rows(n_rows, 2, seed)?;
    let quota = share(n_rows, validation).clamp(1, n_rows - 1);
    let mut split = Split {
        validation: rows[..quota].to_vec(),
        train: rows[quota..].to_vec(),
    };
    split.train.sort_unstable();
    split.validation.sort_unstable();
    Ok(split)
}

/// Written so that a NaN fails, too.
fn check_fraction(validation: f64) -> Result<(), SplitError> {
    if !(validation > 0.0 && validation < 1.0) {
        return Err(SplitError::Fraction(validation));
    }
    Ok(())
}

/// Positions of rows, those of a class beside each other and ascending, in the order of labels.
pub(super) fn by_class(labels: &[u32]) -> Result<Vec<u32>, SplitError> {
    if labels.is_empty() {
        return Err(SplitError::Empty);
    }
    let n_rows = u32::try_from(labels.len()).map_err(|_| SplitError::TooManyRows(labels.len()))?;
    let mut rows: Vec<u32> = (0..n_rows).collect();
    // Stable: within a class the rows start ascending, whatever the shuffle makes of them.
    rows.sort_by_key(|&row| labels[row as usize]);
    Ok(rows)
}

/// The classes of such positions, each shuffled and large enough for so many parts.
pub(super) fn shuffled_classes<'a>(
    rows: &'a mut [u32],
    labels: &[u32],
    n_parts: usize,
    seed: u64,
) -> Result<Vec<&'a mut [u32]>, SplitError> {
    let mut classes: Vec<&mut [u32]> = rows
        .chunk_by_mut(|&a, &b| labels[a as usize] == labels[b as usize])
        .collect();
    if let Some(class) = classes.iter().find(|class| class.len() < n_parts) {
        return Err(SplitError::ClassTooSmall {
            label: labels[class[0] as usize],
            n_rows: class.len(),
            n_parts,
        });
    }
    let mut generator = random::generator(seed);
    for class in &mut classes {
        random::shuffle(class, &mut generator);
    }
    Ok(classes)
}

/// All positions, shuffled, if there are enough for so many parts.
pub(super) fn shuffled_rows(
    n_rows: usize,
    n_parts: usize,
    seed: u64,
) -> Result<Vec<u32>, SplitError> {
    if n_rows < n_parts {
        return Err(SplitError::TooFewRows { n_rows, n_parts });
    }
    let end = u32::try_from(n_rows).map_err(|_| SplitError::TooManyRows(n_rows))?;
    let mut rows: Vec<u32> = (0..end).collect();
    random::shuffle(&mut rows, &mut random::generator(seed));
    Ok(rows)
}
