//! One image: an object of some class, put before a background, partly covered, lit and photographed.

use crate::backdrop::Backdrop;
use crate::canvas::{Canvas, Patch, SIDE};
use crate::dice::{Dice, Purpose};
use crate::fixed::{ONE, cube, mul, percent};
use crate::light::Light;
use crate::object::{Object, Pose};

/// The five difficulties of LECTURE 1.2, each 0..=1 in fixed point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Difficulty {
    pub(crate) viewpoint: i64,
    pub(crate) background: i64,
    pub(crate) illumination: i64,
    pub(crate) occlusion: i64,
    pub(crate) variation: i64,
}

/// Everything decided about one image, before a pixel is drawn.
#[derive(Debug)]
pub(crate) struct Scene {
    label: u8,
    backdrop: Backdrop,
    object: Object,
    occluders: [Patch; 5],
    light: Light,
    noise: Dice,
}

impl Scene {
    /// The scene of image `index` of split number `split`.
    pub(crate) fn new(difficulty: &Difficulty, seed: u64, split: u64, index: u64) -> Self {
        let dice = |purpose| Dice::new(seed, split, index, purpose);
        let label = label(seed, split, index);
        let backdrop = Backdrop::new(&mut dice(Purpose::Background), difficulty.background);
        let pose = Pose::new(&mut dice(Purpose::Viewpoint), difficulty.viewpoint);
        let hidden = mul(percent(80), difficulty.background);
        // An object that keeps its ground's colour but not its texture would still stand out.
        let opacity = ONE - mul(percent(65), cube(difficulty.background));
        let object = Object::new(
            &mut dice(Purpose::Variation),
            difficulty.variation,
            label,
            pose,
        )
        .before(backdrop.ground, hidden, opacity);
        let mut occlusion = dice(Purpose::Occlusion);
        let occluders = [(); 5].map(|()| Patch::new(&mut occlusion, difficulty.occlusion, 18, 10));
        let light = Light::new(&mut dice(Purpose::Illumination), difficulty.illumination);
        Self {
            label,
            backdrop,
            object,
            occluders,
            light,
            noise: dice(Purpose::Noise),
        }
    }

    /// The class of the object.
    pub(crate) fn label(&self) -> u8 {
        self.label
    }

    /// Draws the image: 3072 bytes, planes of red, green and blue.
    pub(crate) fn draw(mut self, pixels: &mut [u8]) {
        let mut canvas: Canvas = [[[0; 3]; SIDE]; SIDE];
        self.backdrop.paint(&mut canvas);
        self.object.paint(&mut canvas);
        for patch in &self.occluders {
            patch.paint(&mut canvas);
        }
        self.light.fall(&mut canvas);
        for (place, color) in canvas.as_flattened().iter().enumerate() {
            let noise = self.noise.bits();
            for (channel, value) in color.iter().enumerate() {
                // Half of the difference of two random numbers of 4 bits: -7..=7, small ones more often.
                let bits = noise >> (8 * channel);
                let grain = ((bits & 15) as i64 - (bits >> 4 & 15) as i64) / 2;
                pixels[channel * SIDE * SIDE + place] = (value + grain).clamp(0, 255) as u8;
            }
        }
    }
}

/// The class of an image: each ten consecutive images have each class once, in an order of their own.
fn label(seed: u64, split: u64, index: u64) -> u8 {
    let mut order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    let mut dice = Dice::new(seed, split, index / 10, Purpose::Label);
    for i in 0..9 {
        order.swap(i, i + dice.below(10 - i as i64) as usize);
    }
    order[(index % 10) as usize]
}
