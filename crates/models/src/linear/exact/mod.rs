//! The exact solver: deterministic, reads all rows at every step, and says how far from the least
//! objective it can still be.
//!
//! In the order of reading: `row` (losses as maxima, smoothed), `certificate` (the gap), `bias` (exact
//! search on scores), `state` (where a fit stands), `run` (the best so far, when to stop, how smoothing
//! moves), `preconditioner` (second moments of some rows), `lbfgs`, then the methods: `smooth` for `none`
//! and `l2`, `proximal` for `l1` and `elastic`, and `ascent` (with `dual_row` and `dual_space`) for hinges
//! where rows are few.
//!
//! **Numbers.** Weights, scores and all sums are f64; only what the kernels read is rounded to f32 (a
//! direction's weights, dual coefficients), and both kinds of rounding shrink with the steps. Weights of
//! f32 would end the way to gaps below 1e-6 of the objective.

mod ascent;
mod bias;
mod certificate;
mod certify;
mod dual_row;
mod dual_space;
mod lbfgs;
mod params;
mod preconditioner;
mod proximal;
mod row;
mod run;
mod smooth;
mod state;

pub use certify::Certificate;
pub use params::{ExactConfig, ExactParams};

use super::{LinearConfig, LinearData, LinearError, Parameters};
use crate::Monitor;
use crate::neighbors::Element;
use preconditioner::Sample;
use row::RowLoss;
use run::{Run, Smoothing, Verdict};
use state::State;

/// Steps that L-BFGS remembers. Few: each change of smoothing makes them stale.
const MEMORY: usize = 8;

/// Rows of the sample whose products precondition a fit.
const SAMPLE_ROWS: usize = 2048;

/// Where the exact solver stands after a step.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ExactStep {
    /// Counted from 0, the starting point.
    pub iteration: u32,
    /// Times that all rows were read so far, scores and gradient together being once.
    pub passes: f64,
    /// The least objective so far.
    pub objective: f64,
    /// An upper bound on that objective minus the least one possible; `None` where no bound is finite.
    pub gap: Option<f64>,
    /// Euclidean norm of the least subgradient there (of the smoothed loss where the loss has kinks).
    pub stationarity: f64,
}

/// A fit and its certificate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExactFit {
    /// Weights and bias on z; [`Affine::fold`](super::Affine::fold) makes a model of them.
    pub parameters: Parameters,
    /// The objective, computed afresh at these.
    pub objective: f64,
    /// An upper bound on that objective minus the least one possible; `None` where no bound is finite
    /// (penalty `none`, or lambda 0).
    pub gap: Option<f64>,
    /// Euclidean norm of the least subgradient (of the smoothed loss where the loss has kinks).
    pub stationarity: f64,
    /// Times that all rows were read, scores and gradient together being once; other work counts as the
    /// readings that would cost as much.
    pub passes: f64,
    /// Steps taken, the starting point among them.
    pub iterations: u32,
    /// Whether objective and gap as they stand here meet the tolerance, rather than the passes used up or
    /// rounding in the way.
    pub converged: bool,
}

/// Fits linear models to the same rows, one after the other.
///
/// | loss | `none`, `l2` | `l1`, `elastic` |
/// |---|---|---|
/// | smooth (`softmax`, `svm-squared`, `ridge`) | preconditioned L-BFGS | proximal quasi-Newton |
/// | hinges | the same on the smoothed loss, its smoothing centered anew again and again | likewise |
/// | hinges, at most 1024 rows and no more than columns | dual coordinate ascent (`none`: as above) | dual coordinate ascent |
///
/// The preconditioner, a sample's second moments, is made once and serves every loss and lambda. Results
/// are the same bits for every number of threads.
///
/// ```
/// use nearplane_kernels::MatRef;
/// use nearplane_models::linear::{ExactParams, ExactSolver, LinearData, LinearParams};
/// use nearplane_models::neighbors::Rows;
/// let rows = Rows::from_mat(MatRef::from_rows(&[0.0f32, 1.0, 2.0, 3.0], 1))?;
/// let data = LinearData::new(rows, &[0, 0, 1, 1], 2)?;
/// let mut solver = ExactSolver::new(ExactParams::default().check()?, &data);
/// let fit = solver.fit(&LinearParams::default().check()?, None, &(), &mut |_| {})?;
/// assert!(fit.gap.unwrap() <= 1e-4 * fit.objective);
/// let model = data.affine().fold(&fit.parameters, LinearParams::default().loss)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ExactSolver<'d, 'a, T> {
    exact: ExactConfig,
    data: &'d LinearData<'a, T>,
    sample: Option<Sample>,
}

impl<'d, 'a, T: Element> ExactSolver<'d, 'a, T> {
    /// A solver for these rows.
    #[must_use]
    pub fn new(exact: ExactConfig, data: &'d LinearData<'a, T>) -> Self {
        Self {
            exact,
            data,
            sample: None,
        }
    }

    /// Minimises the objective of `config`, from `start` or from 0. `watch` hears of every step, and
    /// `monitor` is asked after each whether to go on; its progress counts readings of the rows.
    ///
    /// # Errors
    /// [`LinearError::Cancelled`]; [`LinearError::Tensor`] if the start is of another shape;
    /// [`LinearError::NotFinite`] if numbers overflow.
    pub fn fit(
        &mut self,
        config: &LinearConfig,
        start: Option<&Parameters>,
        monitor: &dyn Monitor,
        watch: &mut dyn FnMut(&ExactStep),
    ) -> Result<ExactFit, LinearError> {
        let (n_classes, n_features) = (self.data.n_classes(), self.data.n_features());
        let zero = Parameters::zero(n_classes, n_features);
        let start = start.unwrap_or(&zero);
        for (what, found, expected) in [
            ("weight", start.weight.len(), zero.weight.len()),
            ("bias", start.bias.len(), n_classes),
        ] {
            if found != expected {
                return Err(LinearError::Tensor {
                    what,
                    found,
                    expected,
                });
            }
        }
        let c = RowLoss::typical_curvature(config.loss(), n_classes);
        let row_loss = RowLoss {
            loss: config.loss(),
            mu: Smoothing::new(config.loss()).first(),
        };
        let mut run = Run::new(self.exact, monitor, watch);
        let data = self.data;
        let kinks = config.lambda() * config.penalty().l1_factor() > 0.0;
        let ridge = 2.0 * config.lambda() * config.penalty().l2_factor();
        let mut state = State::new(config, data, row_loss, start.clone(), monitor);
        if ascent::suits(&state) {
            let verdict = ascent::fit(&mut state, &mut run)?;
            if verdict != Verdict::GoOn {
                return run.finish(state, verdict);
            }
        }
        let sample = self.sample(config, kinks, c, ridge, monitor)?;
        if kinks {
            proximal::fit(state, run, sample, c)
        } else {
            smooth::fit(state, run, sample, c)
        }
    }

    /// A fit for each configuration, in their order, each from where the one before ended: a
    /// regularisation path. Go from large lambdas to small ones. `watch` is told which it is.
    ///
    /// # Errors
    /// As [`ExactSolver::fit`].
    pub fn path(
        &mut self,
        configs: &[LinearConfig],
        monitor: &dyn Monitor,
        watch: &mut dyn FnMut(usize, &ExactStep),
    ) -> Result<Vec<ExactFit>, LinearError> {
        let mut fits: Vec<ExactFit> = Vec::with_capacity(configs.len());
        for (index, config) in configs.iter().enumerate() {
            let start = fits.last().map(|fit| &fit.parameters);
            let fit = self.fit(config, start, monitor, &mut |step| watch(index, step))?;
            fits.push(fit);
        }
        Ok(fits)
    }

    /// The sample, made anew if this fit needs a larger one than the last.
    fn sample(
        &mut self,
        config: &LinearConfig,
        kinks: bool,
        c: f64,
        ridge: f64,
        monitor: &dyn Monitor,
    ) -> Result<&Sample, LinearError> {
        let (n, d) = (self.data.n_rows(), self.data.n_features());
        let few = SAMPLE_ROWS.min(n);
        let many = n.min(SAMPLE_ROWS.max(2 * d));
        let make = |rows, of_columns| {
            let sample = Sample::new(config.level(), self.data, rows, of_columns, monitor);
            sample.ok_or(LinearError::Cancelled)
        };
        let old = self.sample.take();
        let suits = |sample: &Sample| {
            if kinks {
                sample.is_of_columns()
            } else {
                sample.n_rows() == many || sample.is_enough(c, ridge)
            }
        };
        let sample = match old {
            Some(old) if suits(&old) => old,
            _ if kinks => make(many, true)?,
            _ => {
                let first = make(few, false)?;
                if suits(&first) {
                    first
                } else {
                    make(many, false)?
                }
            }
        };
        Ok(self.sample.insert(sample))
    }
}
