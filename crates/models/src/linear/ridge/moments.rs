//! What ridge regression has to know of the rows: their weighted mean and second moments.

use super::{ROWS_AT_ONCE, RidgeFit, bytes};
use crate::Monitor;
use crate::linear::dense::{Symmetric, transpose};
use crate::linear::{LinearData, LinearError, Parameters};
use crate::neighbors::Element;
use nearplane_kernels::Level;
use rayon::prelude::*;
use std::ops::Range;

/// Sums over the centred rows.
pub(super) struct Moments {
    pub(super) n_classes: usize,
    pub(super) n_features: usize,
    /// `sum_i w_i`.
    pub(super) total_weight: f64,
    pub(super) n_rows: f64,
    /// What makes the raw rows z, and then centred: `(x - center) scale`.
    pub(super) center: Vec<f64>,
    /// Weighted means of z and of the targets.
    pub(super) mean: Vec<f64>,
    pub(super) frequency: Vec<f64>,
    /// `1/N sum_i w_i z_i z_i^T` of centred z.
    pub(super) products: Symmetric,
    /// `1/N sum_i w_i y_i z_i^T` of centred z, `n_classes x n_features`.
    pub(super) targets: Vec<f64>,
}

impl Moments {
    pub(super) fn of<T: Element>(
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
        if bytes::are_plain_bytes(data) {
            bytes::sum(&mut sums, level, data, monitor)?;
            return Ok(sums);
        }
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
    pub(super) fn rows<T: Element>(
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

    pub(super) fn fit(&self, lambda: f64, weight: Vec<f64>) -> Result<RidgeFit, LinearError> {
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
        // sum_k y_k^2 = 1 for every row.
        let mean_square: f64 = self.frequency.iter().map(|y| y * y).sum();
        let of_targets = self.total_weight / self.n_rows * (1.0 - mean_square);
        let mut objective = of_targets;
        for (weight, targets) in weight.chunks_exact(d).zip(self.targets.chunks_exact(d)) {
            let explained: f64 = weight.iter().zip(targets).map(|(w, t)| w * t).sum();
            let squares: f64 = weight.iter().map(|w| w * w).sum();
            objective += self.products.form(weight) - 2.0 * explained + lambda * squares;
        }
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
