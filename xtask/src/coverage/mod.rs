//! `cargo xtask coverage`: which lines of the libraries the tests of the libraries run. Tests themselves do not count
//! as lines, nor does what was not compiled (SIMD levels of another architecture, other systems).

mod lines;
mod tools;

use std::collections::BTreeMap;

use crate::shell;
use lines::{Count, File};

/// The crates that are held to [`LEAST`].
const CRATES: [&str; 3] = ["kernels", "cifar", "models"];
/// The least share of lines of a crate, in percent; files below it are listed.
const LEAST: f64 = 90.0;
const REPORT: &str = "target/coverage.lcov";
const PAGES: &str = "target/coverage";

/// Runs the tests with instruments and prints a table; an error if a crate is below the limit. With `--report`, of the
/// tests that ran last.
pub(crate) fn main(args: &[String]) -> Result<(), String> {
    if let Some(other) = args
        .iter()
        .find(|arg| !["--html", "--report"].contains(&arg.as_str()))
    {
        return Err(format!(
            "usage: cargo xtask coverage [--report] [--html], found `{other}`"
        ));
    }
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let tools = tools::find()?;
    let with_tools = |words: &[&str]| {
        let mut command = shell::cargo(words);
        command.envs(tools.iter().map(|(name, path)| (name, path)));
        command
    };
    if !has("--report") {
        let mut test = with_tools(&["llvm-cov", "--locked", "--all-features", "--no-report"]);
        for name in CRATES {
            test.args(["-p", &format!("nearplane-{name}")]);
        }
        shell::run(&mut test)?;
    }
    // Tests that end a program by a signal leave a profile that cannot be read: that is no failure.
    let report = |words: &[&str]| {
        let mut command = with_tools(&["llvm-cov", "report", "--failure-mode", "all"]);
        command.args(words);
        shell::run(&mut command)
    };
    report(&["--lcov", "--output-path", REPORT])?;
    if has("--html") {
        report(&["--html", "--output-dir", PAGES])?;
    }
    let path = shell::root().join(REPORT);
    let report =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let files = lines::read(&report, |path| {
        std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))
    })?;
    judge(&files)
}

/// Prints crates and their weak files.
fn judge(files: &[File]) -> Result<(), String> {
    let (table, weak) = table(files);
    print!("{table}");
    if weak.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "coverage below {LEAST} % of lines: {}",
            weak.join(", ")
        ))
    }
}

/// The table, and the crates below the limit.
fn table(files: &[File]) -> (String, Vec<String>) {
    let mut text = format!("{:<60} {:>7} {:>7}\n", "", "lines", "covered");
    let mut row = |name: &str, count: Count| {
        text += &format!("{name:<60} {:>7} {:>6.1} %\n", count.all, count.percent());
    };
    let mut weak = Vec::new();
    let mut total = Count::default();
    for name in CRATES {
        let folder = format!("crates/{name}/src/");
        let of_crate: BTreeMap<&str, Count> = files
            .iter()
            .filter_map(|file| Some((file.path_from(&folder)?, file.count)))
            .collect();
        let count = of_crate.values().copied().sum();
        row(&format!("nearplane-{name}"), count);
        for (path, count) in of_crate.iter().filter(|(_, count)| count.percent() < LEAST) {
            row(&format!("  {path}"), *count);
        }
        if count.percent() < LEAST {
            weak.push(format!("nearplane-{name}"));
        }
        total = [total, count].into_iter().sum();
    }
    row("together", total);
    (text, weak)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, covered: usize, all: usize) -> File {
        File {
            path: path.to_owned(),
            count: Count { covered, all },
        }
    }

    #[test]
    fn crates_and_weak_files_are_listed() {
        let mut files = vec![
            file("/here/crates/kernels/src/mat.rs", 99, 100),
            file("/here/crates/cifar/src/map.rs", 9, 10),
            file("/here/crates/models/src/metrics.rs", 10, 10),
            file("/here/crates/models/src/metrics/paired.rs", 8, 10),
            file("/here/crates/cli/src/main.rs", 0, 10),
        ];
        let (text, weak) = table(&files);
        assert_eq!(weak, Vec::<String>::new());
        let rows: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            rows,
            [
                "lines covered",
                "nearplane-kernels 100 99.0 %",
                "nearplane-cifar 10 90.0 %",
                "nearplane-models 20 90.0 %",
                "metrics/paired.rs 10 80.0 %",
                "together 130 96.9 %"
            ]
        );
        files[1].count.covered = 8;
        assert_eq!(table(&files).1, ["nearplane-cifar"]);
    }

    #[test]
    fn a_crate_without_lines_is_not_covered() {
        assert_eq!(
            table(&[]).1,
            ["nearplane-kernels", "nearplane-cifar", "nearplane-models"]
        );
    }
}
