//! The picture while it is being painted, and the marks that are made on it.

use crate::color::{self, Color, blend};
use crate::dice::Dice;
use crate::fixed::{ONE, TURN, cos, lerp, mul, percent, sin};

/// The side of an image in pixels.
pub(crate) const SIDE: usize = 32;

/// A colour for each pixel, row by row.
pub(crate) type Canvas = [[Color; SIDE]; SIDE];

/// The place of a pixel's centre, in pixels from the middle of the image.
pub(crate) const fn center(pixel: usize) -> i64 {
    (2 * pixel as i64 - (SIDE as i64 - 1)) * ONE / 2
}

/// How much of a pixel something covers whose edge is `distance` pixels from the pixel's centre
/// (negative inside).
pub(crate) fn coverage(distance: i64) -> i64 {
    (ONE / 2 - distance).clamp(0, ONE)
}

/// A rectangle of one colour at any angle, with soft edges.
#[derive(Debug)]
pub(crate) struct Patch {
    x: i64,
    y: i64,
    cos: i64,
    sin: i64,
    half_length: i64,
    half_width: i64,
    color: Color,
}

impl Patch {
    /// A patch that grows with `difficulty` from nothing to half sides of up to `length` and `width`
    /// pixels, anywhere in the picture.
    pub(crate) fn new(dice: &mut Dice, difficulty: i64, length: i64, width: i64) -> Self {
        let angle = dice.below(TURN);
        // At least four tenths of the largest size, so that a patch is never a mere thread.
        let mut grown = |most: i64| mul(most * lerp(percent(40), ONE, dice.below(ONE)), difficulty);
        let (half_length, half_width) = (grown(length), grown(width));
        Self {
            x: dice.signed() * 15,
            y: dice.signed() * 15,
            cos: cos(angle),
            sin: sin(angle),
            half_length,
            half_width,
            color: color::random(dice),
        }
    }

    /// Paints the patch over what is there.
    pub(crate) fn paint(&self, canvas: &mut Canvas) {
        let (cos, sin) = (self.cos.abs(), self.sin.abs());
        let wide = mul(self.half_length, cos) + mul(self.half_width, sin);
        let tall = mul(self.half_length, sin) + mul(self.half_width, cos);
        // Narrower than a pixel, it covers less of each.
        let most = ONE.min(2 * self.half_width.min(self.half_length));
        for row in pixels_within(self.y - tall, self.y + tall) {
            for column in pixels_within(self.x - wide, self.x + wide) {
                let (x, y) = (center(column) - self.x, center(row) - self.y);
                let along = (mul(x, self.cos) + mul(y, self.sin)).abs() - self.half_length;
                let across = (mul(y, self.cos) - mul(x, self.sin)).abs() - self.half_width;
                let covered = coverage(along.max(across)).min(most);
                canvas[row][column] = blend(canvas[row][column], self.color, covered);
            }
        }
    }
}

/// The pixels that a stretch from `first` to `last`, in pixels from the middle, touches with an edge
/// half a pixel soft.
fn pixels_within(first: i64, last: i64) -> std::ops::Range<usize> {
    let half_side = SIDE as i64 * ONE / 2;
    let pixel = |place: i64| ((place + half_side).div_euclid(ONE)).clamp(0, SIDE as i64) as usize;
    pixel(first - ONE)..pixel(last + 2 * ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An upright patch: full inside, half on an edge through a pixel's centre, nothing outside.
    #[test]
    fn a_patch_lies_where_it_should() {
        let patch = Patch {
            x: center(10),
            y: center(20),
            cos: ONE,
            sin: 0,
            half_length: 4 * ONE,
            half_width: 2 * ONE,
            color: [200, 100, 50],
        };
        let mut canvas = [[[0; 3]; SIDE]; SIDE];
        patch.paint(&mut canvas);
        for (row, pixels) in canvas.iter().enumerate() {
            for (column, &color) in pixels.iter().enumerate() {
                let (across, down) = (column.abs_diff(10), row.abs_diff(20));
                let expected = match (across.cmp(&4), down.cmp(&2)) {
                    (std::cmp::Ordering::Greater, _) | (_, std::cmp::Ordering::Greater) => [0; 3],
                    (std::cmp::Ordering::Less, std::cmp::Ordering::Less) => [200, 100, 50],
                    _ => [100, 50, 25],
                };
                assert_eq!(color, expected, "column {column}, row {row}");
            }
        }
    }

    /// The box that is visited holds every pixel that the patch covers.
    #[test]
    fn no_edge_is_cut_off() {
        let mut dice = Dice::new(0, 0, 0, crate::dice::Purpose::Occlusion);
        for _ in 0..200 {
            let patch = Patch::new(&mut dice, ONE, 16, 9);
            let mut canvas = [[[-1; 3]; SIDE]; SIDE];
            patch.paint(&mut canvas);
            for (row, pixels) in canvas.iter().enumerate() {
                for (column, &color) in pixels.iter().enumerate() {
                    let (x, y) = (center(column) - patch.x, center(row) - patch.y);
                    let along = (mul(x, patch.cos) + mul(y, patch.sin)).abs() - patch.half_length;
                    let across = (mul(y, patch.cos) - mul(x, patch.sin)).abs() - patch.half_width;
                    if along.max(across) < -ONE / 2 {
                        assert_eq!(color, patch.color);
                    }
                }
            }
        }
    }
}
