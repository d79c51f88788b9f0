//! Illumination: exposure, tint, a light from one side, a cast shadow, dappled light.

use crate::canvas::{Canvas, center};
use crate::color::Color;
use crate::dice::Dice;
use crate::fixed::{ONE, TURN, cos, cube, exp2, lerp, mul, percent, sin};
use crate::lattice::Lattice;

/// The light of one scene.
#[derive(Debug)]
pub(crate) struct Light {
    /// A factor for each channel.
    gain: Color,
    /// Brighter by this much for each pixel along x and y.
    slope: (i64, i64),
    /// Unit normal of the shadow's edge, pointing into the shadow, and the edge's distance in pixels.
    shadow: (i64, i64, i64),
    /// What a shadow leaves of the light.
    shade: i64,
    /// Powers of two.
    dapples: Lattice,
}

impl Light {
    /// `difficulty` 0 is an even light that changes nothing.
    pub(crate) fn new(dice: &mut Dice, difficulty: i64) -> Self {
        // Twice the octaves at the hardest: most of a picture is black or white then.
        let steep = difficulty + cube(difficulty);
        let mut octaves = |least: i64, most: i64| {
            mul(lerp(percent(least), percent(most), dice.below(ONE)), steep)
        };
        // From night to white, darker more often than brighter.
        let exposure = octaves(-400, 200);
        let gain = [(); 3].map(|()| exp2(exposure + octaves(-120, 120)));
        let dapples = Lattice::new(|| octaves(-260, 160));
        let toward = dice.below(TURN);
        // At most from nothing to twice the light, 16 pixels from the middle.
        let steepness = mul(lerp(ONE / 2, ONE, dice.below(ONE)), difficulty) / 16;
        let across = dice.below(TURN);
        Self {
            gain,
            slope: (mul(steepness, cos(toward)), mul(steepness, sin(toward))),
            shadow: (cos(across), sin(across), dice.signed() * 12),
            shade: ONE - mul(percent(85), difficulty),
            dapples,
        }
    }

    /// Multiplies every colour by the light that falls there; not yet cut to 0..=255.
    pub(crate) fn fall(&self, canvas: &mut Canvas) {
        for (row, pixels) in canvas.iter_mut().enumerate() {
            for (column, color) in pixels.iter_mut().enumerate() {
                let strength = self.strength(column, row);
                for (channel, gain) in color.iter_mut().zip(self.gain) {
                    *channel = mul(*channel, mul(gain, strength));
                }
            }
        }
    }

    fn strength(&self, column: usize, row: usize) -> i64 {
        let (x, y) = (center(column), center(row));
        let slope = (ONE + mul(self.slope.0, x) + mul(self.slope.1, y)).max(0);
        let (nx, ny, edge) = self.shadow;
        // The edge is two pixels soft.
        let depth = ((mul(nx, x) + mul(ny, y) - edge) / 2 + ONE / 2).clamp(0, ONE);
        mul(
            mul(slope, lerp(ONE, self.shade, depth)),
            exp2(self.dapples.at(column, row)),
        )
    }
}
