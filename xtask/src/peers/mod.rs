//! `cargo xtask bench --peers NAME`: others' programs and nearplane on the same data, one after the other in one run.
//! `suite.rs` says what runs, `python.rs` gets it, `contest.rs` runs it; what is found has to agree before a time
//! is shown.

mod args;
mod contest;
mod objective;
mod python;
mod record;
mod suite;
mod table;
mod workplace;

use std::path::{Path, PathBuf};

use crate::json::Json;
use crate::shell;
use contest::{Outcome, Runner};
use python::Python;
use record::{Circumstances, Record};
use suite::Suite;
use workplace::Workplace;

pub(crate) use args::are_asked_for;

const RECORDS: &str = "benches/record";

/// Runs the suites that `--peers` names.
pub(crate) fn main(args: &[String]) -> Result<(), String> {
    let options = args::parse(args)?;
    let nearplane = shell::build_nearplane()?;
    let place = Workplace::open(&options, &nearplane)?;
    let mut notes = Vec::new();
    let python = Python::prepare(&mut notes);
    if let Some(python) = &python {
        for suite in &options.suites {
            let mut check = python.script("agreement.py");
            shell::run(check.args([suite.name, "--self-test"]))?;
        }
    }
    let mut faults = Vec::new();
    for suite in &options.suites {
        let runner = Runner {
            suite,
            nearplane: &nearplane,
            python: python.as_ref(),
            place: &place,
            threads: options.threads,
        };
        faults.extend(run(&runner, &notes, options.record)?);
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\nerror: "))
    }
}

/// Runs one suite and shows what came out; returns what is wrong with it.
fn run(runner: &Runner<'_>, notes: &[String], keep: bool) -> Result<Vec<String>, String> {
    let Runner { suite, place, .. } = runner;
    let mut outcome = Outcome::default();
    for contest in suite.contests {
        runner.run(contest, &mut outcome)?;
    }
    let agreement = agreement(runner, &outcome)?;
    let mut faults = agreement.faults;
    faults.extend(outcome.failed);

    let at = Circumstances::now();
    let mut notes = notes.to_vec();
    notes.extend(outcome.left_out);
    let record = Record {
        suite: suite.name,
        job: format!(
            "{}: {} of {}.",
            suite.job,
            suite.counts.of(place.sizes(suite.counts)),
            place.source
        ),
        threads: suite.threads.unwrap_or(runner.threads) as u64,
        targets: targets(suite, place, &outcome.rows),
        rows: outcome.rows,
        agreement: agreement.lines,
        notes,
        versions: outcome.versions.into_iter().collect(),
    };
    println!(
        "\n{} {}, {}, commit {}, {}\n",
        record.job,
        contest::threads(record.threads),
        at.cpu,
        at.commit,
        at.date
    );
    print!("{}", table::text(&record.rows));
    println!("ratio: seconds divided by the mean of nearplane right before and right after\n");
    for note in &record.notes {
        println!("left out: {note}");
    }
    for line in &record.targets {
        println!("{line}");
    }
    let folder = shell::root().join(workplace::RESULTS);
    let json = record.write_json(&folder, &at)?;
    println!("written: {}", shell::short(&json));
    if keep && faults.is_empty() {
        let page = record.write_page(&shell::root().join(RECORDS), &at)?;
        println!("recorded: {} and .csv", shell::short(&page));
    } else if keep {
        println!("not recorded: something is wrong");
    }
    Ok(faults)
}

fn targets(suite: &Suite, place: &Workplace, rows: &[table::Row]) -> Vec<String> {
    let mut lines = table::targets(suite, rows);
    if place.sizes(suite.counts) != suite.target_size {
        lines.push(format!(
            "the targets are meant for {}",
            suite.counts.of(suite.target_size)
        ));
    }
    lines
}

/// What the agreement check found.
#[derive(Debug, Default, PartialEq)]
struct Agreement {
    lines: Vec<String>,
    faults: Vec<String>,
}

/// Compares what all systems of a suite found.
fn agreement(runner: &Runner<'_>, outcome: &Outcome) -> Result<Agreement, String> {
    let Some(python) = runner.python else {
        return Ok(Agreement {
            lines: vec!["nothing was compared, for Python is missing".to_owned()],
            faults: Vec::new(),
        });
    };
    let out: PathBuf = runner.place.path("agreement.json");
    let mut command = python.script("agreement.py");
    command.arg(runner.suite.name);
    command
        .arg("--data")
        .arg(runner.place.data(runner.suite.counts));
    for (contest, found) in &outcome.ours {
        command.arg("--ours").arg(contest).arg(found);
    }
    for result in &outcome.theirs {
        command.arg("--theirs").arg(result);
    }
    let ended = shell::run(command.arg("--out").arg(&out));
    read_agreement(&out).map_err(|error| ended.err().unwrap_or(error))
}

fn read_agreement(path: &Path) -> Result<Agreement, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{}: {error}", shell::short(path)))?;
    let json = Json::parse(&text)?;
    let texts = |name: &str| -> Result<Vec<String>, String> {
        let items = json.get(name).and_then(Json::array);
        let items = items.ok_or_else(|| format!("the agreement check wrote no `{name}`"))?;
        let items = items.iter().filter_map(Json::text).map(str::to_owned);
        Ok(items.collect())
    };
    let faults = texts("faults")?;
    Ok(Agreement {
        lines: texts("lines")?,
        faults: faults
            .into_iter()
            .map(|fault| format!("not equal: {fault}"))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::TempFolder;

    #[test]
    fn the_agreement_check_is_read() {
        let folder = TempFolder::new();
        let path = folder.path().join("agreement.json");
        assert!(read_agreement(&path).is_err());
        std::fs::write(
            &path,
            r#"{"lines": ["l2: agree"], "faults": ["l1, query 3"]}"#,
        )
        .unwrap();
        let expected = Agreement {
            lines: vec!["l2: agree".to_owned()],
            faults: vec!["not equal: l1, query 3".to_owned()],
        };
        assert_eq!(read_agreement(&path), Ok(expected));
        std::fs::write(&path, r#"{"lines": []}"#).unwrap();
        assert_eq!(
            read_agreement(&path).unwrap_err(),
            "the agreement check wrote no `faults`"
        );
    }
}
