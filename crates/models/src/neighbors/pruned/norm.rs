//! An upper bound of the largest eigenvalue of M M^T, from integers (lemma 5).

/// An integer that is not below the largest eigenvalue of the symmetric `gram`, `n x n`, whose entries
/// are below 2^62 in magnitude.
///
/// `d + |E^2|_F^(1/2)` for `E = gram - d I`, with `d` the largest entry of the diagonal; where squares of
/// `E` do not fit 64 bits, `d + |E|_inf`.
pub(super) fn eigenvalue_bound(gram: &[i64], n: usize) -> u64 {
    assert_eq!(gram.len(), n * n);
    let diagonal = (0..n).map(|i| gram[i * n + i]).max().unwrap_or(0);
    let mut error = gram.to_vec();
    for i in 0..n {
        error[i * n + i] -= diagonal;
    }
    let inf = error
        .chunks_exact(n.max(1))
        .map(|row| row.iter().map(|e| e.unsigned_abs()).sum::<u64>())
        .max()
        .unwrap_or(0);
    // No sum of products along two rows is above |E|_inf^2.
    let spread = if inf >= 1 << 31 {
        inf
    } else {
        root_of_square(&error, n).min(inf)
    };
    diagonal.unsigned_abs() + spread
}

/// `|E^2|_F^(1/2)`, rounded up.
fn root_of_square(error: &[i64], n: usize) -> u64 {
    let mut squares = 0.0;
    let mut row_of_square = vec![0i64; n];
    for row in error.chunks_exact(n.max(1)) {
        row_of_square.fill(0);
        for (&left, right) in row.iter().zip(error.chunks_exact(n)) {
            for (sum, &right) in row_of_square.iter_mut().zip(right) {
                *sum += left * right;
            }
        }
        squares += row_of_square
            .iter()
            .map(|&entry| (entry as f64).powi(2))
            .sum::<f64>();
    }
    // The factor is far above what the sum of squares and the roots can be off by: (n^2 + 4) 2^-53.
    let bound = squares.sqrt().sqrt() * (1.0 + 1e-9);
    bound.ceil() as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_and_are_close() {
        // [[5, 2], [2, 2]] has eigenvalues 6 and 1.
        let bound = eigenvalue_bound(&[5, 2, 2, 2], 2);
        assert!((6..=10).contains(&bound), "{bound}");
        assert_eq!(eigenvalue_bound(&[], 0), 0);
        // Ones: the largest eigenvalue is n.
        for n in [1, 2, 10, 64] {
            let bound = eigenvalue_bound(&vec![1; n * n], n);
            assert!((n as u64..=n as u64 + 2).contains(&bound), "{n}: {bound}");
        }
        // Too large for squares in 64 bits: the row sum.
        let large = (1 << 31) - 1;
        let bound = eigenvalue_bound(&[large, -large, -large, large], 2);
        assert!(bound >= 2 * large as u64);
    }

    #[test]
    fn no_direction_stretches_more() {
        // Rayleigh quotients of the Gram matrix of pseudo-random rows, along the power iteration.
        let (n, d) = (24, 100);
        let mut state = 9u64;
        let m: Vec<i64> = (0..n * d)
            .map(|_| {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (state >> 40) as i64 % 255 - 127
            })
            .collect();
        let gram: Vec<i64> = (0..n * n)
            .map(|at| (0..d).map(|p| m[at / n * d + p] * m[at % n * d + p]).sum())
            .collect();
        let bound = eigenvalue_bound(&gram, n) as f64;
        let mut v: Vec<f64> = (0..n).map(|i| 1.0 + i as f64 / 10.0).collect();
        let mut quotient = 0.0;
        for _ in 0..200 {
            let image: Vec<f64> = gram
                .chunks_exact(n)
                .map(|row| row.iter().zip(&v).map(|(&g, v)| g as f64 * v).sum())
                .collect();
            let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            quotient = norm(&image) / norm(&v);
            let scale = 1.0 / norm(&image);
            v = image.iter().map(|x| x * scale).collect();
        }
        assert!(
            quotient <= bound && bound < 2.0 * quotient,
            "{quotient} {bound}"
        );
    }
}
