//! `nearplane features`: the features of a split as a matrix in a file, with its labels, and as a picture.

mod picture;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use nearplane_cifar::Dataset;
use nearplane_models::features::FeatureExtractor;
use serde_json::{Value, json};

use super::{now, object};
use crate::data_source;
use crate::feature_matrix::{self, Passed, rows_of};
use crate::hash::data_hash;
use crate::npy;
use crate::output::{Report, cell, counted, seconds, table};
use crate::pending::{PendingFile, refuse_inside_data};
use crate::plan::{FeaturesPlan, MatrixFormat, MatrixPlan, Settings};
use crate::progress::check_interrupt;
use crate::safetensors_file;

/// Columns of `--results`.
pub(crate) const COLUMNS: [&str; 16] = [
    "schema",
    "time",
    "version",
    "data_source",
    "data_hash",
    "labels",
    "limit",
    "split",
    "spec",
    "rows",
    "cols",
    "simd",
    "threads",
    "out",
    "from_cache",
    "seconds",
];

const SCHEMA: &str = "nearplane/features/1";

/// Opens, extracts, writes, draws and reports.
pub(crate) fn run(plan: &FeaturesPlan, settings: &Settings) -> Result<Report> {
    let started = |path: &PathBuf| PendingFile::create(path, settings.force);
    let matrix = plan.matrix.as_ref();
    let labels_out = matrix.and_then(|matrix| matrix.labels_out.as_ref());
    let picture_path = plan.picture.as_ref().map(|picture| &picture.path);
    let mut out = matrix.map(|matrix| started(&matrix.out)).transpose()?;
    let mut labels_file = labels_out.map(started).transpose()?;
    let mut picture_file = picture_path.map(started).transpose()?;
    let opened = data_source::open(&plan.source, settings)?;
    let data = &opened.data;
    let outputs = [
        matrix.map(|matrix| &matrix.out),
        labels_out,
        picture_path,
        settings.results.as_ref(),
    ];
    for path in outputs.into_iter().flatten() {
        refuse_inside_data(opened.folder(), path)?;
    }
    let extractor = &plan.choice.extractor;
    let (rows, cols) = (rows_of(data, plan.split, settings), extractor.n_features());

    // The hash of the data goes into the file, too.
    let in_file = matrix.is_some_and(|matrix| matrix.format == MatrixFormat::Safetensors);
    let hash = if settings.wants_record() || in_file {
        data_hash(data)
    } else {
        String::new()
    };
    let passed = match (matrix, &mut out) {
        (Some(matrix), Some(out)) => {
            let files = (out, labels_file.as_mut());
            Some(write_matrix(plan, matrix, data, &hash, settings, files)?)
        }
        _ => None,
    };
    if let (Some(picture), Some(file)) = (&plan.picture, &mut picture_file) {
        picture::draw(picture, data, plan.split, rows, settings, file)?;
    }
    data.verify_unchanged()?;
    check_interrupt()?;
    let files = [out, labels_file, picture_file];
    settings
        .outputs
        .place(files.into_iter().flatten().collect())?;

    let limit = data_source::limit(settings, data.train().len());
    let spec = extractor.spec().to_string();
    let images = counted(rows, &format!("{} image", plan.split));
    let mut text = format!("{}, {images}: ", opened.source);
    match &passed {
        Some(passed) => {
            text.push_str(&format!(
                "{rows} x {cols} features, {}",
                seconds(passed.seconds)
            ));
        }
        None => text.push_str(&format!("{cols} features each, drawn only")),
    }
    text.push_str(&format!("\n{}", blocks_table(extractor)));
    for line in written_files(plan) {
        text.push_str(&format!("{line}\n"));
    }
    // Of a run without a matrix there is none, and no time that it took.
    let n_rows = passed.as_ref().map(|_| rows);
    let from_cache = passed.as_ref().map(|passed| passed.from_cache);
    let elapsed = passed.as_ref().map(|passed| passed.seconds);
    let shown = |path: Option<&PathBuf>| path.map(|path| path.display().to_string());
    let out_shown = shown(matrix.map(|matrix| &matrix.out));
    let record = object(json!({
        "schema": SCHEMA,
        "data": opened.record(&hash),
        "labels": plan.source.labels_name(),
        "limit": limit,
        "split": plan.split.to_string(),
        "spec": spec,
        "blocks": blocks(extractor),
        "rows": n_rows,
        "cols": cols,
        "simd": settings.level.name(),
        "threads": rayon::current_num_threads(),
        "out": out_shown,
        "labels_out": shown(labels_out),
        "picture": shown(picture_path),
        "from_cache": from_cache,
        "seconds": elapsed,
    }));
    let row = vec![
        SCHEMA.to_owned(),
        now(),
        env!("CARGO_PKG_VERSION").to_owned(),
        opened.source.clone(),
        hash,
        plan.source.labels_name().to_owned(),
        cell(limit),
        plan.split.to_string(),
        spec,
        cell(n_rows),
        cols.to_string(),
        settings.level.name().to_owned(),
        rayon::current_num_threads().to_string(),
        out_shown.unwrap_or_default(),
        cell(from_cache),
        cell(elapsed),
    ];
    Ok(Report {
        record,
        text,
        rows: vec![row],
    })
}

/// Extracts the features of a split into the files of a matrix: its own, and that of the labels where
/// they have one.
fn write_matrix(
    plan: &FeaturesPlan,
    matrix: &MatrixPlan,
    data: &Dataset,
    hash: &str,
    settings: &Settings,
    (out, labels_out): (&mut PendingFile, Option<&mut PendingFile>),
) -> Result<Passed> {
    let extractor = &plan.choice.extractor;
    let (rows, cols) = (rows_of(data, plan.split, settings), extractor.n_features());
    let mut labels = data.split(plan.split).labels();
    labels.truncate(rows);
    let cannot = out.cannot_write();
    match matrix.format {
        MatrixFormat::Npy => out.write_all(&npy::header("<f4", &[rows, cols])),
        MatrixFormat::Safetensors => {
            let metadata = BTreeMap::from(
                [
                    ("format", SCHEMA),
                    ("spec", &extractor.spec().to_string()),
                    ("data", hash),
                    ("split", &plan.split.to_string()),
                ]
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
            );
            let x: (_, _, &[usize], _) = ("x", "F32", &[rows, cols], 4 * rows * cols);
            out.write_all(&safetensors_file::header(
                &[x, ("y", "U8", &[rows], rows)],
                &metadata,
            ))
        }
    }
    .with_context(|| cannot.clone())?;
    let passed = feature_matrix::pass(data, plan.split, &plan.choice, settings, |values| {
        write_floats(values, &mut *out).with_context(|| cannot.clone())
    })?;
    match labels_out {
        None => out.write_all(&labels).context(cannot)?,
        Some(file) => {
            let cannot = file.cannot_write();
            file.write_all(&npy::header("|u1", &[rows]))
                .and_then(|()| file.write_all(&labels))
                .context(cannot)?;
        }
    }
    Ok(passed)
}

fn write_floats(values: &[f32], out: &mut impl Write) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    for part in values.chunks(1 << 14) {
        bytes.clear();
        bytes.extend(part.iter().flat_map(|x| x.to_le_bytes()));
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// A line for each file.
fn written_files(plan: &FeaturesPlan) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(matrix) = &plan.matrix {
        let out = matrix.out.display();
        match &matrix.labels_out {
            None => lines.push(format!("features and labels: {out}")),
            Some(labels) => {
                lines.push(format!("features: {out}"));
                lines.push(format!("labels: {}", labels.display()));
            }
        }
    }
    lines.extend(plan.picture.as_ref().map(picture::described));
    lines
}

/// The blocks of columns as they are recorded: `columns` is first and last + 1.
pub(crate) fn blocks(extractor: &FeatureExtractor) -> Value {
    let blocks = extractor.blocks().iter().map(|block| {
        json!({
            "name": block.name,
            "spec": block.spec,
            "columns": [block.columns.start, block.columns.end],
        })
    });
    blocks.collect()
}

/// The same for people.
fn blocks_table(extractor: &FeatureExtractor) -> String {
    let rows: Vec<Vec<String>> = extractor
        .blocks()
        .iter()
        .map(|block| {
            vec![
                block.name.clone(),
                format!(
                    "{} to {}",
                    block.columns.start,
                    block.columns.end.saturating_sub(1)
                ),
                block.spec.clone(),
            ]
        })
        .collect();
    table(&["block", "columns", "in full"], &rows, 3)
}
