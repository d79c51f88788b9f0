//! Which rows are fitted and which judge the fits, and the scale that a solver sees them in.

use std::ops::Range;

use anyhow::{Context as _, Result, bail};
use nearplane_kernels::Level;
use nearplane_models::linear::{Affine, ClassWeight, LinearData};
use nearplane_models::neighbors::{Element, Rows};
use nearplane_models::selection::stratified_split;

use crate::commands::knn::task::VALIDATION;
use crate::plan::Settings;

/// Rows and their labels.
#[derive(Clone)]
pub(super) struct Part<'a, T> {
    pub(super) rows: Rows<'a, T>,
    pub(super) labels: Vec<u32>,
}

/// All rows that may be fitted, and the split that judges fits.
pub(super) struct Parts<'a, T> {
    pub(super) whole: Part<'a, T>,
    pub(super) train: Part<'a, T>,
    pub(super) validation: Part<'a, T>,
    /// The names of the classes.
    pub(super) classes: Vec<String>,
    /// Columns of features that are bytes.
    pub(super) raw_columns: Vec<Range<usize>>,
}

impl<'a, T: Element> Parts<'a, T> {
    /// The limit cuts the training rows before they are split. Without rows that judge, a tenth of them is set
    /// aside; without names, the classes are called by their labels.
    pub(super) fn new(
        mut whole: Part<'a, T>,
        validation: Option<Part<'a, T>>,
        names: Option<&[String]>,
        settings: &Settings,
    ) -> Result<Self> {
        if let Some(limit) = settings.limit {
            whole.labels.truncate(limit);
            whole.rows = whole.rows.limit(limit);
        }
        let classes = classes(&whole.labels, names)?;
        let (train, validation) = match validation {
            Some(validation) => {
                let n = classes.len();
                let bad = validation
                    .labels
                    .iter()
                    .position(|&label| label as usize >= n);
                if let Some(row) = bad {
                    bail!(
                        "validation row {row} has label {}, which no training row has; the labels are 0 to {}",
                        validation.labels[row],
                        n - 1
                    );
                }
                (whole.clone(), validation)
            }
            None => {
                let split = stratified_split(&whole.labels, VALIDATION, settings.split_seed)
                    .context("cannot set aside a tenth of the training rows; give more rows, or a larger --limit")?;
                (whole.select(split.train)?, whole.select(split.validation)?)
            }
        };
        Ok(Parts {
            whole,
            train,
            validation,
            classes,
            raw_columns: Vec::new(),
        })
    }
}

impl<'a, T: Element> Part<'a, T> {
    fn select(&self, positions: Vec<u32>) -> Result<Part<'a, T>> {
        let labels = positions.iter().map(|&row| self.labels[row as usize]);
        Ok(Part {
            labels: labels.collect(),
            rows: self.rows.select(positions)?,
        })
    }
}

/// One name for each label from 0 on; every class needs a row, or nothing is learnt about it.
pub(crate) fn classes(labels: &[u32], names: Option<&[String]>) -> Result<Vec<String>> {
    let mut found: Vec<u32> = labels.to_vec();
    found.sort_unstable();
    found.dedup();
    let missing = (0..).zip(&found).find(|(class, label)| class != *label);
    let n_classes = names.map_or(0, <[String]>::len);
    let missing = match missing {
        Some((class, _)) => Some(class as usize),
        None => (found.len() < n_classes).then_some(found.len()),
    };
    if let Some(class) = missing {
        let name = names.and_then(|names| names.get(class));
        let name = name.map_or_else(String::new, |name| format!(" ({name})"));
        bail!(
            "class {class}{name} has no training row: add some or give a larger --limit, or leave the class out and \
             number the others from 0"
        );
    }
    if found.len() < 2 {
        bail!(
            "all training rows are of one class, a classifier needs at least 2: add rows of another class"
        );
    }
    Ok(match names {
        Some(names) => names.to_vec(),
        None => found.iter().map(ToString::to_string).collect(),
    })
}

impl<T: Element> Parts<'_, T> {
    /// A part as a solver takes it.
    pub(super) fn data<'p>(
        &self,
        part: &'p Part<'p, T>,
        class_weight: &ClassWeight,
        level: Level,
    ) -> Result<LinearData<'p, T>> {
        let affine = Affine::of_training(level, &part.rows, &self.raw_columns)?;
        Ok(
            LinearData::new(part.rows.clone(), &part.labels, self.classes.len())?
                .with_affine(affine)?
                .with_class_weight(class_weight)?,
        )
    }
}
