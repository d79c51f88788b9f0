//! `--results FILE`: header, rows, refusal of foreign files, and runs side by side.

mod common;

use common::{Room, csv_rows};
use serde_json::Value;

#[test]
fn rows_agree_with_the_record() {
    let room = Room::with_data();
    let record =
        room.json("knn --data data --metric l1 --k 1,5 --threads 2 --on test --results r.csv");
    let (header, rows) = csv_rows(&room.path("r.csv"));
    assert_eq!(rows.len(), 2, "a row per k");
    let cell = |row: usize, column: &str| {
        let position = header.iter().position(|name| name == column);
        &rows[row][position.unwrap_or_else(|| panic!("no column {column} in {header:?}"))]
    };
    for row in 0..2 {
        for field in [
            "schema",
            "metric",
            "tie",
            "weights",
            "engine",
            "simd",
            "on",
            "answer",
            "neighbors_answer",
        ] {
            assert_eq!(record[field].as_str().unwrap(), cell(row, field), "{field}");
        }
        for field in [
            "n_train",
            "n_eval",
            "threads",
            "looks",
            "seed",
            "split_seed",
        ] {
            assert_eq!(record[field].to_string(), *cell(row, field), "{field}");
        }
        let number = |column: &str| cell(row, column).parse::<f64>().unwrap();
        for field in ["open_s", "fit_s", "predict_s"] {
            assert_eq!(record[field].as_f64().unwrap(), number(field), "{field}");
        }
        let result = &record["results"][row];
        assert_eq!(result["k"].to_string(), *cell(row, "k"));
        assert_eq!(result["accuracy"].as_f64().unwrap(), number("accuracy"));
        assert_eq!(result["ci95"][0].as_f64().unwrap(), number("ci95_lo"));
        assert_eq!(
            record["data"]["hash"].as_str().unwrap(),
            cell(row, "data_hash")
        );
        assert_eq!(cell(row, "limit"), "");
        assert!(cell(row, "time").ends_with('Z'), "{}", cell(row, "time"));
    }
}

#[test]
fn later_runs_append_below_one_header() {
    let room = Room::with_data();
    room.ok("knn --data data --k 1,3 --results r.csv");
    let first = std::fs::read_to_string(room.path("r.csv")).unwrap();
    room.ok("knn --data data --k 5 --limit 40 --results r.csv");
    let second = std::fs::read_to_string(room.path("r.csv")).unwrap();
    assert!(second.starts_with(&first));
    assert_eq!(csv_rows(&room.path("r.csv")).1.len(), 3);
}

#[test]
fn a_file_with_another_header_is_refused() {
    let room = Room::with_data();
    room.write("r.csv", "name,price\nbread,3\n");
    room.fails(
        1,
        "knn --data data --results r.csv",
        &["r.csv", "another header"],
    );
    // --force replaces outputs; a file that only grows is not one of them.
    room.fails(
        1,
        "knn --data data --force --results r.csv",
        &["r.csv", "another header"],
    );
    room.ok("knn --data data --k 1 --results knn.csv");
    room.fails(
        1,
        "data inspect --data data --results knn.csv",
        &["another header"],
    );
}

#[test]
fn the_data_commands_have_results_as_well() {
    let room = Room::with_data();
    room.ok("data inspect --data data --results inspect.csv");
    room.ok("data synth --out drawn --n-train 30 --n-test 10 --results synth.csv");
    for (name, schema) in [
        ("inspect.csv", "nearplane/data-inspect/1"),
        ("synth.csv", "nearplane/data-synth/1"),
    ] {
        let (header, rows) = csv_rows(&room.path(name));
        assert_eq!(
            (header[0].as_str(), rows[0][0].as_str()),
            ("schema", schema)
        );
    }
}

#[test]
fn runs_side_by_side_do_not_mix_their_rows() {
    let room = Room::with_data();
    let runs: Vec<_> = (0..6)
        .map(|seed| {
            room.std_nearplane(&format!(
                "knn --data data --k 1..20 --quiet --results r.csv --seed {seed}"
            ))
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
        })
        .collect();
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }
    let (header, rows) = csv_rows(&room.path("r.csv"));
    assert_eq!(rows.len(), 6 * 20);
    let seed = header.iter().position(|name| name == "seed").unwrap();
    let k = header.iter().position(|name| name == "k").unwrap();
    for run in rows.chunks(20) {
        assert!(
            run.iter().all(|row| row[seed] == run[0][seed]),
            "rows of two runs are mixed"
        );
        let ks: Vec<String> = run.iter().map(|row| row[k].clone()).collect();
        assert_eq!(ks, (1..=20).map(|k| k.to_string()).collect::<Vec<_>>());
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_went_away_is_no_failure() {
    let room = Room::with_data();
    // `true` reads nothing and ends; the writer may then meet a closed pipe.
    let mut reader = std::process::Command::new("true")
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let pipe = reader.stdin.take().unwrap();
    reader.wait().unwrap();
    let output = room
        .std_nearplane("knn --data data --k 1 --quiet")
        .stdout(pipe)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let room = Room::with_data();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = room
        .std_nearplane("knn --data data --k 1")
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr
            .lines()
            .last()
            .unwrap()
            .starts_with("error: cannot write to standard output"),
        "{stderr}"
    );
}

#[test]
fn quiet_silences_notes_and_not_results() {
    let room = Room::new();
    let (stdout, stderr) = room.ok("knn --k 1 --quiet");
    assert_eq!(stderr, "");
    assert!(stdout.contains("accuracy"), "{stdout}");
    let record: Value = room.json("knn --k 1 --quiet");
    assert_eq!(record["n_eval"], 500);
}
