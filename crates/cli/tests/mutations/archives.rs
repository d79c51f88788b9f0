//! Damaged archives of images: `.tar`, `.tar.gz` and `.tar.xz`.

use std::io::{Read as _, Write as _};
use std::path::Path;

use image::{ExtendedColorType, ImageEncoder as _};

use super::dice::Dice;
use super::{Ended, Tally, run};
use crate::common::Room;

pub(crate) const RUNS: usize = 120;

/// The image files of a small archive: three classes, four training images and one test image each.
pub(crate) fn entries(dice: &mut Dice) -> Vec<(String, Vec<u8>)> {
    let mut entries = Vec::new();
    for class in ["ant", "bee", "cow"] {
        for (split, n) in [("train", 4), ("test", 1)] {
            for i in 0..n {
                // One colour: small files, so that damage falls on headers as well.
                let pixels = dice.bytes(3).repeat(32 * 32);
                let mut png = Vec::new();
                image::codecs::png::PngEncoder::new(&mut png)
                    .write_image(&pixels, 32, 32, ExtendedColorType::Rgb8)
                    .expect("a good image");
                entries.push((format!("{split}/{class}/{i}.png"), png));
            }
        }
    }
    entries
}

/// The archive of these files.
pub(crate) fn tar(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        builder.append(&header, &bytes[..]).expect("memory");
    }
    builder.into_inner().expect("memory")
}

/// Puts an archive into a compressed stream.
type Pack = fn(&[u8]) -> Vec<u8>;

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).expect("memory");
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory")
}

/// The archive inside, if every checksum of the stream fits.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut tar = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes)
            .read_to_end(&mut tar)
            .ok()?;
    } else if bytes.starts_with(b"\xfd7zXZ") {
        lzma_rust2::XzReader::new(bytes, true)
            .read_to_end(&mut tar)
            .ok()?;
    } else {
        tar = bytes.to_vec();
    }
    Some(tar)
}

/// Images as (split, class, pixels by planes), sorted.
type Found = Vec<(String, String, Vec<u8>)>;

/// What a plain reader finds in an archive: plain files, 512 bytes of header each.
fn images_of_tar(tar: &[u8]) -> Option<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let header = tar.get(at..at + 512)?;
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        let text = |range: std::ops::Range<usize>| -> String {
            let field = header[range]
                .split(|&byte| byte == 0)
                .next()
                .unwrap_or_default();
            String::from_utf8_lossy(field).trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).ok()?;
        let is_file = matches!(header[156], 0 | b'0' | b'7');
        // Links, devices and folders have no data, whatever their size field says.
        let has_data = !matches!(header[156], b'1'..=b'6');
        let data = if has_data {
            tar.get(at + 512..at + 512 + size)?
        } else {
            &[]
        };
        at += 512 + data.len().next_multiple_of(512);
        let name = text(0..100);
        let parts: Vec<&str> = name
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        if let ([split, class, file], true) = (&parts[..], is_file)
            && file.ends_with(".png")
        {
            found.push((split.to_string(), class.to_string(), planes(data)?));
        }
    }
    found.sort();
    Some(found)
}

fn planes(png: &[u8]) -> Option<Vec<u8>> {
    let pixels = image::load_from_memory(png).ok()?.to_rgb8().into_raw();
    assert_eq!(pixels.len(), 3072, "damage made an image of another size");
    let plane = |channel: usize| pixels.iter().skip(channel).step_by(3).copied();
    Some((0..3).flat_map(plane).collect())
}

/// What was written.
fn images_of_folder(folder: &Path) -> Found {
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a file of the data set");
    let names = String::from_utf8(read("batches.meta.txt")).expect("class names");
    let names: Vec<&str> = names.lines().collect();
    let mut found = Vec::new();
    for (split, file) in [("train", "data_batch_1.bin"), ("test", "test_batch.bin")] {
        for record in read(file).chunks(3073) {
            let class = names[usize::from(record[0])];
            found.push((split.to_owned(), class.to_owned(), record[1..].to_vec()));
        }
    }
    found.sort();
    found
}

/// Lies in a header of the archive whose checksum fits again.
fn edit_header(dice: &mut Dice, tar: &[u8]) -> (Vec<u8>, String) {
    let mut tar = tar.to_vec();
    let headers: Vec<usize> = (0..tar.len())
        .step_by(512)
        .filter(|&at| &tar[at + 257..at + 262] == b"ustar")
        .collect();
    let at = *dice.pick(&headers);
    let (field, start, bytes): (&str, usize, Vec<u8>) = match dice.below(7) {
        0 => {
            let name = *dice.pick(&[
                "train/bee/9.png",
                "train/cow/0.png",
                "train/new/0.png",
                "/train/ant/5.png",
                "../train/ant/5.png",
                "train/ant/../../5.png",
                "train/ant/.5.png",
                "train/ant/5.txt",
                "test/ant/",
                "",
            ]);
            let mut field = name.as_bytes().to_vec();
            field.resize(100, 0);
            ("name", 0, field)
        }
        1 => {
            let size = *dice.pick(&[
                "00000000000",
                "00000000001",
                "77777777777",
                "0000000001x",
                "-0000000001",
            ]);
            ("size", 124, size.as_bytes().to_vec())
        }
        // A size in binary, of 2^62 bytes or so.
        2 => ("size", 124, vec![0x80, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]),
        3 => ("type", 156, vec![*dice.pick(b"012345678gxLKSVA")]),
        4 => ("owner", 108, dice.bytes(16)),
        5 => ("link", 157, b"../../etc/passwd".to_vec()),
        _ => ("prefix", 345, b"photos".to_vec()),
    };
    tar[at + start..at + start + bytes.len()].copy_from_slice(&bytes);
    tar[at + 148..at + 156].fill(b' ');
    let sum: u32 = tar[at..at + 512].iter().map(|&byte| u32::from(byte)).sum();
    tar[at + 148..at + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let what = format!(
        "{field} {:?} in the header at {at}",
        String::from_utf8_lossy(&bytes)
    );
    (tar, what)
}

#[test]
fn damaged_archives() {
    let mut dice = Dice::new(0x7a72);
    let mut tally = Tally::default();
    for number in 0..RUNS {
        let room = Room::new();
        let good = tar(&entries(&mut dice));
        let (kind, pack): (_, Pack) = match number % 3 {
            0 => (".tar", <[u8]>::to_vec),
            1 => (".tar.gz", gz),
            _ => (".tar.xz", xz),
        };
        let (bytes, what) = match number % 8 {
            0 | 1 => {
                let (tar, what) = edit_header(&mut dice, &good);
                (pack(&tar), what)
            }
            // Damage below the compression, whose checksums then fit.
            2 => {
                let (tar, what) = dice.damage(&good);
                (pack(&tar), format!("{what} inside"))
            }
            // Two archives, or a cut somewhere in the second half.
            3 => ([pack(&good), pack(&good)].concat(), "twice".to_owned()),
            4 => {
                let mut bytes = pack(&good);
                let end = bytes.len() / 2 + dice.below(bytes.len() / 2);
                bytes.truncate(end);
                (bytes, format!("cut to {end}"))
            }
            _ => dice.damage(&pack(&good)),
        };
        let what = format!("run {number}, {kind}: {what}");
        room.write("in", &bytes);
        let ended = run(&room, "data import in --out out", &what);
        tally.count(&ended);
        match &ended {
            Ended::Refused(_) => assert!(!room.path("out").exists(), "{what}: left a folder"),
            Ended::Done(record) => {
                let expected = unpacked(&bytes).and_then(|tar| images_of_tar(&tar));
                let expected = expected.unwrap_or_else(|| panic!("{what}: accepted"));
                assert!(
                    images_of_folder(&room.path("out")) == expected,
                    "{what}: other images"
                );
                let n = record["train"].as_u64().zip(record["test"].as_u64());
                assert_eq!(n.map(|(a, b)| a + b), Some(expected.len() as u64), "{what}");
            }
        }
    }
    tally.check("archives", RUNS);
}
