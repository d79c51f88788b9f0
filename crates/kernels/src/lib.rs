//! Exact SIMD distances between rows of u8 and f32, and the linear algebra of linear models; the guide is the README below.
//!
#![doc = include_str!("../README.md")]

mod arch;
mod distance;
mod gram;
mod lanes;
mod level;
pub mod limits;
mod linear;
mod mat;
mod packed;
mod prefetch;
mod topk;

pub use arch::Kernel;
pub use distance::{
    MAX_EXACT_U8, chi2_f32, chi2_f32_block, dot_f32, dot_f32_block, dot_u8, dot_u8_block,
    f32_block, l1_f32, l1_f32_block, l1_u8, l1_u8_block, l2_sq_f32, l2_sq_f32_block, l2_sq_u8,
    l2_sq_u8_block,
};
pub use gram::{gram_f32, gram_u8};
pub use lanes::{COUNTED, LANES, Lanes, Vectorize};
pub use level::{Level, LevelError};
pub use linear::{gemm_f32, gradient_f32, gradient_u8, scores_f32, scores_u8};
pub use mat::{MatMut, MatRef};
pub use packed::{PackedQueries, PackedRows, u8_block, u8_block_at_most};
pub use prefetch::prefetch;
pub use topk::{TopK, any_at_most, each_at_most};
