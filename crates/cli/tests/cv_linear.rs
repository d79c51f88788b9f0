//! `cv linear` through the binary: folds, its record, and bad input.

mod common;

use common::{N_TRAIN, Room, csv_rows};
use serde_json::Value;

fn numbers(list: &Value) -> Vec<f64> {
    let list = list.as_array().expect("a list");
    list.iter().map(|x| x.as_f64().expect("a number")).collect()
}

#[test]
fn the_record_and_the_rows_say_the_same() {
    let room = Room::with_data();
    let found = room.json(
        "cv linear --data data --folds 4 --loss softmax,ridge --penalty l2,elastic --beta 0.5 --lambda 0.01,1 \
         --results r.csv",
    );
    let results = found["results"].as_array().unwrap();
    // softmax with both penalties, ridge with one; two lambdas each, the larger one first.
    assert_eq!(results.len(), 6);
    assert_eq!(results[0]["params"]["lambda"], 1.0);
    assert_eq!(
        (&found["folds"], &found["split"]),
        (&Value::from(4), &Value::from("stratified"))
    );
    let (header, rows) = csv_rows(&room.path("r.csv"));
    assert_eq!(rows.len(), 6 * 4);
    let at = |row: &[String], name: &str| {
        row[header.iter().position(|column| column == name).unwrap()].clone()
    };
    for result in results {
        let params = &result["params"];
        let text = |name: &str| match &params[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.as_f64().unwrap().to_string(),
        };
        let folds = numbers(&result["fold_accuracies"]);
        let is_same = |row: &&Vec<String>| {
            ["features", "loss", "penalty", "beta", "lambda"]
                .iter()
                .all(|name| at(row, name) == text(name))
        };
        let of: Vec<f64> = rows
            .iter()
            .filter(is_same)
            .map(|row| at(row, "accuracy").parse().unwrap())
            .collect();
        assert_eq!(of, folds, "{params}");
        let mean = folds.iter().sum::<f64>() / 4.0;
        let variance = folds.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4.0;
        assert!((result["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
        assert!((result["std"].as_f64().unwrap() - variance.sqrt()).abs() < 1e-12);
    }
    let judged: u64 = rows[..4]
        .iter()
        .map(|row| at(row, "n_val").parse::<u64>().unwrap())
        .sum();
    assert_eq!(judged, N_TRAIN as u64);
    // Of equal means the larger lambda.
    let means = results
        .iter()
        .map(|result| result["mean"].as_f64().unwrap());
    let highest = means.fold(0.0, f64::max);
    let largest = results
        .iter()
        .filter(|result| (result["mean"].as_f64().unwrap() - highest).abs() < 1e-12)
        .map(|result| result["params"]["lambda"].as_f64().unwrap())
        .fold(0.0, f64::max);
    assert_eq!(found["best"]["mean"], highest);
    assert_eq!(found["best"]["params"]["lambda"], largest);
    // What is there is not done again.
    let (_, notes) = room
        .ok("cv linear --data data --folds 4 --loss softmax --lambda 1 --results r.csv --resume");
    assert!(notes.contains("4 of 4 fits are taken"), "{notes}");
    // A path that goes on at its end begins with what is known; other larger lambdas are another path.
    let (_, notes) = room.ok(
        "cv linear --data data --folds 4 --loss softmax --lambda 1,0.1,0.01 --results r.csv --resume",
    );
    assert!(notes.contains("4 of 12 fits are taken"), "{notes}");
}

#[test]
fn a_fold_is_judged_like_a_validation_split() {
    let room = Room::with_data();
    // The same rows, cut by the same seed, judge a tenth in both.
    let tuned = room.json(
        "tune --data data --search grid --lambda 1,0.01 --features raw --features hog:cell=8",
    );
    let results = tuned["results"].as_array().unwrap();
    for (index, features) in ["raw", "hog:cell=8"].iter().enumerate() {
        for (step, lambda) in ["1", "0.01"].iter().enumerate() {
            let trained = room.json(&format!(
                "train --data data --features {features} --lambda {lambda} --out m{index}{step}.safetensors"
            ));
            let result = &results[2 * index + step];
            assert_eq!(result["params"]["lambda"], trained["lambda"]);
            let difference =
                result["mean"].as_f64().unwrap() - trained["val_accuracy"].as_f64().unwrap();
            // A start elsewhere ends within the tolerance: one row of eight at most.
            assert!(difference.abs() < 0.126, "{features} {lambda}");
            if step == 0 {
                assert_eq!(difference, 0.0, "{features} {lambda}");
            }
        }
    }
}

#[test]
fn threads_seeds_and_repeats() {
    let room = Room::with_data();
    let run = |more: &str| {
        let found = room.json(&format!(
            "cv linear --data data --folds 3 --lambda 1,0.01 {more}"
        ));
        let results = found["results"].as_array().unwrap().clone();
        let folds = results
            .iter()
            .map(|result| numbers(&result["fold_accuracies"]));
        folds.collect::<Vec<_>>()
    };
    let first = run("--threads 1");
    assert_eq!(run("--threads 3 --no-mmap"), first);
    assert_eq!(run("--seed 9"), first);
    let other = run("--split-seed 1");
    for ((repeated, first), other) in run("--repeats 2").iter().zip(&first).zip(&other) {
        assert_eq!(*repeated, [first.clone(), other.clone()].concat());
    }
    assert_ne!(run("--split shuffled"), first);
    let (text, _) = room.ok("cv linear --data data --folds 3 --lambda 1,0.01");
    assert!(
        text.contains("80 training rows: 3 stratified folds"),
        "{text}"
    );
    assert!(
        text.lines()
            .last()
            .unwrap()
            .starts_with("best: raw, softmax, l2, lambda"),
        "{text}"
    );
}

#[test]
fn bad_input_is_one_line() {
    let room = Room::with_data();
    for (code, arguments, expected) in [
        (
            2,
            "cv linear --data data --folds loo",
            "'nearplane train --loss ridge' leaves each row out",
        ),
        (2, "cv linear --data data --folds 1", "1 folds are too few"),
        (
            2,
            "cv linear --data data --lambda -1",
            "--lambda is -1, expected a finite number, 0 or above",
        ),
        (
            2,
            "cv linear --data data --lambda 0.03..1",
            "not a whole number of decades",
        ),
        (
            2,
            "cv linear --data data --lambda 1..0.1",
            "the smaller one first",
        ),
        (2, "cv linear --data data --lambda x", "'x' is not a number"),
        (
            2,
            "cv linear --data data --beta 1",
            "--beta needs --penalty elastic",
        ),
        (
            2,
            "cv linear --data data --penalty none --lambda 1",
            "--lambda has no meaning with --penalty none",
        ),
        (
            2,
            "cv linear --data data --loss ridge --penalty l1",
            "loss ridge goes with penalty l2 only",
        ),
        (
            2,
            "cv linear --data data --loss nonsense",
            "unknown loss 'nonsense'",
        ),
        (2, "cv linear --data data --features hug", "--features"),
        (
            2,
            "cv linear --data data --features raw --features raw",
            "--features raw is given twice",
        ),
        (
            2,
            "cv linear --data data --cache c",
            "--cache keeps features",
        ),
        (2, "cv linear --data data --resume", "--results"),
        (
            2,
            "cv linear --data data --tolerance -1",
            "--tolerance is -1",
        ),
        (
            1,
            "cv linear --data data --folds 500",
            "500 folds of 80 rows, expected 2 to 80 folds",
        ),
        (
            1,
            "cv linear --data data --limit 4 --folds 2 --split contiguous",
            "fold 1 of 2: class 0 has no training row",
        ),
        (1, "cv linear --data nowhere", "nowhere"),
    ] {
        room.fails(code, arguments, &[expected]);
    }
}
