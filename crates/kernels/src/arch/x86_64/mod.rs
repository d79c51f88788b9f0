//! The leaves for x86-64, each one level: its vector operations and the shells that enable them.

pub(super) mod amx;
pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod avx512vnni;
pub(super) mod avxvnni;
pub(super) mod lanes;
pub(super) mod limits;

use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

/// Bytes of a cache line.
const LINE: usize = 64;

/// Each cache line of the elements.
#[inline]
pub(super) fn prefetch<T>(elements: &[T]) {
    let start = elements.as_ptr().cast::<i8>();
    for line in (0..size_of_val(elements)).step_by(LINE) {
        // SAFETY: SSE is part of x86-64, and a prefetch neither faults nor changes anything.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line)) };
    }
}
