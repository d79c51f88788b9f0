//! Downloads CIFAR-10 or CIFAR-100, checks it and unpacks it, all or nothing.
//!
//! **Mirrors** are tried in order; without any, the authors' own server is asked. A URL that ends with
//! `/` is a folder that holds the archive under its original name, any other is the archive itself.
//!
//! **Partial file.** What has arrived lies beside the destination, in `cifar-10-binary.tar.gz.part`. A
//! download that was cut continues there, in the same run or the next, with any mirror: `Range` asks for
//! the rest, and `If-Range` with the entity tag or date of the first answer (kept in
//! `cifar-10-binary.tar.gz.part.from`) makes a server whose file has changed send all of it. A server
//! without ranges sends all of it anyway. Both files are gone once the data set is in place.
//!
//! **Trust.** Size and MD5 of the archive are compared with those its authors publish before anything is
//! unpacked. A download that does not match is deleted; if it was put together of parts it is tried once
//! more in one piece, then the next mirror follows. MD5 finds damage; it is no proof against somebody who
//! forges an archive on purpose, so the archive is not trusted either: exactly the expected members are
//! taken, by name and size, links, absolute names and `..` are refused, and no name from the archive is
//! ever written to.
//!
//! **Unpacking** goes to a temporary folder beside the destination, which
//! [`Dataset::read`](crate::Dataset::read) has to accept before it is renamed into place.
//!
//! **Time.** Connecting, and waiting for the next byte, are bounded; the whole download is not, since a
//! slow server is better than none. A proxy is taken from the environment (`HTTPS_PROXY`, `ALL_PROXY`,
//! `NO_PROXY`), except for addresses of this machine.

mod download;
mod error;
mod expected;
mod http;
mod partial;
#[cfg(test)]
mod tests;
mod unpack;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::error::{FetchError, MirrorFailure};

use self::download::Download;
use self::expected::Expected;
use self::partial::{Partial, digest};
use crate::error::Error;
use crate::write::Destination;
use crate::{Dataset, OpenOptions};

/// The data set to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchName {
    /// CIFAR-10, 170,052,171 bytes to download.
    Cifar10,
    /// CIFAR-100, about as much.
    Cifar100,
}

impl FetchName {
    /// Name of the folder in the archive, a good name for the destination: `cifar-10-batches-bin` or
    /// `cifar-100-binary`.
    #[must_use]
    pub fn folder(self) -> &'static str {
        self.expected().folder
    }

    /// The address that is asked where no mirror is given.
    #[must_use]
    pub fn url(self) -> String {
        self.expected().official_url()
    }

    fn expected(self) -> &'static Expected {
        match self {
            FetchName::Cifar10 => &expected::CIFAR_10,
            FetchName::Cifar100 => &expected::CIFAR_100,
        }
    }
}

/// Where to fetch from and to.
///
/// | name | default | purpose |
/// |---|---|---|
/// | `mirrors` | none: the authors' server | `http://` or `https://` URLs, tried in order |
/// | `archive` | none | a file that was downloaded already; the network is not used |
/// | `out` | empty, has to be set | the folder that becomes the data set |
/// | `overwrite` | false | replace a data set that is there |
/// | `connect_timeout` | 15 s | to resolve the name, and to connect |
/// | `idle_timeout` | 30 s | longest wait for the next byte |
/// | `attempts` | 3 | requests to one mirror in a row that bring nothing new; 1: each is asked once |
/// | `pause` | 2 s | wait before a mirror is asked again |
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct FetchOptions {
    /// Where to ask: folders (with a `/` at the end) or files.
    pub mirrors: Vec<String>,
    /// An archive that is there already, to work offline.
    pub archive: Option<PathBuf>,
    /// The folder that becomes the data set; the partial file lies beside it.
    pub out: PathBuf,
    /// Replace a data set that is there.
    pub overwrite: bool,
    /// Bound of the time to resolve a name, and of the time to connect.
    pub connect_timeout: Duration,
    /// Longest wait for the next byte.
    pub idle_timeout: Duration,
    /// Requests to one mirror in a row that bring nothing new; 1 (or 0): each mirror is asked once.
    pub attempts: u32,
    /// Wait before a mirror is asked again.
    pub pause: Duration,
}

impl Default for FetchOptions {
    fn default() -> FetchOptions {
        FetchOptions {
            mirrors: Vec::new(),
            archive: None,
            out: PathBuf::new(),
            overwrite: false,
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(30),
            attempts: 3,
            pause: Duration::from_secs(2),
        }
    }
}

/// Progress and cancellation. `()` is no progress and no cancellation.
pub trait FetchProgress: Sync {
    /// A mirror is asked, with `have` bytes there already.
    fn asking(&self, url: &str, have: u64) {
        let _ = (url, have);
    }

    /// Called after each piece of the download: be quick. `done` counts what an earlier run left, and
    /// falls to 0 where a download starts again.
    fn downloaded(&self, done: u64, total: Option<u64>) {
        let _ = (done, total);
    }

    /// Something went another way than hoped, and the fetch goes on: one line.
    fn note(&self, text: &str) {
        let _ = text;
    }

    /// A file is unpacked.
    fn unpacking(&self, file: &str) {
        let _ = file;
    }

    /// Asked often, also from another thread; once it is true the fetch ends with
    /// [`FetchError::Cancelled`].
    fn cancelled(&self) -> bool {
        false
    }
}

impl FetchProgress for () {}

/// A data set that is in place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The folder.
    pub path: PathBuf,
    /// The files in it that came from the archive.
    pub files: Vec<PathBuf>,
    /// What a user should know: mirrors that failed, members left out.
    pub notes: Vec<String>,
}

/// Fetches a data set to the folder `options.out`; see the [module](self) for how.
///
/// Whatever goes wrong, the folder stays as it was, and what was downloaded stays beside it for the next
/// call.
///
/// # Errors
///
/// - [`FetchError::MirrorUrl`]: a mirror is not a URL
/// - [`FetchError::Data`]: `out` exists already or cannot be written, as in
///   [`write_folder`](crate::write::write_folder), or a file cannot be read or written
/// - [`FetchError::Busy`]: another fetch writes to the same partial file
/// - [`FetchError::Archive`]: the given archive is not the original one
/// - [`FetchError::Mirrors`]: no mirror had it; the message says what happened at each and what to do
/// - [`FetchError::Unpack`]: the archive is not what it should be inside
/// - [`FetchError::Cancelled`]
///
/// ```no_run
/// use nearplane_cifar::fetch::{FetchName, FetchOptions, fetch};
/// let options = FetchOptions { out: "datasets/cifar-10-batches-bin".into(), ..FetchOptions::default() };
/// let fetched = fetch(FetchName::Cifar10, &options, &())?;
/// println!("{} files in {}", fetched.files.len(), fetched.path.display());
/// # Ok::<(), nearplane_cifar::fetch::FetchError>(())
/// ```
pub fn fetch(
    name: FetchName,
    options: &FetchOptions,
    progress: &dyn FetchProgress,
) -> Result<Fetched, FetchError> {
    fetch_expected(name.expected(), options, progress)
}

/// [`fetch`] of any archive, so that tests can serve a small one.
fn fetch_expected(
    expected: &Expected,
    options: &FetchOptions,
    progress: &dyn FetchProgress,
) -> Result<Fetched, FetchError> {
    let urls = expected.urls(&options.mirrors)?;
    let destination = Destination::prepare(&options.out, options.overwrite)?;
    let mut notes = Vec::new();
    if let Some(path) = &options.archive {
        let archive = check_archive(path, expected, progress)?;
        place(expected, path, archive, destination, progress, &mut notes)?;
    } else {
        let mut partial = Partial::open(&destination.parent, expected, progress)?;
        let mut download = Download::new(expected, options, progress, &mut partial);
        let outcome = download.run(&urls);
        notes.append(&mut download.notes);
        if let Err(error) = outcome {
            partial.leave();
            return Err(error);
        }
        let path = partial.path.clone();
        let archive = partial.rewound()?;
        let placed = place(expected, &path, archive, destination, progress, &mut notes);
        match placed {
            // This very archive would be refused again: the next run shall download another.
            Err(FetchError::Unpack { .. }) | Ok(()) => partial.remove(),
            Err(_) => {}
        }
        placed?;
    }
    let files = expected.members.iter();
    Ok(Fetched {
        path: options.out.clone(),
        files: files.map(|m| options.out.join(m.name)).collect(),
        notes,
    })
}

/// Opens an archive that somebody else downloaded.
fn check_archive(
    path: &Path,
    expected: &Expected,
    progress: &dyn FetchProgress,
) -> Result<File, FetchError> {
    crate::layout::check_is_file(path)?;
    let mut file = File::open(path).map_err(Error::io(path, "open the archive"))?;
    let metadata = file.metadata();
    let len = metadata
        .map_err(Error::io(path, "look at the archive"))?
        .len();
    let wrong = |what: &'static str, found: String, wanted: String| FetchError::Archive {
        path: path.to_owned(),
        what,
        found,
        expected: wanted,
        url: expected.official_url(),
    };
    if let Some(bytes) = expected.bytes.filter(|&bytes| bytes != len) {
        return Err(wrong("size in bytes", len.to_string(), bytes.to_string()));
    }
    let md5 = digest(path, &mut file, progress)?;
    if md5 != expected.md5 {
        return Err(wrong("MD5", md5, expected.md5.to_owned()));
    }
    Ok(file)
}

/// Unpacks, lets [`Dataset::read`] look at the result, and renames it into place.
fn place(
    expected: &Expected,
    path: &Path,
    archive: File,
    destination: Destination,
    progress: &dyn FetchProgress,
    notes: &mut Vec<String>,
) -> Result<(), FetchError> {
    let new = destination.new_folder()?;
    notes.extend(unpack::unpack(
        expected, path, archive, &new.path, progress,
    )?);
    if let Err(error) = Dataset::read(&new.path, &OpenOptions::default()) {
        return Err(FetchError::Unpack {
            path: path.to_owned(),
            entry: None,
            reason: format!("what it holds is not a data set: {error}"),
        });
    }
    destination.put(new)?;
    Ok(())
}
