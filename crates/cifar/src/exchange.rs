//! Two names that change places in one step of the system, so that a process that is killed, whenever, leaves no name
//! without what it stood for.

use std::io;
use std::path::Path;

/// Makes each of two names in the same file system stand for what the other one did, files or folders, at once.
///
/// `false`: this system or this file system cannot, and nothing has changed. Linux and macOS can, on most of theirs,
/// with the feature `exchange`.
///
/// # Errors
///
/// What the system says, such as that one of the two is not there; nothing has changed.
///
/// ```
/// use nearplane_cifar::exchange::exchange;
/// let dir = tempfile::tempdir()?;
/// let (old, new) = (dir.path().join("old"), dir.path().join("new"));
/// std::fs::write(&old, "1")?;
/// std::fs::write(&new, "2")?;
/// if exchange(&old, &new)? {
///     assert_eq!(std::fs::read(&old)?, b"2");
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(all(feature = "exchange", any(target_os = "linux", target_os = "macos")))]
pub fn exchange(one: &Path, other: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::XDEV) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// No call of this system does it, or the feature `exchange` is off.
///
/// # Errors
///
/// None.
#[cfg(not(all(feature = "exchange", any(target_os = "linux", target_os = "macos"))))]
pub fn exchange(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(all(
    test,
    feature = "exchange",
    any(target_os = "linux", target_os = "macos")
))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn folders_change_places_whole() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        fs::create_dir(&one).expect("a folder");
        fs::create_dir(&other).expect("a folder");
        fs::write(one.join("a"), "1").expect("a file");
        assert!(exchange(&one, &other).expect("two folders"));
        assert_eq!(fs::read(other.join("a")).expect("the file"), b"1");
        assert!(fs::read_dir(&one).expect("a folder").next().is_none());
        let error = exchange(&one, &dir.path().join("none")).expect_err("nothing there");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(one.exists());
    }
}
