//! Features (LECTURE 5): numbers that say more about an image than its pixels do.
//!
//! [`HistogramParams`] counts colours, [`HogParams`] the directions of edges, and a [`FeatureSpec`]
//! such as `hog+hist:space=hsv,bins=10` joins them: [`FeatureExtractor`] turns rows of bytes into rows
//! of f32, block after block. [`Standardizer`] and [`BlockScaler`] learn on the training rows how to
//! bring columns or blocks to one scale.

mod aggregate;
mod color;
mod error;
pub mod histogram;
pub mod hog;
mod shape;
pub mod spec;
mod standardize;

pub use aggregate::{FeatureBlock, FeatureExtractor, FeatureScratch, FeatureScratchPool};
pub use error::{FeatureError, HistogramError};
pub use histogram::{
    HistogramConfig, HistogramCurves, HistogramMode, HistogramNorm, HistogramParams,
    HistogramScratch, HistogramSpace,
};
pub use hog::{
    BlockNorm, HogCells, HogColor, HogConfig, HogError, HogLayout, HogMode, HogParams, HogPosition,
    HogScratch, HogVotes,
};
pub use shape::ImageShape;
pub use spec::{BlockSpec, FeatureSpec, SpecError, SpecProblem};
pub use standardize::{BlockScaler, Standardizer};

/// What a bare `hog` stands for.
fn default_hog() -> Vec<HogParams> {
    HogParams::default_scales().to_vec()
}
