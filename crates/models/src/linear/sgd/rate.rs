//! A learning rate from the data, for those who give none.

use super::{Optimizer, SgdParams};
use crate::linear::{LinearConfig, LinearData, Loss};
use crate::neighbors::Element;

/// Rows looked at, evenly spread.
const SAMPLE: usize = 4096;

/// Adam's steps have the length of the rate, whatever the gradient.
const ADAM_RATE: f64 = 1e-3;

/// `c / (1 + mean z.z)`, which has the right unit whatever the scale of the features: the gradient of a
/// smooth loss changes by at most `M (1 + z.z)` of a row times the change of weights and bias. Momentum
/// of 0.9 is stable below 3.8 over that, and `c M` is below it for all smooth losses; hinges have no M,
/// and their c are those that serve on images, where a step of all K hinges is K times that of one.
pub(super) fn from_data<T: Element>(
    objective: &LinearConfig,
    params: &SgdParams,
    data: &LinearData<'_, T>,
) -> f64 {
    if matches!(params.optimizer, Optimizer::Adam { .. }) {
        return ADAM_RATE;
    }
    let columns = data.affine().center().iter().zip(data.affine().scale());
    let mean_square = if params.running_statistics.is_some() {
        // Columns of variance 1.
        columns.filter(|(_, scale)| **scale != 0.0).count() as f64
    } else {
        let stride = data.n_rows().div_ceil(SAMPLE);
        let sample = (0..data.n_rows()).step_by(stride);
        let n = sample.len() as f64;
        let square = |row: usize| -> f64 {
            let z = data.rows().row(row).iter().zip(columns.clone());
            z.map(|(x, (center, scale))| ((f64::from(x.number()) - center) * scale).powi(2))
                .sum()
        };
        sample.map(square).sum::<f64>() / n
    };
    let n_classes = data.n_classes() as f64;
    let c = match objective.loss() {
        Loss::Softmax => 4.0,
        Loss::SvmSquared => 1.5 / n_classes,
        Loss::Ridge => 1.5,
        Loss::Svm => 5.0 / n_classes,
        Loss::OneVsAll | Loss::CrammerSinger => 0.5,
    };
    c / (1.0 + mean_square)
}
