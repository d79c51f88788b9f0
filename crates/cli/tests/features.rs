//! `nearplane features` and `knn --features` through the binary.

mod common;

use common::{N_TEST, N_TRAIN, Room};
use serde_json::{Value, json};

/// The f32 of a `.npy` file and its header text.
fn npy(room: &Room, name: &str) -> (String, Vec<f32>) {
    let bytes = std::fs::read(room.path(name)).unwrap();
    let len = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8(bytes[10..10 + len].to_vec()).unwrap();
    let values = bytes[10 + len..].as_chunks().0.iter();
    (header, values.map(|&x| f32::from_le_bytes(x)).collect())
}

#[test]
fn raw_features_are_the_bytes_in_the_order_of_the_files() {
    let room = Room::with_data();
    let record = room.json("features --data data --features raw --out f.npy");
    assert_eq!(
        (&record["rows"], &record["cols"], &record["spec"]),
        (&json!(N_TRAIN), &json!(3072), &json!("raw"))
    );
    assert_eq!(
        record["blocks"],
        json!([{"name": "raw", "spec": "raw", "columns": [0, 3072]}])
    );
    let (header, values) = npy(&room, "f.npy");
    assert!(header.contains(&format!(
        "'<f4', 'fortran_order': False, 'shape': ({N_TRAIN}, 3072,)"
    )));
    let file = std::fs::read(room.path("data/data_batch_1.bin")).unwrap();
    let records: Vec<&[u8]> = file.chunks(3073).collect();
    assert_eq!(values.len(), records.len() * 3072);
    for (record, row) in records.iter().zip(values.chunks(3072)) {
        assert!(
            record[1..]
                .iter()
                .zip(row)
                .all(|(&byte, &x)| f32::from(byte) == x)
        );
    }
    let labels = std::fs::read(room.path("f.labels.npy")).unwrap();
    let expected: Vec<u8> = records.iter().map(|record| record[0]).collect();
    assert_eq!(labels[labels.len() - N_TRAIN..], expected);
}

#[test]
fn the_matrix_fed_back_gives_the_answer_of_the_features() {
    let room = Room::with_data();
    for spec in ["hist:space=rgb,bins=4", "hog:mode=skimage,cell=8"] {
        for split in ["train", "test"] {
            room.ok(&format!(
                "features --data data --features {spec} --split {split} --out {split}.npy --force"
            ));
        }
        let direct = room.json(&format!(
            "knn --data data --on test --features {spec} --k 1,3"
        ));
        let fed = room.json(
            "knn --x train.npy --y train.labels.npy --x-eval test.npy --y-eval test.labels.npy --k 1,3",
        );
        for field in ["answer", "neighbors_answer", "results", "n_train", "n_eval"] {
            assert_eq!(direct[field], fed[field], "{spec} {field}");
        }
        let full = direct["features"].as_str().unwrap();
        assert!(full.starts_with(&spec[..spec.find(':').unwrap()]), "{full}");
        assert!(fed["features"].is_null());
        let again = room.json(&format!(
            "knn --data data --on test --features {full} --k 1,3"
        ));
        assert_eq!(again["neighbors_answer"], direct["neighbors_answer"]);
    }
}

/// What several blocks are scaled by is learnt on the rows that train, so other rows change nothing.
#[test]
fn several_blocks_are_scaled_by_the_training_rows_alone() {
    let room = Room::with_data();
    let run = |on: &str| {
        room.json(&format!(
            "knn --data data --on {on} --features hog:mode=skimage,cell=8+hist:space=rgb,bins=4 --k 1"
        ))
    };
    let (val, test) = (run("val"), run("test"));
    assert_eq!(val["n_eval"], 8);
    assert_eq!(test["n_eval"], N_TEST);
    let names = |record: &Value| -> Vec<String> {
        let blocks = record["feature_blocks"].as_array().unwrap();
        blocks
            .iter()
            .map(|block| block["name"].to_string())
            .collect()
    };
    assert_eq!(names(&val), ["\"hog\"", "\"hist\""]);
    for threads in [1, 3] {
        let again = room.json(&format!(
            "knn --data data --features hog:mode=skimage,cell=8+hist:space=rgb,bins=4 --k 1 --threads {threads}"
        ));
        assert_eq!(again["neighbors_answer"], val["neighbors_answer"]);
    }
}

#[test]
fn a_cache_gives_the_same_answer_and_a_damaged_one_only_costs_time() {
    let room = Room::with_data();
    let command = "knn --data data --features hist --k 1,3 --cache kept";
    let without = room.json("knn --data data --features hist --k 1,3");
    let first = room.json(command);
    let file = std::fs::read_dir(room.path("kept"))
        .unwrap()
        .next()
        .unwrap();
    let file = file.unwrap().path();
    let whole = std::fs::read(&file).unwrap();
    let second = room.json(command);
    for record in [&first, &second] {
        assert_eq!(record["neighbors_answer"], without["neighbors_answer"]);
    }
    let features = |data: &str| {
        room.json(&format!(
            "features --data {data} --features hist --cache kept --out f.npy --force"
        ))
    };
    assert_eq!(features("data")["from_cache"], true);

    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut renamed = whole.clone();
    let at = whole.windows(4).position(|part| part == b"data").unwrap();
    renamed[at] = b'D';
    for damaged in [
        &flipped[..],
        &renamed,
        &whole[..whole.len() - 1],
        &whole[..20],
        b"",
    ] {
        std::fs::write(&file, damaged).unwrap();
        let output = room
            .nearplane(&format!("{command} --json"))
            .output()
            .unwrap();
        let record: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(record["neighbors_answer"], without["neighbors_answer"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("is not used"), "{stderr}");
        assert_eq!(std::fs::read(&file).unwrap(), whole, "it was not mended");
    }

    // Other data never take it.
    room.ok("data synth --out other --n-train 80 --n-test 12");
    assert_eq!(features("other")["from_cache"], false);
    // A folder that cannot be made costs a note.
    room.write("taken", "a file");
    let (_, stderr) = room.ok("knn --data data --features hist --k 1 --cache taken");
    assert!(stderr.contains("not kept for the next time"), "{stderr}");
}

#[test]
fn safetensors_hold_features_and_labels() {
    let room = Room::with_data();
    let record = room.json("features --data data --features raw --split test --out f.safetensors");
    assert!(record["labels_out"].is_null());
    let bytes = std::fs::read(room.path("f.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("x").unwrap().shape(), [N_TEST, 3072]);
    let file = std::fs::read(room.path("data/test_batch.bin")).unwrap();
    let labels: Vec<u8> = file.chunks(3073).map(|record| record[0]).collect();
    assert_eq!(tensors.tensor("y").unwrap().data(), labels);
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!(metadata["spec"], "raw");
    assert_eq!(json!(metadata["data"]), record["data"]["hash"]);
}

#[test]
fn chi_squared_compares_histograms_and_nothing_else() {
    let room = Room::with_data();
    let record = room.json("knn --data data --features hist --metric chi2 --k 1");
    assert_eq!(record["metric"], "chi2");
    room.fails(
        2,
        "knn --data data --metric chi2",
        &["chi2", "--features hist"],
    );
    room.fails(2, "difficulties --data data --metric chi2", &["chi2"]);
}

#[test]
fn bad_specifications_get_one_line() {
    let room = Room::with_data();
    for (spec, expected) in [
        ("hog:cell=0", ["character 10", "cell"]),
        ("hog:cel=8", ["character 5", "cell"]),
        ("hist+", ["character 6", "missing"]),
        ("", ["character 1", "missing"]),
        ("hop", ["character 1", "hog"]),
        ("hog:cell=64", ["64", "32"]),
        ("hog:bins=9,bins=8", ["twice", "bins"]),
        ("hog:mode=dalal", ["dalal", "skimage"]),
        ("hist:bins=many", ["many", "bins"]),
        ("raw:x=1", ["raw", "no options"]),
    ] {
        for command in ["features --out f.npy --features", "knn --features"] {
            // An empty specification is typed as --features=.
            room.fails(2, &format!("{command}={spec} --data data"), &expected);
        }
    }
    room.fails(
        2,
        "features --data data --features raw --out f.csv",
        &[".npy", ".safetensors"],
    );
    room.fails(2, "features --data data --out f.npy", &["--features"]);
    room.fails(2, "knn --data data --cache kept", &["--features"]);
    room.fails(
        1,
        "features --data data --features raw --out data/f.npy",
        &["lies in the folder of the data set"],
    );
    room.write("f.labels.npy", "mine");
    room.fails(
        1,
        "features --data data --features raw --out f.npy",
        &["f.labels.npy", "--force"],
    );
}
