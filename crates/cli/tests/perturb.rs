//! `nearplane data perturb` and the knobs of `data synth`, through the binary.

mod common;

use common::{N_TEST, N_TRAIN, Room, csv_rows, tiny};
use nearplane_cifar::Format;
use nearplane_cifar::write::{Contents, write_folder};
use nearplane_synth::Perturbation;

/// The records of a file: labels, pixels.
fn records(room: &Room, file: &str, label_len: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes = std::fs::read(room.path(file)).unwrap();
    let records = bytes.chunks(label_len + 3072);
    records
        .map(|record| (record[..label_len].to_vec(), record[label_len..].to_vec()))
        .collect()
}

#[test]
fn test_images_move_and_training_images_stay() {
    let room = Room::with_data();
    let record =
        room.json("data perturb --data data --out out --perturb shift:dx=1 --results r.csv");
    assert_eq!(record["schema"], "nearplane/data-perturb/1");
    assert_eq!(record["perturb"], "shift:dx=1,dy=0,edge=repeat");
    assert_eq!(record["split"], "test");
    assert_eq!(
        (&record["train"], &record["test"]),
        (&N_TRAIN.into(), &N_TEST.into())
    );
    let inspected = room.json("data inspect --data data");
    assert_eq!(record["from"], inspected["data"]);
    assert_eq!(record["data"], room.json("data inspect --data out")["data"]);

    let file = |name: &str| std::fs::read(room.path(name)).unwrap();
    assert_eq!(file("data/data_batch_1.bin"), file("out/data_batch_1.bin"));
    assert_eq!(file("data/batches.meta.txt"), file("out/batches.meta.txt"));
    let before = records(&room, "data/test_batch.bin", 1);
    let after = records(&room, "out/test_batch.bin", 1);
    for ((label, image), (label_after, moved)) in before.iter().zip(&after) {
        assert_eq!(label, label_after);
        for (row, moved) in image.chunks(32).zip(moved.chunks(32)) {
            assert_eq!((&row[..1], &row[..31]), (&moved[..1], &moved[1..]));
        }
    }

    let (header, rows) = csv_rows(&room.path("r.csv"));
    let cell = |column: &str| &rows[0][header.iter().position(|name| name == column).unwrap()];
    assert_eq!(cell("perturb"), "shift:dx=1,dy=0,edge=repeat");
    assert_eq!(cell("data_hash"), record["data"]["hash"].as_str().unwrap());
    assert_eq!(cell("from_hash"), record["from"]["hash"].as_str().unwrap());
}

#[test]
fn random_steps_follow_the_seed_and_differ_between_the_splits() {
    let room = Room::with_data();
    let run = |out: &str, more: &str| {
        let command =
            format!("data perturb --data data --out {out} --perturb noise:amplitude=9 {more}");
        room.json(&command)["data"]["hash"].clone()
    };
    let both = run("a", "--split both --threads 1");
    assert_eq!(both, run("b", "--split both --threads 2"));
    assert_ne!(both, run("c", "--split both --seed 1"));
    assert_ne!(run("d", "--split train"), run("e", "--split test"));

    let noise = |split: &str| -> Vec<i32> {
        let (_, before) = records(&room, &format!("data/{split}"), 1).swap_remove(0);
        let (_, after) = records(&room, &format!("a/{split}"), 1).swap_remove(0);
        let pairs = before.iter().zip(&after);
        pairs.map(|(a, b)| i32::from(*b) - i32::from(*a)).collect()
    };
    assert_ne!(noise("data_batch_1.bin"), noise("test_batch.bin"));
}

#[test]
fn nothing_to_do_leaves_the_data_as_they_are() {
    let room = Room::with_data();
    let record = room.json("data perturb --data data --out out --split both --perturb none");
    assert_eq!(record["data"]["hash"], record["from"]["hash"]);
    std::fs::remove_file(room.path("data/batches.meta.txt")).unwrap();
    let record = room.json("data perturb --data data --out unnamed --perturb none --limit 40");
    assert_eq!(record["train"], 40);
    let limited = room.json("data inspect --data unnamed");
    assert_eq!(limited["classes"], serde_json::json!(["0", "1", "2", "3"]));
}

#[test]
fn cifar_100_keeps_both_labels() {
    let room = Room::new();
    let fine = tiny();
    let twofold = |records: &[u8]| -> Vec<u8> {
        let records = records.chunks(3073);
        records
            .flat_map(|record| [&[record[0] / 2], record].concat())
            .collect()
    };
    let contents = Contents {
        format: Format::Cifar100,
        train: twofold(&fine.train),
        test: twofold(&fine.test),
        coarse_names: ["insect", "mammal"].map(str::to_owned).to_vec(),
        ..fine
    };
    write_folder(&room.path("data"), &contents, false).unwrap();
    room.ok("data perturb --data data --out out --split both --perturb tint:b=-5");
    for file in ["fine_label_names.txt", "coarse_label_names.txt"] {
        let read = |folder: &str| std::fs::read(room.path(&format!("{folder}/{file}"))).unwrap();
        assert_eq!(read("data"), read("out"), "{file}");
    }
    let tint = "tint:b=-5"
        .parse::<Perturbation>()
        .unwrap()
        .check()
        .unwrap();
    for file in ["train.bin", "test.bin"] {
        let before = records(&room, &format!("data/{file}"), 2);
        let after = records(&room, &format!("out/{file}"), 2);
        assert_eq!(before.len(), after.len());
        for ((labels, image), (labels_after, found)) in before.iter().zip(&after) {
            assert_eq!(labels, labels_after);
            let mut expected = [0; 3072];
            tint.apply(0, image, &mut expected);
            assert!(found == &expected);
        }
    }
}

#[test]
fn the_picture_shows_before_and_after() {
    let room = Room::with_data();
    room.ok("data perturb --data data --out out --perturb brightness:offset=-255 --picture p.png");
    let png = std::fs::read(room.path("p.png")).unwrap();
    let picture = image::load_from_memory_with_format(&png, image::ImageFormat::Png)
        .unwrap()
        .to_rgb8();
    // An image of each of the four classes, doubled, gaps of 2.
    assert_eq!(
        (picture.width(), picture.height()),
        (4 * 66 + 2, 2 * 66 + 2)
    );
    let record = &tiny().test[..3073];
    let expected = [record[1], record[1 + 1024], record[1 + 2048]];
    assert_eq!(picture.get_pixel(2, 2).0, expected);
    assert_eq!(picture.get_pixel(2, 2 + 66).0, [0; 3]);
}

#[test]
fn a_wrong_specification_is_pointed_at() {
    let room = Room::with_data();
    let check = |spec: &str, expected: &[&str]| {
        let arguments = format!("data perturb --data data --out out --perturb {spec}");
        room.fails(2, &arguments, expected);
    };
    check("shift:dx=2+tint:q=1", &["at character 17", "r, g, b"]);
    check("shift:dx=99", &["at character 10", "-32 to 32"]);
    check("sharpen:by=2", &["at character 1", "shift, rotation"]);
    check("blur", &["at character 5", "radius"]);
}

#[test]
fn the_input_is_never_replaced() {
    let room = Room::with_data();
    let check = |out: &str, expected: &[&str]| {
        let arguments =
            format!("data perturb --data data --out {out} --perturb blur:radius=1 --force");
        room.fails(1, &arguments, expected);
    };
    check("data", &["is the data set that is being read", "--out"]);
    check("./data/../data", &["is the data set that is being read"]);
    check("data/perturbed", &["lies in the folder of the data set"]);
    room.fails(
        1,
        "data perturb --data data --out out --perturb none --picture data/p.png",
        &["data/p.png", "another folder"],
    );
}

#[test]
fn knobs_change_the_images_and_are_recorded() {
    let room = Room::new();
    let small = "--n-train 20 --n-test 10";
    let usual = room.json(&format!("data synth --out a {small}"));
    assert_eq!(usual["difficulties"]["viewpoint"], 0.175);
    let turned = room.json(&format!(
        "data synth --out b {small} --occlusion 0.5 --variation 0 --results r.csv"
    ));
    assert_eq!(
        turned["difficulties"],
        serde_json::json!({
            "viewpoint": 0.175, "background": 0.175, "illumination": 0.175, "occlusion": 0.5, "variation": 0.0
        })
    );
    assert_ne!(usual["data"]["hash"], turned["data"]["hash"]);
    let (header, rows) = csv_rows(&room.path("r.csv"));
    let cell = |column: &str| &rows[0][header.iter().position(|name| name == column).unwrap()];
    assert_eq!(
        (cell("occlusion").as_str(), cell("variation").as_str()),
        ("0.5", "0")
    );
    let same = room.json(&format!("data synth --out c {small} --occlusion 0.175"));
    assert_eq!(usual["data"]["hash"], same["data"]["hash"]);

    for knob in [
        "viewpoint",
        "background",
        "illumination",
        "occlusion",
        "variation",
    ] {
        for value in ["1.1", "-0.1", "nan", "0.0005", "much"] {
            room.fails(
                2,
                &format!("data synth --out d --{knob} {value}"),
                &[&format!("--{knob}"), value],
            );
        }
    }
}
