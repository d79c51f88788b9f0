//! The working memory of an extraction, at the alignment of cache lines.

use super::config::HogConfig;
use super::extract::SQUARES;
use super::planes::KEPT;
use nearplane_kernels::LANES;

/// Bytes of a cache line and of sixteen floats.
const LINE: usize = 64;

/// Numbers that begin at a cache line: a vector that lies in two lines costs two accesses.
#[derive(Debug)]
pub(super) struct Aligned<T> {
    memory: Vec<T>,
    start: usize,
    len: usize,
}

/// Floats that begin at a cache line.
pub(super) type Floats = Aligned<f32>;

impl<T: Copy + Default> Aligned<T> {
    fn zeros(len: usize) -> Self {
        let line = LINE / size_of::<T>();
        let memory = vec![T::default(); len + line];
        // The offset may be unknown (usize::MAX) where code is evaluated by the compiler.
        let start = memory.as_ptr().align_offset(LINE).min(line);
        Self { memory, start, len }
    }

    #[inline(always)]
    pub(super) fn as_slice(&self) -> &[T] {
        &self.memory[self.start..][..self.len]
    }

    #[inline(always)]
    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.memory[self.start..][..self.len]
    }
}

impl Floats {
    /// As vectors.
    #[inline(always)]
    pub(super) fn vectors(&self) -> &[[f32; LANES]] {
        self.as_slice().as_chunks().0
    }

    /// As vectors.
    #[inline(always)]
    pub(super) fn vectors_mut(&mut self) -> &mut [[f32; LANES]] {
        self.as_mut_slice().as_chunks_mut().0
    }
}

impl<T: Copy + Default> Clone for Aligned<T> {
    /// The copy lies elsewhere, so that it has a start of its own.
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len);
        copy.as_mut_slice().copy_from_slice(self.as_slice());
        copy
    }
}

/// The working memory of one thread; [`HogConfig::scratch`] makes it.
#[derive(Debug, Clone)]
pub struct HogScratch {
    /// The channels as floats, where gradients are of floats: channel x three rows x (margin, pixels, margin).
    pub(super) planes: Floats,
    /// The channels, with a margin on both sides of each, where gradients are taken from bytes: every
    /// neighbour can be read, and what is not one is masked.
    pub(super) bytes: Aligned<u8>,
    /// What pixels vote: chunk of a row x row of a strip x (even bin, its votes, odd bin, its votes).
    pub(super) field: Floats,
    /// Votes collected along columns: chunk of a row x (row target, bin) x column.
    pub(super) rows: Floats,
    /// Votes collected along both: column target x (row target, bin).
    pub(super) histograms: Floats,
    /// Pixels of a row that lie along vectors: column of a chunk x square x (row target, bin).
    pub(super) turned: Vec<[[f32; LANES]; SQUARES]>,
    /// Blocks, each padded to whole vectors.
    pub(super) blocks: Floats,
    /// A number for each block: its size, or what it is multiplied with.
    pub(super) sizes: Floats,
}

/// Vectors that describe the votes of sixteen pixels.
pub(super) const FIELD: usize = 4;

/// Bytes on each side of a channel: a pair of chunks that begins at its last pixel, and one more, in
/// whole cache lines.
pub(super) const MARGIN: usize = LINE;

/// Bytes from the begin of a channel to that of the next.
#[inline(always)]
pub(super) const fn plane_stride(height: usize, width: usize) -> usize {
    (height * width).next_multiple_of(LINE) + MARGIN
}

impl HogScratch {
    pub(super) fn new(config: &HogConfig) -> Self {
        let [planes, field, rows, histograms, blocks, block_sizes] = sizes(config);
        Self {
            planes: Floats::zeros(planes),
            bytes: Aligned::zeros(bytes(config)),
            field: Floats::zeros(field),
            rows: Floats::zeros(rows),
            histograms: Floats::zeros(histograms),
            turned: vec![[[0.0; LANES]; SQUARES]; LANES],
            blocks: Floats::zeros(blocks),
            sizes: Floats::zeros(block_sizes),
        }
    }

    /// Whether it was made for a HoG of the same sizes.
    pub(super) fn fits(&self, config: &HogConfig) -> bool {
        let parts = [
            &self.planes,
            &self.field,
            &self.rows,
            &self.histograms,
            &self.blocks,
            &self.sizes,
        ];
        parts.map(|part| part.len) == sizes(config) && self.bytes.len == bytes(config)
    }
}

fn bytes(config: &HogConfig) -> usize {
    if config.of_bytes() {
        let shape = config.shape();
        MARGIN + shape.channels * plane_stride(shape.height, shape.width)
    } else {
        0
    }
}

/// Floats of each part. Where runs of numbers are copied in whole vectors there is one more.
fn sizes(config: &HogConfig) -> [usize; 6] {
    let chunks = config.chunks();
    [
        config.n_planes() * KEPT * config.stride(),
        FIELD * chunks * config.strip_rows * LANES,
        chunks * config.pooled * LANES,
        config.columns.len() * config.pooled + LANES,
        config.blocks.len() * config.padded_block() + LANES,
        config.blocks.len().next_multiple_of(LANES),
    ]
}
