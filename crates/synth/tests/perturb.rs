//! What perturbations keep and what they change, for every image and amount; the bytes are pinned.

use nearplane_synth::{Edge, PIXELS, Perturbation, PerturbationError, Place, SpecProblem, Step};
use proptest::prelude::*;

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;

/// `image`, the picture number `index`, perturbed with seed 0.
fn perturbed_at(index: u64, steps: &[Step], image: &[u8]) -> Vec<u8> {
    let config = Perturbation {
        steps: steps.to_vec(),
    }
    .check()
    .unwrap();
    let mut out = vec![77; PIXELS];
    config.apply(index, image, &mut out);
    out
}

fn perturbed(step: &Step, image: &[u8]) -> Vec<u8> {
    perturbed_at(0, std::slice::from_ref(step), image)
}

/// Random bytes: harder than any picture.
fn image() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), PIXELS)
}

fn edge() -> impl Strategy<Value = Edge> {
    prop_oneof![Just(Edge::Repeat), any::<[u8; 3]>().prop_map(Edge::Fill)]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::Random), (0..=31).prop_map(Place::At)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (-32..=32, -32..=32, edge()).prop_map(|(dx, dy, edge)| Step::Shift { dx, dy, edge }),
        (-180..=180, edge()).prop_map(|(degrees, edge)| Step::Rotation { degrees, edge }),
        (125..=8000, edge()).prop_map(|(permille, edge)| Step::Zoom { permille, edge }),
        (-255..=255).prop_map(|offset| Step::Brightness { offset }),
        (0..=8000).prop_map(|permille| Step::Contrast { permille }),
        [-255..=255, -255..=255, -255..=255].prop_map(|[r, g, b]| Step::Tint { r, g, b }),
        (0..=255).prop_map(|amplitude| Step::Noise { amplitude }),
        (0..=31).prop_map(|radius| Step::Blur { radius }),
        (0..=32, place(), place(), any::<[u8; 3]>()).prop_map(|(side, x, y, color)| Step::Patch {
            side,
            x,
            y,
            color
        }),
    ]
}

/// The step of each kind that changes nothing.
fn identities(edge: Edge, color: [u8; 3]) -> [Step; 9] {
    [
        Step::Shift { dx: 0, dy: 0, edge },
        Step::Rotation { degrees: 0, edge },
        Step::Zoom {
            permille: 1000,
            edge,
        },
        Step::Brightness { offset: 0 },
        Step::Contrast { permille: 1000 },
        Step::Tint { r: 0, g: 0, b: 0 },
        Step::Noise { amplitude: 0 },
        Step::Blur { radius: 0 },
        Step::Patch {
            side: 0,
            x: Place::Random,
            y: Place::Random,
            color,
        },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn text_round_trips(steps in prop::collection::vec(step(), 0..5)) {
        let perturbation = Perturbation { steps };
        let text = perturbation.to_string();
        prop_assert_eq!(text.parse::<Perturbation>().unwrap(), perturbation, "{}", text);
    }

    /// No text makes the parser panic, and what it accepts can be applied.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9:=,+#é-]{0,40}|(shift|patch|zoom|tint)(:(dx|x|side|edge|permille|r)=(-?[0-9]{1,11}|random|#[0-9a-fA-F]{6}))?(,[a-z]=[0-9]+)?") {
        match text.parse::<Perturbation>() {
            Ok(perturbation) => {
                prop_assert!(perturbation.check().is_ok());
                prop_assert_eq!(perturbation.to_string().parse(), Ok(perturbation));
            }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.character())),
        }
    }

    /// In a build with overflow checks, as tests are, this also shows that no number grows too large.
    #[test]
    fn steps_follow_one_another(a in step(), b in step(), index: u64, image in image()) {
        let both = perturbed_at(index, &[a.clone(), b.clone()], &image);
        let random = |step: &Step| matches!(step, Step::Noise { .. } | Step::Patch { .. });
        if !(random(&a) && random(&b)) {
            let first = perturbed_at(index, &[a], &image);
            prop_assert!(perturbed_at(index, &[b], &first) == both);
        }
    }

    #[test]
    fn no_amount_changes_nothing(edge in edge(), color: [u8; 3], index: u64, image in image()) {
        prop_assert!(perturbed_at(index, &[], &image) == image);
        for step in identities(edge, color) {
            let out = perturbed_at(index, std::slice::from_ref(&step), &image);
            prop_assert!(out == image, "{}", step);
        }
    }

    #[test]
    fn a_shift_and_back_keeps_what_was_not_pushed_out(dx in -32_i32..=32, dy in -32_i32..=32, edge in edge(), image in image()) {
        let there = perturbed(&Step::Shift { dx, dy, edge }, &image);
        let back = perturbed(&Step::Shift { dx: -dx, dy: -dy, edge }, &there);
        let kept = |at: i32, d: i32| (0..32).contains(&(at + d));
        for place in 0..PIXELS {
            let (x, y) = ((place % SIDE) as i32, (place / SIDE % SIDE) as i32);
            if kept(x, dx) && kept(y, dy) {
                prop_assert_eq!(back[place], image[place]);
                let moved = place as i32 + dy * 32 + dx;
                prop_assert_eq!(there[moved as usize], image[place]);
            }
        }
    }

    /// A quarter turn anticlockwise takes the right edge to the top; four are a whole turn.
    #[test]
    fn quarter_turns_lose_nothing(edge in edge(), image in image()) {
        let quarter = Step::Rotation { degrees: 90, edge };
        let once = perturbed(&quarter, &image);
        for (place, &value) in once.iter().enumerate() {
            let (channel, y, x) = (place / PLANE, place / SIDE % SIDE, place % SIDE);
            prop_assert_eq!(value, image[channel * PLANE + x * SIDE + (SIDE - 1 - y)]);
        }
        let twice = perturbed(&quarter, &once);
        for degrees in [180, -180] {
            let half = Step::Rotation { degrees, edge };
            prop_assert!(twice == perturbed(&half, &image));
        }
        let back = perturbed(&Step::Rotation { degrees: -90, edge }, &once);
        prop_assert!(back == image);
    }

    /// What only moves or mixes pixels keeps between the darkest and the lightest of each channel.
    #[test]
    fn geometry_and_blur_invent_no_colors(degrees in -180..=180, permille in 125..=8000, radius in 0..=31, image in image(), low in 0_u8..=255, span in 0_u8..=40) {
        let image: Vec<u8> = image.iter().map(|&v| low.saturating_add(v % (span + 1))).collect();
        let range = image.iter().min().unwrap()..=image.iter().max().unwrap();
        for step in [
            Step::Rotation { degrees, edge: Edge::Repeat },
            Step::Zoom { permille, edge: Edge::Repeat },
            Step::Blur { radius },
        ] {
            prop_assert!(perturbed(&step, &image).iter().all(|v| range.contains(&v)), "{}", step);
        }
    }

    #[test]
    fn more_light_is_nowhere_darker(a in -255_i32..=255, b in -255_i32..=255, image in image()) {
        let [dark, light] = [a.min(b), a.max(b)].map(|offset| perturbed(&Step::Brightness { offset }, &image));
        prop_assert!(dark.iter().zip(&light).all(|(dark, light)| dark <= light));
        let gray = Step::Tint { r: a.min(b), g: a.min(b), b: a.min(b) };
        prop_assert!(dark == perturbed(&gray, &image));
    }

    /// More contrast moves every byte away from 128, never past it.
    #[test]
    fn contrast_is_about_the_middle(a in 0_i32..=8000, b in 0_i32..=8000, image in image()) {
        let [low, high] = [a.min(b), a.max(b)].map(|permille| perturbed(&Step::Contrast { permille }, &image));
        for ((&low, &high), &v) in low.iter().zip(&high).zip(&image) {
            let apart = if v < 128 { high <= low && low <= 128 } else { high >= low && low >= 128 };
            prop_assert!(apart, "{}: {}, then {}", v, low, high);
        }
    }

    #[test]
    fn noise_keeps_to_its_amplitude(amplitude in 1..=255, index: u64, image in image()) {
        let noise = [Step::Noise { amplitude }];
        let noisy = perturbed_at(index, &noise, &image);
        prop_assert!(image.iter().zip(&noisy).all(|(a, b)| i32::from(a.abs_diff(*b)) <= amplitude));
        prop_assert!(noisy != perturbed_at(index ^ 1, &noise, &image));
        prop_assert!(noisy != perturbed_at(index, &[noise[0].clone(), noise[0].clone()], &image));
    }

    #[test]
    fn a_patch_covers_its_square_and_nothing_else(side in 0_i32..=32, x in place(), y in place(), color: [u8; 3], index: u64, image in image()) {
        let covered = perturbed_at(index, &[Step::Patch { side, x, y, color }], &image);
        // The image with every byte flipped shows where the patch is: equal bytes there alone.
        let flipped: Vec<u8> = image.iter().map(|v| !v).collect();
        let covered_flipped = perturbed_at(index, &[Step::Patch { side, x, y, color }], &flipped);
        let mut n_covered = 0;
        for place in 0..PIXELS {
            if covered[place] == covered_flipped[place] {
                n_covered += 1;
                prop_assert_eq!(covered[place], color[place / PLANE]);
                let (left, top) = (place % SIDE, place / SIDE % SIDE);
                let within = |at: usize, start: Place| match start {
                    Place::Random => true,
                    Place::At(start) => (start..start + side).contains(&(at as i32)),
                };
                prop_assert!(within(left, x) && within(top, y));
            } else {
                prop_assert_eq!(covered[place], image[place]);
            }
        }
        let length = |start: Place| match start {
            Place::Random => side,
            Place::At(start) => side.min(32 - start),
        };
        prop_assert_eq!(n_covered, 3 * length(x) * length(y));
    }
}

/// Random places reach both ends, and differ between seeds.
#[test]
fn patches_are_everywhere() {
    let perturbation: Perturbation = "patch:side=30,color=#ff0000".parse().unwrap();
    let config = perturbation.check().unwrap();
    let image = vec![0; PIXELS];
    let mut corners = std::collections::BTreeSet::new();
    let mut out = vec![0; PIXELS];
    for index in 0..200 {
        config.apply(index, &image, &mut out);
        let first = out.iter().position(|&v| v == 255).unwrap();
        corners.insert((first % SIDE, first / SIDE));
    }
    assert_eq!(corners.len(), 9, "{corners:?}");
    let places = |seed| {
        let config = config.clone().with_seed(seed);
        let place = |index| {
            let mut out = vec![0; PIXELS];
            config.apply(index, &image, &mut out);
            out.iter().position(|&v| v == 255)
        };
        Vec::from_iter((0..50).map(place))
    };
    assert_ne!(places(1), places(2));
    assert_eq!(places(1), places(1));
}

/// A step that is not random leaves the random choices behind it as they were.
#[test]
fn random_choices_do_not_depend_on_steps_that_make_none() {
    let image = vec![100; PIXELS];
    let with = |spec: &str| {
        let perturbation: Perturbation = spec.parse().unwrap();
        perturbed_at(5, &perturbation.steps, &image)
    };
    assert_eq!(
        with("noise:amplitude=9"),
        with("rotation:degrees=3+noise:amplitude=9")
    );
}

#[test]
fn zoom_in_and_out() {
    let mut image = vec![0; PIXELS];
    for (place, v) in image.iter_mut().enumerate() {
        let (x, y) = (place % SIDE, place / SIDE % SIDE);
        *v = if (12..20).contains(&x) && (12..20).contains(&y) {
            200
        } else {
            0
        };
    }
    let bright = |permille| {
        let edge = Edge::Fill([0; 3]);
        let out = perturbed(&Step::Zoom { permille, edge }, &image);
        out.iter().filter(|&&v| v >= 100).count()
    };
    assert_eq!(
        [bright(500), bright(1000), bright(2000)],
        [3 * 16, 3 * 64, 3 * 256]
    );
}

#[test]
fn what_is_beyond_its_range_is_refused() {
    for (step, message) in [
        (
            Step::Shift {
                dx: 0,
                dy: -33,
                edge: Edge::Repeat,
            },
            "step 2: the dy of shift is -33, but goes from -32 to 32",
        ),
        (
            Step::Zoom {
                permille: 0,
                edge: Edge::Repeat,
            },
            "step 2: the permille of zoom is 0, but goes from 125 to 8000",
        ),
        (
            Step::Patch {
                side: 4,
                x: Place::Random,
                y: Place::At(i32::MAX),
                color: [0; 3],
            },
            "step 2: the y of patch is 2147483647, but goes from 0 to 31",
        ),
        (
            Step::Blur { radius: i32::MIN },
            "step 2: the radius of blur is -2147483648, but goes from 0 to 31",
        ),
    ] {
        let steps = vec![Step::Brightness { offset: 255 }, step];
        let error = Perturbation { steps }.check().unwrap_err();
        assert!(matches!(
            error,
            PerturbationError::OutOfRange { step: 2, .. }
        ));
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_specification_by_hand() {
    let text = "shift:dx=2,dy=-1,edge=#FF8000+noise:amplitude=10+patch:y=3,side=8";
    let perturbation: Perturbation = text.parse().unwrap();
    assert_eq!(
        perturbation.steps,
        [
            Step::Shift {
                dx: 2,
                dy: -1,
                edge: Edge::Fill([255, 128, 0])
            },
            Step::Noise { amplitude: 10 },
            Step::Patch {
                side: 8,
                x: Place::Random,
                y: Place::At(3),
                color: [128; 3]
            },
        ]
    );
    assert_eq!(
        perturbation.to_string(),
        "shift:dx=2,dy=-1,edge=#ff8000+noise:amplitude=10+patch:side=8,x=random,y=3,color=#808080"
    );
    assert_eq!("none".parse(), Ok(Perturbation::default()));
    assert_eq!(Perturbation::default().to_string(), "none");
    let error = "sift:dx=2".parse::<Perturbation>().unwrap_err();
    assert_eq!(
        error.problem(),
        &SpecProblem::UnknownStep {
            found: "sift".to_owned()
        }
    );
}

#[test]
#[should_panic(expected = "an image of 3073 bytes into 3072 bytes: both are 3072")]
fn a_record_is_not_an_image() {
    let config = Perturbation::default().check().unwrap();
    config.apply(0, &[0; PIXELS + 1], &mut [0; PIXELS]);
}

/// FNV-1a, 64 bits (tested in bytes.rs).
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Pinned: another compiler, processor or version that makes anything else fails here. The image is
/// written out, so that these do not change when drawing does.
#[test]
fn bytes_are_pinned() {
    let image: Vec<u8> = (0..PIXELS as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 / 2 + (i % 32 * 4) as u8)
        .collect();
    let pinned = [
        ("none", 0x3945_b4ab_2f0f_937d),
        ("shift:dx=3,dy=-5", 0xa404_f648_2cb7_228f),
        ("shift:dx=-7,edge=#102030", 0xe4d8_44d1_dca7_fd48),
        ("rotation:degrees=17", 0x9239_292d_1f0c_acd6),
        ("rotation:degrees=-133,edge=#ff0000", 0x1ff3_d8ff_6104_76bf),
        ("zoom:permille=1370", 0xe4b7_f178_c830_0b4d),
        ("zoom:permille=610,edge=#00ff80", 0x2317_2f7c_6967_5db0),
        ("brightness:offset=-60", 0xa146_d6f2_0465_4433),
        ("contrast:permille=430", 0xaa66_0389_1e11_6c25),
        ("tint:r=40,g=-20,b=7", 0x9853_3fdf_e902_cfec),
        ("noise:amplitude=30", 0x1d09_b950_61a1_683b),
        ("blur:radius=2", 0xabf0_5fe5_adf8_cf59),
        ("patch:side=9", 0xd4a8_1d8f_2193_fa64),
        (
            "patch:side=12,x=25,y=4,color=#123456",
            0x857f_24b3_4211_9d70,
        ),
        (
            "zoom:permille=1100+rotation:degrees=5+blur:radius=1+noise:amplitude=8+patch:side=6",
            0x0aed_7b49_6992_f6fc,
        ),
    ];
    let found = pinned.map(|(spec, _)| {
        let perturbation: Perturbation = spec.parse().unwrap();
        let config = perturbation.check().unwrap().with_seed(3);
        let mut out = vec![0; PIXELS];
        config.apply(11, &image, &mut out);
        (spec, fnv1a(&out))
    });
    let shown = found.map(|(spec, hash)| format!("({spec:?}, {hash:#018x})"));
    assert_eq!(found, pinned, "all found: {shown:#?}");
}
