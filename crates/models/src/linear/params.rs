//! What is minimised: parameters of a linear model, and their check.

use super::{LinearError, Loss, Penalty};
use nearplane_kernels::Level;

/// The objective of a linear model (LECTURE 7.1), over N rows with labels y and weights w:
///
/// ```text
/// objective(W, b) = 1/N sum_i w_i L(W z_i + b, y_i) + lambda R(W)
/// ```
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `loss` | softmax | L, what a wrong score costs | [`Loss`] |
/// | `penalty` | L2 | R, what large weights cost | [`Penalty`]; beta finite, 0 or above |
/// | `lambda` | 1e-3 | how much the penalty counts | finite, 0 or above |
/// | `level` | the best of this CPU | SIMD level of the kernels | [`Level::available`] |
///
/// How it is minimised is the solver's part: [`SgdParams`](super::SgdParams).
///
/// ```
/// use nearplane_models::linear::{LinearParams, Loss, Penalty};
/// let config = LinearParams::new(Loss::Svm, Penalty::L2, 1e-4).check()?;
/// assert_eq!(config.loss(), Loss::Svm);
/// assert!(LinearParams::new(Loss::Svm, Penalty::L2, -1.0).check().is_err());
/// # Ok::<(), nearplane_models::linear::LinearError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct LinearParams {
    /// L, what a wrong score costs.
    pub loss: Loss,
    /// R, what large weights cost.
    pub penalty: Penalty,
    /// How much the penalty counts.
    pub lambda: f64,
    /// SIMD level of the kernels.
    pub level: Level,
}

impl Default for LinearParams {
    fn default() -> Self {
        Self::new(Loss::Softmax, Penalty::L2, 1e-3)
    }
}

impl LinearParams {
    /// An objective, computed at the best level of this CPU.
    #[must_use]
    pub fn new(loss: Loss, penalty: Penalty, lambda: f64) -> Self {
        Self {
            loss,
            penalty,
            lambda,
            level: Level::detect(),
        }
    }

    /// The configuration, if it is one.
    ///
    /// # Errors
    /// [`LinearError::Range`] if lambda or beta is negative or not finite.
    pub fn check(self) -> Result<LinearConfig, LinearError> {
        check_range("lambda", self.lambda, NOT_NEGATIVE, |x| x >= 0.0)?;
        if let Penalty::Elastic { beta } = self.penalty {
            check_range("beta", beta, NOT_NEGATIVE, |x| x >= 0.0)?;
        }
        Ok(LinearConfig(self))
    }
}

/// Checked [`LinearParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearConfig(LinearParams);

impl LinearConfig {
    /// L, what a wrong score costs.
    #[must_use]
    pub fn loss(&self) -> Loss {
        self.0.loss
    }

    /// R, what large weights cost.
    #[must_use]
    pub fn penalty(&self) -> Penalty {
        self.0.penalty
    }

    /// How much the penalty counts.
    #[must_use]
    pub fn lambda(&self) -> f64 {
        self.0.lambda
    }

    /// SIMD level of the kernels.
    #[must_use]
    pub fn level(&self) -> Level {
        self.0.level
    }

    /// `lambda R(W)`.
    #[must_use]
    pub fn penalty_term(&self, weight: &[f64]) -> f64 {
        self.0.lambda * self.0.penalty.value(weight)
    }
}

pub(super) const NOT_NEGATIVE: &str = "a finite number, 0 or above";

pub(super) fn check_range(
    what: &'static str,
    value: f64,
    expected: &'static str,
    fits: impl Fn(f64) -> bool,
) -> Result<(), LinearError> {
    if value.is_finite() && fits(value) {
        return Ok(());
    }
    Err(LinearError::Range {
        what,
        value,
        expected,
    })
}
