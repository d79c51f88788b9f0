//! The order file: one digit per training image, white space ignored.
//!
//! Image i of class c in that order is file number (how many c came before it) of the class, its
//! files sorted by name.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::ImportError;

/// Above any order file: 16 million images of 3 KB are 50 GB.
const MAX_BYTES: u64 = 16 << 20;

/// A parsed order file: labels, each with its byte offset for messages.
#[derive(Debug)]
pub(super) struct Order {
    path: PathBuf,
    labels: Vec<(u8, u32)>,
}

impl Order {
    /// Reads and parses an order file.
    ///
    /// # Errors
    /// [`ImportError::Io`], [`ImportError::OrderTooLong`], [`ImportError::OrderByte`].
    pub(super) fn read(path: &Path) -> Result<Order, ImportError> {
        let io_error = |cause| ImportError::Io {
            path: path.to_path_buf(),
            cause,
        };
        let mut text = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut text))
            .map_err(io_error)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(ImportError::OrderTooLong {
                path: path.to_path_buf(),
                limit: MAX_BYTES,
            });
        }
        Order::parse(path, &text)
    }

    fn parse(path: &Path, text: &[u8]) -> Result<Order, ImportError> {
        let mut labels = Vec::with_capacity(text.len());
        for (offset, &byte) in (0_u32..).zip(text) {
            match byte {
                b'0'..=b'9' => labels.push((byte - b'0', offset)),
                _ if byte.is_ascii_whitespace() => {}
                _ => {
                    return Err(ImportError::OrderByte {
                        path: path.to_path_buf(),
                        offset: u64::from(offset),
                        found: format!("{:?} ({byte:#04x})", byte.escape_ascii().to_string()),
                    });
                }
            }
        }
        Ok(Order {
            path: path.to_path_buf(),
            labels,
        })
    }

    /// One digit names at most ten classes.
    ///
    /// # Errors
    /// [`ImportError::OrderClasses`].
    pub(super) fn check_classes(&self, classes: usize) -> Result<(), ImportError> {
        if classes > 10 {
            return Err(ImportError::OrderClasses {
                path: self.path.clone(),
                classes,
            });
        }
        Ok(())
    }

    /// The training set in the order of the file: (label, position within the class), where class c
    /// has `class_sizes[c]` images.
    ///
    /// # Errors
    /// [`ImportError::OrderCount`], [`ImportError::OrderLabel`], [`ImportError::OrderClassCount`],
    /// in this order: a file of the wrong length is most likely the wrong file.
    pub(super) fn apply(
        &self,
        class_names: &[String],
        class_sizes: &[usize],
    ) -> Result<Vec<(u8, usize)>, ImportError> {
        let images: usize = class_sizes.iter().sum();
        if self.labels.len() != images {
            return Err(ImportError::OrderCount {
                path: self.path.clone(),
                digits: self.labels.len(),
                images,
            });
        }
        let mut seen = vec![0_usize; class_sizes.len()];
        let mut rows = Vec::with_capacity(images);
        for &(label, offset) in &self.labels {
            let offset = u64::from(offset);
            let class = usize::from(label);
            let Some(&size) = class_sizes.get(class) else {
                return Err(ImportError::OrderLabel {
                    path: self.path.clone(),
                    offset,
                    label,
                    classes: class_sizes.len(),
                });
            };
            if seen[class] == size {
                return Err(ImportError::OrderClassCount {
                    path: self.path.clone(),
                    offset,
                    label,
                    class: class_names[class].clone(),
                    images: size,
                });
            }
            rows.push((label, seen[class]));
            seen[class] += 1;
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("c{class}")).collect()
    }

    fn rows(text: &str, sizes: &[usize]) -> Result<Vec<(u8, usize)>, String> {
        let order = Order::parse(Path::new("o.txt"), text.as_bytes()).map_err(|e| e.to_string())?;
        order
            .apply(&names(sizes.len()), sizes)
            .map_err(|e| e.to_string())
    }

    #[test]
    fn digits_count_within_their_class() {
        let expected = vec![(1, 0), (0, 0), (1, 1), (1, 2), (0, 1)];
        assert_eq!(rows("10\n1 1\t0\r\n", &[2, 3]), Ok(expected));
        assert_eq!(rows(" \n", &[]), Ok(vec![]));
    }

    #[test]
    fn every_fault_names_its_place() {
        let check = |text: &str, sizes: &[usize], parts: &[&str]| {
            let message = rows(text, sizes).unwrap_err();
            for part in parts.iter().chain(&["o.txt"]) {
                assert!(message.contains(part), "{message}");
            }
        };
        check("01\nx", &[1, 1], &["byte 3", "\"x\" (0x78)", "digit"]);
        check("0\u{e9}", &[1, 1], &["byte 1", "0xc3"]);
        check(
            "01 2",
            &[2, 1],
            &["label 2", "byte 3", "2 classes", "0 to 1"],
        );
        let too_many = [
            "byte 3",
            "image 2",
            "class 0",
            "\"c0\"",
            "1 training images",
        ];
        check("01 0", &[1, 2], &too_many);
        check("010", &[1, 1], &["3 labels", "2 training images"]);
        check("", &[1, 1], &["0 labels", "2 training images"]);
    }

    #[test]
    fn a_file_too_large_is_refused() {
        // Without blocks on the disk.
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(MAX_BYTES + 1).unwrap();
        let message = Order::read(file.path()).unwrap_err().to_string();
        assert!(message.contains("more than 16777216 bytes"), "{message}");
    }

    #[test]
    fn more_than_ten_classes_are_refused() {
        let order = Order::parse(Path::new("o.txt"), b"0").unwrap();
        assert!(order.check_classes(10).is_ok());
        let message = order.check_classes(11).unwrap_err().to_string();
        assert!(
            message.contains("at most 10 classes, found 11"),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn any_shuffled_labels_are_reproduced(labels in prop::collection::vec(0_u8..10, 0..60), gap in "[ \n\t]{0,3}") {
            let text: Vec<String> = labels.iter().map(u8::to_string).collect();
            let mut sizes = [0_usize; 10];
            labels.iter().for_each(|&label| sizes[usize::from(label)] += 1);
            let rows = rows(&text.join(&gap), &sizes).unwrap();
            let found: Vec<u8> = rows.iter().map(|row| row.0).collect();
            prop_assert_eq!(found, labels);
            for class in 0..10_u8 {
                let numbers: Vec<usize> =
                    rows.iter().filter(|row| row.0 == class).map(|row| row.1).collect();
                prop_assert_eq!(numbers, (0..sizes[usize::from(class)]).collect::<Vec<_>>());
            }
        }

        #[test]
        fn any_bytes_parse_or_point_at_the_first_wrong_one(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let wrong = text.iter().position(|b| !b.is_ascii_digit() && !b.is_ascii_whitespace());
            match Order::parse(Path::new("o"), &text) {
                Ok(order) => {
                    prop_assert_eq!(wrong, None);
                    prop_assert_eq!(order.labels.len(), text.iter().filter(|b| b.is_ascii_digit()).count());
                }
                Err(ImportError::OrderByte { offset, .. }) => prop_assert_eq!(Some(offset as usize), wrong),
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
