//! What can be wrong with rows, labels and parameters of a neighbour search.

/// Why an index, a classifier or a search could not be had.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NeighborsError {
    /// There is nothing to search.
    #[error("no training rows, a neighbour search needs at least one")]
    NoRows,
    /// No neighbours were asked for.
    #[error("k = 0 is out of range, expected at least 1")]
    ZeroK,
    /// k is zero, or larger than the number of training rows.
    #[error("k = {k} is out of range, expected 1 to {n_rows}, the number of training rows")]
    K {
        /// The number of neighbours asked for.
        k: usize,
        /// The number of training rows.
        n_rows: usize,
    },
    /// Rows that belong together differ in length.
    #[error("{what} have {found} columns, expected {expected}")]
    Columns {
        /// Which rows.
        what: &'static str,
        /// Their number of columns.
        found: usize,
        /// The number of columns of the others.
        expected: usize,
    },
    /// Rows too long for exact sums, or too many for 32-bit indices.
    #[error("{found} {what}, the limit is {limit}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much is supported.
        limit: usize,
    },
    /// A selected row does not exist, or the selection is not ascending.
    #[error(
        "selected row {row} at position {position} is out of range or out of order among {n_rows} rows"
    )]
    Selection {
        /// The selected row.
        row: u32,
        /// Where it stands in the selection.
        position: usize,
        /// How many rows there are.
        n_rows: usize,
    },
    /// Labels and rows differ in number.
    #[error("{labels} labels for {rows} training rows")]
    Labels {
        /// Number of labels.
        labels: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A feature is NaN or infinite.
    #[error("{what} row {row} holds the non-finite value {value} in column {column}")]
    NonFinite {
        /// `training` or `query`.
        what: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// Chi-squared was asked for of rows of bytes.
    #[error(
        "metric chi2 compares histograms, rows of f32, but the rows are bytes: extract features first"
    )]
    Chi2OfBytes,
    /// A chi-squared distance of a negative entry.
    #[error(
        "{what} row {row} holds the negative value {value} in column {column}, metric chi2 compares histograms"
    )]
    Negative {
        /// `training` or `query`.
        what: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// The value.
        value: f32,
    },
    /// No metric has this name.
    #[error("unknown metric '{0}', expected l1, l2 or chi2")]
    UnknownMetric(String),
    /// The pruned engine was asked for where it has no bounds.
    #[error(
        "engine pruned searches rows by l1 or l2, up to 66051 columns, found {found}: choose engine auto or brute"
    )]
    NoBounds {
        /// What it was asked for.
        found: String,
    },
    /// No engine has this name.
    #[error("unknown engine '{0}', expected auto, brute or pruned")]
    UnknownEngine(String),
    /// The monitor asked to stop.
    #[error("the search was cancelled")]
    Cancelled,
}
