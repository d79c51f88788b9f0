//! What can be wrong with the data, the parameters and the files of a linear model.

/// Why a linear model cannot be fitted, resumed or asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LinearError {
    /// Nothing to learn from.
    #[error("no training rows, a linear model needs at least one of each class")]
    NoRows,
    /// Rows without columns.
    #[error("the training rows have no columns, a linear model needs at least one feature")]
    NoFeatures,
    /// Labels and rows differ in number.
    #[error("{labels} labels for {rows} {what} rows, give one label a row")]
    Labels {
        /// `training` or `validation`.
        what: &'static str,
        /// Number of labels.
        labels: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A label that is no class.
    #[error(
        "{what} row {row} has label {label}, expected 0 to {}, one of {n_classes} classes",
        n_classes - 1
    )]
    Label {
        /// `training` or `validation`.
        what: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// Its label.
        label: u32,
        /// The number of classes.
        n_classes: usize,
    },
    /// Fewer classes than can be told apart.
    #[error("n_classes = {0}, a classifier needs at least 2: add rows of another class")]
    Classes(usize),
    /// A class without rows.
    #[error(
        "class {class} has no training row: add some, or leave the class out and number the others from 0"
    )]
    EmptyClass {
        /// The class.
        class: usize,
    },
    /// A feature is NaN or infinite.
    #[error(
        "{what} row {row} holds the non-finite value {value} in column {column}: clean the features"
    )]
    NonFinite {
        /// `training`, `validation` or `query`.
        what: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// Other columns than those of the model, the training rows or the map of the inputs.
    #[error("{what} have {found} columns, expected {expected}")]
    Columns {
        /// Which rows.
        what: &'static str,
        /// Their columns.
        found: usize,
        /// The columns of the others.
        expected: usize,
    },
    /// Weights of classes or of samples that are none.
    #[error("{what} {index} is {value}, expected a finite number, 0 or above")]
    Weight {
        /// `class weight` or `sample weight`.
        what: &'static str,
        /// Which one, counted from 0.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// Not one weight a class, or a sample.
    #[error("{found} {what}s, expected {expected}")]
    Weights {
        /// `class weight` or `sample weight`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Every row counts nothing.
    #[error("all row weights are 0, at least one row has to count")]
    NoWeight,
    /// A parameter is out of its range.
    #[error("{what} = {value} is out of range, expected {expected}")]
    Range {
        /// The parameter.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// No loss has this name.
    #[error("unknown loss '{}', expected one of {}", .0, super::Loss::NAMES.join(", "))]
    UnknownLoss(String),
    /// No penalty has this name.
    #[error("unknown penalty '{0}', expected none, l2, l1 or elastic")]
    UnknownPenalty(String),
    /// Early stopping without anything to judge by.
    #[error("early stopping needs validation rows: give some, or switch it off")]
    NoValidation,
    /// Objective or weights are no longer numbers.
    #[error(
        "training diverged in epoch {epoch} at learning rate {learning_rate}: lower the learning rate"
    )]
    Diverged {
        /// The epoch, counted from 1.
        epoch: u32,
        /// The rate of its last step.
        learning_rate: f64,
    },
    /// Numbers of a model or of a saved state that do not fit together.
    #[error("{what} has {found} numbers, expected {expected}")]
    Tensor {
        /// The tensor.
        what: &'static str,
        /// How many numbers it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A saved state holds what no state has.
    #[error("a saved state has no tensor '{0}'")]
    UnknownTensor(String),
    /// A number of a model or of a saved state is NaN or infinite.
    #[error("{what} holds a non-finite number at position {position}")]
    NonFiniteTensor {
        /// The tensor.
        what: &'static str,
        /// Where, counted from 0.
        position: usize,
    },
    /// A saved state of another run.
    #[error(
        "the saved state is of another run, with '{found}' where this one has '{expected}': resume with the parameters and the data that it was started with"
    )]
    OtherRun {
        /// What the state was made with.
        found: String,
        /// What it should be made with.
        expected: String,
    },
    /// Probabilities of a model whose scores are not logarithms of any.
    #[error("loss {0} gives scores, no probabilities: train with loss softmax for those")]
    NoProbabilities(super::Loss),
    /// Numbers of a fit are too large for its arithmetic.
    #[error(
        "the objective is no longer a finite number: bring the features to one scale (mean 0, deviation 1)"
    )]
    NotFinite,
    /// The monitor asked to stop.
    #[error("the training was cancelled")]
    Cancelled,
}
