//! `nearplane difficulties`, as typed.

use std::path::PathBuf;

use clap::Args;

use super::{MetricArg, OnArg, SourceArgs};

pub(super) const EXAMPLES: &str = "\
First table: each difficulty of the synthetic images alone at 0, 0.25, 0.5, 0.75 and 1, the
others at 0; training and test images are drawn alike.

Second table: the evaluated images of --data perturbed in nine ways at five strengths, the
training images left as they are. --limit takes the first N training images, in both tables.

Examples:
  nearplane difficulties
  nearplane difficulties --picture perturbations.png --knobs-picture knobs.png
  nearplane difficulties --data target/cifar10 --metric l1 --limit 10000 --json";

/// `difficulties`.
#[derive(Debug, Args)]
pub(crate) struct DifficultiesArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Distance between images
    #[arg(long, value_enum, default_value_t = MetricArg::L2)]
    pub(crate) metric: MetricArg,
    /// What is perturbed and evaluated: a tenth of the training set, or the test set
    #[arg(long, value_enum, default_value_t = OnArg::Val)]
    pub(crate) on: OnArg,
    /// Training images that are drawn for each strength of each difficulty [default: 5000]
    #[arg(long, value_name = "N")]
    pub(crate) n_train: Option<u64>,
    /// Test images that are drawn for each strength of each difficulty [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) n_test: Option<u64>,
    /// Write a picture of two evaluated images and what each perturbation makes of them
    #[arg(long, value_name = "FILE.png")]
    pub(crate) picture: Option<PathBuf>,
    /// Write a picture of three synthetic images at the five strengths of each difficulty
    #[arg(long, value_name = "FILE.png")]
    pub(crate) knobs_picture: Option<PathBuf>,
}
