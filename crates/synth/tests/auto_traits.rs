//! What every public type promises beside its methods: it goes to other threads, and it can be printed.

use std::fmt::Debug;

use nearplane_synth::{
    Drawn, Edge, Perturbation, PerturbationConfig, PerturbationError, Place, SpecError,
    SpecProblem, SplitName, Step, Synth, SynthConfig, SynthError, SynthParams,
};

fn thread_safe<T: Send + Sync + Unpin + Debug>() {}

#[test]
fn public_types_go_to_other_threads() {
    thread_safe::<Drawn>();
    thread_safe::<Edge>();
    thread_safe::<Perturbation>();
    thread_safe::<PerturbationConfig>();
    thread_safe::<PerturbationError>();
    thread_safe::<Place>();
    thread_safe::<SpecError>();
    thread_safe::<SpecProblem>();
    thread_safe::<SplitName>();
    thread_safe::<Step>();
    thread_safe::<Synth>();
    thread_safe::<SynthConfig>();
    thread_safe::<SynthError>();
    thread_safe::<SynthParams>();
}
