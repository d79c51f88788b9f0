//! What a code is: bytes, slack, and the arithmetic that turns their distance into a decision.

use super::components::{SAMPLE, evenly};
use super::projection::Projection;
use super::quantize::{self, Quantizer};
use super::sums::Sums;
use crate::neighbors::element::kernel;
use crate::neighbors::{Element, Metric, Rows};
use nearplane_kernels::{Kernel, Level, MAX_EXACT_U8, l1_u8, l2_sq_u8};

/// How distances of codes bound distances of rows (lemmas 1 and 2): a row at a distance of at most `t` has
/// `step |q(a) - q(b)| <= s t + e(a) + e(b)`. The right side is the *reach*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    step: u64,
    /// Whether the kernel gives squares.
    squared: bool,
}

/// The largest step.
pub(super) const MAX_STEP: u64 = 1 << 20;

/// A reach that every code is within: not below the largest step times the largest distance of two codes.
pub(super) const FARTHEST: u64 = MAX_STEP << 32;

impl Scale {
    pub(super) fn new(step: u64, squared: bool) -> Self {
        assert!((1..=MAX_STEP).contains(&step));
        Self { step, squared }
    }

    /// Whether codes at distance `of_codes` may belong to rows within the reach.
    pub(super) fn within(self, of_codes: u32, reach: u64) -> bool {
        if self.squared {
            let squared = u128::from(self.step * self.step) * u128::from(of_codes);
            squared <= u128::from(reach) * u128::from(reach)
        } else {
            self.step * u64::from(of_codes) <= reach
        }
    }

    /// The largest distance of codes that is [`within`](Self::within) the reach.
    pub(super) fn cutoff(self, reach: u64) -> u32 {
        let cutoff = if self.squared {
            u128::from(reach) * u128::from(reach) / u128::from(self.step * self.step)
        } else {
            u128::from(reach / self.step)
        };
        u32::try_from(cutoff).unwrap_or(u32::MAX)
    }
}

/// The smallest integer whose square is not below `square`.
pub(super) fn ceil_sqrt(square: u64) -> u64 {
    let root = square.isqrt();
    root + u64::from(root * root < square)
}

/// The codes of some rows, each row-major.
#[derive(Debug, Default)]
pub(super) struct Codes {
    /// What first candidates are chosen by; it bounds nothing.
    pub(super) coarse: Vec<u8>,
    pub(super) first: Vec<u8>,
    pub(super) first_slack: Vec<u32>,
    pub(super) detail: Vec<u8>,
    pub(super) detail_slack: Vec<u32>,
}

/// The length of each code of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) coarse: usize,
    pub(super) first: usize,
    pub(super) detail: usize,
}

/// Makes codes, of rows and of queries alike.
#[derive(Debug)]
pub(super) struct Coder {
    kind: Kind,
    metric: Metric,
    /// For rows of f32.
    quantizer: Option<Quantizer>,
}

/// What makes codes of bytes.
#[derive(Debug)]
enum Kind {
    Sums(Sums),
    Projection(Box<Projection>),
}

impl Coder {
    /// The coder for rows like these; `None` where there is nothing to code.
    pub(super) fn learn<T: Element>(
        rows: &Rows<'_, T>,
        metric: Metric,
        level: Level,
    ) -> Option<Self> {
        if rows.is_empty() || rows.cols() == 0 || rows.cols() > MAX_EXACT_U8 {
            return None;
        }
        let sample = |n| -> Vec<&[T]> { evenly(rows.len(), n).map(|row| rows.row(row)).collect() };
        let quantizer = match T::bytes_or_floats(&sample(quantize::SAMPLE)) {
            Ok(_) => None,
            Err(floats) => Some(Quantizer::learn(floats)?),
        };
        let kind = match metric {
            Metric::L1 if quantizer.is_some() => Kind::Sums(Sums::of_features(rows.cols())),
            Metric::L1 => Kind::Sums(Sums::of_pixels(rows.cols())),
            Metric::L2 => as_bytes(&sample(SAMPLE), quantizer.as_ref(), metric, |bytes, _| {
                Kind::Projection(Box::new(Projection::learn(bytes, level)))
            }),
            Metric::Chi2 => return None,
        };
        Some(Self {
            kind,
            metric,
            quantizer,
        })
    }

    /// The kernel that compares codes.
    pub(super) fn kernel(&self) -> Kernel {
        kernel(self.metric)
    }

    /// The codes of some rows.
    pub(super) fn encode<T: Element>(&self, level: Level, rows: &[&[T]]) -> Codes {
        as_bytes(
            rows,
            self.quantizer.as_ref(),
            self.metric,
            |bytes, moved| {
                let mut codes = match &self.kind {
                    Kind::Sums(sums) => sums.encode(bytes),
                    Kind::Projection(projection) => projection.encode(level, bytes),
                };
                for slacks in [&mut codes.first_slack, &mut codes.detail_slack] {
                    for (slack, &moved) in slacks.iter_mut().zip(moved) {
                        // Bytes are moved by about half of one: by less than 2^16 * 64 (L1) or 2^8 sqrt(n) in all.
                        *slack += self.units(moved) as u32;
                    }
                }
                codes
            },
        )
    }

    /// `s t` for a distance of bytes that need not be whole, rounded up.
    fn units(&self, distance: f64) -> u64 {
        let stretch = match &self.kind {
            Kind::Sums(_) => Sums::GRAIN as f64,
            Kind::Projection(projection) => projection.stretch(),
        };
        // A cast saturates; the largest f64 that rounds down to a reach below is far below the farthest.
        ((stretch * distance * (1.0 + 1e-9)).ceil() as u64)
            .saturating_add(1)
            .min(FARTHEST)
    }

    /// `s t`, rounded up, for the threshold `t` (L1) or `t^2` (L2), as 32 ordered bits.
    pub(super) fn reach(&self, threshold: u32) -> u64 {
        match (&self.quantizer, &self.kind) {
            (None, Kind::Sums(_)) => Sums::GRAIN * u64::from(threshold),
            (None, Kind::Projection(projection)) => projection.reach(threshold),
            (Some(quantizer), _) => {
                let found = f32::from_bits(threshold);
                let distance = quantizer.distance(found, self.metric);
                // Before the first threshold its bits are those of a NaN: everything is within reach.
                if distance.is_finite() {
                    self.units(distance)
                } else {
                    FARTHEST
                }
            }
        }
    }

    pub(super) fn lengths(&self) -> Lengths {
        match &self.kind {
            Kind::Sums(sums) => sums.lengths(),
            Kind::Projection(projection) => projection.lengths(),
        }
    }

    pub(super) fn first_scale(&self) -> Scale {
        match &self.kind {
            Kind::Sums(sums) => sums.first_scale(),
            Kind::Projection(projection) => projection.first_scale(),
        }
    }

    pub(super) fn detail_scale(&self) -> Scale {
        match &self.kind {
            Kind::Sums(sums) => sums.detail_scale(),
            Kind::Projection(projection) => projection.detail_scale(),
        }
    }

    /// The distance of two detailed codes.
    #[inline]
    pub(super) fn detail_distance(&self, level: Level, a: &[u8], b: &[u8]) -> u32 {
        match &self.kind {
            Kind::Sums(_) => l1_u8(level, a, b),
            Kind::Projection(projection) => projection.detail_distance(level, a, b),
        }
    }

    /// The distance of two coarse codes.
    pub(super) fn coarse_distance(&self, level: Level, a: &[u8], b: &[u8]) -> u32 {
        match &self.kind {
            Kind::Sums(_) => l1_u8(level, a, b),
            Kind::Projection(_) => l2_sq_u8(level, a, b),
        }
    }
}

/// Calls `then` with rows of bytes and, where they were none, how far each was moved by that.
fn as_bytes<T: Element, R>(
    rows: &[&[T]],
    quantizer: Option<&Quantizer>,
    metric: Metric,
    then: impl FnOnce(&[&[u8]], &[f64]) -> R,
) -> R {
    let floats = match T::bytes_or_floats(rows) {
        Ok(bytes) => return then(bytes, &[]),
        Err(floats) => floats,
    };
    let Some(quantizer) = quantizer else {
        unreachable!("a coder of f32 rows has a quantizer");
    };
    let cols = floats.first().map_or(0, |row| row.len());
    let mut bytes = Vec::with_capacity(floats.len() * cols);
    let moved: Vec<f64> = (floats.iter())
        .map(|row| quantizer.encode(row, metric, &mut bytes))
        .collect();
    let rows: Vec<&[u8]> = bytes.chunks_exact(cols.max(1)).collect();
    then(&rows, &moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_rounded_up() {
        for root in [0u64, 1, 2, 3, 1000, (1 << 31) - 1] {
            assert_eq!(ceil_sqrt(root * root), root);
            assert_eq!(ceil_sqrt(root * root + 1), root + 1);
        }
    }

    #[test]
    fn cutoffs_and_tests_agree() {
        for scale in [
            Scale::new(16, false),
            Scale::new(7, true),
            Scale::new(MAX_STEP, true),
        ] {
            for reach in [0, 1, 17, 255, 100_000, 1 << 31] {
                let cutoff = scale.cutoff(reach);
                assert!(scale.within(cutoff, reach));
                assert!(cutoff == u32::MAX || !scale.within(cutoff + 1, reach));
            }
        }
    }

    #[test]
    fn everything_is_within_the_farthest_reach() {
        for squared in [false, true] {
            let scale = Scale::new(MAX_STEP, squared);
            assert!(scale.within(u32::MAX, 2 * FARTHEST + (1 << 32)));
            assert_eq!(scale.cutoff(FARTHEST), u32::MAX);
        }
    }
}
