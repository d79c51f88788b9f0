//! Mapping files, and what it takes to do so honestly: this is the only file of the crate with `unsafe`.
//!
//! A mapped file that another process truncates turns the pages behind its new end into SIGBUS on Unix.
//! With the feature `sigbus`, every mapped range is registered here with its path, and a handler turns a
//! SIGBUS inside one of them into a line on stderr and exit code 1. All other signals go to whoever
//! handled SIGBUS before.

#![allow(unsafe_code)]

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};

use crate::dataset::{Dataset, OpenOptions, Shard};
use crate::error::Error;

#[cfg(all(unix, feature = "sigbus"))]
pub use sigbus::install_sigbus_handler;

/// A whole file, mapped read-only.
pub(crate) struct Mapping {
    // Unregistered before the map goes: fields drop in the order of their declaration.
    #[cfg(all(unix, feature = "sigbus"))]
    _registered: registry::Registered,
    map: Mmap,
}

impl Mapping {
    /// Maps the first `len` bytes of a file.
    ///
    /// # Safety
    ///
    /// Nobody changes the file while the mapping lives, as in [`Dataset::map`].
    unsafe fn new(file: &File, path: &Path, len: u64) -> Result<Mapping, Error> {
        let io = || Error::io(path, "map the file into memory");
        let len =
            usize::try_from(len).map_err(|_| io()(std::io::ErrorKind::FileTooLarge.into()))?;
        // SAFETY: the caller promises that the file stays as it is.
        let map = unsafe { MmapOptions::new().len(len).map(file) }.map_err(io())?;
        Ok(Mapping {
            #[cfg(all(unix, feature = "sigbus"))]
            _registered: registry::register(map.as_ptr_range(), path),
            map,
        })
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

impl Dataset {
    /// Opens a folder by mapping its files: no copy, and no image byte is touched before it is used.
    ///
    /// Lengths and every label are checked. [`Dataset::read`] does the same on a copy in memory, without
    /// the duty below.
    ///
    /// # Safety
    ///
    /// As long as the data set lives, nobody may write to its files or truncate them: slices handed out
    /// by a `Dataset` promise that their bytes do not move under the reader. Replacing a file by renaming
    /// another one over it is harmless. [`Dataset::verify_unchanged`] tells afterwards whether the promise
    /// was kept, and `install_sigbus_handler` (feature `sigbus`) stops a
    /// program that reads behind the end of a truncated file.
    ///
    /// # Errors
    ///
    /// Every [`Error`] that describes a folder, a file, a length, a label or class names.
    ///
    /// ```
    /// # use nearplane_cifar::{Dataset, OpenOptions, write::{write_folder, Contents}};
    /// # let dir = tempfile::tempdir()?;
    /// # let record = vec![0; 3073];
    /// # let contents = Contents { train: record.clone(), test: record, ..Contents::default() };
    /// # write_folder(dir.path(), &contents, false)?;
    /// // SAFETY: nobody else knows this folder.
    /// let data = unsafe { Dataset::map(dir.path(), &OpenOptions::default()) }?;
    /// assert_eq!(data.train().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn map(dir: &Path, options: &OpenOptions) -> Result<Dataset, Error> {
        Dataset::open(dir, options, |file, path, stamp| {
            // SAFETY: the caller promises that nobody changes the files.
            let mapping = unsafe { Mapping::new(&file, path, stamp.len) }?;
            Ok(Shard::mapped(path, mapping, file, stamp))
        })
    }
}

/// The mapped ranges of this process, readable from a signal handler: no lock, no allocation.
///
/// Chunks of slots are only ever added, slots are used again, and each is guarded by a version number
/// (odd while its owner writes), so that a reader recognises a slot that changes under its eyes.
#[cfg(all(unix, feature = "sigbus"))]
mod registry {
    use std::ops::Range;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    use std::sync::OnceLock;
    use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
    use std::sync::atomic::{AtomicU8, AtomicUsize, fence};

    /// The end of a longer path is kept: it holds the name of the file.
    pub(super) const NAME_MAX: usize = 512;
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
    pub(super) struct Registered(&'static Slot);

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
    pub(super) fn register(range: Range<*const u8>, path: &Path) -> Registered {
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
    pub(super) fn find(address: usize, name: &mut [u8; NAME_MAX]) -> Option<usize> {
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
}

#[cfg(all(unix, feature = "sigbus"))]
mod sigbus {
    use std::ffi::{c_int, c_void};
    use std::io;
    use std::mem;
    use std::ptr;
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering::Relaxed;

    use super::registry::{self, NAME_MAX};

    /// Causes that a memory access can have (`BUS_ADRALN` 1 to `BUS_MCEERR_AO` 5, the same on every
    /// Unix); with any other code somebody sent the signal, and the address means nothing.
    const ACCESS: std::ops::RangeInclusive<c_int> = 1..=5;
    const BEFORE: &[u8] = b"error: ";
    const AFTER: &[u8] =
        b": the file shrank or could not be read while it was mapped, so there is no result; \
        restore the file and run again, or read it into memory instead of mapping it\n";

    static REPORTING: AtomicBool = AtomicBool::new(false);
    static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

    /// Ends the process with one line on stderr and exit code 1 when a mapped data set shrinks under it.
    ///
    /// Without it such a process dies of SIGBUS. A SIGBUS that has nothing to do with a mapped data set
    /// goes to the handler installed before this one. Call it once, early; further calls do nothing.
    ///
    /// # Errors
    ///
    /// What `sigaction` says; never seen for SIGBUS.
    ///
    /// ```
    /// nearplane_cifar::install_sigbus_handler()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn install_sigbus_handler() -> io::Result<()> {
        // SAFETY: `sigaction` is a plain C struct for which all zeros are a value.
        let mut previous: libc::sigaction = unsafe { mem::zeroed() };
        // SAFETY: without a new action this only writes the present one to `previous`.
        if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &mut previous) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // The handler reads PREVIOUS, so it is set first; whoever loses this race has nothing to install.
        if PREVIOUS.set(previous).is_err() {
            return Ok(());
        }
        // SAFETY: as above.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        action.sa_sigaction = on_sigbus as extern "C" fn(_, _, _) as usize;
        // ONSTACK: a thread that ran out of stack gets SIGBUS on some systems, and std has a handler for it.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: `action` is complete (its empty mask is the zeroed one), and `on_sigbus` keeps to what a
        // signal handler may do.
        if unsafe { libc::sigaction(libc::SIGBUS, &action, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Only calls what is async-signal-safe: atomics, `write`, `_exit`, `pause`, `signal`, `raise`.
    extern "C" fn on_sigbus(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: with SA_SIGINFO the system passes a valid `info`.
        let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
        if ACCESS.contains(&code) {
            let mut name = [0; NAME_MAX];
            if let Some(len) = registry::find(address, &mut name) {
                report_and_exit(&name[..len]);
            }
        }
        // SAFETY: these are the arguments that this handler was called with.
        unsafe { call_previous(signal, info, context) }
    }

    fn report_and_exit(name: &[u8]) -> ! {
        // Several threads may fail at once; the first one reports and ends them all.
        while REPORTING.swap(true, Relaxed) {
            // SAFETY: only waits for a signal, and is async-signal-safe.
            unsafe { libc::pause() };
        }
        // One `write` for the whole line, so that nothing gets between its parts.
        let mut line = [0; BEFORE.len() + NAME_MAX + AFTER.len()];
        let mut len = 0;
        for part in [BEFORE, name, AFTER] {
            line[len..len + part.len()].copy_from_slice(part);
            len += part.len();
        }
        // SAFETY: the first `len` bytes of `line` are initialised; nothing can be done if stderr is gone.
        unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), len) };
        // SAFETY: `_exit` ends the process without running anything that may rely on interrupted code.
        unsafe { libc::_exit(1) }
    }

    /// Passes a signal on to the action that was in place before.
    ///
    /// # Safety
    ///
    /// Called from a handler of `signal`, with the arguments of that handler.
    unsafe fn call_previous(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        let previous = PREVIOUS.get();
        let action = previous.map_or(libc::SIG_DFL, |previous| previous.sa_sigaction);
        let with_info = previous.is_some_and(|p| p.sa_flags & libc::SA_SIGINFO != 0);
        match action {
            libc::SIG_DFL | libc::SIG_IGN => {
                // SAFETY: `info` is valid, see the contract of this function.
                let sent = !ACCESS.contains(&unsafe { (*info).si_code });
                if action == libc::SIG_IGN && sent {
                    return;
                }
                // Raised again, it ends the process as soon as this handler returns. Ignoring a failed
                // access is impossible: it would fail again for ever.
                // SAFETY: both are async-signal-safe.
                unsafe {
                    libc::signal(signal, libc::SIG_DFL);
                    libc::raise(signal);
                }
            }
            handler if with_info => {
                // SAFETY: with SA_SIGINFO the stored address is a function of three arguments.
                let handler = unsafe {
                    mem::transmute::<usize, extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void)>(
                        handler,
                    )
                };
                handler(signal, info, context);
            }
            handler => {
                // SAFETY: without SA_SIGINFO the stored address is a function of one argument.
                let handler = unsafe { mem::transmute::<usize, extern "C" fn(c_int)>(handler) };
                handler(signal);
            }
        }
    }
}
