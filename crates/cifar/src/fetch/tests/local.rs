//! The destination, and archives that are there already.

use super::*;
use crate::error::Error;

#[test]
fn a_destination_below_a_file_is_refused_before_anything_is_asked() {
    let case = Case::new();
    fs::write(case.parent(), "a file").expect("writing");
    let server = case.good_server();
    let error = case.fetch(&server).expect_err("not a folder");
    assert!(matches!(error, FetchError::Data(_)), "{error}");
    assert!(error.to_string().contains("data"), "{error}");
    assert_eq!(server.requests().len(), 0);
    assert_eq!(fs::read(case.parent()).expect("reading"), b"a file");
    fs::remove_file(case.parent()).expect("removing");
    case.check_good_run();
}

#[test]
fn what_is_there_is_replaced_only_on_demand() {
    let case = Case::new();
    fs::create_dir_all(case.out()).expect("a folder");
    let old = case.out().join("test_batch.bin");
    fs::write(&old, "old").expect("writing");
    let server = case.good_server();
    let error = case.fetch(&server).expect_err("it is there");
    assert!(
        matches!(error, FetchError::Data(Error::Exists { .. })),
        "{error}"
    );
    assert_eq!(server.requests().len(), 0);
    assert_eq!(fs::read(&old).expect("reading"), b"old");

    let options = FetchOptions {
        overwrite: true,
        ..case.options(&[server.base()])
    };
    let fetched = fetch_expected(&case.expected, &options, &()).expect("replaced");
    case.check_files(&fetched);

    fs::write(case.out().join("thesis.txt"), "mine").expect("writing");
    let error = fetch_expected(&case.expected, &options, &()).expect_err("a foreign file");
    assert!(
        matches!(error, FetchError::Data(Error::ForeignFile { .. })),
        "{error}"
    );
    case.check_parent(&[]);
}

#[test]
fn an_empty_folder_is_filled() {
    let case = Case::new();
    fs::create_dir_all(case.out()).expect("a folder");
    case.check_good_run();
}

#[test]
fn an_archive_needs_no_network_and_is_kept() {
    let case = Case::new();
    let path = case.dir.path().join("mine.tar.gz");
    let options = FetchOptions {
        archive: Some(path.clone()),
        ..case.options(&["http://127.0.0.1:9/".into()])
    };
    let fails = |part: &str| {
        let error = fetch_expected(&case.expected, &options, &()).expect_err(part);
        let message = error.to_string();
        assert!(
            message.contains("mine.tar.gz") && message.contains(part),
            "{message}"
        );
        case.check_parent(&[]);
        assert!(!case.out().exists());
    };
    fails("cannot");
    fs::write(&path, &case.archive[1..]).expect("writing");
    fails("found size in bytes");
    fs::write(&path, archive(7)).expect("writing");
    fails("found MD5");
    fs::write(&path, &case.archive).expect("writing");
    let fetched = fetch_expected(&case.expected, &options, &()).expect("a good archive");
    case.check_files(&fetched);
    assert!(path.exists());
    assert_eq!(
        fetched.notes,
        ["\"set/readme.html\" of the archive was left out"]
    );
}

#[test]
fn two_fetches_do_not_write_to_one_file() {
    let case = Case::new();
    fs::create_dir_all(case.parent()).expect("a folder");
    let other = fs::File::create(case.part()).expect("a file");
    other.lock().expect("a lock");
    let error = case.fetch(&case.good_server()).expect_err("locked");
    assert!(matches!(error, FetchError::Busy { .. }), "{error}");
    drop(other);
    case.check_good_run();
}

#[test]
fn a_partial_file_that_is_a_folder_is_refused() {
    let case = Case::new();
    fs::create_dir_all(case.part()).expect("a folder");
    let error = case.fetch(&case.good_server()).expect_err("a folder");
    assert!(
        error
            .to_string()
            .contains("set.tar.gz.part: expected a file"),
        "{error}"
    );
    fs::remove_dir(case.part()).expect("removing");
    case.check_good_run();
}
