//! Images made harder on purpose: moved, turned, darkened, tinted, blurred, partly covered, by exact
//! amounts and the same bytes on every system.

mod blur;
mod geometry;
mod ladder;
mod patch;
mod spec;
mod tone;

use thiserror::Error;

use crate::PIXELS;
use crate::dice::{Dice, Purpose};

pub use ladder::{LADDERS, Ladder};
pub use spec::{SpecError, SpecProblem};

/// The side of an image in pixels.
const SIDE: usize = 32;
/// The pixels of one colour plane.
const PLANE: usize = SIDE * SIDE;

/// What to do to every image, one step after the other; no step leaves them as they are.
///
/// As text it is what a command line takes and a record keeps: the steps joined by `+`, each a name and
/// options, `shift:dx=2,dy=0+tint:r=20`, or `none`. An option that is left out changes nothing; a step
/// without any option is refused. [`Display`](std::fmt::Display) writes every option out, and what it
/// writes is read back as the same perturbation.
///
/// | step | options | range | left out | what it does |
/// |---|---|---|---|---|
/// | `shift` | `dx`, `dy` | -32..=32 pixels | 0 | moves the picture to the right and down |
/// | `rotation` | `degrees` | -180..=180 | 0 | turns it about its centre, anticlockwise |
/// | `zoom` | `permille` | 125..=8000 | 1000 | scales it about its centre, larger above 1000 |
/// | these three | `edge` | `repeat`, `#rrggbb` | `repeat` | what comes in: the nearest pixel, or a colour |
/// | `brightness` | `offset` | -255..=255 | 0 | lighter or darker |
/// | `contrast` | `permille` | 0..=8000 | 1000 | differences from 128 smaller or larger |
/// | `tint` | `r`, `g`, `b` | -255..=255 | 0 | lighter or darker by channel |
/// | `noise` | `amplitude` | 0..=255 | 0 | an even random number for every byte |
/// | `blur` | `radius` | 0..=31 pixels | 0 | the mean of a square |
/// | `patch` | `side` | 0..=32 pixels | 0 | covers a square |
/// | | `x`, `y` | 0..=31, `random` | `random` | its left column and top row |
/// | | `color` | `#rrggbb` | `#808080` | its colour |
///
/// The formulas are at [`Step`].
///
/// ```
/// use nearplane_synth::{PIXELS, Perturbation};
///
/// let perturbation: Perturbation = "shift:dx=2+tint:r=20".parse()?;
/// assert_eq!(perturbation.to_string(), "shift:dx=2,dy=0,edge=repeat+tint:r=20,g=0,b=0");
/// let (image, mut out) = ([100; PIXELS], [0; PIXELS]);
/// perturbation.check()?.apply(0, &image, &mut out);
/// assert_eq!((out[0], out[PIXELS - 1]), (120, 100));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a perturbation is its steps")]
pub struct Perturbation {
    /// What to do, in this order.
    pub steps: Vec<Step>,
}

impl From<Step> for Perturbation {
    fn from(step: Step) -> Self {
        Self { steps: vec![step] }
    }
}

/// Red, green and blue, 0..=255.
pub type Rgb = [u8; 3];

/// One way to change an image v(c, x, y): channel c, column x and row y from 0 to 31.
///
/// `cut` limits to 0..=255, `round` goes to the nearest whole number, halves upwards. Where a formula
/// asks for a pixel outside of the picture, [`Edge`] says what is there. Where it asks for one between
/// pixels, it is the bilinear mixture of the four around it, at weights of 16 fractional bits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// v'(c, x, y) = v(c, x - dx, y - dy).
    Shift {
        /// Pixels to the right, -32..=32.
        dx: i32,
        /// Pixels down, -32..=32.
        dy: i32,
        /// What comes in.
        edge: Edge,
    },
    /// v'(c, x, y) = v(c, X, Y), a turn by the angle t: with the centre m = 15.5,
    /// X = m + (x - m) cos t - (y - m) sin t and Y = m + (x - m) sin t + (y - m) cos t.
    Rotation {
        /// Degrees anticlockwise, -180..=180; multiples of 90 lose nothing.
        degrees: i32,
        /// What comes in at the corners.
        edge: Edge,
    },
    /// v'(c, x, y) = v(c, X, Y) with X = m + (x - m) 1000 / permille, Y alike, and the centre m = 15.5.
    ///
    /// Pixels are picked, not averaged: far below 1000 fine detail is lost or becomes coarse.
    Zoom {
        /// How large the picture becomes, in thousandths, 125..=8000.
        permille: i32,
        /// What comes in around a picture made smaller.
        edge: Edge,
    },
    /// v' = cut(v + offset).
    Brightness {
        /// Levels, -255..=255.
        offset: i32,
    },
    /// v' = cut(128 + round((v - 128) permille / 1000)).
    Contrast {
        /// Thousandths, 0..=8000; 0 is an even gray.
        permille: i32,
    },
    /// v'(c) = cut(v(c) + offset(c)).
    Tint {
        /// Levels added to red, -255..=255.
        r: i32,
        /// Levels added to green, -255..=255.
        g: i32,
        /// Levels added to blue, -255..=255.
        b: i32,
    },
    /// v' = cut(v + n) with n a random whole number, evenly from -amplitude to amplitude, for every byte
    /// anew.
    Noise {
        /// Levels, 0..=255.
        amplitude: i32,
    },
    /// v'(c, x, y) = round of the mean of v(c, X, Y) over |X - x| <= radius and |Y - y| <= radius; beyond
    /// the picture its edge pixels are repeated.
    ///
    /// Three in a row come close to a Gaussian.
    Blur {
        /// Pixels, 0..=31; 1 is a square of 3 x 3.
        radius: i32,
    },
    /// v'(c, X, Y) = color(c) for x <= X < x + side and y <= Y < y + side, as far as that is in the
    /// picture; v elsewhere.
    Patch {
        /// Pixels a side, 0..=32.
        side: i32,
        /// The left column.
        x: Place,
        /// The top row.
        y: Place,
        /// What the patch looks like.
        color: Rgb,
    },
}

/// What is outside of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Edge {
    /// The nearest pixel of the picture.
    #[default]
    Repeat,
    /// This colour.
    Fill(Rgb),
}

/// Where along one axis a patch begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a place is given or left to chance"
)]
pub enum Place {
    /// Evenly from all the places where the patch is wholly in the picture, for every image anew.
    #[default]
    Random,
    /// At this column or row, 0..=31; what is beyond the picture is cut off.
    At(i32),
}

/// Why an image cannot be perturbed so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PerturbationError {
    /// An amount beyond its range.
    #[error("step {step}: the {option} of {name} is {value}, but goes from {least} to {most}")]
    OutOfRange {
        /// Which step, counted from 1.
        step: usize,
        /// What kind of step, as in a specification.
        name: &'static str,
        /// Which amount.
        option: &'static str,
        /// What was asked for.
        value: i32,
        /// The smallest there can be.
        least: i32,
        /// The largest there can be.
        most: i32,
    },
}

impl Perturbation {
    /// Checks every limit; what comes out is applied without fail. Its seed is 0.
    ///
    /// # Errors
    /// [`PerturbationError`]: an amount beyond its range.
    pub fn check(&self) -> Result<PerturbationConfig, PerturbationError> {
        for (i, step) in self.steps.iter().enumerate() {
            for (option, value, range) in step.clone().amounts() {
                if !range.contains(&value) {
                    return Err(PerturbationError::OutOfRange {
                        step: i + 1,
                        name: step.name(),
                        option,
                        value,
                        least: *range.start(),
                        most: *range.end(),
                    });
                }
            }
        }
        Ok(PerturbationConfig {
            steps: self.steps.clone(),
            seed: 0,
        })
    }
}

/// A checked [`Perturbation`] and the seed of its random steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerturbationConfig {
    steps: Vec<Step>,
    seed: u64,
}

impl PerturbationConfig {
    /// The same steps, with noise and places of patches from another seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Writes the perturbed `image` to `out`: both 3072 bytes, the red, the green and the blue plane,
    /// each 32 rows of 32.
    ///
    /// `index` tells images apart: what is random follows from it, from the seed, and from how many
    /// random steps came before. So images can be done in any order on any number of threads, and a
    /// step that is not random leaves the random choices of the others as they were.
    ///
    /// # Panics
    /// If `image` or `out` is not 3072 bytes.
    pub fn apply(&self, index: u64, image: &[u8], out: &mut [u8]) {
        assert!(
            image.len() == PIXELS && out.len() == PIXELS,
            "an image of {} bytes into {} bytes: both are {PIXELS}",
            image.len(),
            out.len()
        );
        out.copy_from_slice(image);
        let mut before = [0; PIXELS];
        let mut n_random = 0;
        for step in &self.steps {
            let mut dice = Dice::new(self.seed, n_random, index, Purpose::Perturbation);
            n_random += u64::from(step.is_random());
            before.copy_from_slice(out);
            step.apply(&mut dice, &before, out);
        }
    }
}

impl Step {
    fn is_random(&self) -> bool {
        matches!(self, Self::Noise { .. } | Self::Patch { .. })
    }

    /// Writes to `out`, which holds a copy of `image`.
    fn apply(&self, dice: &mut Dice, image: &[u8; PIXELS], out: &mut [u8]) {
        match *self {
            Self::Shift { dx, dy, edge } => geometry::shift(dx, dy, edge, image, out),
            Self::Rotation { degrees, edge } => geometry::rotation(degrees, edge, image, out),
            Self::Zoom { permille, edge } => geometry::zoom(permille, edge, image, out),
            Self::Brightness { offset } => tone::tint([offset; 3], out),
            Self::Contrast { permille } => tone::contrast(permille, out),
            Self::Tint { r, g, b } => tone::tint([r, g, b], out),
            Self::Noise { amplitude } => tone::noise(amplitude, dice, out),
            Self::Blur { radius } => blur::blur(radius, image, out),
            Self::Patch { side, x, y, color } => patch::patch(side, [x, y], color, dice, out),
        }
    }
}
