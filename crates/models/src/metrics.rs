//! What a prediction is worth: accuracy with its interval, and the confusion matrix.
//!
//! Everything here counts labels. How they were predicted does not matter, so nearest neighbours,
//! linear models and a file of somebody else's predictions are judged by the same numbers.

/// The 97.5 % quantile of the standard normal distribution: the `z` of a two-sided 95 % interval.
const Z_95: f64 = 1.959963984540054;

/// The fraction of labels predicted right, kept as the two counts it comes from.
///
/// ```
/// use nearplane_models::metrics::accuracy;
///
/// let result = accuracy(&[3, 1, 2, 0], &[3, 1, 2, 2]);
/// assert_eq!((result.correct, result.total), (3, 4));
/// assert_eq!(result.value(), 0.75);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a proportion is these two numbers"
)]
pub struct Accuracy {
    /// Rows whose predicted label is the true one.
    pub correct: u64,
    /// Rows evaluated.
    pub total: u64,
}

impl Accuracy {
    /// `correct / total`, in 0..=1.
    ///
    /// Not a number if nothing was evaluated.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.correct as f64 / self.total as f64
    }

    /// The Wilson score interval at 95 %: `(low, high)`, within 0..=1.
    ///
    /// With `p = correct / total`, `n = total` and `z = 1.959963984540054` the ends are
    /// `(p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)`, the two solutions `q`
    /// of `(p - q)^2 = z^2 q (1 - q) / n`. Unlike the textbook `p -+ z sqrt(p (1 - p) / n)` it never
    /// leaves 0..=1 and keeps its width when everything or nothing is right. `(0, 1)` if nothing was
    /// evaluated.
    ///
    /// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    /// Journal of the American Statistical Association 22 (1927), 209-212.
    ///
    /// ```
    /// use nearplane_models::metrics::Accuracy;
    ///
    /// let (low, high) = Accuracy { correct: 3859, total: 10_000 }.wilson_95();
    /// assert_eq!(format!("{low:.4} {high:.4}"), "0.3764 0.3955");
    /// ```
    #[must_use]
    pub fn wilson_95(&self) -> (f64, f64) {
        if self.total == 0 {
            return (0.0, 1.0);
        }
        let n = self.total as f64;
        let p = self.value();
        let z2_n = Z_95 * Z_95 / n;
        let center = p + z2_n / 2.0;
        let half_width = Z_95 * (p * (1.0 - p) / n + z2_n / (4.0 * n)).sqrt();
        let scale = 1.0 + z2_n;
        // The formula gives exactly 0 and 1 in these two cases; floating point only nearly does.
        let low = if self.correct == 0 {
            0.0
        } else {
            (center - half_width) / scale
        };
        let high = if self.correct == self.total {
            1.0
        } else {
            (center + half_width) / scale
        };
        (low, high)
    }
}

/// Counts how many of `predicted` equal their `truth`.
///
/// # Panics
/// If the two slices differ in length.
#[must_use]
pub fn accuracy(predicted: &[u32], truth: &[u32]) -> Accuracy {
    assert_same_length(predicted, truth);
    let correct = predicted.iter().zip(truth).filter(|(p, t)| p == t).count();
    Accuracy {
        correct: correct as u64,
        total: truth.len() as u64,
    }
}

/// How often each class was taken for each class: rows are true classes, columns predicted ones.
///
/// ```
/// use nearplane_models::metrics::ConfusionMatrix;
///
/// let matrix = ConfusionMatrix::new(&[0, 1, 1, 1], &[0, 0, 1, 1], 2);
/// assert_eq!(matrix.row(0), [1, 1]);
/// assert_eq!(matrix.recall(0), Some(0.5));
/// assert_eq!(matrix.precision(1), Some(2.0 / 3.0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    n_classes: usize,
    /// `n_classes x n_classes`, row-major.
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// Counts every pair of a true and a predicted label; labels are `0..n_classes`.
    ///
    /// # Panics
    /// If the two slices differ in length or a label is `n_classes` or above.
    #[must_use]
    pub fn new(predicted: &[u32], truth: &[u32], n_classes: usize) -> Self {
        assert_same_length(predicted, truth);
        let mut counts = vec![0; n_classes * n_classes];
        for (row, (&p, &t)) in predicted.iter().zip(truth).enumerate() {
            let (p, t) = (p as usize, t as usize);
            assert!(
                p < n_classes && t < n_classes,
                "row {row}: predicted label {p} and true label {t} must be below {n_classes} classes"
            );
            counts[t * n_classes + p] += 1;
        }
        Self { n_classes, counts }
    }

    /// The number of classes, which is the number of rows and of columns.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// How many rows of class `truth` were predicted as class `predicted`.
    ///
    /// # Panics
    /// If one of the two is not a class.
    #[must_use]
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.row(truth)[predicted]
    }

    /// What the rows of class `truth` were predicted as: one count for each class.
    ///
    /// # Panics
    /// If `truth` is not a class.
    #[must_use]
    pub fn row(&self, truth: usize) -> &[u64] {
        assert_class(truth, self.n_classes);
        &self.counts[truth * self.n_classes..][..self.n_classes]
    }

    /// The fraction of class `class` that was found: diagonal over row sum; `None` if the class has
    /// no rows.
    ///
    /// # Panics
    /// If `class` is not a class.
    #[must_use]
    pub fn recall(&self, class: usize) -> Option<f64> {
        fraction(self.count(class, class), self.row(class).iter().sum())
    }

    /// The fraction of the predictions of `class` that were right: diagonal over column sum; `None`
    /// if the class was never predicted.
    ///
    /// # Panics
    /// If `class` is not a class.
    #[must_use]
    pub fn precision(&self, class: usize) -> Option<f64> {
        assert_class(class, self.n_classes);
        let column = (0..self.n_classes)
            .map(|truth| self.count(truth, class))
            .sum();
        fraction(self.count(class, class), column)
    }

    /// The diagonal over everything: the same counts as [`accuracy`] of the same labels.
    #[must_use]
    pub fn accuracy(&self) -> Accuracy {
        Accuracy {
            correct: (0..self.n_classes)
                .map(|class| self.count(class, class))
                .sum(),
            total: self.counts.iter().sum(),
        }
    }
}

fn fraction(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn assert_class(class: usize, n_classes: usize) {
    assert!(
        class < n_classes,
        "class {class} must be below {n_classes} classes"
    );
}

fn assert_same_length(predicted: &[u32], truth: &[u32]) {
    assert!(
        predicted.len() == truth.len(),
        "{} predicted labels for {} true ones",
        predicted.len(),
        truth.len()
    );
}
