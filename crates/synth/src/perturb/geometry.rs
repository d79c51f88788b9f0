//! Where a pixel comes from: shift, rotation, zoom.

use super::{Edge, PLANE, SIDE};
use crate::PIXELS;

/// Fractional bits of a place between pixels and of the sine.
const BITS: u32 = 16;
/// One pixel, and the sine of 90 degrees.
const ONE: i64 = 1 << BITS;
/// Twice the place of the centre: 15.5 pixels.
const TWICE_CENTER: i64 = SIDE as i64 - 1;

/// Moves the picture by (`dx`, `dy`) pixels to the right and down.
pub(super) fn shift(dx: i32, dy: i32, edge: Edge, image: &[u8; PIXELS], out: &mut [u8]) {
    let picture = Picture { image, edge };
    each_pixel(out, |channel, x, y| {
        picture.pixel(channel, x - i64::from(dx), y - i64::from(dy))
    });
}

/// Turns the picture anticlockwise about its centre.
pub(super) fn rotation(degrees: i32, edge: Edge, image: &[u8; PIXELS], out: &mut [u8]) {
    let picture = Picture { image, edge };
    let (sin, cos) = (sine(degrees), sine(degrees + 90));
    each_pixel(out, |channel, x, y| {
        // In half pixels from the centre, where centres of pixels are whole numbers.
        let (u, v) = (2 * x - TWICE_CENTER, 2 * y - TWICE_CENTER);
        picture.between(channel, place(u * cos - v * sin), place(u * sin + v * cos))
    });
}

/// Scales the picture by `permille` / 1000 about its centre.
pub(super) fn zoom(permille: i32, edge: Edge, image: &[u8; PIXELS], out: &mut [u8]) {
    let picture = Picture { image, edge };
    let factor = i64::from(permille);
    let scaled = |t: i64| {
        let from_center = (2 * t - TWICE_CENTER) * 1000 * ONE;
        // To the nearest, halves upwards.
        place((2 * from_center + factor).div_euclid(2 * factor))
    };
    each_pixel(out, |channel, x, y| {
        picture.between(channel, scaled(x), scaled(y))
    });
}

/// A place in pixels from one in half pixels from the centre, both with fractional bits.
fn place(half_pixels: i64) -> i64 {
    (half_pixels + TWICE_CENTER * ONE) >> 1
}

fn each_pixel(out: &mut [u8], value: impl Fn(usize, i64, i64) -> u8) {
    for (channel, plane) in out.chunks_exact_mut(PLANE).enumerate() {
        for (y, row) in (0..).zip(plane.chunks_exact_mut(SIDE)) {
            for (x, pixel) in (0..).zip(row) {
                *pixel = value(channel, x, y);
            }
        }
    }
}

/// An image that goes on for ever.
struct Picture<'a> {
    image: &'a [u8; PIXELS],
    edge: Edge,
}

impl Picture<'_> {
    fn pixel(&self, channel: usize, x: i64, y: i64) -> u8 {
        let last = SIDE as i64 - 1;
        let inside = (0..=last).contains(&x) && (0..=last).contains(&y);
        match self.edge {
            Edge::Fill(color) if !inside => color[channel],
            _ => {
                let (x, y) = (x.clamp(0, last) as usize, y.clamp(0, last) as usize);
                self.image[channel * PLANE + y * SIDE + x]
            }
        }
    }

    /// The bilinear mixture at a place with fractional bits.
    fn between(&self, channel: usize, x: i64, y: i64) -> u8 {
        let (left, top) = (x >> BITS, y >> BITS);
        let (right_share, bottom_share) = (x & (ONE - 1), y & (ONE - 1));
        let along = |y: i64| {
            let pixel = |x: i64| i64::from(self.pixel(channel, x, y));
            pixel(left) * (ONE - right_share) + pixel(left + 1) * right_share
        };
        let sum = along(top) * (ONE - bottom_share) + along(top + 1) * bottom_share;
        // At most 255 x 2^32: the shares of the four add up to 2^32.
        ((sum + ONE * ONE / 2) >> (2 * BITS)) as u8
    }
}

/// Sines of 0 to 90 degrees.
const SINES: [i32; 91] = [
    0, 1_144, 2_287, 3_430, 4_572, 5_712, 6_850, 7_987, 9_121, 10_252, 11_380, 12_505, 13_626,
    14_742, 15_855, 16_962, 18_064, 19_161, 20_252, 21_336, 22_415, 23_486, 24_550, 25_607, 26_656,
    27_697, 28_729, 29_753, 30_767, 31_772, 32_768, 33_754, 34_729, 35_693, 36_647, 37_590, 38_521,
    39_441, 40_348, 41_243, 42_126, 42_995, 43_852, 44_695, 45_525, 46_341, 47_143, 47_930, 48_703,
    49_461, 50_203, 50_931, 51_643, 52_339, 53_020, 53_684, 54_332, 54_963, 55_578, 56_175, 56_756,
    57_319, 57_865, 58_393, 58_903, 59_396, 59_870, 60_326, 60_764, 61_183, 61_584, 61_966, 62_328,
    62_672, 62_997, 63_303, 63_589, 63_856, 64_104, 64_332, 64_540, 64_729, 64_898, 65_048, 65_177,
    65_287, 65_376, 65_446, 65_496, 65_526, 65_536,
];

/// The sine of an angle in degrees, with fractional bits; any angle.
fn sine(degrees: i32) -> i64 {
    let degrees = degrees.rem_euclid(360);
    let half = degrees % 180;
    let sine = i64::from(SINES[half.min(180 - half) as usize]);
    if degrees < 180 { sine } else { -sine }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_are_the_real_ones_rounded() {
        for degrees in -400..=400 {
            let real = f64::from(degrees).to_radians().sin() * ONE as f64;
            assert!(
                (sine(degrees) as f64 - real).abs() <= 0.501,
                "{degrees} degrees"
            );
        }
    }

    /// A place half way between two pixels is their mean, a quarter of the way nearer to one.
    #[test]
    fn between_pixels_they_mix() {
        let mut image = [0; PIXELS];
        (image[0], image[1], image[SIDE]) = (100, 200, 40);
        let picture = Picture {
            image: &image,
            edge: Edge::Fill([20, 0, 0]),
        };
        for (x, y, expected) in [
            (0, 0, 100),
            (ONE / 2, 0, 150),
            (ONE / 4, 0, 125),
            (0, ONE / 2, 70),
            (-ONE / 2, 0, 60),
            (-ONE, 0, 20),
            (ONE / 2, ONE / 2, 85),
        ] {
            assert_eq!(picture.between(0, x, y), expected, "({x}, {y})");
        }
    }
}
