//! What each pixel along an axis gives to each place that collects votes.
//!
//! Every weight of a HoG is a product of one for the row and one for the column of a pixel, also
//! where blocks overlap, cells share their votes and a Gaussian window lies over a block. So votes
//! are collected along one axis first and then along the other, and an axis is a list of targets,
//! each with the weights of a run of pixels.

use core::ops::Range;

/// A cell, or the cell of a block, along an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// The block that it is of.
    pub(super) block: usize,
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
        for b in 0..n_blocks {
            let cells = self.row_of_cells(block, block * self.cell, b * stride);
            targets.extend(cells.into_iter().map(|cell| Target { block: b, ..cell }));
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
                block: 0,
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

/// Rows that give to the same one or two blocks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Band {
    /// The rows, [`BAND_ROWS`] or fewer.
    pub(super) rows: Range<usize>,
    /// What all of them give to.
    pub(super) first: Part,
    /// One cell of a second block, where `first` has two cells.
    pub(super) second: Option<Part>,
}

/// Most rows of a band: what their pixels vote stays in registers.
pub(super) const BAND_ROWS: usize = 4;

/// Bands whose votes are found at once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Strip {
    /// Their rows, [`STRIP_ROWS`] or fewer.
    pub(super) rows: Range<usize>,
    /// The bands.
    pub(super) bands: Vec<Band>,
}

/// Most rows of a strip: enough for the CPU to work on many at a time, and few enough for its first
/// cache.
pub(super) const STRIP_ROWS: usize = 8;

/// Bands in runs.
pub(super) fn strips(bands: Vec<Band>) -> Vec<Strip> {
    let mut strips: Vec<Strip> = Vec::new();
    for band in bands {
        match strips.last_mut() {
            Some(strip) if band.rows.end - strip.rows.start <= STRIP_ROWS => {
                strip.rows.end = band.rows.end;
                strip.bands.push(band);
            }
            _ => strips.push(Strip {
                rows: band.rows.clone(),
                bands: vec![band],
            }),
        }
    }
    strips
}

/// One cell of a block, or two beside each other, that some rows give to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// The first cell.
    pub(super) target: usize,
    /// Whether no band before has given to it.
    pub(super) fresh: bool,
    /// For each row what part of its vote the cells have together.
    pub(super) weights: Vec<f32>,
    /// How two cells share.
    pub(super) shared: Option<Shared>,
}

/// Between the middles of two cells the first one's share falls by the same amount from row to row.
/// So it is a S + b Q, where S is the sum of what rows give to both and Q that of the sums S after
/// each row, and no row has to be multiplied with two weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shared {
    /// a
    pub(super) of_sum: f32,
    /// b
    pub(super) of_sums: f32,
    /// Whether no band before has given to the second cell, target + 1.
    pub(super) fresh: bool,
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
        let same = (first + 1..n_rows).find(|&row| active(row) != of_first);
        // 4, 2 or 1.
        let length = (same.unwrap_or(n_rows) - first).min(BAND_ROWS);
        let rows = first..first + (1 << length.ilog2());
        let of_blocks = of_first.chunk_by(|&a, &b| targets[a].block == targets[b].block);
        let parts = of_blocks.map(|cells| Part::new(targets, cells, rows.clone()));
        let (pairs, singles): (Vec<_>, Vec<_>) = parts.partition(|part| part.shared.is_some());
        let mut singles = singles.into_iter();
        for first in pairs {
            let second = singles.next();
            bands.push(Band {
                rows: rows.clone(),
                first,
                second,
            });
        }
        bands.extend(singles.map(|first| Band {
            rows: rows.clone(),
            first,
            second: None,
        }));
        first = rows.end;
    }
    bands
}

impl Part {
    /// Of one cell or two cells that all rows give to.
    fn new(targets: &[Target], cells: &[usize], rows: Range<usize>) -> Self {
        let weight = |cell: usize, row: usize| {
            let target = &targets[cell];
            f64::from(target.weights[row - target.pixels.start])
        };
        let fresh = |cell: usize| targets[cell].pixels.start == rows.start;
        let together = |row: usize| cells.iter().map(|&cell| weight(cell, row)).sum::<f64>();
        let shared = (cells.len() > 1).then(|| {
            let of_first = |row: usize| weight(cells[0], row) / together(row);
            let last = rows.end - 1;
            let fall = (of_first(rows.start) - of_first(last)) / (rows.len() - 1).max(1) as f64;
            // Q has the first row as often as there are rows, and the last one once.
            Shared {
                of_sum: (of_first(last) - fall) as f32,
                of_sums: fall as f32,
                fresh: fresh(cells[1]),
            }
        });
        Self {
            target: cells[0],
            fresh: fresh(cells[0]),
            weights: rows.clone().map(|row| together(row) as f32).collect(),
            shared,
        }
    }
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
                let given = given(&bands(&targets, 32), targets.len());
                for (given, target) in given.iter().zip(&targets) {
                    for (row, &given) in given.iter().enumerate() {
                        let weight = match target.pixels.contains(&row) {
                            true => target.weights[row - target.pixels.start],
                            false => 0.0,
                        };
                        assert!((given - weight).abs() < 1e-6, "{given} of {weight}");
                    }
                }
            }
        }
    }

    /// What each of 32 rows gives to each target, by the sums that the bands stand for; once in a row.
    fn given(bands: &[Band], n_targets: usize) -> Vec<[f32; 32]> {
        let mut given = vec![[0.0; 32]; n_targets];
        let mut give = |target: usize, fresh: bool, row: usize, weight: f32| {
            let place: &mut [f32; 32] = &mut given[target];
            assert_eq!(place[row], 0.0, "row {row} twice to target {target}");
            assert!(!fresh || place[..row].iter().all(|&weight| weight == 0.0) || weight > 0.0);
            place[row] = weight;
        };
        for band in bands {
            assert!((1..=BAND_ROWS).contains(&band.rows.len()));
            for (i, row) in band.rows.clone().enumerate() {
                let of_first = band.first.weights[i];
                match &band.first.shared {
                    None => give(band.first.target, band.first.fresh, row, of_first),
                    Some(shared) => {
                        let after = (band.rows.len() - i) as f32;
                        let part = shared.of_sum + shared.of_sums * after;
                        let target = band.first.target;
                        give(target, band.first.fresh, row, of_first * part);
                        give(target + 1, shared.fresh, row, of_first * (1.0 - part));
                    }
                }
                if let Some(second) = &band.second {
                    give(second.target, second.fresh, row, second.weights[i]);
                }
            }
        }
        given
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
