//! The pruned engine gives brute force's (distance, index) pairs, every one of them, whatever the data.

use nearplane_kernels::{Level, MatRef};
use nearplane_models::Monitor;
use nearplane_models::neighbors::{
    Engine, Index, KNeighborsParams, Metric, Neighbors, NeighborsError, Rows,
};
use proptest::prelude::*;

const METRICS: [Metric; 2] = [Metric::L1, Metric::L2];

fn rows(data: &[u8], cols: usize) -> Rows<'_, u8> {
    Rows::from_mat(MatRef::from_rows(data, cols)).unwrap()
}

fn random(n: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    (0..n).map(|_| next()).collect()
}

/// Smooth pictures, three planes of `side x side`: waves of a few lengths and a little noise, as pixels
/// of images are alike where they are neighbours.
fn pictures(n: usize, side: usize, seed: u64) -> Vec<u8> {
    let noise = random(n * 3 * side * side, seed);
    let dice = random(n * 16, seed ^ 0x55);
    let mut data = Vec::with_capacity(noise.len());
    for (picture, noise) in noise.chunks_exact(3 * side * side).enumerate() {
        let dice: Vec<f64> = dice[picture * 16..][..16]
            .iter()
            .map(|&die| f64::from(die))
            .collect();
        for (at, &noise) in noise.iter().enumerate() {
            let (plane, y, x) = (at / side / side, at / side % side, at % side);
            let (x, y) = (x as f64 / side as f64, y as f64 / side as f64);
            let wave = |i: usize| {
                dice[i]
                    * ((dice[i + 1] * x + dice[i + 2] * y) / 60.0 + plane as f64 + dice[i + 3])
                        .sin()
            };
            let light = dice[12 + plane] * 0.7 + 40.0 + (wave(0) + wave(4) + wave(8)) / 6.0;
            data.push((light + f64::from(noise % 16)) as u8);
        }
    }
    data
}

fn search(
    train: &Rows<'_, u8>,
    queries: &Rows<'_, u8>,
    k: usize,
    metric: Metric,
    level: Level,
    engine: Engine,
) -> Result<Neighbors<u32>, NeighborsError> {
    Index::with_engine(train.clone(), metric, level, engine)?.kneighbors(queries, k)
}

/// Both metrics, every k of `ks`, at this level.
fn check(train: &Rows<'_, u8>, queries: &Rows<'_, u8>, ks: &[usize], level: Level) {
    for metric in METRICS {
        let brute = Index::new(train.clone(), metric, level).unwrap();
        let pruned = Index::with_engine(train.clone(), metric, level, Engine::Pruned).unwrap();
        assert_eq!(pruned.engine(), Engine::Pruned);
        for &k in ks {
            assert!(
                pruned.kneighbors(queries, k).unwrap() == brute.kneighbors(queries, k).unwrap(),
                "{metric}, {level}, k = {k}, {} queries against {} x {}",
                queries.len(),
                train.len(),
                train.cols()
            );
        }
    }
}

#[test]
fn pictures_have_the_neighbours_of_brute_force_at_every_level() {
    let cols = 3 * 16 * 16;
    let (train, test) = (pictures(2500, 16, 1), pictures(40, 16, 2));
    for level in Level::available() {
        // Slow levels run the same code but for the kernels.
        let slow = [Level::SCALAR, Level::PORTABLE].contains(&level);
        let n = if slow { 600 } else { 2500 };
        check(
            &rows(&train, cols).limit(n),
            &rows(&test, cols),
            &[1, 10, 100],
            level,
        );
    }
}

#[test]
fn pictures_are_pruned() {
    // The tests here would pass as well if every bound let everything through.
    let cols = 3 * 16 * 16;
    let (train, test) = (pictures(3000, 16, 3), pictures(50, 16, 4));
    for metric in METRICS {
        let index = Index::with_engine(rows(&train, cols), metric, Level::detect(), Engine::Pruned)
            .unwrap();
        let effort = index.search(&rows(&test, cols), 10, &(), |_| {}).unwrap();
        assert_eq!(effort.pairs, 50 * 3000);
        assert!(effort.bounded < effort.pairs / 4, "{metric}: {effort:?}");
        assert!(effort.exact < effort.pairs / 10, "{metric}: {effort:?}");
        assert!(
            effort.bytes < effort.pairs * cols as u64 / 2,
            "{metric}: {effort:?}"
        );
    }
}

#[test]
fn bytes_without_order_have_the_neighbours_of_brute_force() {
    for (n, cols, seed) in [
        (1500, 300, 5),
        (1100, 48, 6),
        (300, 3072, 7),
        (700, 5, 8),
        (90, 1, 9),
    ] {
        let (train, test) = (random(n * cols, seed), random(30 * cols, seed + 50));
        let ks = [1, 10, n.min(100)];
        check(
            &rows(&train, cols),
            &rows(&test, cols),
            &ks,
            Level::detect(),
        );
    }
}

#[test]
fn ties_go_to_the_smaller_index() {
    // Few different rows, many times each: nearly every distance is met many times.
    let cols = 3 * 8 * 8;
    let few = pictures(6, 8, 10);
    let order = random(2300, 11);
    let train: Vec<u8> = order
        .iter()
        .flat_map(|&die| few[usize::from(die % 5) * cols..][..cols].iter().copied())
        .collect();
    check(
        &rows(&train, cols),
        &rows(&few, cols),
        &[1, 10, 100, 600],
        Level::detect(),
    );
}

#[test]
fn rows_that_are_all_alike() {
    for value in [0, 77, 255] {
        let train = vec![value; 1200 * 192];
        let mut test = vec![value; 2 * 192];
        test.extend([255 - value; 192]);
        check(
            &rows(&train, 192),
            &rows(&test, 192),
            &[1, 10, 100],
            Level::detect(),
        );
    }
}

#[test]
fn black_and_white_rows_are_as_far_apart_as_can_be() {
    let cols = 768;
    let train: Vec<u8> = random(1300 * cols, 12)
        .iter()
        .map(|&die| 255 * (die % 2))
        .collect();
    let mut test = vec![0; cols];
    test.extend(vec![255; cols]);
    test.extend(&train[..20 * cols]);
    check(
        &rows(&train, cols),
        &rows(&test, cols),
        &[1, 10, 100],
        Level::detect(),
    );
}

#[test]
fn long_rows_keep_exact() {
    // The longest row that sums are exact for, and as far apart as such rows can be.
    let cols = nearplane_kernels::MAX_EXACT_U8;
    let mut train = vec![0; cols];
    train.extend(vec![255; cols]);
    train.extend(random(3 * cols, 13));
    check(
        &rows(&train, cols),
        &rows(&train, cols),
        &[1, 5],
        Level::detect(),
    );
}

#[test]
fn selected_rows_and_one_row() {
    let cols = 3 * 8 * 8;
    let data = pictures(900, 8, 14);
    let all = rows(&data, cols);
    let odd = all.select((0..450).map(|i| 2 * i + 1).collect()).unwrap();
    check(&odd, &all.limit(60), &[1, 10, 100], Level::detect());
    check(&all.limit(1), &all.limit(3), &[1], Level::detect());
    check(&all.limit(2), &all.limit(1), &[1, 2], Level::detect());
}

#[test]
fn the_number_of_threads_changes_nothing_but_time() {
    let cols = 3 * 8 * 8;
    let (train, test) = (pictures(2100, 8, 15), pictures(130, 8, 16));
    let (train, test) = (rows(&train, cols), rows(&test, cols));
    for metric in METRICS {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let level = Level::detect();
                let index =
                    Index::with_engine(train.clone(), metric, level, Engine::Pruned).unwrap();
                let mut pairs = Vec::new();
                let effort = index.search(&test, 7, &(), |block| {
                    pairs.extend(block.distances.to_vec());
                    pairs.extend(block.indices.to_vec());
                });
                (pairs, effort.unwrap())
            })
        };
        let one = run(1);
        assert_eq!(run(2), one);
        assert_eq!(run(5), one);
    }
}

#[test]
fn both_engines_have_the_same_errors() {
    let data = pictures(20, 8, 17);
    let train = rows(&data, 192);
    let narrow = rows(&data[..190], 190);
    for metric in METRICS {
        let level = Level::detect();
        for (queries, k) in [(&train, 21), (&train, 0), (&narrow, 3)] {
            let of = |engine| search(&train, queries, k, metric, level, engine).unwrap_err();
            let error = of(Engine::BruteForce);
            assert_eq!(of(Engine::Pruned), error);
            assert_eq!(of(Engine::Auto), error);
        }
    }
    let params = KNeighborsParams {
        engine: Engine::Pruned,
        ..KNeighborsParams::new(21, Metric::L2)
    };
    let error = params.check().unwrap().fit(train, &[0; 20]).unwrap_err();
    assert_eq!(error, NeighborsError::K { k: 21, n_rows: 20 });
}

/// The engine that an index of `Engine::Auto` has come to after each of some searches, whose answers are those of brute
/// force.
fn chosen(train: &Rows<'_, u8>, metric: Metric, level: Level, searches: &[usize]) -> Vec<Engine> {
    let auto = Index::with_engine(train.clone(), metric, level, Engine::Auto).unwrap();
    let brute = Index::new(train.clone(), metric, level).unwrap();
    assert_eq!(auto.engine(), Engine::BruteForce);
    let engine_after = |&n_queries: &usize| {
        let queries = train.limit(n_queries);
        let found = auto.kneighbors(&queries, 2).unwrap();
        assert_eq!(found, brute.kneighbors(&queries, 2).unwrap(), "{metric}");
        auto.engine()
    };
    searches.iter().map(engine_after).collect()
}

#[test]
fn auto_prunes_pictures_and_not_noise_once_that_pays() {
    const BRUTE: Engine = Engine::BruteForce;
    let cols = 3 * 16 * 16;
    let (smooth, noise) = (pictures(4200, 16, 18), random(4200 * cols, 19));
    let (smooth, noise) = (rows(&smooth, cols), rows(&noise, cols));
    // Codes for L1 take as long as 120 queries do: they may be made for the 240th.
    let chosen_for = |train| chosen(train, Metric::L1, Level::detect(), &[100, 139, 1, 1]);
    assert_eq!(
        chosen_for(&smooth),
        [BRUTE, BRUTE, Engine::Pruned, Engine::Pruned]
    );
    assert_eq!(chosen_for(&noise), [BRUTE; 4]);
    assert_eq!(chosen_for(&smooth.limit(500)), [BRUTE; 4]);
    // By L2 it is 350 queries, and the codes have to be learnt: 4 million pairs more.
    let chosen_for = |train| chosen(train, Metric::L2, Level::PORTABLE, &[2600, 10]);
    assert_eq!(chosen_for(&smooth), [BRUTE, Engine::Pruned]);
    assert_eq!(chosen_for(&noise), [BRUTE; 2]);
}

#[test]
fn clones_of_an_index_share_what_it_was_asked() {
    let cols = 3 * 16 * 16;
    let data = pictures(4200, 16, 20);
    let train = rows(&data, cols);
    let level = Level::detect();
    let index = Index::with_engine(train.clone(), Metric::L1, level, Engine::Auto).unwrap();
    let clone = index.clone();
    index.kneighbors(&train.limit(130), 1).unwrap();
    clone.kneighbors(&train.limit(130), 1).unwrap();
    assert_eq!(
        (index.engine(), clone.engine()),
        (Engine::Pruned, Engine::Pruned)
    );
}

#[test]
fn searches_at_once_from_one_pool_agree() {
    // Whoever makes the codes works on the pool that the others search on.
    let cols = 3 * 16 * 16;
    let data = pictures(4200, 16, 21);
    let train = rows(&data, cols);
    let level = Level::detect();
    let auto = Index::with_engine(train.clone(), Metric::L1, level, Engine::Auto).unwrap();
    let brute = Index::new(train.clone(), Metric::L1, level).unwrap();
    let expected = brute.kneighbors(&train.limit(60), 3).unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(4)
        .build()
        .unwrap();
    let found: Vec<_> = pool.install(|| {
        use rayon::prelude::*;
        let search = |_| auto.kneighbors(&train.limit(60), 3).unwrap();
        (0..24).into_par_iter().map(search).collect()
    });
    assert!(found.iter().all(|found| *found == expected));
    assert_eq!(auto.engine(), Engine::Pruned);
}

#[test]
fn names_of_engines_round_trip() {
    for engine in [Engine::Auto, Engine::BruteForce, Engine::Pruned] {
        assert_eq!(engine.to_string().parse(), Ok(engine));
    }
    assert_eq!(
        "faiss".parse::<Engine>().unwrap_err().to_string(),
        "unknown engine 'faiss', expected auto, brute or pruned"
    );
}

struct Impatient;

impl Monitor for Impatient {
    fn cancelled(&self) -> bool {
        true
    }
}

#[test]
fn a_search_can_be_stopped() {
    let data = pictures(300, 8, 20);
    let train = rows(&data, 192);
    for metric in METRICS {
        let index = Index::with_engine(train.clone(), metric, Level::detect(), Engine::Pruned);
        let stopped = index
            .unwrap()
            .search(&train, 3, &Impatient, |_| panic!("handed out a block"));
        assert_eq!(stopped, Err(NeighborsError::Cancelled));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any bytes of few different values: clamps, ties and degenerate directions in all combinations.
    #[test]
    fn any_rows_have_the_neighbours_of_brute_force(
        cols in 1usize..70,
        n in 1usize..80,
        values in prop::collection::vec(any::<u8>(), 1..4),
        dice in prop::collection::vec(any::<u8>(), 64..512),
        k in 1usize..20,
    ) {
        let byte = |at: usize| values[usize::from(dice[at * at % dice.len()] ^ dice[at % dice.len()]) % values.len()];
        let data: Vec<u8> = (0..(n + 5) * cols).map(byte).collect();
        let train = rows(&data[..n * cols], cols);
        let queries = rows(&data[n * cols..], cols);
        for metric in METRICS {
            let of = |engine| search(&train, &queries, k.min(n), metric, Level::detect(), engine);
            prop_assert_eq!(of(Engine::Pruned), of(Engine::BruteForce));
        }
    }
}
