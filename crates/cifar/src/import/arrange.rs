//! From names to rows: which folder is which class, which image goes where.

use std::collections::BTreeMap;

use super::error::counted;
use super::order::Order;
use super::{DEFAULT_TEST_RATIO, ImportError};
use crate::format::{MAX_CLASSES, SplitName};

/// Longest name of a class in bytes, as on most file systems.
const MAX_CLASS_NAME: usize = 255;

/// An image by its path; `readable` if its pixels are there.
pub(super) struct Named<'a> {
    pub(super) path: &'a str,
    pub(super) readable: bool,
}

/// One row of the data set to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Position in the list of images, which is sorted by path.
    pub(super) image: usize,
    pub(super) label: u8,
}

/// Where every readable image goes.
#[derive(Debug, Default)]
pub(super) struct Arrangement {
    pub(super) class_names: Vec<String>,
    pub(super) train: Vec<Row>,
    pub(super) test: Vec<Row>,
    pub(super) notes: Vec<String>,
}

/// The images of one class by position in the sorted list, unreadable ones included.
#[derive(Default)]
struct Class {
    train: Vec<usize>,
    test: Vec<usize>,
}

/// The folders of a data set.
struct Layout<'a> {
    classes: BTreeMap<&'a str, Class>,
    /// Whether there are folders `train` and `test`.
    has_splits: bool,
}

/// Finds the layout, checks the classes, splits, orders.
///
/// `images` are sorted by path, without duplicates, and not empty.
pub(super) fn arrange(
    images: &[Named<'_>],
    test_ratio: Option<f64>,
    seed: u64,
    order: Option<&Order>,
) -> Result<Arrangement, ImportError> {
    let Layout {
        mut classes,
        has_splits,
    } = layout(images)?;
    check_class_names(&classes)?;
    if let Some(order) = order {
        order.check_classes(classes.len())?;
    }

    let mut notes = Vec::new();
    let any_test = classes.values().any(|class| !class.test.is_empty());
    let any_train = classes.values().any(|class| !class.train.is_empty());
    if any_test && !any_train {
        return Err(ImportError::NoTrainFolder { test: images.len() });
    }
    if any_test {
        if test_ratio.is_some() {
            notes.push("the test ratio was not used: there are test images in test/".into());
        }
    } else if has_splits && test_ratio.is_none() {
        return Err(ImportError::NoTestImage {
            train: images.len(),
        });
    } else {
        let ratio = test_ratio.unwrap_or(DEFAULT_TEST_RATIO);
        if classes.values().all(|class| class.train.len() < 2) {
            return Err(ImportError::TooFewToSplit {
                classes: classes.len(),
                images: images.len(),
            });
        }
        // Rounded, these would give nothing, or everything.
        let mut bent = Vec::new();
        for (name, class) in &mut classes {
            let count = class.train.len();
            let rounded = (count as f64 * ratio).round() as usize;
            if count >= 2 && (rounded == 0 || rounded == count) {
                bent.push(*name);
            }
            split(name, class, ratio, seed);
        }
        notes.push(format!(
            "no folder test: {ratio} of the images of each class became the test set (seed {seed})"
        ));
        if let Some(first) = bent.first() {
            notes.push(format!(
                "the ratio {ratio} rounds to none or to all of the images of {} of {} classes ({first:?} is the \
                 first); these give one image, or keep one",
                bent.len(),
                classes.len()
            ));
        }
    }

    let readable = |rows: &[usize]| -> Vec<usize> {
        let rows = rows.iter().copied();
        rows.filter(|&row| images[row].readable).collect()
    };
    let mut train = Vec::with_capacity(classes.len());
    let mut test = Vec::with_capacity(classes.len());
    for (name, class) in &classes {
        let (rows, test_rows) = (readable(&class.train), readable(&class.test));
        if rows.is_empty() {
            return Err(ImportError::NoTrainingImage {
                class: (*name).into(),
                unreadable: class.train.len(),
            });
        }
        if test_rows.is_empty() {
            notes.push(format!("class {name:?} has no test image"));
        }
        train.push(rows);
        test.push(test_rows);
    }
    if test.iter().all(Vec::is_empty) {
        return Err(ImportError::NoTestImage {
            train: train.iter().map(Vec::len).sum(),
        });
    }

    if let (1, Some(only)) = (classes.len(), classes.keys().next()) {
        notes.push(format!(
            "{only:?} is the only class, so that every answer will be right; add the folder of another"
        ));
    }

    let class_names: Vec<String> = classes.keys().map(|name| name.to_string()).collect();
    let train = match order {
        None => interleave(&train),
        Some(order) => {
            // The order counts every image; the places of unreadable ones are dropped afterwards.
            let listed: Vec<&Class> = classes.values().collect();
            let sizes: Vec<usize> = listed.iter().map(|class| class.train.len()).collect();
            let rows = order.apply(&class_names, &sizes)?;
            rows.into_iter()
                .map(|(label, number)| Row {
                    image: listed[usize::from(label)].train[number],
                    label,
                })
                .filter(|row| images[row.image].readable)
                .collect()
        }
    };
    Ok(Arrangement {
        class_names,
        train,
        test: interleave(&test),
        notes,
    })
}

/// Sorts images into classes. The first image decides on the layout, every other has to agree.
fn layout<'a>(images: &[Named<'a>]) -> Result<Layout<'a>, ImportError> {
    let fault = |entry: &str, reason: String| {
        Err(ImportError::Layout {
            entry: entry.into(),
            reason,
        })
    };
    let parts: Vec<Vec<&str>> = images
        .iter()
        .map(|image| image.path.split('/').collect())
        .collect();
    let (Some(first), Some(first_path)) = (parts.first(), images.first().map(|i| i.path)) else {
        return fault("", "is missing".into());
    };
    if first.len() < 2 {
        let reason = "lies in no class folder (give the folder above it if this is one class)";
        return fault(first_path, reason.into());
    }
    // train/<class>/<image> or test/<class>/<image>: the split is third from the end.
    let split_at = first.len().checked_sub(3);
    let split_name = |parts: &[&str]| match parts[split_at?] {
        "train" => Some(SplitName::Train),
        "test" => Some(SplitName::Test),
        _ => None,
    };
    let has_splits = split_name(first).is_some();
    let common = if has_splits {
        first.len() - 3
    } else {
        first.len() - 2
    };

    let mut classes: BTreeMap<&str, Class> = BTreeMap::new();
    for (number, (image, parts)) in images.iter().zip(&parts).enumerate() {
        if parts.len() != first.len() {
            let reason = format!(
                "lies {} deep and {first_path:?} {}",
                counted(parts.len() as u64 - 1, "folder"),
                first.len() - 1
            );
            return fault(image.path, reason);
        }
        if parts[..common] != first[..common] {
            let reason = format!("and {first_path:?} have no class folders side by side");
            return fault(image.path, reason);
        }
        let class = classes.entry(parts[parts.len() - 2]).or_default();
        match (has_splits, split_name(parts)) {
            (true, None) => {
                return fault(image.path, "is neither in train/ nor in test/".into());
            }
            (true, Some(SplitName::Test)) => class.test.push(number),
            _ => class.train.push(number),
        }
    }
    Ok(Layout {
        classes,
        has_splits,
    })
}

/// Class names become lines of a file and, for some users, folders of their own.
fn check_class_names(classes: &BTreeMap<&str, Class>) -> Result<(), ImportError> {
    if classes.len() > MAX_CLASSES {
        return Err(ImportError::TooManyClasses {
            found: classes.len(),
        });
    }
    let mut by_lower_case: BTreeMap<String, &str> = BTreeMap::new();
    for &name in classes.keys() {
        let fault = |reason| {
            Err(ImportError::ClassName {
                name: name.into(),
                reason,
            })
        };
        if name.contains(|c: char| c.is_control() || c == '\u{feff}') {
            return fault("holds a line break or another control character");
        }
        if name.trim() != name {
            return fault("begins or ends with a blank");
        }
        if name.len() > MAX_CLASS_NAME {
            return fault("is longer than 255 bytes");
        }
        if let Some(first) = by_lower_case.insert(name.to_lowercase(), name) {
            return Err(ImportError::ClassCase {
                first: first.into(),
                second: name.into(),
            });
        }
    }
    Ok(())
}

/// Moves a share of a class to the test set: round(n ratio) images, at least one if there are two,
/// and never all. Which ones depends on the seed and the name of the class only, so a further class
/// changes nothing for the others.
fn split(name: &str, class: &mut Class, ratio: f64, seed: u64) {
    let count = class.train.len();
    let wanted = (count as f64 * ratio).round() as usize;
    let wanted = wanted.max(1).min(count.saturating_sub(1));
    let mut shuffled = std::mem::take(&mut class.train);
    shuffle(&mut shuffled, seed ^ fnv1a_64(name.as_bytes()));
    class.train = shuffled.split_off(wanted);
    class.test = shuffled;
    class.train.sort_unstable();
    class.test.sort_unstable();
}

/// Fisher-Yates from the last position down; position i swaps with floor(r (i + 1) / 2^64), where
/// r is the next number of SplitMix64 (Steele, Lea and Flood 2014).
fn shuffle(rows: &mut [usize], seed: u64) {
    let mut state = seed;
    for last in (1..rows.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let other = (u128::from(mixed) * (last as u128 + 1)) >> 64;
        rows.swap(last, other as usize);
    }
}

fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Image 0 of every class, then image 1 of every class that has one, and so on.
fn interleave(classes: &[Vec<usize>]) -> Vec<Row> {
    let longest = classes.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows = Vec::with_capacity(classes.iter().map(Vec::len).sum());
    for number in 0..longest {
        for (label, class) in (0_u8..=u8::MAX).zip(classes) {
            if let Some(&image) = class.get(number) {
                rows.push(Row { image, label });
            }
        }
    }
    rows
}

/// Puts records into a new order in place: record p becomes what record `from[p]` was.
///
/// `from` is a permutation of 0..n; it is used up as a note of what is done.
pub(super) fn permute_records(records: &mut [u8], record_len: usize, from: &mut [usize]) {
    let mut first = vec![0; record_len];
    for start in 0..from.len() {
        if from[start] == start {
            continue;
        }
        let record = |at: usize| at * record_len..(at + 1) * record_len;
        first.copy_from_slice(&records[record(start)]);
        let mut at = start;
        loop {
            let source = std::mem::replace(&mut from[at], at);
            if source == start {
                records[record(at)].copy_from_slice(&first);
                break;
            }
            records.copy_within(record(source), at * record_len);
            at = source;
        }
    }
}

#[cfg(test)]
mod tests;
