//! What every public type promises beside its methods: it goes to other threads, and it can be printed.

use std::fmt::Debug;

use nearplane_models::features::{HistogramCurves, HogCells};
use nearplane_models::linear::{
    Affine, Certificate, ClassWeight, EpochReport, LeftOut, LinearConfig, LinearData, LinearError,
    LinearModel, LinearParams, Loss, Objective, Optimizer, Parameters, Penalty, RidgeConfig,
    RidgeFit, RidgeParams, Schedule, SgdConfig, SgdParams, SgdProgress, SgdState, SgdTrainer,
};
use nearplane_models::metrics::{Accuracy, Averages, ConfusionMatrix, PairedOutcomes};
use nearplane_models::neighbors::{
    Ballot, Effort, Engine, Index, KNeighborsClassifier, KNeighborsConfig, KNeighborsParams,
    Metric, NeighborBlock, Neighbors, NeighborsError, Rows, TieRule, Voter, Votes, Weights,
};
use nearplane_models::selection::{
    Candidate, CrossValidationError, FoldAccuracies, FoldFit, Folds, FoldsError, LinearFold,
    LinearPath, LinearSpace, Numbers, PathStart, Rung, SearchError, Split, SplitError,
    ThreeWaySplit,
};

fn thread_safe<T: Send + Sync + Unpin + Debug>() {}

#[test]
fn public_types_go_to_other_threads() {
    thread_safe::<Accuracy>();
    thread_safe::<Averages>();
    thread_safe::<Effort>();
    thread_safe::<ConfusionMatrix>();
    thread_safe::<PairedOutcomes>();
    thread_safe::<HistogramCurves>();
    thread_safe::<HogCells>();
    thread_safe::<Ballot>();
    thread_safe::<Effort>();
    thread_safe::<Engine>();
    thread_safe::<Index<'_, u8>>();
    thread_safe::<Index<'_, f32>>();
    thread_safe::<KNeighborsClassifier<'_, u8>>();
    thread_safe::<KNeighborsClassifier<'_, f32>>();
    thread_safe::<KNeighborsConfig>();
    thread_safe::<KNeighborsParams>();
    thread_safe::<Metric>();
    thread_safe::<NeighborBlock<'_, u32>>();
    thread_safe::<Neighbors<f32>>();
    thread_safe::<NeighborsError>();
    thread_safe::<Rows<'_, u8>>();
    thread_safe::<Rows<'_, f32>>();
    thread_safe::<TieRule>();
    thread_safe::<Voter<'_>>();
    thread_safe::<Votes>();
    thread_safe::<Weights>();
    thread_safe::<Candidate>();
    thread_safe::<FoldFit>();
    thread_safe::<LinearFold<'_, u8>>();
    thread_safe::<LinearFold<'_, f32>>();
    thread_safe::<LinearPath>();
    thread_safe::<LinearSpace>();
    thread_safe::<Numbers>();
    thread_safe::<PathStart>();
    thread_safe::<Rung>();
    thread_safe::<SearchError>();
    thread_safe::<CrossValidationError>();
    thread_safe::<FoldAccuracies>();
    thread_safe::<Folds>();
    thread_safe::<FoldsError>();
    thread_safe::<Split>();
    thread_safe::<SplitError>();
    thread_safe::<ThreeWaySplit>();
}

#[test]
fn public_types_of_linear_models_go_to_other_threads() {
    thread_safe::<Affine>();
    thread_safe::<Certificate>();
    thread_safe::<LeftOut>();
    thread_safe::<RidgeConfig>();
    thread_safe::<RidgeFit>();
    thread_safe::<RidgeParams>();
    thread_safe::<ClassWeight>();
    thread_safe::<EpochReport>();
    thread_safe::<LinearConfig>();
    thread_safe::<LinearData<'_, u8>>();
    thread_safe::<LinearError>();
    thread_safe::<LinearModel>();
    thread_safe::<LinearParams>();
    thread_safe::<Loss>();
    thread_safe::<Objective<'_, '_, u8>>();
    thread_safe::<Objective<'_, '_, f32>>();
    thread_safe::<Optimizer>();
    thread_safe::<Parameters>();
    thread_safe::<Penalty>();
    thread_safe::<Schedule>();
    thread_safe::<SgdConfig>();
    thread_safe::<SgdParams>();
    thread_safe::<SgdProgress>();
    thread_safe::<SgdState>();
    thread_safe::<SgdTrainer<'_, '_, u8>>();
    thread_safe::<SgdTrainer<'_, '_, f32>>();
}
