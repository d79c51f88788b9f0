//! How long the exact solver goes on.

use crate::linear::LinearError;
use crate::linear::params::{NOT_NEGATIVE, check_range};

/// When to stop.
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `tolerance` | 1e-4 | stop at a gap of this times the objective; where no gap is finite, at a stationarity of this times the largest seen | finite, 0 or above |
/// | `max_passes` | 1000 | readings of all rows (scores and gradient) after which to stop anyway | 1 or above |
///
/// ```
/// use nearplane_models::linear::ExactParams;
/// let exact = ExactParams { tolerance: 1e-6, ..Default::default() }.check()?;
/// assert_eq!(exact.tolerance(), 1e-6);
/// # Ok::<(), nearplane_models::linear::LinearError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct ExactParams {
    /// Relative gap at which to stop.
    pub tolerance: f64,
    /// Readings of all rows at which to stop.
    pub max_passes: u32,
}

impl Default for ExactParams {
    fn default() -> Self {
        Self {
            tolerance: 1e-4,
            max_passes: 1000,
        }
    }
}

impl ExactParams {
    /// The configuration, if it is one.
    ///
    /// # Errors
    /// [`LinearError::Range`] if the tolerance is negative or not finite, or there is no pass.
    pub fn check(self) -> Result<ExactConfig, LinearError> {
        check_range("tolerance", self.tolerance, NOT_NEGATIVE, |x| x >= 0.0)?;
        let passes = f64::from(self.max_passes);
        check_range("max_passes", passes, "1 or above", |x| x >= 1.0)?;
        Ok(ExactConfig(self))
    }
}

/// Checked [`ExactParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExactConfig(ExactParams);

impl ExactConfig {
    /// Relative gap at which to stop.
    #[must_use]
    pub fn tolerance(&self) -> f64 {
        self.0.tolerance
    }

    /// Readings of all rows at which to stop.
    #[must_use]
    pub fn max_passes(&self) -> u32 {
        self.0.max_passes
    }
}
