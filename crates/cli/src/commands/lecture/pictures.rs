//! Small pictures that several chapters need: rows of images, templates, glyphs.

use nearplane_models::features::{HogCells, HogConfig};
use nearplane_report::{Glyphs, Picture, Tile, contact_sheet};

/// Frame of what was recognised.
pub(super) const RIGHT: [u8; 3] = [0, 150, 90];
/// Frame of what was not.
pub(super) const WRONG: [u8; 3] = [214, 40, 70];
/// Frame of what is neither.
pub(super) const PLAIN: [u8; 3] = [120, 130, 145];

/// Images beside each other.
pub(super) fn row(images: &[&[u8]], columns: usize) -> Picture {
    contact_sheet(images, columns, 1, 2)
}

/// Images beside each other in frames.
pub(super) fn framed(images: &[(&[u8], [u8; 3])], columns: usize) -> Picture {
    let tiles: Vec<Tile<'_>> = images
        .iter()
        .map(|(pixels, color)| Tile::framed(pixels, *color))
        .collect();
    contact_sheet(&tiles, columns, 1, 5)
}

/// The largest weight, whatever its sign.
pub(super) fn largest(weights: &[f32]) -> f32 {
    weights.iter().fold(0.0, |most, w| w.abs().max(most))
}

/// A row of W as an image: 0 is gray, and `most` (without it, the largest weight of the row) is as far from it as can be.
pub(super) fn template(weights: &[f32], most: Option<f32>) -> Vec<u8> {
    let most = most.unwrap_or_else(|| largest(weights));
    let scale = if most > 0.0 { 127.0 / most } else { 0.0 };
    let byte = |w: &f32| (128.0 + w * scale).round().clamp(0.0, 255.0) as u8;
    weights.iter().map(byte).collect()
}

/// The edges of a HoG.
pub(super) fn glyphs(cells: &HogCells, config: &HogConfig, scale: usize) -> Picture {
    let cells = cells.unsigned();
    let angles = cells.edge_angles();
    let shape = config.shape();
    Glyphs::new(
        cells.rows,
        cells.cols,
        cells.side,
        &angles,
        &cells.strengths,
    )
    .picture(shape.width, shape.height, scale)
}
