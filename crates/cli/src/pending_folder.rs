//! An output folder that appears whole or not at all: its files are written into a temporary folder
//! beside it, which gets the name at the end.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nearplane_cifar::exchange::exchange;
use nearplane_cifar::temporary::{Temporary, swapping};
use tempfile::TempDir;

use crate::pending::folder_of;

/// A folder that has its final name only after [`PendingFolder::finish`]; dropped before that, it is removed.
pub(crate) struct PendingFolder {
    path: PathBuf,
    /// The same behind links, so that the folder is replaced and not a link to it.
    target: PathBuf,
    new: TempDir,
    _registered: Temporary,
    files: Vec<String>,
    force: bool,
    /// Names that a folder may hold which is replaced.
    ours: &'static [&'static str],
}

impl PendingFolder {
    /// Starts a folder that will be called `path`. With `force` it may take the place of a folder that
    /// holds nothing but files of the names `ours`.
    pub(crate) fn create(
        path: &Path,
        force: bool,
        ours: &'static [&'static str],
    ) -> Result<PendingFolder> {
        check_replaceable(path, path, force, ours)?;
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let parent = folder_of(&target);
        let cannot = || format!("cannot write the folder {}", path.display());
        fs::create_dir_all(parent).with_context(cannot)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".nearplane-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // Not private, as temporary folders are; the process's umask still applies.
            builder.permissions(fs::Permissions::from_mode(0o777));
        }
        let new = builder.tempdir_in(parent).with_context(cannot)?;
        Ok(PendingFolder {
            path: path.to_owned(),
            _registered: Temporary::register(new.path()),
            new,
            target,
            files: Vec::new(),
            force,
            ours,
        })
    }

    /// Writes one of its files.
    pub(crate) fn write(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
    ) -> Result<()> {
        let cannot = || format!("cannot write {}", self.path.join(name).display());
        let file = File::create_new(self.new.path().join(name)).with_context(cannot)?;
        let mut writer = BufWriter::new(file);
        fill(&mut writer).with_context(cannot)?;
        let file = writer.into_inner().map_err(|error| error.into_error());
        file.and_then(|file| file.sync_all()).with_context(cannot)?;
        self.files.push(name.to_owned());
        Ok(())
    }

    /// Gives the folder its name and returns the paths of its files.
    pub(crate) fn finish(self) -> Result<Vec<PathBuf>> {
        // An old folder must not be left aside by a process that ends in between.
        let _swap = swapping();
        // Whoever filled the place meanwhile keeps it.
        check_replaceable(&self.path, &self.target, self.force, self.ours)?;
        let cannot = || format!("cannot write the folder {}", self.path.display());
        let files = self.files.iter().map(|name| self.path.join(name)).collect();
        if !self.target.exists() {
            fs::rename(self.new.path(), &self.target).with_context(cannot)?;
        } else if exchange(self.new.path(), &self.target).with_context(cannot)? {
            // Looked at once more where nobody adds to it any longer, so that nothing foreign is removed.
            if let Err(error) =
                check_replaceable(&self.path, self.new.path(), self.force, self.ours)
            {
                if !matches!(exchange(self.new.path(), &self.target), Ok(true)) {
                    let kept = self.new.keep();
                    return Err(error.context(format!(
                        "the old folder is in {}, it cannot be moved back",
                        kept.display()
                    )));
                }
                return Err(error);
            }
            // Dropped, the temporary folder is removed, which is the old one now.
            return Ok(files);
        } else {
            self.replace_in_steps()?;
        }
        // Nothing is at its temporary name any more that could be removed.
        let _ = self.new.keep();
        Ok(files)
    }

    /// Where the system cannot exchange two folders: old one aside, new one in place.
    fn replace_in_steps(&self) -> Result<()> {
        let cannot = || format!("cannot write the folder {}", self.path.display());
        let aside = tempfile::Builder::new()
            .prefix(".nearplane-")
            .tempdir_in(folder_of(&self.target))
            .with_context(cannot)?;
        let old = aside.path().join("old");
        fs::rename(&self.target, &old).with_context(cannot)?;
        // As above.
        let placed = check_replaceable(&self.path, &old, self.force, self.ours)
            .and_then(|()| fs::rename(self.new.path(), &self.target).with_context(cannot));
        if let Err(error) = placed {
            let aside = aside.keep();
            fs::rename(&old, &self.target).with_context(|| {
                format!(
                    "the old folder is in {}, it cannot be moved back",
                    old.display()
                )
            })?;
            // It is empty now.
            let _ = fs::remove_dir(aside);
            return Err(error);
        }
        Ok(())
    }
}

/// Fails unless there is nothing at `at`, or an empty folder, or with `force` a folder of files of ours.
/// Messages call it `path`.
fn check_replaceable(path: &Path, at: &Path, force: bool, ours: &[&str]) -> Result<()> {
    let shown = path.display();
    let cannot = || format!("cannot write the folder {shown}");
    match fs::metadata(at) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if fs::symlink_metadata(at).is_ok() {
                bail!("{shown} is a link that leads nowhere; give the name of a folder to write");
            }
            return Ok(());
        }
        Ok(found) if found.is_dir() => {}
        Ok(_) => bail!("{shown} is no folder; give the name of a folder to write"),
        Err(error) => return Err(error).with_context(cannot),
    }
    for entry in fs::read_dir(at).with_context(cannot)? {
        if !force {
            bail!("{shown} exists; give another folder, or --force to replace it");
        }
        let entry = entry.with_context(cannot)?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| ours.contains(&name));
        if !is_ours || !entry.file_type().with_context(cannot)?.is_file() {
            bail!(
                "{shown} holds {}, which this command does not write; give another folder",
                name.display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn fill(folder: &mut PendingFolder) {
        let write = |writer: &mut BufWriter<File>| Ok(writer.write_all(b"new")?);
        folder.write("a", write).unwrap();
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn all_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("deep/out");
        let mut folder = PendingFolder::create(&out, false, &["a"]).unwrap();
        fill(&mut folder);
        assert!(!out.exists());
        drop(folder);
        assert_eq!(names(&dir.path().join("deep")), [""; 0]);

        let mut folder = PendingFolder::create(&out, false, &["a"]).unwrap();
        fill(&mut folder);
        assert_eq!(folder.finish().unwrap(), [out.join("a")]);
        assert_eq!(names(&dir.path().join("deep")), ["out"]);
        assert_eq!(names(&out), ["a"]);
    }

    #[test]
    fn only_what_is_ours_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        fs::create_dir(&out).unwrap();
        let mut folder = PendingFolder::create(&out, false, &["a", "b"]).unwrap();
        fill(&mut folder);
        folder.finish().unwrap();
        assert!(PendingFolder::create(&out, false, &["a", "b"]).is_err());
        fs::write(out.join("b"), "old").unwrap();
        let mut folder = PendingFolder::create(&out, true, &["a", "b"]).unwrap();
        fill(&mut folder);
        // A file that comes meanwhile is not lost.
        fs::write(out.join("thesis"), "years").unwrap();
        assert!(folder.finish().is_err());
        assert_eq!(names(&out), ["a", "b", "thesis"]);
        fs::remove_file(out.join("thesis")).unwrap();
        let mut folder = PendingFolder::create(&out, true, &["a", "b"]).unwrap();
        fill(&mut folder);
        folder.finish().unwrap();
        assert_eq!(names(&out), ["a"]);
        assert_eq!(names(dir.path()), ["out"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (out, link) = (dir.path().join("out"), dir.path().join("link"));
        fs::create_dir(&out).unwrap();
        std::os::unix::fs::symlink("out", &link).unwrap();
        let mut folder = PendingFolder::create(&link, false, &["a"]).unwrap();
        fill(&mut folder);
        assert_eq!(folder.finish().unwrap(), [link.join("a")]);
        assert_eq!(names(&out), ["a"]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        fs::remove_dir_all(&out).unwrap();
        let error = PendingFolder::create(&link, true, &["a"]).err().unwrap();
        assert!(error.to_string().contains("leads nowhere"), "{error}");
    }
}
