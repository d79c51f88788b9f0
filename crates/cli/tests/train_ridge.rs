//! `nearplane train --loss ridge` through the binary: what the record says, against the model that was written, and
//! every refusal.

mod common;

use common::{N_TEST, Room, csv_rows};
use nearplane_kernels::{Level, MatRef};
use nearplane_models::linear::{Loss, Penalty};
use nearplane_models::model_file::LinearModelFile;
use nearplane_models::neighbors::Rows;
use serde_json::{Value, json};

const N: usize = 90;
const D: usize = 40;

/// Bytes that tell three classes apart, mostly.
fn cells() -> Vec<u8> {
    let cell = |i: usize| {
        let noise = (i * i * 31 + i * 7919) % 151;
        let told = if i % D % 3 == i / D % 3 { 40 } else { 0 };
        (noise + told) as u8
    };
    (0..N * D).map(cell).collect()
}

/// A `.npy` file of bytes.
fn npy(shape: &str, cells: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(118u16.to_le_bytes());
    bytes.extend(format!("{header:<117}\n").into_bytes());
    bytes.extend(cells);
    bytes
}

/// A folder with rows of bytes and their labels.
fn room() -> Room {
    let room = Room::new();
    room.write("x.npy", npy(&format!("{N}, {D}"), &cells()));
    let labels: Vec<u8> = (0..N).map(|i| (i % 3) as u8).collect();
    room.write("y.npy", npy(&format!("{N},"), &labels));
    room
}

const TRAIN: &str = "train --x x.npy --y y.npy --loss ridge";

fn number(record: &Value, field: &str) -> f64 {
    let value = record[field].as_f64();
    value.unwrap_or_else(|| panic!("{field} is {}", record[field]))
}

/// The model, and its scores of the rows.
fn scores(room: &Room, name: &str) -> (LinearModelFile, Vec<f32>) {
    let file = LinearModelFile::from_bytes(&std::fs::read(room.path(name)).unwrap()).unwrap();
    let cells = cells();
    let rows = Rows::from_mat(MatRef::from_rows(&cells, D)).unwrap();
    let scores = file.model.scores(Level::detect(), &rows).unwrap();
    (file, scores)
}

#[test]
fn the_record_is_that_of_the_model() {
    let room = room();
    let record = room.json(&format!(
        "{TRAIN} --lambda 0.02,2,0.2 --out m.safetensors --results r.csv"
    ));
    assert_eq!(record["loss"], "ridge");
    assert_eq!(record["penalty"], "l2");
    assert_eq!(record["solver"], "closed-form");
    assert_eq!(record["options"], json!({"leave-one-out": true}));
    assert_eq!(record["chosen_by"], "leave-one-out accuracy");
    for nothing in ["epochs", "passes", "converged", "beta"] {
        assert!(record[nothing].is_null(), "{nothing}");
    }

    // Of equal ones the largest lambda.
    let path = record["path"].as_array().unwrap();
    let lambdas: Vec<f64> = path.iter().map(|fit| number(fit, "lambda")).collect();
    assert_eq!(lambdas, [2.0, 0.2, 0.02]);
    let best = path.iter().map(|fit| number(fit, "loo_accuracy"));
    let best = best.fold(0.0, f64::max);
    let chosen = path.iter().find(|fit| number(fit, "loo_accuracy") == best);
    let chosen = chosen.unwrap();
    for field in [
        "lambda",
        "val_accuracy",
        "loo_accuracy",
        "loo_squared_error",
    ] {
        assert_eq!(chosen[field], record[field], "{field}");
    }
    let interval = &record["loo_ci95"];
    assert!(interval[0].as_f64().unwrap() <= best && best <= interval[1].as_f64().unwrap());

    // The objective, by its definition.
    let (file, scores) = scores(&room, "m.safetensors");
    assert_eq!(file.model.loss(), Loss::Ridge);
    assert_eq!(file.training.penalty, Penalty::L2);
    assert_eq!(file.training.solver, "closed-form");
    let lambda = number(&record, "lambda");
    let mut squares = 0.0;
    let mut right = 0;
    for (i, row) in scores.chunks(3).enumerate() {
        let label = i % 3;
        for (k, &score) in row.iter().enumerate() {
            squares += (f64::from(score) - f64::from(u8::from(k == label))).powi(2);
        }
        let above = row.iter().filter(|score| **score > row[label]);
        right += usize::from(above.count() == 0);
    }
    let squared_error = squares / N as f64;
    // The solver sees pixels over 255.
    let of_z = file
        .model
        .weight()
        .iter()
        .map(|&w| (255.0 * f64::from(w)).powi(2));
    let objective = squared_error + lambda * of_z.sum::<f64>();
    let found = number(&record, "objective");
    assert!((found - objective).abs() < 1e-5, "{found} {objective}");
    assert!(number(&record, "gap") < 1e-5 * found, "{}", record["gap"]);
    assert_eq!(number(&record, "train_accuracy"), right as f64 / N as f64);
    // A row is predicted worse by fits that have not seen it.
    let left_out = number(&record, "loo_squared_error");
    assert!(left_out > squared_error, "{left_out} {squared_error}");

    let (header, rows) = csv_rows(&room.path("r.csv"));
    let at = |name: &str| header.iter().position(|known| known == name).unwrap();
    assert_eq!(rows[0][at("loss")], "ridge");
    assert_eq!(
        rows[0][at("loo_accuracy")],
        record["loo_accuracy"].to_string()
    );
    assert_eq!(rows[0][at("options")], "leave-one-out=true");
}

#[test]
fn one_lambda_is_left_out_too_and_fits_as_when_it_is_chosen() {
    let room = room();
    let train = format!("{TRAIN} --class-weights balanced --force");
    let several = room.json(&format!("{train} --lambda 1,0.01 --out a.safetensors"));
    let lambda = number(&several, "lambda");
    let alone = room.json(&format!("{train} --lambda {lambda} --out b.safetensors"));
    assert!(alone["chosen_by"].is_null());
    for field in [
        "loo_accuracy",
        "loo_squared_error",
        "val_accuracy",
        "objective",
    ] {
        assert_eq!(alone[field], several[field], "{field}");
    }
    let read = |name: &str| std::fs::read(room.path(name)).unwrap();
    assert_eq!(read("a.safetensors"), read("b.safetensors"));
    for threads in [1, 2] {
        room.ok(&format!(
            "{train} --lambda {lambda} --threads {threads} --out c.safetensors"
        ));
        assert_eq!(read("c.safetensors"), read("b.safetensors"));
    }
    let (text, _) = room.ok(&format!("{train} --lambda 1,0.01 --out a.safetensors"));
    for expected in [
        "leave-one-out",
        "squared error",
        "chosen by leave-one-out accuracy",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn eval_and_predict_take_the_model() {
    let room = Room::with_data();
    room.ok("train --data data --loss ridge --features hist:space=rgb,bins=4 --out m.safetensors");
    let record = room.json("eval m.safetensors --data data");
    assert_eq!(record["model"]["loss"], "ridge");
    assert_eq!(record["model"]["solver"], "closed-form");
    assert_eq!(record["n_eval"], N_TEST);
    let image = image::RgbImage::from_pixel(40, 30, image::Rgb([200, 30, 40]));
    image.save(room.path("red.png")).unwrap();
    let record = room.json("predict m.safetensors red.png");
    let prediction = &record["predictions"][0];
    assert_eq!(prediction["scores"].as_array().unwrap().len(), 4);
    assert!(prediction["probabilities"].is_null());
}

#[test]
fn what_has_no_meaning_gets_one_line() {
    let room = Room::with_data();
    let train = "train --data data --loss ridge --out m.safetensors";
    for (options, expected) in [
        ("--solver exact", &["--solver", "closed form"][..]),
        ("--solver sgd", &["--solver", "closed form"]),
        ("--tolerance 1e-3", &["--tolerance", "closed form"]),
        ("--epochs 3", &["--epochs", "closed form"]),
        ("--resume", &["--resume", "closed form"]),
        ("--penalty l1", &["--penalty l2 only"]),
        ("--penalty none", &["--penalty l2 only"]),
        ("--penalty elastic --beta 2", &["--penalty l2 only"]),
        ("--beta 2", &["--beta needs --penalty elastic"]),
        ("--lambda 0", &["--lambda is 0", "above 0"]),
        ("--lambda 1,-1", &["--lambda is -1"]),
        ("--lambda inf", &["--lambda is inf"]),
    ] {
        room.fails(2, &format!("{train} {options}"), expected);
    }
    assert!(!room.path("m.safetensors").exists());
    room.fails(
        1,
        "train --data data --loss ridge --limit 3 --out m.safetensors",
        &["class 3 (dog)", "--limit"],
    );
    room.write("m.safetensors", "theirs");
    room.fails(1, train, &["m.safetensors exists", "--force"]);
}
