//! Everything that can be wrong with a data set, as one type: where (path, byte offset), what was found,
//! what was expected, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::refusal;

/// Why a data set could not be opened, checked or written.
///
/// The message of each variant is complete by itself: an [`io::Error`] below it is part of the text and
/// of the field `cause`, and not repeated as [`std::error::Error::source`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder does not exist.
    #[error("{path}: no such folder; give the folder that holds data_batch_1.bin or train.bin", path = .path.display())]
    NoFolder {
        /// The folder asked for.
        path: PathBuf,
    },
    /// There is a file (or something else) where a folder has to be.
    #[error("{path}: expected a folder, found a file", path = .path.display())]
    NotAFolder {
        /// The path in the way.
        path: PathBuf,
    },
    /// The folder exists, but nothing in it belongs to CIFAR-10 or CIFAR-100.
    #[error("{path}: no data set in this folder: found neither data_batch_1.bin (CIFAR-10) nor train.bin (CIFAR-100); {hint}", path = .path.display())]
    NoData {
        /// The folder.
        path: PathBuf,
        /// What to try, from what the folder does hold.
        hint: String,
    },
    /// The folder holds the files of both formats, so that neither can be meant.
    #[error("{path}: found the files of both CIFAR-10 (data_batch_*.bin, test_batch.bin) and CIFAR-100 (train.bin, test.bin), expected one; move one set to a folder of its own", path = .path.display())]
    TwoFormats {
        /// The folder.
        path: PathBuf,
    },
    /// A file that the format needs is not there: no first batch, a gap in the batches, no test images.
    #[error("{path}: missing, although {reason}; put the file back or fetch the data set again", path = .path.display())]
    MissingFile {
        /// The file that should exist.
        path: PathBuf,
        /// Why it is needed, from what was found.
        reason: String,
    },
    /// A folder, a pipe or a device where a file has to be.
    #[error("{path}: expected a file, found {found}", path = .path.display())]
    NotAFile {
        /// The path in the way.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// A file, or a part of a data set in memory, without a single record.
    #[error("{path}: empty, expected at least one record of {record_len} bytes; put the file back or fetch the data set again", path = .path.display())]
    Empty {
        /// The file, or the name of the part in memory.
        path: PathBuf,
        /// Bytes of one record.
        record_len: usize,
    },
    /// A length that is not a whole number of records.
    #[error("{path}: found {found} bytes, expected a multiple of {record_len} (the nearest are {below} and {above}): the record at byte offset {offset} is incomplete; fetch the file again",
        path = .path.display(), below = .offset, above = .offset + *.record_len as u64)]
    Length {
        /// The file, or the name of the part in memory.
        path: PathBuf,
        /// Length found, in bytes.
        found: u64,
        /// Bytes of one record; the length has to be a multiple of it.
        record_len: usize,
        /// Byte offset at which the incomplete record begins.
        offset: u64,
    },
    /// A label that names no class.
    #[error("{path}: record {record} (counted from 0), byte offset {offset}: found {what} {found}, expected a label below {limit}; the file is damaged, or the class names beside it are too few", path = .path.display())]
    Label {
        /// The file, or the name of the part in memory.
        path: PathBuf,
        /// Number of the record in this file, counted from 0.
        record: u64,
        /// Byte offset of the label in this file.
        offset: u64,
        /// `label`, or for CIFAR-100 `coarse label` or `fine label`.
        what: &'static str,
        /// The label found.
        found: u8,
        /// Labels have to be below this number.
        limit: usize,
    },
    /// A file of class names that cannot be used: not UTF-8, no name in it, far too long.
    #[error("{path}: {problem}; expected UTF-8 text with one class name a line", path = .path.display())]
    Names {
        /// The file of class names.
        path: PathBuf,
        /// What is wrong, and at which byte offset where there is one.
        problem: String,
    },
    /// More class names than a label of one byte can tell apart.
    #[error("{path}: found {found} class names, expected at most {limit}, as many as a label of one byte can tell apart", path = .path.display())]
    TooManyNames {
        /// The file of class names.
        path: PathBuf,
        /// Names found.
        found: usize,
        /// Names allowed.
        limit: usize,
    },
    /// A class name that would not survive being written one name a line.
    #[error(
        "class name {index} (counted from 0) is {name:?}: expected one line of text without blanks at its ends"
    )]
    ClassName {
        /// Position in the list of names, counted from 0.
        index: usize,
        /// The name.
        name: String,
    },
    /// A file changed after it was opened, so that nothing computed from it can be trusted.
    #[error("{path}: the file changed while it was in use ({change}), so results computed from it are void; run again once nobody writes to it", path = .path.display(), change = change(*.expected, *.found))]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its length when it was opened, in bytes.
        expected: u64,
        /// Its length now; the same number if only the modification time moved.
        found: u64,
    },
    /// The folder to be written has something in it, and overwriting was not asked for.
    #[error("{path}: exists already and is not empty, so it was left as it is; choose another folder or ask for it to be replaced", path = .path.display())]
    Exists {
        /// The folder to be written.
        path: PathBuf,
    },
    /// The folder to be replaced holds something that is not part of a data set.
    #[error("{path}: holds {file:?}, which is not part of a data set, so the folder was left as it is; move that away or choose another folder", path = .path.display())]
    ForeignFile {
        /// The folder to be written.
        path: PathBuf,
        /// Name of the file or folder found in it.
        file: String,
    },
    /// The new data set is in place, but the one it replaced could not be removed completely.
    #[error("{path}: cannot remove this remainder of the replaced data set: {cause}{hint}; the new data set is in place", path = .path.display(), cause = io_reason(.cause), hint = refusal::ending(.cause))]
    Remainder {
        /// The folder that is left over.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The system refused an operation.
    #[error("{path}: cannot {action}: {cause}{hint}", path = .path.display(), cause = io_reason(.cause), hint = refusal::ending(.cause))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as in "cannot ...".
        action: &'static str,
        /// What the system said.
        cause: io::Error,
    },
}

impl Error {
    /// `map_err(Error::io(path, "open the file"))`.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |cause| Error::Io {
            path: path.to_owned(),
            action,
            cause,
        }
    }
}

/// What the system said about a file, in plain words and with a way out, the system's own text behind it.
///
/// ```
/// use std::io::{Error, ErrorKind};
/// let reason = nearplane_cifar::io_reason(&Error::from(ErrorKind::StorageFull));
/// assert!(reason.starts_with("the disk is full; make room or choose another one"));
/// ```
#[must_use]
pub fn io_reason(error: &io::Error) -> String {
    use io::ErrorKind::*;

    // The crate tempfile adds a path that says nothing to a user.
    let text = error.to_string();
    let text = text.split(" at path \"").next().unwrap_or_default();
    let words = match error.kind() {
        NotFound => "there is no such file or folder; check the name",
        PermissionDenied => {
            "the permission is missing; change the permissions or choose another place"
        }
        AlreadyExists => "something of this name is there already; choose another name",
        NotADirectory => "a file is where a folder is expected; check the path",
        IsADirectory => "a folder is where a file is expected; check the path",
        StorageFull => "the disk is full; make room or choose another one",
        QuotaExceeded => "the disk quota is used up; make room or choose another disk",
        FileTooLarge => "the file is too large for this system; choose another disk",
        ReadOnlyFilesystem => "the disk is read-only; choose another place",
        InvalidFilename => "the name is too long or not allowed here; choose another name",
        OutOfMemory => "there is not enough memory; close other programs or use less data",
        UnexpectedEof => "the file ends too early; fetch or make it again",
        _ => return text.to_owned(),
    };
    format!("{words} ({text})")
}

fn change(expected: u64, found: u64) -> String {
    if expected == found {
        format!("still {found} bytes, but modified since it was opened")
    } else {
        format!("expected {expected} bytes, found {found}")
    }
}
