//! The files of a command: all of them or none, and nothing temporary beside them, however the process ends.
#![cfg(unix)]

mod common;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Stdio};

use common::Room;

/// One thread and the naive loops over all rows: seconds of work on any machine, in which a test can interfere.
const LONG: &str = "knn --on test --simd scalar --threads 1 --k 1 --json --predictions p.csv \
                    --neighbors-out n.npy --results r.csv --data data";

/// A room with a data set whose opening prints a note, which comes when all outputs have been begun.
fn room() -> Room {
    let room = Room::new();
    room.ok("data synth --out data --n-train 2000");
    std::fs::remove_file(room.path("data/batches.meta.txt")).unwrap();
    room
}

fn started(room: &Room, arguments: &str) -> (Child, BufReader<ChildStderr>) {
    let mut child = room
        .std_nearplane(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut note = String::new();
    stderr.read_line(&mut note).unwrap();
    assert!(note.contains("ten classes"), "{note}");
    assert!(!names(room, ".nearplane-").is_empty(), "nothing to leave");
    (child, stderr)
}

fn ended(mut child: Child, mut stderr: BufReader<ChildStderr>) -> (Option<i32>, String) {
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    (child.wait().unwrap().code(), rest)
}

/// What lies in the room under names that begin so.
fn names(room: &Room, start: &str) -> Vec<String> {
    std::fs::read_dir(room.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(start))
        .collect()
}

#[test]
fn a_file_that_shrinks_leaves_nothing_temporary() {
    let room = room();
    let (child, stderr) = started(&room, LONG);
    for name in ["data_batch_1.bin", "test_batch.bin"] {
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(room.path("data").join(name))
            .unwrap();
        file.set_len(0).unwrap();
    }
    let (code, line) = ended(child, stderr);
    assert_eq!(code, Some(1), "{line}");
    assert!(
        line.contains("shrank") && line.contains("--no-mmap"),
        "{line}"
    );
    assert_eq!(names(&room, ""), ["data"]);
}

#[test]
fn the_second_ctrl_c_leaves_nothing_temporary() {
    let room = room();
    let (mut child, mut stderr) = started(&room, LONG);
    // Signals that come too fast are one to the system.
    while child.try_wait().unwrap().is_none() {
        let _ = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .stderr(Stdio::null())
            .status()
            .unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(names(&room, ""), ["data"], "{rest}");
}

#[test]
fn a_second_output_that_fails_takes_the_first_back() {
    let room = room();
    let (child, stderr) = started(&room, LONG);
    room.write("p.csv", "theirs");
    let (code, line) = ended(child, stderr);
    assert_eq!(code, Some(1), "{line}");
    for part in ["p.csv", "--force", "n.npy taken back"] {
        assert!(line.contains(part), "no {part:?} in {line}");
    }
    assert!(!line.contains(".nearplane-"), "{line}");
    let mut left = names(&room, "");
    left.sort_unstable();
    assert_eq!(left, ["data", "p.csv"]);
    assert_eq!(std::fs::read(room.path("p.csv")).unwrap(), b"theirs");
}

#[test]
fn results_that_cannot_be_appended_take_the_outputs_back() {
    let room = room();
    room.write("n.npy", "old");
    let (child, stderr) = started(&room, &format!("{LONG} --force"));
    room.write("r.csv", "another,header\n1,2\n");
    let (code, line) = ended(child, stderr);
    assert_eq!(code, Some(1), "{line}");
    assert!(
        line.contains("r.csv has another header") && line.contains("taken back"),
        "{line}"
    );
    let mut left = names(&room, "");
    left.sort_unstable();
    assert_eq!(left, ["data", "n.npy", "r.csv"]);
    assert_eq!(std::fs::read(room.path("n.npy")).unwrap(), b"old");
}

/// A folder appears whole, so that nothing else is ever put into it.
#[test]
fn no_output_lies_in_a_folder_that_is_written() {
    let room = Room::with_data();
    std::fs::create_dir(room.path("photos")).unwrap();
    std::fs::create_dir(room.path("out")).unwrap();
    std::os::unix::fs::symlink("out", room.path("link")).unwrap();
    for command in [
        "data import photos --out",
        "data synth --n-train 10 --n-test 10 --out",
        "data fetch cifar-10 --archive none --out",
        "data perturb --data data --perturb blur:radius=1 --out",
        "data export --data data --out",
    ] {
        for (out, results) in [
            ("out", "out/r.csv"),
            ("link", "out/r.csv"),
            ("out", "./link/r.csv"),
            ("new", "new/r.csv"),
            ("new", "new"),
        ] {
            room.fails(
                2,
                &format!("{command} {out} --results {results}"),
                &["--results is", results, "give a name in another folder"],
            );
        }
    }
    room.fails(
        2,
        "data perturb --data data --perturb blur:radius=1 --out out --picture out/p.png",
        &["--picture is out/p.png", "another folder"],
    );
    room.fails(
        1,
        "data export --data data --out arrays --results data/r.csv",
        &["data/r.csv lies in the folder of the data set"],
    );
    room.fails(
        1,
        "data export --data data --out data/arrays",
        &["data/arrays lies in the folder of the data set"],
    );
    // Beside it all is well.
    room.ok("data export --data data --out out --results r.csv");
}

#[test]
fn a_link_that_leads_nowhere_is_no_folder() {
    let room = Room::with_data();
    std::os::unix::fs::symlink("nowhere", room.path("lost")).unwrap();
    for command in ["data synth", "data export --data data"] {
        let output = room
            .nearplane(&format!("{command} --out lost"))
            .output()
            .unwrap();
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(line.contains("lost is a link that leads nowhere"), "{line}");
        assert!(room.path("lost").is_symlink() && !room.path("nowhere").exists());
    }
}
