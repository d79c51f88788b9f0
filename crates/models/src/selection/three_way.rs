//! The split into three: rows that fit, rows that choose, and rows that are looked at once, in the end.

use super::SplitError;
use super::quotas::{quotas, share};
use super::split::{by_class, shuffled_classes, shuffled_rows};

/// Row positions of the three parts of a split: each ascending, together every row once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThreeWaySplit {
    /// The rows that fit models.
    pub train: Vec<u32>,
    /// The rows on which one of them is chosen.
    pub validation: Vec<u32>,
    /// The rows that judge the one chosen.
    pub test: Vec<u32>,
}

impl ThreeWaySplit {
    fn sorted(mut self) -> Self {
        for part in [&mut self.train, &mut self.validation, &mut self.test] {
            part.sort_unstable();
        }
        self
    }
}

/// Splits rows into a training, a validation and a test part, class by class; the same arguments give the same rows on
/// every system.
///
/// Of `n` rows `round(n test)` go to test and `round(n validation)` to validation, each total shared among the classes
/// as [`stratified_split`](super::stratified_split) does, and every class has at least 1 row in each part. Which rows:
/// each class is shuffled as there, the first ones go to test, the next ones to validation. The test rows do not depend
/// on `validation`: whatever is set aside for choosing, the same rows judge. They are the validation rows of
/// `stratified_split(labels, test, seed)`, unless a class is so small that it would keep 1 row there.
///
/// # Errors
/// [`SplitError`]: no rows, a part that is not above 0 or both together not below 1, a class of fewer than 3 rows, more
/// than 2^32 - 1 rows.
///
/// ```
/// use nearplane_models::selection::stratified_three_way_split;
///
/// let labels = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1];
/// let split = stratified_three_way_split(&labels, 0.2, 0.2, 0)?;
/// assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (6, 2, 2));
/// assert_eq!(split.test.iter().map(|&row| labels[row as usize]).collect::<Vec<u32>>(), [0, 1]);
/// # Ok::<(), nearplane_models::selection::SplitError>(())
/// ```
pub fn stratified_three_way_split(
    labels: &[u32],
    validation: f64,
    test: f64,
    seed: u64,
) -> Result<ThreeWaySplit, SplitError> {
    check_fractions(validation, test)?;
    let mut rows = by_class(labels)?;
    let classes = shuffled_classes(&mut rows, labels, 3, seed)?;
    let sizes: Vec<usize> = classes.iter().map(|class| class.len()).collect();
    let most: Vec<usize> = sizes.iter().map(|size| size - 2).collect();
    let of_test = quotas(&sizes, test, &most);
    let most: Vec<usize> = sizes.iter().zip(&of_test).map(|(n, t)| n - t - 1).collect();
    let of_validation = quotas(&sizes, validation, &most);
    let mut split = ThreeWaySplit {
        train: Vec::new(),
        validation: Vec::new(),
        test: Vec::new(),
    };
    for (class, (of_test, of_validation)) in classes.iter().zip(of_test.iter().zip(of_validation)) {
        let (test, rest) = class.split_at(*of_test);
        let (validation, train) = rest.split_at(of_validation);
        split.test.extend_from_slice(test);
        split.validation.extend_from_slice(validation);
        split.train.extend_from_slice(train);
    }
    Ok(split.sorted())
}

/// Splits rows into a training, a validation and a test part whatever their classes; the same arguments give the same
/// rows on every system.
///
/// All rows are shuffled (Fisher-Yates, PCG 64); the first `round(n test)` go to test, the next `round(n validation)`
/// to validation (halves up), and each part has at least 1 row. The test rows do not depend on `validation`.
///
/// # Errors
/// [`SplitError`]: fewer than 3 rows or more than 2^32 - 1, a part that is not above 0 or both together not below 1.
///
/// ```
/// use nearplane_models::selection::shuffled_three_way_split;
///
/// let split = shuffled_three_way_split(10, 0.1, 0.2, 0)?;
/// assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (7, 1, 2));
/// assert_eq!(shuffled_three_way_split(10, 0.5, 0.2, 0)?.test, split.test);
/// # Ok::<(), nearplane_models::selection::SplitError>(())
/// ```
pub fn shuffled_three_way_split(
    n_rows: usize,
    validation: f64,
    test: f64,
    seed: u64,
) -> Result<ThreeWaySplit, SplitError> {
    check_fractions(validation, test)?;
    let rows = shuffled_rows(n_rows, 3, seed)?;
    let of_test = share(n_rows, test).clamp(1, n_rows - 2);
    let of_validation = share(n_rows, validation).clamp(1, n_rows - of_test - 1);
    let (test, rest) = rows.split_at(of_test);
    let (validation, train) = rest.split_at(of_validation);
    let split = ThreeWaySplit {
        train: train.to_vec(),
        validation: validation.to_vec(),
        test: test.to_vec(),
    };
    Ok(split.sorted())
}

/// Written so that a NaN fails, too.
fn check_fractions(validation: f64, test: f64) -> Result<(), SplitError> {
    if !(validation > 0.0 && test > 0.0 && validation + test < 1.0) {
        return Err(SplitError::Fractions { validation, test });
    }
    Ok(())
}
