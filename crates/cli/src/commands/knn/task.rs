//! Which rows train and which are evaluated.

use anyhow::{Context as _, Result};
use nearplane_cifar::Images;
use nearplane_models::neighbors::{Element, Rows};
use nearplane_models::selection::stratified_split;

use crate::data_source::{Opened, views};
use crate::matrices::{Cell, Pair};
use crate::plan::{On, Settings};

/// The share of the training set that validates.
pub(crate) const VALIDATION: f64 = 0.1;

/// A fit and an evaluation, decided down to the row. Nothing is copied but labels and positions.
pub(crate) struct Task<'a, T> {
    pub(crate) train: Rows<'a, T>,
    pub(crate) train_labels: Vec<u32>,
    /// Position in the training set of every row of `train`; `None`: they are its first rows.
    pub(crate) train_positions: Option<Vec<u32>>,
    pub(crate) queries: Rows<'a, T>,
    /// True labels of the queries.
    pub(crate) truth: Vec<u32>,
    /// Position of every query in the training set (`--on val`); `None`: they have rows of their own.
    pub(crate) query_positions: Option<Vec<u32>>,
}

impl<'a> Task<'a, u8> {
    /// Of a data set.
    pub(crate) fn of_images(on: On, opened: &'a Opened, settings: &Settings) -> Result<Self> {
        let (train, test) = (opened.data.train(), opened.data.test());
        let eval = match on {
            On::Val => None,
            On::Test | On::Eval => Some((rows(test)?, widen(test.labels()))),
        };
        let advice = advice_for_images(settings, train.len());
        Task::new(rows(train)?, widen(train.labels()), eval, settings, advice)
    }
}

impl<'a> Task<'a, f32> {
    /// Of the features of a data set, whose training rows may be cut by the limit already.
    pub(super) fn of_features(
        opened: &Opened,
        train: Rows<'a, f32>,
        test: Option<Rows<'a, f32>>,
        settings: &Settings,
    ) -> Result<Self> {
        let data = &opened.data;
        let eval = test.map(|test| (test, widen(data.test().labels())));
        let labels = widen(data.train().labels());
        let advice = advice_for_images(settings, labels.len());
        Task::new(train, labels, eval, settings, advice)
    }
}

impl<'a, T: Cell> Task<'a, T> {
    /// Of own matrices.
    pub(crate) fn of_matrices(pair: &'a Pair<T>, settings: &Settings) -> Result<Self> {
        let eval = match &pair.eval {
            None => None,
            Some(table) => Some((table.rows()?, table.labels.clone())),
        };
        let train = &pair.train;
        let advice = match settings.limit {
            Some(limit) if limit < train.labels.len() => {
                "give a larger --limit, or --x-eval and --y-eval"
            }
            _ => "give more rows, or --x-eval and --y-eval",
        };
        Task::new(train.rows()?, train.labels.clone(), eval, settings, advice)
    }
}

impl<'a, T: Element> Task<'a, T> {
    /// The limit cuts the training set before it is split; without rows to evaluate, a tenth of it is
    /// set aside.
    fn new(
        mut train: Rows<'a, T>,
        mut labels: Vec<u32>,
        eval: Option<(Rows<'a, T>, Vec<u32>)>,
        settings: &Settings,
        advice: &str,
    ) -> Result<Self> {
        if let Some(limit) = settings.limit {
            labels.truncate(limit);
            train = train.limit(limit);
        }
        if let Some((queries, truth)) = eval {
            return Ok(Task {
                train,
                train_labels: labels,
                train_positions: None,
                queries,
                truth,
                query_positions: None,
            });
        }
        let split = stratified_split(&labels, VALIDATION, settings.split_seed)
            .with_context(|| format!("cannot set aside a tenth of the training set; {advice}"))?;
        let labels_of = |rows: &[u32]| rows.iter().map(|&i| labels[i as usize]).collect();
        Ok(Task {
            queries: train.select(split.validation.clone())?,
            truth: labels_of(&split.validation),
            query_positions: Some(split.validation),
            train: train.select(split.train.clone())?,
            train_labels: labels_of(&split.train),
            train_positions: Some(split.train),
        })
    }
}

fn advice_for_images(settings: &Settings, n_train: usize) -> &'static str {
    match settings.limit {
        Some(limit) if limit < n_train => "give a larger --limit, or --on test",
        _ => "give more images, or --on test",
    }
}

pub(crate) fn rows(images: &Images) -> Result<Rows<'_, u8>> {
    Ok(Rows::from_shards(views(images))?)
}

pub(crate) fn widen(labels: Vec<u8>) -> Vec<u32> {
    labels.into_iter().map(u32::from).collect()
}
