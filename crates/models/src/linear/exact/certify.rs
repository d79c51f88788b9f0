//! What a point is worth, wherever it comes from: how far its objective can be from the least one.

use super::row::RowLoss;
use super::smooth::SEARCH_TOLERANCE;
use super::state::State;
use crate::linear::{LinearConfig, LinearData, LinearError, Parameters};
use crate::neighbors::Element;

/// Widths of smoothing that dual coefficients of hinges are tried with.
const WIDTHS: [f64; 5] = [0.3, 0.1, 0.03, 0.01, 0.003];

/// Relative to the objective, how far dual coefficients may be from summing to 0 over the rows.
const INFEASIBLE: f64 = 1e-6;

/// What rounding may do to the difference of two objectives that were summed from f32 scores, relative.
const ROUNDING: f64 = 1.2e-7;

/// What some weights and bias are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Certificate {
    /// The objective there.
    pub objective: f64,
    /// An upper bound on the objective minus the least possible, as
    /// [`ExactFit::gap`](super::ExactFit::gap).
    pub gap: Option<f64>,
    /// The length of the least subgradient by the weights, with the bias that is best for them; of hinges
    /// that are smoothed.
    pub stationarity: f64,
}

impl Certificate {
    /// Of weights and bias on z. Reads the rows once for a smooth loss, for hinges three times.
    ///
    /// ```
    /// use nearplane_kernels::MatRef;
    /// use nearplane_models::linear::{Certificate, LinearData, LinearParams, Parameters};
    /// use nearplane_models::neighbors::Rows;
    /// let rows = Rows::from_mat(MatRef::from_rows(&[-1.0f32, 1.0], 1))?;
    /// let data = LinearData::new(rows, &[0, 1], 2)?;
    /// let config = LinearParams::default().check()?;
    /// let found = Certificate::of(&config, &data, &Parameters::zero(2, 1))?;
    /// assert!((found.objective - 2f64.ln()).abs() < 1e-6);
    /// // The optimum is above 0.
    /// assert!(found.gap.is_some_and(|gap| gap > 0.6));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LinearError::Tensor`] if the parameters are of another shape; [`LinearError::NotFinite`] if numbers
    /// overflow.
    pub fn of<T: Element>(
        config: &LinearConfig,
        data: &LinearData<'_, T>,
        at: &Parameters,
    ) -> Result<Self, LinearError> {
        let (k, d) = (data.n_classes(), data.n_features());
        for (what, found, expected) in [
            ("weight", at.weight.len(), k * d),
            ("bias", at.bias.len(), k),
        ] {
            if found != expected {
                return Err(LinearError::Tensor {
                    what,
                    found,
                    expected,
                });
            }
        }
        let is_smooth = config.loss().smoothness(k).is_some();
        let widths = if is_smooth { &[0.0][..] } else { &WIDTHS };
        let row_loss = RowLoss {
            loss: config.loss(),
            mu: widths[0],
        };
        let mut state = State::new(config, data, row_loss, at.clone(), &());
        let objective = state.value();
        if !objective.is_finite() {
            return Err(LinearError::NotFinite);
        }
        let mut lower_bound = None::<f64>;
        let mut stationarity = f64::INFINITY;
        for &mu in widths {
            state.row_loss.mu = mu;
            state.minimise_bias(SEARCH_TOLERANCE * objective.abs());
            let measure = state.measure();
            stationarity = stationarity.min(measure.stationarity);
            let settled = measure.infeasible <= INFEASIBLE * measure.objective.abs();
            if let Some(gap) = measure.gap.filter(|_| settled) {
                let bound = measure.objective - gap;
                lower_bound = Some(lower_bound.map_or(bound, |before| before.max(bound)));
            }
        }
        if !stationarity.is_finite() {
            return Err(LinearError::NotFinite);
        }
        Ok(Self {
            objective,
            gap: lower_bound.map(|bound| (objective - bound).max(0.0) + ROUNDING * objective.abs()),
            stationarity,
        })
    }
}
