//! `nearplane knn`, as typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{FeatureArgs, MatrixArgs, SourceArgs};

pub(super) const EXAMPLES: &str = "\
Choose k and the metric with --on val, the default: a stratified tenth of the training set
is evaluated, and the other nine tenths train. The test split is for the end: each look at
it is logged beside the data set, and counted.

Own matrices are NumPy's .npy files: --x and --y train, --x-eval and --y-eval are evaluated;
without the latter, a stratified tenth of --x. Their answer is that of the same rows in a data
set. float64 is narrowed to float32; sums of float32 may round, those of uint8 are exact.

Examples:
  nearplane knn --data target/cifar10 --metric l1 --k 1,3,5,7,10,20
  nearplane knn --data target/cifar10 --on test --metric l2 --k 1..10 --tie lowest --json
  nearplane knn --k 1..20 --results runs.csv --predictions predictions.csv
  nearplane knn --on test --k 10 --neighbors-out neighbors.npy
  nearplane knn --data target/cifar10 --features hog+hist --metric l1 --k 1..40
  nearplane knn --x train.npy --y labels.npy --x-eval new.npy --y-eval new-labels.npy";

/// `knn`.
#[derive(Debug, Args)]
pub(crate) struct KnnArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Distance between images
    #[arg(long, value_enum, default_value_t = MetricArg::L2)]
    pub(crate) metric: MetricArg,
    /// Numbers of neighbours, all from one pass: 1,3,5 or 1..10 (both ends included) [default: 1,3,5,7,10,20, as far
    /// as there are rows]
    #[arg(long, value_name = "LIST", value_parser = k_list)]
    pub(crate) k: Option<KList>,
    /// Which of the tied classes wins a vote: that of the nearest neighbour among them, or the lowest label
    #[arg(long, value_enum, value_name = "RULE", default_value_t = TieArg::Nearest)]
    pub(crate) tie: TieArg,
    /// What a vote weighs: one each, or one over the distance
    #[arg(long, value_enum, default_value_t = WeightsArg::Uniform)]
    pub(crate) weights: WeightsArg,
    /// How neighbours are searched (the answers are the same)
    #[arg(long, value_enum, default_value_t = EngineArg::Auto)]
    pub(crate) engine: EngineArg,
    /// What is evaluated of a data set: a tenth of the training set, or the test set [default: val]
    #[arg(long, value_enum)]
    pub(crate) on: Option<OnArg>,
    /// Write the neighbours as an array [n_eval, k, 2] of (distance, index), uint32, for float rows float64: index is
    /// the row in the whole training set, also where a tenth of it is set aside; l2 distances are squared
    #[arg(long, value_name = "FILE.npy")]
    pub(crate) neighbors_out: Option<PathBuf>,
    /// Draw images of a data set beside their nearest neighbours: some that the first k is right about, some that it is
    /// wrong about; green frames for the same class, red ones for another
    #[arg(long, value_name = "FILE.png")]
    pub(crate) neighbors: Option<PathBuf>,
    /// Write the predicted labels: index, truth and a column per k
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) predictions: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) features: FeatureArgs,
    #[command(flatten)]
    pub(crate) matrices: MatrixArgs,
}

/// Distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricArg {
    /// Sum of absolute differences
    L1,
    /// Root of the sum of squared differences
    L2,
    /// Sum of (a - b)^2 / (a + b): for histograms, of features without a negative number
    Chi2,
}

/// Tie rules of the vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TieArg {
    /// The class whose nearest member is nearest
    Nearest,
    /// The lowest label, as NumPy and scikit-learn do
    Lowest,
}

/// Weights of the vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WeightsArg {
    /// Every neighbour counts one
    Uniform,
    /// A neighbour counts one over its distance
    Distance,
}

/// Search engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArg {
    /// Bounds where the data and the number of queries are expected to repay them
    Auto,
    /// Every distance, tiled
    Brute,
    /// Exact lower bounds rule rows out: images or rows of bytes, by l1 or l2
    Pruned,
}

/// Evaluation splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnArg {
    /// A stratified tenth of the training set
    Val,
    /// The test set
    Test,
}

/// Distinct numbers of neighbours, each at least 1, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KList(pub(crate) Vec<usize>);

/// Bounds the memory of the predictions, one row per k.
const K_LIST_LIMIT: usize = 1000;

/// Reads `1,3,5`, `1..10` (both ends included) or a mixture; a number given twice counts once.
pub(super) fn k_list(text: &str) -> Result<KList, String> {
    let mut list: Vec<usize> = Vec::new();
    for part in text.split(',') {
        let part = part.trim();
        let (low, high) = match part.split_once("..") {
            None => {
                let k = k_number(part)?;
                (k, k)
            }
            Some((low, high)) => (k_number(low.trim())?, k_number(high.trim())?),
        };
        if low > high {
            return Err(format!(
                "the range {low}..{high} is empty; write {high}..{low}"
            ));
        }
        if high - low >= K_LIST_LIMIT {
            return Err(format!(
                "the range {low}..{high} is too long; the limit is {K_LIST_LIMIT} numbers"
            ));
        }
        for k in low..=high {
            if !list.contains(&k) {
                list.push(k);
            }
        }
    }
    if list.len() > K_LIST_LIMIT {
        return Err(format!(
            "{} numbers are too many; the limit is {K_LIST_LIMIT}",
            list.len()
        ));
    }
    Ok(KList(list))
}

/// One number of neighbours. u32 at most, as positions of rows are.
fn k_number(text: &str) -> Result<usize, String> {
    match text.parse::<u32>() {
        Ok(0) => Err("k must be at least 1".to_owned()),
        Ok(k) => Ok(k as usize),
        Err(_) => Err(format!(
            "'{text}' is not a number of neighbours; expected a list like 1,3,5 or 1..10"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_include_both_ends() {
        assert_eq!(k_list("1,3,5"), Ok(KList(vec![1, 3, 5])));
        assert_eq!(k_list("1..4"), Ok(KList(vec![1, 2, 3, 4])));
        assert_eq!(k_list(" 7, 2..3 ,7"), Ok(KList(vec![7, 2, 3])));
        assert_eq!(k_list("5..5"), Ok(KList(vec![5])));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "0",
            "1,0",
            "0..3",
            "5..1",
            "1,,2",
            "-1",
            "1.5",
            "1...3",
            "..3",
            "x",
            "4294967296",
            "1..1001",
        ] {
            assert!(k_list(text).is_err(), "{text:?} was accepted");
        }
    }
}
