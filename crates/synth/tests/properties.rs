//! What holds for every seed, size and difficulty.

use std::collections::HashSet;

use nearplane_synth::{PIXELS, SplitName, SynthConfig, SynthError, SynthParams, generate};
use proptest::prelude::*;

fn params() -> impl Strategy<Value = SynthParams> {
    (any::<u64>(), prop::array::uniform5(0_u16..=1000)).prop_map(
        |(seed, [viewpoint, background, illumination, occlusion, variation])| SynthParams {
            n_train: 25,
            n_test: 12,
            seed,
            viewpoint,
            background,
            illumination,
            occlusion,
            variation,
        },
    )
}

fn textbook() -> SynthParams {
    SynthParams {
        viewpoint: 0,
        background: 0,
        illumination: 0,
        occlusion: 0,
        variation: 0,
        ..SynthParams::default()
    }
}

fn draw(config: &SynthConfig, split: SplitName, index: u64) -> (u8, Vec<u8>) {
    let mut image = vec![0; PIXELS];
    (config.draw(split, index, &mut image), image)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In a build with overflow checks, as tests are, this also shows that no number grows too large.
    #[test]
    fn every_image_can_be_drawn_alone(params in params()) {
        let synth = generate(&params).unwrap();
        let config = params.check().unwrap();
        for (split, drawn) in [(SplitName::Train, &synth.train), (SplitName::Test, &synth.test)] {
            prop_assert_eq!(drawn.pixels.len(), drawn.labels.len() * PIXELS);
            for (index, pixels) in drawn.pixels.chunks_exact(PIXELS).enumerate().rev() {
                let (label, image) = draw(&config, split, index as u64);
                prop_assert_eq!(label, drawn.labels[index]);
                prop_assert!(image == pixels);
            }
        }
    }

    #[test]
    fn a_smaller_set_is_the_beginning_of_a_larger_one(params in params(), n_train in 0_usize..25, n_test in 0_usize..12) {
        let (large, small) =
            (generate(&params).unwrap(), generate(&SynthParams { n_train, n_test, ..params }).unwrap());
        prop_assert!(large.train.pixels.starts_with(&small.train.pixels));
        prop_assert!(large.train.labels.starts_with(&small.train.labels));
        prop_assert!(large.test.pixels.starts_with(&small.test.pixels));
        prop_assert!(large.test.labels.starts_with(&small.test.labels));
        prop_assert_eq!((small.train.labels.len(), small.test.labels.len()), (n_train, n_test));
    }

    #[test]
    fn every_ten_images_have_each_class_once(seed: u64) {
        let config = SynthParams { seed, ..textbook() }.check().unwrap();
        for split in [SplitName::Train, SplitName::Test] {
            for block in [0, 1, 499] {
                let mut labels: Vec<u8> = (0..10).map(|i| draw(&config, split, 10 * block + i).0).collect();
                labels.sort_unstable();
                prop_assert_eq!(labels, Vec::from_iter(0..10));
            }
        }
    }

    /// Difficulties change how an object looks, never what it is.
    #[test]
    fn labels_do_not_depend_on_difficulties(params in params()) {
        let easy = SynthParams { seed: params.seed, n_train: params.n_train, n_test: params.n_test, ..textbook() };
        let (easy, hard) = (generate(&easy).unwrap(), generate(&params).unwrap());
        prop_assert_eq!(easy.train.labels, hard.train.labels);
        prop_assert_eq!(easy.test.labels, hard.test.labels);
    }
}

/// No image twice, within a split, across splits or across seeds.
#[test]
fn images_are_distinct() {
    let mut seen = HashSet::new();
    for seed in [0, 1] {
        let params = SynthParams {
            n_train: 400,
            n_test: 100,
            seed,
            ..SynthParams::default()
        };
        let synth = generate(&params).unwrap();
        for pixels in [&synth.train.pixels, &synth.test.pixels] {
            for image in pixels.chunks_exact(PIXELS) {
                assert!(seen.insert(image.to_vec()));
            }
        }
    }
}

/// Without difficulties the members of a class differ by noise alone: at most 7 levels each.
#[test]
fn textbook_examples_are_alike_up_to_noise() {
    let config = textbook().check().unwrap();
    let mut first: Vec<Option<Vec<u8>>> = vec![None; 10];
    for index in 0..100 {
        let (label, image) = draw(&config, SplitName::Train, index);
        let first = first[usize::from(label)].get_or_insert_with(|| image.clone());
        let most = first.iter().zip(&image).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(14), "image {index} of class {label}: {most:?}");
    }
}

/// Turning one difficulty leaves the choices of the others: with occlusion the pixels that are not
/// covered are those of the image without.
#[test]
fn an_occluder_changes_only_what_it_covers() {
    let uncovered = SynthParams {
        occlusion: 0,
        ..SynthParams::default()
    }
    .check()
    .unwrap();
    let covered = SynthParams {
        occlusion: 300,
        ..SynthParams::default()
    }
    .check()
    .unwrap();
    for index in 0..50 {
        let (_, a) = draw(&uncovered, SplitName::Train, index);
        let (_, b) = draw(&covered, SplitName::Train, index);
        let same = a.iter().zip(&b).filter(|(a, b)| a == b).count();
        assert!(
            (PIXELS / 3..PIXELS).contains(&same),
            "image {index}: {same} equal bytes"
        );
    }
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let params = SynthParams {
        illumination: 1001,
        ..SynthParams::default()
    };
    let error = generate(&params).unwrap_err();
    assert_eq!(
        error,
        SynthError::Difficulty {
            name: "illumination",
            value: 1001
        }
    );
    assert_eq!(
        error.to_string(),
        "the difficulty illumination is 1001 thousandths, but goes from 0 to 1000"
    );
    let params = SynthParams {
        n_test: usize::MAX,
        ..SynthParams::default()
    };
    let error = params.check().unwrap_err();
    assert!(
        matches!(error, SynthError::TooManyImages { split: "test", .. }),
        "{error}"
    );
}

#[test]
fn nothing_can_be_drawn_too() {
    let synth = generate(&SynthParams {
        n_train: 0,
        n_test: 0,
        ..SynthParams::default()
    })
    .unwrap();
    assert!(synth.train.pixels.is_empty() && synth.test.labels.is_empty());
}
