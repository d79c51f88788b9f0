//! The bytes drawn are pinned: another compiler, processor or version that draws anything else fails
//! here.

use nearplane_synth::{CLASS_NAMES, PIXELS, SplitName, SynthParams};

/// FNV-1a, 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[test]
fn fnv1a_is_fnv1a() {
    assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
}

/// The hash of the first image of each class.
fn first_of_each_class(params: &SynthParams, split: SplitName) -> [u64; 10] {
    let config = params.check().unwrap();
    let mut hashes = [0; 10];
    for index in 0..10 {
        let mut image = [0; PIXELS];
        let label = config.draw(split, index, &mut image);
        hashes[usize::from(label)] = fnv1a(&image);
    }
    hashes
}

fn check(params: &SynthParams, split: SplitName, expected: [u64; 10]) {
    let found = first_of_each_class(params, split);
    let shown: Vec<String> = found.iter().map(|hash| format!("{hash:#018x}")).collect();
    for (class, name) in CLASS_NAMES.iter().enumerate() {
        assert_eq!(
            found[class], expected[class],
            "the first {name}; all found: {shown:?}"
        );
    }
}

#[test]
fn first_training_images() {
    check(
        &SynthParams::default(),
        SplitName::Train,
        [
            0x2241_bbc3_95e3_6d94,
            0x6bf4_a8e8_d4e4_9150,
            0xa888_500c_beb0_000d,
            0xc29d_9ff7_ddf2_0489,
            0xbcf6_9873_393b_1a9c,
            0xf968_3e88_e429_9ee1,
            0xbbee_37a1_0d92_b877,
            0x9860_1834_f2ab_ebec,
            0xa660_9235_de0a_b260,
            0x1c30_162c_b7f5_0b73,
        ],
    );
}

#[test]
fn first_test_images() {
    check(
        &SynthParams::default(),
        SplitName::Test,
        [
            0x366e_8795_255c_297b,
            0x765b_9ec0_b0a3_f359,
            0xe66d_5569_d857_cacb,
            0xc0df_a692_bc5a_4089,
            0x00c3_6b31_47a1_5b32,
            0xdc44_64db_e5fc_3a88,
            0xcb7b_ef9f_2b2c_d309,
            0xf54c_4fc3_81bb_49bd,
            0x7b32_6a07_24a3_6333,
            0x82c8_6c10_bbc0_dbe1,
        ],
    );
}

#[test]
fn first_images_of_another_seed_at_the_hardest() {
    let params = SynthParams {
        seed: u64::MAX,
        viewpoint: 1000,
        background: 1000,
        illumination: 1000,
        occlusion: 1000,
        variation: 1000,
        ..SynthParams::default()
    };
    check(
        &params,
        SplitName::Train,
        [
            0x999a_3db3_5622_f711,
            0x8e41_8e75_4cf5_d05c,
            0x55dc_2b5a_76a9_42d4,
            0x4f3c_dc4b_2168_5106,
            0xf433_e847_4251_a1e7,
            0x9106_c250_8c10_d071,
            0xc0c7_41a4_1fd1_13a8,
            0xa9b3_a639_5a7a_c7da,
            0xd4f5_fa07_d1f8_297c,
            0xc38c_e6cc_2491_1cd5,
        ],
    );
}

/// A longer stretch, in which every branch of the drawing is met.
#[test]
fn many_images() {
    let params = SynthParams {
        n_train: 500,
        n_test: 100,
        ..SynthParams::default()
    };
    let synth = nearplane_synth::generate(&params).unwrap();
    let found = [
        &synth.train.pixels,
        &synth.train.labels,
        &synth.test.pixels,
        &synth.test.labels,
    ]
    .map(|bytes| fnv1a(bytes));
    let shown = found.map(|hash| format!("{hash:#018x}"));
    assert_eq!(
        found,
        [
            0x1ea3_783d_d73a_2d1a,
            0xe3f1_f9c3_87e8_e3df,
            0x6b61_80b8_8d3b_ef91,
            0x677b_5a19_6673_9239
        ],
        "all found: {shown:?}"
    );
}
