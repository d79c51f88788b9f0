//! Parameters of stochastic gradient descent, and their check.

use super::Schedule;
use crate::linear::LinearError;
use crate::linear::params::check_range;
use std::fmt::Write;

/// How a gradient becomes a step.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// `v = momentum v + g; W = W - rate v`, with `nesterov` `W = W - rate (g + momentum v)`. A momentum
    /// of 0 is plain gradient descent.
    Momentum {
        /// How much of the last step goes on, 0 or above, below 1.
        momentum: f64,
        /// Whether the gradient is looked up ahead (Nesterov 1983).
        nesterov: bool,
    },
    /// `m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2`, both divided by `1 - beta^t` after t
    /// steps; `W = W - rate m / (sqrt(v) + epsilon)` (Kingma and Ba 2015).
    Adam {
        /// Memory of the gradient, 0 or above, below 1.
        beta1: f64,
        /// Memory of its square, 0 or above, below 1.
        beta2: f64,
        /// Keeps the divisor from 0, above 0.
        epsilon: f64,
    },
}

impl Optimizer {
    /// Adam with the usual numbers: 0.9, 0.999, 1e-8.
    #[must_use]
    pub fn adam() -> Self {
        Self::Adam {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

/// Parameters of [`SgdTrainer`](super::SgdTrainer). One epoch visits every row once, in an order shuffled
/// from the seed and the epoch; each batch of B rows takes one step along
///
/// ```text
/// g = 1/B sum_{i in batch} w_i dL(W z_i + b, y_i)/dW + lambda dR/dW
/// ```
///
/// (`l1` parts of R by a proximal step instead: `W = sign(W) max(0, abs(W) - rate lambda)`, with Adam by
/// each weight's own rate).
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `epochs` | 20 | how often every row is visited | at least 1 |
/// | `batch_size` | 256 | B, rows of a step (all, if there are fewer) | at least 1 |
/// | `learning_rate` | from the data | length of a step; without it `c / (1 + mean z.z)` with c = 4 for `softmax`, `1.5 / n_classes` for `svm-squared`, `5 / n_classes` for `svm`, 1.5 for `ridge`, 0.5 for the other hinges; 1e-3 for Adam | above 0 |
/// | `schedule` | cosine | how the rate falls | [`Schedule`] |
/// | `optimizer` | momentum 0.9 | how a gradient becomes a step | [`Optimizer`] |
/// | `average` | 0 | share of the epochs, the last ones, over whose steps W and b are averaged (Polyak and Juditsky 1992) | 0 to 1 |
/// | `patience` | none | stop after so many epochs without a better validation accuracy, and take the best | at least 1, needs validation rows |
/// | `dropout` | 0 | share of the columns of z that each step leaves out, the others divided by 1 minus it (LECTURE 7.4) | 0 or above, below 1 |
/// | `running_statistics` | none | share that each batch's mean and variance have in the running ones, by which columns of z are normalised (LECTURE 7.4) | above 0, at most 1 |
/// | `seed` | 0 | of shuffling and dropout | |
///
/// **Dropout** drops columns for all rows of a batch together: what is dropped is then a matter of weights,
/// rows stay bytes, and the columns of a step are a function of seed, epoch and step.
///
/// **Running statistics**: z' = (z - m) / sqrt(v + 1e-5), column by column, with m and v as they were before
/// the batch (the first batch begins them), so that training sees the very function that predicts. The
/// penalty acts on the weights of z'. In the model all is folded into weights and bias.
///
/// ```
/// use nearplane_models::linear::{Schedule, SgdParams};
/// let params = SgdParams { epochs: 5, schedule: Schedule::Constant, ..SgdParams::default() };
/// assert!(params.check().is_ok());
/// assert!(SgdParams { batch_size: 0, ..params }.check().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct SgdParams {
    /// How often every row is visited.
    pub epochs: u32,
    /// Rows of a step.
    pub batch_size: usize,
    /// Length of a step; from the data if not given.
    pub learning_rate: Option<f64>,
    /// How the rate falls.
    pub schedule: Schedule,
    /// How a gradient becomes a step.
    pub optimizer: Optimizer,
    /// Share of the epochs, the last ones, that are averaged.
    pub average: f64,
    /// Epochs without a better validation accuracy before training stops.
    pub patience: Option<u32>,
    /// Share of the columns that a step leaves out.
    pub dropout: f64,
    /// Share of a batch in the running mean and variance.
    pub running_statistics: Option<f64>,
    /// Seed of shuffling and dropout.
    pub seed: u64,
}

impl Default for SgdParams {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch_size: 256,
            learning_rate: None,
            schedule: Schedule::Cosine,
            optimizer: Optimizer::Momentum {
                momentum: 0.9,
                nesterov: false,
            },
            average: 0.0,
            patience: None,
            dropout: 0.0,
            running_statistics: None,
            seed: 0,
        }
    }
}

impl SgdParams {
    /// The configuration, if it is one.
    ///
    /// # Errors
    /// [`LinearError::Range`].
    pub fn check(self) -> Result<SgdConfig, LinearError> {
        let at_least_1 = |x: f64| x >= 1.0;
        let below_1 = |x: f64| (0.0..1.0).contains(&x);
        let positive = |x: f64| x > 0.0;
        check_range("epochs", f64::from(self.epochs), "at least 1", at_least_1)?;
        let batch_size = self.batch_size as f64;
        check_range("batch size", batch_size, "at least 1", at_least_1)?;
        if let Some(rate) = self.learning_rate {
            check_range("learning rate", rate, "above 0", positive)?;
        }
        self.schedule.check()?;
        match self.optimizer {
            Optimizer::Momentum { momentum, .. } => {
                check_range("momentum", momentum, "0 or above, below 1", below_1)?;
            }
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            } => {
                check_range("beta1", beta1, "0 or above, below 1", below_1)?;
                check_range("beta2", beta2, "0 or above, below 1", below_1)?;
                check_range("epsilon", epsilon, "above 0", positive)?;
            }
        }
        let share = |x: f64| (0.0..=1.0).contains(&x);
        check_range("average", self.average, "0 to 1", share)?;
        if let Some(patience) = self.patience {
            check_range("patience", f64::from(patience), "at least 1", at_least_1)?;
        }
        check_range("dropout", self.dropout, "0 or above, below 1", below_1)?;
        if let Some(momentum) = self.running_statistics {
            let share = |x: f64| x > 0.0 && x <= 1.0;
            check_range("running statistics", momentum, "above 0, at most 1", share)?;
        }
        Ok(SgdConfig(self))
    }
}

/// Checked [`SgdParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdConfig(SgdParams);

impl SgdConfig {
    /// The parameters that were checked.
    #[must_use]
    pub fn params(&self) -> SgdParams {
        self.0
    }

    /// All parameters in one line, for the record of a run and for resuming only what fits.
    pub(super) fn describe(&self) -> String {
        let SgdParams {
            epochs,
            batch_size,
            learning_rate,
            schedule,
            optimizer,
            average,
            patience,
            dropout,
            running_statistics,
            seed,
        } = self.0;
        let mut text = format!("epochs={epochs} batch_size={batch_size} learning_rate=");
        // Writing to a string does not fail.
        let _ = match learning_rate {
            None => write!(text, "auto"),
            Some(rate) => write!(text, "{rate}"),
        };
        let _ = write!(text, " schedule={}", schedule.name());
        let _ = match schedule {
            Schedule::Step { every, factor } => write!(text, ":{every}:{factor}"),
            Schedule::Inverse { decay } => write!(text, ":{decay}"),
            Schedule::Constant | Schedule::Cosine => Ok(()),
        };
        let _ = match optimizer {
            Optimizer::Momentum { momentum, nesterov } => {
                let name = if nesterov { "nesterov" } else { "momentum" };
                write!(text, " optimizer={name}:{momentum}")
            }
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            } => write!(text, " optimizer=adam:{beta1}:{beta2}:{epsilon}"),
        };
        let _ = write!(text, " average={average} dropout={dropout}");
        if let Some(patience) = patience {
            let _ = write!(text, " patience={patience}");
        }
        if let Some(share) = running_statistics {
            let _ = write!(text, " running_statistics={share}");
        }
        let _ = write!(text, " seed={seed}");
        text
    }
}
