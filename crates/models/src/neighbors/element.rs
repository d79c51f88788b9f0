//! What rows can be made of, u8 or f32, and the block kernels of each behind one interface.

use super::pruned::{Coder, Codes};
use super::{Metric, Rows};
use crate::linear::Products;
use nearplane_kernels::{
    Kernel, Level, MAX_EXACT_U8, MatMut, PackedQueries, PackedRows, chi2_f32, f32_block, l1_f32,
    l1_u8, l2_sq_f32, l2_sq_u8, prefetch, u8_block,
};

/// An element of a row: `u8` (pixels, distances exact integers) or `f32` (features).
///
/// Sealed: the kernels have code for these two.
pub trait Element: sealed::Blocks + Products {
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
    use super::super::pruned::{Coder, Codes};
    use super::{Kernel, Level, Metric, Rows};

    /// The kernels of an element type. Distances travel as 32 ordered bits.
    pub trait Blocks: Copy + Send + Sync + 'static {
        /// `u8` or `f32`.
        const NAME: &'static str;
        /// The longest row.
        const MAX_COLS: usize;
        /// Whether there is a chi-squared distance of such rows.
        const HAS_CHI2: bool;
        /// Queries ready for blocks.
        type Queries<'q>: Send + Sync;
        /// Room that a worker keeps from block to block: packed rows, sums.
        type Room: Send;

        fn into_f32(self) -> f32;
        /// What makes codes of rows like these, one at least; `None` if nothing can.
        fn coder(rows: &Rows<'_, Self>, metric: Metric, level: Level) -> Option<Coder>;
        /// The codes of some rows.
        fn encode(coder: &Coder, level: Level, rows: &[&[Self]]) -> Codes;
        /// Asks for the row to come nearer.
        fn prefetch(row: &[Self]);
        fn first_non_finite(row: &[Self]) -> Option<usize>;
        fn first_negative(row: &[Self]) -> Option<usize>;
        fn pair(level: Level, metric: Metric, a: &[Self], b: &[Self]) -> u32;
        /// A group of queries, at most [`QUERIES_AT_ONCE`](super::QUERIES_AT_ONCE).
        fn prepare<'q>(level: Level, kernel: Kernel, queries: &[&'q [Self]]) -> Self::Queries<'q>;
        /// Rows of a block come in multiples of this where they can.
        fn row_multiple(room: &Self::Room) -> usize;
        fn room(level: Level, kernel: Kernel) -> Self::Room;
        /// Calls `visit(query, distances)` for every query of the groups, distances of all `rows`.
        fn blocks(
            groups: &[Self::Queries<'_>],
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
        Metric::Chi2 => Kernel::Chi2,
    }
}

/// Queries of a group: a multiple of every level's panels, few enough that their sums against a block
/// of rows stay in the caches.
pub(super) const QUERIES_AT_ONCE: usize = 96;

#[doc(hidden)]
#[derive(Debug)]
pub struct U8Room {
    rows: PackedRows,
    sums: Vec<u32>,
}

impl sealed::Blocks for u8 {
    const NAME: &'static str = "u8";
    const MAX_COLS: usize = MAX_EXACT_U8;
    const HAS_CHI2: bool = false;
    type Queries<'q> = PackedQueries;
    type Room = U8Room;

    fn into_f32(self) -> f32 {
        f32::from(self)
    }

    fn coder(rows: &Rows<'_, u8>, metric: Metric, level: Level) -> Option<Coder> {
        Coder::of_bytes(rows, metric, level)
    }

    fn encode(coder: &Coder, level: Level, rows: &[&[u8]]) -> Codes {
        coder.encode_bytes(level, rows)
    }

    fn prefetch(row: &[u8]) {
        prefetch(row);
    }

    fn first_non_finite(_: &[u8]) -> Option<usize> {
        None
    }

    fn first_negative(_: &[u8]) -> Option<usize> {
        None
    }

    fn pair(level: Level, metric: Metric, a: &[u8], b: &[u8]) -> u32 {
        match metric {
            Metric::L1 => l1_u8(level, a, b),
            Metric::L2 => l2_sq_u8(level, a, b),
            Metric::Chi2 => unreachable!("an index of bytes has no such metric"),
        }
    }

    fn prepare(level: Level, kernel: Kernel, queries: &[&[u8]]) -> PackedQueries {
        let mut packed = PackedQueries::new(level, kernel);
        packed.pack(queries);
        packed
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
        groups: &[PackedQueries],
        rows: &[&[u8]],
        room: &mut U8Room,
        mut visit: impl FnMut(usize, &[u32]),
    ) {
        room.rows.pack(rows);
        room.sums.resize(QUERIES_AT_ONCE * rows.len(), 0);
        let mut first = 0;
        for group in groups {
            let n = group.len();
            let mut sums = MatMut::new(&mut room.sums, n, rows.len(), rows.len());
            u8_block(group, &room.rows, &mut sums);
            for i in 0..n {
                visit(first + i, sums.row(i));
            }
            first += n;
        }
    }
}

#[doc(hidden)]
#[derive(Debug)]
pub struct F32Queries<'q> {
    level: Level,
    kernel: Kernel,
    queries: Vec<&'q [f32]>,
}

#[doc(hidden)]
#[derive(Debug, Default)]
pub struct F32Room {
    sums: Vec<f32>,
    bits: Vec<u32>,
}

impl sealed::Blocks for f32 {
    const NAME: &'static str = "f32";
    const MAX_COLS: usize = u32::MAX as usize;
    const HAS_CHI2: bool = true;
    type Queries<'q> = F32Queries<'q>;
    type Room = F32Room;

    fn into_f32(self) -> f32 {
        self
    }

    fn coder(rows: &Rows<'_, f32>, metric: Metric, _: Level) -> Option<Coder> {
        Coder::of_floats(rows, metric)
    }

    fn encode(coder: &Coder, _: Level, rows: &[&[f32]]) -> Codes {
        coder.encode_floats(rows)
    }

    fn prefetch(row: &[f32]) {
        prefetch(row);
    }

    fn first_non_finite(row: &[f32]) -> Option<usize> {
        row.iter().position(|value| !value.is_finite())
    }

    fn first_negative(row: &[f32]) -> Option<usize> {
        row.iter().position(|value| *value < 0.0)
    }

    fn pair(level: Level, metric: Metric, a: &[f32], b: &[f32]) -> u32 {
        match metric {
            Metric::L1 => l1_f32(level, a, b),
            Metric::L2 => l2_sq_f32(level, a, b),
            Metric::Chi2 => chi2_f32(level, a, b),
        }
        .to_bits()
    }

    fn prepare<'q>(level: Level, kernel: Kernel, queries: &[&'q [f32]]) -> F32Queries<'q> {
        F32Queries {
            level,
            kernel,
            queries: queries.to_vec(),
        }
    }

    fn row_multiple(_: &F32Room) -> usize {
        12
    }

    fn room(_: Level, _: Kernel) -> F32Room {
        F32Room::default()
    }

    fn blocks(
        groups: &[F32Queries<'_>],
        rows: &[&[f32]],
        room: &mut F32Room,
        mut visit: impl FnMut(usize, &[u32]),
    ) {
        room.bits.resize(rows.len(), 0);
        room.sums.resize(QUERIES_AT_ONCE * rows.len(), 0.0);
        let mut first = 0;
        for group in groups {
            let n = group.queries.len();
            let mut sums = MatMut::new(&mut room.sums, n, rows.len(), rows.len());
            f32_block(group.level, group.kernel, &group.queries, rows, &mut sums);
            for i in 0..n {
                // Distances are never negative, and the bits of such floats are in their order.
                for (bits, sum) in room.bits.iter_mut().zip(sums.row(i)) {
                    *bits = sum.to_bits();
                }
                visit(first + i, &room.bits);
            }
            first += n;
        }
    }
}
