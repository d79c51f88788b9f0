//! Exact search beyond brute force: lower bounds rule out nearly all rows before an element is read.
//!
//! Every row has short codes of bytes. The rows with the nearest *coarse* codes are looked at first, so that
//! the distance of the k-th of them is a threshold close to that of the true k-th. Then the block kernels compare the
//! *first* codes of all pairs; a row whose bound lies above the threshold cannot be a neighbour. What is
//! left is bounded by the *detailed* code, and what is left then by the row itself, whose distance is
//! that of brute force, by the same kernel. Bounds decide only what is *not* looked at, so the answer is
//! that of brute force if no bound is ever too large. That is what the lemmas below prove. For rows of bytes
//! they need whole numbers only; rows of f32 become bytes first, and what that moves is bounded, too.
//!
//! # Why the answer is exact
//!
//! Write `q(x)` for the code of a row `x`, a vector of bytes; `|.|` for the norm of the metric.
//!
//! **1. Maps that do not stretch.** Let `f` map rows to vectors with `|f(a) - f(b)| <= s |a - b|` for
//! all `a`, `b`. Then `|f(a) - f(b)| / s` is a lower bound of the distance.
//!
//! **2. Rounding.** If `e(x) >= |f(x) - step q(x)|`, then by the triangle inequality
//! `step |q(a) - q(b)| <= |f(a) - f(b)| + e(a) + e(b)`. So a row with `|a - b| <= t` has
//! `step |q(a) - q(b)| <= s t + e(a) + e(b)`, and a row that breaks this is farther away than `t`. The
//! *slack* `e(x)` is computed for each row, not estimated, and rounded up. Coordinates may have steps of their
//! own: then `step |q(a) - q(b)|` stands for the norm of the differences in their steps.
//!
//! **3. L1.** Sums over disjoint groups of columns do not stretch:
//! `sum_G |sum_{p in G} a_p - sum_{p in G} b_p| <= sum_p |a_p - b_p|`, with `s = 1`. The codes are
//! these sums over the number of columns in a group, rounded ([`sums`]).
//!
//! **4. L2, a matrix of whole numbers.** Let `M` be any matrix of integers, `m` any row, and
//! `n >= lambda_max(M M^T)` an integer. Then `n I - M^T M` is positive semidefinite, so it is `N^T N` for
//! some real `N`, and for every vector `v`: `n |v|^2 = |M v|^2 + |N v|^2`. With `v = a - b`, and
//! `|N v| >= | |N (a - m)| - |N (b - m)| |` by the triangle inequality,
//! `n |a - b|^2 >= |M (a - m) - M (b - m)|^2 + (r(a) - r(b))^2`, where
//! `r(x)^2 = n |x - m|^2 - |M (x - m)|^2` is an integer. So `f(x) = (M (x - m), r(x))` does not
//! stretch by more than `s = sqrt(n)`: the coordinates that `M` picks, and what is left of the row as
//! one more. For `M` with fewer rows the same `n` will do, as its largest eigenvalue is no larger
//! ([`projection`]).
//!
//! **5. The largest eigenvalue.** For any integer `d` and `E = M M^T - d I`, the largest eigenvalue of
//! `M M^T` is at most `d + |E|`. The spectral norm `|E|` of a symmetric matrix is `|E^2|^(1/2)`, and no
//! spectral norm is above the Frobenius norm, so `|E| <= |E^2|_F^(1/2)`. By Gershgorin, `|E|` is not above the
//! largest sum of magnitudes along a row, either ([`norm`]).
//!
//! **6. Clamping.** `c(y) = min(max(y, low), high)` does not stretch: `|c(y) - c(z)| <= |y - z|` for
//! each coordinate. So codes clamp what their bytes cannot hold, at no cost in slack.
//!
//! **7. Ties.** A row is ruled out only where its bound is *above* the distance `t` of the k-th
//! nearest known so far, which is never below that of the true k-th. A row at exactly `t` is looked
//! at, and (distance, index) decides as it does in brute force.
//!
//! **8. Rows of f32.** `c(x)` clamps each column to `[low, low + 255 u]`, and `b(x)` are the bytes with
//! `low + u b(x)` near `c(x)`. By 6 and the triangle inequality
//! `|b(a) - b(b)| <= |a - b| / u + |c(a) - low - u b(a)| / u + |c(b) - low - u b(b)| / u`, so that the bytes stand
//! for the rows with a distance of `|a - b| / u` and two slacks ([`quantize`]). Slacks are counted in parts of `u / 64`
//! and computed in f64: a height `(x - low) / u` is at most 255 and off by less than `2^-43`. With what summing
//! 66,051 columns loses, a slack is off by less than `2^-21 u` (L1) or `2^-30 u` (L2), which is far below the part by
//! which it is rounded up further.
//!
//! **9. Distances in f32.** What brute force compares is the computed `t`, not the true distance. Every term
//! of it is non-negative and rounded at most three times, and d of them are added in some order, so that with
//! `h = 2^-24` the true sum is at most `t / (1 - h)^(d + 3)`, below `t (1 + 1.1 (d + 3) h)` for `d` up to 2^20, but
//! for what underflows: less than `2^-140` a term. A row whose true distance is beyond that is not among the nearest in
//! f32, either; one whose `t` is infinite or not yet known rules out nothing.
//!
//! For M any integers will do; the leading principal components of a sample rule out the most. They
//! are learnt in floating point, scaled, rounded to 16 bits, and exact from there on.

mod code;
mod components;
mod nearest;
mod norm;
mod probe;
mod projection;
mod quantize;
mod search;
mod seeds;
mod sums;

pub(super) use self::code::{Coder, Codes};
pub(super) use self::probe::{may_pay, pays};
pub(super) use self::search::search;
use super::{Element, Metric, Rows};
use nearplane_kernels::{Level, MAX_EXACT_U8, PackedRows};
use rayon::prelude::*;

/// Neighbours of one query, (distance, index), the nearest first.
type List = Vec<(u32, u32)>;

/// Bytes of rows in a block: with their codes and a group of queries they fit a second-level cache, so that the
/// rows that are looked at are near.
const BLOCK_BYTES: usize = 768 << 10;

/// The most rows of a block, and the fewest: whole words of a bit a row.
const MAX_BLOCK_ROWS: usize = 1024;
const MIN_BLOCK_ROWS: usize = 64;

/// The codes of all rows of an index.
#[derive(Debug)]
pub(super) struct Pruned {
    coder: Coder,
    blocks: Vec<Block>,
    /// Of every block but the last.
    block_rows: usize,
    /// The largest slack of a first code.
    first_slack: u64,
}

/// The codes of some rows that follow each other.
#[derive(Debug)]
struct Block {
    coarse: PackedRows,
    first: PackedRows,
    first_slack: u64,
    coarse_rows: Vec<u8>,
    /// Detailed codes, row-major.
    detail: Vec<u8>,
    detail_slack: Vec<u32>,
}

impl Block {
    fn new(level: Level, coder: &Coder, codes: Codes) -> Self {
        let lengths = coder.lengths();
        let packed = |codes: &[u8], len: usize| {
            let mut packed = PackedRows::new(level, coder.kernel());
            let rows: Vec<&[u8]> = codes.chunks_exact(len).collect();
            packed.pack(&rows);
            packed
        };
        Self {
            coarse: packed(&codes.coarse, lengths.coarse),
            first: packed(&codes.first, lengths.first),
            first_slack: codes.first_slack.iter().copied().max().unwrap_or(0).into(),
            coarse_rows: codes.coarse,
            detail: codes.detail,
            detail_slack: codes.detail_slack,
        }
    }

    fn len(&self) -> usize {
        self.first.len()
    }
}

/// The coder for rows like these; `None` where there is nothing to code.
fn coder<T: Element>(rows: &Rows<'_, T>, metric: Metric, level: Level) -> Option<Coder> {
    let is_long = rows.cols() > MAX_EXACT_U8;
    if rows.is_empty() || rows.cols() == 0 || is_long || metric == Metric::Chi2 {
        return None;
    }
    T::coder(rows, metric, level)
}

impl Pruned {
    /// Codes all rows; `None` for a metric or rows without bounds.
    pub(super) fn fit<T: Element>(
        rows: &Rows<'_, T>,
        metric: Metric,
        level: Level,
    ) -> Option<Self> {
        let coder = coder(rows, metric, level)?;
        Some(Self::with_coder(rows, coder, level))
    }

    fn with_coder<T: Element>(rows: &Rows<'_, T>, coder: Coder, level: Level) -> Self {
        let row_bytes = (rows.cols() * size_of::<T>()).max(1);
        let block_rows = (BLOCK_BYTES / row_bytes / MIN_BLOCK_ROWS * MIN_BLOCK_ROWS)
            .clamp(MIN_BLOCK_ROWS, MAX_BLOCK_ROWS);
        let blocks: Vec<Block> = (0..rows.len().div_ceil(block_rows))
            .into_par_iter()
            .map(|block| {
                let first = block * block_rows;
                let rows = rows.gather(first..rows.len().min(first + block_rows));
                Block::new(level, &coder, T::encode(&coder, level, &rows))
            })
            .collect();
        Self {
            first_slack: blocks
                .iter()
                .map(|block| block.first_slack)
                .max()
                .unwrap_or(0),
            coder,
            blocks,
            block_rows,
        }
    }

    /// The detailed code of a row, and its slack.
    fn detail(&self, row: u32) -> (&[u8], u64) {
        let block = &self.blocks[row as usize / self.block_rows];
        let (at, len) = (row as usize % self.block_rows, self.coder.lengths().detail);
        (
            &block.detail[at * len..][..len],
            block.detail_slack[at].into(),
        )
    }
}
