//! u8 rows packed for blocks: packed once, read by every query.
//!
//! A level that sums across rows wants the same few bytes of many rows side by side. [`PackedRows`]
//! and [`PackedQueries`] hold rows in that layout, with what the level needs to know of each row
//! besides (its squared norm, say). [`u8_block`] is then pure arithmetic: a caller packs a block of
//! rows that fits its cache, and all its queries once, and walks over them.

use crate::arch::{self, Kernel, Layout, PackedSum, Side, U8Block};
use crate::distance::check_exact;
use crate::{Level, MatMut};

/// Alignment of panels: a cache line, and the widest vector.
const ALIGN: usize = 64;

/// Bytes that start at a cache line. Room for the alignment is part of the buffer.
#[derive(Debug, Default)]
struct AlignedBytes {
    buffer: Vec<u8>,
    start: usize,
    len: usize,
}

impl AlignedBytes {
    /// `len` zero bytes, in the old buffer where it is large enough.
    fn reset(&mut self, len: usize) -> &mut [u8] {
        self.buffer.clear();
        self.buffer.resize(len + ALIGN, 0);
        // `align_offset` may give up (usize::MAX): a slow start is still a right one.
        self.start = self.buffer.as_ptr().align_offset(ALIGN).min(ALIGN);
        self.len = len;
        &mut self.buffer[self.start..][..len]
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..][..self.len]
    }
}

/// One side of a block in the layout of its level.
#[derive(Debug)]
struct Packed {
    level: Level,
    kernel: Kernel,
    layout: Layout,
    /// Bytes of a row that lie together, if not all of them.
    group: Option<usize>,
    width: usize,
    cols: usize,
    len: usize,
    panels: AlignedBytes,
    terms: Vec<u32>,
}

impl Packed {
    fn new(level: Level, kernel: Kernel, side: fn(Layout) -> (Option<usize>, usize)) -> Self {
        let layout = arch::layout(level, kernel);
        let (group, width) = side(layout);
        Self {
            level,
            kernel,
            layout,
            group,
            width,
            cols: 0,
            len: 0,
            panels: AlignedBytes::default(),
            terms: Vec::new(),
        }
    }

    fn pack(&mut self, rows: &[&[u8]], flip: u8, term: impl Fn(&[u8]) -> u32) {
        let cols = rows.first().map_or(0, |row| row.len());
        check_exact(cols);
        for row in rows {
            assert!(
                row.len() == cols,
                "a row of {} among rows of {cols} bytes",
                row.len()
            );
        }
        self.cols = cols;
        self.len = rows.len();
        let panel_len = self.layout.padded(self.cols) * self.width;
        let panels = self
            .panels
            .reset(rows.len().div_ceil(self.width) * panel_len);
        self.terms.clear();
        if panel_len > 0 {
            for (panel, rows) in panels
                .chunks_exact_mut(panel_len)
                .zip(rows.chunks(self.width))
            {
                match self.group {
                    None => panel.copy_from_slice(rows[0]),
                    Some(4) => interleave::<4>(panel, self.width, rows, flip),
                    Some(8) => interleave::<8>(panel, self.width, rows, flip),
                    Some(64) => interleave::<64>(panel, self.width, rows, flip),
                    Some(group) => unreachable!("no level packs groups of {group}"),
                }
            }
        }
        self.terms.extend(rows.iter().map(|row| term(row)));
        self.terms
            .resize(rows.len().next_multiple_of(self.width), 0);
    }

    fn side(&self) -> Side<'_> {
        Side {
            panels: self.panels.bytes(),
            len: self.len,
            terms: &self.terms,
        }
    }
}

/// Bytes of a row that are interleaved before the next row's turn: long enough to read memory in order,
/// short enough that the part of the panel being written stays in the first-level cache.
const STRIP: usize = 512;

/// Interleaves rows: step `s` of the panel holds bytes `G s .. G (s + 1)` of every row, one after the
/// other.
fn interleave<const G: usize>(panel: &mut [u8], width: usize, rows: &[&[u8]], flip: u8) {
    let strips = panel.chunks_mut(width * STRIP);
    for (strip, start) in strips.zip((0..).step_by(STRIP)) {
        for (lane, row) in rows.iter().enumerate() {
            // What pads a query is zero, so that it adds nothing to a product or a minimum; what pads
            // the rows of an L1 panel is zero as well.
            let mut bytes = [0; STRIP];
            for (byte, from) in bytes.iter_mut().zip(&row[start..]) {
                *byte = from ^ flip;
            }
            let lanes = strip
                .as_chunks_mut::<G>()
                .0
                .iter_mut()
                .skip(lane)
                .step_by(width);
            for (lane, group) in lanes.zip(bytes.as_chunks().0) {
                *lane = *group;
            }
        }
    }
}

fn sum_u8(row: &[u8]) -> u32 {
    row.iter().map(|&byte| u32::from(byte)).sum()
}

/// Queries packed for [`u8_block`].
///
/// ```
/// use nearplane_kernels::{Kernel, Level, MatMut, PackedQueries, PackedRows, u8_block};
/// let level = Level::detect();
/// let (mut queries, mut rows) =
///     (PackedQueries::new(level, Kernel::L1), PackedRows::new(level, Kernel::L1));
/// queries.pack(&[&[10, 20, 30]]);
/// rows.pack(&[&[10, 20, 30], &[13, 16, 30]]);
/// let mut out = [0; 2];
/// u8_block(&queries, &rows, &mut MatMut::new(&mut out, 1, 2, 2));
/// assert_eq!(out, [0, 7]);
/// ```
#[derive(Debug)]
pub struct PackedQueries(Packed);

impl PackedQueries {
    /// No queries yet, for the blocks of `level` and `kernel`.
    ///
    /// # Panics
    /// For [`Kernel::Chi2`], which bytes have no code for.
    #[must_use]
    pub fn new(level: Level, kernel: Kernel) -> Self {
        Self(Packed::new(level, kernel, |layout| {
            (layout.groups.map(|[query, _]| query), layout.query_width)
        }))
    }

    /// Packs `queries`, in place of what was packed before.
    ///
    /// # Panics
    /// If the queries differ in length, or are too long for exact sums in 32 bits
    /// ([`MAX_EXACT_U8`](crate::MAX_EXACT_U8)).
    pub fn pack(&mut self, queries: &[&[u8]]) {
        let (level, kernel, sum) = (self.0.level, self.0.kernel, self.0.layout.sum);
        self.0.pack(queries, 0, |query| match (kernel, sum) {
            (_, PackedSum::Result) | (Kernel::L1 | Kernel::Dot, PackedSum::Dot) => 0,
            (_, PackedSum::Min) => sum_u8(query),
            (Kernel::Chi2, _) => arch::no_chi2_of_bytes(),
            (Kernel::L1 | Kernel::Dot, PackedSum::SignedDot) => 128u32.wrapping_mul(sum_u8(query)),
            (Kernel::L2Sq, PackedSum::Dot) => arch::dot_u8(level, query, query),
            (Kernel::L2Sq, PackedSum::SignedDot) => {
                arch::dot_u8(level, query, query).wrapping_sub(256u32.wrapping_mul(sum_u8(query)))
            }
        });
    }

    /// Number of queries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether nothing is packed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }
}

/// Rows packed for [`u8_block`].
#[derive(Debug)]
pub struct PackedRows(Packed);

impl PackedRows {
    /// No rows yet, for the blocks of `level` and `kernel`.
    ///
    /// # Panics
    /// For [`Kernel::Chi2`], which bytes have no code for.
    #[must_use]
    pub fn new(level: Level, kernel: Kernel) -> Self {
        Self(Packed::new(level, kernel, |layout| {
            (layout.groups.map(|[_, row]| row), layout.row_width)
        }))
    }

    /// Packs `rows`, in place of what was packed before.
    ///
    /// # Panics
    /// As [`PackedQueries::pack`].
    pub fn pack(&mut self, rows: &[&[u8]]) {
        let (level, kernel, sum) = (self.0.level, self.0.kernel, self.0.layout.sum);
        let flip = if sum == PackedSum::SignedDot { 0x80 } else { 0 };
        self.0.pack(rows, flip, |row| match (kernel, sum) {
            (_, PackedSum::Min) => sum_u8(row),
            (Kernel::L2Sq, PackedSum::Dot | PackedSum::SignedDot) => arch::dot_u8(level, row, row),
            _ => 0,
        });
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether nothing is packed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Rows of a panel: blocks of a multiple of it waste nothing.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.width
    }
}

/// The exact sums of all packed queries against all packed rows: `out[i][j]` for query `i` and row
/// `j`, what [`l1_u8`](crate::l1_u8) and its sisters give for that pair.
///
/// # Panics
/// If the two sides were packed for another level, kernel or row length, or if `out` has fewer rows
/// than there are queries or fewer columns than there are rows.
pub fn u8_block(queries: &PackedQueries, rows: &PackedRows, out: &mut MatMut<'_, u32>) {
    let Some(block) = block(queries, rows) else {
        return;
    };
    let (queries, rows) = (&queries.0, &rows.0);
    assert!(
        out.rows() >= queries.len && out.cols() >= rows.len,
        "a block of {} x {} does not fit into {} x {}",
        queries.len,
        rows.len,
        out.rows(),
        out.cols()
    );
    arch::u8_block(queries.level, queries.kernel, &block, out);
}

/// Which packed rows lie within a limit of each packed query: a bit a pair.
///
/// Bit `j % 64` of word `j / 64` of query i's words is set where the sum of [`u8_block`] of query `i`
/// and row `j` is at most `limits[i]`. The sums themselves are not written anywhere.
///
/// hits: `queries.len()` x `rows.len().div_ceil(64)` words, row-major, all of them written; bits past
/// the last row are 0.
///
/// # Panics
/// If the two sides were packed for another level, kernel or row length, if there is not a limit for
/// each query, or if `hits` has another length.
///
/// ```
/// use nearplane_kernels::{Kernel, Level, PackedQueries, PackedRows, u8_block_at_most};
/// let level = Level::detect();
/// let (mut queries, mut rows) =
///     (PackedQueries::new(level, Kernel::L1), PackedRows::new(level, Kernel::L1));
/// queries.pack(&[&[10, 20, 30], &[13, 16, 20]]);
/// rows.pack(&[&[10, 20, 30], &[13, 16, 30], &[90, 90, 90]]);
/// let mut hits = [0; 2];
/// u8_block_at_most(&queries, &rows, &[7, 16], &mut hits);
/// assert_eq!(hits, [0b011, 0b010]); // distances 0, 7, 210 and 17, 10, 221
/// ```
pub fn u8_block_at_most(
    queries: &PackedQueries,
    rows: &PackedRows,
    limits: &[u32],
    hits: &mut [u64],
) {
    assert!(
        limits.len() == queries.len(),
        "{} limits for {} queries",
        limits.len(),
        queries.len()
    );
    let words = rows.len().div_ceil(64);
    assert!(
        hits.len() == queries.len() * words,
        "the hits of {} queries among {} rows take {} x {words} words, not {}",
        queries.len(),
        rows.len(),
        queries.len(),
        hits.len()
    );
    if let Some(block) = block(queries, rows) {
        arch::u8_block_at_most(queries.0.level, queries.0.kernel, &block, limits, hits);
    }
}

/// The two sides together, `None` where one is empty.
///
/// # Panics
/// If they were packed for another level, kernel or row length.
fn block<'a>(queries: &'a PackedQueries, rows: &'a PackedRows) -> Option<U8Block<'a>> {
    let (queries, rows) = (&queries.0, &rows.0);
    assert!(
        queries.level == rows.level && queries.kernel == rows.kernel,
        "queries packed for {} {:?}, rows for {} {:?}",
        queries.level,
        queries.kernel,
        rows.level,
        rows.kernel
    );
    if queries.len == 0 || rows.len == 0 {
        return None;
    }
    assert!(
        queries.cols == rows.cols,
        "queries of {} bytes against rows of {}",
        queries.cols,
        rows.cols
    );
    let scale = match (queries.kernel, queries.layout.sum) {
        (_, PackedSum::Min) | (Kernel::L2Sq, PackedSum::Dot | PackedSum::SignedDot) => {
            2u32.wrapping_neg()
        }
        _ => 1,
    };
    Some(U8Block::new(
        queries.layout,
        queries.cols,
        scale,
        queries.side(),
        rows.side(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_packing_forgets_the_first() {
        for level in Level::available() {
            let mut rows = PackedRows::new(level, Kernel::L2Sq);
            rows.pack(&[[255u8; 40].as_slice(); 50]);
            rows.pack(&[&[1, 2, 3, 4, 5]]);
            let mut queries = PackedQueries::new(level, Kernel::L2Sq);
            queries.pack(&[&[0; 5]]);
            let mut out = [0; 1];
            u8_block(&queries, &rows, &mut MatMut::new(&mut out, 1, 1, 1));
            assert_eq!((rows.len(), out), (1, [55]), "{level}");
        }
    }

    #[test]
    fn panels_start_at_a_cache_line() {
        let mut bytes = AlignedBytes::default();
        for len in [1, 64, 4096] {
            assert!(bytes.reset(len).as_ptr().addr().is_multiple_of(ALIGN));
            assert_eq!(bytes.bytes().len(), len);
        }
    }

    #[test]
    #[should_panic(expected = "rows for scalar L1")]
    fn sides_of_different_kernels_are_refused() {
        let queries = PackedQueries::new(Level::SCALAR, Kernel::Dot);
        let rows = PackedRows::new(Level::SCALAR, Kernel::L1);
        u8_block(&queries, &rows, &mut MatMut::new(&mut [], 0, 0, 0));
    }

    #[test]
    #[should_panic(expected = "a row of 2 among rows of 3 bytes")]
    fn ragged_rows_are_refused() {
        PackedRows::new(Level::detect(), Kernel::L1).pack(&[&[1, 2, 3], &[1, 2]]);
    }
}
