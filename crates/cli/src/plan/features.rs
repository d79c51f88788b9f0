//! Features, decided: of `nearplane features`, and of the commands that can do without.

use std::path::PathBuf;

use anyhow::Result;
use nearplane_cifar::SplitName;
use nearplane_models::features::{
    BlockSpec, FeatureExtractor, FeatureSpec, HistogramConfig, HogConfig, ImageShape,
};

use super::{Settings, Source, outputs_are_free, pictures_are_free, source, usage};
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
    /// Of the two outputs there is at least one.
    pub(crate) matrix: Option<MatrixPlan>,
    pub(crate) picture: Option<PicturePlan>,
}

/// The matrix that is written.
pub(crate) struct MatrixPlan {
    pub(crate) out: PathBuf,
    pub(crate) format: MatrixFormat,
    /// Where the labels go that the format has no place for.
    pub(crate) labels_out: Option<PathBuf>,
}

/// The picture that is written.
pub(crate) struct PicturePlan {
    pub(crate) path: PathBuf,
    /// Images of a class.
    pub(crate) count: usize,
    /// What stands beside each image, from the left.
    pub(crate) panels: Vec<Panel>,
}

/// What is drawn of a block.
pub(crate) struct Panel {
    /// The name of the block.
    pub(crate) name: String,
    pub(crate) drawn: Drawn,
}

pub(crate) enum Drawn {
    Hog(Box<HogConfig>),
    Histogram(Box<HistogramConfig>),
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
    let matrix = args.out.map(matrix_plan).transpose()?;
    let picture = args
        .picture
        .map(|path| picture_plan(path, args.count, &choice.extractor))
        .transpose()?;
    let picture_path = picture.as_ref().map(|picture| picture.path.as_path());
    let matrix_path = matrix.as_ref().map(|matrix| matrix.out.as_path());
    let labels_path = matrix
        .as_ref()
        .and_then(|matrix| matrix.labels_out.as_deref());
    pictures_are_free(settings, &[("--picture", picture_path)])?;
    outputs_are_free(
        settings,
        &[
            ("--out", matrix_path),
            ("the labels of --out", labels_path),
            ("--picture", picture_path),
        ],
    )?;
    Ok(FeaturesPlan {
        source: source(args.source),
        choice,
        split: match args.split {
            OneSplitArg::Train => SplitName::Train,
            OneSplitArg::Test => SplitName::Test,
        },
        matrix,
        picture,
    })
}

fn matrix_plan(out: PathBuf) -> Result<MatrixPlan> {
    let suffix = out.extension().unwrap_or_default();
    let (format, labels_out) = if suffix.eq_ignore_ascii_case("npy") {
        (MatrixFormat::Npy, Some(out.with_extension("labels.npy")))
    } else if suffix.eq_ignore_ascii_case("safetensors") {
        (MatrixFormat::Safetensors, None)
    } else {
        return Err(usage(format!(
            "--out is {}, expected a name that ends in .npy or .safetensors",
            out.display()
        )));
    };
    Ok(MatrixPlan {
        out,
        format,
        labels_out,
    })
}

/// What can be seen of the blocks; pixels are beside it anyway.
fn picture_plan(path: PathBuf, count: u8, extractor: &FeatureExtractor) -> Result<PicturePlan> {
    let (spec, shape) = (extractor.spec(), extractor.shape());
    let mut panels = Vec::new();
    for (block, named) in spec.blocks().iter().zip(extractor.blocks()) {
        let drawn = match block {
            BlockSpec::Hog(params) => Drawn::Hog(Box::new(params.check(shape)?)),
            BlockSpec::Histogram(params) => Drawn::Histogram(Box::new(params.check(shape)?)),
            _ => continue,
        };
        panels.push(Panel {
            name: named.name.clone(),
            drawn,
        });
    }
    if !panels
        .iter()
        .any(|panel| matches!(panel.drawn, Drawn::Hog(_)))
    {
        return Err(usage(format!(
            "--picture shows the glyphs of hog blocks, of which --features {spec} has none; join one with +hog"
        )));
    }
    Ok(PicturePlan {
        path,
        count: count.into(),
        panels,
    })
}
