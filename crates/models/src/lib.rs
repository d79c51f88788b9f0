//! Models over borrowed rows: exact neighbours, linear classifiers, features, splits and metrics; the
//! guide is the README below.
//!
#![doc = include_str!("../README.md")]

pub mod features;
pub mod linear;
pub mod metrics;
pub mod model_file;
mod monitor;
pub mod neighbors;
mod random;
pub mod selection;

pub use monitor::Monitor;
