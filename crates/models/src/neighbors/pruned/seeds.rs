//! First candidates: for each query the rows whose coarse codes are nearest.
//!
//! Their exact distances give a threshold that is close to the last one, so that the bounds of all other
//! rows are compared with it from the first row on. Nothing is ruled out here, and any rows would do.

use super::Block;
use super::code::Coder;
use nearplane_kernels::{Level, MatMut, PackedQueries, TopK, u8_block, u8_block_at_most};

/// How many rows with the nearest coarse codes are compared by detailed codes, for k neighbours.
pub(super) fn n_candidates(k: usize, n_rows: usize) -> usize {
    k.saturating_mul(2).saturating_add(60).min(n_rows)
}

/// How many of these, the nearest by detailed codes, are looked at, to have k with the right ones among them.
pub(super) fn n_seeds(k: usize, n_rows: usize) -> usize {
    (k.saturating_add(k / 2).saturating_add(5)).min(n_rows)
}

/// What a worker keeps from group to group.
#[derive(Debug, Default)]
pub(super) struct Room {
    sums: Vec<u32>,
    limits: Vec<u32>,
    hits: Vec<u64>,
}

/// The positions of bits that are set, ascending.
pub(super) fn each_bit(words: &[u64], mut visit: impl FnMut(usize)) {
    for (at, &word) in words.iter().enumerate() {
        let mut left = word;
        while left != 0 {
            visit(64 * at + left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}

/// Offers all rows of a block, the first of which has index `first_row`, to the lists of a group of queries.
pub(super) fn offer_all(
    level: Level,
    block: &Block,
    first_row: usize,
    packed: &PackedQueries,
    lists: &mut [TopK],
    room: &mut Room,
) {
    let n_rows = block.len();
    room.sums.resize(packed.len() * n_rows, 0);
    let mut sums = MatMut::new(&mut room.sums, packed.len(), n_rows, n_rows);
    u8_block(packed, &block.coarse, &mut sums);
    for (query, list) in lists.iter_mut().enumerate() {
        list.push_row(level, sums.row(query), first_row as u32);
    }
}

/// The same, for lists that have thresholds already: few rows are below them.
pub(super) fn offer(
    (coder, level): (&Coder, Level),
    block: &Block,
    first_row: usize,
    (packed, codes): (&PackedQueries, &[u8]),
    lists: &mut [TopK],
    room: &mut Room,
) {
    let len = coder.lengths().coarse;
    room.limits.clear();
    room.limits.extend(lists.iter().map(TopK::threshold));
    let words = block.len().div_ceil(64);
    room.hits.resize(packed.len() * words, 0);
    u8_block_at_most(packed, &block.coarse, &room.limits, &mut room.hits);
    let queries = lists.iter_mut().zip(codes.chunks_exact(len));
    for ((list, code), words) in queries.zip(room.hits.chunks_exact(words)) {
        each_bit(words, |row| {
            let other = &block.coarse_rows[row * len..][..len];
            let distance = coder.coarse_distance(level, code, other);
            list.push(distance, (first_row + row) as u32);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_in_order() {
        let mut seen = Vec::new();
        each_bit(&[1 | 1 << 63, 0, 1 << 5], |at| seen.push(at));
        assert_eq!(seen, [0, 63, 133]);
    }

    #[test]
    fn there_are_never_more_seeds_than_rows() {
        for k in [1, 10, 60, 100, usize::MAX] {
            let (candidates, seeds) = (n_candidates(k, 100), n_seeds(k, 100));
            assert!(seeds >= k.min(100) && candidates >= seeds && candidates <= 100);
        }
    }
}
