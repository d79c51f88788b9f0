//! The k nearest rows that a query has found so far.

use super::List;
use std::collections::BinaryHeap;

/// At most k pairs, the farthest on top.
#[derive(Clone)]
pub(super) struct Nearest {
    k: usize,
    /// distance << 32 | index.
    heap: BinaryHeap<u64>,
}

impl Nearest {
    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            heap: BinaryHeap::new(),
        }
    }

    /// Takes a pair in, and returns the distance of the k-th if that is closer now.
    pub(super) fn push(&mut self, distance: u32, index: u32) -> Option<u32> {
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

    /// Takes in what another list of the same query found; pairs that are in both count once.
    pub(super) fn merge(&mut self, other: Self) {
        let mut keys = std::mem::take(&mut self.heap).into_vec();
        keys.extend(other.heap);
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(self.k);
        self.heap = keys.into();
    }

    pub(super) fn into_sorted(self) -> List {
        let keys = self.heap.into_sorted_vec().into_iter();
        keys.map(|key| ((key >> 32) as u32, key as u32)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_distances_are_ordered_by_index() {
        let mut nearest = Nearest::new(2);
        assert_eq!(nearest.push(5, 9), None);
        assert_eq!(nearest.push(5, 3), Some(5));
        assert_eq!(nearest.push(5, 4), Some(5));
        assert_eq!(nearest.push(5, 7), None);
        assert_eq!(nearest.push(1, 8), Some(5));
        assert_eq!(nearest.into_sorted(), [(1, 8), (5, 3)]);
    }

    #[test]
    fn pairs_that_two_lists_share_count_once() {
        let list = |pairs: &[(u32, u32)]| {
            let mut nearest = Nearest::new(3);
            for &(distance, index) in pairs {
                nearest.push(distance, index);
            }
            nearest
        };
        let mut nearest = list(&[(2, 7), (4, 1), (9, 0)]);
        nearest.merge(list(&[(2, 7), (4, 1), (3, 8)]));
        assert_eq!(nearest.push(5, 5), None);
        assert_eq!(nearest.into_sorted(), [(2, 7), (3, 8), (4, 1)]);
    }
}
