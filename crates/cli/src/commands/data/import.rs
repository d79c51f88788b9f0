//! `nearplane data import`: class folders of images become CIFAR-10 binary files.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow};
use nearplane_cifar::import::{ImportError, ImportOptions};
use nearplane_cifar::write::write_folder;
use serde_json::json;

use super::{check_output_folder, now, object};
use crate::data_source::{limit, note_vain_limit, written};
use crate::failure::Interrupted;
use crate::output::{Report, cell, counted, note, seconds, warn};
use crate::plan::{ImportPlan, Settings};
use crate::progress::{Progress, check_interrupt};

/// Columns of `--results`.
pub(crate) const COLUMNS: [&str; 15] = [
    "schema",
    "time",
    "version",
    "src",
    "out",
    "order",
    "skip_bad",
    "test_ratio",
    "seed",
    "limit",
    "data_hash",
    "n_train",
    "n_test",
    "skipped",
    "seconds",
];

const SCHEMA: &str = "nearplane/data-import/1";

/// Skipped images that are named on stderr.
const SHOWN_BAD_IMAGES: usize = 20;

/// Decodes, writes, and reports.
pub(crate) fn run(plan: &ImportPlan, settings: &Settings) -> Result<Report> {
    check_output_folder(&plan.out, settings.force)?;
    let started = Instant::now();
    let options = ImportOptions {
        order: plan.order.clone(),
        skip_bad: plan.skip_bad,
        test_ratio: plan.test_ratio,
        seed: settings.seed,
    };
    let progress = Progress::new("decoding images", settings.quiet);
    let result = nearplane_cifar::import::import(&plan.src, &options, &progress);
    drop(progress);
    let mut imported = result.map_err(|error| explain(error, &plan.src))?;
    check_interrupt()?;

    for bad in imported.skipped.iter().take(SHOWN_BAD_IMAGES) {
        warn(&format!("skipped {}: {}", bad.path, bad.reason));
    }
    if let Some(more @ 1..) = imported.skipped.len().checked_sub(SHOWN_BAD_IMAGES) {
        warn(&format!("skipped {more} more; --json lists them all"));
    }
    for text in &imported.notes {
        note(settings.quiet, text);
    }
    let all = imported.contents.train.len() / imported.contents.format.record_len();
    note_vain_limit(settings, all, "training image");
    if let Some(limit) = settings.limit {
        let bytes = limit.saturating_mul(imported.contents.format.record_len());
        imported.contents.train.truncate(bytes);
    }
    let files = write_folder(&plan.out, &imported.contents, settings.force)?;
    let elapsed = started.elapsed().as_secs_f64();

    let format = imported.contents.format;
    let n_train = imported.contents.train.len() / format.record_len();
    let n_test = imported.contents.test.len() / format.record_len();
    let classes = imported.contents.class_names;
    let skipped = imported.skipped.len();
    let mut text = format!(
        "{n_train} training and {} of {} in {}, {}, {}\n",
        counted(n_test, "test image"),
        counted(classes.len(), "class"),
        plan.out.display(),
        counted(files.len(), "file"),
        seconds(elapsed)
    );
    if imported.resized > 0 {
        text.push_str(&format!(
            "{} resized to 32x32\n",
            counted(imported.resized, "image")
        ));
    }
    if skipped > 0 {
        text.push_str(&format!(
            "{} left out, as decoding failed\n",
            counted(skipped, "image")
        ));
    }

    let (mut record, mut rows) = (serde_json::Map::new(), Vec::new());
    if settings.wants_record() {
        let (data, hash) = written(&plan.out, settings)?;
        record = object(json!({
            "schema": SCHEMA,
            "data": data,
            "src": plan.src.display().to_string(),
            "out": plan.out.display().to_string(),
            "files": files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
            "train": n_train,
            "test": n_test,
            "classes": classes,
            "resized": imported.resized,
            "skipped": imported.skipped.iter()
                .map(|bad| json!({"file": bad.path.to_string(), "reason": bad.reason.to_string()}))
                .collect::<Vec<_>>(),
            "seconds": elapsed,
        }));
        rows = vec![vec![
            SCHEMA.to_owned(),
            now(),
            env!("CARGO_PKG_VERSION").to_owned(),
            plan.src.display().to_string(),
            plan.out.display().to_string(),
            plan.order
                .as_ref()
                .map_or_else(String::new, |path| path.display().to_string()),
            plan.skip_bad.to_string(),
            cell(plan.test_ratio),
            settings.seed.to_string(),
            cell(limit(settings, all)),
            hash,
            n_train.to_string(),
            n_test.to_string(),
            skipped.to_string(),
            elapsed.to_string(),
        ]];
    }
    Ok(Report { record, text, rows })
}

/// Cancelled is not failed, where an option of the command line helps, it is named, and so is the source.
fn explain(error: ImportError, src: &Path) -> anyhow::Error {
    let error = match error {
        ImportError::Cancelled { .. } => return Interrupted.into(),
        ImportError::UnreadableImages { .. } => anyhow!("{error} (--skip-bad)"),
        ImportError::NoTestImage { .. } => anyhow!("{error} (--test-ratio 0.2, say)"),
        error => error.into(),
    };
    let src = src.display().to_string();
    if error.to_string().contains(&src) {
        error
    } else {
        error.context(format!("cannot import {src}"))
    }
}
