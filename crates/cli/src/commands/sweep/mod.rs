//! `nearplane cv linear` and `nearplane tune`: linear models in folds or on the validation split, each a row of
//! `--results` as soon as it is fitted.

mod command_line;
mod engine;
mod log;
mod report;
mod rounds;
mod starts;
mod unit;

use std::ops::Range;
use std::time::Instant;

use anyhow::{Context as _, Result};
use nearplane_cifar::SplitName;
use nearplane_models::neighbors::{Element, Rows};
use nearplane_models::selection::{LinearFold, Split, stratified_sample, stratified_split};

use self::engine::{Engine, Job, Task};
use self::log::Log;
use self::report::{Outcome, Tried};
use self::starts::Starts;
pub(crate) use self::unit::COLUMNS;
use self::unit::{FoldName, Setting, Unit};
use super::knn::input::Input;
use super::knn::task::{VALIDATION, rows, widen};
use super::train::classes;
use crate::data_source;
use crate::failure::{Interrupted, Kept};
use crate::feature_matrix::FeatureMatrix;
use crate::matrices::Tables;
use crate::output::{Report, note};
use crate::plan::{Settings, SweepPlan};
use crate::progress::{Sweep, check_interrupt};

/// Opens, fits, writes and reports.
pub(crate) fn run(plan: &SweepPlan, settings: &Settings) -> Result<Report> {
    let started = Instant::now();
    let input = Input::open(&plan.input, settings)?;
    if let Some(path) = &settings.results {
        input.refuse_as_output(path)?;
    }
    let (mut labels, names, n_eval) = match &input {
        Input::Images(opened, _) => {
            let names = opened.data.class_names();
            (widen(opened.data.train().labels()), Some(names), None)
        }
        Input::Matrices(matrices) => {
            let (labels, eval) = match &matrices.tables {
                Tables::U8(pair) => (&pair.train.labels, pair.eval.as_ref().map(|t| &t.labels)),
                Tables::F32(pair) => (&pair.train.labels, pair.eval.as_ref().map(|t| &t.labels)),
            };
            (labels.clone(), None, eval.map(Vec::len))
        }
    };
    if let Some(limit) = settings.limit {
        labels.truncate(limit);
    }
    let n_classes = classes(&labels, names)?.len();
    let folds = folds(plan, &labels, n_eval.is_some(), settings)?;
    let setting = Setting {
        plan,
        schema: if plan.tunes {
            "nearplane/tune/1"
        } else {
            "nearplane/cv-linear/1"
        },
        source: input.source().to_owned(),
        labels: input.labels_name(),
        limit: data_source::limit(settings, input.lens().0),
        split_seed: settings.split_seed,
        seed: settings.seed,
        simd: settings.level.name(),
        n_rows: labels.len(),
        judged_by: match (&plan.folding, n_eval) {
            (Some(_), _) => "folds",
            (None, Some(_)) => "x-eval",
            (None, None) => "val",
        },
        hash: if settings.wants_record() {
            input.hash()
        } else {
            String::new()
        },
    };
    let results = settings.results.as_deref();
    let mut log = Log::open(results, plan.resume, settings.quiet)?;
    let starts = results.map(Starts::beside);
    let specs = specs(plan, &input);
    let rounds = rounds::Rounds::new(plan, &folds, n_classes)?;
    let progress = Sweep::new("fitting", rounds.cost(&folds), settings.quiet);
    let mut run = Run {
        plan,
        settings,
        input: &input,
        labels: &labels,
        n_classes,
        folds: &folds,
        specs: &specs,
        engine: Engine {
            setting: &setting,
            log: &mut log,
            starts: starts.as_ref(),
            progress: &progress,
            again: 0,
        },
        n_known: 0,
        n_units: 0,
    };
    let tried = match rounds.run(&mut run) {
        Err(error) if error.is::<Interrupted>() => return Err(run.stopped(error)),
        tried => tried?,
    };
    let (n_known, n_units, again) = (run.n_known, run.n_units, run.engine.again);
    drop(progress);
    input.verify_unchanged()?;
    if let Some(starts) = &starts {
        starts.close();
    }
    if n_known > 0 {
        note(
            settings.quiet,
            &format!("{n_known} of {n_units} fits are taken from the file of results"),
        );
    }
    if again > 0 {
        note(
            settings.quiet,
            &format!("{again} of them had to be fitted again, to begin others with"),
        );
    }
    let outcome = Outcome {
        plan,
        setting: &setting,
        data: input.record(&setting.hash),
        specs: &specs,
        tried,
        n_known,
        seconds: started.elapsed().as_secs_f64(),
        command: command_line::Facts {
            plan,
            settings,
            limit: setting.limit,
        },
    };
    outcome.warn(settings.quiet);
    Ok(outcome.report())
}

/// The sets of features in full; `None` for own matrices.
fn specs(plan: &SweepPlan, input: &Input) -> Vec<Option<String>> {
    let spec = |choice: &Option<crate::plan::FeatureChoice>| match (input, choice) {
        (Input::Matrices(_), _) => None,
        (Input::Images(..), None) => Some("raw".to_owned()),
        (Input::Images(..), Some(choice)) => Some(choice.extractor.spec().to_string()),
    };
    plan.features.iter().map(spec).collect()
}

/// Rows that fit and rows that judge; none that judge where those have a matrix of their own.
pub(super) struct Fold {
    name: Option<FoldName>,
    train: Vec<u32>,
    validation: Vec<u32>,
}

fn folds(
    plan: &SweepPlan,
    labels: &[u32],
    has_eval: bool,
    settings: &Settings,
) -> Result<Vec<Fold>> {
    let fold = |name, split: Split| Fold {
        name,
        train: split.train,
        validation: split.validation,
    };
    let Some(folding) = plan.folding else {
        if has_eval {
            return Ok(vec![Fold {
                name: None,
                train: (0..labels.len() as u32).collect(),
                validation: Vec::new(),
            }]);
        }
        let split = stratified_split(labels, VALIDATION, settings.split_seed).context(
            "cannot set aside a tenth of the training rows; give more rows, or a larger --limit",
        )?;
        return Ok(vec![fold(None, split)]);
    };
    let repeats = folding.folds(labels, settings.split_seed)?;
    let all = repeats.iter().enumerate().flat_map(|(repeat, folds)| {
        (0..folds.n_folds()).map(move |number| {
            let name = FoldName {
                repeat,
                fold: number,
            };
            fold(Some(name), folds.split(number))
        })
    });
    Ok(all.collect())
}

/// A run whose data are open.
pub(super) struct Run<'r, 'a> {
    plan: &'r SweepPlan,
    settings: &'r Settings,
    input: &'r Input,
    labels: &'r [u32],
    n_classes: usize,
    folds: &'r [Fold],
    specs: &'r [Option<String>],
    engine: Engine<'r, 'a>,
    /// Units that were taken from the file of results, and all so far.
    n_known: usize,
    n_units: usize,
}

impl Run<'_, '_> {
    /// Of each job what came out, for each step in each fold. Jobs with the same features stand together.
    fn all(&mut self, jobs: &[Job]) -> Result<Vec<Tried>> {
        let mut tried = Vec::new();
        for group in jobs.chunk_by(|a, b| a.features == b.features) {
            let mut open: Vec<&Job> = Vec::new();
            for job in group {
                let names = self.names(job);
                let known = self
                    .task(job, &names)
                    .known(self.engine.setting, self.engine.log);
                let n_known = known.iter().flatten().filter(|unit| unit.is_some()).count();
                self.n_known += n_known;
                self.n_units += names.len() * job.path.configs().len();
                for (known, name) in known.iter().zip(&names) {
                    let n = known.iter().filter(|unit| unit.is_some()).count();
                    self.engine.progress.skip(n * name.1);
                }
                if n_known < names.len() * job.path.configs().len() {
                    open.push(job);
                } else if let Some(starts) = self.engine.starts {
                    // A run that was killed between its last row and its end.
                    let task = self.task(job, &names);
                    for fold in 0..names.len() {
                        starts.remove(&task.question(self.engine.setting, fold, 0));
                    }
                }
            }
            if !open.is_empty() {
                self.fit_group(&open)?;
                self.input.verify_unchanged()?;
            }
            for job in group {
                let names = self.names(job);
                let known = self
                    .task(job, &names)
                    .known(self.engine.setting, self.engine.log);
                let units: Vec<Vec<Unit>> = known
                    .into_iter()
                    .map(|of_fold| of_fold.into_iter().flatten().collect())
                    .collect();
                tried.extend(Tried::of_path(job, &names, &units));
            }
        }
        Ok(tried)
    }

    fn task<'t>(&'t self, job: &'t Job, names: &'t [(Option<FoldName>, usize)]) -> Task<'t> {
        Task {
            path: &job.path,
            features: &self.specs[job.features],
            is_sample: job.n_rows.is_some(),
            folds: names,
        }
    }

    /// The name of each fold, and how many rows fit it.
    fn names(&self, job: &Job) -> Vec<(Option<FoldName>, usize)> {
        let name = |fold: &Fold| {
            let all = fold.train.len();
            (fold.name, job.n_rows.map_or(all, |n| n.min(all)))
        };
        self.folds.iter().map(name).collect()
    }

    /// Jobs with the same features.
    fn fit_group(&mut self, jobs: &[&Job]) -> Result<()> {
        check_interrupt()?;
        let input = self.input;
        match input {
            Input::Images(opened, _) => match &self.plan.features[jobs[0].features] {
                None => self.fit_rows(rows(opened.data.train())?, None, &[], jobs),
                Some(choice) => {
                    let of = &opened.data;
                    let matrix = FeatureMatrix::of(of, SplitName::Train, choice, self.settings)?;
                    let blocks = choice.extractor.blocks().iter();
                    let raw = blocks.filter(|block| block.spec == "raw");
                    let raw: Vec<Range<usize>> = raw.map(|block| block.columns.clone()).collect();
                    self.fit_rows(matrix.rows()?, None, &raw, jobs)
                }
            },
            Input::Matrices(matrices) => match &matrices.tables {
                Tables::U8(pair) => {
                    let eval = pair.eval.as_ref();
                    let eval = eval
                        .map(|table| Ok::<_, anyhow::Error>((table.rows()?, &table.labels[..])));
                    self.fit_rows(pair.train.rows()?, eval.transpose()?, &[], jobs)
                }
                Tables::F32(pair) => {
                    let eval = pair.eval.as_ref();
                    let eval = eval
                        .map(|table| Ok::<_, anyhow::Error>((table.rows()?, &table.labels[..])));
                    self.fit_rows(pair.train.rows()?, eval.transpose()?, &[], jobs)
                }
            },
        }
    }

    fn fit_rows<T: Element>(
        &mut self,
        rows: Rows<'_, T>,
        eval: Option<(Rows<'_, T>, &[u32])>,
        raw_columns: &[Range<usize>],
        jobs: &[&Job],
    ) -> Result<()> {
        let rows = rows.limit(self.labels.len());
        for same in jobs.chunk_by(|a, b| a.n_rows == b.n_rows) {
            let mut folds = Vec::new();
            for (number, fold) in self.folds.iter().enumerate() {
                let made = self.fold(fold, same[0].n_rows, &rows, eval.as_ref(), raw_columns);
                let n = self.folds.len();
                folds.push(made.with_context(|| match fold.name {
                    Some(_) => format!("fold {} of {n}", number + 1),
                    None => "the rows that fit".to_owned(),
                })?);
            }
            for job in same {
                let names = self.names(job);
                let features = &self.specs[job.features];
                let task = Task {
                    path: &job.path,
                    features,
                    is_sample: job.n_rows.is_some(),
                    folds: &names,
                };
                self.engine.fit(&task, &folds)?;
            }
        }
        Ok(())
    }

    fn fold<'x, T: Element>(
        &self,
        fold: &Fold,
        n_rows: Option<usize>,
        rows: &Rows<'x, T>,
        eval: Option<&(Rows<'x, T>, &[u32])>,
        raw_columns: &[Range<usize>],
    ) -> Result<LinearFold<'x, T>> {
        let level = self.settings.level;
        let mut train = fold.train.clone();
        let of = |rows: &[u32]| -> Vec<u32> {
            rows.iter().map(|&row| self.labels[row as usize]).collect()
        };
        if let Some(n_rows) = n_rows.filter(|&n| n < train.len()) {
            let sample = stratified_sample(&of(&train), n_rows, self.settings.seed)?;
            train = sample.into_iter().map(|at| train[at as usize]).collect();
        }
        let train = (rows.select(train.clone())?, of(&train));
        let validation = match eval {
            Some((rows, labels)) => (rows.clone(), labels.to_vec()),
            None => (rows.select(fold.validation.clone())?, of(&fold.validation)),
        };
        let fold = LinearFold::new(level, train, validation, self.n_classes, raw_columns);
        Ok(fold?)
    }

    /// The end that Ctrl-C brings: what is done is kept already.
    fn stopped(&self, error: anyhow::Error) -> anyhow::Error {
        match &self.settings.results {
            Some(path) if path.exists() => Kept {
                done: "each fit that was finished".to_owned(),
                checkpoint: path.clone(),
            }
            .into(),
            _ => error,
        }
    }
}
