//! Feature specifications: what is displayed parses back to the same, and what can be computed is finite, of the
//! announced length, and the same to the bit at every level.

use nearplane_kernels::Level;
use nearplane_models::features::{FeatureSpec, ImageShape};

use crate::input::Input;

/// Longer vectors and dearer blocks are as right as shorter ones, and slow.
const MAX_FEATURES: usize = 1 << 13;

const SHAPES: [(usize, usize, usize); 6] = [
    (3, 8, 8),
    (1, 8, 12),
    (3, 5, 7),
    (1, 1, 1),
    (3, 1, 9),
    (3, 16, 16),
];

/// Names and values that specifications are made of.
const WORDS: [(&str, &[&str]); 17] = [
    (
        "mode",
        &["default", "skimage", "opencv", "cs231n", "uoctti"],
    ),
    ("space", &["rgb", "hsv", "joint"]),
    (
        "bins",
        &["1", "2", "9", "8", "18", "10", "31", "256", "360"],
    ),
    ("grid", &["1", "2", "3", "4", "5"]),
    ("norm", &["none", "l1", "l2", "sqrt", "l1sqrt", "l2hys"]),
    ("smooth", &["0", "1", "3", "64"]),
    ("cell", &["1", "2", "3", "4", "8"]),
    ("block", &["1", "2", "3"]),
    ("stride", &["1", "2", "4", "8"]),
    ("signed", &["0", "1"]),
    ("votes", &["hard", "linear"]),
    ("spatial", &["0", "1"]),
    ("color", &["1", "grey"]),
    ("gamma", &["0", "1"]),
    ("epsilon", &["1e-15", "1e-5", "0.1", "30", "1e15"]),
    ("clip", &["1e-15", "0.2", "1e15"]),
    ("bin", &["", "+1", "-1", "65535", "1e-46"]),
];

/// A specification of the words that there are: mostly a good one.
fn written(input: &mut Input<'_>) -> String {
    let mut text = String::new();
    for block in 0..1 + input.below(3) {
        if block > 0 {
            text.push('+');
        }
        text.push_str(input.pick(&["hog", "hist", "hog", "hist", "raw"]));
        for option in 0..input.below(7) {
            text.push(if option == 0 { ':' } else { ',' });
            let (name, values) = input.pick(&WORDS);
            text.push_str(name);
            text.push('=');
            match input.byte() {
                0xff => text.push_str(&String::from_utf8_lossy(input.string())),
                byte => text.push_str(values[usize::from(byte) % values.len()]),
            }
        }
    }
    text
}

/// A text is no specification, or one that is displayed in a form that stays; its features can be had or not, and
/// are numbers.
pub fn feature_spec(data: &[u8]) {
    let mut input = Input::new(data);
    let text = match data.first() {
        // A text that begins with a control character would be none.
        Some(0..0x20) => {
            input.byte();
            written(&mut input)
        }
        // The first line; the image follows.
        _ => {
            let end = data.iter().position(|&byte| byte == b'\n');
            let text = input.take(end.unwrap_or(data.len()).min(300));
            input.byte();
            String::from_utf8_lossy(text).into_owned()
        }
    };
    let spec: FeatureSpec = match text.parse() {
        Ok(spec) => spec,
        Err(error) => {
            let error: nearplane_models::features::SpecError = error;
            assert!((1..=text.chars().count() + 1).contains(&error.position()));
            return;
        }
    };
    let shown = spec.to_string();
    let again: FeatureSpec = shown
        .parse()
        .unwrap_or_else(|error| panic!("'{text}' is displayed as '{shown}': {error}"));
    assert_eq!(again, spec, "'{text}' is displayed as '{shown}'");
    assert_eq!(again.to_string(), shown);

    let (channels, height, width) = input.pick(&SHAPES);
    let shape = ImageShape {
        channels,
        height,
        width,
    };
    let Ok(extractor) = spec.check(shape) else {
        return;
    };
    let n_features = extractor.n_features();
    assert_eq!(
        extractor.blocks().last().map(|block| block.columns.end),
        Some(n_features)
    );
    if n_features > MAX_FEATURES {
        return;
    }
    let image = input.fill(channels * height * width);
    let run = |level: Level| {
        let mut out = vec![f32::NAN; n_features];
        extractor.extract(level, &image, &mut extractor.scratch(), &mut out);
        out
    };
    let expected = run(Level::SCALAR);
    assert!(
        expected.iter().all(|feature| feature.is_finite()),
        "'{shown}' of {shape:?}"
    );
    for level in Level::available() {
        let found = run(level);
        let is_same = found
            .iter()
            .zip(&expected)
            .all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(is_same, "'{shown}' of {shape:?} at {level}");
    }
}
