//! Where a run keeps its files: a locked folder under `target/` that goes away with its owner. The data set is linked
//! into it, so that no run logs a look beside the original, and so that there can be fewer queries.

use std::fs;
use std::path::{Path, PathBuf};

use super::args::Options;
use super::suite::Counts;
use crate::data::{self, Folder};
use crate::shell;

/// Results stay here.
pub(crate) const RESULTS: &str = "target/peers";
const WORK: &str = "target/peers/work";
/// All training images, and the queries.
const ALL_ROWS: &str = "data";
/// The first images of every file.
const FEW_ROWS: &str = "few";
const LOCK: &str = "target/peers/lock";
const SYNTHETIC: &str = "target/peers/synthetic";
/// As many as CIFAR-10 has, so that the ratios can be compared.
const SYNTHETIC_SIZE: (u64, u64) = (50_000, 10_000);

/// The folder of a run and what is in it.
pub(crate) struct Workplace {
    folder: PathBuf,
    /// The data set as a reader names it.
    pub(crate) source: String,
    /// Training and test images of the data for queries.
    queries: (u64, u64),
    /// The same of the data for images.
    images: (u64, u64),
    /// Held until the end.
    _lock: fs::File,
}

impl Workplace {
    /// Finds or draws the data, and fills the folder.
    pub(crate) fn open(options: &Options, nearplane: &Path) -> Result<Workplace, String> {
        let root = shell::root();
        let shown = |path: &Path, error: std::io::Error| format!("{}: {error}", shell::short(path));
        let results = root.join(RESULTS);
        fs::create_dir_all(&results).map_err(|error| shown(&results, error))?;
        let lock_path = root.join(LOCK);
        let lock = fs::File::create(&lock_path).map_err(|error| shown(&lock_path, error))?;
        if lock.try_lock().is_err() {
            return Err(format!("another run uses {RESULTS}; wait for its end"));
        }
        let original = choose(options.data.as_deref(), nearplane)?;
        let (format, n_train, n_test) = whole(&original)?;
        let n_queries = match options.queries {
            Some(queries) if queries as u64 > n_test => {
                return Err(format!(
                    "--queries {queries}: {} has {n_test} test images",
                    shell::short(&original)
                ));
            }
            Some(queries) => queries as u64,
            None => n_test,
        };

        let folder = root.join(WORK);
        if folder.exists() {
            // Left by a run that was ended.
            fs::remove_dir_all(&folder).map_err(|error| shown(&folder, error))?;
        }
        let mut place = Workplace {
            folder,
            source: source(&original),
            queries: (n_train, n_queries),
            images: (n_train, n_test),
            _lock: lock,
        };
        let data = place.folder.join(ALL_ROWS);
        fs::create_dir_all(&data).map_err(|error| shown(&data, error))?;
        link_data(&original, &data, format, Cut::Test, n_queries)?;
        if options.queries.is_some() {
            let data = place.folder.join(FEW_ROWS);
            fs::create_dir_all(&data).map_err(|error| shown(&data, error))?;
            link_data(&original, &data, format, Cut::Every, n_queries)?;
            let (_, n_train, n_test) = whole(&data)?;
            place.images = (n_train, n_test);
        }
        Ok(place)
    }

    /// The folder of data for a suite that counts queries or images.
    pub(crate) fn data(&self, counts: Counts) -> PathBuf {
        let is_cut = counts == Counts::Images && self.images != self.queries;
        self.folder.join(if is_cut { FEW_ROWS } else { ALL_ROWS })
    }

    /// How many training and test images are in it.
    pub(crate) fn sizes(&self, counts: Counts) -> (u64, u64) {
        match counts {
            Counts::Queries => self.queries,
            Counts::Images => self.images,
        }
    }

    /// How many queries or images there are.
    pub(crate) fn n_items(&self, counts: Counts) -> u64 {
        let (n_train, n_test) = self.sizes(counts);
        match counts {
            Counts::Queries => n_test,
            Counts::Images => n_train + n_test,
        }
    }

    /// A file or folder of that name here.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // What stays is removed by the next run.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// How a record names the data: a folder outside the project by its last name, for its path says nothing to others.
fn source(folder: &Path) -> String {
    let is_ours = folder.starts_with(shell::root());
    let name = folder.file_name().filter(|_| !is_ours);
    name.map_or_else(
        || shell::short(folder),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// What was asked for, else `NEARPLANE_DATA`, else what is found, else synthetic images.
fn choose(asked: Option<&Path>, nearplane: &Path) -> Result<PathBuf, String> {
    if let Some(path) = asked {
        return Ok(path.to_owned());
    }
    if let Some(path) = std::env::var_os("NEARPLANE_DATA") {
        return std::path::absolute(path).map_err(|error| format!("NEARPLANE_DATA: {error}"));
    }
    let places = [data::IMPORTED, data::CIFAR10].map(|place| shell::root().join(place));
    let found = places
        .into_iter()
        .find(|place| data::inspect(place) != Folder::Absent);
    if let Some(found) = found {
        return Ok(found);
    }
    println!(
        "no data set found, so the images are synthetic; `cargo xtask data` says how to get real ones"
    );
    let folder = shell::root().join(SYNTHETIC);
    let (n_train, n_test) = SYNTHETIC_SIZE;
    if !matches!(data::inspect(&folder), Folder::Whole { train, test, .. } if (train, test) == SYNTHETIC_SIZE)
    {
        let mut draw = shell::program_at(nearplane);
        draw.args(["data", "synth", "--force", "--quiet", "--out"])
            .arg(&folder);
        draw.args(["--n-train", &n_train.to_string()]);
        shell::capture(draw.args(["--n-test", &n_test.to_string()]))?;
    }
    Ok(folder)
}

fn whole(folder: &Path) -> Result<(&'static str, u64, u64), String> {
    match data::inspect(folder) {
        Folder::Whole {
            format,
            train,
            test,
        } => Ok((format, train, test)),
        Folder::Absent => Err(format!(
            "{}: no data set of the CIFAR-10 or CIFAR-100 binary format",
            shell::short(folder)
        )),
        damaged => Err(format!("{}: {damaged}", shell::short(folder))),
    }
}

/// Which files are shortened.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    Test,
    Every,
}

/// Links every data file, or copies the first `n_records` records of those that are shortened.
fn link_data(from: &Path, to: &Path, format: &str, cut: Cut, n_records: u64) -> Result<(), String> {
    let (test, record) = if format == "CIFAR-100" {
        ("test.bin", 3074)
    } else {
        ("test_batch.bin", 3073)
    };
    let shown = |path: &Path, error: std::io::Error| format!("{}: {error}", shell::short(path));
    for entry in fs::read_dir(from).map_err(|error| shown(from, error))? {
        let entry = entry.map_err(|error| shown(from, error))?;
        let (name, path) = (entry.file_name(), entry.path());
        let is_data = path.extension().is_some_and(|e| e == "bin" || e == "txt");
        if !is_data || !path.is_file() {
            continue;
        }
        let has_records = path.extension().is_some_and(|e| e == "bin");
        if name == test || (cut == Cut::Every && has_records) {
            use std::io::Read as _;
            let file = fs::File::open(&path).map_err(|error| shown(&path, error))?;
            let mut part = Vec::new();
            file.take(n_records * record)
                .read_to_end(&mut part)
                .and_then(|_| fs::write(to.join(&name), part))
                .map_err(|error| shown(&path, error))?;
        } else {
            link(&path, &to.join(&name)).map_err(|error| shown(&path, error))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

/// Symbolic links need a privilege on Windows; a copy will do where the folders are on two disks.
#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::TempFolder;

    fn fill(folder: &Path, files: &[(&str, usize)]) {
        for (name, bytes) in files {
            fs::write(folder.join(name), vec![7; *bytes]).unwrap();
        }
    }

    #[test]
    fn the_linked_folder_has_fewer_queries() {
        for (format, files) in [
            (
                "CIFAR-10",
                [("data_batch_1.bin", 2 * 3073), ("test_batch.bin", 5 * 3073)],
            ),
            (
                "CIFAR-100",
                [("train.bin", 2 * 3074), ("test.bin", 5 * 3074)],
            ),
        ] {
            let (from, to) = (TempFolder::new(), TempFolder::new());
            fill(from.path(), &files);
            fill(
                from.path(),
                &[(".nearplane-looks.csv", 9), ("names.txt", 3)],
            );
            assert_eq!(whole(from.path()), Ok((format, 2, 5)));
            link_data(from.path(), to.path(), format, Cut::Test, 3).unwrap();
            assert_eq!(whole(to.path()), Ok((format, 2, 3)));
            let few = TempFolder::new();
            link_data(from.path(), few.path(), format, Cut::Every, 1).unwrap();
            assert_eq!(whole(few.path()), Ok((format, 1, 1)));
            assert!(to.path().join("names.txt").is_file());
            assert!(!to.path().join(".nearplane-looks.csv").exists());
        }
    }

    #[test]
    fn records_name_no_folder_of_a_machine() {
        let ours = shell::root().join("target/cifar10");
        assert_eq!(source(&ours), "target/cifar10");
        let other = TempFolder::new();
        assert_eq!(source(&other.path().join("images")), "images");
    }

    #[test]
    fn folders_without_a_whole_data_set_are_refused() {
        let folder = TempFolder::new();
        let error = whole(folder.path()).unwrap_err();
        assert!(error.ends_with(": no data set of the CIFAR-10 or CIFAR-100 binary format"));
        fill(
            folder.path(),
            &[("data_batch_1.bin", 3073), ("test_batch.bin", 3000)],
        );
        let error = whole(folder.path()).unwrap_err();
        assert!(
            error.contains(": damaged: test_batch.bin has 3000 bytes"),
            "{error}"
        );
    }
}
