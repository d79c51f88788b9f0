//! Damaged inputs by the hundred: every run ends by itself, refuses in one line or has a result that can be right.

use std::thread;

use super::compare::csv;
use super::dice::Dice;
use super::jobs::Bench;
use super::room::{Ended, Files, Room, write};
use super::samples;
use super::tally::Tally;
use super::targets::{Rule, Target, result, targets};

/// So many damaged inputs, shared out among all targets, two runs at a time.
pub(super) fn inputs(bench: &Bench, mutations: usize, seed: u64) -> Result<Tally, String> {
    let targets = targets(bench)?;
    let worker = |worker: usize| -> Result<Tally, String> {
        let mut tally = Tally::new("damaged archives, images, matrices, models and tables");
        let room = Room::new(bench.base.join(format!("hostile-{worker}")), &Files::new())?;
        for number in (worker..mutations).step_by(2) {
            let target = &targets[number % targets.len()];
            let other = &targets[(number / targets.len()) % targets.len()];
            // Every input has a seed of its own, so that one can be had again without the others.
            let mut dice = Dice::new(seed.wrapping_mul(1 << 32) + number as u64);
            let (bytes, damage) = damaged(&mut dice, target, other);
            let what = format!(
                "number {number}, {} {}: {damage}",
                target.arguments, target.name
            );
            room.refill(&target.files)?;
            write(&room.work.join(&target.name), &bytes)?;
            let ended = room.run(&mut bench.command(&target.arguments))?;
            tally.count(&ended, false, &what);
            let mut after = room.files()?;
            if ended.is_done() {
                let is_same = bytes == target.files[&target.name];
                if let Err(why) = target.check(&ended, &after, is_same) {
                    tally.wrong(&what, &why);
                }
            } else {
                after.remove(&target.name);
                let mut before = target.files.clone();
                before.remove(&target.name);
                if after != before {
                    tally.lost(&what, "a run that was refused changed files");
                }
            }
        }
        Ok(tally)
    };
    thread::scope(|scope| {
        let second = scope.spawn(|| worker(1));
        let mut tally = worker(0)?;
        let second = second.join().map_err(|_| "a worker panicked".to_owned())?;
        tally.add(second?);
        Ok(tally)
    })
}

/// The file with bits flipped, cut, spliced with another file, or with lengths that are lies.
fn damaged(dice: &mut Dice, target: &Target, other: &Target) -> (Vec<u8>, String) {
    let bytes = &target.files[&target.name];
    let (mut bytes, what) = match dice.below(6) {
        0 => {
            let other_bytes = &other.files[&other.name];
            let (to, from) = (
                dice.below(bytes.len() + 1),
                dice.below(other_bytes.len() + 1),
            );
            let what = format!("the first {to} bytes, then {} from byte {from}", other.name);
            ([&bytes[..to], &other_bytes[from..]].concat(), what)
        }
        1 => another_number(dice, bytes),
        2 => {
            let at = dice.below(bytes.len().min(64));
            let lie: u64 = *dice.pick(&[0, 1, 0xff, 0xffff, u64::MAX, 1 << 31, 1 << 62, 1 << 40]);
            let mut bytes = bytes.clone();
            let end = bytes.len().min(at + *dice.pick(&[2, 4, 8]));
            bytes[at..end].copy_from_slice(&lie.to_le_bytes()[..end - at]);
            (bytes, format!("{lie:#x} at byte {at}"))
        }
        _ => dice.damage(bytes),
    };
    // Half of the archives with checksums that fit again, so that what is behind them is reached.
    if target.name.ends_with(".tar") && dice.below(2) == 0 {
        let headers: Vec<usize> = (0..bytes.len().saturating_sub(511))
            .step_by(512)
            .filter(|&at| &bytes[at + 257..at + 262] == b"ustar")
            .collect();
        for at in headers {
            samples::seal_header(&mut bytes[at..at + 512]);
        }
    }
    (bytes, what)
}

/// Digits that stand for a length, a shape or a cell are those of another number.
fn another_number(dice: &mut Dice, bytes: &[u8]) -> (Vec<u8>, String) {
    let reach = bytes.len().min(4096);
    let is_digit = |at: &usize| bytes[*at].is_ascii_digit();
    let starts: Vec<usize> = (0..reach)
        .filter(|at| is_digit(at) && !at.checked_sub(1).is_some_and(|before| is_digit(&before)))
        .collect();
    if starts.is_empty() {
        return dice.damage(bytes);
    }
    let start = *dice.pick(&starts);
    let end = (start..bytes.len())
        .find(|at| !is_digit(at))
        .unwrap_or(bytes.len());
    let number = *dice.pick(&[
        "0",
        "-1",
        "1e999",
        "NaN",
        "18446744073709551616",
        "9223372036854775807",
        "4294967295",
        "77777777777",
        "3.5",
    ]);
    let what = format!("{number} for the number at byte {start}");
    (
        [&bytes[..start], number.as_bytes(), &bytes[end..]].concat(),
        what,
    )
}

impl Target {
    /// Why the result of a run that succeeded cannot be right.
    fn check(&self, ended: &Ended, after: &Files, is_same: bool) -> Result<(), String> {
        let found = result(self, ended, after)?;
        if (is_same || self.rule == Rule::Same) && found != self.valid {
            return Err("another result than that of the whole file".to_owned());
        }
        for (path, value) in &found.0 {
            let number: Option<f64> = value.parse().ok();
            let is_share = ["accuracy", "accuracies", "ci95", "mean", "std"];
            let is_share = is_share.iter().any(|part| path.contains(part));
            if is_share && number.is_some_and(|share| !(-1.0..=1.0).contains(&share)) {
                return Err(format!("{path} is {value}"));
            }
        }
        let count = |path: &str| {
            let found = found.0.iter().find(|(known, _)| known == path);
            found.and_then(|(_, value)| value.parse::<usize>().ok())
        };
        match self.rule {
            Rule::Same => {}
            Rule::Photos => photos_only(after)?,
            Rule::Records => {
                for (file, path) in [
                    ("data/data_batch_1.bin", ".data.n_train"),
                    ("data/test_batch.bin", ".data.n_test"),
                ] {
                    let room = after.get(file).map_or(0, Vec::len);
                    if count(path).map(|n| n * 3073) != Some(room) {
                        return Err(format!("{path} is {:?} in {room} bytes", count(path)));
                    }
                }
            }
            Rule::Numbers => {
                if let Some(table) = after.get("p.csv") {
                    let rows = csv(table).len().saturating_sub(1);
                    if count(".n_eval").is_some_and(|n| n != rows) {
                        return Err(format!("{rows} predictions of {:?} rows", count(".n_eval")));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether an imported folder holds nothing but photos, with labels that have a name.
fn photos_only(after: &Files) -> Result<(), String> {
    let planes = |pixels: &[u8]| -> Vec<u8> {
        let plane = |channel: usize| pixels.iter().skip(channel).step_by(3).copied();
        (0..3).flat_map(plane).collect()
    };
    let photos: Vec<Vec<u8>> = (0..samples::CLASSES.len() as u8)
        .flat_map(|class| (0..samples::PER_CLASS).map(move |i| samples::pixels(class, i)))
        .map(|pixels| planes(&pixels))
        .collect();
    let names = after
        .get("out/batches.meta.txt")
        .map_or(&[][..], |names| names);
    let n_classes = String::from_utf8_lossy(names).lines().count();
    for name in ["out/data_batch_1.bin", "out/test_batch.bin"] {
        let Some(bytes) = after.get(name) else {
            return Err(format!("no {name}"));
        };
        for record in bytes.chunks(3073) {
            if record.len() != 3073 || usize::from(record[0]) >= n_classes {
                return Err(format!("{name} has a record that is none"));
            }
            if !photos.iter().any(|photo| photo == &record[1..]) {
                return Err(format!("{name} has an image that was in no photo"));
            }
        }
    }
    Ok(())
}
