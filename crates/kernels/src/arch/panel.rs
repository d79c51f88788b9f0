//! Sums across the rows, written once over a handful of vector operations.
//!
//! Rows are packed so that a vector holds the same few bytes of many rows, a few bytes of a query are
//! broadcast against it, and each lane sums its own row: there is no sum across lanes at all. A tile
//! of several queries by several such vectors stays in registers over the whole length of the rows,
//! so every load serves several multiplications. The u8 blocks of the x86-64 levels are this.
//!
//! Everything here is `inline(always)`, as in `generic`.

use super::U8Block;
use crate::MatMut;

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
    /// Bytes of a query that lie together in a panel of queries.
    const QUERY_GROUP: usize = Self::GROUP;
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
    /// Sums that begin with `LANES` numbers instead of zero.
    ///
    /// # Safety
    /// As `zero`, and `from` points to `LANES` readable numbers.
    unsafe fn start(from: *const i32) -> Self::Acc;
    /// A bit for each of the `LANES` sums, the lowest for the first: whether it is below `bound`.
    ///
    /// # Safety
    /// As `zero`.
    unsafe fn below(acc: Self::Acc, bound: i32) -> u16;
    /// Adds the sums of one register tile to `accs`: of the first `N` of the `Q` queries of a panel.
    ///
    /// # Safety
    /// As `zero`.
    #[inline(always)]
    unsafe fn sums<const Q: usize, const V: usize, const N: usize>(
        query_panel: &[u8],
        row_panel: &[u8],
        accs: &mut [[Self::Acc; V]; N],
    ) where
        Self: Sized,
    {
        // SAFETY: the features are the caller's promise.
        unsafe { panel_sums::<Self, Q, V, N>(query_panel, row_panel, accs) }
    }
    /// The sums of one register tile as numbers, `WIDTH` = `V * LANES` rows of each of `Q` queries.
    ///
    /// # Safety
    /// As `zero`.
    #[inline(always)]
    unsafe fn tile<const Q: usize, const V: usize, const WIDTH: usize>(
        query_panel: &[u8],
        row_panel: &[u8],
        sums: &mut Sums<Q, WIDTH>,
    ) where
        Self: Sized,
    {
        const { assert!(WIDTH == V * Self::LANES) };
        // SAFETY: the features are the caller's promise; `V` stores of `LANES` numbers are the `WIDTH` of a query.
        unsafe {
            let mut accs = [[Self::zero(); V]; Q];
            Self::sums::<Q, V, Q>(query_panel, row_panel, &mut accs);
            for (accs, sums) in accs.iter().zip(&mut sums.0) {
                for (v, acc) in accs.iter().enumerate() {
                    Self::store(*acc, sums.as_mut_ptr().add(v * Self::LANES));
                }
            }
        }
    }
}

/// Sums of a register tile in memory, a row for each query.
#[repr(C, align(64))]
pub(crate) struct Sums<const Q: usize, const WIDTH: usize>(pub(crate) [[u32; WIDTH]; Q]);

/// Every query against every row of packed panels, in tiles of `Q` queries and `V` vectors of rows.
///
/// # Safety
/// The CPU has the features of `P`'s level; the panels were packed with `P::GROUP`, `Q` and
/// `V * P::LANES`; `out` has a row for each query and a column for each row.
#[inline(always)]
pub(crate) unsafe fn panels<P: Panel, const Q: usize, const V: usize, const WIDTH: usize>(
    block: &U8Block,
    out: &mut MatMut<u32>,
) {
    let mut sums = Sums([[0; WIDTH]; Q]);
    for first_query in (0..block.n_queries).step_by(Q) {
        let query_panel = block.query_panel(first_query / Q);
        let n_queries = Q.min(block.n_queries - first_query);
        for first_row in (0..block.n_rows).step_by(WIDTH) {
            let row_panel = block.row_panel(first_row / WIDTH);
            // SAFETY: the features are the caller's promise; `U8Block` has checked that panels hold
            // the same number of steps of `Q` and of `WIDTH` groups.
            unsafe { P::tile::<Q, V, WIDTH>(query_panel, row_panel, &mut sums) };
            let n_rows = WIDTH.min(block.n_rows - first_row);
            let row_terms = &block.row_terms[first_row..][..n_rows];
            for (q, sums) in sums.0.iter().enumerate().take(n_queries) {
                let query_term = block.query_terms[first_query + q];
                let out = &mut out.row_mut(first_query + q)[first_row..][..n_rows];
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

/// [`Panel::sums`] by the operations of a level, a step of all queries and rows at a time.
///
/// # Safety
/// The CPU has the features of `P`'s level.
#[inline(always)]
unsafe fn panel_sums<P: Panel, const Q: usize, const V: usize, const N: usize>(
    query_panel: &[u8],
    row_panel: &[u8],
    accs: &mut [[P::Acc; V]; N],
) {
    const { assert!(N <= Q) };
    let query_step = Q * P::GROUP;
    let row_step = V * P::LANES * P::GROUP;
    let steps = row_panel.len() / row_step;
    assert!(query_panel.len() == steps * query_step && row_panel.len() == steps * row_step);
    // SAFETY: each step reads `query_step` and `row_step` bytes of panels that hold `steps` of them.
    unsafe {
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
    }
}

/// The shells around it and around `near`, as in `leaf`: tiles of `[queries, vectors of rows]` for the leaf's `L1Panel` and
/// `DotPanel`.
macro_rules! packed_u8_block_shell {
    ($(#[$features:meta])? L1: [$l1_q:literal, $l1_v:literal], Dot: [$dot_q:literal, $dot_v:literal]) => {
        $(#[$features])?
        pub(in crate::arch) fn u8_block(kernel: Kernel, block: &U8Block, out: &mut MatMut<u32>) {
            const L1_WIDTH: usize = $l1_v * L1Panel::LANES;
            const DOT_WIDTH: usize = $dot_v * DotPanel::LANES;
            // SAFETY: the features of the level are enabled on this function; `U8Block` holds panels
            // of `layout` below, and the safe wrapper has checked `out`.
            unsafe {
                match kernel {
                    Kernel::L1 => panels::<L1Panel, $l1_q, $l1_v, L1_WIDTH>(block, out),
                    Kernel::L2Sq | Kernel::Dot => {
                        panels::<DotPanel, $dot_q, $dot_v, DOT_WIDTH>(block, out)
                    }
                    Kernel::Chi2 => crate::arch::no_chi2_of_bytes(),
                }
            }
        }

        $(#[$features])?
        pub(in crate::arch) fn u8_block_at_most(
            kernel: Kernel,
            block: &U8Block,
            limits: &[u32],
            hits: &mut [u64],
        ) {
            use crate::arch::near::panels_at_most;
            const L1_WIDTH: usize = $l1_v * L1Panel::LANES;
            const DOT_WIDTH: usize = $dot_v * DotPanel::LANES;
            // SAFETY: the features of the level are enabled on this function; `U8Block` holds panels
            // of `layout` below.
            unsafe {
                match kernel {
                    Kernel::L1 => {
                        panels_at_most::<L1Panel, $l1_q, $l1_v, L1_WIDTH>(block, limits, hits)
                    }
                    Kernel::L2Sq | Kernel::Dot => {
                        panels_at_most::<DotPanel, $dot_q, $dot_v, DOT_WIDTH>(block, limits, hits)
                    }
                    Kernel::Chi2 => crate::arch::no_chi2_of_bytes(),
                }
            }
        }

        pub(in crate::arch) fn layout(kernel: Kernel) -> Layout {
            match kernel {
                Kernel::L1 => Layout {
                    groups: Some([L1Panel::QUERY_GROUP, L1Panel::GROUP]),
                    query_width: $l1_q,
                    row_width: $l1_v * L1Panel::LANES,
                    sum: L1_PANEL_SUM,
                },
                Kernel::L2Sq | Kernel::Dot => Layout {
                    groups: Some([DotPanel::QUERY_GROUP, DotPanel::GROUP]),
                    query_width: $dot_q,
                    row_width: $dot_v * DotPanel::LANES,
                    sum: DOT_PANEL_SUM,
                },
                Kernel::Chi2 => crate::arch::no_chi2_of_bytes(),
            }
        }
    };
}

pub(in crate::arch) use packed_u8_block_shell;
