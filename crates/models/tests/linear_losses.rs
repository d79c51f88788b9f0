//! Losses and penalties against central differences in f64, and the conditions at their kinks.

use nearplane_models::linear::{Loss, Penalty};
use proptest::prelude::*;

const PENALTIES: [Penalty; 4] = [
    Penalty::None,
    Penalty::L2,
    Penalty::L1,
    Penalty::Elastic { beta: 0.7 },
];

/// The loss again, from the definitions, naively.
fn by_the_letter(loss: Loss, s: &[f64], y: usize) -> f64 {
    let mut others = Vec::new();
    for (j, &score) in s.iter().enumerate() {
        if j != y {
            others.push(score);
        }
    }
    let hinge = |m: f64| if m > 0.0 { m } else { 0.0 };
    match loss {
        Loss::Svm => others.iter().map(|o| hinge(o - s[y] + 1.0)).sum(),
        Loss::SvmSquared => others.iter().map(|o| hinge(o - s[y] + 1.0).powi(2)).sum(),
        Loss::OneVsAll => hinge(1.0 - s[y]) + others.iter().map(|o| hinge(1.0 + o)).sum::<f64>(),
        Loss::CrammerSinger => hinge(1.0 + others.iter().copied().fold(-1e300, f64::max) - s[y]),
        Loss::Softmax => -(s[y].exp() / s.iter().map(|s| s.exp()).sum::<f64>()).ln(),
        Loss::Ridge => (s[y] - 1.0).powi(2) + others.iter().map(|o| o * o).sum::<f64>(),
        _ => unreachable!("a loss without a definition here"),
    }
}

/// How near the closest kink of the loss is, along any one score.
fn kink_distance(loss: Loss, s: &[f64], y: usize) -> f64 {
    let others = || {
        s.iter()
            .enumerate()
            .filter(|(j, _)| *j != y)
            .map(|(_, s)| *s)
    };
    let margins: Vec<f64> = match loss {
        Loss::Svm | Loss::SvmSquared => others().map(|o| o - s[y] + 1.0).collect(),
        Loss::OneVsAll => others().map(|o| 1.0 + o).chain([1.0 - s[y]]).collect(),
        Loss::CrammerSinger => {
            let mut sorted: Vec<f64> = others().collect();
            sorted.sort_by(f64::total_cmp);
            let n = sorted.len();
            let between = if n > 1 {
                sorted[n - 1] - sorted[n - 2]
            } else {
                1.0
            };
            vec![1.0 + sorted[n - 1] - s[y], between]
        }
        _ => vec![1.0],
    };
    margins
        .iter()
        .fold(f64::INFINITY, |least, m| least.min(m.abs()))
}

fn scores_and_label() -> impl Strategy<Value = (Vec<f64>, usize)> {
    prop::collection::vec(-4.0..4.0f64, 2..20).prop_flat_map(|scores| {
        let n = scores.len();
        (Just(scores), 0..n)
    })
}

proptest! {
    #[test]
    fn values_and_gradients_are_those_of_the_definitions((scores, label) in scores_and_label()) {
        for loss in Loss::ALL {
            let expected = by_the_letter(loss, &scores, label);
            let mut gradient = vec![0.0; scores.len()];
            let value = loss.gradient(&scores, label, &mut gradient);
            prop_assert_eq!(value, loss.value(&scores, label));
            prop_assert!((value - expected).abs() <= 1e-12 * (1.0 + expected), "{}", loss);
            let step = 1e-5;
            if kink_distance(loss, &scores, label) < 2.0 * step {
                continue;
            }
            for k in 0..scores.len() {
                let at = |change: f64| {
                    let mut moved = scores.clone();
                    moved[k] += change;
                    by_the_letter(loss, &moved, label)
                };
                let slope = (at(step) - at(-step)) / (2.0 * step);
                prop_assert!((gradient[k] - slope).abs() < 1e-7, "{} {} {}", loss, gradient[k], slope);
            }
        }
    }

    /// L(t) >= L(s) + g . (t - s): so at kinks, too.
    #[test]
    fn gradients_are_subgradients(
        (scores, label) in scores_and_label(),
        move_by in prop::collection::vec(-3.0..3.0f64, 20),
        whole in any::<bool>(),
    ) {
        // Whole numbers sit on the kinks.
        let round = |s: f64| if whole { s.round() } else { s };
        let scores: Vec<f64> = scores.iter().map(|&s| round(s)).collect();
        let moved: Vec<f64> = scores.iter().zip(&move_by).map(|(s, m)| s + m).collect();
        for loss in Loss::ALL {
            let mut gradient = vec![0.0; scores.len()];
            let value = loss.gradient(&scores, label, &mut gradient);
            let slope: f64 = gradient.iter().zip(&move_by).map(|(g, m)| g * m).sum();
            prop_assert!(loss.value(&moved, label) >= value + slope - 1e-9, "{}", loss);
        }
    }

    #[test]
    fn smooth_losses_keep_their_constant(
        (scores, label) in scores_and_label(),
        move_by in prop::collection::vec(-3.0..3.0f64, 20),
    ) {
        let moved: Vec<f64> = scores.iter().zip(&move_by).map(|(s, m)| s + m).collect();
        for loss in Loss::ALL {
            let Some(constant) = loss.smoothness(scores.len()) else { continue };
            let (mut at, mut there) = (scores.clone(), moved.clone());
            loss.gradient_in_place(&mut at, label);
            loss.gradient_in_place(&mut there, label);
            let norm = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            prop_assert!(norm(&at, &there) <= constant * norm(&scores, &moved) * (1.0 + 1e-12));
        }
    }

    #[test]
    fn penalties_are_those_of_the_definitions(weights in prop::collection::vec(-3.0..3.0f64, 1..30)) {
        for penalty in PENALTIES {
            let (squares, absolute) = match penalty {
                Penalty::L2 => (1.0, 0.0),
                Penalty::L1 => (0.0, 1.0),
                Penalty::Elastic { beta } => (beta, 1.0),
                _ => (0.0, 0.0),
            };
            let r = |w: f64| squares * w * w + absolute * w.abs();
            let expected: f64 = weights.iter().map(|&w| r(w)).sum();
            prop_assert!((penalty.value(&weights) - expected).abs() <= 1e-12 * (1.0 + expected));
            for &w in weights.iter().filter(|w| w.abs() > 1e-4) {
                let slope = (r(w + 1e-5) - r(w - 1e-5)) / 2e-5;
                prop_assert!((penalty.subgradient(w) - slope).abs() < 1e-8);
                let expected = 0.3 + 0.5 * slope;
                prop_assert!((penalty.minimal_subgradient(w, 0.3, 0.5) - expected).abs() < 1e-8);
            }
        }
    }

    /// The proximal point is better than every other one tried.
    #[test]
    fn proximal_points_are_the_best(w in -3.0..3.0f64, step in 0.0..2.0f64, other in -4.0..4.0f64) {
        for penalty in PENALTIES {
            let cost = |u: f64| (u - w).powi(2) / 2.0 + step * penalty.value(&[u]);
            let best = penalty.proximal(w, step);
            prop_assert!(cost(best) <= cost(other) + 1e-12, "{} {} {}", penalty, best, other);
            prop_assert!(cost(best) <= cost(best + 1e-3) && cost(best) <= cost(best - 1e-3));
            let cost = |u: f64| (u - w).powi(2) / 2.0 + step * penalty.l1_factor() * u.abs();
            prop_assert!(cost(penalty.proximal_l1(w, step)) <= cost(other) + 1e-12);
        }
    }
}

/// At 0 the L1 part takes any slope from -lambda to lambda away, and no more.
#[test]
fn subgradients_of_l1_at_zero() {
    for penalty in [Penalty::L1, Penalty::Elastic { beta: 3.0 }] {
        for zero in [0.0, -0.0] {
            assert_eq!(penalty.subgradient(zero), 0.0);
            for (gradient, expected) in [
                (0.0, 0.0),
                (0.5, 0.0),
                (-0.5, 0.0),
                (0.25, 0.0),
                (0.75, 0.25),
                (-1.5, -1.0),
            ] {
                let found = penalty.minimal_subgradient(zero, gradient, 0.5);
                assert_eq!(found, expected, "{penalty} {gradient}");
            }
        }
        assert_eq!(penalty.proximal(0.25, 0.25), 0.0);
        assert_eq!(penalty.proximal_l1(-1.0, 0.25), -0.75);
    }
    for penalty in [Penalty::None, Penalty::L2] {
        assert_eq!(penalty.minimal_subgradient(0.0, -0.3, 0.5), -0.3);
        assert_eq!(penalty.proximal_l1(0.3, 5.0), 0.3);
    }
}

#[test]
fn names_are_one_spelling() {
    for (loss, name) in Loss::ALL.into_iter().zip(Loss::NAMES) {
        assert_eq!(loss.to_string(), name);
        assert_eq!(name.parse(), Ok(loss));
    }
    for penalty in PENALTIES {
        assert_eq!(Penalty::by_name(penalty.name(), 0.7), Ok(penalty));
    }
    assert_eq!(
        "SVM".parse::<Loss>().unwrap_err().to_string(),
        "unknown loss 'SVM', expected one of svm, svm-squared, one-vs-all, crammer-singer, softmax, ridge"
    );
    assert_eq!(
        Penalty::by_name("ridge", 1.0).unwrap_err().to_string(),
        "unknown penalty 'ridge', expected none, l2, l1 or elastic"
    );
}
