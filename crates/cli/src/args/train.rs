//! `nearplane train`, as typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use nearplane_models::linear::{Loss, Schedule};

use super::{MatrixArgs, SourceArgs};

pub(super) const EXAMPLES: &str = "\
What is minimised is the mean loss over the training rows plus lambda times the penalty of the
weights. Pixels are divided by 255 and centred, features are standardised; the model that is
written acts on the bytes, or on the features as computed.

With one --lambda all training rows are fitted; the validation accuracy is that of another fit on
nine tenths of them. With several, or without --lambda, each is fitted on the nine tenths, and the
one with the best accuracy on the other tenth is fitted on all rows. The test split is never read.

--loss ridge, least squares on one-hot targets, is solved in closed form and takes no --solver: all
lambdas at once, and every row predicted by the fit to all others. The lambda with the best of these
leave-one-out accuracies is taken.

--solver exact goes on until the objective is known to be near the least one possible. --solver sgd
takes --epochs and writes FILE.checkpoint after each, from which --resume continues to the same bits.

Examples:
  nearplane train --data target/cifar10 --out softmax.safetensors
  nearplane train --data target/cifar10 --loss svm --lambda 1e-3 --out svm.safetensors
  nearplane train --loss ridge --lambda 0.1,0.03,0.01 --out ridge.safetensors
  nearplane train --features hog+hist --solver sgd --epochs 30 --average 0.5 --out hog.safetensors
  nearplane train --solver sgd --schedule step:every=10,factor=0.1 --out s.safetensors --resume
  nearplane train --x features.npy --y labels.npy --penalty elastic --beta 0.5 --out m.safetensors";

/// `train`.
#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Features of the images, such as hog+hist or hog:mode=skimage,cell=8 [default: raw, the bytes]
    #[arg(long, value_name = "SPEC")]
    pub(crate) features: Option<String>,
    /// Keep features in files in this folder, and take them from there the next time
    #[arg(long, value_name = "DIR", requires = "features")]
    pub(crate) cache: Option<PathBuf>,
    /// What a wrong score costs: svm (Weston-Watkins), svm-squared, one-vs-all, crammer-singer, softmax or ridge
    #[arg(long, value_name = "LOSS", default_value = "softmax", value_parser = loss)]
    pub(crate) loss: Loss,
    /// What large weights cost
    #[arg(long, value_enum, default_value_t = PenaltyArg::L2)]
    pub(crate) penalty: PenaltyArg,
    /// The share of the squares in the penalty elastic, sum (beta w^2 + |w|) [default: 1]
    #[arg(long, value_name = "BETA", allow_negative_numbers = true)]
    pub(crate) beta: Option<f64>,
    /// How much the penalty counts; of several, such as 1e-2,1e-3, the best on validation rows (ridge: on rows left out)
    /// [default: 1 to 1e-5 in eleven steps]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        allow_negative_numbers = true
    )]
    pub(crate) lambda: Vec<f64>,
    /// How much the rows of each class count
    #[arg(long, value_enum, value_name = "RULE", default_value_t = ClassWeightsArg::None)]
    pub(crate) class_weights: ClassWeightsArg,
    /// How the objective is minimised [default: exact]
    #[arg(long, value_enum)]
    pub(crate) solver: Option<SolverArg>,
    /// File to write the model to
    #[arg(long, value_name = "FILE.safetensors")]
    pub(crate) out: PathBuf,
    /// Draw the objective of every fit over time
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) exact: ExactArgs,
    #[command(flatten)]
    pub(crate) sgd: SgdArgs,
    #[command(flatten)]
    pub(crate) matrices: MatrixArgs,
}

/// Of `--solver exact`.
#[derive(Debug, Args)]
#[command(next_help_heading = "With --solver exact")]
pub(crate) struct ExactArgs {
    /// Stop when the objective is at most this share above the least one possible [default: 1e-4]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub(crate) tolerance: Option<f64>,
    /// Stop when all rows were read so many times [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) max_passes: Option<u32>,
}

/// Of `--solver sgd`.
#[derive(Debug, Args)]
#[command(next_help_heading = "With --solver sgd")]
pub(crate) struct SgdArgs {
    /// How often every row is visited [default: 20]
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<u32>,
    /// Rows of a step [default: 256]
    #[arg(long, value_name = "ROWS")]
    pub(crate) batch: Option<usize>,
    /// Learning rate at the beginning [default: from the data; 0.001 for adam]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub(crate) rate: Option<f64>,
    /// How the rate falls: constant, step:every=EPOCHS,factor=F, inverse:decay=D or cosine [default: cosine]
    #[arg(long, value_name = "SCHEDULE", value_parser = schedule)]
    pub(crate) schedule: Option<Schedule>,
    /// How a gradient becomes a step [default: momentum]
    #[arg(long, value_enum)]
    pub(crate) optimizer: Option<OptimizerArg>,
    /// How much of the last step goes on [default: 0.9]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub(crate) momentum: Option<f64>,
    /// Share of the epochs, the last ones, whose weights are averaged [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub(crate) average: Option<f64>,
    /// Share of the features that each step leaves out [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub(crate) dropout: Option<f64>,
    /// Normalise by running means and variances, in which each batch has this share (batch normalisation)
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub(crate) running_statistics: Option<f64>,
    /// Stop after so many epochs without a better validation accuracy; the model takes as many epochs as the best had
    #[arg(long, value_name = "EPOCHS")]
    pub(crate) patience: Option<u32>,
    /// Continue from FILE.checkpoint, which an interrupted run has left
    #[arg(long)]
    pub(crate) resume: bool,
}

/// Penalties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PenaltyArg {
    /// Nothing
    None,
    /// The sum of squares
    L2,
    /// The sum of absolute values
    L1,
    /// Both, the squares times --beta
    Elastic,
}

/// Weights of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClassWeightsArg {
    /// Every row counts one
    None,
    /// Every class counts alike, however many rows it has
    Balanced,
}

/// Solvers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SolverArg {
    /// Stochastic gradient descent in small batches
    Sgd,
    /// All rows at every step, with a bound on what is missing
    Exact,
}

/// Optimizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OptimizerArg {
    /// Gradient descent that keeps its direction for a while
    Momentum,
    /// The same, with the gradient looked up ahead
    Nesterov,
    /// A rate of its own for each weight
    Adam,
}

pub(super) fn loss(name: &str) -> Result<Loss, String> {
    name.parse::<Loss>().map_err(|error| error.to_string())
}

/// A name, and options after a colon.
fn schedule(text: &str) -> Result<Schedule, String> {
    let (name, options) = text.split_once(':').unwrap_or((text, ""));
    let number = |option: &str| -> Result<f64, String> {
        let mut pairs = options.split(',').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(key, _)| *key == option).ok_or_else(|| {
            format!(
                "{name} needs {option}=NUMBER, as in step:every=10,factor=0.1 or inverse:decay=1"
            )
        })?;
        let found = value.parse();
        found.map_err(|_| format!("{option} is '{value}', expected a number"))
    };
    let known: &[&str] = match name {
        "constant" | "cosine" => &[],
        "step" => &["every", "factor"],
        "inverse" => &["decay"],
        _ => {
            return Err(format!(
                "unknown schedule '{name}', expected constant, step:every=N,factor=F, inverse:decay=D or cosine"
            ));
        }
    };
    let mut seen: Vec<&str> = Vec::new();
    for pair in options.split(',').filter(|pair| !pair.is_empty()) {
        let key = pair.split_once('=').map_or(pair, |(key, _)| key);
        if !known.contains(&key) || seen.contains(&key) {
            let twice = if seen.contains(&key) { " twice" } else { "" };
            return Err(format!("{name} has no option '{key}'{twice}"));
        }
        seen.push(key);
    }
    Ok(match name {
        "constant" => Schedule::Constant,
        "cosine" => Schedule::Cosine,
        "inverse" => Schedule::Inverse {
            decay: number("decay")?,
        },
        _ => {
            let every = number("every")?;
            if every.fract() != 0.0 || !(1.0..=f64::from(u32::MAX)).contains(&every) {
                return Err(format!(
                    "every is {every}, expected a whole number of epochs"
                ));
            }
            Schedule::Step {
                every: every as u32,
                factor: number("factor")?,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read() {
        assert_eq!(schedule("cosine"), Ok(Schedule::Cosine));
        assert_eq!(
            schedule("step:factor=0.1,every=10"),
            Ok(Schedule::Step {
                every: 10,
                factor: 0.1
            })
        );
        assert_eq!(
            schedule("inverse:decay=0.5"),
            Ok(Schedule::Inverse { decay: 0.5 })
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "linear",
            "step",
            "step:every=2",
            "step:every=1.5,factor=0.1",
            "step:every=0,factor=0.1",
            "step:every=2,factor=x",
            "step:every=2,every=3,factor=0.1",
            "constant:decay=1",
            "inverse:0.5",
        ] {
            assert!(schedule(text).is_err(), "{text:?} was accepted");
        }
    }
}
