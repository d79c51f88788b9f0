//! Folders and archives to import from, made on the spot and removed when dropped.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage};

/// Contents by path.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A folder or a file in a temporary folder.
pub(crate) struct TempSource {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl TempSource {
    pub(crate) fn folder(files: &Files) -> TempSource {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source");
        fs::create_dir(&path).unwrap();
        for (name, bytes) in files {
            let file = path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        TempSource {
            _folder: folder,
            path,
        }
    }

    pub(crate) fn file(name: &str, bytes: &[u8]) -> TempSource {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        TempSource {
            _folder: folder,
            path,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A grey 32x32 image.
pub(crate) fn picture(grey: u8) -> RgbImage {
    RgbImage::from_pixel(32, 32, Rgb([grey; 3]))
}

pub(crate) fn png(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

pub(crate) fn jpeg(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode_image(image)
        .unwrap();
    bytes
}

/// `class count` images of PNG: four a class in train/, two in test/, each of one grey value:
/// 20 times the class plus the number, and 100 more in test/.
pub(crate) fn pets(root: &str) -> Files {
    let mut files = Files::new();
    for (class, name) in (0..).zip(["cat", "dog", "emu"]) {
        for number in 0..4 {
            let grey = 20 * class + number;
            files.insert(
                format!("{root}train/{name}/{number}.png"),
                png(&picture(grey)),
            );
            if number < 2 {
                files.insert(
                    format!("{root}test/{name}/{number}.png"),
                    png(&picture(grey + 100)),
                );
            }
        }
    }
    files
}

/// The grey value of each record.
#[track_caller]
pub(crate) fn grey_of(records: &[u8]) -> Vec<u8> {
    let records = records.chunks(3073);
    records
        .map(|record| {
            assert!(record[1..].iter().all(|&byte| byte == record[1]));
            record[1]
        })
        .collect()
}

/// An archive with folders of its own, as `tar` packs it.
pub(crate) fn tar_bytes(files: &Files) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut folders: Vec<&str> = files
        .keys()
        .filter_map(|name| Some(name.rsplit_once('/')?.0))
        .collect();
    folders.dedup();
    for folder in folders {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        builder
            .append_data(&mut header, format!("{folder}/"), std::io::empty())
            .unwrap();
    }
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

/// An archive with names that no honest writer accepts.
pub(crate) fn tar_of_raw_names(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn tar_gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn tar_xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
