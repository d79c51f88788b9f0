//! The specification string: what it means, that its display parses back to the same, and one clear
//! line for everything that it cannot mean.

use nearplane_models::features::*;
use proptest::prelude::*;

fn parse(spec: &str) -> FeatureSpec {
    spec.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn histogram(spec: &str) -> HistogramParams {
    match parse(spec).blocks() {
        [BlockSpec::Histogram(params)] => *params,
        blocks => panic!("{spec}: {blocks:?}"),
    }
}

fn hog(spec: &str) -> HogParams {
    match parse(spec).blocks() {
        [BlockSpec::Hog(params)] => *params,
        blocks => panic!("{spec}: {blocks:?}"),
    }
}

#[test]
fn options_set_parameters() {
    assert_eq!(histogram("hist"), HistogramParams::default());
    assert_eq!(
        histogram("hist:space=hsv,bins=10,smooth=1,grid=2,norm=sqrt"),
        HistogramParams {
            mode: HistogramMode::Default,
            space: HistogramSpace::Hsv,
            bins: 10,
            grid: 2,
            norm: HistogramNorm::Sqrt,
            smooth: 1,
        }
    );
    let params =
        hog("hog:mode=skimage,cell=4,block=3,bins=12,norm=l1sqrt,signed=1,gamma=1,color=grey");
    let expected = HogParams {
        cell: 4,
        stride: 4,
        block: 3,
        bins: 12,
        norm: BlockNorm::L1Sqrt,
        signed: true,
        gamma: true,
        color: HogColor::Grey,
        ..HogParams::new(HogMode::Skimage)
    };
    assert_eq!(params, expected);
    assert_eq!(hog("hog:cell=4,stride=8").stride, 8);
    assert_eq!(parse("raw+hist+raw").blocks().len(), 3);
}

#[test]
fn a_mode_or_space_sets_the_rest_wherever_it_stands() {
    assert_eq!(
        histogram("hist:bins=7,space=hsv"),
        histogram("hist:space=hsv,bins=7")
    );
    assert_eq!(histogram("hist:space=rgb").bins, 16);
    assert_eq!(
        histogram("hist:bins=5").grid,
        HistogramParams::default().grid
    );
    assert_eq!(histogram("hist:mode=opencv").norm, HistogramNorm::None);
    assert_eq!(histogram("hist:mode=cs231n,space=hsv").bins, 10);
    assert_eq!(
        hog("hog:bins=18,mode=opencv"),
        HogParams {
            bins: 18,
            ..HogParams::new(HogMode::Opencv)
        }
    );
}

/// (specification, character, what the message says)
const BAD: [(&str, usize, &str); 27] = [
    ("", 1, "a block is missing, expected one of raw, hist, hog"),
    ("hist+", 6, "a block is missing"),
    ("+hist", 1, "a block is missing"),
    ("raw++hog", 5, "a block is missing"),
    (
        "hgo",
        1,
        "unknown block 'hgo', did you mean 'hog'? expected one of",
    ),
    ("raw+sift", 5, "unknown block 'sift', expected one of"),
    (
        "hist + hog",
        1,
        "unknown block 'hist ', did you mean 'hist'?",
    ),
    ("raw:bins=3", 5, "block 'raw' has no options"),
    (
        "hog:",
        5,
        "an option is missing, expected name=value with one of mode, cell,",
    ),
    ("hog:cell=8,", 12, "an option is missing"),
    (
        "hog:cel=8",
        5,
        "unknown option 'cel' of hog, did you mean 'cell'?",
    ),
    (
        "raw+hist:smoth=1",
        10,
        "unknown option 'smoth' of hist, did you mean 'smooth'?",
    ),
    ("hog:Cell=8", 5, "did you mean 'cell'?"),
    (
        "hog:cell",
        9,
        "option 'cell' has no value, expected cell=a whole number from 1 to",
    ),
    ("hog:cell=", 10, "option 'cell' has no value"),
    (
        "hist:norm=",
        11,
        "option 'norm' has no value, expected norm=none|l1|l2|sqrt",
    ),
    (
        "hog:cell=0",
        10,
        "cell = '0' is not possible, expected a whole number from 1 to",
    ),
    ("hog:cell=-3", 10, "cell = '-3' is not possible"),
    ("hog:bins=9,cell=2.5", 17, "cell = '2.5' is not possible"),
    (
        "hog:cell=99999999999999999999",
        10,
        "is not possible, expected a whole number from 1 to",
    ),
    ("hist:cell=8", 6, "unknown option 'cell' of hist"),
    ("hist:bins=8,bins=9", 13, "option 'bins' is given twice"),
    (
        "hist:space=hsv,bins=361",
        21,
        "bins = '361' is not possible, expected a whole number from 1 to 360",
    ),
    (
        "hog:mode=sklearn",
        10,
        "mode = 'sklearn' is not possible, expected default|skimage|opencv|cs231n|uoctti",
    ),
    (
        "hog:color=2",
        11,
        "color = '2' is not possible, expected 1|grey",
    ),
    (
        "hist:mode=opencv,space=rgb",
        24,
        "count hue only, use them with space hsv",
    ),
    ("é:x=1+hog:cell=0", 1, "unknown block 'é'"),
];

#[test]
fn every_name_is_a_block_and_what_it_displays_is_the_same_block() {
    for name in BlockSpec::NAMES {
        let spec = parse(name);
        assert!(spec.blocks().iter().all(|block| block.name() == name));
        assert_eq!(parse(&spec.to_string()), spec);
    }
}

#[test]
fn what_means_nothing_gets_one_line_that_names_the_character() {
    for (spec, position, message) in BAD {
        let error = spec.parse::<FeatureSpec>().unwrap_err();
        let line = error.to_string();
        assert_eq!(error.position(), position, "{line}");
        let start = format!("feature specification '{spec}', character {position}: ");
        assert!(line.starts_with(&start), "{line}");
        assert!(line.contains(message), "{line}\nlacks: {message}");
        assert!(!line.contains('\n') && !line.ends_with('.'), "{line}");
    }
}

#[test]
fn characters_are_counted_not_bytes() {
    let error = "hog:norm=é,cell=0".parse::<FeatureSpec>().unwrap_err();
    assert_eq!(
        error.position(),
        10,
        "the norm is read after the cell: {error}"
    );
    let error = "hist:norm=é".parse::<FeatureSpec>().unwrap_err();
    assert!(error.to_string().contains("norm = 'é'"), "{error}");
}

fn any_histogram() -> impl Strategy<Value = String> {
    let space = prop_oneof![
        Just(("rgb", 256usize)),
        Just(("hsv", 360)),
        Just(("joint", 16))
    ];
    let norm = prop_oneof![Just("none"), Just("l1"), Just("l2"), Just("sqrt")];
    (space, 0usize..10_000, 1usize..9, norm, 0usize..5, 0u8..32).prop_map(
        |((space, most), bins, grid, norm, smooth, given)| {
            let mut options = vec![
                format!("space={space}"),
                format!("bins={}", bins % most + 1),
            ];
            let more = [
                format!("grid={grid}"),
                format!("norm={norm}"),
                format!("smooth={smooth}"),
            ];
            let chosen = more.into_iter().enumerate();
            options.extend(chosen.filter(|(i, _)| given >> i & 1 == 1).map(|(_, o)| o));
            options.rotate_left(usize::from(given) % 2);
            format!("hist:{}", options.join(","))
        },
    )
}

fn any_hog() -> impl Strategy<Value = String> {
    let mode = prop_oneof![
        Just("default"),
        Just("skimage"),
        Just("opencv"),
        Just("cs231n"),
        Just("uoctti")
    ];
    let norm = prop_oneof![Just("l1"), Just("l1sqrt"), Just("l2"), Just("l2hys")];
    let numbers = (1usize..40, 1usize..5, 1usize..40, 1usize..40, 1e-9f32..3.0);
    (mode, norm, numbers, any::<u16>()).prop_map(
        |(mode, norm, (cell, block, stride, bins, clip), given)| {
            let options = [
                format!("clip={clip}"),
                format!("mode={mode}"),
                format!("cell={cell}"),
                format!("block={block}"),
                format!("stride={stride}"),
                format!("bins={bins}"),
                format!("signed={}", given >> 14 & 1),
                format!("gamma={}", given >> 15),
                format!("norm={norm}"),
                format!("color={}", if given & 1 == 1 { "1" } else { "grey" }),
            ];
            let chosen = options.into_iter().enumerate();
            let chosen: Vec<String> = chosen
                .filter(|(i, _)| given >> i & 1 == 1)
                .map(|(_, o)| o)
                .collect();
            if chosen.is_empty() {
                "hog".to_owned()
            } else {
                format!("hog:{}", chosen.join(","))
            }
        },
    )
}

proptest! {
    #[test]
    fn the_display_parses_back_to_the_same(
        blocks in prop::collection::vec(
            prop_oneof![Just("raw".to_owned()), Just("hist".to_owned()), any_histogram(), any_hog()],
            1..5,
        ),
    ) {
        let spec = parse(&blocks.join("+"));
        let full = spec.to_string();
        prop_assert_eq!(&parse(&full), &spec);
        prop_assert_eq!(parse(&full).to_string(), full);
    }

    /// Whatever is typed, the answer is a specification or a line that names a character of it.
    #[test]
    fn nothing_typed_panics(spec in "[a-z0-9:=,+.é-]{0,40}|(hist|hog):[a-z]{3,6}=[0-9a-z]{0,4}(,[a-z=0-9]{0,9})?") {
        if let Err(error) = spec.parse::<FeatureSpec>() {
            prop_assert!((1..=spec.chars().count() + 1).contains(&error.position()), "{}", error);
        }
    }
}
