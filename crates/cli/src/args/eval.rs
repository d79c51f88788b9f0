//! `nearplane eval`, as typed.

use std::path::PathBuf;

use clap::Args;

use super::{OnArg, SourceArgs};

pub(super) const EXAMPLES: &str = "\
A model is fitted on all training rows, also on the tenth that --on val would set aside, so that
the test set is evaluated. Choose between models by the val_accuracy that 'nearplane train'
reports: each look at the test split is logged beside the data set, and counted.

The features that the model was fitted on are computed of the images. Own rows are NumPy's .npy
files, with the columns that the model was fitted on; all of them are evaluated.

Precision is the share of the images predicted as a class that belong to it, recall the share of
the images of a class that were found, F1 their harmonic mean; '-' stands where there is nothing to
divide by, and counts as 0 in the averages over the classes that occur (as scikit-learn does with
zero_division=0).

Examples:
  nearplane eval model.safetensors --data target/cifar10
  nearplane eval model.safetensors --data target/cifar10 --json
  nearplane eval model.safetensors --predictions predictions.csv --results runs.csv
  nearplane eval model.safetensors --data target/cifar10 --confusion confusion.svg
  nearplane eval model.safetensors --x rows.npy --y labels.npy";

/// `eval`.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Model file that 'nearplane train' wrote
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// What is evaluated of a data set: the test set, or of another data set than the model was fitted on a tenth of
    /// the training set [default: test]
    #[arg(long, value_enum)]
    pub(crate) on: Option<OnArg>,
    /// Write the predicted labels: index, truth and predicted
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) predictions: Option<PathBuf>,
    /// Draw the confusion matrix, of a data set with the first image in each cell
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) confusion: Option<PathBuf>,
    /// Rows to evaluate instead of a data set, n x d, uint8, float32 or float64 in C order
    #[arg(
        long,
        value_name = "FILE.npy",
        visible_alias = "x-eval",
        conflicts_with = "labels",
        help_heading = "Own matrices instead of a data set"
    )]
    pub(crate) x: Option<PathBuf>,
    /// Their labels, n integers of any width
    #[arg(
        long,
        value_name = "FILE.npy",
        visible_alias = "y-eval",
        help_heading = "Own matrices instead of a data set"
    )]
    pub(crate) y: Option<PathBuf>,
}
