//! Rows of f32 as rows of bytes, for the codes of both (lemmas 8 and 9).

use crate::neighbors::Metric;

/// Rows that the range of values is learnt from.
pub(super) const SAMPLE: usize = 1000;

/// One value in so many may be beyond what a byte can hold, and is clamped.
const BEYOND: usize = 2000;

/// `b(x) = round((x - low) / unit)` for each column, clamped to a byte.
#[derive(Debug)]
pub(super) struct Quantizer {
    low: Vec<f32>,
    unit: f32,
}

impl Quantizer {
    /// From some of the rows, at least one; `None` where numbers are too large.
    pub(super) fn learn(sample: &[&[f32]]) -> Option<Self> {
        let mut low = vec![f32::INFINITY; sample.first()?.len()];
        for &row in sample {
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
        let mut heights: Vec<f32> = (sample.iter()).flat_map(|row| above(row, &low)).collect();
        let beyond = heights.len() / BEYOND;
        let at = (heights.len() - 1).checked_sub(beyond)?;
        let (_, highest, _) = heights.select_nth_unstable_by(at, f32::total_cmp);
        let unit = *highest / 255.0;
        if !unit.is_finite() || unit > f32::MAX / 1024.0 {
            return None;
        }
        Some(Self {
            low,
            // Rows that are all alike, or nearly, need no unit; this one divides without overflow.
            unit: unit.max(f32::MIN_POSITIVE * 1e8),
        })
    }

    /// Appends the bytes of a row, and returns how far they are from the clamped row by `metric`, in units.
    pub(super) fn encode(&self, row: &[f32], metric: Metric, out: &mut Vec<u8>) -> f64 {
        let unit = f64::from(self.unit);
        let inverse = 1.0 / unit;
        let mut moved = 0.0;
        out.extend(row.iter().zip(&self.low).map(|(&value, &low)| {
            let height = (f64::from(value) - f64::from(low)).clamp(0.0, 255.0 * unit);
            // Any byte would do, as the error is that of the byte chosen.
            let byte = (height * inverse + 0.5) as u8;
            let error = (height * inverse - f64::from(byte)).abs();
            moved += match metric {
                Metric::L2 => error * error,
                _ => error,
            };
            byte
        }));
        match metric {
            Metric::L2 => moved.sqrt(),
            _ => moved,
        }
    }

    /// The largest true distance, in units, of rows whose distance was computed as `found` (for L2 its
    /// square); infinite where that says nothing.
    pub(super) fn distance(&self, found: f32, metric: Metric) -> f64 {
        let n = self.low.len() as f64;
        let relative = 1.1 * (n + 3.0) * f64::from(f32::EPSILON) / 2.0;
        let lost = n * 2.0_f64.powi(-140);
        let largest = f64::from(found) * (1.0 + relative) + lost;
        let distance = match metric {
            Metric::L2 => largest.sqrt(),
            _ => largest,
        };
        distance / f64::from(self.unit) * (1.0 + 1e-9)
    }
}
