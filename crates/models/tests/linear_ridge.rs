//! Ridge regression against normal equations solved by elimination, and rows left out against refits.

use nearplane_kernels::MatRef;
use nearplane_models::linear::{
    Certificate, ExactParams, ExactSolver, LinearData, LinearError, LinearParams, Loss, Objective,
    Parameters, Penalty, RidgeParams, SgdParams, SgdTrainer,
};
use nearplane_models::neighbors::Rows;

const N: usize = 30;
const D: usize = 4;
const K: usize = 3;

fn rows() -> (Vec<f32>, Vec<u32>, Vec<f64>) {
    let x = (0..N * D).map(|i| ((i * i) as f32 * 0.37).sin() * 2.0 + (i % D) as f32);
    let labels = (0..N as u32).map(|i| i % 3).collect();
    let weights = (0..N).map(|i| 0.5 + (i % 4) as f64 * 0.5).collect();
    (x.collect(), labels, weights)
}

/// Weights and bias of least squares with `n lambda |W|^2`, by Gauss-Jordan on the normal equations.
fn direct(x: &[f32], labels: &[u32], weights: &[f64], n_lambda: f64) -> Parameters {
    const W: usize = D + 1;
    let mut a = [[0.0f64; W + K]; W];
    for (i, row) in x.chunks_exact(D).enumerate() {
        let z: Vec<f64> = row.iter().map(|&x| f64::from(x)).chain([1.0]).collect();
        for p in 0..W {
            for q in 0..W {
                a[p][q] += weights[i] * z[p] * z[q];
            }
            a[p][W + labels[i] as usize] += weights[i] * z[p];
        }
    }
    for (p, row) in a.iter_mut().enumerate().take(D) {
        row[p] += n_lambda;
    }
    for p in 0..W {
        let pivot = a[p][p];
        a[p].iter_mut().for_each(|x| *x /= pivot);
        let from = a[p];
        for (_, row) in a.iter_mut().enumerate().filter(|(q, _)| *q != p) {
            let factor = row[p];
            for (x, from) in row.iter_mut().zip(from) {
                *x -= factor * from;
            }
        }
    }
    let mut solution = Parameters::zero(K, D);
    for k in 0..K {
        for (to, row) in solution.weight[k * D..][..D].iter_mut().zip(&a) {
            *to = row[W + k];
        }
        solution.bias[k] = a[D][W + k];
    }
    solution
}

fn score(parameters: &Parameters, z: &[f32], k: usize) -> f64 {
    let weight = &parameters.weight[k * D..][..D];
    let inner: f64 = weight.iter().zip(z).map(|(w, &z)| w * f64::from(z)).sum();
    inner + parameters.bias[k]
}

fn objective(
    parameters: &Parameters,
    x: &[f32],
    labels: &[u32],
    weights: &[f64],
    lambda: f64,
) -> f64 {
    let mut sum = 0.0;
    for (i, row) in x.chunks_exact(D).enumerate() {
        for k in 0..K {
            let target = f64::from(u8::from(labels[i] as usize == k));
            sum += weights[i] * (score(parameters, row, k) - target).powi(2);
        }
    }
    sum / N as f64 + lambda * parameters.weight.iter().map(|w| w * w).sum::<f64>()
}

#[test]
fn fits_meet_the_normal_equations_and_rows_left_out_meet_refits() {
    let (x, labels, weights) = rows();
    let rows = Rows::from_mat(MatRef::from_rows(&x, D)).unwrap();
    let data = LinearData::new(rows, &labels, K)
        .unwrap()
        .with_sample_weight(&weights)
        .unwrap();
    let lambdas = vec![1e-3, 0.1, 10.0];
    let params = RidgeParams {
        lambdas: lambdas.clone(),
        leave_one_out: true,
        ..Default::default()
    };
    let fits = params.check().unwrap().fit(&data, &()).unwrap();
    for (fit, &lambda) in fits.iter().zip(&lambdas) {
        let expected = direct(&x, &labels, &weights, N as f64 * lambda);
        let alone = RidgeParams {
            lambdas: vec![lambda],
            ..Default::default()
        };
        let alone = &alone.check().unwrap().fit(&data, &()).unwrap()[0];
        for parameters in [&fit.parameters, &alone.parameters] {
            let pairs = parameters.weight.iter().zip(&expected.weight);
            for (w, e) in pairs.chain(parameters.bias.iter().zip(&expected.bias)) {
                assert!((w - e).abs() < 1e-5, "{w} {e}");
            }
            let value = objective(parameters, &x, &labels, &weights, lambda);
            assert!((fit.objective - value).abs() < 1e-6);
        }
        assert_eq!(alone.leave_one_out, None);
        let left_out = fit.leave_one_out.as_ref().unwrap();
        assert_eq!(left_out.len(), N * K);
        let judged = fit.left_out(&labels).unwrap();
        let mut squares = 0.0;
        for (scores, &label) in left_out.chunks_exact(K).zip(&labels) {
            for (k, &s) in scores.iter().enumerate() {
                squares += (f64::from(s) - f64::from(u8::from(k == label as usize))).powi(2);
            }
        }
        assert!((judged.squared_error - squares / N as f64).abs() < 1e-9);
        assert_eq!(judged.accuracy.total, N as u64);
        assert_eq!(alone.left_out(&labels), None);
        for i in 0..N {
            let mut without = weights.clone();
            without[i] = 0.0;
            let refit = direct(&x, &labels, &without, N as f64 * lambda);
            for k in 0..K {
                let expected = score(&refit, &x[i * D..][..D], k);
                let found = f64::from(left_out[i * K + k]);
                assert!((found - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }
}

/// Rows, some of them in a line with others, and labels.
fn wide(n: usize, d: usize, k: usize) -> (Vec<u8>, Vec<u32>) {
    let byte = |i: usize| ((i * i * 31 + i * 7919) % 251) as u8;
    let mut x: Vec<u8> = (0..n * d).map(byte).collect();
    x.copy_within(..d, d);
    let labels = (0..n).map(|i| (i % k) as u32).collect();
    (x, labels)
}

#[test]
fn any_shape_meets_its_optimum_and_its_refits() {
    // More features than a band is wide, fewer rows than features, more classes than eight.
    for (n, d, k) in [
        (60, 40, 3),
        (20, 75, 2),
        (100, 33, 11),
        (9, 1, 2),
        (36, 9, 9),
    ] {
        let (x, labels) = wide(n, d, k);
        let all: Vec<usize> = (0..n).collect();
        let fit = |rows: &[usize], lambdas: &[f64], leave_one_out: bool| {
            let x: Vec<u8> = rows
                .iter()
                .flat_map(|i| &x[i * d..][..d])
                .copied()
                .collect();
            let labels: Vec<u32> = rows.iter().map(|&i| labels[i]).collect();
            let of_mat = Rows::from_mat(MatRef::from_rows(&x, d)).unwrap();
            let data = LinearData::new(of_mat, &labels, k).unwrap();
            let params = RidgeParams {
                lambdas: lambdas.to_vec(),
                leave_one_out,
                ..Default::default()
            };
            params.check().unwrap().fit(&data, &()).unwrap()
        };
        let lambdas = [5.0, 3000.0];
        let together = fit(&all, &lambdas, true);
        for (fit_of, &lambda) in together.iter().zip(&lambdas) {
            let alone = &fit(&all, &[lambda], false)[0];
            assert!((fit_of.objective - alone.objective).abs() < 1e-9);
            let pairs = alone.parameters.weight.iter();
            for (a, b) in pairs.zip(&fit_of.parameters.weight) {
                assert!((a - b).abs() < 1e-9, "{n} {d} {k}: {a} {b}");
            }
            // Bytes are z as they are here; the gradient is 0 at the optimum.
            let Parameters { weight, bias } = &fit_of.parameters;
            let score = |parameters: &Parameters, i: usize, class: usize| -> f64 {
                let w = &parameters.weight[class * d..][..d];
                let row = x[i * d..][..d].iter();
                w.iter()
                    .zip(row)
                    .map(|(w, &x)| w * f64::from(x))
                    .sum::<f64>()
                    + parameters.bias[class]
            };
            for class in 0..k {
                let target = |i: usize| f64::from(u8::from(labels[i] as usize == class));
                let residuals: Vec<f64> = (0..n)
                    .map(|i| score(&fit_of.parameters, i, class) - target(i))
                    .collect();
                assert!(
                    residuals.iter().sum::<f64>().abs() < 1e-9 * n as f64,
                    "{bias:?}"
                );
                for p in 0..d {
                    let of_rows: f64 = (0..n).map(|i| residuals[i] * f64::from(x[i * d + p])).sum();
                    let gradient = of_rows / n as f64 + lambda * weight[class * d + p];
                    assert!(gradient.abs() < 1e-3, "{n} {d} {k}: {gradient}");
                }
            }
            // The rest keeps its weight against the penalty.
            let left_out = fit_of.leave_one_out.as_ref().unwrap();
            for i in [0, n / 2, n - 1] {
                let rest: Vec<usize> = all.iter().copied().filter(|j| *j != i).collect();
                let rest = &fit(&rest, &[lambda * n as f64 / (n - 1) as f64], false)[0];
                for class in 0..k {
                    let expected = score(&rest.parameters, i, class);
                    let found = f64::from(left_out[i * k + class]);
                    assert!(
                        (found - expected).abs() < 1e-4,
                        "{n} {d} {k}: {found} {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (x, labels) = wide(90, 70, 3);
    let floats: Vec<f32> = x.iter().map(|&x| f32::from(x) / 255.0).collect();
    let params = RidgeParams {
        lambdas: vec![1.0, 0.0, 0.1],
        ..Default::default()
    };
    let left_out = RidgeParams {
        lambdas: vec![1.0, 0.1],
        leave_one_out: true,
        ..Default::default()
    };
    for params in [params, left_out] {
        let fits = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let bytes = Rows::from_mat(MatRef::from_rows(&x, 70)).unwrap();
                let bytes = LinearData::new(bytes, &labels, 3).unwrap();
                let rows = Rows::from_mat(MatRef::from_rows(&floats, 70)).unwrap();
                let rows = LinearData::new(rows, &labels, 3).unwrap();
                let config = params.clone().check().unwrap();
                (
                    config.fit(&bytes, &()).unwrap(),
                    config.fit(&rows, &()).unwrap(),
                )
            })
        };
        assert_eq!(fits(1), fits(3));
    }
}

#[test]
fn bytes_and_their_floats_have_the_same_fits() {
    let (x, labels) = wide(90, 70, 3);
    let floats: Vec<f32> = x.iter().map(|&x| f32::from(x)).collect();
    let config = RidgeParams {
        lambdas: vec![100.0],
        ..Default::default()
    };
    let config = config.check().unwrap();
    let bytes = Rows::from_mat(MatRef::from_rows(&x, 70)).unwrap();
    let bytes = &config
        .fit(&LinearData::new(bytes, &labels, 3).unwrap(), &())
        .unwrap()[0];
    let rows = Rows::from_mat(MatRef::from_rows(&floats, 70)).unwrap();
    let rows = &config
        .fit(&LinearData::new(rows, &labels, 3).unwrap(), &())
        .unwrap()[0];
    assert!((bytes.objective - rows.objective).abs() < 1e-6);
    let pairs = bytes.parameters.weight.iter().zip(&rows.parameters.weight);
    for (a, b) in pairs {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

/// The closed form, the exact solver and stochastic gradient descent have one objective.
#[test]
fn solvers_by_steps_come_to_the_closed_form() {
    let (x, labels, _) = rows();
    let rows = Rows::from_mat(MatRef::from_rows(&x, D)).unwrap();
    let data = LinearData::new(rows, &labels, K).unwrap();
    let lambda = 0.05;
    let closed = RidgeParams {
        lambdas: vec![lambda],
        ..Default::default()
    };
    let closed = closed.check().unwrap().fit(&data, &()).unwrap().remove(0);
    let config = LinearParams::new(Loss::Ridge, Penalty::L2, lambda);
    let config = config.check().unwrap();
    let at = |parameters: &Parameters| {
        Objective::new(&config, &data).evaluate(parameters, None, None)
            + config.penalty_term(&parameters.weight)
    };
    assert!((at(&closed.parameters) - closed.objective).abs() < 1e-6);
    let certified = Certificate::of(&config, &data, &closed.parameters).unwrap();
    assert!((certified.objective - closed.objective).abs() < 1e-6);
    assert!(certified.gap.unwrap() < 1e-6, "{certified:?}");
    let exact = ExactParams {
        tolerance: 1e-6,
        ..Default::default()
    };
    let mut exact = ExactSolver::new(exact.check().unwrap(), &data);
    let fit = exact.fit(&config, None, &(), &mut |_| {}).unwrap();
    assert!(fit.converged);
    let above = fit.objective - closed.objective;
    assert!((-1e-6..=2e-6).contains(&above), "{above}");
    assert!(fit.gap.unwrap() >= above - 1e-6, "{:?} {above}", fit.gap);
    let sgd = SgdParams {
        epochs: 400,
        batch_size: N,
        ..Default::default()
    };
    let mut sgd = SgdTrainer::new(&config, &sgd.check().unwrap(), &data);
    while sgd.run_epoch(&()).unwrap().is_some() {}
    let above = at(&sgd.parameters()) - closed.objective;
    assert!((-1e-6..1e-4).contains(&above), "{above}");
}

#[test]
fn a_lambda_below_rounding_still_gives_a_fit() {
    let (x, labels) = wide(20, 75, 2);
    let rows = Rows::from_mat(MatRef::from_rows(&x, 75)).unwrap();
    let data = LinearData::new(rows, &labels, 2).unwrap();
    let params = RidgeParams {
        lambdas: vec![1e-12, 1e-9],
        ..Default::default()
    };
    for fit in params.check().unwrap().fit(&data, &()).unwrap() {
        // Rows 0 and 1 are the same, of two classes: all others are met.
        assert!((fit.objective - 0.05).abs() < 1e-3, "{}", fit.objective);
    }
}

#[test]
fn without_lambda_a_repeated_column_shares_its_weight() {
    let (x, labels, _) = rows();
    let twice: Vec<f32> = x
        .chunks_exact(D)
        .flat_map(|row| [row[0], row[0], row[1]])
        .collect();
    let once: Vec<f32> = x.chunks_exact(D).flat_map(|row| [row[0], row[1]]).collect();
    let fit = |x: &[f32], d: usize| {
        let rows = Rows::from_mat(MatRef::from_rows(x, d)).unwrap();
        let data = LinearData::new(rows, &labels, K).unwrap();
        let params = RidgeParams {
            lambdas: vec![0.0, 0.5],
            ..Default::default()
        };
        params.check().unwrap().fit(&data, &()).unwrap().remove(0)
    };
    let (twice, once) = (fit(&twice, 3), fit(&once, 2));
    assert!((twice.objective - once.objective).abs() < 1e-5);
    for k in 0..K {
        let w = &twice.parameters.weight[3 * k..][..3];
        assert!((w[0] - w[1]).abs() < 1e-4);
        assert!((w[0] + w[1] - once.parameters.weight[2 * k]).abs() < 1e-4);
    }
}

#[test]
fn misuse_is_refused() {
    for (lambdas, leave_one_out) in [
        (vec![], false),
        (vec![1.0, -1.0], false),
        (vec![f64::NAN], false),
        (vec![0.0], true),
    ] {
        let params = RidgeParams {
            lambdas,
            leave_one_out,
            ..Default::default()
        };
        assert!(matches!(params.check(), Err(LinearError::Range { .. })));
    }
}
