//! How the learning rate falls while training goes on.

use crate::linear::LinearError;
use crate::linear::params::check_range;

/// The learning rate at time `t`, counted in epochs (with fractions, step by step), of `t_end` in all:
///
/// | schedule | rate |
/// |---|---|
/// | constant | `rate` |
/// | step | `rate factor^floor(t / every)` |
/// | inverse | `rate / (1 + decay t)` |
/// | cosine | `rate (1 + cos(pi t / t_end)) / 2` |
///
/// ```
/// use nearplane_models::linear::Schedule;
/// assert_eq!(Schedule::Step { every: 10, factor: 0.5 }.rate(0.1, 25.0, 100), 0.025);
/// assert_eq!(Schedule::Inverse { decay: 1.0 }.rate(0.1, 1.0, 100), 0.05);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// Always the same.
    Constant,
    /// Multiplied by a factor every few epochs.
    Step {
        /// Epochs between two changes, at least 1.
        every: u32,
        /// What the rate is multiplied by, above 0, at most 1.
        factor: f64,
    },
    /// One over time.
    Inverse {
        /// How fast, by the epoch, 0 or above.
        decay: f64,
    },
    /// Half a wave, from the full rate down to none.
    Cosine,
}

impl Schedule {
    /// `constant`, `step`, `inverse` or `cosine`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Step { .. } => "step",
            Self::Inverse { .. } => "inverse",
            Self::Cosine => "cosine",
        }
    }

    /// The rate `t` epochs after the start.
    #[must_use]
    pub fn rate(self, rate: f64, t: f64, epochs: u32) -> f64 {
        match self {
            Self::Constant => rate,
            Self::Step { every, factor } => rate * factor.powf((t / f64::from(every)).floor()),
            Self::Inverse { decay } => rate / (1.0 + decay * t),
            Self::Cosine => {
                let done = (t / f64::from(epochs)).min(1.0);
                rate * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        }
    }

    pub(super) fn check(self) -> Result<(), LinearError> {
        match self {
            Self::Constant | Self::Cosine => Ok(()),
            Self::Step { every, factor } => {
                check_range("step every", f64::from(every), "at least 1", |x| x >= 1.0)?;
                let share = |x: f64| x > 0.0 && x <= 1.0;
                check_range("step factor", factor, "above 0, at most 1", share)
            }
            Self::Inverse { decay } => check_range("decay", decay, "0 or above", |x| x >= 0.0),
        }
    }
}
