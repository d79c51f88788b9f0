//! Folds: parts of the rows that take turns at judging what the others have fitted.

use thiserror::Error;

use super::Split;
use crate::random;

/// Which fold each row is in: rows of a fold judge models that all other rows fit.
///
/// Every row is in exactly one fold, and the sizes of folds differ by at most one.
///
/// ```
/// use nearplane_models::selection::Folds;
///
/// let folds = Folds::contiguous(5, 2)?;
/// assert_eq!(folds.split(0).validation, [0, 1, 2]);
/// assert_eq!(folds.split(1).train, [0, 1, 2]);
/// # Ok::<(), nearplane_models::selection::FoldsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    of_row: Vec<u32>,
    n_folds: u32,
}

/// Why there are no such folds.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FoldsError {
    /// A fold would judge nothing, or nothing would fit.
    #[error("{n_folds} folds of {n_rows} rows, expected 2 to {n_rows} folds and at least 2 rows")]
    Number {
        /// Folds asked for.
        n_folds: usize,
        /// Rows there are.
        n_rows: usize,
    },
    /// Positions are u32.
    #[error("{0} rows are too many: folds take at most 4294967295")]
    TooManyRows(usize),
}

impl Folds {
    /// Runs of rows in their order, the longer ones first, as NumPy's `array_split` cuts.
    ///
    /// # Errors
    /// [`FoldsError::Number`] unless there are 2 to `n_rows` folds; [`FoldsError::TooManyRows`].
    pub fn contiguous(n_rows: usize, n_folds: usize) -> Result<Self, FoldsError> {
        let n_folds = checked(n_rows, n_folds)?;
        let mut of_row = vec![0; n_rows];
        in_runs(n_rows, n_folds, |row, fold| of_row[row] = fold);
        Ok(Self { of_row, n_folds })
    }

    /// The same cuts through a shuffled order (Fisher-Yates, PCG 64 from the seed).
    ///
    /// # Errors
    /// As [`Folds::contiguous`].
    pub fn shuffled(n_rows: usize, n_folds: usize, seed: u64) -> Result<Self, FoldsError> {
        let n_folds = checked(n_rows, n_folds)?;
        let mut order: Vec<u32> = (0..n_rows as u32).collect();
        random::shuffle(&mut order, &mut random::generator(seed));
        let mut of_row = vec![0; n_rows];
        in_runs(n_rows, n_folds, |place, fold| {
            of_row[order[place] as usize] = fold;
        });
        Ok(Self { of_row, n_folds })
    }

    /// Folds in which every class has the same share: of a class, folds differ by at most one row.
    ///
    /// Classes are shuffled in the order of their labels (Fisher-Yates, PCG 64 from the seed) and dealt out like
    /// cards, each class from the fold on where the one before ended. A class may have fewer rows than there are
    /// folds.
    ///
    /// # Errors
    /// As [`Folds::contiguous`].
    ///
    /// ```
    /// use nearplane_models::selection::Folds;
    ///
    /// let labels = [0, 0, 0, 0, 1, 1, 1, 1];
    /// let folds = Folds::stratified(&labels, 2, 0)?;
    /// let judges = folds.split(0).validation;
    /// assert_eq!(judges.iter().filter(|&&row| labels[row as usize] == 0).count(), 2);
    /// # Ok::<(), nearplane_models::selection::FoldsError>(())
    /// ```
    pub fn stratified(labels: &[u32], n_folds: usize, seed: u64) -> Result<Self, FoldsError> {
        let n_folds = checked(labels.len(), n_folds)?;
        let mut rows: Vec<u32> = (0..labels.len() as u32).collect();
        // Stable: within a class the rows start ascending, whatever the shuffle makes of them.
        rows.sort_by_key(|&row| labels[row as usize]);
        let mut generator = random::generator(seed);
        let classes = rows.chunk_by_mut(|&a, &b| labels[a as usize] == labels[b as usize]);
        classes.for_each(|class| random::shuffle(class, &mut generator));
        let mut of_row = vec![0; labels.len()];
        let turns = (0..n_folds).cycle();
        for (&row, fold) in rows.iter().zip(turns) {
            of_row[row as usize] = fold;
        }
        Ok(Self { of_row, n_folds })
    }

    /// A fold for each row.
    ///
    /// # Errors
    /// As [`Folds::contiguous`]: fewer than 2 rows, or too many.
    pub fn leave_one_out(n_rows: usize) -> Result<Self, FoldsError> {
        Self::contiguous(n_rows, n_rows)
    }

    /// Folds drawn `n_repeats` times, by the seeds `seed`, `seed + 1`, ... (of 64 bits, the first follows the last).
    ///
    /// # Errors
    /// What `draw` returns first.
    ///
    /// ```
    /// use nearplane_models::selection::Folds;
    ///
    /// let labels = [0, 0, 0, 0, 1, 1, 1, 1];
    /// let repeats = Folds::repeated(3, 7, |seed| Folds::stratified(&labels, 2, seed))?;
    /// assert_eq!(repeats[2], Folds::stratified(&labels, 2, 9)?);
    /// # Ok::<(), nearplane_models::selection::FoldsError>(())
    /// ```
    pub fn repeated(
        n_repeats: usize,
        seed: u64,
        draw: impl FnMut(u64) -> Result<Self, FoldsError>,
    ) -> Result<Vec<Self>, FoldsError> {
        let seeds = (0..n_repeats as u64).map(|repeat| seed.wrapping_add(repeat));
        seeds.map(draw).collect()
    }

    /// Number of folds.
    #[must_use]
    pub fn n_folds(&self) -> usize {
        self.n_folds as usize
    }

    /// The fold of each row.
    #[must_use]
    pub fn of_rows(&self) -> &[u32] {
        &self.of_row
    }

    /// Rows of each fold.
    #[must_use]
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.n_folds()];
        for &fold in &self.of_row {
            sizes[fold as usize] += 1;
        }
        sizes
    }

    /// The rows of a fold as `validation`, all others as `train`.
    ///
    /// # Panics
    /// If there is no such fold.
    #[must_use]
    pub fn split(&self, fold: usize) -> Split {
        assert!(fold < self.n_folds(), "fold {fold} of {}", self.n_folds);
        let rows = || (0..).zip(&self.of_row);
        let of = |inside: bool| {
            let chosen = rows().filter(|(_, of)| (**of as usize == fold) == inside);
            chosen.map(|(row, _)| row).collect()
        };
        Split {
            train: of(false),
            validation: of(true),
        }
    }
}

fn checked(n_rows: usize, n_folds: usize) -> Result<u32, FoldsError> {
    if u32::try_from(n_rows).is_err() {
        return Err(FoldsError::TooManyRows(n_rows));
    }
    if n_folds < 2 || n_folds > n_rows {
        return Err(FoldsError::Number { n_folds, n_rows });
    }
    Ok(n_folds as u32)
}

/// Names the fold of each place: runs, of which the first ones are one longer where the rest does not go round.
fn in_runs(n_rows: usize, n_folds: u32, mut put: impl FnMut(usize, u32)) {
    let (short, longer) = (n_rows / n_folds as usize, n_rows % n_folds as usize);
    let mut place = 0;
    for fold in 0..n_folds {
        for _ in 0..short + usize::from((fold as usize) < longer) {
            put(place, fold);
            place += 1;
        }
    }
}
