//! What to draw: parameters, their limits, and the sets of images they give.

use thiserror::Error;

use crate::PIXELS;
use crate::fixed::ONE;
use crate::knob::Knob;
use crate::scene::{Difficulty, Scene};

/// What to draw.
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `n_train`, `n_test` | 5000, 1000 | images of each split | 0..=2^32 - 1, and what memory can hold |
/// | `seed` | 0 | another seed, other images | any |
/// | `viewpoint` | 175 | place, size, rotation, slant of the object | 0..=1000 |
/// | `background` | 175 | colour, gratings, blotches and clutter behind it; how well it hides | 0..=1000 |
/// | `illumination` | 175 | exposure, tint, light from one side, shadow | 0..=1000 |
/// | `occlusion` | 175 | how much of the image is covered | 0..=1000 |
/// | `variation` | 175 | colours and proportions within a class | 0..=1000 |
///
/// A difficulty is in thousandths: 0 is the textbook example, 1000 hides nearly everything. Each
/// works on choices of its own, so turning one leaves the rest of every image as it was.
///
/// ```
/// use nearplane_synth::{SplitName, SynthParams};
///
/// let config = SynthParams { occlusion: 0, ..SynthParams::default() }.check()?;
/// let mut image = [0; 3072];
/// let label = config.draw(SplitName::Train, 42, &mut image);
/// assert!(label < 10);
/// # Ok::<(), nearplane_synth::SynthError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct SynthParams {
    /// Training images.
    pub n_train: usize,
    /// Test images.
    pub n_test: usize,
    /// Everything random follows from it.
    pub seed: u64,
    /// Place, size, rotation and slant of the object, in thousandths.
    pub viewpoint: u16,
    /// What is behind the object and how well it hides there, in thousandths.
    pub background: u16,
    /// Exposure, tint, light from one side and shadow, in thousandths.
    pub illumination: u16,
    /// How much of the image is covered, in thousandths.
    pub occlusion: u16,
    /// Colours and proportions within a class, in thousandths.
    pub variation: u16,
}

impl Default for SynthParams {
    fn default() -> Self {
        Self {
            n_train: 5000,
            n_test: 1000,
            seed: 0,
            viewpoint: 175,
            background: 175,
            illumination: 175,
            occlusion: 175,
            variation: 175,
        }
    }
}

impl SynthParams {
    /// The largest value of a difficulty.
    pub const HARDEST: u16 = 1000;

    /// The defaults with every difficulty at 0: textbook examples.
    #[must_use]
    pub fn textbook() -> Self {
        let mut params = Self::default();
        for knob in Knob::ALL {
            knob.turn(&mut params, 0);
        }
        params
    }

    /// Checks every limit; what comes out draws without fail.
    ///
    /// # Errors
    /// [`SynthError`]: a difficulty above 1000, or more images than row numbers or addresses reach.
    pub fn check(&self) -> Result<SynthConfig, SynthError> {
        for knob in Knob::ALL {
            let (name, value) = (knob.name(), knob.of(self));
            if value > Self::HARDEST {
                return Err(SynthError::Difficulty { name, value });
            }
        }
        for (split, n_images) in [("training", self.n_train), ("test", self.n_test)] {
            let limit = (u32::MAX as usize).min(isize::MAX as usize / PIXELS);
            if n_images > limit {
                return Err(SynthError::TooManyImages {
                    split,
                    n_images,
                    limit,
                });
            }
        }
        let fixed = |thousandths| i64::from(thousandths) * ONE / i64::from(Self::HARDEST);
        let difficulty = Difficulty {
            viewpoint: fixed(self.viewpoint),
            background: fixed(self.background),
            illumination: fixed(self.illumination),
            occlusion: fixed(self.occlusion),
            variation: fixed(self.variation),
        };
        Ok(SynthConfig {
            n_train: self.n_train,
            n_test: self.n_test,
            seed: self.seed,
            difficulty,
        })
    }
}

/// Why images cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SynthError {
    /// A difficulty beyond its range.
    #[error("the difficulty {name} is {value} thousandths, but goes from 0 to 1000")]
    Difficulty {
        /// Which one.
        name: &'static str,
        /// What was asked for, in thousandths.
        value: u16,
    },
    /// More images than row numbers or addresses reach.
    #[error("{n_images} {split} images are too many: at most {limit} can be drawn")]
    TooManyImages {
        /// Which split.
        split: &'static str,
        /// What was asked for.
        n_images: usize,
        /// The most there can be.
        limit: usize,
    },
}

/// Training images or test images: two sets without an image in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two splits")]
pub enum SplitName {
    /// The images to learn from.
    Train,
    /// The images to be judged on.
    Test,
}

/// Checked [`SynthParams`].
#[derive(Clone, Debug)]
pub struct SynthConfig {
    n_train: usize,
    n_test: usize,
    seed: u64,
    difficulty: Difficulty,
}

/// Drawn images and their labels, row `i` of one belonging to row `i` of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drawn {
    /// n x 3072, row-major; a row is the red, the green and the blue plane, each 32 rows of 32.
    pub pixels: Vec<u8>,
    /// n labels, positions in [`CLASS_NAMES`](crate::CLASS_NAMES).
    pub labels: Vec<u8>,
}

/// A drawn data set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Synth {
    /// The images to learn from.
    pub train: Drawn,
    /// The images to be judged on.
    pub test: Drawn,
}

impl SynthConfig {
    /// Draws image `index` of `split` and returns its label.
    ///
    /// The image depends on seed, difficulties, split and index alone: images can be drawn in any
    /// order, on any number of threads, and the first ones of a large set are those of a small one.
    /// Any ten images from a multiple of 10 on show each class once.
    ///
    /// # Panics
    /// If `pixels` is not 3072 bytes.
    pub fn draw(&self, split: SplitName, index: u64, pixels: &mut [u8]) -> u8 {
        assert!(
            pixels.len() == PIXELS,
            "{} bytes for an image of {PIXELS}",
            pixels.len()
        );
        // The numbers are part of the bytes drawn.
        let stream = match split {
            SplitName::Train => 0,
            SplitName::Test => 1,
        };
        let scene = Scene::new(&self.difficulty, self.seed, stream, index);
        let label = scene.label();
        scene.draw(pixels);
        label
    }

    /// Draws both splits.
    #[must_use]
    pub fn generate(&self) -> Synth {
        let drawn = |split, n_images: usize| {
            let mut pixels = vec![0; n_images * PIXELS];
            let images = pixels.chunks_exact_mut(PIXELS).enumerate();
            let labels = images
                .map(|(i, image)| self.draw(split, i as u64, image))
                .collect();
            Drawn { pixels, labels }
        };
        Synth {
            train: drawn(SplitName::Train, self.n_train),
            test: drawn(SplitName::Test, self.n_test),
        }
    }
}

/// Checks the parameters and draws both splits.
///
/// # Errors
/// As [`SynthParams::check`].
pub fn generate(params: &SynthParams) -> Result<Synth, SynthError> {
    Ok(params.check()?.generate())
}
