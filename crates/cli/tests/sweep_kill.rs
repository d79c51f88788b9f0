//! Sweeps that are killed in their middle and go on: the file of results is that of a run nobody disturbed, in every
//! column but times, and nothing is done twice.
#![cfg(unix)]

mod common;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Room, csv_rows};

/// On one thread, row by row.
const SLOW: &str = "--threads 1 --results sweep.csv --resume";

fn room() -> Room {
    let room = Room::new();
    room.ok("data synth --out data --n-train 800 --n-test 10 --quiet");
    room
}

/// The rows without the columns that differ from run to run.
fn lasting(room: &Room) -> Vec<Vec<String>> {
    let (header, rows) = csv_rows(&room.path("sweep.csv"));
    let is_lasting = |position: &usize| !["time", "seconds"].contains(&header[*position].as_str());
    let positions: Vec<usize> = (0..header.len()).filter(is_lasting).collect();
    rows.iter()
        .map(|row| positions.iter().map(|&p| row[p].clone()).collect())
        .collect()
}

fn n_lines(room: &Room) -> usize {
    std::fs::read_to_string(room.path("sweep.csv")).map_or(0, |text| text.lines().count())
}

/// Runs until the file has so many lines, then sends the signal.
fn stop_after(room: &Room, arguments: &str, lines: usize, signal: &str) -> std::process::Output {
    let mut child: Child = room
        .std_nearplane(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(240);
    while n_lines(room) < lines {
        assert!(
            child.try_wait().unwrap().is_none(),
            "{arguments} ended too early"
        );
        assert!(Instant::now() < limit, "{arguments} wrote nothing");
        std::thread::sleep(Duration::from_millis(1));
    }
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap()
            .success()
    );
    child.wait_with_output().unwrap()
}

fn remove(room: &Room) {
    std::fs::remove_file(room.path("sweep.csv")).unwrap();
}

/// Kills a sweep when the file has some lines, and again when it has more, and compares what it comes to.
fn check_killed(room: &Room, arguments: &str, kills: &[usize]) -> String {
    let arguments = format!("{arguments} {SLOW}");
    room.ok(&arguments);
    let expected = lasting(room);
    remove(room);
    for &lines in kills {
        stop_after(room, &arguments, lines, "-KILL");
        let left = n_lines(room);
        assert!(
            left < expected.len() + 1,
            "{arguments} was not killed in its middle"
        );
    }
    let (_, notes) = room.ok(&arguments);
    assert_eq!(lasting(room), expected, "{arguments}");
    assert!(!room.path("sweep.csv.starts").exists());
    notes
}

#[test]
fn neighbours_go_on_with_the_next_metric() {
    let room = room();
    let notes = check_killed(
        &room,
        "cv knn --data data --k 1..8 --metric l1,l2 --simd scalar --engine brute",
        &[2],
    );
    assert_eq!(notes.matches("taken from the file").count(), 1, "{notes}");
}

#[test]
fn linear_models_go_on_with_the_next_fold() {
    let room = room();
    let arguments = "cv linear --data data --features hist:space=rgb,bins=8 --loss softmax,ridge \
                     --lambda 1,0.3,0.1,0.03,0.01,0.003,0.001,0.0003";
    let notes = check_killed(&room, arguments, &[4, 17, 30]);
    assert!(
        notes.contains("of 80 fits are taken from the file"),
        "{notes}"
    );
    assert!(!notes.contains("fitted again"), "{notes}");

    // Half a line, as of a process that was killed while it wrote.
    let arguments = format!("{arguments} {SLOW}");
    let (whole, expected) = (
        std::fs::read(room.path("sweep.csv")).unwrap(),
        lasting(&room),
    );
    room.write("sweep.csv", &whole[..whole.len() - 30]);
    let (_, notes) = room.ok(&arguments);
    assert!(
        notes.contains("the last line of sweep.csv was cut"),
        "{notes}"
    );
    assert!(notes.contains("79 of 80 fits"), "{notes}");
    assert_eq!(lasting(&room), expected);

    // Without what the next fits begin with, they are led up to again, to the same numbers.
    remove(&room);
    stop_after(&room, &arguments, 10, "-KILL");
    std::fs::remove_dir_all(room.path("sweep.csv.starts")).unwrap();
    let (_, notes) = room.ok(&arguments);
    assert!(notes.contains("had to be fitted again"), "{notes}");
    assert_eq!(lasting(&room), expected);
}

#[test]
fn a_search_goes_on_with_the_next_model() {
    let room = room();
    let arguments = "tune --data data --features hist:space=rgb,bins=8 --search halving --trials 27 --loss softmax,svm --seed 3";
    let notes = check_killed(&room, arguments, &[4, 20]);
    assert!(notes.contains("fits are taken from the file"), "{notes}");
}

#[test]
fn ctrl_c_keeps_what_is_finished() {
    let room = room();
    let linear =
        format!("cv linear --data data --features hist:space=rgb,bins=8 --lambda 1e-5..1 {SLOW}");
    let output = stop_after(&room, &linear, 3, "-INT");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert_eq!(output.stdout, b"");
    let last = stderr.lines().last().unwrap();
    assert!(
        last.starts_with("error: interrupted")
            && last.contains("is kept in sweep.csv")
            && last.contains("--resume"),
        "{stderr}"
    );
    room.ok(&linear);
    assert_eq!(lasting(&room).len(), 30);
    remove(&room);
    let knn =
        format!("cv knn --data data --k 1..8 --metric l1,l2 --simd scalar --engine brute {SLOW}");
    let output = stop_after(&room, &knn, 2, "-INT");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("is kept in sweep.csv"), "{stderr}");
}
