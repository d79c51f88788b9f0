//! The partial file: what has arrived so far, its checksum, and where it came from.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::expected::Expected;
use super::{FetchError, FetchProgress};
use crate::error::Error;

/// More than any note about an origin needs.
const MAX_ORIGIN: u64 = 1 << 14;
const CHUNK: usize = 1 << 16;

/// Where the bytes came from, for `If-Range`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) url: String,
    /// A strong entity tag, or the date of the last change.
    pub(super) validator: Option<String>,
    /// Size of the whole, as the server said.
    pub(super) total: Option<u64>,
}

/// The open and locked partial file, at its end.
pub(super) struct Partial {
    pub(super) path: PathBuf,
    origin_path: PathBuf,
    file: File,
    pub(super) len: u64,
    md5: Md5,
    pub(super) origin: Option<Origin>,
}

impl Partial {
    /// Opens what an earlier run left, or a new file.
    pub(super) fn open(
        folder: &Path,
        expected: &Expected,
        progress: &dyn FetchProgress,
    ) -> Result<Partial, FetchError> {
        let path = folder.join(format!("{}.part", expected.file));
        let origin_path = folder.join(format!("{}.part.from", expected.file));
        if fs::exists(&path).map_err(Error::io(&path, "look at the partial file"))? {
            crate::layout::check_is_file(&path)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::io(&path, "open the partial file"))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(FetchError::Busy { path }),
            // Some file systems have no locks.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        let origin = read_origin(&origin_path);
        let mut partial = Partial {
            path,
            origin_path,
            file,
            len: 0,
            md5: Md5::new(),
            origin,
        };
        let limit = expected.bytes.unwrap_or(expected.max_bytes);
        let metadata = partial.file.metadata();
        let found = metadata.map_err(Error::io(&partial.path, "look at the partial file"))?;
        if found.len() > limit {
            partial.reset()?;
        } else {
            let hashed = hash(&partial.path, &mut partial.file, progress)?;
            (partial.md5, partial.len) = hashed;
        }
        Ok(partial)
    }

    /// Whether everything has arrived, as far as sizes tell.
    pub(super) fn is_complete(&self, expected: &Expected) -> bool {
        let total = self.origin.as_ref().and_then(|origin| origin.total);
        self.len > 0 && expected.bytes.or(total) == Some(self.len)
    }

    pub(super) fn md5(&self) -> String {
        hex(self.md5.clone())
    }

    /// On an error, counts what the disk took all the same.
    pub(super) fn append(&mut self, mut bytes: &[u8]) -> Result<(), FetchError> {
        let failed =
            |path: &Path, cause| Err(Error::io(path, "write the partial file")(cause).into());
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return failed(&self.path, ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.md5.update(&bytes[..written]);
                    self.len += written as u64;
                    bytes = &bytes[written..];
                }
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => return failed(&self.path, cause),
            }
        }
        Ok(())
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) -> Result<(), FetchError> {
        let emptied = self
            .file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(Error::io(&self.path, "empty the partial file"))?;
        (self.len, self.md5, self.origin) = (0, Md5::new(), None);
        match fs::remove_file(&self.origin_path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                Err(Error::io(&self.origin_path, "remove the file")(cause).into())
            }
            _ => Ok(()),
        }
    }

    /// Remembers where what follows comes from.
    pub(super) fn set_origin(&mut self, origin: Origin) -> Result<(), FetchError> {
        if self.origin.as_ref() != Some(&origin) {
            let mut text = format!("url {}\n", origin.url);
            if let Some(validator) = &origin.validator {
                text += &format!("validator {validator}\n");
            }
            if let Some(total) = origin.total {
                text += &format!("total {total}\n");
            }
            fs::write(&self.origin_path, text)
                .map_err(Error::io(&self.origin_path, "write the file"))?;
            self.origin = Some(origin);
        }
        Ok(())
    }

    /// A handle of the file for reading, at its beginning.
    pub(super) fn rewound(&mut self) -> Result<File, FetchError> {
        let handle = self
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.try_clone());
        Ok(handle.map_err(Error::io(&self.path, "read the partial file again"))?)
    }

    /// Keeps what there is for the next run; an empty file is no use to it.
    pub(super) fn leave(self) {
        if self.len == 0 {
            self.remove();
        }
    }

    /// Removes both files. A failure is not worth failing for: the next fetch uses or empties them.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(&self.origin_path);
    }
}

/// Lines of the form `<key> <value>`; anything odd means that nothing is known.
fn read_origin(path: &Path) -> Option<Origin> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(MAX_ORIGIN).read_to_string(&mut text).ok()?;
    let value = |key: &str| {
        let mut values = text.lines().filter_map(|line| line.split_once(' '));
        let (_, value) = values.find(|(found, _)| *found == key)?;
        // It goes into a header.
        let plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        plain.then(|| value.to_owned())
    };
    Some(Origin {
        url: value("url")?,
        validator: value("validator"),
        total: value("total").and_then(|total| total.parse().ok()),
    })
}

/// MD5 of a whole file in lower case hex; the file is rewound.
pub(super) fn digest(
    path: &Path,
    file: &mut File,
    progress: &dyn FetchProgress,
) -> Result<String, FetchError> {
    let (md5, _) = hash(path, file, progress)?;
    let rewound = file.seek(SeekFrom::Start(0));
    rewound.map_err(Error::io(path, "read the file again"))?;
    Ok(hex(md5))
}

/// Reads to the end.
fn hash(
    path: &Path,
    file: &mut File,
    progress: &dyn FetchProgress,
) -> Result<(Md5, u64), FetchError> {
    let (mut md5, mut len) = (Md5::new(), 0);
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((md5, len)),
            Ok(_) if progress.cancelled() => return Err(FetchError::Cancelled),
            Ok(read) => {
                md5.update(&buffer[..read]);
                len += read as u64;
            }
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(Error::io(path, "read the file")(cause).into()),
        }
    }
}

fn hex(md5: Md5) -> String {
    let digits = md5.finalize();
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}
