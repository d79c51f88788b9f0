//! One image, from bytes to numbers: the field of votes, its sums along columns, then along rows,
//! then the blocks.

use super::axis::Band;
use super::config::{HogConfig, VotedBin};
use super::gradient::{field, in_whole_numbers};
use super::params::HogMode;
use super::scratch::{FIELD, HogScratch, MARGIN, plane_stride};
use super::{normalize, uoctti};
use nearplane_kernels::{LANES, Lanes, Vectorize, prefetch};

/// The arguments of an extraction.
pub(super) struct Extract<'a> {
    pub(super) config: &'a HogConfig,
    pub(super) image: &'a [u8],
    /// The image that will be next: asked for part by part, since a CPU waits for few lines at once.
    pub(super) next: &'a [u8],
    pub(super) scratch: &'a mut HogScratch,
    pub(super) out: &'a mut [f32],
}

impl Vectorize for Extract<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self {
            config,
            image,
            next,
            scratch,
            out,
        } = self;
        if in_whole_numbers::<L>(config) {
            let size = config.shape().height * config.shape().width;
            let stride = plane_stride(config.shape().height, config.shape().width);
            let to = scratch.bytes.as_mut_slice()[MARGIN..].chunks_exact_mut(stride);
            for (to, from) in to.zip(image.chunks_exact(size)) {
                to[..size].copy_from_slice(from);
            }
        }
        along_columns(lanes, config, image, next, scratch);
        along_rows(lanes, config, scratch);
        match config.params().mode {
            HogMode::Uoctti => uoctti::cells(lanes, config, scratch, out),
            _ => normalize::blocks(lanes, config, scratch, out),
        }
    }
}

/// For every column of pixels, row target and bin the sum of votes: weight of the row x what of the
/// votes goes to the bin. Sixteen columns at once.
#[inline(always)]
fn along_columns<L: Lanes>(
    lanes: L,
    config: &HogConfig,
    image: &[u8],
    next: &[u8],
    scratch: &mut HogScratch,
) {
    let mut filled = 0;
    let mut parts = next.chunks(next.len().div_ceil(config.strips.len()).max(1));
    for strip in &config.strips {
        prefetch(parts.next().unwrap_or_default());
        field(
            lanes,
            config,
            image,
            strip.rows.clone(),
            &mut filled,
            scratch,
        );
        let HogScratch { field, rows, .. } = scratch;
        let (field, rows) = (field.vectors(), rows.vectors_mut());
        for band in &strip.bands {
            for chunk in 0..config.chunks() {
                let first = config.votes_at(chunk, band.rows.start - strip.rows.start);
                // Places are computed: an iterator over chunks divides to know their number.
                let pixels = &field[first.start..].as_chunks::<FIELD>().0;
                let sums = &mut rows[chunk * config.pooled..][..config.pooled];
                // The even bins and the odd ones.
                for (half, bins) in config.bins.iter().enumerate() {
                    let columns = Columns {
                        n_bins: config.n_bins,
                        bins,
                        half,
                        band,
                        pixels,
                        sums,
                    };
                    match band.rows.len() {
                        4 => columns.collect::<L, 4>(lanes),
                        2 => columns.collect::<L, 2>(lanes),
                        _ => columns.collect::<L, 1>(lanes),
                    }
                }
            }
        }
    }
}

/// Sixteen columns of a band, and one of the two votes of their pixels.
struct Columns<'a> {
    n_bins: usize,
    bins: &'a [VotedBin],
    half: usize,
    band: &'a Band,
    pixels: &'a [[[f32; LANES]; FIELD]],
    sums: &'a mut [[f32; LANES]],
}

impl Columns<'_> {
    /// N rows.
    #[inline(always)]
    fn collect<L: Lanes, const N: usize>(self, lanes: L) {
        match (&self.band.first.shared, &self.band.second) {
            (None, _) => self.bins::<L, N, 1>(lanes),
            (Some(_), None) => self.bins::<L, N, 2>(lanes),
            (Some(_), Some(_)) => self.bins::<L, N, 3>(lanes),
        }
    }

    /// N rows that give to T targets: one, or two of a block, or these and one of another block.
    #[inline(always)]
    fn bins<L: Lanes, const N: usize, const T: usize>(self, lanes: L) {
        let zero = lanes.splat(0.0);
        let Band { first, second, .. } = self.band;
        let (mut of_bin, mut votes, mut for_second) = ([zero; N], [zero; N], [zero; N]);
        let weights: &[f32; N] = first.weights.first_chunk().expect("N rows");
        let pixels: &[_; N] = self.pixels.first_chunk().expect("N rows");
        for i in 0..N {
            of_bin[i] = lanes.load(&pixels[i][2 * self.half]);
            votes[i] = lanes.load(&pixels[i][2 * self.half + 1]);
        }
        if let (3, Some(second)) = (T, second) {
            let weights: &[f32; N] = second.weights.first_chunk().expect("N rows");
            for i in 0..N {
                for_second[i] = lanes.mul(votes[i], lanes.splat(weights[i]));
            }
        }
        for i in 0..N {
            votes[i] = lanes.mul(votes[i], lanes.splat(weights[i]));
        }
        let (mut of_sum, mut of_sums) = (zero, zero);
        if let (2.., Some(shared)) = (T, &first.shared) {
            of_sum = lanes.splat(shared.of_sum);
            of_sums = lanes.splat(shared.of_sums);
        }
        let fresh = [
            first.fresh,
            first.shared.as_ref().is_some_and(|shared| shared.fresh),
            second.as_ref().is_some_and(|second| second.fresh),
        ];
        let targets = [
            first.target,
            first.target + 1,
            second.as_ref().map_or(0, |second| second.target),
        ];
        for &VotedBin { number, bin, again } in self.bins {
            let number = lanes.splat(number);
            let mut sum = lanes.select_eq(of_bin[0], number, votes[0], zero);
            let mut sums = sum;
            let mut other = zero;
            if T > 2 {
                other = lanes.select_eq(of_bin[0], number, for_second[0], zero);
            }
            for i in 1..N {
                sum = lanes.add_where_eq(sum, of_bin[i], number, votes[i]);
                if T > 1 {
                    sums = lanes.add(sums, sum);
                }
                if T > 2 {
                    other = lanes.add_where_eq(other, of_bin[i], number, for_second[i]);
                }
            }
            let mut given = [sum, zero, other];
            if T > 1 {
                given[0] = lanes.add(lanes.mul(sum, of_sum), lanes.mul(sums, of_sums));
                given[1] = lanes.sub(sum, given[0]);
            }
            for t in 0..T {
                let to = &mut self.sums[targets[t] * self.n_bins + bin];
                if !fresh[t] || again {
                    given[t] = lanes.add(lanes.load(to), given[t]);
                }
                lanes.store(given[t], to);
            }
        }
    }
}

/// Squares of (row target, bin) pairs that are collected at once.
pub(super) const SQUARES: usize = 4;

/// For every column target, row target and bin the sum of what the columns of pixels have. Sixteen
/// (row target, bin) pairs at once, for which squares of sixteen are transposed.
#[inline(always)]
fn along_rows<L: Lanes>(lanes: L, config: &HogConfig, scratch: &mut HogScratch) {
    let pooled = config.pooled;
    let HogScratch {
        rows,
        histograms,
        turned,
        ..
    } = scratch;
    let histograms = histograms.vectors_mut();
    let rows = rows.vectors();
    for chunk in 0..config.chunks() {
        let sums = &rows[chunk * pooled..][..pooled];
        let mut square = 0;
        while square < pooled / LANES {
            if pooled / LANES - square >= SQUARES {
                squares::<L, SQUARES>(lanes, config, chunk, square, sums, turned, histograms);
                square += SQUARES;
            } else {
                squares::<L, 1>(lanes, config, chunk, square, sums, turned, histograms);
                square += 1;
            }
        }
    }
}

/// S squares from `square` on.
#[inline(always)]
fn squares<L: Lanes, const S: usize>(
    lanes: L,
    config: &HogConfig,
    chunk: usize,
    square: usize,
    sums: &[[f32; LANES]],
    pixels: &mut [[[f32; LANES]; SQUARES]],
    histograms: &mut [[f32; LANES]],
) {
    let pixels = &mut pixels[..LANES];
    for s in 0..S {
        let from: &[_; LANES] = sums[(square + s) * LANES..]
            .first_chunk()
            .expect("a square");
        let mut rows = [lanes.splat(0.0); LANES];
        for i in 0..LANES {
            rows[i] = lanes.load(&from[i]);
        }
        let columns = lanes.transpose(rows);
        for i in 0..LANES {
            lanes.store(columns[i], &mut pixels[i][s]);
        }
    }
    let first = chunk * LANES;
    for (t, target) in config.columns.iter().enumerate() {
        let begin = target.pixels.start.max(first);
        let end = target.pixels.end.min(first + LANES);
        if begin >= end {
            continue;
        }
        let to = &mut histograms[t * config.pooled / LANES + square..];
        let to: &mut [_; S] = to.first_chunk_mut().expect("S vectors");
        let mut acc = [lanes.splat(0.0); S];
        if target.pixels.start < first {
            for s in 0..S {
                acc[s] = lanes.load(&to[s]);
            }
        }
        let weights = &target.weights[begin - target.pixels.start..];
        for (pixel, &weight) in pixels[begin - first..end - first].iter().zip(weights) {
            let weight = lanes.splat(weight);
            for s in 0..S {
                acc[s] = lanes.add(acc[s], lanes.mul(weight, lanes.load(&pixel[s])));
            }
        }
        for s in 0..S {
            lanes.store(acc[s], &mut to[s]);
        }
    }
}
