//! Symmetric matrices that are not of full rank: A = L L^T with as many columns as the rank, by a Cholesky
//! factorisation that takes the largest diagonal element that is left (Higham 1990, Analysis of the Cholesky
//! decomposition of a semi-definite matrix).

use super::cholesky::Cholesky;
use super::eights::{EIGHT, Eight, Grid, Part, dot};
use nearplane_kernels::Level;
use rayon::prelude::*;

/// Columns that are found before the rest of the matrix is told.
const PANEL: usize = 64;

/// `A = L L^T` of `n x n`, L of `n x rank`.
#[derive(Debug)]
pub(in crate::linear) struct LowRank {
    n: usize,
    /// L by columns.
    columns: Vec<Vec<f64>>,
    /// Of `L^T L`.
    inner: Cholesky,
}

impl LowRank {
    /// Of a grid of `n x n` that is symmetric, but for what is left when no diagonal element is above
    /// `nothing` times the largest.
    /// `None` if a number is not finite.
    pub(super) fn new(level: Level, n: usize, mut grid: Grid, nothing: f64) -> Option<Self> {
        let mut diagonal: Vec<f64> = (0..n).map(|i| *grid.at_mut(i, i)).collect();
        let least = nothing * diagonal.iter().copied().fold(0.0, f64::max);
        let mut columns: Vec<Vec<f64>> = Vec::new();
        loop {
            let start = columns.len();
            while columns.len() < n.min(start + PANEL) {
                let Some(pivot) = largest(&diagonal, least) else {
                    break;
                };
                let mut column = grid.row(pivot)[..n].to_vec();
                for before in &columns[start..] {
                    let factor = before[pivot];
                    for (x, before) in column.iter_mut().zip(before) {
                        *x -= factor * before;
                    }
                }
                let root = diagonal[pivot].sqrt();
                for (x, left) in column.iter_mut().zip(&mut diagonal) {
                    *x /= root;
                    *left -= *x * *x;
                }
                column[pivot] = root;
                // Found; rounding must not bring it back.
                diagonal[pivot] = f64::NEG_INFINITY;
                columns.push(column);
            }
            let found = &columns[start..];
            if found.len() < PANEL {
                break;
            }
            let panels = panels(found, grid.groups);
            let both = (&panels[..], &panels[..]);
            grid.subtract_product(level, 0, both, PANEL, Part::All);
        }
        let inner = inner_products(level, &columns)?;
        Some(Self { n, columns, inner })
    }

    /// The solution x of least norm of `A x = right`, in the place of each `right`: `L M^-2 L^T right` with
    /// `M = L^T L`.
    pub(in crate::linear) fn solve(&self, right: &mut [f64]) {
        right.par_chunks_mut(self.n.max(1)).for_each(|right| {
            let mut x: Vec<f64> = self.columns.iter().map(|c| dot(c, right)).collect();
            self.inner.solve(&mut x);
            self.inner.solve(&mut x);
            right.fill(0.0);
            for (column, x) in self.columns.iter().zip(x) {
                for (right, column) in right.iter_mut().zip(column) {
                    *right += x * column;
                }
            }
        });
    }
}

/// Where the largest number above `least` is, the first of equal ones.
fn largest(numbers: &[f64], least: f64) -> Option<usize> {
    let mut found = None;
    let mut value = least;
    for (i, &x) in numbers.iter().enumerate() {
        if x > value {
            (found, value) = (Some(i), x);
        }
    }
    found
}

/// Columns by groups of eight rows.
fn panels(columns: &[Vec<f64>], groups: usize) -> Vec<Eight> {
    let mut panels = vec![[0.0; EIGHT]; groups * columns.len()];
    for (p, column) in columns.iter().enumerate() {
        for (i, &x) in column.iter().enumerate() {
            panels[i / EIGHT * columns.len() + p][i % EIGHT] = x;
        }
    }
    panels
}

/// The factor of all inner products of columns.
fn inner_products(level: Level, columns: &[Vec<f64>]) -> Option<Cholesky> {
    const DEPTH: usize = 256;
    let n_rows = columns.first().map_or(0, Vec::len);
    let mut negative = Grid::zero(columns.len());
    for first in (0..n_rows).step_by(DEPTH) {
        let depth = DEPTH.min(n_rows - first);
        let mut panels = vec![[0.0; EIGHT]; negative.groups * depth];
        for (panel, columns) in panels.chunks_exact_mut(depth).zip(columns.chunks(EIGHT)) {
            for (lane, column) in columns.iter().enumerate() {
                for (to, &x) in panel.iter_mut().zip(&column[first..]) {
                    to[lane] = x;
                }
            }
        }
        negative.subtract_product(level, 0, (&panels, &panels), depth, Part::Lower);
    }
    for x in negative.data.as_flattened_mut() {
        *x = -*x;
    }
    Cholesky::of_full(level, columns.len(), negative)
}
