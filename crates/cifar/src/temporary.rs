//! Files and folders that exist only until a result is in place, so that an end without destructors (a second
//! Ctrl-C, a SIGBUS in a mapped file) does not leave them behind.
//!
//! Entries are only ever added to a list and never freed, so that a signal handler can walk it: no lock, no
//! allocation. What a killed process leaves stays: nothing proves that a hidden file belongs to a process that is
//! dead and not to one on another machine that shares the disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

struct Entry {
    path: PathBuf,
    #[cfg(all(unix, feature = "sigbus"))]
    c_path: std::ffi::CString,
    live: AtomicBool,
    next: OnceLock<&'static Entry>,
}

static FIRST: OnceLock<&'static Entry> = OnceLock::new();
static SWAP: Mutex<()> = Mutex::new(());

/// A path that [`remove_all`] removes, as long as this lives. The path itself is the owner's to remove.
///
/// Each one costs the length of its path in memory until the process ends.
///
/// ```
/// use nearplane_cifar::temporary::{Temporary, remove_all};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("half-a-result");
/// std::fs::write(&path, "half")?;
/// let _temporary = Temporary::register(&path);
/// remove_all();
/// assert!(!path.exists());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Temporary {
    live: Option<&'static AtomicBool>,
}

impl Temporary {
    /// Remembers a file or a folder. Another thread or a signal may remove it from now on, so the name should be
    /// one that nobody else uses.
    #[must_use]
    pub fn register(path: &Path) -> Temporary {
        // The current folder may be another one by the time of the end.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        #[cfg(all(unix, feature = "sigbus"))]
        let c_path = {
            use std::os::unix::ffi::OsStrExt as _;
            // No file has such a name, so there is nothing to remove.
            let Ok(c_path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else {
                return Temporary { live: None };
            };
            c_path
        };
        let entry: &'static Entry = Box::leak(Box::new(Entry {
            path,
            #[cfg(all(unix, feature = "sigbus"))]
            c_path,
            live: AtomicBool::new(true),
            next: OnceLock::new(),
        }));
        let mut end = &FIRST;
        while end.set(entry).is_err() {
            if let Some(taken) = end.get() {
                end = &taken.next;
            }
        }
        Temporary {
            live: Some(&entry.live),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(live) = self.live {
            live.store(false, Ordering::Release);
        }
    }
}

/// Keeps [`remove_all`] waiting while what is temporary takes its place: in between, what was there before may lie
/// under a temporary name.
pub fn swapping() -> MutexGuard<'static, ()> {
    // Nothing is guarded but the moment.
    SWAP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes whatever is registered, folders with all they hold. For the end of a process that runs no destructors;
/// waits for whoever is [`swapping`]. What cannot be removed stays.
pub fn remove_all() {
    let _swap = swapping();
    for entry in live() {
        if std::fs::remove_file(&entry.path).is_ok() {
            continue;
        }
        // Another thread may still be filling the folder.
        for _ in 0..10 {
            if std::fs::remove_dir_all(&entry.path).is_ok() || !entry.path.exists() {
                break;
            }
        }
    }
}

/// Registered files as the system calls take them; a signal handler may ask.
#[cfg(all(unix, feature = "sigbus"))]
pub(crate) fn registered() -> impl Iterator<Item = &'static std::ffi::CStr> {
    live().map(|entry| entry.c_path.as_c_str())
}

fn live() -> impl Iterator<Item = &'static Entry> {
    std::iter::successors(FIRST.get().copied(), |entry| entry.next.get().copied())
        .filter(|entry| entry.live.load(Ordering::Acquire))
}
