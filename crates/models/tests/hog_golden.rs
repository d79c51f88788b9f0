//! Every mode of HoG beside what it is named after: scikit-image, OpenCV, the formulas of the course
//! and of Felzenszwalb. `golden/hog.py` makes the files and says which versions.

use nearplane_kernels::Level;
use nearplane_models::features::{BlockNorm, HogMode, HogParams, ImageShape};

const IMAGES: &[u8] = include_bytes!("golden/hog_images.u8");
const VALUES: &[u8] = include_bytes!("golden/hog_values.f32");
const CASES: &str = include_str!("golden/hog_cases.txt");

fn params(spec: &str) -> HogParams {
    let options: Vec<(&str, &str)> = spec
        .split(',')
        .map(|option| option.split_once('=').expect("name=value"))
        .collect();
    assert_eq!(options[0].0, "mode");
    let mut params = HogParams::new(options[0].1.parse().expect("a mode"));
    for &(name, value) in &options[1..] {
        let number = || value.parse().expect("a number");
        match name {
            "cell" => params.cell = number(),
            "stride" => params.stride = number(),
            "block" => params.block = number(),
            "bins" => params.bins = number(),
            "signed" => params.signed = value == "1",
            "gamma" => params.gamma = value == "1",
            "norm" => {
                params.norm = match value {
                    "l1" => BlockNorm::L1,
                    "l1sqrt" => BlockNorm::L1Sqrt,
                    "l2" => BlockNorm::L2,
                    "l2hys" => BlockNorm::L2Hys,
                    _ => panic!("norm {value}"),
                }
            }
            _ => panic!("option {name}"),
        }
    }
    params
}

/// Cases and numbers seen, and the largest difference.
fn check(mode: HogMode) -> (usize, usize, f32) {
    let (mut n_cases, mut n_values, mut worst) = (0, 0, 0.0_f32);
    for line in CASES.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| fields[at].parse::<usize>().expect("a number");
        let params = params(fields[5]);
        if params.mode != mode {
            continue;
        }
        let shape = ImageShape {
            channels: number(1),
            height: number(2),
            width: number(3),
        };
        let image = &IMAGES[number(4)..][..shape.len()];
        let (first, step, count) = (number(6), number(7), number(8));
        let expected = VALUES[4 * first..][..4 * count]
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")));
        let config = params.check(shape).expect("good parameters");
        let mut scratch = config.scratch();
        for level in Level::available() {
            let mut out = vec![f32::NAN; config.n_features()];
            config.extract(level, image, &mut scratch, &mut out);
            assert_eq!(out.len().div_ceil(step), count, "{line}");
            for (i, (found, expected)) in out.iter().step_by(step).zip(expected.clone()).enumerate()
            {
                let difference = (found - expected).abs();
                assert!(
                    difference <= 1e-4,
                    "{line} at {level}: number {} is {found}, expected {expected}",
                    i * step
                );
                worst = worst.max(difference);
            }
        }
        n_cases += 1;
        n_values += count;
    }
    (n_cases, n_values, worst)
}

#[test]
fn skimage() {
    let (cases, values, worst) = check(HogMode::Skimage);
    println!("{cases} cases, {values} numbers, largest difference {worst:e}");
    assert!(cases >= 6 * 48 && values >= 90_000);
}

#[test]
fn opencv() {
    let (cases, values, worst) = check(HogMode::Opencv);
    println!("{cases} cases, {values} numbers, largest difference {worst:e}");
    assert!(cases >= 4 * 10 && values >= 10_000);
}

#[test]
fn cs231n() {
    let (cases, values, worst) = check(HogMode::Cs231n);
    println!("{cases} cases, {values} numbers, largest difference {worst:e}");
    assert!(cases >= 6 * 3 && values >= 2_000);
}

#[test]
fn uoctti() {
    let (cases, values, worst) = check(HogMode::Uoctti);
    println!("{cases} cases, {values} numbers, largest difference {worst:e}");
    assert!(cases >= 6 * 3 && values >= 4_000);
}
