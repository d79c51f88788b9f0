//! `nearplane data fetch` against servers on the loopback address. The original archives cannot be served
//! here and nothing else passes the checksum, so this is how a fetch fails, what it keeps, and that the next
//! run goes on there; fetches that end well are tests of `nearplane-cifar`.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use common::Room;

const ARCHIVE: usize = 300_000;
const ARRIVED: usize = 100_000;

/// What a server does with the connection, given the number of the request and its head.
type Answer = fn(usize, &str, &mut TcpStream) -> std::io::Result<()>;

struct Server {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(answer: Answer) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (log, ended) = (Arc::clone(&heads), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                match listener.accept() {
                    // A client that goes away is part of the game.
                    Ok((stream, _)) => drop(serve(stream, &log, answer)),
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Server {
            url,
            heads,
            stop,
            thread: Some(thread),
        }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<String>>, answer: Answer) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let number = {
        let mut heads = log.lock().unwrap();
        heads.push(head.clone());
        heads.len() - 1
    };
    answer(number, &head, &mut stream)
}

/// Looks like a gzip archive, and is none.
fn archive() -> Vec<u8> {
    let mut bytes = vec![7; ARCHIVE];
    bytes[..2].copy_from_slice(&[0x1f, 0x8b]);
    bytes
}

fn send(stream: &mut TcpStream, status: u16, headers: &str, body: &[u8]) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {status} Reply\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

/// All of it, or what is asked for.
fn whole_or_part(_: usize, head: &str, stream: &mut TcpStream) -> std::io::Result<()> {
    let bytes = archive();
    let range = head
        .lines()
        .find_map(|line| line.strip_prefix("range: bytes="));
    match range {
        Some(range) => {
            let start: usize = range.trim().trim_end_matches('-').parse().unwrap();
            let headers = format!(
                "Content-Length: {}\r\nContent-Range: bytes {start}-{}/{ARCHIVE}\r\n",
                ARCHIVE - start,
                ARCHIVE - 1
            );
            send(stream, 206, &headers, &bytes[start..])
        }
        None => send(
            stream,
            200,
            &format!("Content-Length: {ARCHIVE}\r\n"),
            &bytes,
        ),
    }
}

/// Part of it, then nothing any more.
fn cut(number: usize, _: &str, stream: &mut TcpStream) -> std::io::Result<()> {
    if number > 0 {
        return send(stream, 404, "Content-Length: 0\r\n", b"");
    }
    let headers = format!("Content-Length: {ARCHIVE}\r\n");
    send(stream, 200, &headers, &archive()[..ARRIVED])
}

/// Runs to exit code 1 without a result and returns stderr.
fn failure(room: &Room, arguments: &str) -> String {
    let output = room.nearplane(arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(output.stdout.is_empty());
    assert!(!room.path("out").exists());
    stderr
}

#[test]
fn a_wrong_checksum_leaves_nothing() {
    let room = Room::new();
    let server = Server::start(whole_or_part);
    room.fails(
        1,
        &format!(
            "data fetch cifar-100 --out out --quiet --mirror {}",
            server.url
        ),
        &[
            "cifar-100-binary.tar.gz",
            "wrong checksum",
            "--mirror URL",
            "--archive FILE",
        ],
    );
    // CIFAR-10 has a published size, so that nothing has to be downloaded to see it.
    room.fails(
        1,
        &format!(
            "data fetch cifar-10 --out out --quiet --mirror {}",
            server.url
        ),
        &["offers a file of 300000 bytes, expected 170052171"],
    );
}

#[test]
fn a_cut_download_is_kept_and_continued_from_another_mirror() {
    let room = Room::new();
    let server = Server::start(cut);
    let stderr = failure(
        &room,
        &format!(
            "data fetch cifar-100 --out out --json --mirror {}",
            server.url
        ),
    );
    let last = stderr.lines().last().unwrap();
    assert!(
        last.starts_with("error: ") && last.contains("the 100000 bytes that arrived are kept in"),
        "{stderr}"
    );
    let part = room.path("cifar-100-binary.tar.gz.part");
    assert_eq!(std::fs::metadata(&part).unwrap().len(), ARRIVED as u64);

    let other = Server::start(whole_or_part);
    let stderr = failure(
        &room,
        &format!("data fetch cifar-100 --out out --mirror {}", other.url),
    );
    assert!(
        stderr.contains("for what follows the 100000 bytes that are there"),
        "{stderr}"
    );
    let heads = other.heads();
    assert!(
        heads[0].contains("range: bytes=100000-\r\n"),
        "{}",
        heads[0]
    );
    // All of it came, it is not the original, so it was asked for in one piece, and was not then either.
    assert!(!heads[1].contains("range:"), "{}", heads[1]);
    assert!(stderr.contains("wrong checksum"), "{stderr}");
    assert!(!part.exists(), "a wrong download was kept");
}

#[test]
fn nobody_there() {
    let room = Room::new();
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let arguments = format!("data fetch cifar-10 --out out --json --mirror http://{address}/");
    let stderr = failure(&room, &arguments);
    let last = stderr.lines().last().unwrap();
    for part in [
        "error: cannot download cifar-10-binary.tar.gz",
        "try again later",
        "--mirror URL",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz by hand",
        "--archive FILE",
    ] {
        assert!(last.contains(part), "no {part:?} in {last}");
    }
}

#[test]
fn an_archive_that_is_not_the_original() {
    let room = Room::with_data();
    room.write("mine.tar.gz", archive());
    for (name, expected) in [
        (
            "cifar-10",
            ["found size in bytes 300000", "expected 170052171"],
        ),
        (
            "cifar-100",
            ["found MD5", "expected 03b5dce01913d631647c71ecec9e9cb8"],
        ),
    ] {
        let arguments = format!("data fetch {name} --out out --archive mine.tar.gz");
        room.fails(1, &arguments, &expected);
    }
    room.fails(
        1,
        "data fetch cifar-10 --out out --archive nowhere.tar.gz",
        &["nowhere.tar.gz"],
    );
    // What is there already is looked at first.
    room.fails(
        1,
        "data fetch cifar-10 --out data --archive mine.tar.gz",
        &["data exists", "--force"],
    );
    room.fails(
        1,
        "data fetch cifar-10 --out data --archive mine.tar.gz --force",
        &["found size in bytes 300000"],
    );
}

#[test]
fn it_goes_where_nearplane_looks() {
    let room = Room::new();
    for (name, folder) in [
        ("cifar-10", "datasets/cifar-10-batches-bin"),
        ("cifar-100", "datasets/cifar-100-binary"),
    ] {
        std::fs::create_dir_all(room.path(folder)).unwrap();
        room.write(&format!("{folder}/mine.txt"), "mine");
        room.fails(
            1,
            &format!("data fetch {name}"),
            &[&format!("{folder} exists"), "--force"],
        );
    }
}

#[test]
fn wrong_usage() {
    let room = Room::new();
    let check = |arguments: &str, expected: &[&str]| {
        room.fails(2, &format!("data fetch {arguments}"), expected);
    };
    check("mnist", &["mnist", "cifar-10, cifar-100"]);
    check(
        "cifar-10 --mirror ftp://a.example/",
        &["ftp://a.example/", "http://"],
    );
    check(
        "cifar-10 --mirror http://a.example/ --archive a",
        &["--mirror", "--archive"],
    );
    check("cifar-10 --limit 5", &["--limit", "data fetch"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_arrived() {
    fn stall(_: usize, _: &str, stream: &mut TcpStream) -> std::io::Result<()> {
        let headers = format!("Content-Length: {ARCHIVE}\r\n");
        send(stream, 200, &headers, &archive()[..ARRIVED])?;
        // Until the client goes away.
        stream.read(&mut [0]).map(drop)
    }
    let room = Room::new();
    let server = Server::start(stall);
    let child = room
        .std_nearplane(&format!(
            "data fetch cifar-100 --out out --json --mirror {}",
            server.url
        ))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let part = room.path("cifar-100-binary.tar.gz.part");
    while !std::fs::metadata(&part).is_ok_and(|found| found.len() == ARRIVED as u64) {
        thread::sleep(Duration::from_millis(10));
    }
    let pid = child.id().to_string();
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(output.stdout.is_empty());
    let last = stderr.lines().last().unwrap();
    assert!(
        last.starts_with("error: interrupted; what was downloaded is kept"),
        "{last}"
    );
    assert_eq!(std::fs::metadata(&part).unwrap().len(), ARRIVED as u64);
}
