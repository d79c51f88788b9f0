//! `cargo xtask data`: which data sets are where, whether they are whole, and how to get them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::shell;

/// Where the command line looks when it is given no `--data`, and where an import of the README goes.
pub(crate) const CIFAR10: &str = "datasets/cifar-10-batches-bin";
pub(crate) const IMPORTED: &str = "target/cifar10";
const CIFAR100: &str = "datasets/cifar-100-binary";

/// Archives that one downloads by hand: name, what it unpacks to, size in bytes where its authors publish one.
const ARCHIVES: [(&str, &str, Option<u64>); 2] = [
    (
        "datasets/cifar-10-binary.tar.gz",
        CIFAR10,
        Some(170_052_171),
    ),
    ("datasets/cifar-100-binary.tar.gz", CIFAR100, None),
];

const HOW_TO: &str = "\
How to get data:
  CIFAR-10    cargo run --release -- data fetch cifar-10
  CIFAR-100   cargo run --release -- data fetch cifar-100
              server slow or down: --mirror URL asks another, and the same command goes on where a download ended;
              or get the archive by hand (https://www.cs.toronto.edu/~kriz/cifar.html) and give it: --archive FILE
  your own    a folder or .tar, .tar.gz, .tar.xz of class folders of .jpg or .png images:
              cargo run --release -- data import PATH --out target/cifar10
  none        without data everything runs on synthetic images
Sizes, checksums and formats: datasets/README.md
";

/// A folder of CIFAR binary files, judged by the lengths of its files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    Absent,
    Whole {
        format: &'static str,
        train: u64,
        test: u64,
    },
    Damaged(Vec<String>),
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Folder::Absent => f.write_str("not there"),
            Folder::Whole {
                format,
                train,
                test,
            } => {
                write!(
                    f,
                    "{format} format, {train} training and {test} test images"
                )?;
                if (*train, *test) != (50_000, 10_000) {
                    write!(f, " (the original has 50000 and 10000)")?;
                }
                Ok(())
            }
            Folder::Damaged(faults) => write!(f, "damaged: {}", faults.join("; ")),
        }
    }
}

/// Prints the table; an error if something that is there is damaged.
pub(crate) fn main() -> Result<(), String> {
    let mut folders: Vec<(&str, PathBuf)> = Vec::new();
    if let Some(path) = std::env::var_os("NEARPLANE_DATA") {
        folders.push(("NEARPLANE_DATA", PathBuf::from(path)));
    }
    folders.extend([CIFAR10, CIFAR100, IMPORTED].map(|path| (path, shell::root().join(path))));
    let mut is_damaged = false;
    println!("Data sets:");
    for (name, path) in &folders {
        let folder = inspect(path);
        is_damaged |= matches!(folder, Folder::Damaged(_));
        println!("  {name:<32} {folder}");
    }
    println!("Archives:");
    for (name, unpacked, expected) in ARCHIVES {
        let (is_whole, state) = inspect_archive(&shell::root().join(name), expected);
        is_damaged |= !is_whole;
        println!("  {name:<32} {state} (unpacks to {unpacked})");
    }
    print!("\n{HOW_TO}");
    if is_damaged {
        Err("a data set is damaged, see above".to_owned())
    } else {
        Ok(())
    }
}

/// Judges a folder by the names and lengths of its files, as DESIGN defines the formats: labels are checked by
/// the program when it opens them.
pub(crate) fn inspect(folder: &Path) -> Folder {
    let has = |name: &str| folder.join(name).exists();
    if has("train.bin") || has("test.bin") {
        return inspect_files(
            folder,
            "CIFAR-100",
            3074,
            &["train.bin".to_owned()],
            "test.bin",
            Vec::new(),
        );
    }
    let mut numbers: Vec<u32> = names(folder)
        .iter()
        .filter_map(|name| batch_number(name))
        .collect();
    numbers.sort_unstable();
    if numbers.is_empty() && !has("test_batch.bin") {
        return Folder::Absent;
    }
    let last = numbers.last().copied().unwrap_or(1);
    let missing = (1..=last).filter(|number| numbers.binary_search(number).is_err());
    let faults = missing
        .map(|number| format!("data_batch_{number}.bin is missing"))
        .collect();
    let batches: Vec<String> = numbers
        .iter()
        .map(|number| format!("data_batch_{number}.bin"))
        .collect();
    inspect_files(folder, "CIFAR-10", 3073, &batches, "test_batch.bin", faults)
}

fn inspect_files(
    folder: &Path,
    format: &'static str,
    record: u64,
    train: &[String],
    test: &str,
    mut faults: Vec<String>,
) -> Folder {
    let mut images = |name: &str| match std::fs::metadata(folder.join(name)) {
        Ok(file) if file.is_file() && file.len() > 0 && file.len() % record == 0 => {
            file.len() / record
        }
        Ok(file) if file.is_file() => {
            faults.push(format!(
                "{name} has {} bytes, expected a multiple of {record}",
                file.len()
            ));
            0
        }
        Ok(_) => {
            faults.push(format!("{name} is not a file"));
            0
        }
        Err(_) => {
            faults.push(format!("{name} is missing"));
            0
        }
    };
    let (train, test) = (train.iter().map(|name| images(name)).sum(), images(test));
    if faults.is_empty() {
        Folder::Whole {
            format,
            train,
            test,
        }
    } else {
        Folder::Damaged(faults)
    }
}

fn inspect_archive(path: &Path, expected: Option<u64>) -> (bool, String) {
    let Ok(file) = std::fs::metadata(path) else {
        return (true, "not there".to_owned());
    };
    match expected {
        Some(expected) if file.len() != expected => (
            false,
            format!(
                "damaged: {} bytes, expected {expected}; download it again",
                file.len()
            ),
        ),
        Some(_) => (true, format!("{} bytes, as published", file.len())),
        None => (true, format!("{} bytes", file.len())),
    }
}

/// The number of a training batch; `data_batch_01.bin` is none.
fn batch_number(name: &str) -> Option<u32> {
    let number = name.strip_prefix("data_batch_")?.strip_suffix(".bin")?;
    number
        .parse()
        .ok()
        .filter(|parsed: &u32| *parsed > 0 && parsed.to_string() == number)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::TempFolder;

    fn check(files: &[(&str, usize)], expected: &str) {
        let folder = TempFolder::new();
        for (name, length) in files {
            std::fs::write(folder.path().join(name), vec![0; *length]).unwrap();
        }
        assert_eq!(inspect(folder.path()).to_string(), expected, "{files:?}");
    }

    #[test]
    fn folders_are_judged_by_their_files() {
        check(&[("notes.txt", 5)], "not there");
        check(
            &[
                ("data_batch_1.bin", 3 * 3073),
                ("data_batch_2.bin", 3073),
                ("test_batch.bin", 2 * 3073),
            ],
            "CIFAR-10 format, 4 training and 2 test images (the original has 50000 and 10000)",
        );
        check(
            &[("train.bin", 3 * 3074), ("test.bin", 3074)],
            "CIFAR-100 format, 3 training and 1 test images (the original has 50000 and 10000)",
        );
        check(&[("train.bin", 3074)], "damaged: test.bin is missing");
    }

    #[test]
    fn each_fault_is_named() {
        check(
            &[
                ("data_batch_1.bin", 3073),
                ("data_batch_3.bin", 3072),
                ("test_batch.bin", 0),
            ],
            "damaged: data_batch_2.bin is missing; data_batch_3.bin has 3072 bytes, expected a multiple of 3073; \
             test_batch.bin has 0 bytes, expected a multiple of 3073",
        );
        check(
            &[("data_batch_1.bin", 3073)],
            "damaged: test_batch.bin is missing",
        );
        check(
            &[("test_batch.bin", 3073)],
            "damaged: data_batch_1.bin is missing",
        );
    }

    #[test]
    fn batches_have_plain_numbers() {
        assert_eq!(batch_number("data_batch_12.bin"), Some(12));
        for name in [
            "data_batch_0.bin",
            "data_batch_01.bin",
            "data_batch_.bin",
            "data_batch_1.bin.part",
            "test_batch.bin",
        ] {
            assert_eq!(batch_number(name), None, "{name}");
        }
    }

    #[test]
    fn archives_are_judged_by_their_size() {
        let folder = TempFolder::new();
        let path = folder.path().join("a.tar.gz");
        assert_eq!(
            inspect_archive(&path, Some(3)),
            (true, "not there".to_owned())
        );
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(
            inspect_archive(&path, Some(3)),
            (true, "3 bytes, as published".to_owned())
        );
        assert_eq!(inspect_archive(&path, None), (true, "3 bytes".to_owned()));
        let (is_whole, state) = inspect_archive(&path, Some(4));
        assert!(!is_whole);
        assert_eq!(state, "damaged: 3 bytes, expected 4; download it again");
    }
}
