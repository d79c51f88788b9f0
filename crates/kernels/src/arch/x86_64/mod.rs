//! The leaves for x86-64, each one level: its vector operations and the shells that enable them.

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod avx512vnni;
pub(super) mod avxvnni;
pub(super) mod lanes;
pub(super) mod limits;
