//! The two loops over pixels: which bin each has, and how many have which.

use super::{HistogramMode, HistogramParams, HistogramSpace};
use crate::features::color::{self, Bin, Planes};
use core::array::from_fn;
use nearplane_kernels::{Lanes, Vectorize};

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
    /// The number of values below `limit`, where many values are compared at a time.
    fn below(values: &[Self], limit: u16) -> Option<u32>;
    /// Counts each of `n_values` values at the start of the tables.
    fn tally(values: &[Self], tables: &mut Vec<u32>, n_values: usize);
}

impl CountedBin for u8 {
    #[inline(always)]
    fn below(values: &[u8], limit: u16) -> Option<u32> {
        let limit = u8::try_from(limit).ok()?;
        let mut total = 0;
        // A lane of bytes counts to 255 at most.
        for part in values.chunks(255 * 64) {
            let (chunks, rest) = part.as_chunks::<64>();
            let mut lanes = [0u8; 64];
            for chunk in chunks {
                // A new array, not a changed one, stays in registers.
                lanes = from_fn(|i| lanes[i].wrapping_add(u8::from(chunk[i] < limit)));
            }
            total += lanes.iter().map(|&lane| u32::from(lane)).sum::<u32>();
            total += rest.iter().map(|&v| u32::from(v < limit)).sum::<u32>();
        }
        Some(total)
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
    fn below(_: &[u16], _: u16) -> Option<u32> {
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
    fn run<L: Lanes>(mut self, _: L) {
        if self.out.len() <= FEW_BINS && self.compare() {
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
    fn compare(&mut self) -> bool {
        let n = self.out.len();
        let mut before = 0;
        for bin in 0..n {
            let end = if bin + 1 == n {
                Some(self.values.len() as u32)
            } else {
                let start = self.starts.map_or(bin as u16 + 1, |starts| starts[bin + 1]);
                B::below(self.values, start)
            };
            let Some(end) = end else { return false };
            self.out[bin] = (end - before) as f32;
            before = end;
        }
        true
    }
}
