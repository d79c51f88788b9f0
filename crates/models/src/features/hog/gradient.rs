//! From bytes to a field of votes: for each pixel a bin and the votes for it, twice.
//!
//! Votes that are shared go to a bin with an even number and to one beside it with an odd number, so
//! that a sum of votes for one bin has to look for it in one place only.
//!
//! Gradients of bytes are found in whole numbers. Where something is done to bytes first, channels
//! become floats (exact for bytes and for sums of bytes below 2^24), in rows with a margin, so that
//! every neighbour can be read as a whole vector.

use super::config::HogConfig;
use super::orientation::{Orientations, quarter_turned, votes};
use super::params::HogMode;
use super::planes::{fill_row, row_of};
use super::scratch::{FIELD, HogScratch, MARGIN, plane_stride};
use crate::features::ImageShape;
use core::ops::Range;
use nearplane_kernels::{LANES, Lanes};

/// Whether gradients are in whole numbers: for arrays compilers do better with floats, as exact.
#[inline(always)]
pub(super) fn in_whole_numbers<L: Lanes>(config: &HogConfig) -> bool {
    L::REGISTERS >= 8 && config.of_bytes()
}

/// The votes of some rows of pixels; those of the first begin at `scratch.field`. `filled` counts the
/// rows that have been in the planes.
#[inline(always)]
pub(super) fn field<L: Lanes>(
    lanes: L,
    config: &HogConfig,
    image: &[u8],
    rows: Range<usize>,
    filled: &mut usize,
    scratch: &mut HogScratch,
) {
    let height = config.shape().height;
    let HogScratch {
        planes,
        bytes,
        field,
        ..
    } = scratch;
    let bytes = bytes.as_slice();
    let planes = planes.as_mut_slice();
    let field = field.vectors_mut();
    if in_whole_numbers::<L>(config) {
        match (config.n_planes(), config.shape()) {
            (3, ImageShape::CIFAR) => {
                byte_rows::<L, 3, 32>(lanes, config, bytes, rows.clone(), field);
            }
            (3, _) => byte_rows::<L, 3, 0>(lanes, config, bytes, rows.clone(), field),
            _ => byte_rows::<L, 1, 0>(lanes, config, bytes, rows.clone(), field),
        }
        turn_to_votes(lanes, config, rows.len(), field);
        if config.has_silent() {
            for y in rows.clone() {
                silence(config, y, y - rows.start, field);
            }
        }
        return;
    }
    for y in rows.clone() {
        let to = y - rows.start;
        for next in (*filled).max(y.saturating_sub(1))..(y + 2).min(height) {
            fill_row(lanes, config, image, next, planes);
            *filled = next + 1;
        }
        match (config.params().mode, config.n_planes()) {
            (HogMode::Cs231n, _) => row::<L, 1, true>(lanes, config, planes, y, to, field),
            (_, 1) => row::<L, 1, false>(lanes, config, planes, y, to, field),
            _ => row::<L, 3, false>(lanes, config, planes, y, to, field),
        }
        silence(config, y, to, field);
    }
}

/// Rows above and below. At the border the neighbour inside stands for the one outside, so that
/// differences across it are 0; a forward difference has the pixel itself.
#[inline(always)]
fn rows_around(height: usize, y: usize, forward: bool) -> [usize; 2] {
    let below = if y + 1 < height {
        y + 1
    } else {
        y.saturating_sub(usize::from(!forward))
    };
    let above = match (forward, y) {
        (true, _) => y,
        (false, 0) => below,
        (false, _) => y - 1,
    };
    [above, below]
}

/// Gradients of some rows as differences of bytes, in whole numbers and two chunks at once: dx, dy and
/// the sum of their squares.
/// SIDE: the power of two that both sides are, so that places need no checks, or 0 for any.
#[inline(always)]
fn byte_rows<L: Lanes, const P: usize, const SIDE: usize>(
    lanes: L,
    config: &HogConfig,
    bytes: &[u8],
    rows: Range<usize>,
    field: &mut [[f32; LANES]],
) {
    let shape = config.shape();
    let (height, width, n_pairs) = match SIDE {
        0 => (shape.height, shape.width, config.inside_pairs.len()),
        _ => (SIDE, SIDE, SIDE / (2 * LANES)),
    };
    let stride = plane_stride(height, width);
    let bytes = &bytes[..MARGIN + P * stride];
    let inside = &config.inside_pairs[..n_pairs];
    let first = rows.start;
    for y in rows {
        let [above, below] = rows_around(height, y, false);
        let at = |plane: usize, y: usize, pair: usize| {
            let y = if SIDE > 0 { y % SIDE } else { y };
            MARGIN + plane * stride + y * width + pair * 2 * LANES
        };
        for pair in 0..n_pairs {
            let mut neighbours = [[&[0; 2 * LANES]; 4]; P];
            for (plane, neighbours) in neighbours.iter_mut().enumerate() {
                let here = at(plane, y, pair);
                let places = [
                    here - 1,
                    here + 1,
                    at(plane, above, pair),
                    at(plane, below, pair),
                ];
                for (neighbours, at) in neighbours.iter_mut().zip(places) {
                    let bytes = &bytes[at..at + 2 * LANES];
                    *neighbours = bytes.first_chunk().expect("32 bytes");
                }
            }
            let [mut even, mut odd] = lanes.strongest_gradients(neighbours, &inside[pair]);
            // Roots here, quotients in the next loop: one unit of the CPU computes both, and here it
            // has nothing else to do.
            even[2] = lanes.sqrt(even[2]);
            odd[2] = lanes.sqrt(odd[2]);
            let to = &mut field[config.votes_at(2 * pair, y - first)];
            for i in 0..3 {
                lanes.store(even[i], &mut to[i]);
            }
            if SIDE > 0 || 2 * pair + 1 < config.chunks() {
                let to = &mut field[config.votes_at(2 * pair + 1, y - first)];
                for i in 0..3 {
                    lanes.store(odd[i], &mut to[i]);
                }
            }
        }
    }
}

/// From dx, dy and the magnitude to votes, in place. Apart from the gradients, because
/// the chain of steps is long: the CPU overlaps more pixels the fewer steps there are in a loop.
#[inline(always)]
fn turn_to_votes<L: Lanes>(
    lanes: L,
    config: &HogConfig,
    n_rows: usize,
    field: &mut [[f32; LANES]],
) {
    for chunk in 0..config.chunks() {
        let pixels = &mut field[config.votes_at(chunk, 0).start..];
        let pixels = &mut pixels.as_chunks_mut::<FIELD>().0[..n_rows];
        match &config.orientations {
            Orientations::Linear(linear) => {
                // A copy: nothing that is stored can change it.
                let linear = *linear;
                for pixels in pixels {
                    let [dx, dy, magnitude, _] = &*pixels;
                    let (dx, dy) = (lanes.load(dx), lanes.load(dy));
                    let magnitude = lanes.load(magnitude);
                    let votes = linear.votes(lanes, dx, dy, magnitude);
                    for i in 0..FIELD {
                        lanes.store(votes[i], &mut pixels[i]);
                    }
                }
            }
            orientations @ Orientations::Hard { .. } => {
                for pixels in pixels {
                    let [dx, dy, magnitude, _] = &*pixels;
                    let (dx, dy) = (lanes.load(dx), lanes.load(dy));
                    let magnitude = lanes.load(magnitude);
                    let votes = votes(lanes, orientations, dx, dy, magnitude);
                    for i in 0..FIELD {
                        lanes.store(votes[i], &mut pixels[i]);
                    }
                }
            }
        }
    }
}

/// Takes their votes from pixels of a row that have none.
#[inline(always)]
fn silence(config: &HogConfig, y: usize, to: usize, field: &mut [[f32; LANES]]) {
    let (height, width) = (config.shape().height, config.shape().width);
    // Lanes behind the end of the row.
    if !width.is_multiple_of(LANES) {
        for votes in &mut field[config.votes_at(width / LANES, to)] {
            votes[width % LANES..].fill(0.0);
        }
    }
    // VLFeat takes no gradients at the border.
    if config.params().mode == HogMode::Uoctti {
        for x in [0, width - 1] {
            for votes in &mut field[config.votes_at(x / LANES, to)] {
                votes[x % LANES] = 0.0;
            }
        }
        if y == 0 || y + 1 == height {
            for chunk in 0..config.chunks() {
                field[config.votes_at(chunk, to)].fill([0.0; LANES]);
            }
        }
    }
}

/// Gradients of a row of pixels in P planes, and what they vote for.
#[inline(always)]
fn row<L: Lanes, const P: usize, const FORWARD: bool>(
    lanes: L,
    config: &HogConfig,
    planes: &[f32],
    y: usize,
    to: usize,
    field: &mut [[f32; LANES]],
) {
    let chunks = config.chunks();
    let [above, below] = rows_around(config.shape().height, y, FORWARD);
    // The neighbours to the left (or the pixels), to the right, above and below, in chunks.
    let mut neighbours: [[&[[f32; LANES]]; 4]; P] = [[&[]; 4]; P];
    for plane in 0..P {
        let here = &planes[row_of(config, plane, y)];
        let left = &here[LANES - usize::from(!FORWARD)..];
        neighbours[plane] = [
            left,
            &here[LANES + 1..],
            &planes[row_of(config, plane, above)][LANES..],
            &planes[row_of(config, plane, below)][LANES..],
        ]
        .map(|row| &row.as_chunks().0[..chunks]);
    }
    let inside = &config.inside[..chunks];
    for chunk in 0..chunks {
        let inside = lanes.load(&inside[chunk]);
        let zero = lanes.splat(0.0);
        let (mut dx, mut dy, mut squared) = (zero, zero, zero);
        for (plane, [left, right, above, below]) in neighbours.into_iter().enumerate() {
            let across = lanes.sub(lanes.load(&right[chunk]), lanes.load(&left[chunk]));
            let across = lanes.and(across, inside);
            let down = lanes.sub(lanes.load(&below[chunk]), lanes.load(&above[chunk]));
            let both = lanes.add(lanes.mul(across, across), lanes.mul(down, down));
            if plane == 0 {
                (dx, dy, squared) = (across, down, both);
            } else {
                dx = lanes.select_gt(both, squared, across, dx);
                dy = lanes.select_gt(both, squared, down, dy);
                squared = lanes.max(both, squared);
            }
        }
        let magnitude = lanes.sqrt(squared);
        let votes = if FORWARD {
            quarter_turned(lanes, &config.orientations, dx, dy, magnitude)
        } else {
            votes(lanes, &config.orientations, dx, dy, magnitude)
        };
        let to = &mut field[config.votes_at(chunk, to)];
        for i in 0..FIELD {
            lanes.store(votes[i], &mut to[i]);
        }
    }
}
