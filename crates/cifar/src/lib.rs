//! Mapped reading and atomic writing of CIFAR-10 and CIFAR-100 binary files.
#![doc = include_str!("../README.md")]

mod dataset;
mod error;
pub mod exchange;
#[cfg(feature = "fetch")]
pub mod fetch;
mod format;
mod images;
#[cfg(feature = "import")]
pub mod import;
mod layout;
mod map;
#[cfg(all(unix, feature = "sigbus"))]
mod ranges;
mod refusal;
#[cfg(any(feature = "fetch", feature = "import"))]
mod tarball;
pub mod temporary;
#[cfg(test)]
mod tests;
pub mod write;

pub use dataset::{Dataset, OpenOptions};
pub use error::{Error, io_reason};
pub use format::{CHANNELS, Format, LabelKind, MAX_CLASSES, PIXELS, SIDE, SplitName};
pub use images::{Images, PixelRows};
#[cfg(all(unix, feature = "sigbus"))]
pub use map::install_sigbus_handler;
pub use refusal::refusal_hint;
