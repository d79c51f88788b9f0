//! `nearplane predict`, decided.

use std::path::PathBuf;

use anyhow::Result;

use super::{Settings, pictures_are_free};
use crate::args::PredictArgs;

/// `predict`.
pub(crate) struct PredictPlan {
    pub(crate) model: PathBuf,
    /// At least one.
    pub(crate) images: Vec<PathBuf>,
    pub(crate) explain: Option<PathBuf>,
}

pub(super) fn predict_plan(args: PredictArgs, settings: &Settings) -> Result<PredictPlan> {
    pictures_are_free(settings, &[("--explain", args.explain.as_deref())])?;
    Ok(PredictPlan {
        model: args.model,
        images: args.images,
        explain: args.explain,
    })
}
