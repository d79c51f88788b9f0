//! Whether pruning pays for these data: a small search on a sample tells.

use super::components::evenly;
use super::{Pruned, coder, search};
use crate::neighbors::{Element, Metric, Rows};
use nearplane_kernels::Level;

/// Fewer rows are searched by brute force in less time than codes take.
const MIN_ROWS: usize = 4096;

/// Shorter rows cost little more than their codes.
const MIN_COLS: usize = 256;

/// Rows that are searched.
const SAMPLE: usize = 2048;

/// Rows whose nearest are searched for.
const QUERIES: usize = 48;

/// What a byte of a scattered row costs, against one of a block.
const SCATTERED: f64 = 5.0;

/// The share of the cost of brute force that a search may take to be worth its codes.
const WORTH: f64 = 0.5;

/// The fitted engine, where it is expected to need less than half of the time of brute force.
///
/// The nearest neighbour among the sample is about as far away as the (n / 2048)-th among n rows, so
/// that the shares that the bounds leave here stand for lists of that length.
pub(in crate::neighbors) fn pays<T: Element>(
    rows: &Rows<'_, T>,
    metric: Metric,
    level: Level,
) -> Option<Pruned> {
    let n = rows.len();
    if n < MIN_ROWS || rows.cols() < MIN_COLS {
        return None;
    }
    let coder = coder(rows, metric, level)?;
    // One in the middle between two of the sample, so that no query is in it.
    const { assert!(MIN_ROWS >= 2 * SAMPLE) };
    let between = n / SAMPLE / 2;
    let sample: Vec<u32> = evenly(n, SAMPLE).map(|row| row as u32).collect();
    let queries = evenly(sample.len(), QUERIES).map(|at| sample[at] + between as u32);
    let queries = rows.select(queries.collect()).ok()?;
    let sample = rows.select(sample).ok()?;
    let trial = Pruned::with_coder(&sample, coder, level);
    let effort = search(
        &trial,
        &sample,
        (metric, level),
        &queries,
        1,
        &(),
        &mut |_, _| {},
    )
    .ok()?;
    let lengths = trial.coder.lengths();
    let blocked = effort.pairs * (lengths.coarse + lengths.first) as u64;
    let scattered = effort.bytes - blocked;
    let cost = blocked as f64 + SCATTERED * scattered as f64;
    let brute = (effort.pairs * (rows.cols() * size_of::<T>()) as u64) as f64;
    (cost <= WORTH * brute).then(|| Pruned::with_coder(rows, trial.coder, level))
}
