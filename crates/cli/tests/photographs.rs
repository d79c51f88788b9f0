//! The way of a first user through the binary: a folder as cameras, phones and systems leave it becomes a data set,
//! is looked at and classified, and each thing that did not go in is named with what to do.

mod common;

use std::path::Path;

use common::Room;
use image::{ExtendedColorType, ImageEncoder as _};

const SIDE: u32 = 48;

/// A photograph larger than 32x32, of one colour with some structure.
fn pixels(color: [u8; 3], number: u32) -> Vec<u8> {
    (0..SIDE * SIDE)
        .flat_map(|i| color.map(|c| c.saturating_add((i * (number + 3) % 16) as u8)))
        .collect()
}

fn jpeg(pixels: &[u8], side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95)
        .write_image(pixels, side, side, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

fn png(pixels: &[u8], side: u32, color: ExtendedColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(pixels, side, side, color)
        .unwrap();
    bytes
}

/// The same JPEG with an EXIF orientation, as a phone held upright writes it.
fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let tiff = [
        b"II*\0\x08\0\0\0\x01\0".as_slice(), // little-endian, one entry at byte 8
        &[0x12, 1, 3, 0, 1, 0, 0, 0, orientation], // tag 0x0112, one short
        &[0; 7],
    ];
    let exif = [b"Exif\0\0".as_slice(), &tiff.concat()].concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Three classes of twelve photographs in the kinds of files that people have.
fn photos(folder: &Path) {
    let classes = [
        ("cat", [200, 10, 10]),
        ("blå himmel", [10, 10, 200]),
        ("dog house", [10, 200, 10]),
    ];
    for (class, color) in classes {
        for i in 0..12 {
            let rgb = pixels(color, i);
            let (name, bytes) = match i % 6 {
                0 => ("jpg", jpeg(&rgb, SIDE)),
                1 => ("JPG", jpeg(&rgb, SIDE)),
                2 => ("JPEG", turned(&jpeg(&rgb, SIDE), 6)),
                3 => ("png", png(&rgb, SIDE, ExtendedColorType::Rgb8)),
                4 => {
                    let rgba: Vec<u8> = rgb
                        .chunks(3)
                        .flat_map(|c| [c[0], c[1], c[2], 250])
                        .collect();
                    ("PNG", png(&rgba, SIDE, ExtendedColorType::Rgba8))
                }
                _ => {
                    let deep: Vec<u8> = rgb.iter().flat_map(|&c| [c, c]).collect();
                    ("png", png(&deep, SIDE, ExtendedColorType::Rgb16))
                }
            };
            put(
                &folder.join(class).join(format!("foto {i:02} ü.{name}")),
                bytes,
            );
        }
    }
}

#[test]
fn a_folder_of_photographs_becomes_a_result() {
    let room = Room::new();
    photos(&room.path("photos"));
    for stray in [
        ".DS_Store",
        "cat/.DS_Store",
        "cat/Thumbs.db",
        "cat/._foto 00 ü.jpg",
        "Desktop.ini",
    ] {
        put(&room.path("photos").join(stray), "anything");
    }
    let (stdout, stderr) = room.ok("data import photos --out out/photos");
    assert!(
        stdout.starts_with("30 training and 6 test images of 3 classes in out/photos"),
        "{stdout}"
    );
    assert!(stdout.contains("36 images resized to 32x32"), "{stdout}");
    // The test set is what there is to know; what systems put there is not.
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.contains("0.2 of the images of each class became the test set"),
        "{stderr}"
    );

    let inspected = room.json("data inspect --data out/photos --picture out/samples.png");
    assert_eq!(
        inspected["classes"],
        serde_json::json!(["blå himmel", "cat", "dog house"])
    );
    assert_eq!(
        inspected["class_counts"]["train"],
        serde_json::json!([10, 10, 10])
    );
    assert!(room.path("out/samples.png").is_file());
    // Plain colours: nothing but a fault on the way makes this less than certain.
    let found = room.json("knn --data out/photos --k 1,3 --on test");
    assert_eq!(found["results"][0]["accuracy"], 1.0);
    assert_eq!(found["results"][1]["accuracy"], 1.0);
}

#[test]
fn pictures_of_other_kinds_are_named_with_what_to_do() {
    let room = Room::new();
    photos(&room.path("photos"));
    for stray in [
        "cat/IMG_1.HEIC",
        "cat/IMG_2.heic",
        "dog house/a.webp",
        "dog house/notes.txt",
    ] {
        put(&room.path("photos").join(stray), "anything");
    }
    let (_, stderr) = room.ok("data import photos --out out");
    assert!(
        stderr.contains("neither JPEG nor PNG (2 .heic, 1 .webp); convert them"),
        "{stderr}"
    );
    assert!(stderr.contains("ignored 1 file "), "{stderr}");

    put(&room.path("phone/cat/IMG_1.HEIC"), "anything");
    room.fails(
        1,
        "data import phone --out none",
        &["no images found", "converted to JPEG or PNG (1 .heic)"],
    );
    // By its name a JPEG: left out only if that is asked for.
    put(
        &room.path("photos/cat/IMG_3.jpg"),
        b"\0\0\0\x18ftypheic\0\0\0\0",
    );
    room.fails(
        1,
        "data import photos --out none",
        &["IMG_3.jpg", "a HEIC file", "convert it", "--skip-bad"],
    );
}

#[test]
fn a_folder_that_gives_no_class_is_named() {
    let room = Room::new();
    photos(&room.path("photos"));
    let (_, stderr) = room.ok("data import photos --out whole");
    assert!(!stderr.contains("no class"), "{stderr}");
    put(&room.path("photos/fox/IMG_1.HEIC"), "anything");
    for folder in ["photos/.hidden", "photos/__MACOSX", "photos/cat/deeper"] {
        std::fs::create_dir_all(room.path(folder)).unwrap();
    }
    let (stdout, stderr) = room.ok("data import photos --out out");
    assert!(stdout.contains("of 3 classes"), "{stdout}");
    let expected = "folder \"fox\" holds no JPEG or PNG file, so it is no class";
    assert!(stderr.contains(expected), "{stderr}");
    std::fs::create_dir(room.path("photos/hen")).unwrap();
    let (_, stderr) = room.ok("data import photos --out more");
    assert!(stderr.contains("2 folders hold no JPEG or PNG"), "{stderr}");

    // One class alone is always right.
    put(
        &room.path("one/cat/1.png"),
        png(&pixels([9; 3], 1), SIDE, ExtendedColorType::Rgb8),
    );
    put(
        &room.path("one/cat/2.png"),
        png(&pixels([9; 3], 2), SIDE, ExtendedColorType::Rgb8),
    );
    let (_, stderr) = room.ok("data import one --out single");
    assert!(stderr.contains("\"cat\" is the only class"), "{stderr}");
}

#[test]
fn what_is_no_folder_of_classes_is_told_apart() {
    let room = Room::new();
    let way_out = "give the folder that holds the class folders";
    put(&room.path("cat/1.jpg"), jpeg(&pixels([9; 3], 1), SIDE));
    room.write("photos.zip", b"PK\x03\x04 and so on");
    room.write("empty", "");
    room.write("notes.txt", "some notes");
    for (src, found, advice) in [
        ("cat/1.jpg", "a JPEG file", way_out),
        ("photos.zip", "a zip archive", "unpack it"),
        ("empty", "an empty file", way_out),
        ("notes.txt", "starts with", way_out),
        ("cat", "no class folder", "give the folder above it"),
    ] {
        let command = format!("data import {src} --out out");
        room.fails(1, &command, &[src, found, advice]);
    }
}

// Other systems have no such names.
#[cfg(target_os = "linux")]
#[test]
fn a_name_with_a_line_break_breaks_no_line() {
    let room = Room::new();
    photos(&room.path("photos"));
    put(&room.path("photos/cat/two\nlines.jpg"), "damaged");
    let (_, stderr) = room.ok("data import photos --out out --skip-bad");
    let expected = "warning: skipped cat/two\\nlines.jpg: neither";
    assert!(stderr.contains(expected), "{stderr}");
}

#[test]
fn a_photograph_taken_upright_stands_upright() {
    let room = Room::new();
    // As stored: red above, blue below. A quarter turn clockwise puts red to the right.
    let stored = [[220, 0, 0].repeat(512), [0, 0, 220].repeat(512)].concat();
    for i in 0..2 {
        put(
            &room.path(&format!("photos/cat/{i}.jpg")),
            turned(&jpeg(&stored, 32), 6),
        );
        put(
            &room.path(&format!("photos/dog/{i}.jpg")),
            jpeg(&stored, 32),
        );
    }
    room.ok("data import photos --out out");
    let train = std::fs::read(room.path("out/data_batch_1.bin")).unwrap();
    // Red of two pixels of the sixteenth row, left and right; then of the first and the last row.
    let red =
        |record: usize, row: usize, column: usize| train[record * 3073 + 1 + row * 32 + column];
    assert!(red(0, 16, 2) < 60 && red(0, 16, 29) > 160, "the cat lies");
    assert!(red(1, 2, 16) > 160 && red(1, 29, 16) < 60, "the dog lies");
}

// Other systems have no such names.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_stop_nothing() {
    use std::os::unix::ffi::OsStrExt as _;

    let room = Room::new();
    photos(&room.path("photos"));
    let name = |bytes: &'static [u8]| {
        room.path("photos/cat")
            .join(std::ffi::OsStr::from_bytes(bytes))
    };
    put(
        &name(b"caf\xe9.png"),
        png(&pixels([200, 10, 10], 1), SIDE, ExtendedColorType::Rgb8),
    );
    put(&name(b"caf\xe8.png"), "damaged");
    room.fails(
        1,
        "data import photos --out out",
        &["cat/caf\\\\xe8.png", "--skip-bad"],
    );
    let record = room.json("data import photos --out out --skip-bad");
    assert_eq!(
        record["train"].as_u64().unwrap() + record["test"].as_u64().unwrap(),
        37
    );
    assert_eq!(record["skipped"][0]["file"], "cat/caf\\xe8.png");
}
