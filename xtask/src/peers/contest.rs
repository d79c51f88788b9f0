//! One contest: nearplane before the first peer and after each, since a machine's speed drifts within minutes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::objective::{certified, objective, trace};
use super::python::Python;
use super::suite::{Contest, Peer, Suite};
use super::table::{self, OURS, Row};
use super::workplace::Workplace;
use crate::json::Json;
use crate::shell;

/// What `peer.py` says if the peer's package cannot be imported.
const NOT_INSTALLED: i32 = 3;

/// What all contests of a suite have in common.
pub(crate) struct Runner<'a> {
    pub(crate) suite: &'static Suite,
    pub(crate) nearplane: &'a Path,
    pub(crate) python: Option<&'a Python>,
    pub(crate) place: &'a Workplace,
    /// Asked for; [`Runner::threads_of`] says what a contest has.
    pub(crate) threads: usize,
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
}

/// One run of nearplane.
struct Ours {
    seconds: f64,
    simd: String,
    answer: String,
    /// Seconds and objective, where a solver tells them.
    trace: Vec<(f64, f64)>,
}

/// How a peer ended.
enum Theirs {
    Found(Row, PathBuf, Vec<String>),
    NotInstalled,
    Failed(String),
}

impl Runner<'_> {
    pub(crate) fn run(
        &self,
        contest: &'static Contest,
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        let mut ours = Vec::new();
        let mut before = self.turn(contest, &mut ours)?;
        let mut rows = Vec::new();
        for peer in contest.peers {
            let Some(python) = self.python.filter(|python| python.has(peer.package)) else {
                // Why is said where packages are installed.
                continue;
            };
            match self.rounds(python, contest, peer, before, &mut ours)? {
                (Theirs::Found(mut row, result, versions), after) => {
                    if contest.until_peer {
                        let goal = objective(&result)?;
                        let runs = &ours[ours.len() - 2 * contest.repeats..];
                        let (first, second) = runs.split_at(contest.repeats);
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
                    rows.push(row);
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
        outcome.rows.push(self.summary(contest, version, &ours)?);
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
        python: &Python,
        contest: &'static Contest,
        peer: &Peer,
        mut before: f64,
        ours: &mut Vec<Ours>,
    ) -> Result<(Theirs, f64), String> {
        let (mut seconds, mut beside) = (0.0, [0.0; 2]);
        let share = 1.0 / contest.rounds as f64;
        let mut round = 1;
        loop {
            let mut found = self.theirs(python, contest, peer)?;
            let Theirs::Found(row, ..) = &mut found else {
                return Ok((found, before));
            };
            let after = self.turn(contest, ours)?;
            seconds += share * row.seconds;
            beside[0] += share * before;
            beside[1] += share * after;
            before = after;
            if round == contest.rounds {
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
            .unwrap_or(self.threads)
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
        for _ in 0..contest.repeats {
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
        command
            .args(contest.ours)
            .args(contest.parts[part])
            .arg("--data")
            .arg(self.place.data(self.suite.counts));
        command.args(["--threads", &self.threads_of(contest).to_string()]);
        command
            .arg(contest.found_flag)
            .arg(self.found(contest, part));
        command.args(["--force", "--json", "--quiet"]);
        let record = Json::parse(&shell::capture(&mut command)?)?;
        certified(contest.name, &record)?;
        let mut seconds = 0.0;
        for field in contest.timed {
            seconds += record.number_of(field)?;
        }
        Ok(Ours {
            seconds,
            simd: record.text_of("simd")?.to_owned(),
            answer: match record.get(contest.answer).and_then(Json::number) {
                Some(number) => number.to_string(),
                None => record.text_of(contest.answer)?.to_owned(),
            },
            trace: trace(&record),
        })
    }

    /// Our own row: the mean of all runs.
    fn summary(&self, contest: &Contest, version: &str, ours: &[Ours]) -> Result<Row, String> {
        same_answers(contest, ours)?;
        let first = ours.first().ok_or("nearplane did not run")?;
        let n_threads = self.threads_of(contest) as u64;
        let seconds = || ours.iter().map(|run| run.seconds);
        let (low, high) = (
            seconds().fold(f64::MAX, f64::min),
            seconds().fold(0.0, f64::max),
        );
        let timed = contest.timed.join(" + ");
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
        Ok(Row {
            contest: contest.name,
            name: OURS,
            system: format!("{version} {}", contest.system),
            seconds: mean(ours),
            beside: None,
            items: self.place.n_items(self.suite.counts),
            threads: n_threads,
            remark: format!(
                "{timed}, bytes, {}, {}{runs}{answer}",
                threads(n_threads),
                first.simd
            ),
        })
    }

    /// Runs a peer in a process of its own.
    fn theirs(
        &self,
        python: &Python,
        contest: &'static Contest,
        peer: &Peer,
    ) -> Result<Theirs, String> {
        let result = self
            .place
            .path(&format!("{}-{}.json", peer.name, contest.name));
        let mut command = python.script("peer.py");
        command.args([self.suite.name, peer.name, "--contest", contest.name]);
        command.args(["--threads", &self.threads_of(contest).to_string()]);
        command
            .arg("--data")
            .arg(self.place.data(self.suite.counts));
        command.arg("--out").arg(self.place.path(""));
        if let Some(folder) = Python::first_on_path(peer.package) {
            command.arg("--first-on-path").arg(folder);
        }
        match run_watched(command.arg("--watch-stdin"))? {
            Some(0) => {}
            Some(NOT_INSTALLED) => return Ok(Theirs::NotInstalled),
            code => {
                let how = code.map_or_else(
                    || "was killed (memory may be short)".to_owned(),
                    |code| format!("ended with exit code {code}"),
                );
                return Ok(Theirs::Failed(format!(
                    "{}, {}: the peer {how}",
                    contest.name, peer.name
                )));
            }
        }
        let text = std::fs::read_to_string(&result)
            .map_err(|error| format!("{}: {error}", shell::short(&result)))?;
        let json = Json::parse(&text)?;
        let n_items = self.place.n_items(self.suite.counts);
        let row = row(
            &json,
            contest.name,
            peer.name,
            n_items,
            self.suite.counts.name(),
        )?;
        let Some(Json::Object(packages)) = json.get("versions") else {
            return Err(format!("{} wrote no `versions`", peer.name));
        };
        let versions = packages
            .iter()
            .filter_map(|(name, version)| Some(format!("{name} {}", version.text()?)));
        Ok(Theirs::Found(row, result, versions.collect()))
    }
}

/// Runs a program that ends when its standard input is closed, which is when this process ends, however that comes.
fn run_watched(command: &mut Command) -> Result<Option<i32>, String> {
    let mut child = shell::spawn(command.stdin(Stdio::piped()))?;
    // `wait` would close it.
    let held = child.stdin.take();
    let status = child
        .wait()
        .map_err(|error| format!("waiting for a peer: {error}"))?;
    drop(held);
    Ok(status.code())
}

fn mean(runs: &[Ours]) -> f64 {
    runs.iter().map(|run| run.seconds).sum::<f64>() / runs.len() as f64
}

fn ending(contest: &Contest) -> &'static str {
    if contest.ours.first() == Some(&"train") {
        "safetensors"
    } else {
        "npy"
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

/// A row from what a peer wrote; if it was given a part of the items (`unit` names them), its time is scaled.
fn row(
    json: &Json,
    contest: &'static str,
    name: &'static str,
    n_items: u64,
    unit: &str,
) -> Result<Row, String> {
    let (fixed, timed) = (
        json.number_of("fixed_seconds")?,
        json.number_of("item_seconds")?,
    );
    let items = json.number_of("items")?;
    if items < 1.0 {
        return Err(format!("{contest}, {name}: nothing was timed"));
    }
    let n_threads = json.number_of("threads")? as u64;
    let mut remark = vec![format!("{}, {}", json.text_of("what")?, threads(n_threads))];
    if (items as u64) < n_items {
        remark.push(format!("scaled from {items} {unit} in {timed:.2} s"));
    }
    let notes = json.get("notes").and_then(Json::array).unwrap_or_default();
    remark.extend(notes.iter().filter_map(Json::text).map(str::to_owned));
    Ok(Row {
        contest,
        name,
        system: json.text_of("system")?.to_owned(),
        seconds: fixed + timed * (n_items as f64 / items),
        beside: None,
        items: items as u64,
        threads: n_threads,
        remark: remark.join("; "),
    })
}

/// `1 thread`, `2 threads`.
pub(super) fn threads(count: u64) -> String {
    format!("{count} thread{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::super::suite::SUITES;
    use super::*;

    fn written(items: u64) -> Json {
        let text = format!(
            r#"{{"system": "faiss 1.0", "what": "add and search, float32", "fixed_seconds": 0.5, "item_seconds": 3,
            "items": {items}, "threads": 1, "notes": ["a note"]}}"#
        );
        Json::parse(&text).unwrap()
    }

    #[test]
    fn only_what_grows_with_the_items_is_scaled() {
        let all = row(&written(400), "l1", "faiss", 400, "queries").unwrap();
        assert_eq!(all.seconds, 3.5);
        assert_eq!(all.remark, "add and search, float32, 1 thread; a note");
        let part = row(&written(100), "l1", "faiss", 400, "queries").unwrap();
        assert_eq!((part.seconds, part.items), (12.5, 100));
        assert_eq!(
            part.remark,
            "add and search, float32, 1 thread; scaled from 100 queries in 3.00 s; a note"
        );
    }

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

    #[test]
    fn results_that_lack_something_are_refused() {
        assert_eq!(
            row(&written(0), "l1", "faiss", 400, "queries").unwrap_err(),
            "l1, faiss: nothing was timed"
        );
        assert_eq!(
            row(&Json::Object(Vec::new()), "l1", "faiss", 400, "queries").unwrap_err(),
            "the JSON record has no number `fixed_seconds`"
        );
    }

    #[test]
    fn the_standard_input_of_a_peer_stays_open_until_it_ends() {
        // `cargo --version` reads nothing and ends well.
        assert_eq!(run_watched(&mut shell::cargo(["--version"])), Ok(Some(0)));
        let error = run_watched(&mut shell::program_at("nearplane-no-such-program")).unwrap_err();
        assert!(error.contains("could not be started"), "{error}");
    }
}
