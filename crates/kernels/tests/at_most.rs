//! Which pairs lie within a limit: every level against the sums of the scalar one, at sizes around the
//! tiles and the words, with limits that are hit, missed by one, and extreme.

mod levels;

use levels::levels;
use nearplane_kernels::*;
use proptest::prelude::*;

const KERNELS: [Kernel; 3] = [Kernel::L1, Kernel::L2Sq, Kernel::Dot];

/// A fixed stream of bytes (SplitMix64), so that a failure repeats.
fn bytes(n: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (z ^ (z >> 27))
                .wrapping_mul(0x94d0_49bb_1331_11eb)
                .to_le_bytes()[7]
        })
        .collect()
}

fn pair(kernel: Kernel, a: &[u8], b: &[u8]) -> u32 {
    let pair = match kernel {
        Kernel::L1 => l1_u8,
        Kernel::L2Sq => l2_sq_u8,
        _ => dot_u8,
    };
    pair(Level::SCALAR, a, b)
}

fn packed(
    level: Level,
    kernel: Kernel,
    queries: &[&[u8]],
    rows: &[&[u8]],
) -> (PackedQueries, PackedRows) {
    let mut packed_queries = PackedQueries::new(level, kernel);
    let mut packed_rows = PackedRows::new(level, kernel);
    packed_queries.pack(queries);
    packed_rows.pack(rows);
    (packed_queries, packed_rows)
}

/// All levels against the sums one by one, with limits that differ from query to query: sums of the
/// query itself, one less, one more, and the extremes.
fn check(queries: &[&[u8]], rows: &[&[u8]]) {
    let words = rows.len().div_ceil(64);
    for kernel in KERNELS {
        let sums: Vec<Vec<u32>> = queries
            .iter()
            .map(|query| rows.iter().map(|row| pair(kernel, query, row)).collect())
            .collect();
        let limits_of = |turn: usize| -> Vec<u32> {
            sums.iter()
                .enumerate()
                .map(|(i, sums)| {
                    let hit = sums[(i * 7 + turn) % sums.len()];
                    match (i + turn) % 6 {
                        0 => hit,
                        1 => hit.wrapping_sub(1),
                        2 => hit.saturating_add(1),
                        3 => 0,
                        4 => u32::MAX,
                        _ => hit / 2 + 1,
                    }
                })
                .collect()
        };
        for turn in 0..6 {
            let limits = limits_of(turn);
            let mut expected = vec![0; queries.len() * words];
            for (i, (sums, limit)) in sums.iter().zip(&limits).enumerate() {
                for (j, _) in sums.iter().enumerate().filter(|(_, sum)| *sum <= limit) {
                    expected[i * words + j / 64] |= 1u64 << (j % 64);
                }
            }
            for level in levels() {
                let (queries, rows) = packed(level, kernel, queries, rows);
                let mut hits = vec![0x5555_5555_5555_5555; expected.len()];
                u8_block_at_most(&queries, &rows, &limits, &mut hits);
                assert!(
                    hits == expected,
                    "{kernel:?}/{level}: {} queries, {} rows, limits {limits:?}, sums {sums:?}",
                    queries.len(),
                    rows.len()
                );
            }
        }
    }
}

#[test]
fn hits_are_the_sums_within_the_limit() {
    for cols in [1, 3, 4, 32, 33, 48, 128, 192] {
        let (a, b) = (bytes(25 * cols, 1), bytes(100 * cols, 2));
        let queries: Vec<&[u8]> = a.chunks(cols).collect();
        let rows: Vec<&[u8]> = b.chunks(cols).collect();
        for n_queries in [1, 11, 12, 13, 25] {
            for n_rows in [1, 31, 32, 33, 63, 64, 65, 100] {
                check(&queries[..n_queries], &rows[..n_rows]);
            }
        }
    }
}

#[test]
fn hits_among_images_and_among_many_queries() {
    let (a, b) = (bytes(14 * 3072, 3), bytes(150 * 3072, 4));
    let queries: Vec<&[u8]> = a.chunks(3072).collect();
    let rows: Vec<&[u8]> = b.chunks(3072).collect();
    check(&queries, &rows);
    let (a, b) = (bytes(203 * 5, 5), bytes(200 * 5, 6));
    let queries: Vec<&[u8]> = a.chunks(5).collect();
    let rows: Vec<&[u8]> = b.chunks(5).collect();
    check(&queries, &rows);
}

/// Nothing overflows: all rows of black, white and what lies between, at the greatest length too.
#[test]
fn hits_of_extreme_rows() {
    for cols in [1, 63, 192, MAX_EXACT_U8 - 1, MAX_EXACT_U8] {
        let kinds: Vec<Vec<u8>> = [0, 1, 127, 128, 254, 255]
            .into_iter()
            .map(|byte| vec![byte; cols])
            .collect();
        let rows: Vec<&[u8]> = kinds.iter().map(Vec::as_slice).collect();
        check(&rows, &rows);
    }
}

#[test]
fn rows_without_bytes_are_at_zero() {
    let empty: &[u8] = &[];
    check(&[empty; 3], &[empty; 70]);
}

#[test]
fn nothing_against_nothing_is_nothing() {
    for level in levels() {
        let row: &[u8] = &[1, 2, 3];
        for (queries, rows) in [(0, 0), (0, 3), (3, 0)] {
            let (queries, rows) = packed(level, Kernel::L1, &vec![row; queries], &vec![row; rows]);
            u8_block_at_most(&queries, &rows, &vec![0; queries.len()], &mut []);
        }
    }
}

/// Two queries and 65 rows of three bytes.
fn small() -> (PackedQueries, PackedRows) {
    let row: &[u8] = &[1, 2, 3];
    packed(Level::detect(), Kernel::L2Sq, &[row; 2], &[row; 65])
}

#[test]
#[should_panic(expected = "1 limits for 2 queries")]
fn a_missing_limit_is_refused() {
    let (queries, rows) = small();
    u8_block_at_most(&queries, &rows, &[0], &mut [0; 4]);
}

#[test]
#[should_panic(expected = "the hits of 2 queries among 65 rows take 2 x 2 words, not 3")]
fn too_few_words_are_refused() {
    let (queries, rows) = small();
    u8_block_at_most(&queries, &rows, &[0; 2], &mut [0; 3]);
}

#[test]
#[should_panic(expected = "take 2 x 2 words, not 5")]
fn too_many_words_are_refused() {
    let (queries, rows) = small();
    u8_block_at_most(&queries, &rows, &[0; 2], &mut [0; 5]);
}

#[test]
#[should_panic(expected = "rows for scalar Dot")]
fn sides_of_different_kernels_are_refused() {
    let queries = PackedQueries::new(Level::SCALAR, Kernel::L1);
    let rows = PackedRows::new(Level::SCALAR, Kernel::Dot);
    u8_block_at_most(&queries, &rows, &[], &mut []);
}

#[test]
#[should_panic(expected = "queries of 3 bytes against rows of 2")]
fn rows_of_another_length_are_refused() {
    let (queries, _) = small();
    let mut rows = PackedRows::new(Level::detect(), Kernel::L2Sq);
    rows.pack(&[&[1, 2]]);
    u8_block_at_most(&queries, &rows, &[0; 2], &mut [0; 2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the limits: the hits are what `u8_block` says of the same packed sides.
    #[test]
    fn hits_agree_with_the_block(
        (cols, a, b) in (1usize..40).prop_flat_map(|cols| {
            let rows = |most| prop::collection::vec(prop::collection::vec(any::<u8>(), cols), 1..most);
            (Just(cols), rows(30), rows(140))
        }),
        fractions in prop::collection::vec(0u32..=1000, 30),
    ) {
        let (a, b): (Vec<&[u8]>, Vec<&[u8]>) =
            (a.iter().map(Vec::as_slice).collect(), b.iter().map(Vec::as_slice).collect());
        let words = b.len().div_ceil(64);
        for kernel in KERNELS {
            let most = cols as u32 * if kernel == Kernel::L1 { 255 } else { 65_025 };
            let limits: Vec<u32> =
                fractions[..a.len()].iter().map(|fraction| most / 1000 * fraction).collect();
            for level in levels() {
                let (queries, rows) = packed(level, kernel, &a, &b);
                let mut sums = vec![0; a.len() * b.len()];
                let mut sums = MatMut::new(&mut sums, a.len(), b.len(), b.len());
                u8_block(&queries, &rows, &mut sums);
                let mut hits = vec![u64::MAX; a.len() * words];
                u8_block_at_most(&queries, &rows, &limits, &mut hits);
                for (i, limit) in limits.iter().enumerate() {
                    for j in 0..64 * words {
                        let is_hit = hits[i * words + j / 64] >> (j % 64) & 1 == 1;
                        let expected = j < b.len() && sums.row_mut(i)[j] <= *limit;
                        prop_assert_eq!(is_hit, expected, "{:?}/{}: {}, {}", kernel, level, i, j);
                    }
                }
            }
        }
    }
}
