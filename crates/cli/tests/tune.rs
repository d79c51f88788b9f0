//! `tune` through the binary: its searches, the space in a file, and what it says to do next.

mod common;

use common::{Room, csv_rows};
use serde_json::Value;

fn results(found: &Value) -> &Vec<Value> {
    found["results"].as_array().unwrap()
}

#[test]
fn the_same_seed_draws_the_same_models() {
    let room = Room::with_data();
    room.write(
        "space.toml",
        "# what is tried\nfeatures = [\"raw\", \"hist:space=rgb,bins=4\"]\nloss = [\"softmax\", \"ridge\"]\n\
         penalty = \"l2\"\nlambda = { low = 1e-4, high = 1 }\n",
    );
    let run = |more: &str| room.json(&format!("tune --data data --space space.toml {more}"));
    let first = run("--trials 6 --results r.csv");
    assert_eq!(results(&first).len(), 6);
    assert_eq!(
        (&first["search"], &first["judged_by"]),
        (&Value::from("random"), &Value::from("val"))
    );
    let params = |found: &Value| -> Vec<String> {
        let mut params: Vec<String> = results(found)
            .iter()
            .map(|one| one["params"].to_string())
            .collect();
        params.sort();
        params
    };
    let flags = room.json(
        "tune --data data --features raw --features hist:space=rgb,bins=4 --loss softmax,ridge --lambda 1e-4..1 --trials 6",
    );
    assert_eq!(params(&flags), params(&first));
    assert_ne!(params(&run("--trials 6 --seed 1")), params(&first));
    // More of them leave the first ones as they are.
    let (_, notes) =
        room.ok("tune --data data --space space.toml --trials 8 --results r.csv --resume");
    assert!(notes.contains("6 of 8 fits are taken"), "{notes}");
    assert_eq!(csv_rows(&room.path("r.csv")).1.len(), 8);
}

#[test]
fn halving_gives_all_rows_to_the_best() {
    let room = Room::new();
    room.ok("data synth --out data --n-train 800 --n-test 10 --quiet");
    let found = room.json(
        "tune --data data --features hist:space=rgb,bins=4 --search halving --trials 5 --eta 2 --lambda 1e-4..1",
    );
    assert_eq!(found["eta"], 2);
    let rows: Vec<u64> = results(&found)
        .iter()
        .map(|one| one["n_train"].as_u64().unwrap())
        .collect();
    // 720 rows fit; a round has at least 20 a class.
    assert_eq!(rows, [720, 720, 720, 360, 360]);
    let best = &found["best"]["mean"];
    assert!(
        results(&found)[..3]
            .iter()
            .all(|one| one["mean"].as_f64() <= best.as_f64())
    );
}

#[test]
fn the_end_says_what_to_do_next() {
    let room = Room::with_data();
    let found = room.json(
        "tune --data data --search grid --features hist:space=rgb,bins=4 --penalty elastic --beta 0.5 \
         --lambda 0.01,0.1 --folds 3 --class-weights balanced --tolerance 1e-3",
    );
    assert_eq!(found["folds"], 3);
    assert!(
        !room.path("data/.nearplane-looks.csv").exists(),
        "a look at the test split"
    );
    let command = found["train_command"].as_str().unwrap();
    let words = command.strip_prefix("nearplane ").unwrap();
    let trained = room.json(words);
    for name in ["loss", "penalty", "beta", "lambda", "features"] {
        let expected = &found["best"]["params"][name];
        assert_eq!(&trained[name], expected, "{name} of {command}");
    }
    assert_eq!(trained["class_weights"], "balanced");
    assert_eq!(trained["options"]["tolerance"], 1e-3);
    let command = found["eval_command"].as_str().unwrap();
    room.ok(command.strip_prefix("nearplane ").unwrap());
    let (text, _) = room.ok("tune --data data --search grid --lambda 0.1");
    assert!(
        text.contains("\n  nearplane train --data data --features raw --loss softmax"),
        "{text}"
    );
    assert!(
        text.contains("\n  nearplane eval best.safetensors --data data"),
        "{text}"
    );
    let help = room.ok("tune --help").0;
    assert!(!help.contains("--on "), "{help}");
}

#[test]
fn own_matrices_are_judged_by_those_that_are_named() {
    let room = Room::with_data();
    room.ok("data export --data data --out arrays");
    let own = "--x arrays/x_train.npy --y arrays/y_train.npy";
    let eval = "--x-eval arrays/x_test.npy --y-eval arrays/y_test.npy";
    let found = room.json(&format!(
        "tune {own} {eval} --search grid --lambda 0.1 --results r.csv"
    ));
    assert_eq!(found["judged_by"], "x-eval");
    let (header, rows) = csv_rows(&room.path("r.csv"));
    let at = header.iter().position(|name| name == "n_val").unwrap();
    assert_eq!(rows[0][at], "12");
    let trained = room.json(
        found["train_command"]
            .as_str()
            .unwrap()
            .strip_prefix("nearplane ")
            .unwrap(),
    );
    assert_eq!(trained["val_accuracy"], found["best"]["mean"]);
    room.fails(
        2,
        &format!("tune {own} {eval} --folds 3"),
        &["two ways to judge"],
    );
}

#[test]
fn a_bad_space_names_line_key_and_what_is_expected() {
    let room = Room::with_data();
    for (text, expected) in [
        (
            "\nlamda = 1",
            "line 2: unknown key 'lamda', expected features, loss, penalty, beta or lambda",
        ),
        (
            "loss = [\n\"softmax\",\n\"smax\"]",
            "line 3: unknown loss 'smax', expected one of svm,",
        ),
        (
            "loss = 3",
            "line 1: loss is of type integer, expected a name such as \"softmax\"",
        ),
        (
            "penalty = \"l3\"",
            "line 1: unknown penalty 'l3', expected none, l2, l1 or elastic",
        ),
        (
            "lambda = \"x\"",
            "line 1: lambda is of type string, expected a number",
        ),
        (
            "\n\nlambda = [1, -2]",
            "line 3: lambda is -2, expected a finite number, 0 or above",
        ),
        ("lambda = nan", "line 1: lambda is nan"),
        ("lambda = []", "line 1: lambda is an empty list"),
        ("lambda = { low = 1 }", "line 1: lambda needs both ends"),
        (
            "lambda = { low = 1, hi = 2 }",
            "line 1: unknown key 'lambda.hi', expected low and high",
        ),
        (
            "lambda = { low = 2, high = 1 }",
            "line 1: lambda goes from 2 to 1",
        ),
        ("features = [\"hug\"]", "line 1: --features: "),
        ("loss = ", "line 1: "),
        ("loss = \"svm\"\nloss = \"svm\"", "line 2: "),
    ] {
        room.write("space.toml", text);
        room.fails(
            1,
            "tune --data data --space space.toml",
            &["space.toml, ", expected],
        );
    }
    for (code, arguments, expected) in [
        (
            1,
            "tune --data data --space nothing.toml",
            "cannot read nothing.toml",
        ),
        (
            2,
            "tune --data data --space s.toml --loss svm",
            "cannot be used with",
        ),
        (
            2,
            "tune --data data --search grid --trials 3",
            "--trials has no meaning with --search grid",
        ),
        (
            2,
            "tune --data data --eta 3",
            "--eta needs --search halving",
        ),
        (
            2,
            "tune --data data --on test",
            "unexpected argument '--on'",
        ),
        (
            2,
            "tune --data data --folds loo",
            "--folds loo would be a fit for each row",
        ),
        (2, "tune --data data --trials 0", "0 is not in 1..="),
    ] {
        room.fails(code, arguments, &[expected]);
    }
}
