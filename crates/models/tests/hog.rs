//! What every HoG has to do, whatever its parameters: properties, bad parameters, levels.

use nearplane_kernels::Level;
use nearplane_models::features::hog::HogQuantity;
use nearplane_models::features::{
    BlockNorm, HogColor, HogConfig, HogMode, HogParams, HogVotes, ImageShape,
};
use proptest::prelude::*;

fn extract(config: &HogConfig, level: Level, image: &[u8]) -> Vec<f32> {
    let mut out = vec![f32::NAN; config.n_features()];
    config.extract(level, image, &mut config.scratch(), &mut out);
    out
}

fn shape() -> impl Strategy<Value = ImageShape> {
    (
        prop_oneof![Just(1_usize), Just(3)],
        3_usize..40,
        3_usize..40,
    )
        .prop_map(|(channels, height, width)| ImageShape {
            channels,
            height,
            width,
        })
}

fn norm() -> impl Strategy<Value = BlockNorm> {
    prop_oneof![
        Just(BlockNorm::L1),
        Just(BlockNorm::L1Sqrt),
        Just(BlockNorm::L2),
        Just(BlockNorm::L2Hys)
    ]
}

/// Any parameters, many of which do not fit the shape.
fn params() -> impl Strategy<Value = HogParams> {
    let numbers = (1_usize..10, 1_usize..4, 1_usize..10, 1_usize..20);
    let flags = any::<[bool; 5]>();
    (0..HogMode::ALL.len(), numbers, flags, norm()).prop_map(
        |(mode, (cell, block, stride, bins), [signed, gamma, grey, hard, own], norm)| {
            let mode = HogMode::ALL[mode];
            let mut params = HogParams {
                cell,
                stride: cell,
                bins,
                ..HogParams::new(mode)
            };
            match mode {
                HogMode::Cs231n | HogMode::Uoctti => {}
                HogMode::Skimage => {
                    (params.signed, params.gamma, params.norm, params.block) =
                        (signed, gamma, norm, block);
                }
                _ => {
                    (params.signed, params.gamma, params.norm, params.block) =
                        (signed, gamma, norm, block);
                    params.spatial = own;
                    if hard {
                        params.votes = HogVotes::Hard;
                    }
                    if mode == HogMode::Default {
                        params.stride = stride;
                    }
                }
            }
            if grey {
                params.color = HogColor::Grey;
            }
            params
        },
    )
}

/// Bytes of no pattern, in steps as coarse as asked for (so that gradients are often equal).
fn bytes(shape: ImageShape, seed: u64, coarse: u8) -> Vec<u8> {
    let mut state = seed;
    (0..shape.len())
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8 / coarse * coarse
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn levels_agree_and_all_is_finite(
        shape in shape(), params in params(), seed: u64, coarse in 1_u8..100,
    ) {
        let Ok(config) = params.check(shape) else { return Ok(()) };
        let image = bytes(shape, seed, coarse);
        let expected = extract(&config, Level::SCALAR, &image);
        prop_assert!(expected.iter().all(|value| value.is_finite() && *value >= 0.0));
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        for level in Level::available() {
            prop_assert_eq!(bits(&extract(&config, level, &image)), bits(&expected), "{}", level);
        }
    }

    #[test]
    fn scratch_carries_nothing_over(shape in shape(), params in params(), seed: u64) {
        let Ok(config) = params.check(shape) else { return Ok(()) };
        let (first, second) = (bytes(shape, seed, 1), bytes(shape, !seed, 7));
        let mut scratch = config.scratch();
        let mut out = vec![f32::NAN; config.n_features()];
        for image in [&first, &second, &first] {
            config.extract(Level::detect(), image, &mut scratch, &mut out);
            prop_assert_eq!(&out, &extract(&config, Level::detect(), image));
        }
    }

    #[test]
    fn one_colour_gives_zeros(shape in shape(), params in params(), value: u8) {
        let Ok(config) = params.check(shape) else { return Ok(()) };
        let out = extract(&config, Level::detect(), &vec![value; shape.len()]);
        prop_assert!(out.iter().all(|value| *value == 0.0));
    }

    #[test]
    fn adding_a_constant_changes_nothing(
        shape in shape(), params in params(), seed: u64, constant in 0_u8..100,
    ) {
        let params = HogParams { gamma: false, ..params };
        let Ok(config) = params.check(shape) else { return Ok(()) };
        let image: Vec<u8> = bytes(shape, seed, 1).into_iter().map(|v| v / 2).collect();
        let lighter: Vec<u8> = image.iter().map(|v| v + constant).collect();
        // A rounded luminance may round differently.
        if params.color == HogColor::Grey && shape.channels == 3 && params.mode != HogMode::Cs231n {
            return Ok(());
        }
        let level = Level::detect();
        prop_assert_eq!(extract(&config, level, &image), extract(&config, level, &lighter));
    }

    /// A mirrored image has the mirrored blocks, cells and bins: angle a becomes 180 - a. Not so in
    /// `opencv`, whose window is not symmetric, for hard votes on boundaries, and where the image's
    /// width leaves a rest.
    #[test]
    fn a_flip_permutes_numbers(
        rows in 2_usize..5, cols in 2_usize..5, cell in 1_usize..8, bins in 1_usize..20,
        signed: bool, gamma: bool, spatial: bool, norm in norm(), channels in 1_usize..3, seed: u64,
    ) {
        let shape = ImageShape { channels: 2 * channels - 1, height: rows * cell, width: cols * cell };
        // Opposite bins have to be bins.
        let bins = if signed { 2 * bins } else { bins };
        let params = HogParams {
            cell, stride: cell, bins, signed, gamma, spatial, norm,
            ..HogParams::new(HogMode::Default)
        };
        let config = params.check(shape).expect("whole cells");
        let image = bytes(shape, seed, 1);
        let mirrored: Vec<u8> =
            image.chunks(shape.width).flat_map(|row| row.iter().rev().copied()).collect();
        let level = Level::detect();
        let (out, flipped) = (extract(&config, level, &image), extract(&config, level, &mirrored));
        let layout = config.layout();
        let side = layout.cells_per_side;
        for (feature, value) in out.iter().enumerate() {
            let at = layout.locate(feature);
            let bin = feature % bins;
            let bin = if signed { (bins / 2 + bins - 1 - bin) % bins } else { bins - 1 - bin };
            let block = at.block_row * layout.block_cols + (layout.block_cols - 1 - at.block_col);
            let cell = at.cell_row * side + (side - 1 - at.cell_col);
            let there = flipped[(block * side * side + cell) * bins + bin];
            // A root makes much of little.
            let bound = if norm == BlockNorm::L1Sqrt { 2e-3 } else { 1e-5 };
            prop_assert!((value - there).abs() < bound, "{} {} {}", feature, value, there);
        }
    }
}

/// A ramp in one direction has its votes in one bin.
#[test]
fn bins_are_where_the_layout_says() {
    for mode in HogMode::ALL {
        let params = HogParams::new(mode);
        let shape = ImageShape {
            channels: 1,
            ..ImageShape::CIFAR
        };
        let config = params.check(shape).expect("defaults");
        for degrees in (5..360).step_by(10) {
            let (dy, dx) = f64::from(degrees).to_radians().sin_cos();
            let image: Vec<u8> = (0..1024)
                .map(|at| {
                    let (y, x) = (f64::from(at / 32) - 15.5, f64::from(at % 32) - 15.5);
                    (128.0 + 5.0 * (x * dx + y * dy)).round() as u8
                })
                .collect();
            let out = extract(&config, Level::detect(), &image);
            let strongest = out
                .iter()
                .enumerate()
                .filter(|(feature, _)| {
                    matches!(
                        config.layout().locate(*feature).quantity,
                        HogQuantity::Bin { .. }
                    )
                })
                .max_by(|a, b| a.1.total_cmp(b.1))
                .expect("some");
            if mode == HogMode::Cs231n && dx < 0.5 {
                // To the left they are dropped, but for faint ones of the last column, which has no
                // next pixel; near upright, bytes round to either side.
                assert!(*strongest.1 < 1.0 || dx > -0.5, "{mode} {degrees}");
                continue;
            }
            let HogQuantity::Bin { centre, signed } = config.layout().locate(strongest.0).quantity
            else {
                panic!("a bin")
            };
            let turn = if signed { 360.0 } else { 180.0 };
            let apart = (f64::from(degrees) - f64::from(centre)).rem_euclid(turn);
            let apart = apart.min(turn - apart);
            assert!(apart <= 20.0, "{mode}: {degrees} is nearest to {centre}");
        }
    }
}

#[test]
fn modes_have_the_sizes_of_those_they_follow() {
    let n = |params: HogParams| params.check(ImageShape::CIFAR).expect("good").n_features();
    assert_eq!(n(HogParams::new(HogMode::Skimage)), 324);
    assert_eq!(n(HogParams::new(HogMode::Opencv)), 324);
    assert_eq!(n(HogParams::new(HogMode::Cs231n)), 144);
    assert_eq!(n(HogParams::new(HogMode::Uoctti)), 16 * 31);
    let small = HogParams {
        cell: 4,
        stride: 4,
        ..HogParams::new(HogMode::Opencv)
    };
    assert_eq!(n(small), 1764);
}

#[test]
fn names_round_trip() {
    for mode in HogMode::ALL {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    let unknown = "Opencv".parse::<HogMode>().unwrap_err().to_string();
    assert!(unknown.starts_with("unknown mode 'Opencv', expected one of default"));
}

#[test]
fn bad_parameters_are_named() {
    let default = HogParams::new(HogMode::Default);
    let opencv = HogParams::new(HogMode::Opencv);
    let skimage = HogParams::new(HogMode::Skimage);
    let cases = [
        (HogParams { cell: 0, ..default }, "cell = 0 is out of range"),
        (
            HogParams {
                cell: 33,
                ..default
            },
            "cell = 33 is larger than the image of 32 x 32",
        ),
        (
            HogParams {
                block: 5,
                ..default
            },
            "block = 5 (40 pixels) is larger",
        ),
        (
            HogParams {
                block: usize::MAX,
                ..default
            },
            "block = 18446744073709551615",
        ),
        (
            HogParams {
                stride: 0,
                ..default
            },
            "stride = 0 is out of range",
        ),
        (HogParams { bins: 0, ..default }, "bins = 0 is out of range"),
        (
            HogParams {
                bins: 361,
                ..default
            },
            "bins = 361 is out of range, expected at most 360",
        ),
        (
            HogParams {
                epsilon: 0.0,
                ..default
            },
            "epsilon = 0 is out of range",
        ),
        (
            HogParams {
                clip: f32::NAN,
                ..default
            },
            "clip = NaN is out of range",
        ),
        (
            HogParams {
                stride: 7,
                ..opencv
            },
            "blocks of 16 pixels at a stride of 7 do not end",
        ),
        (
            HogParams {
                stride: 4,
                ..skimage
            },
            "stride = 4 is not a multiple of cell = 8",
        ),
        (
            HogParams {
                votes: HogVotes::Linear,
                ..skimage
            },
            "mode skimage fixes votes",
        ),
        (
            HogParams {
                cell: 5,
                stride: 5,
                ..HogParams::new(HogMode::Cs231n)
            },
            "cell = 5 is odd",
        ),
        (
            HogParams {
                gamma: true,
                ..HogParams::new(HogMode::Cs231n)
            },
            "mode cs231n fixes gamma",
        ),
        (
            HogParams {
                signed: false,
                ..HogParams::new(HogMode::Uoctti)
            },
            "mode uoctti fixes signed",
        ),
    ];
    for (params, expected) in cases {
        let error = params
            .check(ImageShape::CIFAR)
            .expect_err(expected)
            .to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let two = ImageShape {
        channels: 2,
        ..ImageShape::CIFAR
    };
    let error = default.check(two).expect_err("two channels").to_string();
    assert_eq!(error, "images of 2 channels, expected 1 or 3");
}

#[test]
#[should_panic(expected = "numbers of the output")]
fn a_short_output_panics() {
    let config = HogParams::new(HogMode::Opencv)
        .check(ImageShape::CIFAR)
        .expect("good");
    config.extract(
        Level::SCALAR,
        &[0; 3072],
        &mut config.scratch(),
        &mut [0.0; 323],
    );
}

#[test]
#[should_panic(expected = "scratch of a different HoG")]
fn foreign_scratch_panics() {
    let config = HogParams::new(HogMode::Opencv)
        .check(ImageShape::CIFAR)
        .expect("good");
    let other = HogParams::new(HogMode::Uoctti)
        .check(ImageShape::CIFAR)
        .expect("good");
    config.extract(
        Level::SCALAR,
        &[0; 3072],
        &mut other.scratch(),
        &mut [0.0; 324],
    );
}
