//! What a refusal of the system means where its own words do not say it: Windows replaces and removes no file that a
//! program has open or mapped.

use std::io;

/// `ERROR_ACCESS_DENIED`.
const ACCESS_DENIED: i32 = 5;
/// `ERROR_SHARING_VIOLATION`.
const SHARING_VIOLATION: i32 = 32;
/// `ERROR_LOCK_VIOLATION`.
const LOCK_VIOLATION: i32 = 33;
/// `ERROR_USER_MAPPED_FILE`.
const USER_MAPPED_FILE: i32 = 1224;

/// What to do about a refusal, for the end of a message; `None` where the system's own words say enough, and on every
/// system but Windows.
///
/// ```
/// let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
/// assert_eq!(nearplane_cifar::refusal_hint(&full), None);
/// ```
#[must_use]
pub fn refusal_hint(cause: &io::Error) -> Option<&'static str> {
    // The same numbers mean other things elsewhere.
    cause
        .raw_os_error()
        .filter(|_| cfg!(windows))
        .and_then(windows_hint)
}

/// The hint with what separates it from a message, or nothing.
pub(crate) fn ending(cause: &io::Error) -> String {
    refusal_hint(cause).map_or_else(String::new, |hint| format!("; {hint}"))
}

fn windows_hint(code: i32) -> Option<&'static str> {
    match code {
        ACCESS_DENIED => Some(
            "it is write-protected, or a program, perhaps another nearplane, has it open or mapped: \
             end that program and try again, or choose another name",
        ),
        SHARING_VIOLATION | LOCK_VIOLATION => Some(
            "a program, perhaps another nearplane, has it open: end that program and try again, \
             or choose another name",
        ),
        USER_MAPPED_FILE => Some(
            "a program, perhaps another nearplane, has it mapped into memory: end that program \
             (or run it with --no-mmap) and try again, or choose another name",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_use_are_told_from_other_refusals() {
        for code in [5, 32, 33, 1224] {
            let hint = windows_hint(code).expect("a file in use");
            assert!(hint.contains("end that program"), "{hint}");
            assert!(hint.contains("choose another name"), "{hint}");
        }
        assert!(windows_hint(1224).is_some_and(|hint| hint.contains("mapped")));
        // File not found, disk full.
        assert_eq!((windows_hint(2), windows_hint(112)), (None, None));
    }

    #[test]
    fn the_numbers_of_windows_mean_nothing_elsewhere() {
        for code in [5, 32, 33, 1224] {
            let cause = io::Error::from_raw_os_error(code);
            assert_eq!(refusal_hint(&cause).is_some(), cfg!(windows), "{code}");
            assert_eq!(ending(&cause).starts_with("; "), cfg!(windows), "{code}");
        }
    }
}
