//! Products of matrices, blocked for the caches.
//!
//! Both factors are packed: the left one in panels of `C` rows, the right one in panels of `V` vectors of
//! columns, so that the register tiles of `outer` read them in order. A packed block of the left factor
//! and one of the right stay in the second-level cache; a panel of the right one in the first.
//!
//! Everything here is `inline(always)`, as in `generic`.

use super::floats::{Floats, MAX_LANES};
use super::outer::{Factors, add_to};
use super::scratch::Scratch;
use crate::{MatMut, MatRef};

/// Steps of the inner index that a block holds.
const DEPTH: usize = 256;
/// Columns of the result that a block of the right factor holds, about.
const COLS: usize = 512;
/// Rows of the result that a block of the left factor holds, about.
const ROWS: usize = 96;
/// The most floats of a register tile.
const MAX_TILE: usize = 512;

/// The left factor of a product.
#[derive(Clone, Copy)]
pub(crate) enum Left<'a> {
    /// The matrix itself.
    AsIs(MatRef<'a, f32>),
    /// Its transpose.
    Transposed(MatRef<'a, f32>),
}

/// Which elements of a product are computed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of them.
    All,
    /// Those on the diagonal and to its right; the others are not touched.
    Upper,
}

impl Part {
    /// The first column of row `row` that is computed.
    fn first_col(self, row: usize) -> usize {
        if self == Self::Upper { row } else { 0 }
    }
}

impl Left<'_> {
    fn rows(self) -> usize {
        match self {
            Self::AsIs(mat) => mat.rows(),
            Self::Transposed(mat) => mat.cols(),
        }
    }

    /// The number in row `row` at step `step`.
    pub(crate) fn at(self, row: usize, step: usize) -> f32 {
        match self {
            Self::AsIs(mat) => mat.row(row)[step],
            Self::Transposed(mat) => mat.row(step)[row],
        }
    }

    /// Rows `first..first + n`, steps `from..from + depth`, in panels of `C` rows: for each step the
    /// panel's numbers; what is behind the last row is arbitrary.
    #[inline(always)]
    fn pack<const C: usize>(
        self,
        first: usize,
        n: usize,
        from: usize,
        depth: usize,
        packed: &mut [f32],
    ) {
        for (panel, row) in packed.chunks_exact_mut(C * depth).zip((0..n).step_by(C)) {
            let rows = C.min(n - row);
            let (steps, _) = panel.as_chunks_mut::<C>();
            match self {
                Self::AsIs(mat) => {
                    let mut of_row: [&[f32]; C] = [&[]; C];
                    for (r, of_row) in of_row.iter_mut().enumerate() {
                        *of_row = &mat.row(first + row + r.min(rows - 1))[from..][..depth];
                    }
                    for (s, step) in steps.iter_mut().enumerate() {
                        for (to, from) in step.iter_mut().zip(of_row) {
                            *to = from[s];
                        }
                    }
                }
                Self::Transposed(mat) => {
                    for (s, step) in steps.iter_mut().enumerate() {
                        let row = &mat.row(from + s)[first + row..][..rows];
                        step[..rows].copy_from_slice(row);
                    }
                }
            }
        }
    }
}

/// Steps `from..from + depth`, columns `first..first + n` of the right factor in panels of `width`
/// columns; what is behind the last column is arbitrary.
#[inline(always)]
fn pack_right(
    right: MatRef<f32>,
    from: usize,
    depth: usize,
    first: usize,
    n: usize,
    width: usize,
    packed: &mut [f32],
) {
    for step in 0..depth {
        let row = &right.row(from + step)[first..][..n];
        for (p, cols) in row.chunks(width).enumerate() {
            packed[p * width * depth + step * width..][..cols.len()].copy_from_slice(cols);
        }
    }
}

/// Adds left x right to `out`, or to a part of it.
///
/// # Safety
/// The CPU has the features of `F`'s level, and the shapes fit each other.
#[inline(always)]
pub(crate) unsafe fn add_product<F: Floats, const C: usize, const V: usize>(
    left: Left,
    right: MatRef<f32>,
    part: Part,
    out: &mut MatMut<f32>,
) {
    let width = V * F::LANES;
    const { assert!(C * V * MAX_LANES <= MAX_TILE) };
    let (m, n, inner) = (left.rows(), right.cols(), right.rows());
    let (block_rows, block_cols) = (ROWS.next_multiple_of(C), COLS.next_multiple_of(width));
    let depth = DEPTH.min(inner);
    let mut scratch = Scratch::new((block_rows + block_cols) * depth);
    let (right_block, left_block) = scratch.as_mut_slice().split_at_mut(block_cols * depth);
    for first_col in (0..n).step_by(block_cols) {
        let cols = block_cols.min(n - first_col);
        for from in (0..inner).step_by(DEPTH) {
            let depth = DEPTH.min(inner - from);
            pack_right(right, from, depth, first_col, cols, width, right_block);
            for first_row in (0..m).step_by(block_rows) {
                if first_col + cols <= part.first_col(first_row) {
                    break;
                }
                let rows = block_rows.min(m - first_row);
                left.pack::<C>(first_row, rows, from, depth, left_block);
                for col in (0..cols).step_by(width) {
                    for row in (0..rows).step_by(C) {
                        let (n_rows, n_cols) = (C.min(rows - row), width.min(cols - col));
                        let (out_row, out_col) = (first_row + row, first_col + col);
                        if out_col + n_cols <= part.first_col(out_row) {
                            break;
                        }
                        let factors = Factors {
                            n: depth,
                            left: left_block[row * depth..][..C * depth].as_ptr(),
                            left_stride: C,
                            right: right_block[col * depth..][..width * depth].as_ptr(),
                            right_stride: width,
                        };
                        // SAFETY: the features are the caller's promise; the panels hold `depth` steps,
                        // and the tile lies in `out`, or in a buffer where it would not.
                        unsafe {
                            let stride = out.stride();
                            let to = out.as_mut_ptr().add(out_row * stride + out_col);
                            let last = part.first_col(out_row + C - 1);
                            if n_rows == C && n_cols == width && last <= out_col {
                                add_to::<F, f32, C, V>(factors, to, stride);
                                continue;
                            }
                            let mut buffer = [0.0; MAX_TILE];
                            let at = buffer.as_mut_ptr();
                            for r in 0..n_rows {
                                at.add(r * width)
                                    .copy_from_nonoverlapping(to.add(r * stride), n_cols);
                            }
                            add_to::<F, f32, C, V>(factors, at, width);
                            for r in 0..n_rows {
                                let skip = part.first_col(out_row + r).saturating_sub(out_col);
                                let n = n_cols.saturating_sub(skip);
                                to.add(r * stride + n_cols - n)
                                    .copy_from_nonoverlapping(at.add(r * width + n_cols - n), n);
                            }
                        }
                    }
                }
            }
        }
    }
}
