//! Scores of every row by the ridge regressions of all others, for all lambdas at once: the rows are turned to
//! the coordinates of a band matrix, where each lambda costs a little.

use super::ROWS_AT_ONCE;
use super::moments::Moments;
use crate::Monitor;
use crate::linear::dense::{Banded, Cholesky, EIGHT, Eight, inner_products, to_lanes};
use crate::linear::{LinearData, LinearError};
use crate::neighbors::Element;
use nearplane_kernels::{Level, MatMut, MatRef, gemm_f32};
use rayon::prelude::*;

/// Rows that one thread turns in one go.
const BLOCK: usize = 512;

pub(super) struct LeaveOut<'s> {
    level: Level,
    sums: &'s Moments,
    /// Q of `G = Q B Q^T`.
    rotation: Vec<f32>,
    of_lambdas: Vec<OfLambda>,
}

struct OfLambda {
    /// L of `B + lambda I = L L^T`.
    factor: Cholesky,
    /// `L^-1 Q^T` of the targets of eight classes, for every eight of them.
    targets: Vec<Vec<Eight>>,
}

impl<'s> LeaveOut<'s> {
    pub(super) fn new(
        level: Level,
        sums: &'s Moments,
        banded: Banded,
        factors: Vec<Cholesky>,
    ) -> Self {
        let d = sums.n_features;
        let mut targets = sums.targets.clone();
        banded.turn_to_band(&mut targets);
        let of_lambda = |factor: Cholesky| {
            let eights = targets.chunks(EIGHT * d);
            let targets = eights.map(|targets| {
                let mut lanes = to_lanes(targets, d);
                factor.forward(&mut lanes);
                lanes
            });
            OfLambda {
                targets: targets.collect(),
                factor,
            }
        };
        Self {
            level,
            sums,
            of_lambdas: factors.into_iter().map(of_lambda).collect(),
            rotation: banded.rotation(),
        }
    }

    /// `n x n_classes` for each lambda.
    pub(super) fn scores<T: Element>(
        &self,
        data: &LinearData<'_, T>,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Vec<f32>>, LinearError> {
        let (d, n) = (self.sums.n_features, data.n_rows());
        let n_scores = n * self.sums.n_classes;
        let mut all = vec![Vec::with_capacity(n_scores); self.of_lambdas.len()];
        for first in (0..n).step_by(ROWS_AT_ONCE) {
            if monitor.cancelled() {
                return Err(LinearError::Cancelled);
            }
            let range = first..n.min(first + ROWS_AT_ONCE);
            let rows = self.sums.rows(data, range, false);
            let blocks = rows.par_chunks(BLOCK * d).enumerate();
            let parts: Vec<Vec<Vec<f32>>> = blocks
                .map(|(block, rows)| self.of_block(data, first + block * BLOCK, rows))
                .collect();
            for part in &parts {
                for (all, scores) in all.iter_mut().zip(part) {
                    all.extend_from_slice(scores);
                }
            }
        }
        Ok(all)
    }

    fn of_block<T: Element>(
        &self,
        data: &LinearData<'_, T>,
        first: usize,
        rows: &[f32],
    ) -> Vec<Vec<f32>> {
        let d = self.sums.n_features;
        let height = rows.len() / d;
        let mut turned = vec![0.0; rows.len()];
        gemm_f32(
            self.level,
            MatRef::from_rows(rows, d),
            MatRef::from_rows(&self.rotation, d),
            &mut MatMut::new(&mut turned, height, d, d),
        );
        let mut scores = vec![Vec::new(); self.of_lambdas.len()];
        let mut lanes = vec![[0.0; EIGHT]; d.next_multiple_of(EIGHT)];
        let mut solved = lanes.clone();
        for (group, turned) in turned.chunks(EIGHT * d).enumerate() {
            for (lane, row) in turned.chunks_exact(d).enumerate() {
                for (lanes, &x) in lanes.iter_mut().zip(row) {
                    lanes[lane] = f64::from(x);
                }
            }
            for (scores, of_lambda) in scores.iter_mut().zip(&self.of_lambdas) {
                solved.copy_from_slice(&lanes);
                self.without(data, first + EIGHT * group, &mut solved, of_lambda, scores);
            }
        }
        scores
    }

    /// Appends the scores of eight rows or fewer, given side by side.
    fn without<T: Element>(
        &self,
        data: &LinearData<'_, T>,
        first: usize,
        lanes: &mut [Eight],
        of_lambda: &OfLambda,
        scores: &mut Vec<f32>,
    ) {
        let sums = self.sums;
        of_lambda.factor.forward(lanes);
        let mut squares = [0.0; EIGHT];
        for lanes in lanes.iter() {
            for (sum, x) in squares.iter_mut().zip(lanes) {
                *sum += x * x;
            }
        }
        let targets = of_lambda.targets.iter();
        let inner: Vec<[Eight; EIGHT]> = targets
            .map(|targets| inner_products(self.level, lanes, targets))
            .collect();
        for (lane, row) in (first..data.n_rows().min(first + EIGHT)).enumerate() {
            let weight = data.weight(row);
            let leverage = weight * (1.0 / sums.total_weight + squares[lane] / sums.n_rows);
            for class in 0..sums.n_classes {
                let score = sums.frequency[class] + inner[class / EIGHT][lane][class % EIGHT];
                let target = f64::from(u8::from(data.labels()[row] as usize == class));
                let without = target - (target - score) / (1.0 - leverage);
                scores.push(without as f32);
            }
        }
    }
}
