//! The speed limit of this machine's instructions, for benches that show a kernel as a share of it.

use crate::Level;
use crate::arch::{self, Kernel};

/// What rows are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Element {
    /// Bytes.
    U8,
    /// Single-precision floats.
    F32,
}

/// Runs the arithmetic of a block kernel `rounds` times on registers alone and returns how many pairs
/// of elements a kernel would have processed with it; `None` where the level has no such loop (the
/// scalar, portable and NEON levels). The caller holds the clock.
///
/// | kernel | instructions a vector |
/// |---|---|
/// | L1 u8 | `vpsadbw`, `vpaddq`; with AVX-512 VNNI `vpminub`, `vpdpbusd` |
/// | L2Sq, Dot u8 | `tdpbuud` with AMX, `vpdpbusd` with VNNI, else `vpmaddwd`, `vpaddd` on half as many bytes |
/// | L1 f32 | `vsubps`, `vandps`, `vaddps` |
/// | L2Sq f32 | `vsubps`, `vfmadd231ps` |
/// | Dot f32 | `vfmadd231ps` |
///
/// ```
/// use nearplane_kernels::{Kernel, Level, limits};
/// let pairs = limits::spin(Level::detect(), Kernel::L1, limits::Element::U8, 1000);
/// assert!(pairs.is_none_or(|pairs| pairs >= 1000 * 32));
/// assert_eq!(limits::spin(Level::SCALAR, Kernel::L1, limits::Element::U8, 1000), None);
/// ```
#[must_use]
pub fn spin(level: Level, kernel: Kernel, element: Element, rounds: u64) -> Option<u64> {
    if rounds == 0 {
        return Some(0);
    }
    arch::spin(level, kernel, element, rounds)
}
