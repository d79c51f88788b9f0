//! `nearplane difficulties` through the binary: every accuracy is that of the other commands, and more
//! difficulty never helps beyond noise.

mod common;

use common::{Room, csv_rows};
use serde_json::Value;

/// A drawn data set that is easy enough for perturbations to cost something.
fn room_with_easy_data() -> Room {
    let room = Room::new();
    room.ok(
        "data synth --out data --n-train 600 --n-test 100 --viewpoint 0.1 --background 0.1 \
         --illumination 0.1 --occlusion 0.1 --variation 0.1",
    );
    room
}

fn accuracies(row: &Value) -> Vec<f64> {
    let results = row["results"].as_array().unwrap().iter();
    results
        .map(|result| result["accuracy"].as_f64().unwrap())
        .collect()
}

/// 100 images: a standard deviation of 0.05 at most, less for the difference of two strengths on the same
/// images.
const NOISE: f64 = 0.08;

#[test]
fn every_difficulty_costs_and_every_figure_is_that_of_the_other_commands() {
    let room = room_with_easy_data();
    let record = room.json(
        "difficulties --data data --on test --metric l1 --n-train 600 --n-test 100 --results r.csv \
         --picture p.png --knobs-picture k.png",
    );
    assert_eq!(record["schema"], "nearplane/difficulties/1");
    assert_eq!(record["looks"], 1);

    let knobs = record["knobs"].as_array().unwrap();
    let names: Vec<_> = knobs
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "viewpoint",
            "background",
            "illumination",
            "occlusion",
            "variation"
        ]
    );
    for row in knobs {
        let found = accuracies(row);
        assert_eq!(found.len(), 5);
        assert!(found[0] >= 0.99 && found[4] <= 0.35, "{row}");
        assert!(
            found.windows(2).all(|pair| pair[1] <= pair[0] + NOISE),
            "{row}"
        );
        for (strength, result) in [0.0, 0.25, 0.5, 0.75, 1.0]
            .iter()
            .zip(row["results"].as_array().unwrap())
        {
            assert_eq!(result["strength"], *strength);
            let sum: f64 = result["difficulties"]
                .as_object()
                .unwrap()
                .values()
                .map(|value| value.as_f64().unwrap())
                .sum();
            assert_eq!(sum, *strength, "one alone");
        }
    }

    let unperturbed = record["unperturbed"]["accuracy"].as_f64().unwrap();
    let perturbations = record["perturbations"].as_array().unwrap();
    assert_eq!(perturbations.len(), 9);
    for row in perturbations {
        let found = accuracies(row);
        assert_eq!(found.len(), 5);
        assert!(found[4] <= unperturbed - 0.1, "{row} of {unperturbed}");
        let from_the_start = [&[unperturbed], &found[..]].concat();
        assert!(
            from_the_start
                .windows(2)
                .all(|pair| pair[1] <= pair[0] + NOISE),
            "{row}"
        );
    }

    // A row for each accuracy, and one for the images as they are.
    let (header, rows) = csv_rows(&room.path("r.csv"));
    assert_eq!(rows.len(), 25 + 1 + 45);
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    let noise = &perturbations[6]["results"][3];
    let spec = noise["perturb"].as_str().unwrap();
    assert_eq!(spec, "noise:amplitude=128");
    let row = rows
        .iter()
        .find(|row| row[column("perturb")] == spec)
        .unwrap();
    assert_eq!(row[column("accuracy")], noise["accuracy"].to_string());
    let (_, looks) = csv_rows(&room.path("data/.nearplane-looks.csv"));
    assert_eq!((looks.len(), looks[0][1].as_str()), (1, "difficulties"));
    assert_eq!(looks[0][4].split(' ').count(), 46);

    // The same by hand.
    let by_hand = |data: &str| {
        let knn = room.json(&format!("knn --data {data} --on test --metric l1 --k 1"));
        knn["results"][0]["accuracy"].clone()
    };
    assert_eq!(by_hand("data"), record["unperturbed"]["accuracy"]);
    room.ok(&format!(
        "data perturb --data data --out noisy --perturb {spec}"
    ));
    assert_eq!(by_hand("noisy"), noise["accuracy"]);
    room.ok(
        "data synth --out seen --n-train 600 --n-test 100 --viewpoint 0.5 --background 0 \
         --illumination 0 --occlusion 0 --variation 0",
    );
    assert_eq!(by_hand("seen"), knobs[0]["results"][2]["accuracy"]);

    // Rows of knobs and perturbations; two samples with a space between them, doubled, gaps of 2.
    for (name, columns, rows) in [("k.png", 5 + 1 + 5, 5), ("p.png", 6 + 1 + 6, 9)] {
        let png = std::fs::read(room.path(name)).unwrap();
        let picture = image::load_from_memory_with_format(&png, image::ImageFormat::Png).unwrap();
        assert_eq!(
            (picture.width(), picture.height()),
            (columns * 66 + 2, rows * 66 + 2),
            "{name}"
        );
    }
}

#[test]
fn the_table_is_for_people_and_the_same_on_every_level() {
    let room = room_with_easy_data();
    let small = "difficulties --data data --limit 200 --n-train 100 --n-test 20";
    let (text, _) = room.ok(small);
    for part in [
        "one difficulty at a time: l2, k = 1, 20 test images against 100 training images",
        "20 validation images against 180 training images",
        "dx=16,dy=16",
        "r=255,b=-255",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let (default, scalar) = (
        room.json(&format!("{small} --threads 1")),
        room.json(&format!("{small} --simd portable --threads 2 --no-mmap")),
    );
    for field in ["answer", "knobs", "unperturbed", "perturbations", "data"] {
        assert_eq!(default[field], scalar[field], "{field}");
    }
}

/// A limit that leaves out images of one table may leave out none of the other.
#[test]
fn the_limit_is_recorded_where_it_limits() {
    let room = room_with_easy_data();
    for (n_train, drawn) in [(40, ""), (100, "60")] {
        room.ok(&format!(
            "difficulties --data data --limit 60 --n-train {n_train} --n-test 20 --results {n_train}.csv"
        ));
        let (header, rows) = csv_rows(&room.path(&format!("{n_train}.csv")));
        let at = |name: &str| header.iter().position(|column| column == name).unwrap();
        for row in rows {
            let expected = if row[at("kind")] == "knob" {
                drawn
            } else {
                "60"
            };
            assert_eq!(row[at("limit")], expected, "{n_train}: {row:?}");
        }
    }
}

#[test]
fn wrong_usage() {
    let room = Room::with_data();
    room.fails(2, "difficulties --data data --n-test 0", &["--n-test"]);
    room.fails(
        2,
        "difficulties --data data --picture a.png --knobs-picture ./a.png",
        &["--picture", "--knobs-picture", "same file"],
    );
    room.fails(
        1,
        "difficulties --data nowhere",
        &["nowhere", "does not exist"],
    );
    room.fails(
        1,
        "difficulties --data data --knobs-picture data/k.png",
        &["data/k.png", "another folder"],
    );
}

/// One cell of each of two rows, by the other commands and on all the images of the table.
#[test]
fn the_documented_table_is_what_comes_out() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/difficulties.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let documented = |knob: &str| -> String {
        let mut rows = docs.lines().map(str::split_whitespace);
        let mut row = rows.find(|row| row.clone().next() == Some(knob)).unwrap();
        // The name, then 0, 0.25, 0.5, ...
        row.nth(3).unwrap().to_owned()
    };
    let room = Room::new();
    for knob in ["viewpoint", "occlusion"] {
        let others = [
            "viewpoint",
            "background",
            "illumination",
            "occlusion",
            "variation",
        ];
        let knobs = others.map(|name| format!("--{name} {}", if name == knob { 0.5 } else { 0.0 }));
        room.ok(&format!("data synth --out {knob} {}", knobs.join(" ")));
        let record = room.json(&format!("knn --data {knob} --on test --k 1"));
        let accuracy = record["results"][0]["accuracy"].as_f64().unwrap();
        assert_eq!(format!("{accuracy:.3}"), documented(knob), "{knob}");
    }
}
