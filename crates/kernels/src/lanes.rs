//! Vectors of sixteen floats for code outside this crate: written once, run at any level.
//!
//! An algorithm that implements [`Vectorize`] over any [`Lanes`] is compiled once for each width of
//! register, and [`Level::run`] calls the one for the level. Every operation is one IEEE 754
//! operation a lane (no fused multiply-add, no estimates, no reassociation), so that all levels
//! give the same bits.

use crate::Level;

/// Lanes of a vector.
pub const LANES: usize = 16;

/// Up to so many groups of 64 bytes are counted at a time: a byte can hold the count of each place.
pub const COUNTED: usize = 255;

mod sealed {
    /// Only this crate says which vectors there are: a value of such a type proves CPU features.
    pub trait Sealed {}
}

pub(crate) use sealed::Sealed;

/// The operations on vectors of sixteen `f32`, as methods of a token that proves that this CPU has
/// them.
///
/// Implementors of [`Vectorize`] should mark their functions `#[inline(always)]` and use loops rather
/// than closures: what is not inlined into the level's shell is compiled without the level's
/// instructions, which is right all the same, but slow.
pub trait Lanes: Copy + Sealed {
    /// Sixteen floats in registers.
    type F32: Copy;

    /// How many such vectors the registers hold.
    const REGISTERS: usize;

    /// The same number in every lane.
    fn splat(self, value: f32) -> Self::F32;
    /// Sixteen floats from memory.
    fn load(self, from: &[f32; LANES]) -> Self::F32;
    /// Sixteen bytes from memory, each as the float of its value.
    fn load_u8(self, from: &[u8; LANES]) -> Self::F32;
    /// Sixteen floats to memory.
    fn store(self, vector: Self::F32, to: &mut [f32; LANES]);
    /// a + b
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// a - b
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// a b
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// a / b
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// a where a < b, else b
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// a where a > b, else b
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// |a|
    fn abs(self, a: Self::F32) -> Self::F32;
    /// The correctly rounded square root.
    fn sqrt(self, a: Self::F32) -> Self::F32;
    /// a where all bits of the mask are set, 0 where none is (bit by bit).
    fn and(self, a: Self::F32, mask: Self::F32) -> Self::F32;
    /// The largest whole number that is not above a, for |a| < 2^31.
    fn floor(self, a: Self::F32) -> Self::F32;
    /// `yes` where a = b, else `no`.
    fn select_eq(self, a: Self::F32, b: Self::F32, yes: Self::F32, no: Self::F32) -> Self::F32;
    /// `yes` where a > b, else `no`.
    fn select_gt(self, a: Self::F32, b: Self::F32, yes: Self::F32, no: Self::F32) -> Self::F32;
    /// `yes` where a >= b, else `no`.
    fn select_ge(self, a: Self::F32, b: Self::F32, yes: Self::F32, no: Self::F32) -> Self::F32;
    /// sum + value where a = b, else the sum; a sum must not be -0.
    fn add_where_eq(
        self,
        sum: Self::F32,
        a: Self::F32,
        b: Self::F32,
        value: Self::F32,
    ) -> Self::F32;
    /// Lane j of result i is lane i of row j.
    fn transpose(self, rows: [Self::F32; LANES]) -> [Self::F32; LANES];
    /// The gradients of 32 pixels in the strongest of P channels, exactly: right - left where `inside`
    /// has all bits set (0 where it has none) and below - above, in the channel where the sum of
    /// their squares is largest (the first of equal ones), and that sum; then the same for the other
    /// sixteen pixels. `neighbours`: of each channel those to the left, to the right, above and below.
    fn strongest_gradients<const P: usize>(
        self,
        neighbours: [[&[u8; 2 * LANES]; 4]; P],
        inside: &[i16; 2 * LANES],
    ) -> [[Self::F32; 3]; 2];
    /// How many of at most [`COUNTED`] times 64 bytes are below each of the limits.
    ///
    /// # Panics
    /// If there are more bytes.
    fn count_below<const T: usize>(self, values: &[[u8; 64]], limits: [u8; T]) -> [u32; T];
    /// The sum of the lanes in one fixed order: lane i + lane i + 8, then 4, 2 and 1 apart.
    fn sum(self, a: Self::F32) -> f32;
}

/// An algorithm over [`Lanes`], with its arguments as fields.
///
/// ```
/// use nearplane_kernels::{LANES, Lanes, Level, Vectorize};
///
/// struct Norm<'a>(&'a [[f32; LANES]]);
/// impl Vectorize for Norm<'_> {
///     type Output = f32;
///     #[inline(always)]
///     fn run<L: Lanes>(self, lanes: L) -> f32 {
///         let mut squares = lanes.splat(0.0);
///         for chunk in self.0 {
///             let x = lanes.load(chunk);
///             squares = lanes.add(squares, lanes.mul(x, x));
///         }
///         lanes.sum(squares).sqrt()
///     }
/// }
/// assert_eq!(Level::detect().run(Norm(&[[0.5; 16], [0.5; 16]])), 8.0_f32.sqrt());
/// ```
pub trait Vectorize {
    /// What the algorithm returns.
    type Output;

    /// The algorithm; `#[inline(always)]`, as everything that it calls with `lanes`.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

impl Level {
    /// Runs an algorithm with the registers of this level: sixteen lanes are one AVX-512 register,
    /// two of AVX2; at the other levels they are an array that the compiler may vectorise with what
    /// the build targets.
    pub fn run<V: Vectorize>(self, algorithm: V) -> V::Output {
        crate::arch::run(self, algorithm)
    }
}
