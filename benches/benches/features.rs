//! The HoG of colour images at every level of this CPU. Each answer is compared with the scalar
//! level's, bit for bit, before it is timed. Throughput is in images.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nearplane_benches::{PIXELS, bytes};
use nearplane_kernels::Level;
use nearplane_models::features::{HogConfig, HogMode, HogParams, ImageShape};
use std::hint::black_box;
use std::time::Duration;

const IMAGES: usize = 100;

fn run(config: &HogConfig, level: Level, images: &[u8], out: &mut [f32]) {
    let mut scratch = config.scratch();
    let rows = out.chunks_exact_mut(config.n_features());
    for (image, row) in images.chunks_exact(PIXELS).zip(rows) {
        config.extract(level, black_box(image), &mut scratch, row);
    }
}

fn hog(criterion: &mut Criterion) {
    let images = bytes(IMAGES * PIXELS, 1);
    let mut group = criterion.benchmark_group("hog");
    group.throughput(Throughput::Elements(IMAGES as u64));
    for mode in HogMode::ALL {
        let config = HogParams::new(mode)
            .check(ImageShape::CIFAR)
            .expect("the mode's own parameters");
        let mut expected = vec![0.0; IMAGES * config.n_features()];
        run(&config, Level::SCALAR, &images, &mut expected);
        for level in Level::available() {
            let mut out = vec![f32::NAN; expected.len()];
            run(&config, level, &images, &mut out);
            assert_eq!(out, expected, "{mode} at {level}");
            group.bench_function(BenchmarkId::new(mode.name(), level.name()), |bench| {
                bench.iter(|| run(&config, level, &images, &mut out));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = features;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = hog
}
criterion_main!(features);
