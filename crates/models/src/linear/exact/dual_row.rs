//! The best weights of one row's margins while all other rows stay: the step of dual coordinate ascent.
//!
//! With margins m at the weights alpha so far, and q the square of the row on the scale of the dual, moving
//! to `alpha + d` changes the dual objective by a positive multiple of
//!
//! ```text
//! <m, d> - q/2 |J^T d|^2,    |J^T d|^2 = sum d^2 (+ (sum d)^2 where margins are differences of scores)
//! ```
//!
//! which is largest where `alpha + d = clip(alpha + (m - c) / q)` for one number c: q times the sum of d, or
//! more where the sum of the weights is at its bound (Keerthi and others 2008, A sequential dual method for
//! large scale multi-class linear SVMs). c is the zero of a falling piecewise linear function.

use crate::linear::Loss;

/// Steps of Newton's method on a piecewise linear function; it needs as many as there are pieces on its way.
const MAX_STEPS: usize = 100;

/// Replaces `alpha` by the best weights for `margins` (minus infinity where there is no margin), `q > 0`.
pub(super) fn maximise(loss: Loss, margins: &[f64], q: f64, alpha: &mut [f64], before: &mut [f64]) {
    before.copy_from_slice(alpha);
    let before = &*before;
    if loss == Loss::OneVsAll {
        for ((to, a), m) in alpha.iter_mut().zip(before).zip(margins) {
            *to = (a + m / q).clamp(0.0, 1.0);
        }
        return;
    }
    let most = if loss == Loss::CrammerSinger {
        f64::INFINITY
    } else {
        1.0
    };
    let weight = |a: f64, m: f64, c: f64| (a + (m - c) / q).clamp(0.0, most);
    // The sum of the weights at c, and how many move with c.
    let sum = |c: f64| {
        let mut total = 0.0;
        let mut moving = 0.0;
        for (&a, &m) in before.iter().zip(margins) {
            let w = weight(a, m, c);
            total += w;
            moving += f64::from(u8::from(w > 0.0 && w < most));
        }
        (total, moving)
    };
    let old: f64 = before.iter().sum();
    let mut c = zero(|c| {
        let (total, moving) = sum(c);
        (q * (total - old) - c, -moving - 1.0)
    });
    if loss == Loss::CrammerSinger && sum(c).0 > 1.0 {
        c = zero(|c| {
            let (total, moving) = sum(c);
            (q * (total - 1.0), -moving)
        });
    }
    for ((to, &a), &m) in alpha.iter_mut().zip(before).zip(margins) {
        *to = weight(a, m, c);
    }
}

/// Where a falling piecewise linear function is 0, given its value and slope: Newton's method, between
/// bounds once it has any.
fn zero(f: impl Fn(f64) -> (f64, f64)) -> f64 {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut c = 0.0;
    for _ in 0..MAX_STEPS {
        let (value, slope) = f(c);
        if value == 0.0 {
            break;
        }
        *if value > 0.0 { &mut low } else { &mut high } = c;
        // No slope is far to the right, where every weight is 0 and the value negative.
        let newton = c - value / slope.min(-1e-3);
        let next = if newton > low && newton < high {
            newton
        } else if low.is_finite() && high.is_finite() {
            0.5 * (low + high)
        } else {
            break;
        };
        if next == c {
            break;
        }
        c = next;
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the conditions of optimality: the slope by a weight is 0 inside, and points outwards at a bound.
    #[test]
    fn weights_meet_the_conditions_of_optimality() {
        let none = f64::NEG_INFINITY;
        for loss in [Loss::Svm, Loss::OneVsAll, Loss::CrammerSinger] {
            for seed in 0..400 {
                let random = |i: i32| (f64::from(seed) * 12.9898 + f64::from(i) * 78.233).sin();
                let mut alpha: Vec<f64> = (0..5).map(|i| 0.2 * random(i).abs()).collect();
                let mut margins: Vec<f64> = (5..10).map(|i| 3.0 * random(i)).collect();
                let q = [1e-3, 0.3, 2.0, 200.0][seed as usize % 4];
                if loss != Loss::OneVsAll {
                    (alpha[2], margins[2]) = (0.0, none);
                }
                let old = alpha.clone();
                maximise(loss, &margins, q, &mut alpha, &mut [0.0; 5]);
                let moved: Vec<f64> = alpha.iter().zip(&old).map(|(a, b)| a - b).collect();
                let all: f64 = moved.iter().sum();
                let total: f64 = alpha.iter().sum();
                let common = if loss == Loss::OneVsAll { 0.0 } else { all };
                let slope = |j: usize| margins[j] - q * (moved[j] + common);
                // What the bound on the sum takes off every slope.
                let mut price = 0.0;
                if loss == Loss::CrammerSinger {
                    assert!(total <= 1.0 + 1e-9);
                    if total > 1.0 - 1e-9 {
                        let inside = (0..5).filter(|&j| alpha[j] > 0.0);
                        price = inside.map(slope).fold(none, f64::max).max(0.0);
                    }
                }
                for (j, &a) in alpha.iter().enumerate() {
                    if margins[j] == none {
                        assert_eq!(a, 0.0);
                        continue;
                    }
                    let slope = slope(j) - price;
                    let close = 1e-9 * (1.0 + q);
                    let upper = if loss == Loss::CrammerSinger {
                        2.0
                    } else {
                        1.0
                    };
                    assert!((0.0..=upper).contains(&a), "{loss} {a}");
                    assert!(a == 0.0 || slope >= -close, "{loss} {seed} {slope}");
                    assert!(a == upper || slope <= close, "{loss} {seed} {slope} {a}");
                }
            }
        }
    }
}
