//! `cargo xtask fuzz`: the fuzz targets under libFuzzer, which takes nightly Rust and cargo-fuzz. Their committed
//! corpus is replayed by the ordinary tests; this looks for what is not in it yet.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::shell;

/// What a run takes and how to get it.
pub(crate) const NIGHTLY: &str = "nightly Rust is not installed: rustup toolchain install nightly";
const CARGO_FUZZ: &str = "cargo-fuzz is not installed: cargo install cargo-fuzz --locked";

/// Where the output of the targets goes.
const LOGS: &str = "target/fuzz-logs";

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
    /// For each target.
    seconds: u64,
    /// How many targets run at once.
    jobs: usize,
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
    build()?;
    println!(
        "{} targets, {} at once, {} s each; what each says is in {}/TARGET.log",
        plan.targets.len(),
        plan.jobs,
        plan.seconds,
        LOGS
    );
    let failed = run_all(&plan);
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
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
        targets: Vec::new(),
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--seconds" || arg == "--jobs" {
            let number = args.next().and_then(|text| text.parse::<u32>().ok());
            let number = number
                .filter(|&number| number > 0)
                .ok_or_else(|| format!("{arg} needs a whole number above 0"))?;
            match arg.as_str() {
                "--seconds" => plan.seconds = number.into(),
                _ => plan.jobs = number as usize,
            }
        } else if known.contains(arg) {
            plan.targets.push(arg.clone());
        } else {
            return Err(format!(
                "no fuzz target `{arg}`, expected --seconds N, --jobs N or some of {}",
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

/// `cargo fuzz` with a subcommand, and how the targets are compiled.
fn cargo_fuzz(subcommand: &str) -> Command {
    let mut command = nightly();
    command.args(["cargo", "fuzz", subcommand, "--features", "libfuzzer"]);
    // Optimised code of the whole program in one piece takes minutes to build, and gains a fuzzer nothing.
    command.env("CARGO_PROFILE_RELEASE_LTO", "off");
    command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    command
}

fn build() -> Result<(), String> {
    shell::run(&mut cargo_fuzz("build"))
}

/// Runs the targets, as many at once as the plan says, and returns those that found something or did not run.
fn run_all(plan: &Plan) -> Vec<String> {
    let waiting = Mutex::new(plan.targets.iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs.min(plan.targets.len()) {
            scope.spawn(|| {
                loop {
                    let Some(target) = waiting.lock().ok().and_then(|mut next| next.next()) else {
                        return;
                    };
                    match run(target, plan.seconds) {
                        Ok(executions) => println!("{target}: {executions} executions, no find"),
                        Err(error) => {
                            println!("{target}: error: {error}");
                            failed
                                .lock()
                                .unwrap_or_else(|e| e.into_inner())
                                .push(target.clone());
                        }
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or_else(|e| e.into_inner())
}

/// Runs one target with its output in a file, and returns how many inputs it tried.
fn run(target: &str, seconds: u64) -> Result<u64, String> {
    // What a run learns goes to a folder of its own, not among what is committed.
    let learnt = format!("target/fuzz-corpus/{target}");
    let log = PathBuf::from(format!("{LOGS}/{target}.log"));
    for folder in [&learnt, LOGS] {
        std::fs::create_dir_all(shell::root().join(folder))
            .map_err(|error| format!("{folder}: {error}"))?;
    }
    let at_log = |error| format!("{}: {error}", log.display());
    let out = File::create(shell::root().join(&log)).map_err(at_log)?;
    let errors = out.try_clone().map_err(at_log)?;
    let mut command = cargo_fuzz("run");
    command.args([target, &learnt, &format!("fuzz/corpus/{target}")]);
    command.arg("--").args(LIMITS);
    command.arg(format!("-max_total_time={seconds}"));
    // Targets that read files write them first: to memory where there is a folder in memory.
    if cfg!(target_os = "linux") && std::path::Path::new("/dev/shm").is_dir() {
        command.env("TMPDIR", "/dev/shm");
    }
    command.stdin(Stdio::null()).stdout(out).stderr(errors);
    shell::run(&mut command).map_err(|error| format!("{error}; see {}", log.display()))?;
    let said = std::fs::read(shell::root().join(&log)).map_err(at_log)?;
    executions(&String::from_utf8_lossy(&said))
        .ok_or_else(|| format!("it ended without its statistics; see {}", log.display()))
}

/// How many inputs libFuzzer says that it tried.
fn executions(said: &str) -> Option<u64> {
    let mut lines = said.lines().rev();
    lines.find_map(|line| {
        let number = line.strip_prefix("stat::number_of_executed_units:")?;
        number.trim().parse().ok()
    })
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
        let one = planned("b --seconds 5 --jobs 3").unwrap();
        assert_eq!((one.seconds, one.jobs), (5, 3));
        assert_eq!(one.targets, ["b"]);
        for args in ["--seconds", "--seconds 0", "--jobs x", "--seconds -1"] {
            assert!(planned(args).unwrap_err().contains("above 0"), "{args}");
        }
        let error = planned("c").unwrap_err();
        assert_eq!(
            error,
            "no fuzz target `c`, expected --seconds N, --jobs N or some of a, b"
        );
    }

    #[test]
    fn what_ran_is_counted_by_what_the_fuzzer_says() {
        let said = "#8\tDONE\nstat::number_of_executed_units: 65536\nstat::new_units_added: 3\n";
        assert_eq!(executions(said), Some(65536));
        assert_eq!(executions("==1== ERROR: libFuzzer: timeout\n"), None);
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
