//! `cargo xtask parity`: the tests that compare every SIMD level with the scalar one, and which levels each of them
//! really ran at. With `--require`, a level that the operating system says this CPU can run, and that a test did not
//! run at, is a failure: a detection gone wrong would silently test less.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::ci::{Step, Stop};
use crate::shell;

/// Names the file that the tests write their levels to.
pub(crate) const REPORT: &str = "NEARPLANE_LEVELS_REPORT";

/// Test programs that take notes; `crates/kernels/tests/levels` is how.
const PROGRAMS: [&str; 5] = ["parity", "at_most", "linear", "gram", "lanes"];

/// A level, and which flags of /proc/cpuinfo it takes.
const X86_64: [(&str, &[&str]); 5] = [
    ("avx2", &["avx2", "fma"]),
    ("avxvnni", &["avx2", "fma", "avx_vnni"]),
    (
        "avx512",
        &["avx2", "fma", "avx512f", "avx512bw", "avx512vl"],
    ),
    (
        "avx512vnni",
        &[
            "avx2",
            "fma",
            "avx512f",
            "avx512bw",
            "avx512vl",
            "avx512_vnni",
        ],
    ),
    (
        "amx",
        &[
            "avx2",
            "fma",
            "avx512f",
            "avx512bw",
            "avx512vl",
            "avx512_vnni",
            "amx_tile",
            "amx_int8",
        ],
    ),
];
const AARCH64: [(&str, &[&str]); 1] = [("neon", &["asimd"])];

/// Runs the tests of the kernels and tells the levels.
pub(crate) fn main(args: &[String]) -> Result<(), String> {
    let is_required = match args {
        [] => false,
        [flag] if flag == "--require" => true,
        [other, ..] => {
            return Err(format!(
                "`cargo xtask parity` takes --require only, found `{other}`"
            ));
        }
    };
    let report = Report::new()?;
    let mut command = shell::cargo(["test", "-p", "nearplane-kernels"]);
    for program in PROGRAMS {
        command.args(["--test", program]);
    }
    shell::run(command.env(REPORT, report.path()))?;
    report.check(is_required).map_err(|stop| match stop {
        Stop::NotRun(reason) => format!("not run: {reason}"),
        Stop::Failed(error) => error,
    })
}

/// The file of notes; empty to begin with, and gone in the end.
pub(crate) struct Report(PathBuf);

impl Report {
    /// A file that nobody else writes to.
    pub(crate) fn new() -> Result<Self, String> {
        let name = format!("nearplane-levels-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "").map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Report(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Prints what the tests have noted; with `is_required`, compares it with what the system says.
    pub(crate) fn check(&self, is_required: bool) -> Step {
        let notes = std::fs::read_to_string(&self.0)
            .map_err(|error| format!("{}: {error}", self.0.display()))?;
        let noted = tests(&notes);
        let common = noted
            .values()
            .cloned()
            .reduce(|a, b| &a & &b)
            .unwrap_or_default();
        println!(
            "{} tests, each at {}",
            noted.len(),
            joined(common.iter().copied())
        );
        if !is_required {
            return Ok(());
        }
        let flags = std::fs::read_to_string("/proc/cpuinfo").map_err(|error| {
            Stop::NotRun(format!(
                "the flags of the CPU are those of Linux, and /proc/cpuinfo cannot be read: {error}"
            ))
        })?;
        let wanted = expected(&flags, std::env::consts::ARCH);
        println!("the system says {}", joined(wanted.iter().copied()));
        Ok(compare(&noted, &wanted)?)
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        // A leftover in the system's temporary folder is no reason to fail.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(" ")
}

/// The levels of each test, `program::test`.
fn tests(notes: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut tests: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (test, level) in notes.lines().filter_map(|line| line.rsplit_once(' ')) {
        tests.entry(test).or_default().insert(level);
    }
    tests
}

/// The levels that a CPU with these flags has.
fn expected(cpuinfo: &str, architecture: &str) -> BTreeSet<&'static str> {
    let flags: BTreeSet<&str> = cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| ["flags", "Features"].contains(&key.trim()))
        .map(|(_, flags)| flags.split_whitespace().collect())
        .unwrap_or_default();
    let native: &[(&str, &[&str])] = match architecture {
        "x86_64" => &X86_64,
        "aarch64" => &AARCH64,
        _ => &[],
    };
    let has = |needed: &[&str]| needed.iter().all(|flag| flags.contains(flag));
    let native = native.iter().filter(|(_, needed)| has(needed));
    ["scalar", "portable"]
        .into_iter()
        .chain(native.map(|(level, _)| *level))
        .collect()
}

fn compare(noted: &BTreeMap<&str, BTreeSet<&str>>, wanted: &BTreeSet<&str>) -> Result<(), String> {
    let mut wrong = Vec::new();
    for program in PROGRAMS {
        let of_program = format!("{program}::");
        if !noted.keys().any(|test| test.starts_with(&of_program)) {
            wrong.push(format!("no test of {program} ran at any level"));
        }
    }
    for (test, levels) in noted {
        let missing = joined(wanted.difference(levels).copied());
        if !missing.is_empty() {
            wrong.push(format!(
                "{test} did not run at {missing}, which this CPU has"
            ));
        }
        let more = joined(levels.difference(wanted).copied());
        if !more.is_empty() {
            wrong.push(format!(
                "{test} ran at {more}, which this CPU lacks by what the system says"
            ));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n  "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(cpuinfo: &str, architecture: &str) -> String {
        joined(expected(cpuinfo, architecture).into_iter())
    }

    #[test]
    fn flags_become_levels() {
        let flags =
            |flags: &str| format!("processor\t: 0\nflags\t\t: fpu {flags} x\nbugs\t\t: avx2\n");
        assert_eq!(levels(&flags(""), "x86_64"), "portable scalar");
        assert_eq!(levels(&flags("avx2"), "x86_64"), "portable scalar");
        assert_eq!(levels(&flags("fma avx2"), "x86_64"), "avx2 portable scalar");
        let all = flags("fma avx2 avx_vnni avx512f avx512bw avx512vl avx512_vnni");
        assert_eq!(
            levels(&all, "x86_64"),
            "avx2 avx512 avx512vnni avxvnni portable scalar"
        );
        let tiles = flags("fma avx2 avx512f avx512bw avx512vl avx512_vnni amx_tile amx_int8");
        assert!(levels(&tiles, "x86_64").starts_with("amx avx2 "));
        assert_eq!(
            levels("Features\t: fp asimd", "aarch64"),
            "neon portable scalar"
        );
        assert_eq!(levels(&all, "riscv64"), "portable scalar");
    }

    #[test]
    fn what_was_not_exercised_is_named() {
        let notes: String = PROGRAMS
            .iter()
            .flat_map(|program| ["scalar", "avx2"].map(|level| format!("{program}::a {level}\n")))
            .collect();
        let wanted = BTreeSet::from(["avx2", "scalar"]);
        assert_eq!(compare(&tests(&notes), &wanted), Ok(()));
        let error = compare(
            &tests(&notes),
            &BTreeSet::from(["avx2", "avx512", "scalar"]),
        );
        let error = error.unwrap_err();
        assert!(
            error.contains("gram::a did not run at avx512, which"),
            "{error}"
        );
        let error = compare(&tests(&notes), &BTreeSet::from(["scalar"])).unwrap_err();
        assert!(
            error.contains("gram::a ran at avx2, which this CPU lacks"),
            "{error}"
        );
        let error = compare(&tests("gram::a scalar\n"), &BTreeSet::from(["scalar"])).unwrap_err();
        assert!(
            error.starts_with("no test of parity ran at any level"),
            "{error}"
        );
    }

    #[test]
    fn other_arguments_are_refused() {
        let error = main(&["--requires".to_owned()]).unwrap_err();
        assert!(error.contains("takes --require only"), "{error}");
    }
}
