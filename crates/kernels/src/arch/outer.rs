//! Sums of outer products: what the gradient of a linear model and a product of matrices are made of.
//!
//! A register tile is `C` rows of the result by `V` vectors of its columns. It stays in registers while
//! the inner index runs: `C` numbers of the left factor are broadcast against `V` vectors of the right
//! one. Every element of the result meets the inner index in order, so that neither tiles nor
//! blocks nor calls show in its bits.
//!
//! Everything here is `inline(always)`, as in `generic`.

use super::floats::{Floats, Source};
use crate::{MatMut, MatRef};

/// Rows of data whose products are added before the next column tile: their slices and coefficients
/// stay in the nearest caches.
pub(crate) const BLOCK: usize = 128;

/// Two factors from one column tile on: `n` steps of the inner index, elements between them.
#[derive(Clone, Copy)]
pub(crate) struct Factors<T> {
    pub(crate) n: usize,
    pub(crate) left: *const f32,
    pub(crate) left_stride: usize,
    pub(crate) right: *const T,
    pub(crate) right_stride: usize,
}

/// Adds the products of `factors` to a tile: `part` elements of the last vector, which is one of
/// `V` = 1, where that is not 0.
///
/// # Safety
/// The CPU has the features of `F`'s level; each of the `n` steps has `C` readable floats on the left and
/// `V * LANES` (`part`, if that is not 0) readable elements on the right.
#[inline(always)]
pub(crate) unsafe fn tile<F: Floats, T: Source, const C: usize, const V: usize>(
    factors: Factors<T>,
    part: usize,
    accs: &mut [[F::Vector; V]; C],
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = *accs;
        for i in 0..factors.n {
            let left = factors.left.add(i * factors.left_stride);
            let right = factors.right.add(i * factors.right_stride);
            // The same row in the next column tile. No prefetcher of hardware sees it coming.
            F::prefetch(right.wrapping_add(V * F::LANES).cast());
            let mut x = [F::zero(); V];
            for (v, x) in x.iter_mut().enumerate() {
                *x = if part == 0 {
                    T::load::<F>(right.add(v * F::LANES))
                } else {
                    T::load_part::<F>(right, part)
                };
            }
            for (c, sums) in sums.iter_mut().enumerate() {
                let coefficient = F::splat(left.add(c).read());
                for v in 0..V {
                    sums[v] = F::fma(sums[v], coefficient, x[v]);
                }
            }
        }
        *accs = sums;
    }
}

/// Adds to the gradient rows of `C` classes from `first_class` on what the rows `first_row..end` give.
///
/// # Safety
/// The CPU has the features of `F`'s level; the shapes fit each other, the rows and classes exist.
#[inline(always)]
pub(crate) unsafe fn gradient<F: Floats, T: Source, const C: usize, const V: usize>(
    coefficients: MatRef<f32>,
    rows: MatRef<T>,
    first_row: usize,
    first_class: usize,
    gradient: &mut MatMut<f32>,
) {
    let n = BLOCK.min(rows.rows() - first_row);
    let (cols, stride) = (rows.cols(), gradient.stride());
    let mut factors = Factors {
        n,
        left: coefficients.as_ptr(),
        left_stride: coefficients.stride(),
        right: rows.as_ptr(),
        right_stride: rows.stride(),
    };
    // SAFETY: the features are the caller's promise, as are the shapes: of `n` rows each column tile
    // lies in the matrices.
    unsafe {
        factors.left = factors
            .left
            .add(first_row * factors.left_stride + first_class);
        let from = rows.as_ptr().add(first_row * rows.stride());
        let to = gradient.as_mut_ptr().add(first_class * stride);
        let mut col = 0;
        while col + V * F::LANES <= cols {
            factors.right = from.add(col);
            add_to::<F, T, C, V>(factors, to.add(col), stride);
            col += V * F::LANES;
        }
        while col + F::LANES <= cols {
            factors.right = from.add(col);
            add_to::<F, T, C, 1>(factors, to.add(col), stride);
            col += F::LANES;
        }
        if col < cols {
            factors.right = from.add(col);
            let part = cols - col;
            let mut sums = [[F::zero(); 1]; C];
            for (c, sums) in sums.iter_mut().enumerate() {
                sums[0] = F::load_part(to.add(c * stride + col), part);
            }
            tile::<F, T, C, 1>(factors, part, &mut sums);
            for (c, sums) in sums.iter().enumerate() {
                F::store_part(sums[0], to.add(c * stride + col), part);
            }
        }
    }
}

/// Adds the products to a tile in memory.
///
/// # Safety
/// As [`tile`]; `to` points to `C` rows of `V * LANES` writable floats, `stride` apart.
#[inline(always)]
pub(crate) unsafe fn add_to<F: Floats, T: Source, const C: usize, const V: usize>(
    factors: Factors<T>,
    to: *mut f32,
    stride: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[F::zero(); V]; C];
        for (c, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = F::load(to.add(c * stride + v * F::LANES));
            }
        }
        tile::<F, T, C, V>(factors, 0, &mut sums);
        for (c, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                F::store(*sum, to.add(c * stride + v * F::LANES));
            }
        }
    }
}
