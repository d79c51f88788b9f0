//! `nearplane knn`: fit, search, vote and evaluate, for every k from one pass.

mod features;
pub(crate) mod input;
mod picture;
mod tally;
pub(crate) mod task;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use nearplane_models::metrics::{Accuracy, accuracy};
use nearplane_models::neighbors::{Effort, Element, KNeighborsParams, Votes};
use serde_json::json;

use self::features::ImageFeatures;
use self::input::Input;
use self::tally::Tally;
use self::task::Task;
use super::features::blocks;
use super::{now, object};
use crate::answer::{Recorded, answer};
use crate::data_source;
use crate::looks::{self, Look};
use crate::matrices::Tables;
use crate::output::{Report, cell, counted, max_rss_bytes, seconds, table};
use crate::pending::PendingFile;
use crate::plan::{KnnPlan, On, Settings};
use crate::progress::{Progress, check_interrupt};

/// Columns of `--results`, a row per k.
pub(crate) const COLUMNS: [&str; 35] = [
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
    "seed",
    "split_seed",
    "n_train",
    "n_eval",
    "metric",
    "k",
    "tie",
    "weights",
    "engine",
    "simd",
    "threads",
    "mmap",
    "open_s",
    "features",
    "features_s",
    "fit_s",
    "predict_s",
    "accuracy",
    "ci95_lo",
    "ci95_hi",
    "correct",
    "answer",
    "neighbors_answer",
    "looks",
    "max_rss_bytes",
];

const SCHEMA: &str = "nearplane/knn/1";

/// Opens, fits, searches, evaluates, writes the files and reports.
pub(crate) fn run(plan: &KnnPlan, settings: &Settings) -> Result<Report> {
    let start = |path: &PathBuf| PendingFile::create(path, settings.force);
    let files = Files {
        neighbors: plan.neighbors_out.as_ref().map(start).transpose()?,
        predictions: plan.predictions.as_ref().map(start).transpose()?,
        picture: plan.neighbors.as_ref().map(start).transpose()?,
    };
    let started = Instant::now();
    let input = Input::open(&plan.input, settings)?;
    let open_s = started.elapsed().as_secs_f64();
    let outputs = [
        &plan.neighbors_out,
        &plan.predictions,
        &plan.neighbors,
        &settings.results,
    ];
    for path in outputs.into_iter().flatten() {
        input.refuse_as_output(path)?;
    }
    let run = Run {
        plan,
        settings,
        input: &input,
        open_s,
        features_s: None,
    };
    match &input {
        Input::Images(opened, _) => match &plan.features {
            None => run.finish(Task::of_images(plan.on, opened, settings)?, files),
            Some(choice) => {
                let started = Instant::now();
                let features = ImageFeatures::of(plan.on, opened, choice, settings)?;
                let features_s = started.elapsed().as_secs_f64();
                let run = Run {
                    features_s: Some(features_s),
                    ..run
                };
                run.finish(features.task(opened, settings)?, files)
            }
        },
        Input::Matrices(matrices) => match &matrices.tables {
            Tables::U8(pair) => run.finish(Task::of_matrices(pair, settings)?, files),
            Tables::F32(pair) => run.finish(Task::of_matrices(pair, settings)?, files),
        },
    }
}

/// The files to be written.
struct Files {
    neighbors: Option<PendingFile>,
    predictions: Option<PendingFile>,
    picture: Option<PendingFile>,
}

/// A run whose data are open.
struct Run<'a> {
    plan: &'a KnnPlan,
    settings: &'a Settings,
    input: &'a Input,
    open_s: f64,
    /// To compute the features, where any are asked for.
    features_s: Option<f64>,
}

impl Run<'_> {
    /// The same for every type of element.
    fn finish<T: Element<Distance: Recorded>>(
        self,
        task: Task<'_, T>,
        mut files: Files,
    ) -> Result<Report> {
        let Run {
            plan,
            settings,
            input,
            open_s,
            features_s,
        } = self;
        let n_train = task.train.len();
        let plan = &KnnPlan {
            k: usable(plan, n_train),
            ..plan.clone()
        };
        let k_max = plan.k.iter().copied().max().unwrap_or(1);
        if k_max > n_train {
            bail!("k is {k_max}, but there are only {n_train} training rows; give a smaller --k");
        }
        check_interrupt()?;

        let started = Instant::now();
        let params = KNeighborsParams {
            n_neighbors: k_max,
            metric: plan.metric,
            votes: Votes {
                weights: plan.weights,
                tie: plan.tie,
            },
            level: settings.level,
            engine: plan.engine,
        };
        let classifier = params
            .check()?
            .fit(task.train.clone(), &task.train_labels)?;
        let fit_s = started.elapsed().as_secs_f64();

        let started = Instant::now();
        let progress = Progress::new("searching", settings.quiet);
        let tally = Tally::run(
            &task,
            &classifier,
            &plan.k,
            k_max,
            files.neighbors.as_mut(),
            &progress,
        )?;
        drop(progress);
        let predict_s = started.elapsed().as_secs_f64();

        let mut outcome = Outcome {
            n_train,
            n_eval: task.truth.len(),
            engine: classifier.index().engine().name(),
            effort: tally.effort,
            open_s,
            features_s,
            fit_s,
            predict_s,
            accuracies: accuracies(&tally.predicted, &task.truth),
            answer: answer(&tally.predicted),
            neighbors_answer: tally.neighbors.hex(),
            hash: String::new(),
            looks: None,
        };
        if let Some(file) = &mut files.predictions {
            let cannot = file.cannot_write();
            write_predictions(file, &plan.k, &task, &tally.predicted).context(cannot)?;
        }
        if let (Some(file), Input::Images(opened, _)) = (&mut files.picture, input) {
            picture::draw(file, opened, &task, &classifier, &tally.predicted[0])?;
        }
        // The log of looks is a record, too.
        if settings.wants_record() || (plan.on == On::Test && input.folder().is_some()) {
            outcome.hash = input.hash();
        }

        // From here on the data is not touched any more; nothing was shown yet.
        input.verify_unchanged()?;
        check_interrupt()?;
        let files = [files.neighbors, files.predictions, files.picture];
        let files = files.into_iter().flatten();
        settings.outputs.place(files.collect())?;
        if plan.on == On::Test {
            outcome.looks = log_look(plan, settings, input, &outcome);
        }
        Ok(outcome.report(plan, settings, input))
    }
}

/// The list of k; without those that nobody asked for and that these data cannot answer.
fn usable(plan: &KnnPlan, n_train: usize) -> Vec<usize> {
    let fits = |k: &usize| !plan.k_by_default || *k <= n_train.max(1);
    plan.k.iter().copied().filter(fits).collect()
}

fn accuracies(predicted: &[Vec<u32>], truth: &[u32]) -> Vec<Accuracy> {
    let of_k = predicted.iter();
    of_k.map(|labels| accuracy(labels, truth)).collect()
}

/// A row per query: its position in the training set (`--on val`) or in its own rows, its true label, and
/// the label predicted for each k.
fn write_predictions<T>(
    file: &mut PendingFile,
    ks: &[usize],
    task: &Task<'_, T>,
    predicted: &[Vec<u32>],
) -> Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    let header = ["index".to_owned(), "truth".to_owned()];
    writer.write_record(header.into_iter().chain(ks.iter().map(|k| format!("k{k}"))))?;
    for (query, truth) in task.truth.iter().enumerate() {
        let position = task
            .query_positions
            .as_ref()
            .map_or(query as u32, |all| all[query]);
        let labels = predicted.iter().map(|labels| labels[query].to_string());
        writer.write_record(
            [position.to_string(), truth.to_string()]
                .into_iter()
                .chain(labels),
        )?;
    }
    writer.flush()?;
    Ok(())
}

fn log_look(
    plan: &KnnPlan,
    settings: &Settings,
    input: &Input,
    outcome: &Outcome,
) -> Option<usize> {
    let list = |values: Vec<String>, separator: &str| values.join(separator);
    let mut configuration = format!(
        "metric={} k={} tie={} weights={}",
        plan.metric,
        list(plan.k.iter().map(ToString::to_string).collect(), ","),
        plan.tie,
        plan.weights
    );
    if let Some(choice) = &plan.features {
        configuration.push_str(&format!(" features={}", choice.extractor.spec()));
    }
    if let Some(limit) = data_source::limit(settings, input.lens().0) {
        configuration.push_str(&format!(" limit={limit}"));
    }
    let seen = outcome
        .accuracies
        .iter()
        .map(|accuracy| accuracy.value().to_string())
        .collect();
    let look = Look {
        time: &now(),
        command: "knn",
        data_hash: &outcome.hash,
        settings: &configuration,
        accuracy: &list(seen, " "),
        answer: &outcome.answer,
        advice: "choose k and metric with --on val",
    };
    looks::log(input.folder(), &look, settings.quiet)
}

/// Everything that was found out.
struct Outcome {
    n_train: usize,
    n_eval: usize,
    engine: &'static str,
    effort: Effort,
    open_s: f64,
    features_s: Option<f64>,
    fit_s: f64,
    predict_s: f64,
    /// In the order of the list of k.
    accuracies: Vec<Accuracy>,
    answer: String,
    neighbors_answer: String,
    /// Empty where no record is written.
    hash: String,
    looks: Option<usize>,
}

impl Outcome {
    fn report(&self, plan: &KnnPlan, settings: &Settings, input: &Input) -> Report {
        let threads = rayon::current_num_threads();
        let labels = input.labels_name();
        let spec = plan
            .features
            .as_ref()
            .map(|choice| choice.extractor.spec().to_string());
        let (data_n_train, data_n_test) = input.lens();
        let mmap = input.is_mapped(settings);
        let max_rss_bytes = max_rss_bytes();
        let results: Vec<_> = plan
            .k
            .iter()
            .zip(&self.accuracies)
            .map(|(k, accuracy)| {
                let (low, high) = accuracy.wilson_95();
                json!({
                    "k": k,
                    "accuracy": accuracy.value(),
                    "ci95": [low, high],
                    "correct": accuracy.correct,
                })
            })
            .collect();
        let share = |pairs: u64| pairs as f64 / self.effort.pairs.max(1) as f64;
        let record = object(json!({
            "schema": SCHEMA,
            "data": input.record(&self.hash),
            "labels": labels,
            "on": plan.on.name(),
            "limit": data_source::limit(settings, input.lens().0),
            "seed": settings.seed,
            "split_seed": settings.split_seed,
            "n_train": self.n_train,
            "n_eval": self.n_eval,
            "metric": plan.metric.name(),
            "tie": plan.tie.to_string(),
            "weights": plan.weights.to_string(),
            "engine": self.engine,
            "share_bounded": share(self.effort.bounded),
            "share_exact": share(self.effort.exact),
            "bytes_read": self.effort.bytes,
            "simd": settings.level.name(),
            "threads": threads,
            "mmap": mmap,
            "open_s": self.open_s,
            "features": spec,
            "feature_blocks": plan.features.as_ref().map(|choice| blocks(&choice.extractor)),
            "features_s": self.features_s,
            "fit_s": self.fit_s,
            "predict_s": self.predict_s,
            "answer": self.answer,
            "neighbors_answer": self.neighbors_answer,
            "results": results,
            "looks": self.looks,
            "max_rss_bytes": max_rss_bytes,
        }));

        let time = now();
        let rows = plan.k.iter().zip(&self.accuracies).map(|(k, accuracy)| {
            let (low, high) = accuracy.wilson_95();
            vec![
                SCHEMA.to_owned(),
                time.clone(),
                env!("CARGO_PKG_VERSION").to_owned(),
                input.source().to_owned(),
                self.hash.clone(),
                data_n_train.to_string(),
                data_n_test.to_string(),
                cell(labels),
                plan.on.name().to_owned(),
                cell(data_source::limit(settings, input.lens().0)),
                settings.seed.to_string(),
                settings.split_seed.to_string(),
                self.n_train.to_string(),
                self.n_eval.to_string(),
                plan.metric.to_string(),
                k.to_string(),
                plan.tie.to_string(),
                plan.weights.to_string(),
                self.engine.to_owned(),
                settings.level.name().to_owned(),
                threads.to_string(),
                mmap.to_string(),
                self.open_s.to_string(),
                cell(spec.as_ref()),
                cell(self.features_s),
                self.fit_s.to_string(),
                self.predict_s.to_string(),
                accuracy.value().to_string(),
                low.to_string(),
                high.to_string(),
                accuracy.correct.to_string(),
                self.answer.clone(),
                self.neighbors_answer.clone(),
                cell(self.looks),
                cell(max_rss_bytes),
            ]
        });
        Report {
            record,
            rows: rows.collect(),
            text: self.text(plan, settings, input, threads),
        }
    }

    fn text(&self, plan: &KnnPlan, settings: &Settings, input: &Input, threads: usize) -> String {
        let rows: Vec<Vec<String>> = plan
            .k
            .iter()
            .zip(&self.accuracies)
            .map(|(k, accuracy)| {
                let (low, high) = accuracy.wilson_95();
                vec![
                    k.to_string(),
                    format!("{:.4}", accuracy.value()),
                    format!("{low:.4} to {high:.4}"),
                    format!("{} of {}", accuracy.correct, accuracy.total),
                ]
            })
            .collect();
        let evaluated = plan.on.adjective();
        let row = input.row_word();
        format!(
            "{}: {} nearest neighbours, {} against {}\n{}\
             fit {}, predict {}: {}, {}, {}\n",
            input.source(),
            plan.metric,
            counted(self.n_eval, &format!("{evaluated} {row}")),
            counted(self.n_train, &format!("training {row}")),
            table(&["k", "accuracy", "95 % interval", "correct"], &rows, 0),
            seconds(self.fit_s),
            seconds(self.predict_s),
            self.engine,
            settings.level.name(),
            counted(threads, "thread"),
        )
    }
}
