//! `nearplane lecture`, decided.

use std::path::PathBuf;

use anyhow::Result;

use super::{Settings, Source, outputs_are_apart, source};
use crate::args::{ChapterArg, LectureArgs};

/// `lecture`.
pub(crate) struct LecturePlan {
    pub(crate) source: Source,
    pub(crate) out: PathBuf,
    pub(crate) quick: bool,
    /// Which chapters; all of them if none was named.
    pub(crate) chapters: Vec<ChapterArg>,
}

/// In their order.
const ALL: [ChapterArg; 8] = [
    ChapterArg::Images,
    ChapterArg::Knn,
    ChapterArg::Hyperparameters,
    ChapterArg::Linear,
    ChapterArg::Features,
    ChapterArg::Losses,
    ChapterArg::Regularisation,
    ChapterArg::Whole,
];

pub(super) fn lecture_plan(args: LectureArgs, settings: &Settings) -> Result<LecturePlan> {
    outputs_are_apart(settings, &args.out, &[])?;
    let wanted = |chapter: &ChapterArg| args.only.is_empty() || args.only.contains(chapter);
    Ok(LecturePlan {
        source: source(args.source),
        out: args.out,
        quick: args.quick,
        chapters: ALL.into_iter().filter(wanted).collect(),
    })
}
