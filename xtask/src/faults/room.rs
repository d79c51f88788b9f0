//! A folder for one run, the run itself, and how it ended.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// No run on these few images takes a fraction of this: reaching it means that the program hangs, unless it only waits
/// for its turn on a busy machine.
const HANGS_AFTER: Duration = Duration::from_secs(20);

/// It hangs, even if it looks busy.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(300);

/// Whether a thread of a process runs, or would if it had a processor; `false` where the system does not tell in files.
fn is_runnable(process: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return false;
    };
    // The state comes after the name, which is in parentheses and may hold anything.
    let is_running = |stat: String| {
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('R'))
    };
    threads
        .flatten()
        .any(|thread| fs::read_to_string(thread.path().join("stat")).is_ok_and(is_running))
}

/// An error of the system, with the file it is about.
pub(super) trait At<T> {
    fn at(self, path: &Path) -> Result<T, String>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, String> {
        self.map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Every file below a folder with its content, by its path from there with `/` between the parts.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// The files below `folder`; none if it is not there.
pub(super) fn files_of(folder: &Path) -> Result<Files, String> {
    fn collect(folder: &Path, before: &str, files: &mut Files) -> Result<(), String> {
        for entry in fs::read_dir(folder).at(folder)? {
            let path = entry.at(folder)?.path();
            let name = format!("{before}{}", name_of(&path));
            if path.is_dir() {
                collect(&path, &format!("{name}/"), files)?;
            } else {
                files.insert(name, fs::read(&path).at(&path)?);
            }
        }
        Ok(())
    }
    let mut files = Files::new();
    if folder.is_dir() {
        collect(folder, "", &mut files)?;
    }
    Ok(files)
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Writes a file and the folders around it.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).at(parent)?;
    }
    fs::write(path, bytes).at(path)
}

/// A folder to work in, removed at the end, and room beside it for what the program prints.
pub(super) struct Room {
    base: PathBuf,
    pub(super) work: PathBuf,
}

impl Room {
    /// Makes `base`, with these files in its folder `work`.
    pub(super) fn new(base: PathBuf, files: &Files) -> Result<Room, String> {
        let work = base.join("work");
        fs::create_dir_all(&work).at(&work)?;
        let room = Room { base, work };
        room.fill(files)?;
        Ok(room)
    }

    pub(super) fn fill(&self, files: &Files) -> Result<(), String> {
        files
            .iter()
            .try_for_each(|(name, bytes)| write(&self.work.join(name), bytes))
    }

    /// Makes the folder to work in hold these files and nothing else.
    pub(super) fn refill(&self, files: &Files) -> Result<(), String> {
        for entry in fs::read_dir(&self.work).at(&self.work)? {
            let path = entry.at(&self.work)?.path();
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.at(&path)?;
        }
        self.fill(files)
    }

    pub(super) fn files(&self) -> Result<Files, String> {
        files_of(&self.work)
    }

    /// Starts a program here; what it prints goes to files, which never fill up as pipes do.
    pub(super) fn start(&self, command: &mut Command) -> Result<Running<'_>, String> {
        self.start_in(&self.work, command)
    }

    fn start_in(&self, folder: &Path, command: &mut Command) -> Result<Running<'_>, String> {
        let (out, err) = (self.base.join("stdout"), self.base.join("stderr"));
        command
            .current_dir(folder)
            .env_remove("NEARPLANE_DATA")
            .env_remove("RAYON_NUM_THREADS")
            .stdin(Stdio::null())
            .stdout(File::create(&out).at(&out)?)
            .stderr(File::create(&err).at(&err)?);
        let began = Instant::now();
        let child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        Ok(Running {
            room: self,
            child,
            began,
        })
    }

    pub(super) fn run(&self, command: &mut Command) -> Result<Ended, String> {
        self.start(command)?.wait()
    }

    /// Runs in another folder, of which nothing is known here.
    pub(super) fn run_in(&self, folder: &Path, command: &mut Command) -> Result<Ended, String> {
        self.start_in(folder, command)?.wait()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // The folder around all rooms is removed at the end as well.
        let _ = fs::remove_dir_all(&self.base);
    }
}

/// A program that runs.
pub(super) struct Running<'a> {
    room: &'a Room,
    child: Child,
    began: Instant,
}

impl Running<'_> {
    /// Lets it go on, and ends what hangs.
    pub(super) fn wait(mut self) -> Result<Ended, String> {
        let mut hung = false;
        let status = loop {
            if let Some(status) = self.child.try_wait().at(&self.room.base)? {
                break status;
            }
            let elapsed = self.began.elapsed();
            if elapsed > GIVEN_UP_AFTER || (elapsed > HANGS_AFTER && !is_runnable(self.child.id()))
            {
                hung = true;
                // It can only fail because the program has ended in between.
                let _ = self.child.kill();
                break self.child.wait().at(&self.room.base)?;
            }
            sleep(Duration::from_millis(1));
        };
        self.ended(status, hung)
    }

    /// Sends SIGKILL when this much time has passed since the start.
    pub(super) fn kill_after(mut self, delay: Duration) -> Result<Ended, String> {
        sleep(delay.saturating_sub(self.began.elapsed()));
        let _ = self.child.kill();
        let status = self.child.wait().at(&self.room.base)?;
        self.ended(status, false)
    }

    /// Sleeps until this much time has passed since the start.
    pub(super) fn sleep_until(&self, delay: Duration) {
        sleep(delay.saturating_sub(self.began.elapsed()));
    }

    fn ended(self, status: ExitStatus, hung: bool) -> Result<Ended, String> {
        let text = |name: &str| -> Result<String, String> {
            let path = self.room.base.join(name);
            Ok(String::from_utf8_lossy(&fs::read(&path).at(&path)?).into_owned())
        };
        Ok(Ended {
            code: status.code(),
            hung,
            stdout: text("stdout")?,
            stderr: text("stderr")?,
            took: self.began.elapsed(),
        })
    }
}

/// How a run ended.
pub(super) struct Ended {
    /// `None`: a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) hung: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) took: Duration,
}

impl Ended {
    pub(super) fn is_done(&self) -> bool {
        self.code == Some(0)
    }

    pub(super) fn panicked(&self) -> bool {
        self.code == Some(101) || self.stderr.contains("panicked at")
    }

    /// Exit code 1 or 2, nothing on stdout, and one line that says why.
    pub(super) fn is_clean_error(&self) -> bool {
        let errors = |line: &&str| line.starts_with("error: ");
        let others = |line: &str| !line.starts_with("warning: ") && !line.starts_with("note: ");
        matches!(self.code, Some(1 | 2))
            && self.stdout.is_empty()
            && self.stderr.lines().filter(errors).count() == 1
            && self.stderr.lines().filter(|line| others(line)).count() == 1
    }

    /// How it ended, in a line for whoever looks into it.
    pub(super) fn shown(&self) -> String {
        let how = match self.code {
            _ if self.hung => "hangs".to_owned(),
            Some(code) => format!("exit code {code}"),
            None => "ended by a signal".to_owned(),
        };
        let said = self.stderr.lines().next_back().unwrap_or_default();
        format!("{how}: {said}")
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn who_runs_is_told_from_who_waits() {
        assert!(is_runnable(std::process::id()));
        let mut waits = Command::new("sleep").arg("30").spawn().unwrap();
        sleep(Duration::from_millis(50));
        let runs = is_runnable(waits.id());
        waits.kill().unwrap();
        waits.wait().unwrap();
        assert!(!runs);
    }
}
