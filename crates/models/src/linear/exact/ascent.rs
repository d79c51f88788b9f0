//! Dual coordinate ascent for hinges where rows are few: fewer than columns, so that they are nearly
//! separable and the smoothed problem is at its worst.
//!
//! ```text
//! max D(u) = 1/N sum_i w_i sum alpha_i - (lambda R)*(-A),    u_i = J_i^T alpha_i,    sum_i w_i u_i = 0
//! ```
//!
//! Rows are visited in a random order, a new one each round, and each is given its best weights while the
//! others stay ([`super::dual_row`]; Hsieh and others 2008, A dual coordinate descent method for
//! large-scale linear SVM; Shalev-Shwartz, Zhang 2014 for `l1` parts): D never falls, and goes to its
//! maximum. The constraint is that of the bias, which no single row can keep. It is taken apart by a proximal
//! step on the bias (Rockafellar 1976), `b = b_0 - rho r` with `r = 1/N sum_i w_i u_i`, which adds rho to all
//! products of rows; b_0 moves to b after each round. Before D counts as a bound, r is taken to 0 exactly
//! by shrinking some alpha ([`balance`]).

use super::dual_row::maximise;
use super::dual_space::Space;
use super::run::{Run, Verdict};
use super::state::State;
use crate::Monitor;
use crate::linear::{LinearData, LinearError, Loss, Parameters};
use crate::neighbors::Element;

/// The most rows: their products are as many numbers as these squared.
const MAX_ROWS: usize = 1024;

/// Rounds between two looks at the gap.
const ROUNDS: u32 = 10;

/// Looks after which the gap has to be this much smaller for the ascent to go on.
const LOOKS: usize = 12;
const SMALLER: f64 = 0.95;

/// A proximal step of the weights is solved well enough when it has to gain less than this share of the gap.
const FOLLOW: f64 = 0.9;

/// rho, in units of the mean square of a row over 2 l2, and at the least.
const RHO: f64 = 0.01;
const LEAST_RHO: f64 = 0.01;

/// Rows between two questions to the monitor.
const ROWS_AT_ONCE: usize = 64;

/// Where an ascent stands.
struct Ascent<'s, 'a, T> {
    data: &'s LinearData<'a, T>,
    loss: Loss,
    space: Space,
    /// Weights of margins, `n x K`.
    alpha: Vec<f64>,
    /// b_0.
    bias: Vec<f64>,
    /// r.
    residual: Vec<f64>,
    rho: f64,
    order: Vec<u32>,
    random: u64,
}

/// Whether the ascent is the method for this problem.
pub(super) fn suits<T: Element>(state: &State<'_, '_, T>) -> bool {
    let data = state.data();
    let is_hinge = state.row_loss.loss.smoothness(data.n_classes()).is_none();
    is_hinge
        && (state.penalties.l2 > 0.0 || state.penalties.l1 > 0.0)
        && data.n_rows() <= MAX_ROWS
        && data.n_rows() <= data.n_features()
}

/// Ascends until the run's tolerance is met or the gap falls no more; `state` is left at the best point,
/// its smoothing centered there.
pub(super) fn fit<T: Element>(
    state: &mut State<'_, '_, T>,
    run: &mut Run<'_>,
) -> Result<Verdict, LinearError> {
    state.minimise_bias(super::smooth::SEARCH_TOLERANCE);
    let here = state.measure();
    let mut verdict = run.record(state, &here)?;
    if verdict != Verdict::GoOn {
        return Ok(verdict);
    }
    let monitor = run.monitor();
    let data = state.data();
    let space = Space::new(data, state.penalties, monitor).ok_or(LinearError::Cancelled)?;
    let mut ascent = Ascent::new(data, state, space);
    let mut gaps = Vec::new();
    while verdict == Verdict::GoOn {
        for _ in 0..ROUNDS {
            if !ascent.round(monitor) {
                return Err(LinearError::Cancelled);
            }
        }
        state.count_passes(f64::from(ROUNDS) * ascent.space.work());
        let coefficients = ascent.balance();
        let (objective, bound, slack) = ascent.values(&coefficients);
        verdict = run.record_bound(state, objective, bound, || Parameters {
            weight: ascent.space.weight(&coefficients),
            bias: ascent.bias.clone(),
        })?;
        if slack < FOLLOW * (objective - bound) {
            ascent.space.follow();
        }
        gaps.push(run.gap().unwrap_or(f64::INFINITY));
        if gaps.len() > LOOKS && gaps[gaps.len() - 1] > SMALLER * gaps[gaps.len() - 1 - LOOKS] {
            break;
        }
    }
    let best = run.best().cloned().ok_or(LinearError::NotFinite)?;
    state.go_to(best, ascent.alpha);
    run.set_stationarity(state.measure().stationarity);
    Ok(verdict)
}

impl<'s, 'a, T: Element> Ascent<'s, 'a, T> {
    fn new(data: &'s LinearData<'a, T>, state: &State<'_, '_, T>, space: Space) -> Self {
        let (n, n_classes) = (data.n_rows(), data.n_classes());
        let mean = (0..n).map(|i| space.curvature(i)).sum::<f64>() / n as f64;
        Self {
            data,
            loss: state.row_loss.loss,
            space,
            alpha: vec![0.0; n * n_classes],
            bias: state.at.bias.clone(),
            residual: vec![0.0; n_classes],
            rho: (RHO * mean).max(LEAST_RHO),
            order: (0..n as u32).collect(),
            random: 0,
        }
    }

    /// Visits all rows once, and moves b_0; false if the monitor says to stop.
    fn round(&mut self, monitor: &dyn Monitor) -> bool {
        self.shuffle();
        let before_round = self.height();
        let n_classes = self.data.n_classes();
        let n = self.data.n_rows() as f64;
        let order = std::mem::take(&mut self.order);
        let mut margins = vec![0.0; n_classes];
        let (mut before, mut change) = (margins.clone(), margins.clone());
        for rows in order.chunks(ROWS_AT_ONCE) {
            if monitor.cancelled() {
                return false;
            }
            for &i in rows {
                let i = i as usize;
                let weight = self.data.weight(i);
                if weight == 0.0 {
                    continue;
                }
                let label = self.data.labels()[i] as usize;
                self.space.scores(i, &mut margins);
                for (k, s) in margins.iter_mut().enumerate() {
                    *s += self.bias[k] - self.rho * self.residual[k];
                }
                margins_of(self.loss, &mut margins, label);
                let q = weight * (self.space.curvature(i) + self.rho) / n;
                let alpha = &mut self.alpha[i * n_classes..][..n_classes];
                maximise(self.loss, &margins, q, alpha, &mut before);
                for ((change, new), old) in change.iter_mut().zip(&*alpha).zip(&before) {
                    *change = weight * (new - old);
                }
                coefficients_of(self.loss, &mut change, label);
                self.space.add(i, &change);
                for (r, change) in self.residual.iter_mut().zip(&change) {
                    *r += change / n;
                }
            }
        }
        self.order = order;
        if let (Some(before), Some(after)) = (before_round, self.height()) {
            self.space.went(after >= before);
        }
        for (b, r) in self.bias.iter_mut().zip(&self.residual) {
            *b -= self.rho * r;
        }
        true
    }

    /// What a round raises, with the proximal steps as they are.
    fn height(&self) -> Option<f64> {
        let n_classes = self.data.n_classes();
        let height = self.space.height()?;
        let rows = self.alpha.chunks_exact(n_classes).enumerate();
        let alphas: f64 = rows
            .map(|(i, row)| self.data.weight(i) * row.iter().sum::<f64>())
            .sum();
        let of_bias = self.bias.iter().zip(&self.residual);
        let of_bias: f64 = of_bias.map(|(b, r)| b * r - 0.5 * self.rho * r * r).sum();
        Some(height + alphas / self.data.n_rows() as f64 + of_bias)
    }

    /// Fisher and Yates, with the numbers of SplitMix64.
    fn shuffle(&mut self) {
        for i in (1..self.order.len()).rev() {
            self.random += 1;
            let j = super::preconditioner::mix(self.random) % (i as u64 + 1);
            self.order.swap(i, j as usize);
        }
    }

    /// `w_i u_i` of all rows, `n x K`.
    fn coefficients(&self) -> Vec<f64> {
        let n_classes = self.data.n_classes();
        let mut coefficients = self.alpha.clone();
        for (i, row) in coefficients.chunks_exact_mut(n_classes).enumerate() {
            let weight = self.data.weight(i);
            row.iter_mut().for_each(|a| *a *= weight);
            coefficients_of(self.loss, row, self.data.labels()[i] as usize);
        }
        coefficients
    }

    /// Shrinks alphas until the coefficients sum to 0 in each class, and makes scores anew; returns the
    /// coefficients.
    fn balance(&mut self) -> Vec<f64> {
        let n_classes = self.data.n_classes();
        let labels = self.data.labels();
        // What the rows of each class (first index) put on each margin (second).
        let mut flow = vec![0.0; n_classes * n_classes];
        for (i, row) in self.alpha.chunks_exact(n_classes).enumerate() {
            let flow = &mut flow[labels[i] as usize * n_classes..][..n_classes];
            for (flow, alpha) in flow.iter_mut().zip(row) {
                *flow += self.data.weight(i) * alpha;
            }
        }
        let before = flow.clone();
        if self.loss == Loss::OneVsAll {
            balance_each(&mut flow, n_classes);
        } else {
            circulate(&mut flow, n_classes);
        }
        for (i, row) in self.alpha.chunks_exact_mut(n_classes).enumerate() {
            let at = labels[i] as usize * n_classes;
            for (k, alpha) in row.iter_mut().enumerate() {
                if flow[at + k] < before[at + k] {
                    *alpha *= flow[at + k] / before[at + k];
                }
            }
        }
        let coefficients = self.coefficients();
        self.space.set(&coefficients);
        self.residual.fill(0.0);
        let n = self.data.n_rows() as f64;
        for row in coefficients.chunks_exact(n_classes) {
            for (r, u) in self.residual.iter_mut().zip(row) {
                *r += u / n;
            }
        }
        coefficients
    }

    /// The objective at the weights that the coefficients make, the dual objective, a lower bound, and what
    /// the problem that rounds solve, proximal step and all, still has to gain at most.
    fn values(&self, coefficients: &[f64]) -> (f64, f64, f64) {
        let n_classes = self.data.n_classes();
        let n = self.data.n_rows() as f64;
        let mut scores = vec![0.0; n_classes];
        let (mut loss, mut dual, mut inner) = (0.0, 0.0, 0.0);
        for (i, u) in coefficients.chunks_exact(n_classes).enumerate() {
            self.space.scores(i, &mut scores);
            inner += u.iter().zip(&scores).map(|(u, s)| u * s).sum::<f64>();
            for (s, b) in scores.iter_mut().zip(&self.bias) {
                *s += b;
            }
            let weight = self.data.weight(i);
            loss += weight * self.loss.value(&scores, self.data.labels()[i] as usize);
            let alpha = &self.alpha[i * n_classes..][..n_classes];
            dual += weight * alpha.iter().sum::<f64>();
        }
        let (penalty, conjugate) = self.space.penalty_and_conjugate(inner / n);
        let slack = (loss - dual - inner) / n;
        (
            loss / n + penalty,
            self.space.feasible() * dual / n - conjugate,
            slack,
        )
    }
}

/// Scores become margins; that of a class that has none is minus infinity.
fn margins_of(loss: Loss, scores: &mut [f64], label: usize) {
    let at_label = scores[label];
    if loss == Loss::OneVsAll {
        scores.iter_mut().for_each(|s| *s += 1.0);
        scores[label] = 1.0 - at_label;
    } else {
        scores.iter_mut().for_each(|s| *s += 1.0 - at_label);
        scores[label] = f64::NEG_INFINITY;
    }
}

/// Weights of margins become coefficients of scores.
fn coefficients_of(loss: Loss, alpha: &mut [f64], label: usize) {
    if loss == Loss::OneVsAll {
        alpha[label] = -alpha[label];
    } else {
        alpha[label] = 0.0;
        alpha[label] = -alpha.iter().sum::<f64>();
    }
}

/// For each class, what its own rows and what all others put on its margin becomes the smaller of the two.
fn balance_each(flow: &mut [f64], n_classes: usize) {
    for k in 0..n_classes {
        let own = flow[k * n_classes + k];
        let all: f64 = (0..n_classes).map(|j| flow[j * n_classes + k]).sum();
        let others = all - own;
        for j in 0..n_classes {
            let (part, whole) = if j == k {
                (own, own)
            } else {
                (flow[j * n_classes + k], others)
            };
            if whole > own.min(others) {
                flow[j * n_classes + k] = part * (own.min(others) / whole);
            }
        }
    }
}

/// Lowers some of `flow`, from each class to each, until as much leaves every class as enters it. Any flow is
/// made of cycles and of paths from where more leaves to where more enters (Ford, Fulkerson 1962, Flows in
/// networks); the paths are taken away.
fn circulate(flow: &mut [f64], n_classes: usize) {
    let total: f64 = flow.iter().sum();
    let dust = 1e-16 * total;
    loop {
        let surplus = |flow: &[f64], k: usize| -> f64 {
            let (enters, leaves): (f64, f64) = (0..n_classes)
                .map(|j| (flow[j * n_classes + k], flow[k * n_classes + j]))
                .fold((0.0, 0.0), |sum, x| (sum.0 + x.0, sum.1 + x.1));
            enters - leaves
        };
        let surpluses: Vec<f64> = (0..n_classes).map(|k| surplus(flow, k)).collect();
        let most = (0..n_classes).max_by(|&a, &b| surpluses[a].total_cmp(&surpluses[b]));
        let Some(end) = most.filter(|&k| surpluses[k] > dust) else {
            return;
        };
        // Breadth first, against the flow.
        let mut next = vec![usize::MAX; n_classes];
        next[end] = end;
        let mut queue = vec![end];
        let mut at = 0;
        let start = loop {
            let Some(&k) = queue.get(at) else {
                return;
            };
            if surpluses[k] < -dust {
                break k;
            }
            for j in 0..n_classes {
                if next[j] == usize::MAX && flow[j * n_classes + k] > 0.0 {
                    next[j] = k;
                    queue.push(j);
                }
            }
            at += 1;
        };
        let mut by = surpluses[end].min(-surpluses[start]);
        let mut k = start;
        while k != end {
            by = by.min(flow[k * n_classes + next[k]]);
            k = next[k];
        }
        let mut k = start;
        while k != end {
            let edge = &mut flow[k * n_classes + next[k]];
            *edge = if *edge <= by { 0.0 } else { *edge - by };
            k = next[k];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_become_circulations_without_growing() {
        for seed in 0..50 {
            let n = 2 + seed % 6;
            let random = |i: usize| ((seed * 31 + i) as f64 * 12.9898).sin();
            let mut flow: Vec<f64> = (0..n * n).map(|i| random(i).max(0.0)).collect();
            (0..n).for_each(|k| flow[k * n + k] = 0.0);
            let before = flow.clone();
            circulate(&mut flow, n);
            for k in 0..n {
                let leaves: f64 = flow[k * n..][..n].iter().sum();
                let enters: f64 = (0..n).map(|j| flow[j * n + k]).sum();
                assert!((leaves - enters).abs() < 1e-12, "{seed}: {leaves} {enters}");
            }
            let shrunk = flow
                .iter()
                .zip(&before)
                .all(|(a, b)| (0.0..=*b).contains(a));
            assert!(shrunk);
            // One flow both ways already circulates.
            let mut cycle = vec![0.0, 0.3, 0.3, 0.0];
            circulate(&mut cycle, 2);
            assert_eq!(cycle, [0.0, 0.3, 0.3, 0.0]);
        }
    }
}
