//! Model files made with the library, and ways to damage them.

#![allow(dead_code)]

use nearplane_kernels::{Level, MatRef};
use nearplane_models::features::{FeatureSpec, ImageShape};
use nearplane_models::linear::{LinearModel, Loss, Penalty};
use nearplane_models::model_file::{LinearModelFile, ModelInput, Training};
use nearplane_models::neighbors::Rows;
use sha2::{Digest as _, Sha256};

use crate::common::tiny;

/// A model of the tiny data set: a score for each class, largest where the mean of a row is near the grey of the
/// class, so that some are right.
pub(crate) fn of_bytes(loss: Loss) -> LinearModelFile {
    let n_features = 3072;
    let (mut weight, mut bias) = (Vec::new(), Vec::new());
    for class in 0..4 {
        let grey = 104.0 + 12.0 * class as f32;
        // A little more for some pixels, so that rows are not told apart by their means alone.
        weight.extend((0..n_features).map(|i| {
            let bump = if i % (class + 2) == 0 { 1.01 } else { 1.0 };
            bump * 2e-3 * grey / n_features as f32
        }));
        bias.push(-1e-3 * grey * grey);
    }
    file(LinearModel::new(weight, bias, loss).unwrap(), images("raw"))
}

/// A model of features, its weights from a generator.
pub(crate) fn of_features(spec: &str) -> LinearModelFile {
    let extractor = spec
        .parse::<FeatureSpec>()
        .unwrap()
        .check(ImageShape::CIFAR)
        .unwrap();
    let mut state = 7_u32;
    let weight = (0..4 * extractor.n_features())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as f32 / 65_536.0 - 0.5
        })
        .collect();
    let model = LinearModel::new(weight, vec![0.0; 4], Loss::SvmSquared).unwrap();
    file(model, images(spec))
}

/// The same numbers as [`of_bytes`], of whatever has 3072 columns.
pub(crate) fn of_matrix() -> LinearModelFile {
    LinearModelFile {
        input: ModelInput::Matrix,
        ..of_bytes(Loss::Svm)
    }
}

fn images(spec: &str) -> ModelInput {
    ModelInput::Images {
        shape: ImageShape::CIFAR,
        features: spec.parse().unwrap(),
    }
}

fn file(model: LinearModel, input: ModelInput) -> LinearModelFile {
    LinearModelFile {
        model,
        input,
        classes: tiny().class_names,
        training: Training {
            penalty: Penalty::L2,
            lambda: 1e-3,
            solver: "exact".to_owned(),
            split_seed: 3,
            rows: 80,
            data: "0123".to_owned(),
            ..Training::default()
        },
    }
}

/// Scores of rows of pixels in f64, one row after the other, straight from the definition.
pub(crate) fn scores(model: &LinearModel, pixels: &[u8]) -> Vec<f64> {
    let n_features = model.n_features();
    let mut scores = Vec::new();
    for row in pixels.chunks(n_features) {
        for class in 0..model.n_classes() {
            let products = model.template(class).iter().zip(row);
            let sum: f64 = products.map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
            scores.push(sum + f64::from(model.bias()[class]));
        }
    }
    scores
}

/// The first of the largest.
pub(crate) fn largest(scores: &[f64]) -> usize {
    (0..scores.len()).fold(0, |best, k| if scores[k] > scores[best] { k } else { best })
}

/// What the library says of the features of images.
pub(crate) fn labels_of_features(file: &LinearModelFile, pixels: &[u8]) -> Vec<u32> {
    let ModelInput::Images { shape, features } = &file.input else {
        panic!("a model of images");
    };
    let extractor = features.check(*shape).unwrap();
    let images = Rows::from_mat(MatRef::from_rows(pixels, shape.len())).unwrap();
    let mut values = vec![0.0; images.len() * extractor.n_features()];
    let level = Level::detect();
    extractor
        .extract_rows(level, &images, &mut values, &())
        .unwrap();
    let rows = Rows::from_mat(MatRef::from_rows(&values, extractor.n_features())).unwrap();
    file.model.predict(level, &rows).unwrap()
}

/// Labels and pixels of records.
pub(crate) fn split(records: &[u8]) -> (Vec<u32>, Vec<u8>) {
    let labels = records.chunks(3073).map(|record| u32::from(record[0]));
    let pixels = records.chunks(3073).flat_map(|record| record[1..].to_vec());
    (labels.collect(), pixels.collect())
}

/// A model file with another text in its header, under a checksum that is right.
pub(crate) fn edited(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    assert!(header.contains(from), "{header}");
    let key = "\"sha256\":\"";
    let mut header = header.replacen(from, to, 1);
    let seal = header.find(key).expect("a checksum") + key.len();
    header.replace_range(seal..seal + 64, &"0".repeat(64));
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let mut edited = (header.len() as u64).to_le_bytes().to_vec();
    edited.extend(header.as_bytes());
    edited.extend(&bytes[8 + length..]);
    let digest = Sha256::digest(&edited);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    edited[8 + seal..8 + seal + 64].copy_from_slice(digest.as_bytes());
    edited
}
