//! What can be wrong with the bytes of a model or of a checkpoint.

use crate::linear::LinearError;

/// Why bytes are no model, or no checkpoint. Whose bytes they are, the caller knows.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFileError {
    /// Fewer or more bytes than the header speaks of.
    #[error(
        "{found} bytes, expected {expected}: it was cut off, or something was appended; copy or train it again"
    )]
    Length {
        /// Bytes that are there.
        found: u64,
        /// Bytes that the header speaks of, or the least that there have to be.
        expected: u64,
    },
    /// Something else.
    #[error("not a safetensors file ({0}); give a file that 'train' wrote")]
    NotSafetensors(String),
    /// Of another version, or nothing of ours.
    #[error(
        "format '{found}', expected '{expected}'; give a file that this version can read, or train again"
    )]
    Format {
        /// What the file says it is; empty if it does not say.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The contents are not those that were written.
    #[error(
        "the contents do not match their SHA-256: it was damaged or edited; copy or train it again"
    )]
    Checksum,
    /// A piece of the metadata is missing.
    #[error("the metadata has no '{0}'; train again")]
    MissingField(&'static str),
    /// A piece of the metadata is not what it should be.
    #[error("the metadata has {field} '{value}', expected {expected}; train again")]
    Field {
        /// Which one.
        field: &'static str,
        /// Its text.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// A tensor is missing.
    #[error("there is no tensor '{0}'; train again")]
    MissingTensor(&'static str),
    /// A tensor of another type or shape.
    #[error("tensor '{name}' is {dtype} {shape:?}, expected {expected}; train again")]
    Tensor {
        /// Which one.
        name: String,
        /// The type of its numbers.
        dtype: String,
        /// Its shape.
        shape: Vec<usize>,
        /// What it should be.
        expected: String,
    },
    /// The weights are of other features than the file says.
    #[error(
        "the weights are of {found} features, but '{features}' of an image has {expected}; train again"
    )]
    Features {
        /// The features of the images.
        features: String,
        /// Features that the weights are of.
        found: usize,
        /// Features that an image has.
        expected: usize,
    },
    /// Not one name a class.
    #[error("{found} class names for {expected} classes; train again")]
    ClassNames {
        /// Names.
        found: usize,
        /// Classes.
        expected: usize,
    },
    /// The numbers are none of a model.
    #[error(transparent)]
    Numbers(#[from] LinearError),
}
