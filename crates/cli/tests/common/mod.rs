//! What the tests of the binary share: tiny data sets, a command cut off from the developer's
//! environment, and the checks that every failure has to pass.

#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use nearplane_cifar::write::{Contents, write_folder};
use serde_json::Value;
use tempfile::TempDir;

/// Classes of the tiny data set.
pub const N_CLASSES: usize = 4;
/// Its training images: enough for every class to give two to the validation split.
pub const N_TRAIN: usize = 80;
/// Its test images.
pub const N_TEST: usize = 12;

/// A folder of its own for one test, removed at the end.
pub struct Room {
    dir: TempDir,
}

impl Room {
    /// An empty folder.
    pub fn new() -> Room {
        Room {
            dir: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// A folder with the tiny data set in `data`.
    pub fn with_data() -> Room {
        let room = Room::new();
        write_folder(&room.path("data"), &tiny(), false).expect("the tiny data set");
        room
    }

    /// A path in this folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("a file of the test");
        path
    }

    /// `nearplane` with these arguments (separated by blanks), run in this folder, without the
    /// variables that would change what it does.
    pub fn nearplane(&self, arguments: &str) -> Command {
        Command::from_std(self.std_nearplane(arguments))
    }

    /// The same, for tests that need the running process.
    pub fn std_nearplane(&self, arguments: &str) -> std::process::Command {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("nearplane"));
        command
            .current_dir(self.dir.path())
            .env_remove("NEARPLANE_DATA")
            .env_remove("RAYON_NUM_THREADS")
            .env_remove("CLICOLOR_FORCE")
            .env_remove("COLUMNS")
            .args(arguments.split_whitespace());
        command
    }

    /// Runs to exit code 0 and returns stdout and stderr.
    pub fn ok(&self, arguments: &str) -> (String, String) {
        let output = self.nearplane(arguments).output().expect("the binary runs");
        let (stdout, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{arguments}\n{stderr}");
        (stdout, stderr)
    }

    /// Runs with `--json` and returns the one object on stdout.
    pub fn json(&self, arguments: &str) -> Value {
        let (stdout, _) = self.ok(&format!("{arguments} --json"));
        assert_eq!(
            stdout.lines().count(),
            1,
            "{arguments}: stdout is not one line: {stdout}"
        );
        let value: Value = serde_json::from_str(&stdout).expect("stdout is JSON");
        assert!(value.is_object(), "{stdout}");
        value
    }

    /// Runs into a failure: this exit code, an empty stdout with and without `--json`, one line on
    /// stderr that holds all of `expected`, and not one byte of this folder changed.
    pub fn fails(&self, code: i32, arguments: &str, expected: &[&str]) {
        let before = snapshot(self.dir.path());
        for json in ["", " --json"] {
            let arguments = format!("{arguments}{json}");
            let output = self
                .nearplane(&arguments)
                .output()
                .expect("the binary runs");
            let (stdout, stderr) = texts(&output);
            assert_eq!(output.status.code(), Some(code), "{arguments}\n{stderr}");
            assert_eq!(stdout, "", "{arguments}");
            assert_eq!(
                stderr.lines().count(),
                1,
                "{arguments}: not one line: {stderr}"
            );
            assert!(stderr.starts_with("error: "), "{arguments}: {stderr}");
            for part in expected {
                assert!(
                    stderr.contains(part),
                    "{arguments}: no {part:?} in {stderr}"
                );
            }
        }
        let after = snapshot(self.dir.path());
        let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            names(&before),
            names(&after),
            "{arguments}: files came or went"
        );
        assert!(before == after, "{arguments}: a file changed");
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

/// Every file and folder below `dir` with its content.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(snapshot(&path));
            files.insert(path, Vec::new());
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            files.insert(path, bytes);
        }
    }
    files
}

/// Four classes that overlap, so that accuracies are neither 0 nor 1 and votes are tied now and
/// then: a base grey per class and noise.
pub fn tiny() -> Contents {
    let mut state = 1_u32;
    let mut records = |n: usize| {
        let mut bytes = Vec::new();
        for i in 0..n {
            let class = i % N_CLASSES;
            bytes.push(class as u8);
            // The base wanders more within a class than it differs between classes.
            let base = 60 + class as u32 * 12 + next(&mut state) % 40;
            bytes.extend((0..3072).map(|_| (base + next(&mut state) % 50) as u8));
        }
        bytes
    };
    Contents {
        train: records(N_TRAIN),
        test: records(N_TEST),
        class_names: ["ant", "bee", "cow", "dog"].map(str::to_owned).to_vec(),
        ..Contents::default()
    }
}

/// A linear congruential generator (Numerical Recipes); its high bits are random enough here.
fn next(state: &mut u32) -> u32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *state >> 16
}

/// The rows of a CSV file below its header, and the header.
pub fn csv_rows(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).expect("a CSV file");
    let header = reader
        .headers()
        .expect("a header")
        .iter()
        .map(str::to_owned)
        .collect();
    let rows = reader
        .records()
        .map(|row| row.expect("a row").iter().map(str::to_owned).collect())
        .collect();
    (header, rows)
}
