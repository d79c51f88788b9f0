//! Codes for rows of f32: a byte for each column (lemmas 8 and 9).
//!
//! Features spread over many directions, so that a few coordinates say little about distances; but a byte says
//! most of what a float does, and products of bytes are many times as fast.

use super::code::{Codes, FARTHEST, Lengths, Scale};
use super::components::evenly;
use super::sums::Groups;
use crate::neighbors::{Metric, Rows};

/// Rows that the range of values is learnt from.
const SAMPLE: usize = 1000;

/// One value in so many may be beyond what a byte can hold, and is clamped.
const BEYOND: usize = 2000;

/// Columns that the coarse code takes together.
const COARSE: usize = 8;

/// Slacks and reaches are counted in parts of a unit.
const GRAIN: u64 = 64;

/// `b(x) = round((x - low) / unit)` for each column, clamped to a byte.
#[derive(Debug)]
pub(super) struct Quantizer {
    metric: Metric,
    low: Vec<f32>,
    unit: f32,
}

impl Quantizer {
    /// From some of the rows; `None` where numbers are too large.
    pub(super) fn learn(rows: &Rows<'_, f32>, metric: Metric) -> Option<Self> {
        let sample = || evenly(rows.len(), SAMPLE).map(|row| rows.row(row));
        let mut low = vec![f32::INFINITY; rows.cols()];
        for row in sample() {
            for (low, &value) in low.iter_mut().zip(row) {
                *low = low.min(value);
            }
        }
        let above = |row: &'_ [f32], low: &[f32]| -> Vec<f32> {
            row.iter()
                .zip(low)
                .map(|(value, low)| value - low)
                .collect()
        };
        let mut heights: Vec<f32> = sample().flat_map(|row| above(row, &low)).collect();
        let beyond = heights.len() / BEYOND;
        let at = (heights.len() - 1).checked_sub(beyond)?;
        let (_, highest, _) = heights.select_nth_unstable_by(at, f32::total_cmp);
        let unit = *highest / 255.0;
        if !unit.is_finite() || unit > f32::MAX / 1024.0 {
            return None;
        }
        Some(Self {
            metric,
            low,
            // Rows that are all alike, or nearly, need no unit; this one divides without overflow.
            unit: unit.max(f32::MIN_POSITIVE * 1e8),
        })
    }

    pub(super) fn lengths(&self) -> Lengths {
        Lengths {
            coarse: self.coarse().len(),
            first: self.low.len(),
            detail: self.low.len(),
        }
    }

    fn coarse(&self) -> Groups {
        Groups::runs(self.low.len(), COARSE)
    }

    /// Of the first code and the detailed, which are the same.
    pub(super) fn scale(&self) -> Scale {
        Scale::new(GRAIN, self.metric == Metric::L2)
    }

    pub(super) fn encode(&self, rows: &[&[f32]]) -> Codes {
        let mut codes = Codes::default();
        let (mut lines, mut sums) = (Vec::new(), Vec::new());
        for row in rows {
            let at = codes.first.len();
            let moved = self.bytes(row, &mut codes.first);
            // Below 2^31: at most half a unit a column, GRAIN times.
            codes.first_slack.push(in_grains(moved) as u32);
            let room = [&mut lines, &mut sums];
            self.coarse()
                .means(&codes.first[at..], room, &mut codes.coarse);
        }
        codes.detail.clone_from(&codes.first);
        codes.detail_slack.clone_from(&codes.first_slack);
        codes
    }

    /// Appends the bytes of a row, and returns how far they are from the clamped row, in units.
    fn bytes(&self, row: &[f32], out: &mut Vec<u8>) -> f64 {
        let unit = f64::from(self.unit);
        let inverse = 1.0 / unit;
        let is_squared = self.metric == Metric::L2;
        let mut moved = 0.0;
        out.extend(row.iter().zip(&self.low).map(|(&value, &low)| {
            let height = ((f64::from(value) - f64::from(low)) * inverse).clamp(0.0, 255.0);
            // Any byte would do, as the error is that of the byte chosen.
            let byte = (height + 0.5) as u8;
            let error = (height - f64::from(byte)).abs();
            moved += if is_squared { error * error } else { error };
            byte
        }));
        if is_squared { moved.sqrt() } else { moved }
    }

    /// What rows at the threshold `t` (for L2 its square) reach, as 32 ordered bits: the largest true
    /// distance of rows whose distance was computed as that.
    pub(super) fn reach(&self, threshold: u32) -> u64 {
        let found = f64::from(f32::from_bits(threshold));
        let n = self.low.len() as f64;
        let relative = 1.1 * (n + 3.0) * f64::from(f32::EPSILON) / 2.0;
        let largest = found * (1.0 + relative) + n * 2.0_f64.powi(-140);
        let distance = match self.metric {
            Metric::L2 => largest.sqrt(),
            _ => largest,
        };
        // The bits that stand for no threshold yet are those of a NaN.
        if distance.is_finite() {
            in_grains(distance / f64::from(self.unit))
        } else {
            FARTHEST
        }
    }
}

/// Rounded up, by one more than what f64 may have lost.
fn in_grains(distance: f64) -> u64 {
    let grains = distance * (1.0 + 1e-9) * GRAIN as f64;
    (grains.ceil() as u64).saturating_add(1).min(FARTHEST)
}
