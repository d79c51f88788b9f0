//! What a level provides to multiply and add vectors of floats, and how bytes become floats.
//!
//! The linear algebra of this crate is written once over [`Floats`]: `scores` (sums along rows) and
//! `outer` (sums across rows, which gradients and matrix products share).

/// Vectors of f32 with a multiply-add.
pub(crate) trait Floats {
    /// `LANES` floats in registers.
    type Vector: Copy;
    /// Floats of a vector, at most [`MAX_LANES`].
    const LANES: usize;

    /// # Safety
    /// The CPU has the features of the implementing level.
    unsafe fn zero() -> Self::Vector;
    /// # Safety
    /// As `zero`.
    unsafe fn splat(value: f32) -> Self::Vector;
    /// # Safety
    /// As `zero`, and `from` points to `LANES` readable floats.
    unsafe fn load(from: *const f32) -> Self::Vector;
    /// Bytes as the floats of their values.
    ///
    /// # Safety
    /// As `zero`, and `from` points to `LANES` readable bytes.
    unsafe fn load_u8(from: *const u8) -> Self::Vector;
    /// The first `n` floats, then zeros.
    ///
    /// # Safety
    /// As `zero`, `from` points to `n` readable floats, and `n <= LANES`.
    #[inline(always)]
    unsafe fn load_part(from: *const f32, n: usize) -> Self::Vector {
        let mut buffer = [0.0; MAX_LANES];
        // SAFETY: the caller's promises; `n <= LANES <= MAX_LANES`.
        unsafe {
            buffer.as_mut_ptr().copy_from_nonoverlapping(from, n);
            Self::load(buffer.as_ptr())
        }
    }
    /// The first `n` bytes as floats, then zeros.
    ///
    /// # Safety
    /// As `zero`, `from` points to `n` readable bytes, and `n <= LANES`.
    #[inline(always)]
    unsafe fn load_u8_part(from: *const u8, n: usize) -> Self::Vector {
        let mut buffer = [0; MAX_LANES];
        // SAFETY: the caller's promises; `n <= LANES <= MAX_LANES`.
        unsafe {
            buffer.as_mut_ptr().copy_from_nonoverlapping(from, n);
            Self::load_u8(buffer.as_ptr())
        }
    }
    /// # Safety
    /// As `zero`, and `to` points to `LANES` writable floats.
    unsafe fn store(vector: Self::Vector, to: *mut f32);
    /// Writes the first `n` lanes.
    ///
    /// # Safety
    /// As `zero`, `to` points to `n` writable floats, and `n <= LANES`.
    #[inline(always)]
    unsafe fn store_part(vector: Self::Vector, to: *mut f32, n: usize) {
        let mut buffer = [0.0; MAX_LANES];
        // SAFETY: the caller's promises; `n <= LANES <= MAX_LANES`.
        unsafe {
            Self::store(vector, buffer.as_mut_ptr());
            to.copy_from_nonoverlapping(buffer.as_ptr(), n);
        }
    }
    /// Tells the CPU that the cache line with this address will be read soon; any address will do.
    ///
    /// # Safety
    /// As `zero`.
    #[inline(always)]
    unsafe fn prefetch(address: *const u8) {
        let _ = address;
    }
    /// acc + a b, rounded once where the level has a fused instruction.
    ///
    /// # Safety
    /// As `zero`.
    unsafe fn fma(acc: Self::Vector, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The sum of the lanes, in one fixed order.
    ///
    /// # Safety
    /// As `zero`.
    unsafe fn sum(vector: Self::Vector) -> f32;
}

/// The widest vector of any level.
pub(crate) const MAX_LANES: usize = 16;

/// What the rows of a data matrix are made of.
pub(crate) trait Source: Copy {
    /// # Safety
    /// The CPU has the features of `F`'s level, and `from` points to `F::LANES` readable elements.
    unsafe fn load<F: Floats>(from: *const Self) -> F::Vector;

    /// `n` elements, then zeros.
    ///
    /// # Safety
    /// The CPU has the features of `F`'s level, `from` points to `n` readable elements, and
    /// `n <= F::LANES`.
    unsafe fn load_part<F: Floats>(from: *const Self, n: usize) -> F::Vector;
}

impl Source for u8 {
    #[inline(always)]
    unsafe fn load<F: Floats>(from: *const u8) -> F::Vector {
        // SAFETY: the caller's promise.
        unsafe { F::load_u8(from) }
    }
    #[inline(always)]
    unsafe fn load_part<F: Floats>(from: *const u8, n: usize) -> F::Vector {
        // SAFETY: the caller's promise.
        unsafe { F::load_u8_part(from, n) }
    }
}

impl Source for f32 {
    #[inline(always)]
    unsafe fn load<F: Floats>(from: *const f32) -> F::Vector {
        // SAFETY: the caller's promise.
        unsafe { F::load(from) }
    }
    #[inline(always)]
    unsafe fn load_part<F: Floats>(from: *const f32, n: usize) -> F::Vector {
        // SAFETY: the caller's promise.
        unsafe { F::load_part(from, n) }
    }
}
