//! The NEON level on a machine that is not an Arm: lint it where the target can be had, run its tests where an
//! emulator is installed, and say clearly what was not checked.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::ci::{Step, Stop};
use crate::shell;

const TARGET: &str = "aarch64-unknown-linux-gnu";
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(180);

/// Lints the crates that have Arm code or stand on it.
pub(crate) fn lint() -> Step {
    if !target_is_installed() {
        let add = shell::find_program("rustup").map(|rustup| {
            let mut command = shell::program_at(rustup);
            shell::run_within(DOWNLOAD_LIMIT, command.args(["target", "add", TARGET]))
        });
        match add {
            None => {
                return Err(Stop::NotRun(format!(
                    "no {TARGET} target and no rustup to add it"
                )));
            }
            Some(Err(error)) => return Err(Stop::NotRun(format!("no {TARGET} target: {error}"))),
            Some(Ok(())) => {}
        }
    }
    let mut command = shell::cargo(["clippy", "--target", TARGET]);
    command.args([
        "-p",
        "nearplane-kernels",
        "-p",
        "nearplane-cifar",
        "-p",
        "nearplane-models",
    ]);
    Ok(shell::run(command.args(["--", "-D", "warnings"]))?)
}

/// Runs the tests of the kernels in an emulator.
pub(crate) fn emulate() -> Step {
    if !target_is_installed() {
        return Err(Stop::NotRun(format!("no {TARGET} target")));
    }
    let linker = "aarch64-linux-gnu-gcc";
    let emulator = ["qemu-aarch64", "qemu-aarch64-static"]
        .into_iter()
        .find(|name| shell::find_program(name).is_some());
    let Some(emulator) = emulator else {
        return Err(Stop::NotRun(
            "qemu-aarch64 is not installed (Debian package qemu-user)".to_owned(),
        ));
    };
    if shell::find_program(linker).is_none() {
        return Err(Stop::NotRun(format!(
            "{linker} is not installed (Debian package gcc-aarch64-linux-gnu)"
        )));
    }
    let mut command = shell::cargo([
        "test",
        "--target",
        TARGET,
        "-p",
        "nearplane-kernels",
        "--lib",
        "--tests",
    ]);
    command.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", linker);
    command.env(
        "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER",
        format!("{emulator} -L /usr/aarch64-linux-gnu"),
    );
    Ok(shell::run(&mut command)?)
}

fn target_is_installed() -> bool {
    let mut command = shell::program_at("rustc");
    command
        .args(["--print", "target-libdir", "--target", TARGET])
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
