//! AVX-VNNI beside AVX2: the level of most current laptops. `vpdpbusd` (never the saturating
//! `vpdpbusds`) multiplies four unsigned by four signed bytes and adds them to a lane.

use super::avx2::{Chi2F32, DotF32, DotU8, L1F32, L1Panel, L1U8, L2SqF32, L2SqU8, below_i32x8};
pub(in crate::arch) use super::avx2::{
    add_product, gradient_f32, gradient_u8, scores_f32, scores_u8,
};
use crate::MatMut;
use crate::arch::generic::{pair, tiles};
use crate::arch::panel::{Panel, panels};
use crate::arch::{Kernel, Layout, PackedSum, U8Block};
use core::arch::x86_64::*;

/// Four bytes of each of eight rows, the rows' bytes signed.
struct DotPanel;

const L1_PANEL_SUM: PackedSum = PackedSum::Result;
const DOT_PANEL_SUM: PackedSum = PackedSum::SignedDot;

impl Panel for DotPanel {
    type Rows = __m256i;
    type Query = __m256i;
    type Acc = __m256i;
    const GROUP: usize = 4;
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> __m256i {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_setzero_si256() }
    }
    #[inline(always)]
    unsafe fn load(from: *const u8) -> __m256i {
        // SAFETY: AVX2 and 32 readable bytes are the caller's promise.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }
    #[inline(always)]
    unsafe fn broadcast(from: *const u8) -> __m256i {
        // SAFETY: AVX2 and 4 readable bytes are the caller's promise.
        unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn add(acc: __m256i, query: __m256i, rows: __m256i) -> __m256i {
        // SAFETY: AVX-VNNI is the caller's promise.
        unsafe { _mm256_dpbusd_avx_epi32(acc, query, rows) }
    }
    #[inline(always)]
    unsafe fn store(acc: __m256i, to: *mut u32) {
        // SAFETY: AVX2 and 8 writable numbers are the caller's promise.
        unsafe { _mm256_storeu_si256(to.cast(), acc) }
    }
    #[inline(always)]
    unsafe fn start(from: *const i32) -> __m256i {
        // SAFETY: AVX2 and 8 readable numbers are the caller's promise.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }
    #[inline(always)]
    unsafe fn below(acc: __m256i, bound: i32) -> u16 {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { below_i32x8(acc, bound) }
    }
}

crate::arch::leaf::pair_shells!(#[target_feature(enable = "avx2,fma,avxvnni")]);
crate::arch::leaf::f32_block_shell!(
    #[target_feature(enable = "avx2,fma,avxvnni")]
    [3, 2]
);
crate::arch::panel::packed_u8_block_shell!(
    #[target_feature(enable = "avx2,fma,avxvnni")] L1: [3, 3], Dot: [6, 2]
);
