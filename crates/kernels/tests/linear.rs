//! Scores, gradients and products at every level against the scalar oracle: shapes around every tile,
//! strides and offsets, the same bits however rows are grouped into calls, numbers that are not finite.

mod levels;

use levels::levels;
use nearplane_kernels::*;

const CLASSES: [usize; 9] = [1, 2, 3, 7, 9, 10, 11, 20, 100];
const COLS: [usize; 13] = [0, 1, 3, 7, 15, 16, 17, 31, 33, 64, 100, 3072, 3073];
const ROWS: [usize; 8] = [0, 1, 2, 3, 7, 16, 17, 131];

/// A fixed stream of bytes (SplitMix64), so that a failure repeats.
fn bytes(n: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (z ^ (z >> 27))
                .wrapping_mul(0x94d0_49bb_1331_11eb)
                .to_le_bytes()[7]
        })
        .collect()
}

/// Numbers of -128 to 128, both signs, none a multiple of the others.
fn floats(n: usize, seed: u64) -> Vec<f32> {
    bytes(2 * n, seed)
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 256.0 + 1e-3)
        .collect()
}

/// A matrix with a gap behind each row and something before the first.
#[derive(Clone)]
struct Matrix<T> {
    data: Vec<T>,
    rows: usize,
    cols: usize,
}

const BEFORE: usize = 1;
const GAP: usize = 3;

impl<T: Copy> Matrix<T> {
    fn new(rows: usize, cols: usize, make: impl Fn(usize) -> Vec<T>) -> Self {
        let data = make(BEFORE + rows * (cols + GAP));
        Self { data, rows, cols }
    }

    fn filled(rows: usize, cols: usize, value: T) -> Self {
        Self::new(rows, cols, |n| vec![value; n])
    }

    fn view(&self) -> MatRef<'_, T> {
        MatRef::new(&self.data[BEFORE..], self.rows, self.cols, self.cols + GAP)
    }

    fn view_mut(&mut self) -> MatMut<'_, T> {
        let stride = self.cols + GAP;
        MatMut::new(&mut self.data[BEFORE..], self.rows, self.cols, stride)
    }
}

fn bits(matrix: &Matrix<f32>) -> Vec<u32> {
    matrix.data.iter().map(|value| value.to_bits()).collect()
}

/// Everything between the rows is as it was.
fn assert_gaps(matrix: &Matrix<f32>, value: f32, context: &str) {
    let stride = matrix.cols + GAP;
    for (at, found) in matrix.data.iter().enumerate() {
        let inside = at >= BEFORE && (at - BEFORE) % stride < matrix.cols;
        assert!(
            inside || found.to_bits() == value.to_bits(),
            "{context}: wrote outside of a row, at {at}"
        );
    }
}

/// Rounding of a sum of n terms, each rounded once or twice: (n + 4) eps times the sum of their
/// magnitudes bounds it.
fn assert_close(
    found: &Matrix<f32>,
    expected: &Matrix<f32>,
    magnitudes: &Matrix<f32>,
    n: usize,
    context: &str,
) {
    for i in 0..found.rows {
        for j in 0..found.cols {
            let (found, expected) = (found.view().row(i)[j], expected.view().row(i)[j]);
            let slack = (n as f32 + 4.0) * f32::EPSILON * magnitudes.view().row(i)[j];
            assert!(
                (found - expected).abs() <= slack,
                "{context} at {i}, {j}: {found} against {expected}, allowed {slack}"
            );
        }
    }
}

fn magnitude(matrix: &Matrix<f32>) -> Matrix<f32> {
    let data = matrix.data.iter().map(|value| value.abs()).collect();
    Matrix { data, ..*matrix }
}

type Scores<T> = fn(Level, MatRef<'_, T>, MatRef<'_, f32>, &mut MatMut<'_, f32>);
type Gradient<T> = fn(Level, MatRef<'_, f32>, MatRef<'_, T>, &mut MatMut<'_, f32>);

/// The kernels of one kind of rows.
struct Kind<T> {
    name: &'static str,
    make: fn(usize, u64) -> Vec<T>,
    absolute: fn(T) -> T,
    scores: Scores<T>,
    gradient: Gradient<T>,
}

const U8: Kind<u8> = Kind {
    name: "u8",
    make: bytes,
    absolute: |byte| byte,
    scores: scores_u8,
    gradient: gradient_u8,
};
const F32: Kind<f32> = Kind {
    name: "f32",
    make: floats,
    absolute: f32::abs,
    scores: scores_f32,
    gradient: gradient_f32,
};

impl<T: Copy> Kind<T> {
    fn rows(&self, n: usize, cols: usize) -> Matrix<T> {
        Matrix::new(n, cols, |n| (self.make)(n, 1))
    }

    fn absolute(&self, rows: &Matrix<T>) -> Matrix<T> {
        let data = rows
            .data
            .iter()
            .map(|&value| (self.absolute)(value))
            .collect();
        Matrix { data, ..*rows }
    }

    fn run_scores(&self, level: Level, rows: MatRef<'_, T>, weights: &Matrix<f32>) -> Matrix<f32> {
        let mut out = Matrix::filled(rows.rows(), weights.rows, -7.5);
        (self.scores)(level, rows, weights.view(), &mut out.view_mut());
        assert_gaps(&out, -7.5, self.name);
        out
    }

    /// Added to what `gradient` holds.
    fn run_gradient(
        &self,
        level: Level,
        coefficients: MatRef<'_, f32>,
        rows: MatRef<'_, T>,
        gradient: &Matrix<f32>,
    ) -> Matrix<f32> {
        let mut out = gradient.clone();
        (self.gradient)(level, coefficients, rows, &mut out.view_mut());
        out
    }

    fn check_scores(&self, n: usize, cols: usize, classes: usize) {
        let rows = self.rows(n, cols);
        let weights = Matrix::new(classes, cols, |n| floats(n, 2));
        let expected = self.run_scores(Level::SCALAR, rows.view(), &weights);
        let magnitudes = self.run_scores(
            Level::SCALAR,
            self.absolute(&rows).view(),
            &magnitude(&weights),
        );
        for level in levels() {
            let context = format!("scores_{}/{level}/{n}x{cols}x{classes}", self.name);
            let found = self.run_scores(level, rows.view(), &weights);
            assert_close(&found, &expected, &magnitudes, cols, &context);
            // Calls of other sizes: each row alone, and a middle part.
            let middle = n / 3..n - n / 4;
            for part in (0..n.min(20)).map(|i| i..i + 1).chain([middle]) {
                let again = self.run_scores(level, rows.view().slice(part.clone()), &weights);
                for (i, row) in part.enumerate() {
                    let (again, found) = (again.view().row(i), found.view().row(row));
                    let same = again
                        .iter()
                        .zip(found)
                        .all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{context}: row {row} in another call");
                }
            }
        }
    }

    fn check_gradient(&self, n: usize, cols: usize, classes: usize) {
        let rows = self.rows(n, cols);
        let coefficients = Matrix::new(n, classes, |n| floats(n, 3));
        let before = Matrix::new(classes, cols, |n| floats(n, 4));
        let expected = self.run_gradient(Level::SCALAR, coefficients.view(), rows.view(), &before);
        let magnitudes = self.run_gradient(
            Level::SCALAR,
            magnitude(&coefficients).view(),
            self.absolute(&rows).view(),
            &magnitude(&before),
        );
        for level in levels() {
            let context = format!("gradient_{}/{level}/{n}x{cols}x{classes}", self.name);
            let found = self.run_gradient(level, coefficients.view(), rows.view(), &before);
            assert_close(&found, &expected, &magnitudes, n + 1, &context);
            for (at, (found, before)) in found.data.iter().zip(&before.data).enumerate() {
                let inside = at >= BEFORE && (at - BEFORE) % (cols + GAP) < cols;
                assert!(
                    inside || found.to_bits() == before.to_bits(),
                    "{context}: wrote outside"
                );
            }
            if level == Level::SCALAR {
                continue; // rounds once a call
            }
            // Row after row, in one call or in several.
            let (first, second) = (0..n / 3, n / 3..n);
            let part = self.run_gradient(
                level,
                coefficients.view().slice(first.clone()),
                rows.view().slice(first),
                &before,
            );
            let parts = self.run_gradient(
                level,
                coefficients.view().slice(second.clone()),
                rows.view().slice(second),
                &part,
            );
            assert!(bits(&parts) == bits(&found), "{context}: in two calls");
        }
    }
}

/// Shapes: every number of columns and classes with few rows, every number of rows with few of them.
fn shapes() -> Vec<(usize, usize, usize)> {
    let mut shapes = Vec::new();
    for cols in COLS {
        for classes in CLASSES {
            let n = if cols > 1000 { 5 } else { 19 };
            shapes.push((n, cols, classes));
        }
    }
    for n in ROWS {
        for classes in [1, 3, 10, 17] {
            shapes.push((n, 37, classes));
        }
    }
    shapes.extend([(3, 5, 0), (0, 0, 0), (40, 3072, 10), (150, 1000, 10)]);
    shapes
}

#[test]
fn scores_agree_with_the_f64_oracle_to_rounding_in_whatever_call() {
    for (n, cols, classes) in shapes() {
        U8.check_scores(n, cols, classes);
        F32.check_scores(n, cols, classes);
    }
}

#[test]
fn gradients_agree_with_the_f64_oracle_to_rounding_in_whatever_call() {
    for (n, cols, classes) in shapes() {
        U8.check_gradient(n, cols, classes);
        F32.check_gradient(n, cols, classes);
    }
}

fn product(level: Level, a: &Matrix<f32>, b: &Matrix<f32>) -> Matrix<f32> {
    let mut out = Matrix::filled(a.rows, b.cols, f32::NAN);
    gemm_f32(level, a.view(), b.view(), &mut out.view_mut());
    out
}

#[test]
fn products_agree_with_the_f64_oracle_to_rounding() {
    let shapes = [
        (0, 3, 4),
        (3, 0, 4),
        (3, 4, 0),
        (1, 1, 1),
        (5, 2, 3),
        (11, 17, 31),
        (12, 16, 32),
        (13, 33, 33),
        (24, 7, 65),
        (97, 300, 40),
        (100, 257, 530),
        (7, 1030, 515),
    ];
    for (m, k, n) in shapes {
        let a = Matrix::new(m, k, |n| floats(n, 5));
        let b = Matrix::new(k, n, |n| floats(n, 6));
        let expected = product(Level::SCALAR, &a, &b);
        let magnitudes = product(Level::SCALAR, &magnitude(&a), &magnitude(&b));
        for level in levels() {
            let context = format!("gemm_f32/{level}/{m}x{k}x{n}");
            let found = product(level, &a, &b);
            assert_close(&found, &expected, &magnitudes, k, &context);
            assert_gaps_nan(&found, &context);
            if m > 2 {
                // A row's bits are its own.
                let mut one = Matrix::filled(1, n, 0.0);
                gemm_f32(level, a.view().slice(2..3), b.view(), &mut one.view_mut());
                for (a, b) in one.view().row(0).iter().zip(found.view().row(2)) {
                    assert_eq!(a.to_bits(), b.to_bits(), "{context}: row 2 alone");
                }
            }
        }
    }
}

fn assert_gaps_nan(matrix: &Matrix<f32>, context: &str) {
    assert_gaps(matrix, f32::NAN, context);
}

#[test]
fn numbers_that_are_not_finite_reach_what_they_are_part_of_and_nothing_else() {
    let (n, cols, classes) = (21, 37, 12);
    for level in levels() {
        // The first column, one in the middle, the last one: whole slices and the tail.
        for col in [0, 20, 36] {
            for (bad, of_zero) in [(f32::NAN, true), (f32::INFINITY, true), (-1.0, false)] {
                let mut weights = Matrix::filled(classes, cols, 1.0);
                weights.view_mut().row_mut(11)[col] = bad;
                let mut rows = Matrix::filled(n, cols, 1u8);
                rows.view_mut().row_mut(20)[col] = 0; // 0 x infinity is NaN
                let scores = U8.run_scores(level, rows.view(), &weights);
                let context = format!("{level}, {bad} in column {col}");
                assert_eq!(scores.view().row(0)[10], 37.0, "{context}");
                let found = scores.view().row(0)[11];
                assert_eq!(found.to_bits(), (36.0 + bad).to_bits(), "{context}");
                assert_eq!(scores.view().row(20)[11].is_nan(), of_zero, "{context}");

                let mut rows = Matrix::filled(n, cols, 1.0f32);
                rows.view_mut().row_mut(20)[col] = bad;
                let scores =
                    F32.run_scores(level, rows.view(), &Matrix::filled(classes, cols, 1.0));
                assert_eq!(scores.view().row(19)[11], 37.0, "{context}");
                let found = scores.view().row(20)[11];
                assert_eq!(found.to_bits(), (36.0 + bad).to_bits(), "{context}");

                let coefficients = Matrix::filled(n, classes, 1.0);
                let zero = Matrix::filled(classes, cols, 0.0);
                let gradient = F32.run_gradient(level, coefficients.view(), rows.view(), &zero);
                for p in 0..cols {
                    let expected = if p == col { 20.0 + bad } else { 21.0 };
                    let found = gradient.view().row(11)[p];
                    assert_eq!(found.to_bits(), expected.to_bits(), "{context}, at {p}");
                }
                let mut coefficients = coefficients;
                coefficients.view_mut().row_mut(3)[11] = bad;
                let rows = Matrix::filled(n, cols, 1u8);
                let gradient = U8.run_gradient(level, coefficients.view(), rows.view(), &zero);
                for p in 0..cols {
                    assert_eq!(gradient.view().row(10)[p], 21.0, "{context}, at {p}");
                    let found = gradient.view().row(11)[p];
                    assert_eq!(found.to_bits(), (20.0 + bad).to_bits(), "{context}, at {p}");
                }

                let mut left = Matrix::filled(13, cols, 1.0);
                left.view_mut().row_mut(12)[col] = bad;
                let found = product(level, &left, &Matrix::filled(cols, 33, 1.0));
                assert_eq!(found.view().row(11)[32], 37.0, "{context}");
                let found = found.view().row(12)[32];
                assert_eq!(found.to_bits(), (36.0 + bad).to_bits(), "{context}");
            }
        }
    }
}

/// What a call says when it panics.
fn message(call: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(call).expect_err("shapes that do not fit were taken");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn shapes_that_do_not_fit_are_refused_with_both_of_them() {
    let level = Level::detect();
    let rows = |n, cols| Matrix::filled(n, cols, 1u8);
    let mat = |n, cols| Matrix::filled(n, cols, 1.0f32);
    let scores = |(n, d): (usize, usize), (k, e): (usize, usize), (o, p): (usize, usize)| {
        message(move || {
            scores_u8(
                level,
                rows(n, d).view(),
                mat(k, e).view(),
                &mut mat(o, p).view_mut(),
            );
        })
    };
    assert_eq!(
        scores((5, 7), (3, 8), (5, 3)),
        "weights of 3 x 8 do not fit rows of 5 x 7"
    );
    assert_eq!(
        scores((5, 7), (3, 7), (4, 3)),
        "scores of 4 x 3 do not fit rows of 5 x 7"
    );
    assert_eq!(
        scores((5, 7), (3, 7), (5, 2)),
        "scores of 5 x 2 do not fit weights of 3 x 7"
    );
    let gradient = |(n, k): (usize, usize), (m, d): (usize, usize), (o, p): (usize, usize)| {
        message(move || {
            gradient_f32(
                level,
                mat(n, k).view(),
                mat(m, d).view(),
                &mut mat(o, p).view_mut(),
            );
        })
    };
    assert_eq!(
        gradient((5, 3), (6, 7), (3, 7)),
        "coefficients of 5 x 3 do not fit rows of 6 x 7"
    );
    assert_eq!(
        gradient((5, 3), (5, 7), (3, 8)),
        "gradients of 3 x 8 do not fit rows of 5 x 7"
    );
    assert_eq!(
        gradient((5, 3), (5, 7), (2, 7)),
        "gradients of 2 x 7 do not fit coefficients of 5 x 3"
    );
    let product = |(m, k): (usize, usize), (l, n): (usize, usize), (o, p): (usize, usize)| {
        message(move || {
            gemm_f32(
                level,
                mat(m, k).view(),
                mat(l, n).view(),
                &mut mat(o, p).view_mut(),
            );
        })
    };
    assert_eq!(
        product((2, 3), (4, 5), (2, 5)),
        "right factors of 4 x 5 do not fit left factors of 2 x 3"
    );
    assert_eq!(
        product((2, 3), (3, 5), (3, 5)),
        "products of 3 x 5 do not fit left factors of 2 x 3"
    );
    assert_eq!(
        product((2, 3), (3, 5), (2, 4)),
        "products of 2 x 4 do not fit right factors of 3 x 5"
    );
}
