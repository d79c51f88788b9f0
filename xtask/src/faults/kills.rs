//! SIGKILL at any moment of a command that writes: at random ones, and before every call that gives or takes a name.

use std::collections::BTreeMap;
use std::time::Duration;

use super::compare::{Case, left_over};
use super::dice::Dice;
use super::jobs::{Bench, Resume};
use super::room::{At as _, Ended, Files, Room, write};
use super::tally::Tally;
use crate::shell;

/// Kills at moments drawn uniformly over the time that a command takes.
pub(super) fn at_random(
    bench: &Bench,
    cases: &[Case],
    kills: usize,
    seed: u64,
) -> Result<Tally, String> {
    let mut tally = Tally::new("SIGKILL at a random moment");
    let mut dice = Dice::new(seed);
    // With few kills, not always the same commands.
    let mut order: Vec<&Case> = cases.iter().collect();
    for i in (1..order.len()).rev() {
        order.swap(i, dice.below(i + 1));
    }
    let room = bench.room("killed")?;
    for case in order.iter().cycle().take(kills) {
        let delay = moment(&mut dice, case.reference.took);
        let what = format!("{}, killed after {delay:.1?}", case.shown());
        room.refill(&case.reference.start)?;
        let mut command = bench.command(&case.arguments());
        let ended = room.start(&mut command)?.kill_after(delay)?;
        tally.count(&ended, true, &what);
        judge(bench, case, &room, &what, &mut tally)?;
    }
    Ok(tally)
}

/// System calls after which another name is there.
const CALLS: &str =
    "rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,ftruncate";

/// Kills before the calls that change a name, by `strace`: before each, or where a command makes more than `most` of
/// one kind, before so many of them, spread evenly.
pub(super) fn at_calls(bench: &Bench, cases: &[&Case], most: usize) -> Result<Tally, String> {
    const NAME: &str = "SIGKILL before a call that changes a name";
    if shell::find_program("strace").is_none() {
        return Ok(Tally::not_run(NAME, "strace is not installed"));
    }
    let mut tally = Tally::new(NAME);
    let room = bench.room("killed")?;
    for case in cases {
        room.refill(&case.reference.start)?;
        let log = bench.base.join("calls");
        let (trace, out) = (format!("trace={CALLS}"), log.display().to_string());
        let strace = ["strace", "-f", "-qq", "-e", &trace, "-o", &out];
        let traced = room.run(&mut bench.command_under(&strace, &case.arguments()))?;
        if !traced.is_done() {
            return Ok(Tally::not_run(NAME, &format!("strace: {}", traced.shown())));
        }
        let calls = std::fs::read_to_string(&log).at(&log)?;
        for (call, count) in calls_of(&calls) {
            for number in (1..=count).step_by(count.div_ceil(most)) {
                let what = format!("{}, killed before {call} {number}", case.shown());
                room.refill(&case.reference.start)?;
                let inject = format!("inject={call}:signal=KILL:when={number}");
                let strace = ["strace", "-f", "-qq", "-e", &inject, "-o", "/dev/null"];
                let ended = room.run(&mut bench.command_under(&strace, &case.arguments()))?;
                tally.count(&ended, true, &what);
                judge(bench, case, &room, &what, &mut tally)?;
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

/// Looks at what a killed run has left, and runs again what was killed.
fn judge(
    bench: &Bench,
    case: &Case,
    room: &Room,
    what: &str,
    tally: &mut Tally,
) -> Result<(), String> {
    let found = room.files()?;
    if let Err(why) = case.reference.check(case.job, &found) {
        tally.lost(what, &why);
        return Ok(());
    }
    let again = run_again(bench, case, room, &found)?;
    if !again.is_done() {
        tally.wrong(what, &format!("the next run: {}", again.shown()));
        return Ok(());
    }
    if let Err(why) = case.reference.check_end(case.job, &room.files()?) {
        tally.wrong(what, &format!("after the next run, {why}"));
    }
    tally.left_over += left_over(room)?;
    Ok(())
}

/// The same command, with the options that its own message would name.
fn run_again(bench: &Bench, case: &Case, room: &Room, found: &Files) -> Result<Ended, String> {
    let job = case.job;
    // Rows that a killed run has appended stay; all but sweeps append theirs again.
    let log = room.work.join("log.csv");
    if job.resume != Resume::Rows && found.contains_key("log.csv") {
        std::fs::remove_file(&log).at(&log)?;
        if let Some(rows) = case.reference.start.get("log.csv") {
            write(&log, rows)?;
        }
    }
    let is_there = found.keys().any(|name| job.owns(name) && name != "log.csv");
    let mut arguments = job.arguments_for(is_there || case.replaces);
    if job.resume == Resume::Checkpoint && found.keys().any(|name| job.is_progress(name)) {
        arguments += " --resume";
    }
    room.run(&mut bench.command(&arguments))
}

/// A moment of the time that a command takes.
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
}
