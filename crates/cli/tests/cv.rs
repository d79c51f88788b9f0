//! `cv knn` through the binary: folds against runs of `knn`, a sweep that was stopped, bad input.

mod common;

use common::{N_TRAIN, Room, csv_rows};
use serde_json::Value;

fn of(result: &Value, metric: &str, k: u64) -> bool {
    result["params"]["metric"] == metric && result["params"]["k"] == k
}

fn numbers(list: &Value) -> Vec<f64> {
    let list = list.as_array().expect("a list");
    list.iter().map(|x| x.as_f64().expect("a number")).collect()
}

/// An array in NumPy's format.
fn npy(room: &Room, name: &str, dtype: &str, shape: &str, data: &[u8]) {
    let mut header =
        format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({shape}), }}");
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    room.write(name, bytes);
}

/// Matrices of bytes: `x`, `y` and, for each contiguous fold, what fits and what judges.
fn matrices(room: &Room, n: usize, cols: usize, n_folds: usize) {
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let labels: Vec<u8> = (0..n).map(|_| random() % 3).collect();
    let rows: Vec<Vec<u8>> = labels
        .iter()
        .map(|&label| (0..cols).map(|_| 60 * label + random() % 100).collect())
        .collect();
    let write = |name: &str, chosen: &dyn Fn(usize) -> bool| {
        let all = || (0..n).filter(|&row| chosen(row));
        let x: Vec<u8> = all().flat_map(|row| rows[row].clone()).collect();
        let y: Vec<u8> = all().map(|row| labels[row]).collect();
        npy(
            room,
            &format!("x{name}.npy"),
            "|u1",
            &format!("{}, {cols}", y.len()),
            &x,
        );
        npy(
            room,
            &format!("y{name}.npy"),
            "|u1",
            &format!("{},", y.len()),
            &y,
        );
    };
    write("", &|_| true);
    let size = n / n_folds;
    for fold in 0..n_folds {
        write(&format!("-fit-{fold}"), &|row| row / size != fold);
        write(&format!("-judge-{fold}"), &|row| row / size == fold);
    }
}

#[test]
fn folds_are_those_of_a_run_each() {
    let room = Room::new();
    matrices(&room, 120, 5, 4);
    let found = room.json(
        "cv knn --x x.npy --y y.npy --folds 4 --split contiguous --metric l2,l1 --k 7,1..3 --tie lowest",
    );
    let results = found["results"].as_array().unwrap();
    assert_eq!(results.len(), 8);
    for fold in 0..4 {
        for metric in ["l1", "l2"] {
            let alone = room.json(&format!(
                "knn --x x-fit-{fold}.npy --y y-fit-{fold}.npy --x-eval x-judge-{fold}.npy \
                 --y-eval y-judge-{fold}.npy --metric {metric} --k 7,1..3 --tie lowest"
            ));
            for expected in alone["results"].as_array().unwrap() {
                let k = expected["k"].as_u64().unwrap();
                let result = results.iter().find(|result| of(result, metric, k)).unwrap();
                let folds = numbers(&result["fold_accuracies"]);
                assert_eq!(
                    folds[fold],
                    expected["accuracy"].as_f64().unwrap(),
                    "{metric} {k}"
                );
            }
        }
    }
    for result in results {
        let folds = numbers(&result["fold_accuracies"]);
        let mean = folds.iter().sum::<f64>() / 4.0;
        let variance = folds.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4.0;
        assert!((result["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
        assert!((result["std"].as_f64().unwrap() - variance.sqrt()).abs() < 1e-12);
        // The 97.5 % quantile of Student's t of 3 degrees of freedom; 1/4 + 1/3 for folds that share training rows.
        let half = 3.182_446_305_284_263 * ((1.0 / 4.0 + 1.0 / 3.0) * variance * 4.0 / 3.0).sqrt();
        let ends = numbers(&result["mean_ci95"]);
        assert!((ends[0] - mean + half).abs() < 1e-12 && (ends[1] - mean - half).abs() < 1e-12);
    }
    let highest = results
        .iter()
        .map(|r| r["mean"].as_f64().unwrap())
        .fold(0.0, f64::max);
    assert_eq!(found["best"]["mean"], highest);
}

#[test]
fn each_row_can_be_left_out() {
    let room = Room::with_data();
    let found = room.json("cv knn --data data --folds loo --metric l1 --k 1");
    assert_eq!(found["folds"], "loo");
    assert_eq!(found["rows"], N_TRAIN);
    let result = &found["results"][0];
    assert!(result["fold_accuracies"].is_null() && result["mean_ci95"].is_null());
    let same = room.json(&format!(
        "cv knn --data data --folds {N_TRAIN} --metric l1 --k 1"
    ));
    assert_eq!(same["results"][0]["mean"], result["mean"]);
    let right = result["mean"].as_f64().unwrap() * N_TRAIN as f64;
    assert!(
        (right - right.round()).abs() < 1e-9,
        "{right} rows are right"
    );
}

#[test]
fn the_seed_alone_draws_the_folds() {
    let room = Room::with_data();
    let run = |more: &str| {
        let found = room.json(&format!("cv knn --data data --metric l1 --k 1,5 {more}"));
        found["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| result["fold_accuracies"].clone())
            .collect::<Vec<_>>()
    };
    let first = run("--threads 1");
    assert_eq!(run("--threads 2 --simd portable --no-mmap"), first);
    assert_eq!(run("--seed 9"), first);
    let repeated = run("--repeats 2");
    let other = run("--split-seed 1");
    for ((repeated, first), other) in repeated.iter().zip(&first).zip(&other) {
        assert_eq!(numbers(repeated), [numbers(first), numbers(other)].concat());
    }
    assert_ne!(run("--split shuffled"), first);
}

#[test]
fn several_blocks_of_features_are_scaled_by_the_rows_that_fit() {
    let room = Room::with_data();
    let arguments = "cv knn --data data --folds 4 --metric l1 --k 1,3 --features";
    // A block twice is that block: distances double.
    let one = room.json(&format!("{arguments} hist:space=rgb,bins=4"));
    let two = room.json(&format!(
        "{arguments} hist:space=rgb,bins=4+hist:space=rgb,bins=4"
    ));
    for (one, two) in one["results"]
        .as_array()
        .unwrap()
        .iter()
        .zip(two["results"].as_array().unwrap())
    {
        assert_eq!(one["mean"], two["mean"]);
    }
    room.fails(
        2,
        "cv knn --data data --folds loo --features hog+hist",
        &["--folds loo", "one block"],
    );
}

/// Rows without the columns that differ from run to run.
fn lasting(room: &Room, name: &str) -> Vec<Vec<String>> {
    let (header, rows) = csv_rows(&room.path(name));
    let is_lasting = |position: &usize| !["time", "seconds"].contains(&header[*position].as_str());
    let positions: Vec<usize> = (0..header.len()).filter(is_lasting).collect();
    rows.iter()
        .map(|row| positions.iter().map(|&p| row[p].clone()).collect())
        .collect()
}

#[test]
fn a_sweep_that_was_stopped_goes_on() {
    let room = Room::with_data();
    let run = |file: &str, more: &str| {
        room.json(&format!(
            "cv knn --data data --k 1..6 --metric l1,l2 --results {file} {more}"
        ))
    };
    let whole = run("whole.csv", "");
    let expected = lasting(&room, "whole.csv");
    assert_eq!(expected.len(), 12);
    let bytes = std::fs::read(room.path("whole.csv")).unwrap();
    // A process that is killed leaves any beginning of the file.
    for end in (0..bytes.len()).step_by(211).chain([bytes.len()]) {
        room.write("part.csv", &bytes[..end]);
        if end > 0 && end < bytes.iter().position(|&byte| byte == b'\n').unwrap() {
            continue; // Half a header is another file to everybody.
        }
        let resumed = run("part.csv", "--resume");
        assert_eq!(
            lasting(&room, "part.csv"),
            expected,
            "stopped after {end} bytes"
        );
        let means = |found: &Value| -> Vec<Value> {
            found["results"]
                .as_array()
                .unwrap()
                .iter()
                .map(|result| result["mean"].clone())
                .collect()
        };
        assert_eq!(means(&resumed), means(&whole));
        assert_eq!(resumed["best"], whole["best"]);
    }
    // Other settings are another sweep.
    let (_, notes) =
        room.ok("cv knn --data data --k 1..6 --metric l1,l2 --results whole.csv --resume");
    assert_eq!(notes.matches("taken from the file").count(), 2, "{notes}");
    let (_, notes) = room
        .ok("cv knn --data data --k 1..6 --metric l1 --tie lowest --results whole.csv --resume");
    assert!(!notes.contains("taken from the file"), "{notes}");
    assert_eq!(lasting(&room, "whole.csv").len(), 18);
}

#[test]
fn bad_input_is_one_line() {
    let room = Room::with_data();
    matrices(&room, 12, 3, 2);
    for (code, arguments, expected) in [
        (
            2,
            "cv knn --data data --folds 1",
            "1 folds are too few, expected at least 2",
        ),
        (
            2,
            "cv knn --data data --folds x",
            "'x' is not a number of folds; expected a number like 5, or loo",
        ),
        (
            2,
            "cv knn --data data --folds loo --split shuffled",
            "--split has no meaning with --folds loo",
        ),
        (
            2,
            "cv knn --data data --folds loo --repeats 2",
            "--repeats has no meaning with --folds loo",
        ),
        (
            2,
            "cv knn --data data --split contiguous --repeats 2",
            "the folds would be the same",
        ),
        (
            2,
            "cv knn --data data --metric chi2",
            "--metric chi2 compares histograms",
        ),
        (2, "cv knn --data data --resume", "--results"),
        (
            2,
            "cv knn --x x.npy --y y.npy --x-eval x.npy --y-eval y.npy",
            "--x-eval has no meaning for cv",
        ),
        (
            2,
            "cv knn --data data --x x.npy --y y.npy",
            "two sources of data",
        ),
        (
            1,
            "cv knn --data data --folds 500",
            "500 folds of 80 rows, expected 2 to 80 folds",
        ),
        (
            1,
            "cv knn --data data --k 100",
            "k is 100, but only 64 rows are outside of a fold; give a smaller --k",
        ),
        (1, "cv knn --data nowhere", "nowhere"),
    ] {
        room.fails(code, arguments, &[expected]);
    }
}

#[test]
fn people_see_a_table_and_the_best() {
    let room = Room::with_data();
    let (text, _) = room.ok("cv knn --data data --metric l1 --k 1,3");
    assert!(
        text.contains("80 training rows: 5 stratified folds"),
        "{text}"
    );
    assert!(
        text.lines()
            .last()
            .unwrap()
            .starts_with("best: l1 with k = "),
        "{text}"
    );
    // Nobody asked for a k that is too large.
    let (text, _) = room.ok("cv knn --data data --metric l1 --folds 2");
    let ks: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("l1 "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(ks, ["1", "3", "5", "8", "10", "12", "15", "20"], "{text}");
}
