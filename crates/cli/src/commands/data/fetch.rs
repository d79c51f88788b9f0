//! `nearplane data fetch`: CIFAR-10 or CIFAR-100 from its authors' server, a mirror, or a file that was
//! downloaded already.

use std::sync::Mutex;
use std::time::Instant;

use anyhow::Result;
use nearplane_cifar::fetch::{FetchError, FetchProgress, fetch};
use serde_json::json;

use super::{check_output_folder, now, object};
use crate::data_source::written;
use crate::failure::{Interrupted, Paused, Usage};
use crate::output::{Report, note, seconds};
use crate::plan::{FetchPlan, Settings};
use crate::progress::{Progress, interrupted};

/// Columns of `--results`; files are separated by blanks.
pub(crate) const COLUMNS: [&str; 12] = [
    "schema",
    "time",
    "version",
    "name",
    "path",
    "files",
    "source",
    "bytes",
    "data_hash",
    "n_train",
    "n_test",
    "seconds",
];

const SCHEMA: &str = "nearplane/data-fetch/1";

/// Downloads, checks, unpacks, and reports.
pub(crate) fn run(plan: &FetchPlan, settings: &Settings) -> Result<Report> {
    check_output_folder(&plan.options.out, settings.force)?;
    let started = Instant::now();
    let watch = Watch {
        progress: Progress::of_bytes("downloading", settings.quiet),
        quiet: settings.quiet,
        traffic: Mutex::default(),
    };
    let fetched = fetch(plan.what, &plan.options, &watch).map_err(|error| explain(error, plan))?;
    let outcome = Outcome {
        files: fetched
            .files
            .iter()
            .filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
            .collect(),
        traffic: watch.finish(),
        seconds: started.elapsed().as_secs_f64(),
    };
    outcome.report(plan, settings)
}

/// Cancelled is not failed, and a mirror that is no URL is wrong usage.
fn explain(error: FetchError, plan: &FetchPlan) -> anyhow::Error {
    match error {
        FetchError::Cancelled if plan.options.archive.is_some() => Interrupted.into(),
        FetchError::Cancelled => Paused.into(),
        FetchError::MirrorUrl { .. } => Usage(format!("--mirror: {error}")).into(),
        error => error.into(),
    }
}

/// What came over the network in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Traffic {
    /// The address that was asked last.
    url: Option<String>,
    /// Bytes of the archive, from all answers.
    bytes: u64,
    /// Where the partial file ended when last heard of.
    end: u64,
}

impl Traffic {
    fn asking(&mut self, url: &str, have: u64) {
        self.url = Some(url.to_owned());
        self.end = have;
    }

    /// The partial file ends at `done` now; below where it ended before, it was begun again.
    fn downloaded(&mut self, done: u64) {
        self.bytes += done.checked_sub(self.end).unwrap_or(done);
        self.end = done;
    }
}

/// Watches for the user, and for the record.
struct Watch {
    progress: Progress,
    quiet: bool,
    traffic: Mutex<Traffic>,
}

impl Watch {
    fn count(&self, change: impl FnOnce(&mut Traffic)) {
        // Counting does not panic, and if it did, there would be no result to count for.
        if let Ok(mut traffic) = self.traffic.lock() {
            change(&mut traffic);
        }
    }

    fn finish(self) -> Traffic {
        self.traffic.into_inner().unwrap_or_default()
    }

    fn tell(&self, text: &str) {
        self.progress.aside(|| note(self.quiet, text));
    }
}

impl FetchProgress for Watch {
    fn asking(&self, url: &str, have: u64) {
        self.tell(&match have {
            0 => format!("asking {url}"),
            have => format!("asking {url} for what follows the {have} bytes that are there"),
        });
        self.count(|traffic| traffic.asking(url, have));
    }

    fn downloaded(&self, done: u64, total: Option<u64>) {
        self.count(|traffic| traffic.downloaded(done));
        self.progress.update(done, total);
    }

    fn note(&self, text: &str) {
        self.tell(text);
    }

    fn unpacking(&self, _file: &str) {
        self.progress.head("unpacking");
    }

    fn cancelled(&self) -> bool {
        interrupted()
    }
}

/// A data set that is in place.
struct Outcome {
    /// Names in the folder.
    files: Vec<String>,
    traffic: Traffic,
    seconds: f64,
}

impl Outcome {
    fn report(self, plan: &FetchPlan, settings: &Settings) -> Result<Report> {
        let out = &plan.options.out;
        let path = out.display().to_string();
        // With neither, the archive of an earlier run was complete.
        let source = match (&plan.options.archive, self.traffic.url) {
            (Some(archive), _) => archive.display().to_string(),
            (None, Some(url)) => url,
            (None, None) => "the partial file".to_owned(),
        };
        let next = if plan.is_found {
            "nearplane knn".to_owned()
        } else {
            format!("nearplane knn --data {path}")
        };
        let text = format!(
            "{} in {path}, {} files from {source}, {} bytes downloaded, {}\nnext: {next}\n",
            plan.name,
            self.files.len(),
            self.traffic.bytes,
            seconds(self.seconds)
        );
        let (mut record, mut rows) = (serde_json::Map::new(), Vec::new());
        if settings.wants_record() {
            let (data, hash) = written(out, settings)?;
            rows = vec![vec![
                SCHEMA.to_owned(),
                now(),
                env!("CARGO_PKG_VERSION").to_owned(),
                plan.name.to_owned(),
                path.clone(),
                self.files.join(" "),
                source.clone(),
                self.traffic.bytes.to_string(),
                hash,
                data["n_train"].to_string(),
                data["n_test"].to_string(),
                self.seconds.to_string(),
            ]];
            record = object(json!({
                "schema": SCHEMA,
                "data": data,
                "name": plan.name,
                "path": path,
                "files": self.files.iter().map(|file| out.join(file).display().to_string()).collect::<Vec<_>>(),
                "source": source,
                "bytes": self.traffic.bytes,
                "seconds": self.seconds,
            }));
        }
        Ok(Report { record, text, rows })
    }
}

#[cfg(test)]
mod tests {
    use nearplane_cifar::fetch::{FetchName, FetchOptions};
    use nearplane_cifar::write::{Contents, write_folder};
    use nearplane_kernels::Level;

    use super::*;

    /// Only the originals pass the checks, so the record of a good end is made from a folder that is there.
    #[test]
    fn the_record_says_what_is_there_and_where_it_came_from() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("set");
        let contents = Contents {
            train: vec![0; 2 * 3073],
            test: vec![0; 3073],
            ..Contents::default()
        };
        write_folder(&out, &contents, false).unwrap();
        let plan = FetchPlan {
            name: "cifar-10",
            what: FetchName::Cifar10,
            options: FetchOptions {
                out: out.clone(),
                ..FetchOptions::default()
            },
            is_found: false,
        };
        let settings = Settings {
            json: true,
            quiet: true,
            force: false,
            threads: None,
            level: Level::detect(),
            seed: 0,
            split_seed: 0,
            limit: None,
            mmap: false,
            results: None,
            outputs: crate::pending::Outputs::default(),
        };
        let outcome = Outcome {
            files: vec!["data_batch_1.bin".to_owned(), "test_batch.bin".to_owned()],
            traffic: Traffic {
                url: Some("http://a.example/x".to_owned()),
                bytes: 77,
                end: 99,
            },
            seconds: 1.5,
        };
        let report = outcome.report(&plan, &settings).unwrap();
        let path = out.display().to_string();
        assert_eq!(report.record["path"], path);
        let test_file = out.join("test_batch.bin").display().to_string();
        assert_eq!(report.record["files"][1], test_file);
        assert_eq!(report.record["source"], "http://a.example/x");
        assert_eq!(
            (&report.record["bytes"], &report.record["seconds"]),
            (&77.into(), &1.5.into())
        );
        assert_eq!(report.record["data"]["n_train"], 2);
        let row = |column: &str| {
            let position = COLUMNS.iter().position(|name| *name == column).unwrap();
            report.rows[0][position].as_str()
        };
        assert_eq!(report.rows[0].len(), COLUMNS.len());
        assert_eq!(
            (row("n_train"), row("n_test"), row("bytes")),
            ("2", "1", "77")
        );
        assert!(
            report
                .text
                .contains(&format!("next: nearplane knn --data {path}"))
        );
    }

    #[test]
    fn bytes_are_counted_over_cuts_and_new_beginnings() {
        let mut traffic = Traffic::default();
        traffic.asking("http://a.example/", 1000);
        traffic.downloaded(1500);
        traffic.downloaded(1600);
        traffic.asking("http://b.example/", 1600);
        traffic.downloaded(2000);
        assert_eq!(traffic.bytes, 1000, "1000 of the 2000 were there already");
        // A server without ranges sends all of it.
        traffic.asking("http://b.example/", 2000);
        traffic.downloaded(100);
        traffic.downloaded(2500);
        assert_eq!(traffic.bytes, 3500);
        assert_eq!(traffic.url.as_deref(), Some("http://b.example/"));
    }
}
