//! Writing folders: what comes back, what is refused, what is left behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{folder, record, records, records_100};
use crate::map::testing::map;
use crate::write::{BATCH_RECORDS, Contents, LOOKS_FILE, write_folder};
use crate::{Dataset, Error, Format, LabelKind, OpenOptions};
use proptest::prelude::*;

fn contents(pixel: u8) -> Contents {
    Contents {
        train: [record(0, pixel), record(1, pixel)].concat(),
        test: record(1, pixel),
        class_names: vec!["ant".into(), "bee".into()],
        ..Contents::default()
    }
}

fn read(dir: &Path) -> Dataset {
    Dataset::read(dir, &OpenOptions::default()).expect("a folder that can be opened")
}

fn list(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).expect("listing a folder");
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

const FILES: [&str; 3] = ["batches.meta.txt", "data_batch_1.bin", "test_batch.bin"];

/// A parent folder with the folder `out` in it, which holds these files.
fn parent_of_out(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let parent = folder(&[]);
    let out = parent.path().join("out");
    fs::create_dir(&out).expect("creating a folder");
    for (name, text) in files {
        fs::write(out.join(name), text).expect("writing a file");
    }
    (parent, out)
}

/// Writing has to fail with a message that holds `parts`, and to leave everything as it was.
fn refused(out: &Path, contents: &Contents, overwrite: bool, parts: &[&str]) -> Error {
    let parent = out.parent().expect("a parent").to_owned();
    let look = |dir: &Path| dir.is_dir().then(|| list(dir));
    let before = (look(&parent), look(out));
    let error = write_folder(out, contents, overwrite).expect_err("writing has to fail");
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    assert!(
        !message.contains('\n') && !message.ends_with('.'),
        "{message}"
    );
    assert_eq!((look(&parent), look(out)), before, "{message}");
    error
}

#[test]
fn a_new_folder_with_its_parents() {
    let parent = folder(&[]);
    let out = parent.path().join("a/b/out");
    let written = write_folder(&out, &contents(7), false).expect("writing");
    let expected = ["data_batch_1.bin", "test_batch.bin", "batches.meta.txt"].map(|f| out.join(f));
    assert_eq!(written, expected);
    assert_eq!(list(&out), names(&FILES));
    assert_eq!(list(&parent.path().join("a/b")), names(&["out"]));
    assert_eq!(
        fs::read(out.join("data_batch_1.bin")).expect("reading"),
        contents(7).train
    );
    assert_eq!(
        fs::read(out.join("batches.meta.txt")).expect("reading"),
        b"ant\nbee\n"
    );
    assert_eq!(read(&out).train().labels(), [0, 1]);
}

#[test]
fn an_empty_folder_is_filled() {
    for overwrite in [false, true] {
        let (parent, out) = parent_of_out(&[]);
        write_folder(&out, &contents(7), overwrite).expect("writing");
        assert_eq!(list(&out), names(&FILES));
        assert_eq!(list(parent.path()), names(&["out"]));
    }
}

#[test]
fn batches_hold_ten_thousand_records() {
    let parent = folder(&[]);
    let out = parent.path().join("out");
    let mut train = record(0, 1).repeat(BATCH_RECORDS);
    train.extend(record(1, 2));
    let large = Contents {
        train,
        ..contents(7)
    };
    let written = write_folder(&out, &large, false).expect("writing");
    let len = |i: usize| fs::metadata(&written[i]).expect("a file").len();
    assert_eq!((len(0), len(1), len(2)), (30_730_000, 3073, 3073));
    let data = map(&out, &OpenOptions::default()).expect("mapping");
    assert_eq!(data.train().len(), 10_001);
    assert_eq!(
        (data.train().label(9_999), data.train().label(10_000)),
        (0, 1)
    );
    assert_eq!(data.train().image(10_000), [2; 3072]);
}

#[test]
fn cifar_100_comes_back() {
    let parent = folder(&[]);
    let out = parent.path().join("out");
    let both = Contents {
        format: Format::Cifar100,
        train: records_100(&[(1, 0), (0, 2)]),
        test: records_100(&[(1, 1)]),
        class_names: ["ant", "bee", "cat"].map(String::from).to_vec(),
        coarse_names: ["insect", "mammal"].map(String::from).to_vec(),
    };
    write_folder(&out, &both, false).expect("writing");
    let expected = [
        "coarse_label_names.txt",
        "fine_label_names.txt",
        "test.bin",
        "train.bin",
    ];
    assert_eq!(list(&out), names(&expected));
    let coarse = OpenOptions {
        labels: LabelKind::Coarse,
    };
    let data = map(&out, &coarse).expect("mapping");
    assert_eq!(data.train().labels(), [1, 0]);
    assert_eq!(data.class_names(), both.coarse_names);
    assert_eq!(data.names_of(LabelKind::Fine), both.class_names);
    assert!(data.train().records().eq([&both.train]));

    // The other format takes its place, and none of these files stays.
    write_folder(&out, &contents(3), true).expect("overwriting");
    assert_eq!(list(&out), names(&FILES));
}

#[test]
fn what_exists_is_refused_unless_asked_for() {
    let parent = folder(&[]);
    let out = parent.path().join("out");
    write_folder(&out, &contents(7), false).expect("writing");
    let error = refused(
        &out,
        &contents(8),
        false,
        &["out: exists already", "not empty"],
    );
    assert!(matches!(error, Error::Exists { .. }));
    assert_eq!(read(&out).train().image(0), [7; 3072]);

    write_folder(&out, &contents(8), true).expect("overwriting");
    assert_eq!(read(&out).train().image(0), [8; 3072]);
    assert_eq!(list(parent.path()), names(&["out"]));
    assert_eq!(list(&out), names(&FILES));
}

#[test]
fn files_of_others_are_never_lost() {
    for foreign in [
        "thesis.txt",
        "data_batch_x.bin",
        "data_batch_1.bin.bak",
        "readme.html",
    ] {
        let (_parent, out) = parent_of_out(&[("test_batch.bin", "old"), (foreign, "mine")]);
        let error = refused(&out, &contents(7), true, &["out: holds", foreign]);
        assert!(matches!(&error, Error::ForeignFile { file, .. } if file == foreign));
        assert_eq!(fs::read(out.join(foreign)).expect("reading"), b"mine");
        assert_eq!(
            fs::read(out.join("test_batch.bin")).expect("reading"),
            b"old"
        );
    }
    // A folder is not a file of a data set, whatever its name.
    let (_parent, out) = parent_of_out(&[]);
    fs::create_dir(out.join("test_batch.bin")).expect("creating a folder");
    refused(&out, &contents(7), true, &["holds \"test_batch.bin\""]);
}

#[test]
fn the_log_of_looks_stays() {
    let looks = "time,accuracy\nmonday,0.4\n";
    let (_parent, out) = parent_of_out(&[("train.bin", "old"), (LOOKS_FILE, looks)]);
    refused(&out, &contents(7), false, &["exists already"]);
    write_folder(&out, &contents(7), true).expect("overwriting");
    assert_eq!(
        fs::read_to_string(out.join(LOOKS_FILE)).expect("reading"),
        looks
    );
    assert_eq!(list(&out).len(), FILES.len() + 1);
}

#[cfg(unix)]
#[test]
fn a_look_logged_meanwhile_is_not_lost() {
    use std::io::Write;
    let (_parent, out) = parent_of_out(&[("test_batch.bin", "old"), (LOOKS_FILE, "one\n")]);
    let mut options = fs::OpenOptions::new();
    let log = options.append(true).open(out.join(LOOKS_FILE));
    let mut log = log.expect("opening the log before the folder is replaced");
    write_folder(&out, &contents(7), true).expect("overwriting");
    log.write_all(b"two\n").expect("logging afterwards");
    let looks = fs::read_to_string(out.join(LOOKS_FILE)).expect("reading");
    assert_eq!(looks, "one\ntwo\n");
}

#[cfg(unix)]
#[test]
fn a_link_keeps_pointing_at_the_replaced_folder() {
    let (parent, out) = parent_of_out(&[("test_batch.bin", "old")]);
    let link = parent.path().join("link");
    std::os::unix::fs::symlink("out", &link).expect("creating a link");
    write_folder(&link, &contents(7), true).expect("overwriting");
    assert_eq!(list(parent.path()), names(&["link", "out"]));
    assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
    assert_eq!(list(&out), names(&FILES));
}

#[test]
fn places_where_nothing_can_be_written() {
    let dir = folder(&[("file", b"precious")]);
    let file = dir.path().join("file");
    let error = refused(
        &file,
        &contents(7),
        true,
        &["file: expected a folder, found a file"],
    );
    assert!(matches!(error, Error::NotAFolder { .. }));
    // Below a file nobody can write, not even root.
    let error = refused(
        &file.join("out"),
        &contents(7),
        false,
        &["file/out: cannot "],
    );
    assert!(matches!(error, Error::Io { .. }));
    assert_eq!(fs::read(&file).expect("reading"), b"precious");
    let error = write_folder(Path::new("nowhere/.."), &contents(7), false).expect_err("no name");
    assert!(
        error
            .to_string()
            .starts_with("nowhere/..: cannot put a data set here"),
        "{error}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_parent_where_no_folder_can_be_made() {
    let out = Path::new("/proc/self/out");
    let error = write_folder(out, &contents(7), false).expect_err("nobody makes folders in /proc");
    let expected = "/proc/self: cannot create a temporary folder here: ";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn contents_have_to_be_a_data_set() {
    let parent = folder(&[]);
    let out = parent.path().join("out");
    let check = |change: &dyn Fn(&mut Contents), parts: &[&str]| {
        let mut contents = contents(7);
        change(&mut contents);
        refused(&out, &contents, false, parts)
    };
    check(&|c| c.train.clear(), &["memory: train: empty"]);
    check(&|c| c.test.clear(), &["memory: test: empty"]);
    check(
        &|c| c.train.push(0),
        &["memory: train: found 6147 bytes", "byte offset 6146"],
    );
    check(
        &|c| c.test = records(&[1, 2]),
        &["memory: test: record 1", "found label 2", "below 2"],
    );
    check(
        &|c| c.class_names = vec!["x".into(); 257],
        &["found 257 class names", "at most 256"],
    );
    for name in [
        "",
        " ",
        "two\nlines",
        "two\rlines",
        " blank",
        "blank\t",
        "\u{feff}mark",
    ] {
        let parts = ["class name 1 (counted from 0)", "one line of text"];
        let error = check(&|c| c.class_names[1] = name.into(), &parts);
        assert!(matches!(error, Error::ClassName { index: 1, .. }));
    }
    let coarse = |c: &mut Contents| {
        c.format = Format::Cifar100;
        (c.train, c.test) = (records_100(&[(0, 0), (5, 1)]), records_100(&[(0, 0)]));
        c.coarse_names = vec!["insect".into()];
    };
    check(
        &coarse,
        &["memory: train: record 1", "found coarse label 5", "below 1"],
    );
    assert!(!out.exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What is written comes back, mapped and read, byte for byte.
    #[test]
    fn write_then_open(
        format in prop_oneof![Just(Format::Cifar10), Just(Format::Cifar100)],
        train in prop::collection::vec((0..20_u8, 0..100_u8, any::<u8>()), 1..6),
        test in prop::collection::vec((0..20_u8, 0..100_u8, any::<u8>()), 1..4),
        named in any::<bool>(),
        word in "[^\\s\u{feff}\u{0}-\u{1f}]{1,9}( [a-z]{1,9})?",
    ) {
        let records = |images: &[(u8, u8, u8)]| {
            let mut bytes = Vec::new();
            for &(coarse, fine, seed) in images {
                let labels = [coarse, fine];
                bytes.extend(&labels[2 - format.label_len()..]);
                bytes.extend((0..3072_u32).map(|i| ((i * 31) >> 3) as u8 ^ seed));
            }
            bytes
        };
        let list = |n: usize| (0..n * usize::from(named)).map(|i| format!("{word}{i}")).collect();
        let contents = Contents {
            format,
            train: records(&train),
            test: records(&test),
            class_names: list(100),
            coarse_names: if format == Format::Cifar100 { list(20) } else { Vec::new() },
        };
        let parent = folder(&[]);
        let out = parent.path().join("out");
        write_folder(&out, &contents, false).expect("writing");
        for labels in [LabelKind::Fine, LabelKind::Coarse] {
            let options = OpenOptions { labels };
            let mapped = map(&out, &options).expect("mapping");
            let read = Dataset::read(&out, &options).expect("reading");
            for data in [&mapped, &read] {
                prop_assert_eq!(data.format(), format);
                prop_assert_eq!(data.train().records().flatten().copied().collect::<Vec<u8>>(), &contents.train[..]);
                prop_assert_eq!(data.test().records().flatten().copied().collect::<Vec<u8>>(), &contents.test[..]);
                let expected: Vec<u8> = train
                    .iter()
                    .map(|&(coarse, fine, _)| match (format, labels) {
                        (Format::Cifar100, LabelKind::Coarse) => coarse,
                        _ => fine,
                    })
                    .collect();
                prop_assert_eq!(data.train().labels(), expected);
                for (i, &(_, _, seed)) in train.iter().enumerate() {
                    prop_assert_eq!(data.train().image(i)[9], 34 ^ seed);
                    prop_assert_eq!(data.train().image(i).len(), 3072);
                }
                if named {
                    prop_assert_eq!(data.names_of(LabelKind::Fine), &contents.class_names[..]);
                    if format == Format::Cifar100 {
                        prop_assert_eq!(data.names_of(LabelKind::Coarse), &contents.coarse_names[..]);
                    }
                }
                prop_assert!(data.train().labels().iter().all(|&l| usize::from(l) < data.class_names().len()));
                data.verify_unchanged().expect("nobody wrote to the folder");
            }
        }
    }
}
