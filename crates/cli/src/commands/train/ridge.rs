//! Ridge regression: all lambdas in closed form, on nine tenths of the rows for the validation rows to judge, then on
//! all rows, where every row is left out once.

use std::time::Instant;

use anyhow::Result;
use nearplane_models::linear::{LinearError, RidgeFit, RidgeParams};
use nearplane_models::neighbors::Element;

use super::fit::{Fits, Fitted, Judged, Point, certificate, judge};
use super::parts::{Part, Parts};
use crate::failure::Interrupted;
use crate::plan::{Settings, TrainPlan};
use crate::progress::{Progress, Stage};

/// What lambdas are chosen by: ten times as many rows as the validation rows, and all of them fitted.
const BY_LEFT_OUT: &str = "leave-one-out accuracy";

pub(super) fn ridge<T: Element>(
    plan: &TrainPlan,
    ridge: &RidgeParams,
    parts: &Parts<'_, T>,
    settings: &Settings,
) -> Result<Fits> {
    let progress = Progress::new("fitting nine tenths", settings.quiet);
    let stage = |index| Stage {
        of: &progress,
        index,
        count: 2,
    };
    let apart = RidgeParams {
        leave_one_out: false,
        ..ridge.clone()
    };
    let (apart, apart_s) = fits(plan, apart, parts, &parts.train, settings, &stage(0))?;
    progress.head("fitting all rows");
    let (whole, seconds) = fits(
        plan,
        ridge.clone(),
        parts,
        &parts.whole,
        settings,
        &stage(1),
    )?;
    let train = parts.data(&parts.train, &plan.class_weight, settings.level)?;
    let mut judged = Vec::new();
    for (apart, whole) in apart.iter().zip(&whole) {
        let model = train.affine().fold(&apart.parameters, plan.loss)?;
        let found = judge(&model, &parts.validation, settings)?;
        judged.push(Judged {
            lambda: apart.lambda,
            correct: found.correct,
            total: found.total,
            epochs: None,
            // One factorisation serves them all.
            seconds: apart_s / plan.configs.len() as f64,
            trace: Vec::new(),
            left_out: whole.left_out(&parts.whole.labels),
        });
    }
    let chosen = chosen(&judged);
    let config = &plan.configs[chosen];
    let data = parts.data(&parts.whole, &plan.class_weight, settings.level)?;
    let model = data.affine().fold(&whole[chosen].parameters, plan.loss)?;
    let found = certificate(config, &data, &model)?;
    let last = Fitted {
        model,
        objective: found.objective,
        gap: found.gap,
        stationarity: Some(found.stationarity),
        converged: None,
        passes: None,
        epochs: None,
        seconds,
        trace: vec![Point {
            s: seconds,
            objective: found.objective,
            gap: found.gap,
            epoch: None,
            train_accuracy: None,
            val_accuracy: None,
        }],
    };
    Ok(Fits {
        judged,
        chosen,
        chosen_by: BY_LEFT_OUT,
        last,
    })
}

/// In the order of the configurations, with the seconds that they took together.
fn fits<T: Element>(
    plan: &TrainPlan,
    ridge: RidgeParams,
    parts: &Parts<'_, T>,
    part: &Part<'_, T>,
    settings: &Settings,
    stage: &Stage<'_>,
) -> Result<(Vec<RidgeFit>, f64)> {
    let started = Instant::now();
    let data = parts.data(part, &plan.class_weight, settings.level)?;
    match ridge.check()?.fit(&data, stage) {
        Err(LinearError::Cancelled) => Err(Interrupted.into()),
        fits => Ok((fits?, started.elapsed().as_secs_f64())),
    }
}

/// Of equal accuracies the first, that of the largest lambda.
fn chosen(judged: &[Judged]) -> usize {
    let correct = |fit: &Judged| fit.left_out.map_or(0, |found| found.accuracy.correct);
    let mut best = 0;
    for (index, fit) in judged.iter().enumerate() {
        if correct(fit) > correct(&judged[best]) {
            best = index;
        }
    }
    best
}
