//! Ridge regression on one-hot targets: least squares, solved in closed form, for every lambda and with
//! every row left out once from one factorisation.

use super::dense::{Symmetric, transpose};
use super::params::{NOT_NEGATIVE, check_range};
use super::{LinearData, LinearError, Parameters};
use crate::Monitor;
use crate::neighbors::Element;
use nearplane_kernels::{Level, MatMut, MatRef, gemm_f32};
use rayon::prelude::*;
use std::ops::Range;

/// Rows whose products are summed in one go; the monitor is asked between.
const ROWS_AT_ONCE: usize = 2048;

/// Rows that one thread projects on the eigenvectors.
const BLOCK: usize = 64;

/// Eigenvalues below this share of the largest are 0 but for the rounding of the products.
const NOTHING: f64 = 1e-6;

/// What ridge regression minimises, over N rows with weights w and one-hot targets y (1 for the class of a
/// row, 0 for the others):
///
/// ```text
/// objective(W, b) = 1/N sum_i w_i |W z_i + b - y_i|^2 + lambda sum W^2
/// ```
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `lambdas` | 1e-3 | one fit for each | one or more, finite, 0 or above |
/// | `leave_one_out` | no | predict each row by the fit to all others | needs every lambda above 0 |
/// | `level` | the best of this CPU | SIMD level of the kernels | [`Level::available`] |
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct RidgeParams {
    /// How much the penalty counts, a fit for each.
    pub lambdas: Vec<f64>,
    /// Whether to predict each row by the fit to all others.
    pub leave_one_out: bool,
    /// SIMD level of the kernels.
    pub level: Level,
}

impl Default for RidgeParams {
    fn default() -> Self {
        Self {
            lambdas: vec![1e-3],
            leave_one_out: false,
            level: Level::detect(),
        }
    }
}

impl RidgeParams {
    /// The configuration, if it is one.
    ///
    /// # Errors
    /// [`LinearError::Range`] if there is no lambda, or one is negative, not finite, or 0 with
    /// `leave_one_out`.
    pub fn check(self) -> Result<RidgeConfig, LinearError> {
        let n = self.lambdas.len() as f64;
        check_range("the number of lambdas", n, "1 or above", |n| n >= 1.0)?;
        for &lambda in &self.lambdas {
            check_range("lambda", lambda, NOT_NEGATIVE, |x| x >= 0.0)?;
            if self.leave_one_out {
                let expected = "above 0 where rows are left out";
                check_range("lambda", lambda, expected, |x| x > 0.0)?;
            }
        }
        Ok(RidgeConfig(self))
    }
}

/// Checked [`RidgeParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct RidgeConfig(RidgeParams);

/// The ridge regression of one lambda.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RidgeFit {
    /// How much the penalty counted.
    pub lambda: f64,
    /// Weights and bias on z; [`Affine::fold`](super::Affine::fold) makes a model of them.
    pub parameters: Parameters,
    /// The least objective.
    pub objective: f64,
    /// Scores of each row by the fit to all others, `n x n_classes`, if they were asked for. The others keep
    /// their weight against the penalty: `sum w |...|^2 + N lambda sum W^2` without the row's term.
    pub leave_one_out: Option<Vec<f32>>,
}

impl RidgeConfig {
    /// The lambdas, one fit each.
    #[must_use]
    pub fn lambdas(&self) -> &[f64] {
        &self.0.lambdas
    }

    /// Fits every lambda. One lambda takes a Cholesky factor of the second moments G of the centred
    /// rows, several (or rows left out) their eigenvectors: `W = Y^T Z/N (G + lambda I)^-1`, and with
    /// the leverage h of a row, its share in its own prediction,
    /// `h_i = w_i (1 / sum w + z_i^T (G + lambda I)^-1 z_i / N)`, the residual of the fit without it is
    /// that of the fit with it divided by `1 - h_i` (Allen 1974, the PRESS statistic).
    ///
    /// With lambda 0 and fewer independent rows than columns, the W of least norm. The monitor's progress
    /// counts rows.
    ///
    /// ```
    /// use nearplane_kernels::MatRef;
    /// use nearplane_models::linear::{LinearData, RidgeParams};
    /// use nearplane_models::neighbors::Rows;
    /// let rows = Rows::from_mat(MatRef::from_rows(&[-1.0f32, 1.0], 1))?;
    /// let data = LinearData::new(rows, &[0, 1], 2)?;
    /// let config = RidgeParams { lambdas: vec![1.0], ..Default::default() }.check()?;
    /// let fits = config.fit(&data, &())?;
    /// // 1/2 (1 + 1) of moments, and 1 of lambda: half of what least squares gives.
    /// let is = |found: f64, expected: f64| (found - expected).abs() < 1e-12;
    /// let parameters = &fits[0].parameters;
    /// assert!(is(parameters.weight[0], -0.25) && is(parameters.weight[1], 0.25));
    /// assert!(is(parameters.bias[0], 0.5) && is(parameters.bias[1], 0.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LinearError::Cancelled`]; [`LinearError::NotFinite`] if products overflow.
    pub fn fit<T: Element>(
        &self,
        data: &LinearData<'_, T>,
        monitor: &dyn Monitor,
    ) -> Result<Vec<RidgeFit>, LinearError> {
        let sums = Moments::of(self.0.level, data, monitor)?;
        if let ([lambda], false) = (&self.0.lambdas[..], self.0.leave_one_out)
            && let Some(factor) = sums.products.cholesky(1.0, *lambda)
        {
            let mut weight = sums.targets.clone();
            factor.solve(&mut weight);
            return Ok(vec![sums.fit(*lambda, weight)?]);
        }
        let (values, vectors) = sums.products.eigen().ok_or(LinearError::NotFinite)?;
        let spectrum = Spectrum::new(&sums, values, vectors);
        let lambdas = self.0.lambdas.iter();
        let mut fits = lambdas
            .map(|&lambda| sums.fit(lambda, spectrum.weight(lambda)))
            .collect::<Result<Vec<_>, _>>()?;
        if self.0.leave_one_out {
            spectrum.leave_out(self.0.level, &sums, data, &mut fits, monitor)?;
        }
        Ok(fits)
    }
}

/// Sums over the centred rows.
struct Moments {
    n_classes: usize,
    n_features: usize,
    /// `sum_i w_i`.
    total_weight: f64,
    n_rows: f64,
    /// What makes the raw rows z, and then centred: `(x - center) scale`.
    center: Vec<f64>,
    /// Weighted means of z and of the targets.
    mean: Vec<f64>,
    frequency: Vec<f64>,
    /// `1/N sum_i w_i z_i z_i^T` of centred z.
    products: Symmetric,
    /// `1/N sum_i w_i y_i z_i^T` of centred z, `n_classes x n_features`.
    targets: Vec<f64>,
}

impl Moments {
    fn of<T: Element>(
        level: Level,
        data: &LinearData<'_, T>,
        monitor: &dyn Monitor,
    ) -> Result<Self, LinearError> {
        let (n, d, n_classes) = (data.n_rows(), data.n_features(), data.n_classes());
        let (total_weight, raw_mean) = weighted_mean(data);
        let scale = data.affine().scale();
        let to_z = raw_mean.iter().zip(data.affine().center()).zip(scale);
        let mean = to_z
            .map(|((x, center), scale)| (x - center) * scale)
            .collect();
        let mut frequency = vec![0.0; n_classes];
        for row in 0..n {
            frequency[data.labels()[row] as usize] += data.weight(row) / total_weight;
        }
        let mut sums = Self {
            n_classes,
            n_features: d,
            total_weight,
            n_rows: n as f64,
            center: raw_mean,
            mean,
            frequency,
            products: Symmetric::zero(d),
            targets: vec![0.0; n_classes * d],
        };
        for first in (0..n).step_by(ROWS_AT_ONCE) {
            if monitor.cancelled() {
                return Err(LinearError::Cancelled);
            }
            let range = first..n.min(first + ROWS_AT_ONCE);
            let rows = sums.rows(data, range.clone(), true);
            let transposed = transpose(&rows, range.len(), d);
            sums.products.add_products(level, &transposed, &rows);
            sums.add_targets(data, range.clone(), &rows);
            monitor.progress(range.end as u64, n as u64);
        }
        sums.products.mirror();
        let n = n as f64;
        sums.products.elements.iter_mut().for_each(|x| *x /= n);
        sums.targets.iter_mut().for_each(|x| *x /= n);
        Ok(sums)
    }

    /// Centred rows as f32, times the root of their weight where they are to be `weighted`.
    fn rows<T: Element>(
        &self,
        data: &LinearData<'_, T>,
        range: Range<usize>,
        weighted: bool,
    ) -> Vec<f32> {
        let d = self.n_features;
        let mut rows = vec![0.0f32; range.len() * d];
        rows.par_chunks_mut(d).enumerate().for_each(|(i, out)| {
            let row = range.start + i;
            let weight = if weighted {
                data.weight(row).sqrt()
            } else {
                1.0
            };
            let columns = self.center.iter().zip(data.affine().scale());
            let raw = data.rows().row(row).iter();
            for ((out, &x), (center, scale)) in out.iter_mut().zip(raw).zip(columns) {
                *out = ((f64::from(x.number()) - center) * scale * weight) as f32;
            }
        });
        rows
    }

    fn add_targets<T: Element>(
        &mut self,
        data: &LinearData<'_, T>,
        range: Range<usize>,
        rows: &[f32],
    ) {
        let d = self.n_features;
        // Columns are shared among threads; each meets the rows in their order.
        let sums: Vec<&mut [f64]> = self.targets.chunks_exact_mut(d).collect();
        sums.into_par_iter().enumerate().for_each(|(class, sums)| {
            for (row, z) in range.clone().zip(rows.chunks_exact(d)) {
                if data.labels()[row] as usize == class {
                    let weight = data.weight(row).sqrt();
                    for (sum, &z) in sums.iter_mut().zip(z) {
                        *sum += weight * f64::from(z);
                    }
                }
            }
        });
    }

    fn fit(&self, lambda: f64, weight: Vec<f64>) -> Result<RidgeFit, LinearError> {
        let d = self.n_features;
        let bias: Vec<f64> = weight
            .chunks_exact(d)
            .zip(&self.frequency)
            .map(|(weight, y)| {
                y - weight
                    .iter()
                    .zip(&self.mean)
                    .map(|(w, z)| w * z)
                    .sum::<f64>()
            })
            .collect();
        // sum_k y_k^2 = 1 for every row; where W (G + lambda I) = Y^T Z / N, the squares of W cancel.
        let mean_square: f64 = self.frequency.iter().map(|y| y * y).sum();
        let explained: f64 = weight.iter().zip(&self.targets).map(|(w, r)| w * r).sum();
        let objective = self.total_weight / self.n_rows * (1.0 - mean_square) - explained;
        if !objective.is_finite() {
            return Err(LinearError::NotFinite);
        }
        Ok(RidgeFit {
            lambda,
            parameters: Parameters { weight, bias },
            objective,
            leave_one_out: None,
        })
    }
}

/// The second moments by their eigenvectors.
struct Spectrum {
    values: Vec<f64>,
    /// Eigenvector j in row j.
    vectors: Vec<f64>,
    /// `targets v_j`, `n_classes x n_features`.
    targets: Vec<f64>,
}

impl Spectrum {
    fn new(sums: &Moments, values: Vec<f64>, vectors: Vec<f64>) -> Self {
        let d = sums.n_features;
        let project = |target: &[f64]| -> Vec<f64> {
            let dot = |v: &[f64]| v.iter().zip(target).map(|(v, t)| v * t).sum();
            vectors.par_chunks_exact(d).map(dot).collect()
        };
        let targets = sums.targets.chunks_exact(d).flat_map(project).collect();
        Self {
            values,
            vectors,
            targets,
        }
    }

    /// `1 / (value + lambda)` of each eigenvalue, 0 for what is nothing.
    fn inverse(&self, lambda: f64) -> Vec<f64> {
        let largest = self.values.last().map_or(0.0, |value| value.abs());
        let inverse = |&value: &f64| {
            let value = value.max(0.0) + lambda;
            if value > 0.0 && (lambda > 0.0 || value > NOTHING * largest) {
                1.0 / value
            } else {
                0.0
            }
        };
        self.values.iter().map(inverse).collect()
    }

    fn weight(&self, lambda: f64) -> Vec<f64> {
        let inverse = self.inverse(lambda);
        let d = inverse.len();
        let mut weight = vec![0.0; self.targets.len()];
        weight
            .par_chunks_exact_mut(d)
            .zip(self.targets.par_chunks_exact(d))
            .for_each(|(weight, targets)| {
                let factors = targets.iter().zip(&inverse).map(|(t, i)| t * i);
                for (factor, v) in factors.zip(self.vectors.chunks_exact(d)) {
                    for (w, v) in weight.iter_mut().zip(v) {
                        *w += factor * v;
                    }
                }
            });
        weight
    }

    /// Scores of every row by the fits without it.
    fn leave_out<T: Element>(
        &self,
        level: Level,
        sums: &Moments,
        data: &LinearData<'_, T>,
        fits: &mut [RidgeFit],
        monitor: &dyn Monitor,
    ) -> Result<(), LinearError> {
        let (d, k, n) = (sums.n_features, sums.n_classes, data.n_rows());
        let narrow: Vec<f32> = self.vectors.iter().map(|&v| v as f32).collect();
        let by_column = transpose(&narrow, d, d);
        let inverses: Vec<Vec<f64>> = fits.iter().map(|fit| self.inverse(fit.lambda)).collect();
        let mut all = vec![Vec::with_capacity(n * k); fits.len()];
        for first in (0..n).step_by(ROWS_AT_ONCE) {
            if monitor.cancelled() {
                return Err(LinearError::Cancelled);
            }
            let range = first..n.min(first + ROWS_AT_ONCE);
            let rows = sums.rows(data, range.clone(), false);
            let parts: Vec<Vec<f32>> = rows
                .par_chunks(BLOCK * d)
                .enumerate()
                .map(|(block, rows)| {
                    let height = rows.len() / d;
                    let mut projected = vec![0.0; rows.len()];
                    gemm_f32(
                        level,
                        MatRef::from_rows(rows, d),
                        MatRef::from_rows(&by_column, d),
                        &mut MatMut::new(&mut projected, height, d, d),
                    );
                    let mut scores = Vec::with_capacity(inverses.len() * height * k);
                    for inverse in &inverses {
                        for (i, row) in projected.chunks_exact(d).enumerate() {
                            let row_index = range.start + block * BLOCK + i;
                            self.score_without(sums, data, row_index, row, inverse, &mut scores);
                        }
                    }
                    scores
                })
                .collect();
            for part in &parts {
                let of_fit = part.len() / fits.len();
                for (all, part) in all.iter_mut().zip(part.chunks_exact(of_fit)) {
                    all.extend_from_slice(part);
                }
            }
        }
        for (fit, scores) in fits.iter_mut().zip(all) {
            fit.leave_one_out = Some(scores);
        }
        Ok(())
    }

    /// Appends the scores of one row, given its projections.
    fn score_without<T: Element>(
        &self,
        sums: &Moments,
        data: &LinearData<'_, T>,
        row: usize,
        projected: &[f32],
        inverse: &[f64],
        scores: &mut Vec<f32>,
    ) {
        let weight = data.weight(row);
        let label = data.labels()[row] as usize;
        let squares = projected.iter().zip(inverse);
        let quadratic: f64 = squares.map(|(&p, i)| f64::from(p) * f64::from(p) * i).sum();
        let leverage = weight * (1.0 / sums.total_weight + quadratic / sums.n_rows);
        for (class, targets) in self.targets.chunks_exact(inverse.len()).enumerate() {
            let terms = projected.iter().zip(inverse).zip(targets);
            let inner: f64 = terms.map(|((&p, i), t)| f64::from(p) * i * t).sum();
            let target = f64::from(u8::from(class == label));
            let score = sums.frequency[class] + inner;
            let without = target - (target - score) / (1.0 - leverage);
            scores.push(without as f32);
        }
    }
}

/// `sum w`, and the weighted mean of the raw rows.
fn weighted_mean<T: Element>(data: &LinearData<'_, T>) -> (f64, Vec<f64>) {
    let (n, d) = (data.n_rows(), data.n_features());
    let starts: Vec<usize> = (0..n).step_by(ROWS_AT_ONCE).collect();
    let parts: Vec<(f64, Vec<f64>)> = starts
        .par_iter()
        .map(|&first| {
            let (mut total, mut sums) = (0.0, vec![0.0; d]);
            for row in first..n.min(first + ROWS_AT_ONCE) {
                let weight = data.weight(row);
                total += weight;
                for (sum, &x) in sums.iter_mut().zip(data.rows().row(row)) {
                    *sum += weight * f64::from(x.number());
                }
            }
            (total, sums)
        })
        .collect();
    let total: f64 = parts.iter().map(|(total, _)| total).sum();
    let mut mean = vec![0.0; d];
    for (_, sums) in &parts {
        for (mean, sum) in mean.iter_mut().zip(sums) {
            *mean += sum / total;
        }
    }
    (total, mean)
}
