//! Histograms of oriented gradients (LECTURE 5.2): where in an image edges run, and which way.
//!
//! Pixels change with every shift and shadow, the directions of edges in a neighbourhood do not. A
//! HoG (Dalal, Triggs 2005, "Histograms of oriented gradients for human detection") counts them:
//!
//! 1. **Gamma** (optional): every byte I becomes sqrt(I).
//! 2. **Gradient**: dx = I(x+1, y) - I(x-1, y), dy = I(x, y+1) - I(x, y-1); across the border of the
//!    image it is 0. In colour, a pixel has the gradient of the channel where dx² + dy² is largest
//!    (the first of equal ones), or that of the luminance.
//! 3. **Orientation**: magnitude m = sqrt(dx² + dy²), angle a = atan2(dy, dx), modulo 180 degrees
//!    (unsigned) or 360 (signed).
//! 4. **Votes**: each pixel gives m to the bin that a falls into (hard), or shares it between the two
//!    bins whose middles are nearest (linear). With `spatial` it is shared between the nearest cells
//!    of its block as well, and a Gaussian window may lie over the block.
//! 5. **Cells and blocks**: votes are summed in cells of `cell` x `cell` pixels. Blocks of `block` x
//!    `block` cells begin every `stride` pixels and overlap, so that a cell is seen beside different
//!    neighbours.
//! 6. **Normalisation**: each block v is divided by its size, so that light and contrast do not count.
//!
//! # Parameters
//!
//! | name | default | purpose | range |
//! |---|---|---|---|
//! | `mode` | `default` | whose HoG: arithmetic, borders, order of the output | `default`, `skimage`, `opencv`, `cs231n`, `uoctti` |
//! | `cell` | 8 | pixels along a cell | 1 to the shorter side; even in `cs231n` |
//! | `block` | 2 (`skimage` 3, `cs231n` 1) | cells along a block | 1 and more; the block fits into the image |
//! | `stride` | one cell | pixels from block to block | 1 and more; multiples of `cell` in `skimage`, to the image's end in `opencv` |
//! | `bins` | 9 (`default` 18) | orientations | 1 to 360 |
//! | `signed` | no (`default`, `uoctti` yes) | a full turn or half of one | |
//! | `votes` | linear (`skimage`, `cs231n`, `uoctti` hard) | one bin or two | |
//! | `spatial` | yes (`skimage`, `cs231n` no) | votes shared among cells | |
//! | `color` | strongest (`cs231n` grey) | the channel of a gradient | |
//! | `gamma` | no | square roots first | |
//! | `norm` | L2-Hys | l1: v/(|v|₁+e); l1sqrt: its root; l2: v/sqrt(|v|₂²+e²); l2hys: l2, clipped, l2 again | |
//! | `epsilon` | 1e-5 (`default` 30, `opencv` 0.1, `uoctti` 1e-4) | keeps flat blocks at 0, faint ones small | 1e-15 to 1e15 |
//! | `clip` | 0.2 | the limit of l2hys and of `uoctti` | 1e-15 to 1e15 |
//!
//! # Modes
//!
//! Each reproduces another's numbers in that one's order; the tests compare all of them, at most 1e-4
//! apart (`tests/golden/hog.py` makes the vectors).
//!
//! - `skimage`: scikit-image 0.26. Hard votes into whole cells; pixels behind the last whole cell are
//!   not used. Order: row and column of the block, row and column of the cell, bin. Epsilon stands in
//!   both roots of L2-Hys. Bins are found from the sides of their boundaries on which a gradient lies,
//!   not from a rounded angle, so that gradients on a boundary are where the library puts them.
//! - `opencv`: `HOGDescriptor` of OpenCV 4, its window the whole image. Linear votes, shared among the
//!   cells of the block; the Gaussian window (sigma a quarter of the block) has its middle at pixel 8 of
//!   16, not between 7 and 8; the arctangent is a polynomial, up to 0.02 degrees off; L2-Hys divides by
//!   |v| + `epsilon` times the numbers of the block, then by |v| + 1e-3. Everything runs by columns:
//!   column and row of the block, column and row of the cell, bin. Channels are as stored, red first:
//!   OpenCV itself would call the first one blue, which matters only for equal gradients. (In the last
//!   columns of images whose width is no multiple of 4, it prefers the last of equal ones.)
//! - `cs231n`: the course's `hog_feature`. Differences to the next pixel instead of central ones, on the
//!   luminance .299 R + .587 G + .144 B (as published; .114 is the standard's). It adds 90 degrees to the
//!   angle and counts 0 to 180, so that gradients to the left are dropped, and of the upright ones all
//!   but the faintest. Each number is the mean over a cell, by columns of cells; no blocks, no
//!   normalisation.
//! - `uoctti`: Felzenszwalb, Girshick, McAllester, Ramanan 2010, "Object detection with discriminatively
//!   trained part-based models", as in VLFeat 0.9.21. A cell has 2 `bins` signed orientations, `bins`
//!   unsigned ones and 4 sums that measure texture: 31 numbers for 9 bins. Each is normalised by the
//!   energy of the four squares of 2 x 2 cells around the cell, clipped, and summed over the four. No
//!   gradients at the border. Order: a plane for each of the quantities.
//! - `default`: what classifies best (`benches/record` has the figures): as `opencv`, but signed, with
//!   18 bins, a Gaussian window in the middle of the block, the roots of `skimage`'s L2-Hys with an
//!   epsilon that leaves faint blocks small, and the order of `skimage`. A bare `hog` is two scales of
//!   it, [`HogParams::default_scales`].
//!
//! # How it is computed
//!
//! Gradients of bytes are whole numbers, and so is what the channels are compared by: they become floats
//! only in the strongest channel. Where roots or luminances come first, all of it is in floats.
//!
//! The weight of a pixel for the cell of a block is a product of one for its row and one for its column
//! (bilinear shares and Gaussians are). So votes are summed down the columns first: sixteen columns of
//! pixels in a vector, a sum for each (cell of a block along y, bin). Squares of sixteen are then
//! transposed, so that those sums lie in a vector, and summed along the rows. No pixel is looked at more
//! than once per bin, and no image needs memory of its own ([`HogScratch`] is used again).
//!
//! All steps are single IEEE operations on [`nearplane_kernels::Lanes`]: every level gives the same
//! bits. All numbers of an output are finite.

mod axis;
mod cells;
mod config;
mod extract;
mod gradient;
mod layout;
mod normalize;
mod orientation;
mod params;
mod planes;
mod scratch;
mod uoctti;

pub use cells::HogCells;
pub use config::HogConfig;
pub use layout::{HogLayout, HogOrder, HogPosition, HogQuantity};
pub use params::{BlockNorm, HogColor, HogError, HogMode, HogParams, HogVotes};
pub use scratch::HogScratch;
