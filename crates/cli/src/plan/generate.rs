//! `nearplane generate`, decided.

use std::path::PathBuf;

use crate::args::GenerateArgs;

/// `generate`.
pub(crate) struct GeneratePlan {
    pub(crate) out: PathBuf,
}

pub(super) fn generate_plan(args: GenerateArgs) -> GeneratePlan {
    GeneratePlan { out: args.out }
}
