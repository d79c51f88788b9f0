//! Which files make up a data set: their names, how a folder is recognised, and its class names.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::format::{Format, LabelKind, MAX_CLASSES, PerKind};

pub(crate) const TEST_10: &str = "test_batch.bin";
pub(crate) const TRAIN_100: &str = "train.bin";
pub(crate) const TEST_100: &str = "test.bin";
/// Names beyond this length are not a list of at most 256 class names, whatever the file is called.
const NAMES_MAX_BYTES: u64 = 1 << 20;

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
