//! `nearplane knn --x ...` and `data export` through the binary. The arrays of `numpy/golden` were
//! written by NumPy itself (`numpy/golden.py`).

mod common;

use std::path::Path;

use common::{N_TEST, N_TRAIN, Room, csv_rows, tiny};
use nearplane_cifar::Format;
use nearplane_cifar::write::{Contents, write_folder};
use serde_json::{Value, json};

/// A file that NumPy wrote.
fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/numpy/golden/{name}.npy"));
    assert!(path.is_file(), "{}", path.display());
    path.to_str().expect("UTF-8").to_owned()
}

/// The arguments for these golden files.
fn knn(x: &str, y: &str, e: &str, el: &str) -> String {
    let [x, y, e, el] = [x, y, e, el].map(golden);
    format!("knn --x {x} --y {y} --x-eval {e} --y-eval {el} --k 1,3,8")
}

fn export(room: &Room) -> String {
    room.ok("data export --data data --out arrays --quiet");
    "--x arrays/x_train.npy --y arrays/y_train.npy".to_owned()
}

const EVAL: &str = "--x-eval arrays/x_test.npy --y-eval arrays/y_test.npy";

#[test]
fn every_type_and_layout_that_numpy_writes() {
    let room = Room::new();
    for metric in ["l1", "l2"] {
        let run = |x: &str, y: &str, e: &str| {
            room.json(&format!("{} --metric {metric}", knn(x, y, e, "el")))
        };
        let reference = run("x_u1", "y_u1", "e_u8");
        assert_eq!(
            (
                &reference["n_train"],
                &reference["n_eval"],
                &reference["on"]
            ),
            (&json!(8), &json!(3), &json!("eval"))
        );
        for x in ["x_version2", "x_version3", "x_three_axes"] {
            let record = run(x, "y_u1", "e_u8");
            for field in ["answer", "neighbors_answer", "results"] {
                assert_eq!(record[field], reference[field], "{metric} {x} {field}");
            }
            assert_eq!(record["data"]["hash"], reference["data"]["hash"]);
        }
        let mut hashes = Vec::new();
        for x in ["x_little_f4", "x_big_f4", "x_little_f8", "x_big_f8"] {
            let record = run(x, "y_u1", "e_f4");
            for field in ["answer", "results"] {
                assert_eq!(record[field], reference[field], "{metric} {x} {field}");
            }
            assert_eq!(record["data"]["dtype"], "float32");
            hashes.push(record["data"]["hash"].clone());
        }
        assert!(
            hashes
                .iter()
                .all(|hash| *hash == hashes[0] && *hash != reference["data"]["hash"])
        );
        for y in [
            "little_u2",
            "big_u2",
            "little_u4",
            "big_u4",
            "little_u8",
            "big_u8",
            "i1",
            "little_i2",
            "big_i2",
            "little_i4",
            "big_i4",
            "little_i8",
            "big_i8",
            "column",
        ] {
            let record = run("x_u1", &format!("y_{y}"), "e_u8");
            for field in ["answer", "neighbors_answer", "results", "data"] {
                if field == "data" {
                    assert_eq!(record["data"]["hash"], reference["data"]["hash"], "{y}");
                } else {
                    assert_eq!(record[field], reference[field], "{metric} {y} {field}");
                }
            }
        }
    }
}

#[test]
fn bools_are_labels_and_large_labels_cost_nothing() {
    let room = Room::new();
    let labels = |y: &str| {
        room.ok(&format!(
            "{} --predictions p.csv --force",
            knn("x_u1", y, "e_u8", "el")
        ));
        let (_, rows) = csv_rows(&room.path("p.csv"));
        rows.into_iter()
            .map(|row| row[2].parse().unwrap())
            .collect::<Vec<u64>>()
    };
    let plain = labels("y_u1");
    let expected: Vec<u64> = plain.iter().map(|&label| u64::from(label > 0)).collect();
    assert_eq!(labels("y_bool"), expected);
    // Up to 4,000,000,005: memory for that many classes would be gigabytes.
    let expected: Vec<u64> = plain
        .iter()
        .map(|&label| label * 2_000_000_000 + 5)
        .collect();
    assert_eq!(labels("y_large"), expected);
    // Four bytes a label then, as documented.
    let record = room.json(&format!(
        "{} --k 1",
        knn("x_u1", "y_large", "e_u8", "el").replace("--k 1,3,8", "")
    ));
    let bytes = expected
        .iter()
        .flat_map(|&label| (label as u32).to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    assert_eq!(record["answer"], format!("{hash:016x}"));
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let room = Room::new();
    for (x, expected) in [
        ("float16", "'<f2' (float16)"),
        ("int64", "'<i8' (int64)"),
        ("complex64", "'<c8' (complex64)"),
        ("objects", "never unpickled"),
        ("structured", "[('a', '<f4'), ('b', '<i2')]"),
        ("text", "'<U3' (text)"),
        ("fortran", "np.ascontiguousarray"),
        ("one_axis", "(6,)"),
        ("no_rows", "(0, 6)"),
        ("nan", "NaN in row 3, column 2"),
        ("infinite", "-inf in row 3, column 3"),
        ("too_large", "1e39 in row 3, column 4"),
    ] {
        let file = format!("refused_{x}.npy");
        let eval = if ["nan", "infinite", "too_large"].contains(&x) {
            "e_f4"
        } else {
            "e_u8"
        };
        room.fails(
            1,
            &knn(&format!("refused_{x}"), "y_u1", eval, "el"),
            &[&file, expected],
        );
    }
    for (y, expected) in [
        ("refused_y_float", "'<f4' (float32)"),
        ("refused_objects", "never unpickled"),
        ("refused_y_negative", "label -1 in row 0"),
        ("refused_y_huge", "label 4294967296 in row 1"),
        ("refused_y_one_hot", "argmax"),
        ("el", "3 labels"),
    ] {
        let file = format!("{y}.npy");
        room.fails(1, &knn("x_u1", y, "e_u8", "el"), &[&file, expected]);
    }
    room.fails(
        1,
        &knn("x_u1", "y_u1", "e_f4", "el"),
        &["uint8", "float32", "same dtype"],
    );
    room.fails(
        1,
        &knn("x_u1", "y_u1", "x_u1", "el"),
        &["el.npy holds 3 labels", "8 rows"],
    );
}

#[test]
fn cut_and_overlong_files_are_counted() {
    let room = Room::with_data();
    let x = export(&room);
    let whole = std::fs::read(room.path("arrays/x_train.npy")).unwrap();
    let n = N_TRAIN * 3072;
    for (bytes, found) in [
        (whole[..whole.len() - 7].to_vec(), n - 7),
        ([&whole[..], &[0; 9]].concat(), n + 9),
        (whole[..128].to_vec(), 0),
    ] {
        room.write("arrays/x_train.npy", bytes);
        let numbers = [format!("{found} bytes follow"), format!("expected {n}")];
        room.fails(
            1,
            &format!("knn {x}"),
            &["x_train.npy", &numbers[0], &numbers[1]],
        );
    }
    for (bytes, problem) in [
        (&whole[..40], "ends within the header"),
        (&whole[..5], "ends within the first 8 bytes"),
        (&[][..], "ends within the first 8 bytes"),
        (b"PK\x03\x04 and so on", "no .npy file"),
        (
            b"PK\x03\x04 and so on",
            "save the one you want with np.save",
        ),
        (b"0.5,0.25,1.0\n", "save the array with np.save"),
    ] {
        room.write("arrays/x_train.npy", bytes);
        room.fails(1, &format!("knn {x}"), &["x_train.npy", problem]);
    }
}

/// One more column than sums of 32 bits can hold; the claim is believed only if the file is as long.
#[test]
fn rows_beyond_exact_sums_are_refused() {
    let room = Room::with_data();
    let x = export(&room);
    let wide = |cols: usize| {
        let text =
            format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({N_TRAIN}, {cols}), }}");
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(format!("{text:<117}\n").bytes());
        bytes.resize(128 + N_TRAIN * cols, 7);
        room.write("arrays/x_train.npy", bytes);
    };
    wide(66_051);
    room.json(&format!("knn {x} --k 1"));
    wide(66_052);
    room.fails(1, &format!("knn {x} --k 1"), &["66052 columns", "66051"]);
}

/// Sums beyond the largest float are all alike, and whoever is first among them is not the nearest.
#[test]
fn distances_beyond_float32_are_refused() {
    let room = Room::new();
    let array = |name: &str, descr: &str, shape: &str, data: &[u8]| {
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(format!("{text:<117}\n").bytes());
        bytes.extend(data);
        room.write(name, bytes);
    };
    let floats = |values: [f32; 2]| values.map(f32::to_le_bytes).concat();
    array("x.npy", "<f4", "(2, 1)", &floats([3e38, 1e20]));
    array("e.npy", "<f4", "(2, 1)", &floats([2.5e38, 1.5e20]));
    array("y.npy", "|u1", "(2,)", &[0, 1]);
    let knn = "knn --x x.npy --y y.npy --x-eval e.npy --y-eval y.npy";
    room.fails(
        1,
        &format!("{knn} --metric l2 --k 1 --predictions p.csv"),
        &["evaluation row 0", "float32", "scale the columns"],
    );
    let record = room.json(&format!("{knn} --metric l1 --k 1"));
    assert_eq!(record["results"][0]["accuracy"], 1.0);
}

#[test]
fn an_export_answers_as_its_folder_does() {
    let room = Room::with_data();
    let x = export(&room);
    let same = |folder: &Value, matrices: &Value| {
        for field in ["answer", "neighbors_answer", "results", "n_train", "n_eval"] {
            assert_eq!(folder[field], matrices[field], "{field}");
        }
    };
    for metric in ["l1", "l2"] {
        let base = format!("--metric {metric} --k 1,3,10");
        same(
            &room.json(&format!("knn --data data --on test {base}")),
            &room.json(&format!("knn {x} {EVAL} {base}")),
        );
        same(
            &room.json(&format!("knn --data data {base} --limit 60 --split-seed 3")),
            &room.json(&format!("knn {x} {base} --limit 60 --split-seed 3")),
        );
    }
    let record = room.json(&format!("knn {x} {EVAL} --k 1"));
    assert_eq!(
        (
            &record["data"]["n_train"],
            &record["data"]["n_test"],
            &record["data"]["cols"]
        ),
        (&json!(N_TRAIN), &json!(N_TEST), &json!(3072))
    );
    assert_eq!(
        (&record["mmap"], &record["labels"], &record["looks"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    assert!(
        record["data"]["source"]
            .as_str()
            .unwrap()
            .contains("x_train.npy")
    );
    let (stdout, _) = room.ok(&format!("knn {x} {EVAL} --k 1"));
    assert!(
        stdout.contains("12 evaluation rows against 80 training rows"),
        "{stdout}"
    );
}

#[test]
fn floats_give_pairs_of_f64() {
    let room = Room::with_data();
    let x = export(&room);
    room.ok("data export --data data --out floats --dtype f32 --quiet");
    let pairs = |arguments: &str| {
        room.ok(&format!(
            "knn {arguments} --metric l1 --k 4 --neighbors-out n.npy --force"
        ));
        let bytes = std::fs::read(room.path("n.npy")).unwrap();
        let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
        assert!(header.contains(&format!("({N_TEST}, 4, 2,)")), "{header}");
        (header, bytes[128..].to_vec())
    };
    let (header, bytes) = pairs(&format!("{x} {EVAL}"));
    assert!(header.contains("'<u4'"), "{header}");
    let exact = bytes
        .chunks(4)
        .map(|b| f64::from(u32::from_le_bytes(b.try_into().unwrap())));
    let (header, bytes) = pairs(&format!("{x} {EVAL}").replace("arrays/x", "floats/x"));
    assert!(header.contains("'<f8'"), "{header}");
    let floats = bytes
        .chunks(8)
        .map(|b| f64::from_le_bytes(b.try_into().unwrap()));
    assert!(exact.eq(floats), "sums below 2^24 are exact in f32");
}

#[test]
fn half_a_pair_and_two_sources_are_wrong_usage() {
    let room = Room::with_data();
    let x = export(&room);
    for (arguments, expected) in [
        (
            "knn --x arrays/x_train.npy".to_owned(),
            ["--x", "needs --y"],
        ),
        (
            "knn --y arrays/y_train.npy".to_owned(),
            ["--y", "needs --x"],
        ),
        (
            format!("knn {x} --x-eval arrays/x_test.npy"),
            ["--x-eval", "needs --y-eval"],
        ),
        (
            format!("knn {x} --y-eval arrays/y_test.npy"),
            ["--y-eval", "needs --x-eval"],
        ),
        (format!("knn {EVAL}"), ["--x and --y", "missing"]),
        (format!("knn {x} --data data"), ["--data", "--x"]),
        (format!("knn {x} --on val"), ["--on", "no meaning with --x"]),
        (
            format!("knn {x} {EVAL} --on test"),
            ["--on", "no meaning with --x"],
        ),
        (format!("knn {x} --labels coarse"), ["--x", "--labels"]),
    ] {
        room.fails(2, &arguments, &expected);
    }
    for (arguments, expected) in [
        ("knn --x nowhere.npy --y y.npy".to_owned(), "nowhere.npy"),
        ("knn --x data --y y.npy".to_owned(), "a folder"),
        (
            format!("knn {x} --force --predictions arrays/../arrays/y_train.npy"),
            "being read",
        ),
        (
            format!("knn {x} --force --neighbors-out arrays/x_train.npy"),
            "being read",
        ),
        (format!("knn {x} --k 1000"), "k is 1000"),
    ] {
        room.fails(1, &arguments, &[expected]);
    }
    // The environment names a default, and what is typed comes first.
    let mut command = room.nearplane(&format!("knn {x} --k 1 --quiet"));
    let output = command.env("NEARPLANE_DATA", "nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

/// Header and data of an array of bytes.
fn array(room: &Room, name: &str) -> (String, Vec<u8>) {
    let bytes = std::fs::read(room.path(name)).unwrap();
    assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00", "{name}");
    let header = String::from_utf8(bytes[10..128].to_vec()).unwrap();
    (header, bytes[128..].to_vec())
}

#[test]
fn an_export_holds_the_bytes_of_the_files() {
    let room = Room::with_data();
    let record = room.json("data export --data data --out arrays --limit 50");
    assert_eq!(
        (&record["train"], &record["test"]),
        (&json!(50), &json!(N_TEST))
    );
    assert_eq!(record["classes"], json!(["ant", "bee", "cow", "dog"]));
    let names = ["x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"];
    assert_eq!(
        record["files"],
        json!(names.map(|name| format!("arrays/{name}")))
    );
    let contents = tiny();
    for (split, bytes, n) in [
        ("train", &contents.train, 50),
        ("test", &contents.test, N_TEST),
    ] {
        let records = || bytes.chunks(3073).take(n);
        let (header, pixels) = array(&room, &format!("arrays/x_{split}.npy"));
        assert!(header.starts_with(&format!(
            "{{'descr': '|u1', 'fortran_order': False, 'shape': ({n}, 3072,), }}"
        )));
        assert_eq!(
            pixels,
            records()
                .flat_map(|record| record[1..].to_vec())
                .collect::<Vec<_>>()
        );
        let (header, labels) = array(&room, &format!("arrays/y_{split}.npy"));
        assert!(header.contains(&format!("'shape': ({n},)")), "{header}");
        assert_eq!(
            labels,
            records().map(|record| record[0]).collect::<Vec<_>>()
        );
    }
    let listed = |folder: &str| {
        let entries = std::fs::read_dir(room.path(folder)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    room.fails(
        1,
        "data export --data data --out arrays",
        &["arrays", "exists", "--force"],
    );
    room.ok("data export --data data --out arrays --split test --force");
    assert_eq!(listed("arrays"), ["x_test.npy", "y_test.npy"]);
    room.write("arrays/thesis.tex", "years of work");
    room.fails(
        1,
        "data export --data data --out arrays --force --quiet",
        &["thesis.tex"],
    );
    room.fails(
        1,
        "data export --data data --out data --force --quiet",
        &["this command does not write"],
    );
    room.fails(1, "data export --data nowhere --out other", &["nowhere"]);
    room.write("file", "in the way");
    room.fails(1, "data export --data data --out file --force", &["file"]);
    room.fails(1, "data export --data data --out file/out", &["file/out"]);
}

#[test]
fn an_export_of_cifar_100_has_both_labels() {
    let room = Room::new();
    let fine = tiny();
    let twofold = |records: &[u8]| -> Vec<u8> {
        let record = |record: &[u8]| [&[record[0] / 2], record].concat();
        records.chunks(3073).flat_map(record).collect()
    };
    let contents = Contents {
        format: Format::Cifar100,
        train: twofold(&fine.train),
        test: twofold(&fine.test),
        ..Contents::default()
    };
    write_folder(&room.path("data"), &contents, false).unwrap();
    for labels in ["fine", "coarse"] {
        room.ok(&format!(
            "data export --data data --out arrays --force --labels {labels}"
        ));
        for split in ["train", "test"] {
            let (_, fine) = array(&room, &format!("arrays/y_{split}.npy"));
            let (_, coarse) = array(&room, &format!("arrays/y_{split}_coarse.npy"));
            assert_eq!(
                coarse,
                fine.iter().map(|label| label / 2).collect::<Vec<_>>()
            );
            assert_eq!(fine[..4], [0, 1, 2, 3]);
        }
    }
}
