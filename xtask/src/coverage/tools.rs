//! cargo-llvm-cov, and the two programs of LLVM that it asks: of the version that the compiler was built with, since
//! others cannot read its counters.

use std::path::{Path, PathBuf};

use crate::shell;

/// Variables by which cargo-llvm-cov is told where the programs are, and their names.
const PROGRAMS: [(&str, &str); 2] = [("LLVM_COV", "llvm-cov"), ("LLVM_PROFDATA", "llvm-profdata")];

/// What has to be set, or what has to be installed.
pub(super) fn find() -> Result<Vec<(&'static str, PathBuf)>, String> {
    if shell::find_program("cargo-llvm-cov").is_none() {
        return Err(
            "cargo-llvm-cov is not installed (`cargo install --locked cargo-llvm-cov`)".to_owned(),
        );
    }
    let version = shell::ask(shell::program_at("rustc").arg("-vV"))?;
    let major = llvm_major(&version)
        .ok_or("rustc -vV does not say of which version its LLVM is".to_owned())?;
    let libraries = shell::ask(shell::program_at("rustc").args(["--print", "target-libdir"]))?;
    let component = Path::new(libraries.trim()).with_file_name("bin");
    let folders = [
        component,
        PathBuf::from(format!("/usr/lib/llvm-{major}/bin")),
    ];
    let mut found = Vec::new();
    for (variable, program) in PROGRAMS {
        if std::env::var_os(variable).is_some() {
            continue;
        }
        let path = folders
            .iter()
            .map(|folder| folder.join(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
            .find(|path| path.is_file())
            .or_else(|| shell::find_program(&format!("{program}-{major}")))
            .ok_or_else(|| not_found(program, major))?;
        found.push((variable, path));
    }
    Ok(found)
}

fn not_found(program: &str, major: u32) -> String {
    format!(
        "no {program} of LLVM {major}: `rustup component add llvm-tools`, or the Debian package llvm-{major}, \
         or name one with LLVM_COV and LLVM_PROFDATA"
    )
}

/// `LLVM version: 22.1.2`
fn llvm_major(version: &str) -> Option<u32> {
    let line = version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "))?;
    line.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_llvm_is_read() {
        let said = "rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\nLLVM version: 22.1.2\n";
        assert_eq!(llvm_major(said), Some(22));
        assert_eq!(llvm_major("rustc 1.95.0\n"), None);
        assert!(llvm_major(&shell::ask(shell::program_at("rustc").arg("-vV")).unwrap()).is_some());
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = not_found("llvm-cov", 22);
        for word in ["llvm-cov", "llvm-tools", "llvm-22", "LLVM_PROFDATA"] {
            assert!(error.contains(word), "{error}");
        }
    }
}
