//! `nearplane data synth`: drawn images as a data set on disk.

use std::time::Instant;

use anyhow::Result;
use nearplane_cifar::Format;
use nearplane_cifar::write::{Contents, write_folder};
use nearplane_synth::{Knob, SplitName, SynthParams};
use serde_json::{Map, Value, json};

use super::{check_output_folder, now, object};
use crate::data_source::{draw, limit, note_vain_limit, synthetic_class_names, written};
use crate::output::{Report, cell, counted, seconds};
use crate::plan::{Settings, SynthPlan};

/// Columns of `--results`.
pub(crate) const COLUMNS: [&str; 15] = [
    "schema",
    "time",
    "version",
    "out",
    "seed",
    "viewpoint",
    "background",
    "illumination",
    "occlusion",
    "variation",
    "limit",
    "data_hash",
    "n_train",
    "n_test",
    "seconds",
];

const SCHEMA: &str = "nearplane/data-synth/1";

/// Draws, writes, and reports.
pub(crate) fn run(plan: &SynthPlan, settings: &Settings) -> Result<Report> {
    check_output_folder(&plan.out, settings.force)?;
    let started = Instant::now();
    let n_train = settings
        .limit
        .map_or(plan.params.n_train, |limit| limit.min(plan.params.n_train));
    note_vain_limit(settings, plan.params.n_train, "training image");
    let contents = Contents {
        format: Format::Cifar10,
        train: draw(&plan.config, SplitName::Train, n_train, settings)?,
        test: draw(&plan.config, SplitName::Test, plan.params.n_test, settings)?,
        class_names: synthetic_class_names(),
        ..Contents::default()
    };
    let record_len = contents.format.record_len();
    let files = write_folder(&plan.out, &contents, settings.force)?;
    let elapsed = started.elapsed().as_secs_f64();

    let (n_train, n_test) = (
        contents.train.len() / record_len,
        contents.test.len() / record_len,
    );
    let text = format!(
        "{n_train} training and {} of {} classes in {}, seed {}, {}\n",
        counted(n_test, "test image"),
        contents.class_names.len(),
        plan.out.display(),
        plan.params.seed,
        seconds(elapsed)
    );
    let (mut record, mut rows) = (serde_json::Map::new(), Vec::new());
    if settings.wants_record() {
        let (data, hash) = written(&plan.out, settings)?;
        record = object(json!({
            "schema": SCHEMA,
            "data": data,
            "out": plan.out.display().to_string(),
            "files": files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
            "train": n_train,
            "test": n_test,
            "classes": contents.class_names,
            "seed": plan.params.seed,
            "difficulties": difficulties(&plan.params),
            "seconds": elapsed,
        }));
        let mut row = vec![
            SCHEMA.to_owned(),
            now(),
            env!("CARGO_PKG_VERSION").to_owned(),
            plan.out.display().to_string(),
            plan.params.seed.to_string(),
        ];
        row.extend(Knob::ALL.map(|knob| share(knob.of(&plan.params)).to_string()));
        row.extend([
            cell(limit(settings, plan.params.n_train)),
            hash,
            n_train.to_string(),
            n_test.to_string(),
            elapsed.to_string(),
        ]);
        rows = vec![row];
    }
    Ok(Report { record, text, rows })
}

/// Thousandths as the number from 0 to 1 that was given.
pub(crate) fn share(thousandths: u16) -> f64 {
    f64::from(thousandths) / f64::from(SynthParams::HARDEST)
}

/// The five difficulties by name, each from 0 to 1.
pub(crate) fn difficulties(params: &SynthParams) -> Map<String, Value> {
    Knob::ALL
        .map(|knob| (knob.name().to_owned(), share(knob.of(params)).into()))
        .into_iter()
        .collect()
}
