//! The cells of a HoG as data for pictures: edges point where they run, turn and mirror with the image,
//! and no block or window leaves its pattern in them.

use nearplane_kernels::Level;
use nearplane_models::features::{
    BlockNorm, FeatureSpec, HogCells, HogConfig, HogMode, HogParams, ImageShape,
};
use proptest::prelude::*;

const SIDE: usize = 32;

/// A grey image as CIFAR has it.
fn image(pixel: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let plane = (0..SIDE * SIDE).map(|i| pixel(i % SIDE, i / SIDE));
    plane.collect::<Vec<u8>>().repeat(3)
}

fn cells(config: &HogConfig, image: &[u8]) -> HogCells {
    let mut features = vec![f32::NAN; config.n_features()];
    config.extract(Level::detect(), image, &mut config.scratch(), &mut features);
    config.cells(&features)
}

fn check(params: HogParams) -> HogConfig {
    params.check(ImageShape::CIFAR).unwrap()
}

/// Every mode that has both directions, in cells of 8 and of 4, and some with overlaps.
fn configs() -> Vec<HogConfig> {
    let mut all: Vec<HogConfig> = HogParams::default_scales().map(check).into();
    for mode in [
        HogMode::Default,
        HogMode::Skimage,
        HogMode::Opencv,
        HogMode::Uoctti,
    ] {
        for cell in [4, 8] {
            all.push(check(HogParams {
                cell,
                stride: cell,
                ..HogParams::new(mode)
            }));
        }
    }
    for (cell, stride) in [(8, 4), (8, 6), (4, 12)] {
        all.push(check(HogParams {
            cell,
            stride,
            ..HogParams::new(HogMode::Default)
        }));
    }
    all
}

/// The angle of the strongest edge of all, and how strong it is.
fn strongest(cells: &HogCells) -> (f32, f32) {
    let angles = cells.edge_angles();
    let n_bins = angles.len();
    let strongest = cells.strengths.iter().enumerate();
    let (at, strength) = strongest.max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    (angles[at % n_bins], *strength)
}

/// How far two angles of lines are apart.
fn apart(a: f32, b: f32) -> f32 {
    let apart = (a - b).rem_euclid(180.0);
    apart.min(180.0 - apart)
}

#[test]
fn edges_run_where_they_are_seen() {
    // Half dark, half bright, by the angle of the border between them.
    type Half = fn(usize, usize) -> bool;
    let halves: [(f32, Half); 4] = [
        (0.0, |_, y| y < 15),
        (45.0, |x, y| x < y),
        (90.0, |x, _| x < 15),
        (135.0, |x, y| x + y < 31),
    ];
    for config in configs() {
        let width =
            180.0 / config.params().bins as f32 * if config.params().signed { 2.0 } else { 1.0 };
        for (angle, half) in halves {
            for (dark, bright) in [(20, 200), (200, 20)] {
                let image = image(|x, y| if half(x, y) { dark } else { bright });
                let cells = cells(&config, &image);
                for cells in [cells.unsigned(), cells] {
                    let (found, strength) = strongest(&cells);
                    let spec = format!("{:?}: {angle}", config.params());
                    assert!(strength > 0.0, "{spec}");
                    // Halfway between two bins either may be the strongest.
                    assert!(
                        apart(found, angle) <= width / 2.0 + 0.1,
                        "{spec}, found {found}"
                    );
                }
            }
        }
    }
}

/// The course's HoG has gradients to the right only, which upright edges have that are bright there.
#[test]
fn the_course_sees_upright_edges_from_one_side() {
    let config = check(HogParams::new(HogMode::Cs231n));
    let seen = cells(&config, &image(|x, _| if x < 15 { 20 } else { 200 }));
    let (angle, strength) = strongest(&seen);
    assert!(strength > 0.0 && apart(angle, 90.0) <= 10.0, "{angle}");
    let unseen = cells(&config, &image(|x, _| if x < 15 { 200 } else { 20 }));
    assert!(unseen.strengths.iter().all(|&strength| strength == 0.0));
}

#[test]
fn one_colour_has_no_edges() {
    for config in configs()
        .into_iter()
        .chain([check(HogParams::new(HogMode::Cs231n))])
    {
        let cells = cells(&config, &image(|_, _| 130));
        assert!(!cells.strengths.is_empty());
        assert!(
            cells.strengths.iter().all(|&strength| strength == 0.0),
            "{:?}",
            config.params()
        );
    }
}

/// Cells that are in one block once are the features themselves.
#[test]
fn cells_of_one_block_are_its_numbers() {
    let image = image(|x, y| (x * x * 7 + y * y * 5 + x * y * 3) as u8);
    for mode in [HogMode::Skimage, HogMode::Cs231n] {
        let config = check(HogParams {
            block: 1,
            ..HogParams::new(mode)
        });
        let mut features = vec![0.0; config.n_features()];
        config.extract(
            Level::detect(),
            &image,
            &mut config.scratch(),
            &mut features,
        );
        let cells = config.cells(&features);
        for (feature, &value) in features.iter().enumerate() {
            let at = config.layout().locate(feature);
            assert_eq!(cells.cell(at.block_row, at.block_col)[feature % 9], value);
        }
    }
    // Of Felzenszwalb's numbers the signed ones, plane by plane.
    let config = check(HogParams::new(HogMode::Uoctti));
    let mut features = vec![0.0; config.n_features()];
    config.extract(
        Level::detect(),
        &image,
        &mut config.scratch(),
        &mut features,
    );
    let cells = config.cells(&features);
    assert_eq!((cells.rows, cells.cols, cells.centres.len()), (4, 4, 18));
    for bin in 0..18 {
        assert_eq!(cells.cell(2, 1)[bin], features[bin * 16 + 2 * 4 + 1]);
    }
}

/// The mean over the blocks: a cell at the border of `skimage` is in one, two or three of them.
#[test]
fn copies_of_a_cell_are_averaged() {
    let config = check(HogParams::new(HogMode::Skimage));
    let layout = config.layout();
    let features: Vec<f32> = (0..config.n_features())
        .map(|i| (i * i % 101) as f32)
        .collect();
    let cells = config.cells(&features);
    for row in 0..4 {
        for col in 0..4 {
            for bin in 0..9 {
                let copies: Vec<f32> = (0..features.len())
                    .filter(|&i| {
                        let at = layout.locate(i);
                        (at.top, at.left, i % 9) == (8 * row, 8 * col, bin)
                    })
                    .map(|i| features[i])
                    .collect();
                let mean = copies.iter().sum::<f32>() / copies.len() as f32;
                assert!((cells.cell(row, col)[bin] - mean).abs() < 1e-4);
            }
        }
    }
}

/// Even slopes look the same everywhere, whatever the windows over blocks.
#[test]
fn windows_leave_no_pattern() {
    for mode in [HogMode::Default, HogMode::Opencv] {
        for (cell, block, stride) in [(8, 2, 8), (4, 4, 8), (4, 2, 4), (4, 4, 4)] {
            let config = check(HogParams {
                cell,
                block,
                stride,
                norm: BlockNorm::L2,
                ..HogParams::new(mode)
            });
            let cells = cells(&config, &image(|x, y| (3 * x + 4 * y) as u8));
            let sums: Vec<f32> = cells
                .strengths
                .chunks(cells.centres.len())
                .map(|cell| cell.iter().sum())
                .collect();
            // Pixels at the border of the image have half a gradient, and so less of their blocks.
            let inner = |at: usize| {
                (1..cells.cols - 1).contains(&(at % cells.cols))
                    && (1..cells.rows - 1).contains(&(at / cells.cols))
            };
            let inside: Vec<f32> = (0..sums.len())
                .filter(|&at| inner(at))
                .map(|at| sums[at])
                .collect();
            let most = inside.iter().fold(0.0_f32, |a, &b| a.max(b));
            let least = inside.iter().fold(f32::INFINITY, |a, &b| a.min(b));
            assert!(
                least > 0.0 && most / least < 1.2,
                "{:?}: {least} to {most}",
                config.params()
            );
        }
    }
}

#[test]
fn squares_are_where_cells_overlap() {
    let of = |cell, stride| {
        let params = HogParams {
            cell,
            stride,
            ..HogParams::new(HogMode::Default)
        };
        let cells = cells(&check(params), &image(|x, y| (x * y) as u8));
        (cells.rows, cells.cols, cells.side)
    };
    assert_eq!(of(8, 8), (4, 4, 8));
    assert_eq!(of(8, 4), (8, 8, 4));
    assert_eq!(of(8, 6), (14, 14, 2)); // blocks at 0, 6, 12: up to pixel 28
    assert_eq!(of(4, 12), (8, 8, 4)); // blocks at 0, 12, 24, and nothing between them
    let gaps = HogParams {
        cell: 4,
        stride: 12,
        ..HogParams::new(HogMode::Default)
    };
    let cells = cells(&check(gaps), &image(|x, y| (x * y) as u8));
    assert!(cells.cell(2, 2).iter().all(|&strength| strength == 0.0));
    assert!(cells.cell(3, 3).iter().any(|&strength| strength > 0.0));
}

#[test]
fn opposite_directions_are_added() {
    let config = check(HogParams::default_scales()[0]);
    let signed = cells(&config, &image(|x, y| (x * x * 7 + y * y * 5) as u8));
    let unsigned = signed.unsigned();
    assert_eq!((signed.centres.len(), unsigned.centres.len()), (18, 9));
    for (both, cell) in unsigned
        .strengths
        .chunks(9)
        .zip(signed.strengths.chunks(18))
    {
        for bin in 0..9 {
            assert_eq!(both[bin], cell[bin] + cell[bin + 9]);
        }
    }
    // An odd number of directions has no opposite ones.
    let odd = HogParams {
        bins: 5,
        ..HogParams::new(HogMode::Default)
    };
    let odd = cells(&check(odd), &image(|x, y| (x * x + y) as u8)).unsigned();
    assert_eq!(odd.centres, [0.0, 36.0, 72.0, 108.0, 144.0]);
    assert_eq!(unsigned.unsigned(), unsigned);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// A mirrored image has mirrored cells, and bin k is bin n - 1 - k.
    #[test]
    fn a_mirror_mirrors_the_edges(pixels in prop::collection::vec(any::<u8>(), SIDE * SIDE), scale in 0_usize..2) {
        let config = check(HogParams::default_scales()[scale]);
        let seen = cells(&config, &image(|x, y| pixels[y * SIDE + x])).unsigned();
        let mirrored = cells(&config, &image(|x, y| pixels[y * SIDE + SIDE - 1 - x])).unsigned();
        for row in 0..seen.rows {
            for col in 0..seen.cols {
                for bin in 0..9 {
                    let other = mirrored.cell(row, seen.cols - 1 - col)[8 - bin];
                    prop_assert!((seen.cell(row, col)[bin] - other).abs() < 1e-4);
                }
            }
        }
    }

    /// An image turned clockwise has turned cells, and bins a right angle further.
    #[test]
    fn a_turn_turns_the_edges(pixels in prop::collection::vec(any::<u8>(), SIDE * SIDE), scale in 0_usize..2) {
        // A right angle is a whole number of bins.
        let config = check(HogParams { bins: 8, signed: false, ..HogParams::default_scales()[scale] });
        let seen = cells(&config, &image(|x, y| pixels[y * SIDE + x]));
        let turned = cells(&config, &image(|x, y| pixels[(SIDE - 1 - x) * SIDE + y]));
        for row in 0..seen.rows {
            for col in 0..seen.cols {
                for bin in 0..8 {
                    let other = turned.cell(col, seen.rows - 1 - row)[(bin + 4) % 8];
                    prop_assert!((seen.cell(row, col)[bin] - other).abs() < 1e-3);
                }
            }
        }
    }
}

/// Every specification that has a HoG has its cells, with finite numbers.
#[test]
fn sizes_that_do_not_divide_the_image_have_cells() {
    let picture: Vec<u8> = (0..3072_usize).map(|i| (i * i % 251) as u8).collect();
    for spec in [
        "hog:mode=uoctti,cell=12",
        "hog:mode=skimage,cell=7",
        "hog:cell=5",
        "hog:mode=cs231n,cell=6",
    ] {
        let spec: FeatureSpec = spec.parse().unwrap();
        for block in spec.blocks() {
            let nearplane_models::features::BlockSpec::Hog(params) = block else {
                panic!("{spec}");
            };
            let cells = cells(&check(*params), &picture);
            assert_eq!(
                cells.strengths.len(),
                cells.rows * cells.cols * cells.centres.len()
            );
            assert!(cells.strengths.iter().all(|s| s.is_finite() && *s >= 0.0));
            assert!(cells.strengths.iter().any(|s| *s > 0.0));
        }
    }
}
