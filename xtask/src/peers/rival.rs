//! One peer, in a process of its own, and the row that it wrote.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::contest::{Runner, threads};
use super::python::Python;
use super::suite::{Contest, Package, Peer, Suite};
use super::table::Row;
use crate::json::Json;
use crate::shell;

/// What `peer.py` says if the peer's package cannot be imported.
const NOT_INSTALLED: i32 = 3;

/// How a peer ended.
pub(super) enum Theirs {
    Found(Box<Row>, PathBuf, Vec<String>),
    NotInstalled,
    Failed(String),
}

impl Runner<'_> {
    /// How a peer's program is started; `None` if it is not here.
    pub(super) fn start(&self, peer: &Peer) -> Option<Box<dyn Fn() -> Command + '_>> {
        if peer.package == Package::Crate {
            let program = self.crates?;
            return Some(Box::new(move || shell::program_at(program)));
        }
        let python = self.python.filter(|python| python.has(peer.package))?;
        Some(Box::new(move || python.script("peer.py")))
    }

    /// Runs a peer in a process of its own.
    pub(super) fn theirs(
        &self,
        mut command: Command,
        contest: &'static Contest,
        peer: &Peer,
    ) -> Result<Theirs, String> {
        let result = self
            .place
            .path(&format!("{}-{}.json", peer.name, contest.name));
        command.args([self.suite.name, peer.name, "--contest", contest.name]);
        command.args(["--threads", &self.threads_of(contest).to_string()]);
        command
            .arg("--data")
            .arg(self.place.data(self.suite.counts));
        command.arg("--out").arg(self.place.path(""));
        if self.options.quick {
            command.arg("--quick");
        }
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
        let row = row(&json, (self.suite, contest.name, peer.name), n_items)?;
        let Some(Json::Object(packages)) = json.get("versions") else {
            return Err(format!("{} wrote no `versions`", peer.name));
        };
        let versions = packages
            .iter()
            .filter_map(|(name, version)| Some(format!("{name} {}", version.text()?)));
        Ok(Theirs::Found(Box::new(row), result, versions.collect()))
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

/// A row from what a peer wrote; if it was given a part of the items, its time is scaled.
fn row(
    json: &Json,
    (suite, contest, name): (&'static Suite, &'static str, &'static str),
    n_items: u64,
) -> Result<Row, String> {
    let unit = suite.counts.name();
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
        suite: suite.name,
        contest,
        name,
        system: json.text_of("system")?.to_owned(),
        seconds: fixed + timed * (n_items as f64 / items),
        beside: None,
        share: None,
        items: items as u64,
        threads: n_threads,
        remark: remark.join("; "),
    })
}

#[cfg(test)]
mod tests {
    use super::super::suites::SUITES;
    use super::*;

    const PEER: (&Suite, &str, &str) = (SUITES[0], "l1", "faiss");

    fn written(items: u64) -> Json {
        let text = format!(
            r#"{{"system": "faiss 1.0", "what": "add and search, float32", "fixed_seconds": 0.5, "item_seconds": 3,
            "items": {items}, "threads": 1, "notes": ["a note"]}}"#
        );
        Json::parse(&text).unwrap()
    }

    #[test]
    fn only_what_grows_with_the_items_is_scaled() {
        let all = row(&written(400), PEER, 400).unwrap();
        assert_eq!(all.seconds, 3.5);
        assert_eq!(all.remark, "add and search, float32, 1 thread; a note");
        let part = row(&written(100), PEER, 400).unwrap();
        assert_eq!((part.seconds, part.items), (12.5, 100));
        assert_eq!(
            part.remark,
            "add and search, float32, 1 thread; scaled from 100 queries in 3.00 s; a note"
        );
    }

    #[test]
    fn results_that_lack_something_are_refused() {
        assert_eq!(
            row(&written(0), PEER, 400).unwrap_err(),
            "l1, faiss: nothing was timed"
        );
        assert_eq!(
            row(&Json::Object(Vec::new()), PEER, 400).unwrap_err(),
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
