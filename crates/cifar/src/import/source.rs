//! What an import reads from: a folder, or a tar stream that may be compressed. Runs on one thread
//! and hands every image to the queue.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::entry::{self, Entry};
use super::queue::{Item, Queue};
use super::{ImportError, ImportProgress, MAX_FILE_BYTES, MAX_IMAGES};
use crate::error::io_reason;
use crate::tarball::{self, Kind, Tarball};

/// Window of the .xz decoder; `xz -9` needs 65 MiB.
const XZ_MEMORY_KIB: u32 = 256 << 10;
const BUFFER: usize = 1 << 16;

/// A source whose kind is known.
pub(super) enum Source {
    /// Image files: path within the folder, and where it is.
    Folder {
        images: Vec<(String, PathBuf)>,
        ignored: Ignored,
    },
    Archive {
        path: PathBuf,
        file: File,
        compression: Compression,
    },
}

#[derive(Clone, Copy)]
pub(super) enum Compression {
    None,
    Gzip,
    Xz,
}

/// What was left out without being an error.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Ignored {
    /// Not images by their names.
    pub(super) files: u64,
    /// Pictures of kinds that are not read, by extension.
    pub(super) pictures: BTreeMap<&'static str, u64>,
    /// Links, devices and the like.
    pub(super) links: u64,
    /// Folders that were met, those with images too; `/` between the names.
    pub(super) folders: BTreeSet<String>,
}

impl Ignored {
    /// Remembers a folder, unless systems made it.
    fn add_folder(&mut self, name: &[u8]) {
        if let Some(name) = entry::folder(name) {
            self.folders.insert(name);
        }
    }

    /// Counts a file that is no image.
    fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::OtherPicture(extension) => *self.pictures.entry(extension).or_default() += 1,
            Entry::Other => self.files += 1,
            Entry::System | Entry::Image(_) => {}
        }
    }
}

impl Source {
    /// Looks at a path: a folder is listed, an archive opened.
    pub(super) fn open(path: &Path) -> Result<Source, ImportError> {
        let metadata = fs::metadata(path).map_err(io_error(path))?;
        if metadata.is_dir() {
            return list(path);
        }
        let unknown = |(found, advice): (String, &'static str)| ImportError::UnknownSource {
            path: path.to_path_buf(),
            found,
            advice,
        };
        if !metadata.is_file() {
            return Err(unknown(("a device or a pipe".into(), GIVE_FOLDER)));
        }
        let mut file = File::open(path).map_err(io_error(path))?;
        let mut start = Vec::new();
        (&mut file)
            .take(512)
            .read_to_end(&mut start)
            .map_err(io_error(path))?;
        file.seek(SeekFrom::Start(0)).map_err(io_error(path))?;
        let compression = compression(&start).map_err(unknown)?;
        Ok(Source::Archive {
            path: path.to_path_buf(),
            file,
            compression,
        })
    }

    /// Number of images, where it is known beforehand.
    pub(super) fn total(&self) -> Option<u64> {
        match self {
            Source::Folder { images, .. } => Some(images.len() as u64),
            Source::Archive { .. } => None,
        }
    }

    /// Reads every image into the queue. Ends early, without an error, if the queue is aborted.
    pub(super) fn read(
        self,
        queue: &Queue,
        progress: &dyn ImportProgress,
    ) -> Result<Ignored, ImportError> {
        match self {
            Source::Folder { images, ignored } => {
                for (path, file) in images {
                    let bytes = read_file(&file);
                    if !queue.push(Item { path, bytes }) {
                        break;
                    }
                }
                Ok(ignored)
            }
            Source::Archive {
                path,
                file,
                compression,
            } => {
                let file = BufReader::with_capacity(
                    BUFFER,
                    Watched {
                        inner: file,
                        progress,
                    },
                );
                match compression {
                    Compression::None => read_tar(&path, file, queue),
                    Compression::Gzip => read_tar(&path, MultiGzDecoder::new(file), queue),
                    Compression::Xz => {
                        let xz = XzReader::new_mem_limit(file, true, XZ_MEMORY_KIB);
                        read_tar(&path, xz, queue)
                    }
                }
            }
        }
    }
}

/// Fails once the import is cancelled, so that no stream, however far it unpacks, holds it up.
struct Watched<'a> {
    inner: File,
    progress: &'a dyn ImportProgress,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.progress.cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        self.inner.read(buffer)
    }
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> ImportError {
    move |cause| ImportError::Io {
        path: path.to_path_buf(),
        cause,
    }
}

const UNPACK: &str = "unpack it and import the folder";
const GIVE_FOLDER: &str = "give the folder that holds the class folders";

/// Tells archives apart by their first bytes; the error says what the file seems to be, and what to do
/// with it.
fn compression(start: &[u8]) -> Result<Compression, (String, &'static str)> {
    let known: [(&[u8], &str, &str); 5] = [
        (b"PK\x03\x04", "a zip archive", UNPACK),
        (b"\x28\xb5\x2f\xfd", "a zstd stream", UNPACK),
        (b"BZh", "a bzip2 stream", UNPACK),
        (b"\xff\xd8\xff", "a JPEG file", GIVE_FOLDER),
        (b"\x89PNG", "a PNG file", GIVE_FOLDER),
    ];
    if start.is_empty() {
        return Err(("an empty file".into(), GIVE_FOLDER));
    }
    if start.starts_with(b"\x1f\x8b") {
        return Ok(Compression::Gzip);
    }
    if start.starts_with(b"\xfd7zXZ\0") {
        return Ok(Compression::Xz);
    }
    if <&[u8; 512]>::try_from(start).is_ok_and(tarball::checksum_fits) {
        return Ok(Compression::None);
    }
    let kind = known.iter().find(|(magic, ..)| start.starts_with(magic));
    Err(match kind {
        Some((_, name, advice)) => ((*name).into(), advice),
        None => {
            let shown = start[..start.len().min(8)].escape_ascii();
            let found = format!("a file that starts with \"{shown}\"");
            (found, GIVE_FOLDER)
        }
    })
}

/// All image files below a folder. Links are not followed.
fn list(root: &Path) -> Result<Source, ImportError> {
    let mut images = Vec::new();
    let mut ignored = Ignored::default();
    // Folders to visit: where they are, and their path from the root with a slash at the end.
    let mut folders = vec![(root.to_path_buf(), Vec::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for item in fs::read_dir(&folder).map_err(io_error(&folder))? {
            let item = item.map_err(io_error(&folder))?;
            let kind = item.file_type().map_err(io_error(&item.path()))?;
            let mut name = prefix.clone();
            name.extend_from_slice(item.file_name().as_encoded_bytes());
            if kind.is_dir() {
                ignored.add_folder(&name);
                name.push(b'/');
                folders.push((item.path(), name));
            } else if kind.is_file() {
                match entry::parse(&name)? {
                    Entry::Image(path) => images.push((path, item.path())),
                    other => ignored.add(&other),
                }
            } else {
                ignored.links += 1;
            }
        }
        check_count(images.len() as u64)?;
    }
    // Folders list their files in any order; disks like them sorted.
    images.sort_unstable();
    Ok(Source::Folder { images, ignored })
}

/// One file of a folder; a file that cannot be read is a bad image, not the end.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| io_reason(&error))?;
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| io_reason(&error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("more than {MAX_FILE_BYTES} bytes, the limit"));
    }
    Ok(bytes)
}

fn read_tar(path: &Path, stream: impl Read, queue: &Queue) -> Result<Ignored, ImportError> {
    let mut tarball = Tarball::new(stream);
    let mut ignored = Ignored::default();
    let mut images = 0_u64;
    let mut last = None;
    let damaged = |offset, images, last: &Option<String>, reason| ImportError::DamagedArchive {
        path: path.to_path_buf(),
        offset,
        images,
        last: last.clone(),
        reason,
    };
    loop {
        let next = tarball.next();
        let Some(found) =
            next.map_err(|reason| damaged(tarball.offset(), images, &last, reason))?
        else {
            return Ok(ignored);
        };
        // Every name is checked, also of what is ignored.
        let image = entry::parse(&found.path)?;
        match (found.kind, image) {
            (Kind::Folder, _) => ignored.add_folder(&found.path),
            (Kind::Link | Kind::Special, _) => ignored.links += 1,
            (Kind::File, Entry::Image(name)) => {
                let bytes = if found.size > MAX_FILE_BYTES {
                    Err(format!(
                        "claims {} bytes, the limit is {MAX_FILE_BYTES}",
                        found.size
                    ))
                } else {
                    let data = tarball.data(found.size);
                    Ok(data.map_err(|reason| damaged(tarball.offset(), images, &last, reason))?)
                };
                images += 1;
                check_count(images)?;
                last = Some(name.clone());
                if !queue.push(Item { path: name, bytes }) {
                    return Ok(ignored);
                }
            }
            (Kind::File, other) => ignored.add(&other),
        }
    }
}

fn check_count(images: u64) -> Result<(), ImportError> {
    if images > u64::from(MAX_IMAGES) {
        return Err(ImportError::TooManyImages { limit: MAX_IMAGES });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_counted_in_32_bits() {
        assert!(check_count(u64::from(u32::MAX)).is_ok());
        let message = check_count(1 << 32).unwrap_err().to_string();
        assert!(message.contains("more than 4294967295 images"), "{message}");
    }

    #[test]
    fn a_file_beyond_the_limit_is_a_bad_image() {
        // Without blocks on the disk.
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(MAX_FILE_BYTES + 1).unwrap();
        let reason = read_file(file.path()).unwrap_err();
        assert!(reason.contains("more than 67108864 bytes"), "{reason}");
        file.as_file().set_len(1000).unwrap();
        assert_eq!(read_file(file.path()), Ok(vec![0; 1000]));
    }
}
