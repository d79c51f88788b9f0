//! One metric of a cross-validation: from one search, or a fit for each fold where the rows that fit decide
//! how features are scaled.

use std::time::Instant;

use anyhow::Result;
use nearplane_kernels::MatRef;
use nearplane_models::Monitor;
use nearplane_models::features::BlockScaler;
use nearplane_models::metrics::{Accuracy, accuracy};
use nearplane_models::neighbors::{
    Element, Index, KNeighborsParams, Metric, NeighborsError, Rows, Votes,
};
use nearplane_models::selection::{CrossValidationError, Folds, cross_validate_neighbors};

use super::Scaled;
use super::record::Finished;
use crate::failure::Interrupted;
use crate::plan::{CvKnnPlan, Settings};
use crate::progress::Stage;

/// What is judged.
pub(super) struct Sweep<'a, T> {
    pub(super) plan: &'a CvKnnPlan,
    pub(super) settings: &'a Settings,
    pub(super) rows: Rows<'a, T>,
    pub(super) labels: &'a [u32],
    pub(super) splits: &'a [Folds],
    pub(super) ks: &'a [usize],
    pub(super) scaled: Option<Scaled<'a>>,
}

impl<T: Element> Sweep<'_, T> {
    /// An outcome for each k.
    pub(super) fn run(&self, metric: Metric, monitor: &dyn Monitor) -> Result<Vec<Finished>> {
        let started = Instant::now();
        let (engine, of_ks) = match self.scaled {
            None => self.at_once(metric, monitor),
            Some(scaled) => self.fold_by_fold(metric, scaled, monitor),
        }
        .map_err(told)?;
        let seconds = started.elapsed().as_secs_f64();
        let ks = self.ks.iter().zip(of_ks);
        Ok(ks
            .map(|(&k, folds)| Finished::new(metric, k, engine, seconds, &folds, self.labels.len()))
            .collect())
    }

    fn votes(&self) -> Votes {
        Votes {
            weights: self.plan.weights,
            tie: self.plan.tie,
        }
    }

    /// Of each k the accuracies in the folds of all splits.
    fn at_once(
        &self,
        metric: Metric,
        monitor: &dyn Monitor,
    ) -> Result<(&'static str, Vec<Vec<Accuracy>>)> {
        let index = Index::with_engine(
            self.rows.clone(),
            metric,
            self.settings.level,
            self.plan.engine,
        )?;
        let found = cross_validate_neighbors(
            &index,
            self.labels,
            self.splits,
            self.ks,
            self.votes(),
            monitor,
        )?;
        let of_k = |position| found.iter().flat_map(move |split| split.of_k(position));
        let of_ks = (0..self.ks.len()).map(|position| of_k(position).collect());
        Ok((index.engine().name(), of_ks.collect()))
    }

    fn fold_by_fold(
        &self,
        metric: Metric,
        (matrix, blocks): Scaled<'_>,
        monitor: &dyn Monitor,
    ) -> Result<(&'static str, Vec<Vec<Accuracy>>)> {
        let count = self.splits.iter().map(Folds::n_folds).sum();
        let mut of_ks = vec![Vec::new(); self.ks.len()];
        let mut engine = "";
        let n = self.labels.len();
        let values = &matrix.values[..n * matrix.cols];
        let all = self.splits.iter();
        let all = all.flat_map(|folds| (0..folds.n_folds()).map(move |fold| (folds, fold)));
        for (index, (folds, fold)) in all.enumerate() {
            let stage = Stage {
                of: monitor,
                index,
                count,
            };
            let split = folds.split(fold);
            let all = Rows::from_mat(MatRef::from_rows(values, matrix.cols))?;
            let scaler = BlockScaler::fit(&all.select(split.train.clone())?, blocks)?;
            let mut values = values.to_vec();
            scaler.apply(&mut values);
            let all = Rows::from_mat(MatRef::from_rows(&values, matrix.cols))?;
            let of = |rows: &[u32]| -> Vec<u32> {
                rows.iter().map(|&row| self.labels[row as usize]).collect()
            };
            let (train, truth) = (of(&split.train), of(&split.validation));
            let params = KNeighborsParams {
                n_neighbors: self.ks.iter().copied().max().unwrap_or(1),
                metric,
                votes: self.votes(),
                level: self.settings.level,
                engine: self.plan.engine,
            };
            let classifier = params.check()?.fit(all.select(split.train)?, &train)?;
            let queries = all.select(split.validation)?;
            let predicted = classifier.predict_each_k(&queries, self.ks, &stage)?;
            for (of_k, predicted) in of_ks.iter_mut().zip(predicted) {
                of_k.push(accuracy(&predicted, &truth));
            }
            engine = classifier.index().engine().name();
        }
        Ok((engine, of_ks))
    }
}

/// Cancelled is not failed.
fn told(error: anyhow::Error) -> anyhow::Error {
    let searched = match error.downcast_ref() {
        Some(CrossValidationError::Search(error)) => Some(error),
        _ => error.downcast_ref(),
    };
    match searched {
        Some(NeighborsError::Cancelled) => Interrupted.into(),
        _ => error,
    }
}
