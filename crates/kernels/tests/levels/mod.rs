//! The levels that a test runs at, and a note of each: `cargo xtask parity --require` compares the notes with what the
//! operating system says of the CPU, so that a level that nobody tests does not pass as tested.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex};

use nearplane_kernels::Level;

/// Names the file that notes are appended to; without it there are none.
const REPORT: &str = "NEARPLANE_LEVELS_REPORT";

/// Every level of this CPU, one after the other; each is noted down when its turn comes.
pub(crate) fn levels() -> impl Iterator<Item = Level> {
    Level::available()
        .into_iter()
        .inspect(|level| note(level.name()))
}

/// A line `program::test level`, once a run.
fn note(level: &'static str) {
    static NOTED: LazyLock<Mutex<HashSet<(String, &str)>>> = LazyLock::new(Mutex::default);
    let Some(report) = std::env::var_os(REPORT) else {
        return;
    };
    let thread = std::thread::current();
    let test = format!(
        "{}::{}",
        env!("CARGO_CRATE_NAME"),
        thread.name().unwrap_or("unnamed")
    );
    let line = format!("{test} {level}\n");
    if NOTED.lock().unwrap().insert((test, level)) {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(report)
            .unwrap();
        // In one piece: the tests of a program write at the same time.
        file.write_all(line.as_bytes()).unwrap();
    }
}
