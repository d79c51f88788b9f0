//! The histograms of a HoG back in their places in the image, for glyphs and plots.

use super::config::HogConfig;
use super::layout::{HogOrder, HogQuantity};
use super::params::HogMode;

/// The orientation histograms of one image on a grid of squares; [`HogConfig::cells`] makes it.
///
/// Normalisation sees a cell once for each block that it is in. The strength of a square is the mean
/// over these copies, each for the share that the Gaussian window of its block leaves it,
///
/// ```text
/// strengths[y, x, k] = sum_b v_b[cell, k] / sum_b w_b,   b: the blocks of which a cell holds the square (y, x)
/// ```
///
/// w is the sum of the pixels' weights for the cell, divided by its mean over the cells of a block: a
/// cell in the corner of a block has less of everything, which says nothing about the image. Without a
/// window (`skimage`, `cs231n`, `uoctti`) all w are 1 and this is the plain mean. Units are those of
/// the features.
///
/// A square is a cell where blocks begin at cells, which is the default; otherwise cells overlap,
/// squares are as large as the greatest common divisor of `cell` and `stride`, and the sums are over
/// all cells that hold the square. Squares of no cell, which strides longer than a block leave, have 0.
///
/// In `uoctti` these are the `2 bins` signed orientations: the unsigned ones repeat them without the
/// sign, and textures have no orientation. The last cells may reach beyond the image there; in all
/// modes the grid may end before it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HogCells {
    /// Rows of squares.
    pub rows: usize,
    /// Columns of squares.
    pub cols: usize,
    /// Pixels along a square.
    pub side: usize,
    /// The middles of the bins: directions of gradients in degrees, from the direction of x towards
    /// that of y (down).
    pub centres: Vec<f32>,
    /// `rows x cols x bins`, row-major, not negative.
    pub strengths: Vec<f32>,
}

impl HogConfig {
    /// The histograms of an image in their places: `features` is what [`HogConfig::extract`] gave.
    ///
    /// # Panics
    /// If there are not [`HogConfig::n_features`] numbers.
    ///
    /// ```
    /// use nearplane_kernels::Level;
    /// use nearplane_models::features::{HogMode, HogParams, ImageShape};
    /// let hog = HogParams::new(HogMode::Skimage).check(ImageShape::CIFAR)?;
    /// let image: Vec<u8> = (0..3072).map(|i| (i / 32 % 32 * 5) as u8).collect(); // brighter downwards
    /// let mut features = vec![0.0; hog.n_features()];
    /// hog.extract(Level::detect(), &image, &mut hog.scratch(), &mut features);
    /// let cells = hog.cells(&features);
    /// assert_eq!((cells.rows, cells.cols, cells.side), (4, 4, 8));
    /// assert_eq!((cells.centres[4], cells.edge_angles()[4]), (90.0, 0.0)); // the edge is level
    /// assert!(cells.cell(1, 2)[4] > 0.0 && cells.cell(1, 2)[3] == 0.0);
    /// # Ok::<(), nearplane_models::features::HogError>(())
    /// ```
    #[must_use]
    pub fn cells(&self, features: &[f32]) -> HogCells {
        assert!(
            features.len() == self.n_features(),
            "{} numbers for a HoG of {}",
            features.len(),
            self.n_features()
        );
        let (params, layout) = (self.params(), self.layout());
        let n_bins = self.n_bins;
        let side = greatest_common_divisor(params.cell, params.stride);
        let along = |blocks: usize| {
            ((blocks - 1) * params.stride + layout.cells_per_side * params.cell) / side
        };
        let (rows, cols) = (along(layout.block_rows), along(layout.block_cols));
        let shares = self.shares();
        let mut strengths = vec![0.0; rows * cols * n_bins];
        let mut weights = vec![0.0; strengths.len()];
        let n_blocks = layout.block_rows * layout.block_cols;
        for (feature, &strength) in features.iter().enumerate() {
            let bin = match layout.order {
                HogOrder::Planes => feature / n_blocks,
                _ => feature % layout.n_values_per_cell,
            };
            if bin >= n_bins {
                continue;
            }
            let at = layout.locate(feature);
            let share = shares[at.cell_row] * shares[at.cell_col];
            let squares = |first: usize| first / side..(first + params.cell) / side;
            for y in squares(at.top) {
                for x in squares(at.left) {
                    let to = (y * cols + x) * n_bins + bin;
                    strengths[to] += strength;
                    weights[to] += share;
                }
            }
        }
        for (strength, &weight) in strengths.iter_mut().zip(&weights) {
            if weight > 0.0 {
                *strength /= weight;
            }
        }
        let centre = |bin| match layout.quantity(bin) {
            HogQuantity::Bin { centre, .. } => centre,
            HogQuantity::Texture => 0.0,
        };
        HogCells {
            rows,
            cols,
            side,
            centres: (0..n_bins).map(centre).collect(),
            strengths,
        }
    }

    /// What each cell along a side of a block has of the weights of pixels: 1 on the average.
    fn shares(&self) -> Vec<f32> {
        let per_side = self.layout().cells_per_side;
        match self.params().mode {
            HogMode::Default | HogMode::Opencv => {
                // The targets of the first block; those of the others, and of rows, are alike.
                let cells = &self.columns[..per_side];
                let sums: Vec<f32> = cells.iter().map(|cell| cell.weights.iter().sum()).collect();
                let mean = sums.iter().sum::<f32>() / per_side as f32;
                sums.iter().map(|sum| sum / mean).collect()
            }
            _ => vec![1.0; per_side],
        }
    }
}

impl HogCells {
    /// The histogram of a square.
    ///
    /// # Panics
    /// If there is no such square.
    #[must_use]
    pub fn cell(&self, row: usize, col: usize) -> &[f32] {
        assert!(
            row < self.rows && col < self.cols,
            "square ({row}, {col}) of {} x {}",
            self.rows,
            self.cols
        );
        let n_bins = self.centres.len();
        &self.strengths[(row * self.cols + col) * n_bins..][..n_bins]
    }

    /// Along which angle the edges of each bin run: a right angle from its gradients, in degrees from 0
    /// to below 180, from the direction of x towards that of y (down). 0 is level, 90 upright.
    #[must_use]
    pub fn edge_angles(&self) -> Vec<f32> {
        let turned = self.centres.iter().map(|centre| half_turn(centre + 90.0));
        turned.collect()
    }

    /// The same without signs: centres from 0 to below 180, ascending, bins of opposite directions
    /// added. An edge looks the same from both sides.
    #[must_use]
    pub fn unsigned(&self) -> Self {
        let mut bins: Vec<(f32, Vec<usize>)> = Vec::new();
        for (bin, &centre) in self.centres.iter().enumerate() {
            let centre = half_turn(centre);
            match bins.iter_mut().find(|(of, _)| (of - centre).abs() < SAME) {
                Some((_, same)) => same.push(bin),
                None => bins.push((centre, vec![bin])),
            }
        }
        bins.sort_by(|a, b| a.0.total_cmp(&b.0));
        let merged = self
            .strengths
            .chunks_exact(self.centres.len())
            .flat_map(|cell| {
                bins.iter()
                    .map(|(_, same)| same.iter().map(|&bin| cell[bin]).sum::<f32>())
            });
        Self {
            strengths: merged.collect(),
            centres: bins.iter().map(|&(centre, _)| centre).collect(),
            ..*self
        }
    }
}

/// Degrees that separate two angles only by rounding: bins are at least 180 / 360 degrees apart, and
/// half of that with signs.
const SAME: f32 = 0.1;

/// An angle of a line in degrees, from 0 to below 180.
fn half_turn(angle: f32) -> f32 {
    let angle = angle.rem_euclid(180.0);
    // The remainder of a tiny negative number is rounded up to the divisor.
    if angle > 180.0 - SAME / 2.0 {
        0.0
    } else {
        angle
    }
}

fn greatest_common_divisor(mut a: usize, mut b: usize) -> usize {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
