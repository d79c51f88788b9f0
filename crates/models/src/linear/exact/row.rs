//! One row of scores as the exact solver sees it: a loss as a maximum over dual coefficients, smoothed
//! where it has kinks, with gradient, curvature and conjugate.
//!
//! Every loss is `L(s) = max_u <u, s> - L*(u)`. For the hinges u is made of weights alpha of the margins
//! m, in a box or a simplex, and `L(s) = max_alpha <alpha, m>`. Nesterov's smoothing takes
//! `mu/2 |alpha|^2` away inside the maximum (Nesterov 2005, Smooth minimization of non-smooth functions):
//! the maximiser becomes unique, `alpha = project(m / mu)`, and is the gradient of the smoothed loss,
//! which lies between `L - mu/2 |alpha|^2` and L. The alpha of any scores is a feasible dual point of
//! the loss itself, so that nothing is lost for the certificate. The table is for smoothing centered at 0;
//! around weights c it takes `mu/2 |alpha - c|^2` away, and m becomes `m + mu c` in it:
//!
//! | loss | margins m | alpha | L*(u) |
//! |---|---|---|---|
//! | `svm` | `1 + s_j - s_y`, j != y | `clip(m / mu, 0, 1)` | `-sum alpha` |
//! | `one-vs-all` | `1 - t_k s_k`, t = 1 for y, -1 else | `clip(m / mu, 0, 1)` | `-sum alpha` |
//! | `crammer-singer` | `1 + s_j - s_y`, j != y | projection of `m / mu` to `alpha >= 0, sum alpha <= 1` | `-sum alpha` |
//! | `svm-squared` | `1 + s_j - s_y`, j != y | `2 max(m, 0)`, no smoothing | `sum alpha^2 / 4 - alpha` |
//! | `softmax` | | u = P - e_y, no smoothing | `sum_k q_k log q_k` with q = u + e_y |

use crate::linear::Loss;

/// A loss, smoothed by `mu` if it has kinks.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowLoss {
    pub(super) loss: Loss,
    /// 0 where the loss is smooth.
    pub(super) mu: f64,
}

/// What a row of scores amounts to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RowValue {
    /// The smoothed loss; the loss itself where that is smooth.
    pub(super) smoothed: f64,
    /// L(s).
    pub(super) exact: f64,
    /// `-L*(u)`, what the row adds to the dual objective.
    pub(super) dual: f64,
    /// `L(s) + L*(u) - <u, s>`, which is never negative: what smoothing costs.
    pub(super) slack: f64,
}

/// Second derivatives of a row's smoothed loss, `J^T (diag(h) - kappa h h^T) J`, where J takes scores to
/// margins (`s_j - s_y`) or leaves them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curvature {
    pub(super) kappa: f64,
    pub(super) of_margins: bool,
}

impl RowLoss {
    /// A first guess at the mean eigenvalue of the second derivatives by the scores. For softmax the
    /// one at equal scores; for hinges it depends on how many margins are near the kink.
    pub(super) fn typical_curvature(loss: Loss, n_classes: usize) -> f64 {
        match loss {
            Loss::Softmax | Loss::CrammerSinger => 1.0 / n_classes as f64,
            Loss::Svm | Loss::OneVsAll => 2.0 / n_classes as f64,
            Loss::SvmSquared | Loss::Ridge => 2.0,
        }
    }

    /// Whether adding the same number to all scores of a row changes nothing.
    pub(super) fn ignores_shifts(self) -> bool {
        !matches!(self.loss, Loss::OneVsAll | Loss::Ridge)
    }

    /// The row's value; its scores are replaced by `u = dL/ds`, the dual coefficients.
    pub(super) fn coefficients(self, scores: &mut [f64], label: usize, center: &[f64]) -> RowValue {
        match self.loss {
            Loss::Softmax => {
                let exact = softmax_row(scores, label);
                let entropy = |(j, &u): (usize, &f64)| {
                    let q = if j == label { 1.0 + u } else { u };
                    if q > 0.0 { -q * q.ln() } else { 0.0 }
                };
                RowValue {
                    smoothed: exact,
                    exact,
                    dual: scores.iter().enumerate().map(entropy).sum(),
                    slack: 0.0,
                }
            }
            Loss::SvmSquared | Loss::Ridge => {
                let value = self.loss.gradient_in_place(scores, label);
                // With alpha = 2 max(m, 0): alpha - alpha^2/4 summed, and sum alpha^2/4 = value. Of ridge,
                // with u = 2 (s - y): -u_y - u^2/4 summed, and sum u^2/4 = value.
                RowValue {
                    smoothed: value,
                    exact: value,
                    dual: -scores[label] - value,
                    slack: 0.0,
                }
            }
            Loss::Svm | Loss::OneVsAll | Loss::CrammerSinger => self.hinge(scores, label, center),
        }
    }

    fn hinge(self, scores: &mut [f64], label: usize, center: &[f64]) -> RowValue {
        self.margins(scores, label);
        let mut value = RowValue::default();
        let threshold = self.threshold(scores, center);
        if self.loss == Loss::CrammerSinger {
            value.exact = scores.iter().fold(0.0, |most: f64, &m| most.max(m));
        }
        let mut reached = 0.0;
        for (m, &c) in scores.iter_mut().zip(center) {
            let alpha = (c + (*m - threshold) / self.mu).clamp(0.0, 1.0);
            if self.loss != Loss::CrammerSinger {
                value.exact += m.max(0.0);
                // Summed term by term, each at least 0.
                value.slack += if *m > 0.0 {
                    (1.0 - alpha) * *m
                } else if alpha > 0.0 {
                    -alpha * *m
                } else {
                    0.0
                };
            }
            reached += if alpha > 0.0 { alpha * *m } else { 0.0 };
            value.dual += alpha;
            value.smoothed -= 0.5 * self.mu * (alpha - c) * (alpha - c);
            *m = alpha;
        }
        value.smoothed += reached;
        if self.loss == Loss::CrammerSinger {
            value.slack = (value.exact - reached).max(0.0);
        }
        self.margins_to_scores(scores, label);
        value
    }

    /// Scores become margins; that of a class that has none is minus infinity.
    fn margins(self, scores: &mut [f64], label: usize) {
        let at_label = scores[label];
        if self.loss == Loss::OneVsAll {
            for (j, s) in scores.iter_mut().enumerate() {
                *s = 1.0 + if j == label { -*s } else { *s };
            }
        } else {
            scores.iter_mut().for_each(|s| *s = 1.0 + *s - at_label);
            scores[label] = f64::NEG_INFINITY;
        }
    }

    /// By what alphas have to be lowered, times mu, for their sum to be at most 1 (`crammer-singer`).
    fn threshold(self, margins: &[f64], center: &[f64]) -> f64 {
        if self.loss != Loss::CrammerSinger {
            return 0.0;
        }
        let moved = || margins.iter().zip(center).map(|(m, c)| m + self.mu * c);
        let sum_above = |threshold: f64| -> f64 { moved().map(|m| (m - threshold).max(0.0)).sum() };
        if sum_above(0.0) <= self.mu {
            return 0.0;
        }
        // Michelot's algorithm: the threshold of a set is at most the one sought; drop what lies below.
        let mut threshold = moved().fold(f64::NEG_INFINITY, f64::max) - self.mu;
        loop {
            let above = moved().filter(|m| *m > threshold);
            let (count, sum) = above.fold((0.0, 0.0), |(count, sum), m| (count + 1.0, sum + m));
            let next = (sum - self.mu) / count;
            if next <= threshold || count == 0.0 {
                return threshold;
            }
            threshold = next;
        }
    }

    /// Alphas of margins become coefficients of scores.
    fn margins_to_scores(self, alphas: &mut [f64], label: usize) {
        if self.loss == Loss::OneVsAll {
            alphas[label] = -alphas[label];
        } else {
            alphas[label] = 0.0;
            alphas[label] = -alphas.iter().sum::<f64>();
        }
    }

    /// The inverse of that: coefficients become weights of margins, 0 for a class that has no margin.
    pub(super) fn weights_of_margins(self, coefficients: &mut [f64], label: usize) {
        coefficients[label] = if self.loss == Loss::OneVsAll {
            -coefficients[label]
        } else {
            0.0
        };
    }

    /// The smoothed loss; its scores are replaced by the gradient, and `h` is the diagonal of the
    /// curvature.
    pub(super) fn second_order(
        self,
        scores: &mut [f64],
        label: usize,
        center: &[f64],
        h: &mut [f64],
    ) -> (f64, Curvature) {
        let mut curvature = Curvature {
            kappa: 0.0,
            of_margins: self.ignores_shifts(),
        };
        let value = match self.loss {
            Loss::Softmax => {
                let value = softmax_row(scores, label);
                h.copy_from_slice(scores);
                h[label] += 1.0;
                curvature.of_margins = false;
                curvature.kappa = 1.0;
                value
            }
            Loss::Ridge => {
                h.fill(2.0);
                self.loss.gradient_in_place(scores, label)
            }
            Loss::SvmSquared => {
                let value = self.loss.gradient_in_place(scores, label);
                for (h, &u) in h.iter_mut().zip(scores.iter()) {
                    *h = if u > 0.0 { 2.0 } else { 0.0 };
                }
                h[label] = 0.0;
                value
            }
            Loss::Svm | Loss::OneVsAll | Loss::CrammerSinger => {
                h.copy_from_slice(scores);
                self.margins(h, label);
                let threshold = self.threshold(h, center);
                let mut free = 0.0;
                for (m, c) in h.iter_mut().zip(center) {
                    let moved = *m + self.mu * c - threshold;
                    let inside = moved > 0.0 && moved < self.mu;
                    *m = if inside { 1.0 / self.mu } else { 0.0 };
                    free += f64::from(u8::from(inside));
                }
                if threshold > 0.0 && free > 0.0 {
                    curvature.kappa = self.mu / free;
                }
                self.hinge(scores, label, center).smoothed
            }
        };
        (value, curvature)
    }

    /// `L(s) + L*(theta u) - <theta u, s>` for dual coefficients shrunk by `theta` in 0..=1, which stay
    /// feasible. Scores are used up.
    pub(super) fn slack_of_shrunk(
        self,
        scores: &mut [f64],
        label: usize,
        center: &[f64],
        theta: f64,
    ) -> f64 {
        let reached = |u: &[f64], s: &[f64]| -> f64 { u.iter().zip(s).map(|(u, s)| u * s).sum() };
        let before = scores.to_vec();
        let value = self.coefficients(scores, label, center);
        let conjugate = match self.loss {
            Loss::Softmax => {
                let term = |(j, &u): (usize, &f64)| {
                    let q = if j == label {
                        1.0 + theta * u
                    } else {
                        theta * u
                    };
                    if q > 0.0 { q * q.ln() } else { 0.0 }
                };
                scores.iter().enumerate().map(term).sum()
            }
            // sum alpha = -u_y, sum alpha^2 / 4 = L.
            Loss::SvmSquared | Loss::Ridge => theta * theta * value.exact + theta * scores[label],
            Loss::Svm | Loss::OneVsAll | Loss::CrammerSinger => -theta * value.dual,
        };
        (value.exact + conjugate - theta * reached(scores, &before)).max(0.0)
    }
}

/// Cross-entropy; scores become `P - e_y`.
fn softmax_row(scores: &mut [f64], label: usize) -> f64 {
    Loss::Softmax.gradient_in_place(scores, label)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CENTER: [f64; 4] = [0.05, 0.3, 0.1, 0.2];

    const SCORES: [[f64; 4]; 4] = [
        [0.3, -0.2, 0.9, 0.05],
        [3.0, 0.1, -2.0, 0.4],
        [0.0, 0.0, 0.0, 0.0],
        [-0.6, 0.45, 0.44, 0.46],
    ];

    fn all() -> impl Iterator<Item = RowLoss> {
        Loss::ALL.into_iter().flat_map(|loss| {
            let smooth = loss.smoothness(4).is_some();
            let mus: &[f64] = if smooth { &[0.0] } else { &[1.0, 0.3, 0.01] };
            mus.iter().map(move |&mu| RowLoss { loss, mu })
        })
    }

    #[test]
    fn values_gradients_and_curvature_are_those_of_the_smoothed_loss() {
        for row_loss in all() {
            for (scores, label) in SCORES.iter().flat_map(|s| (0..4).map(move |y| (s, y))) {
                let mut u = *scores;
                let value = row_loss.coefficients(&mut u, label, &CENTER);
                assert!((value.exact - row_loss.loss.value(scores, label)).abs() < 1e-12);
                let inner: f64 = u.iter().zip(scores).map(|(u, s)| u * s).sum();
                // Fenchel and Young: never negative, and 0 where nothing is smoothed.
                let slack = value.exact - value.dual - inner;
                assert!((slack - value.slack).abs() < 1e-12, "{row_loss:?} {slack}");
                assert!(value.slack <= 4.0 * row_loss.mu && value.smoothed <= value.exact + 1e-15);
                assert!(value.exact - value.smoothed <= 2.0 * row_loss.mu + 1e-12);
                let step = 1e-5;
                let (mut gradient, mut h) = (*scores, [0.0; 4]);
                let (smoothed, curvature) =
                    row_loss.second_order(&mut gradient, label, &CENTER, &mut h);
                assert!((smoothed - value.smoothed).abs() < 1e-12);
                assert_eq!(gradient, u);
                for k in 0..4 {
                    let at = |by: f64| {
                        let mut moved = *scores;
                        moved[k] += by;
                        row_loss.coefficients(&mut moved, label, &CENTER).smoothed
                    };
                    let central = (at(step) - at(-step)) / (2.0 * step);
                    let smallest_mu = if row_loss.mu > 0.0 { row_loss.mu } else { 1.0 };
                    assert!(
                        (central - u[k]).abs() < 2.0 * step / smallest_mu,
                        "{row_loss:?}"
                    );
                }
                let _ = curvature;
            }
        }
    }

    #[test]
    fn shrunk_coefficients_stay_feasible() {
        for row_loss in all() {
            for (scores, label) in SCORES.iter().flat_map(|s| (0..4).map(move |y| (s, y))) {
                let whole = row_loss.slack_of_shrunk(&mut scores.clone(), label, &CENTER, 1.0);
                let expected = row_loss
                    .coefficients(&mut scores.clone(), label, &CENTER)
                    .slack;
                assert!((whole - expected).abs() < 1e-12, "{row_loss:?}");
                // At 0 the dual point is u = 0, with L*(0) = 0 for every loss here.
                let none = row_loss.slack_of_shrunk(&mut scores.clone(), label, &CENTER, 0.0);
                assert!((none - row_loss.loss.value(scores, label)).abs() < 1e-12);
            }
        }
    }
}
