//! More than 500 damaged inputs through the binary: `.npy` files, order files, archives and CIFAR
//! folders, mutated by a seeded generator. Each run ends, with exit code 0, 1 or 2 and one line if it
//! failed; where it succeeds, its result is compared with what a plain parser and loop, written here
//! and sharing nothing with the program, make of the same damaged bytes.

#[path = "../common/mod.rs"]
mod common;

mod archives;
mod dice;
mod folders;
mod matrices;
mod orders;

use std::process::Stdio;
use std::time::{Duration, Instant};

use common::Room;
use serde_json::Value;

/// No run on these few bytes takes a fraction of this: reaching it means that the program hangs.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// How a run ended.
pub(crate) enum Ended {
    /// Exit code 0, with the JSON object.
    Done(Value),
    /// Exit code 1 or 2, with the line.
    Refused(String),
}

/// Runs, ends what hangs, and checks what holds for every run; `what` says which damage it was.
pub(crate) fn run(room: &Room, arguments: &str, what: &str) -> Ended {
    let mut child = room
        .std_nearplane(&format!("{arguments} --json --quiet --threads 1"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let started = Instant::now();
    // The output is a few hundred bytes: it fits the pipes.
    while child.try_wait().expect("a child").is_none() {
        if started.elapsed() > HANGS_AFTER {
            child.kill().expect("a child that hangs");
            panic!("{what}: '{arguments}' hangs");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().expect("its output");
    let stdout = String::from_utf8(output.stdout).expect("stdout is UTF-8");
    let stderr = String::from_utf8(output.stderr).expect("stderr is UTF-8");
    let shown = format!("{what}: '{arguments}'\n{stdout}{stderr}");
    assert!(!stderr.contains("panicked"), "{shown}");
    match output.status.code() {
        Some(0) => {
            assert!(!stderr.contains("error:"), "{shown}");
            Ended::Done(serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{shown}")))
        }
        Some(1 | 2) => {
            assert_eq!(stdout, "", "{shown}");
            assert_eq!(stderr.lines().count(), 1, "{shown}");
            assert!(stderr.starts_with("error: "), "{shown}");
            Ended::Refused(stderr)
        }
        _ => panic!("{:?}: {shown}", output.status),
    }
}

/// How many runs of a group succeeded and how many were refused: a group of which nothing is refused,
/// or nothing succeeds, tests little.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) done: usize,
    pub(crate) refused: usize,
}

impl Tally {
    pub(crate) fn count(&mut self, ended: &Ended) {
        match ended {
            Ended::Done(_) => self.done += 1,
            Ended::Refused(_) => self.refused += 1,
        }
    }

    pub(crate) fn check(&self, name: &str, total: usize) {
        let Tally { done, refused } = *self;
        println!("{name}: {done} done, {refused} refused");
        assert_eq!(done + refused, total, "{name}");
        assert!(done > 0 && refused > 0, "{name}: {done} and {refused}");
    }
}

/// Together they are the 500.
#[test]
fn the_groups_are_large_enough() {
    let total = matrices::RUNS + folders::RUNS + archives::RUNS + orders::RUNS;
    assert!(total >= 500, "{total}");
}
