//! What rows can be made of, u8 or f32, and the block kernels of each behind one interface.

use super::Metric;
use nearplane_kernels::{
    Kernel, Level, MAX_EXACT_U8, MatMut, PackedQueries, PackedRows, f32_block, l1_f32, l1_u8,
    l2_sq_f32, l2_sq_u8, u8_block,
};
use std::ops::Range;

/// An element of a row: `u8` (pixels, distances exact integers) or `f32` (features).
///
/// Sealed: the kernels have code for these two.
pub trait Element: sealed::Blocks {
    /// What a distance is: `u32` for u8 rows, `f32` for f32 rows. L2 distances are squared.
    type Distance: Copy + PartialOrd + Into<f64> + Send + Sync + std::fmt::Debug + Default + 'static;

    /// A distance from its 32 ordered bits (the number itself, or [`f32::to_bits`]).
    #[doc(hidden)]
    fn distance_from_bits(bits: u32) -> Self::Distance;
}

impl Element for u8 {
    type Distance = u32;

    fn distance_from_bits(bits: u32) -> u32 {
        bits
    }
}

impl Element for f32 {
    type Distance = f32;

    fn distance_from_bits(bits: u32) -> f32 {
        f32::from_bits(bits)
    }
}

pub(super) mod sealed {
    use super::{Kernel, Level, Metric, Range};

    /// The kernels of an element type. Distances travel as 32 ordered bits.
    pub trait Blocks: Copy + Send + Sync + 'static {
        /// The longest row.
        const MAX_COLS: usize;
        /// Queries ready for blocks.
        type Queries<'q>: Sync;
        /// Room that a worker keeps from block to block: packed rows, sums.
        type Room: Send;

        fn into_f32(self) -> f32;
        fn first_non_finite(row: &[Self]) -> Option<usize>;
        fn pair(level: Level, metric: Metric, a: &[Self], b: &[Self]) -> u32;
        fn prepare<'q>(level: Level, kernel: Kernel, queries: Vec<&'q [Self]>)
        -> Self::Queries<'q>;
        /// Queries that one call of `block` takes, and ranges start at multiples of.
        fn queries_at_once(queries: &Self::Queries<'_>) -> usize;
        /// Rows of a block come in multiples of this where they can.
        fn row_multiple(room: &Self::Room) -> usize;
        fn room(level: Level, kernel: Kernel) -> Self::Room;
        /// Calls `visit(query, distances)` for each query of `range`, distances of all `rows`.
        fn blocks(
            queries: &Self::Queries<'_>,
            ranges: impl Iterator<Item = Range<usize>>,
            rows: &[&[Self]],
            room: &mut Self::Room,
            visit: impl FnMut(usize, &[u32]),
        );
    }
}

/// The kernel whose sums order rows as the metric does.
pub(super) fn kernel(metric: Metric) -> Kernel {
    match metric {
        Metric::L1 => Kernel::L1,
        Metric::L2 => Kernel::L2Sq,
    }
}

/// Queries of one call, as many panels as reach about this number: their sums stay in the
/// first-level cache.
const QUERIES_AT_ONCE: usize = 24;

#[doc(hidden)]
pub struct U8Room {
    rows: PackedRows,
    sums: Vec<u32>,
}

impl sealed::Blocks for u8 {
    const MAX_COLS: usize = MAX_EXACT_U8;
    type Queries<'q> = PackedQueries;
    type Room = U8Room;

    fn into_f32(self) -> f32 {
        f32::from(self)
    }

    fn first_non_finite(_: &[u8]) -> Option<usize> {
        None
    }

    fn pair(level: Level, metric: Metric, a: &[u8], b: &[u8]) -> u32 {
        match metric {
            Metric::L1 => l1_u8(level, a, b),
            Metric::L2 => l2_sq_u8(level, a, b),
        }
    }

    fn prepare(level: Level, kernel: Kernel, queries: Vec<&[u8]>) -> PackedQueries {
        let mut packed = PackedQueries::new(level, kernel);
        packed.pack(&queries);
        packed
    }

    fn queries_at_once(queries: &PackedQueries) -> usize {
        QUERIES_AT_ONCE.next_multiple_of(queries.width())
    }

    fn row_multiple(room: &U8Room) -> usize {
        room.rows.width()
    }

    fn room(level: Level, kernel: Kernel) -> U8Room {
        U8Room {
            rows: PackedRows::new(level, kernel),
            sums: Vec::new(),
        }
    }

    fn blocks(
        queries: &PackedQueries,
        ranges: impl Iterator<Item = Range<usize>>,
        rows: &[&[u8]],
        room: &mut U8Room,
        mut visit: impl FnMut(usize, &[u32]),
    ) {
        room.rows.pack(rows);
        for range in ranges {
            room.sums.resize(range.len() * rows.len(), 0);
            let mut sums = MatMut::new(&mut room.sums, range.len(), rows.len(), rows.len());
            u8_block(queries, range.clone(), &room.rows, &mut sums);
            for (i, query) in range.enumerate() {
                visit(query, sums.row(i));
            }
        }
    }
}

#[doc(hidden)]
pub struct F32Queries<'q> {
    level: Level,
    kernel: Kernel,
    queries: Vec<&'q [f32]>,
}

#[doc(hidden)]
#[derive(Default)]
pub struct F32Room {
    sums: Vec<f32>,
    bits: Vec<u32>,
}

impl sealed::Blocks for f32 {
    const MAX_COLS: usize = u32::MAX as usize;
    type Queries<'q> = F32Queries<'q>;
    type Room = F32Room;

    fn into_f32(self) -> f32 {
        self
    }

    fn first_non_finite(row: &[f32]) -> Option<usize> {
        row.iter().position(|value| !value.is_finite())
    }

    fn pair(level: Level, metric: Metric, a: &[f32], b: &[f32]) -> u32 {
        match metric {
            Metric::L1 => l1_f32(level, a, b),
            Metric::L2 => l2_sq_f32(level, a, b),
        }
        .to_bits()
    }

    fn prepare<'q>(level: Level, kernel: Kernel, queries: Vec<&'q [f32]>) -> F32Queries<'q> {
        F32Queries {
            level,
            kernel,
            queries,
        }
    }

    fn queries_at_once(_: &F32Queries<'_>) -> usize {
        QUERIES_AT_ONCE
    }

    fn row_multiple(_: &F32Room) -> usize {
        12
    }

    fn room(_: Level, _: Kernel) -> F32Room {
        F32Room::default()
    }

    fn blocks(
        queries: &F32Queries<'_>,
        ranges: impl Iterator<Item = Range<usize>>,
        rows: &[&[f32]],
        room: &mut F32Room,
        mut visit: impl FnMut(usize, &[u32]),
    ) {
        room.bits.resize(rows.len(), 0);
        for range in ranges {
            room.sums.resize(range.len() * rows.len(), 0.0);
            let mut sums = MatMut::new(&mut room.sums, range.len(), rows.len(), rows.len());
            let block = &queries.queries[range.clone()];
            f32_block(queries.level, queries.kernel, block, rows, &mut sums);
            for (i, query) in range.enumerate() {
                // Distances are never negative, and the bits of such floats are in their order.
                for (bits, sum) in room.bits.iter_mut().zip(sums.row(i)) {
                    *bits = sum.to_bits();
                }
                visit(query, &room.bits);
            }
        }
    }
}
