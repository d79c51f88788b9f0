//! A server on the loopback address that does what a test tells it, and ends with it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// No test takes longer.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a client asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) range: Option<String>,
    pub(super) if_range: Option<String>,
}

impl Request {
    /// First byte asked for.
    fn start(&self) -> Option<usize> {
        let range = self.range.as_deref()?.strip_prefix("bytes=")?;
        range.strip_suffix('-')?.parse().ok()
    }
}

/// What it gets.
#[derive(Debug, Clone, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// Close, or wait, after so many bytes of the body.
    pub(super) cut: Option<usize>,
    /// Keep the connection open without a word.
    pub(super) stall: bool,
    /// Leave the length out.
    pub(super) unsized_body: bool,
}

impl Reply {
    pub(super) fn status(status: u16) -> Reply {
        Reply {
            status,
            ..Reply::default()
        }
    }

    /// The whole file, whatever was asked.
    pub(super) fn whole(file: &[u8]) -> Reply {
        Reply {
            status: 200,
            body: file.to_vec(),
            ..Reply::default()
        }
    }

    /// As a good server does it: the part asked for if the file is the same, else the whole.
    pub(super) fn ranged(request: &Request, file: &[u8], tag: &str) -> Reply {
        let same = request.if_range.as_deref().is_none_or(|asked| asked == tag);
        let reply = match request.start() {
            Some(start) if same && start >= file.len() => Reply::status(416),
            Some(start) if same => Reply::part(file, start),
            _ => Reply::whole(file),
        };
        reply.header("ETag", tag)
    }

    pub(super) fn part(file: &[u8], start: usize) -> Reply {
        let range = format!("bytes {start}-{}/{}", file.len() - 1, file.len());
        Reply {
            status: 206,
            ..Reply::whole(&file[start..])
        }
        .header("Content-Range", range)
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn cut(self, bytes: usize) -> Reply {
        Reply {
            cut: Some(bytes),
            ..self
        }
    }
}

/// Serves until dropped.
pub(super) struct Server {
    base: String,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// `reply` gets the number of the request, from 0, and the request.
    pub(super) fn start(reply: impl Fn(usize, &Request) -> Reply + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let base = format!("http://{}/", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (log, ended) = (Arc::clone(&requests), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let start = Instant::now();
            while !ended.load(Ordering::Relaxed) && start.elapsed() < DEADLINE {
                match listener.accept() {
                    Ok((stream, _)) => {
                        // A client that goes away in the middle is part of the game.
                        let _ = serve(stream, &log, &reply, &ended);
                    }
                    Err(_) => thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        Server {
            base,
            requests,
            stop,
            thread: Some(thread),
        }
    }

    /// Address of the folder, with a slash at the end.
    pub(super) fn base(&self) -> String {
        self.base.clone()
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("the log").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    reply: &impl Fn(usize, &Request) -> Reply,
    ended: &AtomicBool,
) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 8192 {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let field = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        let (_, value) = fields.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(value.to_owned())
    };
    let request = Request {
        path: head.split(' ').nth(1).unwrap_or_default().to_owned(),
        range: field("range"),
        if_range: field("if-range"),
    };
    let number = {
        let mut log = log.lock().expect("the log");
        log.push(request.clone());
        log.len() - 1
    };
    let reply = reply(number, &request);
    let mut text = format!("HTTP/1.1 {} Reply\r\nConnection: close\r\n", reply.status);
    if !reply.unsized_body {
        text += &format!("Content-Length: {}\r\n", reply.body.len());
    }
    for (name, value) in &reply.headers {
        text += &format!("{name}: {value}\r\n");
    }
    stream.write_all((text + "\r\n").as_bytes())?;
    stream.write_all(&reply.body[..reply.cut.unwrap_or(reply.body.len())])?;
    stream.flush()?;
    let start = Instant::now();
    while reply.stall && !ended.load(Ordering::Relaxed) && start.elapsed() < DEADLINE {
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
