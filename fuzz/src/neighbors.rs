//! The k nearest rows: the pruned engine, brute force and a sort of all distances give the same pairs.

use nearplane_kernels::{Level, MatRef, l1_f32, l1_u8, l2_sq_f32, l2_sq_u8};
use nearplane_models::neighbors::{Element, Engine, Index, Metric, NeighborsError, Rows};

use crate::input::Input;
use crate::kernels_f32::Numbers;

/// Elements that all pairs of rows may have together.
const WORK: usize = 1 << 12;

/// Whatever the rows: neighbours are those that a sort of all (distance, index) pairs begins with, and both engines
/// find them; where there are none to find, both say so.
pub fn neighbors(data: &[u8]) {
    let mut input = Input::new(data);
    let level = input.pick(&Level::available());
    let metric = input.pick(&[Metric::L1, Metric::L2]);
    let cols = 1 + input.below(100);
    let n_queries = 1 + input.below(6);
    let n_rows = 1 + input.below(256).min(WORK / cols / n_queries);
    let k = 1 + input.below(n_rows);
    let shift = input.below(8);
    if input.is() {
        let numbers = input.pick(&[Numbers::Fixed, Numbers::Normal, Numbers::Normal]);
        let rows = numbers.fill(&mut input, n_rows * cols);
        let queries = numbers.fill(&mut input, n_queries * cols);
        let pair = |a: &[f32], b: &[f32]| match metric {
            Metric::L1 => l1_f32(level, a, b).to_bits(),
            _ => l2_sq_f32(level, a, b).to_bits(),
        };
        check(level, metric, &rows, &queries, cols, k, pair, f32::to_bits);
    } else {
        // Shifted, so that many distances are equal.
        let bytes = |input: &mut Input<'_>, n| -> Vec<u8> {
            input
                .fill(n)
                .into_iter()
                .map(|byte| byte >> shift)
                .collect()
        };
        let rows = bytes(&mut input, n_rows * cols);
        let queries = bytes(&mut input, n_queries * cols);
        let pair = |a: &[u8], b: &[u8]| match metric {
            Metric::L1 => l1_u8(level, a, b),
            _ => l2_sq_u8(level, a, b),
        };
        check(level, metric, &rows, &queries, cols, k, pair, |sum| sum);
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "one search and what it is compared by"
)]
fn check<T: Element>(
    level: Level,
    metric: Metric,
    rows: &[T],
    queries: &[T],
    cols: usize,
    k: usize,
    pair: impl Fn(&[T], &[T]) -> u32,
    bits: impl Fn(T::Distance) -> u32,
) {
    let (row_list, query_list) = (
        MatRef::from_rows(rows, cols),
        MatRef::from_rows(queries, cols),
    );
    let rows = Rows::from_mat(row_list).expect("rows of one shape");
    let queries = Rows::from_mat(query_list).expect("queries of one shape");
    for engine in [Engine::BruteForce, Engine::Pruned, Engine::Auto] {
        let index = match Index::with_engine(rows.clone(), metric, level, engine) {
            Ok(index) => index,
            // Only the pruned engine may decline, and only floats.
            Err(NeighborsError::NoBounds { .. }) if engine == Engine::Pruned => {
                assert!(size_of::<T>() > 1, "no bounds of bytes, {cols} columns");
                continue;
            }
            Err(error) => panic!("{engine}: {error}"),
        };
        let found = index
            .kneighbors(&queries, k)
            .unwrap_or_else(|error| panic!("{engine}: {error}"));
        for (i, query) in query_list.iter().enumerate() {
            let mut expected: Vec<(u32, u32)> = row_list
                .iter()
                .map(|row| pair(query, row))
                .zip(0..)
                .collect();
            expected.sort_unstable();
            expected.truncate(k);
            let distances = found.distances(i).iter().map(|&distance| bits(distance));
            let found: Vec<(u32, u32)> = distances.zip(found.indices(i).iter().copied()).collect();
            assert_eq!(
                found,
                expected,
                "{engine}/{level}/{metric}: {} rows of {cols}, k = {k}, query {i}",
                rows.len()
            );
        }
    }
}
