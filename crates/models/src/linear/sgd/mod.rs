//! Minibatch stochastic gradient descent: many cheap steps, each along the gradient of a few rows.
//!
//! [`SgdParams`] say how, [`SgdTrainer`] walks epoch by epoch, and an [`SgdState`] is all that the next
//! epoch depends on: a run that is stopped and resumed comes to the same bits as one that is not.
//!
//! Rows of a batch are gathered into one buffer (bytes stay bytes), so that the order of rows is truly
//! shuffled while the kernels read them in a line. A step meets all threads twice: once for scores and
//! losses, row part by row part, once for gradient and update, column part by column part. Parts are
//! cut by the data alone, never by the number of threads, which therefore does not show in the bits.

mod batch;
mod columns;
mod params;
mod rate;
mod schedule;
mod state;
mod trainer;
mod walk;

pub use params::{Optimizer, SgdConfig, SgdParams};
pub use schedule::Schedule;
pub use state::{SgdProgress, SgdState};
pub use trainer::{EpochReport, SgdTrainer};
