//! From a gradient to the bins that it votes for.

use super::scratch::FIELD;
use nearplane_kernels::Lanes;

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

impl Linear {
    /// As [`votes`].
    #[inline(always)]
    pub(super) fn votes<L: Lanes>(
        self,
        lanes: L,
        dx: L::F32,
        dy: L::F32,
        magnitude: L::F32,
    ) -> [L::F32; FIELD] {
        let zero = lanes.splat(0.0);
        let (turn, half) = (lanes.splat(self.turn), lanes.splat(self.half));
        let [first, third, fifth, seventh] = self.arctangent;
        let (first, third) = (lanes.splat(first), lanes.splat(third));
        let (fifth, seventh) = (lanes.splat(fifth), lanes.splat(seventh));
        // The smaller side by the larger one, with the sign of their product.
        let (ax, ay) = (lanes.abs(dx), lanes.abs(dy));
        let larger = lanes.select_gt(ay, ax, dy, dx);
        let smaller = lanes.select_gt(ay, ax, dx, dy);
        let c = lanes.div(smaller, lanes.add(larger, lanes.splat(f64::EPSILON as f32)));
        let squared = lanes.mul(c, c);
        let low = lanes.add(first, lanes.mul(third, squared));
        let high = lanes.add(fifth, lanes.mul(seventh, squared));
        let sum = lanes.add(low, lanes.mul(high, lanes.mul(squared, squared)));
        // From the axis of the larger side: forth from the horizontal one, back from the vertical one.
        // The middle of the first bin is at half a bin, which is a quarter of a pair.
        let angle = lanes.mul(sum, c);
        let flat = lanes.sub(angle, lanes.splat(0.25));
        let steep = lanes.sub(lanes.splat(self.quarter - 0.25), angle);
        let mut position = lanes.select_gt(ay, ax, steep, flat);
        // The other ends of the axes; without a sign they are the same.
        if self.half < self.turn {
            let opposite = lanes.add(position, half);
            position = lanes.select_gt(zero, larger, opposite, position);
        }
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
pub(super) fn votes<L: Lanes>(
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
pub(super) fn quarter_turned<L: Lanes>(
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
