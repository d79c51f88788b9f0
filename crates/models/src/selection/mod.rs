//! Choosing honestly: which rows may fit a model and which ones judge it.
//!
//! Never choose on the training rows, never on the test set (LECTURE 3.1): [`split`] sets aside the
//! validation rows on which the choice is made, [`three_way`] test rows as well, [`folds`] lets parts of the
//! training rows take turns, [`neighbors`] judges k nearest neighbours in all folds at once, [`cross_validation`]
//! linear models fold by fold, and [`search`] says which of them to try.

pub mod cross_validation;
pub mod folds;
pub mod neighbors;
mod quotas;
pub mod search;
pub mod split;
pub mod three_way;

pub use cross_validation::{FoldFit, LinearFold, LinearPath, PathMonitor, PathStart};
pub use folds::{Folds, FoldsError};
pub use neighbors::{CrossValidationError, FoldAccuracies, cross_validate_neighbors};
pub use search::{Candidate, LinearSpace, Numbers, Rung, SearchError, halving, stratified_sample};
pub use split::{Split, SplitError, shuffled_split, stratified_split};
pub use three_way::{ThreeWaySplit, shuffled_three_way_split, stratified_three_way_split};
