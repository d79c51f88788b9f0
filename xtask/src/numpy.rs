//! Round trips with NumPy: a virtual environment below `target/`, in which the script of the command line's tests
//! exports, loads, saves and feeds back. Where there is no Python, or NumPy cannot be had, that is said.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::ci::{Step, Stop};
use crate::shell;

const FOLDER: &str = "crates/cli/tests/numpy";
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(300);

/// Runs the script with this binary.
pub(crate) fn round_trip(nearplane: &Path) -> Step {
    let environment = shell::root().join("target/numpy");
    let python = environment.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    let folder = shell::root().join(FOLDER);
    if !has_numpy(&python) {
        let Some(system) = ["python3", "python"]
            .into_iter()
            .find_map(shell::find_program)
        else {
            return Err(not_checked("there is no Python".to_owned()));
        };
        let mut command = shell::program_at(system);
        command.args(["-m", "venv", "--clear"]).arg(&environment);
        shell::run_within(DOWNLOAD_LIMIT, &mut command).map_err(not_checked)?;
        let mut command = shell::program_at(&python);
        command.args(["-m", "pip", "install", "--quiet", "--requirement"]);
        command.arg(folder.join("requirements.txt"));
        shell::run_within(DOWNLOAD_LIMIT, &mut command).map_err(not_checked)?;
    }
    let mut command = shell::program_at(&python);
    command.arg(folder.join("round_trip.py")).arg(nearplane);
    Ok(shell::run(&mut command)?)
}

fn has_numpy(python: &Path) -> bool {
    let mut command = shell::program_at(python);
    command.args(["-c", "import numpy"]).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn not_checked(reason: String) -> Stop {
    Stop::NotRun(format!("{reason}; the round trips were not checked"))
}
