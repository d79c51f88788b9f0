//! The raw arguments, exactly as typed. Nothing here opens a file or decides anything: `plan.rs` turns them into a
//! validated plan. The doc comments are the help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  nearplane knn
  nearplane data import cifar10.tar.xz --out target/cifar10
  nearplane knn --data target/cifar10 --metric l1 --k 1,3,5,7,10,20
  nearplane knn --data target/cifar10 --on test --metric l2 --k 1..10 --json

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.";

const IMPORT_EXAMPLES: &str = "\
SRC holds train/<class>/*.jpg|png and test/<class>/..., or one level of class folders,
of which a share becomes the test set. Classes are numbered in the order of their names.
Images of another size are resized to 32x32.

Examples:
  nearplane data import cifar10.tar.xz --out target/cifar10 --order train-labels.txt
  nearplane data import photos/ --out target/photos --test-ratio 0.2 --skip-bad";

const SYNTH_EXAMPLES: &str = "\
Examples:
  nearplane data synth --out target/synth
  nearplane data synth --out target/big --n-train 50000 --n-test 10000 --seed 7";

const INSPECT_EXAMPLES: &str = "\
Examples:
  nearplane data inspect --data target/cifar10 --picture samples.png
  nearplane data inspect --json";

const KNN_EXAMPLES: &str = "\
Choose k and the metric with --on val, the default: a stratified tenth of the training set
is evaluated, and the other nine tenths train. The test split is for the end: each look at
it is logged beside the data set, and counted.

Examples:
  nearplane knn --data target/cifar10 --metric l1 --k 1,3,5,7,10,20
  nearplane knn --data target/cifar10 --on test --metric l2 --k 1..10 --tie lowest --json
  nearplane knn --k 1..20 --results runs.csv --predictions predictions.csv
  nearplane knn --on test --k 10 --neighbors-out neighbors.npy";

/// Exact nearest neighbours on images.
///
/// nearplane is classical image classification at the speed of the hardware: exact k nearest neighbours on CIFAR-10
/// and on any other set of 32x32 colour images, reproducible to the bit.
#[derive(Debug, Parser)]
#[command(name = "nearplane", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Import, draw and inspect data sets
    #[command(subcommand, arg_required_else_help = true)]
    Data(DataCommand),
    /// k nearest neighbours: fit, predict, evaluate
    #[command(after_help = KNN_EXAMPLES)]
    Knn(KnnArgs),
}

/// The commands below `nearplane data`.
#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Turn a folder or a .tar, .tar.gz, .tar.xz of class folders of images into CIFAR-10 binary files
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArgs),
    /// Draw ten classes of synthetic images from a seed, the same bytes on every system
    #[command(after_help = SYNTH_EXAMPLES)]
    Synth(SynthArgs),
    /// Counts, class balance, means, duplicates and a picture of samples
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(InspectArgs),
}

/// Options that every command has.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Print one JSON object on stdout and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Number of threads [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// SIMD level: auto, scalar, portable, avx2, avxvnni, avx512, avx512vnni or neon (the answers are the same)
    #[arg(long, global = true, value_name = "LEVEL", default_value = "auto")]
    pub(crate) simd: String,
    /// Seed of whatever is drawn: synthetic images, a split by ratio
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Seed of the train/validation split, apart from --seed so that the split stays put
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    pub(crate) split_seed: u64,
    /// Use the first N training rows only
    #[arg(long, global = true, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Read the files into memory instead of mapping them (for files that others may change meanwhile)
    #[arg(long, global = true)]
    pub(crate) no_mmap: bool,
    /// No notes and no progress on stderr
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Replace an output that exists
    #[arg(long, global = true)]
    pub(crate) force: bool,
    /// Append CSV rows with the whole configuration and the result to FILE
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) results: Option<PathBuf>,
}

/// Where images come from.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// Folder in CIFAR-10 or CIFAR-100 binary format [default: $NEARPLANE_DATA, else
    /// datasets/cifar-10-batches-bin if it exists, else synthetic images]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Which of the two labels of CIFAR-100
    #[arg(long, value_enum, value_name = "KIND", default_value_t = LabelsArg::Fine)]
    pub(crate) labels: LabelsArg,
}

/// `data import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Folder or archive to import
    #[arg(value_name = "SRC")]
    pub(crate) src: PathBuf,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Order of the training images: a text file with one digit, the label, per image
    #[arg(long, value_name = "FILE")]
    pub(crate) order: Option<PathBuf>,
    /// Leave out images that cannot be decoded instead of failing
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Share of each class that becomes the test set where SRC has no test folder [default: 0.2 where it has
    /// no train folder either]
    #[arg(long, value_name = "RATIO")]
    pub(crate) test_ratio: Option<f64>,
}

/// `data synth`.
#[derive(Debug, Args)]
pub(crate) struct SynthArgs {
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Number of training images [default: 5000]
    #[arg(long, value_name = "N")]
    pub(crate) n_train: Option<u64>,
    /// Number of test images [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) n_test: Option<u64>,
}

/// `data inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Write a picture of samples of every class
    #[arg(long, value_name = "FILE.png")]
    pub(crate) picture: Option<PathBuf>,
}

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
    /// What is evaluated: a tenth of the training set, or the test set
    #[arg(long, value_enum, default_value_t = OnArg::Val)]
    pub(crate) on: OnArg,
    /// Write the neighbours as a u32 array [n_eval, k, 2] of (distance, index); l2 distances are squared
    #[arg(long, value_name = "FILE.npy")]
    pub(crate) neighbors_out: Option<PathBuf>,
    /// Write the predicted labels: index, truth and a column per k
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) predictions: Option<PathBuf>,
}

/// The two labels of a CIFAR-100 image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LabelsArg {
    /// The 100 classes
    Fine,
    /// Their 20 groups
    Coarse,
}

/// Distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricArg {
    /// Sum of absolute differences
    L1,
    /// Root of the sum of squared differences
    L2,
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
    /// The fastest one for the data
    Auto,
    /// Every distance, tiled
    Brute,
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
fn k_list(text: &str) -> Result<KList, String> {
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
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

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
