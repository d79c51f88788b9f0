//! The cascade: first codes of all pairs, second codes of what is left, pixels of what is left then.
//!
//! Workers take parts of the queries, so that all that is decided about a query depends on that
//! query and the rows alone: not even the counts of what was looked at depend on the threads. A worker
//! walks over the rows in spans, each a few times as long as the one before. Of a span it compares all
//! first codes; then looks at the pixels of the rows with the nearest codes, so that the threshold is
//! close to the last one before much is spent; then compares second codes, block by block; then, the
//! same again, the pixels of the rows with the nearest second codes, and at last those of what is left, in
//! the order of the rows, so that queries share a row while it is near and the next is on its way.

use super::code::Scale;
use super::{Block, Pruned};
use crate::Monitor;
use crate::neighbors::element::{QUERIES_AT_ONCE, kernel};
use crate::neighbors::{Effort, Metric, NeighborsError, Rows};
use nearplane_kernels::{
    Kernel, Level, MatMut, PackedQueries, each_at_most, l1_u8, l2_sq_u8, prefetch, u8_block,
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

/// Blocks of the first span.
const FIRST_SPAN: usize = 4;

/// How many times as long as the one before a span is.
const GROWTH: usize = 4;

/// Blocks of the longest span: bounds the hits that are kept.
const LONGEST_SPAN: usize = 64;

/// Survivors whose rows are on their way while one is looked at.
const AHEAD: usize = 4;

/// Neighbours of one query, (distance, index), the nearest first.
type List = Vec<(u32, u32)>;

/// Finds the k nearest of each query and hands them to `sink`, as (distance, index), in blocks.
pub(in crate::neighbors) fn search(
    pruned: &Pruned,
    rows: &Rows<'_, u8>,
    (metric, level): (Metric, Level),
    queries: &Rows<'_, u8>,
    k: usize,
    monitor: &dyn Monitor,
    sink: &mut dyn FnMut(usize, Vec<List>),
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
        let found: Vec<(Vec<List>, Effort)> = parts
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
    /// Rows of the span that may be among the nearest, ascending.
    hits: Vec<Hit>,
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

/// A row that the bounds so far let pass for a query.
#[derive(Clone, Copy)]
struct Hit {
    row: u32,
    /// Distance of the codes compared last.
    of_codes: u32,
}

/// A pair that both codes let pass.
#[derive(Clone, Copy)]
struct Survivor {
    row: u32,
    query: u32,
    of_codes: u32,
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

    fn into_sorted(self) -> List {
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
    fn part(&self, pixels: &[&[u8]]) -> (Vec<List>, Effort) {
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
                    hits: Vec::new(),
                    threshold: u32::MAX,
                    first_reach: 0,
                    second_reach: 0,
                };
                query.set_threshold(u32::MAX, self);
                query
            })
            .collect();

        let mut effort = Effort::default();
        let mut room = Room::default();
        let n_blocks = self.pruned.blocks.len();
        let (mut start, mut len) = (0, FIRST_SPAN);
        while start < n_blocks && !(self.cancelled)() {
            let span = start..n_blocks.min(start + len);
            self.first_codes(span.clone(), &groups, &mut queries, &mut room);
            for query in &mut queries {
                self.nearest_hits(query, Self::passes_first, &mut room, &mut effort);
                let mut hits = std::mem::take(&mut query.hits);
                hits.retain(|hit| self.passes_first(query, hit.of_codes, hit.row));
                query.hits = hits;
            }
            self.second_codes(span, &mut queries, &mut effort);
            for query in &mut queries {
                self.nearest_hits(query, Self::passes_second, &mut room, &mut effort);
            }
            self.pixels(&mut queries, &mut room, &mut effort);
            start += len;
            len = (len * GROWTH).min(LONGEST_SPAN);
        }
        effort.pairs = queries.len() as u64 * self.rows.len() as u64;
        effort.bytes += effort.pairs * coder.first_cols() as u64;
        effort.bytes += effort.exact * self.rows.cols() as u64;
        let lists = queries.into_iter().map(|query| query.nearest.into_sorted());
        (lists.collect(), effort)
    }

    /// Compares the first codes of a span with those of all queries; what passes are the hits.
    fn first_codes(
        &self,
        span: Range<usize>,
        groups: &[PackedQueries],
        queries: &mut [Query<'_>],
        room: &mut Room,
    ) {
        for number in span {
            if (self.cancelled)() {
                return;
            }
            let block = &self.pruned.blocks[number];
            let n_rows = block.first.len();
            let first_row = number * super::BLOCK_ROWS;
            for (group, queries) in groups.iter().zip(queries.chunks_mut(QUERIES_AT_ONCE)) {
                let sums = block_sums(group, block, &mut room.sums);
                for (query, sums) in queries.iter_mut().zip(sums.chunks_exact(n_rows)) {
                    let reach = query.first_reach + u64::from(block.max_slack);
                    let hits = &mut query.hits;
                    each_at_most(self.level, sums, self.first.cutoff(reach), |row| {
                        hits.push(Hit {
                            row: (first_row + row) as u32,
                            of_codes: sums[row],
                        });
                    });
                }
            }
            (self.progress)(n_rows * queries.len());
        }
    }

    /// Looks at the pixels of the hits with the nearest codes: as many as fill the list, and half of k
    /// more.
    fn nearest_hits(
        &self,
        query: &mut Query<'_>,
        passes: fn(&Self, &Query<'_>, u32, u32) -> bool,
        room: &mut Room,
        effort: &mut Effort,
    ) {
        let missing = self.k - query.nearest.heap.len();
        let wanted = (missing + self.k / 2 + 2).min(query.hits.len());
        if wanted == 0 {
            return;
        }
        let keys = &mut room.keys;
        keys.clear();
        keys.extend(query.hits.iter().map(|hit| (hit.of_codes, hit.row)));
        keys.select_nth_unstable(wanted - 1);
        keys.truncate(wanted);
        keys.sort_unstable();
        for (at, &(of_codes, row)) in keys.iter().enumerate() {
            if let Some(&(_, next)) = keys.get(at + AHEAD) {
                prefetch(self.rows.row(next as usize));
            }
            if passes(self, query, of_codes, row) {
                self.look_at(query, row, effort);
            }
        }
        // What was passed over here cannot be a neighbour, either.
        keys.sort_unstable_by_key(|&(_, row)| row);
        let mut seen = keys.iter().map(|&(_, row)| row).peekable();
        query.hits.retain(|hit| seen.next_if_eq(&hit.row).is_none());
    }

    fn passes_first(&self, query: &Query<'_>, of_codes: u32, row: u32) -> bool {
        let slack = u64::from(self.pruned.block_of(row).slack[row as usize % super::BLOCK_ROWS]);
        self.first.within(of_codes, query.first_reach + slack)
    }

    fn passes_second(&self, query: &Query<'_>, of_codes: u32, row: u32) -> bool {
        let slack = self.pruned.block_of(row).second_slack[row as usize % super::BLOCK_ROWS];
        self.second
            .within(of_codes, query.second_reach + u64::from(slack))
    }

    /// The exact distance of a row.
    fn look_at(&self, query: &mut Query<'_>, row: u32, effort: &mut Effort) {
        let distance = self.distance(query.pixels, self.rows.row(row as usize));
        effort.exact += 1;
        if let Some(threshold) = query.nearest.push(distance, row)
            && threshold < query.threshold
        {
            query.set_threshold(threshold, self);
        }
    }

    /// Compares the second codes of the hits, block by block; what passes stays a hit.
    fn second_codes(&self, span: Range<usize>, queries: &mut [Query<'_>], effort: &mut Effort) {
        let coder = &self.pruned.coder;
        let cols = self.pruned.second_cols;
        let mut bounded = 0;
        // Positions in the hits of each query: where to read on, and where to write.
        let mut places = vec![(0, 0); queries.len()];
        for number in span {
            let block = &self.pruned.blocks[number];
            let first_row = number * super::BLOCK_ROWS;
            let end = (first_row + block.first.len()) as u32;
            for (query, (read, write)) in queries.iter_mut().zip(&mut places) {
                while let Some(&hit) = query.hits.get(*read).filter(|hit| hit.row < end) {
                    *read += 1;
                    bounded += 1;
                    let row = hit.row as usize - first_row;
                    let second = &block.second[row * cols..][..cols];
                    let kept = coder.kept(hit.of_codes, query.replaced, block.replaced[row]);
                    let added = match coder.kernel() {
                        Kernel::L1 => l1_u8(self.level, query.second, second),
                        _ => l2_sq_u8(self.level, query.second, second),
                    };
                    let of_codes = kept + added;
                    let reach = query.second_reach + u64::from(block.second_slack[row]);
                    if self.second.within(of_codes, reach) {
                        query.hits[*write] = Hit { of_codes, ..hit };
                        *write += 1;
                    }
                }
            }
        }
        for (query, (_, kept)) in queries.iter_mut().zip(places) {
            query.hits.truncate(kept);
        }
        effort.bounded += bounded;
        effort.bytes += bounded * cols as u64;
    }

    /// Exact distances of the hits that are left, row by row.
    fn pixels(&self, queries: &mut [Query<'_>], room: &mut Room, effort: &mut Effort) {
        let survivors = &mut room.survivors;
        survivors.clear();
        for (number, query) in queries.iter_mut().enumerate() {
            for hit in std::mem::take(&mut query.hits) {
                if self.passes_second(query, hit.of_codes, hit.row) {
                    survivors.push(Survivor {
                        row: hit.row,
                        query: number as u32,
                        of_codes: hit.of_codes,
                    });
                }
            }
        }
        survivors.sort_unstable_by_key(|survivor| (survivor.row, survivor.query));
        for (at, survivor) in survivors.iter().enumerate() {
            if let Some(next) = survivors.get(at + AHEAD) {
                prefetch(self.rows.row(next.row as usize));
            }
            let query = &mut queries[survivor.query as usize];
            if self.passes_second(query, survivor.of_codes, survivor.row) {
                self.look_at(query, survivor.row, effort);
            }
        }
    }
}

/// What a worker keeps from span to span.
#[derive(Default)]
struct Room {
    sums: Vec<u32>,
    /// (distance of the codes, row).
    keys: Vec<(u32, u32)>,
    survivors: Vec<Survivor>,
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
