//! A path of models through all folds: what is known is taken, the rest is fitted, written, and kept to go on from.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Result;
use nearplane_models::Monitor;
use nearplane_models::linear::LinearError;
use nearplane_models::neighbors::Element;
use nearplane_models::selection::{FoldFit, LinearFold, LinearPath, PathMonitor, PathStart};

use super::log::{Log, Queue};
use super::starts::{Start, Starts};
use super::unit::{FoldName, Question, Setting, Unit, row};
use crate::failure::Interrupted;
use crate::progress::{Sweep, interrupted};

/// One loss and one penalty on one set of features, from the largest lambda to the smallest.
pub(super) struct Job {
    /// Which set of features.
    pub(super) features: usize,
    pub(super) path: LinearPath,
    /// Rows that fit each fold; `None`: all there are.
    pub(super) n_rows: Option<usize>,
}

/// A job and its folds, without their rows.
pub(super) struct Task<'t> {
    pub(super) path: &'t LinearPath,
    pub(super) features: &'t Option<String>,
    pub(super) is_sample: bool,
    /// The name of each fold, and how many rows fit it.
    pub(super) folds: &'t [(Option<FoldName>, usize)],
}

impl Task<'_> {
    pub(super) fn question(&self, setting: &Setting<'_>, fold: usize, step: usize) -> Vec<String> {
        let (name, n_train) = self.folds[fold];
        setting.question(&Question {
            features: self.features,
            path: self.path,
            step,
            n_train,
            is_sample: self.is_sample,
            fold: name,
        })
    }

    fn n_steps(&self) -> usize {
        self.path.configs().len()
    }

    /// Of each fold what is known of each step.
    pub(super) fn known(&self, setting: &Setting<'_>, log: &Log<'_>) -> Vec<Vec<Option<Unit>>> {
        let of_fold = |fold| {
            let steps =
                (0..self.n_steps()).map(|step| log.known(&self.question(setting, fold, step)));
            steps.collect()
        };
        (0..self.folds.len()).map(of_fold).collect()
    }
}

/// What all jobs of a run share.
pub(super) struct Engine<'e, 'a> {
    pub(super) setting: &'e Setting<'e>,
    pub(super) log: &'e mut Log<'a>,
    /// `None` without a file of results.
    pub(super) starts: Option<&'e Starts>,
    pub(super) progress: &'e Sweep,
    /// Fits that had to be done again, since what they led to was not kept.
    pub(super) again: usize,
}

impl Engine<'_, '_> {
    /// Fits what is not known. Of each fold what came out at each step.
    pub(super) fn fit<T: Element>(
        &mut self,
        task: &Task<'_>,
        folds: &[LinearFold<'_, T>],
    ) -> Result<Vec<Vec<Unit>>> {
        let known = task.known(self.setting, self.log);
        // One fit needs nothing of another.
        let keeps = task.n_steps() > 1 && !task.path.is_closed_form();
        let starts = self.starts.filter(|_| keeps);
        // What another run has left is none of this one's business.
        let left = starts.filter(|_| self.setting.plan.resume);
        let mut begins = Vec::new();
        // Rows that were kept, but not written.
        let mut kept: Vec<(usize, usize, Vec<String>)> = Vec::new();
        for (fold, known) in known.iter().enumerate() {
            let found = left.and_then(|starts| starts.read(&task.question(self.setting, fold, 0)));
            let missing = known.iter().position(Option::is_none);
            let Some(missing) = missing else {
                begins.push(PathStart {
                    done: known.len(),
                    parameters: None,
                });
                continue;
            };
            let (begin, row) = self.begin(task, fold, missing, found, keeps);
            if let Some(row) = row {
                kept.push((fold, missing, row));
            }
            begins.push(begin);
        }
        let mut places = vec![vec![None; task.n_steps()]; known.len()];
        let mut n_places = 0;
        for (fold, step) in task.path.order(known.len()) {
            if known[fold][step].is_none() {
                places[fold][step] = Some(n_places);
                n_places += 1;
            }
        }
        let mut queue = Queue::new(self.log);
        for (fold, step, row) in kept {
            if let Some(place) = places[fold][step].take() {
                queue.push(place, row)?;
                self.progress.add(task.folds[fold].1);
            }
        }
        let watch = Watch {
            setting: self.setting,
            task,
            starts,
            places,
            progress: self.progress,
            started: Mutex::new(vec![None; known.len()]),
            queue: Mutex::new(Ok(queue)),
        };
        let fitted = task.path.fit(folds, &begins, &watch);
        watch
            .queue
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)?;
        match fitted {
            Err(LinearError::Cancelled) => return Err(Interrupted.into()),
            fitted => fitted?,
        }
        if let Some(starts) = starts {
            for fold in 0..folds.len() {
                starts.remove(&task.question(self.setting, fold, 0));
            }
        }
        let known = task.known(self.setting, self.log);
        let whole = known
            .into_iter()
            .map(|of_fold| of_fold.into_iter().flatten().collect());
        Ok(whole.collect())
    }

    /// Where a fold goes on whose first `missing` units are known, and the row of a unit that was finished but not
    /// written.
    fn begin(
        &mut self,
        task: &Task<'_>,
        fold: usize,
        missing: usize,
        found: Option<Start>,
        keeps: bool,
    ) -> (PathStart, Option<Vec<String>>) {
        let is_of = |start: &Start, step: usize| {
            super::unit::key(&start.row)
                == super::unit::key(&task.question(self.setting, fold, step))
        };
        if let Some(start) = found {
            let unwritten = is_of(&start, missing) && Unit::read(&start.row).is_some();
            if unwritten || (missing > 0 && is_of(&start, missing - 1)) {
                let done = missing + usize::from(unwritten);
                let begin = PathStart {
                    done,
                    parameters: Some(start.parameters),
                };
                return (begin, unwritten.then_some(start.row));
            }
        }
        if keeps {
            self.again += missing;
        }
        (PathStart::default(), None)
    }
}

/// Hears of each fit.
struct Watch<'w, 'l, 'a> {
    setting: &'w Setting<'w>,
    task: &'w Task<'w>,
    starts: Option<&'w Starts>,
    /// Of each fold the place of each step among the rows that are missing; `None`: it is there.
    places: Vec<Vec<Option<usize>>>,
    progress: &'w Sweep,
    started: Mutex<Vec<Option<Instant>>>,
    /// Or what went wrong.
    queue: Mutex<Result<Queue<'l, 'a>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch<'_, '_, '_> {
    fn finish(&self, fold: usize, step: usize, fit: &FoldFit, seconds: f64) -> Result<()> {
        let Some(place) = self.places[fold][step] else {
            return Ok(());
        };
        let question = self.task.question(self.setting, fold, step);
        let row = row(&question, &Unit::new(fit, seconds));
        if let Some(starts) = self.starts {
            let start = Start {
                row: row.clone(),
                parameters: fit.parameters.clone(),
            };
            starts.write(&self.task.question(self.setting, fold, 0), &start)?;
        }
        if let Ok(queue) = &mut *lock(&self.queue) {
            queue.push(place, row)?;
        }
        self.progress.add(self.task.folds[fold].1);
        Ok(())
    }
}

impl Monitor for Watch<'_, '_, '_> {
    fn progress(&self, _: u64, _: u64) {
        self.progress.tick();
    }

    fn cancelled(&self) -> bool {
        interrupted() || lock(&self.queue).is_err()
    }
}

impl PathMonitor for Watch<'_, '_, '_> {
    fn begins(&self, fold: usize, _: usize) {
        lock(&self.started)[fold] = Some(Instant::now());
    }

    fn finished(&self, fold: usize, step: usize, fit: &FoldFit) {
        let seconds = lock(&self.started)[fold]
            .replace(Instant::now())
            .map_or(0.0, |started| started.elapsed().as_secs_f64());
        if let Err(error) = self.finish(fold, step, fit, seconds) {
            *lock(&self.queue) = Err(error);
        }
    }
}
