//! What the rows look like to a quasi-Newton method: their second moments, from some of them.
//!
//! The second derivatives of the data term are `1/N sum_i H_i (x) z_i z_i^T`, where H_i, `K x K`, is the
//! curvature of the loss at row i (for softmax `diag(P) - P P^T`, never above 1/2 (I - 1 1^T/K); Böhning
//! 1992, Multinomial logistic regression algorithm). With all H_i replaced by one number c, the inverse of
//!
//! ```text
//! M = c Z^T Z / N + ridge I,    ridge = 2 lambda (of the penalty's squares)
//! ```
//!
//! is the same for each class and needs one factorisation. The images of a data set share most of their
//! second moments, so that m rows are enough: with m < d through the `m x m` products of rows
//! (Woodbury's identity), else through the `d x d` products of columns. Directions that the sample
//! misses are held back by an addition to the ridge, and corrected by the steps that L-BFGS remembers.

use super::lbfgs::dot;
use crate::Monitor;
use crate::linear::LinearData;
use crate::linear::dense::{Cholesky, Symmetric, transpose};
use crate::neighbors::Element;
use nearplane_kernels::{Level, MatMut, MatRef, gradient_f32, scores_f32};
use rayon::prelude::*;

/// Rows or columns of the sample that a thread multiplies in one go.
const BLOCK: usize = 128;

/// Rows whose products are summed before the monitor is asked again.
const ROWS_AT_ONCE: usize = 1024;

/// Of the mean square of a row divided by the number of rows, what is added to the ridge for what a
/// sample misses.
const MISSED: f64 = 0.25;

/// How many times the penalty the ridge may be before a larger sample pays.
const ENOUGH: f64 = 4.0;

/// The least ridge, relative to the mean square of a row: what f32 products can tell from 0.
const LEAST_RIDGE: f64 = 1e-6;

/// Some rows, centred and weighted, with their products.
#[derive(Debug)]
pub(super) struct Sample {
    level: Level,
    /// `m x d`.
    rows: Vec<f32>,
    n_rows: usize,
    n_features: usize,
    /// Whether they are all rows there are.
    whole: bool,
    /// `m x m` for rows, `d x d` for columns.
    products: Symmetric,
    of_columns: bool,
}

/// `M^-1` in factors.
#[derive(Debug)]
pub(super) struct Metric<'s> {
    sample: &'s Sample,
    factor: Cholesky,
    ridge: f64,
}

impl Sample {
    /// `n_rows` rows at even distances, give or take, or all; `of_columns` asks for products of columns
    /// even if those of rows are fewer. `None` if the monitor says to stop.
    pub(super) fn new<T: Element>(
        level: Level,
        data: &LinearData<'_, T>,
        n_rows: usize,
        of_columns: bool,
        monitor: &dyn Monitor,
    ) -> Option<Self> {
        let n_rows = n_rows.clamp(1, data.n_rows());
        let mut rows = rows_of(data, n_rows);
        let n_features = data.n_features();
        center(&mut rows, n_features);
        let of_columns = of_columns || n_features <= n_rows;
        let mut products = Symmetric::zero(if of_columns { n_features } else { n_rows });
        if of_columns {
            for rows in rows.chunks(ROWS_AT_ONCE * n_features) {
                if monitor.cancelled() {
                    return None;
                }
                let columns = transpose(rows, rows.len() / n_features, n_features);
                products.add_products(level, &columns, rows);
            }
        } else {
            products.add_products(level, &rows, &transpose(&rows, n_rows, n_features));
        }
        if monitor.cancelled() {
            return None;
        }
        products.mirror();
        Some(Self {
            level,
            rows,
            n_rows,
            n_features,
            whole: n_rows == data.n_rows(),
            products,
            of_columns,
        })
    }

    /// Mean of |z|^2 over the rows.
    pub(super) fn mean_square(&self) -> f64 {
        self.products.trace() / self.n_rows as f64
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub(super) fn is_of_columns(&self) -> bool {
        self.of_columns
    }

    /// Whether what the sample misses is small beside the penalty.
    pub(super) fn is_enough(&self, c: f64, penalty: f64) -> bool {
        self.whole || self.ridge(c, penalty) <= ENOUGH * penalty
    }

    /// What to add to `c Z^T Z / m` on its diagonal, given the penalty's part.
    pub(super) fn ridge(&self, c: f64, penalty: f64) -> f64 {
        let mean_square = c * self.mean_square();
        let missed = if self.whole {
            0.0
        } else {
            MISSED * mean_square / self.n_rows as f64
        };
        (penalty + missed).max(LEAST_RIDGE * mean_square).max(1e-30)
    }

    /// `c Z^T Z / m + ridge I` without a penalty, for a sample made of columns.
    pub(super) fn second_moments(&self, c: f64) -> Vec<f32> {
        let factor = c / self.n_rows as f64;
        let products = self.products.elements.iter();
        let mut moments: Vec<f32> = products.map(|x| (factor * x) as f32).collect();
        let ridge = self.ridge(c, 0.0) as f32;
        for j in 0..self.n_features {
            moments[j * (self.n_features + 1)] += ridge;
        }
        moments
    }

    /// The c that gives `c Z^T Z / m + penalty I` the curvature that was met along a step: from what the step
    /// changed in the gradient. `None` if the penalty alone explains it.
    pub(super) fn curvature(&self, step: &[f64], change: &[f64], penalty: f64) -> Option<f64> {
        let image = self.times(step);
        let of_rows = dot(&image, &image) / self.n_rows as f64;
        let met = dot(step, change) - penalty * dot(step, step);
        let c = met / of_rows;
        (c.is_finite() && c > 0.0).then_some(c)
    }

    /// The inverse of `c Z^T Z / m + ridge I`.
    pub(super) fn metric(&self, c: f64, penalty: f64) -> Metric<'_> {
        let mut ridge = self.ridge(c, penalty);
        let per_row = c / self.n_rows as f64;
        loop {
            let factor = if self.of_columns {
                self.products.cholesky(per_row, ridge)
            } else {
                self.products.cholesky(1.0, ridge / per_row)
            };
            if let Some(factor) = factor {
                return Metric {
                    sample: self,
                    factor,
                    ridge,
                };
            }
            // Products are rounded, so that they may be a little indefinite.
            ridge *= 10.0;
        }
    }
}

impl Metric<'_> {
    /// `M^-1 g` for each class's part of `g: K x d`.
    pub(super) fn apply(&self, mut g: Vec<f64>) -> Vec<f64> {
        if self.sample.of_columns {
            self.factor.solve(&mut g);
            return g;
        }
        // (g - Z^T (Z Z^T + ridge m/c I)^-1 Z g) / ridge.
        let n_features = self.sample.n_features;
        let mut image = self.sample.times(&g);
        self.factor.solve(&mut image);
        let back = self.sample.transposed_times(&image);
        for (g, back) in g.iter_mut().zip(&back) {
            *g = (*g - back) / self.ridge;
        }
        debug_assert_eq!(back.len() % n_features, 0);
        g
    }
}

impl Sample {
    /// `Z g` for each class: `K x m` from `K x d`.
    pub(super) fn times(&self, g: &[f64]) -> Vec<f64> {
        let (d, m) = (self.n_features, self.n_rows);
        let k = g.len() / d;
        let narrow: Vec<f32> = g.iter().map(|&x| x as f32).collect();
        let mut by_row = vec![0.0f32; m * k];
        by_row
            .par_chunks_mut(BLOCK * k)
            .zip(self.rows.par_chunks(BLOCK * d))
            .for_each(|(out, rows)| {
                let n = out.len() / k;
                scores_f32(
                    self.level,
                    MatRef::from_rows(rows, d),
                    MatRef::from_rows(&narrow, d),
                    &mut MatMut::new(out, n, k, k),
                );
            });
        let mut image = vec![0.0; k * m];
        for (i, row) in by_row.chunks_exact(k).enumerate() {
            for (class, &x) in row.iter().enumerate() {
                image[class * m + i] = f64::from(x);
            }
        }
        image
    }

    /// `Z^T y` for each class: `K x d` from `K x m`.
    pub(super) fn transposed_times(&self, y: &[f64]) -> Vec<f64> {
        let (d, m) = (self.n_features, self.n_rows);
        let k = y.len() / m;
        let mut by_row = vec![0.0f32; m * k];
        for (class, y) in y.chunks_exact(m).enumerate() {
            for (i, &y) in y.iter().enumerate() {
                by_row[i * k + class] = y as f32;
            }
        }
        let starts: Vec<usize> = (0..d).step_by(4 * BLOCK).collect();
        let parts: Vec<Vec<f32>> = starts
            .par_iter()
            .map(|&first| {
                let width = (4 * BLOCK).min(d - first);
                let mut part = vec![0.0; k * width];
                gradient_f32(
                    self.level,
                    MatRef::from_rows(&by_row, k),
                    MatRef::new(&self.rows[first..], m, width, d),
                    &mut MatMut::new(&mut part, k, width, width),
                );
                part
            })
            .collect();
        let mut image = vec![0.0; k * d];
        for (&first, part) in starts.iter().zip(&parts) {
            let width = part.len() / k;
            for (class, part) in part.chunks_exact(width).enumerate() {
                let to = &mut image[class * d + first..][..width];
                for (to, &x) in to.iter_mut().zip(part) {
                    *to = f64::from(x);
                }
            }
        }
        image
    }
}

/// Rows at even distances, each moved a little within its stretch lest they fall in step with the order
/// of the data; on z, times the root of their weight.
fn rows_of<T: Element>(data: &LinearData<'_, T>, n_rows: usize) -> Vec<f32> {
    let d = data.n_features();
    let n = data.n_rows() as u64;
    let affine = data.affine();
    let mut rows = vec![0.0f32; n_rows * d];
    rows.par_chunks_mut(d).enumerate().for_each(|(i, out)| {
        let (first, end) = (
            i as u64 * n / n_rows as u64,
            (i as u64 + 1) * n / n_rows as u64,
        );
        let row = (first + mix(i as u64) % (end - first)) as usize;
        let weight = data.weight(row).sqrt();
        let columns = affine.center().iter().zip(affine.scale());
        let raw = data.rows().row(row).iter();
        for ((out, &x), (center, scale)) in out.iter_mut().zip(raw).zip(columns) {
            *out = ((f64::from(x.number()) - center) * scale * weight) as f32;
        }
    });
    rows
}

/// The mean of each column taken away: a free bias makes it count nothing.
fn center(rows: &mut [f32], n_features: usize) {
    let n_rows = rows.len() / n_features;
    let mut mean = vec![0.0f64; n_features];
    for row in rows.chunks_exact(n_features) {
        for (mean, &x) in mean.iter_mut().zip(row) {
            *mean += f64::from(x);
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= n_rows as f64);
    for row in rows.chunks_exact_mut(n_features) {
        for (x, mean) in row.iter_mut().zip(&mean) {
            *x = (f64::from(*x) - mean) as f32;
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): a number that looks random, the same everywhere.
pub(super) fn mix(i: u64) -> u64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
