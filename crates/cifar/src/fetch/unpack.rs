//! Takes exactly the expected members out of an archive, as if its author were hostile.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::expected::{Expected, Size};
use super::{FetchError, FetchProgress};
use crate::error::Error;
use crate::tarball::{Entry, Kind, Tarball};

const CHUNK: u64 = 1 << 16;
/// Largest file that is skipped: the original holds a page of text beside the data.
const MAX_IGNORED: u64 = 1 << 20;
/// Headers, padding, ignored files, and the zeros at the end.
const SLACK: u64 = 16 << 20;

/// Unpacks to a folder that is empty and returns notes. On an error the folder holds a part.
pub(super) fn unpack(
    expected: &Expected,
    path: &Path,
    archive: File,
    to: &Path,
    progress: &dyn FetchProgress,
) -> Result<Vec<String>, FetchError> {
    let refused = |entry: Option<&Entry>, reason: String| FetchError::Unpack {
        path: path.to_owned(),
        entry: entry.map(|entry| String::from_utf8_lossy(&entry.path).into_owned()),
        reason,
    };
    // A small archive can be made that unpacks for days.
    let sizes = expected.members.iter().map(|member| match member.size {
        Size::Exactly(size) | Size::AtMost(size) => size,
    });
    let limit = sizes.sum::<u64>() + SLACK;
    let mut stream = MultiGzDecoder::new(BufReader::new(archive)).take(limit);
    let mut tarball = Tarball::new(&mut stream);
    let mut found = vec![false; expected.members.len()];
    let mut notes = Vec::new();
    loop {
        let next = tarball.next();
        let fault = |at: u64, reason: String| format!("{reason} (byte {at} of the tar file)");
        let next = next.map_err(|reason| refused(None, fault(tarball.offset(), reason)))?;
        let Some(entry) = next else { break };
        let index = match sort(&entry, expected) {
            Ok(Place::Member(index)) => index,
            Ok(Place::Folder) => continue,
            Ok(Place::Ignored(name)) => {
                notes.push(format!("{name:?} of the archive was left out"));
                continue;
            }
            Err(reason) => return Err(refused(Some(&entry), reason)),
        };
        if std::mem::replace(&mut found[index], true) {
            return Err(refused(Some(&entry), "it is there twice".into()));
        }
        let name = expected.members[index].name;
        progress.unpacking(name);
        let target = to.join(name);
        let failed = |action| Error::io(&target, action);
        let mut file = File::create_new(&target).map_err(failed("create the file"))?;
        let mut buffer = vec![0; CHUNK.min(entry.size) as usize];
        let mut left = entry.size;
        while left > 0 {
            if progress.cancelled() {
                return Err(FetchError::Cancelled);
            }
            let chunk = &mut buffer[..left.min(CHUNK) as usize];
            let read = tarball.chunk(chunk);
            read.map_err(|reason| refused(Some(&entry), fault(tarball.offset(), reason)))?;
            file.write_all(chunk).map_err(failed("write the file"))?;
            left -= chunk.len() as u64;
        }
        file.sync_all().map_err(failed("write the file"))?;
    }
    if stream.limit() == 0 {
        return Err(refused(
            None,
            format!("it unpacks to {limit} bytes or more"),
        ));
    }
    match found.iter().position(|found| !found) {
        Some(index) => Err(refused(
            None,
            format!("{:?} is missing", expected.members[index].name),
        )),
        None => Ok(notes),
    }
}

/// What an entry is to us.
enum Place {
    Member(usize),
    Folder,
    Ignored(String),
}

/// Compares an entry with what is expected, or says why it must not be in the archive.
fn sort(entry: &Entry, expected: &Expected) -> Result<Place, String> {
    match entry.kind {
        Kind::File | Kind::Folder => {}
        Kind::Link => return Err("it is a link".into()),
        Kind::Special => return Err("it is neither a file nor a folder".into()),
    }
    let path = str::from_utf8(&entry.path).map_err(|_| "its name is not UTF-8")?;
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.starts_with('/') {
        return Err("it has an absolute path".into());
    }
    if path.split('/').any(|part| part == "..") {
        return Err("it has \"..\" in its path".into());
    }
    if path.contains(['\\', ':']) || path.contains(char::is_control) {
        return Err("it has an unusual character in its path".into());
    }
    if entry.kind == Kind::Folder {
        return match path.trim_end_matches('/') {
            "" => Ok(Place::Folder),
            folder if folder == expected.folder => Ok(Place::Folder),
            _ => Err(format!(
                "there is only one folder, {:?}, in the original",
                expected.folder
            )),
        };
    }
    let name = path
        .strip_prefix(expected.folder)
        .and_then(|rest| rest.strip_prefix('/'));
    let member = name.and_then(|name| expected.members.iter().position(|m| m.name == name));
    let Some(index) = member else {
        return if entry.size <= MAX_IGNORED {
            Ok(Place::Ignored(path.to_owned()))
        } else {
            Err(format!(
                "it is not part of the original, and has {} bytes",
                entry.size
            ))
        };
    };
    match expected.members[index].size {
        Size::Exactly(size) if size != entry.size => {
            Err(format!("it has {} bytes, expected {size}", entry.size))
        }
        Size::AtMost(limit) if limit < entry.size => Err(format!(
            "it has {} bytes, expected at most {limit}",
            entry.size
        )),
        _ => Ok(Place::Member(index)),
    }
}
