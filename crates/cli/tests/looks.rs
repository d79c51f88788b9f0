//! The look log: every evaluation on the test split is written down beside the data set.

mod common;
#[path = "common/models.rs"]
mod models;

use common::{N_TEST, Room, csv_rows};
use nearplane_models::linear::Loss;

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

/// Real processes, several at any time, of both commands that look: none overwrites another's row, and no two are told
/// the same count.
#[test]
fn looks_of_processes_at_once_are_all_counted() {
    const PROCESSES: u64 = 4;
    const LOOKS_EACH: u64 = 5;
    let room = Room::with_data();
    room.write(
        "m.safetensors",
        models::of_bytes(Loss::Svm).to_bytes().unwrap(),
    );
    let look = |number: u64| {
        let command = match number % 2 {
            0 => "knn --data data --on test --k 1 --threads 1",
            _ => "eval m.safetensors --data data --threads 1",
        };
        room.json(command)["looks"].as_u64().unwrap()
    };
    let mut counts: Vec<u64> = std::thread::scope(|scope| {
        let series = |first: u64| (first..first + LOOKS_EACH).map(look).collect::<Vec<u64>>();
        let threads: Vec<_> = (0..PROCESSES)
            .map(|process| scope.spawn(move || series(process * LOOKS_EACH)))
            .collect();
        let counts = threads.into_iter().map(|thread| thread.join().unwrap());
        counts
            .inspect(|of_one| assert!(of_one.is_sorted(), "{of_one:?}"))
            .flatten()
            .collect()
    });
    counts.sort_unstable();
    let all = PROCESSES * LOOKS_EACH;
    assert_eq!(counts, (1..=all).collect::<Vec<u64>>());
    let (header, rows) = csv_rows(&room.path(LOG));
    assert_eq!(rows.len() as u64, all);
    let of_eval = rows.iter().filter(|row| row[1] == "eval").count() as u64;
    assert_eq!(of_eval, all / 2);
    assert!(rows.iter().all(|row| row.len() == header.len()));
}

/// A copy of a program cannot be run as long as a child of another test, forked while it was written, holds its file.
#[cfg(unix)]
fn output_of(command: &mut std::process::Command) -> std::process::Output {
    let mut tries = 0;
    loop {
        match command.output() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy && tries < 100 => {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            output => return output.unwrap(),
        }
    }
}

/// A folder that its user may not write to: with the log there already, and without.
#[cfg(unix)]
#[test]
fn a_read_only_folder_gives_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let set = |path: &std::path::Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for with_log in [false, true] {
        let room = Room::with_data();
        if with_log {
            room.ok("knn --data data --on test --k 1");
            set(&room.path(LOG), 0o444);
        }
        let before = std::fs::read(room.path(LOG)).ok();
        set(&room.path("data"), 0o555);
        set(&room.path("."), 0o755);
        let mut command = room.std_nearplane("knn --data data --on test --k 1 --json");
        // Nothing is read-only to the superuser: then somebody else runs a copy that everybody can reach.
        if std::fs::write(room.path("data/probe"), "").is_ok() {
            std::fs::remove_file(room.path("data/probe")).unwrap();
            let copy = room.path("nearplane");
            std::fs::copy(command.get_program(), &copy).unwrap();
            set(&copy, 0o755);
            let original = command;
            command = std::process::Command::new(copy);
            command
                .args(original.get_args())
                .current_dir(room.path("."))
                .env_remove("NEARPLANE_DATA")
                .uid(65_534)
                .gid(65_534);
        }
        let output = output_of(&mut command);
        set(&room.path("data"), 0o755);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert!(
            stderr.starts_with("warning: this look at the test split is not logged")
                && stderr.contains(".nearplane-looks.csv")
                && stderr.lines().count() == 1,
            "{stderr}"
        );
        let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(record["results"][0]["accuracy"].is_number() && record["looks"].is_null());
        assert_eq!(std::fs::read(room.path(LOG)).ok(), before);
    }
}

/// What chooses never opens the way to the test split, and does not depend on what lies there.
#[test]
fn choosing_does_not_touch_the_test_split() {
    let room = Room::with_data();
    let answers = |room: &Room| {
        let cv = room.json("cv knn --data data --k 1,5 --metric l1");
        let knn = room.json("knn --data data --k 1,5");
        let train =
            room.json("train --data data --loss softmax --solver sgd --epochs 1 --lambda 0.1,1 --out m.safetensors --force");
        [
            cv["results"][1]["fold_accuracies"].clone(),
            knn["answer"].clone(),
            train["path"].clone(),
        ]
        .map(|mut value| {
            forget_times(&mut value);
            value
        })
    };
    let before = answers(&room);
    let path = room.path("data/test_batch.bin");
    let mut test = std::fs::read(&path).unwrap();
    for record in test.chunks_mut(3073) {
        record[0] = (record[0] + 1) % 4;
        record[1..].reverse();
    }
    std::fs::write(&path, test).unwrap();
    assert_eq!(before, answers(&room));
    assert!(!room.path(LOG).exists(), "choosing was logged as a look");
    for command in ["cv knn --k 1", "train --out m2.safetensors"] {
        room.fails(
            2,
            &format!("{command} --data data --on test"),
            &["--on", "never looks at the test split", "nearplane"],
        );
    }
}

/// Wall times differ from run to run.
fn forget_times(value: &mut serde_json::Value) {
    for entry in value.as_array_mut().into_iter().flatten() {
        if let Some(fields) = entry.as_object_mut() {
            fields.remove("fit_s");
        }
    }
}

#[test]
fn a_replaced_data_set_keeps_its_log() {
    let room = Room::with_data();
    room.ok("knn --data data --on test --k 1");
    room.ok("data synth --out data --n-train 40 --n-test 20 --force");
    assert_eq!(room.json("knn --data data --on test --k 1")["looks"], 2);
}
