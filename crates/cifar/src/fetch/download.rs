//! Mirror after mirror, request after request, until the partial file is the archive.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::header;

use super::error::{FetchError, MirrorFailure};
use super::expected::Expected;
use super::http;
use super::partial::Partial;
use super::{FetchOptions, FetchProgress};

const CHUNK: usize = 1 << 16;
/// How often cancellation is looked at while nothing else happens.
const TICK: Duration = Duration::from_millis(50);
/// Requests to one mirror at most, each of which brought something new.
const MAX_REQUESTS: u32 = 200;

/// Why a request did not end with the last byte.
enum Fault {
    /// Worth another request to the same mirror.
    Passing(String),
    /// This mirror will not do better.
    Lasting(String),
    /// No mirror can help: the disk, the user.
    Fatal(FetchError),
}

impl From<FetchError> for Fault {
    fn from(error: FetchError) -> Fault {
        Fault::Fatal(error)
    }
}

pub(super) struct Download<'a> {
    expected: &'a Expected,
    options: &'a FetchOptions,
    progress: &'a dyn FetchProgress,
    partial: &'a mut Partial,
    pub(super) notes: Vec<String>,
}

impl<'a> Download<'a> {
    pub(super) fn new(
        expected: &'a Expected,
        options: &'a FetchOptions,
        progress: &'a dyn FetchProgress,
        partial: &'a mut Partial,
    ) -> Self {
        Download {
            expected,
            options,
            progress,
            partial,
            notes: Vec::new(),
        }
    }

    /// Asks one address after the other. Then the partial file has the expected checksum.
    pub(super) fn run(&mut self, urls: &[String]) -> Result<(), FetchError> {
        // A request that waits knows nothing of the caller's progress: a flag goes between them.
        let cancelled = Arc::new(AtomicBool::new(false));
        let done = AtomicBool::new(false);
        let progress = self.progress;
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if progress.cancelled() {
                        cancelled.store(true, Ordering::Relaxed);
                    }
                    thread::sleep(TICK);
                }
            });
            let _stop = StopOnDrop(&done);
            self.ask_all(urls, &cancelled)
        })
    }

    fn ask_all(&mut self, urls: &[String], cancelled: &Arc<AtomicBool>) -> Result<(), FetchError> {
        if self.partial.is_complete(self.expected) {
            if self.partial.md5() == self.expected.md5 {
                return Ok(());
            }
            let note = format!(
                "{}: wrong checksum, so it was deleted",
                self.partial.path.display()
            );
            self.note(note);
            self.partial.reset()?;
        }
        let mut failures = Vec::new();
        for url in urls {
            let agent = http::agent(url, self.options, cancelled);
            match self.ask_mirror(url, &agent) {
                Ok(()) => return Ok(()),
                Err(Fault::Fatal(error)) => return Err(error),
                Err(Fault::Passing(reason) | Fault::Lasting(reason)) => {
                    self.note(format!("{url}: {reason}"));
                    let url = url.clone();
                    failures.push(MirrorFailure { url, reason });
                }
            }
        }
        let kept = (self.partial.path.clone(), self.partial.len);
        Err(FetchError::Mirrors {
            file: self.expected.file.to_owned(),
            failures,
            partial: Some(kept).filter(|&(_, len)| len > 0),
            official: self.expected.official_url(),
        })
    }

    /// Asks one mirror until all is there, or nothing new comes any more.
    fn ask_mirror(&mut self, url: &str, agent: &Agent) -> Result<(), Fault> {
        let mut most = self.partial.len;
        let mut fruitless = 0;
        let mut again = true;
        for _ in 0..MAX_REQUESTS {
            let error = match self.request(url, agent) {
                Ok(continued) => {
                    let found = self.partial.md5();
                    if found == self.expected.md5 {
                        return Ok(());
                    }
                    self.partial.reset()?;
                    let reason = format!(
                        "wrong checksum, found MD5 {found}, expected {}, so the download was deleted",
                        self.expected.md5
                    );
                    if !(continued && again) {
                        return Err(Fault::Lasting(reason));
                    }
                    // Perhaps only the older part of it is wrong.
                    again = false;
                    most = 0;
                    self.note(format!("{url}: {reason}; it is tried again in one piece"));
                    continue;
                }
                // Whatever failed, it may have failed because of this.
                Err(_) if self.progress.cancelled() => return Err(FetchError::Cancelled.into()),
                Err(Fault::Passing(reason)) => reason,
                Err(fault) => return Err(fault),
            };
            if self.partial.len > most {
                most = self.partial.len;
                fruitless = 0;
            } else {
                fruitless += 1;
            }
            if fruitless >= self.options.attempts.max(1) || self.options.attempts <= 1 {
                return Err(Fault::Passing(error));
            }
            self.note(format!("{url}: {error}; asked again"));
            self.pause()?;
        }
        let reason = format!("not complete after {MAX_REQUESTS} requests");
        Err(Fault::Lasting(reason))
    }

    /// One request. `Ok` once the last byte is there: whether they are the bytes of more than one answer.
    fn request(&mut self, url: &str, agent: &Agent) -> Result<bool, Fault> {
        if self.progress.cancelled() {
            return Err(FetchError::Cancelled.into());
        }
        if self.partial.is_complete(self.expected) {
            return Ok(true);
        }
        let have = self.partial.len;
        self.progress.asking(url, have);
        let mut request = agent.get(url);
        let known = self.partial.origin.clone();
        let known = known.filter(|known| known.url == url && have > 0);
        let validator = known.and_then(|known| known.validator);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
            if let Some(validator) = &validator {
                request = request.header(header::IF_RANGE, validator);
            }
        }
        let response = request.call().map_err(|error| describe(&error))?;
        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        let length = body.content_length();
        let (start, total) = match (status, http::content_range(&head.headers)) {
            (200, _) => (0, length),
            (206, Some((start, total))) if have > 0 && start == have => {
                (have, total.or_else(|| Some(have + length?)))
            }
            (206 | 416, _) if have > 0 => {
                self.partial.reset()?;
                let reason = "it does not continue the partial file, which was emptied";
                return Err(Fault::Passing(reason.into()));
            }
            (408 | 425 | 429 | 500..=599, _) => return Err(Fault::Passing(answer(status))),
            _ => return Err(Fault::Lasting(answer(status))),
        };
        let limit = self.expected.bytes.unwrap_or(self.expected.max_bytes);
        match (total, self.expected.bytes) {
            (Some(total), Some(bytes)) if total != bytes => {
                let reason = format!("offers a file of {total} bytes, expected {bytes}");
                return Err(Fault::Lasting(reason));
            }
            (Some(total), None) if total > limit => {
                let reason = format!("offers a file of {total} bytes, expected at most {limit}");
                return Err(Fault::Lasting(reason));
            }
            _ => {}
        }
        let origin = http::origin(url, &head.headers, total);
        if start > 0
            && validator.is_some()
            && origin.validator.is_some()
            && validator != origin.validator
        {
            self.partial.reset()?;
            let reason = "it continues with another file, so the partial one was emptied";
            return Err(Fault::Passing(reason.into()));
        }

        let mut reader = body.into_with_config().limit(u64::MAX).reader();
        let mut buffer = vec![0; CHUNK];
        let mut filled = 0;
        if start == 0 {
            // A page that asks to log in must not cost what has arrived already.
            while filled < 2 {
                match reader.read(&mut buffer[filled..]) {
                    Ok(0) => break,
                    Ok(read) => filled += read,
                    Err(error) => return Err(cut(&error)),
                }
            }
            if filled < 2 {
                return Err(Fault::Passing("it sent nothing".into()));
            }
            if buffer[..2] != [0x1f, 0x8b] {
                let reason = "what it sends is not a gzip archive";
                return Err(Fault::Lasting(reason.into()));
            }
            self.partial.reset()?;
        }
        self.partial.set_origin(origin)?;
        let target = total.or(self.expected.bytes);
        loop {
            if self.partial.len + filled as u64 > limit {
                self.partial.reset()?;
                let reason = format!("sends more than {limit} bytes, so the download was deleted");
                return Err(Fault::Lasting(reason));
            }
            self.partial.append(&buffer[..filled])?;
            self.progress.downloaded(self.partial.len, target);
            if self.progress.cancelled() {
                return Err(FetchError::Cancelled.into());
            }
            filled = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) => return Err(cut(&error)),
            };
        }
        match target {
            Some(target) if self.partial.len < target => {
                let reason = format!(
                    "the connection ended after {} of {target} bytes",
                    self.partial.len
                );
                Err(Fault::Passing(reason))
            }
            _ => Ok(start > 0),
        }
    }

    fn pause(&self) -> Result<(), FetchError> {
        let end = Instant::now() + self.options.pause;
        loop {
            if self.progress.cancelled() {
                return Err(FetchError::Cancelled);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(TICK));
        }
    }

    fn note(&mut self, text: String) {
        self.progress.note(&text);
        self.notes.push(text);
    }
}

/// Ends the thread that watches, also when this one panics.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn answer(status: u16) -> String {
    let meaning = match status {
        401 | 403 | 407 => ", it wants to know who asks",
        404 | 410 => ", there is no such file",
        408 | 425 | 429 | 503 => ", it is busy",
        500..=599 => ", it is out of order",
        _ => "",
    };
    format!("answers with status {status}{meaning}")
}

fn cut(error: &std::io::Error) -> Fault {
    Fault::Passing(format!("the connection was cut ({error})"))
}

const NO_HOST: &str = "there is no such host, or no network";

/// What the standard library (and Windows, in English) says where a name has no address; it has no
/// kind of its own.
fn is_unresolved(reason: &str) -> bool {
    reason.contains("failed to lookup address") || reason.contains("No such host is known")
}

fn describe(error: &ureq::Error) -> Fault {
    match error {
        ureq::Error::TooManyRedirects => Fault::Lasting("redirects in a loop, or too often".into()),
        ureq::Error::HostNotFound => Fault::Passing(NO_HOST.into()),
        ureq::Error::Io(cause) if is_unresolved(&cause.to_string()) => {
            Fault::Passing(NO_HOST.into())
        }
        ureq::Error::Timeout(_)
        | ureq::Error::Io(_)
        | ureq::Error::ConnectionFailed
        | ureq::Error::Protocol(_) => Fault::Passing(error.to_string()),
        _ => Fault::Lasting(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_an_address_is_told_from_a_broken_connection() {
        let told = |text: &str| match describe(&ureq::Error::Io(std::io::Error::other(text))) {
            Fault::Passing(reason) => reason,
            _ => panic!("it may be there the next time"),
        };
        let resolver = "failed to lookup address information: Name or service not known";
        assert_eq!(told(resolver), NO_HOST);
        assert!(told("connection reset").contains("connection reset"));
    }
}
