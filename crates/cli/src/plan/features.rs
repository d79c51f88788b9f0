//! Features, decided: of `nearplane features`, and of the commands that can do without.

use std::path::PathBuf;

use anyhow::Result;
use nearplane_cifar::SplitName;
use nearplane_models::features::{FeatureExtractor, FeatureSpec, ImageShape};

use super::{Settings, Source, outputs_are_free, source, usage};
use crate::args::{FeatureArgs, FeaturesArgs, OneSplitArg};

/// Which features, and where they are kept.
#[derive(Clone)]
pub(crate) struct FeatureChoice {
    pub(crate) extractor: FeatureExtractor,
    pub(crate) cache: Option<PathBuf>,
}

/// `features`.
pub(crate) struct FeaturesPlan {
    pub(crate) source: Source,
    pub(crate) choice: FeatureChoice,
    pub(crate) split: SplitName,
    pub(crate) out: PathBuf,
    pub(crate) format: MatrixFormat,
    /// Where the labels go that the format has no place for.
    pub(crate) labels_out: Option<PathBuf>,
}

/// How a matrix is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatrixFormat {
    Npy,
    Safetensors,
}

/// Reads a specification; whatever is wrong with it, for images of this size, is wrong usage.
pub(super) fn choice(spec: &str, cache: Option<PathBuf>) -> Result<FeatureChoice> {
    let spec: FeatureSpec = spec
        .parse()
        .map_err(|error| usage(format!("--features: {error}")))?;
    let extractor = spec
        .check(ImageShape::CIFAR)
        .map_err(|error| usage(format!("--features: {error}")))?;
    Ok(FeatureChoice { extractor, cache })
}

/// Of a command that can do without.
pub(super) fn optional(args: FeatureArgs) -> Result<Option<FeatureChoice>> {
    args.features
        .map(|spec| choice(&spec, args.cache))
        .transpose()
}

pub(super) fn features_plan(args: FeaturesArgs, settings: &Settings) -> Result<FeaturesPlan> {
    let choice = choice(&args.features, args.cache)?;
    let suffix = args.out.extension().unwrap_or_default();
    let (format, labels_out) = if suffix.eq_ignore_ascii_case("npy") {
        (
            MatrixFormat::Npy,
            Some(args.out.with_extension("labels.npy")),
        )
    } else if suffix.eq_ignore_ascii_case("safetensors") {
        (MatrixFormat::Safetensors, None)
    } else {
        return Err(usage(format!(
            "--out is {}, expected a name that ends in .npy or .safetensors",
            args.out.display()
        )));
    };
    outputs_are_free(
        settings,
        &[
            ("--out", Some(&args.out)),
            ("the labels of --out", labels_out.as_deref()),
        ],
    )?;
    Ok(FeaturesPlan {
        source: source(args.source),
        choice,
        split: match args.split {
            OneSplitArg::Train => SplitName::Train,
            OneSplitArg::Test => SplitName::Test,
        },
        out: args.out,
        format,
        labels_out,
    })
}
