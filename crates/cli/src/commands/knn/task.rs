//! Which rows train and which are evaluated.

use anyhow::{Context as _, Result};
use nearplane_cifar::Images;
use nearplane_models::neighbors::Rows;
use nearplane_models::selection::stratified_split;

use crate::data_source::{Opened, views};
use crate::plan::{On, Settings};

/// The share of the training set that validates.
const VALIDATION: f64 = 0.1;

/// A fit and an evaluation, decided down to the row. Nothing is copied but labels and positions.
pub(crate) struct Task<'a> {
    pub(crate) train: Rows<'a, u8>,
    pub(crate) train_labels: Vec<u32>,
    /// Position in the training set of every row of `train`; `None`: they are its first rows.
    pub(crate) train_positions: Option<Vec<u32>>,
    pub(crate) queries: Rows<'a, u8>,
    /// True labels of the queries.
    pub(crate) truth: Vec<u8>,
    /// Position of every query in the training set (`--on val`); `None`: they are the test set.
    pub(crate) query_positions: Option<Vec<u32>>,
}

impl<'a> Task<'a> {
    /// The limit cuts the training set before it is split.
    pub(crate) fn new(on: On, opened: &'a Opened, settings: &Settings) -> Result<Task<'a>> {
        let (train_images, test_images) = (opened.data.train(), opened.data.test());
        let mut labels = train_images.labels();
        let mut train = rows(train_images)?;
        if let Some(limit) = settings.limit {
            labels.truncate(limit);
            train = train.limit(limit);
        }
        let labels: Vec<u32> = labels.into_iter().map(u32::from).collect();
        match on {
            On::Test => Ok(Task {
                train,
                train_labels: labels,
                train_positions: None,
                queries: rows(test_images)?,
                truth: test_images.labels(),
                query_positions: None,
            }),
            On::Val => {
                let more = match settings.limit {
                    Some(limit) if limit < train_images.len() => "a larger --limit",
                    _ => "more images",
                };
                let split = stratified_split(&labels, VALIDATION, settings.split_seed)
                    .with_context(|| {
                        format!(
                            "cannot set aside a tenth of the training set; give {more}, or --on test"
                        )
                    })?;
                Ok(Task {
                    queries: train.select(split.validation.clone())?,
                    truth: split
                        .validation
                        .iter()
                        .map(|&i| train_images.label(i as usize))
                        .collect(),
                    query_positions: Some(split.validation),
                    train: train.select(split.train.clone())?,
                    train_labels: split.train.iter().map(|&i| labels[i as usize]).collect(),
                    train_positions: Some(split.train),
                })
            }
        }
    }
}

fn rows(images: &Images) -> Result<Rows<'_, u8>> {
    Ok(Rows::from_shards(views(images))?)
}
