//! The specification string of features (LECTURE 5.3): which blocks, joined in which order.
//!
//! ```text
//! specification = block *( "+" block )
//! block         = name [ ":" option *( "," option ) ]
//! option        = name "=" value
//! ```
//!
//! Blocks are `raw` (the bytes themselves, 0 to 255), `hist` and `hog`; no spaces. A bare `hist` or
//! `hog` stands for the project's default, which may be several blocks. Options in any order; those
//! left out keep the values that the others imply: `mode` and `space` set the values of the rest, and
//! the stride of `hog` is one cell.
//!
//! What [`FeatureSpec`] displays names every block and every option: it is what results and model
//! files record, and parses back to the same features.

mod error;
mod options;
mod parse;

pub use error::{SpecError, SpecProblem};

use super::{HistogramParams, HogParams};
use std::fmt;
use std::str::FromStr;

/// One block of features.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum BlockSpec {
    /// The bytes of the image as numbers from 0 to 255.
    Raw,
    /// A colour histogram.
    Histogram(HistogramParams),
    /// A histogram of oriented gradients.
    Hog(HogParams),
}

impl BlockSpec {
    /// The names that a specification may use.
    pub const NAMES: [&'static str; 3] = ["raw", "hist", "hog"];

    /// `raw`, `hist` or `hog`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let [raw, hist, hog] = Self::NAMES;
        match self {
            Self::Raw => raw,
            Self::Histogram(_) => hist,
            Self::Hog(_) => hog,
        }
    }

    /// How much the block counts beside others in a distance between joined features: colours less
    /// than edges, 0.4 against 1, as a validation split of CIFAR-10 has it.
    #[must_use]
    pub fn weight(&self) -> f32 {
        match self {
            Self::Raw | Self::Hog(_) => 1.0,
            Self::Histogram(_) => 0.4,
        }
    }
}

impl fmt::Display for BlockSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let options = match self {
            Self::Raw => Vec::new(),
            Self::Histogram(params) => options::of_histogram(params),
            Self::Hog(params) => options::of_hog(params),
        };
        for (i, (name, value)) in options.iter().enumerate() {
            let mark = if i == 0 { ':' } else { ',' };
            write!(f, "{mark}{name}={value}")?;
        }
        Ok(())
    }
}

/// Which features, in which order: one or more blocks. Parsed from a string, displayed in full.
///
/// ```
/// use nearplane_models::features::FeatureSpec;
/// let spec: FeatureSpec = "hist:space=hsv,bins=10,smooth=1+raw".parse()?;
/// assert_eq!(spec.to_string(), "hist:space=hsv,bins=10,grid=1,norm=l1,smooth=1+raw");
/// let error = "raw+hist:bin=8".parse::<FeatureSpec>().unwrap_err();
/// assert_eq!(error.position(), 10);
/// # Ok::<(), nearplane_models::features::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSpec {
    blocks: Vec<BlockSpec>,
}

impl FeatureSpec {
    /// These blocks in this order; `None` without any.
    #[must_use]
    pub fn new(blocks: Vec<BlockSpec>) -> Option<Self> {
        (!blocks.is_empty()).then_some(Self { blocks })
    }

    /// The blocks in order, at least one.
    #[must_use]
    pub fn blocks(&self) -> &[BlockSpec] {
        &self.blocks
    }
}

impl FromStr for FeatureSpec {
    type Err = SpecError;

    fn from_str(spec: &str) -> Result<Self, SpecError> {
        parse::spec(spec).map(|blocks| Self { blocks })
    }
}

impl fmt::Display for FeatureSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, block) in self.blocks.iter().enumerate() {
            if i > 0 {
                f.write_str("+")?;
            }
            write!(f, "{block}")?;
        }
        Ok(())
    }
}
