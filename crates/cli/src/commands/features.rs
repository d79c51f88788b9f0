//! `nearplane features`: the features of a split as a matrix in a file, with its labels.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context as _, Result};
use nearplane_models::features::FeatureExtractor;
use serde_json::{Value, json};

use super::{now, object};
use crate::data_source;
use crate::feature_matrix::{self, rows_of};
use crate::hash::data_hash;
use crate::npy;
use crate::output::{Report, cell, counted, seconds, table};
use crate::pending::{PendingFile, refuse_inside_data};
use crate::plan::{FeaturesPlan, MatrixFormat, Settings};
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

/// Opens, extracts, writes and reports.
pub(crate) fn run(plan: &FeaturesPlan, settings: &Settings) -> Result<Report> {
    let mut out = PendingFile::create(&plan.out, settings.force)?;
    let mut labels_out = plan
        .labels_out
        .as_ref()
        .map(|path| PendingFile::create(path, settings.force))
        .transpose()?;
    let opened = data_source::open(&plan.source, settings)?;
    let data = &opened.data;
    let outputs = [plan.labels_out.as_ref(), settings.results.as_ref()];
    for path in outputs.into_iter().flatten().chain([&plan.out]) {
        refuse_inside_data(opened.folder(), path)?;
    }
    let extractor = &plan.choice.extractor;
    let (rows, cols) = (rows_of(data, plan.split, settings), extractor.n_features());
    let mut labels = data.split(plan.split).labels();
    labels.truncate(rows);

    // The hash of the data goes into the file, too.
    let in_file = plan.format == MatrixFormat::Safetensors;
    let hash = if settings.wants_record() || in_file {
        data_hash(data)
    } else {
        String::new()
    };
    let cannot = out.cannot_write();
    match plan.format {
        MatrixFormat::Npy => out.write_all(&npy::header("<f4", &[rows, cols])),
        MatrixFormat::Safetensors => {
            let metadata = BTreeMap::from(
                [
                    ("format", SCHEMA),
                    ("spec", &extractor.spec().to_string()),
                    ("data", &hash),
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
        write_floats(values, &mut out).with_context(|| cannot.clone())
    })?;
    match &mut labels_out {
        None => out.write_all(&labels).context(cannot)?,
        Some(file) => {
            let cannot = file.cannot_write();
            file.write_all(&npy::header("|u1", &[rows]))
                .and_then(|()| file.write_all(&labels))
                .context(cannot)?;
        }
    }
    data.verify_unchanged()?;
    check_interrupt()?;
    settings
        .outputs
        .place(std::iter::once(out).chain(labels_out).collect())?;

    let labels_file = plan.labels_out.as_ref();
    let limit = data_source::limit(settings, data.train().len());
    let spec = extractor.spec().to_string();
    let text = format!(
        "{}, {}: {} x {cols} features, {}\n{}{}\n",
        opened.source,
        counted(rows, &format!("{} image", plan.split)),
        rows,
        seconds(passed.seconds),
        blocks_table(extractor),
        written_files(plan),
    );
    let record = object(json!({
        "schema": SCHEMA,
        "data": opened.record(&hash),
        "labels": plan.source.labels_name(),
        "limit": limit,
        "split": plan.split.to_string(),
        "spec": spec,
        "blocks": blocks(extractor),
        "rows": rows,
        "cols": cols,
        "simd": settings.level.name(),
        "threads": rayon::current_num_threads(),
        "out": plan.out.display().to_string(),
        "labels_out": labels_file.map(|path| path.display().to_string()),
        "from_cache": passed.from_cache,
        "seconds": passed.seconds,
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
        rows.to_string(),
        cols.to_string(),
        settings.level.name().to_owned(),
        rayon::current_num_threads().to_string(),
        plan.out.display().to_string(),
        passed.from_cache.to_string(),
        passed.seconds.to_string(),
    ];
    Ok(Report {
        record,
        text,
        rows: vec![row],
    })
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

fn written_files(plan: &FeaturesPlan) -> String {
    match &plan.labels_out {
        None => format!("features and labels: {}", plan.out.display()),
        Some(labels) => format!(
            "features: {}\nlabels: {}",
            plan.out.display(),
            labels.display()
        ),
    }
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
