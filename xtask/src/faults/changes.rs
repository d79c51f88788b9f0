//! A data set that changes while a command reads it: the result is that of the data at one moment, the old ones, the new
//! ones or a state between, or an error; never one of two.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use super::compare::lasting_values;
use super::dice::Dice;
use super::jobs::Bench;
use super::kills::moment;
use super::room::{At as _, Files, Room, write};
use super::tally::Tally;

/// Commands that read a data set, long enough to be met in their middle.
const READERS: [&str; 9] = [
    "knn --data data --on test --metric l1 --k 1,5 --engine brute --simd scalar --predictions p.csv --neighbors-out n.npy",
    "knn --data data --on val --metric l2 --k 1,5 --predictions p.csv",
    "cv knn --data data --metric l1 --k 1..5 --simd scalar",
    "train --data data --features hist --loss softmax --lambda 0.1 --out m.safetensors",
    "features --data data --features hog --out f.npy",
    "features --data data --features hog --out f.npy --cache cache",
    "eval model.safetensors --data data --on test --predictions p.csv",
    "data perturb --data data --perturb blur:radius=1 --out out",
    "data inspect --data data",
];

/// What happens to a file.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Cut in the middle of a record, as by a copy that is on its way.
    Truncated,
    /// Cut to whole records.
    Shortened,
    Emptied,
    /// Other pixels in the same place, the length as it was.
    Overwritten,
    /// Cut, and whole again a moment later.
    Rewritten,
    /// Another file takes the name.
    Replaced,
    Removed,
}

const CHANGES: [Change; 7] = [
    Change::Truncated,
    Change::Shortened,
    Change::Emptied,
    Change::Overwritten,
    Change::Rewritten,
    Change::Replaced,
    Change::Removed,
];

const RECORD: u64 = 3073;

impl Change {
    fn apply(self, path: &Path, whole: &[u8]) -> Result<(), String> {
        let cut = |len: u64| {
            let file = OpenOptions::new().write(true).open(path).at(path)?;
            file.set_len(len).at(path)
        };
        match self {
            Change::Truncated => cut(whole.len() as u64 / 2 + 1),
            Change::Shortened => cut(whole.len() as u64 / RECORD / 2 * RECORD),
            Change::Emptied => cut(0),
            Change::Overwritten => {
                let mut file = OpenOptions::new().write(true).open(path).at(path)?;
                file.seek(SeekFrom::Start(
                    1 + whole.len() as u64 / 2 / RECORD * RECORD,
                ))
                .at(path)?;
                file.write_all(&[255; 1000]).at(path)
            }
            Change::Rewritten => {
                let mut file = File::create(path).at(path)?;
                file.write_all(&whole[..whole.len() / 2]).at(path)?;
                std::thread::sleep(Duration::from_millis(1));
                file.write_all(&whole[whole.len() / 2..]).at(path)
            }
            Change::Replaced => {
                let other = path.with_extension("other");
                let mut bytes = whole.to_vec();
                for pixel in bytes.iter_mut().skip(2).step_by(7) {
                    // No label, which comes first in each record.
                    *pixel ^= 1;
                }
                for (new, old) in bytes
                    .chunks_mut(RECORD as usize)
                    .zip(whole.chunks(RECORD as usize))
                {
                    new[0] = old[0];
                }
                fs::write(&other, bytes).at(&other)?;
                fs::rename(&other, path).at(path)
            }
            Change::Removed => fs::remove_file(path).at(path),
        }
    }
}

/// Changes at moments drawn over the time that a command takes.
pub(super) fn while_read(bench: &Bench, rounds: usize, seed: u64) -> Result<Tally, String> {
    let mut tally = Tally::new("a data set that changes while it is read");
    let mut dice = Dice::new(seed ^ 2);
    let big = inputs(bench)?;
    let names = ["data/data_batch_1.bin", "data/test_batch.bin"];
    for reader in READERS {
        for mapped in [true, false] {
            let how = if mapped { "" } else { " --no-mmap" };
            let arguments = format!("{reader} --threads 1 --json{how}");
            let room = Room::new(bench.base.join("changed"), &big)?;
            let began = std::time::Instant::now();
            let old = Outcome::of(bench, &room, &arguments)?;
            let took = began.elapsed();
            for round in 0..rounds {
                let change = CHANGES[round % CHANGES.len()];
                let name = names[dice.below(2)];
                let path = room.work.join(name);
                room.refill(&big)?;
                let delay = moment(&mut dice, took);
                let what = format!("{arguments}: {name} {change:?} after {delay:.1?}");
                let running = room.start(&mut bench.command(&arguments))?;
                running.sleep_until(delay);
                change.apply(&path, &big[name])?;
                let ended = running.wait()?;
                tally.count(&ended, false, &what);
                if ended.is_done() {
                    let found = Outcome::found(&room, &ended.stdout)?;
                    let mut is_right =
                        found == old || is_of_changed(bench, &room, &arguments, &found)?;
                    if !is_right && matches!(change, Change::Rewritten) {
                        // Whole records: a data set as it was for a millisecond.
                        write(&path, &big[name][..big[name].len() / 2])?;
                        is_right = is_of_changed(bench, &room, &arguments, &found)?;
                    }
                    if !is_right {
                        tally.wrong(&what, "the result of no state that the data were in");
                    }
                }
                check_cache(bench, &room, &big, &arguments, &old, &what, &mut tally)?;
            }
        }
    }
    Ok(tally)
}

/// A data set that takes a while.
fn inputs(bench: &Bench) -> Result<Files, String> {
    let room = bench.room("larger")?;
    bench.must(
        &room,
        "data synth --out data --n-train 1500 --n-test 200 --force",
    )?;
    room.files()
}

/// What a command found out and wrote.
#[derive(PartialEq)]
struct Outcome {
    values: Vec<(String, String)>,
    outputs: Files,
}

impl Outcome {
    fn of(bench: &Bench, room: &Room, arguments: &str) -> Result<Outcome, String> {
        let ended = bench.must(room, arguments)?;
        Outcome::found(room, &ended.stdout)
    }

    fn found(room: &Room, stdout: &str) -> Result<Outcome, String> {
        let mut outputs = room.files()?;
        outputs.retain(|name, _| {
            let folders = ["data/", "photos", "cache/", "model.safetensors"];
            !folders.iter().any(|folder| name.starts_with(folder))
        });
        let mut values = lasting_values(stdout)?;
        values.retain(|(path, _)| path != ".from_cache");
        Ok(Outcome { values, outputs })
    }
}

/// Whether it is what the command makes of the data as they are now.
fn is_of_changed(
    bench: &Bench,
    room: &Room,
    arguments: &str,
    found: &Outcome,
) -> Result<bool, String> {
    let ended = room.run(&mut bench.command(&format!("{arguments} --force")))?;
    Ok(ended.is_done() && Outcome::found(room, &ended.stdout)? == *found)
}

/// What a disturbed run has kept for the next one makes no other result of the old data.
fn check_cache(
    bench: &Bench,
    room: &Room,
    big: &Files,
    arguments: &str,
    old: &Outcome,
    what: &str,
    tally: &mut Tally,
) -> Result<(), String> {
    let mut files = room.files()?;
    files.retain(|name, _| name.starts_with("cache/"));
    if files.is_empty() {
        return Ok(());
    }
    files.extend(big.clone());
    room.refill(&files)?;
    if Outcome::of(bench, room, arguments)? != *old {
        tally.wrong(
            what,
            "the cache that it left makes another result of the old data",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_changes() {
        let folder = crate::shell::TempFolder::new();
        let whole: Vec<u8> = (0..4 * RECORD).map(|i| (i % 251) as u8).collect();
        for change in CHANGES {
            let path = folder.path().join("x.bin");
            fs::write(&path, &whole).unwrap();
            change.apply(&path, &whole).unwrap();
            let now = fs::read(&path).ok();
            let is_whole = now.as_ref() == Some(&whole);
            assert_eq!(is_whole, matches!(change, Change::Rewritten), "{change:?}");
        }
    }
}
