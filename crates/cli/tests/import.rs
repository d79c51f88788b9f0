//! `nearplane data import` through the binary: archives and folders made here, good and damaged.

mod common;

use std::path::Path;

use common::Room;
use image::{ExtendedColorType, ImageEncoder as _};

/// A 32x32 image of one colour, as PNG.
fn png(color: [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(&color.repeat(32 * 32), 32, 32, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

/// A JPEG with some content, so that half of it is half an image.
fn jpeg() -> Vec<u8> {
    let pixels: Vec<u8> = (0..32 * 32 * 3)
        .map(|i: u32| ((i * 7919) >> 3) as u8)
        .collect();
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90)
        .write_image(&pixels, 32, 32, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

/// Two classes, two training images and one test image each; the training images of the class
/// `cat` are red 10 and 20, those of `dog` 30 and 40, the test images 50 and 60.
fn entries() -> Vec<(String, Vec<u8>)> {
    [
        ("train/cat/0000.png", 10),
        ("train/cat/0001.png", 20),
        ("train/dog/0000.png", 30),
        ("train/dog/0001.png", 40),
        ("test/cat/0000.png", 50),
        ("test/dog/0000.png", 60),
    ]
    .map(|(name, red)| (name.to_owned(), png([red, 1, 2])))
    .to_vec()
}

/// A tar archive; names are stored as they are, also those that no packer would store.
fn tar(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        builder.append(&header, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

fn unpack(entries: &[(String, Vec<u8>)], into: &Path) {
    for (name, bytes) in entries {
        let path = into.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// (label, red of the first pixel) of every record.
fn records(path: &Path) -> Vec<(u8, u8)> {
    std::fs::read(path)
        .unwrap()
        .chunks(3073)
        .map(|record| (record[0], record[1]))
        .collect()
}

#[test]
fn an_archive_becomes_a_data_set() {
    let room = Room::new();
    room.write("images.tar", tar(&entries()));
    let record = room.json("data import images.tar --out out/cifar");
    assert_eq!(record["schema"], "nearplane/data-import/1");
    assert_eq!((&record["train"], &record["test"]), (&4.into(), &2.into()));
    assert_eq!(record["classes"], serde_json::json!(["cat", "dog"]));
    assert_eq!(record["data"]["n_train"], 4);
    assert!(record["seconds"].as_f64().unwrap() > 0.0);

    let train = records(&room.path("out/cifar/data_batch_1.bin"));
    // Class by class in turn, so that the first rows are as balanced as all of them.
    assert_eq!(train, [(0, 10), (1, 30), (0, 20), (1, 40)]);
    assert_eq!(
        records(&room.path("out/cifar/test_batch.bin")),
        [(0, 50), (1, 60)]
    );
    let names = std::fs::read_to_string(room.path("out/cifar/batches.meta.txt")).unwrap();
    assert_eq!(names.split_whitespace().collect::<Vec<_>>(), ["cat", "dog"]);
    // What was written can be read.
    let inspected = room.json("data inspect --data out/cifar");
    assert_eq!(inspected["data"]["hash"], record["data"]["hash"]);
}

#[test]
fn an_order_file_gives_the_order() {
    let room = Room::new();
    room.write("images.tar", tar(&entries()));
    room.write("order.txt", "1001");
    room.ok("data import images.tar --out out --order order.txt");
    let train = records(&room.path("out/data_batch_1.bin"));
    assert_eq!(train, [(1, 30), (0, 10), (0, 20), (1, 40)]);
}

#[test]
fn a_folder_imports_like_its_archive() {
    let room = Room::new();
    room.write("images.tar", tar(&entries()));
    unpack(&entries(), &room.path("images"));
    let archive = room.json("data import images.tar --out a");
    let folder = room.json("data import images --out b");
    assert_eq!(archive["data"]["hash"], folder["data"]["hash"]);
}

#[test]
fn a_ratio_makes_the_test_set() {
    let room = Room::new();
    let flat: Vec<_> = (0..10)
        .flat_map(|i| ["cat", "dog"].map(|class| (format!("{class}/{i}.png"), png([i, 0, 0]))))
        .collect();
    unpack(&flat, &room.path("flat"));
    let record = room.json("data import flat --out a --test-ratio 0.3");
    assert_eq!((&record["train"], &record["test"]), (&14.into(), &6.into()));
    let seeded = room.json("data import flat --out b --test-ratio 0.3 --seed 1");
    assert_ne!(seeded["data"]["hash"], record["data"]["hash"]);

    let only_train: Vec<_> = entries()
        .into_iter()
        .filter(|(name, _)| name.starts_with("train"))
        .collect();
    unpack(&only_train, &room.path("only"));
    room.fails(1, "data import only --out c", &["test", "--test-ratio"]);
    assert_eq!(
        room.json("data import only --out c --test-ratio 0.5")["test"],
        2
    );
}

#[test]
fn an_output_that_exists_is_refused() {
    let room = Room::with_data();
    room.write("images.tar", tar(&entries()));
    room.fails(
        1,
        "data import images.tar --out data",
        &["data exists", "--force"],
    );
    // Refused before the source is looked at, not after minutes of decoding.
    room.fails(
        1,
        "data import nowhere.tar --out data",
        &["data exists", "--force"],
    );
    room.ok("data import images.tar --out data --force");
    assert_eq!(
        records(&room.path("data/test_batch.bin")),
        [(0, 50), (1, 60)]
    );
}

#[test]
fn a_damaged_archive() {
    let room = Room::new();
    let whole = tar(&entries());
    room.write("cut.tar", &whole[..whole.len() / 2 + 100]);
    room.fails(1, "data import cut.tar --out out", &["cut.tar"]);
    let mut flipped = whole;
    // In the name of the second entry, which its checksum covers.
    let second = 512 + entries()[0].1.len().next_multiple_of(512);
    flipped[second] ^= 0x20;
    room.write("flipped.tar", &flipped);
    room.fails(1, "data import flipped.tar --out out", &["flipped.tar"]);
    room.write("text.tar", "this is no archive");
    room.fails(1, "data import text.tar --out out", &["text.tar"]);
}

#[test]
fn an_image_cut_in_half() {
    let room = Room::new();
    let mut list = entries();
    let whole = jpeg();
    list.push((
        "train/dog/0002.jpg".to_owned(),
        whole[..whole.len() / 2].to_vec(),
    ));
    room.write("images.tar", tar(&list));
    room.fails(
        1,
        "data import images.tar --out out",
        &["0002.jpg", "--skip-bad"],
    );

    let output = room
        .nearplane("data import images.tar --out out --skip-bad --json")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(record["train"], 4);
    assert_eq!(record["skipped"].as_array().unwrap().len(), 1);
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("0002.jpg")
    );

    // The whole one is fine.
    list.pop();
    list.push(("train/dog/0002.jpg".to_owned(), whole));
    room.write("whole.tar", tar(&list));
    assert_eq!(room.json("data import whole.tar --out whole")["train"], 5);
}

#[test]
fn a_name_that_climbs_out_of_the_folder() {
    for name in [
        "../train/cat/0002.png",
        "train/../../cat/0002.png",
        "/train/cat/0002.png",
    ] {
        let room = Room::new();
        let mut list = entries();
        list.push((name.to_owned(), png([9, 9, 9])));
        room.write("images.tar", tar(&list));
        room.fails(1, "data import images.tar --out out", &[name]);
        room.fails(1, "data import images.tar --out out --skip-bad", &[name]);
    }
}

#[test]
fn a_test_folder_alone_says_what_is_missing() {
    let room = Room::new();
    let only: Vec<_> = entries()
        .into_iter()
        .filter(|(name, _)| name.starts_with("test"))
        .collect();
    unpack(&only, &room.path("only"));
    room.fails(
        1,
        "data import only --out out",
        &["only", "no folder train", "2 images in test/"],
    );
}

#[test]
fn one_image_a_class_cannot_be_split() {
    let room = Room::new();
    let flat = ["cat/1.png", "dog/1.png"].map(|name| (name.to_owned(), png([1, 2, 3])));
    unpack(&flat, &room.path("flat"));
    room.fails(
        1,
        "data import flat --out out",
        &[
            "import flat",
            "2 class folders",
            "at least 2 images",
            "train/",
        ],
    );
}

#[test]
fn errors_inside_a_source_name_it() {
    let room = Room::new();
    let mut twice = entries();
    twice.push(twice[0].clone());
    room.write("twice.tar", tar(&twice));
    room.fails(
        1,
        "data import twice.tar --out out",
        &["cannot import twice.tar", "is there twice"],
    );
}

#[test]
fn a_ratio_below_one_image_is_noted() {
    let room = Room::new();
    let flat: Vec<_> = (0..3)
        .flat_map(|i| ["cat", "dog"].map(|class| (format!("{class}/{i}.png"), png([i, 0, 0]))))
        .collect();
    unpack(&flat, &room.path("flat"));
    let (_, stderr) = room.ok("data import flat --out out --test-ratio 0.0001");
    assert!(
        stderr.contains("0.0001 rounds to none") && stderr.contains("2 of 2 classes"),
        "{stderr}"
    );
}

#[test]
fn names_that_are_no_text_are_imported() {
    let room = Room::new();
    let mut builder = tar::Builder::new(Vec::new());
    let mut list: Vec<(Vec<u8>, Vec<u8>)> = entries()
        .into_iter()
        .map(|(name, bytes)| (name.into_bytes(), bytes))
        .collect();
    list.push((b"train/cat/caf\xe9.png".to_vec(), png([70, 0, 0])));
    list.push((b"train/cat/caf\xe8.png".to_vec(), png([80, 0, 0])));
    for (name, bytes) in &list {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, &bytes[..]).unwrap();
    }
    room.write("images.tar", builder.into_inner().unwrap());
    let (_, stderr) = room.ok("data import images.tar --out a");
    assert!(
        stderr.contains("2 images with a name that is not UTF-8") && stderr.contains(r"caf\xE8"),
        "{stderr}"
    );
    assert_eq!(room.json("data inspect --data a")["n_train"], 6);

    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt as _;
        for (name, bytes) in &list {
            let path = room.path("images").join(std::ffi::OsStr::from_bytes(name));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let folder = room.json("data import images --out b");
        let archive = room.json("data inspect --data a");
        assert_eq!(folder["data"]["hash"], archive["data"]["hash"]);
    }
}
