//! A perturbation as text, and the one table of what every step takes.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use thiserror::Error;

use super::{Edge, Perturbation, Place, Rgb, Step};

/// What a text is when there is nothing to do.
const NONE: &str = "none";
/// Mean gray.
const GRAY: Rgb = [128; 3];

/// Why a text is not a perturbation, and where it stops being one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("in {spec:?} at character {character}: {problem}")]
pub struct SpecError {
    spec: String,
    character: usize,
    problem: SpecProblem,
}

impl SpecError {
    fn new(spec: &str, at: usize, problem: SpecProblem) -> Self {
        Self {
            spec: spec.to_owned(),
            character: spec[..at].chars().count() + 1,
            problem,
        }
    }

    /// The character where the trouble begins, counted from 1; one past the end if something is
    /// missing there.
    #[must_use]
    pub fn character(&self) -> usize {
        self.character
    }

    /// What is wrong there.
    #[must_use]
    pub fn problem(&self) -> &SpecProblem {
        &self.problem
    }
}

/// What is wrong with a specification.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SpecProblem {
    /// A step that does not exist.
    #[error("there is no step {found:?}: there are {}, or \"none\" alone", Step::NAMES.join(", "))]
    UnknownStep {
        /// What stands there.
        found: String,
    },
    /// A step without options, which would change nothing.
    #[error("{name} needs \":\" and an option, one of {}", options(name))]
    NoOptions {
        /// Which step.
        name: &'static str,
    },
    /// An option that the step does not have.
    #[error("{name} has no option {found:?}: it has {}", options(name))]
    UnknownOption {
        /// Which step.
        name: &'static str,
        /// What stands there.
        found: String,
    },
    /// An option that the step has had already.
    #[error("the {option} of {name} is given twice")]
    Repeated {
        /// Which step.
        name: &'static str,
        /// Which option.
        option: &'static str,
    },
    /// A value that is missing, of another kind, or beyond its range.
    #[error("the {option} of {name} is {found:?}, but should be {expected}")]
    Value {
        /// Which step.
        name: &'static str,
        /// Which option.
        option: &'static str,
        /// What stands there.
        found: String,
        /// What may stand there, with its limits.
        expected: String,
    },
}

/// The names of a step's options, for messages.
fn options(name: &str) -> String {
    let mut step = Step::named(name);
    let slots = step.iter_mut().flat_map(Step::slots);
    Vec::from_iter(slots.map(|(option, _)| option)).join(", ")
}

/// Where the value of an option is kept.
enum Slot<'a> {
    Number(&'a mut i32, RangeInclusive<i32>),
    Edge(&'a mut Edge),
    Place(&'a mut Place),
    Color(&'a mut Rgb),
}

const PLACES: RangeInclusive<i32> = 0..=31;

impl Step {
    const NAMES: [&'static str; 9] = [
        "shift",
        "rotation",
        "zoom",
        "brightness",
        "contrast",
        "tint",
        "noise",
        "blur",
        "patch",
    ];

    /// The step `name` that changes nothing.
    fn named(name: &str) -> Option<Self> {
        let edge = Edge::Repeat;
        Some(match name {
            "shift" => Self::Shift { dx: 0, dy: 0, edge },
            "rotation" => Self::Rotation { degrees: 0, edge },
            "zoom" => Self::Zoom {
                permille: 1000,
                edge,
            },
            "brightness" => Self::Brightness { offset: 0 },
            "contrast" => Self::Contrast { permille: 1000 },
            "tint" => Self::Tint { r: 0, g: 0, b: 0 },
            "noise" => Self::Noise { amplitude: 0 },
            "blur" => Self::Blur { radius: 0 },
            "patch" => Self::Patch {
                side: 0,
                x: Place::Random,
                y: Place::Random,
                color: GRAY,
            },
            _ => return None,
        })
    }

    /// The name in a specification.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Shift { .. } => "shift",
            Self::Rotation { .. } => "rotation",
            Self::Zoom { .. } => "zoom",
            Self::Brightness { .. } => "brightness",
            Self::Contrast { .. } => "contrast",
            Self::Tint { .. } => "tint",
            Self::Noise { .. } => "noise",
            Self::Blur { .. } => "blur",
            Self::Patch { .. } => "patch",
        }
    }

    /// Every option in the order of the canonical text: its name, its place, its limits.
    fn slots(&mut self) -> Vec<(&'static str, Slot<'_>)> {
        use Slot::Number;
        const PIXELS: RangeInclusive<i32> = -32..=32;
        const LEVELS: RangeInclusive<i32> = -255..=255;
        match self {
            Self::Shift { dx, dy, edge } => vec![
                ("dx", Number(dx, PIXELS)),
                ("dy", Number(dy, PIXELS)),
                ("edge", Slot::Edge(edge)),
            ],
            Self::Rotation { degrees, edge } => vec![
                ("degrees", Number(degrees, -180..=180)),
                ("edge", Slot::Edge(edge)),
            ],
            Self::Zoom { permille, edge } => vec![
                ("permille", Number(permille, 125..=8000)),
                ("edge", Slot::Edge(edge)),
            ],
            Self::Brightness { offset } => vec![("offset", Number(offset, LEVELS))],
            Self::Contrast { permille } => vec![("permille", Number(permille, 0..=8000))],
            Self::Tint { r, g, b } => vec![
                ("r", Number(r, LEVELS)),
                ("g", Number(g, LEVELS)),
                ("b", Number(b, LEVELS)),
            ],
            Self::Noise { amplitude } => vec![("amplitude", Number(amplitude, 0..=255))],
            Self::Blur { radius } => vec![("radius", Number(radius, 0..=31))],
            Self::Patch { side, x, y, color } => vec![
                ("side", Number(side, 0..=32)),
                ("x", Slot::Place(x)),
                ("y", Slot::Place(y)),
                ("color", Slot::Color(color)),
            ],
        }
    }

    /// Every whole number with its limits.
    pub(super) fn amounts(mut self) -> Vec<(&'static str, i32, RangeInclusive<i32>)> {
        let amount = |(option, slot): (_, Slot<'_>)| match slot {
            Slot::Number(value, range) => Some((option, *value, range)),
            Slot::Place(Place::At(value)) => Some((option, *value, PLACES)),
            Slot::Place(Place::Random) | Slot::Edge(_) | Slot::Color(_) => None,
        };
        self.slots().into_iter().filter_map(amount).collect()
    }
}

impl Slot<'_> {
    /// Stores the value that `text` stands for, or says what should have stood there.
    fn set(self, text: &str) -> Result<(), String> {
        const COLOR: &str = "a color like #80ff00";
        let number = |range: RangeInclusive<i32>| {
            let value = text.parse().ok().filter(|value| range.contains(value));
            let (least, most) = (range.start(), range.end());
            value.ok_or_else(|| format!("a whole number from {least} to {most}"))
        };
        match self {
            Self::Number(value, range) => *value = number(range)?,
            Self::Place(place) if text == "random" => *place = Place::Random,
            Self::Place(place) => {
                let at = number(PLACES).map_err(|expected| format!("\"random\" or {expected}"));
                *place = Place::At(at?);
            }
            Self::Edge(edge) if text == "repeat" => *edge = Edge::Repeat,
            Self::Edge(edge) => {
                let fill = color(text).ok_or_else(|| format!("\"repeat\" or {COLOR}"));
                *edge = Edge::Fill(fill?);
            }
            Self::Color(value) => *value = color(text).ok_or(COLOR)?,
        }
        Ok(())
    }
}

/// A colour of the form `#rrggbb`.
fn color(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

impl FromStr for Perturbation {
    type Err = SpecError;

    /// Reads a specification.
    ///
    /// # Errors
    /// [`SpecError`]: an unknown step or option, a step without options, an option given twice, a value
    /// that is no value or beyond its range; with the character where.
    fn from_str(spec: &str) -> Result<Self, SpecError> {
        if spec == NONE {
            return Ok(Self::default());
        }
        let mut at = 0;
        let mut steps = Vec::new();
        for text in spec.split('+') {
            steps.push(step(spec, at, text)?);
            at += text.len() + 1;
        }
        Ok(Self { steps })
    }
}

/// The step `text`, which begins at byte `at` of `spec`.
fn step(spec: &str, mut at: usize, text: &str) -> Result<Step, SpecError> {
    let (name, options) = text.split_once(':').unwrap_or((text, ""));
    let Some(mut step) = Step::named(name) else {
        let found = name.to_owned();
        return Err(SpecError::new(spec, at, SpecProblem::UnknownStep { found }));
    };
    let name = step.name();
    at += name.len();
    if options.is_empty() {
        return Err(SpecError::new(spec, at, SpecProblem::NoOptions { name }));
    }
    at += 1;
    let mut given = Vec::new();
    for text in options.split(',') {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let slot = step.slots().into_iter().find(|&(option, _)| option == key);
        let Some((option, slot)) = slot else {
            let found = key.to_owned();
            let problem = SpecProblem::UnknownOption { name, found };
            return Err(SpecError::new(spec, at, problem));
        };
        if given.contains(&option) {
            let problem = SpecProblem::Repeated { name, option };
            return Err(SpecError::new(spec, at, problem));
        }
        given.push(option);
        slot.set(value).map_err(|expected| {
            let found = value.to_owned();
            let problem = SpecProblem::Value {
                name,
                option,
                found,
                expected,
            };
            // After the equals sign, if there is one.
            SpecError::new(spec, at + text.len() - value.len(), problem)
        })?;
        at += text.len() + 1;
    }
    Ok(step)
}

impl fmt::Display for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str(NONE);
        }
        for (i, step) in self.steps.iter().enumerate() {
            write!(f, "{}{step}", if i == 0 { "" } else { "+" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        for (i, (option, slot)) in self.clone().slots().into_iter().enumerate() {
            write!(f, "{}{option}={slot}", if i == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

impl Step {
    /// The options that differ from those left out, such as `dx=2` of `shift:dx=2,dy=0,edge=repeat`: after
    /// the name and a colon they read back as this step. Empty for a step that changes nothing.
    #[must_use]
    pub fn changed_options(&self) -> String {
        let text = |step: &mut Self| -> Vec<String> {
            let slots = step.slots().into_iter();
            slots
                .map(|(option, slot)| format!("{option}={slot}"))
                .collect()
        };
        let left_out = Self::named(self.name()).map(|mut step| text(&mut step));
        let left_out = left_out.unwrap_or_default();
        let mut given = text(&mut self.clone());
        given.retain(|option| !left_out.contains(option));
        given.join(",")
    }
}

impl fmt::Display for Slot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slot::Number(value, _) => write!(f, "{value}"),
            Slot::Place(Place::At(value)) => write!(f, "{value}"),
            Slot::Place(Place::Random) => f.write_str("random"),
            Slot::Edge(Edge::Repeat) => f.write_str("repeat"),
            Slot::Edge(Edge::Fill([r, g, b])) | Slot::Color([r, g, b]) => {
                write!(f, "#{r:02x}{g:02x}{b:02x}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_found_by_its_name() {
        for name in Step::NAMES {
            assert_eq!(Step::named(name).map(|step| step.name()), Some(name));
        }
    }

    #[test]
    fn errors_point_at_the_character() {
        let check = |spec: &str, character: usize, expected: &str| {
            let error = spec.parse::<Perturbation>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
            let expected = format!("in {spec:?} at character {character}: {expected}");
            assert!(
                error.to_string().starts_with(&expected),
                "{error}\n{expected}"
            );
        };
        check("", 1, "there is no step \"\": there are shift, rotation,");
        check("Shift:dx=2", 1, "there is no step \"Shift\": there are");
        check("tint:r=20+none", 11, "there is no step \"none\": there are");
        check("tint:r=20+", 11, "there is no step \"\": there are");
        check("blur", 5, "blur needs \":\" and an option, one of radius");
        check("blur:", 5, "blur needs \":\" and an option, one of radius");
        check(
            "tint:r=20+shift:dz=2",
            17,
            "shift has no option \"dz\": it has dx, dy, edge",
        );
        check(
            "shift:dx=2,",
            12,
            "shift has no option \"\": it has dx, dy, edge",
        );
        check("é:dx=2+a", 1, "there is no step \"é\": there are");
        check("shift:é=2", 7, "shift has no option \"é\": it has");
        check("shift:dx=2,dx=3", 12, "the dx of shift is given twice");
        for (value, character) in [("=33", 10), ("=99999999999", 10), ("=2.5", 10), ("=", 10)] {
            let found = &value[1..];
            check(
                &format!("shift:dx{value}"),
                character,
                &format!(
                    "the dx of shift is {found:?}, but should be a whole number from -32 to 32"
                ),
            );
        }
        check("shift:dx", 9, "the dx of shift is \"\", but should be");
        check("shift:dx=+2", 10, "the dx of shift is \"\", but should be");
        check(
            "patch:side=3,x=32",
            16,
            "the x of patch is \"32\", but should be \"random\" or a whole number from 0 to 31",
        );
        check(
            "zoom:permille=500,edge=#12345",
            24,
            "the edge of zoom is \"#12345\", but should be \"repeat\" or a color like #80ff00",
        );
        check(
            "patch:color=#+12345",
            13,
            "the color of patch is \"#\", but should be a color like #80ff00",
        );
    }
}
