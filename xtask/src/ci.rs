//! `cargo xtask ci`: all that has to pass before a change lands. Every step runs even if an earlier one failed; the
//! tests come last (the corpus of the fuzz targets among them), so that the output ends with their tally.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::{
    aarch64, cpus, demo, deny, dist, faults, numpy, page, parity, real_run, shell, targets, test,
    tidy,
};

pub(crate) type Step = Result<(), Stop>;

/// Why a step did not pass; an error of xtask is a failure.
pub(crate) enum Stop {
    NotRun(String),
    Failed(String),
}

impl From<String> for Stop {
    fn from(error: String) -> Self {
        Stop::Failed(error)
    }
}

#[derive(Default)]
struct Report {
    lines: Vec<String>,
    failed: Vec<&'static str>,
}

impl Report {
    fn step(&mut self, name: &'static str, run: impl FnOnce() -> Step) {
        println!("\n=== {name}");
        let start = Instant::now();
        let outcome = match run() {
            Ok(()) => format!("passed in {:.0} s", start.elapsed().as_secs_f64()),
            Err(Stop::NotRun(reason)) => format!("NOT RUN: {reason}"),
            Err(Stop::Failed(error)) => {
                self.failed.push(name);
                format!("FAILED: {error}")
            }
        };
        println!("--- {name}: {outcome}");
        self.lines.push(format!("  {name:<34} {outcome}"));
    }
}

/// Runs everything; exit code 1 if a step or a test failed.
pub(crate) fn main() -> ExitCode {
    let mut report = Report::default();
    report.step("format", || cargo(&["fmt", "--all", "--check"]));
    report.step("clippy, all features", || {
        cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ])
    });
    // Each alone: in a build of the workspace the features that others ask for are switched on.
    report.step("clippy, nearplane-kernels alone", || {
        cargo(&["clippy", "-p", "nearplane-kernels", "--", "-D", "warnings"])
    });
    report.step("clippy, nearplane-cifar alone", || {
        cargo(&["clippy", "-p", "nearplane-cifar", "--", "-D", "warnings"])
    });
    report.step("clippy, nearplane-cifar fetch", || {
        let package = ["-p", "nearplane-cifar", "--features", "fetch"];
        cargo(&[["clippy"].as_slice(), &package, &["--", "-D", "warnings"]].concat())
    });
    report.step("clippy, nearplane without fetch", || {
        let package = ["-p", "nearplane-cli", "--no-default-features"];
        cargo(&[["clippy"].as_slice(), &package, &["--", "-D", "warnings"]].concat())
    });
    report.step("documentation", || {
        let mut command = shell::cargo(["doc", "--workspace", "--all-features", "--no-deps"]);
        Ok(shell::run(command.env("RUSTDOCFLAGS", "-D warnings"))?)
    });
    report.step("tidy", || Ok(tidy::main()?));
    report.step("licences, sources, duplicates", deny::bans);
    report.step("advisories", deny::advisories);
    // Building what was packed takes minutes, and the tests build the same code.
    report.step("packages", || {
        cargo(&["package", "--workspace", "--allow-dirty", "--no-verify"])
    });
    report.step("clippy for aarch64 Linux", || {
        targets::lint(&targets::AARCH64, &["--workspace"])?;
        // Only here do tests depend on the processor; elsewhere the host's lint has seen them.
        targets::lint(
            &targets::AARCH64,
            &["-p", "nearplane-kernels", "--all-targets"],
        )
    });
    report.step("clippy for x86-64 Windows", || {
        targets::lint(&targets::WINDOWS, &["--workspace", "--all-targets"])
    });
    report.step("NEON level: tests in an emulator", aarch64::emulate);
    report.step("kernels built for other CPUs", cpus::check);

    let mut nearplane = None;
    report.step("build", || {
        nearplane = Some(shell::build_for_a_look()?);
        Ok(())
    });
    let binary = || {
        nearplane
            .as_deref()
            .ok_or_else(|| Stop::NotRun("the build failed".to_owned()))
    };
    report.step("commands shown in the READMEs", || {
        Ok(tidy::readme::check_flags(binary()?)?)
    });
    report.step("man pages and completions", || {
        binary().and_then(|binary| Ok(dist::generate(binary)?))
    });
    report.step("round trips with NumPy", || numpy::round_trip(binary()?));
    report.step("kills, full disks, damaged inputs", || {
        Ok(faults::quick(binary()?)?)
    });
    report.step("demo", || binary().and_then(|_| Ok(demo::main(&[])?)));
    report.step("the page in a browser", || {
        binary().and_then(|_| page::check(&shell::root().join(demo::PAGE), false))
    });
    report.step("real images", || real_images(binary()?));

    println!("\n=== Before the tests\n{}", report.lines.join("\n"));
    println!("\n=== tests");
    let levels = parity::Report::new();
    let tally = test::run(&[], levels.as_ref().ok());
    report.step("every SIMD level was tested", || levels?.check(true));
    if !report.failed.is_empty() {
        println!(
            "failed steps, see their own output above: {}",
            report.failed.join("; ")
        );
    }
    let is_good = report.failed.is_empty() && tally.as_ref().is_ok_and(|tally| tally.is_good());
    match tally {
        Ok(tally) => println!("{tally}"),
        Err(error) => println!("error: {error}"),
    }
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn cargo(args: &[&str]) -> Step {
    Ok(shell::run(&mut shell::cargo(args))?)
}

fn real_images(nearplane: &Path) -> Step {
    let Some(archive) = path_variable("NEARPLANE_CI_ARCHIVE")? else {
        return Err(Stop::NotRun(
            "NEARPLANE_CI_ARCHIVE names no archive of images".to_owned(),
        ));
    };
    Ok(real_run::run(
        nearplane,
        &archive,
        path_variable("NEARPLANE_CI_ORDER")?.as_deref(),
    )?)
}

fn path_variable(name: &str) -> Result<Option<PathBuf>, String> {
    let path = std::env::var_os(name).map(std::path::absolute);
    path.transpose().map_err(|error| format!("{name}: {error}"))
}
