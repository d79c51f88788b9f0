//! Brute force at the instruction limit: every query against every row, blocked for the caches.
//!
//! A block of queries is packed once. Workers take blocks of rows in turn, pack each so that it stays
//! in the second-level cache, and run all queries of the block against it; every worker keeps its own
//! lists of the nearest so far. Lists merge associatively by (distance, index), so who did what does
//! not show in the result. A data set is packed once for each block of queries, and blocks are as
//! large as the memory bound allows, so packing does not count.

use super::element::{QUERIES_AT_ONCE, kernel};
use super::{Effort, Element, Index, NeighborBlock, NeighborsError, Rows};
use crate::Monitor;
use nearplane_kernels::{TopK, any_at_most};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Bytes that the lists of all workers may take for one block of queries.
const LIST_BYTES: usize = 64 << 20;

/// Bytes of queries in a block.
const QUERY_BYTES: usize = 64 << 20;

/// Bytes of rows in a block: with the queries passing by they fit a second-level cache of 1 MiB.
const ROW_BYTES: usize = 768 << 10;

/// The most rows of a block, however short: the sums of a group of queries stay in the second-level
/// cache beside them.
const MAX_BLOCK_ROWS: usize = 1024;

/// Below this many queries, packing rows costs more than it saves and pairs are computed directly.
const PACK_FROM_QUERIES: usize = 4;

/// Row blocks for each worker, where there are rows enough, so that all finish together.
const BLOCKS_PER_WORKER: usize = 8;

pub(super) fn search<T: Element>(
    index: &Index<'_, T>,
    queries: &Rows<'_, T>,
    k: usize,
    monitor: &dyn Monitor,
    sink: &mut dyn FnMut(NeighborBlock<'_, T::Distance>),
) -> Result<Effort, NeighborsError> {
    let workers = rayon::current_num_threads();
    let per_block = queries_per_block(
        queries.cols() * size_of::<T>(),
        k,
        workers,
        index.rows.len(),
    );
    let pairs = AtomicU64::new(0);
    let total = queries.len() as u64 * index.rows.len() as u64;
    // A monitor may change its mind; a search that was stopped once has gaps and stays stopped.
    let stopped = AtomicBool::new(false);
    let cancelled = || {
        if monitor.cancelled() {
            stopped.store(true, Ordering::Relaxed);
        }
        stopped.load(Ordering::Relaxed)
    };
    for first_query in (0..queries.len()).step_by(per_block) {
        let block = queries.gather(first_query..queries.len().min(first_query + per_block));
        let n_queries = block.len();
        let progress = |rows: usize| {
            let new = rows as u64 * n_queries as u64;
            monitor.progress(pairs.fetch_add(new, Ordering::Relaxed) + new, total);
        };
        let lists = search_block(index, block, k, workers, &progress, &cancelled);
        if cancelled() {
            return Err(NeighborsError::Cancelled);
        }
        NeighborBlock::hand_out::<T>(first_query, k, lists, sink);
    }
    Ok(Effort {
        pairs: total,
        exact: total,
        bytes: total * (queries.cols() * size_of::<T>()) as u64,
        ..Effort::default()
    })
}

/// As many queries as the memory bounds allow, at least a few.
fn queries_per_block(query_bytes: usize, k: usize, workers: usize, n_rows: usize) -> usize {
    let by_lists = LIST_BYTES / list_bytes(k, workers, n_rows);
    let by_queries = QUERY_BYTES / query_bytes.max(1);
    by_lists.min(by_queries).max(PACK_FROM_QUERIES)
}

/// The most bytes of one query's lists, of all workers together: each holds up to 16 k bytes, but no
/// more than twice the rows that its worker has seen, and every row is seen by one worker.
fn list_bytes(k: usize, workers: usize, n_rows: usize) -> usize {
    let keys = k
        .saturating_mul(16 * workers)
        .min(n_rows.saturating_mul(16));
    keys.saturating_add(workers * 512)
}

/// The k nearest of each query of a block, in order; some lists are short if the search was cancelled.
fn search_block<T: Element>(
    index: &Index<'_, T>,
    queries: Vec<&[T]>,
    k: usize,
    workers: usize,
    progress: &(dyn Fn(usize) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Vec<Vec<(u32, u32)>> {
    let n_queries = queries.len();
    let rows = &index.rows;
    let plan = RowPlan::new(index, workers);
    let next = AtomicUsize::new(0);
    let next_rows = || {
        let first = plan.at_once * next.fetch_add(1, Ordering::Relaxed);
        (first < rows.len() && !cancelled()).then(|| first..rows.len().min(first + plan.at_once))
    };
    let finished: Mutex<Vec<Vec<TopK>>> = Mutex::new(Vec::new());
    let finish = |lists| match finished.lock() {
        Ok(mut finished) => finished.push(lists),
        Err(poisoned) => poisoned.into_inner().push(lists),
    };
    if n_queries < PACK_FROM_QUERIES {
        rayon::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|_| finish(pairs_worker(index, &queries, k, &next_rows, progress)));
            }
        });
    } else {
        let groups: Vec<T::Queries<'_>> = queries
            .par_chunks(QUERIES_AT_ONCE)
            .map(|group| T::prepare(index.level, kernel(index.metric), group))
            .collect();
        rayon::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|_| {
                    finish(blocks_worker(
                        index, &groups, n_queries, k, &next_rows, progress,
                    ));
                });
            }
        });
    }
    let mut lists = match finished.into_inner() {
        Ok(lists) => lists,
        Err(poisoned) => poisoned.into_inner(),
    };
    let merged = lists.pop().unwrap_or_default();
    merged
        .into_par_iter()
        .enumerate()
        .map(|(query, mut nearest)| {
            for part in &lists {
                nearest.merge(&part[query]);
            }
            nearest.into_sorted()
        })
        .collect()
}

/// How many rows a worker takes at a time.
struct RowPlan {
    at_once: usize,
}

impl RowPlan {
    fn new<T: Element>(index: &Index<'_, T>, workers: usize) -> Self {
        let multiple = T::row_multiple(&T::room(index.level, kernel(index.metric)));
        let row_bytes = (index.rows.cols() * size_of::<T>()).max(1);
        let by_cache = (ROW_BYTES / row_bytes).min(MAX_BLOCK_ROWS);
        let by_balance = index.rows.len() / (workers * BLOCKS_PER_WORKER);
        let at_once = by_cache.min(by_balance).max(1).next_multiple_of(multiple);
        Self { at_once }
    }
}

/// One worker of a block with many queries.
fn blocks_worker<T: Element>(
    index: &Index<'_, T>,
    groups: &[T::Queries<'_>],
    n_queries: usize,
    k: usize,
    next_rows: &(dyn Fn() -> Option<Range<usize>> + Sync),
    progress: &(dyn Fn(usize) + Sync),
) -> Vec<TopK> {
    let mut lists = vec![TopK::new(k); n_queries];
    // Beside the lists, because most blocks hold nothing for most lists: these few bytes a query are
    // all that has to come to the cache then.
    let mut thresholds = vec![u32::MAX; n_queries];
    let mut room = T::room(index.level, kernel(index.metric));
    while let Some(range) = next_rows() {
        let first_row = range.start as u32;
        let rows = index.rows.gather(range);
        T::blocks(groups, &rows, &mut room, |query, distances| {
            if any_at_most(index.level, distances, thresholds[query]) {
                thresholds[query] = lists[query].push_row(index.level, distances, first_row);
            }
        });
        progress(rows.len());
    }
    lists
}

/// One worker of a block with few queries: rows are read once, as they lie.
fn pairs_worker<T: Element>(
    index: &Index<'_, T>,
    queries: &[&[T]],
    k: usize,
    next_rows: &(dyn Fn() -> Option<Range<usize>> + Sync),
    progress: &(dyn Fn(usize) + Sync),
) -> Vec<TopK> {
    let mut lists = vec![TopK::new(k); queries.len()];
    while let Some(range) = next_rows() {
        let n_rows = range.len();
        for row in range {
            let features = index.rows.row(row);
            for (list, query) in lists.iter_mut().zip(queries) {
                let distance = T::pair(index.level, index.metric, query, features);
                list.push(distance, row as u32);
            }
        }
        progress(n_rows);
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_blocks_keep_to_the_memory_bound() {
        let n_rows = 50_000;
        for (k, workers) in [(1, 1), (10, 2), (100, 64), (50_000, 2), (50_000, 64)] {
            let n = queries_per_block(3072, k, workers, n_rows);
            assert!(n * 3072 <= QUERY_BYTES);
            assert!(n * list_bytes(k, workers, n_rows) <= LIST_BYTES, "k = {k}");
            assert!(n >= 16, "blocks of {n} queries repack the rows too often");
        }
        // However large the lists are, the search still goes on, a few queries at a time.
        let n = queries_per_block(3072, usize::MAX, 8, usize::MAX / 16);
        assert_eq!(n, PACK_FROM_QUERIES);
    }
}
