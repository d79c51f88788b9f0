//! The data of a run, whatever they are: opened images, or own matrices.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use crate::data_source::{self, Opened};
use crate::hash::data_hash;
use crate::matrices::Matrices;
use crate::pending::refuse_inside_data;
use crate::plan::{self, Settings};

/// Data that are open.
pub(crate) enum Input {
    Images(Opened, &'static str),
    Matrices(Matrices),
}

impl Input {
    pub(crate) fn open(input: &plan::Input, settings: &Settings) -> Result<Input> {
        Ok(match input {
            plan::Input::Images(source) => {
                Input::Images(data_source::open(source, settings)?, source.labels_name())
            }
            plan::Input::Matrices(files) => {
                let matrices = Matrices::open(files)?;
                data_source::note_vain_limit(settings, matrices.lens().0, "training row");
                Input::Matrices(matrices)
            }
        })
    }

    /// For people: the folder, or the files.
    pub(crate) fn source(&self) -> &str {
        match self {
            Input::Images(opened, _) => &opened.source,
            Input::Matrices(matrices) => &matrices.source,
        }
    }

    /// Which labels of CIFAR-100 count; matrices have one label a row.
    pub(crate) fn labels_name(&self) -> Option<&'static str> {
        match self {
            Input::Images(_, labels) => Some(labels),
            Input::Matrices(_) => None,
        }
    }

    /// What one row is.
    pub(crate) fn row_word(&self) -> &'static str {
        match self {
            Input::Images(..) => "image",
            Input::Matrices(_) => "row",
        }
    }

    /// Whether the files were mapped.
    pub(crate) fn is_mapped(&self, settings: &Settings) -> bool {
        settings.mmap && matches!(self, Input::Images(..))
    }

    /// Rows of the training and of the test part, before any limit.
    pub(crate) fn lens(&self) -> (usize, usize) {
        match self {
            Input::Images(opened, _) => (opened.data.train().len(), opened.data.test().len()),
            Input::Matrices(matrices) => matrices.lens(),
        }
    }

    /// The `data` object of a record.
    pub(crate) fn record(&self, hash: &str) -> Value {
        match self {
            Input::Images(opened, _) => opened.record(hash),
            Input::Matrices(matrices) => matrices.record(hash),
        }
    }

    /// Of the content.
    pub(crate) fn hash(&self) -> String {
        match self {
            Input::Images(opened, _) => data_hash(&opened.data),
            Input::Matrices(matrices) => matrices.hash(),
        }
    }

    /// The folder of a data set on disk.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Input::Images(opened, _) => opened.folder(),
            Input::Matrices(_) => None,
        }
    }

    /// Fails where an output would take the place of an input.
    pub(crate) fn refuse_as_output(&self, path: &Path) -> Result<()> {
        match self {
            Input::Images(opened, _) => refuse_inside_data(opened.folder(), path),
            Input::Matrices(matrices) => matrices.refuse_as_output(path),
        }
    }

    /// Whether mapped files are still those that were opened; what was read cannot change.
    pub(crate) fn verify_unchanged(&self) -> Result<()> {
        match self {
            Input::Images(opened, _) => Ok(opened.data.verify_unchanged()?),
            Input::Matrices(_) => Ok(()),
        }
    }
}
