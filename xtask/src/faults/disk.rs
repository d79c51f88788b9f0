//! A disk that is full, a limit on the size of files, and folders that nobody may write to.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::compare::{Case, left_over};
use super::dice::Dice;
use super::jobs::Bench;
use super::room::{At as _, Ended, Files, Room};
use super::tally::Tally;
use crate::shell;

/// The unit in which a file system in memory hands out space.
const PAGE: usize = 4096;

/// The unit of `ulimit -f` in most shells.
const BLOCK: usize = 512;

/// Every command on a disk with less room than it needs: `rounds` times each, from none to almost enough.
pub(super) fn full(
    bench: &Bench,
    cases: &[Case],
    rounds: usize,
    seed: u64,
) -> Result<Tally, String> {
    const NAME: &str = "a full disk";
    let disk = match SmallDisk::mount(&bench.base.join("disk")) {
        Ok(disk) => disk,
        Err(reason) => return Ok(Tally::not_run(NAME, &reason)),
    };
    let mut tally = Tally::new(NAME);
    let mut dice = Dice::new(seed);
    for case in cases {
        for round in 0..rounds {
            let room = Room::new(disk.path.join("room"), &case.reference.start)?;
            let needed = pages(case);
            // Of several rounds the first are without room at all, and with a page.
            let free = match round {
                0 | 1 if rounds > 2 => round,
                _ => dice.below(needed + 4),
            };
            let what = format!("{}, {free} pages of {needed} free", case.shown());
            disk.leave(free)?;
            let ended = run_elsewhere(bench, case, &room, bench.command(""))?;
            disk.leave_all()?;
            judge(case, &room, &ended, &what, &mut tally)?;
        }
    }
    Ok(tally)
}

/// Pages of the new outputs.
fn pages(case: &Case) -> usize {
    let sizes = sizes(case).into_iter();
    sizes.map(|len| len.div_ceil(PAGE)).sum()
}

/// Lengths of the new outputs.
fn sizes(case: &Case) -> Vec<usize> {
    let files = case.reference.end.iter();
    let outputs = files.filter(|(name, _)| case.job.owns(name));
    outputs.map(|(_, bytes)| bytes.len()).collect()
}

/// Every command where files may not grow beyond some size, whoever it runs as.
pub(super) fn limited(
    bench: &Bench,
    cases: &[Case],
    rounds: usize,
    seed: u64,
) -> Result<Tally, String> {
    const NAME: &str = "a limit on the size of files";
    if shell::find_program("sh").is_none() {
        return Ok(Tally::not_run(NAME, "there is no sh"));
    }
    let mut tally = Tally::new(NAME);
    let mut dice = Dice::new(seed ^ 1);
    let room = bench.room("limited")?;
    for case in cases {
        for _ in 0..rounds {
            room.refill(&case.reference.start)?;
            let largest = sizes(case).into_iter().max().unwrap_or(0);
            // Room for what is said of it, which goes to files as well.
            let blocks = 2 + dice.below(largest / BLOCK + 2);
            let what = format!("{}, files of {blocks} blocks at most", case.shown());
            // With the signal ignored, a write fails instead.
            let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
            let command = bench.command_under(&["sh", "-c", &script], "");
            let ended = run_elsewhere(bench, case, &room, command)?;
            judge(case, &room, &ended, &what, &mut tally)?;
        }
    }
    Ok(tally)
}

/// Runs a command in a room; what it prints goes where there is space.
fn run_elsewhere(
    bench: &Bench,
    case: &Case,
    room: &Room,
    mut command: Command,
) -> Result<Ended, String> {
    let mouth = Room::new(bench.base.join("mouth"), &Files::new())?;
    command.args(case.arguments().split_whitespace());
    mouth.run_in(&room.work, &mut command)
}

/// Nothing is lost, and a run that says that it is done has done all of it.
fn judge(
    case: &Case,
    room: &Room,
    ended: &Ended,
    what: &str,
    tally: &mut Tally,
) -> Result<(), String> {
    tally.count(ended, false, what);
    let (reference, found) = (&case.reference, room.files()?);
    if let Err(why) = reference.check(case.job, &found) {
        tally.lost(what, &why);
    } else if ended.is_done() {
        // A cache that cannot be kept costs a note, and a look that cannot be logged a warning.
        let optional = |name: &String| name.starts_with("cache/") || name.starts_with("data/");
        for name in reference.end.keys().filter(|name| !optional(name)) {
            let now = found.get(name);
            if !now.is_some_and(|now| reference.is_new(name, now)) {
                tally.wrong(what, &format!("exit code 0, but not with {name}"));
            }
        }
    }
    tally.left_over += left_over(room)?;
    Ok(())
}

/// A file system of a few megabytes in memory.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    const BYTES: u64 = 24 << 20;

    fn mount(path: &Path) -> Result<SmallDisk, String> {
        fs::create_dir_all(path).at(path)?;
        let size = format!("size={}", SmallDisk::BYTES);
        let mut command = Command::new("mount");
        command
            .args(["-t", "tmpfs", "-o", &size, "nearplane-faults"])
            .arg(path);
        match command.output() {
            Ok(output) if output.status.success() => Ok(SmallDisk {
                path: path.to_owned(),
            }),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(format!("mount: {error}")),
        }
    }

    /// Fills the disk up to so many pages.
    fn leave(&self, pages: usize) -> Result<(), String> {
        let ballast = self.path.join("ballast");
        let zeros = [0; PAGE];
        let mut file = fs::File::create(&ballast).at(&ballast)?;
        let mut written = 0;
        while file.write_all(&zeros).is_ok() {
            written += PAGE;
        }
        let kept = written.saturating_sub(pages * PAGE);
        file.set_len(kept as u64).at(&ballast)
    }

    fn leave_all(&self) -> Result<(), String> {
        let ballast = self.path.join("ballast");
        fs::remove_file(&ballast).at(&ballast)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It stays mounted until the machine is restarted, then, and is empty.
        let _ = Command::new("umount").arg(&self.path).status();
    }
}

/// Every command in a folder, and beside a data set, that nobody may write to.
pub(super) fn read_only(bench: &Bench, cases: &[Case]) -> Result<Tally, String> {
    const NAME: &str = "a read-only folder";
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| is_of_root(&process));
    if is_root && shell::find_program("setpriv").is_none() {
        return Ok(Tally::not_run(
            NAME,
            "root may write anywhere, and there is no setpriv",
        ));
    }
    let mut tally = Tally::new(NAME);
    // Another user may not even look into the folder that the binary is in.
    let copy = bench.base.join("nearplane");
    fs::copy(&bench.nearplane, &copy).at(&copy)?;
    let room = bench.room("locked")?;
    for case in cases {
        room.refill(&case.reference.start)?;
        let mut command = if is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
            command.arg(&copy);
            command
        } else {
            Command::new(&copy)
        };
        command
            .args(case.arguments().split_whitespace())
            .arg("--quiet");
        chmod("a-w,a+rX", &room.work)?;
        let ended = room.run(&mut command);
        chmod("u+w", &room.work)?;
        let (ended, what) = (ended?, case.shown());
        tally.count(&ended, false, &what);
        if room.files()? != case.reference.start {
            tally.lost(&what, "a file of a read-only folder changed");
        }
        if ended.is_done() {
            tally.wrong(&what, "exit code 0, but nothing can be written");
        }
        tally.left_over += left_over(&room)?;
    }
    Ok(tally)
}

fn chmod(mode: &str, folder: &Path) -> Result<(), String> {
    let mut command = Command::new("chmod");
    command.args(["-R", mode]).arg(folder);
    shell::ask(&mut command).map(drop)
}

#[cfg(unix)]
fn is_of_root(process: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(process) == 0
}

#[cfg(not(unix))]
fn is_of_root(_: &fs::Metadata) -> bool {
    false
}
