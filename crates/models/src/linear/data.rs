//! What a linear model learns from: borrowed rows, their labels and weights, all checked.

use super::{Affine, LinearError};
use crate::neighbors::{Element, Rows};
use rayon::prelude::*;

/// How much the rows of each class count.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum ClassWeight {
    /// All rows count 1.
    #[default]
    Uniform,
    /// `n / (n_classes n_c)` for a class of `n_c` of the `n` rows: every class counts alike, and the mean
    /// weight is 1.
    Balanced,
    /// One weight a class, 0 or above.
    Given(Vec<f64>),
}

/// Training rows `n x d`, one label a row, the classes, a weight `w_i` for each row, and the map from
/// raw rows to the solver's input z.
///
/// ```
/// use nearplane_kernels::MatRef;
/// use nearplane_models::linear::{ClassWeight, LinearData};
/// use nearplane_models::neighbors::Rows;
/// let rows = Rows::from_mat(MatRef::from_rows(&[1u8, 2, 30, 40, 5, 6], 2))?;
/// let data = LinearData::new(rows, &[0, 1, 0], 2)?.with_class_weight(&ClassWeight::Balanced)?;
/// assert_eq!((data.weight(0), data.weight(1)), (0.75, 1.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct LinearData<'a, T> {
    rows: Rows<'a, T>,
    labels: &'a [u32],
    n_classes: usize,
    affine: Affine,
    class_weight: Option<Vec<f64>>,
    sample_weight: Option<&'a [f64]>,
}

impl<'a, T: Element> LinearData<'a, T> {
    /// Rows and labels, every row of weight 1, `z = x`. f32 rows are looked through once.
    ///
    /// # Errors
    /// Without rows or columns; with fewer than 2 classes; if there is not one label a row, a label is not
    /// below `n_classes`, a class has no row, or a value is NaN or infinite.
    pub fn new(
        rows: Rows<'a, T>,
        labels: &'a [u32],
        n_classes: usize,
    ) -> Result<Self, LinearError> {
        if rows.is_empty() {
            return Err(LinearError::NoRows);
        }
        if rows.cols() == 0 {
            return Err(LinearError::NoFeatures);
        }
        if n_classes < 2 {
            return Err(LinearError::Classes(n_classes));
        }
        check_labels(&rows, labels, n_classes, "training")?;
        let counts = counts(labels, n_classes);
        if let Some(class) = counts.iter().position(|&count| count == 0) {
            return Err(LinearError::EmptyClass { class });
        }
        check_finite(&rows, "training")?;
        Ok(Self {
            affine: Affine::identity(rows.cols()),
            rows,
            labels,
            n_classes,
            class_weight: None,
            sample_weight: None,
        })
    }

    /// The same with another map to the solver's input.
    ///
    /// # Errors
    /// [`LinearError::Columns`] if it is of other columns.
    pub fn with_affine(mut self, affine: Affine) -> Result<Self, LinearError> {
        if affine.n_features() != self.n_features() {
            return Err(LinearError::Columns {
                what: "center and scale of the input",
                found: affine.n_features(),
                expected: self.n_features(),
            });
        }
        self.affine = affine;
        Ok(self)
    }

    /// The same with weights of classes, on top of those of samples.
    ///
    /// # Errors
    /// If there is not one a class, one is negative or not finite, or no row counts.
    pub fn with_class_weight(mut self, class_weight: &ClassWeight) -> Result<Self, LinearError> {
        self.class_weight = match class_weight {
            ClassWeight::Uniform => None,
            ClassWeight::Balanced => {
                let n = self.rows.len() as f64;
                let counts = counts(self.labels, self.n_classes);
                let weight = |&n_c: &usize| n / (self.n_classes as f64 * n_c as f64);
                Some(counts.iter().map(weight).collect())
            }
            ClassWeight::Given(weights) => {
                check_weights("class weight", weights, self.n_classes)?;
                Some(weights.clone())
            }
        };
        self.check_some_weight()
    }

    /// The same with weights of samples, one a row, on top of those of classes.
    ///
    /// # Errors
    /// If there is not one a row, one is negative or not finite, or no row counts.
    pub fn with_sample_weight(mut self, weights: &'a [f64]) -> Result<Self, LinearError> {
        check_weights("sample weight", weights, self.rows.len())?;
        self.sample_weight = Some(weights);
        self.check_some_weight()
    }

    fn check_some_weight(self) -> Result<Self, LinearError> {
        if (0..self.rows.len()).all(|row| self.weight(row) == 0.0) {
            return Err(LinearError::NoWeight);
        }
        Ok(self)
    }

    /// The raw rows.
    #[must_use]
    pub fn rows(&self) -> &Rows<'a, T> {
        &self.rows
    }

    /// One label a row.
    #[must_use]
    pub fn labels(&self) -> &'a [u32] {
        self.labels
    }

    /// The map from raw rows to the solver's input.
    #[must_use]
    pub fn affine(&self) -> &Affine {
        &self.affine
    }

    /// Number of rows, N.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Number of columns, d.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.rows.cols()
    }

    /// Number of classes, K.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// `w_i`, how much a row counts: its class's weight times its own.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    #[inline]
    pub fn weight(&self, row: usize) -> f64 {
        let of_class = match &self.class_weight {
            None => 1.0,
            Some(weights) => weights[self.labels[row] as usize],
        };
        match self.sample_weight {
            None => of_class,
            Some(weights) => of_class * weights[row],
        }
    }
}

fn counts(labels: &[u32], n_classes: usize) -> Vec<usize> {
    let mut counts = vec![0; n_classes];
    for &label in labels {
        counts[label as usize] += 1;
    }
    counts
}

/// One label a row, each a class.
pub(crate) fn check_labels<T: Element>(
    rows: &Rows<'_, T>,
    labels: &[u32],
    n_classes: usize,
    what: &'static str,
) -> Result<(), LinearError> {
    if labels.len() != rows.len() {
        return Err(LinearError::Labels {
            what,
            labels: labels.len(),
            rows: rows.len(),
        });
    }
    let bad = labels.iter().position(|&label| label as usize >= n_classes);
    match bad {
        None => Ok(()),
        Some(row) => Err(LinearError::Label {
            what,
            row,
            label: labels[row],
            n_classes,
        }),
    }
}

/// No NaN, no infinity; the first one is named.
pub(crate) fn check_finite<T: Element>(
    rows: &Rows<'_, T>,
    what: &'static str,
) -> Result<(), LinearError> {
    if !T::MAY_BE_NON_FINITE {
        return Ok(());
    }
    let bad = (0..rows.len()).into_par_iter().find_map_first(|row| {
        let column = rows.row(row).iter().position(|x| !x.number().is_finite())?;
        Some((row, column))
    });
    match bad {
        None => Ok(()),
        Some((row, column)) => Err(LinearError::NonFinite {
            what,
            row,
            column,
            value: rows.row(row)[column].number(),
        }),
    }
}

fn check_weights(what: &'static str, weights: &[f64], expected: usize) -> Result<(), LinearError> {
    if weights.len() != expected {
        return Err(LinearError::Weights {
            what,
            found: weights.len(),
            expected,
        });
    }
    match weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
        None => Ok(()),
        Some(index) => Err(LinearError::Weight {
            what,
            index,
            value: weights[index],
        }),
    }
}
