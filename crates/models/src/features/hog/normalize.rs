//! Blocks: the histograms of neighbouring cells together, divided by their size.

use super::config::HogConfig;
use super::params::{BlockNorm, HogMode};
use super::planes::{sixteen, sixteen_mut};
use super::scratch::HogScratch;
use nearplane_kernels::{LANES, Lanes};

/// OpenCV's second epsilon.
const OPENCV_SECOND_EPSILON: f32 = 1e-3;

/// All blocks in the order of the output.
#[inline(always)]
pub(super) fn blocks<L: Lanes>(
    lanes: L,
    config: &HogConfig,
    scratch: &mut HogScratch,
    out: &mut [f32],
) {
    let n_values = config.layout().n_values_per_block();
    let whole = config.padded_block();
    let HogScratch {
        histograms,
        blocks,
        sizes,
        ..
    } = scratch;
    let histograms = histograms.as_slice();
    // Whole vectors are copied; what they have too much is overwritten by what follows.
    let copies = blocks.as_mut_slice();
    let tail = lanes.load(&config.tail);
    for (block, runs) in config.blocks.iter().enumerate() {
        let mut to = block * whole;
        for run in runs {
            for at in (0..run.len).step_by(LANES) {
                let values = lanes.load(sixteen(histograms, run.from + at));
                lanes.store(values, sixteen_mut(copies, to + at));
            }
            to += run.len;
        }
    }
    // Apart from the copies: a load waits for stores of which it has parts.
    for block in 1..=config.blocks.len() {
        let last = sixteen_mut(copies, block * whole - LANES);
        lanes.store(lanes.and(lanes.load(last), tail), last);
    }
    let vectors = &mut blocks.vectors_mut()[..config.blocks.len() * whole / LANES];
    let sizes = sizes.vectors_mut();
    // The sizes of the modes' own blocks are known to the compiler.
    match whole / LANES {
        3 => Blocks::<L, 3>::new(lanes, config, vectors, sizes).normalize(config, n_values),
        5 => Blocks::<L, 5>::new(lanes, config, vectors, sizes).normalize(config, n_values),
        _ => Blocks::<L, 0>::new(lanes, config, vectors, sizes).normalize(config, n_values),
    }
    // Times what is left to multiply with, and whole vectors again.
    let factors = sizes.as_flattened();
    for block in 0..config.blocks.len() {
        let factor = lanes.splat(factors[block]);
        let from = &mut vectors[block * whole / LANES..][..whole / LANES];
        let to = &mut out[block * n_values..];
        if to.len() < whole {
            for vector in &mut *from {
                lanes.store(lanes.mul(lanes.load(vector), factor), vector);
            }
            to[..n_values].copy_from_slice(&from.as_flattened()[..n_values]);
            continue;
        }
        for (from, to) in from.iter().zip(to.as_chunks_mut().0) {
            lanes.store(lanes.mul(lanes.load(from), factor), to);
        }
    }
}

/// All blocks, each padded with zeros to whole vectors, and a number for each of them. All blocks go
/// through a step before the next one, so that none waits for its own sums, roots and quotients, and
/// those are taken of sixteen blocks at once.
/// N vectors each, or `per_block` where N is 0.
struct Blocks<'a, L, const N: usize> {
    lanes: L,
    n_blocks: usize,
    per_block: usize,
    blocks: &'a mut [[f32; LANES]],
    sizes: &'a mut [[f32; LANES]],
}

impl<'a, L: Lanes, const N: usize> Blocks<'a, L, N> {
    #[inline(always)]
    fn new(
        lanes: L,
        config: &HogConfig,
        blocks: &'a mut [[f32; LANES]],
        sizes: &'a mut [[f32; LANES]],
    ) -> Self {
        Self {
            lanes,
            n_blocks: config.blocks.len(),
            per_block: config.padded_block() / LANES,
            blocks,
            sizes,
        }
    }

    #[inline(always)]
    fn block(&mut self, block: usize) -> &mut [[f32; LANES]] {
        let per_block = if N > 0 { N } else { self.per_block };
        &mut self.blocks[block * per_block..][..per_block]
    }

    /// Leaves a factor for each block that its numbers still have to be multiplied with.
    #[inline(always)]
    fn normalize(&mut self, config: &HogConfig, n_values: usize) {
        let params = config.params();
        if params.mode == HogMode::Cs231n {
            self.sizes.as_flattened_mut().fill(1.0);
            return;
        }
        let epsilon = params.epsilon;
        match params.norm {
            BlockNorm::L1 => {
                self.measure::<false>();
                self.divide::<false>(epsilon);
                self.sizes.as_flattened_mut().fill(1.0);
            }
            BlockNorm::L1Sqrt => {
                self.measure::<false>();
                self.divide::<true>(epsilon);
                self.sizes.as_flattened_mut().fill(1.0);
            }
            BlockNorm::L2 => {
                self.measure::<true>();
                self.reciprocals(epsilon * epsilon, 0.0);
            }
            BlockNorm::L2Hys => {
                let opencv = params.mode == HogMode::Opencv;
                let (in_root, behind) = if opencv {
                    (0.0, [n_values as f32 * epsilon, OPENCV_SECOND_EPSILON])
                } else {
                    (epsilon * epsilon, [0.0; 2])
                };
                self.measure::<true>();
                self.reciprocals(in_root, behind[0]);
                self.clip_and_measure(params.clip);
                self.reciprocals(in_root, behind[1]);
            }
        }
    }

    /// The size of each block: the sum of its squares, or of its numbers, which is their L1 norm:
    /// votes are not negative.
    #[inline(always)]
    fn measure<const SQUARES: bool>(&mut self) {
        let lanes = self.lanes;
        for block in 0..self.n_blocks {
            let mut sum = lanes.splat(0.0);
            for values in self.block(block) {
                let mut values = lanes.load(values);
                if SQUARES {
                    values = lanes.mul(values, values);
                }
                sum = lanes.add(sum, values);
            }
            self.sizes.as_flattened_mut()[block] = lanes.sum(sum);
        }
    }

    /// 1 / (sqrt(size + `in_root`) + `behind`) for each size.
    #[inline(always)]
    fn reciprocals(&mut self, in_root: f32, behind: f32) {
        let lanes = self.lanes;
        let (in_root, behind) = (lanes.splat(in_root), lanes.splat(behind));
        for sizes in &mut *self.sizes {
            let root = lanes.sqrt(lanes.add(lanes.load(sizes), in_root));
            let reciprocal = lanes.div(lanes.splat(1.0), lanes.add(root, behind));
            lanes.store(reciprocal, sizes);
        }
    }

    /// Each block times its number, and no value above the limit; then its size.
    #[inline(always)]
    fn clip_and_measure(&mut self, limit: f32) {
        let lanes = self.lanes;
        let limit = lanes.splat(limit);
        for block in 0..self.n_blocks {
            let factor = lanes.splat(self.sizes.as_flattened()[block]);
            let mut sum = lanes.splat(0.0);
            for values in self.block(block) {
                let clipped = lanes.min(lanes.mul(lanes.load(values), factor), limit);
                lanes.store(clipped, values);
                sum = lanes.add(sum, lanes.mul(clipped, clipped));
            }
            self.sizes.as_flattened_mut()[block] = lanes.sum(sum);
        }
    }

    /// Each block divided by its size + `epsilon`, or the roots of that.
    #[inline(always)]
    fn divide<const ROOTS: bool>(&mut self, epsilon: f32) {
        let lanes = self.lanes;
        for block in 0..self.n_blocks {
            let size = lanes.splat(self.sizes.as_flattened()[block] + epsilon);
            for values in self.block(block) {
                let mut part = lanes.div(lanes.load(values), size);
                if ROOTS {
                    part = lanes.sqrt(part);
                }
                lanes.store(part, values);
            }
        }
    }
}
