//! `nearplane predict`, decided.

use std::path::PathBuf;

use crate::args::PredictArgs;

/// `predict`.
pub(crate) struct PredictPlan {
    pub(crate) model: PathBuf,
    /// At least one.
    pub(crate) images: Vec<PathBuf>,
}

pub(super) fn predict_plan(args: PredictArgs) -> PredictPlan {
    PredictPlan {
        model: args.model,
        images: args.images,
    }
}
