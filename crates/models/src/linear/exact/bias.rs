//! Exact minimisation over the bias, and over a step along a direction with it, from scores at hand.
//!
//! Scores are linear in W: with `S = Z W^T` and `D = Z V^T` stored, the objective at `W + t V` with bias
//! b needs no further look at the rows. [`Line::minimise`] is a damped Newton method on the `1 + K`
//! numbers (t, b). The objective is convex in them, so that it finds the least value from anywhere, but a
//! smoothed hinge is curved in narrow places only, where Newton's method may take many short steps: their
//! number is bounded, and what is left is for the next search.
//!
//! `one-vs-all` falls apart into one problem a class when nothing but the bias moves, each with one
//! monotone slope. [`Line::minimise_each`] finds their zeros by Newton's method between bounds.
//!
//! At the exact minimiser over b the dual coefficients sum to 0 over the rows, which makes them
//! feasible for the dual of the problem with a free bias.

use super::row::RowLoss;
use crate::Monitor;
use crate::linear::{LinearData, Loss};
use crate::neighbors::Element;
use rayon::prelude::*;

/// Rows whose sums are made in one go; the sums of such parts are added in their order.
pub(super) const ROWS_AT_ONCE: usize = 1024;

/// Readings of the scores in one search, more than which no well-posed problem takes.
const MAX_READINGS: usize = 60;

/// The objective along a direction: `1/N sum_i w_i L(S_i + t D_i + b) + t (2 c + a t)`.
pub(super) struct Line<'l, 'd, 'a, T> {
    pub(super) data: &'d LinearData<'a, T>,
    pub(super) row_loss: RowLoss,
    /// S, `n x K`, without the bias.
    pub(super) scores: &'l [f64],
    /// What the smoothing is centered at, `n x K`.
    pub(super) center: &'l [f64],
    /// D, `n x K`, or nothing to move along.
    pub(super) direction: Option<&'l [f32]>,
    /// `a` and `c` of the penalty's part.
    pub(super) quadratic: (f64, f64),
    /// Asked before every reading of the scores.
    pub(super) monitor: &'l dyn Monitor,
}

/// Value, gradient and second derivatives by (b, t), t last.
#[derive(Clone)]
struct Expansion {
    value: f64,
    gradient: Vec<f64>,
    /// Lower triangle, row by row, of a full square.
    hessian: Vec<f64>,
}

impl<T: Element> Line<'_, '_, '_, T> {
    /// Moves `bias` to the least value and returns the step t; starts at (`t`, `bias`). Stops when
    /// another step would gain less than `tolerance`, after that step, or when the monitor says so.
    pub(super) fn minimise(&self, bias: &mut [f64], t: f64, tolerance: f64) -> f64 {
        if self.row_loss.loss == Loss::OneVsAll && self.direction.is_none() {
            self.minimise_each(bias, tolerance);
            return t;
        }
        let n_classes = bias.len();
        let size = n_classes + usize::from(self.direction.is_some());
        let mut at = bias.to_vec();
        at.resize(n_classes + 1, t);
        let mut here = self.expand(&at);
        // How far a step may move any score: margins and logarithms of odds are numbers around 1.
        let mut radius = 2.0;
        let mut readings = 0;
        while readings < MAX_READINGS {
            let Some((step, damped)) = self.newton_step(&here, size, radius, at[n_classes]) else {
                break;
            };
            let slope: f64 = step.iter().zip(&here.gradient).map(|(s, g)| s * g).sum();
            if slope >= 0.0 || slope.is_nan() {
                break;
            }
            if !damped && -slope <= tolerance {
                for (x, s) in at.iter_mut().zip(&step) {
                    *x += s;
                }
                break;
            }
            let mut length = 1.0;
            let moved = loop {
                let mut there_at = at.clone();
                for (x, s) in there_at.iter_mut().zip(&step) {
                    *x += length * s;
                }
                if readings == MAX_READINGS || self.monitor.cancelled() {
                    break None;
                }
                readings += 1;
                let there = self.expand(&there_at);
                if there.value <= here.value + 1e-4 * length * slope {
                    break Some((there_at, there));
                }
                length *= 0.5;
                if length < 1e-9 {
                    break None;
                }
            };
            let Some((there_at, there)) = moved else {
                break;
            };
            (at, here) = (there_at, there);
            radius *= if length < 0.3 { 0.5 } else { 2.0 };
        }
        bias.copy_from_slice(&at[..n_classes]);
        at[n_classes]
    }

    /// The best bias of every class where no other class counts, to slopes of at most `tolerance`.
    fn minimise_each(&self, bias: &mut [f64], tolerance: f64) {
        let n_classes = bias.len();
        let mut at = bias.to_vec();
        at.push(0.0);
        let mut between = vec![(f64::NEG_INFINITY, f64::INFINITY); n_classes];
        // How far to go where nothing bounds the way: margins are numbers around 1.
        let mut stride = vec![1.0; n_classes];
        for _ in 0..MAX_READINGS {
            if self.monitor.cancelled() {
                break;
            }
            let here = self.expand(&at);
            let mut done = true;
            for k in 0..n_classes {
                let slope = here.gradient[k];
                if slope.abs() <= tolerance {
                    continue;
                }
                let (low, high) = &mut between[k];
                *if slope > 0.0 { &mut *high } else { &mut *low } = at[k];
                let curvature = here.hessian[k * (n_classes + 1) + k];
                let newton = at[k] - slope / curvature;
                let inside = newton > *low && newton < *high && (newton - at[k]).abs() < stride[k];
                let next = if curvature > 0.0 && inside {
                    newton
                } else if low.is_finite() && high.is_finite() {
                    0.5 * (*low + *high)
                } else {
                    stride[k] *= 2.0;
                    at[k] - stride[k].copysign(slope)
                };
                done &= next == at[k];
                at[k] = next;
            }
            if done {
                break;
            }
        }
        bias.copy_from_slice(&at[..n_classes]);
    }

    /// The solution of `(H + damping) step = -g`, with as much damping (Levenberg and Marquardt) as keeps
    /// the step within the radius; and whether there was any.
    fn newton_step(
        &self,
        here: &Expansion,
        size: usize,
        radius: f64,
        t: f64,
    ) -> Option<(Vec<f64>, bool)> {
        let width = here.gradient.len();
        let n_classes = width - 1;
        let trace: f64 = (0..n_classes).map(|k| here.hessian[k * width + k]).sum();
        // Shifts of all scores change nothing: any curvature will do for them.
        let shift = if self.row_loss.ignores_shifts() {
            (trace / n_classes as f64).max(1e-6) / n_classes as f64
        } else {
            0.0
        };
        let mut h = vec![0.0; size * size];
        for i in 0..size {
            for j in 0..=i {
                let both_bias = i < n_classes && j < n_classes;
                let shift = if both_bias { shift } else { 0.0 };
                h[i * size + j] = here.hessian[i * width + j] + shift;
            }
        }
        let diagonal: Vec<f64> = (0..size).map(|i| h[i * size + i]).collect();
        // Where nothing is curved, slopes say what a large number is.
        let steepest = here.gradient[..n_classes]
            .iter()
            .fold(0.0, |a: f64, g| a.max(g.abs()));
        let bias_scale = (trace / n_classes as f64).max(1e-2 * steepest).max(1e-12);
        let scale = |i: usize| {
            if i < n_classes {
                bias_scale
            } else {
                diagonal[i].max(1e-2 * here.gradient[i].abs())
            }
        };
        let fits = |step: &[f64]| {
            let of_bias = step[..n_classes].iter().all(|s| s.abs() <= radius);
            of_bias
                && step[n_classes..]
                    .iter()
                    .all(|s| s.abs() <= radius * (1.0 + t.abs()))
        };
        let mut damping = 1e-12;
        while damping < 1e12 {
            for i in 0..size {
                h[i * size + i] = diagonal[i] + damping * scale(i);
            }
            let mut step: Vec<f64> = here.gradient[..size].iter().map(|g| -g).collect();
            if solve_in_place(&mut h.clone(), &mut step) && fits(&step) {
                return Some((step, damping > 1e-9));
            }
            damping *= 10.0;
        }
        None
    }

    fn expand(&self, at: &[f64]) -> Expansion {
        let n_classes = at.len() - 1;
        let t = at[n_classes];
        let size = ROWS_AT_ONCE * n_classes;
        let parts: Vec<Expansion> = self
            .scores
            .par_chunks(size)
            .enumerate()
            .map(|(part, scores)| {
                let direction = self.direction.map(|all| {
                    let from = part * size;
                    &all[from..from + scores.len()]
                });
                self.expand_part(part * ROWS_AT_ONCE, scores, direction, at)
            })
            .collect();
        let mut total = Expansion::zero(n_classes);
        for part in &parts {
            total.value += part.value;
            for (sum, x) in total.gradient.iter_mut().zip(&part.gradient) {
                *sum += x;
            }
            for (sum, x) in total.hessian.iter_mut().zip(&part.hessian) {
                *sum += x;
            }
        }
        let n = self.data.n_rows() as f64;
        total.value /= n;
        total.gradient.iter_mut().for_each(|x| *x /= n);
        total.hessian.iter_mut().for_each(|x| *x /= n);
        let (a, c) = self.quadratic;
        total.value += t * (2.0 * c + a * t);
        total.gradient[n_classes] += 2.0 * (c + a * t);
        if let Some(last) = total.hessian.last_mut() {
            *last += 2.0 * a;
        }
        total
    }

    fn expand_part(
        &self,
        first_row: usize,
        scores: &[f64],
        direction: Option<&[f32]>,
        at: &[f64],
    ) -> Expansion {
        let n_classes = at.len() - 1;
        let t = at[n_classes];
        let mut sums = Expansion::zero(n_classes);
        let (mut row, mut h) = (vec![0.0; n_classes], vec![0.0; n_classes]);
        let mut along = vec![0.0; n_classes + 1];
        for (i, scores) in scores.chunks_exact(n_classes).enumerate() {
            for ((to, &s), b) in row.iter_mut().zip(scores).zip(at) {
                *to = s + b;
            }
            if let Some(direction) = direction {
                let direction = &direction[i * n_classes..][..n_classes];
                for ((d, to), &from) in along.iter_mut().zip(&mut row).zip(direction) {
                    *d = f64::from(from);
                    *to += t * *d;
                }
            }
            let index = first_row + i;
            let label = self.data.labels()[index] as usize;
            let weight = self.data.weight(index);
            let center = &self.center[index * n_classes..][..n_classes];
            let (value, curvature) = self.row_loss.second_order(&mut row, label, center, &mut h);
            sums.value += weight * value;
            for (sum, u) in sums.gradient.iter_mut().zip(&row) {
                *sum += weight * u;
            }
            if direction.is_some() {
                let inner: f64 = row.iter().zip(&along).map(|(u, d)| u * d).sum();
                sums.gradient[n_classes] += weight * inner;
            }
            let along = direction.is_some().then_some(&along[..n_classes]);
            sums.add_curvature(weight, &h, curvature, label, along);
        }
        sums
    }
}

impl Expansion {
    fn zero(n_classes: usize) -> Self {
        let width = n_classes + 1;
        Self {
            value: 0.0,
            gradient: vec![0.0; width],
            hessian: vec![0.0; width * width],
        }
    }

    /// Adds `weight J^T (diag(h) - kappa h h^T) J`, lower triangle, bordered by its products with `along`.
    fn add_curvature(
        &mut self,
        weight: f64,
        h: &[f64],
        curvature: super::row::Curvature,
        label: usize,
        along: Option<&[f64]>,
    ) {
        let n_classes = h.len();
        let width = n_classes + 1;
        let sum: f64 = h.iter().sum();
        if sum == 0.0 {
            return;
        }
        for (j, &h) in h.iter().enumerate() {
            self.hessian[j * width + j] += weight * h;
        }
        if curvature.of_margins {
            for (j, &h) in h.iter().enumerate().filter(|(_, h)| **h != 0.0) {
                self.hessian[j.max(label) * width + j.min(label)] -= weight * h;
            }
            self.hessian[label * width + label] += weight * sum;
        }
        // J^T h.
        let at = |k: usize| {
            if curvature.of_margins && k == label {
                -sum
            } else {
                h[k]
            }
        };
        if curvature.kappa != 0.0 {
            for j in 0..n_classes {
                let factor = weight * curvature.kappa * at(j);
                let row = &mut self.hessian[j * width..=j * width + j];
                for (x, &h) in row.iter_mut().zip(h) {
                    *x -= factor * h;
                }
                if curvature.of_margins && label <= j {
                    // The line above took h_label = 0 for it.
                    row[label] -= factor * -sum;
                }
            }
        }
        let Some(along) = along else {
            return;
        };
        let origin = if curvature.of_margins {
            along[label]
        } else {
            0.0
        };
        let mean: f64 = h.iter().zip(along).map(|(h, d)| h * (d - origin)).sum();
        let (mut total, mut square) = (0.0, 0.0);
        let border = &mut self.hessian[n_classes * width..];
        for ((x, &h), d) in border.iter_mut().zip(h).zip(along) {
            let d = d - origin;
            let product = weight * h * (d - curvature.kappa * mean);
            *x += product;
            total += product;
            square += product * d;
        }
        if curvature.of_margins {
            border[label] -= total;
        }
        border[n_classes] += square;
    }
}

/// Solves `h x = x` for a positive definite h (lower triangle) by Cholesky; false if it is not.
fn solve_in_place(h: &mut [f64], x: &mut [f64]) -> bool {
    let n = x.len();
    for j in 0..n {
        for k in 0..j {
            let factor = h[j * n + k];
            for i in j..n {
                h[i * n + j] -= factor * h[i * n + k];
            }
        }
        let pivot = h[j * n + j];
        if pivot.is_nan() || pivot <= 0.0 {
            return false;
        }
        let root = pivot.sqrt();
        for i in j..n {
            h[i * n + j] /= root;
        }
    }
    for i in 0..n {
        let known: f64 = (0..i).map(|k| h[i * n + k] * x[k]).sum();
        x[i] = (x[i] - known) / h[i * n + i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| h[k * n + i] * x[k]).sum();
        x[i] = (x[i] - known) / h[i * n + i];
    }
    x.iter().all(|x| x.is_finite())
}
