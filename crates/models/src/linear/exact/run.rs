//! What a fit reports on its way, when it stops, and what it hands back.

use super::certificate::{BestDual, Penalties};
use super::state::{Measure, State};
use super::{ExactConfig, ExactFit, ExactStep};
use crate::Monitor;
use crate::linear::{LinearError, Loss, Parameters};
use crate::neighbors::Element;

/// What rounding may do to the difference of two objectives that were summed from f32 scores, relative.
const ROUNDING: f64 = 1.2e-7;

/// Steps of little gain after which the smoothing is narrowed.
const SLOW_STEPS: u32 = 5;

/// Relative to the objective, how far dual coefficients may be from summing to 0 over the rows.
const INFEASIBLE: f64 = 1e-6;

/// The best of all points, and the bounds found so far.
pub(super) struct Run<'r> {
    exact: ExactConfig,
    monitor: &'r dyn Monitor,
    watch: &'r mut dyn FnMut(&ExactStep),
    best: Option<(f64, Parameters)>,
    dual: BestDual,
    lower_bound: f64,
    gap: Option<f64>,
    stationarity: f64,
    largest_stationarity: f64,
    iteration: u32,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    Converged,
    OutOfPasses,
}

impl<'r> Run<'r> {
    pub(super) fn new(
        exact: ExactConfig,
        monitor: &'r dyn Monitor,
        watch: &'r mut dyn FnMut(&ExactStep),
    ) -> Self {
        Self {
            exact,
            monitor,
            watch,
            best: None,
            dual: BestDual::default(),
            lower_bound: f64::NEG_INFINITY,
            gap: None,
            stationarity: f64::INFINITY,
            largest_stationarity: 0.0,
            iteration: 0,
        }
    }

    /// Takes a measured point in and reports it.
    pub(super) fn record<T: Element>(
        &mut self,
        state: &State<'_, '_, T>,
        measure: &Measure,
    ) -> Result<Verdict, LinearError> {
        if self.monitor.cancelled() {
            return Err(LinearError::Cancelled);
        }
        if !measure.objective.is_finite() {
            return Err(LinearError::NotFinite);
        }
        let best = self.best.as_ref().map(|(objective, _)| *objective);
        if best.is_none_or(|best| measure.objective < best) {
            self.best = Some((measure.objective, state.at.clone()));
            self.stationarity = measure.stationarity;
        }
        let best = best.map_or(measure.objective, |best| best.min(measure.objective));
        self.largest_stationarity = self.largest_stationarity.max(measure.stationarity);
        // Coefficients far from summing to 0 bound nothing: Newton's method has not settled.
        let settled = measure.infeasible <= INFEASIBLE * measure.objective.abs();
        if let Some(own) = measure.gap.filter(|_| settled) {
            self.lower_bound = self.lower_bound.max(measure.objective - own);
            let hinge = state.row_loss.mu > 0.0;
            if hinge && state.penalties.l2 > 0.0 {
                let gradient = &state.gradient.weight;
                let linear = measure.dual - measure.infeasible;
                let mixed = self.dual.mix(state.penalties, linear, gradient);
                self.lower_bound = self.lower_bound.max(mixed);
            }
        }
        if self.lower_bound > f64::NEG_INFINITY {
            let known = (best - self.lower_bound).max(0.0) + ROUNDING * best.abs();
            let own = measure.gap.filter(|_| settled).unwrap_or(f64::INFINITY);
            let gap = own.min(known);
            self.gap = Some(self.gap.map_or(gap, |before| before.min(gap)));
        }
        let step = ExactStep {
            iteration: self.iteration,
            passes: state.passes(),
            objective: best,
            gap: self.gap,
            stationarity: self.stationarity,
        };
        (self.watch)(&step);
        self.iteration += 1;
        let passes = u64::from(self.exact.max_passes());
        self.monitor
            .progress((state.passes() as u64).min(passes), passes);
        Ok(self.verdict(state, measure, best))
    }

    fn verdict<T: Element>(
        &self,
        state: &State<'_, '_, T>,
        measure: &Measure,
        best: f64,
    ) -> Verdict {
        let tolerance = self.exact.tolerance();
        let done = match self.gap {
            Some(gap) => gap <= tolerance * best.abs().max(f64::MIN_POSITIVE),
            None if measure.gap.is_some() => false,
            None => {
                // A smoothed loss is not the loss: its slack has to be small as well.
                self.stationarity <= tolerance * self.largest_stationarity
                    && state.row_loss.mu <= tolerance
            }
        };
        if done {
            Verdict::Converged
        } else if state.passes() >= f64::from(self.exact.max_passes()) {
            Verdict::OutOfPasses
        } else {
            Verdict::GoOn
        }
    }

    /// The best point, its objective computed afresh.
    pub(super) fn finish<T: Element>(
        self,
        mut state: State<'_, '_, T>,
        converged: bool,
    ) -> Result<ExactFit, LinearError> {
        if let Some((before, parameters)) = self.best {
            state.at = parameters;
            state.refresh();
            let objective = state.value();
            Ok(ExactFit {
                objective,
                gap: self.gap.map(|gap| gap + (objective - before).max(0.0)),
                stationarity: self.stationarity,
                passes: state.passes(),
                iterations: self.iteration,
                converged,
                parameters: state.at,
            })
        } else {
            Err(LinearError::NotFinite)
        }
    }
}

/// The widths of smoothing, one after the other: margins are compared with 1.
#[derive(Debug)]
pub(super) struct Smoothing {
    kinks: bool,
}

impl Smoothing {
    const FIRST: f64 = 0.1;
    const FACTOR: f64 = 0.3;
    const LEAST: f64 = 1e-6;

    pub(super) fn new(loss: Loss) -> Self {
        Self {
            // Any number of classes: whether it is smooth does not depend on it.
            kinks: loss.smoothness(2).is_none(),
        }
    }

    pub(super) fn first(&self) -> f64 {
        if self.kinks { Self::FIRST } else { 0.0 }
    }

    /// The next width, if there is one: none for smooth losses, and none below what f64 scores can tell.
    pub(super) fn next(&self, mu: f64) -> Option<f64> {
        (self.kinks && mu > Self::LEAST).then_some(mu * Self::FACTOR)
    }

    /// Whether the smoothed problem is solved as well as it deserves: what is left to gain is less than
    /// what smoothing costs. The bound on what is left is far above it where lambda is small, so that a
    /// last `gain` that is small beside the cost will do.
    pub(super) fn is_done(&self, slow: u32, penalties: Penalties, measure: &Measure) -> bool {
        let left = match measure.gap {
            Some(gap) if penalties.l2 > 0.0 => gap - measure.slack,
            _ => f64::INFINITY,
        };
        self.kinks && (left < 0.6 * measure.slack || slow >= SLOW_STEPS)
    }
}
