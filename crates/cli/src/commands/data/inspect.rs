//! `nearplane data inspect`: what is in a data set, and what is wrong with it.

use std::collections::HashMap;
use std::io::Write as _;

use anyhow::{Context as _, Result};
use nearplane_cifar::{CHANNELS, Dataset, Images, PIXELS};
use serde_json::json;

use super::{now, object};
use crate::data_source;
use crate::hash::data_hash;
use crate::output::{Report, cell, counted, table};
use crate::pending::{PendingFile, refuse_inside_data};
use crate::plan::{InspectPlan, Settings};
use crate::progress::check_interrupt;

/// Columns of `--results`; counts and means are lists separated by blanks.
pub(crate) const COLUMNS: [&str; 15] = [
    "schema",
    "time",
    "version",
    "data_source",
    "data_hash",
    "limit",
    "n_train",
    "n_test",
    "classes",
    "train_class_counts",
    "test_class_counts",
    "train_means",
    "duplicates_train",
    "duplicates_train_conflicting",
    "duplicates_test_in_train",
];

const SCHEMA: &str = "nearplane/data-inspect/1";

/// Samples of each class in the picture.
const SAMPLES: usize = 10;

/// Counts, compares, draws and reports.
pub(crate) fn run(plan: &InspectPlan, settings: &Settings) -> Result<Report> {
    let mut picture = plan
        .picture
        .as_ref()
        .map(|path| PendingFile::create(path, settings.force))
        .transpose()?;
    let opened = data_source::open(&plan.source, settings)?;
    let data = &opened.data;
    let names = data.class_names();
    let limit = data_source::limit(settings, data.train().len());
    let n_train = limit.unwrap_or(data.train().len());
    let n_test = data.test().len();

    let train = Summary::of(data.train(), n_train, names.len());
    let test = Summary::of(data.test(), n_test, names.len());
    check_interrupt()?;
    for path in plan.picture.iter().chain(&settings.results) {
        refuse_inside_data(opened.folder(), path)?;
    }
    let duplicates = Duplicates::of(data, n_train);
    check_interrupt()?;
    if let Some(file) = &mut picture {
        draw(data, n_train, file)?;
    }
    let hash = settings.wants_record().then(|| data_hash(data));
    data.verify_unchanged()?;
    settings.outputs.place(picture.into_iter().collect())?;

    let mut rows: Vec<Vec<String>> = names
        .iter()
        .zip(train.class_counts.iter().zip(&test.class_counts))
        .enumerate()
        .map(|(label, (name, (train, test)))| {
            vec![
                label.to_string(),
                name.clone(),
                train.to_string(),
                test.to_string(),
            ]
        })
        .collect();
    rows.push(vec![
        String::new(),
        "all".to_owned(),
        n_train.to_string(),
        n_test.to_string(),
    ]);
    let means = |summary: &Summary| summary.means.map(|mean| format!("{mean:.2}")).join(", ");
    let mut text = format!("{}, {}\n", opened.source, data.format());
    text.push_str(&table(&["label", "class", "train", "test"], &rows, 2));
    text.push_str(&format!(
        "mean of red, green, blue: train {}; test {}\n\
         exact duplicates: {} within train ({} of them under another label), {} in train\n",
        means(&train),
        means(&test),
        duplicates.within_train,
        duplicates.conflicting,
        counted(duplicates.test_in_train, "test image")
    ));
    if let Some(path) = &plan.picture {
        text.push_str(&format!("samples: {}\n", path.display()));
    }

    let hash = hash.unwrap_or_default();
    let record = object(json!({
        "schema": SCHEMA,
        "data": opened.record(&hash),
        "format": data.format().name(),
        "n_train": n_train,
        "n_test": n_test,
        "limit": limit,
        "classes": names,
        "class_counts": {"train": train.class_counts, "test": test.class_counts},
        "means": {"train": train.means, "test": test.means},
        "duplicates": {
            "train": duplicates.within_train,
            "train_conflicting": duplicates.conflicting,
            "test_in_train": duplicates.test_in_train,
        },
        "picture": plan.picture.as_ref().map(|path| path.display().to_string()),
    }));
    let row = vec![
        SCHEMA.to_owned(),
        now(),
        env!("CARGO_PKG_VERSION").to_owned(),
        opened.source.clone(),
        hash,
        cell(limit),
        n_train.to_string(),
        n_test.to_string(),
        names.len().to_string(),
        blanks(&train.class_counts),
        blanks(&test.class_counts),
        blanks(&train.means),
        duplicates.within_train.to_string(),
        duplicates.conflicting.to_string(),
        duplicates.test_in_train.to_string(),
    ];
    Ok(Report {
        record,
        text,
        rows: vec![row],
    })
}

fn blanks<T: ToString>(values: &[T]) -> String {
    values
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Counts and means of the first images of a split.
struct Summary {
    class_counts: Vec<u64>,
    /// Of red, green and blue, 0..=255.
    means: [f64; CHANNELS],
}

impl Summary {
    fn of(images: &Images, n: usize, n_classes: usize) -> Summary {
        let mut class_counts = vec![0; n_classes];
        let mut sums = [0_u64; CHANNELS];
        for i in 0..n {
            class_counts[usize::from(images.label(i))] += 1;
            for (sum, plane) in sums
                .iter_mut()
                .zip(images.image(i).chunks_exact(PIXELS / CHANNELS))
            {
                *sum += plane.iter().map(|&pixel| u64::from(pixel)).sum::<u64>();
            }
        }
        let pixels = (n * PIXELS / CHANNELS) as f64;
        Summary {
            class_counts,
            means: sums.map(|sum| sum as f64 / pixels),
        }
    }
}

/// Images that are there more than once, pixel by pixel.
struct Duplicates {
    /// Training images equal to an earlier training image.
    within_train: usize,
    /// Those of them whose label is not that of the first one.
    conflicting: usize,
    /// Test images equal to some training image.
    test_in_train: usize,
}

impl Duplicates {
    fn of(data: &Dataset, n_train: usize) -> Duplicates {
        let mut first: HashMap<&[u8], usize> = HashMap::with_capacity(n_train);
        let (mut within_train, mut conflicting) = (0, 0);
        for i in 0..n_train {
            let original = *first.entry(data.train().image(i)).or_insert(i);
            if original != i {
                within_train += 1;
                conflicting += usize::from(data.train().label(i) != data.train().label(original));
            }
        }
        let test_in_train = (0..data.test().len())
            .filter(|&i| first.contains_key(data.test().image(i)))
            .count();
        Duplicates {
            within_train,
            conflicting,
            test_in_train,
        }
    }
}

/// The first training images of each class, a row per class.
fn draw(data: &Dataset, n_train: usize, file: &mut PendingFile) -> Result<()> {
    let blank = vec![255; PIXELS];
    let mut rows: Vec<Vec<&[u8]>> = vec![Vec::new(); data.class_names().len()];
    for i in 0..n_train {
        let row = &mut rows[usize::from(data.train().label(i))];
        if row.len() < SAMPLES {
            row.push(data.train().image(i));
        }
    }
    // A class without images would shift the classes below it; a short row is filled up.
    for row in &mut rows {
        row.resize(SAMPLES, &blank);
    }
    let sheet = nearplane_report::contact_sheet(&rows.concat(), SAMPLES, 2, 2);
    let png = sheet.to_png()?;
    let cannot = file.cannot_write();
    file.write_all(&png).context(cannot)
}
