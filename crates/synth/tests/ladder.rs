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

#[test]
fn every_rung_changes_more_than_the_one_below() {
    for ladder in LADDERS {
        let mut below = 0;
        for rung in ladder.rungs {
            assert_eq!(rung.name(), ladder.name);
            let perturbation = Perturbation::from(rung);
            let now = change(&perturbation);
            assert!(now > below, "{perturbation}: {now} after {below}");
            below = now;
        }
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
