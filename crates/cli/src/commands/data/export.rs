//! `nearplane data export`: images and labels as NumPy arrays, row by row.

use std::io::Write;
use std::time::Instant;

use anyhow::Result;
use nearplane_cifar::{Format, Images, LabelKind, PIXELS, SplitName};
use serde_json::json;

use super::{now, object};
use crate::data_source;
use crate::hash::data_hash;
use crate::npy;
use crate::output::{Report, cell, seconds};
use crate::pending::refuse_inside_data;
use crate::pending_folder::PendingFolder;
use crate::plan::{ExportPlan, Settings};
use crate::progress::{Progress, check_interrupt};

/// Columns of `--results`.
pub(crate) const COLUMNS: [&str; 11] = [
    "schema",
    "time",
    "version",
    "data_source",
    "data_hash",
    "out",
    "dtype",
    "limit",
    "n_train",
    "n_test",
    "seconds",
];

const SCHEMA: &str = "nearplane/data-export/1";

/// Every name that an export can have.
const NAMES: [&str; 6] = [
    "x_train.npy",
    "y_train.npy",
    "y_train_coarse.npy",
    "x_test.npy",
    "y_test.npy",
    "y_test_coarse.npy",
];

/// Opens, writes, and reports.
pub(crate) fn run(plan: &ExportPlan, settings: &Settings) -> Result<Report> {
    let mut folder = PendingFolder::create(&plan.out, settings.force, &NAMES)?;
    let started = Instant::now();
    let opened = data_source::open(&plan.source, settings)?;
    for path in std::iter::once(&plan.out).chain(&settings.results) {
        refuse_inside_data(opened.folder(), path)?;
    }
    let data = &opened.data;
    // Fine labels are the first ones of the names; for CIFAR-10 there are no others.
    let kinds: &[(&str, LabelKind)] = match data.format() {
        Format::Cifar10 => &[("", LabelKind::Fine)],
        Format::Cifar100 => &[("", LabelKind::Fine), ("_coarse", LabelKind::Coarse)],
    };
    let (mut n_train, mut n_test) = (0, 0);
    for &split in &plan.splits {
        let images = data.split(split);
        let mut n = images.len();
        if split == SplitName::Train {
            n = settings.limit.map_or(n, |limit| limit.min(n));
            n_train = n;
        } else {
            n_test = n;
        }
        folder.write(&format!("x_{split}.npy"), |writer| {
            write_images(images, n, plan.floats, settings.quiet, writer)
        })?;
        for &(suffix, kind) in kinds {
            folder.write(&format!("y_{split}{suffix}.npy"), |writer| {
                writer.write_all(&npy::header("|u1", &[n]))?;
                let labels = labels(images, data.format(), kind);
                Ok(writer.write_all(&labels[..n])?)
            })?;
        }
    }
    let hash = if settings.wants_record() {
        data_hash(data)
    } else {
        String::new()
    };
    data.verify_unchanged()?;
    check_interrupt()?;
    let files = folder.finish()?;
    let elapsed = started.elapsed().as_secs_f64();

    let dtype = if plan.floats { "float32" } else { "uint8" };
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let record = object(json!({
        "schema": SCHEMA,
        "data": opened.record(&hash),
        "out": plan.out.display().to_string(),
        "files": names,
        "dtype": dtype,
        "cols": PIXELS,
        "limit": data_source::limit(settings, data.train().len()),
        "train": n_train,
        "test": n_test,
        "classes": data.names_of(LabelKind::Fine),
        "seconds": elapsed,
    }));
    let row = vec![
        SCHEMA.to_owned(),
        now(),
        env!("CARGO_PKG_VERSION").to_owned(),
        opened.source.clone(),
        hash,
        plan.out.display().to_string(),
        dtype.to_owned(),
        cell(data_source::limit(settings, data.train().len())),
        n_train.to_string(),
        n_test.to_string(),
        elapsed.to_string(),
    ];
    Ok(Report {
        record,
        rows: vec![row],
        text: format!(
            "{n_train} training and {n_test} test images of {}, {dtype}, {}\n{}\n",
            opened.source,
            seconds(elapsed),
            names.join("\n")
        ),
    })
}

/// The first `n` images as rows.
fn write_images(
    images: &Images,
    n: usize,
    floats: bool,
    quiet: bool,
    writer: &mut impl Write,
) -> Result<()> {
    let progress = Progress::new("writing images", quiet);
    writer.write_all(&npy::header(
        if floats { "<f4" } else { "|u1" },
        &[n, PIXELS],
    ))?;
    let mut wide = Vec::new();
    for i in 0..n {
        let image = images.image(i);
        if floats {
            wide.clear();
            wide.extend(image.iter().flat_map(|&byte| f32::from(byte).to_le_bytes()));
            writer.write_all(&wide)?;
        } else {
            writer.write_all(image)?;
        }
        if i % 1024 == 0 {
            check_interrupt()?;
            progress.update(i as u64, Some(n as u64));
        }
    }
    Ok(())
}

/// Labels of one kind, whichever the data set was opened with.
fn labels(images: &Images, format: Format, kind: LabelKind) -> Vec<u8> {
    let kinds = format.label_kinds();
    let byte = kinds.iter().position(|&other| other == kind).unwrap_or(0);
    images
        .records()
        .flat_map(|records| records.chunks_exact(format.record_len()))
        .map(|record| record[byte])
        .collect()
}
