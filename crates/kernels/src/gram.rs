//! Gram matrices of the columns of a block of rows: X^T X, of which only one half is computed.

use crate::arch::{self, Left, Part};
use crate::distance::check_exact;
use crate::linear::check_shapes;
use crate::{Kernel, Level, MatMut, MatRef, PackedQueries, PackedRows, u8_block};

/// Adds X^T X of f32 rows to the upper triangle of `gram`:
/// `gram[p, q] += sum_i rows[i, p] * rows[i, q]` for p <= q.
///
/// `rows`: n x d, `gram`: d x d. The elements below the diagonal are neither read nor written. One
/// thread.
///
/// At one level every element meets the rows in their order, one after the other, so that the bits do
/// not depend on how rows are grouped into calls; `scalar` sums each call in f64.
///
/// # Panics
/// If `gram` has not d rows and d columns.
///
/// ```
/// use nearplane_kernels::{Level, MatMut, MatRef, gram_f32};
/// let rows = [1.0, 2.0, 3.0, 4.0]; // two rows of two
/// let mut gram = [0.0; 4];
/// gram_f32(Level::detect(), MatRef::from_rows(&rows, 2), &mut MatMut::new(&mut gram, 2, 2, 2));
/// assert_eq!(gram, [10.0, 14.0, 0.0, 20.0]);
/// ```
pub fn gram_f32(level: Level, rows: MatRef<'_, f32>, gram: &mut MatMut<'_, f32>) {
    check_gram(rows.rows(), rows.cols(), gram);
    arch::add_product(level, Left::Transposed(rows), rows, Part::Upper, gram);
}

/// Adds X^T X of rows of bytes to the upper triangle of `gram`:
/// `gram[p, q] += sum_i rows[i, p] * rows[i, q]` for p <= q.
///
/// `rows`: n x d, `gram`: d x d. The elements below the diagonal are neither read nor written. One
/// thread. Sums are integers modulo 2^32, the same at every level: exact as long as no more than
/// [`MAX_EXACT_U8`](crate::MAX_EXACT_U8) rows are added altogether.
///
/// # Panics
/// If `gram` has not d rows and d columns, or the rows of this call alone are more than that.
///
/// ```
/// use nearplane_kernels::{Level, MatMut, MatRef, gram_u8};
/// let rows = [1, 2, 3, 255]; // two rows of two
/// let mut gram = [0; 4];
/// gram_u8(Level::detect(), MatRef::from_rows(&rows, 2), &mut MatMut::new(&mut gram, 2, 2, 2));
/// assert_eq!(gram, [10, 767, 0, 65_029]);
/// ```
pub fn gram_u8(level: Level, rows: MatRef<'_, u8>, gram: &mut MatMut<'_, u32>) {
    check_gram(rows.rows(), rows.cols(), gram);
    check_exact(rows.rows());
    let mut of_block = U8Gram::new(level, rows.cols());
    for first in (0..rows.rows()).step_by(U8Gram::ROWS) {
        let last = rows.rows().min(first + U8Gram::ROWS);
        of_block.add(rows.slice(first..last), gram);
    }
}

fn check_gram<T>(rows: usize, cols: usize, gram: &MatMut<'_, T>) {
    let of_rows = ("rows", rows, cols);
    let of_gram = ("Gram matrices", gram.rows(), gram.cols());
    check_shapes(of_gram, of_rows, (of_gram.1, cols));
    check_shapes(of_gram, of_rows, (of_gram.2, cols));
}

/// Columns as rows, so that the blocks of dot products, which sum along rows, do the work.
struct U8Gram {
    level: Level,
    /// The columns of a block of rows, one after the other.
    columns: Vec<u8>,
    /// Groups of `QUERIES` columns.
    queries: Vec<PackedQueries>,
    products: Vec<u32>,
}

impl U8Gram {
    /// Rows of a block: columns of so many bytes. More would fall out of the caches, fewer would spend
    /// the time on adding blocks up.
    const ROWS: usize = 2048;
    /// Columns on the left of a block of products.
    const QUERIES: usize = 192;
    /// Columns on its right.
    const RIGHT: usize = 128;

    fn new(level: Level, cols: usize) -> Self {
        let groups = cols.div_ceil(Self::QUERIES);
        let packed = || PackedQueries::new(level, Kernel::Dot);
        Self {
            level,
            columns: Vec::new(),
            queries: std::iter::repeat_with(packed).take(groups).collect(),
            products: vec![0; Self::QUERIES * Self::RIGHT],
        }
    }

    fn add(&mut self, rows: MatRef<'_, u8>, gram: &mut MatMut<'_, u32>) {
        let (n, cols) = (rows.rows(), rows.cols());
        self.columns.resize(n * cols, 0);
        transpose(rows, &mut self.columns);
        let columns: Vec<&[u8]> = self.columns.chunks(n).collect();
        for (queries, columns) in self.queries.iter_mut().zip(columns.chunks(Self::QUERIES)) {
            queries.pack(columns);
        }
        let mut right = PackedRows::new(self.level, Kernel::Dot);
        for (group, columns) in columns.chunks(Self::RIGHT).enumerate() {
            right.pack(columns);
            let first_col = group * Self::RIGHT;
            for (group, left) in self.queries.iter().enumerate() {
                let first_row = group * Self::QUERIES;
                if first_row >= first_col + columns.len() {
                    break;
                }
                let (m, n) = (left.len(), columns.len());
                let mut products = MatMut::new(&mut self.products, m, n, n);
                u8_block(left, &right, &mut products);
                for i in 0..m {
                    let skip = (first_row + i).saturating_sub(first_col).min(n);
                    let sums = &mut gram.row_mut(first_row + i)[first_col..][..n];
                    for (sum, product) in sums.iter_mut().zip(products.row(i)).skip(skip) {
                        *sum = sum.wrapping_add(*product);
                    }
                }
            }
        }
    }
}

/// `to[p * n + i] = rows[i, p]`, in squares that stay in the nearest cache.
fn transpose(rows: MatRef<'_, u8>, to: &mut [u8]) {
    const SIDE: usize = 16;
    let (n, cols) = (rows.rows(), rows.cols());
    for first_row in (0..n).step_by(SIDE) {
        let height = SIDE.min(n - first_row);
        for first_col in (0..cols).step_by(SIDE) {
            let width = SIDE.min(cols - first_col);
            let mut square = [[0; SIDE]; SIDE];
            for (i, side) in square.iter_mut().enumerate().take(height) {
                side[..width].copy_from_slice(&rows.row(first_row + i)[first_col..][..width]);
            }
            for p in 0..width {
                let column = &mut to[(first_col + p) * n + first_row..][..height];
                for (byte, side) in column.iter_mut().zip(&square) {
                    *byte = side[p];
                }
            }
        }
    }
}
