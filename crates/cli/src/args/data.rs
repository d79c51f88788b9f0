//! `nearplane data ...`, as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::SourceArgs;

const IMPORT_EXAMPLES: &str = "\
SRC holds train/<class>/*.jpg|png and test/<class>/..., or one level of class folders,
of which a share becomes the test set. Classes are numbered in the order of their names.
Images of another size are resized to 32x32.

Examples:
  nearplane data import cifar10.tar.xz --out target/cifar10 --order train-labels.txt
  nearplane data import photos/ --out target/photos --test-ratio 0.2 --skip-bad";

const SYNTH_EXAMPLES: &str = "\
Examples:
  nearplane data synth --out target/synth
  nearplane data synth --out target/big --n-train 50000 --n-test 10000 --seed 7";

const INSPECT_EXAMPLES: &str = "\
Examples:
  nearplane data inspect --data target/cifar10 --picture samples.png
  nearplane data inspect --json";

const EXPORT_EXAMPLES: &str = "\
Writes x_train.npy, uint8 rows of 3072 (1024 red, 1024 green, 1024 blue), y_train.npy, x_test.npy
and y_test.npy; for CIFAR-100 the fine labels, and the coarse ones as y_train_coarse.npy and
y_test_coarse.npy. Rows are in the order of the files.

Examples:
  nearplane data export --data target/cifar10 --out target/arrays
  nearplane data export --out target/arrays --split test --dtype f32";

/// The commands below `nearplane data`.
#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Turn a folder or a .tar, .tar.gz, .tar.xz of class folders of images into CIFAR-10 binary files
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArgs),
    /// Draw ten classes of synthetic images from a seed, the same bytes on every system
    #[command(after_help = SYNTH_EXAMPLES)]
    Synth(SynthArgs),
    /// Counts, class balance, means, duplicates and a picture of samples
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(InspectArgs),
    /// Write images and labels as NumPy arrays
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
}

/// `data import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Folder or archive to import
    #[arg(value_name = "SRC")]
    pub(crate) src: PathBuf,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Order of the training images: a text file with one digit, the label, per image
    #[arg(long, value_name = "FILE")]
    pub(crate) order: Option<PathBuf>,
    /// Leave out images that cannot be decoded instead of failing
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Share of each class that becomes the test set where SRC has no test folder [default: 0.2 where it has
    /// no train folder either]
    #[arg(long, value_name = "RATIO")]
    pub(crate) test_ratio: Option<f64>,
}

/// `data synth`.
#[derive(Debug, Args)]
pub(crate) struct SynthArgs {
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Number of training images [default: 5000]
    #[arg(long, value_name = "N")]
    pub(crate) n_train: Option<u64>,
    /// Number of test images [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) n_test: Option<u64>,
}

/// `data inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Write a picture of samples of every class
    #[arg(long, value_name = "FILE.png")]
    pub(crate) picture: Option<PathBuf>,
}

/// `data export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Which images
    #[arg(long, value_enum, default_value_t = SplitArg::Both)]
    pub(crate) split: SplitArg,
    /// Elements of the images: bytes, or the same numbers as floats
    #[arg(long, value_enum, default_value_t = DtypeArg::U8)]
    pub(crate) dtype: DtypeArg,
}

/// Splits of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitArg {
    /// The training images
    Train,
    /// The test images
    Test,
    /// All images
    Both,
}

/// Types of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DtypeArg {
    /// Bytes, 0 to 255
    U8,
    /// Floats of 4 bytes, 0.0 to 255.0
    F32,
}
