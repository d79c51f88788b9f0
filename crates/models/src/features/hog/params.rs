//! What can be chosen about a HoG, what each mode chooses, and what cannot be had.

use super::config::HogConfig;
use super::layout::HogLayout;
use crate::features::ImageShape;
use std::fmt;
use std::str::FromStr;

/// Whose HoG it is: arithmetic, borders and the order of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HogMode {
    /// The project's own, the one that classifies best.
    Default,
    /// `skimage.feature.hog` of scikit-image 0.26.
    Skimage,
    /// `cv2.HOGDescriptor(...).compute` of OpenCV 4 on the RGB array as it is.
    Opencv,
    /// `hog_feature` of the course CS231n.
    Cs231n,
    /// Felzenszwalb's features as VLFeat computes them: 3 `bins` + 4 numbers a cell.
    Uoctti,
}

impl HogMode {
    /// Every mode.
    pub const ALL: [Self; 5] = [
        Self::Default,
        Self::Skimage,
        Self::Opencv,
        Self::Cs231n,
        Self::Uoctti,
    ];

    /// The one spelling of its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Skimage => "skimage",
            Self::Opencv => "opencv",
            Self::Cs231n => "cs231n",
            Self::Uoctti => "uoctti",
        }
    }
}

impl fmt::Display for HogMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HogMode {
    type Err = HogError;

    fn from_str(name: &str) -> Result<Self, HogError> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| HogError::UnknownMode(name.to_owned()))
    }
}

/// Which gradient a pixel of a colour image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HogColor {
    /// That of the channel where it is longest, the first of equal ones.
    Strongest,
    /// That of the luminance .299 R + .587 G + .114 B, rounded to a byte (`cs231n`: .144 B, not
    /// rounded).
    Grey,
}

/// How a gradient votes for orientations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HogVotes {
    /// All of it for the bin that it falls into.
    Hard,
    /// Shared between the two nearest bins, by the distance to their centres.
    Linear,
}

/// How the histograms v of a block are normalised, with e for epsilon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlockNorm {
    /// v / (|v|_1 + e)
    L1,
    /// sqrt(v / (|v|_1 + e))
    L1Sqrt,
    /// v / sqrt(|v|_2^2 + e^2)
    L2,
    /// L2, then no number above `clip`, then L2 again.
    L2Hys,
}

/// What can be chosen; [`HogParams::check`] makes a [`HogConfig`] of it. The table of defaults and
/// ranges is in the [module](super)'s documentation.
///
/// ```
/// use nearplane_models::features::{HogMode, HogParams, ImageShape};
/// let params = HogParams { signed: true, bins: 18, ..HogParams::new(HogMode::Opencv) };
/// assert_eq!(params.check(ImageShape::CIFAR)?.n_features(), 648);
/// # Ok::<(), nearplane_models::features::HogError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "parameters: a literal ends with the values of a mode or of the default"
)]
pub struct HogParams {
    /// Whose HoG it is.
    pub mode: HogMode,
    /// Pixels along the side of a cell.
    pub cell: usize,
    /// Cells along the side of a block.
    pub block: usize,
    /// Pixels from one block to the next.
    pub stride: usize,
    /// Orientation bins.
    pub bins: usize,
    /// Whether the bins share a full turn rather than half of one.
    pub signed: bool,
    /// How a gradient votes for orientations.
    pub votes: HogVotes,
    /// Whether a gradient is shared between the nearest cells, by the distance to their centres.
    pub spatial: bool,
    /// Which gradient a pixel of a colour image has.
    pub color: HogColor,
    /// Whether the square root is taken of every byte first.
    pub gamma: bool,
    /// How the histograms of a block are normalised.
    pub norm: BlockNorm,
    /// What keeps a division from being one by zero; `opencv` with `L2Hys`: times the numbers of a
    /// block.
    pub epsilon: f32,
    /// The limit of `L2Hys` and of `uoctti`.
    pub clip: f32,
}

impl HogParams {
    /// Bins beyond this have no meaning in images of bytes.
    pub const MAX_BINS: usize = 360;

    /// The mode's own choices.
    #[must_use]
    pub const fn new(mode: HogMode) -> Self {
        let common = Self {
            mode,
            cell: 8,
            block: 2,
            stride: 8,
            bins: 9,
            signed: false,
            votes: HogVotes::Linear,
            spatial: true,
            color: HogColor::Strongest,
            gamma: false,
            norm: BlockNorm::L2Hys,
            epsilon: 1e-5,
            clip: 0.2,
        };
        match mode {
            HogMode::Default => Self {
                bins: 18,
                signed: true,
                epsilon: 30.0,
                ..common
            },
            HogMode::Skimage => Self {
                block: 3,
                votes: HogVotes::Hard,
                spatial: false,
                ..common
            },
            HogMode::Opencv => Self {
                epsilon: 0.1,
                ..common
            },
            HogMode::Cs231n => Self {
                block: 1,
                votes: HogVotes::Hard,
                spatial: false,
                color: HogColor::Grey,
                ..common
            },
            HogMode::Uoctti => Self {
                signed: true,
                votes: HogVotes::Hard,
                epsilon: 1e-4,
                ..common
            },
        }
    }

    /// What a bare `hog` stands for: two scales of the mode `default`, the directions of edges in
    /// cells of 8 pixels and their finer places, without their signs, in cells of 4. For images of
    /// CIFAR 648 and 1296 numbers.
    #[must_use]
    pub const fn default_scales() -> [Self; 2] {
        let coarse = Self::new(HogMode::Default);
        let fine = Self {
            cell: 4,
            block: 4,
            bins: 9,
            signed: false,
            ..coarse
        };
        [coarse, fine]
    }

    /// Makes these choices for images of one shape.
    ///
    /// # Errors
    /// [`HogError`] for a number out of its range, for cells or blocks that do not fit into the
    /// image, and for a change to what the mode fixes.
    pub fn check(&self, shape: ImageShape) -> Result<HogConfig, HogError> {
        self.check_all(shape)?;
        Ok(HogConfig::new(*self, shape))
    }

    /// Numbers of an image of this shape, without the tables that computing them takes; those of an absurd shape
    /// are `usize::MAX` at most.
    pub(in crate::features) fn n_features(&self, shape: ImageShape) -> Result<usize, HogError> {
        self.check_all(shape)?;
        let layout = HogLayout::new(self, shape);
        let side = layout.cells_per_side;
        Ok([layout.block_cols, side, side, layout.n_values_per_cell]
            .into_iter()
            .fold(layout.block_rows, usize::saturating_mul))
    }

    fn check_all(&self, shape: ImageShape) -> Result<(), HogError> {
        self.check_ranges()?;
        self.check_mode()?;
        self.check_shape(shape)
    }

    fn check_ranges(&self) -> Result<(), HogError> {
        let limits = [
            ("cell", self.cell, 1, usize::MAX),
            ("block", self.block, 1, usize::MAX),
            ("stride", self.stride, 1, usize::MAX),
            ("bins", self.bins, 1, Self::MAX_BINS),
        ];
        for (option, value, least, most) in limits {
            if value < least {
                return Err(HogError::TooSmall {
                    option,
                    value,
                    least,
                });
            }
            if value > most {
                return Err(HogError::TooLarge {
                    option,
                    value,
                    most,
                });
            }
        }
        for (option, value) in [("epsilon", self.epsilon), ("clip", self.clip)] {
            // Below, the square of epsilon is no longer a normal number, above, sums overflow.
            if !(1e-15..=1e15).contains(&value) {
                return Err(HogError::NotPositive { option, value });
            }
        }
        Ok(())
    }

    /// What a mode fixes stays, and where blocks are made of whole cells they begin at cells.
    fn check_mode(&self) -> Result<(), HogError> {
        let mode = self.mode;
        let own = Self::new(mode);
        let fixed: &[(&'static str, bool)] = &match mode {
            HogMode::Default | HogMode::Opencv => vec![],
            HogMode::Skimage => vec![
                ("votes", self.votes != own.votes),
                ("spatial", self.spatial != own.spatial),
            ],
            HogMode::Cs231n => vec![
                ("block", self.block != own.block),
                ("stride", self.stride != self.cell),
                ("signed", self.signed != own.signed),
                ("votes", self.votes != own.votes),
                ("spatial", self.spatial != own.spatial),
                ("color", self.color != own.color),
                ("gamma", self.gamma != own.gamma),
                ("norm", self.norm != own.norm),
                ("epsilon", self.epsilon != own.epsilon),
                ("clip", self.clip != own.clip),
            ],
            HogMode::Uoctti => vec![
                ("block", self.block != own.block),
                ("stride", self.stride != self.cell),
                ("signed", self.signed != own.signed),
                ("votes", self.votes != own.votes),
                ("spatial", self.spatial != own.spatial),
                ("norm", self.norm != own.norm),
            ],
        };
        if let Some(&(option, _)) = fixed.iter().find(|(_, changed)| *changed) {
            return Err(HogError::Fixed { mode, option });
        }
        if mode == HogMode::Skimage && !self.stride.is_multiple_of(self.cell) {
            return Err(HogError::Stride {
                stride: self.stride,
                cell: self.cell,
            });
        }
        if mode == HogMode::Cs231n && !self.cell.is_multiple_of(2) {
            return Err(HogError::OddCell { cell: self.cell });
        }
        Ok(())
    }

    fn check_shape(&self, shape: ImageShape) -> Result<(), HogError> {
        if !matches!(shape.channels, 1 | 3) {
            return Err(HogError::Channels(shape.channels));
        }
        let side = shape.height.min(shape.width);
        if self.cell > side {
            return Err(HogError::Cell {
                cell: self.cell,
                height: shape.height,
                width: shape.width,
            });
        }
        if self.mode == HogMode::Uoctti {
            return if side < 3 {
                Err(HogError::Cell {
                    cell: 3,
                    height: shape.height,
                    width: shape.width,
                })
            } else {
                Ok(())
            };
        }
        let block = self.cell.saturating_mul(self.block);
        if block > side {
            return Err(HogError::Block {
                block: self.block,
                pixels: block,
                height: shape.height,
                width: shape.width,
            });
        }
        let uneven = |length: usize| !(length - block).is_multiple_of(self.stride);
        if self.mode == HogMode::Opencv && (uneven(shape.height) || uneven(shape.width)) {
            return Err(HogError::Uneven {
                pixels: block,
                stride: self.stride,
                height: shape.height,
                width: shape.width,
            });
        }
        Ok(())
    }
}

/// Why a HoG cannot be had.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HogError {
    /// No mode has this name.
    #[error("unknown mode '{0}', expected one of default, skimage, opencv, cs231n, uoctti")]
    UnknownMode(String),
    /// A count below its range.
    #[error("{option} = {value} is out of range, expected at least {least}")]
    TooSmall {
        /// Which.
        option: &'static str,
        /// Its value.
        value: usize,
        /// The least possible.
        least: usize,
    },
    /// A count above its range.
    #[error("{option} = {value} is out of range, expected at most {most}")]
    TooLarge {
        /// Which.
        option: &'static str,
        /// Its value.
        value: usize,
        /// The most possible.
        most: usize,
    },
    /// A number that has to be positive, and neither tiny nor huge.
    #[error("{option} = {value} is out of range, expected 1e-15 to 1e15")]
    NotPositive {
        /// Which.
        option: &'static str,
        /// Its value.
        value: f32,
    },
    /// A choice that the mode does not leave.
    #[error("mode {mode} fixes {option}, leave it out or choose another mode")]
    Fixed {
        /// The mode.
        mode: HogMode,
        /// What it fixes.
        option: &'static str,
    },
    /// Blocks that begin within cells, where cells are whole.
    #[error("stride = {stride} is not a multiple of cell = {cell}, which mode skimage needs")]
    Stride {
        /// Pixels from block to block.
        stride: usize,
        /// Pixels along a cell.
        cell: usize,
    },
    /// `cs231n` has no middle for it.
    #[error("cell = {cell} is odd, mode cs231n needs an even number")]
    OddCell {
        /// Pixels along a cell.
        cell: usize,
    },
    /// Neither grey nor colour.
    #[error("images of {0} channels, expected 1 or 3")]
    Channels(usize),
    /// A cell larger than the image.
    #[error("cell = {cell} is larger than the image of {height} x {width} pixels")]
    Cell {
        /// Pixels along a cell.
        cell: usize,
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
    },
    /// A block larger than the image.
    #[error(
        "block = {block} ({pixels} pixels) is larger than the image of {height} x {width} pixels"
    )]
    Block {
        /// Cells along a block.
        block: usize,
        /// Pixels along a block.
        pixels: usize,
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
    },
    /// Blocks that leave a rest of the image.
    #[error(
        "blocks of {pixels} pixels at a stride of {stride} do not end with the image of {height} x \
         {width} pixels, which mode opencv needs"
    )]
    Uneven {
        /// Pixels along a block.
        pixels: usize,
        /// Pixels from block to block.
        stride: usize,
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
    },
}
