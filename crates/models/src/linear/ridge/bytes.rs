//! Second moments of bytes: sums of integers, so that nothing is lost but in their last scaling.

use super::ROWS_AT_ONCE;
use super::moments::Moments;
use crate::Monitor;
use crate::linear::{LinearData, LinearError};
use crate::neighbors::Element;
use nearplane_kernels::{Level, MAX_EXACT_U8, MatMut, MatRef, gram_u8};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads that sum; each has a matrix of sums of its own.
const MAX_PARTS: usize = 8;

/// Whether rows are bytes that all count 1.
pub(super) fn are_plain_bytes<T: Element>(data: &LinearData<'_, T>) -> bool {
    // The elements that are all numbers are bytes.
    !T::MAY_BE_NON_FINITE && (0..data.n_rows()).all(|row| data.weight(row) == 1.0)
}

/// Sets products and targets of moments that have everything else, for rows that are
/// [plain bytes](are_plain_bytes).
///
/// `sum (x - m)(x - m)^T = sum x x^T - n m m^T` for the mean m.
pub(super) fn sum<T: Element>(
    moments: &mut Moments,
    level: Level,
    data: &LinearData<'_, T>,
    monitor: &dyn Monitor,
) -> Result<(), LinearError> {
    let (n, d) = (data.n_rows(), data.n_features());
    let mut products = vec![0u64; d * d];
    let mut of_classes = vec![0u64; moments.n_classes * d];
    let done = AtomicUsize::new(0);
    // Integers have no order to keep: as many parts as there are threads.
    let n_parts = rayon::current_num_threads().min(MAX_PARTS);
    for first in (0..n).step_by(MAX_EXACT_U8) {
        let n_here = MAX_EXACT_U8.min(n - first);
        let length = n_here.div_ceil(n_parts);
        let parts = (0..n_here).into_par_iter().step_by(length).map(|start| {
            let end = n_here.min(start + length);
            let range = first + start..first + end;
            of_range(level, data, range, moments.n_classes, |rows| {
                let done = done.fetch_add(rows, Ordering::Relaxed) + rows;
                monitor.progress(done as u64, n as u64);
                !monitor.cancelled()
            })
        });
        let parts = parts.collect::<Option<Vec<_>>>();
        for (gram, classes) in parts.ok_or(LinearError::Cancelled)? {
            for (sum, part) in products.iter_mut().zip(gram) {
                *sum += u64::from(part);
            }
            for (sum, part) in of_classes.iter_mut().zip(classes) {
                *sum += part;
            }
        }
    }
    let (n, scale) = (n as f64, data.affine().scale());
    let mean = &moments.center;
    let rows = moments.products.elements.par_chunks_exact_mut(d);
    rows.enumerate().for_each(|(p, row)| {
        for (q, element) in row.iter_mut().enumerate() {
            // Only one triangle is summed.
            let sum = products[p.min(q) * d + p.max(q)] as f64;
            *element = (sum / n - mean[p] * mean[q]) * (scale[p] * scale[q]);
        }
    });
    let targets = moments.targets.chunks_exact_mut(d);
    let sums = of_classes.chunks_exact(d).zip(&moments.frequency);
    for (targets, (sums, frequency)) in targets.zip(sums) {
        for (q, (target, &sum)) in targets.iter_mut().zip(sums).enumerate() {
            *target = (sum as f64 / n - frequency * mean[q]) * scale[q];
        }
    }
    Ok(())
}

/// The upper triangle of `sum x x^T`, and the sum of the rows of each class. `None` once `go_on`, which is
/// told how many rows are added, says no.
fn of_range<T: Element>(
    level: Level,
    data: &LinearData<'_, T>,
    range: Range<usize>,
    n_classes: usize,
    go_on: impl Fn(usize) -> bool,
) -> Option<(Vec<u32>, Vec<u64>)> {
    let d = data.n_features();
    let mut gram = vec![0u32; d * d];
    let mut of_classes = vec![0u64; n_classes * d];
    let mut block = Vec::with_capacity(ROWS_AT_ONCE * d);
    for first in range.clone().step_by(ROWS_AT_ONCE) {
        let rows = first..range.end.min(first + ROWS_AT_ONCE);
        block.clear();
        for row in rows.clone() {
            block.extend(data.rows().row(row).iter().map(|x| x.number() as u8));
        }
        let out = &mut MatMut::new(&mut gram, d, d, d);
        gram_u8(level, MatRef::from_rows(&block, d), out);
        for (row, bytes) in rows.clone().zip(block.chunks_exact(d)) {
            let label = data.labels()[row] as usize;
            let sums = &mut of_classes[label * d..][..d];
            for (sum, &byte) in sums.iter_mut().zip(bytes) {
                *sum += u64::from(byte);
            }
        }
        if !go_on(rows.len()) {
            return None;
        }
    }
    Some((gram, of_classes))
}
