//! Archives of images: whatever the bytes, an import ends with an error or with the images that a plain reading of
//! the archive has, and leaves nothing anywhere.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::OnceLock;

use nearplane_cifar::Dataset;
use nearplane_cifar::import::{ImportError, ImportOptions, Imported, import};

use crate::input::Input;

const BLOCK: usize = 512;
const RECORD: usize = 3073;

/// Image files of one grey each: what an entry of a good archive holds.
fn pictures() -> &'static [(u8, Vec<u8>)] {
    static PICTURES: OnceLock<Vec<(u8, Vec<u8>)>> = OnceLock::new();
    PICTURES.get_or_init(|| {
        [0, 90, 200, 255]
            .map(|grey| {
                let picture = image::RgbImage::from_pixel(32, 32, image::Rgb([grey; 3]));
                let mut png = std::io::Cursor::new(Vec::new());
                picture
                    .write_to(&mut png, image::ImageFormat::Png)
                    .expect("an image");
                (grey, png.into_inner())
            })
            .into()
    })
}

/// An archive and what it holds: images by path, with their grey.
#[derive(Default)]
struct Made {
    tar: Vec<u8>,
    images: BTreeMap<String, u8>,
    /// Whether nothing in it is odd, so that it has to be taken if it makes a data set.
    is_plain: bool,
}

fn pad(tar: &mut Vec<u8>) {
    tar.resize(tar.len().next_multiple_of(BLOCK), 0);
}

/// A header and its data; the checksum fits.
fn entry(tar: &mut Vec<u8>, name: &[u8], kind: u8, size: &[u8], data: &[u8]) {
    let mut header = [0; BLOCK];
    let n = name.len().min(100);
    header[..n].copy_from_slice(&name[..n]);
    header[124..][..size.len()].copy_from_slice(size);
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend(header);
    tar.extend(data);
    pad(tar);
}

fn octal(size: usize) -> Vec<u8> {
    format!("{size:011o}\0").into_bytes()
}

/// An archive as the input has it: good entries, and now and then something else.
fn make(input: &mut Input<'_>) -> Made {
    let mut made = Made {
        is_plain: true,
        ..Made::default()
    };
    for number in 0..input.below(24) {
        let (grey, png) = &pictures()[input.below(pictures().len())];
        let split = input.pick(&["train", "test", "train"]);
        let class = input.pick(&["ant", "bee", "cow"]);
        let name = format!("{split}/{class}/{number:02}.png");
        let size = octal(png.len());
        let kind = match input.byte() {
            0..0xd0 => {
                entry(&mut made.tar, name.as_bytes(), b'0', &size, png);
                made.images.insert(name, *grey);
                continue;
            }
            // By way of an attribute record or a long name: as good.
            0xd0..0xd8 => {
                let record = format!(" path={name}\n");
                let length = record.len() + 2;
                let record = format!("{length}{record}");
                let size_of_record = octal(record.len());
                entry(
                    &mut made.tar,
                    b"x",
                    b'x',
                    &size_of_record,
                    record.as_bytes(),
                );
                entry(&mut made.tar, b"short", b'0', &size, png);
                made.images.insert(name, *grey);
                continue;
            }
            0xd8..0xe0 => {
                let long = format!("{name}\0");
                entry(
                    &mut made.tar,
                    b"x",
                    b'L',
                    &octal(long.len()),
                    long.as_bytes(),
                );
                entry(&mut made.tar, b"short", b'0', &size, png);
                made.images.insert(name, *grey);
                continue;
            }
            other => other,
        };
        made.is_plain = false;
        match kind % 6 {
            // Any name, kind and size.
            0 => {
                let name = input.string();
                let kind = input.byte();
                entry(&mut made.tar, name, kind, &size, png);
            }
            1 => {
                let kind = input.pick(b"012345678gxLKSVA");
                entry(&mut made.tar, name.as_bytes(), kind, &size, png);
            }
            2 => {
                let size = input.take(12);
                entry(&mut made.tar, name.as_bytes(), b'0', size, png);
            }
            // An image that is none, or perhaps one.
            3 => {
                let mut bytes = png.clone();
                let at = input.word() as usize % bytes.len();
                bytes[at] ^= input.byte();
                entry(&mut made.tar, name.as_bytes(), b'0', &size, &bytes);
            }
            // Records of any kind before a good entry.
            4 => {
                let records = input.string();
                let kind = input.pick(b"xLgK");
                entry(&mut made.tar, b"x", kind, &octal(records.len()), records);
                entry(&mut made.tar, name.as_bytes(), b'0', &size, png);
            }
            _ => made.tar.extend(input.string()),
        }
    }
    match input.byte() {
        0..0xf0 => made.tar.extend([0; 2 * BLOCK]),
        end => {
            made.is_plain = false;
            made.tar.extend(vec![0; usize::from(end) % 4 * BLOCK]);
            made.tar.extend(input.take(40));
        }
    }
    made
}

/// The records of a data set of these images, training and test: image 0 of every class, then image 1, and so on.
/// `None` if it would be none.
fn plain_reading(images: &BTreeMap<String, u8>) -> Option<[Vec<(u8, u8)>; 2]> {
    let mut classes: Vec<&str> = images
        .keys()
        .filter_map(|path| path.split('/').nth(1))
        .collect();
    classes.sort_unstable();
    classes.dedup();
    let rows = |split: &str, class: &str| -> Vec<u8> {
        let folder = format!("{split}/{class}/");
        let of_class = images.iter().filter(|(path, _)| path.starts_with(&folder));
        of_class.map(|(_, grey)| *grey).collect()
    };
    let splits = ["train", "test"].map(|split| {
        let classes: Vec<Vec<u8>> = classes.iter().map(|class| rows(split, class)).collect();
        let longest = classes.iter().map(Vec::len).max().unwrap_or(0);
        let mut records = Vec::new();
        for number in 0..longest {
            for (label, class) in (0..).zip(&classes) {
                records.extend(class.get(number).map(|&grey| (label, grey)));
            }
        }
        (classes.iter().all(|class| !class.is_empty()), records)
    });
    let [(every_class, train), (_, test)] = splits;
    (every_class && !train.is_empty() && !test.is_empty()).then_some([train, test])
}

/// An import of arbitrary and of nearly good archives, packed or not, ends as it should.
pub fn import_archive(data: &[u8]) {
    let mut input = Input::new(data);
    let (skip_bad, way) = (input.is(), input.below(8));
    let made = if way == 7 {
        Made {
            tar: input.rest().to_vec(),
            ..Made::default()
        }
    } else {
        make(&mut input)
    };
    let bytes = if way == 6 {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&made.tar).expect("memory");
        packed.finish().expect("memory")
    } else {
        made.tar.clone()
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("archive");
    std::fs::write(&path, &bytes).expect("a file");
    let options = ImportOptions {
        skip_bad,
        ..ImportOptions::default()
    };
    let imported = import(&path, &options, &());
    let entries = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(entries, 1, "an import writes nothing");
    assert_eq!(std::fs::read(&path).expect("a file"), bytes);
    if made.is_plain {
        check_plain(imported, plain_reading(&made.images));
        return;
    }
    match imported {
        Ok(imported) => {
            check_data_set(&imported);
            // Every good image before the odd entry or after it, unless it is left out with a reason.
            let n = imported.contents.train.len() + imported.contents.test.len();
            assert!(n / RECORD + imported.skipped.len() >= made.images.len().min(1));
        }
        Err(ImportError::Cancelled { .. }) => panic!("nobody cancelled"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn check_plain(imported: Result<Imported, ImportError>, expected: Option<[Vec<(u8, u8)>; 2]>) {
    match (imported, expected) {
        (Ok(imported), Some([train, test])) => {
            check_data_set(&imported);
            assert!(imported.skipped.is_empty() && imported.resized == 0);
            for (found, expected) in [
                (&imported.contents.train, train),
                (&imported.contents.test, test),
            ] {
                let record = |record: &[u8]| {
                    assert!(record[1..].iter().all(|&pixel| pixel == record[1]));
                    (record[0], record[1])
                };
                assert_eq!(
                    found.chunks(RECORD).map(record).collect::<Vec<_>>(),
                    expected
                );
            }
        }
        (Err(_), None) => {}
        // Without a folder `test` the import makes a test set of its own.
        (Ok(imported), None) => check_data_set(&imported),
        (Err(error), Some(_)) => panic!("refused a good archive: {error}"),
    }
}

/// What was imported is a data set.
fn check_data_set(imported: &Imported) {
    let contents = &imported.contents;
    let made = Dataset::from_memory(
        contents.format,
        vec![contents.train.clone()],
        contents.test.clone(),
        contents.class_names.clone(),
    );
    let data = made.expect("an imported data set");
    assert_eq!(data.train().len() * RECORD, contents.train.len());
}
