//! A symmetric matrix brought to a band by orthogonal transformations, A = Q B Q^T: from there, A plus any
//! multiple of I is as good as factored.
//!
//! The usual end of the way is a tridiagonal matrix; to stop at a band leaves out the half of the work that
//! passes over the whole matrix for each column. Columns go in blocks of [`BAND`]: a block below the band is
//! brought to a triangle by Householder's reflections, whose product is `I - V T V^T` (Schreiber and Van Loan
//! 1989, A storage-efficient WY representation for products of Householder transformations), and what is to
//! the right of it becomes `A - V W^T - W V^T`, `W = A V T - 1/2 V (T^T V^T A V T)` (Dongarra, Hammarling
//! and Sorensen 1989, Block reduction of matrices to condensed forms).

use super::cholesky::{Cholesky, from_lanes, to_lanes};
use super::eights::{EIGHT, Eight, Grid, Part};
use nearplane_kernels::{Lanes, Level, Vectorize};
use rayon::prelude::*;

/// Elements of B more than so far from its diagonal are 0.
const BAND: usize = 32;

/// The band in groups of columns.
const GROUPS: usize = BAND / EIGHT;

/// A row of a matrix as wide as the band.
type Wide = [Eight; GROUPS];

const ZERO: Wide = [[0.0; EIGHT]; GROUPS];

/// `A = Q B Q^T`.
#[derive(Debug)]
pub(in crate::linear) struct Banded {
    level: Level,
    n: usize,
    /// Of each row of B, the groups from `GROUPS` before the diagonal's to that.
    band: Vec<Eight>,
    /// `Q = H_1 H_2 ...`
    reflections: Vec<Reflections>,
}

/// `H = I - V T V^T` on the coordinates from a group on.
#[derive(Debug)]
struct Reflections {
    first: usize,
    v: Vec<Wide>,
    t: [Wide; BAND],
}

impl Banded {
    /// Of a grid of `n x n` that is symmetric.
    pub(super) fn new(level: Level, n: usize, mut grid: Grid) -> Self {
        let groups = grid.groups;
        let mut reflections = Vec::new();
        let mut first = GROUPS;
        while first + 1 < groups {
            let (block, triangle) = Reflections::of_block(level, &grid, first);
            for (i, row) in (EIGHT * first..).zip(&triangle) {
                let start = EIGHT * (first - GROUPS);
                grid.row_mut(i)[start..start + BAND].copy_from_slice(row.as_flattened());
            }
            block.apply_to_both_sides(level, &mut grid);
            reflections.push(block);
            first += GROUPS;
        }
        let mut band = vec![[0.0; EIGHT]; EIGHT * groups * (GROUPS + 1)];
        for (i, row) in band.chunks_exact_mut(GROUPS + 1).enumerate() {
            let group = i / EIGHT;
            let from = group.saturating_sub(GROUPS);
            let skip = GROUPS - (group - from);
            let of_grid = &grid.data[i * grid.stride..][from..=group];
            row[skip..].copy_from_slice(of_grid);
        }
        Self {
            level,
            n,
            band,
            reflections,
        }
    }

    /// The factor of `B + ridge I`, or `None` if that is not positive definite.
    pub(in crate::linear) fn cholesky(&self, ridge: f64) -> Option<Cholesky> {
        Cholesky::of_band(self.level, self.n, GROUPS, self.band.clone(), ridge)
    }

    /// `Q^T x` for vectors of `n` numbers in a line.
    pub(in crate::linear) fn turn_to_band(&self, vectors: &mut [f64]) {
        self.in_lanes(vectors, |x| {
            for block in &self.reflections {
                block.apply(x, true);
            }
        });
    }

    /// `Q x` for vectors of `n` numbers in a line.
    pub(in crate::linear) fn turn_back(&self, vectors: &mut [f64]) {
        self.in_lanes(vectors, |x| {
            for block in self.reflections.iter().rev() {
                block.apply(x, false);
            }
        });
    }

    fn in_lanes(&self, vectors: &mut [f64], apply: impl Fn(&mut [Eight]) + Sync) {
        vectors
            .par_chunks_mut((EIGHT * self.n).max(1))
            .for_each(|vectors| {
                let mut x = to_lanes(vectors, self.n);
                apply(&mut x);
                from_lanes(&x, vectors, self.n);
            });
    }

    /// Q, `n x n`.
    pub(in crate::linear) fn rotation(&self) -> Vec<f32> {
        let mut transposed = Grid::zero(self.n);
        for i in 0..EIGHT * transposed.groups {
            *transposed.at_mut(i, i) = 1.0;
        }
        for block in self.reflections.iter().rev() {
            // Q^T <- Q^T H^T; what is before the block's coordinates is still I.
            let times_v = transposed.times(self.level, block.first, &block.v);
            let mut t_transposed = [ZERO; BAND];
            for (a, row) in block.t.iter().enumerate() {
                for (b, &x) in row.as_flattened().iter().enumerate() {
                    t_transposed[b][a / EIGHT][a % EIGHT] = x;
                }
            }
            let left = panels(&[&times_small(self.level, &times_v, &t_transposed)]);
            let right = panels(&[&block.v]);
            let both = (&left[..], &right[..]);
            transposed.subtract_product(self.level, block.first, both, BAND, Part::All);
        }
        let n = self.n;
        let mut rotation = vec![0.0f32; n * n];
        rotation
            .par_chunks_mut((EIGHT * n).max(1))
            .enumerate()
            .for_each(|(group, rows)| {
                for j in 0..n {
                    let eight = &transposed.data[j * transposed.stride + group];
                    for (row, &x) in rows.chunks_exact_mut(n).zip(eight) {
                        row[j] = x as f32;
                    }
                }
            });
        rotation
    }
}

impl Reflections {
    /// What brings the block of columns before group `first`, from its row on, to the triangle that is
    /// returned too.
    fn of_block(level: Level, grid: &Grid, first: usize) -> (Self, Vec<Wide>) {
        let rows = EIGHT * first..EIGHT * grid.groups;
        let block = first - GROUPS..first;
        let mut v: Vec<Wide> = rows
            .map(|i| {
                let mut row = ZERO;
                row.copy_from_slice(&grid.data[i * grid.stride..][block.clone()]);
                row
            })
            .collect();
        let mut t = [ZERO; BAND];
        level.run(Triangularize {
            rows: &mut v,
            t: &mut t,
        });
        // The triangle lies where V has zeros and ones.
        let mut triangle = vec![ZERO; BAND.min(v.len())];
        for (i, (triangle, v)) in triangle.iter_mut().zip(&mut v).enumerate() {
            let (triangle, v) = (triangle.as_flattened_mut(), v.as_flattened_mut());
            triangle[i..].copy_from_slice(&v[i..]);
            v[i..].fill(0.0);
            v[i] = 1.0;
        }
        (Self { first, v, t }, triangle)
    }

    /// `H^T A H`.
    fn apply_to_both_sides(&self, level: Level, grid: &mut Grid) {
        let v_t = times_small(level, &self.v, &self.t);
        let mut w = grid.times(level, self.first, &v_t);
        let product = level.run(TransposedTimes(&self.v, &w));
        // -1/2 T^T V^T A V T
        let mut correction = [ZERO; BAND];
        for (t, product) in self.t.iter().zip(&product) {
            for (correction, &t) in correction.iter_mut().zip(t.as_flattened()) {
                add_scaled(correction, -0.5 * t, product);
            }
        }
        let of_v = times_small(level, &self.v, &correction);
        for (w, of_v) in w.iter_mut().zip(&of_v) {
            add_scaled(w, 1.0, of_v);
        }
        let (left, right) = (panels(&[&self.v, &w]), panels(&[&w, &self.v]));
        let both = (&left[..], &right[..]);
        grid.subtract_product(level, self.first, both, 2 * BAND, Part::All);
    }

    /// `H^T x` or `H x` for eight vectors side by side.
    fn apply(&self, x: &mut [Eight], transposed: bool) {
        let x = &mut x[EIGHT * self.first..];
        let mut inner = [[0.0; EIGHT]; BAND];
        for (v, x) in self.v.iter().zip(x.iter()) {
            for (inner, &v) in inner.iter_mut().zip(v.as_flattened()) {
                for l in 0..EIGHT {
                    inner[l] += v * x[l];
                }
            }
        }
        let mut factors = [[0.0; EIGHT]; BAND];
        for (a, t) in self.t.iter().enumerate() {
            for (b, &t) in t.as_flattened().iter().enumerate() {
                let (to, from) = if transposed { (b, a) } else { (a, b) };
                for l in 0..EIGHT {
                    factors[to][l] += t * inner[from][l];
                }
            }
        }
        for (v, x) in self.v.iter().zip(x) {
            for (factors, &v) in factors.iter().zip(v.as_flattened()) {
                for l in 0..EIGHT {
                    x[l] -= v * factors[l];
                }
            }
        }
    }
}

#[inline(always)]
fn add_scaled(to: &mut Wide, factor: f64, from: &Wide) {
    for (to, from) in to.iter_mut().zip(from) {
        for l in 0..EIGHT {
            to[l] += factor * from[l];
        }
    }
}

/// `tall small`, for a small matrix as wide as the band.
fn times_small(level: Level, tall: &[Wide], small: &[Wide; BAND]) -> Vec<Wide> {
    let mut out = vec![ZERO; tall.len()];
    tall.par_chunks(8 * BAND)
        .zip(out.par_chunks_mut(8 * BAND))
        .for_each(|(tall, out)| level.run(TimesSmall(tall, small, out)));
    out
}

/// Tall matrices beside each other, by eight rows: all numbers of a column, then those of the next.
fn panels(matrices: &[&[Wide]]) -> Vec<Eight> {
    let depth = BAND * matrices.len();
    let mut panels = vec![[0.0; EIGHT]; matrices[0].len() / EIGHT * depth];
    panels
        .par_chunks_mut(depth)
        .enumerate()
        .for_each(|(group, panel)| {
            for (panel, matrix) in panel.chunks_exact_mut(BAND).zip(matrices) {
                for (r, row) in matrix[EIGHT * group..][..EIGHT].iter().enumerate() {
                    for (to, &x) in panel.iter_mut().zip(row.as_flattened()) {
                        to[r] = x;
                    }
                }
            }
        });
    panels
}

/// Brings rows to a triangle; what is below the diagonal of the outcome is V without its ones.
struct Triangularize<'a> {
    rows: &'a mut [Wide],
    t: &'a mut [Wide; BAND],
}

impl Vectorize for Triangularize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { rows, t } = self;
        for c in 0..BAND.min(rows.len()) {
            let (group, lane) = (c / EIGHT, c % EIGHT);
            let (head, tail) = rows[c..].split_at_mut(1);
            let head = &mut head[0];
            let mut squares = 0.0;
            for row in tail.iter() {
                squares += row[group][lane] * row[group][lane];
            }
            if squares == 0.0 {
                continue;
            }
            let alpha = head[group][lane];
            let beta = -(alpha * alpha + squares).sqrt().copysign(alpha);
            let tau = (beta - alpha) / beta;
            let scale = 1.0 / (alpha - beta);
            // Columns times v: of those behind, to reflect them; of former v, for T.
            let mut inner = *head;
            for row in tail.iter_mut() {
                row[group][lane] *= scale;
                add_scaled(&mut inner, row[group][lane], row);
            }
            let inner = inner.as_flattened();
            let mut behind = ZERO;
            for (k, behind) in behind.as_flattened_mut().iter_mut().enumerate() {
                if k > c {
                    *behind = tau * inner[k];
                }
            }
            add_scaled(head, -1.0, &behind);
            head[group][lane] = beta;
            for row in tail {
                add_scaled(row, -row[group][lane], &behind);
            }
            for (a, t) in t[..c].iter_mut().enumerate() {
                let mut sum = 0.0;
                for (t, inner) in t.as_flattened()[a..c].iter().zip(&inner[a..]) {
                    sum += t * inner;
                }
                t[group][lane] = -tau * sum;
            }
            t[c][group][lane] = tau;
        }
    }
}

struct TimesSmall<'a>(&'a [Wide], &'a [Wide; BAND], &'a mut [Wide]);

impl Vectorize for TimesSmall<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        for (row, out) in self.0.iter().zip(self.2) {
            let mut sums = ZERO;
            for (a, small) in self.1.iter().enumerate() {
                add_scaled(&mut sums, row[a / EIGHT][a % EIGHT], small);
            }
            *out = sums;
        }
    }
}

/// `a^T b`.
struct TransposedTimes<'a>(&'a [Wide], &'a [Wide]);

impl Vectorize for TransposedTimes<'_> {
    type Output = [Wide; BAND];

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) -> [Wide; BAND] {
        let mut product = [ZERO; BAND];
        for (group, product) in product.chunks_exact_mut(EIGHT).enumerate() {
            for g in 0..GROUPS {
                let mut sums = [[0.0; EIGHT]; EIGHT];
                for (a, b) in self.0.iter().zip(self.1) {
                    for r in 0..EIGHT {
                        for l in 0..EIGHT {
                            sums[r][l] += a[group][r] * b[g][l];
                        }
                    }
                }
                for r in 0..EIGHT {
                    product[r][g] = sums[r];
                }
            }
        }
        product
    }
}
