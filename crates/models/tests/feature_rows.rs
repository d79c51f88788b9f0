//! Aggregation and scaling: blocks side by side, the same for every thread count, stopped when asked;
//! scales learnt from the training rows against their formulas.

use nearplane_kernels::{Level, MatRef};
use nearplane_models::Monitor;
use nearplane_models::features::*;
use nearplane_models::neighbors::Rows;
use std::sync::atomic::{AtomicU64, Ordering};

const SHAPE: ImageShape = ImageShape {
    channels: 3,
    height: 16,
    width: 16,
};
const BYTES: usize = 3 * 16 * 16;

/// A fixed stream of bytes.
fn bytes(n: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    (0..n).map(|_| next()).collect()
}

fn extractor(spec: &str) -> FeatureExtractor {
    spec.parse::<FeatureSpec>().unwrap().check(SHAPE).unwrap()
}

fn in_pool<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(run)
}

fn floats(data: &[f32], cols: usize) -> Rows<'_, f32> {
    Rows::from_mat(MatRef::from_rows(data, cols)).unwrap()
}

#[test]
fn blocks_lie_side_by_side_and_keep_their_names() {
    let spec = "hog+raw+hist:space=rgb,bins=4+hist:space=hsv,bins=5,grid=2";
    let joined = extractor(spec);
    let names: Vec<&str> = joined.blocks().iter().map(|b| b.name.as_str()).collect();
    assert_eq!(names[names.len() - 3..], ["raw", "hist1", "hist2"]);
    let ends: Vec<usize> = joined.blocks().iter().map(|b| b.columns.end).collect();
    assert_eq!(joined.n_features(), *ends.last().unwrap());

    let image = bytes(BYTES);
    let level = Level::detect();
    let mut together = vec![f32::NAN; joined.n_features()];
    joined.extract(level, &image, &mut joined.scratch(), &mut together);
    for block in joined.blocks() {
        let alone = extractor(&block.spec);
        let mut features = vec![f32::NAN; alone.n_features()];
        alone.extract(level, &image, &mut alone.scratch(), &mut features);
        assert_eq!(together[block.columns.clone()], features, "{}", block.name);
    }
    assert_eq!(joined.spec(), &spec.parse().unwrap());
}

#[test]
fn rows_are_the_same_for_every_thread_count_and_layout() {
    let (n, stride) = (150, BYTES + 1);
    let file = bytes(n * stride);
    let joined = extractor(&BlockSpec::NAMES.join("+"));
    let cols = joined.n_features();
    // As in a data set: a label before each image, in two files, and only some of the rows.
    let shards = vec![
        MatRef::new(&file[1..], 70, BYTES, stride),
        MatRef::new(&file[70 * stride + 1..], n - 70, BYTES, stride),
    ];
    let all = Rows::from_shards(shards).unwrap();
    let images = all
        .select((0..n as u32).filter(|i| i % 7 != 3).collect())
        .unwrap();
    let mut scratch = joined.scratch();
    let mut expected = vec![0.0; images.len() * cols];
    for (i, out) in expected.chunks_mut(cols).enumerate() {
        joined.extract(Level::detect(), images.row(i), &mut scratch, out);
    }
    for threads in [1, 2, 5] {
        let mut out = vec![f32::NAN; expected.len()];
        in_pool(threads, || {
            joined.extract_rows(Level::detect(), &images, &mut out, &())
        })
        .unwrap();
        assert!(out == expected, "{threads} threads");
    }
}

#[derive(Default)]
struct Watch {
    most: AtomicU64,
    stop_after: u64,
}

impl Monitor for Watch {
    fn progress(&self, done: u64, total: u64) {
        assert!(done <= total);
        self.most.fetch_max(done, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.most.load(Ordering::Relaxed) > self.stop_after
    }
}

#[test]
fn an_extraction_reports_and_can_be_stopped() {
    let data = bytes(300 * BYTES);
    let images = Rows::from_mat(MatRef::from_rows(&data, BYTES)).unwrap();
    let hist = extractor("hist");
    let mut out = vec![0.0; 300 * hist.n_features()];
    let patient = Watch {
        stop_after: u64::MAX,
        ..Watch::default()
    };
    hist.extract_rows(Level::detect(), &images, &mut out, &patient)
        .unwrap();
    assert_eq!(patient.most.into_inner(), 300);
    let hasty = Watch::default();
    let stopped = in_pool(2, || {
        hist.extract_rows(Level::detect(), &images, &mut out, &hasty)
    });
    assert_eq!(stopped, Err(FeatureError::Cancelled));
    assert!(hasty.most.into_inner() < 300);
}

#[test]
fn rows_that_are_no_images_of_the_shape_are_an_error() {
    let hist = extractor("hist");
    let images = Rows::from_mat(MatRef::from_rows(&[0u8; 20], 10)).unwrap();
    let mut out = vec![0.0; 2 * hist.n_features()];
    let error = hist.extract_rows(Level::detect(), &images, &mut out, &());
    assert_eq!(
        error.unwrap_err().to_string(),
        "rows of 10 columns, expected 768"
    );
    let none = Rows::from_mat(MatRef::<u8>::new(&[], 0, 10, 10)).unwrap();
    hist.extract_rows(Level::detect(), &none, &mut [], &())
        .unwrap();
}

#[test]
fn a_block_that_the_image_does_not_have_is_named() {
    let check = |spec: &str| {
        let spec: FeatureSpec = spec.parse().unwrap();
        spec.check(SHAPE).unwrap_err().to_string()
    };
    let message = check("raw+hist:grid=17");
    assert!(message.starts_with("hist:space=joint,"), "{message}");
    assert!(
        message.ends_with(": grid = 17 cells do not fit an image of 16 x 16 pixels"),
        "{message}"
    );
    let message = check("hog:cell=64");
    assert!(
        message.starts_with("hog:") && message.contains("64"),
        "{message}"
    );
    assert!(!message.contains('\n'), "{message}");
}

/// Rows with a constant column, a column of large mean and small deviation, and others.
fn training(n: usize) -> Vec<f32> {
    let noise = bytes(3 * n);
    (0..n)
        .flat_map(|i| {
            let x = |c: usize| f32::from(noise[3 * i + c]);
            [0.1, 1e6 + x(0) / 64.0, x(1) - 100.0, x(2) / 255.0]
        })
        .collect()
}

#[test]
fn standardised_columns_have_mean_zero_and_deviation_one() {
    let n = 1000;
    let mut data = training(n);
    let standardizer = Standardizer::fit(&floats(&data, 4)).unwrap();
    standardizer.apply(&mut data);
    for column in 0..4 {
        let values = || data.iter().skip(column).step_by(4).map(|&z| f64::from(z));
        let mean = values().sum::<f64>() / n as f64;
        let variance = values().map(|z| (z - mean).powi(2)).sum::<f64>() / n as f64;
        if column == 0 {
            assert!(values().all(|z| z == 0.0), "a constant column");
        } else {
            // f32 steps at 1e6 are 1/16: the mean itself cannot be represented closer.
            let slack = if column == 1 { 0.03 } else { 1e-5 };
            assert!(mean.abs() < slack, "{column}: {mean}");
            assert!((variance - 1.0).abs() < 1e-4, "{column}: {variance}");
        }
    }
    // Elsewhere a column that was constant in training stays out, whatever it holds.
    let mut other = [7.0, 1e6, 0.0, 0.0];
    standardizer.apply(&mut other);
    assert_eq!(other[0], 0.0);
}

#[test]
fn scales_are_the_same_for_every_thread_count() {
    let data = training(3001);
    let blocks = extractor("hist:space=rgb,bins=1+hist:space=hsv,bins=1")
        .blocks()
        .to_vec();
    let fits = [1, 2, 3, 7].map(|threads| {
        in_pool(threads, || {
            let rows = floats(&data, 4);
            (
                Standardizer::fit(&rows).unwrap(),
                BlockScaler::fit(&rows, &blocks).unwrap(),
            )
        })
    });
    for fit in &fits[1..] {
        assert_eq!(*fit, fits[0]);
    }
}

#[test]
fn scales_are_learnt_from_the_rows_given_and_no_others() {
    let data = training(40);
    let rows = floats(&data, 4).select((0..20).collect()).unwrap();
    assert_eq!(
        Standardizer::fit(&rows).unwrap(),
        Standardizer::fit(&floats(&data[..80], 4)).unwrap()
    );
}

#[test]
fn blocks_of_a_row_get_the_mean_length_that_their_weight_says() {
    let mut blocks = extractor("hist:space=rgb,bins=1+hist:space=hsv,bins=1")
        .blocks()
        .to_vec();
    assert_eq!(
        (blocks[0].columns.clone(), blocks[1].columns.clone()),
        (0..3, 3..4)
    );
    assert_eq!(blocks[0].weight, 0.4);
    for (block, weight) in blocks.iter_mut().zip([1.0, 2.0]) {
        block.weight = weight;
    }
    let mut data = [3.0, 4.0, 0.0, 10.0, 0.0, 0.0, 15.0, 30.0];
    let scaler = BlockScaler::fit(&floats(&data, 4), &blocks).unwrap();
    assert_eq!(scaler.factors(), [0.1, 0.1]); // lengths 5 and 15, 10 and 30
    scaler.apply(&mut data);
    assert_eq!(data, [0.3, 0.4, 0.0, 1.0, 0.0, 0.0, 1.5, 3.0]);
    let silent = BlockScaler::fit(&floats(&[0.0; 4], 4), &blocks).unwrap();
    assert_eq!(silent.factors(), [1.0, 2.0]);
}

#[test]
fn weights_multiply_the_columns_of_their_block() {
    let blocks = extractor("hist:space=rgb,bins=1+hist:space=hsv,bins=1")
        .blocks()
        .to_vec();
    let data = training(50);
    let plain = Standardizer::fit(&floats(&data, 4)).unwrap();
    let weighted = plain.clone().weighted(&blocks, &[1.0, 0.5]);
    assert_eq!(weighted.scale()[..3], plain.scale()[..3]);
    assert_eq!(weighted.scale()[3], plain.scale()[3] * 0.5);
}

#[test]
fn nothing_can_be_learnt_from_no_rows_or_from_nan() {
    let none = Rows::from_mat(MatRef::<f32>::new(&[], 0, 2, 2)).unwrap();
    assert_eq!(Standardizer::fit(&none), Err(FeatureError::NoRows));
    let data = [0.0, 1.0, 2.0, f32::INFINITY, f32::NAN, 3.0];
    let error = Standardizer::fit(&floats(&data, 2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "training row 1 holds the non-finite value inf in column 1"
    );
    let blocks = extractor("hist").blocks().to_vec();
    assert_eq!(
        BlockScaler::fit(&floats(&data[..3], 1), &blocks),
        Err(FeatureError::Columns {
            found: 1,
            expected: 432
        })
    );
}
