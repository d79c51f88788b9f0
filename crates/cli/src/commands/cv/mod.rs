//! `nearplane cv knn`: every k in every fold of the training rows, a metric at a time, each written when done.

mod plot;
mod record;
mod sweep;

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use nearplane_cifar::SplitName;
use nearplane_models::features::FeatureBlock;
use nearplane_models::neighbors::{Element, Rows};
use nearplane_models::selection::Folds;

pub(crate) use self::record::COLUMNS;
use self::record::{Finished, Setting};
use self::sweep::Sweep;
use super::knn::input::Input;
use super::knn::task::{rows, widen};
use crate::csv_log;
use crate::data_source;
use crate::failure::{Interrupted, Kept};
use crate::feature_matrix::FeatureMatrix;
use crate::matrices::Tables;
use crate::output::{Report, note};
use crate::pending::PendingFile;
use crate::plan::{CvKnnPlan, Settings};
use crate::progress::{Progress, Stage, check_interrupt};

/// Opens, searches once a metric, writes and reports.
pub(crate) fn run(plan: &CvKnnPlan, settings: &Settings) -> Result<Report> {
    let start = |path| PendingFile::create(path, settings.force);
    let plot = plan.plot.as_deref().map(start).transpose()?;
    let started = Instant::now();
    let input = Input::open(&plan.input, settings)?;
    for path in [&plan.plot, &settings.results].into_iter().flatten() {
        input.refuse_as_output(path)?;
    }
    let run = Run {
        plan,
        settings,
        input: &input,
        started,
        plot,
    };
    match &input {
        Input::Images(opened, _) => {
            let images = opened.data.train();
            let labels = widen(images.labels());
            match &plan.features {
                None => run.finish(rows(images)?, labels, None),
                Some(choice) => {
                    let of = &opened.data;
                    let matrix = FeatureMatrix::of(of, SplitName::Train, choice, settings)?;
                    let blocks = choice.extractor.blocks();
                    // One block stays as it is.
                    let scaled = (blocks.len() > 1).then_some((&matrix, blocks));
                    run.finish(matrix.rows()?, labels, scaled)
                }
            }
        }
        Input::Matrices(matrices) => match &matrices.tables {
            Tables::U8(pair) => run.finish(pair.train.rows()?, pair.train.labels.clone(), None),
            Tables::F32(pair) => run.finish(pair.train.rows()?, pair.train.labels.clone(), None),
        },
    }
}

/// Features of several blocks, which are brought to one length by the rows that fit.
type Scaled<'a> = (&'a FeatureMatrix, &'a [FeatureBlock]);

/// A run whose data are open.
struct Run<'a> {
    plan: &'a CvKnnPlan,
    settings: &'a Settings,
    input: &'a Input,
    started: Instant,
    plot: Option<PendingFile>,
}

impl Run<'_> {
    fn finish<T: Element>(
        self,
        mut rows: Rows<'_, T>,
        mut labels: Vec<u32>,
        scaled: Option<Scaled<'_>>,
    ) -> Result<Report> {
        let (plan, settings) = (self.plan, self.settings);
        if let Some(limit) = settings.limit {
            labels.truncate(limit);
            rows = rows.limit(limit);
        }
        let splits = plan.folding.folds(&labels, settings.split_seed)?;
        let ks = usable(plan, labels.len(), &splits)?;
        let setting = Setting {
            plan,
            source: self.input.source().to_owned(),
            labels: self.input.labels_name(),
            limit: data_source::limit(settings, self.input.lens().0),
            split_seed: settings.split_seed,
            simd: settings.level.name(),
            n_rows: labels.len(),
            hash: if settings.wants_record() {
                self.input.hash()
            } else {
                String::new()
            },
        };
        let present = match &settings.results {
            Some(path) if plan.resume => csv_log::rows(path, settings.quiet)?,
            _ => Vec::new(),
        };
        let sweep = Sweep {
            plan,
            settings,
            rows,
            labels: &labels,
            splits: &splits,
            ks: &ks,
            scaled,
        };
        let mut finished: Vec<Finished> = Vec::new();
        let known = plan.metrics.iter();
        let known: Vec<_> = known
            .map(|&metric| setting.known(metric, &ks, &present))
            .collect();
        let is_open = |known: &&Vec<Option<Finished>>| known.iter().any(Option::is_none);
        let n_open = known.iter().filter(is_open).count();
        let mut n_searched = 0;
        let progress = Progress::new("searching", settings.quiet);
        for (&metric, known) in plan.metrics.iter().zip(known) {
            check_interrupt().map_err(|error| self.stopped(error))?;
            if known.iter().all(Option::is_some) {
                let text = format!("{metric}: taken from the file of results");
                progress.aside(|| note(settings.quiet, &text));
                finished.extend(known.into_iter().flatten());
                continue;
            }
            let stage = Stage {
                of: &progress,
                index: n_searched,
                count: n_open,
            };
            n_searched += 1;
            let found = sweep
                .run(metric, &stage)
                .map_err(|error| self.stopped(error))?;
            self.input.verify_unchanged()?;
            let mut missing = Vec::new();
            for (found, known) in found.into_iter().zip(known) {
                if known.is_none() {
                    missing.push(record::row(&setting, &found));
                }
                finished.push(known.unwrap_or(found));
            }
            if let Some(path) = &settings.results {
                csv_log::append(path, &COLUMNS, &missing)?;
            }
        }
        if let Some(mut file) = self.plot {
            let cannot = file.cannot_write();
            let svg = plot::of(&finished).to_svg();
            file.write_all(svg.as_bytes()).context(cannot)?;
            settings.outputs.place(vec![file])?;
        }
        let data = self.input.record(&setting.hash);
        let seconds = self.started.elapsed().as_secs_f64();
        Ok(record::report(&setting, data, &finished, seconds))
    }
}

impl Run<'_> {
    /// The end that Ctrl-C brings: what is done is kept already.
    fn stopped(&self, error: anyhow::Error) -> anyhow::Error {
        match &self.settings.results {
            Some(path) if error.is::<Interrupted>() && path.exists() => Kept {
                done: "each metric that was finished".to_owned(),
                checkpoint: path.clone(),
            }
            .into(),
            _ => error,
        }
    }
}

/// The list of k; without those that nobody asked for and that these folds cannot answer.
fn usable(plan: &CvKnnPlan, n: usize, splits: &[Folds]) -> Result<Vec<usize>> {
    let largest = splits
        .iter()
        .flat_map(Folds::sizes)
        .max()
        .unwrap_or_default();
    let n_train = n - largest;
    let mut ks = plan.k.clone();
    if plan.k_by_default {
        ks.retain(|&k| k <= n_train.max(1));
    }
    if let Some(k) = ks.iter().find(|&&k| k > n_train) {
        bail!("k is {k}, but only {n_train} rows are outside of a fold; give a smaller --k");
    }
    Ok(ks)
}
