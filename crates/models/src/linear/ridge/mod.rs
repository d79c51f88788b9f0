//! Ridge regression on one-hot targets: least squares, solved in closed form, for every lambda and with
//! every row left out once from one factorisation.

mod bytes;
mod leave_out;
mod moments;

use super::dense::Cholesky;
use super::model::largest;
use super::params::{NOT_NEGATIVE, check_range};
use super::{LinearData, LinearError, Loss, Parameters};
use crate::Monitor;
use crate::metrics::{Accuracy, accuracy};
use crate::neighbors::Element;
use leave_out::LeaveOut;
use moments::Moments;
use nearplane_kernels::Level;

/// Rows whose products are summed in one go; the monitor is asked between.
const ROWS_AT_ONCE: usize = 2048;

/// What is below this share of the largest second moment is 0 but for the rounding of products.
const NOTHING: f64 = 1e-6;

/// The first attempt, as such a share, at a ridge that makes up for that rounding.
const ROUNDING: f64 = 1e-9;

/// What ridge regression minimises, over N rows with weights w and one-hot targets y (1 for the class of a
/// row, 0 for the others):
///
/// ```text
/// objective(W, b) = 1/N sum_i w_i |W z_i + b - y_i|^2 + lambda sum W^2
/// ```
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `lambdas` | 1e-3 | one fit for each | one or more, finite, 0 or above |
/// | `leave_one_out` | no | predict each row by the fit to all others | needs every lambda above 0 |
/// | `level` | the best of this CPU | SIMD level of the kernels | [`Level::available`] |
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct RidgeParams {
    /// How much the penalty counts, a fit for each.
    pub lambdas: Vec<f64>,
    /// Whether to predict each row by the fit to all others.
    pub leave_one_out: bool,
    /// SIMD level of the kernels.
    pub level: Level,
}

impl Default for RidgeParams {
    fn default() -> Self {
        Self {
            lambdas: vec![1e-3],
            leave_one_out: false,
            level: Level::detect(),
        }
    }
}

impl RidgeParams {
    /// The configuration, if it is one.
    ///
    /// # Errors
    /// [`LinearError::Range`] if there is no lambda, or one is negative, not finite, or 0 with
    /// `leave_one_out`.
    pub fn check(self) -> Result<RidgeConfig, LinearError> {
        let n = self.lambdas.len() as f64;
        check_range("the number of lambdas", n, "1 or above", |n| n >= 1.0)?;
        for &lambda in &self.lambdas {
            check_range("lambda", lambda, NOT_NEGATIVE, |x| x >= 0.0)?;
            if self.leave_one_out {
                let expected = "above 0 where rows are left out";
                check_range("lambda", lambda, expected, |x| x > 0.0)?;
            }
        }
        Ok(RidgeConfig(self))
    }
}

/// Checked [`RidgeParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct RidgeConfig(RidgeParams);

/// The ridge regression of one lambda.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RidgeFit {
    /// How much the penalty counted.
    pub lambda: f64,
    /// Weights and bias on z; [`Affine::fold`](super::Affine::fold) makes a model of them.
    pub parameters: Parameters,
    /// The least objective.
    pub objective: f64,
    /// Scores of each row by the fit to all others, `n x n_classes`, if they were asked for. The others keep
    /// their weight against the penalty: `sum w |...|^2 + N lambda sum W^2` without the row's term.
    pub leave_one_out: Option<Vec<f32>>,
}

/// How well rows are predicted by the fits without them.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The mean over the rows of `|s - y|^2`, scores against one-hot targets.
    pub squared_error: f64,
    /// Rows whose largest score (the first of equal ones) is that of their label.
    pub accuracy: Accuracy,
}

impl RidgeFit {
    /// What the scores of the rows left out are worth, if there are any.
    ///
    /// ```
    /// use nearplane_kernels::MatRef;
    /// use nearplane_models::linear::{LinearData, RidgeParams};
    /// use nearplane_models::neighbors::Rows;
    /// let rows = Rows::from_mat(MatRef::from_rows(&[-3.0f32, -1.0, 1.0, 3.0], 1))?;
    /// let labels = [0, 0, 1, 1];
    /// let data = LinearData::new(rows, &labels, 2)?;
    /// let params = RidgeParams { leave_one_out: true, ..Default::default() };
    /// let fits = params.check()?.fit(&data, &())?;
    /// assert_eq!(fits[0].left_out(&labels).map(|found| found.accuracy.correct), Some(4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If the labels are not those that were fitted.
    #[must_use]
    pub fn left_out(&self, labels: &[u32]) -> Option<LeftOut> {
        let scores = self.leave_one_out.as_ref()?;
        let n_classes = self.parameters.bias.len();
        assert!(
            scores.len() == labels.len() * n_classes,
            "{} labels for {} scores of {n_classes} classes",
            labels.len(),
            scores.len()
        );
        let rows = scores.chunks_exact(n_classes);
        let predicted: Vec<u32> = rows.clone().map(|row| largest(row) as u32).collect();
        let squares = rows.zip(labels);
        let squares = squares.map(|(row, &label)| Loss::Ridge.value(row, label as usize));
        Some(LeftOut {
            squared_error: squares.sum::<f64>() / labels.len() as f64,
            accuracy: accuracy(&predicted, labels),
        })
    }
}

impl RidgeConfig {
    /// The lambdas, one fit each.
    #[must_use]
    pub fn lambdas(&self) -> &[f64] {
        &self.0.lambdas
    }

    /// Fits every lambda. One lambda takes a Cholesky factor of the second moments G of the centred
    /// rows; several (or rows left out) take the band matrix B with `G = Q B Q^T`, of which
    /// `B + lambda I` is factored in no time: `W = Y^T Z/N (G + lambda I)^-1`. With the leverage h of a
    /// row, its share in its own prediction,
    /// `h_i = w_i (1 / sum w + z_i^T (G + lambda I)^-1 z_i / N)`, the residual of the fit without it is
    /// that of the fit with it divided by `1 - h_i` (Allen 1974, the PRESS statistic).
    ///
    /// With lambda 0 and fewer independent rows than columns, the W of least norm. The monitor's progress
    /// counts rows.
    ///
    /// ```
    /// use nearplane_kernels::MatRef;
    /// use nearplane_models::linear::{LinearData, RidgeParams};
    /// use nearplane_models::neighbors::Rows;
    /// let rows = Rows::from_mat(MatRef::from_rows(&[-1.0f32, 1.0], 1))?;
    /// let data = LinearData::new(rows, &[0, 1], 2)?;
    /// let config = RidgeParams { lambdas: vec![1.0], ..Default::default() }.check()?;
    /// let fits = config.fit(&data, &())?;
    /// // 1/2 (1 + 1) of moments, and 1 of lambda: half of what least squares gives.
    /// let is = |found: f64, expected: f64| (found - expected).abs() < 1e-12;
    /// let parameters = &fits[0].parameters;
    /// assert!(is(parameters.weight[0], -0.25) && is(parameters.weight[1], 0.25));
    /// assert!(is(parameters.bias[0], 0.5) && is(parameters.bias[1], 0.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LinearError::Cancelled`]; [`LinearError::NotFinite`] if products overflow.
    pub fn fit<T: Element>(
        &self,
        data: &LinearData<'_, T>,
        monitor: &dyn Monitor,
    ) -> Result<Vec<RidgeFit>, LinearError> {
        let sums = Moments::of(self.0.level, data, monitor)?;
        let largest = sums.products.largest().ok_or(LinearError::NotFinite)?;
        let factor = |lambda: f64, factor: &dyn Fn(f64) -> Option<Cholesky>| {
            let mut ridge = lambda;
            while ridge.is_finite() {
                if let Some(factor) = factor(ridge) {
                    return Ok(factor);
                }
                // Products are rounded, so that they may be a little indefinite.
                ridge = (10.0 * ridge).max(ROUNDING * largest);
            }
            Err(LinearError::NotFinite)
        };
        let several = self.0.lambdas.len() > 1 || self.0.leave_one_out;
        let banded = several.then(|| sums.products.banded());
        let mut fits = Vec::new();
        let mut factors = Vec::new();
        for &lambda in &self.0.lambdas {
            let mut weight = sums.targets.clone();
            if lambda == 0.0 {
                let low_rank = sums.products.low_rank(NOTHING);
                low_rank.ok_or(LinearError::NotFinite)?.solve(&mut weight);
            } else if let Some(banded) = &banded {
                let factor = factor(lambda, &|ridge| banded.cholesky(ridge))?;
                banded.turn_to_band(&mut weight);
                factor.solve(&mut weight);
                banded.turn_back(&mut weight);
                factors.push(factor);
            } else {
                let factor = factor(lambda, &|ridge| sums.products.cholesky(1.0, ridge))?;
                factor.solve(&mut weight);
            }
            fits.push(sums.fit(lambda, weight)?);
        }
        if let (Some(banded), true) = (banded, self.0.leave_one_out) {
            let left_out = LeaveOut::new(self.0.level, &sums, banded, factors);
            let scores = left_out.scores(data, monitor)?;
            for (fit, scores) in fits.iter_mut().zip(scores) {
                fit.leave_one_out = Some(scores);
            }
        }
        Ok(fits)
    }
}
