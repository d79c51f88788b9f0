//! Distances and dot products of floats: every level within rounding of f64 sums, blocks with the bits of pairs.

use nearplane_kernels::{
    Kernel, Level, MatMut, MatRef, chi2_f32, chi2_f32_block, dot_f32, dot_f32_block, f32_block,
    l1_f32, l1_f32_block, l2_sq_f32, l2_sq_f32_block,
};

use crate::input::Input;

type Pair = fn(Level, &[f32], &[f32]) -> f32;
type Block = fn(Level, MatRef<'_, f32>, MatRef<'_, f32>, &mut MatMut<'_, f32>);

const KERNELS: [(Kernel, Pair, Block); 4] = [
    (Kernel::L1, l1_f32, l1_f32_block),
    (Kernel::L2Sq, l2_sq_f32, l2_sq_f32_block),
    (Kernel::Dot, dot_f32, dot_f32_block),
    (Kernel::Chi2, chi2_f32, chi2_f32_block),
];

/// Elements that all pairs of rows may have together.
const WORK: usize = 1 << 13;

/// What numbers are like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Multiples of 1/256 between -128 and 128.
    Fixed,
    /// Any digits, exponents for which no square or sum of squares leaves the normal numbers.
    Normal,
    /// Any bits.
    Any,
}

impl Numbers {
    pub(crate) const ALL: [Self; 3] = [Self::Fixed, Self::Normal, Self::Any];

    pub(crate) fn fill(self, input: &mut Input<'_>, n: usize) -> Vec<f32> {
        let width = if self == Self::Fixed { 2 } else { 4 };
        let bytes = input.fill(n * width);
        let number = |bytes: &[u8]| match (self, bytes) {
            (Self::Fixed, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 256.0,
            (_, &[a, b, c, d]) => {
                let bits = u32::from_le_bytes([a, b, c, d]);
                let exponent = 107 + (bits >> 23 & 0xff) % 41;
                f32::from_bits(match self {
                    Self::Any => bits,
                    _ => bits & 0x807f_ffff | exponent << 23,
                })
            }
            _ => 0.0,
        };
        bytes.chunks_exact(width).map(number).collect()
    }
}

/// The same number to the bit; any NaN for any other, whose bits IEEE 754 leaves open.
pub(crate) fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// The sum in f64, and that of the magnitudes of its terms.
fn formula(kernel: Kernel, a: &[f32], b: &[f32]) -> (f64, f64) {
    let terms = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| (f64::from(a), f64::from(b)))
        .map(|(a, b)| match kernel {
            Kernel::L1 => (a - b).abs(),
            Kernel::L2Sq => (a - b) * (a - b),
            Kernel::Dot => a * b,
            _ if a + b == 0.0 => 0.0,
            _ => (a - b) * (a - b) / (a + b),
        });
    let terms: Vec<f64> = terms.collect();
    (
        terms.iter().sum(),
        terms.iter().map(|term| term.abs()).sum(),
    )
}

/// Rounding of a sum of n terms, each rounded a few times: (n + 4) eps times the sum of magnitudes bounds it.
pub(crate) fn assert_close(found: f32, (expected, magnitude): (f64, f64), n: usize, context: &str) {
    let slack = (n as f64 + 4.0) * f64::from(f32::EPSILON) * magnitude;
    assert!(
        (f64::from(found) - expected).abs() <= slack,
        "{context}, {n} terms: {found} against {expected}, allowed {slack}"
    );
}

/// Pairs are sums to rounding, with the same bits wherever they lie and in whatever block.
pub fn kernels_f32(data: &[u8]) {
    let mut input = Input::new(data);
    let numbers = input.pick(&Numbers::ALL);
    let cols = match input.byte() {
        short @ 0..240 => usize::from(short),
        long => 500 + usize::from(long),
    };
    let n_queries = input.below(14).min(WORK / cols.max(1));
    let n_rows = input.below(20).min(WORK / cols.max(1) / n_queries.max(1));
    let (before, gap) = (input.below(20), input.below(4));
    let stride = cols + gap;
    let mut queries = numbers.fill(&mut input, n_queries * cols);
    let mut rows = numbers.fill(&mut input, before + n_rows * stride);
    for (kernel, pair, block) in KERNELS {
        if kernel == Kernel::Chi2 {
            // Defined for histograms: no negative entry, no two that overflow together.
            for value in queries.iter_mut().chain(&mut rows) {
                *value = match value.abs() {
                    sane if sane <= 1e38 => sane,
                    _ => 1.0,
                };
            }
        }
        let queries = MatRef::new(&queries, n_queries, cols, cols);
        let rows = MatRef::new(&rows[before..], n_rows, cols, stride);
        let case = Case {
            kernel,
            pair,
            block,
            queries,
            rows,
        };
        Level::available()
            .into_iter()
            .for_each(|level| case.check(level, numbers));
    }
}

struct Case<'a> {
    kernel: Kernel,
    pair: Pair,
    block: Block,
    queries: MatRef<'a, f32>,
    rows: MatRef<'a, f32>,
}

impl Case<'_> {
    fn check(&self, level: Level, numbers: Numbers) {
        let Case {
            kernel,
            queries,
            rows,
            ..
        } = *self;
        let (n, m, cols) = (queries.rows(), rows.rows(), rows.cols());
        let context = format!("{kernel:?}/{level}, {n} x {m} x {cols}");
        let stride = m + 1;
        let mut out = vec![-7.5; n * stride];
        (self.block)(
            level,
            queries,
            rows,
            &mut MatMut::new(&mut out, n, m, stride),
        );
        let mut again = vec![-7.5; n * m];
        let (queries_list, rows_list): (Vec<&[f32]>, Vec<&[f32]>) =
            (queries.iter().collect(), rows.iter().collect());
        let mut again_mat = MatMut::new(&mut again, n, m, m);
        f32_block(level, kernel, &queries_list, &rows_list, &mut again_mat);
        for (i, query) in queries.iter().enumerate() {
            assert_eq!(out[i * stride + m], -7.5, "{context}: wrote past a row");
            for (j, row) in rows.iter().enumerate() {
                let found = (self.pair)(level, query, row);
                assert!(
                    same(found, out[i * stride + j]) && same(found, again[i * m + j]),
                    "{context}: {found} is {} in a block",
                    out[i * stride + j]
                );
                // The same row at the start of memory of its own.
                if i == 0 {
                    let moved = row.to_vec();
                    assert!(same(found, (self.pair)(level, query, &moved)), "{context}");
                }
                if numbers != Numbers::Any {
                    assert_close(found, formula(kernel, query, row), cols, &context);
                }
                if kernel != Kernel::Dot && numbers != Numbers::Any {
                    assert!(found >= 0.0, "{context}: {found}");
                }
            }
        }
    }
}
