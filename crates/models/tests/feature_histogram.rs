//! Colour histograms against a count written out, and what must hold for every one of them: the norm,
//! the mass under smoothing, constant and mirrored images.

use nearplane_kernels::Level;
use nearplane_models::features::*;
use proptest::prelude::*;

fn shape(height: usize, width: usize) -> ImageShape {
    ImageShape {
        channels: 3,
        height,
        width,
    }
}

fn extract(params: HistogramParams, shape: ImageShape, image: &[u8]) -> Vec<f32> {
    let config = params.check(shape).unwrap();
    let mut scratch = config.scratch();
    let mut first: Option<Vec<f32>> = None;
    for level in Level::available() {
        // The scratch and the output are used again, as in a batch.
        let mut out = vec![f32::NAN; config.n_features()];
        config.extract(level, image, &mut scratch, &mut out);
        let first = first.get_or_insert(out.clone());
        assert_eq!(*first, out, "{level}");
    }
    first.unwrap()
}

fn params(space: HistogramSpace, bins: usize, grid: usize) -> HistogramParams {
    HistogramParams {
        bins,
        grid,
        norm: HistogramNorm::None,
        ..HistogramParams::of(space)
    }
}

/// The bin by its definition, hue as a fraction.
fn naive_bin(space: HistogramSpace, bins: usize, [r, g, b]: [usize; 3]) -> Vec<usize> {
    let [i, j, k] = [r, g, b].map(|v| v * bins / 256);
    match space {
        HistogramSpace::Rgb => vec![i, bins + j, 2 * bins + k],
        HistogramSpace::Joint => vec![(i * bins + j) * bins + k],
        _ => {
            let (largest, smallest) = (r.max(g).max(b), r.min(g).min(b));
            let d = largest - smallest;
            // Six times the hue, counted in parts of which D make a sixth; never negative.
            let x = if d == 0 {
                0
            } else if largest == r {
                (6 * d + g - b) % (6 * d)
            } else if largest == g {
                2 * d + b - r
            } else {
                4 * d + r - g
            };
            vec![bins * x / (6 * d).max(1)]
        }
    }
}

fn naive(params: &HistogramParams, shape: ImageShape, image: &[u8]) -> Vec<f32> {
    let pixels = shape.height * shape.width;
    let of_cell = params.check(shape).unwrap().n_features() / params.grid.pow(2);
    let mut counts = vec![0.0; of_cell * params.grid.pow(2)];
    for y in 0..shape.height {
        for x in 0..shape.width {
            let cell = y * params.grid / shape.height * params.grid + x * params.grid / shape.width;
            let pixel = [0, 1, 2].map(|c| usize::from(image[c * pixels + y * shape.width + x]));
            for bin in naive_bin(params.space, params.bins, pixel) {
                counts[cell * of_cell + bin] += 1.0;
            }
        }
    }
    counts
}

const SPACES: [HistogramSpace; 3] = [
    HistogramSpace::Rgb,
    HistogramSpace::Hsv,
    HistogramSpace::Joint,
];

fn any_space() -> impl Strategy<Value = HistogramSpace> {
    (0usize..3).prop_map(|i| SPACES[i])
}

fn any_image() -> impl Strategy<Value = (ImageShape, Vec<u8>)> {
    (1usize..12, 1usize..12).prop_flat_map(|(height, width)| {
        let byte = prop_oneof![any::<u8>(), Just(0u8), Just(255)];
        prop::collection::vec(byte, 3 * height * width)
            .prop_map(move |image| (shape(height, width), image))
    })
}

/// The histograms that a feature vector consists of.
fn histograms(params: &HistogramParams, features: &[f32]) -> Vec<Vec<f32>> {
    let bins = match params.space {
        HistogramSpace::Joint => params.bins.pow(3),
        _ => params.bins,
    };
    features.chunks(bins).map(<[f32]>::to_vec).collect()
}

proptest! {
    #[test]
    fn counts_are_those_written_out(
        (shape, image) in any_image(),
        space in any_space(),
        bins in 1usize..17,
        grid in 1usize..4,
    ) {
        let grid = grid.min(shape.height).min(shape.width);
        let params = params(space, bins, grid);
        prop_assert_eq!(extract(params, shape, &image), naive(&params, shape, &image));
    }

    #[test]
    fn each_histogram_has_its_norm(
        (shape, image) in any_image(),
        space in any_space(),
        bins in 1usize..9,
        smooth in 0usize..4,
    ) {
        let of = |norm| {
            let params = HistogramParams { norm, smooth, ..params(space, bins, 1) };
            histograms(&params, &extract(params, shape, &image))
        };
        let sum = |h: &Vec<f32>| h.iter().sum::<f32>();
        let squares = |h: &Vec<f32>| h.iter().map(|h| h * h).sum::<f32>();
        let pixels = (shape.height * shape.width) as f32;
        for h in of(HistogramNorm::None) {
            prop_assert!((sum(&h) - pixels).abs() < 1e-3, "{:?}", h);
        }
        for h in of(HistogramNorm::L1) {
            prop_assert!((sum(&h) - 1.0).abs() < 1e-5, "{:?}", h);
        }
        for h in of(HistogramNorm::L2).iter().chain(&of(HistogramNorm::Sqrt)) {
            prop_assert!((squares(h) - 1.0).abs() < 1e-5, "{:?}", h);
        }
    }

    #[test]
    fn mirrored_images_have_the_same_colours((shape, image) in any_image(), space in any_space()) {
        let mirrored: Vec<u8> = image
            .chunks(shape.width)
            .flat_map(|line| line.iter().rev().copied())
            .collect();
        let upside_down: Vec<u8> = image
            .chunks(shape.width * shape.height)
            .flat_map(|plane| plane.chunks(shape.width).rev().flatten().copied())
            .collect();
        let params = HistogramParams { norm: HistogramNorm::L1, smooth: 1, ..params(space, 5, 1) };
        let features = extract(params, shape, &image);
        prop_assert_eq!(&extract(params, shape, &mirrored), &features);
        prop_assert_eq!(&extract(params, shape, &upside_down), &features);
    }

    /// On a grid the mirrored image has the cells mirrored, as long as the cells are alike.
    #[test]
    fn a_grid_is_mirrored_cell_by_cell(half in 1usize..7, seed in any::<u64>()) {
        let side = 2 * half;
        let image: Vec<u8> = (0..3 * side * side)
            .map(|i| (seed.wrapping_mul(i as u64 + 1) >> 40) as u8)
            .collect();
        let mirrored: Vec<u8> = image
            .chunks(side)
            .flat_map(|line| line.iter().rev().copied())
            .collect();
        let params = params(HistogramSpace::Joint, 2, 2);
        let features = extract(params, shape(side, side), &image);
        let cells: Vec<&[f32]> = features.chunks(8).collect();
        let expected = [cells[1], cells[0], cells[3], cells[2]].concat();
        prop_assert_eq!(extract(params, shape(side, side), &mirrored), expected);
    }
}

#[test]
fn smoothing_spreads_a_quarter_to_either_side() {
    // Two red pixels, hue 0: around the circle to the last bin.
    let red = [255, 255, 0, 0, 0, 0];
    let hue = |smooth| HistogramParams {
        smooth,
        ..params(HistogramSpace::Hsv, 4, 1)
    };
    assert_eq!(extract(hue(0), shape(1, 2), &red), [2.0, 0.0, 0.0, 0.0]);
    assert_eq!(extract(hue(1), shape(1, 2), &red), [1.0, 0.5, 0.0, 0.5]);
    assert_eq!(extract(hue(2), shape(1, 2), &red), [0.75, 0.5, 0.25, 0.5]);
    // Channels have ends: what would leave stays.
    let dark = HistogramParams {
        smooth: 1,
        ..params(HistogramSpace::Rgb, 3, 1)
    };
    let features = extract(dark, shape(1, 2), &red);
    assert_eq!(features[..3], [0.0, 0.5, 1.5]);
    assert_eq!(features[3..6], [1.5, 0.5, 0.0]);
    // The cube: along each of the three axes.
    let cube = HistogramParams {
        smooth: 1,
        ..params(HistogramSpace::Joint, 2, 1)
    };
    let q = [0.75, 0.25];
    let expected: Vec<f32> = (0..8)
        .map(|i| 2.0 * q[1 - (i >> 2)] * q[i >> 1 & 1] * q[i & 1])
        .collect();
    assert_eq!(extract(cube, shape(1, 2), &red), expected);
}

#[test]
fn a_constant_image_fills_one_bin() {
    for space in SPACES {
        for value in [0, 1, 128, 255] {
            let image = [value; 3 * 64];
            for smooth in [0, 3] {
                let params = HistogramParams {
                    smooth,
                    norm: HistogramNorm::Sqrt,
                    ..params(space, 4, 2)
                };
                for histogram in histograms(&params, &extract(params, shape(8, 8), &image)) {
                    assert!(histogram.iter().all(|h| h.is_finite()), "{space:?}");
                    let filled = histogram.iter().filter(|&&h| h > 0.0).count();
                    assert!(smooth > 0 || filled == 1, "{histogram:?}");
                }
            }
        }
    }
}

#[test]
fn one_bin_and_large_tables_count_all_pixels() {
    let image: Vec<u8> = (0..3 * 1024).map(|i| (i * 37 % 256) as u8).collect();
    for (space, bins) in [
        (HistogramSpace::Rgb, 1),
        (HistogramSpace::Hsv, 1),
        (HistogramSpace::Hsv, 360),
        (HistogramSpace::Joint, 16),
        (HistogramSpace::Rgb, 256),
    ] {
        for smooth in [0, 2] {
            let params = HistogramParams {
                smooth,
                ..params(space, bins, 1)
            };
            let sum: f32 = extract(params, shape(32, 32), &image).iter().sum();
            let channels = if space == HistogramSpace::Rgb {
                3.0
            } else {
                1.0
            };
            assert_eq!(sum, 1024.0 * channels, "{space:?} {bins}");
        }
    }
}

#[test]
fn edges_bound_the_bins() {
    let config = params(HistogramSpace::Rgb, 3, 1)
        .check(shape(1, 1))
        .unwrap();
    assert_eq!(config.edges(), [0.0, 86.0, 171.0, 256.0]);
    let config = params(HistogramSpace::Hsv, 4, 1)
        .check(shape(1, 1))
        .unwrap();
    assert_eq!(config.edges(), [0.0, 90.0, 180.0, 270.0, 360.0]);
}

#[test]
fn parameters_without_a_histogram_are_typed_errors() {
    let grey = ImageShape {
        channels: 1,
        ..shape(8, 8)
    };
    let check = |params: HistogramParams, shape| params.check(shape).unwrap_err().to_string();
    for (found, message) in [
        (
            check(params(HistogramSpace::Joint, 17, 1), shape(8, 8)),
            "bins = 17 is out of range, expected 1 to 16",
        ),
        (
            check(params(HistogramSpace::Hsv, 0, 1), shape(8, 8)),
            "bins = 0 is out of range, expected 1 to 360",
        ),
        (
            check(params(HistogramSpace::Rgb, 4, 9), shape(20, 8)),
            "grid = 9 cells do not fit an image of 20 x 8 pixels",
        ),
        (
            check(params(HistogramSpace::Hsv, 4, 1), grey),
            "a histogram of colours needs 3 channels (or 1, with space rgb), the image has 1",
        ),
    ] {
        assert_eq!(found, message);
    }
    let mismatch = HistogramParams {
        mode: HistogramMode::Opencv,
        ..params(HistogramSpace::Rgb, 4, 1)
    };
    assert_eq!(
        mismatch.check(shape(8, 8)).unwrap_err(),
        HistogramError::ModeSpace
    );
    assert!(params(HistogramSpace::Rgb, 4, 1).check(grey).is_ok());
}

#[test]
#[should_panic(expected = "an image of 5 bytes, expected 3 x 1 x 2")]
fn an_image_of_another_shape_is_refused() {
    extract(params(HistogramSpace::Rgb, 4, 1), shape(1, 2), &[0; 5]);
}

proptest! {
    /// Raw and smoothed, both in pixels: the counts, and as many pixels after the smoothing.
    #[test]
    fn curves_are_counts_and_keep_them((shape, image) in any_image(), space in any_space(), smooth in 0usize..4) {
        let params = HistogramParams { smooth, ..HistogramParams::of(space) };
        let config = params.check(shape).unwrap();
        let curves = config.curves(Level::detect(), &image);
        prop_assert_eq!(curves.raw.len(), config.n_features());
        prop_assert_eq!(curves.colors.len(), curves.channels * curves.bins);
        let raw = HistogramParams { norm: HistogramNorm::None, smooth: 0, ..params };
        let smoothed = HistogramParams { norm: HistogramNorm::None, smooth: smooth.max(1), ..params };
        prop_assert_eq!(&curves.raw, &extract(raw, shape, &image));
        prop_assert_eq!(&curves.smoothed, &extract(smoothed, shape, &image));
        for (raw, smoothed) in curves.raw.chunks(curves.bins).zip(curves.smoothed.chunks(curves.bins)) {
            let (raw, smoothed): (f32, f32) = (raw.iter().sum(), smoothed.iter().sum());
            prop_assert!((raw - smoothed).abs() <= 1e-3 * raw, "{} became {}", raw, smoothed);
        }
    }
}

/// A pixel of a bin's colour falls into the bin.
#[test]
fn colours_of_bins_are_in_their_bins() {
    let shape = ImageShape {
        channels: 3,
        height: 1,
        width: 1,
    };
    for (space, bins) in [
        (HistogramSpace::Hsv, 10),
        (HistogramSpace::Hsv, 36),
        (HistogramSpace::Joint, 3),
        (HistogramSpace::Joint, 16),
        (HistogramSpace::Rgb, 7),
        (HistogramSpace::Rgb, 256),
    ] {
        let params = HistogramParams {
            bins,
            ..HistogramParams::of(space)
        };
        let config = params.check(shape).unwrap();
        let colors = config.curves(Level::detect(), &[0; 3]).colors;
        for (bin, color) in colors.into_iter().enumerate() {
            let raw = config.curves(Level::detect(), &color).raw;
            assert_eq!(raw[bin], 1.0, "{space:?} of {bins}: bin {bin}, {color:?}");
        }
    }
}
