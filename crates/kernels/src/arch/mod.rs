//! Which CPU, which algorithm: the only room of this crate with `unsafe` in it, and the one place
//! where a [`Level`] is turned into its code.
//!
//! Read in this order: `scalar` (what is computed), `generic` and `panel` (the two algorithms; `near`
//! compares the sums of `panel` instead of writing them), then a
//! leaf such as `x86_64/avx2.rs` (the vector operations of a level and the shells that enable its features).
//! For linear models: `floats` (what a level provides), `scores` and `outer` (the two algorithms), `gemm`
//! (the second one, blocked), `linear` (the shells).
#![allow(unsafe_code)]
// Only x86-64 levels pack rows so far; elsewhere the means for it lie idle.
#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, unused_variables))]

mod floats;
mod gemm;
mod generic;
mod leaf;
mod linear;
#[cfg(target_arch = "x86_64")]
mod near;
mod outer;
#[cfg(target_arch = "x86_64")]
mod panel;
mod plain;
mod portable;
mod scalar;
mod scores;
mod scratch;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use crate::lanes::Vectorize;
use crate::level::{Kind, Level};
use crate::limits::Element;
use crate::{MatMut, MatRef};
pub(crate) use gemm::{Left, Part};

/// Whether this process may use the tiles of AMX; asks the system for them.
#[cfg(target_arch = "x86_64")]
pub(crate) fn may_use_tiles() -> bool {
    x86_64::amx::may_use_tiles()
}

/// Each cache line of the elements.
pub(crate) fn prefetch<T>(elements: &[T]) {
    #[cfg(target_arch = "x86_64")]
    x86_64::prefetch(elements);
}

/// Which sum over a pair of rows a kernel computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// sum |a - b|
    L1,
    /// sum (a - b)^2
    L2Sq,
    /// sum a b
    Dot,
    /// sum (a - b)^2 / (a + b), for f32 rows alone
    Chi2,
}

/// How the u8 rows of a block lie in memory for one level and kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bytes of one query and of one row that lie together; `None`: the whole row, nothing is interleaved.
    pub(crate) groups: Option<[usize; 2]>,
    /// Queries interleaved in a panel.
    pub(crate) query_width: usize,
    /// Rows interleaved in a panel.
    pub(crate) row_width: usize,
    /// What the packed sums are.
    pub(crate) sum: PackedSum,
}

/// What the accumulators of a block hold before the terms of query and row are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackedSum {
    /// The kernel's own result.
    Result,
    /// q . r, from which the squared distance follows by |q|^2 + |r|^2 - 2 q . r.
    Dot,
    /// q . (r - 128): rows are stored as signed bytes, since `vpdpbusd` multiplies unsigned by
    /// signed. q . r = q . (r - 128) + 128 sum(q).
    SignedDot,
    /// sum min(q, r), from which L1 follows by |q - r| = q + r - 2 min(q, r).
    Min,
}

impl Layout {
    /// Rows one after the other, as they come.
    const ROWS: Self = Self {
        groups: None,
        query_width: 1,
        row_width: 1,
        sum: PackedSum::Result,
    };
}

/// Packed queries against packed rows: what a level needs to compute a block of u8 sums.
pub(crate) struct U8Block<'a> {
    queries: &'a [u8],
    rows: &'a [u8],
    query_panel_len: usize,
    row_panel_len: usize,
    n_queries: usize,
    n_rows: usize,
    query_terms: &'a [u32],
    row_terms: &'a [u32],
    /// Bytes of a row.
    cols: usize,
    /// What the packed sums are.
    sum: PackedSum,
    /// result = scale * sum + query term + row term, modulo 2^32.
    scale: u32,
}

/// One side of a block: panels, how many rows they hold, and a term for each and for what pads the last
/// panel.
pub(crate) struct Side<'a> {
    pub(crate) panels: &'a [u8],
    pub(crate) len: usize,
    pub(crate) terms: &'a [u32],
}

impl<'a> U8Block<'a> {
    /// Checks what the `unsafe` code of the levels relies on: both sides hold whole panels of the
    /// layout for rows of `cols` bytes.
    pub(crate) fn new(
        layout: Layout,
        cols: usize,
        scale: u32,
        queries: Side<'a>,
        rows: Side<'a>,
    ) -> Self {
        let row_bytes = layout.padded(cols);
        let block = Self {
            query_panel_len: row_bytes * layout.query_width,
            row_panel_len: row_bytes * layout.row_width,
            queries: queries.panels,
            rows: rows.panels,
            n_queries: queries.len,
            n_rows: rows.len,
            query_terms: queries.terms,
            row_terms: rows.terms,
            cols,
            sum: layout.sum,
            scale,
        };
        let query_panels = block.n_queries.div_ceil(layout.query_width);
        let row_panels = block.n_rows.div_ceil(layout.row_width);
        assert!(block.queries.len() >= query_panels * block.query_panel_len);
        assert!(block.rows.len() >= row_panels * block.row_panel_len);
        assert!(block.query_terms.len() == query_panels * layout.query_width);
        assert!(block.row_terms.len() == row_panels * layout.row_width);
        block
    }

    fn query_panel(&self, panel: usize) -> &'a [u8] {
        &self.queries[panel * self.query_panel_len..][..self.query_panel_len]
    }

    fn row_panel(&self, panel: usize) -> &'a [u8] {
        &self.rows[panel * self.row_panel_len..][..self.row_panel_len]
    }
}

impl Layout {
    /// Bytes that a row of `cols` takes in a panel: whole groups of either side.
    pub(crate) fn padded(self, cols: usize) -> usize {
        self.groups.map_or(cols, |[of_query, of_row]| {
            cols.next_multiple_of(of_query.max(of_row))
        })
    }
}

/// Calls the function of the level's leaf. The one place where a level becomes code.
macro_rules! dispatch {
    ($level:expr, $function:ident($($argument:expr),*)) => {
        match $level.kind() {
            Kind::Scalar => scalar::$function($($argument),*),
            Kind::Portable => portable::$function($($argument),*),
            // SAFETY (all below): a `Level` of this kind is only made after the CPU was seen to have
            // every feature that the leaf enables.
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kind::Avx2 => unsafe { x86_64::avx2::$function($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kind::AvxVnni => unsafe { x86_64::avxvnni::$function($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kind::Avx512 => unsafe { x86_64::avx512::$function($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kind::Avx512Vnni => unsafe { x86_64::avx512vnni::$function($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kind::Amx => unsafe { x86_64::amx::$function($($argument),*) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            Kind::Neon => unsafe { aarch64::neon::$function($($argument),*) },
        }
    };
}

macro_rules! pair_entry {
    ($($function:ident: $element:ty => $total:ty;)*) => {$(
        /// Both slices have the same length: checked by the safe wrapper.
        pub(crate) fn $function(level: Level, a: &[$element], b: &[$element]) -> $total {
            debug_assert_eq!(a.len(), b.len());
            dispatch!(level, $function(a, b))
        }
    )*};
}

pair_entry! {
    l1_u8: u8 => u32;
    l2_sq_u8: u8 => u32;
    dot_u8: u8 => u32;
    l1_f32: f32 => f32;
    l2_sq_f32: f32 => f32;
    dot_f32: f32 => f32;
    chi2_f32: f32 => f32;
}

/// The first position of a value that is not above `threshold`.
pub(crate) fn first_at_most(level: Level, values: &[u32], threshold: u32) -> Option<usize> {
    dispatch!(level, first_at_most(values, threshold))
}

/// [`Kernel::Chi2`] has no code for bytes: rows are not packed for it.
#[cold]
pub(crate) fn no_chi2_of_bytes() -> ! {
    panic!("chi-squared distances are computed of f32 rows only")
}

/// Packed u8 queries against packed u8 rows.
pub(crate) fn u8_block(level: Level, kernel: Kernel, block: &U8Block, out: &mut MatMut<u32>) {
    assert!(out.rows() >= block.n_queries && out.cols() >= block.n_rows);
    dispatch!(level, u8_block(kernel, block, out));
}

/// Which packed u8 rows lie within the limits of packed u8 queries.
pub(crate) fn u8_block_at_most(
    level: Level,
    kernel: Kernel,
    block: &U8Block,
    limits: &[u32],
    hits: &mut [u64],
) {
    assert!(limits.len() == block.n_queries);
    assert!(hits.len() == block.n_queries * block.n_rows.div_ceil(64));
    dispatch!(level, u8_block_at_most(kernel, block, limits, hits));
}

/// f32 queries against f32 rows; all slices have one length: checked by the safe wrapper.
pub(crate) fn f32_block(
    level: Level,
    kernel: Kernel,
    queries: &[&[f32]],
    rows: &[&[f32]],
    out: &mut MatMut<f32>,
) {
    dispatch!(level, f32_block(kernel, queries, rows, out));
}

macro_rules! linear_entry {
    ($($scores:ident, $gradient:ident: $element:ty;)*) => {$(
        /// The shapes fit each other: checked by the safe wrapper.
        pub(crate) fn $scores(
            level: Level,
            rows: MatRef<$element>,
            weights: MatRef<f32>,
            out: &mut MatMut<f32>,
        ) {
            dispatch!(level, $scores(rows, weights, out));
        }

        /// The shapes fit each other: checked by the safe wrapper.
        pub(crate) fn $gradient(
            level: Level,
            coefficients: MatRef<f32>,
            rows: MatRef<$element>,
            gradient: &mut MatMut<f32>,
        ) {
            dispatch!(level, $gradient(coefficients, rows, gradient));
        }
    )*};
}

linear_entry! {
    scores_u8, gradient_u8: u8;
    scores_f32, gradient_f32: f32;
}

/// Adds left x right to `out`, or to a part of it; the shapes fit each other: checked by the safe
/// wrapper.
pub(crate) fn add_product(
    level: Level,
    left: Left,
    right: MatRef<f32>,
    part: Part,
    out: &mut MatMut<f32>,
) {
    dispatch!(level, add_product(left, right, part, out));
}

/// An algorithm over lanes of f32, compiled for the registers of the level.
pub(crate) fn run<V: Vectorize>(level: Level, algorithm: V) -> V::Output {
    match level.kind() {
        Kind::Scalar | Kind::Portable => algorithm.run(plain::Plain),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Level` of this kind is only made after the CPU was seen to have its features.
        Kind::Avx2 | Kind::AvxVnni => unsafe { x86_64::lanes::run_avx2(algorithm) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kind::Avx512 | Kind::Avx512Vnni | Kind::Amx => unsafe {
            x86_64::lanes::run_avx512(algorithm)
        },
        // NEON is in every build for AArch64, so that the compiler has it for arrays.
        #[cfg(target_arch = "aarch64")]
        Kind::Neon => algorithm.run(plain::Plain),
    }
}

/// How the rows of a u8 block are to be packed.
pub(crate) fn layout(level: Level, kernel: Kernel) -> Layout {
    match level.kind() {
        _ if kernel == Kernel::Chi2 => no_chi2_of_bytes(),
        Kind::Scalar | Kind::Portable => Layout::ROWS,
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => x86_64::avx2::layout(kernel),
        #[cfg(target_arch = "x86_64")]
        Kind::AvxVnni => x86_64::avxvnni::layout(kernel),
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => x86_64::avx512::layout(kernel),
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512Vnni => x86_64::avx512vnni::layout(kernel),
        #[cfg(target_arch = "x86_64")]
        Kind::Amx => x86_64::amx::layout(kernel),
        #[cfg(target_arch = "aarch64")]
        Kind::Neon => Layout::ROWS,
    }
}

/// Pairs of elements that `rounds` rounds of a register-only loop stand for.
pub(crate) fn spin(level: Level, kernel: Kernel, element: Element, rounds: u64) -> Option<u64> {
    #[cfg(target_arch = "x86_64")]
    {
        use x86_64::limits;
        let of_bytes = element == Element::U8 && kernel != Kernel::L1;
        let l1_of_bytes = element == Element::U8 && kernel == Kernel::L1;
        // SAFETY: a `Level` of this kind is only made after the CPU was seen to have its features.
        unsafe {
            match level.kind() {
                Kind::Scalar | Kind::Portable => None,
                _ if kernel == Kernel::Chi2 => None,
                Kind::AvxVnni if of_bytes => Some(limits::dot_ymm(rounds)),
                Kind::Avx512Vnni | Kind::Amx if l1_of_bytes => Some(limits::min_zmm(rounds)),
                Kind::Amx if of_bytes => Some(x86_64::amx::spin(rounds)),
                Kind::Avx512Vnni if of_bytes => Some(limits::dot_zmm(rounds)),
                Kind::Avx2 | Kind::AvxVnni => Some(limits::ymm(kernel, element, rounds)),
                Kind::Avx512 | Kind::Avx512Vnni | Kind::Amx => {
                    Some(limits::zmm(kernel, element, rounds))
                }
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (level, kernel, element, rounds);
        None
    }
}
