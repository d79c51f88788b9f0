//! Whether pruning pays: for so many queries, and for these data, of which a small search on a sample tells.

use super::components::evenly;
use super::seeds::{n_candidates, n_seeds};
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
    /// The candidates of a query, whatever the number of rows.
    query: f64,
    /// To compare a byte of a row that lies anywhere and is no candidate.
    scattered: f64,
}

impl Costs {
    /// As measured on CIFAR-10. What varies is brute force: squares of bytes (L2) take seventeen times as long at one level
    /// as at another, and the rest of a search is cheap in proportion.
    fn of<T: Element>(metric: Metric, level: Level) -> Self {
        let is_bytes = size_of::<T>() == 1;
        let [learning, row, query, scattered] = match (is_bytes, metric, level.name()) {
            (true, Metric::L2, "amx") => [40e6, 1200.0, 12_000.0, 120.0],
            (true, Metric::L2, "avx512vnni" | "avxvnni") => [15e6, 700.0, 4000.0, 40.0],
            (true, Metric::L2, _) => [4e6, 350.0, 800.0, 10.0],
            (true, ..) => [0.0, 120.0, 1500.0, 10.0],
            (false, ..) => [0.0, 120.0, 500.0, 10.0],
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
    let row_bytes = rows.cols() * size_of::<T>();
    let blocked = effort.pairs * (lengths.coarse + lengths.first) as u64;
    // The sample has as many candidates as all rows have: they are counted apart.
    let of_candidates = n_candidates(1, SAMPLE) * lengths.detail + n_seeds(1, SAMPLE) * row_bytes;
    let scattered = effort.bytes - blocked;
    let scattered = scattered.saturating_sub((QUERIES * of_candidates) as u64);
    let costs = Costs::of::<T>(metric, level);
    let cost = blocked as f64 + costs.scattered * scattered as f64;
    let brute = (effort.pairs * row_bytes as u64) as f64;
    let share = cost / brute + costs.query / n as f64;
    (share <= WORTH).then(|| Pruned::with_coder(rows, trial.coder, level))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearplane_kernels::MatRef;

    #[test]
    fn codes_may_pay_from_the_queries_on_that_take_twice_as_long() {
        let data = vec![0; 32_768 * MIN_COLS];
        let rows = Rows::from_mat(MatRef::from_rows(&data, MIN_COLS)).unwrap();
        for level in Level::available() {
            // (learning / rows + coding) / WORTH.
            let from = match level.name() {
                "amx" => 4842,
                "avx512vnni" | "avxvnni" => 2316,
                "scalar" | "portable" | "avx2" | "avx512" | "neon" => 945,
                name => panic!("the costs of level {name} are not known"),
            };
            for (metric, from) in [(Metric::L1, 240), (Metric::L2, from)] {
                let may_pay = |n_queries| may_pay(&rows, metric, level, n_queries);
                assert!(!may_pay(from - 1), "{metric} {level}");
                assert!(may_pay(from), "{metric} {level}");
            }
            let too_few = rows.limit(MIN_ROWS - 1);
            assert!(!may_pay(&too_few, Metric::L1, level, u64::MAX));
        }
        let narrow = Rows::from_mat(MatRef::from_rows(&data, MIN_COLS / 2)).unwrap();
        assert!(!may_pay(&narrow, Metric::L1, Level::SCALAR, u64::MAX));
    }
}
