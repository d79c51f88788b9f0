//! AVX2 and FMA: 32 bytes at a time, `vpsadbw` for L1, `vpmaddwd` on widened bytes for products
//! (never `vpmaddubsw`, which saturates on full-range bytes).

use crate::MatMut;
use crate::arch::floats::Floats;
use crate::arch::generic::{RowSum, pair, tiles};
use crate::arch::panel::{Panel, panels};
use crate::arch::{Kernel, Layout, PackedSum, U8Block};
use core::arch::x86_64::*;

/// Sums of i32 lanes modulo 2^32.
#[inline(always)]
pub(super) unsafe fn total_i32x8(acc: __m256i) -> u32 {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        let half = _mm_add_epi32(
            _mm256_castsi256_si128(acc),
            _mm256_extracti128_si256::<1>(acc),
        );
        let quarter = _mm_add_epi32(half, _mm_unpackhi_epi64(half, half));
        let eighth = _mm_add_epi32(quarter, _mm_shuffle_epi32::<0b01>(quarter));
        _mm_cvtsi128_si32(eighth) as u32
    }
}

/// |a - b| of bytes.
#[inline(always)]
unsafe fn abs_diff_u8x32(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: AVX2 is the caller's promise.
    unsafe { _mm256_sub_epi8(_mm256_max_epu8(a, b), _mm256_min_epu8(a, b)) }
}

/// Bytes as i16, in an order that is the same for every vector.
#[inline(always)]
unsafe fn widen_u8x32(bytes: __m256i) -> [__m256i; 2] {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        let zero = _mm256_setzero_si256();
        [
            _mm256_unpacklo_epi8(bytes, zero),
            _mm256_unpackhi_epi8(bytes, zero),
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
            type Chunk = __m256i;
            type Acc = [__m256i; 2];
            const LANES: usize = 32;

            #[inline(always)]
            unsafe fn zero() -> [__m256i; 2] {
                // SAFETY: AVX2 is the caller's promise.
                unsafe { [_mm256_setzero_si256(); 2] }
            }
            #[inline(always)]
            unsafe fn load(from: *const u8) -> __m256i {
                // SAFETY: AVX2 and 32 readable bytes are the caller's promise.
                unsafe { _mm256_loadu_si256(from.cast()) }
            }
            #[inline(always)]
            unsafe fn add($acc: [__m256i; 2], $a: __m256i, $b: __m256i) -> [__m256i; 2] {
                // SAFETY: AVX2 is the caller's promise.
                unsafe { $sum }
            }
            #[inline(always)]
            unsafe fn total(acc: [__m256i; 2]) -> u32 {
                // SAFETY: AVX2 is the caller's promise. The 64-bit sums of `vpsadbw` stay below
                // 2^32, so their upper halves are zero and adding 32-bit lanes is right for them too.
                unsafe { total_i32x8(_mm256_add_epi32(acc[0], acc[1])) }
            }
        }
    };
}

u8_row_sum!(L1U8, |acc, a, b| [
    _mm256_add_epi64(acc[0], _mm256_sad_epu8(a, b)),
    acc[1]
]);
u8_row_sum!(L2SqU8, |acc, a, b| {
    let [low, high] = widen_u8x32(abs_diff_u8x32(a, b));
    [
        _mm256_add_epi32(acc[0], _mm256_madd_epi16(low, low)),
        _mm256_add_epi32(acc[1], _mm256_madd_epi16(high, high)),
    ]
});
u8_row_sum!(DotU8, |acc, a, b| {
    let [a_low, a_high] = widen_u8x32(a);
    let [b_low, b_high] = widen_u8x32(b);
    [
        _mm256_add_epi32(acc[0], _mm256_madd_epi16(a_low, b_low)),
        _mm256_add_epi32(acc[1], _mm256_madd_epi16(a_high, b_high)),
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
            type Chunk = [__m256; 2];
            type Acc = [__m256; 2];
            const LANES: usize = 16;

            #[inline(always)]
            unsafe fn zero() -> [__m256; 2] {
                // SAFETY: AVX2 is the caller's promise.
                unsafe { [_mm256_setzero_ps(); 2] }
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> [__m256; 2] {
                // SAFETY: AVX2 and 16 readable numbers are the caller's promise.
                unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
            }
            #[inline(always)]
            unsafe fn add(acc: [__m256; 2], a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
                #[inline(always)]
                unsafe fn half($acc: __m256, $a: __m256, $b: __m256) -> __m256 {
                    // SAFETY: AVX2 and FMA are the caller's promise.
                    unsafe { $sum }
                }
                // SAFETY: AVX2 and FMA are the caller's promise.
                unsafe { [half(acc[0], a[0], b[0]), half(acc[1], a[1], b[1])] }
            }
            #[inline(always)]
            unsafe fn total(acc: [__m256; 2]) -> f32 {
                // SAFETY: AVX2 is the caller's promise.
                unsafe {
                    let sum = _mm256_add_ps(acc[0], acc[1]);
                    let half =
                        _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
                    let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
                    let eighth = _mm_add_ss(quarter, _mm_shuffle_ps::<0b01>(quarter, quarter));
                    _mm_cvtss_f32(eighth)
                }
            }
        }
    };
}

f32_row_sum!(L1F32, |acc, a, b| _mm256_add_ps(
    acc,
    _mm256_andnot_ps(_mm256_set1_ps(-0.0), _mm256_sub_ps(a, b))
));
f32_row_sum!(L2SqF32, |acc, a, b| {
    let d = _mm256_sub_ps(a, b);
    _mm256_fmadd_ps(d, d, acc)
});
f32_row_sum!(DotF32, |acc, a, b| _mm256_fmadd_ps(a, b, acc));
f32_row_sum!(Chi2F32, |acc, a, b| {
    let d = _mm256_sub_ps(a, b);
    let s = _mm256_max_ps(_mm256_add_ps(a, b), _mm256_set1_ps(f32::MIN_POSITIVE));
    _mm256_fmadd_ps(_mm256_div_ps(d, s), d, acc)
});

/// Eight bytes of each of four rows.
pub(super) struct L1Panel;

impl Panel for L1Panel {
    type Rows = __m256i;
    type Query = __m256i;
    type Acc = __m256i;
    const GROUP: usize = 8;
    const LANES: usize = 4;

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
        // SAFETY: AVX2 and 8 readable bytes are the caller's promise.
        unsafe { _mm256_set1_epi64x(from.cast::<i64>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn add(acc: __m256i, query: __m256i, rows: __m256i) -> __m256i {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_add_epi64(acc, _mm256_sad_epu8(query, rows)) }
    }
    #[inline(always)]
    unsafe fn store(acc: __m256i, to: *mut u32) {
        // SAFETY: AVX2 and 4 writable numbers are the caller's promise.
        unsafe {
            let low_halves = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
            let sums = _mm256_permutevar8x32_epi32(acc, low_halves);
            _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(sums));
        }
    }
    #[inline(always)]
    unsafe fn start(from: *const i32) -> __m256i {
        // SAFETY: AVX2 and 4 readable numbers are the caller's promise.
        unsafe { _mm256_cvtepi32_epi64(_mm_loadu_si128(from.cast())) }
    }
    #[inline(always)]
    unsafe fn below(acc: __m256i, bound: i32) -> u16 {
        // SAFETY: AVX2 is the caller's promise.
        unsafe {
            let is_below = _mm256_cmpgt_epi64(_mm256_set1_epi64x(bound.into()), acc);
            _mm256_movemask_pd(_mm256_castsi256_pd(is_below)) as u16
        }
    }
}

/// Four bytes of each of eight rows, even and odd bytes apart as i16.
struct DotPanel;

const L1_PANEL_SUM: PackedSum = PackedSum::Result;
const DOT_PANEL_SUM: PackedSum = PackedSum::Dot;

/// A bit for each lane: whether it is below `bound`.
#[inline(always)]
pub(super) unsafe fn below_i32x8(lanes: __m256i, bound: i32) -> u16 {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        let is_below = _mm256_cmpgt_epi32(_mm256_set1_epi32(bound), lanes);
        _mm256_movemask_ps(_mm256_castsi256_ps(is_below)) as u16
    }
}

/// The even and the odd bytes of each 16-bit lane.
#[inline(always)]
unsafe fn split_u8x32(bytes: __m256i) -> [__m256i; 2] {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        [
            _mm256_and_si256(bytes, _mm256_set1_epi16(0xff)),
            _mm256_srli_epi16::<8>(bytes),
        ]
    }
}

impl Panel for DotPanel {
    type Rows = [__m256i; 2];
    type Query = [__m256i; 2];
    type Acc = __m256i;
    const GROUP: usize = 4;
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> __m256i {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_setzero_si256() }
    }
    #[inline(always)]
    unsafe fn load(from: *const u8) -> [__m256i; 2] {
        // SAFETY: AVX2 and 32 readable bytes are the caller's promise.
        unsafe { split_u8x32(_mm256_loadu_si256(from.cast())) }
    }
    #[inline(always)]
    unsafe fn broadcast(from: *const u8) -> [__m256i; 2] {
        // SAFETY: AVX2 and 4 readable bytes are the caller's promise.
        unsafe { split_u8x32(_mm256_set1_epi32(from.cast::<i32>().read_unaligned())) }
    }
    #[inline(always)]
    unsafe fn add(acc: __m256i, query: [__m256i; 2], rows: [__m256i; 2]) -> __m256i {
        // SAFETY: AVX2 is the caller's promise.
        unsafe {
            let even = _mm256_madd_epi16(query[0], rows[0]);
            let odd = _mm256_madd_epi16(query[1], rows[1]);
            _mm256_add_epi32(_mm256_add_epi32(acc, even), odd)
        }
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

crate::arch::leaf::pair_shells!(#[target_feature(enable = "avx2,fma")]);
crate::arch::leaf::f32_block_shell!(
    #[target_feature(enable = "avx2,fma")]
    [3, 2]
);
crate::arch::panel::packed_u8_block_shell!(
    #[target_feature(enable = "avx2,fma")] L1: [3, 3], Dot: [4, 2]
);

/// Vectors of floats for the linear algebra.
pub(super) struct F32;

impl Floats for F32 {
    type Vector = __m256;
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> __m256 {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_setzero_ps() }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> __m256 {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_set1_ps(value) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m256 {
        // SAFETY: AVX2 and 8 readable floats are the caller's promise.
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> __m256 {
        // SAFETY: AVX2 and 8 readable bytes are the caller's promise.
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))) }
    }
    #[inline(always)]
    unsafe fn store(vector: __m256, to: *mut f32) {
        // SAFETY: AVX2 and 8 writable floats are the caller's promise.
        unsafe { _mm256_storeu_ps(to, vector) }
    }
    #[inline(always)]
    unsafe fn fma(acc: __m256, a: __m256, b: __m256) -> __m256 {
        // SAFETY: AVX2 with FMA is the caller's promise.
        unsafe { _mm256_fmadd_ps(a, b, acc) }
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
    unsafe fn sum(vector: __m256) -> f32 {
        // SAFETY: AVX2 is the caller's promise.
        unsafe {
            let half = _mm_add_ps(
                _mm256_castps256_ps128(vector),
                _mm256_extractf128_ps::<1>(vector),
            );
            let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
            let eighth = _mm_add_ss(quarter, _mm_shuffle_ps::<0b01>(quarter, quarter));
            _mm_cvtss_f32(eighth)
        }
    }
}

crate::arch::linear::linear_shells!(
    #[target_feature(enable = "avx2,fma")]
    F32;
    scores: 5: 2, 2: 4, 1: 8;
    gradient: 5: 2, 2: 4, 1: 8;
    product: [6, 2]
);
