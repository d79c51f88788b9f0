//! A data set that is open: images and labels by split, class names, and whether its files are still
//! the ones that were opened.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::Error;
use crate::format::{Format, LabelCheck, LabelKind, PerKind, SplitName, check_length};
use crate::images::Images;
use crate::layout::{Layout, check_is_file, read_names};
use crate::map::Mapping;

/// How to open a data set.
///
/// | name | default | purpose |
/// |---|---|---|
/// | `labels` | fine | which labels of CIFAR-100 to hand out; all of them are checked |
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct OpenOptions {
    /// Which labels of CIFAR-100 to hand out; without a meaning for CIFAR-10.
    pub labels: LabelKind,
}

/// A CIFAR-10 or CIFAR-100 data set, mapped, read or made in memory.
///
/// ```
/// use nearplane_cifar::{Dataset, Format};
/// let record = |label: u8| [vec![label], vec![128; 3072]].concat();
/// let train = vec![record(0), record(1)].concat();
/// let names = ["cat".to_string(), "dog".to_string()];
/// let data = Dataset::from_memory(Format::Cifar10, vec![train], record(1), names.into())?;
/// assert_eq!(data.train().labels(), [0, 1]);
/// assert_eq!(data.test().image(0), [128; 3072]);
/// assert_eq!(data.class_names(), ["cat", "dog"]);
/// # Ok::<(), nearplane_cifar::Error>(())
/// ```
pub struct Dataset {
    format: Format,
    path: Option<PathBuf>,
    train: Images,
    test: Images,
    labels: LabelKind,
    names: PerKind<Vec<String>>,
    notes: Vec<String>,
}

/// The classes of CIFAR-10.
const CLASSES_10: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

impl Dataset {
    /// Opens a folder by reading its files into memory, for file systems and programs that a mapping
    /// does not suit; the checks are those of [`Dataset::map`].
    ///
    /// # Errors
    ///
    /// Every [`Error`] that describes a folder, a file, a length, a label or class names, and
    /// [`Error::Changed`] if a file changes while it is read.
    pub fn read(dir: &Path, options: &OpenOptions) -> Result<Dataset, Error> {
        Dataset::open(dir, options, |file, path, stamp| {
            read_whole(file, path, stamp).map(|bytes| Shard::owned(path, bytes))
        })
    }

    /// Makes a data set of record bytes that are in memory already, such as drawn images.
    ///
    /// `train`: one or more parts of whole records, `test`: whole records, both laid out as in the files
    /// of `format`. `class_names`: one for each label (for CIFAR-100 each fine label), or none: then the
    /// classes are named 0, 1, ... up to the highest label.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`], [`Error::Length`], [`Error::Label`] and [`Error::TooManyNames`], with a path that
    /// names the part, such as `memory: train part 1`.
    pub fn from_memory(
        format: Format,
        train: Vec<Vec<u8>>,
        test: Vec<u8>,
        class_names: Vec<String>,
    ) -> Result<Dataset, Error> {
        if class_names.len() > crate::MAX_CLASSES {
            return Err(Error::TooManyNames {
                path: "memory: class names".into(),
                found: class_names.len(),
                limit: crate::MAX_CLASSES,
            });
        }
        if train.is_empty() {
            check_length(Path::new("memory: train"), 0, format)?;
        }
        let names = PerKind {
            fine: class_names,
            coarse: Vec::new(),
        };
        let part = |name: String, bytes| Shard::owned(Path::new(&name), bytes);
        let train = (1..)
            .zip(train)
            .map(|(number, bytes)| part(format!("memory: train part {number}"), bytes))
            .collect();
        let test = part("memory: test".to_string(), test);
        Dataset::assemble(format, LabelKind::Fine, train, test, names)
    }

    /// Finds the files, checks all lengths, then loads file by file and checks the labels.
    pub(crate) fn open(
        dir: &Path,
        options: &OpenOptions,
        load: impl Fn(File, &Path, Stamp) -> Result<Shard, Error>,
    ) -> Result<Dataset, Error> {
        let layout = Layout::find(dir)?;
        let format = layout.format;
        let mut names = PerKind::default();
        for &kind in format.label_kinds() {
            if let Some(path) = layout.names.get(kind) {
                *names.get_mut(kind) = read_names(path)?;
            }
        }
        let open = |path: &PathBuf| {
            check_is_file(path)?;
            let file = File::open(path).map_err(Error::io(path, "open the file"))?;
            let stamp = Stamp::of(&file, path)?;
            check_length(path, stamp.len, format)?;
            Ok((file, stamp))
        };
        let train = layout.train.iter().map(open);
        let train = train.collect::<Result<Vec<_>, Error>>()?;
        let (file, stamp) = open(&layout.test)?;
        let test = load(file, &layout.test, stamp)?;
        let train = train
            .into_iter()
            .zip(&layout.train)
            .map(|((file, stamp), path)| load(file, path, stamp))
            .collect::<Result<Vec<_>, Error>>()?;
        let mut dataset = Dataset::assemble(format, options.labels, train, test, names)?;
        dataset.path = Some(dir.to_owned());
        dataset.notes = layout.notes;
        let named = layout.names.get(LabelKind::Fine).is_some();
        dataset.add_notes(options, named);
        Ok(dataset)
    }

    /// Checks lengths and labels, and numbers the classes that have no names.
    fn assemble(
        format: Format,
        labels: LabelKind,
        train: Vec<Shard>,
        test: Shard,
        mut names: PerKind<Vec<String>>,
    ) -> Result<Dataset, Error> {
        let mut check = LabelCheck::new(format, &names);
        for shard in train.iter().chain([&test]) {
            check_length(&shard.path, shard.bytes().len() as u64, format)?;
            check.check(&shard.path, shard.bytes())?;
        }
        check.number_unnamed(&mut names);
        Ok(Dataset {
            format,
            path: None,
            train: Images::new(train, format, labels),
            test: Images::new(vec![test], format, labels),
            labels,
            names,
            notes: Vec::new(),
        })
    }

    fn add_notes(&mut self, options: &OpenOptions, named: bool) {
        let found = (self.train.len(), self.test.len());
        let classes = self.class_names().len();
        let published = (50_000, 10_000);
        // Ten classes of other names are no part of CIFAR-10, and nothing is missing from them.
        let may_be_a_part = !named || self.class_names() == CLASSES_10;
        if self.format == Format::Cifar10 && classes == 10 && may_be_a_part && found != published {
            self.notes.push(format!(
                "ten classes as in CIFAR-10, but {} training and {} test images where CIFAR-10 has {} and {}",
                found.0, found.1, published.0, published.1
            ));
        }
        if self.format == Format::Cifar10 && options.labels == LabelKind::Coarse {
            self.notes.push(
                "coarse labels were asked for, but CIFAR-10 has one kind of labels; they are used"
                    .into(),
            );
        }
    }

    /// The images to learn from, in the order of the batches.
    #[must_use]
    pub fn train(&self) -> &Images {
        &self.train
    }

    /// The images for the end.
    #[must_use]
    pub fn test(&self) -> &Images {
        &self.test
    }

    /// One of the two by name.
    #[must_use]
    pub fn split(&self, name: SplitName) -> &Images {
        match name {
            SplitName::Train => &self.train,
            SplitName::Test => &self.test,
        }
    }

    /// Names of the classes, one for each label that [`Images::label`] can return.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        self.names_of(self.labels)
    }

    /// Names of the classes of one kind of labels; CIFAR-10 has one kind only.
    #[must_use]
    pub fn names_of(&self, kind: LabelKind) -> &[String] {
        match self.format {
            Format::Cifar10 => &self.names.fine,
            Format::Cifar100 => self.names.get(kind),
        }
    }

    /// The layout of the records.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The folder, as it was given; `None` for a data set made in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What a user should know although nothing is wrong, one sentence each.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Compares length and modification time of every mapped file with those at opening.
    ///
    /// To be called after the last access and before a result is shown: a file that shrank within its
    /// last page reads as zeros there, and no signal tells. Data sets in memory cannot change.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`] for the first file that differs, [`Error::Io`] if it cannot be examined.
    pub fn verify_unchanged(&self) -> Result<(), Error> {
        let mut shards = self.train.shards.iter().chain(&self.test.shards);
        shards.try_for_each(Shard::verify_unchanged)
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("format", &self.format)
            .field("path", &self.path)
            .field("train", &self.train)
            .field("test", &self.test)
            .field("class_names", &self.class_names())
            .finish_non_exhaustive()
    }
}

/// The records of one file, or of one part in memory.
pub(crate) struct Shard {
    path: PathBuf,
    bytes: Bytes,
}

enum Bytes {
    Owned(Vec<u8>),
    Mapped {
        mapping: Mapping,
        // The file that is mapped, also when its path has come to mean another one.
        file: File,
        stamp: Stamp,
    },
}

impl Shard {
    pub(crate) fn mapped(path: &Path, mapping: Mapping, file: File, stamp: Stamp) -> Shard {
        Shard {
            path: path.to_owned(),
            bytes: Bytes::Mapped {
                mapping,
                file,
                stamp,
            },
        }
    }

    fn owned(path: &Path, bytes: Vec<u8>) -> Shard {
        Shard {
            path: path.to_owned(),
            bytes: Bytes::Owned(bytes),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Owned(bytes) => bytes,
            Bytes::Mapped { mapping, .. } => mapping,
        }
    }

    fn verify_unchanged(&self) -> Result<(), Error> {
        match &self.bytes {
            Bytes::Owned(_) => Ok(()),
            Bytes::Mapped { file, stamp, .. } => stamp.verify(file, &self.path),
        }
    }
}

/// What tells that a file is still as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) len: u64,
    /// `None` where the system keeps no modification times.
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(file: &File, path: &Path) -> Result<Stamp, Error> {
        let metadata: fs::Metadata = file
            .metadata()
            .map_err(Error::io(path, "look at the file"))?;
        Ok(Stamp {
            len: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }

    fn verify(self, file: &File, path: &Path) -> Result<(), Error> {
        let now = Stamp::of(file, path)?;
        if now == self {
            return Ok(());
        }
        Err(Error::Changed {
            path: path.to_owned(),
            expected: self.len,
            found: now.len,
        })
    }
}

/// Reads as many bytes as the file had when it was opened, and not one while it changes.
fn read_whole(mut file: File, path: &Path, stamp: Stamp) -> Result<Vec<u8>, Error> {
    let too_large = || std::io::Error::from(std::io::ErrorKind::OutOfMemory);
    let read = |file: &mut File| {
        let len = usize::try_from(stamp.len).map_err(|_| too_large())?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| too_large())?;
        file.take(stamp.len).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read(&mut file).map_err(Error::io(path, "read the file"))?;
    stamp.verify(&file, path)?;
    if bytes.len() as u64 != stamp.len {
        return Err(Error::Changed {
            path: path.to_owned(),
            expected: stamp.len,
            found: bytes.len() as u64,
        });
    }
    Ok(bytes)
}
