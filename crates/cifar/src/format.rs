//! The two binary formats: sizes, file names, class names, and the checks of lengths and labels.
//! Nothing here maps or reads image files; it says what they have to look like.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Height and width of an image, in pixels.
pub const SIDE: usize = 32;
/// Colour channels: red, green, blue, one whole plane after the other.
pub const CHANNELS: usize = 3;
/// Bytes of one image: 3 planes of 32 rows of 32 pixels, each 0..=255.
pub const PIXELS: usize = CHANNELS * SIDE * SIDE;
/// Class names that labels of one byte can tell apart.
pub const MAX_CLASSES: usize = 256;

pub(crate) const TEST_10: &str = "test_batch.bin";
pub(crate) const TRAIN_100: &str = "train.bin";
pub(crate) const TEST_100: &str = "test.bin";
/// Names beyond this length are not a list of at most 256 class names, whatever the file is called.
const NAMES_MAX_BYTES: u64 = 1 << 20;

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
pub enum Format {
    /// One label, then the image.
    #[default]
    Cifar10,
    /// A coarse label, a fine label, then the image.
    Cifar100,
}

impl Format {
    /// Bytes of labels in front of each image: 1 or 2.
    pub const fn label_len(self) -> usize {
        match self {
            Format::Cifar10 => 1,
            Format::Cifar100 => 2,
        }
    }

    /// Bytes of one record: 3073 or 3074.
    pub const fn record_len(self) -> usize {
        self.label_len() + PIXELS
    }

    /// `CIFAR-10` or `CIFAR-100`.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Cifar10 => "CIFAR-10",
            Format::Cifar100 => "CIFAR-100",
        }
    }

    /// The labels of a record in the order of its bytes.
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
pub enum LabelKind {
    /// The 100 classes.
    #[default]
    Fine,
    /// The 20 superclasses.
    Coarse,
}

/// One of the two parts of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// `data_batch_1.bin` for 1.
pub(crate) fn batch_file(number: usize) -> String {
    format!("data_batch_{number}.bin")
}

/// 1 for `data_batch_1.bin`; `None` for every other spelling, so that two files never have one number.
fn batch_number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix("data_batch_")?.strip_suffix(".bin")?;
    let number = digits.parse().ok()?;
    (number > 0 && batch_file(number) == name).then_some(number)
}

/// Whether a file of this name is one that this crate reads or writes.
pub(crate) fn is_data_file(name: &str) -> bool {
    const FIXED: [&str; 6] = [
        TEST_10,
        TRAIN_100,
        TEST_100,
        Format::Cifar10.names_file(LabelKind::Fine),
        Format::Cifar100.names_file(LabelKind::Fine),
        Format::Cifar100.names_file(LabelKind::Coarse),
    ];
    FIXED.contains(&name) || batch_number(name).is_some()
}

/// The files of a data set, found but not yet opened.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) format: Format,
    pub(crate) train: Vec<PathBuf>,
    pub(crate) test: PathBuf,
    pub(crate) names: PerKind<Option<PathBuf>>,
    pub(crate) notes: Vec<String>,
}

impl Layout {
    /// Tells which format a folder holds, and which files are its batches.
    pub(crate) fn find(dir: &Path) -> Result<Layout, Error> {
        let files = list(dir)?;
        let has = |name: &str| files.iter().any(|file| file == name);
        let batches: BTreeMap<usize, &String> = files
            .iter()
            .filter_map(|name| Some((batch_number(name)?, name)))
            .collect();
        let cifar10 = !batches.is_empty() || has(TEST_10);
        let (format, train, test) = match (cifar10, has(TRAIN_100), has(TEST_100)) {
            (true, true, true) => return Err(Error::TwoFormats { path: dir.into() }),
            (true, ..) => (Format::Cifar10, check_batches(dir, &batches)?, TEST_10),
            (false, true, _) => (Format::Cifar100, vec![dir.join(TRAIN_100)], TEST_100),
            (false, false, true) => {
                return Err(missing(dir, TRAIN_100, "test.bin is there".into()));
            }
            (false, false, false) => {
                return Err(Error::NoData {
                    path: dir.into(),
                    hint: hint(dir, &files),
                });
            }
        };
        if !has(test) {
            return Err(missing(dir, test, "the training images are there".into()));
        }
        let mut names = PerKind::default();
        for &kind in format.label_kinds() {
            let file = format.names_file(kind);
            *names.get_mut(kind) = has(file).then(|| dir.join(file));
        }
        let notes = files
            .iter()
            .filter(|name| name.starts_with("data_batch_") && name.ends_with(".bin"))
            .filter(|name| batch_number(name).is_none())
            .map(|name| {
                format!(
                    "{}: not read, batches are numbered 1, 2, ... without leading zeros",
                    dir.join(name).display()
                )
            })
            .collect();
        Ok(Layout {
            format,
            train,
            test: dir.join(test),
            names,
            notes,
        })
    }
}

/// Names of all entries that are UTF-8, sorted; no file of a data set has another name.
fn list(dir: &Path) -> Result<Vec<String>, Error> {
    match fs::metadata(dir) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(Error::NotAFolder { path: dir.into() }),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            return Err(Error::NoFolder { path: dir.into() });
        }
        Err(cause) => return Err(Error::io(dir, "look at the folder")(cause)),
    }
    let list = || -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    };
    list().map_err(Error::io(dir, "list the folder"))
}

fn missing(dir: &Path, file: &str, reason: String) -> Error {
    Error::MissingFile {
        path: dir.join(file),
        reason,
    }
}

/// The batches in order, which have to be 1, 2, ... without a gap.
fn check_batches(dir: &Path, batches: &BTreeMap<usize, &String>) -> Result<Vec<PathBuf>, Error> {
    if batches.is_empty() {
        let reason = format!("{TEST_10} is there");
        return Err(missing(dir, &batch_file(1), reason));
    }
    for (expected, (&number, name)) in (1..).zip(batches) {
        if number != expected {
            let reason = format!("{name} is there (batches are numbered from 1 without a gap)");
            return Err(missing(dir, &batch_file(expected), reason));
        }
    }
    Ok(batches.values().map(|name| dir.join(name)).collect())
}

/// The usual ways to point at the wrong folder.
fn hint(dir: &Path, files: &[String]) -> String {
    for name in ["cifar-10-batches-bin", "cifar-100-binary"] {
        if files.iter().any(|file| file == name) {
            return format!("try {}", dir.join(name).display());
        }
    }
    if files
        .iter()
        .any(|file| file == "data_batch_1" || file == "train")
    {
        return "this looks like the Python or the image version; get the binary version or import the images".into();
    }
    "give the folder that holds the .bin files".into()
}

/// What is at a path where a file has to be; opening a pipe or a folder first could block or mislead.
pub(crate) fn check_is_file(path: &Path) -> Result<(), Error> {
    let metadata = fs::metadata(path).map_err(Error::io(path, "look at the file"))?;
    if metadata.is_file() {
        return Ok(());
    }
    Err(Error::NotAFile {
        path: path.into(),
        found: if metadata.is_dir() {
            "a folder"
        } else {
            "a device or a pipe"
        },
    })
}

/// Reads class names: one a line, blank lines ignored, blanks at the ends of a line dropped.
pub(crate) fn read_names(path: &Path) -> Result<Vec<String>, Error> {
    let wrong = |problem: String| Error::Names {
        path: path.to_owned(),
        problem,
    };
    check_is_file(path)?;
    let file = fs::File::open(path).map_err(Error::io(path, "open the file"))?;
    let mut bytes = Vec::new();
    file.take(NAMES_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(Error::io(path, "read the file"))?;
    if bytes.len() as u64 > NAMES_MAX_BYTES {
        return Err(wrong(format!(
            "found more than {NAMES_MAX_BYTES} bytes, too long for class names"
        )));
    }
    let text = str::from_utf8(&bytes).map_err(|error| {
        let offset = error.valid_up_to();
        wrong(format!("the byte at offset {offset} is not UTF-8"))
    })?;
    let names: Vec<String> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    match names.len() {
        0 => Err(wrong("found no class name".into())),
        found if found > MAX_CLASSES => Err(Error::TooManyNames {
            path: path.to_owned(),
            found,
            limit: MAX_CLASSES,
        }),
        _ => Ok(names),
    }
}
