//! The queue between the one thread that reads and the many that decode, bounded in bytes.
//!
//! A bound in files would not do: a queue of sixty-four thumbnails is nothing, of sixty-four
//! camera images it is gigabytes.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// An image on its way to be decoded: its bytes, or why they could not be read.
pub(super) struct Item {
    pub(super) path: String,
    pub(super) bytes: Result<Vec<u8>, String>,
}

impl Item {
    /// What the item costs, so that a flood of empty files is bounded as well.
    fn cost(&self) -> usize {
        self.path.len() + self.bytes.as_ref().map_or(0, Vec::len) + size_of::<Item>()
    }
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    cost: usize,
    closed: bool,
}

/// A queue that makes its writer wait while it holds `limit` bytes or more, and its readers wait
/// while it is empty.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    limit: usize,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Queue {
        Queue {
            state: Mutex::default(),
            changed: Condvar::new(),
            limit,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements, so a poisoned lock is as good as new.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item; `false` if the queue was closed and the item dropped.
    pub(super) fn push(&self, item: Item) -> bool {
        let mut state = self.lock();
        while !state.closed && state.cost >= self.limit {
            state = self.wait(state);
        }
        if state.closed {
            return false;
        }
        state.cost += item.cost();
        state.items.push_back(item);
        self.changed.notify_all();
        true
    }

    /// The next item, or `None` once the queue is closed and empty.
    fn pop(&self) -> Option<Item> {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.items.pop_front() {
                state.cost -= item.cost();
                self.changed.notify_all();
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// No further items; what is queued is still handed out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// No further items, and what is queued is dropped.
    pub(super) fn abort(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.cost = 0;
        state.items.clear();
        self.changed.notify_all();
    }
}

impl Iterator for &Queue {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        self.pop()
    }
}

/// Closes the queue when dropped, so that a panic on one side never leaves the other side waiting.
pub(super) struct CloseOnDrop<'a>(pub(super) &'a Queue);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn item(name: usize, bytes: usize) -> Item {
        Item {
            path: name.to_string(),
            bytes: Ok(vec![0; bytes]),
        }
    }

    #[test]
    fn everything_comes_out_in_order_through_a_narrow_queue() {
        let queue = Queue::new(1);
        thread::scope(|scope| {
            scope.spawn(|| {
                (0..1000).for_each(|name| assert!(queue.push(item(name, 10))));
                queue.close();
            });
            let names: Vec<String> = (&queue).map(|item| item.path).collect();
            let expected: Vec<String> = (0..1000).map(|name| name.to_string()).collect();
            assert_eq!(names, expected);
        });
        assert_eq!(queue.lock().cost, 0);
    }

    #[test]
    fn a_full_queue_holds_at_most_one_item_above_its_limit() {
        let queue = Queue::new(1000);
        thread::scope(|scope| {
            scope.spawn(|| {
                (0..100).for_each(|name| assert!(queue.push(item(name, 600))));
                queue.close();
            });
            let mut count = 0;
            while let Some(item) = queue.pop() {
                assert!(queue.lock().cost < 1000 + item.cost());
                count += 1;
            }
            assert_eq!(count, 100);
        });
    }

    #[test]
    fn closing_keeps_and_aborting_drops_what_is_queued() {
        let queue = Queue::new(1000);
        assert!(queue.push(item(7, 1)));
        queue.close();
        assert!(!queue.push(item(8, 1)));
        assert_eq!(queue.pop().map(|item| item.path).as_deref(), Some("7"));
        assert!(queue.pop().is_none());

        let queue = Queue::new(1000);
        assert!(queue.push(item(7, 1)));
        queue.abort();
        assert!(queue.pop().is_none());
    }

    #[test]
    fn a_writer_that_waits_is_woken_by_closing() {
        let queue = Queue::new(1);
        thread::scope(|scope| {
            let writer = scope.spawn(|| queue.push(item(1, 1)) && queue.push(item(2, 1)));
            while queue.lock().items.is_empty() {
                thread::yield_now();
            }
            drop(CloseOnDrop(&queue));
            assert_eq!(writer.join().ok(), Some(false));
        });
    }
}
