//! Archives whose checksum is as expected, and whose contents are not.

use tar::EntryType;

use super::*;

/// A header with this name as it stands, and the data behind it.
fn entry(name: &str, kind: EntryType, size: u64, data: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// The good entries after a hostile one.
fn with_good(hostile: Vec<u8>) -> Vec<u8> {
    let mut bytes = hostile;
    bytes.extend(tarball(&[
        ("set/data_batch_1.bin", &records(TRAIN, 1)),
        ("set/test_batch.bin", &records(TEST, 2)),
        ("set/batches.meta.txt", NAMES),
    ]));
    bytes
}

/// Served with the checksum that is expected, this archive is refused for its contents.
fn check(tar: &[u8], part: &str) {
    check_compressed(gzip(tar), part);
}

fn check_compressed(archive: Vec<u8>, part: &str) {
    let good = Case::new();
    let case = Case {
        expected: expected(&archive),
        archive,
        dir: good.dir,
    };
    let server = case.good_server();
    let message = case.failure(&server);
    assert!(message.contains(part), "expected {part:?} in: {message}");
    assert!(!case.part().exists(), "it would be refused again");
    let escaped = case.dir.path().join("evil");
    assert!(!escaped.exists());
    let again = Case {
        dir: case.dir,
        archive: good.archive,
        expected: good.expected,
    };
    again.check_good_run();
}

#[test]
fn names_that_lead_elsewhere() {
    let file = |name| with_good(entry(name, EntryType::Regular, 2, b"hi"));
    check(&file("/tmp/evil"), "\"/tmp/evil\": it has an absolute path");
    check(&file("set/../../evil"), "it has \"..\" in its path");
    check(&file(".//evil"), "it has an absolute path");
    check(&file("..\\evil"), "unusual character");
    check(&file("C:evil"), "unusual character");
    check(&file("set/a\nb"), "unusual character");
    let folder = with_good(entry("evil/", EntryType::Directory, 0, b""));
    check(&folder, "only one folder, \"set\"");
}

#[test]
fn entries_that_are_no_files() {
    for (kind, part) in [
        (EntryType::Symlink, "it is a link"),
        (EntryType::Link, "it is a link"),
        (EntryType::Fifo, "neither a file nor a folder"),
        (EntryType::Block, "neither a file nor a folder"),
        (EntryType::GNUSparse, "sparse"),
    ] {
        check(&with_good(entry("set/test_batch.bin", kind, 0, b"")), part);
    }
}

#[test]
fn sizes_that_are_not_expected() {
    let tera = 1 << 40;
    let claims = |name| entry(name, EntryType::Regular, tera, b"");
    check(
        &claims("set/test_batch.bin"),
        "it has 1099511627776 bytes, expected 12292",
    );
    check(
        &claims("set/batches.meta.txt"),
        "1099511627776 bytes, expected at most 100",
    );
    check(
        &claims("set/readme.html"),
        "not part of the original, and has 1099511627776",
    );
    let name = entry("x", EntryType::GNULongName, tera, b"");
    check(&name, "the limit is 1048576");
    let short = entry("set/test_batch.bin", EntryType::Regular, TEST as u64, b"");
    check(&short, "it ends within an entry");
    // Compresses a thousandfold.
    let mut bomb = with_good(Vec::new());
    bomb.resize(64 << 20, 0);
    let bomb = compress(&bomb, Compression::fast());
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    check_compressed(bomb, "it unpacks to 16");
}

#[test]
fn members_that_are_missing_twice_there_or_no_records() {
    let (train, test) = (records(TRAIN, 1), records(TEST, 2));
    let good = |name| entry(name, EntryType::Regular, TEST as u64, &test);
    check(&with_good(good("set/test_batch.bin")), "it is there twice");
    let missing = tarball(&[
        ("set/test_batch.bin", &test),
        ("set/batches.meta.txt", NAMES),
    ]);
    check(&missing, "\"data_batch_1.bin\" is missing");
    check(&tarball(&[]), "is missing");
    check(b"", "ends without an end mark");
    let labels = tarball(&[
        ("set/data_batch_1.bin", &vec![9; train.len()]),
        ("set/test_batch.bin", &test),
        ("set/batches.meta.txt", NAMES),
    ]);
    check(&labels, "is not a data set");
}

#[test]
fn mutated_archives_never_panic_and_never_leave_the_folder() {
    let tar = with_good(Vec::new());
    let case = Case::new();
    let mut state = 1_u32;
    let mut next = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let headers = [0, 512 + TRAIN.next_multiple_of(512)];
    for round in 0..200 {
        let mut tar = tar.clone();
        for _ in 0..=next(3) {
            let header = headers[next(2)];
            tar[header + next(512)] = next(256) as u8;
            if round % 2 == 0 {
                // Otherwise few get past the checksum.
                let mut fixed = Header::new_gnu();
                fixed
                    .as_mut_bytes()
                    .copy_from_slice(&tar[header..header + 512]);
                fixed.set_cksum();
                tar[header..header + 512].copy_from_slice(fixed.as_bytes());
            }
        }
        let mut archive = gzip(&tar);
        if round % 4 == 1 {
            let at = next(archive.len());
            archive[at] ^= 1 << next(8);
        }
        let path = case.dir.path().join("mine.tar.gz");
        fs::write(&path, &archive).expect("writing");
        let options = FetchOptions {
            archive: Some(path),
            ..case.options(&[])
        };
        match fetch_expected(&expected(&archive), &options, &()) {
            Ok(fetched) => {
                case.check_files(&fetched);
                fs::remove_dir_all(case.out()).expect("removing");
            }
            Err(error) => assert!(matches!(error, FetchError::Unpack { .. }), "{error}"),
        }
        case.check_parent(&[]);
        assert_eq!(fs::read_dir(case.dir.path()).expect("a folder").count(), 2);
    }
}
