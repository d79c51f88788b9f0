//! Exact kernels of bytes: pairs, blocks, hits within limits, the k nearest, Gram matrices, at every level.

use nearplane_kernels::{
    Kernel, Level, MatMut, MatRef, PackedQueries, PackedRows, TopK, any_at_most, dot_u8,
    dot_u8_block, each_at_most, gram_u8, l1_u8, l1_u8_block, l2_sq_u8, l2_sq_u8_block, u8_block,
    u8_block_at_most,
};

use crate::input::Input;

type Pair = fn(Level, &[u8], &[u8]) -> u32;
type Block = fn(Level, MatRef<'_, u8>, MatRef<'_, u8>, &mut MatMut<'_, u32>);

const KERNELS: [(Kernel, Pair, Block); 3] = [
    (Kernel::L1, l1_u8, l1_u8_block),
    (Kernel::L2Sq, l2_sq_u8, l2_sq_u8_block),
    (Kernel::Dot, dot_u8, dot_u8_block),
];

/// Lengths of rows around registers, panels and strips, beside those of one byte.
const COLS: [usize; 16] = [
    255, 256, 257, 383, 511, 512, 513, 767, 1000, 1023, 1024, 1025, 2047, 3071, 3072, 3073,
];

/// Elements that all pairs of rows may have together, of short rows and of long ones: a fuzzer learns most from many
/// inputs.
const WORK: [usize; 2] = [1 << 13, 1 << 15];

fn formula(kernel: Kernel, a: &[u8], b: &[u8]) -> u32 {
    let terms = a.iter().zip(b).map(|(&a, &b)| match kernel {
        Kernel::L1 => u64::from(a.abs_diff(b)),
        Kernel::L2Sq => u64::from(a.abs_diff(b)).pow(2),
        _ => u64::from(a) * u64::from(b),
    });
    u32::try_from(terms.sum::<u64>()).expect("rows short enough for 32 bits")
}

/// A matrix somewhere in a buffer, with gaps between its rows.
struct Matrix {
    data: Vec<u8>,
    before: usize,
    rows: usize,
    cols: usize,
    stride: usize,
}

impl Matrix {
    fn new(input: &mut Input<'_>, rows: usize, cols: usize) -> Self {
        let (before, stride) = (input.below(65), cols + input.below(5));
        let data = input.fill(before + rows * stride);
        Self {
            data,
            before,
            rows,
            cols,
            stride,
        }
    }

    fn view(&self) -> MatRef<'_, u8> {
        MatRef::new(&self.data[self.before..], self.rows, self.cols, self.stride)
    }
}

/// Every sum is the formula's, whatever the level, the shape and the place in memory; what is not asked for is not
/// written.
pub fn kernels_u8(data: &[u8]) {
    let mut input = Input::new(data);
    let (cols, work) = match input.byte() {
        short @ 0..240 => (usize::from(short), WORK[0]),
        long => (COLS[usize::from(long) % COLS.len()], WORK[1]),
    };
    let n_queries = input.below(28).min(work / cols.max(1));
    let n_rows = input.below(131).min(work / cols.max(1) / n_queries.max(1));
    let queries = Matrix::new(&mut input, n_queries, cols);
    let rows = Matrix::new(&mut input, n_rows, cols);
    let (queries, rows) = (queries.view(), rows.view());
    for (kernel, pair, block) in KERNELS {
        let sums: Vec<Vec<u32>> = queries
            .iter()
            .map(|query| rows.iter().map(|row| formula(kernel, query, row)).collect())
            .collect();
        let limits = limits(&mut input, &sums);
        for level in Level::available() {
            check_pairs(level, pair, queries, rows, &sums);
            check_block(level, block, queries, rows, &sums);
            check_packed(level, kernel, queries, rows, &sums, &limits);
        }
        if let Some(sums) = sums.first() {
            check_nearest(&mut input, sums);
        }
    }
    check_gram(rows);
}

/// One a query: a sum of its own, its neighbours, or anything.
fn limits(input: &mut Input<'_>, sums: &[Vec<u32>]) -> Vec<u32> {
    let limit = |sums: &Vec<u32>| {
        let hit = sums.get(input.below(256) % sums.len().max(1));
        let hit = hit.copied().unwrap_or_default();
        match input.below(6) {
            0 => hit,
            1 => hit.wrapping_sub(1),
            2 => hit.saturating_add(1),
            3 => 0,
            4 => u32::MAX,
            _ => input.word(),
        }
    };
    sums.iter().map(limit).collect()
}

fn check_pairs(
    level: Level,
    pair: Pair,
    queries: MatRef<'_, u8>,
    rows: MatRef<'_, u8>,
    sums: &[Vec<u32>],
) {
    for (query, sums) in queries.iter().zip(sums).take(3) {
        for (row, sum) in rows.iter().zip(sums) {
            assert_eq!(pair(level, query, row), *sum, "{level}");
            assert_eq!(pair(level, row, query), *sum, "{level}, turned round");
        }
    }
}

/// What stands where nothing is to be written.
const UNTOUCHED: u32 = 0xdead_beef;

fn check_block(
    level: Level,
    block: Block,
    queries: MatRef<'_, u8>,
    rows: MatRef<'_, u8>,
    sums: &[Vec<u32>],
) {
    let (n, m) = (queries.rows(), rows.rows());
    let stride = m + 1;
    let mut out = vec![UNTOUCHED; n * stride];
    block(
        level,
        queries,
        rows,
        &mut MatMut::new(&mut out, n, m, stride),
    );
    for (found, sums) in out.chunks(stride).zip(sums) {
        assert_eq!(found[..m], sums[..], "{level}, {n} x {m} x {}", rows.cols());
        assert_eq!(found[m], UNTOUCHED, "{level}: wrote past a row");
    }
}

fn check_packed(
    level: Level,
    kernel: Kernel,
    queries: MatRef<'_, u8>,
    rows: MatRef<'_, u8>,
    sums: &[Vec<u32>],
    limits: &[u32],
) {
    let mut packed_queries = PackedQueries::new(level, kernel);
    let mut packed_rows = PackedRows::new(level, kernel);
    packed_queries.pack(&queries.iter().collect::<Vec<_>>());
    packed_rows.pack(&rows.iter().collect::<Vec<_>>());
    let (n, m) = (queries.rows(), rows.rows());
    let mut out = vec![UNTOUCHED; n * m];
    u8_block(
        &packed_queries,
        &packed_rows,
        &mut MatMut::new(&mut out, n, m, m),
    );
    assert_eq!(out, sums.concat(), "{kernel:?}/{level}: {n} x {m}");

    let words = m.div_ceil(64);
    let mut hits = vec![u64::MAX; n * words];
    u8_block_at_most(&packed_queries, &packed_rows, limits, &mut hits);
    let mut expected = vec![0; n * words];
    for (i, (sums, limit)) in sums.iter().zip(limits).enumerate() {
        for (j, _) in sums.iter().enumerate().filter(|(_, sum)| *sum <= limit) {
            expected[i * words + j / 64] |= 1_u64 << (j % 64);
        }
    }
    assert_eq!(
        hits, expected,
        "{kernel:?}/{level}: {n} x {m}, limits {limits:?}"
    );
}

/// The k nearest of these distances, in one piece and merged from two.
fn check_nearest(input: &mut Input<'_>, distances: &[u32]) {
    let (k, cut) = (input.below(40), input.below(256).min(distances.len()));
    // Few different ones, so that equal ones meet.
    let distances: Vec<u32> = match input.below(3) {
        0 => distances.to_vec(),
        1 => distances.iter().map(|distance| distance % 7).collect(),
        _ => distances.iter().map(|distance| distance | !0xff).collect(),
    };
    let mut expected: Vec<(u32, u32)> = distances.iter().copied().zip(0..).collect();
    expected.sort_unstable();
    let threshold = expected.get(k).map_or(input.word(), |pair| pair.0);
    expected.truncate(k);
    let near: Vec<usize> = (0..distances.len())
        .filter(|&at| distances[at] <= threshold)
        .collect();
    for level in Level::available() {
        let mut whole = TopK::new(k);
        whole.push_row(level, &distances, 0);
        assert_eq!(whole.into_sorted(), expected, "{level}, k = {k}");
        let (mut left, mut right) = (TopK::new(k), TopK::new(k));
        right.push_row(level, &distances[cut..], cut as u32);
        left.push_row(level, &distances[..cut], 0);
        right.merge(&left);
        assert_eq!(right.into_sorted(), expected, "{level}, k = {k}, at {cut}");

        let mut visited = Vec::new();
        each_at_most(level, &distances, threshold, |at| visited.push(at));
        assert_eq!(visited, near, "{level}, threshold {threshold}");
        assert_eq!(
            any_at_most(level, &distances, threshold),
            !near.is_empty(),
            "{level}"
        );
    }
}

fn check_gram(rows: MatRef<'_, u8>) {
    let cols = rows.cols().min(40);
    let data: Vec<u8> = rows
        .iter()
        .flat_map(|row| row[..cols].iter().copied())
        .collect();
    let rows = MatRef::new(&data, rows.rows(), cols, cols);
    let sum = |p: usize, q: usize| {
        let terms = rows.iter().map(|row| u32::from(row[p]) * u32::from(row[q]));
        UNTOUCHED.wrapping_add(terms.sum::<u32>())
    };
    let expected: Vec<u32> = (0..cols * cols)
        .map(|at| (at / cols, at % cols))
        .map(|(p, q)| if p <= q { sum(p, q) } else { UNTOUCHED })
        .collect();
    for level in Level::available() {
        let mut gram = vec![UNTOUCHED; cols * cols];
        gram_u8(level, rows, &mut MatMut::new(&mut gram, cols, cols, cols));
        assert_eq!(gram, expected, "{level}: {} x {cols}", rows.rows());
    }
}
