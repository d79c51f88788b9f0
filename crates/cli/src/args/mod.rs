//! The raw arguments, exactly as typed. Nothing here opens a file or decides anything: `plan/` turns them into a
//! validated plan. The doc comments are the help texts.

mod compare;
mod cv;
mod data;
mod difficulties;
mod eval;
mod features;
mod generate;
mod knn;
mod lecture;
mod matrices;
mod predict;
mod sweep;
mod train;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::compare::CompareArgs;
pub(crate) use self::cv::{CvCommand, CvKnnArgs, FoldRuleArg, FoldsArg};
#[cfg(feature = "fetch")]
pub(crate) use self::data::FetchNameArg;
pub(crate) use self::data::{
    DataCommand, DtypeArg, ExportArgs, FetchArgs, ImportArgs, InspectArgs, KnobArgs, PerturbArgs,
    SplitArg, SynthArgs,
};
pub(crate) use self::difficulties::DifficultiesArgs;
pub(crate) use self::eval::EvalArgs;
pub(crate) use self::features::{FeatureArgs, FeaturesArgs, OneSplitArg};
pub(crate) use self::generate::GenerateArgs;
pub(crate) use self::knn::{EngineArg, KList, KnnArgs, MetricArg, OnArg, TieArg, WeightsArg};
pub(crate) use self::lecture::{ChapterArg, LectureArgs};
pub(crate) use self::matrices::MatrixArgs;
pub(crate) use self::predict::PredictArgs;
pub(crate) use self::sweep::{
    CvLinearArgs, FittingArgs, NumbersArg, SearchArg, SpaceArgs, TuneArgs,
};
pub(crate) use self::train::{
    ClassWeightsArg, ExactArgs, OptimizerArg, PenaltyArg, SgdArgs, SolverArg, TrainArgs,
};

const EXAMPLES: &str = "\
Examples:
  nearplane knn
  nearplane data fetch cifar-10
  nearplane data import cifar10.tar.xz --out target/cifar10
  nearplane knn --data target/cifar10 --metric l1 --k 1,3,5,7,10,20
  nearplane knn --data target/cifar10 --on test --metric l2 --k 1..10 --json
  nearplane train --data target/cifar10 --out softmax.safetensors
  nearplane lecture --out lecture --quick

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.";

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
    /// Fetch, import, draw, perturb, inspect and export data sets
    #[command(subcommand, arg_required_else_help = true)]
    Data(DataCommand),
    /// Accuracy against each of the five difficulties and each of the nine perturbations, as a table
    #[command(after_help = difficulties::EXAMPLES)]
    Difficulties(DifficultiesArgs),
    /// k nearest neighbours: fit, predict, evaluate
    #[command(after_help = knn::EXAMPLES)]
    Knn(KnnArgs),
    /// Cross-validate on the training set: every choice in every fold
    #[command(subcommand, arg_required_else_help = true)]
    Cv(CvCommand),
    /// Search for the best linear model: losses, penalties, lambdas, features
    #[command(after_help = sweep::TUNE_EXAMPLES)]
    Tune(TuneArgs),
    /// Fit a linear model: SVM or softmax, by gradient descent or exactly
    #[command(after_help = train::EXAMPLES)]
    Train(TrainArgs),
    /// Accuracy, per-class report and confusion matrix of a fitted model
    #[command(after_help = eval::EXAMPLES)]
    Eval(EvalArgs),
    /// Labels of image files by a fitted model
    #[command(after_help = predict::EXAMPLES)]
    Predict(PredictArgs),
    /// Which of two models is better on the same images, and whether that can be luck
    #[command(after_help = compare::EXAMPLES)]
    Compare(CompareArgs),
    /// Write the features of the images of a data set as a matrix, draw them beside the images
    #[command(after_help = features::EXAMPLES)]
    Features(FeaturesArgs),
    /// The whole lecture on your data, every picture of it, as one HTML page
    #[command(after_help = lecture::EXAMPLES)]
    Lecture(LectureArgs),
    /// Write man pages and shell completions to a folder
    #[command(hide = true)]
    Generate(GenerateArgs),
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
    /// SIMD level: auto, scalar, portable, avx2, avxvnni, avx512, avx512vnni, amx or neon (the answers are the same)
    #[arg(long, global = true, value_name = "LEVEL", default_value = "auto")]
    pub(crate) simd: String,
    /// Seed of whatever is drawn: synthetic images, a split by ratio, resamples
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

/// The two labels of a CIFAR-100 image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LabelsArg {
    /// The 100 classes
    Fine,
    /// Their 20 groups
    Coarse,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
