//! A part of the columns: its weights and all that goes with them, its gradient, and the step.

use super::Optimizer;
use super::batch::Batch;
use crate::neighbors::Element;
use nearplane_kernels::{Lanes, Level, MatMut, MatRef, Vectorize};
use std::ops::Range;

/// Keeps the deviation of a column from 0 (Ioffe and Szegedy 2015).
pub(super) const EPSILON: f32 = 1e-5;

/// Partial sums of an offset, so that they need not wait for each other.
const OFFSET_SUMS: usize = 16;

/// Weights of some columns. Matrices are `n_classes x width`, row-major; what the optimizer does not use is
/// empty.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) range: Range<usize>,
    pub(super) weight: Vec<f32>,
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
    pub(super) average: Vec<f32>,
    /// Running statistics of z, one a column.
    pub(super) mean: Vec<f32>,
    pub(super) variance: Vec<f32>,
    /// Weights on the raw columns.
    pub(super) folded: Vec<f32>,
    /// What these columns add to the bias on the raw rows, one a class.
    pub(super) offset: Vec<f64>,
    gradient: Vec<f32>,
    /// The map from raw columns to z.
    base_center: Vec<f32>,
    base_scale: Vec<f32>,
    /// The map that `folded` was made with: running statistics and dropout included.
    center: Vec<f32>,
    scale: Vec<f32>,
}

/// What a step does to every number alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) optimizer: Optimizer,
    pub(super) rate: f32,
    /// The factor of w in the gradient of the penalty.
    pub(super) decay: f32,
    /// The factor of abs(w) in the penalty.
    pub(super) l1: f32,
    /// `1 - beta^t` of Adam.
    pub(super) corrections: [f32; 2],
    /// `1 / n` for the n-th step of the average.
    pub(super) average: Option<f32>,
    /// Share of the batch in the running statistics.
    pub(super) statistics: Option<f32>,
}

impl Columns {
    pub(super) fn new(
        range: Range<usize>,
        n_classes: usize,
        center: &[f64],
        scale: &[f64],
    ) -> Self {
        let narrow = |x: &[f64]| x[range.clone()].iter().map(|&x| x as f32).collect();
        let (base_center, base_scale): (Vec<f32>, Vec<f32>) = (narrow(center), narrow(scale));
        let zeros = vec![0.0; n_classes * range.len()];
        Self {
            weight: zeros.clone(),
            first: Vec::new(),
            second: Vec::new(),
            average: Vec::new(),
            mean: Vec::new(),
            variance: Vec::new(),
            folded: zeros.clone(),
            offset: vec![0.0; n_classes],
            gradient: zeros,
            center: base_center.clone(),
            scale: base_scale.clone(),
            base_center,
            base_scale,
            range,
        }
    }

    /// Gradient of the batch, the step, and the weights folded for the next batch, whose dropout is `mask`:
    /// one factor for each column of all.
    pub(super) fn step<T: Element>(
        &mut self,
        level: Level,
        batch: &Batch<T>,
        rule: Rule,
        mask: Option<&[f32]>,
    ) {
        let rows = batch.columns(self.range.clone());
        let (n_classes, width) = (self.offset.len(), self.range.len());
        T::gradient(
            level,
            batch.coefficients(),
            rows,
            &mut MatMut::new(&mut self.gradient, n_classes, width, width),
        );
        let sums = batch.sums();
        level.run(Step {
            columns: self,
            rule,
            sums,
        });
        if let Some(share) = rule.statistics {
            self.observe(level, rows, share);
        }
        self.fold(level, mask);
    }

    /// Forgets a step that was not finished.
    pub(super) fn reset(&mut self) {
        self.gradient.fill(0.0);
        self.center.copy_from_slice(&self.base_center);
        self.scale.copy_from_slice(&self.base_scale);
    }

    /// Running statistics take their share of these rows.
    pub(super) fn observe<T: Element>(&mut self, level: Level, rows: MatRef<'_, T>, share: f32) {
        level.run(Observe {
            columns: self,
            rows,
            share,
        });
    }

    /// Weights on the raw columns, with running statistics and dropout as they are for the next batch.
    pub(super) fn fold(&mut self, level: Level, mask: Option<&[f32]>) {
        level.run(Fold {
            columns: self,
            mask,
        });
    }
}

impl Rule {
    /// One number, its moments and its gradient.
    #[inline(always)]
    pub(super) fn apply(&self, w: &mut f32, first: &mut f32, second: &mut f32, gradient: f32) {
        let step = match self.optimizer {
            Optimizer::Momentum { momentum, nesterov } => {
                let momentum = momentum as f32;
                *first = momentum * *first + gradient;
                let step = if nesterov {
                    gradient + momentum * *first
                } else {
                    *first
                };
                *w -= self.rate * step;
                self.rate
            }
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            } => {
                let (beta1, beta2) = (beta1 as f32, beta2 as f32);
                *first = beta1 * *first + (1.0 - beta1) * gradient;
                *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
                let divisor = (*second / self.corrections[1]).sqrt() + epsilon as f32;
                let own_rate = self.rate / divisor;
                *w -= own_rate * (*first / self.corrections[0]);
                own_rate
            }
        };
        if self.l1 > 0.0 {
            *w = (w.abs() - step * self.l1).max(0.0).copysign(*w);
        }
    }
}

/// The step of all weights of some columns.
struct Step<'c> {
    columns: &'c mut Columns,
    rule: Rule,
    sums: &'c [f64],
}

impl Vectorize for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self {
            columns,
            rule,
            sums,
        } = self;
        let width = columns.range.len();
        let (center, scale) = (&columns.center[..width], &columns.scale[..width]);
        let is_adam = matches!(rule.optimizer, Optimizer::Adam { .. });
        for (k, &sum) in sums.iter().enumerate() {
            let class = k * width..(k + 1) * width;
            let sum = sum as f32;
            let weight = &mut columns.weight[class.clone()];
            let gradient = &mut columns.gradient[class.clone()];
            let first = &mut columns.first[class.clone()];
            // The gradient on z from that on the raw columns, and the penalty's; then the step.
            if is_adam {
                let second = &mut columns.second[class.clone()];
                for j in 0..width {
                    let g = (gradient[j] - center[j] * sum) * scale[j] + rule.decay * weight[j];
                    rule.apply(&mut weight[j], &mut first[j], &mut second[j], g);
                }
            } else {
                let mut unused = 0.0;
                for j in 0..width {
                    let g = (gradient[j] - center[j] * sum) * scale[j] + rule.decay * weight[j];
                    rule.apply(&mut weight[j], &mut first[j], &mut unused, g);
                }
            }
            gradient.fill(0.0);
            if let Some(share) = rule.average {
                let average = &mut columns.average[class];
                for (average, &w) in average.iter_mut().zip(weight.iter()) {
                    *average += share * (w - *average);
                }
            }
        }
    }
}

/// Folding, and the offsets that go with it.
struct Fold<'c> {
    columns: &'c mut Columns,
    mask: Option<&'c [f32]>,
}

impl Vectorize for Fold<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let c = self.columns;
        let width = c.range.len();
        if !c.mean.is_empty() {
            for j in 0..width {
                let scale = c.base_scale[j];
                c.scale[j] = scale / (c.variance[j] + EPSILON).sqrt();
                let shift = if scale == 0.0 { 0.0 } else { c.mean[j] / scale };
                c.center[j] = c.base_center[j] + shift;
            }
        } else if self.mask.is_some() {
            c.scale.copy_from_slice(&c.base_scale);
        }
        if let Some(mask) = self.mask {
            for (scale, factor) in c.scale.iter_mut().zip(&mask[c.range.clone()]) {
                *scale *= factor;
            }
        }
        let (center, scale) = (&c.center[..width], &c.scale[..width]);
        for (k, offset) in c.offset.iter_mut().enumerate() {
            let weight = &c.weight[k * width..][..width];
            let folded = &mut c.folded[k * width..][..width];
            for j in 0..width {
                folded[j] = weight[j] * scale[j];
            }
            let mut sums = [0.0f64; OFFSET_SUMS];
            let (folded, last_folded) = folded.as_chunks::<OFFSET_SUMS>();
            let (center, last_center) = center.as_chunks::<OFFSET_SUMS>();
            for (f, c) in folded.iter().zip(center) {
                for i in 0..OFFSET_SUMS {
                    sums[i] += f64::from(f[i]) * f64::from(c[i]);
                }
            }
            for (i, (&f, &c)) in last_folded.iter().zip(last_center).enumerate() {
                sums[i] += f64::from(f) * f64::from(c);
            }
            *offset = -sums.iter().sum::<f64>();
        }
    }
}

/// Mean and variance of the columns of some rows, for the running ones.
struct Observe<'c, 'r, T> {
    columns: &'c mut Columns,
    rows: MatRef<'r, T>,
    share: f32,
}

impl<T: Element> Vectorize for Observe<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        const WIDTH: usize = 64;
        let (c, rows) = (self.columns, self.rows);
        let n = rows.rows() as f32;
        let width = c.range.len();
        for start in (0..width).step_by(WIDTH) {
            let end = width.min(start + WIDTH);
            let (mut sums, mut squares) = ([0.0f32; WIDTH], [0.0f32; WIDTH]);
            let (center, scale) = (&c.base_center[start..end], &c.base_scale[start..end]);
            for i in 0..rows.rows() {
                let row = &rows.row(i)[start..end];
                for j in 0..row.len().min(WIDTH) {
                    let z = (row[j].number() - center[j]) * scale[j];
                    sums[j] += z;
                    squares[j] += z * z;
                }
            }
            for j in start..end {
                let mean = sums[j - start] / n;
                let spread = (squares[j - start] / n - mean * mean).max(0.0);
                c.mean[j] += self.share * (mean - c.mean[j]);
                // The estimate without bias, as the running one is used on other rows.
                if n > 1.0 {
                    let variance = spread * n / (n - 1.0);
                    c.variance[j] += self.share * (variance - c.variance[j]);
                }
            }
        }
    }
}
