//! A HoG for images of one shape: all that can be computed before an image comes.

use super::axis::{Sharing, Strip, Target, bands, strips};
use super::extract::Extract;
use super::layout::HogLayout;
use super::orientation::Orientations;
use super::params::{HogColor, HogMode, HogParams, HogVotes};
use super::scratch::{FIELD, HogScratch};
use crate::features::ImageShape;
use core::ops::Range;
use nearplane_kernels::{LANES, Level};

/// A run of numbers of the pooled histograms, in the order of the output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    pub(super) from: usize,
    pub(super) len: usize,
}

/// A HoG for images of one shape; what [`HogParams::check`] gives.
///
/// ```
/// use nearplane_kernels::Level;
/// use nearplane_models::features::{HogMode, HogParams, ImageShape};
/// let hog = HogParams::new(HogMode::Opencv).check(ImageShape::CIFAR)?;
/// let (mut scratch, mut out) = (hog.scratch(), vec![0.0; hog.n_features()]);
/// hog.extract(Level::detect(), &[128; 3072], &mut scratch, &mut out);
/// assert_eq!(out, [0.0; 324]); // one colour has no gradient
/// # Ok::<(), nearplane_models::features::HogError>(())
/// ```
#[derive(Debug, Clone)]
pub struct HogConfig {
    params: HogParams,
    shape: ImageShape,
    layout: HogLayout,
    pub(super) orientations: Orientations,
    /// Bins that votes go to: `bins`, twice that in `uoctti`.
    pub(super) n_bins: usize,
    /// All bits for columns of pixels with the neighbours that a gradient needs, none for others; in
    /// chunks of a row.
    pub(super) inside: Vec<[f32; LANES]>,
    /// The same for numbers of 16 bits, in pairs of chunks.
    pub(super) inside_pairs: Vec<[i16; 2 * LANES]>,
    pub(super) columns: Vec<Target>,
    /// The bands in runs whose votes are found at once.
    pub(super) strips: Vec<Strip>,
    /// Rows of the highest strip.
    pub(super) strip_rows: usize,
    /// Pooled numbers of a column target: row targets x bins, in whole vectors.
    pub(super) pooled: usize,
    /// The bins that the two votes of a pixel go to; none for the second where votes are hard.
    pub(super) bins: [Vec<VotedBin>; 2],
    /// All bits for the numbers of a block's last vector, none for its padding.
    pub(super) tail: [f32; LANES],
    /// The runs that make up each block, one block after the other; none in `uoctti`.
    pub(super) blocks: Vec<Vec<Run>>,
}

/// A bin as pixels name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct VotedBin {
    /// Its number in the field.
    pub(super) number: f32,
    /// The bin.
    pub(super) bin: usize,
    /// Whether another number, which comes before, stands for the same bin.
    pub(super) again: bool,
}

impl VotedBin {
    /// Shared votes go to bins 0, 2, ... and to bins 1, 3, ..., up to the one behind the last, which is
    /// the first again.
    fn all(n_bins: usize, shared: bool) -> [Vec<Self>; 2] {
        let named = |number: usize, bin: usize| Self {
            number: number as f32,
            bin: bin % n_bins,
            again: bin == n_bins,
        };
        if !shared {
            return [(0..n_bins).map(|bin| named(bin, bin)).collect(), Vec::new()];
        }
        [0, 1].map(|odd| {
            let bins = (odd..=n_bins).step_by(2);
            bins.map(|bin| named(bin / 2, bin)).collect()
        })
    }
}

impl PartialEq for HogConfig {
    /// All else follows from these.
    fn eq(&self, other: &Self) -> bool {
        self.params == other.params && self.shape == other.shape
    }
}

impl HogConfig {
    pub(super) fn new(params: HogParams, shape: ImageShape) -> Self {
        let layout = HogLayout::new(&params, shape);
        let n_bins = match params.mode {
            HogMode::Uoctti => 2 * params.bins,
            _ => params.bins,
        };
        let rows = targets(&params, layout.block_rows, shape.height, 1.0);
        let scale = match params.mode {
            HogMode::Cs231n => 1e-3,
            _ => 1.0,
        };
        let columns = targets(&params, layout.block_cols, shape.width, scale);
        let strips = strips(bands(&rows, shape.height));
        let pooled = (rows.len() * n_bins).next_multiple_of(LANES);
        let orientations = Orientations::new(&params);
        let bins = VotedBin::all(n_bins, matches!(orientations, Orientations::Linear(_)));
        Self {
            orientations,
            inside: inside(&params, shape.width, mask),
            inside_pairs: inside(&params, shape.width, |all| -i16::from(all)),
            strip_rows: strips
                .iter()
                .map(|strip| strip.rows.len())
                .max()
                .unwrap_or(0),
            strips,
            blocks: blocks(&params, &layout, n_bins, pooled),
            bins,
            tail: tail(layout.n_values_per_block()),
            params,
            shape,
            layout,
            n_bins,
            columns,
            pooled,
        }
    }

    /// Numbers of an image.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.layout.n_features()
    }

    /// What was chosen.
    #[must_use]
    pub fn params(&self) -> &HogParams {
        &self.params
    }

    /// The images it is for.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// What each number of the output stands for.
    #[must_use]
    pub fn layout(&self) -> HogLayout {
        self.layout
    }

    /// Memory for [`HogConfig::extract`], to be used for one image after the other.
    #[must_use]
    pub fn scratch(&self) -> HogScratch {
        HogScratch::new(self)
    }

    /// The HoG of an image into `out`: `n_features` finite numbers, the same bits at every level.
    ///
    /// # Panics
    /// When `image` is not of the shape that the HoG is for, `out` is not of
    /// [`HogConfig::n_features`] numbers, or `scratch` was made for a different HoG.
    pub fn extract(&self, level: Level, image: &[u8], scratch: &mut HogScratch, out: &mut [f32]) {
        self.extract_before(level, image, &[], scratch, out);
    }

    /// The same, and asks the CPU for the bytes of the next image meanwhile.
    pub(in crate::features) fn extract_before(
        &self,
        level: Level,
        image: &[u8],
        next: &[u8],
        scratch: &mut HogScratch,
        out: &mut [f32],
    ) {
        assert_eq!(image.len(), self.shape.len(), "bytes of the image");
        assert_eq!(out.len(), self.n_features(), "numbers of the output");
        assert!(scratch.fits(self), "scratch of a different HoG");
        level.run(Extract {
            config: self,
            image,
            next,
            scratch,
            out,
        });
    }

    /// Vectors along a row.
    pub(super) fn chunks(&self) -> usize {
        self.shape.width.div_ceil(LANES)
    }

    /// Channels whose gradients are taken.
    pub(super) fn n_planes(&self) -> usize {
        match self.params.color {
            HogColor::Strongest => self.shape.channels,
            HogColor::Grey => 1,
        }
    }

    /// Whether gradients are differences of the bytes themselves.
    pub(super) fn of_bytes(&self) -> bool {
        let plain = self.params.color == HogColor::Strongest || self.shape.channels == 1;
        plain && !self.params.gamma && self.params.mode != HogMode::Cs231n
    }

    /// Whether some lanes of the field are of no pixel, or of one without votes.
    pub(super) fn has_silent(&self) -> bool {
        !self.shape.width.is_multiple_of(LANES) || self.params.mode == HogMode::Uoctti
    }

    /// Where the votes of a chunk of a strip's row are, in vectors.
    pub(super) fn votes_at(&self, chunk: usize, row: usize) -> Range<usize> {
        let first = (chunk * self.strip_rows + row) * FIELD;
        first..first + FIELD
    }

    /// Floats of a row of a plane: its pixels in whole vectors, and a vector's margin on both sides.
    pub(super) fn stride(&self) -> usize {
        (self.chunks() + 2) * LANES
    }

    /// Numbers of a block in whole vectors.
    pub(super) fn padded_block(&self) -> usize {
        self.layout.n_values_per_block().next_multiple_of(LANES)
    }
}

/// The targets along an axis of `length` pixels; all weights times `scale`.
fn targets(params: &HogParams, n_blocks: usize, length: usize, scale: f32) -> Vec<Target> {
    let cell = params.cell;
    let side = (cell * params.block) as f32;
    let sharing = Sharing {
        cell,
        spatial: params.spatial,
        window: match params.mode {
            HogMode::Opencv => Some(side / 2.0),
            HogMode::Default => Some(side / 2.0 - 0.5),
            _ => None,
        },
    };
    let whole = length / cell;
    let mut targets = match params.mode {
        HogMode::Default | HogMode::Opencv => sharing.blocks(n_blocks, params.block, params.stride),
        HogMode::Uoctti => sharing.row_of_cells(n_blocks, length, 0),
        HogMode::Skimage | HogMode::Cs231n => sharing.row_of_cells(whole, whole * cell, 0),
    };
    for target in &mut targets {
        let mean = match params.mode {
            HogMode::Cs231n => scale / cell as f32,
            _ => scale,
        };
        target.weights.iter_mut().for_each(|weight| *weight *= mean);
    }
    targets
}

/// All bits or none.
fn mask(all: bool) -> f32 {
    f32::from_bits(if all { u32::MAX } else { 0 })
}

/// What of the last of the vectors that `n_values` numbers take is used.
fn tail(n_values: usize) -> [f32; LANES] {
    let used = n_values - (n_values - 1) / LANES * LANES;
    core::array::from_fn(|i| mask(i < used))
}

/// Which columns of pixels have both neighbours; forward differences need only the next one.
fn inside<T, const N: usize>(
    params: &HogParams,
    width: usize,
    mask: impl Fn(bool) -> T,
) -> Vec<[T; N]> {
    let first = usize::from(params.mode != HogMode::Cs231n);
    let with_neighbours = first..width - 1;
    (0..width)
        .step_by(N)
        .map(|chunk| core::array::from_fn(|i| mask(with_neighbours.contains(&(chunk + i)))))
        .collect()
}

/// Where the numbers of each block are among the pooled ones.
fn blocks(params: &HogParams, layout: &HogLayout, n_bins: usize, pooled: usize) -> Vec<Vec<Run>> {
    if params.mode == HogMode::Uoctti {
        return Vec::new();
    }
    let step = match params.mode {
        HogMode::Default | HogMode::Opencv => params.block,
        _ => params.stride / params.cell,
    };
    let n_values = layout.n_values_per_block();
    (0..layout.n_features() / n_values)
        .map(|block| {
            let mut runs: Vec<Run> = Vec::new();
            for cell in 0..n_values / n_bins {
                let at = layout.locate(block * n_values + cell * n_bins);
                let row = at.block_row * step + at.cell_row;
                let col = at.block_col * step + at.cell_col;
                let from = col * pooled + row * n_bins;
                match runs.last_mut() {
                    Some(run) if run.from + run.len == from => run.len += n_bins,
                    _ => runs.push(Run { from, len: n_bins }),
                }
            }
            runs
        })
        .collect()
}

impl Orientations {
    fn new(params: &HogParams) -> Self {
        let turn = if params.signed { 360.0 } else { 180.0 };
        match (params.mode, params.votes) {
            (HogMode::Uoctti, _) => Self::hard(2 * params.bins, 360.0, 0.5),
            // One bin has no neighbours.
            (_, HogVotes::Linear) if params.bins > 1 => Self::linear(params.bins, turn),
            _ => Self::hard(params.bins, turn, 0.0),
        }
    }
}
