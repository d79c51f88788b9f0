//! Scales learnt on the training rows: of each column for linear models, of each block for distances.

use super::{FeatureBlock, FeatureError};
use crate::neighbors::Rows;
use rayon::prelude::*;

/// Rows summed by one thread in one go. The sums of these chunks are added up in their order, so that
/// a fit does not depend on the number of threads.
const ROWS_AT_ONCE: usize = 256;

/// Every column with mean 0 and deviation 1 over the training rows:
///
/// ```text
/// z_j = (x_j - mean_j) / deviation_j,    deviation_j^2 = 1/n sum_i (x_ij - mean_j)^2
/// ```
///
/// A column that is constant on the training rows says nothing and becomes 0. Fit on training rows
/// only: what validation or test rows know must not reach the model (LECTURE 3.1).
///
/// ```
/// use nearplane_kernels::MatRef;
/// use nearplane_models::features::Standardizer;
/// use nearplane_models::neighbors::Rows;
/// let train = [1.0, 5.0, 3.0, 5.0];
/// let standardizer = Standardizer::fit(&Rows::from_mat(MatRef::from_rows(&train, 2))?)?;
/// let mut rows = [4.0, 6.0];
/// standardizer.apply(&mut rows);
/// assert_eq!(rows, [2.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Standardizer {
    mean: Vec<f32>,
    scale: Vec<f32>,
}

impl Standardizer {
    /// Learns mean and deviation of every column of `rows: n x d`, in f64.
    ///
    /// # Errors
    /// Without rows, or if one holds NaN or infinity.
    pub fn fit(rows: &Rows<'_, f32>) -> Result<Self, FeatureError> {
        check(rows)?;
        let (n, cols) = (rows.len() as f64, rows.cols());
        let sums = column_sums(rows, |_, x| x);
        let means: Vec<f64> = sums.iter().map(|sum| sum / n).collect();
        let squares = column_sums(rows, |column, x| (x - means[column]).powi(2));
        let first = rows.row(0);
        let constant = (0..rows.len())
            .into_par_iter()
            .with_min_len(ROWS_AT_ONCE)
            .fold(
                || vec![true; cols],
                |mut constant, row| {
                    for ((constant, x), first) in constant.iter_mut().zip(rows.row(row)).zip(first)
                    {
                        *constant &= x == first;
                    }
                    constant
                },
            )
            .reduce(
                || vec![true; cols],
                |a, b| a.iter().zip(b).map(|(&a, b)| a && b).collect(),
            );
        let scale = squares.iter().zip(&constant).map(|(square, &constant)| {
            // Not from the sum of squares, which rounding keeps from being zero.
            if constant {
                0.0
            } else {
                (1.0 / (square / n).sqrt()) as f32
            }
        });
        Ok(Self {
            scale: scale.collect(),
            mean: means.iter().map(|&mean| mean as f32).collect(),
        })
    }

    /// The same with the columns of each block multiplied by its weight afterwards: how much the block
    /// counts in a distance. `1 / sqrt(columns of the block)` lets each block count alike in L2.
    ///
    /// # Panics
    /// If there is not one weight a block, or the blocks are not those of the columns fitted.
    #[must_use]
    pub fn weighted(mut self, blocks: &[FeatureBlock], weights: &[f32]) -> Self {
        assert!(
            blocks.len() == weights.len(),
            "{} weights for {} blocks",
            weights.len(),
            blocks.len()
        );
        for (block, weight) in blocks.iter().zip(weights) {
            for scale in &mut self.scale[block.columns.clone()] {
                *scale *= weight;
            }
        }
        self
    }

    /// Standardises `rows: n x d`, row-major, in place, on the current rayon thread pool.
    ///
    /// # Panics
    /// If `rows` does not hold whole rows.
    pub fn apply(&self, rows: &mut [f32]) {
        each_row(rows, self.mean.len(), |row| {
            for ((x, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *x = (*x - mean) * scale;
            }
        });
    }

    /// Mean of each column.
    #[must_use]
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// What each column is multiplied by after its mean is taken away: 1 / deviation (times the
    /// weight), or 0 for a constant column.
    #[must_use]
    pub fn scale(&self) -> &[f32] {
        &self.scale
    }
}

/// Every block with rows of a known mean length, so that no block drowns the others in a distance:
///
/// ```text
/// z = w x / (1/n sum_i |x_i|)      over the columns of the block, |x| the Euclidean length
/// ```
///
/// with the block's [`weight`](FeatureBlock::weight) w. Nothing is subtracted: histograms stay
/// histograms, with no negative entry. One block alone is only stretched, which changes no order of
/// neighbours.
///
/// ```
/// use nearplane_kernels::MatRef;
/// use nearplane_models::features::{BlockScaler, FeatureSpec, ImageShape};
/// use nearplane_models::neighbors::Rows;
/// let spec: FeatureSpec = "raw+hist:space=rgb,bins=2".parse()?;
/// let blocks = spec.check(ImageShape { channels: 1, height: 1, width: 1 })?.blocks().to_vec();
/// let mut train = [100.0, 0.0, 1.0, 200.0, 1.0, 0.0];
/// let scaler = BlockScaler::fit(&Rows::from_mat(MatRef::from_rows(&train, 3))?, &blocks)?;
/// scaler.apply(&mut train);
/// assert_eq!(train, [100.0 / 150.0, 0.0, 0.4, 200.0 / 150.0, 0.4, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BlockScaler {
    /// What each column is multiplied by.
    scale: Vec<f32>,
    factors: Vec<f32>,
}

impl BlockScaler {
    /// Learns the mean length of each block over `rows: n x d`, in f64. A block that is zero in every
    /// row stays so.
    ///
    /// # Errors
    /// As [`Standardizer::fit`], and [`FeatureError::Columns`] if the blocks are not those of the rows.
    pub fn fit(rows: &Rows<'_, f32>, blocks: &[FeatureBlock]) -> Result<Self, FeatureError> {
        check(rows)?;
        let expected = blocks.last().map_or(0, |block| block.columns.end);
        if rows.cols() != expected {
            return Err(FeatureError::Columns {
                found: rows.cols(),
                expected,
            });
        }
        let lengths: Vec<Vec<f64>> = chunks(rows.len())
            .map(|chunk| {
                let mut sums = vec![0.0; blocks.len()];
                for row in chunk {
                    for (sum, block) in sums.iter_mut().zip(blocks) {
                        let x = rows.row(row)[block.columns.clone()].iter();
                        *sum += x.map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
                    }
                }
                sums
            })
            .collect();
        let factors: Vec<f32> = blocks
            .iter()
            .enumerate()
            .map(|(i, block)| {
                let length: f64 = lengths.iter().map(|sums| sums[i]).sum();
                let mean = length / rows.len() as f64;
                let divisor = if mean > 0.0 { mean } else { 1.0 };
                (f64::from(block.weight) / divisor) as f32
            })
            .collect();
        let mut scale = vec![1.0; expected];
        for (block, &factor) in blocks.iter().zip(&factors) {
            scale[block.columns.clone()].fill(factor);
        }
        Ok(Self { scale, factors })
    }

    /// Scales `rows: n x d`, row-major, in place, on the current rayon thread pool.
    ///
    /// # Panics
    /// If `rows` does not hold whole rows.
    pub fn apply(&self, rows: &mut [f32]) {
        each_row(rows, self.scale.len(), |row| {
            for (x, scale) in row.iter_mut().zip(&self.scale) {
                *x *= scale;
            }
        });
    }

    /// What each block is multiplied by.
    #[must_use]
    pub fn factors(&self) -> &[f32] {
        &self.factors
    }
}

fn check(rows: &Rows<'_, f32>) -> Result<(), FeatureError> {
    if rows.is_empty() {
        return Err(FeatureError::NoRows);
    }
    let bad = (0..rows.len()).into_par_iter().find_map_first(|row| {
        let column = rows.row(row).iter().position(|x| !x.is_finite())?;
        Some((row, column))
    });
    match bad {
        None => Ok(()),
        Some((row, column)) => Err(FeatureError::NonFinite {
            row,
            column,
            value: rows.row(row)[column],
        }),
    }
}

/// Ranges of rows, in order.
fn chunks(n: usize) -> impl IndexedParallelIterator<Item = std::ops::Range<usize>> {
    (0..n.div_ceil(ROWS_AT_ONCE))
        .into_par_iter()
        .map(move |chunk| chunk * ROWS_AT_ONCE..n.min((chunk + 1) * ROWS_AT_ONCE))
}

/// The sum over the rows of a function of column and value.
fn column_sums(rows: &Rows<'_, f32>, term: impl Fn(usize, f64) -> f64 + Sync) -> Vec<f64> {
    let partial: Vec<Vec<f64>> = chunks(rows.len())
        .map(|chunk| {
            let mut sums = vec![0.0; rows.cols()];
            for row in chunk {
                for (column, (sum, &x)) in sums.iter_mut().zip(rows.row(row)).enumerate() {
                    *sum += term(column, f64::from(x));
                }
            }
            sums
        })
        .collect();
    let mut sums = vec![0.0; rows.cols()];
    for partial in &partial {
        for (sum, partial) in sums.iter_mut().zip(partial) {
            *sum += partial;
        }
    }
    sums
}

fn each_row(rows: &mut [f32], cols: usize, change: impl Fn(&mut [f32]) + Send + Sync) {
    if cols == 0 {
        return;
    }
    assert!(
        rows.len().is_multiple_of(cols),
        "{} numbers are not rows of {cols}",
        rows.len()
    );
    rows.par_chunks_mut(cols)
        .with_min_len(ROWS_AT_ONCE)
        .for_each(change);
}
