//! A fitted linear model: one affine map on the raw input, and what its scores mean.

use super::blocks::rows_per_block;
use super::{LinearError, Loss, softmax};
use crate::neighbors::{Element, Rows};
use nearplane_kernels::{Level, MatMut, MatRef};
use rayon::prelude::*;

/// Scores `f(x) = W x + b` of raw rows (LECTURE 4.2), `weight: n_classes x n_features` and
/// `bias: n_classes` in f32. For pixels, x is the bytes as numbers 0 to 255.
///
/// ```
/// use nearplane_kernels::{Level, MatRef};
/// use nearplane_models::linear::{LinearModel, Loss};
/// use nearplane_models::neighbors::Rows;
/// let model = LinearModel::new(vec![1.0, 0.0, 0.0, 2.0], vec![0.5, 0.0], Loss::Softmax)?;
/// let rows = Rows::from_mat(MatRef::from_rows(&[3u8, 1, 1, 9], 2))?;
/// assert_eq!(model.scores(Level::detect(), &rows)?, [3.5, 2.0, 1.5, 18.0]);
/// assert_eq!(model.predict(Level::detect(), &rows)?, [0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LinearModel {
    weight: Vec<f32>,
    bias: Vec<f32>,
    n_features: usize,
    loss: Loss,
}

impl LinearModel {
    /// A model of these numbers; `loss` is what it was trained with.
    ///
    /// # Errors
    /// [`LinearError::Classes`] for fewer than 2 biases, [`LinearError::Tensor`] if the weights are not whole
    /// rows, one a class, [`LinearError::NonFiniteTensor`].
    pub fn new(weight: Vec<f32>, bias: Vec<f32>, loss: Loss) -> Result<Self, LinearError> {
        let n_classes = bias.len();
        if n_classes < 2 {
            return Err(LinearError::Classes(n_classes));
        }
        if weight.is_empty() || !weight.len().is_multiple_of(n_classes) {
            return Err(LinearError::Tensor {
                what: "weight",
                found: weight.len(),
                expected: (weight.len() / n_classes).max(1) * n_classes,
            });
        }
        for (what, numbers) in [("weight", &weight), ("bias", &bias)] {
            if let Some(position) = numbers.iter().position(|x| !x.is_finite()) {
                return Err(LinearError::NonFiniteTensor { what, position });
            }
        }
        Ok(Self {
            n_features: weight.len() / n_classes,
            weight,
            bias,
            loss,
        })
    }

    /// W, `n_classes x n_features`, row-major.
    #[must_use]
    pub fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// b, one a class.
    #[must_use]
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// The template of a class (LECTURE 4.3): its row of W, which can be looked at as an image.
    ///
    /// # Panics
    /// If there is no such class.
    #[must_use]
    pub fn template(&self, class: usize) -> &[f32] {
        assert!(
            class < self.n_classes(),
            "class {class} of {}",
            self.n_classes()
        );
        &self.weight[class * self.n_features..][..self.n_features]
    }

    /// Number of classes.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.bias.len()
    }

    /// Number of features, the columns of a row.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// What the model was trained with.
    #[must_use]
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The scores of each row, `n x n_classes`, on the current rayon pool; the same bits for every number
    /// of threads.
    ///
    /// # Errors
    /// [`LinearError::Columns`] if rows have not the columns of the model, [`LinearError::NonFinite`] for
    /// NaN or infinity.
    pub fn scores<T: Element>(
        &self,
        level: Level,
        rows: &Rows<'_, T>,
    ) -> Result<Vec<f32>, LinearError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        if rows.cols() != self.n_features {
            return Err(LinearError::Columns {
                what: "the rows to score",
                found: rows.cols(),
                expected: self.n_features,
            });
        }
        super::data::check_finite(rows, "query")?;
        let n_classes = self.n_classes();
        let weights = MatRef::new(&self.weight, n_classes, self.n_features, self.n_features);
        let per_block = rows_per_block::<T>(self.n_features);
        let mut scores = vec![0.0; rows.len() * n_classes];
        scores
            .par_chunks_mut(per_block * n_classes)
            .enumerate()
            .for_each_init(Vec::new, |room, (index, out)| {
                let n = out.len() / n_classes;
                let block = rows.block(index * per_block..index * per_block + n, room);
                T::scores(
                    level,
                    block,
                    weights,
                    &mut MatMut::new(out, n, n_classes, n_classes),
                );
                for row in out.chunks_exact_mut(n_classes) {
                    for (score, bias) in row.iter_mut().zip(&self.bias) {
                        *score += bias;
                    }
                }
            });
        Ok(scores)
    }

    /// The class with the largest score of each row; of equal ones the lowest label.
    ///
    /// # Errors
    /// As [`LinearModel::scores`].
    pub fn predict<T: Element>(
        &self,
        level: Level,
        rows: &Rows<'_, T>,
    ) -> Result<Vec<u32>, LinearError> {
        let scores = self.scores(level, rows)?;
        let rows = scores.chunks_exact(self.n_classes());
        Ok(rows.map(|row| largest(row) as u32).collect())
    }

    /// `P(k | x)` of each row (LECTURE 6.3), `n x n_classes`, of a model trained with [`Loss::Softmax`].
    ///
    /// # Errors
    /// [`LinearError::NoProbabilities`] for another loss; as [`LinearModel::scores`].
    pub fn probabilities<T: Element>(
        &self,
        level: Level,
        rows: &Rows<'_, T>,
    ) -> Result<Vec<f64>, LinearError> {
        if self.loss != Loss::Softmax {
            return Err(LinearError::NoProbabilities(self.loss));
        }
        let scores = self.scores(level, rows)?;
        Ok(scores
            .chunks_exact(self.n_classes())
            .flat_map(softmax)
            .collect())
    }
}

/// The position of the largest, the first of equal ones.
pub(super) fn largest<S: PartialOrd>(scores: &[S]) -> usize {
    let mut best = 0;
    for (k, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = k;
        }
    }
    best
}
