//! Weights as the dual coefficients make them, for the ascent: through products of rows for `l2`, through
//! the weights themselves where there is an `l1` part.
//!
//! With `p = -1/N sum_i w_i u_i z_i^T` and `lambda R(w) = l2 w^2 + l1 |w|`, the best weights for given dual
//! coefficients are `w = soft(p, l1) / (2 l2)`. For `l2` alone that is linear in u, and scores need only the
//! products of rows, `Z Z^T`, and never a weight. For `l1` alone there are no best weights; a proximal step
//! from weights c, `sigma (w - c)^2`, makes `w = soft(p + 2 sigma c, l1) / (2 sigma)` of them, and c follows
//! w. All numbers are f64: rows that are few can be nearly separable, where the objective is so small that
//! f32 scores would spoil it.

use super::certificate::Penalties;
use super::lbfgs::{add_scaled, dot};
use crate::Monitor;
use crate::linear::LinearData;
use crate::neighbors::Element;
use rayon::prelude::*;

/// sigma in units of l1: weights of 1 over this cost as much by one as by the other.
const SIGMA: f64 = 1.0;

/// What the share of squares is multiplied by after a round that went up.
const LESS: f64 = 0.7;

/// Rows on z, `n x d`, and what dual coefficients make of them.
pub(super) struct Space {
    rows: Vec<f64>,
    n_rows: usize,
    n_features: usize,
    penalties: Penalties,
    /// l2, or sigma.
    squeeze: f64,
    /// `|z_i|^2`.
    squares: Vec<f64>,
    /// What share of it counts in a step.
    share: f64,
    /// Rounds that went down.
    falls: f64,
    kind: Kind,
}

enum Kind {
    /// `Z Z^T / (2 l2 N)`, and the scores, class by class: `K x n`.
    Products {
        products: Vec<f64>,
        scores: Vec<f64>,
    },
    /// p and the weights, `K x d`.
    Weights {
        p: Vec<f64>,
        weight: Vec<f64>,
        /// c, for l1 alone.
        from: Option<Vec<f64>>,
    },
}

impl Space {
    /// At dual coefficients 0. `None` if the monitor says to stop. For l2 > 0 or l1 > 0.
    pub(super) fn new<T: Element>(
        data: &LinearData<'_, T>,
        penalties: Penalties,
        monitor: &dyn Monitor,
    ) -> Option<Self> {
        let (n, d, n_classes) = (data.n_rows(), data.n_features(), data.n_classes());
        let affine = data.affine();
        let mut rows = vec![0.0; n * d];
        rows.par_chunks_mut(d).enumerate().for_each(|(i, out)| {
            let columns = affine.center().iter().zip(affine.scale());
            let raw = data.rows().row(i).iter();
            for ((out, &x), (center, scale)) in out.iter_mut().zip(raw).zip(columns) {
                *out = (f64::from(x.number()) - center) * scale;
            }
        });
        let squares = rows.chunks_exact(d).map(|row| dot(row, row)).collect();
        let kind = if penalties.l1 > 0.0 {
            Kind::Weights {
                p: vec![0.0; n_classes * d],
                weight: vec![0.0; n_classes * d],
                from: (penalties.l2 == 0.0).then(|| vec![0.0; n_classes * d]),
            }
        } else {
            let scale = 1.0 / (2.0 * penalties.l2 * n as f64);
            let mut products = vec![0.0; n * n];
            products.par_chunks_mut(n).enumerate().for_each(|(i, out)| {
                if monitor.cancelled() {
                    return;
                }
                // Each half as long on average as it is wide: the other half is mirrored below.
                for (out, row) in out[..=i].iter_mut().zip(rows.chunks_exact(d)) {
                    *out = scale * dot(&rows[i * d..][..d], row);
                }
            });
            for i in 0..n {
                for j in 0..i {
                    products[j * n + i] = products[i * n + j];
                }
            }
            Kind::Products {
                products,
                scores: vec![0.0; n_classes * n],
            }
        };
        (!monitor.cancelled()).then_some(Self {
            rows,
            n_rows: n,
            n_features: d,
            penalties,
            squeeze: if penalties.l2 > 0.0 {
                penalties.l2
            } else {
                SIGMA * penalties.l1
            },
            squares,
            share: 1.0,
            falls: 0.0,
            kind,
        })
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.rows[i * self.n_features..][..self.n_features]
    }

    /// By how much, at most, a score of row i answers to its own dual coefficient times N.
    pub(super) fn curvature(&self, i: usize) -> f64 {
        self.share * self.squares[i] / (2.0 * self.squeeze)
    }

    /// What a round costs, a reading of all rows for scores and gradient being 1.
    pub(super) fn work(&self) -> f64 {
        match &self.kind {
            Kind::Products { .. } => self.n_rows as f64 / (2 * self.n_features) as f64,
            Kind::Weights { .. } => 1.0,
        }
    }

    /// The scores of row i, without the bias.
    pub(super) fn scores(&self, i: usize, out: &mut [f64]) {
        match &self.kind {
            Kind::Products { scores, .. } => {
                for (out, scores) in out.iter_mut().zip(scores.chunks_exact(self.n_rows)) {
                    *out = scores[i];
                }
            }
            Kind::Weights { weight, .. } => {
                let row = self.row(i);
                for (out, weight) in out.iter_mut().zip(weight.chunks_exact(self.n_features)) {
                    *out = dot(weight, row);
                }
            }
        }
    }

    /// Adds `change` to the dual coefficients of row i, its weight counted in.
    pub(super) fn add(&mut self, i: usize, change: &[f64]) {
        let (n, d) = (self.n_rows, self.n_features);
        let moved = change.iter().enumerate().filter(|(_, by)| **by != 0.0);
        let penalty = (self.squeeze, self.penalties.l1);
        match &mut self.kind {
            Kind::Products { products, scores } => {
                let row = &products[i * n..][..n];
                for (k, &by) in moved {
                    add_scaled(&mut scores[k * n..][..n], -by, row);
                }
            }
            Kind::Weights { p, weight, from } => {
                let row = &self.rows[i * d..][..d];
                for (k, &by) in moved {
                    let p = &mut p[k * d..][..d];
                    add_scaled(p, -by / n as f64, row);
                    let from = from.as_ref().map(|c| &c[k * d..][..d]);
                    soften(p, from, &mut weight[k * d..][..d], penalty);
                }
            }
        }
    }

    /// Makes everything anew for these dual coefficients, `n x K`, weights of rows counted in: without what
    /// many steps have rounded.
    pub(super) fn set(&mut self, coefficients: &[f64]) {
        let (n, d) = (self.n_rows, self.n_features);
        let n_classes = coefficients.len() / n;
        let rows = &self.rows;
        let penalty = (self.squeeze, self.penalties.l1);
        match &mut self.kind {
            Kind::Products { products, scores } => {
                scores
                    .par_chunks_mut(n)
                    .enumerate()
                    .for_each(|(k, scores)| {
                        let of_class = coefficients.iter().skip(k).step_by(n_classes);
                        scores.fill(0.0);
                        for (&u, row) in of_class.zip(products.chunks_exact(n)) {
                            if u != 0.0 {
                                add_scaled(scores, -u, row);
                            }
                        }
                    });
            }
            Kind::Weights { p, weight, from } => {
                p.par_chunks_mut(d)
                    .zip(weight.par_chunks_mut(d))
                    .enumerate()
                    .for_each(|(k, (p, weight))| {
                        sum_rows(rows, coefficients, (k, n_classes), p);
                        let from = from.as_ref().map(|c| &c[k * d..][..d]);
                        soften(p, from, weight, penalty);
                    });
            }
        }
    }

    /// The weights, `K x d`.
    pub(super) fn weight(&self, coefficients: &[f64]) -> Vec<f64> {
        let d = self.n_features;
        match &self.kind {
            Kind::Weights { weight, .. } => weight.clone(),
            Kind::Products { .. } => {
                let n_classes = coefficients.len() / self.n_rows;
                let mut weight = vec![0.0; n_classes * d];
                weight
                    .par_chunks_mut(d)
                    .enumerate()
                    .for_each(|(k, weight)| {
                        sum_rows(&self.rows, coefficients, (k, n_classes), weight);
                        for w in weight {
                            *w /= 2.0 * self.penalties.l2;
                        }
                    });
                weight
            }
        }
    }

    /// `lambda R(W)` and its conjugate at p, given the sum of `<w_i u_i, s_i> / N` at scores without bias.
    pub(super) fn penalty_and_conjugate(&self, inner: f64) -> (f64, f64) {
        match &self.kind {
            // l2 |W|^2 both times, and <p, W> = 2 l2 |W|^2.
            Kind::Products { .. } => (-0.5 * inner, -0.5 * inner),
            Kind::Weights { p, weight, .. } => {
                let conjugate = if self.penalties.l2 > 0.0 {
                    self.penalties.conjugate(p)
                } else {
                    0.0
                };
                (self.penalties.value(weight.iter().copied()), conjugate)
            }
        }
    }

    /// The share of the dual coefficients that is feasible: 1 but for l1 alone.
    pub(super) fn feasible(&self) -> f64 {
        match &self.kind {
            Kind::Weights {
                p, from: Some(_), ..
            } => {
                let largest = p.iter().fold(0.0, |most: f64, p| most.max(p.abs()));
                (self.penalties.l1 / largest).min(1.0)
            }
            _ => 1.0,
        }
    }

    /// What the ascent maximises but for the loss and the bias: minus the conjugate of penalty and proximal
    /// step at p, up to a constant. `None` where steps are sure to go up.
    pub(super) fn height(&self) -> Option<f64> {
        let Kind::Weights { weight, .. } = &self.kind else {
            return None;
        };
        // The conjugate of `squeeze w^2 + l1 |w|` is `squeeze w^2` at the best w.
        Some(-self.squeeze * dot(weight, weight))
    }

    /// Learns whether a round went up. The square of a row is more than its step needs, since weights that
    /// are and stay 0 take no part: less of it is taken as long as rounds go up.
    pub(super) fn went(&mut self, up: bool) {
        if up {
            self.share *= LESS.powf(1.0 / (1.0 + self.falls));
        } else {
            self.share = (self.share / LESS).min(1.0);
            self.falls += 1.0;
        }
    }

    /// Moves c to the weights, for l1 alone.
    pub(super) fn follow(&mut self) {
        if let Kind::Weights {
            p,
            weight,
            from: Some(from),
        } = &mut self.kind
        {
            from.copy_from_slice(weight);
            soften(p, Some(from), weight, (self.squeeze, self.penalties.l1));
        }
    }
}

/// `out = -1/N sum_i u_ik z_i`.
fn sum_rows(rows: &[f64], coefficients: &[f64], (k, n_classes): (usize, usize), out: &mut [f64]) {
    let n = coefficients.len() / n_classes;
    let of_class = coefficients.iter().skip(k).step_by(n_classes);
    out.fill(0.0);
    for (&u, row) in of_class.zip(rows.chunks_exact(out.len())) {
        if u != 0.0 {
            add_scaled(out, -u / n as f64, row);
        }
    }
}

/// `weight = soft(p + 2 squeeze from, l1) / (2 squeeze)`.
fn soften(p: &[f64], from: Option<&[f64]>, weight: &mut [f64], (squeeze, l1): (f64, f64)) {
    let factor = 1.0 / (2.0 * squeeze);
    let soft = |p: f64| factor * (p.abs() - l1).max(0.0).copysign(p);
    match from {
        None => {
            for (w, &p) in weight.iter_mut().zip(p) {
                *w = soft(p);
            }
        }
        Some(from) => {
            for ((w, &p), c) in weight.iter_mut().zip(p).zip(from) {
                *w = soft(p + 2.0 * squeeze * c);
            }
        }
    }
}
