//! The worked numbers of the lecture, out of the public functions.

use nearplane_kernels::{Level, MatRef};
use nearplane_models::linear::{
    LinearData, LinearModel, LinearParams, Loss, Objective, Parameters, Penalty, softmax,
};
use nearplane_models::neighbors::{Index, Metric, Rows};

/// LECTURE 2.2: the L1 distance of two 4x4 images is 456.
#[test]
fn l1_by_hand() {
    let test = [
        56u8, 32, 10, 18, 90, 23, 128, 133, 24, 26, 178, 200, 2, 0, 255, 220,
    ];
    let train = [
        10u8, 20, 24, 17, 8, 10, 89, 100, 12, 16, 178, 170, 4, 32, 233, 112,
    ];
    for level in Level::available() {
        let rows = Rows::from_mat(MatRef::from_rows(&train, 16)).unwrap();
        let query = Rows::from_mat(MatRef::from_rows(&test, 16)).unwrap();
        let index = Index::new(rows, Metric::L1, level).unwrap();
        let found = index.kneighbors(&query, 1).unwrap();
        assert_eq!(found.distances(0), [456], "{level}");
    }
}

/// LECTURE 4.2: the scores of four pixels; the slide prints 61.95 for ship, which lacks the bias.
#[test]
fn scores_by_hand() {
    let weight = vec![
        0.2, -0.5, 0.1, 2.0, 1.5, 1.3, 2.1, 0.0, 0.0, 0.25, 0.2, -0.3,
    ];
    let model = LinearModel::new(weight, vec![1.1, 3.2, -1.2], Loss::Svm).unwrap();
    let image = Rows::from_mat(MatRef::from_rows(&[56u8, 231, 24, 2], 4)).unwrap();
    let floats = Rows::from_mat(MatRef::from_rows(&[56f32, 231.0, 24.0, 2.0], 4)).unwrap();
    for level in Level::available() {
        let of_bytes = model.scores(level, &image).unwrap();
        let of_floats = model.scores(level, &floats).unwrap();
        for scores in [of_bytes, of_floats] {
            for (score, expected) in scores.iter().zip([-96.8, 437.9, 60.75]) {
                assert!((score - expected).abs() < 1e-4, "{level}: {scores:?}");
            }
        }
        assert_eq!(model.predict(level, &image).unwrap(), [1]);
    }
    assert_eq!(model.template(1), [1.5, 1.3, 2.1, 0.0]);
}

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() < tolerance,
        "{found}, expected {expected}"
    );
}

/// LECTURE 6.2: hinge losses 2.9, 0 and 12.9, mean 5.27; doubling the scores keeps the 0.
#[test]
fn svm_by_hand() {
    let scores = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]];
    let losses: Vec<f64> = (0..3).map(|i| Loss::Svm.value(&scores[i], i)).collect();
    near(losses[0], 2.9, 1e-12);
    near(losses[1], 0.0, 1e-12);
    near(losses[2], 12.9, 1e-12);
    near(losses.iter().sum::<f64>() / 3.0, 15.8 / 3.0, 1e-12);
    near(Loss::Svm.value(&[2.6, 9.8, 4.0], 1), 0.0, 1e-12);
}

/// LECTURE 6.1, 6.2: the same mean out of the loss over a data set, with the scores as features of an
/// identity, at every level.
#[test]
fn the_mean_loss_by_hand() {
    let scores = [3.2f32, 5.1, -1.7, 1.3, 4.9, 2.0, 2.2, 2.5, -3.1];
    let rows = Rows::from_mat(MatRef::from_rows(&scores, 3)).unwrap();
    let data = LinearData::new(rows, &[0, 1, 2], 3).unwrap();
    let identity = Parameters {
        weight: vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        bias: vec![0.0; 3],
    };
    for level in Level::available() {
        let params = LinearParams {
            level,
            ..LinearParams::new(Loss::Svm, Penalty::L2, 0.1)
        };
        let config = params.check().unwrap();
        let value = Objective::new(&config, &data).evaluate(&identity, None, None);
        near(value, 5.27, 0.005);
        near(value, 15.8 / 3.0, 1e-6);
        near(config.penalty_term(&identity.weight), 0.3, 1e-12); // 7.1: lambda times three ones
    }
}

/// LECTURE 6.3: probabilities 0.1300, 0.8690, 0.0010 and a loss of 2.04; 6.4: the SVM on the same.
#[test]
fn softmax_by_hand() {
    let scores = [3.2, 5.1, -1.7];
    let probabilities = softmax(&scores);
    for (p, expected) in probabilities.iter().zip([0.1300, 0.8690, 0.0010]) {
        near(*p, expected, 5e-5);
    }
    near(probabilities.iter().sum(), 1.0, 1e-15);
    near(Loss::Softmax.value(&scores, 0), 2.04, 5e-3);
    near(
        Loss::Softmax.value(&scores, 0),
        -probabilities[0].ln(),
        1e-12,
    );
    // Probabilities multiply, their logarithms add up: 0.9 * 0.1 * 0.01 = 0.0009.
    let logarithms: f64 = [0.9f64, 0.1, 0.01].iter().map(|p| p.ln()).sum();
    near(logarithms.exp(), 0.0009, 1e-15);
}

/// LECTURE 6.3: nothing over- or underflows, whatever the scores.
#[test]
fn huge_scores_are_no_trouble() {
    for (scores, label, expected) in [
        ([1e4, 0.0, -1e4], 0, 0.0),
        ([1e4, 0.0, -1e4], 1, 1e4),
        ([1e4, 0.0, -1e4], 2, 2e4),
        ([1e4, 1e4, 1e4], 1, 3f64.ln()),
        ([-1e4, -1e4, -1e4], 1, 3f64.ln()),
    ] {
        near(Loss::Softmax.value(&scores, label), expected, 1e-9);
        let probabilities = softmax(&scores);
        near(probabilities.iter().sum(), 1.0, 1e-15);
        for loss in Loss::ALL {
            let mut gradient = [0.0f64; 3];
            let value = loss.gradient(&scores, label, &mut gradient);
            assert_eq!(value, loss.value(&scores, label), "{loss}");
            assert!(value.is_finite() && value >= 0.0, "{loss}: {value}");
            assert!(gradient.iter().all(|g| g.is_finite()), "{loss}");
        }
    }
    // A loss far below the rounding of 1 is still one.
    near(Loss::Softmax.value(&[0.0, -100.0], 0) * 1e44, 3.72, 1e-3);
}

/// LECTURE 7.2: two weights with the same score; L2 prefers the spread one, L1 does not mind.
#[test]
fn penalties_by_hand() {
    let (x, w1, w2) = ([1.0; 4], [1.0, 0.0, 0.0, 0.0], [0.25; 4]);
    let dot = |w: [f64; 4]| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
    assert_eq!((dot(w1), dot(w2)), (1.0, 1.0));
    assert_eq!(Penalty::L2.value(&w1), 1.0);
    assert_eq!(Penalty::L2.value(&w2), 0.25);
    assert_eq!(Penalty::L1.value(&w1), Penalty::L1.value(&w2));
    let elastic = Penalty::Elastic { beta: 2.0 };
    assert_eq!((elastic.value(&w1), elastic.value(&w2)), (3.0, 1.5));
    assert_eq!(Penalty::None.value(&w1), 0.0);
}
