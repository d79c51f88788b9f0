//! What a user reads when something is wrong: plain words, the place, the option that helps; no text of a library alone.

mod common;

use common::Room;
use nearplane_models::features::BlockSpec;
use nearplane_models::linear::Loss;

/// The one line of a failure with this exit code.
fn line(room: &Room, code: i32, arguments: &str) -> String {
    room.fails(code, arguments, &[]);
    let output = room.nearplane(arguments).output().unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    for raw in [
        "invalid digit",
        "invalid float",
        "fill whole buffer",
        ".nearplane-",
        ".tmp",
    ] {
        assert!(!line.contains(raw), "{arguments}: {raw:?} in {line}");
    }
    line
}

#[track_caller]
fn check(room: &Room, code: i32, arguments: &str, parts: &[&str]) {
    let line = line(room, code, arguments);
    for part in parts {
        assert!(line.contains(part), "{arguments}: no {part:?} in {line}");
    }
}

#[test]
fn numbers_that_are_none() {
    let room = Room::with_data();
    let whole = "expected a whole number";
    check(&room, 2, "knn --threads x", &["--threads", "'x'", whole]);
    check(&room, 2, "knn --seed 1.5", &["--seed", whole]);
    check(&room, 2, "knn --limit many", &["--limit", whole]);
    check(
        &room,
        2,
        "knn --seed 99999999999999999999",
        &["--seed", "too large"],
    );
    check(
        &room,
        2,
        "data import a --out b --test-ratio half",
        &["--test-ratio", "expected a number such as 0.2"],
    );
}

#[test]
fn the_help_of_the_command_is_pointed_at() {
    let room = Room::with_data();
    for (arguments, parts) in [
        (
            "knn data",
            ["data set is named with --data DIR", "knn --help'"],
        ),
        ("knn --data data -k 3", ["write --k", "knn --help'"]),
        ("knn --k 0", ["at least 1", "knn --help'"]),
        ("data inspect data", ["--data DIR", "data inspect --help'"]),
        (
            "data synth --out s --occlusion 2",
            ["0 to 1", "data synth --help'"],
        ),
        ("--seed x knn", ["whole number", "knn --help'"]),
        ("konn", ["'knn'", "nearplane --help'"]),
    ] {
        check(&room, 2, arguments, &parts);
    }
    // Only where there is such an option.
    let line = line(&room, 2, "data import photos more --out out");
    assert!(!line.contains("--data DIR"), "{line}");
}

#[test]
fn outputs_that_cannot_be_written() {
    let room = Room::with_data();
    let missing = "there is no such file or folder";
    check(
        &room,
        1,
        "knn --data data --predictions no/p.csv",
        &["cannot write no/p.csv", missing],
    );
    check(
        &room,
        1,
        "data inspect --data data --picture no/a.png",
        &["cannot write no/a.png", missing],
    );
    room.write("file", "");
    check(
        &room,
        1,
        "data synth --out file",
        &["file is a file", "name of a folder"],
    );
    check(
        &room,
        1,
        "data synth --out file/deeper",
        &["file/deeper", "a file is where a folder is expected"],
    );
}

#[test]
fn a_picture_is_a_png() {
    let room = Room::with_data();
    for name in ["a.jpg", "a"] {
        check(
            &room,
            2,
            &format!("data inspect --data data --picture {name}"),
            &["--picture", name, "PNG", ".png"],
        );
    }
    room.ok("data inspect --data data --picture A.PNG");
}

#[test]
fn the_option_that_helps_is_named() {
    let room = Room::with_data();
    // One row of each class, of which none can be set aside.
    check(
        &room,
        1,
        "knn --data data --limit 4",
        &["larger --limit", "--on test"],
    );
}

#[test]
fn a_limit_above_the_rows_is_noted_and_not_recorded() {
    let room = Room::with_data();
    for command in ["knn --k 1", "data inspect"] {
        let (_, stderr) = room.ok(&format!("{command} --data data --limit 1000"));
        assert!(
            stderr.contains("--limit 1000 leaves out nothing"),
            "{stderr}"
        );
        let record = room.json(&format!("{command} --data data --limit 1000"));
        assert!(record["limit"].is_null(), "{record}");
        let record = room.json(&format!("{command} --data data --limit 60"));
        assert_eq!(record["limit"], 60);
    }
    let (_, stderr) = room.ok("knn --k 1 --data data --limit 80");
    assert!(!stderr.contains("--limit"), "{stderr}");
}

#[test]
fn classes_of_other_names_are_not_measured_against_cifar_10() {
    let room = Room::new();
    room.ok("data synth --out data --n-train 100 --n-test 10");
    let (_, stderr) = room.ok("data inspect --data data");
    assert_eq!(stderr, "");
    std::fs::remove_file(room.path("data/batches.meta.txt")).unwrap();
    let (_, stderr) = room.ok("data inspect --data data");
    assert!(stderr.contains("ten classes as in CIFAR-10"), "{stderr}");
}

#[test]
fn one_is_not_many() {
    let room = Room::new();
    let (stdout, _) = room.ok("data synth --out data --n-train 20 --n-test 1");
    assert!(stdout.contains("and 1 test image of"), "{stdout}");
    let (stdout, _) = room.ok("knn --data data --on test --k 1 --threads 1");
    assert!(
        stdout.contains(" 1 test image against 20 training images"),
        "{stdout}"
    );
    assert!(stdout.contains("1 thread\n"), "{stdout}");
}

#[test]
fn the_help_says_what_an_index_is() {
    let (help, _) = Room::new().ok("knn --help");
    let flat = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("index is the row in the whole training set"),
        "{help}"
    );
}

/// A header of 128 bytes and data of zeros.
fn zeros(descr: &str, shape: &str, bytes: usize) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{text:<117}\n").bytes());
    file.resize(128 + bytes, 0);
    file
}

/// Each kind of array that people take for labels has a way out of its own.
#[test]
fn labels_of_other_kinds_are_refused_with_what_to_do() {
    let room = Room::new();
    room.write("x.npy", zeros("<f4", "(4, 2)", 32));
    room.write("int.npy", zeros("<i8", "(4,)", 32));
    for (name, array, advice) in [
        ("text", zeros("<U3", "(4,)", 48), "np.unique"),
        ("float", zeros("<f8", "(4,)", 32), "labels.astype('int64')"),
        (
            "column",
            zeros("<f4", "(4, 1)", 16),
            "labels.astype('int64')",
        ),
        ("onehot", zeros("<f4", "(4, 2)", 32), "argmax(axis=1)"),
        (
            "few",
            zeros("<i8", "(3,)", 24),
            "3 labels, but x.npy has 4 rows; give one",
        ),
    ] {
        let file = format!("{name}.npy");
        room.write(&file, array);
        room.fails(
            1,
            &format!("knn --x x.npy --y {file} --k 1"),
            &[&file, advice],
        );
    }
    // Swapped.
    let parts = [
        "int.npy",
        "(4,)",
        "int64",
        "as of labels; expected a matrix",
    ];
    room.fails(1, "knn --x int.npy --y x.npy --k 1", &parts);
}

/// A loss or a block of features that was added is named wherever a user looks for it.
#[test]
fn every_loss_and_block_is_named_in_help_and_readmes() {
    let room = Room::new();
    let losses = Loss::ALL.map(Loss::name);
    for command in ["train", "cv linear", "tune"] {
        let (help, _) = room.ok(&format!("{command} --help"));
        for name in losses {
            assert!(help.contains(name), "{command} --help: no {name}");
        }
    }
    let of_program = include_str!("../README.md");
    let of_models = include_str!("../../models/README.md");
    for name in losses.iter().chain(&BlockSpec::NAMES) {
        let quoted = format!("`{name}");
        assert!(
            of_models.contains(&quoted),
            "README of the models: no {name}"
        );
        let named = |mark: char| of_program.contains(&format!("{mark}{name}"));
        assert!(
            named('|') || named('`') || named(' '),
            "README of the program: no {name}"
        );
    }
}
