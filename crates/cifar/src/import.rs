//! Class folders of image files -> the CIFAR-10 binary format.
//!
//! The source is a folder, or a `.tar`, `.tar.gz` or `.tar.xz` archive (told apart by content, not by
//! name) of
//!
//! ```text
//! train/<class>/*.jpg|jpeg|png  and  test/<class>/...      or      <class>/*.jpg|jpeg|png
//! ```
//!
//! below at most one common folder (`photos/train/cat/1.jpg`). One thread reads and unpacks, all
//! threads of the current rayon pool decode; what is read ahead is bounded in bytes.
//!
//! **Classes** are the folders, sorted by name (byte order): the first has label 0. At most 256.
//!
//! **Rows.** Within a class, images are sorted by name in byte order (`10.jpg` comes before `2.jpg`:
//! pad numbers with zeros). The test set, and without an order file the training set, take image 0 of
//! every class, then image 1 of every class, and so on, so that the first rows are as balanced as the
//! whole. An order file (at most ten classes) holds one digit for each training image, white space
//! ignored: its i-th digit c says that row i is the next image of class c.
//!
//! **Test set.** Without a folder `test`, a share of each class becomes the test set: round(n ratio)
//! images, at least one and never all, picked by a shuffle that depends on the seed and the class name
//! only (SplitMix64 started at seed XOR FNV-1a of the name, Fisher-Yates from the end).
//!
//! **Pixels.** Any size but 32x32 is resized to it with the Catmull-Rom filter, the aspect ratio not
//! kept, and counted. An orientation in the EXIF data is applied. Grey becomes equal red, green and
//! blue; 16 bits a channel become 8; transparent pixels are blended with white, as on a white page.
//!
//! **Bad files.** A file that is empty, cut short, damaged, neither JPEG nor PNG whatever its name, or
//! beyond a limit (64 MiB; 16,384 pixels a side; 2^26 pixels) is unreadable, and the import fails with
//! a list, or leaves these files out with [`ImportOptions::skip_bad`]. They keep their places until
//! then: the split and the order file count them, and skipping one moves no other image to another
//! place in the order. A JPEG may be damaged in ways that nobody can see from its bytes: flipped bits
//! that are still valid codes, or an end mark put behind a cut by a repair tool.
//!
//! **Ignored**, with a note: pictures of other kinds (`.heic`, `.webp`, ...), files without one of the
//! extensions, hidden files and folders, links and special files; without a note, what systems put there
//! by themselves (`.DS_Store`, `._1.jpg`, `Thumbs.db`, `desktop.ini`). A folder beside the class folders
//! that holds no image is no class, with a note. Extensions are taken in small and in capital letters,
//! `.jpe` and `.jfif` as well. A name that is not UTF-8 is shown, sorted and, as a class, written with
//! `\xNN` for each byte that is not.
//!
//! **Refused:** names in an archive that are absolute or hold `..`, duplicate names, archives that are
//! damaged, cut short or followed by further data. Nothing is ever written under a name from an archive
//! (so that it does not matter which names a file system takes), and nothing is ever partly imported.

mod arrange;
mod decode;
mod entry;
mod error;
mod one;
mod order;
mod queue;
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rayon::iter::{ParallelBridge, ParallelIterator};

pub use self::error::ImportError;
use self::error::counted;
pub use self::one::read_image;

use self::arrange::{Arrangement, Named, arrange, permute_records};
use self::decode::Decoder;
use self::order::Order;
use self::queue::{CloseOnDrop, Item, Queue};
use self::source::{Ignored, Source};
use crate::format::Format;
use crate::write::Contents;

/// Share of the images that become the test set where nothing else is said.
pub const DEFAULT_TEST_RATIO: f64 = 0.2;
/// Largest image file, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// Rows are numbered in 32 bits everywhere.
const MAX_IMAGES: u32 = u32::MAX;
/// What may be read ahead of the decoders, in bytes.
const QUEUE_BYTES: usize = 64 << 20;

/// What to import and how.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct ImportOptions {
    /// The order file of the training set.
    pub order: Option<PathBuf>,
    /// Leave unreadable images out instead of failing.
    pub skip_bad: bool,
    /// Share of each class for the test set if there is no folder `test`, above 0 and below 1;
    /// without it [`DEFAULT_TEST_RATIO`], or an error if there is a folder `train`.
    pub test_ratio: Option<f64>,
    /// Seed of the split by ratio.
    pub seed: u64,
}

/// Progress and cancellation. `()` is no progress and no cancellation.
pub trait ImportProgress: Sync {
    /// Called after each image, from any thread, with growing `done`: be quick. `total` is known for
    /// folders only.
    fn decoded(&self, done: u64, total: Option<u64>) {
        let _ = (done, total);
    }

    /// Asked often; once it is true the import ends with [`ImportError::Cancelled`].
    fn cancelled(&self) -> bool {
        false
    }
}

impl ImportProgress for () {}

/// A file that is an image by its name but cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadImage {
    /// Path within the source.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// An imported data set, in memory.
#[derive(Debug)]
#[non_exhaustive]
pub struct Imported {
    /// Records and class names, for [`write_folder`](crate::write::write_folder).
    pub contents: Contents,
    /// Number of images that had another size than 32x32.
    pub resized: usize,
    /// Unreadable images that were left out, by path; empty without [`ImportOptions::skip_bad`].
    pub skipped: Vec<BadImage>,
    /// What a user should know: how the test set was made, what was ignored.
    pub notes: Vec<String>,
}

/// Reads class folders of images into CIFAR-10 records: label, 1024 red, 1024 green, 1024 blue bytes.
///
/// See the [module](self) for layouts, the order of rows, and what happens to odd images.
///
/// # Errors
/// [`ImportError`] for anything that would make the result doubtful; nothing is ever partly imported.
///
/// # Examples
/// ```
/// use nearplane_cifar::import::{ImportOptions, import};
///
/// let folder = tempfile::tempdir()?;
/// for (class, grey) in [("cat", 10), ("dog", 200)] {
///     std::fs::create_dir(folder.path().join(class))?;
///     for name in ["1.png", "2.png"] {
///         let picture = image::RgbImage::from_pixel(32, 32, image::Rgb([grey; 3]));
///         picture.save(folder.path().join(class).join(name))?;
///     }
/// }
/// let imported = import(folder.path(), &ImportOptions::default(), &())?;
/// assert_eq!(imported.contents.class_names, ["cat", "dog"]);
/// assert_eq!(imported.contents.train.len(), 2 * 3073);
/// assert_eq!(imported.contents.test[..2], [0, 10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn import(
    src: &Path,
    options: &ImportOptions,
    progress: &dyn ImportProgress,
) -> Result<Imported, ImportError> {
    if let Some(ratio) = options.test_ratio
        && !(ratio > 0.0 && ratio < 1.0)
    {
        return Err(ImportError::TestRatio { ratio });
    }
    // Faults of the options first: they should not cost the time of an import.
    let order = options.order.as_deref().map(Order::read).transpose()?;

    let (mut decoded, ignored) = decode_all(Source::open(src)?, progress)?;
    if decoded.images.is_empty() {
        return Err(ImportError::NoImages {
            path: src.to_path_buf(),
            other_files: ignored.files,
            other_pictures: ignored.other_pictures(),
        });
    }
    decoded.images.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let mut pairs = decoded.images.windows(2);
    if let Some(pair) = pairs.find(|pair| pair[0].path == pair[1].path) {
        return Err(ImportError::DuplicateEntry {
            entry: pair[0].path.clone(),
        });
    }

    let bad = decoded.bad();
    if !bad.is_empty() && !options.skip_bad {
        return Err(ImportError::UnreadableImages {
            images: decoded.images.len(),
            bad,
        });
    }
    let named: Vec<Named<'_>> = decoded.images.iter().map(Image::named).collect();
    let mut arrangement = arrange(&named, options.test_ratio, options.seed, order.as_ref())?;
    drop(named);
    arrangement.notes.extend(ignored.notes());
    arrangement
        .notes
        .extend(lost_classes(&decoded.images, &ignored.folders));
    arrangement.notes.extend(rewritten_names(&decoded.images));
    let notes = std::mem::take(&mut arrangement.notes);
    Ok(Imported {
        resized: decoded.resized,
        contents: decoded.into_contents(arrangement),
        skipped: bad,
        notes,
    })
}

/// An image that was read: where its record is, or why it has none.
struct Image {
    path: String,
    record: Result<u32, String>,
}

impl Image {
    fn named(&self) -> Named<'_> {
        Named {
            path: &self.path,
            readable: self.record.is_ok(),
        }
    }
}

/// Everything decoded so far.
#[derive(Default)]
struct DecodedImages {
    images: Vec<Image>,
    /// Records with label 0, in the order in which their decoding ended.
    records: Vec<u8>,
    resized: usize,
}

const RECORD: usize = Format::Cifar10.record_len();

impl DecodedImages {
    fn add(&mut self, path: String, decoded: Result<decode::Decoded, String>) {
        let record = decoded.map(|decoded| {
            // Below 2^32, as the number of images is.
            let number = (self.records.len() / RECORD) as u32;
            self.records.push(0);
            self.records.extend_from_slice(&decoded.pixels);
            self.resized += usize::from(decoded.resized);
            number
        });
        self.images.push(Image { path, record });
    }

    fn bad(&self) -> Vec<BadImage> {
        let bad = |image: &Image| {
            Some(BadImage {
                path: image.path.clone(),
                reason: image.record.as_ref().err()?.clone(),
            })
        };
        self.images.iter().filter_map(bad).collect()
    }

    /// Labels the records and brings them into their order, in place: a second copy of a data set
    /// would be most of the memory of an import.
    fn into_contents(mut self, arrangement: Arrangement) -> Contents {
        let mut from = Vec::with_capacity(self.images.len());
        for row in arrangement.train.iter().chain(&arrangement.test) {
            // Rows are readable images only.
            if let Ok(record) = self.images[row.image].record {
                self.records[record as usize * RECORD] = row.label;
                from.push(record as usize);
            }
        }
        permute_records(&mut self.records, RECORD, &mut from);
        let test = self.records.split_off(arrangement.train.len() * RECORD);
        self.records.shrink_to_fit();
        Contents {
            format: Format::Cifar10,
            train: self.records,
            test,
            class_names: arrangement.class_names,
            ..Contents::default()
        }
    }
}

/// Folders beside the class folders in which there is no image: each was meant to be a class, perhaps.
fn lost_classes(images: &[Image], folders: &BTreeSet<String>) -> Option<String> {
    let parent = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let classes: BTreeSet<String> = images.iter().filter_map(|i| parent(&i.path)).collect();
    let depth = |folder: &str| folder.split('/').count();
    let depth_of_classes = depth(classes.first()?);
    let is_lost =
        |folder: &&String| depth(folder) == depth_of_classes && !classes.contains(*folder);
    let mut lost = folders.iter().filter(is_lost);
    let first = lost.next()?;
    Some(match lost.count() {
        0 => format!("folder {first:?} holds no JPEG or PNG file, so it is no class"),
        more => format!(
            "{} folders hold no JPEG or PNG file, so they are no classes ({first:?} is the first)",
            more + 1
        ),
    })
}

fn rewritten_names(images: &[Image]) -> Option<String> {
    let mut names = images
        .iter()
        .map(|image| &image.path)
        .filter(|path| entry::was_rewritten(path));
    let first = names.next()?;
    Some(format!(
        "{} with a name that is not UTF-8, which is written with \\xNN for such bytes, as in {first}",
        counted(1 + names.count() as u64, "image")
    ))
}

impl Ignored {
    /// `2 .heic, 1 .webp`; nothing if there is none.
    fn other_pictures(&self) -> String {
        let counts = self.pictures.iter();
        Vec::from_iter(counts.map(|(extension, count)| format!("{count} .{extension}"))).join(", ")
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.pictures.is_empty() {
            notes.push(format!(
                "left out pictures that are neither JPEG nor PNG ({}); convert them and import again to have them in",
                self.other_pictures()
            ));
        }
        if self.files > 0 {
            notes.push(match self.files {
                1 => "ignored 1 file that is not an image by its name".into(),
                files => format!("ignored {files} files that are not images by their names"),
            });
        }
        if self.links > 0 {
            notes.push(match self.links {
                1 => "ignored 1 link or special file".into(),
                links => format!("ignored {links} links or special files"),
            });
        }
        notes
    }
}

/// Remembers a cancellation: an import that was told so once never goes on.
struct Latched<'a> {
    progress: &'a dyn ImportProgress,
    cancelled: AtomicBool,
}

impl ImportProgress for Latched<'_> {
    fn decoded(&self, done: u64, total: Option<u64>) {
        self.progress.decoded(done, total);
    }

    fn cancelled(&self) -> bool {
        if self.progress.cancelled() {
            self.cancelled.store(true, Ordering::Relaxed);
        }
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// Reads on one thread, decodes on all.
fn decode_all(
    source: Source,
    progress: &dyn ImportProgress,
) -> Result<(DecodedImages, Ignored), ImportError> {
    let progress = &Latched {
        progress,
        cancelled: AtomicBool::new(false),
    };
    let total = source.total();
    let queue = Queue::new(QUEUE_BYTES);
    let decoder = Decoder::default();
    let decoded = Mutex::new(DecodedImages::default());

    let read = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            // Whatever ends the reader, the decoders do not wait for more.
            let _close = CloseOnDrop(&queue);
            source.read(&queue, progress).inspect_err(|_| queue.abort())
        });
        let _close = CloseOnDrop(&queue);
        (&queue).par_bridge().for_each(|Item { path, bytes }| {
            if progress.cancelled() {
                queue.abort();
                return;
            }
            let image = bytes.and_then(|bytes| decoder.decode(&bytes));
            let mut decoded = decoded.lock().unwrap_or_else(PoisonError::into_inner);
            decoded.add(path, image);
            progress.decoded(decoded.images.len() as u64, total);
        });
        reader.join()
    });

    let decoded = decoded.into_inner().unwrap_or_else(PoisonError::into_inner);
    // A cancelled reader ends with an error of its own, or as if all had been read.
    if progress.cancelled() {
        return Err(ImportError::Cancelled {
            images: decoded.images.len() as u64,
        });
    }
    match read {
        Ok(read) => read.map(|ignored| (decoded, ignored)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
