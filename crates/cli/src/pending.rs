//! Output files that appear whole or not at all: written under a temporary name in the folder they belong to, so that
//! an unwritable folder is noticed before hours of work, and renamed at the end.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tempfile::NamedTempFile;

/// A file that has its final name only after [`PendingFile::finish`]; dropped before that, it is removed.
pub(crate) struct PendingFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    force: bool,
}

impl PendingFile {
    /// Starts a file that will be called `path`.
    pub(crate) fn create(path: &Path, force: bool) -> Result<PendingFile> {
        refuse_existing_file(path, force)?;
        let file = tempfile::Builder::new()
            .prefix(".nearplane-")
            .suffix(".tmp")
            .permissions_like_a_new_file()
            .tempfile_in(folder_of(path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(PendingFile {
            path: path.to_owned(),
            file: BufWriter::new(file),
            force,
        })
    }

    /// Syncs the file and gives it its name.
    pub(crate) fn finish(self) -> Result<()> {
        let PendingFile { path, file, force } = self;
        let cannot = || format!("cannot write {}", path.display());
        let file = file
            .into_inner()
            .map_err(|error| error.into_error())
            .with_context(cannot)?;
        file.as_file().sync_all().with_context(cannot)?;
        let named: std::result::Result<File, _> = if force {
            file.persist(&path)
        } else {
            file.persist_noclobber(&path)
        };
        named.map_err(|error| error.error).with_context(cannot)?;
        Ok(())
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Fails where something has this name already: without `force`, anything; with it, whatever is not
/// a plain file (replacing a folder, a pipe or a device is never meant).
pub(crate) fn refuse_existing_file(path: &Path, force: bool) -> Result<()> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            bail!("{shown} is a folder; expected the name of a file to write")
        }
        Ok(found) if !found.is_file() => {
            bail!("{shown} is not a plain file; expected the name of a file to write")
        }
        // A link that leads nowhere is there all the same.
        _ if !force && std::fs::symlink_metadata(path).is_ok() => {
            bail!("{shown} exists; give another name, or --force to replace it")
        }
        _ => Ok(()),
    }
}

/// Fails where `path` lies in the folder of the data set that is being read: an output there could
/// take the place of an input.
pub(crate) fn refuse_inside_data(folder: Option<&Path>, path: &Path) -> Result<()> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let inside = folder.and_then(real);
    if inside.is_some()
        && (inside == real(folder_of(path))
            || inside
                == real(path)
                    .as_deref()
                    .and_then(Path::parent)
                    .map(Path::to_owned))
    {
        bail!(
            "{} lies in the folder of the data set that is being read; give a name in another folder",
            path.display()
        );
    }
    Ok(())
}

/// The same file under whatever name: the folder without links and dots, then the name.
pub(crate) fn identity(path: &Path) -> PathBuf {
    let folder = std::fs::canonicalize(folder_of(path));
    match (folder, path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// The folder that a file of this name is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Temporary files are private by default; an output should have the permissions that any new file gets.
trait NewFilePermissions {
    fn permissions_like_a_new_file(&mut self) -> &mut Self;
}

impl NewFilePermissions for tempfile::Builder<'_, '_> {
    #[cfg(unix)]
    fn permissions_like_a_new_file(&mut self) -> &mut Self {
        use std::os::unix::fs::PermissionsExt as _;
        // The process's umask still applies.
        self.permissions(std::fs::Permissions::from_mode(0o666))
    }

    #[cfg(not(unix))]
    fn permissions_like_a_new_file(&mut self) -> &mut Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(path: &Path, force: bool) -> Result<()> {
        let mut file = PendingFile::create(path, force)?;
        file.write_all(b"new")?;
        file.finish()
    }

    #[test]
    fn nothing_appears_before_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        let mut file = PendingFile::create(&path, false).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(file);
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            0,
            "the temporary file stayed"
        );
    }

    #[test]
    fn an_existing_file_needs_force() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, "old").unwrap();
        assert!(written(&path, false).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        written(&path, true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_never_replaced_and_links_count_as_files() {
        assert!(PendingFile::create(Path::new("/dev/null"), true).is_err());
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert!(PendingFile::create(&link, false).is_err());
        written(&link, true).unwrap();
        assert_eq!(std::fs::read(&link).unwrap(), b"new");
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        let file = PendingFile::create(&path, false).unwrap();
        std::fs::write(&path, "theirs").unwrap();
        assert!(file.finish().is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
    }
}
