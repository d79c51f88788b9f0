//! What is kept between two epochs, so that a run that was stopped, however it was stopped, goes on to the same bits.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use nearplane_models::linear::SgdState;
use nearplane_models::model_file::SgdCheckpoint;
use serde::{Deserialize, Serialize};

use super::fit::{Judged, Point};
use crate::failure::exit_code;
use crate::pending::PendingFile;

/// What the library does not remember of a run.
#[derive(Serialize, Deserialize)]
struct Notes {
    /// Options, and what they are.
    configuration: Vec<(String, String)>,
    /// The fits that are finished; the state is of the next one.
    judged: Vec<Judged>,
    /// Of the fit that is not.
    trace: Vec<Point>,
    seconds: f64,
}

/// Where a fit goes on.
pub(super) struct Begun {
    pub(super) state: SgdState,
    pub(super) trace: Vec<Point>,
    pub(super) seconds: f64,
}

/// Keeps a run in a file.
pub(super) struct Keeper<'a> {
    path: &'a Path,
    configuration: Vec<(String, String)>,
    /// The fits that are finished.
    pub(super) judged: Vec<Judged>,
    begun: Option<Begun>,
    /// Whether there is something to continue from.
    has_written: bool,
}

impl<'a> Keeper<'a> {
    /// Of a run that begins, or, with `resume`, of one that goes on.
    pub(super) fn new(
        path: &'a Path,
        configuration: Vec<(String, String)>,
        resume: bool,
    ) -> Result<Self> {
        let mut keeper = Keeper {
            path,
            configuration,
            judged: Vec::new(),
            begun: None,
            has_written: resume,
        };
        if resume {
            let shown = path.display();
            let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
            let checkpoint = SgdCheckpoint::from_bytes(&bytes)
                .with_context(|| format!("cannot resume from {shown}"))?;
            let notes: Notes = serde_json::from_str(&checkpoint.notes)
                .with_context(|| format!("cannot resume from {shown}"))?;
            keeper.check(&notes.configuration)?;
            keeper.judged = notes.judged;
            keeper.begun = Some(Begun {
                state: checkpoint.state,
                trace: notes.trace,
                seconds: notes.seconds,
            });
        }
        Ok(keeper)
    }

    pub(super) fn path(&self) -> &Path {
        self.path
    }

    pub(super) fn has_written(&self) -> bool {
        self.has_written
    }

    /// Whether the next fit is the one that was not finished; once only.
    pub(super) fn take_begun(&mut self) -> Option<Begun> {
        self.begun.take()
    }

    /// Everything that shows in the bits of the model has to be as it was.
    fn check(&self, found: &[(String, String)]) -> Result<()> {
        for (name, now) in &self.configuration {
            let before = found.iter().find(|(known, _)| known == name);
            let before = before.map_or("nothing", |(_, text)| text);
            if before != now {
                bail!(
                    "{} was started with {name} {before}, and this run has {now}: resume with what it was started \
                     with, or start over with --force",
                    self.path.display()
                );
            }
        }
        Ok(())
    }

    /// Keeps a run after an epoch.
    pub(super) fn save(&mut self, state: &SgdState, trace: &[Point], seconds: f64) -> Result<()> {
        let notes = Notes {
            configuration: self.configuration.clone(),
            judged: self.judged.clone(),
            trace: trace.to_vec(),
            seconds,
        };
        let checkpoint = SgdCheckpoint {
            state: state.clone(),
            notes: serde_json::to_string(&notes)?,
        };
        let mut file = PendingFile::create(self.path, true)?;
        file.write_all(&checkpoint.to_bytes())
            .with_context(|| file.cannot_write())?;
        file.replace()?;
        self.has_written = true;
        Ok(())
    }

    /// A run that was not stopped but failed would fail again; what it began leaves no file behind.
    pub(super) fn failed(&self, error: anyhow::Error, resumed: bool) -> anyhow::Error {
        if exit_code(&error) == 1 && self.has_written && !resumed {
            // The error that led here is the one to report.
            let _ = std::fs::remove_file(self.path);
        }
        error
    }

    /// The run is finished, and its model is in place.
    pub(super) fn remove(self) -> Result<()> {
        if !self.has_written {
            return Ok(());
        }
        std::fs::remove_file(self.path)
            .with_context(|| format!("cannot remove {}", self.path.display()))
    }
}
