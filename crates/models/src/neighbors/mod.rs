//! Exact k nearest neighbours (LECTURE 2): an index over borrowed rows, searched by brute force at
//! the speed of the instruction set or, where exact bounds rule out nearly all rows, much faster with the
//! same answer ([`Engine`]), and the votes that turn neighbours into labels.
//!
//! Training memorises, prediction copies: [`Rows`] borrows the data, [`Index`] finds the k nearest
//! rows of each query, [`Votes`] lets them vote, and [`KNeighborsClassifier`] is the three together.
//!
//! Neighbours have a total order, (distance, row index), so an answer does not depend on the SIMD
//! level (for u8 rows), the number of threads or the size of a block.

mod auto;
mod brute;
mod classifier;
mod effort;
mod element;
mod error;
mod index;
mod pruned;
mod rows;
mod vote;

pub use classifier::{KNeighborsClassifier, KNeighborsConfig, KNeighborsParams, Voter};
pub use effort::Effort;
pub use element::Element;
pub use error::NeighborsError;
pub use index::{Engine, Index, Metric, NeighborBlock, Neighbors};
pub use rows::Rows;
pub use vote::{Ballot, TieRule, Votes, Weights};
