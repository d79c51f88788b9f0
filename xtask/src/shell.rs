//! Running other programs: each command is printed before it runs, so that a reader can repeat it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::json::Json;

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // Cargo says where xtask lies when it runs it; clones that share a target folder share a binary, too.
        let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let mut root = xtask.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        root.pop();
        root
    });
    &ROOT
}

/// `cargo` with these arguments, run in the root of the workspace.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = program_at(program);
    // What cargo has told xtask of itself; build scripts that ask for such variables would run again after every
    // build without xtask, and all that depends on them.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_about_a_package) {
            command.env_remove(name);
        }
    }
    command.args(args);
    command
}

/// Whether cargo sets this variable for the one package that it runs.
fn is_about_a_package(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Any program, run in the root of the workspace.
pub(crate) fn program_at(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Prints the command and starts it.
pub(crate) fn spawn(command: &mut Command) -> Result<Child, String> {
    println!("$ {}", shown(command));
    command
        .spawn()
        .map_err(|error| not_started(command, &error))
}

/// Prints the command and runs it with its output passed through.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = spawn(command)?
        .wait()
        .map_err(|error| not_awaited(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(command, status))
    }
}

/// Prints the command, runs it and returns its standard output; standard error is passed through.
pub(crate) fn capture(command: &mut Command) -> Result<String, String> {
    println!("$ {}", shown(command));
    output(command.stderr(Stdio::inherit()))
}

/// Runs the command silently and returns its standard output; an error has its standard error.
pub(crate) fn ask(command: &mut Command) -> Result<String, String> {
    output(command.stderr(Stdio::piped()))
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let said = said.lines().map(|line| format!("\n  {line}"));
        return Err(failed(command, output.status) + &said.collect::<String>());
    }
    String::from_utf8(output.stdout)
        .map_err(|_| format!("`{}` printed bytes that are not UTF-8", shown(command)))
}

/// Prints the command, runs it and ends it when `limit` has passed.
pub(crate) fn run_within(limit: Duration, command: &mut Command) -> Result<(), String> {
    let mut child = spawn(command)?;
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(command, status)),
            Ok(None) if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(50)),
            Ok(None) => {
                // Both can only fail because the program has ended in between.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!(
                    "`{}` took longer than {} s",
                    shown(command),
                    limit.as_secs()
                ));
            }
            Err(error) => return Err(not_awaited(command, &error)),
        }
    }
}

/// Builds the release binary and returns where cargo put it.
pub(crate) fn build_nearplane() -> Result<PathBuf, String> {
    build(&["--release", "-p", "nearplane-cli"])
}

/// Builds the binary in less time, for a first look: as fast where it counts, but it cannot download.
pub(crate) fn build_for_a_look() -> Result<PathBuf, String> {
    build(&[
        "--profile",
        "demo",
        "-p",
        "nearplane-cli",
        "--no-default-features",
    ])
}

/// Builds one binary and returns where cargo put it.
pub(crate) fn build(args: &[&str]) -> Result<PathBuf, String> {
    let mut command = cargo(["build"]);
    command.args(args);
    println!("$ {}", shown(&command));
    // Cargo alone knows the target folder: it may be set in a configuration file outside the project.
    command.arg("--message-format=json-render-diagnostics");
    let messages = output(command.stderr(Stdio::inherit()))?;
    for line in messages
        .lines()
        .filter(|line| line.contains("\"executable\""))
    {
        if let Some(path) = Json::parse(line)?.get("executable").and_then(Json::text) {
            return Ok(PathBuf::from(path));
        }
    }
    Err("cargo built, but named no executable".to_owned())
}

/// The file of that name in the search path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
}

/// A path as a reader of the project writes it: relative to the root where it lies below it.
pub(crate) fn short(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The command as one would type it in the root of the workspace.
fn shown(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!(
                "{}={}",
                name.display(),
                quoted(&value.to_string_lossy())
            ));
        }
    }
    let program = Path::new(command.get_program());
    let is_cargo = std::env::var_os("CARGO").is_some_and(|cargo| cargo == program);
    words.push(if is_cargo {
        "cargo".to_owned()
    } else {
        quoted(&short(program))
    });
    words.extend(command.get_args().map(|arg| quoted(&short(Path::new(arg)))));
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn not_started(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` could not be started: {error}", shown(command))
}

fn not_awaited(command: &Command, error: &std::io::Error) -> String {
    format!("waiting for `{}`: {error}", shown(command))
}

fn failed(command: &Command, status: std::process::ExitStatus) -> String {
    format!("`{}` failed: {status}", shown(command))
}

/// A folder that a test may fill; it goes away with its owner.
#[cfg(test)]
pub(crate) struct TempFolder(PathBuf);

#[cfg(test)]
impl TempFolder {
    pub(crate) fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("xtask-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        TempFolder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

#[cfg(test)]
impl Drop for TempFolder {
    fn drop(&mut self) {
        // A leftover in the system's temporary folder is no reason to fail a test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_started_as_from_a_shell() {
        let command = cargo(["build"]);
        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .collect();
        assert!(
            removed
                .iter()
                .any(|(name, _)| *name == "CARGO_MANIFEST_DIR")
        );
        assert!(!is_about_a_package("CARGO_HOME") && !is_about_a_package("CARGO_TARGET_DIR"));
    }

    #[test]
    fn commands_are_shown_as_typed() {
        let mut command = program_at("tool");
        command
            .args(["--data", "two words", "it's", ""])
            .arg(root().join("target/cifar10"))
            .env("FLAGS", "-D warnings");
        assert_eq!(
            shown(&command),
            r"FLAGS='-D warnings' tool --data 'two words' 'it'\''s' '' target/cifar10"
        );
    }

    #[test]
    fn the_root_holds_the_workspace() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut program_at("nearplane-no-such-program")).unwrap_err();
        assert!(
            error.starts_with("`nearplane-no-such-program` could not be started: "),
            "{error}"
        );
        assert_eq!(find_program("nearplane-no-such-program"), None);
        assert!(find_program("cargo").is_some());
    }

    #[test]
    fn a_failing_program_is_an_error() {
        let error = ask(&mut cargo(["--no-such-flag"])).unwrap_err();
        assert!(
            error.starts_with("`cargo --no-such-flag` failed: "),
            "{error}"
        );
        assert!(error.contains("\n  error: "), "{error}");
        let mut command = cargo(["--no-such-flag"]);
        let error = run_within(Duration::from_secs(60), command.stderr(Stdio::null())).unwrap_err();
        assert!(
            error.starts_with("`cargo --no-such-flag` failed: "),
            "{error}"
        );
    }
}
