//! Hue histograms number by number beside OpenCV and the course CS231n: `golden/histogram.py` made
//! `golden/histogram.csv`. (The hue of every colour is compared where it is computed, in `color.rs`.)

use nearplane_kernels::Level;
use nearplane_models::features::{
    HistogramConfig, HistogramMode, HistogramNorm, HistogramParams, ImageShape,
};

/// The images of the script: height, width, and the values that channels take.
fn shapes() -> [(usize, usize, Vec<u8>); 5] {
    [
        (32, 32, (0..=255).collect()),
        (32, 32, vec![0, 51, 102, 153, 204, 255]),
        (17, 5, (0..=255).step_by(15).collect()),
        (32, 32, vec![0, 1, 254, 255]),
        (8, 9, vec![77]),
    ]
}

/// The script's generator.
fn image(number: usize) -> (ImageShape, Vec<u8>) {
    let (height, width, values) = &shapes()[number];
    let mut state = number as u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        values[(state >> 56) as usize % values.len()]
    };
    let image = (0..3 * height * width).map(|_| next()).collect();
    let shape = ImageShape {
        channels: 3,
        height: *height,
        width: *width,
    };
    (shape, image)
}

fn check(kind: &str, bins: usize, shape: ImageShape) -> HistogramConfig {
    let mode = if kind.starts_with("opencv") {
        HistogramMode::Opencv
    } else {
        HistogramMode::Cs231n
    };
    let params = HistogramParams {
        bins,
        ..HistogramParams::new(mode)
    };
    params.check(shape).unwrap()
}

/// All colours as 256 images of 256 x 256, red slowest.
fn all_colours() -> impl Iterator<Item = Vec<u8>> {
    let (g, b): (Vec<u8>, Vec<u8>) = (0..=u16::MAX)
        .map(|i| {
            let [g, b] = i.to_be_bytes();
            (g, b)
        })
        .unzip();
    (0..=255).map(move |r| [&vec![r; 65_536], g.as_slice(), &b].concat())
}

const ALL: ImageShape = ImageShape {
    channels: 3,
    height: 256,
    width: 256,
};

/// Lines of a kind: image, bins, values.
fn golden(kind: &str) -> Vec<(usize, usize, Vec<&'static str>)> {
    let lines: Vec<_> = include_str!("golden/histogram.csv")
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|fields| fields[0] == kind)
        .map(|fields| {
            let image = fields[1].parse().unwrap_or_default();
            (image, fields[2].parse().unwrap(), fields[3..].to_vec())
        })
        .collect();
    assert!(!lines.is_empty(), "{kind}");
    lines
}

#[test]
fn histograms_of_images_are_the_same() {
    for kind in ["opencv", "cs231n"] {
        for (number, bins, expected) in golden(kind) {
            let (shape, image) = image(number);
            let config = check(kind, bins, shape);
            for level in Level::available() {
                let mut found = vec![f32::NAN; bins];
                config.extract(level, &image, &mut config.scratch(), &mut found);
                for (bin, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let expected: f32 = expected.parse().unwrap();
                    assert!(
                        (found - expected).abs() <= 1e-6,
                        "{kind}, image {number}, bin {bin} of {bins}, {level}: {found}, expected {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_course_counts_every_colour_in_the_same_bin() {
    for (_, bins, expected) in golden("cs231n-all") {
        let params = HistogramParams {
            bins,
            norm: HistogramNorm::None,
            ..HistogramParams::new(HistogramMode::Cs231n)
        };
        let config = params.check(ALL).unwrap();
        let mut scratch = config.scratch();
        let mut counts = vec![0u64; bins];
        for image in all_colours() {
            let mut found = vec![0.0; bins];
            config.extract(Level::detect(), &image, &mut scratch, &mut found);
            for (count, found) in counts.iter_mut().zip(found) {
                *count += found as u64;
            }
        }
        let expected: Vec<u64> = expected
            .iter()
            .map(|count| count.parse().unwrap())
            .collect();
        assert_eq!(counts, expected, "{bins} bins");
    }
}
