//! Archives and options that have to be refused, and what is said about them.

use std::io::Write;
use std::path::Path;

use nearplane_cifar::import::{ImportError, ImportOptions, import};

use crate::run;
use crate::sources::{
    Files, TempSource, pets, picture, png, tar_bytes, tar_gz, tar_of_raw_names, tar_xz,
};

fn message(source: &Path) -> String {
    run(source).unwrap_err().to_string()
}

#[test]
fn names_that_leave_the_archive_are_refused() {
    let image = png(&picture(1));
    for (name, part) in [
        ("../evil.png", "\"..\""),
        ("train/cat/../../../../etc/1.txt", "\"..\""),
        ("/etc/evil.png", "absolute"),
        ("C:/evil.txt", "drive letter"),
        ("train\\cat\\1.png", "backslash"),
    ] {
        let tar = tar_of_raw_names(&[("train/cat/0.png", &image), (name, &image)]);
        let error = run(TempSource::file("a.tar", &tar).path()).unwrap_err();
        let ImportError::UnsafePath { entry, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(entry, name);
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_damaged_archive_says_how_far_it_went() {
    let tar = tar_bytes(&pets(""));
    let cut = &tar[..tar.len() / 2];
    let error = run(TempSource::file("a.tar", cut).path()).unwrap_err();
    let ImportError::DamagedArchive { offset, images, .. } = &error else {
        panic!("{error}");
    };
    assert!(
        *images > 3 && *images < 18 && *offset <= cut.len() as u64,
        "{error}"
    );
    let message = error.to_string();
    for part in [
        "a.tar",
        "damaged or incomplete",
        "images, the last one \"",
        "again",
    ] {
        assert!(message.contains(part), "{message}");
    }

    // Cut between two entries: nothing but the end mark is missing.
    let without_end = tar.len() - tar.iter().rev().take_while(|&&byte| byte == 0).count();
    let cut = &tar[..without_end.next_multiple_of(512)];
    let error = run(TempSource::file("a.tar", cut).path()).unwrap_err();
    assert!(error.to_string().contains("after 18 images"), "{error}");
    assert!(error.to_string().contains("without an end mark"), "{error}");
}

#[test]
fn compressed_archives_are_checked_to_their_last_byte() {
    let tar = tar_bytes(&pets(""));
    for bytes in [tar_gz(&tar), tar_xz(&tar)] {
        for cut in [20, bytes.len() / 3, bytes.len() - 20, bytes.len() - 1] {
            let error = run(TempSource::file("a", &bytes[..cut]).path()).unwrap_err();
            assert!(
                matches!(error, ImportError::DamagedArchive { .. }),
                "{cut}: {error}"
            );
            let message = error.to_string();
            assert!(
                message.contains("the file was cut short") && !message.contains("whole buffer"),
                "{cut}: {message}"
            );
        }
        for at in [bytes.len() / 3, bytes.len() / 2, bytes.len() - 5] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            let error = run(TempSource::file("a", &damaged).path()).unwrap_err();
            assert!(
                matches!(error, ImportError::DamagedArchive { .. }),
                "{at}: {error}"
            );
        }
    }
}

#[test]
fn an_xz_stream_that_wants_gigabytes_is_refused() {
    let tar = tar_bytes(&pets(""));
    let mut options = lzma_rust2::XzOptions::with_preset(0);
    options.lzma_options.dict_size = 300 << 20;
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(&tar).unwrap();
    let error = run(TempSource::file("a", &writer.finish().unwrap()).path()).unwrap_err();
    assert!(error.to_string().contains("memory"), "{error}");
}

#[test]
fn an_entry_of_absurd_size_is_refused_without_reading_it() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_path("train/cat/huge.jpg").unwrap();
    header.set_size(1 << 50);
    header.set_cksum();
    builder.get_mut().extend_from_slice(header.as_bytes());
    let tar = builder.into_inner().unwrap();
    let message = message(TempSource::file("a.tar", &tar).path());
    assert!(message.contains("damaged or incomplete"), "{message}");

    // Really there, and of zeros, so that it packs well.
    let mut files = pets("");
    files.insert("train/cat/huge.jpg".into(), vec![0; (64 << 20) + 1]);
    let packed = tar_gz(&tar_bytes(&files));
    let message = self::message(TempSource::file("a.tgz", &packed).path());
    let reason = "\"train/cat/huge.jpg\" (claims 67108865 bytes, the limit is 67108864)";
    assert!(message.contains(reason), "{message}");
}

#[test]
fn a_name_that_is_there_twice_is_refused() {
    let image = png(&picture(1));
    let tar = tar_of_raw_names(&[
        ("train/cat/0.png", &image),
        ("test/cat/0.png", &image),
        ("./train/cat/0.png", &image),
    ]);
    let message = message(TempSource::file("a.tar", &tar).path());
    assert!(
        message.contains("\"train/cat/0.png\" is there twice"),
        "{message}"
    );
}

#[test]
fn sources_that_are_none_say_what_they_are() {
    let check = |bytes: &[u8], part: &str| {
        let message = message(TempSource::file("data.tar", bytes).path());
        assert!(
            message.contains("data.tar: expected a folder or a .tar"),
            "{message}"
        );
        assert!(message.contains(part), "{message}");
    };
    check(b"", "an empty file");
    check(b"PK\x03\x04rest", "a zip archive");
    check(b"BZh9", "a bzip2 stream");
    check(&png(&picture(1)), "a PNG file");
    check(&[b'x'; 2000], "starts with \"xxxxxxxx\"");

    let none = message(Path::new("/no/such/folder"));
    assert!(none.contains("cannot read /no/such/folder"), "{none}");
    let not_tar = message(TempSource::file("a.gz", &tar_gz(&[b'x'; 2000])).path());
    assert!(
        not_tar.contains("the checksum of a header does not fit"),
        "{not_tar}"
    );

    let mut files = Files::new();
    files.insert("readme.txt".into(), b"hello".to_vec());
    for source in [
        TempSource::folder(&files),
        TempSource::file("a", &tar_bytes(&files)),
    ] {
        let message = message(source.path());
        assert!(
            message.contains("no images found among 1 file,"),
            "{message}"
        );
    }
}

#[test]
fn the_ratio_has_to_be_a_fraction() {
    let source = TempSource::folder(&pets(""));
    for ratio in [0.0, 1.0, -0.1, f64::NAN, f64::INFINITY] {
        let options = ImportOptions {
            test_ratio: Some(ratio),
            ..ImportOptions::default()
        };
        let message = import(source.path(), &options, &())
            .unwrap_err()
            .to_string();
        assert!(message.contains("above 0 and below 1"), "{message}");
    }
}
