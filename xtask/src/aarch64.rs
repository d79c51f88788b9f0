//! The NEON level on a machine that is not an Arm: its tests run where an emulator is installed, and what was not
//! checked is said clearly.

use crate::ci::{Step, Stop};
use crate::shell;
use crate::targets::{self, AARCH64};

/// Runs the tests of the kernels in an emulator.
pub(crate) fn emulate() -> Step {
    if !targets::is_installed(&AARCH64) {
        return Err(Stop::NotRun(format!("no {} target", AARCH64.name)));
    }
    let emulator = ["qemu-aarch64", "qemu-aarch64-static"]
        .into_iter()
        .find(|name| shell::find_program(name).is_some());
    let Some(emulator) = emulator else {
        return Err(Stop::NotRun(
            "qemu-aarch64 is not installed (Debian package qemu-user)".to_owned(),
        ));
    };
    if shell::find_program(AARCH64.compiler).is_none() {
        return Err(Stop::NotRun(format!(
            "{} is not installed (Debian package {})",
            AARCH64.compiler, AARCH64.package
        )));
    }
    let mut command = shell::cargo([
        "test",
        "--target",
        AARCH64.name,
        "-p",
        "nearplane-kernels",
        "--lib",
        "--tests",
    ]);
    command.env(
        "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER",
        AARCH64.compiler,
    );
    command.env(
        "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER",
        format!("{emulator} -L /usr/aarch64-linux-gnu"),
    );
    Ok(shell::run(&mut command)?)
}
