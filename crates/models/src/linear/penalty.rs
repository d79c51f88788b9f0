//! The penalties on weights (LECTURE 7.1): values, subgradients and proximal steps, weight by weight.

use super::LinearError;
use super::loss::Score;
use std::fmt;

/// `R(W)`, what large weights cost; the bias is never penalised.
///
/// | name | R(W) |
/// |---|---|
/// | `none` | 0 |
/// | `l2` | `sum W^2` (no 1/2) |
/// | `l1` | `sum abs(W)` |
/// | `elastic` | `sum (beta W^2 + abs(W))` |
///
/// ```
/// use nearplane_models::linear::Penalty;
/// let (one, spread) = ([1.0, 0.0, 0.0, 0.0], [0.25; 4]);
/// assert_eq!((Penalty::L2.value(&one), Penalty::L2.value(&spread)), (1.0, 0.25));
/// assert_eq!((Penalty::L1.value(&one), Penalty::L1.value(&spread)), (1.0, 1.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Penalty {
    /// Nothing.
    None,
    /// The sum of squares.
    L2,
    /// The sum of absolute values.
    L1,
    /// Both: `beta` times the sum of squares, and the sum of absolute values.
    Elastic {
        /// The share of the squares, 0 or above.
        beta: f64,
    },
}

impl Penalty {
    /// The penalty of that name; `beta` counts for `elastic` only.
    ///
    /// # Errors
    /// [`LinearError::UnknownPenalty`].
    pub fn by_name(name: &str, beta: f64) -> Result<Self, LinearError> {
        match name {
            "none" => Ok(Self::None),
            "l2" => Ok(Self::L2),
            "l1" => Ok(Self::L1),
            "elastic" => Ok(Self::Elastic { beta }),
            _ => Err(LinearError::UnknownPenalty(name.to_owned())),
        }
    }

    /// `none`, `l2`, `l1` or `elastic`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::L2 => "l2",
            Self::L1 => "l1",
            Self::Elastic { .. } => "elastic",
        }
    }

    /// The factor of `sum W^2`: 0, 1 or beta.
    #[must_use]
    pub fn l2_factor(self) -> f64 {
        match self {
            Self::None | Self::L1 => 0.0,
            Self::L2 => 1.0,
            Self::Elastic { beta } => beta,
        }
    }

    /// The factor of `sum abs(W)`: 0 or 1.
    #[must_use]
    pub fn l1_factor(self) -> f64 {
        match self {
            Self::None | Self::L2 => 0.0,
            Self::L1 | Self::Elastic { .. } => 1.0,
        }
    }

    /// `R(W)`, summed in f64 in the order of the weights.
    #[must_use]
    pub fn value<S: Score>(self, weights: &[S]) -> f64 {
        let (l2, l1) = (self.l2_factor(), self.l1_factor());
        let weights = weights.iter().map(|&w| -> f64 { w.into() });
        weights.map(|w| l2 * w * w + l1 * w.abs()).sum()
    }

    /// `dR/dw` of one weight; the 0 of all subgradients where `l1` has its kink.
    #[must_use]
    pub fn subgradient(self, w: f64) -> f64 {
        let sign = if w == 0.0 { 0.0 } else { w.signum() };
        2.0 * self.l2_factor() * w + self.l1_factor() * sign
    }

    /// The smallest of all subgradients of `f(w) + lambda R(w)`, where `gradient` is `df/dw`. It is 0 if
    /// and only if no change of this weight lowers the sum; at `w = 0` with an `l1` part that is so
    /// for `abs(gradient) <= lambda`.
    ///
    /// ```
    /// use nearplane_models::linear::Penalty;
    /// assert_eq!(Penalty::L1.minimal_subgradient(0.0, 0.25, 0.5), 0.0);
    /// assert_eq!(Penalty::L1.minimal_subgradient(0.0, -0.75, 0.5), -0.25);
    /// ```
    #[must_use]
    pub fn minimal_subgradient(self, w: f64, gradient: f64, lambda: f64) -> f64 {
        if w == 0.0 {
            shrink(gradient, lambda * self.l1_factor())
        } else {
            gradient + lambda * self.subgradient(w)
        }
    }

    /// The proximal operator of the whole penalty, `argmin_u (u - w)^2 / 2 + step R(u)`.
    #[must_use]
    pub fn proximal(self, w: f64, step: f64) -> f64 {
        shrink(w, step * self.l1_factor()) / (1.0 + 2.0 * step * self.l2_factor())
    }

    /// The proximal operator of the `l1` part alone, `argmin_u (u - w)^2 / 2 + step abs(u)`, for steps that
    /// have gone along the gradient of the `l2` part already.
    #[must_use]
    pub fn proximal_l1(self, w: f64, step: f64) -> f64 {
        shrink(w, step * self.l1_factor())
    }
}

/// Soft thresholding: `w` moved towards 0 by `by >= 0`, no further than 0.
fn shrink(w: f64, by: f64) -> f64 {
    if w > by {
        w - by
    } else if w < -by {
        w + by
    } else {
        0.0
    }
}

impl fmt::Display for Penalty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
