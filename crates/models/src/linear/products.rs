//! The kernels of linear models behind one interface for rows of u8 and of f32.

use nearplane_kernels::{Level, MatMut, MatRef};

/// Scores and gradients of rows of one element type; sealed, part of [`Element`](crate::neighbors::Element).
pub trait Products: Sized {
    /// `out[i, k] = sum_p weights[k, p] rows[i, p]`.
    fn scores(level: Level, rows: MatRef<'_, Self>, weights: MatRef<'_, f32>, out: MatMut<'_, f32>);
    /// `gradient[k, p] += sum_i coefficients[i, k] rows[i, p]`.
    fn gradient(
        level: Level,
        coefficients: MatRef<'_, f32>,
        rows: MatRef<'_, Self>,
        gradient: MatMut<'_, f32>,
    );
    /// The number 0.
    const ZERO: Self;
    /// Whether there are elements that are no numbers.
    const MAY_BE_NON_FINITE: bool;
    /// The element as a number.
    fn number(self) -> f32;
}

impl Products for u8 {
    const ZERO: Self = 0;
    const MAY_BE_NON_FINITE: bool = false;

    fn scores(level: Level, rows: MatRef<'_, u8>, weights: MatRef<'_, f32>, out: MatMut<'_, f32>) {
        plain::scores(level, rows, weights, out);
    }

    fn gradient(
        level: Level,
        coefficients: MatRef<'_, f32>,
        rows: MatRef<'_, u8>,
        gradient: MatMut<'_, f32>,
    ) {
        plain::gradient(level, coefficients, rows, gradient);
    }

    fn number(self) -> f32 {
        f32::from(self)
    }
}

impl Products for f32 {
    const ZERO: Self = 0.0;
    const MAY_BE_NON_FINITE: bool = true;

    fn scores(level: Level, rows: MatRef<'_, f32>, weights: MatRef<'_, f32>, out: MatMut<'_, f32>) {
        plain::scores(level, rows, weights, out);
    }

    fn gradient(
        level: Level,
        coefficients: MatRef<'_, f32>,
        rows: MatRef<'_, f32>,
        gradient: MatMut<'_, f32>,
    ) {
        plain::gradient(level, coefficients, rows, gradient);
    }

    fn number(self) -> f32 {
        self
    }
}

/// Loops that the compiler may vectorise.
mod plain {
    use super::Products;
    use nearplane_kernels::{Level, MatMut, MatRef};

    pub(super) fn scores<T: Products + Copy>(
        _: Level,
        rows: MatRef<'_, T>,
        weights: MatRef<'_, f32>,
        mut out: MatMut<'_, f32>,
    ) {
        for i in 0..rows.rows() {
            for k in 0..weights.rows() {
                let mut sums = [0.0f32; 16];
                let (row, w) = (rows.row(i), weights.row(k));
                for (x, w) in row.chunks(16).zip(w.chunks(16)) {
                    for ((sum, &x), &w) in sums.iter_mut().zip(x).zip(w) {
                        *sum += x.number() * w;
                    }
                }
                out.row_mut(i)[k] = sums.iter().sum();
            }
        }
    }

    pub(super) fn gradient<T: Products + Copy>(
        _: Level,
        coefficients: MatRef<'_, f32>,
        rows: MatRef<'_, T>,
        mut gradient: MatMut<'_, f32>,
    ) {
        for i in 0..rows.rows() {
            for k in 0..coefficients.cols() {
                let c = coefficients.row(i)[k];
                for (g, &x) in gradient.row_mut(k).iter_mut().zip(rows.row(i)) {
                    *g += c * x.number();
                }
            }
        }
    }
}
