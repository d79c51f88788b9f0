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
        histograms, blocks, ..
    } = scratch;
    let histograms = histograms.as_slice();
    let blocks = blocks.as_mut_slice();
    // All blocks in each step: the next one does not wait for the roots and quotients of this one.
    // Whole vectors are copied; what they have too much is overwritten by what follows.
    for (block, runs) in config.blocks.iter().enumerate() {
        let mut to = block * whole;
        for run in runs {
            for at in (0..run.len).step_by(LANES) {
                let values = lanes.load(sixteen(histograms, run.from + at));
                lanes.store(values, sixteen_mut(blocks, to + at));
            }
            to += run.len;
        }
        blocks[block * whole..][n_values..whole].fill(0.0);
    }
    if config.params().mode != HogMode::Cs231n {
        for block in blocks.as_chunks_mut().0.chunks_exact_mut(whole / LANES) {
            normalize(lanes, config, block, n_values);
        }
    }
    for block in 0..config.blocks.len() {
        let from = &blocks[block * whole..][..whole];
        let to = &mut out[block * n_values..];
        if to.len() < whole {
            to[..n_values].copy_from_slice(&from[..n_values]);
            continue;
        }
        for at in (0..whole).step_by(LANES) {
            lanes.store(lanes.load(sixteen(from, at)), sixteen_mut(to, at));
        }
    }
}

/// One block in place, padded with zeros to whole vectors.
#[inline(always)]
fn normalize<L: Lanes>(lanes: L, config: &HogConfig, block: &mut [[f32; LANES]], n_values: usize) {
    let params = config.params();
    let epsilon = params.epsilon;
    match params.norm {
        BlockNorm::L1 => {
            let size = lanes.splat(sum(lanes, block) + epsilon);
            for values in block {
                lanes.store(lanes.div(lanes.load(values), size), values);
            }
        }
        BlockNorm::L1Sqrt => {
            let size = lanes.splat(sum(lanes, block) + epsilon);
            for values in block {
                let part = lanes.div(lanes.load(values), size);
                lanes.store(lanes.sqrt(part), values);
            }
        }
        BlockNorm::L2 => {
            let squares = squares(lanes, block);
            scale(lanes, block, 1.0 / (squares + epsilon * epsilon).sqrt());
        }
        BlockNorm::L2Hys if params.mode == HogMode::Opencv => {
            let size = squares(lanes, block).sqrt() + n_values as f32 * epsilon;
            clip(lanes, block, 1.0 / size, params.clip);
            let size = squares(lanes, block).sqrt() + OPENCV_SECOND_EPSILON;
            scale(lanes, block, 1.0 / size);
        }
        BlockNorm::L2Hys => {
            let size = (squares(lanes, block) + epsilon * epsilon).sqrt();
            clip(lanes, block, 1.0 / size, params.clip);
            let size = (squares(lanes, block) + epsilon * epsilon).sqrt();
            scale(lanes, block, 1.0 / size);
        }
    }
}

/// The sum of all numbers, which is their L1 norm: votes are not negative.
#[inline(always)]
fn sum<L: Lanes>(lanes: L, block: &[[f32; LANES]]) -> f32 {
    let mut sum = lanes.splat(0.0);
    for values in block {
        sum = lanes.add(sum, lanes.load(values));
    }
    lanes.sum(sum)
}

#[inline(always)]
fn squares<L: Lanes>(lanes: L, block: &[[f32; LANES]]) -> f32 {
    let mut sum = lanes.splat(0.0);
    for values in block {
        let values = lanes.load(values);
        sum = lanes.add(sum, lanes.mul(values, values));
    }
    lanes.sum(sum)
}

#[inline(always)]
fn scale<L: Lanes>(lanes: L, block: &mut [[f32; LANES]], factor: f32) {
    let factor = lanes.splat(factor);
    for values in block {
        lanes.store(lanes.mul(lanes.load(values), factor), values);
    }
}

/// Scaled, and none above the limit.
#[inline(always)]
fn clip<L: Lanes>(lanes: L, block: &mut [[f32; LANES]], factor: f32, limit: f32) {
    let (factor, limit) = (lanes.splat(factor), lanes.splat(limit));
    for values in block {
        let scaled = lanes.mul(lanes.load(values), factor);
        lanes.store(lanes.min(scaled, limit), values);
    }
}
