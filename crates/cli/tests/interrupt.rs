//! Ctrl-C: exit code 130, one line, no result, no output file.
#![cfg(unix)]

mod common;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use common::Room;

fn interrupt(child: &Child) {
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Runs until the first note on stderr, which comes after the handler is in place, sends the
/// signal, and expects the end that Ctrl-C should have.
fn check_interrupted(room: &Room, arguments: &str, first_note: &str) {
    let before = std::fs::read_dir(room.path(".")).unwrap().count();
    let mut child = room
        .std_nearplane(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut note = String::new();
    stderr.read_line(&mut note).unwrap();
    assert!(note.contains(first_note), "{note}");
    interrupt(&child);

    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    let mut stdout = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert_eq!(stdout, "");
    assert_eq!(rest.lines().count(), 1, "{rest}");
    assert!(rest.starts_with("error: interrupted"), "{rest}");
    let after = std::fs::read_dir(room.path(".")).unwrap().count();
    assert_eq!(after, before, "files came or stayed");
}

/// One thread and the naive loops over all rows: seconds of work on any machine.
const LONG: &str = "knn --on test --simd scalar --threads 1 --k 1 --json --predictions p.csv \
                    --neighbors-out n.npy --results r.csv";

#[test]
fn ctrl_c_ends_the_drawing_of_images() {
    let room = Room::new();
    check_interrupted(&room, LONG, "synthetic");
}

#[test]
fn ctrl_c_ends_a_search() {
    let room = Room::new();
    room.ok("data synth --out data");
    // Ten classes without names give a note when the folder is opened.
    std::fs::remove_file(room.path("data/batches.meta.txt")).unwrap();
    check_interrupted(&room, &format!("{LONG} --data data"), "ten classes");
    assert!(
        !room.path("data/.nearplane-looks.csv").exists(),
        "a look that showed nothing"
    );
}

#[test]
fn ctrl_c_ends_the_study_of_difficulties() {
    let room = Room::new();
    check_interrupted(
        &room,
        "difficulties --simd scalar --threads 1 --json --picture p.png --knobs-picture k.png --results r.csv",
        "synthetic",
    );
}
