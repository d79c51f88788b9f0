//! A square in front of the picture.

use super::{PLANE, Place, Rgb, SIDE};
use crate::dice::Dice;

/// Covers `side` x `side` pixels from column and row `places` on, as far as they are in the picture.
pub(super) fn patch(side: i32, places: [Place; 2], color: Rgb, dice: &mut Dice, pixels: &mut [u8]) {
    let side = side as usize;
    let [columns, rows] = places.map(|place| {
        // Drawn for a fixed place too: fixing one axis leaves the other.
        let random = dice.below((SIDE - side + 1) as i64) as usize;
        let first = match place {
            Place::Random => random,
            Place::At(first) => first as usize,
        };
        first..(first + side).min(SIDE)
    });
    for (plane, value) in pixels.chunks_exact_mut(PLANE).zip(color) {
        for row in plane.chunks_exact_mut(SIDE).take(rows.end).skip(rows.start) {
            row[columns.clone()].fill(value);
        }
    }
}
