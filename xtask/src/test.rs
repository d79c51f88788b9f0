//! `cargo xtask test`: every test of the workspace with its output passed through, and one tally at the end.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::{ExitCode, Stdio};

use crate::{parity, shell};

/// What the `test result:` lines of a run add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    /// Adds one line of output, if it is the result line of a test program.
    fn add_line(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        // "ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s"
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(count), Some(what)) = (
                words.next().and_then(|word| word.parse::<u64>().ok()),
                words.next(),
            ) else {
                continue;
            };
            match what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.skipped += count,
                _ => {}
            }
        }
    }

    /// Whether something ran and nothing failed.
    pub(crate) fn is_good(self) -> bool {
        self.passed > 0 && self.failed == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Runs the tests, arguments passed on to `cargo test`; the tally is the last line.
pub(crate) fn main(args: &[String]) -> ExitCode {
    match run(args, None) {
        Ok(tally) => {
            println!("{tally}");
            if tally.is_good() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the tests and counts; what is wrong beyond failed tests is said before this returns. Tests that compare SIMD
/// levels note them in the report, if there is one.
pub(crate) fn run(args: &[String], report: Option<&parity::Report>) -> Result<Tally, String> {
    let mut command = shell::cargo(["test", "--all-features", "--no-fail-fast"]);
    let own_flags = args.iter().take_while(|arg| *arg != "--");
    if !own_flags
        .into_iter()
        .any(|arg| arg.starts_with("-p") || arg.starts_with("--package"))
    {
        command.arg("--workspace");
    }
    command.args(args).stdout(Stdio::piped());
    if let Some(report) = report {
        command.env(parity::REPORT, report.path());
    }
    let mut child = shell::spawn(&mut command)?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        tally = pass_through(BufReader::new(output), &mut std::io::stdout())
            .map_err(|error| format!("output of the tests: {error}"))?;
    }
    let status = child
        .wait()
        .map_err(|error| format!("waiting for the tests: {error}"))?;
    if !status.success() && tally.failed == 0 {
        println!(
            "cargo test ended with {status} and no failed test: it did not build or a test program crashed, counted as one failure"
        );
        tally.failed = 1;
    }
    if tally.passed + tally.failed == 0 {
        println!("no test ran");
    }
    Ok(tally)
}

fn pass_through(mut from: impl BufRead, to: &mut impl Write) -> std::io::Result<Tally> {
    let mut tally = Tally::default();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        tally.add_line(&String::from_utf8_lossy(&line));
        line.clear();
    }
    to.flush()?;
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, tally: &str, is_good: bool) {
        let mut copy = Vec::new();
        let found = pass_through(output.as_bytes(), &mut copy).unwrap();
        assert_eq!(copy, output.as_bytes());
        assert_eq!(found.to_string(), tally);
        assert_eq!(found.is_good(), is_good);
    }

    #[test]
    fn adds_all_result_lines_up() {
        let output = "running 3 tests\ntest a ... ok\n\
            test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.11s\n\
            \n   Doc-tests x\n\
            test result: ok. 14 passed; 0 failed; 2 ignored; 0 measured; 5 filtered out; finished in 1.00s";
        check(output, "17 passed, 0 failed, 2 skipped", true);
    }

    #[test]
    fn failures_and_empty_runs_are_not_good() {
        check(
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n",
            "3 passed, 1 failed",
            false,
        );
        check(
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out\n",
            "0 passed, 0 failed",
            false,
        );
        check("", "0 passed, 0 failed", false);
    }

    #[test]
    fn what_a_test_prints_is_not_counted() {
        check(
            "said test result: ok. 7 passed; 0 failed\n  test result: ok. 7 passed;\n",
            "0 passed, 0 failed",
            false,
        );
    }
}
