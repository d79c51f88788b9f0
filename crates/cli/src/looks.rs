//! The look log: one row for each evaluation on the test split, beside the data set. Every look
//! spends a little of what the test set is worth, so they are counted and the count is printed.

use std::path::Path;

use nearplane_cifar::write::LOOKS_FILE;

use crate::csv_log;
use crate::output::{note, warn};

const HEADER: [&str; 6] = [
    "time",
    "command",
    "data_hash",
    "settings",
    "accuracy",
    "answer",
];

/// One look: what ran, and what was seen.
pub(crate) struct Look<'a> {
    /// RFC 3339.
    pub(crate) time: &'a str,
    /// `knn`.
    pub(crate) command: &'a str,
    pub(crate) data_hash: &'a str,
    /// What was evaluated, such as `metric=l1 k=1,3 tie=nearest weights=uniform`.
    pub(crate) settings: &'a str,
    /// The accuracies seen, separated by blanks.
    pub(crate) accuracy: &'a str,
    pub(crate) answer: &'a str,
    /// What to do instead of looking again.
    pub(crate) advice: &'a str,
}

/// Logs a look at the test split of the data set in `folder` and returns how many there are now.
/// A log that cannot be written gives a warning: the result exists either way.
pub(crate) fn log(folder: Option<&Path>, look: &Look<'_>, quiet: bool) -> Option<usize> {
    let Some(folder) = folder else {
        note(
            quiet,
            "this look at the test split is not logged: the images exist only in memory",
        );
        return None;
    };
    let path = folder.join(LOOKS_FILE);
    let row = [
        look.time,
        look.command,
        look.data_hash,
        look.settings,
        look.accuracy,
        look.answer,
    ];
    match csv_log::append(&path, &HEADER, &[row.map(str::to_owned).to_vec()]) {
        Ok(count) => {
            note(
                quiet,
                &format!(
                    "look {count} at the test split of {}, logged in {LOOKS_FILE}; {}",
                    folder.display(),
                    look.advice
                ),
            );
            Some(count)
        }
        Err(error) => {
            warn(&format!(
                "this look at the test split is not logged: {}",
                crate::failure::one_line(&error)
            ));
            None
        }
    }
}
