//! The cascade: first codes of all pairs, second codes of what is left, pixels of what is left then.
//!
//! Workers take parts of the queries, so that all that is decided about a query depends on that
//! query and the rows alone: not even the counts of what was looked at depend on the threads. A
//! worker walks over the blocks of rows; what survives the codes of a block is looked at in the order of
//! the rows, while they are on their way from memory.

use super::code::Scale;
use super::{Block, Pruned};
use crate::Monitor;
use crate::neighbors::element::{QUERIES_AT_ONCE, kernel};
use crate::neighbors::{Effort, Metric, NeighborsError, Rows};
use nearplane_kernels::{
    Kernel, Level, MatMut, PackedQueries, TopK, each_at_most, l1_u8, l2_sq_u8, prefetch, u8_block,
};
use rayon::prelude::*;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes of lists and queries that are worked on at a time, of all workers together.
const QUERY_BYTES: usize = 96 << 20;

/// The most queries of a part: their pixels and lists stay near while rows pass by.
const MAX_PART: usize = 20 * QUERIES_AT_ONCE;

/// Parts for each worker, where there are queries enough, so that all finish together.
const PARTS_PER_WORKER: usize = 4;

/// Rows that give the first threshold of each query.
const SEED_ROWS: usize = 4096;

/// Survivors whose rows are on their way while one is looked at.
const AHEAD: usize = 4;

/// Finds the k nearest of each query and hands them to `sink`, as (distance, index), in blocks.
pub(in crate::neighbors) fn search(
    pruned: &Pruned,
    rows: &Rows<'_, u8>,
    (metric, level): (Metric, Level),
    queries: &Rows<'_, u8>,
    k: usize,
    monitor: &dyn Monitor,
    sink: &mut dyn FnMut(usize, Vec<Vec<(u32, u32)>>),
) -> Result<Effort, NeighborsError> {
    let pairs = AtomicU64::new(0);
    let total = queries.len() as u64 * rows.len() as u64;
    let stopped = AtomicBool::new(false);
    let search = Search {
        pruned,
        rows,
        level,
        pixels: kernel(metric),
        k,
        first: pruned.coder.first_scale(),
        second: pruned.coder.second_scale(),
        progress: &|new: usize| {
            let before = pairs.fetch_add(new as u64, Ordering::Relaxed);
            monitor.progress(before + new as u64, total);
        },
        // A monitor may change its mind; a search that was stopped once has gaps and stays stopped.
        cancelled: &|| {
            if monitor.cancelled() {
                stopped.store(true, Ordering::Relaxed);
            }
            stopped.load(Ordering::Relaxed)
        },
    };
    let workers = rayon::current_num_threads();
    let bytes_each = queries.cols() + k.saturating_mul(16).saturating_add(256);
    let at_once = (QUERY_BYTES / bytes_each).max(QUERIES_AT_ONCE);
    let mut effort = Effort::default();
    for first in (0..queries.len()).step_by(at_once) {
        let range = first..queries.len().min(first + at_once);
        let part = (range.len().div_ceil(workers * PARTS_PER_WORKER))
            .min(MAX_PART)
            .next_multiple_of(QUERIES_AT_ONCE);
        let parts: Vec<Range<usize>> = range
            .clone()
            .step_by(part)
            .map(|first| first..range.end.min(first + part))
            .collect();
        let found: Vec<(Vec<Vec<(u32, u32)>>, Effort)> = parts
            .into_par_iter()
            .with_max_len(1)
            .map(|part| search.part(&queries.gather(part)))
            .collect();
        if (search.cancelled)() {
            return Err(NeighborsError::Cancelled);
        }
        let mut lists = Vec::with_capacity(range.len());
        for (of_part, looked_at) in found {
            lists.extend(of_part);
            effort.add(looked_at);
        }
        sink(first, lists);
    }
    Ok(effort)
}

struct Search<'s> {
    pruned: &'s Pruned,
    rows: &'s Rows<'s, u8>,
    level: Level,
    pixels: Kernel,
    k: usize,
    first: Scale,
    second: Scale,
    progress: &'s (dyn Fn(usize) + Sync),
    cancelled: &'s (dyn Fn() -> bool + Sync),
}

/// One query on its way.
struct Query<'q> {
    pixels: &'q [u8],
    second: &'q [u8],
    replaced: u8,
    first_slack: u64,
    second_slack: u64,
    nearest: Nearest,
    /// No neighbour is farther away: the distance of the k-th of some rows.
    threshold: u32,
    /// What the codes of rows within the threshold reach, without the slack of the row.
    first_reach: u64,
    second_reach: u64,
}

impl Query<'_> {
    fn set_threshold(&mut self, threshold: u32, search: &Search<'_>) {
        self.threshold = threshold;
        self.first_reach = search.first.reach(threshold) + self.first_slack;
        self.second_reach = search.second.reach(threshold) + self.second_slack;
    }
}

/// A pair that both codes let pass.
#[derive(Clone, Copy)]
struct Survivor {
    row: u32,
    query: u32,
    /// Distance of the second codes, and the slack of the row.
    of_codes: u32,
    slack: u32,
}

/// The k nearest so far.
struct Nearest {
    k: usize,
    /// distance << 32 | index, the farthest on top.
    heap: BinaryHeap<u64>,
}

impl Nearest {
    /// Takes a pair in, and returns the distance of the k-th if that is closer now.
    fn push(&mut self, distance: u32, index: u32) -> Option<u32> {
        let key = u64::from(distance) << 32 | u64::from(index);
        if self.heap.len() < self.k {
            self.heap.push(key);
        } else {
            let mut farthest = self.heap.peek_mut()?;
            if key >= *farthest {
                return None;
            }
            *farthest = key;
        }
        let full = self.heap.len() == self.k;
        let farthest = self.heap.peek().filter(|_| full)?;
        Some((farthest >> 32) as u32)
    }

    fn into_sorted(self) -> Vec<(u32, u32)> {
        let keys = self.heap.into_sorted_vec().into_iter();
        keys.map(|key| ((key >> 32) as u32, key as u32)).collect()
    }
}

impl Search<'_> {
    fn distance(&self, a: &[u8], b: &[u8]) -> u32 {
        match self.pixels {
            Kernel::L1 => l1_u8(self.level, a, b),
            _ => l2_sq_u8(self.level, a, b),
        }
    }

    /// The lists of some queries; short ones if the search was cancelled.
    fn part(&self, pixels: &[&[u8]]) -> (Vec<Vec<(u32, u32)>>, Effort) {
        let coder = &self.pruned.coder;
        let codes = coder.encode(self.level, pixels);
        let first: Vec<&[u8]> = codes.first.chunks_exact(codes.first_cols).collect();
        let groups: Vec<PackedQueries> = first
            .chunks(QUERIES_AT_ONCE)
            .map(|group| {
                let mut packed = PackedQueries::new(self.level, coder.kernel());
                packed.pack(group);
                packed
            })
            .collect();
        let mut queries: Vec<Query<'_>> = pixels
            .iter()
            .enumerate()
            .map(|(at, &pixels)| {
                let mut query = Query {
                    pixels,
                    second: &codes.second[at * self.pruned.second_cols..]
                        [..self.pruned.second_cols],
                    replaced: first[at][codes.first_cols - 1],
                    first_slack: u64::from(codes.first_slack[at]),
                    second_slack: u64::from(codes.second_slack[at]),
                    nearest: Nearest {
                        k: self.k,
                        heap: BinaryHeap::new(),
                    },
                    threshold: u32::MAX,
                    first_reach: 0,
                    second_reach: 0,
                };
                query.set_threshold(u32::MAX, self);
                query
            })
            .collect();

        let mut effort = Effort::default();
        let mut sums = Vec::new();
        self.seed(&groups, &mut queries, &mut sums, &mut effort);
        let mut survivors = Vec::new();
        for (number, block) in self.pruned.blocks.iter().enumerate() {
            if (self.cancelled)() {
                break;
            }
            let first_row = number * super::BLOCK_ROWS;
            survivors.clear();
            for (group, queries) in queries.chunks(QUERIES_AT_ONCE).enumerate() {
                let first_query = group * QUERIES_AT_ONCE;
                self.codes(
                    block,
                    &groups[group],
                    queries,
                    &mut sums,
                    &mut effort,
                    |query, survivor| {
                        survivors.push(Survivor {
                            query: (first_query + query) as u32,
                            ..survivor
                        });
                    },
                );
            }
            self.pixels(&mut survivors, &mut queries, first_row, &mut effort);
            (self.progress)(block.first.len() * queries.len());
        }
        effort.pairs = queries.len() as u64 * self.rows.len() as u64;
        effort.bytes += effort.pairs * coder.first_cols() as u64;
        let lists = queries.into_iter().map(|query| query.nearest.into_sorted());
        (lists.collect(), effort)
    }

    /// Thresholds to begin with: the exact distances of the rows of the first blocks whose codes are
    /// nearest.
    fn seed(
        &self,
        groups: &[PackedQueries],
        queries: &mut [Query<'_>],
        sums: &mut Vec<u32>,
        effort: &mut Effort,
    ) {
        let candidates = self.k + self.k / 2 + 4;
        let n_rows = SEED_ROWS.max(2 * self.k);
        let n_blocks = n_rows.div_ceil(super::BLOCK_ROWS);
        for (group, queries) in groups.iter().zip(queries.chunks_mut(QUERIES_AT_ONCE)) {
            let mut nearest = vec![TopK::new(candidates); queries.len()];
            for (number, block) in self.pruned.blocks.iter().take(n_blocks).enumerate() {
                let first_row = (number * super::BLOCK_ROWS) as u32;
                let sums = block_sums(group, block, sums);
                for (nearest, sums) in nearest.iter_mut().zip(sums.chunks_exact(block.first.len()))
                {
                    nearest.push_row(self.level, sums, first_row);
                }
            }
            for (query, nearest) in queries.iter_mut().zip(nearest) {
                let mut exact = Nearest {
                    k: self.k,
                    heap: BinaryHeap::new(),
                };
                let candidates = nearest.into_sorted();
                let mut threshold = None;
                for (at, &(_, row)) in candidates.iter().enumerate() {
                    if let Some(&(_, next)) = candidates.get(at + AHEAD) {
                        prefetch(self.rows.row(next as usize));
                    }
                    let distance = self.distance(query.pixels, self.rows.row(row as usize));
                    threshold = exact.push(distance, row).or(threshold);
                }
                effort.exact += candidates.len() as u64;
                effort.bytes += (candidates.len() * query.pixels.len()) as u64;
                if let Some(threshold) = threshold {
                    query.set_threshold(threshold, self);
                }
            }
        }
    }

    /// Compares the codes of a group of queries with those of a block, and hands on what passes.
    fn codes(
        &self,
        block: &Block,
        group: &PackedQueries,
        queries: &[Query<'_>],
        sums: &mut Vec<u32>,
        effort: &mut Effort,
        mut pass: impl FnMut(usize, Survivor),
    ) {
        let coder = &self.pruned.coder;
        let cols = self.pruned.second_cols;
        let sums = block_sums(group, block, sums);
        let mut bounded = 0;
        for (at, (query, sums)) in queries
            .iter()
            .zip(sums.chunks_exact(block.first.len()))
            .enumerate()
        {
            let cutoff = self
                .first
                .cutoff(query.first_reach + u64::from(block.max_slack));
            each_at_most(self.level, sums, cutoff, |row| {
                let slack = u64::from(block.slack[row]);
                if !self.first.within(sums[row], query.first_reach + slack) {
                    return;
                }
                bounded += 1;
                let second = &block.second[row * cols..][..cols];
                let kept = coder.kept(sums[row], query.replaced, block.replaced[row]);
                let added = match coder.kernel() {
                    Kernel::L1 => l1_u8(self.level, query.second, second),
                    _ => l2_sq_u8(self.level, query.second, second),
                };
                let of_codes = kept + added;
                let slack = block.second_slack[row];
                if self
                    .second
                    .within(of_codes, query.second_reach + u64::from(slack))
                {
                    pass(
                        at,
                        Survivor {
                            row: row as u32,
                            query: 0,
                            of_codes,
                            slack,
                        },
                    );
                }
            });
        }
        effort.bounded += bounded;
        effort.bytes += bounded * cols as u64;
    }

    /// Exact distances of the survivors, row by row.
    fn pixels(
        &self,
        survivors: &mut [Survivor],
        queries: &mut [Query<'_>],
        first_row: usize,
        effort: &mut Effort,
    ) {
        survivors.sort_unstable_by_key(|survivor| (survivor.row, survivor.query));
        let cols = self.rows.cols() as u64;
        for (at, survivor) in survivors.iter().enumerate() {
            if let Some(next) = survivors.get(at + AHEAD) {
                prefetch(self.rows.row(first_row + next.row as usize));
            }
            let query = &mut queries[survivor.query as usize];
            let reach = query.second_reach + u64::from(survivor.slack);
            if !self.second.within(survivor.of_codes, reach) {
                continue;
            }
            let row = first_row + survivor.row as usize;
            let distance = self.distance(query.pixels, self.rows.row(row));
            effort.exact += 1;
            effort.bytes += cols;
            if distance <= query.threshold
                && let Some(threshold) = query.nearest.push(distance, row as u32)
                && threshold < query.threshold
            {
                query.set_threshold(threshold, self);
            }
        }
    }
}

/// The distances of the first codes, `queries x rows`.
fn block_sums<'s>(group: &PackedQueries, block: &Block, sums: &'s mut Vec<u32>) -> &'s [u32] {
    let (n_queries, n_rows) = (group.len(), block.first.len());
    sums.resize(QUERIES_AT_ONCE * super::BLOCK_ROWS, 0);
    u8_block(
        group,
        &block.first,
        &mut MatMut::new(sums, n_queries, n_rows, n_rows),
    );
    &sums[..n_queries * n_rows]
}
