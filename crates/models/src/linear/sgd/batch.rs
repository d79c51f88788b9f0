//! A batch: its rows side by side, their scores, losses and coefficients, row part by row part.

use crate::linear::model::largest;
use crate::linear::{LinearData, Loss};
use crate::neighbors::{Element, Rows};
use nearplane_kernels::{Level, MatMut, MatRef};
use rayon::prelude::*;
use std::ops::Range;

/// Rows of a part: enough that reading the weights does not count, few enough that there are parts for
/// several threads in an ordinary batch.
const ROWS_PER_PART: usize = 32;

/// Rows copied in turns, and how much of each at a time.
const ROWS_IN_TURNS: usize = 8;
const STRETCH_BYTES: usize = 256;

/// Room for the rows of a batch and what is computed from them.
#[derive(Debug)]
pub(super) struct Batch<T> {
    n_classes: usize,
    n_features: usize,
    n_rows: usize,
    /// The gathered rows, `batch size x n_features`.
    rows: Vec<T>,
    /// `w_i / B dL/ds`, `batch size x n_classes`.
    coefficients: Vec<f32>,
    /// The sum of the coefficients as rounded, one a class.
    sums: Vec<f64>,
    parts: Vec<RowPart>,
}

#[derive(Debug)]
struct RowPart {
    scores: Vec<f32>,
    row: Vec<f64>,
    sums: Vec<f64>,
    loss: f64,
    correct: u64,
}

/// The function whose loss is asked for: weights and bias on the raw rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folded<'w> {
    pub(super) level: Level,
    pub(super) loss: Loss,
    pub(super) weight: &'w [f32],
    pub(super) bias: &'w [f64],
}

impl<T: Element> Batch<T> {
    pub(super) fn new(size: usize, n_classes: usize, n_features: usize) -> Self {
        let part = |_| RowPart {
            scores: vec![0.0; ROWS_PER_PART * n_classes],
            row: vec![0.0; n_classes],
            sums: vec![0.0; n_classes],
            loss: 0.0,
            correct: 0,
        };
        Self {
            n_classes,
            n_features,
            n_rows: 0,
            rows: vec![T::ZERO; size * n_features],
            coefficients: vec![0.0; size * n_classes],
            sums: vec![0.0; n_classes],
            parts: (0..size.div_ceil(ROWS_PER_PART)).map(part).collect(),
        }
    }

    /// Gathers the rows of `order` and computes their coefficients. Returns the sum of their weighted
    /// losses, and how many have their label's score as the largest.
    pub(super) fn run(
        &mut self,
        data: &LinearData<'_, T>,
        order: &[u32],
        folded: Folded<'_>,
        parts_at_once: usize,
    ) -> (f64, u64) {
        let (n_classes, n_features) = (self.n_classes, self.n_features);
        self.n_rows = order.len();
        let weights = MatRef::new(folded.weight, n_classes, n_features, n_features);
        let share = 1.0 / order.len() as f64;
        self.rows
            .par_chunks_mut(ROWS_PER_PART * n_features)
            .zip(self.coefficients.par_chunks_mut(ROWS_PER_PART * n_classes))
            .zip(&mut self.parts)
            .zip(order.par_chunks(ROWS_PER_PART))
            .with_min_len(parts_at_once)
            .for_each(|(((rows, coefficients), part), order)| {
                gather(data.rows(), order, rows);
                let rows = MatRef::new(rows, order.len(), n_features, n_features);
                let mut scores = MatMut::new(&mut part.scores, order.len(), n_classes, n_classes);
                T::scores(folded.level, rows, weights, &mut scores);
                part.differentiate(data, order, folded, share, coefficients);
            });
        let used = &self.parts[..order.len().div_ceil(ROWS_PER_PART)];
        self.sums.fill(0.0);
        let (mut loss, mut correct) = (0.0, 0);
        for part in used {
            loss += part.loss;
            correct += part.correct;
            for (total, sum) in self.sums.iter_mut().zip(&part.sums) {
                *total += sum;
            }
        }
        (loss, correct)
    }

    /// Gathers these rows, without scores.
    pub(super) fn gather(&mut self, data: &LinearData<'_, T>, order: &[u32]) {
        self.n_rows = order.len();
        gather(data.rows(), order, &mut self.rows);
    }

    /// Some columns of the gathered rows.
    pub(super) fn columns(&self, columns: Range<usize>) -> MatRef<'_, T> {
        let first = &self.rows[columns.start..];
        MatRef::new(first, self.n_rows, columns.len(), self.n_features)
    }

    /// `w_i / B dL/ds`, `n x n_classes`.
    pub(super) fn coefficients(&self) -> MatRef<'_, f32> {
        MatRef::new(
            &self.coefficients,
            self.n_rows,
            self.n_classes,
            self.n_classes,
        )
    }

    /// The sum of the coefficients over the rows, one a class: the gradient by the bias.
    pub(super) fn sums(&self) -> &[f64] {
        &self.sums
    }
}

/// Copies rows to `to`, one after the other.
///
/// Rows of a shuffled order lie far apart, and no prefetcher knows where the next one begins: several
/// are copied in turns, a short stretch of each, so that the waits for them overlap.
fn gather<T: Element>(rows: &Rows<'_, T>, order: &[u32], to: &mut [T]) {
    let n_features = rows.cols();
    let stretch = STRETCH_BYTES / size_of::<T>();
    let groups = order.chunks(ROWS_IN_TURNS);
    for (order, to) in groups.zip(to.chunks_mut(ROWS_IN_TURNS * n_features)) {
        let mut from: [&[T]; ROWS_IN_TURNS] = [&[]; ROWS_IN_TURNS];
        for (from, &row) in from.iter_mut().zip(order) {
            *from = rows.row(row as usize);
        }
        for start in (0..n_features).step_by(stretch) {
            let end = n_features.min(start + stretch);
            for (i, from) in from[..order.len()].iter().enumerate() {
                let at = i * n_features;
                to[at + start..at + end].copy_from_slice(&from[start..end]);
            }
        }
    }
}

impl RowPart {
    fn differentiate<T: Element>(
        &mut self,
        data: &LinearData<'_, T>,
        order: &[u32],
        folded: Folded<'_>,
        share: f64,
        coefficients: &mut [f32],
    ) {
        let n_classes = folded.bias.len();
        self.sums.fill(0.0);
        (self.loss, self.correct) = (0.0, 0);
        let outs = coefficients.chunks_exact_mut(n_classes);
        for ((scores, out), &row) in self.scores.chunks_exact(n_classes).zip(outs).zip(order) {
            for ((to, &score), bias) in self.row.iter_mut().zip(scores).zip(folded.bias) {
                *to = f64::from(score) + bias;
            }
            let label = data.labels()[row as usize] as usize;
            let weight = data.weight(row as usize);
            self.correct += u64::from(largest(&self.row) == label);
            self.loss += weight * folded.loss.gradient_in_place(&mut self.row, label);
            for ((out, &c), sum) in out.iter_mut().zip(&self.row).zip(&mut self.sums) {
                *out = (weight * share * c) as f32;
                *sum += f64::from(*out);
            }
        }
    }
}
