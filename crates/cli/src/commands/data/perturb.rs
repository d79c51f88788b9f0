//! `nearplane data perturb`: a data set whose images are harder by exact amounts, in the same format.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use nearplane_cifar::write::{Contents, write_folder};
use nearplane_cifar::{Dataset, Format, Images, LabelKind, PIXELS};
use nearplane_synth::PerturbationConfig;
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;
use serde_json::json;

use super::{check_output_folder, now, object};
use crate::args::SplitArg;
use crate::data_source::{self, Opened, written};
use crate::hash::data_hash;
use crate::output::{Report, cell, seconds};
use crate::pending::{PendingFile, refuse_inside_data};
use crate::plan::{PerturbPlan, Settings};
use crate::progress::{Progress, check_interrupt};

/// Columns of `--results`.
pub(crate) const COLUMNS: [&str; 14] = [
    "schema",
    "time",
    "version",
    "from_source",
    "from_hash",
    "out",
    "perturb",
    "split",
    "seed",
    "limit",
    "data_hash",
    "n_train",
    "n_test",
    "seconds",
];

const SCHEMA: &str = "nearplane/data-perturb/1";

/// Classes of which the picture shows an image.
const SAMPLES: usize = 10;

/// Perturbs, writes, and reports.
pub(crate) fn run(plan: &PerturbPlan, settings: &Settings) -> Result<Report> {
    check_output_folder(&plan.out, settings.force)?;
    let mut picture = plan
        .picture
        .as_ref()
        .map(|path| PendingFile::create(path, settings.force))
        .transpose()?;
    let opened = data_source::open(&plan.source, settings)?;
    refuse_data_as_output(&opened, &plan.out)?;
    for path in plan.picture.iter().chain(&settings.results) {
        refuse_inside_data(opened.folder(), path)?;
    }
    let started = Instant::now();
    let data = &opened.data;
    let n_train = settings
        .limit
        .map_or(data.train().len(), |limit| limit.min(data.train().len()));
    let n_test = data.test().len();
    let progress = Progress::new("perturbing", settings.quiet);
    let split = |is_train: bool, images: &Images, n: usize| -> Result<Vec<u8>> {
        let mut records = copied(images, n, data.format())?;
        let is_chosen = match plan.split {
            SplitArg::Both => true,
            SplitArg::Train => is_train,
            SplitArg::Test => !is_train,
        };
        if is_chosen {
            perturb(
                &plan.config,
                is_train,
                data.format(),
                &mut records,
                &progress,
            )?;
        }
        Ok(records)
    };
    let contents = Contents {
        format: data.format(),
        train: split(true, data.train(), n_train)?,
        test: split(false, data.test(), n_test)?,
        class_names: data.names_of(LabelKind::Fine).to_vec(),
        coarse_names: match data.format() {
            Format::Cifar10 => Vec::new(),
            Format::Cifar100 => data.names_of(LabelKind::Coarse).to_vec(),
        },
    };
    drop(progress);
    if let Some(file) = &mut picture {
        draw(plan, data, n_train, file)?;
    }
    let from_hash = if settings.wants_record() {
        data_hash(data)
    } else {
        String::new()
    };
    data.verify_unchanged()?;
    check_interrupt()?;
    settings.outputs.place(picture.into_iter().collect())?;
    let files = write_folder(&plan.out, &contents, settings.force)?;
    let elapsed = started.elapsed().as_secs_f64();

    let perturbation = plan.perturbation.to_string();
    let changed = match plan.split {
        SplitArg::Train => {
            format!("{n_train} training images perturbed and {n_test} test images as they are")
        }
        SplitArg::Test => {
            format!("{n_test} test images perturbed and {n_train} training images as they are")
        }
        SplitArg::Both => format!("{n_train} training and {n_test} test images perturbed"),
    };
    let mut text = format!(
        "{perturbation}, seed {}\n{changed}, in {}, {}\n",
        settings.seed,
        plan.out.display(),
        seconds(elapsed)
    );
    if let Some(path) = &plan.picture {
        text.push_str(&format!("before and after: {}\n", path.display()));
    }
    let (mut record, mut rows) = (serde_json::Map::new(), Vec::new());
    if settings.wants_record() {
        let (data, hash) = written(&plan.out, settings)?;
        record = object(json!({
            "schema": SCHEMA,
            "data": data,
            "from": opened.record(&from_hash),
            "out": plan.out.display().to_string(),
            "files": files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
            "perturb": perturbation,
            "split": split_name(plan.split),
            "seed": settings.seed,
            "limit": data_source::limit(settings, opened.data.train().len()),
            "train": n_train,
            "test": n_test,
            "picture": plan.picture.as_ref().map(|path| path.display().to_string()),
            "seconds": elapsed,
        }));
        rows = vec![vec![
            SCHEMA.to_owned(),
            now(),
            env!("CARGO_PKG_VERSION").to_owned(),
            opened.source.clone(),
            from_hash,
            plan.out.display().to_string(),
            perturbation,
            split_name(plan.split).to_owned(),
            settings.seed.to_string(),
            cell(data_source::limit(settings, opened.data.train().len())),
            hash,
            n_train.to_string(),
            n_test.to_string(),
            elapsed.to_string(),
        ]];
    }
    Ok(Report { record, text, rows })
}

/// The number that random steps take image `i` of a split by: a test image and a training image never
/// share one, and it does not depend on how many there are of the other.
pub(crate) fn image_number(is_train: bool, i: usize) -> u64 {
    (u64::from(is_train) << 32) | i as u64
}

/// With `--force` the output would take the place of the input.
fn refuse_data_as_output(opened: &Opened, out: &Path) -> Result<()> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    if let Some(folder) = opened.folder()
        && real(folder).is_some()
        && real(folder) == real(out)
    {
        bail!(
            "{} is the data set that is being read; give another folder as --out",
            out.display()
        );
    }
    refuse_inside_data(opened.folder(), out)
}

/// The first `n` records of a split.
fn copied(images: &Images, n: usize, format: Format) -> Result<Vec<u8>> {
    let n_bytes = n.saturating_mul(format.record_len());
    let mut records = Vec::new();
    records
        .try_reserve_exact(n_bytes)
        .with_context(|| format!("{n} images do not fit into memory"))?;
    for shard in images.records() {
        let left = n_bytes - records.len();
        records.extend_from_slice(&shard[..left.min(shard.len())]);
    }
    Ok(records)
}

/// Perturbs the pixels of records and leaves their labels alone.
fn perturb(
    config: &PerturbationConfig,
    is_train: bool,
    format: Format,
    records: &mut [u8],
    progress: &Progress,
) -> Result<()> {
    let total = (records.len() / format.record_len()) as u64;
    let done = AtomicU64::new(0);
    records
        .par_chunks_exact_mut(format.record_len())
        .enumerate()
        .try_for_each(|(i, record)| {
            let pixels = &mut record[format.label_len()..];
            let mut image = [0; PIXELS];
            image.copy_from_slice(pixels);
            config.apply(image_number(is_train, i), &image, pixels);
            progress.update(done.fetch_add(1, Ordering::Relaxed) + 1, Some(total));
            check_interrupt()
        })
}

/// The first image of each of the first classes, and below it what became of it.
fn draw(plan: &PerturbPlan, data: &Dataset, n_train: usize, file: &mut PendingFile) -> Result<()> {
    let is_train = plan.split == SplitArg::Train;
    let (images, n) = if is_train {
        (data.train(), n_train)
    } else {
        (data.test(), data.test().len())
    };
    let first_of = |label: usize| (0..n).find(|&i| usize::from(images.label(i)) == label);
    let chosen: Vec<usize> = (0..data.class_names().len())
        .filter_map(first_of)
        .take(SAMPLES)
        .collect();
    let after: Vec<[u8; PIXELS]> = chosen
        .iter()
        .map(|&i| {
            let mut out = [0; PIXELS];
            plan.config
                .apply(image_number(is_train, i), images.image(i), &mut out);
            out
        })
        .collect();
    let before = chosen.iter().map(|&i| images.image(i));
    let tiles: Vec<&[u8]> = before
        .chain(after.iter().map(<[u8; PIXELS]>::as_slice))
        .collect();
    let png = nearplane_report::contact_sheet(&tiles, chosen.len(), 2, 2).to_png()?;
    file.write_all(&png).context("cannot write the picture")
}

fn split_name(split: SplitArg) -> &'static str {
    match split {
        SplitArg::Train => "train",
        SplitArg::Test => "test",
        SplitArg::Both => "both",
    }
}
