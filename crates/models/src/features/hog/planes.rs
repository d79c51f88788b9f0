//! Bytes to rows of floats with a margin, so that every neighbour can be read as a whole vector. All
//! are exact: bytes, their roots correctly rounded, and weighted sums of bytes below 2^24.

use super::config::HogConfig;
use super::params::{HogColor, HogMode};
use crate::features::ImageShape;
use nearplane_kernels::{LANES, Lanes};

/// Sixteen numbers from `at` on.
#[inline(always)]
pub(super) fn sixteen<T>(values: &[T], at: usize) -> &[T; LANES] {
    values[at..at + LANES]
        .first_chunk()
        .expect("a slice of sixteen")
}

/// Sixteen numbers from `at` on.
#[inline(always)]
pub(super) fn sixteen_mut<T>(values: &mut [T], at: usize) -> &mut [T; LANES] {
    values[at..at + LANES]
        .first_chunk_mut()
        .expect("a slice of sixteen")
}

/// Rows of each plane that are kept: a pixel's own, the one above and the one below.
pub(super) const KEPT: usize = 3;

/// Where row y of a plane lies.
#[inline(always)]
pub(super) fn row_of(config: &HogConfig, plane: usize, y: usize) -> core::ops::Range<usize> {
    let first = (plane * KEPT + y % KEPT) * config.stride();
    first..first + config.stride()
}

/// Row y of all planes.
#[inline(always)]
pub(super) fn fill_row<L: Lanes>(
    lanes: L,
    config: &HogConfig,
    image: &[u8],
    y: usize,
    planes: &mut [f32],
) {
    let shape = config.shape();
    let params = config.params();
    // The course's luminance in whole numbers.
    let thousandths = params.mode == HogMode::Cs231n;
    for plane in 0..config.n_planes() {
        let row = &mut planes[row_of(config, plane, y)];
        let vectors = row.as_chunks_mut().0;
        for (chunk, to) in vectors[1..].iter_mut().take(config.chunks()).enumerate() {
            let at = y * shape.width + chunk * LANES;
            let mut value = match params.color {
                HogColor::Strongest => {
                    load_bytes(lanes, image, plane * shape.height * shape.width + at)
                }
                HogColor::Grey => grey(lanes, image, shape, at, thousandths),
            };
            if params.gamma {
                value = lanes.sqrt(value);
            }
            lanes.store(value, to);
        }
    }
}

/// Sixteen pixels of the luminance.
#[inline(always)]
fn grey<L: Lanes>(
    lanes: L,
    image: &[u8],
    shape: ImageShape,
    at: usize,
    thousandths: bool,
) -> L::F32 {
    let first = load_bytes(lanes, image, at);
    if shape.channels == 1 {
        return if thousandths {
            lanes.mul(first, lanes.splat(1000.0))
        } else {
            first
        };
    }
    let size = shape.height * shape.width;
    let channels = [
        first,
        load_bytes(lanes, image, size + at),
        load_bytes(lanes, image, 2 * size + at),
    ];
    if thousandths {
        weighted(lanes, channels, [299.0, 587.0, 144.0])
    } else {
        luminance(lanes, channels)
    }
}

/// Sixteen bytes as floats; bytes behind the end of the image as 0.
#[inline(always)]
fn load_bytes<L: Lanes>(lanes: L, image: &[u8], at: usize) -> L::F32 {
    match image.get(at..at + LANES) {
        Some(bytes) => lanes.load_u8(sixteen(bytes, 0)),
        None => {
            let mut bytes = [0; LANES];
            let rest = image.get(at..).unwrap_or_default();
            bytes[..rest.len()].copy_from_slice(rest);
            lanes.load_u8(&bytes)
        }
    }
}

#[inline(always)]
fn weighted<L: Lanes>(lanes: L, channels: [L::F32; 3], weights: [f32; 3]) -> L::F32 {
    let [r, g, b] = channels;
    let r = lanes.mul(r, lanes.splat(weights[0]));
    let g = lanes.mul(g, lanes.splat(weights[1]));
    let b = lanes.mul(b, lanes.splat(weights[2]));
    lanes.add(lanes.add(r, g), b)
}

/// The luminance rounded to a whole number: s / 2^15 with s = 9798 R + 19235 G + 3735 B, all exact.
/// 2 s + 1 has no ties and rounds as s does upwards.
#[inline(always)]
fn luminance<L: Lanes>(lanes: L, channels: [L::F32; 3]) -> L::F32 {
    let doubled = weighted(lanes, channels, [19596.0, 38470.0, 7470.0]);
    let exact = lanes.mul(
        lanes.add(doubled, lanes.splat(1.0)),
        lanes.splat(1.0 / 65536.0),
    );
    // Floats at 2^23 are whole numbers.
    let whole = lanes.splat(8_388_608.0);
    lanes.sub(lanes.add(exact, whole), whole)
}
