//! Tests of whole folders, with what they share: small folders, and opening them in both ways. They are
//! in the crate and not beside it because only `map.rs` may map a file.

mod open;
mod refused;
mod truncated;
mod write;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::map::testing::map;
use crate::{Dataset, Error, LabelKind, OpenOptions, SplitName};

/// A CIFAR-10 record whose pixels are all `pixel`.
fn record(label: u8, pixel: u8) -> Vec<u8> {
    [vec![label], vec![pixel; 3072]].concat()
}

/// CIFAR-10 records with these labels; pixels count up from record to record.
fn records(labels: &[u8]) -> Vec<u8> {
    let records = (0_u8..).zip(labels);
    records.flat_map(|(i, &label)| record(label, i)).collect()
}

/// CIFAR-100 records with these coarse and fine labels.
fn records_100(labels: &[(u8, u8)]) -> Vec<u8> {
    let records = (0_u8..).zip(labels);
    records
        .flat_map(|(i, &(coarse, fine))| [vec![coarse, fine], vec![i; 3072]].concat())
        .collect()
}

/// A temporary folder with these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).expect("writing a test file");
    }
    dir
}

/// Two batches of three and one images, two test images.
fn small_folder() -> TempDir {
    folder(&[
        ("data_batch_1.bin", &records(&[0, 1, 2])),
        ("data_batch_2.bin", &records(&[2])),
        ("test_batch.bin", &records(&[1, 0])),
        ("batches.meta.txt", b"ant\nbee\ncat\n\n"),
    ])
}

/// Opens a folder both ways; they have to agree.
fn open(dir: &Path, labels: LabelKind) -> Dataset {
    let options = OpenOptions { labels };
    let mapped = map(dir, &options).expect("the folder can be mapped");
    let read = Dataset::read(dir, &options).expect("the folder can be read");
    assert_eq!(mapped.class_names(), read.class_names());
    assert_eq!(mapped.notes(), read.notes());
    for split in [SplitName::Train, SplitName::Test] {
        assert!(
            mapped
                .split(split)
                .records()
                .eq(read.split(split).records())
        );
    }
    read.verify_unchanged().expect("a copy cannot change");
    mapped
        .verify_unchanged()
        .expect("nobody wrote to the folder");
    mapped
}

/// Opens a folder both ways, which has to fail with one message that starts with the path of `file` and
/// holds all `parts`; returns the error.
fn refused(dir: &Path, file: &str, parts: &[&str]) -> Error {
    let options = OpenOptions::default();
    let error = map(dir, &options).expect_err("mapping has to fail");
    let message = error.to_string();
    let read = Dataset::read(dir, &options).expect_err("reading has to fail");
    assert_eq!(message, read.to_string());
    let path = dir.join(file);
    let path = path.to_str().expect("temporary paths are UTF-8");
    let text = message
        .strip_prefix(path.trim_end_matches(['/', std::path::MAIN_SEPARATOR]))
        .and_then(|text| text.strip_prefix(": "))
        .unwrap_or_else(|| panic!("{message:?} does not start with {path:?}"));
    assert!(!text.contains('\n') && !text.ends_with('.'), "{message}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {message:?}");
    }
    error
}
