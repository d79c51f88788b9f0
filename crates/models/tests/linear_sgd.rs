//! Stochastic gradient descent: steps by the letter, and the optimum in the end.

mod images;

use images::{D, K, data, images, rows, softmax, trainer};
use nearplane_kernels::{Level, MatRef};
use nearplane_models::linear::{
    ClassWeight, LinearData, LinearModel, LinearParams, Loss, Objective, Optimizer, Parameters,
    Penalty, Schedule, SgdParams, SgdTrainer,
};
use nearplane_models::neighbors::Rows;

/// One batch of all rows and no momentum is gradient descent: each epoch one step along the gradient that
/// the objective has.
#[test]
fn a_full_batch_steps_along_the_gradient() {
    let (bytes, labels) = images(300);
    let weights: Vec<f64> = (0..300).map(|i| f64::from(i % 4)).collect();
    for loss in Loss::ALL {
        for penalty in [
            Penalty::None,
            Penalty::L2,
            Penalty::L1,
            Penalty::Elastic { beta: 0.5 },
        ] {
            let data = data(&bytes, &labels);
            let data = data.with_class_weight(&ClassWeight::Balanced).unwrap();
            let data = data.with_sample_weight(&weights).unwrap();
            let objective = LinearParams::new(loss, penalty, 0.003).check().unwrap();
            let rate = 0.05;
            let params = SgdParams {
                epochs: 4,
                batch_size: 300,
                learning_rate: Some(rate),
                schedule: Schedule::Constant,
                optimizer: Optimizer::Momentum {
                    momentum: 0.0,
                    nesterov: false,
                },
                ..SgdParams::default()
            };
            let mut trainer = SgdTrainer::new(&objective, &params.check().unwrap(), &data);
            let mut all_rows = Objective::new(&objective, &data);
            let mut gradient = Parameters::zero(K, D);
            for _ in 0..4 {
                let mut at = trainer.parameters();
                let value = all_rows.evaluate(&at, Some(&mut gradient), None);
                let report = trainer.run_epoch(&()).unwrap().unwrap();
                for (w, g) in at.weight.iter_mut().zip(&gradient.weight) {
                    let g = g + 0.003 * 2.0 * penalty.l2_factor() * *w;
                    *w = penalty.proximal_l1(*w - rate * g, rate * 0.003);
                }
                for (b, g) in at.bias.iter_mut().zip(&gradient.bias) {
                    *b -= rate * g;
                }
                let found = trainer.parameters();
                for (a, b) in found.weight.iter().zip(&at.weight) {
                    assert!((a - b).abs() < 2e-6, "{loss} {penalty}: {a}, expected {b}");
                }
                for (a, b) in found.bias.iter().zip(&at.bias) {
                    assert!((a - b).abs() < 2e-6, "{loss} {penalty}: {a}, expected {b}");
                }
                let after = objective.penalty_term(&found.weight);
                assert!((report.objective - value - after).abs() < 1e-5 * value.max(1.0));
            }
            if penalty.l1_factor() > 0.0 {
                let weight = trainer.parameters().weight;
                assert!(weight.contains(&0.0), "{loss} {penalty}: nothing is sparse");
            }
        }
    }
}

/// Adam and Nesterov's momentum against their formulas, number by number, over two batches an epoch.
#[test]
fn optimizers_follow_their_formulas() {
    let (bytes, labels) = images(200);
    let objective = softmax();
    let data = data(&bytes, &labels);
    let nesterov = Optimizer::Momentum {
        momentum: 0.9,
        nesterov: true,
    };
    for optimizer in [Optimizer::adam(), nesterov] {
        let params = SgdParams {
            epochs: 6,
            batch_size: 200,
            learning_rate: Some(0.01),
            schedule: Schedule::Cosine,
            optimizer,
            average: 0.5,
            ..SgdParams::default()
        };
        let mut trainer = SgdTrainer::new(&objective, &params.check().unwrap(), &data);
        let mut all_rows = Objective::new(&objective, &data);
        let mut gradient = Parameters::zero(K, D);
        let mut at = Parameters::zero(K, D);
        let (mut m, mut v) = (vec![0.0; K * D], vec![0.0; K * D]);
        let mut bias_moments = (vec![0.0; K], vec![0.0; K]);
        let mut average = vec![0.0; K * D];
        for epoch in 0..6 {
            let report = trainer.run_epoch(&()).unwrap().unwrap();
            let rate = 0.005 * (1.0 + (std::f64::consts::PI * f64::from(epoch) / 6.0).cos());
            assert!((report.learning_rate - rate).abs() < 1e-15);
            all_rows.evaluate(&at, Some(&mut gradient), None);
            let step = |w: &mut f64, m: &mut f64, v: &mut f64, g: f64| match optimizer {
                Optimizer::Momentum { .. } => {
                    *m = 0.9 * *m + g;
                    *w -= rate * (g + 0.9 * *m);
                }
                _ => {
                    *m = 0.9 * *m + 0.1 * g;
                    *v = 0.999 * *v + 0.001 * g * g;
                    let t = epoch + 1;
                    let (m, v) = (*m / (1.0 - 0.9f64.powi(t)), *v / (1.0 - 0.999f64.powi(t)));
                    *w -= rate * m / (v.sqrt() + 1e-8);
                }
            };
            for i in 0..K * D {
                let g = gradient.weight[i] + 2e-2 * at.weight[i];
                step(&mut at.weight[i], &mut m[i], &mut v[i], g);
            }
            for k in 0..K {
                let (m, v) = (&mut bias_moments.0[k], &mut bias_moments.1[k]);
                step(&mut at.bias[k], m, v, gradient.bias[k]);
            }
            let n = f64::from(epoch) - 2.0;
            if n >= 1.0 {
                for (average, w) in average.iter_mut().zip(&at.weight) {
                    *average += (w - *average) / n;
                }
            }
            let expected = if n >= 1.0 { &average } else { &at.weight };
            for (a, b) in trainer.parameters().weight.iter().zip(expected) {
                // Adam divides small gradients by their size.
                assert!((a - b).abs() < 2e-4, "{optimizer:?}: {a}, expected {b}");
            }
        }
        assert_eq!(trainer.state().progress().averaged_steps, 3);
    }
}

#[test]
fn training_comes_near_the_optimum_and_predicts() {
    let (bytes, labels) = images(2000);
    let (train, test) = bytes.split_at(1500 * D);
    let data = data(train, &labels[..1500]);
    let objective = softmax();
    let mut all_rows = Objective::new(&objective, &data);
    for params in [
        SgdParams::default(),
        SgdParams {
            optimizer: Optimizer::adam(),
            learning_rate: Some(2e-2),
            ..SgdParams::default()
        },
        SgdParams {
            average: 0.3,
            schedule: Schedule::Constant,
            ..SgdParams::default()
        },
    ] {
        let params = SgdParams {
            epochs: 60,
            ..params
        };
        let mut trainer = SgdTrainer::new(&objective, &params.check().unwrap(), &data);
        while trainer.run_epoch(&()).unwrap().is_some() {}
        let at = trainer.parameters();
        let mut gradient = Parameters::zero(K, D);
        let value = all_rows.evaluate(&at, Some(&mut gradient), None);
        let value = value + objective.penalty_term(&at.weight);
        // The bound of DESIGN 7, up to a bias that is nearly the best.
        let steepest = gradient.weight.iter().zip(&at.weight);
        let square: f64 = steepest.map(|(g, w)| (g + 2e-2 * w).powi(2)).sum();
        let gap = square / (4.0 * 1e-2);
        assert!(gap < 2e-3 * value, "{params:?}: {gap} above {value}");
        let model = trainer.model().unwrap();
        let predicted = model.predict(Level::detect(), &rows(test)).unwrap();
        let wrong = predicted
            .iter()
            .zip(&labels[1500..])
            .filter(|(a, b)| a != b)
            .count();
        assert!(wrong < 50, "{wrong} of 500 wrong");
    }
}

/// With running statistics, columns of wildly different scales train like those of one scale.
#[test]
fn running_statistics_bring_columns_to_one_scale() {
    let (bytes, labels) = images(1000);
    let stretch = |j: usize| [1.0f32, 1e-3, 50.0][j % 3];
    let features: Vec<f32> = (0..1000 * D)
        .map(|i| f32::from(bytes[i]) / 255.0 * stretch(i % D) + stretch(i % D))
        .collect();
    let rows = Rows::from_mat(MatRef::from_rows(&features, D)).unwrap();
    let data = LinearData::new(rows.clone(), &labels, K).unwrap();
    let params = SgdParams {
        epochs: 30,
        batch_size: 100,
        running_statistics: Some(0.1),
        ..SgdParams::default()
    };
    let mut trainer = SgdTrainer::new(&softmax(), &params.check().unwrap(), &data);
    let mut last = None;
    while let Some(report) = trainer.run_epoch(&()).unwrap() {
        last = Some(report);
    }
    let model = trainer.model().unwrap();
    let found = model.predict(Level::detect(), &rows).unwrap();
    let right = found.iter().zip(&labels).filter(|(a, b)| a == b).count();
    assert!(right > 900, "{right}, {last:?}");
    let state = trainer.state().tensors();
    let tensor = |name: &str| state.iter().find(|(known, ..)| *known == name).unwrap().2;
    // The model is W z' + b, z' = (x - mean) / sqrt(variance + 1e-5).
    let scores = model.scores(Level::detect(), &rows).unwrap();
    let (w, b) = (tensor("weight"), tensor("bias"));
    let (mean, variance) = (tensor("running_mean"), tensor("running_variance"));
    for i in (0..1000).step_by(97) {
        for k in 0..K {
            let term = |j: usize| {
                let z = f64::from(features[i * D + j]) - f64::from(mean[j]);
                f64::from(w[k * D + j]) * z / (f64::from(variance[j]) + 1e-5).sqrt()
            };
            let expected = f64::from(b[k]) + (0..D).map(term).sum::<f64>();
            let found = f64::from(scores[i * K + k]);
            assert!(
                (found - expected).abs() < 1e-3,
                "{found}, expected {expected}"
            );
        }
    }
    // The running mean is near that of the rows.
    for j in 0..D {
        let expected = (0..1000).map(|i| features[i * D + j]).sum::<f32>() / 1000.0;
        assert!((mean[j] / expected - 1.0).abs() < 0.05, "{j}");
    }
}

/// From weights of 0 a step is the gradient: no step for the columns left out, twice the step for the
/// others.
#[test]
fn dropout_leaves_columns_out_and_makes_up_for_them() {
    let (bytes, labels) = images(300);
    let data = data(&bytes, &labels);
    let step = |dropout: f64, seed: u64| {
        let params = SgdParams {
            epochs: 1,
            batch_size: 300,
            learning_rate: Some(0.1),
            dropout,
            seed,
            ..SgdParams::default()
        };
        let mut trainer = SgdTrainer::new(&softmax(), &params.check().unwrap(), &data);
        trainer.run_epoch(&()).unwrap();
        trainer.parameters().weight
    };
    let full = step(0.0, 1);
    let mut dropped = Vec::new();
    for seed in [1, 2] {
        let half = step(0.5, seed);
        let is_dropped = |j: usize| (0..K).all(|k| half[k * D + j] == 0.0);
        for j in (0..D).filter(|&j| !is_dropped(j)) {
            for k in 0..K {
                // Rows are summed in another order with another seed.
                let expected = 2.0 * full[k * D + j];
                assert!((half[k * D + j] - expected).abs() < 1e-6, "column {j}");
            }
        }
        dropped.push((0..D).filter(|&j| is_dropped(j)).collect::<Vec<_>>());
        assert!((50..100).contains(&dropped.last().unwrap().len()));
    }
    assert_ne!(dropped[0], dropped[1], "the seed decides");
}

#[test]
fn early_stopping_takes_the_best_epoch() {
    let (bytes, labels) = images(220);
    let (train, validation) = bytes.split_at(120 * D);
    let data = data(train, &labels[..120]);
    let params = SgdParams {
        epochs: 500,
        batch_size: 20,
        patience: Some(3),
        ..SgdParams::default()
    };
    let objective = LinearParams::new(Loss::Softmax, Penalty::None, 0.0)
        .check()
        .unwrap();
    let validation_rows = rows(validation);
    let mut trainer = trainer(params, &objective, &data, &(validation, &labels[120..]));
    let mut accuracies = Vec::new();
    while let Some(report) = trainer.run_epoch(&()).unwrap() {
        accuracies.push(report.validation.unwrap().correct);
    }
    let best = *accuracies.iter().max().unwrap();
    let first_best = accuracies.iter().position(|&a| a == best).unwrap();
    assert_eq!(accuracies.len(), first_best + 1 + 3, "{accuracies:?}");
    let predicted = trainer
        .model()
        .unwrap()
        .predict(Level::detect(), &validation_rows);
    let right = predicted
        .unwrap()
        .iter()
        .zip(&labels[120..])
        .filter(|(a, b)| a == b)
        .count();
    assert_eq!(right as u64, best);
}

#[test]
fn a_warm_start_goes_on_from_a_model() {
    let (bytes, labels) = images(400);
    let data = data(&bytes, &labels);
    let params = SgdParams {
        epochs: 3,
        batch_size: 400,
        ..SgdParams::default()
    };
    let config = params.check().unwrap();
    let mut cold = SgdTrainer::new(&softmax(), &config, &data);
    while cold.run_epoch(&()).unwrap().is_some() {}
    let model = cold.model().unwrap();
    let value = Objective::new(&softmax(), &data).evaluate(&cold.parameters(), None, None);
    let warm = SgdTrainer::new(&softmax(), &config, &data)
        .warm_start(&model)
        .unwrap();
    for (a, b) in warm
        .parameters()
        .weight
        .iter()
        .zip(&cold.parameters().weight)
    {
        assert!((a - b).abs() < 1e-6);
    }
    let mut warm = warm;
    let first = warm.run_epoch(&()).unwrap().unwrap();
    let penalty = softmax().penalty_term(&warm.parameters().weight);
    assert!(
        (first.objective - penalty - value).abs() < 1e-5,
        "the first batch sees the old weights"
    );
    let other = LinearModel::new(vec![0.0; 20], vec![0.0; 2], Loss::Softmax).unwrap();
    assert!(
        SgdTrainer::new(&softmax(), &config, &data)
            .warm_start(&other)
            .is_err()
    );
}
