//! Symmetric matrices of f64: sums of products of rows, Cholesky factors, eigenvalues. The same bits for
//! every number of threads: blocks are cut by the size alone, and the factorisations run on one thread.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::evd;
use faer::{MatMut as FaerMut, MatRef as FaerRef, Par};
use nearplane_kernels::{Level, MatMut, MatRef, gemm_f32};
use rayon::prelude::*;

/// Rows and columns of a block that one thread makes.
const BLOCK: usize = 256;

/// Products that are summed in f32 before their sum moves on to f64.
const PRODUCTS_IN_F32: usize = 1024;

/// A symmetric `n x n` matrix, every element stored.
#[derive(Debug, Clone)]
pub(super) struct Symmetric {
    pub(super) n: usize,
    pub(super) elements: Vec<f64>,
}

impl Symmetric {
    pub(super) fn zero(n: usize) -> Self {
        Self {
            n,
            elements: vec![0.0; n * n],
        }
    }

    /// Adds `a a^T` to the lower triangle, for `a: n x k` and its transpose `k x n`.
    ///
    /// Products are f32, and so are sums of a few hundred of them.
    pub(super) fn add_products(&mut self, level: Level, a: &[f32], transposed: &[f32]) {
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

    /// The factor L of `factor * self + ridge I = L L^T`, or `None` if that is not positive definite. Reads the
    /// whole matrix.
    pub(super) fn cholesky(&self, factor: f64, ridge: f64) -> Option<Cholesky> {
        let n = self.n;
        let mut elements: Vec<f64> = self.elements.iter().map(|x| factor * x).collect();
        for i in 0..n {
            elements[i * (n + 1)] += ridge;
        }
        let params = Default::default();
        let room = llt::factor::cholesky_in_place_scratch::<f64>(n, Par::Seq, params);
        let done = llt::factor::cholesky_in_place(
            FaerMut::from_column_major_slice_mut(&mut elements, n, n),
            Default::default(),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(room)),
            params,
        );
        let finite = (0..n).all(|i| elements[i * (n + 1)].is_finite());
        (done.is_ok() && finite).then_some(Cholesky { n, elements })
    }

    /// Eigenvalues, ascending, and eigenvectors: the one of value j is row j of the second. `None` if they
    /// do not converge, which takes numbers that are not finite.
    pub(super) fn eigen(&self) -> Option<(Vec<f64>, Vec<f64>)> {
        let n = self.n;
        let params = Default::default();
        let vectors_too = evd::ComputeEigenvectors::Yes;
        let room = evd::self_adjoint_evd_scratch::<f64>(n, vectors_too, Par::Seq, params);
        let (mut values, mut vectors) = (vec![0.0; n], vec![0.0; n * n]);
        evd::self_adjoint_evd(
            FaerRef::from_column_major_slice(&self.elements, n, n),
            faer::diag::DiagMut::from_slice_mut(&mut values),
            Some(FaerMut::from_column_major_slice_mut(&mut vectors, n, n)),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(room)),
            params,
        )
        .ok()?;
        Some((values, vectors))
    }
}

/// A Cholesky factor.
#[derive(Debug)]
pub(super) struct Cholesky {
    n: usize,
    elements: Vec<f64>,
}

impl Cholesky {
    /// Replaces right-hand sides by solutions; each is `n` numbers in a line.
    pub(super) fn solve(&self, right: &mut [f64]) {
        let n = self.n;
        let n_right = right.len() / n.max(1);
        llt::solve::solve_in_place(
            FaerRef::from_column_major_slice(&self.elements, n, n),
            FaerMut::from_column_major_slice_mut(right, n, n_right),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(
                llt::solve::solve_in_place_scratch::<f64>(n, n_right, Par::Seq),
            )),
        );
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_solutions_and_eigenvalues_fit_each_other() {
        for (n, k) in [(1, 1), (3, 5), (40, 17), (300, 70)] {
            let a: Vec<f32> = (0..n * k)
                .map(|i| ((i * 7919 % 1009) as f32 / 1009.0) - 0.5)
                .collect();
            let mut sums = Symmetric::zero(n);
            sums.add_products(Level::detect(), &a, &transpose(&a, n, k));
            sums.mirror();
            for i in 0..n {
                for j in 0..n {
                    let pairs = a[i * k..][..k].iter().zip(&a[j * k..][..k]);
                    let sum: f64 = pairs.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                    assert!((sums.elements[i * n + j] - sum).abs() < 1e-5);
                }
            }
            let right: Vec<f64> = (0..2 * n).map(|i| (i as f64).sin()).collect();
            let mut x = right.clone();
            sums.cholesky(2.0, 0.1).unwrap().solve(&mut x);
            let apply = |x: &[f64], i: usize| -> f64 {
                let row = &sums.elements[i * n..][..n];
                row.iter().zip(x).map(|(a, x)| 2.0 * a * x).sum::<f64>() + 0.1 * x[i]
            };
            for (i, right) in right.iter().enumerate() {
                assert!((apply(&x[i / n * n..][..n], i % n) - right).abs() < 1e-9);
            }
            assert!(sums.cholesky(-1.0, 0.0).is_none());
            let (values, vectors) = sums.eigen().unwrap();
            for (value, v) in values.iter().zip(vectors.chunks_exact(n)) {
                for i in 0..n {
                    let image = (apply(v, i) - 0.1 * v[i]) / 2.0;
                    assert!((image - value * v[i]).abs() < 1e-9);
                }
            }
        }
    }
}
