//! Model files and checkpoints: any bytes are refused or are a model that can be used, and what is saved reads back
//! to the same, byte by byte. The checksum is made to fit, or no input would come past it.

use nearplane_kernels::{Level, MatRef};
use nearplane_models::linear::{LinearModel, Loss, Penalty};
use nearplane_models::model_file::{LinearModelFile, ModelInput, SgdCheckpoint, Training};
use nearplane_models::neighbors::Rows;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::input::Input;

/// What stands in the place of the checksum while it is computed.
const UNSEALED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The fields of both kinds of files, with values that some file may have.
const FIELDS: [(&str, &[&str]); 21] = [
    (
        "format",
        &[
            "nearplane/linear/1",
            "nearplane/sgd-checkpoint/1",
            "nearplane/linear/2",
        ],
    ),
    (
        "input",
        &[
            "matrix",
            "images 1x2x2",
            "images 3x1x1",
            "images 3x65535x65535",
            "images 0x0x0",
            "images 3x32x32",
        ],
    ),
    (
        "features",
        &[
            "raw",
            "hist:space=rgb,bins=2",
            "raw+raw",
            "hog:cell=1,block=1,bins=2",
            "hog:cell=1,block=1,bins=360",
        ],
    ),
    (
        "classes",
        &[
            "[\"a\",\"b\"]",
            "[\"a\",\"b\",\"c\"]",
            "[]",
            "[\"\",\"\\\"\"]",
            "{}",
        ],
    ),
    (
        "loss",
        &["softmax", "svm", "one-vs-all", "ridge", "squared"],
    ),
    ("penalty", &["l2", "l1", "none", "elastic", "l3"]),
    ("beta", &["0.5", "0", "-1", "NaN", "1e400"]),
    ("lambda", &["0.001", "0", "1e-320", "inf", "-0", "+1"]),
    (
        "seed",
        &["0", "18446744073709551615", "18446744073709551616", "+1"],
    ),
    ("split_seed", &["0", "7"]),
    ("rows", &["4", "0", "-1"]),
    ("version", &["0.1.0", ""]),
    ("solver", &["exact", "sgd", "\u{0}"]),
    ("data", &["abc", "\u{fffd}"]),
    ("run", &["x"]),
    ("n_classes", &["2", "3", "0", "4294967295"]),
    ("n_features", &["4", "3", "0", "4294967295"]),
    ("epochs", &["1", "4294967295", "4294967296"]),
    ("averaged_steps", &["0", "9"]),
    ("best_epoch", &["0", "1"]),
    ("best_correct", &["0", "1"]),
];
const TENSORS: [&str; 8] = [
    "weight",
    "bias",
    "average.weight",
    "best.bias",
    "running_mean",
    "first_moment.weight",
    "weights",
    "",
];

/// Any file is refused, or read and written to the same; a good one that is changed anywhere is refused.
pub fn model_file(data: &[u8]) {
    let mut input = Input::new(data);
    match input.below(4) {
        0 => check(input.rest()),
        1 => check(&sealed(input.rest().to_vec())),
        2 => {
            let bytes = assembled(&mut input);
            check(&bytes);
        }
        _ => changed(&mut input),
    }
}

fn check(bytes: &[u8]) {
    match LinearModelFile::from_bytes(bytes) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(file) => {
            let saved = file.to_bytes().expect("a file that was read");
            let again = LinearModelFile::from_bytes(&saved).expect("a file that was saved");
            assert_eq!(again, file);
            assert_eq!(again.to_bytes().expect("a file that was saved"), saved);
            use_model(&file.model);
        }
    }
    match SgdCheckpoint::from_bytes(bytes) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(file) => {
            let saved = file.to_bytes();
            let again = SgdCheckpoint::from_bytes(&saved).expect("a checkpoint that was saved");
            assert_eq!(again, file);
            assert_eq!(again.to_bytes(), saved);
        }
    }
}

/// A model that was read predicts, at every level.
fn use_model(model: &LinearModel) {
    let cols = model.n_features();
    let bytes: Vec<u8> = (0..2 * cols).map(|at| (at * 31) as u8).collect();
    let rows = Rows::from_mat(MatRef::from_rows(&bytes, cols)).expect("rows of one shape");
    for level in Level::available() {
        let labels = model.predict(level, &rows).expect("rows that fit");
        assert!(
            labels
                .iter()
                .all(|&label| (label as usize) < model.n_classes())
        );
        if model.loss() == Loss::Softmax {
            let probabilities = model.probabilities(level, &rows).expect("rows that fit");
            assert_eq!(probabilities.len(), 2 * model.n_classes());
        }
    }
}

/// The bytes with the checksum that they should have, where there is a place for it.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let place = bytes
        .windows(UNSEALED.len())
        .position(|window| window == UNSEALED.as_bytes());
    if let Some(place) = place {
        let seal: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        bytes[place..place + UNSEALED.len()].copy_from_slice(seal.as_bytes());
    }
    bytes
}

/// A file of fields and tensors, good and bad ones.
fn assembled(input: &mut Input<'_>) -> Vec<u8> {
    let mut metadata = serde_json::Map::new();
    metadata.insert("sha256".into(), UNSEALED.into());
    let as_usual = input.byte();
    for (number, (field, values)) in FIELDS.into_iter().enumerate() {
        // Mostly the first value of each field: a file needs nearly all of them at once.
        let value = match if number < 8 && as_usual >> number & 1 == 0 {
            0
        } else {
            input.byte()
        } {
            0xff => continue,
            0xfe => String::from_utf8_lossy(input.string()).into_owned(),
            byte => values[usize::from(byte) % values.len()].to_owned(),
        };
        metadata.insert(field.into(), value.into());
    }
    metadata.insert("notes".into(), "n".into());
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".into(), Value::Object(metadata));
    let mut data = Vec::new();
    let tensors = match input.below(3) {
        0 => vec![("weight", vec![2, 4]), ("bias", vec![2])],
        1 => vec![("bias", vec![3]), ("weight", vec![3, 1 + input.below(5)])],
        _ => (0..input.below(5))
            .map(|_| {
                let shape = (0..input.below(4)).map(|_| input.below(5)).collect();
                (input.pick(&TENSORS), shape)
            })
            .collect(),
    };
    for (name, shape) in tensors {
        let dtype = match input.byte() {
            0..0xf0 => "F32",
            other => ["F64", "U8", "BF16", "F4", "BOOL", "x"][usize::from(other) % 6],
        };
        let n: usize = shape.iter().product();
        let (start, n) = (data.len(), 4 * n);
        let tame = input.is();
        // Halves of numbers that are finite, or any bits.
        data.extend(
            input
                .fill(n)
                .into_iter()
                .enumerate()
                .map(|(at, byte)| match at % 4 {
                    3 if tame => byte & 0xbf,
                    _ => byte,
                }),
        );
        let end = match input.byte() {
            0xff => start + usize::from(input.byte()),
            _ => data.len(),
        };
        header.insert(
            name.into(),
            json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]}),
        );
    }
    let mut text = Value::Object(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text);
    bytes.extend(data);
    sealed(bytes)
}

/// A good file comes back as it was, and no change of a byte passes.
fn changed(input: &mut Input<'_>) {
    let (n_classes, cols) = (2 + input.below(3), 1 + input.below(6));
    let finite = |input: &mut Input<'_>, n: usize| -> Vec<f32> {
        let bytes = input.fill(4 * n);
        let numbers = bytes
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| f32::from_le_bytes(bytes));
        numbers
            .map(|x| if x.is_finite() { x } else { 0.5 })
            .collect()
    };
    let (weight, bias) = (finite(input, n_classes * cols), finite(input, n_classes));
    let name = |input: &mut Input<'_>| String::from_utf8_lossy(input.string()).into_owned();
    let file = LinearModelFile {
        model: LinearModel::new(weight, bias, Loss::Softmax).expect("a model"),
        input: ModelInput::Matrix,
        classes: (0..n_classes).map(|_| name(input)).collect(),
        training: Training {
            penalty: Penalty::Elastic {
                beta: f64::from(input.byte()),
            },
            lambda: f64::from(input.word()) / 1e12,
            solver: name(input),
            data: name(input),
            ..Training::default()
        },
    };
    let bytes = file.to_bytes().expect("a good model");
    assert_eq!(LinearModelFile::from_bytes(&bytes).as_ref(), Ok(&file));
    assert_eq!(sealed_again(&bytes), bytes);
    use_model(&file.model);
    let mut other = bytes;
    let at = input.word() as usize % other.len();
    other[at] ^= 1 + (input.byte() % 255);
    assert!(
        LinearModelFile::from_bytes(&other).is_err(),
        "byte {at} changed"
    );
    other.truncate(at);
    assert!(LinearModelFile::from_bytes(&other).is_err(), "cut at {at}");
}

/// The checksum computed anew, as the documentation has it.
fn sealed_again(bytes: &[u8]) -> Vec<u8> {
    let key = b"\"sha256\":\"";
    let place = bytes
        .windows(key.len())
        .position(|window| window == key)
        .expect("a checksum")
        + key.len();
    let mut open = bytes.to_vec();
    open[place..place + UNSEALED.len()].copy_from_slice(UNSEALED.as_bytes());
    sealed(open)
}
