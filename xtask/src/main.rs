//! `cargo xtask`: the project's chores. Standard library only, so that it compiles in seconds.

mod aarch64;
mod bench;
mod ci;
mod coverage;
mod cpus;
mod data;
mod demo;
mod deny;
mod dist;
mod faults;
mod fuzz;
mod json;
mod numpy;
mod page;
mod parity;
mod peers;
mod real_run;
mod sanitize;
mod shell;
mod targets;
mod test;
mod tidy;

use std::process::ExitCode;

/// Name, arguments and purpose of every task, in the order in which a newcomer meets them.
const TASKS: &[(&str, &str, &str)] = &[
    (
        "demo",
        "[--full] [--data PATH]",
        "build the binary, tell the lecture on the data found or on synthetic images, print a leaderboard",
    ),
    (
        "page",
        "[--no-pictures] [FILE]",
        "open the page of the demo in headless Chromium, check it, picture every section",
    ),
    (
        "test",
        "[ARGS]",
        "every test of the workspace; the last line is the tally",
    ),
    (
        "parity",
        "[--require]",
        "every SIMD level against the scalar one; --require: all that the system says the CPU has",
    ),
    (
        "fuzz",
        "[--seconds N] [TARGET...]",
        "the fuzz targets under libFuzzer, 60 s each (nightly Rust and cargo-fuzz)",
    ),
    (
        "sanitize",
        "",
        "the crates with unsafe under the address sanitizer (nightly Rust), and Miri if it is there",
    ),
    (
        "data",
        "",
        "which data sets are where, whether they are whole, and how to get them",
    ),
    (
        "bench",
        "[--quick] [--record] [--bench NAME]",
        "criterion benches, the machine's limits and every kernel's share of them, how searches grow",
    ),
    (
        "bench",
        "--peers [knn|search|features|linear|jobs]",
        "others' programs beside nearplane, one table [--quick] [--data DIR] [--queries N] [--threads N] [--archive FILE] \
         [--record] [--compare OLD.csv]",
    ),
    (
        "bench",
        "--scale [--record]",
        "searches of 10 million x 128 and 1 million x 3072 bytes, in bounded memory",
    ),
    (
        "bench",
        "--accuracy [--record]",
        "the accuracies that the README shows, on the test images",
    ),
    (
        "bench",
        "--compare OLD.csv [NEW.csv]",
        "two records, or a record and the last run of --peers, beside each other",
    ),
    (
        "faults",
        "[--quick] [--record]",
        "kills, full disks, damaged inputs: nothing lost or wrong [--kills N] [--mutations N] [--seed S] [--bin PATH]",
    ),
    (
        "dist",
        "",
        "man pages and shell completions of the release binary, to target/dist",
    ),
    (
        "coverage",
        "[--report] [--html]",
        "lines of the libraries that their tests run, by cargo-llvm-cov; fails below 90 %",
    ),
    (
        "deny",
        "",
        "licences, sources, duplicates and advisories of the crates underneath, by cargo-deny",
    ),
    (
        "ci",
        "",
        "all that has to pass before a change lands (what .ci/run runs)",
    ),
    (
        "tidy",
        "",
        "the house rules that the compiler does not check",
    ),
];

fn main() -> ExitCode {
    quiet_on_closed_pipes();
    let mut args = Vec::new();
    for arg in std::env::args_os().skip(1) {
        match arg.into_string() {
            Ok(arg) => args.push(arg),
            Err(arg) => return usage(&format!("argument {} is not valid UTF-8", arg.display())),
        }
    }
    let Some((task, rest)) = args.split_first() else {
        print!("{}", help());
        return ExitCode::SUCCESS;
    };
    let result = match task.as_str() {
        "-h" | "--help" | "help" => {
            print!("{}", help());
            Ok(())
        }
        "demo" => demo::main(rest),
        "page" => page::main(rest),
        "test" => return test::main(rest),
        "data" => no_arguments(task, rest).and_then(|()| data::main()),
        "bench" => bench::main(rest),
        "ci" => match no_arguments(task, rest) {
            Ok(()) => return ci::main(),
            Err(error) => Err(error),
        },
        "coverage" => coverage::main(rest),
        "deny" => no_arguments(task, rest).and_then(|()| deny::main()),
        "fuzz" => fuzz::main(rest),
        "parity" => parity::main(rest),
        "sanitize" => no_arguments(task, rest).and_then(|()| sanitize::main()),
        "dist" => no_arguments(task, rest).and_then(|()| dist::main()),
        "faults" => faults::main(rest),
        "tidy" => no_arguments(task, rest).and_then(|()| tidy::main()),
        unknown => return usage(&format!("no task named `{unknown}`")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `cargo xtask data | head` is not worth a backtrace.
fn quiet_on_closed_pipes() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload().downcast_ref::<String>();
        if text.is_some_and(|text| text.starts_with("failed printing to stdout")) {
            std::process::exit(141); // what a shell reports of a program that SIGPIPE ended
        }
        usual(info);
    }));
}

fn no_arguments(task: &str, rest: &[String]) -> Result<(), String> {
    match rest.first() {
        None => Ok(()),
        Some(extra) => Err(format!(
            "`cargo xtask {task}` takes no arguments, found `{extra}`"
        )),
    }
}

fn usage(error: &str) -> ExitCode {
    eprint!("error: {error}\n\n{}", help());
    ExitCode::from(2)
}

/// Whether `name` is a task, for the rule that reads the commands shown in the READMEs.
fn is_task(name: &str) -> bool {
    TASKS.iter().any(|(task, _, _)| *task == name)
}

fn help() -> String {
    let mut text = String::from("The project's chores.\n\nUsage: cargo xtask <task>\n\n");
    for (name, args, purpose) in TASKS {
        text += &format!("  {:<31} {purpose}\n", format!("{name} {args}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_task() {
        for (name, _, _) in TASKS {
            assert!(
                help()
                    .lines()
                    .any(|line| line.starts_with(&format!("  {name} "))),
                "{name}"
            );
        }
    }

    #[test]
    fn tasks_without_arguments_refuse_them() {
        let error = no_arguments("tidy", &["--fix".to_owned()]).unwrap_err();
        assert_eq!(
            error,
            "`cargo xtask tidy` takes no arguments, found `--fix`"
        );
        assert_eq!(no_arguments("tidy", &[]), Ok(()));
    }
}
