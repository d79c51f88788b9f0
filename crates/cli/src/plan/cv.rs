//! `nearplane cv`, decided.

use std::path::PathBuf;

use anyhow::Result;
use nearplane_models::neighbors::{Engine, Metric, TieRule, Weights};
use nearplane_models::selection::{Folds, FoldsError};

use super::knn::{engine, metric, tie, weights};
use super::matrices::input;
use super::{FeatureChoice, Input, Settings, features, is_svg, outputs_are_free, usage};
use crate::args::{CvKnnArgs, FoldRuleArg, FoldsArg};

/// `cv knn`.
pub(crate) struct CvKnnPlan {
    pub(crate) input: Input,
    /// `None`: the bytes of the images, or own matrices as they are.
    pub(crate) features: Option<FeatureChoice>,
    /// Distinct, in the order given; not empty.
    pub(crate) metrics: Vec<Metric>,
    /// Distinct, each at least 1, in the order given; not empty.
    pub(crate) k: Vec<usize>,
    /// Nobody asked for these k: those above the number of rows that fit are left out.
    pub(crate) k_by_default: bool,
    pub(crate) folding: Folding,
    pub(crate) tie: TieRule,
    pub(crate) weights: Weights,
    pub(crate) engine: Engine,
    pub(crate) resume: bool,
    pub(crate) plot: Option<PathBuf>,
}

/// How rows are put into folds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folding {
    LeaveOneOut,
    Parts {
        n_folds: usize,
        rule: FoldRule,
        repeats: u16,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoldRule {
    Stratified,
    Shuffled,
    Contiguous,
}

impl FoldRule {
    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FoldRule::Stratified => "stratified",
            FoldRule::Shuffled => "shuffled",
            FoldRule::Contiguous => "contiguous",
        }
    }
}

impl Folding {
    /// The folds of each repeat, by its own seed.
    pub(crate) fn folds(self, labels: &[u32], seed: u64) -> Result<Vec<Folds>, FoldsError> {
        let (n_folds, rule, repeats) = match self {
            Folding::LeaveOneOut => return Ok(vec![Folds::leave_one_out(labels.len())?]),
            Folding::Parts {
                n_folds,
                rule,
                repeats,
            } => (n_folds, rule, repeats),
        };
        Folds::repeated(usize::from(repeats), seed, |seed| match rule {
            FoldRule::Stratified => Folds::stratified(labels, n_folds, seed),
            FoldRule::Shuffled => Folds::shuffled(labels.len(), n_folds, seed),
            FoldRule::Contiguous => Folds::contiguous(labels.len(), n_folds),
        })
    }
}

/// The list of k where none is given: that of the course's own cross-validation.
const DEFAULT_K: [usize; 10] = [1, 3, 5, 8, 10, 12, 15, 20, 50, 100];

pub(super) fn cv_knn_plan(args: CvKnnArgs, settings: &Settings) -> Result<CvKnnPlan> {
    outputs_are_free(settings, &[("--plot", args.plot.as_deref())])?;
    is_svg("--plot", args.plot.as_deref())?;
    let features = features::optional(args.features)?;
    let input = input(args.source, args.matrices, features.is_some())?;
    if let Input::Matrices(files) = &input
        && files.eval.is_some()
    {
        return Err(usage(
            "--x-eval has no meaning for cv: rows of --x take turns at judging",
        ));
    }
    let mut metrics: Vec<Metric> = Vec::new();
    for arg in args.metric {
        let metric = metric(arg);
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    if metrics.contains(&Metric::Chi2) && features.is_none() && matches!(input, Input::Images(_)) {
        return Err(usage(
            "--metric chi2 compares histograms: choose features without a negative number, such as \
             --features hist",
        ));
    }
    let folding = folding(args.folds, args.split, args.repeats)?;
    let several = features
        .as_ref()
        .is_some_and(|choice| choice.extractor.blocks().len() > 1);
    if several && folding == Folding::LeaveOneOut {
        return Err(usage(
            "--folds loo takes features of one block: several are brought to one length, learnt on the rows \
             that fit, which would be a fit for each row; give a number of folds",
        ));
    }
    Ok(CvKnnPlan {
        input,
        features,
        metrics,
        k_by_default: args.k.is_none(),
        k: args.k.map_or_else(|| DEFAULT_K.to_vec(), |list| list.0),
        folding,
        tie: tie(args.tie),
        weights: weights(args.weights),
        engine: engine(args.engine),
        resume: args.resume,
        plot: args.plot,
    })
}

/// Options that have no meaning together are refused.
pub(super) fn folding(
    folds: FoldsArg,
    split: Option<FoldRuleArg>,
    repeats: u16,
) -> Result<Folding> {
    Ok(match (folds, split, repeats) {
        (FoldsArg::LeaveOneOut, None, 1) => Folding::LeaveOneOut,
        (FoldsArg::LeaveOneOut, Some(_), _) => {
            return Err(usage(
                "--split has no meaning with --folds loo: every row has a fold of its own",
            ));
        }
        (FoldsArg::LeaveOneOut, None, _) => {
            return Err(usage(
                "--repeats has no meaning with --folds loo: there is one way to leave one out",
            ));
        }
        (FoldsArg::Number(_), Some(FoldRuleArg::Contiguous), 2..) => {
            return Err(usage(
                "--repeats has no meaning with --split contiguous: the folds would be the same",
            ));
        }
        (FoldsArg::Number(n_folds), rule, repeats) => Folding::Parts {
            n_folds,
            rule: match rule {
                None | Some(FoldRuleArg::Stratified) => FoldRule::Stratified,
                Some(FoldRuleArg::Shuffled) => FoldRule::Shuffled,
                Some(FoldRuleArg::Contiguous) => FoldRule::Contiguous,
            },
            repeats,
        },
    })
}
