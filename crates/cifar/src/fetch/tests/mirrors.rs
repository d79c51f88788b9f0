//! Mirrors that do not have it, send something else, or lead nowhere.

use super::*;

/// Fails at this server alone, saying so; succeeds with a good second mirror; and succeeds afterwards.
fn check(case: &Case, part: &str, reply: impl Fn(usize, &Request) -> Reply + Send + 'static) {
    let server = Server::start(reply);
    let message = case.failure(&server);
    assert!(message.contains(part), "expected {part:?} in: {message}");
    assert!(message.contains(&server.base()), "{message}");

    let good = case.good_server();
    let mirrors = [server.base(), good.base()];
    let fetched = fetch_expected(&case.expected, &case.options(&mirrors), &());
    let fetched = fetched.expect("the second mirror is good");
    case.check_files(&fetched);
    let named = fetched.notes.iter().any(|note| note.contains(part));
    assert!(named, "expected {part:?} in: {:?}", fetched.notes);

    fs::remove_dir_all(case.out()).expect("removing");
    case.failure(&server);
    case.check_good_run();
}

#[test]
fn a_wrong_checksum() {
    let case = Case::new();
    let other = archive(7);
    check(&case, "wrong checksum, found MD5", move |_, _| {
        Reply::whole(&other)
    });
    assert!(!case.part().exists());
}

#[test]
fn a_file_that_is_not_there() {
    check(&Case::new(), "status 404", |_, _| Reply::status(404));
    check(&Case::new(), "status 503, it is busy", |_, _| {
        Reply::status(503)
    });
}

#[test]
fn a_redirect_loop() {
    check(&Case::new(), "redirects in a loop", |_, _| {
        Reply::status(302).header("Location", "/set.tar.gz")
    });
}

#[test]
fn a_redirect_to_no_server() {
    check(&Case::new(), "http://127.0.0.1:", |_, _| {
        Reply::status(302).header("Location", "file:///etc/passwd")
    });
}

#[test]
fn another_size() {
    let case = Case::new();
    check(&case, "offers a file of 6 bytes, expected", |_, _| {
        Reply::whole(b"<html>")
    });
}

#[test]
fn another_size_without_a_length() {
    let case = Case::new();
    let mut long = case.archive.clone();
    long.extend([0; 100_000]);
    check(&case, "sends more than", move |_, _| Reply {
        unsized_body: true,
        ..Reply::whole(&long)
    });
    check(&Case::new(), "not a gzip archive", |_, _| Reply {
        unsized_body: true,
        ..Reply::whole(b"<html>")
    });
}

#[test]
fn no_server() {
    let case = Case::new();
    let options = case.options(&[]);
    let error = fetch_expected(&case.expected, &options, &()).expect_err("nobody there");
    let message = error.to_string();
    assert!(
        message.contains("http://127.0.0.1:9/set.tar.gz: "),
        "{message}"
    );
    case.check_parent(&[]);
    case.check_good_run();
}

#[test]
fn a_login_page_costs_nothing_that_has_arrived() {
    let case = Case::new();
    let archive = case.archive.clone();
    let server = Server::start(move |number, request| match number {
        0 => Reply::ranged(request, &archive, "\"a\"").cut(30_000),
        1 => Reply::whole(b"<html>"),
        _ => Reply {
            unsized_body: true,
            ..Reply::whole(b"<html>")
        },
    });
    for _ in 0..3 {
        case.failure(&server);
        assert_eq!(
            fs::metadata(case.part()).expect("the partial file").len(),
            30_000
        );
    }
    assert_eq!(
        case.check_good_run()[0].range.as_deref(),
        Some("bytes=30000-")
    );
}

#[test]
fn a_redirect_keeps_the_range() {
    let case = Case::new();
    let archive = case.archive.clone();
    let server = Server::start(move |number, request| {
        if request.path == "/set.tar.gz" {
            return Reply::status(302).header("Location", "/elsewhere");
        }
        let reply = Reply::ranged(request, &archive, "\"a\"");
        if number < 2 { reply.cut(30_000) } else { reply }
    });
    case.failure(&server);
    case.check_files(&case.fetch(&server).expect("a good end"));
    let last = server.requests().pop().expect("a request");
    assert_eq!(last.path, "/elsewhere");
    assert_eq!(last.range.as_deref(), Some("bytes=30000-"));
    assert_eq!(last.if_range.as_deref(), Some("\"a\""));
}
