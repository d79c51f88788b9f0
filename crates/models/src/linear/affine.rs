//! The map from raw inputs to what a solver sees, `z = (x - center) scale` column by column, and its
//! folding into weights and bias: no row is ever rewritten.

use super::{LinearError, LinearModel, Loss};
use crate::features::{FeatureError, Standardizer};
use crate::neighbors::{Element, Rows};
use nearplane_kernels::{Level, MatMut, MatRef};
use rayon::prelude::*;
use std::ops::Range;

/// Rows summed in f32 in one go: 512 rows of bytes sum to less than 2^24, so exactly.
const ROWS_AT_ONCE: usize = 512;

/// Weights and bias on the solver's input z, in f64: scores `f(z) = W z + b` (LECTURE 4.2).
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an affine map is these two, and their lengths say the rest"
)]
pub struct Parameters {
    /// W, `n_classes x n_features`, row-major.
    pub weight: Vec<f64>,
    /// b, one a class.
    pub bias: Vec<f64>,
}

impl Parameters {
    /// All zero, where every solver starts.
    #[must_use]
    pub fn zero(n_classes: usize, n_features: usize) -> Self {
        Self {
            weight: vec![0.0; n_classes * n_features],
            bias: vec![0.0; n_classes],
        }
    }
}

/// `z_j = (x_j - center_j) scale_j` for each column j of the raw input x.
///
/// Since `W z + b` is `(W scale) x + (b - (W scale) . center)`, models on z run on the raw rows, bytes
/// included.
///
/// ```
/// use nearplane_kernels::{Level, MatRef};
/// use nearplane_models::linear::Affine;
/// use nearplane_models::neighbors::Rows;
/// let pixels = Rows::from_mat(MatRef::from_rows(&[0u8, 255, 102, 51], 2))?;
/// let affine = Affine::centered(Level::detect(), &pixels, 1.0 / 255.0)?;
/// assert_eq!(affine.center(), [51.0, 153.0]); // the mean of each column, in pixels
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    center: Vec<f64>,
    scale: Vec<f64>,
}

impl Affine {
    /// `z = x`.
    #[must_use]
    pub fn identity(n_features: usize) -> Self {
        Self {
            center: vec![0.0; n_features],
            scale: vec![1.0; n_features],
        }
    }

    /// Any map; a scale of 0 makes a column count nothing.
    ///
    /// # Errors
    /// [`LinearError::Tensor`] if the two differ in length, [`LinearError::NonFiniteTensor`].
    pub fn new(center: Vec<f64>, scale: Vec<f64>) -> Result<Self, LinearError> {
        if scale.len() != center.len() {
            return Err(LinearError::Tensor {
                what: "the scale of the input",
                found: scale.len(),
                expected: center.len(),
            });
        }
        for (what, numbers) in [
            ("the center of the input", &center),
            ("the scale of the input", &scale),
        ] {
            if let Some(position) = numbers.iter().position(|x| !x.is_finite()) {
                return Err(LinearError::NonFiniteTensor { what, position });
            }
        }
        Ok(Self { center, scale })
    }

    /// Every column minus its mean over `rows: n x d`, times `scale`: with 1/255 for pixels,
    /// pixel/255 minus the training mean.
    ///
    /// # Errors
    /// [`LinearError::NoRows`]; [`LinearError::NonFinite`] for f32 rows with NaN or infinity.
    pub fn centered<T: Element>(
        level: Level,
        rows: &Rows<'_, T>,
        scale: f64,
    ) -> Result<Self, LinearError> {
        if rows.is_empty() {
            return Err(LinearError::NoRows);
        }
        super::data::check_finite(rows, "training")?;
        let cols = rows.cols();
        let ones = vec![1.0f32; ROWS_AT_ONCE];
        let n_chunks = rows.len().div_ceil(ROWS_AT_ONCE);
        // A few chunks at a time, so that their sums take no more room than these.
        let mut center = vec![0.0; cols];
        for first in (0..n_chunks).step_by(64) {
            let chunks = first..n_chunks.min(first + 64);
            let sums: Vec<Vec<f32>> = chunks
                .into_par_iter()
                .map_init(Vec::new, |room, chunk| {
                    let start = chunk * ROWS_AT_ONCE;
                    let block = rows.block(start..rows.len().min(start + ROWS_AT_ONCE), room);
                    let mut sums = vec![0.0; cols];
                    T::gradient(
                        level,
                        MatRef::new(&ones, block.rows(), 1, 1),
                        block,
                        &mut MatMut::new(&mut sums, 1, cols, cols),
                    );
                    sums
                })
                .collect();
            for sums in &sums {
                for (total, &sum) in center.iter_mut().zip(sums) {
                    *total += f64::from(sum);
                }
            }
        }
        let n = rows.len() as f64;
        center.iter_mut().for_each(|sum| *sum /= n);
        Self::new(center, vec![scale; cols])
    }

    /// Every column with mean 0 and deviation 1 over `rows: n x d`, constant columns 0.
    ///
    /// # Errors
    /// [`LinearError::NoRows`], [`LinearError::NonFinite`].
    pub fn standardized(rows: &Rows<'_, f32>) -> Result<Self, LinearError> {
        match Standardizer::fit(rows) {
            Ok(standardizer) => Ok(Self::from(&standardizer)),
            Err(FeatureError::NonFinite { row, column, value }) => Err(LinearError::NonFinite {
                what: "training",
                row,
                column,
                value,
            }),
            Err(_) => Err(LinearError::NoRows),
        }
    }

    /// What a linear model sees of its training rows `n x d`: bytes are pixels, `x / 255` minus the mean of the
    /// column; columns of floats have mean 0 and deviation 1, but `raw_columns` hold pixels, too.
    ///
    /// # Errors
    /// As [`Affine::centered`].
    ///
    /// # Panics
    /// If a raw column does not exist.
    ///
    /// ```
    /// use nearplane_kernels::{Level, MatRef};
    /// use nearplane_models::linear::Affine;
    /// use nearplane_models::neighbors::Rows;
    /// let rows = Rows::from_mat(MatRef::from_rows(&[1.0f32, 51.0, 3.0, 102.0], 2))?;
    /// let affine = Affine::of_training(Level::detect(), &rows, &[1..2])?;
    /// assert_eq!(affine.scale(), [1.0, 1.0 / 255.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_training<T: Element>(
        level: Level,
        rows: &Rows<'_, T>,
        raw_columns: &[Range<usize>],
    ) -> Result<Self, LinearError> {
        T::affine(level, rows, raw_columns)
    }

    /// The same with another scale in some columns: 1/255 for those of raw pixels beside others that are
    /// standardised.
    ///
    /// # Panics
    /// If a column does not exist, or the scale is not finite.
    #[must_use]
    pub fn with_scale(mut self, columns: Range<usize>, scale: f64) -> Self {
        assert!(scale.is_finite(), "scale {scale} of an input is not finite");
        self.scale[columns].fill(scale);
        self
    }

    /// Number of columns.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.center.len()
    }

    /// What is taken away from each column, in units of the raw input.
    #[must_use]
    pub fn center(&self) -> &[f64] {
        &self.center
    }

    /// What each column is multiplied by afterwards.
    #[must_use]
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// The model on the raw input that gives the scores of `parameters` on z: weights `W scale`
    /// rounded to f32, and the bias that fits the rounded ones, `b - weight . center`.
    ///
    /// # Errors
    /// [`LinearError::Tensor`] if the parameters are not of as many features,
    /// [`LinearError::NonFiniteTensor`] if they are no numbers, or too large for f32.
    pub fn fold(&self, parameters: &Parameters, loss: Loss) -> Result<LinearModel, LinearError> {
        let n_classes = parameters.bias.len();
        if parameters.weight.len() != n_classes * self.n_features() {
            return Err(LinearError::Tensor {
                what: "weight",
                found: parameters.weight.len(),
                expected: n_classes * self.n_features(),
            });
        }
        let mut weight = vec![0.0; parameters.weight.len()];
        let mut bias = vec![0.0; n_classes];
        self.fold_into(&parameters.weight, &mut weight, &mut bias);
        let bias = bias.iter().zip(&parameters.bias);
        let bias = bias.map(|(offset, b)| (offset + b) as f32).collect();
        LinearModel::new(weight, bias, loss)
    }

    /// The parameters on z that give the scores of a model on the raw input: a warm start. Weights of
    /// columns with scale 0 are 0, where no training row can tell the difference.
    ///
    /// # Errors
    /// [`LinearError::Columns`] if the model is of other features.
    pub fn unfold(&self, model: &LinearModel) -> Result<Parameters, LinearError> {
        let n_features = self.n_features();
        if model.n_features() != n_features {
            return Err(LinearError::Columns {
                what: "the weights of the model to start from",
                found: model.n_features(),
                expected: n_features,
            });
        }
        let mut start = Parameters::zero(model.n_classes(), n_features);
        for (k, bias) in start.bias.iter_mut().enumerate() {
            *bias = f64::from(model.bias()[k]);
            let weight = &mut start.weight[k * n_features..][..n_features];
            for (j, (w, &raw)) in weight.iter_mut().zip(model.template(k)).enumerate() {
                let raw = f64::from(raw);
                *bias += raw * self.center[j];
                *w = if self.scale[j] == 0.0 {
                    0.0
                } else {
                    raw / self.scale[j]
                };
            }
        }
        Ok(start)
    }

    /// Weights on x from weights on z, rounded to f32, and for each class the offset `-weight . center`
    /// of the rounded ones, so that rounding moves no score by more than it moves the weights.
    pub(super) fn fold_into(&self, weight: &[f64], folded: &mut [f32], offset: &mut [f64]) {
        let n_features = self.n_features();
        for (k, offset) in offset.iter_mut().enumerate() {
            let at = k * n_features;
            let mut sum = 0.0;
            for j in 0..n_features {
                let w = (weight[at + j] * self.scale[j]) as f32;
                folded[at + j] = w;
                sum += f64::from(w) * self.center[j];
            }
            *offset = -sum;
        }
    }
}

impl From<&Standardizer> for Affine {
    fn from(standardizer: &Standardizer) -> Self {
        let wide = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect();
        Self {
            center: wide(standardizer.mean()),
            scale: wide(standardizer.scale()),
        }
    }
}
