//! `nearplane difficulties`, decided.

use std::path::PathBuf;

use anyhow::Result;
use nearplane_models::neighbors::Metric;
use nearplane_synth::SynthParams;

use super::knn::{metric, on};
use super::{On, Settings, Source, count, pictures_are_free, source, usage};
use crate::args::DifficultiesArgs;
use crate::data_source;

/// `difficulties`.
pub(crate) struct DifficultiesPlan {
    pub(crate) source: Source,
    pub(crate) metric: Metric,
    pub(crate) on: On,
    /// What is drawn for each strength of a difficulty: every difficulty at 0, and fit to be drawn.
    pub(crate) textbook: SynthParams,
    /// The limit where it leaves out some of these.
    pub(crate) textbook_limit: Option<usize>,
    pub(crate) picture: Option<PathBuf>,
    pub(crate) knobs_picture: Option<PathBuf>,
}

pub(super) fn difficulties_plan(
    args: DifficultiesArgs,
    settings: &Settings,
) -> Result<DifficultiesPlan> {
    let metric = metric(args.metric);
    if metric == Metric::Chi2 {
        return Err(usage(
            "--metric chi2 compares histograms, but difficulties compares pixels: give l1 or l2",
        ));
    }
    let mut textbook = SynthParams {
        seed: settings.seed,
        ..SynthParams::textbook()
    };
    if let Some(n) = args.n_train {
        textbook.n_train = count("--n-train", n)?;
    }
    if let Some(n) = args.n_test {
        textbook.n_test = count("--n-test", n)?;
    }
    let textbook_limit = data_source::limit(settings, textbook.n_train);
    textbook.n_train = textbook_limit.unwrap_or(textbook.n_train);
    textbook.check().map_err(|error| usage(error.to_string()))?;
    pictures_are_free(
        settings,
        &[
            ("--picture", args.picture.as_deref()),
            ("--knobs-picture", args.knobs_picture.as_deref()),
        ],
    )?;
    Ok(DifficultiesPlan {
        source: source(args.source),
        metric,
        on: on(args.on),
        textbook,
        textbook_limit,
        picture: args.picture,
        knobs_picture: args.knobs_picture,
    })
}
