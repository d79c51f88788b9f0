//! The level that needs nothing but the build's own target: `wide`'s vectors, which are SSE2, NEON,
//! simd128 or plain arrays, whatever that target has.

use super::floats::Floats;
use super::generic::{RowSum, pair, tiles, unpacked_panels};
use super::{Kernel, U8Block};
use crate::MatMut;
use wide::{f32x8, i16x8, i32x4, u8x16};

/// Lane totals are read modulo 2^32, like every exact u8 sum of this crate.
#[inline(always)]
fn total_i32x4(acc: i32x4) -> u32 {
    acc.to_array()
        .iter()
        .fold(0, |total, &lane| total.wrapping_add(lane as u32))
}

#[inline(always)]
fn abs_diff_u8x16(a: u8x16, b: u8x16) -> u8x16 {
    a.max(b) - a.min(b)
}

#[inline(always)]
fn widen_u8x16(bytes: u8x16) -> [i16x8; 2] {
    [i16x8::from_u8x16_low(bytes), i16x8::from_u8x16_high(bytes)]
}

pub(super) struct L1U8;
pub(super) struct L2SqU8;
pub(super) struct DotU8;

macro_rules! u8_row_sum {
    ($name:ident, |$a:ident, $b:ident| $products:expr) => {
        impl RowSum for $name {
            type Element = u8;
            type Total = u32;
            type Chunk = u8x16;
            type Acc = i32x4;
            const LANES: usize = 16;

            #[inline(always)]
            unsafe fn zero() -> i32x4 {
                i32x4::ZERO
            }
            #[inline(always)]
            unsafe fn load(from: *const u8) -> u8x16 {
                // SAFETY: the caller promises 16 readable bytes.
                u8x16::new(unsafe { from.cast::<[u8; 16]>().read_unaligned() })
            }
            #[inline(always)]
            unsafe fn add(acc: i32x4, $a: u8x16, $b: u8x16) -> i32x4 {
                let [low, high]: [i32x4; 2] = $products;
                acc + low + high
            }
            #[inline(always)]
            unsafe fn total(acc: i32x4) -> u32 {
                total_i32x4(acc)
            }
        }
    };
}

u8_row_sum!(L1U8, |a, b| widen_u8x16(abs_diff_u8x16(a, b))
    .map(|d| d.dot(i16x8::ONE)));
u8_row_sum!(L2SqU8, |a, b| widen_u8x16(abs_diff_u8x16(a, b))
    .map(|d| d.dot(d)));
u8_row_sum!(DotU8, |a, b| {
    let [a_low, a_high] = widen_u8x16(a);
    let [b_low, b_high] = widen_u8x16(b);
    [a_low.dot(b_low), a_high.dot(b_high)]
});

pub(super) struct L1F32;
pub(super) struct L2SqF32;
pub(super) struct DotF32;
pub(super) struct Chi2F32;

macro_rules! f32_row_sum {
    ($name:ident, |$acc:ident, $a:ident, $b:ident| $sum:expr) => {
        impl RowSum for $name {
            type Element = f32;
            type Total = f32;
            type Chunk = f32x8;
            type Acc = f32x8;
            const LANES: usize = 8;

            #[inline(always)]
            unsafe fn zero() -> f32x8 {
                f32x8::ZERO
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> f32x8 {
                // SAFETY: the caller promises 8 readable numbers.
                f32x8::new(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
            }
            #[inline(always)]
            unsafe fn add($acc: f32x8, $a: f32x8, $b: f32x8) -> f32x8 {
                $sum
            }
            #[inline(always)]
            unsafe fn total(acc: f32x8) -> f32 {
                acc.reduce_add()
            }
        }
    };
}

f32_row_sum!(L1F32, |acc, a, b| acc + (a - b).abs());
f32_row_sum!(L2SqF32, |acc, a, b| {
    let d = a - b;
    d.mul_add(d, acc)
});
f32_row_sum!(DotF32, |acc, a, b| a.mul_add(b, acc));
f32_row_sum!(Chi2F32, |acc, a, b| {
    let d = a - b;
    (d / (a + b).max(f32x8::splat(f32::MIN_POSITIVE))).mul_add(d, acc)
});

super::leaf::pair_shells!();
super::leaf::f32_block_shell!([2, 2]);
super::leaf::unpacked_u8_block_shell!([2, 2]);

/// Vectors of floats for the linear algebra.
pub(super) struct F32;

impl Floats for F32 {
    type Vector = f32x8;
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> f32x8 {
        f32x8::ZERO
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> f32x8 {
        f32x8::splat(value)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> f32x8 {
        // SAFETY: the caller promises 8 readable floats.
        f32x8::new(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> f32x8 {
        // SAFETY: the caller promises 8 readable bytes.
        let bytes = unsafe { from.cast::<[u8; 8]>().read_unaligned() };
        f32x8::new(bytes.map(f32::from))
    }
    #[inline(always)]
    unsafe fn store(vector: f32x8, to: *mut f32) {
        // SAFETY: the caller promises 8 writable floats.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(vector.to_array()) }
    }
    #[inline(always)]
    unsafe fn fma(acc: f32x8, a: f32x8, b: f32x8) -> f32x8 {
        a.mul_add(b, acc)
    }
    #[inline(always)]
    unsafe fn sum(vector: f32x8) -> f32 {
        vector.reduce_add()
    }
}

crate::arch::linear::linear_shells!(
    F32;
    scores: 5: 1, 2: 2, 1: 4;
    gradient: 5: 1, 2: 2, 1: 4;
    product: [4, 1]
);
