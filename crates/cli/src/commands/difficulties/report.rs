//! What `difficulties` prints and records.

use nearplane_models::metrics::Accuracy;
use nearplane_synth::{Knob, Perturbation, SynthParams};
use serde_json::{Map, Value, json};

use super::knobs::STRENGTHS;
use super::{K, Outcome, now, object};
use crate::commands::data::synth::{difficulties, share};
use crate::data_source;
use crate::data_source::Opened;
use crate::output::{Report, cell, seconds, table};
use crate::plan::{DifficultiesPlan, Settings};

/// Columns of `--results`, a row for each accuracy.
pub(crate) const COLUMNS: [&str; 31] = [
    "schema",
    "time",
    "version",
    "data_source",
    "data_hash",
    "labels",
    "on",
    "limit",
    "seed",
    "split_seed",
    "n_train",
    "n_eval",
    "metric",
    "k",
    "simd",
    "threads",
    "seconds",
    "answer",
    "looks",
    "kind",
    "name",
    "viewpoint",
    "background",
    "illumination",
    "occlusion",
    "variation",
    "perturb",
    "accuracy",
    "ci95_lo",
    "ci95_hi",
    "correct",
];

const SCHEMA: &str = "nearplane/difficulties/1";

impl Outcome {
    pub(super) fn report(
        &self,
        plan: &DifficultiesPlan,
        settings: &Settings,
        opened: &Opened,
    ) -> Report {
        Report {
            record: self.record(plan, settings, opened),
            text: self.text(plan, opened),
            rows: self.rows(plan, settings, opened),
        }
    }

    fn record(
        &self,
        plan: &DifficultiesPlan,
        settings: &Settings,
        opened: &Opened,
    ) -> Map<String, Value> {
        let knobs = self.knobs.iter().map(|row| {
            let results = row.results.iter().map(|(params, accuracy)| {
                let mut result = object(json!({
                    "strength": share(row.knob.of(params)),
                    "difficulties": difficulties(params),
                }));
                result.extend(measured(accuracy));
                result
            });
            json!({"name": row.knob.name(), "results": results.collect::<Vec<_>>()})
        });
        let perturbations = self.perturbations.iter().map(|row| {
            let results = row.ladder.rungs.iter().zip(&row.results);
            let results = results.map(|(rung, accuracy)| {
                let mut result = object(json!({
                    "perturb": Perturbation::from(rung.clone()).to_string(),
                }));
                result.extend(measured(accuracy));
                result
            });
            json!({"name": row.ladder.name, "results": results.collect::<Vec<_>>()})
        });
        object(json!({
            "schema": SCHEMA,
            "data": opened.record(&self.hash),
            "labels": plan.source.labels_name(),
            "on": plan.on.name(),
            "limit": data_source::limit(settings, opened.data.train().len()),
            "seed": settings.seed,
            "split_seed": settings.split_seed,
            "metric": plan.metric.name(),
            "k": K,
            "n_train": self.n_train,
            "n_eval": self.n_eval,
            "simd": settings.level.name(),
            "threads": rayon::current_num_threads(),
            "knobs_s": self.knobs_s,
            "perturbations_s": self.perturbations_s,
            "answer": self.answer,
            "looks": self.looks,
            "synthetic": {"n_train": plan.textbook.n_train, "n_eval": plan.textbook.n_test},
            "knobs": knobs.collect::<Vec<_>>(),
            "unperturbed": measured(&self.unperturbed),
            "perturbations": perturbations.collect::<Vec<_>>(),
        }))
    }

    fn rows(
        &self,
        plan: &DifficultiesPlan,
        settings: &Settings,
        opened: &Opened,
    ) -> Vec<Vec<String>> {
        let time = now();
        let row = |of: &Measurement<'_>, accuracy: &Accuracy| {
            let drawn = of.drawn.is_some();
            let (source, hash) = if drawn {
                (format!("synthetic, seed {}", settings.seed), String::new())
            } else {
                (opened.source.clone(), self.hash.clone())
            };
            let n_train = if drawn {
                plan.textbook.n_train
            } else {
                self.n_train
            };
            let took = if drawn {
                self.knobs_s
            } else {
                self.perturbations_s
            };
            let limit = if drawn {
                plan.textbook_limit
            } else {
                data_source::limit(settings, opened.data.train().len())
            };
            let (low, high) = accuracy.wilson_95();
            let mut row = vec![
                SCHEMA.to_owned(),
                time.clone(),
                env!("CARGO_PKG_VERSION").to_owned(),
                source,
                hash,
                plan.source.labels_name().to_owned(),
                if drawn { "test" } else { plan.on.name() }.to_owned(),
                cell(limit),
                settings.seed.to_string(),
                settings.split_seed.to_string(),
                n_train.to_string(),
                accuracy.total.to_string(),
                plan.metric.to_string(),
                K.to_string(),
                settings.level.name().to_owned(),
                rayon::current_num_threads().to_string(),
                took.to_string(),
                self.answer.clone(),
                cell(self.looks),
                of.kind.to_owned(),
                of.name.to_owned(),
            ];
            row.extend(Knob::ALL.map(|knob| cell(of.drawn.map(|params| share(knob.of(params))))));
            row.extend([
                of.perturb.clone(),
                accuracy.value().to_string(),
                low.to_string(),
                high.to_string(),
                accuracy.correct.to_string(),
            ]);
            row
        };
        let mut rows = Vec::new();
        for of_knob in &self.knobs {
            for (params, accuracy) in &of_knob.results {
                let of = Measurement {
                    kind: "knob",
                    name: of_knob.knob.name(),
                    drawn: Some(params),
                    perturb: String::new(),
                };
                rows.push(row(&of, accuracy));
            }
        }
        let as_they_are = Measurement {
            kind: "perturbation",
            name: "none",
            drawn: None,
            perturb: Perturbation::default().to_string(),
        };
        rows.push(row(&as_they_are, &self.unperturbed));
        for of_step in &self.perturbations {
            for (rung, accuracy) in of_step.ladder.rungs.iter().zip(&of_step.results) {
                let of = Measurement {
                    kind: "perturbation",
                    name: of_step.ladder.name,
                    drawn: None,
                    perturb: Perturbation::from(rung.clone()).to_string(),
                };
                rows.push(row(&of, accuracy));
            }
        }
        rows
    }

    fn text(&self, plan: &DifficultiesPlan, opened: &Opened) -> String {
        let mut header = vec!["difficulty".to_owned()];
        header.extend(STRENGTHS.map(|strength| share(strength).to_string()));
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let knobs = self.knobs.iter().map(|row| {
            let cells = row.results.iter().map(|(_, accuracy)| shown(accuracy));
            let name = format!("{}\n", row.knob.name());
            std::iter::once(name).chain(cells).collect()
        });
        let mut text = format!(
            "synthetic images, seed {}, one difficulty at a time: {}, k = {K}, {} test images against {} training \
             images\n{}",
            plan.textbook.seed,
            plan.metric,
            plan.textbook.n_test,
            plan.textbook.n_train,
            table(&header, &knobs.collect::<Vec<_>>(), 1)
        );
        let perturbations = self.perturbations.iter().map(|row| {
            let cells = row.ladder.rungs.iter().zip(&row.results);
            let cells = cells
                .map(|(rung, accuracy)| format!("{}\n{}", rung.changed_options(), shown(accuracy)));
            let name = format!("{}\n\n", row.ladder.name);
            std::iter::once(name).chain(cells).collect()
        });
        let evaluated = plan.on.adjective();
        let (low, high) = self.unperturbed.wilson_95();
        text.push_str(&format!(
            "\n{}, one perturbation at a time: {}, k = {K}, {} {evaluated} images against {} training images as they are\n\
             as they are: {:.3}, 95 % interval {low:.3} to {high:.3}\n{}",
            opened.source,
            plan.metric,
            self.n_eval,
            self.n_train,
            self.unperturbed.value(),
            table(
                &["perturbation", "1", "2", "3", "4", "5"],
                &perturbations.collect::<Vec<_>>(),
                1
            )
        ));
        for path in plan.knobs_picture.iter().chain(&plan.picture) {
            text.push_str(&format!("picture: {}\n", path.display()));
        }
        text.push_str(&format!(
            "difficulties {}, perturbations {}\n",
            seconds(self.knobs_s),
            seconds(self.perturbations_s)
        ));
        text
    }
}

/// What one accuracy belongs to.
struct Measurement<'a> {
    /// `knob` or `perturbation`.
    kind: &'static str,
    name: &'static str,
    /// The parameters of the drawn images, for a knob.
    drawn: Option<&'a SynthParams>,
    /// The specification, for a perturbation.
    perturb: String,
}

fn measured(accuracy: &Accuracy) -> Map<String, Value> {
    let (low, high) = accuracy.wilson_95();
    object(json!({
        "accuracy": accuracy.value(),
        "ci95": [low, high],
        "correct": accuracy.correct,
    }))
}

/// The accuracy, and its 95 % interval below.
fn shown(accuracy: &Accuracy) -> String {
    let (low, high) = accuracy.wilson_95();
    format!("{:.3}\n{low:.3} to {high:.3}", accuracy.value())
}
