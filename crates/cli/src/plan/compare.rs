//! `nearplane compare`, decided.

use std::path::PathBuf;

use anyhow::Result;

use super::{Settings, usage};
use crate::args::CompareArgs;

/// `compare`.
pub(crate) struct ComparePlan {
    pub(crate) a: Compared,
    pub(crate) b: Compared,
    /// At least 1.
    pub(crate) resamples: u32,
}

/// One of the two sides.
pub(crate) struct Compared {
    pub(crate) path: PathBuf,
    /// `None`: the only column of predictions there is.
    pub(crate) column: Option<String>,
    /// Which option names the column, for messages.
    pub(crate) named_by: &'static str,
}

pub(super) fn compare_plan(args: CompareArgs, settings: &Settings) -> Result<ComparePlan> {
    if settings.limit.is_some() {
        return Err(usage(
            "--limit takes the first training rows, and compare reads predictions only; leave it out",
        ));
    }
    Ok(ComparePlan {
        a: Compared {
            path: args.a,
            column: args.column_a,
            named_by: "--column-a",
        },
        b: Compared {
            path: args.b,
            column: args.column_b,
            named_by: "--column-b",
        },
        resamples: args.resamples,
    })
}
