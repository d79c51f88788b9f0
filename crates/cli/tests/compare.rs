//! `compare` through the binary: every number against a count of its own, files of `knn` and `eval`, and all that is
//! refused.

mod common;
#[path = "common/models.rs"]
mod models;

use common::{N_TEST, Room, csv_rows};
use nearplane_models::linear::Loss;
use serde_json::{Value, json};

/// A file of predictions: rows of cells below a header.
fn file(room: &Room, name: &str, header: &str, rows: &[&str]) {
    room.write(name, format!("{header}\n{}\n", rows.join("\n")));
}

/// Two files of the same 40 images: both right on 20, A alone on 9, B alone on 2, neither on 9.
fn pair(room: &Room) {
    let rows = |right: fn(u32) -> bool| -> Vec<String> {
        let row = |i: u32| {
            let truth = i % 3;
            let predicted = if right(i) { truth } else { (truth + 1) % 3 };
            format!("{},{truth},{predicted}", 7 * i)
        };
        (0..40).map(row).collect()
    };
    let write = |name: &str, rows: Vec<String>| {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        file(room, name, "index,truth,predicted", &rows);
    };
    write("a.csv", rows(|i| i < 29));
    write("b.csv", rows(|i| i < 20 || (29..31).contains(&i)));
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn every_number_is_that_of_a_count() {
    let room = Room::new();
    pair(&room);
    let found = room.json("compare a.csv b.csv --results r.csv");
    assert_eq!(found["schema"], "nearplane/compare/1");
    for (name, count) in [
        ("n", 40),
        ("both", 20),
        ("only_a", 9),
        ("only_b", 2),
        ("neither", 9),
        ("discordant", 11),
        ("resamples", 10_000),
        ("seed", 0),
    ] {
        assert_eq!(found[name], count, "{name}");
    }
    let (a, b) = (&found["a"], &found["b"]);
    assert_eq!(
        (&a["file"], &a["column"], &a["correct"], &a["accuracy"]),
        (
            &json!("a.csv"),
            &json!("predicted"),
            &json!(29),
            &json!(0.725)
        )
    );
    assert_eq!((&b["correct"], &b["accuracy"]), (&json!(22), &json!(0.55)));
    assert!(number(&a["ci95"][0]) < 0.725 && 0.725 < number(&a["ci95"][1]));
    assert!((number(&found["difference"]) - 7.0 / 40.0).abs() < 1e-15);
    // Of 11 fair coins at most 2 on one side: 2 (1 + 11 + 55) / 2^11; half of the 55 less, twice.
    assert!((number(&found["p"]) - 134.0 / 2048.0).abs() < 1e-15);
    assert!((number(&found["p_mid"]) - 79.0 / 2048.0).abs() < 1e-15);
    // Differences of resamples are fortieths; the normal interval is 0.175 -+ 1.96 sqrt(11 - 49 / 40) / 40.
    let (low, high) = (number(&found["ci95"][0]), number(&found["ci95"][1]));
    assert!(
        (low - 0.022).abs() < 0.04 && (high - 0.328).abs() < 0.04,
        "{low} {high}"
    );

    let (header, rows) = csv_rows(&room.path("r.csv"));
    let cell = |name: &str| {
        let column = header.iter().position(|column| column == name);
        rows[0][column.unwrap_or_else(|| panic!("no column {name}"))].as_str()
    };
    assert_eq!(rows.len(), 1);
    for name in ["n", "only_a", "difference", "p", "p_mid", "resamples"] {
        assert_eq!(cell(name), found[name].to_string(), "{name}");
    }
    assert_eq!((cell("a_file"), cell("b_column")), ("a.csv", "predicted"));
    assert_eq!(cell("ci95_lo").parse::<f64>().unwrap(), low);
    assert_eq!(
        cell("a_ci95_hi").parse::<f64>().unwrap(),
        number(&a["ci95"][1])
    );
    assert_eq!(cell("b_answer"), b["answer"].as_str().unwrap());

    let (text, notes) = room.ok("compare a.csv b.csv");
    assert_eq!(notes, "");
    for part in [
        "a.csv, predicted",
        "0.7250",
        "29 of 40",
        "A minus B +0.1750",
        "10000 resamples",
        "p = 0.0654, of 11 images",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn the_other_way_round_only_signs_change() {
    let room = Room::new();
    pair(&room);
    let (one, other) = (
        room.json("compare a.csv b.csv"),
        room.json("compare b.csv a.csv"),
    );
    assert_eq!(number(&one["difference"]), -number(&other["difference"]));
    assert_eq!((&one["p"], &one["a"]), (&other["p"], &other["b"]));
}

#[test]
fn the_seed_alone_draws_resamples() {
    let room = Room::new();
    pair(&room);
    let ends = |more: &str| {
        room.json(&format!("compare a.csv b.csv --resamples 999 {more}"))["ci95"].clone()
    };
    let first = ends("--seed 3 --threads 1");
    assert_eq!(first, ends("--seed 3 --threads 3"));
    assert_eq!(first, ends("--seed 3 --simd scalar --split-seed 9"));
    let others: Vec<Value> = (4..12)
        .map(|seed| ends(&format!("--seed {seed}")))
        .collect();
    assert!(others.iter().any(|ends| *ends != first), "{first}");
}

#[test]
fn files_of_knn_and_eval_are_compared() {
    let room = Room::with_data();
    room.write(
        "m.safetensors",
        models::of_bytes(Loss::Svm).to_bytes().unwrap(),
    );
    let knn = room.json("knn --data data --on test --k 1,5 --predictions knn.csv");
    let eval = room.json("eval m.safetensors --data data --predictions eval.csv");
    let found = room.json("compare knn.csv eval.csv --column-a k5");
    assert_eq!(found["n"], N_TEST);
    assert_eq!(found["a"]["accuracy"], knn["results"][1]["accuracy"]);
    assert_eq!(found["a"]["ci95"], knn["results"][1]["ci95"]);
    assert_eq!(found["b"]["accuracy"], eval["accuracy"]);
    assert_eq!(found["b"]["answer"], eval["answer"]);
    let difference = number(&found["a"]["accuracy"]) - number(&found["b"]["accuracy"]);
    assert!((number(&found["difference"]) - difference).abs() < 1e-15);
    // Two columns of one file.
    let found = room.json("compare knn.csv knn.csv --column-a k1 --column-b k5");
    assert_eq!(found["a"]["accuracy"], knn["results"][0]["accuracy"]);
    // The validation rows are other images than the test set.
    room.ok("knn --data data --k 1 --predictions val.csv");
    room.fails(
        1,
        "compare knn.csv val.csv --column-a k1",
        &["knn.csv has 12 rows and val.csv has 8", "the same images"],
    );
}

#[test]
fn no_difference_is_no_difference() {
    let room = Room::new();
    pair(&room);
    let found = room.json("compare a.csv a.csv");
    assert_eq!(
        (&found["p"], &found["ci95"]),
        (&json!(1.0), &json!([0.0, 0.0]))
    );
    let (_, notes) = room.ok("compare a.csv a.csv");
    assert!(
        notes.starts_with("note: ")
            && notes.contains("on 0 images")
            && notes.contains("too narrow"),
        "{notes}"
    );
    assert_eq!(room.ok("compare a.csv a.csv --quiet").1, "");
}

/// Spreadsheets leave a mark at the start, blanks and other line ends; other columns may be there, in any order.
#[test]
fn files_of_others_are_read() {
    let room = Room::new();
    room.write(
        "a.csv",
        "\u{feff}name, truth, index, mine\r\n\"cat, 1\", 1, 10, 1\r\ndog, 0, 11, 4294967295\r\n",
    );
    room.write("b.csv", "index,truth,k1\n10,1,0\n11,0,0");
    let found = room.json("compare a.csv b.csv --column-a mine");
    assert_eq!(
        (&found["both"], &found["only_a"], &found["only_b"]),
        (&json!(0), &json!(1), &json!(1))
    );
    assert_eq!(found["p"], 1.0);
}

#[test]
fn other_images_are_refused() {
    let room = Room::new();
    let header = "index,truth,k1";
    file(&room, "a.csv", header, &["5,0,1", "7,1,1", "9,2,2"]);
    file(&room, "order.csv", header, &["5,0,1", "9,2,2", "7,1,1"]);
    file(&room, "images.csv", header, &["5,0,1", "7,1,1", "8,2,2"]);
    file(&room, "labels.csv", header, &["5,0,1", "7,2,1", "9,2,2"]);
    file(&room, "short.csv", header, &["5,0,1"]);
    for (other, parts) in [
        (
            "order.csv",
            [
                "another order",
                "row 2 is index 7 in one and 9 in the other",
                "sort both",
            ],
        ),
        (
            "images.csv",
            [
                "other images",
                "row 3 is index 9 in one and 8 in the other",
                "the same images",
            ],
        ),
        (
            "labels.csv",
            [
                "other images",
                "true label of index 7 is 1 in one and 2 in the other",
                "the same split",
            ],
        ),
        (
            "short.csv",
            ["a.csv has 3 rows", "short.csv has 1", "the same images"],
        ),
    ] {
        room.fails(1, &format!("compare a.csv {other}"), &parts);
    }
}

#[test]
fn what_is_no_file_of_predictions_is_refused() {
    let room = Room::with_data();
    file(&room, "a.csv", "index,truth,k1", &["5,0,1", "7,1,1"]);
    file(
        &room,
        "two.csv",
        "index,truth,k1,k3",
        &["5,0,1,1", "7,1,1,1"],
    );
    let many: Vec<String> = (1..=20).map(|k| format!("k{k}")).collect();
    file(
        &room,
        "many.csv",
        &format!("index,truth,{}", many.join(",")),
        &[],
    );
    file(&room, "none.csv", "index,truth", &["5,0", "7,1"]);
    file(&room, "twice.csv", "index,truth,k1,k1", &["5,0,1,2"]);
    room.write("header.csv", "index,truth,k1\n");
    room.write("empty.csv", "");
    room.write("bytes.csv", b"\xff\xfe\x00index,truth,k1\n1,2,3\n");
    room.write("later.csv", b"index,truth,k1\n5,0,1\n\xff,1,1\n");
    file(&room, "ragged.csv", "index,truth,k1", &["5,0,1", "7,1"]);
    file(&room, "word.csv", "index,truth,k1", &["5,0,1", "7,1,cat"]);
    file(&room, "large.csv", "index,truth,k1", &["5,4294967296,1"]);
    file(&room, "minus.csv", "index,truth,k1", &["-5,0,1"]);
    file(
        &room,
        "again.csv",
        "index,truth,k1",
        &["5,0,1", "7,1,1", "5,0,1"],
    );
    let no_columns = ["does not name the columns index and truth", "--predictions"];
    for (b, parts) in [
        (
            "missing.csv",
            ["cannot read missing.csv", "there is no such file"],
        ),
        ("data", ["data is a folder", "--predictions"]),
        ("data/test_batch.bin", no_columns),
        ("empty.csv", no_columns),
        ("bytes.csv", no_columns),
        ("two.csv", ["labels, k1, k3;", "choose one with --column-b"]),
        ("many.csv", ["k11, k12, ...;", "--column-b"]),
        ("a.csv --column-b k2", ["no predictions k2", "it has k1"]),
        (
            "a.csv --column-b truth",
            ["no predictions truth", "it has k1"],
        ),
        (
            "none.csv",
            ["none.csv has no column of predicted labels", "truth"],
        ),
        (
            "twice.csv --column-b k1",
            ["more than one column k1", "twice.csv"],
        ),
        ("header.csv", ["header.csv has no rows", "one per image"]),
        ("later.csv", ["later.csv, line 3", "not text"]),
        ("ragged.csv", ["ragged.csv, line 3: 2 cells", "expected 3"]),
        (
            "word.csv",
            ["word.csv, line 3: k1 is \"cat\"", "expected a label"],
        ),
        (
            "large.csv",
            ["line 2: truth is \"4294967296\"", "0 to 4294967295"],
        ),
        ("minus.csv", ["line 2: index is \"-5\"", "0 or more"]),
        ("again.csv", ["line 4: index 5 for the second time", "once"]),
    ] {
        room.fails(1, &format!("compare a.csv {b}"), &parts);
    }
    room.fails(
        1,
        "compare two.csv a.csv",
        &["two.csv has more than one column", "--column-a"],
    );
}

#[test]
fn wrong_usage_is_refused() {
    let room = Room::new();
    pair(&room);
    for (arguments, part) in [
        ("compare a.csv", "B.csv"),
        ("compare", "A.csv"),
        ("compare a.csv b.csv --resamples 99", "100"),
        ("compare a.csv b.csv --resamples many", "whole number"),
        ("compare a.csv b.csv --limit 5", "leave it out"),
        ("compare a.csv b.csv c.csv", "c.csv"),
    ] {
        room.fails(2, arguments, &[part]);
    }
    // A file that is compared is not a file of results.
    room.fails(
        1,
        "compare a.csv b.csv --results a.csv",
        &["a.csv", "another header"],
    );
}
