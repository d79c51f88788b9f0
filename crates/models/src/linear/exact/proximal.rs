//! Penalties with kinks (`l1`, `elastic`): a proximal quasi-Newton method.
//!
//! Each step minimises the penalty as it is plus a quadratic model of the data term (Lee, Sun, Saunders
//! 2014, Proximal Newton-type methods for minimizing composite functions),
//!
//! ```text
//! <g, V> + 1/2 <V, B V> + lambda R(W + V),   B = c Z^T Z / m + ridge I + BFGS terms of the last steps
//! ```
//!
//! weight by weight (coordinate descent: Friedman, Hastie, Tibshirani 2010): the least value in one weight
//! is a soft threshold, and weights at 0 that stay there cost next to nothing. No row is read meanwhile.
//! The step is taken as far as it lowers the objective, and the bias is minimised after it.

use super::lbfgs::{Memory, dot};
use super::preconditioner::Sample;
use super::run::{Move, Run, Smoothing, Verdict};
use super::smooth::{LEAST_GAIN, SEARCH_TOLERANCE};
use super::state::State;
use super::{ExactFit, MEMORY};
use crate::Monitor;
use crate::linear::LinearError;
use crate::neighbors::Element;
use rayon::prelude::*;

/// Rounds over all weights in one step, and over those not 0 between two of these.
const FULL_ROUNDS: usize = 4;
const ACTIVE_ROUNDS: usize = 30;

/// A round that gains less than this share of the first has the step solved well enough.
const ENOUGH: f64 = 1e-3;

pub(super) fn fit<T: Element>(
    mut state: State<'_, '_, T>,
    mut run: Run<'_>,
    sample: &Sample,
    c: f64,
) -> Result<ExactFit, LinearError> {
    let mut smoothing = Smoothing::new(state.row_loss.loss);
    let moments = sample.second_moments(c);
    let mut memory = Memory::new(MEMORY);
    state.minimise_bias(SEARCH_TOLERANCE);
    let mut here = state.measure();
    let mut verdict = run.record(&state, &here)?;
    let mut stuck = 0;
    loop {
        match verdict {
            Verdict::OutOfPasses => break,
            Verdict::Converged => {
                if run.confirm(&mut state)? {
                    break;
                }
                here = state.measure();
            }
            Verdict::GoOn => {}
        }
        match smoothing.next(stuck == 2, state.row_loss.mu, state.penalties, &here) {
            Move::Stop => break,
            Move::Stay => {}
            Move::Center(mu) => {
                if mu < state.row_loss.mu {
                    memory.clear();
                }
                stuck = 0;
                state.center(mu);
                state.minimise_bias(SEARCH_TOLERANCE * here.objective);
                here = state.measure();
                verdict = run.record(&state, &here)?;
                continue;
            }
        }
        let terms = memory.direct_terms();
        let gradient = state.gradient.weight.clone();
        let mut model = Model::new(&moments, &terms, &state.at.weight, &gradient);
        model.minimise(state.penalties.l2, state.penalties.l1, run.monitor());
        if run.monitor().cancelled() {
            return Err(LinearError::Cancelled);
        }
        let direction = model.step;
        let promised = promise(&state, &direction);
        if promised <= 0.0 || promised.is_nan() {
            memory.clear();
            stuck += 1;
            continue;
        }
        state.look_along(&direction);
        let before = here.smoothed;
        let mut t = 1.0;
        // Armijo's rule; the promise is of at least first order.
        while t > 1e-10 && state.value_at(&direction, t) > before - 1e-4 * t * promised {
            t *= 0.5;
        }
        state.advance(&direction, t);
        state.minimise_bias(SEARCH_TOLERANCE * before.abs());
        here = state.measure();
        let gain = before - here.smoothed;
        smoothing.stepped(gain, &here);
        if gain > LEAST_GAIN * before.abs() {
            stuck = 0;
        } else {
            memory.clear();
            stuck += 1;
        }
        let after = &state.gradient.weight;
        let change = after.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let step: Vec<f64> = direction.iter().map(|x| x * t).collect();
        let image = times(&moments, &step);
        memory.push_with_image(step, change, image);
        verdict = run.record(&state, &here)?;
    }
    run.finish(state, verdict)
}

/// How much the objective falls along the direction to first order, the penalty taken as it is.
fn promise<T: Element>(state: &State<'_, '_, T>, direction: &[f64]) -> f64 {
    let weight = &state.at.weight;
    let moved = weight.iter().zip(direction).map(|(w, v)| w + v);
    let penalty = state.penalties.value(moved) - state.penalties.value(weight.iter().copied());
    -(dot(&state.gradient.weight, direction) + penalty)
}

/// `moments s` for each class.
fn times(moments: &[f32], s: &[f64]) -> Vec<f64> {
    let d = moments.len().isqrt();
    let n_classes = s.len() / d;
    let columns: Vec<Vec<f64>> = moments
        .par_chunks_exact(d)
        .map(|row| {
            let of_class = |s: &[f64]| row.iter().zip(s).map(|(m, s)| f64::from(*m) * s).sum();
            s.chunks_exact(d).map(of_class).collect()
        })
        .collect();
    let mut image = vec![0.0; s.len()];
    for (j, column) in columns.iter().enumerate() {
        for k in 0..n_classes {
            image[k * d + j] = column[k];
        }
    }
    image
}

/// The quadratic model around W, and the step V so far.
struct Model<'m> {
    moments: &'m [f32],
    d: usize,
    weight: &'m [f64],
    /// `g + (c Z^T Z / m + ridge) V`, class by class.
    slope: Vec<f64>,
    step: Vec<f64>,
    /// For each weight its numbers in the rank-one terms, side by side.
    terms: Vec<f64>,
    signs: Vec<f64>,
    /// Inner products of the terms with V.
    along: Vec<f64>,
}

impl<'m> Model<'m> {
    fn new(
        moments: &'m [f32],
        terms: &[(f64, Vec<f64>)],
        weight: &'m [f64],
        gradient: &[f64],
    ) -> Self {
        let n_terms = terms.len();
        let mut by_weight = vec![0.0; n_terms * weight.len()];
        for (r, (_, v)) in terms.iter().enumerate() {
            for (j, &v) in v.iter().enumerate() {
                by_weight[j * n_terms + r] = v;
            }
        }
        Self {
            moments,
            d: moments.len().isqrt(),
            weight,
            slope: gradient.to_vec(),
            step: vec![0.0; weight.len()],
            terms: by_weight,
            signs: terms.iter().map(|(sign, _)| *sign).collect(),
            along: vec![0.0; n_terms],
        }
    }

    /// Ends early if the monitor says so.
    fn minimise(&mut self, l2: f64, l1: f64, monitor: &dyn Monitor) {
        let all: Vec<usize> = (0..self.weight.len()).collect();
        let mut first = None;
        for _ in 0..FULL_ROUNDS {
            let mut gain = 0.0;
            for class in all.chunks(self.d) {
                if monitor.cancelled() {
                    return;
                }
                gain += class
                    .iter()
                    .map(|&at| self.descend(at, l2, l1))
                    .sum::<f64>();
            }
            let enough = ENOUGH * *first.get_or_insert(gain);
            if gain <= enough {
                return;
            }
            self.descend_active(l2, l1, 0.3 * enough, monitor);
        }
    }

    /// Rounds over the weights that are not 0, with their part of the moments gathered; what they did to the
    /// other slopes comes last.
    fn descend_active(&mut self, l2: f64, l1: f64, enough: f64, monitor: &dyn Monitor) {
        let n_classes = self.weight.len() / self.d;
        let mut blocks: Vec<Active> = (0..n_classes)
            .map(|class| Active::gather(self, class))
            .collect();
        for _ in 0..ACTIVE_ROUNDS {
            let gain: f64 = blocks
                .iter_mut()
                .map(|block| block.round(self, l2, l1))
                .sum();
            if gain <= enough || monitor.cancelled() {
                break;
            }
        }
        let (d, moments) = (self.d, self.moments);
        self.slope
            .par_chunks_mut(d)
            .zip(&blocks)
            .for_each(|(slope, block)| {
                for (&j, &by) in block.columns.iter().zip(&block.moved) {
                    if by != 0.0 {
                        add_narrow(slope, by, &moments[j * d..][..d]);
                    }
                }
            });
    }

    /// Moves one weight to where the model is least; returns about twice the gain.
    fn descend(&mut self, at: usize, l2: f64, l1: f64) -> f64 {
        let (class, j) = (at / self.d, at % self.d);
        let row = &self.moments[j * self.d..][..self.d];
        let (by, gain) = self.settle(at, self.slope[at], f64::from(row[j]), l2, l1);
        if by != 0.0 {
            add_narrow(&mut self.slope[class * self.d..][..self.d], by, row);
        }
        gain
    }

    /// Moves one weight given the moments' part of its slope and curvature; returns by how much, and the
    /// gain.
    fn settle(&mut self, at: usize, slope: f64, curvature: f64, l2: f64, l1: f64) -> (f64, f64) {
        let n_terms = self.signs.len();
        let terms = &self.terms[at * n_terms..][..n_terms];
        let (mut slope, mut curvature) = (slope, curvature);
        for ((v, sign), along) in terms.iter().zip(&self.signs).zip(&self.along) {
            slope += sign * v * along;
            curvature += sign * v * v;
        }
        if curvature <= 0.0 {
            return (0.0, 0.0);
        }
        let now = self.weight[at] + self.step[at];
        let free = curvature * now - slope;
        let best = (free.abs() - l1).max(0.0).copysign(free) / (curvature + 2.0 * l2);
        let by = best - now;
        if by == 0.0 {
            return (0.0, 0.0);
        }
        // Exactly 0 after `weight + step`, where it is to be 0.
        self.step[at] = best - self.weight[at];
        for (along, v) in self.along.iter_mut().zip(terms) {
            *along += by * v;
        }
        (by, by * by * (curvature + 2.0 * l2))
    }
}

/// The weights of a class that are not 0, and their moments with each other.
struct Active {
    class: usize,
    columns: Vec<usize>,
    moments: Vec<f32>,
    slope: Vec<f64>,
    /// How far each has moved in all.
    moved: Vec<f64>,
}

impl Active {
    fn gather(model: &Model<'_>, class: usize) -> Self {
        let first = class * model.d;
        let is_active = |j: &usize| model.weight[first + j] + model.step[first + j] != 0.0;
        let columns: Vec<usize> = (0..model.d).filter(is_active).collect();
        let mut moments = Vec::with_capacity(columns.len() * columns.len());
        for &j in &columns {
            let row = &model.moments[j * model.d..][..model.d];
            moments.extend(columns.iter().map(|&j| row[j]));
        }
        Self {
            class,
            moments,
            slope: columns.iter().map(|j| model.slope[first + j]).collect(),
            moved: vec![0.0; columns.len()],
            columns,
        }
    }

    fn round(&mut self, model: &mut Model<'_>, l2: f64, l1: f64) -> f64 {
        let n = self.columns.len();
        let mut gain = 0.0;
        for (i, &j) in self.columns.iter().enumerate() {
            let row = &self.moments[i * n..][..n];
            let at = self.class * model.d + j;
            let (by, gained) = model.settle(at, self.slope[i], f64::from(row[i]), l2, l1);
            if by != 0.0 {
                self.moved[i] += by;
                gain += gained;
                add_narrow(&mut self.slope, by, row);
            }
        }
        gain
    }
}

/// `to += factor * from`.
fn add_narrow(to: &mut [f64], factor: f64, from: &[f32]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += factor * f64::from(from);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lbfgs::add_scaled;
    use super::*;

    /// The model's minimiser against its optimality conditions.
    #[test]
    fn coordinate_descent_meets_the_subgradient_conditions() {
        let (d, n_classes, l2, l1) = (4, 2, 0.05, 0.8);
        let half: Vec<f64> = (0..d * d).map(|i| ((i * i) as f64 * 0.7).sin()).collect();
        let mut moments = vec![0.0f32; d * d];
        for i in 0..d {
            for j in 0..d {
                let sum = dot(&half[i * d..][..d], &half[j * d..][..d]);
                moments[i * d + j] = sum as f32 + if i == j { 0.5 } else { 0.0 };
            }
        }
        let weight: Vec<f64> = (0..d * n_classes).map(|i| (i as f64).cos()).collect();
        let gradient: Vec<f64> = (0..d * n_classes).map(|i| (3.0 * i as f64).sin()).collect();
        let terms = vec![
            (-1.0, weight.iter().map(|w| 0.1 * w).collect()),
            (1.0, gradient.iter().map(|g| 0.4 * g).collect::<Vec<f64>>()),
        ];
        let mut model = Model::new(&moments, &terms, &weight, &gradient);
        for _ in 0..200 {
            model.minimise(l2, l1, &());
        }
        let step = model.step;
        let mut slope = times(&moments, &step);
        for (sign, v) in &terms {
            add_scaled(&mut slope, sign * dot(v, &step), v);
        }
        let mut zeros = 0;
        for at in 0..weight.len() {
            let w = weight[at] + step[at];
            let g = gradient[at] + slope[at] + 2.0 * l2 * w;
            if w == 0.0 {
                zeros += 1;
                assert!(g.abs() <= l1 + 1e-9);
            } else {
                assert!((g + l1 * w.signum()).abs() < 1e-6, "{at}: {g} at {w}");
            }
        }
        assert!(zeros > 0 && zeros < weight.len());
    }
}
