//! Metrics against values worked out elsewhere and against their definitions.

use nearplane_models::metrics::{Accuracy, ConfusionMatrix, accuracy};
use proptest::prelude::*;

/// Ends found by bisection of `(p - q)^2 = z^2 q (1 - q) / n` in decimal arithmetic of 50 digits.
#[test]
fn wilson_interval_is_the_solution_of_its_equation() {
    let cases = [
        (3859, 10_000, 0.3764043010962062, 0.3954833273319822),
        (9999, 10_000, 0.9994337311025987, 0.9999823473263989),
        (81, 263, 0.2552885198782742, 0.36620957698280004),
        (15, 148, 0.06238639953073628, 0.16048724172330803),
        (1, 2, 0.09453120573423072, 0.9054687942657693),
        (0, 10, 0.0, 0.2775327998628892),
        (10, 10, 0.7224672001371107, 1.0),
        (0, 1, 0.0, 0.7934506856227626),
    ];
    for (correct, total, low, high) in cases {
        let (got_low, got_high) = Accuracy { correct, total }.wilson_95();
        let close = |got: f64, want: f64| (got - want).abs() < 1e-15;
        assert!(
            close(got_low, low) && close(got_high, high),
            "{correct}/{total}: {got_low} {got_high}, expected {low} {high}"
        );
    }
}

#[test]
fn ends_are_exact_where_nothing_or_everything_is_right() {
    for total in 1..2000 {
        assert_eq!(Accuracy { correct: 0, total }.wilson_95().0, 0.0);
        assert_eq!(
            Accuracy {
                correct: total,
                total
            }
            .wilson_95()
            .1,
            1.0
        );
    }
    assert_eq!(
        Accuracy {
            correct: 0,
            total: 0
        }
        .wilson_95(),
        (0.0, 1.0)
    );
    assert!(
        Accuracy {
            correct: 0,
            total: 0
        }
        .value()
        .is_nan()
    );
}

#[test]
fn rows_are_truth_and_columns_predictions() {
    let truth = [0, 0, 0, 1, 1, 2];
    let predicted = [0, 1, 1, 1, 0, 0];
    let matrix = ConfusionMatrix::new(&predicted, &truth, 4);
    assert_eq!(matrix.n_classes(), 4);
    assert_eq!(matrix.row(0), [1, 2, 0, 0]);
    assert_eq!(matrix.row(1), [1, 1, 0, 0]);
    assert_eq!(matrix.row(2), [1, 0, 0, 0]);
    assert_eq!(matrix.row(3), [0, 0, 0, 0]);
    assert_eq!(matrix.count(0, 1), 2);
    assert_eq!(
        (matrix.recall(0), matrix.precision(0)),
        (Some(1.0 / 3.0), Some(1.0 / 3.0))
    );
    assert_eq!(
        (matrix.recall(1), matrix.precision(1)),
        (Some(0.5), Some(1.0 / 3.0))
    );
    assert_eq!((matrix.recall(2), matrix.precision(2)), (Some(0.0), None));
    assert_eq!((matrix.recall(3), matrix.precision(3)), (None, None));
    assert_eq!(
        matrix.accuracy(),
        Accuracy {
            correct: 2,
            total: 6
        }
    );
}

/// Rows 4 + 2 + 1 + 0 + 0; class 3 is predicted without rows, class 4 does not occur.
#[test]
fn fractions_by_hand() {
    let truth = [0, 0, 0, 0, 1, 1, 2];
    let predicted = [0, 0, 0, 1, 1, 3, 0];
    let matrix = ConfusionMatrix::new(&predicted, &truth, 5);
    let of_all = |of: &dyn Fn(usize) -> u64| (0..5).map(of).collect::<Vec<_>>();
    assert_eq!(of_all(&|k| matrix.support(k)), [4, 2, 1, 0, 0]);
    assert_eq!(of_all(&|k| matrix.n_predicted(k)), [4, 2, 0, 1, 0]);
    let fractions =
        |of: &dyn Fn(usize) -> Option<f64>| (0..5).map(of).collect::<Vec<Option<f64>>>();
    assert_eq!(
        fractions(&|k| matrix.precision(k)),
        [Some(0.75), Some(0.5), None, Some(0.0), None]
    );
    assert_eq!(
        fractions(&|k| matrix.recall(k)),
        [Some(0.75), Some(0.5), Some(0.0), None, None]
    );
    assert_eq!(
        fractions(&|k| matrix.f1(k)),
        [Some(0.75), Some(0.5), Some(0.0), Some(0.0), None]
    );
    // Over classes 0 to 3: (3/4 + 1/2 + 0 + 0) / 4.
    let mean = matrix.macro_averages().unwrap();
    assert_eq!(
        (mean.precision, mean.recall, mean.f1),
        (0.3125, 0.3125, 0.3125)
    );
    assert!(ConfusionMatrix::new(&[], &[], 3).macro_averages().is_none());
}

#[test]
#[should_panic(expected = "2 predicted labels for 3 true ones")]
fn lengths_must_agree() {
    let _ = accuracy(&[0, 1], &[0, 1, 2]);
}

#[test]
#[should_panic(expected = "row 1: predicted label 3 and true label 0 must be below 3 classes")]
fn labels_must_be_classes() {
    let _ = ConfusionMatrix::new(&[0, 3], &[0, 0], 3);
}

proptest! {
    #[test]
    fn intervals_hold_their_accuracy_and_mirror(total in 1_u64..100_000, part in 0.0..=1.0_f64) {
        let correct = (total as f64 * part) as u64;
        let (low, high) = Accuracy { correct, total }.wilson_95();
        let p = Accuracy { correct, total }.value();
        prop_assert!(0.0 <= low && low <= p && p <= high && high <= 1.0);
        let (mirror_low, mirror_high) = Accuracy { correct: total - correct, total }.wilson_95();
        prop_assert!((low + mirror_high - 1.0).abs() < 1e-14);
        prop_assert!((high + mirror_low - 1.0).abs() < 1e-14);
    }

    #[test]
    fn the_matrix_holds_every_row_once(pairs in prop::collection::vec((0_u32..7, 0_u32..7), 0..200)) {
        let (predicted, truth): (Vec<u32>, Vec<u32>) = pairs.into_iter().unzip();
        let matrix = ConfusionMatrix::new(&predicted, &truth, 7);
        prop_assert_eq!(matrix.accuracy(), accuracy(&predicted, &truth));
        for class in 0..7 {
            let rows = truth.iter().filter(|&&t| t as usize == class).count() as u64;
            prop_assert_eq!(matrix.row(class).iter().sum::<u64>(), rows);
            prop_assert_eq!(matrix.support(class), rows);
            let guesses = predicted.iter().filter(|&&p| p as usize == class).count() as u64;
            prop_assert_eq!(matrix.n_predicted(class), guesses);
            if let (Some(p), Some(r)) = (matrix.precision(class), matrix.recall(class)) && p + r > 0.0 {
                let f1 = matrix.f1(class).unwrap();
                prop_assert!((f1 - 2.0 * p * r / (p + r)).abs() < 1e-14);
            }
        }
    }
}
