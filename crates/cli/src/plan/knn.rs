//! `nearplane knn`, decided.

use std::path::PathBuf;

use anyhow::Result;
use nearplane_models::neighbors::{Engine, Metric, TieRule, Weights};

use super::matrices::input;
use super::{FeatureChoice, Input, Settings, features, outputs_are_free, pictures_are_free, usage};
use crate::args::{EngineArg, KnnArgs, MetricArg, OnArg, TieArg, WeightsArg};

/// `knn`.
#[derive(Clone)]
pub(crate) struct KnnPlan {
    pub(crate) input: Input,
    /// `None`: the bytes of the images, or own matrices as they are.
    pub(crate) features: Option<FeatureChoice>,
    pub(crate) metric: Metric,
    /// Distinct, each at least 1, in the order given; not empty.
    pub(crate) k: Vec<usize>,
    /// Nobody asked for these k: those above the number of training rows are left out.
    pub(crate) k_by_default: bool,
    pub(crate) tie: TieRule,
    pub(crate) weights: Weights,
    pub(crate) engine: Engine,
    pub(crate) on: On,
    pub(crate) neighbors_out: Option<PathBuf>,
    /// A picture.
    pub(crate) neighbors: Option<PathBuf>,
    pub(crate) predictions: Option<PathBuf>,
}

/// The list of k where none is given.
const DEFAULT_K: [usize; 6] = [1, 3, 5, 7, 10, 20];

/// What is evaluated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Val,
    Test,
    /// The matrix of `--x-eval`.
    Eval,
}

impl On {
    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            On::Val => "val",
            On::Test => "test",
            On::Eval => "eval",
        }
    }

    /// What its images or rows are for, in a sentence.
    pub(crate) fn adjective(self) -> &'static str {
        match self {
            On::Val => "validation",
            On::Test => "test",
            On::Eval => "evaluation",
        }
    }
}

pub(super) fn knn_plan(args: KnnArgs, settings: &Settings) -> Result<KnnPlan> {
    outputs_are_free(
        settings,
        &[
            ("--neighbors-out", args.neighbors_out.as_deref()),
            ("--predictions", args.predictions.as_deref()),
            ("--neighbors", args.neighbors.as_deref()),
        ],
    )?;
    pictures_are_free(settings, &[("--neighbors", args.neighbors.as_deref())])?;
    let mut on = match args.on {
        None | Some(OnArg::Val) => On::Val,
        Some(OnArg::Test) => On::Test,
    };
    let features = features::optional(args.features)?;
    let input = input(args.source, args.matrices, features.is_some())?;
    if let Input::Matrices(files) = &input {
        if args.on.is_some() {
            return Err(usage(
                "--on chooses a split of a data set and has no meaning with --x: --x-eval is \
                 evaluated, or a tenth of --x without it",
            ));
        }
        if args.neighbors.is_some() {
            return Err(usage(
                "--neighbors draws images, and the rows of --x are none: give --data",
            ));
        }
        if files.eval.is_some() {
            on = On::Eval;
        }
    }
    let metric = metric(args.metric);
    if metric == Metric::Chi2 && features.is_none() && matches!(input, Input::Images(_)) {
        return Err(usage(
            "--metric chi2 compares histograms: choose features without a negative number, such as \
             --features hist",
        ));
    }
    if args.engine == EngineArg::Pruned && metric == Metric::Chi2 {
        return Err(usage(
            "--engine pruned searches by l1 or l2: choose --engine auto or brute for --metric chi2",
        ));
    }
    Ok(KnnPlan {
        input,
        features,
        metric,
        k_by_default: args.k.is_none(),
        k: args.k.map_or_else(|| DEFAULT_K.to_vec(), |list| list.0),
        tie: tie(args.tie),
        weights: weights(args.weights),
        engine: engine(args.engine),
        on,
        neighbors_out: args.neighbors_out,
        neighbors: args.neighbors,
        predictions: args.predictions,
    })
}

pub(super) fn metric(arg: MetricArg) -> Metric {
    match arg {
        MetricArg::L1 => Metric::L1,
        MetricArg::L2 => Metric::L2,
        MetricArg::Chi2 => Metric::Chi2,
    }
}

pub(super) fn tie(arg: TieArg) -> TieRule {
    match arg {
        TieArg::Nearest => TieRule::Nearest,
        TieArg::Lowest => TieRule::Lowest,
    }
}

pub(super) fn weights(arg: WeightsArg) -> Weights {
    match arg {
        WeightsArg::Uniform => Weights::Uniform,
        WeightsArg::Distance => Weights::Distance,
    }
}

pub(super) fn engine(arg: EngineArg) -> Engine {
    match arg {
        EngineArg::Auto => Engine::Auto,
        EngineArg::Brute => Engine::BruteForce,
        EngineArg::Pruned => Engine::Pruned,
    }
}

pub(super) fn on(arg: OnArg) -> On {
    match arg {
        OnArg::Val => On::Val,
        OnArg::Test => On::Test,
    }
}
