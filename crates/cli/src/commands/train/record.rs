//! What a training found out, in its three forms.

use nearplane_models::linear::LeftOut;
use serde_json::{Map, Value, json};

use super::fit::Fits;
use crate::commands::now;
use crate::output::{Report, cell, counted, max_rss_bytes, seconds, table};
use crate::record::{self, Field};

const SCHEMA: &str = "nearplane/train/1";

/// Everything that is recorded.
pub(super) struct Outcome {
    /// The `data` object of the record.
    pub(super) data: Value,
    pub(super) row_word: &'static str,
    pub(super) labels: Option<&'static str>,
    pub(super) limit: Option<usize>,
    pub(super) seed: u64,
    pub(super) split_seed: u64,
    pub(super) n_train: usize,
    pub(super) n_val: usize,
    pub(super) n_classes: usize,
    pub(super) n_features: usize,
    /// As given, in full; null for own matrices.
    pub(super) features: Option<String>,
    pub(super) loss: String,
    pub(super) penalty: String,
    pub(super) beta: Option<f64>,
    pub(super) class_weights: &'static str,
    pub(super) solver: &'static str,
    pub(super) options: Vec<(&'static str, Value)>,
    pub(super) resumed: bool,
    pub(super) simd: &'static str,
    pub(super) mmap: bool,
    pub(super) open_s: f64,
    pub(super) features_s: Option<f64>,
    pub(super) train_accuracy: f64,
    pub(super) fits: Fits,
    pub(super) model: String,
}

impl Outcome {
    fn lambda(&self) -> f64 {
        self.fits.judged[self.fits.chosen].lambda
    }

    fn data(&self, field: &str) -> Value {
        self.data[field].clone()
    }

    /// On the validation rows, of the fit on the others.
    fn validation(&self) -> (f64, (f64, f64)) {
        let accuracy = self.fits.judged[self.fits.chosen].accuracy();
        (accuracy.value(), accuracy.wilson_95())
    }

    /// What the lambda was the best in, where there were several.
    fn chosen_by(&self) -> Option<&'static str> {
        (self.fits.judged.len() > 1).then_some(self.fits.chosen_by)
    }

    /// Of the chosen lambda, on all rows.
    fn left_out(&self) -> Option<LeftOut> {
        self.fits.judged[self.fits.chosen].left_out
    }

    /// One entry for each lambda.
    fn path(&self) -> Value {
        let fits = self.fits.judged.iter().map(|fit| {
            let (low, high) = fit.accuracy().wilson_95();
            json!({
                "lambda": fit.lambda,
                "val_accuracy": fit.accuracy().value(),
                "val_ci95": [low, high],
                "epochs": fit.epochs,
                "fit_s": fit.seconds,
                "loo_accuracy": fit.left_out.map(|found| found.accuracy.value()),
                "loo_squared_error": fit.left_out.map(|found| found.squared_error),
            })
        });
        fits.collect()
    }
}

const FIELDS: [Field<Outcome>; 53] = [
    Field::new("schema", |_| json!(SCHEMA)),
    Field::csv("time", |_| json!(now())),
    Field::csv("version", |_| json!(env!("CARGO_PKG_VERSION"))),
    Field::json("data", |o| o.data.clone()),
    Field::csv("data_source", |o| o.data("source")),
    Field::csv("data_hash", |o| o.data("hash")),
    Field::csv("data_n_train", |o| o.data("n_train")),
    Field::new("labels", |o| json!(o.labels)),
    Field::new("limit", |o| json!(o.limit)),
    Field::new("seed", |o| json!(o.seed)),
    Field::new("split_seed", |o| json!(o.split_seed)),
    Field::new("n_train", |o| json!(o.n_train)),
    Field::new("n_val", |o| json!(o.n_val)),
    Field::new("n_classes", |o| json!(o.n_classes)),
    Field::new("features", |o| json!(o.features)),
    Field::new("n_features", |o| json!(o.n_features)),
    Field::new("loss", |o| json!(o.loss)),
    Field::new("penalty", |o| json!(o.penalty)),
    Field::new("beta", |o| json!(o.beta)),
    Field::new("lambda", |o| json!(o.lambda())),
    Field::new("class_weights", |o| json!(o.class_weights)),
    Field::new("solver", |o| json!(o.solver)),
    Field::json("options", |o| {
        let options = o.options.iter();
        let options = options.map(|(name, value)| ((*name).to_owned(), value.clone()));
        Value::Object(options.collect::<Map<_, _>>())
    }),
    Field::csv("options", |o| {
        let options = o.options.iter().filter(|(_, value)| !value.is_null());
        let options = options.map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name}={text}"),
            None => format!("{name}={value}"),
        });
        json!(options.collect::<Vec<_>>().join(" "))
    }),
    Field::new("resumed", |o| json!(o.resumed)),
    Field::new("simd", |o| json!(o.simd)),
    Field::new("threads", |_| json!(rayon::current_num_threads())),
    Field::new("mmap", |o| json!(o.mmap)),
    Field::new("open_s", |o| json!(o.open_s)),
    Field::new("features_s", |o| json!(o.features_s)),
    Field::new("choose_s", |o| {
        json!(o.fits.judged.iter().map(|fit| fit.seconds).sum::<f64>())
    }),
    Field::new("fit_s", |o| json!(o.fits.last.seconds)),
    Field::new("epochs", |o| json!(o.fits.last.epochs)),
    Field::new("passes", |o| json!(o.fits.last.passes)),
    Field::new("objective", |o| json!(o.fits.last.objective)),
    Field::new("gap", |o| json!(o.fits.last.gap)),
    Field::new("stationarity", |o| json!(o.fits.last.stationarity)),
    Field::new("converged", |o| json!(o.fits.last.converged)),
    Field::new("train_accuracy", |o| json!(o.train_accuracy)),
    Field::new("val_accuracy", |o| json!(o.validation().0)),
    Field::json("val_ci95", |o| {
        json!([o.validation().1.0, o.validation().1.1])
    }),
    Field::csv("val_ci95_lo", |o| json!(o.validation().1.0)),
    Field::csv("val_ci95_hi", |o| json!(o.validation().1.1)),
    Field::json("path", Outcome::path),
    Field::json("trace", |o| json!(o.fits.last.trace)),
    Field::json("val_trace", |o| json!(o.fits.judged[o.fits.chosen].trace)),
    Field::new("max_rss_bytes", |_| json!(max_rss_bytes())),
    Field::new("model", |o| json!(o.model)),
    Field::csv("n_lambdas", |o| json!(o.fits.judged.len())),
    Field::new("chosen_by", |o| json!(o.chosen_by())),
    Field::new("loo_accuracy", |o| {
        json!(o.left_out().map(|found| found.accuracy.value()))
    }),
    Field::json("loo_ci95", |o| {
        let interval = o.left_out().map(|found| found.accuracy.wilson_95());
        json!(interval.map(|(low, high)| [low, high]))
    }),
    Field::new("loo_squared_error", |o| {
        json!(o.left_out().map(|found| found.squared_error))
    }),
];

/// Columns of `--results`, one row.
pub(crate) const COLUMNS: [&str; record::n_columns(&FIELDS)] = record::columns(&FIELDS);

impl Outcome {
    pub(super) fn report(&self) -> Report {
        Report {
            record: record::object(&FIELDS, self),
            text: self.text(),
            rows: vec![record::row(&FIELDS, self)],
        }
    }

    fn text(&self) -> String {
        let last = &self.fits.last;
        let source = self.data["source"].as_str().unwrap_or_default();
        let rows = counted(self.n_train, &format!("training {}", self.row_word));
        let features = match &self.features {
            Some(features) => format!("{} features, {features}", self.n_features),
            None => counted(self.n_features, "column"),
        };
        let mut text = format!("{source}, {rows}: {features}\n");
        if self.fits.judged.len() > 1 {
            let has_left_out = self.left_out().is_some();
            let row = |(index, fit): (usize, &super::fit::Judged)| {
                let (low, high) = fit.accuracy().wilson_95();
                let is_chosen = index == self.fits.chosen;
                let mut cells = vec![
                    fit.lambda.to_string(),
                    format!("{:.4}", fit.accuracy().value()),
                    format!("{low:.4} to {high:.4}"),
                ];
                if let Some(found) = fit.left_out {
                    cells.push(format!("{:.4}", found.accuracy.value()));
                    cells.push(format!("{:.4}", found.squared_error));
                } else {
                    cells.push(seconds(fit.seconds));
                }
                cells.push(if is_chosen { "chosen" } else { "" }.to_owned());
                cells
            };
            let rows: Vec<_> = self.fits.judged.iter().enumerate().map(row).collect();
            let header: &[&str] = if has_left_out {
                &[
                    "lambda",
                    "validation accuracy",
                    "95 %",
                    "leave-one-out",
                    "squared error",
                    "",
                ]
            } else {
                &["lambda", "validation accuracy", "95 %", "fit", ""]
            };
            text.push_str(&table(header, &rows, 0));
            text.push_str(&format!("chosen by {}\n", self.fits.chosen_by));
        }
        let penalty = match self.beta {
            Some(beta) => format!("{} (beta {beta})", self.penalty),
            None => self.penalty.clone(),
        };
        let lambda = self.lambda();
        text.push_str(&format!(
            "{}, {penalty}, lambda {lambda}, by {}: objective {:.6}",
            self.loss, self.solver, last.objective
        ));
        match (last.gap, last.stationarity) {
            (Some(gap), _) => text.push_str(&format!(", at most {gap:.1e} above the least")),
            (None, Some(norm)) => text.push_str(&format!(", subgradient of length {norm:.1e}")),
            (None, None) => {}
        }
        let effort = match (last.epochs, last.passes) {
            (Some(epochs), _) => format!("{}, ", counted(epochs as usize, "epoch")),
            (None, Some(passes)) => format!("{} passes, ", cell(Some(passes.round()))),
            (None, None) => String::new(),
        };
        text.push_str(&format!("; {effort}{}\n", seconds(last.seconds)));
        let (accuracy, (low, high)) = self.validation();
        text.push_str(&format!(
            "training accuracy {:.4}\nvalidation accuracy {accuracy:.4} (95 %: {low:.4} to {high:.4}), of a fit without the {}\n",
            self.train_accuracy,
            counted(self.n_val, &format!("validation {}", self.row_word)),
        ));
        if let Some(found) = self.left_out() {
            let (low, high) = found.accuracy.wilson_95();
            text.push_str(&format!(
                "leave-one-out accuracy {:.4} (95 %: {low:.4} to {high:.4}), squared error {:.4}, each row by the fit to all others\n",
                found.accuracy.value(),
                found.squared_error,
            ));
        }
        text.push_str(&format!("model: {}\n", self.model));
        text
    }
}
