//! One image, from bytes to numbers: the field of votes, its sums along columns, then along rows,
//! then the blocks.

use super::axis::Band;
use super::config::HogConfig;
use super::gradient::{field, in_whole_numbers};
use super::params::HogMode;
use super::scratch::{FIELD, HogScratch, MARGIN};
use super::{normalize, uoctti};
use nearplane_kernels::{LANES, Lanes, Vectorize};

/// The arguments of an extraction.
pub(super) struct Extract<'a> {
    pub(super) config: &'a HogConfig,
    pub(super) image: &'a [u8],
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
            scratch,
            out,
        } = self;
        if in_whole_numbers::<L>(config) {
            scratch.bytes[MARGIN..][..image.len()].copy_from_slice(image);
        }
        along_columns(lanes, config, image, scratch);
        along_rows(lanes, config, scratch);
        match config.params().mode {
            HogMode::Uoctti => uoctti::cells(lanes, config, scratch, out),
            _ => normalize::blocks(lanes, config, scratch, out),
        }
    }
}

/// For every column of pixels, row target and bin the sum of votes: weight of the row x what of the
/// votes goes to the bin. Sixteen columns at once; sums stay in registers over a band.
#[inline(always)]
fn along_columns<L: Lanes>(lanes: L, config: &HogConfig, image: &[u8], scratch: &mut HogScratch) {
    let (mut done, mut filled) = (0, 0);
    for band in &config.bands {
        if done < band.rows.end {
            done = band.rows.end;
            let rows = band.rows.clone();
            field(lanes, config, image, rows, &mut filled, scratch);
        }
        let HogScratch { field, rows, .. } = scratch;
        let (field, rows) = (field.vectors(), rows.vectors_mut());
        for chunk in 0..config.chunks() {
            // Places are computed: an iterator over chunks divides to know their number.
            let pixels = &field[config.votes_at(chunk, 0).start..]
                .as_chunks::<FIELD>()
                .0;
            let pixels = &pixels[..band.rows.len()];
            let sums = &mut rows[chunk * config.pooled..][..config.pooled];
            match band.targets.len() {
                1 => bins::<L, 1>(lanes, config, band, pixels, sums),
                2 => bins::<L, 2>(lanes, config, band, pixels, sums),
                3 => bins::<L, 3>(lanes, config, band, pixels, sums),
                _ => {}
            }
        }
    }
}

/// A band of rows for all bins, with A targets.
#[inline(always)]
fn bins<L: Lanes, const A: usize>(
    lanes: L,
    config: &HogConfig,
    band: &Band,
    pixels: &[[[f32; LANES]; FIELD]],
    sums: &mut [[f32; LANES]],
) {
    let mut bin = 0;
    while bin < config.n_bins {
        let left = config.n_bins - bin;
        // As many sums as the registers hold beside what they are made of.
        if L::REGISTERS >= 32 && left >= 9 {
            bin_group::<L, A, 9>(lanes, config, bin, band, pixels, sums);
            bin += 9;
        } else if left >= 3 {
            bin_group::<L, A, 3>(lanes, config, bin, band, pixels, sums);
            bin += 3;
        } else {
            bin_group::<L, A, 1>(lanes, config, bin, band, pixels, sums);
            bin += 1;
        }
    }
}

/// B bins from `bin` on.
#[inline(always)]
fn bin_group<L: Lanes, const A: usize, const B: usize>(
    lanes: L,
    config: &HogConfig,
    bin: usize,
    band: &Band,
    pixels: &[[[f32; LANES]; FIELD]],
    sums: &mut [[f32; LANES]],
) {
    let zero = lanes.splat(0.0);
    let n_bins = config.n_bins;
    // The bins, and which is before the first of them. A comparison with one serves its own votes and
    // those for the next.
    let before = config.bin_numbers[bin];
    let numbers: [f32; B] = *config.bin_numbers[bin + 1..].first_chunk().expect("B bins");
    let mut acc = [[zero; B]; A];
    let targets: &[usize; A] = band.targets.first_chunk().expect("A targets");
    for a in 0..A {
        if !band.fresh[a] {
            let from: &[_; B] = sums[targets[a] * n_bins + bin..]
                .first_chunk()
                .expect("B bins");
            for b in 0..B {
                acc[a][b] = lanes.load(&from[b]);
            }
        }
    }
    let (weights, _) = band.weights.as_chunks::<A>();
    for ([of_bin, votes, next_votes], weights) in pixels.iter().zip(weights) {
        let (of_bin, votes) = (lanes.load(of_bin), lanes.load(votes));
        let next_votes = lanes.load(next_votes);
        for b in 0..B {
            let before = if b > 0 { numbers[b - 1] } else { before };
            let vote = lanes.select_eq(of_bin, lanes.splat(before), next_votes, zero);
            let vote = lanes.select_eq(of_bin, lanes.splat(numbers[b]), votes, vote);
            for a in 0..A {
                acc[a][b] = lanes.add(acc[a][b], lanes.mul(lanes.splat(weights[a]), vote));
            }
        }
    }
    for a in 0..A {
        let to = &mut sums[targets[a] * n_bins + bin..];
        let to: &mut [_; B] = to.first_chunk_mut().expect("B bins");
        for b in 0..B {
            lanes.store(acc[a][b], &mut to[b]);
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
