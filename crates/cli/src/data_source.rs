//! Where the images of a run come from: the folder asked for, else the default folder, else
//! synthetic images in memory. The one place that takes responsibility for a mapping.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, anyhow};
use nearplane_cifar::{Dataset, Format, Images, OpenOptions};
use nearplane_kernels::MatRef;
use nearplane_synth::{CLASS_NAMES, SplitName, SynthConfig, SynthParams};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;
use serde_json::{Value, json};

use crate::hash::data_hash;
use crate::output::{counted, note};
use crate::plan::{Settings, Source};
use crate::progress::{Progress, check_interrupt};

/// Where `nearplane` looks when no folder is named: the name of CIFAR-10's own archive folder.
const DEFAULT_FOLDER: &str = "datasets/cifar-10-batches-bin";

/// An open data set and where it came from.
pub(crate) struct Opened {
    pub(crate) data: Dataset,
    /// The folder, or `synthetic` with its parameters.
    pub(crate) source: String,
}

impl Opened {
    /// The `data` object of every record.
    pub(crate) fn record(&self, hash: &str) -> Value {
        json!({
            "source": self.source,
            "hash": hash,
            "n_train": self.data.train().len(),
            "n_test": self.data.test().len(),
        })
    }

    /// The folder of the data set, unless it exists only in memory.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.data.path()
    }
}

/// Opens what the plan names and passes on what the reader noted.
pub(crate) fn open(source: &Source, settings: &Settings) -> Result<Opened> {
    let folder: PathBuf = match &source.folder {
        Some(named) => {
            if let Ok(false) = named.path.try_exists() {
                return Err(anyhow!(
                    "{} names {}, which does not exist; give the folder of a data set, or run \
                     'nearplane data fetch', 'nearplane data import' or 'nearplane data synth' first",
                    named.named_by,
                    named.path.display()
                ));
            }
            named.path.clone()
        }
        None if Path::new(DEFAULT_FOLDER).exists() => DEFAULT_FOLDER.into(),
        None => {
            let opened = synthetic(settings)?;
            note_vain_limit(settings, opened.data.train().len(), "training image");
            return Ok(opened);
        }
    };
    let options = OpenOptions {
        labels: source.labels,
    };
    let data = load(&folder, &options, settings)?;
    for text in data.notes() {
        note(settings.quiet, text);
    }
    note_vain_limit(settings, data.train().len(), "training image");
    Ok(Opened {
        data,
        source: folder.display().to_string(),
    })
}

/// The limit where it leaves out rows; one above their number is none.
pub(crate) fn limit(settings: &Settings, n_train: usize) -> Option<usize> {
    settings.limit.filter(|&limit| limit < n_train)
}

/// A number that was typed in vain may be a mistake.
pub(crate) fn note_vain_limit(settings: &Settings, n_train: usize, noun: &str) {
    if let Some(limit) = settings.limit
        && limit > n_train
    {
        let rows = counted(n_train, noun);
        note(
            settings.quiet,
            &format!("--limit {limit} leaves out nothing: there are {rows}, and all are used"),
        );
    }
}

/// Opens a folder that was just written: its `data` object and its hash are those of what lies on
/// the disk.
pub(crate) fn written(folder: &Path, settings: &Settings) -> Result<(Value, String)> {
    let data = load(folder, &OpenOptions::default(), settings)?;
    let opened = Opened {
        data,
        source: folder.display().to_string(),
    };
    let hash = data_hash(&opened.data);
    opened.data.verify_unchanged()?;
    Ok((opened.record(&hash), hash))
}

fn load(folder: &Path, options: &OpenOptions, settings: &Settings) -> Result<Dataset> {
    let data = if settings.mmap {
        map(folder, options)
    } else {
        Dataset::read(folder, options)
    };
    Ok(data?)
}

/// Maps the files of a folder; `--no-mmap` is the way around it.
#[allow(unsafe_code)]
fn map(folder: &Path, options: &OpenOptions) -> Result<Dataset, nearplane_cifar::Error> {
    // SAFETY: the duty is that nobody changes the files while they are mapped. This program does
    // not: it writes data sets as new files that are renamed into place, never into existing ones.
    // Others are asked not to (README, `--no-mmap`), and are caught at it where that is possible:
    // lengths and modification times are compared again before any result is printed
    // (`Dataset::verify_unchanged`), and a file that shrinks ends the process in its SIGBUS handler.
    unsafe { Dataset::map(folder, options) }
}

/// The images that stand in where there is no data set.
fn synthetic(settings: &Settings) -> Result<Opened> {
    let params = SynthParams {
        seed: settings.seed,
        ..SynthParams::default()
    };
    note(
        settings.quiet,
        &format!(
            "no data set found: using {} + {} synthetic images, seed {} (give --data DIR for a real one, or run 'nearplane data fetch cifar-10')",
            params.n_train, params.n_test, params.seed
        ),
    );
    let config = params.check()?;
    let data = Dataset::from_memory(
        Format::Cifar10,
        vec![draw(&config, SplitName::Train, params.n_train, settings)?],
        draw(&config, SplitName::Test, params.n_test, settings)?,
        synthetic_class_names(),
    )?;
    Ok(Opened {
        data,
        source: format!("synthetic, seed {}", params.seed),
    })
}

/// The names of the drawn classes.
pub(crate) fn synthetic_class_names() -> Vec<String> {
    CLASS_NAMES.map(str::to_owned).to_vec()
}

/// The first `n` drawn images of a split as CIFAR-10 records: the label, then the pixels.
pub(crate) fn draw(
    config: &SynthConfig,
    split: SplitName,
    n: usize,
    settings: &Settings,
) -> Result<Vec<u8>> {
    const RECORD: usize = Format::Cifar10.record_len();
    let progress = Progress::new("drawing images", settings.quiet);
    let mut records = Vec::new();
    let n_bytes = n.saturating_mul(RECORD);
    records
        .try_reserve_exact(n_bytes)
        .with_context(|| format!("{n} images of {RECORD} bytes do not fit into memory"))?;
    records.resize(n_bytes, 0);
    let drawn = AtomicU64::new(0);
    records
        .par_chunks_exact_mut(RECORD)
        .enumerate()
        .try_for_each(|(i, record)| {
            let (label, pixels) = record.split_at_mut(Format::Cifar10.label_len());
            label[0] = config.draw(split, i as u64, pixels);
            progress.update(drawn.fetch_add(1, Ordering::Relaxed) + 1, Some(n as u64));
            check_interrupt()
        })?;
    Ok(records)
}

/// The pixels of a part of a data set as the views that the kernels work on, one per shard, without
/// a copy.
pub(crate) fn views(images: &Images) -> Vec<MatRef<'_, u8>> {
    images
        .shards()
        .map(|shard| MatRef::new(shard.bytes, shard.rows, shard.cols, shard.stride))
        .collect()
}
