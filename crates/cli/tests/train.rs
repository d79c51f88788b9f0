//! `nearplane train` through the binary: models, records, and every refusal.

mod common;

use common::{N_TRAIN, Room, csv_rows};
use nearplane_kernels::{Level, MatRef};
use nearplane_models::linear::{Loss, Penalty};
use nearplane_models::model_file::{LinearModelFile, ModelInput};
use nearplane_models::neighbors::Rows;
use serde_json::{Value, json};

fn bytes(room: &Room, name: &str) -> Vec<u8> {
    std::fs::read(room.path(name)).unwrap()
}

fn model(room: &Room, name: &str) -> LinearModelFile {
    LinearModelFile::from_bytes(&bytes(room, name)).unwrap()
}

/// A `.npy` file of version 1.
fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({shape}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// Two columns of floats that tell the classes apart, and one that is constant; labels as bytes.
fn matrix(room: &Room, x: &str, y: &str, labels: &[u8]) {
    let cells = labels.iter().enumerate().flat_map(|(i, &label)| {
        let noise = (i * 7 % 11) as f32 / 11.0;
        [
            f32::from(label) + noise,
            100.0 - f32::from(label) * noise,
            3.0,
        ]
    });
    let cells: Vec<u8> = cells.flat_map(f32::to_le_bytes).collect();
    room.write(x, npy("<f4", &format!("{}, 3", labels.len()), &cells));
    room.write(y, npy("|u1", &format!("{},", labels.len()), labels));
}

fn labels(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i % 3) as u8).collect()
}

fn number(record: &Value, field: &str) -> f64 {
    let value = record[field].as_f64();
    value.unwrap_or_else(|| panic!("{field} is {}", record[field]))
}

#[test]
fn the_model_predicts_what_the_record_says() {
    let room = Room::with_data();
    for (name, options) in [
        ("e", "--lambda 0.01"),
        ("s", "--lambda 0.01 --solver sgd --epochs 5 --batch 16"),
    ] {
        let record = room.json(&format!(
            "train --data data --out {name}.safetensors {options}"
        ));
        assert_eq!(record["schema"], "nearplane/train/1");
        assert_eq!(record["n_train"], N_TRAIN);
        assert_eq!(record["n_val"], 8);
        assert_eq!(record["features"], "raw");
        assert_eq!(record["lambda"], 0.01);
        let file = model(&room, &format!("{name}.safetensors"));
        assert_eq!(file.classes, ["ant", "bee", "cow", "dog"]);
        assert_eq!(file.training.penalty, Penalty::L2);
        assert_eq!(file.training.rows, N_TRAIN as u64);
        assert_eq!(json!(file.training.data), record["data"]["hash"]);
        assert!(
            matches!(&file.input, ModelInput::Images { features, .. } if features.to_string() == "raw")
        );
        let pixels = bytes(&room, "data/data_batch_1.bin");
        let rows = MatRef::new(&pixels[1..], N_TRAIN, 3072, 3073);
        let rows = Rows::from_mat(rows).unwrap();
        let predicted = file.model.predict(Level::detect(), &rows).unwrap();
        let truth = pixels.iter().step_by(3073);
        let right = predicted
            .iter()
            .zip(truth)
            .filter(|(p, t)| **p == u32::from(**t));
        let accuracy = right.count() as f64 / N_TRAIN as f64;
        assert_eq!(number(&record, "train_accuracy"), accuracy);
        assert!(accuracy > 0.5, "{accuracy}");
        assert!((0.0..=1.0).contains(&number(&record, "val_accuracy")));
        assert!(
            !room
                .path(&format!("{name}.safetensors.checkpoint"))
                .exists()
        );
    }
}

/// The optimum is one number, and the gap says how far the solver is from it.
#[test]
fn both_solvers_come_to_the_same_objective() {
    let room = Room::new();
    matrix(&room, "x.npy", "y.npy", &labels(90));
    let fed = "train --x x.npy --y y.npy --lambda 0.1 --force --out m.safetensors";
    let exact = room.json(&format!("{fed} --tolerance 1e-5"));
    assert_eq!(exact["converged"], true);
    let (least, gap) = (number(&exact, "objective"), number(&exact, "gap"));
    assert!((0.0..=1e-5 * least).contains(&gap), "{gap} of {least}");
    assert!(exact["features"].is_null());
    let trace = exact["trace"].as_array().unwrap();
    assert!(trace.len() > 1);
    let last = trace.last().unwrap();
    assert!(number(last, "objective") <= number(&trace[0], "objective"));
    assert!(number(last, "s") <= number(&exact, "fit_s"));

    let sgd = room.json(&format!("{fed} --solver sgd --epochs 200 --batch 90"));
    assert_eq!(sgd["epochs"], 200);
    assert_eq!(sgd["trace"].as_array().unwrap().len(), 200);
    let found = number(&sgd, "objective");
    let missing = number(&sgd, "gap");
    assert!(missing >= found - least - 1e-6, "{missing} {found} {least}");
    assert!(missing <= 0.05 * found, "{missing} of {found}");
    assert!(
        number(&sgd, "stationarity") < 0.1,
        "{}",
        sgd["stationarity"]
    );
    assert!(found >= least - gap - 1e-6, "{found} is below {least}");
    assert!(found <= least * 1.01, "{found} is far above {least}");
    // Running statistics penalise other weights; without a penalty there is no bound.
    for (options, has_stationarity) in [
        ("--lambda 0.1 --running-statistics 0.1", false),
        ("--penalty none", true),
    ] {
        let record = room.json(&format!(
            "{} --solver sgd --epochs 2 {options}",
            fed.replace("--lambda 0.1", "")
        ));
        assert!(record["gap"].is_null(), "{options}");
        assert_eq!(record["stationarity"].is_number(), has_stationarity);
    }
    // Before the only step of an epoch every class is as likely as another.
    let one = fed.replace(
        "--lambda 0.1",
        "--lambda 0 --epochs 1 --batch 90 --solver sgd",
    );
    let first = &room.json(&one)["trace"][0];
    let chance = 3f64.ln();
    assert!(
        (number(first, "objective") - chance).abs() < 1e-6,
        "{first}"
    );
}

#[test]
fn every_loss_and_penalty_is_fitted_by_both_solvers() {
    let room = Room::new();
    matrix(&room, "x.npy", "y.npy", &labels(60));
    // Ridge has a solver of its own.
    let losses = Loss::ALL.into_iter().filter(|loss| *loss != Loss::Ridge);
    for loss in losses.map(Loss::name) {
        for penalty in ["none", "l2", "l1", "elastic --beta 0.5"] {
            let lambda = if penalty == "none" {
                ""
            } else {
                "--lambda 0.01"
            };
            for solver in ["exact --max-passes 30 --quiet", "sgd --epochs 3"] {
                let record = room.json(&format!(
                    "train --x x.npy --y y.npy --loss {loss} --penalty {penalty} {lambda} --solver {solver} \
                     --out m.safetensors --force"
                ));
                assert_eq!(record["loss"], loss);
                assert!(number(&record, "objective").is_finite());
                let file = model(&room, "m.safetensors");
                assert_eq!(file.model.loss().name(), loss);
                assert!(penalty.starts_with(file.training.penalty.name()));
            }
        }
    }
}

#[test]
fn without_a_lambda_the_best_on_validation_rows_is_chosen() {
    let room = Room::with_data();
    for solver in ["exact", "sgd --epochs 3 --batch 16"] {
        let run = |options: &str, out: &str| {
            room.json(&format!(
                "train --data data --limit 60 --features hist:space=rgb,bins=4 --solver {solver} {options} --out {out}"
            ))
        };
        let record = run("--results r.csv --force", "chosen.safetensors");
        let path = record["path"].as_array().unwrap();
        assert_eq!(path.len(), 11);
        let best = path.iter().map(|fit| number(fit, "val_accuracy"));
        let best = best.fold(0.0, f64::max);
        assert_eq!(number(&record, "val_accuracy"), best);
        let first = path.iter().find(|fit| number(fit, "val_accuracy") == best);
        assert_eq!(first.unwrap()["lambda"], record["lambda"]);
        // What was chosen is what the lambda gives by itself.
        let lambda = number(&record, "lambda");
        run(&format!("--lambda {lambda} --force"), "given.safetensors");
        assert_eq!(
            bytes(&room, "chosen.safetensors"),
            bytes(&room, "given.safetensors")
        );
        assert_eq!(record["limit"], 60);
    }
    let (header, rows) = csv_rows(&room.path("r.csv"));
    assert_eq!(rows.len(), 2);
    let at = |name: &str| header.iter().position(|known| known == name).unwrap();
    assert_eq!(rows[0][at("solver")], "exact");
    assert_eq!(rows[1][at("solver")], "sgd");
    assert!(rows[1][at("options")].contains("epochs=3 batch=16"));
    assert!(rows[1][at("gap")].parse::<f64>().unwrap() > 0.0);
    assert_eq!(rows[1][at("chosen_by")], "validation accuracy");
    assert_eq!(rows[1][at("loo_accuracy")], "");
}

/// Other rows than those that train decide nothing: the test images may be anything.
#[test]
fn the_test_split_is_not_read() {
    let room = Room::with_data();
    let run = |out: &str| {
        room.ok(&format!("train --data data --lambda 0.1 --out {out}"));
        let LinearModelFile { model, .. } = model(&room, out);
        (model.weight().to_vec(), model.bias().to_vec())
    };
    let before = run("a.safetensors");
    let test = room.path("data/test_batch.bin");
    let mut images = std::fs::read(&test).unwrap();
    images
        .iter_mut()
        .skip(1)
        .step_by(2)
        .for_each(|byte| *byte = 0);
    images.iter_mut().step_by(3073).for_each(|label| *label = 0);
    std::fs::write(&test, images).unwrap();
    assert_eq!(run("b.safetensors"), before);
    assert!(!room.path("data/.nearplane-looks.csv").exists());
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let room = Room::with_data();
    for options in [
        "--lambda 0.01",
        "--loss svm --penalty l1 --lambda 0.001 --max-passes 50 --quiet",
        "--lambda 0.01,0.001 --solver sgd --epochs 4 --batch 16 --average 0.5 --dropout 0.3 --seed 3",
        "--lambda 0.01 --solver sgd --epochs 8 --optimizer adam --patience 2 --running-statistics 0.1",
        "--lambda 0.01 --solver sgd --epochs 3 --features hist+raw --class-weights balanced",
    ] {
        let mut models = Vec::new();
        for threads in [1, 2, 1, 2] {
            room.ok(&format!(
                "train --data data --out m.safetensors --force --threads {threads} {options}"
            ));
            models.push(bytes(&room, "m.safetensors"));
        }
        assert!(models.iter().all(|model| *model == models[0]), "{options}");
    }
    let with_seed = |seed: u32| {
        room.ok(&format!(
            "train --data data --out m.safetensors --force --lambda 0.01 --solver sgd --epochs 2 --batch 16 --seed {seed}"
        ));
        model(&room, "m.safetensors").model
    };
    assert_ne!(with_seed(0), with_seed(1));
}

#[test]
fn rows_of_their_own_judge_the_fits() {
    let room = Room::new();
    matrix(&room, "x.npy", "y.npy", &labels(60));
    matrix(&room, "e.npy", "el.npy", &labels(30));
    let fed = "train --x x.npy --y y.npy --x-eval e.npy --y-eval el.npy --lambda 0.01";
    let record = room.json(&format!("{fed} --out m.safetensors"));
    assert_eq!(
        (&record["n_train"], &record["n_val"]),
        (&json!(60), &json!(30))
    );
    matrix(&room, "e.npy", "el.npy", &[0, 1, 3]);
    room.fails(
        1,
        &format!("{fed} --out n.safetensors"),
        &["validation row 2", "label 3"],
    );
}

#[test]
fn bad_data_get_one_line() {
    let room = Room::with_data();
    let fed = "train --x x.npy --y y.npy --out m.safetensors --lambda 0.1";
    let both = ["exact", "sgd"];
    matrix(&room, "x.npy", "y.npy", &labels(40));
    let cells: Vec<u8> = (0..120)
        .flat_map(|i| if i == 100 { f32::NAN } else { i as f32 }.to_le_bytes())
        .collect();
    room.write("x.npy", npy("<f4", "40, 3", &cells));
    for solver in both {
        room.fails(1, &format!("{fed} --solver {solver}"), &["x.npy", "NaN"]);
    }
    matrix(&room, "x.npy", "y.npy", &[0, 2, 0, 2, 0, 2]);
    room.fails(1, fed, &["class 1 has no training row"]);
    matrix(&room, "x.npy", "y.npy", &[1; 10]);
    room.fails(1, fed, &["class 0 has no training row"]);
    matrix(&room, "x.npy", "y.npy", &[0; 10]);
    room.fails(1, fed, &["one class", "at least 2"]);
    matrix(&room, "x.npy", "y.npy", &labels(40));
    matrix(&room, "other.npy", "y.npy", &labels(39));
    room.fails(1, fed, &["39 labels", "40 rows"]);
    matrix(&room, "x.npy", "y.npy", &[0, 1, 1]);
    room.fails(1, fed, &["class 0 has 1 row", "give more rows"]);
    // Of the first rows, some classes are missing.
    room.fails(
        1,
        "train --data data --limit 3 --out m.safetensors",
        &["class 3 (dog)", "--limit"],
    );
    room.fails(
        1,
        "train --data data --lambda 0.1 --solver sgd --rate 1e30 --out m.safetensors",
        &["diverged", "learning rate"],
    );
    room.fails(
        1,
        "train --data data --out data/m.safetensors",
        &["lies in the folder of the data set"],
    );
}

#[test]
fn bad_options_get_one_line() {
    let room = Room::with_data();
    let train = "train --data data --out m.safetensors";
    for (options, expected) in [
        ("--lambda -1", &["--lambda is -1", "0 or above"][..]),
        ("--lambda NaN", &["--lambda is NaN"]),
        ("--lambda 0.1,x", &["x"]),
        ("--lambda 0.1 --penalty none", &["--lambda", "none"]),
        ("--loss hinge", &["hinge", "svm", "softmax"]),
        ("--penalty l3", &["l3", "elastic"]),
        ("--beta 1", &["--beta needs --penalty elastic"]),
        ("--penalty elastic --beta -1", &["--beta is -1"]),
        ("--epochs 3", &["--epochs needs --solver sgd"]),
        ("--resume", &["--resume needs --solver sgd"]),
        (
            "--solver sgd --tolerance 1",
            &["--tolerance needs --solver exact"],
        ),
        ("--tolerance -1", &["--tolerance is -1"]),
        ("--max-passes 0", &["--max-passes is 0"]),
        ("--solver sgd --epochs 0", &["--epochs is 0"]),
        ("--solver sgd --batch 0", &["--batch is 0"]),
        ("--solver sgd --rate -0.1", &["--rate is -0.1"]),
        ("--solver sgd --momentum 1", &["--momentum is 1"]),
        (
            "--solver sgd --momentum 0.5 --optimizer adam",
            &["--momentum", "adam"],
        ),
        ("--solver sgd --dropout 1", &["--dropout is 1"]),
        ("--solver sgd --average 2", &["--average is 2"]),
        ("--solver sgd --patience 0", &["--patience is 0"]),
        (
            "--solver sgd --running-statistics 0",
            &["--running-statistics is 0"],
        ),
        ("--solver sgd --schedule linear", &["linear", "cosine"]),
        (
            "--solver sgd --schedule step:every=1,factor=2",
            &["--schedule is factor = 2"],
        ),
        ("--features hop", &["character 1", "hog"]),
        ("--x a.npy", &["--x needs --y"]),
        ("--class-weights some", &["some", "balanced"]),
    ] {
        room.fails(2, &format!("{train} {options}"), expected);
    }
    room.fails(
        2,
        "train --data data --out m.bin",
        &["m.bin", ".safetensors"],
    );
    room.fails(2, "train --data data", &["--out"]);
    room.write("m.safetensors", "theirs");
    room.fails(1, train, &["m.safetensors exists", "--force"]);
}

#[test]
fn a_finished_run_leaves_nothing_to_resume() {
    let room = Room::with_data();
    let train = "train --data data --lambda 0.1 --solver sgd --epochs 2 --out m.safetensors";
    room.fails(
        1,
        &format!("{train} --resume"),
        &["nothing to resume", "m.safetensors.checkpoint"],
    );
    room.ok(train);
    room.fails(
        1,
        &format!("{train} --resume --force"),
        &["nothing to resume"],
    );
    room.write("m.safetensors.checkpoint", "theirs");
    std::fs::remove_file(room.path("m.safetensors")).unwrap();
    room.fails(1, train, &["--resume continues it", "--force"]);
    room.fails(
        1,
        &format!("{train} --resume"),
        &["cannot resume from m.safetensors.checkpoint"],
    );
}
