//! The kernels of linear models behind one interface for rows of u8 and of f32.

use super::{Affine, LinearError};
use crate::neighbors::Rows;
use nearplane_kernels::{Level, MatMut, MatRef, gradient_f32, gradient_u8, scores_f32, scores_u8};
use std::ops::Range;

/// Scores and gradients of rows of one element type; sealed, part of [`Element`](crate::neighbors::Element).
pub trait Products: Sized {
    /// `out[i, k] = sum_p weights[k, p] rows[i, p]`.
    fn scores(
        level: Level,
        rows: MatRef<'_, Self>,
        weights: MatRef<'_, f32>,
        out: &mut MatMut<'_, f32>,
    );
    /// `gradient[k, p] += sum_i coefficients[i, k] rows[i, p]`.
    fn gradient(
        level: Level,
        coefficients: MatRef<'_, f32>,
        rows: MatRef<'_, Self>,
        gradient: &mut MatMut<'_, f32>,
    );
    /// The number 0.
    const ZERO: Self;
    /// Whether there are elements that are no numbers.
    const MAY_BE_NON_FINITE: bool;
    /// The element as a number.
    fn number(self) -> f32;
    /// What a solver sees of these rows: [`Affine::of_training`].
    fn affine(
        level: Level,
        rows: &Rows<'_, Self>,
        raw_columns: &[Range<usize>],
    ) -> Result<Affine, LinearError>;
}

/// What pixels are multiplied by.
const PIXEL: f64 = 1.0 / 255.0;

impl Products for u8 {
    const ZERO: Self = 0;
    const MAY_BE_NON_FINITE: bool = false;

    fn scores(
        level: Level,
        rows: MatRef<'_, u8>,
        weights: MatRef<'_, f32>,
        out: &mut MatMut<'_, f32>,
    ) {
        scores_u8(level, rows, weights, out);
    }

    fn gradient(
        level: Level,
        coefficients: MatRef<'_, f32>,
        rows: MatRef<'_, u8>,
        gradient: &mut MatMut<'_, f32>,
    ) {
        gradient_u8(level, coefficients, rows, gradient);
    }

    fn number(self) -> f32 {
        f32::from(self)
    }

    fn affine(
        level: Level,
        rows: &Rows<'_, u8>,
        _: &[Range<usize>],
    ) -> Result<Affine, LinearError> {
        Affine::centered(level, rows, PIXEL)
    }
}

impl Products for f32 {
    const ZERO: Self = 0.0;
    const MAY_BE_NON_FINITE: bool = true;

    fn scores(
        level: Level,
        rows: MatRef<'_, f32>,
        weights: MatRef<'_, f32>,
        out: &mut MatMut<'_, f32>,
    ) {
        scores_f32(level, rows, weights, out);
    }

    fn gradient(
        level: Level,
        coefficients: MatRef<'_, f32>,
        rows: MatRef<'_, f32>,
        gradient: &mut MatMut<'_, f32>,
    ) {
        gradient_f32(level, coefficients, rows, gradient);
    }

    fn number(self) -> f32 {
        self
    }

    fn affine(
        _: Level,
        rows: &Rows<'_, f32>,
        raw_columns: &[Range<usize>],
    ) -> Result<Affine, LinearError> {
        let affine = Affine::standardized(rows)?;
        let columns = raw_columns.iter().cloned();
        Ok(columns.fold(affine, |affine, raw| affine.with_scale(raw, PIXEL)))
    }
}
