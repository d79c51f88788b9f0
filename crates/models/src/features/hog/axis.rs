//! What each pixel along an axis gives to each place that collects votes.
//!
//! Every weight of a HoG is a product of one for the row and one for the column of a pixel, also
//! where blocks overlap, cells share their votes and a Gaussian window lies over a block. So votes
//! are collected along one axis first and then along the other, and an axis is a list of targets,
//! each with the weights of a run of pixels.

use core::ops::Range;

/// Most targets that one pass over rows serves: their sums stay in registers.
pub(super) const MAX_ACTIVE: usize = 3;

/// A cell, or the cell of a block, along an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// The pixels that give to it.
    pub(super) pixels: Range<usize>,
    /// What part of its vote each of them gives.
    pub(super) weights: Vec<f32>,
}

/// How the vote of a pixel is shared among the cells along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sharing {
    /// Pixels along a cell.
    pub(super) cell: usize,
    /// Between the two nearest cells, or all for its own.
    pub(super) spatial: bool,
    /// Where the Gaussian window over a block has its middle, if there is one.
    pub(super) window: Option<f32>,
}

impl Sharing {
    /// The targets of blocks of `block` cells that begin at multiples of `stride`, the cells of the
    /// first block first. A vote stays in its block.
    pub(super) fn blocks(self, n_blocks: usize, block: usize, stride: usize) -> Vec<Target> {
        let mut targets = Vec::new();
        for first in (0..n_blocks).map(|b| b * stride) {
            targets.extend(self.row_of_cells(block, block * self.cell, first));
        }
        targets
    }

    /// The targets of `n` cells beside each other, collected from `pixels` pixels.
    pub(super) fn row_of_cells(self, n: usize, pixels: usize, first: usize) -> Vec<Target> {
        let window = |pixel: usize| {
            self.window.map_or(1.0, |middle| {
                // sigma is a quarter of the block.
                let sigma = (n * self.cell) as f32 / 4.0;
                let offset = pixel as f32 - middle;
                (-offset * offset / (2.0 * sigma * sigma)).exp()
            })
        };
        let target = |c: usize| {
            let weight = |pixel: usize| window(pixel) * self.weight(c, pixel);
            let mut given = (0..pixels).filter(|&pixel| weight(pixel) != 0.0);
            let begin = given.next().unwrap_or(0);
            let end = given.next_back().unwrap_or(begin) + 1;
            Target {
                pixels: first + begin..first + end,
                weights: (begin..end).map(weight).collect(),
            }
        };
        (0..n).map(target).collect()
    }

    /// What part of its vote a pixel gives to cell c.
    fn weight(self, c: usize, pixel: usize) -> f32 {
        if self.spatial {
            let position = (pixel as f32 + 0.5) / self.cell as f32 - 0.5;
            (1.0 - (position - c as f32).abs()).max(0.0)
        } else {
            f32::from(pixel / self.cell == c)
        }
    }
}

/// Rows that give to the same few targets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Band {
    /// The rows.
    pub(super) rows: Range<usize>,
    /// Up to [`MAX_ACTIVE`] targets.
    pub(super) targets: Vec<usize>,
    /// For each target, whether no band before has given to it.
    pub(super) fresh: Vec<bool>,
    /// For each row the weight of each target.
    pub(super) weights: Vec<f32>,
}

/// The rows in runs that give to the same targets.
pub(super) fn bands(targets: &[Target], n_rows: usize) -> Vec<Band> {
    let active = |row: usize| -> Vec<usize> {
        (0..targets.len())
            .filter(|&t| targets[t].pixels.contains(&row))
            .collect()
    };
    let mut bands = Vec::new();
    let mut first = 0;
    while first < n_rows {
        let of_first = active(first);
        let end = (first + 1..n_rows)
            .find(|&row| active(row) != of_first)
            .unwrap_or(n_rows);
        for few in of_first.chunks(MAX_ACTIVE) {
            let weight = |row: usize, t: usize| targets[t].weights[row - targets[t].pixels.start];
            bands.push(Band {
                rows: first..end,
                targets: few.to_vec(),
                fresh: few
                    .iter()
                    .map(|&t| targets[t].pixels.start == first)
                    .collect(),
                weights: (first..end)
                    .flat_map(|row| few.iter().map(move |&t| weight(row, t)))
                    .collect(),
            });
        }
        first = end;
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_carry_every_weight_once() {
        for (spatial, window) in [(false, None), (true, None), (true, Some(8.0))] {
            let sharing = Sharing {
                cell: 8,
                spatial,
                window,
            };
            for targets in [
                sharing.blocks(3, 2, 8),
                sharing.blocks(5, 2, 4),
                sharing.row_of_cells(4, 32, 0),
            ] {
                let mut sums = vec![[0.0; 32]; targets.len()];
                for band in bands(&targets, 32) {
                    assert!((1..=MAX_ACTIVE).contains(&band.targets.len()));
                    let rows = band.weights.chunks(band.targets.len());
                    for (row, weights) in band.rows.zip(rows) {
                        for (&t, weight) in band.targets.iter().zip(weights) {
                            sums[t][row] += weight;
                        }
                    }
                }
                for (sum, target) in sums.iter().zip(&targets) {
                    assert_eq!(sum[target.pixels.clone()], target.weights);
                    assert_eq!(sum.iter().sum::<f32>(), target.weights.iter().sum::<f32>());
                }
            }
        }
    }

    #[test]
    fn shared_votes_keep_their_sum_between_centres() {
        let sharing = Sharing {
            cell: 4,
            spatial: true,
            window: None,
        };
        let targets = sharing.row_of_cells(3, 12, 0);
        for pixel in 0..12 {
            let given: f32 = targets
                .iter()
                .filter(|t| t.pixels.contains(&pixel))
                .map(|t| t.weights[pixel - t.pixels.start])
                .sum();
            if (2..10).contains(&pixel) {
                assert!((given - 1.0).abs() < 1e-6);
            } else {
                assert!(given < 1.0);
            }
        }
    }
}
