//! Directions worth projecting to: the leading principal components of a sample, learnt on group means.
//!
//! Nothing here decides what is exact: a matrix of any directions gives valid bounds. So floats are
//! welcome, and iterations stop when the directions are good enough, not when they have converged.

use super::sums::Groups;
use crate::random::generator_of;
use nearplane_kernels::{Level, MatMut, MatRef, gemm_f32, gram_u8};
use rand_pcg::rand_core::Rng;

/// Rows that directions are learnt from.
pub(super) const SAMPLE: usize = 3000;

/// The most columns of the covariance; longer rows are learnt from as means over groups.
const MAX_GROUPS: usize = 768;

/// Iterations; each brings the directions closer by the ratio of the variances.
const ITERATIONS: usize = 3;

/// Directions iterated beyond those wanted, so that the last of those converge, too.
const SPARE: usize = 8;

/// What a sample says about rows.
pub(super) struct Learnt {
    pub(super) groups: Groups,
    /// Orthonormal directions, one a row of `groups.len()` numbers, the most important first. None without
    /// variance: rows of zeros would be far from orthonormal, and loosen the bound of the eigenvalue.
    pub(super) directions: Vec<f32>,
    /// The mean of each group.
    pub(super) mean: Vec<f64>,
}

/// `n` of the numbers below `len`, evenly spaced.
pub(super) fn evenly(len: usize, n: usize) -> impl Iterator<Item = usize> + Clone {
    let n = n.min(len);
    (0..n).map(move |i| i * len / n)
}

/// At most `wanted` directions, fewer for short rows or those that vary in few ways, from some rows that stand for
/// all.
pub(super) fn learn(sample: &[&[u8]], wanted: usize, level: Level) -> Learnt {
    let cols = sample.first().map_or(0, |row| row.len());
    let side = (1..).find(|side| cols.div_ceil(side * side) <= MAX_GROUPS);
    let groups = Groups::squares(cols, side.unwrap_or(1));
    let n_groups = groups.len();
    let (covariance, mean) = covariance(sample, groups, level);

    let n = (wanted + SPARE).min(n_groups);
    let mut generator = generator_of(0, 0x7072_756e, 0);
    let mut directions: Vec<f32> = (0..n * n_groups)
        .map(|_| (generator.next_u64() >> 40) as f32 / (1u32 << 23) as f32 - 1.0)
        .collect();
    let mut image = vec![0.0; n * n_groups];
    for _ in 0..ITERATIONS {
        orthonormalize(&mut directions, n_groups);
        gemm_f32(
            level,
            MatRef::from_rows(&directions, n_groups),
            MatRef::from_rows(&covariance, n_groups),
            &mut MatMut::new(&mut image, n, n_groups, n_groups),
        );
        std::mem::swap(&mut directions, &mut image);
    }
    orthonormalize(&mut directions, n_groups);
    directions.truncate(wanted * n_groups);
    let directions = (directions.chunks_exact(n_groups))
        .filter(|direction| direction.iter().any(|&entry| entry != 0.0))
        .flatten()
        .copied()
        .collect();
    Learnt {
        groups,
        directions,
        mean,
    }
}

/// The covariance of the group means of a sample, and their means.
fn covariance(rows: &[&[u8]], groups: Groups, level: Level) -> (Vec<f32>, Vec<f64>) {
    let n_groups = groups.len();
    let (mut means, mut lines, mut sums) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        groups.means(row, [&mut lines, &mut sums], &mut means);
    }
    let sample = MatRef::from_rows(&means, n_groups);
    let mut gram = vec![0; n_groups * n_groups];
    gram_u8(
        level,
        sample,
        &mut MatMut::new(&mut gram, n_groups, n_groups, n_groups),
    );
    let n = sample.rows() as f64;
    let mut mean = vec![0.0; n_groups];
    for row in sample.iter() {
        for (sum, &value) in mean.iter_mut().zip(row) {
            *sum += f64::from(value);
        }
    }
    for sum in &mut mean {
        *sum /= n;
    }
    let mut covariance = vec![0.0; n_groups * n_groups];
    for p in 0..n_groups {
        for q in p..n_groups {
            let entry = (f64::from(gram[p * n_groups + q]) / n - mean[p] * mean[q]) as f32;
            covariance[p * n_groups + q] = entry;
            covariance[q * n_groups + p] = entry;
        }
    }
    (covariance, mean)
}

/// Gram-Schmidt along the rows of `len`; a row that depends on those before it becomes zero.
fn orthonormalize(rows: &mut [f32], len: usize) {
    for at in 0..rows.len() / len {
        let (before, from) = rows.split_at_mut(at * len);
        let row = &mut from[..len];
        let original = dot(row, row);
        for earlier in before.chunks_exact(len) {
            let along = dot(earlier, row);
            for (value, &earlier) in row.iter_mut().zip(earlier) {
                *value -= along * earlier;
            }
        }
        let left = dot(row, row);
        let scale = if left > 1e-9 * original {
            1.0 / left.sqrt()
        } else {
            0.0
        };
        for value in row {
            *value *= scale;
        }
    }
}

/// In sixteen sums, which the compiler keeps in registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Mixes directions of very different importance into as many that matter about alike, so that one
/// step suits all coordinates: the discrete Hartley transform, `H_ij = (cos + sin)(2 pi i j / n) / sqrt(n)`,
/// is orthogonal, and the squares of its entries are about `1 / n`.
pub(super) fn mix(directions: &mut [f32], len: usize, level: Level) {
    let n = directions.len() / len;
    let transform: Vec<f32> = (0..n * n)
        .map(|at| {
            let turn = std::f64::consts::TAU * ((at / n) * (at % n) % n) as f64 / n as f64;
            ((turn.cos() + turn.sin()) / (n as f64).sqrt()) as f32
        })
        .collect();
    let mut mixed = vec![0.0; directions.len()];
    if n > 0 {
        gemm_f32(
            level,
            MatRef::from_rows(&transform, n),
            MatRef::from_rows(directions, len),
            &mut MatMut::new(&mut mixed, n, len, len),
        );
    }
    directions.copy_from_slice(&mixed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_direction_of_most_variance_comes_first() {
        // Columns 0 and 1 move together and far, column 2 a little by itself, column 3 not at all.
        let data: Vec<u8> = (0..64u8)
            .flat_map(|i| [3 * i, 3 * i + 1, i.wrapping_mul(29) % 16, 77])
            .collect();
        let rows: Vec<&[u8]> = data.chunks_exact(4).collect();
        let learnt = learn(&rows, 2, Level::detect());
        assert_eq!(learnt.groups.len(), 4);
        assert_eq!(learnt.mean[3], 77.0);
        let half = std::f32::consts::FRAC_1_SQRT_2;
        for (component, expected) in learnt.directions[..4].iter().zip([half, half, 0.0, 0.0]) {
            assert!(
                (component.abs() - expected).abs() < 0.02,
                "{:?}",
                learnt.directions
            );
        }
        assert!(learnt.directions[6].abs() > 0.99);
    }

    #[test]
    fn mixing_keeps_directions_orthonormal() {
        for n in [1, 2, 3, 7, 12] {
            let mut directions = vec![0.0; n * n];
            for i in 0..n {
                directions[i * n + i] = 1.0;
            }
            mix(&mut directions, n, Level::detect());
            for i in 0..n {
                for j in 0..n {
                    let product = dot(&directions[i * n..][..n], &directions[j * n..][..n]);
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!((product - expected).abs() < 1e-5, "{n}: {i} {j} {product}");
                }
            }
        }
    }

    #[test]
    fn rows_without_variance_have_no_directions() {
        let data = [5; 40];
        let rows: Vec<&[u8]> = data.chunks_exact(8).collect();
        let learnt = learn(&rows, 4, Level::detect());
        assert!(learnt.directions.is_empty());
    }
}
