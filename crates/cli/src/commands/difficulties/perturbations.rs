//! Each perturbation of the evaluated images, against training images as they are.

use anyhow::Result;
use nearplane_cifar::PIXELS;
use nearplane_kernels::MatRef;
use nearplane_models::metrics::Accuracy;
use nearplane_models::neighbors::{KNeighborsClassifier, Rows};
use nearplane_synth::{LADDERS, Perturbation, PerturbationConfig};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use super::work::{Work, distances};
use super::{PerturbationRow, nearest};
use crate::commands::data::perturb::image_number;
use crate::commands::knn::task::Task;
use crate::plan::{DifficultiesPlan, On, Settings};

/// Perturbed images that are in memory at a time.
const BLOCK: usize = 8192;

/// Distances of all searches.
pub(super) fn size(n_train: usize, n_eval: usize) -> u64 {
    let rungs: usize = LADDERS.iter().map(|ladder| ladder.rungs.len()).sum();
    distances(n_train, n_eval).saturating_mul(1 + rungs as u64)
}

/// Fits once; the accuracy on the images as they are, and on each rung of each ladder.
pub(super) fn measure(
    plan: &DifficultiesPlan,
    settings: &Settings,
    task: &Task<'_, u8>,
    work: &mut Work,
) -> Result<(Accuracy, Vec<PerturbationRow>)> {
    let classifier = nearest(plan.metric, settings)?.fit(task.train.clone(), &task.train_labels)?;
    let unperturbed = work.evaluate(&classifier, &task.queries, &task.truth)?;
    let mut rows = Vec::new();
    for ladder in LADDERS {
        let mut results = Vec::new();
        for rung in &ladder.rungs {
            let perturbation = Perturbation::from(rung.clone()).check()?;
            let config = perturbation.with_seed(settings.seed);
            results.push(evaluate(&config, plan.on, task, &classifier, work)?);
        }
        rows.push(PerturbationRow { ladder, results });
    }
    Ok((unperturbed, rows))
}

fn evaluate(
    config: &PerturbationConfig,
    on: On,
    task: &Task<'_, u8>,
    classifier: &KNeighborsClassifier<'_, u8>,
    work: &mut Work,
) -> Result<Accuracy> {
    let n_eval = task.truth.len();
    let mut sum = Accuracy {
        correct: 0,
        total: 0,
    };
    let mut pixels = vec![0; n_eval.min(BLOCK) * PIXELS];
    for first in (0..n_eval).step_by(BLOCK) {
        let n = BLOCK.min(n_eval - first);
        let block = &mut pixels[..n * PIXELS];
        let images = block.par_chunks_exact_mut(PIXELS).enumerate();
        images.for_each(|(i, out)| perturb(config, on, task, first + i, out));
        let queries = Rows::from_mat(MatRef::from_rows(block, PIXELS))?;
        let found = work.evaluate(classifier, &queries, &task.truth[first..first + n])?;
        sum.correct += found.correct;
        sum.total += found.total;
    }
    Ok(sum)
}

/// Perturbs a query as `data perturb` perturbs that image.
pub(super) fn perturb(
    config: &PerturbationConfig,
    on: On,
    task: &Task<'_, u8>,
    query: usize,
    out: &mut [u8],
) {
    let position = match &task.query_positions {
        Some(positions) => positions[query] as usize,
        None => query,
    };
    let number = image_number(on == On::Val, position);
    config.apply(number, task.queries.row(query), out);
}
