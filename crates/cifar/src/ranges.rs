//! The mapped ranges of this process, readable from a signal handler: no lock, no allocation.
//!
//! Chunks of slots are only ever added, slots are used again, and each is guarded by a version number
//! (odd while its owner writes), so that a reader recognises a slot that changes under its eyes.

use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU8, AtomicUsize, fence};

/// The end of a longer path is kept: it holds the name of the file.
pub(crate) const NAME_MAX: usize = 512;
const SLOTS: usize = 16;

struct Slot {
    version: AtomicUsize,
    /// 0 in a free slot.
    start: AtomicUsize,
    end: AtomicUsize,
    name_len: AtomicUsize,
    name: [AtomicU8; NAME_MAX],
}

struct Chunk {
    slots: [Slot; SLOTS],
    next: OnceLock<&'static Chunk>,
}

impl Chunk {
    const fn new() -> Chunk {
        Chunk {
            slots: [const {
                Slot {
                    version: AtomicUsize::new(0),
                    start: AtomicUsize::new(0),
                    end: AtomicUsize::new(0),
                    name_len: AtomicUsize::new(0),
                    name: [const { AtomicU8::new(0) }; NAME_MAX],
                }
            }; SLOTS],
            next: OnceLock::new(),
        }
    }
}

static FIRST: Chunk = Chunk::new();

/// Gives its slot back when dropped.
pub(crate) struct Registered(&'static Slot);

impl Drop for Registered {
    fn drop(&mut self) {
        let version = self.0.version.load(Relaxed);
        self.0.begin(version);
        self.0.start.store(0, Relaxed);
        self.0.end.store(0, Relaxed);
        self.0.publish(version);
    }
}

impl Slot {
    /// Makes a slot ours if it is free; returns its version.
    fn claim(&self) -> Option<usize> {
        let version = self.version.load(Acquire);
        if !version.is_multiple_of(2) || self.start.load(Relaxed) != 0 {
            return None;
        }
        // A slot that somebody else took in between has another version now.
        let claimed = self
            .version
            .compare_exchange(version, version + 1, AcqRel, Relaxed);
        fence(Release);
        claimed.ok()
    }

    fn begin(&self, version: usize) {
        self.version.store(version + 1, Relaxed);
        fence(Release);
    }

    fn publish(&self, version: usize) {
        self.version.store(version + 2, Release);
    }

    /// The length of the name, and its bytes in `name`, if `address` lies in the range of this slot.
    fn name_of(&self, address: usize, name: &mut [u8; NAME_MAX]) -> Option<usize> {
        let version = self.version.load(Acquire);
        let range = self.start.load(Relaxed)..self.end.load(Relaxed);
        let name_len = self.name_len.load(Relaxed).min(NAME_MAX);
        for (to, from) in name.iter_mut().zip(&self.name) {
            *to = from.load(Relaxed);
        }
        fence(Acquire);
        // The slot of a range that is being read never changes, so that a slot in motion is another's.
        let stable = version.is_multiple_of(2) && self.version.load(Relaxed) == version;
        (stable && range.contains(&address)).then_some(name_len)
    }
}

/// Remembers a mapped range under its path until the answer is dropped.
pub(crate) fn register(range: Range<*const u8>, path: &Path) -> Registered {
    let mut chunk = &FIRST;
    let (slot, version) = loop {
        let free = chunk
            .slots
            .iter()
            .find_map(|slot| Some((slot, slot.claim()?)));
        match free {
            Some(free) => break free,
            None => chunk = chunk.next.get_or_init(|| Box::leak(Box::new(Chunk::new()))),
        }
    };
    let path = path.as_os_str().as_bytes();
    let path = &path[path.len().saturating_sub(NAME_MAX)..];
    for (to, &from) in slot.name.iter().zip(path) {
        // The message has to stay one line.
        to.store(if from.is_ascii_control() { b'?' } else { from }, Relaxed);
    }
    slot.name_len.store(path.len(), Relaxed);
    slot.start.store(range.start.addr(), Relaxed);
    slot.end.store(range.end.addr(), Relaxed);
    slot.publish(version);
    Registered(slot)
}

/// The path under which an address was registered: its length, with the bytes in `name`.
///
/// Safe to call from a signal handler.
pub(crate) fn find(address: usize, name: &mut [u8; NAME_MAX]) -> Option<usize> {
    let mut chunk = &FIRST;
    loop {
        let found = chunk
            .slots
            .iter()
            .find_map(|slot| slot.name_of(address, name));
        if found.is_some() {
            return found;
        }
        chunk = chunk.next.get()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_at(address: usize) -> Option<Vec<u8>> {
        let mut name = [0; NAME_MAX];
        find(address, &mut name).map(|len| name[..len].to_vec())
    }

    #[test]
    fn addresses_are_found_under_their_paths_until_they_are_dropped() {
        // More than two chunks of them; neighbours share a border.
        let bytes = vec![0_u8; 40 * 10];
        let mut all: Vec<_> = (0..40)
            .map(|i| {
                let path = format!("/data/{i}");
                register(bytes[i * 10..(i + 1) * 10].as_ptr_range(), path.as_ref())
            })
            .collect();
        let base = bytes.as_ptr().addr();
        for i in 0..40 {
            let expected = Some(format!("/data/{i}").into_bytes());
            assert_eq!(name_at(base + i * 10), expected);
            assert_eq!(name_at(base + i * 10 + 9), expected);
        }
        assert_eq!(name_at(0), None);
        drop(all.remove(7));
        assert_eq!(name_at(base + 70), None);
        assert_eq!(name_at(base + 80), Some(b"/data/8".to_vec()));
        drop(all);
        assert_eq!(name_at(base + 80), None);
    }

    #[test]
    fn slots_are_used_again() {
        let bytes = [0_u8; 4];
        for _ in 0..100 * SLOTS {
            register(bytes.as_ptr_range(), "/data".as_ref());
        }
        // The few chunks that the other tests of this process may need, not a hundred.
        let chunks = std::iter::successors(Some(&FIRST), |chunk| chunk.next.get().copied());
        assert!(chunks.count() < 20);
    }

    #[test]
    fn long_paths_keep_their_end_and_one_line() {
        let bytes = [0_u8; 4];
        let path = format!("{}\n/data_batch_1.bin", "x".repeat(2 * NAME_MAX));
        let _registered = register(bytes.as_ptr_range(), path.as_ref());
        let name = name_at(bytes.as_ptr().addr()).expect("just registered");
        assert_eq!(name.len(), NAME_MAX);
        assert!(name.ends_with(b"xx?/data_batch_1.bin"));
    }

    #[test]
    fn threads_never_see_anothers_name() {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for i in 0..500 {
                        let bytes = [0_u8; 64];
                        let path = format!("/{thread}/{i}");
                        let _registered = register(bytes.as_ptr_range(), path.as_ref());
                        let address = bytes.as_ptr().addr() + i % 64;
                        assert_eq!(name_at(address), Some(path.into_bytes()));
                    }
                });
            }
        });
    }
}
