//! The picture of `predict --explain`: what each pixel adds to the score of the predicted class.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use nearplane_models::features::ImageShape;
use nearplane_report::{Picture, Sheet, contact_sheet};

use crate::fitted::Fitted;
use crate::pending::PendingFile;

/// Pixels of the picture for one of an image.
const SCALE: usize = 6;
const GAP: usize = 4;
const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;

/// A row for each image: the image, and its contributions.
pub(super) fn draw(
    file: &mut PendingFile,
    fitted: &Fitted,
    pixels: &[u8],
    labels: &[usize],
) -> Result<()> {
    let model = &fitted.file.model;
    if fitted.spec().as_deref() != Some("raw") {
        bail!(
            "{} looks at features ({}), whose numbers are not those of single pixels; --explain needs a model of raw \
             pixels",
            fitted.name(),
            fitted.spec().unwrap_or_default()
        );
    }
    let size = (SIDE * SCALE) as u32;
    let mut sheet = Sheet::new(2, labels.len(), (size, size), GAP);
    for (row, image) in pixels.chunks_exact(ImageShape::CIFAR.len()).enumerate() {
        let contributions = contributions(model.weight(), labels[row], image);
        sheet.put(0, row, &contact_sheet(&[image], 1, SCALE, 0));
        sheet.put(1, row, &map(&contributions));
    }
    let png = sheet.finish().to_png()?;
    let cannot = file.cannot_write();
    file.write_all(&png).context(cannot)
}

/// What each pixel adds, all channels together, to the score of a class minus the mean score of all: they sum to that
/// difference without the biases.
fn contributions(weight: &[f32], label: usize, image: &[u8]) -> Vec<f32> {
    let n_features = image.len();
    let n_classes = weight.len() / n_features;
    let mut sums = vec![0.0; PLANE];
    for (place, &byte) in image.iter().enumerate() {
        let of_class = |class: usize| weight[class * n_features + place];
        let mean = (0..n_classes).map(of_class).sum::<f32>() / n_classes as f32;
        sums[place % PLANE] += (of_class(label) - mean) * f32::from(byte);
    }
    sums
}

/// Green for what speaks for the class, red for what speaks against it, white for neither; the strongest is full.
fn map(contributions: &[f32]) -> Picture {
    let most = contributions
        .iter()
        .fold(0.0f32, |most, c| most.max(c.abs()));
    let side = SIDE * SCALE;
    let mut rgb = Vec::with_capacity(3 * side * side);
    for y in 0..side {
        for x in 0..side {
            let value = contributions[y / SCALE * SIDE + x / SCALE];
            let strength = if most > 0.0 {
                (value / most).abs()
            } else {
                0.0
            };
            let full = if value > 0.0 {
                [0.0, 130.0, 80.0]
            } else {
                [200.0, 30.0, 60.0]
            };
            rgb.extend(
                full.map(|channel: f32| (255.0 + (channel - 255.0) * strength).round() as u8),
            );
        }
    }
    Picture::new(side as u32, side as u32, rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contributions_sum_to_the_difference_of_scores() {
        let image: Vec<u8> = (0..3 * PLANE).map(|i| (i * 7 % 256) as u8).collect();
        let weight: Vec<f32> = (0..9 * PLANE)
            .map(|i| ((i * 13 % 101) as f32 - 50.0) / 1000.0)
            .collect();
        let score = |class: usize| -> f32 {
            let row = &weight[class * 3 * PLANE..][..3 * PLANE];
            row.iter().zip(&image).map(|(w, &x)| w * f32::from(x)).sum()
        };
        let mean = (0..3).map(score).sum::<f32>() / 3.0;
        let sum: f32 = contributions(&weight, 1, &image).iter().sum();
        assert!((sum - (score(1) - mean)).abs() < 0.5, "{sum}");
    }
}
