//! Which engine searches: brute force, until what has been asked would have paid for the codes of the rows.

use super::pruned::{self, Pruned};
use super::{Element, Metric, Rows};
use nearplane_kernels::Level;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What is known of the rows and of what has been asked so far.
#[derive(Debug, Default)]
pub(super) struct Auto {
    queries: AtomicU64,
    is_deciding: AtomicBool,
    /// Codes, or that there will be none.
    decided: OnceLock<Option<Pruned>>,
}

impl Auto {
    /// The codes to search with, where there are any by now.
    pub(super) fn codes<T: Element>(
        &self,
        rows: &Rows<'_, T>,
        metric: Metric,
        level: Level,
        n_queries: usize,
    ) -> Option<&Pruned> {
        if let Some(decided) = self.decided.get() {
            return decided.as_ref();
        }
        let n_queries = n_queries as u64;
        let asked = self
            .queries
            .fetch_add(n_queries, Ordering::Relaxed)
            .saturating_add(n_queries);
        // Whoever comes while another caller decides does not wait: that caller may be further up on this very stack,
        // where rayon has a worker lend a hand to another search while its own is at a join.
        if !pruned::may_pay(rows, metric, level, asked)
            || self.is_deciding.swap(true, Ordering::Relaxed)
        {
            return None;
        }
        self.decided
            .get_or_init(|| pruned::pays(rows, metric, level))
            .as_ref()
    }

    /// Whether the next search is one behind bounds.
    pub(super) fn has_codes(&self) -> bool {
        self.decided.get().is_some_and(Option::is_some)
    }
}
