//! `cargo xtask bench --peers NAME`: others' programs and nearplane on the same data, one after the other in one run.
//! `suites.rs` says what runs, `python.rs` gets it, `contest.rs` runs it; what is found has to agree before a time
//! is shown.

mod args;
mod compare;
mod contest;
mod machine;
mod objective;
mod python;
mod record;
mod rival;
mod suite;
mod suites;
mod table;
mod workplace;

use std::path::{Path, PathBuf};

use crate::json::Json;
use crate::shell;
use args::Options;
use contest::{Outcome, Runner};
use python::Python;
use record::Record;
use suite::Suite;
use workplace::Workplace;

pub(crate) use args::are_asked_for;
pub(crate) use compare::{cells, compare};
pub(crate) use record::{Circumstances, write};

/// Where records are kept.
pub(crate) const RECORDS: &str = "benches/record";
/// The table of the last run.
pub(crate) const LAST: &str = "target/peers/last.csv";
const CRATES: &str = "benches/peers/rust/Cargo.toml";
const CRATES_TARGET: &str = "target/peers-rust";

/// Runs the suites that `--peers` names, and shows all in one table.
pub(crate) fn main(args: &[String]) -> Result<(), String> {
    let options = args::parse(args)?;
    let nearplane = shell::build_nearplane()?;
    let limits = shell::build(&["--release", "-p", "nearplane-benches", "--bin", "limits"])?;
    let place = Workplace::open(&options, &nearplane)?;
    let mut notes = Vec::new();
    let python = Python::prepare(&mut notes);
    if let Some(python) = &python {
        for suite in options.suites.iter().filter(|suite| suite.has_peers()) {
            let mut check = python.script("agreement.py");
            shell::run(check.args([suite.name, "--self-test"]))?;
        }
    }
    let crates = build_crates(&options, &mut notes);
    let (mut record, mut faults) = (started(&options, notes), Vec::new());
    for suite in &options.suites {
        let runner = Runner {
            suite,
            nearplane: &nearplane,
            limits: &limits,
            crates: crates.as_deref(),
            python: python.as_ref(),
            place: &place,
            options: &options,
        };
        faults.extend(run(&runner, &mut record)?);
    }
    show(&record, &options, &faults)?;
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\nerror: "))
    }
}

/// Does something with a linked copy of the data, beside which looks are logged, and a folder for files; both go away.
pub(crate) fn with_data<T>(
    nearplane: &Path,
    work: impl FnOnce(&Path, &Path) -> Result<T, String>,
) -> Result<T, String> {
    let options = args::parse(&[])?;
    let place = Workplace::open(&options, nearplane)?;
    work(&place.data(suite::Counts::Queries), &place.path(""))
}

/// Builds the program of the peers that are crates, where a suite has them; it is a workspace of its own.
fn build_crates(options: &Options, notes: &mut Vec<String>) -> Option<PathBuf> {
    let has_crates = |suite: &&Suite| {
        let mut peers = suite.contests.iter().flat_map(|contest| contest.peers);
        peers.any(|peer| peer.package == suite::Package::Crate)
    };
    if !options.suites.iter().any(has_crates) {
        return None;
    }
    let target = shell::root().join(CRATES_TARGET).display().to_string();
    let flags = [
        "--release",
        "--locked",
        "--manifest-path",
        CRATES,
        "--target-dir",
        &target,
    ];
    let built = shell::build(&flags);
    built
        .map_err(|error| {
            notes.push(format!(
                "the peers that are crates cannot be built: {error}"
            ))
        })
        .ok()
}

fn started(options: &Options, notes: Vec<String>) -> Record {
    let name = match options.suites.as_slice() {
        [suite] => suite.name,
        _ => "all",
    };
    let mut said = String::new();
    if options.quick {
        said += " --quick";
    }
    if let Some(queries) = options.queries {
        said += &format!(" --queries {queries}");
    }
    said += &format!(" --threads {}", options.threads);
    Record {
        name: name.to_owned(),
        options: said,
        notes,
        ..Record::default()
    }
}

/// Runs one suite, adds what came out to the record and returns what is wrong with it.
fn run(runner: &Runner<'_>, record: &mut Record) -> Result<Vec<String>, String> {
    let Runner { suite, place, .. } = runner;
    let mut outcome = Outcome::default();
    for contest in suite.contests {
        if runner.options.quick && contest.is_long {
            let note = format!("{} {}: too long for --quick", suite.name, contest.name);
            record.notes.push(note);
            continue;
        }
        runner.run(contest, &mut outcome)?;
    }
    let mut faults = Vec::new();
    if suite.has_peers() {
        let agreement = agreement(runner, &outcome)?;
        faults.extend(agreement.faults);
        let of_suite = |line| format!("{}, {line}", suite.name);
        record
            .agreement
            .extend(agreement.lines.into_iter().map(of_suite));
    }
    faults.extend(outcome.failed);
    record.jobs.push(format!(
        "{}: {}, {} of {}",
        suite.name,
        suite.job,
        suite.counts.of(place.sizes(suite.counts)),
        place.source
    ));
    let machines = outcome.rows.iter().filter(|row| row.name == table::OURS);
    let machines = machines.zip(&outcome.machines);
    record
        .machines
        .extend(machines.map(|(row, machine)| format!("{}: {}", row.job(), machine.line())));
    record.rows.extend(outcome.rows);
    let targets = targets(runner, &record.rows);
    record.targets.extend(targets);
    record.notes.extend(outcome.left_out);
    record.versions.extend(outcome.versions);
    Ok(faults)
}

/// Prints the table and what belongs to it, and keeps it.
fn show(record: &Record, options: &Options, faults: &[String]) -> Result<(), String> {
    let at = Circumstances::now();
    println!("\n{}, commit {}, {}\n", at.cpu, at.commit, at.date);
    print!("{}", table::text(&record.rows));
    println!(
        "\nratio: seconds divided by the mean of nearplane right before and right after{}\n\
         share of the limit: what the machine would need at least, divided by what was needed\n",
        if options.quick {
            " (--quick: once before the first peer and once after the last)"
        } else {
            ""
        }
    );
    for note in &record.notes {
        println!("left out: {note}");
    }
    for line in &record.targets {
        println!("{line}");
    }
    let folder = shell::root().join(workplace::RESULTS);
    let json = record.write_json(&folder, &at)?;
    let last = shell::root().join(LAST);
    write(&last, &table::csv(&record.rows, &at))?;
    println!("written: {}, {LAST}", shell::short(&json));
    if options.record && faults.is_empty() {
        let page = record.write_page(&shell::root().join(RECORDS), &at)?;
        println!("recorded: {} and .csv", shell::short(&page));
        if record.name == "all" && !options.quick {
            let readme = shell::root().join("README.md");
            let summary = format!(
                "{}\n`cargo xtask bench --peers` made it on {}, {}, commit {}\n([record]({})).\n",
                table::summary(&record.rows),
                at.cpu,
                at.date,
                at.commit,
                shell::short(&page)
            );
            include(&readme, "bench", &summary)?;
            println!("its table is in README.md");
        }
    } else if options.record {
        println!("not recorded: something is wrong");
    }
    if let Some(old) = &options.compare {
        print!("\n{}", compare(old, &last)?);
    }
    Ok(())
}

/// Puts a text between the marks `NAME: begin` and `NAME: end` of a page.
pub(crate) fn include(page: &Path, name: &str, text: &str) -> Result<(), String> {
    let shown = |error: std::io::Error| format!("{}: {error}", shell::short(page));
    let before = std::fs::read_to_string(page).map_err(shown)?;
    let [begin, end] = ["begin", "end"].map(|edge| format!("<!-- {name}: {edge} -->"));
    let parts = before
        .split_once(&begin)
        .and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
    let Some((head, tail)) = parts else {
        return Err(format!("{}: no `{begin}` and `{end}`", shell::short(page)));
    };
    write(page, &format!("{head}{begin}\n{text}{end}{tail}"))
}

/// What became of the targets; a quick run says nothing of what it cut short.
fn targets(runner: &Runner<'_>, rows: &[table::Row]) -> Vec<String> {
    let Runner { suite, place, .. } = runner;
    let is_quick = runner.options.quick;
    let mut lines = table::targets(suite, rows, |contest| {
        !is_quick || (contest.quick.is_empty() && !contest.is_long)
    });
    if !lines.is_empty() && place.sizes(suite.counts) != suite.target_size {
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
    fn a_text_goes_between_its_marks() {
        let folder = TempFolder::new();
        let page = folder.path().join("page.md");
        std::fs::write(&page, "a <!-- bench: begin -->old<!-- bench: end -->\nb").unwrap();
        for text in ["one\n", "two\n"] {
            include(&page, "bench", text).unwrap();
            assert_eq!(
                std::fs::read_to_string(&page).unwrap(),
                format!("a <!-- bench: begin -->\n{text}<!-- bench: end -->\nb")
            );
        }
        std::fs::write(&page, "nothing").unwrap();
        assert!(
            include(&page, "bench", "x")
                .unwrap_err()
                .contains("bench: begin")
        );
    }

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
