//! What can go wrong in a fetch, and what to do then.

use std::path::PathBuf;

use crate::error::Error;

/// What happened at one mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MirrorFailure {
    /// Address of the archive there.
    pub url: String,
    /// Why it could not be had.
    pub reason: String,
}

/// Why a fetch failed. The destination is as it was before.
///
/// What servers and archives say is printed quoted and escaped: it is not to be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A mirror is not an address that can be asked.
    #[error(
        "mirror {url:?}: {reason}; expected http:// or https://, then a folder (ending in /) or the archive"
    )]
    MirrorUrl {
        /// The mirror.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The destination or another file cannot be used.
    #[error(transparent)]
    Data(#[from] Error),
    /// Another fetch is writing to the partial file.
    #[error(
        "{}: another fetch is writing to this file; wait for it, or choose another folder",
        path.display()
    )]
    Busy {
        /// The partial file.
        path: PathBuf,
    },
    /// The given archive is not the original one.
    #[error(
        "{}: found {what} {found}, expected {expected}; the file is incomplete, damaged or another one, download it again from {url}",
        path.display()
    )]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What it is.
        found: String,
        /// What it is in the original.
        expected: String,
        /// Where to get the original.
        url: String,
    },
    /// No mirror had the archive.
    #[error(
        "cannot download {file}: {}; {}try again later, name another mirror (--mirror URL), or download {official} by hand and give the file (--archive FILE)",
        listed(failures),
        kept(partial.as_ref())
    )]
    Mirrors {
        /// Name of the archive.
        file: String,
        /// The mirrors in the order in which they were asked.
        failures: Vec<MirrorFailure>,
        /// The partial file and its bytes, if there are any.
        partial: Option<(PathBuf, u64)>,
        /// Where its authors offer it.
        official: String,
    },
    /// The archive is not what it should be inside; nothing of it was kept.
    #[error(
        "{}: refused{}: {reason}; nothing was unpacked, download the archive again from its authors",
        path.display(),
        entry.as_ref().map(|entry| format!(" at entry {entry:?}")).unwrap_or_default()
    )]
    Unpack {
        /// The archive.
        path: PathBuf,
        /// The entry in question, where it is one.
        entry: Option<String>,
        /// What is wrong.
        reason: String,
    },
    /// [`FetchProgress::cancelled`](super::FetchProgress::cancelled) said so.
    #[error("the fetch was cancelled; what was downloaded is kept for the next one")]
    Cancelled,
}

fn listed(failures: &[MirrorFailure]) -> String {
    let each = failures.iter().map(|f| format!("{}: {}", f.url, f.reason));
    each.collect::<Vec<_>>().join("; ")
}

fn kept(partial: Option<&(PathBuf, u64)>) -> String {
    match partial {
        Some((path, bytes)) => format!(
            "the {bytes} bytes that arrived are kept in {}, and the next fetch continues there; ",
            path.display()
        ),
        None => String::new(),
    }
}
