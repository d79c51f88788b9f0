//! `nearplane predict` through its binary: the same answers as for the same images in a data set, and all that is
//! refused.

mod common;
#[path = "common/models.rs"]
mod models;

use std::path::Path;

use common::{N_CLASSES, N_TEST, Room, csv_rows, tiny};
use image::{Rgb, RgbImage};
use nearplane_cifar::import::read_image;
use nearplane_models::linear::{LinearModel, Loss};
use nearplane_models::model_file::LinearModelFile;
use serde_json::{Value, json};

/// A folder with a model.
fn room(file: &LinearModelFile) -> Room {
    let room = Room::with_data();
    room.write("m.safetensors", file.to_bytes().unwrap());
    room
}

/// Pixels plane by plane as a PNG file.
fn save(pixels: &[u8], path: &Path) {
    let image = RgbImage::from_fn(32, 32, |x, y| {
        let at = (y * 32 + x) as usize;
        Rgb([pixels[at], pixels[1024 + at], pixels[2048 + at]])
    });
    image.save(path).unwrap();
}

/// Every test image as `0.png`, `1.png`, ...; their names in order.
fn test_images(room: &Room) -> String {
    let (_, pixels) = models::split(&tiny().test);
    let mut names = String::new();
    for (i, pixels) in pixels.chunks(3072).enumerate() {
        save(pixels, &room.path(&format!("{i}.png")));
        names.push_str(&format!(" {i}.png"));
    }
    names
}

#[test]
fn files_get_the_labels_of_the_same_images_in_a_data_set() {
    for file in [
        models::of_bytes(Loss::Softmax),
        models::of_features("hog:mode=skimage"),
    ] {
        let room = room(&file);
        let record = room.json(&format!("predict m.safetensors{}", test_images(&room)));
        let evaluated = room.json("eval m.safetensors --data data");
        assert_eq!(record["answer"], evaluated["answer"]);
        assert_eq!(record["predictions"].as_array().unwrap().len(), N_TEST);
    }
}

#[test]
fn scores_are_those_of_the_definition() {
    let (_, pixels) = models::split(&tiny().test);
    for loss in [Loss::Softmax, Loss::Svm] {
        let file = models::of_bytes(loss);
        let room = room(&file);
        let record = room.json(&format!("predict m.safetensors{}", test_images(&room)));
        assert_eq!(record["schema"], "nearplane/predict/1");
        assert_eq!(record["classes"], json!(tiny().class_names));
        let expected = models::scores(&file.model, &pixels);
        for (i, expected) in expected.chunks(N_CLASSES).enumerate() {
            let found = &record["predictions"][i];
            assert_eq!(found["file"], format!("{i}.png"));
            let label = models::largest(expected);
            assert_eq!(found["label"], label);
            assert_eq!(found["class"], tiny().class_names[label]);
            for (class, score) in expected.iter().enumerate() {
                let got = found["scores"][class].as_f64().unwrap();
                assert!((got - score).abs() < 1e-4, "{got}, expected {score}");
            }
            if loss != Loss::Softmax {
                assert_eq!(found["probabilities"], Value::Null);
                continue;
            }
            let exponentials: Vec<f64> = expected.iter().map(|score| score.exp()).collect();
            let sum: f64 = exponentials.iter().sum();
            for (class, exponential) in exponentials.iter().enumerate() {
                let got = found["probabilities"][class].as_f64().unwrap();
                assert!((got - exponential / sum).abs() < 1e-4, "{got}");
            }
        }
    }
}

#[test]
fn images_of_any_size_are_read_as_an_import_reads_them() {
    let file = models::of_bytes(Loss::Svm);
    let room = room(&file);
    let picture = RgbImage::from_fn(90, 41, |x, y| {
        Rgb([(2 * x) as u8, (6 * y) as u8, ((x * y) % 251) as u8])
    });
    // Told apart by content, not by name.
    picture
        .save_with_format(room.path("a.dat"), image::ImageFormat::Png)
        .unwrap();
    picture.save(room.path("b.jpg")).unwrap();
    let record = room.json("predict m.safetensors a.dat b.jpg");
    for (i, name) in ["a.dat", "b.jpg"].into_iter().enumerate() {
        let pixels = read_image(&room.path(name)).unwrap();
        let expected = models::scores(&file.model, &pixels);
        for (class, score) in expected.iter().enumerate() {
            let got = record["predictions"][i]["scores"][class].as_f64().unwrap();
            assert!(
                (got - score).abs() < 1e-4,
                "{name}: {got}, expected {score}"
            );
        }
    }
}

#[test]
fn people_see_the_best_three_and_tables_hold_a_row_an_image() {
    let room = room(&models::of_bytes(Loss::Softmax));
    test_images(&room);
    let record = room.json("predict m.safetensors 3.png 0.png");
    let (text, _) = room.ok("predict m.safetensors 3.png 0.png --results r.csv");
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let header = [
        "file",
        "class",
        "probability",
        "second",
        "probability",
        "third",
        "probability",
    ];
    assert_eq!(lines[1], header, "{text}");
    for (i, name) in ["3.png", "0.png"].into_iter().enumerate() {
        let found = &record["predictions"][i];
        let mut best: Vec<(f64, usize)> = (0..N_CLASSES)
            .map(|class| (found["probabilities"][class].as_f64().unwrap(), class))
            .collect();
        best.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut row = vec![name.to_owned()];
        for (probability, class) in &best[..3] {
            row.extend([
                tiny().class_names[*class].clone(),
                format!("{probability:.4}"),
            ]);
        }
        assert_eq!(lines[3 + i], row, "{text}");
    }

    let (header, rows) = csv_rows(&room.path("r.csv"));
    let column = |name: &str| header.iter().position(|h| h == name).expect(name);
    assert_eq!(rows.len(), 2);
    for (row, found) in rows.iter().zip(record["predictions"].as_array().unwrap()) {
        assert_eq!(row[column("file")], found["file"].as_str().unwrap());
        assert_eq!(row[column("label")], found["label"].to_string());
        assert_eq!(row[column("class")], found["class"].as_str().unwrap());
    }

    room.write(
        "s.safetensors",
        models::of_bytes(Loss::Svm).to_bytes().unwrap(),
    );
    let (text, _) = room.ok("predict s.safetensors 3.png");
    assert!(
        text.contains("score") && !text.contains("probability"),
        "{text}"
    );
}

#[test]
fn one_unreadable_image_predicts_nothing() {
    let room = room(&models::of_bytes(Loss::Softmax));
    test_images(&room);
    let whole = std::fs::read(room.path("0.png")).unwrap();
    room.write("cut.png", &whole[..whole.len() / 2]);
    room.write("text.png", "hello");
    std::fs::create_dir(room.path("photos")).unwrap();
    for (images, expected) in [
        (
            "0.png none.png",
            ["cannot read the image none.png", "no such file"],
        ),
        (
            "0.png cut.png",
            ["cannot read the image cut.png", "ends before its end chunk"],
        ),
        (
            "text.png",
            ["cannot read the image text.png", "neither a JPEG nor a PNG"],
        ),
        (
            "0.png photos 1.png",
            ["photos is a folder", "give the image files in it"],
        ),
        (
            "0.png none.png text.png",
            ["none.png", "(and 1 more of 3 images cannot be read)"],
        ),
    ] {
        room.fails(1, &format!("predict m.safetensors {images}"), &expected);
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let room = room(&models::of_matrix());
    test_images(&room);
    room.fails(2, "predict", &["<MODEL>"]);
    room.fails(2, "predict m.safetensors", &["<IMAGE>"]);
    room.fails(
        1,
        "predict m.safetensors 0.png",
        &["m.safetensors was fitted on a matrix of 3072 columns, not on images"],
    );
    // The two swapped.
    room.fails(
        1,
        "predict 0.png m.safetensors",
        &["0.png: not a safetensors file"],
    );
    // Weights that a model may have, but not for bytes of 255.
    let mut huge = models::of_bytes(Loss::Softmax);
    let (weight, bias) = (vec![f32::MAX; 4 * 3072], vec![0.0; 4]);
    huge.model = LinearModel::new(weight, bias, Loss::Softmax).unwrap();
    room.write("huge.safetensors", huge.to_bytes().unwrap());
    room.fails(
        1,
        "predict huge.safetensors 0.png",
        &["the scores of 0.png are beyond the range"],
    );
    // Images of a shape that no data set has.
    let grey = models::edited(
        &models::of_matrix().to_bytes().unwrap(),
        "\"input\":\"matrix\"",
        "\"input\":\"images 3x16x64\",\"features\":\"raw\"",
    );
    room.write("grey.safetensors", grey);
    for command in [
        "predict grey.safetensors 0.png",
        "eval grey.safetensors --data data",
    ] {
        room.fails(1, command, &["takes images of 3x16x64, expected 3x32x32"]);
    }
}
