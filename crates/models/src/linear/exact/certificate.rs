//! How far from the least objective a point can be, term by term.
//!
//! Fenchel duality (Rockafellar 1970, theorem 31.1): for dual coefficients u_i that are feasible for the loss
//! and sum to 0 over the rows (the bias is free), and `A = 1/N sum_i w_i u_i z_i^T`,
//!
//! ```text
//! D(u) = -1/N sum_i w_i L*(u_i) - (lambda R)*(-A)  <=  min P  <=  P(W, b)
//! P - D = 1/N sum_i w_i (L(s_i) + L*(u_i) - <u_i, s_i>) + (lambda R(W) + (lambda R)*(-A) + <A, W>)
//! ```
//!
//! Both brackets are sums of terms that are never negative (Fenchel and Young), so that the gap keeps its
//! digits however small it is. With `a = l1 + l2` parts, `lambda R(w) = l2 w^2 + l1 |w|`:
//!
//! | l2 | l1 | `(lambda R)*(-a)` of one weight | the gap is |
//! |---|---|---|---|
//! | > 0 | any | `max(abs(a) - l1, 0)^2 / (4 l2)` | finite; `|grad_W|^2 / (4 lambda)` for l2 and a smooth loss |
//! | 0 | > 0 | 0 if `abs(a) <= l1`, else infinite | finite after u is shrunk by `theta = min(1, l1 / max abs(A))` |
//! | 0 | 0 | infinite unless A = 0 | infinite: there is none |

use crate::linear::LinearConfig;

/// `lambda R(w) = l2 w^2 + l1 |w|` of each weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Penalties {
    pub(super) l2: f64,
    pub(super) l1: f64,
}

/// Weights, and the gradient of the data term that some dual coefficients make.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point<'p> {
    pub(super) weight: &'p [f64],
    pub(super) gradient: &'p [f64],
}

impl Point<'_> {
    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        self.weight
            .iter()
            .copied()
            .zip(self.gradient.iter().copied())
    }
}

impl Penalties {
    pub(super) fn new(config: &LinearConfig) -> Self {
        Self {
            l2: config.lambda() * config.penalty().l2_factor(),
            l1: config.lambda() * config.penalty().l1_factor(),
        }
    }

    pub(super) fn value(self, weight: impl Iterator<Item = f64>) -> f64 {
        weight.map(|w| self.l2 * w * w + self.l1 * w.abs()).sum()
    }

    /// The theta that makes the dual coefficients feasible for the penalty.
    pub(super) fn shrink(self, point: Point<'_>) -> Option<f64> {
        if self.l2 > 0.0 {
            return Some(1.0);
        }
        if self.l1 == 0.0 {
            return None;
        }
        let largest = point
            .gradient
            .iter()
            .fold(0.0, |most: f64, g| most.max(g.abs()));
        Some(if largest > self.l1 {
            self.l1 / largest
        } else {
            1.0
        })
    }

    /// The second bracket, at coefficients shrunk by theta.
    pub(super) fn gap(self, point: Point<'_>, theta: f64) -> f64 {
        let (l2, l1) = (self.l2, self.l1);
        let term = |(w, a): (f64, f64)| {
            let a = theta * a;
            if l2 == 0.0 {
                // |theta a| <= l1 up to rounding.
                return (l1 * w.abs() + a * w).max(0.0);
            }
            // Turned so that w >= 0: the conjugate is about -a.
            let (size, v) = if w < 0.0 { (-w, a) } else { (w, -a) };
            if w == 0.0 {
                (a.abs() - l1).max(0.0).powi(2) / (4.0 * l2)
            } else if v >= l1 {
                l2 * (size - (v - l1) / (2.0 * l2)).powi(2)
            } else {
                // The conjugate may still be positive on the other side.
                l2 * size * size + (l1 - v) * size + (-v - l1).max(0.0).powi(2) / (4.0 * l2)
            }
        };
        point.pairs().map(term).sum()
    }

    /// `(lambda R)*(-A)`, for l2 > 0.
    pub(super) fn conjugate(self, gradient: &[f64]) -> f64 {
        let above = gradient.iter().map(|a| (a.abs() - self.l1).max(0.0));
        above.map(|x| x * x).sum::<f64>() / (4.0 * self.l2)
    }

    /// Euclidean norm of the smallest subgradient by W.
    pub(super) fn least_subgradient(self, point: Point<'_>) -> f64 {
        let term = |(w, a): (f64, f64)| {
            if w == 0.0 {
                (a.abs() - self.l1).max(0.0)
            } else {
                a + 2.0 * self.l2 * w + self.l1 * w.signum()
            }
        };
        point
            .pairs()
            .map(|pair| term(pair).powi(2))
            .sum::<f64>()
            .sqrt()
    }
}

/// The best dual point so far, for losses whose `-L*(u)` is linear in the weights of the margins: any
/// mixture of two feasible points is feasible, and its dual objective costs no look at the rows.
#[derive(Debug, Default)]
pub(super) struct BestDual {
    /// `1/N sum_i w_i (-L*(u_i))` and A.
    point: Option<(f64, Vec<f64>)>,
}

impl BestDual {
    /// Takes the best mixture of what it has and a new point; returns its dual objective. For l2 > 0.
    pub(super) fn mix(&mut self, penalties: Penalties, linear: f64, gradient: &[f64]) -> f64 {
        let Some((old_linear, old)) = &mut self.point else {
            self.point = Some((linear, gradient.to_vec()));
            return linear - penalties.conjugate(gradient);
        };
        let slope = |t: f64| {
            let terms = old.iter().zip(gradient).map(|(&old, &new)| {
                let a = old + t * (new - old);
                let shrunk = (a.abs() - penalties.l1).max(0.0) * a.signum();
                shrunk * (new - old)
            });
            linear - *old_linear - terms.sum::<f64>() / (2.0 * penalties.l2)
        };
        // The dual is concave: where its slope changes sign is the best mixture.
        let (mut low, mut high) = (0.0, 1.0);
        if slope(1.0) >= 0.0 {
            low = 1.0;
        } else if slope(0.0) > 0.0 {
            for _ in 0..40 {
                let middle = 0.5 * (low + high);
                if slope(middle) > 0.0 {
                    low = middle
                } else {
                    high = middle
                }
            }
        }
        *old_linear += low * (linear - *old_linear);
        for (old, new) in old.iter_mut().zip(gradient) {
            *old += low * (new - *old);
        }
        *old_linear - penalties.conjugate(old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The brackets against their definition, with the conjugate's supremum found by search.
    #[test]
    fn gap_is_primal_plus_conjugate_plus_inner_product() {
        for (l2, l1) in [(0.3, 0.0), (0.3, 0.2), (0.05, 0.7)] {
            let penalties = Penalties { l2, l1 };
            for w in [-1.3, -0.2, 0.0, 0.4, 2.0] {
                for a in [-1.5, -0.7, -0.1, 0.0, 0.2, 0.65, 2.0] {
                    let term = |x: f64| -a * x - l2 * x * x - l1 * x.abs();
                    let conjugate = (-400_000..400_000)
                        .map(|i| term(f64::from(i) * 1e-4))
                        .fold(f64::NEG_INFINITY, f64::max);
                    let expected = l2 * w * w + l1 * w.abs() + conjugate + a * w;
                    let point = Point {
                        weight: &[w],
                        gradient: &[a],
                    };
                    let gap = penalties.gap(point, 1.0);
                    assert!((gap - expected).abs() < 1e-6, "{w} {a}: {gap} {expected}");
                    assert!((penalties.conjugate(&[a]) - conjugate).abs() < 1e-6);
                    // Strong convexity: the least subgradient bounds the gap.
                    let least = penalties.least_subgradient(point);
                    assert!(w == 0.0 || gap >= 0.0 && least >= 0.0);
                }
            }
        }
    }

    #[test]
    fn mixtures_are_no_worse_than_both() {
        let penalties = Penalties { l2: 0.5, l1: 0.1 };
        let mut best = BestDual::default();
        let mut highest = f64::NEG_INFINITY;
        for i in 0..20 {
            let a: Vec<f64> = (0..6)
                .map(|j| f64::from(i * 7 + j * 3 % 11).sin())
                .collect();
            let linear = f64::from(i).cos();
            highest = highest.max(linear - penalties.conjugate(&a));
            let mixed = best.mix(penalties, linear, &a);
            assert!(mixed >= highest - 1e-12);
            highest = mixed;
        }
    }
}
