//! Each byte by itself: brightness and tint, contrast, noise.

use super::PLANE;
use crate::dice::Dice;

/// Adds to each channel; brightness is the same amount for all three.
pub(super) fn tint(offsets: [i32; 3], pixels: &mut [u8]) {
    for (plane, offset) in pixels.chunks_exact_mut(PLANE).zip(offsets) {
        for pixel in plane {
            *pixel = cut(i32::from(*pixel) + offset);
        }
    }
}

/// Multiplies the difference from 128.
pub(super) fn contrast(permille: i32, pixels: &mut [u8]) {
    for pixel in pixels {
        let difference = (i32::from(*pixel) - 128) * permille;
        *pixel = cut(128 + (difference + 500).div_euclid(1000));
    }
}

/// Adds a whole number from -`amplitude` to `amplitude` to every byte, in the order of bytes.
pub(super) fn noise(amplitude: i32, dice: &mut Dice, pixels: &mut [u8]) {
    for pixel in pixels {
        let grain = dice.below(2 * i64::from(amplitude) + 1) as i32 - amplitude;
        *pixel = cut(i32::from(*pixel) + grain);
    }
}

fn cut(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_by_hand() {
        let check = |permille, expected: [u8; 5]| {
            let mut pixels = [0, 100, 128, 131, 255];
            contrast(permille, &mut pixels);
            assert_eq!(pixels, expected, "{permille}");
        };
        check(0, [128; 5]);
        // -64, -14, 0, 1.5, 63.5: halves upwards.
        check(500, [64, 114, 128, 130, 192]);
        check(1000, [0, 100, 128, 131, 255]);
        check(2000, [0, 72, 128, 134, 255]);
    }
}
