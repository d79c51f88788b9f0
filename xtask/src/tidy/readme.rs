//! Rule: the commands that a README shows exist: tasks, packages, examples, scripts, and (asked of the built binary,
//! in CI) the subcommands and flags of `nearplane`.

use std::path::Path;

use super::{File, Problem};
use crate::shell;

/// A command line in a block of a README.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    line: usize,
    words: Vec<String>,
}

pub(super) fn check(file: &File, problems: &mut Vec<Problem>) {
    for shown in commands(&file.text) {
        if let Err(message) = check_command(&shown.words) {
            problems.push(Problem::new(&file.path, shown.line, message));
        }
    }
}

/// Asks the binary for the help of each `nearplane` command that a README shows.
pub(crate) fn check_flags(nearplane: &Path) -> Result<(), String> {
    let files = super::read_tree()?;
    let mut problems = Vec::new();
    let mut count = 0;
    for file in files.iter().filter(|file| file.path.ends_with("README.md")) {
        for shown in commands(&file.text) {
            let Some(args) = nearplane_args(&shown.words) else {
                continue;
            };
            count += 1;
            let (subcommand, flags) = split_flags(args);
            let mut command = shell::program_at(nearplane);
            let message = match shell::ask(command.args(subcommand).arg("--help")) {
                Ok(help) => unknown_flags(&help, &flags),
                Err(error) => Some(error),
            };
            problems.extend(message.map(|message| Problem::new(&file.path, shown.line, message)));
        }
    }
    for problem in &problems {
        println!("{problem}");
    }
    println!("{count} commands asked of {}", shell::short(nearplane));
    if problems.is_empty() {
        Ok(())
    } else {
        Err(format!("{} shown commands do not exist", problems.len()))
    }
}

fn unknown_flags(help: &str, flags: &[&str]) -> Option<String> {
    let is_flag_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let known: Vec<&str> = help.split(|c| !is_flag_part(c)).collect();
    let unknown: Vec<&str> = flags
        .iter()
        .copied()
        .filter(|flag| !known.contains(flag))
        .collect();
    (!unknown.is_empty()).then(|| format!("the help does not name {}", unknown.join(", ")))
}

/// Words up to the first flag, and the names of the flags.
fn split_flags(args: &[String]) -> (&[String], Vec<&str>) {
    let split = args
        .iter()
        .position(|arg| arg.starts_with('-'))
        .unwrap_or(args.len());
    let flags = args[split..].iter().filter(|arg| arg.starts_with('-'));
    (
        &args[..split],
        flags
            .map(|flag| flag.split('=').next().unwrap_or(flag))
            .collect(),
    )
}

/// The arguments, if the command is `nearplane`, also by way of `cargo run`.
fn nearplane_args(words: &[String]) -> Option<&[String]> {
    let (program, args) = words.split_first()?;
    if program == "cargo" {
        let is_run = args.first().is_some_and(|arg| arg == "run")
            && !args.iter().any(|arg| arg == "--example");
        let split = args.iter().position(|arg| arg == "--")?;
        return is_run.then(|| &args[split + 1..]);
    }
    (program == "nearplane" || program.ends_with("/nearplane")).then_some(args)
}

fn check_command(words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let exists = |path: &str| shell::root().join(path).exists();
    match words.as_slice() {
        ["cargo", "xtask", task, ..] if !task.starts_with('-') && !crate::is_task(task) => {
            return Err(format!("no task named `{task}`"));
        }
        ["python" | "python3", script, ..] if script.ends_with(".py") && !exists(script) => {
            return Err(format!("no script `{script}`"));
        }
        _ => {}
    }
    for pair in words.windows(2) {
        match *pair {
            ["-p" | "--package", package]
                if !package_folders(package).iter().any(|folder| exists(folder)) =>
            {
                return Err(format!("no package named `{package}`"));
            }
            ["--path", folder]
                if words[0] == "cargo" && !exists(&format!("{folder}/Cargo.toml")) =>
            {
                return Err(format!("no package in `{folder}`"));
            }
            ["--example", name] if !example_exists(name) => {
                return Err(format!("no example named `{name}`"));
            }
            ["-r", requirements] if words.contains(&"pip") && !exists(requirements) => {
                return Err(format!("no file `{requirements}`"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where a package of that name can live.
fn package_folders(package: &str) -> Vec<String> {
    let Some(name) = package.strip_prefix("nearplane-") else {
        return vec![format!("{package}/Cargo.toml")];
    };
    vec![
        format!("crates/{name}/Cargo.toml"),
        format!("{name}/Cargo.toml"),
    ]
}

fn example_exists(name: &str) -> bool {
    let crates = std::fs::read_dir(shell::root().join("crates"))
        .into_iter()
        .flatten()
        .flatten();
    crates
        .into_iter()
        .any(|folder| folder.path().join(format!("examples/{name}.rs")).exists())
}

/// The commands in the shell blocks of a text: all lines of `sh` blocks, those after `$ ` of `console` blocks.
fn commands(text: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut block: Option<&str> = None;
    let mut continues = false;
    for (line, raw) in (1..).zip(text.lines()) {
        let trimmed = raw.trim();
        if let Some(language) = trimmed.strip_prefix("```") {
            block = if block.is_some() {
                None
            } else {
                Some(language)
            };
            continues = false;
            continue;
        }
        let command = match block {
            _ if block.is_some() && continues => trimmed,
            Some("sh" | "bash" | "shell") => trimmed,
            Some("console") => match trimmed.strip_prefix("$ ") {
                Some(command) => command,
                None => continue,
            },
            _ => continue,
        };
        let (command, goes_on) = command
            .strip_suffix('\\')
            .map_or((command, false), |command| (command, true));
        let words = command
            .split_whitespace()
            .take_while(|word| !word.starts_with(['#', '|', '&', ';', '>']));
        let mut words: Vec<String> = words
            .map(|word| word.trim_matches(['\'', '"']).to_owned())
            .collect();
        if !continues {
            let variables = words
                .iter()
                .take_while(|word| word.contains('=') && !word.starts_with('-'))
                .count();
            words.drain(..variables);
            found.push(Shown { line, words });
        } else if let Some(shown) = found.last_mut() {
            shown.words.append(&mut words);
        }
        continues = goes_on;
    }
    found.retain(|shown| !shown.words.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        check(
            &File {
                path: "README.md".to_owned(),
                text: text.to_owned(),
            },
            &mut problems,
        );
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn commands_are_found_in_shell_blocks() {
        let text = "cargo no\n```sh\n# note\nA=1 cargo x --y \\\n    'z' # why\n\na | b\n```\n```text\nno\n```\n\
            ```console\n$ nearplane knn\nno output\n```\n";
        let words = |words: &str| words.split(' ').map(str::to_owned).collect();
        assert_eq!(
            commands(text),
            [
                Shown {
                    line: 4,
                    words: words("cargo x --y z")
                },
                Shown {
                    line: 7,
                    words: words("a")
                },
                Shown {
                    line: 13,
                    words: words("nearplane knn")
                },
            ],
        );
    }

    #[test]
    fn what_does_not_exist_is_reported() {
        let good = "cargo xtask demo\ncargo xtask --help\ncargo install --path crates/cli\ncargo test -p nearplane-cifar\n\
            cargo bench -p nearplane-benches\ncargo build -p xtask\ngit clone x";
        assert_eq!(found(&format!("```sh\n{good}\n```\n")), [""; 0]);
        for (bad, message) in [
            ("cargo xtask demos", "no task named `demos`"),
            (
                "cargo install --path crates/clip",
                "no package in `crates/clip`",
            ),
            (
                "cargo test -p nearplane-knn",
                "no package named `nearplane-knn`",
            ),
            (
                "cargo run -p nearplane-models --example none",
                "no example named `none`",
            ),
            (
                "python benches/peers/none.py --data x",
                "no script `benches/peers/none.py`",
            ),
            ("pip install -r none.txt", "no file `none.txt`"),
        ] {
            assert_eq!(
                found(&format!("```sh\n{bad}\n```\n")),
                [format!("README.md:2: {message}")]
            );
        }
    }

    #[test]
    fn nearplane_commands_are_recognised() {
        let args = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            nearplane_args(&words).map(|args| args.join(" "))
        };
        assert_eq!(args("nearplane knn --k 3").as_deref(), Some("knn --k 3"));
        assert_eq!(args("target/release/nearplane knn").as_deref(), Some("knn"));
        assert_eq!(args("cargo run --release -- knn").as_deref(), Some("knn"));
        assert_eq!(
            args("cargo run -p nearplane-models --example nearest -- x"),
            None
        );
        assert_eq!(args("cargo test -- knn"), None);
    }

    #[test]
    fn flags_are_compared_with_the_help() {
        let words: Vec<String> = "data import a.tar --out=x --order y -q"
            .split(' ')
            .map(str::to_owned)
            .collect();
        let (subcommand, flags) = split_flags(&words);
        assert_eq!(subcommand, ["data", "import", "a.tar"]);
        assert_eq!(flags, ["--out", "--order", "-q"]);
        assert_eq!(
            unknown_flags("  -q, --quiet\n      --out <DIR>  see --order.", &flags),
            None
        );
        assert_eq!(
            unknown_flags("  --output  --order", &flags).unwrap(),
            "the help does not name --out, -q"
        );
    }
}
