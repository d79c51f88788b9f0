//! How a long computation reports and is stopped, without knowing who watches.

/// Watches a long computation: told how far it is, asked whether to go on.
///
/// Called from all worker threads, once for each block of rows: up to tens of thousands of times a
/// second where rows are short, so be quick. `()` watches nothing.
pub trait Monitor: Sync {
    /// `done` of `total` steps are finished, in a unit that the operation names.
    fn progress(&self, done: u64, total: u64) {
        let _ = (done, total);
    }

    /// Whether to stop at the next opportunity. Once this was answered with yes, the operation ends with
    /// its `Cancelled` error.
    fn cancelled(&self) -> bool {
        false
    }
}

impl Monitor for () {}
