//! The two binary formats: sizes, labels and class names of a record, and the checks of lengths and labels.

use std::fmt;
use std::path::Path;

use crate::error::Error;

/// Height and width of an image, in pixels.
pub const SIDE: usize = 32;
/// Colour channels: red, green, blue, one whole plane after the other.
pub const CHANNELS: usize = 3;
/// Bytes of one image: 3 planes of 32 rows of 32 pixels, each 0..=255.
pub const PIXELS: usize = CHANNELS * SIDE * SIDE;
/// Class names that labels of one byte can tell apart.
pub const MAX_CLASSES: usize = 256;

/// The layout of a record.
///
/// A record is the labels, one byte each, followed by [`PIXELS`] bytes of image.
/// Source: <https://www.cs.toronto.edu/~kriz/cifar.html>.
///
/// ```
/// use nearplane_cifar::Format;
/// assert_eq!(Format::Cifar10.record_len(), 3073);
/// assert_eq!(Format::Cifar100.record_len(), 3074);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the formats are those of the published data sets"
)]
pub enum Format {
    /// One label, then the image.
    #[default]
    Cifar10,
    /// A coarse label, a fine label, then the image.
    Cifar100,
}

impl Format {
    /// Bytes of labels in front of each image: 1 or 2.
    #[must_use]
    pub const fn label_len(self) -> usize {
        match self {
            Format::Cifar10 => 1,
            Format::Cifar100 => 2,
        }
    }

    /// Bytes of one record: 3073 or 3074.
    #[must_use]
    pub const fn record_len(self) -> usize {
        self.label_len() + PIXELS
    }

    /// `CIFAR-10` or `CIFAR-100`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::Cifar10 => "CIFAR-10",
            Format::Cifar100 => "CIFAR-100",
        }
    }

    /// The labels of a record in the order of its bytes.
    #[must_use]
    pub const fn label_kinds(self) -> &'static [LabelKind] {
        match self {
            Format::Cifar10 => &[LabelKind::Fine],
            Format::Cifar100 => &[LabelKind::Coarse, LabelKind::Fine],
        }
    }

    /// Which byte of a record holds labels of this kind; CIFAR-10 has one kind only.
    pub(crate) const fn label_byte(self, kind: LabelKind) -> usize {
        match (self, kind) {
            (Format::Cifar100, LabelKind::Fine) => 1,
            _ => 0,
        }
    }

    /// The file of class names for labels of this kind.
    pub(crate) const fn names_file(self, kind: LabelKind) -> &'static str {
        match (self, kind) {
            (Format::Cifar10, _) => "batches.meta.txt",
            (Format::Cifar100, LabelKind::Fine) => "fine_label_names.txt",
            (Format::Cifar100, LabelKind::Coarse) => "coarse_label_names.txt",
        }
    }

    /// Labels have to be below this number where no class names are given: CIFAR-100 fixes 100 fine
    /// and 20 coarse classes, CIFAR-10 is used for any number that a byte can tell apart.
    const fn unnamed_limit(self, kind: LabelKind) -> usize {
        match (self, kind) {
            (Format::Cifar10, _) => MAX_CLASSES,
            (Format::Cifar100, LabelKind::Fine) => 100,
            (Format::Cifar100, LabelKind::Coarse) => 20,
        }
    }

    const fn label_word(self, kind: LabelKind) -> &'static str {
        match (self, kind) {
            (Format::Cifar10, _) => "label",
            (Format::Cifar100, LabelKind::Fine) => "fine label",
            (Format::Cifar100, LabelKind::Coarse) => "coarse label",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which of the two labels of a CIFAR-100 image counts; CIFAR-10 has one label and ignores this.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "CIFAR-100 has two labels")]
pub enum LabelKind {
    /// The 100 classes.
    #[default]
    Fine,
    /// The 20 superclasses.
    Coarse,
}

/// One of the two parts of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two splits")]
pub enum SplitName {
    /// The images to learn from.
    Train,
    /// The images for the end.
    Test,
}

impl fmt::Display for SplitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SplitName::Train => "train",
            SplitName::Test => "test",
        })
    }
}

/// One value for each kind of label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PerKind<T> {
    pub(crate) fine: T,
    pub(crate) coarse: T,
}

impl<T> PerKind<T> {
    pub(crate) fn get(&self, kind: LabelKind) -> &T {
        match kind {
            LabelKind::Fine => &self.fine,
            LabelKind::Coarse => &self.coarse,
        }
    }

    pub(crate) fn get_mut(&mut self, kind: LabelKind) -> &mut T {
        match kind {
            LabelKind::Fine => &mut self.fine,
            LabelKind::Coarse => &mut self.coarse,
        }
    }
}

/// Checks labels against what is known about the classes, and remembers the highest.
pub(crate) struct LabelCheck {
    format: Format,
    limits: PerKind<usize>,
    highest: PerKind<u8>,
}

impl LabelCheck {
    /// `names`: as many as were given; none means the limit of the format.
    pub(crate) fn new(format: Format, names: &PerKind<Vec<String>>) -> LabelCheck {
        let mut limits = PerKind::default();
        for &kind in format.label_kinds() {
            *limits.get_mut(kind) = match names.get(kind).len() {
                0 => format.unnamed_limit(kind),
                n => n,
            };
        }
        LabelCheck {
            format,
            limits,
            highest: PerKind::default(),
        }
    }

    /// Checks the labels of whole records; touches no byte of an image.
    pub(crate) fn check(&mut self, path: &Path, records: &[u8]) -> Result<(), Error> {
        let record_len = self.format.record_len();
        for (byte, &kind) in self.format.label_kinds().iter().enumerate() {
            let limit = *self.limits.get(kind);
            let highest = self.highest.get_mut(kind);
            for (record, bytes) in records.chunks_exact(record_len).enumerate() {
                let found = bytes[byte];
                if usize::from(found) >= limit {
                    return Err(Error::Label {
                        path: path.to_owned(),
                        record: record as u64,
                        offset: (record * record_len + byte) as u64,
                        what: self.format.label_word(kind),
                        found,
                        limit,
                    });
                }
                *highest = found.max(*highest);
            }
        }
        Ok(())
    }

    /// Names the classes 0, 1, ... up to the highest label seen where no names were given.
    pub(crate) fn number_unnamed(&self, names: &mut PerKind<Vec<String>>) {
        for &kind in self.format.label_kinds() {
            let names = names.get_mut(kind);
            if names.is_empty() {
                *names = (0..=*self.highest.get(kind))
                    .map(|label| label.to_string())
                    .collect();
            }
        }
    }
}

/// A length in bytes has to be a multiple of the record, and not 0.
pub(crate) fn check_length(path: &Path, len: u64, format: Format) -> Result<(), Error> {
    let record_len = format.record_len();
    if len == 0 {
        return Err(Error::Empty {
            path: path.to_owned(),
            record_len,
        });
    }
    match len % record_len as u64 {
        0 => Ok(()),
        rest => Err(Error::Length {
            path: path.to_owned(),
            found: len,
            record_len,
            offset: len - rest,
        }),
    }
}
