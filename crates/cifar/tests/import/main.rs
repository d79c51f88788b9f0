//! The import through its public interface: folders and archives made here.

mod one;
mod refused;
mod sources;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use nearplane_cifar::import::{ImportError, ImportOptions, ImportProgress, Imported, import};
use nearplane_cifar::write::write_folder;
use nearplane_cifar::{Dataset, OpenOptions};
use sources::{Files, TempSource, grey_of, jpeg, pets, picture, png, tar_bytes, tar_gz, tar_xz};

fn run(source: &Path) -> Result<Imported, ImportError> {
    import(source, &ImportOptions::default(), &())
}

#[track_caller]
fn check_pets(imported: &Imported) {
    assert_eq!(imported.contents.class_names, ["cat", "dog", "emu"]);
    let train = [0, 20, 40, 1, 21, 41, 2, 22, 42, 3, 23, 43];
    assert_eq!(grey_of(&imported.contents.train), train);
    assert_eq!(
        grey_of(&imported.contents.test),
        [100, 120, 140, 101, 121, 141]
    );
    let labels: Vec<u8> = imported
        .contents
        .train
        .iter()
        .step_by(3073)
        .copied()
        .collect();
    assert_eq!(labels, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
    assert_eq!(imported.resized, 0);
    assert!(imported.skipped.is_empty());
}

#[test]
fn every_kind_of_source_gives_the_same_data_set() {
    for root in ["", "./", "photos/", "./a/b/"] {
        let files = pets(root);
        check_pets(&run(TempSource::folder(&files).path()).unwrap());
        let tar = tar_bytes(&files);
        for bytes in [tar.clone(), tar_gz(&tar), tar_xz(&tar)] {
            // Told apart by content: the name says nothing.
            let imported = run(TempSource::file("data.bin", &bytes).path()).unwrap();
            check_pets(&imported);
            assert!(imported.notes.is_empty(), "{:?}", imported.notes);
        }
    }
}

#[test]
fn what_is_imported_can_be_written_and_opened() {
    let imported = run(TempSource::folder(&pets("")).path()).unwrap();
    let out = tempfile::tempdir().unwrap();
    write_folder(out.path(), &imported.contents, false).unwrap();
    let dataset = Dataset::read(out.path(), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.class_names(), ["cat", "dog", "emu"]);
    assert_eq!((dataset.train().len(), dataset.test().len()), (12, 6));
    assert_eq!(dataset.train().image(5), [41; 3072]);
}

#[test]
fn an_order_file_is_followed() {
    let source = TempSource::folder(&pets(""));
    let order = TempSource::file("order.txt", b"2 1 0\n000\n111222\n");
    let options = ImportOptions {
        order: Some(order.path().into()),
        ..ImportOptions::default()
    };
    let imported = import(source.path(), &options, &()).unwrap();
    let train = [40, 20, 0, 1, 2, 3, 21, 22, 23, 41, 42, 43];
    assert_eq!(grey_of(&imported.contents.train), train);
    assert_eq!(grey_of(&imported.contents.test)[..2], [100, 120]);

    let missing = ImportOptions {
        order: Some(PathBuf::from("/no/such/order.txt")),
        ..ImportOptions::default()
    };
    let message = import(source.path(), &missing, &())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("cannot read /no/such/order.txt"),
        "{message}"
    );
}

#[test]
fn bad_images_are_all_listed_or_all_skipped() {
    let mut files = pets("");
    let whole = jpeg(&picture(7));
    files.insert(
        "train/cat/half.jpg".into(),
        whole[..whole.len() / 2].to_vec(),
    );
    files.insert("train/dog/empty.png".into(), vec![]);
    files.insert("test/emu/text.jpg".into(), b"not an image".to_vec());
    let bitmap = png(&picture(7));
    files.insert(
        "test/emu/half.png".into(),
        bitmap[..bitmap.len() / 2].to_vec(),
    );
    for number in 0..3 {
        files.insert(format!("train/emu/x{number}.jpg"), vec![]);
    }

    for source in [
        TempSource::folder(&files),
        TempSource::file("a.tar", &tar_bytes(&files)),
    ] {
        let message = run(source.path()).unwrap_err().to_string();
        for part in [
            "7 of 25 images cannot be read",
            "\"train/cat/half.jpg\" (JPEG: it ends before its end mark",
            "\"train/dog/empty.png\" (the file is empty)",
            "\"test/emu/text.jpg\" (neither a JPEG nor a PNG file",
            "\"test/emu/half.png\" (PNG: it ends before its end chunk",
            "and 2 more",
            "skip bad images",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(!message.contains('\n'), "{message}");

        let options = ImportOptions {
            skip_bad: true,
            ..ImportOptions::default()
        };
        let imported = import(source.path(), &options, &()).unwrap();
        let skipped: Vec<&str> = imported
            .skipped
            .iter()
            .map(|bad| bad.path.as_str())
            .collect();
        let expected = [
            "test/emu/half.png",
            "test/emu/text.jpg",
            "train/cat/half.jpg",
            "train/dog/empty.png",
            "train/emu/x0.jpg",
            "train/emu/x1.jpg",
            "train/emu/x2.jpg",
        ];
        assert_eq!(skipped, expected);
        assert_eq!(imported.skipped[3].reason, "the file is empty");
        let mut others = imported;
        others.skipped.clear();
        check_pets(&others);
    }
}

#[test]
fn a_skipped_image_gives_up_its_place_in_the_order() {
    let mut files = pets("");
    files.insert("train/cat/1.png".into(), vec![]);
    let order = TempSource::file("order.txt", b"000011112222");
    let options = ImportOptions {
        order: Some(order.path().into()),
        skip_bad: true,
        ..ImportOptions::default()
    };
    let imported = import(TempSource::folder(&files).path(), &options, &()).unwrap();
    let train = [0, 2, 3, 20, 21, 22, 23, 40, 41, 42, 43];
    assert_eq!(grey_of(&imported.contents.train), train);
    assert_eq!(imported.skipped.len(), 1);
}

#[test]
fn other_sizes_are_counted() {
    let mut files = pets("");
    let large = image::imageops::resize(&picture(1), 50, 70, image::imageops::FilterType::Nearest);
    files.insert("train/cat/1.png".into(), png(&large));
    let mut imported = run(TempSource::folder(&files).path()).unwrap();
    assert_eq!(imported.resized, 1);
    imported.resized = 0;
    check_pets(&imported);
}

#[test]
fn what_is_ignored_is_said() {
    let mut files = pets("");
    for name in [
        "README.txt",
        ".DS_Store",
        "train/cat/._1.png",
        "train/cat/notes.pdf",
        "train/cat/.hidden.png",
        "train/cat/1.HEIC",
        "train/dog/2.heic",
        "train/dog/2.webp",
    ] {
        files.insert(name.into(), b"anything".to_vec());
    }
    let imported = run(TempSource::file("a.tar", &tar_bytes(&files)).path()).unwrap();
    check_pets(&imported);
    let notes = [
        "left out pictures that are neither JPEG nor PNG (2 .heic, 1 .webp); convert them and import again to have them in",
        "ignored 3 files that are not images by their names",
    ];
    assert_eq!(imported.notes, notes);
    assert_eq!(run(TempSource::folder(&files).path()).unwrap().notes, notes);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let outside = TempSource::folder(&pets(""));
    let source = TempSource::folder(&pets(""));
    std::os::unix::fs::symlink(
        outside.path().join("train/cat"),
        source.path().join("train/zebra"),
    )
    .unwrap();
    std::os::unix::fs::symlink("0.png", source.path().join("train/cat/9.png")).unwrap();
    let imported = run(source.path()).unwrap();
    check_pets(&imported);
    assert_eq!(imported.notes, ["ignored 2 links or special files"]);

    // In an archive as well, even those that point out of it.
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in pets("") {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Fifo,
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        builder
            .append_link(&mut header, "train/cat/8.png", "/etc/passwd")
            .unwrap();
    }
    let tar = builder.into_inner().unwrap();
    let imported = run(TempSource::file("a.tar", &tar).path()).unwrap();
    check_pets(&imported);
    assert_eq!(imported.notes, ["ignored 3 links or special files"]);
}

#[test]
fn the_seed_chooses_the_test_images_of_one_level() {
    let mut files = Files::new();
    for number in 0..20 {
        files.insert(format!("cat/{number:02}.png"), png(&picture(number)));
        files.insert(format!("dog/{number:02}.png"), png(&picture(100 + number)));
    }
    let source = TempSource::folder(&files);
    let with_seed = |seed| {
        let options = ImportOptions {
            seed,
            ..ImportOptions::default()
        };
        let imported = import(source.path(), &options, &()).unwrap();
        assert_eq!(imported.contents.test.len(), 8 * 3073);
        assert_eq!(imported.contents.train.len(), 32 * 3073);
        assert!(imported.notes[0].contains(&format!("seed {seed}")));
        imported.contents
    };
    assert!(with_seed(1) == with_seed(1));
    assert!(with_seed(1) != with_seed(2));
}

/// Remembers what it was told and cancels when told to.
#[derive(Default)]
struct Log {
    calls: Mutex<Vec<(u64, Option<u64>)>>,
    cancel_at: Option<u64>,
    cancelled: AtomicBool,
}

impl ImportProgress for Log {
    fn decoded(&self, done: u64, total: Option<u64>) {
        self.calls.lock().unwrap().push((done, total));
        if Some(done) == self.cancel_at {
            self.cancelled.store(true, Ordering::Relaxed);
        }
    }

    // True once only: an import has to remember it.
    fn cancelled(&self) -> bool {
        self.cancelled.swap(false, Ordering::Relaxed)
    }
}

#[test]
fn progress_counts_every_image_once() {
    let files = pets("");
    for (source, total) in [
        (TempSource::folder(&files), Some(18)),
        (TempSource::file("a", &tar_bytes(&files)), None),
    ] {
        let log = Log::default();
        import(source.path(), &ImportOptions::default(), &log).unwrap();
        let expected: Vec<_> = (1..=18).map(|done| (done, total)).collect();
        assert_eq!(*log.calls.lock().unwrap(), expected);
    }
}

#[test]
fn a_cancelled_import_gives_nothing() {
    let files = pets("");
    for source in [
        TempSource::folder(&files),
        TempSource::file("a", &tar_xz(&tar_bytes(&files))),
    ] {
        let log = Log {
            cancel_at: Some(3),
            ..Log::default()
        };
        let error = import(source.path(), &ImportOptions::default(), &log).unwrap_err();
        assert!(
            matches!(error, ImportError::Cancelled { images: 3.. }),
            "{error}"
        );
        assert!(error.to_string().contains("was cancelled after"), "{error}");

        let log = Log {
            cancelled: AtomicBool::new(true),
            ..Log::default()
        };
        let error = import(source.path(), &ImportOptions::default(), &log).unwrap_err();
        assert!(matches!(error, ImportError::Cancelled { .. }), "{error}");
    }
}

#[test]
fn one_thread_is_enough() {
    let source = TempSource::file("a", &tar_bytes(&pets("")));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    check_pets(&pool.install(|| run(source.path())).unwrap());
}
