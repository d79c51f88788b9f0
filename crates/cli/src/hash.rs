//! The data hash: names the images, labels, order and class names of a data set, wherever they
//! lie. It is computed when a record is written, not when a data set is opened.
//!
//! SHA-256 over a prefix, then the record bytes of the training set in order, then those of the
//! test set. The prefix is UTF-8 text, lines ended by `\n`:
//!
//! ```text
//! nearplane/data/1
//! format cifar10            (or cifar100)
//! record 3073               (bytes; 3074)
//! train 50000               (records)
//! test 10000
//! classes 10
//! 8 airplane                (length of the name in bytes, name; one line per class, in order)
//! ```
//!
//! So it depends neither on how the records are cut into batches, nor on mapping, nor on whether
//! the images were read or drawn; a folder without class names has the names 0, 1, ....

use nearplane_cifar::{Dataset, Format};
use sha2::{Digest as _, Sha256};

/// 64 hex digits.
pub(crate) fn data_hash(data: &Dataset) -> String {
    let mut hash = Sha256::new();
    hash.update(prefix(
        data.format(),
        data.train().len(),
        data.test().len(),
        data.class_names(),
    ));
    for images in [data.train(), data.test()] {
        for records in images.records() {
            hash.update(records);
        }
    }
    hex(&hash.finalize())
}

/// Two hex digits a byte.
pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn prefix(format: Format, n_train: usize, n_test: usize, class_names: &[String]) -> String {
    let mut text = format!(
        "nearplane/data/1\nformat {}\nrecord {}\ntrain {n_train}\ntest {n_test}\nclasses {}\n",
        match format {
            Format::Cifar10 => "cifar10",
            Format::Cifar100 => "cifar100",
        },
        format.record_len(),
        class_names.len()
    );
    for name in class_names {
        text.push_str(&format!("{} {name}\n", name.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` records of class `i % 2`, filled with `i`.
    fn records(n: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        for i in 0..n {
            bytes.push(i % 2);
            bytes.extend(std::iter::repeat_n(i, nearplane_cifar::PIXELS));
        }
        bytes
    }

    fn names(list: [&str; 2]) -> Vec<String> {
        list.map(str::to_owned).to_vec()
    }

    fn dataset(train: Vec<Vec<u8>>, test: Vec<u8>, class_names: Vec<String>) -> Dataset {
        Dataset::from_memory(Format::Cifar10, train, test, class_names).unwrap()
    }

    #[test]
    fn the_prefix_is_as_documented() {
        assert_eq!(
            prefix(Format::Cifar10, 3, 2, &names(["cat", "dög"])),
            "nearplane/data/1\nformat cifar10\nrecord 3073\ntrain 3\ntest 2\nclasses 2\n3 cat\n4 dög\n"
        );
    }

    #[test]
    fn batches_do_not_matter_and_everything_else_does() {
        let ab = names(["a", "b"]);
        let whole = data_hash(&dataset(vec![records(4)], records(2), ab.clone()));
        let (first, second) = {
            let r = records(4);
            (r[..3073].to_vec(), r[3073..].to_vec())
        };
        assert_eq!(
            whole,
            data_hash(&dataset(vec![first, second], records(2), ab.clone()))
        );
        assert_eq!(whole.len(), 64);

        let mut changed = records(4);
        changed[3072] ^= 1;
        for other in [
            dataset(vec![changed], records(2), ab.clone()),
            dataset(vec![records(3)], records(3), ab.clone()),
            dataset(vec![records(4)], records(2), names(["a", "c"])),
        ] {
            assert_ne!(whole, data_hash(&other));
        }
    }
}
