//! `nearplane eval` through its binary: every number against a count of its own, features, own matrices, and all
//! that is refused.

mod common;
#[path = "common/models.rs"]
mod models;

use common::{N_CLASSES, N_TEST, Room, csv_rows, tiny};
use nearplane_cifar::write::{Contents, write_folder};
use nearplane_models::linear::Loss;
use nearplane_models::model_file::LinearModelFile;
use serde_json::{Value, json};

const LOG: &str = "data/.nearplane-looks.csv";

/// The tiny data set and a model of it.
fn room(file: &LinearModelFile) -> Room {
    let room = Room::with_data();
    room.write("m.safetensors", file.to_bytes().unwrap());
    room
}

/// True labels of the test images, and what the definition takes them for.
fn expected(file: &LinearModelFile) -> (Vec<u32>, Vec<u32>) {
    let (truth, pixels) = models::split(&tiny().test);
    let scores = models::scores(&file.model, &pixels);
    let predicted = scores
        .chunks(N_CLASSES)
        .map(|row| models::largest(row) as u32);
    (truth, predicted.collect())
}

/// FNV-1a, 64 bits.
fn answer(labels: &[u32]) -> String {
    let hash = labels
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &label| {
            (hash ^ u64::from(label)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    format!("{hash:016x}")
}

fn count(pairs: &[(u32, u32)], is: impl Fn(u32, u32) -> bool) -> u64 {
    pairs.iter().filter(|&&(t, p)| is(t, p)).count() as u64
}

#[test]
fn every_number_is_that_of_an_independent_count() {
    let file = models::of_bytes(Loss::Softmax);
    let room = room(&file);
    let (truth, predicted) = expected(&file);
    let pairs: Vec<(u32, u32)> = truth
        .iter()
        .copied()
        .zip(predicted.iter().copied())
        .collect();
    let correct = count(&pairs, |t, p| t == p);
    // The model is neither perfect nor blind, or this would test little.
    assert!((2..N_TEST as u64 - 1).contains(&correct), "{correct} right");

    let record = room.json("eval m.safetensors --data data");
    assert_eq!(record["schema"], "nearplane/eval/1");
    assert_eq!(record["on"], "test");
    assert_eq!(record["n_eval"], N_TEST);
    assert_eq!(record["correct"], correct);
    assert_eq!(record["accuracy"], correct as f64 / N_TEST as f64);
    let (low, high) = (&record["ci95"][0], &record["ci95"][1]);
    let accuracy = &record["accuracy"];
    assert!(low.as_f64() < accuracy.as_f64() && accuracy.as_f64() < high.as_f64());
    assert_eq!(record["answer"], answer(&predicted));
    assert_eq!(record["looks"], 1);
    let classes = record["classes"].as_array().unwrap();
    assert_eq!(classes.len(), N_CLASSES);
    let mut recalls = 0.0;
    for (class, found) in (0..).zip(classes) {
        for other in 0..N_CLASSES as u32 {
            assert_eq!(
                record["confusion"][class as usize][other as usize],
                count(&pairs, |t, p| t == class && p == other),
                "row {class}, column {other}"
            );
        }
        let support = count(&pairs, |t, _| t == class);
        let guesses = count(&pairs, |_, p| p == class);
        let hits = count(&pairs, |t, p| t == class && p == class);
        assert_eq!(found["name"], tiny().class_names[class as usize]);
        assert_eq!(
            (&found["support"], &found["predicted"]),
            (&json!(support), &json!(guesses))
        );
        assert_eq!(found["recall"], hits as f64 / support as f64);
        let precision = if guesses == 0 {
            Value::Null
        } else {
            json!(hits as f64 / guesses as f64)
        };
        assert_eq!(found["precision"], precision);
        assert_eq!(found["f1"], 2.0 * hits as f64 / (support + guesses) as f64);
        recalls += hits as f64 / support as f64;
    }
    let recall = record["macro"]["recall"].as_f64().unwrap();
    assert!((recall - recalls / N_CLASSES as f64).abs() < 1e-12);
    let model = &record["model"];
    assert_eq!(
        (
            &model["loss"],
            &model["features"],
            &model["n_features"],
            &model["lambda"]
        ),
        (
            &json!("softmax"),
            &json!("raw"),
            &json!(3072),
            &json!(0.001)
        )
    );

    let (_, looks) = csv_rows(&room.path(LOG));
    assert_eq!(looks.len(), 1);
    assert_eq!(
        (looks[0][1].as_str(), looks[0][5].as_str()),
        ("eval", &*answer(&predicted))
    );
    assert!(
        looks[0][3].contains("model=m.safetensors"),
        "{}",
        looks[0][3]
    );
}

#[test]
fn people_see_the_same() {
    let file = models::of_bytes(Loss::Svm);
    let room = room(&file);
    let (truth, predicted) = expected(&file);
    let (text, notes) =
        room.ok("eval m.safetensors --data data --predictions p.csv --results r.csv");
    assert!(notes.contains("look 1 at the test split"), "{notes}");
    let correct = truth.iter().zip(&predicted).filter(|(t, p)| t == p).count();
    assert!(
        text.contains(&format!("{correct} of {N_TEST} correct")),
        "{text}"
    );
    assert!(
        text.contains("macro average") && text.contains("confusion matrix"),
        "{text}"
    );
    let (header, rows) = csv_rows(&room.path("p.csv"));
    assert_eq!(header, ["index", "truth", "predicted"]);
    for (i, row) in rows.iter().enumerate() {
        let expected = [i as u32, truth[i], predicted[i]].map(|n| n.to_string());
        assert_eq!(row[..], expected);
    }
    assert_eq!(rows.len(), N_TEST);

    room.fails(
        1,
        "eval m.safetensors --data data --predictions p.csv",
        &["p.csv exists"],
    );
    room.ok("eval m.safetensors --data data --results r.csv --threads 1");
    let (header, rows) = csv_rows(&room.path("r.csv"));
    let column = |name: &str| header.iter().position(|h| h == name).expect(name);
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!(row[column("answer")], answer(&predicted));
        assert_eq!(row[column("correct")], correct.to_string());
        assert_eq!(row[column("loss")], "svm");
    }
    assert_eq!(rows[1][column("looks")], "2");
}

#[test]
fn the_features_of_the_model_are_computed() {
    for spec in [
        "hog:mode=skimage",
        "hist:space=hsv,bins=10",
        "raw+hist:bins=4",
    ] {
        let file = models::of_features(spec);
        let room = room(&file);
        let (_, pixels) = models::split(&tiny().test);
        let expected = models::labels_of_features(&file, &pixels);
        let record = room.json("eval m.safetensors --data data");
        assert_eq!(record["answer"], answer(&expected), "{spec}");
        assert!(record["features_s"].is_number());
        let one = room.json("eval m.safetensors --data data --threads 1");
        assert_eq!(one["answer"], record["answer"]);
    }
}

#[test]
fn own_matrices_are_evaluated_whole() {
    let file = models::of_matrix();
    let room = room(&file);
    let (_, predicted) = expected(&file);
    for dtype in ["u8", "f32"] {
        room.ok(&format!(
            "data export --data data --out {dtype} --dtype {dtype}"
        ));
        let x = format!("--x {dtype}/x_test.npy --y {dtype}/y_test.npy");
        let record = room.json(&format!("eval m.safetensors {x}"));
        assert_eq!(record["answer"], answer(&predicted), "{dtype}");
        assert_eq!(
            (&record["on"], &record["n_eval"]),
            (&json!("eval"), &json!(N_TEST))
        );
        assert_eq!(record["looks"], Value::Null);
    }
    assert!(!room.path(LOG).exists(), "matrices are no test split");
    let alias = room.json("eval m.safetensors --x-eval u8/x_test.npy --y-eval u8/y_test.npy");
    assert_eq!(alias["answer"], answer(&predicted));
    // A model of the bytes of images takes their bytes from a matrix, too.
    room.write(
        "i.safetensors",
        models::of_bytes(Loss::Svm).to_bytes().unwrap(),
    );
    let record = room.json("eval i.safetensors --x u8/x_test.npy --y u8/y_test.npy");
    assert_eq!(record["answer"], answer(&predicted));

    // A model of the very same rows has learnt their labels.
    let mut seen = models::of_matrix();
    seen.training.data = record["data"]["hash"].as_str().unwrap().to_owned();
    room.write("seen.safetensors", seen.to_bytes().unwrap());
    room.fails(
        1,
        "eval seen.safetensors --x u8/x_test.npy --y u8/y_test.npy",
        &["the rows that seen.safetensors was fitted on", "not seen"],
    );
}

#[test]
fn matrices_that_do_not_fit_are_refused() {
    let room = room(&models::of_features("hist:space=hsv,bins=10"));
    room.ok("data export --data data --out u8");
    room.fails(
        1,
        "eval m.safetensors --x u8/x_test.npy --y u8/y_test.npy",
        &["--x has rows of 3072", "m.safetensors takes 10"],
    );
    let mut two = models::of_matrix();
    let (weight, bias) = (two.model.weight()[..2 * 3072].to_vec(), vec![0.0; 2]);
    two.model = nearplane_models::linear::LinearModel::new(weight, bias, Loss::Svm).unwrap();
    two.classes.truncate(2);
    room.write("two.safetensors", two.to_bytes().unwrap());
    room.fails(
        1,
        "eval two.safetensors --x u8/x_test.npy --y u8/y_test.npy",
        &["--y has label 2 in row 2", "2 classes, 0 to 1"],
    );
    room.fails(
        1,
        "eval two.safetensors --data data",
        &[
            "two.safetensors was fitted on a matrix of 3072 columns",
            "--x and --y",
        ],
    );
}

#[test]
fn rows_that_trained_the_model_do_not_judge_it() {
    let mut file = models::of_bytes(Loss::Softmax);
    let room = room(&file);
    // Another data set than that of the model.
    let record = room.json("eval m.safetensors --data data --on val");
    assert_eq!(
        (&record["on"], &record["n_eval"]),
        (&json!("val"), &json!(8))
    );
    assert_eq!(record["looks"], Value::Null);
    assert!(!room.path(LOG).exists());
    room.ok("eval m.safetensors --data data --on val --limit 60 --predictions p.csv");
    let (_, rows) = csv_rows(&room.path("p.csv"));
    let labels = models::split(&tiny().train).0;
    assert!(!rows.is_empty() && rows.len() < 8);
    for row in rows {
        let position: usize = row[0].parse().unwrap();
        assert!(position < 60);
        assert_eq!(row[1], labels[position].to_string());
    }

    let hash = record["data"]["hash"].as_str().unwrap().to_owned();
    for data in [hash, String::new()] {
        file.training.data = data;
        room.write("seen.safetensors", file.to_bytes().unwrap());
        room.fails(
            1,
            "eval seen.safetensors --data data --on val",
            &[
                "seen.safetensors was fitted on all training rows",
                "val_accuracy",
                "--on test",
            ],
        );
        let record = room.json("eval seen.safetensors --data data");
        assert_eq!(record["on"], "test");
    }
}

#[test]
fn other_classes_are_refused() {
    let room = room(&models::of_bytes(Loss::Softmax));
    let mut names = tiny().class_names;
    names.swap(1, 2);
    let swapped = Contents {
        class_names: names,
        ..tiny()
    };
    write_folder(&room.path("swapped"), &swapped, false).unwrap();
    room.fails(
        1,
        "eval m.safetensors --data swapped",
        &["label 1 is \"bee\" in m.safetensors and \"cow\" in swapped"],
    );
    let mut more = tiny();
    more.class_names.push("emu".to_owned());
    write_folder(&room.path("more"), &more, false).unwrap();
    room.fails(
        1,
        "eval m.safetensors --data more",
        &["m.safetensors has 4 classes and more 5 classes"],
    );
    assert!(!room.path("swapped/.nearplane-looks.csv").exists());
}

#[test]
fn a_damaged_model_is_one_line() {
    let room = room(&models::of_bytes(Loss::Softmax));
    let bytes = models::of_bytes(Loss::Softmax).to_bytes().unwrap();
    let png = b"\x89PNG\r\n\x1a\n and so on".to_vec();
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 4;
    let length = models::edited(
        &models::of_matrix().to_bytes().unwrap(),
        "\"input\":\"matrix\"",
        "\"input\":\"images 3x32x32\",\"features\":\"hist:space=hsv,bins=10\"",
    );
    let cases: [(Vec<u8>, &[&str]); 7] = [
        (Vec::new(), &["0 bytes, expected"]),
        (bytes[..bytes.len() - 7].to_vec(), &["it was cut off"]),
        (
            [bytes.as_slice(), b"x"].concat(),
            &["something was appended"],
        ),
        (flipped, &["do not match their SHA-256"]),
        (
            models::edited(&bytes, "nearplane/linear/1", "nearplane/linear/2"),
            &["format 'nearplane/linear/2', expected 'nearplane/linear/1'"],
        ),
        (length, &["weights are of 3072 features", "has 10"]),
        (png, &["not a safetensors file"]),
    ];
    for (bytes, expected) in cases {
        room.write("bad.safetensors", bytes);
        for command in [
            "eval bad.safetensors --data data",
            "predict bad.safetensors x.png",
        ] {
            let expected = [&["bad.safetensors"], expected].concat();
            room.fails(1, command, &expected);
        }
    }
    for command in ["eval", "predict"] {
        let rest = if command == "eval" {
            "--data data"
        } else {
            "x.png"
        };
        room.fails(
            1,
            &format!("{command} none.safetensors {rest}"),
            &["cannot read the model none.safetensors", "no such file"],
        );
        room.fails(
            1,
            &format!("{command} data {rest}"),
            &["data is a folder; expected a model file"],
        );
    }
    assert!(!room.path(LOG).exists(), "a failed run saw nothing");
}

#[test]
fn wrong_usage_is_told_at_once() {
    let room = room(&models::of_matrix());
    for (arguments, expected) in [
        ("eval", "<MODEL>"),
        ("eval m.safetensors --x x.npy", "--x needs --y"),
        ("eval m.safetensors --y y.npy", "--y needs --x"),
        (
            "eval m.safetensors --x x.npy --y y.npy --data data",
            "two sources of data",
        ),
        (
            "eval m.safetensors --x x.npy --y y.npy --on val",
            "no meaning with --x",
        ),
        (
            "eval m.safetensors --x x.npy --y y.npy --limit 3",
            "no meaning with --x",
        ),
        (
            "eval m.safetensors --data data --limit 3",
            "uses none of them",
        ),
        ("eval m.safetensors --data data --on train", "train"),
        (
            "eval m.safetensors --predictions a.csv --results a.csv",
            "the same file",
        ),
    ] {
        room.fails(2, arguments, &[expected]);
    }
    room.fails(
        1,
        "eval m.safetensors --data data --predictions data/p.csv",
        &["lies in the folder of the data set"],
    );
}
