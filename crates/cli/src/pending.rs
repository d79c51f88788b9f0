//! Output files that appear whole or not at all: written under a temporary name in the folder they belong to, so that
//! an unwritable folder is noticed before hours of work, and renamed at the end, all of a command or none.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, bail};
use nearplane_cifar::temporary::{Temporary, swapping};
use tempfile::NamedTempFile;

/// A file that has its final name only after [`Outputs::place`]; dropped before that, it is
/// removed.
pub(crate) struct PendingFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    force: bool,
    registered: Temporary,
}

impl PendingFile {
    /// Starts a file that will be called `path`.
    pub(crate) fn create(path: &Path, force: bool) -> Result<PendingFile> {
        refuse_existing_file(path, force)?;
        let file = temporary_names()
            .permissions_like_a_new_file()
            .tempfile_in(folder_of(path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(PendingFile {
            path: path.to_owned(),
            registered: Temporary::register(file.path()),
            file: BufWriter::new(file),
            force,
        })
    }

    /// The beginning of a message about a failed write.
    pub(crate) fn cannot_write(&self) -> String {
        format!("cannot write {}", self.path.display())
    }

    /// Gives it its name at once, whatever else becomes of the command. A process that is killed meanwhile leaves the
    /// file that was there before, or this one, whole.
    pub(crate) fn replace(self) -> Result<()> {
        let Synced { path, file, .. } = self.synced()?;
        let _swap = swapping();
        file.persist(&path)
            .map_err(|error| error.error)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(())
    }

    /// On the disk, under its temporary name still.
    fn synced(self) -> Result<Synced> {
        let PendingFile {
            path,
            file,
            force,
            registered,
        } = self;
        let cannot = || format!("cannot write {}", path.display());
        let file = file
            .into_inner()
            .map_err(|error| error.into_error())
            .with_context(cannot)?;
        file.as_file().sync_all().with_context(cannot)?;
        Ok(Synced {
            path,
            file,
            force,
            _registered: registered,
        })
    }
}

struct Synced {
    path: PathBuf,
    file: NamedTempFile,
    force: bool,
    _registered: Temporary,
}

impl Synced {
    fn place(self) -> Result<Placed> {
        let Synced {
            path, file, force, ..
        } = self;
        let cannot = || format!("cannot write {}", path.display());
        refuse_existing_file(&path, force)?;
        let before = if force {
            Backup::of(&path).with_context(cannot)?
        } else {
            None
        };
        if force {
            file.persist(&path)
        } else {
            file.persist_noclobber(&path)
        }
        .map_err(|error| error.error)
        .with_context(cannot)?;
        Ok(Placed { path, before })
    }
}

/// A file that was replaced, under a second name beside the first.
struct Backup {
    file: NamedTempFile<()>,
    _registered: Temporary,
}

impl Backup {
    /// `None`: there is nothing to keep.
    fn of(path: &Path) -> std::io::Result<Option<Backup>> {
        if std::fs::symlink_metadata(path).is_err() {
            return Ok(None);
        }
        let file = temporary_names().make_in(folder_of(path), |name| {
            match std::fs::hard_link(path, name) {
                // The name is taken, and another one is tried.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
                // Not every file system has second names.
                Err(_) => std::fs::copy(path, name).map(drop),
                Ok(()) => Ok(()),
            }
        })?;
        Ok(Some(Backup {
            _registered: Temporary::register(file.path()),
            file,
        }))
    }
}

/// An output under its final name, which can still be taken back.
struct Placed {
    path: PathBuf,
    before: Option<Backup>,
}

/// The outputs that a command has put in place: taken back when dropped, unless they were kept.
#[derive(Default)]
pub(crate) struct Outputs {
    placed: Mutex<Vec<Placed>>,
}

impl Outputs {
    /// Syncs all files, then gives them their names; where one fails, none of them is there, and what they replaced
    /// is back.
    pub(crate) fn place(&self, files: Vec<PendingFile>) -> Result<()> {
        let synced = files
            .into_iter()
            .map(PendingFile::synced)
            .collect::<Result<Vec<_>>>()?;
        let swap = swapping();
        for file in synced {
            match file.place() {
                Ok(placed) => self.lock().push(placed),
                Err(error) => {
                    drop(swap);
                    return Err(self.take_back(error));
                }
            }
        }
        Ok(())
    }

    /// Whatever is in place stays there.
    pub(crate) fn keep(&self) {
        self.lock().clear();
    }

    /// Removes the outputs again, puts back what they replaced, and says so in the error that led here.
    pub(crate) fn take_back(&self, error: anyhow::Error) -> anyhow::Error {
        let (back, stuck) = self.undo();
        let mut said = Vec::new();
        if !back.is_empty() {
            said.push(format!("{} taken back", back.join(" and ")));
        }
        if !stuck.is_empty() {
            said.push(format!("{} could not be taken back", stuck.join(" and ")));
        }
        if said.is_empty() {
            error
        } else {
            error.context(format!(
                "not every output can be written, {}",
                said.join(", ")
            ))
        }
    }

    /// The names of what is as it was before, and of what is not.
    fn undo(&self) -> (Vec<String>, Vec<String>) {
        let _swap = swapping();
        let (mut back, mut stuck) = (Vec::new(), Vec::new());
        for Placed { path, before } in self.lock().drain(..).rev() {
            let shown = path.display();
            match before {
                Some(backup) => match backup.file.persist(&path) {
                    Ok(()) => back.push(shown.to_string()),
                    // Dropped, it would remove the only copy of what was there.
                    Err(error) => stuck.push(match error.file.keep() {
                        Ok(((), kept)) => {
                            format!("{shown} (what it held is in {})", kept.display())
                        }
                        Err(_) => shown.to_string(),
                    }),
                },
                None if std::fs::remove_file(&path).is_ok() => back.push(shown.to_string()),
                None => stuck.push(shown.to_string()),
            }
        }
        (back, stuck)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Placed>> {
        self.placed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        // The error that led here is the one to report.
        let _ = self.undo();
    }
}

fn temporary_names() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".nearplane-").suffix(".tmp");
    builder
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
        finish(file)
    }

    fn finish(file: PendingFile) -> Result<()> {
        let outputs = Outputs::default();
        outputs.place(vec![file])?;
        outputs.keep();
        Ok(())
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

    /// Two outputs, of which the second meets a folder that was not there when it began.
    fn second_fails(dir: &Path, force: bool) -> String {
        let (a, b) = (dir.join("a.csv"), dir.join("b.csv"));
        let mut files: Vec<PendingFile> = [&a, &b]
            .map(|path| PendingFile::create(path, force).unwrap())
            .into();
        for file in &mut files {
            file.write_all(b"new").unwrap();
        }
        std::fs::create_dir(&b).unwrap();
        let error = Outputs::default().place(files).unwrap_err();
        let mut left: Vec<_> = std::fs::read_dir(dir).unwrap().collect();
        left.retain(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_str()
                .unwrap()
                .starts_with('.')
        });
        assert!(left.is_empty(), "{left:?}");
        crate::failure::one_line(&error)
    }

    #[test]
    fn one_failure_takes_all_outputs_back() {
        let dir = tempfile::tempdir().unwrap();
        let line = second_fails(dir.path(), false);
        assert!(!dir.path().join("a.csv").exists(), "{line}");
        assert!(
            line.contains("a.csv taken back") && line.contains("b.csv is a folder"),
            "{line}"
        );

        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.csv"), "old").unwrap();
        let line = second_fails(dir.path(), true);
        assert_eq!(
            std::fs::read(dir.path().join("a.csv")).unwrap(),
            b"old",
            "{line}"
        );
    }

    #[test]
    fn what_was_replaced_is_never_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, "old").unwrap();
        let outputs = Outputs::default();
        let mut file = PendingFile::create(&path, true).unwrap();
        file.write_all(b"new").unwrap();
        outputs.place(vec![file]).unwrap();
        // Something takes the place to which it would go back.
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let line = crate::failure::one_line(&outputs.take_back(anyhow::anyhow!("later")));
        let (_, kept) = line.split_once("what it held is in ").expect(&line);
        let (kept, _) = kept.split_once(')').expect(&line);
        assert_eq!(std::fs::read(kept).unwrap(), b"old", "{line}");
    }

    #[test]
    fn what_is_not_kept_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        let outputs = Outputs::default();
        outputs
            .place(vec![PendingFile::create(&path, false).unwrap()])
            .unwrap();
        assert!(path.exists());
        drop(outputs);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        let file = PendingFile::create(&path, false).unwrap();
        std::fs::write(&path, "theirs").unwrap();
        assert!(finish(file).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
    }
}
