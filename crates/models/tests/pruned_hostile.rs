//! Rows made to deceive the pruned engine: those that it learns from are unlike the others, values are as large,
//! as small or as equal as they can be. The answer is brute force's, bit by bit.

use nearplane_kernels::{Level, MatRef};
use nearplane_models::Monitor;
use nearplane_models::neighbors::{Element, Engine, Index, Metric, NeighborsError, Rows};
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

const METRICS: [Metric; 2] = [Metric::L1, Metric::L2];

fn rows<T: Element>(data: &[T], cols: usize) -> Rows<'_, T> {
    Rows::from_mat(MatRef::from_rows(data, cols)).unwrap()
}

fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        state >> 33
    }
}

fn bytes(n: usize, seed: u64) -> Vec<u8> {
    let mut next = random(seed);
    (0..n).map(|_| (next() >> 16) as u8).collect()
}

/// Both metrics: the same distances, as bits, and indices, from batches and from a few queries.
fn check<T: Element>(train: &Rows<'_, T>, queries: &Rows<'_, T>, ks: &[usize], level: Level) {
    for metric in METRICS {
        let brute = Index::new(train.clone(), metric, level).unwrap();
        let pruned = Index::with_engine(train.clone(), metric, level, Engine::Pruned).unwrap();
        for &k in ks {
            let expected = brute.kneighbors(queries, k).unwrap();
            for queries in [queries.clone(), queries.limit(3)] {
                let found = pruned.kneighbors(&queries, k).unwrap();
                for query in 0..queries.len() {
                    let bits = |distances: &[T::Distance]| -> Vec<u64> {
                        let numbers = distances.iter().map(|&distance| distance.into());
                        numbers.map(f64::to_bits).collect()
                    };
                    assert_eq!(
                        (found.indices(query), bits(found.distances(query))),
                        (expected.indices(query), bits(expected.distances(query))),
                        "{metric}, {level}, k = {k}, query {query} of {} against {} x {}",
                        queries.len(),
                        train.len(),
                        train.cols()
                    );
                }
            }
        }
    }
}

/// Whether the engine may have learnt from a row: it takes `of` rows, evenly spaced.
fn is_sampled(row: usize, n: usize, of: usize) -> bool {
    (row * of).div_ceil(n) * n / of == row
}

#[test]
fn rows_may_be_unlike_all_that_was_learnt_from() {
    // Every other row is learnt from: black, white, or noise of one pixel; the others fill the range.
    let (n, cols) = (6000, 40);
    let dice = bytes(n * cols, 1);
    for sampled in [0u8, 255, 128] {
        for noise in [0, 1] {
            let byte = |at: usize| match is_sampled(at / cols, n, 3000) {
                true => sampled ^ (dice[at] & noise),
                false if at / cols % 4 == 1 => 255 * (dice[at] & 1),
                false => dice[at],
            };
            let train: Vec<u8> = (0..n * cols).map(byte).collect();
            let mut queries = bytes(12 * cols, 2);
            queries.extend(&train[..14 * cols]);
            queries.extend([0; 40]);
            queries.extend([255; 40]);
            let (train, queries) = (rows(&train, cols), rows(&queries, cols));
            check(&train, &queries, &[1, 30], Level::detect());
        }
    }
}

#[test]
fn floats_may_be_unlike_all_that_was_learnt_from() {
    let (n, cols) = (2000, 24);
    let dice = bytes(n * cols, 3);
    for (sampled, others) in [(0.0f32, 1.0f32), (1e-3, 1e3), (1.0, 1e-6), (-1e6, 1e-20)] {
        let value = |at: usize| {
            let die = f32::from(dice[at]) - 127.5;
            match is_sampled(at / cols, n, 1000) {
                true => sampled * (die + 300.0),
                false => others * die,
            }
        };
        let train: Vec<f32> = (0..n * cols).map(value).collect();
        let (train, queries) = (rows(&train, cols), rows(&train[..30 * cols], cols));
        check(&train, &queries, &[1, 20], Level::detect());
    }
}

#[test]
fn one_outlier_does_not_hide_the_others() {
    let (n, cols) = (900, 50);
    let mut next = random(4);
    let mut train: Vec<f32> = (0..n * cols).map(|_| next() as f32 / 2e9).collect();
    for outlier in [1e4f32, 1e18, 1e37] {
        // Among the rows learnt from, and not the first.
        train[450 * cols..][..cols].fill(outlier);
        train[7 * cols + 3] = -outlier;
        let queries: Vec<f32> = train[440 * cols..][..26 * cols].to_vec();
        check(
            &rows(&train, cols),
            &rows(&queries, cols),
            &[1, 10],
            Level::detect(),
        );
    }
}

#[test]
fn rows_that_differ_in_one_pixel() {
    // Distances 0, 1 and 2 (or their squares) only: a bound that is too large by one rules out a neighbour.
    let cols = 3 * 16 * 16;
    let one = bytes(cols, 5);
    let mut next = random(6);
    let mut train = Vec::new();
    for _ in 0..1500 {
        let at = train.len();
        train.extend(&one);
        let pixel: &mut u8 = &mut train[at + next() as usize % cols];
        *pixel = match next() % 3 {
            0 => pixel.saturating_add(1),
            1 => pixel.saturating_sub(1),
            _ => *pixel,
        };
    }
    let (train, queries) = (rows(&train, cols), rows(&train[..30 * cols], cols));
    check(&train, &queries, &[1, 10, 400], Level::detect());
}

#[test]
fn checkerboards_are_alike_in_every_mean() {
    let side = 16;
    let cols = 3 * side * side;
    let mut train = Vec::new();
    for board in 0..700 {
        for at in 0..cols {
            let (y, x) = (at / side % side, at % side);
            let cell = 1 << (board % 4);
            let is_white = (y / cell + x / cell + board) % 2 == 0;
            train.push(if is_white { 255 } else { (board / 8) as u8 });
        }
    }
    let (train, queries) = (rows(&train, cols), rows(&train[..30 * cols], cols));
    check(&train, &queries, &[1, 10, 100], Level::detect());
}

#[test]
fn the_longest_rows_of_extremes_at_every_level() {
    let cols = nearplane_kernels::MAX_EXACT_U8;
    let mut next = random(7);
    let mut train = Vec::new();
    for row in 0..6 {
        let flip = if row % 2 == 0 { 0 } else { 255 };
        // One block of columns in each row is the other way round.
        let from = next() as usize % cols;
        train.extend((0..cols).map(|col| {
            if (from..from + row * 9000).contains(&col) {
                255 - flip
            } else {
                flip
            }
        }));
    }
    for level in Level::available() {
        // Code without SIMD would take long.
        if ![Level::SCALAR, Level::PORTABLE].contains(&level) {
            check(&rows(&train, cols), &rows(&train, cols), &[1, 6], level);
        }
    }
    // As many columns sum as many rounding errors.
    let floats: Vec<f32> = train
        .iter()
        .map(|&byte| f32::from(byte) * 0.1 + 1e3)
        .collect();
    check(
        &rows(&floats, cols),
        &rows(&floats, cols),
        &[1, 6],
        Level::detect(),
    );
}

#[test]
fn selected_rows_of_several_shards() {
    let cols = 30;
    let data = bytes(1500 * cols, 8);
    let shards = [0..70, 70..71, 71..900, 900..1500]
        .map(|range| MatRef::from_rows(&data[range.start * cols..range.end * cols], cols));
    let all = Rows::from_shards(shards.to_vec()).unwrap();
    let some = all
        .select((0..1400).filter(|row| row % 3 != 1).collect())
        .unwrap();
    check(&some, &all.limit(50), &[1, 10, some.len()], Level::detect());
}

#[test]
fn few_directions_still_prune() {
    // Rows of a few patterns: most directions have no variance, and must not spoil the others.
    let cols = 3 * 16 * 16;
    let patterns = bytes(8 * cols, 9);
    let mut next = random(10);
    let mut train = Vec::new();
    for _ in 0..2000 {
        let weights: Vec<u64> = (0..8).map(|_| next() % 32).collect();
        train.extend((0..cols).map(|col| {
            let terms = weights.iter().zip(patterns[col..].iter().step_by(cols));
            (terms.map(|(w, &p)| w * u64::from(p)).sum::<u64>() / 256) as u8
        }));
    }
    let (train, queries) = (rows(&train, cols), rows(&train[..40 * cols], cols));
    check(&train, &queries, &[1, 10], Level::detect());
    let index = Index::with_engine(train, Metric::L2, Level::detect(), Engine::Pruned).unwrap();
    let effort = index.search(&queries, 10, &(), |_| {}).unwrap();
    assert!(effort.bounded < effort.pairs / 8, "{effort:?}");
    assert!(effort.exact < effort.pairs / 32, "{effort:?}");
}

/// Stops a search once it has asked so often, and keeps the last progress.
struct Watch {
    asked: AtomicU64,
    stop_at: u64,
    done: AtomicU64,
}

impl Watch {
    fn new(stop_at: u64) -> Self {
        Self {
            asked: AtomicU64::new(0),
            stop_at,
            done: AtomicU64::new(0),
        }
    }
}

impl Monitor for Watch {
    fn progress(&self, done: u64, total: u64) {
        assert!(done <= total);
        self.done.fetch_max(done, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.stop_at
    }
}

#[test]
fn few_queries_and_many_are_watched_alike() {
    let cols = 48;
    let data = bytes(5000 * cols, 11);
    let train = rows(&data, cols);
    let n_blocks = 5000_u64.div_ceil(1024);
    for metric in METRICS {
        let index = Index::with_engine(train.clone(), metric, Level::detect(), Engine::Pruned);
        let index = index.unwrap();
        for n_queries in [1, 24, 25, 300] {
            let queries = train.limit(n_queries);
            let watch = Watch::new(u64::MAX);
            let effort = index.search(&queries, 3, &watch, |_| {}).unwrap();
            assert_eq!(watch.done.into_inner(), effort.pairs);
            // Candidates and bounds ask once a block each.
            let asked = watch.asked.into_inner();
            assert!(
                asked >= 2 * n_blocks,
                "{n_queries} queries asked {asked} times"
            );
            for stop_at in 0..2 * n_blocks {
                let watch = Watch::new(stop_at);
                let stopped = index.search(&queries, 3, &watch, |_| panic!("handed out a block"));
                assert_eq!(
                    stopped,
                    Err(NeighborsError::Cancelled),
                    "{n_queries}, {stop_at}"
                );
                assert!(watch.done.into_inner() < effort.pairs);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Values of very different sizes and signs, zeros of both signs, subnormal and near the largest, at every level.
    #[test]
    fn floats_of_any_size(
        (cols, data) in (1usize..40).prop_flat_map(|cols| {
            let value = prop_oneof![
                4 => (-40i32..40, -2.0f32..2.0).prop_map(|(e, m)| m * 2.0f32.powi(e)),
                2 => (-149i32..127, -1.9f32..1.9).prop_map(|(e, m)| m * 2.0f32.powi(e)),
                1 => prop::sample::select(vec![0.0, -0.0, 1.0, -1.0, 1e-45, f32::MIN_POSITIVE, 1e38]),
            ];
            (Just(cols), prop::collection::vec(value, cols..80 * cols))
        }),
    ) {
        let all = rows(&data[..data.len() / cols * cols], cols);
        for level in Level::available() {
            let refused = METRICS.iter().any(|&metric| {
                Index::with_engine(all.clone(), metric, level, Engine::Pruned).is_err()
            });
            if !refused {
                check(&all, &all, &[1, all.len().min(7)], level);
            }
        }
    }

    /// A few distances apart: bytes that differ a little, around a centre, in rows of any length.
    #[test]
    fn bytes_that_hardly_differ(
        cols in 1usize..200,
        n in 1usize..90,
        spread in 1u8..5,
        centre in prop::sample::select(vec![0u8, 3, 127, 128, 250]),
        seed in any::<u64>(),
    ) {
        let data: Vec<u8> = bytes(n * cols, seed).iter().map(|die| centre + die % spread).collect();
        let all = rows(&data, cols);
        for level in Level::available() {
            check(&all, &all.limit(26), &[1, n], level);
        }
    }
}
