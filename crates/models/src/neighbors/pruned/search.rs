//! The cascade: candidates by coarse codes, first codes of all pairs, detailed codes of what is left, and the
//! elements of what is left then.
//!
//! Workers take parts of the queries, so that all that is decided about a query depends on that
//! query and the rows alone: not even the counts of what was looked at depend on the threads. A worker
//! first finds candidates for its queries ([`seeds`]), whose exact distances are the first thresholds. Then it
//! walks over the rows block by block: while the codes of a block are near, a group of queries compares all its
//! first codes, the detailed codes of the pairs that pass, and the rows themselves of the pairs that pass again,
//! the next of which is on its way. Thresholds only fall.

use super::code::Scale;
use super::nearest::Nearest;
use super::seeds::{self, each_bit, n_candidates, n_seeds};
use super::{List, Pruned};
use crate::Monitor;
use crate::neighbors::element::QUERIES_AT_ONCE;
use crate::neighbors::{Effort, Element, Metric, NeighborsError, Rows};
use nearplane_kernels::{Level, PackedQueries, TopK, u8_block_at_most};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes of lists and queries that are worked on at a time, of all workers together.
const QUERY_BYTES: usize = 96 << 20;

/// The most queries of a part: their codes stay in a second-level cache while rows pass by.
const MAX_PART: usize = 12 * QUERIES_AT_ONCE;

/// Parts for each worker, where there are queries enough, so that all finish together.
const PARTS_PER_WORKER: usize = 4;

/// Up to so many queries share the workers: these take spans of blocks, each from the first thresholds on.
const FEW: usize = 24;

/// Spans of blocks, where workers share them.
const SPANS: usize = 8;

/// Rows that are on their way while one is looked at.
const AHEAD: usize = 4;

/// Finds the k nearest of each query and hands them to `sink`, as (distance, index), in blocks.
pub(in crate::neighbors) fn search<T: Element>(
    pruned: &Pruned,
    rows: &Rows<'_, T>,
    (metric, level): (Metric, Level),
    queries: &Rows<'_, T>,
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
        metric,
        k,
        is_few: queries.len() <= FEW,
        first: pruned.coder.first_scale(),
        detail: pruned.coder.detail_scale(),
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
    let bytes_each = queries.cols() * size_of::<T>() + k.saturating_mul(64).saturating_add(1024);
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

struct Search<'s, T> {
    pruned: &'s Pruned,
    rows: &'s Rows<'s, T>,
    level: Level,
    metric: Metric,
    k: usize,
    is_few: bool,
    first: Scale,
    detail: Scale,
    progress: &'s (dyn Fn(usize) + Sync),
    cancelled: &'s (dyn Fn() -> bool + Sync),
}

/// One query on its way.
#[derive(Clone)]
struct Query<'q, T> {
    row: &'q [T],
    detail: &'q [u8],
    first_slack: u64,
    detail_slack: u64,
    nearest: Nearest,
    /// What the codes of rows within the threshold reach, without any slack. The threshold is the
    /// distance of the k-th of some rows: no neighbour is farther away.
    reach: u64,
    threshold: u32,
    /// The largest distance of first codes within reach, whatever the slack of the row.
    limit: u32,
    /// Candidates, ascending: they are done with.
    seeds: Vec<u32>,
}

impl<T> Query<'_, T> {
    /// Candidates that are not before this row.
    fn seeds_from(&self, row: u32) -> &[u32] {
        &self.seeds[self.seeds.partition_point(|&seed| seed < row)..]
    }
}

/// Some queries whose codes are compared together.
struct Group {
    coarse: PackedQueries,
    first: PackedQueries,
}

/// A pair that both codes let pass.
#[derive(Clone, Copy)]
struct Survivor {
    query: u32,
    row: u32,
    of_codes: u32,
}

/// What a worker keeps from block to block.
#[derive(Default)]
struct Room {
    limits: Vec<u32>,
    hits: Vec<u64>,
    survivors: Vec<Survivor>,
}

impl<T: Element> Search<'_, T> {
    /// The lists of some queries; short ones if the search was cancelled.
    fn part(&self, rows: &[&[T]]) -> (Vec<List>, Effort) {
        let coder = &self.pruned.coder;
        let lengths = coder.lengths();
        let codes = T::encode(coder, self.level, rows);
        let pack = |codes: &[u8], len: usize| {
            let mut packed = PackedQueries::new(self.level, coder.kernel());
            let rows: Vec<&[u8]> = codes.chunks_exact(len).collect();
            packed.pack(&rows);
            packed
        };
        let groups: Vec<Group> = codes
            .coarse
            .chunks(QUERIES_AT_ONCE * lengths.coarse)
            .zip(codes.first.chunks(QUERIES_AT_ONCE * lengths.first))
            .map(|(coarse, first)| Group {
                coarse: pack(coarse, lengths.coarse),
                first: pack(first, lengths.first),
            })
            .collect();
        let mut effort = Effort::default();
        let seeds = if self.is_few {
            (self.spans().into_par_iter())
                .map(|span| self.seeds(span, &groups, &codes.coarse, rows.len()))
                .reduce_with(|mut lists, others| {
                    for (list, other) in lists.iter_mut().zip(&others) {
                        list.merge(other);
                    }
                    lists
                })
                .unwrap_or_default()
        } else {
            self.seeds(self.blocks(), &groups, &codes.coarse, rows.len())
        };
        let mut queries: Vec<Query<'_, T>> = (rows.iter().zip(seeds))
            .enumerate()
            .map(|(at, (row, seeds))| {
                let mut query = Query {
                    row,
                    detail: &codes.detail[at * lengths.detail..][..lengths.detail],
                    first_slack: codes.first_slack[at].into(),
                    detail_slack: codes.detail_slack[at].into(),
                    nearest: Nearest::new(self.k),
                    reach: coder.reach(u32::MAX),
                    threshold: u32::MAX,
                    limit: u32::MAX,
                    seeds: Vec::new(),
                };
                self.look_at_seeds(&mut query, seeds, &mut effort);
                query
            })
            .collect();

        if self.is_few {
            let walked: Vec<(Vec<Query<'_, T>>, Effort)> = (self.spans().into_par_iter())
                .map(|span| {
                    let mut queries = queries.clone();
                    let effort = self.walk(span, &groups, &mut queries);
                    (queries, effort)
                })
                .collect();
            for (of_span, looked_at) in walked {
                effort.add(looked_at);
                for (query, of_span) in queries.iter_mut().zip(of_span) {
                    query.nearest.merge(of_span.nearest);
                }
            }
        } else {
            effort.add(self.walk(self.blocks(), &groups, &mut queries));
        }
        effort.pairs = queries.len() as u64 * self.rows.len() as u64;
        effort.bytes += effort.pairs * (lengths.coarse + lengths.first) as u64;
        effort.bytes += effort.bounded * lengths.detail as u64;
        effort.bytes += effort.exact * (self.rows.cols() * size_of::<T>()) as u64;
        let lists = queries.into_iter().map(|query| query.nearest.into_sorted());
        (lists.collect(), effort)
    }

    fn blocks(&self) -> Range<usize> {
        0..self.pruned.blocks.len()
    }

    /// Spans of blocks that workers share where queries are few.
    fn spans(&self) -> Vec<Range<usize>> {
        let n = self.blocks().len();
        let each = n.div_ceil(SPANS).max(1);
        (self.blocks().step_by(each))
            .map(|first| first..n.min(first + each))
            .collect()
    }

    /// Candidates among the rows of some blocks, for each query.
    fn seeds(
        &self,
        blocks: Range<usize>,
        groups: &[Group],
        codes: &[u8],
        n_queries: usize,
    ) -> Vec<TopK> {
        let coder = &self.pruned.coder;
        let n = n_candidates(self.k, self.rows.len());
        let mut lists = vec![TopK::new(n); n_queries];
        let mut room = seeds::Room::default();
        for (at, number) in blocks.enumerate() {
            if (self.cancelled)() {
                break;
            }
            let codes = codes.chunks(QUERIES_AT_ONCE * coder.lengths().coarse);
            let grouped = lists.chunks_mut(QUERIES_AT_ONCE);
            let block = &self.pruned.blocks[number];
            let first_row = number * self.pruned.block_rows;
            for ((group, codes), lists) in groups.iter().zip(codes).zip(grouped) {
                let queries = (&group.coarse, codes);
                if at == 0 {
                    seeds::offer_all(
                        self.level,
                        block,
                        first_row,
                        &group.coarse,
                        lists,
                        &mut room,
                    );
                } else {
                    let by = (coder, self.level);
                    seeds::offer(by, block, first_row, queries, lists, &mut room);
                }
            }
        }
        lists
    }

    /// The distances of the candidates: of those with the nearest detailed codes in any case, of the others
    /// where their bound lets them pass.
    fn look_at_seeds(&self, query: &mut Query<'_, T>, seeds: TopK, effort: &mut Effort) {
        let coder = &self.pruned.coder;
        let mut seeds = seeds.into_sorted();
        for (of_codes, row) in &mut seeds {
            let (detail, _) = self.pruned.detail(*row);
            *of_codes = coder.detail_distance(self.level, query.detail, detail);
        }
        effort.bounded += seeds.len() as u64;
        let n = n_seeds(self.k, self.rows.len());
        if n < seeds.len() {
            seeds.select_nth_unstable(n);
        }
        for (at, &(of_codes, row)) in seeds.iter().enumerate() {
            if let Some(&(_, next)) = seeds.get(at + AHEAD).filter(|_| at + AHEAD < n) {
                T::prefetch(self.rows.row(next as usize));
            }
            let (_, slack) = self.pruned.detail(row);
            if at < n || self.passes(query, of_codes, slack) {
                self.look_at(query, row, effort);
            }
        }
        // What was passed over here cannot be a neighbour, either.
        query.seeds.extend(seeds.into_iter().map(|(_, row)| row));
        query.seeds.sort_unstable();
    }

    /// Finds what is nearer among the rows of some blocks, block by block.
    fn walk(&self, blocks: Range<usize>, groups: &[Group], queries: &mut [Query<'_, T>]) -> Effort {
        let mut effort = Effort::default();
        let mut room = Room::default();
        for number in blocks {
            if (self.cancelled)() {
                break;
            }
            let grouped = queries.chunks_mut(QUERIES_AT_ONCE);
            for (group, queries) in groups.iter().zip(grouped) {
                effort.bounded += self.bounds(number, group, queries, &mut room);
                self.survivors(queries, &room.survivors, &mut effort);
            }
            (self.progress)(self.pruned.blocks[number].len() * queries.len());
        }
        effort
    }

    fn passes(&self, query: &Query<'_, T>, of_codes: u32, slack: u64) -> bool {
        self.detail
            .within(of_codes, query.reach + query.detail_slack + slack)
    }

    /// The exact distance of a row.
    fn look_at(&self, query: &mut Query<'_, T>, row: u32, effort: &mut Effort) {
        let features = self.rows.row(row as usize);
        let distance = T::pair(self.level, self.metric, query.row, features);
        effort.exact += 1;
        if let Some(threshold) = query.nearest.push(distance, row)
            && threshold < query.threshold
        {
            query.threshold = threshold;
            query.reach = self.pruned.coder.reach(threshold);
            let slack = query.first_slack + self.pruned.first_slack;
            query.limit = self.first.cutoff(query.reach + slack);
        }
    }

    /// Finds the pairs of a block and a group that both codes let pass, and returns how many the first did.
    fn bounds(
        &self,
        number: usize,
        group: &Group,
        queries: &[Query<'_, T>],
        room: &mut Room,
    ) -> u64 {
        let coder = &self.pruned.coder;
        let block = &self.pruned.blocks[number];
        let first_row = number * self.pruned.block_rows;
        let len = coder.lengths().detail;
        room.limits.clear();
        room.limits.extend(queries.iter().map(|query| query.limit));
        let words = block.len().div_ceil(64);
        room.hits.resize(queries.len() * words, 0);
        u8_block_at_most(&group.first, &block.first, &room.limits, &mut room.hits);
        room.survivors.clear();
        let hits = room.hits.chunks_exact(words);
        let mut bounded = 0;
        for (number, (query, words)) in queries.iter().zip(hits).enumerate() {
            let mut seeds = query.seeds_from(first_row as u32);
            each_bit(words, |at| {
                let row = (first_row + at) as u32;
                while seeds.first().is_some_and(|&seed| seed < row) {
                    seeds = &seeds[1..];
                }
                if seeds.first() == Some(&row) {
                    return;
                }
                bounded += 1;
                let detail = &block.detail[at * len..][..len];
                let of_codes = coder.detail_distance(self.level, query.detail, detail);
                if self.passes(query, of_codes, block.detail_slack[at].into()) {
                    room.survivors.push(Survivor {
                        query: number as u32,
                        row,
                        of_codes,
                    });
                }
            });
        }
        bounded
    }

    /// Exact distances of what is left of a group, unless the threshold has fallen below its bound since.
    fn survivors(&self, queries: &mut [Query<'_, T>], survivors: &[Survivor], effort: &mut Effort) {
        for (at, survivor) in survivors.iter().enumerate() {
            if let Some(next) = survivors.get(at + AHEAD) {
                T::prefetch(self.rows.row(next.row as usize));
            }
            let query = &mut queries[survivor.query as usize];
            let (_, slack) = self.pruned.detail(survivor.row);
            if self.passes(query, survivor.of_codes, slack) {
                self.look_at(query, survivor.row, effort);
            }
        }
    }
}
