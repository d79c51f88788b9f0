//! What a code is: bytes, slack, and the arithmetic that turns their distance into a decision.

use super::components::{SAMPLE, evenly};
use super::projection::Projection;
use super::quantize::Quantizer;
use super::sums::Sums;
use crate::neighbors::{Metric, Rows};
use nearplane_kernels::{Kernel, Level, l1_u8, l2_sq_u8};

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
pub struct Codes {
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
pub struct Coder(Kind);

#[derive(Debug)]
enum Kind {
    /// Of bytes, for L1.
    Sums(Sums),
    /// Of bytes, for L2.
    Projection(Box<Projection>),
    /// Of floats.
    Quantizer(Quantizer),
}

impl Coder {
    /// The coder for rows of bytes like these; `None` where there is nothing to code.
    pub(in crate::neighbors) fn of_bytes(
        rows: &Rows<'_, u8>,
        metric: Metric,
        level: Level,
    ) -> Option<Self> {
        match metric {
            Metric::L1 => Some(Self(Kind::Sums(Sums::new(rows.cols())))),
            Metric::L2 => {
                let sample = evenly(rows.len(), SAMPLE).map(|row| rows.row(row));
                let sample: Vec<&[u8]> = sample.collect();
                let projection = Projection::learn(&sample, level);
                Some(Self(Kind::Projection(Box::new(projection))))
            }
            Metric::Chi2 => None,
        }
    }

    /// The coder for rows of floats like these; `None` where numbers are too large.
    pub(in crate::neighbors) fn of_floats(rows: &Rows<'_, f32>, metric: Metric) -> Option<Self> {
        let quantizer = Quantizer::learn(rows, metric)?;
        Some(Self(Kind::Quantizer(quantizer)))
    }

    /// The kernel that compares codes.
    pub(super) fn kernel(&self) -> Kernel {
        if self.first_scale().squared {
            Kernel::L2Sq
        } else {
            Kernel::L1
        }
    }

    /// The codes of rows of bytes.
    pub(in crate::neighbors) fn encode_bytes(&self, level: Level, rows: &[&[u8]]) -> Codes {
        match &self.0 {
            Kind::Sums(sums) => sums.encode(rows),
            Kind::Projection(projection) => projection.encode(level, rows),
            Kind::Quantizer(_) => unreachable!("a quantizer codes rows of floats"),
        }
    }

    /// The codes of rows of floats.
    pub(in crate::neighbors) fn encode_floats(&self, rows: &[&[f32]]) -> Codes {
        match &self.0 {
            Kind::Quantizer(quantizer) => quantizer.encode(rows),
            _ => unreachable!("rows of floats are coded by a quantizer"),
        }
    }

    /// `s t`, rounded up, for the threshold `t` (L1) or `t^2` (L2), as 32 ordered bits.
    pub(super) fn reach(&self, threshold: u32) -> u64 {
        match &self.0 {
            Kind::Sums(_) => threshold.into(),
            Kind::Projection(projection) => projection.reach(threshold),
            Kind::Quantizer(quantizer) => quantizer.reach(threshold),
        }
    }

    pub(super) fn lengths(&self) -> Lengths {
        match &self.0 {
            Kind::Sums(sums) => sums.lengths(),
            Kind::Projection(projection) => projection.lengths(),
            Kind::Quantizer(quantizer) => quantizer.lengths(),
        }
    }

    pub(super) fn first_scale(&self) -> Scale {
        match &self.0 {
            Kind::Sums(sums) => sums.first_scale(),
            Kind::Projection(projection) => projection.first_scale(),
            Kind::Quantizer(quantizer) => quantizer.scale(),
        }
    }

    pub(super) fn detail_scale(&self) -> Scale {
        match &self.0 {
            Kind::Sums(sums) => sums.detail_scale(),
            Kind::Projection(projection) => projection.detail_scale(),
            Kind::Quantizer(quantizer) => quantizer.scale(),
        }
    }

    /// The distance of two detailed codes.
    #[inline]
    pub(super) fn detail_distance(&self, level: Level, a: &[u8], b: &[u8]) -> u32 {
        match &self.0 {
            Kind::Projection(projection) => projection.detail_distance(level, a, b),
            _ => self.coarse_distance(level, a, b),
        }
    }

    /// The distance of two coarse codes.
    pub(super) fn coarse_distance(&self, level: Level, a: &[u8], b: &[u8]) -> u32 {
        match self.kernel() {
            Kernel::L1 => l1_u8(level, a, b),
            _ => l2_sq_u8(level, a, b),
        }
    }
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
