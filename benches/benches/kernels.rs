//! Every kernel at every level of this CPU, one pair and a block of 60 x 256 rows; of packed blocks of 24 x
//! 1024 short rows, which pairs lie within a limit. Each answer is compared with the scalar level's before
//! it is timed. Throughput is in pairs of elements.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nearplane_benches::{PIXELS, bytes, floats};
use nearplane_kernels::*;
use std::hint::black_box;
use std::time::Duration;

const QUERIES: usize = 60;
const ROWS: usize = 256;

/// A kernel's pair and block functions, benched at every level.
macro_rules! bench_kernel {
    ($criterion:expr, $pair:ident, $block:ident, $data:ident, |$found:ident, $expected:ident| $equal:expr) => {{
        let (queries, rows) = ($data(QUERIES * PIXELS, 1), $data(ROWS * PIXELS, 2));
        let (a, b) = (&queries[..PIXELS], &rows[..PIXELS]);
        let mut group = $criterion.benchmark_group(stringify!($pair));
        group.throughput(Throughput::Elements(PIXELS as u64));
        let agree = |$found: &_, $expected: &_| $equal;
        for level in Level::available() {
            assert!(
                agree(&$pair(level, a, b), &$pair(Level::SCALAR, a, b)),
                "{level}"
            );
            group.bench_with_input(
                BenchmarkId::new(level.name(), PIXELS),
                &level,
                |bench, &level| {
                    bench.iter(|| $pair(level, black_box(a), black_box(b)));
                },
            );
        }
        group.finish();

        let queries = MatRef::from_rows(&queries, PIXELS);
        let rows = MatRef::from_rows(&rows, PIXELS);
        let run = |level: Level, out: &mut Vec<_>| {
            let mut out = MatMut::new(out, QUERIES, ROWS, ROWS);
            $block(level, black_box(queries), black_box(rows), &mut out);
        };
        let mut expected = vec![Default::default(); QUERIES * ROWS];
        run(Level::SCALAR, &mut expected);
        let mut group = $criterion.benchmark_group(stringify!($block));
        group.throughput(Throughput::Elements((QUERIES * ROWS * PIXELS) as u64));
        for level in Level::available() {
            let mut out = vec![Default::default(); QUERIES * ROWS];
            run(level, &mut out);
            assert!(
                out.iter().zip(&expected).all(|(a, b)| agree(a, b)),
                "{level}"
            );
            let id = BenchmarkId::new(level.name(), format!("{QUERIES}x{ROWS}x{PIXELS}"));
            group.bench_with_input(id, &level, |bench, &level| {
                bench.iter(|| run(level, &mut out))
            });
        }
        group.finish();
    }};
}

fn u8_kernels(criterion: &mut Criterion) {
    bench_kernel!(criterion, l1_u8, l1_u8_block, bytes, |a, b| a == b);
    bench_kernel!(criterion, l2_sq_u8, l2_sq_u8_block, bytes, |a, b| a == b);
    bench_kernel!(criterion, dot_u8, dot_u8_block, bytes, |a, b| a == b);
}

/// Rows as short as those that bounds are computed of.
fn within_a_limit(criterion: &mut Criterion) {
    const QUERIES: usize = 24;
    const ROWS: usize = 1024;
    for (name, kernel) in [
        ("l1_u8_block_at_most", Kernel::L1),
        ("l2_sq_u8_block_at_most", Kernel::L2Sq),
    ] {
        let mut group = criterion.benchmark_group(name);
        for cols in [32, 48, 128, 192] {
            let (a, b) = (bytes(QUERIES * cols, 1), bytes(ROWS * cols, 2));
            let queries: Vec<&[u8]> = a.chunks(cols).collect();
            let rows: Vec<&[u8]> = b.chunks(cols).collect();
            // The sum of the first row: about half of them hit.
            let limits: Vec<u32> = queries
                .iter()
                .map(|query| match kernel {
                    Kernel::L1 => l1_u8(Level::SCALAR, query, rows[0]),
                    _ => l2_sq_u8(Level::SCALAR, query, rows[0]),
                })
                .collect();
            let packed = |level| {
                let mut packed_queries = PackedQueries::new(level, kernel);
                let mut packed_rows = PackedRows::new(level, kernel);
                packed_queries.pack(&queries);
                packed_rows.pack(&rows);
                (packed_queries, packed_rows)
            };
            let mut expected = vec![0; QUERIES * ROWS / 64];
            let (packed_queries, packed_rows) = packed(Level::SCALAR);
            u8_block_at_most(&packed_queries, &packed_rows, &limits, &mut expected);
            group.throughput(Throughput::Elements((QUERIES * ROWS * cols) as u64));
            for level in Level::available() {
                let (queries, rows) = packed(level);
                let mut hits = vec![0; expected.len()];
                u8_block_at_most(&queries, &rows, &limits, &mut hits);
                assert!(hits == expected, "{level}");
                group.bench_function(BenchmarkId::new(level.name(), cols), |bench| {
                    bench.iter(|| {
                        u8_block_at_most(&queries, &rows, black_box(&limits), &mut hits);
                    });
                });
            }
        }
        group.finish();
    }
}

/// All terms are positive here, so a relative bound on the rounding is right.
fn close(found: f32, expected: f32) -> bool {
    (found - expected).abs() <= 1e-4 * expected
}

fn f32_kernels(criterion: &mut Criterion) {
    bench_kernel!(criterion, l1_f32, l1_f32_block, floats, |a, b| close(
        *a, *b
    ));
    bench_kernel!(criterion, l2_sq_f32, l2_sq_f32_block, floats, |a, b| close(
        *a, *b
    ));
    bench_kernel!(criterion, dot_f32, dot_f32_block, floats, |a, b| close(
        *a, *b
    ));
}

criterion_group! {
    name = kernels;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = u8_kernels, within_a_limit, f32_kernels
}
criterion_main!(kernels);
