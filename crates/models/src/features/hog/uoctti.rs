//! Felzenszwalb's cells: each normalised by the energy of the four squares of 2 x 2 cells around it,
//! clipped, and then summed over either the squares or the bins.

use super::config::HogConfig;
use super::scratch::HogScratch;
use nearplane_kernels::Lanes;

/// All cells; the output has one quantity of all cells after the other.
#[inline(always)]
pub(super) fn cells<L: Lanes>(
    _lanes: L,
    config: &HogConfig,
    scratch: &mut HogScratch,
    out: &mut [f32],
) {
    let params = config.params();
    let layout = config.layout();
    let (bins, rows, cols) = (params.bins, layout.block_rows, layout.block_cols);
    let n_cells = rows * cols;
    let histograms = scratch.histograms.as_slice();
    let histogram =
        |y: usize, x: usize| &histograms[x * config.pooled + y * 2 * bins..][..2 * bins];
    // Opposite directions together.
    let energy = |y: usize, x: usize| -> f32 {
        let (ahead, back) = histogram(y, x).split_at(bins);
        let both = ahead.iter().zip(back).map(|(a, b)| a + b);
        both.map(|h| h * h).sum()
    };
    for y in 0..rows {
        for x in 0..cols {
            // At the border of the image the cell itself stands for what is outside.
            let (above, below) = (y.saturating_sub(1), (y + 1).min(rows - 1));
            let (left, right) = (x.saturating_sub(1), (x + 1).min(cols - 1));
            let squares = [(above, left), (above, right), (below, left), (below, right)];
            let factors = squares.map(|(v, h)| {
                let sum = energy(v, h) + energy(v, x) + energy(y, h) + energy(y, x);
                1.0 / (sum + params.epsilon).sqrt()
            });
            let (ahead, back) = histogram(y, x).split_at(bins);
            let mut texture = [0.0; 4];
            let mut put = |quantity: usize, value: f32| {
                out[quantity * n_cells + y * cols + x] = value;
            };
            for (k, (&a, &b)) in ahead.iter().zip(back).enumerate() {
                let clipped = |h: f32| factors.map(|factor| (factor * h).min(params.clip));
                let both = clipped(a + b);
                put(k, 0.5 * clipped(a).iter().sum::<f32>());
                put(bins + k, 0.5 * clipped(b).iter().sum::<f32>());
                put(2 * bins + k, 0.5 * both.iter().sum::<f32>());
                for (texture, h) in texture.iter_mut().zip(both) {
                    *texture += h;
                }
            }
            for (i, texture) in texture.into_iter().enumerate() {
                put(3 * bins + i, texture / 18.0_f32.sqrt());
            }
        }
    }
}
