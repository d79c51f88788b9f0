//! Images of ten classes for the tests of solvers, drawn the same every time.

use nearplane_kernels::{Level, MatRef};
use nearplane_models::linear::{
    Affine, LinearConfig, LinearData, LinearParams, Loss, Penalty, SgdParams, SgdTrainer,
};
use nearplane_models::neighbors::Rows;

pub(crate) const D: usize = 150;
pub(crate) const K: usize = 10;

/// Images of ten classes, each a bright stretch at its own place, and noise.
pub(crate) fn images(n: usize) -> (Vec<u8>, Vec<u32>) {
    let mut state = 1u64;
    let mut bytes = Vec::with_capacity(n * D);
    let mut labels = Vec::with_capacity(n);
    for i in 0..n {
        let label = i * 7 % K;
        labels.push(label as u32);
        for j in 0..D {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let noise = (state >> 33) % 150;
            let bright = if j * K / D == label { 60 } else { 0 };
            bytes.push((noise + bright) as u8);
        }
    }
    (bytes, labels)
}

pub(crate) fn rows(bytes: &[u8]) -> Rows<'_, u8> {
    Rows::from_mat(MatRef::from_rows(bytes, D)).unwrap()
}

pub(crate) fn data<'a>(bytes: &'a [u8], labels: &'a [u32]) -> LinearData<'a, u8> {
    let rows = rows(bytes);
    let affine = Affine::centered(Level::SCALAR, &rows, 1.0 / 255.0).unwrap();
    let data = LinearData::new(rows, labels, K).unwrap();
    data.with_affine(affine).unwrap()
}

pub(crate) fn softmax() -> LinearConfig {
    let params = LinearParams::new(Loss::Softmax, Penalty::L2, 1e-2);
    params.check().unwrap()
}

/// A run that is judged on other rows.
pub(crate) fn trainer<'d, 'a>(
    params: SgdParams,
    objective: &LinearConfig,
    data: &'d LinearData<'a, u8>,
    validation: &(&'a [u8], &'a [u32]),
) -> SgdTrainer<'d, 'a, u8> {
    let trainer = SgdTrainer::new(objective, &params.check().unwrap(), data);
    trainer
        .with_validation(rows(validation.0), validation.1)
        .unwrap()
}
