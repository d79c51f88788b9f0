//! Opening folders that are not quite right: each way to be refused, with what the message has to say.

use std::fs;

use super::{folder, open, record, records, records_100, refused, small_folder};
use crate::{Error, LabelKind};

#[test]
fn cifar_100_checks_both_labels() {
    let check = |labels, what: &str, found: &str, limit: &str, offset: &str| {
        let dir = folder(&[
            ("train.bin", &records_100(&[(0, 0), labels])),
            ("test.bin", &records_100(&[(0, 0)])),
        ]);
        let what = format!("found {what} {found}");
        let parts = ["record 1 ", &what, limit, offset];
        refused(dir.path(), "train.bin", &parts);
        fs::remove_file(dir.path().join("test.bin")).expect("removing the test images");
        refused(
            dir.path(),
            "test.bin",
            &["missing", "training images are there"],
        );
    };
    check(
        (20, 0),
        "coarse label",
        "20",
        "below 20",
        "byte offset 3074:",
    );
    check(
        (19, 100),
        "fine label",
        "100",
        "below 100",
        "byte offset 3075:",
    );
    let dir = folder(&[
        ("train.bin", &records_100(&[(19, 99)])),
        ("test.bin", &records_100(&[(0, 0)])),
    ]);
    assert_eq!(open(dir.path(), LabelKind::Coarse).class_names().len(), 20);

    let names = b"insect\nmammal\n";
    fs::write(dir.path().join("coarse_label_names.txt"), names).expect("writing names");
    let parts = ["record 0 ", "found coarse label 19", "below 2;"];
    refused(dir.path(), "train.bin", &parts);
    fs::remove_file(dir.path().join("train.bin")).expect("removing the training images");
    refused(dir.path(), "train.bin", &["missing", "test.bin is there"]);
}

#[test]
fn no_such_folder() {
    let dir = small_folder();
    let error = refused(&dir.path().join("nowhere"), "", &["no such folder"]);
    assert!(matches!(error, Error::NoFolder { .. }));
}

#[test]
fn a_file_where_a_folder_should_be() {
    let dir = small_folder();
    let file = dir.path().join("test_batch.bin");
    let error = refused(&file, "", &["expected a folder, found a file"]);
    assert!(matches!(error, Error::NotAFolder { path } if path == file));
}

#[test]
fn a_folder_without_data_gets_a_hint() {
    let dir = folder(&[("notes.txt", b"")]);
    let nothing = "found neither data_batch_1.bin (CIFAR-10) nor train.bin (CIFAR-100)";
    let error = refused(
        dir.path(),
        "",
        &[nothing, "the folder that holds the .bin files"],
    );
    assert!(matches!(error, Error::NoData { .. }));
    fs::write(dir.path().join("data_batch_1"), "pickled").expect("writing a file");
    refused(dir.path(), "", &[nothing, "Python", "binary version"]);
    let inner = dir.path().join("cifar-10-batches-bin");
    fs::create_dir(&inner).expect("creating a folder");
    let hint = format!("try {}", inner.display());
    refused(dir.path(), "", &[nothing, &hint]);
}

#[test]
fn both_formats_in_one_folder() {
    let dir = small_folder();
    // One stray file of the other format is harmless, as nothing else could be meant.
    fs::write(dir.path().join("train.bin"), "stray").expect("writing a file");
    open(dir.path(), LabelKind::Fine);
    fs::write(dir.path().join("test.bin"), "stray").expect("writing a file");
    let error = refused(
        dir.path(),
        "",
        &["both CIFAR-10", "CIFAR-100", "expected one"],
    );
    assert!(matches!(error, Error::TwoFormats { .. }));
}

#[test]
fn missing_batches() {
    let check = |files: &[&str], missing: &str, because: &str| {
        let dir = folder(&[]);
        for file in files {
            fs::write(dir.path().join(file), record(0, 0)).expect("writing a batch");
        }
        let error = refused(dir.path(), missing, &["missing", because]);
        assert!(matches!(error, Error::MissingFile { .. }), "{error:?}");
    };
    let (one, two, three) = ("data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin");
    check(
        &[one, three, "test_batch.bin"],
        two,
        "data_batch_3.bin is there",
    );
    check(&[two, "test_batch.bin"], one, "data_batch_2.bin is there");
    check(&["test_batch.bin"], one, "test_batch.bin is there");
    check(&[one, two], "test_batch.bin", "training images are there");
}

#[test]
fn a_folder_where_a_file_should_be() {
    for file in ["data_batch_2.bin", "test_batch.bin", "batches.meta.txt"] {
        let dir = small_folder();
        let path = dir.path().join(file);
        fs::remove_file(&path).expect("removing a file");
        fs::create_dir(&path).expect("creating a folder");
        let error = refused(dir.path(), file, &["expected a file, found a folder"]);
        assert!(matches!(error, Error::NotAFile { .. }));
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere() {
    let dir = small_folder();
    let link = dir.path().join("data_batch_3.bin");
    std::os::unix::fs::symlink("nowhere", link).expect("creating a link");
    let error = refused(
        dir.path(),
        "data_batch_3.bin",
        &["cannot look at the file: "],
    );
    assert!(matches!(error, Error::Io { .. }));
}

#[test]
fn lengths_have_to_be_whole_records() {
    let check = |file: &str, len: usize, offset: &str, nearest: &str| {
        let dir = small_folder();
        fs::write(dir.path().join(file), vec![0; len]).expect("writing a file");
        let found = format!("found {len} bytes");
        let parts = [&found, "a multiple of 3073", offset, nearest];
        let error = refused(dir.path(), file, &parts);
        assert!(matches!(error, Error::Length { found, .. } if found == len as u64));
    };
    let last = "data_batch_2.bin";
    check(last, 2 * 3073 - 1, "byte offset 3073 ", "3073 and 6146");
    check(last, 2 * 3073 + 1, "byte offset 6146 ", "6146 and 9219");
    check("test_batch.bin", 1, "byte offset 0 ", "0 and 3073");
    // The length of a real batch in the other format.
    check(
        "test_batch.bin",
        10 * 3074,
        "byte offset 30730 ",
        "30730 and 33803",
    );
}

#[test]
fn empty_files() {
    for file in ["data_batch_1.bin", "test_batch.bin"] {
        let dir = small_folder();
        fs::write(dir.path().join(file), "").expect("writing a file");
        let error = refused(dir.path(), file, &["empty", "one record of 3073 bytes"]);
        assert!(matches!(
            error,
            Error::Empty {
                record_len: 3073,
                ..
            }
        ));
    }
}

#[test]
fn labels_have_to_name_a_class() {
    let dir = small_folder();
    let parts = [
        "record 2 (counted from 0)",
        "byte offset 6146",
        "found label 3",
        "below 3;",
    ];
    for file in ["data_batch_2.bin", "test_batch.bin"] {
        let dir = small_folder();
        fs::write(dir.path().join(file), records(&[0, 2, 3, 4])).expect("writing a file");
        let error = refused(dir.path(), file, &parts);
        let expected = matches!(
            error,
            Error::Label {
                record: 2,
                offset: 6146,
                found: 3,
                limit: 3,
                ..
            }
        );
        assert!(expected, "{error:?}");
    }
    // Too few names look the same, and the message says so.
    fs::write(dir.path().join("batches.meta.txt"), "ant\nbee").expect("writing names");
    refused(
        dir.path(),
        "data_batch_1.bin",
        &["below 2;", "the class names beside it are too few"],
    );
}

#[test]
fn names_have_to_be_usable() {
    let check = |names: &[u8], parts: &[&str]| {
        let dir = small_folder();
        fs::write(dir.path().join("batches.meta.txt"), names).expect("writing names");
        refused(dir.path(), "batches.meta.txt", parts)
    };
    let error = check(
        b"ant\nb\xffe\n",
        &["offset 5 is not UTF-8", "one class name a line"],
    );
    assert!(matches!(error, Error::Names { .. }));
    check(b"\n \n", &["found no class name"]);
    check(b"", &["found no class name"]);
    check(&b"x".repeat((1 << 20) + 1), &["more than 1048576 bytes"]);
    let error = check(
        &b"x\n".repeat(257),
        &["found 257 class names", "at most 256"],
    );
    assert!(matches!(
        error,
        Error::TooManyNames {
            found: 257,
            limit: 256,
            ..
        }
    ));
    let dir = small_folder();
    fs::write(dir.path().join("batches.meta.txt"), "x\n".repeat(256)).expect("writing names");
    assert_eq!(open(dir.path(), LabelKind::Fine).class_names().len(), 256);
}
