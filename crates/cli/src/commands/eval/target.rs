//! The rows that are evaluated: whether they fit the model, whether it may have seen them, and what it takes them for.

use std::time::Instant;

use anyhow::{Result, bail};
use nearplane_models::neighbors::Element;

use crate::commands::knn::input::Input;
use crate::commands::knn::task::Task;
use crate::data_source::Opened;
use crate::fitted::Fitted;
use crate::matrices::{Table, Tables};
use crate::output::counted;
use crate::plan::{On, Settings};

/// Rows with their true and their predicted labels, all below the number of classes.
pub(super) struct Target {
    pub(super) truth: Vec<u32>,
    pub(super) predicted: Vec<u32>,
    /// Position of each row in the training set (`--on val`); `None`: they have rows of their own.
    pub(super) positions: Option<Vec<u32>>,
    /// To compute the features, where the model takes any.
    pub(super) features_s: Option<f64>,
    pub(super) predict_s: f64,
}

impl Target {
    /// `hash`: of the data, where `on` is not the test set.
    pub(super) fn predicted(
        on: On,
        fitted: &Fitted,
        input: &Input,
        hash: &str,
        settings: &Settings,
    ) -> Result<Target> {
        match input {
            Input::Images(opened, _) => of_images(on, fitted, opened, hash, settings),
            Input::Matrices(matrices) => {
                if hash == fitted.file.training.data {
                    bail!(
                        "{} holds the rows that {} was fitted on; give rows that it has not seen",
                        matrices.source,
                        fitted.name()
                    );
                }
                match &matrices.tables {
                    Tables::U8(pair) => of_rows(fitted, &pair.train, settings),
                    Tables::F32(pair) => of_rows(fitted, &pair.train, settings),
                }
            }
        }
    }
}

fn of_images(
    on: On,
    fitted: &Fitted,
    opened: &Opened,
    hash: &str,
    settings: &Settings,
) -> Result<Target> {
    let model = fitted.of_images("give --x and --y instead of --data")?;
    check_classes(fitted, opened)?;
    if on == On::Val {
        check_unseen(fitted, &opened.source, hash)?;
    }
    let task = Task::of_images(on, opened, settings)?;
    let started = Instant::now();
    let features = model.features(&task.queries, settings)?;
    let features_s = features.is_some().then(|| started.elapsed().as_secs_f64());
    let started = Instant::now();
    let predicted = model.labels(&task.queries, features.as_ref(), settings)?;
    Ok(Target {
        predicted,
        predict_s: started.elapsed().as_secs_f64(),
        features_s,
        truth: task.truth,
        positions: task.query_positions,
    })
}

fn of_rows<T: Element>(fitted: &Fitted, table: &Table<T>, settings: &Settings) -> Result<Target> {
    let (name, model) = (fitted.name(), &fitted.file.model);
    let (rows, n_classes) = (table.rows()?, model.n_classes());
    if rows.cols() != model.n_features() {
        bail!(
            "--x has rows of {}, but {name} takes {}; give the columns that it was fitted on",
            rows.cols(),
            model.n_features()
        );
    }
    let is_no_class = |label: &u32| *label as usize >= n_classes;
    if let Some(row) = table.labels.iter().position(is_no_class) {
        bail!(
            "--y has label {} in row {row}, but {name} has {n_classes} classes, 0 to {}; give the labels that it was \
             fitted on",
            table.labels[row],
            n_classes - 1
        );
    }
    let started = Instant::now();
    Ok(Target {
        predicted: model.predict(settings.level, &rows)?,
        predict_s: started.elapsed().as_secs_f64(),
        features_s: None,
        truth: table.labels.clone(),
        positions: None,
    })
}

/// A label has to mean the same class on both sides.
fn check_classes(fitted: &Fitted, opened: &Opened) -> Result<()> {
    let (of_model, of_data) = (&fitted.file.classes, opened.data.class_names());
    let (name, source) = (fitted.name(), &opened.source);
    if of_model.len() != of_data.len() {
        bail!(
            "{name} has {} and {source} {}; give the data set that the model was fitted on, or one of the same classes",
            counted(of_model.len(), "class"),
            counted(of_data.len(), "class")
        );
    }
    let mut pairs = of_model.iter().zip(of_data);
    if let Some(label) = pairs.position(|(a, b)| a != b) {
        bail!(
            "label {label} is {:?} in {name} and {:?} in {source}; give the data set that the model was fitted on, or \
             one of the same classes in the same order",
            of_model[label],
            of_data[label]
        );
    }
    Ok(())
}

/// A model is fitted on all training rows in the end, so that the tenth that `--on val` sets aside judges it only where
/// it was fitted on other data.
fn check_unseen(fitted: &Fitted, source: &str, hash: &str) -> Result<()> {
    let training = &fitted.file.training;
    if training.data.is_empty() || training.data == hash {
        bail!(
            "{} was fitted on all training rows of {source}, with those that --on val would set aside; choose a model \
             by the val_accuracy that 'nearplane train' reported, and give --on test in the end",
            fitted.name()
        );
    }
    Ok(())
}
