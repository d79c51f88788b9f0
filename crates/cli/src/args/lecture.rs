//! `nearplane lecture`, as typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::SourceArgs;

pub(super) const EXAMPLES: &str = "\
Writes DIR/index.html: one file that needs nothing else, with every item of the lecture, its pictures,
the commands that reproduce them and the data behind them. Everything is chosen on validation images;
the test images are looked at once, at the end of chapter 5 and in chapter 8.

Examples:
  nearplane lecture --out lecture --quick
  nearplane lecture --data target/cifar10 --out lecture
  nearplane lecture --out lecture --only knn,linear --force";

/// `lecture`.
#[derive(Debug, Args)]
pub(crate) struct LectureArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Folder to write; it must not exist, or be empty
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The first 5,000 training images and 1,000 test images, and fewer choices to choose from
    #[arg(long)]
    pub(crate) quick: bool,
    /// These chapters only
    #[arg(long, value_enum, value_name = "CHAPTERS", value_delimiter = ',')]
    pub(crate) only: Vec<ChapterArg>,
}

/// The chapters of the lecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChapterArg {
    /// 1. Images and data
    Images,
    /// 2. Nearest neighbours
    Knn,
    /// 3. Hyperparameters
    Hyperparameters,
    /// 4. Linear classifiers
    Linear,
    /// 5. Features
    Features,
    /// 6. Losses
    Losses,
    /// 7. Regularisation
    Regularisation,
    /// 8. The whole
    Whole,
}
