//! Files that change while they are mapped. Reading behind the end of a truncated file ends the process,
//! so those tests run themselves once more as a child and look at how it ended.

use std::fs::{File, OpenOptions as FileOptions};
#[cfg(unix)]
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{records, small_folder};
use crate::map::testing::map;
use crate::{Dataset, Error, OpenOptions};

fn open(dir: &Path) -> Dataset {
    map(dir, &OpenOptions::default()).expect("a good folder")
}

fn writable(path: &Path) -> File {
    let mut options = FileOptions::new();
    options.write(true).open(path).expect("opening for writing")
}

/// What `verify_unchanged` has to say about this file.
fn check_changed(data: &Dataset, file: &Path, expected: u64, found: u64, words: &str) {
    let error = data.verify_unchanged().expect_err("the file changed");
    let message = error.to_string();
    assert!(
        message.starts_with(file.to_str().expect("UTF-8")),
        "{message}"
    );
    assert!(message.contains(words), "{message}");
    match error {
        Error::Changed {
            path,
            expected: length,
            found: now,
        } => assert_eq!((path.as_path(), length, now), (file, expected, found)),
        other => panic!("expected Changed, found {other:?}"),
    }
}

// Windows does not truncate a mapped file.
#[cfg(unix)]
#[test]
fn truncation_within_the_last_page_is_noticed() {
    let dir = small_folder();
    let file = dir.path().join("test_batch.bin");
    // Pixels that are not 0, so that the zeros below mean something.
    std::fs::write(&file, &records(&[0, 1, 0])[3073..]).expect("rewriting the test images");
    let data = open(dir.path());
    assert_eq!(data.test().image(1)[3071], 2);
    data.verify_unchanged().expect("nothing changed yet");
    // Two records end in the middle of a page, whatever the size of pages.
    writable(&file).set_len(2 * 3073 - 1).expect("truncating");
    // No signal: the rest of the page is zeros.
    assert_eq!(black_box(&data).test().image(1)[3071], 0);
    check_changed(&data, &file, 6146, 6145, "expected 6146 bytes, found 6145");
}

#[test]
fn bytes_added_at_the_end_are_noticed() {
    let dir = small_folder();
    let file = dir.path().join("data_batch_2.bin");
    let data = open(dir.path());
    data.verify_unchanged().expect("nothing changed yet");
    let mut options = FileOptions::new();
    let mut end = options
        .append(true)
        .open(&file)
        .expect("opening for appending");
    end.write_all(&records(&[1])).expect("appending");
    check_changed(&data, &file, 3073, 6146, "expected 3073 bytes, found 6146");
}

#[test]
fn a_new_modification_time_is_noticed() {
    let dir = small_folder();
    let file = dir.path().join("data_batch_1.bin");
    let data = open(dir.path());
    let later = SystemTime::now() + Duration::from_secs(10);
    writable(&file)
        .set_modified(later)
        .expect("setting the time");
    check_changed(&data, &file, 9219, 9219, "still 9219 bytes, but modified");
}

#[cfg(unix)]
#[test]
fn another_file_in_its_place_changes_nothing() {
    let dir = small_folder();
    let file = dir.path().join("data_batch_1.bin");
    let data = open(dir.path());
    let other = dir.path().join("other");
    std::fs::write(&other, "another").expect("writing a file");
    std::fs::rename(&other, &file).expect("replacing the file");
    data.verify_unchanged()
        .expect("the mapped file is as it was");
    assert_eq!(data.train().labels(), [0, 1, 2, 2]);
}

#[cfg(all(unix, feature = "sigbus"))]
mod child {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Output};
    use std::sync::Barrier;

    use super::*;
    use crate::map::testing::{self, Before, HANDLED};

    const FOLDER: &str = "NEARPLANE_TEST_FOLDER";
    const CASE: &str = "NEARPLANE_TEST_CASE";
    /// What a child writes if it lives to see a result.
    const RESULT: &str = "result";

    /// The case and folder that this process is the child for.
    fn told() -> Option<(String, std::path::PathBuf)> {
        Some((std::env::var(CASE).ok()?, std::env::var_os(FOLDER)?.into()))
    }

    /// Runs the test `name` of this file in a process of its own, as a child.
    fn spawn(name: &str, case: &str, dir: &Path) -> Output {
        let program = std::env::current_exe().expect("the path of this test");
        let mut command = Command::new(program);
        command.args([name, "--exact", "--nocapture"]);
        command.env(CASE, case).env(FOLDER, dir).current_dir(dir);
        let output = command.output().expect("running this test again");
        let ran = String::from_utf8_lossy(&output.stdout);
        assert!(
            ran.contains("running 1 test"),
            "{name} is not the name of a test: {ran}"
        );
        output
    }

    fn write_result(dir: &Path, sum: u64) {
        std::fs::write(dir.join(RESULT), sum.to_string()).expect("writing the result");
    }

    /// Reads every byte of the training images.
    fn sum(data: &Dataset) -> u64 {
        let bytes = black_box(data).train().records().flatten();
        bytes.map(|&byte| u64::from(byte)).sum()
    }

    fn large_folder() -> tempfile::TempDir {
        let dir = small_folder();
        let file = dir.path().join("data_batch_1.bin");
        std::fs::write(file, records(&[1; 200])).expect("writing a batch");
        dir
    }

    fn check_one_line(output: &Output, dir: &Path) {
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        let file = dir.join("data_batch_1.bin");
        let expected = format!(
            "error: {}: the file shrank or could not be read while it was mapped, so there is no result; \
             restore the file and run again, or read it into memory instead of mapping it \
             (nearplane: --no-mmap)\n",
            file.display()
        );
        assert_eq!(stderr, expected);
        assert!(!dir.join(RESULT).exists(), "a result in spite of it");
    }

    #[test]
    fn truncation_to_nothing_ends_with_one_line() {
        if let Some((_, dir)) = told() {
            crate::install_sigbus_handler().expect("installing the handler");
            crate::install_sigbus_handler().expect("installing it again");
            let data = open(&dir);
            black_box(sum(&data));
            let half = dir.join("half-a-result");
            std::fs::write(&half, "half").expect("writing a file");
            let _registered = crate::temporary::Temporary::register(&half);
            writable(&dir.join("data_batch_1.bin"))
                .set_len(0)
                .expect("truncating");
            write_result(&dir, sum(&data));
            return;
        }
        let dir = large_folder();
        let output = spawn(
            "tests::truncated::child::truncation_to_nothing_ends_with_one_line",
            "",
            dir.path(),
        );
        check_one_line(&output, dir.path());
        let half = dir.path().join("half-a-result");
        assert!(!half.exists(), "a temporary file stayed");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_small_signal_stack_is_large_enough() {
        if let Some((_, dir)) = told() {
            crate::install_sigbus_handler().expect("installing the handler");
            testing::shrink_signal_stack();
            let data = open(&dir);
            writable(&dir.join("data_batch_1.bin"))
                .set_len(0)
                .expect("truncating");
            write_result(&dir, sum(&data));
            return;
        }
        let dir = large_folder();
        let name = "tests::truncated::child::a_small_signal_stack_is_large_enough";
        check_one_line(&spawn(name, "", dir.path()), dir.path());
    }

    #[test]
    fn many_threads_report_once() {
        if let Some((_, dir)) = told() {
            crate::install_sigbus_handler().expect("installing the handler");
            let data = open(&dir);
            writable(&dir.join("data_batch_1.bin"))
                .set_len(0)
                .expect("truncating");
            let barrier = Barrier::new(8);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        barrier.wait();
                        write_result(&dir, sum(&data));
                    });
                }
            });
            return;
        }
        for _ in 0..5 {
            let dir = large_folder();
            let output = spawn(
                "tests::truncated::child::many_threads_report_once",
                "",
                dir.path(),
            );
            check_one_line(&output, dir.path());
        }
    }

    /// Reads behind the end of a truncated file that no data set knows.
    fn read_elsewhere(dir: &Path) {
        let path = dir.join("elsewhere");
        std::fs::write(&path, vec![1; 100_000]).expect("writing a file");
        let file = File::open(&path).expect("opening a file");
        let bytes = testing::map_unknown(&file);
        writable(&path).set_len(0).expect("truncating");
        let sum: u64 = black_box(&bytes).iter().map(|&byte| u64::from(byte)).sum();
        write_result(dir, sum);
    }

    #[test]
    fn other_signals_go_to_the_action_before() {
        if let Some((case, dir)) = told() {
            let (before, what) = case.split_once(' ').expect("two words");
            match before {
                "std" => {}
                "default" => testing::set_action(Before::Default),
                "ignore" => testing::set_action(Before::Ignore),
                "plain" => testing::set_action(Before::Plain),
                _ => testing::set_action(Before::WithInfo),
            }
            crate::install_sigbus_handler().expect("installing the handler");
            // A data set is mapped, but the signal has nothing to do with it.
            let _data = open(&dir);
            match what {
                "read" => read_elsewhere(&dir),
                _ => testing::raise(),
            }
            write_result(&dir, 0);
            return;
        }
        let check = |case: &str, code: Option<i32>, signal: Option<i32>| {
            let dir = small_folder();
            let name = "tests::truncated::child::other_signals_go_to_the_action_before";
            let output = spawn(name, case, dir.path());
            let status = (output.status.code(), output.status.signal());
            assert_eq!(status, (code, signal), "{case}: {output:?}");
            assert_eq!(dir.path().join(RESULT).exists(), code == Some(0), "{case}");
        };
        let bus = Some(libc::SIGBUS);
        check("std read", None, bus);
        check("default read", None, bus);
        check("default raise", None, bus);
        check("ignore read", None, bus);
        check("ignore raise", Some(0), None);
        check("plain read", Some(HANDLED), None);
        check("plain raise", Some(HANDLED), None);
        check("info read", Some(HANDLED), None);
        check("info raise", Some(HANDLED), None);
    }
}
