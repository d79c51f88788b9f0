//! What can go wrong in an import: every message names the place, what was found, what was expected
//! and what to do.

use std::io;
use std::path::PathBuf;

use super::BadImage;
use crate::error::io_reason;

/// How many unreadable images an error message names; the rest is a number.
pub(super) const SHOWN_BAD_IMAGES: usize = 5;

/// Why an import failed. Nothing is ever partly imported.
///
/// Names from inside an archive are printed quoted and escaped: they are not to be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The source or the order file cannot be opened, listed or read.
    #[error("cannot read {}: {}", path.display(), io_reason(cause))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said; part of the message, so not repeated as a source.
        cause: io::Error,
    },
    /// The source is neither a folder nor an archive of a known kind.
    #[error(
        "{}: expected a folder or a .tar, .tar.gz or .tar.xz archive, found {found}; {advice}",
        path.display()
    )]
    UnknownSource {
        /// The source.
        path: PathBuf,
        /// What its first bytes look like.
        found: String,
        /// What to do with such a file.
        advice: &'static str,
    },
    /// An archive is cut short or damaged.
    #[error(
        "{}: damaged or incomplete archive at byte {offset} (unpacked), after {}{}: {reason}; fetch or pack it again",
        path.display(),
        counted(*images, "image"),
        last.as_ref().map(|entry| format!(", the last one {entry:?}")).unwrap_or_default()
    )]
    DamagedArchive {
        /// The archive.
        path: PathBuf,
        /// Position in the unpacked stream, in bytes.
        offset: u64,
        /// Images read completely before the damage.
        images: u64,
        /// The last image read completely.
        last: Option<String>,
        /// What is wrong there.
        reason: String,
    },
    /// An archive holds a name that would leave the folder it is unpacked into.
    #[error(
        "entry {entry:?} has {reason}, expected a relative path of plain names; rename it, and do not trust an archive that holds it"
    )]
    UnsafePath {
        /// The name as stored (bytes that are not UTF-8 replaced).
        entry: String,
        /// What makes it unsafe.
        reason: &'static str,
    },
    /// The same name twice.
    #[error("image {entry:?} is there twice; pack the archive again without duplicates")]
    DuplicateEntry {
        /// The name.
        entry: String,
    },
    /// There is nothing to import.
    #[error(
        "{}: no images found among {}{}, expected train/<class>/*.jpg|jpeg|png and test/<class>/... or <class>/*",
        path.display(), counted(*other_files, "file"), converted(other_pictures)
    )]
    NoImages {
        /// The source.
        path: PathBuf,
        /// Files that are not images by their names.
        other_files: u64,
        /// Pictures of kinds that are not read, as `2 .heic, 1 .webp`; empty if there is none.
        other_pictures: String,
    },
    /// More images than 32-bit indices can name.
    #[error("more than {limit} images, the limit of an import; import a part of them")]
    TooManyImages {
        /// The limit.
        limit: u32,
    },
    /// The folders are not laid out as class folders.
    #[error(
        "image {entry:?} {reason}, expected train/<class>/<image> and test/<class>/<image>, or <class>/<image>, below at most one common folder"
    )]
    Layout {
        /// An image in the wrong place.
        entry: String,
        /// How its place differs.
        reason: String,
    },
    /// A class cannot be written to `batches.meta.txt` under this name.
    #[error("class folder {name:?} {reason}; rename it")]
    ClassName {
        /// The folder.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two classes that many file systems cannot tell apart.
    #[error(
        "class folders {first:?} and {second:?} differ only by upper and lower case; rename one"
    )]
    ClassCase {
        /// One folder.
        first: String,
        /// The other folder.
        second: String,
    },
    /// More classes than a label byte can name.
    #[error("{found} class folders, the limit of the format is 256; merge or leave out some")]
    TooManyClasses {
        /// Number of class folders.
        found: usize,
    },
    /// A class cannot be learnt.
    #[error(
        "class {class:?} has no readable training image{}; add one or remove the class",
        unreadable_ones(*unreadable)
    )]
    NoTrainingImage {
        /// The class.
        class: String,
        /// Training images of the class that cannot be read.
        unreadable: usize,
    },
    /// There is no test set.
    #[error(
        "there are {} but no readable image in test/<class>/; add some or give a test ratio, which needs two images of a class",
        counted(*train as u64, "training image")
    )]
    NoTestImage {
        /// Number of training images.
        train: usize,
    },
    /// A test folder is all there is.
    #[error(
        "there are {test} images in test/<class>/ but no folder train beside it; add train/<class>/<image>, or import the folders of classes alone: a share of each class then becomes the test set"
    )]
    NoTrainFolder {
        /// Number of test images.
        test: usize,
    },
    /// Every class has one image, and a split by ratio takes two.
    #[error(
        "{classes} class folders hold {images} images, one each, which cannot be shared between training and test set: expected at least 2 images in a class; add some, or lay them out as train/<class>/<image> and test/<class>/<image>"
    )]
    TooFewToSplit {
        /// Number of classes.
        classes: usize,
        /// Number of images.
        images: usize,
    },
    /// The test ratio is not a fraction.
    #[error("test ratio {ratio}, expected a number above 0 and below 1")]
    TestRatio {
        /// The value given.
        ratio: f64,
    },
    /// Some images cannot be decoded, and skipping them was not asked for.
    #[error("{} of {images} images cannot be read: {}; repair or remove them, or skip bad images", bad.len(), shown(bad))]
    UnreadableImages {
        /// Number of images, the bad ones included.
        images: usize,
        /// Every bad image, by name.
        bad: Vec<BadImage>,
    },
    /// The one image that was asked for cannot be read.
    #[error("cannot read the image {}: {}", _0.path, _0.reason)]
    UnreadableImage(BadImage),
    /// The order file holds something other than digits and white space.
    #[error("{}: byte {offset} is {found}, expected a digit or white space", path.display())]
    OrderByte {
        /// The order file.
        path: PathBuf,
        /// Where, in bytes.
        offset: u64,
        /// The byte, printable.
        found: String,
    },
    /// The order file is too large to be one.
    #[error("{}: more than {limit} bytes, the limit of an order file (one digit per training image)", path.display())]
    OrderTooLong {
        /// The order file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// One digit cannot name every class.
    #[error("{}: an order file has one digit per image and so at most 10 classes, found {classes}; import without it", path.display())]
    OrderClasses {
        /// The order file.
        path: PathBuf,
        /// Number of classes.
        classes: usize,
    },
    /// The order file is about another number of images.
    #[error("{}: {digits} labels, but there are {images} training images; use the order file of this data set", path.display())]
    OrderCount {
        /// The order file.
        path: PathBuf,
        /// Number of labels in it.
        digits: usize,
        /// Number of training images, unreadable ones included.
        images: usize,
    },
    /// A label without a class.
    #[error("{}: label {label} at byte {offset}, but there are {classes} classes (labels 0 to {})", path.display(), classes - 1)]
    OrderLabel {
        /// The order file.
        path: PathBuf,
        /// Where, in bytes.
        offset: u64,
        /// The label.
        label: u8,
        /// Number of classes, at least one.
        classes: usize,
    },
    /// More images of a class than there are.
    #[error("{}: byte {offset} asks for image {} of class {label} ({class:?}), which has {images} training images", path.display(), images + 1)]
    OrderClassCount {
        /// The order file.
        path: PathBuf,
        /// Where, in bytes.
        offset: u64,
        /// The label.
        label: u8,
        /// Its class.
        class: String,
        /// Training images of that class, unreadable ones included.
        images: usize,
    },
    /// [`ImportProgress::cancelled`](super::ImportProgress::cancelled) said so.
    #[error("the import was cancelled after {}; nothing was kept", counted(*images, "image"))]
    Cancelled {
        /// Images decoded so far.
        images: u64,
    },
}

/// What to do about pictures that are not read, if there are any.
fn converted(other_pictures: &str) -> String {
    if other_pictures.is_empty() {
        String::new()
    } else {
        format!(" and pictures to be converted to JPEG or PNG ({other_pictures})")
    }
}

/// A number with its noun.
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn unreadable_ones(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => " (1 cannot be read)".into(),
        _ => format!(" ({count} cannot be read)"),
    }
}

/// The first few bad images with their reasons, and how many more there are.
fn shown(bad: &[BadImage]) -> String {
    let named: Vec<String> = bad
        .iter()
        .take(SHOWN_BAD_IMAGES)
        .map(|image| format!("{:?} ({})", image.path, image.reason))
        .collect();
    let more = bad.len().saturating_sub(SHOWN_BAD_IMAGES);
    if more == 0 {
        named.join(", ")
    } else {
        format!("{}, and {more} more", named.join(", "))
    }
}
