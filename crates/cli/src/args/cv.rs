//! `nearplane cv`, as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::knn::k_list;
use super::{
    CvLinearArgs, EngineArg, FeatureArgs, KList, MatrixArgs, MetricArg, SourceArgs, TieArg,
    WeightsArg,
};

const KNN_EXAMPLES: &str = "\
Every training row is judged once, by its nearest rows in other folds; the test split is not read.
All k and all folds come from one search a metric. --split-seed draws the folds.

With --results FILE the rows of a metric are written as soon as it is done, and --resume goes on
with a sweep that was stopped: what the file has of the same data and settings is not done again.

Examples:
  nearplane cv knn --data target/cifar10 --k 1..100 --metric l1,l2
  nearplane cv knn --data target/cifar10 --folds loo --k 1..100 --metric l2
  nearplane cv knn --limit 5000 --split contiguous --metric l2 --tie lowest --k 1,5,8,10
  nearplane cv knn --data target/cifar10 --features hog --metric l1 --k 1..40
  nearplane cv knn --k 1..100 --results sweep.csv --resume";

/// `cv`.
#[derive(Debug, Subcommand)]
pub(crate) enum CvCommand {
    /// k nearest neighbours: every k in every fold
    #[command(after_help = KNN_EXAMPLES)]
    Knn(CvKnnArgs),
    /// Linear models: every loss, penalty, lambda and set of features in every fold
    #[command(after_help = super::sweep::CV_LINEAR_EXAMPLES)]
    Linear(CvLinearArgs),
}

/// `cv knn`.
#[derive(Debug, Args)]
pub(crate) struct CvKnnArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Distances between images
    #[arg(
        long,
        value_enum,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "l1,l2"
    )]
    pub(crate) metric: Vec<MetricArg>,
    /// Numbers of neighbours: 1,3,5 or 1..100 (both ends included) [default: 1,3,5,8,10,12,15,20,50,100, as far as
    /// there are rows]
    #[arg(long, value_name = "LIST", value_parser = k_list)]
    pub(crate) k: Option<KList>,
    /// Number of folds, or loo: a fold for each row
    #[arg(long, value_name = "N|loo", default_value = "5", value_parser = folds)]
    pub(crate) folds: FoldsArg,
    /// Which rows share a fold [default: stratified]
    #[arg(long, value_enum, value_name = "RULE")]
    pub(crate) split: Option<FoldRuleArg>,
    /// How often rows are put into folds, each time by the next seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) repeats: u16,
    /// Which of the tied classes wins a vote: that of the nearest neighbour among them, or the lowest label
    #[arg(long, value_enum, value_name = "RULE", default_value_t = TieArg::Nearest)]
    pub(crate) tie: TieArg,
    /// What a vote weighs: one each, or one over the distance
    #[arg(long, value_enum, default_value_t = WeightsArg::Uniform)]
    pub(crate) weights: WeightsArg,
    /// How neighbours are searched (the answers are the same)
    #[arg(long, value_enum, default_value_t = EngineArg::Auto)]
    pub(crate) engine: EngineArg,
    /// Draw the accuracy of each fold over k, the mean, and bars of one standard deviation
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
    /// Take metrics from --results that are there already
    #[arg(long, requires = "results")]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) features: FeatureArgs,
    #[command(flatten)]
    pub(crate) matrices: MatrixArgs,
}

/// How many folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoldsArg {
    Number(usize),
    LeaveOneOut,
}

/// How rows are put into folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FoldRuleArg {
    /// Every fold has the same share of each class
    Stratified,
    /// Runs of a shuffled order
    Shuffled,
    /// Runs of the order of the files
    Contiguous,
}

pub(super) fn folds(text: &str) -> Result<FoldsArg, String> {
    if text == "loo" {
        return Ok(FoldsArg::LeaveOneOut);
    }
    match text.parse::<u32>() {
        Ok(n) if n >= 2 => Ok(FoldsArg::Number(n as usize)),
        Ok(n) => Err(format!("{n} folds are too few, expected at least 2")),
        Err(_) => Err(format!(
            "'{text}' is not a number of folds; expected a number like 5, or loo"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_a_number_or_loo() {
        assert_eq!(folds("5"), Ok(FoldsArg::Number(5)));
        assert_eq!(folds("loo"), Ok(FoldsArg::LeaveOneOut));
        for text in ["", "0", "1", "-2", "2.5", "LOO", "x"] {
            assert!(folds(text).is_err(), "{text}");
        }
    }
}
