//! The public kernels of linear models: scores of a block of rows, the gradient of their weights, and
//! products of f32 matrices.
//!
//! All checks are here, so that the code below can rely on them; the work is in `arch`.

use crate::arch::{self, Left, Part};
use crate::{Level, MatMut, MatRef};

/// # Panics
/// If the two numbers differ that have to be equal for the shapes to fit.
pub(crate) fn check_shapes(
    a: (&str, usize, usize),
    b: (&str, usize, usize),
    equal: (usize, usize),
) {
    assert!(
        equal.0 == equal.1,
        "{} of {} x {} do not fit {} of {} x {}",
        a.0,
        a.1,
        a.2,
        b.0,
        b.1,
        b.2
    );
}

macro_rules! scores {
    ($(#[$doc:meta])* $name:ident: $element:ty) => {
        $(#[$doc])*
        ///
        /// `rows`: n x d, `weights`: classes x d, `out`: n x classes, overwritten. Any number of
        /// classes; ten are fastest. One thread.
        ///
        /// At one level the score of a row depends on the row and the weights alone: the bits are the
        /// same in whatever call, block or place. Levels differ from each other by rounding; `scalar`
        /// sums in f64. Numbers that are not finite come through as IEEE 754 has it.
        ///
        /// # Panics
        /// If the columns of `rows` and `weights` differ, or `out` has not a row for each row and a
        /// column for each class.
        pub fn $name(
            level: Level,
            rows: MatRef<'_, $element>,
            weights: MatRef<'_, f32>,
            out: &mut MatMut<'_, f32>,
        ) {
            let of_rows = ("rows", rows.rows(), rows.cols());
            let of_weights = ("weights", weights.rows(), weights.cols());
            let of_out = ("scores", out.rows(), out.cols());
            check_shapes(of_weights, of_rows, (of_weights.2, of_rows.2));
            check_shapes(of_out, of_rows, (of_out.1, of_rows.1));
            check_shapes(of_out, of_weights, (of_out.2, of_weights.1));
            arch::$name(level, rows, weights, out);
        }
    };
}

scores! {
    /// Scores of rows of bytes, `out[i, k] = sum_p weights[k, p] * rows[i, p]`. Bytes are widened in
    /// registers.
    ///
    /// ```
    /// use nearplane_kernels::{Level, MatMut, MatRef, scores_u8};
    /// // LECTURE 4.2: an image of four pixels, three classes (the biases are added by the caller).
    /// let image = MatRef::from_rows(&[56, 231, 24, 2], 4);
    /// let weights = [
    ///     0.2, -0.5, 0.1, 2.0, // cat
    ///     1.5, 1.3, 2.1, 0.0, // dog
    ///     0.0, 0.25, 0.2, -0.3, // ship
    /// ];
    /// let mut scores = [0.0; 3];
    /// let mut out = MatMut::new(&mut scores, 1, 3, 3);
    /// scores_u8(Level::detect(), image, MatRef::from_rows(&weights, 4), &mut out);
    /// for (score, expected) in scores.iter().zip([-97.9_f32, 434.7, 61.95]) {
    ///     assert!((score - expected).abs() < 1e-3);
    /// }
    /// ```
    scores_u8: u8
}

scores! {
    /// Scores of f32 rows, `out[i, k] = sum_p weights[k, p] * rows[i, p]`.
    ///
    /// ```
    /// use nearplane_kernels::{Level, MatMut, MatRef, scores_f32};
    /// let (rows, weights) = ([1.0, 2.0, 3.0, 4.0], [0.5, 0.25, -1.0, 1.0]);
    /// let mut scores = [0.0; 4];
    /// let mut out = MatMut::new(&mut scores, 2, 2, 2);
    /// let (rows, weights) = (MatRef::from_rows(&rows, 2), MatRef::from_rows(&weights, 2));
    /// scores_f32(Level::detect(), rows, weights, &mut out);
    /// assert_eq!(scores, [1.0, 1.0, 2.5, 1.0]);
    /// ```
    scores_f32: f32
}

macro_rules! gradient {
    ($(#[$doc:meta])* $name:ident: $element:ty) => {
        $(#[$doc])*
        ///
        /// `coefficients`: n x classes (the derivatives of a loss by the scores), `rows`: n x d,
        /// `gradient`: classes x d, added to. Any number of classes; ten are fastest. One thread.
        ///
        /// At one level every element meets the rows in their order, one after the other, so that the
        /// bits do not depend on anything but the numbers. Levels differ from each other by rounding;
        /// `scalar` sums in f64. Numbers that are not finite come through as IEEE 754 has it.
        ///
        /// # Panics
        /// If `coefficients` has not a row for each row, or `gradient` not a row for each column of
        /// `coefficients` and a column for each of `rows`.
        pub fn $name(
            level: Level,
            coefficients: MatRef<'_, f32>,
            rows: MatRef<'_, $element>,
            gradient: &mut MatMut<'_, f32>,
        ) {
            let of_rows = ("rows", rows.rows(), rows.cols());
            let of_coefficients = ("coefficients", coefficients.rows(), coefficients.cols());
            let of_gradient = ("gradients", gradient.rows(), gradient.cols());
            check_shapes(of_coefficients, of_rows, (of_coefficients.1, of_rows.1));
            check_shapes(of_gradient, of_rows, (of_gradient.2, of_rows.2));
            check_shapes(of_gradient, of_coefficients, (of_gradient.1, of_coefficients.2));
            arch::$name(level, coefficients, rows, gradient);
        }
    };
}

gradient! {
    /// The gradient that rows of bytes give, `gradient[k, p] += sum_i coefficients[i, k] * rows[i, p]`.
    /// Bytes are widened in registers.
    ///
    /// ```
    /// use nearplane_kernels::{Level, MatMut, MatRef, gradient_u8};
    /// let rows = MatRef::from_rows(&[1, 2, 3, 10, 20, 30], 3); // two rows of three
    /// let coefficients = MatRef::from_rows(&[1.0, -1.0, 0.5, 0.0], 2); // of two classes
    /// let mut gradient = [100.0; 6];
    /// let mut out = MatMut::new(&mut gradient, 2, 3, 3);
    /// gradient_u8(Level::detect(), coefficients, rows, &mut out);
    /// assert_eq!(gradient, [106.0, 112.0, 118.0, 99.0, 98.0, 97.0]);
    /// ```
    gradient_u8: u8
}

gradient! {
    /// The gradient that f32 rows give, `gradient[k, p] += sum_i coefficients[i, k] * rows[i, p]`.
    ///
    /// ```
    /// use nearplane_kernels::{Level, MatMut, MatRef, gradient_f32};
    /// let rows = MatRef::from_rows(&[0.5, 2.0, 1.0, 4.0], 2); // two rows of two
    /// let coefficients = MatRef::from_rows(&[2.0, -1.0], 1); // of one class
    /// let mut gradient = [0.0; 2];
    /// let mut out = MatMut::new(&mut gradient, 1, 2, 2);
    /// gradient_f32(Level::detect(), coefficients, rows, &mut out);
    /// assert_eq!(gradient, [0.0, 0.0]);
    /// ```
    gradient_f32: f32
}

/// The product of two f32 matrices, `out = a b`.
///
/// `a`: m x k, `b`: k x n, `out`: m x n, overwritten. One thread.
///
/// At one level every element is summed along k in order, so that its bits depend on a row of `a` and a
/// column of `b` alone. Levels differ from each other by rounding; `scalar` sums in f64. Numbers that
/// are not finite come through as IEEE 754 has it.
///
/// # Panics
/// If the columns of `a` and the rows of `b` differ, or `out` has another shape.
///
/// ```
/// use nearplane_kernels::{Level, MatMut, MatRef, gemm_f32};
/// let (a, b) = ([1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 1.0, 0.0]);
/// let mut product = [0.0; 4];
/// let mut out = MatMut::new(&mut product, 2, 2, 2);
/// gemm_f32(Level::detect(), MatRef::from_rows(&a, 2), MatRef::from_rows(&b, 2), &mut out);
/// assert_eq!(product, [2.0, 1.0, 4.0, 3.0]);
/// ```
pub fn gemm_f32(level: Level, a: MatRef<'_, f32>, b: MatRef<'_, f32>, out: &mut MatMut<'_, f32>) {
    let of_a = ("left factors", a.rows(), a.cols());
    let of_b = ("right factors", b.rows(), b.cols());
    let of_out = ("products", out.rows(), out.cols());
    check_shapes(of_b, of_a, (of_b.1, of_a.2));
    check_shapes(of_out, of_a, (of_out.1, of_a.1));
    check_shapes(of_out, of_b, (of_out.2, of_b.2));
    for row in 0..out.rows() {
        out.row_mut(row).fill(0.0);
    }
    arch::add_product(level, Left::AsIs(a), b, Part::All, out);
}
