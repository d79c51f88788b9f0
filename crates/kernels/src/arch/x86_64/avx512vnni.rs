//! AVX-512 VNNI beside AVX-512: `vpdpbusd` for products of bytes, `vpdpwssd` for squares of widened
//! differences. Neither saturates.

use super::avx512::{
    Chi2F32, DotF32, L1F32, L1U8, L2SqF32, abs_diff_u8x64, u8_row_sum, widen_u8x64,
};
pub(in crate::arch) use super::avx512::{
    add_product, gradient_f32, gradient_u8, scores_f32, scores_u8,
};
use crate::MatMut;
use crate::arch::generic::{RowSum, pair, tiles};
use crate::arch::panel::{Panel, panels};
use crate::arch::{Kernel, Layout, PackedSum, U8Block};
use core::arch::x86_64::*;

struct L2SqU8;
struct DotU8;

u8_row_sum!(L2SqU8, |acc, a, b| {
    let [low, high] = widen_u8x64(abs_diff_u8x64(a, b));
    [
        _mm512_dpwssd_epi32(acc[0], low, low),
        _mm512_dpwssd_epi32(acc[1], high, high),
    ]
});
// a . b = a . (b - 128) + 128 sum(a), the second sum by `vpdpbusd` with 64 twice.
u8_row_sum!(DotU8, |acc, a, b| {
    let signed = _mm512_xor_si512(b, _mm512_set1_epi8(-128));
    let half = _mm512_set1_epi8(64);
    let of_ones = _mm512_dpbusd_epi32(acc[1], a, half);
    [
        _mm512_dpbusd_epi32(acc[0], a, signed),
        _mm512_dpbusd_epi32(of_ones, a, half),
    ]
});

pub(super) const L1_PANEL_SUM: PackedSum = PackedSum::Min;
const DOT_PANEL_SUM: PackedSum = PackedSum::SignedDot;

/// The sums of minima. `vpsadbw` and `vpaddq` are two instructions a vector as well, but share their
/// execution units less evenly with each other than `vpminub` and `vpdpbusd` do.
pub(super) struct L1Panel;

/// Products with the rows' bytes signed.
struct DotPanel;

/// Four bytes of each of sixteen rows.
macro_rules! panel {
    ($name:ident, |$acc:ident, $query:ident, $rows:ident| $sum:expr) => {
        impl Panel for $name {
            type Rows = __m512i;
            type Query = __m512i;
            type Acc = __m512i;
            const GROUP: usize = 4;
            const LANES: usize = 16;

            #[inline(always)]
            unsafe fn zero() -> __m512i {
                // SAFETY: AVX-512 is the caller's promise.
                unsafe { _mm512_setzero_si512() }
            }
            #[inline(always)]
            unsafe fn load(from: *const u8) -> __m512i {
                // SAFETY: AVX-512 and 64 readable bytes are the caller's promise.
                unsafe { _mm512_loadu_si512(from.cast()) }
            }
            #[inline(always)]
            unsafe fn broadcast(from: *const u8) -> __m512i {
                // SAFETY: AVX-512 and 4 readable bytes are the caller's promise.
                unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
            }
            #[inline(always)]
            unsafe fn add($acc: __m512i, $query: __m512i, $rows: __m512i) -> __m512i {
                // SAFETY: AVX-512 VNNI is the caller's promise.
                unsafe { $sum }
            }
            #[inline(always)]
            unsafe fn store(acc: __m512i, to: *mut u32) {
                // SAFETY: AVX-512 and 16 writable numbers are the caller's promise.
                unsafe { _mm512_storeu_si512(to.cast(), acc) }
            }
            #[inline(always)]
            unsafe fn start(from: *const i32) -> __m512i {
                // SAFETY: AVX-512 and 16 readable numbers are the caller's promise.
                unsafe { _mm512_loadu_si512(from.cast()) }
            }
            #[inline(always)]
            unsafe fn below(acc: __m512i, bound: i32) -> u16 {
                // SAFETY: AVX-512 is the caller's promise.
                unsafe { _mm512_cmplt_epi32_mask(acc, _mm512_set1_epi32(bound)) }
            }
        }
    };
}

panel!(L1Panel, |acc, query, rows| _mm512_dpbusd_epi32(
    acc,
    _mm512_min_epu8(query, rows),
    _mm512_set1_epi8(1)
));
panel!(DotPanel, |acc, query, rows| _mm512_dpbusd_epi32(
    acc, query, rows
));

crate::arch::leaf::pair_shells!(
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni")]
);
crate::arch::leaf::f32_block_shell!(
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni")]
    [4, 3]
);
crate::arch::panel::packed_u8_block_shell!(
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni")]
    L1: [12, 2], Dot: [12, 2]
);
