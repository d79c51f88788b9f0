//! The objective over all rows against a naive f64 one; its bits for any number of threads, any shards.

use nearplane_kernels::{Level, MatRef};
use nearplane_models::linear::{
    Affine, ClassWeight, LinearData, LinearError, LinearParams, Loss, Objective, Parameters,
    Penalty,
};
use nearplane_models::neighbors::{Element, Rows};

/// Numbers without a pattern, in -1..1.
fn noise(seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1u64 << 30) as f64 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn labels(n: usize, n_classes: usize) -> Vec<u32> {
    (0..n).map(|i| (i * i % 97 % n_classes) as u32).collect()
}

fn some_parameters(n_classes: usize, n_features: usize, size: f64) -> Parameters {
    let sized = |numbers: Vec<f64>| numbers.iter().map(|x| x * size).collect();
    Parameters {
        weight: sized(noise(5, n_classes * n_features)),
        bias: sized(noise(6, n_classes)),
    }
}

fn in_threads<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(run)
}

/// Value and gradient by the formula, everything in f64.
fn naive<T: Element + Into<f64>>(
    data: &LinearData<'_, T>,
    loss: Loss,
    at: &Parameters,
) -> (f64, Parameters) {
    let (n, d, k) = (data.n_rows(), data.n_features(), data.n_classes());
    let mut gradient = Parameters::zero(k, d);
    let mut value = 0.0;
    let affine = data.affine();
    for i in 0..n {
        let row = data
            .rows()
            .row(i)
            .iter()
            .zip(affine.center().iter().zip(affine.scale()));
        let z: Vec<f64> = row
            .map(|(&x, (center, scale))| (x.into() - center) * scale)
            .collect();
        let mut s: Vec<f64> = (0..k)
            .map(|c| {
                let w = &at.weight[c * d..][..d];
                at.bias[c] + w.iter().zip(&z).map(|(w, z)| w * z).sum::<f64>()
            })
            .collect();
        let share = data.weight(i) / n as f64;
        value += share * loss.gradient_in_place(&mut s, data.labels()[i] as usize);
        for (c, s) in s.iter().enumerate() {
            gradient.bias[c] += share * s;
            let of_class = &mut gradient.weight[c * d..][..d];
            for (g, z) in of_class.iter_mut().zip(&z) {
                *g += share * s * z;
            }
        }
    }
    (value, gradient)
}

fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let size = expected.iter().map(|x| x.abs()).fold(1e-3, f64::max);
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * size, "{i}: {a}, expected {b}");
    }
}

fn check<T: Element + Into<f64>>(data: &LinearData<'_, T>, size: f64) {
    let (d, k) = (data.n_features(), data.n_classes());
    let at = some_parameters(k, d, size);
    for level in Level::available() {
        for loss in Loss::ALL {
            let params = LinearParams {
                level,
                ..LinearParams::new(loss, Penalty::L2, 0.1)
            };
            let mut objective = Objective::new(&params.check().unwrap(), data);
            let mut gradient = Parameters::zero(k, d);
            let value = objective.evaluate(&at, Some(&mut gradient), None);
            let (expected, expected_gradient) = naive(data, loss, &at);
            assert!(
                (value - expected).abs() <= 2e-6 * expected.max(1.0),
                "{level} {loss}: {value}, expected {expected}"
            );
            close(&gradient.weight, &expected_gradient.weight, 2e-5);
            close(&gradient.bias, &expected_gradient.bias, 2e-5);
        }
    }
}

#[test]
fn bytes_give_the_naive_value_and_gradient() {
    let bytes: Vec<u8> = noise(1, 700 * 50)
        .iter()
        .map(|x| (x * 127.5 + 127.5) as u8)
        .collect();
    // A byte before each row, as labels lie in CIFAR's files; two shards.
    let shards = vec![
        MatRef::new(&bytes[1..], 300, 49, 50),
        MatRef::new(&bytes[300 * 50 + 1..], 400, 49, 50),
    ];
    let rows = Rows::from_shards(shards).unwrap();
    let labels = labels(700, 10);
    let affine = Affine::centered(Level::SCALAR, &rows, 1.0 / 255.0).unwrap();
    let data = LinearData::new(rows.clone(), &labels, 10).unwrap();
    check(&data.with_affine(affine).unwrap(), 0.3);

    let some: Vec<u32> = (0..700).filter(|i| i % 7 != 3).collect();
    let some_labels: Vec<u32> = some.iter().map(|&i| labels[i as usize]).collect();
    let sample_weight: Vec<f64> = (0..some.len()).map(|i| (i % 3) as f64).collect();
    let rows = rows.select(some).unwrap();
    let affine = Affine::centered(Level::SCALAR, &rows, 1.0 / 255.0).unwrap();
    let data = LinearData::new(rows, &some_labels, 10).unwrap();
    let data = data.with_class_weight(&ClassWeight::Balanced).unwrap();
    let data = data.with_sample_weight(&sample_weight).unwrap();
    check(&data.with_affine(affine).unwrap(), 0.3);
}

#[test]
fn features_give_the_naive_value_and_gradient() {
    let scales = noise(3, 21);
    let mut features: Vec<f32> = noise(2, 400 * 21).iter().map(|&x| x as f32).collect();
    for row in features.chunks_mut(21) {
        for (x, scale) in row.iter_mut().zip(&scales) {
            *x = *x * (0.2 + scale.abs() as f32) + 0.5;
        }
        row[4] = 7.25; // constant: counts nothing
    }
    let rows = Rows::from_mat(MatRef::from_rows(&features, 21)).unwrap();
    let labels = labels(400, 17);
    let affine = Affine::standardized(&rows).unwrap();
    assert_eq!((affine.center()[4], affine.scale()[4]), (7.25, 0.0));
    let affine = affine.with_scale(5..7, 0.5);
    let data = LinearData::new(rows, &labels, 17).unwrap();
    check(&data.with_affine(affine).unwrap(), 0.5);
}

/// What every number of threads must agree on, to the bit.
#[test]
fn threads_shards_and_steps_do_not_show() {
    let bytes: Vec<u8> = noise(1, 3000 * 130)
        .iter()
        .map(|x| (x * 127.5 + 127.5) as u8)
        .collect();
    let whole = Rows::from_mat(MatRef::from_rows(&bytes, 130)).unwrap();
    let cut = 1237 * 130;
    let shards = vec![
        MatRef::from_rows(&bytes[..cut], 130),
        MatRef::from_rows(&bytes[cut..], 130),
    ];
    let shards = Rows::from_shards(shards).unwrap();
    let labels = labels(3000, 10);
    let config = LinearParams::new(Loss::Softmax, Penalty::None, 0.0);
    let config = config.check().unwrap();
    let at = some_parameters(10, 130, 0.2);
    let run = |rows: Rows<'_, u8>, threads: usize, in_steps: bool| {
        in_threads(threads, || {
            let affine = Affine::centered(config.level(), &rows, 1.0 / 255.0).unwrap();
            let data = LinearData::new(rows, &labels, 10).unwrap();
            let data = data.with_affine(affine).unwrap();
            let mut objective = Objective::new(&config, &data);
            let mut gradient = Parameters::zero(10, 130);
            let mut scores = vec![0.0; 3000 * 10];
            let value = if in_steps {
                let mut coefficients = vec![0.0; 3000 * 10];
                let mut by_bias = vec![0.0; 10];
                objective.scores(&at.weight, &mut scores);
                let loss = objective.loss(&scores, &at.bias);
                let value =
                    objective.coefficients(&scores, &at.bias, &mut coefficients, &mut by_bias);
                assert_eq!(loss.to_bits(), value.to_bits());
                objective.gradient(&coefficients, &mut gradient);
                close(&by_bias, &gradient.bias, 1e-12);
                value
            } else {
                objective.evaluate(&at, Some(&mut gradient), Some(&mut scores));
                // A second time, with the sums of the first lying about.
                objective.evaluate(&at, Some(&mut gradient), Some(&mut scores))
            };
            let without = objective.evaluate(&at, None, None);
            (value, without, gradient, scores)
        })
    };
    let expected = run(whole.clone(), 1, false);
    assert_eq!(expected.0, expected.1);
    for threads in [1, 2, 3, 7] {
        assert_eq!(run(whole.clone(), threads, false), expected, "{threads}");
        assert_eq!(run(shards.clone(), threads, false), expected, "{threads}");
        let (value, _, gradient, scores) = run(shards.clone(), threads, true);
        assert!((value - expected.0).abs() < 1e-14, "other sums of f64");
        assert_eq!((gradient, scores), (expected.2.clone(), expected.3.clone()));
    }
}

/// Folding keeps the scores, and unfolding gets the parameters back.
#[test]
fn folding_keeps_the_scores() {
    let bytes: Vec<u8> = noise(1, 90 * 40)
        .iter()
        .map(|x| (x * 127.5 + 127.5) as u8)
        .collect();
    let rows = Rows::from_mat(MatRef::from_rows(&bytes, 40)).unwrap();
    let level = Level::detect();
    let affine = Affine::centered(level, &rows, 1.0 / 255.0).unwrap();
    for j in 0..40 {
        let mean = (0..90).map(|i| f64::from(bytes[i * 40 + j])).sum::<f64>() / 90.0;
        assert!((affine.center()[j] - mean).abs() < 1e-12);
    }
    let at = some_parameters(3, 40, 1.0);
    let model = affine.fold(&at, Loss::Softmax).unwrap();
    let scores = model.scores(level, &rows).unwrap();
    let back = affine.unfold(&model).unwrap();
    close(&back.weight, &at.weight, 1e-6);
    close(&back.bias, &at.bias, 1e-6);
    for i in 0..90 {
        for k in 0..3 {
            let z = |j: usize| (f64::from(bytes[i * 40 + j]) - affine.center()[j]) / 255.0;
            let sum: f64 = (0..40).map(|j| at.weight[k * 40 + j] * z(j)).sum();
            let expected = sum + at.bias[k];
            assert!((f64::from(scores[i * 3 + k]) - expected).abs() < 1e-5);
        }
    }
    let probabilities = model.probabilities(level, &rows).unwrap();
    let predicted = model.predict(level, &rows).unwrap();
    for (row, &label) in probabilities.chunks(3).zip(&predicted) {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(row.iter().all(|&p| p <= row[label as usize]));
    }
}

#[test]
fn bad_data_is_refused_by_name() {
    let features = [0.5f32, 1.0, 2.0, f32::NAN, 3.0, 4.0];
    let bytes = [1u8, 2, 3, 4, 5, 6];
    let rows = Rows::from_mat(MatRef::from_rows(&bytes, 2)).unwrap();
    let message = |error: LinearError| error.to_string();
    let of = |labels: &[u32], n_classes| {
        message(LinearData::new(rows.clone(), labels, n_classes).unwrap_err())
    };
    assert_eq!(
        of(&[0, 1], 2),
        "2 labels for 3 training rows, give one label a row"
    );
    assert_eq!(
        of(&[0, 1, 2], 2),
        "training row 2 has label 2, expected 0 to 1, one of 2 classes"
    );
    assert_eq!(
        of(&[0, 2, 0], 3),
        "class 1 has no training row: add some, or leave the class out and number the others from 0"
    );
    assert_eq!(
        of(&[0, 0, 0], 1),
        "n_classes = 1, a classifier needs at least 2: add rows of another class"
    );
    let none = Rows::<u8>::from_mat(MatRef::new(&[], 0, 2, 2)).unwrap();
    assert_eq!(
        message(LinearData::new(none, &[], 2).unwrap_err()),
        "no training rows, a linear model needs at least one of each class"
    );
    let nan = Rows::from_mat(MatRef::from_rows(&features, 2)).unwrap();
    let error = LinearData::new(nan.clone(), &[0, 1, 0], 2).unwrap_err();
    assert_eq!(
        message(error),
        "training row 1 holds the non-finite value NaN in column 1: clean the features"
    );
    assert!(Affine::standardized(&nan).is_err());
    assert!(Affine::centered(Level::SCALAR, &nan, 1.0).is_err());

    let labels = [0, 1, 0];
    let data = LinearData::new(rows, &labels, 2).unwrap();
    let error = data.clone().with_affine(Affine::identity(3)).unwrap_err();
    assert_eq!(
        message(error),
        "center and scale of the input have 3 columns, expected 2"
    );
    let bad = ClassWeight::Given(vec![1.0, -1.0]);
    assert_eq!(
        message(data.clone().with_class_weight(&bad).unwrap_err()),
        "class weight 1 is -1, expected a finite number, 0 or above"
    );
    let bad = ClassWeight::Given(vec![1.0]);
    assert_eq!(
        message(data.clone().with_class_weight(&bad).unwrap_err()),
        "1 class weights, expected 2"
    );
    assert_eq!(
        message(
            data.clone()
                .with_sample_weight(&[1.0, f64::NAN, 1.0])
                .unwrap_err()
        ),
        "sample weight 1 is NaN, expected a finite number, 0 or above"
    );
    assert_eq!(
        message(data.with_sample_weight(&[0.0; 3]).unwrap_err()),
        "all row weights are 0, at least one row has to count"
    );
    for (params, expected) in [
        (
            LinearParams::new(Loss::Svm, Penalty::L2, -0.5),
            "lambda = -0.5 is out of range, expected a finite number, 0 or above",
        ),
        (
            LinearParams::new(Loss::Svm, Penalty::Elastic { beta: f64::NAN }, 0.5),
            "beta = NaN is out of range, expected a finite number, 0 or above",
        ),
    ] {
        assert_eq!(message(params.check().unwrap_err()), expected);
    }
    assert!(Affine::new(vec![0.0], vec![]).is_err());
    assert!(Affine::new(vec![0.0], vec![f64::INFINITY]).is_err());
}
