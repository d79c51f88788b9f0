//! The confusion matrix, and what is read off it class by class.

use super::{Accuracy, assert_same_length};

/// Means over classes, of [`ConfusionMatrix::macro_averages`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Averages {
    /// Mean precision, in 0..=1.
    pub precision: f64,
    /// Mean recall, in 0..=1.
    pub recall: f64,
    /// Mean F1, in 0..=1: the mean of the F1 of the classes, not the F1 of the means.
    pub f1: f64,
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
/// What is read off it, for class k with `TP = count(k, k)`:
///
/// | name | formula | where the denominator is 0 |
/// |---|---|---|
/// | support | rows of class k | |
/// | recall | TP / support | the class has no rows |
/// | precision | TP / predictions of k | k was never predicted |
/// | F1 | 2 TP / (support + predictions of k) | neither |
///
/// A fraction whose denominator is 0 is `None`, not a number that looks measured; [`Averages`] count it as 0. F1 is
/// the harmonic mean of the two above it where both are positive, and 0 where the class has rows or predictions but
/// none of them meet.
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

    /// How many rows are of class `class`.
    ///
    /// # Panics
    /// If `class` is not a class.
    #[must_use]
    pub fn support(&self, class: usize) -> u64 {
        self.row(class).iter().sum()
    }

    /// How many rows were predicted as class `class`.
    ///
    /// # Panics
    /// If `class` is not a class.
    #[must_use]
    pub fn n_predicted(&self, class: usize) -> u64 {
        assert_class(class, self.n_classes);
        let column = self.counts.iter().skip(class).step_by(self.n_classes);
        column.sum()
    }

    /// The fraction of class `class` that was found: diagonal over row sum; `None` if the class has
    /// no rows.
    ///
    /// # Panics
    /// If `class` is not a class.
    #[must_use]
    pub fn recall(&self, class: usize) -> Option<f64> {
        fraction(self.count(class, class), self.support(class))
    }

    /// The fraction of the predictions of `class` that were right: diagonal over column sum; `None`
    /// if the class was never predicted.
    ///
    /// # Panics
    /// If `class` is not a class.
    #[must_use]
    pub fn precision(&self, class: usize) -> Option<f64> {
        fraction(self.count(class, class), self.n_predicted(class))
    }

    /// `2 TP / (2 TP + FP + FN)`: twice the diagonal over row sum and column sum together; `None` if the class has
    /// no rows and was never predicted.
    ///
    /// ```
    /// use nearplane_models::metrics::ConfusionMatrix;
    ///
    /// let matrix = ConfusionMatrix::new(&[0, 1, 1, 1], &[0, 0, 1, 1], 3);
    /// assert_eq!(matrix.f1(1), Some(0.8)); // precision 2/3, recall 1
    /// assert_eq!(matrix.f1(2), None);
    /// ```
    ///
    /// # Panics
    /// If `class` is not a class.
    #[must_use]
    pub fn f1(&self, class: usize) -> Option<f64> {
        let both = self.support(class) + self.n_predicted(class);
        fraction(2 * self.count(class, class), both)
    }

    /// Precision, recall and F1, each as the plain mean over the classes that have rows or predictions: small
    /// classes count as much as large ones, and `None` counts as 0. `None` if nothing was evaluated.
    ///
    /// These are scikit-learn's `average="macro"` with `zero_division=0` and its default labels, those that occur.
    ///
    /// ```
    /// use nearplane_models::metrics::ConfusionMatrix;
    ///
    /// let matrix = ConfusionMatrix::new(&[0, 1, 1, 1], &[0, 0, 1, 1], 3);
    /// let mean = matrix.macro_averages().unwrap();
    /// assert_eq!(mean.recall, 0.75); // of 1/2 and 1: class 2 does not occur
    /// ```
    #[must_use]
    pub fn macro_averages(&self) -> Option<Averages> {
        let occurring = (0..self.n_classes)
            .filter(|&class| self.support(class) + self.n_predicted(class) > 0)
            .collect::<Vec<_>>();
        let mean = |of_class: &dyn Fn(usize) -> Option<f64>| {
            let sum: f64 = occurring.iter().filter_map(|&class| of_class(class)).sum();
            sum / occurring.len() as f64
        };
        (!occurring.is_empty()).then(|| Averages {
            precision: mean(&|class| self.precision(class)),
            recall: mean(&|class| self.recall(class)),
            f1: mean(&|class| self.f1(class)),
        })
    }

    /// The diagonal over everything: the same counts as
    /// [`accuracy`](super::accuracy) of the same labels.
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
