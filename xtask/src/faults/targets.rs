//! Inputs to be damaged, and the commands that read them.

use std::process::{Command, Stdio};

use super::compare::lasting_values;
use super::jobs::{Bench, LOGS};
use super::room::{At as _, Ended, Files, Room, write};
use super::samples;
use crate::shell;

/// The values of a record by their paths, and the files that were written.
pub(super) type Outcome = (Vec<(String, String)>, Files);

/// An input that is damaged, and the command that reads it.
pub(super) struct Target {
    pub(super) arguments: String,
    /// The file.
    pub(super) name: String,
    /// What is there.
    pub(super) files: Files,
    pub(super) rule: Rule,
    /// What the command makes of the file as it is.
    pub(super) valid: Outcome,
}

/// What holds of a run that succeeds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// A checksum, or a copy elsewhere, leaves one result only.
    Same,
    /// Every image written is one of the photos.
    Photos,
    /// As many images as the files have room for.
    Records,
    /// Shares are shares, and every row has a prediction.
    Numbers,
}

const EVAL: &str = "eval model.safetensors --data data --on test --json --predictions p.csv";
const SGD: &str = "train --data data --features hist --solver sgd --epochs 4 --lambda 0.1 --out s.safetensors --json";
const KNN: &str =
    "knn --x x.npy --y y.npy --x-eval e.npy --y-eval el.npy --k 1,3 --predictions p.csv --json";
const TRAIN: &str = "train --x x.npy --y y.npy --lambda 0.1 --out s.safetensors --json";
const DATA: &str = "knn --data data --on val --k 1 --json --predictions p.csv";
const CV: &str = "cv linear --data data --features hist --loss softmax --lambda 1,0.1 --results log.csv --resume --json";
const CACHED: &str = "features --data data --features hist --out f.npy --cache cache --json";
const COMPARE: &str = "compare a.csv b.csv --json";
const PREDICT: &str = "predict model.safetensors photos/ant/0.png --json";

/// Every kind of input, except for those that a missing program would have to make.
pub(super) fn targets(bench: &Bench) -> Result<Vec<Target>, String> {
    use Rule::{Numbers, Photos, Records, Same};
    let room = Room::new(bench.base.join("valid"), &inputs(bench)?)?;
    for arguments in [
        "knn --data data --on val --k 1 --predictions a.csv",
        "knn --data data --on val --k 5 --predictions b.csv",
        CACHED,
        CV,
    ] {
        bench.must(&room, arguments)?;
    }
    leave_checkpoint(bench, &room)?;
    let mut files = room.files()?;
    for output in ["f.npy", "f.labels.npy", "s.safetensors"] {
        files.remove(output);
    }
    let cache = files.keys().find(|name| name.starts_with("cache/"));
    let cache = cache.cloned().unwrap_or_default();
    let resume = format!("{SGD} --resume");
    let list = [
        (
            "data import photos.tar --out out --json",
            "photos.tar",
            Photos,
        ),
        (
            "data import photos.tar.gz --out out --json",
            "photos.tar.gz",
            Photos,
        ),
        (
            "data import photos.tar.xz --out out --json",
            "photos.tar.xz",
            Photos,
        ),
        (EVAL, "model.safetensors", Same),
        (KNN, "x.npy", Numbers),
        (KNN, "y.npy", Numbers),
        (KNN, "e.npy", Numbers),
        (TRAIN, "x.npy", Numbers),
        (TRAIN, "y.npy", Numbers),
        (PREDICT, "photos/ant/0.png", Same),
        (DATA, "data/data_batch_1.bin", Records),
        (DATA, "data/test_batch.bin", Records),
        (DATA, "data/batches.meta.txt", Records),
        (COMPARE, "a.csv", Numbers),
        (CV, "log.csv", Numbers),
        (&resume, "s.safetensors.checkpoint", Same),
        (CACHED, &cache, Same),
    ];
    let there = list
        .into_iter()
        .filter(|(_, name, _)| files.contains_key(*name));
    let targets = there.map(|(arguments, name, rule)| {
        let mut target = Target {
            arguments: format!("{arguments} --threads 1"),
            name: name.to_owned(),
            files: files.clone(),
            rule,
            valid: Outcome::default(),
        };
        // What a command does not read would only have to be written for every run.
        target.files.retain(|other, _| needs(arguments, other));
        room.refill(&target.files)?;
        let ended = bench.must(&room, &target.arguments)?;
        target.valid = result(&target, &ended, &room.files()?)?;
        Ok(target)
    });
    targets.collect()
}

/// Whether a command reads a file.
fn needs(arguments: &str, file: &str) -> bool {
    let folder = file.split('/').next().unwrap_or_default();
    let is_named = |word: &str| word == file || word == folder;
    let is_checkpoint = file.ends_with(".checkpoint") && arguments.contains("sgd");
    is_checkpoint || arguments.split_whitespace().any(is_named)
}

/// What a run found out and wrote.
pub(super) fn result(target: &Target, ended: &Ended, after: &Files) -> Result<Outcome, String> {
    let mut values = lasting_values(&ended.stdout)?;
    values.retain(|(path, _)| path != ".from_cache");
    let mut files = after.clone();
    // Logs have times.
    let is_log = |name: &str| LOGS.contains(&name);
    files.retain(|name, _| !target.files.contains_key(name) && !is_log(name));
    Ok((values, files))
}

/// The inputs of every command, and small matrices, and the archive in other forms.
fn inputs(bench: &Bench) -> Result<Files, String> {
    let mut files = bench.inputs.clone();
    let matrix = |rows: u8| -> Vec<u8> {
        let cells = (0..rows).flat_map(|row| [row % 3 * 60, row * 5, 200 - row]);
        cells
            .flat_map(|cell| f32::from(cell).to_le_bytes())
            .collect()
    };
    let labels = |rows: u8| -> Vec<u8> { (0..rows).map(|row| row % 3).collect() };
    for (name, bytes) in [
        ("x.npy", samples::npy("<f4", "(30, 3)", &matrix(30))),
        ("y.npy", samples::npy("|u1", "(30,)", &labels(30))),
        ("e.npy", samples::npy("<f4", "(9, 3)", &matrix(9))),
        ("el.npy", samples::npy("|u1", "(9,)", &labels(9))),
    ] {
        files.insert(name.to_owned(), bytes);
    }
    let tar = files["photos.tar"].clone();
    files.insert("photos.tar.gz".to_owned(), samples::gz(&tar));
    if shell::find_program("xz").is_some() {
        let path = bench.base.join("photos.tar");
        write(&path, &tar)?;
        let mut command = Command::new("xz");
        let output = command
            .args(["-c", "-0"])
            .arg(&path)
            .stdin(Stdio::null())
            .output();
        files.insert("photos.tar.xz".to_owned(), output.at(&path)?.stdout);
    }
    Ok(files)
}

/// Kills a training until it leaves a checkpoint; after so many attempts, goes on without.
fn leave_checkpoint(bench: &Bench, room: &Room) -> Result<(), String> {
    let whole = bench.must(room, SGD)?.took;
    let remove = |name: &str| {
        // Whichever of the two the last attempt has left.
        let _ = std::fs::remove_file(room.work.join(name));
    };
    for attempt in 0..60 {
        remove("s.safetensors");
        let delay = whole.mul_f64(0.4 + 0.01 * f64::from(attempt));
        room.start(&mut bench.command(SGD))?.kill_after(delay)?;
        if room.work.join("s.safetensors.checkpoint").exists() {
            break;
        }
    }
    remove("s.safetensors");
    Ok(())
}
