//! Where a fit stands: weights, bias, the scores of all rows, and what they are worth.

use super::bias::{Line, ROWS_AT_ONCE};
use super::certificate::{Penalties, Point};
use super::row::{RowLoss, RowValue};
use crate::Monitor;
use crate::linear::{LinearConfig, LinearData, Loss, Objective, Parameters};
use crate::neighbors::Element;
use rayon::prelude::*;

/// Weights and everything that is known at them.
pub(super) struct State<'d, 'a, T> {
    objective: Objective<'d, 'a, T>,
    data: &'d LinearData<'a, T>,
    monitor: &'d dyn Monitor,
    pub(super) penalties: Penalties,
    pub(super) row_loss: RowLoss,
    pub(super) at: Parameters,
    /// `Z W^T`, `n x K`, without the bias.
    scores: Vec<f64>,
    /// `Z V^T` of the direction that was last looked along.
    along: Vec<f32>,
    coefficients: Vec<f32>,
    /// Weights of margins that the smoothing is centered at, `n x K`.
    center: Vec<f64>,
    /// The data term's gradient, `1/N sum_i w_i u_i z_i^T`.
    pub(super) gradient: Parameters,
    /// Half readings of the rows: scores are one, a gradient is another.
    half_passes: u64,
    /// Work in readings of the rows that no kernel did.
    other_passes: f64,
}

/// What [`State::measure`] finds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    /// Of the loss as it is.
    pub(super) objective: f64,
    /// Of the smoothed loss.
    pub(super) smoothed: f64,
    /// What smoothing costs: `1/N sum_i w_i (L + L* - <u, s>)`.
    pub(super) slack: f64,
    /// An upper bound on the objective minus its least value, if there is a finite one.
    pub(super) gap: Option<f64>,
    /// The dual objective at u, a lower bound on the least objective, for the penalties that need no
    /// shrinking.
    pub(super) dual: f64,
    /// What the bound may be wrong by where the dual coefficients do not quite sum to 0.
    pub(super) infeasible: f64,
    /// Euclidean norm of the least subgradient of the smoothed objective.
    pub(super) stationarity: f64,
}

impl<'d, 'a, T: Element> State<'d, 'a, T> {
    pub(super) fn new(
        config: &LinearConfig,
        data: &'d LinearData<'a, T>,
        row_loss: RowLoss,
        start: Parameters,
        monitor: &'d dyn Monitor,
    ) -> Self {
        let n_scores = data.n_rows() * data.n_classes();
        let mut state = Self {
            objective: Objective::new(config, data),
            data,
            monitor,
            penalties: Penalties::new(config),
            row_loss,
            scores: vec![0.0; n_scores],
            along: vec![0.0; n_scores],
            coefficients: vec![0.0; n_scores],
            center: vec![0.0; n_scores],
            gradient: Parameters::zero(data.n_classes(), data.n_features()),
            at: start,
            half_passes: 0,
            other_passes: 0.0,
        };
        state.refresh();
        state
    }

    /// Times that all rows were read, scores and gradient together being once.
    pub(super) fn passes(&self) -> f64 {
        self.half_passes as f64 / 2.0 + self.other_passes
    }

    pub(super) fn data(&self) -> &'d LinearData<'a, T> {
        self.data
    }

    /// Counts work that was done elsewhere, in readings of the rows.
    pub(super) fn count_passes(&mut self, passes: f64) {
        self.other_passes += passes;
    }

    /// Goes to other parameters, smoothing centered at other weights of margins.
    pub(super) fn go_to(&mut self, parameters: Parameters, center: Vec<f64>) {
        self.at = parameters;
        self.center = center;
        self.refresh();
    }

    /// Scores from the weights, without what many steps have rounded.
    pub(super) fn refresh(&mut self) {
        if self.at.weight.iter().all(|w| *w == 0.0) {
            self.scores.fill(0.0);
            return;
        }
        self.objective.scores(&self.at.weight, &mut self.along);
        self.half_passes += 1;
        for (to, &from) in self.scores.iter_mut().zip(&self.along) {
            *to = f64::from(from);
        }
    }

    /// The bias that is best for these weights.
    pub(super) fn minimise_bias(&mut self, tolerance: f64) {
        let line = Line {
            data: self.data,
            row_loss: self.row_loss,
            scores: &self.scores,
            center: &self.center,
            direction: None,
            quadratic: (0.0, 0.0),
            monitor: self.monitor,
        };
        line.minimise(&mut self.at.bias, 0.0, tolerance);
    }

    /// Scores along a direction, for [`State::search`] and [`State::advance`].
    pub(super) fn look_along(&mut self, direction: &[f64]) {
        self.objective.scores(direction, &mut self.along);
        self.half_passes += 1;
    }

    /// Goes to the least value along the direction that was looked along, the bias minimised with it.
    /// Only for penalties without kinks. Returns the step.
    pub(super) fn search(&mut self, direction: &[f64], tolerance: f64) -> f64 {
        let l2 = self.penalties.l2;
        let line = Line {
            data: self.data,
            row_loss: self.row_loss,
            scores: &self.scores,
            center: &self.center,
            direction: Some(&self.along),
            quadratic: (
                l2 * super::lbfgs::dot(direction, direction),
                l2 * super::lbfgs::dot(&self.at.weight, direction),
            ),
            monitor: self.monitor,
        };
        let t = line.minimise(&mut self.at.bias, 1.0, tolerance);
        self.advance(direction, t);
        if self.row_loss.loss == Loss::OneVsAll {
            // Cheap here, and exact where the search for both may end early.
            self.minimise_bias(tolerance);
        }
        t
    }

    /// `W += t V`.
    pub(super) fn advance(&mut self, direction: &[f64], t: f64) {
        super::lbfgs::add_scaled(&mut self.at.weight, t, direction);
        self.scores
            .par_chunks_mut(1 << 14)
            .zip(self.along.par_chunks(1 << 14))
            .for_each(|(scores, along)| {
                for (s, &d) in scores.iter_mut().zip(along) {
                    *s += t * f64::from(d);
                }
            });
    }

    /// The smoothed objective at `W + t V`, the bias as it is.
    pub(super) fn value_at(&self, direction: &[f64], t: f64) -> f64 {
        let sums = self.sum_rows(
            |scores, label, center| self.row_loss.coefficients(scores, label, center).smoothed,
            t,
        );
        let moved = self.at.weight.iter().zip(direction).map(|(w, v)| w + t * v);
        sums + self.penalties.value(moved)
    }

    fn sum_rows(&self, of_row: impl Fn(&mut [f64], usize, &[f64]) -> f64 + Sync, t: f64) -> f64 {
        let n_classes = self.data.n_classes();
        let size = ROWS_AT_ONCE * n_classes;
        let parts: Vec<f64> = self
            .scores
            .par_chunks(size)
            .zip(self.along.par_chunks(size))
            .enumerate()
            .map(|(part, (scores, along))| {
                let mut row = vec![0.0; n_classes];
                let rows = scores
                    .chunks_exact(n_classes)
                    .zip(along.chunks_exact(n_classes));
                let mut sum = 0.0;
                for (i, (scores, along)) in rows.enumerate() {
                    for (k, to) in row.iter_mut().enumerate() {
                        *to = scores[k] + self.at.bias[k] + t * f64::from(along[k]);
                    }
                    let index = part * ROWS_AT_ONCE + i;
                    let label = self.data.labels()[index] as usize;
                    sum += self.data.weight(index)
                        * of_row(
                            &mut row,
                            label,
                            &self.center[index * n_classes..][..n_classes],
                        );
                }
                sum
            })
            .collect();
        parts.iter().sum::<f64>() / self.data.n_rows() as f64
    }

    /// The gradient by W, and what the point is worth.
    pub(super) fn measure(&mut self) -> Measure {
        let (value, residual) = self.find_coefficients();
        self.objective
            .gradient(&self.coefficients, &mut self.gradient);
        self.half_passes += 1;
        let weight = &self.at.weight;
        let penalty = self.penalties.value(weight.iter().copied());
        let point = Point {
            weight,
            gradient: &self.gradient.weight,
        };
        // Coefficients that sum to r instead of 0 change the bound by <r, b - b*>: the bias is where Newton
        // left it, so that b - b* is small against this.
        let of_bias: f64 = residual.iter().map(|r| r.abs()).sum();
        let largest = self.at.bias.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
        let infeasible = of_bias * largest;
        let slack = value.slack;
        let gap = match self.penalties.shrink(point) {
            None => None,
            Some(1.0) => Some(slack + self.penalties.gap(point, 1.0)),
            Some(theta) => {
                let slack = self.sum_rows(
                    |scores, label, center| {
                        self.row_loss.slack_of_shrunk(scores, label, center, theta)
                    },
                    0.0,
                );
                Some(slack + self.penalties.gap(point, theta))
            }
        };
        let stationarity = self.penalties.least_subgradient(point);
        let bias_square: f64 = residual.iter().map(|r| r * r).sum();
        Measure {
            objective: value.exact + penalty,
            smoothed: value.smoothed + penalty,
            slack,
            gap: gap.map(|gap| gap + infeasible),
            dual: value.dual,
            infeasible,
            stationarity: (stationarity * stationarity + bias_square).sqrt(),
        }
    }

    /// Dual coefficients of every row, and the sums of the rows' values and of the coefficients over N.
    fn find_coefficients(&mut self) -> (RowValue, Vec<f64>) {
        let n_classes = self.data.n_classes();
        let size = ROWS_AT_ONCE * n_classes;
        let (data, row_loss, bias) = (self.data, self.row_loss, &self.at.bias);
        let center = &self.center;
        let parts: Vec<(RowValue, Vec<f64>)> = self
            .scores
            .par_chunks(size)
            .zip(self.coefficients.par_chunks_mut(size))
            .enumerate()
            .map(|(part, (scores, out))| {
                let mut row = vec![0.0; n_classes];
                let mut sums = vec![0.0; n_classes];
                let mut total = RowValue::default();
                let rows = scores
                    .chunks_exact(n_classes)
                    .zip(out.chunks_exact_mut(n_classes));
                for (i, (scores, out)) in rows.enumerate() {
                    for ((to, s), b) in row.iter_mut().zip(scores).zip(bias) {
                        *to = s + b;
                    }
                    let index = part * ROWS_AT_ONCE + i;
                    let weight = data.weight(index);
                    let center = &center[index * n_classes..][..n_classes];
                    let label = data.labels()[index] as usize;
                    let value = row_loss.coefficients(&mut row, label, center);
                    total.add(weight, &value);
                    for ((out, sum), u) in out.iter_mut().zip(&mut sums).zip(&row) {
                        *out = (weight * u) as f32;
                        *sum += weight * u;
                    }
                }
                (total, sums)
            })
            .collect();
        let n = data.n_rows() as f64;
        let mut total = RowValue::default();
        let mut residual = vec![0.0; n_classes];
        for (value, sums) in &parts {
            total.add(1.0 / n, value);
            for (r, sum) in residual.iter_mut().zip(sums) {
                *r += sum / n;
            }
        }
        (total, residual)
    }

    /// Centers the smoothing at the dual point of these scores, and makes it `mu` wide.
    pub(super) fn center(&mut self, mu: f64) {
        let n_classes = self.data.n_classes();
        let size = ROWS_AT_ONCE * n_classes;
        let (data, row_loss, bias) = (self.data, self.row_loss, &self.at.bias);
        self.scores
            .par_chunks(size)
            .zip(self.center.par_chunks_mut(size))
            .enumerate()
            .for_each(|(part, (scores, center))| {
                let mut row = vec![0.0; n_classes];
                let rows = scores
                    .chunks_exact(n_classes)
                    .zip(center.chunks_exact_mut(n_classes));
                for (i, (scores, center)) in rows.enumerate() {
                    for ((to, s), b) in row.iter_mut().zip(scores).zip(bias) {
                        *to = s + b;
                    }
                    let label = data.labels()[part * ROWS_AT_ONCE + i] as usize;
                    row_loss.coefficients(&mut row, label, center);
                    row_loss.weights_of_margins(&mut row, label);
                    center.copy_from_slice(&row);
                }
            });
        self.row_loss.mu = mu;
    }

    /// The objective of the loss as it is, with scores that were just computed from the weights.
    pub(super) fn value(&self) -> f64 {
        let loss = self.row_loss.loss;
        let rows = self.sum_rows(|scores, label, _| loss.value(scores, label), 0.0);
        rows + self.penalties.value(self.at.weight.iter().copied())
    }
}

impl RowValue {
    fn add(&mut self, weight: f64, other: &Self) {
        self.smoothed += weight * other.smoothed;
        self.exact += weight * other.exact;
        self.dual += weight * other.dual;
        self.slack += weight * other.slack;
    }
}
