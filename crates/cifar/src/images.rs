//! The images of one split as a reader sees them: by number, as rows where they lie, or as raw records.

use std::fmt;

use crate::dataset::Shard;
use crate::format::{Format, LabelKind, PIXELS};

/// The images of one split, in one or more shards of records.
pub struct Images {
    pub(crate) shards: Vec<Shard>,
    /// Number of images before each shard, and of all images at the end.
    starts: Vec<usize>,
    format: Format,
    label_byte: usize,
}

impl Images {
    pub(crate) fn new(shards: Vec<Shard>, format: Format, labels: LabelKind) -> Images {
        let mut starts = vec![0];
        let mut total = 0;
        for shard in &shards {
            total += shard.bytes().len() / format.record_len();
            starts.push(total);
        }
        Images {
            shards,
            starts,
            format,
            label_byte: format.label_byte(labels),
        }
    }

    /// Number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Whether there is no image; never true for a data set that could be opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The images as rows of bytes where they lie, one view for each file.
    pub fn shards(&self) -> impl Iterator<Item = PixelRows<'_>> {
        let (label_len, stride) = (self.format.label_len(), self.format.record_len());
        self.records().map(move |records| PixelRows {
            bytes: &records[label_len..],
            rows: records.len() / stride,
            cols: PIXELS,
            stride,
        })
    }

    /// The raw bytes of the records, labels included, one slice for each file.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.shards.iter().map(Shard::bytes)
    }

    /// All labels, in the order of the images.
    #[must_use]
    pub fn labels(&self) -> Vec<u8> {
        let mut labels = Vec::with_capacity(self.len());
        for records in self.records() {
            let records = records.chunks_exact(self.format.record_len());
            labels.extend(records.map(|record| record[self.label_byte]));
        }
        labels
    }

    /// The label of image `i`.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`Images::len`].
    #[must_use]
    pub fn label(&self, i: usize) -> u8 {
        self.record(i)[self.label_byte]
    }

    /// The 3072 bytes of image `i`: the planes red, green, blue, each of 32 rows of 32 pixels.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`Images::len`].
    #[must_use]
    pub fn image(&self, i: usize) -> &[u8] {
        &self.record(i)[self.format.label_len()..]
    }

    fn record(&self, i: usize) -> &[u8] {
        assert!(i < self.len(), "image {i} of {}", self.len());
        let shard = self.starts.partition_point(|&start| start <= i) - 1;
        let len = self.format.record_len();
        let at = (i - self.starts[shard]) * len;
        &self.shards[shard].bytes()[at..at + len]
    }
}

impl fmt::Debug for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Images")
            .field("len", &self.len())
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}

/// Images of one file as rows: row `i` is `bytes[i * stride..i * stride + cols]`.
///
/// The slice starts at the first pixel of the first row and ends with the last pixel of the last one.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PixelRows<'a> {
    /// All rows, with the labels of the following image between two of them.
    pub bytes: &'a [u8],
    /// Number of images.
    pub rows: usize,
    /// Bytes of one image, 3072.
    pub cols: usize,
    /// Bytes from one row to the next, 3073 or 3074.
    pub stride: usize,
}

impl<'a> PixelRows<'a> {
    /// Row `i`.
    ///
    /// # Panics
    ///
    /// If `i` is not below `rows`.
    #[must_use]
    pub fn row(&self, i: usize) -> &'a [u8] {
        &self.bytes[i * self.stride..i * self.stride + self.cols]
    }
}

impl fmt::Debug for PixelRows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PixelRows {{ {} x {}, stride {} }}",
            self.rows, self.cols, self.stride
        )
    }
}
