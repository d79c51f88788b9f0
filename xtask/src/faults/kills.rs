//! SIGKILL at any moment of a command that writes: at random ones, and before every call that gives or takes a name.

use std::collections::BTreeMap;
use std::time::Duration;

use super::compare::{Reference, left_over};
use super::dice::Dice;
use super::jobs::{Bench, JOBS, Job, Resume};
use super::room::{Ended, Files, Room};
use super::tally::Tally;
use crate::shell;

/// Kills at moments drawn uniformly over the time that a command takes.
pub(super) fn at_random(bench: &Bench, kills: usize, seed: u64) -> Result<Tally, String> {
    let mut tally = Tally::new("SIGKILL at a random moment");
    let mut dice = Dice::new(seed);
    let mut cases = cases();
    // With few kills, not always the same commands.
    for i in (1..cases.len()).rev() {
        cases.swap(i, dice.below(i + 1));
    }
    for (number, (job, replaces)) in cases.iter().enumerate() {
        let share = (number + 1) * kills / cases.len() - number * kills / cases.len();
        if share == 0 {
            continue;
        }
        let reference = Reference::of(bench, job, *replaces)?;
        let room = bench.room("killed")?;
        for _ in 0..share {
            let delay = moment(&mut dice, reference.took);
            let what = format!("{}, killed after {delay:.1?}", shown(job, *replaces));
            room.refill(&reference.start)?;
            let mut command = bench.command(&job.arguments_for(*replaces));
            let ended = room.start(&mut command)?.kill_after(delay)?;
            tally.count(&ended, true, &what);
            judge(bench, job, &reference, &room, &what, &mut tally)?;
        }
    }
    Ok(tally)
}

/// System calls after which another name is there.
const CALLS: &str =
    "rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,ftruncate";

/// Kills before each call that changes a name, by `strace`; of every `step`-th command.
pub(super) fn at_calls(bench: &Bench, step: usize, seed: u64) -> Result<Tally, String> {
    const NAME: &str = "SIGKILL before each call that changes a name";
    if shell::find_program("strace").is_none() {
        return Ok(Tally::not_run(NAME, "strace is not installed"));
    }
    let mut tally = Tally::new(NAME);
    let cases = cases();
    let first = Dice::new(seed).below(step);
    for (job, replaces) in cases.iter().skip(first).step_by(step) {
        let reference = Reference::of(bench, job, *replaces)?;
        let room = bench.room("killed")?;
        room.refill(&reference.start)?;
        let arguments = job.arguments_for(*replaces);
        let log = bench.base.join("calls").display().to_string();
        let trace = format!("trace={CALLS}");
        let strace = ["strace", "-f", "-qq", "-e", &trace, "-o", &log];
        let traced = room.run(&mut bench.command_under(&strace, &arguments))?;
        if !traced.is_done() {
            return Ok(Tally::not_run(NAME, &format!("strace: {}", traced.shown())));
        }
        let calls = std::fs::read_to_string(&log).map_err(|error| format!("{log}: {error}"))?;
        for (call, count) in calls_of(&calls) {
            for number in 1..=count {
                let what = format!("{}, killed before {call} {number}", shown(job, *replaces));
                room.refill(&reference.start)?;
                let inject = format!("inject={call}:signal=KILL:when={number}");
                let strace = ["strace", "-f", "-qq", "-e", &inject, "-o", "/dev/null"];
                let ended = room.run(&mut bench.command_under(&strace, &arguments))?;
                tally.count(&ended, true, &what);
                judge(bench, job, &reference, &room, &what, &mut tally)?;
            }
        }
    }
    Ok(tally)
}

/// How often each call was made, at most by one thread: `strace` counts for each by itself.
fn calls_of(log: &str) -> BTreeMap<&str, usize> {
    let mut by_thread: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        if let Some((call, _)) = rest.trim_start().split_once('(')
            && CALLS.split(',').any(|known| known == call)
        {
            *by_thread.entry((call, thread)).or_default() += 1;
        }
    }
    let mut most: BTreeMap<&str, usize> = BTreeMap::new();
    for ((call, _), count) in by_thread {
        let known = most.entry(call).or_default();
        *known = count.max(*known);
    }
    most
}

/// Every command, where nothing is and where its outputs are.
fn cases() -> Vec<(&'static Job, bool)> {
    let both = |job| [(job, false), (job, true)];
    JOBS.iter().flat_map(both).collect()
}

fn shown(job: &Job, replaces: bool) -> String {
    format!("{}{}", job.name, if replaces { ", replacing" } else { "" })
}

/// Looks at what a killed run has left, and runs again what was killed.
fn judge(
    bench: &Bench,
    job: &Job,
    reference: &Reference,
    room: &Room,
    what: &str,
    tally: &mut Tally,
) -> Result<(), String> {
    let found = room.files()?;
    if let Err(why) = reference.check(job, &found) {
        tally.lost(what, &why);
        return Ok(());
    }
    let again = run_again(bench, job, reference, room, &found)?;
    if !again.is_done() {
        tally.wrong(what, &format!("the next run: {}", again.shown()));
        return Ok(());
    }
    if let Err(why) = reference.check_end(job, &room.files()?) {
        tally.wrong(what, &format!("after the next run, {why}"));
    }
    tally.left_over += left_over(room)?;
    Ok(())
}

/// The same command, and the option that its own message would name.
fn run_again(
    bench: &Bench,
    job: &Job,
    reference: &Reference,
    room: &Room,
    found: &Files,
) -> Result<Ended, String> {
    // Rows that a killed run has appended are there for good; all but sweeps would append them again.
    if job.resume != Resume::Rows {
        let _ = std::fs::remove_file(room.work.join("log.csv"));
        if let Some(log) = reference.start.get("log.csv") {
            super::room::write(&room.work.join("log.csv"), log)?;
        }
    }
    let outputs = found.keys().any(|name| job.owns(name) && name != "log.csv");
    let mut arguments = job.arguments_for(outputs);
    if found.keys().any(|name| job.is_progress(name)) && job.resume == Resume::Checkpoint {
        arguments += " --resume";
    }
    room.run(&mut bench.command(&arguments))
}

/// Of a share of the time that a command takes.
pub(super) fn moment(dice: &mut Dice, took: Duration) -> Duration {
    took.mul_f64(dice.below(10_000) as f64 / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_for_each_thread() {
        let log = "12 mkdir(\"a\") = 0\n12 rename(\"a\", \"b\") = 0\n13 rename(\"c\", \"d\" <unfinished ...>\n\
                   13 <... rename resumed>) = 0\n12 rename(\"b\", \"c\") = 0\n12 +++ exited with 0 +++\n";
        let expected = BTreeMap::from([("mkdir", 1), ("rename", 2)]);
        assert_eq!(calls_of(log), expected);
    }

    #[test]
    fn every_command_is_killed_in_both_ways() {
        assert_eq!(cases().len(), 2 * JOBS.len());
    }
}
