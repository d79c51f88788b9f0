//! The pruned engine on rows of f32: the distances are those of the f32 kernels, bit by bit, in the order of
//! brute force.

use nearplane_kernels::{Level, MatRef};
use nearplane_models::neighbors::{Engine, Index, Metric, NeighborsError, Rows};
use proptest::prelude::*;

const METRICS: [Metric; 2] = [Metric::L1, Metric::L2];

fn rows(data: &[f32], cols: usize) -> Rows<'_, f32> {
    Rows::from_mat(MatRef::from_rows(data, cols)).unwrap()
}

/// Uniform in [0, 1).
fn random(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..n).map(|_| next()).collect()
}

/// Rows near a few directions, with a little noise, as features of images are.
fn features(n: usize, cols: usize, seed: u64) -> Vec<f32> {
    let directions = random(12 * cols, seed ^ 0xd1);
    let weights = random(12 * n, seed);
    let noise = random(n * cols, seed ^ 0x77);
    (0..n * cols)
        .map(|at| {
            let (row, col) = (at / cols, at % cols);
            let along = (0..12).map(|i| weights[12 * row + i] * directions[cols * i + col]);
            along.sum::<f32>() / 12.0 + 0.02 * noise[at]
        })
        .collect()
}

/// Both metrics, every k: the same distances and indices as by brute force.
fn check(train: &Rows<'_, f32>, queries: &Rows<'_, f32>, ks: &[usize], level: Level) {
    for metric in METRICS {
        let brute = Index::new(train.clone(), metric, level).unwrap();
        let pruned = Index::with_engine(train.clone(), metric, level, Engine::Pruned).unwrap();
        for &k in ks {
            let (found, expected) = (
                pruned.kneighbors(queries, k).unwrap(),
                brute.kneighbors(queries, k).unwrap(),
            );
            for query in 0..queries.len() {
                let bits = |distances: &[f32]| -> Vec<u32> {
                    distances
                        .iter()
                        .map(|distance| distance.to_bits())
                        .collect()
                };
                assert_eq!(
                    (found.indices(query), bits(found.distances(query))),
                    (expected.indices(query), bits(expected.distances(query))),
                    "{metric}, {level}, k = {k}, query {query}"
                );
            }
        }
    }
}

#[test]
fn features_have_the_neighbours_of_brute_force_at_every_level() {
    let cols = 324;
    let (train, test) = (features(1500, cols, 1), features(40, cols, 2));
    for level in Level::available() {
        let slow = [Level::SCALAR, Level::PORTABLE].contains(&level);
        let n = if slow { 300 } else { 1500 };
        let train = rows(&train, cols).limit(n);
        check(&train, &rows(&test, cols), &[1, 10, 100], level);
    }
}

#[test]
fn features_are_pruned() {
    let cols = 324;
    let (train, test) = (features(3000, cols, 3), features(50, cols, 3));
    for metric in METRICS {
        let level = Level::detect();
        let index = Index::with_engine(rows(&train, cols), metric, level, Engine::Pruned).unwrap();
        let effort = index.search(&rows(&test, cols), 10, &(), |_| {}).unwrap();
        assert!(effort.exact < effort.pairs / 4, "{metric}: {effort:?}");
    }
}

#[test]
fn noise_has_the_neighbours_of_brute_force() {
    for (n, cols) in [(700, 300), (90, 1), (33, 2), (2, 70), (1, 5)] {
        let (train, test) = (random(n * cols, 5), random(7 * cols, 6));
        let ks: Vec<usize> = [1, 10, 100, n].into_iter().filter(|&k| k <= n).collect();
        check(
            &rows(&train, cols),
            &rows(&test, cols),
            &ks,
            Level::detect(),
        );
    }
}

#[test]
fn scales_and_offsets_change_no_answer() {
    let cols = 60;
    let (train, test) = (features(600, cols, 7), features(20, cols, 8));
    for (scale, offset) in [
        (1e-12, 0.0),
        (1e12, 0.0),
        (1.0, 1000.0),
        (1.0, -3e6),
        (-250.0, 0.0),
        // Squares vanish, or are infinite: every row is looked at, and indices decide.
        (1e-25, 0.0),
        (3e25, 0.0),
        (3e37, -1e37),
    ] {
        let moved = |data: &[f32]| -> Vec<f32> {
            data.iter().map(|value| value * scale + offset).collect()
        };
        let (train, test) = (moved(&train), moved(&test));
        check(
            &rows(&train, cols),
            &rows(&test, cols),
            &[1, 10],
            Level::detect(),
        );
    }
}

#[test]
fn queries_beyond_the_range_of_the_rows_are_answered() {
    let cols = 40;
    let train = features(500, cols, 9);
    let mut test = features(12, cols, 10);
    for (at, value) in test.iter_mut().enumerate() {
        *value += [50.0, -50.0, 0.0][at % 3];
    }
    check(
        &rows(&train, cols),
        &rows(&test, cols),
        &[1, 10],
        Level::detect(),
    );
}

#[test]
fn one_column_may_dwarf_the_others() {
    let cols = 50;
    let (mut train, mut test) = (features(600, cols, 11), features(15, cols, 12));
    for data in [&mut train, &mut test] {
        for (at, row) in data.chunks_exact_mut(cols).enumerate() {
            row[3] *= 1e6;
            row[7] = if at % 97 == 0 { 1e9 } else { 0.0 };
        }
    }
    check(
        &rows(&train, cols),
        &rows(&test, cols),
        &[1, 10],
        Level::detect(),
    );
}

#[test]
fn equal_distances_keep_the_order_of_rows() {
    let cols = 30;
    let one = features(40, cols, 13);
    let train: Vec<f32> = (0..20).flat_map(|_| one.iter().copied()).collect();
    check(
        &rows(&train, cols),
        &rows(&one, cols),
        &[1, 10, 100],
        Level::detect(),
    );
    let constant = vec![0.25; 400 * cols];
    check(
        &rows(&constant, cols),
        &rows(&one, cols),
        &[1, 10, 100],
        Level::detect(),
    );
}

#[test]
fn what_cannot_be_bounded_is_refused_with_its_shape() {
    let data = vec![0.5_f32; 8];
    let refused = |cols, metric| {
        let rows = rows(&data, cols);
        Index::with_engine(rows, metric, Level::detect(), Engine::Pruned).unwrap_err()
    };
    let error = refused(4, Metric::Chi2);
    assert!(matches!(error, NeighborsError::NoBounds { .. }));
    assert_eq!(
        error.to_string(),
        "engine pruned searches rows by l1 or l2, up to 66051 columns, found 4 columns of f32 by chi2: \
         choose engine auto or brute"
    );
    // As many rows and queries as pay by other metrics.
    let cols = 256;
    let histograms: Vec<f32> = (0..4200 * cols).map(|i| (i % 97) as f32).collect();
    let histograms = rows(&histograms, cols);
    let level = Level::detect();
    let auto = Index::with_engine(histograms.clone(), Metric::Chi2, level, Engine::Auto).unwrap();
    for _ in 0..2 {
        auto.kneighbors(&histograms.limit(300), 1).unwrap();
        assert_eq!(auto.engine(), Engine::BruteForce);
    }
}

#[test]
fn auto_prunes_floats_unless_they_are_few() {
    // Bytes say most of what floats do, even of noise.
    let cols = 400;
    for data in [features(4200, cols, 14), random(4200 * cols, 15)] {
        for metric in METRICS {
            let chosen = |n| {
                let rows = rows(&data, cols).limit(n);
                let index = Index::with_engine(rows.clone(), metric, Level::detect(), Engine::Auto)
                    .unwrap();
                index.kneighbors(&rows.limit(240), 1).unwrap();
                index.engine()
            };
            assert_eq!(chosen(4200), Engine::Pruned, "{metric}");
            assert_eq!(chosen(500), Engine::BruteForce, "{metric}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_floats_have_the_neighbours_of_brute_force(
        (cols, data) in (1usize..9).prop_flat_map(|cols| {
            let value = prop_oneof![
                -1e3f32..1e3,
                Just(0.0f32),
                -1e-30f32..1e-30,
                -1e18f32..1e18,
            ];
            (Just(cols), prop::collection::vec(value, cols..60 * cols))
        }),
    ) {
        let data = &data[..data.len() / cols * cols];
        let all = rows(data, cols);
        let k = all.len().min(5);
        check(&all, &all, &[1, k, all.len()], Level::detect());
    }
}
