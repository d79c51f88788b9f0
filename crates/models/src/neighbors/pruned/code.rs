//! What a code is: bytes, slack, and the arithmetic that turns their distance into a decision.

use super::projection::Projection;
use super::sums::Sums;
use nearplane_kernels::{Kernel, Level};

/// How distances of codes bound distances of rows (lemmas 1 and 2): a row at a distance of at most `t` has
/// `step |q(a) - q(b)| <= s t + e(a) + e(b)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    step: u64,
    /// For L2: s^2. The kernels give squares then, and thresholds are squares.
    squared_stretch: Option<u64>,
}

/// The largest step of a projection: `step^2` times the largest distance of two codes fits 64 bits.
pub(super) const MAX_STEP: u64 = 1 << 20;

/// The longest code of a projection, both parts together; see [`MAX_STEP`].
pub(super) const MAX_PROJECTED: usize = 256;

impl Scale {
    /// For L1 codes in units of `step`.
    pub(super) fn sums(step: u64) -> Self {
        Self {
            step,
            squared_stretch: None,
        }
    }

    /// For L2 codes in units of `step` of coordinates that are stretched by up to the root of
    /// `squared_stretch`.
    pub(super) fn projection(step: u64, squared_stretch: u64) -> Self {
        assert!((1..=MAX_STEP).contains(&step) && squared_stretch < 1 << 31);
        Self {
            step,
            squared_stretch: Some(squared_stretch),
        }
    }

    /// `s t`, rounded up, for the threshold `t` (L1) or `t^2` (L2) of a query.
    pub(super) fn reach(self, threshold: u32) -> u64 {
        match self.squared_stretch {
            None => u64::from(threshold),
            // Below 2^63.
            Some(stretch) => ceil_sqrt(stretch * u64::from(threshold)),
        }
    }

    /// Whether codes at distance `of_codes` may belong to rows within the threshold; `reach` with the
    /// slack of both rows added.
    pub(super) fn within(self, of_codes: u32, reach: u64) -> bool {
        let of_codes = u64::from(of_codes);
        match self.squared_stretch {
            None => self.step * of_codes <= reach,
            // step^2 <= 2^40 and the distance <= 256 * 255^2 < 2^24; the reach is below 2^32.
            Some(_) => self.step * self.step * of_codes <= reach * reach,
        }
    }

    /// The largest distance of codes that is [`within`](Self::within) the reach.
    pub(super) fn cutoff(self, reach: u64) -> u32 {
        let cutoff = match self.squared_stretch {
            None => reach / self.step,
            Some(_) => reach * reach / (self.step * self.step),
        };
        u32::try_from(cutoff).unwrap_or(u32::MAX)
    }
}

/// The smallest integer whose square is not below `square`.
pub(super) fn ceil_sqrt(square: u64) -> u64 {
    let root = square.isqrt();
    root + u64::from(root * root < square)
}

/// The codes of some rows.
#[derive(Debug, Default)]
pub(super) struct Codes {
    pub(super) first_cols: usize,
    /// Row-major.
    pub(super) first: Vec<u8>,
    pub(super) first_slack: Vec<u32>,
    /// Row-major.
    pub(super) second: Vec<u8>,
    pub(super) second_slack: Vec<u32>,
}

/// Makes codes, of rows and of queries alike.
#[derive(Debug)]
pub(super) enum Coder {
    Sums(Sums),
    Projection(Projection),
}

impl Coder {
    pub(super) fn kernel(&self) -> Kernel {
        match self {
            Self::Sums(_) => Kernel::L1,
            Self::Projection(_) => Kernel::L2Sq,
        }
    }

    pub(super) fn encode(&self, level: Level, rows: &[&[u8]]) -> Codes {
        match self {
            Self::Sums(sums) => sums.encode(rows),
            Self::Projection(projection) => projection.encode(level, rows),
        }
    }

    pub(super) fn first_cols(&self) -> usize {
        match self {
            Self::Sums(sums) => sums.first_cols(),
            Self::Projection(projection) => projection.first_cols(),
        }
    }

    pub(super) fn second_cols(&self) -> usize {
        match self {
            Self::Sums(sums) => sums.second_cols(),
            Self::Projection(projection) => projection.second_cols(),
        }
    }

    pub(super) fn first_scale(&self) -> Scale {
        match self {
            Self::Sums(sums) => sums.first_scale(),
            Self::Projection(projection) => projection.scale(),
        }
    }

    pub(super) fn second_scale(&self) -> Scale {
        match self {
            Self::Sums(sums) => sums.second_scale(),
            Self::Projection(projection) => projection.scale(),
        }
    }

    /// The part of a distance of first codes that also counts for the second: all but the last byte's
    /// for a projection, whose second code goes on where the first ends; nothing for sums.
    pub(super) fn kept(&self, first: u32, a: u8, b: u8) -> u32 {
        match self {
            Self::Sums(_) => 0,
            Self::Projection(_) => first - u32::from(a.abs_diff(b)).pow(2),
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
            Scale::sums(16),
            Scale::projection(7, 1000),
            Scale::projection(MAX_STEP, 3),
        ] {
            for threshold in [0, 1, 17, 255, 100_000] {
                let reach = scale.reach(threshold) + 5;
                let cutoff = scale.cutoff(reach);
                assert!(scale.within(cutoff, reach));
                assert!(!scale.within(cutoff + 1, reach));
            }
        }
    }

    #[test]
    fn the_largest_numbers_fit() {
        let scale = Scale::projection(MAX_STEP, (1 << 31) - 1);
        let farthest = MAX_PROJECTED as u32 * 255 * 255;
        let reach = scale.reach(u32::MAX) + 2 * (MAX_STEP * MAX_PROJECTED as u64);
        assert!(reach < 1 << 32);
        for (of_codes, reach) in [
            (farthest, reach),
            (farthest / 2, reach),
            (1, MAX_STEP),
            (1, 9),
        ] {
            let wide = u128::from(MAX_STEP).pow(2) * u128::from(of_codes);
            assert_eq!(
                scale.within(of_codes, reach),
                wide <= u128::from(reach).pow(2)
            );
        }
    }
}
