//! A disk that takes no more: a limit on the size of files stands in for it, in a process of its own.

use std::process::Command;

use super::*;

const DIR: &str = "NEARPLANE_TEST_DIR";
const MIRROR: &str = "NEARPLANE_TEST_MIRROR";
const MARK: &str = "message: ";

/// Not a test by itself: the fetch that the tests below start under a limit.
#[test]
#[ignore = "started by the other tests of this file"]
fn limited() {
    let (Some(dir), Ok(mirror)) = (std::env::var_os(DIR), std::env::var(MIRROR)) else {
        return;
    };
    let archive = archive(1);
    let dir = PathBuf::from(dir);
    let mine = dir.join("mine.tar.gz");
    let options = FetchOptions {
        mirrors: vec![mirror],
        archive: mine.exists().then_some(mine),
        out: dir.join("data/out"),
        attempts: 1,
        ..FetchOptions::default()
    };
    let error = fetch_expected(&expected(&archive), &options, &()).expect_err("a limit");
    println!("{MARK}{error}");
}

/// What the limited fetch says.
fn limited_fetch(case: &Case, server: &Server) -> String {
    let name = format!(
        "{}::limited",
        module_path!().split_once("::").expect("a path").1
    );
    // 40 blocks, of 512 bytes or 1024: less than the archive, and than its largest member.
    let script = "trap '' XFSZ; ulimit -f 40; exec \"$0\" --exact \"$1\" --ignored --nocapture";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().expect("this program"))
        .arg(name)
        .env(DIR, case.dir.path())
        .env(MIRROR, server.base())
        .output()
        .expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let message = text.split_once(MARK).map(|(_, rest)| rest);
    let message = message.unwrap_or_else(|| panic!("no message in: {text}"));
    assert!(!case.out().exists(), "{message}");
    message.to_owned()
}

#[test]
fn a_full_disk_ends_a_download_which_continues_when_there_is_room() {
    let case = Case::new();
    let server = case.good_server();
    let message = limited_fetch(&case, &server);
    assert!(
        message.contains("set.tar.gz.part: cannot write the partial file"),
        "{message}"
    );
    assert_eq!(
        server.requests().len(),
        1,
        "another mirror has no more room"
    );
    case.check_parent(&["set.tar.gz.part", "set.tar.gz.part.from"]);
    let kept = fs::metadata(case.part()).expect("the partial file").len();
    let requests = case.check_good_run();
    assert_eq!(requests[0].range, Some(format!("bytes={kept}-")));
}

#[test]
fn a_full_disk_ends_unpacking_which_leaves_nothing() {
    let case = Case::new();
    let path = case.dir.path().join("mine.tar.gz");
    fs::write(&path, &case.archive).expect("writing");
    let message = limited_fetch(&case, &case.good_server());
    assert!(
        message.contains("data_batch_1.bin: cannot write the file"),
        "{message}"
    );
    case.check_parent(&[]);
    case.check_good_run();
}
