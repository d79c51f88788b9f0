//! A training that is stopped, by Ctrl-C or by force, and goes on to the same bits.
#![cfg(unix)]

mod common;

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::Room;
use nearplane_models::model_file::SgdCheckpoint;

/// Epochs of a millisecond or two on one thread, and so many of them that a test can interfere.
const LONG: &str = "train --data data --lambda 0.01,0.001 --solver sgd --epochs 150 --batch 8 --average 0.2 \
                    --threads 1 --simd scalar --out m.safetensors";
const CHECKPOINT: &str = "m.safetensors.checkpoint";

fn started(room: &Room, arguments: &str) -> Child {
    room.std_nearplane(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until a checkpoint is there of which this holds; it is whole whenever it is read.
fn wait_for(room: &Room, child: &mut Child, enough: impl Fn(&SgdCheckpoint) -> bool) {
    let limit = Instant::now() + Duration::from_secs(240);
    loop {
        if let Ok(bytes) = std::fs::read(room.path(CHECKPOINT)) {
            let checkpoint = SgdCheckpoint::from_bytes(&bytes).expect("a whole checkpoint");
            if enough(&checkpoint) {
                return;
            }
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        assert!(Instant::now() < limit, "no such checkpoint");
    }
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let status = Command::new("kill").args([name, &id]).status().unwrap();
    assert!(status.success());
}

/// The model of a run that nobody stopped.
fn uninterrupted(room: &Room) -> Vec<u8> {
    room.ok(LONG);
    let model = std::fs::read(room.path("m.safetensors")).unwrap();
    std::fs::remove_file(room.path("m.safetensors")).unwrap();
    model
}

#[test]
fn killed_again_and_again_it_comes_to_the_same_model() {
    let room = Room::with_data();
    let expected = uninterrupted(&room);
    let mut child = started(&room, LONG);
    wait_for(&room, &mut child, |found| {
        found.state.progress().epochs >= 3
    });
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert!(!room.path("m.safetensors").exists());
    // In the second fit, then in the one on all rows.
    for judged in ["\"lambda\":0.01,", "\"lambda\":0.001,"] {
        let mut child = started(&room, &format!("{LONG} --resume"));
        wait_for(&room, &mut child, |found| {
            found.notes.contains(judged) && found.state.progress().epochs < 150
        });
        signal(&child, "-KILL");
        child.wait().unwrap();
        let left = std::fs::read(room.path(CHECKPOINT)).unwrap();
        SgdCheckpoint::from_bytes(&left).expect("the checkpoint is whole after a kill");
    }
    let record = room.json(&format!("{LONG} --resume"));
    assert_eq!(record["resumed"], true);
    assert_eq!(record["path"].as_array().unwrap().len(), 2);
    assert_eq!(record["trace"].as_array().unwrap().len(), 150);
    assert_eq!(std::fs::read(room.path("m.safetensors")).unwrap(), expected);
    assert!(!room.path(CHECKPOINT).exists());
}

#[test]
fn ctrl_c_keeps_the_last_finished_epoch() {
    let room = Room::with_data();
    let expected = uninterrupted(&room);
    let mut child = started(&room, LONG);
    wait_for(&room, &mut child, |_| true);
    signal(&child, "-INT");
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
    assert_eq!(stdout, "");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for part in ["error: interrupted", "of 150", CHECKPOINT, "--resume"] {
        assert!(stderr.contains(part), "no {part:?} in {stderr}");
    }
    // Nothing but the data set and the checkpoint.
    assert_eq!(std::fs::read_dir(room.path(".")).unwrap().count(), 2);

    // A run that would end elsewhere does not go on from it.
    for (option, expected) in [
        ("--seed 1", "--seed 0, and this run has 1"),
        ("--split-seed 1", "--split-seed 0, and this run has 1"),
        ("--loss svm", "--loss softmax, and this run has svm"),
        ("--class-weights balanced", "--class-weights none"),
        ("--limit 60", "--limit none, and this run has 60"),
        ("--dropout 0.5", "--dropout 0.0, and this run has 0.5"),
    ] {
        room.fails(
            1,
            &format!("{LONG} --resume {option}"),
            &[CHECKPOINT, expected],
        );
    }
    let kept = std::fs::read(room.path(CHECKPOINT)).unwrap();
    let mut flipped = kept.clone();
    *flipped.last_mut().unwrap() ^= 1;
    room.write(CHECKPOINT, &flipped);
    room.fails(
        1,
        &format!("{LONG} --resume"),
        &["cannot resume from", "SHA-256"],
    );
    room.write(CHECKPOINT, &kept[..kept.len() - 1]);
    room.fails(
        1,
        &format!("{LONG} --resume"),
        &["cannot resume from", "cut off"],
    );
    room.write(CHECKPOINT, &kept);
    room.fails(1, LONG, &["--resume continues it", "--force starts over"]);

    let two = LONG.replace("--threads 1", "--threads 2");
    room.ok(&format!("{two} --resume"));
    assert_eq!(std::fs::read(room.path("m.safetensors")).unwrap(), expected);
}

#[test]
fn ctrl_c_ends_the_exact_solver() {
    let room = Room::new();
    room.ok("data synth --out data --n-train 2000 --n-test 10");
    std::fs::remove_file(room.path("data/batches.meta.txt")).unwrap();
    let mut child = started(
        &room,
        "train --data data --loss svm --tolerance 0 --max-passes 100000 --lambda 1e-5 --simd scalar --threads 1 \
         --out m.safetensors --results r.csv",
    );
    // The note on ten classes comes after the handler is in place.
    let mut stderr = child.stderr.take().unwrap();
    let mut first = [0; 4];
    stderr.read_exact(&mut first).unwrap();
    signal(&child, "-INT");
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("error: interrupted; no result"), "{rest}");
    assert_eq!(std::fs::read_dir(room.path(".")).unwrap().count(), 1);
}
