//! Ridge regression against normal equations solved by elimination, and rows left out against refits.

use nearplane_kernels::MatRef;
use nearplane_models::linear::{LinearData, LinearError, Parameters, RidgeParams};
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
        for j in 0..D {
            solution.weight[k * D + j] = a[j][W + k];
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
