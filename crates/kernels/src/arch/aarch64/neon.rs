//! NEON: 16 bytes at a time, `uabd` for differences, pairwise widening adds for their sums.

use crate::MatMut;
use crate::arch::floats::Floats;
use crate::arch::generic::{RowSum, pair, tiles, unpacked_panels};
use crate::arch::{Kernel, U8Block};
use core::arch::aarch64::*;

pub(super) struct L1U8;
pub(super) struct L2SqU8;
pub(super) struct DotU8;

/// |a - b| of bytes is at most 255, two of them fit u16, and `uadalp` adds those to u32 lanes.
#[inline(always)]
unsafe fn add_l1(acc: uint32x4_t, a: uint8x16_t, b: uint8x16_t) -> uint32x4_t {
    // SAFETY: NEON is the caller's promise.
    unsafe { vpadalq_u16(acc, vpaddlq_u8(vabdq_u8(a, b))) }
}

/// A product of two bytes is at most 65,025: it fits u16.
#[inline(always)]
unsafe fn add_products(acc: uint32x4_t, a: uint8x16_t, b: uint8x16_t) -> uint32x4_t {
    // SAFETY: NEON is the caller's promise.
    unsafe {
        let low = vmull_u8(vget_low_u8(a), vget_low_u8(b));
        let high = vmull_high_u8(a, b);
        vpadalq_u16(vpadalq_u16(acc, low), high)
    }
}

macro_rules! u8_row_sum {
    ($name:ident, |$acc:ident, $a:ident, $b:ident| $sum:expr) => {
        impl RowSum for $name {
            type Element = u8;
            type Total = u32;
            type Chunk = uint8x16_t;
            type Acc = uint32x4_t;
            const LANES: usize = 16;

            #[inline(always)]
            unsafe fn zero() -> uint32x4_t {
                // SAFETY: NEON is the caller's promise.
                unsafe { vdupq_n_u32(0) }
            }
            #[inline(always)]
            unsafe fn load(from: *const u8) -> uint8x16_t {
                // SAFETY: NEON and 16 readable bytes are the caller's promise.
                unsafe { vld1q_u8(from) }
            }
            #[inline(always)]
            unsafe fn add($acc: uint32x4_t, $a: uint8x16_t, $b: uint8x16_t) -> uint32x4_t {
                // SAFETY: NEON is the caller's promise.
                unsafe { $sum }
            }
            #[inline(always)]
            unsafe fn total(acc: uint32x4_t) -> u32 {
                // SAFETY: NEON is the caller's promise.
                unsafe { vaddvq_u32(acc) }
            }
        }
    };
}

u8_row_sum!(L1U8, |acc, a, b| add_l1(acc, a, b));
u8_row_sum!(L2SqU8, |acc, a, b| {
    let d = vabdq_u8(a, b);
    add_products(acc, d, d)
});
u8_row_sum!(DotU8, |acc, a, b| add_products(acc, a, b));

pub(super) struct L1F32;
pub(super) struct L2SqF32;
pub(super) struct DotF32;
pub(super) struct Chi2F32;

macro_rules! f32_row_sum {
    ($name:ident, |$acc:ident, $a:ident, $b:ident| $sum:expr) => {
        impl RowSum for $name {
            type Element = f32;
            type Total = f32;
            type Chunk = [float32x4_t; 2];
            type Acc = [float32x4_t; 2];
            const LANES: usize = 8;

            #[inline(always)]
            unsafe fn zero() -> [float32x4_t; 2] {
                // SAFETY: NEON is the caller's promise.
                unsafe { [vdupq_n_f32(0.0); 2] }
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> [float32x4_t; 2] {
                // SAFETY: NEON and 8 readable numbers are the caller's promise.
                unsafe { [vld1q_f32(from), vld1q_f32(from.add(4))] }
            }
            #[inline(always)]
            unsafe fn add(
                acc: [float32x4_t; 2],
                a: [float32x4_t; 2],
                b: [float32x4_t; 2],
            ) -> [float32x4_t; 2] {
                #[inline(always)]
                unsafe fn half($acc: float32x4_t, $a: float32x4_t, $b: float32x4_t) -> float32x4_t {
                    // SAFETY: NEON is the caller's promise.
                    unsafe { $sum }
                }
                // SAFETY: NEON is the caller's promise.
                unsafe { [half(acc[0], a[0], b[0]), half(acc[1], a[1], b[1])] }
            }
            #[inline(always)]
            unsafe fn total(acc: [float32x4_t; 2]) -> f32 {
                // SAFETY: NEON is the caller's promise.
                unsafe { vaddvq_f32(vaddq_f32(acc[0], acc[1])) }
            }
        }
    };
}

f32_row_sum!(L1F32, |acc, a, b| vaddq_f32(acc, vabdq_f32(a, b)));
f32_row_sum!(L2SqF32, |acc, a, b| {
    let d = vsubq_f32(a, b);
    vfmaq_f32(acc, d, d)
});
f32_row_sum!(DotF32, |acc, a, b| vfmaq_f32(acc, a, b));
f32_row_sum!(Chi2F32, |acc, a, b| {
    let d = vsubq_f32(a, b);
    let s = vmaxq_f32(vaddq_f32(a, b), vdupq_n_f32(f32::MIN_POSITIVE));
    vfmaq_f32(acc, vdivq_f32(d, s), d)
});

crate::arch::leaf::pair_shells!(#[target_feature(enable = "neon")]);
crate::arch::leaf::f32_block_shell!(
    #[target_feature(enable = "neon")]
    [4, 2]
);
crate::arch::leaf::unpacked_u8_block_shell!(
    #[target_feature(enable = "neon")]
    [4, 4]
);

/// Vectors of floats for the linear algebra.
pub(super) struct F32;

impl Floats for F32 {
    type Vector = float32x4_t;
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> float32x4_t {
        // SAFETY: NEON is the caller's promise.
        unsafe { vdupq_n_f32(0.0) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> float32x4_t {
        // SAFETY: NEON is the caller's promise.
        unsafe { vdupq_n_f32(value) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> float32x4_t {
        // SAFETY: NEON and 4 readable floats are the caller's promise.
        unsafe { vld1q_f32(from) }
    }
    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> float32x4_t {
        // SAFETY: NEON and 4 readable bytes are the caller's promise.
        unsafe {
            let bytes = vdup_n_u32(from.cast::<u32>().read_unaligned());
            let wide = vget_low_u16(vmovl_u8(vreinterpret_u8_u32(bytes)));
            vcvtq_f32_u32(vmovl_u16(wide))
        }
    }
    #[inline(always)]
    unsafe fn store(vector: float32x4_t, to: *mut f32) {
        // SAFETY: NEON and 4 writable floats are the caller's promise.
        unsafe { vst1q_f32(to, vector) }
    }
    #[inline(always)]
    unsafe fn fma(acc: float32x4_t, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is the caller's promise.
        unsafe { vfmaq_f32(acc, a, b) }
    }
    #[inline(always)]
    unsafe fn sum(vector: float32x4_t) -> f32 {
        // SAFETY: NEON is the caller's promise.
        unsafe { vaddvq_f32(vector) }
    }
}

crate::arch::linear::linear_shells!(
    #[target_feature(enable = "neon")]
    F32;
    scores: 10: 2, 5: 4, 2: 8, 1: 8;
    gradient: 10: 2, 5: 4, 2: 8, 1: 8;
    product: [6, 4]
);
