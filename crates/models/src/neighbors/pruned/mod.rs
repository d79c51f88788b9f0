//! Exact search beyond brute force: lower bounds rule out nearly all rows before a pixel is read.
//!
//! Every row has two short codes of bytes. The block kernels compare the first codes of all pairs; a
//! row whose bound lies above the distance of the k-th neighbour known so far cannot be a neighbour.
//! What is left is bounded by the second code, and what is left then by its pixels, whose distance
//! is the exact integer that brute force computes with the same kernel. Bounds decide only what is
//! *not* looked at, so the answer is that of brute force if no bound is ever too large. That is
//! what the lemmas below prove. They need whole numbers only: no bound is computed in floating point.
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
//! *slack* `e(x)` is computed for each row, not estimated, and rounded up.
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
//! one more. Leaving out rows of `M` on the left, where `r` has been computed without them, keeps it
//! true, as `M` without them has no larger eigenvalue ([`projection`]).
//!
//! **5. The largest eigenvalue.** For any integer `d` and `E = M M^T - d I`, the largest eigenvalue of
//! `M M^T` is at most `d + |E|`. The spectral norm `|E|` of a symmetric matrix is `|E^4|^(1/4)`, and no
//! spectral norm is above the Frobenius norm, so `|E| <= |E^4|_F^(1/4)`. By Gershgorin, `|E|` is not above the
//! largest sum of magnitudes along a row, either ([`norm`]).
//!
//! **6. Clamping.** `c(y) = min(max(y, low), high)` does not stretch: `|c(y) - c(z)| <= |y - z|` for
//! each coordinate. So codes clamp what their bytes cannot hold, at no cost in slack.
//!
//! **7. Ties.** A row is ruled out only where its bound is *above* the distance `t` of the k-th
//! nearest known so far, which is never below that of the true k-th. A row at exactly `t` is looked
//! at, and (distance, index) decides as it does in brute force.
//!
//! For M any integers will do; the leading principal components of a sample rule out the most. They
//! are learnt in floating point, scaled, rounded to bytes, and exact from there on.

mod code;
mod components;
mod norm;
mod probe;
mod projection;
mod search;
mod sums;

use self::code::{Coder, Codes};
pub(super) use self::probe::pays;
use self::projection::Projection;
pub(super) use self::search::search;
use self::sums::Sums;
use super::{Metric, Rows};
use nearplane_kernels::{Kernel, Level, PackedRows};
use rayon::prelude::*;

/// Rows whose first codes lie in one packed block: with a group of queries and their sums they fit a
/// second-level cache.
const BLOCK_ROWS: usize = 1024;

/// The codes of all rows of an index.
#[derive(Debug)]
pub(super) struct Pruned {
    coder: Coder,
    blocks: Vec<Block>,
    second_cols: usize,
}

/// The codes of [`BLOCK_ROWS`] rows.
#[derive(Debug)]
struct Block {
    first: PackedRows,
    /// The first code's slack of each row, and the largest of them.
    slack: Vec<u32>,
    max_slack: u32,
    /// The last byte of each first code: what the second code replaces.
    replaced: Vec<u8>,
    /// Second codes, row-major.
    second: Vec<u8>,
    second_slack: Vec<u32>,
}

impl Block {
    fn new(level: Level, kernel: Kernel, codes: Codes) -> Self {
        let mut first = PackedRows::new(level, kernel);
        let rows: Vec<&[u8]> = codes.first.chunks_exact(codes.first_cols).collect();
        first.pack(&rows);
        Self {
            first,
            max_slack: codes.first_slack.iter().copied().max().unwrap_or(0),
            replaced: rows.iter().map(|row| row[codes.first_cols - 1]).collect(),
            slack: codes.first_slack,
            second: codes.second,
            second_slack: codes.second_slack,
        }
    }
}

/// The coder for rows like these; `None` where there is nothing to code.
fn coder(rows: &Rows<'_, u8>, metric: Metric, level: Level) -> Option<Coder> {
    if rows.is_empty() || rows.cols() == 0 {
        return None;
    }
    match metric {
        Metric::L1 => Some(Coder::Sums(Sums::new(rows.cols()))),
        Metric::L2 => Some(Coder::Projection(Projection::learn(rows, level))),
        Metric::Chi2 => None,
    }
}

impl Pruned {
    /// Codes all rows; `None` for a metric or rows without bounds.
    pub(super) fn fit(rows: &Rows<'_, u8>, metric: Metric, level: Level) -> Option<Self> {
        Some(Self::with_coder(rows, coder(rows, metric, level)?, level))
    }

    fn block_of(&self, row: u32) -> &Block {
        &self.blocks[row as usize / BLOCK_ROWS]
    }

    fn with_coder(rows: &Rows<'_, u8>, coder: Coder, level: Level) -> Self {
        let kernel = coder.kernel();
        let blocks = (0..rows.len().div_ceil(BLOCK_ROWS))
            .into_par_iter()
            .map(|block| {
                let first = block * BLOCK_ROWS;
                let rows = rows.gather(first..rows.len().min(first + BLOCK_ROWS));
                Block::new(level, kernel, coder.encode(level, &rows))
            })
            .collect();
        Self {
            second_cols: coder.second_cols(),
            coder,
            blocks,
        }
    }
}
