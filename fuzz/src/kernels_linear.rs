//! Scores, gradients, products and Gram matrices of floats: within rounding of f64 sums at every level, the same bits
//! however rows are grouped into calls.

use nearplane_kernels::{
    Level, MatMut, MatRef, gemm_f32, gradient_f32, gradient_u8, gram_f32, scores_f32, scores_u8,
};

use crate::input::Input;
use crate::kernels_f32::{Numbers, assert_close, same};

/// Products that a call may have.
const WORK: usize = 1 << 12;

/// What stands where nothing is to be written.
const UNTOUCHED: f32 = -7.5;

/// Rows of bytes or of floats, and their kernels.
trait Cell: Copy {
    fn number(self) -> f64;
    fn scores(level: Level, rows: MatRef<'_, Self>, w: MatRef<'_, f32>, out: &mut MatMut<'_, f32>);
    fn gradient(
        level: Level,
        c: MatRef<'_, f32>,
        rows: MatRef<'_, Self>,
        out: &mut MatMut<'_, f32>,
    );
}

impl Cell for u8 {
    fn number(self) -> f64 {
        f64::from(self)
    }

    fn scores(level: Level, rows: MatRef<'_, u8>, w: MatRef<'_, f32>, out: &mut MatMut<'_, f32>) {
        scores_u8(level, rows, w, out);
    }

    fn gradient(level: Level, c: MatRef<'_, f32>, rows: MatRef<'_, u8>, out: &mut MatMut<'_, f32>) {
        gradient_u8(level, c, rows, out);
    }
}

impl Cell for f32 {
    fn number(self) -> f64 {
        f64::from(self)
    }

    fn scores(level: Level, rows: MatRef<'_, f32>, w: MatRef<'_, f32>, out: &mut MatMut<'_, f32>) {
        scores_f32(level, rows, w, out);
    }

    fn gradient(
        level: Level,
        c: MatRef<'_, f32>,
        rows: MatRef<'_, f32>,
        out: &mut MatMut<'_, f32>,
    ) {
        gradient_f32(level, c, rows, out);
    }
}

/// The sum of products in f64 from `start` on, and that of their magnitudes.
fn sum(start: f64, products: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    products.fold((start, start.abs()), |(sum, magnitude), (a, b)| {
        (sum + a * b, magnitude + (a * b).abs())
    })
}

/// Scores, gradients, products and Gram matrices are what their formulas say, to rounding; a row's numbers depend on
/// the row alone.
pub fn kernels_linear(data: &[u8]) {
    let mut input = Input::new(data);
    let numbers = input.pick(&Numbers::ALL);
    let cols = match input.byte() {
        short @ 0..200 => usize::from(short),
        long => 4 * usize::from(long),
    };
    let classes = input.below(24).min(WORK / cols.max(1));
    let n = input
        .below(40)
        .min(WORK / cols.max(1) / classes.clamp(1, WORK));
    let gap = input.below(4);
    let stride = cols + gap;
    let split = input.below(n + 1);
    let weights = numbers.fill(&mut input, classes * cols);
    let coefficients = numbers.fill(&mut input, n * classes);
    let weights = MatRef::new(&weights, classes, cols, cols);
    let coefficients = MatRef::new(&coefficients, n, classes, classes);
    let (bytes, floats) = (input.fill(n * stride), numbers.fill(&mut input, n * stride));
    let bytes = MatRef::new(&bytes, n, cols, stride);
    let floats = MatRef::new(&floats, n, cols, stride);
    let is_bounded = numbers != Numbers::Any;
    for level in Level::available() {
        check_scores(level, bytes, weights, is_bounded);
        check_scores(level, floats, weights, is_bounded);
        check_gradient(level, coefficients, bytes, split, is_bounded);
        check_gradient(level, coefficients, floats, split, is_bounded);
        check_product(level, coefficients, weights, is_bounded);
        check_gram(level, floats, split, is_bounded);
    }
}

fn check_scores<T: Cell>(
    level: Level,
    rows: MatRef<'_, T>,
    weights: MatRef<'_, f32>,
    is_bounded: bool,
) {
    let (n, classes, cols) = (rows.rows(), weights.rows(), rows.cols());
    let stride = classes + 1;
    let mut out = vec![UNTOUCHED; n * stride];
    T::scores(
        level,
        rows,
        weights,
        &mut MatMut::new(&mut out, n, classes, stride),
    );
    let context = format!("scores/{level}, {n} x {classes} x {cols}");
    for (i, row) in rows.iter().enumerate() {
        let found = &out[i * stride..][..stride];
        assert_eq!(found[classes], UNTOUCHED, "{context}: wrote past a row");
        let mut alone = vec![UNTOUCHED; classes];
        let mut alone_mat = MatMut::new(&mut alone, 1, classes, classes);
        T::scores(level, rows.slice(i..i + 1), weights, &mut alone_mat);
        for (k, weights) in weights.iter().enumerate() {
            assert!(same(found[k], alone[k]), "{context}: row {i} by itself");
            if is_bounded {
                let terms = row
                    .iter()
                    .zip(weights)
                    .map(|(&x, &w)| (x.number(), f64::from(w)));
                assert_close(found[k], sum(0.0, terms), cols, &context);
            }
        }
    }
}

fn check_gradient<T: Cell>(
    level: Level,
    coefficients: MatRef<'_, f32>,
    rows: MatRef<'_, T>,
    split: usize,
    is_bounded: bool,
) {
    const START: f32 = 3.0;
    let (n, classes, cols) = (rows.rows(), coefficients.cols(), rows.cols());
    let run = |ends: &[usize]| {
        let mut out = vec![START; classes * cols];
        let mut first = 0;
        for &end in ends {
            T::gradient(
                level,
                coefficients.slice(first..end),
                rows.slice(first..end),
                &mut MatMut::new(&mut out, classes, cols, cols),
            );
            first = end;
        }
        out
    };
    let found = run(&[n]);
    let context = format!("gradient/{level}, {n} x {classes} x {cols}");
    // The scalar level sums each call in f64.
    if level != Level::SCALAR {
        let again = run(&[split, n]);
        let is_same = found.iter().zip(&again).all(|(&a, &b)| same(a, b));
        assert!(is_same, "{context}: in two calls, {split} rows first");
    }
    if is_bounded {
        for k in 0..classes {
            for p in 0..cols {
                let terms = coefficients
                    .iter()
                    .zip(rows.iter())
                    .map(|(c, row)| (f64::from(c[k]), row[p].number()));
                assert_close(
                    found[k * cols + p],
                    sum(f64::from(START), terms),
                    n + 1,
                    &context,
                );
            }
        }
    }
}

fn check_product(level: Level, a: MatRef<'_, f32>, b: MatRef<'_, f32>, is_bounded: bool) {
    let (m, inner, n) = (a.rows(), a.cols(), b.cols());
    let mut out = vec![f32::NAN; m * n];
    gemm_f32(level, a, b, &mut MatMut::new(&mut out, m, n, n));
    let context = format!("gemm/{level}, {m} x {inner} x {n}");
    for (i, row) in a.iter().enumerate() {
        let mut alone = vec![f32::NAN; n];
        gemm_f32(
            level,
            a.slice(i..i + 1),
            b,
            &mut MatMut::new(&mut alone, 1, n, n),
        );
        for j in 0..n {
            let found = out[i * n + j];
            assert!(same(found, alone[j]), "{context}: row {i} by itself");
            if is_bounded {
                let terms = row
                    .iter()
                    .zip(b.iter())
                    .map(|(&x, row)| (f64::from(x), f64::from(row[j])));
                assert_close(found, sum(0.0, terms), inner, &context);
            }
        }
    }
}

fn check_gram(level: Level, rows: MatRef<'_, f32>, split: usize, is_bounded: bool) {
    const START: f32 = -3.0;
    let (n, cols) = (rows.rows(), rows.cols().min(24));
    let data: Vec<f32> = rows
        .iter()
        .flat_map(|row| row[..cols].iter().copied())
        .collect();
    let rows = MatRef::new(&data, n, cols, cols);
    let run = |ends: &[usize]| {
        let mut gram = vec![START; cols * cols];
        let mut first = 0;
        for &end in ends {
            let part = rows.slice(first..end);
            gram_f32(level, part, &mut MatMut::new(&mut gram, cols, cols, cols));
            first = end;
        }
        gram
    };
    let found = run(&[n]);
    let context = format!("gram/{level}, {n} x {cols}");
    if level != Level::SCALAR {
        let again = run(&[split, n]);
        let is_same = found.iter().zip(&again).all(|(&a, &b)| same(a, b));
        assert!(is_same, "{context}: in two calls, {split} rows first");
    }
    for p in 0..cols {
        for q in 0..cols {
            let found = found[p * cols + q];
            if q < p {
                assert_eq!(found, START, "{context}: below the diagonal");
            } else if is_bounded {
                let terms = rows
                    .iter()
                    .map(|row| (f64::from(row[p]), f64::from(row[q])));
                assert_close(found, sum(f64::from(START), terms), n + 1, &context);
            }
        }
    }
}
