//! Connections that are cut, servers without ranges, files that change.

use std::sync::atomic::AtomicU64;
use std::time::Instant;

use super::*;

const CUT: usize = 30_000;

#[test]
fn a_good_server_is_asked_once() {
    let case = Case::new();
    let requests = case.check_good_run();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].path, "/set.tar.gz");
    assert_eq!(requests[0].range, None);
}

#[test]
fn a_cut_connection_is_continued_in_the_same_run() {
    let case = Case::new();
    let archive = case.archive.clone();
    let server = Server::start(move |number, request| {
        let reply = Reply::ranged(request, &archive, "\"a\"");
        if number < 2 { reply.cut(CUT) } else { reply }
    });
    let options = FetchOptions {
        attempts: 2,
        ..case.options(&[server.base()])
    };
    let fetched = fetch_expected(&case.expected, &options, &()).expect("a good end");
    case.check_files(&fetched);
    let requests = server.requests();
    let ranges: Vec<_> = requests.iter().map(|r| r.range.as_deref()).collect();
    assert_eq!(ranges, [None, Some("bytes=30000-"), Some("bytes=60000-")]);
    assert_eq!(requests[2].if_range.as_deref(), Some("\"a\""));
    assert!(
        fetched.notes[0].contains("asked again"),
        "{:?}",
        fetched.notes
    );
}

#[test]
fn a_cut_connection_is_continued_by_the_next_run_and_another_mirror() {
    let case = Case::new();
    let archive = case.archive.clone();
    let server =
        Server::start(move |_, request| Reply::ranged(request, &archive, "\"a\"").cut(CUT));
    let message = case.failure(&server);
    let part = case.part();
    let kept = format!(
        "the 30000 bytes that arrived are kept in {}",
        part.display()
    );
    assert!(message.contains(&kept), "{message}");
    assert!(
        message.contains("(--archive FILE)") && message.contains("--mirror URL"),
        "{message}"
    );
    let requests = case.check_good_run();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].range.as_deref(), Some("bytes=30000-"));
    assert_eq!(requests[0].if_range, None, "the tag is another server's");
}

#[test]
fn the_next_run_asks_the_same_mirror_for_the_same_file() {
    let case = Case::new();
    let archive = case.archive.clone();
    let server = Server::start(move |number, request| {
        let reply = Reply::ranged(request, &archive, "\"a\"");
        if number == 0 { reply.cut(CUT) } else { reply }
    });
    case.failure(&server);
    case.check_files(&case.fetch(&server).expect("a good end"));
    let requests = server.requests();
    assert_eq!(requests[1].range.as_deref(), Some("bytes=30000-"));
    assert_eq!(requests[1].if_range.as_deref(), Some("\"a\""));
}

#[test]
fn without_a_strong_tag_the_date_is_sent() {
    let case = Case::new();
    let archive = case.archive.clone();
    let date = "Wed, 21 Oct 2015 07:28:00 GMT";
    let server = Server::start(move |number, _| {
        let reply = match number {
            0 => Reply::whole(&archive).cut(CUT),
            _ => Reply::part(&archive, CUT),
        };
        reply
            .header("ETag", "W/\"weak\"")
            .header("Last-Modified", date)
    });
    case.failure(&server);
    case.check_files(&case.fetch(&server).expect("a good end"));
    assert_eq!(server.requests()[1].if_range.as_deref(), Some(date));
}

#[test]
fn a_server_without_ranges_starts_again() {
    let case = Case::new();
    let archive = case.archive.clone();
    let server = Server::start(move |number, _| {
        let reply = Reply::whole(&archive);
        if number == 0 { reply.cut(CUT) } else { reply }
    });
    case.failure(&server);
    case.check_files(&case.fetch(&server).expect("a good end"));
}

#[test]
fn a_file_that_changed_is_sent_whole() {
    let case = Case::new();
    let (old, new) = (archive(7), case.archive.clone());
    let server = Server::start(move |number, request| match number {
        0 => Reply::ranged(request, &old, "\"old\"").cut(CUT),
        _ => Reply::ranged(request, &new, "\"new\""),
    });
    // Both have to have the same size, else the old one is refused at once.
    assert_eq!(archive(7).len(), case.archive.len());
    case.failure(&server);
    case.check_files(&case.fetch(&server).expect("a good end"));
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].if_range.as_deref(), Some("\"old\""));
}

#[test]
fn a_server_that_continues_with_another_file_is_noticed() {
    // By the tag, and without one by the checksum.
    for tags in [Some(("\"old\"", "\"new\"")), None] {
        let case = Case::new();
        let (old, new) = (archive(7), case.archive.clone());
        let server = Server::start(move |number, request| {
            let reply = match (number, request.range.is_some()) {
                (0, _) => Reply::whole(&old).cut(CUT),
                (_, true) => Reply::part(&new, CUT),
                (_, false) => Reply::whole(&new),
            };
            match tags {
                Some((first, then)) => reply.header("ETag", if number == 0 { first } else { then }),
                None => reply,
            }
        });
        let options = FetchOptions {
            attempts: 3,
            ..case.options(&[server.base()])
        };
        let fetched = fetch_expected(&case.expected, &options, &()).expect("a good end");
        case.check_files(&fetched);
        assert_eq!(server.requests().len(), 3);
    }
}

#[test]
fn a_range_that_was_not_asked_for_is_not_appended() {
    let case = Case::new();
    let archive = case.archive.clone();
    let server = Server::start(move |number, _| match number {
        0 => Reply::whole(&archive).cut(CUT),
        1 => Reply::part(&archive, 10),
        _ => Reply::status(416),
    });
    case.failure(&server);
    let message = case.failure(&server);
    assert!(
        message.contains("does not continue the partial file"),
        "{message}"
    );
    case.check_good_run();
}

#[test]
fn an_odd_partial_file_is_no_obstacle() {
    let case = Case::new();
    let origin = case.parent().join("set.tar.gz.part.from");
    let too_long = vec![1; case.archive.len() + 1];
    let damaged = vec![1; case.archive.len()];
    for (part, text) in [
        (&too_long[..], &b"url x\ntotal 5\n"[..]),
        (&damaged, b"\xff\xfe"),
        (&damaged[..100], b"validator \x01\n"),
        (&[], b"url\nvalidator\ntotal -1\n"),
    ] {
        fs::create_dir_all(case.parent()).expect("a folder");
        fs::write(case.part(), part).expect("writing");
        fs::write(&origin, text).expect("writing");
        case.check_good_run();
        fs::remove_dir_all(case.out()).expect("removing");
    }
}

#[test]
fn a_whole_partial_file_needs_no_server() {
    let case = Case::new();
    fs::create_dir_all(case.parent()).expect("a folder");
    fs::write(case.part(), &case.archive).expect("writing");
    assert_eq!(case.check_good_run().len(), 0);
}

#[test]
fn a_server_that_falls_silent_is_left_in_time() {
    let case = Case::new();
    let archive = case.archive.clone();
    let server = Server::start(move |_, request| Reply {
        stall: true,
        ..Reply::ranged(request, &archive, "\"a\"").cut(CUT)
    });
    let options = FetchOptions {
        idle_timeout: Duration::from_millis(300),
        ..case.options(&[server.base()])
    };
    let start = Instant::now();
    let error = fetch_expected(&case.expected, &options, &()).expect_err("nothing comes");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    assert!(
        error.to_string().contains("nothing came for 300ms"),
        "{error}"
    );
    drop(server);
    assert_eq!(
        case.check_good_run()[0].range.as_deref(),
        Some("bytes=30000-")
    );
}

#[test]
fn cancelling_ends_a_wait_and_keeps_what_is_there() {
    let case = Case::new();
    let archive = case.archive.clone();
    let server = Server::start(move |_, request| Reply {
        stall: true,
        ..Reply::ranged(request, &archive, "\"a\"").cut(CUT)
    });
    let options = FetchOptions {
        idle_timeout: Duration::from_secs(50),
        ..case.options(&[server.base()])
    };
    let start = Instant::now();
    let progress = CancelAt(CUT as u64, AtomicU64::new(0));
    let error = fetch_expected(&case.expected, &options, &progress).expect_err("cancelled");
    assert!(matches!(error, FetchError::Cancelled), "{error}");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    drop(server);
    assert_eq!(
        case.check_good_run()[0].range.as_deref(),
        Some("bytes=30000-")
    );
}
