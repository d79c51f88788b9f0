//! Loops over f64 in groups of eight, which the compiler turns into the registers of a level: every product
//! that the factorisations are made of. Products and sums are separate operations in one order, so that
//! all levels give the same bits.

use nearplane_kernels::{Lanes, Level, Vectorize};
use rayon::prelude::*;

/// Numbers side by side.
pub(in crate::linear) const EIGHT: usize = 8;

/// What a loop handles at once.
pub(in crate::linear) type Eight = [f64; EIGHT];

/// Right-hand panels that stay in a cache while the panels on the left pass.
const RIGHT_AT_ONCE: usize = 16;

/// Rows that one thread takes.
const ROWS_AT_ONCE: usize = 64;

/// Rows of a tall matrix that stay in a cache while the rows on the left pass.
const DEPTH_AT_ONCE: usize = 128;

/// A square matrix by rows, with zeros up to a multiple of eight.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    /// Groups of eight rows, and of eight columns.
    pub(super) groups: usize,
    /// Groups from the start of a row to the next: odd, lest a column meet one set of a cache.
    pub(super) stride: usize,
    pub(super) data: Vec<Eight>,
}

impl Grid {
    pub(super) fn zero(n: usize) -> Self {
        let groups = n.div_ceil(EIGHT);
        let stride = groups | 1;
        Self {
            groups,
            stride,
            data: vec![[0.0; EIGHT]; EIGHT * groups * stride],
        }
    }

    /// `factor * elements`, for `n x n` elements.
    pub(super) fn scaled(n: usize, elements: &[f64], factor: f64) -> Self {
        let mut grid = Self::zero(n);
        let rows = grid.data.chunks_exact_mut(grid.stride);
        for (row, from) in rows.zip(elements.chunks_exact(n.max(1))) {
            for (to, &x) in row.as_flattened_mut().iter_mut().zip(from) {
                *to = factor * x;
            }
        }
        grid
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        self.data[row * self.stride..][..self.groups].as_flattened()
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f64] {
        self.data[row * self.stride..][..self.groups].as_flattened_mut()
    }

    pub(super) fn at_mut(&mut self, row: usize, col: usize) -> &mut f64 {
        &mut self.data[row * self.stride + col / EIGHT][col % EIGHT]
    }

    /// `grid[i, j] -= sum_p left[i, p] right[j, p]` for rows and columns from group `first` on, or those
    /// of them whose column group is not behind the row's.
    ///
    /// `left` and `right` have a panel for each group of eight rows: `depth` times eight numbers, one of
    /// each row.
    pub(super) fn subtract_product(
        &mut self,
        level: Level,
        first: usize,
        (left, right): (&[Eight], &[Eight]),
        depth: usize,
        part: Part,
    ) {
        const PANELS: usize = ROWS_AT_ONCE / EIGHT;
        let stride = self.stride;
        self.data[EIGHT * first * stride..]
            .par_chunks_mut(ROWS_AT_ONCE * stride)
            .zip(left.par_chunks(PANELS * depth))
            .enumerate()
            .for_each(|(chunk, (out, left))| {
                level.run(SubtractProduct {
                    left,
                    right,
                    depth,
                    reach: match part {
                        Part::Lower => PANELS * chunk + 1,
                        Part::All => right.len(),
                    },
                    out,
                    stride,
                    first,
                });
            });
    }

    /// `sum_p grid[i, p] tall[p, :]` for rows and columns from group `first` on.
    pub(super) fn times<const W: usize>(
        &self,
        level: Level,
        first: usize,
        tall: &[[Eight; W]],
    ) -> Vec<[Eight; W]> {
        let mut out = vec![[[0.0; EIGHT]; W]; tall.len()];
        self.data[EIGHT * first * self.stride..]
            .par_chunks(ROWS_AT_ONCE * self.stride)
            .zip(out.par_chunks_mut(ROWS_AT_ONCE))
            .for_each(|(rows, out)| {
                let stride = self.stride;
                level.run(Times {
                    rows: &rows[first..],
                    stride,
                    tall,
                    out,
                });
            });
        out
    }
}

/// Which elements a product touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Those of the lower triangle, and what shares a group of eight rows and columns with its diagonal.
    Lower,
    All,
}

struct SubtractProduct<'a> {
    left: &'a [Eight],
    right: &'a [Eight],
    depth: usize,
    /// How many right panels the first left panel meets; each next one meets one more.
    reach: usize,
    out: &'a mut [Eight],
    stride: usize,
    first: usize,
}

impl SubtractProduct<'_> {
    #[inline(always)]
    fn tiles<const R: usize>(self) {
        let Self { depth, stride, .. } = self;
        let n_right = self.right.len() / depth;
        for first in (0..n_right).step_by(RIGHT_AT_ONCE) {
            for (t, left) in self.left.chunks_exact(depth).enumerate() {
                let end = n_right.min(first + RIGHT_AT_ONCE).min(self.reach + t);
                for j in first..end {
                    let right = &self.right[j * depth..][..depth];
                    for part in (0..EIGHT).step_by(R) {
                        let sums = tile::<R>(left, right, part);
                        for (r, sums) in sums.iter().enumerate() {
                            let at = (EIGHT * t + part + r) * stride + self.first + j;
                            let out = &mut self.out[at];
                            for l in 0..EIGHT {
                                out[l] -= sums[l];
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Vectorize for SubtractProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        // As many sums as half of the registers hold.
        match L::REGISTERS {
            16.. => self.tiles::<8>(),
            8..16 => self.tiles::<4>(),
            _ => self.tiles::<2>(),
        }
    }
}

/// `sum_p left[p][part + r] right[p][:]`.
#[inline(always)]
fn tile<const R: usize>(left: &[Eight], right: &[Eight], part: usize) -> [Eight; R] {
    let mut sums = [[0.0; EIGHT]; R];
    for (left, right) in left.iter().zip(right) {
        for r in 0..R {
            let x = left[part + r];
            for l in 0..EIGHT {
                sums[r][l] += x * right[l];
            }
        }
    }
    sums
}

/// `sum_p left[p][i] right[p][j]`.
pub(in crate::linear) fn inner_products(
    level: Level,
    left: &[Eight],
    right: &[Eight],
) -> [Eight; EIGHT] {
    level.run(InnerProducts(left, right))
}

struct InnerProducts<'a>(&'a [Eight], &'a [Eight]);

impl InnerProducts<'_> {
    #[inline(always)]
    fn tiles<const R: usize>(self) -> [Eight; EIGHT] {
        let mut products = [[0.0; EIGHT]; EIGHT];
        for (part, products) in products.chunks_exact_mut(R).enumerate() {
            products.copy_from_slice(&tile::<R>(self.0, self.1, part * R));
        }
        products
    }
}

impl Vectorize for InnerProducts<'_> {
    type Output = [Eight; EIGHT];

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) -> [Eight; EIGHT] {
        match L::REGISTERS {
            16.. => self.tiles::<8>(),
            8..16 => self.tiles::<4>(),
            _ => self.tiles::<2>(),
        }
    }
}

struct Times<'a, const W: usize> {
    rows: &'a [Eight],
    stride: usize,
    tall: &'a [[Eight; W]],
    out: &'a mut [[Eight; W]],
}

impl<const W: usize> Times<'_, W> {
    #[inline(always)]
    fn tiles<const R: usize, const G: usize>(self) {
        for (block, tall) in self.tall.chunks(DEPTH_AT_ONCE).enumerate() {
            let first = block * DEPTH_AT_ONCE / EIGHT;
            for (t, out) in self.out.chunks_exact_mut(R).enumerate() {
                let rows = slices::<R>(
                    self.rows,
                    R * t,
                    self.stride,
                    first..first + tall.len() / EIGHT,
                );
                for g in (0..W).step_by(G) {
                    let sums = times::<R, G, W>(rows, tall, g);
                    for (out, sums) in out.iter_mut().zip(&sums) {
                        for (out, sums) in out[g..g + G].iter_mut().zip(sums) {
                            for l in 0..EIGHT {
                                out[l] += sums[l];
                            }
                        }
                    }
                }
            }
        }
    }
}

impl<const W: usize> Vectorize for Times<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        match (L::REGISTERS, W.is_multiple_of(4)) {
            (16.., true) => self.tiles::<4, 4>(),
            (16.., false) => self.tiles::<8, 1>(),
            (8..16, _) => self.tiles::<4, 1>(),
            _ => self.tiles::<2, 1>(),
        }
    }
}

/// Some groups of `R` rows.
#[inline(always)]
fn slices<const R: usize>(
    rows: &[Eight],
    first: usize,
    stride: usize,
    groups: std::ops::Range<usize>,
) -> [&[Eight]; R] {
    let mut slices: [&[Eight]; R] = [&[]; R];
    for (r, slice) in slices.iter_mut().enumerate() {
        *slice = &rows[(first + r) * stride..][groups.clone()];
    }
    slices
}

/// `sum_p rows[r][p] tall[p][g..g + G]`.
#[inline(always)]
pub(super) fn times<const R: usize, const G: usize, const W: usize>(
    rows: [&[Eight]; R],
    tall: &[[Eight; W]],
    g: usize,
) -> [[Eight; G]; R] {
    let mut sums = [[[0.0; EIGHT]; G]; R];
    for (q, tall) in tall.chunks_exact(EIGHT).enumerate() {
        for (p, tall) in tall.iter().enumerate() {
            for r in 0..R {
                let x = rows[r][q][p];
                for i in 0..G {
                    for l in 0..EIGHT {
                        sums[r][i][l] += x * tall[g + i][l];
                    }
                }
            }
        }
    }
    sums
}

/// The sum of products, in eight sums that are added in one order.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (eights_a, rest_a) = a.as_chunks::<EIGHT>();
    let (eights_b, rest_b) = b.as_chunks::<EIGHT>();
    let mut sums = [0.0; EIGHT];
    for (a, b) in eights_a.iter().zip(eights_b) {
        for l in 0..EIGHT {
            sums[l] += a[l] * b[l];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}
