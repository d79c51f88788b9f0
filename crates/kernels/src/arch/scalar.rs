//! The oracle: each kernel as its formula, never clever. Every other level is tested against it.

use super::{Kernel, U8Block};
use crate::MatMut;

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
