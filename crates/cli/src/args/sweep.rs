//! `nearplane cv linear` and `nearplane tune`, as typed: which linear models, and what judges them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use nearplane_models::linear::Loss;

use super::cv::folds;
use super::train::loss;
use super::{
    ClassWeightsArg, ExactArgs, FoldRuleArg, FoldsArg, MatrixArgs, PenaltyArg, SourceArgs,
};

pub(super) const CV_LINEAR_EXAMPLES: &str = "\
Every combination of features, losses, penalties and lambdas is fitted once a fold, on the rows
outside of it, and judged by the rows inside; the test split is not read. Features are standardised
by the rows that fit alone. Along the lambdas, from the largest on, each fit begins where the one
before ended. The best has the highest mean over the folds, of equal ones the largest lambda.

With --results FILE each fit is a row as soon as it is finished, and --resume goes on with a sweep
that was stopped: what the file has of the same data and settings is not done again. FILE.starts
holds what the next fits begin with, and is removed at the end.

Examples:
  nearplane cv linear --data target/cifar10 --features raw --loss softmax --lambda 1e-4..1
  nearplane cv linear --features hog --features hog+hist --loss softmax,svm --results sweep.csv
  nearplane cv linear --features hog --penalty l2,elastic --beta 0.5,1 --results sweep.csv --resume
  nearplane cv linear --x features.npy --y labels.npy --loss ridge --lambda 1e-6..10";

pub(super) const TUNE_EXAMPLES: &str = "\
Searches among features, losses, penalties and lambdas: --search grid tries all, random draws
--trials of them from --seed, halving fits --trials of them to few rows, the best of these to
more, and the last ones to all. Judged by the validation split, or by --folds. The test split is
never read: at the end stands the command that fits the best to all rows, and the one that
evaluates it, once.

FILE.toml has the space, any of these lines:
  features = [\"hog\", \"hog+hist\"]
  loss = [\"softmax\", \"svm-squared\"]
  penalty = [\"l2\", \"elastic\"]
  beta = [0.5, 1]
  lambda = { low = 1e-5, high = 1 }   # or a list of numbers

Examples:
  nearplane tune --data target/cifar10 --features hog --features hog+hist --trials 20
  nearplane tune --data target/cifar10 --space space.toml --search halving --trials 60
  nearplane tune --search grid --loss softmax,svm --lambda 1e-4..1 --folds 5 --results t.csv --resume";

/// The space of linear models.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is tried")]
pub(crate) struct SpaceArgs {
    /// Features of the images, such as hog+hist; may be given several times [default: raw, the bytes]
    #[arg(long, value_name = "SPEC")]
    pub(crate) features: Vec<String>,
    /// What a wrong score costs: svm, svm-squared, one-vs-all, crammer-singer, softmax, ridge [default: softmax]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = loss)]
    pub(crate) loss: Vec<Loss>,
    /// What large weights cost [default: l2]
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    pub(crate) penalty: Vec<PenaltyArg>,
    /// The share of the squares in the penalty elastic [default: 1]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = numbers, allow_negative_numbers = true)]
    pub(crate) beta: Vec<NumbersArg>,
    /// How much the penalty counts: a list such as 1e-2,1e-3; 1e-4..1 are all decades from one to the other, both
    /// included, or for --search random and halving anything in between
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = numbers, allow_negative_numbers = true)]
    pub(crate) lambda: Vec<NumbersArg>,
}

/// How each model is fitted.
#[derive(Debug, Args)]
pub(crate) struct FittingArgs {
    /// Keep features in files in this folder, and take them from there the next time
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// How much the rows of each class count
    #[arg(long, value_enum, value_name = "RULE", default_value_t = ClassWeightsArg::None)]
    pub(crate) class_weights: ClassWeightsArg,
    /// Take fits from --results that are there already
    #[arg(long, requires = "results")]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) exact: ExactArgs,
}

/// `cv linear`.
#[derive(Debug, Args)]
pub(crate) struct CvLinearArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Number of folds
    #[arg(long, value_name = "N", default_value = "5", value_parser = folds)]
    pub(crate) folds: FoldsArg,
    /// Which rows share a fold [default: stratified]
    #[arg(long, value_enum, value_name = "RULE")]
    pub(crate) split: Option<FoldRuleArg>,
    /// How often rows are put into folds, each time by the next seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) repeats: u16,
    #[command(flatten)]
    pub(crate) fitting: FittingArgs,
    #[command(flatten)]
    pub(crate) space: SpaceArgs,
    #[command(flatten)]
    pub(crate) matrices: MatrixArgs,
}

/// `tune`.
#[derive(Debug, Args)]
pub(crate) struct TuneArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Which models of the space are tried
    #[arg(long, value_enum, default_value_t = SearchArg::Random)]
    pub(crate) search: SearchArg,
    /// How many models random and halving draw [default: 20]; more of them leave the first ones as they are
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) trials: Option<u32>,
    /// Of halving: each round keeps one of so many models, and fits it to so many times the rows [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub(crate) eta: Option<u32>,
    /// Judge by so many folds instead of the validation split
    #[arg(long, value_name = "N", value_parser = folds)]
    pub(crate) folds: Option<FoldsArg>,
    /// Which rows share a fold [default: stratified]
    #[arg(long, value_enum, value_name = "RULE", requires = "folds")]
    pub(crate) split: Option<FoldRuleArg>,
    /// How often rows are put into folds, each time by the next seed
    #[arg(long, value_name = "N", default_value_t = 1, requires = "folds", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) repeats: u16,
    #[command(flatten)]
    pub(crate) fitting: FittingArgs,
    /// File with the space, instead of the options below
    #[arg(long = "space", value_name = "FILE.toml", conflicts_with_all = ["features", "loss", "penalty", "beta", "lambda"])]
    pub(crate) space_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) space: SpaceArgs,
    #[command(flatten)]
    pub(crate) matrices: MatrixArgs,
}

/// Searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SearchArg {
    /// Some, drawn from --seed
    Random,
    /// All
    Grid,
    /// Many on few rows, the best of them on more, the last ones on all
    Halving,
}

/// A number, or all between two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NumbersArg {
    One(f64),
    Between(f64, f64),
}

fn numbers(text: &str) -> Result<NumbersArg, String> {
    let number = |text: &str| {
        let found = text.trim().parse::<f64>();
        found.map_err(|_| {
            format!("'{text}' is not a number; expected a list such as 1e-2,1e-3 or 1e-4..1")
        })
    };
    match text.split_once("..") {
        None => Ok(NumbersArg::One(number(text)?)),
        Some((low, high)) => {
            let (low, high) = (number(low)?, number(high)?);
            if !(low > 0.0 && low < high && high.is_finite()) {
                return Err(format!(
                    "from {low} to {high} there is nothing; expected two numbers above 0, the smaller one first"
                ));
            }
            Ok(NumbersArg::Between(low, high))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_alone_or_in_between() {
        assert_eq!(numbers("1e-2"), Ok(NumbersArg::One(0.01)));
        assert_eq!(numbers("1e-4..1"), Ok(NumbersArg::Between(1e-4, 1.0)));
        for text in ["", "x", "1..", "1..0.1", "0..1", "1..inf", "1..NaN"] {
            assert!(numbers(text).is_err(), "{text}");
        }
    }
}
