//! Own matrices, as typed, for the commands that take them.

use std::path::PathBuf;

use clap::Args;

/// `--x`, `--y`, `--x-eval`, `--y-eval`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Own matrices instead of a data set")]
pub(crate) struct MatrixArgs {
    /// Training rows n x d (further axes count as columns), uint8, float32 or float64 in C order; uint8 is exact
    #[arg(long, value_name = "FILE.npy", conflicts_with = "labels")]
    pub(crate) x: Option<PathBuf>,
    /// Their labels, n integers of any width, 0 to 4294967295
    #[arg(long, value_name = "FILE.npy")]
    pub(crate) y: Option<PathBuf>,
    /// Rows to evaluate, uint8 if --x is, with the same columns [default: a stratified tenth of --x]
    #[arg(long, value_name = "FILE.npy")]
    pub(crate) x_eval: Option<PathBuf>,
    /// Their labels
    #[arg(long, value_name = "FILE.npy")]
    pub(crate) y_eval: Option<PathBuf>,
}
