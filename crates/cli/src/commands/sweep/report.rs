//! What a sweep found out, as a record and as text; its rows are in the file already.

use std::cmp::Ordering;

use nearplane_models::linear::{Loss, Penalty};
use nearplane_models::metrics::{Accuracy, mean_and_std};
use nearplane_models::selection::Candidate;
use serde_json::{Value, json};

use super::command_line::Facts;
use super::engine::Job;
use super::unit::{FoldName, Setting, Unit, beta};
use crate::commands::object;
use crate::output::{Report, counted, max_rss_bytes, note, seconds, table};
use crate::plan::{Folding, Search, SweepPlan, class_weights_name};

/// A model and what came of it, fold by fold.
pub(super) struct Tried {
    pub(super) features: usize,
    pub(super) loss: Loss,
    pub(super) penalty: Penalty,
    pub(super) lambda: f64,
    /// Rows that fitted it, in the first fold.
    n_train: usize,
    units: Vec<Unit>,
    mean: f64,
    std: f64,
}

impl Tried {
    /// Of each lambda of a path; `units` of each fold, for each lambda.
    pub(super) fn of_path(
        job: &Job,
        names: &[(Option<FoldName>, usize)],
        units: &[Vec<Unit>],
    ) -> Vec<Tried> {
        let steps = job.path.configs().iter().enumerate();
        let tried = steps.map(|(step, config)| {
            let units: Vec<Unit> = units.iter().map(|of_fold| of_fold[step]).collect();
            let values: Vec<f64> = units.iter().map(|unit| unit.accuracy.value()).collect();
            let (mean, std) = mean_and_std(&values);
            Tried {
                features: job.features,
                loss: config.loss(),
                penalty: config.penalty(),
                lambda: config.lambda(),
                n_train: names.first().map_or(0, |name| name.1),
                units,
                mean,
                std,
            }
        });
        tried.collect()
    }

    pub(super) fn is_of(&self, candidate: &Candidate) -> bool {
        (self.features, self.loss, self.penalty, self.lambda)
            == (
                candidate.features,
                candidate.loss,
                candidate.penalty,
                candidate.lambda,
            )
    }

    /// Of all rows together, where each was judged once.
    fn ci95(&self, n_repeats: u16) -> Option<(f64, f64)> {
        let all = Accuracy {
            correct: self.units.iter().map(|unit| unit.accuracy.correct).sum(),
            total: self.units.iter().map(|unit| unit.accuracy.total).sum(),
        };
        (n_repeats == 1).then(|| all.wilson_95())
    }
}

/// Means that differ by less do so by rounding.
const ROUNDING: f64 = 1e-12;

/// The higher mean first; of equal ones the larger lambda, the stronger regularisation.
pub(super) fn better(a: &Tried, b: &Tried) -> Ordering {
    if (a.mean - b.mean).abs() > ROUNDING {
        b.mean.total_cmp(&a.mean)
    } else {
        b.lambda.total_cmp(&a.lambda)
    }
}

/// Everything that is reported.
pub(super) struct Outcome<'a> {
    pub(super) plan: &'a SweepPlan,
    pub(super) setting: &'a Setting<'a>,
    pub(super) data: Value,
    pub(super) specs: &'a [Option<String>],
    pub(super) tried: Vec<Tried>,
    pub(super) n_known: usize,
    pub(super) seconds: f64,
    pub(super) command: Facts<'a>,
}

/// Rows of the table of a search.
const SHOWN: usize = 20;

impl Outcome<'_> {
    fn n_repeats(&self) -> u16 {
        match self.plan.folding {
            Some(Folding::Parts { repeats, .. }) => repeats,
            _ => 1,
        }
    }

    /// The best of those that were fitted to the most rows; the first ones are.
    fn best(&self) -> Option<&Tried> {
        let most = self.tried.first()?.n_train;
        let last = self.tried.iter().filter(|tried| tried.n_train == most);
        last.reduce(|best, next| match better(next, best) {
            Ordering::Less => next,
            _ => best,
        })
    }

    pub(super) fn warn(&self, quiet: bool) {
        let units = self.tried.iter().flat_map(|tried| &tried.units);
        let short = units.filter(|unit| !unit.converged).count();
        if short > 0 {
            note(
                quiet,
                &format!(
                    "{} stopped short of --tolerance; what is missing at most is recorded as gap, and --max-passes \
                     lets them go on",
                    counted(short, "fit")
                ),
            );
        }
    }

    fn params(&self, tried: &Tried) -> Value {
        json!({
            "features": self.specs[tried.features],
            "loss": tried.loss.name(),
            "penalty": tried.penalty.name(),
            "beta": beta(tried.penalty),
            "lambda": tried.lambda,
        })
    }

    fn result(&self, tried: &Tried) -> Value {
        let values: Vec<f64> = tried
            .units
            .iter()
            .map(|unit| unit.accuracy.value())
            .collect();
        json!({
            "params": self.params(tried),
            "n_train": tried.n_train,
            "fold_accuracies": values,
            "mean": tried.mean,
            "std": tried.std,
            "ci95": tried.ci95(self.n_repeats()).map(|(low, high)| [low, high]),
            "converged": tried.units.iter().all(|unit| unit.converged),
            "passes": tried.units.iter().map(|unit| unit.passes).collect::<Vec<_>>(),
            "seconds": tried.units.iter().map(|unit| unit.seconds).sum::<f64>(),
        })
    }

    pub(super) fn report(&self) -> Report {
        let (plan, setting) = (self.plan, self.setting);
        let (folds, split, repeats) = match plan.folding {
            Some(Folding::Parts {
                n_folds,
                rule,
                repeats,
            }) => (Some(n_folds), Some(rule.name()), Some(repeats)),
            _ => (None, None, None),
        };
        let mut record = json!({
            "schema": setting.schema,
            "data": self.data,
            "labels": setting.labels,
            "limit": setting.limit,
            "rows": setting.n_rows,
            "judged_by": setting.judged_by,
            "folds": folds,
            "split": split,
            "repeats": repeats,
            "split_seed": setting.split_seed,
            "class_weights": class_weights_name(&plan.class_weight),
            "tolerance": plan.exact.tolerance(),
            "max_passes": plan.exact.max_passes(),
            "simd": setting.simd,
            "threads": rayon::current_num_threads(),
            "taken": self.n_known,
            "seconds": self.seconds,
            "results": self.tried.iter().map(|tried| self.result(tried)).collect::<Vec<_>>(),
        });
        if plan.tunes {
            record["search"] = json!(plan.search.name());
            record["seed"] = json!(setting.seed);
            record["eta"] = match &plan.search {
                Search::Halving { eta, .. } => json!(eta),
                _ => Value::Null,
            };
        }
        let best = self.best();
        let params =
            |best: &Tried| json!({"params": self.params(best), "mean": best.mean, "std": best.std});
        record["best"] = json!(best.map(params));
        if plan.tunes {
            record["train_command"] = json!(best.map(|best| self.command.train(best)));
            record["eval_command"] = json!(self.command.eval());
        }
        record["max_rss_bytes"] = json!(max_rss_bytes());
        Report {
            record: object(record),
            text: self.text(),
            rows: Vec::new(),
        }
    }

    fn text(&self) -> String {
        let setting = self.setting;
        let rows = counted(setting.n_rows, "training row");
        let how = match self.plan.folding {
            Some(Folding::Parts {
                n_folds,
                rule,
                repeats: 1,
            }) => format!("{n_folds} {} folds", rule.name()),
            Some(Folding::Parts {
                n_folds,
                rule,
                repeats,
            }) => format!("{n_folds} {} folds, {repeats} times", rule.name()),
            _ if setting.judged_by == "x-eval" => "judged by the rows of --x-eval".to_owned(),
            _ => "judged by a tenth of them".to_owned(),
        };
        let elapsed = seconds(self.seconds);
        let mut text = format!("{}, {rows}: {how}, {elapsed}\n", setting.source);
        let mut shown: Vec<&Tried> = self.tried.iter().collect();
        if self.plan.tunes {
            // The most rows first, which the order has already where they differ.
            shown.sort_by(|a, b| b.n_train.cmp(&a.n_train).then(better(a, b)));
            shown.truncate(SHOWN);
        }
        let has_beta = shown.iter().any(|tried| beta(tried.penalty).is_some());
        let halves = matches!(self.plan.search, Search::Halving { .. });
        let row = |tried: &&Tried| {
            let mut cells = vec![
                self.specs[tried.features]
                    .clone()
                    .unwrap_or_else(|| "-".to_owned()),
                tried.loss.to_string(),
                tried.penalty.name().to_owned(),
            ];
            if has_beta {
                cells.push(beta(tried.penalty).map_or_else(String::new, |beta| beta.to_string()));
            }
            cells.push(tried.lambda.to_string());
            if halves {
                cells.push(tried.n_train.to_string());
            }
            cells.push(format!("{:.4}", tried.mean));
            cells.push(if tried.units.len() > 1 {
                format!("{:.4}", tried.std)
            } else {
                String::new()
            });
            let ci95 = tried.ci95(self.n_repeats());
            cells.push(
                ci95.map_or_else(String::new, |(low, high)| format!("{low:.4} to {high:.4}")),
            );
            cells
        };
        let cells: Vec<Vec<String>> = shown.iter().map(row).collect();
        let mut header = vec!["features", "loss", "penalty"];
        if has_beta {
            header.push("beta");
        }
        header.push("lambda");
        if halves {
            header.push("rows");
        }
        header.extend(["mean", "std", "95 % of all rows"]);
        text.push_str(&table(&header, &cells, 3));
        if shown.len() < self.tried.len() {
            text.push_str(&format!(
                "and {} others, which are in --json\n",
                self.tried.len() - shown.len()
            ));
        }
        let Some(best) = self.best() else { return text };
        let features = self.specs[best.features].as_ref();
        let features = features.map_or_else(String::new, |spec| format!("{spec}, "));
        text.push_str(&format!(
            "best: {features}{}, {}, lambda {}: {:.4}\n",
            best.loss, best.penalty, best.lambda, best.mean
        ));
        if self.plan.tunes {
            text.push_str(&format!(
                "\nFit it to all rows, then evaluate it, once:\n  {}\n  {}\n",
                self.command.train(best),
                self.command.eval()
            ));
        }
        text
    }
}
