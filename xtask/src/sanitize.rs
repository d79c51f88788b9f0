//! `cargo xtask sanitize`: the tests of the crates with `unsafe` under the address sanitizer of nightly Rust, and
//! under Miri where that is installed.

use crate::ci::{Step, Stop};
use crate::{fuzz, shell};

/// The sanitizer's runtime comes with nightly for this target.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The crates that have rooms with `unsafe` (`tidy/unsafe_rooms.rs`), and which of their tests enter them.
const ROOMS: [(&str, &[&str]); 3] = [
    ("nearplane-kernels", &["--lib", "--tests"]),
    (
        "nearplane-cifar",
        &["--features", "import,sigbus", "--lib", "--tests"],
    ),
    // The data sets that the command line maps.
    ("nearplane-cli", &["--test", "knn", "--test", "data"]),
];

/// Runs what there is; what is not there is said, and if that is everything, it is an error.
pub(crate) fn main() -> Result<(), String> {
    let mut failed = Vec::new();
    for (name, outcome) in [("address sanitizer", address()), ("Miri", miri())] {
        match outcome {
            Ok(()) => println!("--- {name}: passed"),
            Err(Stop::NotRun(reason)) => {
                println!("--- {name}: not run: {reason}");
                if name == "address sanitizer" {
                    failed.push(format!("{name} not run: {reason}"));
                }
            }
            Err(Stop::Failed(error)) => {
                println!("--- {name}: FAILED: {error}");
                failed.push(format!("{name}: {error}"));
            }
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed.join("\n"))
    }
}

fn address() -> Step {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Err(Stop::NotRun(format!("it is set up for {TARGET} only")));
    }
    if !fuzz::has_nightly() {
        return Err(Stop::NotRun(fuzz::NIGHTLY.to_owned()));
    }
    for (package, tests) in ROOMS {
        let mut command = fuzz::nightly();
        command.args(["cargo", "test", "--target", TARGET, "-p", package]);
        command.args(tests).env("RUSTFLAGS", "-Zsanitizer=address");
        shell::run(&mut command)?;
    }
    Ok(())
}

/// Miri knows no AVX-512 and maps no files: the scalar and the portable level, and what is around them.
fn miri() -> Step {
    if !fuzz::has_nightly() {
        return Err(Stop::NotRun(fuzz::NIGHTLY.to_owned()));
    }
    if shell::ask(fuzz::nightly().args(["cargo", "miri", "--version"])).is_err() {
        let install = "Miri is not installed: rustup +nightly component add miri rust-src";
        return Err(Stop::NotRun(install.to_owned()));
    }
    let mut command = fuzz::nightly();
    command.args(["cargo", "miri", "test", "-p", "nearplane-kernels", "--lib"]);
    Ok(shell::run(&mut command)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_room_with_unsafe_is_checked() {
        for room in crate::tidy::unsafe_rooms() {
            let name = room.split('/').nth(1).unwrap();
            let package = format!("nearplane-{name}");
            assert!(
                ROOMS.iter().any(|(checked, _)| *checked == package),
                "{room}"
            );
        }
    }
}
