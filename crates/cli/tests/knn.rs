//! `nearplane knn` through the binary: the record, the files, and the same answer on every way there.

mod common;

use std::collections::HashSet;

use common::{N_TEST, N_TRAIN, Room, csv_rows, tiny};
use nearplane_kernels::Level;
use serde_json::{Value, json};

/// The neighbours of the tiny test set by the plainest possible loop: (distance, index) of every
/// training row for every test image, in order.
fn expected_neighbours(metric: &str) -> Vec<Vec<(u32, u32)>> {
    let contents = tiny();
    let distance = |a: &[u8], b: &[u8]| -> u32 {
        let differences = a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b)));
        if metric == "l1" {
            differences.sum()
        } else {
            differences.map(|d| d * d).sum()
        }
    };
    let against_all = |query: &[u8]| {
        let mut row: Vec<(u32, u32)> = contents
            .train
            .chunks(3073)
            .zip(0..)
            .map(|(record, index)| (distance(&query[1..], &record[1..]), index))
            .collect();
        row.sort_unstable();
        row
    };
    contents.test.chunks(3073).map(against_all).collect()
}

/// Majority vote over the labels of the nearest `k`, ties to the lowest label.
fn expected_lowest(neighbours: &[(u32, u32)], k: usize) -> u8 {
    let train = tiny().train;
    let mut counts = [0; 4];
    for &(_, index) in &neighbours[..k] {
        counts[usize::from(train[index as usize * 3073])] += 1;
    }
    let most = counts.iter().max().unwrap();
    counts.iter().position(|count| count == most).unwrap() as u8
}

#[test]
fn the_record_has_its_fields() {
    let room = Room::with_data();
    let record =
        room.json("knn --data data --metric l1 --k 1,3,5 --on test --threads 2 --simd scalar");
    for (field, expected) in [
        ("schema", json!("nearplane/knn/1")),
        ("metric", json!("l1")),
        ("n_train", json!(N_TRAIN)),
        ("n_eval", json!(N_TEST)),
        ("engine", json!("brute")),
        ("simd", json!("scalar")),
        ("threads", json!(2)),
        ("tie", json!("nearest")),
        ("weights", json!("uniform")),
        ("on", json!("test")),
        ("looks", json!(1)),
    ] {
        assert_eq!(record[field], expected, "{field}");
    }
    assert_eq!(record["data"]["source"], "data");
    assert_eq!(record["data"]["n_train"], N_TRAIN);
    assert_eq!(record["data"]["n_test"], N_TEST);
    assert_eq!(record["data"]["hash"].as_str().unwrap().len(), 64);
    for field in ["open_s", "fit_s", "predict_s"] {
        assert!(record[field].as_f64().unwrap() >= 0.0, "{field}");
    }
    for field in ["answer", "neighbors_answer"] {
        assert_eq!(record[field].as_str().unwrap().len(), 16, "{field}");
    }
    let results = record["results"].as_array().unwrap();
    assert_eq!(
        results
            .iter()
            .map(|row| row["k"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [1, 3, 5]
    );
    for row in results {
        let accuracy = row["accuracy"].as_f64().unwrap();
        let [low, high] = [0, 1].map(|end| row["ci95"][end].as_f64().unwrap());
        assert!(
            0.0 <= low && low <= accuracy && accuracy <= high && high <= 1.0,
            "{row}"
        );
    }
}

#[test]
fn neighbours_predictions_and_hashes_are_those_of_the_plain_loop() {
    for metric in ["l1", "l2"] {
        let room = Room::with_data();
        let record = room.json(&format!(
            "knn --data data --on test --metric {metric} --k 4,1,3 --tie lowest \
             --neighbors-out n.npy --predictions p.csv"
        ));
        let expected = expected_neighbours(metric);

        let npy = std::fs::read(room.path("n.npy")).unwrap();
        let header_len = 10 + usize::from(u16::from_le_bytes([npy[8], npy[9]]));
        let header = String::from_utf8_lossy(&npy[..header_len]);
        assert!(header.contains("'descr': '<u4'"), "{header}");
        assert!(
            header.contains(&format!("'shape': ({N_TEST}, 4, 2,)")),
            "{header}"
        );
        let pairs: Vec<u8> = expected
            .iter()
            .flat_map(|row| &row[..4])
            .flat_map(|&(distance, index)| [distance.to_le_bytes(), index.to_le_bytes()].concat())
            .collect();
        assert_eq!(&npy[header_len..], pairs, "{metric}");
        assert_eq!(record["neighbors_answer"], fnv1a(&pairs));

        let (header, rows) = csv_rows(&room.path("p.csv"));
        assert_eq!(header, ["index", "truth", "k4", "k1", "k3"]);
        assert_eq!(rows.len(), N_TEST);
        let mut labels = vec![Vec::new(); 3];
        let test = tiny().test;
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(row[0], i.to_string());
            assert_eq!(row[1], test[i * 3073].to_string());
            for (column, k) in [4, 1, 3].into_iter().enumerate() {
                let label = expected_lowest(&expected[i], k);
                assert_eq!(
                    row[2 + column],
                    label.to_string(),
                    "{metric}, row {i}, k {k}"
                );
                labels[column].push(label);
            }
        }
        assert_eq!(record["answer"], fnv1a(&labels.concat()));
        let correct = (0..N_TEST)
            .filter(|&i| labels[0][i] == test[i * 3073])
            .count();
        let accuracy = record["results"][0]["accuracy"].as_f64().unwrap();
        assert_eq!(accuracy, correct as f64 / N_TEST as f64);
    }
}

/// FNV-1a 64, written out again so that the two can disagree.
fn fnv1a(bytes: &[u8]) -> Value {
    let hash = bytes
        .iter()
        .fold(14_695_981_039_346_656_037_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
        });
    json!(format!("{hash:016x}"))
}

#[test]
fn the_pruned_engine_says_what_it_looked_at() {
    let room = Room::with_data();
    let record = room.json("knn --data data --metric l2 --k 3 --on test --engine pruned");
    assert_eq!(record["engine"], "pruned");
    for field in ["share_bounded", "share_exact"] {
        let share = record[field].as_f64().unwrap();
        assert!(share > 0.0 && share <= 1.0, "{field}: {share}");
    }
    assert!(record["bytes_read"].as_u64().unwrap() > 0);
    let record = room.json("knn --data data --metric l2 --k 3 --on test --engine brute");
    assert_eq!(
        (&record["share_bounded"], &record["share_exact"]),
        (&json!(0.0), &json!(1.0))
    );
    assert_eq!(record["bytes_read"], N_TRAIN * N_TEST * 3072);
}

#[test]
fn every_way_gives_the_same_answer() {
    for metric in ["l1", "l2"] {
        let room = Room::with_data();
        let base = format!("knn --data data --metric {metric} --k 1..20 --on test");
        let reference = room.json(&format!("{base} --simd scalar --threads 1"));
        let mut ways = vec![
            "--threads 2".to_owned(),
            "--no-mmap".to_owned(),
            "--engine brute".to_owned(),
            "--engine pruned".to_owned(),
        ];
        for level in Level::available() {
            ways.push(format!("--simd {}", level.name()));
            ways.push(format!("--simd {} --threads 3 --no-mmap", level.name()));
        }
        for way in ways {
            let record = room.json(&format!("{base} {way}"));
            for field in ["answer", "neighbors_answer", "results", "data"] {
                assert_eq!(record[field], reference[field], "{metric} {way}: {field}");
            }
        }
        // The record names what ran, and the hashes tell answers apart.
        assert_eq!(reference["simd"], "scalar");
        assert_eq!(room.json(&base)["simd"], Level::detect().name());
        let fewer = room.json(&format!("{base} --limit 60"));
        assert_ne!(fewer["neighbors_answer"], reference["neighbors_answer"]);
    }
}

#[test]
fn validation_rows_come_from_the_training_set_and_do_not_train() {
    let room = Room::with_data();
    let record = room.json("knn --data data --k 1 --predictions p.csv --neighbors-out n.npy");
    assert_eq!(
        (&record["n_train"], &record["n_eval"]),
        (&72.into(), &8.into())
    );
    assert_eq!(record["on"], "val");
    assert_eq!(record["looks"], Value::Null);
    assert!(!room.path("data/.nearplane-looks.csv").exists());

    let (_, rows) = csv_rows(&room.path("p.csv"));
    let validation: Vec<u32> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(validation.len(), 8);
    let train = tiny().train;
    let mut per_class = [0; 4];
    for (row, &index) in rows.iter().zip(&validation) {
        let label = train[index as usize * 3073];
        assert_eq!(row[1], label.to_string());
        per_class[usize::from(label)] += 1;
    }
    assert_eq!(per_class, [2; 4], "the split is not stratified");

    // Neighbours are numbered as rows of the training set, and none is a validation row.
    let npy = std::fs::read(room.path("n.npy")).unwrap();
    let held_out: HashSet<u32> = validation.iter().copied().collect();
    let pixels = |index: u32| &train[index as usize * 3073 + 1..][..3072];
    for (pair, &query) in npy[128..].chunks_exact(8).zip(&validation) {
        let number = |at: usize| u32::from_le_bytes(pair[at..at + 4].try_into().unwrap());
        let (distance, index) = (number(0), number(4));
        assert!(!held_out.contains(&index), "row {index} is held out");
        let expected: u32 = pixels(query)
            .iter()
            .zip(pixels(index))
            .map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2))
            .sum();
        assert_eq!(distance, expected, "query {query}, neighbour {index}");
    }
}

#[test]
fn seeds_and_limits_do_what_they_say() {
    let room = Room::with_data();
    let split = |arguments: &str| {
        room.ok(&format!(
            "knn --data data --k 1 --force --predictions p.csv {arguments}"
        ));
        csv_rows(&room.path("p.csv"))
            .1
            .into_iter()
            .map(|row| row[0].clone())
            .collect::<Vec<_>>()
    };
    let reference = split("");
    assert_eq!(split("--seed 5"), reference, "the split moved with --seed");
    assert_ne!(split("--split-seed 5"), reference);
    let limited = split("--limit 40");
    assert_eq!(limited.len(), 4);
    assert!(
        limited
            .iter()
            .all(|index| index.parse::<u32>().unwrap() < 40),
        "{limited:?}"
    );

    let record = room.json("knn --data data --on test --limit 40 --k 40");
    assert_eq!(record["n_train"], 40);
    assert_eq!(record["data"]["n_train"], N_TRAIN);
    assert_eq!(
        room.json("knn --data data --on test --limit 4000 --k 1")["n_train"],
        N_TRAIN
    );
}

#[test]
fn lists_of_k_agree_with_single_runs() {
    let room = Room::with_data();
    for rule in ["--tie nearest", "--tie lowest", "--weights distance"] {
        let many = room.json(&format!("knn --data data --on test --k 1,3..5,10 {rule}"));
        let rows = many["results"].as_array().unwrap();
        let ks: Vec<u64> = rows.iter().map(|row| row["k"].as_u64().unwrap()).collect();
        assert_eq!(ks, [1, 3, 4, 5, 10]);
        for row in rows {
            let one = room.json(&format!(
                "knn --data data --on test {rule} --k {}",
                row["k"]
            ));
            assert_eq!(one["results"][0], *row, "{rule}");
        }
    }
    // The rules are not all the same rule.
    let answer = |rule: &str| {
        room.json(&format!("knn --data data --on test --k 1..12 {rule}"))["answer"].clone()
    };
    assert_ne!(answer("--tie nearest"), answer("--tie lowest"));
    assert_ne!(answer("--tie nearest"), answer("--weights distance"));
}

#[test]
fn the_table_names_every_k() {
    let room = Room::with_data();
    let (stdout, stderr) = room.ok("knn --data data --k 1,12");
    assert!(stdout.contains("accuracy"), "{stdout}");
    for k in ["1", "12"] {
        assert!(
            stdout
                .lines()
                .any(|line| line.split_whitespace().next() == Some(k)),
            "{stdout}"
        );
    }
    // Nobody looks at a bar here.
    assert!(
        !stderr.contains('\r') && !stderr.contains('\u{1b}'),
        "{stderr:?}"
    );
}

#[test]
fn without_data_there_are_synthetic_images() {
    let room = Room::new();
    let output = room.nearplane("knn --json --k 1,5").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("synthetic"), "{stderr}");
    let memory: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        memory["data"]["source"]
            .as_str()
            .unwrap()
            .contains("synthetic")
    );
    assert_eq!(
        (&memory["n_train"], &memory["n_eval"]),
        (&4500.into(), &500.into())
    );

    // On disk they are the same images.
    room.ok("data synth --out drawn");
    let disk = room.json("knn --data drawn --k 1,5");
    for field in ["answer", "neighbors_answer", "results"] {
        assert_eq!(disk[field], memory[field], "{field}");
    }
    assert_eq!(disk["data"]["hash"], memory["data"]["hash"]);
    assert_ne!(
        room.json("knn --seed 1 --k 1,5")["data"]["hash"],
        memory["data"]["hash"]
    );

    // `datasets/cifar-10-batches-bin` comes before them, the environment before that.
    std::fs::create_dir(room.path("datasets")).unwrap();
    std::fs::rename(
        room.path("drawn"),
        room.path("datasets/cifar-10-batches-bin"),
    )
    .unwrap();
    let found = room.json("knn --k 1,5");
    assert_eq!(found["data"]["source"], "datasets/cifar-10-batches-bin");
    assert_eq!(found["answer"], memory["answer"]);
    let tiny_room = Room::with_data();
    let mut command = room.nearplane("knn --k 1 --json");
    let output = command
        .env("NEARPLANE_DATA", tiny_room.path("data"))
        .output()
        .unwrap();
    let named: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(named["data"]["n_train"], N_TRAIN);
}

#[test]
fn the_synthetic_task_is_neither_trivial_nor_hopeless() {
    let room = Room::new();
    for metric in ["l1", "l2"] {
        let record = room.json(&format!("knn --on test --metric {metric} --k 1,5,10"));
        assert_eq!(
            (&record["n_train"], &record["n_eval"]),
            (&5000.into(), &1000.into())
        );
        for row in record["results"].as_array().unwrap() {
            let accuracy = row["accuracy"].as_f64().unwrap();
            assert!((0.30..=0.80).contains(&accuracy), "{metric} {row}");
        }
    }
}

/// Nobody asked for k = 20 where there are fewer rows: the default list is cut, an explicit one fails.
#[test]
fn the_default_list_of_k_is_cut_to_the_rows() {
    let room = Room::with_data();
    let record = room.json("knn --data data --limit 8 --on test --quiet");
    let ks: Vec<u64> = record["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["k"].as_u64().unwrap())
        .collect();
    assert_eq!(ks, [1, 3, 5, 7]);
    room.fails(
        1,
        "knn --data data --limit 8 --on test --quiet --k 1,10",
        &["k is 10"],
    );
}
