//! The look log: every evaluation on the test split is written down beside the data set.

mod common;

use common::{N_TEST, Room, csv_rows};

const LOG: &str = "data/.nearplane-looks.csv";

#[test]
fn looks_are_logged_and_counted() {
    let room = Room::with_data();
    let (_, stderr) = room.ok("knn --data data --on test --k 1,3 --metric l1");
    assert!(stderr.contains("look 1 at the test split"), "{stderr}");
    let record = room.json("knn --data data --on test --k 5");
    assert_eq!(record["looks"], 2);
    let (_, stderr) = room.ok("knn --data data --on val --k 5");
    assert!(!stderr.contains("look"), "{stderr}");

    let (header, rows) = csv_rows(&room.path(LOG));
    assert_eq!(
        header,
        [
            "time",
            "command",
            "data_hash",
            "settings",
            "accuracy",
            "answer"
        ]
    );
    assert_eq!(rows.len(), 2);
    assert!(
        rows[0][0].ends_with('Z') && rows[0][0].len() == 20,
        "{}",
        rows[0][0]
    );
    assert_eq!(rows[0][1], "knn");
    assert_eq!(rows[0][2], record["data"]["hash"].as_str().unwrap());
    assert!(
        rows[0][3].contains("metric=l1") && rows[0][3].contains("k=1,3"),
        "{}",
        rows[0][3]
    );
    let accuracies: Vec<f64> = rows[0][4]
        .split(' ')
        .map(|text| text.parse().unwrap())
        .collect();
    assert_eq!(accuracies.len(), 2);
    for accuracy in accuracies {
        let correct = accuracy * N_TEST as f64;
        assert!(
            (correct - correct.round()).abs() < 1e-9,
            "{accuracy} of {N_TEST}"
        );
    }
    assert_eq!(rows[1][5], record["answer"].as_str().unwrap());
}

#[test]
fn the_log_does_not_change_the_data_hash() {
    let room = Room::with_data();
    let before = room.json("knn --data data --k 1");
    let after = room.json("knn --data data --k 1 --on test");
    assert!(room.path(LOG).exists());
    let again = room.json("knn --data data --k 1");
    assert_eq!(before["data"]["hash"], after["data"]["hash"]);
    assert_eq!(before["data"]["hash"], again["data"]["hash"]);
}

#[test]
fn a_failed_run_saw_nothing() {
    let room = Room::with_data();
    room.fails(1, "knn --data data --on test --k 1000", &["k is 1000"]);
    assert!(!room.path(LOG).exists());
}

#[test]
fn a_log_that_cannot_be_written_gives_a_warning() {
    let room = Room::with_data();
    // Stops every user, also one who may write into read-only folders.
    std::fs::create_dir(room.path(LOG)).unwrap();
    let (stdout, stderr) = room.ok("knn --data data --on test --k 1 --quiet");
    assert!(stdout.contains("accuracy"), "{stdout}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.starts_with("warning: ") && stderr.contains("not logged"),
        "{stderr}"
    );
    std::fs::remove_dir(room.path(LOG)).unwrap();

    room.write(LOG, "a,b\n1,2\n");
    let (_, stderr) = room.ok("knn --data data --on test --k 1 --quiet");
    assert!(stderr.contains("another header"), "{stderr}");
    assert_eq!(
        std::fs::read_to_string(room.path(LOG)).unwrap(),
        "a,b\n1,2\n"
    );
}

#[test]
fn images_in_memory_have_no_log() {
    let room = Room::new();
    let (_, stderr) = room.ok("knn --on test --k 1 --limit 100");
    assert!(stderr.contains("not logged"), "{stderr}");
    assert_eq!(
        room.json("knn --on test --k 1 --limit 100")["looks"],
        serde_json::Value::Null
    );
}

#[test]
fn two_processes_at_once_are_both_counted() {
    let room = Room::with_data();
    let runs: Vec<_> = (0..2)
        .map(|_| {
            room.std_nearplane("knn --data data --on test --k 1 --json")
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut counts: Vec<u64> = runs
        .into_iter()
        .map(|run| {
            let output = run.wait_with_output().unwrap();
            let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            record["looks"].as_u64().unwrap()
        })
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2]);
    assert_eq!(csv_rows(&room.path(LOG)).1.len(), 2);
}

#[test]
fn a_replaced_data_set_keeps_its_log() {
    let room = Room::with_data();
    room.ok("knn --data data --on test --k 1");
    room.ok("data synth --out data --n-train 40 --n-test 20 --force");
    assert_eq!(room.json("knn --data data --on test --k 1")["looks"], 2);
}
