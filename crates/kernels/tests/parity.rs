//! Every level against the scalar oracle: ugly lengths, all offsets of a cache line, extreme values,
//! blocks of every shape around the tile sizes. Levels that this CPU lacks are named, not skipped
//! silently: `levels_exercised` prints them, and `cargo xtask parity --require` fails if one is missing.

mod levels;

use levels::levels;
use nearplane_kernels::*;
use proptest::prelude::*;

const LENGTHS: [usize; 16] = [
    0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 1000, 3072, 3073,
];

type U8Pair = (&'static str, fn(Level, &[u8], &[u8]) -> u32);
type U8Block = (
    &'static str,
    fn(Level, MatRef<'_, u8>, MatRef<'_, u8>, &mut MatMut<'_, u32>),
);
type F32Pair = (&'static str, fn(Level, &[f32], &[f32]) -> f32);
type F32Block = (
    &'static str,
    fn(Level, MatRef<'_, f32>, MatRef<'_, f32>, &mut MatMut<'_, f32>),
);

const U8_PAIRS: [U8Pair; 3] = [("l1_u8", l1_u8), ("l2_sq_u8", l2_sq_u8), ("dot_u8", dot_u8)];
const U8_BLOCKS: [U8Block; 3] = [
    ("l1_u8_block", l1_u8_block),
    ("l2_sq_u8_block", l2_sq_u8_block),
    ("dot_u8_block", dot_u8_block),
];
const F32_PAIRS: [F32Pair; 4] = [
    ("l1_f32", l1_f32),
    ("l2_sq_f32", l2_sq_f32),
    ("dot_f32", dot_f32),
    ("chi2_f32", chi2_f32),
];
const F32_BLOCKS: [F32Block; 4] = [
    ("l1_f32_block", l1_f32_block),
    ("l2_sq_f32_block", l2_sq_f32_block),
    ("dot_f32_block", dot_f32_block),
    ("chi2_f32_block", chi2_f32_block),
];

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

fn floats(n: usize, seed: u64) -> Vec<f32> {
    bytes(2 * n, seed)
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 256.0)
        .collect()
}

/// What a kernel is defined for: chi-squared compares histograms, which have no negative entries.
fn domain(name: &str, values: &[f32]) -> Vec<f32> {
    let is_chi2 = name.starts_with("chi2");
    values
        .iter()
        .map(|value| if is_chi2 { value.abs() } else { *value })
        .collect()
}

#[test]
fn levels_exercised() {
    let here: Vec<&str> = Level::available()
        .iter()
        .map(|level| level.name())
        .collect();
    println!("levels exercised: {}", here.join(" "));
    for name in Level::NAMES {
        if let Err(error) = Level::by_name(name) {
            println!("not exercised: {error}");
        }
    }
    // What the CPU says must have become a level: a detection gone wrong would silently test less.
    #[cfg(target_arch = "x86_64")]
    for (name, has) in [
        (
            "avx2",
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        ),
        ("avxvnni", is_x86_feature_detected!("avxvnni")),
        (
            "avx512",
            is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl"),
        ),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
        // Linux names what the CPU has and the system supports; elsewhere nobody may use it.
        ("amx", cpu_flags().contains(&"amx_int8".to_owned())),
    ] {
        assert_eq!(here.contains(&name), has, "{name} among {here:?}");
    }
    #[cfg(target_arch = "aarch64")]
    assert!(here.contains(&"neon"), "neon among {here:?}");
}

/// What the system says that this CPU can do, where it says so.
#[cfg(target_arch = "x86_64")]
fn cpu_flags() -> Vec<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("flags"));
    let flags = line.unwrap_or_default().split_whitespace();
    flags.map(str::to_owned).collect()
}

#[test]
fn u8_pairs_equal_the_oracle() {
    for level in levels() {
        for (name, pair) in U8_PAIRS {
            for n in LENGTHS {
                let cases = [
                    (bytes(n, 1), bytes(n, 2)),
                    (vec![0; n], vec![255; n]),
                    (vec![255; n], vec![0; n]),
                    (vec![255; n], vec![255; n]),
                    (vec![0; n], vec![0; n]),
                ];
                for (case, (a, b)) in cases.iter().enumerate() {
                    assert_eq!(
                        pair(level, a, b),
                        pair(Level::SCALAR, a, b),
                        "{name}/{level}/{n}, case {case}"
                    );
                }
            }
        }
    }
}

#[test]
fn u8_sums_are_exact_at_the_longest_row() {
    let (low, high) = (vec![0; MAX_EXACT_U8], vec![255; MAX_EXACT_U8]);
    let most = u32::try_from(MAX_EXACT_U8).unwrap();
    for level in levels() {
        assert_eq!(l1_u8(level, &low, &high), most * 255, "{level}");
        assert_eq!(l2_sq_u8(level, &low, &high), most * 65_025, "{level}");
        assert_eq!(l2_sq_u8(level, &high, &low), most * 65_025, "{level}");
        assert_eq!(dot_u8(level, &high, &high), most * 65_025, "{level}");
        for (name, block) in U8_BLOCKS {
            let queries = [low.clone(), high.clone(), low.clone(), high.clone()].concat();
            let rows = [high.clone(), low.clone()].concat();
            let mut out = [1; 8];
            block(
                level,
                MatRef::from_rows(&queries, MAX_EXACT_U8),
                MatRef::from_rows(&rows, MAX_EXACT_U8),
                &mut MatMut::new(&mut out, 4, 2, 2),
            );
            let full = if name == "l1_u8_block" { 255 } else { 65_025 };
            let expected = if name == "dot_u8_block" {
                [0, 0, most * full, 0]
            } else {
                [most * full, 0, 0, most * full]
            };
            assert_eq!(out[..4], expected, "{name}/{level}");
            assert_eq!(out[4..], expected, "{name}/{level}");
        }
    }
}

#[test]
fn pairs_do_not_depend_on_alignment() {
    let n = 200;
    let (a, b) = (bytes(n + 64, 3), bytes(n + 64, 4));
    let (x, y) = (floats(n + 64, 3), floats(n + 64, 4));
    for level in levels() {
        for offset in 0..64 {
            let moved = [&a[..offset], &a[..n]].concat();
            for (name, pair) in U8_PAIRS {
                let expected = pair(Level::SCALAR, &a[..n], &b[offset..][..n]);
                let found = pair(level, &moved[offset..], &b[offset..][..n]);
                assert_eq!(found, expected, "{name}/{level} at offset {offset}");
            }
            for (name, pair) in F32_PAIRS {
                let (x, y) = (domain(name, &x), domain(name, &y));
                let moved = [&x[..offset], &x[..n]].concat();
                let expected = pair(level, &x[..n], &y[..n]).to_bits();
                let found = pair(level, &moved[offset..], &y[..n]).to_bits();
                assert_eq!(found, expected, "{name}/{level} at offset {offset}");
            }
        }
    }
}

/// Rounding of a sum of n terms, each rounded: n eps times the sum of magnitudes bounds it.
fn assert_close(found: f32, expected: f32, n: usize, magnitude: f32, context: &str) {
    let slack = (n as f32 + 4.0) * f32::EPSILON * magnitude;
    assert!(
        (found - expected).abs() <= slack,
        "{context}: {found} against {expected}, allowed {slack}"
    );
}

#[test]
fn f32_pairs_agree_with_the_f64_oracle_to_rounding() {
    for level in levels() {
        for n in LENGTHS {
            let (a, b) = (floats(n, 5), floats(n, 6));
            let magnitude = a
                .iter()
                .zip(&b)
                .map(|(a, b)| a.abs() * b.abs())
                .sum::<f32>();
            for (name, pair) in F32_PAIRS {
                let (a, b) = (domain(name, &a), domain(name, &b));
                let expected = pair(Level::SCALAR, &a, &b);
                assert!(
                    n > 0 || pair(level, &a, &b).to_bits() == 0,
                    "{name}/{level}/0"
                );
                let magnitude = if name == "dot_f32" {
                    magnitude
                } else {
                    expected
                };
                let context = format!("{name}/{level}/{n}");
                assert_close(pair(level, &a, &b), expected, n, magnitude, &context);
            }
        }
    }
}

#[test]
fn f32_distances_of_equal_rows_are_zero_and_overflow_is_infinite() {
    let row = floats(100, 7);
    for level in levels() {
        assert_eq!(l1_f32(level, &row, &row), 0.0);
        assert_eq!(l2_sq_f32(level, &row, &row), 0.0);
        let histogram = domain("chi2", &row);
        assert_eq!(chi2_f32(level, &histogram, &histogram), 0.0);
        let far = l2_sq_f32(level, &[f32::MAX; 3], &[f32::MIN; 3]);
        assert_eq!(far, f32::INFINITY, "{level}");
    }
}

#[test]
fn chi2_counts_nothing_where_both_are_empty() {
    let a = [0.0, 0.0, 1.0, 0.25, 3.0, f32::MIN_POSITIVE, 1e30];
    let b = [0.0, 2.0, 0.0, 0.75, 3.0, 0.0, 1e30];
    // 0 / 0, (0 - 2)^2 / 2, 1 / 1, 0.5^2 / 1, 0, and what f32 barely holds.
    for level in levels() {
        assert_eq!(chi2_f32(level, &a, &b), 3.25, "{level}");
        assert_eq!(
            chi2_f32(level, &[0.0; 33], &[0.0; 33]).to_bits(),
            0,
            "{level}"
        );
    }
}

#[test]
#[should_panic(expected = "computed of f32 rows only")]
fn chi2_of_bytes_is_refused() {
    let _ = PackedQueries::new(Level::detect(), Kernel::Chi2);
}

/// Blocks with a stride, of every shape around the tiles, against pairs.
#[test]
fn u8_blocks_equal_the_oracle() {
    for level in levels() {
        for (cols, stride) in [(1, 1), (3, 4), (9, 9), (64, 65), (67, 70)] {
            for n_queries in [0, 1, 2, 3, 4, 5, 11, 12, 13, 25] {
                for n_rows in [0, 1, 2, 7, 31, 32, 33, 47, 49, 97] {
                    let (a, b) = (bytes(n_queries * stride, 8), bytes(n_rows * stride, 9));
                    let queries = MatRef::new(&a, n_queries, cols, stride);
                    let rows = MatRef::new(&b, n_rows, cols, stride);
                    for ((name, block), (_, pair)) in U8_BLOCKS.into_iter().zip(U8_PAIRS) {
                        let out_stride = n_rows + 1;
                        let mut out = vec![u32::MAX; n_queries * out_stride];
                        block(
                            level,
                            queries,
                            rows,
                            &mut MatMut::new(&mut out, n_queries, n_rows, out_stride),
                        );
                        for i in 0..n_queries {
                            for j in 0..n_rows {
                                let expected = pair(Level::SCALAR, queries.row(i), rows.row(j));
                                assert_eq!(
                                    out[i * out_stride + j],
                                    expected,
                                    "{name}/{level}/{cols}: {i} of {n_queries}, {j} of {n_rows}"
                                );
                            }
                            assert_eq!(out[i * out_stride + n_rows], u32::MAX, "wrote past a row");
                        }
                    }
                }
            }
        }
    }
}

/// At full length several row blocks are packed one after the other.
#[test]
fn u8_blocks_of_images_equal_the_oracle() {
    let (n_queries, n_rows, cols) = (14, 150, 3072);
    let (a, b) = (bytes(n_queries * cols, 10), bytes(n_rows * cols, 11));
    let (queries, rows) = (MatRef::from_rows(&a, cols), MatRef::from_rows(&b, cols));
    for ((name, block), (_, pair)) in U8_BLOCKS.into_iter().zip(U8_PAIRS) {
        let expected: Vec<u32> = queries
            .iter()
            .flat_map(|query| rows.iter().map(move |row| pair(Level::SCALAR, query, row)))
            .collect();
        for level in levels() {
            let mut out = vec![0; n_queries * n_rows];
            let mut out_mat = MatMut::new(&mut out, n_queries, n_rows, n_rows);
            block(level, queries, rows, &mut out_mat);
            assert!(out == expected, "{name}/{level}");
        }
    }
}

#[test]
fn f32_blocks_have_the_bits_of_pairs() {
    for level in levels() {
        for cols in [1, 15, 33, 100] {
            for (n_queries, n_rows) in [(0, 3), (1, 1), (3, 2), (4, 3), (5, 7), (9, 8)] {
                let (a, b) = (floats(n_queries * cols, 12), floats(n_rows * cols, 13));
                for ((name, block), (_, pair)) in F32_BLOCKS.into_iter().zip(F32_PAIRS) {
                    let (a, b) = (domain(name, &a), domain(name, &b));
                    let (queries, rows) =
                        (MatRef::from_rows(&a, cols), MatRef::from_rows(&b, cols));
                    let mut out = vec![f32::NAN; n_queries * n_rows];
                    let mut out_mat = MatMut::new(&mut out, n_queries, n_rows, n_rows);
                    block(level, queries, rows, &mut out_mat);
                    for (i, query) in queries.iter().enumerate() {
                        for (j, row) in rows.iter().enumerate() {
                            assert_eq!(
                                out[i * n_rows + j].to_bits(),
                                pair(level, query, row).to_bits(),
                                "{name}/{level}/{cols} at {i}, {j}"
                            );
                        }
                    }
                }
            }
        }
    }
}

proptest! {
    /// Symmetry, identity and the relation of the three sums, at every level.
    #[test]
    fn distances_behave(pairs in prop::collection::vec((any::<u8>(), any::<u8>()), 0..300)) {
        let (a, b): (Vec<u8>, Vec<u8>) = pairs.into_iter().unzip();
        for level in levels() {
            prop_assert_eq!(l1_u8(level, &a, &b), l1_u8(level, &b, &a));
            prop_assert_eq!(l1_u8(level, &a, &a), 0);
            prop_assert_eq!(l2_sq_u8(level, &a, &a), 0);
            prop_assert_eq!(
                l2_sq_u8(level, &a, &b),
                dot_u8(level, &a, &a) + dot_u8(level, &b, &b) - 2 * dot_u8(level, &a, &b)
            );
        }
    }
}

/// A kernel that is public and in no table above would be at no level compared with anything.
#[test]
fn every_kernel_of_distances_is_in_a_table() {
    let library = include_str!("../src/lib.rs");
    let (_, list) = library.split_once("pub use distance::{").unwrap();
    let (list, _) = list.split_once("};").unwrap();
    let public: Vec<&str> = list
        .split([',', ' ', '\n'])
        .filter(|name| !name.is_empty())
        .collect();
    assert!(public.contains(&"l1_u8"), "{public:?}");
    let tabled: Vec<&str> = (U8_PAIRS.iter().map(|row| row.0))
        .chain(U8_BLOCKS.iter().map(|row| row.0))
        .chain(F32_PAIRS.iter().map(|row| row.0))
        .chain(F32_BLOCKS.iter().map(|row| row.0))
        // The limit of all, and the block of any kernel, by which those of one are made.
        .chain(["MAX_EXACT_U8", "f32_block"])
        .collect();
    for name in public {
        assert!(tabled.contains(&name), "{name} is compared with no oracle");
    }
}
