//! One contest: nearplane before the first peer and after each, since a machine's speed drifts within minutes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::args::Options;
use super::machine::Machine;
use super::objective::{certified, objective, trace};
use super::python::Python;
use super::rival::Theirs;
use super::suite::{Contest, Peer, Suite, Work};
use super::table::{self, OURS, Row};
use super::workplace::Workplace;
use crate::json::Json;
use crate::shell;

/// The job that has an archive for data.
const IMPORT: &str = "import";

/// What all contests of a suite have in common.
pub(crate) struct Runner<'a> {
    pub(crate) suite: &'static Suite,
    pub(crate) nearplane: &'a Path,
    /// The program that measures the machine's limits.
    pub(crate) limits: &'a Path,
    /// The program of the crates, if it could be built.
    pub(crate) crates: Option<&'a Path>,
    pub(crate) python: Option<&'a Python>,
    pub(crate) place: &'a Workplace,
    pub(crate) options: &'a Options,
}

/// What came out of a suite so far.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<Row>,
    /// Contest, and a file of what nearplane found, in the order of the parts.
    pub(crate) ours: Vec<(&'static str, PathBuf)>,
    /// The files that peers wrote.
    pub(crate) theirs: Vec<PathBuf>,
    pub(crate) left_out: Vec<String>,
    /// Peers that are there and did not come to an end.
    pub(crate) failed: Vec<String>,
    pub(crate) versions: BTreeSet<String>,
    /// The limits beside each contest.
    pub(crate) machines: Vec<Machine>,
}

/// One run of nearplane.
struct Ours {
    seconds: f64,
    simd: String,
    answer: String,
    /// Seconds and objective, where a solver tells them.
    trace: Vec<(f64, f64)>,
}

impl Runner<'_> {
    pub(crate) fn run(
        &self,
        contest: &'static Contest,
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        if contest.name == IMPORT && self.options.archive.is_none() {
            outcome
                .left_out
                .push("data import: no archive of images was given (--archive FILE)".to_owned());
            return Ok(());
        }
        let limits = Machine::measure(self.limits)?;
        let mut ours = Vec::new();
        let mut before = self.turn(contest, &mut ours)?;
        let mut rows = Vec::new();
        for (at, peer) in contest.peers.iter().enumerate() {
            let Some(start) = self.start(peer) else {
                // Why is said where packages are installed.
                continue;
            };
            // A quick run has no time for a turn after each.
            let is_last = at + 1 == contest.peers.len();
            let takes_turn = !self.options.quick || contest.until_peer || is_last;
            match self.rounds(&start, (contest, peer, takes_turn), before, &mut ours)? {
                (Theirs::Found(mut row, result, versions), after) => {
                    if contest.until_peer {
                        let goal = objective(&result)?;
                        let repeats = self.repeats(contest);
                        let runs = &ours[ours.len() - 2 * repeats..];
                        let (first, second) = runs.split_at(repeats);
                        let [Some(first), Some(second)] = [first, second].map(|r| reached(r, goal))
                        else {
                            outcome.failed.push(format!(
                                "{}, {}: nearplane's trace never comes to its objective {goal}",
                                contest.name, peer.name
                            ));
                            continue;
                        };
                        row.beside = Some([first, second]);
                    }
                    before = after;
                    rows.push(*row);
                    outcome.theirs.push(result);
                    outcome.versions.extend(versions);
                }
                (Theirs::NotInstalled, _) => outcome
                    .left_out
                    .push(format!("{}, {}: not installed", contest.name, peer.name)),
                (Theirs::Failed(error), _) => outcome.failed.push(error),
            }
        }
        let version = shell::ask(shell::program_at(self.nearplane).arg("--version"))?;
        let version = version.trim();
        outcome.versions.insert(version.to_owned());
        let limits = limits.mean(&Machine::measure(self.limits)?);
        outcome
            .rows
            .push(self.summary(contest, version, &ours, &limits)?);
        outcome.machines.push(limits);
        outcome.rows.extend(rows);
        for part in 0..contest.parts.len() {
            outcome.ours.push((contest.name, self.found(contest, part)));
        }
        Ok(())
    }

    /// Lets a peer run as often as the contest says, nearplane after each: means of both. Says besides what the
    /// last turn of nearplane took.
    fn rounds(
        &self,
        start: &dyn Fn() -> Command,
        (contest, peer, takes_turn): (&'static Contest, &Peer, bool),
        mut before: f64,
        ours: &mut Vec<Ours>,
    ) -> Result<(Theirs, f64), String> {
        let (mut seconds, mut beside) = (0.0, [0.0; 2]);
        let rounds = if self.options.quick {
            1
        } else {
            contest.rounds
        };
        let share = 1.0 / rounds as f64;
        let mut round = 1;
        loop {
            let mut found = self.theirs(start(), contest, peer)?;
            let Theirs::Found(row, ..) = &mut found else {
                return Ok((found, before));
            };
            let after = if takes_turn {
                self.turn(contest, ours)?
            } else {
                before
            };
            seconds += share * row.seconds;
            beside[0] += share * before;
            beside[1] += share * after;
            before = after;
            if round == rounds {
                row.seconds = seconds;
                row.beside = Some(beside);
                if round > 1 {
                    row.remark.push_str(&format!("; mean of {round} runs"));
                }
                return Ok((found, before));
            }
            round += 1;
        }
    }

    /// The threads of a contest.
    pub(crate) fn threads_of(&self, contest: &Contest) -> usize {
        contest
            .threads
            .or(self.suite.threads)
            .unwrap_or(self.options.threads)
    }

    /// How often nearplane runs each time.
    fn repeats(&self, contest: &Contest) -> usize {
        if self.options.quick {
            1
        } else {
            contest.repeats
        }
    }

    /// Where nearplane writes what it finds in one part of a contest.
    fn found(&self, contest: &Contest, part: usize) -> PathBuf {
        self.place.path(&format!(
            "{OURS}-{}-{part}.{}",
            contest.name,
            ending(contest)
        ))
    }

    /// Lets nearplane run as often as the contest says, and returns its mean time.
    fn turn(&self, contest: &Contest, ours: &mut Vec<Ours>) -> Result<f64, String> {
        let first = ours.len();
        for _ in 0..self.repeats(contest) {
            ours.push(self.ours(contest)?);
        }
        Ok(mean(&ours[first..]))
    }

    /// Runs all parts of nearplane once.
    fn ours(&self, contest: &Contest) -> Result<Ours, String> {
        let mut parts = Vec::new();
        for part in 0..contest.parts.len() {
            parts.push(self.part(contest, part)?);
        }
        same_answers(contest, &parts)?;
        let seconds = parts.iter().map(|part| part.seconds).sum();
        let last = parts.pop().ok_or("nearplane did not run")?;
        Ok(Ours { seconds, ..last })
    }

    fn part(&self, contest: &Contest, part: usize) -> Result<Ours, String> {
        let mut command = shell::program_at(self.nearplane);
        command.args(contest.ours).args(contest.parts[part]);
        if contest.name == IMPORT {
            command.args(&self.options.archive);
        } else {
            command
                .arg("--data")
                .arg(self.place.data(self.suite.counts));
        }
        if self.options.quick {
            command.args(contest.quick);
        }
        command.args(["--threads", &self.threads_of(contest).to_string()]);
        if !contest.found_flag.is_empty() {
            command
                .arg(contest.found_flag)
                .arg(self.found(contest, part));
        }
        command.args(["--force", "--json", "--quiet"]);
        let start = Instant::now();
        let record = Json::parse(&shell::capture(&mut command)?)?;
        let process = start.elapsed().as_secs_f64();
        certified(contest.name, &record)?;
        let mut seconds = if contest.timed.is_empty() {
            process
        } else {
            0.0
        };
        for field in contest.timed {
            seconds += record.number_of(field)?;
        }
        Ok(Ours {
            seconds,
            // Commands that compute little do not say.
            simd: record.text_of("simd").unwrap_or_default().to_owned(),
            answer: match record.get(contest.answer).and_then(Json::number) {
                Some(number) => number.to_string(),
                None => record.text_of(contest.answer)?.to_owned(),
            },
            trace: trace(&record),
        })
    }

    /// Our own row: the mean of all runs.
    fn summary(
        &self,
        contest: &Contest,
        version: &str,
        ours: &[Ours],
        limits: &Machine,
    ) -> Result<Row, String> {
        same_answers(contest, ours)?;
        let first = ours.first().ok_or("nearplane did not run")?;
        let n_threads = self.threads_of(contest) as u64;
        let seconds = || ours.iter().map(|run| run.seconds);
        let (low, high) = (
            seconds().fold(f64::MAX, f64::min),
            seconds().fold(0.0, f64::max),
        );
        let mut remark = vec![match contest.timed {
            [] => "from start to end".to_owned(),
            timed => timed.join(" + "),
        }];
        if contest.timed.iter().any(|field| *field != "seconds") {
            remark.push("bytes".to_owned());
        }
        remark.push(threads(n_threads));
        if !first.simd.is_empty() {
            remark.push(first.simd.clone());
        }
        if self.options.quick {
            remark.extend(contest.quick.chunks(2).map(|option| option.join(" ")));
        }
        let runs = match ours.len() {
            1 => String::new(),
            count => format!(
                ", mean of {count} runs ({} to {})",
                table::shown(low),
                table::shown(high)
            ),
        };
        let answer = if contest.shows_answer {
            format!("; {}", first.answer)
        } else {
            String::new()
        };
        // Part of the work is no measure of all of it.
        let work = if self.options.quick && !contest.quick.is_empty() {
            Work::Unknown
        } else {
            contest.work
        };
        let sizes = self.place.sizes(self.suite.counts);
        Ok(Row {
            suite: self.suite.name,
            contest: contest.name,
            name: OURS,
            system: format!("{version} {}", contest.system)
                .trim_end()
                .to_owned(),
            seconds: mean(ours),
            beside: None,
            share: limits.share(work, sizes, mean(ours), n_threads),
            items: self.place.n_items(self.suite.counts),
            threads: n_threads,
            remark: remark.join(", ") + &runs + &answer,
        })
    }
}

fn mean(runs: &[Ours]) -> f64 {
    runs.iter().map(|run| run.seconds).sum::<f64>() / runs.len() as f64
}

fn ending(contest: &Contest) -> &'static str {
    match contest.ours.first() {
        Some(&"train") => "safetensors",
        Some(&"data" | &"lecture") => "folder",
        _ => "npy",
    }
}

/// Mean of the seconds after which the objective was first at or below `goal`; `None` if a run never came there.
fn reached(runs: &[Ours], goal: f64) -> Option<f64> {
    let mut sum = 0.0;
    for run in runs {
        sum += run.trace.iter().find(|(_, value)| *value <= goal)?.0;
    }
    Some(sum / runs.len() as f64)
}

fn same_answers(contest: &Contest, ours: &[Ours]) -> Result<(), String> {
    match ours.windows(2).find(|two| two[0].answer != two[1].answer) {
        None => Ok(()),
        Some(two) => Err(format!(
            "nearplane, {}: {} is {} in one run and {} in another",
            contest.name, contest.answer, two[0].answer, two[1].answer
        )),
    }
}

/// `1 thread`, `2 threads`.
pub(super) fn threads(count: u64) -> String {
    format!("{count} thread{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::super::suites::SUITES;
    use super::*;

    #[test]
    fn runs_have_to_agree_and_are_averaged() {
        let run = |seconds, answer: &str| Ours {
            seconds,
            simd: "scalar".to_owned(),
            answer: answer.to_owned(),
            trace: Vec::new(),
        };
        let contest = &SUITES[0].contests[0];
        let runs = [run(1.0, "a"), run(2.0, "a"), run(6.0, "a")];
        assert_eq!(mean(&runs), 3.0);
        assert_eq!(same_answers(contest, &runs), Ok(()));
        assert_eq!(
            same_answers(contest, &[run(1.0, "a"), run(1.0, "a"), run(1.0, "b")]),
            Err("nearplane, l2: neighbors_answer is a in one run and b in another".to_owned())
        );
    }

    #[test]
    fn time_runs_until_the_trace_is_as_low_as_the_peer() {
        let record = r#"{"trace": [{"s": 1, "objective": 3}, {"s": 2, "objective": 1.5}]}"#;
        let run = Ours {
            seconds: 9.0,
            simd: String::new(),
            answer: String::new(),
            trace: trace(&Json::parse(record).unwrap()),
        };
        assert_eq!(reached(std::slice::from_ref(&run), 1.5), Some(2.0));
        assert_eq!(reached(&[run], 1.4), None);
    }
}
