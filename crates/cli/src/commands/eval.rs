//! `nearplane eval`: a fitted model on rows that it has not seen, judged class by class.

pub(crate) mod confusion;
mod judgement;
mod target;

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use nearplane_models::metrics::{Accuracy, ConfusionMatrix};
use serde_json::json;

use self::target::Target;
use super::knn::input::Input;
use super::{now, object};
use crate::answer::answer;
use crate::data_source;
use crate::fitted::Fitted;
use crate::looks::{self, Look};
use crate::output::{Report, cell, counted, max_rss_bytes, seconds};
use crate::pending::PendingFile;
use crate::plan::{EvalPlan, On, Settings};
use crate::progress::check_interrupt;

/// Columns of `--results`.
pub(crate) const COLUMNS: [&str; 33] = [
    "schema",
    "time",
    "version",
    "data_source",
    "data_hash",
    "data_n_train",
    "data_n_test",
    "labels",
    "on",
    "limit",
    "split_seed",
    "n_eval",
    "model",
    "features",
    "loss",
    "penalty",
    "lambda",
    "solver",
    "model_data_hash",
    "model_n_train",
    "simd",
    "threads",
    "features_s",
    "predict_s",
    "accuracy",
    "ci95_lo",
    "ci95_hi",
    "correct",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "answer",
    "looks",
];

const SCHEMA: &str = "nearplane/eval/1";

/// Opens, predicts, judges, writes the file and reports.
pub(crate) fn run(plan: &EvalPlan, settings: &Settings) -> Result<Report> {
    let start = |path| PendingFile::create(path, settings.force);
    let mut predictions = plan.predictions.as_deref().map(start).transpose()?;
    let mut plot = plan.confusion.as_deref().map(start).transpose()?;
    let fitted = Fitted::open(&plan.model)?;
    let started = Instant::now();
    let input = Input::open(&plan.input, settings)?;
    let open_s = started.elapsed().as_secs_f64();
    let outputs = [&plan.predictions, &plan.confusion, &settings.results];
    for path in outputs.into_iter().flatten() {
        input.refuse_as_output(path)?;
    }
    check_interrupt()?;
    // Whether the model has seen the rows is a question about the data as a whole.
    let hash = match plan.on {
        On::Test if !settings.wants_record() && input.folder().is_none() => String::new(),
        _ => input.hash(),
    };
    let target = Target::predicted(plan.on, &fitted, &input, &hash, settings)?;
    let matrix = ConfusionMatrix::new(
        &target.predicted,
        &target.truth,
        fitted.file.model.n_classes(),
    );
    if let Some(file) = &mut predictions {
        let cannot = file.cannot_write();
        write_predictions(file, &target).context(cannot)?;
    }
    if let Some(file) = &mut plot {
        let names = &fitted.file.classes;
        let drawn = confusion::plot(&matrix, names, |truth, taken| {
            example(&input, &target, truth, taken)
        });
        let cannot = file.cannot_write();
        file.write_all(drawn.to_svg().as_bytes()).context(cannot)?;
    }

    // From here on the data is not touched any more; nothing was shown yet.
    input.verify_unchanged()?;
    check_interrupt()?;
    let files = [predictions, plot].into_iter().flatten();
    settings.outputs.place(files.collect())?;
    let mut outcome = Outcome {
        fitted: &fitted,
        input: &input,
        hash,
        open_s,
        accuracy: matrix.accuracy(),
        matrix,
        answer: answer(std::slice::from_ref(&target.predicted)),
        target,
        looks: None,
    };
    if plan.on == On::Test {
        outcome.looks = outcome.log_look(settings);
    }
    Ok(outcome.report(plan, settings))
}

/// The first image of a class that was taken for another; rows of own matrices are no images.
fn example<'a>(input: &'a Input, target: &Target, truth: u32, taken: u32) -> Option<&'a [u8]> {
    let Input::Images(opened, _) = input else {
        return None;
    };
    let mut pairs = target.truth.iter().zip(&target.predicted);
    let row = pairs.position(|(&t, &p)| (t, p) == (truth, taken))?;
    Some(match &target.positions {
        Some(positions) => opened.data.train().image(positions[row] as usize),
        None => opened.data.test().image(row),
    })
}

/// A row each: its position in the training set (`--on val`) or in its own rows, its true label, and the predicted one.
fn write_predictions(file: &mut PendingFile, target: &Target) -> Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(["index", "truth", "predicted"])?;
    for (row, (truth, predicted)) in target.truth.iter().zip(&target.predicted).enumerate() {
        let position = target.positions.as_ref().map_or(row as u32, |all| all[row]);
        writer.write_record([position, *truth, *predicted].map(|number| number.to_string()))?;
    }
    writer.flush()?;
    Ok(())
}

/// Everything that was found out.
struct Outcome<'a> {
    fitted: &'a Fitted,
    input: &'a Input,
    /// Empty where nobody asks.
    hash: String,
    open_s: f64,
    target: Target,
    matrix: ConfusionMatrix,
    accuracy: Accuracy,
    answer: String,
    looks: Option<usize>,
}

impl Outcome<'_> {
    fn log_look(&self, settings: &Settings) -> Option<usize> {
        let model = &self.fitted.file;
        let configuration = format!(
            "model={} features={} loss={} penalty={} lambda={} solver={}",
            self.fitted.name(),
            self.fitted.spec().unwrap_or_default(),
            model.model.loss(),
            model.training.penalty,
            model.training.lambda,
            model.training.solver,
        );
        let look = Look {
            time: &now(),
            command: "eval",
            data_hash: &self.hash,
            settings: &configuration,
            accuracy: &self.accuracy.value().to_string(),
            answer: &self.answer,
            advice: "choose a model by its validation accuracy",
        };
        looks::log(self.input.folder(), &look, settings.quiet)
    }

    fn report(&self, plan: &EvalPlan, settings: &Settings) -> Report {
        let Outcome {
            fitted,
            input,
            target,
            matrix,
            accuracy,
            ..
        } = self;
        let names = &fitted.file.classes;
        let (model, training) = (&fitted.file.model, &fitted.file.training);
        let threads = rayon::current_num_threads();
        let (low, high) = accuracy.wilson_95();
        let mean = matrix.macro_averages();
        let (data_n_train, data_n_test) = input.lens();
        let limit = data_source::limit(settings, data_n_train);
        let record = object(json!({
            "schema": SCHEMA,
            "data": input.record(&self.hash),
            "labels": input.labels_name(),
            "on": plan.on.name(),
            "limit": limit,
            "split_seed": settings.split_seed,
            "n_eval": target.truth.len(),
            "model": fitted.record(),
            "simd": settings.level.name(),
            "threads": threads,
            "mmap": input.is_mapped(settings),
            "open_s": self.open_s,
            "features_s": target.features_s,
            "predict_s": target.predict_s,
            "accuracy": accuracy.value(),
            "ci95": [low, high],
            "correct": accuracy.correct,
            "classes": judgement::per_class(matrix, names),
            "macro": judgement::averages(mean),
            "confusion": judgement::confusion(matrix),
            "answer": self.answer,
            "looks": self.looks,
            "max_rss_bytes": max_rss_bytes(),
        }));
        let row = vec![
            SCHEMA.to_owned(),
            now(),
            env!("CARGO_PKG_VERSION").to_owned(),
            input.source().to_owned(),
            self.hash.clone(),
            data_n_train.to_string(),
            data_n_test.to_string(),
            cell(input.labels_name()),
            plan.on.name().to_owned(),
            cell(limit),
            settings.split_seed.to_string(),
            target.truth.len().to_string(),
            fitted.name(),
            cell(fitted.spec()),
            model.loss().to_string(),
            training.penalty.to_string(),
            training.lambda.to_string(),
            training.solver.clone(),
            training.data.clone(),
            training.rows.to_string(),
            settings.level.name().to_owned(),
            threads.to_string(),
            cell(target.features_s),
            target.predict_s.to_string(),
            accuracy.value().to_string(),
            low.to_string(),
            high.to_string(),
            accuracy.correct.to_string(),
            cell(mean.map(|mean| mean.precision)),
            cell(mean.map(|mean| mean.recall)),
            cell(mean.map(|mean| mean.f1)),
            self.answer.clone(),
            cell(self.looks),
        ];
        Report {
            record,
            text: self.text(plan, settings, threads),
            rows: vec![row],
        }
    }

    fn text(&self, plan: &EvalPlan, settings: &Settings, threads: usize) -> String {
        let names = &self.fitted.file.classes;
        let row_word = self.input.row_word();
        let (low, high) = self.accuracy.wilson_95();
        let features = match self.target.features_s {
            Some(s) => format!("features {}, ", seconds(s)),
            None => String::new(),
        };
        format!(
            "{}\n{}: {}\n\naccuracy {:.4}, 95 % interval {low:.4} to {high:.4}, {} of {} correct\n\n{}\n{}\n\
             {features}predict {}: {}, {}\n",
            self.fitted.described(),
            self.input.source(),
            counted(
                self.target.truth.len(),
                &format!("{} {row_word}", plan.on.adjective())
            ),
            self.accuracy.value(),
            self.accuracy.correct,
            self.accuracy.total,
            judgement::per_class_table(&self.matrix, names, row_word),
            judgement::confusion_table(&self.matrix, names),
            seconds(self.target.predict_s),
            settings.level.name(),
            counted(threads, "thread"),
        )
    }
}
