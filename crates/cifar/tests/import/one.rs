//! One image by itself: the same bytes as through an import, and what is refused.

use image::{Rgb, RgbImage};
use nearplane_cifar::import::read_image;

use crate::run;
use crate::sources::{Files, TempSource, jpeg, png};

fn gradient(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8])
    })
}

#[test]
fn an_image_by_itself_is_the_record_of_its_import() {
    let mut files = Files::new();
    files.insert("cat/0.png".to_owned(), png(&gradient(32, 32)));
    files.insert("cat/1.jpg".to_owned(), jpeg(&gradient(33, 70)));
    files.insert("cat/2.jpg".to_owned(), png(&gradient(5, 9)));
    files.insert("cat/3.png".to_owned(), png(&gradient(300, 200)));
    let source = TempSource::folder(&files);
    let imported = run(source.path()).unwrap();
    let records = [&imported.contents.train, &imported.contents.test];
    let mut expected: Vec<&[u8]> = records.iter().flat_map(|all| all.chunks(3073)).collect();
    assert_eq!(expected.len(), files.len());
    for name in files.keys() {
        let pixels = read_image(&source.path().join(name)).unwrap();
        let found = expected.iter().position(|record| record[1..] == pixels);
        expected.swap_remove(found.expect("its record"));
    }
}

#[track_caller]
fn refused(bytes: &[u8], expected: &str) {
    let source = TempSource::file("x.png", bytes);
    let error = read_image(source.path()).unwrap_err().to_string();
    let path = source.path().display().to_string();
    assert!(
        error.starts_with(&format!("cannot read the image {path}: ")) && error.contains(expected),
        "{error}"
    );
}

#[test]
fn whatever_is_no_whole_image_is_refused() {
    let whole = png(&gradient(40, 40));
    refused(b"", "the file is empty");
    refused(b"hello, world", "neither a JPEG nor a PNG file");
    refused(b"GIF89a", "a GIF file, whatever its name");
    refused(&whole[..whole.len() / 2], "it ends before its end chunk");
    let folder = tempfile::tempdir().unwrap();
    let error = read_image(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("a folder, expected a file"), "{error}");
    let missing = folder.path().join("none.png");
    let error = read_image(&missing).unwrap_err().to_string();
    assert!(error.contains("none.png: there is no such file"), "{error}");
}
