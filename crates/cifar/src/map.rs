//! Mapping files, and what it takes to do so honestly: this is the only file of the crate with `unsafe`.
//!
//! A mapped file that another process truncates turns the pages behind its new end into SIGBUS on Unix.
//! With the feature `sigbus`, every mapped range is remembered with its path (`ranges.rs`), and a handler
//! turns a SIGBUS inside one of them into a line on stderr and exit code 1. All other signals go to
//! whoever handled SIGBUS before.

#![allow(unsafe_code)]

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};

use crate::dataset::{Dataset, OpenOptions, Shard};
use crate::error::Error;
#[cfg(all(unix, feature = "sigbus"))]
use crate::ranges;

#[cfg(all(unix, feature = "sigbus"))]
pub use sigbus::install_sigbus_handler;

/// A whole file, mapped read-only.
pub(crate) struct Mapping {
    // Unregistered before the map goes: fields drop in the order of their declaration.
    #[cfg(all(unix, feature = "sigbus"))]
    _registered: ranges::Registered,
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
            _registered: ranges::register(map.as_ptr_range(), path),
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
    /// was kept, and `install_sigbus_handler` (feature `sigbus`) stops a program that reads behind the end
    /// of a truncated file.
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

#[cfg(all(unix, feature = "sigbus"))]
mod sigbus {
    use std::ffi::{c_int, c_void};
    use std::io;
    use std::mem;
    use std::ptr;
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering::Relaxed;

    use crate::ranges::{self, NAME_MAX};
    use crate::temporary;

    /// Causes that a memory access can have (`BUS_ADRALN` 1 to `BUS_MCEERR_AO` 5, the same on every
    /// Unix); with any other code somebody sent the signal, and the address means nothing.
    const ACCESS: std::ops::RangeInclusive<c_int> = 1..=5;
    const BEFORE: &[u8] = b"error: ";
    const AFTER: &[u8] =
        b": the file shrank or could not be read while it was mapped, so there is no result; \
        restore the file and run again, or read it into memory instead of mapping it (nearplane: --no-mmap)\n";

    static REPORTING: AtomicBool = AtomicBool::new(false);
    static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

    /// Ends the process with one line on stderr and exit code 1 when a mapped data set shrinks under it.
    ///
    /// Files registered in [`temporary`](crate::temporary) are removed. Without it such a process dies of
    /// SIGBUS. A SIGBUS that has nothing to do with a mapped data set goes to the handler installed before
    /// this one. Call it once, early; further calls do nothing.
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
        action.sa_flags = libc::SA_SIGINFO;
        // A thread that ran out of stack gets SIGBUS on some systems, and std has a handler for it. Linux sends SIGSEGV
        // then; and its signal stacks are of the least size, which the registers of a CPU with AMX fill to the brim.
        if cfg!(not(any(target_os = "linux", target_os = "android"))) {
            action.sa_flags |= libc::SA_ONSTACK;
        }
        // SAFETY: `action` is complete (its empty mask is the zeroed one), and `on_sigbus` keeps to what a
        // signal handler may do.
        if unsafe { libc::sigaction(libc::SIGBUS, &action, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Only calls what is async-signal-safe: atomics, `unlink`, `write`, `_exit`, `pause`, `signal`,
    /// `raise`.
    extern "C" fn on_sigbus(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: with SA_SIGINFO the system passes a valid `info`.
        let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
        if ACCESS.contains(&code) {
            let mut name = [0; NAME_MAX];
            if let Some(len) = ranges::find(address, &mut name) {
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
        // Files only: a folder is not mapped data's result, and emptying one takes more than a handler may do.
        for path in temporary::registered() {
            // SAFETY: a C string that lives as long as the process; `unlink` is async-signal-safe.
            unsafe { libc::unlink(path.as_ptr()) };
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

/// What the tests of this crate need `unsafe` for.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// [`Dataset::map`] of a folder that only its test knows.
    pub(crate) fn map(dir: &Path, options: &OpenOptions) -> Result<Dataset, Error> {
        // SAFETY: the folder belongs to the test. Tests that break the promise to see what happens read
        // through `black_box`, and assert only what the operating system guarantees.
        unsafe { Dataset::map(dir, options) }
    }

    #[cfg(all(unix, feature = "sigbus"))]
    pub(crate) use signals::*;

    #[cfg(all(unix, feature = "sigbus"))]
    mod signals {
        use std::ffi::{c_int, c_void};

        use super::*;

        /// The exit code of the handlers below.
        pub(crate) const HANDLED: i32 = 42;

        /// An action for SIGBUS that is in place before the one of the crate.
        pub(crate) enum Before {
            Default,
            Ignore,
            Plain,
            WithInfo,
        }

        /// Maps a file that the crate is not told about.
        pub(crate) fn map_unknown(file: &File) -> Mmap {
            // SAFETY: the file belongs to the test, whose process ends when it reads what it cut off.
            unsafe { Mmap::map(file) }.expect("mapping a file")
        }

        pub(crate) fn set_action(before: Before) {
            // SAFETY: all zeros are a value of `sigaction`.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            action.sa_sigaction = match before {
                Before::Default => libc::SIG_DFL,
                Before::Ignore => libc::SIG_IGN,
                Before::Plain => plain as extern "C" fn(_) as usize,
                Before::WithInfo => with_info as extern "C" fn(_, _, _) as usize,
            };
            if matches!(before, Before::WithInfo) {
                action.sa_flags = libc::SA_SIGINFO;
            }
            // SAFETY: `action` is complete, and the handlers only call `_exit`.
            let result = unsafe { libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut()) };
            assert_eq!(result, 0);
        }

        /// Leaves this thread a stack for signals that holds no registers of a large CPU.
        pub(crate) fn shrink_signal_stack() {
            let room = vec![0_u8; libc::MINSIGSTKSZ].leak();
            let stack = libc::stack_t {
                ss_sp: room.as_mut_ptr().cast(),
                ss_flags: 0,
                ss_size: room.len(),
            };
            // SAFETY: the room is leaked, so that it is there for as long as the thread.
            let result = unsafe { libc::sigaltstack(&stack, std::ptr::null_mut()) };
            assert_eq!(result, 0);
        }

        pub(crate) fn raise() {
            // SAFETY: every action that a test sets is fit for a signal at any time.
            assert_eq!(unsafe { libc::raise(libc::SIGBUS) }, 0);
        }

        extern "C" fn plain(_: c_int) {
            // SAFETY: `_exit` is async-signal-safe.
            unsafe { libc::_exit(HANDLED) }
        }

        extern "C" fn with_info(signal: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
            // SAFETY: `info` is what the system passed.
            let complete = unsafe { (*info).si_signo } == signal;
            // SAFETY: `_exit` is async-signal-safe.
            unsafe { libc::_exit(if complete { HANDLED } else { 3 }) }
        }
    }
}
