//! Ten classes of drawn 32x32 images from a seed, the same bytes on every system.
//!
//! Seven shapes and three textures, each in the layout of CIFAR-10: 3072 bytes, the
//! red, the green and the blue plane. The five things that make images hard to recognise
//! (viewpoint, background, illumination, occlusion, variation within a class; LECTURE 1.2) are
//! parameters of their own. All arithmetic is in integers.
//!
//! A [`Perturbation`] makes images from anywhere harder, by exact amounts: moved, turned, darkened,
//! tinted, blurred, partly covered.
//!
//! ```
//! use nearplane_synth::{CLASS_NAMES, SynthParams, generate};
//!
//! let synth = generate(&SynthParams { n_train: 20, n_test: 10, ..SynthParams::default() })?;
//! assert_eq!((synth.train.pixels.len(), synth.test.labels.len()), (20 * 3072, 10));
//! assert!(CLASS_NAMES[synth.train.labels[0] as usize].len() > 3);
//! # Ok::<(), nearplane_synth::SynthError>(())
//! ```

mod backdrop;
mod canvas;
mod color;
mod dice;
mod fixed;
mod knob;
mod lattice;
mod light;
mod object;
mod params;
mod perturb;
mod scene;
mod shape;

pub use knob::Knob;
pub use params::{Drawn, SplitName, Synth, SynthConfig, SynthError, SynthParams, generate};
pub use perturb::{
    Edge, LADDERS, Ladder, Perturbation, PerturbationConfig, PerturbationError, Place, Rgb,
    SpecError, SpecProblem, Step,
};
pub use shape::CLASS_NAMES;

/// The bytes of one image: 3 planes of 32 x 32.
pub const PIXELS: usize = 3072;

// The example of the crate page runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;
