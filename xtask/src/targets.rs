//! Code for another system, checked without one: the standard library of its target is added where that is possible,
//! and what is not there is named, so that a step that did not run says so.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::ci::{Step, Stop};
use crate::shell;

const DOWNLOAD_LIMIT: Duration = Duration::from_secs(180);

/// A system that the workspace is checked for.
pub(crate) struct Target {
    /// Its name for rustc.
    pub(crate) name: &'static str,
    /// The C compiler that build scripts of foreign crates ask for.
    pub(crate) compiler: &'static str,
    /// The Debian package that has it.
    pub(crate) package: &'static str,
}

/// 64-bit Arm, Linux.
pub(crate) const AARCH64: Target = Target {
    name: "aarch64-unknown-linux-gnu",
    compiler: "aarch64-linux-gnu-gcc",
    package: "gcc-aarch64-linux-gnu",
};

/// Windows with the libraries of MinGW.
pub(crate) const WINDOWS: Target = Target {
    name: "x86_64-pc-windows-gnu",
    compiler: "x86_64-w64-mingw32-gcc",
    package: "gcc-mingw-w64-x86-64-posix",
};

/// Lints what cargo's arguments choose for another system. Nothing is linked or run.
pub(crate) fn lint(target: &Target, choice: &[&str]) -> Step {
    add(target)?;
    if shell::find_program(target.compiler).is_none() {
        return Err(Stop::NotRun(format!(
            "NOT CHECKED for {}: {} is not installed (Debian package {})",
            target.name, target.compiler, target.package
        )));
    }
    let mut command = shell::cargo(["clippy", "--all-features", "--target", target.name]);
    command.args(choice).args(["--", "-D", "warnings"]);
    Ok(shell::run(&mut command)?)
}

/// Makes sure that the target's standard library is there.
pub(crate) fn add(target: &Target) -> Step {
    if is_installed(target) {
        return Ok(());
    }
    let not_checked =
        |reason: String| Stop::NotRun(format!("NOT CHECKED for {}: {reason}", target.name));
    let rustup = shell::find_program("rustup")
        .ok_or_else(|| not_checked("no such target and no rustup to add it".to_owned()))?;
    let mut command = shell::program_at(rustup);
    shell::run_within(DOWNLOAD_LIMIT, command.args(["target", "add", target.name]))
        .map_err(|error| not_checked(format!("no such target: {error}")))?;
    if is_installed(target) {
        Ok(())
    } else {
        Err(not_checked(
            "rustup added it to another toolchain".to_owned(),
        ))
    }
}

/// Whether the target's standard library lies beside the compiler.
pub(crate) fn is_installed(target: &Target) -> bool {
    let mut command = shell::program_at("rustc");
    command
        .args(["--print", "target-libdir", "--target", target.name])
        .stderr(Stdio::null());
    let Ok(output) = command.output() else {
        return false;
    };
    let folder = String::from_utf8_lossy(&output.stdout).into_owned();
    let files = std::fs::read_dir(Path::new(folder.trim()))
        .into_iter()
        .flatten()
        .flatten();
    files
        .into_iter()
        .any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: Target = Target {
        name: "nearplane-no-such-target",
        compiler: "nearplane-no-such-compiler",
        package: "none",
    };

    #[test]
    fn a_target_that_cannot_be_had_is_not_checked_and_not_passed() {
        assert!(!is_installed(&NOWHERE));
        match lint(&NOWHERE, &["--workspace"]) {
            Err(Stop::NotRun(reason)) => assert!(
                reason.starts_with("NOT CHECKED for nearplane-no-such-target: "),
                "{reason}"
            ),
            Err(Stop::Failed(error)) => panic!("failed, though nothing was checked: {error}"),
            Ok(()) => panic!("passed, though nothing was checked"),
        }
    }
}
