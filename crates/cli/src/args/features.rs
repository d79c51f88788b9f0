//! Features, as typed: the options of the commands that take them, and `nearplane features`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::SourceArgs;

pub(super) const EXAMPLES: &str = "\
SPEC joins blocks by '+': raw (the bytes), hist (colour histogram), hog (histograms of
oriented gradients), each with options. A bare name is the default, whose full text is
printed and recorded. The features are as computed, in the order of the files, not scaled;
their labels are written beside them, to FILE with the ending .labels.npy.

The picture has a row a class: the image, then for each hog block its glyphs, in each cell a star of
lines along the edges that were found there, the brighter the stronger, and for each hist block its
bars, raw, with the smoothed histogram as a line.

Examples:
  nearplane features --data target/cifar10 --features hog --out hog.npy
  nearplane features --features hist:space=hsv,bins=10+hog:mode=skimage --split test --out f.npy
  nearplane features --features hog+hist --out f.safetensors --cache target/features
  nearplane features --features hog+hist:space=hsv,bins=36 --picture glyphs.png";

/// Which features, for the commands that can do without.
#[derive(Debug, Args)]
pub(crate) struct FeatureArgs {
    /// Features in place of the bytes, such as hog+hist or hog:mode=skimage,cell=8; several blocks are brought to one
    /// mean length, learnt on the training rows
    #[arg(long, value_name = "SPEC")]
    pub(crate) features: Option<String>,
    /// Keep features in files in this folder, and take them from there the next time
    #[arg(long, value_name = "DIR", requires = "features")]
    pub(crate) cache: Option<PathBuf>,
}

/// `features`.
#[derive(Debug, Args)]
pub(crate) struct FeaturesArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Which features, such as hog+hist or hog:mode=skimage,cell=8
    #[arg(long, value_name = "SPEC")]
    pub(crate) features: String,
    /// Of which images
    #[arg(long, value_enum, default_value_t = OneSplitArg::Train)]
    pub(crate) split: OneSplitArg,
    /// File to write: a float32 array [images, features] as .npy, or .safetensors with tensors x and y
    #[arg(long, value_name = "FILE", required_unless_present = "picture")]
    pub(crate) out: Option<PathBuf>,
    /// Keep features in files in this folder, and take them from there the next time
    #[arg(long, value_name = "DIR", requires = "out")]
    pub(crate) cache: Option<PathBuf>,
    /// Write a picture of images of every class beside their features; takes at least one hog block
    #[arg(long, value_name = "FILE.png")]
    pub(crate) picture: Option<PathBuf>,
    /// Images of each class in the picture, side by side
    #[arg(long, value_name = "N", default_value_t = 1, requires = "picture", value_parser = clap::value_parser!(u8).range(1..=10))]
    pub(crate) count: u8,
}

/// One split of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OneSplitArg {
    /// The training images
    Train,
    /// The test images
    Test,
}
