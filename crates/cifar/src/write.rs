//! Writing a data set as a folder, all or nothing: the files are built in a temporary folder beside the
//! destination, synced, and put in place by renaming.

use std::fmt;
use std::fs::{self, File};
use std::io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, InvalidInput, NotFound};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Error;
use crate::exchange::exchange;
use crate::format::{Format, LabelCheck, LabelKind, MAX_CLASSES, PerKind, check_length};
use crate::layout::{TEST_10, TEST_100, TRAIN_100, batch_file, is_data_file};
use crate::temporary::{Temporary, swapping};

/// The log of looks at the test split, which stays with a folder when its data set is replaced.
pub const LOOKS_FILE: &str = ".nearplane-looks.csv";
/// Records of one CIFAR-10 batch at most.
pub const BATCH_RECORDS: usize = 10_000;

/// What [`write_folder`] writes.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct Contents {
    /// Layout of the records.
    pub format: Format,
    /// Whole records of the training split.
    pub train: Vec<u8>,
    /// Whole records of the test split.
    pub test: Vec<u8>,
    /// Names of the classes, of the fine ones for CIFAR-100; none: no file of names is written.
    pub class_names: Vec<String>,
    /// Names of the coarse classes of CIFAR-100; ignored for CIFAR-10.
    pub coarse_names: Vec<String>,
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents")
            .field("format", &self.format)
            .field("train_bytes", &self.train.len())
            .field("test_bytes", &self.test.len())
            .field("class_names", &self.class_names)
            .field("coarse_names", &self.coarse_names)
            .finish()
    }
}

/// Writes a data set to the folder `out` and returns the paths of its files.
///
/// CIFAR-10 is written in batches of at most [`BATCH_RECORDS`] records. Missing parent folders are made.
/// An empty folder `out` is fine. With `overwrite`, a folder that holds nothing but files of a data set
/// is replaced, and its [`LOOKS_FILE`] carried over. Whatever goes wrong, the folder stays as it was.
///
/// # Errors
///
/// - [`Error::Empty`], [`Error::Length`], [`Error::Label`], [`Error::TooManyNames`], [`Error::ClassName`]:
///   the contents would not be a data set; a path such as `memory: train` says where
/// - [`Error::Exists`]: `out` holds something, and `overwrite` is false
/// - [`Error::ForeignFile`]: `out` holds something that is not part of a data set; nothing replaces that
/// - [`Error::NotAFolder`], [`Error::Io`]: `out` cannot be written
/// - [`Error::Remainder`]: the data set is in place, but the one it replaced is still beside it
///
/// ```
/// use nearplane_cifar::write::{Contents, write_folder};
/// let out = tempfile::tempdir()?;
/// let contents = Contents { train: vec![0; 3073], test: vec![0; 3073], ..Contents::default() };
/// let files = write_folder(out.path(), &contents, false)?;
/// assert_eq!(files, [out.path().join("data_batch_1.bin"), out.path().join("test_batch.bin")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_folder(
    out: &Path,
    contents: &Contents,
    overwrite: bool,
) -> Result<Vec<PathBuf>, Error> {
    let files = files(contents)?;
    let destination = Destination::prepare(out, overwrite)?;
    let new = destination.new_folder()?;
    for (file, parts) in &files {
        let path = new.path.join(file);
        write_synced(&path, parts).map_err(Error::io(&path, "write the file"))?;
    }
    destination.put(new)?;
    Ok(files.iter().map(|(file, _)| out.join(file)).collect())
}

/// Name of a file, and its contents in parts.
type NewFile<'a> = (String, Vec<&'a [u8]>);

/// All files, once what they hold is known to be a data set.
fn files(contents: &Contents) -> Result<Vec<NewFile<'_>>, Error> {
    let format = contents.format;
    let mut names = PerKind {
        fine: contents.class_names.clone(),
        coarse: Vec::new(),
    };
    if format == Format::Cifar100 {
        names.coarse.clone_from(&contents.coarse_names);
    }
    for &kind in format.label_kinds() {
        check_names(names.get(kind))?;
    }
    let mut check = LabelCheck::new(format, &names);
    for (part, records) in [("train", &contents.train), ("test", &contents.test)] {
        let path = PathBuf::from(format!("memory: {part}"));
        check_length(&path, records.len() as u64, format)?;
        check.check(&path, records)?;
    }

    let mut files = Vec::new();
    match format {
        Format::Cifar10 => {
            let batches = contents.train.chunks(BATCH_RECORDS * format.record_len());
            files.extend((1..).map(batch_file).zip(batches.map(|batch| vec![batch])));
            files.push((TEST_10.into(), vec![&contents.test[..]]));
        }
        Format::Cifar100 => {
            files.push((TRAIN_100.into(), vec![&contents.train[..]]));
            files.push((TEST_100.into(), vec![&contents.test[..]]));
        }
    }
    for &kind in format.label_kinds() {
        let list = match kind {
            LabelKind::Fine => &contents.class_names,
            LabelKind::Coarse => &contents.coarse_names,
        };
        let lines = list.iter().flat_map(|name| [name.as_bytes(), b"\n"]);
        if !list.is_empty() {
            files.push((format.names_file(kind).into(), lines.collect()));
        }
    }
    Ok(files)
}

/// Names have to come back from the file as they are.
fn check_names(names: &[String]) -> Result<(), Error> {
    if names.len() > MAX_CLASSES {
        return Err(Error::TooManyNames {
            path: "memory: class names".into(),
            found: names.len(),
            limit: MAX_CLASSES,
        });
    }
    let survives = |name: &String| {
        let plain = !name.contains(['\n', '\r', '\u{feff}']);
        plain && !name.is_empty() && name.trim() == name
    };
    match names.iter().position(|name| !survives(name)) {
        None => Ok(()),
        Some(index) => Err(Error::ClassName {
            index,
            name: names[index].clone(),
        }),
    }
}

/// Where a data set shall go.
pub(crate) struct Destination {
    /// The folder itself, behind links if there are any.
    target: PathBuf,
    /// The folder around it, which exists.
    pub(crate) parent: PathBuf,
    before: Before,
}

impl Destination {
    /// Makes sure that a folder can be put at `out` later, and makes its parents.
    pub(crate) fn prepare(out: &Path, overwrite: bool) -> Result<Destination, Error> {
        let before = Before::examine(out, overwrite)?;
        // A link is followed, so that the folder it names is replaced and not the link.
        let target = match before {
            Before::Absent => out.to_owned(),
            _ => fs::canonicalize(out).map_err(Error::io(out, "resolve the folder"))?,
        };
        let (Some(parent), Some(_)) = (target.parent(), target.file_name()) else {
            return Err(Error::io(out, "put a data set here")(InvalidInput.into()));
        };
        // The parent of a plain name is the empty path, which no system call takes.
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        fs::create_dir_all(parent).map_err(Error::io(parent, "create the folder"))?;
        Ok(Destination {
            parent: parent.to_owned(),
            target,
            before,
        })
    }

    /// A temporary folder to fill, for [`Destination::put`].
    pub(crate) fn new_folder(&self) -> Result<Sibling, Error> {
        Sibling::create(&self.parent)
    }

    /// Renames the new folder into place.
    pub(crate) fn put(self, new: Sibling) -> Result<(), Error> {
        // The old data set must not be left aside by a process that ends in between.
        let _swap = swapping();
        match self.before {
            Before::Absent | Before::Empty => place(new, &self.target)?,
            Before::DataSet => replace(new, &self.target, &self.parent)?,
        }
        sync_folder(&self.parent);
        Ok(())
    }
}

/// What is at the place where the data set shall go.
enum Before {
    Absent,
    Empty,
    /// Files of a data set only, and overwriting them was asked for.
    DataSet,
}

impl Before {
    fn examine(out: &Path, overwrite: bool) -> Result<Before, Error> {
        match fs::metadata(out) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(Error::NotAFolder { path: out.into() }),
            Err(cause) if cause.kind() == NotFound => {
                return Ok(Before::Absent);
            }
            Err(cause) => return Err(Error::io(out, "look at the folder")(cause)),
        }
        let (entries, foreign) = survey(out)?;
        if entries == 0 {
            return Ok(Before::Empty);
        }
        match foreign {
            _ if !overwrite => Err(Error::Exists { path: out.into() }),
            Some(file) => Err(Error::ForeignFile {
                path: out.into(),
                file,
            }),
            None => Ok(Before::DataSet),
        }
    }
}

/// Number of entries, and one that is not a plain file of a data set.
fn survey(dir: &Path) -> Result<(usize, Option<String>), Error> {
    let mut entries = 0;
    let mut foreign = None;
    let mut survey = || -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            entries += 1;
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = is_data_file(&name) || name == LOOKS_FILE;
            if !(ours && entry.file_type()?.is_file()) {
                foreign = Some(name);
            }
        }
        Ok(())
    };
    survey().map_err(Error::io(dir, "list the folder"))?;
    Ok((entries, foreign))
}

/// A folder beside the destination, removed when dropped unless it was kept.
pub(crate) struct Sibling {
    pub(crate) path: PathBuf,
    keep: bool,
    _registered: Temporary,
}

impl Sibling {
    fn create(parent: &Path) -> Result<Sibling, Error> {
        loop {
            let path = unused(parent);
            match fs::create_dir(&path) {
                Ok(()) => {
                    return Ok(Sibling {
                        _registered: Temporary::register(&path),
                        path,
                        keep: false,
                    });
                }
                Err(cause) if cause.kind() == AlreadyExists => {}
                Err(cause) => {
                    return Err(Error::io(parent, "create a temporary folder here")(cause));
                }
            }
        }
    }
}

impl Drop for Sibling {
    fn drop(&mut self) {
        if !self.keep {
            // Nothing is left to do if even this fails; the error that led here is the one to report.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// A hidden name that no other process and no earlier call of this one used.
fn unused(parent: &Path) -> PathBuf {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    parent.join(format!(".nearplane-{}-{count}", std::process::id()))
}

fn write_synced(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()
}

/// Makes the entries of a folder durable where a folder can be opened like a file. Some file systems
/// refuse to; the contents of the files are synced by then, so that a refusal is no reason to fail.
fn sync_folder(dir: &Path) {
    if cfg!(unix) {
        let _ = File::open(dir).and_then(|dir| dir.sync_all());
    }
}

/// Renames the new folder to a place where nothing is, or an empty folder.
fn place(mut new: Sibling, target: &Path) -> Result<(), Error> {
    sync_folder(&new.path);
    if cfg!(windows) {
        // There a folder cannot be renamed over an empty one; one that is not empty is not removed.
        let _ = fs::remove_dir(target);
    }
    match fs::rename(&new.path, target) {
        Ok(()) => {
            new.keep = true;
            Ok(())
        }
        // Somebody was faster.
        Err(cause)
            if matches!(cause.kind(), DirectoryNotEmpty | AlreadyExists)
                || (cfg!(windows) && is_filled(target)) =>
        {
            Err(Error::Exists {
                path: target.into(),
            })
        }
        Err(cause) => Err(Error::io(target, "put the new folder here")(cause)),
    }
}

/// Windows calls it access denied when a folder with something in it is in the way.
fn is_filled(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Swaps the new folder for a data set, in one step where the system has one.
fn replace(new: Sibling, target: &Path, parent: &Path) -> Result<(), Error> {
    carry_looks(target, &new.path)?;
    sync_folder(&new.path);
    match exchange(&new.path, target) {
        Ok(true) => remove_exchanged(new, target, parent),
        Ok(false) => replace_in_steps(new, target, parent),
        Err(cause) => Err(Error::io(target, "put the new folder here")(cause)),
    }
}

/// The old data set lies under the temporary name: removed, or put back if it is more than that.
fn remove_exchanged(mut new: Sibling, target: &Path, parent: &Path) -> Result<(), Error> {
    // From here on the temporary name is that of something that was there before.
    new.keep = true;
    let error = match survey(&new.path) {
        Ok((_, None)) => {
            // The new names are on the disk before the old files go.
            sync_folder(parent);
            return remove_data_set(&new.path).map_err(|cause| Error::Remainder {
                path: new.path.clone(),
                cause,
            });
        }
        Ok((_, Some(file))) => Error::ForeignFile {
            path: target.into(),
            file,
        },
        Err(error) => error,
    };
    match exchange(&new.path, target) {
        Ok(true) => {
            new.keep = false;
            Err(error)
        }
        Ok(false) => Err(error),
        Err(cause) => Err(Error::Io {
            path: new.path.clone(),
            action: "move the old folder back from here",
            cause,
        }),
    }
}

/// Old one aside, new one in place, old one removed.
fn replace_in_steps(new: Sibling, target: &Path, parent: &Path) -> Result<(), Error> {
    let aside = unused(parent);
    fs::rename(target, &aside).map_err(Error::io(target, "move the old folder aside"))?;
    // Looked at once more where nobody adds to it any longer, so that nothing foreign is removed.
    let placed = match survey(&aside) {
        Ok((_, None)) => place(new, target),
        Ok((_, Some(file))) => Err(Error::ForeignFile {
            path: target.into(),
            file,
        }),
        Err(error) => Err(error),
    };
    if let Err(error) = placed {
        return match fs::rename(&aside, target) {
            Ok(()) => Err(error),
            Err(cause) => Err(Error::Io {
                path: aside,
                action: "move the old folder back from here",
                cause,
            }),
        };
    }
    remove_data_set(&aside).map_err(|cause| Error::Remainder { path: aside, cause })
}

/// Gives the log of looks to the new folder: as a second name of the same file, so that a look logged
/// meanwhile is not lost, or as a copy where there are no second names.
fn carry_looks(old: &Path, new: &Path) -> Result<(), Error> {
    let (from, to) = (old.join(LOOKS_FILE), new.join(LOOKS_FILE));
    if !fs::exists(&from).map_err(Error::io(&from, "look at the file"))? {
        return Ok(());
    }
    fs::hard_link(&from, &to)
        .or_else(|_| fs::copy(&from, &to).map(drop))
        .map_err(Error::io(&from, "carry the file over to the new folder"))
}

/// Removes file by file: a foreign file that got here after all makes the last step fail and survives.
fn remove_data_set(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|name| is_data_file(name) || name == LOOKS_FILE)
        {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir(dir)
}

#[cfg(test)]
mod tests;
