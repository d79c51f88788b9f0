//! Sixteen lanes in the registers of AVX2 and of AVX-512, and the shells that enable them.

use crate::lanes::{COUNTED, LANES, Lanes, Sealed, Vectorize};
use core::arch::x86_64::*;

/// Proof of AVX2: made only in the shell below.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Lanes(());

/// Proof of AVX-512 F: made only in the shell below.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Lanes(());

impl Sealed for Avx2Lanes {}
impl Sealed for Avx512Lanes {}

/// Runs an algorithm with AVX2 enabled.
#[target_feature(enable = "avx2,fma")]
pub(in crate::arch) fn run_avx2<V: Vectorize>(algorithm: V) -> V::Output {
    algorithm.run(Avx2Lanes(()))
}

/// Runs an algorithm with AVX-512 enabled.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl")]
pub(in crate::arch) fn run_avx512<V: Vectorize>(algorithm: V) -> V::Output {
    algorithm.run(Avx512Lanes(()))
}

// Nothing here is a closure: one is compiled without the shell's features unless it happens to be
// inlined before the instructions in it.

/// Methods that are an instruction for each half.
macro_rules! halves {
    ($($name:ident($($operand:ident),+) = $value:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($operand: Self::F32),+) -> Self::F32 {
            // SAFETY: the token proves AVX2.
            unsafe {
                let low = {
                    $(let $operand = $operand[0];)+
                    $value
                };
                $(let $operand = $operand[1];)+
                [low, $value]
            }
        }
    )*};
}

impl Lanes for Avx2Lanes {
    type F32 = [__m256; 2];
    const REGISTERS: usize = 8;

    halves! {
        add(a, b) = _mm256_add_ps(a, b);
        sub(a, b) = _mm256_sub_ps(a, b);
        mul(a, b) = _mm256_mul_ps(a, b);
        div(a, b) = _mm256_div_ps(a, b);
        min(a, b) = _mm256_min_ps(a, b);
        max(a, b) = _mm256_max_ps(a, b);
        abs(a) = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
        sqrt(a) = _mm256_sqrt_ps(a);
        and(a, mask) = _mm256_and_ps(a, mask);
        floor(a) = _mm256_floor_ps(a);
        add_where_eq(sum, a, b, value) =
            _mm256_add_ps(sum, _mm256_and_ps(_mm256_cmp_ps::<_CMP_EQ_OQ>(a, b), value));
        select_eq(a, b, yes, no) = _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b));
        select_gt(a, b, yes, no) = _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b));
        select_ge(a, b, yes, no) = _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GE_OQ>(a, b));
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F32 {
        // SAFETY: the token proves AVX2.
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::F32 {
        let from = from.as_ptr();
        // SAFETY: the token proves AVX2; two times eight of sixteen floats are read.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8; LANES]) -> Self::F32 {
        // SAFETY: the token proves AVX2; sixteen bytes are read.
        unsafe {
            let bytes = _mm_loadu_si128(from.as_ptr().cast());
            let low = _mm256_cvtepu8_epi32(bytes);
            let high = _mm256_cvtepu8_epi32(_mm_srli_si128::<8>(bytes));
            [_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high)]
        }
    }

    #[inline(always)]
    fn store(self, vector: Self::F32, to: &mut [f32; LANES]) {
        let to = to.as_mut_ptr();
        // SAFETY: the token proves AVX2; two times eight of sixteen floats are written.
        unsafe {
            _mm256_storeu_ps(to, vector[0]);
            _mm256_storeu_ps(to.add(8), vector[1]);
        }
    }

    #[inline(always)]
    fn transpose(self, rows: [Self::F32; LANES]) -> [Self::F32; LANES] {
        let mut columns = rows;
        for half in 0..2 {
            for first in [0, 8] {
                let mut square = [rows[0][0]; 8];
                for i in 0..8 {
                    square[i] = rows[first + i][half];
                }
                // SAFETY: the token proves AVX2.
                let square = unsafe { transpose8(square) };
                for i in 0..8 {
                    columns[8 * half + i][first / 8] = square[i];
                }
            }
        }
        columns
    }

    #[inline(always)]
    fn strongest_gradients<const P: usize>(
        self,
        neighbours: [[&[u8; 2 * LANES]; 4]; P],
        inside: &[i16; 2 * LANES],
    ) -> [[Self::F32; 3]; 2] {
        // SAFETY: the token proves AVX2; of each array both halves of sixteen are read.
        unsafe {
            let mut found = [[[_mm256_setzero_ps(); 2]; 3]; 2];
            for (half, found) in found.iter_mut().enumerate() {
                let first = half * LANES;
                let inside = _mm256_loadu_si256(inside.as_ptr().add(first).cast());
                // Pairs of dx and dy, and the sums of their squares: pixels 0 to 3 and 8 to 11, and
                // the others.
                let mut best = [_mm256_setzero_si256(); 2];
                let mut most = best;
                for (channel, around) in neighbours.into_iter().enumerate() {
                    let mut wide = [inside; 4];
                    for (wide, bytes) in wide.iter_mut().zip(around) {
                        let bytes = _mm_loadu_si128(bytes.as_ptr().add(first).cast());
                        *wide = _mm256_cvtepu8_epi16(bytes);
                    }
                    let [left, right, above, below] = wide;
                    let dx = _mm256_and_si256(_mm256_sub_epi16(right, left), inside);
                    let dy = _mm256_sub_epi16(below, above);
                    let pairs = [_mm256_unpacklo_epi16(dx, dy), _mm256_unpackhi_epi16(dx, dy)];
                    for i in 0..2 {
                        let both = _mm256_madd_epi16(pairs[i], pairs[i]);
                        if channel == 0 {
                            (best[i], most[i]) = (pairs[i], both);
                        } else {
                            let more = _mm256_cmpgt_epi32(both, most[i]);
                            best[i] = _mm256_blendv_epi8(best[i], pairs[i], more);
                            most[i] = _mm256_max_epi32(both, most[i]);
                        }
                    }
                }
                let ordered = [
                    _mm256_permute2x128_si256::<0x20>(best[0], best[1]),
                    _mm256_permute2x128_si256::<0x31>(best[0], best[1]),
                ];
                let most = [
                    _mm256_permute2x128_si256::<0x20>(most[0], most[1]),
                    _mm256_permute2x128_si256::<0x31>(most[0], most[1]),
                ];
                for i in 0..2 {
                    let dx = _mm256_srai_epi32::<16>(_mm256_slli_epi32::<16>(ordered[i]));
                    found[0][i] = _mm256_cvtepi32_ps(dx);
                    found[1][i] = _mm256_cvtepi32_ps(_mm256_srai_epi32::<16>(ordered[i]));
                    found[2][i] = _mm256_cvtepi32_ps(most[i]);
                }
            }
            found
        }
    }

    #[inline(always)]
    fn count_below<const T: usize>(self, values: &[[u8; 64]], limits: [u8; T]) -> [u32; T] {
        assert!(
            values.len() <= COUNTED,
            "more bytes than are counted at a time"
        );
        // SAFETY: the token proves AVX2; both halves of each group of 64 bytes are read.
        unsafe {
            let zero = _mm256_setzero_si256();
            let (mut not_below, mut wide) = ([zero; T], [zero; T]);
            for i in 0..T {
                wide[i] = _mm256_set1_epi8(limits[i] as i8);
            }
            let mut sums = [_mm256_setzero_si256(); T];
            for half in 0..2 {
                for value in values {
                    let value = _mm256_loadu_si256(value.as_ptr().add(32 * half).cast());
                    for i in 0..T {
                        // All ones, -1, where the larger one is the value.
                        let larger = _mm256_max_epu8(value, wide[i]);
                        let is = _mm256_cmpeq_epi8(larger, value);
                        not_below[i] = _mm256_sub_epi8(not_below[i], is);
                    }
                }
                for i in 0..T {
                    sums[i] = _mm256_add_epi64(sums[i], _mm256_sad_epu8(not_below[i], zero));
                    not_below[i] = zero;
                }
            }
            let mut counts = [0; T];
            for i in 0..T {
                counts[i] = 64 * values.len() as u32 - sum4(sums[i]);
            }
            counts
        }
    }

    #[inline(always)]
    fn sum(self, a: Self::F32) -> f32 {
        // SAFETY: the token proves AVX2.
        unsafe { sum8(_mm256_add_ps(a[0], a[1])) }
    }
}

/// Lane i + lane i + 4, then 2 and 1 apart.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn sum8(eight: __m256) -> f32 {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        let four = _mm_add_ps(
            _mm256_castps256_ps128(eight),
            _mm256_extractf128_ps::<1>(eight),
        );
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
}

/// The sum of the four numbers, which are small.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn sum4(four: __m256i) -> u32 {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        let two = _mm_add_epi32(
            _mm256_castsi256_si128(four),
            _mm256_extracti128_si256::<1>(four),
        );
        _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_unpackhi_epi64(two, two))) as u32
    }
}

/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn transpose8(r: [__m256; 8]) -> [__m256; 8] {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        let mut columns = r;
        // quads[h][c]: columns c and c + 4 of rows 4 h to 4 h + 3.
        let mut quads = [[r[0]; 4]; 2];
        for h in 0..2 {
            let [a, b, c, d] = [r[4 * h], r[4 * h + 1], r[4 * h + 2], r[4 * h + 3]];
            let (low_ab, high_ab) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (low_cd, high_cd) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            quads[h] = [
                _mm256_shuffle_ps::<0x44>(low_ab, low_cd),
                _mm256_shuffle_ps::<0xee>(low_ab, low_cd),
                _mm256_shuffle_ps::<0x44>(high_ab, high_cd),
                _mm256_shuffle_ps::<0xee>(high_ab, high_cd),
            ];
        }
        for c in 0..4 {
            columns[c] = _mm256_permute2f128_ps::<0x20>(quads[0][c], quads[1][c]);
            columns[c + 4] = _mm256_permute2f128_ps::<0x31>(quads[0][c], quads[1][c]);
        }
        columns
    }
}

/// Methods that are one instruction.
macro_rules! whole {
    ($($name:ident($($operand:ident),+) = $value:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($operand: Self::F32),+) -> Self::F32 {
            // SAFETY: the token proves AVX-512 F.
            unsafe { $value }
        }
    )*};
}

impl Lanes for Avx512Lanes {
    type F32 = __m512;
    const REGISTERS: usize = 32;

    whole! {
        add(a, b) = _mm512_add_ps(a, b);
        sub(a, b) = _mm512_sub_ps(a, b);
        mul(a, b) = _mm512_mul_ps(a, b);
        div(a, b) = _mm512_div_ps(a, b);
        min(a, b) = _mm512_min_ps(a, b);
        max(a, b) = _mm512_max_ps(a, b);
        abs(a) = _mm512_abs_ps(a);
        sqrt(a) = _mm512_sqrt_ps(a);
        and(a, mask) =
            _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_castps_si512(mask)));
        floor(a) = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a);
        add_where_eq(sum, a, b, value) =
            _mm512_mask_add_ps(sum, _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b), sum, value);
        select_eq(a, b, yes, no) =
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b), no, yes);
        select_gt(a, b, yes, no) =
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes);
        select_ge(a, b, yes, no) =
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(a, b), no, yes);
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F32 {
        // SAFETY: the token proves AVX-512 F.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::F32 {
        // SAFETY: the token proves AVX-512 F; sixteen floats are read.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8; LANES]) -> Self::F32 {
        // SAFETY: the token proves AVX-512 F; sixteen bytes are read.
        unsafe {
            let bytes = _mm_loadu_si128(from.as_ptr().cast());
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
        }
    }

    #[inline(always)]
    fn store(self, vector: Self::F32, to: &mut [f32; LANES]) {
        // SAFETY: the token proves AVX-512 F; sixteen floats are written.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn transpose(self, r: [Self::F32; LANES]) -> [Self::F32; LANES] {
        // SAFETY: the token proves AVX-512 F.
        unsafe {
            // Columns of four rows, within each quarter of 128 bits: quads[g][c] has columns c,
            // c + 4, c + 8 and c + 12 of rows 4 g to 4 g + 3.
            let mut quads = [[r[0]; 4]; 4];
            for g in 0..4 {
                let [a, b, c, d] = [r[4 * g], r[4 * g + 1], r[4 * g + 2], r[4 * g + 3]];
                let (low_ab, high_ab) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                let (low_cd, high_cd) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
                quads[g] = [
                    _mm512_shuffle_ps::<0x44>(low_ab, low_cd),
                    _mm512_shuffle_ps::<0xee>(low_ab, low_cd),
                    _mm512_shuffle_ps::<0x44>(high_ab, high_cd),
                    _mm512_shuffle_ps::<0xee>(high_ab, high_cd),
                ];
            }
            // A transpose of the 4 x 4 quarters for each c.
            let mut columns = r;
            for c in 0..4 {
                let [a, b, e, f] = [quads[0][c], quads[1][c], quads[2][c], quads[3][c]];
                let even_ab = _mm512_shuffle_f32x4::<0x88>(a, b);
                let odd_ab = _mm512_shuffle_f32x4::<0xdd>(a, b);
                let even_ef = _mm512_shuffle_f32x4::<0x88>(e, f);
                let odd_ef = _mm512_shuffle_f32x4::<0xdd>(e, f);
                columns[c] = _mm512_shuffle_f32x4::<0x88>(even_ab, even_ef);
                columns[c + 4] = _mm512_shuffle_f32x4::<0x88>(odd_ab, odd_ef);
                columns[c + 8] = _mm512_shuffle_f32x4::<0xdd>(even_ab, even_ef);
                columns[c + 12] = _mm512_shuffle_f32x4::<0xdd>(odd_ab, odd_ef);
            }
            columns
        }
    }

    #[inline(always)]
    fn strongest_gradients<const P: usize>(
        self,
        neighbours: [[&[u8; 2 * LANES]; 4]; P],
        inside: &[i16; 2 * LANES],
    ) -> [[Self::F32; 3]; 2] {
        // SAFETY: the token proves AVX-512 F and BW; arrays of 32 are read.
        unsafe {
            let inside = _mm512_loadu_si512(inside.as_ptr().cast());
            // Pairs of dx and dy, and the sums of their squares: the even fours of pixels, and the
            // odd ones.
            let mut best = [_mm512_setzero_si512(); 2];
            let mut most = best;
            for (channel, around) in neighbours.into_iter().enumerate() {
                let mut wide = [inside; 4];
                for (wide, bytes) in wide.iter_mut().zip(around) {
                    *wide = _mm512_cvtepu8_epi16(_mm256_loadu_si256(bytes.as_ptr().cast()));
                }
                let [left, right, above, below] = wide;
                let dx = _mm512_and_si512(_mm512_sub_epi16(right, left), inside);
                let dy = _mm512_sub_epi16(below, above);
                let pairs = [_mm512_unpacklo_epi16(dx, dy), _mm512_unpackhi_epi16(dx, dy)];
                for i in 0..2 {
                    let both = _mm512_madd_epi16(pairs[i], pairs[i]);
                    if channel == 0 {
                        (best[i], most[i]) = (pairs[i], both);
                    } else {
                        let more = _mm512_cmpgt_epi32_mask(both, most[i]);
                        best[i] = _mm512_mask_mov_epi32(best[i], more, pairs[i]);
                        most[i] = _mm512_max_epi32(both, most[i]);
                    }
                }
            }
            let mut found = [[_mm512_setzero_ps(); 3]; 2];
            for (half, found) in found.iter_mut().enumerate() {
                let order = _mm512_add_epi32(
                    _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23),
                    _mm512_set1_epi32(8 * half as i32),
                );
                let pairs = _mm512_permutex2var_epi32(best[0], order, best[1]);
                let most = _mm512_permutex2var_epi32(most[0], order, most[1]);
                let dx = _mm512_madd_epi16(pairs, _mm512_set1_epi32(1));
                found[0] = _mm512_cvtepi32_ps(dx);
                found[1] = _mm512_cvtepi32_ps(_mm512_srai_epi32::<16>(pairs));
                found[2] = _mm512_cvtepi32_ps(most);
            }
            found
        }
    }

    #[inline(always)]
    fn count_below<const T: usize>(self, values: &[[u8; 64]], limits: [u8; T]) -> [u32; T] {
        assert!(
            values.len() <= COUNTED,
            "more bytes than are counted at a time"
        );
        // SAFETY: the token proves AVX-512 F and BW, and with them AVX2.
        unsafe {
            let (mut below, mut wide) = ([_mm512_setzero_si512(); T], [_mm512_setzero_si512(); T]);
            for i in 0..T {
                wide[i] = _mm512_set1_epi8(limits[i] as i8);
            }
            let ones = _mm512_set1_epi8(1);
            for value in values {
                let value = _mm512_loadu_si512(value.as_ptr().cast());
                for i in 0..T {
                    let is = _mm512_cmplt_epu8_mask(value, wide[i]);
                    below[i] = _mm512_mask_add_epi8(below[i], is, below[i], ones);
                }
            }
            let mut counts = [0; T];
            for i in 0..T {
                let sums = _mm512_sad_epu8(below[i], _mm512_setzero_si512());
                let high = _mm512_extracti64x4_epi64::<1>(sums);
                counts[i] = sum4(_mm256_add_epi64(_mm512_castsi512_si256(sums), high));
            }
            counts
        }
    }

    #[inline(always)]
    fn sum(self, a: Self::F32) -> f32 {
        // SAFETY: the token proves AVX-512 F, which implies AVX2.
        unsafe {
            let high = _mm512_castpd_ps(_mm512_shuffle_f64x2::<0xee>(
                _mm512_castps_pd(a),
                _mm512_castps_pd(a),
            ));
            sum8(_mm256_add_ps(
                _mm512_castps512_ps256(a),
                _mm512_castps512_ps256(high),
            ))
        }
    }
}
