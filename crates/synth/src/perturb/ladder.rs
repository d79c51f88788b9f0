//! Five strengths of every step, from one that nearest neighbours hardly notice to one that leaves as
//! little as that step can.

use super::{Edge, Place, Step};

/// One kind of step at five strengths, the mildest first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ladder {
    /// The name of the step, as in a specification.
    pub name: &'static str,
    /// The same step, stronger and stronger.
    pub rungs: [Step; 5],
}

const EDGE: Edge = Edge::Repeat;

const fn shift(dx: i32) -> Step {
    Step::Shift {
        dx,
        dy: dx,
        edge: EDGE,
    }
}

const fn rotation(degrees: i32) -> Step {
    Step::Rotation {
        degrees,
        edge: EDGE,
    }
}

const fn zoom(permille: i32) -> Step {
    Step::Zoom {
        permille,
        edge: EDGE,
    }
}

const fn brightness(offset: i32) -> Step {
    Step::Brightness { offset }
}

const fn contrast(permille: i32) -> Step {
    Step::Contrast { permille }
}

/// Towards a warm light: more red, less blue.
const fn tint(r: i32) -> Step {
    Step::Tint { r, g: 0, b: -r }
}

const fn noise(amplitude: i32) -> Step {
    Step::Noise { amplitude }
}

const fn blur(radius: i32) -> Step {
    Step::Blur { radius }
}

const fn patch(side: i32) -> Step {
    Step::Patch {
        side,
        x: Place::Random,
        y: Place::Random,
        color: [128; 3],
    }
}

macro_rules! ladder {
    ($step:ident: $($strength:expr),*) => {
        Ladder { name: stringify!($step), rungs: [$($step($strength)),*] }
    };
}

/// A ladder for each step. The last rungs of the brightness, the contrast and the patch leave an even
/// picture, in which nothing can be told.
///
/// ```
/// use nearplane_synth::{LADDERS, Perturbation};
///
/// let strongest = LADDERS.map(|ladder| Perturbation::from(ladder.rungs[4].clone()).to_string());
/// assert!(strongest.contains(&"blur:radius=31".to_owned()));
/// ```
pub const LADDERS: [Ladder; 9] = [
    ladder!(shift: 1, 2, 4, 8, 16),
    // A right angle would bring squares and crosses back to themselves.
    ladder!(rotation: 2, 8, 16, 30, 45),
    ladder!(zoom: 1050, 1250, 1600, 2500, 8000),
    ladder!(brightness: 8, 32, 64, 128, 255),
    ladder!(contrast: 950, 750, 500, 250, 0),
    ladder!(tint: 8, 32, 64, 128, 255),
    ladder!(noise: 8, 32, 64, 128, 255),
    // The least blur there is.
    ladder!(blur: 1, 2, 4, 8, 31),
    ladder!(patch: 4, 8, 16, 24, 32),
];
