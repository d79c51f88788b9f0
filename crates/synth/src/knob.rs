//! The five difficulties by name, so that a study can turn one after the other.

use crate::params::SynthParams;

/// One of the five difficulties of [`SynthParams`]; each turns the field of its name.
///
/// ```
/// use nearplane_synth::{Knob, SynthParams};
///
/// let mut params = SynthParams::textbook();
/// Knob::Occlusion.turn(&mut params, 500);
/// assert_eq!(params, SynthParams { occlusion: 500, ..SynthParams::textbook() });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are five difficulties")]
pub enum Knob {
    /// Place, size, rotation and slant of the object.
    Viewpoint,
    /// What is behind the object and how well it hides there.
    Background,
    /// Exposure, tint, light from one side and shadow.
    Illumination,
    /// How much of the image is covered.
    Occlusion,
    /// Colours and proportions within a class.
    Variation,
}

impl Knob {
    /// All five, in the order of the fields.
    pub const ALL: [Self; 5] = [
        Self::Viewpoint,
        Self::Background,
        Self::Illumination,
        Self::Occlusion,
        Self::Variation,
    ];

    /// The name of the field.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewpoint => "viewpoint",
            Self::Background => "background",
            Self::Illumination => "illumination",
            Self::Occlusion => "occlusion",
            Self::Variation => "variation",
        }
    }

    /// Where it stands, in thousandths.
    #[must_use]
    pub fn of(self, params: &SynthParams) -> u16 {
        match self {
            Self::Viewpoint => params.viewpoint,
            Self::Background => params.background,
            Self::Illumination => params.illumination,
            Self::Occlusion => params.occlusion,
            Self::Variation => params.variation,
        }
    }

    /// Sets it, in thousandths.
    pub fn turn(self, params: &mut SynthParams, thousandths: u16) {
        let field = match self {
            Self::Viewpoint => &mut params.viewpoint,
            Self::Background => &mut params.background,
            Self::Illumination => &mut params.illumination,
            Self::Occlusion => &mut params.occlusion,
            Self::Variation => &mut params.variation,
        };
        *field = thousandths;
    }
}
