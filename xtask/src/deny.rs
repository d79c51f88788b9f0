//! `cargo xtask deny`: what `deny.toml` demands of the crates that we build on. Licences, sources and duplicates need
//! only the lock file; advisories need their database, which has to come from the net, and where it cannot be had that
//! is said and does not count as passed.

use std::path::PathBuf;
use std::time::Duration;

use crate::ci::{Step, Stop};
use crate::shell;

const DOWNLOAD_LIMIT: Duration = Duration::from_secs(120);

/// Both parts. Advisories that could not be checked are said and are no failure; the rest has to be.
pub(crate) fn main() -> Result<(), String> {
    let mut faults = Vec::new();
    match bans() {
        Ok(()) => {}
        Err(Stop::NotRun(error)) => return Err(error),
        Err(Stop::Failed(error)) => faults.push(error),
    }
    match advisories() {
        Ok(()) => {}
        Err(Stop::NotRun(reason)) => println!("advisories: NOT RUN: {reason}"),
        Err(Stop::Failed(error)) => faults.push(error),
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("; "))
    }
}

/// Licences, sources and crates that are there twice.
pub(crate) fn bans() -> Step {
    is_installed()?;
    let mut command = shell::cargo(["deny", "--locked", "check", "bans", "licenses", "sources"]);
    Ok(shell::run(&mut command)?)
}

/// Known faults of the locked versions.
pub(crate) fn advisories() -> Step {
    is_installed()?;
    let mut fetch = shell::cargo(["deny", "--locked", "fetch", "db"]);
    if let Err(error) = shell::run_within(DOWNLOAD_LIMIT, &mut fetch) {
        if !has_database() {
            return Err(Stop::NotRun(format!(
                "the database of advisories cannot be fetched and is not there: {error}"
            )));
        }
        println!("the database of advisories is an older one: {error}");
    }
    let mut check = shell::cargo(["deny", "--locked", "check", "--disable-fetch", "advisories"]);
    Ok(shell::run(&mut check)?)
}

fn is_installed() -> Step {
    match shell::find_program("cargo-deny") {
        Some(_) => Ok(()),
        None => Err(Stop::NotRun(
            "cargo-deny is not installed (`cargo install --locked cargo-deny`)".to_owned(),
        )),
    }
}

/// Whether a database was fetched before, to where cargo-deny puts it.
fn has_database() -> bool {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let entries = home.and_then(|home| std::fs::read_dir(home.join("advisory-dbs")).ok());
    // A lock file lies beside the folders.
    entries
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.path().join("crates").is_dir())
}
