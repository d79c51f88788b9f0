//! `cargo xtask tidy`: the house rules that the compiler does not check, one file a rule. It is also a test of
//! xtask, so that `cargo xtask test` fails where it does.

mod crate_files;
mod header;
mod layers;
mod leftovers;
mod length;
mod outputs;
mod places;
pub(crate) mod readme;
pub(crate) mod source;
mod unsafe_rooms;

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::shell;
use source::Source;

/// A rule that is broken at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    path: String,
    /// Counted from 1.
    line: usize,
    message: String,
}

impl Problem {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Problem {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// A text file of the project; paths have `/` between folders and start at the root.
struct File {
    path: String,
    text: String,
}

/// Where `unsafe` may stand.
#[cfg(test)]
pub(crate) fn unsafe_rooms() -> impl Iterator<Item = &'static str> {
    unsafe_rooms::ROOMS
        .into_iter()
        .chain([unsafe_rooms::ONE_FILE_OF])
}

/// Checks the tree and prints what is wrong.
pub(crate) fn main() -> Result<(), String> {
    let files = read_tree()?;
    let problems = check(&files);
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => {
            println!("tidy: {} files, nothing to mend", files.len());
            Ok(())
        }
        count => Err(format!("tidy: {count} to mend")),
    }
}

fn check(files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut sources = Vec::new();
    for file in files {
        places::check(file, &mut problems);
        if file.path.ends_with(".rs") {
            sources.push(Source::new(&file.path, &file.text));
        } else if file.path.ends_with("Cargo.toml") {
            layers::check(file, &mut problems);
        } else if file.path.ends_with("README.md") || file.path == "CONTRIBUTING.md" {
            readme::check(file, &mut problems);
        }
    }
    for source in &sources {
        header::check(source, &mut problems);
        leftovers::check(source, &mut problems);
        length::check(source, &mut problems);
        outputs::check(source, &mut problems);
    }
    unsafe_rooms::check(&sources, &mut problems);
    crate_files::check(files, &mut problems);
    problems.sort();
    problems
}

/// The text files that git tracks or would track; in a tree without git, all but hidden and built ones.
fn read_tree() -> Result<Vec<File>, String> {
    let mut git = Command::new("git");
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = git
        .current_dir(shell::root())
        .stderr(Stdio::null())
        .output();
    let mut paths: Vec<String> = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split_terminator('\0')
            .map(str::to_owned)
            .collect(),
        _ => {
            let mut paths = Vec::new();
            walk(shell::root(), "", &mut paths)?;
            paths
        }
    };
    paths.sort();
    paths.dedup();
    let mut files = Vec::new();
    for path in paths {
        match std::fs::read(shell::root().join(&path)) {
            // A file that is not UTF-8 is no text.
            Ok(bytes) => files.extend(
                String::from_utf8(bytes)
                    .ok()
                    .map(|text| File { path, text }),
            ),
            // Deleted, and not yet committed as such.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{path}: {error}")),
        }
    }
    Ok(files)
}

fn walk(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> Result<(), String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{prefix}{name}");
        let is_ours = [".ci", ".cargo", ".gitignore"].contains(&name.as_str());
        if (name.starts_with('.') && !is_ours) || name == "target" {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && path == "datasets" => {
                paths.push("datasets/README.md".to_owned())
            }
            Ok(kind) if kind.is_dir() => walk(&entry.path(), &format!("{path}/"), paths)?,
            Ok(kind) if kind.is_file() => paths.push(path),
            _ => {}
        }
    }
    Ok(())
}

/// The problems that one rule finds in one source, as text.
#[cfg(test)]
fn problems_in(path: &str, text: &str, rule: fn(&Source, &mut Vec<Problem>)) -> Vec<String> {
    let mut problems = Vec::new();
    rule(&Source::new(path, text), &mut problems);
    problems.iter().map(Problem::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let files = read_tree().unwrap();
        assert!(
            files
                .iter()
                .any(|file| file.path == "xtask/src/tidy/mod.rs")
        );
        let problems: Vec<String> = check(&files).iter().map(Problem::to_string).collect();
        assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    }

    #[test]
    fn a_walk_finds_what_git_finds() {
        let mut paths = Vec::new();
        walk(shell::root(), "", &mut paths).unwrap();
        for path in [
            "Cargo.toml",
            ".ci/run",
            ".cargo/config.toml",
            "datasets/README.md",
            "xtask/src/tidy/mod.rs",
        ] {
            assert!(paths.iter().any(|found| found == path), "{path}");
        }
        assert!(
            !paths
                .iter()
                .any(|path| path.starts_with("target/") || path.starts_with(".git/"))
        );
    }

    #[test]
    fn every_rule_is_connected() {
        let file = |path: &str, text: &str| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let long = "//! Long.\n".to_owned() + &"// x\n".repeat(length::MAX_LINES);
        let files = [
            file(
                "crates/models/src/a.rs",
                "fn f() { println!(); unsafe { g() } }\n",
            ),
            file(
                "crates/models/src/b.rs",
                concat!("//! B.\nfn f() { to", "do!() }\n"),
            ),
            file("crates/models/src/c.rs", &long),
            file("crates/models/Cargo.toml", "[dependencies]\nclap = \"4\"\n"),
            file("README.md", "```sh\ncargo xtask nonsense\n```\n"),
            file("datasets/README.md", concat!("see /wo", "rk/data\n")),
        ];
        let found: Vec<String> = check(&files)
            .iter()
            .map(|problem| format!("{}:{}", problem.path, problem.line))
            .collect();
        for place in [
            "README.md:2",
            "crates/models/Cargo.toml:1",
            "crates/models/Cargo.toml:2",
            "crates/models/src/a.rs:1",
            "crates/models/src/b.rs:2",
            "crates/models/src/c.rs:501",
            "datasets/README.md:1",
        ] {
            assert!(
                found.iter().any(|found| found == place),
                "{place} is not in {found:?}"
            );
        }
        // The header, the printing, and two about `unsafe`.
        let first = found
            .iter()
            .filter(|place| *place == "crates/models/src/a.rs:1");
        assert_eq!(first.count(), 4);
    }
}
