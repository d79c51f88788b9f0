//! AVX-512 F, BW and VL: 64 bytes at a time and 32 registers, so larger tiles; the instructions are
//! those of AVX2.

use super::avx2;
use crate::MatMut;
use crate::arch::floats::Floats;
use crate::arch::generic::{RowSum, pair, tiles};
use crate::arch::panel::{Panel, panels};
use crate::arch::{Kernel, Layout, PackedSum, U8Block};
use core::arch::x86_64::*;

/// |a - b| of bytes.
#[inline(always)]
pub(super) unsafe fn abs_diff_u8x64(a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: AVX-512 BW is the caller's promise.
    unsafe { _mm512_sub_epi8(_mm512_max_epu8(a, b), _mm512_min_epu8(a, b)) }
}

/// Bytes as i16, in an order that is the same for every vector.
#[inline(always)]
pub(super) unsafe fn widen_u8x64(bytes: __m512i) -> [__m512i; 2] {
    // SAFETY: AVX-512 BW is the caller's promise.
    unsafe {
        let zero = _mm512_setzero_si512();
        [
            _mm512_unpacklo_epi8(bytes, zero),
            _mm512_unpackhi_epi8(bytes, zero),
        ]
    }
}

pub(super) struct L1U8;
pub(super) struct L2SqU8;
pub(super) struct DotU8;

macro_rules! u8_row_sum {
    ($name:ident, |$acc:ident, $a:ident, $b:ident| $sum:expr) => {
        impl RowSum for $name {
            type Element = u8;
            type Total = u32;
            type Chunk = __m512i;
            type Acc = [__m512i; 2];
            const LANES: usize = 64;

            #[inline(always)]
            unsafe fn zero() -> [__m512i; 2] {
                // SAFETY: AVX-512 is the caller's promise.
                unsafe { [_mm512_setzero_si512(); 2] }
            }
            #[inline(always)]
            unsafe fn load(from: *const u8) -> __m512i {
                // SAFETY: AVX-512 and 64 readable bytes are the caller's promise.
                unsafe { _mm512_loadu_si512(from.cast()) }
            }
            #[inline(always)]
            unsafe fn load_tail(tail: &[u8]) -> __m512i {
                let present = !(u64::MAX << tail.len().min(63));
                // SAFETY: AVX-512 BW is the caller's promise; lanes that are not present are not read.
                unsafe { _mm512_maskz_loadu_epi8(present, tail.as_ptr().cast()) }
            }
            #[inline(always)]
            unsafe fn add($acc: [__m512i; 2], $a: __m512i, $b: __m512i) -> [__m512i; 2] {
                // SAFETY: AVX-512 is the caller's promise.
                unsafe { $sum }
            }
            #[inline(always)]
            unsafe fn total(acc: [__m512i; 2]) -> u32 {
                // SAFETY: AVX-512 is the caller's promise. The 64-bit sums of `vpsadbw` stay below
                // 2^32, so their upper halves are zero and adding 32-bit lanes is right for them too.
                unsafe { _mm512_reduce_add_epi32(_mm512_add_epi32(acc[0], acc[1])) as u32 }
            }
        }
    };
}
pub(super) use u8_row_sum;

u8_row_sum!(L1U8, |acc, a, b| [
    _mm512_add_epi64(acc[0], _mm512_sad_epu8(a, b)),
    acc[1]
]);
u8_row_sum!(L2SqU8, |acc, a, b| {
    let [low, high] = widen_u8x64(abs_diff_u8x64(a, b));
    [
        _mm512_add_epi32(acc[0], _mm512_madd_epi16(low, low)),
        _mm512_add_epi32(acc[1], _mm512_madd_epi16(high, high)),
    ]
});
u8_row_sum!(DotU8, |acc, a, b| {
    let [a_low, a_high] = widen_u8x64(a);
    let [b_low, b_high] = widen_u8x64(b);
    [
        _mm512_add_epi32(acc[0], _mm512_madd_epi16(a_low, b_low)),
        _mm512_add_epi32(acc[1], _mm512_madd_epi16(a_high, b_high)),
    ]
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
            type Chunk = [__m512; 2];
            type Acc = [__m512; 2];
            const LANES: usize = 32;

            #[inline(always)]
            unsafe fn zero() -> [__m512; 2] {
                // SAFETY: AVX-512 is the caller's promise.
                unsafe { [_mm512_setzero_ps(); 2] }
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> [__m512; 2] {
                // SAFETY: AVX-512 and 32 readable numbers are the caller's promise.
                unsafe { [_mm512_loadu_ps(from), _mm512_loadu_ps(from.add(16))] }
            }
            #[inline(always)]
            unsafe fn load_tail(tail: &[f32]) -> [__m512; 2] {
                let present = !(u32::MAX << tail.len().min(31));
                let upper = tail.as_ptr().wrapping_add(16);
                // SAFETY: AVX-512 is the caller's promise; lanes that are not present are not read.
                unsafe {
                    [
                        _mm512_maskz_loadu_ps(present as u16, tail.as_ptr()),
                        _mm512_maskz_loadu_ps((present >> 16) as u16, upper),
                    ]
                }
            }
            #[inline(always)]
            unsafe fn add(acc: [__m512; 2], a: [__m512; 2], b: [__m512; 2]) -> [__m512; 2] {
                #[inline(always)]
                unsafe fn half($acc: __m512, $a: __m512, $b: __m512) -> __m512 {
                    // SAFETY: AVX-512 is the caller's promise.
                    unsafe { $sum }
                }
                // SAFETY: AVX-512 is the caller's promise.
                unsafe { [half(acc[0], a[0], b[0]), half(acc[1], a[1], b[1])] }
            }
            #[inline(always)]
            unsafe fn total(acc: [__m512; 2]) -> f32 {
                // SAFETY: AVX-512 is the caller's promise.
                unsafe { _mm512_reduce_add_ps(_mm512_add_ps(acc[0], acc[1])) }
            }
        }
    };
}

f32_row_sum!(L1F32, |acc, a, b| _mm512_add_ps(
    acc,
    _mm512_abs_ps(_mm512_sub_ps(a, b))
));
f32_row_sum!(L2SqF32, |acc, a, b| {
    let d = _mm512_sub_ps(a, b);
    _mm512_fmadd_ps(d, d, acc)
});
f32_row_sum!(DotF32, |acc, a, b| _mm512_fmadd_ps(a, b, acc));
f32_row_sum!(Chi2F32, |acc, a, b| {
    let d = _mm512_sub_ps(a, b);
    let s = _mm512_max_ps(_mm512_add_ps(a, b), _mm512_set1_ps(f32::MIN_POSITIVE));
    _mm512_fmadd_ps(_mm512_div_ps(d, s), d, acc)
});

/// Eight bytes of each of eight rows.
pub(super) struct L1Panel;

impl Panel for L1Panel {
    type Rows = __m512i;
    type Query = __m512i;
    type Acc = __m512i;
    const GROUP: usize = 8;
    const LANES: usize = 8;

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
        // SAFETY: AVX-512 and 8 readable bytes are the caller's promise.
        unsafe { _mm512_set1_epi64(from.cast::<i64>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn add(acc: __m512i, query: __m512i, rows: __m512i) -> __m512i {
        // SAFETY: AVX-512 BW is the caller's promise.
        unsafe { _mm512_add_epi64(acc, _mm512_sad_epu8(query, rows)) }
    }
    #[inline(always)]
    unsafe fn store(acc: __m512i, to: *mut u32) {
        // SAFETY: AVX-512 and 8 writable numbers are the caller's promise.
        unsafe { _mm256_storeu_si256(to.cast(), _mm512_cvtepi64_epi32(acc)) }
    }
    #[inline(always)]
    unsafe fn start(from: *const i32) -> __m512i {
        // SAFETY: AVX-512 and 8 readable numbers are the caller's promise.
        unsafe { _mm512_cvtepi32_epi64(_mm256_loadu_si256(from.cast())) }
    }
    #[inline(always)]
    unsafe fn below(acc: __m512i, bound: i32) -> u16 {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_cmplt_epi64_mask(acc, _mm512_set1_epi64(bound.into())).into() }
    }
}

/// Four bytes of each of sixteen rows, even and odd bytes apart as i16.
struct DotPanel;

const L1_PANEL_SUM: PackedSum = PackedSum::Result;
const DOT_PANEL_SUM: PackedSum = PackedSum::Dot;

/// The even and the odd bytes of each 16-bit lane.
#[inline(always)]
unsafe fn split_u8x64(bytes: __m512i) -> [__m512i; 2] {
    // SAFETY: AVX-512 BW is the caller's promise.
    unsafe {
        [
            _mm512_and_si512(bytes, _mm512_set1_epi16(0xff)),
            _mm512_srli_epi16::<8>(bytes),
        ]
    }
}

impl Panel for DotPanel {
    type Rows = [__m512i; 2];
    type Query = [__m512i; 2];
    type Acc = __m512i;
    const GROUP: usize = 4;
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> __m512i {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_setzero_si512() }
    }
    #[inline(always)]
    unsafe fn load(from: *const u8) -> [__m512i; 2] {
        // SAFETY: AVX-512 and 64 readable bytes are the caller's promise.
        unsafe { split_u8x64(_mm512_loadu_si512(from.cast())) }
    }
    #[inline(always)]
    unsafe fn broadcast(from: *const u8) -> [__m512i; 2] {
        // SAFETY: AVX-512 and 4 readable bytes are the caller's promise.
        unsafe { split_u8x64(_mm512_set1_epi32(from.cast::<i32>().read_unaligned())) }
    }
    #[inline(always)]
    unsafe fn add(acc: __m512i, query: [__m512i; 2], rows: [__m512i; 2]) -> __m512i {
        // SAFETY: AVX-512 BW is the caller's promise.
        unsafe {
            let even = _mm512_madd_epi16(query[0], rows[0]);
            let odd = _mm512_madd_epi16(query[1], rows[1]);
            _mm512_add_epi32(_mm512_add_epi32(acc, even), odd)
        }
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

crate::arch::leaf::pair_shells!(
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl")]
);
crate::arch::leaf::f32_block_shell!(
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl")]
    [4, 3]
);
crate::arch::panel::packed_u8_block_shell!(
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl")] L1: [6, 4], Dot: [6, 3]
);

/// The mask of the first `n` of sixteen lanes.
#[inline(always)]
fn first_lanes(n: usize) -> __mmask16 {
    ((1u32 << n) - 1) as __mmask16
}

/// Vectors of floats for the linear algebra.
pub(super) struct F32;

impl Floats for F32 {
    type Vector = __m512;
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> __m512 {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_setzero_ps() }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> __m512 {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_set1_ps(value) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        // SAFETY: AVX-512 and 16 readable floats are the caller's promise.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> __m512 {
        // SAFETY: AVX-512 and 16 readable bytes are the caller's promise.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) }
    }
    #[inline(always)]
    unsafe fn store(vector: __m512, to: *mut f32) {
        // SAFETY: AVX-512 and 16 writable floats are the caller's promise.
        unsafe { _mm512_storeu_ps(to, vector) }
    }
    #[inline(always)]
    unsafe fn fma(acc: __m512, a: __m512, b: __m512) -> __m512 {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_fmadd_ps(a, b, acc) }
    }
    #[inline(always)]
    unsafe fn load_part(from: *const f32, n: usize) -> __m512 {
        // SAFETY: AVX-512 and `n` readable floats are the caller's promise; no others are read.
        unsafe { _mm512_maskz_loadu_ps(first_lanes(n), from) }
    }
    #[inline(always)]
    unsafe fn load_u8_part(from: *const u8, n: usize) -> __m512 {
        // SAFETY: AVX-512 BW and VL and `n` readable bytes are the caller's promise; no others are read.
        unsafe {
            let bytes = _mm_maskz_loadu_epi8(first_lanes(n), from.cast());
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
        }
    }
    #[inline(always)]
    unsafe fn store_part(vector: __m512, to: *mut f32, n: usize) {
        // SAFETY: AVX-512 and `n` writable floats are the caller's promise; no others are written.
        unsafe { _mm512_mask_storeu_ps(to, first_lanes(n), vector) }
    }
    #[inline(always)]
    unsafe fn prefetch(address: *const u8) {
        // SAFETY: a hint, of whatever address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
    #[inline(always)]
    unsafe fn prefetch_later(address: *const u8) {
        // SAFETY: a hint, of whatever address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
    }
    #[inline(always)]
    unsafe fn sum(vector: __m512) -> f32 {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe {
            let high = _mm512_castpd_ps(_mm512_shuffle_f64x2::<0xee>(
                _mm512_castps_pd(vector),
                _mm512_castps_pd(vector),
            ));
            avx2::F32::sum(_mm256_add_ps(
                _mm512_castps512_ps256(vector),
                _mm512_castps512_ps256(high),
            ))
        }
    }
}

crate::arch::linear::linear_shells!(
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl")]
    F32;
    scores: 10: 2, 5: 5, 3: 7, 2: 8, 1: 8;
    gradient: 10: 2, 5: 4, 3: 6, 2: 8, 1: 8;
    product: [12, 2]
);
