//! Colour histograms (LECTURE 5.1): how many pixels of an image, or of a part of it, have which colour.
//!
//! A histogram counts pixels: `h_j = |{p : bin(p) = j}|`. The bin is that of
//!
//! | space | histograms of a cell | bin of a pixel |
//! |---|---|---|
//! | `rgb` | one a channel | `floor(v bins / 256)` |
//! | `hsv` | one, of hue | `floor(hue bins)`, hue in `[0, 1)`, on a circle |
//! | `joint` | one | cell of the RGB cube cut into `bins` levels along each axis, red slowest |
//!
//! Greys have hue 0, like red. The image may be cut into `grid x grid` cells of whole pixels, each with
//! its own histograms: row y lies in the row `floor(y grid / height)` of cells. Each histogram is
//! smoothed, if asked to, then normalised:
//!
//! | norm | feature | so that |
//! |---|---|---|
//! | `none` | `h_j` | they sum to the pixels of the cell |
//! | `l1` | `h_j / sum h` | they sum to 1 |
//! | `l2` | `h_j / sqrt(sum h^2)` | squares sum to 1 |
//! | `sqrt` | `sqrt(h_j / sum h)` | squares sum to 1; Euclidean distance is then Hellinger's, times the root of 2 |
//!
//! One pass of smoothing replaces `h_j` by `h_{j-1} / 4 + h_j / 2 + h_{j+1} / 4`. Hue goes around; at
//! the ends of the other axes a bin is its own missing neighbour, so that no pixel is lost. A joint
//! histogram is smoothed along its three axes in turn. Without smoothing (`smooth` 0) the result is
//! the raw histogram: both belong into the lecture's picture.
//!
//! Features lie cell by cell (row of cells, then column), in a cell channel by channel, then bin by
//! bin.
//!
//! Two modes compute hue as others do, number by number: `opencv`, the 8-bit hue of `cvtColor` counted
//! by `calcHist` over `[0, 180)`, and `cs231n`, `color_histogram_hsv` of the Stanford course, in f64.

mod count;
mod curves;

use super::color::MAX_HUE_BINS;
use super::{HistogramError, ImageShape};
use count::{BinPixels, Count, CountedBin};
pub use curves::HistogramCurves;
use nearplane_kernels::Level;

/// Whose arithmetic bins the hue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum HistogramMode {
    /// Exact: the whole part of `bins` times the hue, a fraction of integers.
    #[default]
    Default,
    /// OpenCV's `cvtColor(COLOR_RGB2HSV)` on bytes and `calcHist` over `[0, 180)`.
    Opencv,
    /// `color_histogram_hsv` of the Stanford course CS231n.
    Cs231n,
}

/// The colours that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HistogramSpace {
    /// A histogram for each channel: red, green and blue, or the one of a grey image.
    Rgb,
    /// The hue.
    Hsv,
    /// The three channels together.
    Joint,
}

impl HistogramSpace {
    /// The most bins along an axis.
    #[must_use]
    pub fn max_bins(self) -> usize {
        match self {
            Self::Rgb => 256,
            Self::Hsv => MAX_HUE_BINS,
            Self::Joint => 16,
        }
    }
}

/// What a histogram sums to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HistogramNorm {
    /// Counts of pixels.
    None,
    /// Shares: they sum to 1.
    L1,
    /// Squares sum to 1.
    L2,
    /// Roots of shares: squares sum to 1.
    Sqrt,
}

/// Parameters of a colour histogram; formulas at the top of the module's page, see
/// [`features`](super).
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `mode` | `Default` | whose arithmetic bins the hue | the others need `space` `Hsv` |
/// | `space` | `Joint` | the colours counted | |
/// | `bins` | 3 | bins along an axis | 1 to 256 (`Rgb`), 360 (`Hsv`), 16 (`Joint`) |
/// | `grid` | 4 | cells along each side of the image | 1 to the shorter side |
/// | `norm` | `Sqrt` | what a histogram sums to | |
/// | `smooth` | 0 | passes of smoothing across neighbouring bins | 0 to 64 |
///
/// ```
/// use nearplane_kernels::Level;
/// use nearplane_models::features::{HistogramNorm, HistogramParams, HistogramSpace, ImageShape};
/// let shape = ImageShape { channels: 3, height: 1, width: 4 };
/// let params = HistogramParams { bins: 2, ..HistogramParams::of(HistogramSpace::Rgb) };
/// let config = params.check(shape)?;
/// let image = [0, 10, 200, 20, 255, 255, 255, 255, 1, 1, 1, 200]; // red, green, blue
/// let mut features = vec![0.0; config.n_features()];
/// config.extract(Level::detect(), &image, &mut config.scratch(), &mut features);
/// assert_eq!(features, [0.75, 0.25, 0.0, 1.0, 0.75, 0.25]);
/// # Ok::<(), nearplane_models::features::HistogramError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_structs,
    reason = "parameters: a literal ends with the values of a mode or of the default"
)]
pub struct HistogramParams {
    /// Whose arithmetic bins the hue.
    pub mode: HistogramMode,
    /// The colours counted.
    pub space: HistogramSpace,
    /// Bins along an axis.
    pub bins: usize,
    /// Cells along each side of the image.
    pub grid: usize,
    /// What a histogram sums to.
    pub norm: HistogramNorm,
    /// Passes of smoothing.
    pub smooth: usize,
}

impl Default for HistogramParams {
    fn default() -> Self {
        // The best on a validation split of CIFAR-10 among joint histograms of 2 to 4 cells a side, for its
        // length: see benches/record.
        Self {
            bins: 3,
            grid: 4,
            norm: HistogramNorm::Sqrt,
            ..Self::of(HistogramSpace::Joint)
        }
    }
}

impl HistogramParams {
    /// The most cells along a side of whatever image.
    pub const MAX_GRID: usize = 65_535;

    /// The most passes of smoothing.
    pub const MAX_SMOOTH: usize = 64;

    /// The plain histogram of the whole image: 16 bins a channel, 10 of hue or 4 levels an axis of the
    /// cube; shares, not smoothed.
    #[must_use]
    pub fn of(space: HistogramSpace) -> Self {
        Self {
            mode: HistogramMode::Default,
            space,
            bins: match space {
                HistogramSpace::Rgb => 16,
                HistogramSpace::Hsv => 10,
                HistogramSpace::Joint => 4,
            },
            grid: 1,
            norm: HistogramNorm::L1,
            smooth: 0,
        }
    }

    /// What a mode computes unless told otherwise: for `Opencv` and `Cs231n` their histogram of hue in
    /// 10 bins, counts for the one and shares for the other.
    #[must_use]
    pub fn new(mode: HistogramMode) -> Self {
        let hue = Self {
            mode,
            ..Self::of(HistogramSpace::Hsv)
        };
        match mode {
            HistogramMode::Default => Self::default(),
            HistogramMode::Opencv => Self {
                norm: HistogramNorm::None,
                ..hue
            },
            HistogramMode::Cs231n => hue,
        }
    }

    /// Checks all that does not depend on the image.
    ///
    /// # Errors
    /// As [`HistogramParams::check`].
    pub fn check_values(&self) -> Result<(), HistogramError> {
        let range = |what, found, least, most| {
            if (least..=most).contains(&found) {
                Ok(())
            } else {
                Err(HistogramError::Range {
                    what,
                    found,
                    least,
                    most,
                })
            }
        };
        if self.mode != HistogramMode::Default && self.space != HistogramSpace::Hsv {
            return Err(HistogramError::ModeSpace);
        }
        range("bins", self.bins, 1, self.space.max_bins())?;
        range("grid", self.grid, 1, Self::MAX_GRID)?;
        range("smooth", self.smooth, 0, Self::MAX_SMOOTH)
    }

    /// The configuration for images of a shape.
    ///
    /// # Errors
    /// A number out of its range, a mode with a space that it does not have, more cells than pixels, or
    /// a number of channels that the space has no meaning for (`Hsv` and `Joint` need 3, `Rgb` 1 or 3).
    pub fn check(&self, shape: ImageShape) -> Result<HistogramConfig, HistogramError> {
        self.check_values()?;
        let three = shape.channels == 3;
        if !(three || (shape.channels == 1 && self.space == HistogramSpace::Rgb)) {
            return Err(HistogramError::Channels {
                found: shape.channels,
            });
        }
        if self.grid > shape.height.min(shape.width) {
            return Err(HistogramError::Grid {
                grid: self.grid,
                height: shape.height,
                width: shape.width,
            });
        }
        let cells = |length: usize| -> Vec<usize> {
            // The first pixel y with floor(y grid / length) = cell.
            (0..=self.grid)
                .map(|cell| (cell * length).div_ceil(self.grid))
                .collect()
        };
        Ok(HistogramConfig {
            params: *self,
            shape,
            rows: cells(shape.height),
            columns: cells(shape.width),
            opencv: (self.mode == HistogramMode::Opencv).then(|| {
                let bin = |hue: usize| (hue as f64 * (self.bins as f64 / 180.0)) as usize;
                (0..=self.bins)
                    .map(|start| (0..180).position(|hue| bin(hue) >= start).unwrap_or(180) as u16)
                    .collect()
            }),
        })
    }
}

/// Checked [`HistogramParams`] for images of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistogramConfig {
    params: HistogramParams,
    shape: ImageShape,
    /// First pixel row of each row of cells, and the end.
    rows: Vec<usize>,
    columns: Vec<usize>,
    /// In mode `Opencv`, the first hue of each bin and the end. As `calcHist` has it, the bin of a hue
    /// is the whole part of its product with bins / 180 in f64.
    opencv: Option<Vec<u16>>,
}

/// Room for one image at a time, to be kept from image to image.
#[derive(Debug, Clone, Default)]
pub struct HistogramScratch {
    narrow: Room<u8>,
    wide: Room<u16>,
    line: Vec<f32>,
}

/// Room for bins of one width.
#[derive(Debug, Clone, Default)]
struct Room<B> {
    /// The bin of each pixel.
    bins: Vec<B>,
    /// Those of one cell.
    cell: Vec<B>,
    tables: Vec<u32>,
}

impl HistogramConfig {
    /// The parameters checked.
    #[must_use]
    pub fn params(&self) -> &HistogramParams {
        &self.params
    }

    /// The shape of the images.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Length of the feature vector.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.params.grid.pow(2) * self.channels() * self.bins()
    }

    /// Room for [`HistogramConfig::extract`].
    #[must_use]
    pub fn scratch(&self) -> HistogramScratch {
        HistogramScratch::default()
    }

    /// The features of one image, planar bytes; see the top of the page for their order.
    ///
    /// # Panics
    /// If `image` or `out` has another length than the shape and [`HistogramConfig::n_features`] say.
    pub fn extract(
        &self,
        level: Level,
        image: &[u8],
        scratch: &mut HistogramScratch,
        out: &mut [f32],
    ) {
        self.counts(level, image, scratch, out);
        for histogram in out.chunks_exact_mut(self.bins()) {
            self.smooth(histogram, &mut scratch.line);
            normalize(histogram, self.params.norm);
        }
    }

    /// The raw counts, neither smoothed nor normalised, in the order of the features.
    ///
    /// # Panics
    /// As [`HistogramConfig::extract`].
    pub fn counts(
        &self,
        level: Level,
        image: &[u8],
        scratch: &mut HistogramScratch,
        out: &mut [f32],
    ) {
        let pixels = self.shape.height * self.shape.width;
        assert!(
            image.len() == self.shape.channels * pixels,
            "an image of {} bytes, expected {} x {} x {}",
            image.len(),
            self.shape.channels,
            self.shape.height,
            self.shape.width
        );
        assert!(
            out.len() == self.n_features(),
            "room for {} features, expected {}",
            out.len(),
            self.n_features()
        );
        if self.n_values() <= 256 {
            self.count(level, image, &mut scratch.narrow, out);
        } else {
            self.count(level, image, &mut scratch.wide, out);
        }
    }

    fn count<B: CountedBin>(
        &self,
        level: Level,
        image: &[u8],
        room: &mut Room<B>,
        out: &mut [f32],
    ) {
        let (grid, width) = (self.params.grid, self.shape.width);
        let pixels = self.shape.height * width;
        room.bins.resize(pixels, B::default());
        for channel in 0..self.channels() {
            level.run(BinPixels {
                params: &self.params,
                planes: &image[channel * pixels..],
                bins: &mut room.bins,
            });
            let of_channel = out.chunks_exact_mut(self.bins());
            let of_cells = of_channel.skip(channel).step_by(self.channels());
            for (cell, out) in of_cells.enumerate() {
                let values = if grid == 1 {
                    &room.bins
                } else {
                    let columns = self.columns[cell % grid]..self.columns[cell % grid + 1];
                    let rows = self.rows[cell / grid]..self.rows[cell / grid + 1];
                    room.cell.clear();
                    for line in room.bins[rows.start * width..rows.end * width].chunks(width) {
                        room.cell.extend_from_slice(&line[columns.clone()]);
                    }
                    &room.cell
                };
                level.run(Count {
                    values,
                    n_values: self.n_values(),
                    starts: self.opencv.as_deref(),
                    tables: &mut room.tables,
                    out,
                });
            }
        }
    }

    /// How many values are counted: OpenCV's hues, which are put into bins afterwards, else the bins.
    fn n_values(&self) -> usize {
        match &self.opencv {
            Some(_) => 180,
            None => self.bins(),
        }
    }

    /// Passes of smoothing over one histogram.
    fn smooth(&self, histogram: &mut [f32], line: &mut Vec<f32>) {
        let n = self.params.bins;
        for _ in 0..self.params.smooth {
            match self.params.space {
                HistogramSpace::Rgb => smooth_line(histogram, 0, 1, n, false, line),
                HistogramSpace::Hsv => smooth_line(histogram, 0, 1, n, true, line),
                HistogramSpace::Joint => {
                    for at in 0..n * n {
                        smooth_line(histogram, at * n, 1, n, false, line);
                    }
                    for at in 0..n * n {
                        let first = at / n * n * n + at % n;
                        smooth_line(histogram, first, n, n, false, line);
                    }
                    for at in 0..n * n {
                        smooth_line(histogram, at, n * n, n, false, line);
                    }
                }
            }
        }
    }

    fn channels(&self) -> usize {
        match self.params.space {
            HistogramSpace::Rgb => self.shape.channels,
            HistogramSpace::Hsv | HistogramSpace::Joint => 1,
        }
    }

    /// Bins of one histogram.
    fn bins(&self) -> usize {
        match self.params.space {
            HistogramSpace::Rgb | HistogramSpace::Hsv => self.params.bins,
            HistogramSpace::Joint => self.params.bins.pow(3),
        }
    }

    /// The `bins + 1` edges of the bins along an axis: values of a channel from 0 to 256, or hue in
    /// degrees from 0 to 360.
    ///
    /// An edge of channels is the smallest value of its bin; of hue, where the exact bin begins
    /// (`opencv` bins whole double degrees).
    #[must_use]
    pub fn edges(&self) -> Vec<f32> {
        let n = self.params.bins;
        (0..=n)
            .map(|edge| match self.params.space {
                HistogramSpace::Hsv => edge as f32 * 360.0 / n as f32,
                HistogramSpace::Rgb | HistogramSpace::Joint => (edge * 256).div_ceil(n) as f32,
            })
            .collect()
    }
}

/// One pass over the `n` numbers at `first`, `first + stride`, ...
fn smooth_line(
    histogram: &mut [f32],
    first: usize,
    stride: usize,
    n: usize,
    circular: bool,
    line: &mut Vec<f32>,
) {
    line.clear();
    line.extend(histogram[first..].iter().step_by(stride).take(n));
    let (before_first, after_last) = if circular { (n - 1, 0) } else { (0, n - 1) };
    for i in 0..n {
        let before = line[if i == 0 { before_first } else { i - 1 }];
        let after = line[if i + 1 == n { after_last } else { i + 1 }];
        histogram[first + i * stride] = 0.5 * line[i] + 0.25 * (before + after);
    }
}

fn normalize(histogram: &mut [f32], norm: HistogramNorm) {
    let sum: f32 = histogram.iter().sum();
    match norm {
        HistogramNorm::None => {}
        HistogramNorm::L1 => histogram.iter_mut().for_each(|h| *h /= sum),
        HistogramNorm::L2 => {
            let length = histogram.iter().map(|h| h * h).sum::<f32>().sqrt();
            histogram.iter_mut().for_each(|h| *h /= length);
        }
        HistogramNorm::Sqrt => histogram.iter_mut().for_each(|h| *h = (*h / sum).sqrt()),
    }
}
