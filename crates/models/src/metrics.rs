//! What a prediction is worth: accuracy with its interval, the confusion matrix and what is read off it.
//!
//! Everything here counts labels. How they were predicted does not matter, so nearest neighbours,
//! linear models and a file of somebody else's predictions are judged by the same numbers.

mod confusion;
mod interval;
mod paired;

pub use confusion::{Averages, ConfusionMatrix};
pub use interval::mean_interval_95;
pub use paired::PairedOutcomes;

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

/// The mean of values and their standard deviation, of the population: divided by their number, as NumPy's `std`.
/// Not numbers if there are no values.
///
/// ```
/// use nearplane_models::metrics::mean_and_std;
///
/// assert_eq!(mean_and_std(&[1.0, 2.0, 3.0, 6.0]), (3.0, 3.5f64.sqrt()));
/// ```
#[must_use]
pub fn mean_and_std(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (mean, (squares.sum::<f64>() / n).sqrt())
}

fn assert_same_length(predicted: &[u32], truth: &[u32]) {
    assert!(
        predicted.len() == truth.len(),
        "{} predicted labels for {} true ones",
        predicted.len(),
        truth.len()
    );
}
