//! The walk: epoch by epoch, step by step, with everything that is reported and kept in between.

use super::batch::Batch;
use super::columns::Columns;
use super::state::Slot;
use super::{Optimizer, SgdConfig, SgdState};
use crate::Monitor;
use crate::linear::data::{check_finite, check_labels};
use crate::linear::{LinearConfig, LinearData, LinearError, LinearModel, Parameters};
use crate::metrics::Accuracy;
use crate::neighbors::{Element, Rows};

/// Columns come in parts of multiples of this many, about so many parts.
const COLUMN_MULTIPLE: usize = 64;
const COLUMN_PARTS: usize = 16;

/// What an epoch came to.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct EpochReport {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// Epochs planned.
    pub epochs: u32,
    /// An estimate of the objective: the mean loss of each batch before its step, over the epoch, and
    /// the penalty after it. With dropout, the loss with columns left out.
    pub objective: f64,
    /// Training rows predicted right by the weights before their step.
    pub train: Accuracy,
    /// Validation rows predicted right after the epoch, by the average where there is one.
    pub validation: Option<Accuracy>,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// Whether this was the last epoch: the planned one, or the patience is at its end.
    pub last: bool,
}

/// Fits a linear model by stochastic gradient descent, one epoch at a call.
///
/// The same seed gives the same bits on one SIMD level, for every number of threads, with or without a
/// stop in between.
///
/// ```
/// use nearplane_kernels::{Level, MatRef};
/// use nearplane_models::linear::{LinearData, LinearParams, SgdParams, SgdTrainer};
/// use nearplane_models::neighbors::Rows;
/// let rows = Rows::from_mat(MatRef::from_rows(&[0.0f32, 1.0, 1.0, 0.0, 0.2, 1.1, 0.9, 0.1], 2))?;
/// let data = LinearData::new(rows.clone(), &[0, 1, 0, 1], 2)?;
/// let mut trainer = SgdTrainer::new(
///     &LinearParams::default().check()?,
///     &SgdParams { epochs: 10, ..SgdParams::default() }.check()?,
///     &data,
/// );
/// while let Some(report) = trainer.run_epoch(&())? {
///     assert!(report.objective < 0.7); // save trainer.state() here, to resume from
/// }
/// assert_eq!(trainer.model()?.predict(Level::detect(), &rows)?, [0, 1, 0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SgdTrainer<'d, 'a, T> {
    pub(super) objective: LinearConfig,
    pub(super) config: SgdConfig,
    pub(super) data: &'d LinearData<'a, T>,
    pub(super) validation: Option<(Rows<'a, T>, &'a [u32])>,
    pub(super) rate: f64,
    pub(super) state: SgdState,
    pub(super) columns: Vec<Columns>,
    pub(super) bias: Bias,
    pub(super) batch: Batch<T>,
    pub(super) order: Vec<u32>,
    pub(super) mask: Vec<f32>,
    /// Weights and bias on the raw rows, for the next batch.
    pub(super) folded: Vec<f32>,
    pub(super) folded_bias: Vec<f64>,
}

/// The bias and its moments, which belong to no column.
#[derive(Debug, Default)]
pub(super) struct Bias {
    pub(super) value: Vec<f32>,
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
    pub(super) average: Vec<f32>,
}

impl<'d, 'a, T: Element> SgdTrainer<'d, 'a, T> {
    /// A run from weights and bias of 0.
    #[must_use]
    pub fn new(objective: &LinearConfig, config: &SgdConfig, data: &'d LinearData<'a, T>) -> Self {
        let (k, d) = (data.n_classes(), data.n_features());
        let params = config.params();
        let width = d.div_ceil(COLUMN_PARTS).next_multiple_of(COLUMN_MULTIPLE);
        let (center, scale) = (data.affine().center(), data.affine().scale());
        let columns = (0..d).step_by(width);
        let columns = columns.map(|at| Columns::new(at..d.min(at + width), k, center, scale));
        let size = params.batch_size.min(data.n_rows());
        let mut trainer = Self {
            objective: *objective,
            config: *config,
            data,
            validation: None,
            rate: params
                .learning_rate
                .unwrap_or_else(|| super::rate::from_data(objective, &params, data)),
            state: SgdState::new(String::new(), k, d),
            columns: columns.collect(),
            bias: Bias::default(),
            batch: Batch::new(size, k, d),
            order: Vec::new(),
            mask: vec![1.0; if params.dropout > 0.0 { d } else { 0 }],
            folded: vec![0.0; k * d],
            folded_bias: vec![0.0; k],
        };
        trainer.state = SgdState::new(trainer.run(), k, d);
        trainer.begin(&Parameters::zero(k, d));
        trainer.first_statistics();
        trainer
    }

    /// The same, judged on other rows after each epoch.
    ///
    /// # Errors
    /// [`LinearError::Columns`], [`LinearError::Labels`], [`LinearError::Label`], [`LinearError::NonFinite`].
    pub fn with_validation(
        mut self,
        rows: Rows<'a, T>,
        labels: &'a [u32],
    ) -> Result<Self, LinearError> {
        if rows.cols() != self.data.n_features() {
            return Err(LinearError::Columns {
                what: "the validation rows",
                found: rows.cols(),
                expected: self.data.n_features(),
            });
        }
        check_labels(&rows, labels, self.data.n_classes(), "validation")?;
        check_finite(&rows, "validation")?;
        self.validation = Some((rows, labels));
        self.state.set_run(self.run());
        Ok(self)
    }

    /// The same, from the weights and the bias of a model of the same raw input.
    ///
    /// # Errors
    /// [`LinearError::Columns`] or [`LinearError::Tensor`] if it is of other features or classes.
    pub fn warm_start(mut self, model: &LinearModel) -> Result<Self, LinearError> {
        if model.n_classes() != self.data.n_classes() {
            return Err(LinearError::Tensor {
                what: "the bias of the model to start from",
                found: model.n_classes(),
                expected: self.data.n_classes(),
            });
        }
        let start = self.affine([Slot::Mean, Slot::Variance])?.unfold(model)?;
        self.begin(&start);
        Ok(self)
    }

    /// The same, where another run stopped.
    ///
    /// # Errors
    /// [`LinearError::OtherRun`] if the state is of other parameters, rows or validation rows than this run,
    /// [`LinearError::Tensor`] if it lacks numbers.
    pub fn resume(mut self, state: SgdState) -> Result<Self, LinearError> {
        if state.run() != self.state.run() {
            return Err(LinearError::OtherRun {
                found: state.run().to_owned(),
                expected: self.state.run().to_owned(),
            });
        }
        let progress = state.progress();
        let has_second = matches!(self.config.params().optimizer, Optimizer::Adam { .. });
        let normalizes = self.config.params().running_statistics.is_some();
        let has_best = progress.best_epoch > 0;
        for (slot, has) in [
            (Slot::FirstWeight, true),
            (Slot::FirstBias, true),
            (Slot::SecondWeight, has_second),
            (Slot::SecondBias, has_second),
            (Slot::AverageWeight, progress.averaged_steps > 0),
            (Slot::AverageBias, progress.averaged_steps > 0),
            (Slot::BestWeight, has_best),
            (Slot::BestBias, has_best),
            (Slot::Mean, normalizes),
            (Slot::Variance, normalizes),
            (Slot::BestMean, has_best && normalizes),
            (Slot::BestVariance, has_best && normalizes),
        ] {
            state.check(slot, has)?;
        }
        self.state = state;
        self.load();
        Ok(self)
    }

    /// The learning rate that the schedule starts from.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.rate
    }

    /// What the next epoch depends on: the run after its last finished epoch.
    #[must_use]
    pub fn state(&self) -> &SgdState {
        &self.state
    }

    /// Whether there is no epoch left: all are done, or the patience is at its end.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let (progress, params) = (self.state.progress(), self.config.params());
        let out_of_patience = params.patience.is_some_and(|patience| {
            progress.best_epoch > 0 && progress.epochs - progress.best_epoch >= patience
        });
        progress.epochs >= params.epochs || out_of_patience
    }

    /// The model: that of the best epoch if there is a patience, else the average if there is one, else
    /// the weights of the last step.
    ///
    /// # Errors
    /// [`LinearError::NonFiniteTensor`] if its numbers are too large for f32.
    pub fn model(&self) -> Result<LinearModel, LinearError> {
        let has_best = self.state.progress().best_epoch > 0;
        if self.config.params().patience.is_some() && has_best {
            return self.fold(
                [Slot::BestWeight, Slot::BestBias],
                [Slot::BestMean, Slot::BestVariance],
            );
        }
        self.fold(self.judged(), [Slot::Mean, Slot::Variance])
    }

    /// W and b on the solver's input z, as the last epoch left them: the average if there is one. With
    /// running statistics z is normalised by those, too.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        self.wide(self.judged())
    }

    /// Walks one epoch; `None` if the run [is finished](SgdTrainer::is_finished). `monitor` counts rows over
    /// all epochs; a cancelled epoch leaves the run as it was before it.
    ///
    /// Runs on the current rayon thread pool.
    ///
    /// # Errors
    /// [`LinearError::NoValidation`] for a patience without validation rows, [`LinearError::Diverged`],
    /// [`LinearError::Cancelled`].
    pub fn run_epoch(&mut self, monitor: &dyn Monitor) -> Result<Option<EpochReport>, LinearError> {
        let params = self.config.params();
        if params.patience.is_some() && self.validation.is_none() {
            return Err(LinearError::NoValidation);
        }
        if self.is_finished() {
            return Ok(None);
        }
        // Once into the pool, not once for each step.
        let walked = rayon::scope(|_| self.walk(monitor));
        let Some(walked) = walked else {
            self.load();
            return Err(LinearError::Cancelled);
        };
        let epoch = self.state.progress().epochs + 1;
        let n_rows = self.data.n_rows();
        let penalty: f64 = self
            .columns
            .iter()
            .map(|c| self.objective.penalty().value(&c.weight))
            .sum();
        let objective = walked.loss / n_rows as f64 + self.objective.lambda() * penalty;
        if !(objective.is_finite() && self.is_finite()) {
            self.load();
            return Err(LinearError::Diverged {
                epoch,
                learning_rate: walked.rate,
            });
        }
        self.save();
        let progress = self.state.progress_mut();
        progress.epochs = epoch;
        progress.averaged_steps = walked.averaged_steps;
        let validation = self.judge()?;
        Ok(Some(EpochReport {
            epoch,
            epochs: params.epochs,
            objective,
            train: Accuracy {
                correct: walked.correct,
                total: n_rows as u64,
            },
            validation,
            learning_rate: walked.rate,
            last: self.is_finished(),
        }))
    }
}
