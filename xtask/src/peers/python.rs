//! Python and the peers' packages: a virtual environment under `target/`, made once and kept while its pins stay.
//! Whatever cannot be had is said in one line and left out.

use std::path::{Path, PathBuf};

use super::suite::Package;
use crate::shell;

const VENV: &str = "target/peers-venv";
const OPENCV5: &str = "target/peers-opencv5";
/// Which pins a folder has, one a line, so that a second run installs nothing.
const STAMP: &str = "installed-pins.txt";
/// All scripts need it.
const BASIS: &str = "numpy";

/// An interpreter and what it can import.
pub(crate) struct Python {
    program: PathBuf,
    shared: Vec<String>,
    has_opencv5: bool,
}

impl Python {
    /// Finds or makes the environment; `None` without an interpreter or without NumPy.
    pub(crate) fn prepare(notes: &mut Vec<String>) -> Option<Python> {
        let program = interpreter().map_err(|error| notes.push(error)).ok()?;
        let shared = install(&program, "requirements.txt", VENV, &[], notes);
        if !shared.iter().any(|name| name == BASIS) {
            notes.push(format!("without {BASIS} no peer can run"));
            return None;
        }
        let target = shell::root().join(OPENCV5).display().to_string();
        let alone = ["--no-deps", "--upgrade", "--target", &target];
        let opencv5 = install(&program, "requirements-opencv5.txt", OPENCV5, &alone, notes);
        Some(Python {
            program,
            shared,
            has_opencv5: !opencv5.is_empty(),
        })
    }

    pub(crate) fn has(&self, package: Package) -> bool {
        match package {
            Package::Shared(name) => self.shared.iter().any(|found| found == name),
            Package::OpenCv5 => self.has_opencv5,
            // `peer.py` says if it is not.
            Package::ByHand => true,
            Package::Crate => false,
        }
    }

    /// A script of `benches/peers`.
    pub(crate) fn script(&self, name: &str) -> std::process::Command {
        let mut command = shell::program_at(&self.program);
        // Compiled scripts would lie among the sources.
        command.arg("-B").arg(Path::new("benches/peers").join(name));
        command
    }

    /// The folder that a peer has to put first on its path.
    pub(crate) fn first_on_path(package: Package) -> Option<PathBuf> {
        (package == Package::OpenCv5).then(|| shell::root().join(OPENCV5))
    }
}

/// The interpreter of the environment, which is made if it is not there or does not run.
fn interpreter() -> Result<PathBuf, String> {
    let venv = shell::root().join(VENV);
    let program = if cfg!(windows) {
        venv.join("Scripts/python.exe")
    } else {
        venv.join("bin/python")
    };
    if runs(&program) {
        return Ok(program);
    }
    let system = ["python3", "python"]
        .into_iter()
        .filter_map(shell::find_program)
        .find(|program| runs(program))
        .ok_or("no Python found, so no peer can run")?;
    println!("making a virtual environment in {VENV}");
    let mut make = shell::program_at(system);
    shell::ask(make.args(["-m", "venv", "--clear"]).arg(&venv)).map_err(|error| {
        format!(
            "Python made no virtual environment, so no peer can run: {}",
            reason(&error)
        )
    })?;
    Ok(program)
}

fn runs(program: &Path) -> bool {
    shell::ask(shell::program_at(program).args(["-c", ""])).is_ok()
}

/// Installs the pins of a requirements file that `folder` lacks, each by itself; returns the names of those it has.
fn install(
    program: &Path,
    requirements: &str,
    folder: &str,
    extra: &[&str],
    notes: &mut Vec<String>,
) -> Vec<String> {
    let file = shell::root().join("benches/peers").join(requirements);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            notes.push(format!("{}: {error}", shell::short(&file)));
            return Vec::new();
        }
    };
    let stamp = shell::root().join(folder).join(STAMP);
    // No stamp is a stamp without pins.
    let before = std::fs::read_to_string(&stamp).unwrap_or_default();
    let pins = pins(&text);
    let (mut has, mut unreachable) = (Vec::new(), Vec::new());
    for pin in &pins {
        if before.lines().any(|line| line == *pin) {
            has.push(*pin);
            continue;
        }
        if !unreachable.is_empty() {
            // Waiting for the network once is enough.
            unreachable.push(*pin);
            continue;
        }
        println!("installing {pin} into {folder}");
        let mut pip = shell::program_at(program);
        pip.args(["-m", "pip", "install", "--quiet"])
            .args(["--disable-pip-version-check", "--no-input"])
            // Never build from source: that takes an hour, and is another program than the one others run.
            .args(["--only-binary=:all:", "--retries", "1"])
            .args(extra)
            .arg(pin);
        // The first pin is the basis of the others: none of them may change it.
        pip.args(pins.first().filter(|first| *first != pin));
        match shell::ask(&mut pip) {
            Ok(_) => has.push(pin),
            Err(error) if is_unreachable(&error) => unreachable.push(pin),
            Err(error) => notes.push(format!("{pin} cannot be had: {}", reason(&error))),
        }
    }
    if !unreachable.is_empty() {
        notes.push(format!(
            "the package index cannot be reached, so there is no {}",
            unreachable.join(", ")
        ));
    }
    let now: String = has.iter().map(|pin| format!("{pin}\n")).collect();
    // Not while an old stamp is right: a read-only folder with everything in it will do.
    if now != before
        && let Err(error) = std::fs::write(&stamp, now)
    {
        notes.push(format!("{}: {error}", shell::short(&stamp)));
    }
    has.into_iter().map(name_of).map(str::to_owned).collect()
}

/// The lines of a requirements file without comments.
fn pins(text: &str) -> Vec<&str> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect()
}

fn name_of(pin: &str) -> &str {
    pin.split("==").next().unwrap_or(pin)
}

fn is_unreachable(error: &str) -> bool {
    error.contains("connection broken by")
}

/// The line of a program's complaint that tells most: its last error, else its last line.
fn reason(error: &str) -> &str {
    let lines = || error.lines().map(str::trim).filter(|line| !line.is_empty());
    lines()
        .rfind(|line| line.starts_with("ERROR:") || line.starts_with("Error:"))
        .or_else(|| lines().next_back())
        .unwrap_or("it gave no reason")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read() {
        let text = "# Exact versions.\nnumpy==2.2.6\n\n  faiss-cpu==1.15.1  # exact\n";
        assert_eq!(pins(text), ["numpy==2.2.6", "faiss-cpu==1.15.1"]);
        assert_eq!(name_of("faiss-cpu==1.15.1"), "faiss-cpu");
    }

    #[test]
    fn the_telling_line_is_shown() {
        let error = "`pip` failed: exit status: 1\n  WARNING: a\n  ERROR: b\n  ERROR: no such version\n  [notice] x\n";
        assert_eq!(reason(error), "ERROR: no such version");
        assert_eq!(reason("`python3` failed\n  last\n"), "last");
        assert_eq!(reason(""), "it gave no reason");
        let error = "`pip` failed\n  WARNING: Retrying after connection broken by 'ProtocolError'\n  ERROR: c\n";
        assert!(is_unreachable(error) && !is_unreachable("`pip` failed\n  ERROR: c\n"));
    }

    #[test]
    fn an_unreadable_requirements_file_is_a_note() {
        let mut notes = Vec::new();
        let found = install(Path::new("none"), "none.txt", "target", &[], &mut notes);
        assert!(found.is_empty());
        assert!(
            notes[0].starts_with("benches/peers/none.txt: "),
            "{notes:?}"
        );
    }
}
