//! The data term over all rows: value, scores and gradient, the same bits for every number of threads.
//!
//! Rows are cut into parts by their number and length alone. A part belongs to one thread at a time,
//! which walks it block by block, so that a block's second reading (the gradient) finds it in the
//! cache; sums of a few blocks are f32, those of a part and of the parts, in their order, f64.

use super::blocks::{blocks, lock, rows_per_block, split};
use super::{LinearConfig, LinearData, Parameters};
use crate::neighbors::Element;
use nearplane_kernels::{MatMut, MatRef};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Mutex;

/// Rows after which sums in f32 move on to f64.
const ROWS_IN_F32: usize = 512;

/// The most parts, and the most bytes that their gradients may take together.
const MAX_PARTS: usize = 64;
const PART_BYTES: usize = 64 << 20;

/// Rows whose losses are summed in one go when scores are at hand.
const ROWS_AT_ONCE: usize = 1024;

/// `1/N sum_i w_i L(W z_i + b, y_i)` over the rows of a [`LinearData`], for solvers that look at all
/// rows at once; the penalty is [`LinearConfig::penalty_term`].
///
/// W and b are f64 ([`Parameters`]): a solver's last steps are far below f32's digits. The kernels run on
/// weights rounded to f32, with the map to z folded in; what they sum over a few hundred rows moves on
/// to f64. Columns whose mean is far from 0, in units of their deviation m, lose log10(m) of f32's seven
/// digits there, since the mean is taken away after the sums. Every result is the same bits on one SIMD level, for every number of threads.
///
/// [`Objective::evaluate`] reads the rows once for value and gradient.
/// [`scores`](Objective::scores), [`coefficients`](Objective::coefficients) and
/// [`gradient`](Objective::gradient) are its three steps, with the same bits, for solvers that
/// change the bias or move along a line between them: scores are linear in W.
///
/// ```
/// use nearplane_kernels::MatRef;
/// use nearplane_models::linear::{LinearData, LinearParams, Objective, Parameters};
/// use nearplane_models::neighbors::Rows;
/// let rows = Rows::from_mat(MatRef::from_rows(&[1.0f32, 0.0, 0.0, 1.0], 2))?;
/// let data = LinearData::new(rows, &[0, 1], 2)?;
/// let mut objective = Objective::new(&LinearParams::default().check()?, &data);
/// let mut gradient = Parameters::zero(2, 2);
/// let value = objective.evaluate(&Parameters::zero(2, 2), Some(&mut gradient), None);
/// assert_eq!(value, 2f64.ln());
/// assert_eq!(gradient.weight, [-0.25, 0.25, 0.25, -0.25]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Objective<'d, 'a, T> {
    config: LinearConfig,
    data: &'d LinearData<'a, T>,
    rows_per_block: usize,
    rows_per_part: usize,
    parts: Vec<Part>,
    rooms: Vec<Mutex<Room<T>>>,
    /// Weights on raw rows, `n_classes x n_features`.
    folded: Vec<f32>,
    /// What a score of raw rows lacks, for each class.
    offset: Vec<f64>,
}

/// What the rows of a part sum to.
#[derive(Debug, Default)]
struct Part {
    value: f64,
    /// By the raw columns, `n_classes x n_features`.
    gradient: Vec<f64>,
    /// The sum of the coefficients, as rounded.
    bias_gradient: Vec<f64>,
}

/// What a worker keeps from block to block.
#[derive(Debug)]
struct Room<T> {
    copy: Vec<T>,
    scores: Vec<f32>,
    coefficients: Vec<f32>,
    row: Vec<f64>,
    gradient: Vec<f32>,
    rows_in_gradient: usize,
}

impl<'d, 'a, T: Element> Objective<'d, 'a, T> {
    /// The objective on these rows, with room for as many workers as the current rayon pool has.
    #[must_use]
    pub fn new(config: &LinearConfig, data: &'d LinearData<'a, T>) -> Self {
        let (n_classes, n_features) = (data.n_classes(), data.n_features());
        let n_weights = n_classes * n_features;
        let rows_per_block = rows_per_block::<T>(n_features);
        let n_parts = (PART_BYTES / (8 * n_weights)).clamp(4, MAX_PARTS);
        let rows_per_part = data.n_rows().div_ceil(n_parts);
        let rows_per_part = rows_per_part.next_multiple_of(rows_per_block);
        let room = || Room {
            copy: Vec::new(),
            scores: vec![0.0; rows_per_block * n_classes],
            coefficients: vec![0.0; rows_per_block * n_classes],
            row: vec![0.0; n_classes],
            gradient: vec![0.0; n_weights],
            rows_in_gradient: 0,
        };
        let part = || Part {
            value: 0.0,
            gradient: vec![0.0; n_weights],
            bias_gradient: vec![0.0; n_classes],
        };
        let n_parts = data.n_rows().div_ceil(rows_per_part);
        let n_rooms = rayon::current_num_threads().min(n_parts);
        Self {
            config: *config,
            data,
            rows_per_block,
            rows_per_part,
            parts: (0..n_parts).map(|_| part()).collect(),
            rooms: (0..n_rooms).map(|_| Mutex::new(room())).collect(),
            folded: vec![0.0; n_weights],
            offset: vec![0.0; n_classes],
        }
    }

    /// What is minimised.
    #[must_use]
    pub fn config(&self) -> &LinearConfig {
        &self.config
    }

    /// The rows that it is summed over.
    #[must_use]
    pub fn data(&self) -> &'d LinearData<'a, T> {
        self.data
    }

    /// The data term at `at`; with `gradient`, its gradient by W and b is written there, with `scores`,
    /// the scores `W z_i` without the bias, `n x n_classes`.
    ///
    /// # Panics
    /// If a length is not that of the data.
    pub fn evaluate(
        &mut self,
        at: &Parameters,
        mut gradient: Option<&mut Parameters>,
        scores: Option<&mut [f32]>,
    ) -> f64 {
        let n_classes = self.data.n_classes();
        self.check_parameters(at);
        if let Some(gradient) = &gradient {
            self.check_parameters(gradient);
        }
        if let Some(scores) = &scores {
            self.check_scores(scores.len());
        }
        self.fold(&at.weight);
        let outs = split(scores, self.rows_per_part * n_classes, self.parts.len());
        let with_gradient = gradient.is_some();
        let (data, loss) = (self.data, self.config.loss());
        let (level, folded, offset) = (self.config.level(), &self.folded, &self.offset);
        let weights = MatRef::new(folded, n_classes, data.n_features(), data.n_features());
        let (rows_per_part, rows_per_block) = (self.rows_per_part, self.rows_per_block);
        self.parts
            .par_iter_mut()
            .zip(outs)
            .enumerate()
            .for_each(|(index, (part, mut out))| {
                part.clear();
                let room = &mut *lock(&self.rooms);
                for range in blocks(index, rows_per_part, rows_per_block, data.n_rows()) {
                    let n = range.len() * n_classes;
                    let block = data.rows().block(range.clone(), &mut room.copy);
                    let mut raw = MatMut::new(&mut room.scores, range.len(), n_classes, n_classes);
                    T::scores(level, block, weights, &mut raw);
                    center(&mut room.scores[..n], offset);
                    if let Some(out) = &mut out {
                        let first = (range.start - index * rows_per_part) * n_classes;
                        out[first..first + n].copy_from_slice(&room.scores[..n]);
                    }
                    part.value += rows_loss(
                        (data, loss, &at.bias),
                        range.clone(),
                        &room.scores[..n],
                        &mut room.row,
                        with_gradient.then_some(&mut room.coefficients[..n]),
                        &mut part.bias_gradient,
                    );
                    if with_gradient {
                        let coefficients =
                            MatRef::new(&room.coefficients, range.len(), n_classes, n_classes);
                        let mut sums = gradient_mat(&mut room.gradient, n_classes);
                        T::gradient(level, coefficients, block, &mut sums);
                        part.add(&mut room.gradient, &mut room.rows_in_gradient, range.len());
                    }
                }
                part.finish(&mut room.gradient, &mut room.rows_in_gradient);
            });
        if let Some(gradient) = &mut gradient {
            self.reduce(gradient);
        }
        self.parts.iter().map(|part| part.value).sum::<f64>() / data.n_rows() as f64
    }

    /// The scores `W z_i` of all rows, without the bias, to `scores: n x n_classes`.
    ///
    /// # Panics
    /// If a length is not that of the data.
    pub fn scores(&mut self, weight: &[f64], scores: &mut [f32]) {
        let n_classes = self.data.n_classes();
        self.check_scores(scores.len());
        self.fold(weight);
        let (data, level) = (self.data, self.config.level());
        let weights = MatRef::new(
            &self.folded,
            n_classes,
            data.n_features(),
            data.n_features(),
        );
        let per_block = self.rows_per_block;
        scores
            .par_chunks_mut(per_block * n_classes)
            .enumerate()
            .for_each(|(index, out)| {
                let room = &mut *lock(&self.rooms);
                let first = index * per_block;
                let n = out.len() / n_classes;
                let block = data.rows().block(first..first + n, &mut room.copy);
                T::scores(
                    level,
                    block,
                    weights,
                    &mut MatMut::new(out, n, n_classes, n_classes),
                );
                center(out, &self.offset);
            });
    }

    /// The data term from `scores: n x n_classes` without the bias, and a bias.
    ///
    /// # Panics
    /// If a length is not that of the data.
    #[must_use]
    pub fn loss(&self, scores: &[f32], bias: &[f64]) -> f64 {
        self.sum_losses(scores, bias, None, &mut vec![0.0; bias.len()])
    }

    /// The data term as [`Objective::loss`]; `coefficients: n x n_classes` receives `w_i dL/ds` of each row
    /// (not divided by N), rounded to f32, and `bias_gradient` the gradient by the bias, `1/N` of their
    /// sum.
    ///
    /// # Panics
    /// If a length is not that of the data.
    pub fn coefficients(
        &self,
        scores: &[f32],
        bias: &[f64],
        coefficients: &mut [f32],
        bias_gradient: &mut [f64],
    ) -> f64 {
        self.check_scores(coefficients.len());
        self.sum_losses(scores, bias, Some(coefficients), bias_gradient)
    }

    /// The gradient by W of the data term, from `coefficients: n x n_classes` as
    /// [`Objective::coefficients`] writes them: `1/N sum_i c_ik z_ij`, and its bias part `1/N sum_i c_ik`.
    ///
    /// # Panics
    /// If a length is not that of the data.
    pub fn gradient(&mut self, coefficients: &[f32], gradient: &mut Parameters) {
        let n_classes = self.data.n_classes();
        self.check_scores(coefficients.len());
        self.check_parameters(gradient);
        let (data, level) = (self.data, self.config.level());
        let (rows_per_part, rows_per_block) = (self.rows_per_part, self.rows_per_block);
        self.parts
            .par_iter_mut()
            .enumerate()
            .for_each(|(index, part)| {
                part.clear();
                let room = &mut *lock(&self.rooms);
                for range in blocks(index, rows_per_part, rows_per_block, data.n_rows()) {
                    let of_block = &coefficients[range.start * n_classes..range.end * n_classes];
                    for row in of_block.chunks_exact(n_classes) {
                        for (sum, &c) in part.bias_gradient.iter_mut().zip(row) {
                            *sum += f64::from(c);
                        }
                    }
                    let block = data.rows().block(range.clone(), &mut room.copy);
                    let of_block = MatRef::new(of_block, range.len(), n_classes, n_classes);
                    let mut sums = gradient_mat(&mut room.gradient, n_classes);
                    T::gradient(level, of_block, block, &mut sums);
                    part.add(&mut room.gradient, &mut room.rows_in_gradient, range.len());
                }
                part.finish(&mut room.gradient, &mut room.rows_in_gradient);
            });
        self.reduce(gradient);
    }

    fn sum_losses(
        &self,
        scores: &[f32],
        bias: &[f64],
        coefficients: Option<&mut [f32]>,
        bias_gradient: &mut [f64],
    ) -> f64 {
        let n_classes = self.data.n_classes();
        self.check_scores(scores.len());
        assert_eq!(bias.len(), n_classes, "numbers in the bias");
        assert_eq!(bias_gradient.len(), n_classes, "numbers in its gradient");
        let (data, loss) = (self.data, self.config.loss());
        let size = ROWS_AT_ONCE * n_classes;
        let outs = split(coefficients, size, scores.len().div_ceil(size));
        let parts: Vec<(f64, Vec<f64>)> = scores
            .par_chunks(size)
            .zip(outs)
            .enumerate()
            .map_init(
                || vec![0.0; n_classes],
                |row, (index, (scores, out))| {
                    let first = index * ROWS_AT_ONCE;
                    let range = first..first + scores.len() / n_classes;
                    let mut sums = vec![0.0; n_classes];
                    let what = (data, loss, bias);
                    let value = rows_loss(what, range, scores, row, out, &mut sums);
                    (value, sums)
                },
            )
            .collect();
        let n = data.n_rows() as f64;
        for (k, gradient) in bias_gradient.iter_mut().enumerate() {
            *gradient = parts.iter().map(|(_, sums)| sums[k]).sum::<f64>() / n;
        }
        parts.iter().map(|(value, _)| value).sum::<f64>() / n
    }

    fn fold(&mut self, weight: &[f64]) {
        assert_eq!(weight.len(), self.folded.len(), "numbers in the weights");
        self.data
            .affine()
            .fold_into(weight, &mut self.folded, &mut self.offset);
    }

    /// The gradient on z from the sums of the parts, in their order.
    fn reduce(&self, gradient: &mut Parameters) {
        let data = self.data;
        let n = data.n_rows() as f64;
        let affine = data.affine();
        for (k, bias) in gradient.bias.iter_mut().enumerate() {
            *bias = self.parts.iter().map(|part| part.bias_gradient[k]).sum();
        }
        let bias_sums = &gradient.bias;
        let n_features = data.n_features();
        gradient
            .weight
            .par_chunks_mut(n_features)
            .enumerate()
            .for_each(|(k, out)| {
                out.fill(0.0);
                for part in &self.parts {
                    for (sum, g) in out.iter_mut().zip(&part.gradient[k * n_features..]) {
                        *sum += g;
                    }
                }
                let columns = affine.center().iter().zip(affine.scale());
                for (sum, (center, scale)) in out.iter_mut().zip(columns) {
                    *sum = (*sum - center * bias_sums[k]) * scale / n;
                }
            });
        gradient.bias.iter_mut().for_each(|sum| *sum /= n);
    }

    fn check_scores(&self, found: usize) {
        let (n, k) = (self.data.n_rows(), self.data.n_classes());
        assert!(found == n * k, "{found} scores for {n} rows x {k} classes");
    }

    fn check_parameters(&self, parameters: &Parameters) {
        let (k, d) = (self.data.n_classes(), self.data.n_features());
        assert!(
            parameters.weight.len() == k * d && parameters.bias.len() == k,
            "{} weights and {} biases for {k} classes x {d} features",
            parameters.weight.len(),
            parameters.bias.len()
        );
    }
}

impl Part {
    fn clear(&mut self) {
        self.value = 0.0;
        self.gradient.fill(0.0);
        self.bias_gradient.fill(0.0);
    }

    /// Takes f32 sums over, if they are of many rows.
    fn add(&mut self, sums: &mut [f32], rows_in_sums: &mut usize, new_rows: usize) {
        *rows_in_sums += new_rows;
        if *rows_in_sums >= ROWS_IN_F32 {
            self.finish(sums, rows_in_sums);
        }
    }

    fn finish(&mut self, sums: &mut [f32], rows_in_sums: &mut usize) {
        if *rows_in_sums > 0 {
            for (total, sum) in self.gradient.iter_mut().zip(sums) {
                *total += f64::from(*sum);
                *sum = 0.0;
            }
            *rows_in_sums = 0;
        }
    }
}

fn gradient_mat(sums: &mut [f32], n_classes: usize) -> MatMut<'_, f32> {
    let n_features = sums.len() / n_classes;
    MatMut::new(sums, n_classes, n_features, n_features)
}

/// Scores of raw rows become those of z, rounded to f32.
fn center(scores: &mut [f32], offset: &[f64]) {
    for row in scores.chunks_exact_mut(offset.len()) {
        for (score, offset) in row.iter_mut().zip(offset) {
            *score = (f64::from(*score) + offset) as f32;
        }
    }
}

/// The sum of the weighted losses of some rows, from their scores without the bias; coefficients are
/// written, and added to `bias_gradient`, where they are asked for.
fn rows_loss<T: Element>(
    (data, loss, bias): (&LinearData<'_, T>, super::Loss, &[f64]),
    rows: Range<usize>,
    scores: &[f32],
    row_scores: &mut [f64],
    mut coefficients: Option<&mut [f32]>,
    bias_gradient: &mut [f64],
) -> f64 {
    let n_classes = bias.len();
    let mut sum = 0.0;
    for (i, (row, scores)) in rows.zip(scores.chunks_exact(n_classes)).enumerate() {
        for ((to, &score), bias) in row_scores.iter_mut().zip(scores).zip(bias) {
            *to = f64::from(score) + bias;
        }
        let (label, weight) = (data.labels()[row] as usize, data.weight(row));
        let Some(coefficients) = &mut coefficients else {
            sum += weight * loss.value(row_scores, label);
            continue;
        };
        sum += weight * loss.gradient_in_place(row_scores, label);
        let out = &mut coefficients[i * n_classes..][..n_classes];
        for ((out, &c), total) in out
            .iter_mut()
            .zip(row_scores.iter())
            .zip(&mut *bias_gradient)
        {
            *out = (weight * c) as f32;
            *total += f64::from(*out);
        }
    }
    sum
}
