//! The kernels built for other CPUs than the one that every x86-64 is: with nothing above the baseline, and with
//! AVX-512 all over, where the compiler decides at build time what is otherwise found out at run time.

use crate::ci::{Step, Stop};
use crate::shell;

/// Of its own, so that artifacts do not take turns with those of other flags.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Checks the build without anything above the baseline, and tests the one with AVX-512, where this CPU has it.
pub(crate) fn check() -> Step {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Err(Stop::NotRun(format!("it is set up for {TARGET} only")));
    }
    cargo("check", "x86-64", &["--lib", "--tests"])?;
    if has_v4() {
        return cargo("test", "x86-64-v4", &["--lib", "--tests"]);
    }
    cargo("check", "x86-64-v4", &["--lib", "--tests"])?;
    println!("not run: this CPU is no x86-64-v4, so that its build was checked only");
    Ok(())
}

fn cargo(task: &str, cpu: &str, what: &[&str]) -> Step {
    let mut command = shell::cargo([task, "--target", TARGET, "-p", "nearplane-kernels"]);
    command.args(what);
    command.env("RUSTFLAGS", format!("-C target-cpu={cpu} -D warnings"));
    Ok(shell::run(&mut command)?)
}

/// What the level x86-64-v4 of the System V ABI adds to v3, and that.
#[cfg(target_arch = "x86_64")]
fn has_v4() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_v4() -> bool {
    false
}
