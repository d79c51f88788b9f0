//! Choosing honestly: which rows may fit a model and which ones judge it.
//!
//! Never choose on the training rows, never on the test set (LECTURE 3.1): [`split`] sets aside the
//! validation rows on which the choice is made.

pub mod split;

pub use split::{Split, SplitError, stratified_split};
