//! Cholesky factors A = L L^T, and solutions by them: of full matrices by blocks of columns, and of banded
//! ones row by row.

use super::eights::{EIGHT, Eight, Grid, Part, dot, times};
use nearplane_kernels::{Lanes, Level, Vectorize};
use rayon::prelude::*;

/// Columns that are factored before the rest of the matrix is told.
const PANEL: usize = 128;

/// A Cholesky factor: `n x n`, lower triangular.
#[derive(Debug)]
pub(in crate::linear) struct Cholesky {
    level: Level,
    n: usize,
    groups: usize,
    /// Groups of columns that a row has before the one of its diagonal.
    band: usize,
    /// Whether rows begin with their first group within the band.
    is_banded: bool,
    stride: usize,
    data: Vec<Eight>,
}

impl Cholesky {
    /// The factor of the lower triangle of a grid of `n x n`, or `None` if that is not positive definite.
    pub(super) fn of_full(level: Level, n: usize, mut grid: Grid) -> Option<Self> {
        let groups = grid.groups;
        for row in n..EIGHT * groups {
            *grid.at_mut(row, row) = 1.0;
        }
        for first in (0..groups).step_by(PANEL / EIGHT) {
            let end = groups.min(first + PANEL / EIGHT);
            factor_block(&mut grid, EIGHT * first..EIGHT * end)?;
            let panels = solve_below(level, &mut grid, first, end);
            let depth = EIGHT * (end - first);
            let both = (&panels[..], &panels[..]);
            grid.subtract_product(level, end, both, depth, Part::Lower);
        }
        Some(Self {
            level,
            n,
            groups,
            band: groups,
            is_banded: false,
            stride: grid.stride,
            data: grid.data,
        })
    }

    /// The factor of a banded matrix plus `ridge` on its diagonal: rows of `band + 1` groups, of which the
    /// last has the diagonal. `None` if that is not positive definite.
    pub(super) fn of_band(
        level: Level,
        n: usize,
        band: usize,
        mut data: Vec<Eight>,
        ridge: f64,
    ) -> Option<Self> {
        let stride = band + 1;
        let rows = data.as_flattened_mut();
        let width = EIGHT * stride;
        let groups = n.div_ceil(EIGHT);
        for i in 0..EIGHT * groups {
            // Column j of row i is at j - start.
            let start = |i: usize| (EIGHT * (i / EIGHT)) as isize - (EIGHT * band) as isize;
            let (above, row) = rows.split_at_mut(i * width);
            row[i % EIGHT + EIGHT * band] += if i < n { ridge } else { 1.0 };
            for j in start(i).max(0) as usize..=i {
                let from = start(i).max(0);
                let mine = (from - start(i)) as usize..(j as isize - start(i)) as usize;
                let at = mine.end;
                if i == j {
                    let square = row[at] - dot(&row[mine.clone()], &row[mine]);
                    row[at] = root(square)?;
                } else {
                    let theirs = (from - start(j)) as usize..(j as isize - start(j)) as usize;
                    let other = &above[j * width..][..width];
                    let (diagonal, theirs) = (other[theirs.end], &other[theirs]);
                    row[at] = (row[at] - dot(&row[mine], theirs)) / diagonal;
                }
            }
        }
        Some(Self {
            level,
            n,
            groups,
            band,
            is_banded: true,
            stride,
            data,
        })
    }

    /// Replaces right-hand sides by solutions; each is `n` numbers in a line.
    pub(in crate::linear) fn solve(&self, right: &mut [f64]) {
        right
            .par_chunks_mut((EIGHT * self.n).max(1))
            .for_each(|right| {
                let mut x = to_lanes(right, self.n);
                self.forward(&mut x);
                self.level.run(Backward(self, &mut x));
                from_lanes(&x, right, self.n);
            });
    }

    /// `L^-1 x` for eight vectors side by side.
    pub(in crate::linear) fn forward(&self, x: &mut [Eight]) {
        self.level.run(Forward(self, x));
    }

    /// The first column group of the rows of a group, and these rows from there to the diagonal.
    #[inline(always)]
    fn rows(&self, group: usize) -> (usize, [&[Eight]; EIGHT]) {
        let first = group.saturating_sub(self.band);
        let skip = if self.is_banded {
            self.band - (group - first)
        } else {
            first
        };
        let mut rows: [&[Eight]; EIGHT] = [&[]; EIGHT];
        for (r, row) in rows.iter_mut().enumerate() {
            *row = &self.data[(EIGHT * group + r) * self.stride + skip..][..group - first + 1];
        }
        (first, rows)
    }
}

/// Vectors of `n` numbers, eight at most, side by side.
pub(in crate::linear) fn to_lanes(vectors: &[f64], n: usize) -> Vec<Eight> {
    let mut lanes = vec![[0.0; EIGHT]; n.next_multiple_of(EIGHT)];
    for (lane, vector) in vectors.chunks_exact(n).enumerate() {
        for (lanes, &x) in lanes.iter_mut().zip(vector) {
            lanes[lane] = x;
        }
    }
    lanes
}

/// The inverse of [`to_lanes`].
pub(super) fn from_lanes(lanes: &[Eight], vectors: &mut [f64], n: usize) {
    for (lane, vector) in vectors.chunks_exact_mut(n).enumerate() {
        for (lanes, x) in lanes.iter().zip(vector) {
            *x = lanes[lane];
        }
    }
}

/// The square root of what is left of a diagonal element, if the matrix is positive definite so far.
fn root(square: f64) -> Option<f64> {
    (square > 0.0 && square.is_finite()).then(|| square.sqrt())
}

/// Factors a block on the diagonal, from which all columns before have been subtracted.
fn factor_block(grid: &mut Grid, block: std::ops::Range<usize>) -> Option<()> {
    let stride = EIGHT * grid.stride;
    let data = grid.data.as_flattened_mut();
    for i in block.clone() {
        let (above, row) = data.split_at_mut(i * stride);
        for j in block.start..=i {
            let before = block.start..j;
            row[j] = if i == j {
                root(row[j] - dot(&row[before.clone()], &row[before]))?
            } else {
                let other = &above[j * stride..][..=j];
                (row[j] - dot(&row[before.clone()], &other[before])) / other[j]
            };
        }
    }
    Some(())
}

/// Brings the rows below a factored block of columns to those of L, and returns them in panels of eight rows.
fn solve_below(level: Level, grid: &mut Grid, first: usize, end: usize) -> Vec<Eight> {
    let depth = EIGHT * (end - first);
    let stride = grid.stride;
    // Column p of the block from its diagonal on, that divided away.
    let mut columns = vec![0.0; depth * depth];
    let mut inverse = vec![0.0; depth];
    for p in 0..depth {
        let row = &grid.row(EIGHT * first + p)[EIGHT * first..];
        inverse[p] = 1.0 / row[p];
        for (q, &x) in row[..p].iter().enumerate() {
            columns[q * depth + p] = x;
        }
    }
    let (_, below) = grid.data.split_at_mut(EIGHT * end * stride);
    let mut panels = vec![[0.0; EIGHT]; depth * below.len() / (EIGHT * stride)];
    panels
        .par_chunks_mut(depth)
        .zip(below.par_chunks_mut(EIGHT * stride))
        .for_each(|(panel, rows)| {
            for (r, row) in rows.chunks_exact(stride).enumerate() {
                for (to, &x) in panel.iter_mut().zip(row[first..end].as_flattened()) {
                    to[r] = x;
                }
            }
            level.run(SolvePanel {
                columns: &columns,
                inverse: &inverse,
                panel,
            });
            for (r, row) in rows.chunks_exact_mut(stride).enumerate() {
                let row = row[first..end].as_flattened_mut();
                for (to, x) in row.iter_mut().zip(panel.iter()) {
                    *to = x[r];
                }
            }
        });
    panels
}

/// Solves `x L^T = panel` for eight rows side by side.
struct SolvePanel<'a> {
    columns: &'a [f64],
    inverse: &'a [f64],
    panel: &'a mut [Eight],
}

impl Vectorize for SolvePanel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let depth = self.panel.len();
        for p in 0..depth {
            let (done, rest) = self.panel.split_at_mut(p + 1);
            let x = &mut done[p];
            for x in x.iter_mut() {
                *x *= self.inverse[p];
            }
            let column = &self.columns[p * depth + p + 1..][..rest.len()];
            for (to, &c) in rest.iter_mut().zip(column) {
                for l in 0..EIGHT {
                    to[l] -= c * x[l];
                }
            }
        }
    }
}

/// `x <- L^-1 x`.
struct Forward<'a>(&'a Cholesky, &'a mut [Eight]);

impl Forward<'_> {
    #[inline(always)]
    fn tiles<const R: usize>(self) {
        let Self(factor, x) = self;
        for group in 0..factor.groups {
            let (first, rows) = factor.rows(group);
            let (known, x) = x.split_at_mut(EIGHT * group);
            let (known, _) = known[EIGHT * first..].as_chunks::<1>();
            for part in (0..EIGHT).step_by(R) {
                let mut of_part: [&[Eight]; R] = [&[]; R];
                of_part.copy_from_slice(&rows[part..part + R]);
                let sums = times::<R, 1, 1>(of_part, known, 0);
                for (x, [sums]) in x[part..].iter_mut().zip(&sums) {
                    for l in 0..EIGHT {
                        x[l] -= sums[l];
                    }
                }
            }
            for r in 0..EIGHT {
                let row = &rows[r][group - first];
                let (before, x) = x.split_at_mut(r);
                for (before, &c) in before.iter().zip(row) {
                    for l in 0..EIGHT {
                        x[0][l] -= c * before[l];
                    }
                }
                // Of the factor alone, so that no vector waits for a division.
                let inverse = 1.0 / row[r];
                for x in x[0].iter_mut() {
                    *x *= inverse;
                }
            }
        }
    }
}

impl Vectorize for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        match L::REGISTERS {
            16.. => self.tiles::<8>(),
            8..16 => self.tiles::<4>(),
            _ => self.tiles::<2>(),
        }
    }
}

/// `x <- L^-T x`.
struct Backward<'a>(&'a Cholesky, &'a mut [Eight]);

impl Vectorize for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self(factor, x) = self;
        for group in (0..factor.groups).rev() {
            let (first, rows) = factor.rows(group);
            let (before, x) = x.split_at_mut(EIGHT * group);
            let last = group - first;
            for r in (0..EIGHT).rev() {
                let (x, after) = x.split_at_mut(r + 1);
                for (c, after) in (r + 1..EIGHT).zip(after.iter()) {
                    for l in 0..EIGHT {
                        x[r][l] -= rows[c][last][r] * after[l];
                    }
                }
                let inverse = 1.0 / rows[r][last][r];
                for x in x[r].iter_mut() {
                    *x *= inverse;
                }
            }
            let mut solved = [[0.0; EIGHT]; EIGHT];
            solved.copy_from_slice(&x[..EIGHT]);
            let (eights, _) = before[EIGHT * first..].as_chunks_mut::<EIGHT>();
            for (q, to) in eights.iter_mut().enumerate() {
                for p in 0..EIGHT {
                    let mut sum = [0.0; EIGHT];
                    for r in 0..EIGHT {
                        for l in 0..EIGHT {
                            sum[l] += rows[r][q][p] * solved[r][l];
                        }
                    }
                    for l in 0..EIGHT {
                        to[p][l] -= sum[l];
                    }
                }
            }
        }
    }
}
