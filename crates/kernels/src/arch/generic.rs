//! Sums along the row, written once over a handful of vector operations.
//!
//! A vector holds consecutive elements of one row; a pair is summed lane by lane and the lanes are
//! added up at the end. Single pairs, f32 blocks and the u8 blocks of levels that do not pack use it.
//! A block is cut into register tiles of several queries by several rows; since every pair keeps its
//! own accumulator and meets its chunks in the same order, pair and block give the same f32 bits.
//!
//! Everything here is `inline(always)` and so becomes part of the `#[target_feature]` function that
//! calls it, which is where the instructions of the level may be used.

use super::U8Block;
use crate::MatMut;

/// What a level provides to sum pairs along the row.
pub(crate) trait RowSum {
    /// `u8` or `f32`.
    type Element: Copy + Default;
    /// `u32` or `f32`.
    type Total: Copy;
    /// A chunk of a row in registers.
    type Chunk: Copy;
    /// Partial sums of one pair.
    type Acc: Copy;
    /// Elements of a chunk, at most [`MAX_LANES`].
    const LANES: usize;

    /// # Safety
    /// The CPU has the features of the implementing level.
    unsafe fn zero() -> Self::Acc;
    /// # Safety
    /// As `zero`, and `from` points to `LANES` readable elements.
    unsafe fn load(from: *const Self::Element) -> Self::Chunk;
    /// Fewer than `LANES` elements, and zeros behind them.
    ///
    /// # Safety
    /// As `zero`.
    #[inline(always)]
    unsafe fn load_tail(tail: &[Self::Element]) -> Self::Chunk {
        // SAFETY: the buffer has `MAX_LANES` elements, the features are the caller's promise.
        unsafe { Self::load(padded(tail).as_ptr()) }
    }
    /// # Safety
    /// As `zero`.
    unsafe fn add(acc: Self::Acc, a: Self::Chunk, b: Self::Chunk) -> Self::Acc;
    /// # Safety
    /// As `zero`.
    unsafe fn total(acc: Self::Acc) -> Self::Total;
}

/// The widest chunk of any level, for the buffers that pad tails.
pub(crate) const MAX_LANES: usize = 64;

/// The totals of `Q` queries against `R` rows, all of one length.
///
/// # Safety
/// The CPU has the features of `K`'s level, and all slices have the length of the first.
#[inline(always)]
pub(crate) unsafe fn tile<K: RowSum, const Q: usize, const R: usize>(
    queries: [&[K::Element]; Q],
    rows: [&[K::Element]; R],
) -> [[K::Total; R]; Q] {
    let cols = queries[0].len();
    debug_assert!(queries.iter().chain(&rows).all(|row| row.len() == cols));
    let whole = cols - cols % K::LANES;
    // SAFETY: the features are the caller's promise; every load of `LANES` elements starts at
    // `at <= cols - LANES` of a slice of length `cols`.
    unsafe {
        let mut accs = [[K::zero(); R]; Q];
        let mut at = 0;
        while at < whole {
            let row_chunks = rows.map(|row| K::load(row.as_ptr().add(at)));
            for q in 0..Q {
                let query_chunk = K::load(queries[q].as_ptr().add(at));
                for r in 0..R {
                    accs[q][r] = K::add(accs[q][r], query_chunk, row_chunks[r]);
                }
            }
            at += K::LANES;
        }
        if whole < cols {
            // Padded with zeros on both sides, which add nothing to any of the sums.
            let row_chunks = rows.map(|row| K::load_tail(&row[whole..]));
            for q in 0..Q {
                let query_chunk = K::load_tail(&queries[q][whole..]);
                for r in 0..R {
                    accs[q][r] = K::add(accs[q][r], query_chunk, row_chunks[r]);
                }
            }
        }
        accs.map(|of_query| of_query.map(|acc| K::total(acc)))
    }
}

#[inline(always)]
fn padded<T: Copy + Default>(tail: &[T]) -> [T; MAX_LANES] {
    let mut buffer = [T::default(); MAX_LANES];
    buffer[..tail.len()].copy_from_slice(tail);
    buffer
}

/// One pair: the tile of one query and one row.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
pub(crate) unsafe fn pair<K: RowSum>(a: &[K::Element], b: &[K::Element]) -> K::Total {
    // SAFETY: the caller's promise.
    unsafe { tile::<K, 1, 1>([a], [b])[0][0] }
}

/// Every query against every row, in tiles of `Q` by `R`, the edges in single rows and queries.
///
/// # Safety
/// As [`tile`]; `out` has a row for each query and a column for each row.
#[inline(always)]
pub(crate) unsafe fn tiles<K: RowSum, const Q: usize, const R: usize>(
    queries: &[&[K::Element]],
    rows: &[&[K::Element]],
    out: &mut MatMut<K::Total>,
) {
    let (query_groups, single_queries) = queries.as_chunks::<Q>();
    let (row_groups, single_rows) = rows.as_chunks::<R>();
    let first_single_row = rows.len() - single_rows.len();
    for (g, group) in query_groups.iter().enumerate() {
        for (h, rows) in row_groups.iter().enumerate() {
            // SAFETY: the caller's promise.
            let totals = unsafe { tile::<K, Q, R>(*group, *rows) };
            for (q, totals) in totals.iter().enumerate() {
                out.row_mut(g * Q + q)[h * R..][..R].copy_from_slice(totals);
            }
        }
        for (j, row) in single_rows.iter().enumerate() {
            // SAFETY: the caller's promise.
            let totals = unsafe { tile::<K, Q, 1>(*group, [row]) };
            for (q, [total]) in totals.into_iter().enumerate() {
                out.row_mut(g * Q + q)[first_single_row + j] = total;
            }
        }
    }
    let first_single_query = queries.len() - single_queries.len();
    for (i, query) in single_queries.iter().enumerate() {
        let out = out.row_mut(first_single_query + i);
        for (h, rows) in row_groups.iter().enumerate() {
            // SAFETY: the caller's promise.
            let [totals] = unsafe { tile::<K, 1, R>([query], *rows) };
            out[h * R..][..R].copy_from_slice(&totals);
        }
        for (j, row) in single_rows.iter().enumerate() {
            // SAFETY: the caller's promise.
            out[first_single_row + j] = unsafe { pair::<K>(query, row) };
        }
    }
}

/// Which rows lie within the limit of each query, a word of rows at a time.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
pub(crate) unsafe fn tiles_at_most<K: RowSum<Total = u32>, const Q: usize, const R: usize>(
    queries: &[&[K::Element]],
    rows: &[&[K::Element]],
    limits: &[u32],
    hits: &mut [u64],
) {
    const GROUP: usize = 16;
    let words = rows.len().div_ceil(64);
    let mut sums = [0; GROUP * 64];
    for (g, (queries, limits)) in queries.chunks(GROUP).zip(limits.chunks(GROUP)).enumerate() {
        for (word, rows) in rows.chunks(64).enumerate() {
            let mut sums = MatMut::new(&mut sums, queries.len(), rows.len(), 64);
            // SAFETY: the caller's promise, and `sums` has the shape.
            unsafe { tiles::<K, Q, R>(queries, rows, &mut sums) };
            for (q, limit) in limits.iter().enumerate() {
                let bits = sums.row_mut(q).iter().rev();
                hits[(g * GROUP + q) * words + word] =
                    bits.fold(0, |bits, sum| bits << 1 | u64::from(sum <= limit));
            }
        }
    }
}

/// The rows of a block that was not interleaved: a panel each.
pub(crate) fn unpacked_panels<'a>(block: &U8Block<'a>) -> (Vec<&'a [u8]>, Vec<&'a [u8]>) {
    (
        (0..block.n_queries).map(|i| block.query_panel(i)).collect(),
        (0..block.n_rows).map(|j| block.row_panel(j)).collect(),
    )
}

/// The first position of a value that is not above `threshold`. Plain code: what vectors it becomes is
/// up to the features of its caller.
#[inline(always)]
pub(crate) fn first_at_most(values: &[u32], threshold: u32) -> Option<usize> {
    let is_hit = |value: &u32| *value <= threshold;
    let (chunks, tail) = values.as_chunks::<64>();
    for (c, chunk) in chunks.iter().enumerate() {
        if chunk.iter().fold(false, |any, value| any | is_hit(value)) {
            return chunk.iter().position(is_hit).map(|at| 64 * c + at);
        }
    }
    tail.iter()
        .position(is_hit)
        .map(|at| 64 * chunks.len() + at)
}
