//! The public kernels: L1, squared L2 and dot products of u8 and f32 rows, chi-squared of f32 rows, as
//! a pair and as a block.
//!
//! All checks are here, so that the code below can rely on them; the work is in `arch`.

use crate::arch::{self, Kernel};
use crate::packed::{PackedQueries, PackedRows, u8_block};
use crate::{Level, MatMut, MatRef};

/// The longest row whose u8 sums are exact in 32 bits: `n * 255^2 < 2^32`.
pub const MAX_EXACT_U8: usize = 66_051;

/// # Panics
/// If sums over `cols` bytes may not fit 32 bits.
pub(crate) fn check_exact(cols: usize) {
    assert!(
        cols <= MAX_EXACT_U8,
        "rows of {cols} bytes, sums are exact up to {MAX_EXACT_U8}"
    );
}

fn check_pair(a: usize, b: usize) {
    assert!(a == b, "rows of different lengths, {a} and {b}");
}

macro_rules! u8_pair {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Exact at every level, for rows of up to [`MAX_EXACT_U8`] bytes.
        ///
        /// # Panics
        /// If the rows differ in length or are longer than that.
        #[must_use]
        pub fn $name(level: Level, a: &[u8], b: &[u8]) -> u32 {
            check_pair(a.len(), b.len());
            check_exact(a.len());
            arch::$name(level, a, b)
        }
    };
}

u8_pair! {
    /// Manhattan distance of two rows of bytes, `sum_p |a_p - b_p|`, in pixel units.
    ///
    /// ```
    /// use nearplane_kernels::{Level, l1_u8};
    /// // LECTURE 2.2: two 4x4 images.
    /// let test = [56, 32, 10, 18, 90, 23, 128, 133, 24, 26, 178, 200, 2, 0, 255, 220];
    /// let train = [10, 20, 24, 17, 8, 10, 89, 100, 12, 16, 178, 170, 4, 32, 233, 112];
    /// assert_eq!(l1_u8(Level::detect(), &test, &train), 456);
    /// ```
    l1_u8
}

u8_pair! {
    /// Squared Euclidean distance of two rows of bytes, `sum_p (a_p - b_p)^2`, in squared pixel units.
    ///
    /// ```
    /// use nearplane_kernels::{Level, l2_sq_u8};
    /// assert_eq!(l2_sq_u8(Level::detect(), &[0, 255, 3], &[4, 0, 3]), 16 + 65_025);
    /// ```
    l2_sq_u8
}

u8_pair! {
    /// Dot product of two rows of bytes, `sum_p a_p b_p`.
    ///
    /// ```
    /// use nearplane_kernels::{Level, dot_u8};
    /// assert_eq!(dot_u8(Level::detect(), &[1, 2, 255], &[3, 4, 255]), 3 + 8 + 65_025);
    /// ```
    dot_u8
}

macro_rules! f32_pair {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Summed in one order that is fixed for a level: a pair and its place in a block have the
        /// same bits. Levels differ from each other by rounding; `scalar` sums in f64.
        ///
        /// # Panics
        /// If the rows differ in length.
        #[must_use]
        pub fn $name(level: Level, a: &[f32], b: &[f32]) -> f32 {
            check_pair(a.len(), b.len());
            arch::$name(level, a, b)
        }
    };
}

f32_pair! {
    /// Manhattan distance of two f32 rows, `sum_p |a_p - b_p|`.
    ///
    /// ```
    /// use nearplane_kernels::{Level, l1_f32};
    /// assert_eq!(l1_f32(Level::detect(), &[1.0, -2.0], &[0.5, 2.0]), 4.5);
    /// ```
    l1_f32
}

f32_pair! {
    /// Squared Euclidean distance of two f32 rows, `sum_p (a_p - b_p)^2`.
    ///
    /// ```
    /// use nearplane_kernels::{Level, l2_sq_f32};
    /// assert_eq!(l2_sq_f32(Level::detect(), &[1.0, -2.0], &[0.5, 2.0]), 16.25);
    /// ```
    l2_sq_f32
}

f32_pair! {
    /// Dot product of two f32 rows, `sum_p a_p b_p`.
    ///
    /// ```
    /// use nearplane_kernels::{Level, dot_f32};
    /// assert_eq!(dot_f32(Level::detect(), &[1.0, -2.0], &[0.5, 2.0]), -3.5);
    /// ```
    dot_f32
}

f32_pair! {
    /// Chi-squared distance of two histograms, `sum_p (a_p - b_p)^2 / (a_p + b_p)`, where both are 0
    /// nothing. (Some write half of it.)
    ///
    /// No entry may be negative, nor so large (above 1e38) that two of them overflow: neither is
    /// checked.
    ///
    /// ```
    /// use nearplane_kernels::{Level, chi2_f32};
    /// assert_eq!(chi2_f32(Level::detect(), &[1.0, 0.0, 3.0], &[3.0, 0.0, 3.0]), 1.0);
    /// ```
    chi2_f32
}

fn check_block<T>(queries: (usize, usize), rows: (usize, usize), out: &MatMut<'_, T>) {
    assert!(
        queries.1 == rows.1,
        "queries of {} columns against rows of {}",
        queries.1,
        rows.1
    );
    assert!(
        out.rows() == queries.0 && out.cols() == rows.0,
        "the sums of {} queries against {} rows do not fit a matrix of {} x {}",
        queries.0,
        rows.0,
        out.rows(),
        out.cols()
    );
}

/// Below so many queries packing the rows costs more than it saves.
const PACK_FROM_QUERIES: usize = 4;

/// Bytes of packed rows that are walked over by all queries: they stay in the second-level cache.
const PACKED_BYTES: usize = 384 * 1024;

fn block_u8(
    level: Level,
    kernel: Kernel,
    queries: MatRef<'_, u8>,
    rows: MatRef<'_, u8>,
    out: &mut MatMut<'_, u32>,
) {
    check_block(
        (queries.rows(), queries.cols()),
        (rows.rows(), rows.cols()),
        out,
    );
    check_exact(queries.cols());
    if queries.rows() < PACK_FROM_QUERIES {
        let pair = match kernel {
            Kernel::L1 => arch::l1_u8,
            Kernel::L2Sq => arch::l2_sq_u8,
            Kernel::Dot => arch::dot_u8,
            Kernel::Chi2 => arch::no_chi2_of_bytes(),
        };
        for (i, query) in queries.iter().enumerate() {
            for (sum, row) in out.row_mut(i).iter_mut().zip(rows.iter()) {
                *sum = pair(level, query, row);
            }
        }
        return;
    }
    let mut packed_queries = PackedQueries::new(level, kernel);
    packed_queries.pack(&queries.iter().collect::<Vec<_>>());
    let mut packed_rows = PackedRows::new(level, kernel);
    let width = packed_rows.width();
    let at_once = (PACKED_BYTES / rows.cols().max(1)).next_multiple_of(width);
    for first in (0..rows.rows()).step_by(at_once) {
        let part = rows.slice(first..rows.rows().min(first + at_once));
        packed_rows.pack(&part.iter().collect::<Vec<_>>());
        let mut columns = out.columns_mut(first..first + part.rows());
        u8_block(&packed_queries, &packed_rows, &mut columns);
    }
}

fn block_f32(
    level: Level,
    kernel: Kernel,
    queries: MatRef<'_, f32>,
    rows: MatRef<'_, f32>,
    out: &mut MatMut<'_, f32>,
) {
    check_block(
        (queries.rows(), queries.cols()),
        (rows.rows(), rows.cols()),
        out,
    );
    let queries: Vec<&[f32]> = queries.iter().collect();
    let rows: Vec<&[f32]> = rows.iter().collect();
    arch::f32_block(level, kernel, &queries, &rows, out);
}

/// f32 queries against f32 rows that need not lie in one matrix: `out[i][j]` is the kernel's sum for
/// query `i` and row `j`, with the bits that the pair function gives.
///
/// # Panics
/// If rows differ in length, or `out` is not `queries.len() x rows.len()`.
pub fn f32_block(
    level: Level,
    kernel: Kernel,
    queries: &[&[f32]],
    rows: &[&[f32]],
    out: &mut MatMut<'_, f32>,
) {
    let cols = queries.iter().chain(rows).next().map_or(0, |row| row.len());
    for row in queries.iter().chain(rows) {
        check_pair(row.len(), cols);
    }
    check_block((queries.len(), cols), (rows.len(), cols), out);
    arch::f32_block(level, kernel, queries, rows, out);
}

macro_rules! block {
    ($($name:ident, $block:ident: $element:ty => $total:ty, $kernel:expr, $pair:literal;)*) => {$(
        #[doc = concat!("Many against many: `out[i][j]` = [`", $pair, "`] of query `i` and row `j`.")]
        ///
        /// Shapes: `queries: n x d`, `rows: m x d`, `out: n x m`. Single-threaded: callers that have
        /// threads give each its own blocks.
        ///
        /// # Panics
        /// If the shapes do not fit, or rows are longer than the pair function allows.
        pub fn $name(
            level: Level,
            queries: MatRef<'_, $element>,
            rows: MatRef<'_, $element>,
            out: &mut MatMut<'_, $total>,
        ) {
            $block(level, $kernel, queries, rows, out);
        }
    )*};
}

block! {
    l1_u8_block, block_u8: u8 => u32, Kernel::L1, "l1_u8";
    l2_sq_u8_block, block_u8: u8 => u32, Kernel::L2Sq, "l2_sq_u8";
    dot_u8_block, block_u8: u8 => u32, Kernel::Dot, "dot_u8";
    l1_f32_block, block_f32: f32 => f32, Kernel::L1, "l1_f32";
    l2_sq_f32_block, block_f32: f32 => f32, Kernel::L2Sq, "l2_sq_f32";
    dot_f32_block, block_f32: f32 => f32, Kernel::Dot, "dot_f32";
    chi2_f32_block, block_f32: f32 => f32, Kernel::Chi2, "chi2_f32";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "rows of different lengths, 3 and 2")]
    fn unequal_rows_are_refused() {
        let _ = l1_u8(Level::detect(), &[1, 2, 3], &[1, 2]);
    }

    #[test]
    #[should_panic(expected = "sums are exact up to 66051")]
    fn rows_too_long_for_exact_sums_are_refused() {
        let row = vec![255; MAX_EXACT_U8 + 1];
        let _ = dot_u8(Level::detect(), &row, &row);
    }

    #[test]
    #[should_panic(expected = "2 queries against 3 rows do not fit a matrix of 3 x 2")]
    fn a_transposed_result_is_refused() {
        let mut out = [0.0; 6];
        l1_f32_block(
            Level::detect(),
            MatRef::from_rows(&[0.0; 8], 4),
            MatRef::from_rows(&[0.0; 12], 4),
            &mut MatMut::new(&mut out, 3, 2, 2),
        );
    }
}
