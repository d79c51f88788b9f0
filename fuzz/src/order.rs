//! Order files of an import: taken exactly when they number the images, and then the rows are in that order.

use std::path::PathBuf;
use std::sync::OnceLock;

use nearplane_cifar::import::{ImportOptions, import};
use tempfile::TempDir;

use crate::input::Input;

/// Training images of each class; each image is of one grey, and no two of the same.
const SIZES: [usize; 4] = [1, 2, 3, 2];
const RECORD: usize = 3073;

fn grey(class: usize, number: usize) -> u8 {
    (10 + 40 * class + 10 * number) as u8
}

/// The folder with the images, made once.
fn source() -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let save = |split: &str, class: usize, number: usize| {
            let path = folder.path().join(format!("{split}/{class}"));
            std::fs::create_dir_all(&path).expect("a folder");
            let picture = image::RgbImage::from_pixel(32, 32, image::Rgb([grey(class, number); 3]));
            picture
                .save(path.join(format!("{number}.png")))
                .expect("an image");
        };
        for (class, &size) in SIZES.iter().enumerate() {
            (0..size).for_each(|number| save("train", class, number));
        }
        save("test", 0, 9);
        folder
    };
    FOLDER.get_or_init(make).path().to_owned()
}

/// The (label, grey) of each row that the text asks for, by counting; `None` if it does not number the images.
fn plain_reading(text: &[u8]) -> Option<Vec<(u8, u8)>> {
    let mut seen = [0; SIZES.len()];
    let mut rows = Vec::new();
    for &byte in text {
        match byte {
            // Those of `u8::is_ascii_whitespace`, spelt out.
            b' ' | b'\t' | b'\n' | b'\x0c' | b'\r' => {}
            b'0'..=b'3' => {
                let class = usize::from(byte - b'0');
                rows.push((byte - b'0', grey(class, seen[class])));
                seen[class] += 1;
            }
            _ => return None,
        }
    }
    (seen == SIZES).then_some(rows)
}

/// An order file is followed to the letter or refused.
pub fn import_order(data: &[u8]) {
    let mut input = Input::new(data);
    // Text as it is, or with each byte one of the digits or a blank, which is what a fuzzer would take long to find.
    let text: Vec<u8> = if data.first().is_some_and(|&first| first >= 0x80) {
        let few = b"01230123 \n012301";
        data[1..]
            .iter()
            .map(|&byte| few[usize::from(byte) % few.len()])
            .collect()
    } else {
        input.rest().to_vec()
    };
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), &text).expect("a file");
    let options = ImportOptions {
        order: Some(file.path().to_owned()),
        ..ImportOptions::default()
    };
    match (import(&source(), &options, &()), plain_reading(&text)) {
        (Ok(imported), Some(rows)) => {
            let record = |record: &[u8]| {
                assert!(record[1..].iter().all(|&pixel| pixel == record[1]));
                (record[0], record[1])
            };
            let found: Vec<_> = imported.contents.train.chunks(RECORD).map(record).collect();
            assert_eq!(found, rows);
            assert_eq!(imported.contents.test[..2], [0, grey(0, 9)]);
        }
        (Err(error), None) => assert!(!error.to_string().is_empty()),
        (Ok(_), None) => panic!("accepted {:?}", String::from_utf8_lossy(&text)),
        (Err(error), Some(_)) => panic!("refused {:?}: {error}", String::from_utf8_lossy(&text)),
    }
}
