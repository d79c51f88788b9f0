//! The k smallest of a stream of (distance, index) pairs, in that order, in bounded memory.

use crate::Level;
use crate::arch;

/// The `k` nearest so far, ordered by (distance, index): equal distances by the smaller index.
///
/// Distances are given as 32 ordered bits: an exact u8 sum as it is, a non-negative f32 through
/// [`f32::to_bits`]. Because the order is total, the result does not depend on the order of the
/// pushes, and lists of parts merge to the list of the whole.
///
/// ```
/// use nearplane_kernels::TopK;
/// let mut nearest = TopK::new(2);
/// for (index, distance) in [7, 3, 9, 3].into_iter().enumerate() {
///     nearest.push(distance, index as u32);
/// }
/// assert_eq!(nearest.into_sorted(), [(3, 1), (3, 3)]);
/// ```
#[derive(Debug, Clone)]
pub struct TopK {
    k: usize,
    /// distance << 32 | index: one comparison is the order by (distance, index). At most
    /// `capacity(k)` keys, cut back to the k smallest when full, so that nearly all pushes are an
    /// append and no heap is kept in order.
    keys: Vec<u64>,
    /// No key above it can be among the k smallest.
    bound: u64,
}

fn key(distance: u32, index: u32) -> u64 {
    u64::from(distance) << 32 | u64::from(index)
}

fn capacity(k: usize) -> usize {
    k.saturating_mul(2).max(k.saturating_add(16))
}

impl TopK {
    /// An empty list for the `k` nearest. Nothing is allocated yet; at most
    /// `16 k` bytes will be, or a few more for a small `k`.
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self {
            k,
            keys: Vec::new(),
            bound: if k == 0 { 0 } else { u64::MAX },
        }
    }

    /// How many are kept.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// A distance above this one cannot enter any more; an equal one still can, with a small index.
    #[must_use]
    pub fn threshold(&self) -> u32 {
        (self.bound >> 32) as u32
    }

    /// Offers a pair. The greatest possible one, (`u32::MAX`, `u32::MAX`), never enters: no matrix has
    /// that many rows.
    #[inline]
    pub fn push(&mut self, distance: u32, index: u32) {
        self.push_key(key(distance, index));
    }

    #[inline]
    fn push_key(&mut self, key: u64) {
        if key >= self.bound {
            return;
        }
        if self.keys.len() == self.keys.capacity() {
            let wanted = (2 * self.keys.len()).max(16).min(capacity(self.k));
            self.keys.reserve_exact(wanted - self.keys.len());
        }
        self.keys.push(key);
        if self.keys.len() == capacity(self.k) {
            self.shrink();
        }
    }

    /// Offers the distances of consecutive rows, the first of which has index `first`, and returns the
    /// threshold after that.
    ///
    /// Nearly all distances of a search are above the threshold; they are passed over many at a time.
    pub fn push_row(&mut self, level: Level, distances: &[u32], first: u32) -> u32 {
        let mut at = 0;
        while let Some(next) = arch::first_at_most(level, &distances[at..], self.threshold()) {
            at += next;
            self.push(distances[at], first + at as u32);
            at += 1;
        }
        self.threshold()
    }

    /// Takes in the nearest of another part of the rows.
    pub fn merge(&mut self, other: &Self) {
        for &key in &other.keys {
            self.push_key(key);
        }
    }

    /// The nearest, as (distance, index), the nearest first; fewer than k if fewer were offered.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<(u32, u32)> {
        self.keys.sort_unstable();
        self.keys.truncate(self.k);
        self.keys
            .into_iter()
            .map(|key| ((key >> 32) as u32, key as u32))
            .collect()
    }

    /// Keeps the k smallest; their greatest is the new bound, which only smaller keys pass.
    fn shrink(&mut self) {
        if let Some(last) = self.k.checked_sub(1) {
            self.bound = *self.keys.select_nth_unstable(last).1;
        }
        self.keys.truncate(self.k);
    }
}

/// Whether any value is not above `threshold`: whether a list with that
/// [threshold](TopK::threshold) has to be looked at at all.
///
/// ```
/// use nearplane_kernels::{Level, any_at_most};
/// assert!(any_at_most(Level::detect(), &[9, 5, 7], 5));
/// assert!(!any_at_most(Level::detect(), &[9, 5, 7], 4));
/// ```
#[must_use]
pub fn any_at_most(level: Level, values: &[u32], threshold: u32) -> bool {
    arch::first_at_most(level, values, threshold).is_some()
}

/// Calls `visit` with the position of every value that is not above `threshold`, in ascending order.
///
/// ```
/// use nearplane_kernels::{Level, each_at_most};
/// let mut seen = Vec::new();
/// each_at_most(Level::detect(), &[9, 5, 7, 5], 5, |position| seen.push(position));
/// assert_eq!(seen, [1, 3]);
/// ```
pub fn each_at_most(level: Level, values: &[u32], threshold: u32, mut visit: impl FnMut(usize)) {
    let mut at = 0;
    while let Some(next) = arch::first_at_most(level, &values[at..], threshold) {
        visit(at + next);
        at += next + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nearest(k: usize, distances: &[u32]) -> Vec<(u32, u32)> {
        let mut all: Vec<(u32, u32)> = distances.iter().copied().zip(0..).collect();
        all.sort_unstable();
        all.truncate(k);
        all
    }

    proptest! {
        #[test]
        fn equals_a_sort(
            k in 0usize..40,
            distances in prop::collection::vec(0u32..50, 0..400),
            cut in 0usize..400,
        ) {
            let cut = cut.min(distances.len());
            let expected = nearest(k, &distances);
            for level in Level::available() {
                let mut whole = TopK::new(k);
                whole.push_row(level, &distances, 0);
                prop_assert_eq!(whole.into_sorted(), expected.as_slice(), "{}", level);
            }

            // Two parts in the wrong order merge to the same list.
            let level = Level::detect();
            let (mut left, mut right) = (TopK::new(k), TopK::new(k));
            left.push_row(level, &distances[..cut], 0);
            right.push_row(level, &distances[cut..], cut as u32);
            right.merge(&left);
            prop_assert_eq!(right.into_sorted(), expected);
        }
    }

    #[test]
    fn memory_is_what_the_documentation_says() {
        for k in [1, 10, 1000, 1025] {
            let mut list = TopK::new(k);
            for index in 0..5000 {
                list.push(5000 - index, index);
            }
            assert!(list.keys.capacity() <= (2 * k).max(k + 16), "k = {k}");
        }
    }

    #[test]
    fn floats_keep_their_order_as_bits() {
        let distances = [2.5f32, 0.0, 1e-40, f32::INFINITY, 3.0e8];
        let mut list = TopK::new(3);
        for (index, distance) in distances.iter().enumerate() {
            list.push(distance.to_bits(), index as u32);
        }
        let order: Vec<u32> = list.into_sorted().iter().map(|pair| pair.1).collect();
        assert_eq!(order, [1, 2, 0]);
    }

    #[test]
    fn an_equal_distance_with_a_smaller_index_still_enters() {
        let mut list = TopK::new(1);
        for index in (0..100).rev() {
            list.push(5, index);
        }
        assert_eq!(list.threshold(), 5);
        assert_eq!(list.into_sorted(), [(5, 0)]);
    }
}
