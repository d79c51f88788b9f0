//! What a run leaves behind: a JSON file under `target/`, and with `--record` a page and a table in `benches/record`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::table::{self, Row};
use crate::json::Json;
use crate::shell;

/// Everything that belongs to the figures of one run.
#[derive(Default)]
pub(crate) struct Record {
    /// `all`, or a suite.
    pub(crate) name: String,
    /// The options that change what is measured.
    pub(crate) options: String,
    /// What was done on which data, a line for each suite.
    pub(crate) jobs: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// What the agreement checks said, one line each.
    pub(crate) agreement: Vec<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) targets: Vec<String>,
    /// `name version` of every program and package.
    pub(crate) versions: BTreeSet<String>,
    /// What the machine could do, beside each contest.
    pub(crate) machines: Vec<String>,
}

/// Where and when.
#[derive(Debug, Clone)]
pub(crate) struct Circumstances {
    /// `2026-11-22`, UTC.
    pub(crate) date: String,
    pub(crate) cpu: String,
    pub(crate) commit: String,
}

impl Circumstances {
    pub(crate) fn now() -> Circumstances {
        // A clock before 1970 is a clock that is not set.
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let mut git = shell::program_at("git");
        let commit = shell::ask(git.args(["describe", "--always", "--dirty", "--tags"]));
        Circumstances {
            date: date(seconds / 86_400),
            cpu: cpu_name().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            commit: commit.map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned()),
        }
    }
}

impl Circumstances {
    /// How the names of records begin: `CPU-DATE`.
    pub(crate) fn stem(&self) -> String {
        format!("{}-{}", slug(&self.cpu), self.date)
    }
}

impl Record {
    /// Writes `target/peers/SUITE.json` and returns its path.
    pub(crate) fn write_json(&self, folder: &Path, at: &Circumstances) -> Result<PathBuf, String> {
        let path = folder.join(format!("{}.json", self.name));
        write(&path, &format!("{}\n", self.json(at)))?;
        Ok(path)
    }

    /// Writes `CPU-DATE.md` and `.csv`, with the suite behind if it is one, and returns the path of the page. An
    /// earlier record stays: the new one has a number behind its name.
    pub(crate) fn write_page(&self, folder: &Path, at: &Circumstances) -> Result<PathBuf, String> {
        let mut name = at.stem();
        if self.name != "all" {
            name = format!("{name}-{}", self.name);
        }
        let taken = |name: &String| {
            ["md", "csv"]
                .map(|end| folder.join(format!("{name}.{end}")))
                .iter()
                .any(|p| p.exists())
        };
        let mut free = name.clone();
        for number in 2.. {
            if !taken(&free) {
                break;
            }
            free = format!("{name}-{number}");
        }
        let table = table::csv(&self.rows, at);
        write(&folder.join(format!("{free}.csv")), &table)?;
        let page = folder.join(format!("{free}.md"));
        write(&page, &self.page(at, &free))?;
        Ok(page)
    }

    fn page(&self, at: &Circumstances, name: &str) -> String {
        let list = |title: &str, lines: &[String]| {
            let lines: String = lines.iter().map(|line| format!("- {line}\n")).collect();
            if lines.is_empty() {
                String::new()
            } else {
                format!("\n## {title}\n\n{lines}")
            }
        };
        format!(
            "# {}, {}: nearplane beside others\n\n\
             Commit {}, `cargo xtask bench --peers {}{}`.\n\n\
             Ratio: seconds divided by the mean of nearplane right before and right after. Share of the limit: what the\n\
             machine would need at least, by its instructions or its memory as measured before and after, divided by\n\
             what was needed; bounds that rule work out come to more than 100 %. The same as a table for programs:\n\
             [{name}.csv]({name}.csv).\n\n{}{}{}{}{}{}{}",
            at.cpu,
            at.date,
            at.commit,
            self.name,
            self.options,
            table::markdown(&self.rows),
            list("What was done", &self.jobs),
            list("Agreement of what was found", &self.agreement),
            list("Targets", &self.targets),
            list("Left out", &self.notes),
            list("Limits of the machine", &self.machines),
            list(
                "Versions",
                &self.versions.iter().cloned().collect::<Vec<_>>()
            ),
        )
    }

    fn json(&self, at: &Circumstances) -> Json {
        let text = |text: &str| Json::Text(text.to_owned());
        let texts = |lines: &[String]| Json::Array(lines.iter().map(|line| text(line)).collect());
        let rows = self.rows.iter().map(|row| {
            let optional = |value: Option<f64>| value.map_or(Json::Null, Json::Number);
            object([
                ("suite", text(row.suite)),
                ("contest", text(row.contest)),
                ("name", text(row.name)),
                ("system", text(&row.system)),
                ("seconds", Json::Number(row.seconds)),
                (
                    "nearplane_before_s",
                    optional(row.beside.map(|[before, _]| before)),
                ),
                (
                    "nearplane_after_s",
                    optional(row.beside.map(|[_, after]| after)),
                ),
                ("ratio", optional(row.ratio())),
                (
                    "share",
                    optional(row.share.as_ref().map(|share| share.of_limit)),
                ),
                ("items", Json::Number(row.items as f64)),
                ("threads", Json::Number(row.threads as f64)),
                ("remark", text(&row.remark)),
            ])
        });
        object([
            ("schema", text("nearplane/peers/2")),
            ("name", text(&self.name)),
            ("date", text(&at.date)),
            ("cpu", text(&at.cpu)),
            ("commit", text(&at.commit)),
            ("jobs", texts(&self.jobs)),
            ("rows", Json::Array(rows.collect())),
            ("agreement", texts(&self.agreement)),
            ("targets", texts(&self.targets)),
            ("notes", texts(&self.notes)),
            ("machines", texts(&self.machines)),
            (
                "versions",
                Json::Array(self.versions.iter().map(|line| text(line)).collect()),
            ),
        ])
    }
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
}

/// Through a temporary file, so that a full disk leaves no half of a record.
pub(crate) fn write(path: &Path, content: &str) -> Result<(), String> {
    let mut pending = path.as_os_str().to_owned();
    pending.push(".tmp");
    std::fs::write(&pending, content)
        .and_then(|()| std::fs::rename(&pending, path))
        .map_err(|error| format!("{}: {error}", shell::short(path)))
}

/// The name that the processor gives itself.
fn cpu_name() -> Option<String> {
    let name = if cfg!(target_os = "linux") {
        let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
        let line = info.lines().find(|line| line.starts_with("model name"))?;
        line.split_once(':')?.1.to_owned()
    } else if cfg!(target_os = "macos") {
        shell::ask(shell::program_at("sysctl").args(["-n", "machdep.cpu.brand_string"])).ok()?
    } else {
        std::env::var("PROCESSOR_IDENTIFIER").ok()?
    };
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Fit for a file name: lower-case letters, digits, and single dashes between.
fn slug(name: &str) -> String {
    let name = name.to_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

/// The date that many days after 1970-01-01.
fn date(mut days: u64) -> String {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::TempFolder;

    fn record() -> Record {
        Record {
            name: "knn".to_owned(),
            options: " --queries 7".to_owned(),
            jobs: vec!["A job.".to_owned()],
            rows: vec![Row {
                suite: "knn",
                contest: "l2",
                name: "faiss",
                system: "faiss 1.0".to_owned(),
                seconds: 10.0,
                beside: Some([1.5, 2.5]),
                share: None,
                items: 7,
                threads: 2,
                remark: "float32".to_owned(),
            }],
            agreement: vec!["agree".to_owned()],
            notes: Vec::new(),
            targets: vec!["met".to_owned()],
            versions: BTreeSet::from(["numpy 1".to_owned()]),
            machines: vec!["VNNI 7".to_owned()],
        }
    }

    fn circumstances() -> Circumstances {
        Circumstances {
            date: "2026-11-23".to_owned(),
            cpu: "A CPU (R) 9".to_owned(),
            commit: "abc-dirty".to_owned(),
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (364, "1970-12-31"),
            (789, "1972-02-29"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_780, "2026-11-23"),
        ] {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn names_become_file_names() {
        assert_eq!(
            slug("Intel(R) Core(TM) i7 @ 3 GHz"),
            "intel-r-core-tm-i7-3-ghz"
        );
        assert!(!slug(&Circumstances::now().cpu).is_empty());
    }

    #[test]
    fn a_second_record_keeps_the_first() {
        let folder = TempFolder::new();
        let mut names = Vec::new();
        for _ in 0..3 {
            let page = record()
                .write_page(folder.path(), &circumstances())
                .unwrap();
            names.push(page.file_name().unwrap().to_str().unwrap().to_owned());
            assert!(page.with_extension("csv").is_file());
        }
        let name = "a-cpu-r-9-2026-11-23-knn";
        assert_eq!(
            names,
            [
                format!("{name}.md"),
                format!("{name}-2.md"),
                format!("{name}-3.md")
            ]
        );
        let page = std::fs::read_to_string(folder.path().join(&names[1])).unwrap();
        for part in [
            "Commit abc-dirty, `cargo xtask bench --peers knn --queries 7`.",
            "| knn l2 | faiss 1.0 | 10.00 | 1.50, 2.50 | 5.00 |  | float32 |",
            "## What was done\n\n- A job.\n",
            "## Versions\n\n- numpy 1\n",
            "-2.csv)",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        assert!(!page.contains("Left out"));
    }

    #[test]
    fn the_json_can_be_read() {
        let folder = TempFolder::new();
        let path = record()
            .write_json(folder.path(), &circumstances())
            .unwrap();
        let read = Json::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(read.text_of("schema"), Ok("nearplane/peers/2"));
        let rows = read.get("rows").and_then(Json::array).unwrap();
        assert_eq!(rows[0].number_of("ratio"), Ok(5.0));
        assert_eq!(rows[0].number_of("items"), Ok(7.0));
    }
}
