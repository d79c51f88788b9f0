//! The two algorithms of this crate, each written once over a handful of vector operations.
//!
//! **Along the row** ([`RowSum`]): a vector holds consecutive elements of one row; a pair is summed
//! lane by lane and the lanes are added up at the end. Single pairs and f32 blocks use it. A block
//! is cut into register tiles of several queries by several rows; since every pair keeps its own
//! accumulator and meets its chunks in the same order, pair and block give the same f32 bits.
//!
//! **Across the rows** ([`Panel`]): rows are packed so that a vector holds the same few bytes of
//! many rows, a few bytes of a query are broadcast against it, and each lane sums its own row. There
//! is no sum across lanes at all. u8 blocks on x86-64 use it.
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
    // `at <= cols - LANES` of a slice of length `cols`, or at a buffer of `MAX_LANES >= LANES`.
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
            // Padded with zeros on both sides, which add nothing to any of the three sums.
            let row_chunks = rows.map(|row| K::load(padded(&row[whole..]).as_ptr()));
            for q in 0..Q {
                let query_chunk = K::load(padded(&queries[q][whole..]).as_ptr());
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

/// The rows of a block that was not interleaved: a panel each.
pub(crate) fn unpacked_panels<'a>(block: &U8Block<'a>) -> (Vec<&'a [u8]>, Vec<&'a [u8]>) {
    (
        (0..block.n_queries).map(|i| block.query_panel(i)).collect(),
        (0..block.n_rows).map(|j| block.row_panel(j)).collect(),
    )
}

/// What a level provides to sum many rows at once, a lane each.
pub(crate) trait Panel {
    /// Some bytes of many rows in registers.
    type Rows: Copy;
    /// The same bytes of one query, broadcast.
    type Query: Copy;
    /// A sum for each row.
    type Acc: Copy;
    /// Bytes of a row in a lane.
    const GROUP: usize;
    /// Rows in a vector.
    const LANES: usize;

    /// # Safety
    /// The CPU has the features of the implementing level.
    unsafe fn zero() -> Self::Acc;
    /// # Safety
    /// As `zero`, and `from` points to `LANES * GROUP` readable bytes.
    unsafe fn load(from: *const u8) -> Self::Rows;
    /// # Safety
    /// As `zero`, and `from` points to `GROUP` readable bytes.
    unsafe fn broadcast(from: *const u8) -> Self::Query;
    /// # Safety
    /// As `zero`.
    unsafe fn add(acc: Self::Acc, query: Self::Query, rows: Self::Rows) -> Self::Acc;
    /// Writes the `LANES` sums modulo 2^32.
    ///
    /// # Safety
    /// As `zero`, and `to` points to `LANES` writable numbers.
    unsafe fn store(acc: Self::Acc, to: *mut u32);
}

/// The most sums of one register tile, queries times rows.
pub(crate) const MAX_TILE: usize = 384;

/// Every query against every row of packed panels, in tiles of `Q` queries and `V` vectors of rows.
///
/// # Safety
/// The CPU has the features of `P`'s level; the panels were packed with `P::GROUP`, `Q` and
/// `V * P::LANES`; `out` has a row for each query and a column for each row.
#[inline(always)]
pub(crate) unsafe fn panels<P: Panel, const Q: usize, const V: usize>(
    block: &U8Block,
    out: &mut MatMut<u32>,
) {
    const { assert!(Q * V * P::LANES <= MAX_TILE) };
    let width = V * P::LANES;
    for first_query in (0..block.n_queries).step_by(Q) {
        let query_panel = block.query_panel(first_query / Q);
        let n_queries = Q.min(block.n_queries - first_query);
        for first_row in (0..block.n_rows).step_by(width) {
            let row_panel = block.row_panel(first_row / width);
            let mut sums = [0u32; MAX_TILE];
            // SAFETY: the features are the caller's promise; `U8Block` has checked that panels hold
            // the same number of steps of `Q` and of `width` groups.
            unsafe { panel_tile::<P, Q, V>(query_panel, row_panel, &mut sums) };
            let n_rows = width.min(block.n_rows - first_row);
            let row_terms = &block.row_terms[first_row..][..n_rows];
            for q in 0..n_queries {
                let query_term = block.query_terms[first_query + q];
                let out = &mut out.row_mut(first_query + q)[first_row..][..n_rows];
                let sums = &sums[q * width..][..n_rows];
                for ((out, &sum), &row_term) in out.iter_mut().zip(sums).zip(row_terms) {
                    *out = block
                        .scale
                        .wrapping_mul(sum)
                        .wrapping_add(query_term)
                        .wrapping_add(row_term);
                }
            }
        }
    }
}

/// The raw sums of one tile, `sums[q * V * LANES + row]`.
///
/// # Safety
/// As [`panels`]; both panels hold whole steps, equally many.
#[inline(always)]
unsafe fn panel_tile<P: Panel, const Q: usize, const V: usize>(
    query_panel: &[u8],
    row_panel: &[u8],
    sums: &mut [u32; MAX_TILE],
) {
    let query_step = Q * P::GROUP;
    let row_step = V * P::LANES * P::GROUP;
    let steps = row_panel.len() / row_step;
    debug_assert_eq!(query_panel.len(), steps * query_step);
    debug_assert_eq!(row_panel.len(), steps * row_step);
    // SAFETY: each step reads `query_step` and `row_step` bytes of panels that hold `steps` of
    // them; the stores write `Q * V * LANES <= MAX_TILE` numbers.
    unsafe {
        let mut accs = [[P::zero(); V]; Q];
        let mut query_at = query_panel.as_ptr();
        let mut row_at = row_panel.as_ptr();
        for _ in 0..steps {
            let mut rows = [P::load(row_at); V];
            for (v, rows) in rows.iter_mut().enumerate().skip(1) {
                *rows = P::load(row_at.add(v * P::LANES * P::GROUP));
            }
            for (q, accs) in accs.iter_mut().enumerate() {
                let query = P::broadcast(query_at.add(q * P::GROUP));
                for (acc, rows) in accs.iter_mut().zip(rows) {
                    *acc = P::add(*acc, query, rows);
                }
            }
            query_at = query_at.add(query_step);
            row_at = row_at.add(row_step);
        }
        for (q, accs) in accs.iter().enumerate() {
            for (v, acc) in accs.iter().enumerate() {
                P::store(*acc, sums.as_mut_ptr().add((q * V + v) * P::LANES));
            }
        }
    }
}
