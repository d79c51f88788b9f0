//! The features of a split of a data set as one matrix of f32, taken from a cache where there is one.

mod cache;

use anyhow::{Context as _, Result};
use nearplane_cifar::{Dataset, SplitName};
use nearplane_kernels::MatRef;
use nearplane_models::features::{BlockScaler, FeatureError};
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
        let all = data.split(split).len();
        let n = match split {
            SplitName::Train => settings.limit.map_or(all, |limit| limit.min(all)),
            SplitName::Test => all,
        };
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
    match choice
        .extractor
        .extract_rows(settings.level, &images, &mut values, &progress)
    {
        Err(FeatureError::Cancelled) => Err(Interrupted.into()),
        extracted => {
            extracted?;
            Ok(values)
        }
    }
}
