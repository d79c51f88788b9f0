//! `nearplane difficulties`: how much each difficulty of the synthetic images, and each perturbation of the
//! evaluated ones, costs the nearest neighbour.

mod knobs;
mod perturbations;
mod picture;
mod report;
mod work;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use nearplane_models::metrics::Accuracy;
use nearplane_models::neighbors::{KNeighborsConfig, KNeighborsParams, Metric};
use nearplane_synth::{Knob, Ladder, SynthParams};

pub(crate) use self::report::COLUMNS;
use self::work::Work;
use super::knn::task::Task;
use super::{now, object};
use crate::data_source::{self, Opened};
use crate::hash::data_hash;
use crate::looks::{self, Look};
use crate::output::Report;
use crate::pending::{PendingFile, refuse_inside_data};
use crate::plan::{DifficultiesPlan, On, Settings};
use crate::progress::{Progress, check_interrupt};

/// One difficulty alone, at each strength.
struct KnobRow {
    knob: Knob,
    results: Vec<(SynthParams, Accuracy)>,
}

/// One perturbation, at each rung of its ladder.
struct PerturbationRow {
    ladder: Ladder,
    results: Vec<Accuracy>,
}

/// Everything that was found out.
struct Outcome {
    knobs: Vec<KnobRow>,
    unperturbed: Accuracy,
    perturbations: Vec<PerturbationRow>,
    n_train: usize,
    n_eval: usize,
    /// Of all labels, in the order in which they were predicted.
    answer: String,
    knobs_s: f64,
    perturbations_s: f64,
    /// Empty where no record is written.
    hash: String,
    looks: Option<usize>,
}

/// Measures, draws and reports.
pub(crate) fn run(plan: &DifficultiesPlan, settings: &Settings) -> Result<Report> {
    let start = |path: &PathBuf| PendingFile::create(path, settings.force);
    let mut picture = plan.picture.as_ref().map(start).transpose()?;
    let mut knobs_picture = plan.knobs_picture.as_ref().map(start).transpose()?;

    let opened = data_source::open(&plan.source, settings)?;
    let task = Task::of_images(plan.on, &opened, settings)?;
    let outputs = [&plan.picture, &plan.knobs_picture, &settings.results];
    for path in outputs.into_iter().flatten() {
        refuse_inside_data(opened.folder(), path)?;
    }
    check_interrupt()?;

    let (n_train, n_eval) = (task.train.len(), task.truth.len());
    let mut work = Work::new(
        knobs::size(&plan.textbook) + perturbations::size(n_train, n_eval),
        Progress::new("measuring", settings.quiet),
    );
    let started = Instant::now();
    let knobs = knobs::measure(plan, settings, &mut work)?;
    let knobs_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let (unperturbed, perturbations) = perturbations::measure(plan, settings, &task, &mut work)?;
    let perturbations_s = started.elapsed().as_secs_f64();

    if let Some(file) = &mut picture {
        picture::of_perturbations(plan.on, settings.seed, &task, file)?;
    }
    if let Some(file) = &mut knobs_picture {
        picture::of_knobs(&plan.textbook, file)?;
    }
    let mut outcome = Outcome {
        knobs,
        unperturbed,
        perturbations,
        n_train,
        n_eval,
        answer: work.finish(),
        knobs_s,
        perturbations_s,
        hash: String::new(),
        looks: None,
    };
    // The log of looks is a record, too.
    if settings.wants_record() || (plan.on == On::Test && opened.folder().is_some()) {
        outcome.hash = data_hash(&opened.data);
    }

    // From here on the data is not touched any more; nothing was shown yet.
    opened.data.verify_unchanged()?;
    check_interrupt()?;
    let pictures = [picture, knobs_picture];
    settings
        .outputs
        .place(pictures.into_iter().flatten().collect())?;
    if plan.on == On::Test {
        outcome.looks = log_look(plan, settings, &opened, &outcome);
    }
    Ok(outcome.report(plan, settings, &opened))
}

fn log_look(
    plan: &DifficultiesPlan,
    settings: &Settings,
    opened: &Opened,
    outcome: &Outcome,
) -> Option<usize> {
    let mut configuration = format!(
        "metric={} k=1 perturbations={}",
        plan.metric,
        outcome.perturbations.len()
    );
    if let Some(limit) = data_source::limit(settings, opened.data.train().len()) {
        configuration.push_str(&format!(" limit={limit}"));
    }
    let perturbed = outcome.perturbations.iter().flat_map(|row| &row.results);
    let seen: Vec<String> = std::iter::once(&outcome.unperturbed)
        .chain(perturbed)
        .map(|accuracy| accuracy.value().to_string())
        .collect();
    let look = Look {
        time: &now(),
        command: "difficulties",
        data_hash: &outcome.hash,
        settings: &configuration,
        accuracy: &seen.join(" "),
        answer: &outcome.answer,
        advice: "choose k and metric with --on val",
    };
    looks::log(opened.folder(), &look, settings.quiet)
}

/// The nearest neighbour alone decides.
const K: usize = 1;

/// What both tables are made with.
fn nearest(metric: Metric, settings: &Settings) -> Result<KNeighborsConfig> {
    let params = KNeighborsParams {
        level: settings.level,
        ..KNeighborsParams::new(K, metric)
    };
    Ok(params.check()?)
}
