//! The oracle: each kernel as its formula, never clever. Every other level is tested against it.

use super::{Kernel, Left, Part, U8Block};
use crate::{MatMut, MatRef};

pub(crate) fn l1_u8(a: &[u8], b: &[u8]) -> u32 {
    pairs(a, b).map(|(a, b)| u32::from(a.abs_diff(b))).sum()
}

pub(crate) fn l2_sq_u8(a: &[u8], b: &[u8]) -> u32 {
    pairs(a, b)
        .map(|(a, b)| u32::from(a.abs_diff(b)).pow(2))
        .sum()
}

pub(crate) fn dot_u8(a: &[u8], b: &[u8]) -> u32 {
    pairs(a, b).map(|(a, b)| u32::from(a) * u32::from(b)).sum()
}

pub(crate) fn l1_f32(a: &[f32], b: &[f32]) -> f32 {
    wide_pairs(a, b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |sum: f64, term| sum + term) as f32
}

pub(crate) fn l2_sq_f32(a: &[f32], b: &[f32]) -> f32 {
    wide_pairs(a, b)
        .map(|(a, b)| (a - b).powi(2))
        .fold(0.0, |sum: f64, term| sum + term) as f32
}

pub(crate) fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    wide_pairs(a, b)
        .map(|(a, b)| a * b)
        .fold(0.0, |sum: f64, term| sum + term) as f32
}

pub(crate) fn chi2_f32(a: &[f32], b: &[f32]) -> f32 {
    wide_pairs(a, b)
        .map(|(a, b)| {
            if a + b == 0.0 {
                0.0
            } else {
                (a - b).powi(2) / (a + b)
            }
        })
        .fold(0.0, |sum: f64, term| sum + term) as f32
}

pub(crate) fn first_at_most(values: &[u32], threshold: u32) -> Option<usize> {
    values.iter().position(|&value| value <= threshold)
}

fn pairs<'a>(a: &'a [u8], b: &'a [u8]) -> impl Iterator<Item = (u8, u8)> + 'a {
    a.iter().copied().zip(b.iter().copied())
}

/// Products of two f32 are exact in f64. (Sums start at 0.0, not at the -0.0 of `Iterator::sum`.)
fn wide_pairs<'a>(a: &'a [f32], b: &'a [f32]) -> impl Iterator<Item = (f64, f64)> + 'a {
    a.iter()
        .map(|&a| f64::from(a))
        .zip(b.iter().map(|&b| f64::from(b)))
}

pub(crate) fn f32_block(
    kernel: Kernel,
    queries: &[&[f32]],
    rows: &[&[f32]],
    out: &mut MatMut<f32>,
) {
    let pair = match kernel {
        Kernel::L1 => l1_f32,
        Kernel::L2Sq => l2_sq_f32,
        Kernel::Dot => dot_f32,
        Kernel::Chi2 => chi2_f32,
    };
    for (i, query) in queries.iter().enumerate() {
        for (sum, row) in out.row_mut(i).iter_mut().zip(rows) {
            *sum = pair(query, row);
        }
    }
}

pub(crate) fn u8_block(kernel: Kernel, block: &U8Block, out: &mut MatMut<u32>) {
    let pair = match kernel {
        Kernel::L1 => l1_u8,
        Kernel::L2Sq => l2_sq_u8,
        Kernel::Dot => dot_u8,
        Kernel::Chi2 => super::no_chi2_of_bytes(),
    };
    for i in 0..block.n_queries {
        let query = block.query_panel(i);
        for (j, sum) in out.row_mut(i)[..block.n_rows].iter_mut().enumerate() {
            *sum = pair(query, block.row_panel(j));
        }
    }
}

pub(crate) fn u8_block_at_most(kernel: Kernel, block: &U8Block, limits: &[u32], hits: &mut [u64]) {
    let mut sums = vec![0; block.n_queries * block.n_rows];
    let mut sums = MatMut::new(&mut sums, block.n_queries, block.n_rows, block.n_rows);
    u8_block(kernel, block, &mut sums);
    let words = block.n_rows.div_ceil(64);
    hits.fill(0);
    for (i, limit) in limits.iter().enumerate() {
        for (j, sum) in sums.row_mut(i).iter().enumerate() {
            if sum <= limit {
                hits[i * words + j / 64] |= 1 << (j % 64);
            }
        }
    }
}

macro_rules! linear {
    ($($scores:ident, $gradient:ident: $element:ty;)*) => {$(
        pub(crate) fn $scores(rows: MatRef<$element>, weights: MatRef<f32>, out: &mut MatMut<f32>) {
            for (i, row) in rows.iter().enumerate() {
                for (score, weights) in out.row_mut(i).iter_mut().zip(weights.iter()) {
                    let terms = row.iter().zip(weights).map(|(&x, &w)| f64::from(x) * f64::from(w));
                    *score = terms.fold(0.0, |sum: f64, term| sum + term) as f32;
                }
            }
        }

        pub(crate) fn $gradient(
            coefficients: MatRef<f32>,
            rows: MatRef<$element>,
            gradient: &mut MatMut<f32>,
        ) {
            for class in 0..gradient.rows() {
                for (p, sum) in gradient.row_mut(class).iter_mut().enumerate() {
                    let terms = (0..rows.rows()).map(|i| {
                        f64::from(coefficients.row(i)[class]) * f64::from(rows.row(i)[p])
                    });
                    *sum = terms.fold(f64::from(*sum), |sum, term| sum + term) as f32;
                }
            }
        }
    )*};
}

linear! {
    scores_u8, gradient_u8: u8;
    scores_f32, gradient_f32: f32;
}

pub(crate) fn add_product(left: Left, right: MatRef<f32>, part: Part, out: &mut MatMut<f32>) {
    for i in 0..out.rows() {
        for (j, sum) in out.row_mut(i).iter_mut().enumerate() {
            if part == Part::Upper && j < i {
                continue;
            }
            let terms =
                (0..right.rows()).map(|p| f64::from(left.at(i, p)) * f64::from(right.row(p)[j]));
            *sum = terms.fold(f64::from(*sum), |sum, term| sum + term) as f32;
        }
    }
}
