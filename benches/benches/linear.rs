//! The kernels of linear models at every level of this CPU, in the shapes of training: scores and
//! gradients of 128 rows, products, Gram matrices. Each answer is compared with the scalar level's before
//! it is timed. Throughput is in multiplications.

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use nearplane_benches::{PIXELS, bytes, floats};
use nearplane_kernels::*;
use std::hint::black_box;
use std::time::Duration;

/// What a thread has of a minibatch of 256.
const ROWS: usize = 128;
/// Columns of a feature matrix: HoG and a colour histogram, about.
const FEATURES: usize = 1000;

/// Times `run` at every level, after its result was found close to the scalar one. All terms here are
/// positive, so a relative bound on the rounding is right.
fn bench_levels(
    criterion: &mut Criterion,
    name: &str,
    shape: &str,
    multiplications: usize,
    size: usize,
    run: impl Fn(Level, &mut [f32]),
) {
    let mut group: BenchmarkGroup<'_, WallTime> = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(multiplications as u64));
    let mut expected = vec![0.0; size];
    run(Level::SCALAR, &mut expected);
    for level in Level::available() {
        let mut found = vec![0.0; size];
        run(level, &mut found);
        let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * b;
        assert!(
            found.iter().zip(&expected).all(close),
            "{name}/{level}/{shape}"
        );
        let mut out = vec![0.0; size];
        let id = BenchmarkId::new(level.name(), shape);
        group.bench_with_input(id, &level, |bench, &level| {
            bench.iter(|| run(level, &mut out))
        });
    }
    group.finish();
}

/// Scores and gradients of one kind of rows.
macro_rules! bench_model {
    ($criterion:expr, $scores:ident, $gradient:ident, $data:ident, $cols:expr, $classes:expr) => {{
        let (classes, cols): (usize, usize) = ($classes, $cols);
        let (rows, weights) = ($data(ROWS * cols, 1), floats(classes * cols, 2));
        let coefficients = floats(ROWS * classes, 3);
        let rows = MatRef::from_rows(&rows, cols);
        let weights = MatRef::from_rows(&weights, cols);
        let coefficients = MatRef::from_rows(&coefficients, classes);
        let (shape, work) = (format!("{classes}x{cols}"), ROWS * classes * cols);
        let name = stringify!($scores);
        bench_levels(
            $criterion,
            name,
            &shape,
            work,
            ROWS * classes,
            |level, out| {
                let mut out = MatMut::new(out, ROWS, classes, classes);
                $scores(level, black_box(rows), black_box(weights), &mut out);
            },
        );
        let name = stringify!($gradient);
        bench_levels(
            $criterion,
            name,
            &shape,
            work,
            classes * cols,
            |level, out| {
                let mut out = MatMut::new(out, classes, cols, cols);
                $gradient(level, black_box(coefficients), black_box(rows), &mut out);
            },
        );
    }};
}

fn models(criterion: &mut Criterion) {
    for classes in [2, 10, 100] {
        bench_model!(criterion, scores_u8, gradient_u8, bytes, PIXELS, classes);
    }
    bench_model!(criterion, scores_f32, gradient_f32, floats, FEATURES, 10);
}

fn products(criterion: &mut Criterion) {
    let (m, k, n) = (256, PIXELS, 256);
    let (a, b) = (floats(m * k, 1), floats(k * n, 2));
    let (a, b) = (MatRef::from_rows(&a, k), MatRef::from_rows(&b, n));
    let shape = format!("{m}x{k}x{n}");
    bench_levels(
        criterion,
        "gemm_f32",
        &shape,
        m * k * n,
        m * n,
        |level, out| {
            gemm_f32(
                level,
                black_box(a),
                black_box(b),
                &mut MatMut::new(out, m, n, n),
            );
        },
    );

    let (n, d) = (512, 512);
    let shape = format!("{n}x{d}");
    let rows = floats(n * d, 1);
    let rows = MatRef::from_rows(&rows, d);
    bench_levels(
        criterion,
        "gram_f32",
        &shape,
        n * d * d / 2,
        d * d,
        |level, out| {
            gram_f32(level, black_box(rows), &mut MatMut::new(out, d, d, d));
        },
    );

    let rows = bytes(n * d, 1);
    let rows = MatRef::from_rows(&rows, d);
    let run = |level, gram: &mut Vec<u32>| {
        gram_u8(level, black_box(rows), &mut MatMut::new(gram, d, d, d));
    };
    let mut expected = vec![0; d * d];
    run(Level::SCALAR, &mut expected);
    let mut group = criterion.benchmark_group("gram_u8");
    group.throughput(Throughput::Elements((n * d * d / 2) as u64));
    for level in Level::available() {
        let mut gram = vec![0; d * d];
        run(level, &mut gram);
        assert!(gram == expected, "gram_u8/{level}/{shape}");
        let id = BenchmarkId::new(level.name(), &shape);
        group.bench_with_input(id, &level, |bench, &level| {
            bench.iter(|| run(level, &mut gram))
        });
    }
    group.finish();
}

criterion_group! {
    name = linear;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = models, products
}
criterion_main!(linear);
