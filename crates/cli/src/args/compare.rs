//! `nearplane compare`, as typed.

use std::path::PathBuf;

use clap::Args;

pub(super) const EXAMPLES: &str = "\
A and B are files that --predictions of knn and eval writes, of the same images in the same order:
CSV with the columns index, truth and one or more of predicted labels. Files of your own with these
columns do as well.

Both judge the same images, so that only those count that one has right and the other wrong. p is
that of McNemar's exact test, two-sided: how likely these are to fall so unevenly where A and B are
equally good. The interval is that of the difference of the accuracies, A minus B, by the paired
bootstrap: 2.5 % and 97.5 % of what is found where images are drawn with replacement, --resamples
times, from --seed.

Choose between models on the validation split. To compare many and report the least p is to find
what is not there: of twenty comparisons of equals, one has a p below 0.05.

Examples:
  nearplane knn --data target/cifar10 --metric l1 --k 1..20 --predictions l1.csv
  nearplane knn --data target/cifar10 --metric l2 --k 1..20 --predictions l2.csv
  nearplane compare l1.csv l2.csv --column-a k7 --column-b k10
  nearplane compare l1.csv l1.csv --column-a k7 --column-b k1 --json";

/// `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Predictions of one model
    #[arg(value_name = "A.csv")]
    pub(crate) a: PathBuf,
    /// Predictions of another one
    #[arg(value_name = "B.csv")]
    pub(crate) b: PathBuf,
    /// Which predictions of A, such as k5 [default: the only ones]
    #[arg(long, value_name = "NAME")]
    pub(crate) column_a: Option<String>,
    /// Which predictions of B [default: the only ones]
    #[arg(long, value_name = "NAME")]
    pub(crate) column_b: Option<String>,
    /// How often the bootstrap draws all images anew
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    pub(crate) resamples: u32,
}
