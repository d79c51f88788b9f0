//! The leaf for AArch64.

pub(super) mod neon;
