//! How rows are cut into blocks, and how what belongs to the pieces is handed to threads.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of rows in a block: with weights and gradient beside it, it stays in a second-level cache.
const BLOCK_BYTES: usize = 384 << 10;

/// Blocks come in multiples of this many rows, which suits the kernels.
const ROW_MULTIPLE: usize = 16;

/// The most rows of a block, however short.
const MAX_BLOCK_ROWS: usize = 512;

/// Rows of a block of this length.
pub(super) fn rows_per_block<T>(n_features: usize) -> usize {
    let by_cache = BLOCK_BYTES / (n_features * size_of::<T>()).max(1);
    (by_cache / ROW_MULTIPLE * ROW_MULTIPLE).clamp(ROW_MULTIPLE, MAX_BLOCK_ROWS)
}

/// The blocks of part `index`.
pub(super) fn blocks(
    index: usize,
    rows_per_part: usize,
    rows_per_block: usize,
    n_rows: usize,
) -> impl Iterator<Item = Range<usize>> {
    let first = index * rows_per_part;
    let end = n_rows.min(first + rows_per_part);
    (first..end)
        .step_by(rows_per_block)
        .map(move |start| start..end.min(start + rows_per_block))
}

/// The room of the thread that asks. Other pools than the one that `new` saw may have more threads than
/// there are rooms; they wait for each other.
pub(super) fn lock<T>(rooms: &[Mutex<T>]) -> MutexGuard<'_, T> {
    let index = rayon::current_thread_index().unwrap_or(0) % rooms.len();
    rooms[index].lock().unwrap_or_else(PoisonError::into_inner)
}

/// The chunks of what may be there, `n_chunks` of them or as many times nothing.
pub(super) fn split<E: Send>(
    whole: Option<&mut [E]>,
    size: usize,
    n_chunks: usize,
) -> Vec<Option<&mut [E]>> {
    match whole {
        None => (0..n_chunks).map(|_| None).collect(),
        Some(whole) => whole.chunks_mut(size).map(Some).collect(),
    }
}
