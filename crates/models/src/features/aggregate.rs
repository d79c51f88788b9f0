//! Aggregation (LECTURE 5.3): blocks of features joined into one vector, for many images at once.

use super::{
    BlockSpec, FeatureError, FeatureSpec, HistogramConfig, HistogramScratch, HogConfig, HogScratch,
    ImageShape,
};
use crate::Monitor;
use crate::neighbors::Rows;
use nearplane_kernels::{Level, prefetch};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Images that a thread takes at a time: enough that sharing them out costs nothing, few enough that
/// all threads finish together and a stop is prompt.
const IMAGES_AT_ONCE: usize = 64;

/// A block of columns.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FeatureBlock {
    /// `raw`, `hist` or `hog`; with a number, counted from 1, where the name occurs more than once.
    pub name: String,
    /// The block as specified, in full.
    pub spec: String,
    /// Its columns.
    pub columns: Range<usize>,
    /// How much it counts in a distance, see [`BlockScaler`](super::BlockScaler): at first
    /// [`BlockSpec::weight`].
    pub weight: f32,
}

/// How one block is computed.
#[derive(Debug, Clone)]
enum BlockConfig {
    Raw,
    Histogram(HistogramConfig),
    Hog(Box<HogConfig>),
}

/// Room of one block for one image at a time.
#[derive(Debug, Clone)]
enum BlockScratch {
    Raw,
    Histogram(HistogramScratch),
    Hog(Box<HogScratch>),
}

/// Room for one image at a time, to be kept from image to image.
#[derive(Debug, Clone)]
pub struct FeatureScratch(Vec<BlockScratch>);

/// Room for several threads, to be kept from call to call; [`FeatureExtractor::scratch_pool`] makes it.
#[derive(Debug)]
pub struct FeatureScratchPool(Mutex<Vec<FeatureScratch>>);

impl FeatureScratchPool {
    fn lend(&self) -> LentScratch<'_> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        LentScratch {
            scratch: free.pop(),
            pool: self,
        }
    }
}

/// Goes back when it is dropped.
struct LentScratch<'a> {
    scratch: Option<FeatureScratch>,
    pool: &'a FeatureScratchPool,
}

impl Drop for LentScratch<'_> {
    fn drop(&mut self) {
        let mut free = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.extend(self.scratch.take());
    }
}

/// A [`FeatureSpec`] for images of one shape: turns an image into one row of f32, block after block.
///
/// ```
/// use nearplane_kernels::{Level, MatRef};
/// use nearplane_models::features::{FeatureSpec, ImageShape};
/// use nearplane_models::neighbors::Rows;
/// let spec: FeatureSpec = "raw+hist:space=rgb,bins=2".parse()?;
/// let extractor = spec.check(ImageShape { channels: 1, height: 1, width: 4 })?;
/// let images = Rows::from_mat(MatRef::from_rows(&[9, 8, 7, 250, 0, 255, 255, 255], 4))?;
/// let mut features = vec![0.0; images.len() * extractor.n_features()];
/// extractor.extract_rows(Level::detect(), &images, &mut features, &())?;
/// assert_eq!(features[..6], [9.0, 8.0, 7.0, 250.0, 0.75, 0.25]);
/// assert_eq!(extractor.blocks()[1].columns, 4..6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct FeatureExtractor {
    spec: FeatureSpec,
    shape: ImageShape,
    configs: Vec<BlockConfig>,
    blocks: Vec<FeatureBlock>,
}

impl FeatureSpec {
    /// The extractor for images of a shape.
    ///
    /// # Errors
    /// [`FeatureError`] that names the block which images of this shape do not have: a cell larger than
    /// the image, say.
    pub fn check(&self, shape: ImageShape) -> Result<FeatureExtractor, FeatureError> {
        let mut configs = Vec::new();
        let mut blocks = Vec::new();
        let mut end = 0;
        for (i, block) in self.blocks().iter().enumerate() {
            let config = BlockConfig::new(block, shape)?;
            let start = end;
            end += config.n_features(shape);
            blocks.push(FeatureBlock {
                name: self.block_name(i),
                spec: block.to_string(),
                columns: start..end,
                weight: block.weight(),
            });
            configs.push(config);
        }
        Ok(FeatureExtractor {
            spec: self.clone(),
            shape,
            configs,
            blocks,
        })
    }

    /// Length of the feature vector of an image of a shape, for a shape from a file, which may be any: an extractor
    /// takes memory that grows with it.
    pub(crate) fn n_features(&self, shape: ImageShape) -> Result<usize, FeatureError> {
        let mut total = 0_usize;
        for block in self.blocks() {
            let of_block = match block {
                BlockSpec::Hog(params) => {
                    params
                        .n_features(shape)
                        .map_err(|source| FeatureError::Hog {
                            block: block.to_string(),
                            source,
                        })?
                }
                _ => BlockConfig::new(block, shape)?.n_features(shape),
            };
            total = total.saturating_add(of_block);
        }
        Ok(total)
    }

    fn block_name(&self, i: usize) -> String {
        let name = self.blocks()[i].name();
        let of_name = |blocks: &[BlockSpec]| blocks.iter().filter(|b| b.name() == name).count();
        if of_name(self.blocks()) == 1 {
            name.to_owned()
        } else {
            format!("{name}{}", of_name(&self.blocks()[..=i]))
        }
    }
}

impl BlockConfig {
    fn new(block: &BlockSpec, shape: ImageShape) -> Result<Self, FeatureError> {
        match block {
            BlockSpec::Raw => Ok(Self::Raw),
            BlockSpec::Histogram(params) => {
                params
                    .check(shape)
                    .map(Self::Histogram)
                    .map_err(|source| FeatureError::Histogram {
                        block: block.to_string(),
                        source,
                    })
            }
            BlockSpec::Hog(params) => params
                .check(shape)
                .map(|config| Self::Hog(Box::new(config)))
                .map_err(|source| FeatureError::Hog {
                    block: block.to_string(),
                    source,
                }),
        }
    }

    fn n_features(&self, shape: ImageShape) -> usize {
        match self {
            Self::Raw => shape.channels * shape.height * shape.width,
            Self::Histogram(config) => config.n_features(),
            Self::Hog(config) => config.n_features(),
        }
    }

    fn scratch(&self) -> BlockScratch {
        match self {
            Self::Raw => BlockScratch::Raw,
            Self::Histogram(config) => BlockScratch::Histogram(config.scratch()),
            Self::Hog(config) => BlockScratch::Hog(Box::new(config.scratch())),
        }
    }

    /// The features of an image, while the CPU is asked for the bytes of the next one.
    fn extract(
        &self,
        level: Level,
        image: &[u8],
        next: &[u8],
        scratch: &mut BlockScratch,
        out: &mut [f32],
    ) {
        match (self, scratch) {
            (Self::Histogram(config), BlockScratch::Histogram(scratch)) => {
                prefetch(next);
                config.extract(level, image, scratch, out);
            }
            (Self::Hog(config), BlockScratch::Hog(scratch)) => {
                config.extract_before(level, image, next, scratch, out);
            }
            (Self::Raw, BlockScratch::Raw) => {
                for (out, &byte) in out.iter_mut().zip(image) {
                    *out = f32::from(byte);
                }
            }
            _ => panic!("the scratch of another extractor"),
        }
    }
}

impl FeatureExtractor {
    /// What is extracted; displayed, it is what a result should record.
    #[must_use]
    pub fn spec(&self) -> &FeatureSpec {
        &self.spec
    }

    /// The shape of the images.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Length of the feature vector.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.columns.end)
    }

    /// The blocks in the order of their columns.
    #[must_use]
    pub fn blocks(&self) -> &[FeatureBlock] {
        &self.blocks
    }

    /// Room for [`FeatureExtractor::extract`].
    #[must_use]
    pub fn scratch(&self) -> FeatureScratch {
        FeatureScratch(self.configs.iter().map(BlockConfig::scratch).collect())
    }

    /// Room for [`FeatureExtractor::extract_rows_in`].
    #[must_use]
    pub fn scratch_pool(&self) -> FeatureScratchPool {
        FeatureScratchPool(Mutex::default())
    }

    /// The features of one image, planar bytes, on the calling thread.
    ///
    /// # Panics
    /// If `image` or `out` has another length than the shape and [`FeatureExtractor::n_features`] say,
    /// or `scratch` is that of another extractor.
    pub fn extract(
        &self,
        level: Level,
        image: &[u8],
        scratch: &mut FeatureScratch,
        out: &mut [f32],
    ) {
        self.extract_before(level, image, &[], scratch, out);
    }

    /// The same, while the CPU is asked for the bytes of the next image.
    fn extract_before(
        &self,
        level: Level,
        image: &[u8],
        mut next: &[u8],
        scratch: &mut FeatureScratch,
        out: &mut [f32],
    ) {
        let (pixels, n_features) = (self.n_bytes(), self.n_features());
        assert!(
            image.len() == pixels,
            "an image of {} bytes, expected {pixels}",
            image.len()
        );
        assert!(
            out.len() == n_features,
            "room for {} features, expected {n_features}",
            out.len()
        );
        for ((config, block), scratch) in self.configs.iter().zip(&self.blocks).zip(&mut scratch.0)
        {
            let next = core::mem::take(&mut next);
            config.extract(level, image, next, scratch, &mut out[block.columns.clone()]);
        }
    }

    /// The features of all images: `images: n x bytes` where they lie, `out: n x features`,
    /// row-major. Runs on the current rayon thread pool; `monitor` counts images, and may stop the
    /// extraction.
    ///
    /// # Errors
    /// [`FeatureError::Columns`] if the rows are not images of the shape, [`FeatureError::Cancelled`].
    ///
    /// # Panics
    /// If `out` does not hold `n x features` numbers.
    pub fn extract_rows(
        &self,
        level: Level,
        images: &Rows<'_, u8>,
        out: &mut [f32],
        monitor: &dyn Monitor,
    ) -> Result<(), FeatureError> {
        self.extract_rows_in(level, images, &self.scratch_pool(), out, monitor)
    }

    /// The same for one part of many images after the other: what a call needs is kept for the next.
    ///
    /// # Errors
    /// As [`FeatureExtractor::extract_rows`].
    ///
    /// # Panics
    /// As [`FeatureExtractor::extract_rows`], or if `scratch` was used by another extractor.
    pub fn extract_rows_in(
        &self,
        level: Level,
        images: &Rows<'_, u8>,
        scratch: &FeatureScratchPool,
        out: &mut [f32],
        monitor: &dyn Monitor,
    ) -> Result<(), FeatureError> {
        let n_features = self.n_features();
        assert!(
            out.len() == images.len() * n_features,
            "room for {} features, expected {} x {n_features}",
            out.len(),
            images.len()
        );
        if images.is_empty() || n_features == 0 {
            return Ok(());
        }
        if images.cols() != self.n_bytes() {
            return Err(FeatureError::Columns {
                found: images.cols(),
                expected: self.n_bytes(),
            });
        }
        let total = images.len() as u64;
        let done = AtomicU64::new(0);
        // A monitor may change its mind; an extraction that was stopped once has gaps.
        let stopped = AtomicBool::new(false);
        out.par_chunks_mut(IMAGES_AT_ONCE * n_features)
            .enumerate()
            .for_each_init(
                || scratch.lend(),
                |lent, (chunk, out)| {
                    let scratch = lent.scratch.get_or_insert_with(|| self.scratch());
                    if monitor.cancelled() {
                        stopped.store(true, Ordering::Relaxed);
                    }
                    if stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    let first = chunk * IMAGES_AT_ONCE;
                    for (i, out) in out.chunks_exact_mut(n_features).enumerate() {
                        let row = first + i;
                        let next = if row + 1 < images.len() {
                            images.row(row + 1)
                        } else {
                            &[]
                        };
                        self.extract_before(level, images.row(row), next, scratch, out);
                    }
                    let new = (out.len() / n_features) as u64;
                    monitor.progress(done.fetch_add(new, Ordering::Relaxed) + new, total);
                },
            );
        if stopped.into_inner() {
            return Err(FeatureError::Cancelled);
        }
        Ok(())
    }

    fn n_bytes(&self) -> usize {
        self.shape.channels * self.shape.height * self.shape.width
    }
}
