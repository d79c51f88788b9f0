//! Factorisations against what they claim to be: products of their factors, residuals, sizes at the edges
//! of blocks, matrices that are singular or nearly.

use super::*;
use nearplane_kernels::Level;

/// Sizes around groups of eight, bands of 32, chunks of 64, panels of 128.
const SIZES: [usize; 20] = [
    0, 1, 2, 7, 8, 9, 31, 32, 33, 40, 41, 48, 63, 64, 65, 127, 128, 129, 200, 300,
];

/// Numbers between -1/2 and 1/2 that look random.
fn noise(n: usize) -> Vec<f64> {
    let mut state = 0x9e37_79b9_u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    (0..n).map(next).collect()
}

/// `scale[i] scale[j] (a a^T)[i, j]` for a noise of `n x k`.
fn moments(n: usize, k: usize, scale: impl Fn(usize) -> f64) -> Symmetric {
    let a = noise(n * k);
    let mut sums = Symmetric::zero(n);
    for i in 0..n {
        for j in 0..n {
            let pairs = a[i * k..][..k].iter().zip(&a[j * k..][..k]);
            let sum: f64 = pairs.map(|(x, y)| x * y).sum();
            sums.elements[i * n + j] = sum * scale(i) * scale(j);
        }
    }
    sums
}

fn times(a: &Symmetric, x: &[f64]) -> Vec<f64> {
    let rows = a.elements.chunks_exact(a.n.max(1));
    let inner = |row: &[f64]| row.iter().zip(x).map(|(a, x)| a * x).sum();
    rows.map(inner).collect()
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn frobenius(a: &Symmetric) -> f64 {
    norm(&a.elements)
}

/// |(factor A + ridge I) x - right| relative to what a backward stable method leaves.
fn residual(a: &Symmetric, factor: f64, ridge: f64, x: &[f64], right: &[f64]) -> f64 {
    let image = times(a, x);
    let left = image
        .iter()
        .zip(x)
        .map(|(image, x)| factor * image + ridge * x);
    let difference: Vec<f64> = left.zip(right).map(|(l, r)| l - r).collect();
    let size = (factor.abs() * frobenius(a) + ridge.abs()) * norm(x) + norm(right);
    norm(&difference) / size.max(f64::MIN_POSITIVE)
}

#[test]
fn products_meet_a_naive_sum() {
    for (n, k) in [(0, 3), (1, 1), (3, 5), (40, 17), (300, 70)] {
        let a: Vec<f32> = noise(n * k).iter().map(|&x| x as f32).collect();
        let mut sums = Symmetric::zero(n);
        sums.add_products(Level::detect(), &a, &transpose(&a, n, k));
        sums.mirror();
        for i in 0..n {
            for j in 0..n {
                let pairs = a[i * k..][..k].iter().zip(&a[j * k..][..k]);
                let sum: f64 = pairs.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                assert!((sums.elements[i * n + j] - sum).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn solutions_leave_a_residual_of_rounding_alone() {
    for n in SIZES {
        for vectors in [0, 1, 3, 8, 10, 17] {
            let a = moments(n, n + 2, |_| 1.0);
            let right = noise(n * vectors);
            let mut x = right.clone();
            a.cholesky(2.0, 0.1).unwrap().solve(&mut x);
            for (x, right) in x.chunks_exact(n.max(1)).zip(right.chunks_exact(n.max(1))) {
                let residual = residual(&a, 2.0, 0.1, x, right);
                assert!(residual < 1e-15, "{n}: {residual}");
            }
        }
    }
}

#[test]
fn solutions_are_those_of_elimination() {
    let n = 37;
    let a = moments(n, 50, |_| 1.0);
    let right = noise(n);
    let mut x = right.clone();
    a.cholesky(1.0, 0.0).unwrap().solve(&mut x);
    for (x, expected) in x.iter().zip(eliminate(&a, &right)) {
        assert!((x - expected).abs() < 1e-11, "{x} {expected}");
    }
}

/// Gauss-Jordan without pivots, which definite matrices do not need.
fn eliminate(a: &Symmetric, right: &[f64]) -> Vec<f64> {
    let n = a.n;
    let mut rows: Vec<Vec<f64>> = a.elements.chunks_exact(n).map(<[f64]>::to_vec).collect();
    for (row, &right) in rows.iter_mut().zip(right) {
        row.push(right);
    }
    for p in 0..n {
        let pivot = rows[p][p];
        rows[p].iter_mut().for_each(|x| *x /= pivot);
        let from = rows[p].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(q, _)| *q != p) {
            let factor = row[p];
            for (x, from) in row.iter_mut().zip(&from) {
                *x -= factor * from;
            }
        }
    }
    rows.iter().map(|row| row[n]).collect()
}

#[test]
fn badly_scaled_matrices_have_small_residuals_too() {
    for n in [9, 65, 200] {
        // Condition numbers near 1e12.
        let a = moments(n, n + 5, |i| 10f64.powf(-6.0 * i as f64 / n as f64));
        let right = noise(n);
        let mut x = right.clone();
        a.cholesky(1.0, 0.0).unwrap().solve(&mut x);
        let residual = residual(&a, 1.0, 0.0, &x, &right);
        assert!(residual < 1e-15, "{n}: {residual}");
    }
}

#[test]
fn what_is_not_positive_definite_has_no_factor() {
    for n in SIZES.into_iter().filter(|n| *n > 0) {
        let a = moments(n, n, |_| 1.0);
        assert!(a.cholesky(-1.0, 0.0).is_none());
        assert!(a.banded().cholesky(-(n as f64)).is_none());
        for wrong in [0, n / 2, n - 1] {
            for value in [-1e-3, 0.0, f64::NAN, f64::INFINITY] {
                let mut a = moments(n, n, |_| 1.0);
                a.elements[wrong * (n + 1)] = value;
                assert!(a.cholesky(1.0, 0.0).is_none(), "{n} {wrong} {value}");
            }
        }
    }
    // Of rank 5: only a ridge helps.
    let a = moments(100, 5, |_| 1.0);
    assert!(a.cholesky(1.0, -1e-9).is_none());
    assert!(a.cholesky(1.0, 1e-9).is_some());
    assert!(a.banded().cholesky(-1e-9).is_none());
    assert!(a.banded().cholesky(1e-9).is_some());
}

#[test]
fn a_band_solves_the_same_equations_for_every_ridge() {
    for n in SIZES {
        let a = moments(n, n / 2 + 1, |i| 1.0 + (i % 7) as f64);
        let banded = a.banded();
        let right = noise(3 * n);
        for ridge in [1e-6, 0.3, 1e5] {
            let mut x = right.clone();
            banded.turn_to_band(&mut x);
            banded.cholesky(ridge).unwrap().solve(&mut x);
            banded.turn_back(&mut x);
            for (x, right) in x.chunks_exact(n.max(1)).zip(right.chunks_exact(n.max(1))) {
                let residual = residual(&a, 1.0, ridge, x, right);
                assert!(residual < 3e-15, "{n} {ridge}: {residual}");
            }
        }
    }
}

#[test]
fn the_rotation_is_orthogonal_and_does_what_reflections_do() {
    for n in SIZES {
        let banded = moments(n, n, |_| 1.0).banded();
        let q = banded.rotation();
        assert_eq!(q.len(), n * n);
        let x = noise(n);
        let mut turned = x.clone();
        banded.turn_to_band(&mut turned);
        assert!((norm(&turned) - norm(&x)).abs() <= 1e-13 * norm(&x));
        for j in 0..n {
            let inner: f64 = (0..n).map(|i| f64::from(q[i * n + j]) * x[i]).sum();
            assert!(
                (inner - turned[j]).abs() < 1e-5,
                "{n}: {inner} {}",
                turned[j]
            );
        }
        banded.turn_back(&mut turned);
        for (x, back) in x.iter().zip(&turned) {
            assert!((x - back).abs() < 1e-13);
        }
    }
}

#[test]
fn a_leverage_is_the_square_that_a_band_leaves() {
    let n = 77;
    let a = moments(n, n + 1, |_| 1.0);
    let banded = a.banded();
    let z = noise(8 * n);
    let (mut turned, mut solved) = (z.clone(), z.clone());
    banded.turn_to_band(&mut turned);
    let mut lanes = vec![[0.0; 8]; n.next_multiple_of(8)];
    for (lane, turned) in turned.chunks_exact(n).enumerate() {
        for (lanes, &x) in lanes.iter_mut().zip(turned) {
            lanes[lane] = x;
        }
    }
    banded.cholesky(0.2).unwrap().forward(&mut lanes);
    a.cholesky(1.0, 0.2).unwrap().solve(&mut solved);
    for (lane, (z, solved)) in z.chunks_exact(n).zip(solved.chunks_exact(n)).enumerate() {
        let squares: f64 = lanes.iter().map(|x| x[lane] * x[lane]).sum();
        let inner: f64 = z.iter().zip(solved).map(|(z, s)| z * s).sum();
        assert!((squares - inner).abs() < 1e-10 * inner, "{squares} {inner}");
    }
}

#[test]
fn solutions_of_least_norm_fit_and_have_nothing_in_the_null_space() {
    for (n, rank) in [
        (1, 1),
        (2, 1),
        (10, 3),
        (70, 64),
        (130, 65),
        (130, 129),
        (100, 100),
    ] {
        let a = moments(n, rank, |_| 1.0);
        let mut x = noise(n);
        let right = times(&a, &x);
        let start = x.clone();
        x.copy_from_slice(&right);
        a.low_rank(1e-10).unwrap().solve(&mut x);
        let image = times(&a, &x);
        for (image, right) in image.iter().zip(&right) {
            assert!((image - right).abs() < 1e-8, "{n} {rank}: {image} {right}");
        }
        // Any other solution is longer: what they differ by is at a right angle to this one.
        let inner: f64 = x.iter().zip(&start).map(|(x, s)| x * (s - x)).sum();
        assert!(inner.abs() < 1e-6, "{n} {rank}: {inner}");
    }
    let mut nothing = [1.0, 2.0];
    Symmetric::zero(2)
        .low_rank(1e-6)
        .unwrap()
        .solve(&mut nothing);
    assert_eq!(nothing, [0.0, 0.0]);
}

#[test]
fn bits_are_the_same_at_every_level_and_for_every_number_of_threads() {
    let n = 300;
    let bits = |level: Level, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let mut a = moments(n, n, |_| 1.0);
            a.level = level;
            let mut x = noise(10 * n);
            a.cholesky(1.0, 0.1).unwrap().solve(&mut x);
            let banded = a.banded();
            banded.turn_to_band(&mut x);
            banded.cholesky(0.1).unwrap().solve(&mut x);
            a.low_rank(1e-9).unwrap().solve(&mut x);
            let rotation = banded.rotation();
            let of_x = x.iter().map(|x| x.to_bits());
            let of_q = rotation.iter().map(|x| u64::from(x.to_bits()));
            of_x.chain(of_q).collect::<Vec<u64>>()
        })
    };
    let expected = bits(Level::detect(), 1);
    assert_eq!(bits(Level::detect(), 3), expected);
    for level in Level::available() {
        assert_eq!(bits(level, 2), expected, "{level}");
    }
}
