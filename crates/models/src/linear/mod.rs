//! Linear classifiers (LECTURE 4, 6, 7): losses, penalties, what they sum to over all rows, and the
//! model that comes out.
//!
//! [`LinearParams`] say what is minimised, [`LinearData`] over which rows; [`Objective`] computes it,
//! and a [`LinearModel`] is one affine map on the raw rows. Bytes stay bytes: what brings them to
//! the solver's scale, an [`Affine`] map, is folded into the weights.

mod affine;
mod blocks;
mod data;
mod dense;
mod error;
mod exact;
mod loss;
mod model;
mod objective;
mod params;
mod penalty;
mod products;
mod ridge;
mod sgd;

pub use affine::{Affine, Parameters};
pub use data::{ClassWeight, LinearData};
pub(crate) use data::{check_finite, check_labels};
pub use error::LinearError;
pub use exact::{Certificate, ExactConfig, ExactFit, ExactParams, ExactSolver, ExactStep};
pub use loss::{Loss, Score, softmax};
pub use model::LinearModel;
pub use objective::Objective;
pub use params::{LinearConfig, LinearParams};
pub use penalty::Penalty;
pub(crate) use products::Products;
pub use ridge::{LeftOut, RidgeConfig, RidgeFit, RidgeParams};
pub use sgd::{
    EpochReport, Optimizer, Schedule, SgdConfig, SgdParams, SgdProgress, SgdState, SgdTrainer,
};
