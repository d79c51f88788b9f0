//! What can be wrong with the parameters of features and with the rows that they are taken from.

use super::HogError;

/// Why a colour histogram cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistogramError {
    /// A number is outside its range.
    #[error("{what} = {found} is out of range, expected {least} to {most}")]
    Range {
        /// The parameter.
        what: &'static str,
        /// Its value.
        found: usize,
        /// The least allowed.
        least: usize,
        /// The most allowed.
        most: usize,
    },
    /// A mode that only counts hue was asked for something else.
    #[error("modes opencv and cs231n count hue only, use them with space hsv")]
    ModeSpace,
    /// More cells than pixels.
    #[error("grid = {grid} cells do not fit an image of {height} x {width} pixels")]
    Grid {
        /// Cells along a side.
        grid: usize,
        /// Height of the image.
        height: usize,
        /// Width of the image.
        width: usize,
    },
    /// The image has not the channels that the space needs.
    #[error(
        "a histogram of colours needs 3 channels (or 1, with space rgb), the image has {found}"
    )]
    Channels {
        /// Channels of the image.
        found: usize,
    },
}

/// Why features cannot be extracted, or rows of them be scaled.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// A histogram that images of this shape do not have.
    #[error("{block}: {source}")]
    Histogram {
        /// The block as specified.
        block: String,
        /// What is wrong.
        source: HistogramError,
    },
    /// A HoG that images of this shape do not have.
    #[error("{block}: {source}")]
    Hog {
        /// The block as specified.
        block: String,
        /// What is wrong.
        source: HogError,
    },
    /// Rows of another length than images of the shape, or than the columns fitted.
    #[error("rows of {found} columns, expected {expected}")]
    Columns {
        /// Columns of the rows.
        found: usize,
        /// Columns expected.
        expected: usize,
    },
    /// Nothing to learn from.
    #[error("no training rows, scaling is learnt from at least one")]
    NoRows,
    /// A training row holds NaN or an infinity.
    #[error("training row {row} holds the non-finite value {value} in column {column}")]
    NonFinite {
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// The monitor asked to stop.
    #[error("the extraction was cancelled")]
    Cancelled,
}
