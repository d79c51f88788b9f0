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
    /// # Safety
    /// As `zero`, and `to` points to `LANES` writable floats.
    unsafe fn store(vector: Self::Vector, to: *mut f32);
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
pub(crate) trait Source: Copy + Default {
    /// # Safety
    /// The CPU has the features of `F`'s level, and `from` points to `F::LANES` readable elements.
    unsafe fn load<F: Floats>(from: *const Self) -> F::Vector;

    /// `n` elements, then zeros.
    ///
    /// # Safety
    /// The CPU has the features of `F`'s level, `from` points to `n` readable elements, and
    /// `n <= F::LANES`.
    #[inline(always)]
    unsafe fn load_part<F: Floats>(from: *const Self, n: usize) -> F::Vector {
        let mut buffer = [Self::default(); MAX_LANES];
        // SAFETY: the caller's promises; `n <= LANES <= MAX_LANES`.
        unsafe {
            buffer
                .as_mut_ptr()
                .copy_from_nonoverlapping(from, n.min(MAX_LANES));
            Self::load::<F>(buffer.as_ptr())
        }
    }
}

impl Source for u8 {
    #[inline(always)]
    unsafe fn load<F: Floats>(from: *const u8) -> F::Vector {
        // SAFETY: the caller's promise.
        unsafe { F::load_u8(from) }
    }
}

impl Source for f32 {
    #[inline(always)]
    unsafe fn load<F: Floats>(from: *const f32) -> F::Vector {
        // SAFETY: the caller's promise.
        unsafe { F::load(from) }
    }
}
