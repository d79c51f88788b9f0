//! Whether pruning pays: for so many queries, and for these data, of which a small search on a sample tells.

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

/// The share of the time of brute force that making codes may take, and that a search may take which has them.
const WORTH: f64 = 0.5;

/// What the parts of a search behind bounds cost, in the time that brute force takes for a pair of a query and a row
/// and, of bytes, for a byte of it.
struct Costs {
    /// To learn how to code rows.
    learning: f64,
    /// To code a row.
    row: f64,
    /// To begin with a query, whatever the number of rows.
    query: f64,
    /// To compare a byte of a row that lies anywhere.
    scattered: f64,
}

impl Costs {
    /// As measured on CIFAR-10. What varies is brute force: products of bytes (L2) take a twentieth of the time at one
    /// level of what they take at another, and everything else is dear in proportion.
    fn of<T: Element>(metric: Metric, level: Level) -> Self {
        let is_bytes = size_of::<T>() == 1;
        let [learning, row, query, scattered] = match (is_bytes, metric, level.name()) {
            (true, Metric::L2, "amx") => [40e6, 1200.0, 12_000.0, 80.0],
            (true, Metric::L2, "avx512vnni" | "avxvnni") => [15e6, 700.0, 4000.0, 25.0],
            (true, Metric::L2, _) => [4e6, 350.0, 800.0, 5.0],
            (true, ..) => [0.0, 120.0, 1500.0, 5.0],
            (false, ..) => [0.0, 120.0, 500.0, 5.0],
        };
        Self {
            learning,
            row,
            query,
            scattered,
        }
    }
}

/// Whether so many queries could pay for the codes of these rows.
pub(in crate::neighbors) fn may_pay<T: Element>(
    rows: &Rows<'_, T>,
    metric: Metric,
    level: Level,
    n_queries: u64,
) -> bool {
    let n = rows.len() as f64;
    let costs = Costs::of::<T>(metric, level);
    rows.len() >= MIN_ROWS
        && rows.cols() >= MIN_COLS
        && costs.query <= WORTH * n
        && costs.learning / n + costs.row <= WORTH * n_queries as f64
}

/// The codes of the rows, of which there are enough, where a search that has them is expected to take less than half
/// of the time of brute force.
///
/// The nearest neighbour among the sample is about as far away as the (n / 2048)-th among n rows, so
/// that the shares that the bounds leave here stand for lists of that length.
pub(in crate::neighbors) fn pays<T: Element>(
    rows: &Rows<'_, T>,
    metric: Metric,
    level: Level,
) -> Option<Pruned> {
    let n = rows.len();
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
    let costs = Costs::of::<T>(metric, level);
    let cost = blocked as f64 + costs.scattered * scattered as f64;
    let brute = (effort.pairs * (rows.cols() * size_of::<T>()) as u64) as f64;
    let share = cost / brute + costs.query / n as f64;
    (share <= WORTH).then(|| Pruned::with_coder(rows, trial.coder, level))
}
