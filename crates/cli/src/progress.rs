//! What the user sees while a command runs, and how they stop it: a bar on stderr (only on a terminal, only for what
//! lasts longer than a second) and the flag that Ctrl-C sets.

use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::failure::Interrupted;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The first Ctrl-C sets a flag, and the command ends where it next looks at it; the second ends the process at once,
/// and only what is temporary is removed.
pub(crate) fn install_interrupt_handler() -> Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            // Dropped by nobody: whatever waits to be put in place waits until the end.
            let _until_exit = nearplane_cifar::temporary::remove_all();
            std::process::exit(130);
        }
    })
    .context("cannot install the Ctrl-C handler")
}

/// Whether Ctrl-C was pressed.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Ends a command between two steps after Ctrl-C.
pub(crate) fn check_interrupt() -> Result<()> {
    if interrupted() {
        Err(Interrupted.into())
    } else {
        Ok(())
    }
}

/// How long a job runs before its bar appears.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a bar says once it appears, with and without a known total.
struct Templates {
    with_total: &'static str,
    without: &'static str,
}

const STEPS: Templates = Templates {
    with_total: "{msg} {bar:30} {percent} %, {left}",
    without: "{msg} {spinner} {human_pos}",
};

const FITS: Templates = Templates {
    with_total: "{msg} {bar:30} {percent} %, {evenly}",
    without: "{msg} {spinner} {human_pos}",
};

#[cfg(feature = "fetch")]
const BYTES: Templates = Templates {
    with_total: "{msg} {bar:30} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {left}",
    without: "{msg} {spinner} {decimal_bytes}, {decimal_bytes_per_sec}",
};

/// A bar that appears when its job has lasted a second and vanishes when dropped.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    templates: &'static Templates,
    started: Instant,
    shown: AtomicBool,
}

impl Progress {
    /// A bar headed `what`; none with `quiet` or where stderr is not a terminal.
    pub(crate) fn new(what: &'static str, quiet: bool) -> Progress {
        Progress::with(what, &STEPS, quiet)
    }

    /// A bar that counts bytes.
    #[cfg(feature = "fetch")]
    pub(crate) fn of_bytes(what: &'static str, quiet: bool) -> Progress {
        Progress::with(what, &BYTES, quiet)
    }

    fn with(what: &'static str, templates: &'static Templates, quiet: bool) -> Progress {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            bar.set_message(what);
            bar
        });
        Progress {
            bar,
            templates,
            started: Instant::now(),
            shown: AtomicBool::new(false),
        }
    }

    /// `done` of `total` (where that is known) is behind us. Any thread may call this.
    pub(crate) fn update(&self, done: u64, total: Option<u64>) {
        let Some(bar) = &self.bar else { return };
        if !self.shown.load(Ordering::Relaxed) {
            if self.started.elapsed() < PATIENCE || self.shown.swap(true, Ordering::Relaxed) {
                return;
            }
            let template = match total {
                Some(_) => self.templates.with_total,
                None => self.templates.without,
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                let style = style.with_key("left", time_left);
                bar.set_style(style.with_key("evenly", time_left_evenly));
            }
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    /// What is done from now on.
    pub(crate) fn head(&self, what: impl Into<Cow<'static, str>>) {
        if let Some(bar) = &self.bar {
            bar.set_message(what);
        }
    }

    /// Writes lines to stderr that the bar does not overwrite.
    pub(crate) fn aside(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

/// Below a second an estimate says nothing, and "0s left" looks like an end that does not come.
fn time_left(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    write_time_left(state.eta(), text);
}

/// From all steps so far alike: where few long ones are counted, the last one says little.
fn time_left_evenly(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    let (done, total) = (state.pos(), state.len().unwrap_or_default());
    if done == 0 {
        let _ = write!(text, "the first fit");
        return;
    }
    let share = total.saturating_sub(done) as f64 / done as f64;
    write_time_left(state.elapsed().mul_f64(share), text);
}

fn write_time_left(left: Duration, text: &mut dyn std::fmt::Write) {
    let _ = if left < Duration::from_secs(1) {
        write!(text, "nearly done")
    } else {
        write!(text, "{} left", HumanDuration(left))
    };
}

/// The progress of many fits, some of which cost more than others. What is left is estimated from what was done in this
/// run, fit by fit.
pub(crate) struct Sweep {
    progress: Progress,
    total: u64,
    /// Of this run.
    done: AtomicU64,
    skipped: AtomicU64,
}

impl Sweep {
    /// Of `total`, in whatever unit says best how long a fit takes.
    pub(crate) fn new(what: &'static str, total: u64, quiet: bool) -> Sweep {
        Sweep {
            progress: Progress::with(what, &FITS, quiet),
            total,
            done: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        }
    }

    /// So much more is done.
    pub(crate) fn add(&self, cost: usize) {
        self.done.fetch_add(cost as u64, Ordering::Relaxed);
        self.tick();
    }

    /// So much was done before.
    pub(crate) fn skip(&self, cost: usize) {
        self.skipped.fetch_add(cost as u64, Ordering::Relaxed);
    }

    /// Work goes on.
    pub(crate) fn tick(&self) {
        let done = self.done.load(Ordering::Relaxed);
        let left = self
            .total
            .saturating_sub(self.skipped.load(Ordering::Relaxed));
        self.progress.update(done, Some(left.max(done)));
    }

    /// What is done from now on.
    pub(crate) fn head(&self, what: String) {
        self.progress.head(what);
    }
}

/// The progress of one of several steps as that of all.
pub(crate) struct Stage<'a> {
    pub(crate) of: &'a dyn nearplane_models::Monitor,
    pub(crate) index: usize,
    pub(crate) count: usize,
}

impl nearplane_models::Monitor for Stage<'_> {
    fn progress(&self, done: u64, total: u64) {
        let (index, count) = (self.index as u64, self.count as u64);
        self.of.progress(index * total + done, count * total);
    }

    fn cancelled(&self) -> bool {
        self.of.cancelled()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl nearplane_models::Monitor for Progress {
    fn progress(&self, done: u64, total: u64) {
        self.update(done, Some(total));
    }

    fn cancelled(&self) -> bool {
        interrupted()
    }
}

impl nearplane_cifar::import::ImportProgress for Progress {
    fn decoded(&self, done: u64, total: Option<u64>) {
        self.update(done, total);
    }

    fn cancelled(&self) -> bool {
        interrupted()
    }
}
