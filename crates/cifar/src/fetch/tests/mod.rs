//! Fetches of a small archive from a server on the loopback address: whatever goes wrong, the folder is
//! as it was, and a good run afterwards ends with the right files.

#[cfg(target_os = "linux")]
mod full;
mod hostile;
mod local;
mod mirrors;
mod resume;
mod server;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use tar::{Builder, Header};
use tempfile::TempDir;

use self::server::{Reply, Request, Server};
use super::expected::{Expected, Member, Size};
use super::{FetchError, FetchOptions, FetchProgress, Fetched, fetch_expected};

const TRAIN: usize = 20 * 3073;
const TEST: usize = 4 * 3073;
const NAMES: &[u8] = b"cat\ndog\n";

const MEMBERS: &[Member] = &[
    Member {
        name: "data_batch_1.bin",
        size: Size::Exactly(TRAIN as u64),
    },
    Member {
        name: "test_batch.bin",
        size: Size::Exactly(TEST as u64),
    },
    Member {
        name: "batches.meta.txt",
        size: Size::AtMost(100),
    },
];

/// Records that do not compress, with labels 0 and 1.
fn records(bytes: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let byte = |at| if at % 3073 == 0 { next() & 1 } else { next() };
    (0..bytes).map(byte).collect()
}

/// A tar file of these entries.
fn tarball(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, data) in entries {
        let mut header = Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, *data)
            .expect("an entry");
    }
    builder.into_inner().expect("an archive")
}

/// Stored, so that archives of equally long files are equally long.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    compress(bytes, Compression::none())
}

fn compress(bytes: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    std::io::Write::write_all(&mut encoder, bytes).expect("compressing");
    encoder.finish().expect("compressing")
}

/// The good archive of a seed.
fn archive(seed: u32) -> Vec<u8> {
    gzip(&tarball(&[
        ("set/batches.meta.txt", NAMES),
        ("set/data_batch_1.bin", &records(TRAIN, seed)),
        ("set/test_batch.bin", &records(TEST, seed + 1)),
        ("set/readme.html", b"<html>"),
    ]))
}

fn expected(archive: &[u8]) -> Expected {
    let md5 = Md5::digest(archive);
    let md5: String = md5.iter().map(|byte| format!("{byte:02x}")).collect();
    Expected {
        file: "set.tar.gz",
        // Nobody listens there: no test reaches beyond this machine.
        base: "http://127.0.0.1:9/",
        bytes: Some(archive.len() as u64),
        max_bytes: 1 << 20,
        md5: md5.leak(),
        folder: "set",
        members: MEMBERS,
    }
}

/// A place to fetch to, and what is to be fetched.
struct Case {
    dir: TempDir,
    archive: Vec<u8>,
    expected: Expected,
}

impl Case {
    fn new() -> Case {
        let archive = archive(1);
        Case {
            dir: tempfile::tempdir().expect("a temporary folder"),
            expected: expected(&archive),
            archive,
        }
    }

    fn parent(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn out(&self) -> PathBuf {
        self.parent().join("out")
    }

    fn part(&self) -> PathBuf {
        self.parent().join("set.tar.gz.part")
    }

    /// Asks each mirror once, quickly.
    fn options(&self, mirrors: &[String]) -> FetchOptions {
        FetchOptions {
            mirrors: mirrors.to_vec(),
            out: self.out(),
            attempts: 1,
            pause: Duration::ZERO,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(5),
            ..FetchOptions::default()
        }
    }

    fn fetch(&self, server: &Server) -> Result<Fetched, FetchError> {
        fetch_expected(&self.expected, &self.options(&[server.base()]), &())
    }

    /// The message of a fetch that has to fail and to leave no folder.
    fn failure(&self, server: &Server) -> String {
        let error = self.fetch(server).expect_err("it must not succeed");
        assert!(!self.out().exists(), "{error}");
        self.check_parent(&["set.tar.gz.part", "set.tar.gz.part.from"]);
        error.to_string()
    }

    /// Nothing but these may lie beside the destination.
    fn check_parent(&self, allowed: &[&str]) {
        let Ok(entries) = fs::read_dir(self.parent()) else {
            return;
        };
        for entry in entries {
            let name = entry.expect("an entry").file_name();
            let name = name.to_str().expect("a name");
            assert!(name == "out" || allowed.contains(&name), "{name} is left");
        }
    }

    /// A server that does everything right.
    fn good_server(&self) -> Server {
        let archive = self.archive.clone();
        Server::start(move |_, request| Reply::ranged(request, &archive, "\"good\""))
    }

    /// The run after a failure.
    fn check_good_run(&self) -> Vec<Request> {
        let server = self.good_server();
        let fetched = self.fetch(&server).expect("a good run");
        self.check_files(&fetched);
        server.requests()
    }

    fn check_files(&self, fetched: &Fetched) {
        let out = self.out();
        assert_eq!(fetched.path, out);
        let names = MEMBERS.iter().map(|member| out.join(member.name));
        assert_eq!(fetched.files, names.collect::<Vec<_>>());
        let read = |name| fs::read(out.join(name)).expect("a file");
        assert!(read("data_batch_1.bin") == records(TRAIN, 1));
        assert!(read("test_batch.bin") == records(TEST, 2));
        assert_eq!(read("batches.meta.txt"), NAMES);
        assert_eq!(fs::read_dir(&out).expect("the folder").count(), 3);
        self.check_parent(&[]);
    }
}

/// Cancels once so many bytes are there.
struct CancelAt(u64, std::sync::atomic::AtomicU64);

impl FetchProgress for CancelAt {
    fn downloaded(&self, done: u64, _: Option<u64>) {
        self.1.store(done, std::sync::atomic::Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.1.load(std::sync::atomic::Ordering::Relaxed) >= self.0
    }
}
