//! Symmetric matrices of f64: sums of products of rows, Cholesky factors, bands. The same bits for every
//! number of threads: blocks are cut by the size alone.

mod band;
mod cholesky;
mod eights;
mod rank;

#[cfg(test)]
mod tests;

pub(super) use band::Banded;
pub(super) use cholesky::{Cholesky, to_lanes};
pub(super) use eights::{EIGHT, Eight, inner_products};
pub(super) use rank::LowRank;

use eights::{Grid, dot};
use nearplane_kernels::{Level, MatMut, MatRef, gemm_f32};
use rayon::prelude::*;

/// Rows and columns of a block that one thread makes.
const BLOCK: usize = 256;

/// Products that are summed in f32 before their sum moves on to f64.
const PRODUCTS_IN_F32: usize = 1024;

/// A symmetric `n x n` matrix, every element stored.
#[derive(Debug, Clone)]
pub(super) struct Symmetric {
    /// That of the last products; all give the same bits in f64.
    level: Level,
    pub(super) n: usize,
    pub(super) elements: Vec<f64>,
}

impl Symmetric {
    pub(super) fn zero(n: usize) -> Self {
        Self {
            level: Level::detect(),
            n,
            elements: vec![0.0; n * n],
        }
    }

    /// Adds `a a^T` to the lower triangle, for `a: n x k` and its transpose `k x n`.
    ///
    /// Products are f32, and so are sums of a few hundred of them.
    pub(super) fn add_products(&mut self, level: Level, a: &[f32], transposed: &[f32]) {
        self.level = level;
        let n = self.n;
        let k = a.len() / n.max(1);
        let starts = || (0..n).step_by(BLOCK);
        let blocks: Vec<(usize, usize)> = starts()
            .flat_map(|i| starts().take_while(move |j| *j <= i).map(move |j| (i, j)))
            .collect();
        let sums: Vec<Vec<f64>> = blocks
            .par_iter()
            .map(|&(i, j)| {
                let (height, width) = (BLOCK.min(n - i), BLOCK.min(n - j));
                let mut sums = vec![0.0; height * width];
                let mut part = vec![0.0f32; height * width];
                for first in (0..k).step_by(PRODUCTS_IN_F32) {
                    let depth = PRODUCTS_IN_F32.min(k - first);
                    let left = MatRef::new(&a[i * k + first..], height, depth, k);
                    let right = MatRef::new(&transposed[first * n + j..], depth, width, n);
                    let mut out = MatMut::new(&mut part, height, width, width);
                    gemm_f32(level, left, right, &mut out);
                    for (sum, &x) in sums.iter_mut().zip(&part) {
                        *sum += f64::from(x);
                    }
                }
                sums
            })
            .collect();
        for (&(i, j), sums) in blocks.iter().zip(&sums) {
            let width = BLOCK.min(n - j);
            for (row, sums) in sums.chunks_exact(width).enumerate() {
                let at = (i + row) * n + j;
                for (x, sum) in self.elements[at..at + width].iter_mut().zip(sums) {
                    *x += sum;
                }
            }
        }
    }

    /// Copies the lower triangle to the upper.
    pub(super) fn mirror(&mut self) {
        let n = self.n;
        for i in 0..n {
            for j in 0..i {
                self.elements[j * n + i] = self.elements[i * n + j];
            }
        }
    }

    pub(super) fn trace(&self) -> f64 {
        (0..self.n).map(|i| self.elements[i * (self.n + 1)]).sum()
    }

    /// The largest diagonal element, or `None` if any element is not finite.
    pub(super) fn largest(&self) -> Option<f64> {
        let is_finite = self.elements.par_iter().all(|x| x.is_finite());
        let diagonal = self.elements.iter().step_by(self.n + 1);
        is_finite.then(|| diagonal.copied().fold(0.0, f64::max))
    }

    /// `x^T self x`.
    pub(super) fn form(&self, x: &[f64]) -> f64 {
        let rows = self.elements.par_chunks(self.n.max(1)).zip(x);
        let terms: Vec<f64> = rows.map(|(row, x_i)| x_i * dot(row, x)).collect();
        terms.iter().sum()
    }

    /// The factor L of `factor * self + ridge I = L L^T`, or `None` if that is not positive definite. Reads the
    /// lower triangle.
    pub(super) fn cholesky(&self, factor: f64, ridge: f64) -> Option<Cholesky> {
        let mut grid = self.grid(factor);
        for i in 0..self.n {
            *grid.at_mut(i, i) += ridge;
        }
        Cholesky::of_full(self.level, self.n, grid)
    }

    /// The matrix by a band that has its eigenvalues. Reads the whole matrix.
    pub(super) fn banded(&self) -> Banded {
        Banded::new(self.level, self.n, self.grid(1.0))
    }

    /// The matrix without what is less than a share of its largest diagonal element. Reads the whole matrix.
    /// `None` if a number is not finite.
    pub(super) fn low_rank(&self, nothing: f64) -> Option<LowRank> {
        LowRank::new(self.level, self.n, self.grid(1.0), nothing)
    }

    fn grid(&self, factor: f64) -> Grid {
        Grid::scaled(self.n, &self.elements, factor)
    }
}

/// The transpose of `a: rows x cols`.
pub(super) fn transpose(a: &[f32], rows: usize, cols: usize) -> Vec<f32> {
    let mut transposed = vec![0.0; a.len()];
    transposed
        .par_chunks_mut((32 * rows).max(1))
        .enumerate()
        .for_each(|(block, out)| {
            let first = 32 * block;
            let width = 32.min(cols - first);
            for row in 0..rows {
                let from = &a[row * cols + first..][..width];
                for (j, &x) in from.iter().enumerate() {
                    out[j * rows + row] = x;
                }
            }
        });
    transposed
}
