//! Histograms as data for a plot: raw and smoothed, in pixels, with the colours of the bins.

use super::{HistogramConfig, HistogramSpace};
use nearplane_kernels::Level;

/// The colour histograms of one image, raw and smoothed; [`HistogramConfig::curves`] makes it.
///
/// Numbers lie cell by cell (`grid x grid`, row by row), in a cell histogram by histogram, then bin by
/// bin: those of one histogram sum to the pixels of its cell, raw and smoothed alike. Along an axis,
/// bin j is from [`edges`](HistogramConfig::edges)`[j]` to `[j + 1]`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HistogramCurves {
    /// Cells along each side of the image.
    pub grid: usize,
    /// Histograms of a cell: one for each channel (`Rgb`), else 1.
    pub channels: usize,
    /// Bins of a histogram.
    pub bins: usize,
    /// Counts of pixels.
    pub raw: Vec<f32>,
    /// The same after the passes of smoothing that were asked for, at least one.
    pub smoothed: Vec<f32>,
    /// Red, green and blue in the middle of each bin of a cell, `channels x bins`; hues are at their
    /// purest.
    pub colors: Vec<[u8; 3]>,
}

impl HistogramConfig {
    /// The histograms of an image as data for a plot, before normalisation: raw, and after `smooth`
    /// passes of smoothing (one pass where `smooth` is 0, which has no second curve).
    ///
    /// # Panics
    /// If `image` has another length than the shape says.
    ///
    /// ```
    /// use nearplane_kernels::Level;
    /// use nearplane_models::features::{HistogramParams, HistogramSpace, ImageShape};
    /// let shape = ImageShape { channels: 3, height: 1, width: 4 };
    /// let params = HistogramParams { bins: 6, ..HistogramParams::of(HistogramSpace::Hsv) };
    /// let image = [255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]; // four red pixels
    /// let curves = params.check(shape)?.curves(Level::detect(), &image);
    /// assert_eq!(curves.raw, [4.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    /// assert_eq!(curves.smoothed, [2.0, 1.0, 0.0, 0.0, 0.0, 1.0]); // hue goes around
    /// assert_eq!(curves.colors[0], [255, 128, 0]); // the middle between red and yellow
    /// # Ok::<(), nearplane_models::features::HistogramError>(())
    /// ```
    #[must_use]
    pub fn curves(&self, level: Level, image: &[u8]) -> HistogramCurves {
        let mut scratch = self.scratch();
        let mut raw = vec![0.0; self.n_features()];
        self.counts(level, image, &mut scratch, &mut raw);
        let mut smoothing = self.clone();
        smoothing.params.smooth = self.params.smooth.max(1);
        let mut smoothed = raw.clone();
        for histogram in smoothed.chunks_exact_mut(self.bins()) {
            smoothing.smooth(histogram, &mut scratch.line);
        }
        HistogramCurves {
            grid: self.params.grid,
            channels: self.channels(),
            bins: self.bins(),
            raw,
            smoothed,
            colors: self.colors(),
        }
    }

    /// The colour in the middle of each bin of a cell.
    fn colors(&self) -> Vec<[u8; 3]> {
        let n = self.params.bins;
        let level = |bin: usize| {
            let first = (bin * 256).div_ceil(n);
            let last = ((bin + 1) * 256).div_ceil(n) - 1;
            ((first + last) / 2) as u8
        };
        let of_channel = |channel: usize, bin: usize| {
            let mut color = [0; 3];
            match self.shape.channels {
                1 => color = [level(bin); 3],
                _ => color[channel] = level(bin),
            }
            color
        };
        match self.params.space {
            HistogramSpace::Rgb => (0..self.channels() * n)
                .map(|i| of_channel(i / n, i % n))
                .collect(),
            HistogramSpace::Hsv => (0..n)
                .map(|bin| hue((bin as f32 + 0.5) / n as f32))
                .collect(),
            HistogramSpace::Joint => (0..n * n * n)
                .map(|bin| [bin / (n * n), bin / n % n, bin % n].map(level))
                .collect(),
        }
    }
}

/// The purest colour of a hue, 0 to 1 around the circle from red by green.
fn hue(hue: f32) -> [u8; 3] {
    // A channel is full within a sixth of its own place on the circle, and gone from a third on.
    [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|own: f32| {
        let apart = (hue - own).abs();
        let apart = apart.min(1.0 - apart);
        (255.0 * (2.0 - 6.0 * apart).clamp(0.0, 1.0)).round() as u8
    })
}
