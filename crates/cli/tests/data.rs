//! `nearplane data synth` and `data inspect`, and the help texts, through the binary.

mod common;

use common::{N_TRAIN, Room, tiny};
use nearplane_cifar::Format;
use nearplane_cifar::write::{Contents, write_folder};
use serde_json::json;

#[test]
fn synth_draws_the_same_bytes_from_a_seed() {
    let room = Room::new();
    let record = room.json("data synth --out a --n-train 60 --n-test 20 --seed 3");
    assert_eq!(record["schema"], "nearplane/data-synth/1");
    assert_eq!(
        (&record["train"], &record["test"], &record["seed"]),
        (&60.into(), &20.into(), &3.into())
    );
    assert_eq!(
        std::fs::metadata(room.path("a/data_batch_1.bin"))
            .unwrap()
            .len(),
        60 * 3073
    );
    assert_eq!(
        std::fs::metadata(room.path("a/test_batch.bin"))
            .unwrap()
            .len(),
        20 * 3073
    );

    room.ok("data synth --out b --n-train 60 --n-test 20 --seed 3");
    room.ok("data synth --out c --n-train 60 --n-test 20 --seed 4");
    let bytes = |name: &str| std::fs::read(room.path(name)).unwrap();
    assert_eq!(bytes("a/data_batch_1.bin"), bytes("b/data_batch_1.bin"));
    assert_ne!(bytes("a/data_batch_1.bin"), bytes("c/data_batch_1.bin"));
    assert_eq!(
        room.json("data inspect --data a")["data"]["hash"],
        record["data"]["hash"]
    );
}

#[test]
fn large_sets_are_cut_into_batches_and_hash_alike() {
    let room = Room::new();
    room.ok("data synth --out big --n-train 10010 --n-test 10");
    assert_eq!(
        std::fs::metadata(room.path("big/data_batch_2.bin"))
            .unwrap()
            .len(),
        10 * 3073
    );
    let cut = room.json("data inspect --data big");
    let whole = [1, 2]
        .map(|batch| std::fs::read(room.path(&format!("big/data_batch_{batch}.bin"))).unwrap())
        .concat();
    room.write("big/data_batch_1.bin", whole);
    std::fs::remove_file(room.path("big/data_batch_2.bin")).unwrap();
    assert_eq!(
        room.json("data inspect --data big")["data"]["hash"],
        cut["data"]["hash"]
    );
}

#[test]
fn inspect_counts_and_finds_duplicates() {
    let room = Room::new();
    let mut contents = tiny();
    let record = contents.train[..3073].to_vec();
    let mut relabelled = record.clone();
    relabelled[0] = 1;
    // The first training image three times in train, once of it under another label, and in test.
    contents.train.extend_from_slice(&record);
    contents.train.extend_from_slice(&relabelled);
    contents.test.extend_from_slice(&record);
    write_folder(&room.path("data"), &contents, false).unwrap();

    let found = room.json("data inspect --data data");
    assert_eq!(found["schema"], "nearplane/data-inspect/1");
    assert_eq!(
        (&found["n_train"], &found["n_test"]),
        (&82.into(), &13.into())
    );
    assert_eq!(
        found["class_counts"],
        json!({"train": [21, 21, 20, 20], "test": [4, 3, 3, 3]})
    );
    assert_eq!(found["classes"], json!(["ant", "bee", "cow", "dog"]));
    assert_eq!(
        found["duplicates"],
        json!({"train": 2, "train_conflicting": 1, "test_in_train": 1})
    );
    let green: u64 = contents
        .train
        .chunks(3073)
        .flat_map(|record| &record[1 + 1024..1 + 2048])
        .map(|&pixel| u64::from(pixel))
        .sum();
    let mean = found["means"]["train"][1].as_f64().unwrap();
    assert!(
        (mean - green as f64 / (82.0 * 1024.0)).abs() < 1e-9,
        "{mean}"
    );

    let limited = room.json(&format!("data inspect --data data --limit {N_TRAIN}"));
    assert_eq!(limited["n_train"], N_TRAIN);
    assert_eq!(
        limited["duplicates"],
        json!({"train": 0, "train_conflicting": 0, "test_in_train": 1})
    );
    assert_eq!(limited["data"], found["data"]);

    let (stdout, _) = room.ok("data inspect --data data");
    assert!(
        stdout.contains("bee") && stdout.contains("exact duplicates: 2 within train"),
        "{stdout}"
    );
}

#[test]
fn cifar_100_has_two_kinds_of_labels() {
    let room = Room::new();
    // Four fine classes in two groups: 0 and 1, 2 and 3.
    let fine = tiny();
    let twofold = |records: &[u8]| -> Vec<u8> {
        records
            .chunks(3073)
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
    let inspect = |labels: &str| room.json(&format!("data inspect --data data {labels}"));
    assert_eq!(
        inspect("")["class_counts"]["train"],
        json!([20, 20, 20, 20])
    );
    assert_eq!(
        inspect("--labels coarse")["class_counts"]["train"],
        json!([40, 40])
    );

    let knn = |labels: &str| room.json(&format!("knn --data data --on test --k 1 {labels}"));
    let (fine, coarse) = (knn("--labels fine"), knn("--labels coarse"));
    assert_eq!(fine["neighbors_answer"], coarse["neighbors_answer"]);
    let accuracy = |record: &serde_json::Value| record["results"][0]["accuracy"].as_f64().unwrap();
    assert!(
        accuracy(&coarse) > accuracy(&fine),
        "groups are easier than classes"
    );
}

#[test]
fn the_picture_shows_a_row_per_class() {
    let room = Room::with_data();
    room.ok("data inspect --data data --picture s.png");
    let png = std::fs::read(room.path("s.png")).unwrap();
    let picture = image::load_from_memory_with_format(&png, image::ImageFormat::Png)
        .unwrap()
        .to_rgb8();
    // Ten samples a row, four classes, each image doubled, gaps of 2.
    assert_eq!(
        (picture.width(), picture.height()),
        (10 * 66 + 2, 4 * 66 + 2)
    );
    // The second sample of the third class is training image 4 + 2.
    let record = &tiny().train[6 * 3073..7 * 3073];
    let expected = [record[1], record[1 + 1024], record[1 + 2048]];
    assert_eq!(picture.get_pixel(2 + 66, 2 + 2 * 66).0, expected);
}

#[test]
fn help_is_an_answer_and_shows_examples() {
    let room = Room::new();
    for arguments in [
        "--help",
        "data --help",
        "data import --help",
        "data synth --help",
        "data fetch --help",
        "data perturb --help",
        "difficulties --help",
        "data inspect --help",
        "data export --help",
        "knn --help",
    ] {
        let (stdout, stderr) = room.ok(arguments);
        assert!(stdout.contains("Usage: nearplane"), "{arguments}: {stdout}");
        assert_eq!(stderr, "");
        if arguments != "data --help" {
            assert!(
                stdout.contains("Examples:\n  nearplane "),
                "{arguments}: {stdout}"
            );
        }
    }
    let (version, _) = room.ok("--version");
    assert!(version.starts_with("nearplane "), "{version}");
    let output = room.nearplane("").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "no command is wrong usage");
    assert!(output.stdout.is_empty());
}
