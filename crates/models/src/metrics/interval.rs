//! How far the mean over folds may be from what another choice of folds and rows would give.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// The 95 % interval for the mean of the accuracies of folds, by Student's t: `(low, high)`; `None` of fewer than two.
///
/// With J values of mean m and variance `S^2 = sum (x - m)^2 / (J - 1)`, and t the 97.5 % quantile of Student's
/// distribution of J - 1 degrees of freedom, the ends are `m -+ t sqrt((1/J + overlap) S^2)`.
///
/// `overlap` 0 is the textbook's interval of independent values. Folds are none: their models share most of the rows
/// that fitted them, and nothing that is computed of their accuracies estimates the variance of the mean without bias
/// (Bengio and Grandvalet). The usual remedy is `overlap` = rows that judge / rows that fit, which is 1/(k - 1) for k
/// folds, also where they are repeated; it errs on the side of a wide interval. Nothing keeps the ends inside 0..=1.
///
/// Sources: C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52 (2003), 239-281;
/// Y. Bengio, Y. Grandvalet, "No unbiased estimator of the variance of k-fold cross-validation", Journal of Machine
/// Learning Research 5 (2004), 1089-1105.
///
/// # Panics
/// If `overlap` is negative.
///
/// ```
/// use nearplane_models::metrics::mean_interval_95;
///
/// let folds = [0.38, 0.40, 0.39, 0.41, 0.37];
/// let (low, high) = mean_interval_95(&folds, 0.0).unwrap();
/// assert_eq!(format!("{low:.4} {high:.4}"), "0.3704 0.4096");
/// let (low, high) = mean_interval_95(&folds, 1.0 / 4.0).unwrap();
/// assert_eq!(format!("{low:.4} {high:.4}"), "0.3606 0.4194");
/// ```
#[must_use]
pub fn mean_interval_95(values: &[f64], overlap: f64) -> Option<(f64, f64)> {
    assert!(
        overlap >= 0.0,
        "the overlap is {overlap}, expected 0 or more"
    );
    let n = values.len() as f64;
    let freedom = n - 1.0;
    // No degree of freedom, no distribution.
    let t = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(0.975);
    let (mean, std) = super::mean_and_std(values);
    let half_width = t * ((1.0 / n + overlap) * n / freedom).sqrt() * std;
    Some((mean - half_width, mean + half_width))
}
