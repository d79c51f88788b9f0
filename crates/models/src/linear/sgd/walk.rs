//! Inside an epoch: the steps, and the numbers of a run between its parts and its state.

use super::batch::Folded;
use super::columns::{Columns, EPSILON, Rule};
use super::state::Slot;
use super::trainer::{Bias, SgdTrainer};
use super::{Optimizer, SgdParams};
use crate::Monitor;
use crate::linear::{Affine, LinearError, LinearModel, Parameters, Penalty};
use crate::metrics::{Accuracy, accuracy};
use crate::neighbors::Element;
use crate::random;
use rayon::prelude::*;

/// Products in a step below which threads cost more than they bring.
const PARALLEL_FROM: usize = 1 << 18;

/// What the random numbers of a seed are for.
const SHUFFLE: u64 = 1;
const DROPOUT: u64 = 2;

/// What the steps of an epoch come to.
pub(super) struct Walked {
    pub(super) loss: f64,
    pub(super) correct: u64,
    pub(super) rate: f64,
    pub(super) averaged_steps: u64,
}

impl<T: Element> SgdTrainer<'_, '_, T> {
    /// All steps of the next epoch; `None` if cancelled.
    pub(super) fn walk(&mut self, monitor: &dyn Monitor) -> Option<Walked> {
        let params = self.config.params();
        let epoch = self.state.progress().epochs;
        let (n_rows, n_classes) = (self.data.n_rows(), self.data.n_classes());
        let size = params.batch_size.min(n_rows);
        let n_steps = n_rows.div_ceil(size);
        let work = size * n_classes * self.data.n_features();
        let parts_at_once = if work < PARALLEL_FROM { usize::MAX } else { 1 };
        let averages = averages(&params, epoch);
        if averages && self.bias.average.is_empty() {
            self.bias.average = self.bias.value.clone();
            for columns in &mut self.columns {
                columns.average = columns.weight.clone();
            }
        }
        let mut walked = Walked {
            loss: 0.0,
            correct: 0,
            rate: self.rate,
            averaged_steps: self.state.progress().averaged_steps,
        };
        let order = self.shuffled(epoch);
        self.drop_out(epoch, 0);
        self.fold_all(parts_at_once);
        for (step, rows) in order.chunks(size).enumerate() {
            if monitor.cancelled() {
                return None;
            }
            let time = f64::from(epoch) + step as f64 / n_steps as f64;
            walked.rate = params.schedule.rate(self.rate, time, params.epochs);
            walked.averaged_steps += u64::from(averages);
            let rule = self.rule(
                walked.rate,
                epoch as usize * n_steps + step + 1,
                averages.then_some(walked.averaged_steps),
            );
            let folded = Folded {
                level: self.objective.level(),
                loss: self.objective.loss(),
                weight: &self.folded,
                bias: &self.folded_bias,
            };
            let (loss, correct) = self.batch.run(self.data, rows, folded, parts_at_once);
            walked.loss += loss;
            walked.correct += correct;
            if step + 1 < n_steps {
                self.drop_out(epoch, step as u64 + 1);
            }
            let mask = (!self.mask.is_empty()).then_some(&self.mask[..]);
            let (batch, level) = (&self.batch, self.objective.level());
            self.columns
                .par_iter_mut()
                .with_min_len(parts_at_once)
                .for_each(|columns| columns.step(level, batch, rule, mask));
            self.bias.step(&rule, batch.sums());
            self.collect_folded();
            let done =
                (f64::from(epoch) * n_rows as f64) as u64 + (step * size + rows.len()) as u64;
            monitor.progress(done, u64::from(params.epochs) * n_rows as u64);
        }
        self.order = order;
        Some(walked)
    }

    /// The rows in the order of an epoch, a function of seed and epoch.
    fn shuffled(&mut self, epoch: u32) -> Vec<u32> {
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        // There are no more rows than 32-bit indices.
        order.extend(0..self.data.n_rows() as u32);
        let seed = self.config.params().seed;
        let mut generator = random::generator_of(seed, SHUFFLE, u64::from(epoch));
        random::shuffle(&mut order, &mut generator);
        order
    }

    /// The factors of the columns in a step: 0, or what makes up for the columns that are.
    fn drop_out(&mut self, epoch: u32, step: u64) {
        let SgdParams { dropout, seed, .. } = self.config.params();
        if self.mask.is_empty() {
            return;
        }
        let number = u64::from(epoch) << 32 | step;
        let mut generator = random::generator_of(seed, DROPOUT, number);
        let kept = (1.0 / (1.0 - dropout)) as f32;
        for factor in &mut self.mask {
            let is_dropped = random::happens(&mut generator, dropout);
            *factor = if is_dropped { 0.0 } else { kept };
        }
    }

    fn rule(&self, rate: f64, step: usize, averaged_steps: Option<u64>) -> Rule {
        let params = self.config.params();
        let penalty: Penalty = self.objective.penalty();
        let corrections = match params.optimizer {
            Optimizer::Momentum { .. } => [1.0; 2],
            Optimizer::Adam { beta1, beta2, .. } => {
                [beta1, beta2].map(|beta| (1.0 - beta.powf(step as f64)) as f32)
            }
        };
        Rule {
            optimizer: params.optimizer,
            rate: rate as f32,
            decay: (2.0 * self.objective.lambda() * penalty.l2_factor()) as f32,
            l1: (self.objective.lambda() * penalty.l1_factor()) as f32,
            corrections,
            average: averaged_steps.map(|n| (1.0 / n as f64) as f32),
            statistics: params.running_statistics.map(|share| share as f32),
        }
    }

    /// Folds all weights, as each step does with those of its columns.
    fn fold_all(&mut self, parts_at_once: usize) {
        let level = self.objective.level();
        let mask = (!self.mask.is_empty()).then_some(&self.mask[..]);
        self.columns
            .par_iter_mut()
            .with_min_len(parts_at_once)
            .for_each(|columns| columns.fold(level, mask));
        self.collect_folded();
    }

    /// Brings the parts' folded weights to one matrix, which the kernel reads.
    fn collect_folded(&mut self) {
        let n_features = self.data.n_features();
        for (bias, &b) in self.folded_bias.iter_mut().zip(&self.bias.value) {
            *bias = f64::from(b);
        }
        for columns in &self.columns {
            let width = columns.range.len();
            for (k, bias) in self.folded_bias.iter_mut().enumerate() {
                *bias += columns.offset[k];
                let at = k * n_features + columns.range.start;
                self.folded[at..at + width]
                    .copy_from_slice(&columns.folded[k * width..(k + 1) * width]);
            }
        }
    }

    /// Starts over from these parameters.
    pub(super) fn begin(&mut self, start: &Parameters) {
        let params = self.config.params();
        let narrow = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<f32>>();
        let zeros = |x: &[f64]| vec![0.0f32; x.len()];
        self.state.set(Slot::Weight, narrow(&start.weight));
        self.state.set(Slot::Bias, narrow(&start.bias));
        self.state.set(Slot::FirstWeight, zeros(&start.weight));
        self.state.set(Slot::FirstBias, zeros(&start.bias));
        if matches!(params.optimizer, Optimizer::Adam { .. }) {
            self.state.set(Slot::SecondWeight, zeros(&start.weight));
            self.state.set(Slot::SecondBias, zeros(&start.bias));
        }
        self.load();
    }

    /// Running statistics of the first batch.
    pub(super) fn first_statistics(&mut self) {
        if self.config.params().running_statistics.is_none() {
            return;
        }
        let order = self.shuffled(0);
        let size = self.config.params().batch_size.min(order.len());
        self.batch.gather(self.data, &order[..size]);
        self.order = order;
        let level = self.objective.level();
        for columns in &mut self.columns {
            columns.mean = vec![0.0; columns.range.len()];
            columns.variance = vec![1.0; columns.range.len()];
            let rows = self.batch.columns(columns.range.clone());
            columns.observe(level, rows, 1.0);
        }
        let (mean, variance) = (self.row(|c| &c.mean), self.row(|c| &c.variance));
        self.state.set(Slot::Mean, mean);
        self.state.set(Slot::Variance, variance);
    }

    /// From the state to the parts.
    pub(super) fn load(&mut self) {
        let (state, n_features) = (&self.state, self.data.n_features());
        for columns in &mut self.columns {
            let range = columns.range.clone();
            let part = |slot: Slot| -> Vec<f32> {
                let rows = state.get(slot).chunks_exact(n_features);
                rows.flat_map(|row| &row[range.clone()]).copied().collect()
            };
            columns.weight = part(Slot::Weight);
            columns.first = part(Slot::FirstWeight);
            columns.second = part(Slot::SecondWeight);
            columns.average = part(Slot::AverageWeight);
            columns.mean = part(Slot::Mean);
            columns.variance = part(Slot::Variance);
            columns.reset();
        }
        self.bias = Bias {
            value: state.get(Slot::Bias).to_vec(),
            first: state.get(Slot::FirstBias).to_vec(),
            second: state.get(Slot::SecondBias).to_vec(),
            average: state.get(Slot::AverageBias).to_vec(),
        };
    }

    /// From the parts to the state.
    pub(super) fn save(&mut self) {
        let weights = [
            (Slot::Weight, self.matrix(|c| &c.weight)),
            (Slot::FirstWeight, self.matrix(|c| &c.first)),
            (Slot::SecondWeight, self.matrix(|c| &c.second)),
            (Slot::AverageWeight, self.matrix(|c| &c.average)),
            (Slot::Mean, self.row(|c| &c.mean)),
            (Slot::Variance, self.row(|c| &c.variance)),
            (Slot::Bias, self.bias.value.clone()),
            (Slot::FirstBias, self.bias.first.clone()),
            (Slot::SecondBias, self.bias.second.clone()),
            (Slot::AverageBias, self.bias.average.clone()),
        ];
        for (slot, numbers) in weights {
            self.state.set(slot, numbers);
        }
    }

    /// The parts' matrices as one, or nothing if they are.
    fn matrix(&self, of: impl Fn(&Columns) -> &Vec<f32>) -> Vec<f32> {
        let n_features = self.data.n_features();
        if self.columns.iter().any(|columns| of(columns).is_empty()) {
            return Vec::new();
        }
        let mut whole = vec![0.0; self.data.n_classes() * n_features];
        for columns in &self.columns {
            let rows = of(columns).chunks_exact(columns.range.len());
            for (to, from) in whole.chunks_exact_mut(n_features).zip(rows) {
                to[columns.range.clone()].copy_from_slice(from);
            }
        }
        whole
    }

    fn row(&self, of: impl Fn(&Columns) -> &Vec<f32>) -> Vec<f32> {
        self.columns.iter().flat_map(of).copied().collect()
    }

    pub(super) fn is_finite(&self) -> bool {
        let weights = self.columns.iter().flat_map(|columns| &columns.weight);
        weights.chain(&self.bias.value).all(|w| w.is_finite())
    }

    /// Counts right validation rows, and keeps what is the best so far.
    pub(super) fn judge(&mut self) -> Result<Option<Accuracy>, LinearError> {
        let Some((rows, labels)) = &self.validation else {
            return Ok(None);
        };
        let [weight, bias] = self.judged();
        let model = self.fold([weight, bias], [Slot::Mean, Slot::Variance])?;
        let found = accuracy(&model.predict(self.objective.level(), rows)?, labels);
        let progress = self.state.progress();
        if progress.best_epoch == 0 || found.correct > progress.best_correct {
            for (from, to) in [
                (weight, Slot::BestWeight),
                (bias, Slot::BestBias),
                (Slot::Mean, Slot::BestMean),
                (Slot::Variance, Slot::BestVariance),
            ] {
                let numbers = self.state.get(from).to_vec();
                self.state.set(to, numbers);
            }
            let progress = self.state.progress_mut();
            progress.best_epoch = progress.epochs;
            progress.best_correct = found.correct;
        }
        Ok(Some(found))
    }

    /// The tensors of the model that a validation judges.
    pub(super) fn judged(&self) -> [Slot; 2] {
        if self.state.progress().averaged_steps > 0 {
            [Slot::AverageWeight, Slot::AverageBias]
        } else {
            [Slot::Weight, Slot::Bias]
        }
    }

    pub(super) fn wide(&self, [weight, bias]: [Slot; 2]) -> Parameters {
        let wide = |slot| self.state.get(slot).iter().map(|&x| f64::from(x)).collect();
        Parameters {
            weight: wide(weight),
            bias: wide(bias),
        }
    }

    /// The map to what the weights act on: that of the data, and running statistics on top.
    pub(super) fn affine(&self, [mean, variance]: [Slot; 2]) -> Result<Affine, LinearError> {
        let affine = self.data.affine();
        let (mean, variance) = (self.state.get(mean), self.state.get(variance));
        if mean.is_empty() {
            return Ok(affine.clone());
        }
        let (mut center, mut scale) = (affine.center().to_vec(), affine.scale().to_vec());
        for (j, (center, scale)) in center.iter_mut().zip(&mut scale).enumerate() {
            if *scale != 0.0 {
                *center += f64::from(mean[j]) / *scale;
                *scale /= (f64::from(variance[j]) + f64::from(EPSILON)).sqrt();
            }
        }
        Affine::new(center, scale)
    }

    pub(super) fn fold(
        &self,
        parameters: [Slot; 2],
        statistics: [Slot; 2],
    ) -> Result<LinearModel, LinearError> {
        let affine = self.affine(statistics)?;
        affine.fold(&self.wide(parameters), self.objective.loss())
    }

    /// What a state has to be of to go on here.
    pub(super) fn run(&self) -> String {
        let (objective, data) = (&self.objective, self.data);
        let penalty = match objective.penalty() {
            Penalty::Elastic { beta } => format!("elastic:{beta}"),
            other => other.to_string(),
        };
        format!(
            "loss={} penalty={penalty} lambda={} {} classes={} rows={} features={} validation={}",
            objective.loss(),
            objective.lambda(),
            self.config.describe(),
            data.n_classes(),
            data.n_rows(),
            data.n_features(),
            self.validation.as_ref().map_or(0, |(rows, _)| rows.len()),
        )
    }
}

impl Bias {
    fn step(&mut self, rule: &Rule, sums: &[f64]) {
        // No penalty here.
        let rule = Rule { l1: 0.0, ..*rule };
        for (k, &sum) in sums.iter().enumerate() {
            let mut unused = 0.0;
            let second = self.second.get_mut(k).unwrap_or(&mut unused);
            rule.apply(&mut self.value[k], &mut self.first[k], second, sum as f32);
        }
        if let Some(share) = rule.average {
            for (average, &b) in self.average.iter_mut().zip(&self.value) {
                *average += share * (b - *average);
            }
        }
    }
}

/// Whether the steps of an epoch, counted from 0, go into the average.
fn averages(params: &SgdParams, epoch: u32) -> bool {
    let averaged = (params.average * f64::from(params.epochs)).ceil();
    averaged > 0.0 && f64::from(epoch) >= f64::from(params.epochs) - averaged
}
