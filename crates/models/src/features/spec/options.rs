//! The options of each block: their names, the words and numbers that they take, and their place in
//! the parameters.

use super::SpecProblem;
use crate::features::{
    BlockNorm, HistogramMode, HistogramNorm, HistogramParams, HistogramSpace, HogColor, HogMode,
    HogParams, HogVotes,
};

/// In the order in which they are displayed. `mode` and `space`, which set the others, come first.
pub(super) const HISTOGRAM: &[&str] = &["mode", "space", "bins", "grid", "norm", "smooth"];

/// As [`HISTOGRAM`].
pub(super) const HOG: &[&str] = &[
    "mode", "cell", "block", "stride", "bins", "signed", "votes", "spatial", "color", "gamma",
    "norm", "epsilon", "clip",
];

type Words<T> = &'static [(&'static str, T)];

const HISTOGRAM_MODES: Words<HistogramMode> = &[
    ("default", HistogramMode::Default),
    ("opencv", HistogramMode::Opencv),
    ("cs231n", HistogramMode::Cs231n),
];
const SPACES: Words<HistogramSpace> = &[
    ("rgb", HistogramSpace::Rgb),
    ("hsv", HistogramSpace::Hsv),
    ("joint", HistogramSpace::Joint),
];
const HISTOGRAM_NORMS: Words<HistogramNorm> = &[
    ("none", HistogramNorm::None),
    ("l1", HistogramNorm::L1),
    ("l2", HistogramNorm::L2),
    ("sqrt", HistogramNorm::Sqrt),
];
const HOG_MODES: Words<HogMode> = &[
    ("default", HogMode::Default),
    ("skimage", HogMode::Skimage),
    ("opencv", HogMode::Opencv),
    ("cs231n", HogMode::Cs231n),
    ("uoctti", HogMode::Uoctti),
];
const BLOCK_NORMS: Words<BlockNorm> = &[
    ("l1", BlockNorm::L1),
    ("l1sqrt", BlockNorm::L1Sqrt),
    ("l2", BlockNorm::L2),
    ("l2hys", BlockNorm::L2Hys),
];
const COLORS: Words<HogColor> = &[("1", HogColor::Strongest), ("grey", HogColor::Grey)];
const VOTES: Words<HogVotes> = &[("hard", HogVotes::Hard), ("linear", HogVotes::Linear)];
const SWITCH: Words<bool> = &[("0", false), ("1", true)];

/// Larger than any image, small enough that no size computed from it overflows.
const MAX_LENGTH: usize = 65_535;

/// An option as given: its name, its value, and where the value starts in the specification.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) option: &'static str,
    pub(super) value: &'a str,
    pub(super) at: usize,
}

impl Given<'_> {
    /// The value, or what would have been allowed.
    fn read<T>(&self, read: impl Fn(&str) -> Result<T, String>) -> Result<T, Wrong> {
        read(self.value).map_err(|expected| Wrong {
            at: self.at,
            problem: SpecProblem::Value {
                option: self.option,
                value: self.value.to_owned(),
                expected,
            },
        })
    }
}

/// A problem and where it is.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) problem: SpecProblem,
}

fn find<'g, 'a>(given: &'g [Given<'a>], option: &str) -> Option<&'g Given<'a>> {
    given.iter().find(|given| given.option == option)
}

/// The parameters of a histogram: `mode` and `space` imply the rest, the others change it.
pub(super) fn histogram(given: &[Given<'_>]) -> Result<HistogramParams, Wrong> {
    let mode = find(given, "mode")
        .map(|given| given.read(|value| word(HISTOGRAM_MODES, value)))
        .transpose()?;
    let space = find(given, "space")
        .map(|given| given.read(|value| word(SPACES, value)))
        .transpose()?;
    let mut params = match (mode, space) {
        (Some(mode), _) if mode != HistogramMode::Default => HistogramParams::new(mode),
        (_, Some(space)) => HistogramParams::of(space),
        _ => HistogramParams::default(),
    };
    params.space = space.unwrap_or(params.space);
    for given in given {
        match given.option {
            "bins" => {
                params.bins = given.read(|value| number(value, 1, params.space.max_bins()))?;
            }
            "grid" => {
                params.grid = given.read(|value| number(value, 1, HistogramParams::MAX_GRID))?;
            }
            "norm" => params.norm = given.read(|value| word(HISTOGRAM_NORMS, value))?,
            "smooth" => {
                params.smooth =
                    given.read(|value| number(value, 0, HistogramParams::MAX_SMOOTH))?;
            }
            _ => {}
        }
    }
    match params.check_values() {
        Ok(()) => Ok(params),
        // Every number is in its range, so it is the space that the mode does not have.
        Err(error) => Err(Wrong {
            at: find(given, "space").map_or(0, |given| given.at),
            problem: SpecProblem::Together(error.to_string()),
        }),
    }
}

/// The options of a histogram with their values.
pub(super) fn of_histogram(params: &HistogramParams) -> Vec<(&'static str, String)> {
    let mut options = Vec::new();
    if params.mode != HistogramMode::Default {
        options.push(("mode", name(HISTOGRAM_MODES, params.mode)));
    }
    options.extend([
        ("space", name(SPACES, params.space)),
        ("bins", params.bins.to_string()),
        ("grid", params.grid.to_string()),
        ("norm", name(HISTOGRAM_NORMS, params.norm)),
        ("smooth", params.smooth.to_string()),
    ]);
    options
}

/// The parameters of a HoG: `mode` implies the rest, the others change it; unless given, the stride is
/// one cell.
pub(super) fn hog(given: &[Given<'_>]) -> Result<HogParams, Wrong> {
    let mode = match find(given, "mode") {
        Some(given) => given.read(|value| word(HOG_MODES, value))?,
        None => HogMode::Default,
    };
    let mut params = HogParams::new(mode);
    for given in given {
        let length = |value: &str| number(value, 1, MAX_LENGTH);
        let fraction = |value: &str| positive(value);
        match given.option {
            "cell" => params.cell = given.read(length)?,
            "block" => params.block = given.read(length)?,
            "stride" => params.stride = given.read(length)?,
            "bins" => params.bins = given.read(|value| number(value, 1, HogParams::MAX_BINS))?,
            "signed" => params.signed = given.read(|value| word(SWITCH, value))?,
            "votes" => params.votes = given.read(|value| word(VOTES, value))?,
            "spatial" => params.spatial = given.read(|value| word(SWITCH, value))?,
            "color" => params.color = given.read(|value| word(COLORS, value))?,
            "gamma" => params.gamma = given.read(|value| word(SWITCH, value))?,
            "norm" => params.norm = given.read(|value| word(BLOCK_NORMS, value))?,
            "epsilon" => params.epsilon = given.read(fraction)?,
            "clip" => params.clip = given.read(fraction)?,
            _ => {}
        }
    }
    if find(given, "cell").is_some() && find(given, "stride").is_none() {
        params.stride = params.cell;
    }
    Ok(params)
}

/// The options of a HoG with their values.
pub(super) fn of_hog(params: &HogParams) -> Vec<(&'static str, String)> {
    vec![
        ("mode", name(HOG_MODES, params.mode)),
        ("cell", params.cell.to_string()),
        ("block", params.block.to_string()),
        ("stride", params.stride.to_string()),
        ("bins", params.bins.to_string()),
        ("signed", name(SWITCH, params.signed)),
        ("votes", name(VOTES, params.votes)),
        ("spatial", name(SWITCH, params.spatial)),
        ("color", name(COLORS, params.color)),
        ("gamma", name(SWITCH, params.gamma)),
        ("norm", name(BLOCK_NORMS, params.norm)),
        ("epsilon", params.epsilon.to_string()),
        ("clip", params.clip.to_string()),
    ]
}

/// What an option may be set to, for a message about one without a value.
pub(super) fn expected(block: &'static str, option: &'static str) -> String {
    let wrong = match block {
        "hist" => histogram(&[Given {
            option,
            value: "",
            at: 0,
        }])
        .err(),
        _ => hog(&[Given {
            option,
            value: "",
            at: 0,
        }])
        .err(),
    };
    match wrong.map(|wrong| wrong.problem) {
        Some(SpecProblem::Value { expected, .. }) => expected,
        _ => "value".to_owned(),
    }
}

fn number(value: &str, least: usize, most: usize) -> Result<usize, String> {
    // Digits alone: `parse` would take a plus sign, which joins blocks.
    let is_whole = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(number) if is_whole && (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from {least} to {most}")),
    }
}

fn positive(value: &str) -> Result<f32, String> {
    match value.parse::<f32>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("a number above 0".to_owned()),
    }
}

fn word<T: Copy>(words: Words<T>, value: &str) -> Result<T, String> {
    words
        .iter()
        .find(|(name, _)| *name == value)
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| names(words))
}

fn names<T>(words: Words<T>) -> String {
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    names.join("|")
}

fn name<T: PartialEq>(words: Words<T>, meaning: T) -> String {
    words
        .iter()
        .find(|(_, known)| *known == meaning)
        .map_or_else(String::new, |(name, _)| (*name).to_owned())
}
