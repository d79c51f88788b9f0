//! The index against a naive search: every level, thread count, layout and element type; the order of
//! ties; the whole classifier against a vote written out by hand.

use nearplane_kernels::{Level, MatRef, chi2_f32, l1_f32, l2_sq_f32};
use nearplane_models::Monitor;
use nearplane_models::neighbors::{
    Index, KNeighborsParams, Metric, NeighborsError, Rows, TieRule, Votes, Weights,
};
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// A fixed stream of numbers (SplitMix64).
fn random(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32
    })
}

fn bytes(n: usize, levels: u64, seed: u64) -> Vec<u8> {
    random(seed).map(|z| (z % levels) as u8).take(n).collect()
}

fn rows<T: nearplane_models::neighbors::Element>(data: &[T], cols: usize) -> Rows<'_, T> {
    Rows::from_mat(MatRef::from_rows(data, cols)).unwrap()
}

/// All pairs, sorted by (distance, index).
fn naive(train: &[u8], queries: &[u8], cols: usize, k: usize, metric: Metric) -> Vec<(u32, u32)> {
    queries
        .chunks(cols)
        .flat_map(|query| {
            let mut all: Vec<(u32, u32)> = train
                .chunks(cols)
                .zip(0..)
                .map(|(row, index)| {
                    let differences = query
                        .iter()
                        .zip(row)
                        .map(|(a, b)| u32::from(a.abs_diff(*b)));
                    let distance = match metric {
                        Metric::L1 => differences.sum(),
                        _ => differences.map(|d| d * d).sum(),
                    };
                    (distance, index)
                })
                .collect();
            all.sort_unstable();
            all.truncate(k);
            all
        })
        .collect()
}

fn found(index: &Index<'_, u8>, queries: &Rows<'_, u8>, k: usize) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    let mut next_query = 0;
    index
        .search(queries, k, &(), |block| {
            assert_eq!(block.first_query, next_query);
            for (query, distances, indices) in block.queries() {
                assert_eq!(query, next_query);
                next_query += 1;
                pairs.extend(distances.iter().copied().zip(indices.iter().copied()));
            }
        })
        .unwrap();
    assert_eq!(next_query, queries.len());
    pairs
}

fn in_pool<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(run)
}

#[test]
fn every_level_and_thread_count_gives_the_naive_answer() {
    // Four grey levels in few columns: nearly every distance occurs many times.
    for (n, n_queries, cols, levels) in [(700, 60, 6, 4), (300, 30, 257, 256), (40, 3, 33, 2)] {
        let (train, eval) = (
            bytes(n * cols, levels, 1),
            bytes(n_queries * cols, levels, 2),
        );
        let queries = rows(&eval, cols);
        for metric in [Metric::L1, Metric::L2] {
            for k in [1, 10, n] {
                let expected = naive(&train, &eval, cols, k, metric);
                for level in Level::available() {
                    for threads in [1, 2, 5] {
                        let index = Index::new(rows(&train, cols), metric, level).unwrap();
                        let found = in_pool(threads, || found(&index, &queries, k));
                        assert!(
                            found == expected,
                            "{metric}, k = {k}, {level}, {threads} threads, {n} x {cols}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn duplicates_and_constant_images_come_in_index_order() {
    let train = [7u8; 500 * 12];
    let index = Index::new(rows(&train, 12), Metric::L2, Level::detect()).unwrap();
    let found = index.kneighbors(&rows(&[7; 12 * 5], 12), 100).unwrap();
    for query in 0..5 {
        assert!(found.indices(query).iter().copied().eq(0..100));
        assert_eq!(found.distances(query), [0; 100]);
    }
}

#[test]
fn shards_strides_and_selections_do_not_show() {
    let (n, cols, stride) = (230, 30, 31);
    let data = bytes(n * stride, 256, 3);
    let contiguous: Vec<u8> = data
        .chunks(stride)
        .flat_map(|row| &row[1..])
        .copied()
        .collect();
    let cut = 101;
    let shards = vec![
        MatRef::new(&data[1..], cut, cols, stride),
        MatRef::new(&data[cut * stride + 1..], n - cut, cols, stride),
    ];
    let sharded = Rows::from_shards(shards).unwrap();
    let eval = bytes(9 * cols, 256, 4);
    let queries = rows(&eval, cols);
    let level = Level::detect();
    let index = Index::new(sharded.clone(), Metric::L1, level).unwrap();
    let expected = naive(&contiguous, &eval, cols, 8, Metric::L1);
    assert_eq!(found(&index, &queries, 8), expected);

    let chosen: Vec<u32> = (0..n as u32).filter(|row| row % 3 == 1).collect();
    let selected: Vec<u8> = chosen
        .iter()
        .flat_map(|&row| &contiguous[row as usize * cols..][..cols])
        .copied()
        .collect();
    let index = Index::new(sharded.select(chosen).unwrap(), Metric::L1, level).unwrap();
    let expected = naive(&selected, &eval, cols, 8, Metric::L1);
    assert_eq!(found(&index, &queries, 8), expected);
}

#[test]
fn f32_distances_are_those_of_the_pair_kernel_bit_by_bit() {
    let (n, n_queries, cols, k) = (250, 21, 37, 12);
    let float = |z: u64| (z % 2001) as f32 / 1000.0 - 1.0;
    let signed: Vec<f32> = random(5).map(float).take(n * cols).collect();
    let signed_eval: Vec<f32> = random(6).map(float).take(n_queries * cols).collect();
    for level in Level::available() {
        for (metric, pair) in [
            (Metric::L1, l1_f32 as fn(Level, &[f32], &[f32]) -> f32),
            (Metric::L2, l2_sq_f32),
            (Metric::Chi2, chi2_f32),
        ] {
            // Histograms have no negative entries, but many empty ones.
            let domain = |values: &[f32]| -> Vec<f32> {
                let is_chi2 = metric == Metric::Chi2;
                let of = |&v: &f32| if is_chi2 { v.max(0.0) } else { v };
                values.iter().map(of).collect()
            };
            let (train, eval) = (domain(&signed), domain(&signed_eval));
            let index = Index::new(rows(&train, cols), metric, level).unwrap();
            for queries in [n_queries, 1] {
                let eval = &eval[..queries * cols];
                let found = index.kneighbors(&rows(eval, cols), k).unwrap();
                for (q, query) in eval.chunks(cols).enumerate() {
                    let mut all: Vec<(f32, u32)> = train
                        .chunks(cols)
                        .zip(0..)
                        .map(|(row, index)| (pair(level, query, row), index))
                        .collect();
                    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
                    let (distances, indices): (Vec<f32>, Vec<u32>) =
                        all.into_iter().take(k).unzip();
                    assert_eq!(found.indices(q), indices, "{metric} at {level}");
                    assert_eq!(found.distances(q), distances, "{metric} at {level}");
                }
            }
        }
    }
}

/// The order of neighbours by the formula in f64, where no two distances are close.
#[test]
fn chi2_neighbours_are_those_of_the_formula() {
    let (n, cols, k) = (200, 24, 9);
    let float = |z: u64| (z % 1000) as f32 / 7.0 * f32::from(!z.is_multiple_of(3));
    let train: Vec<f32> = random(15).map(float).take(n * cols).collect();
    let eval: Vec<f32> = random(16).map(float).take(10 * cols).collect();
    let formula = |a: &[f32], b: &[f32]| -> f64 {
        let terms = a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        terms
            .filter(|(a, b)| a + b > 0.0)
            .map(|(a, b)| (a - b).powi(2) / (a + b))
            .sum()
    };
    for level in Level::available() {
        let index = Index::new(rows(&train, cols), Metric::Chi2, level).unwrap();
        let found = index.kneighbors(&rows(&eval, cols), k).unwrap();
        for (q, query) in eval.chunks(cols).enumerate() {
            let mut all: Vec<(f64, u32)> = train
                .chunks(cols)
                .zip(0..)
                .map(|(row, index)| (formula(query, row), index))
                .collect();
            all.sort_by(|a, b| a.partial_cmp(b).unwrap());
            for (i, (distance, index)) in all.into_iter().take(k).enumerate() {
                assert_eq!(found.indices(q)[i], index, "{level}");
                let found = Metric::Chi2.distance(found.distances(q)[i]);
                assert!((found - distance).abs() <= 1e-5 * distance, "{level}");
            }
        }
    }
}

#[test]
fn misuse_is_a_typed_error() {
    let train = bytes(40, 256, 7);
    let level = Level::detect();
    let index = Index::new(rows(&train, 4), Metric::L1, level).unwrap();
    for k in [0, 11, usize::MAX] {
        let error = index.kneighbors(&rows(&[0; 4], 4), k).unwrap_err();
        assert_eq!(error, NeighborsError::K { k, n_rows: 10 });
    }
    assert_eq!(
        index
            .kneighbors(&rows(&[0; 4], 2), 1)
            .unwrap_err()
            .to_string(),
        "the queries have 2 columns, expected 4"
    );
    let none = Rows::from_mat(MatRef::<u8>::new(&[], 0, 4, 4)).unwrap();
    assert_eq!(index.kneighbors(&none, 1).unwrap().n_queries(), 0);
    assert_eq!(
        Index::new(none, Metric::L1, level).unwrap_err(),
        NeighborsError::NoRows
    );
    let error = Index::new(rows(&[0.0, 1.0, 2.0, f32::NAN], 2), Metric::L2, level).unwrap_err();
    assert_eq!(
        error.to_string(),
        "training row 1 holds the non-finite value NaN in column 1"
    );
    assert_eq!(
        Index::new(rows(&train, 4), Metric::Chi2, level).unwrap_err(),
        NeighborsError::Chi2OfBytes
    );
    let error = Index::new(rows(&[0.0, 1.0, 2.0, -0.5], 2), Metric::Chi2, level).unwrap_err();
    assert_eq!(
        error.to_string(),
        "training row 1 holds the negative value -0.5 in column 1, metric chi2 compares histograms"
    );
    let histograms = Index::new(rows(&[0.0, 1.0], 2), Metric::Chi2, level).unwrap();
    let error = histograms
        .kneighbors(&rows(&[-1.0, 0.0], 2), 1)
        .unwrap_err();
    assert!(matches!(
        error,
        NeighborsError::Negative { what: "query", .. }
    ));
    let params = KNeighborsParams::default();
    assert_eq!(
        params
            .check()
            .unwrap()
            .fit(rows(&train, 4), &[0; 9])
            .unwrap_err(),
        NeighborsError::Labels {
            labels: 9,
            rows: 10
        }
    );
    let none = KNeighborsParams {
        n_neighbors: 0,
        ..params
    };
    assert_eq!(none.check().unwrap_err(), NeighborsError::ZeroK);
}

#[derive(Default)]
struct StopAfter {
    pairs: AtomicU64,
    limit: u64,
}

impl Monitor for StopAfter {
    fn progress(&self, done: u64, total: u64) {
        assert!(done <= total);
        self.pairs.fetch_max(done, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.pairs.load(Ordering::Relaxed) > self.limit
    }
}

#[test]
fn a_search_reports_all_its_pairs_and_can_be_stopped() {
    let (n, cols) = (3000, 64);
    let train = bytes(n * cols, 256, 8);
    let index = Index::new(rows(&train, cols), Metric::L1, Level::detect()).unwrap();
    let queries = rows(&train[..50 * cols], cols);
    let patient = StopAfter {
        limit: u64::MAX,
        ..Default::default()
    };
    index.search(&queries, 3, &patient, |_| {}).unwrap();
    assert_eq!(patient.pairs.into_inner(), 50 * 3000);

    let mut blocks = 0;
    let hasty = StopAfter::default();
    let stopped = index.search(&queries, 3, &hasty, |_| blocks += 1);
    assert_eq!(stopped, Err(NeighborsError::Cancelled));
    assert_eq!(blocks, 0, "a block that was not finished was handed out");
}

/// Asks to stop once, then changes its mind.
struct Fickle(std::sync::atomic::AtomicBool);

impl Monitor for Fickle {
    fn cancelled(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

#[test]
fn a_stop_that_is_taken_back_is_still_a_stop() {
    let train = bytes(600 * 10, 256, 9);
    let index = Index::new(rows(&train, 10), Metric::L1, Level::detect()).unwrap();
    let queries = rows(&train[..200], 10);
    for k in [100, 300] {
        let fickle = Fickle(true.into());
        let stopped = index.search(&queries, k, &fickle, |_| panic!("handed out a block"));
        assert_eq!(stopped, Err(NeighborsError::Cancelled));
    }
}

#[test]
fn labels_may_be_any_numbers() {
    let model = KNeighborsParams::new(1, Metric::L1).check().unwrap();
    let model = model
        .fit(rows(&[0, 100, 200], 1), &[0, 7, u32::MAX])
        .unwrap();
    assert_eq!(model.predict(&rows(&[90, 210], 1)).unwrap(), [7, u32::MAX]);
}

/// The vote of `votes` among the k nearest, written out.
fn naive_label(votes: Votes, metric: Metric, nearest: &[(u32, u32)], labels: &[u32]) -> u32 {
    let weight = |distance: u32| match votes.weights {
        Weights::Distance if nearest[0].0 == 0 => f64::from(u8::from(distance == 0)),
        Weights::Distance => 1.0 / metric.distance(distance),
        _ => 1.0,
    };
    let total = |class: u32| -> f64 {
        let of_class = nearest
            .iter()
            .filter(|pair| labels[pair.1 as usize] == class);
        of_class.fold(0.0, |total, pair| total + weight(pair.0))
    };
    let most = (0..5).map(total).fold(0.0, f64::max);
    let mut tied = (0..5).filter(|&class| total(class) == most);
    match votes.tie {
        TieRule::Lowest => tied.next().unwrap(),
        _ => tied
            .min_by_key(|&class| {
                nearest
                    .iter()
                    .position(|pair| labels[pair.1 as usize] == class)
            })
            .unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn predictions_equal_the_vote_written_out(
        seed in any::<u64>(),
        n in 12usize..60,
        cols in 1usize..5,
        by_distance in any::<bool>(),
        lowest in any::<bool>(),
        l1 in any::<bool>(),
    ) {
        let votes = Votes {
            weights: if by_distance { Weights::Distance } else { Weights::Uniform },
            tie: if lowest { TieRule::Lowest } else { TieRule::Nearest },
        };
        let metric = if l1 { Metric::L1 } else { Metric::L2 };
        let (train, eval) = (bytes(n * cols, 5, seed), bytes(7 * cols, 5, !seed));
        let labels: Vec<u32> = random(seed ^ 1).map(|z| (z % 5) as u32).take(n).collect();
        let params = KNeighborsParams { n_neighbors: 4, metric, votes, ..Default::default() };
        let model = params.check().unwrap().fit(rows(&train, cols), &labels).unwrap();
        let ks = [7, 1, 12, 2, 7];
        let predictions = model.predict_each_k(&rows(&eval, cols), &ks, &()).unwrap();
        let nearest = naive(&train, &eval, cols, 12, metric);
        for (k, predicted) in ks.into_iter().zip(&predictions) {
            for (nearest, &label) in nearest.chunks(12).zip(predicted) {
                prop_assert_eq!(label, naive_label(votes, metric, &nearest[..k], &labels), "k = {}", k);
            }
        }
        // Probabilities agree with the prediction and sum to one.
        let predicted = model.predict(&rows(&eval, cols)).unwrap();
        let shares = model.predict_proba(&rows(&eval, cols)).unwrap();
        for (shares, label) in shares.chunks(model.n_classes()).zip(predicted) {
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(shares.iter().all(|&share| share <= shares[label as usize]));
        }
    }
}
