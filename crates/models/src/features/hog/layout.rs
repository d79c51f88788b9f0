//! What each number of a HoG stands for.

use super::params::{HogMode, HogParams};
use crate::features::ImageShape;

/// In which order numbers follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HogOrder {
    /// Rows of blocks, blocks of a row, rows of cells, cells of a row, bins.
    RowMajor,
    /// Columns of blocks, blocks of a column, columns of cells, cells of a column, bins.
    ColumnMajor,
    /// The first quantity of all cells, row after row, then the second (`uoctti`).
    Planes,
}

/// The shape of a HoG: which blocks there are, of which cells, with which bins, in which order.
///
/// ```
/// use nearplane_models::features::hog::{HogOrder, HogQuantity};
/// use nearplane_models::features::{HogMode, HogParams, ImageShape};
/// let layout = HogParams::new(HogMode::Opencv).check(ImageShape::CIFAR)?.layout();
/// assert_eq!((layout.block_rows, layout.block_cols, layout.cells_per_side), (3, 3, 2));
/// let at = layout.locate(36 + 9); // the second block, its second cell: both one down
/// assert_eq!((at.block_row, at.block_col, at.cell_row, at.cell_col), (1, 0, 1, 0));
/// assert_eq!((at.top, at.left), (16, 0));
/// assert_eq!(at.quantity, HogQuantity::Bin { centre: 10.0, signed: false });
/// # Ok::<(), nearplane_models::features::HogError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HogLayout {
    /// Rows of blocks (`cs231n` and `uoctti`: of cells).
    pub block_rows: usize,
    /// Columns of blocks (`cs231n` and `uoctti`: of cells).
    pub block_cols: usize,
    /// Cells along the side of a block (`cs231n` and `uoctti`: 1).
    pub cells_per_side: usize,
    /// Numbers of a cell: bins, in `uoctti` 3 `bins` + 4.
    pub n_values_per_cell: usize,
    /// In which order numbers follow each other.
    pub order: HogOrder,
    params: HogParams,
}

/// Where in the image a number comes from, and what it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct HogPosition {
    /// Row of the block.
    pub block_row: usize,
    /// Column of the block.
    pub block_col: usize,
    /// Row of the cell in the block.
    pub cell_row: usize,
    /// Column of the cell in the block.
    pub cell_col: usize,
    /// First row of pixels of the cell.
    pub top: usize,
    /// First column of pixels of the cell.
    pub left: usize,
    /// What it counts.
    pub quantity: HogQuantity,
}

/// What a number of a HoG counts.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum HogQuantity {
    /// Gradients of about one orientation.
    Bin {
        /// The middle of the bin in degrees, from the direction of x towards that of y (down). An
        /// edge in the image runs at a right angle to it.
        centre: f32,
        /// Whether the opposite direction is a different bin.
        signed: bool,
    },
    /// The gradient energy of the cell in one of its four normalisations (`uoctti`).
    Texture,
}

impl HogLayout {
    pub(super) fn new(params: &HogParams, shape: ImageShape) -> Self {
        let (cell, mode) = (params.cell, params.mode);
        let along = |length: usize| match mode {
            // A cell of which at least half is in the image.
            HogMode::Uoctti => (length + cell / 2) / cell,
            // Pixels behind the last whole cell are not used.
            HogMode::Skimage => (length / cell - params.block) / (params.stride / cell) + 1,
            _ => (length - params.block * cell) / params.stride + 1,
        };
        Self {
            block_rows: along(shape.height),
            block_cols: along(shape.width),
            cells_per_side: match mode {
                HogMode::Uoctti => 1,
                _ => params.block,
            },
            n_values_per_cell: match mode {
                HogMode::Uoctti => 3 * params.bins + 4,
                _ => params.bins,
            },
            order: match mode {
                HogMode::Default | HogMode::Skimage => HogOrder::RowMajor,
                HogMode::Opencv | HogMode::Cs231n => HogOrder::ColumnMajor,
                HogMode::Uoctti => HogOrder::Planes,
            },
            params: *params,
        }
    }

    /// Numbers of an image.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.block_rows * self.block_cols * self.n_values_per_block()
    }

    /// Numbers of a block.
    #[must_use]
    pub fn n_values_per_block(&self) -> usize {
        self.cells_per_side * self.cells_per_side * self.n_values_per_cell
    }

    /// What the number `feature` of the output stands for.
    ///
    /// # Panics
    /// When there is no such number.
    #[must_use]
    pub fn locate(&self, feature: usize) -> HogPosition {
        assert!(
            feature < self.n_features(),
            "feature {feature} of {}",
            self.n_features()
        );
        let n_blocks = self.block_rows * self.block_cols;
        let (block, cell, value) = match self.order {
            HogOrder::Planes => (feature % n_blocks, 0, feature / n_blocks),
            _ => {
                let cell = feature / self.n_values_per_cell;
                let per_block = self.cells_per_side * self.cells_per_side;
                (
                    cell / per_block,
                    cell % per_block,
                    feature % self.n_values_per_cell,
                )
            }
        };
        let side = self.cells_per_side;
        let ((block_row, block_col), (cell_row, cell_col)) = match self.order {
            HogOrder::ColumnMajor => (
                (block % self.block_rows, block / self.block_rows),
                (cell % side, cell / side),
            ),
            _ => (
                (block / self.block_cols, block % self.block_cols),
                (cell / side, cell % side),
            ),
        };
        HogPosition {
            block_row,
            block_col,
            cell_row,
            cell_col,
            top: block_row * self.params.stride + cell_row * self.params.cell,
            left: block_col * self.params.stride + cell_col * self.params.cell,
            quantity: self.quantity(value),
        }
    }

    pub(super) fn quantity(&self, value: usize) -> HogQuantity {
        let HogParams {
            mode, bins, signed, ..
        } = self.params;
        let turn = if signed { 360.0 } else { 180.0 };
        let width = turn / bins as f32;
        match mode {
            HogMode::Uoctti if value >= 3 * bins => HogQuantity::Texture,
            HogMode::Uoctti => HogQuantity::Bin {
                centre: (value % (2 * bins)) as f32 * (width / 2.0),
                signed: value < 2 * bins,
            },
            // Its angles are a quarter turn ahead.
            HogMode::Cs231n => HogQuantity::Bin {
                centre: (value as f32 + 0.5) * width - 90.0,
                signed: true,
            },
            _ => HogQuantity::Bin {
                centre: (value as f32 + 0.5) * width,
                signed,
            },
        }
    }
}
