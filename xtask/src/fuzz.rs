//! `cargo xtask fuzz`: the fuzz targets under libFuzzer, which takes nightly Rust and cargo-fuzz. Their committed
//! corpus is replayed by the ordinary tests; this looks for what is not in it yet.

use std::process::{Command, Stdio};

use crate::shell;

/// What a run takes and how to get it.
pub(crate) const NIGHTLY: &str = "nightly Rust is not installed: rustup toolchain install nightly";
const CARGO_FUZZ: &str = "cargo-fuzz is not installed: cargo install cargo-fuzz --locked";

/// Seconds a target where nothing else is said.
const SECONDS: u64 = 60;

/// What libFuzzer is told for every target: inputs that stay small, an end to what takes too long or too much memory,
/// and no search for leaks, which tracing is needed for.
const LIMITS: [&str; 5] = [
    "-max_len=4096",
    "-timeout=20",
    "-rss_limit_mb=3072",
    "-detect_leaks=0",
    "-print_final_stats=1",
];

#[derive(Debug, PartialEq, Eq)]
struct Plan {
    seconds: u64,
    targets: Vec<String>,
}

/// Runs the targets that are named, or all of them.
pub(crate) fn main(args: &[String]) -> Result<(), String> {
    let plan = plan(args, &targets()?)?;
    if !has_nightly() {
        return Err(format!("not run: {NIGHTLY}"));
    }
    if shell::find_program("cargo-fuzz").is_none() {
        return Err(format!("not run: {CARGO_FUZZ}"));
    }
    let mut failed = Vec::new();
    for target in &plan.targets {
        println!("\n=== {target}, {} s", plan.seconds);
        if let Err(error) = run(target, plan.seconds) {
            println!("error: {error}");
            failed.push(target.as_str());
        }
    }
    if failed.is_empty() {
        println!("\n{} targets, nothing found", plan.targets.len());
        return Ok(());
    }
    Err(format!(
        "found something in {}; the inputs are in fuzz/artifacts/TARGET. Shrink one with `cargo +nightly fuzz tmin \
         --features libfuzzer TARGET FILE`, mend what it shows, and copy it to fuzz/corpus/TARGET under a name that \
         says what it is: from then on it is a test",
        failed.join(", ")
    ))
}

/// The names of all targets, sorted.
pub(crate) fn targets() -> Result<Vec<String>, String> {
    let folder = shell::root().join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder)
        .map_err(|error| format!("{}: {error}", shell::short(&folder)))?;
    let names = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        name.strip_suffix(".rs").map(str::to_owned)
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

fn plan(args: &[String], known: &[String]) -> Result<Plan, String> {
    let mut plan = Plan {
        seconds: SECONDS,
        targets: Vec::new(),
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--seconds" {
            let seconds = args.next().and_then(|text| text.parse().ok());
            plan.seconds = seconds
                .filter(|&seconds| seconds > 0)
                .ok_or("--seconds needs a whole number above 0")?;
        } else if known.contains(arg) {
            plan.targets.push(arg.clone());
        } else {
            return Err(format!(
                "no fuzz target `{arg}`, expected --seconds N or some of {}",
                known.join(", ")
            ));
        }
    }
    if plan.targets.is_empty() {
        plan.targets = known.to_vec();
    }
    Ok(plan)
}

/// Whether rustup has the nightly toolchain.
pub(crate) fn has_nightly() -> bool {
    shell::find_program("rustup").is_some()
        && shell::ask(nightly().args(["rustc", "--version"])).is_ok()
}

/// `rustup run nightly`, free of what the toolchain of this process has set.
pub(crate) fn nightly() -> Command {
    let mut command = shell::program_at("rustup");
    for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "RUSTFLAGS"] {
        command.env_remove(name);
    }
    command.args(["run", "nightly"]);
    command
}

fn run(target: &str, seconds: u64) -> Result<(), String> {
    // What a run learns goes to a folder of its own, not among what is committed.
    let learnt = format!("target/fuzz-corpus/{target}");
    std::fs::create_dir_all(shell::root().join(&learnt))
        .map_err(|error| format!("{learnt}: {error}"))?;
    let mut command = nightly();
    command.args(["cargo", "fuzz", "run", "--features", "libfuzzer", target]);
    command.args([learnt, format!("fuzz/corpus/{target}")]);
    command.arg("--").args(LIMITS);
    command.arg(format!("-max_total_time={seconds}"));
    // Optimised code of the whole program in one piece takes minutes to build, and gains a fuzzer nothing.
    command.env("CARGO_PROFILE_RELEASE_LTO", "off");
    command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    // Targets that read files write them first: to memory where there is a folder in memory.
    if cfg!(target_os = "linux") && std::path::Path::new("/dev/shm").is_dir() {
        command.env("TMPDIR", "/dev/shm");
    }
    shell::run(command.stdin(Stdio::null()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(args: &str) -> Result<Plan, String> {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        plan(&args, &["a".to_owned(), "b".to_owned()])
    }

    #[test]
    fn targets_are_named_or_all_of_them_run() {
        let all = planned("").unwrap();
        assert_eq!((all.seconds, all.targets.len()), (SECONDS, 2));
        let one = planned("b --seconds 5").unwrap();
        assert_eq!((one.seconds, one.targets), (5, vec!["b".to_owned()]));
        for args in ["--seconds", "--seconds 0", "--seconds x", "--seconds -1"] {
            assert!(planned(args).unwrap_err().contains("above 0"), "{args}");
        }
        let error = planned("c").unwrap_err();
        assert_eq!(
            error,
            "no fuzz target `c`, expected --seconds N or some of a, b"
        );
    }

    #[test]
    fn every_target_has_a_corpus() {
        let targets = targets().unwrap();
        assert!(!targets.is_empty());
        for target in targets {
            let corpus = shell::root().join("fuzz/corpus").join(&target);
            let inputs = std::fs::read_dir(&corpus).map_or(0, Iterator::count);
            assert!(inputs > 0, "fuzz/corpus/{target} is empty");
        }
    }
}
