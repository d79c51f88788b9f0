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
            0x5439_776b_f4d7_32ed,
            0x5d1f_9223_2d79_14bd,
            0xaa14_239c_8a1a_597f,
            0xbc4d_0b5e_66c0_3788,
            0x6d32_9aeb_8f78_7556,
            0xc92a_728a_77ed_0703,
            0x938f_81d8_d2ed_b954,
            0xbd69_fd0e_e194_c9ac,
            0x6bfc_11a7_921d_b928,
            0x8cc8_719e_d889_31d6,
        ],
    );
}

#[test]
fn first_test_images() {
    check(
        &SynthParams::default(),
        SplitName::Test,
        [
            0x335e_61d5_9f68_f4e0,
            0x2992_d199_b8e4_cfbe,
            0xea6c_9a37_b3b7_6362,
            0x1709_4499_b728_a7b0,
            0xa36c_28d9_09db_fee6,
            0x7f7f_7aec_ce42_affe,
            0x63d9_a4fe_5707_87d6,
            0xede9_1bae_37dd_e717,
            0x9e67_f7bf_54e7_4044,
            0x7311_a3da_7d39_ff44,
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
            0x754f_bd13_f5e5_7d05,
            0x0510_50aa_c480_aea0,
            0x79a7_15eb_e346_e164,
            0x7e15_db31_9128_3ce2,
            0x9871_e006_6911_622c,
            0xb0bf_99ab_5cb2_cf66,
            0x0012_e1d8_3084_11cb,
            0x5024_b596_5874_0818,
            0xaa46_67ed_082a_6d5b,
            0x38be_7396_0a15_0801,
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
            0x6c06_c34f_8abd_143a,
            0xe3f1_f9c3_87e8_e3df,
            0x3fa6_7bbc_2890_d583,
            0x677b_5a19_6673_9239
        ],
        "all found: {shown:?}"
    );
}
