//! What is behind the object: a ground, gratings, blotches and clutter.

use crate::canvas::{Canvas, Patch, center};
use crate::color::{self, Color, blend};
use crate::dice::Dice;
use crate::fixed::{BITS, ONE, TURN, cos, mul, percent, sin};
use crate::lattice::Lattice;

/// The ground of a scene without difficulties: a blue gray.
const PLAIN: Color = [88, 94, 104];

/// The background of one scene.
#[derive(Debug)]
pub(crate) struct Backdrop {
    /// The colour that the rest varies.
    pub(crate) ground: Color,
    gratings: [Grating; 2],
    /// One for each channel.
    blotches: [Lattice; 3],
    clutter: [Patch; 4],
}

impl Backdrop {
    /// `difficulty` 0 is the plain ground; with it come any colour, gratings, blotches, clutter.
    pub(crate) fn new(dice: &mut Dice, difficulty: i64) -> Self {
        let ground = blend(PLAIN, color::random(dice), difficulty);
        let gratings = [(); 2].map(|()| Grating::new(dice, difficulty));
        let blotches = [(); 3].map(|()| Lattice::new(|| mul(90 * dice.signed() / ONE, difficulty)));
        let clutter = [(); 4].map(|()| Patch::new(dice, difficulty, 12, 7));
        Self {
            ground,
            gratings,
            blotches,
            clutter,
        }
    }

    /// Covers the whole canvas.
    pub(crate) fn paint(&self, canvas: &mut Canvas) {
        for (row, pixels) in canvas.iter_mut().enumerate() {
            for (column, pixel) in pixels.iter_mut().enumerate() {
                *pixel = self.color(column, row);
            }
        }
        for patch in &self.clutter {
            patch.paint(canvas);
        }
    }

    fn color(&self, column: usize, row: usize) -> Color {
        let mut color = self.ground;
        for grating in &self.gratings {
            let wave = grating.wave(center(column), center(row));
            for (channel, amplitude) in color.iter_mut().zip(grating.amplitude) {
                *channel += mul(amplitude, wave);
            }
        }
        for (channel, blotches) in color.iter_mut().zip(&self.blotches) {
            *channel = (*channel + blotches.at(column, row)).clamp(0, 255);
        }
        color
    }
}

/// A plane wave of colour.
#[derive(Debug)]
struct Grating {
    /// Turns a pixel along x and y.
    across: i64,
    down: i64,
    /// The angle in the middle of the image.
    phase: i64,
    amplitude: Color,
}

impl Grating {
    fn new(dice: &mut Dice, difficulty: i64) -> Self {
        // Periods from 4 to 20 pixels.
        let turns = percent(5) + dice.below(percent(20));
        let direction = dice.below(TURN);
        Self {
            across: mul(turns, cos(direction)),
            down: mul(turns, sin(direction)),
            phase: dice.below(TURN),
            amplitude: [(); 3].map(|()| mul(70 * dice.signed() / ONE, difficulty)),
        }
    }

    fn wave(&self, x: i64, y: i64) -> i64 {
        let turns = (x * self.across + y * self.down) >> BITS;
        sin(mul(turns, TURN) + self.phase)
    }
}
