//! The ladders of strengths and the knobs: every rung is in its range, differs from the one below and
//! survives being written as text; every knob turns the field of its name and no other.

use nearplane_synth::{Knob, LADDERS, PIXELS, Perturbation, SplitName, SynthParams};

/// The sum of absolute differences that the perturbation makes to the first ten images of the defaults.
fn change(perturbation: &Perturbation) -> u64 {
    let (perturbation, synth) = (
        perturbation.check().unwrap(),
        SynthParams::default().check().unwrap(),
    );
    let (mut image, mut out) = ([0; PIXELS], [0; PIXELS]);
    let mut sum = 0;
    for index in 0..10 {
        synth.draw(SplitName::Test, index, &mut image);
        perturbation.apply(index, &image, &mut out);
        let pairs = image.iter().zip(&out);
        sum += pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
    }
    sum
}

/// How far the first option is from changing nothing.
fn amount(text: &str) -> i32 {
    let number = text.split(['=', ',']).nth(1).unwrap();
    let nothing = if text.starts_with("permille") {
        1000
    } else {
        0
    };
    (number.parse::<i32>().unwrap() - nothing).abs()
}

#[test]
fn every_rung_is_stronger_than_the_one_below() {
    for ladder in LADDERS {
        let amounts = ladder
            .rungs
            .each_ref()
            .map(|rung| amount(&rung.changed_options()));
        assert!(
            amounts[0] > 0 && amounts.is_sorted_by(|a, b| a < b),
            "{amounts:?}"
        );
        // Geometry that is far off changes pixels no more than geometry that is off: only the first is least.
        let changes = ladder.rungs.map(|rung| {
            assert_eq!(rung.name(), ladder.name);
            change(&Perturbation::from(rung))
        });
        assert!(changes[0] > 0, "{}: {changes:?}", ladder.name);
        assert!(
            changes[1..].iter().all(|&change| change > changes[0]),
            "{}: {changes:?}",
            ladder.name
        );
    }
}

#[test]
fn changed_options_read_back() {
    for ladder in LADDERS {
        for rung in ladder.rungs {
            let text = format!("{}:{}", ladder.name, rung.changed_options());
            assert_eq!(text.parse(), Ok(Perturbation::from(rung)), "{text}");
        }
    }
    let same: Perturbation = "patch:side=3,x=4,color=#808080".parse().unwrap();
    assert_eq!(same.steps[0].changed_options(), "side=3,x=4");
    let none: Perturbation = "zoom:permille=1000".parse().unwrap();
    assert_eq!(none.steps[0].changed_options(), "");
}

#[test]
fn a_knob_turns_the_field_of_its_name() {
    for (i, knob) in Knob::ALL.into_iter().enumerate() {
        let mut params = SynthParams::textbook();
        knob.turn(&mut params, 321);
        let expected = Knob::ALL.map(|other| if other == knob { 321 } else { 0 });
        assert_eq!(Knob::ALL.map(|other| other.of(&params)), expected, "{i}");
        let shown = format!("{params:?}");
        assert!(shown.contains(&format!("{}: 321", knob.name())), "{shown}");
    }
}
