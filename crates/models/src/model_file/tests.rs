//! Bytes that are a model, and all the ways in which they are none.

use super::*;
use crate::linear::{LinearError, SgdState};

fn matrix() -> LinearModelFile {
    LinearModelFile {
        model: LinearModel::new(
            vec![1.0, -2.5, 1e-30, 3.0, 0.1, f32::MAX],
            vec![0.5, -0.0, 7.0],
            Loss::Svm,
        )
        .unwrap(),
        input: ModelInput::Matrix,
        classes: ["cat \"1\"", "dög", "a\\b\n"].map(str::to_owned).to_vec(),
        training: Training {
            penalty: Penalty::Elastic { beta: 0.1 },
            lambda: 1e-300,
            solver: "sgd".to_owned(),
            seed: u64::MAX,
            split_seed: 3,
            data: "abc".to_owned(),
            rows: 50_000,
            ..Training::default()
        },
    }
}

fn images() -> LinearModelFile {
    let shape = ImageShape {
        channels: 1,
        height: 2,
        width: 2,
    };
    let input = ModelInput::Images {
        shape,
        features: "raw".parse().unwrap(),
    };
    let model = LinearModel::new(vec![0.25; 8], vec![0.0; 2], Loss::Softmax).unwrap();
    LinearModelFile {
        model,
        input,
        classes: vec!["a".to_owned(), "b".to_owned()],
        training: Training::default(),
    }
}

/// The metadata and tensors of [`matrix`], for changes under a checksum that is right.
type Parts = (
    Vec<(&'static str, String)>,
    Vec<(&'static str, Vec<usize>, Vec<f32>)>,
);

fn parts() -> Parts {
    let text = |text: &str| text.to_owned();
    let metadata = vec![
        ("format", text("nearplane/linear/1")),
        ("version", text("0.1.0")),
        ("input", text("matrix")),
        ("features", text("raw")),
        ("classes", text("[\"a\",\"b\"]")),
        ("loss", text("softmax")),
        ("penalty", text("l2")),
        ("lambda", text("0.001")),
        ("solver", text("exact")),
        ("seed", text("0")),
        ("split_seed", text("0")),
        ("data", text("abc")),
        ("rows", text("4")),
    ];
    let tensors = vec![
        ("weight", vec![2, 3], vec![0.5; 6]),
        ("bias", vec![2], vec![0.0, 1.0]),
    ];
    (metadata, tensors)
}

fn read((metadata, tensors): &Parts) -> Result<LinearModelFile, ModelFileError> {
    let tensors = tensors.iter();
    let tensors: Vec<_> = tensors
        .map(|(name, shape, numbers)| (*name, shape.clone(), numbers.as_slice()))
        .collect();
    LinearModelFile::from_bytes(&tensors::to_bytes(metadata, &tensors))
}

fn with(field: &str, value: &str) -> Parts {
    let mut parts = parts();
    for (key, text) in &mut parts.0 {
        if *key == field {
            *text = value.to_owned();
        }
    }
    parts
}

#[test]
fn what_is_written_is_read_again() {
    for file in [matrix(), images()] {
        let bytes = file.to_bytes().unwrap();
        assert_eq!(LinearModelFile::from_bytes(&bytes).unwrap(), file);
        assert_eq!(file.to_bytes().unwrap(), bytes);
    }
    assert!(read(&parts()).is_ok());
}

#[test]
fn every_flipped_bit_is_found() {
    let bytes = images().to_bytes().unwrap();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << bit;
            let read = LinearModelFile::from_bytes(&flipped);
            assert!(read.is_err(), "bit {bit} of byte {place}");
        }
    }
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(
        LinearModelFile::from_bytes(&flipped),
        Err(ModelFileError::Checksum)
    );
}

#[test]
fn every_other_length_is_found() {
    let bytes = images().to_bytes().unwrap();
    let expected = bytes.len() as u64;
    for len in 0..bytes.len() {
        let error = LinearModelFile::from_bytes(&bytes[..len]).unwrap_err();
        let ModelFileError::Length { found, .. } = error else {
            panic!("{len}: {error}");
        };
        assert_eq!(found, len as u64);
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(
        LinearModelFile::from_bytes(&longer),
        Err(ModelFileError::Length {
            found: expected + 1,
            expected
        })
    );
}

#[test]
fn other_files_are_refused() {
    for bytes in [
        &b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'}"[..],
        b"\x08\0\0\0\0\0\0\0{\"a\":1}}",
        b"\x09\0\0\0\0\0\0\0{\"a\":[1]}",
    ] {
        let error = LinearModelFile::from_bytes(bytes).unwrap_err();
        assert!(
            matches!(error, ModelFileError::NotSafetensors(_)),
            "{error}"
        );
    }
    for found in ["nearplane/linear/2", "nearplane/features/1", ""] {
        assert_eq!(
            read(&with("format", found)),
            Err(ModelFileError::Format {
                found: found.to_owned(),
                expected: "nearplane/linear/1"
            })
        );
    }
}

#[test]
fn metadata_that_say_nothing_are_refused() {
    for (field, value) in [
        ("lambda", "-1"),
        ("lambda", "NaN"),
        ("lambda", ""),
        ("seed", "-1"),
        ("split_seed", "x"),
        ("rows", "1.5"),
        ("classes", "cat, dog"),
        ("input", "images 3x32"),
        ("input", "sound"),
    ] {
        let error = read(&with(field, value)).unwrap_err();
        let ModelFileError::Field { field: named, .. } = &error else {
            panic!("{field} {value}: {error}");
        };
        assert_eq!(*named, field);
    }
    for (field, value) in [("loss", "hinge"), ("penalty", "l3")] {
        let error = read(&with(field, value)).unwrap_err();
        assert!(matches!(error, ModelFileError::Numbers(_)), "{error}");
    }
    assert_eq!(
        read(&with("penalty", "elastic")),
        Err(ModelFileError::MissingField("beta"))
    );
    for at in 0..parts().0.len() {
        let mut parts = parts();
        let (field, _) = parts.0.remove(at);
        match read(&parts) {
            Ok(_) => assert_eq!(field, "features"),
            Err(ModelFileError::Format { .. }) => assert_eq!(field, "format"),
            Err(error) => assert_eq!(error, ModelFileError::MissingField(field)),
        }
    }
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    for at in 0..2 {
        let mut parts = parts();
        let (name, ..) = parts.1.remove(at);
        assert_eq!(read(&parts), Err(ModelFileError::MissingTensor(name)));
    }
    for (at, shape) in [(0, vec![3, 2]), (0, vec![6]), (1, vec![1, 2])] {
        let mut parts = parts();
        parts.1[at].1.clone_from(&shape);
        let error = read(&parts).unwrap_err();
        let ModelFileError::Tensor { shape: found, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(*found, shape);
    }
    for (at, bad) in [(0, f32::NAN), (1, f32::INFINITY)] {
        let mut parts = parts();
        parts.1[at].2[1] = bad;
        assert!(matches!(
            read(&parts),
            Err(ModelFileError::Numbers(LinearError::NonFiniteTensor {
                position: 1,
                ..
            }))
        ));
    }
    assert_eq!(
        read(&with("classes", "[\"a\"]")),
        Err(ModelFileError::ClassNames {
            found: 1,
            expected: 2
        })
    );
}

#[test]
fn weights_of_other_features_are_refused() {
    assert_eq!(
        read(&with("input", "images 1x2x2")),
        Err(ModelFileError::Features {
            features: "raw".to_owned(),
            found: 3,
            expected: 4
        })
    );
    let mut file = images();
    file.input = ModelInput::Images {
        shape: ImageShape::CIFAR,
        features: "hog".parse().unwrap(),
    };
    assert!(matches!(
        file.to_bytes(),
        Err(ModelFileError::Features { found: 4, .. })
    ));
    file = images();
    file.training.lambda = f64::NAN;
    assert!(matches!(
        file.to_bytes(),
        Err(ModelFileError::Field {
            field: "lambda",
            ..
        })
    ));
}

#[test]
fn a_shape_that_is_claimed_costs_no_memory() {
    let mut parts = with("input", "images 3x65535x65535");
    for (features, expected) in [
        ("hog:cell=1,block=1", 65_535 * 65_535 * 18),
        ("hog:cell=1,block=32767,bins=360", usize::MAX),
    ] {
        let place = parts.0.iter_mut().find(|(field, _)| *field == "features");
        place.unwrap().1 = features.to_owned();
        let error = read(&parts).unwrap_err();
        let ModelFileError::Features {
            expected: found, ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(found, expected);
    }
    for spec in [
        "raw",
        "hist",
        "hog",
        "hog:mode=uoctti",
        "raw+hog:mode=skimage,stride=16+hist:grid=3",
    ] {
        let spec: FeatureSpec = spec.parse().unwrap();
        let extractor = spec.check(ImageShape::CIFAR).unwrap();
        assert_eq!(
            spec.n_features(ImageShape::CIFAR),
            Ok(extractor.n_features())
        );
    }
}

#[test]
fn a_checkpoint_is_no_model_and_its_flipped_bits_are_found() {
    let tensors = [
        ("weight".to_owned(), vec![0.5; 4]),
        ("bias".to_owned(), vec![1.0, 2.0]),
    ];
    let progress = crate::linear::SgdProgress {
        epochs: 3,
        ..Default::default()
    };
    let state = SgdState::from_tensors("run".to_owned(), 2, 2, progress, tensors).unwrap();
    let checkpoint = SgdCheckpoint {
        state,
        notes: "{\"a\":\"\\n\"}".to_owned(),
    };
    let bytes = checkpoint.to_bytes();
    assert_eq!(SgdCheckpoint::from_bytes(&bytes).unwrap(), checkpoint);
    assert!(matches!(
        LinearModelFile::from_bytes(&bytes),
        Err(ModelFileError::Format { .. })
    ));
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        assert!(SgdCheckpoint::from_bytes(&flipped).is_err(), "byte {place}");
        assert!(SgdCheckpoint::from_bytes(&bytes[..place]).is_err());
    }
}
