//! The features of a split of a data set as one matrix of f32, taken from a cache where there is one.

mod cache;

use std::time::Instant;

use anyhow::{Context as _, Result};
use nearplane_cifar::{Dataset, SplitName};
use nearplane_kernels::MatRef;
use nearplane_models::Monitor;
use nearplane_models::features::{BlockScaler, FeatureError, FeatureScratchPool};
use nearplane_models::neighbors::Rows;

use self::cache::Cache;
use crate::data_source::views;
use crate::failure::Interrupted;
use crate::plan::{FeatureChoice, Settings};
use crate::progress::Progress;

/// Features, `n x d`, row-major, in the order of the files.
pub(crate) struct FeatureMatrix {
    pub(crate) values: Vec<f32>,
    pub(crate) cols: usize,
    /// Whether they were computed before.
    pub(crate) from_cache: bool,
}

impl FeatureMatrix {
    /// Of the first images of a split, as many as the limit leaves of the training images.
    pub(crate) fn of(
        data: &Dataset,
        split: SplitName,
        choice: &FeatureChoice,
        settings: &Settings,
    ) -> Result<FeatureMatrix> {
        let n = rows_of(data, split, settings);
        let cols = choice.extractor.n_features();
        let cache = choice
            .cache
            .as_ref()
            .map(|folder| Cache::new(folder, data, split, n, &choice.extractor));
        if let Some(cache) = &cache
            && let Some(values) = cache.read(settings.quiet)
        {
            return Ok(FeatureMatrix {
                values,
                cols,
                from_cache: true,
            });
        }
        let values = extracted(data, split, n, choice, settings)?;
        if let Some(cache) = &cache {
            // Features of data that changed meanwhile must not be found under the hash of those that they were.
            data.verify_unchanged()?;
            cache.write(&values, settings.quiet);
        }
        Ok(FeatureMatrix {
            values,
            cols,
            from_cache: false,
        })
    }

    /// The rows where they lie.
    pub(crate) fn rows(&self) -> Result<Rows<'_, f32>> {
        Ok(Rows::from_mat(MatRef::from_rows(&self.values, self.cols))?)
    }

    /// Brings the blocks to one length; in place.
    pub(crate) fn scale(&mut self, scaler: &BlockScaler) {
        scaler.apply(&mut self.values);
    }
}

/// How many images of a split have their features taken.
pub(crate) fn rows_of(data: &Dataset, split: SplitName, settings: &Settings) -> usize {
    let all = data.split(split).len();
    match split {
        SplitName::Train => settings.limit.map_or(all, |limit| limit.min(all)),
        SplitName::Test => all,
    }
}

/// Bytes of features a thread that are in memory at a time where nobody needs all of them: they are
/// still in its second cache when they are written.
const BYTES_AT_ONCE: usize = 1 << 18;

/// Features on their way to somebody who takes them row by row.
pub(crate) struct Passed {
    pub(crate) from_cache: bool,
    /// What it took to compute or read them, without what became of them.
    pub(crate) seconds: f64,
}

/// Hands out the features of the first images of a split, whole rows in order, some at a time.
pub(crate) fn pass(
    data: &Dataset,
    split: SplitName,
    choice: &FeatureChoice,
    settings: &Settings,
    visit: impl FnMut(&[f32]) -> Result<()> + Send,
) -> Result<Passed> {
    // On one of the threads that extract: alone it needs no other, and what it has written stays near.
    rayon::scope(|_| pass_on_worker(data, split, choice, settings, visit))
}

fn pass_on_worker(
    data: &Dataset,
    split: SplitName,
    choice: &FeatureChoice,
    settings: &Settings,
    mut visit: impl FnMut(&[f32]) -> Result<()>,
) -> Result<Passed> {
    let started = Instant::now();
    if choice.cache.is_some() {
        // What is kept is kept whole.
        let matrix = FeatureMatrix::of(data, split, choice, settings)?;
        let seconds = started.elapsed().as_secs_f64();
        visit(&matrix.values)?;
        return Ok(Passed {
            from_cache: matrix.from_cache,
            seconds,
        });
    }
    let n = rows_of(data, split, settings);
    let cols = choice.extractor.n_features();
    let images = Rows::from_shards(views(data.split(split)))?.limit(n);
    let bytes_at_once = BYTES_AT_ONCE * rayon::current_num_threads();
    let at_once = (bytes_at_once / (size_of::<f32>() * cols.max(1))).clamp(64, n.max(64));
    let mut values = vec![0.0; at_once.min(n) * cols];
    let scratch = choice.extractor.scratch_pool();
    let progress = Progress::new("extracting features", settings.quiet);
    let mut seconds = 0.0;
    for first in (0..n).step_by(at_once) {
        let last = n.min(first + at_once);
        let started = Instant::now();
        let rows = images.select((first as u32..last as u32).collect())?;
        let values = &mut values[..rows.len() * cols];
        let part = Part {
            progress: &progress,
            first: first as u64,
            all: n as u64,
        };
        extract(choice, &rows, &scratch, values, settings, &part)?;
        seconds += started.elapsed().as_secs_f64();
        visit(values)?;
    }
    Ok(Passed {
        from_cache: false,
        seconds,
    })
}

/// The progress of a part of the rows as one of all rows.
struct Part<'a> {
    progress: &'a Progress,
    first: u64,
    all: u64,
}

impl Monitor for Part<'_> {
    fn progress(&self, done: u64, _: u64) {
        Monitor::progress(self.progress, self.first + done, self.all);
    }

    fn cancelled(&self) -> bool {
        self.progress.cancelled()
    }
}

fn extracted(
    data: &Dataset,
    split: SplitName,
    n: usize,
    choice: &FeatureChoice,
    settings: &Settings,
) -> Result<Vec<f32>> {
    let cols = choice.extractor.n_features();
    let images = Rows::from_shards(views(data.split(split)))?.limit(n);
    let len = n.saturating_mul(cols);
    Vec::<f32>::new()
        .try_reserve_exact(len)
        .with_context(|| format!("{n} x {cols} features do not fit into memory"))?;
    // Zeros by the system, page by page as they are written, and not by one thread beforehand.
    let mut values = vec![0.0; len];
    let progress = Progress::new("extracting features", settings.quiet);
    let scratch = choice.extractor.scratch_pool();
    extract(choice, &images, &scratch, &mut values, settings, &progress)?;
    Ok(values)
}

/// Cancelled is not failed.
fn extract(
    choice: &FeatureChoice,
    images: &Rows<'_, u8>,
    scratch: &FeatureScratchPool,
    out: &mut [f32],
    settings: &Settings,
    monitor: &dyn Monitor,
) -> Result<()> {
    let level = settings.level;
    let extractor = &choice.extractor;
    match extractor.extract_rows_in(level, images, scratch, out, monitor) {
        Err(FeatureError::Cancelled) => Err(Interrupted.into()),
        extracted => Ok(extracted?),
    }
}
