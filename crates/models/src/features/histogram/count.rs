//! The two loops over pixels: which bin each has, and how many have which.

use super::{HistogramMode, HistogramParams, HistogramSpace};
use crate::features::color::{self, Bin, Planes};
use core::array::from_fn;
use nearplane_kernels::{COUNTED, Lanes, Vectorize};

/// Writes the bin of every pixel; in mode `opencv`, its hue.
pub(super) struct BinPixels<'a, B> {
    pub(super) params: &'a HistogramParams,
    /// The channels, from the one that is counted on.
    pub(super) planes: &'a [u8],
    pub(super) bins: &'a mut [B],
}

impl<B: Bin> Vectorize for BinPixels<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self {
            params,
            planes,
            bins,
        } = self;
        let n = params.bins;
        let colors = || Planes::new(planes, bins.len());
        match (params.space, params.mode) {
            (HistogramSpace::Rgb, _) => color::channel_bins(planes, n, bins),
            (HistogramSpace::Joint, _) => color::cube_bins(colors(), n, bins),
            (HistogramSpace::Hsv, HistogramMode::Default) => color::hue_exact(colors(), n, bins),
            (HistogramSpace::Hsv, HistogramMode::Opencv) => color::hue_opencv(colors(), bins),
            (HistogramSpace::Hsv, HistogramMode::Cs231n) => color::hue_cs231n(colors(), n, bins),
        }
    }
}

/// Up to so many bins, comparing every value with the start of every bin, 64 values at a time, is less
/// work than adding to a table value by value.
const FEW_BINS: usize = 24;

/// Counts values, `starts[j]..starts[j + 1]` for bin j; without starts, value j.
pub(super) struct Count<'a, B> {
    pub(super) values: &'a [B],
    /// All values are below it.
    pub(super) n_values: usize,
    pub(super) starts: Option<&'a [u16]>,
    pub(super) tables: &'a mut Vec<u32>,
    /// One number a bin.
    pub(super) out: &'a mut [f32],
}

/// A bin that is counted in the way that is best for its width.
pub(super) trait CountedBin: Bin {
    /// The numbers of values below limits, where many values are compared at a time.
    fn below<const T: usize, L: Lanes>(
        lanes: L,
        values: &[Self],
        limits: [u16; T],
    ) -> Option<[u32; T]>;
    /// Counts each of `n_values` values at the start of the tables.
    fn tally(values: &[Self], tables: &mut Vec<u32>, n_values: usize);
}

impl CountedBin for u8 {
    #[inline(always)]
    fn below<const T: usize, L: Lanes>(
        lanes: L,
        values: &[u8],
        limits: [u16; T],
    ) -> Option<[u32; T]> {
        // No byte is below 0, and all are below 256.
        let bytes = limits.map(|limit| limit.min(255) as u8);
        let mut total = [0; T];
        let (groups, rest) = values.as_chunks::<64>();
        for groups in groups.chunks(COUNTED) {
            let counts = lanes.count_below(groups, bytes);
            for i in 0..T {
                total[i] += counts[i];
            }
        }
        for i in 0..T {
            total[i] += rest.iter().map(|&v| u32::from(v < bytes[i])).sum::<u32>();
        }
        limits.iter().all(|&limit| limit < 256).then_some(total)
    }

    #[inline(always)]
    fn tally(values: &[u8], tables: &mut Vec<u32>, n_values: usize) {
        // Equal colours follow each other: values count in four tables by turns, or one count would
        // wait for the other.
        tables.resize(4 * 256, 0);
        let (turns, _) = tables.as_chunks_mut::<256>();
        let [a, b, c, d] = turns else {
            unreachable!("four tables were made above")
        };
        for table in [&mut *a, &mut *b, &mut *c, &mut *d] {
            table[..n_values].fill(0);
        }
        let (groups, rest) = values.as_chunks::<4>();
        for group in groups {
            a[group[0].index()] += 1;
            b[group[1].index()] += 1;
            c[group[2].index()] += 1;
            d[group[3].index()] += 1;
        }
        for value in rest {
            a[value.index()] += 1;
        }
        for i in 0..n_values {
            a[i] += b[i] + c[i] + d[i];
        }
    }
}

impl CountedBin for u16 {
    #[inline(always)]
    fn below<const T: usize, L: Lanes>(_: L, _: &[u16], _: [u16; T]) -> Option<[u32; T]> {
        None
    }

    #[inline(always)]
    fn tally(values: &[u16], tables: &mut Vec<u32>, n_values: usize) {
        // Many bins: neighbours seldom share one, and one table is less to clear.
        tables.clear();
        tables.resize(n_values, 0);
        for value in values {
            tables[value.index()] += 1;
        }
    }
}

impl<B: CountedBin> Vectorize for Count<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        if self.out.len() <= FEW_BINS && self.compare(lanes) {
            return;
        }
        B::tally(self.values, self.tables, self.n_values);
        match self.starts {
            None => {
                for (out, &count) in self.out.iter_mut().zip(self.tables.iter()) {
                    *out = count as f32;
                }
            }
            Some(starts) => {
                for (out, bounds) in self.out.iter_mut().zip(starts.windows(2)) {
                    let counts = &self.tables[usize::from(bounds[0])..usize::from(bounds[1])];
                    *out = counts.iter().sum::<u32>() as f32;
                }
            }
        }
    }
}

impl<B: CountedBin> Count<'_, B> {
    /// Counts by comparison; false if values are too wide for it.
    #[inline(always)]
    fn compare<L: Lanes>(&mut self, lanes: L) -> bool {
        /// Limits that are compared with a vector of values while it is in its register.
        const AT_ONCE: usize = 3;
        let n = self.out.len();
        let mut before = 0;
        for first in (1..n).step_by(AT_ONCE) {
            // Past the last start nothing is asked for.
            let limits = from_fn(|i| match self.starts {
                Some(starts) => starts[(first + i).min(n - 1)],
                None => (first + i).min(n - 1) as u16,
            });
            let Some(below) = B::below::<AT_ONCE, L>(lanes, self.values, limits) else {
                return false;
            };
            for (out, end) in self.out[first - 1..n - 1].iter_mut().zip(below) {
                *out = (end - before) as f32;
                before = end;
            }
        }
        self.out[n - 1] = (self.values.len() as u32 - before) as f32;
        true
    }
}
