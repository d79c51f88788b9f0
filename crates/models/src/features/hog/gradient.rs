//! From bytes to a field of votes: for each pixel a bin and the votes for it, twice.
//!
//! Votes that are shared go to a bin with an even number and to one beside it with an odd number, so
//! that a sum of votes for one bin has to look for it in one place only.
//!
//! Gradients of bytes are found in whole numbers. Where something is done to bytes first, channels
//! become floats (exact for bytes and for sums of bytes below 2^24), in rows with a margin, so that
//! every neighbour can be read as a whole vector.

use super::config::HogConfig;
use super::params::HogMode;
use super::planes::{fill_row, row_of};
use super::scratch::{FIELD, HogScratch, MARGIN, plane_stride};
use crate::features::ImageShape;
use core::ops::Range;
use nearplane_kernels::{LANES, Lanes};

/// How a gradient becomes a position among the bins: at k, all of its votes are for bin k.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Orientations {
    /// From the angle, between the bins.
    Linear(Linear),
    /// A whole number, from the sides of the boundaries between bins on which the gradient lies:
    /// exact where an arctangent would be near a boundary.
    Hard {
        /// Boundaries in the half turn from 0: their (cosine, sine).
        upper: Vec<(f32, f32)>,
        /// Boundaries in the other half, each turned back by half a turn.
        lower: Vec<(f32, f32)>,
        /// Added to the position of a gradient in the other half.
        opposite: f32,
        bins: f32,
        signed: bool,
        /// Whether a gradient on a boundary belongs to the bin before it.
        before: bool,
    },
}

/// Bins whose middles votes are shared between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Linear {
    /// Pairs of bins in a turn (half a turn for unsigned gradients).
    turn: f32,
    /// Pairs of bins in two right angles, and in one.
    half: f32,
    quarter: f32,
    /// OpenCV's arctangent of a number c from 0 to 1, within 0.02 degrees of the true one: the
    /// factors of c, c^3, c^5 and c^7, in pairs of bins.
    arctangent: [f32; 4],
}

impl Orientations {
    /// Between `bins` in `turn` degrees, the middle of the first at half a bin.
    pub(super) fn linear(bins: usize, turn: f64) -> Self {
        let pairs = bins as f64 / 2.0;
        let per_radian = pairs / turn.to_radians();
        let terms = [
            0.999_787_841_279_480_7,
            -0.325_808_397_464_097_5,
            0.155_578_651_846_328_1,
            -0.044_326_555_547_921_28,
        ];
        Self::Linear(Linear {
            turn: pairs as f32,
            half: (pairs * 180.0 / turn) as f32,
            quarter: (pairs * 90.0 / turn) as f32,
            arctangent: terms.map(|term| (term * per_radian) as f32),
        })
    }

    /// `bins` in `turn` degrees, the first from -`shift` of a bin on.
    pub(super) fn hard(bins: usize, turn: f64, shift: f64) -> Self {
        let signed = turn > 180.0;
        let even = signed && bins.is_multiple_of(2);
        let (mut upper, mut lower) = (Vec::new(), Vec::new());
        for k in 1..=bins {
            let angle = turn / bins as f64 * (k as f64 - shift);
            if angle < 180.0 {
                upper.push(direction(angle));
            } else if angle < turn && !even {
                lower.push(direction(angle - 180.0));
            }
        }
        Self::Hard {
            upper,
            lower,
            opposite: if even { bins as f32 / 2.0 } else { 0.0 },
            bins: bins as f32,
            signed,
            before: shift > 0.0,
        }
    }
}

/// Cosine and sine of an angle in degrees; multiples of a right angle exactly.
fn direction(degrees: f64) -> (f32, f32) {
    match degrees {
        0.0 => (1.0, 0.0),
        90.0 => (0.0, 1.0),
        _ => {
            let (sin, cos) = degrees.to_radians().sin_cos();
            (cos as f32, sin as f32)
        }
    }
}

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

impl Linear {
    /// As [`votes`].
    #[inline(always)]
    fn votes<L: Lanes>(
        self,
        lanes: L,
        dx: L::F32,
        dy: L::F32,
        magnitude: L::F32,
    ) -> [L::F32; FIELD] {
        let zero = lanes.splat(0.0);
        let (turn, half) = (lanes.splat(self.turn), lanes.splat(self.half));
        let quarter = lanes.splat(self.quarter);
        let [first, third, fifth, seventh] = self.arctangent;
        let (first, third) = (lanes.splat(first), lanes.splat(third));
        let (fifth, seventh) = (lanes.splat(fifth), lanes.splat(seventh));
        let (ax, ay) = (lanes.abs(dx), lanes.abs(dy));
        let largest = lanes.add(lanes.max(ax, ay), lanes.splat(f64::EPSILON as f32));
        let c = lanes.div(lanes.min(ax, ay), largest);
        let squared = lanes.mul(c, c);
        let low = lanes.add(first, lanes.mul(third, squared));
        let high = lanes.add(fifth, lanes.mul(seventh, squared));
        let sum = lanes.add(low, lanes.mul(high, lanes.mul(squared, squared)));
        // Below 45 degrees; 90 less that where it is steep, 180 less that to the left, and a
        // turn less that upwards.
        let angle = lanes.mul(sum, c);
        let steep = lanes.sub(quarter, angle);
        let angle = lanes.select_gt(ay, ax, steep, angle);
        let angle = lanes.select_gt(zero, dx, lanes.sub(half, angle), angle);
        let angle = lanes.select_gt(zero, dy, lanes.sub(turn, angle), angle);
        // The middle of the first bin is at half a bin.
        let position = lanes.sub(angle, lanes.splat(0.25));
        let turned = lanes.add(position, turn);
        let position = lanes.select_gt(zero, position, turned, position);

        // In pairs, even bins lie at whole numbers and odd ones at halves.
        let whole = lanes.splat(WHOLE);
        let even = lanes.sub(lanes.add(position, whole), whole);
        let away = lanes.abs(lanes.sub(position, even));
        let for_odd = lanes.mul(lanes.add(magnitude, magnitude), away);
        [
            even,
            lanes.sub(magnitude, for_odd),
            lanes.floor(position),
            for_odd,
        ]
    }
}

/// Floats from here on have no fractions: a number of up to 2^22, added and taken away again, is
/// rounded to a whole number.
const WHOLE: f32 = 8_388_608.0;

/// The even bin that a gradient votes for, halved, and its votes for that; the odd one, halved and
/// without the fraction, and its votes for that. Of hard votes the bin itself and its votes, which
/// are all.
#[inline(always)]
fn votes<L: Lanes>(
    lanes: L,
    orientations: &Orientations,
    dx: L::F32,
    dy: L::F32,
    magnitude: L::F32,
) -> [L::F32; FIELD] {
    match orientations {
        Orientations::Linear(linear) => linear.votes(lanes, dx, dy, magnitude),
        Orientations::Hard {
            upper,
            lower,
            opposite,
            bins,
            signed,
            before,
        } => {
            let (zero, one) = (lanes.splat(0.0), lanes.splat(1.0));
            // Turned by half a turn where it points up, or straight to the left.
            let fy = lanes.abs(dy);
            let level = lanes.abs(dx);
            let fx = lanes.select_gt(zero, dy, lanes.sub(zero, dx), dx);
            let fx = lanes.select_gt(fy, zero, fx, level);
            let mut at = zero;
            if *signed {
                let left = lanes.select_gt(zero, dx, one, zero);
                let turned = lanes.select_gt(zero, dy, one, zero);
                let turned = lanes.select_gt(fy, zero, turned, left);
                if *opposite > 0.0 {
                    at = lanes.mul(turned, lanes.splat(*opposite));
                    let passed = if *before {
                        sides::<L, true>(lanes, upper, fx, fy, zero)
                    } else {
                        sides::<L, false>(lanes, upper, fx, fy, zero)
                    };
                    at = lanes.add(at, passed);
                } else {
                    // Farther than any gradient: all or none of a half's boundaries are passed.
                    let far = lanes.splat(1e9);
                    let passed = lanes.mul(turned, far);
                    at = lanes.add(at, sides::<L, false>(lanes, upper, fx, fy, passed));
                    let passed = lanes.sub(passed, far);
                    at = lanes.add(at, sides::<L, false>(lanes, lower, fx, fy, passed));
                }
            } else {
                at = lanes.add(at, sides::<L, false>(lanes, upper, fx, fy, zero));
            }
            let bins = lanes.splat(*bins);
            let bin = lanes.select_ge(at, bins, lanes.sub(at, bins), at);
            [bin, magnitude, zero, zero]
        }
    }
}

/// How many boundaries the gradient has passed.
#[inline(always)]
fn sides<L: Lanes, const BEFORE: bool>(
    lanes: L,
    boundaries: &[(f32, f32)],
    fx: L::F32,
    fy: L::F32,
    passed: L::F32,
) -> L::F32 {
    let (zero, one) = (lanes.splat(0.0), lanes.splat(1.0));
    let mut at = zero;
    for &(cos, sin) in boundaries {
        let ahead = lanes.mul(fy, lanes.splat(cos));
        let behind = lanes.sub(lanes.mul(fx, lanes.splat(sin)), passed);
        let passed = if BEFORE {
            lanes.select_gt(ahead, behind, one, zero)
        } else {
            lanes.select_ge(ahead, behind, one, zero)
        };
        at = lanes.add(at, passed);
    }
    at
}

/// The course's angle, atan2(dy, dx + 1e-15) + 90 degrees, in units of thousandths of grey; angles
/// outside 0 to 180 have no vote. Where dx = 0 its sum in f64 is exactly 0 or 180, and out, for
/// dy < -5.805 and dy > 2.536.
#[inline(always)]
fn quarter_turned<L: Lanes>(
    lanes: L,
    orientations: &Orientations,
    dx: L::F32,
    dy: L::F32,
    magnitude: L::F32,
) -> [L::F32; FIELD] {
    let zero = lanes.splat(0.0);
    let Orientations::Hard { upper, .. } = orientations else {
        return [zero; FIELD];
    };
    let at = sides::<L, false>(lanes, upper, lanes.sub(zero, dy), dx, zero);
    let upright = lanes.select_gt(dy, lanes.splat(2536.0), zero, magnitude);
    let upright = lanes.select_gt(lanes.splat(-5805.0), dy, zero, upright);
    let level = lanes.select_ge(dx, zero, upright, zero);
    [at, lanes.select_gt(dx, zero, magnitude, level), zero, zero]
}
