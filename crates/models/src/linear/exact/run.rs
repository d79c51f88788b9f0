//! What a fit reports on its way, when it stops, and what it hands back.

use super::certificate::{BestDual, Penalties};
use super::state::{Measure, State};
use super::{ExactConfig, ExactFit, ExactStep};
use crate::Monitor;
use crate::linear::{LinearError, Loss, Parameters};
use crate::neighbors::Element;

/// What rounding may do to the difference of two objectives that were summed from f32 scores, relative.
const ROUNDING: f64 = 1.2e-7;

/// The same for sums of f64 scores.
const F64_ROUNDING: f64 = 1e-12;

/// Steps of little gain after which the smoothing is moved.
const SLOW_STEPS: u32 = 5;

/// A step that gains less than this share of what smoothing costs is one of little gain.
const LITTLE: f64 = 0.02;

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
    /// Whether the best objective is of f64 scores, which need no confirmation.
    exact_objective: bool,
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
            exact_objective: false,
            stationarity: f64::INFINITY,
            largest_stationarity: 0.0,
            iteration: 0,
        }
    }

    pub(super) fn monitor(&self) -> &'r dyn Monitor {
        self.monitor
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
            self.exact_objective = false;
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
        self.report(state, best);
        Ok(self.verdict(state, measure, best))
    }

    /// Takes in a point whose objective and lower bound are known to all digits of f64; `parameters` makes
    /// it, if it is the best so far.
    pub(super) fn record_bound<T: Element>(
        &mut self,
        state: &State<'_, '_, T>,
        objective: f64,
        bound: f64,
        parameters: impl FnOnce() -> Parameters,
    ) -> Result<Verdict, LinearError> {
        if self.monitor.cancelled() {
            return Err(LinearError::Cancelled);
        }
        if !objective.is_finite() {
            return Err(LinearError::NotFinite);
        }
        if self.best.as_ref().is_none_or(|(best, _)| objective < *best) {
            self.best = Some((objective, parameters()));
            self.exact_objective = true;
        }
        let best = self.best.as_ref().map_or(objective, |(best, _)| *best);
        self.lower_bound = self.lower_bound.max(bound);
        let gap = (best - self.lower_bound).max(0.0) + F64_ROUNDING * best.abs();
        self.gap = Some(self.gap.map_or(gap, |before| before.min(gap)));
        self.report(state, best);
        Ok(if self.gap_is_met(best) {
            Verdict::Converged
        } else if state.passes() >= f64::from(self.exact.max_passes()) {
            Verdict::OutOfPasses
        } else {
            Verdict::GoOn
        })
    }

    fn report<T: Element>(&mut self, state: &State<'_, '_, T>, best: f64) {
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
    }

    /// The best point so far.
    pub(super) fn best(&self) -> Option<&Parameters> {
        self.best.as_ref().map(|(_, parameters)| parameters)
    }

    /// Takes note of the least subgradient at the best point.
    pub(super) fn set_stationarity(&mut self, stationarity: f64) {
        self.stationarity = stationarity;
    }

    pub(super) fn gap(&self) -> Option<f64> {
        self.gap
    }

    fn verdict<T: Element>(
        &self,
        state: &State<'_, '_, T>,
        measure: &Measure,
        best: f64,
    ) -> Verdict {
        let tolerance = self.exact.tolerance();
        let done = match self.gap {
            Some(_) => self.gap_is_met(best),
            None if measure.gap.is_some() => false,
            None => {
                // A smoothed loss is not the loss: its slack has to be small as well.
                self.stationarity <= tolerance * self.largest_stationarity
                    && measure.slack <= tolerance * best.abs()
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

    fn gap_is_met(&self, objective: f64) -> bool {
        let least = self.exact.tolerance() * objective.abs().max(f64::MIN_POSITIVE);
        self.gap.is_some_and(|gap| gap <= least)
    }

    /// Goes to the best point, computes its objective afresh, and asks once more whether the tolerance is
    /// met: many steps have rounded the scores that said so.
    pub(super) fn confirm<T: Element>(
        &mut self,
        state: &mut State<'_, '_, T>,
    ) -> Result<bool, LinearError> {
        if let (true, Some((objective, _))) = (self.exact_objective, &self.best) {
            return Ok(self.gap_is_met(*objective));
        }
        let Some((objective, parameters)) = &mut self.best else {
            return Err(LinearError::NotFinite);
        };
        state.at.clone_from(parameters);
        state.refresh();
        let fresh = state.value();
        if !fresh.is_finite() {
            return Err(LinearError::NotFinite);
        }
        let change = fresh - *objective;
        *objective = fresh;
        self.gap = self.gap.map(|gap| (gap + change).max(0.0));
        Ok(self.gap.is_none() || self.gap_is_met(fresh))
    }

    /// The best point and what is known of it.
    pub(super) fn finish<T: Element>(
        mut self,
        mut state: State<'_, '_, T>,
        verdict: Verdict,
    ) -> Result<ExactFit, LinearError> {
        let met = self.confirm(&mut state)?;
        let (objective, parameters) = self.best.ok_or(LinearError::NotFinite)?;
        let converged = met && (self.gap.is_some() || verdict == Verdict::Converged);
        Ok(ExactFit {
            objective,
            gap: self.gap,
            stationarity: self.stationarity,
            passes: state.passes(),
            iterations: self.iteration,
            converged,
            parameters,
        })
    }
}

/// The widths of smoothing, and when it moves: margins are compared with 1.
///
/// Where the smoothed problem is solved well enough, smoothing is centered at the dual point found there,
/// and narrowed. Where it resists it is centered anew and stays as wide as it is, which is the proximal
/// method of multipliers (Rockafellar 1976, Augmented Lagrangians and applications of the proximal point
/// algorithm in convex programming): the centers go to a dual solution at any width, while a narrow one
/// makes the problem in between harder.
#[derive(Debug)]
pub(super) struct Smoothing {
    kinks: bool,
    slow: u32,
}

/// What to do about the smoothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Move {
    Stay,
    /// Center it, and make it this wide.
    Center(f64),
    /// Nothing is left to do that numbers could show.
    Stop,
}

impl Smoothing {
    const FIRST: f64 = 0.1;
    const FACTOR: f64 = 0.3;
    const LEAST: f64 = 1e-6;

    pub(super) fn new(loss: Loss) -> Self {
        Self {
            // Any number of classes: whether it is smooth does not depend on it.
            kinks: loss.smoothness(2).is_none(),
            slow: 0,
        }
    }

    pub(super) fn first(&self) -> f64 {
        if self.kinks { Self::FIRST } else { 0.0 }
    }

    /// Takes note of what a step gained.
    pub(super) fn stepped(&mut self, gain: f64, measure: &Measure) {
        let little = gain < LITTLE * measure.slack;
        self.slow = if little { self.slow + 1 } else { 0 };
    }

    /// What to do after a step; `stuck` steps do not go down any more.
    pub(super) fn next(
        &mut self,
        stuck: bool,
        mu: f64,
        penalties: Penalties,
        measure: &Measure,
    ) -> Move {
        if !self.kinks {
            return if stuck { Move::Stop } else { Move::Stay };
        }
        // The bound on what is left is far above it where lambda is small.
        let left = match measure.gap {
            Some(gap) if penalties.l2 > 0.0 => gap - measure.slack,
            _ => f64::INFINITY,
        };
        let solved = left < 0.6 * measure.slack || stuck;
        if !solved && self.slow < SLOW_STEPS {
            return Move::Stay;
        }
        self.slow = 0;
        match solved {
            // f64 scores can tell no less.
            true if mu <= Self::LEAST => Move::Stop,
            true => Move::Center(mu * Self::FACTOR),
            false => Move::Center(mu),
        }
    }
}
