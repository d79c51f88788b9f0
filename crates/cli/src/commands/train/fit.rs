//! The fits of a run: one for each lambda on nine tenths of the rows, which the other tenth judges, then the one on
//! all rows that becomes the model.

use std::time::Instant;

use anyhow::Result;
use nearplane_models::linear::{
    Certificate, ExactConfig, ExactFit, ExactSolver, LeftOut, LinearConfig, LinearData,
    LinearError, LinearModel, Objective, Parameters, SgdConfig, SgdParams, SgdTrainer,
};
use nearplane_models::metrics::{Accuracy, accuracy};
use nearplane_models::neighbors::Element;
use serde::{Deserialize, Serialize};

use super::checkpoint::Keeper;
use super::parts::{Part, Parts};
use crate::failure::{Interrupted, Kept};
use crate::plan::{Settings, TrainPlan};
use crate::progress::{Progress, Stage};

/// A fit on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Point {
    /// Seconds since the fit began.
    pub(super) s: f64,
    /// Of sgd an estimate: the mean over the batches of the epoch, each before its step.
    pub(super) objective: f64,
    pub(super) gap: Option<f64>,
    /// Of sgd, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) epoch: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) train_accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) val_accuracy: Option<f64>,
}

/// A fit on nine tenths of the rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Judged {
    pub(super) lambda: f64,
    /// Validation rows predicted right, and all.
    pub(super) correct: u64,
    pub(super) total: u64,
    /// Of sgd: those of the model, the best where there is a patience.
    pub(super) epochs: Option<u32>,
    pub(super) seconds: f64,
    pub(super) trace: Vec<Point>,
    /// Of ridge regression, on all rows.
    #[serde(skip)]
    pub(super) left_out: Option<LeftOut>,
}

impl Judged {
    pub(super) fn accuracy(&self) -> Accuracy {
        Accuracy {
            correct: self.correct,
            total: self.total,
        }
    }
}

/// The fit on all rows.
pub(super) struct Fitted {
    pub(super) model: LinearModel,
    pub(super) objective: f64,
    pub(super) gap: Option<f64>,
    pub(super) stationarity: Option<f64>,
    /// Of the exact solver, whether it came as near as it should.
    pub(super) converged: Option<bool>,
    pub(super) passes: Option<f64>,
    pub(super) epochs: Option<u32>,
    pub(super) seconds: f64,
    pub(super) trace: Vec<Point>,
}

/// All fits of a run.
pub(super) struct Fits {
    pub(super) judged: Vec<Judged>,
    /// Which of them was the best, and in what.
    pub(super) chosen: usize,
    pub(super) chosen_by: &'static str,
    pub(super) last: Fitted,
}

/// What most fits are chosen by.
const BY_VALIDATION: &str = "validation accuracy";

/// Of equal accuracies the first, that of the largest lambda.
fn chosen(judged: &[Judged]) -> usize {
    let mut best = 0;
    for (index, fit) in judged.iter().enumerate() {
        if fit.correct > judged[best].correct {
            best = index;
        }
    }
    best
}

pub(super) fn judge<T: Element>(
    model: &LinearModel,
    part: &Part<'_, T>,
    settings: &Settings,
) -> Result<Accuracy> {
    let predicted = model.predict(settings.level, &part.rows)?;
    Ok(accuracy(&predicted, &part.labels))
}

/// By the exact solver, from large lambdas to small ones, each from where the one before ended; the last fit from 0,
/// so that the model is a function of the rows and the options alone.
pub(super) fn exact<T: Element>(
    plan: &TrainPlan,
    exact: ExactConfig,
    parts: &Parts<'_, T>,
    settings: &Settings,
) -> Result<Fits> {
    let count = plan.configs.len() + 1;
    let progress = Progress::new("fitting nine tenths", settings.quiet);
    let mut judged = Vec::new();
    {
        let data = parts.data(&parts.train, &plan.class_weight, settings.level)?;
        let mut solver = ExactSolver::new(exact, &data);
        let mut start: Option<Parameters> = None;
        for (index, config) in plan.configs.iter().enumerate() {
            let stage = Stage {
                of: &progress,
                index,
                count,
            };
            let (fit, trace, seconds) = exact_fit(&mut solver, config, start.as_ref(), &stage)?;
            let model = data.affine().fold(&fit.parameters, config.loss())?;
            let found = judge(&model, &parts.validation, settings)?;
            judged.push(Judged {
                lambda: config.lambda(),
                correct: found.correct,
                total: found.total,
                epochs: None,
                seconds,
                trace,
                left_out: None,
            });
            start = Some(fit.parameters);
        }
    }
    let chosen = chosen(&judged);
    let config = &plan.configs[chosen];
    progress.head("fitting all rows");
    let stage = Stage {
        of: &progress,
        index: count - 1,
        count,
    };
    let data = parts.data(&parts.whole, &plan.class_weight, settings.level)?;
    let mut solver = ExactSolver::new(exact, &data);
    let (fit, trace, seconds) = exact_fit(&mut solver, config, None, &stage)?;
    let last = Fitted {
        model: data.affine().fold(&fit.parameters, config.loss())?,
        objective: fit.objective,
        gap: fit.gap,
        stationarity: Some(fit.stationarity),
        converged: Some(fit.converged),
        passes: Some(fit.passes),
        epochs: None,
        seconds,
        trace,
    };
    Ok(Fits {
        judged,
        chosen,
        chosen_by: BY_VALIDATION,
        last,
    })
}

fn exact_fit<T: Element>(
    solver: &mut ExactSolver<'_, '_, T>,
    config: &LinearConfig,
    start: Option<&Parameters>,
    stage: &Stage<'_>,
) -> Result<(ExactFit, Vec<Point>, f64)> {
    let started = Instant::now();
    let mut trace = Vec::new();
    let fit = solver.fit(config, start, stage, &mut |step| {
        trace.push(Point {
            s: started.elapsed().as_secs_f64(),
            objective: step.objective,
            gap: step.gap,
            epoch: None,
            train_accuracy: None,
            val_accuracy: None,
        });
    });
    match fit {
        Err(LinearError::Cancelled) => Err(Interrupted.into()),
        fit => Ok((fit?, trace, started.elapsed().as_secs_f64())),
    }
}

/// By stochastic gradient descent, each fit from 0; the last one for as many epochs as the best fit's model had.
pub(super) fn sgd<T: Element>(
    plan: &TrainPlan,
    sgd: SgdConfig,
    parts: &Parts<'_, T>,
    keeper: &mut Keeper<'_>,
    settings: &Settings,
) -> Result<Fits> {
    let count = plan.configs.len() + 1;
    let progress = Progress::new("fitting nine tenths", settings.quiet);
    let Part { rows, labels } = &parts.validation;
    if keeper.judged.len() < plan.configs.len() {
        let data = parts.data(&parts.train, &plan.class_weight, settings.level)?;
        for index in keeper.judged.len()..plan.configs.len() {
            let config = &plan.configs[index];
            let stage = Stage {
                of: &progress,
                index,
                count,
            };
            let trainer = SgdTrainer::new(config, &sgd, &data);
            let trainer = trainer.with_validation(rows.clone(), labels)?;
            let epochs = sgd.params().epochs;
            let (trainer, trace, seconds) = walk(trainer, epochs, keeper, &stage)?;
            let found = judge(&trainer.model()?, &parts.validation, settings)?;
            let done = trainer.state().progress();
            let is_best = sgd.params().patience.is_some();
            keeper.judged.push(Judged {
                lambda: config.lambda(),
                correct: found.correct,
                total: found.total,
                epochs: Some(if is_best {
                    done.best_epoch
                } else {
                    done.epochs
                }),
                seconds,
                trace,
                left_out: None,
            });
        }
    }
    let judged = keeper.judged.clone();
    let chosen = chosen(&judged);
    let config = &plan.configs[chosen];
    progress.head("fitting all rows");
    let stage = Stage {
        of: &progress,
        index: count - 1,
        count,
    };
    let data = parts.data(&parts.whole, &plan.class_weight, settings.level)?;
    // No rows are left to judge by.
    let params = SgdParams {
        patience: None,
        ..sgd.params()
    };
    let trainer = SgdTrainer::new(config, &params.check()?, &data);
    let epochs = judged[chosen].epochs.unwrap_or(params.epochs);
    let (trainer, trace, seconds) = walk(trainer, epochs, keeper, &stage)?;
    let model = trainer.model()?;
    // Running statistics penalise the weights of another scale, for which there is no bound.
    let has_bound = params.running_statistics.is_none();
    let certificate = has_bound.then(|| certificate(config, &data, &model));
    let certificate = certificate.transpose()?;
    let last = Fitted {
        objective: match &certificate {
            Some(found) => found.objective,
            None => objective(config, &data, &model, &trainer.parameters())?,
        },
        model,
        gap: certificate.and_then(|found| found.gap),
        stationarity: certificate.map(|found| found.stationarity),
        converged: None,
        passes: None,
        epochs: Some(trainer.state().progress().epochs),
        seconds,
        trace,
    };
    Ok(Fits {
        judged,
        chosen,
        chosen_by: BY_VALIDATION,
        last,
    })
}

/// Epoch by epoch, each of them kept, from where the run was left if it was in this fit.
fn walk<'d, 'a, T: Element>(
    mut trainer: SgdTrainer<'d, 'a, T>,
    epochs: u32,
    keeper: &mut Keeper<'_>,
    stage: &Stage<'_>,
) -> Result<(SgdTrainer<'d, 'a, T>, Vec<Point>, f64)> {
    let (mut trace, mut before) = (Vec::new(), 0.0);
    if let Some(begun) = keeper.take_begun() {
        trainer = trainer.resume(begun.state)?;
        (trace, before) = (begun.trace, begun.seconds);
    }
    let started = Instant::now();
    let seconds = || before + started.elapsed().as_secs_f64();
    while trainer.state().progress().epochs < epochs {
        let report = match trainer.run_epoch(stage) {
            Err(LinearError::Cancelled) => return Err(stopped(&trainer, epochs, keeper, stage)),
            report => report?,
        };
        let Some(report) = report else { break };
        trace.push(Point {
            s: seconds(),
            objective: report.objective,
            gap: None,
            epoch: Some(report.epoch),
            train_accuracy: Some(report.train.value()),
            val_accuracy: report.validation.map(|found| found.value()),
        });
        keeper.save(trainer.state(), &trace, seconds())?;
    }
    Ok((trainer, trace, seconds()))
}

/// The end that Ctrl-C brings: what is done is kept already.
fn stopped<T: Element>(
    trainer: &SgdTrainer<'_, '_, T>,
    epochs: u32,
    keeper: &Keeper<'_>,
    stage: &Stage<'_>,
) -> anyhow::Error {
    if !keeper.has_written() {
        return Interrupted.into();
    }
    let done = trainer.state().progress().epochs;
    let (fit, fits) = (stage.index + 1, stage.count);
    Kept {
        done: format!("epoch {done} of {epochs} of fit {fit} of {fits}"),
        checkpoint: keeper.path().to_owned(),
    }
    .into()
}

/// How good the model as it is written is.
pub(super) fn certificate<T: Element>(
    config: &LinearConfig,
    data: &LinearData<'_, T>,
    model: &LinearModel,
) -> Result<Certificate> {
    let at = data.affine().unfold(model)?;
    Ok(Certificate::of(config, data, &at)?)
}

/// At the model as it is written; the penalty is that of the weights that the solver saw.
fn objective<T: Element>(
    config: &LinearConfig,
    data: &LinearData<'_, T>,
    model: &LinearModel,
    parameters: &Parameters,
) -> Result<f64> {
    let at = data.affine().unfold(model)?;
    let loss = Objective::new(config, data).evaluate(&at, None, None);
    Ok(loss + config.penalty_term(&parameters.weight))
}
