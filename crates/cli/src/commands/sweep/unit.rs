//! The unit of a sweep, one model in one fold: a row of `--results`, and what makes two rows the same question.

use nearplane_models::linear::{LinearConfig, Penalty};
use nearplane_models::metrics::Accuracy;
use nearplane_models::selection::{FoldFit, LinearPath};

use crate::commands::now;
use crate::output::cell;
use crate::plan::{Folding, SweepPlan, class_weights_name};

/// Columns of `--results`, a row per model and fold.
pub(crate) const COLUMNS: [&str; 36] = [
    "schema",
    "time",
    "version",
    "data_source",
    "data_hash",
    "labels",
    "limit",
    "rows",
    "judged_by",
    "folds",
    "split",
    "split_seed",
    "class_weights",
    "solver",
    "tolerance",
    "max_passes",
    "simd",
    "features",
    "loss",
    "penalty",
    "beta",
    "lambda",
    "after",
    "n_train",
    "sample_seed",
    "repeat",
    "fold",
    "n_val",
    "correct",
    "accuracy",
    "objective",
    "gap",
    "converged",
    "passes",
    "threads",
    "seconds",
];

/// The first column that says what came out, not what was asked.
const ANSWERS: usize = 27;

/// Columns that differ between rows that ask the same: the time, and where the data were found.
const NO_QUESTION: [usize; 2] = [1, 3];

/// What holds for all rows of a run.
pub(super) struct Setting<'a> {
    pub(super) plan: &'a SweepPlan,
    pub(super) schema: &'static str,
    pub(super) source: String,
    pub(super) labels: Option<&'static str>,
    pub(super) limit: Option<usize>,
    pub(super) split_seed: u64,
    pub(super) seed: u64,
    pub(super) simd: &'static str,
    pub(super) n_rows: usize,
    /// `folds`, `val` or `x-eval`.
    pub(super) judged_by: &'static str,
    /// Empty where no record is written.
    pub(super) hash: String,
}

/// A fold of a repeat, as rows call it; `None` where one split judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FoldName {
    pub(super) repeat: usize,
    pub(super) fold: usize,
}

/// Which model, in which fold.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) features: &'a Option<String>,
    pub(super) path: &'a LinearPath,
    pub(super) step: usize,
    pub(super) n_train: usize,
    /// Whether these rows are a sample of those that could fit.
    pub(super) is_sample: bool,
    pub(super) fold: Option<FoldName>,
}

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    pub(super) accuracy: Accuracy,
    pub(super) objective: f64,
    pub(super) gap: Option<f64>,
    pub(super) converged: bool,
    pub(super) passes: Option<f64>,
    pub(super) seconds: f64,
}

impl Unit {
    pub(super) fn new(fit: &FoldFit, seconds: f64) -> Unit {
        Unit {
            accuracy: fit.accuracy,
            objective: fit.objective,
            gap: fit.gap,
            converged: fit.converged,
            passes: fit.passes,
            seconds,
        }
    }

    /// From a row, if its numbers can be read.
    pub(super) fn read(row: &[String]) -> Option<Unit> {
        let [
            total,
            correct,
            _,
            objective,
            gap,
            converged,
            passes,
            _,
            seconds,
        ] = row.get(ANSWERS..)?
        else {
            return None;
        };
        let optional = |text: &String| match text.as_str() {
            "" => Some(None),
            text => text.parse().ok().map(Some),
        };
        Some(Unit {
            accuracy: Accuracy {
                correct: correct.parse().ok()?,
                total: total.parse().ok()?,
            },
            objective: objective.parse().ok()?,
            gap: optional(gap)?,
            converged: converged.parse().ok()?,
            passes: optional(passes)?,
            seconds: seconds.parse().ok()?,
        })
    }

    fn cells(&self) -> [String; COLUMNS.len() - ANSWERS] {
        [
            self.accuracy.total.to_string(),
            self.accuracy.correct.to_string(),
            self.accuracy.value().to_string(),
            self.objective.to_string(),
            cell(self.gap),
            self.converged.to_string(),
            cell(self.passes),
            rayon::current_num_threads().to_string(),
            self.seconds.to_string(),
        ]
    }
}

/// The factor of the squares, of the penalty that has one.
pub(super) fn beta(penalty: Penalty) -> Option<f64> {
    match penalty {
        Penalty::Elastic { beta } => Some(beta),
        _ => None,
    }
}

impl Setting<'_> {
    /// The cells that say what is asked.
    pub(super) fn question(&self, asked: &Question<'_>) -> Vec<String> {
        let (plan, path) = (self.plan, asked.path);
        let config = &path.configs()[asked.step];
        let (folds, split) = match plan.folding {
            Some(Folding::Parts { n_folds, rule, .. }) => (Some(n_folds), Some(rule.name())),
            _ => (None, None),
        };
        let closed = path.is_closed_form();
        let exact = (!closed).then_some(plan.exact);
        // In closed form no fit depends on another.
        let before = if closed { 0 } else { asked.step };
        let before = path.configs()[..before].iter().map(LinearConfig::lambda);
        let before: Vec<String> = before.map(|lambda| lambda.to_string()).collect();
        vec![
            self.schema.to_owned(),
            now(),
            env!("CARGO_PKG_VERSION").to_owned(),
            self.source.clone(),
            self.hash.clone(),
            cell(self.labels),
            cell(self.limit),
            self.n_rows.to_string(),
            self.judged_by.to_owned(),
            cell(folds),
            cell(split),
            if self.judged_by == "x-eval" {
                String::new()
            } else {
                self.split_seed.to_string()
            },
            class_weights_name(&plan.class_weight).to_owned(),
            if closed { "closed-form" } else { "exact" }.to_owned(),
            cell(exact.map(|exact| exact.tolerance())),
            cell(exact.map(|exact| exact.max_passes())),
            self.simd.to_owned(),
            cell(asked.features.as_ref()),
            config.loss().to_string(),
            config.penalty().name().to_owned(),
            cell(beta(config.penalty())),
            config.lambda().to_string(),
            before.join(" "),
            asked.n_train.to_string(),
            cell(asked.is_sample.then_some(self.seed)),
            cell(asked.fold.map(|fold| fold.repeat + 1)),
            cell(asked.fold.map(|fold| fold.fold + 1)),
        ]
    }
}

/// A whole row.
pub(super) fn row(question: &[String], unit: &Unit) -> Vec<String> {
    let mut cells = question.to_vec();
    cells.extend(unit.cells());
    cells
}

/// What rows that ask the same have in common.
pub(super) fn key(row: &[String]) -> Vec<String> {
    let cells = row.iter().take(ANSWERS).enumerate();
    let cells = cells.filter(|(position, _)| !NO_QUESTION.contains(position));
    cells.map(|(_, cell)| cell.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_where_they_are_said_to_be() {
        assert_eq!(COLUMNS[ANSWERS], "n_val");
        assert_eq!(NO_QUESTION.map(|at| COLUMNS[at]), ["time", "data_source"]);
        assert_eq!(COLUMNS[COLUMNS.len() - 1], "seconds");
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        for (gap, passes) in [(Some(1.0 / 3.0), Some(7.5)), (None, None)] {
            let unit = Unit {
                accuracy: Accuracy {
                    correct: 3,
                    total: 7,
                },
                objective: 0.1 + 0.2,
                gap,
                converged: false,
                passes,
                seconds: 1e-7,
            };
            let question = vec![String::new(); ANSWERS];
            let row = row(&question, &unit);
            assert_eq!(row.len(), COLUMNS.len());
            assert_eq!(Unit::read(&row), Some(unit));
            assert_eq!(Unit::read(&row[1..]), None);
        }
    }
}
