//! Gram matrices at every level: exact for bytes, within rounding for floats, upper triangle only, the
//! same in one call and in several.

mod levels;

use levels::levels;
use nearplane_kernels::*;

/// Rows, columns and a stride, around tiles and blocks.
const SHAPES: [(usize, usize, usize); 10] = [
    (0, 3, 3),
    (4, 0, 0),
    (1, 1, 1),
    (2, 5, 6),
    (7, 33, 33),
    (17, 12, 40),
    (300, 31, 32),
    (9, 130, 131),
    (40, 325, 330),
    (2051, 20, 20),
];

fn bytes(n: usize) -> Vec<u8> {
    let mut state = 1u32;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

/// What `gram` holds before, so that what is not touched shows.
const BEFORE: u32 = 1_000_003;

fn formula(rows: MatRef<'_, u8>, p: usize, q: usize) -> u32 {
    let terms = rows.iter().map(|row| u32::from(row[p]) * u32::from(row[q]));
    BEFORE + terms.sum::<u32>()
}

#[test]
fn gram_matrices_of_bytes_are_exact_sums_of_products() {
    for (n, cols, stride) in SHAPES {
        let data = bytes(n * stride);
        let rows = MatRef::new(&data, n, cols, stride);
        for level in levels() {
            for split in [n, n / 2] {
                let mut gram = vec![BEFORE; cols * (cols + 1)];
                let mut out = MatMut::new(&mut gram, cols, cols, cols + 1);
                for part in [0..split, split..n] {
                    gram_u8(level, rows.slice(part), &mut out);
                }
                for p in 0..cols {
                    for q in 0..=cols {
                        let found = gram[p * (cols + 1) + q];
                        let inside = p <= q && q < cols;
                        let expected = if inside { formula(rows, p, q) } else { BEFORE };
                        assert_eq!(found, expected, "{level}: {n} x {cols} at {p}, {q}");
                    }
                }
            }
        }
    }
}

#[test]
fn gram_matrices_of_floats_agree_with_the_f64_oracle_to_rounding() {
    for (n, cols, stride) in SHAPES {
        let data = bytes(n * stride);
        let floats: Vec<f32> = data
            .iter()
            .map(|&byte| f32::from(byte) / 7.0 - 18.0)
            .collect();
        let rows = MatRef::new(&floats, n, cols, stride);
        let run = |level: Level, split: usize| {
            let mut gram = vec![-3.0f32; cols * (cols + 1)];
            let mut out = MatMut::new(&mut gram, cols, cols, cols + 1);
            for part in [0..split, split..n] {
                gram_f32(level, rows.slice(part), &mut out);
            }
            gram
        };
        for level in levels() {
            let found = run(level, n);
            if level != Level::SCALAR {
                let again = run(level, n / 2);
                assert!(
                    found
                        .iter()
                        .zip(&again)
                        .all(|(a, b)| a.to_bits() == b.to_bits()),
                    "{level}: {n} x {cols} in two calls"
                );
            }
            for p in 0..cols {
                for q in 0..=cols {
                    let found = found[p * (cols + 1) + q];
                    if q < p || q == cols {
                        assert_eq!(found, -3.0, "{level}: {n} x {cols} at {p}, {q}");
                        continue;
                    }
                    let products = || rows.iter().map(|row| f64::from(row[p]) * f64::from(row[q]));
                    let magnitude = 3.0 + products().map(f64::abs).sum::<f64>();
                    let expected = products().sum::<f64>() - 3.0;
                    let slack = (n as f64 + 4.0) * f64::from(f32::EPSILON) * magnitude;
                    assert!(
                        (f64::from(found) - expected).abs() <= slack,
                        "{level}: {n} x {cols} at {p}, {q}: {found} against {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn sums_of_bytes_are_exact_up_to_the_last_row_that_fits() {
    let data = vec![255; MAX_EXACT_U8];
    for level in levels() {
        let mut gram = [0];
        let mut out = MatMut::new(&mut gram, 1, 1, 1);
        gram_u8(level, MatRef::from_rows(&data, 1), &mut out);
        assert_eq!(u64::from(gram[0]), 66_051 * 65_025, "{level}");
    }
}

#[test]
#[should_panic(expected = "sums are exact up to 66051")]
fn more_rows_than_fit_are_refused() {
    let data = vec![0; MAX_EXACT_U8 + 1];
    let mut gram = [0];
    let mut out = MatMut::new(&mut gram, 1, 1, 1);
    gram_u8(Level::detect(), MatRef::from_rows(&data, 1), &mut out);
}

#[test]
#[should_panic(expected = "Gram matrices of 2 x 3 do not fit rows of 1 x 3")]
fn a_gram_matrix_that_is_not_square_is_refused() {
    let mut gram = [0.0; 6];
    let mut out = MatMut::new(&mut gram, 2, 3, 3);
    gram_f32(Level::detect(), MatRef::from_rows(&[1.0; 3], 3), &mut out);
}
