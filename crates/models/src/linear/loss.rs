//! The losses of one row of scores (LECTURE 6.2, 6.3), computed in f64, and their gradients.

use super::LinearError;
use std::fmt;
use std::str::FromStr;

/// What a row of scores `s` (one a class) costs when `y` is the right class.
///
/// | name | L(s, y) | smooth |
/// |---|---|---|
/// | `svm` | `sum_{j != y} max(0, s_j - s_y + 1)` | |
/// | `svm-squared` | `sum_{j != y} max(0, s_j - s_y + 1)^2` | yes |
/// | `one-vs-all` | `max(0, 1 - s_y) + sum_{j != y} max(0, 1 + s_j)` | |
/// | `crammer-singer` | `max(0, 1 + max_{j != y} s_j - s_y)` | |
/// | `softmax` | `-log(exp(s_y) / sum_j exp(s_j))` | yes |
/// | `ridge` | `(s_y - 1)^2 + sum_{j != y} s_j^2` | yes |
///
/// ```
/// use nearplane_models::linear::Loss;
/// let scores = [3.2, 5.1, -1.7];
/// assert!((Loss::Svm.value(&scores, 0) - 2.9).abs() < 1e-12);
/// assert!((Loss::Softmax.value(&scores, 0) - 2.04).abs() < 1e-2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// Multiclass SVM of Weston and Watkins, the lecture's: a hinge of margin 1 for each wrong class.
    Svm,
    /// The same with every hinge squared.
    SvmSquared,
    /// A two-class hinge for each class against all others.
    OneVsAll,
    /// A hinge for the strongest wrong class only (Crammer and Singer 2001).
    CrammerSinger,
    /// Cross-entropy of the softmax, natural logarithm.
    Softmax,
    /// The squared distance of the scores from 1 for the right class and 0 for the others: least squares on
    /// one-hot targets, which [`RidgeParams`](super::RidgeParams) fit in closed form with an L2 penalty.
    Ridge,
}

/// A number that scores and coefficients can be: `f32` or `f64`.
pub trait Score: sealed::Score {}

impl Score for f32 {}
impl Score for f64 {}

mod sealed {
    /// To f64 and back; the losses are computed there.
    pub trait Score: Copy + Into<f64> {
        fn from_f64(value: f64) -> Self;
    }

    impl Score for f32 {
        fn from_f64(value: f64) -> Self {
            value as f32
        }
    }

    impl Score for f64 {
        fn from_f64(value: f64) -> Self {
            value
        }
    }
}

impl Loss {
    /// The names of all losses.
    pub const NAMES: [&'static str; 6] = [
        "svm",
        "svm-squared",
        "one-vs-all",
        "crammer-singer",
        "softmax",
        "ridge",
    ];

    /// Every loss, in the order of [`Loss::NAMES`].
    pub const ALL: [Self; Self::NAMES.len()] = [
        Self::Svm,
        Self::SvmSquared,
        Self::OneVsAll,
        Self::CrammerSinger,
        Self::Softmax,
        Self::Ridge,
    ];

    /// Its name, one of [`Loss::NAMES`].
    #[must_use]
    pub fn name(self) -> &'static str {
        let [svm, squared, one_vs_all, crammer_singer, softmax, ridge] = Self::NAMES;
        match self {
            Self::Svm => svm,
            Self::SvmSquared => squared,
            Self::OneVsAll => one_vs_all,
            Self::CrammerSinger => crammer_singer,
            Self::Softmax => softmax,
            Self::Ridge => ridge,
        }
    }

    /// `L(s, y)`.
    ///
    /// # Panics
    /// If `label` is not a class.
    #[must_use]
    pub fn value<S: Score>(self, scores: &[S], label: usize) -> f64 {
        check_label(scores.len(), label);
        let at_label: f64 = scores[label].into();
        let all = || {
            let all = scores.iter().enumerate();
            all.map(|(j, &score)| (j, score.into()))
        };
        let others = || all().filter(|(j, _)| *j != label).map(|(_, s)| s);
        match self {
            Self::Svm => others().map(|s| (s - at_label + 1.0).max(0.0)).sum(),
            Self::SvmSquared => others()
                .map(|s| (s - at_label + 1.0).max(0.0).powi(2))
                .sum(),
            Self::OneVsAll => all()
                .map(|(j, s)| (1.0 + if j == label { -s } else { s }).max(0.0))
                .sum(),
            Self::CrammerSinger => {
                let strongest = others().fold(f64::NEG_INFINITY, f64::max);
                (1.0 + strongest - at_label).max(0.0)
            }
            Self::Softmax => {
                let largest = others().fold(at_label, f64::max);
                // One of the largest is the 1 of `1 + beside`, so that a small rest keeps its digits.
                let first = all().position(|(_, s)| s == largest);
                let beside = all().filter(|(j, _)| Some(*j) != first);
                let beside: f64 = beside.map(|(_, s)| (s - largest).exp()).sum();
                (largest - at_label) + beside.ln_1p()
            }
            Self::Ridge => all()
                .map(|(j, s)| (s - f64::from(u8::from(j == label))).powi(2))
                .sum(),
        }
    }

    /// `L(s, y)`, with its gradient `dL/ds` written to `coefficients`, one a class. Where the loss has a
    /// kink the gradient is a subgradient: a hinge at exactly 0 counts as 0, and of equally strong wrong
    /// classes `crammer-singer` takes the lowest label.
    ///
    /// # Panics
    /// If `label` is not a class, or `coefficients` is not as long as `scores`.
    pub fn gradient<S: Score, C: Score>(
        self,
        scores: &[S],
        label: usize,
        coefficients: &mut [C],
    ) -> f64 {
        assert!(
            scores.len() == coefficients.len(),
            "{} coefficients for {} scores",
            coefficients.len(),
            scores.len()
        );
        // Enough for most sets of classes without an allocation.
        let mut few = [0.0; 16];
        let mut many = Vec::new();
        let row = if scores.len() <= few.len() {
            &mut few[..scores.len()]
        } else {
            many.resize(scores.len(), 0.0);
            &mut many[..]
        };
        for (to, &from) in row.iter_mut().zip(scores) {
            *to = from.into();
        }
        let value = self.gradient_in_place(row, label);
        for (to, &from) in coefficients.iter_mut().zip(row.iter()) {
            *to = C::from_f64(from);
        }
        value
    }

    /// `L(s, y)`, with the scores replaced by the gradient `dL/ds`; as [`Loss::gradient`].
    ///
    /// # Panics
    /// If `label` is not a class.
    pub fn gradient_in_place(self, scores: &mut [f64], label: usize) -> f64 {
        check_label(scores.len(), label);
        let at_label = scores[label];
        let mut value = 0.0;
        match self {
            Self::Svm => {
                let mut active = 0.0;
                for (j, s) in scores.iter_mut().enumerate() {
                    let margin = *s - at_label + 1.0;
                    let counts = margin > 0.0 && j != label;
                    value += if counts { margin } else { 0.0 };
                    *s = f64::from(u8::from(counts));
                    active += *s;
                }
                scores[label] = -active;
            }
            Self::SvmSquared => {
                let mut active = 0.0;
                for (j, s) in scores.iter_mut().enumerate() {
                    let margin = (*s - at_label + 1.0).max(0.0);
                    let margin = if j == label { 0.0 } else { margin };
                    value += margin * margin;
                    *s = 2.0 * margin;
                    active += *s;
                }
                scores[label] = -active;
            }
            Self::OneVsAll => {
                for (j, s) in scores.iter_mut().enumerate() {
                    let sign = if j == label { -1.0 } else { 1.0 };
                    let margin = 1.0 + sign * *s;
                    value += margin.max(0.0);
                    *s = if margin > 0.0 { sign } else { 0.0 };
                }
            }
            Self::CrammerSinger => {
                let mut strongest: Option<usize> = None;
                for j in (0..scores.len()).filter(|&j| j != label) {
                    if strongest.is_none_or(|best| scores[j] > scores[best]) {
                        strongest = Some(j);
                    }
                }
                let margin = strongest.map_or(0.0, |j| 1.0 + scores[j] - at_label);
                scores.fill(0.0);
                if let Some(j) = strongest.filter(|_| margin > 0.0) {
                    value = margin;
                    scores[j] = 1.0;
                    scores[label] = -1.0;
                }
            }
            Self::Softmax => {
                let largest = scores.iter().copied().fold(at_label, f64::max);
                let first = scores.iter().position(|s| *s == largest);
                let (mut sum, mut wrong, mut beside) = (0.0, 0.0, 0.0);
                for (j, s) in scores.iter_mut().enumerate() {
                    *s = (*s - largest).exp();
                    sum += *s;
                    // One of the largest is the 1 of `1 + beside`, so that a small rest keeps its digits.
                    beside += if Some(j) == first { 0.0 } else { *s };
                    wrong += if j == label { 0.0 } else { *s };
                }
                value = (largest - at_label) + f64::ln_1p(beside);
                let inverse = 1.0 / sum;
                for s in scores.iter_mut() {
                    *s *= inverse;
                }
                // Not P - 1, which loses the digits of a small probability of error.
                scores[label] = -wrong * inverse;
            }
            Self::Ridge => {
                for (j, s) in scores.iter_mut().enumerate() {
                    let beside = *s - f64::from(u8::from(j == label));
                    value += beside * beside;
                    *s = 2.0 * beside;
                }
            }
        }
        value
    }

    /// The smallest known `M` with `|grad L(s) - grad L(t)| <= M |s - t|` (Euclidean norms), or `None`
    /// where the gradient jumps: 1/2 for `softmax`, `2 n_classes` for `svm-squared`, 2 for `ridge`.
    #[must_use]
    pub fn smoothness(self, n_classes: usize) -> Option<f64> {
        match self {
            Self::Softmax => Some(0.5),
            Self::SvmSquared => Some(2.0 * n_classes as f64),
            Self::Ridge => Some(2.0),
            Self::Svm | Self::OneVsAll | Self::CrammerSinger => None,
        }
    }
}

/// Class probabilities `P(k) = exp(s_k) / sum_j exp(s_j)` (LECTURE 6.3); no score is too large.
///
/// ```
/// let p = nearplane_models::linear::softmax(&[3.2, 5.1, -1.7]);
/// assert_eq!(p.iter().map(|p| format!("{p:.4}")).collect::<Vec<_>>(), ["0.1300", "0.8690", "0.0010"]);
/// ```
#[must_use]
pub fn softmax<S: Score>(scores: &[S]) -> Vec<f64> {
    let scores: Vec<f64> = scores.iter().map(|&score| score.into()).collect();
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

fn check_label(n_classes: usize, label: usize) {
    assert!(
        label < n_classes,
        "label {label} of a row of {n_classes} scores"
    );
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Loss {
    type Err = LinearError;

    fn from_str(name: &str) -> Result<Self, LinearError> {
        let found = Self::ALL.into_iter().find(|loss| loss.name() == name);
        found.ok_or_else(|| LinearError::UnknownLoss(name.to_owned()))
    }
}
