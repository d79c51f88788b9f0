//! What a cross-validation found out, in its three forms, and what a file of results already has of it.

use nearplane_models::metrics::{Accuracy, mean_and_std, mean_interval_95};
use nearplane_models::neighbors::Metric;
use serde_json::{Value, json};

use super::super::{now, object};
use crate::output::{Report, cell, counted, max_rss_bytes, seconds, table};
use crate::plan::{CvKnnPlan, Folding};

/// Columns of `--results`, a row per metric and k.
pub(crate) const COLUMNS: [&str; 28] = [
    "schema",
    "time",
    "version",
    "data_source",
    "data_hash",
    "labels",
    "limit",
    "rows",
    "features",
    "folds",
    "split",
    "repeats",
    "split_seed",
    "tie",
    "weights",
    "metric",
    "k",
    "engine",
    "simd",
    "threads",
    "seconds",
    "fold_accuracies",
    "mean",
    "std",
    "ci95_lo",
    "ci95_hi",
    "mean_ci95_lo",
    "mean_ci95_hi",
];

const SCHEMA: &str = "nearplane/cv-knn/1";

/// Columns that say what was asked, without k: rows that are alike in them answer the same question.
const QUESTION: [&str; 13] = [
    "schema",
    "data_hash",
    "labels",
    "limit",
    "rows",
    "features",
    "folds",
    "split",
    "repeats",
    "split_seed",
    "tie",
    "weights",
    "metric",
];

/// What holds for all rows of a run.
pub(super) struct Setting<'a> {
    pub(super) plan: &'a CvKnnPlan,
    pub(super) source: String,
    pub(super) labels: Option<&'static str>,
    pub(super) limit: Option<usize>,
    pub(super) split_seed: u64,
    pub(super) simd: &'static str,
    pub(super) n_rows: usize,
    /// Empty where no record is written.
    pub(super) hash: String,
}

/// One metric and k.
#[derive(Clone)]
pub(super) struct Finished {
    pub(super) metric: Metric,
    pub(super) k: usize,
    engine: String,
    /// Of all k of the metric together.
    seconds: f64,
    /// Of the folds of the first split, then of the second; empty where each row is a fold.
    pub(super) folds: Vec<f64>,
    pub(super) mean: f64,
    pub(super) std: f64,
    /// Of all rows together, once; none where they were judged repeatedly.
    ci95: Option<(f64, f64)>,
    /// Of the mean, by how folds differ; none where each row is a fold.
    mean_ci95: Option<(f64, f64)>,
}

impl Finished {
    pub(super) fn new(
        metric: Metric,
        k: usize,
        engine: &str,
        seconds: f64,
        folds: &[Accuracy],
        n_rows: usize,
    ) -> Finished {
        let values: Vec<f64> = folds.iter().map(Accuracy::value).collect();
        let (mean, std) = mean_and_std(&values);
        let all = Accuracy {
            correct: folds.iter().map(|fold| fold.correct).sum(),
            total: folds.iter().map(|fold| fold.total).sum(),
        };
        let is_loo = folds.iter().all(|fold| fold.total == 1);
        // Of all repeats together, rows that judge a fold and rows that fit it.
        let (judge, n_folds) = (all.total as f64, folds.len() as f64);
        let fit = n_folds * n_rows as f64 - judge;
        let mean_ci95 = mean_interval_95(&values, judge / fit);
        Finished {
            metric,
            k,
            engine: engine.to_owned(),
            seconds,
            folds: if is_loo { Vec::new() } else { values },
            mean,
            std,
            ci95: (all.total == n_rows as u64).then(|| all.wilson_95()),
            mean_ci95: mean_ci95.filter(|_| !is_loo),
        }
    }

    /// From a row of a file of results, if its numbers can be read.
    fn read(row: &[String], metric: Metric, k: usize) -> Option<Finished> {
        let at = |name: &str| -> &str {
            let position = COLUMNS.iter().position(|column| *column == name);
            position
                .and_then(|position| row.get(position))
                .map_or("", String::as_str)
        };
        let folds = at("fold_accuracies")
            .split(' ')
            .filter(|text| !text.is_empty());
        let folds: Result<Vec<f64>, _> = folds.map(str::parse).collect();
        let interval = |low: &str, high: &str| at(low).parse().ok().zip(at(high).parse().ok());
        Some(Finished {
            metric,
            k,
            engine: at("engine").to_owned(),
            seconds: at("seconds").parse().ok()?,
            folds: folds.ok()?,
            mean: at("mean").parse().ok()?,
            std: at("std").parse().ok()?,
            ci95: interval("ci95_lo", "ci95_hi"),
            mean_ci95: interval("mean_ci95_lo", "mean_ci95_hi"),
        })
    }
}

impl Setting<'_> {
    /// What rows of a file have of a metric, for each k.
    pub(super) fn known(
        &self,
        metric: Metric,
        ks: &[usize],
        rows: &[Vec<String>],
    ) -> Vec<Option<Finished>> {
        let find = |&k: &usize| {
            let asked = self.cells(metric, k);
            let is_same = |row: &&Vec<String>| {
                COLUMNS
                    .iter()
                    .zip(&asked)
                    .zip(row.iter())
                    .all(|((column, asked), found)| {
                        !(QUESTION.contains(column) || *column == "k") || asked == found
                    })
            };
            let row = rows.iter().rfind(is_same)?;
            Finished::read(row, metric, k)
        };
        ks.iter().map(find).collect()
    }

    fn folding(&self) -> (String, Option<&'static str>, Option<u16>) {
        match self.plan.folding {
            Folding::LeaveOneOut => ("loo".to_owned(), None, None),
            Folding::Parts {
                n_folds,
                rule,
                repeats,
            } => (n_folds.to_string(), Some(rule.name()), Some(repeats)),
        }
    }

    fn features(&self) -> Option<String> {
        let choice = self.plan.features.as_ref();
        choice.map(|choice| choice.extractor.spec().to_string())
    }

    /// The cells of a row up to k.
    fn cells(&self, metric: Metric, k: usize) -> Vec<String> {
        let (folds, split, repeats) = self.folding();
        vec![
            SCHEMA.to_owned(),
            now(),
            env!("CARGO_PKG_VERSION").to_owned(),
            self.source.clone(),
            self.hash.clone(),
            cell(self.labels),
            cell(self.limit),
            self.n_rows.to_string(),
            cell(self.features()),
            folds,
            cell(split),
            cell(repeats),
            self.split_seed.to_string(),
            self.plan.tie.to_string(),
            self.plan.weights.to_string(),
            metric.to_string(),
            k.to_string(),
        ]
    }
}

/// A row of `--results`.
pub(super) fn row(setting: &Setting<'_>, found: &Finished) -> Vec<String> {
    let folds: Vec<String> = found.folds.iter().map(ToString::to_string).collect();
    let mut cells = setting.cells(found.metric, found.k);
    cells.extend([
        found.engine.clone(),
        setting.simd.to_owned(),
        rayon::current_num_threads().to_string(),
        found.seconds.to_string(),
        folds.join(" "),
        found.mean.to_string(),
        found.std.to_string(),
        cell(found.ci95.map(|ci| ci.0)),
        cell(found.ci95.map(|ci| ci.1)),
        cell(found.mean_ci95.map(|ci| ci.0)),
        cell(found.mean_ci95.map(|ci| ci.1)),
    ]);
    cells
}

/// The highest mean; of equal ones the smallest k, then the metric that comes first.
fn best(found: &[Finished]) -> Option<&Finished> {
    found.iter().reduce(|best, next| {
        let is_better = next.mean > best.mean || (next.mean == best.mean && next.k < best.k);
        if is_better { next } else { best }
    })
}

/// Record and text; the rows are in the file already.
pub(super) fn report(
    setting: &Setting<'_>,
    data: Value,
    found: &[Finished],
    elapsed: f64,
) -> Report {
    let (folds, split, repeats) = setting.folding();
    let params = |found: &Finished| json!({"metric": found.metric.name(), "k": found.k});
    let best = best(found);
    let results = found.iter().map(|found| {
        json!({
            "params": params(found),
            "engine": found.engine,
            "seconds": found.seconds,
            "fold_accuracies": (!found.folds.is_empty()).then_some(&found.folds),
            "mean": found.mean,
            "std": found.std,
            "ci95": found.ci95.map(|(low, high)| [low, high]),
            "mean_ci95": found.mean_ci95.map(|(low, high)| [low, high]),
        })
    });
    let record = object(json!({
        "schema": SCHEMA,
        "data": data,
        "labels": setting.labels,
        "limit": setting.limit,
        "rows": setting.n_rows,
        "features": setting.features(),
        "folds": folds.parse::<usize>().map_or_else(|_| json!(folds), |n| json!(n)),
        "split": split,
        "repeats": repeats,
        "split_seed": setting.split_seed,
        "tie": setting.plan.tie.to_string(),
        "weights": setting.plan.weights.to_string(),
        "simd": setting.simd,
        "threads": rayon::current_num_threads(),
        "seconds": elapsed,
        "results": results.collect::<Vec<Value>>(),
        "best": best.map(|best| json!({"params": params(best), "mean": best.mean, "std": best.std})),
        "max_rss_bytes": max_rss_bytes(),
    }));
    let ends = |interval: Option<(f64, f64)>| {
        interval.map_or_else(String::new, |(low, high)| format!("{low:.4} to {high:.4}"))
    };
    let lines: Vec<Vec<String>> = found
        .iter()
        .map(|found| {
            vec![
                found.metric.to_string(),
                found.k.to_string(),
                format!("{:.4}", found.mean),
                format!("{:.4}", found.std),
                ends(found.mean_ci95),
                ends(found.ci95),
            ]
        })
        .collect();
    let how = match (split, repeats) {
        (Some(split), Some(1)) => format!("{folds} {split} folds"),
        (Some(split), Some(repeats)) => format!("{folds} {split} folds, {repeats} times"),
        _ => "each row left out once".to_owned(),
    };
    let mut text = format!(
        "{}, {}: {how}, {}\n{}",
        setting.source,
        counted(setting.n_rows, "training row"),
        seconds(elapsed),
        table(
            &[
                "metric",
                "k",
                "mean",
                "std",
                "95 % of the mean",
                "95 % of all rows",
            ],
            &lines,
            1
        )
    );
    if let Some(best) = best {
        text.push_str(&format!(
            "best: {} with k = {}, {:.4}\n",
            best.metric, best.k, best.mean
        ));
    }
    Report {
        record,
        text,
        rows: Vec::new(),
    }
}
