//! The object of a scene: its shape, what makes it this one, where it is, how it is painted.

use crate::canvas::{Canvas, center, coverage};
use crate::color::{self, Color, HUES, blend, luma};
use crate::dice::Dice;
use crate::fixed::{BITS, ONE, TURN, cos, cube, exp2, mul, percent, sin};
use crate::shape::{self, Form};

/// An object ready to be painted.
#[derive(Debug)]
pub(crate) struct Object {
    label: u8,
    form: Form,
    build: Build,
    paint: Paint,
    pose: Pose,
    /// How much it hides of what is behind it.
    opacity: i64,
}

impl Object {
    /// A member of class `label`: `variation` 0 is the textbook example.
    pub(crate) fn new(dice: &mut Dice, variation: i64, label: u8, pose: Pose) -> Self {
        let form = Form {
            proportion: mul(dice.signed(), variation),
            phase: mul(dice.signed(), variation),
        };
        let build = Build::new(dice, variation);
        Self {
            label,
            form,
            build,
            paint: Paint::new(dice, variation, label),
            pose,
            opacity: ONE,
        }
    }

    /// The same object, harder to see before a `ground`: its colours go `hidden` of the way there, and
    /// what is behind it shines through an `opacity` below 1.
    pub(crate) fn before(mut self, ground: Color, hidden: i64, opacity: i64) -> Self {
        self.opacity = opacity;
        self.paint.colors = self
            .paint
            .colors
            .map(|color| blend(apart(color, ground), ground, hidden));
        self
    }

    /// Paints the object over what is there.
    pub(crate) fn paint(&self, canvas: &mut Canvas) {
        for (row, pixels) in canvas.iter_mut().enumerate() {
            for (column, pixel) in pixels.iter_mut().enumerate() {
                let (x, y) = self.pose.object_point(center(column), center(row));
                let (built_x, built_y) = self.build.apply(x, y);
                let distance = shape::distance(self.label, self.form, built_x, built_y);
                let covered = coverage(mul(distance, self.pose.radius));
                if covered > 0 {
                    *pixel = blend(*pixel, self.paint.color(x, y), mul(covered, self.opacity));
                }
            }
        }
    }
}

/// Where the object is and from where it is seen.
#[derive(Debug)]
pub(crate) struct Pose {
    x: i64,
    y: i64,
    /// The linear map from pixels to the object's own coordinates.
    matrix: [i64; 4],
    /// The smaller radius in pixels.
    radius: i64,
}

impl Pose {
    /// `difficulty` 0 is the object upright in the middle, 11 pixels in radius.
    pub(crate) fn new(dice: &mut Dice, difficulty: i64) -> Self {
        let mut signed = || mul(dice.signed(), difficulty);
        let extreme = cube(difficulty);
        let (x, y) = (signed() * 15, signed() * 15);
        let angle = signed() * (TURN / 2) / ONE;
        // Seen from afar or from near: from 2^-3 to 2^0.4 of 11 pixels, the far end at the hardest only.
        let near = mul(percent(90) + mul(percent(80), extreme), signed());
        let wide = 11 * exp2(near - mul(percent(50), difficulty) - mul(percent(80), extreme));
        // Seen from the side: narrower in one direction, and slanted.
        let narrowing = percent(60) + mul(percent(15), extreme);
        let tall = mul(wide, ONE - mul(narrowing, signed().abs()));
        let slant = mul(percent(60) + mul(percent(60), extreme), signed());

        let (cos, sin) = (cos(angle), sin(angle));
        let right = [cos * ONE / wide, sin * ONE / wide];
        let down = [-sin * ONE / tall, cos * ONE / tall];
        let slanted = [0, 1].map(|axis| right[axis] + mul(slant, down[axis]));
        let matrix = [slanted[0], slanted[1], down[0], down[1]];
        Self {
            x,
            y,
            matrix,
            radius: tall.min(wide),
        }
    }

    /// The point (`x`, `y`) of the image, in pixels, in the object's coordinates.
    fn object_point(&self, x: i64, y: i64) -> (i64, i64) {
        let (x, y) = (x - self.x, y - self.y);
        let [a, b, c, d] = self.matrix;
        ((a * x + b * y) >> BITS, (c * x + d * y) >> BITS)
    }
}

/// How an object departs from its kind: small or large, slim or stout, and bent, each axis swinging
/// with the other.
#[derive(Debug)]
struct Build {
    /// What a coordinate is multiplied by: small for a large object.
    stretch: [i64; 2],
    strength: [i64; 2],
    turns: [i64; 2],
    phase: [i64; 2],
}

impl Build {
    fn new(dice: &mut Dice, variation: i64) -> Self {
        let extreme = cube(variation);
        // Within half and twice the size along each axis, and 2^2.3 times at the hardest.
        let octaves = percent(100) + mul(percent(130), extreme);
        let stretch = [(); 2].map(|()| exp2(mul(mul(octaves, dice.signed()), variation)));
        let mut both = |least: i64, span: i64| [(); 2].map(|()| least + dice.below(span));
        Self {
            stretch,
            strength: both(-percent(55), 2 * percent(55))
                .map(|strength| mul(strength, variation + extreme)),
            turns: both(percent(30), percent(40)),
            phase: both(0, TURN),
        }
    }

    fn apply(&self, x: i64, y: i64) -> (i64, i64) {
        let swing = |axis: usize, t: i64| {
            let angle = mul(mul(self.turns[axis], t), TURN) + self.phase[axis];
            // Less the swing of the middle, so that the object stays where it is.
            mul(self.strength[axis], sin(angle) - sin(self.phase[axis]))
        };
        (
            mul(x + swing(0, y), self.stretch[0]),
            mul(y + swing(1, x), self.stretch[1]),
        )
    }
}

/// Two colours that alternate over the object in waves.
#[derive(Debug)]
struct Paint {
    colors: [Color; 2],
    across: i64,
    down: i64,
    phase: i64,
}

impl Paint {
    /// `variation` 0 is nearly white; it gives any colour, more often near one hue of the class.
    fn new(dice: &mut Dice, variation: i64, label: u8) -> Self {
        const PLAIN: Color = [228, 228, 224];
        let spread = (dice.signed() + dice.signed()) * HUES / (3 * ONE);
        let hue = i64::from(label) * HUES / 10 + spread;
        let colors = [hue, hue + dice.below(HUES / 4)].map(|hue| {
            let varied = color::from_hsv(hue, 40 + dice.below(216), 10 + dice.below(246));
            blend(PLAIN, varied, variation)
        });
        let (direction, turns) = (dice.below(TURN), percent(30) + dice.below(percent(130)));
        Self {
            colors,
            across: mul(turns, cos(direction)),
            down: mul(turns, sin(direction)),
            phase: dice.below(TURN),
        }
    }

    fn color(&self, x: i64, y: i64) -> Color {
        let turns = mul(self.across, x) + mul(self.down, y);
        let wave = sin(mul(turns, TURN) + self.phase);
        blend(self.colors[0], self.colors[1], (ONE + wave) / 2)
    }
}

/// `color`, made lighter or darker until it differs from `ground` by 50 in lightness.
fn apart(color: Color, ground: Color) -> Color {
    const LEAST: i64 = 50;
    let difference = luma(color) - luma(ground);
    if difference.abs() >= LEAST {
        return color;
    }
    // On the side where it is, if there is room; a channel that is cut off makes it a little less.
    let lighter = luma(ground) < LEAST || (difference >= 0 && luma(ground) < 255 - LEAST);
    let step = if lighter { LEAST } else { -LEAST } - difference;
    color.map(|channel| (channel + step).clamp(0, 255))
}
